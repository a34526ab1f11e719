"""The columns of a raw table, typed one by one: what a codebook says, else what their cells are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, Place, nearest
from impact_eval.data.cells import ColumnType, ReadColumn, read_column
from impact_eval.data.clean_columns import read_clean_column
from impact_eval.data.clean_texts import read_clean_texts
from impact_eval.data.codebook import Codebook, ColumnCode, find_header
from impact_eval.data.labels import MISSING_WORDS, MissingKind, as_text, encode, missing_kind
from impact_eval.data.multiple import read_multiple
from impact_eval.data.readers.raw import RawTable
from impact_eval.data.source_rows import SourceRows, renamed
from impact_eval.data.value_labels import (
    dictionary_labels,
    label_moved,
    suspected_finding,
    without_missing,
)


class RawReading:
    """The reading of one raw table: columns typed one by one, dictionary and faults gathered.

    Parameters
    ----------
    raw : RawTable
    book : Codebook
    file : str
        Name told in the findings.
    text_columns : tuple of str
    faults : FindingCollector
        Receives what is noticed.
    """

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
        self.headers = raw.names
        self.columns: dict[str, pd.Series[Any]] = {}
        self.dictionary: list[dict[str, Any]] = []
        self.plan = self._plan()

    def of_columns(self, raw: RawTable, faults: FindingCollector) -> RawReading:
        """Return the reading of other columns of the same file, as they are read beside these."""
        raw = replace(raw, unread=self.raw.unread)
        return RawReading(raw, self.book, self.file, self.text_columns, faults)

    def name_of(self, header: str) -> str:
        """Return the name of a column once read: that of its codebook, or its heading."""
        code = self.plan.get(header)
        return header if code is None else code.name

    def read(self) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
        """Return the columns that the raw table holds, typed, and what is to be said of each."""
        for header in map(str, self.raw.frame.columns):
            if header not in self.plan:
                self._plain(header)
                continue
            code = self.plan[header]
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
        for header in map(str, self.raw.frame.columns):
            if is_submission(header):
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


def is_submission(header: str) -> bool:
    """Whether a survey tool writes there when the answers were sent."""
    return header.strip().casefold() in _SUBMITTED


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
