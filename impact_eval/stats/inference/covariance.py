r"""Covariance as a typed value, and the covariance of a fit or of influence values.

The sandwich is :math:`V = M\,(\sum_j s_js_j')\,M` with bread :math:`M = (X'WX)^{-1}` and s the
(adjusted) scores of a row (HC) or of a cluster (CR). The names mean one formula each:

=========  ================================================================================
HC0-HC3    rows; HC1 times n/(n-k); HC2 and HC3 divide the residual by the root of 1-h, by 1-h
CR0        clusters, no correction
CR1        CR0 times :math:`\frac{G}{G-1}\cdot\frac{n-1}{n-k}` (what Stata and fixest print;
           `CR1S` in clubSandwich), t with G-1 degrees of freedom
CR2        Bell-McCaffrey adjustment, Satterthwaite degrees of freedom; the default
CR3        :math:`A_j=(I-H_{jj})^{-1}` (clubSandwich), Satterthwaite degrees of freedom
jackknife  CR3 times (G-1)/G, t with G-1 degrees of freedom: the leave-one-cluster-out variance
           centred at the full estimate (CV3 of MacKinnon, Nielsen and Webb)
=========  ================================================================================

References
----------
MacKinnon, J. and White, H. (1985). doi:10.1016/0304-4076(85)90158-7
Pustejovsky, J. and Tipton, E. (2018). doi:10.1080/07350015.2016.1247004
Cameron, A. C., Gelbach, J. and Miller, D. (2011). doi:10.1198/jbes.2010.07136
Conley, T. (1999). doi:10.1016/S0304-4076(98)00084-0
MacKinnon, J., Nielsen, M. and Webb, M. (2023). doi:10.1002/jae.2969
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from impact_eval.core import Finding, ImpactEvalError
from impact_eval.stats.inference.cluster_moments import (
    SINGULAR,
    ClusterMoments,
    inverse,
    inverse_root,
    satterthwaite_df,
    spectral_moments,
    weighted_cr2_moments,
)
from impact_eval.stats.inference.covariance_types import (
    CR,
    EARTH_RADIUS_KM,
    HC,
    Clustered,
    Conley,
    Covariance,
    Homoskedastic,
    Robust,
    SpatialKernel,
)
from impact_eval.stats.inference.regression import LinearFit

__all__ = [
    "CR",
    "HC",
    "Clustered",
    "Conley",
    "Covariance",
    "CovarianceResult",
    "Homoskedastic",
    "Robust",
    "SpatialKernel",
    "cluster_moments",
    "covariance_of_fit",
    "covariance_of_influence",
    "great_circle_km",
    "nearest_psd",
    "satterthwaite_df",
    "small_sample_factor",
    "sum_by_cluster",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FEW_CLUSTERS = 40  # below, CR1 with t(G-1) rejects too often (MacKinnon, Nielsen and Webb 2023)


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceResult:
    """A covariance with what inference needs beside it.

    Attributes
    ----------
    label : str
        Name of the formula used.
    matrix : (k, k) array
    df : (k,) array
        Degrees of freedom of each coefficient's t; infinite means the normal law.
    n_clusters : tuple of int
        Numbers of clusters, one per dimension; empty when rows are independent.
    influence : (m, k) array or None
        Rows (one per row or per cluster) whose sum of outer products is `matrix`; None for
        covariances that are no such sum (multi-way, spatial).
    moments : ClusterMoments or None
        The law of the covariance under the working model, for contrasts and joint tests.
    findings : tuple of Finding
    """

    label: str
    matrix: FloatArray
    df: FloatArray
    n_clusters: tuple[int, ...] = ()
    influence: FloatArray | None = None
    moments: ClusterMoments | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def std_errors(self) -> FloatArray:
        """(k,) array, NaN where the variance is negative."""
        variance = np.diag(self.matrix)
        return np.sqrt(np.where(variance >= 0, variance, np.nan))


def covariance_of_fit(
    fit: LinearFit,
    covariance: Covariance,
    *,
    clusters: IntArray | Sequence[IntArray] | None = None,
    coordinates: FloatArray | None = None,
) -> CovarianceResult:
    """Compute the covariance of the coefficients of a least-squares fit.

    Parameters
    ----------
    fit : LinearFit
    covariance : Homoskedastic, Robust, Clustered or Conley
    clusters : (n,) array of int, or a sequence of them
        For `Clustered`: the codes of each dimension.
    coordinates : (n, 2) array
        For `Conley`: latitude and longitude in degrees.

    Returns
    -------
    CovarianceResult

    Raises
    ------
    ImpactEvalError
        `clusters_missing`, `one_cluster`, `coordinates_missing`, `absorbed_leverage_missing`,
        `no_residual_df`, `shape_mismatch`, `not_finite`.

    Assumptions
    -----------
    Fixed effects absorbed before the fit change nothing when they are nested in the clusters and
    the fit has no weights; otherwise CR2 and CR3 need them as columns.

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.inference.regression import least_squares
    >>> x = np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]])
    >>> fit = least_squares([1.0, 2, 3, 2, 4, 9], x)
    >>> covariance_of_fit(fit, Robust("HC2")).std_errors.round(4).tolist()
    [0.5774, 2.1602]
    """
    match covariance:
        case Homoskedastic():
            return CovarianceResult(
                label=covariance.label,
                matrix=fit.bread * fit.sigma2,
                df=_residual_df(fit),
            )
        case Robust():
            return _robust(fit, HC(covariance.kind))
        case Clustered():
            return _clustered(fit, covariance, clusters)
        case Conley():
            return _conley(fit, covariance, coordinates)


def _residual_df(fit: LinearFit) -> FloatArray:
    if fit.df_residual <= 0:
        raise ImpactEvalError(
            Finding.error("no_residual_df", n=fit.n, parameters=fit.n - fit.df_residual)
        )
    return np.full(len(fit.names), float(fit.df_residual))


def _robust(fit: LinearFit, kind: HC) -> CovarianceResult:
    df = _residual_df(fit)
    findings: tuple[Finding, ...] = ()
    factor: FloatArray | float = 1.0
    if kind is HC.HC1:
        factor = math.sqrt(fit.n / fit.df_residual)
    elif kind in (HC.HC2, HC.HC3):
        if fit.absorbed and not fit.leverage_complete:
            raise ImpactEvalError(Finding.error("absorbed_leverage_missing", covariance=str(kind)))
        room = 1 - fit.leverage
        alone = int((room < SINGULAR).sum())
        if alone:
            findings = (Finding.warning("leverage_one", n=alone, covariance=str(kind)),)
        factor = (inverse_root(room) if kind is HC.HC2 else inverse(room))[:, None]
    influence = fit.scores @ fit.bread * factor
    return CovarianceResult(
        label=str(kind),
        matrix=influence.T @ influence,
        df=df,
        influence=influence,
        findings=findings,
    )


def cluster_moments(fit: LinearFit, clusters: IntArray, correction: CR) -> ClusterMoments:
    """Return the adjusted scores of each cluster, and their law under the working model."""
    if correction is CR.CR2 and fit.weights is not None:
        return weighted_cr2_moments(fit, clusters)
    adjust = {CR.CR2: inverse_root, CR.CR3: inverse, CR.JACKKNIFE: inverse}.get(correction)
    return spectral_moments(fit, clusters, adjust)


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


def _clustered(
    fit: LinearFit, covariance: Clustered, clusters: IntArray | Sequence[IntArray] | None
) -> CovarianceResult:
    if clusters is None:
        raise ImpactEvalError(Finding.error("clusters_missing", covariance=covariance.label))
    dimensions = (
        [clusters]
        if isinstance(clusters, np.ndarray) and clusters.ndim == 1
        else [np.asarray(c) for c in clusters]
    )
    if len(dimensions) > 1:
        return _multiway(fit, covariance, dimensions)
    return _one_way(fit, CR(covariance.correction), dimensions[0], covariance.label)


def _one_way(fit: LinearFit, correction: CR, clusters: IntArray, label: str) -> CovarianceResult:
    moments = cluster_moments(fit, np.asarray(clusters), correction)
    groups = moments.n_clusters
    if groups < 2:
        raise ImpactEvalError(Finding.error("one_cluster"))
    if correction is CR.CR1:
        _residual_df(fit)
    factor = small_sample_factor(
        correction, clusters=groups, n=fit.n, parameters=len(fit.names) + fit.absorbed
    )
    influence = moments.influence * math.sqrt(factor)
    satterthwaite = correction in (CR.CR2, CR.CR3)
    df = (
        satterthwaite_df(moments, np.eye(len(fit.names)))
        if satterthwaite
        else np.full(len(fit.names), float(groups - 1))
    )
    findings: tuple[Finding, ...] = ()
    if not satterthwaite and groups < FEW_CLUSTERS:
        findings = (Finding.warning("few_clusters", n=groups, advised=FEW_CLUSTERS),)
    return CovarianceResult(
        label=label,
        matrix=influence.T @ influence,
        df=df,
        n_clusters=(groups,),
        influence=influence,
        moments=moments,
        findings=findings,
    )


def _multiway(
    fit: LinearFit, covariance: Clustered, dimensions: Sequence[IntArray]
) -> CovarianceResult:
    """Add and subtract over the subsets of dimensions (Cameron, Gelbach and Miller 2011)."""
    total = np.zeros_like(fit.bread)
    correction = CR(covariance.correction)
    singles: list[CovarianceResult] = []
    for size in range(1, len(dimensions) + 1):
        for subset in combinations(dimensions, size):
            part = _one_way(fit, correction, _crossed(subset), covariance.label)
            total += part.matrix if size % 2 else -part.matrix
            if size == 1:
                singles.append(part)
    matrix, findings = nearest_psd(total)
    return CovarianceResult(
        label=covariance.label,
        matrix=matrix,
        df=np.min([part.df for part in singles], axis=0),
        n_clusters=tuple(part.n_clusters[0] for part in singles),
        findings=(*_distinct(f for part in singles for f in part.findings), *findings),
    )


def _distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    kept: list[Finding] = []
    for finding in findings:
        if finding not in kept:
            kept.append(finding)
    return tuple(kept)


def _crossed(codes: Sequence[IntArray]) -> IntArray:
    """One code per combination present."""
    if len(codes) == 1:
        return np.asarray(codes[0])
    return np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].ravel()


def nearest_psd(matrix: FloatArray) -> tuple[FloatArray, tuple[Finding, ...]]:
    """Raise the negative eigenvalues of a covariance to zero, and say so.

    Returns
    -------
    matrix : (k, k) array
    findings : tuple of Finding
        `covariance_not_psd` with the number of eigenvalues raised.
    """
    values, vectors = np.linalg.eigh(matrix)
    negative = values < -1e-12 * np.abs(values).max(initial=0.0)
    if not negative.any():
        return matrix, ()
    repaired = (vectors * np.clip(values, 0, None)) @ vectors.T
    return repaired, (Finding.warning("covariance_not_psd", n=int(negative.sum())),)


def _conley(fit: LinearFit, covariance: Conley, coordinates: FloatArray | None) -> CovarianceResult:
    if coordinates is None:
        raise ImpactEvalError(Finding.error("coordinates_missing", names=covariance.columns))
    spots = np.asarray(coordinates, dtype=np.float64)
    if spots.shape != (len(fit.residuals), 2):
        raise ImpactEvalError(
            Finding.error(
                "shape_mismatch",
                what="coordinates",
                expected=len(fit.residuals),
                found=str(spots.shape),
            )
        )
    if not np.isfinite(spots).all():
        count = int((~np.isfinite(spots)).sum())
        raise ImpactEvalError(Finding.error("not_finite", what="coordinates", n=count))
    places, inverse_index = np.unique(spots, axis=0, return_inverse=True)
    scores = np.zeros((len(places), len(fit.names)))
    np.add.at(scores, inverse_index.ravel(), fit.scores @ fit.bread)
    total = np.zeros_like(fit.bread)
    for start in range(0, len(places), 512):
        block = slice(start, start + 512)
        near = _kernel_weights(places[block], places, covariance)
        total += scores[block].T @ (near @ scores)
    matrix, findings = nearest_psd((total + total.T) / 2)
    return CovarianceResult(
        label=covariance.label,
        matrix=matrix,
        df=np.full(len(fit.names), np.inf),
        n_clusters=(len(places),),
        findings=findings,
    )


def _kernel_weights(left: FloatArray, right: FloatArray, covariance: Conley) -> FloatArray:
    ratio = great_circle_km(left, right) / covariance.cutoff_km
    if covariance.kernel == SpatialKernel.UNIFORM:
        return (ratio <= 1).astype(np.float64)
    return np.clip(1 - ratio, 0, None)


def great_circle_km(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the (a, b) great-circle distances between points given in degrees (haversine).

    Examples
    --------
    >>> import numpy as np
    >>> paris, lille = np.array([[48.8566, 2.3522]]), np.array([[50.6292, 3.0573]])
    >>> float(great_circle_km(paris, lille)[0, 0].round(0))
    204.0
    """
    a, b = np.radians(left)[:, None, :], np.radians(right)[None, :, :]
    half = np.sin((a - b) / 2) ** 2
    arc = half[..., 0] + np.cos(a[..., 0]) * np.cos(b[..., 0]) * half[..., 1]
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(arc, 0, 1))))


