"""Attrition: who left before the outcome was measured, and more on one side than the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import two_sided_p
from impact_eval.data.sample import DataShape, Sample
from impact_eval.diagnostics.balance import ever_treated
from impact_eval.diagnostics.check import CheckContext, CheckResult, CheckStatus, register_check
from impact_eval.stats.surveys.attrition_bias import (
    CAUTIOUS,
    OPTIMISTIC,
    TOLERABLE_BIAS,
    attrition_bias,
)
from impact_eval.stats.surveys.bounds import lee_bounds

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAttrition:
    """Losses by arm.

    Attributes
    ----------
    n_treated, n_comparison : int
        People or territories at the start.
    lost_treated, lost_comparison : int
        Those without an outcome at the end.
    p_value : float
        Of the difference between the two shares (pooled two-proportion test); NaN when nobody or
        everybody left.
    bias_cautious, bias_optimistic : float
        Largest bias that these losses could make, in standard deviations of the outcome.
    """

    n_treated: int
    n_comparison: int
    lost_treated: int
    lost_comparison: int
    p_value: float
    bias_cautious: float
    bias_optimistic: float

    @property
    def share_treated(self) -> float:
        """Share lost among the treated."""
        return self.lost_treated / self.n_treated

    @property
    def share_comparison(self) -> float:
        """Share lost in the comparison group."""
        return self.lost_comparison / self.n_comparison

    @property
    def overall(self) -> float:
        """Share lost in all."""
        return (self.lost_treated + self.lost_comparison) / (self.n_treated + self.n_comparison)


def attrition_of(lost: BoolArray, treated: BoolArray) -> ArmAttrition:
    """Count the losses of each arm, test their difference, bound their bias.

    Parameters
    ----------
    lost, treated : (n,) arrays of bool
        Both arms present.

    Returns
    -------
    ArmAttrition

    Examples
    --------
    >>> import numpy as np
    >>> treated = np.repeat([True, False], 100)
    >>> lost = np.arange(200) % 10 == 0
    >>> found = attrition_of(lost, treated)
    >>> found.overall, round(found.bias_cautious, 4)
    (0.1, 0.0117)
    """
    n_one, n_zero = int(treated.sum()), int((~treated).sum())
    lost_one, lost_zero = int(lost[treated].sum()), int(lost[~treated].sum())
    pooled = (lost_one + lost_zero) / (n_one + n_zero)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n_one + 1 / n_zero))
    gap = lost_one / n_one - lost_zero / n_zero
    shares = (lost_one / n_one, lost_zero / n_zero)
    return ArmAttrition(
        n_treated=n_one,
        n_comparison=n_zero,
        lost_treated=lost_one,
        lost_comparison=lost_zero,
        p_value=two_sided_p(gap / spread) if spread > 0 else math.nan,
        bias_cautious=attrition_bias(*shares, CAUTIOUS),
        bias_optimistic=attrition_bias(*shares, OPTIMISTIC),
    )


def losses(sample: Sample, outcome: str) -> tuple[BoolArray, BoolArray] | NotApplicable:
    """Return who was lost and who is treated: rows, or units of a panel.

    A unit of a panel is lost when its outcome is missing at the last period; a row of a
    cross-section when its outcome is missing.

    Returns
    -------
    tuple of two (n,) arrays of bool, or NotApplicable
        `no_treatment_role`, `one_group_only`.
    """
    groups = ever_treated(sample)
    if groups is None:
        return NotApplicable.because("no_treatment_role")
    if sample.shape is DataShape.PANEL:
        wide = sample.wide(outcome)
        lost, treated = np.isnan(wide.y[:, -1]), np.isfinite(wide.cohorts)
    else:
        observed, _ = sample.complete(outcome)
        lost, treated = ~observed, groups
    if treated.all() or not treated.any():
        return NotApplicable.because("one_group_only")
    return lost, treated


@register_check
@dataclass(frozen=True, slots=True)
class AttritionCheck:
    """Overall and differential attrition, judged by the bias they could make.

    Passed: even the cautious model of Deke and Chiang bounds the bias by 0.05 standard deviation.
    Warning: only the optimistic one does. Failed: neither does.

    References
    ----------
    Deke, J. and Chiang, H. (2017). doi:10.1177/0193841X16670047
    """

    code: ClassVar[str] = "attrition"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        found = losses(context.sample, context.outcome)
        if isinstance(found, NotApplicable):
            return CheckResult.not_applicable(self.code, found.reason, **found.values)
        result = attrition_of(*found)
        status, reason = _status(result)
        known = math.isfinite(result.p_value)
        before = sum(step.dropped for step in context.sample.flow)
        arms = (
            ("treated", result.n_treated, result.lost_treated, result.share_treated),
            ("comparison", result.n_comparison, result.lost_comparison, result.share_comparison),
        )
        return CheckResult(
            code=self.code,
            status=status,
            statistic=result.share_treated - result.share_comparison,
            p_value=result.p_value if known else None,
            reason=reason,
            values={
                "overall": result.overall,
                "differential": result.share_treated - result.share_comparison,
                "lost": result.lost_treated + result.lost_comparison,
                "n": result.n_treated + result.n_comparison,
                "bias_cautious": _finite(result.bias_cautious),
                "bias_optimistic": _finite(result.bias_optimistic),
                "dropped_before": before,
                **_bounds(context, result),
            },
            rows=tuple({"arm": arm, "n": n, "lost": lost, "share": s} for arm, n, lost, s in arms),
        )


def _bounds(context: CheckContext, result: ArmAttrition) -> dict[str, float | None]:
    """Return Lee's bounds on the effect on those who would answer in either arm, when some left."""
    lost = result.lost_treated + result.lost_comparison
    treated = context.sample.treated
    if not lost or treated is None or context.sample.shape is not DataShape.CROSS_SECTION:
        return {}
    found = lee_bounds(context.sample.outcome(context.outcome), treated)
    if isinstance(found, NotApplicable):
        return {}
    return {
        "lee_lower": found.lower,
        "lee_upper": found.upper,
        "lee_conf_low": found.conf_low,
        "lee_conf_high": found.conf_high,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _status(result: ArmAttrition) -> tuple[CheckStatus, str | None]:
    if result.bias_cautious <= TOLERABLE_BIAS:
        return CheckStatus.PASSED, None
    if result.bias_optimistic <= TOLERABLE_BIAS:
        return CheckStatus.WARNING, "attrition_doubtful"
    return CheckStatus.FAILED, "attrition_high"
