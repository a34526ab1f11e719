"""Equal variances, independent rows: the textbook covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from impact_eval.stats.inference.covariances.covariance_kind import (
    Covariance,
    CovarianceResult,
    Source,
    Ties,
    register_covariance,
    residual_df,
)
from impact_eval.stats.inference.regression import LinearFit


@register_covariance
@dataclass(frozen=True, slots=True)
class Homoskedastic(Covariance):
    r"""Take errors as independent and equally spread: :math:`\hat\sigma^2 (X'WX)^{-1}`.

    Examples
    --------
    >>> Homoskedastic().label
    'iid'
    """

    name: ClassVar[str] = "iid"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.FIT})
    stands_alone: ClassVar[bool] = True
    holds_with_one: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return self.name

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        """Compute the covariance of the coefficients of a fit of rows."""
        df = residual_df(fit)
        return CovarianceResult(label=self.label, matrix=fit.bread * fit.sigma2, df=df)
