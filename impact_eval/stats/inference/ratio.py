r"""Ratios of two estimates: Fieller's set, which stays right when the denominator is weak.

The set of :math:`\theta` that the data do not refuse, :math:`(a-\theta b)^2 \le c^2
(v_{aa} - 2\theta v_{ab} + \theta^2 v_{bb})`, is an interval when b differs from zero at that level;
otherwise it is unbounded, and says so.

References
----------
Fieller, E. C. (1954). doi:10.1111/j.2517-6161.1954.tb00159.x
Anderson, T. W. and Rubin, H. (1949). doi:10.1214/aoms/1177730090
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_HOPELESS = 1e8  # a critical value of next to no degree of freedom, whose square means nothing


class FiellerShape(StrEnum):
    """What the set looks like."""

    INTERVAL = "interval"
    OUTSIDE = "outside"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class FiellerSet:
    """The values of a ratio that the data do not refuse.

    Attributes
    ----------
    shape : FiellerShape
        Between `low` and `high`, outside of them, or every number.
    low, high : float
        Infinite when the set is every number.
    """

    shape: FiellerShape
    low: float
    high: float


def fieller_set(
    numerator: float, denominator: float, covariance: FloatArray, *, critical: float
) -> FiellerSet:
    """Return Fieller's set for numerator / denominator.

    Parameters
    ----------
    numerator, denominator : float
    covariance : (2, 2) array
        Of the pair, in that order.
    critical : float
        Two-sided critical value (1.96…).

    Returns
    -------
    FiellerSet

    Examples
    --------
    >>> import numpy as np
    >>> found = fieller_set(2.0, 4.0, np.diag([0.25, 0.0]), critical=2.0)
    >>> found.shape.value, found.low, found.high
    ('interval', 0.25, 0.75)
    """
    if critical > _HOPELESS:
        return FiellerSet(FiellerShape.EVERYTHING, -math.inf, math.inf)
    c2 = critical**2
    a = denominator**2 - c2 * covariance[1, 1]
    b = -2 * (numerator * denominator - c2 * covariance[0, 1])
    c = numerator**2 - c2 * covariance[0, 0]
    discriminant = b**2 - 4 * a * c
    if a == 0 or discriminant < 0:
        return FiellerSet(FiellerShape.EVERYTHING, -math.inf, math.inf)
    root = math.sqrt(discriminant)
    # the larger root in absolute value first, the other by their product: no cancellation
    q = -(b + math.copysign(root, b)) / 2
    ends = sorted((q / a, c / q)) if q != 0 else [0.0, 0.0]
    shape = FiellerShape.INTERVAL if a > 0 else FiellerShape.OUTSIDE
    return FiellerSet(shape, float(ends[0]), float(ends[1]))
