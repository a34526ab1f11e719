"""Estimates as records: rows, joint covariance, method, flow, levels, evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from impact_eval.core.estimate import Effect, Estimate, FlowStep, MethodRecord
from impact_eval.core.vocabulary import Direction, RowsAre, ShareFormula, Unit
from impact_eval.results.family import FamilyRecord
from impact_eval.results.finding_records import FindingRecord
from impact_eval.results.parts import (
    BilingualRecord,
    Matrix,
    Period,
    at_most,
    finite,
    finite_rows,
    option_value,
    refuse_no_covariance,
    within,
)
from impact_eval.results.record_base import (
    CODE,
    FREE,
    INSIDE,
    LABEL,
    Clusters,
    Code,
    CodeOrNone,
    Codes,
    Flag,
    Free,
    Label,
    Level,
    LevelOf,
    People,
    PositiveRatio,
    Probability,
    Ratio,
    Record,
    StandardError,
    Statistic,
)
from impact_eval.results.value_names import Value

_NO_COMPARISON = 1  # the highest level of what is compared with nothing


class Role(StrEnum):
    """What an estimate is for."""

    MAIN = "main"  # the headline
    EVENT = "event"  # the event study
    CELLS = "cells"  # the group-time effects
    NAIVE = "naive"  # the usual shortcut, shown beside it
    ALTERNATIVE = "alternative"  # another design
    ANALYTIC = "analytic"  # the formula that is not reliable here


class EffectRecord(Record):
    """One row of an estimate: the columns of `tidy()`."""

    outcome: Label
    """Name of the outcome in the table."""
    estimand: Code
    """What is estimated: att, ate, late, change…"""
    term: Label
    """What the row is: att, att_gt, event, or a coefficient's name."""
    group: Period
    """Cohort."""
    time: Period
    """Period, or event time."""
    estimate: Statistic
    """In the unit of the outcome."""
    std_error: StandardError
    """Standard error."""
    df: PositiveRatio
    """Degrees of freedom; empty for the normal law, and where they would count people withheld."""
    statistic: Ratio
    """Estimate over its standard error."""
    p_value: Probability
    """Two-sided."""
    conf_low: Statistic
    """Lower end of the interval."""
    conf_high: Statistic
    """Upper end of the interval."""
    conf_level: Annotated[float, Field(gt=0, lt=1), FREE]
    """Level of the interval."""
    n_treated: People
    """Units concerned by the action."""
    n_comparison: People
    """Units compared."""
    n_clusters: Clusters
    """Independent units."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        within(self.estimate, self.conf_low, self.conf_high)
        return self

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that the row rests on."""
        return (self.n_treated, self.n_comparison)

    @property
    def key(self) -> str:
        """A short name of the row, as `Effect.key`."""
        return self.to_effect().key

    @classmethod
    def of(cls, effect: Effect) -> EffectRecord:
        """Return the record of a row."""
        return cls(
            outcome=effect.outcome,
            estimand=effect.estimand,
            term=effect.term,
            group=effect.group,
            time=effect.time,
            estimate=finite(effect.estimate),
            std_error=finite(effect.std_error),
            df=finite(effect.df),
            statistic=finite(effect.statistic),
            p_value=finite(effect.p_value),
            conf_low=finite(effect.conf_low),
            conf_high=finite(effect.conf_high),
            conf_level=effect.conf_level,
            n_treated=effect.n_treated,
            n_comparison=effect.n_comparison,
            n_clusters=effect.n_clusters,
        )

    def to_effect(self) -> Effect:
        """Return the row."""
        return Effect(
            outcome=self.outcome,
            estimand=self.estimand,
            term=self.term,
            group=self.group,
            time=self.time,
            estimate=self.estimate,
            std_error=self.std_error,
            df=self.df,
            statistic=self.statistic,
            p_value=self.p_value,
            conf_low=self.conf_low,
            conf_high=self.conf_high,
            conf_level=self.conf_level,
            n_treated=self.n_treated,
            n_comparison=self.n_comparison,
            n_clusters=self.n_clusters,
        )


class MethodOf(Record):
    """Which design made an estimate, with which options and covariance."""

    name: Code
    """Registry name."""
    options: Annotated[dict[str, Value], FREE]
    """Options of the design, each a field of it."""
    covariance: Free
    """How errors were computed."""

    @model_validator(mode="after")
    def _offered(self) -> Self:
        """Refuse an option that the design does not have, when the design is known here."""
        from impact_eval.designs import designs

        if self.name in designs:
            kind = designs.get(self.name)
            offered = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
            offered.add("aggregation")  # added by an aggregated estimate
            unknown = sorted(set(self.options) - offered)
            if unknown:
                raise PydanticCustomError("unknown_value", "unknown_value", {"names": unknown})
        return self


