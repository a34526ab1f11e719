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

IntArray = NDArray[np.int64]


def covariance_asked(
    covariance: Covariance | None, sample: Sample, *, default: CR
) -> Covariance | None:
    """Return the covariance to compute: several clusters in the sample ask for the multi-way one.

    Parameters
    ----------
    covariance : Covariance or None
    sample : Sample
    default : CR
        Correction of the multi-way covariance.
    """
    if covariance is None and len(sample.cluster_names) > 1:
        return Clustered(sample.cluster_names, correction=default)
    return covariance


def with_cluster(sample: Sample, covariance: Covariance | None) -> Sample:
    """Return the sample clustered by the coarsest column of a covariance that units do not leave.

    Counts of clusters, and the warnings about their number, are then those of the covariance. A
    column that changes within a unit (a year) cannot cluster units: the sample stays as it is.
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
    return min(fixed, key=lambda other: len(other.codes(other.cluster_names[0]).labels))


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
