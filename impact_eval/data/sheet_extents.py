"""How far the sheets of a workbook go, told from its bytes before anything is loaded.

A library loads a sheet as the rectangle that holds all its cells: in a file of one kilobyte, one
cell typed by mistake in row 400,000 takes gigabytes. What is read here is only where cells stand:
the text of an open document, the records of an old workbook.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import unescape

from impact_eval.core.limits import EMPTY_CELLS, SHEET_CELLS

DENSE = 0.05
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an OLE2 file: .xls, or one with a password


@dataclass(slots=True)
class SheetExtent:
    """How far a sheet goes.

    Attributes
    ----------
    name : str
    rows, columns : int
        Of the rectangle from A1 to the last cell that holds something.
    cells : int
        Cells written in the file: one that is written once and repeated a thousand times is few.
    """

    name: str
    rows: int = 0
    columns: int = 0
    cells: int = 0

    @property
    def area(self) -> int:
        """Cells of the rectangle."""
        return self.rows * self.columns

    @property
    def is_sparse(self) -> bool:
        """Whether nearly all of the rectangle is empty."""
        return self.cells < DENSE * self.area


def too_sparse(sheets: Sequence[SheetExtent]) -> SheetExtent | None:
    """Return the sheet that makes a workbook too large to load, or None.

    All its sheets are loaded when it is opened: many rectangles are as large as one.

    Examples
    --------
    >>> told = [SheetExtent("Suivi", 400, 12, 4_800), SheetExtent("Notes", 400_000, 61, 70)]
    >>> found = too_sparse(told)
    >>> found.name if found is not None else None
    'Notes'
    """
    largest = SHEET_CELLS.value
    sparse = [sheet for sheet in sheets if sheet.is_sparse or sheet.area > largest]
    if sum(sheet.area for sheet in sparse) <= EMPTY_CELLS.value:
        return None
    return max(sparse, key=lambda sheet: sheet.area)


# -- open documents ---------------------------------------------------------------------------

_TABLE = re.compile(rb"<table:table\s")
_ROW = re.compile(rb"<table:table-row(?=[\s/>])")  # neither a group of rows nor its end
_NAME = re.compile(rb'table:name="([^"]*)"')
_TAG = rb"""((?:[^>"']|"[^"]*"|'[^']*')*)>"""
_OPEN_CELL = re.compile(rb"<table:(?:covered-)?table-cell" + _TAG)
_OPEN_ROW = re.compile(_TAG)
_AGAIN_ROWS = re.compile(rb"""number-rows-repeated=["'](\d+)""")
_AGAIN_COLUMNS = re.compile(rb"""number-columns-repeated=["'](\d+)""")
_ONCE = 64  # a cell repeated along a row is as many cells as that at most
_VALUE = b"office:"


def document_extents(content: bytes) -> list[SheetExtent]:
    """Return how far each sheet of an open document goes, from the text of its content.

    Cells and rows alike are written once with a number of times: the last of them counts where it
    holds something.
    """
    found = []
    for table in _TABLE.split(content)[1:]:
        name = _NAME.search(table[:2_000])
        text = "" if name is None else name[1].decode("utf-8", "replace")
        sheet = SheetExtent(unescape(text, {"&quot;": '"', "&apos;": "'"}))
        row = 0
        for part in _ROW.split(table)[1:]:
            head = _OPEN_ROW.match(part)
            again = _AGAIN_ROWS.search(head[1]) if head is not None else None
            row += int(again[1]) if again is not None else 1
            columns, cells = _written(part)
            if columns:
                sheet.rows = row
                sheet.columns = max(sheet.columns, columns)
                sheet.cells += cells
        found.append(sheet)
    return found


def _written(row: bytes) -> tuple[int, int]:
    """Return the last column of a row that holds something, and how many cells are written."""
    if _VALUE not in row and b"</table:table-cell>" not in row:
        return 0, 0
    if b"number-columns-repeated" not in row:
        n = row.count(b"<table:table-cell") + row.count(b"<table:covered-table-cell")
        return n, n
    at = last = cells = 0
    for tag in _OPEN_CELL.finditer(row):
        again = _AGAIN_COLUMNS.search(tag[1])
        times = int(again[1]) if again is not None else 1
        at += times
        if _VALUE in tag[1] or not tag[1].endswith(b"/"):
            last = at
            cells += min(times, _ONCE)
    return last, cells


# -- old workbooks ----------------------------------------------------------------------------

_MARKS = 0xFFFFFFFA  # sectors from this number on are marks
_SHORT_SECTOR = 64
_BOF, _EOF, _NAMES, _PASSWORD = 0x0809, 0x000A, 0x0085, 0x002F
_CELLS = frozenset({0x0006, 0x0203, 0x0204, 0x0205, 0x00FD, 0x00D6, 0x027E})
_SEVERAL = 0x00BD  # numbers side by side: the last column ends the record


def old_workbook_extents(content: bytes) -> list[SheetExtent]:
    """Return how far each sheet of an `.xls` goes, from the records of its cells.

    None of a file that is no such workbook, or whose records a password hides: they are refused
    when it is opened.
    """
    stream = _workbook_stream(content)
    names: dict[int, str] = {}
    found: dict[int, SheetExtent] = {}
    inside: list[SheetExtent | None] = []  # a sheet may hold a chart, with an end of its own
    for at, kind, start, size in _records(stream):
        if kind == _PASSWORD:
            return []
        if kind == _NAMES and size >= 8:
            place = struct.unpack_from("<I", stream, start)[0]
            names[place] = _sheet_name(stream[start + 6 : start + size])
        elif kind == _BOF:
            known = at in names
            inside.append(found.setdefault(at, SheetExtent(names[at])) if known else None)
        elif kind == _EOF and inside:
            inside.pop()
        elif kind in _CELLS or kind == _SEVERAL:
            sheet = inside[-1] if inside else None
            if sheet is not None and size >= 6:
                _add_record(sheet, stream, start, size, several=kind == _SEVERAL)
    return list(found.values())


def _add_record(sheet: SheetExtent, stream: bytes, start: int, size: int, *, several: bool) -> None:
    row, first = struct.unpack_from("<HH", stream, start)
    last = struct.unpack_from("<H", stream, start + size - 2)[0] if several else first
    sheet.rows = max(sheet.rows, row + 1)
    sheet.columns = max(sheet.columns, last + 1)
    sheet.cells += max(1, last - first + 1)


def _sheet_name(text: bytes) -> str:
    """Return the name of a sheet: a length, whether its letters are wide, the letters."""
    if text[1] > 1:  # before Excel 97, letters follow the length
        return text[1 : 1 + text[0]].decode("cp1252", "replace")
    letters = text[2 : 2 + text[0] * (1 + text[1])]
    return letters.decode("utf-16-le" if text[1] else "latin-1", "replace")


def _records(stream: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Return each record: where it is, its kind, where its content starts, its size."""
    at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield at, kind, at + 4, min(size, len(stream) - at - 4)
        at += 4 + size


def _workbook_stream(content: bytes) -> bytes:
    """Return the stream of a workbook in its OLE2 file, b"" when there is none.

    A file is cut in sectors that form chains; a short stream is in short sectors, which are cut in
    the stream of the root. [MS-CFB] 2.2 to 2.6.
    """
    if len(content) < 512 or not content.startswith(OLD_WORKBOOK):
        return b""
    size = 1 << min(int(struct.unpack_from("<H", content, 30)[0]), 16)
    directory, least, shorts = struct.unpack_from("<I4xII", content, 48)
    table = _allocation(content, size)
    entries = _chain(content[size:], table, directory, size)
    streams: dict[str, tuple[int, int]] = {}
    for i in range(0, len(entries) - 127, 128):
        name = entries[i : i + 64].decode("utf-16-le", "replace").split("\0")[0]
        streams.setdefault(name, struct.unpack_from("<II", entries, i + 116))
    found = streams.get("Workbook", streams.get("Book"))
    if found is None:
        return b""
    start, length = found
    if length >= least:
        return _chain(content[size:], table, start, size)[:length]
    root = next(iter(streams.values()))  # the first entry
    held = _chain(content[size:], table, root[0], size)
    marks = _numbers(_chain(content[size:], table, shorts, size))
    return _chain(held, marks, start, _SHORT_SECTOR)[:length]


def _allocation(content: bytes, size: int) -> tuple[int, ...]:
    """Return the sector that follows each sector."""
    held = list(struct.unpack_from("<109I", content, 76))
    more = struct.unpack_from("<I", content, 68)[0]
    seen: set[int] = set()
    while more < _MARKS and more not in seen:
        seen.add(more)
        *listed, more = _numbers(content[(more + 1) * size : (more + 2) * size]) or (_MARKS,)
        held += listed
    sectors = (content[(s + 1) * size : (s + 2) * size] for s in held if s < _MARKS)
    return _numbers(b"".join(sectors))


def _numbers(part: bytes) -> tuple[int, ...]:
    n = len(part) // 4
    return struct.unpack(f"<{n}I", part[: 4 * n])


def _chain(sectors: bytes, following: Sequence[int], start: int, size: int) -> bytes:
    """Return the content of a chain of sectors."""
    parts: list[bytes] = []
    while start < len(following) and len(parts) <= len(following):
        parts.append(sectors[start * size : (start + 1) * size])
        start = following[start]
    return b"".join(parts)
