"""Rubin's rules: one estimate from several completed tables."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from impact_eval.core.findings import NotApplicable


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledImputations:
    """An estimate pooled over imputations.

    Attributes
    ----------
    estimate, std_error : float
    within, between, total : float
        Variances.
    increase : float
        Relative increase in variance due to what is missing.
    share : float
        Share of the variance due to what is missing (lambda).
    df_large, df : float
        Degrees of freedom of Rubin, and of Barnard and Rubin.
    missing_information : float
    conf_low, conf_high : float
    """

    estimate: float
    std_error: float
    within: float
    between: float
    total: float
    increase: float
    share: float
    df_large: float
    df: float
    missing_information: float
    conf_low: float
    conf_high: float


def pool_imputations(
    estimates: ArrayLike, variances: ArrayLike, *, df_complete: float, level: float = 0.95
) -> PooledImputations | NotApplicable:
    r"""Pool estimates over m completed tables: :math:`T = \bar U + (1 + 1/m) B`.

    Parameters
    ----------
    estimates, variances : (m,) array
    df_complete : float
        Degrees of freedom the estimate would have without any missing answer.
    level : float

    Returns
    -------
    PooledImputations or NotApplicable
        `too_few_imputations` (fewer than 2).

    References
    ----------
    Barnard, J. and Rubin, D. B. (1999). doi:10.1093/biomet/86.4.948

    Examples
    --------
    >>> p = pool_imputations([1.0, 1.2, 0.8], [0.04, 0.04, 0.04], df_complete=50)
    >>> round(p.estimate, 3), round(p.total, 4)
    (1.0, 0.0933)
    """
    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    m = len(q)
    if m < 2:
        return NotApplicable.because("too_few_imputations", n=m, advised=2)
    within, between = float(u.mean()), float(q.var(ddof=1))
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total if total else 0.0
    increase = (1 + 1 / m) * between / within if within else math.inf
    df_large = (m - 1) / share**2 if share else math.inf
    observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    df = observed if math.isinf(df_large) else df_large * observed / (df_large + observed)
    error = math.sqrt(total)
    mean = float(q.mean())
    half = float(special.stdtrit(df, 0.5 + level / 2)) * error
    return PooledImputations(
        estimate=mean, std_error=error, within=within, between=between, total=total,
        increase=increase, share=share, df_large=df_large, df=df,
        missing_information=(increase + 2 / (df + 3)) / (1 + increase),
        conf_low=mean - half, conf_high=mean + half,
    )  # fmt: skip
