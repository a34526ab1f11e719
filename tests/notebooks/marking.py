"""Mark a record: each number that a study found becomes one that nothing else can be.

A small whole number, a share of two digits, are found everywhere: that 12 is some leaf says little
of where a 12 printed comes from. In a marked record each number has its own digits, near what it
was, so that all that is told of it reads as before; a number that is told is then its leaf or a
stated function of leaves, and nothing can look like one by chance. Left as they are: periods,
years, levels, whole numbers that are settings, and texts.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.record_base import Record, Rule
from impact_eval.results.records import StudyResults
from impact_eval.results.value_names import declared

FOUND = frozenset(
    {Rule.PEOPLE, Rule.CLUSTERS, Rule.THINGS, Rule.SHARE, Rule.LEVEL, Rule.STATISTIC, Rule.ERROR,
     Rule.RATIO, Rule.AMOUNT}
)  # fmt: skip
AS_THEY_ARE = frozenset(
    {"conf_level", "level", "group", "time", "times", "cohort", "first", "last"}
)
SPREAD = 1e-4  # of what a number is moved: less than what any report rounds to
STEP = 10**6  # a count is multiplied by it, and moved by less


def marked(results: StudyResults, seed: int = 1) -> StudyResults:
    """Return results of which each number found has digits of its own."""
    return _record(results, random.Random(seed))


def mark(value: Any, rng: random.Random) -> Any:
    """Return a number, or a list of numbers, with digits of its own; zero stays zero."""
    if isinstance(value, (tuple, list)):
        return tuple(mark(part, rng) for part in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if isinstance(value, int):
        return value * STEP + rng.randrange(1, STEP) if value > 0 else value
    return value * (1 - SPREAD * rng.random())


def _record(record: Any, rng: random.Random) -> Any:
    update = {name: _field(record, name, rng) for name in type(record).model_fields}
    return record.model_copy(update=update)


def _field(record: Record, name: str, rng: random.Random) -> Any:
    value, rule = getattr(record, name), record.rules.get(name)
    if rule is Rule.VALUES and isinstance(record, (FindingRecord, RefusalRecord)):
        code = record.code if isinstance(record, FindingRecord) else record.not_applicable
        return {
            key: mark(part, rng) if _is_found(declared(code, key).rule, key, part) else part
            for key, part in value.items()
        }
    if _is_found(rule, name, value):
        return mark(value, rng)
    return _inside(value, rng)


def _is_found(rule: Rule | None, name: str, value: Any) -> bool:
    """Whether a number is to be marked: found by the study, or declared with decimals."""
    decimal = rule is Rule.FREE and isinstance(value, float) and name not in AS_THEY_ARE
    return rule in FOUND or decimal


def _inside(value: Any, rng: random.Random) -> Any:
    if isinstance(value, Record):
        return _record(value, rng)
    if isinstance(value, tuple):
        return tuple(_inside(part, rng) for part in value)
    if isinstance(value, Mapping):
        return {key: _inside(part, rng) for key, part in value.items()}
    return value
