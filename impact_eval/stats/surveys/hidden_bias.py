r"""How strong something unobserved would have to be to change the conclusion.

References
----------
VanderWeele, T. and Ding, P. (2017). E-values. doi:10.7326/M16-2607
Rosenbaum, P. (2002). Observational Studies, chapter 4. doi:10.1007/978-1-4757-3692-2
Cinelli, C. and Hazlett, C. (2020). doi:10.1111/rssb.12348
Oster, E. (2019). doi:10.1080/07350015.2016.1227711
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EValue:
    """Risk ratios a confounder would need with both treatment and outcome.

    Attributes
    ----------
    point : float
        To bring the estimate to one.
    interval : float
        To bring the interval's nearer end to one; 1 when it already holds one.
    """

    point: float
    interval: float


def e_value(ratio: float, conf_low: float, conf_high: float) -> EValue:
    r"""Return the E-value of a risk ratio: :math:`R + \sqrt{R(R-1)}`, R or 1/R above one.

    Examples
    --------
    >>> found = e_value(10.73, 8.02, 14.36)
    >>> round(found.point, 5), round(found.interval, 5)
    (20.94777, 15.52336)
    """
    if conf_low <= 1 <= conf_high:
        return EValue(_e_value(ratio), 1.0)
    return EValue(_e_value(ratio), _e_value(conf_low if ratio > 1 else conf_high))


def e_value_of_shares(base: float, gap: float, conf_low: float, conf_high: float) -> EValue:
    r"""Return the E-value of a difference of shares, read as a risk ratio: :math:`(p_0+d)/p_0`.

    Parameters
    ----------
    base : float
        Share of the comparison group, in (0, 1).
    gap, conf_low, conf_high : float
        Difference of shares, above minus `base`, and the ends of its interval.

    Examples
    --------
    >>> found = e_value_of_shares(0.2, 0.2, 0.04, 0.36)
    >>> round(found.point, 3), round(found.interval, 3)
    (3.414, 1.69)
    """
    ratio, low, high = ((base + value) / base for value in (gap, conf_low, conf_high))
    return e_value(ratio, low, high)


def e_value_of_difference(d: float, conf_low: float, conf_high: float) -> EValue:
    r"""Return the E-value of a standardised difference, read as the risk ratio :math:`e^{0.91d}`.

    Parameters
    ----------
    d, conf_low, conf_high : float
        Difference over the standard deviation inside groups, and the ends of its interval.

    References
    ----------
    VanderWeele, T. and Ding, P. (2017), table 2. doi:10.7326/M16-2607

    Examples
    --------
    >>> round(e_value_of_difference(-0.42, -0.51, -0.33).point, 3)
    2.291
    """
    return e_value(*(math.exp(0.91 * value) for value in (d, conf_low, conf_high)))


def _e_value(ratio: float) -> float:
    above = ratio if ratio >= 1 else 1 / ratio
    return above + math.sqrt(above * (above - 1))


def rosenbaum_mcnemar(successes: int, pairs: int, gamma: float) -> float:
    r"""Return the largest one-sided p-value of McNemar's test when odds differ up to gamma.

    :math:`P(B \ge a)`, B binomial with n discordant pairs and probability
    :math:`\Gamma/(1+\Gamma)`.

    Parameters
    ----------
    successes : int
        Discordant pairs in which the treated had the event.
    pairs : int
        Discordant pairs.
    gamma : float
        At least one.

    Examples
    --------
    >>> round(rosenbaum_mcnemar(110, 122, 5), 5)
    0.02317
    """
    share = gamma / (1 + gamma)
    return float(special.bdtrc(successes - 1, pairs, share)) if successes > 0 else 1.0


def rosenbaum_signed_rank(differences: FloatArray, gamma: float) -> float:
    r"""Return the largest one-sided p-value of Wilcoxon's signed-rank test under gamma.

    Normal reading of the bound: mean :math:`p\sum r`, variance :math:`p(1-p)\sum r^2` with
    :math:`p=\Gamma/(1+\Gamma)` and r the ranks of the absolute differences (ties get their mean).

    Parameters
    ----------
    differences : (n,) array
        Treated minus comparison in each pair; zeros are left out.
    gamma : float
    """
    values = differences[differences != 0]
    ranks = _mid_ranks(np.abs(values))
    share = gamma / (1 + gamma)
    statistic = float(ranks[values > 0].sum())
    spread = math.sqrt(share * (1 - share) * float((ranks**2).sum()))
    return float(special.ndtr(-(statistic - share * float(ranks.sum())) / spread))


def _mid_ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)


def rosenbaum_gamma(differences: FloatArray, *, alpha: float = 0.05, most: float = 50.0) -> float:
    """Return the largest gamma at which the signed-rank test still rejects.

    Returns
    -------
    float
        One when it does not reject without hidden bias; infinity above `most`.
    """
    if rosenbaum_signed_rank(differences, 1.0) >= alpha:
        return 1.0
    if rosenbaum_signed_rank(differences, most) < alpha:
        return math.inf
    low, high = 1.0, most
    for _ in range(60):
        middle = (low + high) / 2
        held = rosenbaum_signed_rank(differences, middle) < alpha
        low, high = (middle, high) if held else (low, middle)
    return low


@dataclass(frozen=True, slots=True)
class Robustness:
    """Strength of a confounder, as a partial R² with treatment and outcome alike.

    Attributes
    ----------
    partial_r2 : float
        Share of what is left of the outcome that the treatment explains.
    value : float
        Robustness value: brings the estimate to zero.
    value_alpha : float
        Brings it to no longer differ from zero at level alpha.
    """

    partial_r2: float
    value: float
    value_alpha: float


def robustness(statistic: float, df: float, *, alpha: float = 0.05) -> Robustness:
    r"""Return the robustness values of a regression coefficient.

    :math:`RV = (\sqrt{f^4 + 4f^2} - f^2)/2`, :math:`f = |t|/\sqrt{df}`.

    Parameters
    ----------
    statistic : float
        t of the coefficient.
    df : float
        Residual degrees of freedom.
    alpha : float

    Examples
    --------
    >>> found = robustness(4.18445, 783)
    >>> round(found.partial_r2, 5), round(found.value, 5), round(found.value_alpha, 5)
    (0.02187, 0.13878, 0.07626)
    """
    f = abs(statistic) / math.sqrt(df)
    critical = abs(float(special.stdtrit(df - 1, alpha / 2))) / math.sqrt(df - 1)
    reach = f - critical
    if reach <= 0:
        at_alpha = 0.0
    elif f < 1 / critical:
        at_alpha = _robustness_value(reach)
    else:
        at_alpha = (f**2 - critical**2) / (1 + f**2)
    return Robustness(statistic**2 / (statistic**2 + df), _robustness_value(f), at_alpha)


def _robustness_value(f: float) -> float:
    return (math.sqrt(f**4 + 4 * f**2) - f**2) / 2


@dataclass(frozen=True, slots=True)
class AdjustedEstimate:
    """What a confounder k times as strong as a known covariate would leave.

    Attributes
    ----------
    r2_treatment, r2_outcome : float
        Its partial R² with the treatment and with the outcome.
    estimate, std_error : float
    """

    r2_treatment: float
    r2_outcome: float
    estimate: float
    std_error: float


def benchmark_bound(
    estimate: float,
    std_error: float,
    df: float,
    *,
    benchmark_treatment: float,
    benchmark_outcome: float,
    times: float = 1.0,
) -> AdjustedEstimate:
    """Bound the estimate under a confounder `times` as strong as a known covariate.

    Parameters
    ----------
    estimate, std_error, df : float
        Of the treatment's coefficient.
    benchmark_treatment : float
        Partial R² of the covariate in the regression of the treatment on the others.
    benchmark_outcome : float
        Partial R² of the covariate in the regression of the outcome on treatment and others.
    times : float

    Returns
    -------
    AdjustedEstimate
    """
    rd, ry = benchmark_treatment, benchmark_outcome
    with_treatment = min(times * rd / (1 - rd), 1 - 1e-9)
    shared = times * rd**2 / ((1 - min(times * rd, 1 - 1e-9)) * (1 - rd))
    shared = min(shared, 1 - 1e-9)
    lift = (math.sqrt(times) + math.sqrt(shared)) / math.sqrt(1 - shared)
    with_outcome = min(lift**2 * ry / (1 - ry), 1.0)
    bias = math.sqrt(with_outcome * with_treatment / (1 - with_treatment)) * std_error
    left = abs(estimate) - bias * math.sqrt(df)
    error = math.sqrt((1 - with_outcome) / (1 - with_treatment) * df / (df - 1)) * std_error
    return AdjustedEstimate(with_treatment, with_outcome, math.copysign(1, estimate) * left, error)


@dataclass(frozen=True, slots=True)
class RegressionPair:
    """The treatment's coefficient without and with covariates, and what Oster's formula needs.

    Attributes
    ----------
    short, long : float
        Coefficient without and with covariates.
    r2_short, r2_long : float
    variance_outcome, variance_treatment : float
    variance_treatment_left : float
        Variance of the treatment left by the covariates.
    """

    short: float
    long: float
    r2_short: float
    r2_long: float
    variance_outcome: float
    variance_treatment: float
    variance_treatment_left: float


def oster_delta(pair: RegressionPair, *, r2_max: float, target: float = 0.0) -> float:
    """Return how many times more selection on unobserved than on observed covariates is needed.

    Parameters
    ----------
    pair : RegressionPair
    r2_max : float
        R² if everything were observed; 1.3 times the long R² is usual.
    target : float
        Effect that the unobserved would leave.

    Returns
    -------
    float
        Above one is usually called robust. Infinite when what is observed moves nothing.

    References
    ----------
    Oster, E. (2019), proposition 2. doi:10.1080/07350015.2016.1227711
    """
    gap, move = pair.long - target, pair.short - pair.long
    vy, vx, left = pair.variance_outcome, pair.variance_treatment, pair.variance_treatment_left
    explained, room = (pair.r2_long - pair.r2_short) * vy, (r2_max - pair.r2_long) * vy
    cubic = gap**3 * (left * vx - left**2)
    top = gap * explained * left + gap * vx * left * move**2 + 2 * gap**2 * left * move * vx + cubic
    bottom = room * move * vx + gap * room * (vx - left) + gap**2 * left * move * vx + cubic
    if bottom == 0:  # what is observed moves nothing: no selection on it says what is needed
        return math.copysign(math.inf, top) if top else math.nan
    return top / bottom
