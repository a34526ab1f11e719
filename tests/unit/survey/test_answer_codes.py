"""The labels of a file decide what its codes mean; codes alone are the scale's, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.reading import read_table
from impact_eval.data.value_labels import dictionary_labels
from impact_eval.report.texts import Texts
from impact_eval.survey import instrument, instruments
from impact_eval.survey.answer_codes import ReadBy
from impact_eval.survey.instrument_file import Instrument

RSES = instrument("rses-fr")
ITEMS = list(RSES.item_ids)
WORDS = {r.code: r.fr[0] for r in RSES.responses}


def labelled(frame: pd.DataFrame, labels: Mapping[Any, str]) -> pd.DataFrame:
    """Return a table that carries the same labels in each column, as `read_table` leaves it."""
    said = dictionary_labels({code: (label,) for code, label in labels.items()})
    entries = [{"name": name, **said} for name in frame.columns]
    out = frame.copy()
    out.attrs["reading"] = {"dictionary": entries}
    return out


def answers_of(rng: np.random.Generator, scale: Instrument, n: int = 30) -> pd.DataFrame:
    draws = {}
    for name in scale.item_ids:
        low, high = scale.bounds(name)
        draws[name] = rng.integers(int(low), int(high) + 1, n)
    return pd.DataFrame(draws)


def refusal(scale: Instrument, frame: pd.DataFrame) -> ImpactEvalError:
    with pytest.raises(ImpactEvalError) as caught:
        scale.score(frame)
    for language in ("fr", "en"):
        for finding in caught.value.findings:
            assert Texts(language).finding(finding).text
    return caught.value


@settings(max_examples=40, deadline=None)
@given(codes=st.permutations([1, 2, 3, 4, 7, 0, -5]), seed=st.integers(0, 1000))
def test_scores_follow_the_labels_whatever_the_codes(codes: list[int], seed: int) -> None:
    frame = answers_of(np.random.default_rng(seed), RSES)
    coding = dict(zip(WORDS, codes, strict=False))
    file = labelled(frame.map(coding.get), {coding[answer]: w for answer, w in WORDS.items()})
    scores = RSES.score(file)
    np.testing.assert_array_equal(scores.values, RSES.score(frame).values)
    told = [f for f in scores.findings if f.code == "recoded_by_label"]
    changed = {f"{new} → {old}" for old, new in coding.items() if new != old}
    assert {pair for f in told for pair in f.values["pairs"]} == changed  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_any_scale_with_words_is_read_from_a_reversed_file(language: str) -> None:
    rng = np.random.default_rng(5)
    for scale in instruments():
        words = {r.code: (r.fr if language == "fr" else r.en) for r in scale.responses}
        if not words or not all(words.values()) or any(i.responses for i in scale.items):
            continue
        frame = answers_of(rng, scale)
        ends = min(words) + max(words)
        file = labelled(ends - frame, {ends - c: w[0] for c, w in words.items()})
        one = scale.score(file, licence_declared=True)
        other = scale.score(frame, licence_declared=True)
        for name in one.items:
            np.testing.assert_array_equal(one.items[name], other.items[name], err_msg=scale.id)


def test_synonyms_numbers_and_no_answer_in_labels_are_understood() -> None:
    frame = pd.DataFrame([dict.fromkeys(ITEMS, 1), dict.fromkeys(ITEMS, 2)]).astype(float)
    frame.loc[1, "worth"] = 9
    labels = {
        1: "1 - Tout à fait d’accord", 2: "2 - Plutôt d'accord", 3: "3 - Plutôt pas d'accord",
        4: "4 - Pas du tout d'accord", 9: "9 - NSP/refus",
    }  # fmt: skip
    scores = RSES.score(labelled(frame, labels))
    # 1 is the most in agreement (4), 2 the next (3); five items are reversed, one is left out.
    assert scores.values.tolist() == [25.0, pytest.approx((4 * 3 + 5 * 2) * 10 / 9)]
    table = next(t for t in scores.codes if t.item == "worth")
    assert table.by is ReadBy.LABEL
    assert [(r.code, r.answer, r.points, r.n) for r in table.rows] == [
        ("4", 1, 1.0, 0), ("3", 2, 2.0, 0), ("2", 3, 3.0, 0), ("1", 4, 4.0, 1),
        ("9", None, None, None),
    ]  # fmt: skip
    assert table.rows[-1].missing == "does_not_know"


def test_a_reversed_item_shows_the_points_it_counts() -> None:
    frame = pd.DataFrame([dict.fromkeys(ITEMS, 1), dict.fromkeys(ITEMS, 4)])
    (table,) = [t for t in RSES.score(frame).codes if t.item == "failure"]
    assert table.by is ReadBy.CODE
    assert [(r.code, r.label, r.points, r.n) for r in table.rows] == [
        ("1", None, 4.0, 1), ("2", None, 3.0, 0), ("3", None, 2.0, 0), ("4", None, 1.0, 1),
    ]  # fmt: skip


def test_ends_alone_are_enough_when_they_are_the_scale_s_own() -> None:
    frame = pd.DataFrame([dict.fromkeys(ITEMS, 2)])
    fine = {1: "Tout à fait en désaccord", 4: "Tout à fait en accord"}
    assert RSES.score(labelled(frame, fine)).values.tolist() == [25.0]
    turned = {1: "Tout à fait en accord", 4: "Tout à fait en désaccord"}
    found = refusal(RSES, labelled(frame, turned))
    assert set(found.codes) == {"codes_without_label"}
    assert found.findings[0].values["labels"] == ("1 = Tout à fait en accord",
                                                  "4 = Tout à fait en désaccord")  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ({1: "Un peu", 2: "Beaucoup", 3: "Énormément", 4: "Infiniment"}, "labels_unknown"),
        ({**WORDS, 5: "Ni en accord ni en désaccord"}, "labels_unknown"),
        ({**WORDS, 1: "Pas du tout d'accord", 2: "Tout à fait en désaccord"},
         "labels_say_one_answer"),
        ({**WORDS, 1: "2 - Tout à fait en désaccord"}, "number_beside_label"),
    ],
)  # fmt: skip
def test_labels_that_do_not_match_whole_are_refused(labels: dict[int, str], code: str) -> None:
    frame = pd.DataFrame([dict.fromkeys(ITEMS, 3)])
    assert set(refusal(RSES, labelled(frame, labels)).codes) == {code}


def test_numbers_as_labels_are_the_numbers_that_people_saw() -> None:
    life = instrument("life-satisfaction")
    codes = pd.DataFrame({"satisfaction": [1, 6, 11]})
    from_one = {c: str(c - 1) for c in range(1, 12)}
    assert life.score(labelled(codes, from_one)).values.tolist() == [0.0, 5.0, 10.0]
    ends = {**from_one, 1: "Pas du tout satisfait", 11: "10 - Entièrement satisfait"}
    assert life.score(labelled(codes, ends)).values.tolist() == [0.0, 5.0, 10.0]
    plain = pd.DataFrame({"satisfaction": [0, 5, 10]})
    fine = {0: "Pas du tout satisfait", 10: "Entièrement satisfait"}
    assert life.score(labelled(plain, fine)).values.tolist() == [0.0, 5.0, 10.0]
    turned = {0: "Entièrement satisfait", 10: "Pas du tout satisfait"}
    assert refusal(life, labelled(plain, turned)).codes == ("labels_upside_down",)


def test_labels_that_only_repeat_the_code_say_nothing() -> None:
    frame = pd.DataFrame([dict.fromkeys(ITEMS, 2)])
    scores = RSES.score(labelled(frame, {c: str(c) for c in WORDS}))
    assert scores.values.tolist() == [25.0]
    assert {t.by for t in scores.codes} == {ReadBy.CODE}


def test_yes_and_no_of_a_national_survey_are_asked_or_read_by_label() -> None:
    epices = instrument("epices")
    ids = list(epices.item_ids)
    truth = pd.DataFrame(np.random.default_rng(2).integers(0, 2, (20, len(ids))), columns=ids)
    file = 2 - truth  # 1 yes, 2 no
    found = refusal(epices, file)
    assert set(found.codes) == {"yes_no_codes"}
    assert set(found.findings[0].values["columns"]) == set(ids)  # type: ignore[arg-type]
    by_label = epices.score(labelled(file, {1: "Oui", 2: "Non"}))
    np.testing.assert_array_equal(by_label.values, epices.score(truth).values)
    other = epices.score(labelled(1 + truth, {1: "Non", 2: "Oui"}))
    np.testing.assert_array_equal(other.values, epices.score(truth).values)


def test_yes_to_arrears_is_a_deprivation() -> None:
    scale = instrument("material-social-deprivation")
    has = pd.DataFrame([dict.fromkeys(scale.item_ids, "Oui")])
    assert scale.score(has).values.tolist() == [1.0]
    none = has.assign(arrears="Non")
    assert scale.score(none).values.tolist() == [0.0]
    codes = pd.DataFrame([dict.fromkeys(scale.item_ids, 1), dict.fromkeys(scale.item_ids, 2)])
    assert refusal(scale, codes).codes == ("yes_no_codes",)
    by_ability = has.assign(arrears="Non, pour des raisons financières")
    assert refusal(scale, by_ability).codes == ("unknown_label",)


@pytest.mark.parametrize(("name", "step"), [("phq-9", 1), ("gad-7", 1), ("rses-fr", -1)])
def test_codes_shifted_by_one_are_refused(name: str, step: int) -> None:
    scale = instrument(name)
    frame = answers_of(np.random.default_rng(3), scale) + step
    found = refusal(scale, frame)
    assert found.codes == ("codes_shifted",)
    low, high = scale.bounds(scale.item_ids[0])
    values = found.findings[0].values
    assert (values["first"], values["last"]) == (low + step, high + step)


def test_an_end_that_nobody_met_is_told() -> None:
    phq = instrument("phq-9")
    well = pd.DataFrame([dict.fromkeys(phq.item_ids, 1)] * 20)
    assert "lowest_code_never_met" in {f.code for f in phq.score(well).findings}
    met = well.copy()
    met.iloc[0, 0] = 0
    assert "lowest_code_never_met" not in {f.code for f in phq.score(met).findings}
    low = pd.DataFrame(np.random.default_rng(1).integers(1, 4, (20, 10)), columns=ITEMS)
    assert "highest_code_never_met" in {f.code for f in RSES.score(low).findings}
    by_label = RSES.score(labelled(low, WORDS))
    assert "highest_code_never_met" not in {f.code for f in by_label.findings}


@pytest.mark.parametrize("code", [-99, 99, -1, 98, 999, 9])
def test_a_code_of_no_answer_is_never_scored(code: int) -> None:
    frame = answers_of(np.random.default_rng(4), RSES)
    frame.loc[2, "able"] = code
    found = refusal(RSES, frame)
    assert found.codes == ("missing_code_undeclared",)
    assert found.findings[0].values["values"] == (float(code),)
    assert f'["{code}"]'.replace("-", "−") in str(found).replace("-", "−")


def test_codes_kept_as_text_are_judged_as_codes() -> None:
    frame = answers_of(np.random.default_rng(4), RSES)
    text = frame.astype(str)
    np.testing.assert_array_equal(RSES.score(text).values, RSES.score(frame).values)
    shifted = instrument("phq-9")
    codes = (answers_of(np.random.default_rng(3), shifted) + 1).astype(str)
    assert refusal(shifted, codes).codes == ("codes_shifted",)
    text.loc[2, "able"] = "-99"
    assert refusal(RSES, text).codes == ("missing_code_undeclared",)


def test_other_codes_off_the_scale_are_refused_as_before() -> None:
    frame = answers_of(np.random.default_rng(4), RSES)
    frame.loc[2, "able"] = 6
    assert refusal(RSES, frame).codes == ("off_range",)


def test_a_file_of_statistics_is_scored_by_its_labels(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    truth = answers_of(np.random.default_rng(6), RSES)
    labels = {float(5 - c): w for c, w in WORDS.items()} | {9.0: "Sans réponse"}
    file = (5 - truth).astype(float)
    file.iloc[0, 0] = 9
    truth = truth.astype(float)
    truth.iloc[0, 0] = np.nan
    every = dict.fromkeys(ITEMS, labels)
    pyreadstat.write_sav(file, str(tmp_path / "t.sav"), variable_value_labels=every)
    pyreadstat.write_dta(
        file.astype("Int64").astype(int), str(tmp_path / "t.dta"),
        variable_value_labels={n: {int(c): w for c, w in labels.items()} for n in ITEMS},
    )  # fmt: skip
    for name in ("t.sav", "t.dta"):
        read = read_table(tmp_path / name)
        np.testing.assert_array_equal(RSES.score(read).values, RSES.score(truth).values)


def test_a_codebook_of_the_questionnaire_s_order_is_followed(tmp_path: Path) -> None:
    truth = answers_of(np.random.default_rng(7), RSES)
    (5 - truth).to_csv(tmp_path / "t.csv", index=False)
    lines = ['schema = "impact-eval/codebook/1"']
    said = ", ".join(f'"{5 - c}" = "{w}"' for c, w in WORDS.items())
    lines += [f"[columns.{name}]\nlabels = {{ {said} }}" for name in ITEMS]
    (tmp_path / "t.codes.toml").write_text("\n".join(lines), encoding="utf-8")
    read = read_table(tmp_path / "t.csv")
    np.testing.assert_array_equal(RSES.score(read).values, RSES.score(truth).values)
