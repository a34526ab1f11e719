"""From a change of well-being or health to money: WELLBY and QALY, with their guards."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.value.map.choices import Basis, Timing
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.parameters import Parameter, catalogue
from impact_eval.value.map.prices import ZERO, discount_factor, exact, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """A change put in money.

    Attributes
    ----------
    units : Decimal
        Point-years of life satisfaction, or QALYs, not discounted.
    value, low, high : Decimal
        Discounted, at the central, lowest and highest value of a unit.
    parameter : str
    findings : tuple of Finding
    """

    units: Decimal
    value: Decimal
    low: Decimal
    high: Decimal
    parameter: str
    findings: tuple[Finding, ...]


def wellby(
    change: Decimal,
    *,
    people: Decimal = Decimal(1),
    years: int = 1,
    rate: Decimal = ZERO,
    timing: Timing = Timing.END,
    parameter: str = "wellby_uk@2019",
) -> Bridge:
    """Return change in life satisfaction (0 to 10) x people x years x value of a point-year.

    Raises
    ------
    ImpactEvalError
        `change_out_of_scale`, `unknown_price`, `wrong_basis`.

    Examples
    --------
    >>> wellby(Decimal("0.2"), years=2).value.normalize()
    Decimal('5.2E+3')
    """
    if abs(change) > 10:
        raise ImpactEvalError(Finding.error("change_out_of_scale", found=str(change), most=10))
    return _bridge(change * people, years, rate, timing, _figure(parameter, Basis.WELLBY))


def qaly(
    change: Decimal,
    *,
    people: Decimal = Decimal(1),
    years: int = 1,
    rate: Decimal = ZERO,
    timing: Timing = Timing.END,
    parameter: str,
) -> Bridge:
    """Return change in quality of life (-1 to 1) x people x years x value of a QALY.

    There is no official French value: the figure must be named, and its rivals are told.

    Raises
    ------
    ImpactEvalError
        `change_out_of_scale`, `unknown_price`, `parameter_conflict`, `wrong_basis`.
    """
    if abs(change) > 1:
        raise ImpactEvalError(Finding.error("change_out_of_scale", found=str(change), most=1))
    return _bridge(change * people, years, rate, timing, _figure(parameter, Basis.QALY))


def _figure(name: str, basis: Basis) -> Parameter:
    figure = catalogue().get(name)
    if figure.basis is not basis:
        raise ImpactEvalError(Finding.error("wrong_basis", name=name, expected=basis))
    return figure


def _bridge(
    by_year: Decimal, years: int, rate: Decimal, timing: Timing, figure: Parameter
) -> Bridge:
    weight = total(discount_factor(rate, t, timing) for t in range(1, years + 1))
    amount: Amount = figure.amount
    with exact():
        bounds = [
            by_year * weight * (amount.value if unit is None else unit)
            for unit in (amount.value, amount.low, amount.high)
        ]
    notes = []
    if figure.geography != "FR":
        notes.append(
            Finding.warning("value_from_abroad", name=figure.id, geography=figure.geography)
        )
    rivals = catalogue().rivals(figure.id)
    if rivals:
        notes.append(
            Finding.info(
                "sources_conflict",
                line=figure.item,
                used=figure.id,
                others=[f"{r.id} : {r.amount}" for r in rivals],
            )
        )
    return Bridge(
        units=by_year * years,
        value=bounds[0],
        low=min(bounds[1:]),
        high=max(bounds[1:]),
        parameter=figure.id,
        findings=tuple(notes),
    )
