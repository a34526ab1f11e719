"""Scores held to published numbers, to R, and to the arithmetic of each manual."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.data.value_labels import dictionary_labels
from impact_eval.stats.scales.summing import (
    group_against_norm,
    midrank_percentile,
    percent_of_maximum,
    z_scores,
)
from impact_eval.survey import instrument
from impact_eval.survey.instrument_file import Instrument

RSES = SecondRung()

CESD = """
schema = "impact-eval/instrument/1"
id = "cesd"
name = { fr = "Symptômes dépressifs (CES-D)" }
direction = "lower_is_better"
low = 0
high = 3
health = true
items = [
  { id = "F1A" }, { id = "F1B" }, { id = "F1C" }, { id = "F1D", reversed = true },
  { id = "F1E" }, { id = "F1F" }, { id = "F1G" }, { id = "F1H", reversed = true },
  { id = "F1I" }, { id = "F1J" }, { id = "F1K" }, { id = "F1L", reversed = true },
  { id = "F1M" }, { id = "F1N" }, { id = "F1O" }, { id = "F1P", reversed = true },
  { id = "F1Q" }, { id = "F1R" }, { id = "F1S" }, { id = "F1T" },
]
[scoring]
rule = "sum"
missing = { least = 20, source = "All answers" }
"""


def nan(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values])


@pytest.fixture(scope="module")
def waves(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data/synthetic_rses_t0t1.csv")


@pytest.fixture(scope="module")
def reference_change(shared: Path) -> dict[str, Any]:
    import json

    return json.loads((shared / "reference/survey/change_tests.json").read_text())


@RSES
@pytest.mark.parametrize("wave", ["t0", "t1"])
def check_rses_half_rule_and_strict_sum_equal_r(
    wave: str, waves: pd.DataFrame, reference_change: dict[str, Any]
) -> None:
    columns = [f"{wave}_r{i}" for i in range(1, 11)]
    scores = instrument("rses-fr").score(waves, columns)
    expected = reference_change["rses_synthetic"]
    half = nan(expected[f"prorated_{wave}"])
    # The stored rule asks for nine answers of ten; the one kept here is the half rule.
    with_nine = np.where(scores.answered >= 9, scores.values, np.nan)
    np.testing.assert_allclose(with_nine, half, atol=1e-9)
    strict = np.where(scores.answered == 10, scores.values, np.nan)
    np.testing.assert_allclose(strict, nan(expected[f"strict_{wave}"]), atol=1e-9)


@RSES
def check_rses_of_the_messy_truth(shared: Path) -> None:
    truth = pd.read_csv(shared / "data/messy/canonical.csv")
    scores = instrument("rses-fr").score(truth, {str(i): f"rses_{i}" for i in range(1, 11)})
    np.testing.assert_allclose(scores.values, truth["rses_total_half_rule"], atol=5e-7)
    assert scores.prorated == 2


def test_on_rses(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    RSES.run(request, subtests)


def test_cesd_recomputes_all_published_totals(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "cesd.toml"
    path.write_text(CESD, encoding="utf-8")
    frame = pd.read_csv(shared / "data/fr/intl/help_longitudinal_items_sf36_cesd.csv")
    scores = Instrument.read(path).score(frame)
    complete = ~np.isnan(scores.values)
    assert complete.sum() == 1439
    np.testing.assert_array_equal(scores.values[complete], frame["CES_D"].to_numpy()[complete])
    assert scores.local
    assert "local_scale" in {finding.code for finding in scores.findings}


def test_norms_equal_r(reference_change: dict[str, Any], shared: Path) -> None:
    norms = reference_change["norms"]
    x = np.array(norms["x"], dtype=float)
    z = z_scores(x, mean=30, sd=5)
    np.testing.assert_allclose(z, norms["z_mu30_sd5"], atol=1e-12)
    np.testing.assert_allclose(50 + 10 * z, norms["T"], atol=1e-12)
    pre = pd.read_csv(shared / "data/synthetic_prepost24.csv")["pre"].to_numpy(float)
    np.testing.assert_allclose(
        midrank_percentile(pre[:5], pre), norms["midrank_percentile_in_sample"], atol=1e-8
    )
    np.testing.assert_allclose(
        percent_of_maximum(x, low=10, high=40), norms["pomp_10_40"], atol=1e-8
    )
    known = group_against_norm(pre, mean=30)
    assert not isinstance(known, NotApplicable)
    one = norms["one_sample_vs_norm"]
    assert known.statistic == pytest.approx(one["t"], abs=1e-8)
    assert known.p_value == pytest.approx(one["p"], rel=1e-8)
    welch = group_against_norm(pre, mean=30, sd=5, n=500)
    assert not isinstance(welch, NotApplicable)
    two = norms["summary_welch_vs_norm_n500"]
    assert welch.statistic == pytest.approx(two["t"], abs=1e-8)
    assert welch.df == pytest.approx(two["df"], abs=1e-8)
    assert welch.p_value == pytest.approx(two["p"], rel=1e-8)


def _row(name: str, answers: dict[str, float]) -> float:
    return float(instrument(name).score(pd.DataFrame([answers])).values[0])


def test_epices_ranges_from_0_to_100_and_no_pattern_falls_between_the_two_thresholds() -> None:
    epices = instrument("epices")
    patterns = np.array(list(itertools.product((0, 1), repeat=11)))
    scores = epices.score(pd.DataFrame(patterns, columns=list(epices.item_ids)))
    assert scores.values.min() == 0
    assert scores.values.max() == 100
    assert not ((scores.values >= 30) & (scores.values < 30.17)).any()
    holes = pd.DataFrame(patterns[:3], columns=list(epices.item_ids)).astype(float)
    holes.iloc[0, 4] = np.nan
    assert np.isnan(epices.score(holes).values[0])


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("rses-fr", 1, 25.0),  # a straightliner on the balanced scale stands at the midpoint
        ("rses-en", 4, 25.0),
        ("gse", 4, 40.0),
        ("who-5", 3, 60.0),
        ("phq-9", 3, 27.0),
        ("phq-8", 1, 8.0),
        ("phq-4", 2, 8.0),
        ("gad-7", 2, 14.0),
        ("swls", 7, 35.0),
        ("ucla-3", 3, 9.0),
        ("mspss", 5, 5.0),
        ("fies", 1, 8.0),
        ("djg-6", 2, 6.0),  # more or less counts as lonely in both kinds of items
        ("djg-11", 2, 11.0),
        ("djg-6", 1, 3.0),  # no to all: the three people who are not there
        ("djg-11", 1, 5.0),
        ("djg-11", 3, 6.0),  # yes to all: the six things that are missed
        ("life-satisfaction", 7, 7.0),
    ],
)
def test_totals_of_one_same_answer(name: str, code: int, expected: float) -> None:
    assert _row(name, dict.fromkeys(instrument(name).item_ids, code)) == expected


@pytest.mark.parametrize(
    ("raw", "metric"), [(7, 7.0), (21, 19.25), (28, 25.03), (29, 26.02), (30, 27.03), (35, 35.0)]
)
def test_swemwbs_is_read_in_its_table(raw: int, metric: float) -> None:
    answers = np.full(7, raw // 7)
    answers[: raw % 7] += 1
    frame = pd.DataFrame([answers], columns=list(instrument("swemwbs").item_ids))
    scores = instrument("swemwbs").score(frame, licence_declared=True)
    assert scores.values[0] == metric


def test_wemwbs_is_the_plain_sum_of_fourteen_answers() -> None:
    """User guide: 14 to 70, complete answers only."""
    wemwbs = instrument("wemwbs")
    frame = pd.DataFrame([np.full(14, 1), np.full(14, 3), np.full(14, 5)], columns=wemwbs.item_ids)
    assert wemwbs.score(frame, licence_declared=True).values.tolist() == [14, 42, 70]


@pytest.mark.parametrize(
    ("part", "answer", "expected"), [("behaviour", 2, 2.0), ("outcome", 5, 5.0)]
)
def test_job_search_self_efficacy_is_two_means(part: str, answer: int, expected: float) -> None:
    jsse = instrument("jsse")
    answers = {name: answer if name.startswith(part) else 3 for name in jsse.item_ids}
    assert jsse.score(pd.DataFrame([answers])).part(part).values[0] == expected


@pytest.mark.parametrize("question", ["satisfied", "worthwhile", "happy", "anxious"])
def test_the_four_questions_of_the_ons_are_never_added(question: str) -> None:
    ons = instrument("ons4")
    answers = {name: 10 * (name == question) for name in ons.item_ids}
    scores = ons.score(pd.DataFrame([answers]))
    assert [scores.part(name).values[0] for name in ons.item_ids] == list(answers.values())
    assert np.isnan(scores.values).all()


def test_food_security_skips_the_question_that_was_not_asked() -> None:
    asked = {"hh3": 2, "hh4": 1, "ad1": 1, "ad1a": 3, "ad2": 1, "ad3": 0}
    assert _row("hfssm-6", asked) == 4
    assert _row("hfssm-6", {**asked, "ad1": 0, "ad1a": np.nan}) == 3
    assert np.isnan(_row("hfssm-6", {**asked, "ad1a": np.nan}))


def test_food_security_screened_out_after_three_negative_answers_is_secure() -> None:
    """USDA, optional screener: the questions end after « never, never, no »."""
    ended = {"hh3": 3, "hh4": 3, "ad1": 0, "ad1a": np.nan, "ad2": np.nan, "ad3": np.nan}
    assert _row("hfssm-6", ended) == 0
    assert np.isnan(_row("hfssm-6", {**ended, "hh4": 2}))  # asked, and not answered
    assert np.isnan(_row("hfssm-6", {**ended, "ad1": np.nan}))


def test_de_jong_gierveld_total_tolerates_one_blank_and_subscales_none() -> None:
    frame = pd.DataFrame([dict.fromkeys(instrument("djg-6").item_ids, 2.0)])
    frame.loc[0, "djg3"] = np.nan
    scores = instrument("djg-6").score(frame)
    assert scores.values[0] == 5
    assert np.isnan(scores.part("emotional").values[0])
    assert scores.part("social").values[0] == 3


def test_every_score_stays_in_its_declared_range(rng: np.random.Generator) -> None:
    for name in ("rses-fr", "gse", "who-5", "phq-9", "mspss", "epices", "djg-11", "swls"):
        scale = instrument(name)
        answers = rng.integers(scale.low, scale.high + 1, size=(200, len(scale.item_ids)))
        scores = scale.score(pd.DataFrame(answers, columns=list(scale.item_ids)))
        assert scores.values.min() >= scores.low
        assert scores.values.max() <= scores.high


def test_every_band_and_norm_names_its_source() -> None:
    from impact_eval.survey import instruments

    for scale in instruments():
        for fact in (*scale.cutoffs, *scale.norms, *scale.change):
            assert fact.source
        bands = scale.bands()
        for low, high in itertools.pairwise(bands):
            assert low.high is not None
            assert high.low is not None
            assert low.high < high.low


@pytest.mark.parametrize(("question", "better"), [("anxious", "lower"), ("happy", "higher")])
def test_each_question_of_the_ons_has_its_own_better_way(question: str, better: str) -> None:
    """Office for National Statistics: a low anxiety is good, a low happiness is not."""
    ons = instrument("ons4")
    part = ons.score(pd.DataFrame([dict.fromkeys(ons.item_ids, 5)])).part(question)
    assert part.direction == f"{better}_is_better"
    assert part.to_dict()["direction"] == f"{better}_is_better"


# The syntax of the manual: count lone3 lone9 lone10 (2,3) lone4 lone7 lone8 (1,2).
LONELY_CODES = {"emotional": {2, 3}, "social": {1, 2}}


@pytest.mark.parametrize("name", ["djg-6", "djg-11"])
def test_loneliness_is_counted_as_the_syntax_of_the_manual(
    name: str, rng: np.random.Generator
) -> None:
    """De Jong Gierveld & Van Tilburg, manual: 1 = no, 2 = more or less, 3 = yes."""
    scale = instrument(name)
    frame = pd.DataFrame(rng.integers(1, 4, (60, len(scale.items))), columns=list(scale.item_ids))
    scores = scale.score(frame)
    for part in scale.subscales:
        counted = frame[list(part.items)].isin(LONELY_CODES[part.id]).sum(axis=1)
        np.testing.assert_array_equal(scores.part(part.id).values, counted)
    parts = [scores.part(part.id).values for part in scale.subscales]
    np.testing.assert_array_equal(scores.values, sum(parts))
    written = frame.replace({1: "Non", 2: "Plus ou moins", 3: "Oui"})
    np.testing.assert_array_equal(scale.score(written).values, scores.values)


def test_a_file_that_counts_yes_as_one_is_read_by_its_labels() -> None:
    djg = instrument("djg-6")
    frame = pd.DataFrame([dict.fromkeys(djg.item_ids, 1), dict.fromkeys(djg.item_ids, 3)])
    said = dictionary_labels({1: ("Oui",), 2: ("Plus ou moins",), 3: ("Non",)})
    frame.attrs["reading"] = {"dictionary": [{"name": name, **said} for name in djg.item_ids]}
    scores = djg.score(frame)
    assert scores.part("emotional").values.tolist() == [3, 0]
    assert scores.part("social").values.tolist() == [0, 3]


# Commission Regulation (EU) No 112/2013: 1 yes, 2 no, cannot afford it, 3 no, other reason.
LACKS = {"clothes": 2, "shoes": 2, "furniture": 2, "car": 3, "leisure": 3}


def test_deprivations_are_counted_as_the_codes_of_the_regulation() -> None:
    """Three things lacked for want of money and two for another reason: three deprivations."""
    scale = instrument("material-social-deprivation")
    answers = {**dict.fromkeys(scale.item_ids, 1), "arrears": 0, **LACKS}
    scores = scale.score(pd.DataFrame([answers, {**answers, "arrears": 1}]))
    assert scores.values.tolist() == [3, 4]
    assert scores.part("household").values.tolist() == [1, 2]
    assert scores.part("individual").values.tolist() == [2, 2]
    assert [cut.low for cut in scores.cutoffs if cut.case] == [5, 7]


def test_arrears_are_a_yes_and_the_rest_a_no_for_want_of_money() -> None:
    scale = instrument("material-social-deprivation")
    words = {1: "Oui", 2: "Non, faute de moyens", 3: "Non, pour une autre raison"}
    has_all = {**dict.fromkeys(scale.item_ids, "Oui"), "arrears": "Non"}
    lacks_all = {**dict.fromkeys(scale.item_ids, words[2]), "arrears": "Oui, deux fois ou plus"}
    wants_none = {**dict.fromkeys(scale.item_ids, words[3]), "arrears": "Non"}
    scores = scale.score(pd.DataFrame([has_all, lacks_all, wants_none]))
    assert scores.values.tolist() == [0, 13, 0]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({}, "no_without_reason"),  # 1 = Oui, 2 = Non, as the national survey
        ({"arrears": 2, "car": 3}, "yes_no_codes"),
        ({"arrears": 1, "car": 0}, "codes_shifted"),  # 0 and 1
        ({"arrears": 3, "car": 3}, "off_range"),  # EU-SILC: yes once, yes more, no
    ],
)
def test_codes_of_another_coding_are_never_read_in_silence(
    answers: dict[str, int], code: str
) -> None:
    scale = instrument("material-social-deprivation")
    row = {**dict.fromkeys(scale.item_ids, 1), "heating": 2, "arrears": 0, **answers}
    with pytest.raises(ImpactEvalError) as refusal:
        scale.score(pd.DataFrame([row] * 5))
    assert refusal.value.codes == (code,)


def test_a_bare_no_has_no_reason_and_is_not_read() -> None:
    """« N'avez-vous pas les moyens de… ? »: there the yes is the deprivation."""
    scale = instrument("material-social-deprivation")
    row = {**dict.fromkeys(scale.item_ids, "Oui"), "heating": "Non"}
    with pytest.raises(ImpactEvalError) as refusal:
        scale.score(pd.DataFrame([row]))
    assert refusal.value.codes == ("unknown_label",)


def test_codes_that_other_surveys_give_the_other_way_are_told_as_they_were_read() -> None:
    djg = instrument("djg-6")
    scores = djg.score(pd.DataFrame([dict.fromkeys(djg.item_ids, 2)]))
    told = [f for f in scores.findings if f.code == "coded_both_ways"]
    assert [f.values["pairs"] for f in told] == [("1 = Non", "2 = Plus ou moins", "3 = Oui")]
    written = djg.score(pd.DataFrame([dict.fromkeys(djg.item_ids, "Oui")]))
    assert "coded_both_ways" not in {f.code for f in written.findings}
