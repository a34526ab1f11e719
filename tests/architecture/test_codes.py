"""Every code that is emitted has its words in both languages, with the values they ask for."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from impact_eval.report.texts import Texts, placeholders

LANGUAGES = ("fr", "en")
PARTS = ("text", "why", "expected", "repair")
SCANNER = runpy.run_path(str(Path(__file__).with_name("emitted.py")))
EMITTED: list[Any] = list(SCANNER["emitted"]())
TEXTS = {language: Texts(language) for language in LANGUAGES}


def _known(kind: str, language: str) -> set[str]:
    heads = (f"{kind}.", "finding.")
    return {c.split(".")[1] for c in TEXTS[language].codes() if c.startswith(heads)}


def _wanted(kind: str, code: str, language: str) -> set[str]:
    """Return the placeholders of all the texts of a code."""
    texts = TEXTS[language]
    home = kind if f"{kind}.{code}" in texts else "finding"
    keys = [f"{home}.{code}.{part}" for part in PARTS]
    found = [texts.source(key) for key in keys if key in texts]
    return {name for text in found for name, _ in placeholders(text)}


def test_the_source_was_read() -> None:
    assert len(EMITTED) > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_emitted_has_words(language: str) -> None:
    silent = sorted(
        f"{e.kind} {e.code} ({e.place})"
        for e in EMITTED
        if not SCANNER["matching"](e.code, _known(e.kind, language))
    )
    assert not silent


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_gets_its_values(language: str) -> None:
    """A text never asks for a value that its code was not given where it is emitted."""
    starved = []
    for e in EMITTED:
        if e.values is None or "*" in e.code or e.code not in _known(e.kind, language):
            continue
        lacking = _wanted(e.kind, e.code, language) - e.values
        if lacking:
            starved.append(f"{e.code} lacks {sorted(lacking)} ({e.place})")
    assert not sorted(starved)


def test_both_languages_hold_the_same_codes_and_values() -> None:
    french, english = (set(TEXTS[language].codes()) for language in LANGUAGES)
    assert french == english
    different = [
        code
        for code in sorted(french)
        if {n for n, _ in placeholders(TEXTS["fr"].source(code))}
        != {n for n, _ in placeholders(TEXTS["en"].source(code))}
    ]
    assert not different
