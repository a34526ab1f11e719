"""The flows that inputs and lines make: quantity x price x kept share x shape, by year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from impact_eval.value.account.flow_ledger import (
    Discount,
    Ends,
    Flow,
    ends_of,
    make_flow,
    yearly_shape,
)
from impact_eval.value.account.quantity import LineQuantity
from impact_eval.value.map.choices import FlowKind, InputKind, LineKind
from impact_eval.value.map.declared import Input, Line, MapContent, UnitFlow
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.prices import (
    ONE,
    ZERO,
    decimal_of,
    exact,
    real_growth_factor,
    rebase,
    total,
)


@dataclass(frozen=True, kw_only=True)
class LineValue:
    """What one line is worth.

    Attributes
    ----------
    line : str
    quantity : LineQuantity
    unit_value : Decimal
        Social value of one unit, in money of the base year.
    keep : Decimal
        What is left after deadweight, displacement and attribution.
    impact : Decimal
        Social value of the first year.
    value, present : Decimal
        Social value over all years, and discounted.
    observed : Decimal
        Part of `present` within the years observed.
    included : bool
    """

    line: str
    quantity: LineQuantity
    unit_value: Decimal
    keep: Decimal
    impact: Decimal
    value: Decimal
    present: Decimal
    observed: Decimal
    included: bool


def real_price(
    amount: Decimal, price_year: int, index: str | None, value_map: MapContent
) -> Decimal:
    """Put an amount in money of the map's base year, by its own index or the map's."""
    base = value_map.settings.price_year
    if price_year == base:
        return amount
    table = catalogue().index(index or value_map.settings.price_index)
    return rebase(amount, price_year, base, table)


def yearly_price(amount: Decimal, line: Line, value_map: MapContent) -> Decimal:
    """Return what one unit of a line is worth in a year, in money of the base year."""
    assert line.price.price_year is not None
    with exact():
        return line.price.per_year * real_price(
            amount, line.price.price_year, line.price.index, value_map
        )


def input_flow(item: Input, value_map: MapContent) -> Flow:
    """Return the flow of an input: a resource used up, or a transfer to its receiver."""
    with exact():
        if item.amount is not None:
            amount = item.amount.value
        else:
            assert item.hours is not None
            assert item.hourly_rate is not None
            amount = item.hours.value * item.hourly_rate.value
    amount = real_price(amount, item.price_year, item.index, value_map)
    moved = item.kind is InputKind.TRANSFER
    kind = FlowKind.TRANSFER if moved else FlowKind.RESOURCE_COST
    flow = make_flow(
        Ends(kind=kind, payer=item.payer, receiver=item.receiver if moved else None),
        line=item.id,
        name="",
        year=item.year,
        amount=amount,
        discount=discount_of(value_map),
    )
    return replace(flow, is_input=True)


def discount_of(value_map: MapContent) -> Discount:
    """Return the discounting of a map."""
    return Discount(value_map.settings.discount_rate, value_map.settings.timing)


def share_of(amount: Amount | None) -> Decimal:
    """Return a share, zero when it is not stated."""
    return ZERO if amount is None else amount.value


def kept_share(line: Line) -> Decimal:
    """Return (1 - deadweight)(1 - displacement)(1 - attribution)."""
    with exact():
        kept = ONE
        for share in (
            line.adjustments.deadweight,
            line.adjustments.displacement,
            line.adjustments.attribution,
        ):
            kept *= ONE - share_of(share)
        return kept


def shape_of(line: Line, quantity: LineQuantity) -> tuple[Decimal, ...]:
    """Return, year by year, the share of the first year's quantity that is there."""
    if line.timing.lifetime:
        return (ONE if line.timing.persistence is None else line.timing.persistence.value,)
    shape = yearly_shape(
        duration=line.timing.duration,
        drop_off=share_of(line.timing.drop_off),
        survival=line.timing.survival,
        follow_up=max(len(quantity.profile), 1),
    )
    if not quantity.profile or quantity.value == 0:
        return shape
    last = len(quantity.profile) - 1
    with exact():
        return tuple(
            share * quantity.profile[min(i, last)] / quantity.value for i, share in enumerate(shape)
        )


def unit_flows(line: Line) -> tuple[UnitFlow, ...]:
    """Return the flows of one unit: the bundle, or the one flow of the proxy."""
    if line.price.bundle:
        return line.price.bundle
    assert line.price.proxy is not None
    assert line.price.kind is not None
    only = UnitFlow(
        name="",
        kind=line.price.kind,
        payer=line.price.payer,
        receiver=line.price.receiver,
        amount=line.price.proxy,
    )
    return (only,)


def cashable_of(line: Line, kind: LineKind) -> Decimal:
    """Return the cashable share: as stated; else all of a transfer and nothing of a cost."""
    if line.price.cashable is not None:
        return line.price.cashable.value
    return ONE if kind is LineKind.AVOIDED_TRANSFER else ZERO


def line_flows(
    line: Line, value_map: MapContent, quantity: LineQuantity
) -> tuple[list[Flow], LineValue]:
    """Return the flows of a line, one by unit flow and year, and what the line is worth."""
    discount = discount_of(value_map)
    shape, keep = shape_of(line, quantity), kept_share(line)
    flows: list[Flow] = []
    unit_value = ZERO
    for part in unit_flows(line):
        price = yearly_price(part.amount.value, line, value_map)
        ends = ends_of(part.kind, part.payer, part.receiver)
        with exact():
            if ends.kind is not FlowKind.TRANSFER:
                unit_value += -price if ends.kind is FlowKind.RESOURCE_COST else price
            for i, share in enumerate(shape):
                year = line.timing.start + i
                growth = real_growth_factor(line.price.growth, year, discount.timing)
                flows.append(
                    make_flow(
                        ends,
                        line=line.id,
                        name=part.name,
                        year=year,
                        amount=quantity.value * price * keep * share * growth,
                        discount=discount,
                        cashable=cashable_of(line, part.kind),
                        included=line.included,
                    )
                )
    return flows, _line_value(line, value_map, quantity, unit_value, keep, flows)


def _line_value(
    line: Line,
    value_map: MapContent,
    quantity: LineQuantity,
    unit_value: Decimal,
    keep: Decimal,
    flows: Sequence[Flow],
) -> LineValue:
    observed = observed_years(line, value_map, quantity)
    with exact():
        return LineValue(
            line=line.id,
            quantity=quantity,
            unit_value=unit_value,
            keep=keep,
            impact=quantity.value * unit_value * keep,
            value=total(f.social * f.amount for f in flows),
            present=total(f.social * f.present for f in flows),
            observed=total(f.social * f.present * _seen(f.year, line, observed) for f in flows),
            included=line.included,
        )


def _seen(year: int, line: Line, observed: Decimal) -> Decimal:
    """Return the part of a year that lies within the years observed."""
    if line.timing.lifetime:
        return ZERO
    return min(max(observed - (year - line.timing.start), ZERO), ONE)


def observed_years(line: Line, value_map: MapContent, quantity: LineQuantity) -> Decimal:
    """Return the years observed: those of the event study, the line, the map; else the first."""
    if quantity.profile:
        return decimal_of(len(quantity.profile))
    if line.timing.follow_up is not None:
        return line.timing.follow_up
    return ONE if value_map.settings.follow_up is None else value_map.settings.follow_up
