"""A folder that was received is data: no file of it is a program, whatever its name."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from small_studies import arms, head, two_groups, work

from impact_eval.pipeline.notebook import Execution, RunStatus, execute
from impact_eval.pipeline.run_folder import LOCK, MARK, run_folder

CELLS = 'study = "study.toml"\nlanguage = "fr"'
OUTSIDE = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

# What a stranger's folder may hold, hoping that somebody runs it: its path, and how it speaks.
PYTHON = (
    "pydantic.py", "json.py", "typing.py", "numpy.py", "pandas/__init__.py",
    "impact_eval/__init__.py", "impact_eval.py", "matplotlib/__init__.py",
    "IPython/__init__.py", "ipykernel/__init__.py",
    "traitlets.py", "zmq.py", "bottleneck.py", "numexpr/__init__.py", "polars.py", "evil.py",
    "sitecustomize.py", "usercustomize.py", "conftest.py", "setup.py", "__init__.py", "__main__.py",
    "ipython_config.py", "ipython_kernel_config.py",
    "jupyter_config.py", "jupyter_client_config.py",
    "profile_default/startup/00-first.py", "profile_default/ipython_config.py",
    ".ipython/profile_default/startup/00-first.py",
    ".ipython/profile_default/ipython_kernel_config.py",
    ".ipython/extensions/storemagic.py", ".jupyter/jupyter_config.py", ".pythonrc.py", ".pdbrc",
    ".local/lib/python3.11/site-packages/usercustomize.py",
    ".local/lib/python3.12/site-packages/usercustomize.py",
    ".config/matplotlib/evil.py", "etude/__init__.py",
)  # fmt: skip
TEXTS = {
    "evil.pth": "import evil\n",
    ".local/lib/python3.11/site-packages/evil.pth": "import evil\n",
    "matplotlibrc": "backend: module://evil\nfont.size: 77\ntext.usetex: True\n",
    ".config/matplotlib/matplotlibrc": "backend: module://evil\nfont.size: 77\n",
    "evil-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
    "evil-1.dist-info/entry_points.txt": "[impact_eval.readers]\nevil = evil:X\n"
    "[papermill.engine]\nevil = evil:X\n[pandas_plotting_backends]\nevil = evil\n",
    ".env": "PYTHONPATH=.\nIMPACT_EVAL_LANGUAGE=en\n",
    "pyvenv.cfg": "home = .\n",
    "python311._pth": ".\nimport site\n",
    "jupyter_config.json": '{"IPKernelApp": {"exec_lines": ["import evil"]}}',
    "ipython_config.json": '{"InteractiveShellApp": {"exec_lines": ["import evil"]}}',
}


def later(*values: object) -> object:
    """A case of the long suite."""
    return pytest.param(*values, marks=pytest.mark.long)


def plant(folder: Path, mark: Path) -> None:
    """Put every kind of program in a folder; each leaves its name beside `mark` when it runs."""
    for name in PYTHON:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(mark)!r}, 'a').write({name!r} + '\\n')\n", encoding="utf-8")
    for name, text in TEXTS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def executed(folder: Path, source: str, **options: object) -> Execution:
    """Execute one cell in the kernel of a folder."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in (CELLS, textwrap.dedent(source))]
    notebook.cells[0].metadata["tags"] = ["parameters"]
    notebook.cells[1].metadata["tags"] = ["compute"]
    path = folder.parent / "template.ipynb"
    nbformat.write(notebook, path)
    return execute(path, {}, folder=folder, **options)


def told(done: Execution) -> object:
    """What the last cell printed, as JSON."""
    assert done.status is RunStatus.OK, done.notebook.cells[-1].outputs
    return json.loads("".join(o["text"] for o in done.notebook.cells[-1].outputs if "text" in o))


