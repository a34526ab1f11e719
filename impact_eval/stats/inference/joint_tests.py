r"""Joint tests of linear restrictions on a fit: Wald, F, and Hotelling for few clusters.

With q restrictions :math:`Cb = c_0`, :math:`Q = (Cb-c_0)'(CVC')^{-1}(Cb-c_0)`:

* Wald: :math:`Q \sim \chi^2_q`;
* F: :math:`Q/q \sim F(q, \nu)`, with :math:`\nu` = G - 1 (clusters) or n - k (rows);
* AHT (approximate Hotelling, "HTZ" of clubSandwich):
  :math:`\frac{\eta-q+1}{\eta q}Q \sim F(q, \eta-q+1)` with
  :math:`\eta = q(q+1) / \sum_{st} Var(D_{st})`, D the standardised covariance under the working
  model. For q = 1 it is the Satterthwaite t test squared.

References
----------
Pustejovsky, J. and Tipton, E. (2018). doi:10.1080/07350015.2016.1247004
Tipton, E. and Pustejovsky, J. (2015). doi:10.3102/1076998615606099
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core import JointTest, NotApplicable
from impact_eval.stats.inference.cluster_moments import ClusterMoments
from impact_eval.stats.inference.covariance import CovarianceResult
from impact_eval.stats.inference.regression import LinearFit

FloatArray = NDArray[np.float64]


def selecting(fit: LinearFit, names: Sequence[str]) -> FloatArray:
    """Return the (q, k) restrictions that the coefficients named are zero."""
    return np.eye(len(fit.names))[[fit.position(name) for name in names]]


def wald_test_of_fit(
    fit: LinearFit,
    covariance: CovarianceResult,
    restrictions: FloatArray,
    null: ArrayLike = 0.0,
) -> JointTest | NotApplicable:
    """Test restrictions by the chi-squared law.

    Parameters
    ----------
    fit : LinearFit
    covariance : CovarianceResult
    restrictions : (q, k) array
    null : (q,) array or float

    Returns
    -------
    JointTest or NotApplicable
        `restrictions_singular` when the covariance of the restrictions has no inverse.
    """
    quadratic = _wald_form(fit, covariance, restrictions, null)
    if isinstance(quadratic, NotApplicable):
        return quadratic
    q = len(restrictions)
    return JointTest(
        quadratic, float(q), float(special.chdtrc(q, quadratic)), _terms(fit, restrictions)
    )


def f_test(
    fit: LinearFit,
    covariance: CovarianceResult,
    restrictions: FloatArray,
    null: ArrayLike = 0.0,
) -> JointTest | NotApplicable:
    """Test restrictions by F with G - 1 (clusters) or n - k (rows) denominator degrees of freedom.

    Parameters and returns are those of `wald_test_of_fit`.
    """
    quadratic = _wald_form(fit, covariance, restrictions, null)
    if isinstance(quadratic, NotApplicable):
        return quadratic
    groups = covariance.n_clusters
    freedom = float(min(groups) - 1 if groups else fit.df_residual)
    return _f_result(
        quadratic / len(restrictions), freedom, _terms(fit, restrictions), restrictions
    )


def hotelling_test(
    fit: LinearFit,
    covariance: CovarianceResult,
    restrictions: FloatArray,
    null: ArrayLike = 0.0,
) -> JointTest | NotApplicable:
    """Test restrictions by the approximate Hotelling law, honest with few clusters.

    Parameters and returns are those of `wald_test_of_fit`; besides, `no_cluster_moments` for a
    covariance that is not one-way clustered, and `hotelling_df_exhausted` when there are more
    restrictions than the clusters can carry.
    """
    if covariance.moments is None:
        return NotApplicable.because("no_cluster_moments", covariance=covariance.label)
    quadratic = _wald_form(fit, covariance, restrictions, null)
    if isinstance(quadratic, NotApplicable):
        return quadratic
    q = len(restrictions)
    eta = hotelling_df(covariance.moments, restrictions)
    if not eta - q + 1 > 0:
        return NotApplicable.because("hotelling_df_exhausted", restrictions=q, df=round(eta, 2))
    statistic = quadratic * (eta - q + 1) / (eta * q)
    return _f_result(statistic, eta - q + 1, _terms(fit, restrictions), restrictions)


def hotelling_df(moments: ClusterMoments, restrictions: FloatArray) -> float:
    r"""Return the :math:`\eta` of the approximate Hotelling law.

    Parameters
    ----------
    moments : ClusterMoments
    restrictions : (q, k) array

    Returns
    -------
    float
        For one restriction, its Satterthwaite degrees of freedom.
    """
    q = len(restrictions)
    c = moments.whiten @ restrictions.T
    d = np.einsum("as,jab,bt->jst", c, moments.diagonal, c)
    y = np.einsum("jma,as->jms", moments.cross, c)
    mean = d.sum(axis=0) + np.einsum("jms,mn,jnt->st", y, moments.form, y)
    values, vectors = np.linalg.eigh(mean)
    standard = (vectors / np.sqrt(values)) @ vectors.T
    d = standard @ d @ standard
    y = y @ standard
    own = np.einsum("jms,mn,jnt->jst", y, moments.form, y)
    trace_d, trace_own = np.trace(d, axis1=1, axis2=2), np.trace(own, axis1=1, axis2=2)
    # sum over pairs of clusters of (tr N_ij)^2 and tr(N_ij N_ij), N_ij = 1_ij d_j + y_i'By_j
    pairs = np.einsum("jms,jnt->msnt", y, y)
    turned = np.einsum("lm,msnt->lsnt", moments.form, pairs)
    traces = np.einsum("lsnt,ntls->", turned, turned)
    products = np.einsum("lsnt,nslt->", turned, turned)
    total = (
        np.sum(trace_d**2)
        + 2 * np.sum(trace_d * trace_own)
        + traces
        + np.einsum("jst,jts->", d, d)
        + 2 * np.einsum("jst,jts->", d, own)
        + products
    )
    return float(q * (q + 1) / total)


def _wald_form(
    fit: LinearFit, covariance: CovarianceResult, restrictions: FloatArray, null: ArrayLike
) -> float | NotApplicable:
    gap = restrictions @ fit.coefficients - np.asarray(null, dtype=np.float64)
    variance = restrictions @ covariance.matrix @ restrictions.T
    scale = np.sqrt(np.clip(np.diag(variance), 0, None))
    if not (scale > 0).all():
        return NotApplicable.because("restrictions_singular", n=int((scale <= 0).sum()))
    standard = variance / np.outer(scale, scale)
    if np.linalg.eigvalsh(standard)[0] < 1e-12:
        rank = int((np.linalg.eigvalsh(standard) >= 1e-12).sum())
        return NotApplicable.because("restrictions_singular", n=len(restrictions) - rank)
    gap = gap / scale
    return float(gap @ np.linalg.solve(standard, gap))


def _f_result(
    statistic: float, freedom: float, terms: tuple[str, ...], restrictions: FloatArray
) -> JointTest:
    q = len(restrictions)
    p_value = float(special.fdtrc(q, freedom, statistic))
    return JointTest(statistic, float(q), p_value, terms, freedom)


def _terms(fit: LinearFit, restrictions: FloatArray) -> tuple[str, ...]:
    touched = (restrictions != 0).any(axis=0)
    return tuple(name for name, yes in zip(fit.names, touched, strict=True) if yes)
