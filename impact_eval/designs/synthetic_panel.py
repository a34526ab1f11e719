"""The complete panel that synthetic designs read, and the averages of their cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import (
    Draws,
    Effect,
    Estimate,
    FlowStep,
    Label,
    MethodRecord,
    wald_effect,
)
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import Sample

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletePanel:
    """Units observed at every period and untreated at the first one.

    Attributes
    ----------
    y : (n, T) array
    times : (T,) array
    starts : (n,) array of int
        Position of the first treated period; T when never treated.
    units : (n,) array
        Labels.
    covariates : (n, T, p) array or None
        Repeated over time when they do not vary.
    flow : tuple of FlowStep
    findings : tuple of Finding
    """

    y: FloatArray
    times: FloatArray
    starts: IntArray
    units: NDArray[Any]
    covariates: FloatArray | None
    flow: tuple[FlowStep, ...]
    findings: tuple[Finding, ...]

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return len(self.times)

    @property
    def never(self) -> NDArray[np.bool_]:
        """(n,) units never treated: the donors."""
        return np.asarray(self.starts == self.n_periods, dtype=np.bool_)

    @property
    def cohort_starts(self) -> tuple[int, ...]:
        """Positions at which some unit starts, in order."""
        return tuple(int(s) for s in np.unique(self.starts[~self.never]))

    def label(self, i: int) -> str:
        """Return the label of a unit, as text."""
        return str(self.units[i])


def complete_panel(sample: Sample, outcome: str, *, method: str) -> CompletePanel:
    """Return the units a synthetic design can use; those it cannot are counted by cause.

    Raises
    ------
    ImpactEvalError
        `no_donor`, `no_treated_complete`: nobody is left on one side.
    """
    wide = sample.wide(outcome)
    starts = np.searchsorted(wide.times, wide.cohorts).astype(np.int64)
    complete = ~np.isnan(wide.y).any(axis=1)
    early = starts == 0
    flow, findings = list(sample.flow), list(sample.findings)
    kept = np.ones(len(starts), dtype=np.bool_)
    rows = np.bincount(
        np.zeros(sample.n, dtype=np.int64) if sample.unit_codes is None else sample.unit_codes,
        minlength=len(starts),
    )
    causes = (("incomplete_unit_dropped", ~complete), ("always_treated_dropped", early))
    for code, left in causes:
        lost = kept & left
        if not lost.any():
            continue
        kept &= ~left
        dropped = int(rows[lost].sum())
        flow.append(FlowStep(code, int(rows[kept].sum()), dropped, code))
        examples = tuple(str(u) for u in wide.units[lost][:5])
        findings.append(Finding.warning(code, n=int(lost.sum()), units=examples))
    never = starts == len(wide.times)
    faults = []
    if not (kept & never).any():
        faults.append(Finding.error("no_donor", method=method))
    if not (kept & ~never).any():
        faults.append(Finding.error("no_treated_complete", method=method))
    if faults:
        raise ImpactEvalError(faults)
    covariates = wide.covariates_by_time
    if covariates is None and wide.covariates is not None:
        covariates = np.repeat(wide.covariates[:, None, :], len(wide.times), axis=1)
    return CompletePanel(
        y=wide.y[kept],
        times=wide.times,
        starts=starts[kept],
        units=wide.units[kept],
        covariates=None if covariates is None else covariates[kept],
        flow=tuple(flow),
        findings=tuple(findings),
    )


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Effects of cohorts in periods, with draws or a covariance of their joint error.

    Attributes
    ----------
    group, time : (k,) arrays
        First treated period and period, as the table's numbers.
    event_time : (k,) array
        Periods since the start.
    estimates : (k,) array
    n_treated : (k,) array of int
    covariance : (k, k) array
        NaN without a measure of error.
    draws : Draws or None
    n_comparison : int
    """

    group: FloatArray
    time: FloatArray
    event_time: FloatArray
    estimates: FloatArray
    n_treated: IntArray
    covariance: FloatArray
    draws: Draws | None
    n_comparison: int

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of aggregation offered."""
        return ("simple", "event", "group", "calendar")

    def aggregate(self, estimate: Estimate, kind: str) -> Estimate:
        """Return the aggregated estimate: treated units and periods count alike."""
        rows = {
            "simple": self._simple,
            "event": self._by_event,
            "group": self._by_group,
            "calendar": self._by_time,
        }[kind]()
        method = estimate.method
        record = MethodRecord(
            method.name, {**method.options, "aggregation": kind}, method.covariance
        )
        made = self.estimate_of(replace(estimate, method=record), rows)
        return replace(made, aggregator=None)

    def estimate_of(
        self, shell: Estimate, rows: list[tuple[str, Label, Label, NDArray[np.bool_]]]
    ) -> Estimate:
        """Return an estimate of means over cells; `shell` gives what all rows share."""
        weights = np.array([mask * self.n_treated / (mask @ self.n_treated) for *_, mask in rows])
        covariance = weights @ self.covariance @ weights.T
        draws = self.draws and Draws(self.draws.kind, self.draws.values @ weights.T)
        effects = tuple(
            self._effect(shell, row, float(value), float(variance))
            for row, value, variance in zip(
                rows, weights @ self.estimates, np.diag(covariance), strict=True
            )
        )
        return replace(shell, effects=effects, covariance=covariance, draws=draws, aggregator=self)

    def _effect(
        self,
        shell: Estimate,
        row: tuple[str, Label, Label, NDArray[np.bool_]],
        value: float,
        variance: float,
    ) -> Effect:
        term, group, time, mask = row
        cohorts = np.unique(self.group[mask], return_index=True)[1]
        return wald_effect(
            outcome=shell.outcome,
            estimand=shell.estimand,
            term=term,
            group=group,
            time=time,
            estimate=value,
            std_error=float(np.sqrt(variance)) if variance > 0 else None,
            n_treated=int(self.n_treated[mask][cohorts].sum()),
            n_comparison=self.n_comparison,
        )

    def cells(self) -> list[tuple[str, Label, Label, NDArray[np.bool_]]]:
        """Return one row per cell."""
        eye = np.eye(len(self.estimates), dtype=np.bool_)
        return [
            ("att_gt", float(g), float(t), mask)
            for g, t, mask in zip(self.group, self.time, eye, strict=True)
        ]

    def _simple(self) -> list[tuple[str, Label, Label, NDArray[np.bool_]]]:
        return [("att", None, None, np.ones(len(self.estimates), dtype=np.bool_))]

    def _by_event(self) -> list[tuple[str, Label, Label, NDArray[np.bool_]]]:
        times = np.unique(self.event_time)
        return [("event", None, float(e), self.event_time == e) for e in times] + self._simple()

    def _by_group(self) -> list[tuple[str, Label, Label, NDArray[np.bool_]]]:
        groups = np.unique(self.group)
        return [("group", float(g), None, self.group == g) for g in groups] + self._simple()

    def _by_time(self) -> list[tuple[str, Label, Label, NDArray[np.bool_]]]:
        times = np.unique(self.time)
        return [("calendar", None, float(t), self.time == t) for t in times] + self._simple()
