"""Big regular text tables, read by parts: neither the file nor its cells are ever held whole.

The same table as `read_regular` and the typing of its columns make of the whole text. Columns of
numbers are kept as numbers part by part; the others as texts. One that proves to be no number far
down the file is read again as text. Whatever the careful reader must look at is left to it.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from impact_eval.core.hidden_text import shown_text
from impact_eval.core.limits import MILLION
from impact_eval.data.cells import ReadColumn, is_code_header, is_date_header
from impact_eval.data.clean_columns import NumberParts, text_buffers
from impact_eval.data.clean_texts import forms_of
from impact_eval.data.notes import is_note
from impact_eval.data.readers.raw import AskedCells
from impact_eval.data.totals import says_total

BIG = 20 * MILLION  # bytes of a file that is not held whole
_PART = 4 << 20  # bytes read at once
_FEW = 2  # cells of a row that may be no row of data
_LAST = 5  # rows looked at one by one
_QUOTE, _LINE, _RETURN = b'"', b"\n", b"\r"


@dataclass(frozen=True, slots=True)
class BigText:
    """A big text table as it was read.

    Attributes
    ----------
    frame : DataFrame
        Texts, and the values of the columns read as numbers.
    numbers : mapping of column to ReadColumn
    lines : int
        Lines of the file.
    """

    frame: pd.DataFrame
    numbers: dict[str, ReadColumn]
    lines: int


def read_big(
    path: Path, names: Sequence[str], separator: str, encoding: str, asked: AskedCells
) -> BigText | None:
    """Read a table whose first line is its heading, each other line a row; None when it is not.

    Parameters
    ----------
    path : Path
    names : sequence of str
        Its columns.
    separator, encoding : str
    asked : AskedCells
    """
    kept = asked.cells_of(names)
    if kept is None or any(shown_text(name) != name for name in names):
        return None
    lines = _regular_lines(path, separator.encode())
    if lines is None:
        return None
    try:
        return _Reading(path, names, separator, encoding, asked, kept).read(lines)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None


def _regular_lines(path: Path, separator: bytes) -> int | None:
    """Return the lines of a file; None when a quote or an end of line is out of place."""
    lines, last = 0, b""
    for part in _whole_lines(path):
        part = part if lines else part.removeprefix(codecs.BOM_UTF8)
        if b"\x00" in part:
            return None
        if _RETURN in part and part.count(_RETURN) != part.count(b"\r\n"):
            return None
        if _QUOTE in part and not _quotes_in_place(part, separator):
            return None
        lines += part.count(_LINE)
        last = part
    return lines + (not last.endswith(_LINE))


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Return the bytes of a file by parts that end with a line."""
    rest = b""
    with path.open("rb") as stream:
        while part := stream.read(_PART):
            cut = part.rfind(_LINE) + 1
            if cut:
                yield rest + part[:cut]
                rest = part[cut:]
            else:
                rest += part
    if rest:
        yield rest


def _quotes_in_place(part: bytes, separator: bytes) -> bool:
    """Whether each quote opens or closes a whole cell of one line, none of them inside a cell."""
    letters = np.frombuffer(_LINE + part + _LINE, dtype=np.uint8)
    quotes = np.flatnonzero(letters == _QUOTE[0])
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before, after = letters[opening - 1], letters[closing + 1]
    limits = np.frombuffer(separator + b"\r\n", dtype=np.uint8)
    if not (np.isin(before, limits[[0, 2]]).all() and np.isin(after, limits).all()):
        return False
    ends = np.flatnonzero(letters == _LINE[0])
    return bool((np.searchsorted(ends, opening) == np.searchsorted(ends, closing)).all())


@dataclass(slots=True)
class _Rows:
    """What is looked at in the rows as they pass: whether one may be no row of data."""

    first: str
    tail: list[list[str]] = field(default_factory=list)

    def are_data(self, batch: Any) -> bool:
        width, cells = batch.num_columns, batch.column(0)
        empty: NDArray[np.int64] = sum(
            (_lengths(batch.column(i)) == 0).astype(np.int64) for i in range(width)
        )
        most = width - _FEW if width > _FEW else 1
        if bool((empty >= most).any()) or bool(pc.any(pc.equal(cells, self.first)).as_py()):
            return False
        forms = pc.unique(forms_of(cells))
        worded = forms.filter(pc.match_substring_regex(forms, r"^\s*\p{L}{3}")).to_pylist()
        if any(map(says_total, worded)):
            return False
        below = batch.slice(max(batch.num_rows - _LAST, 0)).to_pylist()
        self.tail = [*self.tail, *(list(row.values()) for row in below)][-_LAST:]
        return True

    @property
    def end_with_data(self) -> bool:
        return not any(is_note(row) or not row[0].strip() for row in self.tail)


def _lengths(cells: Any) -> NDArray[np.int64]:
    return np.diff(text_buffers(cells)[1])


@dataclass(slots=True)
class _Reading:
    """The reading of one file: the heading is known, each part goes to the columns."""

    path: Path
    names: Sequence[str]
    separator: str
    encoding: str
    asked: AskedCells
    kept: frozenset[str]

    def read(self, lines: int) -> BigText | None:
        numbers = {
            name: NumberParts(name, words=self.asked.words, file=self.asked.file)
            for name in self.names
            if name not in self.kept and not is_code_header(name) and not is_date_header(name)
        }
        texts: dict[str, list[Any]] = {name: [] for name in self.names if name not in numbers}
        rows, n, again = _Rows(self.names[0]), 0, []
        for batch in self._parts(self.names):
            if not rows.are_data(batch):
                return None
            for i, name in enumerate(self.names):
                cells = batch.column(i)
                if name in numbers and not numbers[name].add(cells):
                    del numbers[name]
                    again += [name] if n else []
                    texts[name] = []
                if name in texts and name not in again:
                    texts[name].append(cells)
            n += batch.num_rows
        if n + 1 != lines or not rows.end_with_data:
            return None
        return self._table(numbers, texts, again, n)

    def _table(
        self,
        numbers: dict[str, NumberParts],
        texts: dict[str, list[Any]],
        again: list[str],
        n: int,
    ) -> BigText:
        index = pd.RangeIndex(n)
        read: dict[str, ReadColumn] = {}
        for name in list(numbers):
            column = numbers.pop(name).read(index)
            if column is None:
                again.append(name)
            else:
                read[name] = column
        if again:
            texts.update({name: [] for name in again})
            for batch in self._parts(again):
                for i, name in enumerate(again):
                    texts[name].append(batch.column(i))
        columns: dict[str, pd.Series[Any]] = {}
        for name in self.names:
            if name in read:
                columns[name] = read[name].values
                continue
            cells = pa.chunked_array(texts.pop(name), pa.string())
            columns[name] = pd.Series(pd.array(cells, dtype="str"), index=index, name=name)
        return BigText(pd.DataFrame(columns, index=index, copy=False), read, n + 1)

    def _parts(self, columns: Sequence[str]) -> Any:
        return pa_csv.open_csv(
            self.path,
            pa_csv.ReadOptions(
                column_names=list(self.names), skip_rows=1, block_size=_PART,
                encoding=self.encoding,
            ),
            pa_csv.ParseOptions(delimiter=self.separator, ignore_empty_lines=False),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(self.names, pa.string()), strings_can_be_null=False,
                include_columns=list(columns),
            ),
        )  # fmt: skip
