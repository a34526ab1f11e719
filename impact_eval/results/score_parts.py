"""From the survey floor to records: alpha, a change read in order, an invariance verdict."""

from __future__ import annotations

import math
from typing import TypeAlias, TypeVar

from impact_eval.core.findings import NotApplicable
from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.parts import finite
from impact_eval.results.score_change import (
    ChangeReading,
    EffectSizeRecord,
    PairedEffectsRecord,
    PairedTRecord,
    ReliableRecord,
    ResponseShiftRecord,
    ShareRecord,
)
from impact_eval.results.score_records import (
    AlphaRecord,
    InvarianceRecord,
    InvarianceStepRecord,
    PeopleChanged,
    ScoreChange,
)
from impact_eval.results.score_tests import EquivalenceRecord, SignFlipRecord, WilcoxonRecord
from impact_eval.stats.scales.effect_size import EffectSize, PairedEffects
from impact_eval.stats.scales.paired_tests import PairedT, SignFlip, Wilcoxon
from impact_eval.stats.scales.reliability import Alpha
from impact_eval.stats.scales.reliable_change import (
    Equivalence,
    Outcome,
    ReliableChange,
    ResponseShift,
)
from impact_eval.survey.change import ChangeResult
from impact_eval.survey.invariance import InvarianceReading

T = TypeVar("T")
Refusal: TypeAlias = RefusalRecord


def alpha_of(alpha: Alpha | NotApplicable) -> AlphaRecord | Refusal:
    """Return the record of an alpha."""
    if isinstance(alpha, NotApplicable):
        return RefusalRecord.of(alpha)
    return AlphaRecord(
        alpha=finite(alpha.value),
        conf_low=finite(alpha.conf_low),
        conf_high=finite(alpha.conf_high),
        n=alpha.n,
        n_items=alpha.n_items,
    )


def invariance_of(reading: InvarianceReading) -> InvarianceRecord:
    """Return the record of a verdict on what a scale measures on both sides."""
    steps = () if reading.chain is None else reading.chain.steps
    return InvarianceRecord(
        comparison=reading.comparison,
        verdict=reading.verdict,
        reached=reading.reached,
        n=tuple(int(n) for n in reading.n),
        reason=None if reading.reason is None else RefusalRecord.of(reading.reason),
        steps=tuple(
            InvarianceStepRecord(
                level=step.level,
                accepted=bool(step.accepted),
                cfi_change=_or_none(step.cfi_change),
                rmsea_change=_or_none(step.rmsea_change),
                chi_square=_or_none(step.fit.comparative.chi_square),
                df=_or_none(step.fit.comparative.df),
            )
            for step in steps
        ),
    )


