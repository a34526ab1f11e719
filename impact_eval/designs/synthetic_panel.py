"""The complete panel that synthetic designs read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import (
    FlowStep,
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
