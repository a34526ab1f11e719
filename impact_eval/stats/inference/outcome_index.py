r"""One index from several outcomes of the same family, so that one test answers for all.

Outcomes are turned so that more is better and written as z-scores of the comparison group. The
index is their weighted mean: equal weights, or weights proportional to the row sums of the inverse
covariance of the z-scores in the comparison group (outcomes that repeat each other count less).
Where an outcome is missing, the weights of the others are brought back to one.

References
----------
O'Brien, P. (1984). doi:10.2307/2531158
Kling, J., Liebman, J. and Katz, L. (2007). doi:10.1111/j.1468-0262.2007.00733.x
Anderson, M. (2008). doi:10.1198/016214508000000841
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core import Finding, FindingCollector

FloatArray = NDArray[np.float64]


class IndexWeights(StrEnum):
    """Equal weights, or the inverse covariance of the comparison group."""

    EQUAL = "equal"
    INVERSE_COVARIANCE = "inverse_covariance"


@dataclass(frozen=True, slots=True)
class OutcomeIndex:
    """An index of several outcomes.

    Attributes
    ----------
    values : (n,) array
        NaN where every outcome is missing; mean zero in the comparison group when none is.
    weights : (m,) array
        Sum to one.
    findings : tuple of Finding
        `index_weight_negative` names outcomes whose weight is negative: they repeat others so much
        that they are held against them; prefer equal weights.
    """

    values: FloatArray
    weights: FloatArray
    findings: tuple[Finding, ...] = ()


def outcome_index(
    outcomes: ArrayLike,
    comparison: ArrayLike,
    *,
    weighting: IndexWeights = IndexWeights.INVERSE_COVARIANCE,
    higher_is_better: Sequence[bool] | None = None,
    names: Sequence[str] | None = None,
) -> OutcomeIndex:
    """Summarise several outcomes in one index.

    Parameters
    ----------
    outcomes : (n, m) array
        NaN where missing.
    comparison : (n,) array of bool
        The group whose mean and spread make the z-scores.
    weighting : IndexWeights
    higher_is_better : sequence of bool, optional
        One per outcome; all True by default.
    names : sequence of str, optional

    Returns
    -------
    OutcomeIndex

    Raises
    ------
    ImpactEvalError
        `outcome_constant`, `too_few_complete` (inverse covariance needs more complete comparison
        rows than outcomes), both at once.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([[0.0, 2], [2, 0], [1, 1], [3, 3]])
    >>> index = outcome_index(y, [1, 1, 1, 0], weighting=IndexWeights.EQUAL)
    >>> index.values.tolist()
    [0.0, 0.0, 0.0, 2.0]
    """
    table = np.asarray(outcomes, dtype=np.float64)
    group = np.asarray(comparison).astype(bool)
    labels = tuple(names) if names is not None else tuple(f"y{j}" for j in range(table.shape[1]))
    if higher_is_better is not None:
        table = np.where(np.asarray(higher_is_better, dtype=bool), table, -table)
    known = ~np.isnan(table)
    complete = group & known.all(axis=1)
    _refuse_outcomes(table[group], labels, int(complete.sum()), weighting)
    scores = (table - np.nanmean(table[group], axis=0)) / np.nanstd(table[group], axis=0, ddof=1)
    if weighting is IndexWeights.EQUAL:
        weights = np.full(table.shape[1], 1 / table.shape[1])
    else:
        covariance = np.atleast_2d(np.cov(scores[complete], rowvar=False))
        weights = np.linalg.pinv(covariance, hermitian=True).sum(axis=1)
        weights = weights / weights.sum()
    share = known @ weights
    total = np.where(known, scores, 0.0) @ weights
    usable = known.any(axis=1) & (share > 0)
    values = np.where(usable, total / np.where(usable, share, 1.0), np.nan)
    negative = tuple(name for name, weight in zip(labels, weights, strict=True) if weight < 0)
    found = (Finding.warning("index_weight_negative", names=negative, n=len(negative)),)
    return OutcomeIndex(values, np.asarray(weights), found if negative else ())


def _refuse_outcomes(
    group: FloatArray, labels: tuple[str, ...], complete: int, weighting: IndexWeights
) -> None:
    faults = FindingCollector()
    flat = []
    for name, column in zip(labels, group.T, strict=True):
        values = column[~np.isnan(column)]
        if len(values) < 2 or np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
            flat.append(name)
    if flat:
        faults.add(Finding.error("outcome_constant", names=tuple(flat), n=len(flat)))
    if weighting is IndexWeights.INVERSE_COVARIANCE and complete <= len(labels):
        faults.add(Finding.error("too_few_complete", n=complete, least=len(labels) + 1))
    faults.raise_if_errors()
