"""The wild cluster bootstrap from its definition: data made, refitted, tested, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.core import ImpactEvalError
from impact_eval.stats.inference.covariance import Clustered, covariance_of_fit
from impact_eval.stats.inference.random_weights import RandomWeights, all_signs, draw_weights
from impact_eval.stats.inference.regression import LinearFit, least_squares
from impact_eval.stats.inference.wild_bootstrap import (
    WildOptions,
    WildScheme,
    wild_cluster_bootstrap,
)


def _tiny(rng: np.random.Generator, *, weighted: bool, n: int = 30) -> tuple[LinearFit, np.ndarray]:
    codes = rng.permutation(np.arange(n) % 6)
    X = np.column_stack([np.ones(n), (codes < 3) + rng.standard_normal(n), rng.standard_normal(n)])
    weights = rng.uniform(0.5, 2, n) if weighted else None
    y = rng.standard_normal(n) + 0.3 * codes
    return least_squares(y, X, weights=weights), codes


def _by_hand(fit: LinearFit, codes: np.ndarray, scheme: WildScheme, null: float) -> np.ndarray:
    """|t*| of all sign vectors for the second coefficient, refitting every sample."""
    y, X, w = fit.fitted + fit.residuals, fit.design, fit.weights
    kind = Clustered(correction="CR3" if scheme.jackknife_variance else "CR1")
    groups = np.unique(codes)

    def refit(rows: np.ndarray) -> np.ndarray:
        weight = None if w is None else w[rows]
        if not scheme.restricted:
            return least_squares(y[rows], X[rows], weights=weight).coefficients
        rest = np.delete(X, 1, axis=1)[rows]
        free = least_squares(y[rows] - null * X[rows, 1], rest, weights=weight).coefficients
        return np.insert(free, 1, null)

    centre = refit(np.ones(len(y), dtype=bool))
    noise = y - X @ centre
    if scheme.jackknife_scores:
        for g in groups:
            noise[codes == g] = (y - X @ refit(codes != g))[codes == g]
    out = []
    for signs in all_signs(len(groups)):
        sample = X @ centre + signs[codes] * noise
        again = least_squares(sample, X, weights=w)
        error = covariance_of_fit(again, kind, clusters=codes).std_errors[1]
        out.append((again.coefficients[1] - centre[1]) / error)
    return np.array(out)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scheme", list(WildScheme))
def test_every_scheme_is_its_definition(
    rng: np.random.Generator, scheme: WildScheme, weighted: bool
) -> None:
    fit, codes = _tiny(rng, weighted=weighted)
    result = wild_cluster_bootstrap(
        fit, codes, [0, 1, 0], rng=rng, options=WildOptions(scheme), null=0.2
    )
    by_hand = _by_hand(fit, codes, scheme, 0.2)
    np.testing.assert_allclose(result.statistics, by_hand, rtol=1e-7, atol=1e-12)
    kind = Clustered(correction="CR3" if scheme.jackknife_variance else "CR1")
    error = covariance_of_fit(fit, kind, clusters=codes).std_errors[1]
    t = (fit.coefficients[1] - 0.2) / error
    assert result.statistic == pytest.approx(t, rel=1e-10)
    assert result.p_value == np.mean(np.abs(by_hand) >= abs(t) * (1 - 1e-8))
    assert result.p_value_strict == np.mean(np.abs(by_hand) > abs(t) * (1 + 1e-8))


@pytest.mark.parametrize("scheme", [WildScheme.WCR11, WildScheme.WCR33, WildScheme.WCU31])
def test_the_interval_is_the_inverted_test(rng: np.random.Generator, scheme: WildScheme) -> None:
    fit, _ = _tiny(rng, weighted=False, n=80)
    codes = np.arange(80) // 8
    options = WildOptions(scheme)
    result = wild_cluster_bootstrap(fit, codes, [0, 1, 0], rng=rng, options=options)
    for bound, outward in ((result.conf_low, -1), (result.conf_high, 1)):
        inner, outer = (
            wild_cluster_bootstrap(
                fit, codes, [0, 1, 0], rng=rng, options=options, null=bound + step * outward
            ).p_value
            for step in (-1e-6, 1e-6)
        )
        assert inner > 0.05 >= outer


def test_a_contrast_is_the_coefficient_of_the_rotated_regression(rng: np.random.Generator) -> None:
    fit, codes = _tiny(rng, weighted=True)
    y, X = fit.fitted + fit.residuals, fit.design
    rotated = least_squares(
        y, np.column_stack([X[:, 0], X[:, 1], X[:, 1] + X[:, 2]]), weights=fit.weights
    )  # coefficient 1 becomes b1 - b2
    one = wild_cluster_bootstrap(fit, codes, [0, 1, -1], rng=rng)
    two = wild_cluster_bootstrap(rotated, codes, [0, 1, 0], rng=rng)
    np.testing.assert_allclose(one.statistics, two.statistics, rtol=1e-8)
    assert one.conf_low == pytest.approx(two.conf_low, rel=1e-7)


def test_unbounded_interval_and_small_p_are_said(rng: np.random.Generator) -> None:
    fit, _ = _tiny(rng, weighted=False)
    result = wild_cluster_bootstrap(fit, np.arange(30) % 4, [0, 1, 0], rng=rng)
    assert {f.code for f in result.findings} == {"wild_cannot_reject", "interval_unbounded"}
    assert result.conf_low == -np.inf
    assert result.p_value >= 2 / 2**4


def test_same_seed_same_result_and_refusals(rng: np.random.Generator) -> None:
    fit, codes = _tiny(rng, weighted=False)
    options = WildOptions(weights=RandomWeights.WEBB, draws=999)
    one, two = (
        wild_cluster_bootstrap(fit, codes, [0, 1, 0], rng=np.random.default_rng(8), options=options)
        for _ in range(2)
    )
    assert one.p_value == two.p_value
    assert one.n_draws == 999
    assert not one.enumerated
    for bad in (WildOptions(draws=5), WildOptions()):
        with pytest.raises(ImpactEvalError) as error:
            wild_cluster_bootstrap(
                fit, codes, [0, 1, 0], rng=rng, options=bad, level=0.95 if bad.draws == 5 else 1.5
            )
        assert error.value.codes == ("option_out_of_range",)


def test_an_outcome_without_noise_is_refused() -> None:
    codes = np.arange(12) // 2
    fit = least_squares(np.ones(12), np.column_stack([np.ones(12), codes > 2]))
    with pytest.raises(ImpactEvalError) as error:
        wild_cluster_bootstrap(fit, codes, [0, 1], rng=np.random.default_rng(1))
    assert error.value.codes == ("no_variation_between_clusters",)


@pytest.mark.parametrize("law", list(RandomWeights))
def test_random_weights_have_mean_zero_and_variance_one(law: RandomWeights) -> None:
    draw = draw_weights(law, np.random.default_rng(2), (400, 1000))
    assert abs(draw.mean()) < 4 / np.sqrt(draw.size)
    assert np.mean(draw**2) == pytest.approx(1, abs=0.01)
    third = 1.0 if law is RandomWeights.MAMMEN else 0.0
    assert np.mean(draw**3) == pytest.approx(third, abs=0.03)


@pytest.mark.parametrize(
    "scheme", [s for s in WildScheme if s.restricted and not s.jackknife_scores]
)
def test_signs_that_cannot_reject_leave_both_sides_open(
    rng: np.random.Generator, scheme: WildScheme
) -> None:
    """With two to four clusters the sample and its mirror alone are more than 5 % of the signs."""
    for groups in (2, 3, 4):
        codes = np.arange(24) % groups
        x = np.column_stack([np.ones(24), rng.standard_normal(24)])
        fit = least_squares(rng.standard_normal(24), x)
        found = wild_cluster_bootstrap(
            fit, codes, [0, 1], rng=rng, options=WildOptions(scheme=scheme)
        )
        assert found.p_value >= 2.0 ** (1 - groups)
        assert (found.conf_low, found.conf_high) == (-np.inf, np.inf)
