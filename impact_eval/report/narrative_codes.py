"""What each code of a questionnaire was taken for: its label, the answer it is, its points."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.report.blocks import (
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Note,
    Said,
    Table,
    say,
)
from impact_eval.report.edition import marked
from impact_eval.report.narrative_score import scale_name
from impact_eval.report.wording import said
from impact_eval.results.records import StudyResults
from impact_eval.results.score_records import CodeRowRecord, CodeTableRecord, ScoreRecord

MOST_QUESTIONS = 6  # whose answers stand side by side in one table

Numbered = tuple[int, CodeTableRecord]


def code_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the tables of codes, one for the questions that are coded alike.

    Parameters
    ----------
    results : StudyResults
        After the gate: counts of answers are all there, or none.
    """
    scores = [score for score in results.scores if score.codes]
    if not scores:
        return []
    out: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.codes"), anchor="codes"),
        Note(words=say("codes.note")),
    ]
    for score in scores:
        out += [_table(score, group) for group in _groups(score)]
    if any(table.answers is None for score in scores for table in score.codes):
        out.append(Note(words=say("codes.withheld")))
    return marked(out, results.disclosure)


def _groups(score: ScoreRecord) -> list[list[Numbered]]:
    """Return the questions coded alike, a few at a time when their answers are shown."""
    alike: dict[tuple[object, ...], list[Numbered]] = {}
    for number, table in enumerate(score.codes, start=1):
        alike.setdefault((table.by, table.rows), []).append((number, table))
    groups = []
    for group in alike.values():
        step = len(group) if group[0][1].answers is None else MOST_QUESTIONS
        groups += [group[i : i + step] for i in range(0, len(group), step)]
    return groups


def _table(score: ScoreRecord, group: Sequence[Numbered]) -> Table:
    first = group[0][1]
    counted = [(number, table.answers) for number, table in group if table.answers is not None]
    columns = (
        Column(key="code", label=say("codes.code"), header=True),
        Column(key="label", label=say("codes.label")),
        Column(key="answer", label=say("codes.answer")),
        Column(key="points", label=say("codes.points"), form=_form(first.rows)),
        *(
            Column(key=f"q{number}", label=say("codes.question", number=number), form=Form.INTEGER)
            for number, _ in counted
        ),
    )
    numbers = tuple(number for number, _ in group)
    caption = say(
        f"codes.caption_{first.by.value}", scale=scale_name(score), n=len(numbers), numbers=numbers
    )
    rows = tuple(_row(row, i, counted) for i, row in enumerate(first.rows))
    return Table(caption=caption, columns=columns, rows=rows)


def _form(rows: Sequence[CodeRowRecord]) -> Form:
    """Write points as they are counted: whole numbers, unless some are not."""
    points = [row.points for row in rows if row.points is not None]
    if all(float(point).is_integer() for point in points):
        return Form.INTEGER
    halves = all(float(10 * point).is_integer() for point in points)
    return Form.DECIMAL_1 if halves else Form.DECIMAL_2


def _row(
    row: CodeRowRecord, place: int, counted: Sequence[tuple[int, tuple[int, ...]]]
) -> tuple[Cell, ...]:
    """Return a row; what is no answer stands last, without points nor answers."""
    answer: Said | None = None if row.answer is None else said(row.answer)
    if row.missing is not None:
        answer = say(f"label.missing.{row.missing.value}")
    counts = (answers[place] if place < len(answers) else None for _, answers in counted)
    return (row.code, row.label, answer, row.points, *counts)
