"""Omega: reliability from a factor model, total, hierarchical and for ordered answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.bivariate_normal import bivariate_normal_cdf
from impact_eval.stats.scales.factor_extraction import ExtractionMethod, extract_factors
from impact_eval.stats.scales.factor_rotation import RotationMethod, rotate

FloatArray = NDArray[np.float64]


def omega_total(loadings: ArrayLike, uniquenesses: ArrayLike) -> float:
    r"""Return McDonald's omega of one factor: :math:`(\sum\lambda)^2/((\sum\lambda)^2+\sum\theta)`.

    Parameters
    ----------
    loadings, uniquenesses : (k,) arrays

    References
    ----------
    McDonald, R. P. (1999). doi:10.4324/9781410601087

    Examples
    --------
    >>> round(omega_total([0.7, 0.7, 0.7, 0.7], [0.51, 0.51, 0.51, 0.51]), 4)
    0.7935
    """
    common = float(np.sum(np.asarray(loadings, dtype=np.float64))) ** 2
    return common / (common + float(np.sum(np.asarray(uniquenesses, dtype=np.float64))))


@dataclass(frozen=True, slots=True)
class OneFactorOmega:
    """Omega of a one-factor model and the model it rests on.

    Attributes
    ----------
    value : float
    loadings, uniquenesses : (k,) arrays
        Of the standardised items.
    heywood : int
        Items with an improper uniqueness.
    """

    value: float
    loadings: FloatArray
    uniquenesses: FloatArray
    heywood: int


def one_factor_omega(correlation: FloatArray) -> OneFactorOmega | NotApplicable:
    """Compute omega total of the standardised items from a maximum-likelihood one-factor fit.

    Parameters
    ----------
    correlation : (k, k) array
        At least three items, positive definite.

    Returns
    -------
    OneFactorOmega or NotApplicable
        `too_few_items`, `matrix_not_positive`, `no_convergence`.

    Examples
    --------
    >>> import numpy as np
    >>> r = np.full((4, 4), 0.49); np.fill_diagonal(r, 1)
    >>> round(one_factor_omega(r).value, 4)
    0.7935
    """
    k = len(correlation)
    if k < 3:
        return NotApplicable.because("too_few_items", n=k, advised=3)
    fit = extract_factors(correlation, 1, method=ExtractionMethod.MAXIMUM_LIKELIHOOD)
    if isinstance(fit, NotApplicable):
        return fit
    if not fit.converged:
        return NotApplicable.because("no_convergence")
    loadings = fit.loadings[:, 0]
    return OneFactorOmega(
        omega_total(loadings, fit.uniquenesses), loadings, fit.uniquenesses, fit.heywood
    )


def ordinal_alpha(polychoric: FloatArray) -> float:
    r"""Return ordinal alpha :math:`k \bar r / (1 + (k-1) \bar r)` of polychoric correlations.

    It is the alpha of the latent answers nobody gave: a ceiling, not the reliability of the score.

    References
    ----------
    Zumbo, B. D., Gadermann, A. M. and Zeisser, C. (2007). doi:10.22237/jmasm/1177992180

    Examples
    --------
    >>> import numpy as np
    >>> round(ordinal_alpha(0.5 + 0.5 * np.eye(5)), 4)
    0.8333
    """
    k = len(polychoric)
    mean = float(polychoric[np.tril_indices(k, -1)].mean())
    return k * mean / (1 + (k - 1) * mean)


def categorical_omega(
    loadings: ArrayLike, thresholds: Sequence[FloatArray], polychoric: FloatArray
) -> float:
    r"""Return Green and Yang's omega of the *observed* sum of ordered answers.

    .. math:: \omega = \frac{\sum_{jl} [\sum_{cd} \Phi_2(\tau_{jc},\tau_{ld};\lambda_j\lambda_l)
       - \sum_c\Phi(\tau_{jc})\sum_d\Phi(\tau_{ld})]}
       {\sum_{jl} [\sum_{cd} \Phi_2(\tau_{jc},\tau_{ld};\rho_{jl})
       - \sum_c\Phi(\tau_{jc})\sum_d\Phi(\tau_{ld})]}

    Parameters
    ----------
    loadings : (k,) array
        Standardised loadings of a one-factor model of the polychoric correlations.
    thresholds : sequence of k arrays
    polychoric : (k, k) array

    References
    ----------
    Green, S. B. and Yang, Y. (2009). doi:10.1007/s11336-008-9099-3

    Examples
    --------
    >>> import numpy as np
    >>> cuts = [np.array([0.0])] * 3
    >>> r = np.full((3, 3), 0.49); np.fill_diagonal(r, 1)
    >>> round(categorical_omega([0.7, 0.7, 0.7], cuts, r), 4)
    0.592
    """
    load = np.asarray(loadings, dtype=np.float64)
    implied = np.outer(load, load)
    true = total = 0.0
    for j in range(len(load)):
        for other in range(len(load)):
            true += _step_covariance(thresholds[j], thresholds[other], implied[j, other])
            total += (
                _step_variance(thresholds[j])
                if j == other
                else _step_covariance(thresholds[j], thresholds[other], polychoric[j, other])
            )
    return true / total


def latent_omega(loadings: ArrayLike, polychoric: FloatArray) -> float:
    r"""Return omega on the latent scale: :math:`(\sum\lambda)^2 / 1'R1`, R polychoric.

    Like ordinal alpha it speaks of answers nobody gave; `categorical_omega` speaks of the score.

    Examples
    --------
    >>> import numpy as np
    >>> r = np.full((3, 3), 0.49); np.fill_diagonal(r, 1)
    >>> round(latent_omega([0.7, 0.7, 0.7], r), 4)
    0.7424
    """
    common = float(np.sum(np.asarray(loadings, dtype=np.float64))) ** 2
    return common / float(polychoric.sum())


def _step_covariance(first: FloatArray, second: FloatArray, r: float) -> float:
    joint = bivariate_normal_cdf(first[:, None], second[None, :], np.asarray(r))
    return float(joint.sum() - special.ndtr(first).sum() * special.ndtr(second).sum())


def _step_variance(cuts: FloatArray) -> float:
    # Correlation one: the joint probability of two limits is that of the smaller.
    joint = special.ndtr(np.minimum(cuts[:, None], cuts[None, :]))
    return float(joint.sum() - special.ndtr(cuts).sum() ** 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchmidLeiman:
    """A general factor beside group factors, all uncorrelated.

    Attributes
    ----------
    general : (p,) array
        Loadings on the general factor.
    group : (p, q) array
        Loadings on the residual group factors.
    communalities, uniquenesses : (p,) arrays
    general_share : (p,) array
        Part of the communality due to the general factor.
    second_order : (q,) array
        Loadings of the group factors on the general one.
    """

    general: FloatArray
    group: FloatArray
    communalities: FloatArray
    uniquenesses: FloatArray
    general_share: FloatArray
    second_order: FloatArray


def schmid_leiman(
    correlation: FloatArray,
    n_factors: int,
    *,
    method: ExtractionMethod = ExtractionMethod.MINRES,
) -> SchmidLeiman | NotApplicable:
    """Turn an oblimin solution into a general factor and residual group factors.

    With two group factors the two second-order loadings are set equal.

    Parameters
    ----------
    correlation : (p, p) array
    n_factors : int
        Group factors, at least 2.
    method : ExtractionMethod

    Returns
    -------
    SchmidLeiman or NotApplicable
        `too_few_factors`, `too_many_factors`, `matrix_not_positive`, `no_general_factor`.

    References
    ----------
    Schmid, J. and Leiman, J. M. (1957). doi:10.1007/BF02289209

    Examples
    --------
    >>> import numpy as np
    >>> load = np.kron(np.eye(3), np.full((3, 1), 0.8))
    >>> r = load @ (0.5 + 0.5 * np.eye(3)) @ load.T
    >>> np.fill_diagonal(r, 1)
    >>> schmid_leiman(r, 3).general.round(4).tolist()[0]
    0.5657
    """
    if n_factors < 2:
        return NotApplicable.because("too_few_factors", n=n_factors, advised=2)
    raw = extract_factors(correlation, n_factors, method=method)
    if isinstance(raw, NotApplicable):
        return raw
    # The reference turns the varimax solution; the criterion's minimum does not depend on it.
    start = rotate(raw.loadings, method=RotationMethod.VARIMAX)
    oblique = rotate(start.loadings, method=RotationMethod.OBLIMIN)
    second = _second_order(oblique.phi)
    if isinstance(second, NotApplicable):
        return second
    general = oblique.loadings @ second
    residual = np.sqrt(np.maximum(0.0, 1 - second**2))
    communalities = np.sum(raw.loadings**2, axis=1)
    return SchmidLeiman(
        general=general, group=oblique.loadings * residual, communalities=communalities,
        uniquenesses=1 - communalities, general_share=general**2 / communalities,
        second_order=second,
    )  # fmt: skip


def _second_order(phi: FloatArray) -> FloatArray | NotApplicable:
    if len(phi) == 2:
        if phi[0, 1] <= 0:
            return NotApplicable.because("no_general_factor")
        return np.full(2, math.sqrt(phi[0, 1]))
    higher = extract_factors(phi, 1)
    return higher if isinstance(higher, NotApplicable) else higher.loadings[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Omega:
    """Omega from a Schmid-Leiman solution.

    Attributes
    ----------
    total : float
        All common variance over the variance of the sum.
    hierarchical : float
        The general factor's variance alone over the variance of the sum.
    limit : float
        `hierarchical / total`: what `hierarchical` tends to with more such items.
    group_total, group_general, group_specific : (q,) arrays
        The same for the items that load most on each group factor.
    reversed_items : (p,) bool array
        Items turned over before summing because they load negatively on the general factor.
    solution : SchmidLeiman
        After turning over.
    """

    total: float
    hierarchical: float
    limit: float
    group_total: FloatArray
    group_general: FloatArray
    group_specific: FloatArray
    reversed_items: NDArray[np.bool_]
    solution: SchmidLeiman


def hierarchical_omega(
    correlation: FloatArray,
    n_factors: int,
    *,
    method: ExtractionMethod = ExtractionMethod.MINRES,
    turn_over: bool = True,
) -> Omega | NotApplicable:
    r"""Compute omega total and hierarchical: :math:`\omega_h = (1'g)^2 / 1'R1`.

    Parameters
    ----------
    correlation : (p, p) array
    n_factors : int
        Group factors, at least 2; 3 or more identify the general factor.
    method : ExtractionMethod
    turn_over : bool
        Reverse items that load negatively on the general factor; they are reported.

    Returns
    -------
    Omega or NotApplicable

    References
    ----------
    Zinbarg, R. E. et al. (2005). doi:10.1007/s11336-003-0974-7

    Examples
    --------
    >>> import numpy as np
    >>> load = np.kron(np.eye(3), np.full((3, 1), 0.8))
    >>> r = load @ (0.5 + 0.5 * np.eye(3)) @ load.T
    >>> np.fill_diagonal(r, 1)
    >>> found = hierarchical_omega(r, 3)
    >>> round(found.hierarchical, 4), round(found.total, 4)
    (0.6857, 0.9143)
    """
    solution = schmid_leiman(correlation, n_factors, method=method)
    if isinstance(solution, NotApplicable):
        return solution
    signs = np.where((solution.general < 0) & turn_over, -1.0, 1.0)
    if signs.min() < 0:
        correlation = correlation * np.outer(signs, signs)
        solution = schmid_leiman(correlation, n_factors, method=method)
        if isinstance(solution, NotApplicable):
            return solution
    variance = float(correlation.sum())
    total = 1 - float(solution.uniquenesses.sum()) / variance
    hierarchical = float(solution.general.sum()) ** 2 / variance
    groups = _group_parts(correlation, solution)
    return Omega(
        total=total, hierarchical=hierarchical, limit=hierarchical / total,
        group_total=groups[0], group_general=groups[1], group_specific=groups[2],
        reversed_items=signs < 0, solution=solution,
    )  # fmt: skip


def _group_parts(correlation: FloatArray, solution: SchmidLeiman) -> FloatArray:
    home = np.abs(solution.group).argmax(axis=1)
    parts = np.full((3, solution.group.shape[1]), np.nan)
    for factor in range(solution.group.shape[1]):
        own = home == factor
        variance = correlation[np.ix_(own, own)].sum()
        if not own.any():
            continue
        general = solution.general[own].sum() ** 2 / variance
        specific = solution.group[own, factor].sum() ** 2 / variance
        parts[:, factor] = general + specific, general, specific
    return parts
