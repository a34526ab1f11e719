"""Where the influence of regression-type effects comes from, and how it becomes a covariance.

Three sources give the same answer in three situations: cohort moments (a balanced panel without
covariates: nothing of the size of the data is made), influence values by unit, and the adjusted
scores of few clusters (CR2, CR3) with their Satterthwaite degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Influence
from impact_eval.designs.cohort_panel import CohortPanel
from impact_eval.stats.inference.cluster_moments import ClusterMoments, satterthwaite_df
from impact_eval.stats.panels.cohort_gram import CellInfluence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Combination:
    """Linear combinations of effects: their covariance, influence and degrees of freedom.

    Attributes
    ----------
    covariance : (J, J) array
    influence : Influence
        (clusters, J), scaled so that its cross-product is the covariance.
    df : (J,) array
        Infinite: the normal law.
    """

    covariance: FloatArray
    influence: Influence
    df: FloatArray


class InfluenceSource(Protocol):
    """What gives the covariance of any linear combination of K effects."""

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Return the combinations `contrasts`, (J, K).

        `shares`, (G, T, J), adds what the presence of a unit in a cell weighs in each of them.
        """
        ...


@dataclass(frozen=True)
class CellSource:
    """Influence from cohort moments.

    Attributes
    ----------
    panel : CohortPanel
        Balanced, without covariates.
    influence : CellInfluence
    factor : float
        Small-sample factor of the covariance.
    df : float
    """

    panel: CohortPanel
    influence: CellInfluence
    factor: float = 1.0
    df: float = np.inf

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`."""
        panel, parts = self.panel, self.influence.combine(contrasts)
        if shares is not None:
            parts = CellInfluence(parts.slope, parts.offset - shares.sum(axis=1))
        root = np.sqrt(self.factor)
        scaled = CellInfluence(parts.slope * root, parts.offset * root)
        df = np.full(len(contrasts), self.df)
        if not panel.clustered_above:
            return Combination(
                scaled.covariance(panel.moments),
                Influence(
                    lambda: scaled.by_unit(panel.y, panel.codes, panel.weights),
                    _labels(panel),
                ),
                df,
            )
        values = scaled.by_cluster(
            panel.y, panel.codes, panel.clusters, panel.n_clusters, panel.weights
        )
        return Combination(values.T @ values, Influence(values, panel.cluster_labels), df)


def _labels(panel: CohortPanel) -> NDArray[Any]:
    return panel.cluster_labels[panel.clusters]


@dataclass(frozen=True)
class UnitSource:
    """Influence values by unit.

    Attributes
    ----------
    panel : CohortPanel
    values : (N, K) array
    factor, df : float
    """

    panel: CohortPanel
    values: FloatArray
    factor: float = 1.0
    df: float = np.inf

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`."""
        panel = self.panel
        values = self.values @ contrasts.T
        if shares is not None:
            values = values + _presence(panel, shares)
        values = sum_by_code(values, panel.clusters, panel.n_clusters) * np.sqrt(self.factor)
        return Combination(
            values.T @ values,
            Influence(values, panel.cluster_labels),
            np.full(len(contrasts), self.df),
        )


def _presence(panel: CohortPanel, shares: FloatArray) -> FloatArray:
    out = np.zeros((panel.n_units, shares.shape[2]))
    for g in range(len(panel.starts)):
        rows = panel.codes == g
        out[rows] = panel.observed[rows] @ shares[g]
    return out * panel.unit_weights[:, None]


@dataclass(frozen=True)
class AdjustedSource:
    """Adjusted scores of few clusters.

    Attributes
    ----------
    moments : ClusterMoments
    contrasts : (K, k) array
        Effects as combinations of the coefficients of the fit.
    labels : (C,) array
    factor : float
    df : float or None
        None: Satterthwaite.
    """

    moments: ClusterMoments
    contrasts: FloatArray
    labels: NDArray[Any]
    factor: float = 1.0
    df: float | None = None

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`; shares are fixed here."""
        full = contrasts @ self.contrasts
        values = self.moments.influence @ full.T * np.sqrt(self.factor)
        df = (
            satterthwaite_df(self.moments, full) if self.df is None else np.full(len(full), self.df)
        )
        return Combination(values.T @ values, Influence(values, self.labels), df)


@dataclass(frozen=True)
class MappedSource:
    """Effects that are linear combinations of those of another source.

    Attributes
    ----------
    source : InfluenceSource
    weights : (J, K) array
    """

    source: InfluenceSource
    weights: FloatArray

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`."""
        return self.source.combine(contrasts @ self.weights, shares)


def sum_by_code(values: FloatArray, codes: IntArray, size: int) -> FloatArray:
    """Return the (size, K) sums of the rows of each code."""
    if size == len(values):  # one row per code: only their order may differ
        out = np.empty_like(values)
        out[codes] = values
        return out
    out = np.empty((size, values.shape[1]))
    for k, column in enumerate(values.T):
        out[:, k] = np.bincount(codes, weights=column, minlength=size)
    return out
