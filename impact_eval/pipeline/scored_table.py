"""The answers of a questionnaire scored, in their table: what `check` and a run share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from impact_eval.pipeline.columns_used import instrument_of
from impact_eval.pipeline.questionnaire_waves import refuse_unknown_waves
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import InstrumentPart
from impact_eval.survey.instrument_file import Instrument
from impact_eval.survey.scale import TOTAL
from impact_eval.survey.scores import Scores


@dataclass(frozen=True, slots=True, eq=False)
class ScoredTable:
    """A scale, its scores, and the table that holds them, one column by part."""

    instrument: Instrument
    scores: Scores
    frame: pd.DataFrame
    columns: Mapping[str, str]


def scored_table(study: Study, part: InstrumentPart, frame: pd.DataFrame) -> ScoredTable:
    """Return the answers of a questionnaire scored, in its table: what `check` and a run share.

    Raises
    ------
    ImpactEvalError
        Waves that are not there, and what scoring refuses.
    """
    refuse_unknown_waves(part, frame)
    scale = instrument_of(study.folder, part)
    items: dict[str | int, str] | None = dict(part.items.items()) or None
    scores = scale.score(frame, items, licence_declared=part.licence_declared)
    columns = {TOTAL: f"score_{part.id}"}
    columns |= {name: f"score_{part.id}.{name}" for name in scores.subscales}
    table = frame
    for name, column in columns.items():
        table = scores.part(name).add_to(table, column)
    return ScoredTable(scale, scores, table, columns)
