"""Common-factor extraction: minimum residuals, maximum likelihood, principal axes, components.

Uniquenesses are found by Newton steps on the concentrated function with its exact Hessian, so a fit
of twenty-five items takes a few eigen-decompositions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable

FloatArray = NDArray[np.float64]
_LOWEST = 0.005
_Concentrated = Callable[[FloatArray, FloatArray, int], tuple[float, FloatArray, FloatArray]]


class ExtractionMethod(StrEnum):
    """How the loadings are found."""

    MINRES = "minres"
    MAXIMUM_LIKELIHOOD = "ml"
    PRINCIPAL_AXIS = "principal_axis"
    COMPONENTS = "components"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorExtraction:
    """Unrotated loadings.

    Attributes
    ----------
    loadings : (p, q) array
        Columns with a positive sum, by falling sum of squares.
    uniquenesses : (p,) array
    method : ExtractionMethod
    converged : bool
    heywood : int
        Items whose uniqueness ran into its lower bound: the solution is improper.
    """

    loadings: FloatArray
    uniquenesses: FloatArray
    method: ExtractionMethod
    converged: bool
    heywood: int


def degrees_of_freedom(p: int, q: int) -> int:
    """Return ((p - q)^2 - p - q) / 2."""
    return ((p - q) ** 2 - p - q) // 2


def extract_factors(
    correlation: FloatArray,
    n_factors: int,
    *,
    method: ExtractionMethod = ExtractionMethod.MINRES,
    tolerance: float = 1e-10,
) -> FactorExtraction | NotApplicable:
    r"""Extract `n_factors` from a correlation matrix.

    Minres minimises :math:`\sum_{i<j} (r_{ij} - \lambda_i'\lambda_j)^2`; maximum likelihood
    minimises :math:`\log|\Sigma| + tr(R\Sigma^{-1}) - \log|R| - p`.

    Parameters
    ----------
    correlation : (p, p) array
        Positive definite for maximum likelihood.
    n_factors : int
        At least 1, with nonnegative degrees of freedom.
    method : ExtractionMethod
    tolerance : float
        Largest change of a uniqueness (principal axes: of the sum of communalities) at the stop.

    Returns
    -------
    FactorExtraction or NotApplicable
        `too_many_factors`, `matrix_not_positive`.

    References
    ----------
    Harman, H. H. and Jones, W. H. (1966). doi:10.1007/BF02289468;
    Jöreskog, K. G. (1967). doi:10.1007/BF02289658

    Examples
    --------
    >>> import numpy as np
    >>> load = np.array([0.9, 0.8, 0.7, 0.6])
    >>> r = np.outer(load, load); np.fill_diagonal(r, 1)
    >>> extract_factors(r, 1).loadings.ravel().round(6).tolist()
    [0.9, 0.8, 0.7, 0.6]
    """
    p = len(correlation)
    components = method is ExtractionMethod.COMPONENTS
    if n_factors < 1 or n_factors > p or (not components and degrees_of_freedom(p, n_factors) < 0):
        return NotApplicable.because("too_many_factors", n=n_factors, items=p)
    if np.isnan(correlation).any():
        return NotApplicable.because("matrix_not_positive")
    if components:
        loadings, uniquenesses, converged = _principal_components(correlation, n_factors)
    elif method is ExtractionMethod.PRINCIPAL_AXIS:
        loadings, uniquenesses, converged = _principal_axes(correlation, n_factors, tolerance)
    else:
        likelihood = method is ExtractionMethod.MAXIMUM_LIKELIHOOD
        if likelihood and np.linalg.eigvalsh(correlation)[0] < 1e-10:
            return NotApplicable.because("matrix_not_positive")
        start = _start_uniquenesses(correlation, n_factors)
        if likelihood:
            # On logarithms the function is closer to a quadratic where a uniqueness is near zero.
            log_psi, converged = _projected_newton(
                _likelihood_discrepancy, correlation, n_factors, np.log(start),
                (np.log(_LOWEST), 0.0), tolerance,
            )  # fmt: skip
            loadings = _likelihood_loadings(correlation, np.exp(log_psi), n_factors)
        else:
            psi, converged = _projected_newton(
                _residual_discrepancy, correlation, n_factors, start, (_LOWEST, 1.0), tolerance
            )
            loadings = _axis_loadings(correlation - np.diag(psi), n_factors)
        uniquenesses = 1 - np.sum(loadings**2, axis=1)
    heywood = 0 if components else int(np.sum(uniquenesses <= _LOWEST + 1e-6))
    return FactorExtraction(
        loadings=oriented(loadings), uniquenesses=uniquenesses, method=method,
        converged=converged, heywood=heywood,
    )  # fmt: skip


def oriented(loadings: FloatArray) -> FloatArray:
    """Reflect columns to a positive sum, the fixed sign of an arbitrary direction."""
    signs = np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    return loadings * signs


def _start_uniquenesses(correlation: FloatArray, q: int) -> FloatArray:
    p = len(correlation)
    if np.linalg.eigvalsh(correlation)[0] < 1e-8:
        return np.full(p, 0.5)
    unexplained = 1 / np.diag(np.linalg.inv(correlation))
    start: FloatArray = np.clip((1 - 0.5 * q / p) * unexplained, 2 * _LOWEST, 0.995)
    return start


def _eigen(matrix: FloatArray, q: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    values, vectors = np.linalg.eigh(matrix)
    kept, tail = slice(len(values) - q, None), slice(0, len(values) - q)
    return values[tail], vectors[:, tail], values[kept], vectors[:, kept]


def _axis_loadings(reduced: FloatArray, q: int) -> FloatArray:
    values, vectors = np.linalg.eigh(reduced)
    order = np.argsort(values)[::-1][:q]
    out: FloatArray = vectors[:, order] * np.sqrt(np.maximum(values[order], 0.0))
    return out


def _likelihood_loadings(correlation: FloatArray, psi: FloatArray, q: int) -> FloatArray:
    scale = np.sqrt(psi)
    values, vectors = np.linalg.eigh(correlation / np.outer(scale, scale))
    order = np.argsort(values)[::-1][:q]
    loadings: FloatArray = vectors[:, order] * np.sqrt(np.maximum(values[order] - 1, 0.0))
    return loadings * scale[:, None]


def _principal_components(correlation: FloatArray, q: int) -> tuple[FloatArray, FloatArray, bool]:
    loadings = _axis_loadings(correlation, q)
    return loadings, np.diag(correlation) - np.sum(loadings**2, axis=1), True


def _principal_axes(
    correlation: FloatArray, q: int, tolerance: float
) -> tuple[FloatArray, FloatArray, bool]:
    reduced = correlation.copy()
    np.fill_diagonal(reduced, 1 - 1 / np.diag(np.linalg.inv(correlation)))
    total = float(np.trace(reduced))
    for _ in range(5_000):
        loadings = _axis_loadings(reduced, q)
        common = np.sum(loadings**2, axis=1)
        np.fill_diagonal(reduced, common)
        change, total = abs(total - float(common.sum())), float(common.sum())
        if change < tolerance:
            return loadings, 1 - common, True
    return loadings, 1 - common, False


def _gap(low: FloatArray, value: float) -> FloatArray:
    # Tied eigenvalues have no single direction: a small gap keeps the step finite.
    return np.minimum(low - value, -1e-8)


def _residual_discrepancy(
    psi: FloatArray, correlation: FloatArray, q: int
) -> tuple[float, FloatArray, FloatArray]:
    # f = 1/2 sum of the squared smallest eigenvalues of R - Psi (Joreskog 1977).
    low, tail, high, kept = _eigen(correlation - np.diag(psi), q)
    gradient = -(tail**2) @ low
    own = tail @ tail.T
    hessian = own**2
    for value, vector in zip(high, kept.T, strict=True):
        mixed = (tail * (low / _gap(low, value))) @ tail.T
        hessian += 2 * np.outer(vector, vector) * mixed
    return 0.5 * float(low @ low), gradient, hessian


def _likelihood_discrepancy(
    log_psi: FloatArray, correlation: FloatArray, q: int
) -> tuple[float, FloatArray, FloatArray]:
    # f = sum over the smallest eigenvalues of Psi^-1/2 R Psi^-1/2 of (l - log l - 1).
    scale = np.exp(-log_psi / 2)
    low, tail, high, kept = _eigen(correlation * np.outer(scale, scale), q)
    gradient = (tail**2) @ (1 - low)
    hessian = (tail @ tail.T) * ((tail * low) @ tail.T)
    for value, vector in zip(high, kept.T, strict=True):
        weight = (1 - low) * (low + value) / _gap(low, value)
        hessian -= np.outer(vector, vector) * ((tail * weight) @ tail.T)
    return float(np.sum(low - np.log(low) - 1)), gradient, hessian


def _projected_newton(
    function: _Concentrated,
    correlation: FloatArray,
    q: int,
    start: FloatArray,
    bounds: tuple[float, float],
    tolerance: float,
) -> tuple[FloatArray, bool]:
    """Minimise within bounds by Newton steps on the coordinates that are free to move.

    Not `damped_newton`: uniquenesses stop at a bound (a Heywood case), and the concentrated
    function is convex near its minimum only, so that eigenvalues of the Hessian are made positive.
    """
    x, (low, high) = start, bounds
    value, gradient, hessian = function(x, correlation, q)
    for _ in range(200):
        free = ~(((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0)))
        step = _descent(gradient, hessian, free)
        length = 1.0
        while True:
            trial = np.clip(x + length * step, low, high)
            attempt = function(trial, correlation, q)
            if attempt[0] <= value + 1e-15 or length < 1e-8:
                break
            length /= 2
        change = float(np.abs(trial - x).max())
        x, (value, gradient, hessian) = trial, attempt
        if change < tolerance:
            return x, True
    return x, False


def _descent(gradient: FloatArray, hessian: FloatArray, free: NDArray[np.bool_]) -> FloatArray:
    step = np.zeros(len(gradient))
    if not free.any():
        return step
    values, vectors = np.linalg.eigh(hessian[np.ix_(free, free)])
    values = np.maximum(np.abs(values), 1e-6 * np.abs(values).max())
    step[free] = -(vectors / values) @ (vectors.T @ gradient[free])
    longest = float(np.abs(step).max())
    return step / longest if longest > 1 else step  # shortened whole: still downhill
