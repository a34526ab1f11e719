r"""The wild cluster bootstrap, as a covariance.

The standard error is that of the clusters (CR1, or CR3 for the schemes whose second digit is 3);
p-value and interval come from the bootstrap of each combination, the interval by inverting the
test.

References
----------
Cameron, A. C., Gelbach, J. and Miller, D. (2008). doi:10.1162/rest.90.3.414
MacKinnon, J., Nielsen, M. and Webb, M. (2023). doi:10.1002/jae.2969
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from impact_eval.core import Finding, ImpactEvalError
from impact_eval.stats.inference.covariances.clustered import Clustered
from impact_eval.stats.inference.covariances.corrections import CR
from impact_eval.stats.inference.covariances.covariance_kind import (
    LEVEL,
    CovarianceResult,
    FloatArray,
    OfOneColumn,
    OwnTest,
    Source,
    Ties,
    member_of,
    register_covariance,
)
from impact_eval.stats.inference.random_weights import RandomWeights
from impact_eval.stats.inference.regression import LinearFit
from impact_eval.stats.inference.wild_bootstrap import (
    WildOptions,
    WildScheme,
    wild_cluster_bootstrap,
)


@register_covariance
@dataclass(frozen=True, slots=True)
class WildBootstrap(OfOneColumn):
    """Draw the signs of clusters anew, under the null that is tested.

    Parameters
    ----------
    by : str, optional
        Column of the clusters; by default the sample's own.
    scheme : {"WCR11", "WCR13", "WCR31", "WCR33", "WCU11", "WCU13", "WCU31", "WCU33"}
        Restricted or not, and how scores and variances are made: see `wild_cluster_bootstrap`.
    weights : {"rademacher", "webb", "mammen", "gaussian"}
    draws : int
        In [99, 10^7]. All sign vectors are enumerated when they are no more.
    seed : int

    Examples
    --------
    >>> WildBootstrap("bassin").label
    'wild WCR11 rademacher (bassin)'
    """

    name: ClassVar[str] = "wild_bootstrap"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.FIT})

    scheme: str = WildScheme.WCR11
    weights: str = RandomWeights.RADEMACHER
    draws: int = 9_999
    seed: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "scheme", member_of(WildScheme, "scheme", self.scheme))
        object.__setattr__(self, "weights", member_of(RandomWeights, "weights", self.weights))
        self._check_draws(self.draws, self.seed, most=10**7)

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return self._of(f"wild {self.scheme} {self.weights}")

    @property
    def needs_design(self) -> bool:
        """The bootstrap errors are fitted again on the whole design."""
        return True

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        """Compute the covariance of the coefficients of a fit of rows.

        Raises
        ------
        ImpactEvalError
            `clusters_missing`, `several_clusters`, `one_cluster`.
        """
        if len(ties.codes) > 1:
            raise ImpactEvalError(Finding.error("several_clusters", n=len(ties.codes)))
        spread = CR.CR3 if WildScheme(self.scheme).jackknife_variance else CR.CR1
        found = Clustered(correction=spread).of_fit(fit, ties)
        return replace(
            found,
            label=self.label,
            df=np.full(len(found.df), float(found.n_clusters[0] - 1)),
            moments=None,
            law=None,
            tests=partial(self._tests, fit, ties),
            findings=(),
        )

    def _tests(
        self, fit: LinearFit, ties: Ties, contrasts: FloatArray, values: FloatArray
    ) -> tuple[OwnTest, ...]:
        how = WildOptions(
            scheme=WildScheme(self.scheme), weights=RandomWeights(self.weights), draws=self.draws
        )
        out = []
        for contrast in contrasts:  # each with the same draws: its test does not depend on others
            rng = np.random.default_rng(self.seed)
            found = wild_cluster_bootstrap(
                fit, ties.codes[0], contrast, rng=rng, options=how, level=LEVEL
            )
            out.append(
                OwnTest(
                    statistic=found.statistic,
                    p_value=found.p_value,
                    conf_low=found.conf_low,
                    conf_high=found.conf_high,
                    findings=found.findings,
                )
            )
        return tuple(out)
