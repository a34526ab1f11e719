r"""Robustness to non-normal answers: casewise scores, sandwich errors, scaling of statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.scales.cfa_data import GroupData, Pattern
from impact_eval.stats.scales.cfa_fit import moment_places
from impact_eval.stats.scales.cfa_moments import GroupMoments, normal_weight
from impact_eval.stats.scales.scoring_steps import ScoringPoint

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FittedStructure:
    """A fitted model in one group, whatever made it: implied moments and their Jacobian.

    Attributes
    ----------
    moments : GroupMoments
    jacobian : (q, k) array
    """

    moments: GroupMoments
    jacobian: FloatArray


def casewise_scores(data: GroupData, moments: GroupMoments, *, means: bool) -> FloatArray:
    """Return the (n, q) derivatives of each person's log-likelihood in the moments."""
    p = data.rows.shape[1]
    size = p * (p + 1) // 2 + (p if means else 0)
    out = np.zeros((data.n, size))
    seen = ~np.isnan(data.rows)
    for pattern in data.patterns:
        kind = np.zeros(p, dtype=bool)
        kind[pattern.seen] = True
        members = np.flatnonzero((seen == kind).all(axis=1))
        centre = moments.mean if means else data.mean
        gap = data.rows[np.ix_(members, pattern.seen)] - centre[pattern.seen]
        sigma = moments.covariance[np.ix_(pattern.seen, pattern.seen)]
        rows, columns = np.tril_indices(len(pattern.seen))
        residual = gap[:, rows] * gap[:, columns] - sigma[rows, columns]
        whole = np.hstack([gap, residual]) if means else residual
        place = moment_places(p, pattern.seen, means=means)
        out[np.ix_(members, place)] = whole @ normal_weight(sigma, means=means)
    return out


def moment_information(data: GroupData, moments: GroupMoments, *, means: bool) -> FloatArray:
    """Return the observed information of the group about its moments (n included)."""
    p = data.rows.shape[1]
    size = p * (p + 1) // 2 + (p if means else 0)
    out = np.zeros((size, size))
    for pattern in data.patterns:
        place = moment_places(p, pattern.seen, means=means)
        out[np.ix_(place, place)] += pattern.n * _pattern_information(pattern, moments, means=means)
    return out


def _pattern_information(pattern: Pattern, moments: GroupMoments, *, means: bool) -> FloatArray:
    seen = pattern.seen
    inverse = np.linalg.inv(moments.covariance[np.ix_(seen, seen)])
    gap = pattern.mean - moments.mean[seen] if means else np.zeros(len(seen))
    spread = pattern.covariance + np.outer(gap, gap)
    inner = 2 * inverse @ spread @ inverse - inverse
    rows, columns = np.tril_indices(len(seen))
    block = (
        inverse[np.ix_(rows, rows)] * inner[np.ix_(columns, columns)]
        + inverse[np.ix_(rows, columns)] * inner[np.ix_(columns, rows)]
        + inner[np.ix_(rows, rows)] * inverse[np.ix_(columns, columns)]
        + inner[np.ix_(rows, columns)] * inverse[np.ix_(columns, rows)]
    ) / 2
    factor = np.where(rows == columns, 0.5, 1.0)
    block = block * np.outer(factor, factor)
    if not means:
        return np.asarray(block, dtype=np.float64)
    pull = inverse @ gap
    cross = (inverse[:, rows] * pull[columns] + inverse[:, columns] * pull[rows]) * factor
    return np.asarray(np.block([[inverse, cross], [cross.T, block]]), dtype=np.float64)


def observed_information(
    objective: Callable[[FloatArray], ScoringPoint], theta: FloatArray
) -> FloatArray:
    """Return minus the derivative of the score, by central differences of the exact score."""
    k = len(theta)
    out = np.empty((k, k))
    for j in range(k):
        step = np.zeros(k)
        step[j] = 1e-4 * max(1.0, abs(theta[j]))
        ahead, behind = objective(theta + step).score, objective(theta - step).score
        out[j] = -(ahead - behind) / (2 * step[j])
    return (out + out.T) / 2


def sandwich(bread: FloatArray, meat: FloatArray) -> FloatArray:
    """Return bread meat bread, bread an inverse information."""
    return bread @ meat @ bread


def cross_products(
    data: Sequence[GroupData], structures: Sequence[FittedStructure], *, means: bool
) -> FloatArray:
    """Return the sum over persons of the outer products of their parameter scores."""
    total = None
    for group, structure in zip(data, structures, strict=True):
        scores = casewise_scores(group, structure.moments, means=means) @ structure.jacobian
        part = scores.T @ scores
        total = part if total is None else total + part
    return np.asarray(total, dtype=np.float64)


