"""What the numbers of a scale say of one another: answers, ranges, missing rules, cut-offs."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from impact_eval.core.findings import Finding, Place

if TYPE_CHECKING:
    from impact_eval.survey.fact_words import FactText
    from impact_eval.survey.scale import CutOff, Item, Response, Scale, Scoring

Range = tuple[float, float]
FIRST_YEAR, LAST_YEAR = 1900, 2100
_CLOSE = 1e-9


def number_faults(scale: Scale, *, divisor: int | None) -> Iterable[Finding]:
    """Yield what the numbers of a scale contradict.

    Parameters
    ----------
    scale : Scale
    divisor : int or None
        What the sum of the answers is divided by: 1, or their number for a mean; None when the
        score is no sum.

    Yields
    ------
    Finding
        `answer_out_of_range`, `answer_given_twice`, `answer_without_words`, `least_over_items`,
        `score_range_differs`, `cutoffs_overlap`, `cutoff_out_of_range`, `fact_year_out_of_range`,
        `change_over_range`.
    """
    ranges = [_range_of(item, scale) for item in scale.items]
    if ranges:
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        yield from _answers(scale.responses, (low, high), "responses")
    for item in scale.items:
        yield from _answers(item.responses, _range_of(item, scale), f"items.{item.id}.responses")
        if any(not text for text in item.text.values()):
            place = Place(key=f"items.{item.id}.text")
            yield Finding.error("answer_without_words", place, name=item.id)
    if any(not text for text in scale.instruction.values()):
        yield Finding.error("answer_without_words", Place(key="instruction"), name="instruction")
    yield from _least(scale.scoring, len(scale.total_items), "scoring")
    for part in scale.subscales:
        yield from _least(part.scoring, len(part.items), f"subscales.{part.id}.scoring")
    if divisor is not None:
        yield from _sum_range(scale, divisor)
        yield from _changes(scale)
    yield from _bands(scale)
    yield from _years(scale)


def _range_of(item: Item, scale: Scale) -> Range:
    low = scale.low if item.low is None else item.low
    return low, scale.high if item.high is None else item.high


def _answers(answers: Sequence[Response], codes: Range, key: str) -> Iterable[Finding]:
    place = Place(key=key)
    for code, n in Counter(answer.code for answer in answers).items():
        if n > 1:
            yield Finding.error("answer_given_twice", place, name=str(code), n=n)
        if not codes[0] <= code <= codes[1]:
            yield Finding.error(
                "answer_out_of_range", place, name=str(code), low=codes[0], high=codes[1]
            )
    for words in ([w for a in answers for w in a.fr], [w for a in answers for w in a.en]):
        if "" in words:
            yield Finding.error("answer_without_words", place, name=key)
        for word, n in Counter(word.casefold() for word in words if word).items():
            if n > 1:
                yield Finding.error("answer_given_twice", place, name=word, n=n)


def _least(scoring: Scoring, items: int, key: str) -> Iterable[Finding]:
    missing = scoring.missing
    if missing is not None and items and missing.least > items:
        place = Place(key=f"{key}.missing.least")
        yield Finding.error("least_over_items", place, found=str(missing.least), items=items)
    low, high = scoring.low, scoring.high
    if low is not None and high is not None and not low < high:
        yield Finding.error("empty_range", Place(key=f"{key}.high"), low=low, high=high)


def _sum_range(scale: Scale, divisor: int) -> Iterable[Finding]:
    """Hold the range that is declared to that of the sum of the items, or of their mean."""
    low, high = scale.scoring.low, scale.scoring.high
    if low is None or high is None or not low < high:
        return
    made = set(scale.total_items)
    ends = [tuple(item.points.values()) or _range_of(item, scale) for item in scale.items
            if item.id in made]  # fmt: skip
    factor, constant = scale.scoring.factor, scale.scoring.constant
    sums = sorted(constant + factor * sum(map(end, ends)) / divisor for end in (min, max))
    if any(abs(a - b) > _CLOSE for a, b in zip(sums, (low, high), strict=True)):
        yield Finding.error(
            "score_range_differs", Place(key="scoring.low"), low=low, high=high,
            found=f"{sums[0]:g} – {sums[1]:g}",
        )  # fmt: skip


def _changes(scale: Scale) -> Iterable[Finding]:
    low, high = scale.scoring.low, scale.scoring.high
    if low is None or high is None:
        return
    for value in scale.change:
        if value.scale == "total" and value.value > high - low:
            yield Finding.error(
                "change_over_range", Place(key="change"), value=value.value, low=low, high=high
            )


def _bands(scale: Scale) -> Iterable[Finding]:
    """Hold the bands of one source, population and score apart, and inside the score's range."""
    groups: dict[tuple[str, FactText, FactText], list[CutOff]] = defaultdict(list)
    for cut in scale.cutoffs:
        groups[cut.scale, cut.source, cut.population].append(cut)
    least, most = scale.scoring.low, scale.scoring.high
    for (name, _, _), cuts in groups.items():
        bands = sorted((_ends(cut), cut.id) for cut in cuts)
        for (low, high), own in bands:
            inside = name != "total" or (
                (least is None or low >= least or low == -math.inf)
                and (most is None or high <= most or high == math.inf)
            )
            if not low <= high or not inside:
                yield Finding.error("cutoff_out_of_range", Place(key="cutoffs"), name=own)
        for ((_, end), own), ((start, _), other) in pairwise(bands):
            if own == other or not end < start:
                yield Finding.error("cutoffs_overlap", Place(key="cutoffs"), name=own, other=other)


def _ends(cut: CutOff) -> Range:
    low = -math.inf if cut.low is None else cut.low
    return low, math.inf if cut.high is None else cut.high


def _years(scale: Scale) -> Iterable[Finding]:
    for key, facts in (("cutoffs", scale.cutoffs), ("norms", scale.norms)):
        for fact in facts:
            if fact.year is not None and not FIRST_YEAR <= fact.year <= LAST_YEAR:
                yield Finding.error(
                    "fact_year_out_of_range", Place(key=key), found=str(fact.year),
                    first=FIRST_YEAR, last=LAST_YEAR,
                )  # fmt: skip
