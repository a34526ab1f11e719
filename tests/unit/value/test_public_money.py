"""What public money buys: intervals that hold their estimate, refusals in words."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.value import Account, Simulation, ValueMap, simulate
from impact_eval.value.readouts.cba import CostBenefit, cost_benefit
from impact_eval.value.readouts.mvpf import (
    MvpfCase,
    mean_mvpf,
    mvpf,
    mvpf_case,
    mvpf_interval,
    mvpf_ratio,
    quadrants_of,
)
from impact_eval.value.readouts.public_reading import per_euro, public_reading


@settings(max_examples=120, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.01, 3), st.integers(0, 10**6))
def test_an_interval_holds_its_estimate(wtp: float, cost: float, sd: float, seed: int) -> None:
    draws = np.random.default_rng(seed).normal(0, sd, (2, 400))
    low, high = mvpf_interval(wtp + draws[0], cost + draws[1], point=(wtp, cost))
    assert low <= mvpf_ratio(wtp, cost) <= high


def test_draws_that_tie_at_infinity_are_no_bias() -> None:
    """Ninety draws in a hundred pay for themselves, as the estimate does: the top is infinite."""
    cost = np.concatenate([np.full(900, -1.0), np.full(100, 1.0)])
    low, high = mvpf_interval(np.full(1000, 2.0), cost, point=(2.0, -1.0))
    assert (low, high) == (2.0, math.inf)


def test_percentiles_corrected_for_bias_by_hand() -> None:
    """Estimate at the 60th percentile of draws of known order: levels are Phi(2 z0 + z)."""
    wtp, cost = np.arange(1.0, 1001.0), np.ones(1000)
    z0 = special.ndtri(0.6)
    expected = [1 + special.ndtr(2 * z0 + z) * 999 for z in special.ndtri([0.025, 0.975])]
    assert mvpf_interval(wtp, cost, point=(600.5, 1.0)) == pytest.approx(expected)


def test_the_opposite_quadrant_widens_the_percentiles() -> None:
    """Two draws in a hundred in the other corner: 1.5 % are left in each tail, not 2.5 %."""
    wtp = np.concatenate([np.full(20, -1.0), np.arange(1.0, 981.0)])
    cost = np.concatenate([np.full(20, -1.0), np.ones(980)])
    low, high = mvpf_interval(wtp, cost, point=(490.5, 1.0), bias_corrected=False)
    assert (low, high) == pytest.approx((1 + 0.015 * 979, 1 + 0.985 * 979))


def test_quadrants_of_draws_are_those_of_points() -> None:
    wtp, cost = np.array([1.0, 1.0, -1.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0, 1.0, -2.0])
    assert list(quadrants_of(wtp, cost)) == [
        mvpf_case(w, c) for w, c in zip(wtp, cost, strict=True)
    ]
    assert mvpf_case(-1, 0) is MvpfCase.REPEAL


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ({"net_cost": np.ones(3)}, "public_draws_unequal"),
        ({"willingness_to_pay": np.ones(0), "net_cost": np.ones(0)}, "public_draws_unequal"),
        ({"net_cost": np.array([1.0, np.nan])}, "public_draw_not_finite"),
        ({"willingness_to_pay": np.array([np.inf, 1.0])}, "public_draw_not_finite"),
        ({"point": (math.nan, 1.0)}, "public_amount_not_finite"),
        ({"level": 1.5}, "option_out_of_range"),
        ({"level": math.nan}, "option_out_of_range"),
    ],
)
def test_draws_without_an_interval_are_refused_in_words(given_: dict[str, Any], code: str) -> None:
    good = {"willingness_to_pay": np.ones(2), "net_cost": np.ones(2), "point": (1.0, 1.0)}
    with pytest.raises(ImpactEvalError) as refused:
        mvpf_interval(**{**good, **given_})
    assert refused.value.codes == (code,)
    assert str(refused.value)


def test_amounts_that_are_no_amounts_are_refused_in_words() -> None:
    with pytest.raises(ImpactEvalError):
        mvpf(willingness_to_pay=math.nan, programme_cost=1, fiscal_externality=0)
    with pytest.raises(ImpactEvalError):
        mean_mvpf([])
    free = mvpf(willingness_to_pay=1, programme_cost=0, fiscal_externality=0)
    with pytest.raises(ImpactEvalError):
        mean_mvpf([free])


def test_the_reading_of_public_money_by_hand(insertion: Account) -> None:
    """Public bodies' accounts, less capacity that no budget recovers, are the net outlay."""
    read = public_reading(insertion, simulate(insertion, draws=4000, seed=2))
    released = sum(float(row.released) for row in insertion.avoided)
    outlay = -(float(insertion.perspectives["public"]) - released)
    assert read.outlay.estimate == pytest.approx(outlay)
    assert read.net_value.estimate == pytest.approx(float(insertion.perspectives["society"]))
    free, priced = read.funds
    assert (free.shadow_price, free.net) == (1.0, read.net_value)
    assert (free.cost_of_funds.estimate, free.cost_of_funds.low) == (0.0, None)
    assert priced.shadow_price == 1.2
    assert priced.cost_of_funds.estimate == pytest.approx(0.2 * outlay)
    assert priced.net.estimate == pytest.approx(read.net_value.estimate - 0.2 * outlay)
    assert sum(part.share for part in read.quadrants) == pytest.approx(1)
    assert {part.case for part in read.quadrants} == set(MvpfCase)
    assert read.mvpf.conf_low <= read.mvpf.ratio <= read.mvpf.conf_high
    if outlay > 0:
        own = priced.net_per_public_euro
        assert own.estimate == pytest.approx(priced.net.estimate / outlay)
    else:
        assert priced.net_per_public_euro.reason == "no_net_public_outlay"


