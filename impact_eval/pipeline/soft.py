"""Questionnaires of a study: scored, with their reliability, and their change between two waves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.core.vocabulary import Unit
from impact_eval.pipeline.columns_used import instrument_of
from impact_eval.pipeline.questionnaire_waves import refuse_unknown_waves
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart, InstrumentPart, in_both_if_any
from impact_eval.pipeline.urgent import shareable
from impact_eval.results.finding_records import FindingRecord
from impact_eval.results.parts import BilingualRecord, finite
from impact_eval.results.score_parts import (
    alpha_of,
    change_of,
    invariance_of,
    mean_change_of,
    people_of,
)
from impact_eval.results.score_records import (
    BinRecord,
    CodeRowRecord,
    CodeTableRecord,
    ItemRecord,
    LevelRecord,
    QualityRecord,
    ScoreRecord,
)
from impact_eval.stats.inference.rarity import rarest
from impact_eval.survey.change import ChangeResult, pair_waves, plan_from, read_change
from impact_eval.survey.instrument_file import Instrument
from impact_eval.survey.quality import measurement_quality
from impact_eval.survey.quality_report import QualityReport
from impact_eval.survey.scores import Scores

FloatArray = NDArray[np.float64]
ReadTable = Callable[[DataPart], pd.DataFrame]
MOST_BINS = 12


@dataclass(frozen=True, kw_only=True)
class ScoredInstrument:
    """A scored questionnaire and the table that holds its score.

    Attributes
    ----------
    part : InstrumentPart
    instrument : Instrument
    frame : DataFrame
        The answers with the score as a new column.
    column : str
        Name of that column.
    scores : Scores
        All waves together.
    waves : tuple of Scores
        Entry then exit, when the study names two waves.
    sides : tuple of Scores
        Entry then exit of those who have a score at both, in one order; empty when there are none.
    change : ChangeResult or None
        Between the two waves, among those who answered twice.
    quality : QualityReport or None
        Of the answers at entry (None for a single question), and whether the scale measures alike
        at both waves.
    """

    part: InstrumentPart
    instrument: Instrument
    frame: pd.DataFrame
    column: str
    scores: Scores
    waves: tuple[Scores, ...]
    sides: tuple[Scores, ...]
    change: ChangeResult | None
    quality: QualityReport | None


def score_instruments(study: Study, read: ReadTable) -> dict[str, ScoredInstrument]:
    """Score every questionnaire of a study.

    Parameters
    ----------
    study : Study
    read : callable
        Reads a declared table.

    Returns
    -------
    dict of str to ScoredInstrument
        By the identifier that outcomes refer to.
    """
    return {part.id: _score(study, part, read(part.data)) for part in study.declaration.instruments}


def _score(study: Study, part: InstrumentPart, frame: pd.DataFrame) -> ScoredInstrument:
    refuse_unknown_waves(part, frame)
    scale = instrument_of(study.folder, part)
    items: dict[str | int, str] | None = dict(part.items.items()) or None
    scores = scale.score(frame, items, licence_declared=part.licence_declared)
    column = f"score_{part.id}"
    scored = scores.add_to(frame, column)
    waves: tuple[Scores, ...] = ()
    sides: tuple[Scores, ...] = ()
    change, quality = None, None
    several = len(scores.items) > 1
    unit = part.data.roles.unit
    if part.waves is not None and part.wave is not None and unit is not None:
        parts = [_like(frame[frame[part.wave].astype(str) == w], frame) for w in part.waves]
        waves = tuple(
            scale.score(rows, items, licence_declared=part.licence_declared)
            for rows in parts
            if len(rows)
        )
        pairs = pair_waves(scored, person=unit, wave=part.wave, waves=part.waves, column=column)
        rng = np.random.default_rng(study.declaration.study.seed)
        change = read_change(pairs.before, pairs.after, plan_from(waves[0]), rng=rng)
        if len(pairs.people):
            sides = tuple(
                scale.score(
                    _like(
                        rows.drop_duplicates(unit).set_index(unit, drop=False).loc[pairs.people],
                        frame,
                    ),
                    items,
                    licence_declared=part.licence_declared,
                )
                for rows in parts
            )
        if len(pairs.people) > 1 and several:
            quality = measurement_quality(sides[0], later=sides[1])
    return ScoredInstrument(
        part=part,
        instrument=scale,
        frame=scored,
        column=column,
        scores=scores,
        waves=waves,
        sides=sides,
        change=change,
        quality=quality or (measurement_quality(scores) if several else None),
    )


def _like(rows: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return some rows of a table with the labels of its codes."""
    rows.attrs = frame.attrs
    return rows


# ------------------------------------------------------------------ the record


