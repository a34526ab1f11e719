"""What a results file may hold, to the leaf: what cannot be is refused, in words."""

from __future__ import annotations

import ast
import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.schema import results_schema
from impact_eval.report.texts import render_error
from impact_eval.results.gate import release
from impact_eval.results.record_base import Number, People, Record, Rule, Statistic
from impact_eval.results.records import SCHEMA, StudyResults

Place = tuple[str | int, ...]
# leaves that may be a number or a text by nature: the label of a period, and what a sentence needs
EITHER = {"group", "time", "values", "options"}


def refused(data: object) -> str:
    """Return the words of the refusal, in both languages."""
    with pytest.raises(ImpactEvalError) as caught:
        StudyResults.from_dict(data)
    assert caught.value.codes == ("results_invalid",)
    words = [render_error(caught.value, language) for language in ("fr", "en")]
    assert all("Traceback" not in text and len(text) > 40 for text in words)
    return words[0]


def leaves(data: object, place: Place = ()) -> Iterator[tuple[Place, object]]:
    """Yield every node below the root with its place."""
    items: Any = ()
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    for key, value in items:
        yield (*place, key), value
        yield from leaves(value, (*place, key))


def put(data: dict[str, Any], place: Place, value: object) -> dict[str, Any]:
    """Return a copy of a tree with another value at a place."""
    out = copy.deepcopy(data)
    node: Any = out
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return out


def test_a_leaf_that_declares_nothing_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="n: no disclosure rule"):

        class Silent(Record):
            n: int

    class Spoken(Record):
        n: People
        x: Statistic
        y: Number

    assert Spoken.rules == {"n": Rule.PEOPLE, "x": Rule.STATISTIC, "y": Rule.FREE}


def test_written_and_read_back_exactly(compared: StudyResults, scored: StudyResults) -> None:
    for results in (compared, scored, release(compared).results, release(scored).results):
        text = results.to_json()
        assert StudyResults.from_dict(json.loads(text)).to_json() == text


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("estimates", 0, "estimate", "effects"), "banana"),
        (("estimates", 0, "estimate", "effects", 0, "std_error"), -3),
        (("estimates", 0, "unit"), "bananas"),
        (("estimates", 0, "evidence"), {"level": 12}),
        (("estimates", 0, "evidence", "level"), 5),
        (("estimates", 0, "estimate", "effects", 0, "p_value"), 1.2),
        (("estimates", 0, "estimate", "effects", 0, "n_treated"), -1),
        (("estimates", 0, "estimate", "effects", 0, "conf_low"), 1e9),
        (("estimates", 0, "estimate", "covariance"), [[1.0, 0.0]]),
        (("estimates", 0, "estimate", "covariance"), [[-1.0]]),
        (("covariance", "matrix"), [[1.0]]),
        (("checks", 0, "check", "status"), "splendid"),
        (("data", "sha256"), "abc"),
        (("study", "pillar"), "bananes"),
        (("study",), {}),
        (("checks", 0, "outcome"), "unheard_of"),
        (("provenance", "seed"), "1"),
    ],
)
def test_what_cannot_be_is_refused(compared: StudyResults, place: Place, value: object) -> None:
    words = refused(put(compared.to_dict(), place, value))
    assert str(place[-1]) in words or str(place[0]) in words or str(value) in words


def test_not_a_number_is_refused(compared: StudyResults) -> None:
    place = ("estimates", 0, "estimate", "effects", 0, "estimate")
    refused(put(compared.to_dict(), place, float("nan")))


def wrong(rng: random.Random, data: dict[str, Any]) -> tuple[Place, dict[str, Any]]:
    """Return results with one random fault: a type, a sign, a bound, a missing or unknown key."""
    nodes = [(p, v) for p, v in leaves(data) if not EITHER & set(map(str, p))]
    while True:
        place, value = rng.choice(nodes)
        match rng.choice(("type", "sign", "bound", "missing", "unknown")):
            case "type" if value is not None:
                if isinstance(value, str):
                    other: object = rng.choice((12, True, [value], {"a": 1}))
                elif isinstance(value, bool):
                    other = rng.choice(("oui", 1, None))
                elif isinstance(value, (int, float)):
                    other = rng.choice(("banana", [value], {"a": 1}))
                else:
                    other = rng.choice(("banana", True))
                return place, put(data, place, other)
            case "sign" if str(place[-1]) in BOUNDED and value:
                return place, put(data, place, -abs(value))
            case "bound" if place[-1] in ("level", "ceiling", "p_value", "conf_level"):
                return place, put(data, place, 12)
            case "missing" if isinstance(place[-1], str):
                out = copy.deepcopy(data)
                node: Any = out
                for key in place[:-1]:
                    node = node[key]
                if "versions" in place or "caps" in place or "dossier" in place[:1]:
                    continue  # tables by name: each name may be there or not
                if place[0] == "dossier" or place[-2:-1] == ("shares",):
                    continue
                if place[-1] in ADDED:
                    continue
                del node[place[-1]]
                return place, out
            case "unknown" if isinstance(value, dict) and place[-1] not in ("versions", "caps"):
                if place[-1] in ("dossier", "shares"):
                    continue
                return place, put(data, place, {**value, "banana": 1})


