r"""Power of a pre-trend test, and what passing it does to the estimates (Roth 2022).

The pre-period estimates are :math:`\hat\beta_{pre} \sim N(\delta, V)`. The test passes when they
fall in a region: an ellipsoid (joint Wald test) or a box (no single one significant). The chance to
leave it when the truth is a given drift is the power; the mean of all estimates given that they
stayed in it is what a study that passed its pre-test should expect.

References
----------
Roth, J. (2022). Pretest with caution. doi:10.1257/aeri.20210236
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.inference import critical_value

FloatArray = NDArray[np.float64]

_POINTS = 1 << 14  # lattice points: about 1e-5 on a probability of a dozen dimensions
_DOUBLINGS = 60


class PretestRule(StrEnum):
    """When the pre-trend test passes."""

    JOINT = "joint"  # Wald statistic below its critical value
    INDIVIDUAL = "individual"  # no pre-period estimate significant on its own


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Passing the test under a given drift.

    Attributes
    ----------
    probability : float
        Chance that the test passes.
    mean : (k,) array
        Mean of the pre-period estimates given that it passed.
    """

    probability: float
    mean: FloatArray


def pretest_acceptance(
    drift: FloatArray,
    covariance: FloatArray,
    *,
    alpha: float = 0.05,
    rule: PretestRule = PretestRule.JOINT,
) -> Acceptance:
    r"""Return the chance that the pre-test passes, and the mean of the estimates when it does.

    Joint rule, with :math:`\lambda = \delta'V^{-1}\delta`, c the chi-squared quantile, k the rank:
    probability :math:`F_{k,\lambda}(c)` and mean :math:`\delta F_{k+2,\lambda}(c)/F_{k,\lambda}(c)`
    (noncentral chi-squared). Individual rule: normal probability of a box and the mean in it, by
    separation of variables on a fixed lattice.

    Parameters
    ----------
    drift : (k,) array
        Violation of parallel trends in each pre-period.
    covariance : (k, k) array
        Positive definite.
    alpha : float
        Level of the test, in (0, 1).
    rule : PretestRule

    Returns
    -------
    Acceptance

    Examples
    --------
    >>> import numpy as np
    >>> round(pretest_acceptance(np.zeros(2), np.eye(2)).probability, 6)
    0.95
    """
    drift = np.asarray(drift, dtype=np.float64)
    if rule is PretestRule.INDIVIDUAL:
        limit = critical_value(1 - alpha) * np.sqrt(np.diag(covariance))
        return _box(drift, covariance, limit)
    size = len(drift)
    cut = float(special.chdtri(size, alpha))
    noncentrality = float(drift @ np.linalg.solve(covariance, drift))
    inside = float(special.chndtr(cut, size, noncentrality))
    if inside <= 0:
        return Acceptance(0.0, np.full(size, math.nan))
    shrink = float(special.chndtr(cut, size + 2, noncentrality)) / inside
    return Acceptance(inside, drift * shrink)


def _box(mean: FloatArray, covariance: FloatArray, limit: FloatArray) -> Acceptance:
    """Probability of |x| <= limit for x ~ N(mean, covariance), and the mean of x in the box."""
    size = len(mean)
    root = np.linalg.cholesky(covariance)
    primes = np.array(_primes(max(size, 1)), dtype=np.float64)
    lattice = np.arange(1, _POINTS + 1)[:, None] * np.sqrt(primes)[None, :] % 1.0
    uniform = np.abs(2 * lattice - 1)  # the tent folds the lattice into a periodic rule
    draws = np.zeros((_POINTS, size))
    weight = np.ones(_POINTS)
    for j in range(size):
        past = draws[:, :j] @ root[j, :j]
        low = special.ndtr((-limit[j] - mean[j] - past) / root[j, j])
        high = special.ndtr((limit[j] - mean[j] - past) / root[j, j])
        weight = weight * (high - low)
        inner = np.clip(low + uniform[:, j] * (high - low), 1e-300, 1 - 1e-16)
        draws[:, j] = special.ndtri(inner)
    total = float(weight.mean())
    if total <= 0:
        return Acceptance(0.0, np.full(size, math.nan))
    centre = (weight @ (draws @ root.T)) / weight.sum()
    return Acceptance(total, mean + centre)


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def slope_for_power(
    direction: FloatArray,
    covariance: FloatArray,
    *,
    power: float,
    alpha: float = 0.05,
    rule: PretestRule = PretestRule.JOINT,
) -> float:
    r"""Return the smallest slope :math:`\gamma > 0` of a drift that the test finds with this power.

    Parameters
    ----------
    direction : (k,) array
        Drift in each pre-period for a slope of one (event time minus the reference period).
    covariance : (k, k) array
    power : float
        In (alpha, 1).
    alpha : float
    rule : PretestRule

    Returns
    -------
    float
        In the unit of the outcome per period.
    """
    direction = np.asarray(direction, dtype=np.float64)
    unit = 1 / math.sqrt(float(direction @ np.linalg.solve(covariance, direction)))
    high = unit
    for _ in range(_DOUBLINGS):
        passed = pretest_acceptance(high * direction, covariance, alpha=alpha, rule=rule)
        if 1 - passed.probability >= power:
            break
        high *= 2
    low = 0.0
    for _ in range(_DOUBLINGS):
        middle = (low + high) / 2
        passed = pretest_acceptance(middle * direction, covariance, alpha=alpha, rule=rule)
        if 1 - passed.probability >= power:
            high = middle
        else:
            low = middle
        if high - low <= 1e-12 * high:
            break
    return high


def mean_after_passing(
    drift: FloatArray,
    covariance: FloatArray,
    pre: NDArray[np.bool_],
    *,
    alpha: float = 0.05,
    rule: PretestRule = PretestRule.JOINT,
) -> FloatArray:
    r"""Return the mean of all estimates, given that the pre-test passed, when the truth is `drift`.

    :math:`E[\hat\beta_{post} \mid pass] = \delta_{post} + V_{21}V_{11}^{-1}(E[\hat\beta_{pre} \mid
    pass] - \delta_{pre})`: passing does not only hide the drift, it can make it worse.

    Parameters
    ----------
    drift : (k,) array
        Violation in every period, pre and post.
    covariance : (k, k) array
    pre : (k,) array of bool
        Which rows are pre-periods.
    alpha : float
    rule : PretestRule

    Returns
    -------
    (k,) array
    """
    before = covariance[np.ix_(pre, pre)]
    passed = pretest_acceptance(drift[pre], before, alpha=alpha, rule=rule)
    shift = np.linalg.solve(before, passed.mean - drift[pre])
    return np.asarray(drift + covariance[:, pre] @ shift, dtype=np.float64)