EVERYTHING = """
import json, sys, os, importlib
import importlib.metadata as md
import impact_eval as ie
ie.designs.designs.get("did"), ie.evaluate, ie.Report, ie.Portfolio, ie.read_table
import pydantic, numpy, pandas, typing, zmq, traitlets, matplotlib.pyplot, openpyxl
from impact_eval.report.figures.drawing import style
with style():
    size = matplotlib.rcParams["font.size"]
found = {}
for name in ("evil", "bottleneck", "numexpr", "etude", "conftest", "usercustomize"):
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    found[name] = sys.modules[name].__file__
sys.path[:0] = ["", os.getcwd(), os.path.join(os.getcwd(), ".ipython")]
importlib.invalidate_caches()
try:
    import evil
except ImportError:
    pass
del sys.path[:3]
import subprocess
print(json.dumps({
    "size": size, "found": found, "cwd": os.getcwd(), "path": sys.path,
    "home": os.path.expanduser("~"), "environ": sorted(os.environ),
    "hash": os.environ["PYTHONHASHSEED"], "drawn": matplotlib.get_backend(),
    "points": [p.name for p in md.entry_points(group="impact_eval.readers")],
    "data": open("data.txt").read(), "key": os.environ.get("IMPACT_EVAL_KEY"),
}))
"""


