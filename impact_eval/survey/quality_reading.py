"""What a quality report says, in codes: first what to mend, then one reading by statistic."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.stats.scales.agreement import IntraclassCorrelation
from impact_eval.stats.scales.cfa import CfaFit
from impact_eval.stats.scales.cfa_indices import ComparativeFit, RobustFit
from impact_eval.stats.scales.cfa_ordinal import OrdinalCfaFit
from impact_eval.stats.scales.dif import DifScreen
from impact_eval.stats.scales.factor import FactorSolution
from impact_eval.stats.scales.factor_adequacy import ParallelAnalysis, SamplingAdequacy
from impact_eval.stats.scales.invariance_chain import InvarianceVerdict
from impact_eval.stats.scales.item_fit import ItemFit
from impact_eval.stats.scales.item_statistics import ItemStatistics
from impact_eval.stats.scales.limited_fit import LimitedFit
from impact_eval.stats.scales.omega import Omega, OneFactorOmega
from impact_eval.stats.scales.reliability import Alpha, FloorCeiling
from impact_eval.stats.scales.split_half import GuttmanBounds, SplitHalf
from impact_eval.survey.invariance import InvarianceReading
from impact_eval.survey.quality_common import LEAST_ALPHA, CommonGround
from impact_eval.survey.quality_report import QualityReport

WEAK_ITEM = 0.20
LOW, FAIR, REDUNDANT = 0.70, 0.80, 0.95
AT_AN_END = 0.15
ERROR_READING = "quality_read_error"  # left out where the smallest change is told apart
GENERAL = 0.50
LEAST_ADEQUACY = 0.60
PAIR = 2
MISFIT = 1.30  # of a mean square whose expectation is 1


def warnings_of(report: QualityReport) -> tuple[Finding, ...]:
    """Return what to mend, or to say beside the score."""
    return (
        *_about_items(report),
        *_about_alpha(report),
        *_about_ends(report),
        *_about_structure(report),
        *_about_comparisons(report),
    )


def _about_items(report: QualityReport) -> Iterator[Finding]:
    part = report.consistency
    if part.unreversed:
        yield _named("quality_item_unreversed", part.unreversed)
    if isinstance(part.items, ItemStatistics):
        rest = part.items.item_rest
        against = np.isin(report.names, part.unreversed)
        weak = tuple(report.names[j] for j in np.flatnonzero((rest < WEAK_ITEM) & ~against))
        if weak and report.common is CommonGround.SHOWN:  # else every question is, and it is told
            yield Finding.info("quality_item_weak", names=weak, n_items=len(weak), least=WEAK_ITEM)
        constant = tuple(report.names[j] for j in np.flatnonzero(part.items.std_dev == 0))
        if constant:
            yield _named("quality_item_constant", constant)


def _named(code: str, names: tuple[str, ...]) -> Finding:
    """Return a warning on items by name, with their number for the grammar."""
    return Finding.warning(code, names=names, n_items=len(names))


def _about_alpha(report: QualityReport) -> Iterator[Finding]:
    alpha = report.consistency.alpha
    if isinstance(alpha, NotApplicable):
        yield Finding.warning("quality_no_alpha", n=report.n_complete)
    elif not _praised(report, alpha):
        yield _alpha_warning(report, alpha)
    if report.n_complete < report.n:
        yield Finding.info("quality_incomplete", n=report.n - report.n_complete, of=report.n)


def _praised(report: QualityReport, alpha: Alpha) -> bool:
    """Return whether alpha is high enough, and well enough known, to lean on the total."""
    known = alpha.conf_low >= LEAST_ALPHA
    return report.common is CommonGround.SHOWN and alpha.value >= LOW and known


def _alpha_warning(report: QualityReport, alpha: Alpha) -> Finding:
    """Return the one sentence on an alpha that carries no total."""
    low, high = alpha.conf_low, alpha.conf_high
    if report.common is CommonGround.NOTHING:
        return Finding.warning(
            "quality_nothing_common", alpha=alpha.value, conf_low=low, conf_high=high, n=alpha.n
        )
    # neither good nor bad: the sample cannot tell
    if low < LEAST_ALPHA <= LOW <= high or alpha.value >= LOW:
        return Finding.warning(
            "quality_interval_wide", alpha=alpha.value, conf_low=low, conf_high=high, n=alpha.n
        )
    return Finding.warning(
        "quality_alpha_low", alpha=alpha.value, conf_low=low, conf_high=high, least=LOW
    )


def _about_ends(report: QualityReport) -> Iterator[Finding]:
    ends = report.consistency.ends
    if not isinstance(ends, FloorCeiling):
        return
    if ends.floor > AT_AN_END:
        yield Finding.warning("quality_floor", share=ends.floor, n=ends.n)
    if ends.ceiling > AT_AN_END:
        yield Finding.warning("quality_ceiling", share=ends.ceiling, n=ends.n)


def _about_structure(report: QualityReport) -> Iterator[Finding]:
    part, hierarchical = report.structure, report.consistency.hierarchical
    several = _dimensions(report)
    if isinstance(part.factors, FactorSolution) and part.factors.heywood:
        yield Finding.info("quality_improper", n=part.factors.heywood)
    if several > 1:
        share = hierarchical.hierarchical if isinstance(hierarchical, Omega) else None
        if share is None and isinstance(part.factors, NotApplicable):
            yield Finding.warning("quality_several_perhaps", n=several)
        elif share is None or share < GENERAL:
            yield Finding.warning("quality_several_things", n=several)
        else:
            yield Finding.info("quality_general_factor", n=several, share=share)
    irregular = misfits(report)
    if irregular:
        yield _named("quality_item_misfit", irregular)
    fit = part.confirmatory
    if isinstance(fit, (CfaFit, OrdinalCfaFit)):
        best = fit.robust or fit.scaled or fit.comparative
        if _poor(best):
            yield Finding.warning("quality_one_factor_poor", cfi=best.cfi, rmsea=best.rmsea)


def _poor(fit: ComparativeFit | RobustFit) -> bool:
    return fit.cfi < 0.90 or fit.rmsea > 0.10


def misfits(report: QualityReport) -> tuple[str, ...]:
    """Return the items that follow something else too: mean squares high beyond chance."""
    fit = report.structure.item_fit
    unfit = report.common is not CommonGround.SHOWN or _mixes(report)
    if isinstance(fit, NotApplicable) or unfit:
        return ()
    beyond = float(special.ndtri(1 - 0.025 / len(report.names)))  # for all items together
    infit = (fit.infit > MISFIT) & (fit.infit_z > beyond)
    outfit = (fit.outfit > MISFIT) & (fit.outfit_z > beyond)
    return tuple(report.names[j] for j in np.flatnonzero(infit | outfit))


def _dimensions(report: QualityReport) -> int:
    """Return the dimensions described, else those counted; 0 where neither could be done."""
    factors, counted = report.structure.factors, report.structure.parallel
    if isinstance(factors, FactorSolution):
        return int(factors.loadings.shape[1])
    return counted.n_dimensions if isinstance(counted, ParallelAnalysis) else 0


def _about_comparisons(report: QualityReport) -> Iterator[Finding]:
    leveled = report.common is not CommonGround.NOTHING  # "at equal levels" needs a level
    if isinstance(report.dif, DifScreen) and report.dif.flagged and leveled:
        names = tuple(report.names[j] for j in report.dif.flagged)
        yield _named("quality_dif", names)
    for reading in report.invariance:
        yield invariance_finding(reading)


def invariance_finding(reading: InvarianceReading) -> Finding:
    """Return what is said of a comparison of means on a scale."""
    between = f"quality_between_{reading.comparison.value}"
    if reading.verdict is InvarianceVerdict.HOLDS:
        return Finding.info("quality_invariance_holds", between=between)
    if reading.verdict is InvarianceVerdict.NOT_TESTABLE:
        return Finding.warning("quality_invariance_not_testable", between=between)
    reached = reading.reached.value if reading.reached else "none"
    return Finding.warning(
        "quality_invariance_fragile", between=between, reached=f"invariance_{reached}"
    )


def readings(report: QualityReport) -> tuple[Finding, ...]:
    """Return one plain reading for each statistic that was computed and that means something.

    Where nothing common to the questions shows, what describes it is left out: a model of one
    dimension fits noise. Where the total is not to be leaned on, so are its other coefficients.
    """
    if report.common is not CommonGround.SHOWN:
        return (*_item_rest(report), *_ends(report), *_agreement(report))
    alpha = report.consistency.alpha
    one = isinstance(alpha, Alpha) and _praised(report, alpha) and not _mixes(report)
    return (
        *_alpha_reading(report),
        *_item_rest(report),
        *(_consistency(report) if one else ()),
        *(_error(report) if one else ()),
        *_ends(report),
        *_agreement(report),
        *_structure(report),
        *(_one_ruler(report) if one else ()),
        *_bias(report),
    )


def _mixes(report: QualityReport) -> bool:
    """Return whether the total mixes dimensions without a part common to all."""
    share = report.consistency.hierarchical
    general = isinstance(share, Omega) and share.hierarchical >= GENERAL
    return _dimensions(report) > 1 and not general


def _alpha_reading(report: QualityReport) -> Iterator[Finding]:
    alpha = report.consistency.alpha
    if isinstance(alpha, NotApplicable) or not _praised(report, alpha):
        return
    code = "quality_read_alpha_fair"
    if _mixes(report):
        code = "quality_read_alpha_several"
    elif alpha.value > REDUNDANT:
        code = "quality_alpha_redundant"
    elif alpha.value >= FAIR and alpha.conf_low >= LOW:
        code = "quality_read_alpha_good"
    yield Finding.info(
        code, n_items=alpha.n_items, alpha=alpha.value, conf_low=alpha.conf_low,
        conf_high=alpha.conf_high,
    )  # fmt: skip


def _item_rest(report: QualityReport) -> Iterator[Finding]:
    part = report.consistency
    if not isinstance(part.items, ItemStatistics):
        return
    finite = part.items.item_rest[np.isfinite(part.items.item_rest)]
    if len(report.names) == PAIR and len(finite):
        yield Finding.info("quality_read_pair", value=float(finite[0]))
    elif len(finite):
        yield Finding.info(
            "quality_read_item_rest", low=float(finite.min()), high=float(finite.max())
        )


def _consistency(report: QualityReport) -> Iterator[Finding]:
    part = report.consistency
    if len(report.names) == PAIR:  # every coefficient of two questions is alpha again
        return
    if isinstance(part.halves, SplitHalf) and np.isfinite(part.halves.spearman_brown):
        yield Finding.info("quality_read_halves", value=part.halves.spearman_brown)
    if isinstance(part.bounds, GuttmanBounds):
        yield Finding.info("quality_read_bounds", low=part.bounds.lambda2, high=part.bounds.lambda4)
    if isinstance(part.omega, OneFactorOmega) and _dimensions(report) < 2:
        yield Finding.info("quality_read_omega", value=part.omega.value)
    if isinstance(part.hierarchical, Omega):
        yield Finding.info(
            "quality_read_hierarchical", value=part.hierarchical.hierarchical,
            total=part.hierarchical.total,
        )  # fmt: skip
    if isinstance(part.categorical_omega, float) and _dimensions(report) < 2:
        yield Finding.info("quality_read_categorical", value=part.categorical_omega)
    if isinstance(part.ordinal_alpha, float):
        yield Finding.info("quality_read_ordinal", value=part.ordinal_alpha)


def _error(report: QualityReport) -> Iterator[Finding]:
    part = report.consistency
    if isinstance(part.std_error_measurement, float) and isinstance(
        part.minimal_detectable_change, float
    ):
        yield Finding.info(
            ERROR_READING, error=part.std_error_measurement,
            change=part.minimal_detectable_change,
        )  # fmt: skip


def _ends(report: QualityReport) -> Iterator[Finding]:
    ends = report.consistency.ends
    if not isinstance(ends, FloorCeiling) or max(ends.floor, ends.ceiling) > AT_AN_END:
        return  # told as a warning, with the same number
    yield Finding.info("quality_read_ends", floor=ends.floor, ceiling=ends.ceiling)


def _agreement(report: QualityReport) -> Iterator[Finding]:
    retest = report.consistency.retest
    if isinstance(retest, IntraclassCorrelation):
        yield Finding.info(
            "quality_read_retest", value=retest.value, conf_low=retest.conf_low,
            conf_high=retest.conf_high, n=retest.n,
        )  # fmt: skip


def _structure(report: QualityReport) -> Iterator[Finding]:
    part = report.structure
    if isinstance(part.adequacy, SamplingAdequacy):
        value = part.adequacy.overall
        if value >= LEAST_ADEQUACY:
            yield Finding.info("quality_read_adequacy", value=value)
        else:
            yield Finding.info("quality_read_adequacy_low", value=value, least=LEAST_ADEQUACY)
    if isinstance(part.parallel, ParallelAnalysis):
        yield Finding.info("quality_read_parallel", n=part.parallel.n_dimensions)
    if isinstance(part.factors, FactorSolution):
        spread = np.abs(part.factors.loadings).max(axis=1)
        yield Finding.info(
            "quality_read_loadings", low=float(spread.min()), high=float(spread.max())
        )
    fit = part.confirmatory
    if isinstance(fit, (CfaFit, OrdinalCfaFit)):
        best = fit.robust or fit.scaled or fit.comparative
        if not _poor(best):  # else told as a warning, with the same numbers
            yield Finding.info(
                "quality_read_one_factor", cfi=best.cfi, rmsea=best.rmsea, srmr=fit.residual.srmr
            )


def _one_ruler(report: QualityReport) -> Iterator[Finding]:
    part = report.structure
    if isinstance(part.item_fit, ItemFit):
        fitting = len(report.names) - len(misfits(report))
        yield Finding.info("quality_read_item_fit", n=fitting, of=len(report.names))
    if isinstance(part.limited, LimitedFit):
        yield Finding.info("quality_read_limited", rmsea=part.limited.rmsea)
    if isinstance(part.trait_reliability, float):
        yield Finding.info("quality_read_trait", value=part.trait_reliability)


def _bias(report: QualityReport) -> Iterator[Finding]:
    if isinstance(report.dif, DifScreen):
        yield Finding.info("quality_read_dif", n=len(report.dif.flagged), of=len(report.names))
