"""The order of periods written as words: dates, quarters, months, waves; never a guess.

Sorting words by their letters would put « après » before « avant » and “T10” before “T2”: the sign
of a change, and the length of an effect, hang on it. An order that cannot be read is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Key: TypeAlias = tuple[float | str, ...]
Day: TypeAlias = tuple[int, int, int]

# Words of a first measure and of a last one, without accents.
FIRST_WORDS = frozenset(
    {
        "avant", "before", "pre", "pretest", "pre-test", "entree", "entry", "initial", "initiale",
        "debut", "start", "baseline", "inclusion", "accueil", "intake",
    }
)  # fmt: skip
LAST_WORDS = frozenset(
    {
        "apres", "after", "post", "posttest", "post-test", "sortie", "exit", "final", "finale",
        "fin", "end", "endline", "follow-up", "followup", "suivi",
    }
)  # fmt: skip
_MONTHS = (
    ("janvier", "january", "janv", "jan"), ("fevrier", "february", "fevr", "fev", "feb"),
    ("mars", "march", "mar"), ("avril", "april", "avr", "apr"), ("mai", "may"),
    ("juin", "june", "jun"), ("juillet", "july", "juil", "jul"), ("aout", "august", "aug"),
    ("septembre", "september", "sept", "sep"), ("octobre", "october", "oct"),
    ("novembre", "november", "nov"), ("decembre", "december", "dec"),
)  # fmt: skip
MONTH_OF = {word: number for number, words in enumerate(_MONTHS, 1) for word in words}
# Parts of a year, the months in one, and the endings of “1er trimestre”, “1st quarter”.
PART_OF_YEAR = dict.fromkeys(("t", "q", "tr", "trim", "trimestre", "qtr", "quarter"), 3) | (
    dict.fromkeys(("s", "h", "sem", "semestre", "semester", "half"), 6)
)
_ENDINGS = frozenset({"er", "e", "eme", "st", "nd", "rd", "th"})
_EVENT = re.compile(r"(.+)_arm_(\d+)")
_YEAR = re.compile(r"(?<!\d)(19|20)\d\d(?!\d)")
_DATES = (
    (re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2})(?:[ t]00:00(?::00(?:\.0+)?)?)?)?"), (0, 1, 2)),
    (re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})"), (2, 1, 0)),
    (re.compile(r"(\d{1,2})/(\d{4})"), (1, 0)),
)


def plain_word(text: str) -> str:
    """Return a text in lower case, without accents and outer spaces."""
    parts = unicodedata.normalize("NFKD", text.strip().lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


def period_order(labels: Sequence[str]) -> NDArray[np.int64] | None:
    """Return the order of distinct period names, or None when it cannot be read.

    Read in turn: dates (day first), first and last measure (« avant », « après »), months with or
    without a year, names that hold numbers (a year first, then the others as numbers).

    Parameters
    ----------
    labels : sequence of str
        Distinct.

    Returns
    -------
    (T,) array of int or None
        `labels[order]` is in time order.

    Examples
    --------
    >>> [["après", "avant"][i] for i in period_order(["après", "avant"])]
    ['avant', 'après']
    >>> names = ["T1 2024", "T10 2023", "T2 2023"]
    >>> [names[i] for i in period_order(names)]
    ['T2 2023', 'T10 2023', 'T1 2024']
    >>> period_order(["north", "south"]) is None
    True
    >>> period_order(["sortie_arm_1", "entree_arm_1"]).tolist()
    [1, 0]
    """
    words = _events([plain_word(label) for label in labels])
    for read in (_date, _stage, _month, _numbered):
        order = _ordered(words, read)
        if order is not None:
            return order
    return None


def _events(words: list[str]) -> list[str]:
    """Return the names of REDCap's events without their arm, when they are all of one arm."""
    found = [_EVENT.fullmatch(word) for word in words]
    arms = {match[2] if match else None for match in found}
    if len(arms) != 1 or None in arms:
        return words
    return [match[1] for match in found if match]


def reader_of(labels: Sequence[str]) -> tuple[Callable[[str], Day | None], bool] | None:
    """Return how period names are read as dates, and whether they tell the day; None for others.

    Dates, months with their year, quarters and halves of a year: whatever has its place in the
    calendar. Every label is read in the same way.

    Examples
    --------
    >>> read, day = reader_of(["2023 T4", "2024 T1"])
    >>> read("2024 T2"), day
    ((2024, 4, 1), False)
    >>> reader_of(["vague 1", "vague 2"]) is None
    True
    """
    words = [plain_word(label) for label in labels]
    for read in (_date, _month, _numbered):
        if all(_day(read, word) is not None for word in words):
            day = read is _date and any(len(re.findall(r"\d+", word)) > 2 for word in words)
            return (lambda word, read=read: _day(read, plain_word(word))), day
    return None


def _day(read: Callable[[str], Key | None], word: str) -> Day | None:
    """Return the first day of what a word names."""
    key = read(word)
    if key is None or not key[0]:
        return None
    year = int(key[0])
    if read is _date:
        return year, int(key[1]), int(key[2])
    if read is _month:
        return year, int(key[1]), 1
    numbers = [int(part) for part in key[1:] if not isinstance(part, str)]
    letters = {part.strip("-_/.,") for part in key[1:] if isinstance(part, str)} - _ENDINGS - {""}
    months = PART_OF_YEAR.get(letters.pop(), 0) if len(letters) == 1 else 0
    if len(numbers) != 1 or not months or not 1 <= numbers[0] <= 12 // months:
        return None
    return year, 1 + months * (numbers[0] - 1), 1


def _ordered(words: Sequence[str], read: Callable[[str], Key | None]) -> NDArray[np.int64] | None:
    """Return the order of the keys, when every word has one, of one form, and no two are equal.

    The words between numbers are part of the form: “6 mois” and “1 an” are not put in order.
    """
    keys = [read(word) for word in words]
    known = [key for key in keys if key is not None]
    forms = {tuple(part if isinstance(part, str) else "" for part in key) for key in known}
    if len(set(known)) < len(words) or len(forms) != 1:
        return None
    return np.array(sorted(range(len(known)), key=known.__getitem__), dtype=np.int64)


def _date(word: str) -> Key | None:
    for pattern, places in _DATES:
        found = pattern.fullmatch(word)
        if found is not None:
            numbers = [int(found[i + 1] or 1) for i in places]
            year, month, day = (*numbers, 1)[:3]
            return (year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None
    return None


def _stage(word: str) -> Key | None:
    if word in FIRST_WORDS:
        return (0,)
    return (1,) if word in LAST_WORDS else None


def _month(word: str) -> Key | None:
    parts = re.findall(r"[a-z]+|\d+", word)
    months = [MONTH_OF[part] for part in parts if part in MONTH_OF]
    years = [int(part) for part in parts if part.isdigit()]
    if len(months) != 1 or len(months) + len(years) != len(parts) or len(years) > 1:
        return None
    return (float(years[0]) if years else 0.0, float(months[0]))


def _numbered(word: str) -> Key | None:
    """Return the year, then words and numbers in turn: “T10” comes after “T2”."""
    year = _YEAR.search(word)
    rest = word if year is None else word.replace(year[0], " ", 1)
    parts = re.findall(r"\d+|[^\d\s]+", rest)
    numbers = [part for part in parts if part.isdigit()]
    if year is None and not numbers:
        return None
    told = [float(part) if part.isdigit() else part for part in parts]
    return (float(year[0]) if year else 0.0, *told)
