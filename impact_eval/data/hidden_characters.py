"""Tables whose headings and cells can be written: hidden characters are replaced, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from impact_eval.core.findings import Finding, Place
from impact_eval.core.hidden_text import HIDDEN, shown_text
from impact_eval.data.clean_columns import slices_of, text_buffers
from impact_eval.data.readers.raw import RawTable

_SUSPECT = np.zeros(256, dtype=bool)  # bytes without which no character is hidden
_SUSPECT[[*range(9), 11, 12, *range(14, 32), 0xEF]] = True
_ARROW_HIDDEN = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"


def with_visible_text(raw: RawTable, file: str) -> RawTable:
    """Return a table whose headings and cells can be written, and what was changed.

    Parameters
    ----------
    raw : RawTable
    file : str
        Name told in the findings.
    """
    names = _names(raw.frame)
    found: list[Finding] = []
    changed: dict[str, pd.Series[Any]] = {}
    for name, heading in names.items():
        hidden = hidden_cells(raw.frame[name])
        n = int(hidden.sum()) + (name != heading)
        if not n:
            continue
        if hidden.any():
            column = raw.frame[name].astype(object)
            column[hidden] = column[hidden].map(shown_text)
            changed[name] = column
        place = Place(file=file, column=heading)
        found.append(Finding.warning("hidden_characters", place, column=heading, n=n))
    if not found:
        return raw
    frame = raw.frame.assign(**changed) if changed else raw.frame
    titles = {name: shown_text(title) for name, title in raw.titles.items()}
    return replace(
        raw,
        frame=frame.rename(columns=names),
        findings=(*raw.findings, *found),
        titles=_called(titles, names),
        labels=_called(raw.labels, names),
        missing=_called(raw.missing, names),
        numbers=_called(raw.numbers, names),
    )


def _names(frame: pd.DataFrame) -> dict[str, str]:
    """Return the heading under which each column can be written; two never become one."""
    out: dict[str, str] = {}
    for name in map(str, frame.columns):
        heading, n = shown_text(name), 1
        while heading in out.values():
            n += 1
            heading = f"{shown_text(name)} ({n})"
        out[name] = heading
    return out


def _called(table: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): held for name, held in table.items()}


def hidden_cells(column: pd.Series[Any]) -> pd.Series[bool]:
    """Return which cells of a column hold a hidden character."""
    if isinstance(column.dtype, pd.StringDtype) and column.dtype.storage == "pyarrow":
        cells: Any = pa.array(column, from_pandas=True)
        chunks = cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]
        if not any(_SUSPECT[text_buffers(chunk)[0]].any() for chunk in slices_of(chunks)):
            return pd.Series(False, index=column.index)
        found = pc.fill_null(pc.match_substring_regex(cells, _ARROW_HIDDEN), False)
        return pd.Series(found.to_numpy(zero_copy_only=False), index=column.index)
    if not (pd.api.types.is_object_dtype(column) or isinstance(column.dtype, pd.StringDtype)):
        return pd.Series(False, index=column.index)
    search = HIDDEN.search
    return column.map(lambda cell: isinstance(cell, str) and search(cell) is not None).astype(bool)
