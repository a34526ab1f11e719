"""No circle of imports, not even one hidden inside functions; those that wait there say why."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

GRAPH = runpy.run_path(str(Path(__file__).with_name("graph.py")))

# A command loads what it needs when it is called, and a door what is asked of it.
DOORS = ("impact_eval", "impact_eval.cli", "impact_eval.cli_editions", "impact_eval.cli_scales")
# What else waits for a call, and what it would cost at the head of the file.
LATER = {
    ("impact_eval.pipeline.kernel_start", "impact_eval.pipeline.kernel_walls"): (
        "the kernel's program is started by its path: this package is loaded from there first"
    ),
    ("impact_eval.pipeline.kernel_start", "impact_eval.pipeline.run_folder"): (
        "the same: its own package comes first"
    ),
    ("impact_eval.pipeline.study", "impact_eval.pipeline.columns_used"): (
        "reading a study file loads no table library: `check` refuses at once"
    ),
    ("impact_eval.pipeline.opening", "impact_eval.pipeline.map_checked"): (
        "the same: what values an effect is loaded when a value map is there"
    ),
    ("impact_eval.pipeline.study", "impact_eval.pipeline.study_shown"): (
        "the same: the words are loaded when a study shows itself"
    ),
    ("impact_eval.pipeline.study", "impact_eval.data.forgotten"): (
        "the same: the list is read when there is one"
    ),
    ("impact_eval.pipeline.method_checks", "impact_eval.designs"): (
        "the same: the designs are asked when others were added to the shipped ones"
    ),
    ("impact_eval.pipeline.method_checks", "impact_eval.pipeline.methods_declared"): (
        "the same: a design is made when it alone can tell a fault"
    ),
    ("impact_eval.designs.shipped", "impact_eval.designs"): (
        "the same: the classes are read when the file of their options is written"
    ),
    **dict.fromkeys(
        [
            ("impact_eval.designs.shipped", "impact_eval.stats.inference.covariances"),
            ("impact_eval.designs.shipped", "impact_eval.stats.inference.covariances.corrections"),
            ("impact_eval.designs.shipped", "impact_eval.stats.inference.covariances.robust"),
        ],
        "the same: what designs take is asked when that file is written",
    ),
    ("impact_eval.pipeline.study_models", "impact_eval.results.parts"): (
        "the same: records are built when there are results to hold"
    ),
    ("impact_eval.pipeline.study_checks", "impact_eval.data.layout"): (
        "the same: a heading is laid out when there is a table"
    ),
    ("impact_eval.pipeline.study_checks", "impact_eval.data.waves"): (
        "the same: waves are looked at when the file names some"
    ),
    ("impact_eval.pipeline.declared_codes", "impact_eval.data.codebook"): (
        "the same, and `status`: a codebook is read when a study declares one"
    ),
    ("impact_eval.pipeline.state_told", "impact_eval.pipeline.job"): (
        "`status` answers at once where nothing was run: what a run depends on is read after one"
    ),
    ("impact_eval.pipeline.protocol", "impact_eval.results.study_records"): (
        "the same: records are built when there are results to hold"
    ),
    ("impact_eval.pipeline.editions", "impact_eval.pipeline.exporters"): (
        "a kernel reads the ledger of editions: what writes pages is loaded where one is written"
    ),
    ("impact_eval.results.estimates", "impact_eval.designs"): (
        "results are read where no statistics are: the options are held to a design that is there"
    ),
}


@pytest.fixture(scope="module")
def found() -> list[Any]:
    return list(GRAPH["all_imports"]())


def _edges(found: list[Any]) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = {name: set() for name in GRAPH["modules"]()}
    for one in found:
        edges[one.source].add(one.target)
    return edges


def test_no_module_goes_in_a_circle(found: list[Any]) -> None:
    circles = GRAPH["circles"](_edges(found))
    assert circles == []


def test_what_waits_inside_a_function_says_why(found: list[Any]) -> None:
    later = {(one.source, one.target) for one in found if one.inside}
    unsaid = {pair for pair in later - set(LATER) if pair[0] not in DOORS}
    assert sorted(unsaid) == [], "import at the head of the file, or say what it would cost"


def test_no_reason_is_kept_for_nothing(found: list[Any]) -> None:
    later = {(one.source, one.target) for one in found if one.inside}
    assert sorted(set(LATER) - later) == []


# -- the graph itself ------------------------------------------------------------------------


KNOWN = dict.fromkeys(["impact_eval", "impact_eval.a", "impact_eval.a.b", "impact_eval.c"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import impact_eval.c", [("impact_eval.c", False)]),
        ("from impact_eval.a import b", [("impact_eval.a.b", False)]),
        ("from impact_eval.a import Thing", [("impact_eval.a", False)]),
        ("from impact_eval.a.b import thing", [("impact_eval.a.b", False)]),
        ("def f():\n    from impact_eval.c import d", [("impact_eval.c", True)]),
        ("class A:\n    from impact_eval.c import d", [("impact_eval.c", False)]),
        ("if TYPE_CHECKING:\n    from impact_eval.c import d", []),
        (
            "try:\n    import impact_eval.c\nexcept ImportError:\n    pass",
            [("impact_eval.c", False)],
        ),
        ("import numpy\nfrom pathlib import Path", []),
    ],
)
def test_the_graph_sees_what_is_imported(text: str, expected: list[tuple[str, bool]]) -> None:
    seen = GRAPH["imports"]("impact_eval.x", text, KNOWN)
    assert [(one.target, one.inside) for one in seen] == expected


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}}, [["a", "b"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, [["a", "b", "c"]]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d", "a"}, "d": {"c"}}, [["a", "b"], ["c", "d"]]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, []),
    ],
)
def test_the_circles_are_found(edges: dict[str, set[str]], expected: list[list[str]]) -> None:
    assert sorted(GRAPH["circles"](edges)) == expected
