"""Long columns of plain numbers, read at once: only cells written otherwise are read one by one.

The same result as `read_column`, which reads every distinct cell: a column that holds a cell this
one does not know is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, Place
from impact_eval.data.cells import ColumnType, ReadColumn, is_code_header, is_date_header
from impact_eval.data.labels import MissingKind, missing_kind
from impact_eval.data.unit_words import written_quantity
from impact_eval.data.written import NUMBER

_FEWEST = 5_000  # cells below which reading one by one is fast enough
_PLAIN = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$"
_COMMA = r"^-?(?:0|[1-9]\d*),\d+$"
_SLICE = 65_536  # cells looked at together
_FIRST = 1_000  # odd cells held against what a number may look like, before all of them are
_IN_NUMBERS = np.zeros(256, dtype=bool)
_IN_NUMBERS[list(b"0123456789.-")] = True
_WRITTEN = re.compile(r"[-+]?[\d.,\s]*\d[\d.,\s]*(?:[eE][-+]?\d+)?")
_LEADING_ZERO = re.compile(r"0\d+")
_NUMBERS = frozenset({"integer", "floating", "mixed-integer-float"})
_WANTED = (None, ColumnType.NUMBER, ColumnType.INTEGER)


def read_clean_column(
    column: pd.Series[Any],
    *,
    declared: ColumnType | None,
    missing_words: Mapping[str, MissingKind],
    file: str | None,
) -> ReadColumn | None:
    """Read a long column as numbers at once, or return None when it must be read cell by cell.

    Parameters
    ----------
    column : Series
        Cells as the file has them.
    declared : ColumnType or None
    missing_words : mapping of spelling to MissingKind
    file : str or None
        Name told in the findings.
    """
    name = str(column.name)
    registered = declared is None and is_code_header(name)
    if len(column) < _FEWEST or declared not in _WANTED or registered or is_date_header(name):
        return None
    if pd.api.types.is_object_dtype(column):
        kind = pd.api.types.infer_dtype(column, skipna=True)
        if kind in _NUMBERS:
            numbers: NDArray[np.float64] = column.to_numpy(dtype=np.float64, na_value=np.nan)
            return _as_read(column, numbers, declared, _unanswered(numbers), None, ())
        if kind != "string":
            return None
    elif not isinstance(column.dtype, pd.StringDtype):
        return None
    return _of_texts(column, declared, missing_words, file)


def _of_texts(
    column: pd.Series[Any],
    declared: ColumnType | None,
    words: Mapping[str, MissingKind],
    file: str | None,
) -> ReadColumn | None:
    cells: Any = pa.array(column, from_pandas=True)
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    gathered = NumberParts(
        str(column.name), declared=declared, words=words, file=file, rows=len(column)
    )
    if not gathered.add(cells):
        return None
    return gathered.read(column.index)


class NumberParts:
    """A column of written numbers, read part by part: no cell is kept but those written otherwise.

    Parameters
    ----------
    name : str
    declared : ColumnType or None
    words : mapping of spelling to MissingKind
    file : str or None
        Name told in the findings.
    rows : int
        Of all parts together: their numbers are kept in one piece of memory.
    """

    def __init__(
        self,
        name: str,
        *,
        declared: ColumnType | None = None,
        words: Mapping[str, MissingKind],
        file: str | None,
        rows: int,
    ) -> None:
        self.name = name
        self.declared = declared
        self.words = words
        self.file = file
        # a word such as 999 is looked for among all cells, not among odd ones alone
        self.readable = not any(map(_WRITTEN.fullmatch, words))
        self.rows = 0
        self.numbers = np.empty(rows)
        self.odd: list[Any] = []
        self.places: list[NDArray[np.int64]] = []
        self.commas = 0

    def add(self, cells: Any) -> bool:
        """Take the next cells, an Arrow array of texts; say whether the column may be numbers."""
        if not self.readable:
            return False
        quick = _plain_numbers(cells)
        if quick is None:
            numbers, odd = self._one_by_one(cells)
        else:
            numbers, odd = quick
        if len(odd):
            found = cells.take(pa.array(odd))
            if _Odd.read(pd.Series(pd.array(found.slice(0, _FIRST), dtype="str")),
                         self.words) is None:  # fmt: skip
                return False
            self.odd.append(found)
            self.places.append(odd + self.rows)
            numbers[odd] = 0.0
        if not np.isfinite(numbers).all():
            return False
        numbers[odd] = np.nan
        self.numbers[self.rows : self.rows + len(cells)] = numbers
        self.rows += len(cells)
        return True

    def _one_by_one(self, cells: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the numbers of cells by their form, and the places of those of no known form."""
        plain, comma = _matches(cells, _PLAIN), np.zeros(len(cells), dtype=bool)
        if not plain.all():
            comma = _matches(cells, _COMMA)
        numbers = np.full(len(cells), np.nan)
        if plain.any():
            numbers[plain] = pc.cast(_where(cells, plain), pa.float64())
        if comma.any():
            points = pc.replace_substring(_where(cells, comma), ",", ".")
            numbers[comma] = pc.cast(points, pa.float64())
        self.commas += int(comma.sum())
        return numbers, np.flatnonzero(~plain & ~comma)

    def read(self, index: pd.Index[Any]) -> ReadColumn | None:
        """Return the column, or None when it must be read cell by cell."""
        numbers, self.numbers = self.numbers[: self.rows], np.empty(0)
        odd = np.concatenate(self.places) if self.places else np.empty(0, dtype=np.int64)
        cells = pa.chunked_array(self.odd, type=None if self.odd else pa.large_string())
        told = _Odd.read(pd.Series(pd.array(cells, dtype="str")), self.words)
        if told is None or told.mixed or (told.units and len(odd) < self.rows):
            # two units, or a unit beside bare numbers: the careful way tells them apart
            return None
        numbers[odd] = told.values
        if len(odd) and sum(told.missing.values()) == self.rows:
            return None  # no answer at all
        n = self.commas + told.written
        findings = (
            (Finding.info("numbers_written_as_text", Place(file=self.file, column=self.name),
                          column=self.name, n=n),)
            if n else ()
        )  # fmt: skip
        column = pd.Series(numbers, index=index, name=self.name, copy=False)
        read = _as_read(column, numbers, self.declared, told.missing, told.unit, findings)
        return replace(read, words=told.words)


