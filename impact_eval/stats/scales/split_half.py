"""Split halves and Guttman's six lower bounds of reliability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.item_matrix import (
    complete_rows,
    correlation_of,
    covariance_of,
    item_matrix,
)

FloatArray = NDArray[np.float64]
_ENUMERATED = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GuttmanBounds:
    """Guttman's six lower bounds of reliability, on covariances.

    Attributes
    ----------
    lambda1, lambda2, lambda3, lambda4, lambda5, lambda6 : float
        `lambda3` is alpha; `lambda4` the best split into two halves of (nearly) equal length;
        `lambda6` is NaN when the covariance is singular.
    split_min, split_mean : float
        Worst and mean split.
    n_splits : int
        Splits examined.
    every_split : bool
        False when k > 16: `lambda4` is then the best of a search, itself a lower bound.
    """

    lambda1: float
    lambda2: float
    lambda3: float
    lambda4: float
    lambda5: float
    lambda6: float
    split_min: float
    split_mean: float
    n_splits: int
    every_split: bool


def guttman_bounds(covariance: FloatArray) -> GuttmanBounds:
    r"""Compute Guttman's lambda 1 to 6 of a covariance matrix.

    .. math:: \lambda_1 = 1 - \frac{tr V}{V_t},\;
       \lambda_2 = \lambda_1 + \frac{\sqrt{\frac{k}{k-1}\sum_{i\ne j} v_{ij}^2}}{V_t},\;
       \lambda_4 = \max_s 1 - \frac{s'Vs}{V_t},\;
       \lambda_5 = \lambda_1 + \frac{2\sqrt{\max_j \sum_{i\ne j} v_{ij}^2}}{V_t},\;
       \lambda_6 = 1 - \frac{\sum_j 1/(V^{-1})_{jj}}{V_t}

    Parameters
    ----------
    covariance : (k, k) array
        Positive total variance, k >= 2.

    References
    ----------
    Guttman, L. (1945). doi:10.1007/BF02288892

    Examples
    --------
    >>> import numpy as np
    >>> v = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    >>> b = guttman_bounds(v)
    >>> round(b.lambda3, 6), round(b.lambda4, 6)
    (0.8, 0.8)
    """
    k = len(covariance)
    total = covariance.sum()
    off = covariance - np.diag(np.diag(covariance))
    squares = off**2
    first = 1 - np.trace(covariance) / total
    splits, n_splits, every = _split_values(covariance)
    return GuttmanBounds(
        lambda1=float(first),
        lambda2=float(first + math.sqrt(k / (k - 1) * squares.sum()) / total),
        lambda3=float(k / (k - 1) * first),
        lambda4=float(splits.max()),
        lambda5=float(first + 2 * math.sqrt(squares.sum(axis=0).max()) / total),
        lambda6=float(1 - _regression_error(covariance) / total),
        split_min=float(splits.min()), split_mean=float(splits.mean()), n_splits=n_splits,
        every_split=every,
    )  # fmt: skip


def _regression_error(covariance: FloatArray) -> float:
    if np.linalg.cond(covariance) > 1e12:
        return math.nan
    return float(np.sum(1 / np.diag(np.linalg.inv(covariance))))


def _split_values(covariance: FloatArray) -> tuple[FloatArray, int, bool]:
    k = len(covariance)
    every = k <= _ENUMERATED
    signs = _half_signs(k) if every else _searched_signs(covariance)
    values: FloatArray = 1 - np.sum(signs @ covariance * signs, axis=1) / covariance.sum()
    return values, len(signs), every


def _half_signs(k: int) -> FloatArray:
    chosen = np.array(list(combinations(range(k), k // 2)))
    if k % 2 == 0:  # each even split appears twice: keep those whose first half holds item 0
        chosen = chosen[chosen[:, 0] == 0]
    signs = np.ones((len(chosen), k))
    np.put_along_axis(signs, chosen, -1.0, axis=1)
    return signs


def _searched_signs(covariance: FloatArray) -> FloatArray:
    return np.array([_best_split(covariance, start) for start in range(len(covariance))])


def _best_split(covariance: FloatArray, start: int) -> FloatArray:
    # Exchange one item of each half while that lowers s'Vs; starts differ by a rotation.
    k = len(covariance)
    signs = np.where(np.roll(np.arange(k) % 2 == 0, start // 2), 1.0, -1.0)
    if start % 2:
        signs = np.where(np.roll(np.arange(k), start) < k // 2, 1.0, -1.0)
    for _ in range(4 * k):
        pull = covariance @ signs
        plus, minus = np.flatnonzero(signs > 0), np.flatnonzero(signs < 0)
        own = np.diag(covariance)
        gain = (
            -4 * pull[plus][:, None] + 4 * pull[minus][None, :]
            + 4 * own[plus][:, None] + 4 * own[minus][None, :]
            - 8 * covariance[np.ix_(plus, minus)]
        )  # fmt: skip
        best = np.unravel_index(int(gain.argmin()), gain.shape)
        if gain[best] >= -1e-12:
            break
        signs[plus[best[0]]], signs[minus[best[1]]] = -1.0, 1.0
    return signs


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitHalf:
    """One split of the items into two halves.

    Attributes
    ----------
    correlation : float
        Between the two half scores.
    spearman_brown : float
        Stepped up to full length, halves supposed equal.
    horst : float
        Stepped up for the actual lengths.
    flanagan_rulon : float
        ``4 cov / V_t``: no equal-variance supposition.
    """

    correlation: float
    spearman_brown: float
    horst: float
    flanagan_rulon: float
    n: int


def spearman_brown(reliability: float, *, times: float = 2.0) -> float:
    r"""Return the reliability of a scale `times` as long: :math:`t r / (1 + (t - 1) r)`.

    Examples
    --------
    >>> spearman_brown(0.5)
    0.6666666666666666
    """
    length = 1 + (times - 1) * reliability
    return times * reliability / length if length else -math.inf


def split_half(
    responses: ArrayLike, *, first: ArrayLike | None = None
) -> SplitHalf | NotApplicable:
    """Compute split-half reliability; by default odd items against even items.

    Parameters
    ----------
    responses : (n, k) array
        Complete rows are used.
    first : (k,) array of bool, optional
        Items of the first half.

    Returns
    -------
    SplitHalf or NotApplicable
        `too_few_items`, `too_few_persons`, `no_variance` (a constant half).

    References
    ----------
    Horst, P. (1951). doi:10.1037/h0054684

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1, 2], [2, 3], [3, 3], [5, 4]])
    >>> s = split_half(x)
    >>> round(s.spearman_brown, 4) == round(s.horst, 4)
    True
    """
    kept = complete_rows(item_matrix(responses))
    n, k = kept.shape
    if k < 2:
        return NotApplicable.because("too_few_items", n=k, advised=2)
    if n < 3:
        return NotApplicable.because("too_few_persons", n=n, advised=3)
    chosen = np.arange(k) % 2 == 0 if first is None else np.asarray(first, dtype=bool)
    halves = np.column_stack([kept[:, chosen].sum(axis=1), kept[:, ~chosen].sum(axis=1)])
    covariance, _ = covariance_of(halves)
    if not np.diag(covariance).min() > 0 or not covariance.sum() > 1e-12 * np.trace(covariance):
        return NotApplicable.because("no_variance")
    r = float(correlation_of(covariance)[0, 1])
    share = float(chosen.mean())
    product = share * (1 - share)
    if abs(r) < 1:
        step = math.sqrt(r * r + 4 * product * (1 - r * r)) - r
        horst = r * step / (2 * product * (1 - r * r))
    else:
        horst = r
    return SplitHalf(
        correlation=r, spearman_brown=spearman_brown(r), horst=horst,
        flanagan_rulon=float(4 * covariance[0, 1] / covariance.sum()), n=n,
    )  # fmt: skip
