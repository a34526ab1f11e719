"""A change of shares that few people made is about them: it is kept back, and told in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_studies import study_in

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.report.html import render_html
from impact_eval.report.narrative import report_blocks
from impact_eval.results.disclosure.attack_shares import paired_counts, shown_difference
from impact_eval.results.gate import Edition, release
from impact_eval.results.records import StudyResults

BODY = """[data.roles]
unit = "id"
time = "vague"
[method]
name = "before_after"
[[outcomes]]
id = "logement"
label = "Avoir un logement"
column = "logement"
unit = "share"
primary = true
"""
N = 60


def study(folder: Path, came: int, left: int) -> StudyResults:
    """Compute a study of people of whom half say yes, then some come to yes and some leave it."""
    first = [int(i >= N // 2) for i in range(N)]
    second = [1 - yes if i < came or i >= N - left else yes for i, yes in enumerate(first)]
    rows = ["id,vague,logement"]
    rows += [f"P{i},T0,{yes}" for i, yes in enumerate(first)]
    rows += [f"P{i},T1,{yes}" for i, yes in enumerate(second)]
    return evaluate(study_in(folder, BODY, rows))


@pytest.mark.parametrize(
    ("came", "left", "told"),
    [(7, 2, False), (10, 0, False), (5, 5, False), (0, 3, False), (9, 2, True), (14, 3, True)],
)
def test_a_change_needs_eleven_people_who_changed(
    tmp_path: Path, came: int, left: int, told: bool
) -> None:
    whole = study(tmp_path, came, left)
    exact = whole.headlines[0].headline
    assert exact.estimate == pytest.approx((came - left) / N)
    shown = shown_difference(exact.estimate, exact.std_error or 0.0)
    assert shown is not None
    assert paired_counts(shown, N), "who came and who left are given back by what is printed"
    published = release(whole).results
    record = published.headlines[0]
    assert record.withheld is not told
    assert (record.headline.estimate is not None) is told
    assert ("few_changed" in {found.code for found in published.findings}) is not told
    page = render_html(report_blocks(published), {}, "fr")
    assert ("Trop peu de personnes ont changé de réponse" in page) is not told


def test_the_operator_keeps_its_own_figure(tmp_path: Path) -> None:
    own = release(study(tmp_path, 7, 2), Edition.INTERNAL).results
    assert own.headlines[0].headline.estimate == pytest.approx(5 / N)


def test_nobody_changed_is_not_few(tmp_path: Path) -> None:
    record = release(study(tmp_path, 0, 0)).results.headlines[0]
    assert record.headline.estimate == 0.0
