"""Laws of uncertain numbers, fitted by moments or by the two ends of an interval.

An interval declared at 95 % is honoured at both its ends, or refused: see `fit`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.value.map.choices import Law
from impact_eval.value.map.declared_cells import Amount

FloatArray = NDArray[np.float64]
_TAILS = (0.025, 0.975)
_TWO_SIDED_95 = 2 * float(special.ndtri(0.975))
_MIDDLE_HALF = (0.25, 0.75)
_OFF_CENTRE = 0.1  # of half the interval: what rounding a middle explains
_SHAPES = (-25.0, 36.0)  # logarithms of the shapes that are looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A fitted law.

    Attributes
    ----------
    law : Law
    first, second : float
        Uniform: bounds. Triangular: low, high (`mode` between). PERT and beta: the two shapes.
        Normal: mean, sd. Lognormal: mean and sd of the logarithm. Gamma: shape, scale.
    low, high : float
        Support of the bounded laws (0 and 1 for a beta).
    mode : float
        Of a triangular law.
    """

    law: Law
    first: float
    second: float
    low: float = 0.0
    high: float = 1.0
    mode: float = 0.0


def triangular(low: float, mode: float, high: float) -> Distribution:
    """Return the triangular law: mean (a+m+b)/3, variance (a²+m²+b²-am-ab-mb)/18."""
    return Distribution(law=Law.TRIANGULAR, first=low, second=high, low=low, high=high, mode=mode)


def pert(low: float, mode: float, high: float) -> Distribution:
    """Return the PERT law: a beta of shapes 1+4(m-a)/(b-a) and 1+4(b-m)/(b-a); mean (a+4m+b)/6."""
    width = high - low
    return Distribution(
        law=Law.PERT,
        first=1 + 4 * (mode - low) / width,
        second=1 + 4 * (high - mode) / width,
        low=low,
        high=high,
    )


def uniform(low: float, high: float) -> Distribution:
    """Return the uniform law."""
    return Distribution(law=Law.UNIFORM, first=low, second=high, low=low, high=high)


def normal(mean: float, sd: float) -> Distribution:
    """Return the normal law."""
    return Distribution(law=Law.NORMAL, first=mean, second=sd)


def beta_from_moments(mean: float, sd: float) -> Distribution:
    """Return the beta law of this mean and sd: shapes m·v and (1-m)·v, v = m(1-m)/s² - 1.

    Raises
    ------
    ImpactEvalError
        `law_out_of_support` when no beta has these moments.
    """
    size = mean * (1 - mean) / sd**2 - 1 if 0 < mean < 1 and sd > 0 else 0.0
    if size <= 0:
        raise _no_law(Law.BETA, mean - sd, mean + sd)
    return Distribution(law=Law.BETA, first=mean * size, second=(1 - mean) * size)


def beta_from_counts(successes: float, trials: float) -> Distribution:
    """Return Jeffreys' law of a proportion: Beta(k+½, n-k+½)."""
    return Distribution(law=Law.BETA, first=successes + 0.5, second=trials - successes + 0.5)


def gamma_from_moments(mean: float, sd: float) -> Distribution:
    """Return the gamma law: shape m²/s², scale s²/m."""
    return Distribution(law=Law.GAMMA, first=(mean / sd) ** 2, second=sd**2 / mean)


def lognormal_from_moments(mean: float, sd: float) -> Distribution:
    """Return the lognormal law: σ² = ln(1+s²/m²), μ = ln m - σ²/2."""
    variance = math.log1p((sd / mean) ** 2)
    return Distribution(
        law=Law.LOGNORMAL, first=math.log(mean) - variance / 2, second=math.sqrt(variance)
    )


def normal_from_interval(low: float, high: float) -> Distribution:
    r"""Return the normal law of a 95 % interval: mean the middle, :math:`s = (U - L)/3.92`."""
    return normal((low + high) / 2, (high - low) / _TWO_SIDED_95)


