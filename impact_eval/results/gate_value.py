"""What the gate does with the account of a study: its amounts give back what they are made of.

An amount is people times an effect times a price: with the effect and the price told, it tells the
people. A share of what would have happened anyway tells, with the effect, the mean of a group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from impact_eval.results.account_records import (
    AccountSection,
    QuantityRecord,
    ValueRefused,
    estimates_used,
    people_declared,
)
from impact_eval.results.estimates import EstimateRecord
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.gate_counts import CountKind
from impact_eval.results.gate_leaves import Context
from impact_eval.results.gate_walk import walk

EFFECT_WITHHELD = "value_withheld"
PEOPLE_WITHHELD = "value_people_withheld"
DEADWEIGHT_WITHHELD = "deadweight_withheld"


def account_told(
    value: AccountSection,
    headlines: tuple[EstimateRecord, ...],
    outcomes: Mapping[str, Context],
    base: Context,
) -> AccountSection | ValueRefused:
    """Return an account as it may leave, or a refusal when any of its amounts would tell too much.

    Parameters
    ----------
    value : AccountSection
    headlines : tuple of EstimateRecord
        As computed.
    outcomes : mapping of str to Context
        What is known of each outcome, the estimates having passed.
    base : Context
        That of the whole study.

    Returns
    -------
    AccountSection or ValueRefused
        `value_withheld` when an effect it stands on is kept back, or the people it declares are
        few; `value_people_withheld` when these are just those whose number is kept back.
    """
    used = [name for name in estimates_used(value) if name in outcomes]
    rules = [rule for name in used if (rule := outcomes[name].withheld) is not None]
    declared = people_declared(value)
    if base.people and any(base.counts.small(n) for n in declared):
        rules.append("threshold")
    if rules:
        base.log.add("value", rules[0])
        return ValueRefused(not_applicable=EFFECT_WITHHELD)
    if set(declared) & set(_counts_kept_back(headlines, outcomes, used)):
        base.log.add("value", "difference")
        return ValueRefused(not_applicable=PEOPLE_WITHHELD)
    context = replace(base, part="value", key="value")
    return walk(_without_means(value, outcomes, context), context)


def _counts_kept_back(
    headlines: tuple[EstimateRecord, ...], outcomes: Mapping[str, Context], used: list[str]
) -> Iterator[int]:
    """Yield how many people accompanied the effects used rest on, where it is told nowhere."""
    for record in headlines:
        context, (treated, _) = outcomes[record.outcome], record.rests_on
        if record.outcome not in used or treated is None or not context.counts_hidden:
            continue
        if not context.counts.told_already(CountKind.TREATED, treated):
            yield treated


def _without_means(
    value: AccountSection, outcomes: Mapping[str, Context], context: Context
) -> AccountSection:
    """Return an account without the deadweights that give back a mean kept back."""
    estimates = {line.id: line.estimate for line in value.value_map.lines}

    def passed(own: QuantityRecord) -> QuantityRecord:
        known = outcomes.get(estimates.get(own.line) or "")
        if known is None or known.levels is None or isinstance(own.deadweight, RefusalRecord):
            return own
        context.kept_back(known.levels)
        why = RefusalRecord(not_applicable=DEADWEIGHT_WITHHELD, values={"line": own.line})
        return own.model_copy(update={"deadweight": why})

    lines = tuple(passed(own) for own in value.quantities.lines)
    quantities = value.quantities.model_copy(update={"lines": lines})
    return value.model_copy(update={"quantities": quantities})
