"""A workbook or a Word document held against what it should be: its parts, its cells, its bytes.

Both are written the same every time, to the byte. Where one differs, it is told by cell or by part;
where all parts are the true ones, something stands beside them. No more is unpacked than the true
one holds.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from impact_eval.core.archives import archive_of, packed_as, part_content
from impact_eval.core.findings import Finding, Place
from impact_eval.pipeline.difference_records import shown_value

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

MOST_CELLS = 200_000  # of a sheet that is read cell by cell
MORE_PARTS = 100  # than twice the true ones: the archive is another one
_SHEET = re.compile(r"xl/worksheets/sheet\d+\.xml")


@dataclass(frozen=True, slots=True)
class _Held:
    """The parts of a received archive that could be read, and the names of all that differ."""

    parts: Mapping[str, bytes]
    changed: tuple[str, ...]
    whole: bool


def archive_findings(name: str, found: bytes, expected: bytes) -> Iterator[Finding]:
    """Yield how a workbook or a Word document, whose bytes differ, differs from the true one.

    Parameters
    ----------
    name : str
        Path from the output folder.
    found, expected : bytes

    Yields
    ------
    Finding
        `verify_sheet`, `verify_book_cell`, `verify_part`, `verify_form`, `verify_larger`.
    """
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        infos = archive.infolist()
    with zipfile.ZipFile(io.BytesIO(expected)) as archive:
        there = {part: archive.read(part) for part in archive.namelist()}
    if len(infos) > 2 * len(there) + MORE_PARTS:
        yield Finding.error("verify_larger", Place(file=name), file=name)
        return
    held = _held(found, infos, there)
    if not held.changed:
        if not _only_packed_otherwise(found, infos, there):
            yield Finding.error("verify_form", Place(file=name), file=name)
        return
    sheets = [part for part in held.changed if _SHEET.fullmatch(part)]
    others = [part for part in held.changed if part not in sheets]
    told = _told_cells(name, held, expected) if name.endswith(".xlsx") else []
    yield from told
    for part in (*others, *(() if told else sheets)):
        yield Finding.error("verify_part", Place(file=name, key=part), file=name, part=part)


def _only_packed_otherwise(
    found: bytes, infos: list[zipfile.ZipInfo], there: Mapping[str, bytes]
) -> bool:
    """Return whether an archive of the true parts differs by how another system packs them alone.

    Else something stands between the parts, in a comment, in a header.
    """
    true = all(
        (info.CRC, info.file_size) == (zlib.crc32(there[info.filename]), len(there[info.filename]))
        for info in infos
    )
    return true and packed_as(found, infos) == found


def _held(found: bytes, infos: list[zipfile.ZipInfo], there: Mapping[str, bytes]) -> _Held:
    """Read the parts of an archive: one much larger than the true one is not unpacked."""
    times = Counter(info.filename for info in infos)
    room = 2 * sum(map(len, there.values())) + 100_000
    parts: dict[str, bytes] = {}
    changed = [part for part in there if part not in times]
    for info in infos:
        part = info.filename
        most = min(room, 2 * len(there[part]) + 10_000) if part in there else room
        content = _content(found, info, most) if times[part] == 1 else None
        if content is not None:
            parts[part] = content
            room -= len(content)
        if content is None or there.get(part) != content:
            changed.append(part)
    return _Held(parts, tuple(dict.fromkeys(changed)), whole=len(parts) == len(infos))


def _content(found: bytes, info: zipfile.ZipInfo, most: int) -> bytes | None:
    """Return what a part holds; None when it is locked, damaged, too large or more than itself."""
    try:
        held = None if info.flag_bits & 1 else part_content(found, info, most)
    except zlib.error:
        return None
    return None if held is None or held[1] else held[0]


def _told_cells(name: str, held: _Held, expected: bytes) -> list[Finding]:
    """Return the cells of a workbook that differ; none when it cannot be opened, or is a trap."""
    if not held.whole:
        return []
    try:
        return list(_book_cells(name, archive_of(held.parts), expected))
    except (ValueError, TypeError, LookupError, AttributeError, SyntaxError, OSError,
            ArithmeticError, RecursionError):  # fmt: skip
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
