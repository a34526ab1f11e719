"""French and English typography, applied to the catalogues' own words, never to users' values."""

from __future__ import annotations

import re

from impact_eval.core.hidden import without_hidden
from impact_eval.report.languages.language import NO_BREAK, formats_of

NARROW = "\u202f"  # narrow no-break space: inside « », before ; ! ?
APOSTROPHE = "\u2019"

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


def readable(text: str) -> str:
    r"""Return a text without the hidden characters that a file may have brought along.

    Examples
    --------
    >>> readable("une\x00 action")
    'une action'
    """
    return without_hidden(text)


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
    return formats_of(language).typography(text)


def counted_in_words(text: str, count: str, language: str, *, sentence: bool) -> str:
    """Put a sentence right around a count that is told in words instead of a number.

    Parameters
    ----------
    text : str
        Where a placeholder of a count was filled with `count`.
    count : str
        “un nombre non publié de”, “an unpublished number of”: its last word needs a noun.
    language : str
    sentence : bool
        Whether the text is a whole sentence, which a capital opens.

    Examples
    --------
    >>> count = "un nombre non publié de"
    >>> counted_in_words(f"{count} unités", count, "fr", sentence=True)
    'Un nombre non publié d’unités'
    >>> counted_in_words(f"{count} sur {count} manquent", count, "fr", sentence=False)
    'un nombre non publié sur un nombre non publié manquent'
    """
    if count not in text:
        return text
    bare, last = count.rsplit(" ", 1)
    formats = formats_of(language)
    at = re.escape(bare)
    text = re.sub(rf"{at} {last}(?=\s(?:{formats.alone})\b|\s*[.,;:()!?…\]]|\s*$)", bare, text)
    text = formats.joined(text, bare, last)
    for word, instead in formats.before:
        text = re.sub(rf"\b{word} {at}", f"{instead}{bare}", text)
        text = re.sub(
            rf"\b{word.capitalize()} {at}",
            f"{instead}{bare}"[:1].upper() + f"{instead}{bare}"[1:],
            text,
        )
    opening = rf"(^|[.!?]\s+){at}" if sentence else rf"([.!?]\s+){at}"
    return re.sub(opening, lambda m: f"{m[1]}{bare[:1].upper()}{bare[1:]}", text)
