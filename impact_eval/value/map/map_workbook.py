"""A value map out of its sheets: which is which table, which row is a line, where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, FindingCollector, Place, nearest
from impact_eval.data.source_rows import column_letters
from impact_eval.value.map.columns import INPUTS, LINES, SETTINGS, TABLES, TableSpec
from impact_eval.value.map.declared_cells import folded, read_amount, read_rate, read_share
from impact_eval.value.map.map_headings import (
    COMPUTED,
    INPUT_AMOUNT,
    INPUT_TEXT,
    PROXY_TEXT,
    MapHeading,
    in_context,
    known_in,
    read_heading,
    shown_heading,
    table_of_sheet,
)
from impact_eval.value.map.map_sheets import NO_VALUE, MapSheet, read_sheets
from impact_eval.value.map.total_rows import is_detail, is_total, nature_of
from impact_eval.value.map.typed_numbers import (
    CellFault,
    SheetText,
    read_number,
    read_years,
    typed_text,
)

_LOOKAHEAD = 40  # rows in which headings are looked for
_KNOWN = 3  # headings that make a sheet of another name a table
_UNIT_ROW = frozenset(
    {"%", "€", "eur", "ans", "annees", "mois", "texte", "nombre", "years", "£", ""}
)
_EXTRA = frozenset({INPUT_TEXT, INPUT_AMOUNT, PROXY_TEXT})
_MONEY = frozenset({"amount", "proxy", "hourly_rate", INPUT_AMOUNT})
_SHARES = (read_share, read_rate)
_OWN_UNIT = re.compile(r"[^\W\d_]|[€£$%]")  # letters or a sign: the cell states its unit
_LAW = re.compile(r"\]\s*[a-z]+\s*$")  # the law of an interval is no unit
_LARGEST = 1e12
_KEYS = tuple(spec.keys for spec in (SETTINGS, *TABLES))
_NAMES = frozenset(spec.key for spec in (SETTINGS, *TABLES))
Numbered = tuple[int, Sequence[Any]]  # a row and its number in the sheet
# a column that nobody knows is placed by its heading, spaces included
_PLACED = re.compile(r"(\w+)(?:\[(\d+)\])?(?:\.(.+))?")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row of a table stands in its workbook: sheet, row, column of each cell."""

    sheet: str
    row: int
    columns: Mapping[str, tuple[str, str]]  # key to letters and heading


@dataclass(frozen=True, slots=True)
class Origins:
    """Where every row of a map stands in its workbook."""

    file: str
    rows: Mapping[tuple[str, int], Origin]
    sheets: Mapping[str, str]  # table to the name of its sheet

    def located(self, finding: Finding) -> Finding:
        """Return a finding with the sheet, the cell and the heading that people see."""
        found = _PLACED.match((finding.place and finding.place.key) or "")
        if not found:
            return finding
        origin = self.rows.get((found[1], int(found[2] or 0)))
        if origin is None:  # of a whole table: its name is that of its sheet
            if found[2] or found[1] not in _NAMES:
                return finding
            return replace(finding, place=Place(file=self.file, sheet=self.sheets.get(found[1])))
        key = found[3] or ""
        letters, heading = origin.columns.get(key, (None, None))
        row: int | None = origin.row
        if not int(found[2] or 0):  # a setting: its own row, and none where it is not written
            row = int(re.sub(r"\D", "", letters)) if letters else None
            cell: str | None = letters
        else:
            cell = f"{letters}{row}" if letters else None
        place = Place(file=self.file, sheet=origin.sheet, row=row, cell=cell, column=heading)
        values: dict[str, Any] = dict(finding.values)
        if values.get("known") in _KEYS:  # a column that does not exist: those that people see
            known = [shown_heading(str(name)) for name in _KEYS[_KEYS.index(values["known"])]]
            values |= {"known": known, "nearest": nearest(str(values.get("name", "")), known)}
        if heading and values.get("column") == key:
            values["column"] = heading
        return replace(finding, place=place, values=values)


