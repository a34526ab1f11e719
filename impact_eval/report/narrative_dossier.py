"""Whether a result holds: which interval is safe with few territories, and the other designs."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.core.vocabulary import RowsAre
from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Messages,
    Note,
    Paragraph,
    Said,
    Table,
    say,
)
from impact_eval.report.edition import marked
from impact_eval.report.figures.effects import NamedInterval
from impact_eval.report.figures.robustness import data_for_specification
from impact_eval.report.quantities import ShownUnit, digits_for
from impact_eval.report.wording import Result, count_or_words, pick, result_of
from impact_eval.results.checks_of_places import MarginRow
from impact_eval.results.records import StudyResults
from impact_eval.results.study_records import CurveRecord, HiddenRecord, InferenceRecord


def dossier_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the robustness of each outcome that has a dossier and whose result is published.

    Parameters
    ----------
    results : StudyResults
    """
    found = {record.outcome: result_of(record) for record in results.headlines}
    out: list[AnyBlock] = []
    for outcome, entry in results.dossier.items():
        result = found.get(outcome)
        if result is None or result.effect.estimate is None:
            continue
        parts = [
            *_inference(entry.inference, result),
            *_curve(entry.curve, result),
            *_hidden(entry.hidden, result),
        ]
        if parts:
            out += [Heading(level=3, words=result.outcome), *parts]
    if not out:
        return []
    heading = Heading(level=2, words=say("dossier.title"), anchor="robustness")
    return marked([heading, *out], results.disclosure)


def _inference(entry: InferenceRecord | None, result: Result) -> list[AnyBlock]:
    """Return which interval is printed, why, and the others beside it."""
    if entry is None:
        return []
    people = result.clusters is RowsAre.PEOPLE
    words: list[Said] = [
        say(
            "dossier.few_people" if people else "dossier.few",
            n=count_or_words(entry.n_clusters),
            treated=count_or_words(entry.n_treated),
        )
    ]
    if entry.false_positive is not None:
        words.append(say("dossier.wolf", rate=entry.false_positive))
    return [
        Paragraph(words=tuple(words), evidence_level=result.level),
        _table(entry.rows, result.unit, result.digits),
        Note(words=_how(entry)),
    ]


def _how(entry: InferenceRecord) -> Said:
    """Say what the margin printed rests on."""
    if not entry.n_draws:
        return say(f"dossier.{entry.rows[0].method}")
    return say("dossier.exact" if entry.exact else "dossier.sampled", n=entry.n_draws)


def _table(rows: Sequence[MarginRow], unit: ShownUnit, digits: int) -> Table:
    cells = tuple(
        (
            pick(f"dossier.method.{row.method}", f"method.{row.method}.name"),
            _margin(row, unit, digits),
            row.p_value,
            say(f"dossier.status.{row.status}"),
        )
        for row in rows
    )
    return Table(
        caption=say("dossier.caption"),
        columns=(
            Column(key="method", label=say("dossier.column.method"), header=True),
            Column(
                key="interval", label=say("effect.column_interval", level=0.95), form=Form.PLAIN
            ),
            Column(key="p_value", label=say("dossier.column.p_value"), form=Form.P_VALUE),
            Column(key="status", label=say("dossier.column.status")),
        ),
        rows=cells,
        emphasis=(0,),
    )


def _margin(row: MarginRow, unit: ShownUnit, digits: int) -> Cell:
    if row.estimate is None:
        return WITHHELD
    if row.conf_low is None or row.conf_high is None:
        return say("report.absent_mark")
    return unit.brackets(row.conf_low, row.conf_high, digits)


def _curve(rows: Sequence[CurveRecord], result: Result) -> list[AnyBlock]:
    """Return the other designs on equal axes, and those that refuse these data."""
    effect = result.effect
    announced = NamedInterval(
        say("dossier.announced"), effect.estimate, effect.conf_low, effect.conf_high
    )
    others = [
        NamedInterval(
            say(f"dossier.variant.{row.label}"), row.estimate, row.conf_low, row.conf_high
        )
        for row in rows
        if row.estimate is not None
    ]
    if not others:
        return []
    figure = data_for_specification([announced, *others], 0, result.unit)
    out: list[AnyBlock] = [_spread(others, result), figure, Note(words=say("dossier.own_margins"))]
    refused = tuple(say(f"dossier.variant.{row.label}") for row in rows if row.refusal)
    if refused:
        out.append(Messages(title=say("dossier.refused_title"), items=refused))
    return out


def _spread(others: Sequence[NamedInterval], result: Result) -> Paragraph:
    values = [row.estimate for row in others if row.estimate is not None]
    estimate = result.effect.estimate or 0.0
    same = all((value > 0) == (estimate > 0) for value in values)
    digits = digits_for(result.unit, min(values), max(values), estimate)
    return Paragraph(
        words=(
            say(
                "dossier.same_sign" if same else "dossier.other_sign",
                n=len(values),
                low=result.unit.change(min(values), digits),
                high=result.unit.change(max(values), digits),
            ),
        ),
        evidence_level=result.level,
    )


def _hidden(entry: HiddenRecord | None, result: Result) -> list[AnyBlock]:
    """Return what a difference that was not measured would need to cancel the result."""
    if entry is None or entry.robustness is None:
        return []
    words: list[Said] = [say("dossier.hidden.robustness", share=entry.robustness)]
    if entry.doubt == 0:
        words.append(say("dossier.hidden.already"))
    elif entry.doubt is not None:
        words.append(say("dossier.hidden.doubt", share=entry.doubt))
    if entry.delta is not None:
        way = "other_way" if entry.opposed else "same_way"
        words.append(say(f"dossier.hidden.{way}", times=entry.delta))
    near = entry.e_value_interval
    if entry.e_value is not None and near is not None and near > 1:
        words.append(say("dossier.hidden.e_value", ratio=entry.e_value, near=near))
    elif entry.e_value is not None:
        words.append(say("dossier.hidden.e_value_alone", ratio=entry.e_value))
    return [
        Paragraph(words=tuple(words), evidence_level=result.level),
        Note(words=say("dossier.hidden.use")),
    ]
