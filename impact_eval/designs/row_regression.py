"""One regression of rows, its covariance by the level of assignment, and who is independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Influence
from impact_eval.core.findings import Finding
from impact_eval.data.sample import Sample
from impact_eval.designs.few_independent import clusters_declared, few_independent
from impact_eval.stats.inference.covariance import CovarianceResult, covariance_of_fit
from impact_eval.stats.inference.covariance_types import CR, HC, Clustered, Robust
from impact_eval.stats.inference.regression import LinearFit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

RowCovariance: TypeAlias = Robust | Clustered


@dataclass(frozen=True, slots=True)
class Independent:
    """Which rows are tied: codes (n,) of one or several dimensions, and the labels of the first.

    Attributes
    ----------
    codes : tuple of (n,) arrays of int
        Empty when every row stands alone.
    labels : (m,) array
        Of the clusters, or of the rows.
    declared : bool
        Clusters are declared, were each of them a single row.
    """

    codes: tuple[IntArray, ...]
    labels: NDArray[Any]
    declared: bool = False

    @property
    def clustered(self) -> bool:
        """Whether some rows are tied."""
        return bool(self.codes)


def independent_rows(
    sample: Sample, covariance: RowCovariance | None, keep: BoolArray
) -> Independent:
    """Return the clusters of the rows kept: those named by the covariance, else the sample's.

    Parameters
    ----------
    sample : Sample
    covariance : Robust, Clustered or None
        `Robust` means that rows are independent, whatever the sample's clusters.
    keep : (n,) array of bool

    Returns
    -------
    Independent
    """
    names: tuple[str, ...] = ()
    if not isinstance(covariance, Robust):
        named = covariance.columns if isinstance(covariance, Clustered) else ()
        names = named or sample.cluster_names
    if not names:
        if sample.unit_codes is None:
            return Independent((), np.flatnonzero(keep))
        return Independent((), sample.unit_labels[sample.unit_codes[keep]])
    codes, labels = [], None
    declared = clusters_declared(sample, covariance)
    for name in names:
        coded = sample.codes(name)
        present, inverse = np.unique(coded.codes[keep], return_inverse=True)
        codes.append(inverse)
        labels = coded.labels[present] if labels is None else labels
    assert labels is not None
    if codes[0].max() + 1 == len(codes[0]) and len(codes) == 1:
        # one row each: rows are independent
        return Independent((), labels[codes[0]], declared)
    return Independent(tuple(codes), labels, declared)


def covariance_of_rows(
    fit: LinearFit, covariance: RowCovariance | None, tied: Independent
) -> CovarianceResult:
    """Return the covariance asked for; by default HC2, or CR2-Satterthwaite when rows are tied.

    A `Clustered` whose clusters are single rows keeps its name in HC terms: CR2 is HC2, CR0 is HC0.
    """
    if not tied.clustered:
        kind = covariance.kind if isinstance(covariance, Robust) else _ROW_KIND.get(
            str(getattr(covariance, "correction", CR.CR2)), HC.HC2
        )  # fmt: skip
        return covariance_of_fit(fit, Robust(kind))
    chosen = covariance if isinstance(covariance, Clustered) else Clustered(correction=CR.CR2)
    codes = tied.codes[0] if len(tied.codes) == 1 else tied.codes
    return covariance_of_fit(fit, chosen, clusters=codes)


_ROW_KIND = {"CR0": HC.HC0, "CR1": HC.HC1, "CR2": HC.HC2, "CR3": HC.HC3, "jackknife": HC.HC3}


def influence_of(result: CovarianceResult, column: int, tied: Independent) -> Influence | None:
    """Return the influence of one coefficient, or None when the covariance is not a plain sum."""
    if result.influence is None:
        return None
    return Influence(result.influence[:, [column]], tied.labels)


def told_by_sample(sample: Sample) -> list[Finding]:
    """Return the sample's findings, but the one that these designs repeat: the always treated."""
    return [finding for finding in sample.findings if finding.code != "always_treated"]


def few_findings(treated: BoolArray, tied: Independent) -> tuple[Finding, ...]:
    """Warn when few units or clusters are independent, in all or among the treated.

    Units that stand alone are not counted in all: their error (HC2, Welch) holds with few.
    """
    among = np.unique(tied.codes[0][treated]).size if tied.clustered else treated.sum()
    counted = tied.clustered or tied.declared
    return few_independent(
        treated=int(among), total=len(tied.labels) if counted else None, clustered=tied.declared
    )
