"""What a table says of each row of a result: the effect it contains, and how many units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Effect, Label
from impact_eval.data.sample import Sample
from impact_eval.designs.contract.example import TRUTH, Example

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
EVENT = "event"


@dataclass(frozen=True, slots=True)
class TableTruth:
    """A table as arrays: who is treated since when, and the effect contained in each row.

    Attributes
    ----------
    effect, weight, period, since : (n,) arrays
        `since` is the time elapsed since the start, infinite and negative when never treated.
    treated, concerned : (n,) arrays of bool
    cohort : (n,) array
        Infinite when never treated; 0 and infinity in a cross-section.
    assigned : bool
        False when the table says nothing of who is treated (before and after).
    """

    effect: FloatArray
    weight: FloatArray
    period: FloatArray
    since: FloatArray
    treated: BoolArray
    concerned: BoolArray
    cohort: FloatArray
    assigned: bool

    @classmethod
    def of(cls, example: Example, sample: Sample | None = None) -> TableTruth:
        """Read the truth of an example."""
        sample = example.sample() if sample is None else sample
        assert TRUTH in sample.frame, "the example's table has no column `truth`"
        n = sample.n
        treated = np.zeros(n, bool) if sample.treated is None else sample.treated
        cohort = np.where(treated, 0.0, np.inf) if sample.cohorts is None else sample.cohorts
        concerned = np.ones(n, bool)
        if example.concerned is not None:
            concerned = sample.frame[example.concerned].to_numpy(dtype=float) > 0
        since = np.where(np.isfinite(cohort), sample.time_values - cohort, -np.inf)
        return cls(
            effect=sample.frame[TRUTH].to_numpy(dtype=float),
            weight=sample.weights_array,
            period=sample.time_values,
            since=since,
            treated=treated,
            concerned=concerned,
            cohort=cohort,
            assigned=sample.treated is not None,
        )

    def _mean(self, rows: BoolArray) -> float | None:
        total = float(self.weight[rows].sum())
        return float(self.weight[rows] @ self.effect[rows]) / total if total > 0 else None

    def of_row(self, effect: Effect) -> float | None:
        """Return the effect that a row names by its group and time; None when it names nobody.

        A row of a cohort and a period is the mean of that cell; one of an event time, the mean of
        the rows that far from their start; before the start, nothing has happened yet. A row that
        names neither is the mean of all treated rows. Without assignment, a period is compared
        with the first.
        """
        if not self.assigned:
            first = self.period == self.period.min()
            later = ~first if effect.time is None else _is(self.period, effect.time)
            now, then = self._mean(later), self._mean(first)
            return None if now is None or then is None else now - then
        rows = self.concerned & self.treated
        if effect.term == EVENT:
            rows = self.concerned & _is(self.since, effect.time)
            return 0.0 if _negative(effect.time) else self._mean(rows)
        if effect.group is not None:
            rows = self.concerned & _is(self.cohort, effect.group)
        if effect.time is not None:
            rows = rows & _is(self.period, effect.time)
        if not rows.any():
            return None
        return 0.0 if not self.treated[rows].any() else self._mean(rows & self.treated)


def _is(values: FloatArray, label: Label) -> BoolArray:
    if label is None or isinstance(label, str):
        return np.zeros(values.shape, bool)
    return np.asarray(np.isclose(values, label))


def _negative(label: Label) -> bool:
    return label is not None and not isinstance(label, str) and label < 0


def truth_of(effect: Effect, example: Example, table: TableTruth) -> float | None:
    """Return what a row estimates: as its example says, else as its table does."""
    for name in (effect.key, effect.term):
        if name in example.truth:
            return example.truth[name]
        if name in example.without:
            return example.without[name]
    return table.of_row(effect)
