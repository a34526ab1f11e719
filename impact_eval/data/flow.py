"""One step of a sample's flow: rows and units left, rows and units gone, counted apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.estimate import FlowStep

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


def step_of_rows(
    kept: BoolArray,
    entered: BoolArray | None,
    units: IntArray | None,
    *,
    step: str,
    reason: str,
) -> FlowStep:
    """Return the step that keeps some rows of those that entered it.

    A unit is left as long as one of its rows is: `units_dropped` counts those that lose their last.

    Parameters
    ----------
    kept : (n,) array of bool
    entered : (n,) array of bool or None
        Rows left by the step before; all by default.
    units : (n,) array of int or None
        Code of the unit of each row; None when rows are not followed.
    step, reason : str
        Codes; the reason is told when somebody or something leaves.

    Examples
    --------
    >>> step_of_rows(np.array([True, False, False]), None, np.array([0, 0, 1]), step="kept",
    ...              reason="missing_outcome")  # doctest: +NORMALIZE_WHITESPACE
    FlowStep(step='kept', n=1, dropped=2, reason='missing_outcome', units=1, units_dropped=1)
    """
    rows = int(kept.sum())
    before = len(kept) if entered is None else int(entered.sum())
    left, gone = None, None
    if units is not None:
        left = count_units(units, kept)
        gone = (count_units(units, entered) if entered is not None else count_units(units)) - left
    return FlowStep(step, rows, before - rows, reason if before > rows else None, left, gone)


def count_units(units: IntArray, rows: BoolArray | None = None) -> int:
    """Return how many units some rows are of: all rows by default."""
    chosen = units if rows is None else units[rows]
    return int(np.count_nonzero(np.bincount(chosen))) if chosen.size else 0


def first_step(frame: pd.DataFrame, unit: str | None) -> FlowStep:
    """Return the step of a table as it was read."""
    units = units_of(frame, unit)
    return FlowStep("read", len(frame), units=units, units_dropped=None if units is None else 0)


def units_of(frame: pd.DataFrame, unit: str | None) -> int | None:
    """Return how many units a table holds; None when no column names them."""
    return int(frame[unit].nunique()) if unit in frame.columns else None