def lognormal_from_interval(low: float, high: float) -> Distribution:
    """Return the lognormal law of a 95 % interval: μ mid-log, σ = (ln U - ln L)/3.92."""
    return Distribution(
        law=Law.LOGNORMAL,
        first=(math.log(low) + math.log(high)) / 2,
        second=(math.log(high) - math.log(low)) / _TWO_SIDED_95,
    )


def gamma_from_interval(low: float, high: float) -> Distribution:
    r"""Return the gamma law of a 95 % interval.

    The shape solves :math:`Q_{0.975}(k)/Q_{0.025}(k) = U/L`, and the scale is :math:`L/Q_{0.025}`.

    Parameters
    ----------
    low, high : float
        0 < low < high.

    Raises
    ------
    ImpactEvalError
        `law_out_of_support` when the ends are too far apart, or too close, for any gamma.

    Examples
    --------
    >>> law = gamma_from_interval(800, 1500)
    >>> quantile(law, np.array([0.025, 0.975])).round(6).tolist()
    [800.0, 1500.0]
    """
    target = math.log(high) - math.log(low)

    def gap(log_shape: float) -> float:
        lower, upper = special.gammaincinv(math.exp(log_shape), _TAILS)
        return float(np.log(upper) - np.log(lower)) - target

    shape = math.exp(_root(gap, Law.GAMMA, low, high, (-4.0, 32.0)))
    return Distribution(
        law=Law.GAMMA, first=shape, second=low / float(special.gammaincinv(shape, _TAILS[0]))
    )


def beta_from_interval(low: float, high: float) -> Distribution:
    r"""Return the beta law of a 95 % interval: :math:`F(L) = 0.025` and :math:`F(U) = 0.975`.

    Parameters
    ----------
    low, high : float
        0 < low < high < 1.

    Raises
    ------
    ImpactEvalError
        `law_out_of_support` when an end is 0 or 1, or when no beta has these ends.

    Examples
    --------
    >>> law = beta_from_interval(0.1, 0.4)
    >>> quantile(law, np.array([0.025, 0.975])).round(6).tolist()
    [0.1, 0.4]
    """
    if not 0 < low < high < 1:
        raise _no_law(Law.BETA, low, high)

    def second(log_first: float) -> float:
        first = math.exp(log_first)
        return _root(
            lambda b: float(special.betainc(first, math.exp(b), low)) - _TAILS[0],
            Law.BETA, low, high,
        )  # fmt: skip

    def gap(log_first: float) -> float:
        shapes = math.exp(log_first), math.exp(second(log_first))
        return float(special.betainc(*shapes, high)) - _TAILS[1]

    first = _root(gap, Law.BETA, low, high, (-7.0, 20.0))
    return Distribution(law=Law.BETA, first=math.exp(first), second=math.exp(second(first)))


def _root(
    gap: Callable[[float], float],
    law: Law,
    low: float,
    high: float,
    bracket: tuple[float, float] = _SHAPES,
) -> float:
    from scipy.optimize import brentq

    try:
        return float(brentq(gap, *bracket, xtol=1e-13))
    except ValueError:
        raise _no_law(law, low, high) from None


def _no_law(law: Law, low: float, high: float) -> ImpactEvalError:
    return ImpactEvalError(Finding.error("law_out_of_support", law=law.value, low=low, high=high))


@lru_cache(maxsize=4096)
def fit(amount: Amount) -> Distribution:
    """Fit the law of an amount to what its cell declares.

    Uniform, triangular, PERT: the ends are bounds and the value is the mode. Normal, lognormal,
    gamma, beta: the ends are the 2.5 % and 97.5 % quantiles, exactly, and the value must be a
    centre of the law (see `centres`).

    Raises
    ------
    ImpactEvalError
        `law_out_of_support`; `interval_not_of_law` when the value is no centre of the law that has
        these ends.
    """
    assert amount.law is not None
    assert amount.low is not None
    assert amount.high is not None
    value, low, high = float(amount.value), float(amount.low), float(amount.high)
    if amount.law is Law.UNIFORM:
        return uniform(low, high)
    if amount.law is Law.TRIANGULAR:
        return triangular(low, value, high)
    if amount.law is Law.PERT:
        return pert(low, value, high)
    fitted = _OF_INTERVAL[amount.law](low, high)
    least, most = centres(fitted)
    slack = 1e-9 * (high - low)  # a value written at the edge is not refused for its last digit
    if not least - slack <= value <= most + slack:
        raise ImpactEvalError(
            Finding.error(
                "interval_not_of_law",
                law=amount.law.value, value=value, low=low, high=high, least=least, most=most,
            )
        )  # fmt: skip
    return fitted


