"""Judging a fitted normal model: statistics, errors, scalings, residuals, criteria."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.scales.cfa_data import GroupData
from impact_eval.stats.scales.cfa_fit import moment_places, normal_objective
from impact_eval.stats.scales.cfa_indices import (
    ComparativeFit,
    InformationCriteria,
    ResidualFit,
    ResidualTerms,
    RobustFit,
    comparative_fit,
    information_criteria,
    residual_fit,
    robust_fit,
)
from impact_eval.stats.scales.cfa_moments import GroupMoments, ModelMoments, normal_weight
from impact_eval.stats.scales.cfa_robust import (
    FittedStructure,
    ResidualTraces,
    block_diagonal,
    cross_products,
    missing_trace,
    moment_covariance,
    moment_information,
    observed_information,
    residual_traces,
    sandwich,
    saturated_trace,
)
from impact_eval.stats.scales.scoring_steps import Optimum

FloatArray = NDArray[np.float64]


class CfaEstimator(StrEnum):
    """How the model is fitted and its errors made.

    `ML` normal theory; `MLR` robust errors and Yuan-Bentler's statistic; `MLM` Satorra-Bentler's
    (complete answers only); `ULS` unweighted least squares with robust errors.
    """

    ML = "ml"
    MLR = "mlr"
    MLM = "mlm"
    ULS = "uls"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model at its optimum, and the independence model beside it.

    Attributes
    ----------
    moments : ModelMoments
    data : tuple of GroupData
    best : Optimum
    estimator : CfaEstimator
    structures, baseline : tuple of FittedStructure
    """

    moments: ModelMoments
    data: tuple[GroupData, ...]
    best: Optimum
    estimator: CfaEstimator
    structures: tuple[FittedStructure, ...]
    baseline: tuple[FittedStructure, ...]

    @property
    def means(self) -> bool:
        """Whether means are modelled."""
        return self.moments.model.means

    @property
    def complete(self) -> bool:
        """Whether all answers are there."""
        return all(d.complete for d in self.data)

    @property
    def n(self) -> int:
        """Persons."""
        return sum(d.n for d in self.data)

    @property
    def df(self) -> int:
        """Moments less free parameters."""
        return sum(len(s.moments.vector) for s in self.structures) - self.moments.model.n_free

    @property
    def baseline_df(self) -> int:
        """Moments less the independence model's parameters."""
        return sum(s.jacobian.shape[0] - s.jacobian.shape[1] for s in self.baseline)


def fitted_model(
    moments: ModelMoments, data: tuple[GroupData, ...], best: Optimum, estimator: CfaEstimator
) -> Fitted:
    """Put a fit beside its independence model."""
    groups = range(len(data))
    structures = tuple(
        FittedStructure(moments.group(best.theta, g), moments.jacobian(best.theta, g))
        for g in groups
    )
    baseline = tuple(independence(d, means=moments.model.means) for d in data)
    return Fitted(moments, data, best, estimator, structures, baseline)


def moment_vector(mean: FloatArray, covariance: FloatArray, *, means: bool) -> FloatArray:
    """Return means (when modelled) then the lower triangle of the covariance."""
    lower = covariance[np.tril_indices(len(covariance))]
    return np.concatenate([mean, lower]) if means else lower


def unit_weight(p: int, *, means: bool) -> FloatArray:
    """Return the weight of unweighted least squares: each cell of the matrix counts once."""
    rows, columns = np.tril_indices(p)
    own = np.where(rows == columns, 0.5, 1.0)
    return np.diag(np.concatenate([np.ones(p), own]) if means else own)


def unbiased(data: GroupData) -> FloatArray:
    """Return the covariance divided by n - 1, which least squares compares."""
    return data.covariance * (data.n / (data.n - 1))


def independence(data: GroupData, *, means: bool) -> FittedStructure:
    """Return the model of uncorrelated items, fitted in closed form."""
    p = data.rows.shape[1]
    mean, variance = np.nanmean(data.rows, axis=0), np.nanvar(data.rows, axis=0)
    rows, columns = np.tril_indices(p)
    own = np.zeros((len(rows), p))
    own[rows == columns] = np.eye(p)
    jacobian = own
    if means:
        jacobian = np.zeros((p + len(rows), 2 * p))
        jacobian[:p, :p], jacobian[p:, p:] = np.eye(p), own
    covariance = np.diag(variance)
    vector = moment_vector(mean, covariance, means=means)
    return FittedStructure(GroupMoments(mean, covariance, vector), jacobian)


