"""The waves of a questionnaire: its column, and the dates it names, are in its table."""

from __future__ import annotations

import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place, nearest
from impact_eval.data.waves import missing
from impact_eval.pipeline.study_models import InstrumentPart


def refuse_unknown_waves(part: InstrumentPart, frame: pd.DataFrame) -> None:
    """Refuse a questionnaire whose column of the wave, or whose waves, are not in its table.

    Raises
    ------
    ImpactEvalError
        `missing_column`, `unknown_period`.
    """
    if part.wave is None:
        return
    known = [str(name) for name in frame.columns]
    if part.wave not in known:
        raise ImpactEvalError(missing(f"instruments.{part.id}.wave", part.wave, known))
    values = list(dict.fromkeys(map(str, frame[part.wave].dropna())))
    place = Place(column=part.wave, key=f"instruments.{part.id}.waves")
    unknown = [wave for wave in part.waves or () if wave not in values]
    if unknown:
        raise ImpactEvalError(
            Finding.error(
                "unknown_period", place, name=wave, column=part.wave,
                nearest=nearest(wave, values), known=values[:12],
            )
            for wave in unknown
        )  # fmt: skip
