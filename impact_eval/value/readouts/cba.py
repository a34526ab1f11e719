"""The cost-benefit read-out: net present value, with the cost of public funds as its own line."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.account.flow_ledger import public_sides
from impact_eval.value.map.choices import PUBLIC_AGENTS
from impact_eval.value.map.prices import ONE, ZERO, exact, less


@dataclass(frozen=True, slots=True, kw_only=True)
class CostBenefit:
    """Socio-economic net present value.

    Attributes
    ----------
    benefits, costs : Decimal
        Present values of resources and welfare created, and of resources put in.
    public_outlay : Decimal
        What public bodies pay in, less what their budgets really recover.
    cost_of_funds : Decimal
        (COFP - 1) x `public_outlay`; zero when no shadow price is asked for.
    net : Decimal
        benefits - costs - cost_of_funds.
    net_per_public_euro : Decimal or NotApplicable
    shadow_price : Decimal
    """

    benefits: Decimal
    costs: Decimal
    public_outlay: Decimal
    cost_of_funds: Decimal
    net: Decimal
    net_per_public_euro: Decimal | NotApplicable
    shadow_price: Decimal


def public_cash(account: Account) -> Decimal:
    """Return what public budgets really recover from the outcomes, as a present value.

    Transfers received less transfers paid, costs really avoided, less costs caused. Capacity that
    is only released is not money.
    """
    cash = ZERO
    with exact():
        for flow in account.counted:
            moved = flow.cashable if flow.avoided else flow.present
            assert moved is not None
            sides = public_sides(flow.kind, flow.payer, flow.receiver, avoided=flow.avoided)
            for _, side in sides:
                if not flow.is_input or side > 0:  # what is paid in is an input
                    cash += side * moved
    return cash


def public_inputs(account: Account) -> Decimal:
    """Return the present value of what public bodies put in."""
    return account.inputs_present(PUBLIC_AGENTS)


def cost_benefit(account: Account, *, shadow_price: Decimal = ONE) -> CostBenefit:
    r"""Compute :math:`\sum (B_t - C_t - (COFP-1)\Delta P_t)/(1+r)^t`, from society's side.

    Parameters
    ----------
    account : Account
    shadow_price : Decimal
        Opportunity cost of a public euro; 1 leaves it out. Never to be used with the MVPF.

    Returns
    -------
    CostBenefit

    Raises
    ------
    ImpactEvalError
        `option_out_of_range`: a price under 1, or that is not a number.
    """
    if not shadow_price.is_finite() or shadow_price < ONE:
        raise ImpactEvalError(
            Finding.error(
                "option_out_of_range",
                option="shadow_price",
                value=str(shadow_price),
                low=1,
                high=None,
            )
        )
    read = account.sroi("society")
    outlay = less(public_inputs(account), public_cash(account))
    with exact():
        funds = (shadow_price - ONE) * outlay
        net = read.net - funds
        per_euro: Decimal | NotApplicable = (
            net / outlay if outlay > 0 else NotApplicable.because("no_net_public_outlay")
        )
    if account.refusal is not None:
        per_euro = account.refusal
    return CostBenefit(
        benefits=read.benefits,
        costs=read.costs,
        public_outlay=outlay,
        cost_of_funds=funds,
        net=net,
        net_per_public_euro=per_euro,
        shadow_price=shadow_price,
    )
