"""Long columns of words, read at once: each form of cell is looked at once, not each cell.

Two identifiers such as `P0417` and `P0418` are one form, `P9999`: what is a number, a date, a
missing word or a text depends on the form alone, as long as no missing word has that form. The same
result as `read_column`; a column that holds a form this one does not know is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from impact_eval.data.cells import ColumnType, ReadColumn, is_code_header, is_date_header
from impact_eval.data.clean_columns import slices_of, text_buffers
from impact_eval.data.labels import MissingKind, missing_kind, one_spelling
from impact_eval.data.marks import mark_kind
from impact_eval.data.unit_words import written_quantity
from impact_eval.data.written import DAY_FIRST, ISO, worded_day

_FEWEST = 5_000  # cells below which reading one by one is fast enough
_MOST_FORMS = 2_000
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
_DIGIT = re.compile(r"\d")
_OTHER_SPACES = re.compile(r"[\u00a0\u202f]")
_DIGITS = np.arange(256, dtype=np.uint8)
_DIGITS[list(b"0123456789")] = ord("9")


def forms_of(cells: Any) -> Any:
    """Return an Arrow array of texts with a 9 in place of each digit.

    Examples
    --------
    >>> forms_of(pa.array(["P0417", "1er"])).to_pylist()
    ['P9999', '9er']
    """
    if cells.null_count:
        cells = pc.fill_null(cells, "")
    letters, ends = text_buffers(cells)
    kind = np.int64 if pa.types.is_large_string(cells.type) else np.int32
    buffers = [None, pa.py_buffer(ends.astype(kind)), pa.py_buffer(_DIGITS[letters])]
    return pa.Array.from_buffers(cells.type, len(cells), buffers)


def read_clean_texts(
    column: pd.Series[Any],
    *,
    declared: ColumnType | None,
    missing_words: Mapping[str, MissingKind],
) -> ReadColumn | None:
    """Read a long column as text at once, or return None when it must be read cell by cell.

    Parameters
    ----------
    column : Series
        Cells as the file has them.
    declared : ColumnType or None
    missing_words : mapping of spelling to MissingKind
    """
    name = str(column.name)
    wanted = declared in (None, ColumnType.TEXT)
    if len(column) < _FEWEST or not wanted or column.dtype != _TEXT:
        return None
    if declared is None and is_date_header(name):
        return None
    chunks = pa.chunked_array(pa.array(column, from_pandas=True)).chunks
    counted = _counted(chunks)
    if counted is None:
        return None
    forms = _Forms.of(counted, missing_words)
    anything = declared is ColumnType.TEXT or is_code_header(name)
    if forms is None or not forms.answers or not (anything or forms.is_text):
        return None
    if anything and declared is None and forms.dated:
        return None
    empty = pa.array([form for form, kind in forms.missing.items()], pa.large_string())
    values = column
    if len(empty):
        told = pa.chunked_array([_without(cells, empty) for cells in slices_of(chunks)])
        values = pd.Series(pd.array(told, dtype="str"), index=column.index, name=column.name)
    missing: dict[MissingKind, int] = {}
    for form, kind in forms.missing.items():
        missing[kind] = missing.get(kind, 0) + forms.counts[form]
    words = {form: forms.counts[form] for form in forms.missing if form}
    return ReadColumn(values, ColumnType.TEXT, missing, None, (), words)


def _counted(chunks: Sequence[Any]) -> dict[str, int] | None:
    """Return how many cells there are of each form; None when there are too many forms."""
    counted: dict[str, int] = {}
    for cells in slices_of(chunks):
        found, times = pc.value_counts(forms_of(cells)).flatten()
        for form, n in zip(found.to_pylist(), times.to_pylist(), strict=True):
            counted[form] = counted.get(form, 0) + n
        if len(counted) > _MOST_FORMS:
            return None
    return counted


def _without(cells: Any, empty: Any) -> Any:
    """Return cells without those of some forms."""
    gone = pc.is_in(forms_of(cells).cast(pa.large_string()), value_set=empty)
    return pc.if_else(gone, pa.scalar(None, cells.type), cells)


@dataclass(frozen=True, slots=True)
class _Forms:
    """The forms of the cells of a column: how many cells each has, what is missing, dated, text."""

    counts: Mapping[str, int]
    missing: Mapping[str, MissingKind]
    answers: int
    dated: bool
    is_text: bool

    @classmethod
    def of(cls, counts: Mapping[str, int], words: Mapping[str, MissingKind]) -> _Forms | None:
        """Look at each form; None when one has spaces that reading would change.

        None also when the digits tell a number from a text: 1e5 is finite, 1e999 is not.
        """
        kinds = {form: missing_kind(form, words) for form in counts}
        if any(form.strip() != form or _OTHER_SPACES.search(form) for form in counts):
            return None
        digits = {_DIGIT.sub("9", word) for word in words if _DIGIT.search(word)}
        if any("9" in form and _as_word(form) & digits for form in counts):
            return None
        answered = [form for form, kind in kinds.items() if kind is None]
        for form in answered:
            low = written_quantity(form.replace("9", "0"))
            if (low is None) != (written_quantity(form) is None):
                return None
        dated = any(_is_dated(form) for form in answered)
        strange = [
            form for form in answered
            if written_quantity(form) is None and mark_kind(form) is None
        ]  # fmt: skip
        answers = sum(counts[form] for form in answered)
        coded = any(re.fullmatch(r"9[9]+", form) for form in answered)
        mostly = 2 * sum(counts[form] for form in strange) >= answers
        missing = {form: kind for form, kind in kinds.items() if kind is not None}
        return cls(counts, missing, answers, dated, mostly and not dated and not coded)


def _as_word(form: str) -> set[str]:
    spelling = one_spelling(form)
    return {spelling, spelling.replace("-", " ").strip()}


def _is_dated(form: str) -> bool:
    return bool(DAY_FIRST.fullmatch(form) or ISO.fullmatch(form) or worded_day(form))
