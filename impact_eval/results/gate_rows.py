"""Rows kept back: those of few people, those that would give them back, and what repeats them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from impact_eval.results.estimates import EffectRecord, EstimateRecord, Role
from impact_eval.results.gate_leaves import Context, exactly
from impact_eval.results.gate_walk import walk

Rows = tuple[EffectRecord, ...]


def one_more_row(true: Rows, rows: Rows, context: Context) -> Rows:
    """Keep back one more row when a single one was: the whole would give it away."""
    hidden = _hidden(true, rows)
    shown = [i for i, out in enumerate(hidden) if not out and true[i].std_error is not None]
    if sum(hidden) != 1 or not shown:
        return rows
    at = min(shown, key=lambda i: (true[i].n_treated or 0, i))
    return _without(true, rows, {at}, context)


def one_more_cohort(true: Rows, rows: Rows, context: Context) -> Rows:
    """Keep back one more cohort when those kept back are few people together.

    The effect of all cohorts, at each date since entry, is told elsewhere: with the rows of the
    others it would give theirs.
    """
    hidden = _hidden(true, rows)
    sizes: dict[object, int] = {}
    for row in true:
        if row.group is not None:
            sizes[row.group] = max(sizes.get(row.group, 0), row.n_treated or 0)
    out = {row.group for row, gone in zip(true, hidden, strict=True) if gone} & sizes.keys()
    left = [group for group in sizes if group not in out]
    if not out or not left or not context.counts.small(sum(sizes[group] for group in out)):
        return rows
    other = min(left, key=lambda group: sizes[group])
    at = {i for i, row in enumerate(true) if row.group == other and not hidden[i]}
    return _without(true, rows, at, context)


def secrets_of(true: Sequence[EstimateRecord], told: Sequence[EstimateRecord]) -> frozenset[float]:
    """Return the numbers of the rows kept back, which nothing further may repeat.

    A check that tells the largest of some rows, or one of them, tells that row. A number that a row
    told holds too is no secret.
    """
    hidden: set[float] = set()
    shown: set[float] = set()
    for record, kept in zip(true, told, strict=True):
        for row, left in zip(record.estimate.effects, kept.estimate.effects, strict=True):
            (hidden if left.estimate is None else shown).update(_numbers(row))
    return frozenset(hidden - shown)


def dates_hidden(true: Sequence[EstimateRecord], told: Sequence[EstimateRecord]) -> frozenset[str]:
    """Return the outcomes whose event study lost some of its dates, and not all."""
    found = set()
    for record, kept in zip(true, told, strict=True):
        if record.role is Role.EVENT:
            hidden = _hidden(record.estimate.effects, kept.estimate.effects)
            found |= {record.outcome} if any(hidden) and not all(hidden) else set()
    return frozenset(found)


def whole_families(told: tuple[EstimateRecord, ...]) -> tuple[EstimateRecord, ...]:
    """Keep back the corrected p-values of a family in which an outcome was kept back.

    The value of one is made from those of the others: 2 p or the largest so far.
    """
    hidden = {record.family.name for record in told if record.family and record.withheld}
    return tuple(
        record.model_copy(update={"family": record.family.model_copy(update={"adjusted": None})})
        if record.family is not None and record.family.name in hidden
        else record
        for record in told
    )


def _numbers(row: EffectRecord) -> Iterator[float]:
    for value in (row.estimate, row.std_error, row.conf_low, row.conf_high, row.statistic):
        exact = None if value is None else exactly(value)
        if exact is not None:
            yield exact


def _hidden(true: Rows, rows: Rows) -> list[bool]:
    pairs = zip(rows, true, strict=True)
    return [told.estimate is None and row.estimate is not None for told, row in pairs]


def _without(true: Rows, rows: Rows, at: set[int], context: Context) -> Rows:
    empty = {i: walk(true[i], replace(context, withheld="secondary")) for i in sorted(at)}
    return tuple(empty.get(i, row) for i, row in enumerate(rows))
