r"""Corrections of a clustered covariance, from a fit and from influence values.

From influence values, a unit i of group g (a cohort, an arm) counts for the share
:math:`a_i = w_i/\sum_{j\in g} w_j` of its group's mean, and its influence is proportional to
:math:`a_i(\varepsilon_i - \bar\varepsilon_g)`: the regression behind is the one on the groups'
indicators. The matrix :math:`I - H_{cc}` of cluster c has then, in each group, the single
eigenvalue :math:`1 - A_{cg}`, with :math:`A_{cg}=\sum_{i\in c\cap g} a_i`, in the direction of the
group, so that

.. math:: \psi_c = \sum_g f(1 - A_{cg}) \sum_{i \in c\cap g} \psi_i

with f the inverse root (CR2) or the inverse (CR3). With two arms and no cluster this is Neyman's
variance and, with the variance of each group read from its own units in the working model, Welch's
degrees of freedom.

References
----------
Pustejovsky, J. and Tipton, E. (2018). doi:10.1080/07350015.2016.1247004
Welch, B. L. (1947). doi:10.1093/biomet/34.1-2.28
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from impact_eval.core import Finding, ImpactEvalError
from impact_eval.stats.inference.cluster_moments import (
    ClusterMoments,
    inverse,
    inverse_root,
    spectral_moments,
    weighted_cr2_moments,
)
from impact_eval.stats.inference.covariances.covariance_kind import (
    CovarianceResult,
    FloatArray,
    IntArray,
    Law,
    Ties,
    sum_by_cluster,
)
from impact_eval.stats.inference.few import few_in_all
from impact_eval.stats.inference.regression import LinearFit


class CR(StrEnum):
    """Corrections for clusters."""

    CR0 = "CR0"
    CR1 = "CR1"
    CR2 = "CR2"
    CR3 = "CR3"
    JACKKNIFE = "jackknife"

    @property
    def satterthwaite(self) -> bool:
        """Whether its degrees of freedom are Satterthwaite's."""
        return self in (CR.CR2, CR.CR3)


_ADJUST = MappingProxyType({CR.CR2: inverse_root, CR.CR3: inverse, CR.JACKKNIFE: inverse})


def cluster_moments(fit: LinearFit, clusters: IntArray, correction: CR) -> ClusterMoments:
    """Return the adjusted scores of each cluster, and their law under the working model."""
    if correction is CR.CR2 and fit.weights is not None:
        return weighted_cr2_moments(fit, clusters)
    return spectral_moments(fit, clusters, _ADJUST.get(correction))


def small_sample_factor(correction: CR, *, clusters: int, n: int, parameters: int) -> float:
    r"""Return the factor of the covariance: :math:`\frac{G}{G-1}\frac{n-1}{n-k}` for CR1.

    Examples
    --------
    >>> round(small_sample_factor(CR.CR1, clusters=10, n=101, parameters=1), 6)
    1.111111
    """
    if correction is CR.CR1:
        return clusters / (clusters - 1) * (n - 1) / (n - parameters)
    if correction is CR.JACKKNIFE:
        return (clusters - 1) / clusters
    return 1.0


def few_clusters(groups: int, correction: CR) -> tuple[Finding, ...]:
    """Warn that clusters are too few for a correction without Satterthwaite's degrees."""
    if correction.satterthwaite:
        return ()
    return few_in_all(groups, shared=groups)  # whom they hold is the design's to know


