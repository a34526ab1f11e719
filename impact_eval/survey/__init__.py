"""Scales: what they are, how they are scored, how far a score can be trusted, how it changed.

>>> from impact_eval import survey
>>> "rses-fr" in survey.instrument_names()
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from impact_eval.survey.catalogue import instrument, instrument_names, instruments

if TYPE_CHECKING:
    from impact_eval.survey.instrument import Instrument
    from impact_eval.survey.scores import Scores

_LATER = {
    "Instrument": "impact_eval.survey.instrument",
    "Scores": "impact_eval.survey.scores",
}

__all__ = ["Instrument", "Scores", "instrument", "instrument_names", "instruments"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(name)
