"""Covariance of a fit or of influence values: the functions that kernels and researchers call.

The types themselves, one file each, live in `covariances`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.inference.cluster_moments import satterthwaite_df
from impact_eval.stats.inference.covariances import (
    Covariance,
    CovarianceResult,
    OwnTest,
    Source,
    Ties,
    covariance_from_text,
    covariances,
)
from impact_eval.stats.inference.covariances.clustered import Clustered
from impact_eval.stats.inference.covariances.conley import Conley, SpatialKernel, great_circle_km
from impact_eval.stats.inference.covariances.corrections import (
    CR,
    cluster_moments,
    influence_covariance,
    small_sample_factor,
)
from impact_eval.stats.inference.covariances.covariance_kind import nearest_psd, sum_by_cluster
from impact_eval.stats.inference.covariances.driscoll_kraay import DriscollKraay
from impact_eval.stats.inference.covariances.homoskedastic import Homoskedastic
from impact_eval.stats.inference.covariances.multiplier import MultiplierBootstrap
from impact_eval.stats.inference.covariances.randomisation_redraws import Randomisation
from impact_eval.stats.inference.covariances.robust import HC, Robust
from impact_eval.stats.inference.covariances.wild import WildBootstrap
from impact_eval.stats.inference.regression import LinearFit

__all__ = [
    "CR",
    "HC",
    "Clustered",
    "Conley",
    "Covariance",
    "CovarianceResult",
    "DriscollKraay",
    "Homoskedastic",
    "MultiplierBootstrap",
    "OwnTest",
    "Randomisation",
    "Robust",
    "Source",
    "SpatialKernel",
    "Ties",
    "WildBootstrap",
    "cluster_moments",
    "covariance_from_text",
    "covariance_of_fit",
    "covariance_of_influence",
    "covariances",
    "great_circle_km",
    "nearest_psd",
    "satterthwaite_df",
    "small_sample_factor",
    "sum_by_cluster",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def covariance_of_fit(
    fit: LinearFit,
    covariance: Covariance,
    *,
    clusters: IntArray | Sequence[IntArray] | None = None,
    coordinates: FloatArray | None = None,
    times: FloatArray | None = None,
) -> CovarianceResult:
    r"""Compute the covariance of the coefficients of a least-squares fit.

    The sandwich is :math:`V = M\,(\sum_j s_js_j')\,M` with bread :math:`M = (X'WX)^{-1}` and s the
    (adjusted) scores of a row, of a cluster, of a period.

    Parameters
    ----------
    fit : LinearFit
    covariance : Covariance
        One that works from a fit.
    clusters : (n,) array of int, or a sequence of them
        For those by cluster: the codes of each dimension.
    coordinates : (n, 2) array
        For `Conley`: latitude and longitude in degrees.
    times : (n,) array
        For `DriscollKraay`.

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
    single = isinstance(clusters, np.ndarray) and clusters.ndim == 1
    codes: tuple[IntArray, ...] = ()
    if clusters is not None:
        codes = (np.asarray(clusters),) if single else tuple(np.asarray(c) for c in clusters)
    return covariance.of_fit(fit, Ties(codes=codes, numbers=coordinates, times=times))


def covariance_of_influence(
    influence: FloatArray,
    *,
    clusters: IntArray | None = None,
    correction: CR = CR.CR0,
    groups: IntArray | None = None,
    weights: FloatArray | None = None,
) -> CovarianceResult:
    r"""Compute the covariance of estimates from their influence values.

    :math:`V = c\sum_g\psi_g\psi_g'` with :math:`\psi_g` the (adjusted) sum of the rows of cluster
    g, and c = 1 (CR0) or G/(G-1) (CR1): see `covariances.corrections`.

    Parameters
    ----------
    influence : (m, k) array
        Rows that sum to the error of the estimates.
    clusters : (m,) array of int, optional
        None: every row is its own cluster.
    correction : CR
    groups : (m,) array of int, optional
        Groups whose means are compared; used by CR2, CR3 and the jackknife.
    weights : (m,) array, optional
        What each row weighs in its group.

    Returns
    -------
    CovarianceResult

    Raises
    ------
    ImpactEvalError
        `one_cluster`.

    Examples
    --------
    >>> import numpy as np
    >>> psi = np.array([[1.0], [-1.0], [2.0], [-2.0]])
    >>> covariance_of_influence(psi, clusters=np.array([0, 0, 1, 1])).matrix.tolist()
    [[0.0]]
    """
    codes = np.arange(len(influence)) if clusters is None else clusters
    label = "influence" if clusters is None else str(CR(correction))
    ties = Ties(groups=groups, weights=weights)
    return influence_covariance(influence, codes, ties, CR(correction), label)