def influence_covariance(
    influence: FloatArray, clusters: IntArray, ties: Ties, correction: CR, label: str
) -> CovarianceResult:
    r"""Compute a clustered covariance from influence values.

    CR0 sums them by cluster; CR1 multiplies the variance by G/(G-1); the others give back to each
    cluster what its leverage in its groups took away (see the module).

    Parameters
    ----------
    influence : (n, k) array
        Rows that sum to the error of the estimates.
    clusters : (n,) array of int
    ties : Ties
        Its `groups` and `weights` are used.
    correction : CR
    label : str

    Returns
    -------
    CovarianceResult
        With Satterthwaite degrees of freedom for CR2 and CR3, and G - 1 otherwise.

    Raises
    ------
    ImpactEvalError
        `one_cluster`.
    """
    codes = np.unique(clusters, return_inverse=True)[1].ravel()
    size = int(codes.max(initial=-1)) + 1
    if size < 2:
        raise ImpactEvalError(Finding.error("one_cluster"))
    df = np.full(influence.shape[1], float(size - 1))
    law: Law | None = None
    adjust = _ADJUST.get(correction)
    # CR1 as clubSandwich has it, G/(G-1). Stata's further (n-1)/(n-k) needs a count of
    # parameters, which influence values do not tell.
    if adjust is None:
        rows = sum_by_cluster(influence, codes)
        factor = size / (size - 1) if correction is CR.CR1 else 1.0
        rows = rows * math.sqrt(factor)
    else:
        parts = leverage_of(codes, ties, adjust)
        rows = parts.sums(influence)
        # CR3 times (G-1)/G is the delete-one-cluster jackknife, read on G - 1 degrees;
        # Satterthwaite's are those of CR3.
        if correction is CR.JACKKNIFE:
            rows = rows * math.sqrt((size - 1) / size)
        else:
            law = parts.law(influence)
            df = law(np.eye(influence.shape[1]))
    return CovarianceResult(
        label=label,
        matrix=rows.T @ rows,
        df=df,
        n_clusters=(size,),
        influence=rows,
        law=law,
        findings=few_clusters(size, correction),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leverage:
    """What clusters weigh in the groups they touch: p parts, one per cluster and group met.

    Attributes
    ----------
    part : (n,) array of int
        Part of each unit.
    cluster, group : (p,) arrays of int
    factor : (p,) array
        f(1 - A).
    share, square : (p,) arrays
        Sums of the a, and of their squares.
    unit_group : (n,) array of int
    spread : (groups,) array
        What the sum of squares of a group's influence must be divided by to give its variance.
    total_square : (groups,) array
    n_clusters : int
    """

    part: IntArray
    cluster: IntArray
    group: IntArray
    factor: FloatArray
    share: FloatArray
    square: FloatArray
    unit_group: IntArray
    spread: FloatArray
    total_square: FloatArray
    n_clusters: int

    def sums(self, influence: FloatArray) -> FloatArray:
        """Return the (C, k) adjusted sums of influence values by cluster."""
        out = np.empty((self.n_clusters, influence.shape[1]))
        for j, column in enumerate(influence.T):
            parts = np.bincount(self.part, weights=column, minlength=len(self.factor))
            out[:, j] = np.bincount(self.cluster, parts * self.factor, minlength=self.n_clusters)
        return out

    def law(self, influence: FloatArray) -> Law:
        """Return the function that gives the degrees of freedom of contrasts of these columns."""

        def degrees(contrasts: FloatArray) -> FloatArray:
            return np.array([self._df(influence @ contrast) for contrast in contrasts])

        return degrees

    def _df(self, psi: FloatArray) -> float:
        r"""Return :math:`(\mathrm{tr}\,\Omega)^2/\mathrm{tr}\,\Omega^2` of one combination.

        Omega is the covariance of the adjusted sums when units are independent with the variance of
        their group: a diagonal plus, for each group, a matrix of rank two.
        """
        groups = len(self.spread)
        seen = np.bincount(self.unit_group, weights=psi**2, minlength=groups)
        variance = np.where(self.spread > 0, seen / np.where(self.spread > 0, self.spread, 1), 0.0)
        own = variance[self.group]
        a, q = self.factor * self.share, self.factor * self.square
        diagonal = np.bincount(self.cluster, own * self.factor * q, minlength=self.n_clusters)
        pull = own * (self.total_square[self.group] * a**2 - 2 * a * q)
        within = np.bincount(self.cluster, pull, minlength=self.n_clusters)
        trace = float(diagonal.sum() + within.sum())
        square = float((diagonal**2).sum() + 2 * (diagonal * within).sum()) + self._between(
            variance, a, q
        )
        return trace**2 / square if square > 0 else math.nan

    def _between(self, variance: FloatArray, a: FloatArray, q: FloatArray) -> float:
        """Return the trace of the square of the low-rank part."""
        groups = len(self.spread)
        columns = np.zeros((self.n_clusters, 2 * groups))
        columns[self.cluster, self.group] = a
        columns[self.cluster, groups + self.group] = q
        form = np.zeros((2 * groups, 2 * groups))
        at = np.arange(groups)
        form[at, at] = variance * self.total_square
        form[at, groups + at] = form[groups + at, at] = -variance
        inner = form @ (columns.T @ columns)
        return float((inner * inner.T).sum())


def leverage_of(
    clusters: IntArray, ties: Ties, adjust: Callable[[FloatArray], FloatArray]
) -> Leverage:
    """Return what clusters weigh in the groups of `ties` (one group when it has none)."""
    n = len(clusters)
    groups: IntArray = np.zeros(n, dtype=np.int64)
    if ties.groups is not None:
        groups = np.unique(ties.groups, return_inverse=True)[1].ravel()
    size = int(groups.max()) + 1
    weight = np.ones(n) if ties.weights is None else ties.weights
    a = weight / _sums(groups, weight, size)[groups]
    keys, part = np.unique(clusters * size + groups, return_inverse=True)
    share = _sums(part.ravel(), a, len(keys))
    total = _sums(groups, a**2, size)
    return Leverage(
        part=part.ravel(),
        cluster=keys // size,
        group=keys % size,
        factor=adjust(1 - share),
        share=share,
        square=_sums(part.ravel(), a**2, len(keys)),
        unit_group=groups,
        spread=total - 2 * _sums(groups, a**3, size) + total**2,
        total_square=total,
        n_clusters=int(clusters.max()) + 1,
    )


def _sums(codes: IntArray, values: FloatArray, size: int) -> FloatArray:
    return np.bincount(codes, weights=values, minlength=size).astype(np.float64)
