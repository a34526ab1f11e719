"""Which covariance a panel design computes, at what level, and where its columns are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.cohort_panel import Panel
from impact_eval.designs.ties import BoundCovariance, bind_units, cluster_columns
from impact_eval.stats.inference.covariance import CR, Clustered
from impact_eval.stats.inference.covariances import Covariance
from impact_eval.stats.inference.few import are_few

IntArray = NDArray[np.int64]

LARGEST = 20_000_000  # rows times units above which CR2 of several kinds is not the default


def covariance_asked(
    covariance: Covariance | None, sample: Sample, *, default: CR
) -> Covariance | None:
    """Return the covariance to compute: several clusters in the sample ask for the multi-way one.

    No kind of clusters can be dealt whole when there are several: where one of them is few, or
    holds few treated, it is CR2, whose degrees of freedom are then those of the few.

    Parameters
    ----------
    covariance : Covariance or None
    sample : Sample
    default : CR
        Correction of the multi-way covariance when there are many.
    """
    if covariance is None and len(sample.cluster_names) > 1:
        kinds = [_counted(sample.derive(cluster=name)) for name in sample.cluster_names]
        few = any(are_few(total=n, treated=among) for _, among, n in kinds if n)
        fits = sample.n * sample.n_units <= LARGEST
        return Clustered(sample.cluster_names, correction=CR.CR2 if few and fits else default)
    return covariance


def with_cluster(sample: Sample, covariance: Covariance | None) -> Sample:
    """Return the sample clustered by one column of a covariance that units do not leave.

    The one with the fewest clusters in an arm, then in all: counts of clusters, and the warnings
    about their number, are those of what binds. A column that changes within a unit (a year) cannot
    cluster units: the sample stays as it is.
    """
    if covariance is None or not covariance.by_cluster:
        return _one_cluster(sample)
    names = cluster_columns(sample, covariance)
    if names == sample.cluster_names and len(names) < 2:
        return sample
    derived = [sample.derive(cluster=name) for name in names]
    fixed = [other for other in derived if _is_fixed(other)]
    if not fixed:
        return _one_cluster(sample)
    return min(fixed, key=lambda other: (_counted(other)[0], _counted(other)[2]))


def _counted(sample: Sample) -> tuple[int, int, int]:
    """Count the clusters of the smaller arm, of those treated at some time, and all of them.

    All are 0 where clusters change within a unit: they are no clusters of units.
    """
    if not _is_fixed(sample):
        return 0, 0, 0
    codes = sample.codes(sample.cluster_names[0]).codes
    ever = np.isfinite(sample.cohorts) if sample.cohorts is not None else sample.treated
    assert ever is not None
    among, others = (int(np.unique(codes[rows]).size) for rows in (ever, ~ever))
    return min(among, others), among, int(np.unique(codes).size)


def _one_cluster(sample: Sample) -> Sample:
    """Return the sample with the first of its clusters: panels count one kind of them."""
    if len(sample.cluster_names) < 2:
        return sample
    return sample.derive(cluster=sample.cluster_names[0])


def _is_fixed(sample: Sample) -> bool:
    if sample.unit_codes is None or sample.time_codes is None:
        return True
    try:
        return len(sample.unit_clusters) == sample.n_units
    except ImpactEvalError:
        return False


def own_level(panel: Panel, sample: Sample, covariance: Covariance | None) -> bool:
    """Whether a covariance is the design's own kind: by the one cluster that the panel counts."""
    if covariance is None:
        return True
    if not isinstance(covariance, Clustered):
        return False
    names = covariance.coded or sample.cluster_names
    return names in ((), (panel.cluster_column,))


def bind_panel(
    panel: Panel, sample: Sample, covariance: Covariance | None
) -> BoundCovariance | None:
    """Bind a covariance to the units of a panel; None when none is asked for."""
    if covariance is None:
        return None
    assert sample.unit_codes is not None
    first = np.zeros(sample.n_units, dtype=np.int64)
    first[sample.unit_codes[::-1]] = np.arange(sample.n)[::-1]
    rows = first[panel.sample_units]
    return bind_units(sample, covariance, rows, groups=panel.codes, weights=panel.weights)


def influence_label(bound: BoundCovariance | None) -> str:
    """Name the covariance of influence values: their plain sum, or the one asked for."""
    return "influence" if bound is None else f"influence {bound.covariance.label}"


def sample_rows(panel: Panel, sample: Sample, used: NDArray[np.bool_]) -> IntArray:
    """Return the row of the sample of each cell in use, unit by unit: (n,)."""
    assert sample.unit_codes is not None
    assert sample.time_codes is not None
    place = np.full((sample.n_units, sample.n_periods), -1, dtype=np.int64)
    place[sample.unit_codes, sample.time_codes] = np.arange(sample.n)
    return np.asarray(place[panel.sample_units[:, None], panel.sample_periods][used])
