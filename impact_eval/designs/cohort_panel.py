"""One reading of a panel: who is in it, by unit, by cell, by cohort, and who is left out.

Time is the calendar's: the time since the start of a cell is its period less the period of entry,
in the units of the column, whether or not anybody was observed at that entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import FlowStep
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.base import ALWAYS_TREATED_RETOLD
from impact_eval.designs.few_independent import clusters_declared
from impact_eval.designs.late_entries import entering_soon, told_soon
from impact_eval.designs.reference_times import period_in_words, reference_findings
from impact_eval.stats.panels.cohort_gram import CohortGram, cohort_gram
from impact_eval.stats.panels.panel_regression import PanelColumns

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Told = str | int | float | tuple[str, ...]


class LeftOut(StrEnum):
    """Why a unit of a panel is left out, and the code under which it is counted."""

    ALWAYS_TREATED = "always_treated_dropped"
    WEIGHT_ZERO = "unit_weight_zero"
    NEVER_OBSERVED = "unit_never_observed"
    INCOMPLETE = "unit_incomplete"


@dataclass(frozen=True, kw_only=True)
class Covariates:
    """The covariates of all the units of a sample (N units, T periods, p covariates).

    Attributes
    ----------
    values : (N, p) or (N, T, p) array
        By period when some vary within a unit; NaN where a unit is not observed.
    names : tuple of p str
    """

    values: FloatArray
    names: tuple[str, ...]

    @cached_property
    def _bounds(self) -> tuple[FloatArray, FloatArray]:
        if self.values.ndim == 2:
            return self.values, self.values
        return np.nanmin(self.values, axis=1), np.nanmax(self.values, axis=1)

    @cached_property
    def moving(self) -> BoolArray:
        """(p,) which ones vary within a unit."""
        low, high = self._bounds
        return np.asarray((low != high).any(axis=0))

    @cached_property
    def fixed(self) -> FloatArray:
        """(N, p') those that do not vary."""
        low = self._bounds[0]
        return low[:, ~self.moving] if self.moving.any() else low

    @cached_property
    def varying(self) -> FloatArray:
        """(N, T, q) those that do; q is 0 when none does."""
        if self.values.ndim == 2:
            return np.empty((len(self.values), 0, 0))
        return np.ascontiguousarray(self.values[:, :, self.moving])


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel as arrays, its units coded by cohort (N units, T periods, G cohorts).

    Attributes
    ----------
    y : (N, T) array
        NaN where not observed.
    times : (T,) array
    codes : (N,) array of int
    starts : (G,) array of int
        Position of the first treated period of each cohort, ascending; T for never treated.
    cohorts : (G,) array
        When each cohort enters, infinite for never treated: perhaps between two periods.
    units, clusters : (N,) arrays
        Labels of the units; codes of their clusters.
    sample_units : (N,) array of int
        Codes of the units in the sample.
    columns_of : (N, T) array of int or None
        Codes in the sample of the periods of each unit, any where there is none; None when they are
        the first T.
    cluster_column : str or None
        The column of the clusters; None when each unit is its own.
    cluster_labels : (C,) array
    clusters_declared : bool
        Clusters were given; otherwise each unit is its own.
    weights : (N,) array or None
        None when all weigh the same.
    covariates : Covariates
        Of all the units of the sample.
    balanced : bool
        Every unit is observed at every period.
    flow : tuple of FlowStep
    findings : tuple of Finding
    anticipation : float
        Declared when the panel was read.
    entries : (G,) array or None
        When each cohort enters, be it after the last period: given when some of the never treated
        enter so soon after it that, within the anticipation, they may already react.
    label : function
        How the table writes a period.
    """

    y: FloatArray
    times: FloatArray
    codes: IntArray
    starts: IntArray
    cohorts: FloatArray
    units: NDArray[Any]
    sample_units: IntArray
    columns_of: IntArray | None
    cluster_column: str | None
    clusters: IntArray
    cluster_labels: NDArray[Any]
    clusters_declared: bool
    weights: FloatArray | None
    covariates: Covariates
    balanced: bool
    flow: tuple[FlowStep, ...]
    findings: tuple[Finding, ...]
    anticipation: float = 0
    entries: FloatArray | None = None
    label: Callable[[float], float | str] = float

    def name(self, date: float) -> str:
        """Return a period or a date of entry as the table writes it."""
        return period_in_words(self.label(float(date)))

    @property
    def n_units(self) -> int:
        """N."""
        return len(self.y)

    @property
    def n_periods(self) -> int:
        """T."""
        return len(self.times)

    @property
    def n_clusters(self) -> int:
        """Number of clusters with a unit left."""
        return len(self.cluster_labels)

    @cached_property
    def clustered_above(self) -> bool:
        """Whether some cluster holds several units."""
        return self.n_clusters < self.n_units

    @property
    def never(self) -> BoolArray:
        """(G,) which cohort is never treated."""
        return np.asarray(~np.isfinite(self.cohorts))

    @cached_property
    def fixed(self) -> FloatArray:
        """(N, p) covariates that do not vary within a unit."""
        return self._of_units(self.covariates.fixed)

    @cached_property
    def varying(self) -> FloatArray:
        """(N, T, q) covariates that do."""
        found = self.covariates.varying
        if not found.shape[2]:
            return np.empty((self.n_units, self.n_periods, 0))
        if self.columns_of is None and self.n_periods == found.shape[1]:
            return self._of_units(found)
        return np.asarray(found[self.sample_units[:, None], self.sample_periods])

    @property
    def sample_periods(self) -> IntArray:
        """(N, T) codes of the periods of each unit in the sample."""
        if self.columns_of is not None:
            return self.columns_of
        return np.broadcast_to(np.arange(self.n_periods), (self.n_units, self.n_periods))

    @cached_property
    def raw_covariates(self) -> FloatArray | None:
        """(N, p) or (N, T, p) covariates as the sample has them; None without any."""
        if not self.covariates.names:
            return None
        found = self._of_units(self.covariates.values)
        return found if found.ndim == 2 else found[:, : self.n_periods]

    def _of_units(self, values: FloatArray) -> FloatArray:
        """Return the rows of these units: the very array when nobody is left out."""
        if len(values) == self.n_units and (self.sample_units == np.arange(self.n_units)).all():
            return values
        return values[self.sample_units]

    @property
    def simple(self) -> bool:
        """Whether cohort moments suffice: balanced, no covariates."""
        return self.balanced and not self.covariates.names

    @cached_property
    def counts(self) -> IntArray:
        """(G,) numbers of units."""
        return np.bincount(self.codes, minlength=len(self.starts))

    @cached_property
    def cohort_clusters(self) -> IntArray:
        """(G,) numbers of clusters that hold a unit of the cohort."""
        if not self.clustered_above:
            return self.counts
        pairs = np.unique(self.clusters * len(self.starts) + self.codes)
        return np.bincount(pairs % len(self.starts), minlength=len(self.starts))

    @cached_property
    def treated_independent(self) -> int:
        """How many clusters hold a unit treated at some time."""
        if not self.clustered_above:
            return int(self.counts[~self.never].sum())
        treated = self.clusters[~self.never[self.codes]]
        return int((np.bincount(treated, minlength=1) > 0).sum())

    @cached_property
    def unit_weights(self) -> FloatArray:
        """(N,) weights, ones when all weigh the same."""
        return np.ones(self.n_units) if self.weights is None else self.weights

    @cached_property
    def observed(self) -> BoolArray:
        """(N, T) where the outcome is observed."""
        return np.ones(self.y.shape, dtype=bool) if self.balanced else ~np.isnan(self.y)

    @cached_property
    def moments(self) -> CohortGram:
        """Cohort moments of a balanced panel."""
        return cohort_gram(self.y, self.codes, len(self.starts), weights=self.weights)

    @cached_property
    def cell_weight(self) -> FloatArray:
        """(G, T) total weight observed in each cohort and period."""
        if self.balanced:
            return np.repeat(self.moments.weight[:, None], self.n_periods, axis=1)
        out = np.zeros((len(self.starts), self.n_periods))
        np.add.at(out, self.codes, self.observed * self.unit_weights[:, None])
        return out

    @cached_property
    def cell_count(self) -> IntArray:
        """(G, T) units observed in each cohort and period."""
        out = np.zeros((len(self.starts), self.n_periods), dtype=np.int64)
        if self.balanced:
            return out + self.counts[:, None]
        np.add.at(out, self.codes, self.observed.astype(np.int64))
        return out

    @cached_property
    def event_times(self) -> FloatArray:
        """(G, T) time elapsed since the first treated period; minus infinity for never treated."""
        return self.times[None, :] - self.cohorts[:, None]

    @property
    def reacting(self) -> BoolArray:
        """(G, T) periods at which some never treated may react to an entry after the last one."""
        if self.entries is None:
            return np.zeros((len(self.starts), self.n_periods), dtype=bool)
        soon = self.times[None, :] + self.anticipation >= self.entries[:, None]
        return np.asarray(soon & self.never[:, None])

    def untreated(self, anticipation: float = 0) -> BoolArray:
        """(G, T) periods before the start and its anticipation."""
        return np.asarray(self.event_times < -anticipation)

    def last_before(self, anticipation: float = 0) -> IntArray:
        """(G,) position of the last untreated period, -1 without any."""
        return np.asarray(self.untreated(anticipation).sum(axis=1) - 1)

    def reference(self, anticipation: float = 0) -> BoolArray:
        """(G, T) the last period before the start and its anticipation, of treated cohorts."""
        last = self.last_before(anticipation)[:, None]
        return np.asarray((np.arange(self.n_periods) == last) & ~self.never[:, None])

    def reference_times(self, anticipation: float = 0) -> FloatArray:
        """(G,) event time of the reference of each treated cohort; NaN without any."""
        last = self.last_before(anticipation)
        found = self.event_times[np.arange(len(last)), np.maximum(last, 0)]
        return np.where((last < 0) | self.never, np.nan, found)

    def references_told(self, anticipation: float = 0) -> tuple[Finding, ...]:
        """Name the reference of each cohort, when it is not the period just before for all."""
        names = [self.name(start) for start in self.cohorts]
        return reference_findings(names, self.reference_times(anticipation), anticipation)

    def by_start(self) -> Panel:
        """Return the panel whose cohorts are those first observed as treated together."""
        starts, code = np.unique(self.starts, return_inverse=True)
        if len(starts) == len(self.starts):
            return self
        cohorts = np.append(self.times, np.inf)[starts]
        return replace(self, codes=code[self.codes], starts=starts, cohorts=cohorts, entries=None)

    def columns(self, cells: FloatArray) -> PanelColumns:
        """Return the columns of a regression whose cell columns are `cells`, (G, T, K)."""
        return PanelColumns(
            periods=self.n_periods,
            codes=self.codes,
            cells=cells,
            fixed=self.fixed,
            varying=self.varying,
        )

    def leave_out(self, rule: LeftOut, anticipation: float = 0) -> Panel:
        """Return the panel without the units of a rule.

        Parameters
        ----------
        rule : LeftOut
        anticipation : float
            Of the always treated: those never seen before their start and its anticipation.
        """
        if rule is LeftOut.ALWAYS_TREATED:
            early = (self.last_before(anticipation) < 0)[self.codes]
            told = tuple(f for f in self.findings if f.code not in ALWAYS_TREATED_RETOLD)
            return replace(self, findings=told).keep(~early, rule, {"anticipation": anticipation})
        if rule is LeftOut.WEIGHT_ZERO:
            return self if self.weights is None else self.keep(self.weights > 0, rule)
        if self.balanced:
            return self
        seen = np.all if rule is LeftOut.INCOMPLETE else np.any
        return self.keep(np.asarray(seen(self.observed, axis=1)), rule)

    def _step(self, mask: BoolArray, reason: str) -> tuple[FlowStep, ...]:
        """Return the step of the units that leave: none when all were left out with their rows."""
        measured = self.observed
        units = measured.any(axis=1)
        left, gone = int((units & mask).sum()), int((units & ~mask).sum())
        rows, lost = int(measured[mask].sum()), int(measured[~mask].sum())
        return (FlowStep(reason, rows, lost, reason, left, gone),) if gone else ()

    def keep(
        self, mask: BoolArray, reason: str, values: Mapping[str, Told] = MappingProxyType({})
    ) -> Panel:
        """Return the panel of some units; the flow and a finding count those left out.

        Parameters
        ----------
        mask : (N,) array of bool
        reason : str
            Code of why the others leave.
        values : mapping
            What its words need beside n, how many leave.
        """
        left = int((~mask).sum())
        if not left:
            return self
        kept = np.flatnonzero(np.bincount(self.codes[mask], minlength=len(self.starts)))
        rank = np.zeros(len(self.starts), dtype=np.int64)
        rank[kept] = np.arange(kept.size)
        present, clusters = np.unique(self.clusters[mask], return_inverse=True)
        y = self.y[mask]
        return replace(
            self,
            y=y,
            codes=rank[self.codes[mask]],
            starts=self.starts[kept],
            cohorts=self.cohorts[kept],
            entries=None if self.entries is None else self.entries[kept],
            units=self.units[mask],
            sample_units=self.sample_units[mask],
            columns_of=None if self.columns_of is None else self.columns_of[mask],
            clusters=clusters,
            cluster_labels=self.cluster_labels[present],
            weights=None if self.weights is None else self.weights[mask],
            balanced=self.balanced or not bool(np.isnan(y).any()),
            flow=(*self.flow, *self._step(mask, str(reason))),
            findings=(*self.findings, Finding.warning(str(reason), None, n=left, **values)),
        )


def read_panel(
    sample: Sample,
    outcome: str,
    *,
    leave_out: Sequence[LeftOut] = (LeftOut.NEVER_OBSERVED, LeftOut.WEIGHT_ZERO),
    anticipation: float = 0,
) -> Panel:
    """Read a sample as a `Panel`; those left out are counted, each by its rule.

    Parameters
    ----------
    sample : Sample
        A panel with a cohort (or a 0/1 treatment).
    outcome : str
        The outcome's column.
    leave_out : sequence of LeftOut
        In the order in which they are counted.
    anticipation : float
        Of the always treated, and of those who enter just after the last period: they stand apart
        from the other never treated, for they may already react.

    Returns
    -------
    Panel
        A panel that nobody is left out of holds the sample's own arrays.
    """
    wide = sample.wide(outcome)
    soon = entering_soon(_unit_entries(sample), wide.times, anticipation)
    late = soon > wide.times[-1]
    codes, starts, entries = _coded(wide.times, soon)
    cohorts = np.where(starts < len(wide.times), entries, np.inf)
    n = len(wide.y)
    above = bool(sample.cluster_names)
    values = wide.covariates_by_time
    if values is None:
        values = wide.covariates if wide.covariates is not None else np.empty((n, 0))
    panel = Panel(
        y=wide.y,
        times=wide.times,
        codes=codes,
        starts=starts,
        cohorts=cohorts,
        units=wide.units,
        sample_units=np.arange(n),
        columns_of=None,
        cluster_column=sample.cluster_names[0] if above else None,
        clusters=wide.clusters,
        cluster_labels=sample.codes(sample.cluster_names[0]).labels if above else wide.units,
        clusters_declared=clusters_declared(sample),
        weights=wide.weights if sample.has_weights else None,
        covariates=Covariates(values=values, names=sample.covariate_names),
        balanced=wide.balanced,
        flow=(*sample.flow, *_missing_step(sample, outcome, wide.balanced)),
        findings=(
            *sample.findings_on(outcome),
            *told_soon(soon, late & np.isfinite(soon), anticipation),
        ),
        anticipation=anticipation,
        entries=entries if (late & np.isfinite(soon)).any() else None,
        label=sample.period_label,
    )
    for rule in leave_out:
        panel = panel.leave_out(rule, anticipation)
    return panel


def _unit_entries(sample: Sample) -> FloatArray:
    """(N,) when each unit enters, be it after the last period."""
    out = sample.unit_cohorts.copy()
    if sample.entries is not None:
        out[sample.unit_codes] = sample.entries
    return out


def _coded(times: FloatArray, entry: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the code of the cohort of each unit, then positions and dates of the cohorts."""
    places = np.append(times, np.inf)
    starts = np.searchsorted(times, entry)
    if not (places[starts] == entry).all():  # somebody enters between two periods, or before
        cohorts, codes = np.unique(entry, return_inverse=True)
        return codes, np.searchsorted(times, cohorts), cohorts
    present = np.flatnonzero(np.bincount(starts, minlength=len(places)))
    rank = np.zeros(len(places), dtype=np.int64)
    rank[present] = np.arange(present.size)
    return rank[starts], present, places[present]


def refuse_empty(panel: Panel, method: str) -> None:
    """Refuse a panel that nobody is left in, or nobody treated.

    Raises
    ------
    ImpactEvalError
        `no_identified_effect`.
    """
    if not panel.n_units or panel.never.all():
        raise ImpactEvalError(Finding.error("no_identified_effect", method=method))


def _missing_step(sample: Sample, outcome: str, balanced: bool) -> tuple[FlowStep, ...]:
    if balanced:
        return ()
    return (sample.complete(outcome)[1],)
