"""From a change of well-being or health to money: what a price by point asks of its line.

A line whose price rests on well-being (WELLBY) or on health (QALY) is worked out as any other:
change by person, people, years, value of one point. What is its own is the scale of the change, the
figure that gives the price, and where that figure comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from impact_eval.core.findings import Finding
from impact_eval.core.vocabulary import Unit
from impact_eval.value.account.quantity import Quantities
from impact_eval.value.map.choices import Basis
from impact_eval.value.map.declared import Line, MapContent
from impact_eval.value.map.parameters import Parameter, catalogue

# how far one person can move: life satisfaction from 0 to 10, a year from death to full health
MOST: Mapping[Basis, int] = MappingProxyType({Basis.WELLBY: 10, Basis.QALY: 1})


def check_bridges(value_map: MapContent, quantities: Quantities) -> Iterable[Finding]:
    """Check the lines priced by a point of well-being or a year in good health.

    Codes: `wrong_basis` when the figure named is of another basis, `change_out_of_scale` when the
    effect on one person goes beyond the scale, `bridge_needs_score` when the unit has no points;
    `value_from_abroad` when the figure comes from another country.
    """
    for line in value_map.lines:
        figure = catalogue().parameters.get(line.price.parameter or "")
        if figure is None or not {figure.basis, line.guards.basis} & set(MOST):
            continue
        if figure.basis is not line.guards.basis:
            expected = "" if line.guards.basis is None else line.guards.basis.value
            yield Finding.error("wrong_basis", line=line.id, name=figure.id, expected=expected)
        elif figure.basis is not None:
            yield from _scale(line, MOST[figure.basis], quantities)
            yield from _abroad(line, figure, value_map)


def _scale(line: Line, most: int, quantities: Quantities) -> Iterable[Finding]:
    if line.quantity.estimate is None:
        return
    if line.quantity.unit not in (Unit.SCORE, Unit.NUMBER):
        yield Finding.error("bridge_needs_score", line=line.id, found=line.quantity.unit)
    for load in quantities.of(line.id).loads:
        effect = float(quantities.values[load.effect])
        if abs(effect) > most:
            yield Finding.error("change_out_of_scale", line=line.id, found=str(effect), most=most)


def _abroad(line: Line, figure: Parameter, value_map: MapContent) -> Iterable[Finding]:
    if figure.geography != "FR" and value_map.settings.currency != figure.currency:
        yield Finding.warning(
            "value_from_abroad", line=line.id, name=figure.id, geography=figure.geography
        )
