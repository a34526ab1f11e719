"""Where the influence of regression-type effects comes from, and how it becomes a covariance.

Each source gives the same answer in its own situation: cohort moments (a balanced panel without
covariates: nothing of the size of the data is made), influence values by unit, the joint covariance
that a group-time kernel computes block by block, the adjusted scores of few clusters (CR2, CR3)
with their Satterthwaite degrees of freedom, any other covariance of the regression of rows, draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Draws, Influence
from impact_eval.core.findings import Finding
from impact_eval.designs.cohort_panel import Panel
from impact_eval.designs.ties import BoundCovariance
from impact_eval.stats.inference.cluster_moments import ClusterMoments, satterthwaite_df
from impact_eval.stats.inference.covariance import CR
from impact_eval.stats.inference.covariances import CovarianceResult, OwnTest, Tests
from impact_eval.stats.inference.dealt_spread import is_uneven
from impact_eval.stats.panels.cohort_gram import CellInfluence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RANDOMISATION = "randomisation"  # the name of a margin that comes from dealing dates anew


@dataclass(frozen=True, slots=True)
class Combination:
    """Linear combinations of effects: their covariance, influence and degrees of freedom.

    Attributes
    ----------
    covariance : (J, J) array
    influence : Influence or None
        (clusters, J), scaled so that its cross-product is the covariance; None where the covariance
        is no such sum.
    df : (J,) array
        Infinite: the normal law.
    tests : function or None
        Tests of these combinations, or of combinations of them, that are not Wald's.
    findings : tuple of Finding
    draws : Draws or None
    clusters : int or None
        How many clusters the covariance asked for counts, the fewest of its dimensions; None when
        it is the design's own, or when units stand alone.
    dealt : tuple of J OwnTest, or None
        Tests of these combinations that replace those of a standard error.
    """

    covariance: FloatArray
    influence: Influence | None
    df: FloatArray
    tests: Tests | None = None
    findings: tuple[Finding, ...] = ()
    draws: Draws | None = None
    clusters: int | None = None
    dealt: tuple[OwnTest, ...] | None = None


def margin_label(tests: Sequence[OwnTest]) -> str:
    """Return the name of a margin dealt anew; CR2's where each date has its own spread instead.

    The spread of the means of a cohort and period is CR2 of the regression on all of them.
    """
    return str(CR.CR2) if all(map(is_uneven, tests)) else RANDOMISATION


def combination(result: CovarianceResult, labels: NDArray[Any]) -> Combination:
    """Return the combinations that a covariance was computed for."""
    return Combination(
        covariance=result.matrix,
        influence=None if result.influence is None else Influence(result.influence, labels),
        df=result.df,
        tests=result.tests,
        findings=result.findings,
        clusters=min(result.n_clusters, default=None),
    )


class InfluenceSource(Protocol):
    """What gives the covariance of any linear combination of K effects."""

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Return the combinations `contrasts`, (J, K).

        `shares`, (J, S), adds what the shares of the units weigh in each of them: S is the number
        of cohorts, or of cells (cohort after cohort) where units come and go.
        """
        ...


