"""Pairs and multiplier bootstraps: definitions, limits, agreement of the two routes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from impact_eval.core import ImpactEvalError
from impact_eval.stats.inference.bootstrap import (
    cluster_counts,
    max_t_from_covariance,
    max_t_from_influence,
    pairs_cluster_bootstrap,
)
from impact_eval.stats.inference.covariance import Clustered, covariance_of_fit
from impact_eval.stats.inference.random_weights import RandomWeights
from impact_eval.stats.inference.regression import least_squares


def test_pairs_bootstrap_is_refitting_the_samples_drawn(rng: np.random.Generator) -> None:
    codes = rng.permutation(np.arange(40) % 8)
    X = np.column_stack([np.ones(40), rng.standard_normal((40, 2))])
    y, w = rng.standard_normal(40), rng.uniform(0.5, 2, 40)
    fit = least_squares(y, X, weights=w)
    result = pairs_cluster_bootstrap(fit, codes, rng=np.random.default_rng(3), draws=20)
    counts = cluster_counts(np.random.default_rng(3), 20, 8)
    for row, count in zip(result.coefficients, counts, strict=True):
        again = least_squares(y, X, weights=w * count[codes])
        np.testing.assert_allclose(row, again.coefficients, rtol=1e-9, atol=1e-12)


def test_pairs_bootstrap_says_singular_samples_and_strata_prevent_them() -> None:
    rng = np.random.default_rng(1)
    treated = (np.arange(30) // 5) < 1  # one treated cluster of six: often not drawn
    fit = least_squares(rng.standard_normal(30), np.column_stack([np.ones(30), treated]))
    codes = np.arange(30) // 5
    loose = pairs_cluster_bootstrap(fit, codes, rng=rng, draws=400)
    share = loose.findings[0].values["n"] / 400
    assert loose.findings[0].code == "bootstrap_singular_draws"
    assert share == pytest.approx((5 / 6) ** 6, abs=0.09)  # four binomial errors
    strata = np.array([1, 0, 0, 0, 0, 0])
    tight = pairs_cluster_bootstrap(fit, codes, rng=rng, draws=400, strata=strata)
    assert tight.findings == ()
    assert tight.coefficients.shape == (400, 2)


def test_pairs_bootstrap_variance_is_the_clustered_one_when_clusters_are_many() -> None:
    rng = np.random.default_rng(2)
    codes = np.arange(1200) // 4
    x = rng.standard_normal(1200) + rng.standard_normal(300)[codes]
    y = rng.standard_normal(300)[codes] + rng.standard_normal(1200)
    fit = least_squares(y, np.column_stack([np.ones(1200), x]))
    boot = pairs_cluster_bootstrap(fit, codes, rng=rng, draws=4000)
    plain = covariance_of_fit(fit, Clustered(correction="CR2"), clusters=codes)
    # 4,000 draws: 1.1 % on a standard error; three of them
    np.testing.assert_allclose(np.sqrt(np.diag(boot.covariance)), plain.std_errors, rtol=0.05)
    low, high = boot.percentile_interval()
    assert (low < fit.coefficients).all()
    assert (fit.coefficients < high).all()


@pytest.mark.parametrize("k", [1, 3, 10])
def test_independent_family_has_the_sidak_value(k: int) -> None:
    law = max_t_from_covariance(np.eye(k), rng=np.random.default_rng(1), draws=100_000)
    sidak = float(ndtri(0.5 + 0.5 * 0.95 ** (1 / k)))
    assert law.critical_value == pytest.approx(sidak, abs=0.02)
    t = np.full(k, sidak)
    np.testing.assert_allclose(law.adjusted_p(t), 0.05, atol=0.003)


def test_null_rows_and_perfect_correlation_cost_nothing() -> None:
    same = np.ones((4, 4))
    same[3, 3] = same[3, :] = same[:, 3] = 0
    law = max_t_from_covariance(same, rng=np.random.default_rng(1), draws=50_000)
    assert law.critical_value == pytest.approx(1.96, abs=0.02)


def test_both_routes_agree(rng: np.random.Generator) -> None:
    psi = rng.standard_normal((600, 4)) @ rng.standard_normal((4, 4))
    gauss = max_t_from_influence(psi, rng=rng, law=RandomWeights.GAUSSIAN, draws=40_000)
    for law in (RandomWeights.RADEMACHER, RandomWeights.MAMMEN, RandomWeights.WEBB):
        other = max_t_from_influence(psi, rng=rng, law=law, draws=20_000)
        assert other.critical_value == pytest.approx(gauss.critical_value, abs=0.05)
    codes = np.arange(600) // 3
    summed = np.add.reduceat(psi, np.arange(0, 600, 3))
    one = max_t_from_influence(psi, rng=np.random.default_rng(4), clusters=codes, draws=999)
    two = max_t_from_influence(summed, rng=np.random.default_rng(4), draws=999)
    np.testing.assert_allclose(one.maxima, two.maxima)


def test_level_is_checked() -> None:
    with pytest.raises(ImpactEvalError) as error:
        max_t_from_covariance(np.eye(2), rng=np.random.default_rng(1), level=95)
    assert error.value.codes == ("option_out_of_range",)
