"""Permutation and conformal tests of synthetic controls, held to their definitions."""

import numpy as np
import pytest

from impact_eval.core import NotApplicable
from impact_eval.stats.panels.donor_weights import DonorVariant, synthetic_control
from impact_eval.stats.panels.synthetic_inference import (
    EffectInterval,
    conformal_interval,
    permutation_interval,
    permutation_p_value,
    shifted_p_value,
)

RNG = np.random.default_rng(12)


def test_interval_ends_are_where_the_rank_changes() -> None:
    gap = np.concatenate([RNG.normal(size=8) * 0.3, 1.5 + RNG.normal(size=4) * 0.1])
    ratios = RNG.gamma(2, 1, size=39)
    found = permutation_interval(gap, ratios, n_pre=8)
    assert isinstance(found, EffectInterval)

    def p_of(effect: float) -> float:
        after, before = gap[8:] - effect, gap[:8]
        ratio = np.sqrt((after**2).mean() / (before**2).mean())
        return permutation_p_value(float(ratio), ratios)

    assert found.p_value == pytest.approx(p_of(0.0))
    for end, outward in ((found.conf_low, -1), (found.conf_high, 1)):
        assert p_of(end - outward * 1e-6) > 0.05
        assert p_of(end + outward * 1e-6) <= 0.05


def test_too_few_placebos_have_no_interval() -> None:
    found = permutation_interval(np.ones(6), np.ones(10), n_pre=3)
    assert isinstance(found, NotApplicable)
    assert (found.reason, found.values["needed"]) == ("too_few_placebos", 19)


def test_shifted_p_value_by_hand() -> None:
    residuals = np.array([0.1, -0.2, 0.3, 1.0])
    # Blocks of two, wrapped: .3, .5, 1.3, 1.1; the last two periods make 1.3.
    assert shifted_p_value(residuals, 2) == pytest.approx(1 / 4)
    assert shifted_p_value(residuals, 1) == pytest.approx(1 / 4)
    assert shifted_p_value(-residuals[::-1], 1) == pytest.approx(1.0)


def test_conformal_interval_of_known_residuals() -> None:
    noise = RNG.normal(size=39)
    found = conformal_interval(
        lambda effect: np.append(noise, 2.0 - effect), n_post=1, centre=2.0, scale=1.0
    )
    assert isinstance(found, EffectInterval)
    # Not rejected while at least two of the other 39 residuals are as large: the second largest.
    bound = np.sort(np.abs(noise))[::-1][1]
    assert found.conf_low == pytest.approx(2 - bound, abs=1e-6)
    assert found.conf_high == pytest.approx(2 + bound, abs=1e-6)


def test_conformal_needs_enough_periods() -> None:
    found = conformal_interval(lambda effect: np.ones(10), n_post=1, centre=0.0, scale=1.0)
    assert isinstance(found, NotApplicable)
    assert found.values["needed"] == 20


def test_variants_close_the_gap_before_more_and_more() -> None:
    donors = RNG.normal(size=(12, 14)).cumsum(axis=1)
    treated = donors[:3].mean(axis=0) + 2.0 + RNG.normal(size=14) * 0.2
    fits = [synthetic_control(treated, donors, n_pre=10, variant=v) for v in DonorVariant]
    classic, demeaned, ridge = fits
    assert ridge.rmspe_pre <= classic.rmspe_pre + 1e-9
    assert demeaned.rmspe_pre <= classic.rmspe_pre + 1e-9
    assert demeaned.gap[:10].mean() == pytest.approx(0, abs=1e-9)
    assert ridge.weights.sum() == pytest.approx(1, abs=0.5)
    assert (classic.weights >= 0).all()


def test_a_huge_ridge_penalty_leaves_the_classic_weights() -> None:
    donors = RNG.normal(size=(6, 9))
    treated = RNG.normal(size=9)
    classic = synthetic_control(treated, donors, n_pre=6)
    heavy = synthetic_control(treated, donors, n_pre=6, variant=DonorVariant.RIDGE, ridge=1e12)
    np.testing.assert_allclose(heavy.weights, classic.weights, atol=1e-8)
