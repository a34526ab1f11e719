r"""Shortest fixed-length interval when the drift is smooth (Rambachan and Roth 2023, section 4.1).

An affine estimator :math:`v'\hat\beta` whose post-period weights are given and that no linear drift
biases is :math:`v = D'c`, D the matrix of second differences: its worst bias is
:math:`M\sum_k|c_k|`, its variance :math:`v'Vv`. The coefficients c that reach past the reference
period are fixed by the post-period weights; the others are chosen to make the half-length

.. math:: \sigma\, cv_\alpha(b / \sigma)

smallest, with cv the quantile of a folded normal. Every candidate minimises
:math:`\tfrac12 v'Vv + \lambda\sum|c_k|` for some :math:`\lambda`: a lasso path, followed exactly.

References
----------
Armstrong, T. and Kolesár, M. (2018). doi:10.3982/ECTA14434
Rambachan, A. and Roth, J. (2023). doi:10.1093/restud/rdad018
Efron, B., Hastie, T., Johnstone, I. and Tibshirani, R. (2004). doi:10.1214/009053604000000067
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.stats.panels.honest_restrictions import second_differences

FloatArray = NDArray[np.float64]

_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class FixedLength:
    """The interval v'b ± half_length.

    Attributes
    ----------
    weights : (n_pre + n_post,) array
        v, the given post-period weights included.
    half_length, bias, std_error : float
        Half-length, largest bias, standard error.
    """

    weights: FloatArray
    half_length: float
    bias: float
    std_error: float


def folded_normal_quantile(probability: float, mean: float) -> float:
    r"""Return q with :math:`P(|Z + \mu| \le q)` = probability, Z standard normal.

    Examples
    --------
    >>> round(folded_normal_quantile(0.95, 0.0), 6)
    1.959964
    """
    mean = abs(mean)
    if mean > 8:  # the left tail no longer counts
        return mean + float(special.ndtri(probability))
    low, high = 0.0, mean + float(special.ndtri((1 + probability) / 2)) + 1e-9
    for _ in range(200):
        middle = (low + high) / 2
        inside = float(special.ndtr(middle - mean) - special.ndtr(-middle - mean))
        low, high = (middle, high) if inside < probability else (low, middle)
        if high - low < 1e-14 * (1 + high):
            break
    return (low + high) / 2


def fixed_length_interval(
    covariance: FloatArray,
    post_weights: FloatArray,
    *,
    n_pre: int,
    m: float,
    alpha: float = 0.05,
    gaps: FloatArray | None = None,
) -> FixedLength:
    """Return the shortest fixed-length interval for a weighted effect under smoothness M.

    Parameters
    ----------
    covariance : (n_pre + n_post, n_pre + n_post) array
        Of the event study, reference period left out.
    post_weights : (n_post,) array
        The effect: its weights on the periods after the reference.
    n_pre : int
        At least one.
    m : float
        Not negative, in the unit of the outcome per unit of time squared.
    alpha : float
    gaps : (n_pre + n_post,) array, optional
        Time from each period to the next; ones by default.

    Returns
    -------
    FixedLength
    """
    n_post = len(post_weights)
    D = second_differences(n_pre, n_post, gaps)
    free = n_pre - 1
    # D'c has the post-period weights asked for: the rows past the reference are triangular there
    fixed = np.linalg.solve(D[free:, n_pre:].T, post_weights)
    base = D[free:].T @ fixed
    Q = D[:free] @ covariance @ D[:free].T
    g = D[:free] @ covariance @ base
    constant = float(base @ covariance @ base)
    fixed_bias = float(np.abs(fixed).sum())

    def length(c: FloatArray) -> float:
        spread = math.sqrt(max(float(c @ Q @ c + 2 * g @ c) + constant, 0.0))
        bias = m * (float(np.abs(c).sum()) + fixed_bias)
        return spread * folded_normal_quantile(1 - alpha, bias / spread) if spread > 0 else bias

    knots = _lasso_path(Q, g)
    best = min((_shortest(a, b, length) for a, b in itertools.pairwise(knots)), key=length)
    if m == 0:
        best = knots[-1]
    v = base + D[:free].T @ best
    spread = math.sqrt(float(v @ covariance @ v))
    bias = m * (float(np.abs(best).sum()) + fixed_bias)
    return FixedLength(v, length(best), bias, spread)


def _shortest(start: FloatArray, end: FloatArray, length: object) -> FloatArray:
    """Golden section along a segment of the path (the length has one valley there)."""
    assert callable(length)
    low, high = 0.0, 1.0
    one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at = {t: length(start + t * (end - start)) for t in (one, two)}
    for _ in range(60):
        if at[one] <= at[two]:
            high, two = two, one
            one = high - _GOLDEN * (high - low)
            at[one] = length(start + one * (end - start))
        else:
            low, one = one, two
            two = low + _GOLDEN * (high - low)
            at[two] = length(start + two * (end - start))
    inner: FloatArray = start + (low + high) / 2 * (end - start)
    return min((start, end, inner), key=length)


def _lasso_path(Q: FloatArray, g: FloatArray) -> list[FloatArray]:
    r"""Return the knots of argmin ½c'Qc + g'c + λ‖c‖₁ as λ falls from infinity to zero.

    Q is positive definite; between two knots c moves along a straight line.
    """
    size = len(g)
    c = np.zeros(size)
    knots = [c.copy(), c.copy()]
    if size == 0:
        return knots
    active = [int(np.argmax(np.abs(g)))]
    penalty = float(np.abs(g).max())
    for _ in range(20 * size + 20):
        # Stationarity: on the active set slope = lambda sign(c), so that c moves by Q_AA^-1 sign
        # per unit of lambda (Efron and others, section 3.1).
        slope = -(Q @ c + g)
        signs = np.sign(slope[active])
        move = np.zeros(size)
        move[active] = np.linalg.solve(Q[np.ix_(active, active)], signs)
        step, event = _next_knot(c, move, slope, Q @ move, active, penalty)
        c = c + step * move
        penalty -= step
        if event is None:
            knots.append(c)
            break
        # A coefficient that reaches zero leaves, the lasso's departure from least angles.
        if event in active:
            c[event] = 0.0
            active.remove(event)
        else:
            active.append(event)
        knots.append(c.copy())
    return knots


def _next_knot(
    c: FloatArray,
    move: FloatArray,
    slope: FloatArray,
    change: FloatArray,
    active: list[int],
    penalty: float,
) -> tuple[float, int | None]:
    """Return how far the path goes straight, and which coefficient enters or leaves there."""
    step, event = penalty, None
    tiny = 1e-14 * max(penalty, 1e-300)
    for j in range(len(c)):
        if j in active:
            reach = [-c[j] / move[j]] if move[j] * c[j] < 0 else []
        else:
            tops = ((penalty - slope[j], 1 - change[j]), (penalty + slope[j], 1 + change[j]))
            reach = [top / bottom for top, bottom in tops if bottom > 0]
        for distance in reach:
            if tiny < distance < step:
                step, event = float(distance), j
    return step, event
