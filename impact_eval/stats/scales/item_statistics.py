"""What each item does: spread, item-rest correlation, alpha without it, floor and ceiling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.item_matrix import (
    complete_rows,
    correlation_of,
    covariance_of,
    item_matrix,
)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStatistics:
    """What each item does, in arrays of length k.

    Attributes
    ----------
    answered : (k,) int array
    mean, std_dev : (k,) arrays
        Over complete rows.
    item_total : (k,) array
        Correlation with the total, the item included.
    item_rest : (k,) array
        Correlation with the total of the other items; negative: the item looks unreversed.
    item_corrected : (k,) array
        Correlation with the common part of the total (squared multiple correlations on the
        diagonal), so that the item does not correlate with its own error.
    alpha_if_dropped : (k,) array
        NaN when only two items are given.
    floor, ceiling : (k,) arrays
        Shares in [0, 1] at the lowest and highest answer.
    n : int
        Complete rows.
    """

    answered: NDArray[np.int64]
    mean: FloatArray
    std_dev: FloatArray
    item_total: FloatArray
    item_rest: FloatArray
    item_corrected: FloatArray
    alpha_if_dropped: FloatArray
    floor: FloatArray
    ceiling: FloatArray
    n: int


def item_statistics(
    responses: ArrayLike, *, low: float | None = None, high: float | None = None
) -> ItemStatistics | NotApplicable:
    """Compute mean, spread, item-rest correlation, alpha without the item, floor and ceiling.

    Parameters
    ----------
    responses : (n, k) array
    low, high : float, optional
        Declared range of the answers; without it, the observed range of all items.

    Returns
    -------
    ItemStatistics or NotApplicable
        `too_few_items`, `too_few_persons`, `no_variance`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1, 2, 5], [2, 2, 4], [3, 4, 2], [4, 4, 2], [5, 4, 1]])
    >>> (item_statistics(x).item_rest < 0).tolist()
    [True, True, True]
    """
    matrix = item_matrix(responses)
    kept = complete_rows(matrix)
    n, k = kept.shape
    if k < 2:
        return NotApplicable.because("too_few_items", n=k, advised=2)
    if n < 3:
        return NotApplicable.because("too_few_persons", n=n, advised=3)
    covariance, _ = covariance_of(kept)
    if not covariance.sum() > 1e-12 * np.trace(covariance):
        return NotApplicable.because("no_variance")
    floor_at = float(np.nanmin(matrix)) if low is None else low
    ceiling_at = float(np.nanmax(matrix)) if high is None else high
    rest, whole, dropped = _item_total_relations(covariance)
    seen = ~np.isnan(matrix)
    answered = seen.sum(axis=0).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        floor = (matrix <= floor_at).sum(axis=0) / answered
        ceiling = (matrix >= ceiling_at).sum(axis=0) / answered
    return ItemStatistics(
        answered=answered, mean=kept.mean(axis=0), std_dev=np.sqrt(np.diag(covariance)),
        item_total=whole, item_rest=rest, item_corrected=_corrected(covariance),
        alpha_if_dropped=dropped, floor=floor, ceiling=ceiling, n=n,
    )  # fmt: skip


def _item_total_relations(covariance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    k = len(covariance)
    own, with_total, total = np.diag(covariance), covariance.sum(axis=0), covariance.sum()
    rest_variance = total - 2 * with_total + own
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = (with_total - own) / np.sqrt(own * rest_variance)
        whole = with_total / np.sqrt(own * total)
        remaining = np.trace(covariance) - own
        dropped = (k - 1) / (k - 2) * (1 - remaining / rest_variance) if k > 2 else own * np.nan
    return rest, whole, dropped


def _corrected(covariance: FloatArray) -> FloatArray:
    # Correlation with the common part of the total: squared multiple correlations on the diagonal.
    correlation = correlation_of(covariance)
    k = len(correlation)
    if np.isnan(correlation).any() or np.linalg.cond(correlation) > 1e12:
        return np.full(k, np.nan)
    shared = correlation - np.diag(1 / np.diag(np.linalg.inv(correlation)))
    total = shared.sum()
    return shared.sum(axis=0) / math.sqrt(total) if total > 0 else np.full(k, np.nan)


def least_item_rest(n: int, k: int) -> float:
    r"""Compute the item-rest correlation below which chance does not go, for any of `k` items.

    :math:`-\tanh(z_{1 - 0.05/k} / \sqrt{n - 3})` (Fisher's transformation, Bonferroni's share):
    among items without a link half are below 0, and none is to be turned.

    Parameters
    ----------
    n : int
        People who answered everything.
    k : int
        Items.

    Returns
    -------
    float
        In [-1, 0]; -1 below five people, where nothing may be said.

    References
    ----------
    Fisher, R. A. (1921). On the probable error of a coefficient of correlation deduced from a small
    sample. Metron, 1, 3-32.

    Examples
    --------
    >>> round(least_item_rest(60, 10), 3), least_item_rest(4, 10)
    (-0.329, -1.0)
    """
    if n < 5:
        return -1.0
    return -math.tanh(float(special.ndtri(1 - 0.05 / max(k, 1))) / math.sqrt(n - 3))
