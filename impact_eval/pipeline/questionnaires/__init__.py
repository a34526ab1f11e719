"""Questionnaires ready to be put online or printed, whose answer codes are those of the scale."""

from impact_eval.pipeline.questionnaires.form import (
    FormAnswer,
    FormBlock,
    FormQuestion,
    ScaleForm,
    scale_form,
)
from impact_eval.pipeline.questionnaires.written_form import (
    FORMATS,
    WrittenForm,
    write_questionnaire,
)

__all__ = [
    "FORMATS",
    "FormAnswer",
    "FormBlock",
    "FormQuestion",
    "ScaleForm",
    "WrittenForm",
    "scale_form",
    "write_questionnaire",
]
