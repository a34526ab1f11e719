"""Covariates asked once, at entry: one value for each unit, carried to its other periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data import roles

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Carried:
    """A covariate carried within units.

    Attributes
    ----------
    source : (n,) array of int
        Position of the row whose value each row takes; its own where nothing is carried.
    units : (m,) array of int
        Codes of the units whose value was carried.
    first : (m,) array of int
        Position of the row where each was measured.
    """

    source: IntArray
    units: IntArray
    first: IntArray


def carry(values: IntArray, units: IntArray, times: FloatArray) -> Carried | None:
    """Carry the one value of each unit to the rows where it is missing.

    None when there is nothing to carry, or when some unit has two values: what changes over time is
    not a characteristic at entry, and its holes are not filled.

    Parameters
    ----------
    values, units : (n,) arrays of int
        Codes; -1 where missing.
    times : (n,) array
        Period of each row: the earliest measure is the one carried.

    Examples
    --------
    >>> codes, people = np.array([5, -1, -1, 7]), np.array([0, 0, 1, 1])
    >>> carry(codes, people, np.array([1.0, 2.0, 1.0, 2.0])).source.tolist()
    [0, 0, 3, 3]
    >>> carry(np.array([5, 6, -1]), np.array([0, 0, 0]), np.arange(3.0)) is None
    True
    """
    seen = (values >= 0) & (units >= 0)
    size = int(units.max(initial=-1)) + 1
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(low, units[seen], values[seen])
    np.maximum.at(high, units[seen], values[seen])
    if bool(((high >= 0) & (low < high)).any()):
        return None
    rows = np.flatnonzero(seen)
    order = rows[np.lexsort((rows, times[rows], units[rows]))]
    holders, at = np.unique(units[order], return_index=True)
    first = np.full(size, -1)
    first[holders] = order[at]
    lacking = ~seen & (units >= 0)
    lacking[lacking] = first[units[lacking]] >= 0
    if not lacking.any():
        return None
    source = np.where(lacking, first[units], np.arange(len(values)))
    filled = np.unique(units[lacking])
    return Carried(source, filled, first[filled])


def carry_covariates(
    frame: pd.DataFrame,
    columns: tuple[str, str],
    assignment: tuple[str | None, str | None],
    covariates: Sequence[str],
    faults: FindingCollector,
) -> pd.DataFrame:
    """Return a table whose covariates asked once are known at every period of their unit.

    Parameters
    ----------
    frame : DataFrame
        It is not changed.
    columns : (unit, time)
    assignment : (cohort or None, treatment or None)
        To tell the measures made after entry into the action.
    covariates : sequence of str
    faults : FindingCollector
        Receives `covariate_carried`, and `covariate_after_entry` when some units were only measured
        once in the action.
    """
    holed = [name for name in covariates if bool(frame[name].isna().any())]
    if not holed:
        return frame
    units = _codes(frame[columns[0]])
    periods = roles.read_periods(frame[columns[1]], FindingCollector())
    times = np.asarray(periods.values[periods.codes], dtype=np.float64)
    new: dict[str, pd.Series[Any]] = {}
    entry: FloatArray | None = None
    for name in holed:
        found = carry(_codes(frame[name]), units, times)
        if found is None:
            continue
        column = frame[name]
        taken = column.take(found.source)
        new[name] = taken.set_axis(column.index)
        place = Place(column=name)
        n = len(found.units)
        faults.add(Finding.info("covariate_carried", place, column=name, n=n))
        entry = _entry(frame, units, periods, assignment) if entry is None else entry
        late = int((times[found.first] >= entry[found.units]).sum())
        if late:
            faults.add(Finding.warning("covariate_after_entry", place, column=name, n=late))
    return frame.assign(**new) if new else frame


def _codes(column: pd.Series[Any]) -> IntArray:
    try:
        codes, _ = pd.factorize(column, use_na_sentinel=True)
    except TypeError:  # lists and the like
        codes, _ = pd.factorize(column.astype(str), use_na_sentinel=True)
    return codes.astype(np.int64)


def _entry(
    frame: pd.DataFrame,
    units: IntArray,
    periods: roles.Periods,
    assignment: tuple[str | None, str | None],
) -> FloatArray:
    """Return the first treated period of each unit; infinity when never, or when it is not read."""
    cohort, treatment = assignment
    times = periods.values[periods.codes]
    faults = FindingCollector()  # what is wrong there is refused when the assignment is read
    if cohort is not None:
        rows = roles.read_cohorts(frame[cohort], periods, faults)
    elif treatment is not None:
        rows = np.where(roles.read_treatment(frame[treatment], faults) == 1, times, np.inf)
    else:
        rows = np.full(len(frame), np.inf)
    entry = np.full(int(units.max(initial=-1)) + 1, np.inf)
    known = units >= 0
    np.minimum.at(entry, units[known], rows[known])
    return entry
