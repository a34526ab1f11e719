"""The files beside a report: each table and the data of each figure as CSV, from the same blocks.

Made to be computed with, whatever the language of the report:

    headings    the keys of the columns (`outcome`, `estimate`, `n_treated`): the same everywhere
    numbers     one in a cell, up to twelve digits, a point before the decimals; shares from 0 to 1
    amounts     in the unit of their row, which the next column names (`estimate_unit`)
    intervals   two columns (`interval_low`, `interval_high`)
    texts       in words, in one language
    absent      `withheld` when the gate kept it back, `n/a` when it does not exist

A table that holds words alone is `text-01.csv`; the others are `table-02.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from impact_eval.core.spreadsheet import cell_text
from impact_eval.report.blocks import (
    Absent,
    AnyBlock,
    Cell,
    Column,
    Figure,
    Form,
    Scalar,
    Table,
    Withheld,
    Words,
    say,
)
from impact_eval.report.quantities import numbers_in, unit_in
from impact_eval.report.texts import Texts
from impact_eval.report.wording import pick

NO_NUMBER = say("report.absent_mark")


def write_data_files(blocks: Sequence[AnyBlock], folder: Path, language: str = "fr") -> None:
    """Write `tables/` (CSV) from the tables and the data of the figures, numbered as in the report.

    Parameters
    ----------
    blocks : sequence of block
        After the disclosure gate: what is withheld there is withheld here.
    folder : Path
    language : str
        Of the texts; headings and numbers have none.
    """
    texts = Texts(language)
    tables = folder / "tables"
    tables.mkdir(exist_ok=True)
    found = [block for block in blocks if isinstance(block, Table)]
    for number, table in enumerate(found, 1):
        kind = "table" if _measures(table) else "text"
        _write_table(tables / f"{kind}-{number:02d}.csv", table, texts)
    figures = [block for block in blocks if isinstance(block, Figure)]
    for number, figure in enumerate(figures, 1):
        _write_table(tables / f"figure-{number:02d}-{figure.figure}.csv", figure.data, texts)


def _measures(table: Table) -> bool:
    """Whether a table holds numbers; one of words alone is nothing to compute with."""
    told = any(column.form not in (Form.TEXT, Form.LABEL) for column in table.columns)
    return told or any(isinstance(cell, (int, float)) for row in table.rows for cell in row)


def _write_table(path: Path, table: Table, texts: Texts) -> None:
    columns = [
        written
        for at, column in enumerate(table.columns)
        for written in _columns(column, [row[at] for row in table.rows], texts)
    ]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([cell_text(key) for key, _ in columns])
        writer.writerows(zip(*(cells for _, cells in columns), strict=True))


def _columns(
    column: Column, cells: Sequence[Cell], texts: Texts
) -> Iterator[tuple[str, list[Scalar]]]:
    """Yield a column as those of a file, with their keys: an interval is two, a unit one more."""
    key, told = column.key, [_numbers(cell) for cell in cells]
    plain = [_cell(cell, column.form, texts) for cell in cells]
    both = list(zip(told, plain, strict=True))
    if any(len(numbers) == 2 for numbers in told):
        yield f"{key}_low", [_digits(n[0]) if n else other for n, other in both]
        yield f"{key}_high", [_digits(n[-1]) if n else other for n, other in both]
        return
    yield key, [_digits(n[0]) if n else other for n, other in both]
    units = [unit_in(cell) if isinstance(cell, Words) else None for cell in cells]
    if any(units):
        yield f"{key}_unit", ["" if u is None else cell_text(texts.words(u)) for u in units]


def _digits(number: float) -> float:
    """Return a number without the dust of 100 times a share: 7.4, not 7.3999999999999995."""
    return float(f"{number:.12g}")


def _numbers(cell: Cell) -> tuple[float, ...]:
    return numbers_in(cell) if isinstance(cell, Words) else ()


def _cell(cell: Cell, form: Form, texts: Texts) -> Scalar:
    """Return a cell of a file: withheld and absent are words, a text is never a formula."""
    match cell:
        case bool() | int():
            return cell
        case float():
            return _digits(cell)
        case None:
            return ""
        case Withheld():
            return "withheld"
        case Absent():
            why = pick(f"reason.{cell.reason}", f"finding.{cell.reason}", **cell.values)
            return cell_text(f"n/a ({texts.words(why)})")
        case str():
            return cell_text(texts.label(cell) if form is Form.LABEL else cell)
        case _:
            return "n/a" if cell == NO_NUMBER else cell_text(texts.words(cell))
