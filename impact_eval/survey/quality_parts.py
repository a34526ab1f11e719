"""What makes a quality report: consistency and structure, each statistic computed or refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.agreement import IntraclassCorrelation, intraclass_correlation
from impact_eval.stats.scales.agreement_interval import agreement_interval
from impact_eval.stats.scales.cfa import CfaFit, confirmatory_factors
from impact_eval.stats.scales.cfa_evaluate import CfaEstimator
from impact_eval.stats.scales.cfa_model import measurement_model
from impact_eval.stats.scales.cfa_ordinal import OrdinalCfaFit, ordinal_factors
from impact_eval.stats.scales.conditional_rasch import (
    ConditionalRasch,
    andersen_test,
    conditional_rasch,
)
from impact_eval.stats.scales.factor import exploratory_factors
from impact_eval.stats.scales.factor_adequacy import (
    ParallelAnalysis,
    minimum_average_partial,
    parallel_analysis,
    sampling_adequacy,
    sphericity_test,
)
from impact_eval.stats.scales.irt import IrtErrors, IrtFit, item_response
from impact_eval.stats.scales.irt_models import IrtModel
from impact_eval.stats.scales.irt_scores import marginal_reliability
from impact_eval.stats.scales.item_fit import item_fit
from impact_eval.stats.scales.item_matrix import complete_rows, covariance_of
from impact_eval.stats.scales.item_statistics import (
    ItemStatistics,
    item_statistics,
    least_item_rest,
)
from impact_eval.stats.scales.limited_fit import limited_fit
from impact_eval.stats.scales.omega import (
    Omega,
    OneFactorOmega,
    categorical_omega,
    hierarchical_omega,
    one_factor_omega,
    ordinal_alpha,
)
from impact_eval.stats.scales.polychoric import Polychoric, polychoric_correlation
from impact_eval.stats.scales.reliability import (
    Alpha,
    alpha_bootstrap,
    cronbach_alpha,
    floor_ceiling,
    minimal_detectable_change,
    standard_error_of_measurement,
)
from impact_eval.stats.scales.split_half import GuttmanBounds, guttman_bounds, split_half
from impact_eval.survey.invariance import MOST_ORDINAL, most_answers
from impact_eval.survey.quality_report import Consistency, QualityMethod, Structure, needs_more

FloatArray = NDArray[np.float64]
_NOTHING = NotApplicable.because("quality_no_dimension")


def consistency_of(
    matrix: FloatArray,
    names: tuple[str, ...],
    scored: tuple[FloatArray, tuple[float, float], ArrayLike | None],
    rng: np.random.Generator,
    level: float,
) -> Consistency:
    """Compute consistency and error; `scored` holds the totals, their bounds and a retest."""
    total, ends, retest = scored
    items = item_statistics(matrix)
    unreversed: tuple[str, ...] = ()
    if isinstance(items, ItemStatistics):
        against = items.item_rest < least_item_rest(len(complete_rows(matrix)), len(names))
        unreversed = tuple(names[j] for j in np.flatnonzero(against))
    alpha = cronbach_alpha(matrix, level=level)
    error, change = _errors(total, alpha, level)
    ordinal, categorical = _ordered(matrix)
    low, high = ends
    return Consistency(
        items=items, unreversed=unreversed, alpha=alpha,
        bootstrap=alpha_bootstrap(matrix, rng=rng, level=level), bounds=_bounds(matrix, alpha),
        halves=split_half(matrix), omega=_omega(matrix),
        hierarchical=NotApplicable.because("quality_one_dimension"),
        ordinal_alpha=ordinal, categorical_omega=categorical, std_error_measurement=error,
        minimal_detectable_change=change, ends=floor_ceiling(total, low=low, high=high),
        retest=_retest(total, retest, level),
    )  # fmt: skip


def _errors(
    total: FloatArray, alpha: Alpha | NotApplicable, level: float
) -> tuple[float | NotApplicable, float | NotApplicable]:
    if isinstance(alpha, NotApplicable):
        return alpha, alpha
    seen = total[~np.isnan(total)]
    error = standard_error_of_measurement(float(seen.std(ddof=1)), alpha.value)
    return error, minimal_detectable_change(error, level=level)


def _bounds(matrix: FloatArray, alpha: Alpha | NotApplicable) -> GuttmanBounds | NotApplicable:
    return alpha if isinstance(alpha, NotApplicable) else guttman_bounds(covariance_of(matrix)[0])


def _correlation(matrix: FloatArray) -> FloatArray | NotApplicable:
    kept = complete_rows(matrix)
    constant = int(np.sum(kept.std(axis=0) == 0)) if len(kept) else matrix.shape[1]
    if constant:
        return NotApplicable.because("constant_item", n=constant)
    return np.asarray(np.corrcoef(kept.T), dtype=np.float64)


def _omega(matrix: FloatArray) -> OneFactorOmega | NotApplicable:
    refusal = needs_more(QualityMethod.OMEGA, len(complete_rows(matrix)))
    if refusal is not None:
        return refusal
    correlation = _correlation(matrix)
    return correlation if isinstance(correlation, NotApplicable) else one_factor_omega(correlation)


def _ordered(matrix: FloatArray) -> tuple[float | NotApplicable, float | NotApplicable]:
    refusal = needs_more(QualityMethod.POLYCHORIC, len(complete_rows(matrix)))
    if refusal is not None:
        return refusal, refusal
    poly = polychoric_correlation(matrix)
    if not isinstance(poly, Polychoric):
        return poly, poly
    fit = one_factor_omega(poly.correlation)
    if isinstance(fit, NotApplicable):
        return ordinal_alpha(poly.correlation), fit
    observed = categorical_omega(fit.loadings, poly.thresholds, poly.correlation)
    return ordinal_alpha(poly.correlation), observed


def _retest(
    total: FloatArray, retest: ArrayLike | None, level: float
) -> IntraclassCorrelation | NotApplicable | None:
    if retest is None:
        return None
    both = np.column_stack([total, np.asarray(retest, dtype=np.float64)])
    refusal = needs_more(QualityMethod.RETEST, len(complete_rows(both)))
    if refusal is not None:
        return refusal
    found, ends = intraclass_correlation(both, level=level), agreement_interval(both, level=level)
    if isinstance(found, NotApplicable) or isinstance(ends, NotApplicable):
        return found
    return replace(found, conf_low=ends[0], conf_high=ends[1])


def structure_of(matrix: FloatArray, names: tuple[str, ...], rng: np.random.Generator) -> Structure:
    """Compute how many things are measured, and the models that the sample can bear."""
    n = len(complete_rows(matrix))
    parallel = _counted(matrix, n, rng)
    kept = 1
    if isinstance(parallel, ParallelAnalysis):
        kept = min(parallel.n_dimensions, _most_factors(len(names)))
    if not kept:  # one factor fits noise well: nothing is fitted to it, and nothing praised
        return _undescribed(parallel)
    fit, placed = _item_response(matrix, n), _placed_items(matrix, n)
    without = Structure(
        adequacy=_NOTHING, sphericity=_NOTHING, parallel=parallel, components_by_map=_NOTHING,
        factors=_NOTHING, confirmatory=_one_factor(matrix, names, n), item_response=fit,
        trait_reliability=fit if isinstance(fit, NotApplicable) else marginal_reliability(fit),
        conditional=placed,
        item_fit=placed if isinstance(placed, NotApplicable) else item_fit(placed),
        same_places=placed if isinstance(placed, NotApplicable) else andersen_test(placed),
        limited=fit if isinstance(fit, NotApplicable) else limited_fit(fit),
    )  # fmt: skip
    found = _explored(matrix, n)
    if isinstance(found, NotApplicable):
        return replace(
            without, adequacy=found, sphericity=found, components_by_map=found, factors=found
        )
    return replace(
        without, adequacy=sampling_adequacy(found), sphericity=sphericity_test(found, n=n),
        components_by_map=int(minimum_average_partial(found).argmin()) + 1,
        factors=exploratory_factors(found, n=n, n_factors=kept),
    )  # fmt: skip


def _undescribed(parallel: ParallelAnalysis | NotApplicable) -> Structure:
    return Structure(
        adequacy=_NOTHING, sphericity=_NOTHING, parallel=parallel, components_by_map=_NOTHING,
        factors=_NOTHING, confirmatory=_NOTHING, item_response=_NOTHING,
        trait_reliability=_NOTHING, conditional=_NOTHING, item_fit=_NOTHING, same_places=_NOTHING,
        limited=_NOTHING,
    )  # fmt: skip


def _placed_items(matrix: FloatArray, n: int) -> ConditionalRasch | NotApplicable:
    """Place the items given the totals, which a small sample bears: no law of the trait enters."""
    answers = most_answers(matrix)
    if answers > MOST_ORDINAL:
        return NotApplicable.because("too_many_categories", n=answers, allowed=MOST_ORDINAL)
    method = QualityMethod.ITEM_FIT if answers == 2 else QualityMethod.PARTIAL_CREDIT
    return needs_more(method, n) or conditional_rasch(matrix)


def _counted(
    matrix: FloatArray, n: int, rng: np.random.Generator
) -> ParallelAnalysis | NotApplicable:
    """Count the dimensions that rise above those of noise of the same size: none is an answer."""
    refusal = needs_more(QualityMethod.DIMENSION_COUNT, n) or _too_short(matrix)
    if refusal is not None:
        return refusal
    correlation = _correlation(matrix)
    if isinstance(correlation, NotApplicable):
        return correlation
    return parallel_analysis(correlation, n=n, rng=rng)


def _explored(matrix: FloatArray, n: int) -> FloatArray | NotApplicable:
    refusal = needs_more(QualityMethod.FACTOR_ANALYSIS, n) or _too_short(matrix)
    return refusal or _correlation(matrix)


def _too_short(matrix: FloatArray) -> NotApplicable | None:
    k = matrix.shape[1]
    return NotApplicable.because("too_few_items", n=k, advised=4) if k < 4 else None


def _most_factors(p: int) -> int:
    """Return the most factors that p items leave degrees of freedom for."""
    return max(1, math.floor((2 * p + 1 - math.sqrt(8 * p + 1)) / 2))


def hierarchical_of(matrix: FloatArray, structure: Structure) -> Omega | NotApplicable:
    """Compute the general factor's share when more than one factor was kept."""
    factors = structure.factors
    if isinstance(factors, NotApplicable):
        return factors
    groups = factors.loadings.shape[1]
    if groups < 2:
        return NotApplicable.because("quality_one_dimension")
    correlation = _correlation(matrix)
    if isinstance(correlation, NotApplicable):
        return correlation
    return hierarchical_omega(correlation, groups, turn_over=False)


