"""A map held against the study it comes with: directions, and quantities typed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding, Place
from impact_eval.core.vocabulary import Direction, Unit
from impact_eval.value.account.effect_bounds import bounds_of
from impact_eval.value.account.line_formula import left_after, share_of
from impact_eval.value.account.study_facts import Facts, OutcomeFacts
from impact_eval.value.map.choices import LineKind
from impact_eval.value.map.declared import Line, MapContent
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.prices import ONE, exact

M = TypeVar("M", bound=MapContent)
_COUNTED = frozenset({Unit.SHARE, Unit.PERCENT, Unit.COUNT})
_SIDED = (Direction.HIGHER, Direction.LOWER)


# --- directions -------------------------------------------------------------------------------


def with_directions(value_map: M, facts: Facts) -> M:
    """Return a map each of whose lines says which way is better: its own word, or the study's.

    A line that counts a harm as a cost (`resource_cost`) counts the outcome itself, whichever way
    is better: a fall is then a cost that is no longer borne.
    """
    lines = tuple(
        replace(line, quantity=replace(line.quantity, direction=_direction(line, facts)))
        for line in value_map.lines
    )
    return replace(value_map, lines=lines)


def _direction(line: Line, facts: Facts) -> Direction:
    known = facts.get(line.quantity.estimate or "")
    if line.quantity.direction is not None:
        return line.quantity.direction
    if known is None or known.direction not in _SIDED or _counts_a_harm(line):
        return Direction.HIGHER
    return known.direction


def _counts_a_harm(line: Line) -> bool:
    return line.price.kind is LineKind.RESOURCE_COST


def check_directions(value_map: MapContent, facts: Facts) -> Iterable[Finding]:
    """Say which lines go against the study.

    Codes: `direction_needed` (a bundle on an outcome that should fall does not say whether its
    flows are those of one case more or of one case spared), `direction_against_study` (the line
    says the contrary of the study; blocks).
    """
    for number, line in enumerate(value_map.lines, start=1):
        known = facts.get(line.quantity.estimate or "")
        if known is None or known.direction not in _SIDED or _counts_a_harm(line):
            continue
        place = Place(key=f"lines[{number}].direction", row=number)
        own = line.quantity.direction
        if own is None and line.price.bundle and known.direction is Direction.LOWER:
            yield Finding.error("direction_needed", place, line=line.id)
        elif own is not None and own is not known.direction:
            yield Finding.warning(
                "direction_against_study",
                blocks=True,
                line=line.id,
                found=own,
                expected=known.direction,
            )


# --- quantities typed by hand -----------------------------------------------------------------


def check_declared(
    value_map: MapContent, estimates: Mapping[str, Estimate], facts: Facts
) -> Iterable[Finding]:
    """Hold each quantity typed by hand against the effect that the study measured.

    Codes: `declared_beyond_study` (what the line keeps lies outside the interval of the effect, or
    the study found no effect; blocks), `declared_though_measured` (it lies within: the estimate
    should give it).
    """
    for line in value_map.lines:
        if line.quantity.declared is None or not line.included:
            continue
        name = _measured(line, estimates, facts)
        if name is None:
            continue
        yield from _held(line, value_map, estimates[name], facts.get(name))


def _measured(line: Line, estimates: Mapping[str, Estimate], facts: Facts) -> str | None:
    """Return the outcome of the study that a line speaks of, by its name or one of its labels."""
    spoken = {_folded(text) for text in (line.id, line.outcome, line.indicator) if text}
    for name in estimates:
        known = facts.get(name, OutcomeFacts())
        if spoken & {_folded(name), *map(_folded, known.labels)}:
            return name
    return None


def _folded(text: str) -> str:
    return " ".join(text.replace("_", " ").replace("’", "'").casefold().split())


def _held(
    line: Line,
    value_map: MapContent,
    estimate: Estimate,
    known: OutcomeFacts | None,
) -> Iterable[Finding]:
    declared = _people_declared(line, value_map)
    observed = estimate.effects[0].n_treated if known is None else known.people
    people = observed if declared is None else declared
    bounds = bounds_of(estimate.effects[0])
    if bounds is None or people is None or line.quantity.unit not in _COUNTED:
        yield Finding.warning("declared_though_measured", line=line.id)
        return
    sign = -1 if _falls(line, known) else 1
    unit = line.quantity.unit if known is None else known.unit or line.quantity.unit
    scale = people / 100 if unit is Unit.PERCENT else people
    low, high = sorted((sign * scale * bounds.low, sign * scale * bounds.high))
    kept = _kept(line)
    beyond = not low <= kept <= high or (kept > 0 and low <= 0)
    if not beyond:
        yield Finding.warning("declared_though_measured", line=line.id)
        return
    found = Finding.warning(
        "declared_beyond_study", blocks=True, line=line.id, found=kept, low=low, high=high
    )
    if declared is None:  # both ends are so many times these people: told only where they are
        found = replace(found, values={**found.values, "n": observed})
    yield found


def _falls(line: Line, known: OutcomeFacts | None) -> bool:
    if line.quantity.direction is not None:
        return line.quantity.direction is Direction.LOWER
    return known is not None and known.direction is Direction.LOWER


def _people_declared(line: Line, value_map: MapContent) -> float | None:
    """Return the people that a line, or else the map, says that a quantity is of."""
    declared = line.quantity.people.get("") or value_map.settings.people
    return None if declared is None else float(declared)


def _kept(line: Line) -> float:
    """Return what a line says is owed to the action: less deadweight, and what is owed to others.

    What is taken from other people stays in: a comparison does not see it.
    """
    assert isinstance(line.quantity.declared, Amount)
    own = line.adjustments
    with exact():
        shares: list[Decimal] = [share_of(own.deadweight), share_of(own.attribution)]
        return float(line.quantity.declared.value * left_after(ONE, shares))