def saturated_trace(data: Sequence[GroupData], *, means: bool) -> float:
    """Return tr(B A^-1) of the saturated model, summed over groups (Yuan and Bentler 2000)."""
    pairs = [observed_saturated(group, means=means) for group in data]
    return sum(float(np.trace(np.linalg.solve(info, cross))) for info, cross in pairs)


def moment_covariance(data: GroupData, *, means: bool) -> FloatArray:
    """Return the (q, q) asymptotic covariance of complete-data sample moments (times n)."""
    gap = data.rows - data.mean
    rows, columns = np.tril_indices(data.rows.shape[1])
    products = gap[:, rows] * gap[:, columns]
    whole = (
        np.hstack([gap, products - products.mean(axis=0)])
        if means
        else (products - products.mean(axis=0))
    )
    return np.asarray(whole.T @ whole / data.n, dtype=np.float64)


def observed_saturated(data: GroupData, *, means: bool) -> tuple[FloatArray, FloatArray]:
    """Return the saturated model's observed information and cross-products, each by person."""
    moments = GroupMoments(data.mean, data.covariance, np.empty(0))
    scores = casewise_scores(data, moments, means=means)
    information = moment_information(data, moments, means=means)
    return information / data.n, np.asarray(scores.T @ scores / data.n, dtype=np.float64)


def missing_trace(
    data: Sequence[GroupData], structures: Sequence[FittedStructure], *, any_distribution: bool
) -> float:
    """Return the trace that corrects the complete-data statistic at full-information estimates.

    References
    ----------
    Zhang, X. and Savalei, V. (2022). doi:10.1037/met0000445
    """
    jacobian = np.vstack([s.jacobian for s in structures])
    pairs = [observed_saturated(d, means=True) for d in data]
    known = block_diagonal([d.n * info for d, (info, _) in zip(data, pairs, strict=True)])
    whole = block_diagonal([d.n * normal_weight(d.covariance, means=True) for d in data])
    inverse = np.linalg.inv(known)
    bread = np.linalg.pinv(jacobian.T @ known @ jacobian, hermitian=True)
    residual = known - known @ jacobian @ bread @ jacobian.T @ known
    if not any_distribution:
        return float(np.trace(whole @ inverse @ residual @ inverse))
    meat = block_diagonal([d.n * cross for d, (_, cross) in zip(data, pairs, strict=True)])
    half = residual @ inverse
    return float(np.trace(half @ whole @ half.T @ inverse @ meat @ inverse))


@dataclass(frozen=True, slots=True)
class ResidualTraces:
    """tr(U Gamma), tr((U Gamma)^2) and the sandwich covariance of the parameters."""

    first: float
    second: float
    covariance: FloatArray


def residual_traces(
    jacobian: FloatArray, weight: FloatArray, gamma: FloatArray, *, fitted: FloatArray | None = None
) -> ResidualTraces:
    r"""Compute the traces of :math:`U\Gamma`, :math:`U = W - W\Delta(\Delta'W\Delta)^{-1}\Delta'W`.

    Parameters
    ----------
    jacobian : (q, k) array
        All groups stacked.
    weight : (q, q) array
        Block-diagonal, group n included.
    gamma : (q, q) array
        Block-diagonal covariance of the sample moments (divided by group n).
    fitted : (q, q) array, optional
        Weight the parameters were fitted with, when it is not `weight`.

    References
    ----------
    Satorra, A. and Bentler, P. M. (1994), in Latent Variables Analysis, 399-419
    """
    used = weight if fitted is None else fitted
    bread = np.linalg.pinv(jacobian.T @ used @ jacobian, hermitian=True)
    project = np.eye(len(weight)) - jacobian @ bread @ jacobian.T @ used
    product = project.T @ weight @ project @ gamma
    half = bread @ jacobian.T @ used
    return ResidualTraces(
        float(np.trace(product)), float(np.sum(product * product.T)), half @ gamma @ half.T
    )


def block_diagonal(blocks: Sequence[FloatArray]) -> FloatArray:
    """Stack square blocks along a diagonal."""
    sizes = [len(block) for block in blocks]
    out = np.zeros((sum(sizes), sum(sizes)))
    start = 0
    for block, size in zip(blocks, sizes, strict=True):
        out[start : start + size, start : start + size] = block
        start += size
    return out
