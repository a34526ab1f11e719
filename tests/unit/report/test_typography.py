"""French typography: what it must put right, and what it must leave alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.report.typography import typography_en, typography_fr


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
