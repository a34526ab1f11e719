"""Signs of answers given without reading: repeated, flat, odd, or always yes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.item_matrix import item_matrix

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def longest_string(answers: ArrayLike) -> IntArray:
    """Return the longest run of one same answer of each person, in the order of the questionnaire.

    Parameters
    ----------
    answers : (n, k) array
        Raw answers, before any reversal; a hole breaks a run.

    Returns
    -------
    (n,) int array

    Examples
    --------
    >>> longest_string([[3, 3, 3, 1], [1, 2, 3, 4]]).tolist()
    [3, 1]
    """
    x = item_matrix(answers)
    run = np.zeros(len(x), dtype=np.int64)
    best = np.zeros(len(x), dtype=np.int64)
    for j in range(x.shape[1]):
        same = x[:, j] == x[:, j - 1] if j else np.zeros(len(x), dtype=bool)
        run = np.where(np.isnan(x[:, j]), 0, np.where(same, run + 1, 1))
        best = np.maximum(best, run)
    return best


def response_spread(answers: ArrayLike) -> FloatArray:
    """Return the standard deviation of each person's own answers (intra-individual variability).

    References
    ----------
    Dunn, A. M. et al. (2018). doi:10.1007/s10869-016-9479-0

    Examples
    --------
    >>> response_spread([[3, 3, 3], [1, 2, 3]]).tolist()
    [0.0, 1.0]
    """
    x = item_matrix(answers)
    seen = ~np.isnan(x)
    n = seen.sum(axis=1)
    filled = np.where(seen, x, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=1) / n
        squares = np.where(seen, (x - mean[:, None]) ** 2, 0.0).sum(axis=1)
        return np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)


@dataclass(frozen=True, slots=True)
class Distances:
    """Mahalanobis distances: squared distance, its upper tail under normal answers, people used."""

    squared: FloatArray
    tail: FloatArray
    n: int


def mahalanobis(answers: ArrayLike) -> Distances | NotApplicable:
    """Return how far each complete pattern lies from the others; NaN for incomplete people.

    Returns
    -------
    Distances or NotApplicable
        `too_few_persons` (no more complete people than items), `constant_or_collinear_items`.

    Examples
    --------
    >>> d = mahalanobis([[1, 2], [2, 1], [3, 3], [4, 5], [5, 4]])
    >>> d.squared.round(4).tolist()
    [2.0, 2.0, 0.0, 2.0, 2.0]
    """
    x = item_matrix(answers)
    whole = ~np.isnan(x).any(axis=1)
    kept = x[whole]
    n, k = kept.shape
    if n <= k:
        return NotApplicable.because("too_few_persons", n=n, advised=k + 1)
    centred = kept - kept.mean(axis=0)
    covariance = centred.T @ centred / (n - 1)
    if np.linalg.matrix_rank(covariance) < k:
        return NotApplicable.because("constant_or_collinear_items", n=k)
    squared = np.full(len(x), np.nan)
    squared[whole] = np.einsum("ij,ij->i", centred, np.linalg.solve(covariance, centred.T).T)
    tail = special.chdtrc(k, squared)
    return Distances(squared, tail, n)


def person_total(answers: ArrayLike) -> FloatArray:
    """Return the correlation of each person's answers with the mean answers of the others.

    Near or under zero, the person did not read the items as the others did.

    Parameters
    ----------
    answers : (n, k) array
        Keyed answers; complete people are compared among themselves.

    Returns
    -------
    (n,) array
        NaN for people who are incomplete or gave one same answer throughout.

    Examples
    --------
    >>> person_total([[1, 2, 3], [2, 3, 4], [1, 3, 4], [3, 2, 1]]).round(2).tolist()
    [0.98, 0.98, 0.98, -1.0]
    """
    x = item_matrix(answers)
    whole = ~np.isnan(x).any(axis=1)
    out = np.full(len(x), np.nan)
    kept = x[whole]
    if len(kept) < 2:
        return out
    others = kept.sum(axis=0) - kept
    rows = kept - kept.mean(axis=1, keepdims=True)
    others = others - others.mean(axis=1, keepdims=True)
    size = (rows**2).sum(axis=1) * (others**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        out[whole] = np.where(size > 0, (rows * others).sum(axis=1) / np.sqrt(size), np.nan)
    return out


def acquiescence(answers: ArrayLike, reversed_items: ArrayLike) -> FloatArray | NotApplicable:
    """Return each person's mean raw answer over a balanced set of items.

    On items half worded one way and half the other, a person who only weighs contents stands near
    the middle of the scale; above it, they tend to say yes to everything.

    Parameters
    ----------
    answers : (n, k) array
        Raw answers, before reversal.
    reversed_items : (k,) bool array

    Returns
    -------
    (n,) array or NotApplicable
        `items_not_balanced` when one side has less than a third of the items.
    """
    x = item_matrix(answers)
    turned = np.asarray(reversed_items, dtype=bool)
    share = float(turned.mean()) if len(turned) else 0.0
    if not 1 / 3 <= share <= 2 / 3:
        return NotApplicable.because("items_not_balanced", reversed=int(turned.sum()),
                                     n=len(turned))  # fmt: skip
    seen = ~np.isnan(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        straight, turned_mean = (
            np.where(seen[:, side], x[:, side], 0.0).sum(axis=1) / seen[:, side].sum(axis=1)
            for side in (~turned, turned)
        )
    out: FloatArray = (straight + turned_mean) / 2
    return out
