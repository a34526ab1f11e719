"""A pipe or an endless device under any name of a study or of an edition: an answer, at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_study import of_the_user, write_study

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.edition_diff import edition_diff
from impact_eval.pipeline.leaks import find_leaks
from impact_eval.pipeline.opening import open_study
from impact_eval.pipeline.runner import run
from impact_eval.pipeline.state_told import state_of
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.verification import verify

if sys.platform == "win32":
    pytest.skip("pipes and devices of Unix", allow_module_level=True)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


KINDS = (pipe, endless)
OF_STUDY = ("study.toml", "donnees.csv", "donnees.codes.toml", "protocole.json",
            "publications.json", "oubli.json")  # fmt: skip
OF_EDITION = ("status.json", "results.json", "notebook.ipynb", "rapport-fr.html",
              "ro-crate-metadata.json", "controle.json", "autre.txt")  # fmt: skip


def answers(tell: Callable[[], object]) -> str | None:
    """Return the words of a refusal; a test that never answers is stopped by its own clock."""
    try:
        tell()
    except ImpactEvalError as error:
        return str(error)
    return None


def replaced(path: Path, kind: Callable[[Path], None]) -> None:
    path.unlink(missing_ok=True)
    kind(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory, computation):
    folder = write_study(tmp_path_factory.mktemp("made") / "etude")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("impact_eval.pipeline.runner.execute", lambda *_, **__: computation)
        run(folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_STUDY)
def test_of_a_study(made, tmp_path, computed, name, kind):
    folder = Path(shutil.copytree(made, tmp_path / "etude"))
    replaced(folder / name, kind)
    told = answers(lambda: open_study(Study.read(folder)))
    again = answers(lambda: run(folder, fresh=True))
    answers(lambda: state_of(folder))
    assert (folder / name).is_symlink() or (folder / name).is_fifo()
    if name in {"study.toml", "donnees.csv", "oubli.json"}:
        assert told or again
        assert str(tmp_path) not in f"{told}{again}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_EDITION)
def test_of_an_edition(made, tmp_path, computed, name, kind):
    folder = Path(shutil.copytree(made, tmp_path / "etude"))
    before = of_the_user(folder)
    other = Path(shutil.copytree(made, tmp_path / "autre"))
    replaced(folder / "sortie" / name, kind)
    answers(lambda: state_of(folder))
    answers(lambda: edition_diff(folder, other))
    answers(lambda: find_leaks(folder / "sortie"))
    found = verify(folder / "sortie", study=tmp_path / "etude")
    assert name == "status.json" or name in {one.file for one in found.differences}
    run(folder)
    assert (folder / "sortie" / "rapport-fr.html").is_file()
    assert of_the_user(folder) == before


def test_a_command_on_a_pipe_ends(tmp_path):
    folder = write_study(tmp_path / "etude")
    replaced(folder / "study.toml", pipe)
    words = [sys.executable, "-m", "impact_eval.cli", "check", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