def _plain_numbers(cells: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Return the numbers of cells made of digits, a point and a sign, and the places of empty ones.

    None when a cell holds anything else, or begins with a nought that another digit follows: the
    form of each is then looked at. What remains that is no number does not cast.
    """
    if cells.null_count:
        return None
    letters, ends = text_buffers(cells)
    if not _IN_NUMBERS[letters].all():
        return None
    starts, lengths = ends[:-1], np.diff(ends)
    first = starts[lengths > 1]
    if bool(((letters[first] == ord("0")) & (letters[first + 1] != ord("."))).any()):
        return None
    empty = np.flatnonzero(lengths == 0)
    try:
        if not len(empty):
            return np.array(pc.cast(cells, pa.float64())), empty
        filled = pc.if_else(pa.array(lengths == 0), pa.scalar(None, cells.type), cells)
        numbers = pc.cast(filled, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return np.array(numbers), empty


def text_buffers(cells: Any) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of an Arrow array of texts, and where each begins, with the end."""
    wide = pa.types.is_large_string(cells.type)
    _, offsets, data = cells.buffers()
    kind = np.int64 if wide else np.int32
    ends = np.frombuffer(offsets, dtype=kind)[cells.offset : cells.offset + len(cells) + 1]
    ends = ends.astype(np.int64)
    if data is None or not len(ends):
        return np.empty(0, dtype=np.uint8), np.zeros(len(cells) + 1, dtype=np.int64)
    letters = np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]]
    return letters, ends - ends[0]


