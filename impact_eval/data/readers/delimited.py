"""Text tables: encoding, separator, title rows, ragged lines; fast when the file is regular."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.limits import COLUMNS, FILE_MB, LINE_LETTERS, MILLION, ROWS
from impact_eval.data import big_text
from impact_eval.data.encodings import old_encoding, two_byte_encoding
from impact_eval.data.layout import find_table
from impact_eval.data.line_account import FileLine, LineAccount
from impact_eval.data.readers.raw import AskedCells, RawTable, UnreadColumns
from impact_eval.data.readers.reader import TEXT_ENDINGS, Reader, register_reader
from impact_eval.data.regular_text import count_lines, heading_of, read_regular
from impact_eval.data.source_rows import SourceRows
from impact_eval.data.text_records import read_records
from impact_eval.data.uneven_rows import uneven_rows

_SEPARATORS = (";", ",", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNICODE = frozenset({"utf-8", "utf-8-sig"})
_HEAD = 1_000_000  # characters that hold the lines below
_PART = 1 << 20  # bytes read at once
_CELL = 20  # bytes that a cell takes in memory, or thereabouts
_SAMPLE = 200  # lines read to find the separator and the header


def read_delimited(path: Path) -> RawTable:
    """Read a text table, whatever its encoding, separator and title rows."""
    refuse_long_lines(path)
    content = path.read_bytes()
    text, encoding, findings = decode(content, path.name)
    if not text.strip():
        raise ImpactEvalError(Finding.error("empty_file", Place(file=path.name), file=path.name))
    text, separator = _declared_separator(text)
    if separator is None:
        separator = sniff_separator(text)
    details = {"encoding": encoding, "separator": separator}
    regular = read_regular(text, separator)
    if regular is not None:
        return RawTable(
            frame=regular, format="csv", details=details, findings=findings, rows_in=len(regular),
            rows=SourceRows.from_numbers(range(2, len(regular) + 2)),
            account=LineAccount(
                lines=count_lines(text),
                kinds={FileLine.HEADINGS: 1, FileLine.READ: len(regular)},
            ),
        )  # fmt: skip
    records = read_records(text, separator, path.name)
    COLUMNS.refuse_beyond(max(map(len, records.rows), default=0), path.name)
    layout = find_table(records.rows, file=path.name)
    ragged = uneven_rows(records.rows, layout, path.name)
    frame = pd.DataFrame(layout.rows, columns=list(layout.names), dtype=object)
    return RawTable(
        frame=frame,
        format="csv",
        details=details,
        findings=(*findings, *records.findings, *layout.findings, *ragged),
        titles=layout.titles,
        rows_in=layout.below,
        rows=SourceRows.from_numbers(layout.numbers),
        account=LineAccount(
            lines=records.lines,
            kinds={**layout.kinds, FileLine.CONTINUED: records.continued},
        ),
    )


def read_large_delimited(path: Path, asked: AskedCells) -> RawTable | None:
    """Read a big regular text table by parts; None when it is small, or not regular."""
    if path.stat().st_size < big_text.BIG:
        return None
    refuse_long_lines(path)
    for encoding, told in _encodings(path):
        heading = _heading(path, encoding)
        if heading is None:
            continue
        names, separator = heading
        big = names and big_text.read_big(path, names, separator, encoding, asked)
        if names and big:
            return _of_big(big, path, told, separator, names)
    return None


def _encodings(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the encodings that a file may have, and how each is told."""
    marked = _first_lines(path).startswith(codecs.BOM_UTF8)
    yield "utf-8", "utf-8-sig" if marked else "utf-8"
    if not marked:
        old = old_encoding(_first_lines(path))
        yield old, old


def _heading(path: Path, encoding: str) -> tuple[list[str] | None, str] | None:
    """Return the names of the columns and their separator, from the first lines alone."""
    try:
        text = _first_lines(path).decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
    if _declared_separator(text)[1] is not None:
        return None, ""
    separator = sniff_separator(text)
    return heading_of(text, separator), separator


def _first_lines(path: Path) -> bytes:
    with path.open("rb") as stream:
        head = stream.read(4 * _HEAD)  # as many bytes as the letters looked at may take
    return head[: head.rfind(b"\n") + 1]


