"""What a line asks of the outcome it takes its quantity from: its name, its unit, its people.

Nothing here needs an estimate: a map is held against what a study declares with the same words as
against what it found. The place of a finding is the column of the line; whoever goes through the
lines says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from impact_eval.core.findings import Finding, Place, nearest
from impact_eval.core.vocabulary import Unit
from impact_eval.value.map.declared import Line, MapContent
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.prices import decimal_of

_NOT_COUNTABLE = frozenset({Unit.LOG100})  # a relative change has no count without its base


def unknown_outcome(line: Line, name: str, known: Iterable[str], column: str) -> Finding:
    """Return that a line names an outcome that the study does not estimate."""
    names = tuple(known)
    close = nearest(name, names)
    return Finding.error(
        "unknown_estimate", Place(key=column), line=line.id, name=name, nearest=close, known=names
    )


def unit_faults(line: Line, own: Unit | None) -> Iterator[Finding]:
    """Yield what is wrong between the unit of a line and that of its outcome, where it is known."""
    unit, place = line.quantity.unit, Place(key="unit")
    if unit in _NOT_COUNTABLE:
        yield Finding.error("unit_not_countable", place, unit=unit)
    if own is not None and own is not unit:
        yield Finding.error("unit_mismatch", place, expected=own.value, found=unit)


def net_faults(line: Line) -> Iterator[Finding]:
    """Yield the deductions from an effect already net of what would have happened."""
    for name in ("deadweight", "attribution"):
        share: Amount | None = getattr(line.adjustments, name)
        if share is not None and (share.value > 0 or not share.certain):
            yield Finding.error(
                "deadweight_on_net_effect",
                Place(key=name),
                line=line.id,
                column=name,
                share=float(share.value),
                estimate=line.quantity.estimate,
            )


def people_of_line(
    line: Line, value_map: MapContent, default: float | None
) -> Mapping[str, Decimal]:
    """Return the people an effect is multiplied by, by row of its estimate; none if nobody says."""
    if line.quantity.people:
        return line.quantity.people
    if value_map.settings.people is not None:
        return {"": value_map.settings.people}
    return {} if default is None else {"": decimal_of(default)}


def people_missing(line: Line) -> Finding:
    """Return that nothing says how many people the effect of a line is of."""
    return Finding.error("no_people", Place(key="people"), line=line.id)


def at_line(finding: Finding, line: Line, number: int) -> Finding:
    """Return a finding that says its line, and where that line stands in the map."""
    column = "" if finding.place is None else f".{finding.place.key}"
    place = Place(key=f"lines[{number}]{column}", row=number)
    return Finding(finding.code, finding.severity, {**finding.values, "line": line.id}, place)
