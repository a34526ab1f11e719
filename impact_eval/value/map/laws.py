"""Laws of uncertain numbers, fitted by moments or intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from scipy import special

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.value.map.choices import Law
from impact_eval.value.map.declared_cells import Amount

_TWO_SIDED_95 = 2 * float(special.ndtri(0.975))


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
        raise ImpactEvalError(Finding.error("law_out_of_support", law="beta", mean=mean, spread=sd))
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


def lognormal_from_interval(low: float, high: float) -> Distribution:
    """Return the lognormal law of a 95 % interval: μ mid-log, σ = (ln U - ln L)/3.92."""
    return Distribution(
        law=Law.LOGNORMAL,
        first=(math.log(low) + math.log(high)) / 2,
        second=(math.log(high) - math.log(low)) / _TWO_SIDED_95,
    )


@lru_cache(maxsize=4096)
def fit(amount: Amount) -> Distribution:
    """Fit the law of an amount: its value is the mode (triangular, PERT) or the mean (the others).

    Raises
    ------
    ImpactEvalError
        `law_out_of_support`.
    """
    assert amount.law is not None
    assert amount.low is not None
    assert amount.high is not None
    value, low, high = float(amount.value), float(amount.low), float(amount.high)
    sd = (high - low) / _TWO_SIDED_95
    if amount.law is Law.UNIFORM:
        return uniform(low, high)
    if amount.law is Law.TRIANGULAR:
        return triangular(low, value, high)
    if amount.law is Law.PERT:
        return pert(low, value, high)
    if amount.law is Law.NORMAL:
        return normal(value, sd)
    if amount.law is Law.BETA:
        return beta_from_moments(value, sd)
    if amount.law is Law.GAMMA:
        return gamma_from_moments(value, sd)
    spread = (math.log(high) - math.log(low)) / _TWO_SIDED_95
    return Distribution(law=Law.LOGNORMAL, first=math.log(value) - spread**2 / 2, second=spread)


def scaled(amount: Amount, factor: Decimal) -> Amount:
    """Return an amount and its interval multiplied by a factor."""
    assert amount.low is not None
    assert amount.high is not None
    return replace(
        amount,
        value=amount.value * factor,
        low=amount.low * factor,
        high=amount.high * factor,
    )


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
