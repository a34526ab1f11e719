"""No identifier of a part or of a band is printed: each has words, that are those of its scale."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import cast

import pytest

from impact_eval.core.vocabulary import ScoreGroup
from impact_eval.pipeline.scale_card import scale_card
from impact_eval.pipeline.scale_card_lines import card_lines
from impact_eval.report.blocks import Messages
from impact_eval.report.narrative_score import band_words, record_name
from impact_eval.report.objects.data import instrument_card
from impact_eval.report.texts import Texts
from impact_eval.results.score_records import ScoreRecord
from impact_eval.survey import Instrument, instruments

LANGUAGES = ("fr", "en")
RAW = re.compile(r"_|label\.")


def record(scale: str, part: str | None, *, local: bool = False) -> ScoreRecord:
    made = SimpleNamespace(
        instrument=scale, part=part, local=local, name=None, group=ScoreGroup.EVERYONE
    )
    return cast(ScoreRecord, made)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).casefold()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scale", instruments(), ids=lambda scale: scale.id)
def test_parts_and_bands_have_words(scale: Instrument, language: str) -> None:
    texts = Texts(language)
    card = "\n".join(card_lines(scale_card(scale), texts))
    for part in scale.subscales:
        told = texts.words(record_name(record(scale.id, part.id)))
        word = told.rsplit("–", 1)[1].strip()
        assert not RAW.search(told), told
        assert word != part.id or (language == "en" and " " not in word), told
        assert plain(word) in plain(card), (word, card)
    for cut in scale.cutoffs:
        told = texts.words(band_words(record(scale.id, None), cut.id))
        assert not RAW.search(told), told
        assert language == "en" or told != cut.id, told
        assert plain(told) in plain(card), (told, card)
    assert not re.search(r"\b[a-z]+_[a-z_]+ :|label\.", card), card


def test_bands_of_a_scale_are_told_apart() -> None:
    """Two bands of one score never bear the same name: a table would have two equal rows."""
    for language in LANGUAGES:
        texts = Texts(language)
        for scale in instruments():
            for name in ("total", *(part.id for part in scale.subscales)):
                told = [texts.words(band_words(record(scale.id, None), cut.id))
                        for cut in scale.bands(name)]  # fmt: skip
                assert len(set(told)) == len({cut.id for cut in scale.bands(name)}), told


def test_a_part_is_named_after_its_own_scale() -> None:
    texts = Texts("fr")
    assert texts.words(record_name(record("sdq", "emotional"))).endswith(
        "difficultés émotionnelles"
    )
    assert texts.words(record_name(record("djg-6", "emotional"))).endswith("solitude affective")
    assert texts.words(band_words(record("djg-6", None), "severe")) == "solitude forte"
    assert texts.words(band_words(record("phq-9", None), "severe")) == "symptômes forts"


def test_a_users_own_scale_keeps_its_own_names() -> None:
    texts = Texts("fr")
    own = record("sdq", "emotional", local=True)
    assert texts.words(record_name(own)).endswith("– emotional")
    assert texts.words(band_words(own, "tres_fragile")) == "tres_fragile"
    assert texts.words(band_words(own, "high")) == "niveau élevé"


def test_questions_are_promised_only_where_they_are() -> None:
    """The card of a notebook speaks both languages at once: it says which one has the questions."""
    texts, promised = Texts("fr"), {}
    for scale in instruments():
        (facts,) = (b for b in instrument_card(scale) if isinstance(b, Messages))
        (rights,) = (told for item in facts.items if "Droits" in (told := texts.words(item)))
        promised[scale.id] = plain(rights)
        ships = {language for language in LANGUAGES if scale.ships_wording(language)}
        assert ("questions fournies" in rights) == bool(ships), rights
        assert ("en anglais seulement" in rights) == (ships == {"en"}), rights
    assert promised["phq-9"] == "droits : questions fournies."
    assert promised["hfssm-6"] == "droits : questions fournies, en anglais seulement."
    assert promised["alkire-foster"] == "droits : méthode publiée, libre d’emploi."
