"""Who was lost between two dates, and what they were like when they entered."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.pipeline.soft import GroupScores, ScoredInstrument
from impact_eval.pipeline.study import Study
from impact_eval.results.parts import finite
from impact_eval.results.score_facts import LostRecord, LostRowRecord
from impact_eval.stats.inference.rarity import rarest
from impact_eval.survey.respondents import LostRow, compared_at_entry
from impact_eval.survey.scale import TOTAL


def lost_record(study: Study, scored: ScoredInstrument, group: GroupScores) -> LostRecord | None:
    """Return who was asked at both dates and who at one; None with one date, or for a part.

    Those lost are compared with those who stayed on the score itself and on the covariates that the
    study declares, all at entry.

    Parameters
    ----------
    study : Study
    scored : ScoredInstrument
    group : GroupScores
    """
    pairs = group.pairs
    if pairs is None or group.scale != TOTAL:
        return None
    rows: tuple[LostRowRecord, ...] = ()
    if pairs.n_lost and len(pairs.people):
        rows = _rows(scored, pairs.entry, pairs.stayed())
    return LostRecord(
        n_before=pairs.n_before,
        n_after=pairs.n_after,
        n=len(pairs.people),
        n_lost=pairs.n_lost,
        n_new=pairs.n_new,
        rows=rows,
    )


def _rows(
    scored: ScoredInstrument, entry: pd.Series[float], stayed: NDArray[np.bool_]
) -> tuple[LostRowRecord, ...]:
    labels = [str(label) for label in entry.index]
    described = scored.people.characteristics
    table = pd.DataFrame(index=pd.Index(labels))
    if described is not None:
        table = described.reindex(labels)
    scores: NDArray[np.float64] = np.asarray(entry, dtype=np.float64)
    columns = {SCORE: scores, **compared_at_entry(table)}
    out = []
    for name, values in columns.items():
        row = LostRow.of(name, values, stayed)
        if row.n_stayed and row.n_lost:
            out.append(_record(row, values, stayed))
    return tuple(out)


SCORE = "score"  # the label of the row of the score itself, which no column bears


def _record(row: LostRow, values: NDArray[np.float64], stayed: NDArray[np.bool_]) -> LostRowRecord:
    away = [rarest(values[side]) for side in (stayed, ~stayed)]
    return LostRowRecord(
        label=row.variable,
        mean_stayed=finite(row.mean_stayed),
        mean_lost=finite(row.mean_lost),
        gap=None if row.gap is None else finite(row.gap),
        n_stayed=row.n_stayed,
        n_lost=row.n_lost,
        fewest=min(n for n in away if n is not None),
    )
