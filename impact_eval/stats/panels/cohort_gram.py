r"""Per-cohort counts, means and Gram matrices of a wide panel: one mergeable pass.

Without covariates, on a balanced panel, every regression-type difference-in-differences gives a
unit the influence :math:`w_i(A_g y_i - c_g)`, the same A and c for all units of its cohort g. The
weighted mean and Gram matrix of each cohort are then all that estimates and unit-clustered standard
errors need, whatever the number of units; chunks of a file or sites merge exactly.

References
----------
Chan, T., Golub, G. and LeVeque, R. (1983). doi:10.1080/00031305.1983.10483115
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BLOCK = 8_192  # units whose rows stay in cache between the gather and the product


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortGram:
    r"""Sufficient statistics of a balanced panel, by cohort (G cohorts, T periods).

    Attributes
    ----------
    counts : (G,) array
        Units.
    weight, weight_sq : (G,) array
        :math:`\sum w_i` and :math:`\sum w_i^2`.
    mean : (G, T) array
        Weighted mean of the outcome.
    drift : (G, T) array
        :math:`\sum w_i^2 (y_i - \bar y_g)`: zero when weights are equal.
    gram : (G, T, T) array
        :math:`\sum w_i^2 (y_i-\bar y_g)(y_i-\bar y_g)'`.
    """

    counts: FloatArray
    weight: FloatArray
    weight_sq: FloatArray
    mean: FloatArray
    drift: FloatArray
    gram: FloatArray

    def merge(self, other: CohortGram) -> CohortGram:
        """Return the statistics of both sets of units together (same cohorts, same periods)."""
        weight = self.weight + other.weight
        share = np.divide(other.weight, weight, out=np.zeros_like(weight), where=weight > 0)
        mean = self.mean + share[:, None] * (other.mean - self.mean)
        left, right = _recentre(self, mean), _recentre(other, mean)
        return CohortGram(
            counts=self.counts + other.counts,
            weight=weight,
            weight_sq=self.weight_sq + other.weight_sq,
            mean=mean,
            drift=left[0] + right[0],
            gram=left[1] + right[1],
        )


def _recentre(part: CohortGram, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    step = part.mean - mean
    cross = part.drift[:, :, None] * step[:, None, :]
    square = part.weight_sq[:, None, None] * step[:, :, None] * step[:, None, :]
    drift = part.drift + part.weight_sq[:, None] * step
    return drift, part.gram + cross + cross.transpose(0, 2, 1) + square


def cohort_gram(
    y: FloatArray, codes: IntArray, n_cohorts: int, *, weights: FloatArray | None = None
) -> CohortGram:
    """Compute the statistics of each cohort in one pass over a balanced wide panel.

    Parameters
    ----------
    y : (N, T) array
        Finite outcomes.
    codes : (N,) array of int
        Cohort of each unit, in 0..n_cohorts-1.
    n_cohorts : int
    weights : (N,) array, optional
        Not negative.

    Returns
    -------
    CohortGram

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([[1.0, 2.0], [3.0, 6.0], [0.0, 1.0]])
    >>> cohort_gram(y, np.array([0, 0, 1]), 2).mean.tolist()
    [[2.0, 4.0], [0.0, 1.0]]
    """
    periods = y.shape[1]
    shift = y[: min(len(y), BLOCK)].mean(axis=0)  # near the means: no cancellation in the squares
    order = _grouped(codes, n_cohorts)
    counts = np.bincount(codes, minlength=n_cohorts).astype(np.float64)
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    weight, weight_sq = counts.copy(), counts.copy()
    total = np.zeros((n_cohorts, periods))
    total_sq = total if weights is None else np.zeros_like(total)
    gram = np.zeros((n_cohorts, periods, periods))
    for g in range(n_cohorts):
        for start in range(bounds[g], bounds[g + 1], BLOCK):
            rows = order[start : min(start + BLOCK, bounds[g + 1])]
            block = y[rows] - shift
            if weights is not None:
                w = weights[rows]
                total[g] += w @ block
                block *= w[:, None]
                total_sq[g] += w @ block
            else:
                total[g] += block.sum(axis=0)
            gram[g] += block.T @ block
    if weights is not None:
        weight = _totals(weights, codes, n_cohorts)
        weight_sq = _totals(weights**2, codes, n_cohorts)
    step = np.divide(total, weight[:, None], out=np.zeros_like(total), where=weight[:, None] > 0)
    shifted = CohortGram(
        counts=counts, weight=weight, weight_sq=weight_sq, mean=np.zeros_like(step),
        drift=total_sq, gram=gram,
    )  # fmt: skip
    drift, centred = _recentre(shifted, step)
    if weights is None:
        drift = np.zeros_like(drift)  # exactly, not up to rounding
    return CohortGram(
        counts=counts, weight=weight, weight_sq=weight_sq, mean=step + shift, drift=drift,
        gram=centred,
    )  # fmt: skip


def _totals(values: FloatArray, codes: IntArray, size: int) -> FloatArray:
    return np.bincount(codes, weights=values, minlength=size).astype(np.float64)


def _grouped(codes: IntArray, n_cohorts: int) -> IntArray:
    """Rows grouped by cohort, in their order within each (narrow codes sort by radix)."""
    narrow = codes.astype(np.uint8 if n_cohorts <= 256 else np.uint16)
    return np.argsort(narrow, kind="stable")


@dataclass(frozen=True, slots=True)
class CellInfluence:
    r"""The influence :math:`\psi_i = w_i (A_g y_i - c_g)` of a unit of cohort g on K numbers.

    Attributes
    ----------
    slope : (G, K, T) array
        A, by cohort.
    offset : (G, K) array
        c, by cohort.
    """

    slope: FloatArray
    offset: FloatArray

    def combine(self, contrasts: FloatArray) -> CellInfluence:
        """Return the influence on linear combinations: `contrasts` is (J, K)."""
        if np.array_equal(contrasts, np.eye(self.slope.shape[1])):
            return self  # the effects themselves: nothing to multiply
        return CellInfluence(contrasts @ self.slope, self.offset @ contrasts.T)

    def covariance(self, moments: CohortGram) -> FloatArray:
        r"""Return :math:`\sum_i \psi_i\psi_i'`, the (K, K) covariance with one cluster per unit."""
        level = (self.slope @ moments.mean[:, :, None])[:, :, 0] - self.offset
        cross = (self.slope @ moments.drift[:, :, None])[:, :, 0]
        flat = self.slope.transpose(1, 0, 2).reshape(self.slope.shape[1], -1)
        out = flat @ (self.slope @ moments.gram).transpose(1, 0, 2).reshape(flat.shape).T
        mixed = cross.T @ level
        return np.asarray(out + mixed + mixed.T + level.T @ (level * moments.weight_sq[:, None]))

    def by_unit(
        self, y: FloatArray, codes: IntArray, weights: FloatArray | None = None
    ) -> FloatArray:
        """Return the influence of each unit, (N, K)."""
        out = np.empty((len(y), self.slope.shape[1]))
        for g in range(len(self.slope)):
            rows = np.flatnonzero(codes == g)
            out[rows] = y[rows] @ self.slope[g].T - self.offset[g]
        return out if weights is None else out * weights[:, None]

    def by_cluster(
        self,
        y: FloatArray,
        codes: IntArray,
        clusters: IntArray,
        n_clusters: int,
        weights: FloatArray | None = None,
    ) -> FloatArray:
        """Return the influence summed by cluster, (C, K), from the sums of y of its cohorts."""
        n_cohorts, _, periods = self.slope.shape
        pair, position = np.unique(clusters * n_cohorts + codes, return_inverse=True)
        weight = np.ones(len(y)) if weights is None else weights
        size = np.bincount(position, weights=weight, minlength=len(pair))
        sums = np.column_stack(
            [
                np.bincount(position, weights=weight * y[:, t], minlength=len(pair))
                for t in range(periods)
            ]
        )
        cohort = pair % n_cohorts
        parts = np.einsum("pkt,pt->pk", self.slope[cohort], sums) - (
            self.offset[cohort] * size[:, None]
        )
        out = np.zeros((n_clusters, self.slope.shape[1]))
        np.add.at(out, pair // n_cohorts, parts)
        return out
