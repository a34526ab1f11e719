"""A large table read for some of its columns: the others are known by name, and read when asked.

A study uses a few columns of a file that may hold a hundred. Of the others it needs the names, the
first rows (do they name people?) and, for the fingerprint of the whole, each cell once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.data.hidden_characters import with_visible_text
from impact_eval.data.raw_reading import RawReading
from impact_eval.data.readers.raw import RawTable, UnreadColumns
from impact_eval.data.source_rows import SourceRows


@dataclass(frozen=True, slots=True, eq=False)
class ChosenTable:
    """A table of which the columns asked for were read.

    Attributes
    ----------
    frame : DataFrame
        As `read_table` returns it. Of a large file, the columns asked for and no other; its
        dictionary has them all, the type of the others as their first rows have it.
    head : DataFrame
        First rows of all its columns; the whole table when nothing is left unread.
    others : OtherColumns or None
        The way to the columns that were not read; None when all were.
    """

    frame: pd.DataFrame
    head: pd.DataFrame
    others: OtherColumns | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the table, those that were not read among them."""
        return tuple(map(str, self.head.columns))


class OtherColumns:
    """The columns of a large file that were not read: each is typed as the whole table would be.

    Parameters
    ----------
    table : RawReading
        The reading of those that were.
    path : Path
    """

    def __init__(self, table: RawReading, path: Path) -> None:
        assert table.raw.unread is not None
        self.table, self.path = table, path
        self.unread: UnreadColumns = table.raw.unread
        self.stamp = _stamp(path)

    def columns(self, names: Sequence[str]) -> Iterator[pd.Series[Any]]:
        """Yield columns by their names, in this order; few of them are held at one time.

        Raises
        ------
        ImpactEvalError
            `file_changed_meanwhile` when the file is no longer the one that was read.
        """
        for start in range(0, len(names), self.unread.together):
            some = names[start : start + self.unread.together]
            frame, _ = self._read(some, FindingCollector())
            yield from (frame.pop(name) for name in some)

    def declared(self, faults: FindingCollector) -> dict[str, dict[str, Any]]:
        """Read the columns that a codebook speaks of, for what it refuses and what it says.

        Parameters
        ----------
        faults : FindingCollector
            Receives what is noticed of them.

        Returns
        -------
        dict
            What is to be said of each, by its name.
        """
        held = set(map(str, self.table.raw.frame.columns))
        left = [name for name in self.unread.names if name in self.table.plan and name not in held]
        told: dict[str, dict[str, Any]] = {}
        for start in range(0, len(left), self.unread.together):
            seen = FindingCollector()
            names = [self.table.name_of(one) for one in left[start : start + self.unread.together]]
            _, dictionary = self._read(names, seen)
            faults.add(*(found for found in seen.findings if found not in faults.findings))
            told |= {entry["name"]: entry for entry in dictionary}
        return told

    def head(self) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
        """Return the first rows of these columns, and what they look like from there."""
        frame, dictionary = self._typed(self.unread.head, FindingCollector())
        seen = ("name", "source", "type", "title", "labels")  # what is missing, all rows would say
        return frame, {
            entry["name"]: {key: entry[key] for key in seen if key in entry} for entry in dictionary
        }

    def _read(
        self, names: Sequence[str], faults: FindingCollector
    ) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
        if _stamp(self.path) != self.stamp:
            file = self.path.name
            raise ImpactEvalError(
                Finding.error("file_changed_meanwhile", Place(file=file), file=file)
            )
        wanted = set(names)
        headers = [one for one in self.unread.names if self.table.name_of(one) in wanted]
        return self._typed(self.unread.cells(headers), faults)

    def _typed(
        self, raw: RawTable, faults: FindingCollector
    ) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
        raw = with_visible_text(raw, self.path.name)
        put_rows(raw, self.path.name)
        return self.table.of_columns(raw, faults).read()


def chosen_table(table: RawReading, frame: pd.DataFrame, path: Path) -> ChosenTable:
    """Return a table as it was read, with the first rows of the columns that were not.

    Parameters
    ----------
    table : RawReading
    frame : DataFrame
        The columns that it read.
    path : Path
    """
    if table.raw.unread is None:
        return ChosenTable(frame, frame)
    others = OtherColumns(table, path)
    head, told = others.head()
    declared = others.declared(table.faults)
    entries = {**told, **declared, **{entry["name"]: entry for entry in table.dictionary}}
    names = [table.name_of(header) for header in table.raw.names]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        place = Place(file=path.name, column=name)
        table.faults.add(Finding.error("duplicated_column", place, column=name))
    table.dictionary[:] = [entries[name] for name in names]
    first = frame.head(len(head)) if len(head) else frame
    columns = {
        name: first[name] if name in first.columns else head[name].set_axis(first.index)
        for name in names
    }
    return ChosenTable(frame, pd.DataFrame(columns, copy=False), others)


def put_rows(raw: RawTable, file: str) -> SourceRows:
    """Write on a raw table, for messages, the row of the file of each of its rows; return them."""
    rows = raw.rows.of_file(file, raw.names, len(raw.frame))
    rows.put_on(raw.frame)
    return rows


def _stamp(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_size, told.st_mtime_ns
