r"""Conditional and hybrid tests of a restriction on the drift, inverted (Andrews, Roth, Pakes).

Under :math:`\theta = l'\tau`, some path of the other effects makes :math:`E[Y] - X\psi \le 0` with
:math:`Y = A\hat\beta - d - a\theta`. The statistic is

.. math:: \eta = \min_{\eta,\psi}\{\eta : Y - X\psi \le \eta\,s\}
               = \max\{\gamma'Y : \gamma \ge 0,\ X'\gamma = 0,\ \gamma's = 1\},

s the standard errors of Y. The vertices of the dual do not depend on :math:`\theta`, so they are
listed once and the whole grid of :math:`\theta` is tested in one array. Given that a vertex is the
largest, :math:`\gamma'Y` is a normal cut at :math:`[v^{lo}, v^{up}]`, from the other vertices.

References
----------
Andrews, I., Roth, J. and Pakes, A. (2023). doi:10.1093/restud/rdac073
Rambachan, A. and Roth, J. (2023). doi:10.1093/restud/rdad018
Lee, J., Sun, D., Sun, Y. and Taylor, J. (2016). doi:10.1214/15-AOS1371
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.panels.extreme_rays import extreme_rays
from impact_eval.stats.panels.honest_flci import FixedLength
from impact_eval.stats.panels.honest_restrictions import Polyhedron

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_NO_VARIANCE = 1e-14  # of a vertex's variance, relative to the largest


class Hybrid(StrEnum):
    """First stage of the test."""

    CONDITIONAL = "conditional"  # none
    LEAST_FAVOURABLE = "c_lf"  # rejects above a least favourable critical value
    FIXED_LENGTH = "c_f"  # rejects outside a fixed-length interval


@dataclass(frozen=True, slots=True, kw_only=True)
class DualTest:
    """One polyhedron made ready: v vertices of the dual.

    Attributes
    ----------
    start, slope : (v,) arrays
        gamma'Y is `start - slope * theta`.
    root : (v, k) array
        The covariance of gamma'Y is `root @ root.T`.
    with_interval : (v,) array
        Covariance of gamma'Y with the centre of the fixed-length interval (zero without one).
    """

    start: FloatArray
    slope: FloatArray
    root: FloatArray
    with_interval: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStage:
    """What the hybrid needs.

    Attributes
    ----------
    hybrid : Hybrid
    alpha, kappa : float
        Level of the test and of its first stage.
    critical : float
        Least favourable critical value (infinity without one).
    centre, half_length : float
        Of the fixed-length interval at level 1 - kappa (infinite length without one).
    """

    hybrid: Hybrid
    alpha: float
    kappa: float
    critical: float = np.inf
    centre: float = 0.0
    half_length: float = np.inf

    @property
    def level(self) -> float:
        """Level left for the second stage."""
        if self.hybrid is Hybrid.CONDITIONAL:
            return self.alpha
        return (self.alpha - self.kappa) / (1 - self.kappa)


def dual_test(
    part: Polyhedron,
    estimates: FloatArray,
    covariance: FloatArray,
    post_weights: FloatArray,
    *,
    interval: FixedLength | None = None,
) -> DualTest | NotApplicable:
    """Make a polyhedron ready for the test of any theta.

    Parameters
    ----------
    part : Polyhedron
        Rows that involve some period after the action.
    estimates : (k,) array
    covariance : (k, k) array
    post_weights : (n_post,) array
    interval : FixedLength, optional

    Returns
    -------
    DualTest or NotApplicable
        `too_many_rays`.
    """
    n_post = len(post_weights)
    n_pre = len(estimates) - n_post
    turned = part.A[:, n_pre:] @ np.linalg.inv(_with_first_row(post_weights))
    rays = extreme_rays(turned[:, 1:])
    if isinstance(rays, NotApplicable):
        return rays
    spread = part.A @ covariance @ part.A.T
    gamma = rays / (rays @ np.sqrt(np.diag(spread)))[:, None]
    paths = gamma @ part.A
    weights = np.zeros(len(estimates)) if interval is None else interval.weights
    return DualTest(
        start=gamma @ (part.A @ estimates - part.d),
        slope=gamma @ turned[:, 0],
        root=paths @ _square_root(covariance),
        with_interval=paths @ covariance @ weights,
    )


def _square_root(covariance: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)), dtype=np.float64)


def _with_first_row(first: FloatArray) -> FloatArray:
    """Return an invertible matrix whose first row is given."""
    pivot = int(np.argmax(np.abs(first)))
    rest = np.delete(np.eye(len(first)), pivot, axis=0)
    return np.vstack([first, rest])


def least_favourable_value(test: DualTest, normal: FloatArray, kappa: float) -> float:
    """Return the 1 - kappa quantile of the statistic when every moment binds.

    Parameters
    ----------
    test : DualTest
    normal : (draws, r) array
        Standard normal draws, r at least the number of periods.
    kappa : float
    """
    size = test.root.shape[1]
    largest = np.concatenate(
        [(block[:, :size] @ test.root.T).max(axis=1) for block in np.array_split(normal, 20)]
    )
    return float(np.quantile(largest, 1 - kappa))


def accepts(test: DualTest, theta: FloatArray, stage: FirstStage) -> BoolArray:
    """Return which values of theta the test does not reject.

    Parameters
    ----------
    test : DualTest
    theta : (g,) array
    stage : FirstStage

    Returns
    -------
    (g,) array of bool
    """
    values = test.start[:, None] - test.slope[:, None] * theta[None, :]
    best = values.argmax(axis=0)
    statistic = values[best, np.arange(len(theta))]
    rejected = statistic > stage.critical
    if stage.hybrid is Hybrid.FIXED_LENGTH:
        rejected = rejected | (np.abs(stage.centre - theta) > stage.half_length)
    variances = (test.root**2).sum(axis=1)
    scale = float(variances.max())
    for vertex in np.unique(best):
        at = (best == vertex) & ~rejected
        variance = float(variances[vertex])
        if variance <= _NO_VARIANCE * scale:
            rejected[at] = statistic[at] > 1e-12 * np.sqrt(scale)
        elif at.any():
            rejected[at] = _second_stage(test, int(vertex), values[:, at], theta[at], stage)
    kept: BoolArray = ~rejected
    return kept


def _second_stage(
    test: DualTest, vertex: int, values: FloatArray, theta: FloatArray, stage: FirstStage
) -> BoolArray:
    """Compare the statistic with the quantile of a normal cut to where this vertex is largest."""
    shared = test.root @ test.root[vertex]
    variance = float(shared[vertex])
    spread = np.sqrt(variance)
    rho = shared / variance
    statistic = values[vertex]
    # gamma'Y splits into rho times the statistic and a rest independent of it. This vertex is the
    # largest while statistic (1 - rho_j) >= rest_j: each vertex bounds it below or above according
    # to the sign of 1 - rho_j (lemma 5.1 of Lee, Sun, Sun and Taylor).
    rest = values - rho[:, None] * statistic
    gap = 1 - rho
    near = np.abs(gap) < 1e-9
    bounds = rest / np.where(near, 1.0, gap)[:, None]
    low = np.where((gap > 0) & ~near, 1.0, np.nan)[:, None] * bounds
    high = np.where((gap < 0) & ~near, 1.0, np.nan)[:, None] * bounds
    lowest = np.fmax.reduce(low, axis=0, initial=-np.inf)
    highest = np.fmin.reduce(high, axis=0, initial=np.inf)
    if stage.hybrid is Hybrid.LEAST_FAVOURABLE:
        # Not rejected at the first stage: the statistic is also known to be below that value.
        highest = np.minimum(highest, stage.critical)
    if stage.hybrid is Hybrid.FIXED_LENGTH:
        share = float(test.with_interval[vertex]) / variance
        if abs(share) > 1e-12:
            # The centre of the interval moves with the statistic at the rate `share`; that it holds
            # theta cuts the normal once more.
            ends = [
                statistic + (theta + side * stage.half_length - stage.centre) / share
                for side in (-1.0, 1.0)
            ]
            lowest = np.maximum(lowest, np.minimum(*ends))
            highest = np.minimum(highest, np.maximum(*ends))
    cut = truncated_normal_quantile(1 - stage.level, lowest / spread, highest / spread)
    inside = (lowest <= statistic) & (statistic <= highest)
    return np.asarray(inside & (statistic / spread > np.maximum(cut, 0.0)), dtype=np.bool_)


def truncated_normal_quantile(probability: float, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the quantile of a standard normal cut to [low, high], exact far in both tails.

    Parameters
    ----------
    probability : float
    low, high : (g,) arrays
        `low` may be minus infinity, `high` infinity.

    Examples
    --------
    >>> import numpy as np
    >>> truncated_normal_quantile(0.5, np.array([-1.0]), np.array([1.0])).tolist()
    [0.0]
    """
    mirror = low > 0  # work with the nearer tail
    bottom, top = np.where(mirror, -high, low), np.where(mirror, -low, high)
    share = np.where(mirror, 1 - probability, probability)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.logaddexp(
            np.log1p(-share) + special.log_ndtr(bottom), np.log(share) + special.log_ndtr(top)
        )
        found = special.ndtri_exp(np.minimum(logs, 0.0))
    result = np.where(mirror, -found, found)
    return np.asarray(np.clip(result, low, np.maximum(low, high)), dtype=np.float64)
