"""What a result was made from: hashes of data, specification and code, versions, seed."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

_PACKAGES = ("impact_eval", "numpy", "scipy", "pandas", "statsmodels", "linearmodels")
_CHUNK = 1 << 20  # bytes of a file read at once
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
    with path.open("rb") as stream:
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
    import numpy as np
    from pandas.util import hash_pandas_object

    names = sorted(map(str, frame.columns if columns is None else columns))
    total = hashlib.sha256()
    total.update(canonical_json([names, len(frame)]).encode())
    if names:
        rows = hash_pandas_object(frame[names].astype(object).astype(str), index=False)
        total.update(np.sort(rows.to_numpy()).tobytes())
    return total.hexdigest()


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
