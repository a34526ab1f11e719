"""A family of outcomes examined together: what the number of questions leaves of a p-value."""

from __future__ import annotations

from impact_eval.core.vocabulary import Correction
from impact_eval.results.record_base import Code, Probability, Record, Things


class FamilyRecord(Record):
    """The family of an outcome, and its p-value once corrected for all those of the family."""

    name: Code
    """Name of the family, as declared."""
    correction: Correction
    """How p-values were corrected."""
    outcomes: Things
    """Outcomes examined together."""
    adjusted: Probability
    """Corrected p-value; empty when there is none, or when one of the family was withheld."""