def _of_big(
    big: big_text.BigText, path: Path, encoding: str, separator: str, names: Sequence[str]
) -> RawTable:
    rows = len(big.frame)
    told = Finding.info("encoding_recognised", Place(file=path.name), encoding=encoding)
    raw = RawTable(
        frame=big.frame, format="csv", details={"encoding": encoding, "separator": separator},
        findings=() if encoding in _UNICODE else (told,), rows_in=rows, numbers=big.numbers,
        rows=SourceRows.consecutive(2, rows),
        account=LineAccount(
            lines=big.lines, kinds={FileLine.HEADINGS: 1, FileLine.READ: rows}
        ),
    )  # fmt: skip
    if len(big.frame.columns) == len(names):
        return raw

    def cells(columns: Sequence[str]) -> RawTable:
        again = big.others(columns)
        return replace(raw, frame=again.frame, numbers=again.numbers)

    head = replace(raw, frame=big.head, numbers={}, rows=SourceRows.consecutive(2, len(big.head)))
    together = max(path.stat().st_size // 4 // (rows * _CELL), 1)
    return replace(raw, unread=UnreadColumns(
        names=tuple(names), head=head, cells=cells, together=together
    ))  # fmt: skip


def refuse_long_lines(path: Path) -> None:
    """Refuse a text whose lines are too long or too many to be those of a table, read by parts.

    Raises
    ------
    ImpactEvalError
        `beyond_limit`.
    """
    FILE_MB.refuse_beyond(path.stat().st_size // MILLION, path.name)
    most, lines, along = LINE_LETTERS.value, 0, 0
    with path.open("rb") as stream:
        while part := stream.read(min(_PART, most)):
            begun = [at for at in (part.find(b"\n"), part.find(b"\r")) if at >= 0]
            LINE_LETTERS.refuse_beyond(along + min(begun, default=len(part)), path.name)
            last = max(part.rfind(b"\n"), part.rfind(b"\r"))
            along = along + len(part) if last < 0 else len(part) - last - 1
            lines += max(part.count(b"\n"), part.count(b"\r") if b"\r" in part else 0)
            ROWS.refuse_beyond(lines, path.name)


def decode(content: bytes, file: str) -> tuple[str, str, tuple[Finding, ...]]:
    """Return the text of a file, its encoding, and a warning when the encoding was guessed."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), encoding, ()
            except UnicodeDecodeError:
                break
    wide = two_byte_encoding(content)
    if wide is not None:
        try:
            text = content.decode(wide)
        except UnicodeDecodeError:
            pass
        else:
            return text, wide, (
                Finding.info("encoding_recognised", Place(file=file), encoding=wide),
            )  # fmt: skip
    if b"\x00" in content[:4096]:
        raise ImpactEvalError(Finding.error("not_a_text_table", Place(file=file), file=file))
    if b"\x00" in content:
        row = content.count(b"\n", 0, content.index(b"\x00")) + 1
        n = content.count(b"\x00")
        raise ImpactEvalError(
            Finding.error("nul_in_text", Place(file=file, row=row), file=file, n=n)
        )
    try:
        return content.decode("utf-8"), "utf-8", ()
    except UnicodeDecodeError:
        pass
    encoding = old_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:  # five bytes mean nothing in cp1252
        encoding = "latin-1"
        text = content.decode(encoding)
    found = Finding.info("encoding_recognised", Place(file=file), encoding=encoding)
    return text, encoding, (found,)


def _declared_separator(text: str) -> tuple[str, str | None]:
    """Take off the line `sep=;` that Excel writes and reads."""
    first, _, rest = text.partition("\n")
    line = first.strip().strip('"')
    if line.casefold().startswith("sep=") and len(line) == 5:
        return rest, line[4]
    return text, None


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    csv.field_size_limit(2**31 - 1)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def sniff_separator(text: str) -> str:
    """Return the separator that cuts the most lines into the same number of cells."""
    head = "".join(islice(io.StringIO(text[:_HEAD], newline=None), _SAMPLE))
    best, best_score = ",", (0.0, 0)
    for separator in _SEPARATORS:
        try:
            widths = Counter(len(row) for row in _rows(head, separator) if any(row))
        except csv.Error:
            continue
        wide = {width: n for width, n in widths.items() if width > 1}
        if not wide:
            continue
        width, n = max(wide.items(), key=lambda pair: (pair[1] * pair[0], pair[0]))
        score = (n / sum(widths.values()) * min(width, 4), width)
        if score > best_score:
            best, best_score = separator, score
    return best


register_reader(
    Reader(
        name="delimited",
        tables=TEXT_ENDINGS,
        read_table=read_delimited,
        read_large=read_large_delimited,
    )
)
