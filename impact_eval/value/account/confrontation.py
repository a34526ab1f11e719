"""A map held against the study it comes with: directions, and quantities typed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum
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
from impact_eval.value.map.spoken_words import bare_name, matter_of

M = TypeVar("M", bound=MapContent)
_COUNTED = frozenset({Unit.SHARE, Unit.PERCENT, Unit.COUNT})
_SHORTEST_ROOT = 4
_SIDED = (Direction.HIGHER, Direction.LOWER)


# --- names ------------------------------------------------------------------------------------


def with_outcomes_named(value_map: M, facts: Facts) -> M:
    """Return a map whose lines name outcomes by their identifier, where they wrote a label.

    Whoever fills a map knows « Être en emploi », and not `emploi`. A label of two outcomes names
    neither of them.

    Parameters
    ----------
    value_map : MapContent
    facts : mapping of str to OutcomeFacts
        The labels of each outcome.
    """
    lines = tuple(
        replace(
            line,
            quantity=replace(
                line.quantity,
                estimate=_identifier(line.quantity.estimate, facts),
                take_up=_identifier(line.quantity.take_up, facts),
            ),
        )
        for line in value_map.lines
    )
    return replace(value_map, lines=lines)


def _identifier(written: str | None, facts: Facts) -> str | None:
    if written is None or written in facts:
        return written
    name = bare_name(written)
    called = [
        outcome
        for outcome, known in facts.items()
        if name in {bare_name(text) for text in (outcome, *known.labels)}
    ]
    return called[0] if len(called) == 1 else written


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


class Likeness(IntEnum):
    """How surely a line speaks of an outcome of the study: its name, its words, or some of them."""

    SAME = 3
    ALIKE = 2
    NEAR = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _MeasuredOutcome:
    """An outcome of the study that a line speaks of, and how surely."""

    outcome: str
    likeness: Likeness
    estimate: Estimate
    known: OutcomeFacts | None


def check_declared(
    value_map: MapContent,
    estimates: Mapping[str, Estimate],
    facts: Facts,
    people: float | None = None,
) -> Iterable[Finding]:
    """Hold each quantity typed by hand against the effect that the study measured.

    Codes: `declared_beyond_study` (what the line keeps lies outside the interval of the effect, or
    the study found no effect; blocks), `declared_though_measured` (it lies within: the estimate
    should give it). Where only the words are alike: `declared_beyond_alike` (the line keeps more
    than the study finds; blocks), `declared_perhaps_measured` (asked).
    """
    for line in value_map.lines:
        if line.quantity.declared is None or not line.included:
            continue
        spoken = _spoken_of(line, estimates, facts)
        if spoken is None:
            continue
        yield _held(line, value_map, spoken, people)


def _spoken_of(
    line: Line, estimates: Mapping[str, Estimate], facts: Facts
) -> _MeasuredOutcome | None:
    """Return the outcome of the study that a line speaks of the most surely."""
    found = []
    for name, estimate in estimates.items():
        known = facts.get(name)
        likeness = _likeness(line, (name, *(() if known is None else known.labels)))
        if likeness is not None:
            found.append(
                _MeasuredOutcome(outcome=name, likeness=likeness, estimate=estimate, known=known)
            )
    return max(found, key=lambda spoken: spoken.likeness, default=None)


def _likeness(line: Line, names: Iterable[str]) -> Likeness | None:
    """Return how surely a line speaks of what bears these names.

    « Être en emploi à 6 mois » says the words of « Être en emploi », and « Confiance pour
    l'emploi » some of them; « Moins d'isolement » says none.
    """
    own = [text for text in (line.id, line.outcome, line.indicator) if text]
    theirs = [text for text in names if text]
    if {bare_name(text) for text in own} & {bare_name(text) for text in theirs}:
        return Likeness.SAME
    pairs = [
        (matter_of(one), matter_of(other))
        for one in (line.outcome, line.indicator)
        for other in theirs
    ]
    pairs = [(one, other) for one, other in pairs if one and other]
    if any(_within(one, other) and _within(other, one) for one, other in pairs):
        return Likeness.ALIKE
    if any(_within(one, other) or _within(other, one) for one, other in pairs):
        return Likeness.NEAR
    return None


def _within(some: frozenset[str], others: frozenset[str]) -> bool:
    return all(any(_one_word(word, other) for other in others) for word in some)


def _one_word(one: str, other: str) -> bool:
    """Whether two words have one root, as far as their first letters say: logé, logement."""
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= _SHORTEST_ROOT and long.startswith(short))


def _held(
    line: Line, value_map: MapContent, spoken: _MeasuredOutcome, of_action: float | None
) -> Finding:
    """Return what is said of a typed quantity beside the effect of the study."""
    effect, known = spoken.estimate.effects[0], spoken.known
    same = spoken.likeness is Likeness.SAME
    declared = _people_declared(line, value_map, of_action)
    observed = effect.n_treated if known is None else known.people
    people = observed if declared is None else declared
    bounds = bounds_of(effect)
    countable = line.quantity.unit in _COUNTED and spoken.likeness is not Likeness.NEAR
    if bounds is not None and people is not None and countable:
        sign = -1 if _falls(line, known) else 1
        unit = line.quantity.unit if known is None else known.unit or line.quantity.unit
        scale = people / 100 if unit is Unit.PERCENT else people
        low, high = sorted((sign * scale * bounds.low, sign * scale * bounds.high))
        beyond = _beyond(line, spoken, low, high)
        if beyond is not None and declared is None:
            # both ends are so many times these people: told only where they are
            return replace(beyond, values={**beyond.values, "n": observed})
        if beyond is not None:
            return beyond
    if same:
        return Finding.warning("declared_though_measured", line=line.id)
    return Finding.warning("declared_perhaps_measured", line=line.id, outcome=spoken.outcome)


def _beyond(line: Line, spoken: _MeasuredOutcome, low: float, high: float) -> Finding | None:
    """Return what blocks: what a line keeps is not between the ends of what the study finds.

    Where only the words are alike, fewer may be a part of what was measured: stable jobs, among
    jobs.
    """
    kept = _kept(line)
    above = kept > high or (kept > 0 and low <= 0)
    if spoken.likeness is Likeness.SAME:
        if not above and kept >= low:
            return None
        return Finding.warning(
            "declared_beyond_study", blocks=True, line=line.id, found=kept, low=low, high=high
        )
    if not above:
        return None
    return Finding.warning(
        "declared_beyond_alike", blocks=True, line=line.id, outcome=spoken.outcome,
        found=kept, low=low, high=high,
    )  # fmt: skip


def _falls(line: Line, known: OutcomeFacts | None) -> bool:
    if line.quantity.direction is not None:
        return line.quantity.direction is Direction.LOWER
    return known is not None and known.direction is Direction.LOWER


def _people_declared(line: Line, value_map: MapContent, of_action: float | None) -> float | None:
    """Return the people that a line, the map or the study says that a quantity is of."""
    declared = line.quantity.people.get("") or value_map.settings.people
    return of_action if declared is None else float(declared)


def _kept(line: Line) -> float:
    """Return what a line says is owed to the action: less deadweight, and what is owed to others.

    What is taken from other people stays in: a comparison does not see it.
    """
    assert isinstance(line.quantity.declared, Amount)
    own = line.adjustments
    with exact():
        shares: list[Decimal] = [share_of(own.deadweight), share_of(own.attribution)]
        return float(line.quantity.declared.value * left_after(ONE, shares))
