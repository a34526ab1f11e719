"""The input of the regression-type difference-in-differences: a wide panel with cohort codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import FlowStep
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.few_independent import clusters_declared
from impact_eval.stats.panels.cohort_gram import CohortGram, cohort_gram
from impact_eval.stats.panels.panel_regression import PanelColumns

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class CohortPanel:
    """A panel as arrays, its units coded by cohort (N units, T periods, G cohorts).

    Attributes
    ----------
    y : (N, T) array
        NaN where not observed.
    times : (T,) array
    codes : (N,) array of int
    starts : (G,) array of int
        Position of the first treated period of each cohort, ascending; T for never treated.
    units, clusters : (N,) arrays
        Labels of the units; codes of their clusters.
    sample_units, first_period : (N,) arrays of int
        Where a unit and its first column are in the sample: codes of unit and period.
    cluster_column : str or None
        The column of the clusters; None when each unit is its own.
    cluster_labels : (C,) array
    clusters_declared : bool
        Clusters were given; otherwise each unit is its own.
    weights : (N,) array or None
        None when all weigh the same.
    fixed : (N, p) array
        Covariates that do not vary within a unit.
    varying : (N, T, q) array
        Those that do.
    balanced : bool
        Every unit is observed at every period.
    flow : tuple of FlowStep
    findings : tuple of Finding
    """

    y: FloatArray
    times: FloatArray
    codes: IntArray
    starts: IntArray
    units: NDArray[Any]
    sample_units: IntArray
    first_period: IntArray
    cluster_column: str | None
    clusters: IntArray
    cluster_labels: NDArray[Any]
    clusters_declared: bool
    weights: FloatArray | None
    fixed: FloatArray
    varying: FloatArray
    fixed_names: tuple[str, ...]
    varying_names: tuple[str, ...]
    balanced: bool
    flow: tuple[FlowStep, ...]
    findings: tuple[Finding, ...]

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
    def cohorts(self) -> FloatArray:
        """(G,) first treated period, infinite for never treated."""
        return np.append(self.times, np.inf)[self.starts]

    @property
    def never(self) -> BoolArray:
        """(G,) which cohort is never treated."""
        return self.starts >= self.n_periods

    @property
    def simple(self) -> bool:
        """Whether cohort moments suffice: balanced, no covariates."""
        return self.balanced and not self.fixed.shape[1] and not self.varying.shape[2]

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
        first = np.append(self.times, np.nan)[self.starts]
        elapsed = self.times[None, :] - first[:, None]
        return np.where(self.never[:, None], -np.inf, elapsed)

    def reference(self, anticipation: int = 0) -> BoolArray:
        """(G, T) the last period before the start and its anticipation, of treated cohorts."""
        step = np.arange(self.n_periods)[None, :] - self.starts[:, None]
        return np.asarray((step == -1 - anticipation) & ~self.never[:, None])

    def columns(self, cells: FloatArray) -> PanelColumns:
        """Return the columns of a regression whose cell columns are `cells`, (G, T, K)."""
        return PanelColumns(
            periods=self.n_periods,
            codes=self.codes,
            cells=cells,
            fixed=self.fixed,
            varying=self.varying,
        )

    def keep(self, mask: BoolArray, reason: str) -> CohortPanel:
        """Return the panel of some units; the flow counts those left out."""
        if mask.all():
            return self
        kept = np.flatnonzero(np.bincount(self.codes[mask], minlength=len(self.starts)))
        rank = np.zeros(len(self.starts), dtype=np.int64)
        rank[kept] = np.arange(kept.size)
        present, clusters = np.unique(self.clusters[mask], return_inverse=True)
        left = int((~mask).sum())
        y = self.y[mask]
        return replace(
            self,
            y=y,
            codes=rank[self.codes[mask]],
            starts=self.starts[kept],
            units=self.units[mask],
            sample_units=self.sample_units[mask],
            first_period=self.first_period[mask],
            clusters=clusters,
            cluster_labels=self.cluster_labels[present],
            weights=None if self.weights is None else self.weights[mask],
            fixed=self.fixed[mask],
            varying=self.varying[mask],
            balanced=self.balanced or not bool(np.isnan(y).any()),
            flow=(*self.flow, FlowStep("units_kept", int(mask.sum()), left, reason)),
            findings=(*self.findings, Finding.warning(reason, n=left)),
        )


def cohort_panel(sample: Sample, outcome: str) -> CohortPanel:
    """Read a sample as a `CohortPanel`.

    Units without any outcome and units of weight zero are left out and counted.

    Parameters
    ----------
    sample : Sample
        A panel with a cohort (or a 0/1 treatment).
    outcome : str
        The outcome's column.

    """
    wide = sample.wide(outcome)
    starts = np.searchsorted(wide.times, wide.cohorts)
    present = np.flatnonzero(np.bincount(starts, minlength=len(wide.times) + 1))
    rank = np.zeros(len(wide.times) + 1, dtype=np.int64)
    rank[present] = np.arange(present.size)
    n, periods = wide.y.shape
    above = bool(sample.cluster_names)
    fixed, varying, fixed_names, varying_names = _covariates(sample, n, periods, wide)
    panel = CohortPanel(
        y=wide.y,
        times=wide.times,
        codes=rank[starts],
        starts=present,
        units=wide.units,
        sample_units=np.arange(n),
        first_period=np.zeros(n, dtype=np.int64),
        cluster_column=sample.cluster_names[0] if above else None,
        clusters=wide.clusters,
        cluster_labels=sample.codes(sample.cluster_names[0]).labels if above else wide.units,
        clusters_declared=clusters_declared(sample),
        weights=wide.weights if sample.has_weights else None,
        fixed=fixed,
        varying=varying,
        fixed_names=fixed_names,
        varying_names=varying_names,
        balanced=wide.balanced,
        flow=(*sample.flow, *_missing_step(sample, outcome, wide.balanced)),
        findings=sample.findings,
    )
    if not panel.balanced:
        panel = panel.keep(np.any(panel.observed, axis=1), "unit_never_observed")
    if panel.weights is not None:
        heavy: BoolArray = np.greater(panel.weights, 0)
        panel = panel.keep(heavy, "unit_weight_zero")
    return panel


def refuse_empty(panel: CohortPanel, method: str) -> None:
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
    step = sample.complete(outcome)[1]
    return (step,) if step.dropped else ()


def _covariates(
    sample: Sample, n: int, periods: int, wide: Any
) -> tuple[FloatArray, FloatArray, tuple[str, ...], tuple[str, ...]]:
    names = sample.covariate_names
    if not names:
        return np.empty((n, 0)), np.empty((n, periods, 0)), (), ()
    if wide.covariates_by_time is None:
        return wide.covariates, np.empty((n, periods, 0)), names, ()
    cube = wide.covariates_by_time
    low, high = np.nanmin(cube, axis=1), np.nanmax(cube, axis=1)
    moving = (low != high).any(axis=0)
    return (
        low[:, ~moving],
        np.ascontiguousarray(cube[:, :, moving]),
        tuple(np.array(names)[~moving].tolist()),
        tuple(np.array(names)[moving].tolist()),
    )
