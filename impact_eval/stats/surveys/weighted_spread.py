"""Spread of weighted values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def weighted_deviation(values: ArrayLike, weights: ArrayLike) -> float:
    r"""Return the deviation in the population that weights stand for.

    :math:`\sqrt{\frac{n}{n-1} \sum w (x - \bar x_w)^2 / \sum w}`: with equal weights, the usual
    one.

    Examples
    --------
    >>> weighted_deviation([1.0, 2.0, 3.0], [5, 5, 5])
    1.0
    """
    x, w = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    mean = float(w @ x) / float(w.sum())
    n = len(x)
    return float(np.sqrt(float(w @ (x - mean) ** 2) / float(w.sum()) * n / (n - 1)))
