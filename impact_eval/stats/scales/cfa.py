"""Confirmatory factor analysis of continuous items: one call from answers to a judged model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.cfa_data import GroupData, group_data, split_groups
from impact_eval.stats.scales.cfa_evaluate import (
    CfaEstimator,
    Fitted,
    fitted_model,
    judge,
    moment_vector,
    parameter_covariance,
    unbiased,
    unit_weight,
)
from impact_eval.stats.scales.cfa_fit import least_squares_objective, normal_objective, start_values
from impact_eval.stats.scales.cfa_indices import (
    ComparativeFit,
    InformationCriteria,
    ResidualFit,
    RobustFit,
)
from impact_eval.stats.scales.cfa_model import CfaModel, Matrix
from impact_eval.stats.scales.cfa_moments import ModelMoments
from impact_eval.stats.scales.cfa_robust import FittedStructure
from impact_eval.stats.scales.scoring_steps import Optimum, minimise, singular

FloatArray = NDArray[np.float64]


class CfaMissing(StrEnum):
    """Complete rows, or full information (missing at random)."""

    LISTWISE = "listwise"
    FULL_INFORMATION = "full_information"


@dataclass(frozen=True, slots=True, kw_only=True)
class CfaFit:
    """A fitted confirmatory model.

    Attributes
    ----------
    model : CfaModel
    estimator : StrEnum
    theta, std_error : (k,) arrays
        Parameters in the order of the cells' `free` numbers.
    covariance : (k, k) array
    n : tuple of int
        Persons of each group.
    comparative : ComparativeFit
    residual : ResidualFit
    criteria : InformationCriteria or None
    scaling : float
        Scaling factor of the robust statistic (1 when there is none).
    baseline_scaling : float
    scaled : ComparativeFit or None
        From the robust statistics.
    robust : RobustFit or None
    structures : tuple of FittedStructure
        Implied moments of each group and their Jacobian.
    data : tuple of GroupData
    iterations : int
    converged : bool
    improper : int
        Negative variances or correlations beyond one: the solution is not admissible.
    """

    model: CfaModel
    estimator: StrEnum
    theta: FloatArray
    std_error: FloatArray
    covariance: FloatArray
    n: tuple[int, ...]
    comparative: ComparativeFit
    residual: ResidualFit
    criteria: InformationCriteria | None
    scaling: float
    baseline_scaling: float
    scaled: ComparativeFit | None
    robust: RobustFit | None
    structures: tuple[FittedStructure, ...]
    data: tuple[GroupData, ...]
    iterations: int
    converged: bool
    improper: int


def confirmatory_factors(
    responses: ArrayLike,
    model: CfaModel,
    *,
    groups: ArrayLike | None = None,
    estimator: CfaEstimator = CfaEstimator.ML,
    missing: CfaMissing = CfaMissing.LISTWISE,
) -> CfaFit | NotApplicable:
    r"""Fit a confirmatory factor model to continuous items.

    Maximum likelihood minimises :math:`\log|\Sigma| + tr(S\Sigma^{-1}) - \log|S| - p`, S divided by
    N; the statistic is N times it.

    Parameters
    ----------
    responses : (n, p) array
        Columns in the order of ``model.items``, NaN where unanswered.
    model : CfaModel
    groups : (n,) array, optional
        Labels; as many as ``model.n_groups``, in the order in which they first appear.
    estimator : CfaEstimator
    missing : CfaMissing
        Full information needs a model with means.

    Returns
    -------
    CfaFit or NotApplicable
        `cfa_groups_differ` (labels and model), `cfa_not_identified` (more parameters than
        moments, or a singular information), `cfa_needs_means`, `cfa_needs_complete`,
        `too_few_persons` (fewer persons than items in a group), `matrix_not_positive` (constant or
        repeated items), `no_convergence`.

    Assumptions
    -----------
    Linear relations; normal answers (ML), any distribution with four moments (MLR, MLM); answers
    missing at random (full information).

    References
    ----------
    Jöreskog, K. G. (1969). doi:10.1007/BF02289343; Yuan, K.-H. and Bentler, P. M. (2000).
    doi:10.1111/0081-1750.00078

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.scales.cfa_model import measurement_model
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 1)) + rng.normal(size=(400, 4))
    >>> fit = confirmatory_factors(x, measurement_model({"f": ["a", "b", "c", "d"]}))
    >>> fit.comparative.df, fit.comparative.cfi > 0.98
    (2, True)
    """
    parts = split_groups(responses, groups)
    full = missing is CfaMissing.FULL_INFORMATION
    refusal = _refuse_model(parts, model, estimator, full=full)
    if refusal is not None:
        return refusal
    if not full:
        parts = tuple(part[~np.isnan(part).any(axis=1)] for part in parts)
    few = min(len(part) for part in parts)
    if few <= len(model.items):
        return NotApplicable.because("too_few_persons", n=few, advised=len(model.items) + 1)
    data = tuple(group_data(part) for part in parts)
    if any(_degenerate(d.covariance) for d in data):
        return NotApplicable.because("matrix_not_positive")
    moments = ModelMoments(model)
    start = start_values(model, [d.mean for d in data], [d.covariance for d in data])
    best = _optimum(moments, data, start, estimator)
    if not best.converged:
        return NotApplicable.because("no_convergence")
    if singular(best.information):
        return NotApplicable.because("cfa_not_identified", n=model.n_free, known=model.n_free)
    return _cfa_result(fitted_model(moments, data, best, estimator))


def _refuse_model(
    parts: Sequence[FloatArray], model: CfaModel, estimator: CfaEstimator, *, full: bool
) -> NotApplicable | None:
    if len(parts) != model.n_groups:
        return NotApplicable.because("cfa_groups_differ", n=len(parts), expected=model.n_groups)
    p = len(model.items)
    known = model.n_groups * (p * (p + 1) // 2 + (p if model.means else 0))
    if model.n_free > known:
        return NotApplicable.because("cfa_not_identified", n=model.n_free, known=known)
    if full and not model.means:
        return NotApplicable.because("cfa_needs_means")
    if full and estimator in (CfaEstimator.MLM, CfaEstimator.ULS):
        return NotApplicable.because("cfa_needs_complete", estimator=estimator.value)
    return None


def _degenerate(covariance: FloatArray) -> bool:
    own = np.diag(covariance)
    if not own.min() > 0:
        return True
    scale = np.sqrt(own)
    return bool(np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0] < 1e-9)


def _optimum(
    moments: ModelMoments, data: Sequence[GroupData], start: FloatArray, estimator: CfaEstimator
) -> Optimum:
    if estimator is not CfaEstimator.ULS:
        return minimise(normal_objective(moments, data), start)
    means = moments.model.means
    targets = [moment_vector(d.mean, unbiased(d), means=means) for d in data]
    weights = [(d.n - 1) * unit_weight(moments.p, means=means) for d in data]
    return minimise(least_squares_objective(moments, targets, weights), start)


def _cfa_result(fit: Fitted) -> CfaFit:
    verdict = judge(fit)
    covariance = parameter_covariance(fit)
    return CfaFit(
        model=fit.moments.model, estimator=fit.estimator, theta=fit.best.theta,
        std_error=np.sqrt(np.maximum(np.diag(covariance), 0.0)), covariance=covariance,
        n=tuple(d.n for d in fit.data), comparative=verdict.comparative,
        residual=verdict.residual, criteria=verdict.criteria, scaling=verdict.scaling,
        baseline_scaling=verdict.baseline_scaling, scaled=verdict.scaled, robust=verdict.robust,
        structures=fit.structures, data=fit.data, iterations=fit.best.iterations,
        converged=fit.best.converged, improper=improper_parts(fit.moments, fit.best.theta),
    )  # fmt: skip


def improper_parts(moments: ModelMoments, theta: FloatArray) -> int:
    """Return the number of negative residual variances and indefinite factor covariances."""
    count = 0
    for group in range(moments.model.n_groups):
        matrices = moments.matrices(theta, group)
        count += int(np.sum(np.diag(matrices[Matrix.RESIDUAL]) < 0))
        count += int(np.linalg.eigvalsh(matrices[Matrix.FACTOR_COVARIANCE])[0] < 0)
    return count
