"""What a sample says of errors that may be tied: a covariance bound to rows, or to units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.stats.inference.covariances import Covariance, CovarianceResult, Ties

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def cluster_columns(sample: Sample, covariance: Covariance | None) -> tuple[str, ...]:
    """Return the columns whose labels tie rows: those a covariance names, else the sample's.

    None when rows stand alone, or when they are tied otherwise (in space, over time).
    """
    if covariance is None:
        return sample.cluster_names
    if covariance.coded:
        return covariance.coded
    return sample.cluster_names if covariance.by_cluster else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCovariance:
    """A covariance and the ties of the units it is computed for.

    Attributes
    ----------
    covariance : Covariance
    ties : Ties
    labels : (m,) array
        Of the clusters of the first dimension, or of the units.
    """

    covariance: Covariance
    ties: Ties
    labels: NDArray[Any]

    def of_influence(self, values: FloatArray) -> CovarianceResult:
        """Compute the covariance from the (n, k) influence values of the units."""
        return self.covariance.of_influence(values, self.ties)


@dataclass(frozen=True, slots=True)
class TiedRows:
    """The ties of n rows, and the labels of the clusters of their first dimension.

    Attributes
    ----------
    ties : Ties
        Its codes are dense: from 0 to the number of clusters met.
    labels : (m,) array or None
        In the order of the codes; None when no cluster ties the rows.
    """

    ties: Ties
    labels: NDArray[Any] | None


def ties_of_rows(sample: Sample, covariance: Covariance | None, rows: IntArray) -> TiedRows:
    """Read the columns that a covariance needs, for some rows of a sample, each once.

    Parameters
    ----------
    sample : Sample
    covariance : Covariance or None
        None: the clusters of the sample.
    rows : (n,) array of int
        Positions in the sample.

    Raises
    ------
    ImpactEvalError
        `missing_column`, `missing_role_values`, `column_not_number`.
    """
    codes: list[IntArray] = []
    labels: NDArray[Any] | None = None
    for name in cluster_columns(sample, covariance):
        coded = sample.codes(name)
        present, dense = np.unique(coded.codes[rows], return_inverse=True)
        codes.append(dense.ravel())
        labels = coded.labels[present] if labels is None else labels
    numbers = None
    if covariance is not None and covariance.measured:
        numbers = np.column_stack([sample.number(name)[rows] for name in covariance.measured])
    times = None
    if covariance is not None and covariance.by_time and sample.time_codes is not None:
        times = sample.time_values[rows]
    return TiedRows(Ties(codes=tuple(codes), numbers=numbers, times=times), labels)


def bind_units(
    sample: Sample,
    covariance: Covariance,
    rows: IntArray,
    *,
    groups: IntArray | None = None,
    weights: FloatArray | None = None,
) -> BoundCovariance:
    """Bind a covariance to the influence values of units, each known by one of its rows.

    Parameters
    ----------
    sample : Sample
    covariance : Covariance
    rows : (m,) array of int
        A row of each unit.
    groups : (m,) array of int, optional
        Cohort or arm of each unit: what it weighs there is its leverage.
    weights : (m,) array, optional

    Raises
    ------
    ImpactEvalError
        `cluster_varies_within_unit`, `measure_varies_within_unit`: what ties units must not change
        within one.
    """
    _refuse_moving(sample, covariance, rows)
    tied = ties_of_rows(sample, covariance, rows)
    ties, labels = tied.ties, tied.labels
    if labels is None:
        labels = rows if sample.unit_codes is None else sample.unit_labels[sample.unit_codes[rows]]
        if covariance.by_cluster:
            ties = replace(ties, codes=(np.arange(len(rows)),))
    return BoundCovariance(
        covariance=covariance, ties=replace(ties, groups=groups, weights=weights), labels=labels
    )


def _refuse_moving(sample: Sample, covariance: Covariance, rows: IntArray) -> None:
    """Refuse a column that changes within a unit whose influence is one number."""
    units = sample.unit_codes
    if units is None:
        return
    one = np.full(sample.n_units, -1, dtype=np.int64)
    one[units[rows]] = rows
    known = one[units] >= 0
    tied = dict.fromkeys(cluster_columns(sample, covariance), "cluster")
    tied |= dict.fromkeys(covariance.measured, "measure")
    for name, kind in tied.items():
        values = sample.number(name) if name in covariance.measured else sample.codes(name).codes
        moves = (values != values[one[units]]) & known & np.isfinite(values)
        moving = np.unique(units[moves])
        if moving.size:
            raise ImpactEvalError(
                Finding.error(
                    f"{kind}_varies_within_unit",
                    column=name,
                    n=int(moving.size),
                    examples=[str(unit) for unit in sample.unit_labels[moving[:3]]],
                )
            )
