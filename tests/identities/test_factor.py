"""What must hold of factor analysis whatever the data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.factor import congruence, exploratory_factors
from impact_eval.stats.scales.factor_adequacy import (
    minimum_average_partial,
    parallel_analysis,
    sampling_adequacy,
    sphericity_test,
)
from impact_eval.stats.scales.factor_extraction import ExtractionMethod, extract_factors
from impact_eval.stats.scales.factor_rotation import RotationMethod, rotate

SIMPLE = np.array([[0.8, 0], [0.7, 0], [0.6, 0], [0.75, 0], [0, 0.7], [0, 0.6], [0, 0.8], [0, 0.5]])
PHI = np.array([[1, 0.35], [0.35, 1]])


def population(loadings: np.ndarray, phi: np.ndarray) -> np.ndarray:
    r = loadings @ phi @ loadings.T
    np.fill_diagonal(r, 1)
    return r


def noisy(seed: int, n: int = 300) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.corrcoef(rng.multivariate_normal(np.zeros(8), population(SIMPLE, PHI), size=n).T)


@pytest.mark.parametrize("method", list(ExtractionMethod)[:3])
@pytest.mark.parametrize("rotation", [RotationMethod.OBLIMIN, RotationMethod.GEOMIN])
def test_exact_simple_structure_is_recovered(
    method: ExtractionMethod, rotation: RotationMethod
) -> None:
    found = exploratory_factors(
        population(SIMPLE, PHI), n=500, n_factors=2, method=method, rotation=rotation,
        tolerance=1e-12,
    )  # fmt: skip
    # geomin's small constant (0.01) keeps it .005 from exact zeros and the correlation .012 low
    atol = 1e-5 if rotation is RotationMethod.OBLIMIN else 0.02
    np.testing.assert_allclose(np.abs(found.loadings), SIMPLE[:, [0, 1]], atol=atol)
    assert found.phi[0, 1] == pytest.approx(0.35, abs=atol)
    assert found.fit.chi_square == pytest.approx(0, abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_rotation_changes_nothing_that_can_be_seen(seed: int) -> None:
    raw = extract_factors(noisy(seed), 2)
    implied = raw.loadings @ raw.loadings.T
    for method in RotationMethod:
        turned = rotate(raw.loadings, method=method)
        again = turned.loadings @ turned.phi @ turned.loadings.T
        np.testing.assert_allclose(again, implied, atol=1e-9)
        np.testing.assert_allclose(np.diag(turned.phi), 1, atol=1e-12)


def test_newton_finds_the_minimum_of_a_general_optimiser() -> None:
    r = noisy(3)

    def residuals(flat: np.ndarray) -> float:
        load = flat.reshape(8, 2)
        rest = r - load @ load.T
        return float(np.sum(np.tril(rest, -1) ** 2))

    ours = extract_factors(r, 2)
    best = min(
        minimize(residuals, np.random.default_rng(s).normal(size=16) / 2, tol=1e-14).fun
        for s in range(3)
    )
    assert residuals(ours.loadings.ravel()) == pytest.approx(best, abs=1e-9)

    def likelihood(flat: np.ndarray) -> float:
        load, log_psi = flat[:16].reshape(8, 2), flat[16:]
        implied = load @ load.T + np.diag(np.exp(log_psi))
        return float(np.linalg.slogdet(implied)[1] + np.trace(np.linalg.solve(implied, r)))

    ml = extract_factors(r, 2, method=ExtractionMethod.MAXIMUM_LIKELIHOOD)
    start = np.concatenate([ml.loadings.ravel(), np.log(ml.uniquenesses)])
    polished = minimize(likelihood, start, tol=1e-14)
    assert likelihood(start) == pytest.approx(polished.fun, abs=1e-9)


def test_item_order_does_not_matter() -> None:
    r = noisy(4)
    order = np.random.default_rng(0).permutation(8)
    a = exploratory_factors(r, n=300, n_factors=2)
    b = exploratory_factors(r[np.ix_(order, order)], n=300, n_factors=2)
    assert np.abs(np.diag(congruence(a.loadings[order], b.loadings))) == pytest.approx(1, abs=1e-9)


def test_varimax_leaves_a_symmetric_saddle() -> None:
    turned = SIMPLE[[0, 1, 4, 6]] * 0 + np.array([[0.5, 0.5], [0.4, 0.4], [0.5, -0.5], [0.4, -0.4]])
    found = rotate(turned, method=RotationMethod.VARIMAX)
    assert np.sum(np.abs(found.loadings) < 1e-8) == 4


def test_a_heywood_case_is_said() -> None:
    r = np.array([[1, 0.9, 0.9], [0.9, 1, 0.7], [0.9, 0.7, 1]])
    found = extract_factors(r, 1)
    assert found.heywood >= 1
    assert found.uniquenesses.min() < 0.01


def test_closed_forms_of_adequacy() -> None:
    r, p = 0.4, 5
    compound = r + (1 - r) * np.eye(p)
    partial = r / (1 + (p - 2) * r)
    kmo = sampling_adequacy(compound)
    assert kmo.overall == pytest.approx(r**2 / (r**2 + partial**2), abs=1e-12)
    test = sphericity_test(compound, n=100)
    det = (1 - r) ** (p - 1) * (1 + (p - 1) * r)
    assert test.chi_square == pytest.approx(-(99 - 15 / 6) * np.log(det), rel=1e-12)
    assert minimum_average_partial(compound)[0] == pytest.approx(1 / (p - 1) ** 2, abs=1e-12)


def test_wishart_draws_stand_for_random_data() -> None:
    # Mean eigenvalues of plain random samples against those from Wishart matrices.
    n, p = 100, 6
    rng = np.random.default_rng(1)
    plain = np.mean(
        [np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(p, n))))[::-1] for _ in range(400)],
        axis=0,
    )
    found = parallel_analysis(np.eye(p), n=n, rng=np.random.default_rng(2), draws=400)
    np.testing.assert_allclose(found.random_components, plain, atol=0.02)
    assert found.n_components == 0


def test_refusals() -> None:
    results = [
        (extract_factors(np.eye(4), 2), "too_many_factors"),
        (extract_factors(np.eye(4), 0), "too_many_factors"),
        (
            extract_factors(np.ones((4, 4)), 1, method=ExtractionMethod.MAXIMUM_LIKELIHOOD),
            "matrix_not_positive",
        ),
        (extract_factors(np.full((4, 4), np.nan), 1), "matrix_not_positive"),
        (sampling_adequacy(np.ones((4, 4))), "matrix_not_positive"),
        (sphericity_test(np.ones((4, 4)), n=10), "matrix_not_positive"),
        (parallel_analysis(np.eye(4), n=4, rng=np.random.default_rng(0)), "too_few_persons"),
    ]
    for result, reason in results:
        assert isinstance(result, NotApplicable)
        assert result.reason == reason
