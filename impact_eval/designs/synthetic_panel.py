"""The complete panel that synthetic designs read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import (
    FlowStep,
)
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.cohort_panel import LeftOut, read_panel

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
    entries : (n,) array
        Date of entry, perhaps between two periods; infinite when never treated.
    units : (n,) array
        Labels.
    covariates : (n, T, p) array or None
        Repeated over time when they do not vary.
    flow : tuple of FlowStep
    findings : tuple of Finding
    period : function
        How the table writes a period.
    """

    y: FloatArray
    times: FloatArray
    starts: IntArray
    entries: FloatArray
    units: NDArray[Any]
    covariates: FloatArray | None
    flow: tuple[FlowStep, ...]
    findings: tuple[Finding, ...]
    period: Callable[[float], float | str] = float

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return len(self.times)

    @property
    def never(self) -> NDArray[np.bool_]:
        """(n,) units never treated: the donors."""
        return np.asarray(self.starts == self.n_periods, dtype=np.bool_)

    @property
    def cohorts(self) -> tuple[float, ...]:
        """Dates at which some unit enters, in order."""
        return tuple(float(date) for date in np.unique(self.entries[~self.never]))

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
    panel = read_panel(sample, outcome, leave_out=())
    if not panel.balanced:
        whole = np.all(panel.observed, axis=1)
        lost = tuple(str(unit) for unit in panel.units[~whole][:5])
        panel = panel.keep(whole, "incomplete_unit_dropped", {"units": lost})
    panel = panel.leave_out(LeftOut.ALWAYS_TREATED)
    starts = panel.starts[panel.codes]
    never = panel.never[panel.codes]
    faults = []
    if not never.any():
        faults.append(Finding.error("no_donor", method=method))
    if not (~never).any():
        faults.append(Finding.error("no_treated_complete", method=method))
    if faults:
        raise ImpactEvalError(faults)
    covariates = panel.raw_covariates
    if covariates is not None and covariates.ndim == 2:
        covariates = np.repeat(covariates[:, None, :], panel.n_periods, axis=1)
    return CompletePanel(
        y=panel.y,
        times=panel.times,
        starts=starts,
        entries=panel.cohorts[panel.codes],
        units=panel.units,
        covariates=covariates,
        flow=panel.flow,
        findings=panel.findings,
        period=panel.label,
    )
