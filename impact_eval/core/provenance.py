"""What a result was made from: hashes of data, specification and code, versions, seed."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from impact_eval.core.plain_files import open_plain

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_PACKAGES = ("impact_eval", "numpy", "scipy", "pandas", "statsmodels", "linearmodels")
_CHUNK = 1 << 20  # bytes of a file read at once
_ROWS_AT_ONCE = 50_000  # whose cells are texts at one time
DIGITS = 10  # beyond these, another processor or BLAS moves the number


def canonical_json(data: Any) -> str:
    """Return the one JSON text of `data`: sorted keys, no spaces, no NaN."""
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def sha256(content: bytes | str) -> str:
    """Return the SHA-256 of bytes, or of a text in UTF-8."""
    raw = content.encode("utf-8") if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read by pieces."""
    total = hashlib.sha256()
    with open_plain(path) as stream:
        while piece := stream.read(_CHUNK):
            total.update(piece)
    return total.hexdigest()


def fingerprint(frame: pd.DataFrame, columns: Iterable[str] | None = None) -> str:
    """Return a hash of a table's content: row order, column order and file format do not matter.

    Parameters
    ----------
    frame : DataFrame
    columns : iterable of str, optional
        The columns that count; all by default.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    names = sorted(map(str, frame.columns if columns is None else columns))
    places: dict[object, list[int]] = {}
    for place, name in enumerate(frame.columns):
        places.setdefault(name, []).append(place)
    chosen = [place for name in names for place in places[name]]
    held = (frame.iloc[:, place] for place in chosen)
    return fingerprint_of_columns(names, held, rows=len(frame), count=len(chosen))


def fingerprint_of_columns(
    names: Sequence[str],
    columns: Iterable[pd.Series[Any]],
    *,
    rows: int,
    count: int | None = None,
) -> str:
    """Return the `fingerprint` of a table whose columns are met one by one, none of them kept.

    Parameters
    ----------
    names : sequence of str
        Sorted.
    columns : iterable of Series
        In the order of their names.
    rows : int
    count : int, optional
        How many columns there are, where names come back; as many as names by default.
    """
    import numpy as np

    total = hashlib.sha256()
    total.update(canonical_json([names, rows]).encode())
    if names:
        # as pandas combines the columns of a table: `hash_pandas_object` of the whole of it
        state = np.full(rows, 0x345678, dtype=np.uint64)
        left, factor = len(names) if count is None else count, 1_000_003
        for column in columns:
            for start in range(0, rows, _ROWS_AT_ONCE):
                part = slice(start, start + _ROWS_AT_ONCE)
                state[part] ^= _cells_hashed(column.iloc[part])
            state *= np.uint64(factor)
            factor += 82_520 + 2 * left
            left -= 1
        state += np.uint64(97_531)
        state.sort()
        total.update(state.data)
    return total.hexdigest()


def _cells_hashed(column: pd.Series[Any]) -> NDArray[np.uint64]:
    """Return the hash of each cell as a text; a number written many times is written once."""
    import pandas as pd

    if column.dtype == "str":
        return _texts_hashed(column)
    if column.dtype in ("int64", "float64"):
        codes, bits = pd.factorize(column.to_numpy().view("int64"))  # -0.0 is not 0.0 there
        if 2 * len(bits) < len(column):
            distinct = pd.Series(bits.view(column.dtype))
            return _texts_hashed(distinct.astype(object).astype(str))[codes]
    return _texts_hashed(column.astype(object).astype(str))


def _texts_hashed(column: pd.Series[Any]) -> NDArray[np.uint64]:
    import numpy as np
    from pandas.util import hash_pandas_object

    return np.asarray(hash_pandas_object(column, index=False), dtype=np.uint64)


def versions(names: Iterable[str] = _PACKAGES) -> dict[str, str]:
    """Return the versions that made a result: Python and the packages named that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def stable_number(value: float) -> float | None:
    """Round to the digits that every machine agrees on; what is not finite becomes None."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return rounded if math.isfinite(rounded) else value  # the largest float rounds up to infinity


def stable(data: Any) -> Any:
    """Return JSON-able data with every float passed through `stable_number`, deeply."""
    if isinstance(data, bool) or data is None or isinstance(data, (int, str)):
        return data
    if isinstance(data, float):
        return stable_number(data)
    if hasattr(data, "item") and not hasattr(data, "__len__"):
        return stable(data.item())
    if hasattr(data, "tolist"):
        return stable(data.tolist())
    if isinstance(data, Mapping):
        return {str(key): stable(value) for key, value in data.items()}
    return [stable(value) for value in data]
