"""Distribution functions of the usual tests, from scipy.special (scipy.stats loads slowly)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]


def critical_value(level: float, df: float | None = None) -> float:
    """Return the two-sided critical value: normal when `df` is None, Student otherwise."""
    probability = 0.5 + level / 2
    if df is None or math.isinf(df):
        return float(special.ndtri(probability))
    return float(special.stdtrit(df, probability))


def student_value(normal: float, df: float | None = None) -> float:
    """Return the Student value that leaves the same tail as a normal one; itself without `df`.

    Examples
    --------
    >>> round(student_value(critical_value(0.95), 4.0), 3) == round(critical_value(0.95, 4.0), 3)
    True
    """
    if df is None or math.isinf(df):
        return normal
    tail = float(special.ndtr(-normal))
    return -float(special.stdtrit(df, tail))


def two_sided_p(statistic: float, df: float | None = None) -> float:
    """Return the two-sided p-value of a normal (`df` None) or Student statistic."""
    if df is None or math.isinf(df):
        return float(2 * special.ndtr(-abs(statistic)))
    return float(2 * special.stdtr(df, -abs(statistic)))


@dataclass(frozen=True, slots=True)
class JointTest:
    """A joint test that several effects are zero.

    Attributes
    ----------
    statistic : float
        Wald statistic (chi-squared), or F when `df_denominator` is given.
    df : float
        Numerator degrees of freedom: the rank of the covariance tested.
    df_denominator : float or None
        Denominator degrees of freedom of an F statistic.
    p_value : float
    terms : tuple of str
        The rows tested, as `term[group, time]`.
    """

    statistic: float
    df: float
    p_value: float
    terms: tuple[str, ...]
    df_denominator: float | None = None


def wald_test(
    estimates: FloatArray, covariance: FloatArray, *, terms: tuple[str, ...] = ()
) -> JointTest:
    r"""Test that all estimates are zero: :math:`W = b' V^{-} b \sim \chi^2_{rank V}`.

    Parameters
    ----------
    estimates : (k,) array
    covariance : (k, k) array
        Symmetric; directions with no variance are left out (generalised inverse).
    terms : tuple of str
        Names kept with the result.

    Returns
    -------
    JointTest
    """
    scale = np.sqrt(np.diag(covariance))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    keep = values > max(values.max(), 0) * len(values) * 1e-12
    projected = vectors[:, keep].T @ (estimates / scale)
    statistic = float(np.sum(projected**2 / values[keep]))
    rank = int(keep.sum())
    return JointTest(statistic, float(rank), float(special.chdtrc(rank, statistic)), terms)


def sup_t_critical_value(
    covariance: FloatArray, *, level: float, rng: np.random.Generator, draws: int = 9_999
) -> float:
    r"""Return the simultaneous critical value of :math:`\max_j |Z_j|`, Z normal of this covariance.

    A Gaussian-multiplier bootstrap of a sum of influence values is exactly N(0, V): drawing from V
    costs milliseconds at any sample size.

    Parameters
    ----------
    covariance : (k, k) array
        Only its correlation matters; null directions are ignored.
    level : float
        Simultaneous coverage, in (0, 1).
    rng : numpy.random.Generator
    draws : int

    Returns
    -------
    float
        Never below the pointwise critical value.

    References
    ----------
    Montiel Olea, J. L. and Plagborg-Møller, M. (2019). doi:10.1002/jae.2656
    """
    scale = np.sqrt(np.diag(covariance))
    live = scale > 0
    pointwise = critical_value(level)
    if int(live.sum()) <= 1:
        return pointwise
    correlation = covariance[np.ix_(live, live)] / np.outer(scale[live], scale[live])
    # rounded, so that the last bits (order of a sum, processor) do not turn the eigenvectors
    correlation = np.round(correlation, 8)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    normal = rng.standard_normal((draws, int(live.sum())))
    largest = np.abs(normal @ root.T).max(axis=1)
    return max(pointwise, float(np.quantile(largest, level)))


def smallest_detectable_effect(
    std_error: float, *, df: float | None = None, level: float = 0.95, power: float = 0.8
) -> float:
    r"""Return the smallest effect a study of this precision would have seen `power` of the time.

    :math:`(t_{1-\alpha/2} + t_{power})\, se`: about 2.8 standard errors. It says what a null result
    leaves possible; it is not the power of what was observed.
    """
    seen = float(special.ndtri(power) if df is None else special.stdtrit(df, power))
    return (critical_value(level, df) + seen) * std_error