def _or_none(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def change_of(change: ChangeResult) -> ChangeReading:
    """Return the record of a change, in the order it is to be read."""
    return ChangeReading(
        minimal_detectable=_number(change.minimal_detectable),
        detectable_mean=_number(change.detectable_mean),
        worth_having=finite(change.worth_having),
        n=change.n,
        n_before=change.n_before,
        n_after=change.n_after,
        mean=RefusalRecord.of(change.mean)
        if isinstance(change.mean, NotApplicable)
        else _paired_t(change.mean),
        effects=_effects(change.effects),
        worth=_worth(change.worth),
        reliable=_reliable(change.reliable),
        shares={
            outcome: ShareRecord(
                count=share.count,
                n=share.n,
                conf_low=finite(share.conf_low),
                conf_high=finite(share.conf_high),
            )
            for outcome, share in change.shares.items()
        },
        rank_test=_ranks(change.rank_test),
        permutation=_flips(change.permutation),
        drift=_number(change.drift),
        shift=_shift(change.shift),
        higher_is_better=change.higher_is_better,
        findings=tuple(FindingRecord.of(finding) for finding in change.findings),
    )


def mean_change_of(change: ChangeResult) -> ScoreChange | None:
    """Return the mean change alone; None when it cannot be computed."""
    mean = change.mean
    if isinstance(mean, NotApplicable):
        return None
    return ScoreChange(
        estimate=finite(mean.mean_change),
        std_error=finite(mean.std_error),
        conf_low=finite(mean.conf_low),
        conf_high=finite(mean.conf_high),
        p_value=finite(mean.p_value),
        n=mean.n,  # a weight of nothing stands for nobody
    )


def people_of(change: ChangeResult) -> PeopleChanged:
    """Return how many changed by more than the error of the measure, always with the worse."""
    counts = {outcome: share.count for outcome, share in change.shares.items()}
    better = counts.get(Outcome.RECOVERED, 0) + counts.get(Outcome.IMPROVED, 0)
    worse = counts.get(Outcome.DETERIORATED, 0)
    stable = sum(counts.values()) - better - worse
    return PeopleChanged(improved=better, stable=stable, worsened=worse)


def _number(value: float | NotApplicable) -> float | Refusal | None:
    return RefusalRecord.of(value) if isinstance(value, NotApplicable) else finite(value)


def _paired_t(test: PairedT) -> PairedTRecord:
    return PairedTRecord(
        mean_change=finite(test.mean_change),
        std_error=finite(test.std_error),
        statistic=finite(test.statistic),
        df=float(test.df),
        p_value=finite(test.p_value),
        conf_low=finite(test.conf_low),
        conf_high=finite(test.conf_high),
        n=test.n,
    )


def _size(size: EffectSize) -> EffectSizeRecord:
    return EffectSizeRecord(
        value=finite(size.value),
        conf_low=finite(size.conf_low),
        conf_high=finite(size.conf_high),
    )


def _effects(found: PairedEffects | NotApplicable) -> PairedEffectsRecord | Refusal:
    if isinstance(found, NotApplicable):
        return RefusalRecord.of(found)
    return PairedEffectsRecord(
        dz=_size(found.dz),
        g_z=_size(found.g_z),
        d_av=_size(found.d_av),
        d_rm=_size(found.d_rm),
        glass=_size(found.glass),
        n=found.n,
        mean_change=finite(found.mean_change),
        sd_change=finite(found.sd_change),
        mean_before=finite(found.mean_before),
        sd_before=finite(found.sd_before),
        mean_after=finite(found.mean_after),
        sd_after=finite(found.sd_after),
        correlation=finite(found.correlation),
    )


def _worth(found: Equivalence | NotApplicable) -> EquivalenceRecord | Refusal:
    if isinstance(found, NotApplicable):
        return RefusalRecord.of(found)
    return EquivalenceRecord(
        p_value=finite(found.p_value),
        conf_low=finite(found.conf_low),
        conf_high=finite(found.conf_high),
        bound=finite(found.bound),
        verdict=found.verdict,
    )


def _reliable(found: ReliableChange | NotApplicable) -> ReliableRecord | Refusal:
    if isinstance(found, NotApplicable):
        return RefusalRecord.of(found)
    return ReliableRecord(
        std_error_measurement=finite(found.std_error_measurement),
        std_error_difference=finite(found.std_error_difference),
        smallest=finite(found.smallest),
        n_improved=found.n_improved,
        n_unchanged=found.n_unchanged,
        n_deteriorated=found.n_deteriorated,
        n=found.n,
    )


def _ranks(found: Wilcoxon | NotApplicable) -> WilcoxonRecord | Refusal:
    if isinstance(found, NotApplicable):
        return RefusalRecord.of(found)
    return WilcoxonRecord(
        statistic=finite(found.statistic),
        z=finite(found.z),
        p_value=finite(found.p_value),
        p_corrected=finite(found.p_corrected),
        rank_biserial=finite(found.rank_biserial),
        shift=finite(found.shift),
        n=found.n,
        n_zero=found.n_zero,
        zero_rule=found.zero_rule.value,
        exact=found.exact,
    )


def _flips(found: SignFlip | NotApplicable) -> SignFlipRecord | Refusal:
    if isinstance(found, NotApplicable):
        return RefusalRecord.of(found)
    return SignFlipRecord(
        mean_change=finite(found.mean_change),
        p_value=finite(found.p_value),
        patterns=found.patterns,
        exact=found.exact,
    )


def _shift(found: ResponseShift | NotApplicable) -> ResponseShiftRecord | Refusal:
    if isinstance(found, NotApplicable):
        return RefusalRecord.of(found)
    return ResponseShiftRecord(
        conventional=_paired_t(found.conventional),
        then_test=_paired_t(found.then_test),
        shift=_paired_t(found.shift),
    )
