"""What a factor model is fitted to: moments by group and missing pattern, saturated moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import Finding, FindingCollector

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Rows of one group that answered the same items.

    Attributes
    ----------
    seen : (q,) int array
        Items answered.
    n : int
    mean : (q,) array
    covariance : (q, q) array
        Divided by n.
    """

    seen: IntArray
    n: int
    mean: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, slots=True)
class GroupData:
    """One group: its rows with at least one answer, its patterns, its saturated moments.

    Attributes
    ----------
    rows : (n, p) array
        NaN where unanswered.
    patterns : tuple of Pattern
    mean : (p,) array
        Maximum-likelihood mean (EM when answers are missing).
    covariance : (p, p) array
        Maximum-likelihood covariance, divided by n.
    """

    rows: FloatArray
    patterns: tuple[Pattern, ...]
    mean: FloatArray
    covariance: FloatArray

    @property
    def n(self) -> int:
        """Persons."""
        return len(self.rows)

    @property
    def complete(self) -> bool:
        """Whether every item is answered by every person."""
        return len(self.patterns) == 1 and len(self.patterns[0].seen) == self.rows.shape[1]


def group_data(rows: FloatArray) -> GroupData:
    """Sum up one group; rows without any answer are left out."""
    kept = rows[~np.isnan(rows).all(axis=1)]
    seen = ~np.isnan(kept)
    kinds, which = np.unique(seen, axis=0, return_inverse=True)
    patterns = []
    for number, kind in enumerate(kinds):
        part = kept[which == number][:, kind]
        mean = part.mean(axis=0)
        centred = part - mean
        patterns.append(
            Pattern(np.flatnonzero(kind), len(part), mean, centred.T @ centred / len(part))
        )
    if len(patterns) == 1 and len(patterns[0].seen) == kept.shape[1]:
        return GroupData(kept, tuple(patterns), patterns[0].mean, patterns[0].covariance)
    mean, covariance = saturated_moments(tuple(patterns), kept.shape[1])
    return GroupData(kept, tuple(patterns), mean, covariance)


def split_groups(responses: ArrayLike, groups: ArrayLike | None) -> tuple[FloatArray, ...]:
    """Return the rows of each group, in the order in which the groups first appear.

    Raises
    ------
    ImpactEvalError
        `items_not_a_matrix`, `groups_wrong_length`.
    """
    matrix = np.asarray(responses, dtype=np.float64)
    faults = FindingCollector()
    if matrix.ndim != 2:
        faults.add(Finding.error("items_not_a_matrix", dimensions=matrix.ndim))
        faults.raise_if_errors()
    if groups is None:
        return (matrix,)
    labels = np.asarray(groups)
    if len(labels) != len(matrix):
        faults.add(Finding.error("groups_wrong_length", n=len(labels), expected=len(matrix)))
        faults.raise_if_errors()
    return tuple(matrix[labels == label] for label in dict.fromkeys(labels.tolist()))


def saturated_moments(
    patterns: tuple[Pattern, ...], p: int, *, tolerance: float = 1e-11
) -> tuple[FloatArray, FloatArray]:
    """Return the maximum-likelihood mean and covariance under missing at random, by EM."""
    total = sum(pattern.n for pattern in patterns)
    mean, covariance = _available_moments(patterns, p)
    for _ in range(5_000):
        first = np.zeros(p)
        second = np.zeros((p, p))
        for pattern in patterns:
            m, s = _expected_moments(pattern, mean, covariance)
            first += pattern.n * m
            second += pattern.n * (s + np.outer(m, m))
        new_mean = first / total
        new_covariance = second / total - np.outer(new_mean, new_mean)
        change = np.abs(new_covariance - covariance).max() / np.abs(new_covariance).max()
        mean, covariance = new_mean, new_covariance
        if change < tolerance:
            break
    return mean, covariance


def _available_moments(patterns: tuple[Pattern, ...], p: int) -> tuple[FloatArray, FloatArray]:
    count, first, second = np.zeros(p), np.zeros(p), np.zeros(p)
    for pattern in patterns:
        count[pattern.seen] += pattern.n
        first[pattern.seen] += pattern.n * pattern.mean
        second[pattern.seen] += pattern.n * (np.diag(pattern.covariance) + pattern.mean**2)
    mean = first / np.maximum(count, 1)
    return mean, np.diag(np.maximum(second / np.maximum(count, 1) - mean**2, 1e-6))


def _expected_moments(
    pattern: Pattern, mean: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    # Given what was answered, the other answers follow a regression with residual covariance.
    p, seen = len(mean), pattern.seen
    if len(seen) == p:
        return pattern.mean, pattern.covariance
    hidden = np.setdiff1d(np.arange(p), seen)
    inner = covariance[np.ix_(seen, seen)]
    slope = np.linalg.solve(inner, covariance[np.ix_(seen, hidden)])
    m = np.empty(p)
    m[seen] = pattern.mean
    m[hidden] = mean[hidden] + (pattern.mean - mean[seen]) @ slope
    s = np.empty((p, p))
    s[np.ix_(seen, seen)] = pattern.covariance
    s[np.ix_(seen, hidden)] = pattern.covariance @ slope
    s[np.ix_(hidden, seen)] = s[np.ix_(seen, hidden)].T
    residual = covariance[np.ix_(hidden, hidden)] - covariance[np.ix_(hidden, seen)] @ slope
    s[np.ix_(hidden, hidden)] = residual + slope.T @ pattern.covariance @ slope
    return m, s
