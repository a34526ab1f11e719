"""The JSON Schemas shipped say what the models say, and every key has its words."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from impact_eval.pipeline.schema import FOLDER, schemas, text_of

NAMES = ["study-1.json", "results-2.json", "outputs-1.json"]


@pytest.mark.parametrize("name", NAMES)
def test_shipped_schema_is_up_to_date(name: str) -> None:
    shipped = (FOLDER / name).read_text(encoding="utf-8")
    assert shipped == text_of(schemas()[name]), "run: python -m impact_eval.pipeline.schema"


@pytest.mark.parametrize("name", NAMES)
def test_shipped_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((FOLDER / name).read_text("utf-8")))


def _keys(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for model in (schema, *schema.get("$defs", {}).values()):
        for key, declared in model.get("properties", {}).items():
            yield model["title"], key, declared


@pytest.mark.parametrize("name", NAMES)
def test_every_key_has_words(name: str) -> None:
    silent = [
        f"{model}.{key}"
        for model, key, declared in _keys(schemas()[name])
        if model != "AuthorText" and not declared.get("description")
    ]
    assert not silent


def test_no_two_records_share_a_name() -> None:
    """Words are found by the name of a record: two of one name would take each other's."""
    assert [name for name in schemas()["results-2.json"]["$defs"] if "__" in name] == []


def test_a_record_keeps_the_words_of_those_it_extends() -> None:
    found = schemas()["results-2.json"]["$defs"]
    assert found["CurveRecord"]["properties"]["p_value"]["description"] == "Two-sided."
    assert found["SyntheticFitRow"]["properties"]["rmspe"]["description"]
    for name in ("PretrendsCheck", "BalanceCheck"):
        said = found[name]["properties"]["status"]["description"]
        assert said == "Passed, warning, failed, or not applicable."


@pytest.mark.parametrize(
    "study", ["association_avant_apres", "mobilite_bassins", "rendez_vous_droits"]
)
def test_example_studies_fit_the_schema(root: Path, study: str) -> None:
    raw = tomllib.loads((root / "datasets" / study / "study.toml").read_text("utf-8"))
    jsonschema.Draft202012Validator(schemas()["study-1.json"]).validate(raw)


def test_an_unknown_key_does_not_fit(root: Path) -> None:
    raw = tomllib.loads((root / "datasets/rendez_vous_droits/study.toml").read_text("utf-8"))
    raw["study"]["titel"] = "x"
    with pytest.raises(jsonschema.ValidationError, match="titel"):
        jsonschema.Draft202012Validator(schemas()["study-1.json"]).validate(raw)
