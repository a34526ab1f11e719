"""Rows of a text table with more or fewer cells than its heading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from impact_eval.core.findings import Finding, Place
from impact_eval.data.column_shape import shapes_of
from impact_eval.data.labels import EXAMPLES
from impact_eval.data.layout import Layout, Row, is_blank

_REFERENCE = 400  # rows that show what the columns hold


def uneven_rows(rows: Sequence[Row], layout: Layout, file: str) -> tuple[Finding, ...]:
    """Tell rows longer or shorter than the others: a cell too many shifts the answers after it.

    A shorter row is read as it stands, its last cells blank, when what it holds fits its columns;
    else a cell is missing in its middle, and it is refused as a longer one is.

    Parameters
    ----------
    rows : sequence of rows
        The records of the file, each as long as it was written.
    layout : Layout
        Which of them are rows of the table.
    file : str
    """
    read = [(number, rows[number - 1]) for number in layout.numbers]
    usual = Counter(len(row) for _, row in read)
    if len(usual) < 2 and all(len(row) <= len(layout.names) for _, row in read):
        return ()
    width = usual.most_common(1)[0][0]
    named = max(layout.places, default=-1) + 1
    longer = [
        number for number, row in read
        if len(row) > width or any(not is_blank(cell) for cell in row[named:])
    ]  # fmt: skip
    shorter = [(number, row) for number, row in read if 1 < len(row) < width]
    unlike = _unlike(shorter, [row for _, row in read if len(row) == width][:_REFERENCE])
    found = []
    if longer or unlike:
        told = sorted({*longer, *unlike})
        found.append(
            Finding.error("shifted_rows", Place(file=file, row=told[0]), n=len(told), width=width,
                          rows=told[:EXAMPLES])
        )  # fmt: skip
    if shorter and not unlike:
        told = [number for number, _ in shorter]
        found.append(
            Finding.warning("short_rows", Place(file=file, row=told[0]), n=len(told), width=width,
                            rows=told[:EXAMPLES])
        )  # fmt: skip
    return tuple(found)


def _unlike(shorter: Sequence[tuple[int, Row]], others: Sequence[Sequence[Any]]) -> list[int]:
    """Return the short rows that hold what does not fit the columns where they stand."""
    columns = shapes_of(others) if shorter and others else []
    return [
        number for number, row in shorter
        if not all(column.fits(row[column.place]) for column in columns if column.place < len(row))
    ]  # fmt: skip
