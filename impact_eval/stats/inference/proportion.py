"""Intervals of a share that hold in small groups."""

from __future__ import annotations

import math
from enum import StrEnum

from scipy import special

from impact_eval.core.findings import NotApplicable


class ShareMethod(StrEnum):
    """How the interval of a share is made."""

    CLOPPER_PEARSON = "clopper_pearson"  # exact, never under its level
    WILSON = "wilson"
    WILSON_CORRECTED = "wilson_cc"
    JEFFREYS = "jeffreys"  # the default in small groups
    AGRESTI_COULL = "agresti_coull"


def share_interval(
    count: int, n: int, *, method: ShareMethod = ShareMethod.JEFFREYS, level: float = 0.95
) -> tuple[float, float] | NotApplicable:
    """Return the interval of a share.

    Parameters
    ----------
    count, n : int
        People concerned, out of how many.
    method : ShareMethod
    level : float

    Returns
    -------
    (low, high) or NotApplicable
        `too_few_persons` when nobody was asked. Agresti-Coull may pass 0 or 1.

    References
    ----------
    Brown, L. D., Cai, T. T. and DasGupta, A. (2001). doi:10.1214/ss/1009213286

    Examples
    --------
    >>> low, high = share_interval(3, 15)
    >>> round(low, 4), round(high, 4)
    (0.0598, 0.4436)
    """
    if n < 1:
        return NotApplicable.because("too_few_persons", n=n, advised=1)
    if method is ShareMethod.CLOPPER_PEARSON:
        return _clopper_pearson(count, n, level)
    if method is ShareMethod.JEFFREYS:
        return _jeffreys(count, n, level)
    z = float(special.ndtri(0.5 + level / 2))
    if method is ShareMethod.WILSON_CORRECTED:
        return _wilson_corrected(count, n, z)
    centre = (count + z**2 / 2) / (n + z**2)
    if method is ShareMethod.AGRESTI_COULL:
        half = z * math.sqrt(centre * (1 - centre) / (n + z**2))
        return centre - half, centre + half
    p = count / n
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return (0.0 if count == 0 else centre - half), (1.0 if count == n else centre + half)


def _clopper_pearson(count: int, n: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(special.betaincinv(count, n - count + 1, tail))
    high = 1.0 if count == n else float(special.betaincinv(count + 1, n - count, 1 - tail))
    return low, high


def _jeffreys(count: int, n: int, level: float) -> tuple[float, float]:
    """Take equal tails of the Jeffreys posterior, and the bound itself at 0 and n."""
    tail = (1 - level) / 2
    a, b = count + 0.5, n - count + 0.5
    low = 0.0 if count == 0 else float(special.betaincinv(a, b, tail))
    high = 1.0 if count == n else float(special.betaincinv(a, b, 1 - tail))
    return low, high


def _wilson_corrected(count: int, n: int, z: float) -> tuple[float, float]:
    p = count / n
    scale = 2 * (n + z**2)

    def bound(sign: float) -> float:
        root = z**2 + sign * 2 - 1 / n + 4 * p * (n * (1 - p) - sign * 1)
        return (2 * n * p + z**2 + sign * (1 + z * math.sqrt(root))) / scale

    return (0.0 if count == 0 else bound(-1.0)), (1.0 if count == n else bound(1.0))
