"""The wide view of a panel: one row per unit, one column per period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WidePanel:
    """A panel as arrays, units in the order of their labels.

    Attributes
    ----------
    y : (N, T) array
        Outcome; NaN where the unit was not observed.
    times : (T,) array
    cohorts : (N,) array
        First treated period, infinity when never treated within the panel.
    units : (N,) array
        Labels.
    covariates : (N, p) array or None
        At the unit's first observed period.
    covariates_by_time : (N, T, p) array or None
        Given only when some covariate varies within a unit.
    weights : (N,) array
        Mean of the unit's row weights.
    clusters : (N,) array of int
        Code of the cluster (the unit itself without a cluster role).
    balanced : bool
        No hole in `y`.
    """

    y: FloatArray
    times: FloatArray
    cohorts: FloatArray
    units: NDArray[Any]
    covariates: FloatArray | None
    covariates_by_time: FloatArray | None
    weights: FloatArray
    clusters: IntArray
    balanced: bool


@dataclass(frozen=True, slots=True)
class PanelGrid:
    """The rows of a complete panel: every unit at every period, once.

    Attributes
    ----------
    n_units, n_times : int
    rows : (N, T) array of int or None
        Row of each unit and period; None when the table is sorted by unit then period.
    """

    n_units: int
    n_times: int
    rows: IntArray | None

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a row-level column as (N, T): a view when the table is sorted."""
        if self.rows is None:
            return values.reshape(self.n_units, self.n_times)
        return values[self.rows]

    def first(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return each unit's value at the first period: (N,) or (N, p)."""
        return values[:: self.n_times] if self.rows is None else values[self.rows[:, 0]]


def find_grid(
    unit_codes: IntArray, time_codes: IntArray, n_units: int, n_times: int
) -> PanelGrid | None:
    """Return the grid of a complete panel, or None when a cell is empty or met twice."""
    if unit_codes.size != n_units * n_times:
        return None
    if is_grid(unit_codes, time_codes, n_units, n_times):
        return PanelGrid(n_units, n_times, None)
    rows = np.full(unit_codes.size, -1, dtype=np.int64)
    rows[unit_codes * n_times + time_codes] = np.arange(unit_codes.size)
    if rows.min(initial=0) < 0:
        return None
    return PanelGrid(n_units, n_times, rows.reshape(n_units, n_times))


def is_grid(unit_codes: IntArray, time_codes: IntArray, n_units: int, n_times: int) -> bool:
    """Return whether rows are the full grid, sorted by unit then time."""
    if unit_codes.size != n_units * n_times:
        return False
    expected = np.arange(n_times)
    if (time_codes[:n_times] != expected).any() or (unit_codes[:n_times] != 0).any():
        return False
    return bool(
        (time_codes.reshape(n_units, n_times) == expected).all()
        and (unit_codes.reshape(n_units, n_times) == np.arange(n_units)[:, None]).all()
    )


def to_wide(
    values: FloatArray,
    unit_codes: IntArray,
    time_codes: IntArray,
    *,
    n_units: int,
    n_times: int,
    grid: PanelGrid | None = None,
) -> FloatArray:
    """Spread a long column to (N, T); NaN where there is no row. A sorted grid is a view."""
    if grid is not None:
        return grid.spread(values)
    wide = np.full((n_units, n_times), np.nan)
    wide[unit_codes, time_codes] = values
    return wide


def first_of_unit(
    values: NDArray[Any], unit_codes: IntArray, time_codes: IntArray, n_units: int
) -> NDArray[Any]:
    """Return each unit's value at its first period: (N,) or (N, p)."""
    first = np.flatnonzero(time_codes == 0)
    out = np.empty((n_units, *values.shape[1:]), dtype=values.dtype)
    out[unit_codes[first]] = values[first]
    seen = np.zeros(n_units, dtype=bool)
    seen[unit_codes[first]] = True
    if not seen.all():  # units that enter later: sort their rows only
        late = np.flatnonzero(~seen[unit_codes])
        order = late[np.lexsort((time_codes[late], unit_codes[late]))]
        units, starts = np.unique(unit_codes[order], return_index=True)
        out[units] = values[order[starts]]
    return out


def unit_mean(values: FloatArray, unit_codes: IntArray, n_units: int) -> FloatArray:
    """Return each unit's mean of a row-level column: (N,)."""
    counts = np.bincount(unit_codes, minlength=n_units)
    totals = np.bincount(unit_codes, weights=values, minlength=n_units)
    return np.asarray(totals / np.maximum(counts, 1), dtype=np.float64)


def same_along_rows(wide: FloatArray) -> bool:
    """Whether no row of a table without missing values changes from one column to the next."""
    return not bool((wide[:, 1:] != wide[:, :1]).any())


def varies_within_unit(
    values: FloatArray, unit_codes: IntArray, n_units: int, grid: PanelGrid | None = None
) -> NDArray[np.bool_]:
    """Return, per unit, whether a row-level column takes more than one value."""
    if grid is not None:
        wide = grid.spread(values)
        moving = wide[:, 1:] != wide[:, :1]
        if moving.any():  # two missing values are no change
            moving &= ~(np.isnan(wide[:, 1:]) & np.isnan(wide[:, :1]))
        return np.asarray(moving.any(axis=1))
    reference = np.full(n_units, np.nan)
    reference[unit_codes] = values  # the last row of the unit; any row would do
    different = values != reference[unit_codes]
    different &= ~(np.isnan(values) & np.isnan(reference[unit_codes]))
    return np.bincount(unit_codes[different], minlength=n_units) > 0


def covariates_by_unit(
    matrix: FloatArray,
    codes: IntArray,
    times: IntArray,
    size: tuple[int, int],
    grid: PanelGrid | None,
) -> tuple[FloatArray, FloatArray | None]:
    """Return covariates at each unit's first period, and by period when some vary.

    Parameters
    ----------
    matrix : (n, p) array
    codes, times : (n,) arrays of int
    size : (N, T)
    grid : PanelGrid or None

    Returns
    -------
    first : (N, p) array
    by_time : (N, T, p) array or None
    """
    columns, n_units = matrix.T, size[0]
    if grid is not None:
        wide = [grid.spread(column) for column in columns]
        first = np.column_stack([column[:, 0] for column in wide])
        if all(same_along_rows(column) for column in wide):
            return first, None
        return first, np.stack(wide, axis=-1)
    first = first_of_unit(matrix, codes, times, n_units)
    if not any(varies_within_unit(column, codes, n_units).any() for column in columns):
        return first, None
    cube = np.full((*size, len(columns)), np.nan)
    cube[codes, times] = matrix
    return first, cube
