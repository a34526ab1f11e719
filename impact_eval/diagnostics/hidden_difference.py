"""The unobserved: what a hidden difference between groups would need to cancel a result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Effect
from impact_eval.core.findings import NotApplicable
from impact_eval.data.sample import Sample
from impact_eval.diagnostics.balance import Baseline
from impact_eval.diagnostics.confounding import observed_rows, sensitivity
from impact_eval.stats.inference.regression import LinearFit, least_squares
from impact_eval.stats.surveys.hidden_bias import (
    EValue,
    RegressionPair,
    e_value_of_difference,
    e_value_of_shares,
    oster_delta,
)

FloatArray = NDArray[np.float64]

R2_TIMES = 1.3  # Oster (2019): nine randomised results in ten survive it


@dataclass(frozen=True, slots=True, kw_only=True)
class Unobserved:
    """How strong something unobserved would have to be to cancel a difference.

    Attributes
    ----------
    robustness, robustness_alpha : float
        Partial R² with treatment and outcome alike that brings the estimate to zero, and that
        brings it to no longer differ from zero.
    delta : float or NotApplicable
        How many times more the unobserved would have to matter than the covariates; negative when
        it would have to pull the other way.
    e_value : EValue or NotApplicable
        Risk ratios that a confounder would need with treatment and outcome.
    """

    robustness: float
    robustness_alpha: float
    delta: float | NotApplicable
    e_value: EValue | NotApplicable


def unobserved(sample: Sample, outcome: str, effect: Effect) -> Unobserved | NotApplicable:
    """Measure what would cancel a difference between groups that nobody drew.

    Robustness and delta are those of the least-squares difference given the covariates; the E-value
    is that of the effect as printed.

    Parameters
    ----------
    sample : Sample
        Everybody seen once; with covariates.
    outcome : str
    effect : Effect
        The headline.

    Returns
    -------
    Unobserved or NotApplicable
        `not_a_regression_design` when people are followed in time, `no_covariates`,
        `no_treatment_role`, `one_group_only`, `not_enough_rows`,
        `nothing_left_to_explain`.

    References
    ----------
    Cinelli, C. and Hazlett, C. (2020). doi:10.1111/rssb.12348
    Oster, E. (2019). doi:10.1080/07350015.2016.1227711
    VanderWeele, T. and Ding, P. (2017). doi:10.7326/M16-2607
    """
    found = observed_rows(sample, outcome)
    if isinstance(found, NotApplicable):
        return found
    y, kept = found
    fitted = sensitivity(y, kept)
    if isinstance(fitted, NotApplicable):
        return fitted
    measured = fitted.robustness
    return Unobserved(
        robustness=measured.value,
        robustness_alpha=measured.value_alpha,
        delta=_delta(regression_pair(y, kept)),
        e_value=_e_value(y, kept, effect),
    )


def regression_pair(y: FloatArray, found: Baseline) -> RegressionPair:
    """Fit the difference without and with covariates, for Oster's formula.

    Parameters
    ----------
    y : (n,) array
    found : Baseline
    """
    treated = found.treated.astype(np.float64)
    one = np.ones(len(y))
    weights = found.weights

    def fit(target: FloatArray, *columns: FloatArray) -> LinearFit:
        design = np.column_stack([one, *columns])
        names = tuple(f"x{j}" for j in range(design.shape[1]))
        return least_squares(target, design, names=names, weights=weights)

    short, long, selection = fit(y, treated), fit(y, treated, found.x), fit(treated, found.x)
    total, spread = _variance(y - _mean(y, weights), weights), _mean(treated, weights)
    return RegressionPair(
        short=float(short.coefficients[1]),
        long=float(long.coefficients[1]),
        r2_short=1 - _variance(short.residuals, weights) / total,
        r2_long=1 - _variance(long.residuals, weights) / total,
        variance_outcome=total,
        variance_treatment=spread * (1 - spread),
        variance_treatment_left=_variance(selection.residuals, weights),
    )


def _delta(pair: RegressionPair) -> float | NotApplicable:
    """Return Oster's delta, where covariates explain something and leave something."""
    most = min(1.0, R2_TIMES * pair.r2_long)
    if most <= pair.r2_long or pair.r2_long - pair.r2_short <= 1e-9:
        return NotApplicable.because("covariates_explain_nothing")
    delta = oster_delta(pair, r2_max=most)
    return delta if np.isfinite(delta) else NotApplicable.because("covariates_explain_nothing")


def _e_value(y: FloatArray, found: Baseline, effect: Effect) -> EValue | NotApplicable:
    estimate, low, high = effect.estimate, effect.conf_low, effect.conf_high
    if estimate is None or low is None or high is None:
        return NotApplicable.because("no_interval")
    groups = [
        (y[rows], None if found.weights is None else found.weights[rows])
        for rows in (found.treated, ~found.treated)
    ]
    if set(np.unique(y)) <= {0.0, 1.0}:
        base = _mean(*groups[1])
        if not 0 < base < 1 or base + estimate <= 0:
            return NotApplicable.because("no_e_value")
        return e_value_of_shares(base, estimate, low, high)
    inside = sum(_variance(v - _mean(v, w), w) * len(v) for v, w in groups) / len(y)
    if inside <= 0:
        return NotApplicable.because("no_e_value")
    return e_value_of_difference(*(float(v / np.sqrt(inside)) for v in (estimate, low, high)))


def _mean(values: FloatArray, weights: FloatArray | None) -> float:
    return float(np.average(values, weights=weights))


def _variance(residuals: FloatArray, weights: FloatArray | None) -> float:
    return float(np.average(residuals**2, weights=weights))
