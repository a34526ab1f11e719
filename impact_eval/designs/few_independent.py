"""Few independent units: one fact, one code, whatever the design that tells it.

What is independent is a cluster as soon as clusters are declared, a unit otherwise: the treated are
then told as `few_treated_clusters` or as `few_treated_units`, by every design.
"""

from __future__ import annotations

from impact_eval.core.findings import Finding
from impact_eval.data.sample import Sample
from impact_eval.designs.ties import cluster_columns
from impact_eval.stats.inference.covariances import FEW_CLUSTERS, Covariance

ONE_TREATED = ("one_treated_unit", "one_treated_cluster")  # why an effect has no interval
FEW_TREATED = 10  # treated below which the usual errors are too small (see the method's page)


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
    found: list[Finding] = []
    if total is not None and total < FEW_CLUSTERS:
        found.append(Finding.warning("few_clusters", n=total, advised=FEW_CLUSTERS))
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
