"""Columns of written cells as numbers, dates or text, without losing or guessing anything.

A column becomes numbers only when every answer reads as a number, dates only when every answer
reads as a date; otherwise it stays text and what stands in the way is reported. Among numbers, the
marks of statistical offices (`s`, `nd`, `..`) are missing answers, each told. Codes with leading
zeros (`01`) stay text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, Place
from impact_eval.data.labels import (
    EXAMPLES,
    MISSING_WORDS,
    MissingKind,
    as_text,
    bare_spelling,
    missing_kind,
)
from impact_eval.data.number_cells import WrittenNumbers, read_written
from impact_eval.data.source_rows import SourceRows
from impact_eval.data.written import (
    CENTURY_PIVOT,
    DAY_FIRST,
    ISO,
    SERIAL_HIGH,
    SERIAL_LOW,
    DateTally,
    moment_of,
    parse_number,
    worded_day,
)
from impact_eval.data.yes_no import read_yes_no

FloatArray = NDArray[np.float64]
Cells = NDArray[np.object_]


class ColumnType(StrEnum):
    """What a column holds."""

    NUMBER = "number"
    INTEGER = "integer"
    DATE = "date"
    TEXT = "text"
    CODE = "code"  # an identifier: text without surrounding spaces, upper case
    CHOICE = "choice"
    MULTIPLE = "multiple"
    BOOLEAN = "boolean"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """One column as read.

    Attributes
    ----------
    values : Series
        Typed values.
    type : ColumnType
    missing : mapping of MissingKind to int
        Why answers are missing.
    unit : str or None
        `€`, `%`, `ans`… when it was written in the cells.
    findings : tuple of Finding
        What was noticed or recoded.
    words : mapping of str to int
        Words and marks that count as missing, as they are written, and how many times.
    """

    values: pd.Series[Any]
    type: ColumnType
    missing: Mapping[MissingKind, int] = field(default_factory=dict)
    unit: str | None = None
    findings: tuple[Finding, ...] = ()
    words: Mapping[str, int] = field(default_factory=dict)


_LEADING_ZERO = re.compile(r"0\d+")
# Registers whose codes are text whatever they look like: 01 is not 1.
_CODE_HEADERS = re.compile(
    r"(^| )(dep|dept|departements?|code dep\w*|insee|code insee|codgeo|code commune|depcom|cp"
    r"|code postal|siret|siren|finess|rna|nir|telephone|tel|portable|zip)( |$)"
)
_DATE_HEADERS = re.compile(r"(^| )(dates?|naissance|ddn|horodateur|jour|le)( |$)")


def is_code_header(name: str) -> bool:
    """Whether a header names a register of codes (département, commune, SIRET…)."""
    return _CODE_HEADERS.search(bare_spelling(name)) is not None


def is_date_header(name: str) -> bool:
    """Whether a header says that its column holds dates."""
    return _DATE_HEADERS.search(bare_spelling(name)) is not None


@dataclass(frozen=True, slots=True)
class _Distinct:
    """A column as its distinct cells: texts, why they are missing, and where each row points."""

    cells: list[Any]
    texts: list[str]
    kinds: list[MissingKind | None]
    positions: NDArray[np.int64]
    counts: NDArray[np.int64]

    def words(self) -> dict[str, int]:
        """Return the words that count as missing, and how many times each is written."""
        out: dict[str, int] = {}
        for text, kind, count in zip(self.texts, self.kinds, self.counts, strict=True):
            if kind is not None and text:
                out[text] = out.get(text, 0) + int(count)
        return out

    def missing(self) -> dict[MissingKind, int]:
        out: dict[MissingKind, int] = {}
        for kind, count in zip(self.kinds, self.counts, strict=True):
            if kind is not None and count:
                out[kind] = out.get(kind, 0) + int(count)
        return out

    def spread(self, values: list[Any], empty: Any, dtype: Any) -> Any:
        table = np.empty(len(values) + 1, dtype=dtype)
        table[:-1] = values
        table[-1] = empty
        return table[self.positions]


def _distinct(column: pd.Series[Any], words: Mapping[str, MissingKind]) -> _Distinct:
    codes, cells = pd.factorize(column, use_na_sentinel=True)
    listed = list(cells)
    texts = [as_text(cell).strip() for cell in listed]
    kinds = [missing_kind(text, words) for text in texts]
    counts = np.bincount(codes[codes >= 0], minlength=len(listed)).tolist()
    if (codes < 0).any():
        listed.append(None)
        texts.append("")
        kinds.append(MissingKind.UNANSWERED)
        counts.append(int((codes < 0).sum()))
        codes = np.where(codes < 0, len(listed) - 1, codes)
    return _Distinct(listed, texts, kinds, codes, np.asarray(counts, dtype=np.int64))


def read_column(
    column: pd.Series[Any],
    *,
    declared: ColumnType | None = None,
    missing_words: Mapping[str, MissingKind] = MISSING_WORDS,
    epoch_1904: bool = False,
    file: str | None = None,
) -> ReadColumn:
    """Give a column of written cells its type.

    Parameters
    ----------
    column : Series
        Cells as the file has them: text, numbers, dates, mixed.
    declared : ColumnType, optional
        The type it must have: then every cell that does not read is a fault (`unreadable_cells`).
        By default a column is numbers or dates only when all its answers are.
    missing_words : mapping of spelling to MissingKind
    epoch_1904 : bool
        Whether the workbook counts its days from 1904.

    Returns
    -------
    ReadColumn
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return ReadColumn(column, ColumnType.DATE, _plain_missing(column))
    if pd.api.types.is_numeric_dtype(column) and declared in (None, ColumnType.NUMBER):
        return ReadColumn(column, ColumnType.NUMBER, _plain_missing(column))
    name = str(column.name)
    parts = _distinct(column, missing_words)
    place = Place(file=file, column=name)
    if declared in (ColumnType.TEXT, ColumnType.CODE):
        return _text(column, parts, declared, place)
    if all(kind is not None for kind in parts.kinds):
        values = pd.Series(np.full(len(column), np.nan), index=column.index, name=column.name)
        return ReadColumn(values, ColumnType.EMPTY, parts.missing(), words=parts.words())
    wanted = (None, ColumnType.NUMBER, ColumnType.INTEGER, ColumnType.BOOLEAN)
    if declared is ColumnType.DATE or (declared is None and _looks_dated(parts, name)):
        read = _dates(column, parts, declared, epoch_1904, place)
        if read is not None:
            return read
    if declared in wanted and not (declared is None and is_code_header(name)):
        read = _numbers(column, parts, declared, place)
        if read is not None:
            return read
    return _text(column, parts, ColumnType.TEXT, place)