def test_no_program_of_a_received_folder_runs(tmp_path, monkeypatch):
    """Fifty places at once, with an environment that points to the folder everywhere."""
    folder, mark = tmp_path / "etude", tmp_path / "executed.txt"
    folder.mkdir()
    plant(folder, mark)
    (folder / "data.txt").write_text("data", encoding="utf-8")
    here = str(folder)
    places = os.pathsep.join(["", ".", here, str(tmp_path), f"{here}/.ipython/extensions"])
    for name, value in {
        "PYTHONPATH": places, "HOME": here, "PYTHONUSERBASE": f"{here}/.local",
        "PYTHONSTARTUP": f"{here}/evil.py", "IPYTHONDIR": f"{here}/.ipython",
        "JUPYTER_CONFIG_DIR": here, "JUPYTER_CONFIG_PATH": here, "JUPYTER_PATH": here,
        "MPLCONFIGDIR": here, "MATPLOTLIBRC": here, "XDG_CONFIG_HOME": f"{here}/.config",
        "PYTHONINSPECT": "1", "PYTHONBREAKPOINT": "evil.x", "PYTHONWARNINGS": "error::evil.X",
        "LD_PRELOAD": "", "SECRET_TOKEN": "x", "IMPACT_EVAL_KEY": "k" * 32,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    seen = told(executed(folder, EVERYTHING))
    assert not mark.exists(), mark.read_text("utf-8")
    assert seen["found"] == {}
    assert seen["points"] == [] or "evil" not in seen["points"]
    assert (seen["size"], seen["drawn"].lower()) == (8.8, "agg")
    assert Path(seen["cwd"]) == folder.resolve()
    assert not [p for p in seen["path"] if Path(p or ".").resolve() in (folder, tmp_path)]
    assert not seen["home"].startswith(here)
    assert (seen["hash"], seen["data"], seen["key"]) == ("0", "data", "k" * 32)
    kept = set(seen["environ"])
    assert not kept & {"SECRET_TOKEN", "PYTHONPATH", "PYTHONSTARTUP", "LD_PRELOAD", "PYTHONINSPECT"}


@pytest.mark.parametrize(
    "words", [("check", "."), later(("--help",)), later(("methods", "--json"))]
)
def test_the_command_runs_nothing_of_the_folder_it_stands_in(tmp_path, root, words):
    folder, mark = tmp_path / "etude", tmp_path / "executed.txt"
    folder.mkdir()
    plant(folder, mark)
    (folder / "study.toml").write_text(head() + arms() + work(), encoding="utf-8")
    (folder / "donnees.csv").write_text("\n".join(two_groups(240, 120)) + "\n", encoding="utf-8")
    for name in ("impact_eval.py", "impact_eval/__init__.py"):  # this one Python itself runs
        (folder / name).unlink()
    done = subprocess.run(
        [sys.executable, "-m", "impact_eval.cli", *words], cwd=folder, capture_output=True,
        check=False, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not mark.exists(), mark.read_text("utf-8")


CLOSED = """
import importlib, json, sys
from pathlib import Path
from impact_eval.pipeline.kernel_walls import close_folder
root = Path(sys.argv[1])
sys.path += [str(root), str(root / "study" / "lib")]
close_folder(root / "study", sys.path)
sys.path += [str(root / "study"), str(root / "study" / "deep")]
found = []
for name in ("beside", "inlib", "instudy", "indeep"):
    try:
        importlib.import_module(name)
        found.append(name)
    except ImportError:
        pass
print(json.dumps(found))
"""


def test_only_what_python_itself_imports_from_stays_open_in_the_folder(tmp_path, root):
    """A study inside a folder of the search path is closed; an environment inside it is not."""
    for place in ("beside", "study/lib/inlib", "study/instudy", "study/deep/indeep"):
        path = tmp_path / f"{place}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", CLOSED, str(tmp_path)], capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert json.loads(done.stdout) == ["beside", "inlib"]


WAYS_OUT = """
import json, os, socket, subprocess, urllib.request
def tried(way):
    try:
        way()
    except OSError as error:
        return type(error).__name__
    return "done"
def connected(address, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as line:
        line.settimeout(2)
        line.sendto(b"x", address) if kind == socket.SOCK_DGRAM else line.connect(address)
def bound():
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
one, two = socket.socketpair()
one.send(b"x")
print(json.dumps({
    "connect": tried(lambda: connected(("192.0.2.1", 80))),
    "loopback": tried(lambda: connected(("127.0.0.1", 9))),
    "datagram": tried(lambda: connected(("192.0.2.1", 53), kind=socket.SOCK_DGRAM)),
    "bind": tried(bound),
    "name": tried(lambda: socket.getaddrinfo("example.org", 80)),
    "url": tried(lambda: urllib.request.urlopen("http://192.0.2.1/", timeout=2)),
    "program": tried(lambda: subprocess.run(["true"])),
    "shell": tried(lambda: os.system("true")),
    "fork": tried(os.fork),
    "pair": two.recv(1).decode(),
    "interfaces": [name for _, name in socket.if_nameindex()],
}))
"""


@OUTSIDE
def test_no_way_out(tmp_path):
    folder = tmp_path / "etude"
    folder.mkdir()
    seen = told(executed(folder, WAYS_OUT))
    network = {seen[key] for key in ("connect", "loopback", "datagram", "bind", "name")}
    assert network == {"NetworkRefused"}
    assert seen["url"] == "URLError"
    assert {seen[key] for key in ("program", "shell", "fork")} == {"ProcessRefused"}
    assert seen["pair"] == "x"
    if os.getuid() == 0:
        assert set(seen["interfaces"]) <= {"lo", "sit0", "ip6tnl0", "tunl0"}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("import socket; socket.create_connection(('192.0.2.1', 80))", "network_refused"),
        later("import subprocess; subprocess.run(['true'])", "process_refused"),
        later("def deep(n): return deep(n + 1)\ndeep(0)", "nested_too_deep"),
        ("import numpy as np; x = np.ones(300_000_000)", "memory_full"),
        later("x = [bytes(1_000_000) for _ in range(5_000)]", "memory_full"),
    ],
)
@OUTSIDE
def test_what_is_refused_is_told_in_words(tmp_path, monkeypatch, source, code):
    monkeypatch.setenv("IMPACT_EVAL_MOST_MEMORY_MB", "1000")
    folder = tmp_path / "etude"
    folder.mkdir()
    done = executed(folder, source)
    assert done.status is RunStatus.FAILED
    assert [finding.code for finding in done.findings] == [code]


@pytest.mark.long
def test_a_run_that_lasts_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setenv("IMPACT_EVAL_MOST_RUN_SECONDS", "6")
    folder = tmp_path / "etude"
    folder.mkdir()
    done = executed(folder, "import time; time.sleep(60)")
    assert done.status is RunStatus.TIMEOUT
    assert [finding.code for finding in done.findings] == ["run_timeout"]


