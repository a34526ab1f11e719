r"""The law of an effect: centred on its estimate, and ending where its printed interval ends.

.. math:: \tau = \hat\tau + s(z)\,t_\nu, \qquad
   s(z) = \frac{\hat\tau - l}{t_{\nu,\alpha}}\ (z < 0),\quad \frac{u - \hat\tau}{t_{\nu,\alpha}}

Two half-laws of one centre, normal or Student, each with its own scale (a split normal): half of
the draws fall on each side, and the quantiles at the level of the interval are its ends. A textbook
interval has both scales equal to the standard error. Effects move together by the correlation of
their scores.

References
----------
Wallis, K. F. (2014). doi:10.1214/13-STS417
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.inference import critical_value
from impact_eval.value.account.effect_bounds import PrintedInterval
from impact_eval.value.account.quantity import Quantities

FloatArray = NDArray[np.float64]
_FAR = 0.1  # of the width: beyond it, an estimator's own draws tell another interval than printed


@dataclass(frozen=True, kw_only=True)
class TwoSidedLaws:
    """The joint law of k effects.

    Attributes
    ----------
    values : (k,) array
        Estimates, the centres.
    below, above : (k,) arrays
        Scales of the two sides; zero where the error is not known.
    correlation : (k, k) array
        Of the normal scores.
    df : tuple of k float or None
        Student degrees of freedom; None is the normal law.
    draws : (b, k) array or None
        The estimators' own draws, where they end where the printed intervals do.
    """

    values: FloatArray
    below: FloatArray
    above: FloatArray
    correlation: FloatArray
    df: tuple[float | None, ...]
    draws: FloatArray | None

    def varies(self, k: int) -> bool:
        """Whether an effect has an error."""
        return bool(self.below[k] > 0 or self.above[k] > 0)

    def at(self, k: int, score: FloatArray) -> FloatArray:
        """Return an effect at scores of its own law (normal, or Student with its degrees)."""
        return two_sided(self.values[k], self.below[k], self.above[k], score)

    def at_normal(self, k: int, z: FloatArray) -> FloatArray:
        """Return an effect at normal scores."""
        df = self.df[k]
        if df is None:
            return self.at(k, z)
        return self.at(k, np.asarray(special.stdtrit(df, special.ndtr(z)), dtype=np.float64))

    def quantiles(self, k: int, u: FloatArray) -> FloatArray:
        """Return the quantiles of an effect at probabilities `u`."""
        df = self.df[k]
        scores = special.ndtri(u) if df is None else special.stdtrit(df, u)
        return self.at(k, np.asarray(scores, dtype=np.float64))


def two_sided(value: float, below: float, above: float, score: FloatArray) -> FloatArray:
    """Return value + scale x score, each side with its own scale.

    Examples
    --------
    >>> two_sided(10.0, 1.0, 3.0, np.array([-1.0, 0.0, 1.0])).tolist()
    [9.0, 10.0, 13.0]
    """
    if below == above:
        return value + below * score
    return np.asarray(value + np.where(score < 0, below, above) * score)


def two_scales(value: float, bounds: PrintedInterval, df: float | None) -> tuple[float, float]:
    r"""Return the scale of each side: its distance to the end over the critical value.

    Examples
    --------
    >>> low, high = two_scales(0.2, PrintedInterval(low=0.1, high=0.5, level=0.95), None)
    >>> round(low, 6), round(high, 6)
    (0.051021, 0.153064)
    """
    critical = critical_value(bounds.level, df)
    return (value - bounds.low) / critical, (bounds.high - value) / critical


def outside_interval(quantities: Quantities) -> tuple[str, ...]:
    """Return the effects that lie outside their own interval: no law of this kind holds both."""
    cells = zip(quantities.effects, quantities.values, quantities.bounds, strict=True)
    return tuple(name for name, v, b in cells if b is not None and not b.low <= v <= b.high)


def laws_of_effects(quantities: Quantities) -> TwoSidedLaws:
    """Return the joint law of the effects of an account, from what is printed of each."""
    outside = outside_interval(quantities)
    scales = [
        (0.0, 0.0) if bounds is None or name in outside else two_scales(float(value), bounds, df)
        for name, value, bounds, df in zip(
            quantities.effects, quantities.values, quantities.bounds, quantities.df, strict=True
        )
    ]
    both = np.array(scales, dtype=np.float64).reshape(len(scales), 2)
    return TwoSidedLaws(
        values=quantities.values,
        below=both[:, 0],
        above=both[:, 1],
        correlation=correlation_of_effects(quantities.covariance),
        df=quantities.df,
        draws=_own_draws(quantities.draws, quantities.bounds),
    )


def correlation_of_effects(covariance: FloatArray) -> FloatArray:
    """Return the correlations of a covariance; an effect without variance goes with no other."""
    scale = np.sqrt(np.diag(covariance))
    product = np.outer(scale, scale)
    out: FloatArray = np.divide(
        covariance, product, out=np.zeros_like(covariance), where=product > 0
    )
    np.fill_diagonal(out, 1.0)
    return out


def _own_draws(
    draws: FloatArray | None, bounds: Sequence[PrintedInterval | None]
) -> FloatArray | None:
    """Keep an estimator's draws only where they end where its printed intervals do."""
    if draws is None:
        return None
    for k, printed in enumerate(bounds):
        if printed is None:
            return None
        tails = [(1 - printed.level) / 2, (1 + printed.level) / 2]
        low, high = np.quantile(draws[:, k], tails)
        reach = _FAR * (printed.high - printed.low)
        if abs(low - printed.low) > reach or abs(high - printed.high) > reach:
            return None
    return draws
