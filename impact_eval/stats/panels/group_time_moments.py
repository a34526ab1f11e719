r"""Group-time effects without covariates, from mergeable per-cohort statistics alone.

On a balanced panel the influence of unit i of cohort k on cell c is
:math:`w_i(a_{kc}'y_i - b_{kc})`: the same a and b for the whole cohort. Counts, means and Gram
matrices of each cohort then give every estimate and every standard error, whatever the number of
units; statistics of several files, chunks or partners merge exactly (`CohortGram.merge`), so that
no row of a person has to travel.

References
----------
Callaway, B. and Sant'Anna, P. (2021). doi:10.1016/j.jeconom.2020.12.001
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.cohort_gram import CohortGram
from impact_eval.stats.panels.group_time_plan import CellPlan

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MomentCells:
    """Group-time cells from moments: c cells, K treated cohorts.

    Attributes
    ----------
    estimates : (c,) array
        0 at the reference period, NaN where a side has no weight.
    covariance : (c + K, c + K) array
        Of the cells, then of the cohorts' shares; by unit.
    shares : (K,) array
    """

    estimates: FloatArray
    covariance: FloatArray
    shares: FloatArray


def cells_from_moments(moments: CohortGram, plan: CellPlan) -> MomentCells:
    """Estimate every cell of a plan from per-cohort statistics.

    Parameters
    ----------
    moments : CohortGram
        Of the K treated cohorts in the order of the plan, then of the never treated.
    plan : CellPlan

    Returns
    -------
    MomentCells

    Raises
    ------
    ValueError
        When the statistics have not one cohort more than the plan, or other periods.

    Examples
    --------
    >>> from impact_eval.stats.panels.cohort_gram import cohort_gram
    >>> from impact_eval.stats.panels.group_time_plan import BasePeriod, ControlGroup, plan_cells
    >>> plan = plan_cells(np.array([1.0, 2.0]), np.array([2.0]), base_period=BasePeriod.VARYING,
    ...                   control_group=ControlGroup.NEVER_TREATED)
    >>> y = np.array([[1.0, 4.0], [2.0, 5.0], [1.0, 2.0], [3.0, 4.0]])
    >>> one = cohort_gram(y[:3], np.array([0, 0, 1]), 2)
    >>> other = cohort_gram(y[3:], np.array([1]), 2)
    >>> cells_from_moments(one.merge(other), plan).estimates.tolist()
    [2.0]
    """
    cohorts, periods = len(plan.cohorts), len(plan.times)
    if moments.mean.shape != (cohorts + 1, periods):
        msg = f"moments of shape {moments.mean.shape}, expected {(cohorts + 1, periods)}"
        raise ValueError(msg)
    weight = moments.weight
    contrast = np.zeros((periods, plan.size))
    cells = np.arange(plan.size)
    contrast[plan.time, cells] += 1.0
    contrast[plan.base, cells] -= 1.0
    change = moments.mean @ contrast  # (K + 1, c)
    pooled = plan.controls * weight  # (c, K + 1)
    beside = pooled.sum(axis=1)
    own = weight[plan.cohort]
    live = (beside > 0) & (own > 0) & ~plan.reference
    control_mean = np.divide(
        (pooled * change.T).sum(axis=1), beside, out=np.zeros(plan.size), where=beside > 0
    )
    estimates = np.where(live, change[plan.cohort, cells] - control_mean, np.nan)
    slope = np.zeros((cohorts + 1, plan.size))  # what multiplies the contrast, by cohort and cell
    slope[plan.cohort[live], cells[live]] = 1 / own[live]
    slope -= np.where(live, plan.controls.T / np.where(beside > 0, beside, 1.0), 0.0)
    offset = np.where(plan.controls.T, change - control_mean, 0.0) * slope
    return MomentCells(
        estimates=np.where(plan.reference, 0.0, estimates),
        covariance=_covariance(moments, plan, contrast, slope, offset),
        shares=weight[:-1] / weight.sum(),
    )


def cell_weights(weight: FloatArray, plan: CellPlan) -> FloatArray:
    """Return what the mean of each cohort at each period weighs in each cell: (K + 1, T, c).

    Parameters
    ----------
    weight : (K + 1,) array
        Total weight of the cohorts of the plan, then of the never treated.
    plan : CellPlan

    Returns
    -------
    (K + 1, T, c) array
        Zero for a cell without comparison, and at the reference period.

    Examples
    --------
    >>> from impact_eval.stats.panels.group_time_plan import BasePeriod, ControlGroup, plan_cells
    >>> plan = plan_cells(np.array([1.0, 2.0]), np.array([2.0]), base_period=BasePeriod.VARYING,
    ...                   control_group=ControlGroup.NEVER_TREATED)
    >>> cell_weights(np.array([3.0, 5.0]), plan)[:, :, 0].tolist()
    [[-1.0, 1.0], [1.0, -1.0]]
    """
    cells = np.arange(plan.size)
    contrast = np.zeros((len(plan.times), plan.size))
    contrast[plan.time, cells] += 1.0
    contrast[plan.base, cells] -= 1.0
    pooled = plan.controls * weight
    beside = pooled.sum(axis=1, keepdims=True)
    share = np.divide(pooled, beside, out=np.zeros_like(pooled), where=beside > 0)
    role = -share.T
    role[plan.cohort, cells] += 1.0
    role[:, (beside[:, 0] <= 0) | plan.reference] = 0.0
    return np.asarray(role[:, None, :] * contrast)


def _covariance(
    moments: CohortGram, plan: CellPlan, contrast: FloatArray, slope: FloatArray, offset: FloatArray
) -> FloatArray:
    """Add up, by cohort, the squares of w(a'(y - mean) + r): r is the offset and the share.

    A cohort moves the cells it is compared in, its own, and its share: products are of those alone.
    By period the former are side by side, for who is not treated yet is compared until it starts.
    """
    cohorts, size = len(plan.cohorts), plan.size
    order = np.arange(size)
    if plan.controls[:, :-1].any():
        order = np.argsort(np.maximum(plan.time, plan.base), kind="stable")
    out = np.zeros((size + cohorts, size + cohorts))
    # The influence of their theorem 2, cohort by cohort: psi_i = w_i M'(y_i, 1).
    for k in range(cohorts + 1):
        rows = np.vstack([contrast * slope[k], offset[k]])[:, order]
        beside = np.flatnonzero(plan.controls[order, k])
        side = slice(int(beside[0]), int(beside[-1]) + 1) if beside.size else slice(0)
        own = np.flatnonzero(plan.cohort[order] == k)
        mine = np.hstack([rows[:, own], np.zeros((len(rows), int(k < cohorts)))])
        rows[:, own] = 0.0
        if k < cohorts:
            own = np.append(own, size + k)
            mine[-1, -1] = 1 / moments.weight.sum()
        square = _bordered(moments, k)
        pulled = square @ rows[:, side]
        out[side, side] += rows[:, side].T @ pulled
        cross = mine.T @ pulled
        out[own, side] += cross
        out[side, own] += cross.T
        out[np.ix_(own, own)] += mine.T @ (square @ mine)
    if (order[1:] > order[:-1]).all():
        return out
    back = np.append(np.argsort(order), size + np.arange(cohorts))
    return out[np.ix_(back, back)]


def _bordered(moments: CohortGram, k: int) -> FloatArray:
    """Return the sums of squares of (y - mean, 1) in a cohort, weights squared: (T + 1, T + 1)."""
    drift = moments.drift[k][:, None]
    return np.block([[moments.gram[k], drift], [drift.T, moments.weight_sq[k]]])
