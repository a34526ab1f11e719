"""Outcomes declared as one family: their p-values corrected for being examined together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.vocabulary import Correction as CorrectionName
from impact_eval.pipeline.estimation import OutcomeEvaluation
from impact_eval.results.family import FamilyRecord
from impact_eval.results.parts import finite
from impact_eval.stats.inference.joint_influence import joint_covariance
from impact_eval.stats.inference.multiplicity import Correction, adjust, joint_step_down

DEFAULT: CorrectionName = "holm"
JOINT: CorrectionName = "westfall_young"


def families_of(
    found: Sequence[OutcomeEvaluation], correction: CorrectionName | None, *, seed: int
) -> Mapping[str, FamilyRecord]:
    """Return, by outcome, its family and its corrected p-value; the others have none.

    An effect without a p-value counts among the questions asked, and gets none.

    Parameters
    ----------
    found : sequence of OutcomeEvaluation
    correction : str or None
        As declared; Holm without it.
    seed : int
        Of the draws of the joint law.
    """
    chosen = correction or DEFAULT
    names = dict.fromkeys(e.part.family for e in found if e.part.family is not None)
    out: dict[str, FamilyRecord] = {}
    for name in names:
        members = [e for e in found if e.part.family == name]
        told = [finite(e.main.effects[0].p_value) for e in members]
        adjusted = _adjusted(members, [1.0 if p is None else p for p in told], chosen, seed)
        for member, p, value in zip(members, told, adjusted.tolist(), strict=True):
            out[member.part.id] = FamilyRecord(
                name=str(name),
                correction=chosen,
                outcomes=len(members),
                adjusted=None if p is None else value,
            )
    return out


def _adjusted(
    members: Sequence[OutcomeEvaluation], p_values: list[float], chosen: CorrectionName, seed: int
) -> NDArray[np.float64]:
    if chosen == JOINT:
        covariance = joint_covariance([e.main for e in members])
        return joint_step_down(p_values, covariance, rng=np.random.default_rng(seed))
    return adjust(p_values, Correction(chosen))
