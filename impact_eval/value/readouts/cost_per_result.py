"""The cost-effectiveness read-out of an account: cost per additional outcome, its acceptability.

Several options held against each other, from draws, are in `impact_eval.value.cea`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import critical_value
from impact_eval.value.account.line_flows import LineValue

POINTS = 12  # of an acceptability curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptable:
    """A value given to one more result, and the chance that the action is then worth its cost."""

    value: float
    chance: float


def curve_of_a_result(
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
    >>> [round(p.chance, 3) for p in curve_of_a_result(100, 10, 6, 14)][3]  # at its cost
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


def kept_units(line: LineValue) -> tuple[float, float | None, float | None]:
    r"""Return the results that a line keeps, and their interval: :math:`q(1-dw)(1-dp)(1-at)`.

    The ratio counts what is left after deadweight, displacement and attribution: so does the cost
    of a result. Take-up is in the quantity already.

    Parameters
    ----------
    line : LineValue
    """
    own, keep = line.quantity, float(line.keep)
    ends = (None if end is None else end * keep for end in (own.conf_low, own.conf_high))
    low, high = ends
    return float(own.value) * keep, low, high


def cost_of_kept(cost: float, line: LineValue) -> CostPerOutcome:
    """Return the cost of one more of the results that a line keeps."""
    return cost_per_outcome(cost, *kept_units(line))
