"""One file held against what it should be: where it differs, as near as its format lets say.

A JSON file differs at a key path, a table at a row and a column, a page at a line, a workbook at a
cell, a Word document in one of its parts. What a received file holds is only compared: nothing of
it is run, and no more is unpacked than the true one holds.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from impact_eval.core.findings import Finding, Place
from impact_eval.pipeline.difference_records import shown_value
from impact_eval.pipeline.differences import NOTHING, json_changes
from impact_eval.results.faults import Json, parsed

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

MOST_CELLS = 200_000  # of a sheet that is read cell by cell
UNREPEATABLE_KEYS = frozenset({"provenance.run_at"})
_ZIPPED = frozenset({".xlsx", ".docx"})
_DATES = re.compile(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>")
_MOMENT = "docProps/core.xml"
_SHEET = re.compile(r"xl/worksheets/sheet\d+\.xml")
_END_OF_ZIP, _END_SIZE = b"PK\x05\x06", 22  # nothing may stand after it, nor before the first part
_Rows = list[list[str]]


def file_findings(name: str, found: bytes, expected: bytes) -> Iterator[Finding]:
    """Yield how a file differs from what it should be.

    Parameters
    ----------
    name : str
        Path from the output folder.
    found, expected : bytes

    Yields
    ------
    Finding
        `verify_unreadable`, `verify_key`, `verify_key_added`, `verify_key_lost`, `verify_form`,
        `verify_cell`, `verify_heading`, `verify_row_added`, `verify_row_lost`, `verify_row_order`,
        `verify_line`, `verify_sheet`, `verify_book_cell`, `verify_part`, `verify_bytes`.
    """
    if found == expected:
        return
    suffix = PurePosixPath(name).suffix
    try:
        if suffix in (".json", ".ipynb"):
            yield from _json(name, found, expected)
        elif suffix == ".csv":
            yield from _table(name, found, expected)
        elif suffix == ".html":
            yield _line(name, found, expected)
        elif suffix in _ZIPPED:
            yield from _archive(name, found, expected)
        else:
            yield Finding.error("verify_bytes", Place(file=name), file=name)
    except (ValueError, RecursionError, zipfile.BadZipFile, zlib.error, EOFError, KeyError,
            NotImplementedError, RuntimeError, OSError, csv.Error):  # fmt: skip
        yield Finding.error("verify_unreadable", Place(file=name), file=name)


# -- JSON ---------------------------------------------------------------------------------------


def json_findings(name: str, found: Json, expected: Json) -> Iterator[Finding]:
    """Yield where a JSON value differs from what it should be, key by key.

    Parameters
    ----------
    name : str
        The file.
    found, expected : JSON
    """
    for one in json_changes(found, expected):
        if one.path in UNREPEATABLE_KEYS:
            continue
        place = Place(file=name, key=one.path or None)
        if one.one is NOTHING:
            yield Finding.error("verify_key_lost", place, file=name, key=one.path)
        elif one.other is NOTHING:
            yield Finding.error("verify_key_added", place, file=name, key=one.path)
        else:
            yield Finding.error(
                "verify_key",
                place,
                file=name,
                key=one.path,
                found=shown_value(one.one),
                expected=shown_value(one.other),
            )


def _json(name: str, found: bytes, expected: bytes) -> Iterator[Finding]:
    content = parsed(found.decode("utf-8"))
    whole = list(json_findings(name, content, parsed(expected.decode("utf-8"))))
    yield from whole
    if not whole and not _same_form(content, found):
        yield Finding.error("verify_form", Place(file=name), file=name)


def _same_form(content: Json, raw: bytes) -> bool:
    """Whether a JSON file is written as the product writes it: spaces, order, end of lines."""
    for sort in (False, True):  # notebooks are written in the order of their keys
        text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=sort) + "\n"
        if text.encode("utf-8", "surrogatepass") == raw:
            return True
    return False


# -- tables and pages ------------------------------------------------------------------------------


def _rows(raw: bytes) -> _Rows:
    return list(csv.reader(io.StringIO(raw.decode("utf-8"), newline="")))


def _table(name: str, found: bytes, expected: bytes) -> Iterator[Finding]:
    here, there = _rows(found), _rows(expected)
    told = False
    if here[:1] != there[:1]:
        told = True
        yield Finding.error(
            "verify_heading", Place(file=name, row=1), file=name, row=1,
            found=", ".join(here[0]) if here else "", expected=", ".join(there[0]),
        )  # fmt: skip
    if len(here) != len(there):
        told = True
        yield from _moved_rows(name, here, there)
    elif sorted(here) == sorted(there) and here != there:
        told = True
        first = next(i for i, (a, b) in enumerate(zip(here, there, strict=True), 1) if a != b)
        yield Finding.error("verify_row_order", Place(file=name, row=first), file=name, row=first)
    else:
        for finding in _cells(name, here, there):
            told = True
            yield finding
    if not told:
        yield Finding.error("verify_form", Place(file=name), file=name)


def _moved_rows(name: str, here: _Rows, there: _Rows) -> Iterator[Finding]:
    """Yield the rows that stand in one table alone, counted as a spreadsheet counts them."""
    one, other = [tuple(row) for row in here], [tuple(row) for row in there]
    for what, a, b, c, d in difflib.SequenceMatcher(None, one, other, False).get_opcodes():
        if what == "equal":
            continue
        for row in range(a + 1, b + 1):
            yield Finding.error("verify_row_added", Place(file=name, row=row), file=name, row=row)
        for row in range(c + 1, d + 1):
            yield Finding.error("verify_row_lost", Place(file=name, row=row), file=name, row=row)


def _cells(name: str, here: _Rows, there: _Rows) -> Iterator[Finding]:
    heads = there[0] if there else []
    for row, (one, other) in enumerate(zip(here, there, strict=True), 1):
        if row == 1:
            continue
        for at in range(max(len(one), len(other))):
            is_, was = (cells[at] if at < len(cells) else "" for cells in (one, other))
            if is_ == was and at < min(len(one), len(other)):
                continue
            column = heads[at] if at < len(heads) else str(at + 1)
            yield Finding.error(
                "verify_cell", Place(file=name, row=row, column=column), file=name, row=row,
                column=column, found=shown_value(is_), expected=shown_value(was),
            )  # fmt: skip


def _line(name: str, found: bytes, expected: bytes) -> Finding:
    here, there = found.splitlines(), expected.splitlines()
    pairs = zip(here, there, strict=False)
    same = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(here), len(there)))
    return Finding.error("verify_line", Place(file=name, row=same + 1), file=name, row=same + 1)


# -- workbooks and documents -----------------------------------------------------------------------


def _archive(name: str, found: bytes, expected: bytes) -> Iterator[Finding]:
    with (
        zipfile.ZipFile(io.BytesIO(found)) as here,
        zipfile.ZipFile(io.BytesIO(expected)) as there,
    ):
        parts = {info.filename: info.file_size for info in there.infolist()}
        names = [info.filename for info in here.infolist()]
        changed = [part for part in parts if part not in names]
        changed += [part for part in names if part not in parts or names.count(part) > 1]
        for info in here.infolist():
            if info.filename not in parts:
                continue
            # a part much larger than the true one is another one: it is not unpacked
            large = info.file_size > 2 * parts[info.filename] + 10_000
            if large or _part(here, info.filename) != _part(there, info.filename):
                changed.append(info.filename)
    whole = [] if changed else list(_outside_parts(name, found))
    yield from whole
    sheets = [part for part in dict.fromkeys(changed) if _SHEET.fullmatch(part)]
    others = [part for part in dict.fromkeys(changed) if part not in sheets]
    told = _told_cells(name, found, expected) if name.endswith(".xlsx") and changed else []
    yield from told
    for part in [*others, *(() if told else sheets)]:
        yield Finding.error("verify_part", Place(file=name, key=part), file=name, part=part)


def _part(archive: zipfile.ZipFile, part: str) -> bytes:
    raw = archive.read(part)
    return _DATES.sub(b"", raw) if part == _MOMENT else raw


def _outside_parts(name: str, raw: bytes) -> Iterator[Finding]:
    """Yield a document that holds something before its first part or after its last."""
    if not raw.startswith(b"PK\x03\x04") or raw[-_END_SIZE:-18] != _END_OF_ZIP:
        yield Finding.error("verify_form", Place(file=name), file=name)


def _told_cells(name: str, found: bytes, expected: bytes) -> list[Finding]:
    """Return the cells of a workbook that differ; none when it cannot be opened, or is a trap."""
    if _unpacked_size(found) > 2 * _unpacked_size(expected) + 100_000:
        return []
    try:
        return list(_book_cells(name, found, expected))
    except (ValueError, TypeError, LookupError, AttributeError, SyntaxError, OSError):
        return []  # a part that is no XML, a sheet that points nowhere: its part is told


def _book_cells(name: str, found: bytes, expected: bytes) -> Iterator[Finding]:
    from openpyxl import load_workbook

    here, there = (load_workbook(io.BytesIO(raw)) for raw in (found, expected))
    for sheet in dict.fromkeys((*there.sheetnames, *here.sheetnames)):
        if sheet not in here.sheetnames or sheet not in there.sheetnames:
            yield Finding.error("verify_sheet", Place(file=name, sheet=sheet), file=name,
                                sheet=sheet)  # fmt: skip
            continue
        one, other = _values(here[sheet]), _values(there[sheet])
        for cell in dict.fromkeys((*other, *one)):
            if one.get(cell) != other.get(cell):
                yield Finding.error(
                    "verify_book_cell", Place(file=name, sheet=sheet, cell=cell), file=name,
                    sheet=sheet, cell=cell, found=shown_value(one.get(cell, "")),
                    expected=shown_value(other.get(cell, "")),
                )  # fmt: skip


def _values(sheet: Worksheet) -> dict[str, str]:
    if sheet.max_row * sheet.max_column > MOST_CELLS:  # one cell far away: rows of nothing
        raise ValueError(sheet.title)
    cells = (cell for row in sheet.iter_rows() for cell in row)
    return {c.coordinate: str(c.value) for c in cells if c.value is not None}


def _unpacked_size(raw: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return sum(info.file_size for info in archive.infolist())
