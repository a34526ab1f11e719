"""Archives that are written the same every time, and read to their last byte.

A workbook and a Word document are zip archives. The moment they were made would tell two runs
apart, and a byte that no reader of them shows could tell a name: between two parts, in a comment,
after the end of a packed part.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping

FIXED_DATE = (2000, 1, 1, 0, 0, 0)
_UNIX = 3  # as if all were written on the same system
_LOCAL, _END = 30, 22  # bytes of the header of a part, its name apart, and of the end
_END_MARK = b"PK\x05\x06"
_LISTED = b"PK\x01\x02" + bytes([20, _UNIX])  # how a part is announced in the list of parts
_OWNER = 0o600
_LONGEST_COMMENT = 65_535
_DESCRIPTOR, _DESCRIPTORS = 8, (12, 16, 20, 24)  # the flag, and how long what it announces may be


def archive_of(parts: Mapping[str, bytes]) -> bytes:
    """Return an archive of parts, in the order of their names, under a fixed date.

    Parameters
    ----------
    parts : mapping of str to bytes

    Returns
    -------
    bytes
        The same parts give the same bytes.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts):
            info = zipfile.ZipInfo(name, FIXED_DATE)
            info.create_system, info.compress_type = _UNIX, zipfile.ZIP_DEFLATED
            archive.writestr(info, parts[name])
    return out.getvalue()


def packed_as(raw: bytes, infos: list[zipfile.ZipInfo]) -> bytes:
    """Return what `archive_of` writes where parts are packed as they are in an archive.

    Two systems may pack the same part into other bytes: nothing else of an archive is free.

    Parameters
    ----------
    raw : bytes
        The archive.
    infos : list of ZipInfo
        Its parts.
    """
    out, listed = bytearray(), bytearray()
    for told in sorted(infos, key=lambda one: one.filename):
        info = zipfile.ZipInfo(told.filename, FIXED_DATE)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.CRC, info.file_size = told.CRC, told.file_size
        info.compress_size = told.compress_size
        start = told.header_offset + _LOCAL + sum(_local_sizes(raw, told))
        header = info.FileHeader(zip64=False)
        listed += _LISTED + header[4:_LOCAL]
        listed += struct.pack("<HHHLL", 0, 0, 0, _OWNER << 16, len(out)) + header[_LOCAL:]
        out += header + raw[start : start + told.compress_size]
    n = len(infos)
    end = _END_MARK + struct.pack("<HHHHLLH", 0, 0, n, n, len(listed), len(out), 0)
    return bytes(out + listed + end)


def without_moments(raw: bytes) -> bytes:
    """Return an archive with the same parts, whenever, wherever and in what order it was written.

    Parameters
    ----------
    raw : bytes
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return archive_of({name: archive.read(name) for name in archive.namelist()})


def part_content(raw: bytes, info: zipfile.ZipInfo, most: int) -> tuple[bytes, bytes] | None:
    """Return what a part holds, and what follows its end in the place that is its own.

    No more is unpacked than asked for, whatever the archive says of itself.

    Parameters
    ----------
    raw : bytes
        The archive.
    info : ZipInfo
        The part.
    most : int
        Bytes.

    Returns
    -------
    tuple of bytes, bytes, or None
        None when it holds more, is cut, or is packed in a way that is not read.
    """
    start = info.header_offset + _LOCAL + sum(_local_sizes(raw, info))
    packed = raw[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        return (packed, b"") if len(packed) <= most else None
    if info.compress_type != zipfile.ZIP_DEFLATED:
        return None
    inflating = zlib.decompressobj(-15)
    content = inflating.decompress(packed, most + 1)
    if len(content) > most or not inflating.eof:
        return None
    return content, inflating.unused_data


def _local_sizes(raw: bytes, info: zipfile.ZipInfo) -> tuple[int, int]:
    """Return the sizes of the name and of the extra field that stand before a part."""
    header = raw[info.header_offset : info.header_offset + _LOCAL]
    if len(header) < _LOCAL:
        raise zipfile.BadZipFile
    name, extra = struct.unpack("<HH", header[-4:])
    return name, extra


def notes_of(raw: bytes, infos: list[zipfile.ZipInfo]) -> Iterator[bytes]:
    """Yield what an archive says beside its parts: comments, extra fields, names told twice.

    Parameters
    ----------
    raw : bytes
    infos : list of ZipInfo
        Its parts.
    """
    yield raw[_end(raw) + _END :]
    for info in infos:
        name, extra = _local_sizes(raw, info)
        at = info.header_offset + _LOCAL
        yield raw[at : at + name]
        yield raw[at + name : at + name + extra]
        yield info.extra
        yield info.comment


def gaps_of(raw: bytes, infos: list[zipfile.ZipInfo]) -> Iterator[bytes]:
    """Yield the bytes of an archive that belong to nothing: before, between and after its parts.

    Parameters
    ----------
    raw : bytes
    infos : list of ZipInfo
        Its parts.
    """
    end = _end(raw)
    (size,) = struct.unpack("<L", raw[end + 12 : end + 16])  # of the list of parts, before it
    spans = sorted(_span(raw, info) for info in infos)
    reached = 0
    for start, after in (*spans, (end - size, end)):
        if start > reached:
            yield raw[reached:start]
        reached = max(reached, after)


def _span(raw: bytes, info: zipfile.ZipInfo) -> tuple[int, int]:
    """Return where a part starts and ends, what tells its size after it included."""
    start = info.header_offset
    end = start + _LOCAL + sum(_local_sizes(raw, info)) + info.compress_size
    if info.flag_bits & _DESCRIPTOR:
        for size in _DESCRIPTORS:
            if raw[end + size : end + size + 2] == b"PK":
                return start, end + size
    return start, end


def _end(raw: bytes) -> int:
    """Return where the end of an archive starts, as its readers look for it."""
    if raw[-_END:-18] == _END_MARK and raw.endswith(b"\0\0"):
        return len(raw) - _END
    return raw.rfind(_END_MARK, max(len(raw) - _END - _LONGEST_COMMENT, 0))
