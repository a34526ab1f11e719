r"""Read what people really send: one table, a dictionary and a log of all that was changed.

>>> import tempfile, pathlib
>>> path = pathlib.Path(tempfile.mkdtemp()) / "suivi.csv"
>>> _ = path.write_text("Code;Revenu;Le 1er\nA1;1 234,50 €;NSP\nTotal;1 234,50 €;\n", "cp1252")
>>> frame = read_table(path)
>>> frame["Revenu"].tolist(), [step["code"] for step in frame.attrs["reading"]["log"]][:2]
([1234.5], ['encoding_recognised', 'total_row_dropped'])
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    Place,
    nearest,
)
from impact_eval.data.beside import codebook_beside
from impact_eval.data.cells import ColumnType
from impact_eval.data.chosen_columns import ChosenTable, chosen_table, put_rows
from impact_eval.data.codebook import Codebook, find_header
from impact_eval.data.hidden_characters import with_visible_text
from impact_eval.data.identity import MOST_ROWS
from impact_eval.data.labels import MISSING_WORDS
from impact_eval.data.line_account import FileLine, LineAccount, mismatch
from impact_eval.data.raw_reading import RawReading, is_submission
from impact_eval.data.readers.raw import AskedCells, RawTable
from impact_eval.data.readers.reader import reader_of_table, sheet_refused, table_endings
from impact_eval.data.shared_notes import SharedNotes
from impact_eval.data.source_rows import SourceRows

Codes: TypeAlias = "Codebook | Mapping[str, Any] | str | Path | Sequence[Codebook | str | Path]"


def read_table(
    path: str | Path,
    *,
    sheet: str | int | None = None,
    codes: Codes | None = None,
    text_columns: Sequence[str] = (),
) -> pd.DataFrame:
    r"""Read a table as people send it, and keep what was done to it in `.attrs["reading"]`.

    CSV and text (any encoding, separator, title rows), Excel, Parquet, SPSS, Stata; LimeSurvey,
    KoboToolbox, ODK, Google Forms and Framaforms exports. Numbers with decimal commas, `€` and
    no-break spaces; dates dd/mm/yyyy; `NSP`, `NR`, `-` as missing, counted by kind; total and title
    rows left out on evidence. Codes such as `01` stay text. Nothing else is dropped, and all that
    is dropped or recoded is in the log.

    Parameters
    ----------
    path : str or Path
    sheet : str or int, optional
        Sheet of a workbook: its name, or its position from 0.
    codes : Codebook, mapping, path or several, optional
        What the columns mean: a codebook TOML, a LimeSurvey `.lss`, an XLSForm, or a mapping such
        as `{"sexe": {1: "Femme", 2: "Homme"}}`. By default `<name>.codes.toml` beside the table.
    text_columns : sequence of str
        Columns kept as text whatever they hold.

    Returns
    -------
    DataFrame
        `.attrs["reading"]` is a JSON-able dict: `file`, `format`, `rows_in`, `rows_out`, `lines`
        (what each line of the file is, which adds up: `LineAccount`), `rows` (the row of the file
        of each row: `SourceRows`), `dictionary` (one entry per column: name, source, type, title,
        unit, labels, missing) and `log` (findings: code, severity, values, place).

    Raises
    ------
    ImpactEvalError
        `file_not_found`, `unknown_format`, `empty_file`, `damaged_file`, `unknown_sheet`,
        `sheet_of_no_workbook`, `shifted_rows`, `missing_codebook_column`, `unknown_label`,
        `unreadable_cells`… at once.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "reponses.csv"
    >>> _ = path.write_text("dep,satisfait\n01,Plutôt d'accord\n75,pas d'accord\n", "utf-8")
    >>> table = read_table(path, codes={"satisfait": {0: "Pas d'accord", 1: "Plutôt d'accord"}})
    >>> table["dep"].tolist(), table["satisfait"].tolist()
    (['01', '75'], [1, 0])
    """
    return read_chosen(path, None, sheet=sheet, codes=codes, text_columns=text_columns).frame


def read_chosen(
    path: str | Path,
    columns: Collection[str] | None,
    *,
    sheet: str | int | None = None,
    codes: Codes | None = None,
    text_columns: Sequence[str] = (),
) -> ChosenTable:
    """Read a table as `read_table` does; of a large file, only some of its columns.

    A file that is not large is read whole. So is a large one that must be looked at with care: a
    total below, a title above.

    Parameters
    ----------
    path : str or Path
    columns : collection of str or None
        Names of the columns wanted, once read; all of them for None.
    sheet, codes, text_columns
        As for `read_table`.

    Returns
    -------
    ChosenTable

    Raises
    ------
    ImpactEvalError
        What `read_table` refuses, in the columns wanted and in those that a codebook speaks of.
    """
    path = Path(path)
    _refuse_absent(path)
    book, found = _codebook(codes, path)
    asked = _asked(path, book, tuple(text_columns), columns)
    raw = with_visible_text(_read_raw(path, sheet, asked), path.name)
    faults = FindingCollector()
    faults.add(*raw.findings, *found)
    account = raw.account or LineAccount(
        lines=len(raw.frame), kinds={FileLine.READ: len(raw.frame)}
    )
    faults.add(*filter(None, [mismatch(account, len(raw.frame), path.name)]))
    rows = put_rows(raw, path.name)
    table = RawReading(raw, book, path.name, tuple(text_columns), faults)
    frame, dictionary = table.read()
    chosen = chosen_table(table, frame, path)
    faults.raise_if_errors()
    notes = {
        "file": path.name,
        "format": raw.format,
        **raw.details,
        "rows_in": raw.rows_in if raw.rows_in is not None else len(frame),
        "rows_out": len(frame),
        "lines": account.to_dict(),
        "rows": _rows_told(rows, dictionary),
        "dictionary": dictionary,
        "log": [finding.to_dict() for finding in faults.findings],
    }
    frame.attrs["reading"] = SharedNotes(notes)
    return chosen


def _rows_told(rows: SourceRows, dictionary: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the rows of the file, with its columns under their new names."""
    return rows.called({entry["name"]: entry["source"] for entry in dictionary}).to_dict()


