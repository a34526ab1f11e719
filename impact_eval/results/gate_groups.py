"""What the people behind one result allow: nothing, its numbers without its means, or all of it.

Each rule reads the groups that the record names, never the data: few people, a model with as many
terms as people, one person who makes the total, one answer for all, a share of a few.
"""

from __future__ import annotations

from types import MappingProxyType

from impact_eval.core.vocabulary import RowsAre, ShareFormula, Unit
from impact_eval.results.disclosure.attack_shares import (
    CountRange,
    paired_counts,
    shown_difference,
    two_group_counts,
)
from impact_eval.results.disclosure.profiles import Profile
from impact_eval.results.estimates import EstimateRecord, GroupRecord
from impact_eval.results.gate_leaves import Context

HOMOGENEOUS = "homogeneous_group"
FEW_CHANGED = "few_changed"
_SCALES = MappingProxyType({Unit.PERCENT: 100.0})  # of one yes


def too_few(record: EstimateRecord, rules: Profile) -> str | None:
    """Return the rule under which a result of few people, or of a saturated model, is kept back."""
    if any(rules.small(n) for n in record.rests_on if n is not None):
        return "threshold"
    row = record.headline
    people = record.clusters is RowsAre.PEOPLE
    if people and row.df is not None and row.df < rules.least_df:
        return "degrees_of_freedom"
    return None


def one_person(groups: tuple[GroupRecord, ...], context: Context) -> str | None:
    """Return the rule under which a total that one person makes is kept back."""
    if context.exact:
        return None
    return "dominance" if any(group.dominated for group in groups) else None


def few_changed(record: EstimateRecord, context: Context) -> str | None:
    """Return the rule under which a change of shares that few people made is kept back.

    Of yes and no, the mean change and its error give who came to yes and who left it, to a person
    or two (`attack_shares.paired_counts`): a change made by few people is about them.
    """
    if context.exact or record.estimate.formula is not ShareFormula.TWO_DATES:
        return None
    few = any(context.counts.small(group.changed) for group in record.groups)
    return FEW_CHANGED if few else None


def levels_rule(record: EstimateRecord, context: Context) -> str | None:
    """Return the rule under which means are kept back: one answer for all, or for all but few."""
    if context.exact:
        return None
    if any(group.homogeneous for group in record.groups):
        return HOMOGENEOUS
    few = any(context.counts.small(group.rarest) for group in record.groups)
    return "share_of_few" if few else None


def given_back(record: EstimateRecord, context: Context) -> bool:
    """Whether a difference of shares and its error give the shares back, the means withheld."""
    return gives_back(record, context, record.headline.estimate, record.headline.std_error)


def gives_back(
    record: EstimateRecord, context: Context, estimate: float | None, error: float | None
) -> bool:
    """Whether any number and error told of an outcome give its shares back."""
    scale = _SCALES.get(record.unit, 1.0)
    if estimate is None or not error:
        return False
    shown = shown_difference(estimate, error, scale=scale)
    formula, (treated, comparison) = record.estimate.formula, record.rests_on
    told: tuple[CountRange, ...] = ()
    if shown is not None and treated and comparison and formula is ShareFormula.TWO_GROUPS:
        told = two_group_counts(shown, treated, comparison)
    elif shown is not None and formula is ShareFormula.TWO_DATES:
        told = paired_counts(shown, treated or comparison or 0)
    return any(found.tells(context.profile.threshold) for found in told)
