"""What a scale's file says in words is said in French and in English; a citation stays itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
import pytest

from impact_eval import ImpactEvalError
from impact_eval.survey import instruments
from impact_eval.survey.fact_words import FactText
from impact_eval.survey.instrument_file import parse_instrument
from impact_eval.survey.scale import OWN, Scale, WordingClass
from tests.unit.survey.test_scale_checks import SCALE

# A source that is the same in both languages: authors or a body, a year, then its address or title.
CITATION = re.compile(r"[^:;]* \d{4}(, doi:\S+|, [A-Z].*)?(, CC BY 2\.0)?")
ENGLISH = re.compile(
    r"\b(the|and|of|with|people|adults|households|answers|needed|free|none)\b", re.I
)
PROPER = ("Open Government Licence", "Health Survey for England", "Office for National Statistics",
          "Crown", "National Institute of Mental Health", "University of",
          "Well-being and mental health")  # fmt: skip


def sources(scale: Scale) -> Iterator[FactText]:
    yield from (cut.source for cut in scale.cutoffs)
    yield from (norm.source for norm in scale.norms)
    yield from (value.source for value in scale.change)
    yield from (guard.source for guard in scale.safeguards)
    for scoring in (scale.scoring, *(part.scoring for part in scale.subscales)):
        if scoring.table_source is not None:
            yield scoring.table_source
        if scoring.missing is not None:
            yield scoring.missing.source


def sentences(scale: Scale) -> Iterator[FactText]:
    yield from scale.evidence
    yield scale.rights.terms
    yield from (cut.population for cut in scale.cutoffs)
    yield from (norm.population for norm in scale.norms)
    yield from (item.stem for item in scale.items if item.stem is not None)


@pytest.mark.parametrize("scale", instruments(), ids=lambda scale: scale.id)
def test_no_sentence_of_the_catalogue_stays_in_english(scale: Scale) -> None:
    for told in sentences(scale):
        assert told.fr != told.en, told
    for told in sources(scale):
        assert told.fr != told.en or CITATION.fullmatch(told.en), told
    holder = scale.rights.holder
    for told in (*sentences(scale), *sources(scale), *(() if holder is None else (holder,))):
        french = told.fr
        for name in (*PROPER, *re.findall(r"doi:\S+", french)):
            french = french.replace(name, "")
        assert not ENGLISH.search(french), told


@pytest.mark.parametrize("scale", instruments(), ids=lambda scale: scale.id)
def test_french_facts_have_french_typography(scale: Scale) -> None:
    for told in (*sentences(scale), *sources(scale)):
        assert "'" not in told.fr, told
        assert not re.search(r"[^\u00a0\u202f0-9a-z/:)(][;:!?] ", told.fr), told
        assert not re.search(r" [;:!?%»]|« ", told.fr), told


def test_a_plain_text_is_said_in_both_languages() -> None:
    scale = parse_instrument(SCALE, file="essai.toml", local=True)
    assert scale.cutoffs[0].population == FactText(fr="P", en="P") == FactText.same("P")
    assert scale.rights.terms == FactText.same("Free")


def test_a_text_in_one_language_serves_both() -> None:
    text = SCALE.replace('population = "P"', 'population = { fr = "Adultes" }')
    cut = parse_instrument(text, file="essai.toml", local=True).cutoffs[0]
    assert cut.population.by_language() == {"fr": "Adultes", "en": "Adultes"}


def test_a_scale_without_rights_is_its_users_own() -> None:
    text = SCALE[: SCALE.index("[rights]")]
    assert parse_instrument(text, file="essai.toml", local=True).rights.terms == OWN


@pytest.mark.parametrize(
    ("written", "code", "key"),
    [
        ('""', "blank_text", "cutoffs[1].population"),
        ('" "', "blank_text", "cutoffs[1].population"),
        ("3", "wrong_type", "cutoffs[1].population"),
        ("{}", "missing_key", "cutoffs[1].population.fr"),
        ('{ fr = "" }', "blank_text", "cutoffs[1].population.fr"),
        ('{ fr = "Adultes", de = "Erwachsene" }', "unknown_key", "cutoffs[1].population.de"),
    ],
)
def test_what_is_no_text_is_refused_where_it_stands(written: str, code: str, key: str) -> None:
    text = SCALE.replace('population = "P"', f"population = {written}", 1)
    with pytest.raises(ImpactEvalError) as refusal:
        parse_instrument(text, file="essai.toml", local=True)
    found = [(f.code, f.place.key if f.place else None) for f in refusal.value.findings]
    assert (code, key) in found, found


def test_populations_that_differ_in_one_language_are_apart() -> None:
    """Bands of two populations may overlap: they are told apart by what is said of them."""
    old = 'low = 7, high = 12, source = "S", population = "P"'
    new = 'low = 5, high = 12, source = "S", population = { fr = "P", en = "Q" }'
    assert old in SCALE
    scale = parse_instrument(SCALE.replace(old, new), file="essai.toml", local=True)
    assert [cut.population.en for cut in scale.cutoffs] == ["P", "Q"]


def test_a_licence_is_asked_for_without_words_of_one_language() -> None:
    scale = next(s for s in instruments() if s.rights.wording is WordingClass.LICENCE)
    with pytest.raises(ImpactEvalError) as refusal:
        scale.score(pd.DataFrame({name: [1] for name in scale.item_ids}))
    assert dict(refusal.value.findings[0].values) == {"instrument": scale.id}
