"""Few independent units: one fact, one code, whatever the design that tells it.

What is independent is a cluster as soon as clusters are declared, a unit otherwise: the treated are
then told as `few_treated_clusters` or as `few_treated_units`, by every design.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.data.sample import Sample
from impact_eval.designs.ties import cluster_columns
from impact_eval.stats.inference.covariances import Covariance, CovarianceResult
from impact_eval.stats.inference.few import FEW_TREATED, few_in_all

IntArray = NDArray[np.int64]

# Why an effect has no interval: indexed by whether clusters are declared.
ONE_TREATED = ("one_treated_unit", "one_treated_cluster")
ONE_COMPARISON = ("one_comparison_unit", "one_comparison_cluster")
NO_CHANCE_SEEN = frozenset((*ONE_TREATED, *ONE_COMPARISON))
# What is said of an error that comes from large samples, and of no other.
OF_FEW = ("few_clusters", "few_treated_units", "few_treated_clusters", *NO_CHANCE_SEEN)
NO_COVARIANCE = "none"  # label of the covariance where no error is given


def clusters_declared(sample: Sample, covariance: Covariance | None = None) -> bool:
    """Return whether clusters stand above units: those a covariance names, else the sample's.

    Parameters
    ----------
    sample : Sample
    covariance : Covariance or None
        One that `stands_alone` says that rows are independent, whatever the clusters.

    Returns
    -------
    bool
        A column of clusters that is the column of units is no cluster.
    """
    names = cluster_columns(sample, covariance)
    return bool(names) and names[0] != sample.unit


def no_chance_seen(findings: Iterable[Finding]) -> bool:
    """Return whether some finding says that an effect has no interval, since one stands alone."""
    return any(finding.code in NO_CHANCE_SEEN for finding in findings)


def without_error(result: CovarianceResult) -> CovarianceResult:
    """Return a covariance that says nothing: no error, no test, no influence."""
    return replace(
        result,
        label=NO_COVARIANCE,
        matrix=np.full_like(result.matrix, np.nan),
        signed=None,
        influence=None,
        tests=None,
    )


def few_independent(
    *,
    treated: int,
    total: int,
    comparison: int | None = None,
    shared: int = 0,
    clustered: bool,
    holds_with_one: bool = False,
) -> tuple[Finding, ...]:
    """Warn when few clusters (or units) are independent, in all or among the treated.

    Parameters
    ----------
    treated : int
        Independent units that are treated at some time.
    total : int
        All of them.
    comparison : int, optional
        Those that the treated are compared with; None where they are not to be told apart.
    shared : int
        Clusters that hold people never treated beside people treated.
    clustered : bool
        Clusters are declared: they are the independent units.
    holds_with_one : bool
        The error comes from elsewhere (replayed draws, placebos, one variance for all).

    Returns
    -------
    tuple of Finding
        `few_clusters`, then `few_treated_clusters` or `few_treated_units`; with a single one
        treated, `one_treated_cluster` or `one_treated_unit` says why the effect has no interval,
        and `one_comparison_cluster` or `one_comparison_unit` with a single one to compare with.

    Examples
    --------
    >>> [finding.code for finding in few_independent(treated=4, total=8, clustered=True)]
    ['few_clusters', 'few_treated_clusters']
    >>> [finding.code for finding in few_independent(treated=4, total=90, clustered=False)]
    ['few_treated_units']
    """
    found = [*few_in_all(total, shared=shared)]
    if treated < FEW_TREATED:
        found.append(
            Finding.warning(
                "few_treated_clusters" if clustered else "few_treated_units",
                n=treated,
                advised=FEW_TREATED,
            )
        )
    if holds_with_one:
        return tuple(found)
    alone = ((treated, ONE_TREATED), (comparison, ONE_COMPARISON))
    found += [Finding.warning(codes[clustered]) for count, codes in alone if count == 1]
    return tuple(found)


def lonely_cohorts(
    labels: Sequence[str], n_units: IntArray, n_clusters: IntArray
) -> tuple[Finding, ...]:
    """Name the cohorts that rest on a single unit, then those that rest on a single cluster.

    Parameters
    ----------
    labels : sequence of K str
    n_units, n_clusters : (K,) arrays of int

    Returns
    -------
    tuple of Finding
        `one_unit_cohort`, `one_cluster_cohort`.
    """
    one_unit = n_units <= 1
    found = []
    for code, which in (
        ("one_unit_cohort", one_unit),
        ("one_cluster_cohort", ~one_unit & (n_clusters <= 1)),
    ):
        names = [labels[i] for i in np.flatnonzero(which).tolist()]
        if names:
            found.append(Finding.warning(code, n=len(names), cohorts=names))
    return tuple(found)
