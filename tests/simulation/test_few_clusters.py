"""False-positive rates and coverage with few clusters (long)."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import special

from impact_eval.stats.inference.covariance import Clustered, covariance_of_fit
from impact_eval.stats.inference.regression import least_squares
from impact_eval.stats.inference.wild_bootstrap import (
    WildOptions,
    WildScheme,
    wild_cluster_bootstrap,
)
from impact_eval.stats.panels.panel_tests import (
    group_time_rejects,
    permutation_rejects,
    twfe_cr2_rejects,
    twfe_rejects,
)

pytestmark = pytest.mark.long


def _ar1(rng: np.random.Generator, shape: tuple[int, int, int], r: float = 0.5) -> np.ndarray:
    out = np.empty(shape)
    out[..., 0] = rng.standard_normal(shape[:-1]) / np.sqrt(1 - r**2)
    for t in range(1, shape[-1]):
        out[..., t] = r * out[..., t - 1] + rng.standard_normal(shape[:-1])
    return out


def _imputation_rejects(panels: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Borusyak, Jaravel and Spiess, with residuals around cohort-period means, normal law."""
    n, periods = panels.shape[1:]
    unit, time = np.repeat(np.arange(n), periods), np.tile(np.arange(periods), n)
    Z = np.column_stack([np.eye(n)[unit], np.eye(periods)[time][:, 1:]])
    on = time + 1 >= waves[unit]
    impute = Z @ np.linalg.pinv(Z[~on])  # (nT, untreated)
    y = panels.reshape(len(panels), -1)
    residual = y - y[:, ~on] @ impute.T
    weights = np.zeros(n * periods)
    weights[on] = 1 / on.sum()
    weights[~on] = -impute[on].mean(axis=0)
    estimate = residual[:, on].mean(axis=1)
    for g in np.unique(waves[np.isfinite(waves)]):
        for t in range(int(g) - 1, periods):
            cell = (waves[unit] == g) & (time == t)
            residual[:, cell] -= residual[:, cell].mean(axis=1, keepdims=True)
    scores = (residual * weights).reshape(-1, n, periods).sum(axis=2)
    return np.abs(estimate) > 1.959964 * np.sqrt((scores**2).sum(axis=1))


# territories, treated in each cohort; then the measured shares of the published packages:
# group-time analytic, imputation, two-way CR1, randomisation (400 draws: errors of 1 to 2 points)
TABLE = [
    (20, 1, 2, 0.202, 0.362, 0.160, 0.045),
    (20, 3, 3, 0.092, 0.118, 0.070, 0.045),
    (40, 3, 3, 0.122, 0.158, 0.105, 0.058),
    (40, 10, 10, 0.082, 0.060, 0.048, 0.045),
    (100, 20, 20, 0.055, 0.048, 0.048, 0.042),
]


@pytest.mark.parametrize("row", TABLE)
def test_measured_false_positives_of_published_methods(row: tuple[float, ...]) -> None:
    """No effect, AR(1) 0.5, eight periods: the rates measured on the packages come out again."""
    n, first, second = (int(v) for v in row[:3])
    rng = np.random.default_rng(11)
    waves = np.array([4.0] * first + [6.0] * second + [np.inf] * (n - first - second))
    draws = 1200
    panels = _ar1(rng, (draws, n, 8))
    dealt = np.tile(waves, (draws, 1))
    shares = [
        group_time_rejects(panels, dealt).mean(),
        _imputation_rejects(panels, waves).mean(),
        twfe_rejects(panels, dealt).mean(),
        permutation_rejects(panels, dealt, rng=rng).mean(),
    ]
    for share, measured in zip(shares, row[3:], strict=True):
        # four errors of the two simulations together; entry periods there are not recorded
        error = np.sqrt(share * (1 - share) / draws + measured * (1 - measured) / 400)
        assert abs(share - measured) < 4 * error
    assert abs(shares[-1] - 0.05) < 4 * np.sqrt(0.05 * 0.95 / draws)
    few = slice(0, 500)
    safe = twfe_cr2_rejects(panels[few], dealt[few]).mean()
    assert safe < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 500)


def _panel(
    rng: np.random.Generator, clusters: int, treated: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People in clusters of unequal sizes, a treatment of clusters, a person's covariate."""
    sizes = rng.integers(8, 25, clusters)
    codes = np.repeat(np.arange(clusters), sizes)
    x = rng.standard_normal(len(codes)) + 0.5 * rng.standard_normal(clusters)[codes]
    X = np.column_stack([np.ones(len(codes)), codes < treated, x])
    y = X @ [1, 0.3, 0.5] + 0.5 * rng.standard_normal(clusters)[codes]
    return X, y + rng.standard_normal(len(codes)), codes


@pytest.mark.parametrize(("clusters", "treated"), [(8, 4), (12, 6), (20, 10), (20, 6)])
def test_cr2_and_restricted_wild_intervals_cover(clusters: int, treated: int) -> None:
    draws = 1500
    rng = np.random.default_rng(clusters * 100 + treated)
    inside = dict.fromkeys(("cr2", "cr1", "wcr11", "wcr33"), 0)
    options = {
        "wcr11": WildOptions(draws=399),
        "wcr33": WildOptions(WildScheme.WCR33, draws=399),
    }
    for _ in range(draws):
        X, y, codes = _panel(rng, clusters, treated)
        fit = least_squares(y, X)
        for name, kind in (("cr2", Clustered()), ("cr1", Clustered(correction="CR0"))):
            result = covariance_of_fit(fit, kind, clusters=codes)
            margin = special.stdtrit(result.df[1], 0.975) * result.std_errors[1]
            inside[name] += abs(fit.coefficients[1] - 0.3) <= margin
        for name, option in options.items():
            # the interval covers the truth when the truth is not rejected
            test = wild_cluster_bootstrap(fit, codes, [0, 1, 0], rng=rng, options=option, null=0.3)
            inside[name] += test.p_value > 0.05
    shares = {name: count / draws for name, count in inside.items()}
    error = 4 * np.sqrt(0.05 * 0.95 / draws)
    assert shares["cr1"] < 0.94  # what is avoided
    for name in ("cr2", "wcr11", "wcr33"):
        assert shares[name] > 0.95 - error, shares
        # eight clusters: 2^7 distinct signs, p counts ties, a few points of caution
        assert shares[name] < 0.95 + error + (0.02 if clusters == 8 else 0), shares


def test_randomisation_keeps_its_level_with_three_treated() -> None:
    rng = np.random.default_rng(1)
    waves = np.array([4.0] + [6.0] * 2 + [np.inf] * 17)
    panels = _ar1(rng, (4000, 20, 8), r=0.9)
    dealt = rng.permuted(np.tile(waves, (4000, 1)), axis=1)
    rejects = partial(permutation_rejects, rng=rng)
    assert abs(rejects(panels, dealt).mean() - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 4000)