def _plain_missing(column: pd.Series[Any]) -> dict[MissingKind, int]:
    n = int(column.isna().sum())
    return {MissingKind.UNANSWERED: n} if n else {}


def _unreadable(
    column: pd.Series[Any], parts: _Distinct, bad: list[int], wanted: ColumnType, place: Place
) -> Finding:
    there = np.isin(parts.positions, bad)
    seen = SourceRows.of(column)
    rows = seen.file_rows(there, most=EXAMPLES)
    return Finding.error(
        "unreadable_cells",
        seen.place_of(there, place),
        column=place.column,
        wanted=wanted.value,
        n=int(there.sum()),
        examples=[parts.texts[i][:80] for i in bad[:EXAMPLES]],
        rows=rows,
    )


def _answers(parts: _Distinct) -> WrittenNumbers:
    """Read yes and no as 1 and 0."""
    said = read_yes_no(parts.texts)
    answers = [
        None if kind is not None or i in said.contradicting else said.answers[i]
        for i, kind in enumerate(parts.kinds)
    ]
    values = np.array([np.nan if answer is None else answer for answer in answers])
    odd = [
        i for i, (answer, kind) in enumerate(zip(answers, parts.kinds, strict=True))
        if answer is None and kind is None
    ]  # fmt: skip
    spelled = [i for i, text in enumerate(parts.texts) if answers[i] is not None and len(text) > 1]
    nothing = (None,) * len(answers)
    return WrittenNumbers(values, tuple(parts.kinds), tuple(odd), (), tuple(spelled), nothing)


