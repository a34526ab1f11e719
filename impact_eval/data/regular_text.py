"""Big regular text tables, read at the speed of pandas once every line is seen to be a row."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd

from impact_eval.data.layout import Row, header_levels, header_row
from impact_eval.data.notes import is_note
from impact_eval.data.tool_headings import is_row_of_data, under_heading
from impact_eval.data.totals import says_total

_SAMPLE = 200  # lines read to find the heading
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
    names = _heading(text, separator)
    if names is None or not _is_even(text, separator, len(names)):
        return None
    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, dtype="str", keep_default_na=False, na_filter=False,
            engine="c", header=0, names=names, skip_blank_lines=True, index_col=False,
            on_bad_lines="error",
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError):
        return None
    if len(frame) + 1 != count_lines(text) or _has_other_rows(frame):
        return None
    return frame


def _heading(text: str, separator: str) -> list[str] | None:
    """Return the names of the columns when the first line is the whole heading."""
    stream = io.StringIO(text, newline="")
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
    labels = first.unique() if first.nunique() < len(first) else first
    last: list[list[str]] = frame.tail(_LAST).to_numpy(dtype=object).tolist()
    return any(map(says_total, _worded(labels))) or any(
        is_note(row) or not str(row[0]).strip() for row in last
    )


def _worded(labels: pd.Series | np.ndarray) -> list[str]:
    """Return the labels that begin with a word: those of a total do."""
    column = pd.Series(labels, dtype="str")
    return column[column.str.match(r"\s*[A-Za-zÀ-ÿ]{3}")].tolist()
