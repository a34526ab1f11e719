r"""Errors tied within clusters, in one or several dimensions.

=========  ================================================================================
CR0        clusters, no correction
CR1        CR0 times :math:`\frac{G}{G-1}\cdot\frac{n-1}{n-k}` (what Stata and fixest print;
           `CR1S` in clubSandwich), t with G-1 degrees of freedom
CR2        Bell-McCaffrey adjustment, Satterthwaite degrees of freedom; the default
CR3        :math:`A_j=(I-H_{jj})^{-1}` (clubSandwich), Satterthwaite degrees of freedom
jackknife  CR3 times (G-1)/G, t with G-1 degrees of freedom: the leave-one-cluster-out variance
           centred at the full estimate (CV3 of MacKinnon, Nielsen and Webb)
=========  ================================================================================

From influence values CR1 is G/(G-1) times CR0, and the others use the leverage of a cluster in the
groups compared (see `corrections`).

References
----------
Pustejovsky, J. and Tipton, E. (2018). doi:10.1080/07350015.2016.1247004
Cameron, A. C., Gelbach, J. and Miller, D. (2011). doi:10.1198/jbes.2010.07136
MacKinnon, J., Nielsen, M. and Webb, M. (2023). doi:10.1002/jae.2969
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import ClassVar

import numpy as np

from impact_eval.core import Finding, ImpactEvalError
from impact_eval.stats.inference.cluster_moments import satterthwaite_df
from impact_eval.stats.inference.covariances.corrections import (
    CR,
    cluster_moments,
    few_clusters,
    influence_covariance,
    small_sample_factor,
)
from impact_eval.stats.inference.covariances.covariance_kind import (
    Covariance,
    CovarianceResult,
    FloatArray,
    IntArray,
    Source,
    Ties,
    as_columns,
    crossed,
    member_of,
    named_columns,
    nearest_psd,
    register_covariance,
    residual_df,
)
from impact_eval.stats.inference.regression import LinearFit

OneWay = Callable[[IntArray], CovarianceResult]


@register_covariance
@dataclass(frozen=True, slots=True)
class Clustered(Covariance):
    """Take errors as tied within clusters: the level at which the action was assigned.

    Parameters
    ----------
    by : str, tuple of str, or None
        Column(s) of the clusters; None takes the sample's own clusters. Several columns: multi-way.
    correction : {"CR0", "CR1", "CR2", "CR3", "jackknife"}

    Examples
    --------
    >>> Clustered("bassin").label
    'CR2 (bassin)'
    """

    name: ClassVar[str] = "clustered"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.FIT, Source.INFLUENCE})
    by_cluster: ClassVar[bool] = True

    by: str | tuple[str, ...] | None = None
    correction: str = CR.CR2

    def __post_init__(self) -> None:
        object.__setattr__(self, "correction", member_of(CR, "correction", self.correction))
        if self.by is not None:
            named = named_columns(self.name, "by", self.by)
            object.__setattr__(self, "by", self.by if isinstance(self.by, str) else named)

    @property
    def coded(self) -> tuple[str, ...]:
        """The columns named, none when the sample's clusters are meant."""
        return as_columns(self.by)

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return f"{self.correction} ({', '.join(self.coded)})" if self.by else str(self.correction)

    @property
    def needs_design(self) -> bool:
        """The corrections by leverage do."""
        return CR(self.correction) not in (CR.CR0, CR.CR1)

    @classmethod
    def from_text(cls, text: str) -> Covariance | None:
        """Return the covariance that `CR0` to `CR3` and `jackknife` mean."""
        return cls(correction=text) if text in tuple(CR) else None

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        """Compute the covariance of the coefficients of a fit of rows.

        Raises
        ------
        ImpactEvalError
            `clusters_missing`, `one_cluster`, `no_residual_df`.
        """
        return self._over(ties.codes, partial(self._one_fit, fit), len(fit.names))

    def of_influence(self, influence: FloatArray, ties: Ties) -> CovarianceResult:
        """Compute the covariance of estimates from their (n, k) influence values."""

        def one(codes: IntArray) -> CovarianceResult:
            return influence_covariance(influence, codes, ties, CR(self.correction), self.label)

        return self._over(ties.codes, one, influence.shape[1])

    def _over(self, codes: Sequence[IntArray], one: OneWay, size: int) -> CovarianceResult:
        if not codes:
            raise ImpactEvalError(Finding.error("clusters_missing", covariance=self.label))
        return one(codes[0]) if len(codes) == 1 else self._multiway(codes, one, size)

    def _one_fit(self, fit: LinearFit, clusters: IntArray) -> CovarianceResult:
        correction = CR(self.correction)
        moments = cluster_moments(fit, np.asarray(clusters), correction)
        groups = moments.n_clusters
        if groups < 2:
            raise ImpactEvalError(Finding.error("one_cluster"))
        if correction is CR.CR1:
            residual_df(fit)
        factor = small_sample_factor(
            correction, clusters=groups, n=fit.n, parameters=len(fit.names) + fit.absorbed
        )
        influence = moments.influence * math.sqrt(factor)
        law = partial(satterthwaite_df, moments) if correction.satterthwaite else None
        size = len(fit.names)
        return CovarianceResult(
            label=self.label,
            matrix=influence.T @ influence,
            df=np.full(size, float(groups - 1)) if law is None else law(np.eye(size)),
            n_clusters=(groups,),
            influence=influence,
            moments=moments,
            law=law,
            findings=few_clusters(groups, correction),
        )

    def _multiway(self, codes: Sequence[IntArray], one: OneWay, size: int) -> CovarianceResult:
        """Add and subtract over the subsets of dimensions (Cameron, Gelbach and Miller 2011)."""
        total = np.zeros((size, size))
        singles: list[CovarianceResult] = []
        for width in range(1, len(codes) + 1):
            for subset in combinations(codes, width):
                part = one(crossed(subset))
                total += part.matrix if width % 2 else -part.matrix
                if width == 1:
                    singles.append(part)
        matrix, findings = nearest_psd(total)
        return CovarianceResult(
            label=self.label,
            matrix=matrix,
            signed=total if findings else None,
            df=np.min([part.df for part in singles], axis=0),
            n_clusters=tuple(part.n_clusters[0] for part in singles),
            law=_least([part for part in singles if part.law is not None]),
            findings=(*_distinct(f for part in singles for f in part.findings), *findings),
        )


def _least(parts: list[CovarianceResult]) -> Callable[[FloatArray], FloatArray] | None:
    """Return the smallest degrees of freedom over dimensions, as a function of contrasts."""
    laws = [part.law for part in parts if part.law is not None]
    if not laws:
        return None
    return lambda contrasts: np.min([law(contrasts) for law in laws], axis=0)


def _distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    kept: list[Finding] = []
    for finding in findings:
        if finding not in kept:
            kept.append(finding)
    return tuple(kept)