class FlowRecord(Record):
    """One step of the sample's flow."""

    step: Code
    """Code of the step."""
    units: People
    """People or territories left; empty where rows are not followed from one date to another."""
    units_dropped: People
    """Those whose last row was dropped."""
    n: People
    """Rows kept."""
    dropped: People
    """Rows dropped."""
    reason: CodeOrNone
    """Code of the cause."""

    @classmethod
    def of(cls, step: FlowStep) -> FlowRecord:
        """Return the record of a step."""
        return cls(
            step=step.step,
            units=step.units,
            units_dropped=step.units_dropped,
            n=step.n,
            dropped=step.dropped,
            reason=step.reason,
        )


def narrowing(flow: tuple[FlowRecord, ...]) -> None:
    """Refuse a flow that keeps more than it had, or more units than rows."""
    for before, after in pairwise(flow):
        at_most(before.n, after.n)
        at_most(before.units, after.units)
    for step in flow:
        at_most(step.n, step.units)


class LevelsRecord(Record):
    """Means behind a difference, to give it a scale; empty where the design has none."""

    mean_treated: LevelOf
    """Mean of those concerned by the action (after, when there is a before)."""
    sd_treated: StandardError
    """Its standard deviation."""
    mean_comparison: LevelOf
    """Mean of those compared."""
    sd_comparison: StandardError
    """Its standard deviation."""
    mean_before: LevelOf
    """Mean before, when there is no comparison."""
    mean_after: LevelOf
    """Mean after, when there is no comparison."""

    @classmethod
    def of(cls, details: Mapping[str, object]) -> LevelsRecord | None:
        """Return the means that a design told in its details; None when it told none."""
        last = details.get("levels")
        if isinstance(last, (list, tuple)) and last and isinstance(last[-1], Mapping):
            details = {**details, **last[-1]}
        found = {
            "mean_treated": _first(details, "mean_treated_after", "mean_treated"),
            "sd_treated": _first(details, "sd_treated"),
            "mean_comparison": _first(details, "mean_comparison_after", "mean_comparison"),
            "sd_comparison": _first(details, "sd_comparison"),
            "mean_before": _first(details, "mean_before"),
            "mean_after": _first(details, "mean_after"),
        }
        return cls(**found) if any(v is not None for v in found.values()) else None


def _first(details: Mapping[str, object], *names: str) -> float | None:
    """Return the first number of some names that is there."""
    for name in names:
        value = details.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return finite(float(value))
    return None


class FitRecord(Record):
    """An estimate: its rows, their covariance, how it was made."""

    outcome: Label
    """Name of the outcome in the table."""
    estimand: Code
    """What is estimated."""
    method: MethodOf
    """Design, options, covariance."""
    counterfactual: Flag
    """Whether something is compared with what would have been."""
    effects: Annotated[tuple[EffectRecord, ...], Field(min_length=1)]
    """Rows."""
    covariance: Matrix
    """Joint covariance of the rows; empty cells have no value."""
    findings: tuple[FindingRecord, ...]
    """What was noticed."""
    flow: tuple[FlowRecord, ...]
    """How many rows were left at each step."""
    details: LevelsRecord | None
    """Means behind the estimate."""

    @property
    def formula(self) -> ShareFormula:
        """What it gives back of counts, if it is of yes and no; `OTHER` for an unknown design."""
        from impact_eval.designs import designs

        name = self.method.name
        return designs.get(name).info.formula if name in designs else ShareFormula.OTHER

    @model_validator(mode="after")
    def _square(self) -> Self:
        refuse_no_covariance(self.covariance, len(self.effects))
        narrowing(self.flow)
        return self

    @classmethod
    def of(cls, estimate: Estimate) -> FitRecord:
        """Return the record of an estimate; influence values and draws do not travel."""
        return cls(
            outcome=estimate.outcome,
            estimand=estimate.estimand,
            method=MethodOf(
                name=estimate.method.name,
                options={
                    name: option_value(value) for name, value in estimate.method.options.items()
                },
                covariance=estimate.method.covariance,
            ),
            counterfactual=estimate.counterfactual,
            effects=tuple(EffectRecord.of(effect) for effect in estimate.effects),
            covariance=finite_rows(estimate.covariance.tolist()),
            findings=tuple(FindingRecord.of(finding) for finding in estimate.findings),
            flow=tuple(FlowRecord.of(step) for step in estimate.flow),
            details=LevelsRecord.of(estimate.details),
        )

    def to_estimate(self) -> Estimate:
        """Return the estimate, without influence values."""
        rows = [[math.nan if v is None else v for v in row] for row in self.covariance]
        size = len(self.effects)
        steps = (
            FlowStep(
                step.step, step.n, step.dropped or 0, step.reason, step.units, step.units_dropped
            )
            for step in self.flow
            if step.n is not None
        )
        return Estimate(
            outcome=self.outcome,
            estimand=self.estimand,
            method=MethodRecord(self.method.name, self.method.options, self.method.covariance),
            effects=tuple(row.to_effect() for row in self.effects),
            covariance=np.array(rows, dtype=np.float64).reshape(size, size),
            counterfactual=self.counterfactual,
            findings=tuple(finding.to_finding() for finding in self.findings),
            flow=tuple(steps),
            details={} if self.details is None else self.details.model_dump(),
        )


