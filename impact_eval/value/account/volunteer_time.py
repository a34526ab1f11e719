"""Guards of volunteers' time: counted twice, or on one side only (G15)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from impact_eval.core.findings import Finding
from impact_eval.value.account.books import Books
from impact_eval.value.account.line_words import (
    RESOURCES,
    amount_of_input,
    counted_lines,
    kinds_of_line,
    price_words,
    receivers_of,
    stakeholder_of,
)
from impact_eval.value.map.choices import Agent, InputKind, LineKind
from impact_eval.value.map.declared import Input, Line
from impact_eval.value.map.prices import exact
from impact_eval.value.map.spoken_words import Subject, tokens_of, words_named

_ROUNDING = Decimal("0.01")  # « 12,6 k€ » is 900 hours at 14 €


def check_volunteers(account: Books) -> Iterable[Finding]:
    """G15: volunteers' time counted twice, or counted without what they gain, or the reverse."""
    value_map = account.value_map
    given = [item for item in value_map.inputs if item.kind is InputKind.VOLUNTEER_TIME]
    spoken = [item for item in value_map.inputs if item not in given and _of_volunteers(item)]
    if given and spoken:
        yield Finding.warning(
            "guard_volunteers_twice", line=spoken[0].id, lines=[given[0].id, spoken[0].id]
        )
    lines = [line for line, _ in counted_lines(account)]
    for line in lines:
        if _time_as_gain(line, [*given, *spoken]):
            yield Finding.warning("guard_volunteers_as_gain", blocks=True, line=line.id)
    untold = [(item.stakeholder, item.outcome) for item in value_map.not_monetised]
    untold += [(item.stakeholder, item.outcome) for item in value_map.dropped]
    told = any(words_named(Subject.VOLUNTEER, words) for words in untold)
    gained = any(
        Agent.VOLUNTEERS in (receivers_of(line) | {line.price.payer})
        or stakeholder_of(line) is Agent.VOLUNTEERS
        for line in value_map.lines
    )
    if given or spoken or gained:
        one_sided = bool(given or spoken) != gained
        if one_sided and not (told and not gained):
            yield Finding.warning(
                "guard_volunteers_one_sided", given=bool(given or spoken), gained=gained
            )


def _of_volunteers(item: Input) -> bool:
    """Whether an input is volunteers' time by its words, though it is typed as something else."""
    if item.payer is Agent.VOLUNTEERS:
        return True
    timed = item.kind is InputKind.IN_KIND or item.hours is not None
    return timed and bool(words_named(Subject.VOLUNTEER, (item.stakeholder, item.description)))


def _time_as_gain(line: Line, inputs: Iterable[Input]) -> bool:
    """Whether a gain is the very hours that are put in: their amount, their rate, their words.

    What volunteers get out of it (pleasure, health, a network) is a gain; their hours are not,
    whoever is said to receive them.
    """
    given = [*inputs]
    if not given or not kinds_of_line(line) & RESOURCES:
        return False
    if any(_same_hours(line, item) or _same_amount(line, item) for item in given):
        return True
    if line.price.kind is None or line.price.kind is LineKind.NON_MARKET:
        return False
    texts = (line.outcome, line.change, *price_words(line))
    timed = bool(words_named(Subject.TIME, texts))
    own = Agent.VOLUNTEERS in receivers_of(line) or stakeholder_of(line) is Agent.VOLUNTEERS
    if own:
        return timed
    figure = "volunteer" in tokens_of(line.guards.family)
    spoken = bool(words_named(Subject.VOLUNTEER, (line.outcome, *price_words(line))))
    offered = any(
        words_named(Subject.TIME, (text,)) and words_named(Subject.OFFERED, (text,))
        for text in texts
    )
    return figure or spoken or offered


def _same_hours(line: Line, item: Input) -> bool:
    """Whether a line counts as many hours, at the same rate."""
    price, units = line.price.proxy, line.quantity.declared
    if item.hourly_rate is None or item.hours is None or price is None or units is None:
        return False
    return (item.hourly_rate.value, item.hours.value) == (price.value, units.value)


def _same_amount(line: Line, item: Input) -> bool:
    """Whether a line is worth what an input costs, to the rounding that people make."""
    price, units, cost = line.price.proxy, line.quantity.declared, amount_of_input(item)
    if price is None or units is None or not cost:
        return False
    with exact():
        worth = units.value * price.value * line.price.per_year
        return abs(worth - cost) <= _ROUNDING * abs(cost)
