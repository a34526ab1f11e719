"""A workbook before it is opened: whole, not a bomb, and without a cell a million rows away.

A spreadsheet is read as the rectangle that holds all its cells. One cell typed by mistake in row
1,048,576 makes that rectangle take gigabytes: it is taken out, and told.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import unescape

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.limits import (
    CELL_LETTERS,
    EMPTY_CELLS,
    FILE_MB,
    MERGES,
    MILLION,
    PACKED_MB,
    PACKED_TIMES,
    SHEET_CELLS,
    SHEETS,
    UNPACKED_MB,
)
from impact_eval.core.native_words import is_panic, panics_unspoken
from impact_eval.data.labels import EXAMPLES
from impact_eval.data.sheet_extents import (
    DENSE,
    SheetExtent,
    document_extents,
    old_workbook_extents,
    too_sparse,
)
from impact_eval.data.sheet_scan import SheetScan, TooLongError, scan_part, shown_texts
from impact_eval.data.source_rows import column_letters

_DOCUMENT = "content.xml"
_GAP_ROWS, _GAP_COLUMNS = 500, 100  # blank rows and columns that part two blocks
_FAR_CELLS = 20
_NEAR = 52  # columns up to AZ: a narrow table with a cell below it is looked at too
_CUT_CELLS = 300_000  # cells of a sheet in which far ones are looked for
_PARTS = 20  # parts of an archive for each of its sheets: drawings, relations, notes
_UNREAD = ("xl/media/", "xl/drawings/", "Pictures/", "docProps/", "Thumbnails/")
_CELL = re.compile(rb'<c\s(?:[^<>]*?\s)?r="([A-Z]{1,3})(\d+)"[^<>]*?(/?)>')
_SHEET = re.compile(r'<(?:\w+:)?sheet\s[^>]*?name="([^"]*)"[^>]*?r:id="([^"]*)"')
_RELATION = re.compile(r"<Relationship\s[^>]*>")
_ATTRIBUTE = re.compile(r'(Id|Target)="([^"]*)"')
_EMPTY_SHEET = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/'
    b'spreadsheetml/2006/main"><sheetData/></worksheet>'
)


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
        with panics_unspoken():
            yield
    except (ImpactEvalError, MemoryError):
        raise
    except PasswordError:
        raise ImpactEvalError(
            Finding.error("file_has_password", Place(file=file), file=file)
        ) from None
    except BaseException as error:
        if not isinstance(error, Exception) and not is_panic(error):
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
        `damaged_file`, `file_too_large_unpacked`, `sheet_too_sparse`, `beyond_limit`.
    """
    FILE_MB.refuse_beyond(path.stat().st_size // MILLION, path.name)
    content = path.read_bytes()
    if not content.startswith(b"PK"):  # an old workbook, or one with a password: no archive
        with refused_if_damaged(path.name):
            _refuse_sparse(old_workbook_extents(content), path.name)
        return WorkbookFile(content)
    with refused_if_damaged(path.name), zipfile.ZipFile(io.BytesIO(content)) as archive:
        _refuse_bomb(archive, len(content), path.name)
        scans = _scanned(archive, path.name)
        if _DOCUMENT in archive.namelist():
            text = archive.read(_DOCUMENT)
            SHEETS.refuse_beyond(text.count(b"<table:table "), path.name)
            _refuse_sparse(document_extents(text), path.name)
            return WorkbookFile(content)
        _refuse_repeated_texts(archive, scans, len(content), path.name)
        large = {name: scan for name, scan in scans.items() if _is_large(scan, len(content))}
        return _without_far_cells(content, archive, large, path.name)


def _refuse_sparse(sheets: Sequence[SheetExtent], file: str) -> None:
    """Refuse a workbook that is loaded whole, when a sheet of it is a rectangle of nothing."""
    found = too_sparse(sheets)
    if found is not None:
        last = f"{column_letters(found.columns - 1)}{found.rows}"
        place = Place(file=file, sheet=found.name, cell=last)
        raise ImpactEvalError(Finding.error("sheet_too_sparse", place, sheet=found.name, last=last))


def _refuse_bomb(archive: zipfile.ZipFile, size: int, file: str) -> None:
    names = archive.namelist()
    sheets = sum(name.startswith("xl/worksheets/") and "_rels" not in name for name in names)
    SHEETS.refuse_beyond(max(sheets, len(names) // _PARTS), file)
    _refuse_unpacked(sum(part.file_size for part in archive.infolist()), size, file)


def _refuse_unpacked(unpacked: int, size: int, file: str) -> None:
    """Refuse what takes too much room once unpacked, or too much for so small a file."""
    most = UNPACKED_MB.value
    if unpacked > PACKED_TIMES.value * size and unpacked > PACKED_MB.value * MILLION:
        most = min(most, PACKED_MB.value)
    if unpacked > most * MILLION:
        raise ImpactEvalError(
            Finding.error("file_too_large_unpacked", Place(file=file), file=file,
                          size=unpacked // MILLION, most=most)
        )  # fmt: skip


def _scanned(archive: zipfile.ZipFile, file: str) -> dict[str, SheetScan]:
    """Unpack each part, which proves its checksum; return how far each goes that holds cells."""
    found: dict[str, SheetScan] = {}
    for part in archive.infolist():
        if part.filename.startswith(_UNREAD):
            continue
        with archive.open(part) as stream:
            try:
                scan = scan_part(stream, _is_beyond)
            except TooLongError as error:
                CELL_LETTERS.refuse_beyond(error.found, file)
                raise
        MERGES.refuse_beyond(scan.merges, file)
        if scan.cells or scan.texts:
            found[part.filename] = scan
    return found


def _refuse_repeated_texts(
    archive: zipfile.ZipFile, scans: Mapping[str, SheetScan], size: int, file: str
) -> None:
    """Refuse a workbook where cells all show one long text, written once."""
    texts = np.array([n for scan in scans.values() for n in scan.texts] or [0], dtype=np.int64)
    cells = sum(scan.cells for scan in scans.values())
    if int(texts.max()) * cells <= PACKED_MB.value * MILLION:
        return
    for name, scan in scans.items():
        if scan.cells:
            used = np.array(scan.used or shown_texts(archive.read(name)), dtype=np.int64)
            shown = int(texts[used[used < len(texts)]].sum())
            _refuse_unpacked(shown, size, file)


def _is_beyond(scan: SheetScan) -> bool:
    """Whether a sheet is too large to be read, and holds too much to be mended."""
    return scan.cells > _CUT_CELLS and scan.area > SHEET_CELLS.value


def _is_large(scan: SheetScan, size: int) -> bool:
    """Whether a sheet is a rectangle much larger than what it holds, or than its file."""
    most = min(SHEET_CELLS.value, max(EMPTY_CELLS.value, 10 * size))
    area = scan.rows * max(scan.columns, _NEAR)
    sparse = area > EMPTY_CELLS.value and scan.cells < DENSE * area
    return sparse or scan.area > most


# -- far cells --------------------------------------------------------------------------------


def _without_far_cells(
    content: bytes, archive: zipfile.ZipFile, large: Mapping[str, SheetScan], file: str
) -> WorkbookFile:
    """Return the workbook with only the main block of cells of its sparse sheets."""
    if not large:
        return WorkbookFile(content)
    names = _sheets(archive)
    told = WorkbookFile(content)
    changed: dict[str, bytes] = {}
    for part, scan in large.items():
        sheet = names.get(part, part)
        text = _main_text(archive, part, scan, sheet, told)
        if text is not None:
            changed[part] = text
            continue
        last = f"{column_letters(scan.columns - 1)}{scan.rows}"
        if part.endswith(".bin"):  # it cannot be emptied as the others are
            _refuse_sparse([SheetExtent(sheet, scan.rows, scan.columns, scan.cells)], file)
        told.too_sparse[sheet] = last
        changed[part] = _EMPTY_SHEET
    return WorkbookFile(_rewritten(archive, changed), told.far, told.too_sparse)


def _main_text(
    archive: zipfile.ZipFile, part: str, scan: SheetScan, sheet: str, told: WorkbookFile
) -> bytes | None:
    """Return the text of a sheet without the few cells far from the others; None when many are."""
    rows, columns = scan.places()
    if not scan.is_plain or scan.cells > _CUT_CELLS or len(rows) < scan.cells:
        return None
    inside = _main_block(rows, columns)
    far = np.flatnonzero(~inside)
    many = len(far) > max(_FAR_CELLS, len(rows) // 100)
    if many or _is_empty_wide(rows[inside], columns[inside]):
        return None
    text = archive.read(part)
    found = [m for m in _CELL.finditer(text) if not m[3]]
    if len(found) != len(rows):
        return None
    if len(far):
        told.far[sheet] = [(found[i][1] + found[i][2]).decode() for i in far]
    return _cut(text, found, far.tolist())


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
    return area > EMPTY_CELLS.value and len(rows) < DENSE * area


def _cut(text: bytes, found: list[re.Match[bytes]], places: Sequence[int]) -> bytes:
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
