"""Well-being and health are priced in the value map: scale, figure and country are checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.report.texts import render_error
from impact_eval.value import ValueMap

Make = Callable[..., Any]
LINE = {
    "quantity": None, "estimate": "satisfaction", "unit": "score", "people": 100, "proxy": None,
    "currency": None, "price_year": None, "kind": None, "receiver": None, "deadweight": None,
    "parameter": "wellby_uk@2019", "exchange_rate": "1.14", "map__price_year": 2019,
    "input__price_year": 2019, "map__discount_rate": 0,
}  # fmt: skip


def test_a_british_value_in_a_french_map(make_tables: Make, make_estimate: Make) -> None:
    """100 people x 0.2 points x £13,000 x 1.14 = 296,400 euros of 2019, said to be from abroad."""
    effect = make_estimate("satisfaction", [("att", None, 0.2, 0.05)])
    account = ValueMap.from_dict(make_tables(**LINE)).account({"satisfaction": effect})
    assert account.sroi().benefits == 296_400
    assert "value_from_abroad" in {f.code for f in account.findings}
    assert ValueMap.from_dict(account.value_map.to_dict()) == account.value_map


def refused(make_tables: Make, make_estimate: Make, effect: float, **cells: Any) -> ImpactEvalError:
    estimate = make_estimate("satisfaction", [("att", None, effect, 0.05)])
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(make_tables(**{**LINE, **cells})).account({"satisfaction": estimate})
    for language in ("fr", "en"):
        assert render_error(caught.value, language)
    return caught.value


@pytest.mark.parametrize(
    ("effect", "cells", "code"),
    [
        (10.5, {}, "change_out_of_scale"),
        (-1.2, {"parameter": "qaly_wtp@2020", "exchange_rate": None}, "change_out_of_scale"),
        (0.2, {"unit": "share"}, "bridge_needs_score"),
        (0.2, {"basis": "qaly"}, "wrong_basis"),
        (0.2, {"exchange_rate": None}, "currency_mix"),
        (0.2, {"exchange_rate": 0}, "exchange_not_positive"),
        (0.2, {"parameter": "qaly_wtp@2020"}, "exchange_of_one_currency"),
        (0.2, {"parameter": "qaly", "exchange_rate": None}, "parameter_conflict"),
    ],
)
def test_a_wrong_bridge_is_refused_in_words(
    effect: float, cells: Any, code: str, make_tables: Make, make_estimate: Make
) -> None:
    assert code in refused(make_tables, make_estimate, effect, **cells).codes