def _one_factor(
    matrix: FloatArray, names: tuple[str, ...], n: int
) -> CfaFit | OrdinalCfaFit | NotApplicable:
    refusal = needs_more(QualityMethod.CONFIRMATORY, n)
    if refusal is not None:
        return refusal
    if matrix.shape[1] < 4:  # three items always fit
        return NotApplicable.because("too_few_items", n=matrix.shape[1], advised=4)
    factors = {"scale": list(names)}
    if most_answers(matrix) <= MOST_ORDINAL:
        kept = complete_rows(matrix)
        categories = [len(np.unique(column)) for column in kept.T]
        if min(categories) < 2:
            return NotApplicable.because("constant_item", n=sum(c < 2 for c in categories))
        found = ordinal_factors(matrix, measurement_model(factors, categories=categories))
        if not isinstance(found, NotApplicable):
            return found
    return confirmatory_factors(matrix, measurement_model(factors), estimator=CfaEstimator.MLR)


def _item_response(matrix: FloatArray, n: int) -> IrtFit | NotApplicable:
    answers = most_answers(matrix)
    if answers > 2 * MOST_ORDINAL:
        return NotApplicable.because("too_many_categories", n=answers, allowed=2 * MOST_ORDINAL)
    if needs_more(QualityMethod.ITEM_RESPONSE, n) is None:
        model = IrtModel.TWO_PARAMETER if answers == 2 else IrtModel.GRADED
    else:
        refusal = needs_more(QualityMethod.PARTIAL_CREDIT, n)
        if refusal is not None:
            return refusal
        model = IrtModel.RASCH if answers == 2 else IrtModel.PARTIAL_CREDIT
    return item_response(matrix, model=model, errors=IrtErrors.CROSS_PRODUCT)
