"""Written cells as numbers: what is a number, what is missing, what is neither.

One reading for a file and for a table built in Python. A cell that is neither a number, nor blank,
nor a known mark is `odd`: it is named, never guessed, and it does not make a text of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.data.labels import MissingKind, as_text, missing_kind
from impact_eval.data.marks import mark_kind
from impact_eval.data.unit_words import in_thousands, one_unit, written_quantity
from impact_eval.data.written import NUMBER

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

PERCENT = "%"
APART = 20  # times larger: « 28,6 % » beside 0,25 are not on one scale


@dataclass(frozen=True, slots=True)
class WrittenNumbers:
    """Distinct cells as numbers.

    Attributes
    ----------
    values : (k,) array
        NaN where missing or odd.
    kinds : tuple of MissingKind or None
        Why each is missing, marks included.
    odd : tuple of int
        Those that are neither numbers nor missing.
    marks : tuple of int
        Those that a statistical mark makes missing.
    written : tuple of int
        Numbers written otherwise than a computer does: comma, spaces, unit.
    units : tuple of str or None
        `€`, `%`, `ans`, `h`… of each.
    """

    values: FloatArray
    kinds: tuple[MissingKind | None, ...]
    odd: tuple[int, ...]
    marks: tuple[int, ...]
    written: tuple[int, ...]
    units: tuple[str | None, ...]

    @property
    def unit(self) -> str | None:
        """The unit that was written, when there is one only."""
        found = one_unit(self.units)
        return found.pop() if len(found) == 1 else None

    @property
    def several_scales(self) -> bool:
        """Whether the numbers cannot be on one scale: € and %, or percents beside shares of 1."""
        told = [unit for unit, value in zip(self.units, self.values, strict=True)
                if np.isfinite(value) and value != 0]  # fmt: skip
        if len(one_unit(self.units)) > 1 or in_thousands(told):
            return True
        size = np.abs(self.values)
        percent = np.array([unit == PERCENT for unit in self.units], dtype=bool)
        told_in, plain = size[percent & (size > 0)], size[~percent & (size > 0)]
        if told_in.size == 0 or plain.size == 0:
            return False
        middle = float(np.median(plain))
        return middle <= 1 and float(np.median(told_in)) >= APART * middle

    @property
    def has_numbers(self) -> bool:
        """Whether some cell is a number."""
        return bool(np.isfinite(self.values).any())


def read_written(
    cells: Sequence[Any], texts: Sequence[str], kinds: Sequence[MissingKind | None]
) -> WrittenNumbers:
    """Read distinct cells as numbers.

    Parameters
    ----------
    cells, texts : sequences of length k
        Cells as the file has them, and as a person would write them.
    kinds : sequence of MissingKind or None
        Why each is missing, from the words of any column; marks are added here.

    Examples
    --------
    >>> texts = ["28,6 %", "24,7", "s", "abs"]
    >>> found = read_written(texts, texts, [None] * 4)
    >>> found.values.tolist()[:2], found.marks, found.odd
    ([28.6, 24.7], (2,), (3,))
    """
    values = np.full(len(cells), np.nan)
    units: list[str | None] = [None] * len(cells)
    told: list[MissingKind | None] = list(kinds)
    odd: list[int] = []
    marks: list[int] = []
    written: list[int] = []
    for i, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        if told[i] is not None:
            continue
        number = number_of(cell, text)
        if number is not None:
            values[i], units[i] = number
            if isinstance(cell, str) and not NUMBER.fullmatch(text):
                written.append(i)
            continue
        told[i] = mark_kind(text)
        (odd if told[i] is None else marks).append(i)
    return WrittenNumbers(
        values, tuple(told), tuple(odd), tuple(marks), tuple(written), tuple(units)
    )


def number_of(cell: Any, text: str) -> tuple[float, str | None] | None:
    """Return a cell as a number with its unit, or None."""
    if isinstance(cell, (bool, int, float, np.number, np.bool_)):
        return float(cell), None
    if isinstance(cell, (date, datetime, time)):
        return None
    return written_quantity(text)


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A column of a table read as numbers.

    Attributes
    ----------
    values : (n,) array
        NaN where missing or odd.
    odd : (n,) array of bool
        Rows that hold something which is neither a number nor missing.
    marked : (n,) array of bool
        Rows that a mark or a word makes missing.
    words : tuple of str
        Those marks and words.
    written : int
        Numbers written otherwise than a computer does.
    several_scales : bool
        € and %, or percents beside shares of 1.
    """

    values: FloatArray
    odd: BoolArray
    marked: BoolArray
    words: tuple[str, ...] = ()
    written: int = 0
    several_scales: bool = False

    @property
    def is_number(self) -> bool:
        """Whether every answer is a number."""
        return not bool(self.odd.any()) and not self.several_scales

    @property
    def mostly_numbers(self) -> bool:
        """Whether more answers are numbers than not."""
        return int(np.isfinite(self.values).sum()) > int(self.odd.sum())


def number_column(column: pd.Series[Any]) -> NumberColumn:
    """Read a column of a table as numbers; dates, durations and complex numbers are none.

    Examples
    --------
    >>> found = number_column(pd.Series(["30,4", "s", None, "abs"]))
    >>> found.values.tolist()[0], found.odd.tolist(), found.words
    (30.4, [False, False, False, True], ('s',))
    """
    none = np.zeros(len(column), dtype=bool)
    if pd.api.types.is_bool_dtype(column) or _is_real(column):
        return NumberColumn(column.to_numpy(dtype=np.float64, na_value=np.nan), none, none)
    if column.dtype.kind in "mMc" or isinstance(column.dtype, pd.PeriodDtype):
        return NumberColumn(np.full(len(column), np.nan), column.notna().to_numpy(dtype=bool), none)
    numbers = pd.to_numeric(column, errors="coerce")
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    left = (column.notna() & numbers.isna()).to_numpy(dtype=bool)
    if not left.any():
        return NumberColumn(values, none, none)
    return _written_column(column, values, left)


def _written_column(column: pd.Series[Any], values: FloatArray, left: BoolArray) -> NumberColumn:
    """Read the cells left over by `to_numeric`, knowing all the others."""
    codes, distinct = pd.factorize(column.astype(object), use_na_sentinel=True)
    texts = [as_text(cell).strip() for cell in distinct]
    found = read_written(list(distinct), texts, [missing_kind(text) for text in texts])
    gone = np.array([kind is not None for kind in found.kinds], dtype=bool)
    named = gone & np.array([bool(text) for text in texts], dtype=bool)
    odd = np.zeros(len(texts), dtype=bool)
    odd[list(found.odd)] = True
    values[left] = found.values[codes[left]]
    return NumberColumn(
        values,
        left & odd[codes],
        left & named[codes],
        tuple(sorted({text for text, is_word in zip(texts, named, strict=True) if is_word})),
        int((left & np.isfinite(found.values)[codes]).sum()),
        found.several_scales,
    )


def _is_real(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column)
