r"""Power and smallest detectable effect, exact for a t test.

Everything rests on one fact: with standard error se and :math:`\nu` degrees of freedom, the
statistic of an effect :math:`\delta` is noncentral t with noncentrality :math:`\delta/se`. A design
is therefore its `Precision` (se and :math:`\nu`); one function turns it into power, one into the
smallest detectable effect, one searches the size needed.

=====================  ============================================================================
two means              :math:`se^2 = \sigma^2(1-R^2)(1/n_1+1/n_0)`, :math:`\nu = n_1+n_0-2-p`
paired change          :math:`se^2 = \sigma_\Delta^2/n`, :math:`\nu = n-1`
clustered means        :math:`se^2 = \sigma^2[\rho(1-R_b^2)(1+cv^2\frac{k-1}{k}) +
                       (1-\rho)(1-R_w^2)/m](1/k_1+1/k_0)`, :math:`\nu = k-2`
repeated measures      factor of McKenzie (2012) for ANCOVA, change or follow-up alone
two proportions        :math:`h = 2\arcsin\sqrt{p_1}-2\arcsin\sqrt{p_0}`, normal
=====================  ============================================================================

References
----------
Cohen, J. (1988), Statistical Power Analysis.
Bloom, H. (1995). doi:10.1177/0193841X9501900504
Eldridge, S., Ashby, D. and Kerry, S. (2006). doi:10.1093/ije/dyl129
McKenzie, D. (2012). doi:10.1016/j.jdeveco.2012.01.002
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from scipy import special

from impact_eval.core import Finding, FindingCollector, ImpactEvalError


class Tails(StrEnum):
    """Which departures are looked for.

    TWO counts both tails; TWO_ONE_COUNTED keeps the two-sided critical value but counts the tail of
    the effect alone (the default of `power.t.test` in R); ONE is one-sided.
    """

    TWO = "two"
    TWO_ONE_COUNTED = "two_one_counted"
    ONE = "one"


@dataclass(frozen=True, slots=True)
class Precision:
    """How precise a design is: standard error and degrees of freedom (None: normal)."""

    std_error: float
    df: float | None = None


@dataclass(frozen=True, slots=True)
class PowerTest:
    """The test planned: size, power wanted, tails."""

    size: float = 0.05
    power: float = 0.8
    tails: Tails = Tails.TWO

    def __post_init__(self) -> None:
        faults = FindingCollector()
        for option in ("size", "power"):
            value = getattr(self, option)
            if not 0 < value < 1:
                faults.add(
                    Finding.error("option_out_of_range", option=option, value=value, low=0, high=1)
                )
        faults.raise_if_errors()


def power_of_effect(effect: float, precision: Precision, test: PowerTest | None = None) -> float:
    """Return the probability that the planned test sees an effect.

    Parameters
    ----------
    effect : float
        In the unit of the standard error.
    precision : Precision
    test : PowerTest, optional

    Examples
    --------
    >>> round(power_of_effect(0.5, two_means(64, 64)), 4)
    0.8015
    """
    plan = test or PowerTest()
    shift = abs(effect) / precision.std_error
    tail = plan.size if plan.tails is Tails.ONE else plan.size / 2
    if precision.df is None:
        value = float(special.ndtri(1 - tail))
        right, left = float(special.ndtr(shift - value)), float(special.ndtr(-value - shift))
    else:
        value = float(special.stdtrit(precision.df, 1 - tail))
        right = 1 - float(special.nctdtr(precision.df, shift, value))
        left = float(special.nctdtr(precision.df, shift, -value))
    return right + (left if plan.tails is Tails.TWO else 0.0)


def minimum_detectable_effect(precision: Precision, test: PowerTest | None = None) -> float:
    """Return the smallest effect seen with the power wanted.

    Parameters
    ----------
    precision : Precision
    test : PowerTest, optional

    Returns
    -------
    float
        In the unit of the standard error; exact (noncentral t), not the sum of two quantiles.

    Examples
    --------
    >>> round(minimum_detectable_effect(two_means(100, 100)), 4)
    0.3981
    """
    plan = test or PowerTest()
    unit = Precision(1.0, precision.df)
    high = 1.0
    while power_of_effect(high, unit, plan) < plan.power:
        high *= 2
    return precision.std_error * _bisected_root(
        lambda shift: power_of_effect(shift, unit, plan) - plan.power, 0.0, high
    )


def required_size(
    precision_at: Callable[[float], Precision],
    effect: float,
    test: PowerTest | None = None,
    *,
    low: float = 2.0,
) -> float:
    """Return the (fractional) size at which an effect is seen with the power wanted.

    Parameters
    ----------
    precision_at : callable
        From a size (people per arm, clusters per arm…) to the precision.
    effect : float
    test : PowerTest, optional
    low : float
        Smallest size thinkable.

    Raises
    ------
    ImpactEvalError
        `size_not_found` when even ten million would not do.

    Examples
    --------
    >>> round(required_size(lambda n: two_means(n, n), 0.2), 2)
    393.41
    """
    plan = test or PowerTest()

    def shortfall(size: float) -> float:
        return power_of_effect(effect, precision_at(size), plan) - plan.power

    if shortfall(low) >= 0:
        return low
    high = 2 * low
    while shortfall(high) < 0:
        high *= 2
        if high > 1e7:
            raise ImpactEvalError(Finding.error("size_not_found", effect=effect))
    return _bisected_root(shortfall, high / 2, high)


def _bisected_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Bisect an increasing function."""
    for _ in range(200):
        middle = (low + high) / 2
        if function(middle) < 0:
            low = middle
        else:
            high = middle
        if high - low <= 1e-13 * high:
            break
    return (low + high) / 2


