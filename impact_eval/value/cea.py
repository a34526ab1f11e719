"""The cost-effectiveness read-out: cost per additional outcome, frontier, acceptability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.value.information import evpi

FloatArray = NDArray[np.float64]


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


def net_monetary_benefit(costs: FloatArray, effects: FloatArray, value: float) -> FloatArray:
    """Return value x effect - cost, by draw and option."""
    return value * effects - costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptability:
    """How sure one may be of each option, by value of a unit of effect.

    Attributes
    ----------
    names : tuple of str
    values : (v,) array
        What one additional unit of effect is held to be worth.
    chances : (v, d) array
        Share of draws in which the option has the highest net benefit.
    preferred : (v,) int array
        Option with the highest expected net benefit.
    frontier : (v,) array
        Chance of the preferred option.
    expected_incremental : (v, d) array
        Mean net benefit of each option over the first.
    evpi : (v,) array
    """

    names: tuple[str, ...]
    values: FloatArray
    chances: FloatArray
    preferred: NDArray[np.int64]
    frontier: FloatArray
    expected_incremental: FloatArray
    evpi: FloatArray


def acceptability(
    names: Sequence[str],
    costs: FloatArray,
    effects: FloatArray,
    values: Sequence[float],
) -> Acceptability:
    """Return acceptability curves, their frontier and the value of perfect information.

    Parameters
    ----------
    names : sequence of str
        d options, the reference first.
    costs, effects : (draws, d) arrays
    values : sequence of float
        Values of one unit of effect to try.

    Returns
    -------
    Acceptability
    """
    size = (len(values), len(names))
    chances, gains = np.empty(size), np.empty(size)
    info = np.empty(len(values))
    for k, value in enumerate(values):
        net = net_monetary_benefit(costs, effects, value)
        chances[k] = np.bincount(net.argmax(axis=1), minlength=len(names)) / len(net)
        gains[k] = net.mean(axis=0) - net[:, 0].mean()
        info[k] = evpi(net)
    preferred = gains.argmax(axis=1)
    return Acceptability(
        names=tuple(names),
        values=np.asarray(values, dtype=np.float64),
        chances=chances,
        preferred=preferred,
        frontier=chances[np.arange(len(values)), preferred],
        expected_incremental=gains,
        evpi=info,
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
