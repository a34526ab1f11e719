"""Anticipation: whether anything moved just before the action started."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from impact_eval.core.estimate import Effect, Estimate
from impact_eval.designs.base import Design
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
    """Test the effect in the period just before the declared start.

    With a varying base that row is in the event study; otherwise the design is fitted again with
    one more period of anticipation, so that this period is an effect and no longer the reference.

    Parameters
    ----------
    alpha : float
    """

    code: ClassVar[str] = "anticipation"
    alpha: float = 0.05

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        declared = float(context.estimate.method.options.get("anticipation") or 0)
        study = context.event
        varying = str(context.estimate.method.options.get("base_period", "")) == "varying"
        if not varying:
            study = _one_more_period(context, declared)
        effect = _row(study, -1.0 - declared)
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


def _one_more_period(context: CheckContext, declared: float) -> Estimate | None:
    design: Any = context.design  # any dataclass that has the option
    if "anticipation" not in {item.name for item in fields(design)}:
        return None
    kind = type(design.anticipation)
    earlier: Design = replace(design, anticipation=kind(declared + 1))
    return event_study(earlier.fit(context.sample, context.outcome))


def _row(study: Estimate | None, time: float) -> Effect | None:
    if study is None:
        return None
    for effect in study.effects:
        if effect.term == "event" and effect.time == time:
            return effect
    return None
