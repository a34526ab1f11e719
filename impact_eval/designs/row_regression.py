"""One regression of rows, its covariance by the level of assignment, and who is independent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.data.sample import Sample
from impact_eval.designs.base import ALWAYS_TREATED_RETOLD
from impact_eval.designs.few_independent import clusters_declared, few_independent
from impact_eval.designs.ties import ties_of_rows
from impact_eval.stats.inference.covariance import (
    CR,
    HC,
    Clustered,
    Covariance,
    CovarianceResult,
    Robust,
    Ties,
)
from impact_eval.stats.inference.regression import LinearFit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Independent:
    """Which rows are tied, and the labels of what is independent.

    Attributes
    ----------
    ties : Ties
        Its codes are empty when every row stands alone.
    labels : (m,) array
        Of the clusters of the first dimension, or of the rows.
    declared : bool
        Clusters are declared, were each of them a single row.
    """

    ties: Ties
    labels: NDArray[Any]
    declared: bool = False

    @property
    def codes(self) -> tuple[IntArray, ...]:
        """Codes (n,) of the clusters, one array per dimension."""
        return self.ties.codes

    @property
    def clustered(self) -> bool:
        """Whether some rows are tied within clusters."""
        return bool(self.ties.codes)


def independent_rows(sample: Sample, covariance: Covariance | None, keep: BoolArray) -> Independent:
    """Return the ties of the rows kept: by the columns of the covariance, else of the sample.

    Parameters
    ----------
    sample : Sample
    covariance : Covariance or None
        One that `stands_alone` means that rows are independent, whatever the sample's clusters.
    keep : (n,) array of bool

    Returns
    -------
    Independent
    """
    rows = np.flatnonzero(keep)
    tied = ties_of_rows(sample, covariance, rows)
    ties, labels = tied.ties, tied.labels
    if labels is None:
        alone = rows if sample.unit_codes is None else sample.unit_labels[sample.unit_codes[keep]]
        return Independent(ties, alone)
    declared = clusters_declared(sample, covariance)
    if len(labels) == len(rows) and len(ties.codes) == 1:
        # one row each: rows are independent
        return Independent(replace(ties, codes=()), labels[ties.codes[0]], declared)
    return Independent(ties, labels, declared)


def covariance_of_rows(
    fit: LinearFit, covariance: Covariance | None, tied: Independent
) -> CovarianceResult:
    """Return the covariance asked for; by default HC2, or CR2-Satterthwaite when rows are tied.

    A `Clustered` whose clusters are single rows keeps its name in HC terms: CR2 is HC2, CR0 is HC0.
    """
    ties = tied.ties
    if covariance is None:
        covariance = Clustered(correction=CR.CR2) if tied.clustered else Robust(HC.HC2)
    elif covariance.by_cluster and not tied.clustered:
        if isinstance(covariance, Clustered):
            covariance = Robust(_ROW_KIND[CR(covariance.correction)])
        else:
            ties = replace(ties, codes=(np.arange(len(fit.residuals)),))
    return covariance.of_fit(fit, ties)


_ROW_KIND = {
    CR.CR0: HC.HC0,
    CR.CR1: HC.HC1,
    CR.CR2: HC.HC2,
    CR.CR3: HC.HC3,
    CR.JACKKNIFE: HC.HC3,
}


def sample_findings(sample: Sample, outcome: str) -> list[Finding]:
    """Return the sample's findings, but the one that these designs retell: the always treated."""
    return [f for f in sample.findings_on(outcome) if f.code not in ALWAYS_TREATED_RETOLD]


def independent_by_arm(treated: BoolArray, tied: Independent) -> tuple[int, int]:
    """Return how many independent rows, or clusters met, the treated and the others have.

    With several kinds of clusters, those of the kind that has the fewest in an arm.
    """
    if not tied.clustered:
        return int(treated.sum()), int((~treated).sum())
    kinds = [
        (int(np.unique(codes[treated]).size), int(np.unique(codes[~treated]).size))
        for codes in tied.codes
    ]
    return min(kinds, key=lambda arms: (min(arms), sum(arms)))


def fewest_clusters(tied: Independent) -> int:
    """Return how many rows, or clusters of the kind that has the fewest, are independent."""
    if not tied.clustered:
        return len(tied.labels)
    return min(int(np.unique(codes).size) for codes in tied.codes)


def few_findings(
    treated: BoolArray, tied: Independent, covariance: Covariance | None
) -> tuple[Finding, ...]:
    """Warn when few units or clusters are independent, in all or in an arm."""
    among, others = independent_by_arm(treated, tied)
    return few_independent(
        treated=among,
        comparison=others,
        total=fewest_clusters(tied),
        shared=among + others - fewest_clusters(tied),
        clustered=tied.declared,
        holds_with_one=covariance is not None and covariance.holds_with_one,
    )
