"""Simplex least squares: optimality conditions, brute force, and the many-at-once solvers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from impact_eval.stats.panels.simplex import (
    project_on_simplex,
    ridge_simplex_many,
    simplex_least_squares,
    simplex_least_squares_many,
)


def kkt_gap(A: np.ndarray, b: np.ndarray, w: np.ndarray, ridge: float) -> float:
    """Return how far the weights are from optimal, on the scale of the objective."""
    slope = A.T @ (A @ w - b) + ridge * w
    # a target near zero does not make the candidates small: the vanishing ridge is theirs
    return float(slope @ w - slope.min()) / max(float(b @ b), float((A**2).sum(axis=0).mean()))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 10_000), st.sampled_from([0, 0.1, 5]))
def test_optimality_conditions(m: int, n: int, seed: int, ridge: float) -> None:
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(m, n)), rng.normal(size=m)
    w = simplex_least_squares(A, b, ridge=ridge).weights
    assert (w >= 0).all()
    assert w.sum() == pytest.approx(1)
    assert kkt_gap(A, b, w, ridge) < 1e-7


def test_against_a_general_solver() -> None:
    rng = np.random.default_rng(1)
    A, b = rng.normal(size=(8, 5)), rng.normal(size=8)
    found = optimize.minimize(
        lambda w: ((A @ w - b) ** 2).sum(),
        np.full(5, 0.2),
        bounds=[(0, 1)] * 5,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(simplex_least_squares(A, b).weights, found.x, atol=1e-5)


def test_a_point_inside_the_hull_is_reproduced() -> None:
    rng = np.random.default_rng(2)
    A = rng.normal(size=(4, 9))
    fit = simplex_least_squares(A, A @ rng.dirichlet(np.ones(9)))
    np.testing.assert_allclose(fit.residuals, 0, atol=1e-6)


def test_adding_a_constant_to_everything_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    A, b = rng.normal(size=(6, 20)), rng.normal(size=6)
    one, other = simplex_least_squares(A, b), simplex_least_squares(A + 1e3, b + 1e3)
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-8)


def test_many_small_problems_equal_one_by_one() -> None:
    rng = np.random.default_rng(4)
    problems = [(rng.normal(size=(12, 7)), rng.normal(size=12)) for _ in range(25)]
    gram = np.array([A.T @ A for A, _ in problems])
    cross = np.array([A.T @ b for A, b in problems])
    many = simplex_least_squares_many(gram, cross)
    for (A, b), w in zip(problems, many, strict=True):
        np.testing.assert_allclose(w, simplex_least_squares(A, b).weights, atol=1e-7)


def test_many_ridge_problems_equal_one_by_one() -> None:
    rng = np.random.default_rng(5)
    A, targets = rng.normal(size=(6, 40)), rng.normal(size=(30, 6))
    copies = (rng.random((30, 40)) < 0.7) * 1.0
    found = ridge_simplex_many(A, targets, ridge=np.full(30, 2.0), copies=copies)
    for w, b, k in zip(found, targets, copies, strict=True):
        live = k > 0
        alone = simplex_least_squares(A[:, live], b, ridge=2.0).weights
        np.testing.assert_allclose(w[live], alone, atol=1e-8)
        assert (w[~live] == 0).all()


def test_copies_equal_repeated_columns() -> None:
    rng = np.random.default_rng(6)
    A, b = rng.normal(size=(5, 8)), rng.normal(size=(1, 5))
    copies = rng.integers(0, 4, size=(1, 8)).astype(float)
    found = ridge_simplex_many(A, b, ridge=np.array([1.5]), copies=copies)[0]
    index = np.repeat(np.arange(8), copies[0].astype(int))
    alone = simplex_least_squares(A[:, index], b[0], ridge=1.5).weights
    np.testing.assert_allclose(found, np.bincount(index, weights=alone, minlength=8), atol=1e-8)


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_projection_is_the_nearest_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    v = rng.normal(size=(1, 6)) * 3
    w = project_on_simplex(v, np.ones((1, 6)))[0]
    assert w.sum() == pytest.approx(1)
    others = rng.dirichlet(np.ones(6), size=200)
    assert ((others - v) ** 2).sum(axis=1).min() >= ((w - v[0]) ** 2).sum() - 1e-12


def test_a_tiny_ridge_and_one_candidate_are_no_trouble() -> None:
    rng = np.random.default_rng(7)
    A, b = rng.normal(size=(4, 1)), rng.normal(size=(2, 4))
    assert ridge_simplex_many(A, b, ridge=np.full(2, 1e-3)).tolist() == [[1.0], [1.0]]
