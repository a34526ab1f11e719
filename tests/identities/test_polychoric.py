"""Bivariate normal and polychoric correlations: closed forms, brute force, simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.bivariate_normal import (
    bivariate_normal_cdf,
    bivariate_normal_pdf,
    limit_slope,
)
from impact_eval.stats.scales.polychoric import (
    cell_probabilities,
    polychoric_correlation,
    polychoric_pair,
    smooth_correlation,
)


@settings(max_examples=40, deadline=None)
@given(h=st.floats(-4, 4), k=st.floats(-4, 4), r=st.floats(-0.995, 0.995))
def test_cdf_against_quadrature(h: float, k: float, r: float) -> None:
    def inner(x: float) -> float:
        return np.exp(-x * x / 2) / np.sqrt(2 * np.pi) * ndtr((k - r * x) / np.sqrt(1 - r * r))

    expected = quad(inner, -12, h, epsabs=1e-13, limit=200, points=[min(h - 1e-9, k * r)])[0]
    got = bivariate_normal_cdf(np.array(h), np.array(k), np.array(r))
    assert float(got) == pytest.approx(expected, abs=1e-10)


def test_cdf_at_the_centre_and_the_edges() -> None:
    r = np.linspace(-0.999, 0.999, 51)
    zero = np.zeros(51)
    np.testing.assert_allclose(
        bivariate_normal_cdf(zero, zero, r), 0.25 + np.arcsin(r) / (2 * np.pi), atol=1e-14
    )
    np.testing.assert_allclose(
        bivariate_normal_cdf(zero + 40, zero + 0.3, r), ndtr(0.3), atol=1e-15
    )


def test_derivatives_by_differences() -> None:
    rng = np.random.default_rng(0)
    h, k = rng.normal(size=(2, 200))
    r = rng.uniform(-0.95, 0.95, 200)
    e = 1e-6
    by_r = (bivariate_normal_cdf(h, k, r + e) - bivariate_normal_cdf(h, k, r - e)) / (2 * e)
    np.testing.assert_allclose(by_r, bivariate_normal_pdf(h, k, r), atol=1e-8)
    by_h = (bivariate_normal_cdf(h + e, k, r) - bivariate_normal_cdf(h - e, k, r)) / (2 * e)
    np.testing.assert_allclose(by_h, limit_slope(h, k, r), atol=1e-8)


def test_tetrachoric_of_median_cuts_is_a_sine() -> None:
    for share in (0.3, 0.4, 0.45):
        table = 1000 * np.array([[share, 0.5 - share], [0.5 - share, share]])
        fit = polychoric_pair(table)
        assert fit.correlation == pytest.approx(np.sin(2 * np.pi * (share - 0.25)), abs=1e-9)
        assert fit.chi_square == pytest.approx(0, abs=1e-9)


def test_exact_tables_give_back_their_correlation() -> None:
    cuts = np.array([[-1.0, -0.2, 0.9]]), np.array([[-0.5, 0.4, 1.5]])
    for rho in (-0.97, -0.3, 0.0, 0.6, 0.95):
        table = 1e6 * cell_probabilities(*cuts, np.array([rho]))[0]
        fit = polychoric_pair(table)
        assert fit.correlation == pytest.approx(rho, abs=1e-8)


def test_reversing_an_item_flips_its_signs_and_order_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    z = rng.multivariate_normal(np.zeros(4), 0.4 + 0.6 * np.eye(4), size=500)
    x = np.digitize(z, [-1, 0, 0.8]).astype(float)
    x[rng.random(x.shape) < 0.1] = np.nan
    fit = polychoric_correlation(x)
    turned = x.copy()
    turned[:, 1] = 3 - turned[:, 1]
    signs = np.array([1, -1, 1, 1])
    np.testing.assert_allclose(
        polychoric_correlation(turned).correlation,
        fit.correlation * np.outer(signs, signs),
        atol=1e-9,
    )
    order = rng.permutation(500)
    np.testing.assert_allclose(
        polychoric_correlation(x[order][:, ::-1]).correlation,
        fit.correlation[::-1, ::-1],
        atol=1e-9,
    )


def test_items_with_unequal_numbers_of_categories() -> None:
    rng = np.random.default_rng(5)
    z = rng.multivariate_normal(np.zeros(3), 0.5 + 0.5 * np.eye(3), size=20_000)
    x = np.column_stack(
        [np.digitize(z[:, 0], [0]), np.digitize(z[:, 1], [-1, 0, 1]), np.digitize(z[:, 2], [0.5])]
    ).astype(float)
    fit = polychoric_correlation(x)
    assert [len(t) for t in fit.thresholds] == [1, 3, 1]
    off = fit.correlation[np.triu_indices(3, 1)]
    error = fit.std_error[np.triu_indices(3, 1)]
    assert np.all(np.abs(off - 0.5) < 4 * error)


def test_perfect_association_is_said_to_touch_the_boundary() -> None:
    x = np.repeat(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), 20, axis=0)
    fit = polychoric_correlation(x)
    assert fit.boundary_pairs == 1
    assert fit.empty_cells == 6
    assert fit.correlation[0, 1] > 0.99


def test_refusals() -> None:
    for x, reason in [
        (np.ones((50, 1)), "too_few_items"),
        (np.ones((5, 3)), "too_few_persons"),
        (np.column_stack([np.ones(50), np.arange(50) % 2]), "constant_item"),
        (np.column_stack([np.arange(50), np.arange(50) % 2]), "too_many_categories"),
    ]:
        result = polychoric_correlation(x)
        assert isinstance(result, NotApplicable)
        assert result.reason == reason


def test_smoothing_repairs_only_what_is_broken() -> None:
    broken = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1.0]])
    assert np.linalg.eigvalsh(broken)[0] < 0
    mended = smooth_correlation(broken)
    assert np.linalg.eigvalsh(mended)[0] > 0
    np.testing.assert_allclose(np.diag(mended), 1)
    good = 0.5 + 0.5 * np.eye(3)
    assert smooth_correlation(good) is good
