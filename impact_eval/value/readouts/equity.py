"""Equity weights: a euro is worth more to those who have less; unweighted results come first.

The map says what people live on, in its table `incomes`: `relative_income` is the median
equivalised income of the agent over that of the country.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.map.choices import Agent

ELASTICITIES = (1.0, 1.3, 1.5)  # beside zero, which is the account itself


def equity_weight(relative_income: float, elasticity: float) -> float:
    r"""Return :math:`(\bar y_{median}/\bar y_{group})^\eta`.

    Parameters
    ----------
    relative_income : float
        Median equivalised income of the group over that of the country; above zero.
    elasticity : float
        0 counts a euro as a euro.

    Raises
    ------
    ImpactEvalError
        `income_not_positive`, `elasticity_negative`, `equity_weight_too_large`.

    References
    ----------
    HM Treasury, The Green Book, A3; Layard, R., Nickell, S. and Mayraz, G. (2008).
    doi:10.1016/j.jpubeco.2008.01.007

    Examples
    --------
    >>> [round(equity_weight(r, 1.3), 4) for r in (0.6, 0.5, 0.4)]
    [1.9427, 2.4623, 3.291]
    """
    faults = FindingCollector()
    if not 0 < relative_income < math.inf:
        faults.add(Finding.error("income_not_positive", found=relative_income))
    if not 0 <= elasticity < math.inf:
        faults.add(Finding.error("elasticity_negative", found=elasticity))
    faults.raise_if_errors()
    try:
        return float(relative_income**-elasticity)
    except OverflowError:
        raise ImpactEvalError(
            Finding.error("equity_weight_too_large", found=relative_income, elasticity=elasticity)
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedValue:
    """The net value with each agent's account weighted.

    Attributes
    ----------
    elasticity : float
    weights : mapping of str to float
        Of the agents whose income the map gives; the others keep a weight of one.
    unweighted, weighted : float
        Sum of the agents' accounts, inputs included.
    """

    elasticity: float
    weights: Mapping[str, float]
    unweighted: float
    weighted: float


def weighted_value(account: Account, elasticity: float) -> WeightedValue:
    r"""Return :math:`\sum_a w_a V_a`, each agent's account weighted by its income in the map.

    Examples
    --------
    >>> weighted_value(account, 1.3).weighted  # doctest: +SKIP
    24623.0
    """
    weights = {
        item.agent.value: equity_weight(float(item.relative_income), elasticity)
        for item in account.value_map.incomes
    }
    plain = weighted = 0.0
    for agent in Agent:
        own = float(account.total_of([agent]))
        plain += own
        weighted += own * weights.get(agent.value, 1.0)
    return WeightedValue(
        elasticity=elasticity, weights=weights, unweighted=plain, weighted=weighted
    )


def equity_values(account: Account) -> tuple[WeightedValue, ...]:
    """Return the weighted net value at each usual elasticity; empty without incomes in the map."""
    if not account.value_map.incomes:
        return ()
    return tuple(weighted_value(account, elasticity) for elasticity in ELASTICITIES)


def switching_elasticity(account: Account, *, highest: float = 5.0) -> float | NotApplicable:
    """Return the elasticity at which the weighted net value is zero, if there is one.

    Returns
    -------
    float or NotApplicable
        `no_income` when the map gives none; `no_switching_elasticity` up to `highest`.
    """
    if not account.value_map.incomes:
        return NotApplicable.because("no_income")

    def value(elasticity: float) -> float:
        return weighted_value(account, elasticity).weighted

    low, high = 0.0, highest
    if value(low) == 0:
        return 0.0
    if value(low) * value(high) > 0:
        return NotApplicable.because("no_switching_elasticity", highest=highest)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if value(low) * value(middle) > 0 else (low, middle)
    return (low + high) / 2
