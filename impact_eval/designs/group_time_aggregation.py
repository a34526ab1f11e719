r"""Aggregate group-time effects: simple, event, group, calendar, with the weights' own uncertainty.

Every aggregate is a weighted mean of cells whose weights are shares of cohorts,
:math:`\theta = \sum_c p_{k(c)}\,ATT_c / \sum_c p_{k(c)}`.
Shares are estimated: their influence adds :math:`(ATT_c - \theta)/\sum p` per cell, as in R's did.
An aggregate is therefore a linear map of cells and shares, and its covariance needs no second pass
over the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import (
    Effect,
    Estimate,
    Influence,
    Label,
    MethodRecord,
    wald_effect,
)
from impact_eval.core.findings import Finding
from impact_eval.designs.own_tests import apply_tests
from impact_eval.stats.inference.covariances import CovarianceResult

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

KINDS = ("simple", "event", "group", "calendar")


def without_interval(effect: Effect) -> Effect:
    """Return a row with its standard error but no test and no interval."""
    return replace(effect, statistic=None, p_value=None, conf_low=None, conf_high=None)


@dataclass(frozen=True, kw_only=True)
class GroupTimeCells:
    """What aggregation needs to know of c cells of K treated cohorts.

    Attributes
    ----------
    cohort : (c,) array of int
        Code of the cohort of each cell.
    event_time, period : (c,) arrays
        Periods since treatment; the period itself.
    cohorts, shares : (K,) arrays
        First treated periods; weight of each cohort over all units.
    times : (T,) array
    n_treated, n_comparison : (c,) arrays of int
    n_units, n_independent : (K,) arrays of int
        Units, and units or clusters, of each cohort. A row that rests on one unit has no standard
        error; one that rests on one cluster has no interval.
    """

    cohort: IntArray
    event_time: FloatArray
    period: FloatArray
    cohorts: FloatArray
    shares: FloatArray
    times: FloatArray
    n_treated: IntArray
    n_comparison: IntArray
    n_units: IntArray
    n_independent: IntArray

    @property
    def post(self) -> BoolArray:
        """(c,) whether the cell is treated."""
        return np.asarray(self.event_time >= 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One aggregate: its term, its place, and the cells it averages.

    Attributes
    ----------
    term : str
    group, time : label or None
    cells : (c,) array of bool
        Cells with a part in it.
    weights : (c,) array
        Their weights, summing to one.
    slope : (c + K,) array
        The row as a linear map of cells and shares.
    """

    term: str
    group: Label
    time: Label
    cells: BoolArray
    weights: FloatArray
    slope: FloatArray


