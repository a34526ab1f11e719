"""Checks whose numbers are judged together, before each leaf is judged alone.

A characteristic that a few people have is theirs, whatever the outcome: its means, its differences
and its variances count them. Losses of both groups, their shares and their difference are one sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from impact_eval.results.checks import AnyCheck, CheckRecord
from impact_eval.results.checks_of_groups import (
    AttritionCheckRecord,
    AttritionRow,
    BalanceCheck,
    BalanceRow,
    ConfoundingCheck,
)
from impact_eval.results.checks_of_time import PretrendsCheck
from impact_eval.results.disclosure.rounding import RATIO_DIGITS, round_significant
from impact_eval.results.gate_counts import CountKind
from impact_eval.results.gate_groups import HOMOGENEOUS
from impact_eval.results.gate_leaves import Context

_ARMS = {"treated": CountKind.TREATED, "comparison": CountKind.COMPARISON}
_OF_ROW = ("mean_treated", "mean_comparison", "difference", "standardised", "variance_ratio",
           "p_value")  # fmt: skip
_SHARE_DIGITS = 4  # of a share of counts that are told
_OF_LOSSES = ("overall", "differential", "lost", "n", "bias_cautious", "bias_optimistic",
              "dropped_before")  # fmt: skip
_OF_TEST = ("statistic", "p_value")
_GROUPS = ("n_treated", "n_comparison")


def unsaid_categories(checks: Iterable[CheckRecord], context: Context) -> frozenset[str]:
    """Return the categories of few people: they are words of a cell, which nothing may repeat.

    Parameters
    ----------
    checks : iterable of CheckRecord
    context : Context
        Of the whole edition.
    """
    if not context.people:
        return frozenset()
    rows = [row for c in checks if isinstance(c.check, BalanceCheck) for row in c.check.rows]
    return frozenset(
        row.variable
        for row in rows
        if row.variable is not None and _rule_of(row, context) is not None
        if row.variable not in context.columns and "=" in row.variable
    )


def prepared_check(check: AnyCheck, context: Context) -> AnyCheck:
    """Return a check whose groups have passed; its leaves are still to be walked.

    Parameters
    ----------
    check : AnyCheck
    context : Context
        Of its outcome.
    """
    if not context.people or context.withheld is not None:
        return check
    if isinstance(check, BalanceCheck):
        return _balance(check, context)
    if isinstance(check, AttritionCheckRecord):
        return _attrition(check, context)
    if isinstance(check, PretrendsCheck) and context.rows_hidden and check.values is not None:
        # gaps add up from one date to the next: the largest gives a date from the one beside it
        values = check.values.model_copy(update={"largest": None})
        return check.model_copy(update={"values": values})
    if isinstance(check, ConfoundingCheck):
        kept = tuple(row for row in check.rows if row.variable not in context.unsaid)
        return check.model_copy(update={"rows": kept})
    return check


def context_of_check(check: AnyCheck, context: Context) -> Context:
    """Return the context of a check: characteristics are not kept back with the outcome's means."""
    return replace(context, levels=None) if isinstance(check, BalanceCheck) else context


# -- characteristics ----------------------------------------------------------------------------


def _rule_of(row: BalanceRow, context: Context) -> str | None:
    """Return the rule under which a characteristic is kept back, if one applies."""
    if row.fewest is None or context.exact:
        return None
    if row.fewest == 0:
        return HOMOGENEOUS
    return "share_of_few" if context.counts.small(row.fewest) else None


