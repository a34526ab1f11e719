r"""The arithmetic of a map, written once: what a line and an input come to in a year.

.. math:: A_t = q\,p\,(1-dw)(1-dp)(1-at)\,\pi\,w_t\,(1-d)^{k_t}\,g_t

Units, price of one unit, what is left after deadweight, displacement and attribution, persistence
of a lifetime value, part of the year, drop-off over the steps so far, real growth of the price. The
ledger works it out in decimals and the draws on arrays: the functions below take either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.value.account.flow_ledger import Discount, Ends, ends_of
from impact_eval.value.map.choices import FlowKind, InputKind, LineKind
from impact_eval.value.map.declared import Input, Line, MapContent, UnitFlow
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.prices import (
    ONE,
    ZERO,
    exact,
    growth_over,
    moment_in_years,
    real_growth_factor,
    rebase,
)

Drawn: TypeAlias = NDArray[np.float64] | float
N = TypeVar("N", Decimal, Drawn)
SHARES = ("deadweight", "displacement", "attribution")


# --- the arithmetic ---------------------------------------------------------------------------


def left_after(whole: N, shares: Iterable[N]) -> N:
    """Return what is left of a whole once each share is taken off what the others left."""
    for share in shares:
        whole = whole * (1 - share)
    return whole


def faded(whole: N, drop_off: N, steps: int) -> N:
    r"""Return :math:`x(1-d)^k`: what the drop-off leaves after some steps."""
    return whole * (1 - drop_off) ** steps if steps else whole


def annuity(coefficients: Sequence[float], drop_off: Drawn) -> Drawn:
    r"""Return :math:`\sum_k c_k (1-d)^k`: years folded by their steps of drop-off (Horner)."""
    kept = 1.0 - drop_off
    folded: Drawn = 0.0
    for coefficient in reversed(coefficients):
        folded = folded * kept + coefficient
    return folded


def per_participant(units: N, take_up: N) -> N:
    """Return the units of those who took part, from an effect on all those invited."""
    return units / take_up


# --- one line compiled ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class YearWeight:
    """One year of a line: the part of it that counts, price growth, discounting, drop-off steps.

    `age` counts the years of the outcome from its start: an outcome that starts in the middle of a
    year spreads each of them over two. `begin` and `end` are when it falls, in years from the start
    of the action.
    """

    year: int
    begin: Decimal
    end: Decimal
    part: Decimal
    growth: Decimal
    discount: Decimal
    steps: int
    age: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedFlow:
    """What one unit moves in a year, in money of the base year.

    Attributes
    ----------
    name : str
    amount : Amount
        As declared.
    price, scale : Decimal
        The amount in money of the base year and by year; the same of an amount of one.
    ends : Ends
    cashable : Decimal
        Share of an avoided cost that a budget really recovers.
    """

    name: str
    amount: Amount
    price: Decimal
    scale: Decimal
    ends: Ends
    cashable: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFormula:
    """A line ready to be worked out: years, prices, and the shares that adjust them."""

    line: str
    years: tuple[YearWeight, ...]
    parts: tuple[PricedFlow, ...]
    shares: tuple[Decimal, ...]
    drop_off: Decimal
    persistence: Decimal

    @property
    def left(self) -> Decimal:
        """What is left after deadweight, displacement and attribution."""
        with exact():
            return left_after(ONE, self.shares)

    @property
    def shape(self) -> tuple[Decimal, ...]:
        """Share of the first year's units that is there each year, growth of the price apart."""
        with exact():
            return tuple(
                self.persistence * faded(year.part, self.drop_off, year.steps)
                for year in self.years
            )


def compile_line(line: Line, value_map: MapContent, followed: int = 0) -> LineFormula:
    """Compile a line: everything of it but how many units.

    Parameters
    ----------
    line : Line
    value_map : MapContent
        Gives the base year, the index, the rate and the moment of the year.
    followed : int
        Years that an event study describes: no drop-off within them.

    Raises
    ------
    ImpactEvalError
        `price_year_unknown`, `unknown_index`.
    """
    timing, discount = line.timing, discount_of(value_map)
    years = [
        weight
        for age, (part, steps) in enumerate(_year_parts(line, max(followed, 1)))
        for weight in _weights(line, discount, age, part, steps)
    ]
    fades = not timing.lifetime and not timing.survival
    return LineFormula(
        line=line.id,
        years=tuple(years),
        parts=tuple(_priced(flow, line, value_map) for flow in unit_flows(line)),
        shares=tuple(share_of(getattr(line.adjustments, name)) for name in SHARES),
        drop_off=share_of(timing.drop_off) if fades else ZERO,
        persistence=(timing.persistence.value if timing.lifetime and timing.persistence else ONE),
    )


def _weights(
    line: Line, discount: Discount, age: int, part: Decimal, steps: int
) -> Iterable[YearWeight]:
    """Return a year of an outcome on the years of the action: one, or two when it straddles them.

    An outcome that starts with a year is dated as its year is; one that starts within a year, part
    by part, when each falls.
    """
    start, growth = line.timing.start, line.price.growth
    begin = Decimal(start) - 1 + age
    length = ONE if line.timing.survival or line.timing.lifetime else part
    if start == int(start):
        year = int(start) + age
        yield YearWeight(
            year=year, begin=begin, end=begin + length, part=part,
            growth=real_growth_factor(growth, year, discount.timing),
            discount=discount.factor(year), steps=steps, age=age,
        )  # fmt: skip
        return
    turn = begin.to_integral_value(rounding="ROUND_CEILING")
    left = part / length if length else ZERO  # of a survival curve: who is still there
    parts = [(begin, min(turn, begin + length)), (turn, begin + length)]
    if line.timing.lifetime:  # one amount, where it begins
        parts, left = [(begin, turn)], ONE / (turn - begin)
    for a, b in parts:
        if b > a:
            moment = moment_in_years(a, b, discount.timing)
            yield YearWeight(
                year=int(a) + 1, begin=a, end=b, part=left * (b - a),
                growth=growth_over(growth, moment),
                discount=discount.over(moment), steps=steps, age=age,
            )  # fmt: skip