def score_record(study: Study, scored: ScoredInstrument) -> ScoreRecord:
    """Return what results say of a questionnaire: counts, means, precision; no row of a person.

    Parameters
    ----------
    study : Study
        Whose outcome gives the scale its name.
    scored : ScoredInstrument
    """
    scores, change = scored.scores, scored.change
    findings = [*scores.findings, *(change.findings if change is not None else ())]
    both = change is not None and len(scored.waves) == 2
    label = next(
        (o.label for o in study.declaration.outcomes if o.instrument == scored.part.id), None
    )
    smallest = None if change is None else change.minimal_detectable
    known = smallest is not None and not isinstance(smallest, NotApplicable)
    return ScoreRecord(
        id=scored.part.id,
        instrument=scored.instrument.id,
        scale=scored.instrument.id,
        version=scored.instrument.version,
        name=in_both_if_any(label),
        counted=study.rows_are(scored.part.data),
        unit=Unit.SCORE,
        direction=scores.direction,
        low=finite(scores.low),
        high=finite(scores.high),
        n=scores.n,
        reliability=alpha_of(scores.reliability),
        local=scored.instrument.local,
        withheld=False,
        quality=_quality(scored),
        before=_level(scored.waves[0].values) if both else None,
        after=_level(scored.waves[1].values) if both else None,
        change=mean_change_of(change) if both and change is not None else None,
        detectable_change=None if isinstance(smallest, NotApplicable) else finite(smallest),
        people=people_of(change) if known and change is not None else None,
        reading=change_of(change) if both and change is not None else None,
        bins=_bins(scored) if both and scored.sides else (),
        categories=_categories(scored.instrument) if both else (),
        items=_items(scored) if both else (),
        codes=_code_tables(scored),
        findings=tuple(FindingRecord.of(finding) for finding in shareable(findings)),
    )


def _quality(scored: ScoredInstrument) -> QualityRecord | None:
    quality = scored.quality
    if quality is None:
        return None
    return QualityRecord(
        readings=tuple(FindingRecord.of(finding) for finding in shareable(quality.findings)),
        invariance=tuple(invariance_of(reading) for reading in quality.invariance),
    )


def _level(values: FloatArray) -> LevelRecord:
    seen = values[np.isfinite(values)]
    spread = float(seen.std(ddof=1)) if len(seen) > 1 else None
    mean = float(seen.mean()) if len(seen) else None
    return LevelRecord(mean=mean, sd=spread, n=len(seen), fewest=rarest(seen))


def _bins(scored: ScoredInstrument) -> tuple[BinRecord, ...]:
    """Cut the possible range in a few equal parts; count those who have a score at both dates."""
    low, high = scored.scores.low, scored.scores.high
    width = max(1.0, np.ceil((high - low) / MOST_BINS))
    edges = np.arange(low, high + width, width)
    ends = np.append(edges, edges[-1] + width)
    counts = [np.histogram(side.values, ends)[0] for side in scored.sides]
    return tuple(
        BinRecord(low=float(edge), high=float(min(edge + width, high)), before=int(b), after=int(a))
        for edge, b, a in zip(edges, counts[0], counts[1], strict=True)
        if edge < high or b or a
    )


def _categories(instrument: Instrument) -> tuple[BilingualRecord, ...]:
    return tuple(
        BilingualRecord(fr=r.fr[0], en=r.en[0]) for r in instrument.responses if r.fr and r.en
    )


def _items(scored: ScoredInstrument) -> tuple[ItemRecord, ...]:
    """Return, per item and date, how many gave each answer, in points of the score.

    The same people throughout: those who answered every question at both dates. A question that
    three people left blank would count three less than the others, and tell them.
    """
    codes = [response.code for response in scored.instrument.responses]
    if not codes or not scored.sides:
        return ()
    before, after = (side.items for side in scored.sides)
    whole = _answered_all(scored.sides)
    return tuple(
        ItemRecord(
            label=_label(scored.instrument, name, number),
            before=_counts(before[name][whole], codes),
            after=_counts(after[name][whole], codes),
        )
        for number, name in enumerate(scored.scores.items, start=1)
    )


def _answered_all(scores: Sequence[Scores]) -> NDArray[np.bool_]:
    """Return who answered every question, at every date."""
    answered: NDArray[np.bool_] = np.all(
        [np.isfinite(side.items[name]) for side in scores for name in side.items], axis=0
    )
    return answered


def _code_tables(scored: ScoredInstrument) -> tuple[CodeTableRecord, ...]:
    """Return what each code was taken for, with the answers of those who answered everything.

    At both dates together, when there are two: the same people as in the answers by question.
    """
    sides = scored.sides or (scored.scores,)
    whole = _answered_all(sides)
    tables = []
    for number, table in enumerate(scored.scores.codes, start=1):
        given = np.concatenate([side.answers[table.item][whole] for side in sides])
        words = _words(scored.instrument, table.item)
        answers = tuple(int((given == r.answer).sum()) for r in table.rows if r.answer is not None)
        rows = tuple(
            CodeRowRecord(
                code=row.code,
                label=row.label,
                answer=None if row.answer is None else words.get(row.answer),
                points=row.points,
                missing=row.missing,
            )
            for row in table.rows
        )
        tables.append(
            CodeTableRecord(
                label=_label(scored.instrument, table.item, number),
                by=table.by,
                rows=rows,
                answers=answers,
            )
        )
    return tuple(tables)


def _words(instrument: Instrument, item: str) -> dict[int, BilingualRecord]:
    """Return the answers of a question in both languages, by their code in the scale."""
    own = instrument.item(item).responses or instrument.responses
    return {r.code: BilingualRecord(fr=r.fr[0], en=r.en[0]) for r in own if r.fr and r.en}


def _label(instrument: Instrument, name: str, number: int) -> BilingualRecord:
    return BilingualRecord(
        fr=instrument.wording(name, "fr") or f"Question {number}",
        en=instrument.wording(name, "en") or f"Question {number}",
    )


def _counts(values: FloatArray, codes: Sequence[float]) -> tuple[int, ...]:
    return tuple(int((values == code).sum()) for code in codes)
