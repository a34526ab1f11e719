"""No kernel without a user: reached from a door, or in the researcher's reference with an example.

A door is a name of `impact_eval.__all__` or of one of its rooms, a command, a cell of a template, a
block of a page, an entry point. What is named on the way down from there is reached.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

READ = runpy.run_path(str(Path(__file__).with_name("reachable.py")))
ROOT: Path = READ["ROOT"]
FLOORS = ("core", "stats", "data", "survey", "designs", "diagnostics", "plan", "value", "results",
          "portfolio", "report", "pipeline")  # fmt: skip
Node = tuple[str, str]

WAITING: dict[str, str] = {}


def _rooms() -> list[dict[str, Any]]:
    return list(tomllib.loads((ROOT / "docs/kernels.toml").read_text("utf-8"))["room"])


def _node(kernel: str) -> Node:
    module, _, name = kernel.rpartition(".")
    return module, name


LISTED = [kernel for room in _rooms() for kernel in room["kernels"]]
FROM_DOORS = READ["reached"](frozenset(READ["doors"]()))
FROM_LIST = READ["reached"](frozenset(map(_node, LISTED)))
PUBLIC: dict[Node, ast.stmt] = {n: d for floor in FLOORS for n, d in READ["public"](floor)}


def _waits(node: Node) -> str | None:
    whole = ".".join(node)
    return next((k for k in WAITING if whole == k or whole.startswith(f"{k}.")), None)


def test_the_source_was_read() -> None:
    assert len(PUBLIC) > 1_200
    assert len(READ["doors"]()) > 80
    assert ("impact_eval.stats.panels.drdid", "dr_panel") not in PUBLIC  # names are checked below
    caller = FROM_DOORS["impact_eval.stats.planning.power", "required_size"]
    assert caller == ("impact_eval.plan.detection", "size_needed")


def test_every_definition_has_a_user_or_a_place_in_the_reference() -> None:
    lost = [
        ".".join(node)
        for node in PUBLIC
        if node not in FROM_DOORS and node not in FROM_LIST and _waits(node) is None
    ]
    assert lost == [], "give it a door, its place in docs/kernels.toml, or take it away"


def test_nothing_waits_that_has_its_door() -> None:
    waiting = {_waits(node) for node in PUBLIC if node not in FROM_DOORS and node not in FROM_LIST}
    assert set(WAITING) - waiting == set()


def test_the_reference_lists_what_no_door_reaches() -> None:
    assert len(LISTED) == len(set(LISTED))
    gone = [kernel for kernel in LISTED if _node(kernel) not in PUBLIC]
    assert gone == [], "they are no public definitions"
    reached = [kernel for kernel in LISTED if _node(kernel) in FROM_DOORS]
    assert reached == [], "a door calls them now"


@pytest.mark.parametrize("kernel", LISTED)
def test_a_kernel_of_the_reference_has_a_docstring_an_example_and_a_test(kernel: str) -> None:
    module, name = _node(kernel)
    docs = ast.get_docstring(PUBLIC[module, name]) or ""  # type: ignore[arg-type]  # a definition
    assert docs
    room = next(room for room in _rooms() if kernel in room["kernels"])
    assert room["use"]
    word = re.compile(rf"\b{name}\b")
    assert ">>>" in docs or word.search(room.get("example", "")), "no example"
    files = (ROOT / "tests").rglob("*.py")
    assert any(word.search(file.read_text("utf-8")) for file in files), "no test names it"


@pytest.mark.parametrize("room", _rooms(), ids=lambda room: room["title"])
def test_the_examples_of_the_reference_run(room: dict[str, Any]) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    parser, finder = doctest.DocTestParser(), doctest.DocTestFinder(recurse=False)
    if "example" in room:
        runner.run(parser.get_doctest(room["example"], {}, room["title"], None, 0))
    for kernel in room["kernels"]:
        module, name = _node(kernel)
        home = importlib.import_module(module)
        for test in finder.find(getattr(home, name), name, globs=dict(vars(home))):
            runner.run(test)
    assert runner.tries > 0
    assert runner.failures == 0


def test_a_name_nobody_names_is_seen() -> None:
    """The counter itself: cut off the verb, and all that it alone called is lost."""
    doors = {node for node in READ["doors"]() if node[0] != "impact_eval.plan.rollouts"}
    left = READ["reached"](frozenset(doors))
    assert ("impact_eval.plan.rollouts", "Rollout") not in left
    assert ("impact_eval.stats.planning.power", "required_size") in left