def _numbers(
    column: pd.Series[Any], parts: _Distinct, declared: ColumnType | None, place: Place
) -> ReadColumn | None:
    """Read a column as numbers, or None when an answer is not one and no type was declared."""
    coded = None if declared is not None else _coded_cell(parts)
    if coded is not None:
        kept = Finding.info("kept_as_text", place, column=place.column, example=coded)
        return _text(column, parts, ColumnType.TEXT, place, (kept,))
    boolean = declared is ColumnType.BOOLEAN
    found = _answers(parts) if boolean else read_written(parts.cells, parts.texts, parts.kinds)
    if found.odd:
        return _not_all_numbers(column, parts, list(found.odd), declared, place)
    if not found.has_numbers:  # marks alone: nothing says that numbers were meant
        return None
    if found.several_scales:
        return _several_scales(column, parts, found, declared, place)
    parts = replace(parts, kinds=list(found.kinds))
    findings: list[Finding] = []
    written = int(parts.counts[list(found.written)].sum())
    if written:
        findings.append(
            Finding.info("numbers_written_as_text", place, column=place.column, n=written)
        )
    array = parts.spread(found.values.tolist(), np.nan, np.float64)
    whole = not np.isnan(array).any() and bool((array == np.round(array)).all())
    out = array.astype(np.int64) if whole and np.abs(array).max(initial=0) < 2**53 else array
    series = pd.Series(out, index=column.index, name=column.name)
    if declared is None or declared is ColumnType.NUMBER:
        kind = ColumnType.INTEGER if whole else ColumnType.NUMBER
    else:
        kind = declared
    return ReadColumn(series, kind, parts.missing(), found.unit, tuple(findings), parts.words())


def _coded_cell(parts: _Distinct) -> str | None:
    """Return a cell written with a leading zero, if there is one: 01 is no number."""
    for cell, text, kind in zip(parts.cells, parts.texts, parts.kinds, strict=True):
        if kind is None and isinstance(cell, str) and _LEADING_ZERO.fullmatch(text):
            return text
    return None


def _several_scales(
    column: pd.Series[Any],
    parts: _Distinct,
    found: WrittenNumbers,
    declared: ColumnType | None,
    place: Place,
) -> ReadColumn:
    """Leave as text a column of € and %, or of percents beside shares of 1, and say so."""
    bare = [
        i for i, (unit, value) in enumerate(zip(found.units, found.values, strict=True))
        if unit is None and np.isfinite(value)
    ]  # fmt: skip
    with_unit = [i for i, unit in enumerate(found.units) if unit]
    shown = [*with_unit[:2], *bare[:2]]
    there = SourceRows.of(column).place_of(np.isin(parts.positions, shown), place)
    make = Finding.warning if declared is None else Finding.error
    told = make(
        "several_scales", there, column=place.column, examples=[parts.texts[i][:80] for i in shown]
    )
    return _text(column, parts, ColumnType.TEXT, place, (told,))


def _not_all_numbers(
    column: pd.Series[Any],
    parts: _Distinct,
    bad: list[int],
    declared: ColumnType | None,
    place: Place,
) -> ReadColumn | None:
    if declared is not None:
        fault = _unreadable(column, parts, bad, declared, place)
        text = _text(column, parts, ColumnType.TEXT, place)
        return ReadColumn(text.values, ColumnType.TEXT, text.missing, None, (fault,), text.words)
    answered = sum(
        int(n) for n, kind in zip(parts.counts, parts.kinds, strict=True) if kind is None
    )
    strange = int(parts.counts[bad].sum())
    if strange * 2 >= answered:
        return None
    there = np.isin(parts.positions, bad)
    warning = Finding.warning(
        "mixed_column",
        SourceRows.of(column).place_of(there, place),
        column=place.column,
        n=strange,
        of=answered,
        examples=[parts.texts[i][:80] for i in bad[:EXAMPLES]],
    )
    return _text(column, parts, ColumnType.TEXT, place, (warning,))


def _text(
    column: pd.Series[Any],
    parts: _Distinct,
    kind: ColumnType,
    place: Place,
    findings: tuple[Finding, ...] = (),
) -> ReadColumn:
    """Keep a column as text, spaces trimmed, missing words as missing."""
    merged = _spellings_merged(parts)
    if merged:
        told = Finding.info("spellings_merged", place, column=place.column, n=merged)
        findings = (*findings, told)
    tidy = [
        None if missing is not None else (re.sub(r"[\u00a0\u202f]", " ", text))
        for text, missing in zip(parts.texts, parts.kinds, strict=True)
    ]
    if kind is ColumnType.CODE:
        tidy = [None if text is None else re.sub(r"\s+", "", text).upper() for text in tidy]
        changed = [
            i for i, (old, new) in enumerate(zip(parts.cells, tidy, strict=True))
            if isinstance(old, str) and new is not None and old != new
        ]  # fmt: skip
        if changed:
            n = int(parts.counts[changed].sum())
            findings = (*findings, Finding.info("codes_tidied", place, column=place.column, n=n))
    values = pd.Series(
        pd.array(parts.spread(tidy, None, object), dtype="str"),
        index=column.index,
        name=column.name,
    )
    return ReadColumn(values, kind, parts.missing(), None, findings, parts.words())


