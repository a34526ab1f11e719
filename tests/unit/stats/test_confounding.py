"""Sensitivity to the unobserved: published values, and a population built with a known answer."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impact_eval.stats.inference.regression import least_squares
from impact_eval.stats.surveys.hidden_bias import (
    RegressionPair,
    benchmark_bound,
    e_value,
    oster_delta,
    robustness,
    rosenbaum_gamma,
    rosenbaum_mcnemar,
    rosenbaum_signed_rank,
)


@pytest.mark.parametrize(
    ("ratio", "near", "point", "interval"),
    [(10.73, 8.02, 20.94777, 15.52336), (0.80, 0.91, 1.8090, 1.4286), (3.9, 1.8, 7.2630, 3.0)],
)
def test_e_values_of_the_paper(ratio: float, near: float, point: float, interval: float) -> None:
    ends = (near, 99.0) if ratio > 1 else (0.01, near)
    found = e_value(ratio, *ends)
    assert found.point == pytest.approx(point, abs=5e-5)
    assert found.interval == pytest.approx(interval, abs=5e-5)
    assert e_value(ratio, 0.5, 20.0).interval == 1


@pytest.mark.parametrize(("gamma", "p"), [(4, 0.00196), (5, 0.02317), (6, 0.09693)])
def test_hammond_pairs(gamma: float, p: float) -> None:
    assert rosenbaum_mcnemar(110, 122, gamma) == pytest.approx(p, abs=5e-6)


def test_signed_rank_without_hidden_bias_is_wilcoxon() -> None:
    d = np.random.default_rng(1).normal(0.4, 1, size=60)
    expected = stats.wilcoxon(d, alternative="greater", method="asymptotic", correction=False)
    assert rosenbaum_signed_rank(d, 1.0) == pytest.approx(expected.pvalue, rel=1e-9)
    gamma = rosenbaum_gamma(d)
    assert rosenbaum_signed_rank(d, gamma) == pytest.approx(0.05, abs=1e-6)
    assert rosenbaum_gamma(-d) == 1.0


def test_darfur(real_data: Callable[[str], pd.DataFrame]) -> None:
    frame = real_data("causal/darfur.csv")
    others = ["female", "age", "farmer_dar", "herder_dar", "pastvoted", "hhsize_darfur"]
    village = pd.get_dummies(frame.village, drop_first=True).to_numpy(dtype=float)
    X = np.column_stack([np.ones(len(frame)), frame.directlyharmed, frame[others], village])
    names = ["one", "harmed", *others, *(f"v{i}" for i in range(village.shape[1]))]
    y = frame.peacefactor.to_numpy(dtype=float)
    fit = least_squares(y, X, names=names)
    position = fit.position("harmed")
    estimate = float(fit.coefficients[position])
    error = float(np.sqrt(fit.sigma2 * fit.bread[position, position]))
    assert (fit.df_residual, round(estimate, 7), round(error, 7)) == (783, 0.0973158, 0.0232565)
    found = robustness(estimate / error, fit.df_residual)
    assert found.partial_r2 == pytest.approx(0.02187, abs=5e-6)
    assert found.value == pytest.approx(0.13878, abs=5e-6)
    assert found.value_alpha == pytest.approx(0.07626, abs=5e-6)

    def partial(target: np.ndarray, columns: np.ndarray, labels: list[str]) -> float:
        one = least_squares(target, columns, names=labels)
        at = one.position("female")
        t2 = float(one.coefficients[at] ** 2 / (one.sigma2 * one.bread[at, at]))
        return t2 / (t2 + one.df_residual)

    with_outcome = partial(y, X, names)
    keep = [i for i, name in enumerate(names) if name != "harmed"]
    with_treatment = partial(X[:, 1], X[:, keep], [names[i] for i in keep])
    for times, (left, left_error) in {
        1: (0.0752, 0.0219),
        2: (0.0529, 0.0204),
        3: (0.0304, 0.0187),
    }.items():
        bound = benchmark_bound(
            estimate,
            error,
            fit.df_residual,
            benchmark_treatment=with_treatment,
            benchmark_outcome=with_outcome,
            times=times,
        )
        assert bound.estimate == pytest.approx(left, abs=5e-5)
        assert bound.std_error == pytest.approx(left_error, abs=5e-5)


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.5])
def test_oster_delta_of_a_population_built_with_it(delta: float) -> None:
    """Build Y = beta D + W1 + W2 exactly, with selection on W2 delta times that on W1."""
    beta, v1, v2, noise = 0.7, 2.0, 1.5, 3.0
    cov1 = 0.4  # cov(D, W1); proportional selection: delta * cov1 / v1 = cov2 / v2
    cov2 = delta * cov1 / v1 * v2
    vx = 2.0
    left = vx - cov1**2 / v1
    # Short: D alone. Long: D and W1 (all covariates enter through their index).
    short = beta + (cov1 + cov2) / vx
    long = beta + cov2 / left
    vy = beta**2 * vx + v1 + v2 + noise + 2 * beta * (cov1 + cov2)
    r2_short = short**2 * vx / vy
    coefficient = 1 - cov2 / left * cov1 / v1  # of W1 in the long regression
    r2_long = (long**2 * vx + coefficient**2 * v1 + 2 * long * coefficient * cov1) / vy
    r2_max = 1 - noise / vy
    pair = RegressionPair(short, long, r2_short, r2_long, vy, vx, left)
    found = oster_delta(pair, r2_max=r2_max, target=beta)
    assert found == pytest.approx(delta, rel=1e-9)


def test_what_moves_nothing_says_nothing_of_selection() -> None:
    """No room, no move: the ratio has nothing to divide by, and is no error of Python's."""
    pair = RegressionPair(
        short=1.0,
        long=1.0,
        r2_short=0.2,
        r2_long=0.2,
        variance_outcome=1.0,
        variance_treatment=1.0,
        variance_treatment_left=1.0,
    )
    assert not np.isfinite(oster_delta(pair, r2_max=0.26))
