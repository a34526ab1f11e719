"""French typography: what it must put right, and what it must leave alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.report.typography import counted_in_words, typography_en, typography_fr


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        ("Quoi ?", "Quoi\u202f?"),
        ("Non !", "Non\u202f!"),
        ("un ; deux", "un\u202f; deux"),
        ("Où : ici", "Où\u00a0: ici"),
        ("Où: ici", "Où\u00a0: ici"),
        ("« oui »", "«\u202foui\u202f»"),
        ("«oui»", "«\u202foui\u202f»"),
        ("l'action", "l’action"),
        ("qu'{name}", "qu’{name}"),
        ("12 %", "12\u00a0%"),
        ("{x} €", "{x}\u00a0€"),
        ("attendre...", "attendre…"),
        ("« {name} » ?", "«\u202f{name}\u202f»\u202f?"),
        ("(pourquoi ?)", "(pourquoi\u202f?)"),
    ],
)
def test_what_is_put_right(raw: str, right: str) -> None:
    assert typography_fr(raw) == right


@pytest.mark.parametrize(
    "text", ["doi:10.1016/j", "12:30", "C:\\dossier", "https://exemple.fr/?a=1", "{x:dec1}"]
)
def test_what_is_left_alone(text: str) -> None:
    assert typography_fr(text) == text


@given(st.text(alphabet="ab é«»;:?!%€'{} \u00a0\u202f0129.", max_size=40))
def test_twice_is_once(text: str) -> None:
    once = typography_fr(text)
    assert typography_fr(once) == once


def test_english_apostrophes() -> None:
    assert typography_en("don't") == "don’t"
    assert typography_en("ie.Clustered('bassin')") == "ie.Clustered('bassin')"


FRENCH, ENGLISH = "un nombre non publié de", "an unpublished number of"


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        ("{n} personnes", "Un nombre non publié de personnes"),
        ("{n} unités", "Un nombre non publié d’unités"),
        ("{n} habitants", "Un nombre non publié d’habitants"),
        ("{n} hameaux", "Un nombre non publié de hameaux"),
        ("{n} sur {n} manquent", "Un nombre non publié sur un nombre non publié manquent"),
        ("chez {n} (peu)", "chez un nombre non publié (peu)"),
        ("il y en a {n}.", "il y en a un nombre non publié."),
        ("Les {n} lignes", "Un nombre non publié de lignes"),
        ("parmi les {n} lignes", "parmi un nombre non publié de lignes"),
        ("aucune des {n} lignes", "aucune d’un nombre non publié de lignes"),
        ("plus de {n} lignes", "plus d’un nombre non publié de lignes"),
        ("Vu. {n} lignes", "Vu. Un nombre non publié de lignes"),
    ],
)
def test_a_french_sentence_bends_around_a_count_in_words(raw: str, right: str) -> None:
    said = raw.replace("{n}", FRENCH)
    assert counted_in_words(said, FRENCH, "fr", sentence=True) == right


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        ("{n} people", "An unpublished number of people"),
        ("{n} of {n} are missing", "An unpublished number of an unpublished number are missing"),
        ("The {n} rows", "An unpublished number of rows"),
        ("only {n}.", "only an unpublished number."),
    ],
)
def test_an_english_sentence_does_too(raw: str, right: str) -> None:
    said = raw.replace("{n}", ENGLISH)
    assert counted_in_words(said, ENGLISH, "en", sentence=True) == right


def test_a_clause_keeps_its_small_letter_and_other_texts_are_left_alone() -> None:
    said = f"{FRENCH} lignes"
    assert counted_in_words(said, FRENCH, "fr", sentence=False) == said
    assert counted_in_words("Les 3 lignes de unités", FRENCH, "fr", sentence=True) == (
        "Les 3 lignes de unités"
    )
