"""What people name in the cells of a value map: the words of a subject, whatever their writing.

Accents, capitals and plurals are taken off, and whole words are compared one after another: « RSA »
is not seen inside another word. The words themselves are data (`catalogue/spoken_words.toml`).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

_WORD = re.compile(r"[a-z0-9]+")
_DOTTED = re.compile(r"\b(?:\w\.){2,}")  # « R.S.A. »
_CAPITALS = re.compile(r"[A-Z]{2,}")
_SHORTEST_PLURAL = 4
_JOB = "job"
_WORK = frozenset({"travail", "travailler", "travaille", "work", "working"})
_LIGATURES = MappingProxyType({ord("œ"): "oe", ord("æ"): "ae", ord("Œ"): "OE", ord("Æ"): "AE"})


class Subject(StrEnum):
    """What words may name; each has its list in the file of words."""

    BENEFIT = "benefit"
    OUT_OF_WORK = "out_of_work"
    LEVY = "levy"
    PAID_OUT = "paid_out"
    TAKEN_IN = "taken_in"
    OF_SERVICES = "of_services"
    PEOPLE = "people"
    LEAVING = "leaving"
    UPKEEP = "upkeep"
    JOB = "job"
    NOT_JOB = "not_job"
    SEVERAL_EACH = "several_each"
    WAGE = "wage"
    INCOME = "income"
    WELLBEING = "wellbeing"
    QALY = "qaly"
    WILLINGNESS = "willingness"
    HEALTH = "health"
    LIFETIME = "lifetime"
    NOT_LIFETIME = "not_lifetime"
    LIFE = "life"
    AVERAGE = "average"
    MARGINAL = "marginal"
    VOLUNTEER = "volunteer"
    TIME = "time"
    WHOLE_COST = "whole_cost"
    OFFERED = "offered"
    UNWANTED_RESULT = "unwanted_result"
    NET = "net"
    NO_SOURCE = "no_source"
    ARTICLE = "article"
    NEUTRAL = "neutral"
    VERIFIED = "verified"


Tokens = tuple[str, ...]


@lru_cache(maxsize=4096)
def tokens_of(text: str) -> Tokens:
    """Return the words of a text without accents, capitals or plural endings.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> tokens_of("Primes d’activité")
    ('prime', 'd', 'activite')
    """
    joined = _DOTTED.sub(lambda found: found[0].replace(".", ""), text)
    plain = unicodedata.normalize("NFKD", joined.translate(_LIGATURES))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return tuple(_singular(word) for word in _WORD.findall(letters.casefold()))


def _singular(word: str) -> str:
    return word[:-1] if len(word) >= _SHORTEST_PLURAL and word[-1] in "sx" else word


@lru_cache(maxsize=1)
def _phrases() -> Mapping[Subject, Mapping[Tokens, str]]:
    """Return each subject's phrases, folded, with their own writing; the longest first."""
    table = _table()
    out: dict[Subject, Mapping[Tokens, str]] = {}
    for subject in Subject:
        folded = {tokens_of(phrase): phrase for phrase in table[subject.value]}
        out[subject] = {key: folded[key] for key in sorted(folded, key=len, reverse=True)}
    return MappingProxyType(out)


@lru_cache(maxsize=1)
def _table() -> Mapping[str, tuple[str, ...]]:
    file = resources.files("impact_eval.value").joinpath("catalogue", "spoken_words.toml")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return MappingProxyType({name: tuple(found) for name, found in table.items()})


def words_named(subject: Subject, texts: Iterable[str], aside: Iterable[Subject] = ()) -> str:
    """Return the first words of a subject that some texts hold, as one writes them; else "".

    Parameters
    ----------
    subject : Subject
    texts : iterable of str
    aside : iterable of Subject
        Phrases taken off first: those in which the same words mean something else.

    Returns
    -------
    str

    Examples
    --------
    >>> words_named(Subject.BENEFIT, ["Sorties du rsa"])
    'RSA'
    >>> words_named(Subject.BENEFIT, ["Allocataires du RSA"], aside=[Subject.PEOPLE])
    ''
    """
    others = tuple(aside)
    for text in texts:
        words = tokens_of(text)
        for other in others:
            for phrase in _phrases()[other]:
                words = _without(words, phrase)
        for phrase, writing in _phrases()[subject].items():
            if _position(words, phrase) is not None:
                return writing
        if subject is Subject.BENEFIT:
            found = _capital(text)
            if found:
                return found
    return ""


def bare_name(text: str) -> Tokens:
    """Return the words of a name, whatever its writing: neither accents, capitals nor articles.

    Examples
    --------
    >>> bare_name("L’emploi"), bare_name("emploi")
    (('emploi',), ('emploi',))
    """
    return tuple(
        word for word in tokens_of(text.replace("_", " ")) if word not in _words_of(Subject.ARTICLE)
    )


@lru_cache(maxsize=4096)
def matter_of(text: str) -> frozenset[str]:
    """Return the words that say what a change is about, and not how it is counted or worded.

    Every way to name a job is one word; « perte d'emploi » or « insertion sociale » is another.

    Examples
    --------
    >>> matter_of("Sorties en emploi à 6 mois") == matter_of("Being in work") == {"job"}
    True
    >>> sorted(matter_of("Moins d’isolement"))
    ['isolement']
    """
    words = tokens_of(text.replace("_", " "))
    for phrase in _phrases()[Subject.NOT_JOB]:
        words = _replaced(words, phrase, "-".join(phrase))
    for phrase in _phrases()[Subject.JOB]:
        words = _replaced(words, phrase, _JOB)
    aside = _words_of(Subject.ARTICLE) | _words_of(Subject.NEUTRAL)
    found = frozenset(word for word in words if word not in aside and not word.isdigit())
    return frozenset({_JOB}) if found and found <= _WORK else found


@lru_cache(maxsize=2)
def _words_of(subject: Subject) -> frozenset[str]:
    return frozenset(word for phrase in _phrases()[subject] for word in phrase)


def _replaced(words: Tokens, phrase: Tokens, by: str) -> Tokens:
    start = _position(words, phrase)
    if start is None:
        return words
    rest = _replaced(words[start + len(phrase) :], phrase, by)
    return (*words[:start], by, *rest)


def says_only(subject: Subject, text: str) -> bool:
    """Whether a text is nothing but the words of a subject."""
    return tokens_of(text) in _phrases()[subject]


def _position(words: Tokens, phrase: Tokens) -> int | None:
    size = len(phrase)
    return next((i for i in range(len(words) - size + 1) if words[i : i + size] == phrase), None)


def _without(words: Tokens, phrase: Tokens) -> Tokens:
    """Take a phrase off, and leave a mark: what is around it must not join."""
    start = _position(words, phrase)
    if start is None:
        return words
    rest = _without(words[start + len(phrase) :], phrase)
    return (*words[:start], "", *rest)


def _capital(text: str) -> str:
    """Return an acronym written in capitals, in a text that is not all in capitals."""
    if text.isupper() and len(text.split()) > 1:
        return ""
    return next((word for word in _CAPITALS.findall(text) if word in _table()["capitals"]), "")