@dataclass(frozen=True)
class CellSource:
    """Influence from cohort moments.

    Attributes
    ----------
    panel : Panel
        Balanced, without covariates.
    influence : CellInfluence
    factor : float
        Small-sample factor of the covariance.
    df : float
    bound : BoundCovariance or None
        The covariance asked for by name, of the units; factor and df are then its own.
    """

    panel: Panel
    influence: CellInfluence
    factor: float = 1.0
    df: float = np.inf
    bound: BoundCovariance | None = None

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`."""
        panel, parts = self.panel, self.influence.combine(contrasts)
        if shares is not None:
            present = shares.reshape(len(shares), len(panel.starts), panel.n_periods).sum(axis=2)
            parts = CellInfluence(parts.slope, parts.offset - present.T)
        root = np.sqrt(self.factor)
        scaled = CellInfluence(parts.slope * root, parts.offset * root)
        df = np.full(len(contrasts), self.df)
        if self.bound is not None:
            by_unit = parts.by_unit(panel.y, panel.codes, panel.weights)
            return combination(self.bound.of_influence(by_unit), self.bound.labels)
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


def _labels(panel: Panel) -> NDArray[Any]:
    return panel.cluster_labels[panel.clusters]


@dataclass(frozen=True)
class UnitSource:
    """Influence values by unit.

    Attributes
    ----------
    panel : Panel
    values : (N, K) array
    factor, df : float
    bound : BoundCovariance or None
        The covariance asked for by name, of the units; factor and df are then its own.
    """

    panel: Panel
    values: FloatArray
    factor: float = 1.0
    df: float = np.inf
    bound: BoundCovariance | None = None

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`."""
        panel = self.panel
        values = self.values @ contrasts.T
        if shares is not None:
            values = values + _presence(panel, shares)
        if self.bound is not None:
            return combination(self.bound.of_influence(values), self.bound.labels)
        values = sum_by_code(values, panel.clusters, panel.n_clusters) * np.sqrt(self.factor)
        return Combination(
            values.T @ values,
            Influence(values, panel.cluster_labels),
            np.full(len(contrasts), self.df),
        )


def _presence(panel: Panel, shares: FloatArray) -> FloatArray:
    out = np.zeros((panel.n_units, len(shares)))
    by_cohort = shares.reshape(len(shares), len(panel.starts), panel.n_periods)
    for g in range(len(panel.starts)):
        rows = panel.codes == g
        out[rows] = panel.observed[rows] @ by_cohort[:, g].T
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
class FitSource:
    """A covariance computed from a regression of rows.

    Attributes
    ----------
    result : CovarianceResult
        Of the k coefficients of the fit.
    contrasts : (K, k) array
        Effects as combinations of the coefficients.
    labels : (C,) array
        Of what is independent.
    """

    result: CovarianceResult
    contrasts: FloatArray
    labels: NDArray[Any]

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`; shares are fixed here."""
        return combination(self.result.combine(contrasts @ self.contrasts), self.labels)


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


@dataclass(frozen=True, kw_only=True)
class JointSource:
    """The joint covariance of K effects and of the S shares that weight them.

    Attributes
    ----------
    covariance : (K + S, K + S) array
    influence : function or None
        Makes the (m, J) influence values of (J, K + S) combinations; None when the covariance is no
        sum of them.
    labels : (m,) array
        Of what is independent.
    size : int
        K.
    result : CovarianceResult or None
        The covariance asked for by name, with its degrees of freedom and its tests.
    """

    covariance: FloatArray
    influence: Callable[[FloatArray], FloatArray] | None
    labels: NDArray[Any]
    size: int
    result: CovarianceResult | None = None

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`."""
        if shares is None:
            shares = np.zeros((len(contrasts), len(self.covariance) - self.size))
        full = np.hstack([contrasts, shares])
        if self.result is not None:
            return combination(self.result.combine(full), self.labels)
        make = self.influence
        return Combination(
            self._covariance(full),
            None if make is None else Influence(lambda: make(full), self.labels),
            np.full(len(full), np.inf),
        )

    def _covariance(self, full: FloatArray) -> FloatArray:
        if np.array_equal(full, np.eye(*full.shape)):  # the effects themselves: nothing to multiply
            return self.covariance[: len(full), : len(full)]
        return np.asarray(full @ self.covariance @ full.T)


@dataclass(frozen=True)
class DrawSource:
    """Effects known by draws of their error, or by nothing at all.

    Attributes
    ----------
    covariance : (K, K) array
        NaN without draws.
    draws : Draws or None
        (b, K).
    df : float
        Degrees of freedom of the variance of the draws.
    """

    covariance: FloatArray
    draws: Draws | None
    df: float = np.inf

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`; shares are fixed here."""
        drawn = self.draws and Draws(self.draws.kind, self.draws.values @ contrasts.T)
        matrix = contrasts @ self.covariance @ contrasts.T
        return Combination(matrix, None, np.full(len(contrasts), self.df), draws=drawn)


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