@dataclass(frozen=True, kw_only=True)
class GroupTimeAggregator:
    """Aggregates an estimate whose rows are group-time cells.

    Attributes
    ----------
    cells : GroupTimeCells
    estimates : (c,) array
        NaN where undefined.
    covariance : (c + K, c + K) array
        Of the cells, then of the shares.
    influence : function or None
        Makes the (m, J) influence values of (J, c + K) combinations.
    result : CovarianceResult or None
        The covariance asked for by name, with its degrees of freedom and its tests.
    units : (m,) array
        Labels of the independent units.
    n_clusters : int or None
    balance : float, optional
        Event studies keep the cohorts observed for at least this many periods after treatment, and
        event times within that window: the same cohorts at every event time.
    window : tuple, optional
        First and last event time shown; either may be None.
    label : function
        How a period or cohort is written in a row.
    """

    cells: GroupTimeCells
    estimates: FloatArray
    covariance: FloatArray
    influence: Callable[[FloatArray], FloatArray] | None
    units: NDArray[Any]
    n_clusters: int | None
    result: CovarianceResult | None = None
    balance: float | None = None
    window: tuple[float | None, float | None] | None = None
    label: Callable[[float], Label] = float

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of aggregation offered."""
        return KINDS

    def aggregate(self, estimate: Estimate, kind: str) -> Estimate:
        """Return the aggregated estimate; its last row, `att`, is the overall effect.

        Parameters
        ----------
        estimate : Estimate
            The group-time rows.
        kind : {"simple", "event", "group", "calendar"}

        Returns
        -------
        Estimate
        """
        rows = _KINDS[kind](self)
        findings = [*estimate.findings]
        if not rows:
            findings.append(Finding.warning("nothing_to_aggregate", kind=kind))
        slopes = np.array([row.slope for row in rows]).reshape(len(rows), self._width)
        covariance = slopes @ self.covariance @ slopes.T
        df = [None] * len(rows) if self.result is None else self.result.combine(slopes).df.tolist()
        counts = [self._counts(row) for row in rows]
        one_unit = np.array([units <= 1 for units, _ in counts], dtype=bool)
        one_cluster = np.array([clusters <= 1 for _, clusters in counts], dtype=bool) & ~one_unit
        variance = np.diag(covariance).copy()
        blank = one_unit | (variance <= 0)
        covariance[blank, :] = np.nan
        covariance[:, blank] = np.nan
        for code, found in (("row_of_one_unit", one_unit), ("row_of_one_cluster", one_cluster)):
            names = [_name(row) for row, one in zip(rows, found, strict=True) if one]
            if names:
                findings.append(Finding.warning(code, kind=kind, rows=names))
        errors = [
            None if gap else float(np.sqrt(v)) for gap, v in zip(blank, variance, strict=True)
        ]
        values = slopes[:, : len(self.estimates)] @ np.nan_to_num(self.estimates)
        numbers = zip(rows, values, errors, df, one_cluster, strict=True)
        effects = [
            without_interval(effect) if one else effect
            for row, value, error, freedom, one in numbers
            for effect in [self._effect(estimate, row, value, error, freedom)]
        ]
        shown, noted = apply_tests(
            effects, None if self.result is None else self.result.tests, slopes
        )
        findings += [f for f in noted if f not in findings]
        return replace(
            estimate,
            effects=shown,
            covariance=covariance,
            influence=self._influence(slopes),
            aggregator=None,
            method=_record(estimate.method, kind),
            findings=tuple(findings),
        )

    @property
    def _width(self) -> int:
        return len(self.estimates) + len(self.cells.cohorts)

    def _counts(self, row: Row) -> tuple[int, int]:
        """Return the largest numbers of units and of clusters among the cohorts of a row."""
        cohorts = np.unique(self.cells.cohort[row.cells])
        cells = self.cells
        return int(cells.n_units[cohorts].max()), int(cells.n_independent[cohorts].max())

    def _influence(self, slopes: FloatArray) -> Influence | None:
        if self.influence is None:
            return None
        make = self.influence
        return Influence(lambda: make(slopes), self.units)

    def _effect(
        self,
        estimate: Estimate,
        row: Row,
        value: float,
        std_error: float | None,
        df: float | None,
    ) -> Effect:
        cells = self.cells
        chosen = np.flatnonzero(row.cells)
        largest = np.zeros(len(cells.cohorts), dtype=np.int64)
        np.maximum.at(largest, cells.cohort[chosen], cells.n_treated[chosen])
        level = estimate.effects[0].conf_level if estimate.effects else 0.95
        return wald_effect(
            outcome=estimate.outcome,
            estimand=estimate.estimand,
            term=row.term,
            group=row.group,
            time=row.time,
            estimate=float(value),
            std_error=std_error,
            df=df,
            conf_level=level,
            n_treated=int(largest.sum()),
            n_comparison=int(cells.n_comparison[chosen].max(initial=0)),
            n_clusters=self.n_clusters,
        )

    # -- the rows of each kind ------------------------------------------------------------------

    def weighted(
        self, term: str, mask: BoolArray, *, group: Label = None, time: Label = None
    ) -> Row:
        """Average cells with the shares of their cohorts."""
        cells = self.cells
        weight = np.where(mask, cells.shares[cells.cohort], 0.0)
        total = weight.sum()
        values = np.nan_to_num(self.estimates)
        mean = float(weight @ values) / total
        slope = np.zeros(self._width)
        slope[: len(values)] = weight / total
        part = np.where(mask, (values - mean) / total, 0.0)
        slope[len(values) :] = np.bincount(cells.cohort, part, minlength=len(cells.cohorts))
        return Row(term, group, time, mask, weight / total, slope)

    def average(
        self, term: str, mask: BoolArray, *, group: Label = None, time: Label = None
    ) -> Row:
        """Average cells with equal weights."""
        weight = mask / mask.sum()
        slope = np.concatenate([weight, np.zeros(len(self.cells.cohorts))])
        return Row(term, group, time, mask, weight, slope)

    def mean_of(self, rows: list[Row]) -> Row:
        """Average rows with equal weights: the overall effect."""
        size = len(rows)
        return Row(
            "att",
            None,
            None,
            np.any([row.cells for row in rows], axis=0),
            sum((row.weights for row in rows), np.zeros(len(self.estimates))) / size,
            sum((row.slope for row in rows), np.zeros(self._width)) / size,
        )

    @property
    def defined(self) -> BoolArray:
        """(c,) cells that have an estimate."""
        return np.asarray(np.isfinite(self.estimates))


def _simple(table: GroupTimeAggregator) -> list[Row]:
    mask = table.defined & table.cells.post
    return [table.weighted("att", mask)] if mask.any() else []


def _event(table: GroupTimeAggregator) -> list[Row]:
    cells, mask = table.cells, table.defined.copy()
    if table.balance is not None:
        room = cells.times[-1] - cells.cohorts[cells.cohort]
        first = table.balance - cells.times[-1] + cells.times[0]
        mask &= (room >= table.balance) & (cells.event_time <= table.balance)
        mask &= cells.event_time >= first
    low, high = table.window or (None, None)
    mask &= cells.event_time >= (-np.inf if low is None else low)
    mask &= cells.event_time <= (np.inf if high is None else high)
    rows = [
        table.weighted("event", mask & (cells.event_time == e), time=float(e))
        for e in np.unique(cells.event_time[mask])
    ]
    after = [row for row in rows if isinstance(row.time, float) and row.time >= 0]
    return [*rows, table.mean_of(after)] if after else rows


def _group(table: GroupTimeAggregator) -> list[Row]:
    cells, mask = table.cells, table.defined & table.cells.post
    codes = np.unique(cells.cohort[mask])
    rows = [
        table.average("group", mask & (cells.cohort == k), group=table.label(cells.cohorts[k]))
        for k in codes
    ]
    return [*rows, _overall_of_groups(table, rows, codes)] if rows else []


def _overall_of_groups(table: GroupTimeAggregator, rows: list[Row], codes: IntArray) -> Row:
    """Weight cohorts by their shares: the effect on a treated unit, averaged over its periods."""
    shares = table.cells.shares[codes]
    total = shares.sum()
    size = len(table.estimates)
    means = np.array([row.weights for row in rows]) @ np.nan_to_num(table.estimates)
    overall = float(shares @ means) / total
    slope = sum((s / total * row.slope for s, row in zip(shares, rows, strict=True)),
                np.zeros(size + len(table.cells.cohorts)))  # fmt: skip
    slope[size + codes] += (means - overall) / total
    weights = slope[:size].copy()
    return Row("att", None, None, np.any([row.cells for row in rows], axis=0), weights, slope)


def _calendar(table: GroupTimeAggregator) -> list[Row]:
    cells, mask = table.cells, table.defined & table.cells.post
    rows = [
        table.weighted("calendar", mask & (cells.period == t), time=table.label(t))
        for t in np.unique(cells.period[mask])
    ]
    return [*rows, table.mean_of(rows)] if rows else []


_KINDS: Mapping[str, Callable[[GroupTimeAggregator], list[Row]]] = MappingProxyType(
    {"simple": _simple, "event": _event, "group": _group, "calendar": _calendar}
)


def _name(row: Row) -> str:
    place = row.group if row.time is None else row.time
    return "att" if place is None else f"{place:g}" if isinstance(place, float) else place


def _record(method: MethodRecord, kind: str) -> MethodRecord:
    return MethodRecord(method.name, {**method.options, "aggregation": kind}, method.covariance)
