"""The sheets of a value map as grids of cells: Excel, LibreOffice, CSV; merged cells filled."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.spreadsheet import text_of_cell
from impact_eval.data.workbook_file import read_workbook_file, refused_if_damaged
from impact_eval.value.map.declared_cells import plain_decimal
from impact_eval.value.map.prices import decimal_of, exact
from impact_eval.value.map.typed_numbers import SheetText

NO_VALUE = object()  # a formula whose result the file does not keep
Row = list[Any]


@dataclass(frozen=True, slots=True)
class MapSheet:
    """One sheet: its name, its rows from the first, whether people see it."""

    name: str
    rows: list[Row] = field(repr=False)
    hidden: bool = False


BOOKS = frozenset({".xlsx", ".xlsm"})
OTHER_BOOKS = frozenset({".xls", ".ods", ".xlsb"})
TEXTS = frozenset({".csv", ".tsv"})


def read_sheets(path: Path) -> list[MapSheet]:
    """Read every sheet of a map.

    Raises
    ------
    ImpactEvalError
        `value_map_not_readable`, and those of a workbook.
    """
    ending = path.suffix.lower()
    if ending in TEXTS:
        return [MapSheet(path.stem, _text_rows(path))]
    content = read_workbook_file(path).content
    if ending in OTHER_BOOKS:
        with refused_if_damaged(path.name):
            return _other_book(content)
    if not content.startswith(b"PK"):
        raise ImpactEvalError(
            Finding.error("value_map_not_readable", Place(file=path.name), line=None)
        )
    with refused_if_damaged(path.name):
        return _book(content)


def _text_rows(path: Path) -> list[Row]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    head = text.partition("\n")[0]
    mark = max(";\t,", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=mark))
    except csv.Error:
        raise ImpactEvalError(
            Finding.error("value_map_not_readable", Place(file=path.name), line=None)
        ) from None
    return [[_typed(cell) for cell in row] for row in rows]


def _other_book(content: bytes) -> list[MapSheet]:
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    out = []
    for told in book.sheets_metadata:
        grid = book.get_sheet_by_name(told.name).to_python(skip_empty_area=False)
        hidden = told.visible is not SheetVisibleEnum.Visible
        out.append(MapSheet(told.name, [[_typed(c) for c in row] for row in grid], hidden))
    return out


def _book(content: bytes) -> list[MapSheet]:
    from openpyxl import load_workbook

    values = load_workbook(io.BytesIO(content), data_only=True)
    formulas = load_workbook(io.BytesIO(content))
    out = []
    for sheet in values.worksheets:
        told = formulas[sheet.title]
        rows: list[Row] = []
        for cells, written in zip(sheet.iter_rows(), told.iter_rows(), strict=False):
            rows.append([_cell(c, w) for c, w in zip(cells, written, strict=False)])
        _fill_down(rows, sheet.merged_cells.ranges)
        out.append(MapSheet(sheet.title, rows, sheet.sheet_state != "visible"))
    return out


def _cell(cell: Any, written: Any) -> Any:
    value = cell.value
    if value is None and written.data_type == "f":
        return NO_VALUE
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and "%" in str(cell.number_format)
    ):
        with exact():
            return SheetText(f"{plain_decimal(decimal_of(value) * 100)} %")
    return _typed(value)


def _typed(value: Any) -> Any:
    if isinstance(value, str):
        return SheetText(text_of_cell(value)) if value.strip() else None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _fill_down(rows: list[Row], merges: Sequence[Any]) -> None:
    """Spread the words of a cell merged over rows; a number stays once: it would count twice."""
    for merge in merges:
        left, top, right, bottom = merge.bounds
        if bottom == top or right != left or top > len(rows):
            continue
        value = rows[top - 1][left - 1]
        if isinstance(value, str):
            for row in rows[top:bottom]:
                row[left - 1] = value
