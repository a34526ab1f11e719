"""Standardised changes with intervals from the noncentral t, and what a small group can see."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EffectSize:
    """A standardised difference and its interval."""

    value: float
    conf_low: float
    conf_high: float


def hedges_factor(df: float) -> float:
    r"""Return the exact small-sample factor :math:`J = \Gamma(m/2)/(\sqrt{m/2}\,\Gamma((m-1)/2))`.

    Examples
    --------
    >>> round(hedges_factor(23), 6)
    0.966972
    """
    return float(
        math.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)
    )


def _root_between(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-12, rtol=1e-13))


def noncentral_t_interval(
    statistic: float, *, df: float, level: float = 0.95
) -> tuple[float, float]:
    """Return the noncentrality parameters under which `statistic` stands at each tail.

    Parameters
    ----------
    statistic, df : float
    level : float

    References
    ----------
    Steiger, J. H. and Fouladi, R. T. (1997), Noncentrality interval estimation.

    Examples
    --------
    >>> low, high = noncentral_t_interval(0.5 * 30**0.5, df=29)
    >>> round(low / 30**0.5, 6), round(high / 30**0.5, 6)
    (0.116101, 0.876261)
    """
    tail = (1 - level) / 2

    def excess(target: float) -> Callable[[float], float]:
        return lambda nc: _noncentral_t(df, nc, statistic) - target

    return (
        _outward(excess(1 - tail), statistic, -1.0),
        _outward(excess(tail), statistic, 1.0),
    )


def _noncentral_t(df: float, noncentrality: float, t: float) -> float:
    """Return the noncentral t distribution function; far in its tails it is 0 or 1."""
    value = float(special.nctdtr(df, noncentrality, t))
    if math.isnan(value):
        return 0.0 if noncentrality > t else 1.0
    return value


def _outward(function: Callable[[float], float], start: float, step: float) -> float:
    """Find the root of a monotone function, looking farther and farther from `start`."""
    first = function(start)
    near, far = start, start + step
    while function(far) * first > 0 and abs(far) < 1e6:
        near, far, step = far, far + 2 * step, 2 * step
    return _root_between(function, min(near, far), max(near, far))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedEffects:
    """Standardised changes of one group measured twice.

    Attributes
    ----------
    dz : EffectSize
        Mean change over the SD of changes (standardised response mean); exact interval.
    g_z : EffectSize
        `dz` with Hedges' exact factor.
    d_av : EffectSize
        Over the root mean square of the two SDs; interval of Algina and Keselman.
    d_rm : EffectSize
        ``dz sqrt(2 (1 - r))``.
    glass : EffectSize
        Over the SD at entry.
    glass_corrected : float
        `glass` with the approximate factor ``1 - 3/(4 (n-1) - 1)`` (Morris, one group).
    n : int
    mean_change, sd_change : float
    mean_before, sd_before, mean_after, sd_after, correlation : float
    """

    dz: EffectSize
    g_z: EffectSize
    d_av: EffectSize
    d_rm: EffectSize
    glass: EffectSize
    glass_corrected: float
    n: int
    mean_change: float
    sd_change: float
    mean_before: float
    sd_before: float
    mean_after: float
    sd_after: float
    correlation: float


def complete_pairs(before: ArrayLike, after: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the two measures of the people who have both."""
    x, y = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    both = ~(np.isnan(x) | np.isnan(y))
    return x[both], y[both]


