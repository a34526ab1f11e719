"""Self-reported outcomes: scores at two dates, with what the scale can and cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.core.vocabulary import Direction, ScoreGroup
from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Note,
    Table,
    Words,
    say,
)
from impact_eval.report.edition import marked
from impact_eval.report.narrative_scale import scale_blocks
from impact_eval.report.narrative_score import (
    CLEAR,
    alpha_shown,
    change_sentence,
    known_change,
    never_added,
    part_name,
    record_name,
    shown_unit,
)
from impact_eval.results.records import StudyResults
from impact_eval.results.score_records import ScoreRecord


def soft_outcome_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the scores: one table, then each scale's sentence, precision and figures."""
    if not results.scores:
        return []
    out: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.soft"), anchor="soft"),
        *_tables([score for score in results.scores if not never_added(score)]),
    ]
    corrected = _corrected(results.scores)
    if corrected is not None:
        out.append(Note(words=corrected))
    for score in results.scores:
        if score.group is not ScoreGroup.COMPARISON and score.part is None:
            out += scale_blocks(score, _beside(results.scores, score))
    return marked(out, results.disclosure)


def _beside(scores: Sequence[ScoreRecord], score: ScoreRecord) -> list[ScoreRecord]:
    """Return the other records of one questionnaire: its parts, and those of the comparison."""
    own = score.id.partition(".")[0]
    return [one for one in scores if one is not score and one.id.partition(".")[0] == own]


def _corrected(scores: Sequence[ScoreRecord]) -> Words | None:
    """Say which scales still moved once all of them are judged together."""
    judged = [s for s in scores if s.change is not None and s.change.p_corrected is not None]
    if not judged:
        return None
    alone = [s for s in judged if s.change is not None and _clear(s.change.p_value)]
    left = [s for s in judged if s.change is not None and _clear(s.change.p_corrected)]
    names = [record_name(s) for s in alone if s not in left]
    if not alone:
        return say("soft.together_none")
    if not names:
        return say("soft.together_all")
    return say("soft.together_some", names=names)


def _clear(p_value: float | None) -> bool:
    return p_value is not None and p_value < CLEAR


def soft_message(results: StudyResults) -> Words | None:
    """Return the change of the first scale that no result tells already; None without any.

    Where the scale is compared, the comparison says more, in its own sentence: only which way is
    better is left to tell.
    """
    told = {record.question.instrument for record in results.headlines}
    for score in results.scores:
        if score.group is ScoreGroup.COMPARISON or known_change(score) is None:
            continue
        if score.effect is None and score.id.partition(".")[0] in told:
            continue
        if score.effect is None:
            return change_sentence(score)
        if score.direction is not Direction.NEITHER:
            return say(f"soft.better_on.{score.direction.value}", scale=part_name(score))
    return None


def _tables(scores: Sequence[ScoreRecord]) -> list[AnyBlock]:
    """Return the scores at two dates, then those at one, each with what they can tell."""
    once = [score for score in scores if score.level is not None]
    twice = [score for score in scores if score.level is None]
    out: list[AnyBlock] = []
    if twice or not once:
        out += [Note(words=say("soft.caution")), _table(twice)]
    if once:
        out += [Note(words=say("soft.caution_once")), _table_once(once)]
    return out


def _table_once(scores: Sequence[ScoreRecord]) -> Table:
    columns = (
        Column(key="scale", label=say("soft.instrument"), header=True),
        Column(key="n", label=say("soft.n_once"), form=Form.INTEGER),
        Column(key="mean", label=say("soft.mean"), form=Form.DECIMAL_1),
        Column(key="alpha", label=say("soft.reliability"), form=Form.DECIMAL_2),
    )
    return Table(
        caption=say("soft.caption_once"),
        columns=columns,
        rows=tuple(_row_once(score) for score in scores),
    )


def _row_once(score: ScoreRecord) -> tuple[Cell, ...]:
    hidden: Cell = WITHHELD if score.withheld else None
    mean = None if score.level is None else score.level.mean
    return (
        record_name(score),
        WITHHELD if score.n is None else score.n,
        _or(mean, WITHHELD),
        _or(alpha_shown(score), hidden),
    )


def _table(scores: Sequence[ScoreRecord]) -> Table:
    columns = (
        Column(key="scale", label=say("soft.instrument"), header=True),
        Column(key="n", label=say("soft.n"), form=Form.INTEGER),
        Column(key="before", label=say("soft.before"), form=Form.DECIMAL_1),
        Column(key="after", label=say("soft.after"), form=Form.DECIMAL_1),
        Column(key="change", label=say("soft.change"), form=Form.PLAIN),
        Column(key="interval", label=say("soft.interval"), form=Form.PLAIN),
        Column(key="alpha", label=say("soft.reliability"), form=Form.DECIMAL_2),
    )
    rows = tuple(_row(score) for score in scores)
    return Table(
        caption=say("soft.caption"),
        columns=columns,
        rows=rows,
    )


def _row(score: ScoreRecord) -> tuple[Cell, ...]:
    change = known_change(score)
    hidden: Cell = WITHHELD if score.withheld else None
    shown, interval = hidden, hidden
    if change is not None:
        unit, low, high = shown_unit(score), change.low, change.high
        shown = unit.change(change.estimate, change.digits)
        if low is not None and high is not None:
            interval = unit.brackets(low, high, change.digits)
    twice = hidden if score.change is None else WITHHELD  # nobody was asked twice: nothing hides
    return (
        record_name(score),
        _or(None if score.change is None else score.change.n, twice),
        _or(None if score.before is None else score.before.mean, hidden),
        _or(None if score.after is None else score.after.mean, hidden),
        shown,
        interval,
        _or(alpha_shown(score), hidden),
    )


def _or(value: float | int | None, hidden: Cell) -> Cell:
    return hidden if value is None else value
