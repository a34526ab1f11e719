"""What a planned comparison could see: power, smallest effect, numbers needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from impact_eval.core import Finding, FindingCollector, ImpactEvalError
from impact_eval.plan.comparisons import Planned, Resizable, refuse_not_number, refuse_unknown
from impact_eval.stats.planning.power import (
    PowerTest,
    Precision,
    Tails,
    minimum_detectable_effect,
    power_of_effect,
    required_size,
    with_losses,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A planned comparison, an effect, and the probability that its test sees it.

    Attributes
    ----------
    planned : Planned
        The comparison; with whole numbers when they were searched.
    effect : float
        In the unit of the outcome (a difference of shares for a yes or no); of those who take the
        action up, when not everybody does.
    power : float
        Probability that the test rejects when the effect is this one.
    std_error : float
        On the scale of the test.
    df : float or None
        Degrees of freedom; None for the normal law.
    alpha : float
        Size of the test.
    tails : str
    attrition, take_up : float
        Shares of people lost, and of those offered the action who take it.
    """

    planned: Planned
    effect: float
    power: float
    std_error: float
    df: float | None
    alpha: float
    tails: str
    attrition: float
    take_up: float


def power(
    planned: Planned,
    effect: float,
    *,
    alpha: float = 0.05,
    tails: str = "two",
    attrition: float = 0.0,
    take_up: float = 1.0,
) -> Detection:
    r"""Compute the probability that a planned comparison sees an effect.

    :math:`P(|T| > t_{\nu,1-\alpha/2})` for T noncentral t with noncentrality effect / se.

    Parameters
    ----------
    planned : Planned
        `TwoMeans`, `RepeatedMeans`, `PairedChange`, `ClusteredMeans`, `TwoShares`, `Rollout`.
    effect : float
        In the unit of the outcome; of those who take the action up.
    alpha : float
        Size of the test, between 0 and 1.
    tails : {"two", "one", "two_one_counted"}
        Both tails; one; the two-sided threshold counted on the side of the effect alone (R's
        default).
    attrition : float
        Share of people who will be lost, from 0 to 1; the variance grows by 1 / (1 - attrition).
    take_up : float
        Share of people offered the action who take it, from 0 to 1.

    Returns
    -------
    Detection

    Raises
    ------
    ImpactEvalError
        `option_out_of_range`, `unknown_option`, `nobody_left`.

    References
    ----------
    Cohen, J. (1988), Statistical Power Analysis. doi:10.4324/9780203771587

    Examples
    --------
    >>> from impact_eval import plan
    >>> found = plan.power(plan.TwoMeans(n_treated=64, n_comparison=64), effect=0.5)
    >>> round(found.power, 4)
    0.8015
    """
    refuse_not_number(("effect", effect))
    test = _test(alpha, 0.8, tails)
    precision = _with_losses(planned, attrition, take_up)
    found = power_of_effect(planned.tested(effect), precision, test)
    return _detection(planned, effect, found, precision, test, attrition, take_up)


def smallest_effect(
    planned: Planned,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    tails: str = "two",
    attrition: float = 0.0,
    take_up: float = 1.0,
) -> Detection:
    """Search the smallest effect that a planned comparison sees with the power wanted.

    Exact for the noncentral t, not the sum of two quantiles.

    Parameters
    ----------
    planned : Planned
    power : float
        Probability of seeing it, between 0 and 1.
    alpha, tails, attrition, take_up
        As for `power`.

    Returns
    -------
    Detection

    Raises
    ------
    ImpactEvalError
        `option_out_of_range`, `unknown_option`, `nobody_left`; `share_out_of_reach` when no share
        is high enough to be seen.

    References
    ----------
    Bloom, H. (1995). doi:10.1177/0193841X9501900504

    Examples
    --------
    >>> from impact_eval import plan
    >>> round(plan.smallest_effect(plan.TwoMeans(n_treated=100, n_comparison=100)).effect, 4)
    0.3981
    """
    test = _test(alpha, power, tails)
    precision = _with_losses(planned, attrition, take_up)
    tested = minimum_detectable_effect(precision, test)
    effect = planned.told(tested)
    reached = planned.tested(effect)
    if reached < tested * (1 - 1e-6):  # a share stops at one
        raise ImpactEvalError(Finding.error("share_out_of_reach", power=power))
    return _detection(planned, effect, power, precision, test, attrition, take_up)


def size_needed(
    planned: Planned,
    effect: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    tails: str = "two",
    attrition: float = 0.0,
    take_up: float = 1.0,
) -> Detection:
    """Search the numbers needed to see an effect, the two groups keeping their proportions.

    Parameters
    ----------
    planned : Planned
        Its numbers say the proportions alone; clusters are searched when clusters are assigned.
    effect : float
        Smallest effect that would matter, in the unit of the outcome.
    power, alpha, tails, attrition, take_up
        As for `smallest_effect`.

    Returns
    -------
    Detection
        With whole numbers, rounded up, and the power they give.

    Raises
    ------
    ImpactEvalError
        `size_not_found` when ten million would not do; `not_resizable` for a roll-out, whose
        calendar is what one changes.

    Examples
    --------
    >>> from impact_eval import plan
    >>> found = plan.size_needed(plan.TwoMeans(n_treated=10, n_comparison=10), effect=0.2)
    >>> found.planned.n_treated, round(found.power, 3)
    (394.0, 0.801)
    """
    _refuse_not_planned(planned)
    refuse_not_number(("effect", effect))
    if not hasattr(planned, "resized"):
        raise ImpactEvalError(Finding.error("not_resizable", what=type(planned).__name__))
    searched = cast(Resizable, planned)
    test = _test(alpha, power, tails)
    tested = planned.tested(effect)
    if tested == 0:
        raise ImpactEvalError(Finding.error("size_not_found", effect=effect))
    number = required_size(
        lambda n: _with_losses(searched.resized(n), attrition, take_up),
        tested,
        test,
        low=searched.least,
    )
    whole = searched.resized(number).whole()
    precision = _with_losses(whole, attrition, take_up)
    reached = power_of_effect(tested, precision, test)
    return _detection(whole, effect, reached, precision, test, attrition, take_up)


def _test(alpha: float, power: float, tails: str) -> PowerTest:
    refuse_not_number(("alpha", alpha), ("power", power))
    faults = FindingCollector()
    for option, value in (("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            faults.add(
                Finding.error("option_out_of_range", option=option, value=value, low=0, high=1)
            )
    faults.raise_if_errors()
    refuse_unknown("tails", tails, tuple(Tails))
    return PowerTest(size=alpha, power=power, tails=Tails(tails))


def _with_losses(planned: Planned, attrition: float, take_up: float) -> Precision:
    _refuse_not_planned(planned)
    refuse_not_number(("attrition", attrition), ("take_up", take_up))
    precision = with_losses(planned.precision, attrition=attrition, take_up=take_up)
    if not precision.std_error > 0:  # covariates that explain everything
        raise ImpactEvalError(Finding.error("nothing_left_to_chance"))
    return precision


def _refuse_not_planned(planned: object) -> None:
    if isinstance(planned, type) or not hasattr(planned, "precision"):
        raise ImpactEvalError(Finding.error("not_a_comparison", name=str(planned)[:60]))


def _detection(
    planned: Planned,
    effect: float,
    power: float,
    precision: Precision,
    test: PowerTest,
    attrition: float,
    take_up: float,
) -> Detection:
    return Detection(
        planned=planned,
        effect=effect,
        power=power,
        std_error=precision.std_error,
        df=precision.df,
        alpha=test.size,
        tails=test.tails.value,
        attrition=attrition,
        take_up=take_up,
    )
