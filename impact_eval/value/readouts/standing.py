"""What the amounts of an account stand on, and so how they may be told, or why they may not.

An amount is a product, and worth no more than its weakest factor: no verb of cause below level 3,
no amount at all without a comparison, a known error, an effect. A quantity that the map declares is
a hypothesis, whatever the study.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.books import Books
from impact_eval.value.account.doors import Account
from impact_eval.value.account.quantity import LineQuantity
from impact_eval.value.account.study_facts import Facts
from impact_eval.value.map.choices import QuantitySource
from impact_eval.value.uncertainty.compiled import draws_refused

CAUSAL: Final = 3  # evidence level from which a change may be said to come from the action
COMPARED: Final = 2  # evidence level from which there is a comparison


class ValueStanding(StrEnum):
    """How the amounts of an account may be told."""

    ATTRIBUTED = "attributed"  # to the action: every quantity is an effect of level 3 or 4
    SUPPOSED = "supposed"  # if the difference comes from the action, which is not established
    HYPOTHESIS = "hypothesis"  # if the quantities declared are right, which was not measured


def standing_of(account: Account, facts: Facts) -> ValueStanding | NotApplicable:
    """Return how the amounts of an account may be told, or why no amount may be.

    Parameters
    ----------
    account : Account
    facts : mapping of str to OutcomeFacts
        Gives the evidence level of each outcome; without it a comparison is taken at its word.

    Returns
    -------
    ValueStanding or NotApplicable
        What refuses the draws (a guard, an effect whose error is not known or that lies outside
        its own interval); `nothing_counted`: every line is left out; `no_cost_counted`: gains
        without what they cost would pass for a net value; `value_without_comparison`;
        `value_of_null_effect` when no effect of the account stands clear of zero.
    """
    refusal = draws_refused(account)
    if refusal is not None:
        return refusal
    counted = [line.quantity for line in account.lines if line.included]
    if not counted:
        return NotApplicable.because("nothing_counted")
    if account.inputs_present() <= 0:
        return NotApplicable.because("no_cost_counted")
    measured = [own for own in counted if own.source is QuantitySource.ESTIMATE]
    alone = [
        own for own in measured if not own.counterfactual or _level(account, own, facts) < COMPARED
    ]
    if alone:
        names = _outcomes(account, alone)
        return NotApplicable.because("value_without_comparison", outcomes=names)
    if measured and not any(_clear(own) for own in measured):
        names = _outcomes(account, measured)
        return NotApplicable.because("value_of_null_effect", outcomes=names)
    if len(measured) < len(counted):
        return ValueStanding.HYPOTHESIS
    lowest = min((_level(account, own, facts) for own in measured), default=CAUSAL)
    return ValueStanding.ATTRIBUTED if lowest >= CAUSAL else ValueStanding.SUPPOSED


def effects_attributed(account: Books, facts: Facts) -> bool:
    """Whether every effect of the account may be said to come from the action.

    What is read of the effects alone, as the cost of one more result, does not wait for the lines
    that are declared.
    """
    counted = (line.quantity for line in account.lines if line.included)
    measured = [own for own in counted if own.source is QuantitySource.ESTIMATE]
    return bool(measured) and all(_level(account, own, facts) >= CAUSAL for own in measured)


def _clear(quantity: LineQuantity) -> bool:
    """Whether the interval of a quantity leaves zero out."""
    assert quantity.conf_low is not None
    assert quantity.conf_high is not None
    return quantity.conf_low > 0 or quantity.conf_high < 0


def _estimate(account: Books, quantity: LineQuantity) -> str:
    line = next(line for line in account.value_map.lines if line.id == quantity.line)
    return line.quantity.estimate or ""


def _level(account: Books, quantity: LineQuantity, facts: Facts) -> int:
    known = facts.get(_estimate(account, quantity))
    return CAUSAL if known is None or known.level is None else known.level


def _outcomes(account: Books, quantities: list[LineQuantity]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_estimate(account, own) for own in quantities))
