"""The ledger: flows between agents by year, and the matrix that must balance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from impact_eval.value.map.choices import Agent, FlowKind, LineKind, Timing
from impact_eval.value.map.prices import ONE, ZERO, discount_factor, exact, settle, total


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
        if self.kind is FlowKind.TRANSFER:
            return 0
        return -1 if self.kind is FlowKind.RESOURCE_COST else 1

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


def yearly_shape(
    *,
    duration: Decimal | None,
    drop_off: Decimal,
    survival: Sequence[Decimal] = (),
    follow_up: int = 1,
) -> tuple[Decimal, ...]:
    r"""Return the share of the first year's outcome that is there each year.

    Geometric drop-off :math:`(1-d)^i` from the second year, or the survival curve given. A last
    year that is not whole counts for its part.

    Parameters
    ----------
    duration : Decimal or None
        Years; None with a survival curve.
    drop_off : Decimal
    survival : sequence of Decimal
    follow_up : int
        Years already described by an event study: no drop-off within them.

    Examples
    --------
    >>> [str(s) for s in yearly_shape(duration=Decimal("2.5"), drop_off=Decimal("0.1"))]
    ['1', '0.9', '0.405']
    """
    if survival:
        return tuple(survival)
    assert duration is not None
    whole = int(duration.to_integral_value(rounding="ROUND_CEILING"))
    shape = []
    with exact():
        for i in range(whole):
            steps = max(i - follow_up + 1, 0)
            share = (ONE - drop_off) ** steps if steps else ONE
            shape.append(share * min(ONE, duration - i))
    return tuple(shape)


@dataclass(frozen=True, slots=True)
class Discount:
    """How later amounts are brought back: a real rate and a moment in the year."""

    rate: Decimal
    timing: Timing

    def factor(self, year: int) -> Decimal:
        """Return the factor of a year."""
        return discount_factor(self.rate, year, self.timing)


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


def balance_of(flows: Sequence[Flow], amount: Callable[[Flow], Decimal]) -> Balance:
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


def make_flow(ends: Ends, *, line: str, name: str, year: int, amount: Decimal, discount: Discount,
              cashable: Decimal | None = None, included: bool = True) -> Flow:  # fmt: skip
    """Make a flow, its amount and present value set on the exact grid."""
    value = settle(ends.sign * amount)
    with exact():
        present = settle(value * discount.factor(year))
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
