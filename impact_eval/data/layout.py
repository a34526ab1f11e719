"""Where a table starts and ends in a sheet: title rows, headers of several levels, totals, blanks.

Works on a grid of raw cells. Every row or column left out is reported with the evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from impact_eval.core.findings import Finding, Place
from impact_eval.data.labels import EXAMPLES, as_text, bare_spelling, missing_kind
from impact_eval.data.written import parse_number

Row: TypeAlias = list[Any]
Merge: TypeAlias = tuple[tuple[int, int], tuple[int, int]]

_LOOKAHEAD = 60  # rows looked at to find the header
_MAX_LEVELS = 3
_TOTAL = re.compile(
    r"^(sous )?(grand )?(total|totaux|moyennes?|somme|ensemble|effectifs?|average|mean|sum|subtotal"
    r"|ecart type|mediane)\b"
)
_JOIN = " / "


@dataclass(frozen=True, slots=True)
class Layout:
    """A table found in a sheet.

    Attributes
    ----------
    names : tuple of str
        One unique header per column.
    rows : list of list
        Cells of the data rows, each as long as `names`.
    numbers : tuple of int
        Line of the file (from 1) of each data row.
    findings : tuple of Finding
        What was left out, and why.
    below : int
        Rows below the header, those left out included.
    places : tuple of int
        Column of the file (from 0) of each name.
    """

    names: tuple[str, ...]
    rows: list[Row]
    numbers: tuple[int, ...]
    findings: tuple[Finding, ...]
    below: int
    places: tuple[int, ...]


def is_blank(cell: Any) -> bool:
    """Whether a cell holds nothing that can be seen."""
    return cell is None or (isinstance(cell, str) and not cell.strip()) or (
        isinstance(cell, float) and np.isnan(cell)
    )  # fmt: skip


def _is_words(cell: Any) -> bool:
    """Whether a cell can be a header: text that is not a number."""
    return isinstance(cell, str) and not is_blank(cell) and parse_number(cell.strip()) is None


def header_row(grid: Sequence[Row]) -> int:
    """Return the index of the row that names the columns.

    It is the first row holding about as many cells as the rows under it, all of them words; when
    there is none, the first row that is as wide as the table.
    """
    seen = [sum(not is_blank(cell) for cell in row) for row in grid[:_LOOKAHEAD]]
    wide = sorted((n for n in seen if n), reverse=True)
    if not wide:
        return 0
    usual = wide[min(len(wide) - 1, len(wide) // 2)]
    needed = 1 if max(wide) == 1 else max(2, usual / 2)
    for index, (row, n) in enumerate(zip(grid, seen, strict=False)):
        if n >= needed and all(_is_words(cell) or is_blank(cell) for cell in row):
            return _first_level(grid, index)
    for index, n in enumerate(seen):
        if n >= needed:
            return index
    return 0


def _first_level(grid: Sequence[Row], index: int) -> int:
    """Go up while the row above names columns that this one leaves blank."""
    while index > 0:
        above = grid[index - 1]
        gaps = [i for i, cell in enumerate(grid[index]) if is_blank(cell)]
        named = sum(not is_blank(above[i]) for i in gaps)
        words = all(_is_words(cell) or is_blank(cell) for cell in above)
        if not gaps or not words or named * 2 <= len(gaps):
            break
        index -= 1
    return index


def _spans(row: Row, index: int, merges: Iterable[Merge]) -> Row:
    """Return a header row with its merged cells spread over the columns they cover."""
    out = list(row)
    for (top, left), (bottom, right) in merges:
        if top <= index <= bottom and left < len(out):
            value = out[left] if top == index else None
            for column in range(left, min(right + 1, len(out))):
                if value is not None and is_blank(out[column]):
                    out[column] = value
    return out


def _is_second_level(upper: Row, lower: Row, below: Row, merged: bool) -> bool:
    """Whether `lower` names the columns left blank by `upper`: Likert blocks under one title."""
    if all(is_blank(cell) for cell in lower):
        return False
    if not all(_is_words(cell) or is_blank(cell) for cell in lower):
        return False
    blank_up = [is_blank(cell) for cell in upper]
    blank_low = [is_blank(cell) for cell in lower]
    if merged:
        return True
    if not any(blank_up):
        return False
    gaps_filled = all(not low for up, low in zip(blank_up, blank_low, strict=True) if up)
    if not gaps_filled:
        return False
    outside = [
        i for i, up in enumerate(blank_up)
        if not up and not (i + 1 < len(blank_up) and blank_up[i + 1])
    ]  # fmt: skip
    if outside:
        return sum(blank_low[i] for i in outside) * 2 > len(outside)
    return any(not _is_words(cell) and not is_blank(cell) for cell in below)


def header_levels(grid: Sequence[Row], first: int, merges: Sequence[Merge]) -> list[Row]:
    """Return the header rows from `first` down, blanks of upper levels filled rightwards."""
    levels = [_spans(grid[first], first, merges)]
    index = first
    while len(levels) < _MAX_LEVELS and index + 2 < len(grid):
        upper, lower = grid[index], grid[index + 1]
        across = any(
            top == index and right > left for (top, left), (_, right) in merges
        )  # fmt: skip
        if not _is_second_level(upper, lower, grid[index + 2], across):
            break
        index += 1
        levels.append(_spans(lower, index, merges))
    if len(levels) > 1:
        levels[:-1] = [_filled(level, levels[i + 1]) for i, level in enumerate(levels[:-1])]
    return levels


def _filled(upper: Row, lower: Row) -> Row:
    """Spread each title over the blanks at its right that the lower level names."""
    out: Row = []
    current: Any = None
    for up, low in zip(upper, lower, strict=True):
        if not is_blank(up):
            current = up
        elif is_blank(low):
            current = None
        out.append(current if is_blank(up) else up)
    return out


def column_names(levels: Sequence[Row]) -> list[str]:
    """Join the levels of each column's header, without repeating a part."""
    names = []
    for parts in zip(*levels, strict=True):
        words: list[str] = []
        for part in parts:
            text = re.sub(r"\s+", " ", as_text(part)).strip()
            if text and (not words or words[-1] != text):
                words.append(text)
        names.append(_JOIN.join(words))
    return names


