"""Fiscal cases of the map's own: mixed from the catalogue, or computed from statute."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.report.texts import render_error
from impact_eval.value import ValueMap, catalogue
from impact_eval.value.map.choices import Agent
from impact_eval.value.map.fiscal_cases import engine_available

Make = Callable[..., Any]
LINE = {"proxy": None, "kind": None, "receiver": None, "case": "ours", "per_year": 12}
FULL, HALF = "rsa_single_to_full_smic", "rsa_single_to_half_smic"
MIX = {"id": "ours", "mix": {FULL: 3, HALF: 1}}


def tables(make_tables: Make, case: dict[str, Any]) -> dict[str, Any]:
    return {**make_tables(**LINE), "cases": [case]}


def amounts(value_map: ValueMap) -> dict[str, Decimal]:
    return {flow.name: flow.amount.value for flow in value_map.lines[0].price.bundle}


def test_a_mix_is_the_average_of_its_cases(make_tables: Make) -> None:
    value_map = ValueMap.from_dict(tables(make_tables, MIX))
    full, half = (
        {flow.name: flow.amount.value for flow in catalogue().case(name).flows}
        for name in (FULL, HALF)
    )
    assert amounts(value_map) == {name: (3 * full[name] + half[name]) / 4 for name in full}
    assert value_map.account().balance.closes


def test_another_body_pays_the_rsa(make_tables: Make) -> None:
    value_map = ValueMap.from_dict(tables(make_tables, {**MIX, "rsa_payer": "État"}))
    payers = {flow.name: flow.payer for flow in value_map.lines[0].price.bundle}
    assert payers["rsa"] is Agent.STATE
    assert {a.payer for a in value_map.account().avoided} == {Agent.STATE}


@pytest.mark.parametrize("name", ["carte.toml", "carte.xlsx"])
def test_own_cases_are_written_and_read_back(name: str, tmp_path: Path, make_tables: Make) -> None:
    value_map = ValueMap.from_dict(tables(make_tables, MIX))
    value_map.write(tmp_path / name)
    assert ValueMap.read(tmp_path / name).cases == value_map.cases


STATUTE = {"id": "ours", "month": "2025-06", "wage_before": 0, "wage_after": "1801.80"}


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ({"id": "ours"}, "case_without_change"),
        ({**MIX, **STATUTE}, "case_without_change"),
        ({"id": "ours", "month": "2025-06"}, "case_without_change"),
        ({"id": "ours", "mix": {"nobody": 1}}, "unknown_case"),
        ({"id": "ours", "mix": "half"}, "mix_not_readable"),
        ({**MIX, "children": -1}, "negative_amount"),
        ({**STATUTE, "wage_after": "a lot"}, "not_a_number"),
    ],
)
def test_a_wrong_case_is_refused_in_words(case: Any, code: str, make_tables: Make) -> None:
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(tables(make_tables, case))
    assert code in caught.value.codes
    for language in ("fr", "en"):
        assert render_error(caught.value, language)


@pytest.mark.skipif(engine_available(), reason="OpenFisca is here: nothing is refused")
def test_without_the_engine_the_map_says_what_to_do(make_tables: Make) -> None:
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(tables(make_tables, STATUTE))
    assert caught.value.codes[0] == "engine_missing"
    assert FULL in render_error(caught.value, "fr")


@pytest.mark.skipif(not engine_available(), reason="needs OpenFisca (impact_eval[fiscal])")
def test_statute_gives_the_shipped_case(make_tables: Make) -> None:
    value_map = ValueMap.from_dict(tables(make_tables, STATUTE))
    shipped = {flow.name: float(flow.amount.value) for flow in catalogue().case(FULL).flows}
    found = {name: float(amount) for name, amount in amounts(value_map).items()}
    assert found == pytest.approx(shipped, abs=0.02)
