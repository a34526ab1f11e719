"""The marginal value of public funds: willingness to pay by net public euro."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
)
from impact_eval.value.account.doors import Account
from impact_eval.value.map.choices import RECIPIENTS
from impact_eval.value.map.prices import exact, total
from impact_eval.value.readouts.cba import public_cash, public_inputs
from impact_eval.value.uncertainty.compiled import draws_refused
from impact_eval.value.uncertainty.simulate import Simulation

FloatArray = NDArray[np.float64]


class MvpfCase(StrEnum):
    """In which quadrant a policy falls, which says how its ratio is read."""

    ORDINARY = "ordinary"
    PAYS_FOR_ITSELF = "pays_for_itself"
    HARMFUL = "harmful"
    REPEAL = "repeal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mvpf:
    """Marginal value of public funds.

    Attributes
    ----------
    willingness_to_pay, programme_cost, fiscal_externality, net_cost : float
        Net cost = programme cost - fiscal externality.
    ratio : float
        Infinite when the policy pays for itself.
    case : MvpfCase
        `repeal`: both are negative, and the ratio is that of ending the policy.
    conf_low, conf_high : float or None
    """

    willingness_to_pay: float
    programme_cost: float
    fiscal_externality: float
    net_cost: float
    ratio: float
    case: MvpfCase
    conf_low: float | None = None
    conf_high: float | None = None


def mvpf_case(willingness_to_pay: float, net_cost: float) -> MvpfCase:
    """Return the quadrant of a policy."""
    if willingness_to_pay >= 0:
        return MvpfCase.ORDINARY if net_cost > 0 else MvpfCase.PAYS_FOR_ITSELF
    return MvpfCase.HARMFUL if net_cost > 0 else MvpfCase.REPEAL


def mvpf_ratio(willingness_to_pay: float, net_cost: float) -> float:
    """Return WTP / net cost, +inf for a policy that pays for itself.

    Examples
    --------
    >>> mvpf_ratio(100.0, -5.0)
    inf
    """
    if mvpf_case(willingness_to_pay, net_cost) is MvpfCase.PAYS_FOR_ITSELF:
        return math.inf
    return willingness_to_pay / net_cost if net_cost else -math.inf


def mvpf(*, willingness_to_pay: float, programme_cost: float, fiscal_externality: float) -> Mvpf:
    """Compute an MVPF from its three parts.

    Raises
    ------
    ImpactEvalError
        `public_amount_not_finite`.

    References
    ----------
    Hendren, N. and Sprung-Keyser, B. (2020). doi:10.1093/qje/qjaa006
    """
    faults = FindingCollector()
    faults.add(*_not_amounts((willingness_to_pay, programme_cost, fiscal_externality)))
    faults.raise_if_errors()
    net = programme_cost - fiscal_externality
    return Mvpf(
        willingness_to_pay=willingness_to_pay,
        programme_cost=programme_cost,
        fiscal_externality=fiscal_externality,
        net_cost=net,
        ratio=mvpf_ratio(willingness_to_pay, net),
        case=mvpf_case(willingness_to_pay, net),
    )


def mvpf_interval(
    willingness_to_pay: FloatArray,
    net_cost: FloatArray,
    *,
    point: tuple[float, float],
    level: float = 0.95,
    bias_corrected: bool = True,
) -> tuple[float, float]:
    r"""Return the interval of an MVPF from draws of its two parts.

    Draws in the quadrant opposite to the point estimate are taken out and the percentiles widened
    by their share; when nothing is left of the tails the interval is the whole line. Percentiles
    are then corrected for bias: :math:`\Phi(2 z_0 + z_\alpha)` with :math:`z_0 = \Phi^{-1}(P(M < m)
    + P(M = m)/2)`. Draws that tie with the estimate count half: when most of them are infinite,
    as it is, nothing is biased. An interval contains its own estimate.

    Parameters
    ----------
    willingness_to_pay, net_cost : (draws,) arrays
    point : (float, float)
        Point estimates of both.
    level : float
    bias_corrected : bool

    Returns
    -------
    (low, high)

    Raises
    ------
    ImpactEvalError
        `public_draws_unequal`, `public_draw_not_finite`, `public_amount_not_finite`,
        `option_out_of_range` (level).

    References
    ----------
    Hendren, N. and Sprung-Keyser, B. (2020). doi:10.1093/qje/qjaa006 (appendix on intervals).
    Efron, B. (1987). doi:10.1080/01621459.1987.10478410
    """
    wtp, cost = _checked_draws(willingness_to_pay, net_cost, point, level)
    gone = opposite_quadrant(mvpf_case(*point))
    opposite = np.array([case is gone for case in quadrants_of(wtp, cost)])
    share = float(opposite.mean())
    tail = ((1 - level) - share) / 2
    if tail <= 0 or opposite.all():
        return -math.inf, math.inf
    gained, paid = wtp[~opposite], cost[~opposite]
    ratios = np.where(
        (gained >= 0) & (paid <= 0), np.inf, gained / np.where(paid == 0, np.nan, paid)
    )
    ratios = np.sort(np.where(np.isnan(ratios), -np.inf, ratios))
    levels, own = np.array([tail, 1 - tail]), mvpf_ratio(*point)
    if bias_corrected:
        below = float(np.mean(ratios < own) + np.mean(ratios == own) / 2)
        if 0 < below < 1:
            shift = special.ndtri(below)
            levels = special.ndtr(2 * shift + special.ndtri(levels))
    low, high = (order_quantile(ratios, float(u)) for u in levels)
    return min(low, own), max(high, own)


def opposite_quadrant(case: MvpfCase) -> MvpfCase:
    """Return the quadrant in which both parts have the other sign."""
    return {
        MvpfCase.PAYS_FOR_ITSELF: MvpfCase.HARMFUL,
        MvpfCase.HARMFUL: MvpfCase.PAYS_FOR_ITSELF,
        MvpfCase.ORDINARY: MvpfCase.REPEAL,
        MvpfCase.REPEAL: MvpfCase.ORDINARY,
    }[case]


def quadrants_of(willingness_to_pay: FloatArray, net_cost: FloatArray) -> NDArray[np.object_]:
    """Return the quadrant of each draw."""
    order = np.array(
        [MvpfCase.PAYS_FOR_ITSELF, MvpfCase.ORDINARY, MvpfCase.REPEAL, MvpfCase.HARMFUL],
        dtype=object,
    )
    found: NDArray[np.object_] = order[2 * (willingness_to_pay < 0) + (net_cost > 0)]
    return found


def _checked_draws(
    willingness_to_pay: FloatArray, net_cost: FloatArray, point: tuple[float, float], level: float
) -> tuple[FloatArray, FloatArray]:
    """Refuse in words what has no interval; see `mvpf_interval`."""
    wtp, cost = (np.asarray(part, dtype=np.float64) for part in (willingness_to_pay, net_cost))
    faults = FindingCollector()
    if wtp.ndim != 1 or wtp.shape != cost.shape or not wtp.size:
        faults.add(
            Finding.error("public_draws_unequal", first=int(wtp.size), second=int(cost.size))
        )
    else:
        bad = ~(np.isfinite(wtp) & np.isfinite(cost))
        if bad.any():
            count, first = int(bad.sum()), int(bad.argmax()) + 1
            faults.add(Finding.error("public_draw_not_finite", draws=count, position=first))
    faults.add(*_not_amounts(point))
    if not 0 < level < 1:
        faults.add(Finding.error("option_out_of_range", option="level", value=level, low=0, high=1))
    faults.raise_if_errors()
    return wtp, cost


def _not_amounts(amounts: Iterable[float]) -> tuple[Finding, ...]:
    wrong = [amount for amount in amounts if not math.isfinite(amount)]
    return tuple(Finding.error("public_amount_not_finite", found=str(amount)) for amount in wrong)


def order_quantile(values: FloatArray, u: float) -> float:
    """Return a quantile of sorted values that may be infinite: no interpolation across infinity."""
    position = u * (len(values) - 1)
    low, high = math.floor(position), math.ceil(position)
    a, b = float(values[low]), float(values[high])
    if a == b or not (math.isfinite(a) and math.isfinite(b)):
        return a if position - low < 0.5 else b
    return a + (b - a) * (position - low)


def mean_mvpf(parts: Sequence[Mvpf]) -> Mvpf:
    """Aggregate policies by mean WTP and mean cost per programme euro, never by mean ratio.

    Raises
    ------
    ImpactEvalError
        `no_policy_to_average`: none is given, or one costs nothing.
    """
    if not parts or any(p.programme_cost <= 0 for p in parts):
        raise ImpactEvalError(Finding.error("no_policy_to_average"))
    scaled = [
        (p.willingness_to_pay / p.programme_cost, p.fiscal_externality / p.programme_cost)
        for p in parts
    ]
    return mvpf(
        willingness_to_pay=sum(w for w, _ in scaled) / len(scaled),
        programme_cost=1.0,
        fiscal_externality=sum(f for _, f in scaled) / len(scaled),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WillingnessVariants:
    """Other readings of what beneficiaries would pay: the cost itself, and one per cent of it."""

    at_cost: Mvpf
    lower_bound: Mvpf


def willingness_variants(programme_cost: float, fiscal_externality: float) -> WillingnessVariants:
    """Return the MVPF with WTP set to the programme's cost, then to 1 % of it."""
    return WillingnessVariants(
        at_cost=mvpf(
            willingness_to_pay=programme_cost,
            programme_cost=programme_cost,
            fiscal_externality=fiscal_externality,
        ),
        lower_bound=mvpf(
            willingness_to_pay=0.01 * programme_cost,
            programme_cost=programme_cost,
            fiscal_externality=fiscal_externality,
        ),
    )


