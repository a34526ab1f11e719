r"""Read what people really send: one table, a dictionary and a log of all that was changed.

>>> import tempfile, pathlib
>>> path = pathlib.Path(tempfile.mkdtemp()) / "suivi.csv"
>>> _ = path.write_text("Code;Revenu;Le 1er\nA1;1 234,50 €;NSP\nTotal;1 234,50 €;\n", "cp1252")
>>> frame = read_table(path)
>>> frame["Revenu"].tolist(), [step["code"] for step in frame.attrs["reading"]["log"]][:2]
([1234.5], ['encoding_recognised', 'total_row_dropped'])
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from impact_eval.data.cells import ColumnType, ReadColumn, read_column
from impact_eval.data.clean_columns import read_clean_column
from impact_eval.data.clean_texts import read_clean_texts
from impact_eval.data.codebook import Codebook, ColumnCode, find_header
from impact_eval.data.hidden_characters import with_visible_text
from impact_eval.data.labels import MISSING_WORDS, MissingKind, as_text, encode, missing_kind
from impact_eval.data.line_account import FileLine, LineAccount, mismatch
from impact_eval.data.multiple import read_multiple
from impact_eval.data.readers.raw import AskedCells, RawTable
from impact_eval.data.readers.reader import reader_of_table, sheet_refused, table_endings
from impact_eval.data.shared_notes import SharedNotes
from impact_eval.data.source_rows import SourceRows, renamed
from impact_eval.data.value_labels import (
    dictionary_labels,
    label_moved,
    suspected_finding,
    without_missing,
)

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
    path = Path(path)
    _refuse_absent(path)
    book, found = _codebook(codes, path)
    asked = _asked(path, book, tuple(text_columns))
    raw = with_visible_text(_read_raw(path, sheet, asked), path.name)
    faults = FindingCollector()
    faults.add(*raw.findings, *found)
    account = raw.account or LineAccount(
        lines=len(raw.frame), kinds={FileLine.READ: len(raw.frame)}
    )
    faults.add(*filter(None, [mismatch(account, len(raw.frame), path.name)]))
    rows = raw.rows.of_file(path.name, raw.frame)
    rows.put_on(raw.frame)  # its columns carry it, for messages
    table = _RawReading(raw, book, path.name, tuple(text_columns), faults)
    frame, dictionary = table.read()
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
    return frame


def _rows_told(rows: SourceRows, dictionary: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the rows of the file, with its columns under their new names."""
    return rows.called({entry["name"]: entry["source"] for entry in dictionary}).to_dict()


def _asked(path: Path, book: Codebook, text_columns: Sequence[str]) -> AskedCells:
    """Return what is asked of a large file: the cells of columns that somebody speaks of."""

    def cells_of(headers: Sequence[str]) -> frozenset[str] | None:
        kept = set(text_columns)
        for code in book.columns:
            if code.type is ColumnType.MULTIPLE:
                return None
            header = find_header(code, tuple(headers))
            kept |= set() if header is None else {header}
        return frozenset(kept)

    return AskedCells(file=path.name, words={**MISSING_WORDS, **book.missing}, cells_of=cells_of)


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


