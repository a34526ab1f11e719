"""Where the cells of a sheet stand, read along its XML or its binary records, never loaded whole.

What a workbook library does not say before it has taken the memory: the last row, the last column,
how many cells, how many merged ranges. Prefixes, single quotes and part names are the writer's own
business: a bomb writes them as it likes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 20
_LONGEST_TAG = 1 << 20
_PREFIX = re.compile(rb"<(/?)[A-Za-z_][\w.\-]*:")
_PREFIXED = re.compile(rb"<[A-Za-z_][\w.\-]*:(?:worksheet|sheetData|row|c)[\s>]")
_CELL = re.compile(
    rb'<c(?=[\s>])(?:\s(?:[^<>]*?\s)?r\s*=\s*"([A-Z]{1,3}\d{1,7})")?(?:[^<>]*[^<>/])?>'
)  # one that is closed at once is empty
_ROW = re.compile(rb'<row\s(?:[^<>]*?\s)?r\s*=\s*"(\d{1,9})"')
_TEXT = re.compile(rb"<si(?=[\s>])")
_WIDTH = 10  # characters of the longest address, XFD1048576
_CELL_RECORDS = frozenset({2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 62})
_ROW_RECORD, _BLANK_RECORD, _TEXT_CELL, _TEXT_RECORD, _MERGE_RECORD = 0, 1, 7, 19, 176
_LAST_ROW, _LAST_COLUMN = 1 << 20, 1 << 14


class TooLongError(ValueError):
    """A tag or a text longer than any workbook holds.

    Attributes
    ----------
    found : int
        Bytes that were read of it.
    """

    def __init__(self, found: int) -> None:
        super().__init__(found)
        self.found = found


@dataclass(slots=True)
class SheetScan:
    """Where the cells of one part of a workbook stand.

    Attributes
    ----------
    rows, columns : int
        Of the rectangle from A1 to the last cell.
    cells : int
    merges : int
    is_plain : bool
        Whether it is written as spreadsheets write it, so that a cell can be cut out of its text.
    texts : list of int
        Bytes of each text that cells share, in a part that holds them.
    used : list of int
        The shared texts that cells show; of binary sheets alone.
    """

    rows: int = 0
    columns: int = 0
    cells: int = 0
    merges: int = 0
    is_plain: bool = True
    texts: list[int] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    _places: list[NDArray[np.int32]] = field(default_factory=list)
    _along: int = 0  # cells without an address since the row began

    @property
    def area(self) -> int:
        """Cells of the rectangle."""
        return self.rows * self.columns

    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the row and the column (from 1) of each cell that has an address."""
        if not self._places:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        both = np.concatenate(self._places, axis=1).astype(np.int64)
        return both[0], both[1]

    def add(self, text: bytes) -> None:
        """Count what a piece of XML holds; no tag is cut by its ends."""
        if _PREFIXED.search(text) or (b"='" in text and b"<" in text):
            self.is_plain = False
            text = _PREFIX.sub(rb"<\1", text).replace(b"'", b'"')
        self.merges += text.count(b"<mergeCell ")
        found = _CELL.findall(text)
        addresses = [address for address in found if address]
        self.cells += len(found)
        if addresses:
            places = _numbers(addresses)
            self._places.append(places)
            self.rows = max(self.rows, int(places[0].max()))
            self.columns = max(self.columns, int(places[1].max()))
        if len(addresses) < len(found):  # cells without an address follow one another
            self._add_unplaced(text)
        begun, *others = _TEXT.split(text)
        if self.texts:
            self.texts[-1] += len(begun)
        self.texts += map(len, others)

    def _add_unplaced(self, text: bytes) -> None:
        begun, *others = text.split(b"<row")
        self._along += begun.count(b"<c")
        longest = max((row.count(b"<c") for row in others), default=0)
        self.columns = max(self.columns, self._along, longest)
        if others:
            self._along = others[-1].count(b"<c")
        self.rows = max([self.rows + len(others), *map(int, _ROW.findall(text))])