def covariance_of_influence(
    influence: FloatArray,
    *,
    clusters: IntArray | None = None,
    correction: CR = CR.CR0,
) -> CovarianceResult:
    r"""Compute the covariance of estimates from their influence values.

    :math:`V = c\sum_g\psi_g\psi_g'` with :math:`\psi_g` the sum of the rows of cluster g, and
    c = 1 (CR0) or G/(G-1) (CR1).

    Parameters
    ----------
    influence : (m, k) array
        Rows that sum to the error of the estimates.
    clusters : (m,) array of int, optional
        None: every row is its own cluster.
    correction : CR.CR0 or CR.CR1

    Returns
    -------
    CovarianceResult
        df = G - 1.

    Raises
    ------
    ImpactEvalError
        `one_cluster`; `unknown_option` for a correction that needs the regression itself.

    Examples
    --------
    >>> import numpy as np
    >>> psi = np.array([[1.0], [-1.0], [2.0], [-2.0]])
    >>> covariance_of_influence(psi, clusters=np.array([0, 0, 1, 1])).matrix.tolist()
    [[0.0]]
    """
    known = (CR.CR0, CR.CR1)
    if correction not in known:
        raise ImpactEvalError(
            Finding.error("unknown_option", option="correction", name=str(correction), known=known)
        )
    rows = influence if clusters is None else sum_by_cluster(influence, clusters)
    groups = len(rows)
    if groups < 2:
        raise ImpactEvalError(Finding.error("one_cluster"))
    if correction == CR.CR1:
        rows = rows * math.sqrt(groups / (groups - 1))
    few = groups < FEW_CLUSTERS
    return CovarianceResult(
        label=str(CR(correction)) if clusters is not None else "influence",
        matrix=rows.T @ rows,
        df=np.full(influence.shape[1], float(groups - 1)),
        n_clusters=() if clusters is None else (groups,),
        influence=rows,
        findings=(Finding.warning("few_clusters", n=groups, advised=FEW_CLUSTERS),) if few else (),
    )


def sum_by_cluster(rows: FloatArray, clusters: IntArray) -> FloatArray:
    """Return the (G, k) sums of rows by cluster, in the order of the sorted codes."""
    codes = np.unique(np.asarray(clusters), return_inverse=True)[1].ravel()
    size = int(codes.max()) + 1
    return np.column_stack(
        [np.bincount(codes, weights=rows[:, j], minlength=size) for j in range(rows.shape[1])]
    )
