"""Who is treated and since when: read from a cohort column, a treatment column, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data import roles
from impact_eval.data.entry_dates import (
    dates_counted,
    entries_between,
    uneven_periods,
    unseen_entries,
)
from impact_eval.data.odd_cells import place_seen, rows_seen
from impact_eval.data.panel import PanelGrid, varies_within_unit
from impact_eval.data.roles import FloatArray, IntArray, Periods
from impact_eval.data.shape import DataShape

BoolArray = NDArray[np.bool_]
PAIR = 2  # a first and a second measure
FAR = 10  # spans of the panel; a cohort farther out is a mistake of typing or of unit


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStructure:
    """What the rows are: units, periods, shape; all that reading an assignment needs.

    Attributes
    ----------
    shape : DataShape
    unit_codes : (n,) array or None
    unit_labels : (N,) array
    n_units : int
    periods : Periods or None
    time_values : (n,) array
    grid : PanelGrid or None
    """

    shape: DataShape
    unit_codes: IntArray | None
    unit_labels: NDArray[Any]
    n_units: int
    periods: Periods | None
    time_values: FloatArray
    grid: PanelGrid | None

    def count_units(self, rows: BoolArray) -> int:
        """Return the number of units among some rows."""
        if self.unit_codes is None:
            return int(rows.sum())
        return int(np.unique(self.unit_codes[rows]).size)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is treated and since when, by row.

    Attributes
    ----------
    cohorts : (n,) array or None
        First treated period, infinity when never treated within the panel.
    treated : (n,) array of bool or None
        Treated now.
    switches_off : bool
        Some unit leaves the action after entering it.
    entries : (n,) array or None
        The same as `cohorts`, with the dates after the last period as they are.
    """

    cohorts: FloatArray | None
    treated: BoolArray | None
    switches_off: bool
    entries: FloatArray | None = None


def read_assignment(
    frame: pd.DataFrame,
    cohort: str | None,
    treatment: str | None,
    structure: RowStructure,
    faults: FindingCollector,
) -> Assignment:
    """Read who is treated and since when, and refuse what contradicts itself.

    Parameters
    ----------
    frame : DataFrame
    cohort, treatment : str or None
        Columns.
    structure : RowStructure
    faults : FindingCollector
        Receives every fault found.
    """
    cohorts: FloatArray | None = None
    treated: BoolArray | None = None
    switches_off = False
    entries: FloatArray | None = None
    if cohort is not None:
        if structure.periods is None:
            faults.add(Finding.error("cohort_needs_time", column=cohort))
            faults.raise_if_errors()
        entries = _read_cohorts(roles.column_of(frame, cohort), structure, faults)
        assert structure.periods is not None  # else refused above
        cohorts = np.where(entries > structure.periods.values[-1], np.inf, entries)
    if treatment is not None:
        given = roles.read_treatment(roles.column_of(frame, treatment), faults) == 1
        if structure.periods is None or cohorts is not None:
            treated = given
        elif structure.shape is DataShape.PANEL:
            treated, cohorts = given, _cohorts_of(treatment, given, structure, faults)
            switches_off = bool((~given & (structure.time_values > cohorts)).any())
        else:
            faults.add(Finding.error("treatment_needs_unit", column=treatment))
    if cohorts is not None:
        assert structure.periods is not None
        periods = structure.periods
        faults.add(*uneven_periods(periods.values, periods.name))
        if periods.ranked and periods.calendar is None:
            faults.add(*dates_counted(periods.labels))
        since = structure.time_values >= cohorts
        if treated is not None and cohort is not None:
            _compare(treated, since, frame[[cohort, treatment]], faults)
        treated = since if treated is None else treated & since
    return Assignment(cohorts, treated, switches_off, cohorts if entries is None else entries)


def _read_cohorts(
    column: pd.Series[Any], structure: RowStructure, faults: FindingCollector
) -> FloatArray:
    assert structure.periods is not None
    cohorts = roles.read_cohorts(column, structure.periods, faults)
    name = str(column.name)
    if structure.shape is DataShape.PANEL:
        assert structure.unit_codes is not None
        changing = varies_within_unit(
            cohorts, structure.unit_codes, structure.n_units, structure.grid
        )
        if changing.any():
            faults.add(
                Finding.error(
                    "cohort_varies",
                    place_seen(column, changing[structure.unit_codes], name),
                    column=name,
                    n=int(changing.sum()),
                    examples=[str(u) for u in structure.unit_labels[changing][: roles.FIRST_ROWS]],
                )
            )
    _check_dates(cohorts, column, structure, faults)
    return cohorts


