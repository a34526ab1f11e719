"""The ledger: flows between agents by year, and the matrix that must balance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from impact_eval.value.map.choices import PUBLIC_AGENTS, Agent, FlowKind, LineKind, Timing
from impact_eval.value.map.discounting import DiscountSchedule
from impact_eval.value.map.prices import (
    ONE,
    ZERO,
    exact,
    exponent,
    settle,
    total,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One movement of value.

    Attributes
    ----------
    line : str
        Id of the line or input that makes it.
    name : str
        Part of a bundle, or "".
    kind : FlowKind
        A transfer has a payer and a receiver; a cost only a payer; a gain only a receiver.
    payer, receiver : Agent or None
    year : int
    amount, present : Decimal
        Real money of the base year; the same, discounted.
    cashable : Decimal or None
        For an avoided cost: the part of `present` that a budget really recovers.
    avoided, included, is_input : bool
    """

    line: str
    name: str = ""
    kind: FlowKind
    payer: Agent | None
    receiver: Agent | None
    year: int
    amount: Decimal
    present: Decimal
    cashable: Decimal | None = None
    avoided: bool = False
    included: bool = True
    is_input: bool = False

    @property
    def social(self) -> int:
        """+1 when the flow creates value, -1 when it uses it up, 0 for a transfer."""
        return social_sign(self.kind)

    def for_agent(self, agent: Agent) -> int:
        """+1 when the agent receives, -1 when it pays, 0 otherwise."""
        return (self.receiver is agent) - (self.payer is agent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How a kind of line becomes a flow: its kind, its two ends, and its sign."""

    kind: FlowKind
    payer: Agent | None
    receiver: Agent | None
    sign: int = 1
    avoided: bool = False


def ends_of(kind: LineKind, payer: Agent | None, receiver: Agent | None) -> Ends:
    """Return the flow that a kind of line makes.

    An avoided cost is a resource gained by the one who would have paid; an avoided transfer is the
    transfer itself, with the other sign.
    """
    if kind is LineKind.RESOURCE_COST:
        return Ends(kind=FlowKind.RESOURCE_COST, payer=payer, receiver=None)
    if kind is LineKind.TRANSFER:
        return Ends(kind=FlowKind.TRANSFER, payer=payer, receiver=receiver)
    if kind is LineKind.AVOIDED_TRANSFER:
        return Ends(kind=FlowKind.TRANSFER, payer=payer, receiver=receiver, sign=-1, avoided=True)
    if kind is LineKind.AVOIDED_COST:
        return Ends(kind=FlowKind.RESOURCE_GAIN, payer=None, receiver=payer, avoided=True)
    gain = FlowKind.NON_MARKET if kind is LineKind.NON_MARKET else FlowKind.RESOURCE_GAIN
    return Ends(kind=gain, payer=None, receiver=receiver)


def social_sign(kind: FlowKind) -> int:
    """Return +1 for a flow that creates value, -1 for one that uses it up, 0 for a transfer."""
    if kind is FlowKind.TRANSFER:
        return 0
    return -1 if kind is FlowKind.RESOURCE_COST else 1


def public_sides(
    kind: FlowKind, payer: Agent | None, receiver: Agent | None, *, avoided: bool
) -> tuple[tuple[Agent, int], ...]:
    """Return the public budgets that a flow moves, +1 for what they recover, -1 for what they pay.

    Gains that are not money (welfare, production) move no budget, unless they are avoided costs. A
    transfer avoided is recovered by the one who would have paid it.
    """
    if not (kind is FlowKind.TRANSFER or kind is FlowKind.RESOURCE_COST or avoided):
        return ()
    sign = -1 if avoided and kind is FlowKind.TRANSFER else 1
    ends = ((receiver, sign), (payer, -sign))
    return tuple((agent, side) for agent, side in ends if agent in PUBLIC_AGENTS and agent)


@dataclass(frozen=True, slots=True)
class Discount:
    """How later amounts are brought back: a real rate, or several, and a moment in the year."""

    rate: Decimal
    timing: Timing
    schedule: DiscountSchedule | None = None

    def factor(self, year: int) -> Decimal:
        """Return the factor of a year."""
        return self.over(exponent(year, self.timing))

    def over(self, years: Decimal) -> Decimal:
        """Return the factor of an amount that falls so many years from today."""
        if self.schedule is not None:
            return self.schedule.factor(years)
        with exact():
            power: Decimal = (ONE + self.rate) ** years
            return ONE / power


def horizon_of(flows: Iterable[Flow]) -> int:
    """Return the last year of the flows."""
    return max((flow.year for flow in flows), default=0)


def matrix_of(
    flows: Iterable[Flow], amount: Callable[[Flow], Decimal]
) -> dict[tuple[Agent, int], Decimal]:
    """Return the account of each agent by year: what it receives less what it pays."""
    cells: dict[tuple[Agent, int], Decimal] = {}
    with exact():
        for flow in flows:
            value = amount(flow)
            if flow.receiver is not None:
                key = (flow.receiver, flow.year)
                cells[key] = cells.get(key, ZERO) + value
            if flow.payer is not None:
                key = (flow.payer, flow.year)
                cells[key] = cells.get(key, ZERO) - value
    return cells


def social_value(flows: Iterable[Flow], amount: Callable[[Flow], Decimal]) -> Decimal:
    """Return resources and welfare created less resources used: transfers do not count."""
    return total(flow.social * amount(flow) for flow in flows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The proof that an account closes.

    Attributes
    ----------
    transfers : Decimal
        Sum over agents of all transfers; must be zero.
    accounts, social : Decimal
        Sum of all agents' accounts, and social value; must be equal.
    closes : bool
    """

    transfers: Decimal
    accounts: Decimal
    social: Decimal
    closes: bool


def balance_of_flows(flows: Sequence[Flow], amount: Callable[[Flow], Decimal]) -> Balance:
    """Check the two identities of a ledger, exactly, by two separate sums."""
    moved = [flow for flow in flows if flow.kind is FlowKind.TRANSFER]
    transfers = total(list(matrix_of(moved, amount).values()))
    accounts = total(list(matrix_of(flows, amount).values()))
    social = social_value(flows, amount)
    return Balance(
        transfers=transfers,
        accounts=accounts,
        social=social,
        closes=transfers == 0 and accounts == social,
    )


def make_flow(ends: Ends, *, line: str, name: str, year: int, amount: Decimal, discount: Decimal,
              cashable: Decimal | None = None, included: bool = True) -> Flow:  # fmt: skip
    """Make a flow, its amount and present value set on the exact grid."""
    value = settle(ends.sign * amount)
    with exact():
        present = settle(value * discount)
        recovered = None
        if ends.avoided:
            recovered = settle(ends.sign * present * (ONE if cashable is None else cashable))
    return Flow(
        line=line,
        name=name,
        kind=ends.kind,
        payer=ends.payer,
        receiver=ends.receiver,
        year=year,
        amount=value,
        present=present,
        cashable=recovered,
        avoided=ends.avoided,
        included=included,
    )
