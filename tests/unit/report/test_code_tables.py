"""The annex of codes: each code of the file, its label, its answer, points; counts or a note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from impact_eval.report.blocks import Note, Table
from impact_eval.report.html import render_html
from impact_eval.report.narrative_codes import code_blocks
from impact_eval.results.records import StudyResults

MakeResults = Callable[..., StudyResults]


@dataclass(frozen=True)
class _Told:
    tables: list[Table]
    notes: int


def told(results: StudyResults) -> _Told:
    blocks = code_blocks(results)
    tables = [block for block in blocks if isinstance(block, Table)]
    return _Told(tables, sum(isinstance(block, Note) for block in blocks))


def without_answers(results: StudyResults) -> StudyResults:
    (score,) = results.scores
    codes = tuple(table.model_copy(update={"answers": None}) for table in score.codes)
    return results.model_copy(update={"scores": (score.model_copy(update={"codes": codes}),)})


def test_each_coding_has_its_table_with_points_and_answers(make_results: MakeResults) -> None:
    found = told(make_results(3))
    assert [table.keys for table in found.tables] == [
        ("code", "label", "answer", "points", "q1"),
        ("code", "label", "answer", "points", "q2"),
    ]
    first, second = found.tables
    assert [(row[0], row[3], row[4]) for row in first.rows] == [
        ("4", 1.0, 23), ("3", 2.0, 46), ("2", 3.0, 81), ("1", 4.0, 38), ("9", None, None),
    ]  # fmt: skip
    assert [row[3] for row in second.rows] == [4.0, 3.0, 2.0, 1.0, None]
    assert found.notes == 1


def test_questions_coded_alike_share_a_table_and_kept_counts_are_said(
    make_results: MakeResults,
) -> None:
    results = without_answers(make_results(3))
    (score,) = results.scores
    alike = score.model_copy(update={"codes": (score.codes[0],) * 9})
    found = told(results.model_copy(update={"scores": (alike,)}))
    (table,) = found.tables
    assert table.keys == ("code", "label", "answer", "points")
    assert found.notes == 2


@pytest.mark.parametrize(
    ("language", "title", "missing"),
    [("fr", "Annexe : ce que veut dire chaque code", "ne sait pas"),
     ("en", "Annex: what each code means", "does not know")],
)  # fmt: skip
def test_the_annex_is_written_in_both_languages(
    make_results: MakeResults, language: str, title: str, missing: str
) -> None:
    text = render_html(code_blocks(make_results(3)), {"title": "Essai"}, language).replace(
        "\u00a0", " "
    )
    text = text.replace("\u202f", " ")
    assert title in text
    assert missing in text
    assert "NSP" in text