class _RawReading:
    """The reading of one raw table: columns typed one by one, dictionary and faults gathered."""

    def __init__(
        self,
        raw: RawTable,
        book: Codebook,
        file: str,
        text_columns: tuple[str, ...],
        faults: FindingCollector,
    ) -> None:
        self.raw = raw
        self.book = book
        self.file = file
        self.text_columns = text_columns
        self.faults = faults
        self.words = {**MISSING_WORDS, **book.missing}
        self.headers = tuple(map(str, raw.frame.columns))
        self.columns: dict[str, pd.Series[Any]] = {}
        self.dictionary: list[dict[str, Any]] = []

    def read(self) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
        plan = self._plan()
        for header in self.headers:
            if header not in plan:
                self._plain(header)
                continue
            code = plan[header]
            if code is None:
                continue
            if code.type is ColumnType.MULTIPLE:
                self._multiple(code)
            else:
                self._coded(header, code)
        self._note_survey_tool()
        index = self.raw.frame.index
        if not self.columns:
            return self.raw.frame.copy(), self.dictionary
        copy = None if len(index) < _LONG else False  # a long table is not held twice
        frame = pd.DataFrame(self.columns, index=index, copy=copy)
        return frame, self.dictionary

    def _plan(self) -> dict[str, ColumnCode | None]:
        """Return which code reads which header; None for headers used up by a multiple choice."""
        plan: dict[str, ColumnCode | None] = {}
        for name in self.text_columns:
            if name not in self.headers and name not in {c.name for c in self.book.columns}:
                self._absent(name)
        free = list(self.headers)
        for code in self.book.columns:
            if code.type is ColumnType.MULTIPLE:
                used = read_multiple(self.raw.frame, code).headers
            else:
                header = find_header(code, tuple(free))
                used = () if header is None else (header,)
            if not used:
                if not code.optional:
                    self._absent(code.name, code.headers)
                continue
            plan[used[0]] = code
            plan.update(dict.fromkeys(used[1:], None))
            free = [header for header in free if header not in used]
        return plan

    def _absent(self, name: str, looked_for: tuple[str, ...] = ()) -> None:
        guesses = (nearest(header, self.headers) for header in (name, *looked_for))
        self.faults.add(
            Finding.error(
                "missing_codebook_column",
                Place(file=self.file, column=name),
                column=name,
                looked_for=looked_for[:6] or (name,),
                nearest=next(filter(None, guesses), None),
                known=self.headers[:30],
            )
        )

    def _plain(self, header: str) -> None:
        """Read a column no codebook speaks of."""
        column = self.raw.frame[header]
        if header in self.text_columns:
            text = ColumnType.TEXT
            clean = read_clean_texts(column, declared=text, missing_words=MISSING_WORDS)
            read = clean or read_column(column.astype(object), declared=text, file=self.file)
        elif header in self.raw.numbers:
            read = self.raw.numbers[header]
        elif self.raw.typed:
            read = self._typed(column, header)
        else:
            read = self._typed_cells(column, None, self.words)
        self._keep(header, header, read)

    def _coded(self, header: str, code: ColumnCode) -> None:
        column = renamed(self.raw.frame[header], code.name)
        words = {**self.words, **code.missing}
        if code.labels is not None and code.type is ColumnType.CHOICE:
            encoded = encode(column, code.labels, self.faults, missing_words=words, file=self.file)
            notes: tuple[Finding, ...] = ()
            if encoded.recoded:
                place = Place(file=self.file, column=code.name)
                notes = (Finding.info("labels_to_codes", place, column=code.name,
                                      n=encoded.recoded),)  # fmt: skip
            read = ReadColumn(encoded.values, ColumnType.CHOICE, encoded.missing, None, notes)
            read = self._labelled(read, code.labels.labels, {})
            moved = label_moved(code.labels, self.raw.labels.get(header, {}))
            if moved is not None:
                label, here, there = moved
                place = Place(file=self.file, column=code.name)
                self.faults.add(Finding.error("codebook_contradicts_file", place, column=code.name,
                                              label=label, here=here, there=there))  # fmt: skip
        else:
            declared = ColumnType.TEXT if code.name in self.text_columns else code.type
            read = self._typed_cells(column, declared, words)
            read = self._labelled(read, self.raw.labels.get(header, {}), {**words})
        self._keep(code.name, header, read, code)

    def _typed_cells(
        self,
        column: pd.Series[Any],
        declared: ColumnType | None,
        words: Mapping[str, MissingKind],
    ) -> ReadColumn:
        """Read a column at once when all its cells are plain numbers, else cell by cell."""
        clean = read_clean_texts(column, declared=declared, missing_words=words)
        clean = clean or read_clean_column(
            column, declared=declared, missing_words=words, file=self.file
        )
        return clean or read_column(
            column,
            declared=declared,
            missing_words=words,
            epoch_1904=self.raw.epoch_1904,
            file=self.file,
        )

    def _typed(self, column: pd.Series[Any], header: str) -> ReadColumn:
        """Keep the type that a file declares, and the reasons it gives for what is missing."""
        declared = self.raw.missing.get(header, {})
        read = _typed(column, declared)
        return self._labelled(read, self.raw.labels.get(header, {}), self.book.missing)

    def _labelled(
        self,
        read: ReadColumn,
        labels: Mapping[Any, str | tuple[str, ...]],
        words: Mapping[str, MissingKind],
    ) -> ReadColumn:
        """Make missing what the labels of a column, or the codebook, say is no answer."""
        found = without_missing(read.values, labels, words)
        if not found.codes:
            return read
        column = str(read.values.name)
        place = Place(file=self.file, column=column)
        n = sum(found.missing.values())
        told = Finding.info("labelled_missing", place, column=column, n=n, codes=found.codes)
        total = {**read.missing}
        for kind, count in found.missing.items():
            total[kind] = total.get(kind, 0) + count
        return replace(read, values=found.values, missing=total, findings=(*read.findings, told))

    def _multiple(self, code: ColumnCode) -> None:
        result = read_multiple(self.raw.frame, code, missing_words=self.words, file=self.file)
        self.faults.add(*result.findings)
        for name, values in result.columns.items():
            kind = ColumnType.BOOLEAN if name in result.options else ColumnType.TEXT
            missing = (
                {MissingKind.UNANSWERED: int(values.isna().sum())} if values.isna().any() else {}
            )
            label = result.options.get(name)
            title = code.title or result.headers[0]
            self.columns[name] = values
            self.dictionary.append(
                {"name": name, "source": " + ".join(result.headers[:3]), "type": kind.value,
                 "title": title if label is None else f"{title} [{label}]",
                 "missing": {k.value: n for k, n in missing.items()}}
            )  # fmt: skip

    def _keep(
        self, name: str, header: str, read: ReadColumn, code: ColumnCode | None = None
    ) -> None:
        if name in self.columns:
            self.faults.add(Finding.error("duplicated_column", Place(file=self.file, column=name),
                                          column=name))  # fmt: skip
            return
        self.columns[name] = read.values
        self.faults.add(*read.findings)
        lost = sum(n for k, n in read.missing.items() if k is not MissingKind.UNANSWERED)
        words = sorted(read.words)[:12]
        if lost and not words:
            words = _missing_words_seen(self.raw.frame[header], self.words)
        place = Place(file=self.file, column=name)
        if words:
            n = sum(read.words.values()) or lost
            self.faults.add(Finding.info("missing_words", place, column=name, n=n, words=words))
        entry: dict[str, Any] = {"name": name, "source": header, "type": read.type.value}
        title = code.title if code is not None else None
        title = title or self.raw.titles.get(header)
        if title:
            entry["title"] = title
        if read.unit:
            entry["unit"] = read.unit
        labels = _labels(code, self.raw.labels.get(header))
        entry |= labels
        asked = suspected_finding(read.values, labels.get("labels", ()), place)
        self.faults.add(*(() if asked is None else (asked,)))
        entry["missing"] = {kind.value: n for kind, n in read.missing.items()}
        self.dictionary.append(entry)

    def _note_survey_tool(self) -> None:
        """Report answers sent before the end: kept, and pointed out."""
        for header in self.headers:
            if header.strip().casefold() in _SUBMITTED:
                cells = self.raw.frame[header].map(as_text).str.strip()
                blank = (cells == "").to_numpy(dtype=bool)
                if 0 < (n := int(blank.sum())) < len(cells):
                    # about rows: told whether or not the study uses the column of the date
                    seen = SourceRows.of(self.raw.frame)
                    place = seen.place_of(blank, Place(file=self.file))
                    self.faults.add(
                        Finding.warning("incomplete_answers", place, n=n, of=len(cells),
                                        rows=seen.file_rows(blank, most=5))
                    )  # fmt: skip
                return


