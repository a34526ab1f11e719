"""Which group-time effects a roll-out identifies, and against whom each is compared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class ControlGroup(StrEnum):
    """Who stands for what would have happened."""

    NEVER_TREATED = "never_treated"
    NOT_YET_TREATED = "not_yet_treated"


class BasePeriod(StrEnum):
    """The reference of periods before treatment: the one just before, or the last untreated one."""

    VARYING = "varying"
    UNIVERSAL = "universal"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPlan:
    """The group-time cells of a roll-out: c cells, T periods, K treated cohorts.

    Attributes
    ----------
    times : (T,) array
    cohorts : (K,) array
        First treated periods, ascending; never-treated units have code K.
    cohort, time, base : (c,) arrays of int
        Codes of the cohort, of the period and of its base period.
    controls : (c, K + 1) array of bool
        Cohorts that serve as comparison; the last column is the never treated.
    reference : (c,) array of bool
        The base period itself (universal base): zero by construction.
    """

    times: FloatArray
    cohorts: FloatArray
    cohort: IntArray
    time: IntArray
    base: IntArray
    controls: BoolArray
    reference: BoolArray

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.cohort)

    @property
    def event_time(self) -> FloatArray:
        """(c,) periods since the first treated one."""
        return self.times[self.time] - self.cohorts[self.cohort]

    @property
    def post(self) -> BoolArray:
        """(c,) whether the cohort is treated in the period."""
        return np.asarray(self.event_time >= 0)


def plan_cells(
    times: FloatArray,
    cohorts: FloatArray,
    *,
    control_group: ControlGroup,
    base_period: BasePeriod,
    anticipation: float = 0,
    late: bool = True,
) -> CellPlan:
    r"""List the group-time cells, their base periods and their comparison groups.

    A treated cell (t >= g) is compared with the last period before g - anticipation. Before
    treatment the base is the period just before (varying) or that same last one (universal).
    Not-yet-treated comparisons are untreated, and not about to be, in both periods of the cell.

    Parameters
    ----------
    times : (T,) array
        Ascending.
    cohorts : (K,) array
        Ascending, finite; those without a period before g - anticipation have no cell, nor those
        that enter after the last period (`late`): they are compared with until they may react.
    control_group, base_period : ControlGroup, BasePeriod
    anticipation : float
        Periods before g at which behaviour may already change.
    late : bool
        Cohorts beyond the last period entered after the panel: false where the panel was cut.

    Returns
    -------
    CellPlan

    Examples
    --------
    >>> plan = plan_cells(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0]),
    ...                   control_group=ControlGroup.NEVER_TREATED, base_period=BasePeriod.VARYING)
    >>> plan.cohort.tolist(), plan.time.tolist(), plan.base.tolist()
    ([0, 0, 1, 1], [1, 2, 1, 2], [0, 0, 0, 1])
    """
    size = len(cohorts)
    never = np.arange(size + 1) == size
    beyond = (cohorts > times[-1]) & late
    rows: list[tuple[int, int, int, BoolArray, bool]] = []
    for k, start in enumerate(cohorts):
        # `last` is g - delta - 1 in theorem 1 of Callaway and Sant'Anna (2021), delta the
        # anticipation.
        before = np.flatnonzero(times + anticipation < start)
        if not before.size or beyond[k]:
            continue
        last = int(before[-1])
        universal = base_period is BasePeriod.UNIVERSAL
        for t in range(0 if universal else 1, len(times)):
            base = last if universal or times[t] >= start else t - 1
            controls = never.copy()
            # Their assumption 5 compares with those untreated at t + delta. The later of the two
            # periods decides, for a cohort starting between them would bring its own effect into
            # the change.
            controls[:-1] = cohorts > times[max(t, base)] + anticipation
            if control_group is ControlGroup.NEVER_TREATED:
                controls[:-1] &= beyond
            controls[k] = False
            rows.append((k, t, base, controls, base == t))
    return CellPlan(
        times=times,
        cohorts=cohorts,
        cohort=np.array([row[0] for row in rows], dtype=np.int64),
        time=np.array([row[1] for row in rows], dtype=np.int64),
        base=np.array([row[2] for row in rows], dtype=np.int64),
        controls=np.array([row[3] for row in rows], dtype=bool).reshape(len(rows), size + 1),
        reference=np.array([row[4] for row in rows], dtype=bool),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Cells that share a treated cohort, a comparison group and the rows they read.

    Attributes
    ----------
    treated : int
        Cohort code.
    controls : tuple of int
        Cohort codes; the number of treated cohorts stands for never treated.
    cells : (m,) array of int
        Positions in the plan.
    periods : (q,) array of int
        Periods read.
    contrast : (q, m) array
        +1 at the period of a cell, -1 at its base.
    covariate_period : int or None
        Period at which varying covariates are read; None when they do not vary.
    pairwise : bool
        Only units observed in both periods are read (panel with holes).
    """

    treated: int
    controls: tuple[int, ...]
    cells: IntArray
    periods: IntArray
    contrast: FloatArray
    covariate_period: int | None
    pairwise: bool


def comparisons(
    plan: CellPlan, *, varying_covariates: bool = False, pairwise: bool = False
) -> tuple[Comparison, ...]:
    """Group the cells of a plan so that what they share is computed once.

    Parameters
    ----------
    plan : CellPlan
    varying_covariates : bool
        Covariates are then read at the base period of each cell.
    pairwise : bool
        Holes in the panel: each pair of periods has its own units.

    Returns
    -------
    tuple of Comparison
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for i in range(plan.size):
        if plan.reference[i] or not plan.controls[i].any():
            continue
        key = (
            int(plan.cohort[i]),
            tuple(np.flatnonzero(plan.controls[i]).tolist()),
            int(plan.base[i]) if varying_covariates else None,
            i if pairwise else None,
        )
        groups.setdefault(key, []).append(i)
    return tuple(
        _comparison(plan, np.array(cells), pairwise, varying_covariates)
        for cells in groups.values()
    )


def _comparison(
    plan: CellPlan, cells: IntArray, pairwise: bool, varying_covariates: bool
) -> Comparison:
    time, base = plan.time[cells], plan.base[cells]
    periods = np.union1d(time, base) if pairwise else np.arange(len(plan.times))
    contrast = np.zeros((len(periods), len(cells)))
    columns = np.arange(len(cells))
    contrast[np.searchsorted(periods, time), columns] = 1.0
    contrast[np.searchsorted(periods, base), columns] = -1.0
    return Comparison(
        treated=int(plan.cohort[cells[0]]),
        controls=tuple(np.flatnonzero(plan.controls[cells[0]]).tolist()),
        cells=cells,
        periods=periods,
        contrast=contrast,
        covariate_period=int(base[0]) if varying_covariates else None,
        pairwise=pairwise,
    )
