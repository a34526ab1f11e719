"""A wide panel with the units of each cohort side by side, read block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.group_time_plan import Comparison

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BLOCK = 8_192  # units whose rows stay in cache between two products


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedPanel:
    """N units sorted by cohort (and by cluster within), T periods, K treated cohorts.

    Attributes
    ----------
    y : (N, T) array
        NaN where not observed.
    design : (N, p) or (N, T, p) array, or None
        Covariates with a constant first, others centred and scaled; None without covariates.
    weights : (N,) array or None
        Mean one.
    clusters : (N,) array of int or None
        Codes from 0; None when units are independent.
    bounds : (K + 2,) array of int
        Rows of cohort k are ``bounds[k]:bounds[k + 1]``; cohort K is never treated.
    order : (N,) array of int
        Position of each sorted row in the caller's arrays.
    n_clusters : int
        N when units are independent.
    """

    y: FloatArray
    design: FloatArray | None
    weights: FloatArray | None
    clusters: IntArray | None
    bounds: IntArray
    order: IntArray
    n_clusters: int

    @property
    def n_parameters(self) -> int:
        """Columns of the design (1 without covariates)."""
        return 1 if self.design is None else self.design.shape[-1]

    @property
    def total_weight(self) -> float:
        """Sum of the weights."""
        return float(len(self.y)) if self.weights is None else float(self.weights.sum())

    @property
    def cohort_weights(self) -> FloatArray:
        """(K + 1,) sum of the weights of each cohort."""
        if self.weights is None:
            return np.diff(self.bounds).astype(np.float64)
        running = np.concatenate([[0.0], np.cumsum(self.weights)])
        return np.diff(running[self.bounds])

    def blocks(self, cohort: int) -> Iterator[tuple[int, int]]:
        """Yield the row ranges of a cohort, a cache-full at a time."""
        last = int(self.bounds[cohort + 1])
        for first in range(int(self.bounds[cohort]), last, BLOCK):
            yield first, min(first + BLOCK, last)

    def read(self, comparison: Comparison, first: int, last: int) -> Rows:
        """Read the rows that a comparison uses: outcomes, covariates, weights."""
        y = self.y[first:last]
        w = None if self.weights is None else self.weights[first:last]
        if comparison.pairwise:
            y = y[:, comparison.periods]
            seen = np.isfinite(y.sum(axis=1)).astype(np.float64)
            y = np.where(seen[:, None] > 0, y, 0.0)
            w = seen if w is None else np.multiply(w, seen)
        if self.design is None:
            x = np.ones((last - first, 1))
        elif comparison.covariate_period is None:
            x = self.design[first:last]
        else:
            x = self.design[first:last, comparison.covariate_period]
            if comparison.pairwise:
                x = np.where(np.isnan(x), 0.0, x)
        return Rows(y, x, w)


@dataclass(frozen=True, slots=True)
class Rows:
    """Outcomes (n, q), covariates (n, p) and weights (n,) of a block; weights None means one."""

    y: FloatArray
    x: FloatArray
    w: FloatArray | None

    def weigh(self, values: FloatArray) -> FloatArray:
        """Multiply rows by their weights."""
        if self.w is None:
            return values
        return values * (self.w if values.ndim == 1 else self.w[:, None])


def sort_panel(
    y: FloatArray,
    cohorts: IntArray,
    n_cohorts: int,
    *,
    covariates: FloatArray | None = None,
    weights: FloatArray | None = None,
    clusters: IntArray | None = None,
) -> SortedPanel:
    """Sort the units of a wide panel by cohort.

    Parameters
    ----------
    y : (N, T) array
    cohorts : (N,) array of int
        Codes 0..n_cohorts-1, `n_cohorts` for never treated.
    n_cohorts : int
    covariates : (N, p) or (N, T, p) array, optional
        Without constant.
    weights : (N,) array, optional
    clusters : (N,) array of int, optional

    Returns
    -------
    SortedPanel
    """
    small = cohorts.astype(np.int16)  # a radix sort
    codes = None
    if clusters is not None:
        labels, codes = np.unique(clusters, return_inverse=True)
        order = np.lexsort((codes, small))
    else:
        order = np.argsort(small, kind="stable")
    counts = np.bincount(cohorts, minlength=n_cohorts + 1)
    return SortedPanel(
        y=y[order],
        design=None if covariates is None else _design(covariates, order),
        weights=None
        if weights is None
        else weights[order] / (weights.mean() if len(weights) else 1.0),
        clusters=None if codes is None else codes[order],
        bounds=np.concatenate([[0], np.cumsum(counts)]),
        order=order,
        n_clusters=len(y) if clusters is None else len(labels),
    )


def _design(covariates: FloatArray, order: IntArray) -> FloatArray:
    """Sort, centre, scale and add a constant; affine changes leave every estimator here alone."""
    flat = covariates.reshape(-1, covariates.shape[-1])
    centre = np.nanmean(flat, axis=0) if np.isnan(flat).any() else flat.mean(axis=0)
    spread = np.nanstd(flat, axis=0) if np.isnan(flat).any() else flat.std(axis=0)
    out = np.empty((*covariates.shape[:-1], covariates.shape[-1] + 1))
    out[..., 0] = 1.0
    np.subtract(covariates[order], centre, out=out[..., 1:])
    out[..., 1:] /= np.where(spread > 0, spread, 1.0)
    return out
