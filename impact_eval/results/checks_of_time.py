"""Checks of what happened before: trends, false actions, anticipation, composition."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from impact_eval.results.check_base import CheckBase, NoRow
from impact_eval.results.parts import Period, at_most
from impact_eval.results.record_base import (
    CODE,
    CodeOrNone,
    LabelOrNone,
    NumberOrNone,
    PositiveRatio,
    Probability,
    Ratio,
    Record,
    StandardError,
    Statistic,
    ThingsOrNone,
)


class PretrendsValues(Record):
    """Test of the gap before the action, and its power."""

    n_periods: ThingsOrNone
    """Periods before the action."""
    df: NumberOrNone
    """Degrees of freedom of the test."""
    df_denominator: PositiveRatio
    """Degrees of freedom of its denominator."""
    largest: Statistic
    """Largest gap before."""
    effect: Statistic
    """Mean effect after."""
    slope_50: Statistic
    """Drift per period that the test misses one time in two."""
    slope_80: Statistic
    """Drift that it sees four times in five."""
    bias_50: Statistic
    """What the first would do to the effect."""
    bias_80: Statistic
    """What the second would do."""
    bias_after_passing: Statistic
    """Expected bias once the test is passed."""


class PretrendsCheck(CheckBase):
    """Whether the groups moved alike before the action."""

    code: Literal["pretrends"]
    """Name of the check."""
    values: PretrendsValues | None
    """Test and power."""
    rows: tuple[NoRow, ...]
    """None."""


class HonestValues(Record):
    """How large a departure from parallel trends the conclusion bears."""

    breakdown: PositiveRatio
    """Largest departure borne; empty when none overturns it."""
    estimate: Statistic
    """Effect."""
    conf_low: Statistic
    """Lower end without departure."""
    conf_high: Statistic
    """Upper end without departure."""
    n_pre: ThingsOrNone
    """Periods before."""
    restriction: CodeOrNone
    """Kind of departure."""


class HonestRowRecord(Record):
    """The interval under a departure of size m."""

    m: NumberOrNone
    """Size of the departure."""
    conf_low: Statistic
    """Lower end; empty when unbounded."""
    conf_high: Statistic
    """Upper end; empty when unbounded."""


class HonestCheckRecord(CheckBase):
    """Sensitivity to departures from parallel trends."""

    code: Literal["honest_did"]
    """Name of the check."""
    values: HonestValues | None
    """What is borne."""
    rows: tuple[HonestRowRecord, ...]
    """By size of the departure."""


class PlaceboValues(Record):
    """How many false actions show an effect."""

    n: ThingsOrNone
    """Placebos made."""
    n_found: ThingsOrNone
    """Placebos that show an effect."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        at_most(self.n, self.n_found)
        return self


class PlaceboRow(Record):
    """One false action."""

    kind: Annotated[Literal["date", "outcome", "group"] | None, CODE]
    """False date, outcome that cannot move, or group that was not treated."""
    name: LabelOrNone
    """Periods of lead, or the name of the column."""
    estimate: Statistic
    """Effect found."""
    std_error: StandardError
    """Its standard error."""
    p_value: Probability
    """Two-sided."""


class PlaceboCheck(CheckBase):
    """Whether false actions show an effect."""

    code: Literal["placebo"]
    """Name of the check."""
    values: PlaceboValues | None
    """Counts."""
    rows: tuple[PlaceboRow, ...]
    """One by placebo."""


class AnticipationValues(Record):
    """The gap in the period just before the action."""

    estimate: Statistic
    """Gap."""
    time: Period
    """Event time."""


class AnticipationCheck(CheckBase):
    """Whether something moved just before the action."""

    code: Literal["anticipation"]
    """Name of the check."""
    values: AnticipationValues | None
    """Gap."""
    rows: tuple[NoRow, ...]
    """None."""


class CompositionValues(Record):
    """Which characteristic moved most."""

    n_variables: ThingsOrNone
    """Characteristics looked at."""
    variable: LabelOrNone
    """The one that moved most."""


class CompositionRow(Record):
    """How one characteristic moved."""

    variable: LabelOrNone
    """Characteristic."""
    estimate: Ratio
    """Change, in its own unit."""
    p_value: Probability
    """Two-sided."""


class CompositionCheck(CheckBase):
    """Whether the same kind of people are compared before and after."""

    code: Literal["composition"]
    """Name of the check."""
    values: CompositionValues | None
    """The one that moved most."""
    rows: tuple[CompositionRow, ...]
    """One by characteristic."""
