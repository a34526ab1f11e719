"""The row of the file behind each row of a table: what a message says to whoever holds the file.

`read_table` writes it in `frame.attrs["reading"]["rows"]` as runs of consecutive rows. It holds
through `frame.loc[…]`, `frame.copy()` and a selection of columns, because the index of a table that
was read stays the position of each row among those of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from impact_eval.data.shared_notes import SharedNotes

Run: TypeAlias = tuple[int, int, int]  # first label of the index, its row in the file, how many

_ATTRIBUTE, _KEY = "reading", "rows"


@dataclass(frozen=True, slots=True, eq=False)
class SourceRows:
    """Where the rows and columns of a table stand in its file.

    Attributes
    ----------
    runs : tuple of (label, row, count)
        Rows of the file that follow each other. Empty for a table that was not read from a file:
        rows are then counted from 1.
    sheet : str or None
        Sheet of the workbook.
    letters : mapping of column to str
        Letters of each column (`B`), where the file has a grid.
    labels : Index
        Index of the table at hand.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [31, 42, 57]})
    >>> told = SourceRows.from_numbers([5, 6, 9], sheet="Suivi", letters={"age": "B"})
    >>> told.put_on(frame)
    >>> rows = SourceRows.of(frame.loc[frame["age"] > 40])
    >>> rows.file_row(0), rows.file_rows([True, True]), rows.cell(1, "age"), rows.sheet
    (6, [6, 9], 'B9', 'Suivi')
    """

    runs: tuple[Run, ...] = ()
    sheet: str | None = None
    letters: Mapping[str, str] = field(default_factory=dict)
    labels: pd.Index[Any] | None = None

    @classmethod
    def of(cls, table: pd.DataFrame | pd.Series[Any]) -> Self:
        """Return the rows of a table, or of one of its columns."""
        kept = table.attrs.get(_ATTRIBUTE, {}).get(_KEY) or {}
        runs = tuple((int(label), int(row), int(n)) for label, row, n in kept.get("runs", ()))
        return cls(runs, kept.get("sheet"), kept.get("letters") or {}, table.index)

    @classmethod
    def from_numbers(
        cls,
        numbers: Iterable[int],
        *,
        sheet: str | None = None,
        letters: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the rows of a table as it is read, from the row of the file of each, in order."""
        rows = np.fromiter(numbers, dtype=np.int64)
        starts = np.flatnonzero(np.r_[len(rows) > 0, np.diff(rows) != 1])
        ends = np.append(starts, len(rows))[1:]
        runs = tuple(
            (int(start), int(rows[start]), int(end - start))
            for start, end in zip(starts, ends, strict=True)
        )
        return cls(runs, sheet, letters or {})

    @property
    def known(self) -> bool:
        """Whether the table was read from a file."""
        return bool(self.runs)

    def file_row(self, position: int) -> int:
        """Return the row of the file at a position of the table (from 0)."""
        return int(self._rows(np.asarray([position]))[0])

    def file_rows(self, chosen: ArrayLike, *, most: int | None = None) -> list[int]:
        """Return the first rows of the file at these positions, or where a mask is true, once."""
        chosen = np.asarray(chosen)
        positions = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.int64)
        return list(dict.fromkeys(self._rows(positions).tolist()))[:most]

    def cell(self, position: int, column: str) -> str | None:
        """Return the address of a cell (`B12`), or None where the file has no grid."""
        letters = self.letters.get(column)
        return None if letters is None else f"{letters}{self.file_row(position)}"

    def repeated(self, times: int) -> Self:
        """Return the rows of the table put under itself so many times, its index counted anew."""
        if self.labels is None or not self.known:
            return type(self)()
        rows = np.tile(self._rows(np.arange(len(self.labels))), times)
        return self.from_numbers(rows, sheet=self.sheet, letters=self.letters)

    def put_on(self, table: pd.DataFrame) -> None:
        """Write the rows in the attributes of a table whose index counts its rows."""
        reading = table.attrs.get(_ATTRIBUTE, {})
        table.attrs = {
            **table.attrs,
            _ATTRIBUTE: SharedNotes({**reading, _KEY: self.to_dict()}),
        }

    def _rows(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        labels = positions if self.labels is None else self.labels.to_numpy()[positions]
        if not self.runs or not np.issubdtype(labels.dtype, np.integer):
            return positions + 1
        first, row, n = np.asarray(self.runs, dtype=np.int64).T
        at = np.clip(np.searchsorted(first, labels, side="right") - 1, 0, None)
        ahead = labels - first[at]
        return np.where((ahead >= 0) & (ahead < n[at]), row[at] + ahead, positions + 1)

    def to_dict(self) -> dict[str, Any]:
        """Return what goes with the table, as JSON."""
        return {
            "sheet": self.sheet,
            "runs": [list(run) for run in self.runs],
            "letters": dict(self.letters),
        }


def column_letters(position: int) -> str:
    """Return the letters of a column of a spreadsheet, from its position (0 is A).

    Examples
    --------
    >>> column_letters(0), column_letters(27), column_letters(730)
    ('A', 'AB', 'ABC')
    """
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def letters_of(names: Sequence[str], kept: Sequence[int] | None = None) -> dict[str, str]:
    """Return the letters of each column of a table, from the positions kept of its sheet."""
    places = range(len(names)) if kept is None else kept
    return {name: column_letters(place) for name, place in zip(names, places, strict=True)}
