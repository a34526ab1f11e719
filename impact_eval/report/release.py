"""The disclosure gate on blocks: what passes it is what every format prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from impact_eval.data.disclosure import EXTREMES, Gate, Withholding
from impact_eval.report.blocks import WITHHELD, AnyBlock, Cell, CountRule, Figure, Number, Table


@dataclass(frozen=True, slots=True)
class ReleasedBlocks:
    """Blocks that may leave, and the log of what was kept back."""

    blocks: tuple[AnyBlock, ...]
    log: tuple[Withholding, ...]


def release(blocks: Sequence[AnyBlock], gate: Gate) -> ReleasedBlocks:
    """Pass blocks through the gate.

    Parameters
    ----------
    blocks : sequence of block
    gate : Gate

    Returns
    -------
    ReleasedBlocks
        Small counts, what depends on them and what would give them away are `Withheld`; so are
        columns that hold a minimum or a maximum. Nothing is removed: a reader sees that something
        was kept back.
    """
    out: list[AnyBlock] = []
    log: list[Withholding] = []
    for index, block in enumerate(blocks):
        place = f"{block.kind}-{index + 1}"
        if isinstance(block, Table):
            out.append(release_table(block, gate, place, log))
        elif isinstance(block, Figure):
            data = release_table(block.data, gate, place, log)
            out.append(block if data is block.data else block.model_copy(update={"data": data}))
        elif isinstance(block, Number) and isinstance(block.n, int) and gate.small(block.n):
            log.append(Withholding(place, 1, 1))
            hidden = {"n": WITHHELD, "value": WITHHELD, "low": None, "high": None, "reading": None}
            out.append(block.model_copy(update=hidden))
        else:
            out.append(block)
    return ReleasedBlocks(tuple(out), tuple(log))


def release_table(table: Table, gate: Gate, place: str, log: list[Withholding]) -> Table:
    """Return a table with its small counts, and what gives them away, withheld."""
    hide = np.zeros((len(table.rows), len(table.columns)), dtype=bool)
    keys = table.keys
    for at, key in enumerate(keys):
        if key in EXTREMES:
            hide[:, at] = True
    if table.people is not None and table.rows:
        primary = _hide_counts(table, table.people, gate, hide)
        _hide_shares(table, table.people, gate, hide)
        _hide_dependents(table, table.people, hide)
    else:
        primary = 0
    if not hide.any():
        return table
    log.append(Withholding(place, primary, int(hide.sum()) - primary))
    rows = tuple(
        tuple(WITHHELD if hide[r, c] else cell for c, cell in enumerate(row))
        for r, row in enumerate(table.rows)
    )
    return table.model_copy(update={"rows": rows})


def _number(cell: Cell) -> float:
    """Return a count; what is no number counts nobody."""
    return float(cell) if isinstance(cell, (int, float)) and not isinstance(cell, bool) else 0.0


def _hide_counts(table: Table, rule: CountRule, gate: Gate, hide: np.ndarray) -> int:
    """Mark small counts column by column, with what protects them when a total is printed."""
    primary = 0
    for key in rule.counts:
        at = table.keys.index(key)
        counts = [_number(cell) for cell in table.column(key)]
        if rule.total_row is None:
            marks = gate.list_of_counts(counts)
        else:
            parts = [c for i, c in enumerate(counts) if i != rule.total_row]
            found = gate.list_of_counts(parts, total=counts[rule.total_row])
            marks = found[:-1]
            marks.insert(rule.total_row, found[-1])
        hide[:, at] |= marks
        primary += sum(gate.small(c) for c in counts)
    return primary


def _hide_shares(table: Table, rule: CountRule, gate: Gate, hide: np.ndarray) -> None:
    """Mark shares that stand for few people, and enough others of the same row."""
    if not rule.shares:
        return
    places = [table.keys.index(key) for key in rule.shares]
    totals = [_number(cell) for cell in table.column(rule.counts[0])]
    for row, total in enumerate(totals):
        counts = [round(_number(table.rows[row][at]) * total) for at in places]
        marks = gate.list_of_counts(counts, total=total)
        if marks[-1]:  # the total is printed: nothing of the row may be
            marks = [True] * len(marks)
        for at, mark in zip(places, marks, strict=False):
            hide[row, at] |= mark


def _hide_dependents(table: Table, rule: CountRule, hide: np.ndarray) -> None:
    """Mark what would tell about a count that is withheld: its row's mean, its share."""
    depends: Mapping[str, tuple[str, ...]] = rule.depends
    for key, others in depends.items():
        hidden = hide[:, table.keys.index(key)]
        for other in others:
            hide[:, table.keys.index(other)] |= hidden
