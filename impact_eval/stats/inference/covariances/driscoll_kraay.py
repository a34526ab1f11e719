r"""Errors tied within a period and over neighbouring periods, whatever the unit.

With :math:`s_t` the sum of the scores of period t,
:math:`V = M\,\big(\sum_{t,u} K(|t-u|/(m+1))\,s_ts_u'\big)\,M`, K falling linearly to zero. It rests
on many periods, not on many units.

References
----------
Driscoll, J. and Kraay, A. (1998). doi:10.1162/003465398557825
Hoechle, D. (2007). doi:10.1177/1536867X0700700301
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from impact_eval.core import Finding, ImpactEvalError
from impact_eval.stats.inference.covariances.covariance_kind import (
    Covariance,
    CovarianceResult,
    Source,
    Ties,
    in_range,
    nearest_psd,
    register_covariance,
    sum_by_cluster,
)
from impact_eval.stats.inference.regression import LinearFit

FEW_PERIODS = 20  # below, the error is too small (simulations of Hoechle 2007)


@register_covariance
@dataclass(frozen=True, slots=True)
class DriscollKraay(Covariance):
    r"""Take errors as tied within and between periods nearer than some lags.

    Parameters
    ----------
    lags : int, optional
        m, in units of the time column; by default :math:`\lfloor 4(T/100)^{2/9}\rfloor`.

    Examples
    --------
    >>> DriscollKraay(2).label
    'Driscoll-Kraay (2)'
    """

    name: ClassVar[str] = "driscoll_kraay"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.FIT})
    by_time: ClassVar[bool] = True

    lags: int | None = None

    def __post_init__(self) -> None:
        if self.lags is not None:
            in_range(self.name, "lags", self.lags, low=0, high=10_000)

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return "Driscoll-Kraay" if self.lags is None else f"Driscoll-Kraay ({self.lags:g})"

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        """Compute the covariance of the coefficients of a fit of rows.

        Raises
        ------
        ImpactEvalError
            `times_missing`; `too_few_periods_for_errors` with a single one.
        """
        if ties.times is None:
            raise ImpactEvalError(Finding.error("times_missing", covariance=self.label))
        times, codes = np.unique(ties.times, return_inverse=True)
        size = len(times)
        if size < 2:
            raise ImpactEvalError(Finding.error("too_few_periods_for_errors", n=size))
        lags = math.floor(4 * (size / 100) ** (2 / 9)) if self.lags is None else self.lags
        scores = sum_by_cluster(fit.scores @ fit.bread, codes.ravel())
        near = np.clip(1 - np.abs(times[:, None] - times[None, :]) / (lags + 1), 0, None)
        total = scores.T @ near @ scores
        matrix, findings = nearest_psd(total)
        signed = total if findings else None
        if size < FEW_PERIODS:
            few = Finding.warning("few_periods_for_errors", n=size, advised=FEW_PERIODS)
            findings = (*findings, few)
        return CovarianceResult(
            label=f"Driscoll-Kraay ({lags:g})",
            matrix=matrix,
            signed=signed,
            df=np.full(len(fit.names), float(size - 1)),
            n_clusters=(size,),
            findings=findings,
        )
