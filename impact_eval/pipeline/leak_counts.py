"""The sums that link the counts of a published record, and what they give back of those withheld.

Rows lost are rows read less rows kept; those who improved, those who did not and those who got
worse are those who answered twice; a group and the other one are everybody. An attacker writes all
of it down and solves it (`disclosure.attack`); here the equations are read from the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from impact_eval.core.vocabulary import RowsAre, ShareFormula
from impact_eval.results.disclosure.attack import attacker_bounds, rounded_interval
from impact_eval.results.estimates import EstimateRecord, FlowRecord
from impact_eval.results.records import StudyResults
from impact_eval.results.score_change import (
    EffectSizeRecord,
    PairedEffectsRecord,
    PairedTRecord,
    ReliableRecord,
)
from impact_eval.results.score_records import ScoreRecord

_DIGITS = 3  # of a ratio, once rounded


@dataclass(slots=True)
class Sums:
    """Counts by key, hidden when empty, and the sums among them."""

    counts: dict[str, int | None] = field(default_factory=dict)
    sums: list[dict[str, int]] = field(default_factory=list)

    def add(self, whole: tuple[str, int | None], parts: dict[str, int | None]) -> None:
        """Write that parts add up to a whole; one part at least is needed."""
        if not parts:
            return
        self.counts[whole[0]] = whole[1]
        self.counts.update(parts)
        self.sums.append({**dict.fromkeys(parts, 1), whole[0]: -1})

    def bounds(self, base: int) -> dict[str, tuple[float, float]]:
        """Return what an attacker knows of each hidden count.

        Parameters
        ----------
        base : int
            Published counts are multiples of it.
        """
        keys = list(self.counts)
        at = {key: i for i, key in enumerate(keys)}
        shown = np.array([float(self.counts[key] or 0) for key in keys])
        hidden = np.array([self.counts[key] is None for key in keys], dtype=bool)
        system = np.zeros((len(self.sums), len(keys)))
        for i, terms in enumerate(self.sums):
            for key, sign in terms.items():
                system[i, at[key]] = sign
        known = rounded_interval(shown, base)
        return {
            keys[i]: attacker_bounds(shown, hidden, system, int(i), known=known, whole=True)
            for i in np.flatnonzero(hidden)
        }


def sums_of(results: StudyResults) -> Sums:
    """Return the sums among the counts of people of a record.

    Parameters
    ----------
    results : StudyResults
    """
    found = Sums()
    if results.data.counted is RowsAre.PEOPLE:
        _of_flow(results.data.flow, "data.flow", found)
    for i, record in enumerate(results.estimates):
        _of_estimate(record, f"estimates[{i}]", found)
    for i, score in enumerate(results.scores):
        if score.counted is RowsAre.PEOPLE:
            _of_score(score, f"scores[{i}]", found)
    return found


def _of_estimate(record: EstimateRecord, key: str, found: Sums) -> None:
    if record.counted is not RowsAre.PEOPLE:
        return
    for j, row in enumerate(record.estimate.effects):
        place = f"{key}.estimate.effects[{j}]"
        told = (row.n_treated, row.n_comparison, row.n_clusters)
        if record.clusters is RowsAre.PEOPLE and sum(n is not None for n in told) == 2:
            found.add(
                (f"{place}.n_clusters", row.n_clusters),
                {
                    f"{place}.n_treated": row.n_treated,
                    f"{place}.n_comparison": row.n_comparison,
                },
            )
    _of_flow(record.estimate.flow, f"{key}.estimate.flow", found)


def _of_flow(flow: Sequence[FlowRecord], key: str, found: Sums) -> None:
    """Add what each step kept and dropped, which are what the one before it kept."""
    for i in range(1, len(flow)):
        before, after = flow[i - 1], flow[i]
        found.add(
            (f"{key}[{i - 1}].n", before.n),
            {f"{key}[{i}].n": after.n, f"{key}[{i}].dropped": after.dropped},
        )
        if before.units is after.units is after.units_dropped is None:
            continue  # rows are not followed
        found.add(
            (f"{key}[{i - 1}].units", before.units),
            {
                f"{key}[{i}].units": after.units,
                f"{key}[{i}].units_dropped": after.units_dropped,
            },
        )


def _of_score(score: ScoreRecord, key: str, found: Sums) -> None:
    reading, people = score.reading, score.people
    both = None if score.change is None else score.change.n
    if people is not None:
        found.add(
            (f"{key}.change.n", both),
            {
                f"{key}.people.{name}": getattr(people, name)
                for name in ("improved", "stable", "worsened")
            },
        )
    if reading is None:
        return
    found.add(
        (f"{key}.reading.n", reading.n),
        {f"{key}.reading.shares.{name}": share.count for name, share in reading.shares.items()},
    )
    if isinstance(reading.reliable, ReliableRecord):
        found.add(
            (f"{key}.reading.reliable.n", reading.reliable.n),
            {
                f"{key}.reading.reliable.{name}": getattr(reading.reliable, name)
                for name in ("n_improved", "n_unchanged", "n_deteriorated")
            },
        )


@dataclass(frozen=True, slots=True)
class ImpliedCount:
    """A count of people that is told without being written."""

    key: str
    low: int
    high: int


def implied_counts(results: StudyResults) -> Iterator[ImpliedCount]:
    """Yield the counts of people that classes, degrees of freedom or ratios give away.

    Parameters
    ----------
    results : StudyResults
    """
    for i, score in enumerate(results.scores):
        if score.counted is not RowsAre.PEOPLE:
            continue
        key = f"scores[{i}]"
        for date in ("before", "after"):
            counts = [getattr(row, date) for row in score.bins]
            if counts and None not in counts:
                yield ImpliedCount(f"{key}.bins.{date}", sum(counts), sum(counts))
        yield from _of_parts(score, key)
        if score.reading is not None and isinstance(score.reading.mean, PairedTRecord):
            yield from _of_change(score.reading.mean, score.reading.effects, f"{key}.reading")
    for i, record in enumerate(results.estimates):
        people = record.counted is RowsAre.PEOPLE and record.clusters is RowsAre.PEOPLE
        if record.counted is not RowsAre.PEOPLE or not people:
            continue
        for j, row in enumerate(record.estimate.effects):
            told = row.n_treated is not None or row.n_comparison is not None
            if not told and row.df is not None and row.df > 0 and float(row.df).is_integer():
                lost = 1 if record.estimate.formula is ShareFormula.TWO_DATES else 2
                n = int(row.df) + lost
                yield ImpliedCount(f"estimates[{i}].estimate.effects[{j}].df", n, n)


def _of_parts(score: ScoreRecord, key: str) -> Iterator[ImpliedCount]:
    """Yield the people that the parts told of a change add up to."""
    parts: dict[str, list[int | None]] = {}
    if score.people is not None:
        told = score.people
        parts["people"] = [told.improved, told.stable, told.worsened]
    if score.reading is not None:
        parts["reading.shares"] = [share.count for share in score.reading.shares.values()]
        reliable = score.reading.reliable
        if isinstance(reliable, ReliableRecord):
            parts["reading.reliable"] = [
                reliable.n_improved,
                reliable.n_unchanged,
                reliable.n_deteriorated,
            ]
    for name, counts in parts.items():
        known = [n for n in counts if n is not None]
        if known and len(known) == len(counts):
            yield ImpliedCount(f"{key}.{name}", sum(known), sum(known))


def _of_change(mean: PairedTRecord, effects: object, key: str) -> Iterator[ImpliedCount]:
    if mean.n is None and mean.df is not None and float(mean.df).is_integer():
        yield ImpliedCount(f"{key}.mean.df", int(mean.df) + 1, int(mean.df) + 1)
    if isinstance(effects, PairedEffectsRecord) and isinstance(effects.dz, EffectSizeRecord):
        found = _ratio_squared(mean.statistic, effects.dz.value)
        if found is not None:
            yield ImpliedCount(f"{key}.effects.dz", *found)


def _ratio_squared(statistic: float | None, dz: float | None) -> tuple[int, int] | None:
    """Return the whole numbers that (t / dz)² may be, both to three digits: t = dz √n.

    Rounding is not always to the nearest: a digit is within one of its own unit.
    """
    if not statistic or not dz:
        return None

    def around(value: float) -> tuple[float, float]:
        half = 10.0 ** (np.floor(np.log10(abs(value))) - _DIGITS + 1)
        return abs(value) - half, abs(value) + half

    (t_low, t_high), (d_low, d_high) = around(statistic), around(dz)
    low, high = int(np.ceil((t_low / d_high) ** 2)), int(np.floor((t_high / d_low) ** 2))
    return (low, high) if low <= high else None
