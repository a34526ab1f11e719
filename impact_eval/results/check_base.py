"""What every check says, whatever its kind."""

from __future__ import annotations

from impact_eval.diagnostics.base import CheckStatus
from impact_eval.results.base import (
    CodeOrNone,
    Probability,
    Ratio,
    Record,
)
from impact_eval.results.findings import RefusalRecord


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


class NoValues(Record):
    """A check that has nothing more to say."""


class NoRow(Record):
    """A row that never is."""