class QuestionRecord(Record):
    """What an estimate answers."""

    outcome: Code
    """Identifier of the outcome."""
    estimand: Code
    """What is estimated."""
    instrument: CodeOrNone
    """Identifier of the questionnaire behind the outcome."""


class BandRecord(Record):
    """A row's simultaneous interval."""

    key: Label
    """Key of the row, such as event[2]."""
    conf_low: Statistic
    """Lower end."""
    conf_high: Statistic
    """Upper end."""


class EvidenceRecord(Record):
    """The evidence level of a result, why it is this one, and what would raise it."""

    level: Level
    """0 to 4."""
    ceiling: Level
    """Of the design."""
    reasons: Codes
    """What lowered it, or what holds it there."""
    would_raise: Codes
    """What would raise it."""
    caps: Annotated[dict[str, Annotated[int, Field(ge=0, le=4)]], CODE]
    """The highest level that each reason leaves."""

    @model_validator(mode="after")
    def _under(self) -> Self:
        if self.level > min((self.ceiling, *self.caps.values())):
            raise PydanticCustomError("level_over_ceiling", "level_over_ceiling", {})
        return self


class GroupRecord(Record):
    """What the gate must know of a group of people behind a result; it never leaves."""

    name: Annotated[Literal["treated", "comparison", "all"], INSIDE]
    """Which group."""
    n: Annotated[int, Field(ge=0), INSIDE]
    """People in it, whose answer is known."""
    dominated: Annotated[bool, INSIDE]
    """Whether one or two of them make most of the total."""
    homogeneous: Annotated[bool, INSIDE]
    """Whether all gave the same answer."""
    rarest: Annotated[int | None, Field(ge=0), INSIDE]
    """At most how many are away from one end of the scale, as the mean tells it."""
    changed: Annotated[int | None, Field(ge=0), INSIDE]
    """Of those who gave one of two answers at two dates, how many changed; the least by date."""


class EstimateRecord(Record):
    """One estimate of one outcome, in one role."""

    outcome: Code
    """Identifier of the outcome."""
    label: BilingualRecord
    """Its name, by language."""
    unit: Unit
    """Unit of its numbers."""
    direction: Direction
    """Which way is better."""
    primary: Flag
    """Whether it is the primary outcome."""
    role: Role
    """What the estimate is for."""
    counted: RowsAre
    """Whether its counts are of people or of territories."""
    clusters: RowsAre
    """Whether its independent units are people or territories."""
    withheld: Flag
    """Whether the gate kept it back."""
    question: QuestionRecord
    """What it answers."""
    estimate: FitRecord
    """Rows, covariance, findings and flow."""
    bands: tuple[BandRecord, ...]
    """Rows with simultaneous intervals."""
    evidence: EvidenceRecord | None
    """Level, its reasons, and what would raise it."""
    smallest_detectable: StandardError
    """Effect this study would have seen four times out of five."""
    declared_smallest_effect: Annotated[float | None, Field(gt=0), FREE]
    """Smallest effect that would matter, as declared."""
    mean_comparison: LevelOf
    """Mean of those not concerned, to give the effect a scale."""
    family: FamilyRecord | None
    """The outcomes it was examined with, and its p-value once corrected for their number."""
    groups: tuple[GroupRecord, ...]
    """What the gate must know of the people behind it; empty once published."""
    twins: Annotated[tuple[str, ...], INSIDE]
    """Outcomes that nearly say the same of the same people; empty once published."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        """Refuse numbers that are said to be kept back, and a cause without a comparison."""
        row = self.headline
        numbers = (row.estimate, row.std_error, row.conf_low, row.conf_high)
        if self.withheld and any(number is not None for number in numbers):
            raise PydanticCustomError("withheld_and_there", "withheld_and_there", {})
        level = 0 if self.evidence is None else self.evidence.level
        if level > _NO_COMPARISON and not self.estimate.counterfactual:
            raise PydanticCustomError("level_over_ceiling", "level_over_ceiling", {})
        return self

    @property
    def headline(self) -> EffectRecord:
        """The first row."""
        return self.estimate.effects[0]

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that the headline rests on."""
        return self.headline.rests_on

    def to_estimate(self) -> Estimate:
        """Return the estimate (influence values do not travel)."""
        return self.estimate.to_estimate()


class CovarianceRecord(Record):
    """Joint covariance of the headline effects, in the order of `keys` (`outcome/term`)."""

    keys: Annotated[tuple[str, ...], LABEL]
    """`outcome/term` of each row and column."""
    matrix: Matrix
    """Covariance; empty cells have no value."""

    @model_validator(mode="after")
    def _square(self) -> Self:
        refuse_no_covariance(self.matrix, len(self.keys))
        return self
