r"""Two-by-two differences in differences: regression, weighting, doubly robust.

The effect on the treated is a difference of two weighted means of residual changes,

.. math:: \theta = E_{w_1}[\Delta - \mu(X)] - E_{w_0}[\Delta - \mu(X)]

with :math:`w_1 = wD` and :math:`w_0 = w(1-D)\,p(X)/(1-p(X))`. Outcome regression has no second
term, weighting has no :math:`\mu`, the doubly robust estimator has both. Every kernel returns one
influence value per row, scaled so that the error of the estimate is their sum: the variance is the
sum of their squares (the convention of R's DRDID and did: no small-sample factor).

Comparison rows whose propensity reaches `TRIM` get no weight, as in the reference implementation:
they would stand for more than 199 treated rows each.

References
----------
Sant'Anna, P. and Zhao, J. (2020). doi:10.1016/j.jeconom.2020.06.003
Abadie, A. (2005). doi:10.1111/0034-6527.00321
Heckman, J., Ichimura, H. and Todd, P. (1997). doi:10.2307/2971733
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.stats.inference.regression import LinearFit, least_squares
from impact_eval.stats.surveys.propensity import (
    TRIM,
    Propensity,
    fit_calibrated_propensity,
    fit_propensity,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

__all__ = ["TRIM", "DidMethod", "TwoByTwo", "panel_did"]


class DidMethod(StrEnum):
    """How covariates enter a difference in differences."""

    DR = "dr"
    DR_IMPROVED = "dr_improved"
    IPW = "ipw"
    IPW_HT = "ipw_ht"
    REG = "reg"


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """A two-by-two difference.

    Attributes
    ----------
    estimate : float
    influence : (n,) array
        Rows that sum to the error of the estimate.
    findings : tuple of Finding
        Overlap and collinearity.
    propensity : Propensity or None
    """

    estimate: float
    influence: FloatArray
    findings: tuple[Finding, ...] = ()
    propensity: Propensity | None = None

    @property
    def std_error(self) -> float:
        """Root of the sum of squared influence values."""
        return float(np.sqrt(self.influence @ self.influence))


def weighted_mean(values: FloatArray, weights: FloatArray) -> tuple[float, FloatArray]:
    """Return a weighted mean and the influence value of each row on it."""
    total = float(weights.sum())
    mean = float(weights @ values) / total
    return mean, weights * (values - mean) / total


def regression_on_comparison(
    outcome: FloatArray, design: FloatArray, weights: FloatArray
) -> tuple[LinearFit, FloatArray, FloatArray]:
    """Fit on the rows of positive weight: the fit, predictions for all, influence on coefficients.

    Returns
    -------
    fit : LinearFit
        Of the rows used, on the k columns kept.
    predicted : (n,) array
    influence : (n, k) array
        Zero outside the rows used.
    """
    used = weights > 0
    fit = least_squares(outcome[used], design[used], weights=weights[used], names=_names(design))
    kept = design[:, [int(name) for name in fit.names]]
    influence = np.zeros((len(outcome), kept.shape[1]))
    influence[used] = fit.scores @ fit.bread
    return fit, kept @ fit.coefficients, influence


def kept_columns(design: FloatArray, fit: LinearFit) -> FloatArray:
    """Return the columns of the design that a fit kept."""
    return design[:, [int(name) for name in fit.names]]


def _names(design: FloatArray) -> tuple[str, ...]:
    return tuple(str(j) for j in range(design.shape[1]))


def panel_did(
    change: FloatArray,
    treated: BoolArray,
    design: FloatArray,
    *,
    weights: FloatArray | None = None,
    method: DidMethod = DidMethod.DR,
) -> TwoByTwo:
    """Estimate the effect on the treated from the change of each unit between two periods.

    Parameters
    ----------
    change : (n,) array
        Outcome after minus before.
    treated : (n,) array of bool
    design : (n, p) array
        Covariates at the base period, constant included.
    weights : (n,) array, optional
    method : DidMethod

    Returns
    -------
    TwoByTwo

    Examples
    --------
    >>> import numpy as np
    >>> change = np.array([3.0, 5.0, 1.0, 1.0])
    >>> treated = np.array([True, True, False, False])
    >>> panel_did(change, treated, np.ones((4, 1))).estimate
    3.0
    """
    row_weights = np.ones(len(change)) if weights is None else weights
    kernel = _PANEL[DidMethod(method)]
    return kernel(change, treated, design, row_weights)


def _panel_regression(
    change: FloatArray, treated: BoolArray, design: FloatArray, weights: FloatArray
) -> TwoByTwo:
    fit, predicted, influence = regression_on_comparison(change, design, weights * ~treated)
    mean, psi = weighted_mean(change - predicted, weights * treated)
    gradient = mean_row(kept_columns(design, fit), weights * treated)
    return TwoByTwo(mean, psi - influence @ gradient, fit.findings)


def _panel_weighting(
    change: FloatArray, treated: BoolArray, design: FloatArray, weights: FloatArray
) -> TwoByTwo:
    propensity = fit_propensity(treated, design, weights)
    odds = weights * propensity.odds
    first, psi_first = weighted_mean(change, weights * treated)
    second, psi_second = weighted_mean(change, odds)
    tilt = propensity.design.T @ (odds * (change - second)) / odds.sum()
    psi = psi_first - psi_second - propensity.influence @ tilt
    return TwoByTwo(first - second, psi, propensity.findings, propensity)


def _panel_horvitz_thompson(
    change: FloatArray, treated: BoolArray, design: FloatArray, weights: FloatArray
) -> TwoByTwo:
    """Abadie's weights: the comparison's total is divided by the weight of the treated."""
    propensity = fit_propensity(treated, design, weights)
    odds = weights * propensity.odds
    total = float((weights * treated).sum())
    parts = (weights * treated - odds) * change
    estimate = float(parts.sum()) / total
    tilt = propensity.design.T @ (odds * change) / total
    psi = (parts - weights * treated * estimate) / total - propensity.influence @ tilt
    return TwoByTwo(estimate, psi, propensity.findings, propensity)


def _panel_doubly_robust(
    change: FloatArray, treated: BoolArray, design: FloatArray, weights: FloatArray
) -> TwoByTwo:
    propensity = fit_propensity(treated, design, weights)
    fit, predicted, influence = regression_on_comparison(change, design, weights * ~treated)
    left = change - predicted
    odds = weights * propensity.odds
    first, psi_first = weighted_mean(left, weights * treated)
    second, psi_second = weighted_mean(left, odds)
    tilt = propensity.design.T @ (odds * (left - second)) / odds.sum()
    columns = kept_columns(design, fit)
    gradient = mean_row(columns, weights * treated) - mean_row(columns, odds)
    psi = psi_first - psi_second - propensity.influence @ tilt - influence @ gradient
    return TwoByTwo(first - second, psi, (*propensity.findings, *fit.findings), propensity)


def _panel_improved(
    change: FloatArray, treated: BoolArray, design: FloatArray, weights: FloatArray
) -> TwoByTwo:
    """Calibrate the propensity, weight the regression: no first-order effect of either."""
    propensity = fit_calibrated_propensity(treated, design, weights)
    odds = weights * propensity.odds
    fit, predicted, _ = regression_on_comparison(change, design, odds)
    left = change - predicted
    first, psi_first = weighted_mean(left, weights * treated)
    second, psi_second = weighted_mean(left, odds)
    findings = (*propensity.findings, *fit.findings)
    return TwoByTwo(first - second, psi_first - psi_second, findings, propensity)


def mean_row(design: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the (p,) weighted mean of (n, p) rows."""
    return np.asarray(weights @ design / weights.sum())


_Kernel = Callable[[FloatArray, BoolArray, FloatArray, FloatArray], TwoByTwo]
_PANEL: Mapping[DidMethod, _Kernel] = MappingProxyType(
    {
        DidMethod.REG: _panel_regression,
        DidMethod.IPW: _panel_weighting,
        DidMethod.IPW_HT: _panel_horvitz_thompson,
        DidMethod.DR: _panel_doubly_robust,
        DidMethod.DR_IMPROVED: _panel_improved,
    }
)
