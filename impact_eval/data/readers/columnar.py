"""Parquet and Feather: types are in the file, nothing is inferred."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.hidden_text import shown_text
from impact_eval.data import big_text
from impact_eval.data.columnar_bounds import refuse_arrow, refuse_parquet
from impact_eval.data.readers.raw import AskedCells, RawTable, UnreadColumns
from impact_eval.data.readers.reader import Reader, register_reader

_PACKED = frozenset({".feather", ".arrow"})
_CELL = 8  # bytes of a number
_HEAD = 8 << 20  # bytes of first rows that are always looked at
_BUFFER = 1 << 20  # bytes of a column read ahead
_BATCH = 1 << 16  # rows


def read_columnar(path: Path) -> RawTable:
    """Read a Parquet or Feather file."""
    import pyarrow

    try:
        if path.suffix.lower() in _PACKED:
            refuse_arrow(path)
            frame = pd.read_feather(path)
        else:
            refuse_parquet(path)
            frame = pd.read_parquet(path)
        for name in frame.columns:
            _prove(frame[name])
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError,
            struct.error, IndexError) as error:  # fmt: skip
        raise _damaged(path, error) from None
    frame.columns = [str(name) for name in frame.columns]
    frame.attrs = {}
    if not isinstance(frame.index, pd.RangeIndex):
        named = [name for name in frame.index.names if name is not None]
        frame = frame.reset_index() if named else frame.reset_index(drop=True)
    return RawTable(frame=frame, format="parquet", typed=True, rows_in=len(frame))


def read_large_columnar(path: Path, asked: AskedCells) -> RawTable | None:
    """Read the columns asked for of a large Parquet file; None when it is small, or not plain."""
    import pyarrow

    if path.suffix.lower() in _PACKED:
        return None
    try:
        told = _told(path)
        if told is None:
            return None
        names, rows, size = told
        if asked.cells_of(names) is None:
            return None
        refuse_parquet(path)
        pyarrow.default_memory_pool().release_unused()
        wanted = asked.columns_of(names)
        unread = [name for name in names if name not in wanted]
        most = min(asked.head, max(size // 4, _HEAD) * rows // size)
        head = _first_rows(path, unread, most) if unread else None
        raw = _columns(path, [name for name in names if name in wanted], rows)
        if head is None:
            return raw
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError,
            struct.error, IndexError) as error:  # fmt: skip
        raise _damaged(path, error) from None

    def cells(columns: Sequence[str]) -> RawTable:
        try:
            return _columns(path, columns, rows)
        except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
            raise _damaged(path, error) from None

    others = UnreadColumns(
        names=names, head=RawTable(frame=head, format="parquet", typed=True), cells=cells,
        together=1,
    )  # fmt: skip
    return RawTable(frame=raw.frame, format="parquet", typed=True, rows_in=rows, unread=others)


def _told(path: Path) -> tuple[tuple[str, ...], int, int] | None:
    """Return the columns, rows and bytes of a large file; None when it is not large, or not plain.

    Plain is a table whose rows are counted from 0 and whose columns are read by their names alone.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        told, schema = file.metadata, file.schema_arrow
        rows, names = told.num_rows, tuple(schema.names)
        groups = sum(told.row_group(i).total_byte_size for i in range(told.num_row_groups))
        size = max(groups, rows * len(names) * _CELL)
        written: dict[str, Any] = schema.pandas_metadata or {}
    if size < big_text.BIG or not rows:
        return None
    counted = {"kind": "range", "name": None, "start": 0, "step": 1}
    index, headings = written.get("index_columns", []), written.get("column_indexes", [])
    if any(not isinstance(one, dict) or {**one, **counted} != one for one in index):
        return None
    if any(one["pandas_type"] != "unicode" for one in headings):
        return None
    known = len(set(names)) == len(names) and not any("." in name for name in names)
    if not known or any(shown_text(name) != name for name in names):
        return None
    return names, rows, size


def _columns(path: Path, names: Sequence[str], rows: int) -> RawTable:
    """Read some columns, one after the other: what is made of each is let go before the next."""
    import pyarrow

    read: dict[str, pd.Series[Any]] = {}
    for name in names:
        column = _plain_numbers(path, name, rows)
        if column is None:
            column = pd.read_parquet(
                path, columns=[name], use_threads=False, pre_buffer=False, buffer_size=_BUFFER
            )[name]
        _prove(column)
        read[name] = column
        pyarrow.default_memory_pool().release_unused()
    frame = pd.DataFrame(read, index=pd.RangeIndex(rows), copy=False)
    frame.columns = pd.Index(list(names), dtype="str")
    frame.attrs = {}
    return RawTable(frame=frame, format="parquet", typed=True, rows_in=rows)


def _plain_numbers(path: Path, name: str, rows: int) -> pd.Series[Any] | None:
    """Read a column of plain numbers in one piece of memory; None for any other."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, buffer_size=_BUFFER) as file:
        schema = file.schema_arrow
        told = (schema.pandas_metadata or {}).get("columns", [])
        kind = str(schema.field(name).type).replace("double", "float64")
        meant = next((one["numpy_type"] for one in told if one["field_name"] == name), kind)
        if kind not in ("int64", "float64") or meant != kind:
            return None
        values, n = np.empty(rows, dtype=kind), 0
        for batch in file.iter_batches(_BATCH, columns=[name], use_threads=False):
            cells = batch.column(0)
            if cells.null_count and kind == "int64":
                return None  # pandas makes decimals of them
            values[n : n + len(cells)] = cells.to_numpy(zero_copy_only=False)
            n += len(cells)
    if n != rows:
        raise ValueError(name)
    return pd.Series(values, name=name, copy=False)


def _first_rows(path: Path, names: Sequence[str], most: int) -> pd.DataFrame:
    import pyarrow
    import pyarrow.parquet as pq

    left, parts = max(most, 1), []
    with pq.ParquetFile(path, buffer_size=_BUFFER) as file:
        for batch in file.iter_batches(left, columns=list(names), use_threads=False):
            parts.append(batch.slice(0, left))
            left -= len(parts[-1])
            if left <= 0:
                break
    frame = pd.DataFrame(pyarrow.Table.from_batches(parts).to_pandas()).reset_index(drop=True)
    del parts
    pyarrow.default_memory_pool().release_unused()
    return frame


def _prove(column: pd.Series[Any]) -> None:
    """Refuse texts that are none: they are not proved when a file is read."""
    import pyarrow

    if isinstance(column.dtype, pd.StringDtype):
        pyarrow.array(column, from_pandas=True).validate(full=True)


def _damaged(path: Path, error: BaseException) -> ImpactEvalError:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return ImpactEvalError(
        Finding.error("damaged_file", Place(file=path.name), file=path.name, reason=reason)
    )


register_reader(
    Reader(
        name="columnar",
        tables=frozenset({".parquet", ".pq", *_PACKED}),
        read_table=read_columnar,
        read_large=read_large_columnar,
    )
)
