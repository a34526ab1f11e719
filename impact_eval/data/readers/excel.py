"""Spreadsheets: visible sheets, merged headers, both day systems; through python-calamine."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place, nearest
from impact_eval.core.limits import COLUMNS, SHEET_CELLS
from impact_eval.data.layout import Merge, Row, find_table, is_blank
from impact_eval.data.line_account import LineAccount
from impact_eval.data.readers.raw import RawTable
from impact_eval.data.readers.reader import TEXT_ENDINGS, Reader, Sheet, register_reader
from impact_eval.data.source_rows import SourceRows, column_letters, letters_of
from impact_eval.data.workbook_file import (
    far_cells,
    read_workbook_file,
    refused_if_damaged,
)


def read_excel(path: Path, sheet: Sheet = None) -> RawTable:
    """Read one sheet of a workbook.

    Parameters
    ----------
    path : Path
    sheet : str, int or None
        Name or position (from 0); by default the first visible sheet that holds a table.
    """
    book = read_workbook_file(path)
    with refused_if_damaged(path.name):
        workbook = _open(book.content)
        name, others, hidden = _choose(workbook, sheet, path.name)
        far = far_cells(book, name, path.name)
        grid, merges = _grid(workbook, name, path.name)
    layout = find_table(grid, merges=merges, file=path.name)
    findings = [*far, *(_on_sheet(finding, name) for finding in layout.findings)]
    if others:
        findings.append(Finding.info("other_sheets", Place(file=path.name), sheet=name,
                                     others=others[:12]))  # fmt: skip
    if hidden:
        findings.append(Finding.warning("hidden_sheets", Place(file=path.name), sheets=hidden[:12]))
    if not layout.names or (not layout.rows and sheet is None):
        raise ImpactEvalError(Finding.error("empty_file", Place(file=path.name), file=path.name))
    frame = pd.DataFrame(layout.rows, columns=list(layout.names), dtype=object)
    return RawTable(
        frame=frame,
        format=path.suffix.lstrip(".").lower(),
        details={"sheet": name},
        findings=tuple(findings),
        epoch_1904=_counts_from_1904(path),
        titles=layout.titles,
        rows_in=layout.below,
        rows=SourceRows.from_numbers(
            layout.numbers, sheet=name, letters=letters_of(layout.names, layout.places)
        ),
        account=LineAccount(lines=len(grid), kinds=layout.kinds),
    )


def _on_sheet(finding: Finding, sheet: str) -> Finding:
    """Return a finding whose place says the sheet."""
    if finding.place is None:
        return finding
    return replace(finding, place=replace(finding.place, sheet=sheet))


def _open(content: bytes) -> Any:
    from python_calamine import CalamineWorkbook

    return CalamineWorkbook.from_filelike(io.BytesIO(content))


def _choose(workbook: Any, sheet: str | int | None, file: str) -> tuple[str, list[str], list[str]]:
    """Return the sheet to read, the other visible ones and the hidden ones."""
    sheets = workbook.sheets_metadata
    tables = [meta for meta in sheets if "WorkSheet" in str(meta.typ)] or list(sheets)
    visible = [meta.name for meta in tables if str(meta.visible).endswith(".Visible")]
    hidden = [meta.name for meta in tables if meta.name not in visible]
    names = [meta.name for meta in tables]
    if not names:
        raise ImpactEvalError(Finding.error("empty_file", Place(file=file), file=file))
    if isinstance(sheet, str) and sheet.isdigit() and sheet not in names:
        sheet = int(sheet)
    if isinstance(sheet, int):
        if not 0 <= sheet < len(names):
            raise ImpactEvalError(
                Finding.error("unknown_sheet", Place(file=file), sheet=str(sheet), nearest=None,
                              known=names)
            )  # fmt: skip
        chosen = names[sheet]
    elif sheet is not None:
        if sheet not in names:
            raise ImpactEvalError(
                Finding.error("unknown_sheet", Place(file=file), sheet=sheet,
                              nearest=nearest(sheet, names), known=names)
            )  # fmt: skip
        chosen = sheet
    else:
        chosen = _first_table(workbook, visible or names)
    return chosen, [n for n in visible if n != chosen], [n for n in hidden if n != chosen]


def _first_table(workbook: Any, names: Sequence[str]) -> str:
    """Return the first sheet of at least two lines and two columns, else the first one."""
    for name in names:
        grid = workbook.get_sheet_by_name(name).to_python(skip_empty_area=True, nrows=20)
        filled = [row for row in grid if sum(not is_blank(cell) for cell in row) >= 2]
        if len(filled) >= 2:
            return name
    return names[0]


def _grid(workbook: Any, name: str, file: str) -> tuple[list[Row], tuple[Merge, ...]]:
    sheet = workbook.get_sheet_by_name(name)
    COLUMNS.refuse_beyond(sheet.total_width, file)
    if sheet.total_height * sheet.total_width > SHEET_CELLS.value:
        last = f"{column_letters(sheet.total_width - 1)}{sheet.total_height}"
        raise ImpactEvalError(
            Finding.error("sheet_too_sparse", Place(file=file, sheet=name), sheet=name, last=last)
        )
    grid = [[_cell(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    try:
        merges = tuple(sheet.merged_cell_ranges or ())
    except AttributeError:
        merges = ()
    return grid, merges


def _cell(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell if cell else None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, timedelta):
        return str(cell)
    return cell


def _counts_from_1904(path: Path) -> bool:
    """Whether the workbook declares the day system of 1904 (old Macintosh files)."""
    if path.suffix.lower() not in {".xlsx", ".xlsm"}:
        return False
    try:
        with zipfile.ZipFile(path) as archive, archive.open("xl/workbook.xml") as part:
            head = part.read(20_000).decode("utf-8", "replace")
    except (OSError, KeyError, zipfile.BadZipFile):
        return False
    return 'date1904="1"' in head or 'date1904="true"' in head


def _is_zipped(path: Path) -> bool:
    """Whether a file said to be text is a workbook, saved under the wrong ending."""
    with path.open("rb") as stream:
        return stream.read(2) == b"PK"


register_reader(
    Reader(
        name="excel",
        tables=frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}),
        read_sheet=read_excel,
        recognised=TEXT_ENDINGS,
        recognises=_is_zipped,
    )
)
