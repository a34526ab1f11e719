"""A workbook before it is opened: whole, not a bomb, and without a cell a million rows away.

A spreadsheet is read as the rectangle that holds all its cells. One cell typed by mistake in row
1,048,576 makes that rectangle take gigabytes: it is taken out, and told.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import unescape

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.data.labels import EXAMPLES
from impact_eval.data.sheet_extents import (
    AREA,
    DENSE,
    LARGEST,
    SheetExtent,
    document_extents,
    old_workbook_extents,
    too_sparse,
)
from impact_eval.data.source_rows import column_letters

_MILLION = 1_000_000
_MOST = 2_000  # million bytes of a workbook once unpacked
_MOST_PACKED = 100  # million bytes, when it is packed a hundred times
_PACKED = 100
_CHUNK = 1 << 22
_DOCUMENT = "content.xml"
_GAP_ROWS, _GAP_COLUMNS = 500, 100  # blank rows and columns that part two blocks
_FAR_CELLS = 20
_UNREAD = ("xl/media/", "xl/drawings/", "Pictures/", "docProps/", "Thumbnails/")
_ROW = re.compile(rb'<row\s(?:[^>]*?\s)?r="(\d+)"')
_FAR_COLUMN = re.compile(rb'<c\s(?:[^>]*?\s)?r="([A-Z]{3}|[B-Z][A-Z])\d+"[^>]*[^/]>')
_CELL = re.compile(rb'<c\s(?:[^>]*?\s)?r="([A-Z]{1,3})(\d+)"[^>]*?(/?)>')
_SHEET = re.compile(r'<(?:\w+:)?sheet\s[^>]*?name="([^"]*)"[^>]*?r:id="([^"]*)"')
_RELATION = re.compile(r"<Relationship\s[^>]*>")
_ATTRIBUTE = re.compile(r'(Id|Target)="([^"]*)"')
_NEAR = 52  # columns up to AZ


@dataclass(frozen=True, slots=True)
class WorkbookFile:
    """A workbook that may be opened.

    Attributes
    ----------
    content : bytes
        The file, without its cells far from the table.
    far : mapping of sheet to list of str
        Addresses of the cells taken out.
    too_sparse : mapping of sheet to str
        Last cell of the sheets that cannot be read.
    """

    content: bytes
    far: dict[str, list[str]] = field(default_factory=dict)
    too_sparse: dict[str, str] = field(default_factory=dict)


@contextmanager
def refused_if_damaged(file: str) -> Iterator[None]:
    """Turn what a reading library raises into the refusal of a damaged file.

    Raises
    ------
    ImpactEvalError
        `damaged_file`, `file_has_password`.
    """
    from python_calamine import PasswordError

    try:
        yield
    except (ImpactEvalError, MemoryError):
        raise
    except PasswordError:
        raise ImpactEvalError(
            Finding.error("file_has_password", Place(file=file), file=file)
        ) from None
    except BaseException as error:
        # A library written in Rust panics outside of the exceptions of the language.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ImpactEvalError(
            Finding.error("damaged_file", Place(file=file), file=file, reason=reason)
        ) from None


def read_workbook_file(path: Path) -> WorkbookFile:
    """Read the bytes of a workbook, once its parts are whole and of a size that can be read.

    Raises
    ------
    ImpactEvalError
        `damaged_file`, `file_too_large_unpacked`, `sheet_too_sparse`.
    """
    content = path.read_bytes()
    if not content.startswith(b"PK"):  # an old workbook, or one with a password: no archive
        with refused_if_damaged(path.name):
            _refuse_sparse(old_workbook_extents(content), path.name)
        return WorkbookFile(content)
    with refused_if_damaged(path.name), zipfile.ZipFile(io.BytesIO(content)) as archive:
        _refuse_bomb(archive, len(content), path.name)
        extents = {
            part.filename: extent
            for part in archive.infolist()
            if (extent := _checked(archive, part)) is not None
        }
        if _DOCUMENT in archive.namelist():
            _refuse_sparse(document_extents(archive.read(_DOCUMENT)), path.name)
        large = {name: extent for name, extent in extents.items() if extent.is_large}
        return _without_far_cells(content, archive, large) if large else WorkbookFile(content)


def _refuse_sparse(sheets: Sequence[SheetExtent], file: str) -> None:
    """Refuse a workbook that is loaded whole, when a sheet of it is a rectangle of nothing."""
    found = too_sparse(sheets)
    if found is not None:
        last = f"{column_letters(found.columns - 1)}{found.rows}"
        place = Place(file=file, sheet=found.name, cell=last)
        raise ImpactEvalError(Finding.error("sheet_too_sparse", place, sheet=found.name, last=last))


def _refuse_bomb(archive: zipfile.ZipFile, size: int, file: str) -> None:
    unpacked = sum(part.file_size for part in archive.infolist())
    packed = unpacked > _PACKED * size and unpacked > _MOST_PACKED * _MILLION
    if packed or unpacked > _MOST * _MILLION:
        raise ImpactEvalError(
            Finding.error("file_too_large_unpacked", Place(file=file), file=file,
                          size=unpacked // _MILLION, most=_MOST_PACKED if packed else _MOST)
        )  # fmt: skip


@dataclass(slots=True)
class _Extent:
    """How far a sheet goes: its last row, whether columns lie past AZ, its cells."""

    rows: int = 0
    columns: int = _NEAR
    cells: int = 0

    @property
    def is_large(self) -> bool:
        area = self.rows * self.columns
        return area > AREA and self.cells < DENSE * area

    def add(self, text: bytes) -> None:
        self.rows = max([self.rows, *map(int, _ROW.findall(text))])
        far = {column_number(letters.decode()) for letters in set(_FAR_COLUMN.findall(text))}
        self.columns = max([self.columns, *far])
        self.cells += text.count(b"<c ")


def _checked(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> _Extent | None:
    """Unpack a part, which proves its checksum; return how far it goes when it is a sheet."""
    if part.filename.startswith(_UNREAD):
        return None
    extent = _Extent() if part.filename.startswith("xl/worksheets/sheet") else None
    rest = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            if extent is not None:
                whole, _, rest = (rest + chunk).rpartition(b"<")
                extent.add(whole)
                rest = b"<" + rest
    return extent


def column_number(letters: str) -> int:
    """Return the position (from 1) of a column from its letters.

    Examples
    --------
    >>> column_number("A"), column_number("AZ"), column_number("ABC")
    (1, 52, 731)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


