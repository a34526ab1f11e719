"""Fit indices of factor models: exact fit, fit against independence, residuals, closeness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparativeFit:
    """Indices made of two chi-squared statistics: the model's and the independence model's.

    Attributes
    ----------
    chi_square, df, p_value : float
    baseline_chi_square, baseline_df : float
    cfi, tli, nfi, rfi, ifi, rni : float
    rmsea, rmsea_low, rmsea_high : float
        With its 90 % interval.
    rmsea_close : float
        p-value of the test that RMSEA is at most 0.05.
    """

    chi_square: float
    df: int
    p_value: float
    baseline_chi_square: float
    baseline_df: int
    cfi: float
    tli: float
    nfi: float
    rfi: float
    ifi: float
    rni: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    rmsea_close: float


def comparative_fit(
    chi_square: float,
    df: int,
    *,
    baseline_chi_square: float,
    baseline_df: int,
    n: int,
    n_groups: int = 1,
    scaling: float = 1.0,
) -> ComparativeFit:
    r"""Compute the comparative indices.

    .. math:: RMSEA = \sqrt{G \max(0, \chi^2 - df) / (N df)}

    Parameters
    ----------
    chi_square, df : float, int
    baseline_chi_square, baseline_df : float, int
    n, n_groups : int
        Persons in all, groups.
    scaling : float
        Scaling factor of a mean-adjusted statistic: its RMSEA interval inverts the unscaled
        statistic on ``scaling * df`` degrees of freedom.

    References
    ----------
    Bentler, P. M. (1990). doi:10.1037/0033-2909.107.2.238; Steiger, J. H. (1998).
    doi:10.1080/10705519809540115

    Examples
    --------
    >>> fit = comparative_fit(85.306, 24, baseline_chi_square=918.852, baseline_df=36, n=301)
    >>> round(fit.cfi, 4), round(fit.rmsea, 4)
    (0.9306, 0.0921)
    """
    excess, base = chi_square - df, baseline_chi_square - baseline_df
    cfi = 1 - max(excess, 0.0) / max(excess, base, 1e-300)
    ratio = chi_square / df if df > 0 else math.nan
    base_ratio = baseline_chi_square / baseline_df
    size = n * df / n_groups
    return ComparativeFit(
        chi_square=chi_square, df=df,
        p_value=float(special.chdtrc(df, chi_square)) if df > 0 else math.nan,
        baseline_chi_square=baseline_chi_square, baseline_df=baseline_df, cfi=cfi,
        tli=(base_ratio - ratio) / (base_ratio - 1), nfi=1 - chi_square / baseline_chi_square,
        rfi=(base_ratio - ratio) / base_ratio,
        ifi=(baseline_chi_square - chi_square) / (baseline_chi_square - df),
        rni=(base - excess) / base,
        rmsea=math.sqrt(max(excess, 0.0) / size) if df > 0 else 0.0,
        rmsea_low=_noncentrality(chi_square, df, 0.95, size, scaling),
        rmsea_high=_noncentrality(chi_square, df, 0.05, size, scaling),
        rmsea_close=_close(chi_square * scaling, df * scaling, size * scaling),
    )  # fmt: skip


def _noncentrality(chi_square: float, df: int, tail: float, size: float, scaling: float) -> float:
    raw, parts = chi_square * scaling, df * scaling
    if df <= 0 or special.chdtr(parts, raw) < tail:
        return 0.0
    centre = float(special.chndtrinc(raw, parts, tail))
    return math.sqrt(max(centre, 0.0) / (size * scaling))


def _close(chi_square: float, df: float, size: float) -> float:
    if df <= 0:
        return math.nan
    return float(1 - special.chndtr(chi_square, df, size * 0.05**2))


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustFit:
    """CFI, TLI and RMSEA of the population, freed of the scaling of the statistic."""

    cfi: float
    tli: float
    rmsea: float


def robust_fit(
    model: tuple[float, int, float], baseline: tuple[float, int, float], *, n: int, n_groups: int
) -> RobustFit:
    """Compute robust indices from (statistic, df, mean eigenvalue) of model and baseline.

    References
    ----------
    Brosseau-Liard, P. E. and Savalei, V. (2014). doi:10.1080/00273171.2014.933697
    """
    chi_square, df, scale = model
    base_chi, base_df, base_scale = baseline
    excess, base = chi_square - scale * df, base_chi - base_scale * base_df
    return RobustFit(
        cfi=1 - max(excess, 0.0) / max(excess, base, 1e-300),
        tli=1 - excess / base * base_df / df if df > 0 else math.nan,
        rmsea=math.sqrt(n_groups * max(excess, 0.0) / (n * df)) if df > 0 else 0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualFit:
    """Indices made of residual moments.

    Attributes
    ----------
    rmr : float
        Root mean square of raw residuals.
    srmr : float
        Of standardised residuals (means included when modelled).
    gfi, agfi : float
    """

    rmr: float
    srmr: float
    gfi: float
    agfi: float


@dataclass(frozen=True, slots=True)
class ResidualTerms:
    """What one group brings to the residual indices."""

    observed: FloatArray
    implied: FloatArray
    weight: FloatArray
    scale: FloatArray
    n: int


def residual_fit(
    terms: Sequence[ResidualTerms], *, df: int, counted: tuple[int, int] | None = None
) -> ResidualFit:
    """Compute the residual indices: means over groups, weighted by their sizes.

    Parameters
    ----------
    terms : sequence of ResidualTerms
        Moment vectors, their weight matrix, and the product of standard deviations that
        standardises each residual.
    df : int
    counted : (int, int), optional
        Moments over which RMR and SRMR are averaged (all, by default).
    """
    total = sum(term.n for term in terms)
    rmr = srmr = gfi = 0.0
    for term in terms:
        gap = term.observed - term.implied
        size, share = len(gap), term.n / total
        standard = gap / term.scale
        lost = float(gap @ term.weight @ gap) / float(term.observed @ term.weight @ term.observed)
        raw, standardised = counted or (size, size)
        rmr += share * math.sqrt(float(gap @ gap) / raw)
        srmr += share * math.sqrt(float(standard @ standard) / standardised)
        gfi += share * (1 - lost)
    moments = sum(len(term.observed) for term in terms)
    agfi = 1 - (1 - gfi) * moments / df if df > 0 else math.nan
    return ResidualFit(rmr=rmr, srmr=srmr, gfi=gfi, agfi=agfi)


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationCriteria:
    """Log-likelihoods and criteria of a normal model."""

    log_likelihood: float
    saturated_log_likelihood: float
    aic: float
    bic: float
    bic_adjusted: float


def information_criteria(
    log_likelihood: float, saturated: float, *, n_free: int, n: int
) -> InformationCriteria:
    """Compute AIC, BIC and sample-size adjusted BIC."""
    deviance = -2 * log_likelihood
    return InformationCriteria(
        log_likelihood=log_likelihood, saturated_log_likelihood=saturated,
        aic=deviance + 2 * n_free, bic=deviance + math.log(n) * n_free,
        bic_adjusted=deviance + math.log((n + 2) / 24) * n_free,
    )  # fmt: skip
