r"""Inference for synthetic controls: permutation of the treated unit, and conformal residuals.

*Permutation*: the treated unit's ratio of gaps (after over before) is ranked among those of donors
that play the treated. Taking a constant effect away from the treated gap and ranking again gives an
interval, in closed form: the ratio stays below a donor's as long as a quadratic in the effect does.

*Conformal*: under a supposed effect the treated path without it is complete, so its residuals from
a synthetic control fitted on all periods are exchangeable (shifted in time); the interval holds the
effects whose residuals after the action are not among the largest.

References
----------
Abadie, A., Diamond, A. and Hainmueller, J. (2010). doi:10.1198/jasa.2009.ap08746
Firpo, S. and Possebom, V. (2018). doi:10.1515/jci-2016-0026
Chernozhukov, V., Wüthrich, K. and Zhu, Y. (2021). doi:10.1080/01621459.2021.1920957
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EffectInterval:
    """A p-value and the interval of effects that are not rejected."""

    p_value: float
    conf_low: float
    conf_high: float


def permutation_p_value(ratio: float, placebo_ratios: FloatArray) -> float:
    """Return the share of ratios at least as large as the treated unit's, itself included.

    Examples
    --------
    >>> import numpy as np
    >>> permutation_p_value(3.0, np.array([1.0, 2.0, 4.0]))
    0.5
    """
    reached = int((placebo_ratios >= ratio * (1 - 1e-12)).sum())
    return (1 + reached) / (1 + len(placebo_ratios))


def permutation_interval(
    gap: FloatArray, placebo_ratios: FloatArray, *, n_pre: int, level: float = 0.95
) -> EffectInterval | NotApplicable:
    r"""Return the p-value of no effect and the interval of constant effects not rejected.

    With r the ratio that is reached by just enough donors for the p-value to exceed 1 - level, the
    effects kept are those with :math:`\overline{(g - \tau)^2} \le r^2\, \overline{g_{pre}^2}`.

    Parameters
    ----------
    gap : (T,) array
        Of the treated unit.
    placebo_ratios : (b,) array
    n_pre : int
    level : float

    Returns
    -------
    EffectInterval or NotApplicable
        `too_few_placebos` when no p-value can fall below 1 - level; `interval_empty` when every
        constant effect is rejected.
    """
    after, before = gap[n_pre:], float((gap[:n_pre] ** 2).mean())
    size = len(placebo_ratios)
    p_value = permutation_p_value(
        math.sqrt(float((after**2).mean()) / before) if before > 0 else math.inf, placebo_ratios
    )
    # Not rejected when more than (1 - level)(b + 1) ratios, the treated one included, reach it.
    needed = math.floor((1 - level) * (size + 1) + 1e-9)
    if needed < 1:
        return NotApplicable.because(
            "too_few_placebos", n=size, needed=math.ceil(1 / (1 - level)) - 1
        )
    bound = float(np.sort(placebo_ratios)[::-1][needed - 1]) ** 2 * before
    centre = float(after.mean())
    room = bound - float(after.var())
    if room < 0:
        return NotApplicable.because("interval_empty", p_value=p_value)
    half = math.sqrt(room)
    return EffectInterval(p_value, centre - half, centre + half)


def shifted_p_value(residuals: FloatArray, n_post: int) -> float:
    """Return the share of shifts in time whose last block is at least as large as the true one.

    Parameters
    ----------
    residuals : (T,) array
    n_post : int
        Length of the block at the end.
    """
    size = len(residuals)
    wrapped = np.abs(np.concatenate([residuals, residuals[: n_post - 1]]))
    total = np.concatenate([[0.0], np.cumsum(wrapped)])
    blocks = total[n_post:] - total[:-n_post]
    actual = blocks[size - n_post]
    return float((blocks >= actual - 1e-9 * max(float(wrapped.max()), 1e-300)).mean())


def conformal_interval(
    residuals_of: Callable[[float], FloatArray],
    *,
    n_post: int,
    centre: float,
    scale: float,
    level: float = 0.95,
) -> EffectInterval | NotApplicable:
    """Return the p-value of no effect and the interval of effects not rejected, by shifts in time.

    Parameters
    ----------
    residuals_of : callable
        Residuals of all periods, (T,), when the effect in the last `n_post` periods is the one
        supposed; the synthetic control is refitted on all of them.
    n_post : int
    centre, scale : float
        Where to look: the estimate, and the size of its noise.
    level : float

    Returns
    -------
    EffectInterval or NotApplicable
        `too_few_periods_conformal` when T shifts cannot reach 1 - level.
    """
    size = len(residuals_of(centre))
    if 1 / size > 1 - level:
        return NotApplicable.because(
            "too_few_periods_conformal", n=size, needed=math.ceil(1 / (1 - level))
        )

    def kept(effect: float) -> bool:
        return shifted_p_value(residuals_of(effect), n_post) > 1 - level

    ends = [_walked_edge(kept, centre, way * max(scale, 1e-12)) for way in (-1.0, 1.0)]
    return EffectInterval(shifted_p_value(residuals_of(0.0), n_post), ends[0], ends[1])


def _walked_edge(kept: Callable[[float], bool], centre: float, step: float) -> float:
    """Walk from the centre until effects are rejected for good, then refine the edge."""
    inside, reach = centre, step / 4
    outside = math.copysign(math.inf, step)
    misses = 0
    at = centre
    while misses < 8 and abs(at - centre) < 2000 * abs(step):
        at = at + reach
        if kept(at):
            inside, misses = at, 0
            reach *= 1.3
        else:
            outside = at if misses == 0 else outside
            misses += 1
    if math.isinf(outside) or misses == 0:
        return math.copysign(math.inf, step)
    for _ in range(30):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if kept(middle) else (inside, middle)
    return inside
