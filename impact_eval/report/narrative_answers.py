"""Answers to each question of a scale: what people ticked, favourable answers on one side."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Cell,
    Column,
    Form,
    Note,
    Said,
    Table,
    say,
)
from impact_eval.report.figures.people import ItemAnswers, data_for_likert
from impact_eval.report.wording import said
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.score_facts import AgreementRecord
from impact_eval.results.score_records import (
    CategoryCode,
    FavourableEnd,
    ItemRecord,
    ScoreRecord,
)


def agreement_blocks(score: ScoreRecord) -> list[AnyBlock]:
    """Return how far two ratings of the same people agree, question by question.

    Parameters
    ----------
    score : ScoreRecord
    """
    told = [row for row in score.agreement if row.exact is not None]
    if not score.agreement:
        return []
    if not told:
        return [Note(words=say("soft.agreement_withheld"))]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            said(row.label),
            WITHHELD if row.n is None else row.n,
            row.exact,
            row.within_one,
            _worth_of_a_note(row),
            _bias(row),
        )
        for row in told
    )
    columns = (
        Column(key="question", label=say("label.item"), header=True),
        Column(key="n", label=say("soft.rated_twice"), form=Form.INTEGER),
        Column(key="exact", label=say("soft.same_note"), form=Form.PERCENT),
        Column(key="within", label=say("soft.near_note"), form=Form.PERCENT),
        Column(key="icc", label=say("soft.note_worth"), form=Form.PLAIN),
        Column(key="bias", label=say("soft.note_bias"), form=Form.PLAIN),
    )
    table = Table(caption=say("soft.caption_agreement"), columns=columns, rows=rows)
    return [table, Note(words=say("soft.agreement_note"))]


def _worth_of_a_note(row: AgreementRecord) -> Cell:
    if row.icc is None or row.conf_low is None or row.conf_high is None:
        return say("report.absent_mark")
    return say("soft.note_worth_cell", value=row.icc, low=row.conf_low, high=row.conf_high)


def _bias(row: AgreementRecord) -> Cell:
    if row.bias is None or row.bias_low is None or row.bias_high is None:
        return say("report.absent_mark")
    return say("soft.note_bias_cell", value=row.bias, low=row.bias_low, high=row.bias_high)


def answer_blocks(score: ScoreRecord) -> list[AnyBlock]:
    """Return the answers to each question; all are shown, or none and a note says so.

    Questions whose favourable answers stand at opposite ends have a figure each: an answer keeps
    its own name, and what is favourable stands on the right.

    Parameters
    ----------
    score : ScoreRecord
    """
    if not score.items:  # answers have names, so there were counts
        kept_back = bool(score.categories) and not score.withheld
        return [Note(words=say("soft.items_withheld"))] if kept_back else []
    if any(counts is None for item in score.items for counts in (item.before, item.after)):
        return [Note(words=say("soft.items_withheld"))]
    out: list[AnyBlock] = []
    groups = _groups(score)
    ordered = sorted(groups.items(), key=lambda group: group[0][0] is FavourableEnd.FIRST)
    for (better, _), items in ordered:
        names = [_category(name) for name in (items[0].answers or score.categories)]
        turned = better is FavourableEnd.FIRST
        rows = [row for item in items for row in _rows(item, turned=turned)]
        if not rows or len(rows[0].counts) != len(names):
            continue
        shown = names[::-1] if turned else names
        sided = better is not FavourableEnd.NONE
        several = len(groups) > 1
        out.append(data_for_likert(rows, shown, sided=sided, turned=turned and several))
    return [*out, Note(words=say("soft.items_base"))] if out else []


def _groups(
    score: ScoreRecord,
) -> dict[tuple[FavourableEnd, tuple[BilingualRecord, ...]], list[ItemRecord]]:
    """Return the questions that one figure can show: same answers, same favourable end."""
    groups: dict[tuple[FavourableEnd, tuple[BilingualRecord, ...]], list[ItemRecord]] = {}
    for item in score.items:
        groups.setdefault((item.better, item.answers), []).append(item)
    return groups


def _rows(item: ItemRecord, *, turned: bool) -> Sequence[ItemAnswers]:
    dates = (("before", item.before or ()), ("after", item.after or ()))
    step = -1 if turned else 1
    return [
        ItemAnswers(said(item.label), say(f"figure.wave_{wave}"), counts[::step])
        for wave, counts in dates
        if counts
    ]


def _category(category: BilingualRecord | CategoryCode) -> Said:
    return say(f"label.{category.code}") if isinstance(category, CategoryCode) else said(category)