def slices_of(chunks: Iterable[Any]) -> Iterator[Any]:
    """Return Arrow arrays by slices: what is made of each is small beside the whole."""
    for cells in chunks:
        for part in _slices(len(cells)):
            yield cells.slice(part.start, _SLICE)


def _where(cells: Any, mask: NDArray[np.bool_]) -> Any:
    return cells if mask.all() else cells.filter(pa.array(mask))


def _matches(cells: Any, pattern: str) -> NDArray[np.bool_]:
    found = pc.fill_null(pc.match_substring_regex(cells, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


class _Odd:
    """The cells of a column that are no plain numbers, each distinct one read once."""

    def __init__(self, n: int) -> None:
        self.values = np.full(n, np.nan)
        self.missing: dict[MissingKind, int] = {}
        self.words: dict[str, int] = {}
        self.units: set[str] = set()
        self.bare = False
        self.written = 0

    @classmethod
    def read(cls, cells: pd.Series[Any], words: Mapping[str, MissingKind]) -> _Odd | None:
        """Read them, or return None when one is neither a number nor a missing answer."""
        out = cls(len(cells))
        codes, distinct = pd.factorize(cells, use_na_sentinel=True)
        counts = np.bincount(codes + 1, minlength=len(distinct) + 1)
        if counts[0]:
            out.missing[MissingKind.UNANSWERED] = int(counts[0])
        values = np.full(len(distinct) + 1, np.nan)
        for i, cell in enumerate(distinct, start=1):
            text = str(cell).strip()
            kind = missing_kind(text, words)
            if kind is not None:
                out.missing[kind] = out.missing.get(kind, 0) + int(counts[i])
                if text:
                    out.words[text] = out.words.get(text, 0) + int(counts[i])
                continue
            number = written_quantity(text)
            if number is None or _LEADING_ZERO.fullmatch(text):
                return None
            values[i] = number[0]
            out.units |= {number[1]} if number[1] else set()
            out.bare = out.bare or not number[1]
            out.written += 0 if NUMBER.fullmatch(text) else int(counts[i])
        out.values = values[codes + 1]
        return out

    @property
    def mixed(self) -> bool:
        """Whether there are two units, or one beside numbers without any."""
        return len(self.units) + (self.bare and bool(self.units)) > 1

    @property
    def unit(self) -> str | None:
        return next(iter(self.units)) if len(self.units) == 1 else None


def _unanswered(numbers: NDArray[np.float64]) -> dict[MissingKind, int]:
    n = int(np.isnan(numbers).sum())
    return {MissingKind.UNANSWERED: n} if n else {}


def _as_read(
    column: pd.Series[Any],
    numbers: NDArray[np.float64],
    declared: ColumnType | None,
    missing: Mapping[MissingKind, int],
    unit: str | None,
    findings: tuple[Finding, ...],
) -> ReadColumn:
    whole, small = _is_whole(numbers)
    values: NDArray[np.float64] | NDArray[np.int64] = numbers
    if whole and small:
        values = numbers.view(np.int64)  # written over: a long column is not held twice
        for part in _slices(len(numbers)):
            values[part] = numbers[part].astype(np.int64)
    found = declared
    if declared is None or declared is ColumnType.NUMBER:
        found = ColumnType.INTEGER if whole else ColumnType.NUMBER
    assert found is not None
    series = pd.Series(values, index=column.index, name=column.name, copy=False)
    return ReadColumn(series, found, missing, unit, findings)


def _is_whole(numbers: NDArray[np.float64]) -> tuple[bool, bool]:
    """Return whether all numbers are whole, none missing, and whether an integer holds each."""
    small = True
    for part in _slices(len(numbers)):
        some = numbers[part]
        if not (some == np.round(some)).all():  # nor is a missing one equal to itself
            return False, False
        small = small and np.abs(some).max(initial=0) < 2**53
    return True, small


def _slices(n: int) -> Iterator[slice]:
    return (slice(start, start + _SLICE) for start in range(0, n, _SLICE))
