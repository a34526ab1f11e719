"""Big regular text tables, read at once when every line is seen to be a row."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from impact_eval.data.layout import Row, header_levels, header_row
from impact_eval.data.notes import is_note
from impact_eval.data.tool_headings import is_row_of_data, under_heading
from impact_eval.data.totals import says_total

_SAMPLE = 200  # lines read to find the heading
_HEAD = 200_000  # characters that hold them, or as many as there are
_SMALL = 1_000_000  # characters below which the careful reader is fast enough
_FEW = 2  # cells of a row that may be no row of data
_LAST = 5  # rows looked at one by one


def count_lines(text: str) -> int:
    r"""Return the lines of a text, as an editor counts them.

    Examples
    --------
    >>> count_lines("a\nb"), count_lines("a\r\nb\r\n"), count_lines("")
    (2, 2, 0)
    """
    if "\r" in text:
        return sum(1 for _ in io.StringIO(text, newline=""))
    return text.count("\n") + (bool(text) and not text.endswith("\n"))


def read_regular(text: str, separator: str) -> pd.DataFrame | None:
    """Read a table whose first line is its heading, each other line a row; None when it is not.

    Parameters
    ----------
    text : str
    separator : str

    Returns
    -------
    DataFrame or None
        Cells as text. None for small files, and for what the careful reader must look at: cells
        of several lines, uneven or blank lines, totals, notes, a heading that comes again.
    """
    if len(text) < _SMALL:
        return None
    names = heading_of(text, separator)
    if names is None or not _is_even(text, separator, len(names)):
        return None
    frame = _cells(text, separator, names)
    if frame is None:
        return None
    if len(frame) + 1 != count_lines(text) or _has_other_rows(frame):
        return None
    return frame


def _cells(text: str, separator: str, names: list[str]) -> pd.DataFrame | None:
    """Return the cells of a table as text, an empty one where nothing is written."""
    try:
        table = pa_csv.read_csv(
            io.BytesIO(text.encode()),
            pa_csv.ReadOptions(column_names=names, skip_rows=1),
            pa_csv.ParseOptions(delimiter=separator, ignore_empty_lines=False),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    columns = {name: pd.Series(pd.array(table[name], dtype="str"), name=name) for name in names}
    return pd.DataFrame(columns)


def heading_of(text: str, separator: str) -> list[str] | None:
    """Return the names of the columns when the first line is the whole heading."""
    stream = io.StringIO(text[:_HEAD], newline="")
    lines = [line for _, line in zip(range(_SAMPLE), stream, strict=False)]
    head: list[Row] = [list(row) for row in csv.reader(lines, delimiter=separator)]
    names = [str(name).strip() for name in head[0]] if head else []
    regular = (
        bool(names)
        and all(names)
        and len(set(names)) == len(names)
        and all(len(row) == len(names) for row in head[1:-1])
    )
    if not regular:
        return None
    body = head[1:-1]
    plain = (
        header_row([head[0], *body]) == 0
        and len(header_levels([head[0], *body], 0, ())) == 1
        and not under_heading(names, body).rows
        and not is_row_of_data(names, body)
    )
    return names if plain else None


def _is_even(text: str, separator: str, width: int) -> bool:
    """Whether every line holds as many cells as the heading, its quotes as the rule has them."""
    if '"' in text:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            return all(
                len(row) == width and reader.line_num == i for i, row in enumerate(reader, start=1)
            )
        except csv.Error:
            return False
    cells = np.frombuffer(text.encode(), dtype=np.uint8)
    ends = np.flatnonzero(cells == ord("\n"))
    if "\r" in text and text.count("\r") != text.count("\r\n"):
        return False
    if len(cells) and cells[-1] != ord("\n"):
        ends = np.append(ends, len(cells))
    cuts = np.searchsorted(np.flatnonzero(cells == ord(separator)), ends)
    return bool((np.diff(cuts, prepend=0) == width - 1).all())


def _has_other_rows(frame: pd.DataFrame) -> bool:
    """Whether a row may be no row of data: nearly empty, the heading again, a total, a note."""
    filled = sum((frame[name] != "").to_numpy(dtype=np.int64) for name in frame.columns)
    first = frame[frame.columns[0]]
    if len(frame.columns) > _FEW and bool(np.any(filled <= _FEW)):
        return True
    if len(frame.columns) <= _FEW and bool(np.any(filled < len(frame.columns))):
        return True
    if bool((first == frame.columns[0]).any()):
        return True
    last: list[list[str]] = frame.tail(_LAST).to_numpy(dtype=object).tolist()
    return any(map(says_total, _worded(first))) or any(
        is_note(row) or not str(row[0]).strip() for row in last
    )


def _worded(labels: pd.Series[str]) -> list[str]:
    """Return the labels that begin with a word: those of a total do."""
    cells = pa.array(labels, from_pandas=True)
    return list(
        pc.unique(cells.filter(pc.match_substring_regex(cells, r"^\s*\p{L}{3}"))).to_pylist()
    )
