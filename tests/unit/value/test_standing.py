"""What may be told of an account that counts nothing, costs nothing, or counts no people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import NotApplicable
from impact_eval.value import ValueMap
from impact_eval.value.account.study_facts import NO_FACTS
from impact_eval.value.readouts.published_value import tell
from impact_eval.value.readouts.standing import ValueStanding, standing_of

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"inputs": []}, "no_cost_counted"), ({"input__amount": 0}, "no_cost_counted"),
     ({"included": False, "reason": "prix douteux"}, "nothing_counted"), ({}, None)],
)  # fmt: skip
def test_gains_without_costs_and_costs_without_gains_are_no_net_value(
    make_tables: Make, change: dict[str, Any], reason: str | None
) -> None:
    account = ValueMap.from_dict(make_tables(**change)).account()
    standing, told = standing_of(account, NO_FACTS), tell(account, seed=1, draws=50)
    if reason is None:
        assert standing is ValueStanding.HYPOTHESIS
        assert told.net.estimate == pytest.approx(10 * 100 * 0.5 / 1.032 - 1000, abs=40)
        return
    assert isinstance(standing, NotApplicable)
    assert standing.reason == reason
    assert told.net.estimate is None
    assert told.per_outcome is None
    assert told.matrix.rows == ()


@pytest.mark.parametrize("unit", ["share", "score", "eur"])
def test_only_people_are_counted_in_people(
    make_tables: Make, make_estimate: Make, unit: str
) -> None:
    """A point or a euro more is no result that one more person has, nor « for 100 people »."""
    tables = make_tables(
        estimate="x", quantity=None, people=100, unit=unit, deadweight=None,
        proxy=1 if unit == "eur" else 500,
    )  # fmt: skip
    found: Estimate = make_estimate(
        "x", [("att", None, 0.3, 0.05)], details={"treated_mean": 0.6, "unit": unit}
    )
    told = tell(ValueMap.from_dict(tables).account({"x": found}), seed=1, draws=200)
    people = unit == "share"
    assert (told.per_outcome is not None) is people
    assert bool(told.acceptability) is people
    assert len(told.switching) == 1
    for switch in told.switching:
        assert (switch.per_100 is not None) is people
        assert (switch.times is None) is people
