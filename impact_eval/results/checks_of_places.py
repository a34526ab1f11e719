"""Checks of what the result rests on: one place, few places, weights, fit."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from impact_eval.results.check_base import CheckBase, NoRow
from impact_eval.results.parts import IntervalRecord, Period, at_most
from impact_eval.results.record_base import (
    CODE,
    Clusters,
    Code,
    CodeOrNone,
    FlagOrNone,
    PositiveRatio,
    Probability,
    Ratio,
    Record,
    StandardError,
    Statistic,
    ThingsOrNone,
    UnitName,
    ordered,
)


class LeaveOneOutValues(Record):
    """What the result becomes without each territory."""

    n: ThingsOrNone
    """Territories left out in turn."""
    unit: UnitName
    """The one that matters most."""
    without: Statistic
    """Result without it."""
    estimate: Statistic
    """Result with all."""
    lowest: Statistic
    """Lowest of the results."""
    highest: Statistic
    """Highest of the results."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        ordered(self.lowest, self.highest)
        return self


class LeaveOneOutRow(Record):
    """The result without one territory."""

    unit: UnitName
    """Territory."""
    estimate: Statistic
    """Result without it."""


class LeaveOneOutCheck(CheckBase):
    """Whether the result rests on one territory."""

    code: Literal["leave_one_out"]
    """Name of the check."""
    values: LeaveOneOutValues | None
    """Extremes."""
    rows: tuple[LeaveOneOutRow, ...]
    """Those that matter most."""


class FewClustersValues(Record):
    """How many territories, and what the usual margin does with so few."""

    n_clusters: Clusters
    """Independent territories."""
    n_treated: Clusters
    """Those concerned."""
    n_draws: ThingsOrNone
    """Deals compared."""
    exact: FlagOrNone
    """Whether all deals were compared."""
    false_positive: Probability
    """How often the usual margin cries wolf."""
    conf_low: Statistic
    """Lower end printed."""
    conf_high: Statistic
    """Upper end printed."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        at_most(self.n_clusters, self.n_treated)
        return self


class MarginRow(IntervalRecord):
    """One way to compute the margin of error."""

    method: Code
    """Method."""
    status: Annotated[Literal["headline", "beside", "not_reliable_here"], CODE]
    """How it is to be read."""


class FewClustersCheckRecord(CheckBase):
    """Whether there are enough territories."""

    code: Literal["few_clusters"]
    """Name of the check."""
    values: FewClustersValues | None
    """Counts."""
    rows: tuple[MarginRow, ...]
    """One by method."""


class BaconValues(Record):
    """Weight of forbidden comparisons."""

    forbidden: Ratio
    """Share of the regression."""


class BaconRow(Record):
    """One kind of comparison."""

    kind: CodeOrNone
    """Kind."""
    weight: Ratio
    """Weight."""
    estimate: Statistic
    """Its estimate."""


class BaconCheckRecord(CheckBase):
    """What a two-way regression compares."""

    code: Literal["bacon"]
    """Name of the check."""
    values: BaconValues | None
    """Weight."""
    rows: tuple[BaconRow, ...]
    """One by kind."""


class NegativeWeightsValues(Record):
    """Cells that a two-way regression counts backwards."""

    share: Ratio
    """Share of the cells."""
    total: Ratio
    """Sum of their weights."""
    n: ThingsOrNone
    """Cells."""


class NegativeWeightsCheck(CheckBase):
    """Whether some cells count backwards."""

    code: Literal["negative_weights"]
    """Name of the check."""
    values: NegativeWeightsValues | None
    """Share."""
    rows: tuple[NoRow, ...]
    """None."""


class SyntheticFitValues(Record):
    """How closely the synthetic comparison followed the treated before."""

    rmspe: StandardError
    """Root mean square gap."""
    relative: PositiveRatio
    """The same, on the spread of the donors."""


class SyntheticFitRow(SyntheticFitValues):
    """One date of entry."""

    group: Period
    """Date of entry."""


class SyntheticFitCheck(CheckBase):
    """Whether the synthetic comparison is close enough."""

    code: Literal["synthetic_fit"]
    """Name of the check."""
    values: SyntheticFitValues | None
    """Worst fit."""
    rows: tuple[SyntheticFitRow, ...]
    """One by date of entry."""
