"""The words of an answer: its negation and its strength, the number written beside it, a slip.

An answer proposed for another one may mend a slip of the hand, never the meaning: « Plutôt pas
d'accord » is one letter away from nothing that agrees. All texts are in their bare spelling (see
`labels.bare_spelling`), but for those that may hold a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")

_SHORTEST = 4  # letters of a word in which a slip can be told from another word


def _singular(word: str) -> str:
    return word[:-1] if len(word) > _SHORTEST and word.endswith("s") else word


def _listed(words: str) -> frozenset[str]:
    return frozenset(map(_singular, words.split("|")))


# Words that carry no meaning of their own: « d'accord » and « en accord » are one answer.
_SMALL = _listed(
    "de|d|du|des|le|la|les|l|un|une|en|a|au|aux|et|ou|je|suis|que|qu|il|elle|y|the|an|of|to|in|at|"
    "i|am|and|or"
)
# Words that turn an answer round, or set how strong it is: never taken for a slip of another.
_MEANING = _listed(
    "pas|ne|n|ni|non|aucun|aucune|rien|jamais|guere|point|sans|peu|moins|plus|plutot|tres|trop|"
    "assez|bien|mal|tout|tous|toute|toutes|totalement|entierement|completement|fortement|"
    "legerement|moyennement|parfois|souvent|rarement|toujours|presque|peine|vrai|faux|accord|"
    "desaccord|moitie|plupart|mieux|pire|pareil|oui|bon|mauvais|"
    "not|no|never|none|nothing|neither|nor|without|little|less|more|most|very|too|quite|rather|"
    "all|always|often|rarely|seldom|sometimes|hardly|barely|nearly|almost|strongly|slightly|"
    "mildly|agree|disagree|true|false|half|better|best|worse|worst|same|yes|some|good|bad|"
    "jour|semaine|mois|an|annee|heure|fois|day|week|month|year|hour|time|"
    "zero|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|quinze|vingt|trente|cent|"
    "mille|one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|once|twice"
)
_NEGATING = (
    "n", "a", "in", "im", "il", "ir", "un", "dis", "des", "de", "mal", "me", "mis", "non", "anti",
)  # fmt: skip

_DASHES = r"[-\u2010-\u2015\u2212]"
_BEFORE = re.compile(rf"\s*[(\[]?\s*({_DASHES}?\d+)\s*(?:[)\]]|{_DASHES}|[.:=/])?\s*(?=\D)(.+)")
_AFTER = re.compile(
    rf"(.*\D)\s*(?:[(\[]\s*({_DASHES}?\d+)\s*[)\]]|\s{_DASHES}\s+(\d+)|[:=]\s*(\d+))\s*"
)


def with_number(text: str) -> tuple[int, str] | None:
    """Return the number written beside an answer and the answer, or None when there is none.

    Examples
    --------
    >>> with_number("3 - Plutôt en accord"), with_number("(3) D'accord"), with_number("Oui (1)")
    ((3, 'Plutôt en accord'), (3, "D'accord"), (1, 'Oui'))
    >>> with_number("Plutôt d'accord") is None
    True
    """
    before = _BEFORE.fullmatch(text)
    if before:
        return _whole(before[1]), before[2].strip()
    after = _AFTER.fullmatch(text)
    if after:
        number = next(part for part in after.groups()[1:] if part is not None)
        return _whole(number), after[1].strip()
    return None


def _whole(number: str) -> int:
    return int(re.sub(_DASHES, "-", number))


def agreement(bare: str) -> str:
    """Return an answer with its agreement in one form: « d'accord » is « en accord ».

    Examples
    --------
    >>> agreement("plutot pas d accord") == agreement("plutot en desaccord")
    True
    >>> agreement("tout a fait d accord") == agreement("tout a fait en accord")
    True
    """
    text = re.sub(r"^je suis ", "", bare)
    text = re.sub(r"\bpas d accord\b", "desaccord", text)
    return re.sub(r"\b(?:d|en) (accord|desaccord)\b", r"\1", text)


def slip_of(bare: str, answers: Mapping[str, T]) -> T | None:
    """Return the one answer of which a text is a slip of the hand, or None.

    Word by word the two texts are the same but for one letter of a word; a word that turns an
    answer round or sets its strength has to be there letter by letter.

    Parameters
    ----------
    bare : str
        A text in its bare spelling.
    answers : mapping of bare spelling to anything

    Examples
    --------
    >>> known = {"plutot en accord": 3, "plutot en desaccord": 2}
    >>> slip_of("plutot en acord", known), slip_of("plutot pas tres en accord", known)
    (3, None)
    """
    words = _words(bare)
    found = {bare: said for bare, said in answers.items() if words and _alike(words, _words(bare))}
    said = list(dict.fromkeys(found.values()))
    return said[0] if len(said) == 1 else None


# A small word that sets the strength of the next: « peu d'accord » denies, « un peu » agrees.
_SOME = re.compile(r"\b(un|a) (peu|little|few)\b")


def _words(bare: str) -> list[str]:
    return [w for w in _SOME.sub(r"\1_\2", agreement(bare)).split() if w not in _SMALL]


def _alike(words: list[str], others: list[str]) -> bool:
    return len(words) == len(others) and all(map(_same_or_slip, words, others))


def _same_or_slip(word: str, answer: str) -> bool:
    if _singular(word) == _singular(answer):
        return True
    if min(len(word), len(answer)) < _SHORTEST or _singular(word) in _MEANING:
        return False
    if any(sign.isdigit() for sign in word + answer) or _opposite(word, answer):
        return False
    return _one_slip(word, answer)


def _opposite(one: str, other: str) -> bool:
    """Whether a word is another with what negates it in front: « utile » and « inutile »."""
    short, long = sorted((one, other), key=len)
    return long.endswith(short) and long[: len(long) - len(short)] in _NEGATING


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter changed, added, left out, or swapped with the next makes the other."""
    if len(one) == len(other):
        apart = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(apart) == 1:
            return True
        swapped = [(i, j) for i, j in pairwise(apart) if j == i + 1]
        return len(apart) == 2 and any(
            one[i] == other[j] and one[j] == other[i] for i, j in swapped
        )
    short, long = sorted((one, other), key=len)
    return len(long) == len(short) + 1 and any(
        long[:i] + long[i + 1 :] == short for i in range(len(long))
    )
