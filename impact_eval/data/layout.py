"""Where a table starts and ends in a sheet: title rows, headers of several levels, totals, blanks.

Works on a grid of raw cells. Every row or column left out is reported with the evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from impact_eval.core.findings import Finding, Place
from impact_eval.data.labels import EXAMPLES, as_text
from impact_eval.data.line_account import FileLine
from impact_eval.data.table_rows import Above, sort_rows
from impact_eval.data.tool_headings import (
    UnderHeading,
    is_row_of_answers,
    is_row_of_data,
    says_answer,
    under_heading,
)
from impact_eval.data.written import parse_number

Row: TypeAlias = list[Any]
Merge: TypeAlias = tuple[tuple[int, int], tuple[int, int]]

_LOOKAHEAD = 60  # rows looked at to find the header
_MAX_LEVELS = 3
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
    places : tuple of int
        Column of the file (from 0) of each name.
    titles : mapping of str to str
        Question of each column, where a tool wrote it under the names.
    kinds : mapping of FileLine to int
        What each row of the sheet is.
    below : int
        Rows below the heading, those left out included.
    """

    names: tuple[str, ...]
    rows: list[Row]
    numbers: tuple[int, ...]
    findings: tuple[Finding, ...]
    places: tuple[int, ...]
    titles: Mapping[str, str]
    kinds: Mapping[FileLine, int]
    below: int


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

    It is the first row holding about as many cells as the rows under it, if all of them are words,
    or words beside the numbers or the dates that name some columns (2019, 2020…); else the first
    row of words that is as wide; else the first that is as wide.
    """
    seen = [sum(not is_blank(cell) for cell in row) for row in grid[:_LOOKAHEAD]]
    wide = sorted((n for n in seen if n), reverse=True)
    if not wide:
        return 0
    usual = wide[min(len(wide) - 1, len(wide) // 2)]
    needed = 1 if max(wide) == 1 else max(2, usual / 2)
    for index, (row, n) in enumerate(zip(grid, seen, strict=False)):
        if n < needed:
            continue
        if all(_is_words(cell) or is_blank(cell) for cell in row):
            return _first_level(grid, index)
        if _names_by_numbers(row):
            return index
    for index, n in enumerate(seen):
        if n >= needed:
            return index
    return 0


def _names_by_numbers(row: Row) -> bool:
    """Whether a row names columns by words first, then by numbers or dates that count upwards."""
    told = [cell for cell in row if not is_blank(cell)]
    marks = [_mark(cell) for cell in told if not _is_words(cell)]
    if not told or not _is_words(told[0]) or len(marks) < 2 or any(m is None for m in marks):
        return False
    rising = all(a < b for a, b in pairwise(m for m in marks if m is not None))
    return rising and len({as_text(cell).strip() for cell in told}) == len(told)


def _mark(cell: Any) -> float | None:
    """Return a number or a date that may name a column, as a number."""
    if isinstance(cell, (date, datetime)):
        return float(cell.toordinal())
    found = parse_number(as_text(cell).strip())
    return found[0] if found is not None and found[0] == int(found[0]) else None


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


def _is_second_level(upper: Row, lower: Row, below: Row) -> bool:
    """Whether `lower` names the columns left blank by `upper`: Likert blocks under one title."""
    if all(is_blank(cell) for cell in lower):
        return False
    if not all(_is_words(cell) or is_blank(cell) for cell in lower):
        return False
    blank_up = [is_blank(cell) for cell in upper]
    blank_low = [is_blank(cell) for cell in lower]
    if is_row_of_answers(upper, lower):
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


def _names_choices(upper: Row, lower: Row, below: Sequence[Row]) -> bool:
    """Whether a row names the choices of questions that are written over each of their columns.

    It is blank under every other name, where the rows below are answered: it is nobody's row.
    """
    names = [as_text(cell).strip() for cell in upper]
    again = {
        i for i, name in enumerate(names)
        if name and name in (names[i - 1] if i else None, *names[i + 1 : i + 2])
    }  # fmt: skip
    others = [i for i, name in enumerate(names) if name and i not in again]
    choices = [(names[i], as_text(lower[i]).strip()) for i in sorted(again)]
    if not again or not others or len(set(choices)) < len(choices):
        return False
    if not all(_is_words(lower[i]) for i in again) or not all(is_blank(lower[i]) for i in others):
        return False
    return bool(below) and all(not is_blank(below[0][i]) for i in others[:1])


def header_levels(grid: Sequence[Row], first: int, merges: Sequence[Merge]) -> list[Row]:
    """Return the header rows from `first` down, blanks of upper levels filled rightwards."""
    levels = [_spans(grid[first], first, merges)]
    index = first
    while len(levels) < _MAX_LEVELS and index + 2 < len(grid):
        upper, lower = grid[index], grid[index + 1]
        across = _is_merged(index, merges)
        repeated = _names_choices(upper, lower, grid[index + 2 :])
        if not across and not repeated and not _has_groups_above(grid, index + 1, merges):
            if not _is_second_level(upper, lower, grid[index + 2]):
                break
        elif not all(_is_words(cell) or is_blank(cell) for cell in lower):
            break
        index += 1
        levels.append(_spans(lower, index, merges))
    if len(levels) > 1:
        levels[:-1] = [
            level if _is_merged(first + i, merges) else _filled(level, levels[i + 1])
            for i, level in enumerate(levels[:-1])
        ]
    return levels


def _is_merged(index: int, merges: Sequence[Merge]) -> bool:
    """Whether cells of a row are merged across columns."""
    return any(top == index and right > left for (top, left), (_, right) in merges)


def _has_groups_above(grid: Sequence[Row], index: int, merges: Sequence[Merge]) -> bool:
    """Whether the row above names groups of columns: each over two, and not one over them all.

    The names below then come again from one group to the next, or cells are merged.
    """
    if index == 0 or index >= len(grid):
        return False
    upper, lower = grid[index - 1], grid[index]
    told = [i for i, cell in enumerate(upper) if not is_blank(cell)]
    if not told or not all(_is_words(cell) or is_blank(cell) for cell in lower):
        return False
    if any(is_blank(lower[i]) for i in told if i + 1 < len(upper) and is_blank(upper[i + 1])):
        return False
    names = [as_text(cell).strip() for cell in lower if not is_blank(cell)]
    again = len(set(names)) < len(names)
    if len(told) < 2 and not (told[0] > 0 and (again or _is_merged(index - 1, merges))):
        return False
    gaps = [i for i, cell in enumerate(upper) if is_blank(cell) and not is_blank(lower[i])]
    merged = _is_merged(index - 1, merges)
    return merged or (bool(gaps) and again)


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
            text = _name_of(part)
            if text and (not words or (words[-1] != text and not says_answer(text))):
                words.append(text)
        names.append(_JOIN.join(words))
    return names


def _name_of(cell: Any) -> str:
    """Return a cell of the heading as a name: a month for the first day of one, else the day."""
    if isinstance(cell, datetime) and cell.time() == time():
        cell = cell.date()
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return f"{cell:%Y-%m}" if cell.day == 1 else cell.isoformat()
    return re.sub(r"\s+", " ", as_text(cell)).strip()


def unique_names(
    names: Sequence[str], places: Sequence[int], file: str | None
) -> tuple[list[str], list[Finding]]:
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
                                            position=places[position - 1] + 1,
                                            column=new))  # fmt: skip
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
    while _has_groups_above(grid, first, merges):
        first -= 1
    levels = header_levels(grid, first, merges) if grid else []
    findings: list[Finding] = []
    above = [row for row in grid[:first] if not all(map(is_blank, row))]
    titles = [" ".join(as_text(c).strip() for c in row if not is_blank(c)) for row in above]
    if titles:
        findings.append(
            Finding.info("title_rows_dropped", Place(file=file, row=first + 1), n=len(titles),
                         texts=[text[:120] for text in titles[:EXAMPLES]])
        )  # fmt: skip
    if len(levels) > 1:
        findings.append(Finding.info("headers_joined", Place(file=file), levels=len(levels)))
    start = first + len(levels)
    names = column_names(levels)
    under = under_heading(names, grid[start:])
    findings += _of_heading(names, grid[start:], under, start, file)
    body = [(i + 1, grid[i]) for i in range(start + under.rows, len(grid))]
    heading = Above([*grid[first : start + under.rows], *levels], names, frozenset(titles))
    rows = sort_rows(body, heading, file)
    names, kept, places, gone = _drop_blank_columns(names, rows.kept, file)
    named, renamed = unique_names(names, places, file)
    kinds = rows.kinds + Counter(
        {FileLine.TITLES: len(above), FileLine.BLANK: first - len(above),
         FileLine.HEADINGS: len(levels), FileLine.TECHNICAL: under.rows}
    )  # fmt: skip
    return Layout(
        names=tuple(named),
        rows=[row for _, row in kept],
        numbers=tuple(number for number, _ in kept),
        findings=(*findings, *rows.findings, *gone, *renamed),
        places=tuple(places),
        titles={named[i]: under.titles[place] for i, place in enumerate(places)
                if place in under.titles},
        kinds=kinds,
        below=len(body),
    )  # fmt: skip


def _of_heading(
    names: list[str], below: list[Row], under: UnderHeading, start: int, file: str | None
) -> list[Finding]:
    """Return what to say of a tool's rows under the heading, or of a heading that is not there."""
    if under.rows:
        return [Finding.info("tool_rows_dropped", Place(file=file, row=start + 1), n=under.rows)]
    if is_row_of_data(names, below):
        return [Finding.error("no_heading_row", Place(file=file, row=start), row=start,
                              texts=names[:EXAMPLES])]  # fmt: skip
    return []


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
