"""One file held against what it should be: where it differs, as near as its format lets say.

A JSON file differs at a key path, a table at a row and a column, a page at a line, a workbook at a
cell, a Word document in one of its parts. What a received file holds is only compared: nothing of
it is run, and one much larger than the true one is not opened at all. Differences are made as they
are asked for: a damaged file may hold a million of them.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from impact_eval.core.findings import Finding, Place
from impact_eval.pipeline.compared_archives import archive_findings
from impact_eval.pipeline.difference_records import shown_value
from impact_eval.pipeline.differences import NOTHING, json_changes
from impact_eval.results.faults import Json, parsed

MORE_BYTES = 100_000  # than twice the true ones: the file is another one, and is not opened
MORE_ROWS, MORE_CELLS = 1_000, 10_000  # the same, of a table
MOST_PAIRS = 200_000  # of rows held against each other, to find those that moved
UNREPEATABLE_KEYS = frozenset({"provenance.run_at"})
_ZIPPED = frozenset({".xlsx", ".docx"})
_Rows = list[list[str]]
_Tuples = list[tuple[str, ...]]


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
        `verify_line`, `verify_sheet`, `verify_book_cell`, `verify_part`, `verify_bytes`,
        `verify_larger`.
    """
    if found == expected:
        return
    if len(found) > 2 * len(expected) + MORE_BYTES:
        yield _larger(name)
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
            yield from archive_findings(name, found, expected)
        else:
            yield Finding.error("verify_bytes", Place(file=name), file=name)
    except (ValueError, RecursionError, zipfile.BadZipFile, zlib.error, EOFError, KeyError,
            NotImplementedError, RuntimeError, OSError, csv.Error):  # fmt: skip
        yield Finding.error("verify_unreadable", Place(file=name), file=name)


def _larger(name: str) -> Finding:
    return Finding.error("verify_larger", Place(file=name), file=name)


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
    told = False
    for finding in json_findings(name, content, parsed(expected.decode("utf-8"))):
        told = True
        yield finding
    if not told and not _same_form(content, found):
        yield Finding.error("verify_form", Place(file=name), file=name)


def _same_form(content: Json, raw: bytes) -> bool:
    """Whether a JSON file is written as the product writes it: spaces, order, end of lines."""
    for sort in (False, True):  # notebooks are written in the order of their keys
        text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=sort) + "\n"
        if text.encode("utf-8", "surrogatepass") == raw:
            return True
    return False


# -- tables and pages ------------------------------------------------------------------------------


def _rows(raw: bytes) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(raw.decode("utf-8"), newline=""))


def _rows_within(raw: bytes, most_rows: int, most_cells: int) -> _Rows | None:
    """Return the rows of a table; None as soon as there are too many."""
    rows: _Rows = []
    cells = 0
    for row in _rows(raw):
        cells += len(row)
        if len(rows) == most_rows or cells > most_cells:
            return None
        rows.append(row)
    return rows


def _table(name: str, found: bytes, expected: bytes) -> Iterator[Finding]:
    there = list(_rows(expected))
    cells = sum(map(len, there))
    here = _rows_within(found, 2 * len(there) + MORE_ROWS, 2 * cells + MORE_CELLS)
    if here is None:
        yield _larger(name)
        return
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
    for a, b, c, d in _moved(one, other):
        for row in range(a + 1, b + 1):
            yield Finding.error("verify_row_added", Place(file=name, row=row), file=name, row=row)
        for row in range(c + 1, d + 1):
            yield Finding.error("verify_row_lost", Place(file=name, row=row), file=name, row=row)


def _moved(one: _Tuples, other: _Tuples) -> Iterator[tuple[int, int, int, int]]:
    """Yield which rows, from and to, stand in one place of one table or of the other alone.

    What both start and end with is set aside; what is left is one piece when it is too long.
    """
    least = min(len(one), len(other))
    first = next((i for i in range(least) if one[i] != other[i]), least)
    left = range(1, least - first + 1)
    last = next((i - 1 for i in left if one[-i] != other[-i]), least - first)
    a, c = one[first : len(one) - last], other[first : len(other) - last]
    if len(a) * len(c) > MOST_PAIRS:
        yield first, first + len(a), first, first + len(c)
        return
    for what, *ends in difflib.SequenceMatcher(None, a, c, False).get_opcodes():
        if what != "equal":
            yield first + ends[0], first + ends[1], first + ends[2], first + ends[3]


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
