"""Rows that sum up the others: totals, means, counts. They leave on evidence, never on a name.

« Total » may be an operator, « Somme » is a département. A row goes when its numbers are those of
the rows it sums up, or when it stands last and fills little of what every other row fills. A row
that may be either is a fault, told with its row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, Place
from impact_eval.data.labels import as_text, bare_spelling, missing_kind
from impact_eval.data.written import parse_number

Row: TypeAlias = list[Any]
Numbered: TypeAlias = tuple[int, Row]  # row of the file, cells

_WORD = re.compile(
    r"(sous |grand )*"
    r"(total|totaux|moyennes?|somme|ensemble|effectifs?|average|mean|sum|subtotal|ecart type"
    r"|mediane|median|minimum|maximum|min|max|nb|nombre)\b"
)
_BELOW = re.compile(  # short words that may be anything elsewhere: asked in the last rows alone
    r"(n|eff|nbre|moy|count|std|sd|variance|standard deviation|cumul|parts?|taux|pourcentages?|pct"
    r"|percent|q[123]|quartiles?|1er quartile|dont|bilan|synthese|solde|overall|all|grand total"
    r"|tous|toutes|ecart|resultats?)\b"
)
_BOTTOM = 8  # rows
_SURE = re.compile(
    r"((sous |grand )?(total|totaux)( general| generaux| partiel)?|moyennes?( generale| ponderee)?"
    r"|subtotal|average|mean|ecart type|mediane|ensemble)"
    r"( (d|de|des|du|par|of) .*| (beneficiaires|personnes|people|participants|reponses|lignes"
    r"|communes|departement|france)|( \w+)? n ?=? ?\d+|)"
)
_LETTER = re.compile(r"(?i)tota|moy|somm|ens|eff|aver|mean|sum|subt|cart|m[ée]d|min|max|nb|nom")
_NUMBER = re.compile(r"[-+−]?\d(?:[\d\s\u00a0\u202f]*\d)?(?:[.,]\d+)?")
_PARTLY = 0.5  # of the columns that all others fill
_COMPLETE = 0.9


class TotalEvidence(StrEnum):
    """Why a row is held for a total."""

    BLANK = "blank"  # nothing but its label
    SUMS = "sums"
    LAST = "last"


class _Verdict(StrEnum):
    DATA = "data"
    UNPROVED = "unproved"


@dataclass(frozen=True, slots=True)
class Totals:
    """The rows found to be totals, and what to say of these and of the doubtful ones."""

    rows: frozenset[int]
    findings: tuple[Finding, ...]


def find_totals(body: Sequence[Numbered], file: str | None) -> Totals:
    """Return the rows of totals among the rows of a table.

    Parameters
    ----------
    body : sequence of (row of the file, cells)
        Neither blank rows nor notes.
    file : str or None

    Returns
    -------
    Totals
        With `total_row_dropped`, `total_row_suspected` (kept: it cannot be a total) and
        the error `total_row_unproved`.
    """
    asked = [i for i, (_, row) in enumerate(body) if _may_sum(row, i, len(body))]
    if not asked:
        return Totals(frozenset(), ())
    table = _Table(body)
    gone: list[int] = []
    findings = []
    for place in asked:
        number, label = body[place][0], _label(body[place][1])[1]
        at = Place(file=file, row=number)
        verdict = table.judge(place, label, gone)
        if isinstance(verdict, TotalEvidence):
            gone.append(place)
            findings.append(Finding.info("total_row_dropped", at, row=number, label=label,
                                         evidence=verdict.value))  # fmt: skip
        elif verdict is _Verdict.UNPROVED:
            told = label or next(filter(None, map(as_text, body[place][1])), "")
            findings.append(Finding.error("total_row_unproved", at, row=number, label=told))
        elif label:
            findings.append(Finding.warning("total_row_suspected", at, row=number, label=label))
    return Totals(frozenset(body[place][0] for place in gone), tuple(findings))


def says_total(cell: Any) -> bool:
    """Whether a cell begins as the label of a total does.

    Examples
    --------
    >>> [says_total(cell) for cell in ("TOTAL :", "Sous-total Lyon", "Totaline", 12)]
    [True, True, False, False]
    """
    return (
        isinstance(cell, str)
        and _LETTER.search(cell) is not None
        and _WORD.match(bare_spelling(cell)) is not None
    )


def _label(row: Row) -> tuple[int, str]:
    """Return the place and the text of the first cell that is filled, "" when it is no text."""
    for i, cell in enumerate(row):
        if not _blank(cell):
            return i, cell.strip() if isinstance(cell, str) and _plain(cell) is None else ""
    return len(row), ""


def _blank(cell: Any) -> bool:
    return not as_text(cell).strip()


def _may_sum(row: Row, place: int, n: int) -> bool:
    """Whether a row is worth asking: a label that says so, or numbers alone in the last rows."""
    if place >= n - 2 and n > 2:
        first, text = _label(row)
        return says_total(text) or _sums_below(text) if text else first > 0
    cell = next((cell for cell in row if cell is not None and cell != ""), None)
    return says_total(cell) or (
        place >= n - _BOTTOM and isinstance(cell, str) and _sums_below(cell)
    )


def _sums_below(text: str) -> bool:
    """Whether a label may be that of a sum below a table, where « N = » is nobody."""
    return text.lstrip().startswith("%") or _BELOW.match(bare_spelling(text)) is not None


def _plain(cell: Any) -> float | None:
    text = as_text(cell).strip()
    found = parse_number(text) if text and missing_kind(text) is None else None
    return None if found is None else found[0]


def _told(cell: Any) -> float | None:
    """Return the number of a cell of a total: « 12 pers. » is 12."""
    number = _plain(cell)
    if number is not None or not isinstance(cell, str):
        return number
    found = _NUMBER.search(cell)
    return None if found is None else _plain(re.sub(r"\s", "", found[0]))


class _Table:
    """The cells of a table as numbers, read once for all the rows that are asked about."""

    def __init__(self, body: Sequence[Numbered]) -> None:
        self.rows = [row for _, row in body]

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        cells = [[_plain(cell) for cell in row] for row in self.rows]
        return np.array(cells, dtype=np.float64)  # None is NaN

    @cached_property
    def filled(self) -> NDArray[np.bool_]:
        return np.array([[not _blank(cell) for cell in row] for row in self.rows], dtype=bool)

    def judge(self, place: int, label: str, gone: Sequence[int]) -> TotalEvidence | _Verdict:
        """Say what a row is: a total by its numbers, by its place, a row of data, or who knows."""
        row, first = self.rows[place], _label(self.rows[place])[0]
        others = [i for i, cell in enumerate(row)
                  if i != first and missing_kind(as_text(cell)) is None]  # fmt: skip
        cells = others if label else [first, *others]
        last = place >= len(self.rows) - 1 - sum(g > place for g in gone)
        sure = _SURE.fullmatch(bare_spelling(label)) is not None
        if label and not others:
            return TotalEvidence.BLANK if last or sure else _Verdict.DATA
        if self._sums(place, cells, gone, labelled=bool(label)):
            return TotalEvidence.SUMS
        if not label:
            return self._of_numbers(place, cells)
        if not sure:
            return _Verdict.DATA
        partly = self._partly(place)
        if last and partly and all(_told(row[i]) is not None for i in others):
            return TotalEvidence.LAST
        if self._sums_and_rates(place, others, gone):
            return TotalEvidence.SUMS
        if partly:
            return _Verdict.UNPROVED
        return self._of_a_full_row(place, others, last=last)

    def _sums(
        self, place: int, cells: Sequence[int], gone: Sequence[int], *, labelled: bool
    ) -> bool:
        """Whether every number of a row is an aggregate of one same group of rows."""
        if not cells or any(_told(self.rows[place][i]) is None for i in cells):
            return False
        for group in self._groups(place, gone):
            if len(group) < (1 if labelled else 2):
                continue
            if all(self._is_aggregate(place, i, group, labelled=labelled) for i in cells):
                return True
        return False

    def _sums_and_rates(self, place: int, cells: Sequence[int], gone: Sequence[int]) -> bool:
        """Whether some numbers are sums of a group, and the others within it, as its rates are."""
        numbers = [_told(self.rows[place][i]) for i in cells]
        if any(number is None for number in numbers):
            return False
        for group in self._groups(place, gone):
            if len(group) < 2:
                continue
            summed = within = 0
            for i, number in zip(cells, numbers, strict=True):
                assert number is not None
                values = self.numbers[group, i]
                values = values[~np.isnan(values)]
                if len(values) > 1 and abs(values.sum() - number) <= 1e-6 * abs(number):
                    summed += 1
                elif len(values) and values.min() <= number <= values.max():
                    within += 1
            if summed and summed + within == len(cells):
                return True
        return False

    def _groups(self, place: int, gone: Sequence[int]) -> Iterator[NDArray[np.int64]]:
        """Return what a row may sum up: all above, those since the last total, all below."""
        rows = np.setdiff1d(np.arange(len(self.rows)), [*gone, place])
        above = rows[rows < place]
        yield above
        since = max((g for g in gone if g < place), default=-1)
        yield above[above > since]
        yield rows[rows > place]
        yield np.array([g for g in gone if g < place], dtype=np.int64)  # a total of sub-totals

    def _is_aggregate(
        self, place: int, column: int, group: NDArray[np.int64], *, labelled: bool
    ) -> bool:
        cell = self.rows[place][column]
        number = _told(cell)
        assert number is not None
        values = self.numbers[group, column]
        values = values[~np.isnan(values)]
        expected: list[float] = []
        if len(values):
            expected += [values.sum(), values.mean()]
        if labelled:
            expected += self._counts(column, group)
            if len(values) > 1:
                expected += [float(np.median(values)), values.min(), values.max(),
                             values.std(), values.std(ddof=1), 100 * values.mean()]  # fmt: skip
        elif not values.any():
            return False
        tolerance = max(_rounding(cell), 1e-6 * abs(number))
        return any(abs(number - value) <= tolerance for value in expected)

    def _counts(self, column: int, group: NDArray[np.int64]) -> list[float]:
        """Return how many rows, how many answers, and how many of each, with their shares."""
        n = float(len(group))
        told = [as_text(self.rows[i][column]).strip() for i in group if self.filled[i, column]]
        each = Counter(map(bare_spelling, told))
        counts = [float(count) for count in each.values()] if len(each) <= 12 else []
        return [n, float(len(told)), *counts, *(100 * c / len(told) for c in counts if told)]

    def _partly(self, place: int) -> bool:
        """Whether a row leaves blank half of the columns that the others fill."""
        others = np.delete(self.filled, place, axis=0)
        complete = others.mean(axis=0) >= _COMPLETE if len(others) else np.zeros(0, dtype=bool)
        complete[_label(self.rows[place])[0]] = False
        return bool(complete.any()) and self.filled[place][complete].mean() <= _PARTLY

    def _of_numbers(self, place: int, cells: Sequence[int]) -> _Verdict:
        """Judge numbers without a label, in a row whose first column all others fill."""
        others = np.delete(self.filled[:, 0], place)
        columns = np.delete(self.numbers, place, axis=0)
        if not others.all() or not cells:
            return _Verdict.DATA
        for i in cells:
            number, values = self.numbers[place, i], columns[:, i]
            values = values[~np.isnan(values)]
            if np.isnan(number) or not len(values) or number <= values.max():
                return _Verdict.DATA
        return _Verdict.UNPROVED

    def _of_a_full_row(self, place: int, others: Sequence[int], *, last: bool) -> _Verdict:
        """Judge a full row called as a total: text as in other rows is no total's."""
        row = self.rows[place]
        for i in others:
            text = as_text(row[i]).strip()
            seen = {as_text(r[i]).strip() for j, r in enumerate(self.rows) if j != place}
            if _told(row[i]) is None and (text in seen or not isinstance(row[i], str)):
                return _Verdict.DATA
        if last:
            return _Verdict.UNPROVED
        if place:
            return _Verdict.DATA
        return _Verdict.UNPROVED if self._could_sum(place, others) else _Verdict.DATA

    def _could_sum(self, place: int, others: Sequence[int]) -> bool:
        """Whether the numbers of a first row may all be sums, or all be means, of those below."""
        below = np.delete(self.numbers, place, axis=0)
        sums = means = True
        for i in others:
            values = below[:, i][~np.isnan(below[:, i])]
            number = self.numbers[place, i]
            if np.isnan(number) or not len(values):
                continue
            sums = sums and number >= values.max()
            means = means and values.min() <= number <= values.max()
        return sums or means


def _rounding(cell: Any) -> float:
    """Return half the last figure that a cell shows, a little more for a number of a sheet."""
    text = as_text(cell)
    found = re.search(r"[.,](\d+)", text)
    return 0.06 if found is None else max(0.51 * 10.0 ** -len(found[1]), 1e-9)