def _group_deviance(data: GroupData, moments: GroupMoments, *, means: bool) -> float:
    """Return minus twice the log-likelihood of a group, without the constant."""
    total = 0.0
    for pattern in data.patterns:
        sigma = moments.covariance[np.ix_(pattern.seen, pattern.seen)]
        gap = pattern.mean - moments.mean[pattern.seen] if means else np.zeros(len(pattern.seen))
        spread = pattern.covariance + np.outer(gap, gap)
        log_det = float(np.linalg.slogdet(sigma)[1])
        total += pattern.n * (log_det + float(np.sum(np.linalg.inv(sigma) * spread)))
    return total


def statistics(fit: Fitted) -> tuple[float, float]:
    """Return the chi-squared statistics of the model and of independence."""
    if fit.estimator is CfaEstimator.ULS:
        weight = unit_weight(fit.moments.p, means=fit.means)
        base = 0.0
        for d, b in zip(fit.data, fit.baseline, strict=True):
            gap = moment_vector(d.mean, unbiased(d), means=fit.means)
            own = np.diag(np.diag(unbiased(d)))
            gap = gap - moment_vector(b.moments.mean, own, means=fit.means)
            base += (d.n - 1) * float(gap @ weight @ gap)
        return 2 * fit.best.value, base
    means = fit.means
    saturated = independent = 0.0
    for d, b in zip(fit.data, fit.baseline, strict=True):
        saturated += _group_deviance(
            d, GroupMoments(d.mean, d.covariance, np.empty(0)), means=means
        )
        independent += _group_deviance(d, b.moments, means=means)
    return max(2 * fit.best.value - saturated, 0.0), independent - saturated


def parameter_covariance(fit: Fitted) -> FloatArray:
    """Return the covariance of the parameters that the estimator calls for."""
    if fit.estimator in (CfaEstimator.MLM, CfaEstimator.ULS):
        return _traces(fit, fit.structures).covariance
    if fit.estimator is CfaEstimator.ML and fit.complete:
        return np.asarray(np.linalg.inv(fit.best.information), dtype=np.float64)
    objective = normal_objective(fit.moments, fit.data)
    bread = np.asarray(np.linalg.inv(observed_information(objective, fit.best.theta)), np.float64)
    if fit.estimator is CfaEstimator.ML:
        return bread
    return sandwich(bread, cross_products(fit.data, fit.structures, means=fit.means))


def _traces(fit: Fitted, structures: Sequence[FittedStructure]) -> ResidualTraces:
    uls = fit.estimator is CfaEstimator.ULS
    weights, gammas = [], []
    for d, s in zip(fit.data, structures, strict=True):
        unit = unit_weight(fit.moments.p, means=fit.means)
        normal = normal_weight(s.moments.covariance, means=fit.means)
        weights.append((d.n - 1) * unit if uls else d.n * normal)
        gammas.append(moment_covariance(d, means=fit.means) / d.n)
    jacobian = block_rows([s.jacobian for s in structures], stacked=structures is fit.structures)
    return residual_traces(jacobian, block_diagonal(weights), block_diagonal(gammas))


def block_rows(parts: Sequence[FloatArray], *, stacked: bool) -> FloatArray:
    """Stack Jacobians: of shared parameters one above the other, else along a diagonal."""
    if stacked:
        return np.vstack(parts)
    out = np.zeros((sum(len(p) for p in parts), sum(p.shape[1] for p in parts)))
    row = column = 0
    for part in parts:
        out[row : row + len(part), column : column + part.shape[1]] = part
        row, column = row + len(part), column + part.shape[1]
    return out


