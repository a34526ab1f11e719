"""Degrees of freedom with a variance in each arm: Welch, Bell and McCaffrey, and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import sqrtm

from impact_eval.stats.inference.arm_degrees import arm_degrees, unmeasured_rows
from impact_eval.stats.inference.covariance import Clustered, Robust, Ties
from impact_eval.stats.inference.regression import LinearFit, least_squares


def drawn(
    seed: int, *, treated: int = 6, others: int = 15, covariates: int = 2, weighted: bool = False
) -> tuple[LinearFit, np.ndarray, np.ndarray]:
    """Return a fit of y on constant, covariates and treatment, the contrast and the arms."""
    rng = np.random.default_rng(seed)
    n = treated + others
    arm = np.arange(n) < treated
    x = rng.normal(size=(n, covariates))
    y = x.sum(axis=1) + rng.normal(size=n) * np.where(arm, 3.0, 1.0)
    weights = rng.uniform(0.3, 3, n) if weighted else None
    fit = least_squares(y, np.column_stack([np.ones(n), x, arm]), weights=weights)
    return fit, np.eye(covariates + 2)[-1], arm


def brute(fit: LinearFit, c: np.ndarray, arm: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
    """Return the degrees with a variance in each arm, and with one for all, by whole matrices."""
    n = len(arm)
    w = np.ones(n) if fit.weights is None else fit.weights
    x, m = fit.design, np.linalg.inv(fit.design.T @ (fit.design * w[:, None]))
    keep = np.eye(n) - x @ m @ (x * w[:, None]).T
    inner = keep @ keep.T
    single = len(np.unique(codes)) == n
    rows = []
    for g in np.unique(codes):
        at = np.flatnonzero(codes == g)
        part = inner[np.ix_(at, at)] if not single else np.array([[1 - fit.leverage[at[0]]]])
        adjust = np.linalg.inv(np.real(sqrtm(part)))
        rows.append((adjust.T @ ((x[at] * w[at, None]) @ m @ c)) @ keep[at])
    p = np.array(rows)
    score = p @ (fit.fitted + fit.residuals)
    side = np.array([arm[codes == g][0] for g in np.unique(codes)])
    seen = np.array([(score[side == s] ** 2).sum() for s in (False, True)])
    uses = [[(p[side == s][:, arm == b] ** 2).sum() for b in (False, True)] for s in (False, True)]
    variance = np.linalg.solve(np.array(uses), seen)
    assert (variance > 0).all()
    found = []
    for values in (variance, np.ones(2)):
        omega = (p * values[arm.astype(int)]) @ p.T
        found.append(float(np.trace(omega) ** 2 / np.trace(omega @ omega)))
    return found[0], found[1]


@pytest.mark.parametrize(("treated", "others", "spread"), [(5, 100, 1), (6, 9, 3), (12, 8, 0.2)])
def test_nothing_adjusted_is_welch(treated: int, others: int, spread: float) -> None:
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=treated) * spread, rng.normal(size=others)
    arm = np.arange(treated + others) < treated
    fit = least_squares(np.concatenate([one, other]), np.column_stack([np.ones(arm.size), arm]))
    welch = stats.ttest_ind(one, other, equal_var=False)
    assert arm_degrees(fit, np.array([0.0, 1.0]), arm) == pytest.approx(welch.df, rel=1e-10)


def test_clusters_of_one_size_are_welch_on_their_means() -> None:
    rng = np.random.default_rng(4)
    means = rng.normal(size=14)
    codes = np.repeat(np.arange(14), 5)
    noise = rng.normal(size=(14, 5))
    y = (means[:, None] + noise).ravel()
    arm = codes < 6
    fit = least_squares(y, np.column_stack([np.ones(y.size), arm]))
    of_means = y.reshape(14, 5).mean(axis=1)
    welch = stats.ttest_ind(of_means[:6], of_means[6:], equal_var=False)
    assert arm_degrees(fit, np.array([0.0, 1.0]), arm, codes) == pytest.approx(welch.df, rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("covariates", [0, 1, 3])
def test_rows_are_brute_force(covariates: int, *, weighted: bool) -> None:
    fit, c, arm = drawn(11, covariates=covariates, weighted=weighted)
    own, _ = brute(fit, c, arm, np.arange(arm.size))
    assert arm_degrees(fit, c, arm) == pytest.approx(own, rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("covariates", [0, 2])
def test_clusters_are_brute_force(covariates: int, *, weighted: bool) -> None:
    fit, c, arm = drawn(6, treated=20, others=30, covariates=covariates, weighted=weighted)
    rng = np.random.default_rng(1)
    codes = np.where(arm, rng.integers(0, 6, arm.size), 6 + rng.integers(0, 9, arm.size))
    codes = np.unique(codes, return_inverse=True)[1]
    own, common = brute(fit, c, arm, codes)
    assert arm_degrees(fit, c, arm, codes) == pytest.approx(own, rel=1e-8)
    result = Clustered().of_fit(fit, Ties(codes=(codes,)))
    assert result.df[-1] == pytest.approx(common, rel=1e-8)  # Bell and McCaffrey


def test_a_very_small_arm_has_the_smaller_of_both() -> None:
    fit, c, arm = drawn(7, treated=3, others=17, covariates=0)
    own, common = brute(fit, c, arm, np.arange(arm.size))
    assert arm_degrees(fit, c, arm) == pytest.approx(min(own, common), rel=1e-9)
    calm = least_squares(np.where(arm, fit.residuals / 9, fit.residuals), fit.design)
    own, common = brute(calm, c, arm, np.arange(arm.size))
    assert common < own
    assert arm_degrees(calm, c, arm) == pytest.approx(common, rel=1e-9)


def test_degrees_do_not_depend_on_the_unit_of_the_outcome() -> None:
    fit, c, arm = drawn(8)
    other = least_squares(7 - 1e4 * (fit.fitted + fit.residuals), fit.design)
    assert arm_degrees(other, c, arm) == pytest.approx(arm_degrees(fit, c, arm), rel=1e-9)


def test_rows_that_decide_alone_are_seen() -> None:
    """One treated decides of the effect; one of its kind among the others moves nothing."""
    n = 12
    only = np.arange(n) == 0
    rare = np.arange(n) == 5
    y = np.random.default_rng(1).normal(size=n)
    alone = least_squares(y, np.column_stack([np.ones(n), only]))
    assert unmeasured_rows(alone, np.array([0.0, 1.0])).tolist() == only.tolist()
    half = np.arange(n) % 2 == 0
    beside = least_squares(y, np.column_stack([np.ones(n), rare, half]))
    assert beside.leverage[5] == pytest.approx(1)
    assert not unmeasured_rows(beside, np.array([0.0, 0.0, 1.0])).any()
    crossed = least_squares(y, np.column_stack([np.ones(n), rare - 1 / n, half, half * rare]))
    assert Robust("HC2").of_fit(crossed, Ties()).findings[0].code == "leverage_one"