def _balance(check: BalanceCheck, context: Context) -> BalanceCheck:
    """Return the characteristics, those of few people without a number, their categories unsaid."""
    rules = [_rule_of(row, context) for row in check.rows]
    for rule in filter(None, rules):
        context.log.add(context.part, rule, len(_OF_ROW))
    rows = tuple(
        row if rule is None else row.model_copy(update=dict.fromkeys(_OF_ROW))
        for row, rule in zip(check.rows, rules, strict=True)
        if row.variable not in context.unsaid
    )
    values = check.values
    if values is not None and values.variable in _kept_back(check, rules):
        name = None if values.variable in context.unsaid else values.variable
        values = values.model_copy(update={"largest": None, "variable": name})
    update: dict[str, object] = {"rows": rows, "values": values}
    if any(rules):
        update |= dict.fromkeys(_OF_TEST)  # of all of them at once, or of one
    if not all(_groups_told(row, context) for row in check.rows):
        update |= dict.fromkeys(_OF_TEST)  # a test over a size tells people
        unsized = {**dict.fromkeys(_GROUPS), "p_value": None}
        update["rows"] = tuple(row.model_copy(update=unsized) for row in rows)
        if values is not None:
            update["values"] = values.model_copy(update=dict.fromkeys(_GROUPS))
        context.log.add(context.part, "difference", len(_GROUPS) * (len(rows) + 1))
    return check.model_copy(update=update)


def _groups_told(row: BalanceRow, context: Context) -> bool:
    """Whether the people of both groups may be told: one of them and everybody are the other."""
    groups = ((CountKind.TREATED, row.n_treated), (CountKind.COMPARISON, row.n_comparison))
    return all(n is None or context.tells(f"{context.key}.{kind}", kind, n) for kind, n in groups)


def _kept_back(check: BalanceCheck, rules: list[str | None]) -> frozenset[str | None]:
    return frozenset(
        row.variable for row, rule in zip(check.rows, rules, strict=True) if rule is not None
    )


# -- losses ---------------------------------------------------------------------------------------


def _attrition(check: AttritionCheckRecord, context: Context) -> AttritionCheckRecord:
    """Return the losses, all of them or none: those of one group are all but those of the other.

    People at the start beside those at the end are those lost: both are told, or the latter alone.
    """
    if not any(context.counts.small(n) for n in _lost(check)) and _starts(check, context):
        return check
    rows = tuple(
        row.model_copy(update={"n": None, "lost": None, "share": None}) for row in check.rows
    )
    values = check.values
    if values is not None:
        values = values.model_copy(update=dict.fromkeys(_OF_LOSSES))
    context.log.add(context.part, "threshold", 3 * len(rows) + len(_OF_LOSSES))
    hidden = dict.fromkeys(_OF_TEST)  # of the difference of both shares
    return check.model_copy(update={"rows": rows, "values": values, **hidden})


def with_shares(check: AnyCheck) -> AnyCheck:
    """Return a check whose shares are those of the counts told beside them: they tell no more.

    Rounded on its own, a share of 34 in 90 would read 40.0 %.
    """
    if not isinstance(check, AttritionCheckRecord):
        return check
    rows = tuple(map(_with_share, check.rows))
    values = check.values
    if values is not None and values.n and values.lost is not None:
        by_arm = {row.arm: row.share for row in rows}
        one, other = by_arm.get("treated"), by_arm.get("comparison")
        apart = values.differential if one is None or other is None else one - other
        overall = round_significant(values.lost / values.n, _SHARE_DIGITS)
        apart = None if apart is None else round_significant(apart, RATIO_DIGITS)
        update = {"overall": overall, "differential": apart}
        values = values.model_copy(update=update)
    return check.model_copy(update={"rows": rows, "values": values})


def _with_share(row: AttritionRow) -> AttritionRow:
    if row.lost is None or not row.n:
        return row
    return row.model_copy(update={"share": round_significant(row.lost / row.n, _SHARE_DIGITS)})


def _lost(check: AttritionCheckRecord) -> list[int | None]:
    total = () if check.values is None else (check.values.lost, check.values.dropped_before)
    return [*(row.lost for row in check.rows), *total]


def _starts(check: AttritionCheckRecord, context: Context) -> bool:
    """Whether the people of each group at the start may be told."""
    return all(
        context.tells(f"{context.key}.{row.arm}", _kind(row), row.n)
        for row in check.rows
        if row.n is not None
    )


def _kind(row: AttritionRow) -> CountKind:
    return _ARMS.get(row.arm or "", CountKind.PART)
