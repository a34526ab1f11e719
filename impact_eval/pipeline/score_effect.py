"""A score as the outcome of a comparison: its effect in standard deviations, and what it rests on.

The comparison supposes that the scale measures the same thing in both groups; its size is read in
points, in deviations of the scores at entry, and against the smallest change that matters.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.vocabulary import ScoreGroup
from impact_eval.pipeline.estimation import OutcomeEvaluation
from impact_eval.pipeline.soft import GroupScores, ScoredInstrument
from impact_eval.results.parts import finite
from impact_eval.results.score_facts import ScoreEffectRecord
from impact_eval.survey.invariance import InvarianceReading, invariance_of_groups
from impact_eval.survey.scale import TOTAL, ScoringRule

FloatArray = NDArray[np.float64]
_LEAST_ITEMS = 3


def effect_on_score(
    scored: ScoredInstrument, group: GroupScores, found: Iterable[OutcomeEvaluation]
) -> ScoreEffectRecord | None:
    """Return the effect of a comparison on a score; None when none was estimated.

    Parameters
    ----------
    scored : ScoredInstrument
    group : GroupScores
        The accompanied, the total or a part.
    found : iterable of OutcomeEvaluation
        The outcomes estimated.
    """
    part = None if group.scale == TOTAL else group.scale
    evaluation = next(
        (
            e
            for e in found
            if e.part.instrument == scored.part.id
            and e.part.part == part
            and e.design.info.counterfactual
        ),
        None,
    )
    deviation = _deviation(scored, group.scale)
    if evaluation is None or deviation is None:
        return None
    row = evaluation.main.effects[0]
    return ScoreEffectRecord(
        outcome=evaluation.part.id,
        deviation=deviation,
        size=_over(row.estimate, deviation),
        conf_low=_over(row.conf_low, deviation),
        conf_high=_over(row.conf_high, deviation),
        low=finite(row.conf_low),
        high=finite(row.conf_high),
    )


def _over(value: float | None, deviation: float) -> float | None:
    known = finite(value)
    return None if known is None else finite(known / deviation)


def _deviation(scored: ScoredInstrument, scale: str) -> float | None:
    r"""Return the deviation of scores at entry within groups, pooled.

    :math:`\sqrt{\sum_g (n_g - 1) s_g^2 / \sum_g (n_g - 1)}` (Morris, 2008,
    doi:10.1177/1094428106291059).
    """
    squares, freedom = 0.0, 0
    for group in scored.groups:
        if group.scale != scale:
            continue
        values = group.scores.values if group.pairs is None else group.pairs.entry.to_numpy()
        values = values[np.isfinite(values)]
        if len(values) > 1:
            squares += float(((values - values.mean()) ** 2).sum())
            freedom += len(values) - 1
    return float(np.sqrt(squares / freedom)) if freedom and squares > 0 else None


def invariance_between_groups(scored: ScoredInstrument) -> InvarianceReading | None:
    """Return whether the scale measures alike in both groups, at the date that is compared.

    None without two groups, for a few questions, or for answers that are never added.

    Parameters
    ----------
    scored : ScoredInstrument
    """
    rule = scored.instrument.scoring.rule
    groups = [g for g in scored.groups if g.scale == TOTAL and g.group is not ScoreGroup.EVERYONE]
    if len(groups) < 2 or rule in (ScoringRule.NONE, ScoringRule.WEIGHTED):
        return None
    if len(scored.scores.items) < _LEAST_ITEMS:
        return None
    sides = [(group.sides or (group.scores,))[-1].matrix() for group in groups]
    labels = np.repeat(np.arange(len(sides)), [len(side) for side in sides])
    return invariance_of_groups(np.vstack(sides), tuple(scored.scores.items), labels)
