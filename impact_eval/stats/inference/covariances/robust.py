r"""Independent rows of unequal variances.

HC0 is :math:`M\,(\sum_i s_is_i')\,M` with bread :math:`M = (X'WX)^{-1}` and the scores s of the
rows; HC1 multiplies it by n/(n-k); HC2 and HC3 divide the residual by the root of 1-h, by 1-h.
On influence values, h is what a unit weighs in the mean of its group.

References
----------
MacKinnon, J. and White, H. (1985). doi:10.1016/0304-4076(85)90158-7
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

import numpy as np

from impact_eval.core import Finding, ImpactEvalError
from impact_eval.stats.inference.cluster_moments import SINGULAR, inverse, inverse_root
from impact_eval.stats.inference.covariances.corrections import CR, influence_covariance
from impact_eval.stats.inference.covariances.covariance_kind import (
    Covariance,
    CovarianceResult,
    FloatArray,
    Source,
    Ties,
    member_of,
    register_covariance,
    residual_df,
)
from impact_eval.stats.inference.regression import LinearFit


class HC(StrEnum):
    """Corrections for independent rows."""

    HC0 = "HC0"
    HC1 = "HC1"
    HC2 = "HC2"
    HC3 = "HC3"


_SAME_BY_UNIT = {HC.HC0: CR.CR0, HC.HC1: CR.CR1, HC.HC2: CR.CR2, HC.HC3: CR.CR3}


@register_covariance
@dataclass(frozen=True, slots=True)
class Robust(Covariance):
    """Take rows as independent, of unequal variances, whatever the clusters of the sample.

    Parameters
    ----------
    kind : {"HC0", "HC1", "HC2", "HC3"}

    Examples
    --------
    >>> Robust("HC3").label
    'HC3'
    """

    name: ClassVar[str] = "robust"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.FIT, Source.INFLUENCE})
    stands_alone: ClassVar[bool] = True

    kind: str = HC.HC2

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", member_of(HC, "kind", self.kind))

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return str(self.kind)

    @classmethod
    def from_text(cls, text: str) -> Covariance | None:
        """Return the covariance that `HC0` to `HC3` mean."""
        return cls(text) if text in tuple(HC) else None

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        """Compute the covariance of the coefficients of a fit of rows.

        Raises
        ------
        ImpactEvalError
            `no_residual_df`; `absorbed_leverage_missing` for HC2 and HC3.
        """
        df = residual_df(fit)
        kind = HC(self.kind)
        findings: tuple[Finding, ...] = ()
        factor: FloatArray | float = 1.0
        if kind is HC.HC1:
            factor = math.sqrt(fit.n / fit.df_residual)
        elif kind in (HC.HC2, HC.HC3):
            if fit.absorbed and not fit.leverage_complete:
                raise ImpactEvalError(
                    Finding.error("absorbed_leverage_missing", covariance=str(kind))
                )
            room = 1 - fit.leverage
            alone = int((room < SINGULAR).sum())
            if alone:
                findings = (Finding.warning("leverage_one", n=alone, covariance=str(kind)),)
            factor = (inverse_root(room) if kind is HC.HC2 else inverse(room))[:, None]
        influence = fit.scores @ fit.bread * factor
        return CovarianceResult(
            label=self.label,
            matrix=influence.T @ influence,
            df=df,
            influence=influence,
            findings=findings,
        )

    def of_influence(self, influence: FloatArray, ties: Ties) -> CovarianceResult:
        """Compute the covariance of estimates from their (n, k) influence values."""
        alone = np.arange(len(influence))
        correction = _SAME_BY_UNIT[HC(self.kind)]
        found = influence_covariance(influence, alone, ties, correction, self.label)
        return replace(found, n_clusters=(), findings=())
