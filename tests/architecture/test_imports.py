"""Imports point down, the door opens fast, and the base install is free to use."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

NUMERICAL = ("numpy", "pandas", "scipy", "matplotlib", "statsmodels", "pyarrow", "duckdb")
COPYLEFT = re.compile(r"\bA?GPL|Affero|GNU General Public", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|Lesser", re.IGNORECASE)


def test_import_contracts(root: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    "statement",
    [
        "import impact_eval",
        "from impact_eval.core import Finding",
        "import impact_eval.report.texts",
    ],
)
def test_importing_loads_no_numerical_library(root: Path, statement: str) -> None:
    code = f"{statement}\nimport sys\nprint(*sorted(set(sys.modules) & set({NUMERICAL!r})))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


# What `check` never needs: what draws, runs notebooks, fits models of others, or frames a help.
NOT_FOR_CHECK = (
    *("matplotlib", "seaborn", "statsmodels", "linearmodels", "sklearn", "duckdb", "polars"),
    *(
        "openpyxl",
        "xlsxwriter",
        "docx",
        "typst",
        "nbformat",
        "nbclient",
        "nbconvert",
        "papermill",
        "IPython",
    ),
    *("jupyter_client", "pygments", "rich", "markdown_it"),
    *("scipy.stats", "scipy.optimize", "scipy.sparse"),
)
OUR_OWN_NOT_FOR_CHECK = (
    "impact_eval.designs.synthetic_did",  # a method that the study does not name
    "impact_eval.designs.contract.checks_by_name",
    "impact_eval.diagnostics",
    "impact_eval.value",
    "impact_eval.report.html",
    "impact_eval.report.figures",
    "impact_eval.pipeline.runner",
)


@pytest.mark.parametrize("study", ["mobilite_bassins", "rendez_vous_droits"])
def test_check_loads_what_it_needs_alone(root: Path, study: str) -> None:
    """It opens the data and answers in about a second: loading took most of its time."""
    code = (
        "import sys\nfrom impact_eval import cli\n"
        f"sys.argv = ['impact-eval', 'check', {str(root / 'datasets' / study / 'study.toml')!r}]\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print('LOADED', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split("LOADED", 1)[1].split())
    assert "impact_eval.pipeline.opening" in loaded
    named = {"impact_eval.value"} if study == "mobilite_bassins" else set()  # it has a value map
    assert named <= loaded
    assert loaded.isdisjoint({*NOT_FOR_CHECK, *OUR_OWN_NOT_FOR_CHECK} - named)


# What a declaration is checked without: tables, arithmetic, designs, records of results.
NOT_WITHOUT_DATA = (
    *(*NUMERICAL, *NOT_FOR_CHECK, *OUR_OWN_NOT_FOR_CHECK),
    *("impact_eval.designs.base", "impact_eval.data.reading", "impact_eval.data.forgotten"),
    *("impact_eval.pipeline.opening", "impact_eval.stats", "impact_eval.results.record_base"),
)
TRIES = 4
SHORTEST = 0.015  # processor seconds of an empty interpreter: below, the clock is too coarse
FEW, SEVERAL = 30, 50  # starts of it: 18 and 33 where they were measured; 120 with the tables


@pytest.fixture
def without_data(root: Path, tmp_path: Path) -> Path:
    written = (root / "datasets" / "mobilite_bassins" / "study.toml").read_text("utf-8")
    (tmp_path / "study.toml").write_text(written.replace("\nperiod =", "\nperoid ="), "utf-8")
    return tmp_path


def test_check_without_data_loads_neither_tables_nor_designs(
    root: Path, without_data: Path
) -> None:
    """One key misspelt and no table, then no table alone: all is told, at once."""
    code = (
        "import sys\nfrom impact_eval import cli\nsys.argv = ['impact-eval', *sys.argv[1:]]\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert end.code == 1\n"
        "print('LOADED', *sys.modules)"
    )
    study = without_data / "study.toml"
    for codes in (["unknown_key", "missing_key", "file_not_found"], ["file_not_found"]):
        done = subprocess.run(
            [sys.executable, "-c", code, "check", "--json", str(without_data)],
            cwd=root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        told, loaded = done.stdout.split("LOADED", 1)
        assert {finding["code"] for finding in json.loads(told)} == set(codes)
        assert set(loaded.split()).isdisjoint(NOT_WITHOUT_DATA)
        study.write_text(study.read_text("utf-8").replace("peroid", "period"), "utf-8")


def test_a_help_and_a_refusal_cost_a_few_starts_of_the_interpreter(without_data: Path) -> None:
    command = "import sys\nfrom impact_eval.cli import main\nsys.argv[0] = 'impact-eval'\nmain()"
    start = max(_fewest_seconds("pass"), SHORTEST)
    assert _fewest_seconds("import impact_eval") < 8 * start
    assert _fewest_seconds(command, "--help") < FEW * start
    assert _fewest_seconds(command, "check", str(without_data)) < SEVERAL * start


def _fewest_seconds(code: str, *arguments: str) -> float:
    """Return the processor time of a program: the least of several, since machines are shared."""
    spent = []
    for _ in range(TRIES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent)


def test_every_public_name_loads() -> None:
    import impact_eval

    assert [n for n in impact_eval.__all__ if getattr(impact_eval, n, None) is None] == []


def _closure(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """Return the distributions that a base install brings, by following what each requires."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(name, extras)]
    while waiting:
        current, asked = waiting.pop()
        if (current, asked) in seen:
            continue
        seen.add((current, asked))
        try:
            required = distribution(current).requires or []
        except PackageNotFoundError:
            continue  # for another platform or Python
        for line in required:
            wanted = Requirement(line)
            tried = [{"extra": extra} for extra in asked] or [{"extra": ""}]
            if wanted.marker is None or any(wanted.marker.evaluate(env) for env in tried):
                waiting.append((wanted.name.lower(), frozenset(wanted.extras)))
    return {found for found, _ in seen}


def _licence(name: str) -> str:
    """Return what a distribution says of its licence, or the head of its text."""
    try:
        told = distribution(name).metadata
    except PackageNotFoundError:
        return ""
    classified = [c for c in told.get_all("Classifier") or [] if c.startswith("License")]
    expression = told.get("License-Expression")
    if expression or classified:
        return " ".join([expression or "", *classified])
    return (told.get("License") or "").strip()[:200]


def test_base_install_has_no_copyleft() -> None:
    closure = _closure("impact_eval")
    assert len(closure) > 40, "the dependencies were not followed"
    strict = {
        name: licence
        for name in closure
        if (licence := _licence(name)) and COPYLEFT.search(LESSER.sub("", licence))
    }
    assert not strict


def test_a_command_does_not_pay_for_what_jupyterlab_brings() -> None:
    """Its grammars of web addresses take a second to build, and no key of ours needs them."""
    code = (
        "import sys\nfrom impact_eval import cli\nsys.argv = ['impact-eval', 'methods']\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\nimport nbformat.validator\n"
        "print([m for m, found in sys.modules.items() if m.startswith('rfc3987') and found])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