def two_means(
    n_treated: float,
    n_comparison: float,
    *,
    sd: float = 1.0,
    r2: float = 0.0,
    covariates: int = 0,
) -> Precision:
    """Return the precision of a difference in means between independent people.

    Parameters
    ----------
    n_treated, n_comparison : float
    sd : float
        Standard deviation of the outcome.
    r2 : float
        Share of its variance that covariates explain.
    covariates : int
        How many, for the degrees of freedom.
    """
    _refuse_outside(("r2", r2, 0, 1))
    variance = sd**2 * (1 - r2) * (1 / n_treated + 1 / n_comparison)
    return Precision(math.sqrt(variance), n_treated + n_comparison - 2 - covariates)


def paired_change(n: float, *, sd_change: float = 1.0) -> Precision:
    """Return the precision of a mean change of the same people."""
    return Precision(sd_change / math.sqrt(n), n - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterDesign:
    """Clusters assigned, people measured inside.

    Attributes
    ----------
    size : float
        Mean number of people per cluster.
    icc : float
        Intra-cluster correlation, in [0, 1].
    sd : float
        Standard deviation of the outcome between people.
    size_cv : float
        Coefficient of variation of the cluster sizes.
    r2_between, r2_within : float
        Shares of each variance that covariates explain.
    """

    size: float
    icc: float
    sd: float = 1.0
    size_cv: float = 0.0
    r2_between: float = 0.0
    r2_within: float = 0.0

    def __post_init__(self) -> None:
        _refuse_outside(
            ("icc", self.icc, 0, 1),
            ("r2_between", self.r2_between, 0, 1),
            ("r2_within", self.r2_within, 0, 1),
        )

    def design_effect(self, clusters: float) -> float:
        r"""Return :math:`1 + ((1 + cv^2 (k-1)/k)m - 1)\rho`, for k clusters in all."""
        stretch = 1 + self.size_cv**2 * (clusters - 1) / clusters
        return 1 + (stretch * self.size - 1) * self.icc


def clustered_means(
    clusters_treated: float, clusters_comparison: float, design: ClusterDesign
) -> Precision:
    """Return the precision of a difference in means between clusters.

    Examples
    --------
    >>> design = ClusterDesign(size=25, icc=0.05)
    >>> round(power_of_effect(0.3, clustered_means(20, 20, design)), 4)
    0.8762
    """
    k = clusters_treated + clusters_comparison
    stretch = 1 + design.size_cv**2 * (k - 1) / k
    between = design.icc * (1 - design.r2_between) * stretch
    within = (1 - design.icc) * (1 - design.r2_within) / design.size
    variance = design.sd**2 * (between + within) * (1 / clusters_treated + 1 / clusters_comparison)
    return Precision(math.sqrt(variance), k - 2)


class Adjustment(StrEnum):
    """How waves before and after are used."""

    FOLLOW_UP = "follow_up"
    CHANGE = "change"
    ANCOVA = "ancova"


def repeated_measures_factor(
    adjustment: Adjustment, *, before: int, after: int, correlation: float
) -> float:
    r"""Return what multiplies the variance of a single follow-up (McKenzie 2012).

    Follow-up :math:`\frac{1+(r-1)\rho}{r}`; change :math:`(1-\rho)(1/r+1/m)`; ANCOVA
    :math:`\frac{1+(r-1)\rho}{r} - \frac{m\rho^2}{1+(m-1)\rho}`, m waves before and r after.

    Examples
    --------
    >>> round(repeated_measures_factor(Adjustment.ANCOVA, before=1, after=1, correlation=0.5), 2)
    0.75
    """
    _refuse_outside(("correlation", correlation, 0, 1))
    mean_after = (1 + (after - 1) * correlation) / after
    match Adjustment(adjustment):
        case Adjustment.FOLLOW_UP:
            return mean_after
        case Adjustment.CHANGE:
            return (1 - correlation) * (1 / after + 1 / before)
        case Adjustment.ANCOVA:
            return mean_after - before * correlation**2 / (1 + (before - 1) * correlation)


def two_proportions(n_treated: float, n_comparison: float) -> Precision:
    """Return the precision of Cohen's h, the difference of arcsine-transformed proportions."""
    return Precision(math.sqrt(1 / n_treated + 1 / n_comparison))


def cohen_h(share_treated: float, share_comparison: float) -> float:
    r"""Return :math:`2\arcsin\sqrt{p_1} - 2\arcsin\sqrt{p_0}`.

    Examples
    --------
    >>> round(cohen_h(0.5, 0.4), 6)
    0.201358
    """
    _refuse_outside(
        ("share_treated", share_treated, 0, 1), ("share_comparison", share_comparison, 0, 1)
    )
    return 2 * math.asin(math.sqrt(share_treated)) - 2 * math.asin(math.sqrt(share_comparison))


def detectable_share(share_comparison: float, h: float) -> float:
    """Return the share that lies h above a comparison share (one when h is too large).

    Examples
    --------
    >>> round(detectable_share(0.4, 0.201358), 4)
    0.5
    """
    angle = 2 * math.asin(math.sqrt(share_comparison)) + h
    return math.sin(min(max(angle, 0.0), math.pi) / 2) ** 2


def with_losses(precision: Precision, *, attrition: float = 0.0, take_up: float = 1.0) -> Precision:
    """Return the precision for the effect on takers when people leave and not all take up.

    The variance grows by 1/(1-attrition); the effect of the offer is take_up times that on takers.

    Examples
    --------
    >>> with_losses(Precision(1.0), take_up=0.5).std_error
    2.0
    """
    _refuse_outside(("attrition", attrition, 0, 1), ("take_up", take_up, 0, 1))
    if attrition == 1 or take_up == 0:
        raise ImpactEvalError(Finding.error("nobody_left", attrition=attrition, take_up=take_up))
    factor = 1 / (math.sqrt(1 - attrition) * take_up)
    df = None if precision.df is None else max((precision.df + 2) * (1 - attrition) - 2, 1.0)
    return Precision(precision.std_error * factor, df)


def _refuse_outside(*checks: tuple[str, float, float, float]) -> None:
    faults = FindingCollector()
    for option, value, low, high in checks:
        if not low <= value <= high:
            faults.add(
                Finding.error("option_out_of_range", option=option, value=value, low=low, high=high)
            )
    faults.raise_if_errors()
