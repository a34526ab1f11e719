r"""Average cohort-by-period effects, whatever design made them: simple, event, group, calendar.

Every aggregate is a weighted mean of cells, :math:`\theta = \sum_c p_c\,ATT_c / \sum_c p_c`, and a
last row `att` is the overall effect. Where the weights are themselves estimated (shares of cohorts,
Callaway and Sant'Anna 2021, section 4.2), each share adds :math:`(ATT_c - \theta)/\sum p` to what
an aggregate depends on: it is then a linear map of cells and shares, and its covariance needs no
second pass over the data.

References
----------
Callaway, B. and Sant'Anna, P. (2021). doi:10.1016/j.jeconom.2020.12.001
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, Label, MethodRecord
from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.designs.averages import OVERALL, Average, completed, told_of_blanks
from impact_eval.designs.balanced_window import balanced_cohorts
from impact_eval.designs.cohort_panel import Panel
from impact_eval.designs.influence_sources import InfluenceSource
from impact_eval.designs.panel_effects import CommonParts, Row, make_estimate
from impact_eval.designs.reference_times import ELAPSED, reference_details

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class Alone(StrEnum):
    """What is told of the error of a row that rests on a single cluster (or unit).

    `no_error`: nothing, it is next to nothing by construction. `no_interval`: its error, without a
    test; nothing when it rests on a single unit. `as_asked`: all, a covariance was asked for.
    """

    NO_ERROR = "no_error"
    NO_INTERVAL = "no_interval"
    AS_ASKED = "as_asked"


class Overall(StrEnum):
    """The last row: the mean of the rows before it, or of all cells."""

    OF_ROWS = "of_rows"
    OF_CELLS = "of_cells"


@dataclass(frozen=True, kw_only=True)
class Cells:
    """K effects, each of one of G cohorts in one period.

    Attributes
    ----------
    effects : (K,) array
        NaN where not identified.
    event_time, period : (K,) arrays
        Time since the start, in the units of the calendar; the period.
    weight : (K,) array
        What the cell weighs in an average.
    share : (K,) array of int
        Which share that weight is, where the source knows of shares; -1 for none.
    cohort : (K,) array of int
        Code of the cohort; -1 for the rows of a placebo regression, which only the event study
        shows.
    n_treated, n_comparison : (K,) arrays of int
    cohorts, sizes : (G,) arrays
        First treated period; total weight.
    n_units, n_clusters : (G,) arrays of int
        Units, and units or clusters that are independent.
    untested : (K,) array of bool
        Cells whose lack of an error is told otherwise: reference periods, undefined cells.
    why : mapping of int to str
        Why a cell is not identified, by its place.
    """

    effects: FloatArray
    event_time: FloatArray
    period: FloatArray
    weight: FloatArray
    share: IntArray
    cohort: IntArray
    n_treated: IntArray
    n_comparison: IntArray
    cohorts: FloatArray
    sizes: FloatArray
    n_units: IntArray
    n_clusters: IntArray
    untested: BoolArray
    why: Mapping[int, str] = field(default_factory=dict)

    @property
    def post(self) -> BoolArray:
        """(K,) treated cells that are identified."""
        return np.asarray((self.cohort >= 0) & (self.event_time >= 0) & np.isfinite(self.effects))

    def beside(self, other: Mapping[str, NDArray[Any]]) -> Cells:
        """Return these cells and others of the same cohorts, given by column."""
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), v]) for name, v in other.items()
        }
        return replace(self, **joined)


def cells_of_panel(
    panel: Panel,
    cohort: IntArray,
    period: IntArray,
    effects: FloatArray,
    weight: FloatArray,
    *,
    blank: str = "cell_not_identified",
) -> Cells:
    """Return the cells of a panel: codes of cohort and period, effects and weights, all (K,).

    `blank` says why some have no effect.
    """
    untreated = panel.starts[:, None] > np.arange(panel.n_periods)[None, :]
    untreated &= ~panel.reacting
    sizes = np.bincount(panel.codes, weights=panel.unit_weights, minlength=len(panel.starts))
    waiting = panel.cell_count * untreated
    # nobody is its own comparison; a lead of no cohort (-1) is compared with all who wait
    own = np.where(cohort >= 0, waiting[cohort, period], 0)
    return Cells(
        effects=effects,
        event_time=panel.event_times[cohort, period],
        period=panel.times[period],
        weight=weight,
        share=cohort * panel.n_periods + period,
        cohort=cohort,
        n_treated=panel.cell_count[cohort, period],
        n_comparison=waiting.sum(axis=0)[period] - own,
        cohorts=panel.cohorts,
        sizes=np.asarray(sizes, dtype=np.float64),
        n_units=panel.counts,
        n_clusters=panel.cohort_clusters,
        untested=~np.isfinite(effects),
        why=dict.fromkeys(np.flatnonzero(~np.isfinite(effects)).tolist(), blank),
    )


@dataclass(frozen=True, kw_only=True)
class CellAggregator:
    """Aggregates an estimate of K cells.

    Attributes
    ----------
    cells : Cells
    report : CommonParts
    source : InfluenceSource
        Of the K cells.
    shares : int
        S, how many shares the source knows of; 0 where the weights are taken as given.
    alone : Alone
    overall : Overall
    balance : float, optional
        Event studies keep the cohorts with an effect at every event time from 0 to this one, and
        event times within that window: the same cohorts at each.
    window : tuple, optional
        First and last event time shown; either may be None.
    span : tuple of float
        First and last period, for `balance`.
    elapsed : (K,) array, optional
        Time from the period that each cell is measured against to its own; told with event studies.
    label : function
        How a period or cohort is written in a row.
    """

    cells: Cells
    report: CommonParts
    source: InfluenceSource
    shares: int = 0
    alone: Alone = Alone.NO_ERROR
    overall: Overall = Overall.OF_ROWS
    balance: float | None = None
    window: tuple[float | None, float | None] | None = None
    span: tuple[float, float] = (0.0, 0.0)
    elapsed: FloatArray | None = None
    label: Callable[[float], Label] = float

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of aggregation offered."""
        return tuple(_KINDS)

    def rows(self) -> list[Row]:
        """Return the rows of the cells themselves."""
        cells = self.cells
        behind = {int(g): self._clusters(np.array([g])) for g in np.unique(cells.cohort)}
        return [self._cell_row(k, behind[int(g)]) for k, g in enumerate(cells.cohort)]

    def estimate(self) -> Estimate:
        """Return the estimate of the cells themselves."""
        combined = self.source.combine(np.eye(len(self.cells.effects)))
        report = replace(self.report, findings=(*self.report.findings, *self._without_effect()))
        return make_estimate(report, self.rows(), self.cells.effects, combined, self)

    def _without_effect(self) -> tuple[Finding, ...]:
        """Count the units of the cohorts that have no effect at all after their entry."""
        cells = self.cells
        asked = (cells.cohort >= 0) & (cells.event_time >= 0)
        left = np.setdiff1d(cells.cohort[asked], cells.cohort[cells.post])
        if not left.size:
            return ()
        labels = [self.label(float(g)) for g in cells.cohorts[left]]
        names = [f"{g:g}" if isinstance(g, float) else str(g) for g in labels]
        n = int(cells.n_units[left].sum())
        return (Finding.warning("cohorts_without_effect", n=n, cohorts=names),)

    def aggregate(self, estimate: Estimate, kind: str) -> Estimate:
        """Return the aggregated estimate; its last row, `att`, is the overall effect.

        Parameters
        ----------
        estimate : Estimate
            The rows of the cells.
        kind : {"simple", "event", "group", "calendar"}

        Returns
        -------
        Estimate
        """
        averages = self._averages(kind)
        size = len(averages), len(self.cells.effects)
        weights = np.array([a.weights for a in averages]).reshape(size)
        shares = None
        if self.shares:
            shares = np.array([a.slope for a in averages]).reshape(size[0], self.shares)
        behind = [self._behind(average) for average in averages]
        rows = [self._row(a, found) for a, found in zip(averages, behind, strict=True)]
        method = estimate.method
        options = {**method.options, "aggregation": kind}
        report = replace(
            self.report,
            method=MethodRecord(method.name, options, method.covariance),
            findings=(
                *self.report.findings,
                *self._without_effect(),
                *self._findings(kind, averages, behind),
            ),
            details={**self.report.details, **self._measured_against(kind, averages)},
        )
        values = weights @ np.nan_to_num(self.cells.effects)
        values[[average.reason is not None for average in averages]] = np.nan
        return make_estimate(report, rows, values, self.source.combine(weights, shares))

    def _averages(self, kind: str) -> list[Average]:
        """Return the averages of a kind, those without any effect to average included."""
        cells, average = self.cells, _KINDS[kind]
        found = average(self)
        if np.isfinite(cells.effects).all() and found and found[-1].term == OVERALL:
            return found
        filled = replace(self, cells=replace(cells, effects=np.nan_to_num(cells.effects)))
        size = {"cells": len(cells.effects), "shares": self.shares}
        return completed(found, average(filled), cells.why, **size)

    def _findings(
        self, kind: str, averages: list[Average], behind: list[_Behind]
    ) -> tuple[Finding, ...]:
        out = list(told_of_blanks(averages, [_name(a) for a in averages], kind))
        out += self._unbalanced() if _KINDS[kind] is _event else []
        if self.alone is not Alone.NO_INTERVAL:
            return tuple(out)
        for code in ("row_of_one_unit", "row_of_one_cluster"):
            names = [_name(a) for a, b in zip(averages, behind, strict=True) if b.told == code]
            if names:
                out.append(Finding.warning(code, kind=kind, rows=names))
        return tuple(out)

    @property
    def same_cohorts(self) -> BoolArray:
        """(G,) the cohorts of a balanced event study; all without `balance`."""
        cells = self.cells
        if self.balance is None:
            return np.ones(len(cells.cohorts), dtype=bool)
        return balanced_cohorts(
            cells.cohort,
            cells.event_time,
            np.isfinite(cells.effects),
            room=self.span[1] - cells.cohorts,
            balance=self.balance,
        )

    def _measured_against(self, kind: str, averages: list[Average]) -> dict[str, Any]:
        """Say what the rows of an event study are measured against (`reference_times`)."""
        if self.elapsed is None or _KINDS[kind] is not _event:
            return {}
        cells, rows = self.cells, np.array([a.weights != 0 for a in averages], dtype=bool)
        used = rows.reshape(len(averages), len(cells.effects)).any(axis=0) & cells.post
        told = [self.elapsed[a.weights != 0] for a in averages]
        return {
            **reference_details((cells.event_time - self.elapsed)[used]),
            ELAPSED: [float(e[0]) if e.size and np.ptp(e) == 0 else None for e in told],
        }

    def _unbalanced(self) -> tuple[Finding, ...]:
        """Name the cohorts whose effects a balanced event study leaves out."""
        cells = self.cells
        left = np.unique(cells.cohort[cells.post & ~self.same_cohorts[cells.cohort]])
        if not left.size:
            return ()
        names = [_written(self.label(float(cells.cohorts[g]))) for g in left]
        return (Finding.warning("cohorts_not_balanced", n=int(left.size), cohorts=names),)

    # -- rows -----------------------------------------------------------------------------------

    def _cell_row(self, k: int, behind: _Behind) -> Row:
        cells, lead = self.cells, bool(self.cells.cohort[k] < 0)
        start = None if lead else self.label(float(cells.cohorts[cells.cohort[k]]))
        return Row(
            "event" if lead else "att_gt",
            start,
            float(cells.event_time[k]) if lead else self.label(float(cells.period[k])),
            int(cells.n_treated[k]),
            int(cells.n_comparison[k]),
            has_error=behind.has_error and not cells.untested[k],
            has_interval=behind.has_interval,
            reason=NotApplicable(cells.why[k]) if k in cells.why else None,
        )

    def _behind(self, average: Average) -> _Behind:
        return self._clusters(np.unique(self.cells.cohort[average.weights != 0]))

    def _clusters(self, cohorts: IntArray) -> _Behind:
        cells, cohorts = self.cells, cohorts[cohorts >= 0]
        units, clusters = cells.n_units[cohorts], cells.n_clusters[cohorts]
        if not cohorts.size or self.alone is Alone.AS_ASKED:
            return _Behind(has_error=True, has_interval=True)
        if self.alone is Alone.NO_ERROR:
            return _Behind(has_error=int(clusters.sum()) != 1, has_interval=True)
        if units.max() <= 1:
            return _Behind(has_error=False, has_interval=False, told="row_of_one_unit")
        if clusters.max() <= 1:
            return _Behind(has_error=True, has_interval=False, told="row_of_one_cluster")
        return _Behind(has_error=True, has_interval=True)

    def _row(self, average: Average, behind: _Behind) -> Row:
        cells = self.cells
        part = average.weights != 0 if average.asked is None else average.asked
        cohort = cells.cohort[part]
        largest = np.zeros(len(cells.cohorts) + 1, dtype=np.int64)  # the last for cohort -1
        np.maximum.at(largest, cohort, cells.n_treated[part])
        comparison = cells.n_comparison[part]
        if (cohort >= 0).any():
            largest[-1], comparison = 0, comparison[cohort >= 0]
        return Row(
            average.term,
            average.group,
            average.time,
            int(largest.sum()),
            int(comparison.max(initial=0)),
            has_error=behind.has_error and not cells.untested[part].all(),
            has_interval=behind.has_interval,
            reason=average.reason,
        )

    # -- averages -------------------------------------------------------------------------------

    def weighted(
        self, term: str, mask: BoolArray, *, group: Label = None, time: Label = None
    ) -> Average:
        """Average cells by their weights."""
        cells = self.cells
        weight = np.where(mask, cells.weight, 0.0)
        total = weight.sum()
        mean = float(weight @ np.nan_to_num(cells.effects)) / total
        part = np.where(mask, (cells.effects - mean) / total, 0.0)
        return Average(term, group, time, weight / total, self.slope(mask, part))

    def slope(self, mask: BoolArray, values: FloatArray) -> FloatArray:
        """Add up, (S,), what the cells of a mask give to the share that each is weighted by."""
        if not self.shares:
            return np.empty(0)
        live = mask & (self.cells.cohort >= 0)
        return np.asarray(
            np.bincount(self.cells.share[live], values[live], minlength=self.shares), dtype=float
        )

    def mean_of(self, parts: list[Average], weights: FloatArray | None = None) -> Average:
        """Average averages, alike or with weights: the overall effect."""
        if self.overall is Overall.OF_CELLS:
            return self.weighted("att", self.cells.post)
        weights = np.ones(len(parts)) if weights is None else weights
        share = weights / weights.sum()
        return Average(
            "att",
            None,
            None,
            share @ np.array([part.weights for part in parts]),
            share @ np.array([part.slope for part in parts]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Behind:
    """What a row may tell, by how many units and clusters stand behind it."""

    has_error: bool
    has_interval: bool
    told: str | None = None


def _simple(table: CellAggregator) -> list[Average]:
    return [table.weighted("att", table.cells.post)] if table.cells.post.any() else []


def _event(table: CellAggregator) -> list[Average]:
    cells = table.cells
    event, mask = cells.event_time, np.isfinite(cells.effects)
    if table.balance is not None:
        first, last = table.span
        mask &= table.same_cohorts[cells.cohort] & (event <= table.balance)
        mask &= event >= table.balance - last + first
    low, high = table.window or (None, None)
    mask &= event >= (-np.inf if low is None else low)
    mask &= event <= (np.inf if high is None else high)
    times = np.unique(event[mask])
    rows = [table.weighted("event", mask & (event == e), time=float(e)) for e in times]
    after = [row for row, e in zip(rows, times, strict=True) if e >= 0]
    return [*rows, table.mean_of(after)] if after else rows


def _group(table: CellAggregator) -> list[Average]:
    cells = table.cells
    codes = np.unique(cells.cohort[cells.post])
    rows = [
        table.weighted(
            "group", cells.post & (cells.cohort == g), group=table.label(float(cells.cohorts[g]))
        )
        for g in codes
    ]
    if not rows:
        return rows
    sizes = cells.sizes[codes]
    overall = table.mean_of(rows, sizes)
    if table.overall is Overall.OF_CELLS:
        return [*rows, overall]
    # a unit counts once, spread over the periods of its cohort
    means = np.array([row.weights for row in rows]) @ np.nan_to_num(cells.effects)
    gaps = (means - float(sizes @ means) / sizes.sum()) / sizes.sum()
    slope = overall.slope.copy()
    for g, gap in zip(codes, gaps, strict=True):
        mine = cells.post & (cells.cohort == g)
        slope += table.slope(mine, mine * gap / mine.sum())
    return [*rows, replace(overall, slope=slope)]


def _calendar(table: CellAggregator) -> list[Average]:
    cells = table.cells
    rows = [
        table.weighted("calendar", cells.post & (cells.period == t), time=table.label(float(t)))
        for t in np.unique(cells.period[cells.post])
    ]
    return [*rows, table.mean_of(rows)] if rows else rows


_KINDS: Mapping[str, Callable[[CellAggregator], list[Average]]] = MappingProxyType(
    {"simple": _simple, "event": _event, "group": _group, "calendar": _calendar}
)


def _name(average: Average) -> str:
    place = average.group if average.time is None else average.time
    return "att" if place is None else _written(place)


def _written(label: Label) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)
