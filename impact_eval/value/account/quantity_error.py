"""The error of a quantity, from those of the effects that it counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.inference import critical_value
from impact_eval.value.account.effect_bounds import PrintedInterval, combined_bounds

FloatArray = NDArray[np.float64]
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One effect's part in a quantity: `weight` people times effect number `effect`.

    `offset` is the year after the start for a profile taken from an event study; None otherwise.
    """

    effect: int
    weight: Decimal
    offset: int | None = None


@dataclass(frozen=True, kw_only=True)
class EffectLaw:
    """What is known of k effects together: values, covariance, printed intervals, degrees."""

    values: FloatArray
    covariance: FloatArray
    bounds: Sequence[PrintedInterval | None]
    df: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityError:
    """The standard error of a quantity and its interval at 95 %."""

    std_error: float | None
    conf_low: float
    conf_high: float


def error_of_quantity(
    value: Decimal, loads: Sequence[Load], divisor: int | None, law: EffectLaw
) -> QuantityError | None:
    r"""Return the error of a quantity; None when it counts an effect whose error is not known.

    The standard error is that of the delta method, :math:`\sqrt{g'Vg}`; the interval follows the
    printed intervals of the effects, end by end (`combined_bounds`). A take-up that is estimated
    divides: its part is taken linearly.

    Parameters
    ----------
    value : Decimal
        Units of the first year.
    loads : sequence of Load
    divisor : int or None
        Effect that gives the take-up.
    law : EffectLaw
    """
    gradient = _gradient(float(value), loads, divisor, law.values)
    used = np.flatnonzero(gradient).tolist()
    known = [
        _at(bounds, law.values[k], law.df[k])
        for bounds, k in ((law.bounds[k], k) for k in used)
        if bounds is not None
    ]
    if not used or len(known) < len(used):
        return None
    slope, own = gradient[used], law.covariance[np.ix_(used, used)]
    variance = float(slope @ own @ slope)
    low, high = combined_bounds(law.values[used], known, slope, _correlation(own))
    centre = float(slope @ law.values[used])
    return QuantityError(
        std_error=math.sqrt(variance) if variance > 0 else None,
        conf_low=float(value) - (centre - low),
        conf_high=float(value) + (high - centre),
    )


def _gradient(
    value: float, loads: Sequence[Load], divisor: int | None, values: FloatArray
) -> FloatArray:
    """Return the derivative of the first year's units by each effect."""
    first = [load for load in loads if load.offset in (None, 0)]
    gradient = np.zeros(len(values))
    counted = float(sum(float(load.weight) * values[load.effect] for load in first))
    take_up = 1.0 if divisor is None else float(values[divisor])
    share = value * take_up / counted if counted else 1.0
    for load in first:
        gradient[load.effect] += float(load.weight) * share / take_up
    if divisor is not None:
        gradient[divisor] -= value / take_up
    return gradient


def _at(bounds: PrintedInterval, value: float, df: float | None) -> PrintedInterval:
    """Return an interval at 95 %, each side stretched by the ratio of the critical values."""
    if bounds.level == LEVEL:
        return bounds
    times = critical_value(LEVEL, df) / critical_value(bounds.level, df)
    low, high = value - times * (value - bounds.low), value + times * (bounds.high - value)
    return PrintedInterval(low=low, high=high, level=LEVEL)


def _correlation(covariance: FloatArray) -> FloatArray:
    scale = np.sqrt(np.diag(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        out = covariance / np.outer(scale, scale)
    out = np.where(np.isfinite(out), out, 0.0)
    np.fill_diagonal(out, 1.0)
    return np.asarray(out, dtype=np.float64)
