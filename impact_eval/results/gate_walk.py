"""The walk of the gate: each leaf of a record passes under the rule that its type declares."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, cast

from impact_eval.core.vocabulary import RowsAre
from impact_eval.results.checks_of_groups import AttritionRow
from impact_eval.results.estimates import LevelsRecord
from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.gate_counts import CountKind
from impact_eval.results.gate_leaves import (
    ON_PEOPLE,
    Context,
    clusters_leaf,
    finding_values,
    number_leaf,
    people_leaf,
)
from impact_eval.results.record_base import Record, Rule
from impact_eval.results.score_records import LevelRecord

R = TypeVar("R", bound=Record)


def walk(
    record: R,
    context: Context,
    *,
    skip: tuple[str, ...] = (),
    counts_first: tuple[str, ...] = (),
) -> R:
    """Return a record whose leaves have passed, each under the rule of its type.

    Parameters
    ----------
    record : Record
    context : Context
        What is known where it stands; a record that names its own people narrows it.
    skip : tuple of str
        Fields left as they are.
    counts_first : tuple of str
        Fields whose counts have precedence over those of the others.
    """
    own = _narrowed(record, context)
    update: dict[str, object] = {}
    names = [*counts_first, *(n for n in type(record).model_fields if n not in counts_first)]
    for name in names:
        if name in skip:
            continue
        value = getattr(record, name)
        told = _field(record, own, name, value)
        if told is not value:
            update[name] = told
    counted = "n" in type(record).model_fields and own.people
    if (
        counted
        and "df" in type(record).model_fields
        and not (own.exact_counts and update.get("n", 0) is not None)
    ):
        update["df"] = None  # the people withheld, less one
    return record.model_copy(update=update) if update else record


def _narrowed(record: Record, context: Context) -> Context:
    """Return the context of a record: the people it rests on, the error it is rounded by."""
    if not context.people:
        return context
    rests = getattr(record, "rests_on", None)
    if isinstance(rests, tuple):
        known = [n for n in rests if n is not None]
        context = replace(context, n=min(known, default=context.n))
        if context.withheld is None and any(context.counts.small(n) for n in known):
            context = replace(context, withheld="threshold")
    error = getattr(record, "std_error", None)
    if isinstance(record, (LevelsRecord, LevelRecord)) and context.levels is not None:
        return replace(context, withheld=context.withheld or context.levels)  # a share's deviation
    if isinstance(record, LevelRecord) and record.sd is not None and record.n:
        error = record.sd / record.n**0.5
    return context if error is None else replace(context, error=error)


def _field(record: Record, context: Context, name: str, value: object) -> object:
    """Return the value of a field once passed."""
    if isinstance(value, Record):
        return walk(value, context.at(name))
    if isinstance(value, tuple) and value and isinstance(value[0], Record):
        return tuple(
            walk(cast(Record, part), context.at(f"{name}[{i}]")) for i, part in enumerate(value)
        )
    if isinstance(value, dict) and name not in record.rules:
        return {key: walk(part, context.at(f"{name}.{key}")) for key, part in value.items()}
    rule = record.rules.get(name, Rule.INSIDE)
    return _leaf(record, context, name, value, rule)


def _leaf(record: Record, context: Context, name: str, value: object, rule: Rule) -> object:
    """Return a leaf once passed; one whose rule is not known here stays inside."""
    if rule is Rule.VALUES and isinstance(record, (FindingRecord, RefusalRecord)):
        code = record.code if isinstance(record, FindingRecord) else record.not_applicable
        refusal = isinstance(record, RefusalRecord)
        return finding_values(context, code, record.values, refusal=refusal)
    if rule in (Rule.PEOPLE, Rule.CLUSTERS):
        if value is not None and not isinstance(value, int):
            return value  # lists, and numbers of a value map: judged together, before the walk
        if rule is Rule.CLUSTERS:
            return clusters_leaf(context, name, value)
        arm = _arm_of(record) if name == "n" else None
        return people_leaf(context, name if arm is None else arm.value, value, arm)
    if rule in ON_PEOPLE and isinstance(value, float):
        return number_leaf(context, rule, value)
    return _name(context, value, rule)


def _arm_of(record: Record) -> CountKind | None:
    """Return which group a row counts, when it is one of a group: it is not everybody."""
    if not isinstance(record, AttritionRow):
        return None
    return {"treated": CountKind.TREATED, "comparison": CountKind.COMPARISON}.get(record.arm or "")


def _name(context: Context, value: object, rule: Rule) -> object:
    """Return a name: of a column that the study uses, of a unit that is no person."""
    if rule is Rule.COLUMN:
        return value if value in context.columns else None
    if rule is Rule.LABEL and isinstance(value, str) and value in context.unsaid:
        return None
    if rule is Rule.UNIT and RowsAre.TERRITORIES not in (context.counted, context.clusters):
        return None
    if rule is Rule.INSIDE:
        return () if isinstance(value, tuple) else None
    return value