def _spellings_merged(parts: _Distinct) -> int:
    """Return how many answers were written in ways that no eye can tell apart."""
    ways = Counter(
        text.replace("\u00a0", " ").replace("\u202f", " ")
        for cell, text, kind in zip(parts.cells, parts.texts, parts.kinds, strict=True)
        if kind is None and isinstance(cell, str)
    )
    return sum(n > 1 for n in ways.values())


def _looks_dated(parts: _Distinct, name: str) -> bool:
    """Whether some answer is a date, or the header says so and numbers look like Excel days."""
    headed = is_date_header(name)
    for cell, text, kind in zip(parts.cells, parts.texts, parts.kinds, strict=True):
        if kind is not None:
            continue
        if isinstance(cell, (date, datetime)):
            return True
        if isinstance(cell, str):
            if DAY_FIRST.fullmatch(text) or ISO.fullmatch(text) or worded_day(text):
                return True
            if not headed:
                return False
        elif not headed:
            return False
        serial = parse_number(text)
        if serial is None or not SERIAL_LOW <= serial[0] <= SERIAL_HIGH:
            return False
    return headed


def _dates(
    column: pd.Series[Any],
    parts: _Distinct,
    declared: ColumnType | None,
    epoch_1904: bool,
    place: Place,
) -> ReadColumn | None:
    """Read a column as dates, day first, or None when an answer is not a date."""
    month_first = _is_month_first(parts)
    tally = DateTally()
    values: list[np.datetime64] = []
    bad: list[int] = []
    for index, (cell, text, kind) in enumerate(
        zip(parts.cells, parts.texts, parts.kinds, strict=True)
    ):
        if kind is not None:
            values.append(np.datetime64("NaT"))
            continue
        moment = moment_of(cell, text, month_first, epoch_1904, tally)
        if moment is None:
            bad.append(index)
            moment = np.datetime64("NaT")
        values.append(moment)
    if bad:
        if declared is None:
            return _not_all_dates(column, parts, bad, place)
        fault = _unreadable(column, parts, bad, ColumnType.DATE, place)
        text_column = _text(column, parts, ColumnType.TEXT, place)
        return ReadColumn(text_column.values, ColumnType.TEXT, text_column.missing, None, (fault,))
    found = _date_findings(tally, month_first, place)
    spread = parts.spread(values, np.datetime64("NaT"), "datetime64[s]")
    series = pd.Series(spread, index=column.index, name=column.name)
    return ReadColumn(series, ColumnType.DATE, parts.missing(), None, found, parts.words())


def _not_all_dates(
    column: pd.Series[Any], parts: _Distinct, bad: list[int], place: Place
) -> ReadColumn | None:
    answered = sum(kind is None for kind in parts.kinds)
    if len(bad) * 2 >= answered:
        return None
    there = np.isin(parts.positions, bad)
    warning = Finding.warning(
        "mixed_dates",
        SourceRows.of(column).place_of(there, place),
        column=place.column,
        n=int(there.sum()),
        examples=[parts.texts[i][:80] for i in bad[:EXAMPLES]],
    )
    return _text(column, parts, ColumnType.TEXT, place, (warning,))


def _date_findings(tally: DateTally, month_first: bool, place: Place) -> tuple[Finding, ...]:
    found = []
    if month_first:
        found.append(Finding.warning("dates_month_first", place, column=place.column))
    elif tally.undecided and not tally.decided:
        found.append(Finding.info("dates_day_first", place, column=place.column, n=tally.undecided))
    if tally.two_digits:
        found.append(
            Finding.info("two_digit_years", place, column=place.column, n=tally.two_digits,
                         pivot=1900 + CENTURY_PIVOT)
        )  # fmt: skip
    if tally.serials:
        found.append(Finding.info("excel_days", place, column=place.column, n=tally.serials))
    return tuple(found)


def _is_month_first(parts: _Distinct) -> bool:
    """Whether the written dates can only be month first: a second number over 12, never a first."""
    firsts, seconds = [], []
    for cell, text in zip(parts.cells, parts.texts, strict=True):
        found = DAY_FIRST.fullmatch(text) if isinstance(cell, str) else None
        if found:
            firsts.append(int(found[1]))
            seconds.append(int(found[2]))
    return bool(seconds) and max(seconds) > 12 and max(firsts) <= 12