@dataclass(slots=True)
class WorkbookMap:
    """What a workbook says: tables as a TOML file would hold them, and where they stood."""

    file: str
    tables: dict[str, Any] = field(default_factory=dict)
    origins: dict[tuple[str, int], Origin] = field(default_factory=dict)
    headings: dict[str, set[str]] = field(default_factory=dict)
    sheets: dict[str, str] = field(default_factory=dict)
    pounds: bool = False
    said: FindingCollector = field(default_factory=FindingCollector)


def read_map_workbook(path: Path) -> WorkbookMap:
    """Read the tables of a map out of a workbook, a sheet of LibreOffice or a CSV file.

    Sheets are known by their name, by another name of the same thing (« Coûts »), or by their
    headings; what is in none of these is named in a finding. Without any cost read, a sheet of
    numbers that is not read may hold them: no total stands until it is (`blocks`).
    """
    out = WorkbookMap(path.name)
    unread: list[str] = []
    for sheet in read_sheets(path):
        if not any(_filled(row) for row in sheet.rows):
            continue
        table = table_of_sheet(sheet.name) or _table_of_headings(sheet)
        if table is None:
            if _holds_numbers(sheet):
                unread.append(sheet.name)
            else:
                place = Place(file=path.name, sheet=sheet.name)
                out.said.add(Finding.info("sheet_not_read", place, name=sheet.name))
            continue
        if sheet.hidden:
            place = Place(file=path.name, sheet=sheet.name)
            out.said.add(Finding.warning("hidden_sheet_read", place, name=sheet.name))
        if table == SETTINGS.key and known_in([str(r[0]) for r in _pairs(sheet)], SETTINGS) == 0:
            table = _table_of_headings(sheet) or table
        out.sheets.setdefault(table, sheet.name)
        if table == SETTINGS.key:
            _read_settings(sheet, out)
        else:
            _read_table(sheet, next(s for s in TABLES if s.key == table), out)
    for name in unread:
        place = Place(file=path.name, sheet=name)
        costs = bool(out.tables.get(INPUTS.key))
        out.said.add(Finding.warning("sheet_not_read", place, blocks=not costs, name=name))
    return out


def _filled(row: Sequence[Any]) -> list[tuple[int, Any]]:
    return [(i, cell) for i, cell in enumerate(row) if cell is not None]


def _texts(row: Sequence[Any]) -> list[str]:
    return [cell if isinstance(cell, str) else "" for cell in row]


def _holds_numbers(sheet: MapSheet) -> bool:
    return any(isinstance(cell, (int, float)) for row in sheet.rows for cell in row)


def _table_of_headings(sheet: MapSheet) -> str | None:
    """Return the table whose headings a sheet bears: at least three of them."""
    best, most = None, _KNOWN - 1
    for spec in (LINES, INPUTS, *TABLES):
        for row in sheet.rows[:_LOOKAHEAD]:
            n = known_in(_texts(row), spec)
            if n > most:
                best, most = spec.key, n
    if best is None and known_in([str(pair[0]) for pair in _pairs(sheet)], SETTINGS) >= _KNOWN:
        return SETTINGS.key
    return best


def _pairs(sheet: MapSheet) -> list[tuple[Any, Any, int, int]]:
    """Return label, value, row (from 1) and column (from 0) of the value, by row of settings."""
    out = []
    for number, row in enumerate(sheet.rows, start=1):
        told = _filled(row)
        if len(told) > 1:
            out.append((told[0][1], told[1][1], number, told[1][0]))
    return out


