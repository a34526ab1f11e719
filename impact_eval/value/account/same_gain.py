"""Several gains of the same people that rest on one effect: one income under two names (G3).

An effect brings its income once. What tells two gains apart is not their words, which may say
anything: it is who receives them, on which effect, in which years, for which people.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from impact_eval.core.findings import Finding
from impact_eval.value.account.books import Books
from impact_eval.value.account.claims import PEOPLE_TOLD
from impact_eval.value.account.line_words import (
    gains_of,
    outcome_of,
    overlap_in_time,
    same_count,
    same_effect,
    shared_out,
    stakeholder_of,
)
from impact_eval.value.map.choices import PEOPLE, WELFARE_BASES, LineKind
from impact_eval.value.map.declared import Line
from impact_eval.value.map.prices import exact, total
from impact_eval.value.map.spoken_words import tokens_of


def gains_of_one_effect(one: Line, other: Line, account: Books) -> Finding | None:
    """Return what is said of two gains that one effect brings to the same people.

    Two incomes of the same people block; other gains (a well-being beside a wage, those of a firm,
    those that the map declares to be of two families) are asked about.
    """
    receivers = {who for _, who in gains_of(one)} & {who for _, who in gains_of(other)}
    if not receivers or not overlap_in_time(one, other) or shared_out(one, other):
        return None
    measured = same_effect(one, other)
    named = outcome_of(one) == outcome_of(other)
    if not measured and not (
        same_count(one, other)
        and stakeholder_of(one) == stakeholder_of(other)
        and (named or _incomes(one, other))
    ):
        return None
    if _opposed(one, other, account) or (measured and _other_people(one, other, account)):
        return None
    certain = (measured or named) and (_incomes(one, other) or _one_basis(one, other))
    doubtful = _of_two_families(one, other) or (measured and not _all_of_them(one, other))
    values: dict[str, Any] = {
        "line": other.id,
        "lines": [one.id, other.id],
        "stakeholder": one.stakeholder,
        "outcome": one.quantity.estimate or one.outcome,
    }
    if certain and not doubtful:
        return Finding.warning("guard_gain_twice", blocks=True, **values)
    return Finding.warning("guard_gains_of_one_effect", **values)


def _incomes(one: Line, other: Line) -> bool:
    """Whether both lines are an income of the same people."""
    both = gains_of(one) & gains_of(other)
    return any(kind is LineKind.RESOURCE_GAIN and who in PEOPLE for kind, who in both)


def _one_basis(one: Line, other: Line) -> bool:
    """Whether both lines state that they value the same welfare in the same way."""
    basis = one.guards.basis
    return basis in WELFARE_BASES and basis is other.guards.basis


def _of_two_families(one: Line, other: Line) -> bool:
    """Whether the map declares that the two gains are of two families."""
    ours, theirs = tokens_of(one.guards.family), tokens_of(other.guards.family)
    return bool(ours and theirs) and ours != theirs


def _opposed(one: Line, other: Line, account: Books) -> bool:
    """Whether one is a gain and the other a loss: a wage, and what it takes to earn it."""
    present = {value.line: value.present for value in account.lines}
    with exact():
        return present[one.id] * present[other.id] < 0


def _all_of_them(one: Line, other: Line) -> bool:
    """Whether both lines count the same people: all those of the map, or one group by its name."""
    ours, theirs = one.quantity.people, other.quantity.people
    if not ours and not theirs:
        return True
    return ours == theirs and stakeholder_of(one) == stakeholder_of(other)


def _other_people(one: Line, other: Line, account: Books) -> bool:
    """Whether two lines of one effect are about two groups of people.

    Groups that hold together more people than there are share some of them.
    """
    ours, theirs = one.quantity.people, other.quantity.people
    if not ours or not theirs or _all_of_them(one, other):
        return False
    if not set(ours) & set(theirs):
        return True
    most = _people_known(one, account)
    with exact():
        return most is None or total([*ours.values(), *theirs.values()]) <= most


def _people_known(line: Line, account: Books) -> Decimal | None:
    """Return the people of the map, else those it may concern, else those of the study."""
    settings = account.value_map.settings
    if settings.people is not None:
        return settings.people
    if settings.eligible is not None:
        return Decimal(settings.eligible)
    observed = account.quantities.of(line.id).observed
    with exact():
        return None if not observed else PEOPLE_TOLD * observed
