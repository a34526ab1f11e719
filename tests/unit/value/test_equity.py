"""Equity weights are in the value map: read, refused in words, and told beside the account."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.report.texts import render_error
from impact_eval.value import ValueMap, summarise, tell

Make = Callable[..., Any]
HALF = {"agent": "bénéficiaires", "relative_income": "0.5", "source": "Insee, ERFS 2022"}


def tables(make_tables: Make, *incomes: dict[str, Any], **cells: Any) -> dict[str, Any]:
    return {**make_tables(**cells), "incomes": list(incomes)}


def test_a_euro_counts_more_for_those_with_half_the_median(make_tables: Make) -> None:
    """500 euros to people on half the median, 1 000 paid by the département.

    At 1.3 the Green Book's weight is 2.4623 (DWP: 2.4 to 2.5): 500 x 2.4623 - 1 000 = 231.
    """
    account = ValueMap.from_dict(tables(make_tables, HALF, map__discount_rate=0)).account()
    told = {v.share: v.net for v in tell(account, seed=1, draws=100).variants if v.what == "equity"}
    assert told == {1.0: 0.0, 1.3: pytest.approx(231.1444, abs=1e-3), 1.5: pytest.approx(414.2136)}
    whole = summarise(account, draws=100)
    assert whole.switching_elasticity == pytest.approx(1.0)
    assert {read.unweighted for read in whole.equity} == {-500.0}


def test_without_incomes_nothing_is_said(make_tables: Make) -> None:
    account = ValueMap.from_dict(make_tables()).account()
    assert not [v for v in tell(account, seed=1, draws=100).variants if v.what == "equity"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"relative_income": 0}, "income_not_positive"),
        ({"relative_income": "-0.5"}, "income_not_positive"),
        ({"relative_income": "half"}, "not_a_number"),
        ({"agent": "departement"}, "income_of_a_body"),
        ({"agent": "nobody"}, "unknown_choice"),
        ({"source": ""}, "missing_cell"),
        ({"income": 3}, "unknown_column"),
    ],
)
def test_a_bad_income_is_refused_in_words(row: Any, code: str, make_tables: Make) -> None:
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(tables(make_tables, {**HALF, **row}))
    assert caught.value.codes == (code,)
    assert "incomes[1]" in render_error(caught.value, "fr")
    assert render_error(caught.value, "en")


def test_one_income_by_agent(make_tables: Make) -> None:
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(tables(make_tables, HALF, HALF))
    assert caught.value.codes == ("duplicate_id", "duplicate_id")


@pytest.mark.parametrize("name", ["carte.toml", "carte.xlsx"])
def test_incomes_are_written_and_read_back(name: str, tmp_path: Path, make_tables: Make) -> None:
    value_map = ValueMap.from_dict(tables(make_tables, HALF))
    value_map.write(tmp_path / name)
    assert ValueMap.read(tmp_path / name) == value_map
