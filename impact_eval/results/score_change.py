"""How a score changed, in full: tests, sizes, equivalence, reliable change, response shift."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.parts import (
    at_most,
    within,
)
from impact_eval.results.record_base import (
    FlagOrNone,
    LevelOf,
    NumberOrNone,
    People,
    PositiveRatio,
    Probability,
    Ratio,
    Record,
    Share,
    StandardError,
    Statistic,
)
from impact_eval.results.score_tests import EquivalenceRecord, SignFlipRecord, WilcoxonRecord
from impact_eval.stats.scales.reliable_change import Outcome


class PairedTRecord(Record):
    """A paired t-test."""

    mean_change: Statistic
    """Mean change."""
    std_error: StandardError
    """Standard error."""
    statistic: Ratio
    """Student's t."""
    df: PositiveRatio
    """Degrees of freedom."""
    p_value: Probability
    """Two-sided."""
    conf_low: Statistic
    """Lower end."""
    conf_high: Statistic
    """Upper end."""
    n: People
    """People."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        within(self.mean_change, self.conf_low, self.conf_high)
        return self


class EffectSizeRecord(Record):
    """A standardised size with its interval."""

    value: Ratio
    """Size."""
    conf_low: Ratio
    """Lower end."""
    conf_high: Ratio
    """Upper end."""


class PairedEffectsRecord(Record):
    """Standardised sizes of a change."""

    dz: EffectSizeRecord
    """Over the deviation of changes."""
    g_z: EffectSizeRecord
    """The same, corrected for few people."""
    d_av: EffectSizeRecord
    """Over the mean of both deviations."""
    d_rm: EffectSizeRecord
    """Corrected for the correlation."""
    glass: EffectSizeRecord
    """Over the deviation at entry."""
    n: People
    """People."""
    mean_change: Statistic
    """Mean change."""
    sd_change: StandardError
    """Deviation of changes."""
    mean_before: LevelOf
    """Mean at entry."""
    sd_before: StandardError
    """Deviation at entry."""
    mean_after: LevelOf
    """Mean at exit."""
    sd_after: StandardError
    """Deviation at exit."""
    correlation: Ratio
    """Between both dates."""


class ReliableRecord(Record):
    """Who changed beyond the error of the measure."""

    std_error_measurement: StandardError
    """Error of one measure."""
    std_error_difference: StandardError
    """Error of a difference."""
    smallest: StandardError
    """Smallest change beyond it."""
    n_improved: People
    """For the better."""
    n_unchanged: People
    """Not beyond."""
    n_deteriorated: People
    """For the worse."""
    n: People
    """People."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        at_most(self.n, self.n_improved, self.n_unchanged, self.n_deteriorated)
        return self


class ShareRecord(Record):
    """People concerned, out of how many, and the interval of the share."""

    count: People
    """People concerned."""
    n: People
    """Out of."""
    conf_low: Share
    """Lower end of the share."""
    conf_high: Share
    """Upper end of the share."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        at_most(self.n, self.count)
        return self


class ResponseShiftRecord(Record):
    """Whether people changed their own yardstick."""

    conventional: PairedTRecord
    """Exit against entry."""
    then_test: PairedTRecord
    """Exit against entry seen from exit."""
    shift: PairedTRecord
    """The difference."""


class ChangeReading(Record):
    """A change between two dates, in the order it is to be read."""

    minimal_detectable: StandardError | RefusalRecord
    """Smallest change of one person beyond the error of the measure."""
    detectable_mean: StandardError | RefusalRecord
    """Smallest mean change this group had four chances in five to show."""
    worth_having: NumberOrNone
    """Smallest change that matters."""
    n: People
    """People seen at both dates."""
    n_before: People
    """People seen at the first."""
    n_after: People
    """People seen at the second."""
    mean: PairedTRecord | RefusalRecord
    """Mean change."""
    effects: PairedEffectsRecord | RefusalRecord
    """Standardised sizes."""
    worth: EquivalenceRecord | RefusalRecord
    """Against what matters."""
    reliable: ReliableRecord | RefusalRecord
    """Beyond the error."""
    shares: dict[Outcome, ShareRecord]
    """By what became of people."""
    rank_test: WilcoxonRecord | RefusalRecord
    """By ranks."""
    permutation: SignFlipRecord | RefusalRecord
    """By permutation."""
    drift: Statistic | RefusalRecord
    """What regression to the mean alone would give."""
    shift: ResponseShiftRecord | RefusalRecord
    """Change of yardstick."""
    higher_is_better: FlagOrNone
    """Which way is better; empty when neither is."""
    findings: tuple[FindingRecord, ...]
    """What was noticed."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        at_most(self.n_before, self.n)
        at_most(self.n_after, self.n)
        return self

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that it rests on."""
        return (self.n,)
