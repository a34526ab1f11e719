"""The files beside a report: each table as CSV, each figure as PNG, from the same blocks."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from impact_eval.core.spreadsheet import cell_text
from impact_eval.report.blocks import (
    Absent,
    AnyBlock,
    Bilingual,
    Cell,
    Figure,
    Scalar,
    Table,
    Withheld,
    Words,
)


def write_data_files(blocks: Sequence[AnyBlock], folder: Path) -> None:
    """Write `tables/` (CSV) from the tables and the data of the figures, numbered as in the report.

    Parameters
    ----------
    blocks : sequence of block
        After the disclosure gate: what is withheld there is withheld here.
    folder : Path
    """
    tables = folder / "tables"
    tables.mkdir(exist_ok=True)
    number = 0
    for block in blocks:
        if isinstance(block, Table):
            number += 1
            _write_table(tables / f"table-{number:02d}.csv", block)
    number = 0
    for block in blocks:
        if isinstance(block, Figure):
            number += 1
            _write_table(tables / f"figure-{number:02d}-{block.figure}.csv", block.data)


def _write_table(path: Path, table: Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([cell_text(key) for key in table.keys])
        writer.writerows([[_cell(cell) for cell in row] for row in table.rows])


def _cell(cell: Cell) -> Scalar:
    """Return a cell as CSV: withheld and absent are words, a text is never a formula."""
    if isinstance(cell, (bool, int, float)):
        return cell
    return cell_text(_said(cell))


def _said(cell: str | Withheld | Absent | Words | Bilingual | None) -> str:
    match cell:
        case None:
            return ""
        case Withheld():
            return "withheld"
        case Absent():
            return f"n/a ({cell.reason})"
        case Words():
            return cell.code
        case Bilingual():
            return cell.fr or cell.en or ""
        case _:
            return cell
