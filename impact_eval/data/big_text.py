"""Big regular text tables, read by parts: neither the file nor its cells are ever held whole.

The same table as `read_regular` and the typing of its columns make of the whole text. Columns of
numbers are kept as numbers part by part; the others as texts. One that proves to be no number far
down the file is read again as text. Whatever the careful reader must look at is left to it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
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
_PART = 1 << 20  # bytes read at once
_HEAD = 8 << 20  # bytes of first rows that are always looked at
_FEW = 2  # cells of a row that may be no row of data
_LAST = 5  # rows looked at one by one
_LETTERS = 3  # that a word has at least
_IS_FIGURE = np.zeros(256, dtype=bool)
_IS_FIGURE[list(b"0123456789")] = True
_QUOTE, _LINE, _RETURN = b'"', b"\n", b"\r"


@dataclass(frozen=True, slots=True)
class BigText:
    """A big text table as it was read.

    Attributes
    ----------
    frame : DataFrame
        The columns asked for: texts, and the values of those read as numbers.
    numbers : mapping of column to ReadColumn
    lines : int
        Lines of the file.
    head : DataFrame
        First rows of the other columns, as texts.
    others : callable
        From the names of some of these to the table of them alone.
    """

    frame: pd.DataFrame
    numbers: dict[str, ReadColumn]
    lines: int
    head: pd.DataFrame
    others: Callable[[Sequence[str]], BigText]


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
    if lines is None or lines * len(names) > path.stat().st_size + 1:
        return None  # each cell ends with a sign: there is no room for so many rows of so many
    try:
        return _Reading(path, names, separator, encoding, asked, kept).read(lines)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None


def _regular_lines(path: Path, separator: bytes) -> int | None:
    """Return the lines of a file; None when a quote or an end of line is out of place."""
    lines, last = 0, b""
    for part in _whole_lines(path):
        if not lines:
            part = part.removeprefix(codecs.BOM_UTF8)
        elif part.startswith(codecs.BOM_UTF8):  # the beginning of a part is no beginning of a file
            return None
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
    opens, closes = np.zeros(256, dtype=bool), np.zeros(256, dtype=bool)
    opens[[*separator, *_LINE]] = True
    closes[[*separator, *_RETURN, *_LINE]] = True
    if not (opens[letters[quotes[::2] - 1]].all() and closes[letters[quotes[1::2] + 1]].all()):
        return False
    ends = np.flatnonzero(letters == _LINE[0])
    return not bool((np.searchsorted(quotes, ends) % 2).any())  # no line ends between two quotes


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
        forms = pc.unique(forms_of(_beginning_with_words(cells)))
        worded = forms.filter(pc.match_substring_regex(forms, r"^\s*\p{L}{3}")).to_pylist()
        if any(map(says_total, worded)):
            return False
        below = batch.slice(max(batch.num_rows - _LAST, 0)).to_pylist()
        self.tail = [*self.tail, *(list(row.values()) for row in below)][-_LAST:]
        return True

    @property
    def end_with_data(self) -> bool:
        return not any(is_note(row) or not row[0].strip() for row in self.tail)


def _beginning_with_words(cells: Any) -> Any:
    """Return the cells that may begin with three letters: no figure is among their first bytes."""
    letters, ends = text_buffers(cells)
    starts = ends[:-1][np.diff(ends) >= _LETTERS]
    worded = np.diff(ends) >= _LETTERS
    worded[worded] = ~_IS_FIGURE[letters[starts[:, None] + np.arange(_LETTERS)]].any(axis=1)
    return cells.filter(pa.array(worded))


def _lengths(cells: Any) -> NDArray[np.int64]:
    return np.diff(text_buffers(cells)[1])


class _TextParts:
    """A column of texts gathered part by part in one piece of memory, none of the parts kept.

    Hundreds of parts kept between those let go would leave the memory full of holes.
    """

    def __init__(self, rows: int) -> None:
        self.ends = np.zeros(rows + 1, dtype=np.int64)
        self.letters = np.empty(0, dtype=np.uint8)
        self.rows = 0

    def add(self, cells: Any) -> None:
        letters, ends = text_buffers(cells)
        used, rows = int(self.ends[self.rows]), self.rows + len(cells)
        needed = used + len(letters)
        if needed > len(self.letters):  # as many letters by row as until here, and a little more
            wanted = needed * (len(self.ends) - 1) // max(rows, 1)
            grown = np.empty(max(needed, wanted + wanted // 16), dtype=np.uint8)
            grown[:used] = self.letters[:used]
            self.letters = grown
        self.letters[used:needed] = letters
        self.ends[self.rows + 1 : rows + 1] = ends[1:] + used
        self.rows = rows

    def column(self, index: pd.Index[Any], name: str) -> pd.Series[Any]:
        used = int(self.ends[self.rows])
        buffers = [
            None,
            pa.py_buffer(self.ends[: self.rows + 1]),
            pa.py_buffer(self.letters[:used]),
        ]
        cells = pa.chunked_array([pa.Array.from_buffers(pa.large_string(), self.rows, buffers)])
        return pd.Series(pd.array(cells, dtype="str"), index=index, name=name)


class _Gathered:
    """Some columns of a file, gathered part by part: numbers where they are, texts elsewhere."""

    def __init__(
        self, names: Sequence[str], asked: AskedCells, written: Set[str], rows: int
    ) -> None:
        self.names, self.rows = names, rows
        self.numbers = {
            name: NumberParts(name, words=asked.words, file=asked.file, rows=rows)
            for name in names
            if name not in written and not is_code_header(name) and not is_date_header(name)
        }
        self.texts = {name: _TextParts(rows) for name in names if name not in self.numbers}
        self.again: list[str] = []
        self.n = 0

    def add(self, batch: Any) -> None:
        for name in self.names:
            cells = batch.column(name)
            if name in self.numbers and not self.numbers[name].add(cells):
                del self.numbers[name]
                if self.n:
                    self.again.append(name)
                else:
                    self.texts[name] = _TextParts(self.rows)
            if name in self.texts:
                self.texts[name].add(cells)
        self.n += batch.num_rows

    def read_numbers(self, index: pd.Index[Any]) -> dict[str, ReadColumn]:
        """Return the columns of numbers; those that are none after all are to be read again."""
        read: dict[str, ReadColumn] = {}
        for name in list(self.numbers):
            column = self.numbers.pop(name).read(index)
            if column is None:
                self.again.append(name)
            else:
                read[name] = column
        return read


class _Head:
    """The first rows of the columns that are not read: some thousands, and not half the file."""

    def __init__(self, names: Sequence[str], rows: int, size: int) -> None:
        self.names, self.rows, self.size = names, rows, max(size, _HEAD)
        self.parts: list[Any] = []

    def add(self, batch: Any) -> None:
        if self.names and self.rows > 0 and self.size > 0:
            part = batch.select(self.names).slice(0, self.rows)
            self.parts.append(part)
            self.rows -= part.num_rows
            self.size -= part.nbytes

    @property
    def frame(self) -> pd.DataFrame:
        cells = {
            name: pd.array(
                pa.chunked_array([part.column(name) for part in self.parts]), dtype="str"
            )
            for name in (self.names if self.parts else ())
        }
        return pd.DataFrame(cells)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The reading of one file: the heading is known, each part goes to the columns."""

    path: Path
    names: Sequence[str]
    separator: str
    encoding: str
    asked: AskedCells
    kept: frozenset[str]

    def read(self, lines: int) -> BigText | None:
        wanted = self.asked.columns_of(self.names)
        unread = [name for name in self.names if name not in wanted]
        head = _Head(unread, self.asked.head, self.path.stat().st_size // 4)
        rows, columns = _Rows(self.names[0]), self._columns(wanted, lines - 1)
        for batch in self._parts(self.names):
            if not rows.are_data(batch) or columns.n + batch.num_rows >= lines:
                return None
            columns.add(batch)
            head.add(batch)
        if columns.n + 1 != lines or not rows.end_with_data:
            return None
        return self._table(columns, head)

    def again(self, names: Sequence[str], rows: int) -> BigText:
        """Read some columns of the file, whose rows are known to be those of a table."""
        columns = self._columns(frozenset(names), rows)
        for batch in self._parts(columns.names):
            columns.add(batch)
        return self._table(columns, _Head([], 0, 0))

    def _columns(self, wanted: Set[str], rows: int) -> _Gathered:
        names = [name for name in self.names if name in wanted]
        return _Gathered(names, self.asked, self.kept, rows)

    def _table(self, columns: _Gathered, head: _Head) -> BigText:
        index, n = pd.RangeIndex(columns.n), columns.n
        read = columns.read_numbers(index)
        if columns.again:
            columns.texts |= {name: _TextParts(n) for name in columns.again}
            for batch in self._parts(columns.again):
                for name in columns.again:
                    columns.texts[name].add(batch.column(name))
        made = {
            name: read[name].values if name in read else columns.texts.pop(name).column(index, name)
            for name in columns.names
        }
        frame = pd.DataFrame(made, index=index, copy=False)
        frame.columns = pd.Index(
            list(columns.names), dtype="str"
        )  # of texts, were there none of them
        others = partial(self.again, rows=n)
        return BigText(frame, read, n + 1, head.frame, others)

    def _parts(self, columns: Sequence[str]) -> Iterator[Any]:
        """Return the cells of some columns part by part: none is read ahead of what is asked."""
        parse = pa_csv.ParseOptions(delimiter=self.separator, ignore_empty_lines=False)
        convert = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(self.names, pa.string()), strings_can_be_null=False,
            include_columns=list(columns),
        )  # fmt: skip
        for i, part in enumerate(_whole_lines(self.path)):
            read = pa_csv.ReadOptions(
                column_names=list(self.names), skip_rows=int(i == 0), block_size=len(part) + 1,
                encoding=self.encoding, use_threads=False,
            )  # fmt: skip
            table = pa_csv.read_csv(pa.BufferReader(part), read, parse, convert)
            yield from table.combine_chunks().to_batches()
