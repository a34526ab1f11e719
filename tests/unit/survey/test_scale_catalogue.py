"""What every scale of the catalogue keeps to: one code by answer, its rights, its unread facts."""

from __future__ import annotations

import pandas as pd
import pytest

from impact_eval import ImpactEvalError
from impact_eval.survey import instrument, instruments
from impact_eval.survey.instrument_file import parse_instrument
from impact_eval.survey.scale import FactMark, ScoringRule, WordingClass
from tests.unit.survey.test_scale_checks import SCALE

# Answers that circulate in French, by scale; the code that each of them is.
CIRCULATING = {
    "phq-9": {
        "Pas du tout": 0, "jamais": 0, "Quelques jours": 1, "Plus de la moitié des jours": 2,
        "Plus de la moitié du temps": 2, "Plus de 7 jours": 2, "Plus de sept jours": 2,
        "presque tous les jours": 3,
    },
    "rses-fr": {
        "Tout à fait en désaccord": 1, "Fortement en désaccord": 1, "Pas du tout d’accord": 1,
        "Plutôt pas d’accord": 2, "Pas d’accord": 2, "Plutôt d’accord": 3, "D’accord": 3,
        "Tout à fait d’accord": 4, "Totalement d’accord": 4,
    },
    "gse": {
        "Pas du tout vrai": 1, "A peine vrai": 2, "Moyennement vrai": 3, "Totalement vrai": 4,
        "Tout à fait vrai": 4,
    },
    "who-5": {
        "A aucun moment": 0, "De temps en temps": 1, "Moins de la moitié du temps": 2,
        "Plus de la moitié du temps": 3, "La plupart du temps": 4, "Tout le temps": 5,
    },
    "swls": {
        "Pas du tout d'accord": 1, "Pas d’accord": 2, "Plutôt pas d’accord": 3,
        "Légèrement en désaccord": 3, "Ni d’accord ni pas d’accord": 4, "Plutôt d’accord": 5,
        "D'accord": 6, "Tout à fait d’accord": 7,
    },
    "mspss": {"Plutôt pas d’accord": 3, "Neutre": 4, "Tout à fait d’accord": 7},
    "ucla-3": {"Jamais": 1, "Jamais ou rarement": 1, "Quelquefois": 2, "Souvent": 3},
    "k6": {"Jamais": 0, "Rarement": 1, "Parfois": 2, "La plupart du temps": 3, "Tout le temps": 4},
    "ces-d": {"Très rarement": 0, "Occasionnellement": 1, "Assez souvent": 2, "Fréquemment": 3},
    "sdq": {"Pas vrai": 0, "Un peu vrai": 1, "Très vrai": 2},
}  # fmt: skip
REFUSED = [("mspss", "D’accord"), ("k6", "Souvent"), ("who-5", "Souvent"), ("gse", "Vrai"),
           ("phq-9", "Souvent"), ("material-social-deprivation", "Non")]  # fmt: skip


@pytest.mark.parametrize("name", CIRCULATING)
def test_answers_that_circulate_in_french_are_read(name: str) -> None:
    scale = instrument(name)
    item = scale.item_ids[0]
    for label, code in CIRCULATING[name].items():
        assert scale.labels(item).code_of(label) == code, label


@pytest.mark.parametrize(("name", "label"), REFUSED)
def test_an_answer_that_could_be_two_is_refused(name: str, label: str) -> None:
    scale = instrument(name)
    frame = pd.DataFrame([dict.fromkeys(scale.item_ids, label)])
    with pytest.raises(ImpactEvalError) as refusal:
        scale.score(frame, licence_declared=True)
    assert set(refusal.value.codes) == {"unknown_label"}


def test_no_label_is_accepted_for_two_codes() -> None:
    for scale in instruments():
        for name in scale.item_ids:
            words = scale.labels(name)
            for code, labels in words.labels.items():
                assert [words.code_of(label) for label in labels] == [code] * len(labels), scale.id


def test_questions_are_said_to_ship_only_where_all_of_them_do() -> None:
    for scale in instruments():
        for language in ("fr", "en"):
            held = [language in item.text for item in scale.items]
            assert scale.ships_wording(language) == (bool(held) and all(held)), scale.id
            assert not scale.ships_wording(language) or scale.rights.wording is WordingClass.SHIP
    for name in ("phq-9", "phq-8", "phq-4", "gad-7"):
        assert instrument(name).ships_wording("fr")
        assert instrument(name).instruction["fr"].endswith(" ?")


def test_an_instruction_is_a_wording_that_needs_its_rights() -> None:
    said = SCALE.replace("citation =", 'instruction = { fr = "Cochez." }\ncitation =')
    assert parse_instrument(said, file="essai.toml", local=False).instruction == {"fr": "Cochez."}
    with pytest.raises(ImpactEvalError) as refusal:
        parse_instrument(said.replace('wording = "A"', 'wording = "B"'), file="essai.toml",
                         local=False)  # fmt: skip
    assert refusal.value.codes == ("wording_not_free",)
    with pytest.raises(ImpactEvalError) as empty:
        parse_instrument(said.replace("Cochez.", " "), file="essai.toml", local=False)
    assert empty.value.codes == ("answer_without_words",)


def test_what_was_never_read_is_marked() -> None:
    marked = 'source = "S", mark = "read" }]'
    scale = parse_instrument(SCALE.replace('source = "S" }]', marked), file="e.toml", local=False)
    assert scale.unchecked == (*scale.cutoffs, scale.rights)
    assert not scale.change[0].unchecked
    for listed in instruments():
        facts = (*listed.cutoffs, *listed.norms, *listed.change, listed.rights)
        assert listed.unchecked == tuple(f for f in facts if f.mark is FactMark.MEMORY)


def test_a_score_carries_its_own_unread_facts() -> None:
    lubben = instrument("lsns-6")
    scores = lubben.score(pd.DataFrame([dict.fromkeys(lubben.item_ids, 2)]))
    assert scores.unchecked == lubben.bands() == scores.cutoffs
    assert scores.part("family").unchecked == lubben.bands("family")
    anxiety = instrument("gad-7")
    assert anxiety.score(pd.DataFrame([dict.fromkeys(anxiety.item_ids, 1)])).unchecked == ()


def test_a_total_of_parts_names_parts_that_exist() -> None:
    text = SCALE.replace('rule = "sum"', 'rule = "sum"\nparts = ["absent"]', 1)
    with pytest.raises(ImpactEvalError) as refusal:
        parse_instrument(text, file="essai.toml", local=False)
    assert refusal.value.codes == ("unknown_scale",)


def test_every_part_has_a_way_that_is_better() -> None:
    for scale in instruments():
        for part in scale.subscales:
            assert scale.direction_of(part.id).value != "neither", (scale.id, part.id)


def test_scales_that_are_never_added_have_parts() -> None:
    for scale in instruments():
        if scale.scoring.rule is ScoringRule.NONE:
            assert scale.subscales, scale.id


@pytest.mark.parametrize("key", ["asked_if", "asked_unless"])
def test_an_item_hangs_on_items_that_exist(key: str) -> None:
    text = SCALE.replace('{ id = "a" }', f'{{ id = "a", {key} = {{ absent = 1 }} }}')
    with pytest.raises(ImpactEvalError) as refusal:
        parse_instrument(text, file="essai.toml", local=False)
    assert refusal.value.codes == ("unknown_item",)
