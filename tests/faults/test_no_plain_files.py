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
from impact_eval.pipeline.protocol import protocol_record
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


def codes(tell: Callable[[], object]) -> set[str]:
    """Return by what a call is refused, or what faults it gives; it must answer at all."""
    try:
        found = tell()
    except ImpactEvalError as error:
        return set(error.codes)
    return {fault.code for fault in found} if isinstance(found, tuple) else set()


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


# by which a pipe is refused; a link to a device leaves the folder, and may be refused for that
REFUSED = {
    "study.toml": {"study_not_found"},
    "donnees.csv": {"file_not_found", "path_outside_study"},
    "donnees.codes.toml": {"file_not_found", "not_a_plain_file"},
    "publications.json": {"releases_damaged"},
    "oubli.json": {"forgotten_damaged"},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_STUDY)
def test_of_a_study(made, tmp_path, computed, name, kind):
    folder = Path(shutil.copytree(made, tmp_path / "etude"))
    replaced(folder / name, kind)
    refused = codes(lambda: open_study(Study.read(folder)).faults)
    refused |= codes(lambda: run(folder, fresh=True))
    codes(lambda: state_of(folder))
    assert (folder / name).is_symlink() or (folder / name).is_fifo()
    if name == "protocole.json":
        assert refused == set()
        assert protocol_record(Study.read(folder)).readable is False
    else:
        assert refused
        assert refused <= REFUSED[name]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_EDITION)
def test_of_an_edition(made, tmp_path, computed, name, kind):
    folder = Path(shutil.copytree(made, tmp_path / "etude"))
    before = of_the_user(folder)
    other = Path(shutil.copytree(made, tmp_path / "autre"))
    replaced(folder / "sortie" / name, kind)
    codes(lambda: state_of(folder))
    codes(lambda: edition_diff(folder, other))
    codes(lambda: find_leaks(folder / "sortie"))
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
