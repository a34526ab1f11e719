"""Guards against counting twice: one change on two bases, one line under two names (G3)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from impact_eval.core.findings import Finding
from impact_eval.value.account.books import Books
from impact_eval.value.account.line_words import (
    RESOURCES,
    basis_of,
    counted_lines,
    kinds_of_line,
    outcome_of,
    overlap_in_time,
    price_of,
    same_change,
    same_count,
    same_people,
    shared_out,
    stakeholder_of,
)
from impact_eval.value.account.same_gain import gains_of_one_effect
from impact_eval.value.map.choices import Basis, LineKind
from impact_eval.value.map.declared import Line
from impact_eval.value.map.spoken_words import Subject, words_named

# flows of a computed case, and the words by which a line of its own names each
_WORDS_OF_FLOWS = (
    ("gross_wage", Subject.WAGE),
    ("rsa", Subject.BENEFIT),
    ("contributions", Subject.LEVY),
)


# --- one change, several lines (G3) -------------------------------------------------------------


def check_welfare(account: Books) -> Iterable[Finding]:
    """G3: what one change is worth to someone, counted by more than one line."""
    lines = [line for line, _ in counted_lines(account)]
    for one, other in combinations(lines, 2):
        gains = gains_of_one_effect(one, other, account)
        certain = gains if gains is not None and gains.values.get("blocks") else None
        found = (
            _two_bases(one, other)
            or _twice(one, other)
            or _in_the_case(one, other)
            or certain
            or _one_income(one, other)
            or gains
        )
        if found is not None:
            yield found


def _twice(one: Line, other: Line) -> Finding | None:
    """Return what is said of one line written twice: one price, one count, one receiver."""
    if price_of(one) != price_of(other) or not same_count(one, other):
        return None
    if not overlap_in_time(one, other) or shared_out(one, other):
        return None
    named_alike = outcome_of(one) == outcome_of(other) or (
        one.price.parameter is not None and one.price.parameter == other.price.parameter
    )
    if stakeholder_of(one) != stakeholder_of(other):
        return None
    both = [one.id, other.id]
    if named_alike:
        return Finding.warning("guard_line_twice", blocks=True, line=other.id, lines=both)
    return Finding.warning("guard_lines_alike", line=other.id, lines=both)


def _two_bases(one: Line, other: Line) -> Finding | None:
    """Return what is said of one person's change valued by two paths to the same welfare."""
    bases = sorted({b.value for b in (basis_of(one)[0], basis_of(other)[0]) if b is not None})
    if len(bases) < 2 or not _gained_by_the_same(one, other):
        return None
    values = _about(one, other, bases)
    count = same_count(one, other)
    # satisfaction with life holds everything: money, health, the rest
    everything = Basis.WELLBY.value in bases
    if same_change(one, other) or (everything and count):
        return Finding.warning("guard_same_welfare_twice", blocks=True, **values)
    if everything or count:
        return Finding.warning("guard_same_people_twice", **values)
    return None


def _one_income(one: Line, other: Line) -> Finding | None:
    """Return what is said of two incomes of as many people, told apart by their words alone."""
    (ours, stated), (theirs, stated_too) = basis_of(one), basis_of(other)
    if (stated and stated_too) or not (ours is theirs is Basis.INCOME):
        return None
    if not same_count(one, other) or not _gained_by_the_same(one, other):
        return None
    return Finding.warning("guard_income_twice", **_about(one, other, [Basis.INCOME.value]))


def _gained_by_the_same(one: Line, other: Line) -> bool:
    gains = RESOURCES - {LineKind.AVOIDED_COST}
    return bool(kinds_of_line(one) & gains and kinds_of_line(other) & gains) and same_people(
        one, other
    )


def _about(one: Line, other: Line, bases: list[str]) -> dict[str, Any]:
    lines = [one.id, other.id]
    return {"line": other.id, "lines": lines, "stakeholder": one.stakeholder, "bases": bases}


def _in_the_case(one: Line, other: Line) -> Finding | None:
    """Return what is said of a line that a computed case already holds: its wage, its benefit."""
    for case, line in ((one, other), (other, one)):
        held = {flow.name for flow in case.price.bundle}
        if not held or line.price.bundle or not same_count(case, line):
            continue
        texts = (line.price.proxy_source, line.outcome)
        words = {
            flow
            for flow, subject in _WORDS_OF_FLOWS
            if words_named(subject, texts, (Subject.PEOPLE,))
        }
        if line.guards.family in held or words & held:
            return Finding.warning(
                "guard_in_the_case", blocks=True, line=line.id, lines=[case.id, line.id]
            )
    return None
