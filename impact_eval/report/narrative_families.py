"""Outcomes examined together: what is left of each once their number is allowed for."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Paragraph,
    Said,
    Table,
    say,
)
from impact_eval.report.wording import result_of
from impact_eval.results.estimates import EstimateRecord
from impact_eval.results.family import FamilyRecord
from impact_eval.results.records import StudyResults

Member = tuple[EstimateRecord, FamilyRecord]


def family_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return, for each family declared, its corrected p-values and what they leave standing."""
    families: dict[str, list[Member]] = {}
    for record in results.headlines:
        if record.family is not None:
            families.setdefault(record.family.name, []).append((record, record.family))
    out: list[AnyBlock] = []
    for members in families.values():
        out += [
            Heading(level=3, words=say("family.title")),
            Paragraph(words=_sentences(members), evidence_level=_level(members)),
            _table(members),
        ]
    return out


def _level(members: Sequence[Member]) -> int:
    """Return the lowest level of the family: a sentence about all obeys the weakest."""
    return min(result_of(record).level for record, _ in members)


def _sentences(members: Sequence[Member]) -> tuple[Said, ...]:
    family = members[0][1]
    method = say(f"label.stats.correction.{family.correction}")
    words = [say("family.together", n=family.outcomes, method=method)]
    if any(record.withheld for record, _ in members):
        return (*words, say("family.withheld"))
    kept = [result_of(r).outcome for r, f in members if _clear(r, f.adjusted)]
    lost = [
        result_of(r).outcome
        for r, f in members
        if _clear(r, r.headline.p_value) and not _clear(r, f.adjusted)
    ]
    words.append(say("family.kept", outcomes=kept, n=len(kept)) if kept else say("family.none"))
    if lost:
        words.append(say("family.lost", outcomes=lost, n=len(lost)))
    return tuple(words)


def _clear(record: EstimateRecord, p_value: float | None) -> bool:
    return p_value is not None and p_value <= 1 - record.headline.conf_level


def _table(members: Sequence[Member]) -> Table:
    rows = tuple(
        (
            result_of(record).outcome,
            _p_value(record, record.headline.p_value),
            _p_value(record, family.adjusted),
        )
        for record, family in members
    )
    return Table(
        caption=say("family.caption"),
        columns=(
            Column(key="outcome", label=say("label.outcome"), header=True),
            Column(key="p_value", label=say("family.alone"), form=Form.P_VALUE),
            Column(key="adjusted", label=say("family.corrected"), form=Form.P_VALUE),
        ),
        rows=rows,
    )


def _p_value(record: EstimateRecord, value: float | None) -> Cell:
    if value is not None:
        return value
    return WITHHELD if record.withheld else say("report.absent_mark")
