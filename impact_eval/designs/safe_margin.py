"""The margin that a design prints when nobody asks for another: one that holds with few.

Below fifty clusters, or ten treated ones, the usual error is too small. Where the effects are sums
over means of cohorts (a complete panel, no covariate, dates of entry decided by cluster), the dates
are dealt anew among the clusters and the test is inverted: no law of large numbers, no law of
errors, but exchangeable clusters. Elsewhere the covariance is CR2, with Satterthwaite degrees of
freedom. Asking for a covariance by name gives that covariance, whatever the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.core.inference import critical_value
from impact_eval.data.sample import Sample
from impact_eval.designs.cohort_panel import Panel
from impact_eval.designs.influence_sources import Combination, InfluenceSource
from impact_eval.stats.inference.covariance import CR, Clustered
from impact_eval.stats.inference.covariances import Covariance
from impact_eval.stats.inference.covariances.covariance_kind import LEVEL, OwnTest
from impact_eval.stats.inference.dealing import (
    ClusterPaths,
    DealtTests,
    LinearEffects,
    dealt_tests,
)
from impact_eval.stats.inference.dealt_spread import is_uneven
from impact_eval.stats.inference.few import are_few
from impact_eval.stats.panels.cohort_gram import CellInfluence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SEED = 1
DEALT = "margin_dealt"  # the finding that says so


@dataclass(frozen=True)
class DealtSource:
    """Effects whose margin comes from dealing the dates of entry anew.

    The covariance keeps the correlations of the design's own; its diagonal is the standard error
    that each interval implies, so that what is computed from it rests on the same inference.

    Attributes
    ----------
    source : InfluenceSource
        The design's own.
    paths : ClusterPaths
    effects : LinearEffects
        Of the K effects of the source.
    """

    source: InfluenceSource
    paths: ClusterPaths
    effects: LinearEffects

    def combine(self, contrasts: FloatArray, shares: FloatArray | None = None) -> Combination:
        """Combine, see `InfluenceSource`; shares are fixed, as the draw fixes them."""
        own = self.source.combine(contrasts, shares)
        found = dealt_tests(
            self.paths,
            self.effects.combine(contrasts),
            about=self.effects.dates,
            seed=SEED,
        )
        implied = np.array([implied_error(test) for test in found.tests])
        variance = np.diag(own.covariance)
        usual = np.sqrt(np.where(variance > 0, variance, np.nan))
        scale = implied / usual
        influence = own.influence
        if influence is not None:
            influence = influence.transform(np.diag(np.where(np.isfinite(scale), scale, 0.0)))
        return replace(
            own,
            covariance=own.covariance * np.outer(scale, scale),
            influence=influence,
            df=np.full(len(contrasts), np.inf),
            dealt=found.tests,
            findings=(*own.findings, *told_of(found)),
        )


def implied_error(test: OwnTest) -> float:
    """Return the standard error that an interval implies; NaN when an end is infinite."""
    width = test.conf_high - test.conf_low
    return width / 2 / critical_value(LEVEL) if np.isfinite(width) else float("nan")


def told_of(found: DealtTests) -> tuple[Finding, ...]:
    """Say that the margin comes from deals, how many, and what they cannot tell; each once."""
    own = all(map(is_uneven, found.tests))
    told = [] if own else [Finding.info(DEALT, n=found.n_draws, exact=found.exact)]
    for test in found.tests:
        told += [finding for finding in test.findings if finding not in told]
    return tuple(told)


def few_of(panel: Panel) -> bool:
    """Whether the usual margin cannot be trusted: few clusters (or units), or few treated."""
    return are_few(
        total=panel.n_clusters,
        treated=panel.treated_independent,
        shared=shared_of(panel),
    )


def shared_of(panel: Panel) -> int:
    """Count the clusters that hold units never treated beside units treated."""
    never = np.unique(panel.clusters[panel.never[panel.codes]]).size
    return panel.treated_independent + never - panel.n_clusters


def by_name_when_few(covariance: Covariance | None, panel: Panel) -> Covariance | None:
    """Return the covariance to compute where nothing can be dealt: CR2 when few, none asked for."""
    if covariance is not None or not few_of(panel):
        return covariance
    return Clustered(correction=CR.CR2)


def paths_of(panel: Panel, sample: Sample) -> ClusterPaths | None:
    """Gather a panel by cluster; None when its dates cannot be dealt.

    They can when clusters (or units) are few, several are treated, each has one date and one
    stratum, and the panel is complete, without covariates.
    """
    if not panel.simple or not few_of(panel) or panel.treated_independent < 2:
        return None
    periods, strata = panel.n_periods, None
    if sample.strata_codes is not None and sample.unit_codes is not None:
        of_unit = np.zeros(sample.n_units, dtype=np.int64)
        of_unit[sample.unit_codes] = sample.strata_codes
        strata = np.repeat(of_unit[panel.sample_units], periods)
    return paths_of_rows(
        panel.y.ravel(),
        np.tile(np.arange(periods), panel.n_units),
        np.repeat(panel.clusters, periods),
        np.repeat(panel.codes, periods),
        weights=np.repeat(panel.unit_weights, periods),
        blocks=strata,
        shape=(len(panel.starts), periods),
    )


def paths_of_rows(
    y: FloatArray,
    time: IntArray,
    clusters: IntArray,
    cohorts: IntArray,
    *,
    weights: FloatArray,
    blocks: IntArray | None,
    shape: tuple[int, int],
) -> ClusterPaths | None:
    """Gather n rows by cluster and period; None when a cluster has two dates or two strata.

    Parameters
    ----------
    y : (n,) array
    time, clusters, cohorts : (n,) arrays of int
        Codes; of the dates of entry, never the last.
    weights : (n,) array
    blocks : (n,) array of int or None
    shape : (int, int)
        Numbers of dates and of periods.
    """
    size = int(clusters.max()) + 1
    labels, strata = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    labels[clusters] = cohorts
    if blocks is not None:
        strata[clusters] = blocks
        if (strata[clusters] != blocks).any():
            return None
    if (labels[clusters] != cohorts).any() or np.unique(labels).size < 2:
        return None
    sums, sizes = np.zeros((size, shape[1])), np.zeros((size, shape[1]))
    np.add.at(sums, (clusters, time), y * weights)
    np.add.at(sizes, (clusters, time), weights)
    if (sizes == sizes[:, :1]).all():  # the same at every period: one column says it
        sizes = sizes[:, :1]
    return ClusterPaths(sums=sums, sizes=sizes, labels=labels, blocks=strata, n_labels=shape[0])


def linear_effects(panel: Panel, influence: CellInfluence, cells: FloatArray) -> LinearEffects:
    """Return effects as sums over means of cohorts, from their influence by cohort.

    Parameters
    ----------
    panel : Panel
    influence : CellInfluence
        Of K effects: the weight of a unit's outcome is its slope.
    cells : (G, T, K) array
        The cells that each is about, where not zero.
    """
    weight = panel.moments.weight[:, None, None]
    return LinearEffects(weights=influence.slope.transpose(0, 2, 1) * weight, cells=cells != 0)
