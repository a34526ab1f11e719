"""What every check says, whatever its kind."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from impact_eval.diagnostics.check import CheckStatus
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.record_base import (
    CodeOrNone,
    Probability,
    Ratio,
    Record,
)


class CheckBase(Record):
    """What every check says."""

    status: CheckStatus
    """Passed, warning, failed, or not applicable."""
    statistic: Ratio
    """Of the check's own test."""
    p_value: Probability
    """Of the check's own test."""
    reason: CodeOrNone
    """Which of its rules decided, or why it does not apply."""
    refusal: RefusalRecord | None
    """Why it does not apply, with what the sentence needs."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        """Refuse a check that both applies and says why it does not."""
        absent = self.status is CheckStatus.NOT_APPLICABLE
        told = None if self.refusal is None else self.refusal.not_applicable
        if told != (self.reason if absent else None):
            raise PydanticCustomError("refused_and_there", "refused_and_there", {})
        return self


class NoValues(Record):
    """A check that has nothing more to say."""


class NoRow(Record):
    """A row that never is."""