def test_nothing_is_told_of_public_money_that_a_guard_refuses(
    insertion_map: ValueMap, employment: Estimate
) -> None:
    account = insertion_map.with_line("helpers", deadweight=None).account(
        {"employment": employment}
    )
    read = public_reading(account, simulate(account, draws=50, seed=2))
    assert isinstance(read, NotApplicable)
    assert read.reason == "ratio_refused"


def test_nothing_is_told_of_public_money_when_an_error_is_unknown(
    insertion_map: ValueMap, make_estimate: Any
) -> None:
    bare = make_estimate(
        "employment",
        [("att", None, 0.08, math.nan)],
        details={"treated_mean": 0.4, "unit": "share"},
    )
    account = insertion_map.account({"employment": bare})
    read = public_reading(account, simulate(account, draws=50, seed=2))
    assert isinstance(read, NotApplicable)
    assert read.reason == "effect_without_error"
    assert read.values["outcomes"] == ("employment",)


def test_the_margins_of_public_money_are_the_quantiles_of_the_draws(insertion: Account) -> None:
    """Sorted by hand: 2.5 and 97.5 in a hundred draws, the same draws for every line."""
    drawn = simulate(insertion, draws=999, seed=5)
    read = public_reading(insertion, drawn)
    outlay = drawn.costs("public") - drawn.cash("public")
    after = drawn.benefits("society") - drawn.costs("society") - 0.2 * outlay
    rank = 0.025 * 998  # between the 24th and the 25th, the first being 0
    priced = read.funds[1]
    drawn_of = ((read.outlay, outlay), (priced.cost_of_funds, 0.2 * outlay), (priced.net, after))
    for told, draws in drawn_of:
        ordered = sorted(draws)
        low = ordered[24] + (rank - 24) * (ordered[25] - ordered[24])
        high = ordered[-25] - (rank - 24) * (ordered[-25] - ordered[-26])
        assert (told.low, told.high) == pytest.approx((low, high))


def _told_of(outlay: np.ndarray, net: np.ndarray, level: float = 0.95) -> Any:
    plain = CostBenefit(
        benefits=Decimal(0), costs=Decimal(0), public_outlay=Decimal(10), cost_of_funds=Decimal(0),
        net=Decimal(30), net_per_public_euro=Decimal(3), shadow_price=Decimal(1),
    )  # fmt: skip
    return per_euro(plain, net, outlay, level)


def test_a_net_value_by_public_euro_needs_a_public_euro() -> None:
    """Of 1,000 draws, 25 recover what was paid: beyond every ratio; with 26 nothing is told."""
    outlay, net = np.full(1000, 10.0), np.arange(1000.0)
    outlay[:25] = -1.0
    told = _told_of(outlay, net)
    assert told.estimate == 3.0
    assert told.high == pytest.approx(99.9, abs=0.2)  # the largest that is finite
    outlay[25] = 0.0
    assert _told_of(outlay, net).reason == "public_outlay_unsure"


def test_what_nothing_moves_has_no_margin(make_tables: Any) -> None:
    """An MVPF that no draw moves is not told alone, nor between itself and itself."""
    tables = make_tables()
    account = ValueMap.from_dict(tables).account()
    drawn = simulate(account, draws=50, seed=1)
    read = public_reading(account, drawn)
    outlay = drawn.costs("public") - drawn.cash("public")
    if np.ptp(outlay) == 0:
        assert (read.outlay.low, read.outlay.high) == (None, None)
    still = Simulation(
        model=drawn.model, totals=np.repeat(drawn.totals[:1], 50, axis=0), inputs={}, seed=1
    )
    read = public_reading(account, still)
    assert isinstance(read.mvpf, NotApplicable)
    assert (read.net_value.low, read.outlay.low) == (None, None)


@pytest.mark.parametrize("price", ["NaN", "Infinity", "0.5", "-1"])
def test_a_price_of_public_funds_is_at_least_one(insertion: Account, price: str) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        cost_benefit(insertion, shadow_price=Decimal(price))
    assert refused.value.codes == ("option_out_of_range",)
    assert str(refused.value)
