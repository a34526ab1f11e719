"""Confirmatory factor analysis of ordered items by (diagonally weighted) least squares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.cfa_data import split_groups
from impact_eval.stats.scales.cfa_fit import least_squares_objective, start_values
from impact_eval.stats.scales.cfa_indices import (
    ComparativeFit,
    ResidualFit,
    ResidualTerms,
    RobustFit,
    comparative_fit,
    residual_fit,
    robust_fit,
)
from impact_eval.stats.scales.cfa_model import CfaModel, Matrix
from impact_eval.stats.scales.cfa_moments import ModelMoments, normal_weight
from impact_eval.stats.scales.cfa_robust import ResidualTraces, block_diagonal, residual_traces
from impact_eval.stats.scales.ordinal_moments import OrdinalMoments, ordinal_moments
from impact_eval.stats.scales.scoring_steps import Optimum, minimise, singular

FloatArray = NDArray[np.float64]


class OrdinalEstimator(StrEnum):
    """Weights of the moments: inverse variances (`DWLS`, also called WLSMV), or one (`ULS`)."""

    DWLS = "dwls"
    ULS = "uls"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdinalCfaFit:
    """A fitted model of ordered items.

    Attributes
    ----------
    model : CfaModel
    estimator : OrdinalEstimator
    theta, std_error : (k,) arrays
        Robust standard errors.
    covariance : (k, k) array
    n : tuple of int
    comparative : ComparativeFit
        From the unscaled statistic, which is not chi-squared: for comparison with other software.
    scaled : ComparativeFit
        From the scaled and shifted statistic: the one to read.
    scaling, shift : float
        ``T_scaled = T / scaling + shift``.
    robust : RobustFit or None
        Population CFI, TLI, RMSEA on the polychoric correlations; None when they are not
        positive definite.
    residual : ResidualFit
    wrmr : float
        Weighted root mean square residual.
    traces : ResidualTraces
    jacobian : (q, k) array
        Of the moments of all groups in the parameters.
    moments : tuple of OrdinalMoments
    iterations : int
    improper : int
    """

    model: CfaModel
    estimator: OrdinalEstimator
    theta: FloatArray
    std_error: FloatArray
    covariance: FloatArray
    n: tuple[int, ...]
    comparative: ComparativeFit
    scaled: ComparativeFit
    scaling: float
    shift: float
    robust: RobustFit | None
    residual: ResidualFit
    wrmr: float
    traces: ResidualTraces
    jacobian: FloatArray
    moments: tuple[OrdinalMoments, ...]
    iterations: int
    improper: int


def ordinal_factors(
    responses: ArrayLike,
    model: CfaModel,
    *,
    groups: ArrayLike | None = None,
    estimator: OrdinalEstimator = OrdinalEstimator.DWLS,
) -> OrdinalCfaFit | NotApplicable:
    r"""Fit a factor model to thresholds and polychoric correlations.

    .. math:: F = (s - \sigma(\theta))' W (s - \sigma(\theta)), \quad W = diag(\Gamma)^{-1}

    Parameters
    ----------
    responses : (n, p) array
        Complete rows are used.
    model : CfaModel
        Built with `categories`.
    groups : (n,) array, optional
    estimator : OrdinalEstimator

    Returns
    -------
    OrdinalCfaFit or NotApplicable
        `cfa_groups_differ`, `cfa_not_identified`, `ordinal_empty_category` (a group without one of
        the answers), `no_convergence`, and those of `ordinal_moments`.

    Assumptions
    -----------
    Each answer cuts a normal latent response; rows are complete at random.

    References
    ----------
    Muthén, B. (1984). doi:10.1007/BF02294210; Asparouhov, T. and Muthén, B. (2010). Simple second
    order chi-square correction; Savalei, V. (2021). doi:10.1080/10705511.2020.1832834

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.scales.cfa_model import measurement_model
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=(500, 1)) + rng.normal(size=(500, 4))
    >>> model = measurement_model({"f": list("abcd")}, categories=[3] * 4)
    >>> fit = ordinal_factors(np.digitize(y, [-1, 1]), model)
    >>> fit.scaled.df, fit.scaled.p_value > 0.001
    (2, True)
    """
    parts = [part[~np.isnan(part).any(axis=1)] for part in split_groups(responses, groups)]
    if len(parts) != model.n_groups:
        return NotApplicable.because("cfa_groups_differ", n=len(parts), expected=model.n_groups)
    sample: list[OrdinalMoments] = []
    for number, part in enumerate(parts):
        found = ordinal_moments(part)
        if isinstance(found, NotApplicable):
            return found
        if found.n_thresholds != len(model.select(Matrix.THRESHOLD, number)):
            return NotApplicable.because("ordinal_empty_category", group=number + 1)
        sample.append(found)
    # The counting rule: necessary only, hence the rank of the information below.
    if model.n_free > sum(len(m.vector) for m in sample):
        return NotApplicable.because(
            "cfa_not_identified", n=model.n_free, known=sum(len(m.vector) for m in sample)
        )
    compiled = ModelMoments(model)
    start = start_values(
        model, [np.zeros(compiled.p)] * len(sample), [m.correlation for m in sample],
        [m.thresholds for m in sample],
    )  # fmt: skip
    weights = [moment_weight(m, estimator) for m in sample]
    # F = sum (n_g - 1)/2 (s_g - sigma_g)'W_g(s_g - sigma_g): n_g - 1, not n_g, as in lavaan, so
    # that chi-squares compare.
    objective = least_squares_objective(
        compiled, [m.vector for m in sample],
        [(m.n - 1) * w for m, w in zip(sample, weights, strict=True)],
    )  # fmt: skip
    best = minimise(objective, start)
    if singular(best.information):
        return NotApplicable.because("cfa_not_identified", n=model.n_free, known=model.n_free)
    if not best.converged:
        return NotApplicable.because("no_convergence")
    return _judged(compiled, tuple(sample), best, estimator)


def moment_weight(moments: OrdinalMoments, estimator: OrdinalEstimator) -> FloatArray:
    """Return the weight matrix of one group's moments."""
    if estimator is OrdinalEstimator.ULS:
        return np.eye(len(moments.vector))
    return np.diag(1 / np.diag(moments.gamma))


