"""How far a scale can be trusted: all that the sample can bear, and why not the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.stats.scales.dif import dif_screen
from impact_eval.stats.scales.item_matrix import complete_rows, item_matrix
from impact_eval.survey.invariance import invariance_of_groups, invariance_of_waves
from impact_eval.survey.quality_parts import consistency_of, hierarchical_of, structure_of
from impact_eval.survey.quality_reading import readings, warnings_of
from impact_eval.survey.quality_report import (
    Consistency,
    QualityMethod,
    QualityReport,
    Structure,
)
from impact_eval.survey.scores import Scores

__all__ = [
    "Consistency",
    "QualityMethod",
    "QualityReport",
    "Structure",
    "measurement_quality",
    "with_invariance",
]

FloatArray = NDArray[np.float64]


def measurement_quality(
    source: Scores | ArrayLike,
    *,
    names: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
    later: Scores | ArrayLike | None = None,
    retest: ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
    seed: int = 1,
) -> QualityReport:
    """Judge a scale: consistency, structure, and whether it may compare groups or waves.

    Methods that the sample cannot bear are refused one by one, each with the number it would need
    and what to look at in its place.

    Parameters
    ----------
    source : Scores or (n, k) array
        Keyed answers (items already reversed), NaN where unanswered.
    names : sequence of k str, optional
        Of the items, when an array is given.
    groups : (n,) array, optional
        Compares groups: differential items and invariance.
    later : Scores or (n, k) array, optional
        The same persons, row by row, at a later wave: invariance over time.
    retest : (n,) array, optional
        The score of the same persons measured again soon after.
    bounds : (float, float), optional
        Lowest and highest possible total; those of the scores, else those of the answers met.
    level : float
        Coverage of intervals.
    seed : int
        Of the bootstrap and of parallel analysis.

    Returns
    -------
    QualityReport

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = np.digitize(rng.normal(size=(60, 1)) + rng.normal(size=(60, 5)), [-1, 0, 1])
    >>> report = measurement_quality(x.astype(float))
    >>> report.structure.factors.values["alternative"]
    'item_rest'
    """
    matrix, listed = _matrix(source, names)
    rng = np.random.default_rng(seed)
    total, ends = _score(source, matrix, bounds)
    consistency = consistency_of(matrix, listed, (total, ends, retest), rng, level)
    structure = structure_of(matrix, listed, rng)
    consistency = replace(consistency, hierarchical=hierarchical_of(matrix, structure))
    invariance = []
    if groups is not None:
        invariance.append(invariance_of_groups(matrix, listed, groups))
    if later is not None:
        invariance.append(invariance_of_waves(matrix, _matrix(later, names)[0], listed))
    report = QualityReport(
        names=listed, n=int((~np.isnan(matrix)).any(axis=1).sum()),
        n_complete=len(complete_rows(matrix)), consistency=consistency, structure=structure,
        dif=None if groups is None else dif_screen(matrix, groups), invariance=tuple(invariance),
    )  # fmt: skip
    return replace(report, findings=(*warnings_of(report), *readings(report)))


def with_invariance(scores: Scores, report: QualityReport) -> Scores:
    """Return the scores carrying the invariance readings of a report."""
    return replace(scores, invariance=report.invariance)


def _matrix(
    source: Scores | ArrayLike, names: Sequence[str] | None
) -> tuple[FloatArray, tuple[str, ...]]:
    if isinstance(source, Scores):
        return source.matrix(), tuple(source.items)
    matrix = item_matrix(source)
    listed = names or [f"{j + 1}" for j in range(matrix.shape[1])]
    return matrix, tuple(listed)


def _score(
    source: Scores | ArrayLike, matrix: FloatArray, bounds: tuple[float, float] | None
) -> tuple[FloatArray, tuple[float, float]]:
    if isinstance(source, Scores):
        return source.values, bounds or (source.low, source.high)
    total: FloatArray = matrix.sum(axis=1)  # NaN as soon as one answer is missing
    k = matrix.shape[1]
    if bounds is None:
        met = matrix[~np.isnan(matrix)]
        bounds = (k * float(met.min()), k * float(met.max())) if len(met) else (0.0, 0.0)
    return total, bounds
