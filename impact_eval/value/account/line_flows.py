"""The flows that inputs and lines make: their formulas worked out in decimals, year by year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from impact_eval.value.account.flow_ledger import Flow, make_flow, social_sign
from impact_eval.value.account.line_formula import (
    LineFormula,
    YearWeight,
    compile_input,
    compile_line,
)
from impact_eval.value.account.quantity import LineQuantity
from impact_eval.value.map.declared import Input, Line, MapContent
from impact_eval.value.map.prices import ONE, ZERO, decimal_of, exact, total


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


def input_flow(item: Input, value_map: MapContent) -> Flow:
    """Return the flow of an input: a resource used up, or a transfer to its receiver."""
    formula = compile_input(item, value_map)
    flow = make_flow(
        formula.ends,
        line=item.id,
        name="",
        year=formula.year,
        amount=formula.amount,
        discount=formula.discount,
    )
    return replace(flow, is_input=True)


def units_by_year(formula: LineFormula, quantity: LineQuantity) -> tuple[Decimal, ...]:
    """Return the units of each year: those of the event study, else those of the first year."""
    last = len(quantity.profile) - 1
    with exact():
        return tuple(
            share * (quantity.profile[min(year.age, last)] if quantity.profile else quantity.value)
            for year, share in zip(formula.years, formula.shape, strict=True)
        )


def line_flows(
    line: Line, value_map: MapContent, quantity: LineQuantity
) -> tuple[list[Flow], LineValue]:
    """Return the flows of a line, one by unit flow and year, and what the line is worth."""
    formula = compile_line(line, value_map, len(quantity.profile))
    units, keep = units_by_year(formula, quantity), formula.left
    flows: list[Flow] = []
    unit_value = ZERO
    with exact():
        for part in formula.parts:
            social = social_sign(part.ends.kind)
            unit_value += social * part.price if social else ZERO
            for year, present in zip(formula.years, units, strict=True):
                flows.append(
                    make_flow(
                        part.ends,
                        line=line.id,
                        name=part.name,
                        year=year.year,
                        amount=present * part.price * keep * year.growth,
                        discount=year.discount,
                        cashable=part.cashable,
                        included=line.included,
                    )
                )
    observed = observed_years(line, value_map, quantity)
    seen = [_seen(year, line, observed, quantity) for year in formula.years]
    return flows, _line_value(line, quantity, unit_value, keep, flows, seen * len(formula.parts))


def _line_value(
    line: Line,
    quantity: LineQuantity,
    unit_value: Decimal,
    keep: Decimal,
    flows: Sequence[Flow],
    seen: Sequence[Decimal],
) -> LineValue:
    with exact():
        return LineValue(
            line=line.id,
            quantity=quantity,
            unit_value=unit_value,
            keep=keep,
            impact=quantity.value * unit_value * keep,
            value=total(f.social * f.amount for f in flows),
            present=total(f.social * f.present for f in flows),
            observed=total(
                f.social * f.present * part for f, part in zip(flows, seen, strict=True)
            ),
            included=line.included,
        )


def _seen(year: YearWeight, line: Line, observed: Decimal, quantity: LineQuantity) -> Decimal:
    """Return the part of a year of an outcome that lies within the years observed.

    A follow-up counts from the start of the action: an effect that begins after its end was seen by
    nobody. The ages of an event study count from the first year of the effect.
    """
    if line.timing.lifetime:
        return ZERO
    with exact():
        since = Decimal(line.timing.start) - 1 if quantity.profile else ZERO
        reached = (since + observed - year.begin) / (year.end - year.begin)
    return min(max(reached, ZERO), ONE)


def observed_years(line: Line, value_map: MapContent, quantity: LineQuantity) -> Decimal:
    """Return the years observed: those of the event study, the line, the map; else the first."""
    if quantity.profile:
        return decimal_of(len(quantity.profile))
    if line.timing.follow_up is not None:
        return line.timing.follow_up
    return ONE if value_map.settings.follow_up is None else value_map.settings.follow_up
