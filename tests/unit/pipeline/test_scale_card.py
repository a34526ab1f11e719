"""The card of a scale: what a person reads before asking anything, in 80 columns and no code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from impact_eval.core.vocabulary import Direction
from impact_eval.pipeline.listings import instrument_lines, instrument_records
from impact_eval.pipeline.scale_card import scale_card
from impact_eval.report.texts import Texts
from impact_eval.survey import instrument, instrument_names, instruments
from impact_eval.survey.scale import FactMark, ScoringRule, WordingClass

FR, EN = Texts("fr"), Texts("en")
CODES = {member.value for kind in (Direction, ScoringRule) for member in kind} - {
    "sum", "mean", "none", "function", "conversion", "neither",  # words of a language too
}  # fmt: skip
MARKS = {"fr": "[à\u00a0vérifier]", "en": "[to\u00a0be\u00a0checked]"}


def card(name: str, texts: Texts = FR) -> str:
    return "\n".join(instrument_lines(name, texts))


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ").replace("\u202f", " "))


@pytest.mark.parametrize("texts", [FR, EN], ids=["fr", "en"])
@pytest.mark.parametrize("name", instrument_names())
def test_a_card_is_read_in_eighty_columns_and_holds_no_code(name: str, texts: Texts) -> None:
    lines = instrument_lines(name, texts)
    assert all(len(line) <= 80 or " " not in line.strip() for line in lines[2:])
    assert not CODES & set(re.findall(r"[a-z_]+", "\n".join(lines)))
    scale = instrument(name)
    marked = [fact.mark for fact in (scale.rights, *scale.cutoffs, *scale.norms, *scale.change)]
    assert "\n".join(lines).count(MARKS[texts.language]) == marked.count(FactMark.MEMORY)


@pytest.mark.parametrize("name", instrument_names())
def test_questions_are_said_to_ship_only_where_each_has_a_text(name: str) -> None:
    scale = instrument(name)
    for texts, words in ((FR, "questions fournies"), (EN, "questions included")):
        whole = all(scale.wording(item, texts.language) for item in scale.item_ids)
        free = scale.rights.wording is WordingClass.SHIP
        assert (words in card(name, texts)) == (bool(scale.items) and free and whole)


def test_the_card_of_a_known_scale_says_what_its_authors_say() -> None:
    """Kroenke et al. 2001: nine items 0 to 3, 0 to 27, five bands; the ninth calls for help."""
    told = flat(card("phq-9"))
    assert "Plus le score est bas, mieux va la personne." in told
    assert "0 = Jamais (ou : Pas du tout)" in told
    assert "3 = Presque tous les jours" in told
    assert "Le score va de 0 à 27." in told
    assert "de 10 à 14 : symptômes moyens" in told
    assert "Question 9 : toute réponse au-dessus de 0" in told
    assert "3114" in told
    assert "RGPD, article 9" in told


def test_reversed_questions_are_numbered_in_each_published_order() -> None:
    """Vallières & Vallerand 1990: 3, 5, 8, 9, 10; Rosenberg 1965: 2, 5, 6, 8, 9."""
    told = flat(card("rses-fr"))
    assert "Dans l’ordre français, questions 3, 5, 8, 9 et 10" in told
    assert "Dans l’ordre anglais, questions 2, 5, 6, 8 et 9" in told
    assert "moyenne 30,85, écart type 4,82, 16 998 personnes" in told
    assert "1. se sentir une personne de valeur (worth)" in told


def test_weights_are_written_in_french() -> None:
    """Sass et al. 2006: 75.14, then 10.06 for the first question and -11.83 for the second."""
    told = flat(card("epices"))
    assert "On part de 75,14" in told
    assert "question 2 : −11,83" in told


def test_what_may_be_missing_is_said() -> None:
    assert "2 réponses au plus peuvent manquer (7 sur 9 suffisent)" in flat(card("phq-9"))
    assert "Toutes les réponses sont nécessaires" in flat(card("who-5"))
    assert "Une réponse au plus peut manquer (5 sur 6 suffisent) : rien" in flat(card("djg-6"))


def test_a_local_scale_has_its_card(tmp_path: Path) -> None:
    path = tmp_path / "mienne.toml"
    path.write_text(
        'schema = "impact-eval/instrument/1"\nid = "mienne"\ndirection = "higher_is_better"\n'
        'low = 0\nhigh = 10\nname = { fr = "La mienne" }\n'
        'items = [{ id = "q", text = { fr = "Comment allez-vous ?" } }]\n'
        '[scoring]\nrule = "sum"\nlow = 0\nhigh = 10\n',
        encoding="utf-8",
    )
    told = flat(card(str(path)))
    assert "La mienne" in told
    assert "1. Comment allez-vous ? (q)" in told
    assert "vos propres questions" in told
    assert "Un nombre de 0 à 10." in told


def test_the_record_keeps_its_keys_and_gains_the_card() -> None:
    (record,) = instrument_records("rses-fr")
    assert record["items"] == 10
    assert record["rights"]["wording"] == "B"
    assert [o["reversed"] for o in record["orders"]] == [[3, 5, 8, 9, 10], [2, 5, 6, 8, 9]]
    assert record["answers"][0]["fr"][0] == "Tout à fait en désaccord"
    assert record["ships"] == {"fr": False, "en": False}
    assert record["questions"][2] | {"text": {}} == {
        "number": 3, "id": "failure", "text": {}, "reversed": True,
            "stem": {"fr": "se sentir en échec", "en": "feels a failure"},
        "weight": 1.0, "low": 1, "high": 4, "answers": [], "asked_if": {},
        "asked_unless": {},
    }  # fmt: skip
    assert len(instrument_records()) == len(instruments())
    assert len(scale_card(instrument("rses-fr")).questions) == 10
    assert record["unchecked"] == len(instrument("rses-fr").unchecked)


def test_the_command_writes_in_the_language_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "impact_eval.cli", "instruments", "gad-7", "--lang", "en"],
        capture_output=True, text=True, check=True, encoding="utf-8",
    )  # fmt: skip
    assert "WHAT TO ASK" in done.stdout
    assert "Feeling nervous" in done.stdout
