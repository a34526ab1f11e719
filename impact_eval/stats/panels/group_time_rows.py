"""Group-time effects from rows: repeated cross-sections, or an unbalanced panel read as such.

Each cell compares four groups of rows. Influence values are summed by independent unit (a person
met several times, or a cluster), so that standard errors know who is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.drdid import DidMethod, TwoByTwo
from impact_eval.stats.panels.drdid_cross_sections import cross_section_did
from impact_eval.stats.panels.group_time import GroupTimeFit
from impact_eval.stats.panels.group_time_fit import Undefined
from impact_eval.stats.panels.group_time_plan import CellPlan
from impact_eval.stats.surveys.far_apart import gap_of_rows

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowData:
    """Rows of repeated cross-sections (n rows, N people, m independent units).

    Attributes
    ----------
    y : (n,) array
        Finite.
    time, cohort : (n,) arrays of int
        Codes; the number of treated cohorts stands for never treated.
    design : (n, p) array
        Covariates, constant included.
    weights : (n,) array
    independent : (n,) array of int
        Code of the independent unit of each row.
    person_cohort, person_independent : (N,) arrays of int
        Of each person (each row when people are not followed): for the shares of cohorts.
    person_weight : (N,) array
    n_independent : int
    """

    y: FloatArray
    time: IntArray
    cohort: IntArray
    design: FloatArray
    weights: FloatArray
    independent: IntArray
    person_cohort: IntArray
    person_independent: IntArray
    person_weight: FloatArray
    n_independent: int


def group_time_rows(
    data: RowData, plan: CellPlan, *, method: DidMethod = DidMethod.DR
) -> GroupTimeFit:
    """Estimate every cell of a plan on rows.

    Parameters
    ----------
    data : RowData
    plan : CellPlan
    method : DidMethod

    Returns
    -------
    GroupTimeFit
    """
    size, cohorts = plan.size, len(plan.cohorts)
    data = _side_by_side(data, len(plan.times))
    slices = _Slices(data, len(plan.times), cohorts)
    # When each row is a unit of its own, influence is written in place; adding by unit costs a
    # sort.
    apart = data.n_independent == len(data.y)
    estimates = np.where(plan.reference, 0.0, np.nan)
    influence = np.zeros((data.n_independent, size + cohorts), order="F")
    undefined: dict[int, Undefined] = {}
    treated, comparison = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    trimmed, largest, gap = 0, 0.0, 0.0
    for i in range(size):
        rows, is_treated, after = slices.cell(plan, i)
        treated[i], comparison[i] = int(is_treated.sum()), int((~is_treated).sum())
        if plan.reference[i]:
            continue
        # Callaway and Sant'Anna's appendix on repeated cross-sections: four groups of rows, no
        # change by unit, hence the regression of each side and moment (see `drdid_cross_sections`).
        found = _cell(data, rows, is_treated, after, method)
        if isinstance(found, Undefined):
            undefined[i] = found
            continue
        estimates[i] = found.estimate
        gap = max(gap, gap_of_rows(data.design[rows], is_treated, data.weights[rows]))
        if apart:
            influence[data.independent[rows], i] = found.influence
        else:
            _add_by_unit(influence[:, i], data.independent[rows], found.influence)
        if found.propensity is not None:
            trimmed = max(trimmed, found.propensity.trimmed)
            largest = max(largest, float(found.propensity.share.max()))
    shares = _cohort_shares(data, cohorts, influence[:, size:])
    return GroupTimeFit(
        plan=plan,
        estimates=estimates,
        covariance=influence.T @ influence,
        shares=shares,
        n_treated=treated,
        n_comparison=comparison,
        undefined=undefined,
        trimmed=trimmed,
        largest_propensity=largest,
        n_independent=data.n_independent,
        gap=gap,
        influence=lambda rows=None: influence if rows is None else influence @ rows.T,
    )


def _side_by_side(data: RowData, periods: int) -> RowData:
    """Sort rows by cohort then period, so that a cell reads its rows in sequence."""
    order = np.argsort(data.cohort * periods + data.time, kind="stable")
    return replace(
        data,
        y=data.y[order],
        time=data.time[order],
        cohort=data.cohort[order],
        design=data.design[order],
        weights=data.weights[order],
        independent=data.independent[order],
    )


def _add_by_unit(out: FloatArray, units: IntArray, values: FloatArray) -> None:
    """Add values to the entries of their units, reading no more of `out` than is needed."""
    if out.size < 4 * units.size:
        out += np.bincount(units, values, minlength=out.size)
    else:
        np.add.at(out, units, values)


class _Slices:
    """Rows of each cohort and period, once sorted."""

    def __init__(self, data: RowData, periods: int, cohorts: int) -> None:
        cell = data.cohort * periods + data.time
        counts = np.bincount(cell, minlength=(cohorts + 1) * periods)
        self.bounds = np.concatenate([[0], np.cumsum(counts)])
        self.periods = periods

    def rows(self, cohort: int, time: int) -> IntArray:
        cell = cohort * self.periods + time
        return np.arange(self.bounds[cell], self.bounds[cell + 1])

    def cell(self, plan: CellPlan, i: int) -> tuple[IntArray, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the rows of a cell, which are treated, and which are of its period."""
        parts = [
            (self.rows(cohort, time), cohort == plan.cohort[i], time == plan.time[i])
            for cohort in (plan.cohort[i], *np.flatnonzero(plan.controls[i]))
            for time in {int(plan.base[i]), int(plan.time[i])}
        ]
        sizes = [len(rows) for rows, _, _ in parts]
        return (
            np.concatenate([rows for rows, _, _ in parts]),
            np.repeat([treated for _, treated, _ in parts], sizes),
            np.repeat([after for _, _, after in parts], sizes),
        )


def _cell(
    data: RowData,
    rows: IntArray,
    treated: NDArray[np.bool_],
    after: NDArray[np.bool_],
    method: DidMethod,
) -> TwoByTwo | Undefined:
    weights = data.weights[rows]
    weighted = weights > 0
    for side, reason in ((True, Undefined.NO_TREATED), (False, Undefined.NO_COMPARISON)):
        for moment in (True, False):
            if not (weighted & (treated == side) & (after == moment)).any():
                return reason
    found = cross_section_did(
        data.y[rows], after, treated, data.design[rows], weights=weights, method=method
    )
    if found.propensity is not None and found.propensity.separated:
        return Undefined.NO_OVERLAP
    return found


def _cohort_shares(data: RowData, cohorts: int, out: FloatArray) -> FloatArray:
    """Return the cohorts' shares of people, and write each unit's part in them."""
    total = data.person_weight.sum()
    weight = data.person_weight / total
    for k in range(cohorts):
        part = np.where(data.person_cohort == k, weight, 0.0)
        _add_by_unit(out[:, k], data.person_independent, part)
    return np.asarray(out.sum(axis=0))
