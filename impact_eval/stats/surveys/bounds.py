r"""Bounds on an effect when outcomes are missing for some: Lee, and Manski's worst case.

Lee: if the action can only change who answers in one direction, the arm that answers more holds an
excess share :math:`p = (s_1-s_0)/s_1` of respondents; taking it away from the top, then from the
bottom, bounds the effect on those who would answer in either arm.

Manski: missing outcomes are put at the ends of the outcome's range; nothing is assumed.

The Imbens-Manski interval covers the effect itself: :math:`[L - c\,se_L, U + c\,se_U]` with
:math:`\Phi(c + (U-L)/\max se) - \Phi(-c) =` level.

References
----------
Lee, D. (2009). doi:10.1111/j.1467-937X.2009.00536.x
Horowitz, J. and Manski, C. (2000). doi:10.1080/01621459.2000.10473902
Imbens, G. and Manski, C. (2004). doi:10.1111/j.1468-0262.2004.00555.x
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core import Finding, FindingCollector, NotApplicable

FloatArray = NDArray[np.float64]


class TrimRule(StrEnum):
    """How the marginal outcome is treated when the share to trim falls inside it.

    QUANTILE keeps outcomes up to (from) the inverse of the empirical distribution; FRACTIONAL drops
    exactly the share, the marginal outcome in part; INTERPOLATED keeps outcomes up to (from) the
    interpolated quantile. They differ with ties and small samples.
    """

    QUANTILE = "quantile"
    FRACTIONAL = "fractional"
    INTERPOLATED = "interpolated"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectBounds:
    """Bounds on an effect.

    Attributes
    ----------
    lower, upper : float
    se_lower, se_upper : float
    conf_low, conf_high : float
        Imbens-Manski interval of the effect.
    conf_level : float
    response_treated, response_comparison : float
        Shares whose outcome is known.
    trimmed_share : float
        Share of respondents taken away in the arm that answers more (0 for Manski).
    trimmed_arm : int
        1 treated, 0 comparison.
    naive_difference : float
        Difference in means among respondents.
    """

    lower: float
    upper: float
    se_lower: float
    se_upper: float
    conf_low: float
    conf_high: float
    conf_level: float
    response_treated: float
    response_comparison: float
    trimmed_share: float
    trimmed_arm: int
    naive_difference: float


def lee_bounds(
    outcome: ArrayLike,
    treated: ArrayLike,
    *,
    rule: TrimRule = TrimRule.QUANTILE,
    level: float = 0.95,
) -> EffectBounds | NotApplicable:
    r"""Bound the effect on those who would answer in either arm.

    Parameters
    ----------
    outcome : (n,) array
        NaN where the outcome is not known.
    treated : (n,) array of bool or 0/1
    rule : TrimRule
    level : float

    Returns
    -------
    EffectBounds or NotApplicable
        `too_few_respondents` when an arm has fewer than two outcomes. Standard errors are those of
        Lee's proposition 3.

    Assumptions
    -----------
    Random assignment; the action moves response in one direction only (for everyone).

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 2, 3, 4, 5, 1, 2, 3, np.nan, np.nan])
    >>> bounds = lee_bounds(y, np.repeat([1, 0], 5))
    >>> round(bounds.lower, 2), round(bounds.upper, 2), bounds.trimmed_share
    (0.0, 2.0, 0.4)
    """
    y = np.asarray(outcome, dtype=np.float64)
    d = np.asarray(treated).astype(bool)
    known = ~np.isnan(y)
    respondents = [int((known & arm).sum()) for arm in (d, ~d)]
    if min(respondents) < 2:
        return NotApplicable.because("too_few_respondents", n=min(respondents), least=2)
    rates = [float(known[d].mean()), float(known[~d].mean())]
    # Lee's proposition 1 has the treated answer more; the other case exchanges the arms, and the
    # bounds change sign and place.
    arm = int(rates[0] >= rates[1])
    more, less = (y[known & d], y[known & ~d]) if arm else (y[known & ~d], y[known & d])
    high, low = max(rates), min(rates)
    share = (high - low) / high
    # Trimming the top of -y is trimming the bottom of y.
    ends = [_trimmed_end(np.sort(more), share, rule), _trimmed_end(np.sort(-more), share, rule)]
    ends[1] = (-ends[1][0], -ends[1][1], ends[1][2])
    errors = [
        math.sqrt(
            _trimmed_variance(end, share, respondents=len(more), rates=(high, low), n=len(y))
            + float(less.var()) / len(less)
        )
        for end in ends
    ]
    bounds = [ends[0][0] - float(less.mean()), ends[1][0] - float(less.mean())]
    if not arm:
        bounds, errors = [-bounds[1], -bounds[0]], errors[::-1]
    interval = imbens_manski_interval((bounds[0], bounds[1]), (errors[0], errors[1]), level=level)
    return EffectBounds(
        lower=bounds[0],
        upper=bounds[1],
        se_lower=errors[0],
        se_upper=errors[1],
        conf_low=interval[0],
        conf_high=interval[1],
        conf_level=level,
        response_treated=rates[0],
        response_comparison=rates[1],
        trimmed_share=share,
        trimmed_arm=arm,
        naive_difference=float(y[known & d].mean() - y[known & ~d].mean()),
    )


def _trimmed_end(y: FloatArray, share: float, rule: TrimRule) -> tuple[float, float, float]:
    """Mean, cut and variance of sorted outcomes whose top share is taken away."""
    size = len(y)
    keep = (1 - share) * size
    place = min(max(math.ceil(keep - 1e-9), 1), size) - 1
    cut = float(y[place])
    if rule is TrimRule.FRACTIONAL:
        weights = np.clip(keep - np.arange(size), 0, 1)
    elif rule is TrimRule.QUANTILE:
        weights = (y <= cut).astype(np.float64)
    else:
        cut = float(np.quantile(y, 1 - share))
        weights = (y <= cut).astype(np.float64)
    mean = float(np.average(y, weights=weights))
    return mean, cut, float(np.average((y - mean) ** 2, weights=weights))


def _trimmed_variance(
    end: tuple[float, float, float],
    share: float,
    *,
    respondents: int,
    rates: tuple[float, float],
    n: int,
) -> float:
    """Lee's V_LB / n: the trimmed mean, its cut, and the share trimmed are all estimated."""
    mean, cut, variance = end
    high, low = rates
    assigned = respondents / high  # people in the arm that answers more
    share_variance = (1 - share) ** 2 * (
        (1 - high) / (assigned * high) + (1 - low) / ((n - assigned) * low)
    )
    kept = respondents * (1 - share)
    return (
        variance / kept
        + (cut - mean) ** 2 * share / kept
        + ((cut - mean) / (1 - share)) ** 2 * share_variance
    )