_LONG = 100_000  # rows
_SUBMITTED = frozenset({"submitdate", "date de soumission", "date submitted"})


def _typed(column: pd.Series[Any], declared: Mapping[MissingKind, int]) -> ReadColumn:
    """Keep the type a file declares."""
    n = int(column.isna().sum()) - sum(declared.values())
    missing = {**({MissingKind.UNANSWERED: n} if n else {}), **declared}
    if pd.api.types.is_bool_dtype(column):
        kind = ColumnType.BOOLEAN
    elif pd.api.types.is_datetime64_any_dtype(column):
        kind = ColumnType.DATE
    elif pd.api.types.is_integer_dtype(column):
        kind = ColumnType.INTEGER
    elif pd.api.types.is_numeric_dtype(column):
        kind = ColumnType.NUMBER
    else:
        kind = ColumnType.TEXT
    return ReadColumn(column, kind, missing)


def _missing_words_seen(column: pd.Series[Any], words: Mapping[str, MissingKind]) -> list[str]:
    seen = (as_text(cell).strip() for cell in pd.unique(column.dropna()))
    return sorted({text for text in seen if text and missing_kind(text, words)})[:12]


def _labels(code: ColumnCode | None, held: Mapping[Any, str] | None) -> dict[str, Any]:
    if code is not None and code.labels is not None:
        return dictionary_labels(code.labels.labels)
    labels = {
        re.sub(r"\.0$", "", str(value)): (str(label),) for value, label in (held or {}).items()
    }
    return dictionary_labels(labels)