ADDED = {
    "certain",
    "public",
    "solidity",
    "discount_schedule",
    "keep_until",
    "population",
    "bounds",
    "group",
    "part",
    "weighted",
    "level",
    "error",
    "smallest",
    "bands",
    "norms",
    "lost",
    "heaviest",
    "effect",
    "selected_by",
    "p_corrected",
    "response",
    "agreement",
    "better",
    "answers",
}  # not there in files written before they were: their absence is read
BOUNDED = {
    "std_error", "n_treated", "n_comparison", "n_clusters", "n", "n_rows", "n_units", "p_value",
    "seed", "dropped", "sd", "n_periods", "n_before", "n_after", "threshold", "n_items",
    "smallest_detectable", "level", "detectable_change",
}  # fmt: skip


@pytest.mark.parametrize("name", ["compared", "scored"])
def test_a_thousand_random_faults_are_refused(name: str, request: pytest.FixtureRequest) -> None:
    results: StudyResults = request.getfixturevalue(name)
    data = json.loads(results.to_json())
    rng = random.Random(20240101)
    accepted = []
    for _ in range(500):
        place, broken = wrong(rng, data)
        try:
            StudyResults.from_dict(broken)
        except ImpactEvalError as error:
            if error.codes == ("results_invalid",):
                continue
        accepted.append(place)
    assert not accepted


def test_the_schema_is_closed_to_the_leaf() -> None:
    schema = results_schema()
    open_objects: list[str] = []

    def look(node: Any, path: str) -> None:
        if isinstance(node, dict):
            if node.get("type") == "object":
                more = node.get("additionalProperties")
                if more is not False and not (isinstance(more, dict) and more):
                    open_objects.append(path)
            for key, part in node.items():
                look(part, f"{path}/{key}")
        elif isinstance(node, list):
            for i, part in enumerate(node):
                look(part, f"{path}/{i}")

    look(schema, "")
    assert schema["$id"] == SCHEMA
    assert not open_objects


# libraries that speak in untyped terms: templates, documents, drawings, catalogues, notebooks
BORDERS = {"html.py", "docx.py", "pdf.py", "texts.py", "formats.py", "blocks.py",
           "object_layout.py"}  # fmt: skip


def test_no_any_but_at_a_librarys_border(root: Path) -> None:
    found = []
    for floor in ("results", "portfolio", "report"):
        for path in sorted((root / "impact_eval" / floor).rglob("*.py")):
            border = floor == "report" and (path.name in BORDERS or path.parent.name == "figures")
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                name = getattr(node, "id", None) or getattr(node, "attr", None)
                if not border and name == "Any":
                    found.append(f"{floor}/{path.name}:{node.lineno}")
    assert not found


def test_the_former_format_is_read(root: Path) -> None:
    stored = json.loads((Path(__file__).with_name("results-1.json")).read_text("utf-8"))
    results = StudyResults.from_dict(stored)
    true = stored["estimates"][0]["estimate"]["effects"][0]
    head = results.primary.headline
    assert (head.estimate, head.std_error, head.n_treated) == (
        true["estimate"], true["std_error"], true["n_treated"],
    )  # fmt: skip
    assert results.evidence_level == stored["estimates"][0]["evidence"]["level"]
    assert [s.n for s in results.data.flow] == [s["n"] for s in stored["data"]["flow"]]
    assert StudyResults.from_dict(results.to_dict()) == results


def test_a_damaged_file_of_the_former_format_is_refused() -> None:
    stored = json.loads((Path(__file__).with_name("results-1.json")).read_text("utf-8"))
    for place, value in (
        (("study",), {}),
        (("estimates", 0, "estimate"), "banana"),
        (("estimates", 0, "estimate", "effects", 0, "std_error"), -1.0),
        (("estimates", 0, "unit"), "bananas"),
        (("checks",), "banana"),
    ):
        refused(put(stored, place, value))


def test_a_byte_order_mark_is_no_fault(compared: StudyResults, tmp_path: Path) -> None:
    path = compared.write(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert StudyResults.read(path) == StudyResults.read(compared.write(tmp_path))


def _with_interval() -> list[type[Record]]:
    """Return every record that has an interval, read from the classes themselves."""
    found: list[type[Record]] = []
    queue = [Record]
    while queue:
        for cls in queue.pop().__subclasses__():
            queue.append(cls)
            if {"conf_low", "conf_high"} <= set(cls.model_fields):
                found.append(cls)
    return found


def test_no_record_holds_a_crossed_interval() -> None:
    """Nobody declares it: the base of all records holds each of them to it."""
    kinds = [cls for cls in _with_interval() if cls.__module__.startswith("impact_eval.")]
    assert len(kinds) > 12
    for cls in kinds:
        crossed = cls.model_construct(conf_low=2.0, conf_high=1.0)
        with pytest.raises(PydanticCustomError, match="interval_crossed"):
            crossed._ends_in_order()
        assert cls.model_construct(conf_low=1.0, conf_high=2.0)._ends_in_order()


def test_a_record_that_somebody_adds_is_held_to_it_too() -> None:
    class Added(Record):
        conf_low: Statistic
        conf_high: Statistic

    with pytest.raises(ValidationError, match="interval_crossed"):
        Added(conf_low=2.0, conf_high=1.0)
    assert Added(conf_low=None, conf_high=1.0).conf_high == 1.0
