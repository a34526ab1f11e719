"""Each leaf of the results has a reader: the report, the portfolio, the gate, or a named user.

A field counts as read when a module above the records takes it as an attribute, or when a text
asks for it by name. What is only there to compute further is listed, with its user, in
`docs/result_readers.toml`, from which the reference page is made.
"""

from __future__ import annotations

import ast
import tomllib
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from impact_eval.report.texts import Texts, placeholders
from impact_eval.results.records import StudyResults

# The first two write the records, and the attack on an output folder only looks for small counts:
# neither is a reading.
FILLED_BY = ("record.py", "soft.py", "score_", "leak")
# `account_from_record` gives them back to the value floor.
READ_BACK = ("account_records", "value_map_records")
DRAWN = (
    "BalanceRow",
    "HonestRowRecord",
)  # the rows of the other checks are printed whole, as tables


def _models(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for inner in typing.get_args(annotation) for model in _models(inner)}


def _reachable() -> set[type[BaseModel]]:
    seen: set[type[BaseModel]] = set()
    todo: list[type[BaseModel]] = [StudyResults]
    while todo:
        model = todo.pop()
        if model not in seen:
            seen.add(model)
            todo += [m for f in model.model_fields.values() for m in _models(f.annotation)]
    return seen


def _attributes(files: Iterable[Path]) -> set[str]:
    """Return the names read as attributes; assignments and keyword arguments are no reading."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in files)
    return {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def _said() -> set[str]:
    """Return the values that the texts ask for by name."""
    texts = Texts("fr")
    return {name for code in texts.codes() for name, _ in placeholders(texts.source(code))}


@pytest.fixture(scope="module")
def unread(root: Path) -> set[str]:
    """Leaves that no module and no text reads, as `Model.field`."""
    package = root / "impact_eval"
    files = [p for floor in ("report", "portfolio") for p in (package / floor).rglob("*.py")]
    files += [p for p in (package / "pipeline").glob("*.py") if not p.name.startswith(FILLED_BY)]
    files += (package / "results").glob("gate*.py")
    above, said = _attributes(files), _said()
    back = _attributes((package / "value").rglob("*.py"))
    found = set()
    for model in _reachable():
        room, name = model.__module__.rsplit(".", 1)[-1], model.__name__
        if (
            room.startswith("check")
            and name.removesuffix("Record").endswith("Row")
            and name not in DRAWN
        ):
            continue
        known = above | (back if room in READ_BACK else set())
        known |= said if room.startswith("check") else set()
        found |= {f"{name}.{field}" for field in model.model_fields if field not in known}
    return found


@pytest.fixture(scope="module")
def readers(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "docs" / "result_readers.toml").read_text(encoding="utf-8"))


def test_each_leaf_is_read_or_has_a_named_user(unread: set[str], readers: dict[str, Any]) -> None:
    listed = [leaf for entry in readers["further"] for leaf in entry["leaves"]]
    assert len(listed) == len(set(listed))
    assert all(entry["why"] for entry in readers["further"]), "say why the report is not enough"
    assert unread - set(listed) == set(), "nobody reads them: name their user, or take them away"


def test_what_is_listed_is_there_and_printed_nowhere(
    unread: set[str], readers: dict[str, Any]
) -> None:
    listed = {leaf for entry in readers["further"] for leaf in entry["leaves"]}
    assert listed - unread == set(), "something reads them now, or they are gone"


def test_each_part_of_the_file_has_its_readers(readers: dict[str, Any]) -> None:
    assert {part["name"] for part in readers["part"]} == set(StudyResults.model_fields) - {
        "schema_"
    }


def test_two_records_never_share_a_name() -> None:
    """The schema, its words and this list are by name."""
    names = [model.__name__ for model in _reachable()]
    assert len(names) == len(set(names))
