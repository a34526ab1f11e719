"""Scoring: invariant to order, bounded, and every bad input told in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.report.texts import Texts
from impact_eval.survey import (
    ChangePlan,
    attrition,
    care,
    instrument,
    instruments,
    pair_waves,
    plan_from,
    read_change,
)
from impact_eval.survey.instrument_file import Instrument

RSES = instrument("rses-fr")
NAMES = list(RSES.item_ids)
_answer = st.one_of(st.none(), st.integers(1, 4))


def trait_table(rng: np.random.Generator, n: int = 80) -> pd.DataFrame:
    """Answers that hang together, as a person would give them (before reversal)."""
    trait = rng.normal(size=(n, 1))
    keyed = np.clip(np.round(2.5 + 0.8 * trait + 0.5 * rng.normal(size=(n, 10))), 1, 4)
    turned = np.array([RSES.item(name).reversed for name in NAMES])
    return pd.DataFrame(np.where(turned, 5 - keyed, keyed), columns=NAMES)


def codes_of(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.code for finding in findings}


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.lists(_answer, min_size=10, max_size=10), min_size=1, max_size=6),
    order=st.permutations(range(10)),
)
def test_scores_do_not_depend_on_item_order_and_stay_in_range(
    rows: list[list[int | None]], order: list[int]
) -> None:
    frame = pd.DataFrame(rows, columns=NAMES, dtype=float)
    plain = RSES.score(frame)
    shuffled = RSES.score(frame[[NAMES[i] for i in order]], {NAMES[i]: NAMES[i] for i in order})
    np.testing.assert_array_equal(plain.values, shuffled.values)
    seen = plain.values[~np.isnan(plain.values)]
    assert ((seen >= 10) & (seen <= 40)).all()
    assert (np.isnan(plain.values) == (plain.answered < 5)).all()


def test_reversal_uses_the_declared_range() -> None:
    frame = pd.DataFrame([dict.fromkeys(NAMES, 2)] * 3)  # nobody used 1 nor 4
    assert RSES.score(frame).values.tolist() == [25.0] * 3


def test_labels_and_codes_give_the_same_scores(rng: np.random.Generator) -> None:
    frame = trait_table(rng)
    words = {1: "Tout à fait en désaccord", 2: "plutot en désaccord", 3: "Plutôt en accord",
             4: "TOUT À FAIT EN ACCORD"}  # fmt: skip
    labelled = frame.map(lambda c: words[int(c)])
    np.testing.assert_array_equal(RSES.score(labelled).values, RSES.score(frame).values)


def test_every_fault_of_the_columns_is_told_at_once(rng: np.random.Generator) -> None:
    frame = trait_table(rng)
    frame.loc[3, "worth"] = 7
    frame["qualities"] = ["parfois"] * len(frame)
    with pytest.raises(ImpactEvalError) as refusal:
        RSES.score(frame)
    assert set(refusal.value.codes) == {"off_range", "unknown_label"}
    with pytest.raises(ImpactEvalError) as unknown:
        RSES.score(frame, {"wort": "worth", "1": "worth", "worth": "able", "proud": "nowhere"})
    assert {"unknown_item", "duplicated_item", "missing_column"} <= set(unknown.value.codes)
    with pytest.raises(ImpactEvalError) as order:
        RSES.score(frame, NAMES[:9], order="de")
    assert {"wrong_item_count", "unknown_order"} <= set(order.value.codes)


def test_a_wrong_order_is_suspected_and_an_unreversed_item_named(rng: np.random.Generator) -> None:
    frame = trait_table(rng)
    as_english = [list(RSES.orders["en"]).index(name) for name in RSES.orders["fr"]]
    assert sorted(as_english) == list(range(10))
    columns = list(RSES.orders["en"])  # the sheet followed the English order
    wrong = RSES.score(frame, columns, order="fr")
    assert "wrong_order_suspected" in codes_of(wrong.findings)
    assert codes_of(RSES.score(frame, columns, order="en").findings) == set()
    flipped = frame.assign(failure=5 - frame["failure"])
    named = [f for f in RSES.score(flipped).findings if f.code == "item_looks_unreversed"]
    assert [f.values["item"] for f in named] == ["failure"]


def test_noise_hardly_ever_names_an_unreversed_item(rng: np.random.Generator) -> None:
    """Half of unlinked items go against the others: one table in 20 may name one, no more."""
    named = 0
    for _ in range(200):
        frame = pd.DataFrame(rng.integers(1, 5, size=(60, 10)), columns=list(RSES.orders["fr"]))
        named += "item_looks_unreversed" in codes_of(RSES.score(frame).findings)
    assert named / 200 < 0.12


def test_missing_constant_and_mixed_answers_are_pointed_out(rng: np.random.Generator) -> None:
    frame = trait_table(rng).astype(object)
    frame["able"] = 3
    frame.loc[5, "worth"] = "Plutôt en accord"
    frame["worth"] = frame["worth"].map(str)
    frame.iloc[0] = None
    found = codes_of(RSES.score(frame).findings)
    assert {"all_missing_rows", "constant_item", "mixed_labels"} <= found


def test_rights_are_respected() -> None:
    for scale in instruments():
        if scale.rights.wording != "A":
            assert all(not item.text for item in scale.items)
    wemwbs = instrument("wemwbs")
    frame = pd.DataFrame([dict.fromkeys(wemwbs.item_ids, 3)])
    with pytest.raises(ImpactEvalError) as refusal:
        wemwbs.score(frame)
    assert refusal.value.codes == ("licence_needed",)
    assert wemwbs.score(frame, licence_declared=True).values[0] == 42
    assert instrument("phq-9").wording("phq1", "en")
    assert RSES.wording("worth", "fr") is None
    with pytest.raises(ImpactEvalError) as elsewhere:
        instrument("alkire-foster").score(frame)
    assert elsewhere.value.codes == ("scored_elsewhere",)


def test_a_safeguarding_answer_is_raised_whatever_the_score() -> None:
    phq = instrument("phq-9")
    frame = pd.DataFrame([dict.fromkeys(phq.item_ids, 0) | {"phq9": 1}])
    scores = phq.score(frame)
    assert scores.values[0] == 1
    assert "safeguarding" in codes_of(scores.findings)


def test_a_local_instrument_tells_all_its_faults_at_once(tmp_path: Path) -> None:
    path = tmp_path / "echelle.toml"
    path.write_text(
        'schema = "impact-eval/instrument/1"\nid = "Ma échelle"\nlow = 1\nhigh = 5\n'
        'direction = "up"\ncolour = "red"\nitems = [{ id = "a", reverse = true }]\n'
        '[scoring]\nrule = "sum"\n',
        encoding="utf-8",
    )
    with pytest.raises(ImpactEvalError) as refusal:
        Instrument.read(path)
    assert sorted(refusal.value.codes) == [
        "bad_identifier", "unknown_key", "unknown_key", "wrong_choice",
    ]  # fmt: skip
    with pytest.raises(ImpactEvalError):
        Instrument.read(tmp_path / "absent.toml")


def test_a_cutoff_or_a_norm_without_source_cannot_exist(tmp_path: Path) -> None:
    path = tmp_path / "echelle.toml"
    path.write_text(
        'id = "x"\ndirection = "higher_is_better"\nhigh = 4\nitems = [{ id = "a" }]\n'
        'norms = [{ id = "n", mean = 2, year = 2020, population = "p" }]\n'
        'cutoffs = [{ id = "c", low = 1, source = "", population = "p" }]\n'
        '[scoring]\nrule = "sum"\n',
        encoding="utf-8",
    )
    with pytest.raises(ImpactEvalError) as refusal:
        Instrument.read(path)
    assert {"missing_key", "blank_text"} <= set(refusal.value.codes)


def test_scores_travel_with_what_is_needed_to_read_them(rng: np.random.Generator) -> None:
    frame = trait_table(rng)
    scores = RSES.score(frame)
    with_score = scores.add_to(frame, "estime")
    np.testing.assert_array_equal(with_score["estime"], scores.values)
    assert "estime" not in frame
    told = with_score.attrs["scores"]["estime"]
    assert told["direction"] == "higher_is_better"
    assert (told["low"], told["high"]) == (10, 40)
    with pytest.raises(ImpactEvalError):
        scores.add_to(with_score, "estime")
    with pytest.raises(ImpactEvalError):
        scores.add_to(frame.iloc[:3], "autre")


def test_straightliners_hide_at_the_midpoint_and_are_pointed_out(rng: np.random.Generator) -> None:
    frame = trait_table(rng)
    frame.iloc[:2] = 3
    scores = RSES.score(frame)
    found = care(RSES, scores)
    assert scores.values[0] == 25
    assert found.straight.tolist()[:3] == [True, True, False]
    assert found.longest_run[0] == 10
    assert not isinstance(found.says_yes, NotApplicable)
    assert found.says_yes[0] == 3
    assert "straightlining" in codes_of(found.findings)


def test_change_is_read_in_the_honest_order(rng: np.random.Generator) -> None:
    frame = trait_table(rng, 24)
    first = RSES.score(frame)
    after = first.values + rng.normal(0.5, 2, size=24)
    result = read_change(first.values, after, plan_from(first, cutoff=28.0))
    told = result.to_dict()
    assert list(told)[:3] == ["minimal_detectable", "detectable_mean", "worth_having"]
    assert sum(share.count for share in result.shares.values()) == 24
    assert "small_group_change" in codes_of(result.findings)
    worse = read_change(-first.values, -after, ChangePlan(higher_is_better=False))
    better = read_change(first.values, after, ChangePlan())
    assert {k: s.count for k, s in worse.shares.items()} == {
        k: s.count for k, s in better.shares.items()
    }


def test_waves_are_paired_by_person_and_doubles_reported() -> None:
    frame = pd.DataFrame({
        "id": ["a", "b", "a", "b", "b", "c"], "wave": ["T0", "T0", "T1", "T1", "T1", "T1"],
        "score": [1.0, 2.0, 3.0, np.nan, 5.0, 6.0],
    })  # fmt: skip
    pairs = pair_waves(frame, person="id", wave="wave", waves=("T0", "T1"), column="score")
    assert pairs.before.tolist() == [1, 2]
    assert pairs.after.tolist() == [3, 5]
    assert codes_of(pairs.findings) == {"duplicated_person_wave"}
    with pytest.raises(ImpactEvalError) as refusal:
        pair_waves(frame, person="id", wave="wave", waves=("T0", "T2"), column="score")
    assert refusal.value.codes == ("unknown_wave",)


def test_attrition_shows_who_was_lost(shared: Path) -> None:
    import json

    stored = json.loads((shared / "reference/survey/change_tests.json").read_text())
    expected = stored["rses_synthetic"]["attrition"]
    waves = pd.read_csv(shared / "data/synthetic_rses_t0t1.csv")
    seen = np.array([v is not None for v in stored["rses_synthetic"]["prorated_t1"]])
    lost = attrition(waves, seen, covariates=["age", "sexe"], group="arm")
    assert lost.n_lost == expected["lost"]
    assert lost.lost_by_group == pytest.approx(expected["by_arm"])
    assert not isinstance(lost.model, NotApplicable)
    # R models the loss, here the answer: signs change, errors do not.
    logit = expected["logit"]
    order = ("(Intercept)", "armcomparaison", "age", "sexeM")
    np.testing.assert_allclose(
        -np.asarray(lost.model.fit.coefficients), [logit[t]["Estimate"] for t in order], atol=1e-5
    )


def test_every_instrument_has_its_name_in_both_languages() -> None:
    for language in ("fr", "en"):
        texts = Texts(language)
        for scale in instruments():
            assert texts.say(f"instrument.{scale.id}.name")
            assert texts.say(f"instrument.{scale.id}.text")
            for cut in scale.cutoffs:
                assert texts.say(f"label.band.{cut.id}")
