"""Answers to each question of a scale: what people ticked, in the order of the answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.core.vocabulary import Direction
from impact_eval.pipeline.soft import GroupScores, ScoredInstrument
from impact_eval.pipeline.study_models import InstrumentPart, in_both_languages
from impact_eval.results.parts import BilingualRecord, finite
from impact_eval.results.score_facts import AgreementRecord
from impact_eval.results.score_records import (
    CodeRowRecord,
    CodeTableRecord,
    FavourableEnd,
    ItemRecord,
)
from impact_eval.survey.answer_codes import ItemCodes
from impact_eval.survey.instrument_file import Instrument
from impact_eval.survey.scale import Response, ScoringRule
from impact_eval.survey.scores import Scores

FloatArray = NDArray[np.float64]


def categories_of(instrument: Instrument) -> tuple[BilingualRecord, ...]:
    """Return the answers shared by the questions of a scale, in the order of their codes."""
    return _named(instrument.responses)


def item_records(
    part: InstrumentPart, instrument: Instrument, group: GroupScores
) -> tuple[ItemRecord, ...]:
    """Return, per question and date, how many ticked each answer.

    The same people throughout: those who answered every question at both dates. A question that
    three people left blank would count three less than the others, and tell them.

    Parameters
    ----------
    part : InstrumentPart
        Whose own wording of the questions comes first.
    instrument : Instrument
    group : GroupScores
    """
    if not group.sides:
        return ()
    whole = _answered_all(group.sides)
    tables = {table.item: table for table in group.scores.codes}
    out = []
    for number, name in enumerate(group.scores.items, start=1):
        own = instrument.item(name).responses
        answers = _named(own or instrument.responses)
        codes = sorted(r.code for r in own or instrument.responses)
        if not codes or len(answers) != len(codes):
            continue
        before, after = (_counts(side.answers[name][whole], codes) for side in group.sides)
        out.append(
            ItemRecord(
                label=label_of(part, instrument, name, number),
                before=before,
                after=after,
                better=_better(
                    tables.get(name), _direction(instrument, name), _weight(instrument, name)
                ),
                answers=answers if own else (),
            )
        )
    return tuple(out)


def _direction(instrument: Instrument, name: str) -> Direction:
    """Return which way is better for what a question is about: by its part, else its scale."""
    own = {part.direction for part in instrument.subscales if name in part.items and part.direction}
    return own.pop() if len(own) == 1 else instrument.direction


def _weight(instrument: Instrument, name: str) -> float:
    """Return what a point of a question counts in the score: less than nothing, for some."""
    weighted = instrument.scoring.rule is ScoringRule.WEIGHTED
    return instrument.item(name).weight if weighted else 1.0


def _better(table: ItemCodes | None, direction: Direction, weight: float) -> FavourableEnd:
    """Return which end of the answers is better: by what each counts, and what the score means."""
    points = [] if table is None else [
        weight * row.points for row in sorted(
            (r for r in table.rows if r.answer is not None and r.points is not None),
            key=lambda row: row.answer or 0,
        ) if row.points is not None
    ]  # fmt: skip
    if len(points) < 2 or points[0] == points[-1] or direction is Direction.NEITHER:
        return FavourableEnd.NONE
    rising = points[-1] > points[0]
    return FavourableEnd.LAST if rising is (direction is Direction.HIGHER) else FavourableEnd.FIRST


def _answered_all(scores: Sequence[Scores]) -> NDArray[np.bool_]:
    """Return who answered every question, at every date."""
    answered: NDArray[np.bool_] = np.all(
        [np.isfinite(side.answers[name]) for side in scores for name in side.items], axis=0
    )
    return answered


def code_tables(
    part: InstrumentPart, instrument: Instrument, group: GroupScores
) -> tuple[CodeTableRecord, ...]:
    """Return what each code was taken for, with the answers of those who answered everything.

    At both dates together, when there are two: the same people as in the answers by question.
    """
    sides = group.sides or (group.scores,)
    whole = _answered_all(sides)
    tables = []
    for number, table in enumerate(group.scores.codes, start=1):
        given = np.concatenate([side.answers[table.item][whole] for side in sides])
        words, weight = _words(instrument, table.item), _weight(instrument, table.item)
        answers = tuple(int((given == r.answer).sum()) for r in table.rows if r.answer is not None)
        rows = tuple(
            CodeRowRecord(
                code=row.code,
                label=row.label,
                answer=None if row.answer is None else words.get(row.answer),
                points=None if row.points is None else weight * row.points + 0.0,  # no minus zero
                missing=row.missing,
            )
            for row in table.rows
        )
        tables.append(
            CodeTableRecord(
                label=label_of(part, instrument, table.item, number),
                by=table.by,
                rows=rows,
                answers=answers,
            )
        )
    return tuple(tables)


def agreement_records(
    part: InstrumentPart, scored: ScoredInstrument
) -> tuple[AgreementRecord, ...]:
    """Return how far two ratings of the same people agree, question by question."""
    numbers = {name: n for n, name in enumerate(scored.scores.items, start=1)}
    out = []
    for name, found in scored.agreement.items():
        icc = None if isinstance(found.icc, NotApplicable) else found.icc
        out.append(
            AgreementRecord(
                label=label_of(part, scored.instrument, name, numbers[name]),
                n=found.n,
                exact=finite(found.exact),
                within_one=finite(found.within_one),
                icc=None if icc is None else finite(icc.value),
                conf_low=None if icc is None else finite(icc.conf_low),
                conf_high=None if icc is None else finite(icc.conf_high),
                bias=finite(found.bias),
                bias_low=finite(found.bias_low),
                bias_high=finite(found.bias_high),
            )
        )
    return tuple(out)


def label_of(
    part: InstrumentPart, instrument: Instrument, name: str, number: int
) -> BilingualRecord:
    """Return a question: as the study asked it, as rights allow, or by number and subject."""
    if name in part.wording:
        return in_both_languages(part.wording[name])
    stem = instrument.item(name).stem
    about = {"fr": "", "en": ""} if stem is None else stem.by_language()
    told = {
        language: instrument.wording(name, language)
        or f"Question {number}" + (f" ({subject})" if subject else "")
        for language, subject in about.items()
    }
    return BilingualRecord(fr=told["fr"], en=told["en"])


def _named(responses: Sequence[Response]) -> tuple[BilingualRecord, ...]:
    ordered = sorted(responses, key=lambda response: response.code)
    return tuple(BilingualRecord(fr=r.fr[0], en=r.en[0]) for r in ordered if r.fr and r.en)


def _words(instrument: Instrument, item: str) -> dict[int, BilingualRecord]:
    """Return the answers of a question in both languages, by their code in the scale."""
    own = instrument.item(item).responses or instrument.responses
    return {r.code: BilingualRecord(fr=r.fr[0], en=r.en[0]) for r in own if r.fr and r.en}


def _counts(values: FloatArray, codes: Sequence[float]) -> tuple[int, ...]:
    return tuple(int((values == code).sum()) for code in codes)
