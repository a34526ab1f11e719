r"""Two-by-two differences when other people are met before and after (repeated cross-sections).

Four groups of rows: treated and comparison, before and after. Each kernel is a signed sum of
weighted means; the influence of the nuisances (regressions, propensity) enters through the gradient
of that sum. The doubly robust kernel is the locally efficient one: it models the outcome in all
four groups.

In that kernel the correction for the comparison's *before* regression carries the opposite sign of
its gradient, as in the reference implementation (R's DRDID 1.2), so that standard errors agree with
published ones. The gradient vanishes when the propensity is right; on the reference data the
standard error moves by 0.01 to 0.9 %.

References
----------
Sant'Anna, P. and Zhao, J. (2020). doi:10.1016/j.jeconom.2020.06.003
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.stats.inference.regression import independent_columns, least_squares
from impact_eval.stats.panels.drdid import DidMethod, TwoByTwo, mean_row, weighted_mean
from impact_eval.stats.surveys.propensity import fit_calibrated_propensity, fit_scaled_propensity

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_WELL_POSED = 1e-8  # ratio of eigenvalues above which normal equations lose nothing that matters


@dataclass(frozen=True, slots=True)
class CrossSections:
    """The rows of a two-by-two comparison of repeated cross-sections.

    Attributes
    ----------
    outcome : (n,) array
    after, treated : (n,) array of bool
    design : (n, p) array
        Linearly independent columns, constant included.
    weights : (n,) array
    """

    outcome: FloatArray
    after: BoolArray
    treated: BoolArray
    design: FloatArray
    weights: FloatArray

    def group(self, *, treated: bool, after: bool) -> FloatArray:
        """Return the weights of one of the four groups, zero elsewhere."""
        return np.where((self.treated == treated) & (self.after == after), self.weights, 0.0)


@dataclass(slots=True)
class _Sum:
    """A signed sum of weighted means, and its influence, as it is built."""

    estimate: float
    influence: FloatArray

    def add(self, sign: float, values: FloatArray, weights: FloatArray) -> float:
        mean, psi = weighted_mean(values, weights)
        self.estimate += sign * mean
        self.influence += sign * psi
        return mean


def cross_section_did(
    outcome: FloatArray,
    after: BoolArray,
    treated: BoolArray,
    design: FloatArray,
    *,
    weights: FloatArray | None = None,
    method: DidMethod = DidMethod.DR,
) -> TwoByTwo:
    """Estimate the effect on the treated from rows met before or after.

    Parameters
    ----------
    outcome : (n,) array
    after, treated : (n,) array of bool
    design : (n, p) array
        Covariates, constant included; columns that depend on others are dropped.
    weights : (n,) array, optional
    method : DidMethod

    Returns
    -------
    TwoByTwo

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 4.0, 1.0, 2.0])
    >>> after = np.array([False, True, False, True])
    >>> treated = np.array([True, True, False, False])
    >>> cross_section_did(y, after, treated, np.ones((4, 1))).estimate
    2.0
    """
    row_weights = np.ones(len(outcome)) if weights is None else weights
    data = CrossSections(outcome, after, treated, unit_scale(design), row_weights)
    return _KERNELS[DidMethod(method)](data)


def unit_scale(design: FloatArray) -> FloatArray:
    """Return independent columns, a constant first, the others centred and of spread one.

    No estimator here depends on the unit of a covariate; fits are then well conditioned.
    """
    centre, spread = design.mean(axis=0), design.std(axis=0)
    moving = spread > 1e-12 * np.abs(centre)
    scaled = np.column_stack(
        [np.ones(len(design)), (design[:, moving] - centre[moving]) / spread[moving]]
    )
    gram = scaled.T @ scaled / len(scaled)
    if np.linalg.eigvalsh(gram)[0] > _WELL_POSED:
        return scaled
    return np.asarray(scaled[:, independent_columns(scaled)])


def _empty_sum(data: CrossSections) -> _Sum:
    return _Sum(0.0, np.zeros(len(data.outcome)))


def _regression(
    data: CrossSections, weights: FloatArray
) -> tuple[FloatArray, FloatArray, tuple[Finding, ...]]:
    """Regress the outcome where the weights are positive: predictions for all, influence (n, p)."""
    used = np.flatnonzero(weights > 0)
    rows, w = data.design[used], weights[used]
    gram = rows.T @ (rows * w[:, None])
    values = np.linalg.eigvalsh(gram / w.sum())
    influence = np.zeros_like(data.design)
    if len(used) > len(gram) and values[0] > _WELL_POSED * values[-1]:
        bread = np.linalg.inv(gram)
        slopes = bread @ (rows.T @ (w * data.outcome[used]))
        left = w * (data.outcome[used] - rows @ slopes)
        influence[used] = (rows * left[:, None]) @ bread
        return data.design @ slopes, influence, ()
    names = tuple(str(j) for j in range(data.design.shape[1]))
    fit = least_squares(data.outcome[used], rows, weights=w, names=names)
    kept = np.array([int(name) for name in fit.names])
    influence[np.ix_(used, kept)] = fit.scores @ fit.bread
    return data.design[:, kept] @ fit.coefficients, influence, fit.findings


def _by_regression(data: CrossSections) -> TwoByTwo:
    total = _empty_sum(data)
    findings: list[Finding] = []
    everyone = data.weights * data.treated
    for after, sign in ((True, 1.0), (False, -1.0)):
        predicted, influence, found = _regression(data, data.group(treated=False, after=after))
        total.add(sign, data.outcome, data.group(treated=True, after=after))
        total.add(-sign, predicted, everyone)
        total.influence -= sign * (influence @ mean_row(data.design, everyone))
        findings += found
    return TwoByTwo(total.estimate, total.influence, tuple(findings))


def _by_weighting(data: CrossSections) -> TwoByTwo:
    propensity = fit_scaled_propensity(data.treated, data.design, data.weights)
    total = _empty_sum(data)
    for after, sign in ((True, 1.0), (False, -1.0)):
        total.add(sign, data.outcome, data.group(treated=True, after=after))
        odds = data.weights * propensity.odds * (data.after == after)
        mean = total.add(-sign, data.outcome, odds)
        tilt = propensity.design.T @ (odds * (data.outcome - mean)) / odds.sum()
        total.influence -= sign * (propensity.influence @ tilt)
    return TwoByTwo(total.estimate, total.influence, propensity.findings, propensity)


def _by_horvitz_thompson(data: CrossSections) -> TwoByTwo:
    propensity = fit_scaled_propensity(data.treated, data.design, data.weights)
    weights = data.weights / data.weights.sum()
    share = float(weights @ data.treated)
    estimate, influence = 0.0, np.zeros(len(data.outcome))
    for after, sign in ((True, 1.0), (False, -1.0)):
        moment = data.after == after
        period = float(weights @ moment)
        scale = sign * moment / (share * period)
        first = weights * data.treated * data.outcome * scale
        second = weights * propensity.odds * data.outcome * scale
        part = float((first - second).sum())
        estimate += part
        influence += first - second - weights * part
        influence -= (weights * data.treated - weights * share) * part / share
        influence -= (weights * moment - weights * period) * part / period
        influence -= propensity.influence @ (propensity.design.T @ second)
    return TwoByTwo(estimate, influence, propensity.findings, propensity)


def _doubly_robust(data: CrossSections) -> TwoByTwo:
    propensity = fit_scaled_propensity(data.treated, data.design, data.weights)
    total = _empty_sum(data)
    findings = list(propensity.findings)
    everyone = data.weights * data.treated
    for after, sign in ((True, 1.0), (False, -1.0)):
        here = data.group(treated=True, after=after)
        odds = data.weights * propensity.odds * (data.after == after)
        control, control_influence, found = _regression(
            data, data.group(treated=False, after=after)
        )
        own, own_influence, found_own = _regression(data, here)
        total.add(sign, data.outcome - control, here)
        mean = total.add(-sign, data.outcome - control, odds)
        total.add(sign, own - control, everyone)
        total.add(-sign, own - control, here)
        tilt = propensity.design.T @ (odds * (data.outcome - control - mean)) / odds.sum()
        total.influence -= sign * (propensity.influence @ tilt)
        spread = mean_row(data.design, everyone) - mean_row(data.design, here)
        gradient = mean_row(data.design, odds) - mean_row(data.design, here)
        total.influence += control_influence @ gradient  # sign of the reference: see above
        total.influence += sign * ((own_influence - control_influence) @ spread)
        findings += [*found, *found_own]
    return TwoByTwo(total.estimate, total.influence, tuple(findings), propensity)


def _improved(data: CrossSections) -> TwoByTwo:
    propensity = fit_calibrated_propensity(data.treated, data.design, data.weights)
    total = _empty_sum(data)
    findings = list(propensity.findings)
    everyone = data.weights * data.treated
    for after, sign in ((True, 1.0), (False, -1.0)):
        here = data.group(treated=True, after=after)
        odds = data.weights * propensity.odds * (data.after == after)
        control, _, found = _regression(data, odds)
        own, _, found_own = _regression(data, here)
        total.add(sign, data.outcome - control, here)
        total.add(-sign, data.outcome - control, odds)
        total.add(sign, own - control, everyone)
        total.add(-sign, own - control, here)
        findings += [*found, *found_own]
    return TwoByTwo(total.estimate, total.influence, tuple(findings), propensity)


_KERNELS: Mapping[DidMethod, Callable[[CrossSections], TwoByTwo]] = MappingProxyType(
    {
        DidMethod.REG: _by_regression,
        DidMethod.IPW: _by_weighting,
        DidMethod.IPW_HT: _by_horvitz_thompson,
        DidMethod.DR: _doubly_robust,
        DidMethod.DR_IMPROVED: _improved,
    }
)
