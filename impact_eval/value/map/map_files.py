"""Value maps to and from files: TOML, and an Excel workbook with the headings people know."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    Place,
    Severity,
    nearest,
)
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.core.spreadsheet import cell_text
from impact_eval.core.toml_files import TomlCodes, read_toml
from impact_eval.value.map.columns import CASES, LINES, SETTINGS, TABLES, TableSpec, headings
from impact_eval.value.map.declared import SCHEMA, MapContent, UnitFlow
from impact_eval.value.map.declared_cells import Amount, plain_decimal, read_rate, read_share
from impact_eval.value.map.discounting import DiscountSchedule, said_as_schedule, schedule_disagrees
from impact_eval.value.map.fiscal_cases import complete_with_case
from impact_eval.value.map.map_checks import LONGEST_BARE, check_value_map, question_durations
from impact_eval.value.map.map_sheets import BOOKS, OTHER_BOOKS, TEXTS
from impact_eval.value.map.map_workbook import Origins, WorkbookMap, read_map_workbook
from impact_eval.value.map.one_sheet import complete_sheets
from impact_eval.value.map.parameters import complete_line
from impact_eval.value.map.sheet_versions import question_sheets
from impact_eval.value.map.typed_numbers import CellFault, refuse_formula_error

_CODES = TomlCodes("value_map_not_readable", "value_map_not_readable", "value_map_too_large")
_PLAIN = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d+)?")
M = TypeVar("M", bound=MapContent)


def read_value_map(path: Path, noun: type[M]) -> M:
    """Read a value map from `.toml` or `.xlsx` as a noun; see `ValueMap.read`."""
    place = Place(file=path.name)
    if not path.is_file():
        raise ImpactEvalError(Finding.error("value_map_not_found", place, path=path.name))
    if path.suffix.lower() in BOOKS | OTHER_BOOKS | TEXTS:
        most = 1_000 * _CODES.most.value
        if path.stat().st_size > most:
            raise ImpactEvalError(Finding.error(_CODES.size, place, most=most))
        return _map_of_workbook(read_map_workbook(path), noun)
    tables = read_toml(path, _CODES, parse_float=Decimal)
    return value_map_of_tables(tables, noun, path.name)


def _map_of_workbook(book: WorkbookMap, noun: type[M]) -> M:
    """Make a value map of a workbook: every finding says the sheet and the cell."""
    question_sheets(book)
    _refuse_an_empty_book(book)
    complete_sheets(book)
    origins = Origins(book.file, book.origins, book.sheets)
    try:
        made = value_map_of_tables(book.tables, noun, book.file)
    except ImpactEvalError as error:
        book.said.add(*map(origins.located, error.findings))
    book.said.raise_if_errors()
    noticed = (*book.said.findings, *map(origins.located, made.noticed))
    return replace(made, noticed=noticed, origins=origins)


def _refuse_an_empty_book(book: WorkbookMap) -> None:
    """Refuse a workbook with no row in any table; a sheet that was not read is named then.

    Raises
    ------
    ImpactEvalError
        `map_empty`, or `sheet_not_read` for each sheet that no table is known by.
    """
    if any(book.tables.get(spec.key) for spec in TABLES):
        return
    unread = [
        replace(f, severity=Severity.ERROR)
        for f in book.said.findings
        if f.code == "sheet_not_read" and (f.severity is Severity.WARNING or not book.sheets)
    ]
    sheet = book.sheets.get(LINES.key) or next(iter(book.sheets.values()), None)
    place = Place(file=book.file, sheet=sheet)
    raise ImpactEvalError(unread or [Finding.error("map_empty", place)])


def value_map_of_tables(tables: Mapping[str, Any], noun: type[M], file: str | None = None) -> M:
    """Make a value map from its tables; every fault of every cell is told at once.

    Parameters
    ----------
    tables : mapping
        `map` (settings), then one list of rows by table of `columns.TABLES`.
    noun : type of MapContent
        What is made of them.
    file : str, optional
        Name shown in the refusals.

    Raises
    ------
    ImpactEvalError
    """
    faults = FindingCollector()
    known = ["schema", SETTINGS.key, *(spec.key for spec in TABLES)]
    for name in tables:
        if name not in known:
            faults.add(
                Finding.error(
                    "unknown_table",
                    Place(file=file, key=name),
                    name=name,
                    nearest=nearest(name, known),
                    known=known,
                )
            )
    if tables.get("schema", SCHEMA) != SCHEMA:
        faults.add(Finding.error("unknown_schema", Place(file=file), found=str(tables["schema"])))
    settings = _read_settings(tables.get(SETTINGS.key, {}), file, faults)
    rows: dict[str, list[dict[str, Any]]] = {}
    for spec in TABLES:
        rows[spec.key] = _read_rows(spec, tables.get(spec.key, ()), file, faults)
    for number, line in enumerate(rows[LINES.key], start=1):
        spot = _RowSpot(file, LINES.key, number)
        faults.add(*complete_with_case(line, rows[CASES.key], spot.place("case")))
        faults.add(*complete_line(line, spot.place("parameter")))
    check_value_map(settings, rows, file, faults)
    faults.raise_if_errors()
    nouns: dict[str, Any] = {
        spec.key: tuple(spec.make(r) for r in rows[spec.key]) for spec in TABLES
    }
    typed = [row.get("duration") for row in tables.get(LINES.key, ())]
    noticed = question_durations(settings, rows, typed, file)
    return noun(settings=SETTINGS.make(settings), noticed=noticed, **nouns)


def _read_settings(raw: Any, file: str | None, faults: FindingCollector) -> dict[str, Any]:
    spot = _RowSpot(file, SETTINGS.key)
    fault = schedule_disagrees(raw)
    if fault is not None:
        faults.add(Finding.error(fault.code, spot.place("discount_rate"), **fault.values))
    return _read_row(SETTINGS, said_as_schedule(raw), spot, faults)


class _RowSpot:
    """Where a row stands in its file."""

    def __init__(self, file: str | None, table: str, row: int | None = None) -> None:
        self.file, self.table, self.row = file, table, row

    def place(self, key: str) -> Place:
        table = self.table if self.row is None else f"{self.table}[{self.row}]"
        return Place(file=self.file, key=f"{table}.{key}", row=self.row)


def _read_rows(
    spec: TableSpec, raw: Any, file: str | None, faults: FindingCollector
) -> list[dict[str, Any]]:
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        faults.add(Finding.error("table_not_rows", Place(file=file, key=spec.key), name=spec.key))
        return []
    out = []
    for number, row in enumerate(raw, start=1):
        spot = _RowSpot(file, spec.key, number)
        if not isinstance(row, Mapping):
            faults.add(Finding.error("table_not_rows", spot.place(""), name=spec.key))
            continue
        out.append(_read_row(spec, row, spot, faults))
    return out


def _read_row(
    spec: TableSpec, raw: Any, spot: _RowSpot, faults: FindingCollector
) -> dict[str, Any]:
    row = raw if isinstance(raw, Mapping) else {}
    for name in row:
        if name not in spec.keys:
            faults.add(
                Finding.error(
                    "unknown_column",
                    spot.place(str(name)),
                    name=str(name),
                    nearest=nearest(str(name), spec.keys),
                    known=spec.keys,
                )
            )
    out: dict[str, Any] = {}
    for column in spec.columns:
        cell = row.get(column.key)
        if cell is None or cell == "":
            if column.required:
                faults.add(Finding.error("missing_cell", spot.place(column.key), column=column.key))
            continue
        try:
            refuse_formula_error(cell)
            out[column.key] = column.parse(cell)
        except CellFault as fault:
            faults.add(
                Finding.error(fault.code, spot.place(column.key), column=column.key, **fault.values)
            )
            out[column.key] = None
    return out


# --- writing ----------------------------------------------------------------------------------


def tables_of_value_map(value_map: MapContent, *, whole: bool = False) -> dict[str, object]:
    """Return the tables of a map: exact numbers as text.

    Parameters
    ----------
    value_map : ValueMap
    whole : bool
        Every table and every cell, null where nothing is stated; otherwise these are absent.
    """
    out: dict[str, object] = {
        "schema": SCHEMA,
        SETTINGS.key: _row_of(SETTINGS, value_map.settings, whole=whole),
    }
    for spec in TABLES:
        rows = getattr(value_map, spec.key)
        if rows or whole:
            out[spec.key] = [_row_of(spec, row, whole=whole) for row in rows]
    return out


def _row_of(spec: TableSpec, noun: Any, *, whole: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key in spec.keys:
        value = spec.cell(noun, key)
        if value is None or value == "" or (isinstance(value, (tuple, Mapping)) and not value):
            if whole:
                out[key] = None
            continue
        cell = _cell_of(value, whole=whole)
        out[key] = cell if whole else _signed(spec, key, cell)
    return out


def _signed(spec: TableSpec, key: str, cell: Any) -> Any:
    """Return a share of one with its sign: a bare 1 is refused, it may be 1 %."""
    parse = next((column.parse for column in spec.columns if column.key == key), None)
    return "100 %" if cell == "1" and parse in (read_share, read_rate) else cell


def _cell_of(value: Any, *, whole: bool) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, (Amount, DiscountSchedule)):
        return str(value)
    if isinstance(value, UnitFlow):
        parts = {
            "name": value.name,
            "kind": value.kind.value,
            "payer": value.payer and value.payer.value,
            "receiver": value.receiver and value.receiver.value,
            "amount": str(value.amount),
        }
        return {key: part for key, part in parts.items() if whole or part is not None}
    if isinstance(value, Mapping):
        if set(value) == {""}:
            return plain_decimal(value[""])
        return {key: plain_decimal(number) for key, number in value.items()}
    if isinstance(value, tuple):
        return [_cell_of(item, whole=whole) for item in value]
    return value


def tables_of_record(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables that a results file holds as a map is read: a share of one has its sign.

    A results file writes exact numbers alone, and `1` there is a whole: nobody typed it.
    """
    out: dict[str, Any] = dict(tables)
    for spec in (SETTINGS, *TABLES):
        held = tables.get(spec.key)
        rows = [held] if isinstance(held, Mapping) else held or []
        said = [{k: _signed(spec, k, v) for k, v in row.items()} for row in rows]
        if spec.key in tables:
            out[spec.key] = said[0] if isinstance(held, Mapping) else said
    return out


