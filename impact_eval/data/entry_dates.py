"""What a table does not say of dates: entries between two periods, unseen entries, uneven gaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FIRST_DATES = 12  # dates named in a sentence
LONGER = 1.5  # a gap this many times the shortest one: months of 28 to 31 days are one pace


def written_number(value: float) -> str:
    """Return a date that is a number."""
    return f"{value:g}"


def entries_between(
    cohorts: FloatArray,
    units: IntArray | None,
    times: FloatArray,
    name: Callable[[float], str] = written_number,
) -> tuple[Finding, ...]:
    """Name the dates of entry that fall between two periods, and count who enters then.

    Parameters
    ----------
    cohorts : (n,) array
        Date of entry of each row, infinite for never.
    units : (n,) array or None
        Codes of the units.
    times : (T,) array
        Sorted periods.
    name : function
        How a date is written.
    """
    inside = np.isfinite(cohorts) & (cohorts > times[0]) & ~np.isin(cohorts, times)
    if not inside.any():
        return ()
    dates = np.unique(cohorts[inside])
    n = int(inside.sum()) if units is None else int(np.unique(units[inside]).size)
    named = [name(float(date)) for date in dates[:FIRST_DATES]]
    return (Finding.info("entry_between_periods", n=n, cohorts=named),)


def uneven_periods(
    times: FloatArray, name: Callable[[float], str] = written_number
) -> tuple[Finding, ...]:
    """Name the periods when they do not follow each other at one pace."""
    gaps = np.diff(times)
    if gaps.size < 2 or gaps.max() < LONGER * gaps.min():
        return ()
    named = [name(float(time)) for time in times[:FIRST_DATES]]
    return (Finding.info("periods_uneven", n=len(times), times=named),)


def dates_counted(labels: NDArray[Any]) -> tuple[Finding, ...]:
    """Name dates that follow each other at no pace, and far from evenly: time counts surveys."""
    if labels.dtype.kind != "M":
        return ()
    uneven = uneven_periods(labels.astype("datetime64[s]").astype(np.float64))
    if not uneven:
        return ()
    named = [str(label)[:10] for label in labels[:FIRST_DATES]]
    return (Finding.warning("dates_counted", n=len(labels), times=named),)


def unseen_entries(
    treated: BoolArray, units: IntArray, codes: IntArray, times: FloatArray, n_units: int
) -> BoolArray:
    """Return which units were not observed just before they were first seen treated.

    Their entry is somewhere between the two rows: a row is absent there, or the survey waited for
    longer than between its nearest periods. Those treated at the first period of the panel are not
    among them: they are always treated.

    Parameters
    ----------
    treated : (n,) array of bool
    units, codes : (n,) arrays of int
        Codes of the unit and of the period of each row.
    times : (T,) array
    n_units : int

    Returns
    -------
    (N,) array of bool

    Examples
    --------
    >>> on, units = np.array([False, True, False, True]), np.array([0, 0, 1, 1])
    >>> unseen_entries(on, units, np.array([0, 1, 0, 2]), np.array([0.0, 1.0, 2.0]), 2).tolist()
    [False, True]
    """
    never = len(times)
    first = np.full(n_units, never)
    np.minimum.at(first, units[treated], codes[treated])
    before = np.full(n_units, -1)
    earlier = codes < first[units]
    np.maximum.at(before, units[earlier], codes[earlier])
    entered = (first < never) & (first > 0)
    if len(times) < 2:
        return entered & False
    gap = np.where(before < 0, np.inf, times[np.minimum(first, never - 1)] - times[before])
    return np.asarray(entered & (gap >= LONGER * np.diff(times).min()))
