"""What the guards read of a line: its people, its years, its price, and what its words name."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from impact_eval.core.vocabulary import Pillar, Unit
from impact_eval.value.account.books import Books
from impact_eval.value.account.quantity import LineQuantity
from impact_eval.value.map.choices import RECIPIENTS, WELFARE_BASES, Agent, Basis, LineKind
from impact_eval.value.map.columns import choice
from impact_eval.value.map.declared import Input, Line
from impact_eval.value.map.parameters import Parameter, catalogue
from impact_eval.value.map.prices import ZERO, exact, total
from impact_eval.value.map.spoken_words import Subject, tokens_of, words_named
from impact_eval.value.map.typed_numbers import CellFault

RESOURCES = frozenset({LineKind.RESOURCE_GAIN, LineKind.NON_MARKET, LineKind.AVOIDED_COST})
TRANSFERS = frozenset({LineKind.TRANSFER, LineKind.AVOIDED_TRANSFER})
_WORDS_OF_BASES = (
    (Basis.WELLBY, Subject.WELLBEING),
    (Basis.QALY, Subject.QALY),
    (Basis.WILLINGNESS_TO_PAY, Subject.WILLINGNESS),
    (Basis.INCOME, Subject.WAGE),
    (Basis.INCOME, Subject.INCOME),
)


def counted_lines(account: Books) -> list[tuple[Line, LineQuantity]]:
    """Return the lines that count, each with its quantity."""
    return [
        (line, account.quantities.of(line.id)) for line in account.value_map.lines if line.included
    ]


def price_words(line: Line) -> tuple[str, ...]:
    """Return the cells that say what the price is the price of."""
    price = line.price
    return (price.proxy_source, price.proxy_unit, line.guards.family, price.parameter or "")


def outcome_words(line: Line) -> tuple[str, ...]:
    """Return the cells that say what changes."""
    return (line.outcome, line.change, line.indicator)


def figure_of_line(line: Line) -> Parameter | None:
    """Return the figure of the catalogue that a line names."""
    return catalogue().parameters.get(line.price.parameter or "")


def kinds_of_line(line: Line) -> frozenset[LineKind]:
    """Return the kinds of flows of a line: its own, or those of its bundle."""
    if line.price.bundle:
        return frozenset(flow.kind for flow in line.price.bundle)
    return frozenset() if line.price.kind is None else frozenset({line.price.kind})


def receivers_of(line: Line) -> frozenset[Agent]:
    """Return who receives what a line is worth."""
    found = [flow.receiver for flow in line.price.bundle] or [line.price.receiver]
    return frozenset(agent for agent in found if agent is not None)


def stakeholder_of(line: Line) -> object:
    """Return who a line is about: an actor, by any of its names, else the words themselves."""
    try:
        agent: Agent = choice(Agent)(line.stakeholder)
    except CellFault:
        return tokens_of(line.stakeholder)
    return Agent.BENEFICIARY if agent in RECIPIENTS else agent


def outcome_of(line: Line) -> object:
    """Return what a line measures: the effect it takes its quantity from, else its words."""
    return line.quantity.estimate or tokens_of(line.outcome)


def same_people(one: Line, other: Line) -> bool:
    """Whether two lines are worth something to the same people, as far as the map says."""
    if not receivers_of(one) & receivers_of(other):
        return False
    return same_effect(one, other) or stakeholder_of(one) == stakeholder_of(other)


def same_count(one: Line, other: Line) -> bool:
    """Whether two lines count the same units: one effect and its people, or one typed number."""
    ours, theirs = one.quantity, other.quantity
    if ours.declared is not None and theirs.declared is not None:
        return ours.declared.value == theirs.declared.value
    return ours.estimate is not None and (ours.estimate, ours.term, ours.people) == (
        theirs.estimate, theirs.term, theirs.people,
    )  # fmt: skip


def same_effect(one: Line, other: Line) -> bool:
    """Whether two lines rest on one effect of the study, whatever the people they count."""
    ours, theirs = one.quantity, other.quantity
    return ours.estimate is not None and (
        (ours.estimate, ours.term) == (theirs.estimate, theirs.term)
    )


def shared_out(one: Line, other: Line) -> bool:
    """Whether two lines share one effect out between them: that is for G10."""
    shares = (one.adjustments.attribution, other.adjustments.attribution)
    return all(share is not None and share.value > 0 for share in shares)


def gains_of(line: Line) -> frozenset[tuple[LineKind, Agent]]:
    """Return what a line brings, and to whom: those it helps and their household are the same."""
    ends = [(flow.kind, flow.receiver) for flow in line.price.bundle]
    if not line.price.bundle and line.price.kind is not None:
        ends = [(line.price.kind, line.price.receiver)]
    return frozenset(
        (kind, Agent.BENEFICIARY if who in RECIPIENTS else who)
        for kind, who in ends
        if who is not None and kind in (LineKind.RESOURCE_GAIN, LineKind.NON_MARKET)
    )


def same_change(one: Line, other: Line) -> bool:
    """Whether two lines say that they value one change: one effect, one family, or one outcome."""
    family = one.guards.family
    return outcome_of(one) == outcome_of(other) or (
        family != "" and tokens_of(family) == tokens_of(other.guards.family)
    )


def basis_of(line: Line) -> tuple[Basis | None, bool]:
    """Return on what a price rests, and whether the line states it or only its words say so."""
    if line.guards.basis is not None:
        return (line.guards.basis if line.guards.basis in WELFARE_BASES else None), True
    if not kinds_of_line(line) & {LineKind.RESOURCE_GAIN, LineKind.NON_MARKET}:
        return None, False
    texts = (*price_words(line), line.outcome, line.change)
    for basis, subject in _WORDS_OF_BASES:
        if words_named(subject, texts, (Subject.BENEFIT,)):
            return basis, False
    return None, False


def price_of(line: Line) -> Any:
    """Return what makes the price of a line: two lines with the same one are worth the same."""
    price = line.price
    ends = (price.kind, price.payer, price.receiver)
    amount = None if price.proxy is None else price.proxy.value
    return (
        price.case,
        price.bundle,
        amount,
        price.currency,
        price.price_year,
        price.per_year,
        ends,
    )


def amount_of_input(item: Input) -> Decimal:
    """Return what an input costs as it is typed: its amount, else its hours at their rate."""
    if item.amount is not None:
        return item.amount.value
    if item.hours is None or item.hourly_rate is None:
        return ZERO
    with exact():
        return item.hours.value * item.hourly_rate.value


def years_of(line: Line) -> Decimal:
    """Return how many years a line lasts."""
    if line.timing.survival:
        return Decimal(len(line.timing.survival))
    return Decimal(1) if line.timing.duration is None else line.timing.duration


def overlap_in_time(one: Line, other: Line) -> bool:
    """Whether two lines have a year in common."""
    ends = [line.timing.start + years_of(line) for line in (one, other)]
    return one.timing.start < ends[1] and other.timing.start < ends[0]


def people_behind(line: Line, account: Books, quantity: LineQuantity) -> Decimal | None:
    """Return the people an effect was multiplied by; None where the quantity was typed.

    Where neither the line nor the map says, they are read from the weights of the effects.
    """
    if not quantity.loads:
        return None
    if line.quantity.people:
        return total(list(line.quantity.people.values()))
    if account.value_map.settings.people is not None:
        return account.value_map.settings.people
    with exact():
        per_unit = 100 if quantity.unit is Unit.PERCENT else 1
        weights = [
            abs(load.weight) * per_unit for load in quantity.loads if load.offset in (None, 0)
        ]
    return total(weights)


def names_a_job(line: Line, common: Pillar | None) -> bool:
    """Whether a line is about employment: by its pillar, its words, its effect, or its case."""
    pillar = line.guards.pillar or common
    if pillar is not None:
        return pillar is Pillar.EMPLOYMENT or _job_words(line)
    return _job_words(line) or any(flow.name == "gross_wage" for flow in line.price.bundle)


def _job_words(line: Line) -> bool:
    texts: Iterable[str] = (*outcome_words(line), line.quantity.estimate or "")
    return bool(words_named(Subject.JOB, texts, (Subject.NOT_JOB, Subject.PEOPLE)))