def unique_names(names: Sequence[str], file: str | None) -> tuple[list[str], list[Finding]]:
    """Give every column a name of its own: `column_7` where there is none, `x_2` for a repeat."""
    out: list[str] = []
    findings = []
    taken = set(names)
    seen: Counter[str] = Counter()
    for position, name in enumerate(names, start=1):
        base = name or f"column_{position}"
        seen[base] += 1
        new = base
        if seen[base] > 1:
            number = seen[base]
            while (new := f"{base}_{number}") in taken:
                number += 1
            taken.add(new)
        if not name:
            findings.append(Finding.warning("header_missing", Place(file=file, column=new),
                                            position=position, column=new))  # fmt: skip
        elif new != name:
            findings.append(Finding.warning("header_repeated", Place(file=file, column=new),
                                            column=name, renamed=new))  # fmt: skip
        out.append(new)
    return out, findings


def find_table(grid: list[Row], *, merges: Sequence[Merge] = (), file: str | None = None) -> Layout:
    """Find the table in a grid of raw cells.

    Parameters
    ----------
    grid : list of list
        Cells by line; lines may have different lengths.
    merges : sequence of ((top, left), (bottom, right))
        Merged ranges, from 0.

    Returns
    -------
    Layout
    """
    width = max((len(row) for row in grid), default=0)
    grid = [row if len(row) == width else row + [None] * (width - len(row)) for row in grid]
    first = header_row(grid)
    levels = header_levels(grid, first, merges) if grid else []
    findings: list[Finding] = []
    titles = [row for row in grid[:first] if not all(map(is_blank, row))]
    if titles:
        texts = [" ".join(as_text(c).strip() for c in row if not is_blank(c)) for row in titles]
        findings.append(
            Finding.info("title_rows_dropped", Place(file=file, row=first + 1), n=len(titles),
                         texts=[text[:120] for text in texts[:EXAMPLES]])
        )  # fmt: skip
    if len(levels) > 1:
        findings.append(Finding.info("headers_joined", Place(file=file), levels=len(levels)))
    start = first + len(levels)
    body = [(start + i + 1, row) for i, row in enumerate(grid[start:])]
    names = column_names(levels)
    body, dropped = _drop_rows(body, levels, file)
    names, body, places, gone = _drop_blank_columns(names, body, file)
    named, renamed = unique_names(names, file)
    return Layout(
        tuple(named),
        [row for _, row in body],
        tuple(number for number, _ in body),
        (*findings, *dropped, *gone, *renamed),
        max(len(grid) - start, 0),
        tuple(places),
    )


