"""The cost-effectiveness read-out: cost per additional outcome, frontier, acceptability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import critical_value

POINTS = 12  # of an acceptability curve


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierRow:
    """One option on, or off, the efficiency frontier.

    Attributes
    ----------
    name : str
    cost, effect : float
    icer : float or NotApplicable
        Extra cost by extra unit of effect against the option before it on the frontier.
    status : str
        `reference`, `frontier`, `dominated` (another costs less and does more) or
        `extended_dominated` (a mix of two others does).
    """

    name: str
    cost: float
    effect: float
    icer: float | NotApplicable
    status: str


def frontier(
    names: Sequence[str], costs: Sequence[float], effects: Sequence[float]
) -> tuple[FrontierRow, ...]:
    """Return the efficiency frontier: strong, then extended dominance.

    Parameters
    ----------
    names : sequence of str
    costs, effects : sequences of float
        Mean cost and mean effect of each option.

    Returns
    -------
    tuple of FrontierRow
        By cost.

    Examples
    --------
    >>> rows = frontier(["none", "a"], [0.0, 10.0], [0.0, 2.0])
    >>> rows[1].icer
    5.0
    """
    order = sorted(range(len(names)), key=lambda i: (costs[i], -effects[i]))
    status = dict.fromkeys(order, "frontier")
    best = -np.inf
    for i in order:
        if effects[i] <= best:
            status[i] = "dominated"
        else:
            best = effects[i]
    live = [i for i in order if status[i] == "frontier"]
    k = 1
    while k < len(live) - 1:
        a, b, c = live[k - 1 : k + 2]
        first = (costs[b] - costs[a]) / (effects[b] - effects[a])
        second = (costs[c] - costs[b]) / (effects[c] - effects[b])
        if second <= first:
            status[b] = "extended_dominated"
            live.pop(k)
            k = max(k - 1, 1)
        else:
            k += 1
    rows = []
    for i in order:
        icer: float | NotApplicable = NotApplicable.because(f"option_{status[i]}")
        if status[i] == "frontier":
            place = live.index(i)
            if place == 0:
                status[i] = "reference"
                icer = NotApplicable.because("option_reference")
            else:
                j = live[place - 1]
                icer = (costs[i] - costs[j]) / (effects[i] - effects[j])
        rows.append(
            FrontierRow(
                name=names[i], cost=costs[i], effect=effects[i], icer=icer, status=status[i]
            )
        )
    return tuple(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptable:
    """A value given to one more result, and the chance that the action is then worth its cost."""

    value: float
    chance: float


def acceptability(
    cost: float, quantity: float, low: float, high: float, *, level: float = 0.95
) -> tuple[Acceptable, ...]:
    r"""Return the acceptability curve of an action against doing nothing, its cost known.

    With a normal quantity of standard error :math:`s`, the chance that the net benefit
    :math:`\lambda Q - C` is positive is :math:`\Phi((\lambda q - C)/(\lambda s))`.

    Parameters
    ----------
    cost : float
    quantity, low, high : float
        Results obtained, and their interval.
    level : float
        Of that interval.

    Returns
    -------
    tuple of Acceptable
        Twelve values up to three times the cost of a result; none without cost, effect or error.

    References
    ----------
    van Hout, B. A. et al. (1994). doi:10.1002/hec.4730030505

    Examples
    --------
    >>> [round(p.chance, 3) for p in acceptability(100, 10, 6, 14)][3]  # at the cost of a result
    0.5
    """
    error = (high - low) / 2 / critical_value(level)
    if cost <= 0 or quantity <= 0 or error <= 0:
        return ()
    values = np.linspace(0, 3 * cost / quantity, POINTS + 1)[1:]
    chances = special.ndtr((values * quantity - cost) / (values * error))
    return tuple(
        Acceptable(value=float(value), chance=float(chance))
        for value, chance in zip(values, chances, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPerOutcome:
    """Cost of one more outcome than would have happened anyway.

    Attributes
    ----------
    cost, quantity : float
    ratio : float or NotApplicable
        `effect_not_positive` when the action does not produce more of the outcome.
    conf_low, conf_high : float or None
        From the interval of the quantity; `conf_high` is None when that interval reaches zero:
        no finite cost is then excluded.
    """

    cost: float
    quantity: float
    ratio: float | NotApplicable
    conf_low: float | None
    conf_high: float | None


def cost_per_outcome(
    cost: float, quantity: float, low: float | None, high: float | None
) -> CostPerOutcome:
    """Return the cost by additional outcome and its interval, read from that of the quantity.

    Examples
    --------
    >>> cost_per_outcome(15_000, 27, None, None).ratio
    555.5555555555555
    """
    if quantity <= 0:
        return CostPerOutcome(
            cost=cost,
            quantity=quantity,
            ratio=NotApplicable.because("effect_not_positive"),
            conf_low=None if high is None or high <= 0 else cost / high,
            conf_high=None,
        )
    return CostPerOutcome(
        cost=cost,
        quantity=quantity,
        ratio=cost / quantity,
        conf_low=None if high is None or high <= 0 else cost / high,
        conf_high=None if low is None or low <= 0 else cost / low,
    )
