"""Damped Newton against minima and roots known in closed form, and what it does where none is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from impact_eval.stats.inference.newton import NewtonPoint, NewtonStop, damped_newton

FloatArray = NDArray[np.float64]
CLOSE = NewtonStop(decrement=1e-20)


def _exponential(x: FloatArray) -> NewtonPoint:
    """e^x - 2x, least at log 2; plain Newton from -5 would jump to 290."""
    with np.errstate(over="ignore"):
        grown = np.exp(x)
    return NewtonPoint(float((grown - 2 * x).sum()), lambda: (grown - 2, np.diag(grown)))


@pytest.mark.parametrize("start", [-5.0, 0.0, 3.0, 30.0])
def test_a_minimum_is_found_from_far_away(start: float) -> None:
    found = damped_newton(_exponential, np.array([start]), CLOSE)
    assert found.converged
    assert found.x[0] == pytest.approx(np.log(2), abs=1e-14)
    assert found.merit == pytest.approx(2 - 2 * np.log(2), abs=1e-14)


def test_a_quadratic_takes_one_step() -> None:
    matrix, target = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([1.0, -2.0])

    def at(x: FloatArray) -> NewtonPoint:
        return NewtonPoint(
            float(x @ matrix @ x / 2 - target @ x), lambda: (matrix @ x - target, matrix)
        )

    found = damped_newton(at, np.zeros(2), CLOSE)
    np.testing.assert_allclose(found.x, [0.8, -1.4], atol=1e-15)
    assert found.iterations == 2  # the second one has nothing left to promise


@pytest.mark.parametrize("unit", [1.0, 1e6, 1e-7])
def test_the_stop_does_not_depend_on_the_unit(unit: float) -> None:
    def at(x: FloatArray) -> NewtonPoint:
        grown = np.exp(unit * x)
        merit = float((grown - 2 * unit * x).sum())
        return NewtonPoint(merit, lambda: (unit * (grown - 2), unit**2 * np.diag(grown)))

    found = damped_newton(at, np.zeros(1), CLOSE)
    assert found.converged
    assert found.iterations == damped_newton(_exponential, np.zeros(1), CLOSE).iterations
    assert unit * found.x[0] == pytest.approx(np.log(2), rel=1e-14)


def test_equations_are_solved_to_the_precision_of_the_machine() -> None:
    """x^2 + y = 3 and x = y, with a third equation that repeats the second."""

    def at(v: FloatArray) -> NewtonPoint:
        x, y = v
        gap = np.array([x**2 + y - 3, x - y, 2 * x - 2 * y])
        slope = np.array([[2 * x, 1.0], [1.0, -1.0], [2.0, -2.0]])
        return NewtonPoint(float(np.abs(gap).max()), lambda: (slope.T @ gap, slope.T @ slope))

    found = damped_newton(at, np.ones(2), NewtonStop(merit=1e-13, rising=0.0))
    assert found.converged
    np.testing.assert_allclose(found.x, (np.sqrt(13) - 1) / 2, rtol=1e-13)


def test_a_redundant_direction_is_left_alone() -> None:
    def at(v: FloatArray) -> NewtonPoint:
        point = _exponential(np.array([v.sum()]))
        gradient, hessian = point.derivatives()
        return NewtonPoint(
            point.merit, lambda: (np.repeat(gradient, 2), np.full((2, 2), hessian[0, 0]))
        )

    found = damped_newton(at, np.zeros(2), NewtonStop(decrement=1e-20, cutoff=1e-12))
    np.testing.assert_allclose(found.x, np.log(2) / 2, rtol=1e-13)


def test_a_function_without_minimum_says_so() -> None:
    def at(x: FloatArray) -> NewtonPoint:  # e^x + x falls for ever
        grown = np.exp(x)
        return NewtonPoint(float(grown[0] + x[0]), lambda: (grown + 1, np.diag(grown)))

    assert not damped_newton(at, np.zeros(1), NewtonStop(decrement=1e-20, iterations=20)).converged


def test_numbers_that_are_not_finite_end_the_search() -> None:
    def at(x: FloatArray) -> NewtonPoint:
        return NewtonPoint(1.0, lambda: (np.full(1, np.nan), np.eye(1)))

    found = damped_newton(at, np.zeros(1), CLOSE)
    assert (found.converged, found.iterations, found.x.tolist()) == (False, 1, [0.0])


def test_no_step_is_longer_than_asked() -> None:
    seen: list[float] = []

    def at(x: FloatArray) -> NewtonPoint:
        seen.append(float(x[0]))
        return _exponential(x)

    found = damped_newton(at, np.array([-5.0]), NewtonStop(decrement=1e-20, longest=2.0))
    assert found.converged
    assert np.abs(np.diff(seen)).max() <= 2.0
