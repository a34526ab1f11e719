"""French and English typography, applied to the catalogues' own words, never to users' values."""

from __future__ import annotations

import re

NARROW = "\u202f"  # narrow no-break space: inside « », before ; ! ?
NO_BREAK = "\u00a0"  # no-break space: before : % €
APOSTROPHE = "\u2019"
MINUS = "\u2212"

_ROUNDS = 8  # marks that follow each other settle one after the other
_SPACES = "[ \u00a0\u202f]"
_ENDS = r"(?=$|[\s»)\]”…])"

_FRENCH = (
    (re.compile(r"(?<=\w)'(?=\w|\{|«)"), APOSTROPHE),
    (re.compile(rf"«{_SPACES}*"), f"«{NARROW}"),
    (re.compile(rf"{_SPACES}*»"), f"{NARROW}»"),
    (re.compile(rf"(?<=[^\s;!?]){_SPACES}*([;!?]+){_ENDS}"), rf"{NARROW}\1"),
    (re.compile(rf"(?<=[^\s:]){_SPACES}*:(?=$|\s)"), f"{NO_BREAK}:"),
    (re.compile(rf"(?<=[\d}}]){_SPACES}*([%€])"), rf"{NO_BREAK}\1"),
    (re.compile(r"\.\.\."), "…"),
)
_ENGLISH = (
    (re.compile(r"(?<=\w)'(?=\w)"), APOSTROPHE),
    (re.compile(r"\.\.\."), "…"),
)


def typography_fr(text: str) -> str:
    """Put French spaces, apostrophes and quotation marks right.

    Narrow no-break spaces inside « » and before ; ! ?, no-break spaces before : % and €,
    typographic apostrophes. Addresses, paths and times (`12:30`, `doi:10.1`) are left alone.

    Examples
    --------
    >>> typography_fr("L'effet : « oui » ?") == "L’effet\u00a0: «\u202foui\u202f»\u202f?"
    True
    """
    for _ in range(_ROUNDS):
        before = text
        for pattern, replacement in _FRENCH:
            text = pattern.sub(replacement, text)
        if text == before:
            break
    return text


def typography_en(text: str) -> str:
    """Put English apostrophes and ellipses right.

    Examples
    --------
    >>> typography_en("don't")
    'don’t'
    """
    for pattern, replacement in _ENGLISH:
        text = pattern.sub(replacement, text)
    return text


def typography(text: str, language: str) -> str:
    """Apply the typography of a language."""
    return typography_fr(text) if language == "fr" else typography_en(text)