def _numbers(addresses: list[bytes]) -> NDArray[np.int32]:
    """Return the rows and the columns of cells from their addresses.

    Examples
    --------
    >>> _numbers([b"A1", b"AB20", b"XFD1048576"]).tolist()
    [[1, 20, 1048576], [1, 28, 16384]]
    """
    held = np.array(addresses, dtype=f"S{_WIDTH}")
    letters = held.view(np.uint8).reshape(len(addresses), _WIDTH).astype(np.int32)
    rows = np.zeros(len(addresses), dtype=np.int32)
    columns = np.zeros(len(addresses), dtype=np.int32)
    for place in range(_WIDTH):
        sign = letters[:, place]
        is_letter, is_digit = sign >= ord("A"), (sign >= ord("0")) & (sign <= ord("9"))
        columns = np.where(is_letter, columns * 26 + sign - ord("A") + 1, columns)
        rows = np.where(is_digit, rows * 10 + sign - ord("0"), rows)
    return np.stack([rows, columns])


def scan_part(stream: IO[bytes], beyond: Callable[[SheetScan], bool]) -> SheetScan:
    """Read a part to its end, which proves its checksum; count the cells of a sheet.

    Parameters
    ----------
    stream : binary stream
    beyond : callable
        Whether what was seen so far can only be refused: the rest is left unread.

    Raises
    ------
    TooLongError
        A tag or a text of a million letters: no workbook has one.
    """
    scan = SheetScan()
    first = stream.read(CHUNK)
    if not first.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        _scan_records(first, stream, scan)
        return scan
    rest = b""
    chunk = first
    while chunk:
        whole, mark, rest = (rest + chunk).rpartition(b"<row" if b"<row" in chunk else b"<")
        if len(rest) > _LONGEST_TAG + CHUNK:
            raise TooLongError(len(rest))
        scan.add(whole)
        if beyond(scan):
            return scan
        rest = mark + rest
        chunk = stream.read(CHUNK)
    scan.add(rest)
    return scan


# -- binary workbooks -------------------------------------------------------------------------


def _scan_records(first: bytes, stream: IO[bytes], scan: SheetScan) -> None:
    """Count the cells of a binary sheet; [MS-XLSB] 2.1.4 says how its records are written."""
    scan.is_plain = False
    row = 0
    for kind, size, body in _records(first, stream):
        if kind == _ROW_RECORD and len(body) >= 4:
            row = min(struct.unpack_from("<I", body)[0], _LAST_ROW)
        elif kind in _CELL_RECORDS and len(body) >= 4:
            column = min(struct.unpack_from("<I", body)[0], _LAST_COLUMN)
            scan.cells += 1
            scan.rows = max(scan.rows, row + 1)
            scan.columns = max(scan.columns, column + 1)
            if kind == _TEXT_CELL and len(body) >= 12:
                scan.used.append(struct.unpack_from("<I", body, 8)[0])
        elif kind == _MERGE_RECORD:
            scan.merges += 1
        elif kind == _TEXT_RECORD:
            scan.texts.append(size)


def _records(first: bytes, stream: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Yield the kind, the size and the first bytes of each record but blank cells."""
    held, at = first, 0
    while True:
        if len(held) - at < 64:
            held, at = held[at:] + stream.read(CHUNK), 0
        if len(held) - at < 2:
            return
        kind, size, at = _head(held, at)
        if kind != _BLANK_RECORD:
            yield kind, size, held[at : at + 16]
        at += size
        while at > len(held):  # a long record: its content says nothing of where cells stand
            more = stream.read(CHUNK)
            if not more:
                return
            at -= len(held)
            held = more


def _head(held: bytes, at: int) -> tuple[int, int, int]:
    """Return the kind and the size of a record, and where its content starts."""
    kind = held[at]
    at += 1
    if kind & 0x80 and at < len(held):
        kind = (kind & 0x7F) | (held[at] & 0x7F) << 7
        at += 1
    size = 0
    for shift in (0, 7, 14, 21):
        if at >= len(held):
            break
        byte = held[at]
        at += 1
        size |= (byte & 0x7F) << shift
        if not byte & 0x80:
            break
    return kind, size, at


_SHOWN_TEXT = re.compile(
    rb"""<(?:[\w.\-]+:)?c\s[^<>]*?\bt\s*=\s*["']s["'][^<>]*><(?:[\w.\-]+:)?v>(\d{1,9})<"""
)


def shown_texts(content: bytes) -> list[int]:
    """Return the number of the shared text that each cell of a sheet shows."""
    return [int(number) for number in _SHOWN_TEXT.findall(content)]
