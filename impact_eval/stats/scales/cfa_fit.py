r"""Fitting: scoring steps :math:`(\sum n J'WJ)^{-1} \sum n J'W(s - \sigma)` on any discrepancy.

Maximum likelihood updates W at each step, least squares keeps it; missing answers only mean one
term per pattern of answered items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.scales.cfa_data import GroupData, Pattern
from impact_eval.stats.scales.cfa_model import FIXED, CfaModel, Matrix
from impact_eval.stats.scales.cfa_moments import GroupMoments, ModelMoments, normal_weight, triangle
from impact_eval.stats.scales.scoring_steps import ScoringPoint

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_FAILED = 1e300


def moment_places(p: int, seen: IntArray, *, means: bool) -> IntArray:
    """Return the places, in a group's moment vector, of the moments of the answered items."""
    rows, columns = np.tril_indices(p)
    inside = np.zeros(p, dtype=bool)
    inside[seen] = True
    pairs = np.flatnonzero(inside[rows] & inside[columns])
    return np.concatenate([seen, p + pairs]) if means else pairs


def normal_objective(
    moments: ModelMoments, data: Sequence[GroupData]
) -> Callable[[FloatArray], ScoringPoint]:
    """Return half of minus twice the log-likelihood (constants left out) as an objective."""
    means = moments.model.means
    places = [
        [moment_places(moments.p, pattern.seen, means=means) for pattern in group.patterns]
        for group in data
    ]

    def objective(theta: FloatArray) -> ScoringPoint:
        value, k = 0.0, len(theta)
        score, information = np.zeros(k), np.zeros((k, k))
        for number, group in enumerate(data):
            implied, jacobian = moments.moved(theta, number)
            for pattern, place in zip(group.patterns, places[number], strict=True):
                found = pattern_terms(pattern, implied, means=means)
                if found is None:
                    return ScoringPoint(_FAILED, score, information)
                term, pull, weight = found
                part = jacobian if len(group.patterns) == 1 else jacobian[place]
                value += term
                score += part.T @ pull
                information += pattern.n * (part.T @ weight @ part)
        return ScoringPoint(value, score, information)

    return objective


def pattern_terms(
    pattern: Pattern, implied: GroupMoments, *, means: bool
) -> tuple[float, FloatArray, FloatArray] | None:
    """Return a pattern's deviance, its score in moment space, and the weight of its moments.

    None when the implied covariance is not positive definite.
    """
    seen = pattern.seen
    rows, columns, _ = triangle(len(seen))
    sigma = implied.covariance
    if len(seen) < len(sigma):
        sigma = sigma[np.ix_(seen, seen)]
    try:
        root = np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        return None
    inverse = np.linalg.inv(sigma).astype(np.float64)
    spread = pattern.covariance
    if means:
        gap = pattern.mean - implied.mean[seen]
        spread = spread + np.outer(gap, gap)
    weight = normal_weight(sigma, means=means, inverse=inverse)
    residual = (spread - sigma)[rows, columns]
    if means:
        residual = np.concatenate([gap, residual])
    log_det = 2 * float(np.log(np.diag(root)).sum())
    value = 0.5 * pattern.n * (log_det + float(np.sum(inverse * spread)))
    return value, pattern.n * (weight @ residual), weight


def least_squares_objective(
    moments: ModelMoments, targets: Sequence[FloatArray], weights: Sequence[FloatArray]
) -> Callable[[FloatArray], ScoringPoint]:
    """Return ``1/2 sum (s - sigma)' W (s - sigma)`` as an objective; `weights` hold n W."""

    def objective(theta: FloatArray) -> ScoringPoint:
        value, k = 0.0, len(theta)
        score, information = np.zeros(k), np.zeros((k, k))
        for number, (target, weight) in enumerate(zip(targets, weights, strict=True)):
            implied, jacobian = moments.moved(theta, number)
            gap = target - implied.vector
            if not np.isfinite(gap).all():
                return ScoringPoint(_FAILED, score, information)
            pull = weight @ gap
            value += 0.5 * float(gap @ pull)
            score += jacobian.T @ pull
            information += jacobian.T @ weight @ jacobian
        return ScoringPoint(value, score, information)

    return objective


def start_values(
    model: CfaModel,
    means: Sequence[FloatArray],
    covariances: Sequence[FloatArray],
    thresholds: Sequence[Sequence[FloatArray]] | None = None,
) -> FloatArray:
    """Return start values from the items' moments (correlations, for ordered items)."""
    theta = np.zeros(model.n_free)
    set_already = np.zeros(model.n_free, dtype=bool)
    markers = {
        (c.group, c.column): c.row
        for c in model.select(Matrix.LOADING)
        if c.free == FIXED and c.value != 0
    }
    for cell in model.cells:
        if cell.free == FIXED or set_already[cell.free]:
            continue
        theta[cell.free] = _start_value(cell.matrix, cell.row, cell.column, markers, cell.group,
                                  (means, covariances, thresholds))  # fmt: skip
        set_already[cell.free] = True
    return theta


def _start_value(
    matrix: Matrix,
    row: int,
    column: int,
    markers: dict[tuple[int, int], int],
    group: int,
    sample: tuple[
        Sequence[FloatArray], Sequence[FloatArray], Sequence[Sequence[FloatArray]] | None
    ],
) -> float:
    means, covariances, thresholds = sample
    s = covariances[group]
    if matrix is Matrix.LOADING:
        marker = markers.get((group, column))
        if marker is None:
            direction = np.sign(s[row].sum()) or 1.0
            return float(direction * np.sqrt(0.5 * s[row, row]))
        sign = np.sign(s[row, marker]) or 1.0
        return float(sign * np.sqrt(s[row, row] / s[marker, marker]))
    if matrix is Matrix.FACTOR_COVARIANCE:
        marker = markers.get((group, row))
        size = 1.0 if marker is None else 0.5 * s[marker, marker]
        return float(size) if row == column else 0.0
    if matrix is Matrix.RESIDUAL:
        return float(0.5 * s[row, row]) if row == column else 0.0
    if matrix is Matrix.INTERCEPT:
        return float(means[group][row])
    if matrix is Matrix.THRESHOLD and thresholds is not None:
        return float(thresholds[group][row][column])
    return 1.0 if matrix is Matrix.SCALE else 0.0