# -- far cells --------------------------------------------------------------------------------


def _without_far_cells(
    content: bytes, archive: zipfile.ZipFile, large: dict[str, _Extent]
) -> WorkbookFile:
    """Return the workbook with only the main block of cells of its sparse sheets."""
    names = _sheets(archive)
    told = WorkbookFile(content)
    changed: dict[str, bytes] = {}
    for part in large:
        sheet = names.get(part, part)
        text = archive.read(part)
        found = [m for m in _CELL.finditer(text) if not m[3]]
        rows = np.array([int(m[2]) for m in found], dtype=np.int64)
        columns = np.array([column_number(m[1].decode()) for m in found], dtype=np.int64)
        inside = _main_block(rows, columns)
        far = np.flatnonzero(~inside)
        last = f"{column_letters(int(columns.max()) - 1)}{rows.max()}" if len(rows) else ""
        if len(far) > max(_FAR_CELLS, len(found) // 100) or _is_empty_wide(
            rows[inside], columns[inside]
        ):
            told.too_sparse[sheet] = last
            changed[part] = _cut(text, found, range(len(found)))
            continue
        if len(far):
            told.far[sheet] = [(found[i][1] + found[i][2]).decode() for i in far]
            changed[part] = _cut(text, found, far.tolist())
    if not changed:
        return told
    return WorkbookFile(_rewritten(archive, changed), told.far, told.too_sparse)


def _main_block(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which cells are in the block that holds most of them, blocks parted by wide gaps."""
    inside = np.ones(len(rows), dtype=bool)
    for values, gap in ((rows, _GAP_ROWS), (columns, _GAP_COLUMNS)):
        blocks = _blocks(values, gap)
        kept = np.bincount(blocks[inside]).argmax() if inside.any() else 0
        inside &= blocks == kept
    return inside


def _blocks(values: NDArray[np.int64], gap: int) -> NDArray[np.int64]:
    """Return the number of the group of each value, groups parted by wide gaps."""
    distinct, places = np.unique(values, return_inverse=True)
    return np.asarray(np.cumsum(np.diff(distinct, prepend=distinct[:1]) > gap)[places])


def _is_empty_wide(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> bool:
    """Whether a block is still far larger than what it holds."""
    if not len(rows):
        return False
    area = int(rows.max()) * int(columns.max())
    return area > LARGEST and len(rows) < DENSE * area


def _cut(text: bytes, found: list[re.Match[bytes]], places: list[int] | range) -> bytes:
    """Take cells out of the text of a sheet."""
    out, at = [], 0
    for place in places:
        start = found[place].start()
        end = text.index(b"</c>", start) + len(b"</c>")
        out.append(text[at:start])
        at = end
    return b"".join([*out, text[at:]])


def _rewritten(archive: zipfile.ZipFile, changed: dict[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as out:
        for part in archive.infolist():
            if not part.filename.startswith(_UNREAD):
                name = part.filename
                out.writestr(name, changed[name] if name in changed else archive.read(name))
    return memory.getvalue()


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the name of the sheet of each part."""
    try:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    except (KeyError, zlib.error):
        return {}
    targets: dict[str, str] = {}
    for relation in _RELATION.findall(relations):
        parts = dict(_ATTRIBUTE.findall(relation))
        target = parts.get("Target", "").lstrip("/")
        targets[parts.get("Id", "")] = target if target.startswith("xl/") else f"xl/{target}"
    return {
        targets.get(key, key): unescape(name, {"&quot;": '"', "&apos;": "'"})
        for name, key in _SHEET.findall(book)
    }


def far_cells(book: WorkbookFile, sheet: str, file: str) -> tuple[Finding, ...]:
    """Return what to say of the cells taken out of the sheet that is read.

    Raises
    ------
    ImpactEvalError
        `sheet_too_sparse`.
    """
    if sheet in book.too_sparse:
        raise ImpactEvalError(
            Finding.error("sheet_too_sparse", Place(file=file, sheet=sheet), sheet=sheet,
                          last=book.too_sparse[sheet])
        )  # fmt: skip
    cells = book.far.get(sheet, [])
    if not cells:
        return ()
    place = Place(file=file, sheet=sheet, cell=cells[0])
    return (Finding.warning("far_cells", place, n=len(cells), cells=cells[:EXAMPLES]),)