# -- the temporary folder --------------------------------------------------------------------


@pytest.fixture
def temporary(monkeypatch):
    """A temporary folder of the machine that is the test's own, with a short name."""
    folder = Path(tempfile.mkdtemp(prefix="t"))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    monkeypatch.undo()
    folder.rmdir()  # it is empty


@OUTSIDE
@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        pytest.param("1 / 0", marks=pytest.mark.long),
        "import os, signal; os.kill(os.getpid(), 9)",
    ],
)
def test_nothing_is_left_of_a_run(tmp_path, temporary, source):
    folder = tmp_path / "etude"
    folder.mkdir()
    done = executed(folder, source)
    assert (done.status is RunStatus.OK) == (source == "x = 1")
    if "kill" in source:
        assert [finding.code for finding in done.findings] == ["run_killed"]
    assert list(temporary.iterdir()) == []
    assert list(folder.iterdir()) == []


def test_a_long_temporary_folder_is_no_obstacle(tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 100)
    folder = tmp_path / "etude"
    for path in (deep, folder):
        path.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert executed(folder, "x = 1").status is RunStatus.OK
    assert list(deep.iterdir()) == []


def started(folder: Path, temporary: Path) -> subprocess.Popen[bytes]:
    """Start the command on a study that takes its time, and wait for its kernel."""
    rows = two_groups(240, 120)
    (folder / "study.toml").write_text(head() + arms() + work(), encoding="utf-8")
    (folder / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    command = subprocess.Popen(
        [sys.executable, "-m", "impact_eval.cli", "run", str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    end = time.monotonic() + 120
    while time.monotonic() < end and not list(temporary.glob("ie-*/k-ipc-1")):
        assert command.poll() is None
        time.sleep(0.02)
    return command


@OUTSIDE
@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_leaves_nothing_and_no_orphan(tmp_path, temporary, number):
    folder = tmp_path / "etude"
    folder.mkdir()
    command = started(folder, temporary)
    family = psutil.Process(command.pid).children(recursive=True)
    assert family
    command.send_signal(number)
    code = command.wait(timeout=30)
    assert code != 0
    end = time.monotonic() + 10  # a killed command leaves it to its kernel
    while number == signal.SIGKILL and time.monotonic() < end and list(temporary.iterdir()):
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []
    assert psutil.wait_procs(family, timeout=10)[1] == []


@OUTSIDE
@pytest.mark.long
def test_the_next_run_sweeps_what_a_killed_pair_left(tmp_path, temporary):
    folder = tmp_path / "etude"
    folder.mkdir()
    command = started(folder, temporary)
    family = psutil.Process(command.pid).children(recursive=True)
    for process in family:
        process.suspend()  # so that it cannot tidy up
    command.kill()
    command.wait()
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=10)
    assert list(temporary.iterdir()) != []
    with run_folder() as run:
        assert list(temporary.iterdir()) == [run.path]


@OUTSIDE
def test_only_abandoned_folders_of_ours_are_swept(temporary):
    child = subprocess.Popen(["true"])
    child.wait()
    abandoned, in_use = f"ie-{child.pid}-abc", f"ie-{os.getppid()}-abc"
    for name in (abandoned, in_use, "ie-foreign", "other", f"ie-{child.pid}-UPPER"):
        (temporary / name).mkdir()
        (temporary / name / LOCK).write_bytes(MARK)
    (temporary / f"ie-{child.pid}-link").symlink_to(temporary / "other")
    with run_folder() as run:
        left = {path.name for path in temporary.iterdir()} - {run.path.name}
    assert left == {in_use, "ie-foreign", "other", f"ie-{child.pid}-UPPER", f"ie-{child.pid}-link"}
    for path in temporary.iterdir():
        path.unlink() if path.is_symlink() else shutil.rmtree(path)
