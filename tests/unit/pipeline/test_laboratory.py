"""`lab`: the kernel of the laboratory takes no module from the study's folder."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from impact_eval.cli import app
from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline import laboratory
from impact_eval.pipeline.laboratory import (
    LabNotebook,
    kernel_home,
    lab_environment,
    lab_notebook,
    open_laboratory,
)
from impact_eval.pipeline.templates import template_path

TEMPLATE = template_path("study_report")


def jupyterlab_told(monkeypatch, found):
    real = importlib.util.find_spec

    def told(name, package=None):
        return found if name == "jupyterlab" else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", told)


@pytest.fixture(autouse=True)
def with_jupyterlab(monkeypatch):
    """JupyterLab is said to be there; no test opens it."""
    jupyterlab_told(monkeypatch, object())


def notebook_with(folder, **changes):
    path = folder / "study_report.ipynb"
    told = json.loads(TEMPLATE.read_text("utf-8"))
    path.write_text(json.dumps({**told, **changes}), "utf-8")
    return path


def test_the_template_is_written_where_there_is_none(tmp_path):
    made = lab_notebook(tmp_path)
    assert made == LabNotebook(tmp_path / "study_report.ipynb", ours=True)
    assert made.path.read_bytes() == TEMPLATE.read_bytes()


def test_the_same_cells_with_outputs_are_those_of_the_template(tmp_path):
    cells = json.loads(TEMPLATE.read_text("utf-8"))["cells"]
    code = next(cell for cell in cells if cell["cell_type"] == "code")
    code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["fait"]}]
    path = notebook_with(tmp_path, cells=cells)
    before = path.read_bytes()
    assert lab_notebook(tmp_path).ours
    assert path.read_bytes() == before


def test_another_notebook_is_said_to_be_another(tmp_path):
    cells = json.loads(TEMPLATE.read_text("utf-8"))["cells"]
    cells[-1]["source"] = ["import os"]
    assert not lab_notebook(notebook_with(tmp_path, cells=cells).parent).ours


@pytest.mark.parametrize("text", ["", "{", "[]", "étude"])
def test_what_is_no_notebook_is_not_the_template(tmp_path, text):
    (tmp_path / "study_report.ipynb").write_text(text)
    assert not lab_notebook(tmp_path).ours


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_or_a_link_is_not_the_template_and_is_not_waited_on(tmp_path):
    os.mkfifo(tmp_path / "study_report.ipynb")
    assert not lab_notebook(tmp_path).ours
    (tmp_path / "autre").mkdir()
    (tmp_path / "autre" / "study_report.ipynb").symlink_to(TEMPLATE)
    assert not lab_notebook(tmp_path / "autre").ours


def test_without_jupyterlab_nothing_is_written(tmp_path, monkeypatch):
    jupyterlab_told(monkeypatch, None)
    with pytest.raises(ImpactEvalError) as refused:
        lab_notebook(tmp_path)
    assert refused.value.codes == ("extra_missing",)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("own", "lines"), [("the template", 0), ("another", 1)])
def test_the_command_says_when_the_notebook_is_another(tmp_path, monkeypatch, own, lines):
    opened = []
    monkeypatch.setattr(laboratory, "open_laboratory", opened.append)
    if own == "another":
        notebook_with(tmp_path, cells=[])
    done = CliRunner().invoke(app, ["lab", str(tmp_path)])
    assert done.exit_code == 0
    assert opened == [tmp_path / "study_report.ipynb"]
    assert len(done.output.splitlines()) == lines
    assert ("study_report.ipynb" in done.output) == bool(lines)


@pytest.mark.parametrize(("language", "words"), [("fr", "tel quel"), ("en", "opened as it is")])
def test_the_warning_is_in_the_users_words(language, words):
    from impact_eval.report.texts import Texts

    assert words in Texts(language).say("cli.lab.another", file="study_report.ipynb")


# -- JupyterLab and its kernel ------------------------------------------------------------------


def test_jupyterlab_finds_our_kernel_while_it_is_open_and_nothing_stays(tmp_path, monkeypatch):
    seen = {}

    def opening(command, *, env, check):
        home = Path(env["JUPYTER_PATH"].split(os.pathsep)[0])
        spec = json.loads((home / "kernels" / "python3" / "kernel.json").read_text("utf-8"))
        seen.update(command=command, env=env, home=home, argv=spec["argv"])

    monkeypatch.setattr(subprocess, "run", opening)
    monkeypatch.chdir(tmp_path)
    open_laboratory(Path("-x") / "study_report.ipynb")
    notebook = str(tmp_path / "-x" / "study_report.ipynb")
    assert seen["command"] == [sys.executable, "-P", "-s", "-m", "jupyterlab", notebook]
    assert seen["argv"] == [
        sys.executable, "-P", "-s", "-m", "ipykernel_launcher",
        "--InteractiveShellApp.ignore_cwd=True", "-f", "{connection_file}",
    ]  # fmt: skip
    assert (seen["env"]["PYTHONSAFEPATH"], seen["env"]["PYTHONNOUSERSITE"]) == ("1", "1")
    assert not seen["home"].exists()


def test_modules_told_from_the_present_folder_are_left_out(tmp_path):
    here, there = str(tmp_path / "a"), str(tmp_path / "b")
    given = {"PYTHONPATH": os.pathsep.join(["", here, ".", "lib", there]), "JUPYTER_PATH": "j"}
    made = lab_environment(given, tmp_path)
    assert made["PYTHONPATH"].split(os.pathsep) == [here, there]
    assert made["JUPYTER_PATH"].split(os.pathsep) == [str(tmp_path), "j"]
    alone = lab_environment({"PYTHONPATH": ".", "HOME": "h"}, tmp_path)
    assert alone == {
        "HOME": "h", "JUPYTER_PATH": str(tmp_path), "PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1",
    }  # fmt: skip


OPEN = """
import subprocess, sys
from pathlib import Path
from impact_eval import cli
from impact_eval.pipeline import laboratory