def _drop_rows(
    body: list[tuple[int, Row]], levels: Sequence[Row], file: str | None
) -> tuple[list[tuple[int, Row]], list[Finding]]:
    """Leave out blank rows, repeated headers and, on evidence, total rows."""
    blank = [number for number, row in body if all(map(is_blank, row))]
    header = [as_text(cell).strip() for cell in levels[-1]] if levels else []
    repeated = [
        number for number, row in body
        if header and any(header) and [as_text(cell).strip() for cell in row] == header
    ]  # fmt: skip
    left = set(blank) | set(repeated)
    kept = [(number, row) for number, row in body if number not in left]
    findings = []
    if blank:
        findings.append(Finding.info("blank_rows_dropped", Place(file=file, row=blank[0]),
                                     n=len(blank), rows=blank[:EXAMPLES]))  # fmt: skip
    if repeated:
        findings.append(Finding.info("header_rows_dropped", Place(file=file, row=repeated[0]),
                                     n=len(repeated), rows=repeated[:EXAMPLES]))  # fmt: skip
    totals, doubts = _total_rows(kept)
    for number, label, evidence in totals:
        findings.append(Finding.info("total_row_dropped", Place(file=file, row=number), row=number,
                                     label=label, evidence=evidence))  # fmt: skip
    for number, label in doubts:
        findings.append(Finding.warning("total_row_suspected", Place(file=file, row=number),
                                        row=number, label=label))  # fmt: skip
    gone = {number for number, _, _ in totals}
    return [(number, row) for number, row in kept if number not in gone], findings


def _total_rows(
    body: list[tuple[int, Row]],
) -> tuple[list[tuple[int, str, str]], list[tuple[int, str]]]:
    """Return the total rows with the evidence against them, and the rows only suspected."""
    totals, doubts = [], []
    for position, (number, row) in enumerate(body):
        cells = [(i, cell) for i, cell in enumerate(row) if not is_blank(cell)]
        if not cells or not isinstance(cells[0][1], str):
            continue
        label = cells[0][1].strip()
        if not _TOTAL.match(bare_spelling(label)):
            continue
        others = [pair for pair in cells[1:] if missing_kind(as_text(pair[1])) is None]
        if not others:
            totals.append((number, label, "blank"))
        elif _are_sums(others, [line for _, line in body[:position]]):
            totals.append((number, label, "sums"))
        elif position == len(body) - 1 and len(others) * 3 <= len(row):
            totals.append((number, label, "last"))
        else:
            doubts.append((number, label))
    return totals, doubts


def _are_sums(cells: list[tuple[int, Any]], above: list[Row]) -> bool:
    """Whether every number of a row is the sum, the mean or the count of its column above."""
    for column, cell in cells:
        number = parse_number(as_text(cell))
        if number is None:
            return False
        parsed = [parse_number(as_text(line[column])) for line in above]
        values = [p[0] for p in parsed if p is not None]
        filled = sum(not is_blank(line[column]) for line in above)
        expected = [float(filled)]
        if values:
            expected += [sum(values), sum(values) / len(values)]
        tolerance = max(0.06, 1e-6 * abs(number[0]))
        if all(abs(number[0] - value) > tolerance for value in expected):
            return False
    return True


def _drop_blank_columns(
    names: list[str], body: list[tuple[int, Row]], file: str | None
) -> tuple[list[str], list[tuple[int, Row]], list[int], list[Finding]]:
    empty = [
        i for i, name in enumerate(names) if not name and all(is_blank(row[i]) for _, row in body)
    ]
    if not empty:
        return names, body, list(range(len(names))), []
    kept = [i for i in range(len(names)) if i not in set(empty)]
    trimmed = [(number, [row[i] for i in kept]) for number, row in body]
    inner = [i for i in empty if kept and i < kept[-1]]
    found = (
        [Finding.info("blank_columns_dropped", Place(file=file), n=len(inner))] if inner else []
    )  # fmt: skip
    return [names[i] for i in kept], trimmed, kept, found