def _asked(
    path: Path, book: Codebook, text_columns: Sequence[str], columns: Collection[str] | None
) -> AskedCells:
    """Return what is asked of a large file: its columns, and the cells that somebody speaks of."""

    def coded(headers: Sequence[str]) -> dict[str, str]:
        free, found = list(headers), dict[str, str]()
        for code in book.columns:
            header = find_header(code, tuple(free))
            if header is not None:
                found[header] = code.name
                free.remove(header)
        return found

    def cells_of(headers: Sequence[str]) -> frozenset[str] | None:
        if any(code.type is ColumnType.MULTIPLE for code in book.columns):
            return None
        return frozenset({*text_columns, *coded(headers)})

    def columns_of(headers: Sequence[str]) -> frozenset[str]:
        if columns is None:
            return frozenset(headers)
        names = coded(headers)
        return frozenset(h for h in headers if names.get(h, h) in columns or is_submission(h))

    return AskedCells(
        file=path.name, words={**MISSING_WORDS, **book.missing}, cells_of=cells_of,
        columns_of=columns_of, head=MOST_ROWS,
    )  # fmt: skip


def _refuse_absent(path: Path) -> None:
    if not path.is_file():
        folder = path.parent
        beside = [p.name for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []
        raise ImpactEvalError(
            Finding.error("file_not_found", Place(file=path.name), path=path.name,
                          nearest=nearest(path.name, beside))
        )  # fmt: skip
    if path.stat().st_size == 0:
        raise ImpactEvalError(Finding.error("empty_file", Place(file=path.name), file=path.name))


def _read_raw(path: Path, sheet: str | int | None, asked: AskedCells) -> RawTable:
    reader = reader_of_table(path)
    if reader is not None:
        return reader.table(path, sheet, asked)
    if sheet is not None:
        raise ImpactEvalError(sheet_refused(path, sheet))
    raise ImpactEvalError(
        Finding.error("unknown_format", Place(file=path.name), file=path.name,
                      found=path.suffix.lower(), known=table_endings())
    )  # fmt: skip


def _codebook(codes: Codes | None, path: Path) -> tuple[Codebook, tuple[Finding, ...]]:
    """Gather the codebook given, or the one that lies beside the table."""
    if codes is None:
        beside = codebook_beside(path)
        if beside is None:
            return Codebook(), ()
        found = Finding.info("codebook_beside", Place(file=path.name), file=beside.name)
        return Codebook.read(beside), (found,)
    if isinstance(codes, Codebook):
        return codes, ()
    if isinstance(codes, (str, Path)):
        return Codebook.read(codes), ()
    if isinstance(codes, Mapping):
        return Codebook.of(codes), ()
    book = Codebook()
    for part in codes:
        book = book.merged(_codebook(part, path)[0])
    return book, ()
