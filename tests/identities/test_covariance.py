"""Covariances: what must be equal by algebra, and definitions written out with dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from impact_eval.stats.inference.cluster_moments import satterthwaite_df
from impact_eval.stats.inference.covariance import (
    CR,
    Clustered,
    Conley,
    Homoskedastic,
    Robust,
    covariance_of_fit,
    covariance_of_influence,
)
from impact_eval.stats.inference.joint_tests import hotelling_df, hotelling_test
from impact_eval.stats.inference.regression import Absorbed, LinearFit, least_squares


def _fit(
    rng: np.random.Generator, *, n: int = 60, weighted: bool = False
) -> tuple[LinearFit, np.ndarray]:
    X = np.column_stack([np.ones(n), rng.standard_normal((n, 2)), rng.random(n) < 0.3])
    weights = rng.uniform(0.2, 3, n) if weighted else None
    clusters = rng.permutation(np.arange(n) % 9)
    return least_squares(X @ [1, 2, 0, 1] + rng.standard_normal(n), X, weights=weights), clusters


def _dense_cr(
    fit: LinearFit, clusters: np.ndarray, power: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """V and the matrices p_j, from the definitions of Pustejovsky and Tipton, n x n."""
    n = len(fit.residuals)
    X, M = fit.design, fit.bread
    W = np.diag(np.ones(n) if fit.weights is None else fit.weights)
    residual_maker = np.eye(n) - X @ M @ X.T @ W
    spread = residual_maker @ residual_maker.T
    total, forms = np.zeros_like(M), []
    for g in np.unique(clusters):
        rows = np.flatnonzero(clusters == g)
        if power == -0.5:
            A = linalg.fractional_matrix_power(spread[np.ix_(rows, rows)], -0.5).real
        elif power == -1:
            A = np.linalg.inv(residual_maker[np.ix_(rows, rows)])
        else:
            A = np.eye(len(rows))
        half = M @ X[rows].T @ W[np.ix_(rows, rows)] @ A
        score = half @ fit.residuals[rows]
        total += np.outer(score, score)
        forms.append(residual_maker[rows].T @ half.T)  # (n, k)
    return total, forms


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("correction", "power"), [("CR0", 0.0), ("CR2", -0.5), ("CR3", -1.0)])
def test_cluster_corrections_are_their_definitions(
    rng: np.random.Generator, weighted: bool, correction: str, power: float
) -> None:
    fit, clusters = _fit(rng, weighted=weighted)
    result = covariance_of_fit(fit, Clustered(correction=correction), clusters=clusters)
    matrix, forms = _dense_cr(fit, clusters, power)
    np.testing.assert_allclose(result.matrix, matrix, rtol=1e-9, atol=1e-13)
    assert result.moments is not None
    contrasts = np.vstack([np.eye(4), [[0, 1, -1, 0]]])
    expected = []
    for c in contrasts:
        gram = np.array([[(p @ c) @ (q @ c) for q in forms] for p in forms])
        expected.append(np.trace(gram) ** 2 / np.sum(gram**2))
    np.testing.assert_allclose(satterthwaite_df(result.moments, contrasts), expected, rtol=1e-8)


@pytest.mark.parametrize("weighted", [False, True])
def test_hotelling_df_is_the_total_variance_of_the_standardised_covariance(
    rng: np.random.Generator, weighted: bool
) -> None:
    fit, clusters = _fit(rng, weighted=weighted)
    result = covariance_of_fit(fit, Clustered(), clusters=clusters)
    C = np.array([[0.0, 1, 0, 0], [0, 0, 1, -1]])
    _, forms = _dense_cr(fit, clusters, -0.5)
    omega = sum(C @ p.T @ p @ C.T for p in forms)
    root = np.linalg.inv(linalg.sqrtm(omega).real)
    forms = [p @ C.T @ root for p in forms]
    total = sum(np.trace(p.T @ q) ** 2 + np.trace(p.T @ q @ p.T @ q) for p in forms for q in forms)
    assert result.moments is not None
    assert hotelling_df(result.moments, C) == pytest.approx(2 * 3 / total, rel=1e-8)


def test_one_restriction_hotelling_is_the_satterthwaite_t(rng: np.random.Generator) -> None:
    fit, clusters = _fit(rng)
    result = covariance_of_fit(fit, Clustered(), clusters=clusters)
    test = hotelling_test(fit, result, np.eye(4)[[1]])
    assert test.df_denominator == pytest.approx(result.df[1], rel=1e-10)
    assert test.statistic == pytest.approx((fit.coefficients[1] / result.std_errors[1]) ** 2)


@pytest.mark.parametrize(("cluster", "row"), [("CR0", "HC0"), ("CR2", "HC2"), ("CR3", "HC3")])
def test_singleton_clusters_are_rows(rng: np.random.Generator, cluster: str, row: str) -> None:
    fit, _ = _fit(rng)
    clustered = covariance_of_fit(fit, Clustered(correction=cluster), clusters=np.arange(60))
    robust = covariance_of_fit(fit, Robust(row))
    np.testing.assert_allclose(clustered.matrix, robust.matrix, rtol=1e-10)


def test_jackknife_is_leaving_out_each_cluster(rng: np.random.Generator) -> None:
    fit, clusters = _fit(rng, weighted=True)
    y = fit.fitted + fit.residuals
    assert fit.weights is not None
    total = np.zeros((4, 4))
    for g in range(9):
        keep = clusters != g
        without = least_squares(y[keep], fit.design[keep], weights=fit.weights[keep])
        gap = without.coefficients - fit.coefficients
        total += np.outer(gap, gap)
    cr3 = covariance_of_fit(fit, Clustered(correction="CR3"), clusters=clusters)
    jackknife = covariance_of_fit(fit, Clustered(correction="jackknife"), clusters=clusters)
    np.testing.assert_allclose(cr3.matrix, total, rtol=1e-9)
    np.testing.assert_allclose(jackknife.matrix, total * 8 / 9, rtol=1e-9)


def test_cr2_is_unbiased_under_its_working_model(rng: np.random.Generator) -> None:
    fit, clusters = _fit(rng)
    _, forms = _dense_cr(fit, clusters, -0.5)
    np.testing.assert_allclose(sum(p.T @ p for p in forms), fit.bread, atol=1e-12)


def test_difference_in_means_hc2_is_neyman(rng: np.random.Generator) -> None:
    y, d = rng.standard_normal(30), np.arange(30) < 11
    fit = least_squares(y, np.column_stack([np.ones(30), d]))
    neyman = y[d].var(ddof=1) / 11 + y[~d].var(ddof=1) / 19
    assert covariance_of_fit(fit, Robust("HC2")).matrix[1, 1] == pytest.approx(neyman, rel=1e-12)


def test_absorbing_the_clusters_own_effects_changes_nothing(rng: np.random.Generator) -> None:
    n, G = 80, 10
    codes = rng.permutation(np.arange(n) % G)
    x = rng.standard_normal((n, 2)) + codes[:, None] / 5
    y = x @ [1, 2] + codes + rng.standard_normal(n)
    dense = least_squares(y, np.column_stack([x, np.eye(G)[codes]]))
    centre = np.eye(G)[codes] / np.bincount(codes) @ np.eye(G)[codes].T
    within = np.eye(n) - centre
    absorbed = least_squares(
        within @ y, within @ x, absorbed=Absorbed(G, 1 / np.bincount(codes)[codes])
    )
    for kind in (Homoskedastic(), Robust("HC1"), Robust("HC2"), Robust("HC3")):
        one, two = covariance_of_fit(dense, kind), covariance_of_fit(absorbed, kind)
        np.testing.assert_allclose(one.matrix[:2, :2], two.matrix, rtol=1e-9)
        np.testing.assert_allclose(one.df[:2], two.df)
    for correction in CR:
        kind = Clustered(correction=correction)
        one = covariance_of_fit(dense, kind, clusters=codes)
        two = covariance_of_fit(absorbed, kind, clusters=codes)
        np.testing.assert_allclose(one.matrix[:2, :2], two.matrix, rtol=1e-8)
        np.testing.assert_allclose(one.df[:2], two.df, rtol=1e-8)


def test_two_way_is_the_sum_minus_the_intersection(rng: np.random.Generator) -> None:
    firm, year = rng.integers(0, 9, 400), np.arange(400) % 8
    x = rng.standard_normal(9)[firm] + rng.standard_normal(8)[year] + rng.standard_normal(400)
    noise = rng.standard_normal(9)[firm] + rng.standard_normal(8)[year] + rng.standard_normal(400)
    fit = least_squares(noise, np.column_stack([np.ones(400), x]))
    kind = Clustered(by=("firm", "year"), correction="CR1")
    both = covariance_of_fit(fit, kind, clusters=(firm, year))
    parts = [
        covariance_of_fit(fit, Clustered(correction="CR1"), clusters=codes).matrix
        for codes in (firm, year, firm * 8 + year)
    ]
    np.testing.assert_allclose(both.matrix, parts[0] + parts[1] - parts[2], rtol=1e-10)
    assert both.n_clusters == (9, 8)
    assert [f.code for f in both.findings] == ["few_clusters"] * 2  # nine and eight
    np.testing.assert_array_equal(both.df, 7)


def test_two_way_that_is_not_a_covariance_is_repaired_and_said(rng: np.random.Generator) -> None:
    codes = {}
    for seed in range(200):
        small = np.random.default_rng(seed)
        X = np.column_stack([np.ones(12), small.standard_normal((12, 3))])
        fit = least_squares(small.standard_normal(12), X)
        kind = Clustered(by=("a", "b"), correction="CR0")
        dims = (np.arange(12) // 4, np.arange(12) % 3)
        result = covariance_of_fit(fit, kind, clusters=dims)
        assert np.linalg.eigvalsh(result.matrix)[0] >= -1e-12
        for finding in result.findings:
            codes[finding.code] = codes.get(finding.code, 0) + 1
    assert codes["covariance_not_psd"] > 0


def test_conley_limits(rng: np.random.Generator) -> None:
    fit, clusters = _fit(rng)
    towns = np.column_stack([np.linspace(43, 50, 9), np.linspace(-1, 7, 9)])
    spots = np.column_stack([rng.uniform(42, 51, 60), rng.uniform(-4, 8, 60)])
    tiny = covariance_of_fit(fit, Conley("lat", "lon", 1e-6), coordinates=spots)
    hc0 = covariance_of_fit(fit, Robust("HC0"))
    np.testing.assert_allclose(tiny.matrix, hc0.matrix, rtol=1e-10)
    cr0 = covariance_of_fit(fit, Clustered(correction="CR0"), clusters=clusters)
    for kernel in ("uniform", "bartlett"):
        near = covariance_of_fit(
            fit, Conley("lat", "lon", 1.0, kernel), coordinates=towns[clusters]
        )
        np.testing.assert_allclose(near.matrix, cr0.matrix, rtol=1e-10)
        assert near.n_clusters == (9,)


def test_conley_is_the_double_sum(rng: np.random.Generator) -> None:
    fit, _ = _fit(rng)
    spots = np.column_stack([rng.uniform(45, 47, 60), rng.uniform(0, 3, 60)])
    lat, lon = np.radians(spots).T
    cosine = np.sin(lat) * np.sin(lat)[:, None] + np.cos(lat) * np.cos(lat)[:, None] * np.cos(
        lon - lon[:, None]
    )
    distance = 6371.0088 * np.arccos(np.clip(cosine, -1, 1))
    weight = np.clip(1 - distance / 100, 0, None)
    np.fill_diagonal(weight, 1)
    expected = fit.bread @ fit.scores.T @ weight @ fit.scores @ fit.bread
    result = covariance_of_fit(fit, Conley("lat", "lon", 100), coordinates=spots)
    np.testing.assert_allclose(result.matrix, expected, rtol=1e-8)


def test_influence_rows_carry_the_covariance(rng: np.random.Generator) -> None:
    fit, clusters = _fit(rng)
    rows = fit.scores @ fit.bread
    direct = covariance_of_fit(fit, Clustered(correction="CR0"), clusters=clusters)
    summed = covariance_of_influence(rows, clusters=clusters)
    np.testing.assert_allclose(summed.matrix, direct.matrix, rtol=1e-10)
    scaled = covariance_of_influence(rows, clusters=clusters, correction=CR.CR1)
    np.testing.assert_allclose(scaled.matrix, direct.matrix * 9 / 8, rtol=1e-10)
    for correction in CR:
        one = covariance_of_fit(fit, Clustered(correction=correction), clusters=clusters)
        assert one.influence is not None
        np.testing.assert_allclose(one.influence.T @ one.influence, one.matrix, rtol=1e-12)


def test_zero_weight_rows_and_weight_scale_do_not_matter(rng: np.random.Generator) -> None:
    fit, clusters = _fit(rng, weighted=True)
    y = fit.fitted + fit.residuals
    assert fit.weights is not None
    more = least_squares(
        np.append(y, [99.0, -99]),
        np.vstack([fit.design, fit.design[:2]]),
        weights=np.append(fit.weights * 7, [0, 0]),
    )
    for correction in CR:
        kind = Clustered(correction=correction)
        one = covariance_of_fit(fit, kind, clusters=clusters)
        two = covariance_of_fit(more, kind, clusters=np.append(clusters, [50, 51]))
        np.testing.assert_allclose(one.matrix, two.matrix, rtol=1e-9)
        np.testing.assert_allclose(one.df, two.df, rtol=1e-8)
        assert two.n_clusters == (9,)