_OF_INTERVAL = {
    Law.NORMAL: normal_from_interval,
    Law.LOGNORMAL: lognormal_from_interval,
    Law.GAMMA: gamma_from_interval,
    Law.BETA: beta_from_interval,
}


def centres(law: Distribution) -> tuple[float, float]:
    """Return the values that may be declared as the centre of a law.

    A normal law: its middle, give or take a tenth of half its 95 % interval. The others: their
    middle half (from the first quartile to the third), and their mean where it lies outside.

    Examples
    --------
    >>> [round(x) for x in centres(normal_from_interval(900, 1500))]
    [1170, 1230]
    >>> [round(x) for x in centres(gamma_from_interval(800, 1500))]
    [998, 1239]
    """
    if law.law is Law.NORMAL:
        give = _OFF_CENTRE * law.second * _TWO_SIDED_95 / 2
        return law.first - give, law.first + give
    low, high = (float(x) for x in quantile(law, np.array(_MIDDLE_HALF)))
    mean = moments(law)[0]
    return min(low, mean), max(high, mean)


def in_money_of(law: Distribution, factor: float) -> Distribution:
    """Return the law of a number multiplied by a positive factor: a price in later money."""
    if factor == 1.0:
        return law
    if law.law is Law.LOGNORMAL:
        return replace(law, first=law.first + math.log(factor))
    if law.law is Law.GAMMA:
        return replace(law, second=law.second * factor)
    first, second = law.first, law.second
    if law.law in (Law.UNIFORM, Law.TRIANGULAR, Law.NORMAL):
        first, second = first * factor, second * factor
    return replace(
        law,
        first=first,
        second=second,
        low=law.low * factor,
        high=law.high * factor,
        mode=law.mode * factor,
    )


def quantile(law: Distribution, u: FloatArray) -> FloatArray:
    """Return the quantiles at probabilities `u`, exactly."""
    a, b = law.first, law.second
    u = np.asarray(u, dtype=np.float64)
    if law.law is Law.UNIFORM:
        return np.asarray(a + (b - a) * u)
    if law.law is Law.TRIANGULAR:
        m, width = law.mode, b - a
        left = a + np.sqrt(u * width * (m - a))
        right = b - np.sqrt((1 - u) * width * (b - m))
        return np.where(u < (m - a) / width, left, right)
    if law.law is Law.NORMAL:
        return np.asarray(a + b * special.ndtri(u))
    if law.law is Law.LOGNORMAL:
        return np.asarray(np.exp(a + b * special.ndtri(u)))
    if law.law is Law.GAMMA:
        return np.asarray(b * special.gammaincinv(a, u))
    return np.asarray(law.low + (law.high - law.low) * special.betaincinv(a, b, u))


def moments(law: Distribution) -> tuple[float, float]:
    """Return the mean and the variance."""
    a, b = law.first, law.second
    if law.law is Law.UNIFORM:
        return (a + b) / 2, (b - a) ** 2 / 12
    if law.law is Law.TRIANGULAR:
        m = law.mode
        return (a + m + b) / 3, (a * a + m * m + b * b - a * m - a * b - m * b) / 18
    if law.law is Law.NORMAL:
        return a, b * b
    if law.law is Law.GAMMA:
        return a * b, a * b * b
    if law.law is Law.LOGNORMAL:
        mean = math.exp(a + b * b / 2)
        return mean, mean**2 * math.expm1(b * b)
    share = a / (a + b)
    spread = share * (1 - share) / (a + b + 1)
    width = law.high - law.low
    return law.low + width * share, width**2 * spread
