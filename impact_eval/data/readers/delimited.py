"""Text tables: encoding, separator, title rows, ragged lines; fast when the file is regular."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.data.labels import EXAMPLES
from impact_eval.data.layout import Row, find_table, header_levels, header_row, is_blank
from impact_eval.data.readers.raw import RawTable
from impact_eval.data.readers.reader import TEXT_ENDINGS, Reader, register_reader
from impact_eval.data.source_rows import SourceRows

_SEPARATORS = (";", ",", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 200  # lines read to find the separator and the header


def read_delimited(path: Path) -> RawTable:
    """Read a text table, whatever its encoding, separator and title rows."""
    content = path.read_bytes()
    text, encoding, findings = decode(content, path.name)
    if not text.strip():
        raise ImpactEvalError(Finding.error("empty_file", Place(file=path.name), file=path.name))
    text, separator = _declared_separator(text)
    if separator is None:
        separator = sniff_separator(text)
    details = {"encoding": encoding, "separator": separator}
    regular = _read_regular(text, separator)
    if regular is not None:
        return RawTable(
            frame=regular,
            format="csv",
            details=details,
            findings=findings,
            rows_in=len(regular),
            rows=SourceRows.from_numbers(range(2, len(regular) + 2)),
        )
    grid = [list(row) for row in _rows(text, separator)]
    layout = find_table(grid, file=path.name)
    ragged = _ragged(grid, len(layout.names), path.name)
    frame = pd.DataFrame(layout.rows, columns=list(layout.names), dtype=object)
    return RawTable(
        frame=frame,
        format="csv",
        details=details,
        findings=(*findings, *layout.findings, *ragged),
        rows_in=layout.below,
        rows=SourceRows.from_numbers(layout.numbers),
    )


def decode(content: bytes, file: str) -> tuple[str, str, tuple[Finding, ...]]:
    """Return the text of a file, its encoding, and a warning when the encoding was guessed."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), encoding, ()
            except UnicodeDecodeError:
                break
    if b"\x00" in content[:4096]:
        raise ImpactEvalError(Finding.error("not_a_text_table", Place(file=file), file=file))
    try:
        return content.decode("utf-8"), "utf-8", ()
    except UnicodeDecodeError:
        pass
    encoding = "cp1252"
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
    head = "\n".join(text.splitlines()[:_SAMPLE])
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


def _read_regular(text: str, separator: str) -> pd.DataFrame | None:
    """Read a file whose first line is its header with pandas' C reader; None when it is not so."""
    head = []
    for row in _rows("\n".join(text.splitlines()[:_SAMPLE]) + "\n", separator):
        head.append(list(row))
        if len(head) >= _SAMPLE // 2:
            break
    width = len(head[0]) if head else 0
    names = [name.strip() for name in head[0]] if head else []
    regular = (
        width > 0
        and all(names)
        and len(set(names)) == width
        and all(len(row) == width or (not row) for row in head[1:-1])
        and header_row(_boxed(head)) == 0
        and len(header_levels(_boxed(head), 0, ())) == 1
    )
    # A total, a blank line or a repeated header needs the careful reader: small files only have
    # them, so that big ones stay fast.
    if not regular or len(text) < 1_000_000:
        return None
    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, dtype="str", keep_default_na=False, na_filter=False,
            engine="c", header=0, names=names, skip_blank_lines=True, index_col=False,
            on_bad_lines="error",
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError):
        return None
    return frame


def _boxed(grid: list[Row]) -> list[Row]:
    width = max(map(len, grid), default=0)
    return [row + [None] * (width - len(row)) for row in grid]


def _ragged(grid: list[Row], width: int, file: str) -> tuple[Finding, ...]:
    """Report lines shorter or longer than the header; a longer one has shifted answers."""
    usual = Counter(len(row) for row in grid if row)
    if len(usual) < 2:
        return ()
    longer = [
        i + 1 for i, row in enumerate(grid)
        if len(row) > width and any(not is_blank(cell) for cell in row[width:])
    ]  # fmt: skip
    modal = usual.most_common(1)[0][0]
    shorter = [i + 1 for i, row in enumerate(grid) if 1 < len(row) < modal]
    found = []
    extra = [
        i + 1 for i, row in enumerate(grid) if len(row) > modal and usual[len(row)] < usual[modal]
    ]
    if extra or longer:
        rows = sorted({*extra, *longer})
        found.append(
            Finding.error("shifted_rows", Place(file=file, row=rows[0]), n=len(rows), width=modal,
                          rows=rows[:EXAMPLES])
        )  # fmt: skip
    if shorter:
        found.append(
            Finding.warning("short_rows", Place(file=file, row=shorter[0]), n=len(shorter),
                            width=modal, rows=shorter[:EXAMPLES])
        )  # fmt: skip
    return tuple(found)


register_reader(Reader(name="delimited", tables=TEXT_ENDINGS, read_table=read_delimited))
