"""Answers to each question are those of the same people throughout, and never count the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_studies import SCALE, answers, study_in

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.results.gate import release
from impact_eval.results.score_records import ScoreRecord


def score(folder: Path, rows: list[str]) -> ScoreRecord:
    """Return the published score of a study of sixty people."""
    return release(evaluate(study_in(folder, SCALE, rows))).results.scores[0]


def _person(row: str) -> int:
    return int(row.split(",")[0].lstrip("P")) if row.startswith("P") else -1


def counts(found: ScoreRecord) -> set[int]:
    return {sum(side) for item in found.items for side in (item.before, item.after) if side}


def blank(rows: list[str], people: int, question: int) -> list[str]:
    """Leave one question of so many people without an answer, at the first date."""
    out = []
    for row in rows:
        cells = row.split(",")
        if cells[1] == "T0" and _person(row) < people:
            cells[question + 1] = ""
        out.append(",".join(cells))
    return out


@pytest.mark.parametrize(("once", "told"), [(0, {60}), (5, {55}), (12, {48})])
def test_those_seen_once_do_not_cost_the_answers(tmp_path: Path, once: int, told: set[int]) -> None:
    rows = [
        r for r in answers() if not (r.split(",")[1] == "T1" and int(r.split(",")[0][1:]) < once)
    ]
    found = score(tmp_path, rows)
    assert found.change is not None
    assert {found.change.n} == told
    assert counts(found) == told
    assert sum(row.before or 0 for row in found.bins) in (*told, 0)


@pytest.mark.parametrize(("left_blank", "told"), [(3, set()), (12, {48})])
def test_those_who_left_a_question_blank_are_not_counted(
    tmp_path: Path, left_blank: int, told: set[int]
) -> None:
    """Twelve are many enough for 48 beside 60; three are not, and no question is shown."""
    found = score(tmp_path, blank(answers(), left_blank, 1))
    assert found.change is not None
    assert found.change.n == 60
    assert counts(found) == told
    assert found.quality is not None
    incomplete = [f.values for f in found.quality.readings if f.code == "quality_incomplete"]
    assert [values["n"] for values in incomplete] == [None if left_blank == 3 else 12]


def test_an_answer_of_the_others_is_not_found_by_subtraction(tmp_path: Path) -> None:
    """Twelve left a blank at entry, four more at exit: 60 - 12 would tell 48 beside 44."""
    rows = blank(answers(), 12, 1)
    rows = [
        ",".join((*r.split(",")[:2], "", *r.split(",")[3:]))
        if ",T1," in r and 20 <= _person(r) < 24
        else r
        for r in rows
    ]
    found = score(tmp_path, rows)
    assert counts(found) == {44}
    assert found.quality is not None
    incomplete = next(f.values for f in found.quality.readings if f.code == "quality_incomplete")
    assert incomplete["n"] is None


def test_the_code_table_leaves_with_the_answers_and_never_alone(tmp_path: Path) -> None:
    """The same people as in the answers by question, both dates together; else no count at all."""
    found = score(tmp_path / "whole", answers())
    assert found.codes
    for table, item in zip(found.codes, found.items, strict=bool(found.items)):
        assert item.before is not None
        assert item.after is not None
        if table.answers is not None and len(item.before) == len(table.answers):
            both = [b + a for b, a in zip(item.before, item.after, strict=True)]
            assert sorted(table.answers) == sorted(both)
    told = score(tmp_path / "blank", blank(answers(), 3, 1))
    assert not told.items
    assert {table.answers for table in told.codes} == {None}
    assert [[row.points for row in table.rows] for table in told.codes] == [
        [row.points for row in table.rows] for table in found.codes
    ]
