"""The row and cell of the file behind each row of a table: what a message says to its owner.

`read_table` writes it in `frame.attrs["reading"]["rows"]` as runs of consecutive rows. It holds
through `frame.loc[…]`, `frame.copy()` and a selection of columns, because the index of a table that
was read stays the position of each row among those of the file. Waves side by side, or in several
files, become one table: each of its rows still knows its own file, sheet and columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import Place
from impact_eval.data.shared_notes import SharedNotes

IntArray: TypeAlias = NDArray[np.int64]
Run: TypeAlias = tuple[int, int, int]  # first label of the index, its row in the file, how many

_ATTRIBUTE, _KEY, _OTHERS = "reading", "rows", "others"


@dataclass(frozen=True, slots=True, eq=False)
class SourceTable:
    """Some rows of one table of a file, and where its columns stand.

    Attributes
    ----------
    runs : tuple of (label, row, count)
        Rows of the file that follow each other.
    file : str or None
    sheet : str or None
        Sheet of the workbook.
    letters : mapping of column to str
        Letters of each column (`B`), where the file has a grid.
    headers : mapping of column to str
        What the file calls the columns that it has. Empty when nobody said so.
    """

    runs: tuple[Run, ...] = ()
    file: str | None = None
    sheet: str | None = None
    letters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """Read back what `to_dict` wrote."""
        runs = tuple((int(label), int(row), int(n)) for label, row, n in kept.get("runs", ()))
        return cls(
            runs, kept.get("file"), kept.get("sheet"), kept.get("letters") or {},
            kept.get("headers") or {},
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return what goes with the table, as JSON."""
        return {
            "file": self.file,
            "sheet": self.sheet,
            "runs": [list(run) for run in self.runs],
            "letters": dict(self.letters),
            "headers": dict(self.headers),
        }

    def called(self, names: Mapping[str, str]) -> Self:
        """Return the table whose columns bear other names, from the new name to the present one."""
        letters, headers = dict(self.letters), dict(self.headers)
        for new, now in names.items():
            if now in self.letters:
                letters[new] = self.letters[now]
            headers[new] = self.headers.get(now, now)
        return replace(self, letters=letters, headers=headers)

    def at_rows(self, first: int, rows: IntArray) -> Self:
        """Return the table for these rows of its file, counted from a label on."""
        starts = np.flatnonzero(np.r_[len(rows) > 0, np.diff(rows) != 1])
        ends = np.append(starts, len(rows))[1:]
        runs = tuple(
            (first + int(start), int(rows[start]), int(end - start))
            for start, end in zip(starts, ends, strict=True)
        )
        return replace(self, runs=runs)


