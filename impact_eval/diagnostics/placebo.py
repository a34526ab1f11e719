"""Placebos: whether an effect is found where there cannot be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import DataShape, Sample
from impact_eval.designs.base import Design
from impact_eval.diagnostics.check import (
    CheckContext,
    CheckResult,
    CheckStatus,
    Row,
    register_check,
)
from impact_eval.diagnostics.refit import headline_effect, with_cohorts

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@register_check
@dataclass(frozen=True, slots=True)
class Placebo:
    """False dates, false outcomes, false groups, each through the design itself.

    False dates: only rows not yet treated are kept, and every entry is moved `shifts` surveys
    earlier (a false entry at a date without a survey would have nothing to show). False outcomes:
    columns the action cannot have moved. False groups: units never treated, marked by a column,
    play the treated. Failed when two placebos, or the only one, are found at 5 %; warning when one
    among several is.

    Parameters
    ----------
    shifts : tuple of int
        Surveys by which the false dates come early.
    outcomes : tuple of str
    groups : tuple of str
        0/1 columns among units never treated.
    alpha : float
    """

    code: ClassVar[str] = "placebo"
    shifts: tuple[int, ...] = (1, 2)
    outcomes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    alpha: float = 0.05

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        tries: list[tuple[str, str, Sample | None, str]] = []
        for shift in self.shifts:
            moved = false_date(context.sample, shift)
            tries.append(("date", f"-{shift}", moved, context.outcome))
        for name in self.outcomes:
            tries.append(("outcome", name, context.sample, name))
        for name in self.groups:
            tries.append(("group", name, false_group(context.sample, name), context.outcome))
        rows = [
            row
            for kind, name, sample, outcome in tries
            if sample is not None
            and (row := _try(context.design, kind, name, sample, outcome)) is not None
        ]
        if not rows:
            return CheckResult.not_applicable(self.code, "no_placebo")
        p_values = np.array([float(row["p_value"]) for row in rows])
        found = int((p_values < self.alpha).sum())
        status, reason = _status(found, len(rows))
        return CheckResult(
            code=self.code,
            status=status,
            p_value=float(min(1.0, p_values.min() * len(rows))),
            values={"n": len(rows), "n_found": found},
            rows=tuple(rows),
            reason=reason,
        )


def _status(found: int, tried: int) -> tuple[CheckStatus, str | None]:
    if found == 0:
        return CheckStatus.PASSED, None
    if found == 1 and tried >= 2:
        return CheckStatus.WARNING, "placebo_some"
    return CheckStatus.FAILED, "placebo_found"


def _try(
    design: Design, kind: str, name: str, sample: Sample, outcome: str
) -> dict[str, Any] | None:
    """Return the row of one placebo, or None when it cannot be made."""
    try:
        effect = headline_effect(design.fit(sample, outcome))
    except ImpactEvalError:
        return None
    if effect.p_value is None:
        return None
    row: Row = {
        "kind": kind,
        "name": name,
        "estimate": effect.estimate,
        "std_error": effect.std_error,
        "p_value": effect.p_value,
    }
    return dict(row)


def false_date(sample: Sample, shift: int) -> Sample | None:
    """Keep rows not yet treated and move every entry `shift` surveys earlier.

    Cohorts without an untreated period left before the false date are left out. None when nobody
    is left.
    """
    if sample.cohorts is None or sample.shape is DataShape.CROSS_SECTION:
        return None
    place = np.searchsorted(sample.times, sample.cohorts)
    moved = place - shift
    ever = np.isfinite(sample.cohorts)
    untreated = sample.time_values < sample.cohorts
    mask: BoolArray = np.asarray(untreated & (~ever | (moved >= 1)), dtype=np.bool_)
    if not (mask & ever).any():
        return None
    last = int(place[mask & ever].max())  # beyond it only controls are left: no placebo effect
    mask &= np.searchsorted(sample.times, sample.time_values) < last
    cohorts = np.where(ever, sample.times[np.clip(moved, 0, len(sample.times) - 1)], np.inf)
    try:
        return with_cohorts(sample, mask, cohorts)
    except ImpactEvalError:
        return None


def false_group(sample: Sample, column: str) -> Sample | None:
    """Keep units never treated and let those marked by a 0/1 column play the treated.

    They enter at the earliest true date. None when the column does not part the units.
    """
    if sample.cohorts is None:
        return None
    never: BoolArray = np.asarray(~np.isfinite(sample.cohorts), dtype=np.bool_)
    start = float(np.min(sample.cohorts))
    marked = sample.column(column).to_numpy(dtype=np.float64, na_value=0.0) == 1
    if not (never & marked).any() or not (never & ~marked).any() or not np.isfinite(start):
        return None
    try:
        return with_cohorts(sample, never, np.where(marked, start, np.inf))
    except ImpactEvalError:
        return None
