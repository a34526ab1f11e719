"""What synthetic designs must equal when their weights have nothing to choose."""

import numpy as np
import pandas as pd
import pytest

from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.synthetic_did import SyntheticDiD
from impact_eval.stats.panels.sdid import Penalty, synthetic_did, unit_weights

RNG = np.random.default_rng(11)
Y = RNG.normal(size=(30, 9)).cumsum(axis=1)
TREATED = (np.arange(30) < 6) * 1.0


def test_uniform_weights_give_difference_in_differences() -> None:
    # A huge ridge leaves uniform weights as the only choice, for units and periods.
    fit = synthetic_did(Y, TREATED[None], 1 - TREATED[None], n_pre=5, penalty=Penalty(1e7, 1e7))
    np.testing.assert_allclose(fit.omega[0, 6:], 1 / 24, atol=1e-9)
    np.testing.assert_allclose(fit.lambda_[0], 1 / 5, atol=1e-9)
    change = Y[:, 5:].mean(axis=1) - Y[:, :5].mean(axis=1)
    assert fit.att[0] == pytest.approx(change[:6].mean() - change[6:].mean(), abs=1e-7)


def test_unit_and_period_effects_drop_out() -> None:
    penalty = Penalty(0.7, 1e-6)
    level, trend = RNG.normal(size=(30, 1)) * 10, RNG.normal(size=9) * 10
    one, other = (
        synthetic_did(y, TREATED[None], 1 - TREATED[None], n_pre=5, penalty=penalty)
        for y in (Y, Y + level + trend)
    )
    assert other.att[0] == pytest.approx(one.att[0], abs=1e-5)


def test_a_control_that_copies_the_treated_gets_the_weight() -> None:
    y = Y.copy()
    y[7] = y[:6].mean(axis=0) + 4.0
    weights = unit_weights(y[:, :5], y[:6].mean(axis=0)[None, :5], 1 - TREATED[None], zeta=1e-9)
    assert weights[0, 7] == pytest.approx(1, abs=1e-5)


def test_repeated_units_equal_copies() -> None:
    copies = RNG.integers(0, 3, size=30).astype(float)
    copies[:7] = [1, 1, 2, 1, 0, 1, 2]
    penalty = Penalty(0.7, 1e-3)
    many = synthetic_did(
        Y, (copies * TREATED)[None], (copies * (1 - TREATED))[None], n_pre=5, penalty=penalty
    )
    rows = np.repeat(np.arange(30), copies.astype(int))
    again = synthetic_did(
        Y[rows], TREATED[rows][None], 1 - TREATED[rows][None], n_pre=5, penalty=penalty
    )
    assert many.att[0] == pytest.approx(again.att[0], abs=1e-8)


def test_staggered_aggregates_are_means_over_treated_units_and_periods() -> None:
    frame = staggered_panel(np.random.default_rng(2), cohorts=(3.0, 5.0, np.inf, np.inf, np.inf))
    estimate = SyntheticDiD(draws=30).fit(
        Sample(frame, unit="id", time="period", cohort="cohort"), "y"
    )
    cells = estimate.tidy()
    weighted = np.average(cells.estimate, weights=cells.n_treated.astype(float))
    assert estimate.aggregate("simple")["att"].estimate == pytest.approx(weighted, rel=1e-12)
    for kind in ("event", "group", "calendar"):
        assert estimate.aggregate(kind)["att"].estimate == pytest.approx(weighted, rel=1e-12)
    draws = estimate.draws
    assert draws is not None
    share = cells.n_treated.astype(float) / cells.n_treated.sum()
    spread = (draws.values @ share).std()
    assert estimate.aggregate("simple")["att"].std_error == pytest.approx(spread, rel=1e-12)


def test_one_date_alone_equals_the_staggered_cell() -> None:
    frame = staggered_panel(np.random.default_rng(3), cohorts=(3.0, 5.0, np.inf, np.inf, np.inf))
    both = SyntheticDiD(draws=5).fit(Sample(frame, unit="id", time="period", cohort="cohort"), "y")
    alone = SyntheticDiD(draws=5).fit(
        Sample(frame[frame.cohort != 3.0], unit="id", time="period", cohort="cohort"), "y"
    )
    assert isinstance(frame, pd.DataFrame)
    for effect in alone.effects:
        assert both[effect.key].estimate == pytest.approx(effect.estimate, abs=1e-10)
