"""Long columns of plain numbers, read at once: only cells written otherwise are read one by one.

The same result as `read_column`, which reads every distinct cell: a column that holds a cell this
one does not know is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    plain, comma = _matches(cells, _PLAIN), np.zeros(len(cells), dtype=bool)
    if not plain.all():
        comma = _matches(cells, _COMMA)
    numbers = np.full(len(cells), np.nan)
    if plain.any():
        numbers[plain] = pc.cast(_where(cells, plain), pa.float64())
    if comma.any():
        points = pc.replace_substring(_where(cells, comma), ",", ".")
        numbers[comma] = pc.cast(points, pa.float64())
    odd = np.flatnonzero(~plain & ~comma)
    told = _Odd.read(column.iloc[odd], words)
    if told is None or not np.isfinite(numbers[plain | comma]).all():
        return None
    if told.mixed or (told.units and (plain.any() or comma.any())):
        return None  # two units, or a unit beside bare numbers: the careful way tells them apart
    numbers[odd] = told.values
    if len(odd) and sum(told.missing.values()) == len(column):
        return None  # no answer at all
    n = int(comma.sum()) + told.written
    findings = (
        (Finding.info("numbers_written_as_text", Place(file=file, column=str(column.name)),
                      column=str(column.name), n=n),)
        if n else ()
    )  # fmt: skip
    return _as_read(column, numbers, declared, told.missing, told.unit, findings)


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
    whole = not np.isnan(numbers).any() and bool((numbers == np.round(numbers)).all())
    small = whole and np.abs(numbers).max(initial=0) < 2**53
    values = numbers.astype(np.int64) if small else numbers
    found = declared
    if declared is None or declared is ColumnType.NUMBER:
        found = ColumnType.INTEGER if whole else ColumnType.NUMBER
    assert found is not None
    series = pd.Series(values, index=column.index, name=column.name)
    return ReadColumn(series, found, missing, unit, findings)