def _read_settings(sheet: MapSheet, out: WorkbookMap) -> None:
    settings = dict(out.tables.get(SETTINGS.key, {}))
    before = out.origins.get((SETTINGS.key, 0))  # another sheet of settings
    columns: dict[str, tuple[str, str]] = {}
    for label, value, number, column in _pairs(sheet):
        heading = read_heading(str(label), SETTINGS.key)
        key = heading.key or str(label)
        cell = f"{column_letters(column)}{number}"
        columns[key] = (cell, heading.text)
        place = Place(file=out.file, sheet=sheet.name, cell=cell, column=heading.text)
        cell_value = _cell(value, heading, SETTINGS, place, out)
        if before is not None and settings.get(key, cell_value) != cell_value:
            names = [before.sheet, sheet.name]
            out.said.add(
                Finding.error("map_settings_differ", place, names=names, column=heading.text)
            )
        settings[key] = cell_value
    if "discount_rate" in columns:  # its cell may hold the schedule itself
        columns.setdefault("discount_schedule", columns["discount_rate"])
    out.tables[SETTINGS.key] = settings
    out.origins[(SETTINGS.key, 0)] = Origin(sheet.name, 1, columns)


def _read_table(sheet: MapSheet, spec: TableSpec, out: WorkbookMap) -> None:
    start = _heading_row(sheet, spec)
    width = max(map(len, sheet.rows))
    texts = [" ".join(str(cell).split()) if cell is not None else "" for cell in sheet.rows[start]]
    texts += [""] * (width - len(texts))
    found = in_context([read_heading(text, spec.key) for text in texts])
    body = [(number, row) for number, row in enumerate(sheet.rows[start + 1 :], start=start + 2)
            if _filled(row)]  # fmt: skip
    _tell_columns(sheet, spec, found, body, out)
    kept, gone = _lines_of(body, found, spec)
    if gone:
        place = Place(file=out.file, sheet=sheet.name, row=gone[0][0])
        names = [typed_text(_filled(row)[0][1]) for _, row in gone]
        out.said.add(
            Finding.info("map_rows_not_lines", place, name=sheet.name, n=len(gone), names=names)
        )
    rows = out.tables.setdefault(spec.key, [])
    out.headings.setdefault(spec.key, set()).update(h.key for h in found if h.key)
    out.pounds = out.pounds or any("£" in text for text in texts)
    columns = {h.key or h.text: (column_letters(i), h.text) for i, h in enumerate(found) if h.text}
    for number, row in kept:
        cells: dict[str, Any] = {}
        for index, heading in enumerate(found):
            value = row[index] if index < len(row) else None
            if value is None or not heading.text or heading.key == COMPUTED:
                continue
            place = Place(file=out.file, sheet=sheet.name, row=number, column=heading.text,
                          cell=f"{column_letters(index)}{number}")  # fmt: skip
            cells[heading.key or heading.text] = _cell(value, heading, spec, place, out)
        rows.append(cells)
        out.origins[(spec.key, len(rows))] = Origin(sheet.name, number, columns)


def _heading_row(sheet: MapSheet, spec: TableSpec) -> int:
    """Return the row that names the most columns; else the first that holds anything."""
    counts = [known_in(_texts(row), spec) for row in sheet.rows[:_LOOKAHEAD]]
    if max(counts) > 0:
        return counts.index(max(counts))
    return next(i for i, row in enumerate(sheet.rows) if _filled(row))


def _tell_columns(
    sheet: MapSheet,
    spec: TableSpec,
    found: Sequence[MapHeading],
    body: Sequence[tuple[int, Sequence[Any]]],
    out: WorkbookMap,
) -> None:
    """Name the columns that are not read, and refuse two that are the same."""
    place = Place(file=out.file, sheet=sheet.name)
    held = {i for _, row in body for i, _ in _filled(row)}
    left = [h.text or column_letters(i) for i, h in enumerate(found)
            if i in held and (h.key == COMPUTED or not h.text)]  # fmt: skip
    if left:
        out.said.add(Finding.info("map_columns_not_read", place, names=left))
    cents = [h.text for i, h in enumerate(found) if h.per_cent and h.key and i in held]
    if cents:
        out.said.add(Finding.info("map_columns_in_per_cent", place, names=cents))
    seen: dict[str, str] = {}
    for heading in found:
        if not heading.key:
            continue
        if heading.key in seen:
            both = [seen[heading.key], heading.text]
            out.said.add(Finding.error("map_column_twice", place, columns=both, n=len(both)))
        seen[heading.key] = heading.text


