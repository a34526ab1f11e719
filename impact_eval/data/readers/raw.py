"""What every reader returns: cells not yet typed, and what was noticed on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from impact_eval.core.findings import Finding
from impact_eval.data.cells import ReadColumn
from impact_eval.data.labels import MissingKind
from impact_eval.data.line_account import LineAccount
from impact_eval.data.source_rows import SourceRows


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A table before its columns are typed.

    Attributes
    ----------
    frame : DataFrame
        Cells as the file has them; one unique text name per column.
    format : str
        `csv`, `xlsx`, `parquet`, `sav`, `dta`…
    details : mapping
        Encoding, separator, sheet… as JSON.
    findings : tuple of Finding
        What was left out or repaired.
    typed : bool
        Whether the file itself declares types (Parquet, SPSS, Stata): then nothing is inferred.
    labels : mapping of column to (mapping of code to label)
        Value labels held by the file.
    missing : mapping of column to (mapping of MissingKind to int)
        Cells that the file itself declares missing, by reason: they are empty in the frame.
    titles : mapping of column to str
        Question texts held by the file.
    epoch_1904 : bool
        Whether day numbers count from 1904.
    rows_in : int
        Data rows of the file before any was left out.
    rows : SourceRows
        Row of the file of each row of `frame`.
    account : LineAccount or None
        What each line of the file is; None when the file declares its rows (Parquet, SPSS…).
    numbers : mapping of column to ReadColumn
        Columns that were read as numbers on the way, their cells not kept: `frame` holds values.
    unread : UnreadColumns or None
        The columns of a large file that nobody asked for; None when `frame` holds all of them.
    """

    frame: pd.DataFrame
    format: str
    details: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    typed: bool = False
    labels: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    missing: Mapping[str, Mapping[MissingKind, int]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    epoch_1904: bool = False
    rows_in: int | None = None
    rows: SourceRows = field(default_factory=SourceRows)
    account: LineAccount | None = None
    numbers: Mapping[str, ReadColumn] = field(default_factory=dict)
    unread: UnreadColumns | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the file, those that were not read among them."""
        return tuple(map(str, self.frame.columns)) if self.unread is None else self.unread.names


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnreadColumns:
    """The columns of a large file that nobody asked for, and the way to them.

    Attributes
    ----------
    names : tuple of str
        All columns of the file, in its order.
    head : RawTable
        First rows of those that were not read.
    cells : callable
        From the names of some columns to the raw table of these alone.
    together : int
        How many of them may be held at once beside the table.
    """

    names: tuple[str, ...]
    head: RawTable
    cells: Callable[[Sequence[str]], RawTable]
    together: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCells:
    """What a reading asks of a large file, so that its cells need not all be kept.

    Attributes
    ----------
    file : str
        Name told in the findings.
    words : mapping of spelling to MissingKind
    cells_of : callable
        From the headings of the file to those whose cells must be kept as they are written, or
        None when the file must be read whole.
    columns_of : callable, optional
        From the headings of the file to those that must be read; by default all of them.
    head : int
        Rows looked at of the columns that are not read.
    """

    file: str
    words: Mapping[str, MissingKind]
    cells_of: Callable[[Sequence[str]], frozenset[str] | None]
    columns_of: Callable[[Sequence[str]], frozenset[str]] = frozenset
    head: int = 0
