"""Scales: what they are, how they are scored, how far a score can be trusted, how it changed.

No module here bears the name of a public function: importing it would hide the function.

>>> from impact_eval import survey
>>> "rses-fr" in survey.instrument_names()
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from impact_eval.survey.catalogue import instrument, instrument_names, instruments

if TYPE_CHECKING:
    from impact_eval.stats.scoring import goal_attainment
    from impact_eval.survey.change import (
        ChangePlan,
        ChangeResult,
        WavePairs,
        pair_waves,
        plan_from,
        read_change,
    )
    from impact_eval.survey.deprivation import alkire_foster, energy_poverty
    from impact_eval.survey.respondents import Attrition, Care, attrition, care
    from impact_eval.survey.scale import Instrument
    from impact_eval.survey.scores import Scores

_LATER = {
    "Attrition": "impact_eval.survey.respondents",
    "Care": "impact_eval.survey.respondents",
    "ChangePlan": "impact_eval.survey.change",
    "ChangeResult": "impact_eval.survey.change",
    "Instrument": "impact_eval.survey.scale",
    "Scores": "impact_eval.survey.scores",
    "WavePairs": "impact_eval.survey.change",
    "alkire_foster": "impact_eval.survey.deprivation",
    "attrition": "impact_eval.survey.respondents",
    "care": "impact_eval.survey.respondents",
    "energy_poverty": "impact_eval.survey.deprivation",
    "goal_attainment": "impact_eval.stats.scoring",
    "pair_waves": "impact_eval.survey.change",
    "plan_from": "impact_eval.survey.change",
    "read_change": "impact_eval.survey.change",
}

__all__ = [
    "Attrition",
    "Care",
    "ChangePlan",
    "ChangeResult",
    "Instrument",
    "Scores",
    "WavePairs",
    "alkire_foster",
    "attrition",
    "care",
    "energy_poverty",
    "goal_attainment",
    "instrument",
    "instrument_names",
    "instruments",
    "pair_waves",
    "plan_from",
    "read_change",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(name)
