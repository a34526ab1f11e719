"""Pooling held to metafor on the thirteen BCG trials, method by method."""

from __future__ import annotations

import numpy as np
import pytest
from second_rung import SecondRung

from impact_eval.core.findings import ImpactEvalError
from impact_eval.stats.inference.pooling import (
    PoolTest,
    TauEstimator,
    between_variance,
    leave_one_out,
    pool,
)

BCG = SecondRung()

# Paule-Mandel and empirical Bayes solve the same equation. metafor finds the root of the first by
# `uniroot` at a tolerance of 1e-4 and scores the second to 1e-5: the second is the sharper oracle.
METHODS = {"EE": TauEstimator.COMMON, "DL": TauEstimator.DERSIMONIAN_LAIRD,
           "EB": TauEstimator.PAULE_MANDEL, "ML": TauEstimator.ML,
           "REML": TauEstimator.REML}  # fmt: skip
TESTS = {"": PoolTest.NORMAL, "_knha": PoolTest.HARTUNG_KNAPP,
         "_adhoc": PoolTest.HARTUNG_KNAPP_AT_LEAST}  # fmt: skip


# metafor offers no such test for the equal-effects model
CASES = [(name, suffix) for name in METHODS for suffix in TESTS if name != "EE" or not suffix]


@BCG
@pytest.mark.parametrize(("name", "suffix"), CASES)
def check_bcg(reference, name, suffix):
    results = reference("causal/metafor_bcg")["results"]
    expected = results[name + suffix]
    y, v = np.array(results["yi_RR"]), np.array(results["vi_RR"])
    found = pool(y, v, method=METHODS[name], test=TESTS[suffix])
    # metafor stops its scoring steps at 1e-5 on tau2: REML and ML agree to that precision only
    loose = 3e-6 if name in ("REML", "ML", "EB") else 1e-10
    assert found.estimate == pytest.approx(expected["b"], rel=loose)
    assert found.std_error == pytest.approx(expected["se"], rel=loose)
    assert found.conf_low == pytest.approx(expected["lo"], rel=loose)
    assert found.conf_high == pytest.approx(expected["hi"], rel=loose)
    assert found.tau2 == pytest.approx(expected["tau2"], rel=2e-5, abs=1e-12)
    assert found.i2 * 100 == pytest.approx(expected["I2"], rel=1e-5)
    assert found.h2 == pytest.approx(expected["H2"], rel=2e-5)
    if name != "EE":
        assert found.tau2_std_error == pytest.approx(expected["se_tau2"], rel=2e-5)
    assert found.q == pytest.approx(expected["QE"], rel=1e-12)
    assert found.p_value == pytest.approx(expected["p"], rel=1e-4)
    if "pi_default" in expected:
        assert [found.prediction_low, found.prediction_high] == pytest.approx(
            expected["pi_default"], rel=1e-5
        )


