r"""The multiplier bootstrap of influence values, as a covariance.

:math:`t^*_j = \sum_g v_g\psi_{gj} / se_j` with random weights v by unit or by cluster; the p-value
is the share of :math:`|t^*|` at least as large as :math:`|t|`, and the interval
:math:`\hat\theta_j \pm q\,se_j` with q the quantile of :math:`|t^*|`. The standard error is that of
the influence values (CR0).

References
----------
Callaway, B. and Sant'Anna, P. (2021), Algorithm 1. doi:10.1016/j.jeconom.2020.12.001
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from impact_eval.stats.inference.bootstrap import multiplier_t
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

_TIE = 1e-9


@register_covariance
@dataclass(frozen=True, slots=True)
class MultiplierBootstrap(OfOneColumn):
    """Weigh the influence of units (or clusters) at random, many times.

    Parameters
    ----------
    by : str, optional
        Column of the clusters; by default the sample's own, else its units.
    weights : {"rademacher", "webb", "mammen", "gaussian"}
    draws : int
        In [99, 10^7].
    seed : int

    Examples
    --------
    >>> MultiplierBootstrap("bassin").label
    'multiplier rademacher (bassin)'
    """

    name: ClassVar[str] = "multiplier"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.FIT, Source.INFLUENCE})

    weights: str = RandomWeights.RADEMACHER
    draws: int = 9_999
    seed: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", member_of(RandomWeights, "weights", self.weights))
        self._check_draws(self.draws, self.seed, most=10**7)

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return self._of(f"multiplier {self.weights}")

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        """Compute the covariance of the coefficients of a fit of rows."""
        return self._tested(Clustered(correction=CR.CR0).of_fit(fit, ties))

    def of_influence(self, influence: FloatArray, ties: Ties) -> CovarianceResult:
        """Compute the covariance of estimates from their (n, k) influence values."""
        return self._tested(Clustered(correction=CR.CR0).of_influence(influence, ties))

    def _tested(self, found: CovarianceResult) -> CovarianceResult:
        assert found.influence is not None
        return replace(
            found,
            label=self.label,
            df=np.full(len(found.df), np.inf),
            moments=None,
            law=None,
            tests=partial(self._tests, found.influence),
        )

    def _tests(
        self, influence: FloatArray, contrasts: FloatArray, values: FloatArray
    ) -> tuple[OwnTest, ...]:
        psi = influence @ contrasts.T
        errors = np.sqrt((psi**2).sum(axis=0))
        rng, law = np.random.default_rng(self.seed), RandomWeights(self.weights)
        drawn = np.abs(multiplier_t(psi, rng=rng, law=law, draws=self.draws))
        out = []
        for j, (value, error) in enumerate(zip(values.tolist(), errors.tolist(), strict=True)):
            statistic = value / error
            count = int((drawn[:, j] >= abs(statistic) * (1 - _TIE)).sum())
            margin = float(np.quantile(drawn[:, j], LEVEL)) * error
            p_value = (count + 1) / (len(drawn) + 1)
            out.append(OwnTest(statistic=statistic, p_value=p_value,
                               conf_low=value - margin, conf_high=value + margin))  # fmt: skip
        return tuple(out)
