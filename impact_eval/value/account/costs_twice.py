"""Guards of costs counted twice: a total beside its parts, one expense written twice (G3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

from impact_eval.core.findings import Finding
from impact_eval.value.account.books import Books
from impact_eval.value.account.line_words import amount_of_input
from impact_eval.value.map.choices import Agent, InputKind
from impact_eval.value.map.declared import Input
from impact_eval.value.map.prices import exact, total
from impact_eval.value.map.spoken_words import Subject, tokens_of, words_named

_ROUNDING = Decimal("0.001")  # of a total written to the nearest ten euros
_GIVEN = frozenset({InputKind.VOLUNTEER_TIME, InputKind.IN_KIND})


def check_costs(account: Books) -> Iterable[Finding]:
    """G3: a total of costs added to the costs it is made of; one cost written twice."""
    inputs = [item for item in account.value_map.inputs if amount_of_input(item) > 0]
    for item in inputs:
        found = _total_of(item, inputs)
        if found is not None:
            yield found
    for one, other in combinations(inputs, 2):
        if _named(one) == _named(other) and _same_expense(one, other):
            yield Finding.warning("guard_cost_twice", **_about_costs(other, [one]))


def _total_of(item: Input, inputs: Sequence[Input]) -> Finding | None:
    """Return what is said of a cost that is the total of others, by its words or its amount."""
    others = [other for other in inputs if other.id != item.id]
    paid = [other for other in others if not _is_given(other)]
    before = inputs[: inputs.index(item)]
    spoken = words_named(Subject.WHOLE_COST, (item.stakeholder, item.description))
    amount = amount_of_input(item)
    if spoken and paid:
        for parts in (others, paid, before):
            if parts and _adds_up(amount, parts):
                return Finding.warning(
                    "guard_cost_is_sum", blocks=True, **_about_costs(item, parts)
                )
        if amount < max(map(amount_of_input, paid)):
            return None
    else:
        # half of a budget is often paid by one body, and the other half by several
        own = item.payer in {other.payer for other in others}
        if len(others) < 2 or not own or not _adds_up(amount, others):
            return None
    return Finding.warning("guard_cost_perhaps_sum", **_about_costs(item, others))


def _about_costs(item: Input, others: Iterable[Input]) -> dict[str, Any]:
    """Return an expense and others as people call them: few give them an identifier."""
    names = [other.description or other.stakeholder for other in others]
    return {"line": item.id, "name": item.description or item.stakeholder, "names": names}


def _is_given(item: Input) -> bool:
    """Whether nobody pays for an input: a total of expenses does not hold it."""
    return item.kind in _GIVEN or item.payer is Agent.VOLUNTEERS


def _adds_up(amount: Decimal, parts: Iterable[Input]) -> bool:
    with exact():
        return abs(total(map(amount_of_input, parts)) - amount) <= _ROUNDING * amount


def _same_expense(one: Input, other: Input) -> bool:
    facts = [
        (amount_of_input(item), item.payer, item.receiver, item.kind, item.year, item.currency)
        for item in (one, other)
    ]
    return facts[0] == facts[1]


def _named(item: Input) -> tuple[str, ...]:
    return tokens_of(item.description)