def account_mvpf(
    account: Account, simulation: Simulation | None = None, *, level: float = 0.95
) -> Mvpf | NotApplicable:
    """Read an account as an MVPF: the beneficiaries' account over the net public cost.

    Parameters
    ----------
    account : Account
    simulation : Simulation, optional
        Gives the interval.
    level : float

    Returns
    -------
    Mvpf or NotApplicable
        `no_public_outlay` when no public body pays; the guards' refusal of a ratio;
        What refuses the draws: a guard, or an effect whose error is not known.
    """
    why = draws_refused(account)
    if why is not None:
        return why
    paid = public_inputs(account)
    if paid <= 0:
        return NotApplicable.because("no_public_outlay")
    with exact():
        gained = total(
            f.present * ((f.receiver in RECIPIENTS) - (f.payer in RECIPIENTS))
            for f in account.counted
            if not f.is_input or f.receiver in RECIPIENTS
        )
    read = mvpf(
        willingness_to_pay=float(gained),
        programme_cost=float(paid),
        fiscal_externality=float(public_cash(account)),
    )
    if simulation is None or simulation.refusal is not None:
        return read
    wtp = np.sum([simulation.benefits(agent.value) for agent in sorted(RECIPIENTS)], axis=0)
    net = simulation.costs("public") - simulation.cash("public")
    low, high = mvpf_interval(wtp, net, point=(read.willingness_to_pay, read.net_cost), level=level)
    return Mvpf(
        willingness_to_pay=read.willingness_to_pay,
        programme_cost=read.programme_cost,
        fiscal_externality=read.fiscal_externality,
        net_cost=read.net_cost,
        ratio=read.ratio,
        case=read.case,
        conf_low=low,
        conf_high=high,
    )


def break_even_effect(cost: Decimal, return_by_unit: Decimal) -> Decimal | NotApplicable:
    """Return the effect at which fiscal returns repay a cost by person.

    Examples
    --------
    >>> round(break_even_effect(Decimal(1500), Decimal("11763.48")), 4)
    Decimal('0.1275')
    """
    if return_by_unit <= 0:
        return NotApplicable.because("no_fiscal_return")
    with exact():
        return cost / return_by_unit
