"""Canaries: whatever ends a run, nothing it leaves holds a word of the people of the study."""

from __future__ import annotations

import functools
import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline import runner
from impact_eval.pipeline.leaks import find_leaks
from impact_eval.pipeline.notebook import execute
from impact_eval.pipeline.runner import Stage, run
from impact_eval.pipeline.urgent import OPERATOR_NOTE

CORPUS = SimpleNamespace(**runpy.run_path(str(Path(__file__).parent / "canaries" / "corpus.py")))
EVERY_FORMAT = ("html", "pdf", "docx")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the machine that is the test's own.

    Its path is short: the name of a local socket holds about a hundred characters.
    """
    folder = Path(tempfile.mkdtemp(prefix="c"))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    monkeypatch.undo()
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def inputs_of(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")} | {OPERATOR_NOTE}


def kernels(parent: int) -> list[psutil.Process]:
    """Return the kernels that a process started."""
    return [
        child
        for child in psutil.Process(parent).children(recursive=True)
        if "kernel_start" in " ".join(child.cmdline())
    ]


# -- the fast one -----------------------------------------------------------------------------


def test_one_study_and_its_refusal(tmp_path: Path, temporary: Path) -> None:
    folder = CORPUS.csv_study(tmp_path / "bien")
    inputs = inputs_of(folder)
    done = run(folder)
    assert CORPUS.found_in(folder, inputs) == []
    assert CORPUS.found_in(temporary, set(), machine=False) == []
    report = find_leaks(done.folder)
    assert report.clean, report.to_dict()
    assert report.with_data
    assert report.computed
    assert report.tokens > 300
    refused = CORPUS.csv_study(tmp_path / "refus", column="verbatim")
    inputs = inputs_of(refused)
    with pytest.raises(ImpactEvalError) as error:
        run(refused)
    assert error.value.codes == ("text_outcome",)
    assert CORPUS.found_in(refused, inputs) == []
    assert CORPUS.found_in(temporary, set(), machine=False) == []


def test_the_search_finds_what_is_planted(tmp_path: Path) -> None:
    """The proof is worth what its search is worth: the study's own files are full of hits."""
    for build in (CORPUS.csv_study, CORPUS.workbook_study):
        folder = build(tmp_path / build.__name__)
        assert len(CORPUS.found_in(folder, set())) >= 1


# -- the whole matrix -------------------------------------------------------------------------

STUDIES = {
    "csv": lambda f: CORPUS.csv_study(f, formats=EVERY_FORMAT, value=True),
    "adviser": lambda f: CORPUS.csv_study(f, formats=EVERY_FORMAT, cluster="referent"),
    "workbook": lambda f: CORPUS.workbook_study(f, formats=EVERY_FORMAT),
    "labels": lambda f: CORPUS.labelled_study(f, formats=EVERY_FORMAT),
}
TEMPLATES = {
    "csv": ("study_report", "social_value"),
    "adviser": ("study_report",),
    "workbook": ("study_report", "soft_outcomes"),
    "labels": ("study_report",),
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("study", "template"), [(s, t) for s, templates in TEMPLATES.items() for t in templates]
)
def test_a_run_that_ends_well(tmp_path: Path, temporary: Path, study: str, template: str) -> None:
    folder = STUDIES[study](tmp_path / "etude")
    inputs = inputs_of(folder)
    done = run(folder, template=template)
    assert CORPUS.found_in(folder, inputs) == []
    assert CORPUS.found_in(temporary, set(), machine=False) == []
    assert (folder / "interne").is_dir()
    assert {path.suffix for path in done.reports} == {".html", ".pdf", ".docx"}
    report = find_leaks(done.folder)
    assert report.clean, report.to_dict()


@pytest.mark.long
@pytest.mark.parametrize("options", [{"column": "verbatim"}, {"all_treated": True}])
def test_a_run_that_is_refused(tmp_path: Path, temporary: Path, options: dict[str, object]) -> None:
    folder = CORPUS.csv_study(tmp_path / "etude", formats=EVERY_FORMAT, **options)
    inputs = inputs_of(folder)
    with pytest.raises(ImpactEvalError) as error:
        run(folder)
    assert set(error.value.codes) <= {
        "text_outcome", "no_comparison", "constant_treatment", "rows_lost_to_covariate",
    }  # fmt: skip
    assert CORPUS.found_in(folder, inputs) == []
    assert CORPUS.found_in(temporary, set(), machine=False) == []


@pytest.mark.long
def test_a_run_that_times_out(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CORPUS.csv_study(tmp_path / "etude")
    inputs = inputs_of(folder)
    monkeypatch.setattr(runner, "execute", functools.partial(execute, timeout=1))
    with pytest.raises(ImpactEvalError) as error:
        run(folder)
    assert error.value.codes == ("run_timeout",)
    assert CORPUS.found_in(folder, inputs) == []
    assert CORPUS.found_in(temporary, set(), machine=False) == []


@pytest.mark.long
@pytest.mark.parametrize("cell", [1, 3, 6])
def test_a_kernel_that_is_killed(tmp_path: Path, temporary: Path, cell: int) -> None:
    folder = CORPUS.csv_study(tmp_path / "etude")
    inputs = inputs_of(folder)

    def progress(stage: Stage, done: int, total: int) -> None:
        if stage is Stage.EXECUTE and done == cell:
            for kernel in kernels(os.getpid()):
                kernel.kill()

    with pytest.raises(ImpactEvalError) as error:
        run(folder, progress=progress)
    assert error.value.codes == ("run_killed",)
    assert CORPUS.found_in(folder, inputs) == []
    assert CORPUS.found_in(temporary, set(), machine=False) == []


def _run_alone(folder: str, reached: str, until: str) -> None:
    """Run a study up to a step, and wait there for whoever will kill it."""

    def progress(stage: Stage, done: int, total: int) -> None:
        Path(reached).write_text(f"{stage.value} {done}", encoding="utf-8")
        if f"{stage.value} {done}" == until:
            time.sleep(240)

    run(folder, progress=progress)


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
@pytest.mark.parametrize("until", ["execute 2", "execute 6", "export 0"])
def test_a_process_that_is_killed(tmp_path: Path, temporary: Path, until: str) -> None:
    folder = CORPUS.csv_study(tmp_path / "etude", formats=EVERY_FORMAT)
    inputs = inputs_of(folder)
    reached = tmp_path / "reached"
    alone = multiprocessing.get_context("spawn").Process(
        target=_run_alone, args=(str(folder), str(reached), until)
    )
    alone.start()
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and alone.is_alive():
        if reached.exists() and reached.read_text(encoding="utf-8") == until:
            break
        time.sleep(0.02)
    assert alone.pid is not None
    assert alone.is_alive(), "it ended before it could be killed"
    started = kernels(alone.pid)
    os.kill(alone.pid, signal.SIGKILL)
    alone.join()
    for kernel in started:  # its parent is dead: nobody else would end it
        kernel.kill()
    assert CORPUS.found_in(folder, inputs) == []
    assert CORPUS.found_in(temporary, set(), machine=False) == []
    done = run(folder)  # and the next run is whole
    assert CORPUS.found_in(folder, inputs) == []
    assert find_leaks(done.folder).clean