def manski_bounds(
    outcome: ArrayLike,
    treated: ArrayLike,
    *,
    low: float,
    high: float,
    level: float = 0.95,
) -> EffectBounds | NotApplicable:
    """Bound the mean effect by putting every unknown outcome at the ends of the range.

    Parameters
    ----------
    outcome : (n,) array
        NaN where not known; known values within [low, high].
    treated : (n,) array of bool or 0/1
    low, high : float
        Range of the outcome.
    level : float

    Returns
    -------
    EffectBounds or NotApplicable

    Raises
    ------
    ImpactEvalError
        `outcome_outside_range`.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 0, np.nan, 1, 0, 0, 0, np.nan])
    >>> bounds = manski_bounds(y, np.repeat([1, 0], 4), low=0, high=1)
    >>> bounds.lower, bounds.upper
    (0.25, 0.75)
    """
    y = np.asarray(outcome, dtype=np.float64)
    d = np.asarray(treated).astype(bool)
    known = ~np.isnan(y)
    faults = FindingCollector()
    outside = known & ((y < low) | (y > high))
    if outside.any():
        faults.add(Finding.error("outcome_outside_range", n=int(outside.sum()), low=low, high=high))
    faults.raise_if_errors()
    sizes = [int(d.sum()), int((~d).sum())]
    if min(sizes) < 2 or not (known & d).any() or not (known & ~d).any():
        return NotApplicable.because("too_few_respondents", n=min(sizes), least=2)
    ends, errors = [], []
    # Each bound is a difference in means of filled outcomes, nothing being estimated but the means:
    # its error is Neyman's.
    for treated_fill, comparison_fill in ((low, high), (high, low)):
        one = np.where(known[d], y[d], treated_fill)
        zero = np.where(known[~d], y[~d], comparison_fill)
        ends.append(float(one.mean() - zero.mean()))
        errors.append(math.sqrt(one.var(ddof=1) / len(one) + zero.var(ddof=1) / len(zero)))
    interval = imbens_manski_interval((ends[0], ends[1]), (errors[0], errors[1]), level=level)
    return EffectBounds(
        lower=ends[0],
        upper=ends[1],
        se_lower=errors[0],
        se_upper=errors[1],
        conf_low=interval[0],
        conf_high=interval[1],
        conf_level=level,
        response_treated=float(known[d].mean()),
        response_comparison=float(known[~d].mean()),
        trimmed_share=0.0,
        trimmed_arm=int(known[d].mean() >= known[~d].mean()),
        naive_difference=float(y[known & d].mean() - y[known & ~d].mean()),
    )


def imbens_manski_interval(
    bounds: tuple[float, float], std_errors: tuple[float, float], *, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval that covers an effect known to lie between two estimated bounds.

    Examples
    --------
    >>> low, high = imbens_manski_interval((0.0, 0.0), (1.0, 1.0))
    >>> round(low, 2), round(high, 2)
    (-1.96, 1.96)
    """
    widest = max(std_errors)
    if widest == 0:
        return bounds
    gap = (bounds[1] - bounds[0]) / widest
    low, high = float(special.ndtri(level)), float(special.ndtri(0.5 + level / 2))
    for _ in range(100):
        middle = (low + high) / 2
        if special.ndtr(middle + gap) - special.ndtr(-middle) < level:
            low = middle
        else:
            high = middle
    c = (low + high) / 2
    return bounds[0] - c * std_errors[0], bounds[1] + c * std_errors[1]
