"""Scales: what they are, how they are scored, how far a score can be trusted, how it changed.

No module here bears the name of a public function: importing it would hide the function.

>>> from impact_eval import survey
>>> "rses-fr" in survey.instrument_names()
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from impact_eval.survey.catalogue import instrument_names

if TYPE_CHECKING:
    from impact_eval.stats.scales.summing import goal_attainment
    from impact_eval.stats.surveys.calibration import (
        CalibrationMethod,
        CategoryMargin,
        NumberMargin,
        calibrate_on_margins,
    )
    from impact_eval.stats.surveys.survey_design import survey_design, survey_mean, survey_total
    from impact_eval.survey.agreement_reading import RatingAgreement, rating_agreement
    from impact_eval.survey.change import ChangeResult, read_change
    from impact_eval.survey.change_plan import ChangePlan, plan_from
    from impact_eval.survey.deprivation import alkire_foster, consumption_units, energy_poverty
    from impact_eval.survey.instrument_file import Instrument, instrument, instruments
    from impact_eval.survey.nonresponse import NonresponseWeights, nonresponse_weights
    from impact_eval.survey.quality import measurement_quality, with_invariance
    from impact_eval.survey.quality_report import QualityReport
    from impact_eval.survey.respondents import Attrition, Care, attrition, care
    from impact_eval.survey.scores import Scores
    from impact_eval.survey.wave_pairs import WavePairs, pair_waves

_LATER = {
    "Attrition": "impact_eval.survey.respondents",
    "CalibrationMethod": "impact_eval.stats.surveys.calibration",
    "Care": "impact_eval.survey.respondents",
    "CategoryMargin": "impact_eval.stats.surveys.calibration",
    "ChangePlan": "impact_eval.survey.change_plan",
    "ChangeResult": "impact_eval.survey.change",
    "Instrument": "impact_eval.survey.instrument_file",
    "NonresponseWeights": "impact_eval.survey.nonresponse",
    "NumberMargin": "impact_eval.stats.surveys.calibration",
    "QualityReport": "impact_eval.survey.quality_report",
    "RatingAgreement": "impact_eval.survey.agreement_reading",
    "Scores": "impact_eval.survey.scores",
    "WavePairs": "impact_eval.survey.wave_pairs",
    "alkire_foster": "impact_eval.survey.deprivation",
    "attrition": "impact_eval.survey.respondents",
    "calibrate_on_margins": "impact_eval.stats.surveys.calibration",
    "care": "impact_eval.survey.respondents",
    "consumption_units": "impact_eval.survey.deprivation",
    "energy_poverty": "impact_eval.survey.deprivation",
    "goal_attainment": "impact_eval.stats.scales.summing",
    "instrument": "impact_eval.survey.instrument_file",
    "instruments": "impact_eval.survey.instrument_file",
    "measurement_quality": "impact_eval.survey.quality",
    "pair_waves": "impact_eval.survey.wave_pairs",
    "plan_from": "impact_eval.survey.change_plan",
    "rating_agreement": "impact_eval.survey.agreement_reading",
    "nonresponse_weights": "impact_eval.survey.nonresponse",
    "read_change": "impact_eval.survey.change",
    "survey_design": "impact_eval.stats.surveys.survey_design",
    "survey_mean": "impact_eval.stats.surveys.survey_design",
    "survey_total": "impact_eval.stats.surveys.survey_design",
    "with_invariance": "impact_eval.survey.quality",
}

__all__ = [
    "Attrition",
    "CalibrationMethod",
    "Care",
    "CategoryMargin",
    "ChangePlan",
    "ChangeResult",
    "Instrument",
    "NonresponseWeights",
    "NumberMargin",
    "QualityReport",
    "RatingAgreement",
    "Scores",
    "WavePairs",
    "alkire_foster",
    "attrition",
    "calibrate_on_margins",
    "care",
    "consumption_units",
    "energy_poverty",
    "goal_attainment",
    "instrument",
    "instrument_names",
    "instruments",
    "measurement_quality",
    "nonresponse_weights",
    "pair_waves",
    "plan_from",
    "rating_agreement",
    "read_change",
    "survey_design",
    "survey_mean",
    "survey_total",
    "with_invariance",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(name)
