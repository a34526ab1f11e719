"""Designs with a fault planted in them, one each, and the check that must see it.

A fault is written as somebody would make it: the right design is called on a table that is read
wrong, or its numbers are changed on their way out and stay consistent with one another wherever
the fault itself does not break them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from impact_eval.core.effect import Effect, wald_effect
from impact_eval.core.estimate import Aggregator, Estimate, Influence
from impact_eval.data.sample import Sample
from impact_eval.designs import (
    BeforeAfter,
    CallawaySantAnna,
    Design,
    DifferenceInDifferences,
    DifferenceInMeans,
    ImputationDiD,
    StackedDiD,
    SunAbraham,
    SyntheticControl,
    SyntheticDiD,
    TwoWayFixedEffects,
    WaldDiD,
)
from impact_eval.stats.inference.covariance import Clustered

ROLES = ("unit", "time", "cohort", "treatment", "covariates", "cluster", "strata", "weights")


@dataclass(frozen=True)
class Planted:
    """A fault, the design that has it, and the checks of which each must see it."""

    fault: str
    design: type[Design]
    seen_by: tuple[str, ...]


PLANTED: list[Planted] = []


def planted(fault: str, *seen_by: str) -> Callable[[type[Any]], type[Any]]:
    """List a design with its fault."""

    def keep(design: type[Any]) -> type[Any]:
        PLANTED.append(Planted(fault, design, seen_by))
        return design

    return keep


def read_again(sample: Sample, frame: pd.DataFrame | None = None, **roles: Any) -> Sample:
    """Read another table, or other roles, as the sample was read."""
    named = {role: getattr(sample, role) for role in ROLES} | roles
    return Sample(sample.frame if frame is None else frame, **named)


def told(row: Effect, **changes: Any) -> Effect:
    """Make a row again with another estimate, error, label or count, and the inference of these."""
    names = ("outcome", "estimand", "term", "group", "time", "estimate", "std_error", "df",
             "conf_level", "n_treated", "n_comparison", "n_clusters")  # fmt: skip
    return wald_effect(**({name: getattr(row, name) for name in names} | changes))


def every_row(right: Estimate, change: Callable[[Effect], Effect], **parts: Any) -> Estimate:
    """Return an estimate with each of its rows changed, and no aggregation that would tell."""
    rows = tuple(change(row) for row in right.effects)
    return replace(right, effects=rows, aggregator=None, **parts)


def rescaled(right: Estimate, *, points: float = 1.0, errors: float = 1.0) -> Estimate:
    """Multiply estimates and errors, with everything that follows from them."""

    def change(row: Effect) -> Effect:
        error = None if row.std_error is None else row.std_error * errors
        return told(row, estimate=(row.estimate or 0.0) * points, std_error=error)

    influence = right.influence and Influence(
        right.influence.values * errors * np.sign(points), right.influence.units
    )
    return every_row(right, change, covariance=right.covariance * errors**2, influence=influence)


# -- sign, size, errors ------------------------------------------------------------------------


@planted("the sign is wrong", "truth_is_recovered")
class WrongSign(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return rescaled(super().fit(sample, outcome), points=-1.0)


@planted("effects are multiplied by 0.8", "truth_is_recovered")
class Attenuated(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return rescaled(super().fit(sample, outcome), points=0.8, errors=0.8)


@planted("effects of a roll-out are halved", "truth_is_recovered")
class HalvedEffect(SunAbraham):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return rescaled(super().fit(sample, outcome), points=0.5, errors=0.5)


@planted("effects without an error are halved", "truth_is_recovered")
class HalvedSynthetic(SyntheticControl):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        return every_row(right, lambda row: replace(row, estimate=(row.estimate or 0.0) / 2))


@planted("the error is halved", "error_is_the_spread", "size_and_coverage")
class HalvedError(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return rescaled(super().fit(sample, outcome), errors=0.5)


@planted("the error of a roll-out is halved", "error_is_the_spread")
class HalvedErrors(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return rescaled(super().fit(sample, outcome), errors=0.5)


@planted("the error is doubled", "error_is_the_spread")
class DoubledError(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return rescaled(super().fit(sample, outcome), errors=2.0)


@planted("the error of a change is doubled", "error_is_the_spread")
class DoubledChange(BeforeAfter):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return rescaled(super().fit(sample, outcome), errors=2.0)


@planted("units already treated are compared with", "truth_is_recovered")
class ForbiddenComparisons(ImputationDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        found = TwoWayFixedEffects().fit(sample, outcome)
        return replace(found, method=replace(found.method, name=self.info.name))


@planted("the effect at the start stands for all", "truth_is_recovered")
class FirstPeriodOnly(DifferenceInDifferences):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        late = sample.time_values > sample.unit_cohorts[np.isfinite(sample.unit_cohorts)].min()
        return super().fit(read_again(sample, sample.frame.loc[~late]), outcome)


# -- inference that is not of the error ----------------------------------------------------------


@planted("an interval at 90 % is said to be at 95 %", "inference_is_of_the_error")
class NarrowInterval(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        def narrow(row: Effect) -> Effect:
            inside = told(row, conf_level=0.90)
            return replace(row, conf_low=inside.conf_low, conf_high=inside.conf_high)

        return every_row(super().fit(sample, outcome), narrow)


@planted("the set of a ratio is half as wide", "inference_is_of_the_error", "size_and_coverage")
class NarrowRatio(WaldDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        def narrow(row: Effect) -> Effect:
            if row.term != "wald" or row.conf_low is None:
                return row
            middle = row.estimate or 0.0
            low, high = ((middle + (end or 0.0)) / 2 for end in (row.conf_low, row.conf_high))
            return replace(row, conf_low=low, conf_high=high)

        return every_row(super().fit(sample, outcome), narrow)


@planted("the p-value is one-sided", "inference_is_of_the_error")
class OneSided(StackedDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        def side(row: Effect) -> Effect:
            p, up = row.p_value or 1.0, (row.statistic or 0.0) > 0
            return replace(row, p_value=p / 2 if up else 1 - p / 2)

        return every_row(super().fit(sample, outcome), side)


@planted("nothing is rejected one time in two", "size_and_coverage")
class TooManyRejections(SyntheticControl):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        return every_row(right, lambda row: replace(row, p_value=(row.p_value or 1.0) / 10))


@planted("the printed error is not that of the covariance", "inference_is_of_the_error")
class OtherCovariance(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        return replace(right, covariance=right.covariance / 4)


@planted("influence values are those of other units", "influence")
class ShuffledInfluence(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        assert right.influence is not None
        return replace(
            right, influence=Influence(right.influence.values[::-1], right.influence.units)
        )


@planted("influence values lack their number of units", "influence")
class ScaledInfluence(DifferenceInDifferences):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        assert right.influence is not None
        values = right.influence.values
        return replace(right, influence=Influence(values * len(values), right.influence.units))


@planted("the normal law stands for t", "covariance_asked")
class NormalLaw(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(super().fit(sample, outcome), lambda row: told(row, df=None))


@planted("the normal law stands for t in a roll-out", "covariance_asked")
class NormalLawByCohort(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(super().fit(sample, outcome), lambda row: told(row, df=None))


@planted("the normal law stands for t where nothing is asked", "covariance_asked")
class NormalByDefault(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        return right if self.covariance else every_row(right, lambda row: told(row, df=None))


@planted("t is said, its interval is the normal one", "inference_is_of_the_error")
class NormalInterval(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        def normal(row: Effect) -> Effect:
            return replace(told(row, df=None), df=row.df)

        return every_row(super().fit(sample, outcome), normal)


@planted("influence values are those of the usual covariance", "covariance_asked")
class UsualInfluence(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        usual = TwoWayFixedEffects(specification=self.specification).fit(sample, outcome)
        right = super().fit(sample, outcome)
        return replace(right, influence=right.influence and usual.influence, aggregator=None)


@planted("influence values of clusters are those of people", "covariance_asked")
class InfluenceOfPeople(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        alone = CallawaySantAnna().fit(read_again(sample, cluster=None), outcome)
        return replace(super().fit(sample, outcome), influence=alone.influence)


# -- roles and options that are ignored ----------------------------------------------------------


@planted("clusters are ignored", "roles_are_heeded")
class ClustersIgnored(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        found = super().fit(read_again(sample, cluster=None), outcome)
        if not sample.cluster_names:
            return found
        n = sample.codes(sample.cluster_names[0]).labels.size
        return every_row(found, lambda row: replace(row, n_clusters=n))


@planted("clusters are ignored in a roll-out", "roles_are_heeded")
class ClustersIgnoredByCohort(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return super().fit(read_again(sample, cluster=None), outcome)


@planted("weights are ignored", "roles_are_heeded", "weight_is_row_twice")
class WeightsIgnored(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return super().fit(read_again(sample, weights=None), outcome)


@planted("weights are squared", "weight_is_row_twice")
class WeightsSquared(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        if not sample.weights:
            return super().fit(sample, outcome)
        squared = sample.frame.assign(**{sample.weights: sample.frame[sample.weights] ** 2})
        return super().fit(read_again(sample, squared), outcome)


@planted("covariates are ignored", "roles_are_heeded")
class CovariatesIgnored(ImputationDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return super().fit(read_again(sample, covariates=()), outcome)


@planted("a covariance is ignored, and its name printed", "no_inert_option")
class CovarianceIgnored(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        found = DifferenceInMeans(adjustment=self.adjustment, strata=self.strata).fit(
            sample, outcome
        )
        if self.covariance is None:
            return found
        return replace(found, method=replace(found.method, covariance=self.covariance.label))


@planted("all covariances for clusters are one", "no_inert_option")
class CovariancesConfused(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        one = None if self.covariance is None else Clustered(correction="CR1")
        return TwoWayFixedEffects(
            specification=self.specification,
            anticipation=self.anticipation,
            window=self.window,
            covariance=one,
        ).fit(sample, outcome)


@planted("a choice is ignored", "no_inert_option")
class ChoiceIgnored(StackedDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return StackedDiD(
            control_group=self.control_group,
            before=self.before,
            after=self.after,
            covariance=self.covariance,
        ).fit(sample, outcome)


@planted("the seed is ignored", "no_inert_option")
class SeedIgnored(SyntheticDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return SyntheticDiD(inference=self.inference, draws=self.draws).fit(sample, outcome)


@planted("draws come from the shared generator", "deterministic")
class GlobalGenerator(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        noise = 1 + 1e-3 * np.random.normal()  # noqa: NPY002 - the fault itself
        return rescaled(super().fit(sample, outcome), errors=noise)


@planted("the shared generator is seeded anew", "deterministic")
class GlobalSeed(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        np.random.seed(1)  # noqa: NPY002 - the fault itself
        return super().fit(sample, outcome)


# -- the sample is changed -----------------------------------------------------------------------


@planted("the sample's table is edited in place", "sample_unchanged")
class TableEdited(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        sample.frame[outcome] = sample.frame[outcome] - sample.frame[outcome].mean()
        return right


@planted("a column is added to the sample's table", "sample_unchanged")
class ColumnAdded(DifferenceInDifferences):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        sample.frame["after"] = sample.time_values > np.median(sample.times)
        return super().fit(sample, outcome)


@planted("an array of the sample is edited in place", "sample_unchanged")
class ArrayEdited(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        cohorts = sample.unit_cohorts
        cohorts.flags.writeable = True
        cohorts[~np.isfinite(cohorts)] = 0.0
        return right


@planted("the outcome kept by the sample is centred in place", "sample_unchanged")
class OutcomeCentred(BeforeAfter):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        values = sample.outcome(outcome)
        base = values if values.base is None else values.base
        base.flags.writeable = True
        base -= np.nanmean(base)
        return super().fit(sample, outcome)


@planted("a part of the sample is replaced", "sample_unchanged")
class PartReplaced(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        object.__setattr__(
            sample, "weights_array", sample.weights_array / sample.weights_array.sum()
        )
        return super().fit(sample, outcome)


# -- who is counted ------------------------------------------------------------------------------


@planted("a missing outcome is read as zero", "missing_outcomes_counted")
class MissingIsZero(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        filled = sample.frame.assign(**{outcome: sample.frame[outcome].fillna(0.0)})
        found = super().fit(read_again(sample, filled), outcome)
        _, step = sample.complete(outcome)
        return replace(found, flow=(*sample.flow, step), aggregator=None)


@planted("a missing outcome is read as the mean", "missing_outcomes_counted")
class MissingIsMean(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        column = sample.frame[outcome]
        filled = sample.frame.assign(**{outcome: column.fillna(column.mean())})
        found = super().fit(read_again(sample, filled), outcome)
        _, step = sample.complete(outcome)
        return replace(found, flow=(*sample.flow, step))


@planted("missing outcomes leave without a word", "missing_outcomes_counted")
class MissingUntold(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        found = super().fit(sample, outcome)
        return replace(found, flow=sample.flow[:1], findings=())


@planted("one row in ten is dropped in silence", "counts")
class RowsDropped(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        values = sample.frame[outcome]
        near = (values - values.median()).abs()
        return super().fit(read_again(sample, sample.frame[near < near.quantile(0.9)]), outcome)


@planted("one person in ten is dropped in silence, the flow kept", "counts")
class PeopleDropped(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        kept = sample.frame[sample.frame[outcome] < sample.frame[outcome].quantile(0.9)]
        return replace(super().fit(read_again(sample, kept), outcome), flow=sample.flow)


@planted("the two groups are counted for each other", "counts")
class CountsSwapped(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(
            super().fit(sample, outcome),
            lambda row: replace(row, n_treated=row.n_comparison, n_comparison=row.n_treated),
        )


@planted("one treated unit too many", "counts")
class OneTooMany(DifferenceInDifferences):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(
            super().fit(sample, outcome),
            lambda row: replace(row, n_treated=(row.n_treated or 0) + 1),
        )


@planted("one comparison too few", "counts")
class OneTooFew(SunAbraham):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(
            super().fit(sample, outcome),
            lambda row: replace(row, n_comparison=(row.n_comparison or 0) - 1),
        )


@planted("rows are counted for units", "counts")
class RowsForUnits(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        assert sample.treated is not None
        treated, n = int(sample.treated.sum()), sample.n
        return every_row(
            super().fit(sample, outcome),
            lambda row: replace(row, n_treated=treated, n_comparison=n - treated),
        )


@planted("units are counted for clusters", "counts")
class UnitsForClusters(ImputationDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(
            super().fit(sample, outcome), lambda row: replace(row, n_clusters=sample.n_units)
        )


# -- places, labels, order -----------------------------------------------------------------------


@planted("periods are labelled one too late", "truth_is_recovered")
class PeriodsOff(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(
            super().fit(sample, outcome), lambda row: told(row, time=float(row.time or 0) + 1)
        )


@planted("the treated are read one period too late", "truth_is_recovered")
class TreatedOff(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        assert sample.cohort is not None
        later = sample.frame.assign(**{sample.cohort: sample.frame[sample.cohort] + 1})
        return super().fit(read_again(sample, later), outcome)


@planted("event times are labelled one too early", "truth_is_recovered")
class EventsOff(StackedDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(
            super().fit(sample, outcome),
            lambda row: row if row.time is None else told(row, time=float(row.time) - 1),
        )


@planted("cohorts are labelled for each other", "truth_is_recovered")
class CohortsSwapped(SunAbraham):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        groups = sorted({float(row.group or 0) for row in right.effects})
        other = dict(zip(groups, groups[::-1], strict=True))
        return every_row(right, lambda row: told(row, group=other[float(row.group or 0)]))


@planted("periods are sorted as text", "order_and_labels")
class PeriodsAsText(BeforeAfter):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        assert sample.time is not None
        words = sample.frame[sample.time].astype(int).astype(str)
        rank = {word: i for i, word in enumerate(sorted(words.unique()), start=1)}
        return super().fit(
            read_again(sample, sample.frame.assign(**{sample.time: words.map(rank)})), outcome
        )


@planted("the first row counts for more", "order_and_labels")
class FirstRow(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        extra = 1e-4 * float(sample.outcome(outcome)[0])
        return every_row(
            super().fit(sample, outcome),
            lambda row: told(row, estimate=(row.estimate or 0.0) + extra),
        )


@planted("the unit of the last label is left out", "order_and_labels", "counts")
class LastLabel(DifferenceInDifferences):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        assert sample.unit is not None
        kept = sample.frame[sample.frame[sample.unit] != sample.unit_labels[-1]]
        return super().fit(read_again(sample, kept), outcome)


@planted("the outcome is divided by its mean", "affine_outcome", "truth_is_recovered")
class SharesOfMean(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        size = float(np.nanmean(np.abs(sample.outcome(outcome))))
        return rescaled(super().fit(sample, outcome), points=1 / size, errors=1 / size)


@planted("weights are read as numbers of people", "weight_scale")
class WeightsAsCounts(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        if not sample.has_weights:
            return right
        n = float(sample.weights_array.sum())
        return rescaled(right, errors=float(np.sqrt(sample.n / n)))


@planted("labels of the groups do not change the sign", "sign_flip", "truth_is_recovered")
class AbsoluteGap(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        return every_row(right, lambda row: told(row, estimate=abs(row.estimate or 0.0)))


@planted("an option off its list is taken for the default", "denied_is_refused")
class OptionForgiven(DifferenceInMeans):
    def __post_init__(self) -> None:
        pass


@planted("a role that is denied is ignored", "denied_is_refused")
class RoleForgiven(SyntheticDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return super().fit(read_again(sample, weights=None, covariates=(), cluster=None), outcome)


# -- refusals, shape, gaps -----------------------------------------------------------------------


@planted("the caller's table is edited through the sample", "inputs_unchanged")
class CallerEdited(DifferenceInDifferences):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        values = sample.frame[outcome].to_numpy()
        values.flags.writeable = True
        values -= values.mean()
        return super().fit(sample, outcome)


@planted("a text in the outcome is made missing", "bad_input")
class TextForgiven(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        numbers = pd.to_numeric(sample.frame[outcome], errors="coerce")
        read = read_again(sample, sample.frame.assign(**{outcome: numbers}))
        return super().fit(read, outcome)


@planted("a table without comparison crashes", "bad_input")
class NobodyToCompare(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        assert sample.treated is not None
        if sample.treated.all():
            raise ZeroDivisionError
        return super().fit(sample, outcome)


@planted("what was noticed in the sample is not told", "findings_kept")
class FindingsSwallowed(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return replace(super().fit(sample, outcome), findings=())


FEW = ("few_clusters", "few_treated_units", "few_treated_clusters")


@planted("few units are not told", "few_told")
class FewUntold(DifferenceInDifferences):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        return replace(right, findings=tuple(f for f in right.findings if f.code not in FEW))


@planted("few treated are told below another number than everywhere else", "few_told")
class OtherThreshold(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        kept = (f for f in right.findings if f.code not in FEW[1:] or f.values["n"] < 4)
        return replace(right, findings=tuple(kept))


@planted("few clusters are told twice", "few_told")
class FewToldTwice(BeforeAfter):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        again = tuple(f for f in right.findings if f.code in FEW)
        return replace(right, findings=(*right.findings, *again))


@planted("the sample is read again, and what was noticed is lost", "findings_kept")
class FindingsOfAnotherReading(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return super().fit(read_again(sample), outcome)


@planted("people treated from the start leave without a word", "findings_kept")
class AlwaysTreatedUntold(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        kept = [f for f in right.findings if f.code != "always_treated_dropped"]
        return replace(right, findings=tuple(kept))


@planted("a result bears the name of another method", "result_shape")
class OtherName(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        return replace(right, method=replace(right.method, name="difference"))


@planted("a change is called an effect", "result_shape")
class ChangeCalledEffect(BeforeAfter):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return replace(super().fit(sample, outcome), counterfactual=True)


@planted("an error that is not known is zero", "undefined_has_reason")
class ZeroError(SyntheticControl):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(super().fit(sample, outcome), lambda row: replace(row, std_error=0.0))


@planted("an error is left empty without a reason", "undefined_has_reason")
class EmptyError(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        return every_row(right, lambda row: replace(row, std_error=None), findings=())


# -- names, options, outcomes --------------------------------------------------------------------


@planted("a result bears the name of another outcome", "outcomes_apart")
class OtherOutcome(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return every_row(super().fit(sample, outcome), lambda row: replace(row, outcome="x"))


@planted("the first outcome answers for the others", "outcomes_apart")
class FirstOutcome(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        kept: list[Estimate] = sample.__dict__.setdefault("_kept", [])
        if not kept:
            kept.append(super().fit(sample, outcome))
        right = kept[0]
        return every_row(replace(right, outcome=outcome), lambda row: told(row, outcome=outcome))


@planted("an effect on all is called one on those who enter", "result_shape")
class OtherEstimand(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        return every_row(right, lambda row: replace(row, estimand="late"), estimand="late")


@planted("the options recorded are the defaults", "result_shape")
class DefaultsRecorded(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        usual = DifferenceInMeans().fit(sample, outcome).method.options
        return replace(right, method=replace(right.method, options=usual))


# -- a table written otherwise -------------------------------------------------------------------


@planted("yes and no are read the other way round", "written_otherwise")
class YesIsNo(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        assert sample.treatment is not None
        column = sample.frame[sample.treatment]
        if column.dtype != bool:
            return super().fit(sample, outcome)
        return super().fit(
            read_again(sample, sample.frame.assign(**{sample.treatment: ~column})), outcome
        )


@planted("the never treated without a date are left out", "written_otherwise")
class NeverDropped(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        assert sample.cohort is not None
        dated = sample.frame[sample.cohort].notna()
        return super().fit(read_again(sample, sample.frame[dated]), outcome)


@planted("a column without a role moves the effect", "written_otherwise")
class LastColumn(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        numbers = sample.frame.select_dtypes("number").columns
        shift = 1e-4 * float(sample.frame[numbers[-1]].iloc[0])
        return every_row(
            super().fit(sample, outcome),
            lambda row: told(row, estimate=(row.estimate or 0.0) + shift),
        )


@planted("settings of numpy are left changed", "deterministic")
class SettingsChanged(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        kept = np.geterr()["under"]
        np.seterr(under="warn" if kept == "ignore" else "ignore")
        return super().fit(sample, outcome)


# -- the second of two, and half of a role -------------------------------------------------------


@planted("a second column of clusters is ignored", "roles_are_heeded")
class SecondClusterIgnored(TwoWayFixedEffects):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        first = sample.cluster_names[:1]
        return super().fit(read_again(sample, cluster=first or None), outcome)


@planted("a second covariate is ignored", "roles_are_heeded")
class SecondCovariateIgnored(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        return super().fit(read_again(sample, covariates=sample.covariate_names[:1]), outcome)


@planted("weights are ignored in the error alone", "roles_are_heeded")
class ErrorUnweighted(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right, plain = (
            super(ErrorUnweighted, self).fit(read, outcome)
            for read in (sample, read_again(sample, weights=None))
        )
        error = plain.effects[0].std_error
        return every_row(
            right,
            lambda row: told(row, std_error=error),
            covariance=plain.covariance,
            influence=plain.influence,
        )


@planted("weights are rounded", "weight_is_row_twice")
class WeightsRounded(DifferenceInMeans):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        if not sample.weights:
            return super().fit(sample, outcome)
        column = sample.frame[sample.weights]
        whole = np.ceil(column / column.mean())
        return super().fit(
            read_again(sample, sample.frame.assign(**{sample.weights: whole})), outcome
        )


# -- aggregations --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Changed:
    """An aggregator whose rows are changed on their way out."""

    right: Aggregator
    change: Callable[[Effect], Effect]

    @property
    def kinds(self) -> tuple[str, ...]:
        return self.right.kinds

    def aggregate(self, estimate: Estimate, kind: str) -> Estimate:
        found = self.right.aggregate(estimate, kind)
        return replace(found, effects=tuple(self.change(row) for row in found.effects))


@planted("event times have the sign of a countdown", "truth_is_recovered")
class Countdown(CallawaySantAnna):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        assert right.aggregator is not None

        def change(row: Effect) -> Effect:
            return told(row, time=-row.time) if isinstance(row.time, float) else row

        return replace(right, aggregator=_Changed(right.aggregator, change))


@planted("effects of a cohort are doubled when aggregated", "truth_is_recovered")
class CohortsDoubled(ImputationDiD):
    def fit(self, sample: Sample, outcome: str) -> Estimate:
        right = super().fit(sample, outcome)
        assert right.aggregator is not None

        def change(row: Effect) -> Effect:
            return row if row.group is None else told(row, estimate=2 * (row.estimate or 0.0))

        return replace(right, aggregator=_Changed(right.aggregator, change))
