"""Item responses as a checked matrix: persons in rows, items in columns, NaN where unanswered."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import Finding, FindingCollector

FloatArray = NDArray[np.float64]
_ROWS = 4_096
_ROUNDING = 1e-24  # of a variance, over the square of a mean


class MissingRule(StrEnum):
    """Which answers enter a covariance: complete rows only, or each pair's complete rows."""

    LISTWISE = "listwise"
    PAIRWISE = "pairwise"


def item_matrix(responses: ArrayLike) -> FloatArray:
    """Return responses as a float matrix, refusing what is not one.

    Parameters
    ----------
    responses : (n, k) array
        Persons in rows, items in columns, NaN where unanswered.

    Returns
    -------
    (n, k) float64 array

    Raises
    ------
    ImpactEvalError
        `items_not_numeric`, `items_not_a_matrix`, `items_not_finite`.
    """
    faults = FindingCollector()
    try:
        matrix = np.asarray(responses, dtype=np.float64)
    except (TypeError, ValueError):
        faults.add(Finding.error("items_not_numeric"))
        faults.raise_if_errors()
        raise
    if matrix.ndim != 2:
        faults.add(Finding.error("items_not_a_matrix", dimensions=matrix.ndim))
    if not np.isfinite(matrix.sum()):  # one pass tells that nothing needs counting
        infinite = int(np.isinf(matrix).sum())
        if infinite:
            faults.add(Finding.error("items_not_finite", n=infinite))
    faults.raise_if_errors()
    return matrix


def complete_rows(matrix: FloatArray) -> FloatArray:
    """Return the rows of `matrix` without a missing value."""
    if not np.isnan(matrix.sum()):
        return matrix
    holes = np.isnan(matrix).any(axis=1)
    return matrix[~holes] if holes.any() else matrix


def covariance_of(
    matrix: FloatArray, *, missing: MissingRule = MissingRule.LISTWISE
) -> tuple[FloatArray, int]:
    """Return the (k, k) sample covariance (divided by n - 1) and the number of rows it rests on.

    Under `MissingRule.PAIRWISE` each entry uses the rows where both items are answered and the
    count returned is that of rows with at least one answer.
    """
    if missing is MissingRule.LISTWISE:
        kept = complete_rows(matrix)
        if len(kept) < 2:
            return np.full((matrix.shape[1], matrix.shape[1]), np.nan), len(kept)
        return _scatter(kept) / (len(kept) - 1), len(kept)
    seen = ~np.isnan(matrix)
    filled = np.where(seen, matrix, 0.0)
    mask = seen.astype(np.float64)
    count = mask.T @ mask
    with np.errstate(invalid="ignore", divide="ignore"):
        sums = filled.T @ mask
        cross = filled.T @ filled - sums * sums.T / count
        covariance = np.where(count > 1, cross / (count - 1), np.nan)
    low = np.where(seen, matrix, np.inf).min(axis=0, initial=np.inf)
    same = low == np.where(seen, matrix, -np.inf).max(axis=0, initial=-np.inf)
    covariance[(same[:, None] | same) & (count > 1)] = 0.0
    return covariance, int(seen.any(axis=1).sum())


def _scatter(kept: FloatArray) -> FloatArray:
    # Centred by blocks that stay in cache: as exact as centring the whole, without its copy.
    mean = np.full(len(kept), 1 / len(kept)) @ kept
    out = np.zeros((kept.shape[1], kept.shape[1]))
    for start in range(0, len(kept), _ROWS):
        centred = kept[start : start + _ROWS] - mean
        out += centred.T @ centred
    # an item that never varies has no variance at all, not what rounding its mean leaves of one
    same = np.diag(out) <= _ROUNDING * len(kept) * mean**2
    out[same[:, None] | same] = 0.0
    return out


def correlation_of(covariance: FloatArray) -> FloatArray:
    """Return the correlation matrix of a covariance matrix, its diagonal exactly one."""
    scale = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: FloatArray = covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    return correlation
