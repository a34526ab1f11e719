"""Proof travels: seeded oracles run in any clone, few others are skipped, nothing lies there
unused.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from oracle_count import MOST_SKIPPED, SEEDED, SWITCH, WHOLE, OracleCount
from second_rung import SecondRung

from impact_eval.designs import designs
from impact_eval.survey import instruments

OTHER = "tests/oracles/test_other.py::test_"


def counted(*, skipped: int, total: int = 1000, **how: bool) -> OracleCount:
    count = OracleCount(**({"strict": True, "whole": True, "real_data": False} | how))
    for i in range(total):
        count.record(f"{OTHER}{i}", skipped=i < skipped)
    return count


def test_one_in_ten_may_be_skipped_where_the_real_data_are_not() -> None:
    assert MOST_SKIPPED == 0.1
    assert counted(skipped=100).faults() == []
    assert counted(skipped=101).faults() == [
        "101 of 1000 oracle tests skipped: more than one in ten"
    ]
    assert counted(skipped=101, strict=False).faults() == []


def test_none_may_be_skipped_where_the_real_data_are() -> None:
    assert counted(skipped=0, real_data=True).faults() == []
    assert [fault.split(":")[0] for fault in counted(skipped=2, real_data=True).faults()] == [
        "tests/oracles/test_other.py",
        "tests/oracles/test_other.py",
    ]


def test_a_seeded_oracle_is_never_skipped() -> None:
    count = counted(skipped=0, strict=False, whole=False)
    count.record(f"{SEEDED}trial.py::test_x", skipped=False)
    count.record(f"{SEEDED}trial.py::test_x", skipped=True)  # in one phase is enough
    count.record(f"{SEEDED}trial.py::test_x", skipped=False)
    assert len(count.faults()) == 1


def test_a_fast_run_without_the_oracles_is_a_fault() -> None:
    assert len(counted(skipped=0, total=WHOLE - 1).faults()) == 1
    assert counted(skipped=0, total=0, whole=False).faults() == []  # the long run
    count = OracleCount(strict=True, whole=False, real_data=False)
    count.record("tests/unit/test_x.py::test_y", skipped=True)
    assert count.outcomes == {}


def run_pytest(root: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    support = root / "tests" / "support"
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {support}\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"]
    plain = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # no other plugin: faster
    return subprocess.run(
        command, cwd=folder, env=plain, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("body", "code"), [("pass", 0), ("pytest.skip('no file')", 1)])
def test_the_run_fails(root: Path, tmp_path: Path, body: str, code: int) -> None:
    """A whole session: a seeded oracle test that skips turns a green run red, without any
    switch.
    """
    folder = tmp_path / "tests" / "oracles"
    folder.mkdir(parents=True)
    (tmp_path / "tests" / "conftest.py").write_text(
        (root / "tests" / "conftest.py").read_text("utf-8"), "utf-8"
    )
    source = f"import pytest\n\ndef test_x():\n    {body}\n"
    (folder / "test_seeded_x.py").write_text(source, "utf-8")
    done = run_pytest(root, tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("ORACLE NOT RUN" in done.stdout) == bool(code)


def test_the_check_of_a_clone_is_strict(root: Path) -> None:
    assert f"export {SWITCH}=1" in (root / ".ci" / "run").read_text("utf-8")


RUNG = SecondRung()
SEEN: list[tuple[int, str]] = []


@RUNG
@pytest.mark.parametrize(("n", "said"), [(1, "a"), (2, "b")])
@pytest.mark.parametrize("more", ["x", "y"])
def check_pairs(n: int, said: str, more: str, rng: object) -> None:
    SEEN.append((n, said + more))


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder stands for the real data: what the rung does with them is not in question here."""
    return tmp_path


def test_a_rung_runs_every_parameter(
    request: pytest.FixtureRequest, subtests: pytest.Subtests
) -> None:
    names = [name for name, _, _ in RUNG.cases()]
    assert names == ["pairs[1-a-x]", "pairs[1-a-y]", "pairs[2-b-x]", "pairs[2-b-y]"]
    SEEN.clear()
    RUNG.run(request, subtests)
    assert SEEN == [(1, "ax"), (1, "ay"), (2, "bx"), (2, "by")]


