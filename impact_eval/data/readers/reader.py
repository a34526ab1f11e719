"""What a reader of files is, and the table of those that are known.

A reader is one file: it makes a `Reader` and gives it to `register_reader`. Those of this folder
are found by themselves; another package declares the entry point group `impact_eval.readers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.registry import Registry
from impact_eval.data.readers.raw import AskedCells, RawTable

if TYPE_CHECKING:
    from impact_eval.data.codebook import Codebook

ENTRY_POINTS = "impact_eval.readers"
TEXT_ENDINGS = frozenset({".csv", ".tsv", ".txt", ".tab", ""})
Sheet: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How the files of one tool are read: its tables, its questionnaires, or both.

    Parameters
    ----------
    name : str
        Registry name: `excel`, `limesurvey`.
    tables : frozenset of str
        Endings of the tables it reads, in lower case with their dot; "" for no ending.
    read_table : callable, optional
        From a path to a raw table.
    read_sheet : callable, optional
        The same for files of several sheets: from a path and a sheet (None chooses it).
    recognised : frozenset of str
        Endings of tables that are its own when `recognises` says so.
    recognises : callable, optional
        Whether a file of one of these endings is its own, by what it holds.
    read_large : callable, optional
        From a path and what is asked of it to a raw table, for a large file that need not be held
        whole; None for the others.
    forms : frozenset of str
        Endings of the questionnaires it turns into a codebook.
    read_form : callable, optional
        From a path to a `Codebook`.

    Examples
    --------
    >>> reader = reader_of_table(Path("suivi.xlsx"))
    >>> reader is not None and reader.name
    'excel'
    """

    name: str
    tables: frozenset[str] = frozenset()
    read_table: Callable[[Path], RawTable] | None = None
    read_sheet: Callable[[Path, Sheet], RawTable] | None = None
    recognised: frozenset[str] = frozenset()
    recognises: Callable[[Path], bool] | None = None
    read_large: Callable[[Path, AskedCells], RawTable | None] | None = None
    forms: frozenset[str] = frozenset()
    read_form: Callable[[Path], Codebook] | None = None

    def table(self, path: Path, sheet: Sheet = None, asked: AskedCells | None = None) -> RawTable:
        """Read a table; a sheet is refused where files have none.

        Parameters
        ----------
        path : Path
        sheet : str, int or None
        asked : AskedCells, optional
            What the reading needs, for readers that keep no more of a large file.

        Raises
        ------
        ImpactEvalError
            `sheet_of_no_workbook`, and what the reader itself refuses.
        """
        if self.read_sheet is not None:
            return self.read_sheet(path, sheet)
        if sheet is not None or self.read_table is None:
            raise ImpactEvalError(sheet_refused(path, sheet))
        if asked is not None and self.read_large is not None:
            large = self.read_large(path, asked)
            if large is not None:
                return large
        return self.read_table(path)


readers: Registry[Reader] = Registry("reader", ENTRY_POINTS, package=__package__)


def register_reader(reader: Reader) -> Reader:
    """Add a reader to those that are known.

    Examples
    --------
    >>> register_reader(readers.get("excel")).name
    'excel'
    """
    readers.add(reader.name, reader)
    return reader


def reader_of_table(path: Path) -> Reader | None:
    """Return the reader of a table: the one that recognises it, else that of its ending."""
    ending = path.suffix.lower()
    for reader in readers:
        recognises = reader.recognises if ending in reader.recognised else None
        if recognises is not None and recognises(path):
            return reader
    return _only(ending, [reader for reader in readers if ending in reader.tables])


def reader_of_form(path: Path) -> Reader | None:
    """Return the reader of a questionnaire by its ending."""
    ending = path.suffix.lower()
    return _only(ending, [reader for reader in readers if ending in reader.forms])


def _only(ending: str, found: list[Reader]) -> Reader | None:
    """Return the one reader of an ending; two of them would read it by chance."""
    if len(found) > 1:
        raise ImpactEvalError(Finding.error("name_taken", kind="reader", name=ending))
    return found[0] if found else None


def table_endings() -> tuple[str, ...]:
    """Return the endings of the tables that can be read, in alphabetical order."""
    return tuple(sorted({ending for reader in readers for ending in reader.tables if ending}))


def sheet_refused(path: Path, sheet: Sheet) -> Finding:
    """Return the refusal of a sheet that a file without sheets cannot have."""
    return Finding.error(
        "sheet_of_no_workbook", Place(file=path.name), file=path.name, sheet=str(sheet)
    )
