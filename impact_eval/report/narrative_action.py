"""The action and the question: what was done, for whom, and what was decided before looking.

Nothing is printed for what a study does not declare.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from impact_eval.report.blocks import (
    AnyBlock,
    Column,
    Form,
    Heading,
    Messages,
    Note,
    Paragraph,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.edition import marked
from impact_eval.report.quantities import digits_for
from impact_eval.report.wording import headline_results, said, written
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.records import StudyResults
from impact_eval.results.study_records import LogicRecord, ProtocolRecord, StudyRecord


def action_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the action, the question, the logic model, and what was decided before looking.

    Parameters
    ----------
    results : StudyResults
    """
    study = results.study
    blocks: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.action"), anchor="action"),
        _identity(study),
        *_logic(study.logic),
        *_protocol(results),
    ]
    return marked(blocks, results.disclosure)


def _identity(study: StudyRecord) -> Table:
    """Return what the study says of its action, one line for each thing declared."""
    told: tuple[tuple[str, BilingualRecord | str | None], ...] = (
        ("action", study.action),
        ("public", study.public),
        ("operator", study.operator),
        ("contract", study.contract),
        ("question", study.question),
        ("comparison", study.comparison),
    )
    rows = [(say(f"action.{name}"), said(text)) for name, text in told if text]
    if study.randomised:
        rows.append((say("action.draw"), say("action.drawn")))
    if study.emblematic:
        rows.append((say("action.depth"), say("action.emblematic")))
    return _pairs("action.caption", rows)


def _pairs(caption: str, rows: list[tuple[Words, Said]]) -> Table:
    return Table(
        caption=say(caption),
        columns=(
            Column(key="item", label=say("action.item"), header=True),
            Column(key="said", label=say("action.said"), form=Form.TEXT),
        ),
        rows=tuple(rows),
    )


def _logic(logic: LogicRecord) -> list[AnyBlock]:
    """Return the logic model, from resources to impacts."""
    steps = (
        ("inputs", logic.inputs),
        ("activities", logic.activities),
        ("outputs", logic.outputs),
        ("outcomes", logic.outcomes),
        ("impacts", logic.impacts),
    )
    rows = [(say(f"action.step.{name}"), said(text)) for name, texts in steps for text in texts]
    return [_pairs("action.logic", rows)] if rows else []


# ------------------------------------------------------------------ decided before looking


def _protocol(results: StudyResults) -> list[AnyBlock]:
    """Return what was decided before looking, and what changed since."""
    protocol = results.study.protocol
    blocks = [*_decided(results), *_frozen(protocol)]
    if protocol.changed:
        items = tuple(say("action.changed_item", what=_key(path)) for path in protocol.changed)
        blocks.append(Messages(title=say("action.changed"), items=items))
    if not blocks:
        return []
    return [Heading(level=3, words=say("action.protocol")), *blocks]


def _decided(results: StudyResults) -> Iterator[AnyBlock]:
    protocol = results.study.protocol
    words: list[Said] = []
    if protocol.smallest_effect is not None:
        words.append(say("action.smallest_effect", size=_size(results, protocol.smallest_effect)))
    if protocol.notes is not None:
        words.append(say("action.notes", notes=said(protocol.notes)))
    if protocol.draw_record is not None:
        words.append(say("action.draw_record", file=protocol.draw_record))
    if words:
        yield Paragraph(words=tuple(words))


def _size(results: StudyResults, value: float) -> Words:
    """Return the smallest useful effect in the unit of the primary outcome."""
    found = headline_results(results.estimates)
    if not found:
        return say("number.dec2", x=value)
    unit = found[0].unit
    return unit.size(value, digits_for(unit, None, None, value))


def _frozen(protocol: ProtocolRecord) -> list[AnyBlock]:
    """Return when the protocol was frozen, and whether the file can still be trusted."""
    if protocol.readable is False:
        return [Note(words=say("action.unreadable"), tone="warning")]
    if protocol.frozen_on is None:
        return []
    if protocol.frozen_sha256 is None and protocol.intact is None:
        return [Paragraph(words=(say("action.frozen_declared", day=protocol.frozen_on),))]
    frozen = say("action.frozen", day=protocol.frozen_on)
    if protocol.intact is not True:
        return [
            Paragraph(words=(frozen,)),
            Note(words=say("action.not_intact"), tone="warning"),
        ]
    kept: list[Said] = [frozen, say("action.intact")]
    if not protocol.changed:
        kept.append(say("action.unchanged"))
    return [Paragraph(words=tuple(kept))]


def _key(path: str) -> Said:
    """Return a key of the study file in plain words; as it is written when it has none.

    An option that has no words of its own is told by the table that holds it.
    """
    parts = re.sub(r"\[[0-9]+\]", "", path).split(".")
    for depth in range(len(parts), min(len(parts), 2) - 1, -1):
        code = ".".join(("protocol_key", *parts[:depth]))
        if written(code):
            return say("action.key", what=say(code), path=path)
    return path
