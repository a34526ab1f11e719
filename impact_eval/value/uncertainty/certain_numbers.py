"""What an account takes for certain, and what each of these numbers would change.

Each is moved alone by a standard step, the others where they are, and the account is computed again
in decimals: prices, quantities, people, durations and resources by a fifth either way, shares by
twenty points, the discount rate to the ends of those in use. The steps are conventions of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.account.flow_ledger import social_sign
from impact_eval.value.account.line_flows import input_flow, line_flows
from impact_eval.value.account.line_formula import compile_line
from impact_eval.value.map.choices import QuantitySource
from impact_eval.value.map.declared import Input, Line, cell_of, changed_line
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.prices import ONE, ZERO, exact, total
from impact_eval.value.uncertainty.assumed_laws import ADJUSTMENTS, DROP_OFF, assumed_shares
from impact_eval.value.uncertainty.compiled import draws_refused
from impact_eval.value.uncertainty.sensitivity import DISCOUNT_RATES, at_one_rate, recomputed

STEP = Decimal("0.2")
MAP = "map"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertainTold:
    """A number taken for certain, and the net value with it lower, then higher.

    Attributes
    ----------
    name : str
        `line.column`, `input.column`, or `map.discount_rate`, `map.people`.
    value, low, high : Decimal
        As it is, and moved; a rate that varies by year is told by its first one.
    net_low, net_high : Decimal
        The net value of society with it at `low`, at `high`.
    """

    name: str
    value: Decimal
    low: Decimal
    high: Decimal
    net_low: Decimal
    net_high: Decimal

    @property
    def width(self) -> Decimal:
        """How far it moves the net value."""
        return abs(self.net_high - self.net_low)


def certain_numbers(account: Account) -> tuple[CertainTold, ...] | NotApplicable:
    """List what an account takes for certain with what it would change, the widest first.

    Parameters
    ----------
    account : Account

    Returns
    -------
    tuple of CertainTold or NotApplicable
        What cannot move the result is left out. Refused as the draws are.

    Examples
    --------
    >>> certain_numbers(account)[0].name  # doctest: +SKIP
    'job.proxy'
    """
    refusal = draws_refused(account)
    if refusal is not None:
        return refusal
    found = [*_of_map(account)]
    for item in account.value_map.inputs:
        found += _of_input(item, account)
    for line in account.value_map.lines:
        if line.included:
            found += _of_line(line, account)
    kept = [number for number in found if number.width > 0]
    return tuple(sorted(kept, key=lambda number: (-number.width, number.name)))


def _of_map(account: Account) -> Iterable[CertainTold]:
    settings = account.value_map.settings
    rates = (min(DISCOUNT_RATES), max(DISCOUNT_RATES))
    nets = [
        recomputed(account, at_one_rate(account.value_map, rate)).sroi("society").net
        for rate in rates
    ]
    yield _told(f"{MAP}.discount_rate", settings.discount_rate, rates, nets)
    shared = [
        line.present
        for line, own in zip(account.lines, account.value_map.lines, strict=True)
        if line.included
        and line.quantity.source is QuantitySource.ESTIMATE
        and not own.quantity.people
    ]
    if settings.people is not None and shared:
        yield _scaled(f"{MAP}.people", settings.people, total(shared), account)


def _of_input(item: Input, account: Account) -> Iterable[CertainTold]:
    for column in ("amount", "hours", "hourly_rate"):
        amount: Amount | None = getattr(item, column)
        if amount is not None and amount.certain:
            flow = input_flow(item, account.value_map)
            paid = flow.social * flow.present
            yield _scaled(f"{item.id}.{column}", amount.value, paid, account)


def _of_line(line: Line, account: Account) -> Iterable[CertainTold]:
    own = next(value for value in account.lines if value.line == line.id)
    count, price, people = line.quantity, line.price, line.quantity.people
    if count.declared is not None and count.declared.certain:
        yield _scaled(f"{line.id}.quantity", count.declared.value, own.present, account)
    if people:
        yield _scaled(f"{line.id}.people", total(list(people.values())), own.present, account)
    if price.proxy is not None and price.proxy.certain:
        yield _scaled(f"{line.id}.proxy", price.proxy.value, own.present, account)
    for flow in price.bundle:
        if flow.amount.certain:
            part = _part_of_bundle(line, flow.name, account)
            yield _scaled(f"{line.id}.{flow.name}", flow.amount.value, part, account)
    yield from _shares(line, account)
    duration = line.timing.duration
    if duration is not None and not line.timing.lifetime:
        moved = (duration * (ONE - STEP), duration * (ONE + STEP))
        nets = [_with_line(line, account, duration=years) for years in moved]
        yield _told(f"{line.id}.duration", duration, moved, nets)


def _shares(line: Line, account: Account) -> Iterable[CertainTold]:
    """Move the shares that stay certain, those that are not stated included: they stand at zero."""
    quantity = account.quantities.of(line.id)
    formula = compile_line(line, account.value_map, len(quantity.profile))
    assumed = assumed_shares(line, formula)
    for column in ADJUSTMENTS:
        share: Amount | None = cell_of(line, column)
        if column in assumed or (share is not None and not share.certain):
            continue
        if quantity.counterfactual and column in ("deadweight", "attribution"):
            continue  # the effect is net of them: there is nothing to take off
        if column == DROP_OFF and (line.timing.lifetime or line.timing.survival):
            continue
        value = ZERO if share is None else share.value
        moved = (max(value - STEP, ZERO), min(value + STEP, ONE))
        nets = [_with_line(line, account, **{column: Amount(value=x)}) for x in moved]
        yield _told(f"{line.id}.{column}", value, moved, nets)


def _with_line(line: Line, account: Account, **cells: object) -> Decimal:
    """Return the net value with some cells of one line changed."""
    quantity = account.quantities.of(line.id)
    _, changed = line_flows(changed_line(line, cells), account.value_map, quantity)
    own = next(value for value in account.lines if value.line == line.id)
    with exact():
        return account.sroi("society").net - own.present + changed.present


def _part_of_bundle(line: Line, name: str, account: Account) -> Decimal:
    return total(
        flow.social * flow.present
        for flow in account.counted
        if flow.line == line.id and flow.name == name and social_sign(flow.kind)
    )


def _scaled(name: str, value: Decimal, present: Decimal, account: Account) -> CertainTold:
    """Move a number to which an amount of the net value is proportional."""
    net = account.sroi("society").net
    with exact():
        moved = (value * (ONE - STEP), value * (ONE + STEP))
        return _told(name, value, moved, [net - STEP * present, net + STEP * present])


def _told(
    name: str, value: Decimal, moved: tuple[Decimal, Decimal], nets: list[Decimal]
) -> CertainTold:
    return CertainTold(
        name=name, value=value, low=moved[0], high=moved[1], net_low=nets[0], net_high=nets[1]
    )
