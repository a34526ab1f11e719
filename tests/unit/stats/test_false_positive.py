"""The false-positive engine: what it keeps of the noise, and the tests it ships."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import special

from impact_eval.core import ImpactEvalError
from impact_eval.stats.inference.covariance import Clustered, covariance_of_fit
from impact_eval.stats.inference.regression import least_squares
from impact_eval.stats.panels.false_positive import (
    NoiseModel,
    detection_rates,
    false_positive_rates,
    null_panels,
    panel_noise,
)
from impact_eval.stats.panels.panel_tests import (
    group_time_rejects,
    permutation_rejects,
    twfe_cr2_rejects,
    twfe_rejects,
)

WAVES = np.array([4.0] * 3 + [6.0] * 3 + [np.inf] * 14)


def _ar1(rng: np.random.Generator, shape: tuple[int, ...], r: float = 0.5) -> np.ndarray:
    out = np.empty(shape)
    out[..., 0] = rng.standard_normal(shape[:-1]) / np.sqrt(1 - r**2)
    for t in range(1, shape[-1]):
        out[..., t] = r * out[..., t - 1] + rng.standard_normal(shape[:-1])
    return out


def test_noise_has_no_unit_or_period_means_and_the_right_size(rng: np.random.Generator) -> None:
    y = rng.standard_normal((60, 8)) + rng.standard_normal((60, 1)) * 5 + np.arange(8)
    noise = panel_noise(y)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(noise.mean(axis=1), 0, atol=1e-12)
    assert noise.var() == pytest.approx(1, abs=0.2)
    effect = np.where(np.arange(60)[:, None] < 10, 3.0, 0) * (np.arange(8) > 3)
    np.testing.assert_allclose(panel_noise(y + effect, effects=effect), noise)


def test_panels_keep_whole_series(rng: np.random.Generator) -> None:
    noise = panel_noise(_ar1(rng, (12, 6)))
    wild = null_panels(noise, 50, rng=rng, model=NoiseModel.WILD)
    np.testing.assert_allclose(np.abs(wild), np.broadcast_to(np.abs(noise), wild.shape))
    drawn = null_panels(noise, 50, rng=rng)
    match = np.abs(np.abs(drawn[:, :, None, :]) - np.abs(noise)).max(axis=-1).min(axis=-1)
    np.testing.assert_allclose(match, 0, atol=1e-12)
    same_sign = drawn / np.where(drawn == 0, 1, np.abs(drawn))
    assert set(np.unique(same_sign)) <= {-1.0, 1.0}


def test_twfe_tests_are_the_dense_regressions(rng: np.random.Generator) -> None:
    panels = _ar1(rng, (12, 20, 8))
    dealt = rng.permuted(np.tile(WAVES, (12, 1)), axis=1)
    unit, time = np.repeat(np.arange(20), 8), np.tile(np.arange(8), 20)
    cr1, cr2 = [], []
    for y, cohorts in zip(panels, dealt, strict=True):
        exposed = (time + 1 >= cohorts[unit]).astype(float)
        fit = least_squares(
            y.ravel(), np.column_stack([exposed, np.eye(20)[unit], np.eye(8)[time][:, 1:]])
        )
        t = abs(fit.coefficients[0])
        one = covariance_of_fit(fit, Clustered(correction="CR1"), clusters=unit)
        nested = (160 - 28) / (160 - 9)  # the library counts 28 parameters, the test 9 (see there)
        cr1.append(t > special.stdtrit(19, 0.975) * one.std_errors[0] * np.sqrt(nested))
        two = covariance_of_fit(fit, Clustered(), clusters=unit)
        cr2.append(t > special.stdtrit(two.df[0], 0.975) * two.std_errors[0])
    assert twfe_rejects(panels, dealt).tolist() == cr1
    assert twfe_cr2_rejects(panels, dealt).tolist() == cr2


def test_naive_methods_cry_wolf_and_the_permutation_does_not() -> None:
    """Three treated territories of twenty: the naive rate is far above five in a hundred."""
    rng = np.random.default_rng(3)
    waves = np.array([4.0] + [6.0] * 2 + [np.inf] * 17)
    noise = panel_noise(_ar1(rng, (20, 8)))
    methods = {
        "group_time": group_time_rejects,
        "permutation": partial(permutation_rejects, rng=np.random.default_rng(4)),
    }
    naive, permuted = false_positive_rates(noise, waves, methods, rng=rng, draws=600)
    assert naive.method == "group_time"
    assert naive.conf_low > 0.12
    assert abs(permuted.rate - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 600)
    assert naive.n_draws == 600
    assert naive.std_error == pytest.approx(np.sqrt(naive.rate * (1 - naive.rate) / 600))


def test_power_rises_with_the_effect() -> None:
    rng = np.random.default_rng(5)
    noise = panel_noise(_ar1(rng, (40, 8)))
    waves = np.array([4.0] * 10 + [np.inf] * 30)
    shares = detection_rates(noise, waves, twfe_rejects, [0, 0.5, 1.5], rng=rng, draws=300)
    assert shares[0] < 0.12
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.9


def test_refusals() -> None:
    with pytest.raises(ImpactEvalError) as error:
        panel_noise(np.array([[1.0, np.nan]]))
    assert error.value.codes == ("panel_has_holes", "panel_too_small")
