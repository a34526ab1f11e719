"""Average cohort-by-period effects whose influence comes from an `InfluenceSource`.

The rows are those of the group-time designs: a last row `att` is the overall effect. Weights are
those of the treated rows observed, taken as given (imputation, Sun–Abraham) or as estimated shares
(Gardner's two stages), in which case their own influence is added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, Label, MethodRecord
from impact_eval.core.findings import Finding
from impact_eval.designs.cohort_panel import CohortPanel
from impact_eval.designs.influence_sources import InfluenceSource
from impact_eval.designs.panel_effects import Report, Row, make_estimate

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Average:
    """One aggregate of K cells: where it stands, its weights, the pull of its shares."""

    term: str
    group: Label
    time: Label
    weights: FloatArray
    shares: FloatArray


@dataclass(frozen=True, kw_only=True)
class CellAggregator:
    """Aggregates an estimate of K cells.

    Attributes
    ----------
    panel : CohortPanel
    report : Report
    source : InfluenceSource
        Of the K cells.
    effects, event_time, weight : (K,) arrays
        NaN effect where not identified; event time; total weight of the rows behind the cell.
    cohort, period : (K,) arrays of int
        -1 for the rows of a placebo regression, which only the event study shows.
    random_shares : bool
        Whether the weights are estimates.
    withhold_single : bool
        Whether a row that rests on one cluster has no error of its own.
    """

    panel: CohortPanel
    report: Report
    source: InfluenceSource
    effects: FloatArray
    event_time: FloatArray
    weight: FloatArray
    cohort: IntArray
    period: IntArray
    random_shares: bool = False
    withhold_single: bool = True

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of aggregation offered."""
        return tuple(_KINDS)

    @property
    def post(self) -> BoolArray:
        """(K,) treated cells that are identified."""
        return np.asarray((self.cohort >= 0) & (self.event_time >= 0) & np.isfinite(self.effects))

    def cells(self) -> Estimate:
        """Return the estimate of the cells themselves."""
        rows = [self._cell_row(k) for k in range(len(self.effects))]
        combined = self.source.combine(np.eye(len(self.effects)))
        return make_estimate(self.report, rows, self.effects, combined, aggregator=self)

    def aggregate(self, estimate: Estimate, kind: str) -> Estimate:
        """Return the aggregated estimate."""
        averages = _KINDS[kind](self)
        method = estimate.method
        report = replace(
            self.report,
            method=MethodRecord(
                method.name, {**method.options, "aggregation": kind}, method.covariance
            ),
            findings=(*self.report.findings, *self._nothing(averages, kind)),
        )
        weights = np.array([a.weights for a in averages]).reshape(len(averages), len(self.effects))
        shares = None
        if self.random_shares and averages:
            shares = np.stack([a.shares for a in averages], axis=2)
        combined = self.source.combine(weights, shares)
        rows = [self._average_row(average) for average in averages]
        return make_estimate(report, rows, weights @ np.nan_to_num(self.effects), combined)

    def _nothing(self, averages: list[Average], kind: str) -> tuple[Finding, ...]:
        return () if averages else (Finding.warning("nothing_to_aggregate", kind=kind),)

    # -- rows -----------------------------------------------------------------------------------

    def _cell_row(self, k: int) -> Row:
        weights = np.zeros(len(self.effects))
        weights[k] = 1.0
        if self.cohort[k] < 0:
            average = Average("event", None, float(self.event_time[k]), weights, np.empty(0))
        else:
            group = float(self.panel.cohorts[self.cohort[k]])
            time = float(self.panel.times[self.period[k]])
            average = Average("att_gt", group, time, weights, np.empty(0))
        return self._average_row(average)

    def _average_row(self, average: Average) -> Row:
        panel = self.panel
        part = (average.weights != 0) & (self.cohort >= 0)
        largest = np.zeros(len(panel.starts), dtype=np.int64)
        np.maximum.at(
            largest, self.cohort[part], panel.cell_count[self.cohort[part], self.period[part]]
        )
        clusters = int(panel.cohort_clusters[largest > 0].sum())
        untreated = panel.starts[:, None] > np.arange(panel.n_periods)[None, :]
        waiting_cells = panel.cell_count * untreated
        own = waiting_cells[self.cohort[part], self.period[part]]  # nobody is its own comparison
        others = waiting_cells[:, self.period[part]].sum(axis=0) - own
        waiting = int(others.max(initial=0))
        return Row(
            average.term,
            average.group,
            average.time,
            int(largest.sum()) if part.any() else int(panel.counts[~panel.never].sum()),
            waiting if part.any() else int(panel.counts[panel.never].sum()),
            has_error=not self.withhold_single or clusters != 1 or not part.any(),
        )

    # -- averages -------------------------------------------------------------------------------

    def weighted(
        self, term: str, mask: BoolArray, *, group: Label = None, time: Label = None
    ) -> Average:
        """Average cells by the weight of the rows behind them."""
        weight = np.where(mask, self.weight, 0.0)
        total = weight.sum()
        mean = float(weight @ np.nan_to_num(self.effects)) / total
        shares = np.zeros((len(self.panel.starts), self.panel.n_periods))
        live = mask & (self.cohort >= 0)
        shares[self.cohort[live], self.period[live]] = (self.effects[live] - mean) / total
        return Average(term, group, time, weight / total, shares)

    def mean_of(self, parts: list[Average], weights: FloatArray) -> Average:
        """Average averages with given weights: the overall effect."""
        share = weights / weights.sum()
        return Average(
            "att",
            None,
            None,
            np.einsum("j,jk->k", share, np.array([p.weights for p in parts])),
            np.einsum("j,jgt->gt", share, np.array([p.shares for p in parts])),
        )


def _simple(table: CellAggregator) -> list[Average]:
    return [table.weighted("att", table.post)] if table.post.any() else []


def _event(table: CellAggregator) -> list[Average]:
    live = np.isfinite(table.effects)
    rows = [
        table.weighted("event", live & (table.event_time == e), time=float(e))
        for e in np.unique(table.event_time[live])
    ]
    after = [row for row in rows if isinstance(row.time, float) and row.time >= 0]
    return [*rows, table.mean_of(after, np.ones(len(after)))] if after else rows


def _group(table: CellAggregator) -> list[Average]:
    codes = np.unique(table.cohort[table.post])
    rows = [
        table.weighted(
            "group", table.post & (table.cohort == g), group=float(table.panel.cohorts[g])
        )
        for g in codes
    ]
    if not rows:
        return rows
    size = np.bincount(
        table.panel.codes, weights=table.panel.unit_weights, minlength=len(table.panel.starts)
    )[codes].astype(np.float64)
    overall = table.mean_of(rows, size)
    means = np.array([row.weights for row in rows]) @ np.nan_to_num(table.effects)
    centre = float(size @ means) / size.sum()
    shares = overall.shares.copy()
    for g, mean in zip(codes, means, strict=True):  # a unit counts once, spread over its periods
        mine = table.period[table.post & (table.cohort == g)]
        shares[g, mine] += (mean - centre) / size.sum() / len(mine)
    return [*rows, replace(overall, shares=shares)]


def _calendar(table: CellAggregator) -> list[Average]:
    rows = [
        table.weighted(
            "calendar", table.post & (table.period == t), time=float(table.panel.times[t])
        )
        for t in np.unique(table.period[table.post])
    ]
    return [*rows, table.mean_of(rows, np.ones(len(rows)))] if rows else rows


_KINDS: Mapping[str, Callable[[CellAggregator], list[Average]]] = MappingProxyType(
    {"simple": _simple, "event": _event, "group": _group, "calendar": _calendar}
)