def digest_of(value_map: MapContent) -> str:
    """Return the SHA-256 of a map's content."""
    return sha256(canonical_json(tables_of_value_map(value_map)))


def write_value_map(value_map: MapContent, path: Path, language: str = "fr") -> None:
    """Write a map as `.toml`, or as an `.xlsx` workbook with headings in one language."""
    tables = _with_units_of_time(tables_of_value_map(value_map), value_map, language)
    if path.suffix.lower() == ".xlsx":
        _write_workbook(tables, path, language)
        return
    import tomli_w

    path.write_text(tomli_w.dumps(tables), encoding="utf-8")


def _with_units_of_time(
    tables: dict[str, object], value_map: MapContent, language: str
) -> dict[str, object]:
    """Return the tables, long durations with their unit: a bare one would be asked about again.

    One that was asked about stays bare: writing a map does not answer for those who typed it.
    """
    asked = {
        f.values.get("line")
        for f in value_map.noticed
        if f.code in ("duration_perhaps_months", "duration_without_unit")
    }
    unit, rows = ("ans" if language == "fr" else "years"), []
    for line in value_map.lines:
        row, years = _row_of(LINES, line, whole=False), line.timing.duration
        if years is not None and years > LONGEST_BARE and line.id not in asked:
            row["duration"] = f"{row['duration']} {unit}"
        rows.append(row)
    return {**tables, **({LINES.key: rows} if rows else {})}


