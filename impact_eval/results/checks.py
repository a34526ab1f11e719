"""Checks as records, one kind for each check: what it found, on which rows, or why it cannot.

A check of another package has no kind here: its status travels, its numbers stay inside until it
declares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Discriminator, Tag, TypeAdapter

from impact_eval.core.findings import NotApplicable
from impact_eval.diagnostics.base import CheckResult, CheckStatus
from impact_eval.results.base import (
    CODE,
    Clusters,
    Code,
    CodeOrNone,
    FlagOrNone,
    LabelOrNone,
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
    ThingsOrNone,
    UnitName,
)
from impact_eval.results.estimates import IntervalRecord, Period, finite
from impact_eval.results.findings import RefusalRecord
from impact_eval.results.value_names import Value


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


class RandomAssignmentCheck(CheckBase):
    """Whether the beneficiaries were drawn by lot."""

    code: Literal["random_assignment"]
    """Name of the check."""
    values: NoValues | None
    """Nothing more."""
    rows: tuple[NoRow, ...]
    """None."""


class PretrendsValues(Record):
    """Test of the gap before the action, and its power."""

    n_periods: ThingsOrNone
    """Periods before the action."""
    df: NumberOrNone
    """Degrees of freedom of the test."""
    df_denominator: NumberOrNone
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


class HonestRow(Record):
    """The interval under a departure of size m."""

    m: NumberOrNone
    """Size of the departure."""
    conf_low: Statistic
    """Lower end; empty when unbounded."""
    conf_high: Statistic
    """Upper end; empty when unbounded."""


class HonestCheck(CheckBase):
    """Sensitivity to departures from parallel trends."""

    code: Literal["honest_did"]
    """Name of the check."""
    values: HonestValues | None
    """What is borne."""
    rows: tuple[HonestRow, ...]
    """By size of the departure."""


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


class PlaceboValues(Record):
    """How many false actions show an effect."""

    n: ThingsOrNone
    """Placebos made."""
    n_found: ThingsOrNone
    """Placebos that show an effect."""


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
    n_notable: ThingsOrNone
    """Notable differences."""
    n_treated: People
    """People concerned."""
    n_comparison: People
    """People compared."""
    df: NumberOrNone
    """Degrees of freedom of the joint test."""


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


class AttritionCheck(CheckBase):
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


class MarginRow(IntervalRecord):
    """One way to compute the margin of error."""

    method: Code
    """Method."""
    status: Annotated[Literal["headline", "beside", "not_reliable_here"], CODE]
    """How it is to be read."""


class FewClustersCheck(CheckBase):
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


class BaconCheck(CheckBase):
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


class OtherCheck(CheckBase):
    """A check of another package: its status alone."""

    code: Code
    """Name of the check."""
    values: NoValues | None
    """None."""
    rows: tuple[NoRow, ...]
    """None."""


KINDS: tuple[type[CheckBase], ...] = (
    RandomAssignmentCheck,
    PretrendsCheck,
    HonestCheck,
    LeaveOneOutCheck,
    PlaceboCheck,
    AnticipationCheck,
    CompositionCheck,
    BalanceCheck,
    OverlapCheck,
    AttritionCheck,
    ConfoundingCheck,
    FewClustersCheck,
    BaconCheck,
    NegativeWeightsCheck,
    SyntheticFitCheck,
)
CODES = frozenset(
    str(code)
    for kind in KINDS
    for code in getattr(kind.model_fields["code"].annotation, "__args__", ())
)


def _kind_of(value: object) -> str:
    """Return the tag of a check: its code when it is one of ours, else `other`."""
    code = value.get("code") if isinstance(value, dict) else getattr(value, "code", None)
    return str(code) if code in CODES else "other"


AnyCheck: TypeAlias = Annotated[
    Annotated[RandomAssignmentCheck, Tag("random_assignment")]
    | Annotated[PretrendsCheck, Tag("pretrends")]
    | Annotated[HonestCheck, Tag("honest_did")]
    | Annotated[LeaveOneOutCheck, Tag("leave_one_out")]
    | Annotated[PlaceboCheck, Tag("placebo")]
    | Annotated[AnticipationCheck, Tag("anticipation")]
    | Annotated[CompositionCheck, Tag("composition")]
    | Annotated[BalanceCheck, Tag("balance")]
    | Annotated[OverlapCheck, Tag("overlap")]
    | Annotated[AttritionCheck, Tag("attrition")]
    | Annotated[ConfoundingCheck, Tag("confounding")]
    | Annotated[FewClustersCheck, Tag("few_clusters")]
    | Annotated[BaconCheck, Tag("bacon")]
    | Annotated[NegativeWeightsCheck, Tag("negative_weights")]
    | Annotated[SyntheticFitCheck, Tag("synthetic_fit")]
    | Annotated[OtherCheck, Tag("other")],
    Discriminator(_kind_of),
]

_ADAPTER: TypeAdapter[AnyCheck] = TypeAdapter(AnyCheck)
_BY_CODE: Mapping[str, type[CheckBase]] = {
    str(get_args(kind.model_fields["code"].annotation)[0]): kind for kind in KINDS
}


def _part(kind: type[CheckBase], name: str) -> type[Record]:
    """Return the record type of the values, or of the rows, of a kind of check."""
    found = [t for t in get_args(kind.model_fields[name].annotation) if t is not Ellipsis]
    for part in found:
        if isinstance(part, type) and issubclass(part, Record):
            return part
    return NoValues


def _held(part: type[Record], values: Mapping[str, Value]) -> dict[str, object]:
    """Return the values that a record declares; those that a check did not give are empty."""
    held: dict[str, object] = {}
    for name in part.model_fields:
        value = values.get(name)
        if isinstance(value, float):
            value = finite(value)
        held[name] = value
    return held


def check_of(result: CheckResult) -> AnyCheck:
    """Return the record of what a check found.

    Parameters
    ----------
    result : CheckResult
        A code that is not one of `CODES` keeps its status and loses its numbers.
    """
    kind = _BY_CODE.get(result.code, OtherCheck)
    absent = result.status is CheckStatus.NOT_APPLICABLE
    values, row = _part(kind, "values"), _part(kind, "rows")
    told = any(name in values.model_fields for name in result.values)
    known = kind is not OtherCheck
    refusal = (
        RefusalRecord.of(NotApplicable(result.reason, result.values))
        if absent and result.reason is not None
        else None
    )
    return _ADAPTER.validate_python(
        {
            "code": result.code,
            "status": result.status,
            "statistic": finite(result.statistic) if known else None,
            "p_value": finite(result.p_value) if known else None,
            "reason": result.reason,
            "refusal": refusal,
            "values": _held(values, result.values) if known and told else None,
            "rows": tuple(_held(row, r) for r in result.rows) if known else (),
        }
    )


class CheckRecord(Record):
    """A check of one outcome: its status, its statistic, or the reason there is none."""

    outcome: Code
    """Identifier of the outcome."""
    check: AnyCheck
    """What it found."""
