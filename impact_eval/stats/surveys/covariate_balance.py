r"""Balance of two groups: differences, standardised differences, variance ratios, a joint test.

Sign everywhere: treated minus comparison.

References
----------
Austin, P. C. (2009). doi:10.1002/sim.3697
Hansen, B. B. and Bowers, J. (2008). doi:10.1214/08-STS254
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.inference import JointTest, two_sided_p

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceTable:
    """One line per covariate; every array is (p,).

    Attributes
    ----------
    mean_treated, mean_comparison : (p,) arrays
        Weighted means.
    difference : (p,) array
        Treated minus comparison, in the unit of the covariate.
    standardised : (p,) array
        The difference over the root of the mean of both *unweighted* variances, so that weighting
        changes the numerator only; NaN when both variances are zero.
    variance_ratio : (p,) array
        Weighted variance of the treated over that of the comparison; NaN when that is zero.
    p_value : (p,) array
        Of the difference: Welch's t, or a cluster-robust normal test with clusters.
    n_treated, n_comparison : int
        Rows with a positive weight.
    effective_treated, effective_comparison : float
        Kish effective sample sizes.
    """

    mean_treated: FloatArray
    mean_comparison: FloatArray
    difference: FloatArray
    standardised: FloatArray
    variance_ratio: FloatArray
    p_value: FloatArray
    n_treated: int
    n_comparison: int
    effective_treated: float
    effective_comparison: float


def balance_table(
    x: FloatArray,
    treated: NDArray[np.bool_],
    *,
    weights: FloatArray | None = None,
    clusters: IntArray | None = None,
) -> BalanceTable:
    r"""Compare the covariates of treated and comparison rows.

    :math:`d = (\bar x_1 - \bar x_0)/\sqrt{(s_1^2 + s_0^2)/2}`.

    Parameters
    ----------
    x : (n, p) array
        Finite.
    treated : (n,) array of bool
        Both values present.
    weights : (n,) array, optional
        Not negative.
    clusters : (n,) array of int, optional
        Codes 0…G-1; the p-values are then cluster-robust.

    Returns
    -------
    BalanceTable

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0], [3.0], [0.0], [2.0]])
    >>> table = balance_table(x, np.array([True, True, False, False]))
    >>> table.difference.tolist(), table.standardised.round(4).tolist()
    ([1.0], [0.7071])
    """
    weight = np.ones(len(x)) if weights is None else weights
    one = _moments(x[treated], weight[treated])
    zero = _moments(x[~treated], weight[~treated])
    spread = np.sqrt((_variance(x[treated]) + _variance(x[~treated])) / 2)
    difference = one.mean - zero.mean
    if clusters is None:
        p_value = _welch(difference, one, zero)
    else:
        error = _influence(x, treated, weight, (one.mean, zero.mean))
        std_error = np.sqrt((_by_cluster(error, clusters) ** 2).sum(axis=0))
        p_value = np.array([_safe_p(d, s) for d, s in zip(difference, std_error, strict=True)])
    return BalanceTable(
        mean_treated=one.mean,
        mean_comparison=zero.mean,
        difference=difference,
        standardised=_ratio(difference, spread),
        variance_ratio=_ratio(one.variance, zero.variance),
        p_value=p_value,
        n_treated=one.n,
        n_comparison=zero.n,
        effective_treated=one.effective,
        effective_comparison=zero.effective,
    )


@dataclass(frozen=True, slots=True)
class _Moments:
    mean: FloatArray
    variance: FloatArray  # unbiased for frequency-like weights brought to an effective size
    n: int
    effective: float


def _moments(x: FloatArray, weight: FloatArray) -> _Moments:
    total = float(weight.sum())
    mean = weight @ x / total
    effective = total**2 / float((weight**2).sum())
    centred = weight @ (x - mean) ** 2 / total
    factor = effective / (effective - 1) if effective > 1 else math.nan
    return _Moments(mean, centred * factor, int((weight > 0).sum()), effective)


def _variance(x: FloatArray) -> FloatArray:
    if len(x) < 2:
        return np.zeros(x.shape[1])
    return np.asarray(x.var(axis=0, ddof=1), dtype=np.float64)


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    safe = np.where(bottom > 0, bottom, 1.0)
    return np.where(bottom > 0, top / safe, math.nan)


def _safe_p(difference: float, std_error: float, df: float | None = None) -> float:
    return two_sided_p(difference / std_error, df) if std_error > 0 else math.nan


def _welch(difference: FloatArray, one: _Moments, zero: _Moments) -> FloatArray:
    found = np.full(len(difference), math.nan)
    if min(one.effective, zero.effective) <= 1:
        return found
    a, b = one.variance / one.effective, zero.variance / zero.effective
    for j in range(len(difference)):
        total = float(a[j] + b[j])
        if total <= 0:
            continue
        df = total**2 / (a[j] ** 2 / (one.effective - 1) + b[j] ** 2 / (zero.effective - 1))
        found[j] = _safe_p(float(difference[j]), math.sqrt(total), float(df))
    return found


def _influence(
    x: FloatArray,
    treated: NDArray[np.bool_],
    weight: FloatArray,
    centre: tuple[FloatArray, FloatArray],
) -> FloatArray:
    one, zero = centre
    share = np.where(treated, weight / weight[treated].sum(), -weight / weight[~treated].sum())
    error: FloatArray = share[:, None] * (x - np.where(treated[:, None], one, zero))
    return error


def _by_cluster(values: FloatArray, clusters: IntArray) -> FloatArray:
    size = int(clusters.max()) + 1
    columns = [np.bincount(clusters, weights=column, minlength=size) for column in values.T]
    return np.asarray(np.column_stack(columns), dtype=np.float64)


def joint_balance_test(
    x: FloatArray,
    treated: NDArray[np.bool_],
    *,
    names: tuple[str, ...] = (),
    weights: FloatArray | None = None,
    clusters: IntArray | None = None,
) -> JointTest:
    r"""Test jointly that no covariate differs between the two groups.

    Without clusters or weights: :math:`d' [S (1/n_1 + 1/n_0)]^{-} d`, whose bracket is the exact
    covariance of the difference over all allocations of n_1 rows out of n, read as a chi-squared.
    With clusters: the covariance comes from cluster totals under the null of equal means, and the
    statistic is read as Hotelling's, F(k, G - k).

    Parameters
    ----------
    x : (n, p) array
    treated : (n,) array of bool
    names : tuple of str
    weights : (n,) array, optional
    clusters : (n,) array of int, optional

    Returns
    -------
    JointTest

    References
    ----------
    Hansen, B. B. and Bowers, J. (2008). doi:10.1214/08-STS254
    """
    weight = np.ones(len(x)) if weights is None else weights
    one = weight[treated] @ x[treated] / weight[treated].sum()
    zero = weight[~treated] @ x[~treated] / weight[~treated].sum()
    centre = weight @ x / weight.sum()
    if clusters is None and weights is None:
        n_one = int(treated.sum())
        spread = np.atleast_2d(np.cov(x, rowvar=False))
        covariance = spread * (1 / n_one + 1 / (len(x) - n_one))
    else:
        error = _influence(x, treated, weight, (centre, centre))
        total = error if clusters is None else _by_cluster(error, clusters)
        covariance = total.T @ total
    statistic, rank = _squared_distance(one - zero, covariance)
    groups = None if clusters is None else len(np.unique(clusters))
    if groups is None or groups <= rank + 1:
        return JointTest(statistic, float(rank), float(special.chdtrc(rank, statistic)), names)
    below = float(groups - rank)
    scaled = statistic * below / (rank * (groups - 1))
    p_value = float(special.fdtrc(rank, below, scaled))
    return JointTest(scaled, float(rank), p_value, names, df_denominator=below)


def _squared_distance(d: FloatArray, covariance: FloatArray) -> tuple[float, int]:
    """Return d' V^- d and the rank of V, on correlations so that units do not matter."""
    scale = np.sqrt(np.diag(covariance))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    keep = values > values.max() * 1e-10
    projected = vectors[:, keep].T @ (d / scale)
    return float(np.sum(projected**2 / values[keep])), int(keep.sum())