def paired_effects(
    before: ArrayLike, after: ArrayLike, *, level: float = 0.95
) -> PairedEffects | NotApplicable:
    """Compute the standardised changes of one group, each with its interval.

    Only `dz` has an exact interval; the others scale it by a ratio of standard deviations taken as
    known, which holds well from about 20 people on.

    Parameters
    ----------
    before, after : (n,) array
        Same people in the same order; people with one measure are left out.
    level : float

    Returns
    -------
    PairedEffects or NotApplicable
        `too_few_pairs` (fewer than 3), `no_variance`.

    Assumptions
    -----------
    Changes are normal. A change of one group is not an effect of the action.

    References
    ----------
    Algina, J. and Keselman, H. J. (2003). doi:10.1177/0013164403256358; Lakens, D. (2013).
    doi:10.3389/fpsyg.2013.00863; Morris, S. B. and DeShon, R. P. (2002).
    doi:10.1037/1082-989X.7.1.105

    Examples
    --------
    >>> effects = paired_effects([1, 2, 3, 4, 5, 6], [2, 2, 5, 4, 7, 8])
    >>> round(effects.dz.value, 4)
    1.1866
    """
    x, y = complete_pairs(before, after)
    n = len(x)
    if n < 3:
        return NotApplicable.because("too_few_pairs", n=n, advised=3)
    change = y - x
    sd = float(change.std(ddof=1))
    sd_x, sd_y = float(x.std(ddof=1)), float(y.std(ddof=1))
    if sd <= 1e-12 * max(1.0, sd_x) or sd_x == 0 or sd_y == 0:
        return NotApplicable.because("no_variance")
    mean, root = float(change.mean()), math.sqrt(n)
    dz = mean / sd
    # t = d_z sqrt(n) has a non-central law with exact bounds; the other sizes are d_z times a ratio
    # of spreads taken as known, and their bounds are scaled with them.
    low, high = noncentral_t_interval(dz * root, df=n - 1, level=level)
    low, high = low / root, high / root

    def scaled(ratio: float) -> EffectSize:
        return EffectSize(dz * ratio, low * ratio, high * ratio)

    r = float(np.corrcoef(x, y)[0, 1])
    glass = scaled(sd / sd_x)
    return PairedEffects(
        dz=scaled(1.0), g_z=scaled(hedges_factor(n - 1)),
        d_av=scaled(sd / math.sqrt((sd_x**2 + sd_y**2) / 2)),
        # d_rm = d_z sqrt(2(1 - r)), the change in units of raw scores (Morris and DeShon).
        d_rm=scaled(math.sqrt(2 * (1 - r))), glass=glass,
        glass_corrected=(1 - 3 / (4 * (n - 1) - 1)) * glass.value,
        n=n, mean_change=mean, sd_change=sd, mean_before=float(x.mean()), sd_before=sd_x,
        mean_after=float(y.mean()), sd_after=sd_y, correlation=r,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEffects:
    """Standardised difference of two groups: first minus second.

    Attributes
    ----------
    d : EffectSize
        Over the pooled SD; exact interval.
    g : EffectSize
        `d` with Hedges' exact factor.
    glass : float
        Over the SD of the second group.
    n_first, n_second : int
    """

    d: EffectSize
    g: EffectSize
    glass: float
    n_first: int
    n_second: int


def d_interval(
    d: float, *, n_first: int, n_second: int, level: float = 0.95
) -> tuple[float, float]:
    """Return the exact interval of a two-group d under equal variances.

    Examples
    --------
    >>> low, high = d_interval(0.5, n_first=20, n_second=25)
    >>> round(low, 6), round(high, 6)
    (-0.100166, 1.094543)
    """
    scale = math.sqrt(1 / n_first + 1 / n_second)
    low, high = noncentral_t_interval(d / scale, df=n_first + n_second - 2, level=level)
    return low * scale, high * scale


def group_effects(
    first: ArrayLike, second: ArrayLike, *, level: float = 0.95
) -> GroupEffects | NotApplicable:
    """Compute Cohen's d, Hedges' g and Glass's delta of two independent groups.

    Returns
    -------
    GroupEffects or NotApplicable
        `too_few_persons` (fewer than 2 in a group), `no_variance`.

    References
    ----------
    Hedges, L. V. (1981). doi:10.3102/10769986006002107

    Examples
    --------
    >>> round(group_effects([2, 3, 4, 5], [1, 2, 3, 4]).d.value, 4)
    0.7746
    """
    x, y = (np.asarray(v, dtype=np.float64) for v in (first, second))
    x, y = x[~np.isnan(x)], y[~np.isnan(y)]
    if min(len(x), len(y)) < 2:
        return NotApplicable.because("too_few_persons", n=min(len(x), len(y)), advised=2)
    df = len(x) + len(y) - 2
    pooled = math.sqrt(((len(x) - 1) * x.var(ddof=1) + (len(y) - 1) * y.var(ddof=1)) / df)
    if pooled == 0 or y.std(ddof=1) == 0:
        return NotApplicable.because("no_variance")
    gap = float(x.mean() - y.mean())
    d = gap / pooled
    low, high = d_interval(d, n_first=len(x), n_second=len(y), level=level)
    factor = hedges_factor(df)
    return GroupEffects(
        d=EffectSize(d, low, high), g=EffectSize(factor * d, factor * low, factor * high),
        glass=gap / float(y.std(ddof=1)), n_first=len(x), n_second=len(y),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeContrast:
    """Difference of the changes of two groups over the pooled SD at entry (`d_ppc2`)."""

    value: float
    std_error: float
    conf_low: float
    conf_high: float
    n_treated: int
    n_comparison: int


def pre_post_control(
    treated: tuple[ArrayLike, ArrayLike],
    comparison: tuple[ArrayLike, ArrayLike],
    *,
    level: float = 0.95,
) -> ChangeContrast | NotApplicable:
    r"""Compute Morris's d_ppc2, the standardised difference of changes.

    .. math:: d = c\,\frac{(M_{T1}-M_{T0}) - (M_{C1}-M_{C0})}{SD_{0,pooled}},
       \quad c = 1 - \frac{3}{4(n_T+n_C-2)-1}

    Parameters
    ----------
    treated, comparison : (before, after) pairs of (n,) arrays
    level : float

    Returns
    -------
    ChangeContrast or NotApplicable
        `too_few_pairs` (fewer than 3 in a group), `no_variance`.

    Assumptions
    -----------
    Both groups would have changed alike; equal variances and equal correlation between waves.

    References
    ----------
    Morris, S. B. (2008). doi:10.1177/1094428106291059
    """
    groups = [complete_pairs(*treated), complete_pairs(*comparison)]
    n_t, n_c = (len(pair[0]) for pair in groups)
    if min(n_t, n_c) < 3:
        return NotApplicable.because("too_few_pairs", n=min(n_t, n_c), advised=3)
    df = n_t + n_c - 2
    (x_t, y_t), (x_c, y_c) = groups
    pooled = math.sqrt(((n_t - 1) * x_t.var(ddof=1) + (n_c - 1) * x_c.var(ddof=1)) / df)
    if pooled == 0:
        return NotApplicable.because("no_variance")
    c = 1 - 3 / (4 * df - 1)
    d = c * float((y_t - x_t).mean() - (y_c - x_c).mean()) / pooled
    cross = [float(((x - x.mean()) * (y - y.mean())).sum()) for x, y in groups]
    squares = [float(np.sqrt(((x - x.mean()) ** 2).sum() * ((y - y.mean()) ** 2).sum()))
               for x, y in groups]  # fmt: skip
    r = sum(cross) / sum(squares) if sum(squares) else 0.0
    size = n_t * n_c / (n_t + n_c)
    inner = 1 + size * d**2 / (2 * max(1 - r, 1e-9))
    variance = 2 * c**2 * (1 - r) / size * df / (df - 2) * inner - d**2
    error = math.sqrt(max(variance, 0.0))
    half = float(special.ndtri(0.5 + level / 2)) * error
    return ChangeContrast(value=d, std_error=error, conf_low=d - half, conf_high=d + half,
                          n_treated=n_t, n_comparison=n_c)  # fmt: skip


def paired_power(dz: float, *, n: int, level: float = 0.95) -> float:
    """Return the power of a two-sided paired t test against a standardised change.

    Examples
    --------
    >>> round(paired_power(0.5, n=30), 6)
    0.753965
    """
    df = n - 1
    critical = float(special.stdtrit(df, 0.5 + level / 2))
    shift = dz * math.sqrt(n)
    return 1 - _noncentral_t(df, shift, critical) + _noncentral_t(df, shift, -critical)


def detectable_change(*, n: int, power: float = 0.8, level: float = 0.95) -> float:
    """Return the smallest standardised change that n people measured twice let one see.

    Examples
    --------
    >>> round(detectable_change(n=30), 6)
    0.529236
    """
    return _outward(lambda dz: paired_power(dz, n=n, level=level) - power, 0.0, 0.1)
