"""How far parallel trends may fail before the conclusion falls (Rambachan and Roth)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, NotApplicable
from impact_eval.core.inference import critical_value
from impact_eval.designs.base import Design
from impact_eval.diagnostics.check import (
    CheckContext,
    CheckResult,
    CheckStatus,
    event_study,
    register_check,
)
from impact_eval.diagnostics.pretrends import EventPath, event_path
from impact_eval.stats.panels.honest import (
    HonestOptions,
    HonestProblem,
    IntervalMethod,
    honest_breakdown,
    honest_interval,
    largest_second_difference,
)
from impact_eval.stats.panels.honest_restrictions import DriftShape, Shape

if TYPE_CHECKING:
    import pandas as pd

Choice = TypeVar("Choice", bound=StrEnum)

AVERAGE = "average"
MOST_RELATIVE = 20.0  # largest multiple looked at for the breakdown value
HOLDS, FRAGILE = 1.0, 0.25
RELATIVE_M = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class HonestRow:
    """The interval of the effect at one M; an end is None when the set has none."""

    m: float
    conf_low: float | None
    conf_high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether the conclusion that there is an effect holds at this M."""
        above = self.conf_low is not None and self.conf_low > 0
        return above or (self.conf_high is not None and self.conf_high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HonestResult:
    """Sensitivity of one effect to failures of parallel trends.

    Attributes
    ----------
    restriction, direction, method : str
        What is believed about the drift, and how the intervals are made.
    effect : str or float
        `average`, or the event time.
    estimate, std_error : float
    conf_low, conf_high : float
        Interval under exact parallel trends.
    rows : tuple of HonestRow
        One per M, in the order asked.
    breakdown : float or None
        Smallest M at which the interval contains zero; 0 when it does without any drift; None when
        even the largest M looked at does not bring it to zero.
    conf_level : float
    n_pre, n_post : int
        Periods before and after the reference that were used.
    findings : tuple of Finding
    """

    restriction: str
    direction: str
    method: str
    effect: str | float
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    rows: tuple[HonestRow, ...]
    breakdown: float | None
    conf_level: float
    n_pre: int
    n_post: int
    findings: tuple[Finding, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per M: restriction, method, m, estimate and interval, excludes_zero."""
        import pandas as pd

        rows = [
            {
                "restriction": self.restriction,
                "direction": self.direction,
                "method": self.method,
                "m": row.m,
                "estimate": self.estimate,
                "conf_low": -math.inf if row.conf_low is None else row.conf_low,
                "conf_high": math.inf if row.conf_high is None else row.conf_high,
                "conf_level": self.conf_level,
                "excludes_zero": row.excludes_zero,
            }
            for row in self.rows
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON."""
        out: dict[str, Any] = {
            name: getattr(self, name) for name in self.__slots__ if name not in ("rows", "findings")
        }
        out["rows"] = [
            {"m": row.m, "conf_low": row.conf_low, "conf_high": row.conf_high} for row in self.rows
        ]
        out["findings"] = [finding.to_dict() for finding in self.findings]
        return out


def honest_did(
    estimate_event: Estimate | None,
    *,
    restriction: str = "relative_magnitudes",
    m: Sequence[float] | None = None,
    effect: str | float = AVERAGE,
    direction: str = "none",
    method: str | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> HonestResult | NotApplicable:
    """Return intervals of an effect when parallel trends may fail, and the breakdown value.

    Relative magnitudes: after the action, the gap between groups never drifts from one period to
    the next by more than M times its largest move before. Smoothness: the slope of the drift never
    changes by more than M per period. Relative smoothness: M times the largest change of slope
    before. A move and a change of slope are counted per unit of the time column, so that surveys
    every two years, or at unequal intervals, allow for a drift in proportion to what they span.

    Parameters
    ----------
    estimate_event : Estimate
        An event study (terms `event`) with its covariance.
    restriction : {"relative_magnitudes", "smoothness", "relative_smoothness"}
    m : sequence of float, optional
        Multiples (relative) or amounts in the unit of the outcome per unit of time squared
        (smoothness).
        By default 0.5, 1, 2; or 0, half and all of what the pre-periods allow for.
    effect : "average" or float
        Mean of all periods from event time 0 on, or one event time.
    direction : {"none", "positive", "negative", "increasing", "decreasing"}
        Sign of the drift after the action, or direction of its whole path, if believed.
    method : {"flci", "c_lf", "conditional", "c_f"}, optional
        By default the shortest fixed-length interval for plain smoothness, the hybrid with a fixed
        length first stage for smoothness with a direction, the least favourable hybrid elsewhere.
    level : float
    seed : int
        Of the draws behind the least favourable critical values.

    Returns
    -------
    HonestResult or NotApplicable
        `no_event_study`, `no_pre_period`, `no_post_period`, `no_common_reference` (imputation
        measures leads and effects against different periods), `references_differ` (cohorts were
        last seen before the action at different times before it), `too_few_pre_periods`,
        `method_needs_smoothness`, `too_many_rays`.

    Raises
    ------
    ImpactEvalError
        `unknown_option`, `option_out_of_range`.

    References
    ----------
    Rambachan, A. and Roth, J. (2023). doi:10.1093/restud/rdad018
    """
    options = _options(restriction, direction, method, level=level, seed=seed)
    _check_m(m)
    path = event_path(estimate_event)
    if isinstance(path, NotApplicable):
        return path
    prepared = honest_problem(path, effect)
    if isinstance(prepared, NotApplicable):
        return prepared
    problem, findings = prepared
    chosen = tuple(m) if m is not None else _default_m(problem, options)
    rows: list[HonestRow] = []
    for value in chosen:
        found = honest_interval(problem, float(value), options)
        if isinstance(found, NotApplicable):
            return found
        rows.append(HonestRow(float(value), _end(found.conf_low), _end(found.conf_high)))
    breakdown = honest_breakdown(problem, options, most=_most(problem, options))
    if isinstance(breakdown, NotApplicable):
        return breakdown
    margin = critical_value(level) * problem.std_error
    return HonestResult(
        restriction=options.shape.value,
        direction=options.direction.value,
        method=options.method.value,
        effect=effect,
        estimate=problem.estimate,
        std_error=problem.std_error,
        conf_low=problem.estimate - margin,
        conf_high=problem.estimate + margin,
        rows=tuple(rows),
        breakdown=_end(breakdown),
        conf_level=level,
        n_pre=problem.n_pre,
        n_post=problem.n_post,
        findings=findings,
    )


def _options(
    restriction: str, direction: str, method: str | None, *, level: float, seed: int
) -> HonestOptions:
    faults = FindingCollector()
    shape = _choice(Shape, "restriction", restriction, faults)
    way = _choice(DriftShape, "direction", direction, faults)
    how = None if method is None else _choice(IntervalMethod, "method", method, faults)
    if not 0 < level < 1:
        faults.add(Finding.error("option_out_of_range", option="level", value=level, low=0, high=1))
    faults.raise_if_errors()
    assert shape is not None
    assert way is not None
    if how is None:
        plain = IntervalMethod.FLCI if way is DriftShape.NONE else IntervalMethod.C_F
        how = plain if shape is Shape.SMOOTHNESS else IntervalMethod.C_LF
    return HonestOptions(shape=shape, direction=way, method=how, alpha=1 - level, seed=seed)


def _choice(kind: type[Choice], option: str, name: str, faults: FindingCollector) -> Choice | None:
    known = [member.value for member in kind]
    if name not in known:
        faults.add(Finding.error("unknown_option", option=option, name=str(name), known=known))
        return None
    return kind(name)


def _check_m(m: Sequence[float] | None) -> None:
    for value in m or ():
        if not (math.isfinite(value) and value >= 0):
            raise ImpactEvalError(
                Finding.error("option_out_of_range", option="m", value=value, low=0, high="+∞")
            )


def _end(value: float) -> float | None:
    return value if math.isfinite(value) else None


def honest_problem(
    path: EventPath, effect: str | float = AVERAGE
) -> tuple[HonestProblem, tuple[Finding, ...]] | NotApplicable:
    """Return the periods around the reference, the time between them, and the effect asked of it.

    Restrictions speak of neighbouring surveys. Where these are not equally far apart, the drift
    allowed in an interval is in proportion to its length (see `honest_restrictions`), and that is
    said: a long interval without a survey is not taken for one year. Cohorts measured against
    different event times have no common reference, and are refused.

    Parameters
    ----------
    path : EventPath
    effect : "average" or float

    Returns
    -------
    tuple of HonestProblem and findings, or NotApplicable
        `no_pre_period`, `no_post_period`, `no_common_reference`, `references_differ`.
    """
    if path.pooled:
        return NotApplicable.because("no_common_reference")
    if len(path.references) > 1 or not path.chained:
        return NotApplicable.because("references_differ")
    path = path.levels()
    order = np.argsort(path.times)
    times = path.times[order]
    landed = times[times > path.reference]
    if len(landed) == len(times):
        return NotApplicable.because("no_pre_period")
    wanted = landed >= 0 if effect == AVERAGE else landed == effect
    if not wanted.any():
        return NotApplicable.because("no_post_period", effect=str(effect))
    gaps = np.diff(np.insert(times, len(times) - len(landed), path.reference))
    findings: tuple[Finding, ...] = ()
    if not np.allclose(gaps, gaps[0]):
        findings = (Finding.info("honest_gap", n=len(gaps), longest=float(gaps.max())),)
    problem = HonestProblem(
        path.estimates[order],
        path.covariance[np.ix_(order, order)],
        wanted / wanted.sum(),
        gaps,
    )
    return problem, findings


def _default_m(problem: HonestProblem, options: HonestOptions) -> tuple[float, ...]:
    if options.shape is not Shape.SMOOTHNESS:
        return RELATIVE_M
    bound = _smoothness_scale(problem)
    return (0.0, bound / 2, bound)


def _smoothness_scale(problem: HonestProblem) -> float:
    found = largest_second_difference(
        problem.estimates, problem.covariance, n_pre=problem.n_pre, gaps=problem.gaps
    )
    return problem.std_error if isinstance(found, NotApplicable) else max(found, 0.0)


def _most(problem: HonestProblem, options: HonestOptions) -> float:
    if options.shape is not Shape.SMOOTHNESS:
        return MOST_RELATIVE
    return abs(problem.estimate) + 10 * problem.std_error


@register_check
@dataclass(frozen=True, slots=True)
class HonestCheck:
    """Whether the conclusion that there is an effect survives drifts like those seen before.

    Passed: it holds when the gap drifts after the action as much as its largest move before (M is
    1). Warning: for M between a quarter and 1. Failed: a quarter of a past move is enough. It
    does not apply when there is no conclusion to overturn (the interval contains zero under exact
    parallel trends).

    References
    ----------
    Rambachan, A. and Roth, J. (2023). doi:10.1093/restud/rdad018
    """

    code: ClassVar[str] = "honest_did"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        found = honest_did(_universal(context), m=(0.0, 0.5, 1.0, 1.5, 2.0))
        if isinstance(found, NotApplicable):
            return CheckResult.not_applicable(self.code, found.reason, **found.values)
        values = {
            "breakdown": found.breakdown,
            "estimate": found.estimate,
            "conf_low": found.conf_low,
            "conf_high": found.conf_high,
            "n_pre": found.n_pre,
            "restriction": found.restriction,
        }
        rows = tuple(
            {"m": row.m, "conf_low": row.conf_low, "conf_high": row.conf_high} for row in found.rows
        )
        if found.conf_low <= 0 <= found.conf_high:
            result = CheckResult.not_applicable(self.code, "nothing_to_overturn", **values)
            return replace(result, rows=rows)
        status = _status(found.breakdown)
        return CheckResult(
            code=self.code,
            status=status,
            statistic=found.breakdown,
            values=values,
            rows=rows,
            reason=_reason(status, found.breakdown),
        )


def _universal(context: CheckContext) -> Estimate | None:
    """Return the event study measured against one period, fitting again when the design can.

    Steps of a varying base add up to levels only for cohorts seen at every event time.
    """
    design: Any = context.design  # any dataclass that has the option
    if context.event is None or str(getattr(design, "base_period", "")) != "varying":
        return context.event
    universal: Design = replace(design, base_period="universal")
    return event_study(universal.fit(context.sample, context.outcome))


def _status(breakdown: float | None) -> CheckStatus:
    if breakdown is None or breakdown >= HOLDS:
        return CheckStatus.PASSED
    return CheckStatus.WARNING if breakdown >= FRAGILE else CheckStatus.FAILED


def _reason(status: CheckStatus, breakdown: float | None) -> str | None:
    if breakdown is None:
        return "honest_never_breaks"
    return None if status is CheckStatus.PASSED else "honest_fragile"