def _check_dates(
    cohorts: FloatArray, column: pd.Series[Any], structure: RowStructure, faults: FindingCollector
) -> None:
    """Tell entries before the first period or after the last; refuse those far outside."""
    assert structure.periods is not None
    periods = structure.periods
    first, last = (float(periods.values[i]) for i in (0, -1))
    reach = FAR * max(last - first, 1.0) + FAR
    absurd = np.isfinite(cohorts) & ((cohorts < first - reach) | (cohorts > last + reach))
    if absurd.any():
        faults.add(
            Finding.error(
                "cohort_outside_panel",
                place_seen(column, absurd, str(column.name)),
                column=str(column.name),
                n=int(absurd.sum()),
                examples=[f"{v:g}" for v in np.unique(cohorts[absurd])[: roles.FIRST_ROWS]],
                first=first,
                last=last,
            )
        )
    late = np.isfinite(cohorts) & (cohorts > last) & ~absurd
    shown = [periods.name(end) if periods.ranked else end for end in (first, last)]
    if late.any():
        n = structure.count_units(late)
        faults.add(Finding.warning("cohort_after_panel", n=n, last=shown[1]))
    kept = np.where(absurd | late, np.inf, cohorts)
    faults.add(*entries_between(kept, structure.unit_codes, periods.values, periods.name))
    put_off = np.isfinite(kept) & (kept > first) & roles.entries_put_off(column, periods)
    if put_off.any():
        faults.add(Finding.info("entry_put_off", n=structure.count_units(put_off)))
    early = cohorts <= first
    if early.any() and not (absurd & early).any():
        n = structure.count_units(early)
        faults.add(Finding.warning("always_treated", n=n, first=shown[0]))


def _cohorts_of(
    column: str, treated: BoolArray, structure: RowStructure, faults: FindingCollector
) -> FloatArray:
    """Derive each unit's first treated period; over two waves, who is helped enters in between.

    A column that never changes says who is helped and not since when. With a first and a second
    measure there is one reading under which it compares anything: the first is before the action.
    """
    periods = structure.periods
    assert periods is not None
    assert structure.unit_codes is not None
    never_changes = constant_by_unit(treated, structure.unit_codes, structure.n_units)
    if len(periods.values) != PAIR or not treated.any() or not never_changes:
        return _cohorts_from(treated, structure, faults)
    faults.add(
        Finding.warning(
            "entry_between_waves",
            Place(column=column),
            column=column,
            n=structure.count_units(treated),
            first=roles.period_name(periods.labels[0]),
            last=roles.period_name(periods.labels[1]),
        )
    )
    return np.where(treated, float(periods.values[1]), np.inf)


def constant_by_unit(treated: BoolArray, unit_codes: IntArray, n_units: int) -> bool:
    """Whether a 0/1 column never changes for any unit: it says who is helped, not since when."""
    return not varies_within_unit(treated.astype(np.float64), unit_codes, n_units).any()


def _cohorts_from(
    treated: BoolArray, structure: RowStructure, faults: FindingCollector
) -> FloatArray:
    """Derive each unit's first treated period from a 0/1 column; count those not seen to enter."""
    assert structure.unit_codes is not None
    assert structure.periods is not None
    unseen = unseen_entries(
        treated,
        structure.unit_codes,
        structure.periods.codes,
        structure.periods.values,
        structure.n_units,
    )
    if unseen.any():
        faults.add(Finding.warning("entry_date_uncertain", n=int(unseen.sum())))
    first = np.full(structure.n_units, np.inf)
    np.minimum.at(first, structure.unit_codes[treated], structure.time_values[treated])
    cohorts: FloatArray = first[structure.unit_codes]
    return cohorts


def _compare(
    treated: BoolArray,
    since: BoolArray,
    frame: pd.DataFrame,
    faults: FindingCollector,
) -> None:
    """Refuse a cohort and a treatment column that tell different stories."""
    different = treated != since
    if different.any():
        cohort, treatment = map(str, frame.columns)
        rows = rows_seen(frame, different, treatment)
        faults.add(
            Finding.error(
                "cohort_and_treatment_disagree",
                place_seen(frame, different, treatment),
                n=int(different.sum()),
                rows=rows,
                cohort=cohort,
                treatment=treatment,
            )
        )
