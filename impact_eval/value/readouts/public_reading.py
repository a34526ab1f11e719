"""What public money buys, in one reading: MVPF, net value, and the cost of public funds apart."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.map.choices import RECIPIENTS
from impact_eval.value.map.prices import ONE
from impact_eval.value.readouts.cba import CostBenefit, cost_benefit
from impact_eval.value.readouts.mvpf import (
    Mvpf,
    MvpfCase,
    account_mvpf,
    order_quantile,
    quadrants_of,
)
from impact_eval.value.readouts.told import FundsTold, PublicTold, QuadrantShare, Range
from impact_eval.value.uncertainty.compiled import draws_refused
from impact_eval.value.uncertainty.simulate import NOTHING_VARIES, Simulation

FloatArray = NDArray[np.float64]

# What a public euro costs society: 1 leaves it out. 1.2 is the French convention of the Quinet
# report (2013) as memory has it: its text could not be read (to_check).
SHADOW_PRICES = (ONE, Decimal("1.2"))


def public_reading(
    account: Account, simulation: Simulation, *, level: float = 0.95
) -> PublicTold | NotApplicable:
    r"""Return the MVPF and the net value by public euro, :math:`NPV - (\lambda - 1)\,\Delta P`.

    Parameters
    ----------
    account : Account
    simulation : Simulation
        Draws of this account.
    level : float
        Of the intervals.

    Returns
    -------
    PublicTold or NotApplicable
        Refused as the draws are: a guard refuses the total, or an effect has no known error.

    Examples
    --------
    >>> public_reading(account, simulate(account)).net_value.estimate  # doctest: +SKIP
    487778.18
    """
    why = draws_refused(account)
    if why is not None:
        return why
    net = simulation.benefits("society") - simulation.costs("society")
    outlay = simulation.costs("public") - simulation.cash("public")
    plain = cost_benefit(account)
    return PublicTold(
        mvpf=_mvpf(account, simulation, level),
        quadrants=_quadrants(simulation, outlay),
        net_value=_range(plain.net, net, level),
        outlay=_range(plain.public_outlay, outlay, level),
        funds=tuple(_funds(account, price, net, outlay, level) for price in SHADOW_PRICES),
    )


def _mvpf(account: Account, simulation: Simulation, level: float) -> Mvpf | NotApplicable:
    """Return the MVPF; where nothing moves it, an interval without width would pass for a proof."""
    read = account_mvpf(account, simulation, level=level)
    if isinstance(read, NotApplicable):
        return read
    same = read.conf_low == read.conf_high and np.isfinite(read.ratio)
    return NotApplicable.because(NOTHING_VARIES) if read.conf_low is None or same else read


def _funds(
    account: Account, price: Decimal, net: FloatArray, outlay: FloatArray, level: float
) -> FundsTold:
    read, extra = cost_benefit(account, shadow_price=price), float(price - ONE)
    after = net - extra * outlay
    funds = _range(read.cost_of_funds, extra * outlay, level)
    return FundsTold(
        shadow_price=float(price),
        cost_of_funds=funds,
        net=_range(read.net, after, level),
        net_per_public_euro=per_euro(read, after, outlay, level),
    )


def per_euro(
    read: CostBenefit, net: FloatArray, outlay: FloatArray, level: float
) -> Range | NotApplicable:
    """Return the net value by public euro, where the draws leave no doubt that there is one."""
    value = read.net_per_public_euro
    if isinstance(value, NotApplicable):
        return value
    recovered = outlay <= 0
    if float(np.mean(recovered)) > (1 - level) / 2:
        return NotApplicable.because("public_outlay_unsure")
    # the outlay vanishes, then turns: beyond every ratio, on the side of the net value
    far = np.where(net < 0, -np.inf, np.inf)
    return _range(value, np.where(recovered, far, net / np.where(recovered, 1.0, outlay)), level)


def _range(value: Decimal, draws: FloatArray, level: float) -> Range:
    """Return a number and its interval; no interval where nothing that is uncertain moves it."""
    told = Range(estimate=float(value) + 0.0, low=None, high=None, level=level)  # no minus zero
    ordered = np.sort(draws)
    if ordered[0] == ordered[-1]:
        return told
    low, high = (order_quantile(ordered, (1 + side * level) / 2) for side in (-1, 1))
    return replace(told, low=low, high=high)


def _quadrants(simulation: Simulation, outlay: FloatArray) -> tuple[QuadrantShare, ...]:
    gained = np.sum([simulation.benefits(agent.value) for agent in sorted(RECIPIENTS)], axis=0)
    found = quadrants_of(gained, outlay)
    return tuple(QuadrantShare(case=case, share=float(np.mean(found == case))) for case in MvpfCase)
