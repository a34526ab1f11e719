"""Read the seeded data and the reference software's results that travel with the project.

Nothing here looks beside the project: `tests/oracles/seeded/` is complete. A number that the
reference left undefined (`null`) is NaN, an infinite one (`"Inf"`) is infinite.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FOLDER = Path(__file__).resolve().parents[1] / "oracles" / "seeded"
FloatArray = NDArray[np.float64]

ALGEBRA = 1e-10  # closed form, or least squares
SWEPT = 1e-7  # fixed effects swept out by iteration (fixest, didimputation, did2s)
NEWTON = 1e-7  # propensity scores and logits, iterated until the deviance moves by less than 1e-8


def table(name: str) -> pd.DataFrame:
    """Return a fresh copy of one table: `table("panel_communes")`."""
    return _table(name).copy()


@cache
def _table(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / "data" / f"{name}.csv")


@cache
def result(name: str) -> Mapping[str, Any]:
    """Return what the reference answered: `result("did_panel_never")["att"]`."""
    text = (FOLDER / "results" / f"{name}.json").read_text(encoding="utf-8")
    stored: Mapping[str, Any] = json.loads(text)["results"]
    return stored


def numbers(values: Any) -> FloatArray:
    """Return stored numbers, alone or nested, as an array."""
    if isinstance(values, Mapping):
        values = values["values"] if "values" in values else list(values.values())
    if isinstance(values, str):  # "Inf", or a number that R kept as a name
        return np.array(float(values))
    if not isinstance(values, Iterable):
        return np.array(np.nan if values is None else values, dtype=float)
    return np.array([numbers(value) for value in values], dtype=float)


def same(found: ArrayLike, stored: Any, *, rtol: float, atol: float = 0.0, what: str = "") -> None:
    """Assert that all numbers are within the tolerance; one undefined must be so on both sides."""
    ours = (
        np.array([np.nan if v is None else v for v in found]) if isinstance(found, list) else found
    )
    np.testing.assert_allclose(
        np.asarray(ours, dtype=float), numbers(stored), rtol=rtol, atol=atol, err_msg=what
    )
