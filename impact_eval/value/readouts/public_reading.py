"""What public money buys, in one reading: MVPF, net value, and the cost of public funds apart."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.map.choices import RECIPIENTS
from impact_eval.value.map.prices import ONE
from impact_eval.value.readouts.cba import cost_benefit
from impact_eval.value.readouts.mvpf import (
    Mvpf,
    MvpfCase,
    account_mvpf,
    quadrants_of,
)
from impact_eval.value.uncertainty.compiled import draws_refused
from impact_eval.value.uncertainty.simulate import Simulation

# What a public euro costs society: 1 leaves it out. 1.2 is the French convention of the Quinet
# report (2013) as memory has it: its text could not be read (to_check).
SHADOW_PRICES = (ONE, Decimal("1.2"))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuadrantShare:
    """The share of draws in which a policy falls in a quadrant."""

    case: MvpfCase
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsTold:
    """The net value for society at one price of public funds.

    Attributes
    ----------
    shadow_price : float
        What a public euro costs society.
    cost_of_funds : float
        Its own line: (price - 1) times the net public outlay.
    net : float
        Net value once this line is taken off.
    net_per_public_euro : float or NotApplicable
        `no_net_public_outlay` when public budgets recover what they pay.
    """

    shadow_price: float
    cost_of_funds: float
    net: float
    net_per_public_euro: float | NotApplicable


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTold:
    """What is told of public money.

    Attributes
    ----------
    mvpf : Mvpf or NotApplicable
        With its interval. It never carries a cost of public funds: the net cost divides it.
    quadrants : tuple of QuadrantShare
        Shares of the draws, every quadrant; empty when nothing may be told.
    net_value : float or NotApplicable
        For society, no cost of funds taken off.
    outlay : float or NotApplicable
        What public bodies pay in, less what their budgets recover.
    funds : tuple of FundsTold
        At each price of public funds; empty when nothing may be told.
    """

    mvpf: Mvpf | NotApplicable
    quadrants: tuple[QuadrantShare, ...]
    net_value: float | NotApplicable
    outlay: float | NotApplicable
    funds: tuple[FundsTold, ...]


def public_reading(account: Account, simulation: Simulation, *, level: float = 0.95) -> PublicTold:
    r"""Return the MVPF and the net value by public euro, :math:`NPV - (\lambda - 1)\,\Delta P`.

    Parameters
    ----------
    account : Account
    simulation : Simulation
        Draws of this account.
    level : float
        Of the interval of the MVPF.

    Returns
    -------
    PublicTold
        Where a guard refuses the total, or an effect has no known error, each number is the reason.

    Examples
    --------
    >>> public_reading(account, simulate(account)).net_value  # doctest: +SKIP
    487778.18
    """
    why = draws_refused(account)
    if why is not None:
        return PublicTold(mvpf=why, quadrants=(), net_value=why, outlay=why, funds=())
    reads = [cost_benefit(account, shadow_price=price) for price in SHADOW_PRICES]
    return PublicTold(
        mvpf=account_mvpf(account, simulation, level=level),
        quadrants=_quadrants(simulation),
        net_value=float(reads[0].net),
        outlay=float(reads[0].public_outlay),
        funds=tuple(
            FundsTold(
                shadow_price=float(read.shadow_price),
                cost_of_funds=float(read.cost_of_funds),
                net=float(read.net),
                net_per_public_euro=read.net_per_public_euro
                if isinstance(read.net_per_public_euro, NotApplicable)
                else float(read.net_per_public_euro),
            )
            for read in reads
        ),
    )


def _quadrants(simulation: Simulation) -> tuple[QuadrantShare, ...]:
    gained = np.sum([simulation.benefits(agent.value) for agent in sorted(RECIPIENTS)], axis=0)
    found = quadrants_of(gained, simulation.costs("public") - simulation.cash("public"))
    return tuple(QuadrantShare(case=case, share=float(np.mean(found == case))) for case in MvpfCase)
