"""Confidence bounds by inverting a test."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def inverted_bound(
    p_value: Callable[[float], float], estimate: float, step: float, *, alpha: float
) -> float:
    """Find the null farthest from the estimate, on one side, that is not rejected.

    Parameters
    ----------
    p_value : callable
        p-value of a null; above `alpha` at the estimate.
    estimate : float
    step : float
        Scale of the search (a standard error); negative for the lower bound.
    alpha : float

    Returns
    -------
    float
        Infinite when no null up to 2^40 steps away is rejected.

    Examples
    --------
    >>> from scipy.special import ndtr
    >>> bound = inverted_bound(lambda b: 2 * ndtr(-abs(1 - b)), 1.0, 1.0, alpha=0.05)
    >>> round(bound, 4)
    2.96
    """
    inside, outside = estimate, estimate + 2 * step
    for _ in range(40):
        if p_value(outside) <= alpha:
            break
        inside, outside = outside, estimate + 2 * (outside - estimate)
    else:
        return float(np.copysign(np.inf, step))
    for _ in range(60):
        middle = (inside + outside) / 2
        if p_value(middle) > alpha:
            inside = middle
        else:
            outside = middle
        if abs(outside - inside) <= 1e-11 * abs(step):
            break
    return (inside + outside) / 2