def _lines_of(
    body: Sequence[Numbered], found: Sequence[MapHeading], spec: TableSpec
) -> tuple[list[Numbered], list[Numbered]]:
    """Part the rows that are lines from those that repeat the headings or add up the others.

    A row that adds nothing up stands alone: it is kept, and what it lacks is asked for.
    """
    lines = [(number, row) for number, row in body if not _repeats(row, found)]
    sums = {n for n, row in lines if is_total(row, found, spec) or is_detail(row)}
    kinds = {nature_of(row, found) for number, row in lines if number not in sums}
    kept = [(number, row) for number, row in lines if number not in sums
            or not kinds or (nature_of(row, found) or next(iter(kinds))) not in kinds]  # fmt: skip
    numbers = {number for number, _ in kept}
    return kept, [(number, row) for number, row in body if number not in numbers]


def _repeats(row: Sequence[Any], found: Sequence[MapHeading]) -> bool:
    """Whether a row is the headings again, or the units of the columns."""
    told = _filled(row)
    texts = [folded(cell) for _, cell in told if isinstance(cell, str)]
    if len(texts) < len(told):
        return False
    again = [i for i, cell in told if i < len(found) and folded(cell) == folded(found[i].text)]
    return len(again) * 2 > len(told) or all(text in _UNIT_ROW for text in texts)


def _cell(value: Any, heading: MapHeading, spec: TableSpec, place: Place, out: WorkbookMap) -> Any:
    """Return a cell as the map reads it: in the unit that its heading states."""
    column = next((c for c in spec.columns if c.key == heading.key), None)
    if value is NO_VALUE:
        out.said.add(Finding.error("formula_without_value", place, column=heading.text))
        return None
    if isinstance(value, str) and heading.key in ("people", "mix") and value.startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    if heading.per_cent and column is not None and column.parse in _SHARES:
        return _per_cent(value, heading, place, out)
    if heading.months and column is not None and column.parse is read_years:
        return f"{value} mois" if _is_plain(value) else value
    if heading.scale > 1 and heading.key in _MONEY:
        return _in_scale(value, heading.scale)
    if out.pounds and isinstance(value, str):
        return SheetText(value.replace("£", ""))
    return value


def _is_plain(value: Any) -> bool:
    """Whether a cell holds a number and no unit of its own: in a CSV file it is a text."""
    if isinstance(value, bool) or (isinstance(value, str) and _OWN_UNIT.search(value)):
        return False
    try:
        read_number(value)
    except CellFault:
        return False
    return True


def _in_scale(value: Any, scale: int) -> Any:
    """Return an amount, its interval included, in the unit of its heading (k€, M€).

    A cell that states a unit of its own keeps it.
    """
    bare = _LAW.sub("]", value) if isinstance(value, str) else value
    if isinstance(bare, bool) or (isinstance(bare, str) and _OWN_UNIT.search(bare)):
        return value
    try:
        amount = read_amount(value)
    except CellFault:
        return value  # read again by its column, which says what is wrong with it
    if abs(amount.value) >= _LARGEST:
        return value
    if amount.low is None or amount.high is None:
        return amount.value * scale
    low, high = amount.low * scale, amount.high * scale
    return replace(amount, value=amount.value * scale, low=low, high=high)


def _per_cent(value: Any, heading: MapHeading, place: Place, out: WorkbookMap) -> Any:
    """Read a plain number under a heading in per cents; below one, it may be a share."""
    if isinstance(value, str) and ("%" in value or "[" in value):
        return value
    try:
        number = read_number(value)
    except CellFault:
        return value
    if 0 < number < 1:
        name = shown_heading(heading.key or "")
        out.said.add(
            Finding.error(
                "per_cent_or_share", place, column=heading.text, found=str(value), heading=name
            )
        )
        return None
    return f"{number} %"
