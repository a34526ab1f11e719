"""Every leaf of a record, with what it discloses and about whom: what an attacker reads first.

This walk is not the gate's: it asks the record what each leaf is, and believes nothing of what the
gate did with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from impact_eval.core.vocabulary import RowsAre
from impact_eval.results.checks import CheckRecord
from impact_eval.results.checks_of_groups import AttritionRow
from impact_eval.results.estimates import EffectRecord, EstimateRecord
from impact_eval.results.finding_records import FindingRecord, NoticedRecord, RefusalRecord
from impact_eval.results.record_base import Record, Rule
from impact_eval.results.records import StudyResults
from impact_eval.results.score_records import ScoreRecord
from impact_eval.results.value_names import OF_EVERYONE, OF_TREATED, declared


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf: its key path, its name, its value, its rule, whether it counts or describes people.

    Attributes
    ----------
    key, name : str
        The name says what is counted: of a finding, it is its code and its value.
    value : object
    rule : Rule
    people : bool
        Whether what it tells is about people.
    n : int or None
        People of the record that holds it, when it says.
    """

    key: str
    name: str
    value: object
    rule: Rule
    people: bool
    n: int | None


@dataclass(frozen=True, slots=True)
class _Where:
    """Who is counted where a record stands."""

    counted: RowsAre
    clusters: RowsAre
    n: int | None = None

    def about_people(self, rule: Rule) -> bool:
        kind = self.clusters if rule is Rule.CLUSTERS else self.counted
        return kind is RowsAre.PEOPLE


def leaves(results: StudyResults) -> Iterator[Leaf]:
    """Yield the leaves of a record, in its own order.

    Parameters
    ----------
    results : StudyResults
    """
    yield from _of_record(results, "", _Where(results.data.counted, RowsAre.TERRITORIES), results)


def _of_record(record: Record, key: str, where: _Where, whole: StudyResults) -> Iterator[Leaf]:
    here = _narrowed(record, key, where, whole)
    for name in type(record).model_fields:
        if name == "earlier":
            continue
        value = getattr(record, name)
        path = f"{key}.{name}" if key else name
        rule = record.rules.get(name)
        if rule is None:
            yield from _parts(value, path, here, whole)
        elif rule is Rule.VALUES and isinstance(record, (FindingRecord, RefusalRecord)):
            code = record.code if isinstance(record, FindingRecord) else record.not_applicable
            for inner, item in record.values.items():
                of = declared(code, inner).rule
                told = _name_in_words(record, code, inner)
                yield Leaf(f"{path}.{inner}", told, item, of, here.about_people(of), here.n)
        else:
            yield Leaf(
                path, _name_of_count(record, name), value, rule, here.about_people(rule), here.n
            )


def _name_in_words(record: Record, code: str, name: str) -> str:
    """Return what a value of a finding is called: a count of everybody has the name of one."""
    everybody = name == "n" and (isinstance(record, RefusalRecord) or code in OF_EVERYONE)
    if name == "n" and code in OF_TREATED:
        return "n_treated"
    return name if everybody or name in ("of", "total") else f"{code}.{name}"


def _name_of_count(record: Record, name: str) -> str:
    """Return what a leaf is called: the people of one group are not everybody."""
    if isinstance(record, AttritionRow) and name == "n" and record.arm is not None:
        return f"n_{record.arm}"
    return "n" if _alone(record, name) else name


def _alone(record: Record, name: str) -> bool:
    """Whether a row has one group only, which is then everybody."""
    other = {"n_treated": "n_comparison", "n_comparison": "n_treated"}.get(name)
    alone = isinstance(record, EffectRecord) and other is not None
    return alone and getattr(record, other or name) is None


def _parts(value: object, path: str, where: _Where, whole: StudyResults) -> Iterator[Leaf]:
    """Yield the leaves of a field that holds records: one, a list, a table."""
    if isinstance(value, Record):
        yield from _of_record(value, path, where, whole)
    elif isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from _parts(part, f"{path}[{i}]", where, whole)
    elif isinstance(value, dict):
        for name, part in value.items():
            inner = _of_outcome(str(name), whole, where) if path == "dossier" else where
            yield from _parts(part, f"{path}.{name}", inner, whole)


def _narrowed(record: Record, key: str, where: _Where, whole: StudyResults) -> _Where:
    if isinstance(record, EstimateRecord):
        where = _Where(record.counted, record.clusters)
    elif isinstance(record, ScoreRecord):
        where = _Where(record.counted, record.counted)
    elif isinstance(record, CheckRecord):
        where = _of_outcome(record.outcome, whole, where)
    elif isinstance(record, NoticedRecord):
        people = [_of_outcome(o, whole, where) for o in record.outcomes]
        where = next((w for w in people if w.counted is RowsAre.PEOPLE), where)
    n = getattr(record, "n", None)
    return replace(where, n=n) if isinstance(n, int) else where


def _of_outcome(outcome: str, whole: StudyResults, where: _Where) -> _Where:
    for record in whole.headlines:
        if record.outcome == outcome:
            return _Where(record.counted, record.clusters)
    return where
