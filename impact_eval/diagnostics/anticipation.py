"""Anticipation: whether anything moved just before the action started."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from impact_eval.core.estimate import Effect, Estimate
from impact_eval.designs.base import Design
from impact_eval.designs.reference_times import pooled_leads, told_references
from impact_eval.diagnostics.check import (
    CheckContext,
    CheckResult,
    CheckStatus,
    event_study,
    register_check,
)


@register_check
@dataclass(frozen=True, slots=True)
class Anticipation:
    """Test the effect at the last survey before the declared start.

    With a varying base that row is in the event study; otherwise the design is fitted again with
    an anticipation that reaches that survey, so that it is an effect and no longer the reference.
    It is one unit of time before the start when there is a survey at each date, two with one every
    two years; when cohorts differ, the nearest to the start.

    Parameters
    ----------
    alpha : float
    """

    code: ClassVar[str] = "anticipation"
    alpha: float = 0.05

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        declared = float(context.estimate.method.options.get("anticipation") or 0)
        study, time = context.event, _last_before(context.event, declared)
        varying = str(context.estimate.method.options.get("base_period", "")) == "varying"
        if not varying:
            study = _one_more_survey(context, time)
        effect = _row(study, time)
        if effect is None or effect.p_value is None:
            return CheckResult.not_applicable(self.code, "no_anticipation_period")
        seen = effect.p_value < self.alpha
        return CheckResult(
            code=self.code,
            status=CheckStatus.FAILED if seen else CheckStatus.PASSED,
            statistic=effect.statistic,
            p_value=effect.p_value,
            values={"estimate": effect.estimate, "time": effect.time},
            reason="anticipation_seen" if seen else None,
        )


def _last_before(study: Estimate | None, declared: float) -> float:
    """Return the event time of the last survey before the start and its anticipation."""
    if study is None:
        return -1.0 - declared
    told = () if pooled_leads(study) else told_references(study)
    rows = [e.time for e in study.effects if e.term == "event"]
    shown = [float(t) for t in rows if isinstance(t, (int, float)) and t < -declared]
    varying = str(study.method.options.get("base_period", "")) == "varying"
    candidates = told or (shown if varying or pooled_leads(study) else ())
    return max(candidates, default=-1.0 - declared)


def _one_more_survey(context: CheckContext, time: float) -> Estimate | None:
    design: Any = context.design  # any dataclass that has the option
    if "anticipation" not in {item.name for item in fields(design)}:
        return None
    kind = type(design.anticipation)
    earlier: Design = replace(design, anticipation=kind(math.ceil(-time)))
    return event_study(earlier.fit(context.sample, context.outcome))


def _row(study: Estimate | None, time: float) -> Effect | None:
    if study is None:
        return None
    for effect in study.effects:
        if effect.term == "event" and effect.time == time:
            return effect
    return None