def _year_parts(line: Line, followed: int) -> list[tuple[Decimal, int]]:
    """Return the part of each year that counts, and the steps of drop-off until then.

    A lifetime value is one amount; a survival curve has its drop-off in it; a last year that is not
    whole counts for its part.
    """
    timing = line.timing
    if timing.lifetime:
        return [(ONE, 0)]
    if timing.survival:
        return [(share, 0) for share in timing.survival]
    assert timing.duration is not None
    whole = int(timing.duration.to_integral_value(rounding="ROUND_CEILING"))
    return [(min(ONE, timing.duration - i), max(i - followed + 1, 0)) for i in range(whole)]


def _priced(flow: UnitFlow, line: Line, value_map: MapContent) -> PricedFlow:
    return PricedFlow(
        name=flow.name,
        amount=flow.amount,
        price=_yearly_price(flow.amount.value, line, value_map),
        scale=_yearly_price(ONE, line, value_map),
        ends=ends_of(flow.kind, flow.payer, flow.receiver),
        cashable=_cashable_of(line, flow.kind),
    )


def _yearly_price(amount: Decimal, line: Line, value_map: MapContent) -> Decimal:
    """Return what one unit of a line is worth in a year, in money of the base year."""
    price = line.price
    assert price.price_year is not None
    with exact():
        if price.exchange_rate is not None:
            amount = amount * price.exchange_rate
        return price.per_year * real_price(amount, price.price_year, price.index, value_map)


def _cashable_of(line: Line, kind: LineKind) -> Decimal:
    """Return the cashable share: as stated; else all of a transfer and nothing of a cost."""
    if line.price.cashable is not None:
        return line.price.cashable.value
    return ONE if kind is LineKind.AVOIDED_TRANSFER else ZERO


def unit_flows(line: Line) -> tuple[UnitFlow, ...]:
    """Return the flows of one unit: the bundle, or the one flow of the proxy."""
    price = line.price
    if price.bundle:
        return price.bundle
    assert price.proxy is not None
    assert price.kind is not None
    only = UnitFlow(
        name="", kind=price.kind, payer=price.payer, receiver=price.receiver, amount=price.proxy
    )
    return (only,)


# --- one input compiled -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFormula:
    """An input ready to be worked out: the product of its factors, at a price of the base year."""

    input: str
    year: int
    factors: tuple[tuple[str, Amount], ...]
    scale: Decimal
    discount: Decimal
    ends: Ends

    @property
    def amount(self) -> Decimal:
        """What is put in, in money of the base year."""
        with exact():
            paid = ONE
            for _, factor in self.factors:
                paid *= factor.value
            return paid * self.scale


def compile_input(item: Input, value_map: MapContent) -> InputFormula:
    """Compile an input: an amount, or hours at their rate; a transfer has a receiver."""
    timed = (("hours", item.hours), ("hourly_rate", item.hourly_rate))
    stated = timed if item.amount is None else (("amount", item.amount),)
    moved = item.kind is InputKind.TRANSFER
    kind = FlowKind.TRANSFER if moved else FlowKind.RESOURCE_COST
    return InputFormula(
        input=item.id,
        year=int(item.year),
        factors=tuple((name, amount) for name, amount in stated if amount is not None),
        scale=real_price(ONE, item.price_year, item.index, value_map),
        discount=_factor_of_input(item, discount_of(value_map)),
        ends=Ends(kind=kind, payer=item.payer, receiver=item.receiver if moved else None),
    )


def _factor_of_input(item: Input, discount: Discount) -> Decimal:
    """Return the factor of an input: of its year, or of the part of it that is left."""
    if item.year == int(item.year):
        return discount.factor(int(item.year))
    start = Decimal(item.year) - 1
    end = start.to_integral_value(rounding="ROUND_CEILING")
    return discount.over(moment_in_years(start, end, discount.timing))


def real_price(
    amount: Decimal, price_year: int, index: str | None, value_map: MapContent
) -> Decimal:
    """Put an amount in money of the map's base year, by its own index or the map's.

    Raises
    ------
    ImpactEvalError
        `index_of_other_currency`: prices in one money do not follow those of another country;
        `price_year_unknown`, `unknown_index`.
    """
    base = value_map.settings.price_year
    if price_year == base:
        return amount
    table = catalogue().index(index or value_map.settings.price_index)
    if table.currency not in ("", value_map.settings.currency):
        raise ImpactEvalError(
            Finding.error(
                "index_of_other_currency",
                index=table.id,
                found=table.currency,
                expected=value_map.settings.currency,
                years=(price_year, base),
                last=base,
            )
        )
    return rebase(amount, price_year, base, table)


def discount_of(value_map: MapContent) -> Discount:
    """Return the discounting of a map."""
    own = value_map.settings
    return Discount(own.discount_rate, own.timing, own.discount_schedule)


def share_of(amount: Amount | None) -> Decimal:
    """Return a share, zero when it is not stated."""
    return ZERO if amount is None else amount.value