def test_on_bcg(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    BCG.run(request, subtests)


def test_reml_is_the_maximum():
    """Brute force: no grid point has a higher restricted likelihood."""
    y = np.array([0.1, 0.35, -0.05, 0.6, 0.22])
    v = np.array([0.01, 0.03, 0.02, 0.05, 0.008])

    def restricted(tau2):
        w = 1 / (v + tau2)
        mean = w @ y / w.sum()
        return 0.5 * (np.log(w).sum() - np.log(w.sum()) - w @ (y - mean) ** 2)

    found = pool(y, v).tau2
    grid = np.linspace(0, 0.5, 20_001)
    best = grid[np.argmax([restricted(t) for t in grid])]
    assert found == pytest.approx(best, abs=2.5e-5)


def _log_likelihood(y, v, tau2, restricted):
    w = 1 / (v + tau2[:, None])
    mean = (w * y).sum(axis=1) / w.sum(axis=1)
    value = np.log(w).sum(axis=1) - (w * (y - mean[:, None]) ** 2).sum(axis=1)
    return 0.5 * (value - (np.log(w.sum(axis=1)) if restricted else 0.0))


@pytest.mark.parametrize("method", [TauEstimator.ML, TauEstimator.REML])
def test_no_variance_has_a_higher_likelihood(method):
    """Brute force over twenty decades, on random sets where one study in three is far off."""
    rng = np.random.default_rng(20240101)
    grid = np.concatenate([[0.0], np.logspace(-12, 8, 8_001)])
    several = 0
    for _ in range(120):
        k = int(rng.integers(2, 9))
        v = np.exp(rng.normal(-5, 2.5, k))
        y = rng.normal(0, np.exp(rng.normal(-1, 2)), k)
        y[0] *= 20 if rng.random() < 0.35 else 1
        restricted = method is TauEstimator.REML
        heights = _log_likelihood(y, v, grid, restricted)
        inner = heights[1:-1]
        several += int(((inner > heights[:-2]) & (inner > heights[2:])).sum() > 1)
        found = np.array([between_variance(y, v, method=method)])
        assert _log_likelihood(y, v, found, restricted)[0] >= heights.max() - 1e-12
    assert several >= 0


def test_the_highest_hill_is_found_and_not_the_first():
    """One study in points among shares: zero is a local maximum, ten units below the best."""
    y = np.array([0.0499, 0.0480, 0.0398, 0.0860, 2.3694])
    v = np.array([0.005, 0.005, 0.010, 0.030, 0.300]) ** 2
    grid = np.concatenate([[0.0], np.logspace(-8, 2, 20_001)])
    heights = _log_likelihood(y, v, grid, restricted=True)
    assert heights[0] > heights[1]  # zero is a hill of its own
    found = pool(y, v).tau2
    best = grid[np.argmax(heights)]
    assert best > 0.1
    assert found == pytest.approx(best, rel=2e-3)


def test_equal_variances_reduce_to_the_plain_mean():
    """With equal variances the pooled mean and its Hartung–Knapp error are those of a sample."""
    y = np.array([0.1, 0.5, 0.3, 0.9])
    found = pool(y, np.full(4, 0.04), test=PoolTest.HARTUNG_KNAPP)
    assert found.estimate == pytest.approx(y.mean(), rel=1e-14)
    assert found.std_error == pytest.approx(y.std(ddof=1) / 2, rel=1e-12)


def test_leave_one_out_needs_three():
    assert leave_one_out(np.array([0.1, 0.2]), np.array([0.1, 0.1])) == ()
    y, v = np.array([0.1, 0.2, 0.4]), np.array([0.1, 0.1, 0.2])
    parts = leave_one_out(y, v)
    assert parts[0].estimate == pool(y[1:], v[1:]).estimate


@pytest.mark.parametrize(
    ("y", "v", "code"),
    [([0.1], [0.1], "too_few_to_pool"), ([0.1, 0.2], [0.1, 0.0], "bad_variance")],
)
def test_refusals(y, v, code):
    with pytest.raises(ImpactEvalError) as refused:
        pool(np.array(y), np.array(v))
    assert refused.value.codes == (code,)


def test_the_error_of_the_moment_variance_is_that_of_its_simulation():
    """Brute force: the spread of Q over many draws, for errors that differ a lot."""
    v, tau2 = np.array([0.01, 0.04, 0.02, 0.30, 0.008, 0.05]), 0.06
    rng = np.random.default_rng(20240101)
    y = rng.normal(0.0, np.sqrt(v + tau2), (400_000, len(v)))
    w = 1 / v
    q = ((y - (y @ w / w.sum())[:, None]) ** 2) @ w
    slope = w.sum() - (w**2).sum() / w.sum()
    untruncated = (q - (len(v) - 1)) / slope
    # the numbers of one set whose moment estimate is exactly the variance simulated
    one = rng.normal(0.0, np.sqrt(v), len(v))
    one -= one @ w / w.sum()
    one *= np.sqrt((tau2 * slope + len(v) - 1) / (w @ one**2))
    found = pool(one, v, method=TauEstimator.DERSIMONIAN_LAIRD)
    assert found.tau2 == pytest.approx(tau2, rel=1e-12)
    assert found.tau2_std_error == pytest.approx(untruncated.std(), rel=5e-3)


def test_equal_variances_give_every_method_but_ml_one_error():
    """Identity: with equal variances tau2 + v is the sample variance, whose law is known."""
    y, v = np.array([0.1, 0.5, 0.3, 0.9, -0.4]), np.full(5, 0.04)
    expected = np.sqrt(2 / 4) * y.var(ddof=1)
    for method in (
        TauEstimator.DERSIMONIAN_LAIRD, TauEstimator.PAULE_MANDEL, TauEstimator.REML
    ):  # fmt: skip
        found = pool(y, v, method=method).tau2_std_error
        assert found == pytest.approx(expected, rel=1e-12)
    ml = pool(y, v, method=TauEstimator.ML)
    assert ml.tau2_std_error == pytest.approx(np.sqrt(2 / 5) * y.var(), rel=1e-12)
    assert pool(y, v, method=TauEstimator.COMMON).tau2_std_error == 0.0
