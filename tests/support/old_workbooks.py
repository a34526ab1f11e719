"""Small `.ods` and `.xls` files, written byte by byte: what no library of the project writes."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text")
)
NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
MANIFEST = (
    f'<manifest:manifest xmlns:manifest="{NAMESPACE}">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{SPREADSHEET}"/>'
    "</manifest:manifest>"
)
FULL = '<table:table-cell table:number-columns-repeated="16384"/>'
Cells = Mapping[tuple[int, int], float | str]


# -- an open document -------------------------------------------------------------------------


def ods_row(cells: Mapping[int, float | str]) -> str:
    out, at = [], 0
    for column in sorted(cells):
        if column > at:
            out.append(f'<table:table-cell table:number-columns-repeated="{column - at}"/>')
        value = cells[column]
        kind = "string" if isinstance(value, str) else f'float" office:value="{value}'
        out.append(f'<table:table-cell office:value-type="{kind}"><text:p>{value}</text:p>'
                   "</table:table-cell>")  # fmt: skip
        at = column + 1
    return "<table:table-row>" + "".join(out) + "</table:table-row>"


def ods_table(name: str, cells: Cells) -> str:
    rows: dict[int, dict[int, float | str]] = {}
    for (row, column), value in cells.items():
        rows.setdefault(row, {})[column] = value
    out, at = [], 0
    for row in sorted(rows):
        if row > at:
            out.append(f'<table:table-row table:number-rows-repeated="{row - at}">'
                       f"{FULL}</table:table-row>")  # fmt: skip
        out.append(ods_row(rows[row]))
        at = row + 1
    out.append(f'<table:table-row table:number-rows-repeated="{1_048_576 - at}">'
               f"{FULL}</table:table-row>")  # fmt: skip
    return f'<table:table table:name="{name}">{"".join(out)}</table:table>'


def write_ods(path: Path, sheets: Mapping[str, Cells]) -> Path:
    return zipped(path, "".join(ods_table(name, cells) for name, cells in sheets.items()))


def zipped(path: Path, tables: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("mimetype", SPREADSHEET, zipfile.ZIP_STORED)
        out.writestr("content.xml", f"<office:document-content {SPACES}><office:body>"
                     f"<office:spreadsheet>{tables}</office:spreadsheet></office:body>"
                     "</office:document-content>")  # fmt: skip
        out.writestr("META-INF/manifest.xml", MANIFEST)
    return path


# -- an old workbook: records of BIFF8 in an OLE2 file ------------------------------------------


def record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def biff(sheets: Mapping[str, Cells]) -> bytes:
    bodies = []
    for cells in sheets.values():
        body = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
        for (row, column), value in sorted(cells.items()):
            at = struct.pack("<HHH", row, column, 0)
            if isinstance(value, str):
                body += record(0x0204, at + struct.pack("<HB", len(value), 0) + value.encode())
            else:
                body += record(0x0203, at + struct.pack("<d", value))
        bodies.append(body + record(0x000A))
    head = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    names = [name.encode("latin-1") for name in sheets]
    start = len(head) + sum(4 + 8 + len(name) for name in names) + 4
    for name, body in zip(names, bodies, strict=True):
        head += record(0x0085, struct.pack("<IBBBB", start, 0, 0, len(name), 0) + name)
        start += len(body)
    return b"".join([head, record(0x000A), *bodies])


def entry(name: str, kind: int, start: int, size: int, child: int) -> bytes:
    letters = name.encode("utf-16-le") + b"\0\0"
    return (letters.ljust(64, b"\0") + struct.pack("<HBBIII", len(letters), kind, 1, -1 & MANY,
            -1 & MANY, child) + bytes(36) + struct.pack("<IQ", start, size))  # fmt: skip


MANY, END = 0xFFFFFFFF, 0xFFFFFFFE


def sectors(content: bytes, size: int = 512) -> list[bytes]:
    return [content[i : i + size].ljust(size, b"\0") for i in range(0, len(content), size)]


def chain(first: int, n: int) -> list[int]:
    return [*range(first + 1, first + n), END] if n else []


def ole(stream: bytes) -> bytes:
    """Put a stream in a file of sectors of 512 bytes; a short one in the short sectors."""
    short = len(stream) < 4096
    held = sectors(stream)
    fat = [0xFFFFFFFD, END]  # the table itself, the directory
    blocks = []
    shorts = END
    if short:
        shorts = 2
        fat.append(END)
        marks = chain(0, -(-len(stream) // 64))
        blocks.append(struct.pack(f"<{len(marks)}I", *marks).ljust(512, b"\xff"))
    first = len(fat)
    fat += chain(first, len(held))
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    assert len(table) == 512
    root = entry("Root Entry", 5, first if short else END, len(held) * 512 if short else 0, 1)
    own = entry("Workbook", 2, 0 if short else first, len(stream), MANY)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, shorts, int(short), END, 0, 0)
    head += struct.pack("<108I", *[MANY] * 108)
    return b"".join([head, table, (root + own).ljust(512, b"\0"), *blocks, *held])


def write_xls(path: Path, sheets: Mapping[str, Cells]) -> Path:
    path.write_bytes(ole(biff(sheets)))
    return path
