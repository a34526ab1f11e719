"""Confounding: how strong something unobserved would have to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.data.sample import DataShape, Sample
from impact_eval.diagnostics.balance import Baseline, baseline
from impact_eval.diagnostics.check import (
    CheckContext,
    CheckResult,
    CheckStatus,
    Row,
    register_check,
)
from impact_eval.stats.inference.regression import LinearFit, least_squares
from impact_eval.stats.surveys.hidden_bias import Robustness, benchmark_bound, robustness

FloatArray = NDArray[np.float64]

_ONE, _TREATMENT = "impact_eval_one", "impact_eval_treatment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A known covariate as a yardstick.

    Attributes
    ----------
    name : str
    with_treatment, with_outcome : float
        Its partial R² with the treatment and with the outcome.
    estimate, conf_near : float
        What a confounder as strong as it would leave: the estimate, and its interval's end nearer
        to zero (of the same sign as the estimate when still told from zero).
    """

    name: str
    with_treatment: float
    with_outcome: float
    estimate: float
    conf_near: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Robustness of the regression-adjusted difference to the unobserved.

    Attributes
    ----------
    estimate, std_error, df : float
        Of the treatment's coefficient given the covariates (least squares).
    robustness : Robustness
    benchmarks : tuple of Benchmark
        From the most to the least harmful.
    """

    estimate: float
    std_error: float
    df: float
    robustness: Robustness
    benchmarks: tuple[Benchmark, ...]


def sensitivity(y: FloatArray, found: Baseline) -> Sensitivity | NotApplicable:
    """Return how strong a confounder would have to be, with every covariate as a yardstick.

    Parameters
    ----------
    y : (n,) array
        Outcome, finite.
    found : Baseline
        Covariates and treatment of the same rows.

    Returns
    -------
    Sensitivity or NotApplicable
        `nothing_left_to_explain`: the covariates say exactly who is treated, or with the treatment
        what the outcome is.

    References
    ----------
    Cinelli, C. and Hazlett, C. (2020). doi:10.1111/rssb.12348
    """
    treated = found.treated.astype(np.float64)
    constant = np.ones(len(y))
    names = (_ONE, _TREATMENT, *found.names)
    full = least_squares(
        y, np.column_stack([constant, treated, found.x]), names=names, weights=found.weights
    )
    selection = least_squares(
        treated,
        np.column_stack([constant, found.x]),
        names=(_ONE, *found.names),
        weights=found.weights,
    )
    if any(_explains_all(fit, of) for fit, of in ((full, y), (selection, treated))):
        return NotApplicable.because("nothing_left_to_explain")
    position = full.position(_TREATMENT)
    estimate = float(full.coefficients[position])
    error = float(np.sqrt(full.sigma2 * full.bread[position, position]))
    marks = []
    for name in found.names:
        if name not in full.names or name not in selection.names:
            continue
        with_treatment, with_outcome = _partial_r2(selection, name), _partial_r2(full, name)
        bound = benchmark_bound(
            estimate,
            error,
            full.df_residual,
            benchmark_treatment=with_treatment,
            benchmark_outcome=with_outcome,
        )
        near = bound.estimate - np.sign(estimate) * 1.96 * bound.std_error
        marks.append(
            Benchmark(
                name=name,
                with_treatment=with_treatment,
                with_outcome=with_outcome,
                estimate=bound.estimate,
                conf_near=float(near),
            )
        )
    marks.sort(key=lambda mark: mark.estimate * np.sign(estimate))
    return Sensitivity(
        estimate=estimate,
        std_error=error,
        df=float(full.df_residual),
        robustness=robustness(estimate / error, full.df_residual),
        benchmarks=tuple(marks),
    )


def _explains_all(fit: LinearFit, target: FloatArray) -> bool:
    """Whether nothing is left of what a regression explains, but for rounding."""
    weights = np.ones(len(target)) if fit.weights is None else fit.weights
    around = target - np.average(target, weights=weights)
    left, whole = (float(weights @ values**2) for values in (fit.residuals, around))
    return fit.df_residual < 2 or left <= 1e-20 * len(target) ** 2 * whole


def _partial_r2(fit: LinearFit, name: str) -> float:
    j = fit.position(name)
    squared = float(fit.coefficients[j] ** 2 / (fit.sigma2 * fit.bread[j, j]))
    return squared / (squared + fit.df_residual)


def observed_rows(sample: Sample, outcome: str) -> tuple[FloatArray, Baseline] | NotApplicable:
    """Return the outcome and the two groups, of the rows whose outcome is known.

    Returns
    -------
    ((n,) array, Baseline) or NotApplicable
        `not_a_regression_design` when people are followed in time, `no_covariates`,
        `no_treatment_role`, `one_group_only`, `not_enough_rows`.
    """
    if sample.shape is not DataShape.CROSS_SECTION:
        return NotApplicable.because("not_a_regression_design")
    found = baseline(sample, outcome)
    if isinstance(found, NotApplicable):
        return found
    y = sample.outcome(outcome)
    seen = ~np.isnan(y)
    kept = Baseline(
        names=found.names,
        x=found.x[seen],
        treated=found.treated[seen],
        weights=None if found.weights is None else found.weights[seen],
        clusters=None,
    )
    if seen.sum() < len(found.names) + 5 or kept.treated.all() or not kept.treated.any():
        return NotApplicable.because("not_enough_rows")
    return y[seen], kept


@register_check
@dataclass(frozen=True, slots=True)
class Confounding:
    """Compare what would cancel the result with the strongest covariate known.

    Failed when a hidden difference as strong as that covariate would bring the effect to zero;
    warning when it would bring its interval to zero.

    References
    ----------
    Cinelli, C. and Hazlett, C. (2020). doi:10.1111/rssb.12348
    """

    code: ClassVar[str] = "confounding"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        found = observed_rows(context.sample, context.outcome)
        if isinstance(found, NotApplicable):
            return CheckResult.not_applicable(self.code, found.reason, **found.values)
        result = sensitivity(*found)
        if isinstance(result, NotApplicable):
            return CheckResult.not_applicable(self.code, result.reason, **result.values)
        return _answer(self.code, result)


def _answer(code: str, result: Sensitivity) -> CheckResult:
    values = {
        "robustness": result.robustness.value,
        "robustness_alpha": result.robustness.value_alpha,
        "partial_r2": result.robustness.partial_r2,
        "estimate": result.estimate,
    }
    if not result.benchmarks:
        return CheckResult.not_applicable(code, "no_covariate_to_compare", **values)
    worst = result.benchmarks[0]
    sign = np.sign(result.estimate)
    status, reason = CheckStatus.PASSED, None
    if worst.estimate * sign <= 0:
        status, reason = CheckStatus.FAILED, "confounding_strong"
    elif worst.conf_near * sign <= 0:
        status, reason = CheckStatus.WARNING, "confounding_weak"
    rows: tuple[Row, ...] = tuple(
        {
            "variable": mark.name,
            "with_treatment": mark.with_treatment,
            "with_outcome": mark.with_outcome,
            "estimate": mark.estimate,
        }
        for mark in result.benchmarks[:10]
    )
    return CheckResult(
        code=code,
        status=status,
        statistic=result.robustness.value,
        values={
            **values,
            "benchmark": worst.name,
            "benchmark_strength": max(worst.with_treatment, worst.with_outcome),
        },
        rows=rows,
        reason=reason,
    )
