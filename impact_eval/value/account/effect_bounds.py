r"""The printed interval of an effect, and that of what is counted from several effects.

An interval may lean to one side, or come without any standard error (randomisation inverted). What
is counted from effects keeps it: each effect lends its distance to each end, and distances combine
as standard errors do (the method of variance estimates recovery).

References
----------
Zou, G. Y. and Donner, A. (2008). doi:10.1002/sim.3095
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.effect import Effect
from impact_eval.core.inference import critical_value

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedInterval:
    """The two ends of the interval that is printed for an effect, and its level."""

    low: float
    high: float
    level: float


def wald_bounds(
    value: float, std_error: float, df: float | None, level: float = 0.95
) -> PrintedInterval | None:
    """Return the textbook interval of an effect; None without an error."""
    if not std_error or not math.isfinite(std_error):
        return None
    margin = critical_value(level, df) * std_error
    return PrintedInterval(low=value - margin, high=value + margin, level=level)


def bounds_of(effect: Effect) -> PrintedInterval | None:
    """Return the interval printed for an effect; None when its error is not known.

    An interval open on one side, or on both, is not known: nothing says how far the effect may go.
    The textbook interval of its standard error would be narrower than what the test allows.
    """
    if effect.estimate is None:
        return None
    low, high = effect.conf_low, effect.conf_high
    if low is None or high is None or not math.isfinite(low + high) or not low < high:
        return None
    return PrintedInterval(low=low, high=high, level=effect.conf_level)


def standard_error_of(effect: Effect) -> float | None:
    """Return the standard error of an effect, read from its interval when it has no other.

    Half the width over the critical value of the interval's level; None when the error is unknown.
    """
    bounds = bounds_of(effect)
    if bounds is None:
        return None
    if effect.std_error:
        return effect.std_error
    return (bounds.high - bounds.low) / 2 / critical_value(bounds.level, effect.df)


def combined_bounds(
    values: FloatArray,
    bounds: Sequence[PrintedInterval],
    weights: FloatArray,
    correlation: FloatArray,
) -> tuple[float, float]:
    r"""Return the ends of :math:`\sum_k w_k\hat\tau_k`, each effect leaning as its interval does.

    :math:`L=\hat\theta-\sqrt{d'Rd}` with :math:`d_k=w_k(\hat\tau_k-l_k)` for :math:`w_k>0` and
    :math:`w_k(\hat\tau_k-u_k)` otherwise; the upper end mirrors it.

    Parameters
    ----------
    values : (k,) array
        The effects.
    bounds : sequence of k PrintedInterval
    weights : (k,) array
    correlation : (k, k) array
        Of the errors of the effects.

    Returns
    -------
    (low, high)

    Examples
    --------
    >>> one = PrintedInterval(low=-0.05, high=0.22, level=0.95)
    >>> low, high = combined_bounds(np.array([0.2]), [one], np.array([100.0]), np.eye(1))
    >>> round(low, 9), round(high, 9)
    (-5.0, 22.0)
    """
    below = values - np.array([b.low for b in bounds])
    above = np.array([b.high for b in bounds]) - values
    total = float(weights @ values)
    toward_low = weights * np.where(weights > 0, below, above)
    toward_high = weights * np.where(weights > 0, above, below)
    return (
        total - _length(toward_low, correlation),
        total + _length(toward_high, correlation),
    )


def _length(distances: FloatArray, correlation: FloatArray) -> float:
    return math.sqrt(max(float(distances @ correlation @ distances), 0.0))
