"""What stands beside a score: its error, its bands and norms, what matters, and who was lost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from impact_eval.results.parts import BilingualRecord
from impact_eval.results.record_base import (
    INSIDE,
    RATIO,
    Code,
    Label,
    LevelOf,
    Number,
    NumberOrNone,
    People,
    Ratio,
    Record,
    Share,
    StandardError,
    Statistic,
    Whole,
)
from impact_eval.stats.scales.measurement_error import ErrorSource
from impact_eval.survey.scale import FactMark


class ErrorRecord(Record):
    """How far the score of one person is from what it would be without chance."""

    std_error: StandardError
    """Standard error of one score."""
    smallest: StandardError
    """Smallest change of one person beyond it."""
    source: ErrorSource
    """The answers of this group, one published study, or a retest that the study declares."""
    told_by: BilingualRecord | None
    """Whose retest it is, when it is declared or published."""
    mark: FactMark | None
    """Whether a published study was read in its source."""
    n: People
    """People whose answers gave it."""

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that it rests on."""
        return (self.n,)


OUTSIDE = "outside"  # the scores that no published band holds


class ScoreBandRecord(Record):
    """A published band of scores, and the people in it at each date."""

    id: Code
    """Name of the band."""
    low: NumberOrNone
    """From."""
    high: NumberOrNone
    """To."""
    population: BilingualRecord
    """People it was published for."""
    source: BilingualRecord
    """Where it was published."""
    mark: FactMark
    """Whether it was read in its source."""
    before: People
    """People in it at the first date."""
    after: People
    """People in it at the second date."""


class NormRecord(Record):
    """A published mean, to set a group beside others."""

    id: Code
    """Name of the norm."""
    mean: Number
    """Mean."""
    sd: NumberOrNone
    """Standard deviation."""
    year: Whole
    """Year."""
    population: BilingualRecord
    """People it is of."""
    source: BilingualRecord
    """Where it was published."""
    mark: FactMark
    """Whether it was read in its source."""


class SmallestRecord(Record):
    """The smallest change that matters to people: published, or declared by the study."""

    value: Number
    """Points."""
    source: BilingualRecord
    """Who says so."""
    mark: FactMark
    """Whether it was read in its source."""


class ScoreEffectRecord(Record):
    """The effect of a comparison on a score, in deviations of the scores at entry."""

    outcome: Code
    """Outcome whose estimate it is."""
    deviation: StandardError
    """Deviation of the scores at entry, within groups."""
    size: Ratio
    """Effect over the deviation."""
    conf_low: Ratio
    """Lower end, in deviations."""
    conf_high: Ratio
    """Upper end, in deviations."""
    low: Statistic
    """Lower end, in points."""
    high: Statistic
    """Upper end, in points."""


class AgreementRecord(Record):
    """How far two ratings of the same people agree on one question."""

    label: BilingualRecord
    """The question."""
    n: People
    """People rated twice."""
    exact: Share
    """With the same note."""
    within_one: Share
    """With notes one point apart or less."""
    icc: Ratio
    """What one note of one rater is worth: 1 for a perfect agreement."""
    conf_low: Ratio
    """Lower end."""
    conf_high: Ratio
    """Upper end."""
    bias: Statistic
    """Mean of the second note less the first."""
    bias_low: Statistic
    """Lower end."""
    bias_high: Statistic
    """Upper end."""

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that it rests on."""
        return (self.n,)


class ResponseRecord(Record):
    """Weights for those who were lost between two dates, and the change without them."""

    effective_n: Annotated[float | None, Field(ge=0), RATIO]
    """People that the weights amount to."""
    gap_before: Ratio
    """Largest gap at entry between those who stayed and everybody, in deviations."""
    gap_after: Ratio
    """The same, with the weights."""
    unweighted: Statistic
    """Mean change without the weights."""


class LostRowRecord(Record):
    """What those who stayed and those who were lost were like at entry."""

    label: Label
    """Characteristic: a column of the study, with its category; the score itself."""
    mean_stayed: LevelOf
    """Mean, or share, of those who stayed."""
    mean_lost: LevelOf
    """Mean, or share, of those who were lost."""
    gap: Ratio
    """Difference over the deviation."""
    n_stayed: People
    """Those who stayed, with this characteristic known."""
    n_lost: People
    """Those who were lost, with this characteristic known."""
    fewest: Annotated[int | None, Field(ge=0), INSIDE]
    """At most how many of a group are away from one end; 0 when all of one are alike."""

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that it rests on."""
        return (self.n_stayed, self.n_lost)


class LostRecord(Record):
    """Who was asked at both dates, and who at one only."""

    n_before: People
    """People with a score at the first date."""
    n_after: People
    """People with a score at the second date."""
    n: People
    """People with a score at both."""
    n_lost: People
    """People of the first date without a score at the second."""
    n_new: People
    """People of the second date without a score at the first."""
    rows: tuple[LostRowRecord, ...]
    """What they were like at entry; empty when nobody was lost."""