@dataclass(frozen=True, slots=True, eq=False)
class SourceRows:
    """Where the rows and columns of a table stand in its file or files.

    Attributes
    ----------
    tables : tuple of SourceTable
        In the order of their labels. Empty for a table that was not read from a file: rows are
        then counted from 1.
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
    >>> rows.place([False, True], "age").cell
    'B9'
    """

    tables: tuple[SourceTable, ...] = ()
    labels: pd.Index[Any] | None = None

    @classmethod
    def of(cls, table: pd.DataFrame | pd.Series[Any]) -> Self:
        """Return the rows of a table, or of one of its columns."""
        kept = table.attrs.get(_ATTRIBUTE, {}).get(_KEY)
        if not kept:
            return cls((), table.index)
        tables = (kept, *kept.get(_OTHERS, ()))
        return cls(tuple(SourceTable.from_dict(one) for one in tables), table.index)

    @classmethod
    def from_numbers(
        cls,
        numbers: Iterable[int],
        *,
        sheet: str | None = None,
        letters: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the rows of a table as it is read, from the row of the file of each, in order."""
        table = SourceTable(sheet=sheet, letters=letters or {})
        return cls((table.at_rows(0, np.fromiter(numbers, dtype=np.int64)),))

    @classmethod
    def consecutive(cls, first: int, n: int) -> Self:
        """Return the rows of a table that follow each other in the file, from the first of them."""
        return cls((SourceTable(((0, first, n),) if n else ()),))

    @classmethod
    def stacked(cls, parts: Sequence[SourceRows]) -> Self:
        """Return the rows of tables put one under the other, their index counted anew."""
        tables: list[SourceTable] = []
        first = 0
        for part in parts:
            n = 0 if part.labels is None else len(part.labels)
            number, rows = part._found(np.arange(n))
            bounds = np.flatnonzero(np.r_[n > 0, np.diff(number) != 0])
            for start, end in zip(bounds, np.append(bounds, n)[1:], strict=True):
                held = part.tables[number[start]] if number[start] >= 0 else SourceTable()
                tables.append(held.at_rows(first + int(start), rows[start:end]))
            first += n
        return cls(tuple(tables))

    @property
    def known(self) -> bool:
        """Whether the table was read from a file."""
        return any(table.runs for table in self.tables)

    @property
    def sheet(self) -> str | None:
        """Sheet of the first row."""
        return self.tables[0].sheet if self.tables else None

    def file_row(self, position: int) -> int:
        """Return the row of the file at a position of the table (from 0)."""
        return int(self._found(np.asarray([position]))[1][0])

    def file_rows(
        self, chosen: ArrayLike, column: str | None = None, *, most: int | None = None
    ) -> list[int]:
        """Return the first rows of one file at these positions, or where a mask is true, once.

        The file is that of the first of them; one that has the column, when it is said.
        """
        number, rows = self._held(chosen, column)
        return list(dict.fromkeys(rows[number == number[:1]].tolist()))[:most]

    def count(self, chosen: ArrayLike, column: str) -> int:
        """Return how many cells of the files these positions are: one may stand for all waves."""
        number, rows = self._held(chosen, column)
        places = [(t.file, t.sheet, t.headers.get(column, column)) for t in self.tables]
        same = np.array([places.index(place) for place in places] + [-1], dtype=np.int64)
        return len(np.unique(np.column_stack([same[number], rows]), axis=0))

    def cell(self, position: int, column: str) -> str | None:
        """Return the address of a cell (`B12`), or None where the file has no grid."""
        return self.place(np.asarray([position]), column).cell

    def place(self, chosen: ArrayLike, column: str | None = None) -> Place:
        """Return where the first of these positions stands, or the first where a mask is true.

        Parameters
        ----------
        chosen : array of int or of bool
        column : str, optional
            Column of the table; a place names it as its file does.
        """
        number, rows = self._held(chosen, column)
        if not len(rows):
            return Place(column=column)
        row = int(rows[0])
        if number[0] < 0:
            return Place(column=column, row=row)
        table = self.tables[number[0]]
        letters = None if column is None else table.letters.get(column)
        return Place(
            file=table.file,
            sheet=table.sheet,
            column=None if column is None else table.headers.get(column, column),
            row=row,
            cell=None if letters is None else f"{letters}{row}",
        )

    def place_of(self, chosen: ArrayLike, known: Place) -> Place:
        """Return what is known of a place, with the row, sheet and cell of the first position."""
        found = self.place(chosen, known.column)
        return replace(found, file=known.file or found.file, column=known.column)

    def repeated(self, names: Sequence[Mapping[str, str]]) -> Self:
        """Return the rows of the table put under itself, once per wave, its index counted anew.

        Parameters
        ----------
        names : sequence of mapping
            For each wave, from the new name of a column to its name in the table.
        """
        return self.stacked([self.called(wave) for wave in names])

    def of_file(self, name: str, headings: Iterable[str], n: int) -> Self:
        """Return the rows with their file; those of a file without titles are its own count."""
        known = self.tables or self.consecutive(1, n).tables
        headers = {column: column for column in headings}
        return replace(self, tables=tuple(replace(t, file=name, headers=headers) for t in known))

    def called(self, names: Mapping[str, str]) -> Self:
        """Return the rows of a table whose columns bear other names, from new to present."""
        return replace(self, tables=tuple(table.called(names) for table in self.tables))

    def put_on(self, table: pd.DataFrame | pd.Series[Any]) -> None:
        """Write the rows in the attributes of a table whose index counts its rows."""
        reading = table.attrs.get(_ATTRIBUTE, {})
        table.attrs = {
            **table.attrs,
            _ATTRIBUTE: SharedNotes({**reading, _KEY: self.to_dict()}),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return what goes with the table, as JSON: its first part, and the others if any."""
        first, *others = self.tables or (SourceTable(),)
        kept = first.to_dict()
        return {**kept, _OTHERS: [table.to_dict() for table in others]} if others else kept

    def _held(self, chosen: ArrayLike, column: str | None) -> tuple[IntArray, IntArray]:
        """Return the table and the row of these positions, of those whose file has the column."""
        chosen = np.asarray(chosen)
        positions = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.int64)
        number, rows = self._found(positions)
        lacks = [bool(t.headers) and column not in t.headers for t in self.tables]
        held = ~np.array([*lacks, False], dtype=bool)[number]
        if column is None or not held.any():
            return number, rows
        return number[held], rows[held]

    def _found(self, positions: IntArray) -> tuple[IntArray, IntArray]:
        """Return the number of the table of each position, -1 where unknown, and its row."""
        unknown = np.full(len(positions), -1, dtype=np.int64), positions + 1
        labels = positions if self.labels is None else self.labels.to_numpy()[positions]
        if not self.known or not np.issubdtype(labels.dtype, np.integer):
            return unknown
        runs = [(i, *run) for i, table in enumerate(self.tables) for run in table.runs]
        number, first, row, n = np.asarray(runs, dtype=np.int64).T
        at = np.clip(np.searchsorted(first, labels, side="right") - 1, 0, None)
        ahead = labels - first[at]
        inside = (ahead >= 0) & (ahead < n[at])
        return np.where(inside, number[at], -1), np.where(inside, row[at] + ahead, positions + 1)


def renamed(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    """Return a column under another name, which still knows where it stands in its file."""
    new = column.rename(name)
    if name != column.name:
        SourceRows.of(column).called({name: str(column.name)}).put_on(new)
    return new


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
