"""Trace what is told back to what is stored: the stated functions of leaves, and nothing else.

A number of a block, of a table or of a workbook is a leaf of the results, or one of these
functions of leaves, to nine significant digits:

    sign          the same number, its sign changed (so much less, a fall)
    per 100       a share told in points or in per cent, and the reverse
    remainder     one minus a share (what remains)
    rounded       a leaf rounded, to choose the plural of its unit
    count         how many items a list holds, in all or of one kind
    sum           of two leaves of one record, or of a field over a list of records
    difference    between two leaves of one record, or between two records of a list
    share         a leaf in another of its record, or in the sum of its list
    favourable    over the questions of a scale, the mean share of favourable answers

A number of a page is then one of a block as it is written: rounded to the decimals that are
printed, times 100 or 1,000; or it belongs to a text (a title, a date, a version, the catalogue).
"""

from __future__ import annotations

import bisect
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from impact_eval.report.texts import Texts

Json: TypeAlias = Any
MOST_PAIRS = 200  # siblings of a list compared two by two
LONGEST_TEXT = 60  # a longer text is a sentence of the authors, whose numbers are only words
WRITTEN = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def numbers_of(value: Json, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number of a JSON value, with its path."""
    if is_number(value):
        yield path, float(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from numbers_of(inner, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from numbers_of(inner, f"{path}[{place}]")


def texts_of(value: Json) -> Iterator[str]:
    """Yield every text of a JSON value, keys of tables included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from texts_of(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_of(inner)


class Leaves:
    """The leaves of stored results, and the numbers that the stated functions make of them."""

    def __init__(self, stored: Json) -> None:
        self.exact = sorted({*(n for _, n in numbers_of(stored)), *_in_texts(stored)})
        self.derived = sorted(set(_derived(stored)))

    def explain(self, number: float) -> str | None:
        """Return the function that gives a number, or None when it comes from nowhere."""
        for name, leaf in (
            ("leaf", number), ("sign", -number), ("per 100", number / 100),
            ("per 100", number * 100), ("sign, per 100", -number / 100), ("remainder", 1 - number),
        ):  # fmt: skip
            if _holds(self.exact, leaf):
                return name
        for name, value in (("derived", number), ("derived", -number), ("derived", number / 100)):
            if _holds(self.derived, value):
                return name
        return None

    def rounds_to(self, number: float) -> bool:
        """Whether a leaf, or a leaf in points, rounds to a number at the decimals it is given."""
        places = max(0, -_exponent(number))
        return places <= 3 and any(
            round(scale * abs(leaf), places) == abs(number)
            for leaf in self.exact
            for scale in (1, 100)
        )


def _exponent(number: float) -> int:
    return next((-k for k in range(7) if math.isclose(round(number, k), number)), -7)


def _holds(ordered: Sequence[float], number: float) -> bool:
    at = bisect.bisect_left(ordered, number)
    near = ordered[max(0, at - 1) : at + 1]
    return any(math.isclose(one, number, rel_tol=1e-9, abs_tol=1e-12) for one in near)


def _in_texts(stored: Json) -> Iterator[float]:
    """Yield the numbers written in short texts: exact amounts, periods, event times, days."""
    for text in texts_of(stored):
        if len(text) <= LONGEST_TEXT:
            yield from (float(n) for n in WRITTEN.findall(text) if math.isfinite(float(n)))


def _derived(stored: Json) -> Iterator[float]:
    if isinstance(stored, Mapping):
        yield from _of_record([float(v) for v in stored.values() if is_number(v)])
        for inner in stored.values():
            yield from _derived(inner)
    elif isinstance(stored, list) and stored:
        yield float(len(stored))
        yield from _of_list(stored)
        for inner in stored:
            yield from _derived(inner)


def _of_record(values: Sequence[float]) -> Iterator[float]:
    for one, other in itertools.permutations(values, 2):
        yield from (one + other, one - other)
        if other:
            yield one / other


def _of_list(items: Sequence[Json]) -> Iterator[float]:
    if all(is_number(item) for item in items):
        yield from _shares([float(item) for item in items])
    if not all(isinstance(item, Mapping) for item in items):
        return
    for key in items[0]:
        column = [item.get(key) for item in items]
        yield from map(float, Counter(json.dumps(v, sort_keys=True) for v in column).values())
        known = [float(v) for v in column if is_number(v)]
        yield from _shares(known)
        for one, other in itertools.permutations(known[:MOST_PAIRS], 2):
            yield one - other
            if other:
                yield one / other
    yield from _favourable(items)


def _shares(values: Sequence[float]) -> Iterator[float]:
    total = sum(values)
    yield total
    if total:
        yield from (value / total for value in values)


def _favourable(items: Sequence[Mapping[str, Json]]) -> Iterator[float]:
    for wave in ("before", "after"):
        counts = [item.get(wave) for item in items]
        if counts and all(isinstance(c, list) and all(is_number(n) for n in c) for c in counts):
            shares = [sum(c[-(len(c) // 2) :]) / max(sum(c), 1) for c in counts]
            yield sum(shares) / len(shares)


# -- pages -----------------------------------------------------------------------------------

SPACES = "\u202f\u00a0\u2009"
NUMBER = {
    "fr": re.compile(rf"\d{{1,3}}(?:[{SPACES}]\d{{3}})+(?:,\d+)?|\d+(?:,\d+)?"),
    "en": re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"),
}
# The rank of a table or of a figure in the page, which nothing else tells.
RANK = re.compile(rf"\b(?:Tableau|Table|Figure)[\s{SPACES}]+\d+[\s{SPACES}]*[.:]")


def words_of(page: str) -> str:
    """Return the words of a page that a reader meets, alternative texts included."""
    import html

    body = re.sub(r"<(style|title|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    told = " ".join(re.findall(r'\balt="([^"]*)"', body))
    words = html.unescape(re.sub(r"<[^>]+>", " ", body) + " " + told)
    return RANK.sub(" ", words)


def printed(words: str, language: str) -> Iterator[tuple[str, float, int]]:
    """Yield (as written, value, decimals) for each number of a text."""
    for found in NUMBER[language].finditer(words):
        written = found[0]
        plain = re.sub(f"[{SPACES}]", "", written) if language == "fr" else written.replace(",", "")
        plain = plain.replace(",", ".")
        yield written, float(plain), len(plain.partition(".")[2])


def numbers_in_words(blocks: Json, language: str) -> set[float]:
    """Return the numbers that the texts of the catalogue hold themselves: « 95 % », « 8 fois »."""
    texts = Texts(language)
    used = {code for code in texts_of(blocks) if code in texts}
    used |= {code for code in texts.codes() if code.startswith(("report.", "html."))}
    found: set[float] = set()
    for code in used:
        source = texts.source(code)
        for text in (source.many, source.one or ""):
            bare = re.sub(r"\{[^}]*\}", " ", text)
            found |= {value for _, value, _ in printed(bare, language)}
    return found


def without(words: str, texts: Sequence[str]) -> str:
    """Return words without the texts that the results hold: titles, names, versions, references."""
    for text in sorted({t for t in texts if len(t) > 2}, key=len, reverse=True):
        words = words.replace(text, " ")
    return words


class Written:
    """The numbers of blocks as pages may write them."""

    def __init__(self, numbers: Sequence[float]) -> None:
        self.values = sorted({scale * abs(n) for n in numbers for scale in (1, 100, 1000)})

    def holds(self, value: float, decimals: int) -> bool:
        """Whether a number rounds to what is printed; three significant digits are enough."""
        half = 0.5 * 10.0**-decimals + 1e-9
        if decimals == 0 and value >= 1000:
            half = max(half, 0.5 * 10 ** (math.floor(math.log10(value)) - 2))
        at = bisect.bisect_left(self.values, value - half)
        return at < len(self.values) and self.values[at] <= value + half
