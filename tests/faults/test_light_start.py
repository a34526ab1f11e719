"""The command answers at once: what is loaded at its start is counted in processor time.

The bounds are those promised (0.3 s for a help page, 0.1 s for an import) beyond an empty process,
and three times as much: a shared machine is slower than a quiet one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_study import write_study

resource = pytest.importorskip("resource")


def seconds(*arguments: str) -> float:
    """Return the least processor time of three runs."""
    least = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], capture_output=True, check=False, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        least = min(least, spent)
    return least


@pytest.fixture(scope="module")
def empty() -> float:
    return seconds("-c", "pass")


def test_the_import_is_light(empty: float) -> None:
    assert seconds("-c", "import impact_eval") - empty < 3 * 0.1


def test_the_help_is_light(empty: float) -> None:
    assert seconds("-m", "impact_eval.cli", "--help") - empty < 3 * 0.3


@pytest.fixture(scope="module")
def without_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose table is nowhere, with a covariance of its own, and that was never run."""
    folder = write_study(tmp_path_factory.mktemp("sans") / "etude")
    (folder / "donnees.csv").unlink()
    text = (folder / "study.toml").read_text("utf-8")
    named = text.replace('"difference_in_means"', '"difference_in_means"\ncovariance = "HC3"')
    assert named != text
    (folder / "study.toml").write_text(named, encoding="utf-8")
    return folder


@pytest.mark.parametrize("verb", ["check", "status"])
def test_an_answer_without_data_is_light(verb: str, empty: float, without_data: Path) -> None:
    assert seconds("-m", "impact_eval.cli", verb, str(without_data)) - empty < 3 * 0.3


# what none of these answers needs: each was loaded once by one of them, and told by its time
COMPUTING = ("numpy", "pandas", "scipy", "statsmodels", "pyarrow", "openpyxl", "matplotlib")
NOTEBOOKS = ("nbformat", "nbconvert", "papermill", "nbclient", "jupyter_client", "IPython", "zmq",
             "jsonschema", "jupyterlab")  # fmt: skip
DRAWING = ("rich.markdown", "rich.traceback", "pygments")
OURS = ("impact_eval.designs.base", "impact_eval.data.layout", "impact_eval.data.labels",
        "impact_eval.results.records", "impact_eval.pipeline.job", "impact_eval.pipeline.kernel",
        "impact_eval.pipeline.opening")  # fmt: skip
HEAVY = (*COMPUTING, *NOTEBOOKS, *DRAWING, *OURS)
ANSWERS = {
    ("--help",): ("portfolio", (*HEAVY, "pydantic")),
    ("check",): ("[file_not_found]", (*HEAVY, "rich")),
    ("status",): ("jamais", (*HEAVY, "rich")),
}


@pytest.mark.parametrize("words", ANSWERS)
def test_an_answer_loads_nothing_heavy(words: tuple[str, ...], without_data: Path) -> None:
    said, heavy = ANSWERS[words]
    asked = ["impact-eval", *words, *([] if words == ("--help",) else [str(without_data)])]
    program = (
        f"import sys\nfrom impact_eval.cli import main\nsys.argv = {asked!r}\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"there = [name for name in {heavy!r} if sys.modules.get(name) is not None]\n"
        "print('loaded:', *there)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "IMPACT_EVAL_LANGUAGE": "fr"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded:"
    assert said in done.stdout + done.stderr