# --- Excel ------------------------------------------------------------------------------------


def _to_sheet(cell: Any) -> Any:
    if isinstance(cell, (list, tuple)) and cell and isinstance(cell[0], Mapping):
        return json.dumps(cell, ensure_ascii=False)
    if isinstance(cell, (list, tuple)):
        return cell_text(" ; ".join(map(str, cell)))
    if isinstance(cell, Mapping):
        return json.dumps(cell, ensure_ascii=False)
    if (
        isinstance(cell, str)
        and _PLAIN.fullmatch(cell)
        and plain_decimal(Decimal(repr(float(cell)))) == cell
    ):
        return float(cell) if "." in cell else int(cell)
    return cell_text(cell) if isinstance(cell, str) else cell


def _write_workbook(tables: Mapping[str, Any], path: Path, language: str) -> None:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill

    book = Workbook()
    book.remove(book.worksheets[0])
    said = headings()
    known = tuple(said["sheet"][SETTINGS.key])
    if language not in known:  # a workbook is read back in these alone
        close = nearest(language, known)
        raise ImpactEvalError(
            Finding.error("unknown_language", name=language, nearest=close, known=known)
        )
    bold, fill = Font(bold=True), PatternFill("solid", fgColor="DDE6F0")
    for spec in (SETTINGS, *TABLES):
        sheet = book.create_sheet(said["sheet"][spec.key][language])
        if spec is SETTINGS:
            for key in spec.keys:
                value = tables[spec.key].get(key)
                sheet.append([said["column"][key][language], _to_sheet(value)])
            sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 38, 40
            continue
        sheet.append([said["column"][key][language] for key in spec.keys])
        for cell in sheet[1]:
            cell.font, cell.fill = bold, fill
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        for row in tables.get(spec.key, ()):
            sheet.append([_to_sheet(row.get(key)) for key in spec.keys])
        sheet.freeze_panes = "C2"
        for column in sheet.columns:
            letter = column[0].column_letter
            sheet.column_dimensions[letter].width = 18
    book.save(path)