real = subprocess.run
def waiting(command, *, env, check):
    print(env["JUPYTER_PATH"].split(":")[0], flush=True)
    real([sys.executable, "-c", "import time; time.sleep(60)"], env=env, check=check)
laboratory.importlib.util.find_spec = lambda name: name
laboratory.subprocess.run = waiting
sys.argv[1:] = ["lab", sys.argv[1]]
cli.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_terminal_that_is_closed_leaves_no_folder(tmp_path, name):
    environment = {key: value for key, value in os.environ.items() if key != "JUPYTER_PATH"}
    asked = subprocess.Popen(
        [sys.executable, "-c", OPEN, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert asked.stdout is not None
    home = Path(asked.stdout.readline().strip())
    assert (home / "kernels").is_dir()
    time.sleep(0.2)
    asked.send_signal(getattr(signal, name))
    assert asked.wait(timeout=20) == 130
    asked.stdout.close()
    assert not home.exists()


def said_by_a_kernel(folder, code):
    """Start the kernel that notebooks get, in a folder, and return what a cell prints."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder))
    printed = []
    try:
        client.execute_interactive(
            code, timeout=60,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )  # fmt: skip
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(printed)


def test_a_kernel_of_the_laboratory_imports_no_module_of_the_study(tmp_path, monkeypatch):
    pytest.importorskip("jupyter_client")
    pytest.importorskip("ipykernel")
    study = tmp_path / "etude"
    study.mkdir()
    trace = tmp_path / "ran"
    for name in ("pydantic", "colorsys", "of_the_study"):
        (study / f"{name}.py").write_text(f"open({str(trace)!r}, 'a').write('{name} ')\n")
    with kernel_home() as home:
        for name, value in lab_environment(os.environ, home).items():
            monkeypatch.setenv(name, value)
        said = said_by_a_kernel(
            study,
            "import sys, os, colorsys, pydantic, importlib.util as u\n"
            "here = os.getcwd()\n"
            "print(here, u.find_spec('of_the_study'), '' in sys.path, here in sys.path,"
            " hasattr(pydantic, 'BaseModel'), hasattr(colorsys, 'rgb_to_hsv'))",
        )
    assert said.split() == [str(study.resolve()), "None", "False", "False", "True", "True"]
    assert not trace.exists()