RUNG_THAT_FAILS = """
import pytest
from second_rung import SecondRung

from impact_eval.designs import designs
from impact_eval.survey import instruments

RUNG = SecondRung()

@pytest.fixture
def shared(tmp_path):
    return tmp_path

@RUNG
@pytest.mark.parametrize("n", [1, 2, 3])
def check_small(n):
    assert n != 2, "two is not small"

def test_on_numbers(request, subtests):
    RUNG.run(request, subtests)
"""


def test_a_check_that_fails_is_named_and_stops_no_other(root: Path, tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(RUNG_THAT_FAILS, "utf-8")
    done = run_pytest(root, tmp_path)
    assert done.returncode == 1
    assert "SUBFAILED[small[2]]" in done.stdout
    assert "two is not small" in done.stdout
    assert "2 subtests passed" in done.stdout


@pytest.fixture(scope="module")
def named(root: Path) -> set[str]:
    """Every name written in a seeded oracle test; f-strings by their constant parts."""
    found: set[str] = set()
    for path in sorted((root / "tests" / "oracles").glob("test_seeded_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        found |= {
            n.value
            for n in ast.walk(tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, str)
        }
    return found


def spelled(name: str, named: set[str]) -> bool:
    """Whether the name, or a beginning and an end that make it up, are written in a test."""
    if name in named:
        return True
    inside = range(1, len(name))
    parts = [name[:i] in named and (name[i:] in named or name[i:].isdigit()) for i in inside]
    middle = [
        name[:i] in named and name[j:] in named and name[i:j].isdigit()
        for i in inside for j in inside if i < j
    ]  # fmt: skip
    return any(parts) or any(middle)


def test_every_seeded_file_is_used_or_has_its_reason(root: Path, named: set[str]) -> None:
    folder = root / "tests" / "oracles" / "seeded"
    waiting = tomllib.loads((folder / "waiting.toml").read_text("utf-8"))
    files = {f"{kind}/{p.stem}" for kind in ("data", "results") for p in (folder / kind).iterdir()}
    assert len(files) > 100
    unused = {name for name in files if not spelled(name.split("/")[1], named)}
    listed = {f"{kind}/{name}" for kind in ("data", "results") for name in waiting[kind]}
    assert unused == listed, "use it in a test, or give its reason in waiting.toml"
    assert all(reason for kind in ("data", "results") for reason in waiting[kind].values())


def test_every_result_names_its_program_and_its_script(root: Path) -> None:
    """What was called, with which versions; its row in the README names the script that gives it
    again.
    """

    folder = root / "tests" / "oracles" / "seeded"
    readme = (folder / "README.md").read_text("utf-8")
    for path in sorted((folder / "results").glob("*.json")):
        stored = json.loads(path.read_text("utf-8"))
        assert stored["case"] == path.stem
        assert stored["call"], path.stem
        assert isinstance(stored["packages"], dict), path.stem
        assert f"| {path.stem} |" in readme or "by_hand" in path.stem, path.stem
    scripts = {p.name for p in (folder / "r").glob("[0-9]*.R")}
    assert {name for name in scripts if f"r/{name}" not in readme} == set()


REAL = {"shared", "reference", "real_data", "subtests"}


@pytest.fixture(scope="module")
def held_anywhere(root: Path) -> set[str]:
    """Names and words in the oracle modules, without what needs the real data."""
    found: set[str] = set()
    for path in sorted((root / "tests" / "oracles").glob("test_*.py")):
        body = ast.parse(path.read_text("utf-8")).body
        kept = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom)]
        for node in kept:
            if isinstance(node, ast.FunctionDef):
                asked = {argument.arg for argument in node.args.args}
                if node.name.startswith("check_") or asked & REAL:
                    continue
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name):
                    found.add(inner.id)
                elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    found.add(inner.value)
    return found


def test_every_estimator_is_held_in_any_clone(held_anywhere: set[str]) -> None:
    own = [design for design in designs if design.__module__.startswith("impact_eval.")]
    known = [design.__name__ for design in own]
    assert len(known) >= 13
    assert [name for name in known if name not in held_anywhere] == []


def test_every_score_is_held_in_any_clone(held_anywhere: set[str]) -> None:
    counted = {"alkire-foster": "alkire_foster", "energy-poverty-onpe": "energy_poverty",
               "goal-attainment-scaling": "goal_attainment"}  # fmt: skip
    known = [scale.id for scale in instruments()]
    assert len(known) >= 25
    assert [name for name in known if counted.get(name, name) not in held_anywhere] == []