@dataclass(frozen=True, slots=True)
class _MomentParts:
    jacobian: FloatArray
    weight: FloatArray
    gamma: FloatArray
    implied: list[FloatArray]


def _moment_parts(
    compiled: ModelMoments,
    sample: Sequence[OrdinalMoments],
    theta: FloatArray,
    estimator: OrdinalEstimator,
) -> _MomentParts:
    groups = range(len(sample))
    return _MomentParts(
        np.vstack([compiled.jacobian(theta, g) for g in groups]),
        block_diagonal([(m.n - 1) * moment_weight(m, estimator) for m in sample]),
        block_diagonal([m.gamma / (m.n - 1) for m in sample]),
        [compiled.group(theta, g).vector for g in groups],
    )


def scaled_and_shifted(
    chi_square: float, df: int, traces: ResidualTraces
) -> tuple[float, float, float]:
    """Return the statistic of the right mean and variance, its scaling and its shift."""
    if df == 0:
        return chi_square, 1.0, 0.0
    slope = math.sqrt(df / traces.second)
    shift = df - slope * traces.first
    return slope * chi_square + shift, 1 / slope, shift


def _judged(
    compiled: ModelMoments,
    sample: tuple[OrdinalMoments, ...],
    best: Optimum,
    estimator: OrdinalEstimator,
) -> OrdinalCfaFit:
    model, theta = compiled.model, best.theta
    parts = _moment_parts(compiled, sample, theta, estimator)
    traces = residual_traces(parts.jacobian, parts.weight, parts.gamma)
    observed = np.concatenate([m.vector for m in sample])
    df = len(observed) - model.n_free
    chi = 2 * best.value
    # The baseline keeps thresholds free and sets correlations to zero: what it misses is the
    # correlations observed.
    base_jacobian, base_df = _independence(sample)
    base_gap = observed * (base_jacobian.sum(axis=1) == 0)
    base_chi = float(base_gap @ parts.weight @ base_gap)
    base_traces = residual_traces(base_jacobian, parts.weight, parts.gamma)
    # Asparouhov and Muthén (2010): scaled and shifted to the mean and variance of a chi-squared.
    scaled_chi, scaling, shift = scaled_and_shifted(chi, df, traces)
    scaled_base = scaled_and_shifted(base_chi, base_df, base_traces)[0]
    groups = len(sample)
    n = sum(m.n for m in sample) - groups
    return OrdinalCfaFit(
        model=model, estimator=estimator, theta=theta, covariance=traces.covariance,
        std_error=np.sqrt(np.diag(traces.covariance)), n=tuple(m.n for m in sample),
        comparative=comparative_fit(
            chi, df, baseline_chi_square=base_chi, baseline_df=base_df, n=n, n_groups=groups
        ),
        scaled=comparative_fit(
            scaled_chi, df, baseline_chi_square=scaled_base, baseline_df=base_df, n=n,
            n_groups=groups,
        ),
        scaling=scaling, shift=shift,
        robust=_population_fit(compiled, sample, parts, (df, base_df), n),
        residual=_ordinal_residuals(sample, parts, estimator, df),
        wrmr=math.sqrt(chi / len(sample[0].vector)), traces=traces, jacobian=parts.jacobian,
        moments=sample,
        iterations=best.iterations, improper=_improper(compiled, theta),
    )  # fmt: skip


