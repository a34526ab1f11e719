"""Archives written the same every time, and read to their last byte."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
import zlib

from impact_eval.core.archives import archive_of, gaps_of, notes_of, part_content, without_moments

PARTS = {"b.xml": b"<b/>" * 40, "a.xml": b"<a/>", "c/d.bin": bytes(range(256))}


def written(date: tuple[int, int, int, int, int, int], *, mode: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in PARTS.items():
            info = zipfile.ZipInfo(name, date)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return out.getvalue()


def infos(raw: bytes) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        return archive.infolist()


def test_the_same_parts_give_the_same_bytes() -> None:
    one = written((2026, 11, 28, 10, 0, 0), mode=0o600)
    other = written((2031, 1, 2, 3, 4, 6), mode=0o644)
    assert one != other
    assert without_moments(one) == without_moments(other) == archive_of(PARTS)
    with zipfile.ZipFile(io.BytesIO(archive_of(PARTS))) as archive:
        assert archive.namelist() == ["a.xml", "b.xml", "c/d.bin"]
        assert {name: archive.read(name) for name in archive.namelist()} == PARTS


def test_nothing_stands_beside_its_parts() -> None:
    raw = archive_of(PARTS)
    assert list(gaps_of(raw, infos(raw))) == []
    assert {note.decode() for note in notes_of(raw, infos(raw)) if note} == set(PARTS)


def test_each_byte_beside_the_parts_is_told() -> None:
    raw = archive_of(PARTS)
    at = infos(raw)[1].header_offset
    before = b"one" + raw
    assert list(gaps_of(before, infos(before))) == [b"one"]
    after = raw + b"four"
    assert b"four" in set(notes_of(after, infos(after)))
    empty = archive_of({})
    assert list(gaps_of(empty, infos(empty))) == []
    assert raw[at : at + 4] == b"PK\x03\x04"


def test_what_follows_the_end_of_a_packed_part_is_given_apart() -> None:
    raw = archive_of({"a.txt": b"rien"})
    info = infos(raw)[0]
    packed = zlib.compress(b"rien", wbits=-15)
    at = raw.index(packed) + len(packed)
    longer = raw[:at] + b"cache"
    info.compress_size += 5
    assert part_content(longer, info, 100) == (b"rien", b"cache")


def test_no_more_is_unpacked_than_asked_for() -> None:
    """Fifty megabytes of nothing in fifty kilobytes, that say to be ten bytes."""
    raw = archive_of({"a.txt": bytes(50_000_000)})
    info = infos(raw)[0]
    info.file_size = 10
    tracemalloc.start()
    assert part_content(raw, info, 10_000) is None
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
