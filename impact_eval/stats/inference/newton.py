r"""Damped Newton: one solver for smooth convex functions and for equations.

Where :math:`g(x)` is the gradient of a convex function f and H its Hessian, or g a system of
equations and H its derivative, each iteration solves

.. math:: H(x)\,s = -g(x),\qquad x \leftarrow x + 2^{-j}s

with the smallest j for which the merit does not rise. The merit is f itself, or the size of the
equations. It stops at the Newton decrement: :math:`-g's/2` is the fall that the quadratic model
still promises; it depends on no unit of x, and the last step, once taken, leaves an error about its
square.

Kernels that read their rows in blocks (`surveys.propensity`), stay within bounds where the function
is not convex (`scales.factor_extraction`) or solve a stack of problems at once (`panels.simplex`)
have steps of their own, and say why.

References
----------
Boyd, S. and Vandenberghe, L. (2004), Convex Optimization, section 9.5, algorithm 9.5.
Dennis, J. and Schnabel, R. (1996), section 6.5 (equations). doi:10.1137/1.9781611971200
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_HALVINGS = 30
_ROUNDING = 1e-12  # share of the merit by which a sum over many rows may rise by rounding alone


@dataclass(frozen=True, slots=True)
class NewtonPoint:
    """What is known at one point; the derivatives are computed only where a step starts.

    Attributes
    ----------
    merit : float
        What must not rise: the function, or the size of the equations.
    derivatives : function
        Gradient (k,) and Hessian (k, k); or the equations and their derivative.
    """

    merit: float
    derivatives: Callable[[], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewtonStop:
    """When to stop, and what a step may be.

    Attributes
    ----------
    decrement : float
        Stop after a step that promised less than this times (abs(merit) + 0.1).
    merit : float
        Stop once the merit is below it; for equations, whose merit is known to end at zero.
    iterations : int
        Most steps.
    longest : float
        Largest change of a coordinate in one step.
    rising : float
        Share of the merit by which it may rise; 0 asks for a fall.
    cutoff : float or None
        Directions with a smaller share of the largest singular value of H (brought to a unit
        diagonal) are left alone; None is the precision of the machine.
    """

    decrement: float = 0.0
    merit: float = -math.inf
    iterations: int = 100
    longest: float = math.inf
    rising: float = _ROUNDING
    cutoff: float | None = None


@dataclass(frozen=True, slots=True)
class NewtonResult:
    """Where the steps ended.

    Attributes
    ----------
    x : (k,) array
    merit : float
    iterations : int
        Steps tried, the last one included.
    converged : bool
        False when the iterations ran out, when no shorter step would do, or when the numbers are no
        longer finite.
    """

    x: FloatArray
    merit: float
    iterations: int
    converged: bool


def damped_newton(
    at: Callable[[FloatArray], NewtonPoint], start: FloatArray, stop: NewtonStop
) -> NewtonResult:
    r"""Minimise a convex function, or solve equations, by Newton steps halved while they fail.

    Parameters
    ----------
    at : function of a (k,) array
        Returns the point's `NewtonPoint`. A merit that is not finite counts as a rise.
    start : (k,) array
        With a finite merit.
    stop : NewtonStop

    Returns
    -------
    NewtonResult
        Never an exception: a failure is `converged` False.

    Examples
    --------
    >>> import numpy as np
    >>> def at(x):  # exp(x) - 2x, least at log 2
    ...     return NewtonPoint(float(np.exp(x[0]) - 2 * x[0]),
    ...                        lambda: (np.exp(x) - 2, np.diag(np.exp(x))))
    >>> found = damped_newton(at, np.zeros(1), NewtonStop(decrement=1e-12))
    >>> found.converged, round(float(found.x[0]), 12) == round(float(np.log(2)), 12)
    (True, True)
    """
    x, here = start, at(start)
    for iteration in range(1, stop.iterations + 1):
        gradient, hessian = here.derivatives()
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return NewtonResult(x, here.merit, iteration, converged=False)
        step, promised = _newton_step(gradient, hessian, stop.cutoff)
        small = promised <= stop.decrement * (abs(here.merit) + 0.1)
        step = step * min(1.0, stop.longest / max(float(np.abs(step).max(initial=0.0)), 1e-300))
        found = _halved(at, x, step, here.merit + stop.rising * abs(here.merit))
        if found is None:
            return NewtonResult(x, here.merit, iteration, converged=small)
        x, here = found
        if small or here.merit < stop.merit:
            return NewtonResult(x, here.merit, iteration, converged=True)
    return NewtonResult(x, here.merit, stop.iterations, converged=False)


def _newton_step(
    gradient: FloatArray, hessian: FloatArray, cutoff: float | None
) -> tuple[FloatArray, float]:
    """Return the Newton step and the fall it promises."""
    # Brought to a unit diagonal, so that what counts as nothing does not depend on the unit of a
    # column. Least squares, not a solve: along a direction where H vanishes (a redundant column, a
    # coefficient on its way to infinity) the shortest step is no step.
    diagonal = np.diag(hessian)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled, slope = hessian / np.outer(scale, scale), gradient / scale
    step = np.asarray(np.linalg.lstsq(scaled, -slope, rcond=cutoff)[0], dtype=np.float64)
    # a slope that no curvature stops is not a minimum, whatever the step promises
    left = scaled @ step + slope
    return step / scale, (abs(float(slope @ step)) + float(left @ left)) / 2


def _halved(
    at: Callable[[FloatArray], NewtonPoint], x: FloatArray, step: FloatArray, ceiling: float
) -> tuple[FloatArray, NewtonPoint] | None:
    """Return the first of the steps s, s/2, s/4… whose merit is below the ceiling."""
    for halving in range(_HALVINGS):
        trial = x + step / 2**halving
        point = at(trial)
        if point.merit < ceiling:
            return trial, point
    return None
