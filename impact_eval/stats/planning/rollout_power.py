r"""Precision of a staggered roll-out before it starts, exact for any linear estimator.

An estimator that is linear in the outcomes, :math:`\hat\tau = \sum_{it} w_{it}y_{it}`, has variance
:math:`\sum_i w_i'\Sigma w_i` when territories are independent with the same T-by-T covariance
:math:`\Sigma`. The weights follow from the calendar alone; so do the smallest detectable effects of
several estimators under the same noise:

* two-way fixed effects: residual of exposure on unit and period effects, over its sum of squares;
* group-time contrasts (Callaway-Sant'Anna without covariates): change since the period before
  entry, against the never or not-yet treated;
* generalised least squares: :math:`(\tilde D'\Omega^{-1}\tilde D)^{-1}`, the best that can be done.

References
----------
Hussey, M. and Hughes, J. (2007). doi:10.1016/j.cct.2006.05.007
Burlig, F., Preonas, L. and Woerman, M. (2020). doi:10.1016/j.jdeveco.2020.102458
Callaway, B. and Sant'Anna, P. (2021). doi:10.1016/j.jeconom.2020.12.001
"""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core import Finding, FindingCollector, ImpactEvalError
from impact_eval.stats.planning.power import Precision

FloatArray = NDArray[np.float64]


class RolloutEstimator(StrEnum):
    """Estimators whose weights follow from the calendar."""

    TWFE = "twfe"
    NEVER_TREATED = "never_treated"
    NOT_YET_TREATED = "not_yet_treated"
    GLS = "gls"


def territory_covariance(
    periods: int,
    *,
    sd: float = 1.0,
    icc: float = 0.0,
    autocorrelation: float = 0.0,
    size: float = 1.0,
    repeated: float = 0.0,
) -> FloatArray:
    r"""Return the (T, T) covariance of a territory's period means, around its own level and period.

    :math:`\Sigma_{st} = \sigma^2\rho\,r^{|s-t|} + \sigma^2\frac{1-\rho}{m}[(1-a)1_{s=t} + a]`.

    Parameters
    ----------
    periods : int
    sd : float
        Standard deviation between people.
    icc : float
        Share of the variance common to a territory and period.
    autocorrelation : float
        r, of the common part from one period to the next (AR(1)).
    size : float
        People measured per territory and period.
    repeated : float
        a: share of a person's own variance that persists when the same people are measured each
        time; 0 for new people.

    Returns
    -------
    (T, T) array
    """
    faults = FindingCollector()
    bounds = {"icc": (icc, 0), "autocorrelation": (autocorrelation, -1), "repeated": (repeated, 0)}
    for option, (value, low) in bounds.items():
        if not low <= value <= 1:
            faults.add(
                Finding.error("option_out_of_range", option=option, value=value, low=low, high=1)
            )
    faults.raise_if_errors()
    lag = np.abs(np.subtract.outer(np.arange(periods), np.arange(periods)))
    common = icc * np.power(float(autocorrelation), lag)
    personal = (1 - icc) / size * ((1 - repeated) * np.eye(periods) + repeated)
    return np.asarray(sd**2 * (common + personal))


def rollout_precision(
    cohorts: ArrayLike,
    covariance: ArrayLike,
    *,
    estimator: RolloutEstimator = RolloutEstimator.NOT_YET_TREATED,
) -> Precision:
    """Return the standard error of the mean effect on the treated, and territories less cohorts.

    Parameters
    ----------
    cohorts : (N,) array
        First treated period of each territory, 1 to T; infinite: never.
    covariance : (T, T) array
        Of a territory's noise over the periods.
    estimator : RolloutEstimator

    Returns
    -------
    Precision

    Raises
    ------
    ImpactEvalError
        `rollout_not_identified` when the calendar leaves nothing to compare.

    Examples
    --------
    >>> from impact_eval.stats.planning.power import minimum_detectable_effect
    >>> sigma = territory_covariance(6, icc=0.05, autocorrelation=0.5, size=40)
    >>> waves = [3] * 5 + [5] * 5 + [float("inf")] * 10
    >>> round(minimum_detectable_effect(rollout_precision(waves, sigma)), 2)
    0.35
    """
    sigma = np.asarray(covariance, dtype=np.float64)
    entry = np.asarray(cohorts, dtype=np.float64)
    exposure = (np.arange(1, len(sigma) + 1) >= entry[:, None]).astype(np.float64)
    freedom = float(len(entry) - len(np.unique(entry)))
    df = freedom if freedom > 0 else 1.0
    if estimator is RolloutEstimator.GLS:
        return Precision(math.sqrt(_gls_variance(exposure, sigma)), df)
    weights = rollout_weights(entry, len(sigma), estimator)
    return Precision(math.sqrt(float(np.einsum("is,st,it->", weights, sigma, weights))), df)


def rollout_weights(cohorts: FloatArray, periods: int, estimator: RolloutEstimator) -> FloatArray:
    """Return the (N, T) weights of the outcomes in an estimate; on exposure they sum to one."""
    exposure = (np.arange(1, periods + 1) >= cohorts[:, None]).astype(np.float64)
    if estimator is RolloutEstimator.TWFE:
        residual = _double_demean(exposure)
        return np.asarray(residual / _positive(float(np.sum(residual**2))))
    weights = np.zeros_like(exposure)
    cells = 0.0
    for entry in np.unique(cohorts[(cohorts > 1) & (cohorts <= periods)]):
        members = cohorts == entry
        before = int(entry) - 2
        for period in range(int(entry) - 1, periods):
            later = (
                np.isinf(cohorts) | (cohorts > periods)
                if estimator is RolloutEstimator.NEVER_TREATED
                else cohorts > period + 1
            )
            if not later.any():
                continue
            size = float(members.sum())
            for rows, sign in ((members, size), (later, -size)):
                weights[rows, period] += sign / rows.sum()
                weights[rows, before] -= sign / rows.sum()
            cells += size
    return np.asarray(weights / _positive(cells))


def _gls_variance(exposure: FloatArray, sigma: FloatArray) -> float:
    """Variance of GLS with unit and period effects: units lose their level, periods their mean."""
    periods = len(sigma)
    values, vectors = np.linalg.eigh(np.eye(periods) - 1 / periods)
    contrasts = vectors[:, values > 0.5]  # T-1 within-unit contrasts
    centred = (exposure - exposure.mean(axis=0)) @ contrasts
    inner = np.linalg.inv(contrasts.T @ sigma @ contrasts)
    return 1 / _positive(float(np.einsum("is,st,it->", centred, inner, centred)))


def _double_demean(values: FloatArray) -> FloatArray:
    return np.asarray(
        values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    )


def _positive(value: float) -> float:
    if not value > 1e-12:
        raise ImpactEvalError(Finding.error("rollout_not_identified"))
    return value
