"""What people install: a wheel built from the clone runs the example with the network cut off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from impact_eval.pipeline.states import RunState, read_status

DEMO = "import sys; sys.argv = ['impact-eval', 'demo']; from impact_eval.cli import main; main()"
WHERE = "import impact_eval; print(impact_eval.__file__)"
REACH = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=3)"


def cut_off() -> list[str]:
    """Return what runs a command without a network, or skip where the system has nothing for it."""
    for words in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if shutil.which(words[0]) and subprocess.run([*words, "true"], check=False).returncode == 0:
            return words
    pytest.skip("this system cannot cut the network off")


@pytest.mark.long
def test_a_wheel_runs_the_example_without_a_network(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    kept = shutil.ignore_patterns(
        ".venv", ".git", "_build", "__pycache__", ".*_cache", ".hypothesis"
    )
    shutil.copytree(root, source, ignore=kept)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    shutil.rmtree(source)
    site = tmp_path / "site"
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    work = tmp_path / "work"
    work.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*cut_off(), sys.executable, "-P", "-c", code], cwd=work, env=environment, text=True,
            capture_output=True, check=False,
        )  # fmt: skip

    assert run(WHERE).stdout.strip() == str(site / "impact_eval" / "__init__.py")
    assert "unreachable" in run(REACH).stderr
    done = run(DEMO)
    assert done.returncode == 0, done.stdout + done.stderr
    out = work / "impact-eval-demo" / "sortie"
    status = read_status(out)
    assert status is not None
    assert status.state is RunState.DONE
    assert {"rapport-fr.html", "report-en.html", "results.json"} <= set(status.outputs)
