"""A damaged file is told at once, whatever it holds: neither its rows nor its parts are kept."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import pytest

from impact_eval.core.archives import FIXED_DATE, archive_of, packed_as
from impact_eval.core.findings import Finding
from impact_eval.pipeline.compared_archives import archive_findings
from impact_eval.pipeline.compared_files import file_findings

TABLE = ("a,b\n" + "".join(f"{n},{n + 1}\n" for n in range(300))).encode()
BOOK = archive_of({f"part{n}.xml": f"<p>{n}</p>".encode() * 50 for n in range(20)})
MEGABYTE = 1_000_000


@contextmanager
def little(*, seconds: float, megabytes: float) -> Iterator[None]:
    """Hold what follows to a time of the processor and a memory, each several times what it takes.

    Traced, on a machine that is shared, it takes three times its usual time; without the bounds
    that are tried here, fifty times.
    """
    tracemalloc.start()
    begun = time.process_time()
    yield
    spent, (_, most) = time.process_time() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spent < seconds
    assert most < megabytes * MEGABYTE


def codes(name: str, found: bytes, expected: bytes) -> list[str]:
    return [one.code for one in islice(file_findings(name, found, expected), 20)]


def told(name: str, found: bytes, expected: bytes) -> list[Finding]:
    return list(file_findings(name, found, expected))


@pytest.mark.parametrize("size", [MEGABYTE, 8 * MEGABYTE])
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.html", "a.xlsx", "a.docx", "a.pdf"])
def test_a_file_far_larger_than_the_true_one_is_not_opened(name: str, size: int) -> None:
    found = b"\n" * size
    with little(seconds=2, megabytes=1):
        assert codes(name, found, TABLE) == ["verify_larger"]


@pytest.mark.parametrize("more", [b"\n" * 90_000, b"," * 90_000, b"1,2\n" * 20_000])
def test_a_table_of_far_more_rows_or_cells_is_not_read_to_its_end(more: bytes) -> None:
    with little(seconds=3, megabytes=8):
        assert codes("a.csv", TABLE + more, TABLE) == ["verify_larger"]


def test_rows_are_held_against_each_other_when_few_are_left_to_compare() -> None:
    """Two thousand equal rows against two thousand others: four million pairs."""
    true = b"a\n" + b"1\n" * 1_000 + b"2\n" * 1_000
    with little(seconds=6, megabytes=8):
        found = told("a.csv", b"a\n" + b"3\n1\n" * 1_200, true)
    assert {one.code for one in found} == {"verify_row_added", "verify_row_lost"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("a\n1\n2\n3\n9\n", [("verify_row_added", 5)]),
        ("a\n9\n1\n2\n3\n", [("verify_row_added", 2)]),
        ("a\n1\n9\n2\n3\n", [("verify_row_added", 3)]),
        ("a\n1\n3\n", [("verify_row_lost", 3)]),
        ("a\n", [("verify_row_lost", 2), ("verify_row_lost", 3), ("verify_row_lost", 4)]),
        ("a\n1\n2\n2\n3\n", [("verify_row_added", 4)]),
    ],
)
def test_the_rows_that_moved(rows: str, expected: list[tuple[str, int]]) -> None:
    found = told("a.csv", rows.encode(), b"a\n1\n2\n3\n")
    assert [(one.code, one.place.row) for one in found if one.place] == expected


def many_parts(n: int) -> bytes:
    """Return an archive whose list names one part many times: its bytes are there once."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("part0.xml")
        archive.writestr(info, b"1")
        archive.filelist += [info] * (n - 1)
    return out.getvalue()


def test_an_archive_that_names_one_part_many_times() -> None:
    """Twenty thousand times in a document as large as that, two thousand in a small one."""
    true = archive_of({"part0.xml": b"1", "other.bin": bytes(range(256)) * 8})
    large = many_parts(20_000)
    with little(seconds=6, megabytes=40):
        assert codes("a.docx", large, true) == ["verify_larger"]
        assert codes("a.docx", many_parts(1_500), true) == ["verify_larger"]
        assert codes("a.docx", many_parts(80), true) == ["verify_part"] * 2


def test_a_part_that_lies_about_its_size_is_not_unpacked() -> None:
    parts = {f"part{n}.xml": f"<p>{n}</p>".encode() * 50 for n in range(20)}
    bomb = archive_of(parts | {"part3.xml": bytes(80 * MEGABYTE)})
    size = (80 * MEGABYTE).to_bytes(4, "little")
    assert bomb.count(size) == 2
    with little(seconds=6, megabytes=3):
        found = told("a.docx", bomb.replace(size, (100).to_bytes(4, "little")), BOOK)
    assert [(one.code, one.place.key) for one in found if one.place] == [
        ("verify_part", "part3.xml")
    ]


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_part_packed_otherwise_is_told_never_raised(method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("a.xml", b"<a/>")
    raw = bytearray(out.getvalue())
    raw[45:50] = b"\xff" * 5  # damaged, too
    assert codes("a.docx", bytes(raw), archive_of({"a.xml": b"<a/>"})) == ["verify_part"]


def packed(parts: dict[str, bytes], level: int, **changes: object) -> bytes:
    """Write an archive as ours are, by another packer; then change one thing of its first part."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name in sorted(parts):
            info = zipfile.ZipInfo(name, FIXED_DATE)
            info.create_system, info.compress_type = 3, zipfile.ZIP_DEFLATED
            for key, value in changes.items():
                setattr(info, key, value)
            archive.writestr(info, parts[name], compresslevel=level)
    return out.getvalue()


def test_another_packer_alone_is_no_difference() -> None:
    parts = {f"p{k}.xml": b"<a>" + bytes(f"{k} mots " * 400, "ascii") + b"</a>" for k in range(3)}
    true = archive_of(parts)
    other = packed(parts, level=1)
    assert other != true
    assert (
        packed(parts, level=6)
        == true
        == packed_as(true, zipfile.ZipFile(io.BytesIO(true)).infolist())
    )
    assert list(archive_findings("a.docx", other, true)) == []
    for changes in (
        {"comment": b"Marie"},
        {"date_time": (2001, 1, 1, 0, 0, 0)},
        {"extra": b"\x01\x00\x02\x00ab"},
        {"external_attr": 1},
        {"internal_attr": 1},
        {"create_system": 0},
    ):
        told = [f.code for f in archive_findings("a.docx", packed(parts, 1, **changes), true)]
        assert told == ["verify_form"], changes
    for odd in (other + b"Marie", b"Marie" + other):
        assert [f.code for f in archive_findings("a.docx", odd, true)] == ["verify_form"]
