"""Checks of who is compared: the draw, balance, overlap, losses, unseen causes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from impact_eval.results.check_base import CheckBase, NoRow, NoValues
from impact_eval.results.parts import at_most
from impact_eval.results.record_base import (
    INSIDE,
    CodeOrNone,
    LabelOrNone,
    LevelOf,
    NumberOrNone,
    People,
    PositiveRatio,
    Probability,
    Ratio,
    Record,
    Share,
    Statistic,
    ThingsOrNone,
    ordered,
)


class RandomAssignmentCheck(CheckBase):
    """Whether the beneficiaries were drawn by lot."""

    code: Literal["random_assignment"]
    """Name of the check."""
    values: NoValues | None
    """Nothing more."""
    rows: tuple[NoRow, ...]
    """None."""


class BalanceValues(Record):
    """How far apart the groups are at the start."""

    n_variables: ThingsOrNone
    """Characteristics looked at."""
    largest: Ratio
    """Largest standardised difference."""
    variable: LabelOrNone
    """Its characteristic."""
    n_large: ThingsOrNone
    """Large differences."""
    n_treated: People
    """People concerned."""
    n_comparison: People
    """People compared."""
    df: NumberOrNone
    """Degrees of freedom of the joint test."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        at_most(self.n_variables, self.n_large)
        return self


class BalanceRow(Record):
    """One characteristic in both groups."""

    variable: LabelOrNone
    """Characteristic."""
    mean_treated: LevelOf
    """Mean of those concerned."""
    mean_comparison: LevelOf
    """Mean of those compared."""
    difference: Ratio
    """Difference, in its own unit."""
    standardised: Ratio
    """Difference in standard deviations."""
    variance_ratio: PositiveRatio
    """Ratio of the variances."""
    p_value: Probability
    """Two-sided."""
    n_treated: People
    """People concerned."""
    n_comparison: People
    """People compared."""
    fewest: Annotated[int | None, Field(ge=0), INSIDE]
    """Fewest people of a group who are away from one end of it; 0 when all are alike."""

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that the row rests on."""
        return (self.n_treated, self.n_comparison)


class BalanceCheck(CheckBase):
    """Whether the groups are alike at the start."""

    code: Literal["balance"]
    """Name of the check."""
    values: BalanceValues | None
    """Summary."""
    rows: tuple[BalanceRow, ...]
    """One by characteristic."""


class OverlapValues(Record):
    """Whether each person concerned has somebody like them."""

    share_outside: Share
    """Share of those concerned without a counterpart."""
    n: People
    """People concerned."""
    separation: Ratio
    """How well the groups can be told apart."""

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that it rests on."""
        return (self.n,)


class OverlapCheck(CheckBase):
    """Whether like is compared with like."""

    code: Literal["overlap"]
    """Name of the check."""
    values: OverlapValues | None
    """Shares."""
    rows: tuple[NoRow, ...]
    """None."""


class AttritionValues(Record):
    """Who was lost from sight."""

    overall: Share
    """Share lost."""
    differential: Ratio
    """Difference between the groups."""
    lost: People
    """People lost."""
    n: People
    """People at the start."""
    bias_cautious: Ratio
    """Expected bias, cautious, in standard deviations."""
    bias_optimistic: Ratio
    """Expected bias, optimistic, in standard deviations."""
    dropped_before: People
    """Rows dropped before."""
    lee_lower: Statistic
    """Lower bound of Lee."""
    lee_upper: Statistic
    """Upper bound of Lee."""
    lee_conf_low: Statistic
    """Lower end of the interval of the bounds."""
    lee_conf_high: Statistic
    """Upper end of the interval of the bounds."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        at_most(self.n, self.lost)
        ordered(self.lee_lower, self.lee_upper)
        ordered(self.lee_conf_low, self.lee_conf_high)
        return self


class AttritionRow(Record):
    """One group: how many, how many lost."""

    arm: CodeOrNone
    """Group."""
    n: People
    """People at the start."""
    lost: People
    """People lost."""
    share: Share
    """Share lost."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        at_most(self.n, self.lost)
        return self


class AttritionCheckRecord(CheckBase):
    """Whether those lost from sight may bias the result."""

    code: Literal["attrition"]
    """Name of the check."""
    values: AttritionValues | None
    """Summary."""
    rows: tuple[AttritionRow, ...]
    """One by group."""


class ConfoundingValues(Record):
    """How strong an unseen cause would have to be."""

    robustness: PositiveRatio
    """Strength that brings the effect to zero."""
    robustness_alpha: PositiveRatio
    """Strength that brings its interval to zero."""
    partial_r2: PositiveRatio
    """Part explained by the action."""
    estimate: Statistic
    """Effect, with the covariates."""
    benchmark: LabelOrNone
    """Strongest cause seen."""
    benchmark_strength: PositiveRatio
    """Its strength."""


class ConfoundingRow(Record):
    """An unseen cause as strong as one that is seen."""

    variable: LabelOrNone
    """The one that is seen."""
    with_treatment: PositiveRatio
    """Its link with the action."""
    with_outcome: PositiveRatio
    """Its link with the outcome."""
    estimate: Statistic
    """What the effect would become."""


class ConfoundingCheck(CheckBase):
    """Sensitivity to causes that nobody saw."""

    code: Literal["confounding"]
    """Name of the check."""
    values: ConfoundingValues | None
    """Strengths."""
    rows: tuple[ConfoundingRow, ...]
    """One by cause seen."""
