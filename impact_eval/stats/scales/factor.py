"""Exploratory factor analysis: one call from a correlation matrix to loadings, fit and scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.factor_extraction import (
    ExtractionMethod,
    degrees_of_freedom,
    extract_factors,
)
from impact_eval.stats.scales.factor_rotation import RotationMethod, rotate

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorFit:
    """How well the factors reproduce the correlations.

    Attributes
    ----------
    objective : float
        Maximum-likelihood discrepancy, whatever the extraction.
    chi_square, df, p_value : float
        With Bartlett's correction of the sample size.
    rmsr : float
        Root mean square of the off-diagonal residuals.
    tli, rmsea, bic : float
    """

    objective: float
    chi_square: float
    df: int
    p_value: float
    rmsr: float
    tli: float
    rmsea: float
    bic: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSolution:
    """A rotated factor solution.

    Attributes
    ----------
    loadings : (p, q) array
        Pattern; columns with a positive sum, by falling sum of squares.
    phi : (q, q) array
        Correlations of the factors.
    structure : (p, q) array
        Correlations of items and factors.
    uniquenesses, communalities : (p,) arrays
    fit : FactorFit
    converged : bool
    heywood : int
        Items with an improper uniqueness.
    """

    loadings: FloatArray
    phi: FloatArray
    structure: FloatArray
    uniquenesses: FloatArray
    communalities: FloatArray
    fit: FactorFit
    converged: bool
    heywood: int


def exploratory_factors(
    correlation: FloatArray,
    *,
    n: int,
    n_factors: int,
    method: ExtractionMethod = ExtractionMethod.MINRES,
    rotation: RotationMethod = RotationMethod.OBLIMIN,
    tolerance: float = 1e-10,
) -> FactorSolution | NotApplicable:
    """Fit an exploratory factor model.

    Parameters
    ----------
    correlation : (p, p) array
        Pearson or polychoric.
    n : int
        Persons.
    n_factors : int
    method : ExtractionMethod
    rotation : RotationMethod
    tolerance : float
        Stop of the extraction.

    Returns
    -------
    FactorSolution or NotApplicable
        `too_many_factors`, `matrix_not_positive`.

    Assumptions
    -----------
    Items relate linearly to the factors; the chi-squared test supposes normal items.

    References
    ----------
    Lawley, D. N. and Maxwell, A. E. (1962). doi:10.2307/2986915

    Examples
    --------
    >>> import numpy as np
    >>> load = np.array([[0.8, 0], [0.7, 0], [0.6, 0], [0, 0.7], [0, 0.6], [0, 0.8]])
    >>> r = load @ np.array([[1, 0.3], [0.3, 1]]) @ load.T
    >>> np.fill_diagonal(r, 1)
    >>> found = exploratory_factors(r, n=300, n_factors=2)
    >>> round(float(found.phi[0, 1]), 4)
    0.3
    """
    extraction = extract_factors(correlation, n_factors, method=method, tolerance=tolerance)
    if isinstance(extraction, NotApplicable):
        return extraction
    turned = rotate(extraction.loadings, method=rotation)
    return FactorSolution(
        loadings=turned.loadings, phi=turned.phi, structure=turned.loadings @ turned.phi,
        uniquenesses=extraction.uniquenesses, communalities=1 - extraction.uniquenesses,
        fit=factor_fit(correlation, extraction.loadings, n=n),
        converged=extraction.converged and turned.converged, heywood=extraction.heywood,
    )  # fmt: skip


def factor_fit(correlation: FloatArray, loadings: FloatArray, *, n: int) -> FactorFit:
    """Compute the fit of orthogonal loadings to a correlation matrix of `n` persons."""
    p, q = loadings.shape
    df = degrees_of_freedom(p, q)
    implied: FloatArray = loadings @ loadings.T
    residual: FloatArray = correlation - implied
    np.fill_diagonal(residual, 0.0)
    np.fill_diagonal(implied, 1.0)
    objective = _discrepancy(correlation, implied)
    size = n - 1 - (2 * p + 5) / 6 - 2 * q / 3
    chi_square = max(objective * size, 0.0)
    null = -float(np.linalg.slogdet(correlation)[1])
    null_ratio = null / (p * (p - 1) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.float64(objective) / df
        tli = float((null_ratio - ratio) / (null_ratio - 1 / size))
        rmsea = float(np.sqrt(np.maximum(np.float64(chi_square) / (df * n) - 1 / (n - 1), 0)))
    return FactorFit(
        objective=objective, chi_square=chi_square, df=df,
        p_value=float(special.chdtrc(df, chi_square)) if df > 0 else math.nan,
        rmsr=float(np.sqrt(np.sum(residual**2) / (p * (p - 1)))),
        tli=tli, rmsea=rmsea, bic=chi_square - df * math.log(n),
    )  # fmt: skip


def _discrepancy(correlation: FloatArray, implied: FloatArray) -> float:
    sign, log_det = np.linalg.slogdet(implied)
    if sign <= 0:
        return math.nan
    product = np.linalg.solve(implied, correlation)
    own = float(np.linalg.slogdet(correlation)[1])
    return float(log_det + np.trace(product) - own - len(correlation))


def factor_score_weights(solution: FactorSolution, correlation: FloatArray) -> FloatArray:
    r"""Return Thurstone's regression weights :math:`R^{-1} S`, (p, q), for standardised items."""
    return np.linalg.solve(correlation, solution.structure).astype(np.float64)


def bartlett_score_weights(solution: FactorSolution) -> FloatArray:
    r"""Return Bartlett's weights :math:`U^{-1}L(L'U^{-1}L)^{-1}`, (p, q): unbiased, noisier."""
    weighted = solution.loadings / solution.uniquenesses[:, None]
    weights: FloatArray = weighted @ np.linalg.inv(solution.loadings.T @ weighted)
    return weights


def congruence(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return Tucker's congruence of the columns of two loading matrices, (q1, q2).

    Examples
    --------
    >>> import numpy as np
    >>> round(float(congruence(np.array([[0.8], [0.6]]), np.array([[0.4], [0.3]]))[0, 0]), 6)
    1.0
    """
    cross = first.T @ second
    scale = np.sqrt(np.outer(np.sum(first**2, axis=0), np.sum(second**2, axis=0)))
    out: FloatArray = cross / scale
    return out
