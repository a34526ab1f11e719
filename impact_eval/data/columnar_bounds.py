"""What a Parquet or an Arrow file would take in memory, told from its own account of itself.

Both keep a text once and point to it a million times, or pack zeros a thousand to one: a file of
kilobytes may be a table of gigabytes. Nothing is decoded here but pointers to texts.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.limits import (
    CELL_LETTERS,
    COLUMNS,
    FILE_MB,
    MILLION,
    PACKED_MB,
    PACKED_TIMES,
    TABLE_CELLS,
    UNPACKED_MB,
)

_CELL = 8  # bytes of a number
_BATCH, _FIRST = 1 << 16, 1 << 10  # rows
_BUFFER = 1 << 20  # bytes of a column read ahead
_POINTED = frozenset({"RLE_DICTIONARY", "PLAIN_DICTIONARY"})
_ARROW = b"ARROW1\x00\x00"


def refuse_unpacked(unpacked: int, size: int, file: str, times: int | None = None) -> None:
    """Refuse a table that takes too much room, or too much for so small a file.

    Parameters
    ----------
    unpacked, size : int
        Bytes of the table once decoded, of its file.
    file : str
    times : int, optional
        Times its own size, where a file of this kind packs less than others.

    Raises
    ------
    ImpactEvalError
        `file_too_large_unpacked`.
    """
    most = _most(size, times)
    if unpacked > most:
        raise ImpactEvalError(
            Finding.error("file_too_large_unpacked", Place(file=file), file=file,
                          size=unpacked // MILLION, most=most // MILLION)
        )  # fmt: skip


def _most(size: int, times: int | None = None) -> int:
    usual = max(2 * PACKED_MB.value * MILLION, (times or PACKED_TIMES.value) * size)
    return min(usual, UNPACKED_MB.value * MILLION)


def refuse_parquet(path: Path) -> None:
    """Refuse a Parquet file that is too large to be decoded.

    Raises
    ------
    ImpactEvalError
        `beyond_limit`, `file_too_large_unpacked`.
    """
    size = path.stat().st_size
    FILE_MB.refuse_beyond(size // MILLION, path.name)
    with pq.ParquetFile(path) as file:
        told = file.metadata
        COLUMNS.refuse_beyond(told.num_columns, path.name)
        TABLE_CELLS.refuse_beyond(told.num_rows * told.num_columns, path.name)
        plain, pointed = _declared(told)
        refuse_unpacked(plain, size, path.name)
    if pointed:
        _refuse_pointed(path, pointed, plain, size)


def _declared(told: Any) -> tuple[int, list[str]]:
    """Return the bytes of all columns but those of pointed texts, and the names of these."""
    texts = {
        told.schema.column(i).path
        for i in range(told.num_columns)
        if told.schema.column(i).physical_type in {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"}
    }
    total, pointed = 0, dict[str, None]()
    for group in range(told.num_row_groups):
        part = told.row_group(group)
        for i in range(part.num_columns):
            column = part.column(i)
            total += column.num_values * _CELL
            if column.path_in_schema in texts:
                total += column.total_uncompressed_size
                if _POINTED & set(column.encodings):
                    pointed[column.path_in_schema] = None
    return total, [name for name in pointed if "." not in name]


def _refuse_pointed(path: Path, names: list[str], total: int, size: int) -> None:
    """Refuse texts that are pointed to too often: as if all were the longest, else one by one."""
    with pq.ParquetFile(path, read_dictionary=names, buffer_size=_BUFFER) as file:
        if total + sum(_as_the_longest(file, name, path.name) for name in names) <= _most(size):
            return
        for name in names:  # one after the other: each holds the texts that it points to
            for batch in file.iter_batches(_BATCH, columns=[name], use_threads=False):
                for column in batch.columns:
                    if not pa.types.is_dictionary(column.type):
                        continue
                    lengths = _lengths(column, path.name)
                    total += pc.sum(lengths.take(column.indices)).as_py() or 0
                refuse_unpacked(total, size, path.name)


def _as_the_longest(file: Any, name: str, told: str) -> int:
    """Return the bytes of a column were each cell the longest text that its part points to.

    The texts pointed to come before the cells: the first cells of a part bring them all. A text
    that is written in its place is already in the bytes that the file declares.
    """
    total = 0
    for group in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        first = file.iter_batches(_FIRST, row_groups=[group], columns=[name], use_threads=False)
        for column in next(first, pa.record_batch({})).columns:
            if pa.types.is_dictionary(column.type):
                total += rows * (pc.max(_lengths(column, told)).as_py() or 0)
    return total


def _lengths(column: Any, file: str) -> Any:
    lengths = pc.binary_length(column.dictionary)
    CELL_LETTERS.refuse_beyond(pc.max(lengths).as_py() or 0, file)
    return lengths


def refuse_arrow(path: Path) -> None:
    """Refuse an Arrow or Feather file whose packed parts are too large to be opened.

    Raises
    ------
    ImpactEvalError
        `beyond_limit`, `file_too_large_unpacked`.
    """
    size = path.stat().st_size
    FILE_MB.refuse_beyond(size // MILLION, path.name)
    with pa.memory_map(str(path)) as source:
        if source.read(len(_ARROW)) != _ARROW:  # an old one packs nothing
            return
        total = 0
        for message in pyarrow.ipc.MessageReader.open_stream(source):
            if message.type == "schema":
                COLUMNS.refuse_beyond(len(pyarrow.ipc.read_schema(message)), path.name)
                continue
            total += _unpacked_bytes(message.metadata.to_pybytes(), message.body)
            refuse_unpacked(total, size, path.name)


def _unpacked_bytes(head: bytes, body: Any) -> int:
    """Return the bytes of the buffers of one message once unpacked.

    The head is a table of FlatBuffers: Message (version, type, header, length of the body), whose
    header is a RecordBatch (rows, nodes, buffers, compression) or a dictionary that holds one.
    """
    message = struct.unpack_from("<i", head)[0]
    kind = _field(head, message, 1)
    part = _target(head, _field(head, message, 2))
    if kind is not None and head[kind] == 2 and part is not None:  # a dictionary
        part = _target(head, _field(head, part, 1))
    buffers = None if part is None else _target(head, _field(head, part, 2))
    if part is None or buffers is None:
        return 0
    packed = _field(head, part, 3) is not None
    total = 0
    for i in range(struct.unpack_from("<i", head, buffers)[0]):
        start, length = struct.unpack_from("<qq", head, buffers + 4 + 16 * i)
        if packed and length >= 8:
            told = struct.unpack("<q", body.slice(start, 8).to_pybytes())[0]
            total += length if told < 0 else told
        else:
            total += length
    return total


def _field(head: bytes, table: int, number: int) -> int | None:
    """Return where a field of a table is, None when it is not there."""
    listed = table - struct.unpack_from("<i", head, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", head, listed)[0]:
        return None
    offset = struct.unpack_from("<H", head, listed + 4 + 2 * number)[0]
    return table + offset if offset else None


def _target(head: bytes, place: int | None) -> int | None:
    return None if place is None else place + struct.unpack_from("<I", head, place)[0]
