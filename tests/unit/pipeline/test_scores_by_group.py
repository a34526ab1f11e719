"""Scores of a study: groups apart, the same people at both dates, weights, those lost, parts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from impact_eval import Report, Study, evaluate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import ScoreGroup
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.gate import release
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.records import StudyResults
from impact_eval.results.score_facts import ErrorRecord, ResponseRecord
from impact_eval.results.score_records import FavourableEnd, ScoreRecord
from impact_eval.stats.scales.measurement_error import ErrorSource
from tests.support.scale_studies import QUESTIONS, rows_of, total, write_study


def results_of(folder: Path) -> StudyResults:
    return evaluate(Study.read(folder))


def first(folder: Path) -> ScoreRecord:
    return results_of(folder).scores[0]


def words(results: StudyResults, language: str = "fr") -> str:
    """Return the words of the soft section."""
    html = Report(results, language).soft_outcomes()._repr_mimebundle_()["text/html"]
    text = re.sub("<style>.*?</style>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", text))


def totals(rows: list[list[Any]], wave: str) -> dict[str, int]:
    return {row[0]: total(row[2:12]) for row in rows if row[1] == wave}


def test_each_group_has_its_own_change(tmp_path: Path) -> None:
    helped = rows_of(24, lambda _: 0.9, seed=9)
    others = rows_of(24, lambda _: 0.0, seed=8, code="C{:03d}")
    rows = [[*row, 1] for row in helped] + [[*row, 0] for row in others]
    folder = write_study(tmp_path, rows, columns=("aide",), roles={"treatment": "aide"},
                         outcome={"method": {"name": "before_after"}})  # fmt: skip
    accompanied, comparison = results_of(folder).scores
    assert (accompanied.group, comparison.group) == (ScoreGroup.ACCOMPANIED, ScoreGroup.COMPARISON)
    for record, own in ((accompanied, helped), (comparison, others)):
        before, after = totals(own, "T0"), totals(own, "T1")
        gains = [after[code] - before[code] for code in before]
        assert record.change is not None
        assert record.change.estimate == pytest.approx(np.mean(gains))
        expected = stats.ttest_rel(list(after.values()), list(before.values()))
        assert record.change.p_value == pytest.approx(expected.pvalue)
    said = words(results_of(folder))
    assert "personnes accompagnées" in said
    assert "groupe de comparaison" in said


def test_a_change_without_comparison_is_that_of_the_people_accompanied(tmp_path: Path) -> None:
    """Not the mean over both groups, whoever declares that there are two."""
    helped = [[*row, "oui"] for row in rows_of(24, lambda _: 0.9, seed=9)]
    others = [[*row, "non"] for row in rows_of(18, lambda _: 0.0, seed=8, code="C{:03d}")]
    folder = write_study(tmp_path, helped + others, columns=("aide",),
                         roles={"treatment": "aide"},
                         outcome={"method": {"name": "before_after"}})  # fmt: skip
    results = results_of(folder)
    before, after = totals(helped, "T0"), totals(helped, "T1")
    gains = [after[code] - before[code] for code in before]
    row = results.headlines[0].headline
    assert row.estimate == pytest.approx(np.mean(gains))
    assert row.std_error == pytest.approx(stats.sem(gains))
    assert results.headlines[0].rests_on[0] == 24
    assert "change_of_accompanied" in [finding.code for finding in results.findings]


def test_people_who_weigh_nothing_stand_for_nobody(tmp_path: Path) -> None:
    rows = rows_of(36, lambda _: 0.4, seed=4)
    weighted = [[*row, 0 if int(row[0][1:]) < 6 else 1] for row in rows]
    record = first(write_study(tmp_path, weighted, columns=("poids",), roles={"weights": "poids"}))
    before, after = totals(rows, "T0"), totals(rows, "T1")
    gains = [after[code] - before[code] for code in before if int(code[1:]) >= 6]
    assert record.change is not None
    assert record.before is not None
    assert record.change.estimate == pytest.approx(np.mean(gains))
    assert (record.change.n, record.before.n) == (30, 30)


def test_who_is_accompanied_is_known_from_the_table_of_the_study(tmp_path: Path) -> None:
    rows = rows_of(40, lambda i: 0.8 * (i % 2), seed=1)
    folder = write_study(tmp_path, rows)
    people = ["id,an,entree", *(
        f"P{i:03d},{year},{2024 if i % 2 else ''}" for i in range(40) for year in (2023, 2024)
    )]  # fmt: skip
    (folder / "personnes.csv").write_text("\n".join(people) + "\n", encoding="utf-8")
    text = (folder / "study.toml").read_text(encoding="utf-8")
    roles = '[data.roles]\nunit = "id"\ntime = "an"\ncohort = "entree"\n'
    table = '[data]\nfile = "donnees.csv"\n\n[data.roles]\nunit = "id"\ntime = "vague"\n'
    assert table in text
    text = text.replace(table, '[data]\nfile = "personnes.csv"\n\n' + roles)
    text = text.replace("primary = true", 'primary = true\nmethod = { name = "did" }')
    (folder / "study.toml").write_text(text, encoding="utf-8")
    results = results_of(folder)
    assert [score.group.value for score in results.scores] == ["accompanied", "comparison"]
    before, after = totals(rows, "T0"), totals(rows, "T1")
    gain = {code: after[code] - before[code] for code in before}
    apart = np.mean([g for code, g in gain.items() if int(code[1:]) % 2]) - np.mean(
        [g for code, g in gain.items() if not int(code[1:]) % 2]
    )
    headline = results.headlines[0].headline
    assert headline.estimate == pytest.approx(apart)
    effect = results.scores[0].effect
    assert effect is not None
    assert effect.deviation is not None
    groups = [[before[f"P{i:03d}"] for i in range(40) if i % 2 == side] for side in (0, 1)]
    pooled = np.sqrt(sum(19 * np.var(group, ddof=1) for group in groups) / 38)
    assert effect.deviation == pytest.approx(pooled)
    assert effect.size == pytest.approx(apart / pooled)


def test_start_and_end_are_of_those_seen_twice_and_the_lost_are_told(tmp_path: Path) -> None:
    rows = rows_of(44, lambda _: 0.0, seed=3)
    rows = [row for row in rows if row[1] == "T0" or int(row[0][1:]) >= 20]
    record = first(write_study(tmp_path, rows))
    assert record.before is not None
    assert record.after is not None
    assert record.change is not None
    assert record.lost is not None
    assert record.after.mean - record.before.mean == pytest.approx(record.change.estimate)
    counts = (record.lost.n_before, record.lost.n_after, record.lost.n, record.lost.n_lost)
    assert counts == (44, 24, 24, 20)
    entry = totals(rows, "T0")
    gone = [score for code, score in entry.items() if int(code[1:]) < 20]
    kept = [score for code, score in entry.items() if int(code[1:]) >= 20]
    row = record.lost.rows[0]
    assert (row.mean_stayed, row.mean_lost) == pytest.approx((np.mean(kept), np.mean(gone)))
    spread = np.sqrt((np.var(kept, ddof=1) + np.var(gone, ddof=1)) / 2)
    assert row.gap == pytest.approx((np.mean(kept) - np.mean(gone)) / spread)


def test_what_the_lost_were_like_is_kept_back_when_they_are_few(tmp_path: Path) -> None:
    rows = rows_of(40, lambda _: 0.3, seed=3)
    rows = [row for row in rows if row[1] == "T0" or int(row[0][1:]) >= 4]
    results = results_of(write_study(tmp_path, rows, study={"privacy": {"threshold": 11}}))
    lost = release(results).results.scores[0].lost
    assert lost is not None
    assert lost.n_lost is None
    assert None in (lost.n_before, lost.n)
    assert all(row.mean_lost is None for row in lost.rows)
    assert "4 personnes" not in words(results)


def test_declared_weights_give_the_mean_of_the_people_they_stand_for(tmp_path: Path) -> None:
    rows = rows_of(36, lambda i: -0.8 if i < 6 else 0.8, seed=4)
    weighted = [[*row, 5 if int(row[0][1:]) < 6 else 1] for row in rows]
    record = first(write_study(tmp_path, weighted, columns=("poids",), roles={"weights": "poids"}))
    before, after = totals(rows, "T0"), totals(rows, "T1")
    gain = np.array([after[code] - before[code] for code in before], dtype=float)
    mass = np.where(np.arange(36) < 6, 5.0, 1.0)
    mean = (mass * gain).sum() / mass.sum()
    score = mass * (gain - mean) / mass.sum()
    error = np.sqrt(36 / 35 * (score**2).sum())
    assert record.change is not None
    assert record.change.estimate == pytest.approx(mean)
    assert record.change.std_error == pytest.approx(error)
    assert record.weighted
    assert record.people is not None
    assert sum((record.people.improved, record.people.stable, record.people.worsened)) == 36


def test_one_person_who_weighs_nearly_everything_is_not_told(tmp_path: Path) -> None:
    rows = rows_of(36, lambda _: 0.4, seed=4)
    weighted = [[*row, 900 if row[0] == "P000" else 1] for row in rows]
    folder = write_study(tmp_path, weighted, columns=("poids",), roles={"weights": "poids"})
    told = release(results_of(folder)).results.scores[0]
    assert told.withheld
    assert told.change is None or told.change.estimate is None


def test_a_primary_score_takes_the_method_of_the_study(tmp_path: Path) -> None:
    rows = rows_of(40, lambda _: 0.5, seed=2)
    folder = write_study(tmp_path, rows, study={"method": {"name": "before_after"}})
    assert [record.outcome for record in results_of(folder).headlines] == ["estime"]


def ons4(folder: Path, **outcome: object) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for i in range(60):
        for wave in ("T0", "T1"):
            anxious = int(rng.integers(1, 5)) + 3 * (wave == "T1")
            rows.append([f"P{i}", wave, *map(int, rng.integers(3, 9, 3)), anxious, *[1] * 6])
    items = dict(zip(("satisfied", "worthwhile", "happy", "anxious"), QUESTIONS, strict=False))
    return write_study(folder, rows, outcome=outcome, instrument={"scale": "ons4", "items": items})


def test_questions_that_are_never_added_are_told_one_by_one(tmp_path: Path) -> None:
    results = results_of(ons4(tmp_path))
    whole, *parts = results.scores
    assert whole.n == 120
    assert isinstance(whole.reliability, RefusalRecord)
    assert (whole.before, whole.change) == (None, None)
    assert [part.part for part in parts] == ["satisfied", "worthwhile", "happy", "anxious"]
    anxious = parts[-1]
    assert anxious.change is not None
    assert anxious.change.estimate == pytest.approx(3, abs=0.5)
    assert anxious.reading is not None
    assert anxious.reading.higher_is_better is False
    said = words(results)
    assert "0 personne " not in said
    assert "ne s’additionnent pas" in said


def test_a_part_may_be_the_outcome_and_a_total_never_added_may_not(tmp_path: Path) -> None:
    method = {"method": {"name": "before_after"}}
    results = results_of(ons4(tmp_path, part="anxious", direction="lower_is_better", **method))
    assert results.headlines[0].headline.estimate == pytest.approx(3, abs=0.5)
    with pytest.raises(ImpactEvalError) as refused:
        results_of(ons4(tmp_path, **method))
    assert refused.value.codes == ("never_added",)


def test_several_scales_are_judged_together(tmp_path: Path) -> None:
    """Holm by hand on the four p-values of the four questions."""
    parts = results_of(ons4(tmp_path)).scores[1:]
    raw = np.array([part.change.p_value for part in parts if part.change is not None])
    order = np.argsort(raw)
    steps = np.maximum.accumulate(raw[order] * np.arange(4, 0, -1)).clip(max=1)
    expected = np.empty(4)
    expected[order] = steps
    told = [part.change.p_corrected for part in parts if part.change is not None]
    assert told == pytest.approx(expected)


def test_answers_are_those_ticked_and_the_favourable_end_is_known(tmp_path: Path) -> None:
    rows = rows_of(40, lambda _: 0.3, seed=5)
    record = first(write_study(tmp_path, rows))
    for place, item in enumerate(record.items):
        ticked = [row[2 + place] for row in rows if row[1] == "T0"]
        assert item.before == tuple(ticked.count(code) for code in (1, 2, 3, 4))
    turned = [item.better for item in record.items]
    expected = [FavourableEnd.FIRST if k in (2, 4, 7, 8, 9) else FavourableEnd.LAST
                for k in range(10)]  # fmt: skip
    assert turned == expected


def test_a_question_is_told_as_the_study_asked_it(tmp_path: Path) -> None:
    rows = rows_of(40, lambda _: 0.3, seed=5)
    folder = write_study(tmp_path, rows, instrument={"wording": {"worth": "Je vaux autant."}})
    assert first(folder).items[0].label.fr == "Je vaux autant."


def test_the_limit_for_one_person_says_where_it_comes_from(tmp_path: Path) -> None:
    rows = rows_of(40, lambda _: 0.3, seed=6)
    own = first(write_study(tmp_path, rows)).error
    assert isinstance(own, ErrorRecord)
    assert own.source is ErrorSource.SAMPLE
    retest = {"reliability": 0.84, "sd": 5.0, "source": "Enquête"}
    declared = first(write_study(tmp_path, rows, instrument={"retest": retest})).error
    assert isinstance(declared, ErrorRecord)
    assert declared.source is ErrorSource.DECLARED
    assert declared.told_by == BilingualRecord(fr="Enquête", en="Enquête")
    assert declared.smallest == pytest.approx(1.959964 * np.sqrt(2) * 5 * np.sqrt(0.16), rel=1e-6)


def test_a_look_back_is_set_beside_the_change_and_never_in_its_place(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    rows = [[*row, *(rng.integers(1, 5, 10).tolist() if row[1] == "T1" else [""] * 10)]
            for row in rows_of(30, lambda _: 0.4, seed=7)]  # fmt: skip
    back = tuple(f"r{k}" for k in range(1, 11))
    names = dict(zip(("worth", "qualities", "failure", "able", "proud", "attitude", "satisfied",
                      "respect", "useless", "no_good"), back, strict=True))  # fmt: skip
    folder = write_study(tmp_path, rows, columns=back, instrument={"retrospective": names})
    record = first(folder)
    before, after = totals(rows, "T0"), totals(rows, "T1")
    then = {row[0]: total(list(map(int, row[12:22]))) for row in rows if row[1] == "T1"}
    assert record.change is not None
    assert record.reading is not None
    shift = record.reading.shift
    assert not isinstance(shift, RefusalRecord)
    assert shift.then_test.mean_change == pytest.approx(
        np.mean([after[code] - then[code] for code in then])
    )
    assert record.change.estimate == pytest.approx(np.mean([after[c] - before[c] for c in before]))
    assert "reste le résultat" in words(results_of(folder))


def test_a_selection_on_a_low_score_tells_its_drift(tmp_path: Path) -> None:
    rows = rows_of(40, lambda _: 0.3, seed=8)
    chosen = {"mean": 30.0, "correlation": 0.8, "source": "Enquête"}
    folder = write_study(tmp_path, rows, instrument={"selection": chosen})
    entry = np.mean(list(totals(rows, "T0").values()))
    reading = first(folder).reading
    assert reading is not None
    assert reading.drift == pytest.approx(0.2 * (30 - entry))
    assert "(Enquête)" in words(results_of(folder))


def test_weights_for_those_lost_stand_beside_the_change_without_them(tmp_path: Path) -> None:
    rows = rows_of(120, lambda i: 0.8 if i % 2 else 0.0, seed=9)
    lost = [i for i in range(120) if i % 6 == 0 or i % 10 == 1]
    kept = [row for row in rows if row[1] == "T0" or int(row[0][1:]) not in lost]
    told = [[*row, "F" if int(row[0][1:]) % 2 else "H"] for row in kept]
    folder = write_study(tmp_path, told, columns=("sexe",), instrument={"nonresponse": ["sexe"]})
    record = first(folder)
    assert isinstance(record.response, ResponseRecord)
    before, after = totals(kept, "T0"), totals(kept, "T1")
    gain = {code: after[code] - before[code] for code in after}
    women = [g for code, g in gain.items() if int(code[1:]) % 2]
    men = [g for code, g in gain.items() if not int(code[1:]) % 2]
    assert record.change is not None
    # a saturated model: each sex counts as it did at entry, half and half
    assert record.change.estimate == pytest.approx((np.mean(women) + np.mean(men)) / 2, rel=1e-6)
    assert record.response.unweighted == pytest.approx(np.mean(list(gain.values())))


def test_nobody_found_again_is_told(tmp_path: Path) -> None:
    rows = [[row[0] if row[1] == "T0" else f"Z{row[0]}", *row[1:]]
            for row in rows_of(30, lambda _: 0.4, seed=4)]  # fmt: skip
    record = first(write_study(tmp_path, rows))
    assert "nobody_matched" in [finding.code for finding in record.findings]
    assert record.change is None


def test_people_seen_twice_at_one_date_are_told(tmp_path: Path) -> None:
    rows = rows_of(30, lambda _: 0.4, seed=4)
    record = first(write_study(tmp_path, [*rows, rows[0], rows[4]]))
    told = {finding.code: finding.values for finding in record.findings}
    assert told["duplicated_person_wave"]["n"] == 2
    assert record.change is not None
    assert record.change.n == 30


def test_codes_that_people_make_up_are_linked(tmp_path: Path) -> None:
    """One slip in four codes, one code typed in lower case: the same change as without."""
    clean = rows_of(30, lambda _: 0.4, seed=4, code="AB{:03d}XYZ")
    slips = {"AB003XYZ": "AB003XY", "AB007XYZ": "ab007xyz", "AB011XYZ": "AB011YXZ"}
    typed = [[slips.get(row[0], row[0]) if row[1] == "T1" else row[0], *row[1:]] for row in clean]
    expected = first(write_study(tmp_path, clean)).change
    linked = write_study(
        tmp_path, typed,
        instrument={"data": {"file": "donnees.csv", "roles": {"unit": "id", "time": "vague"},
                             "link": {}}},
        study={"data": {"file": "donnees.csv", "roles": {"unit": "id", "time": "vague"},
                        "link": {}}},
    )  # fmt: skip
    found = first(linked).change
    assert expected is not None
    assert found is not None
    assert (found.n, found.estimate) == (30, pytest.approx(expected.estimate))


def test_no_count_of_few_leaves_in_either_group(tmp_path: Path) -> None:
    helped = [[*row, 1] for row in rows_of(30, lambda _: 0.5, seed=9)]
    others = [[*row, 0] for row in rows_of(7, lambda _: 0.0, seed=8, code="C{:03d}")]
    few = {"privacy": {"threshold": 11}}
    folder = write_study(tmp_path, helped + others, columns=("aide",),
                         roles={"treatment": "aide"}, study=few)  # fmt: skip
    told = release(results_of(folder)).results
    comparison = told.scores[1]
    assert comparison.withheld
    assert comparison.n is None
    assert told.scores[0].change is not None
    assert told.scores[0].change.estimate is not None
    said = words(results_of(folder))
    assert re.findall(r"(?<![\d,−+])(?:7|37|14|74)(?![\d,])", said) == []


def test_two_ratings_of_the_same_people_are_compared_question_by_question(tmp_path: Path) -> None:
    """Twenty people rated by two workers: the second a point higher on the first question."""
    rng = np.random.default_rng(11)
    back = tuple(f"s{k}" for k in range(1, 11))
    items = ("worth", "qualities", "failure", "able", "proud", "attitude", "satisfied", "respect",
             "useless", "no_good")  # fmt: skip
    rows = []
    for row in rows_of(30, lambda _: 0.4, seed=11):
        again: list[Any] = [""] * 10
        if row[1] == "T0" and int(row[0][1:]) < 20:
            again = [min(row[2] + 1, 4), *(int(a) for a in row[3:12])]
            again[4] = int(rng.integers(1, 5))
        rows.append([*row, *again])
    folder = write_study(
        tmp_path,
        rows,
        columns=back,
        instrument={"second_rating": dict(zip(items, back, strict=True))},
    )
    record = first(folder)
    assert len(record.agreement) == 10
    worth, same = record.agreement[0], record.agreement[1]
    pairs = [(row[2], row[12]) for row in rows if row[12] != ""]
    assert worth.n == 20
    assert worth.exact == pytest.approx(np.mean([a == b for a, b in pairs]))
    assert worth.bias == pytest.approx(np.mean([b - a for a, b in pairs]))
    assert (same.exact, same.bias) == (1.0, 0.0)
    assert "s’accordent-elles" in words(results_of(folder))


def test_few_of_a_group_are_not_everybody_less_the_others(tmp_path: Path) -> None:
    """Where the study follows 37 people, the 30 accompanied are counted nowhere beside them."""
    helped, others = (
        rows_of(30, lambda _: 0.5, seed=9),
        rows_of(7, lambda _: 0.0, seed=8, code="C{}"),
    )
    rows = [[*row, 1] for row in helped] + [[*row, 0] for row in others]
    folder = write_study(tmp_path, rows, columns=("aide",), roles={"treatment": "aide"},
                         study={"privacy": {"threshold": 11}})  # fmt: skip
    told = release(results_of(folder)).results
    counts = {n for score in told.scores for n in (score.n, score.change and score.change.n)}
    everybody = {n for step in told.data.flow for n in (step.n, step.units)} | {told.data.n_rows}
    both = [(a, b) for a in everybody - {None} for b in counts - {None}]
    assert [(a, b) for a, b in both if 0 < a - b < 11 or 0 < a - 2 * b < 22] == []
