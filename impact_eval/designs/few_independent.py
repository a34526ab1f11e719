"""Few independent units: one fact, one code, whatever the design that tells it.

What is independent is a cluster as soon as clusters are declared, a unit otherwise: the treated are
then told as `few_treated_clusters` or as `few_treated_units`, by every design.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.data.sample import Sample
from impact_eval.designs.ties import cluster_columns
from impact_eval.stats.inference.covariances import Covariance
from impact_eval.stats.inference.few import FEW_TREATED, few_in_all

IntArray = NDArray[np.int64]

ONE_TREATED = ("one_treated_unit", "one_treated_cluster")  # why an effect has no interval
# What is said of an error that comes from large samples, and of no other.
OF_FEW = ("few_clusters", "few_treated_units", "few_treated_clusters", *ONE_TREATED)


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


def few_independent(
    *, treated: int, total: int | None = None, clustered: bool
) -> tuple[Finding, ...]:
    """Warn when few clusters (or units) are independent, in all or among the treated.

    Parameters
    ----------
    treated : int
        Independent units that are treated at some time.
    total : int or None
        All of them; None where the error holds with few.
    clustered : bool
        Clusters are declared: they are the independent units.

    Returns
    -------
    tuple of Finding
        `few_clusters`, then `few_treated_clusters` or `few_treated_units`; with a single one
        treated, `one_treated_cluster` or `one_treated_unit` says why the effect has no interval.

    Examples
    --------
    >>> [finding.code for finding in few_independent(treated=4, total=8, clustered=True)]
    ['few_clusters', 'few_treated_clusters']
    >>> [finding.code for finding in few_independent(treated=4, clustered=False)]
    ['few_treated_units']
    """
    found = [] if total is None else [*few_in_all(total)]
    if treated < FEW_TREATED:
        found.append(
            Finding.warning(
                "few_treated_clusters" if clustered else "few_treated_units",
                n=treated,
                advised=FEW_TREATED,
            )
        )
    if treated == 1:
        found.append(Finding.warning(ONE_TREATED[clustered]))
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
