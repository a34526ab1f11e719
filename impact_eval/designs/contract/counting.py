"""Counts of a result against the table: units compared, clusters, rows read."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.effect import Effect
from impact_eval.core.estimate import Estimate
from impact_eval.data.sample import Sample
from impact_eval.designs.base import Design
from impact_eval.designs.contract.arithmetic import twice
from impact_eval.designs.contract.example import Example, example_of
from impact_eval.designs.contract.table_truth import TableTruth

BoolArray = NDArray[np.bool_]
COUNTS = ("n_treated", "n_comparison", "n_clusters")
ONE_IN = 4  # untreated units left out, so that the groups have not the same size


def check_counts(design: type[Design]) -> None:
    """19. Counts are the table's: units compared, clusters, rows read at the first step."""
    example = _uneven(example_of(design))
    for each in (example, example.clustered()) if design.info.clusters else (example,):
        sample = each.sample()
        estimate = design_fit(each, sample)
        _check_flow(estimate, len(each.frame))
        table = _People.of(each, sample)
        for effect in estimate.effects:
            table.check(effect)
        _check_doubled(each, estimate)


def design_fit(example: Example, sample: Sample) -> Estimate:
    """Fit the design of an example on a sample already read."""
    return example.design.fit(sample, example.outcome)


def _uneven(example: Example) -> Example:
    """Leave out one untreated unit in four: swapped counts are then seen."""
    table = TableTruth.of(example)
    if not table.assigned:
        return example
    units = example.per_unit()
    ever = np.zeros(units.max() + 1, bool)
    np.logical_or.at(ever, units, np.isfinite(table.cohort))
    rank = np.cumsum(~ever) - 1
    left = ~ever & (rank % ONE_IN == 0)
    return example.on(example.frame.loc[~left[units]].reset_index(drop=True))


def _check_flow(estimate: Estimate, rows: int) -> None:
    assert estimate.flow, "the flow is empty: begin it with that of the sample"
    first = estimate.flow[0]
    assert first.n + first.dropped == rows, (
        f"the flow begins with {first.n} rows; the table has {rows}"
    )
    assert all(step.dropped >= 0 for step in estimate.flow)
    for before, after in pairwise(estimate.flow):
        assert after.n + after.dropped == before.n, (
            f"{after.step}: {after.n} rows kept and {after.dropped} dropped, of {before.n}"
        )
        if before.units is not None and after.units is not None:
            gone = after.units_dropped or 0
            assert after.units + gone == before.units, (
                f"{after.step}: {after.units} units kept and {gone} dropped, of {before.units}"
            )


def _check_doubled(example: Example, estimate: Estimate) -> None:
    """Hold the counts of the table twice to twice the counts."""
    doubled = twice(example, np.ones(len(example.frame), bool)).fit()
    for one, other in zip(estimate.effects, doubled.effects, strict=True):
        for name in COUNTS:
            before, after = getattr(one, name), getattr(other, name)
            assert (before is None) == (after is None)
            assert before is None or after == 2 * before, (
                f"{one.key}: {name} was {before}, and {after} when every unit is there twice"
            )


@dataclass(frozen=True, slots=True)
class _People:
    """Who is in a table, by unit: arrays of (N,), and whether each unit has every period."""

    cohort: NDArray[np.float64]
    concerned: BoolArray
    complete: BoolArray
    untreated: BoolArray
    clusters: int
    assigned: bool

    @classmethod
    def of(cls, example: Example, sample: Sample) -> _People:
        truth = TableTruth.of(example, sample)
        codes = np.arange(sample.n) if sample.unit_codes is None else sample.unit_codes
        size = int(codes.max()) + 1
        cohort, concerned = np.full(size, np.inf), np.zeros(size, bool)
        np.minimum.at(cohort, codes, truth.cohort)
        np.logical_or.at(concerned, codes, truth.concerned)
        untreated = np.zeros(size, bool)
        np.logical_or.at(untreated, codes, ~truth.treated)
        complete = np.bincount(codes, minlength=size) == np.bincount(codes, minlength=size).max()
        names = sample.cluster_names
        clusters = sample.codes(names[0]).labels.size if names else size
        return cls(cohort, concerned, complete, untreated, clusters, truth.assigned)

    def check(self, effect: Effect) -> None:
        """Hold the counts of a row to the table."""
        key = effect.key
        if effect.n_clusters is not None:
            assert effect.n_clusters <= self.clusters, (
                f"{key}: {effect.n_clusters} clusters; the table has {self.clusters}"
            )
        if not self.assigned:
            _within(effect.n_treated, self.complete, np.ones_like(self.complete), key, "people")
            return
        ours = np.isfinite(self.cohort) & self.concerned
        if effect.group is not None and not isinstance(effect.group, str):
            ours &= np.isclose(self.cohort, effect.group)
        known = isinstance(effect.group, float) or effect.time is None
        if known:
            _within(effect.n_treated, ours & self.complete, ours, key, "treated units")
        elif effect.n_treated is not None:
            assert 0 < effect.n_treated <= ours.sum(), f"{key}: {effect.n_treated} treated units"
        never = ~np.isfinite(self.cohort) & self.complete & self.concerned
        _within(effect.n_comparison, never, self._others(effect, ours), key, "comparisons")

    def _others(self, effect: Effect, ours: BoolArray) -> BoolArray:
        """Units that may be compared with the treated of a row: untreated once, or apart."""
        others = self.untreated | ~self.concerned
        several = np.unique(self.cohort[np.isfinite(self.cohort)]).size > 1
        return others & ~ours if effect.group is not None or not several else others


def _within(count: int | None, least: BoolArray, most: BoolArray, key: str, what: str) -> None:
    low, high = int(least.sum()), int(most.sum())
    assert count is None or low <= count <= high, f"{key}: {count} {what}; the table has {low}" + (
        f" to {high}" if high > low else ""
    )
