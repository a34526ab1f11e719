"""Parquet and Feather: types are in the file, nothing is inferred."""

from __future__ import annotations

import struct
from pathlib import Path

import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.data.columnar_bounds import refuse_arrow, refuse_parquet
from impact_eval.data.readers.raw import RawTable
from impact_eval.data.readers.reader import Reader, register_reader


def read_columnar(path: Path) -> RawTable:
    """Read a Parquet or Feather file."""
    import pyarrow

    try:
        if path.suffix.lower() in {".feather", ".arrow"}:
            refuse_arrow(path)
            frame = pd.read_feather(path)
        else:
            refuse_parquet(path)
            frame = pd.read_parquet(path)
        for name in frame.columns:
            if isinstance(frame[name].dtype, pd.StringDtype):  # texts are not proved when read
                pyarrow.array(frame[name], from_pandas=True).validate(full=True)
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError,
            struct.error, IndexError) as error:  # fmt: skip
        raise ImpactEvalError(
            Finding.error("damaged_file", Place(file=path.name), file=path.name,
                          reason=(str(error).splitlines() or [type(error).__name__])[0][:200])
        ) from None  # fmt: skip
    frame.columns = [str(name) for name in frame.columns]
    frame.attrs = {}
    if not isinstance(frame.index, pd.RangeIndex):
        named = [name for name in frame.index.names if name is not None]
        frame = frame.reset_index() if named else frame.reset_index(drop=True)
    return RawTable(frame=frame, format="parquet", typed=True, rows_in=len(frame))


register_reader(
    Reader(
        name="columnar",
        tables=frozenset({".parquet", ".pq", ".feather", ".arrow"}),
        read_table=read_columnar,
    )
)
