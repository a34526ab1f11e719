"""Lee and Manski bounds against stored results and brute force."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from second_rung import SecondRung

from impact_eval.core import ImpactEvalError, NotApplicable
from impact_eval.stats.surveys.bounds import (
    EffectBounds,
    TrimRule,
    imbens_manski_interval,
    lee_bounds,
    manski_bounds,
)

NSW_AND_STAR = SecondRung()

Read = Callable[[str], Any]


def _case(read: Read, name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "star_readk":
        table = read("causal/star_k.csv")
        table = table[table.stark.isin(["small", "regular"])]
        return table.readk.to_numpy(float), (table.stark == "small").to_numpy()
    table = read("causal/nsw_mixtape.csv")
    earned = table.re78.where(table.re78 > 0)
    return (np.log(earned) if name == "nsw_log" else earned).to_numpy(float), table.treat.to_numpy()


@NSW_AND_STAR
@pytest.mark.parametrize("name", ["nsw_log", "nsw_level", "star_readk"])
def check_stored_lee_bounds(real_data: Read, reference: Read, name: str) -> None:
    stored = reference("causal/lee_bounds")["results"][name]
    y, d = _case(real_data, name)
    assert len(y) == stored["n"]
    found = lee_bounds(y, d)
    assert isinstance(found, EffectBounds)
    assert found.response_treated == pytest.approx(stored["select_rate_treated"], rel=1e-12)
    assert found.trimmed_share == pytest.approx(stored["trim_share"], rel=1e-9)
    assert found.naive_difference == pytest.approx(stored["naive_difference"], rel=1e-10)
    plain = stored["quantile_type1"]
    for key in ("lower", "upper", "se_lower", "se_upper"):
        assert getattr(found, key) == pytest.approx(plain[key], rel=1e-8), key
    assert [found.conf_low, found.conf_high] == pytest.approx(plain["im_ci"], rel=1e-6)
    others = {"fractional_trim": TrimRule.FRACTIONAL, "quantile_type7": TrimRule.INTERPOLATED}
    for key, rule in others.items():
        other = lee_bounds(y, d, rule=rule)
        assert isinstance(other, EffectBounds)
        assert other.lower == pytest.approx(stored[key]["lower"], rel=1e-8)
        assert other.upper == pytest.approx(stored[key]["upper"], rel=1e-8)


def test_on_nsw_and_star(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    NSW_AND_STAR.run(request, subtests)


@pytest.mark.parametrize("rule", list(TrimRule))
def test_swapping_arms_turns_the_bounds_over(rng: np.random.Generator, rule: TrimRule) -> None:
    y, d = rng.standard_normal(200), rng.random(200) < 0.4
    y[rng.random(200) < np.where(d, 0.1, 0.3)] = np.nan
    one, two = lee_bounds(y, d, rule=rule), lee_bounds(y, ~d, rule=rule)
    assert isinstance(one, EffectBounds)
    assert isinstance(two, EffectBounds)
    assert (one.lower, one.upper) == pytest.approx((-two.upper, -two.lower))
    assert (one.se_lower, one.conf_low) == pytest.approx((two.se_upper, -two.conf_high))
    assert one.lower <= one.upper
    assert (one.trimmed_arm, two.trimmed_arm) == (1, 0)


def test_no_missing_is_the_difference_in_means(rng: np.random.Generator) -> None:
    y, d = rng.standard_normal(50), np.arange(50) < 20
    found = lee_bounds(y, d)
    assert isinstance(found, EffectBounds)
    assert found.lower == pytest.approx(found.upper) == pytest.approx(y[d].mean() - y[~d].mean())
    worst = manski_bounds(y, d, low=-9, high=9)
    assert isinstance(worst, EffectBounds)
    neyman = y[d].var(ddof=1) / 20 + y[~d].var(ddof=1) / 30
    assert worst.se_lower**2 == pytest.approx(neyman)
    assert worst.conf_low == pytest.approx(worst.lower - 1.959964 * np.sqrt(neyman), abs=1e-5)


def test_manski_is_the_range_over_all_completions(rng: np.random.Generator) -> None:
    y = rng.integers(0, 2, 10).astype(float)
    d = np.arange(10) < 5
    y[[0, 3, 6, 9]] = np.nan
    effects = []
    for fill in product([0.0, 1.0], repeat=4):
        full = y.copy()
        full[np.isnan(y)] = fill
        effects.append(full[d].mean() - full[~d].mean())
    found = manski_bounds(y, d, low=0, high=1)
    assert isinstance(found, EffectBounds)
    assert (found.lower, found.upper) == pytest.approx((min(effects), max(effects)))


def test_lee_lies_within_manski(rng: np.random.Generator) -> None:
    y, d = rng.uniform(0, 10, 300), rng.random(300) < 0.5
    y[rng.random(300) < np.where(d, 0.05, 0.25)] = np.nan
    lee, worst = lee_bounds(y, d), manski_bounds(y, d, low=0, high=10)
    assert isinstance(lee, EffectBounds)
    assert isinstance(worst, EffectBounds)
    assert worst.lower < lee.lower < lee.upper < worst.upper


def test_refusals() -> None:
    found = lee_bounds([1.0, np.nan, 2, 3], [1, 1, 0, 0])
    assert isinstance(found, NotApplicable)
    assert found.reason == "too_few_respondents"
    assert isinstance(
        manski_bounds([np.nan, np.nan, 2, 3], [1, 1, 0, 0], low=0, high=5), NotApplicable
    )
    with pytest.raises(ImpactEvalError) as error:
        manski_bounds([1.0, 7, 2, 3], [1, 1, 0, 0], low=0, high=5)
    assert error.value.codes == ("outcome_outside_range",)
    wide = imbens_manski_interval((0.0, 100.0), (1.0, 1.0))
    assert wide == pytest.approx((-1.644854, 101.644854), abs=1e-5)
