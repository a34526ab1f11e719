"""Answers to each question of a scale: what people ticked, favourable answers on one side."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.report.blocks import AnyBlock, Note, Said, say
from impact_eval.report.figures.people import ItemAnswers, data_for_likert
from impact_eval.report.wording import said
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.score_records import (
    CategoryCode,
    FavourableEnd,
    ItemRecord,
    ScoreRecord,
)


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
    for (better, _), items in groups.items():
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