def _independence(sample: Sequence[OrdinalMoments]) -> tuple[FloatArray, int]:
    size = sum(len(m.vector) for m in sample)
    columns = []
    start = 0
    for m in sample:
        columns += list(range(start, start + m.n_thresholds))
        start += len(m.vector)
    return np.eye(size)[:, columns], size - len(columns)


def _population_fit(
    compiled: ModelMoments,
    sample: Sequence[OrdinalMoments],
    parts: _MomentParts,
    dfs: tuple[int, int],
    n: int,
) -> RobustFit | None:
    # The normal discrepancy of polychoric and implied correlations, at the least squares estimates,
    # less its own expectation.
    df, base_df = dfs
    if df == 0 or min(float(np.linalg.eigvalsh(m.correlation)[0]) for m in sample) < 1e-8:
        return None
    # Normal-theory discrepancy log|S| - log|R| + tr(S^-1 R) - p at the least-squares estimates:
    # indices of fit on the metric where their cut-offs were drawn (Savalei 2021).
    chi = base_chi = base_trace = 0.0
    places, blocks, start = [], [], 0
    strict = np.tril_indices(compiled.p, -1)
    rows, columns = np.tril_indices(compiled.p)
    for m, implied in zip(sample, parts.implied, strict=True):
        cut = m.n_thresholds
        sigma = np.eye(compiled.p)
        sigma[strict] = implied[cut:]
        sigma.T[strict] = implied[cut:]
        if np.linalg.eigvalsh(sigma)[0] < 1e-8:
            return None
        logs = [float(np.linalg.slogdet(c)[1]) for c in (sigma, m.correlation)]
        trace = float(np.sum(np.linalg.inv(sigma) * m.correlation))
        chi += m.n * (logs[0] - logs[1] + trace - compiled.p)
        base_chi -= m.n * logs[1]
        base_trace += float(np.trace(m.gamma[cut:, cut:]))
        pairs = np.flatnonzero(rows != columns)
        blocks.append((m.n - 1) * normal_weight(sigma, means=False)[np.ix_(pairs, pairs)])
        places += list(range(start + cut, start + len(m.vector)))
        start += len(m.vector)
    at = np.array(places)
    bread = np.linalg.pinv(parts.jacobian.T @ parts.weight @ parts.jacobian, hermitian=True)
    jacobian, weight = parts.jacobian[at], parts.weight[np.ix_(at, at)]
    # Trace of P'WP Gamma, P what is left of the moments once the parameters are fitted: the
    # expected discrepancy of a model that holds, whose excess is the misfit of the population.
    project = np.eye(len(at)) - jacobian @ bread @ jacobian.T @ weight
    product = project.T @ block_diagonal(blocks) @ project @ parts.gamma[np.ix_(at, at)]
    return robust_fit(
        (chi, df, float(np.trace(product)) / df), (base_chi, base_df, base_trace / base_df),
        n=n, n_groups=len(sample),
    )  # fmt: skip


def _ordinal_residuals(
    sample: Sequence[OrdinalMoments], parts: _MomentParts, estimator: OrdinalEstimator, df: int
) -> ResidualFit:
    # The standardised index reads correlations alone, the raw one thresholds too.
    terms = []
    for m, implied in zip(sample, parts.implied, strict=True):
        scale = np.where(np.arange(len(m.vector)) < m.n_thresholds, np.inf, 1.0)
        terms.append(ResidualTerms(m.vector, implied, moment_weight(m, estimator), scale, m.n))
    p = len(sample[0].thresholds)
    cells = p * (p + 1) // 2
    counted = (cells + sample[0].n_thresholds, cells)
    return residual_fit(terms, df=df, counted=counted)


def _improper(compiled: ModelMoments, theta: FloatArray) -> int:
    count = 0
    for group in range(compiled.model.n_groups):
        m = compiled.matrices(theta, group)
        common = m[Matrix.LOADING] @ m[Matrix.FACTOR_COVARIANCE] @ m[Matrix.LOADING].T
        scale = np.diag(m[Matrix.SCALE])
        if not compiled.model.theta:
            count += int(np.sum(np.diag(common) * scale**2 >= 1))
        count += int(np.linalg.eigvalsh(m[Matrix.FACTOR_COVARIANCE])[0] < 0)
    return count
