"""Counts that give back others once added, subtracted or divided by the number of dates."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_studies import SCALE, TWO_GROUPS, answers, study_in, two_groups

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.results.disclosure.profiles import profile
from impact_eval.results.gate import release, released_counts
from impact_eval.results.gate_counts import CountKind, Counts
from impact_eval.results.records import StudyResults
from impact_eval.results.score_change import PairedEffectsRecord
from impact_eval.results.score_records import LevelRecord
from impact_eval.results.score_tests import SignFlipRecord, WilcoxonRecord
from impact_eval.results.study_records import ReleasedCount


def told_of(folder: Path, body: str, rows: list[str]) -> StudyResults:
    """Compute and release a study."""
    return release(evaluate(study_in(folder, body, rows))).results


@pytest.mark.parametrize(
    ("rows", "allowed"), [(120, True), (117, False), (109, True), (240, True), (131, True)]
)
def test_rows_beside_people_followed_tell_who_missed_a_date(rows: int, allowed: bool) -> None:
    counts = Counts(profile(), dates=frozenset({2}))
    assert counts.allows("people", CountKind.EVERYONE, 60)
    assert counts.allows("rows", CountKind.EVERYONE, rows) is allowed


@pytest.mark.parametrize(
    ("everybody", "helped", "allowed"),
    [
        (38, 30, False),
        (38, 60, False),
        (38, 38, True),
        (38, 76, True),
        (54, 40, True),
        (54, 80, True),
    ],
)
def test_a_group_beside_everybody_tells_the_other_group(
    everybody: int, helped: int, allowed: bool
) -> None:
    """38 people, of whom 30 helped, or 60 rows of them at two dates: eight are not."""
    first = Counts(profile(), dates=frozenset({2}))
    assert first.allows("people", CountKind.EVERYONE, everybody)
    assert first.allows("helped", CountKind.TREATED, helped) is allowed
    second = Counts(profile(), dates=frozenset({2}))
    assert second.allows("helped", CountKind.TREATED, helped)
    assert second.allows("people", CountKind.EVERYONE, everybody) is allowed


def test_tests_of_a_change_do_not_count_those_who_did_not(tmp_path: Path) -> None:
    """2^k patterns are of k changes; a sum of ranks over its largest gives k too."""
    whole = evaluate(study_in(tmp_path, SCALE, answers(18)))
    truth, told = whole.scores[0].reading, release(whole).results.scores[0].reading
    assert truth is not None
    assert told is not None
    assert isinstance(truth.rank_test, WilcoxonRecord)
    assert isinstance(truth.permutation, SignFlipRecord)
    assert truth.permutation.patterns == 2 ** (
        truth.rank_test.n - truth.rank_test.n_zero
    )  # so it is a count of people
    assert 0 < truth.rank_test.n_zero < 11
    assert isinstance(told.rank_test, WilcoxonRecord)
    assert isinstance(told.permutation, SignFlipRecord)
    assert told.permutation.patterns is None
    assert told.permutation.p_value is not None
    kept = told.rank_test
    assert (kept.n_zero, kept.statistic, kept.z, kept.rank_biserial) == (None,) * 4
    assert kept.p_value is not None


def test_a_share_at_an_end_of_the_scale_does_not_count_few_people(tmp_path: Path) -> None:
    """Two people of forty have the lowest score: their share is theirs."""
    rows = answers(40)
    lowest = ",".join("4" if k in (2, 4, 7, 8, 9) else "1" for k in range(10))
    rows = [
        ",".join([*r.split(",")[:2], lowest])
        if r.split(",")[:2] in (["P3", "T0"], ["P8", "T0"])
        else r
        for r in rows
    ]
    whole = evaluate(study_in(tmp_path, SCALE, rows))
    said = []
    for results in (whole, release(whole).results):
        assert results.scores[0].quality is not None
        readings = {r.code: r.values for r in results.scores[0].quality.readings}
        said.append(readings["quality_read_ends"]["floor"])
    assert said == [pytest.approx(2 / 40), None]


def test_no_place_tells_what_another_place_of_an_earlier_edition_told(tmp_path: Path) -> None:
    first = evaluate(study_in(tmp_path, TWO_GROUPS, two_groups(120)))
    told = released_counts(release(first).results)
    earlier = tuple(
        ReleasedCount(key=key, count=n, same_source=False)
        for key, n in told.items()
        if key.startswith("estimates.emploi.main")
    )
    earlier += (ReleasedCount(key="elsewhere.n", count=120, same_source=False),)
    more = evaluate(study_in(tmp_path, TWO_GROUPS, two_groups(121)))
    second = release(more.model_copy(update={"earlier": earlier}))
    assert not [n for n in second.counts.values() if 0 < abs(n - 120) < 11]


def test_the_lines_of_a_file_are_those_below_its_header(tmp_path: Path) -> None:
    told = told_of(tmp_path, TWO_GROUPS, two_groups(120))
    assert told.data.reading is not None
    assert (told.data.reading.rows_in, told.data.reading.rows_out) == (120, 120)
    assert not told.disclosure.withheld  # nothing is kept back of an ordinary study


def test_three_people_seen_once_are_counted_nowhere(tmp_path: Path) -> None:
    rows = [r for r in answers(60) if r.split(",")[:2] not in (["P7", "T1"], ["P9", "T1"])]
    told = told_of(tmp_path, SCALE, rows)
    assert told.primary.headline.n_treated == 58
    assert told.data.n_rows is None  # 118 rows, and twice 58 people
    score = told.scores[0]
    assert score.n is None
    sides = [side for item in score.items for side in (item.before, item.after) if side]
    assert {sum(side) for side in sides} == {58}  # the answers are of those seen twice
    assert {sum(getattr(row, date) or 0 for row in score.bins) for date in ("before", "after")} <= {
        58, 0,
    }  # fmt: skip
    assert score.change is not None
    assert score.change.n == 58
    assert score.change.estimate is not None


def test_those_without_an_answer_beside_those_of_another_outcome(tmp_path: Path) -> None:
    rows = two_groups()
    for i, row in enumerate(rows[1:], start=1):
        cells = row.split(",")
        if i in (6, 7):
            cells[3] = ""
        if i <= 15:
            cells[4] = ""
        rows[i] = ",".join(cells)
    told = told_of(tmp_path, TWO_GROUPS, rows)
    first, second = (record.headline for record in told.headlines)
    assert first.n_treated is not None
    assert second.n_treated is not None
    said = [f.values["n"] for f in told.findings if f.code == "missing_outcome"]
    assert said == [None, None]  # 105 and the 15 left out are 120: 118 and two people


def test_a_refusal_counts_nobody_by_difference(tmp_path: Path) -> None:
    rows = answers(70)
    for i in (3, 8, 21):
        cells = rows[i].split(",")
        rows[i] = ",".join([*cells[:5], "", *cells[6:]])
    whole = evaluate(study_in(tmp_path, SCALE, rows))
    asked = [v.reason for s in whole.scores if s.quality for v in s.quality.invariance]
    assert [r.values["n"] for r in asked if r is not None] == [67]
    told = release(whole).results
    kept = [v.reason for s in told.scores if s.quality for v in s.quality.invariance]
    assert [r.values["n"] for r in kept if r is not None] == [None]


def test_an_answer_left_blank_by_three_people_is_counted_nowhere(tmp_path: Path) -> None:
    rows = answers(120)
    for i in (3, 8, 21):
        cells = rows[i].split(",")
        rows[i] = ",".join([*cells[:5], "", *cells[6:]])
    told = told_of(tmp_path, SCALE, rows)
    score = told.scores[0]
    assert score.items == ()
    assert score.quality is not None
    sides = [n for found in score.quality.invariance for n in found.n or ()]
    assert not [n for n in sides if 0 < abs(120 - n) < 11]
    assert [r.values["n"] for r in score.quality.readings if r.code == "quality_incomplete"] == [
        None
    ]


@pytest.mark.parametrize("others", [(), ("P3", "P9")])
def test_a_scale_where_nearly_all_have_one_score_tells_no_level(
    tmp_path: Path, others: tuple[str, ...]
) -> None:
    alike = []
    for row in answers(40):
        person, wave, *_ = row.split(",")
        same = ["2"] * 9 + ["1" if person in others else "2"]
        alike.append(",".join([person, wave, *same]) if wave == "T1" else row)
    told = told_of(tmp_path, SCALE, alike)
    score = told.scores[0]
    empty = {"mean": None, "sd": None, "n": None, "fewest": None}
    assert isinstance(score.before, LevelRecord)
    assert isinstance(score.after, LevelRecord)
    assert (score.before.model_dump(), score.after.model_dump()) == (empty, empty)
    assert (score.people, score.bins, score.items) == (None, (), ())
    assert score.reading is not None
    sizes = score.reading.effects
    if isinstance(sizes, PairedEffectsRecord):
        assert (sizes.mean_after, sizes.sd_before, sizes.glass.value) == (None, None, None)
    assert isinstance(sizes, PairedEffectsRecord) or not others
    assert score.change is not None
    assert score.change.estimate is not None  # the change itself is told, as the effect is
