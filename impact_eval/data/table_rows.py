"""The rows under a heading: those of the table, and blank lines, headings again, notes, totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from impact_eval.core.findings import Finding, Place
from impact_eval.data.column_shape import ColumnShape, shapes_of
from impact_eval.data.labels import EXAMPLES, as_text
from impact_eval.data.line_account import FileLine
from impact_eval.data.notes import is_note, is_page, is_sentence
from impact_eval.data.source_rows import column_letters
from impact_eval.data.totals import find_totals, says_total
from impact_eval.data.written import parse_number

Row: TypeAlias = list[Any]
Numbered: TypeAlias = tuple[int, Row]  # row of the file, cells
_SHOWN = 400  # rows that show what the columns hold
_LAST = 20  # rows above a note
_FAR_UNDER = 10  # blank rows over a cell that is not of the table


@dataclass(frozen=True, slots=True)
class Above:
    """What stands above the rows of a table.

    Attributes
    ----------
    levels : sequence of rows
        The rows of the heading, as the file has them.
    names : sequence of str
        Name of each column, "" where there is none.
    titles : frozenset of str
        Texts of the rows above the heading.
    """

    levels: Sequence[Row]
    names: Sequence[str]
    titles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SortedRows:
    """The rows of the table, and how many of each other kind were left out."""

    kept: list[Numbered]
    kinds: Counter[FileLine]
    findings: list[Finding]


def sort_rows(body: Sequence[Numbered], above: Above, file: str | None) -> SortedRows:
    """Tell the rows of a table from all else that its file holds under the heading.

    Parameters
    ----------
    body : sequence of (row of the file, cells)
    above : Above
    file : str or None

    Returns
    -------
    SortedRows
        Each line left out is of one kind, and told.
    """
    kinds: Counter[FileLine] = Counter()
    findings: list[Finding] = []
    headings = [_texts(level) for level in above.levels if any(_texts(level))]
    kept: list[Numbered] = []
    alone: set[int] = set()  # rows of one cell
    blank, repeated, stray = [], [], []
    for number, row in body:
        texts = _texts(row)
        filled = [i for i, text in enumerate(texts) if text]
        if not filled:
            blank.append(number)
        elif texts in headings or " ".join([texts[i] for i in filled]) in above.titles:
            repeated.append(number)
        elif not any(above.names[i] for i in filled):
            stray.append((number, filled[0]))
        else:
            kept.append((number, row))
            if len(filled) == 1:
                alone.add(number)
    kept, apart = _apart(kept, alone)
    stray += apart
    findings += _told_lines(blank, repeated, file)
    if stray:
        cells = [f"{column_letters(column)}{number}" for number, column in stray]
        findings.append(Finding.warning("stray_cells", Place(file=file, row=stray[0][0]),
                                        n=len(stray), cells=cells[:EXAMPLES]))  # fmt: skip
    kept, notes = _notes(kept, frozenset(blank), alone)
    if notes:
        texts = [" ".join(text for text in _texts(row) if text)[:120] for _, row in notes]
        findings.append(Finding.info("note_rows_dropped", Place(file=file, row=notes[0][0]),
                                     n=len(notes), texts=texts[:EXAMPLES],
                                     rows=[number for number, _ in notes][:EXAMPLES]))  # fmt: skip
    totals = find_totals(kept, file)
    findings += totals.findings
    kept = [(number, row) for number, row in kept if number not in totals.rows]
    findings += _lone(kept, alone, file)
    for kind, n in ((FileLine.BLANK, len(blank)), (FileLine.REPEATED, len(repeated)),
                    (FileLine.STRAY, len(stray)), (FileLine.NOTES, len(notes)),
                    (FileLine.TOTALS, len(totals.rows)), (FileLine.READ, len(kept))):  # fmt: skip
        kinds[kind] += n
    return SortedRows(kept, kinds, findings)


def _texts(row: Row) -> list[str]:
    # most cells of a file are texts already: each of them comes through here
    return [(cell if type(cell) is str else as_text(cell)).strip() for cell in row]


def _apart(rows: list[Numbered], alone: set[int]) -> tuple[list[Numbered], list[tuple[int, int]]]:
    """Split off cells alone far under the table, in another column than the first."""
    kept, apart = list(rows), []
    while len(kept) > 1 and kept[-1][0] in alone and kept[-1][0] - kept[-2][0] > _FAR_UNDER:
        texts = _texts(kept[-1][1])
        if texts[0]:
            break
        apart.append((kept.pop()[0], next(i for i, text in enumerate(texts) if text)))
    return kept, apart


def _told_lines(blank: list[int], repeated: list[int], file: str | None) -> list[Finding]:
    found = []
    if blank:
        found.append(Finding.info("blank_rows_dropped", Place(file=file, row=blank[0]),
                                  n=len(blank), rows=blank[:EXAMPLES]))  # fmt: skip
    if repeated:
        found.append(Finding.info("header_rows_dropped", Place(file=file, row=repeated[0]),
                                  n=len(repeated), rows=repeated[:EXAMPLES]))  # fmt: skip
    return found


def _notes(
    rows: list[Numbered], blank: frozenset[int], alone: set[int]
) -> tuple[list[Numbered], list[Numbered]]:
    """Split the notes off: those under the last row, marks of a page and bands anywhere."""
    usual = (row for number, row in rows if number not in alone and _is_usual(row))
    shown = shapes_of(list(islice(usual, _SHOWN)))
    first = next((c for c in shown if c.place == 0), None)
    aside = {number for number, row in rows if number in alone and _is_aside(row, first)}
    notes = [pair for pair in rows if pair[0] in aside]
    kept = [pair for pair in rows if pair[0] not in aside]
    under: list[Numbered] = []
    while len(kept) > 1 and _stands_under(kept[-1], kept[-_LAST:-1], shown, blank):
        under.append(kept.pop())
    return kept, sorted([*notes, *under], key=lambda pair: pair[0])


def _is_usual(row: Row) -> bool:
    """Whether a row may show what the first column holds."""
    filled = [text for text in _texts(row) if text]
    return len(filled) > 1 and not says_total(filled[0]) and not is_note(row)


def _is_aside(row: Row, first: ColumnShape | None) -> bool:
    """Whether a row of one cell is the mark of a page, or a band over the codes of a group."""
    filled = [text for text in _texts(row) if text]
    if len(filled) != 1 or says_total(filled[0]) or parse_number(filled[0]) is not None:
        return False
    coded = first is not None and bool(first.shapes) and all("9" in s for s in first.shapes)
    band = coded and len(row) > 2 and first is not None and not first.fits(filled[0])
    return is_page(filled[0]) or band


def _stands_under(
    last: Numbered, others: list[Numbered], shown: list[ColumnShape], blank: frozenset[int]
) -> bool:
    """Whether the last row is a note: it says so, or it is a text alone unlike the rows above."""
    number, row = last
    filled = [text for text in _texts(row) if text]
    if says_total(filled[0]):
        return False
    apart = number - 1 in blank or says_total(next(filter(None, _texts(others[-1][1])), ""))
    if len(row) == 1:
        return is_note(row) and (apart or is_sentence(filled[0]))
    usual = max(sum(map(bool, _texts(other))) for _, other in others)
    unlike = any(not column.fits(row[column.place]) for column in shown)
    if is_note(row) and (unlike or len(filled) < max(2, usual)):
        return True
    if len(filled) > 1 or usual < 2 or parse_number(filled[0]) is not None:
        return False
    fits = any(column.place == 0 and column.fits(filled[0]) for column in shown)
    coded = any(column.place == 0 and column.shapes for column in shown)
    return not fits and (coded or is_sentence(filled[0]))


def _lone(rows: list[Numbered], alone: set[int], file: str | None) -> list[Finding]:
    """Point out the rows of one cell in a table of several columns: people, or bands of a sheet."""
    lone = [number for number, _ in rows if number in alone]
    if not lone or len(rows[0][1]) < 3 or len(lone) * 2 >= len(rows):
        return []
    return [Finding.warning("rows_of_one_cell", Place(file=file, row=lone[0]), n=len(lone),
                            rows=lone[:EXAMPLES])]  # fmt: skip
