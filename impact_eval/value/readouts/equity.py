"""Equity weights: a euro is worth more to those who have less; unweighted results come first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.map.choices import Agent

ELASTICITIES = (0.0, 1.0, 1.3, 1.5)


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
        `income_not_positive`, `elasticity_negative`.

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
    if relative_income <= 0:
        faults.add(Finding.error("income_not_positive", found=relative_income))
    if elasticity < 0:
        faults.add(Finding.error("elasticity_negative", found=elasticity))
    faults.raise_if_errors()
    return float(relative_income**-elasticity)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedValue:
    """The net value with each agent's account weighted.

    Attributes
    ----------
    elasticity : float
    weights : mapping of str to float
    unweighted, weighted : float
        Sum of the agents' accounts, inputs included.
    """

    elasticity: float
    weights: Mapping[str, float]
    unweighted: float
    weighted: float


def weighted_value(
    account: Account, relative_incomes: Mapping[Agent, float], elasticity: float
) -> WeightedValue:
    """Weight each agent's account by its relative income; agents not named keep a weight of one."""
    weights = {
        agent.value: equity_weight(relative_incomes[agent], elasticity)
        for agent in relative_incomes
    }
    plain = weighted = 0.0
    for agent in Agent:
        own = float(account.total_of([agent]))
        plain += own
        weighted += own * weights.get(agent.value, 1.0)
    return WeightedValue(
        elasticity=elasticity, weights=weights, unweighted=plain, weighted=weighted
    )


def switching_elasticity(
    account: Account, relative_incomes: Mapping[Agent, float], *, highest: float = 5.0
) -> float | NotApplicable:
    """Return the elasticity at which the weighted net value is zero, if there is one."""

    def value(elasticity: float) -> float:
        return weighted_value(account, relative_incomes, elasticity).weighted

    low, high = 0.0, highest
    if value(low) == 0:
        return 0.0
    if value(low) * value(high) > 0:
        return NotApplicable.because("no_switching_elasticity", highest=highest)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if value(low) * value(middle) > 0 else (low, middle)
    return (low + high) / 2


def equally_distributed_equivalent(
    incomes: Sequence[float] | NDArray[np.float64], elasticity: float
) -> float:
    r"""Return the equal income that gives the same welfare.

    :math:`(\frac1n\sum y^{1-\eta})^{1/(1-\eta)}`, the geometric mean at one.

    Examples
    --------
    >>> round(equally_distributed_equivalent([100, 400], 1.0), 6)
    200.0
    """
    y = np.asarray(incomes, dtype=np.float64)
    if elasticity == 1:
        return float(np.exp(np.log(y).mean()))
    power = 1 - elasticity
    return float((y**power).mean() ** (1 / power))