def scalings(fit: Fitted) -> tuple[float, float]:
    """Return the scaling factors of the model's and the independence model's statistics."""
    if fit.df == 0 or fit.estimator in (CfaEstimator.ML, CfaEstimator.ULS):
        return 1.0, 1.0
    if fit.estimator is CfaEstimator.MLM:
        own = _traces(fit, fit.structures).first / fit.df
        return own, _traces(fit, fit.baseline).first / fit.baseline_df
    means = fit.means
    top = saturated_trace(fit.data, means=means)
    bread = observed_information(normal_objective(fit.moments, fit.data), fit.best.theta)
    meat = cross_products(fit.data, fit.structures, means=means)
    own = (top - float(np.trace(np.linalg.solve(bread, meat)))) / fit.df
    base = top
    for d, b in zip(fit.data, fit.baseline, strict=True):
        information = b.jacobian.T @ moment_information(d, b.moments, means=means) @ b.jacobian
        products = cross_products([d], [b], means=means)
        base -= float(np.trace(np.linalg.solve(information, products)))
    return own, base / fit.baseline_df


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that is said of the fit of a normal model."""

    comparative: ComparativeFit
    scaled: ComparativeFit | None
    robust: RobustFit | None
    residual: ResidualFit
    criteria: InformationCriteria | None
    scaling: float
    baseline_scaling: float


def judge(fit: Fitted) -> Judgement:
    """Compute every index of a fitted model."""
    chi, base_chi = statistics(fit)
    scaling, base_scaling = scalings(fit)
    uls = fit.estimator is CfaEstimator.ULS
    groups = len(fit.data)
    # least squares is fitted to unbiased covariances: one degree of freedom by group is spent
    n = fit.n - groups if uls else fit.n
    comparative = comparative_fit(
        chi, fit.df, baseline_chi_square=base_chi, baseline_df=fit.baseline_df, n=n,
        n_groups=groups,
    )  # fmt: skip
    scaled = robust = None
    if fit.estimator in (CfaEstimator.MLR, CfaEstimator.MLM):
        scaled = comparative_fit(
            chi / scaling, fit.df, baseline_chi_square=base_chi / base_scaling,
            baseline_df=fit.baseline_df, n=n, n_groups=groups, scaling=scaling,
        )  # fmt: skip
        robust = robust_fit(
            (chi, fit.df, scaling), (base_chi, fit.baseline_df, base_scaling),
            n=n, n_groups=groups,
        )  # fmt: skip
    # with values missing the indices flatter a model: the complete-data misfit is judged instead
    if not fit.complete and fit.df > 0:
        robust = _robust_with_missing(fit)
    criteria = None if uls else _criteria(fit, chi)
    return Judgement(
        comparative, scaled, robust, _residual_indices(fit), criteria, scaling, base_scaling
    )


def _robust_with_missing(fit: Fitted) -> RobustFit:
    # The complete-data statistic at the full-information estimates, and its own mean.
    free = fit.estimator is CfaEstimator.MLR
    parts = []
    for structures, df, shared in (
        (fit.structures, fit.df, True), (fit.baseline, fit.baseline_df, False),
    ):  # fmt: skip
        chi = sum(
            d.n * _complete_discrepancy(d, s.moments)
            for d, s in zip(fit.data, structures, strict=True)
        )
        if shared:
            trace = missing_trace(fit.data, structures, any_distribution=free)
        else:
            trace = sum(
                missing_trace([d], [s], any_distribution=free)
                for d, s in zip(fit.data, structures, strict=True)
            )
        parts.append((chi, df, trace / df))
    return robust_fit(parts[0], parts[1], n=fit.n, n_groups=len(fit.data))


def _complete_discrepancy(data: GroupData, moments: GroupMoments) -> float:
    gap = data.mean - moments.mean
    spread = data.covariance + np.outer(gap, gap)
    logs = [float(np.linalg.slogdet(m)[1]) for m in (moments.covariance, data.covariance)]
    trace = float(np.sum(np.linalg.inv(moments.covariance) * spread))
    return logs[0] - logs[1] + trace - len(gap)


def _residual_indices(fit: Fitted) -> ResidualFit:
    uls = fit.estimator is CfaEstimator.ULS
    rows, columns = np.tril_indices(fit.moments.p)
    terms = []
    for d, s in zip(fit.data, fit.structures, strict=True):
        covariance = unbiased(d) if uls else d.covariance
        spread = np.sqrt(np.diag(covariance))
        scale = spread[rows] * spread[columns]
        observed = moment_vector(d.mean, covariance, means=fit.means)
        weight = np.eye(len(observed)) if uls else _pattern_weight(d, s, means=fit.means)
        if fit.means:
            scale = np.concatenate([spread, scale])
        terms.append(ResidualTerms(observed, s.moments.vector, weight, scale, d.n))
    return residual_fit(terms, df=fit.df)


def _pattern_weight(data: GroupData, structure: FittedStructure, *, means: bool) -> FloatArray:
    size = len(structure.moments.vector)
    weight = np.zeros((size, size))
    for pattern in data.patterns:
        place = moment_places(data.rows.shape[1], pattern.seen, means=means)
        sigma = structure.moments.covariance[np.ix_(pattern.seen, pattern.seen)]
        weight[np.ix_(place, place)] += pattern.n / data.n * normal_weight(sigma, means=means)
    return weight


def _criteria(fit: Fitted, chi_square: float) -> InformationCriteria:
    answers = sum(p.n * len(p.seen) for d in fit.data for p in d.patterns)
    log_likelihood = -fit.best.value - 0.5 * answers * math.log(2 * math.pi)
    return information_criteria(
        log_likelihood, log_likelihood + chi_square / 2, n_free=fit.moments.model.n_free, n=fit.n
    )
