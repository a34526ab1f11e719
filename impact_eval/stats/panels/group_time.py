r"""Group-time effects of a wide panel, with their joint covariance and influence.

The influence of unit i on the cells of a comparison is

* treated: :math:`w_i[(\Delta e_i - \theta)/W_g - (1-p_i)\,x_i'T]`
* comparison: :math:`-w_i[(o_i/W_o + x_i'q)\,\Delta e_i - (o_i/W_o)\bar e - p_i\,x_i'T]`

with :math:`\Delta e` residual changes, T and q what the propensity and the regression add (see
`group_time_fit`). Blocks of units that stay in cache go straight into the covariance; the (N, c)
matrix of influence values is only made when asked for. The last K columns are each unit's part in
its cohort's share, so that aggregates can account for weights that are estimated.

Standard errors follow R's did: the root of the sum of squared influence values, by unit or summed
within clusters, without small-sample factor.

References
----------
Callaway, B. and Sant'Anna, P. (2021). doi:10.1016/j.jeconom.2020.12.001
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.cohort_gram import cohort_gram
from impact_eval.stats.panels.cohort_sorted import BLOCK, Rows, SortedPanel
from impact_eval.stats.panels.drdid import DidMethod
from impact_eval.stats.panels.group_time_fit import (
    ComparisonFit,
    Undefined,
    comparison_odds,
    fit_comparisons,
    plan_of,
    trim,
)
from impact_eval.stats.panels.group_time_moments import cells_from_moments
from impact_eval.stats.panels.group_time_plan import CellPlan, comparisons

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class GroupTimeFit:
    """Group-time effects: c cells, K treated cohorts.

    Attributes
    ----------
    plan : CellPlan
    estimates : (c,) array
        0 at the reference period, NaN where undefined.
    covariance : (c + K, c + K) array
        Of the cells, then of the cohorts' shares.
    shares : (K,) array
        Weight of each cohort over that of all units.
    n_treated, n_comparison : (c,) arrays of int
    undefined : mapping of int to str
        Reason codes by cell.
    trimmed : int
        Largest number of comparison units given no weight in a comparison.
    largest_propensity : float
    n_independent : int
        Units, or clusters.
    gap : float
        Largest standardised gap of a covariate between two groups compared.
    influence : function
        Makes the (m, c + K) matrix of influence values, rows by unit or by cluster code; given
        (J, c + K) combinations, makes theirs, (m, J), without the whole matrix.
    """

    plan: CellPlan
    estimates: FloatArray
    covariance: FloatArray
    shares: FloatArray
    n_treated: IntArray
    n_comparison: IntArray
    undefined: dict[int, Undefined]
    trimmed: int
    largest_propensity: float
    n_independent: int
    influence: Callable[..., FloatArray]
    gap: float = 0.0


def group_time(
    panel: SortedPanel, plan: CellPlan, *, method: DidMethod = DidMethod.DR, pairwise: bool = False
) -> GroupTimeFit:
    """Estimate every cell of a plan on a wide panel.

    Parameters
    ----------
    panel : SortedPanel
    plan : CellPlan
        With the same cohorts.
    method : DidMethod
        `dr`, `ipw` or `reg`.
    pairwise : bool
        The panel has holes: each cell reads the units seen in both of its periods.

    Returns
    -------
    GroupTimeFit
    """
    if panel.design is None and panel.clusters is None and not pairwise:
        return _from_moments(panel, plan)
    return _by_units(panel, plan, method, pairwise=pairwise)


def _from_moments(panel: SortedPanel, plan: CellPlan) -> GroupTimeFit:
    """Estimate from per-cohort statistics; influence values are only made when asked for."""
    sizes = np.diff(panel.bounds)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    moments = cohort_gram(panel.y, codes, len(sizes), weights=panel.weights)
    cells = cells_from_moments(moments, plan)
    n_comparison = plan.controls.astype(np.int64) @ sizes
    undefined = {
        int(i): Undefined.NO_COMPARISON
        for i in np.flatnonzero((n_comparison == 0) & ~plan.reference)
    }
    return GroupTimeFit(
        plan=plan,
        estimates=cells.estimates,
        covariance=cells.covariance,
        shares=cells.shares,
        n_treated=sizes[plan.cohort],
        n_comparison=n_comparison,
        undefined=undefined,
        trimmed=0,
        largest_propensity=0.0,
        n_independent=panel.n_clusters,
        influence=lambda rows=None: _by_units(panel, plan, DidMethod.REG, pairwise=False).influence(
            rows
        ),
    )


def _by_units(
    panel: SortedPanel, plan: CellPlan, method: DidMethod, *, pairwise: bool
) -> GroupTimeFit:
    varying = panel.design is not None and panel.design.ndim == 3
    parts = comparisons(plan, varying_covariates=varying, pairwise=pairwise)
    fits = fit_comparisons(panel, parts, method)
    estimates = plan_of(plan, fits)
    n_treated, n_comparison, undefined = _counts(panel, plan, fits)
    writer = InfluenceWriter(panel, plan, tuple(f for f in fits if f.undefined is None))
    return GroupTimeFit(
        plan=plan,
        estimates=estimates,
        covariance=writer.covariance(),
        shares=panel.cohort_weights[:-1] / panel.total_weight,
        n_treated=n_treated,
        n_comparison=n_comparison,
        undefined=undefined,
        trimmed=max((f.trimmed for f in fits), default=0),
        largest_propensity=max((f.largest for f in fits), default=0.0),
        n_independent=panel.n_clusters,
        influence=writer.matrix,
        gap=max((f.gap for f in fits), default=0.0),
    )


def _counts(
    panel: SortedPanel, plan: CellPlan, fits: tuple[ComparisonFit, ...]
) -> tuple[IntArray, IntArray, dict[int, Undefined]]:
    sizes = np.diff(panel.bounds)
    n_treated = sizes[plan.cohort]
    n_comparison = plan.controls.astype(np.int64) @ sizes
    undefined = {
        int(i): Undefined.NO_COMPARISON
        for i in np.flatnonzero(~plan.controls.any(axis=1) & ~plan.reference)
    }
    for fit in fits:
        n_treated[fit.comparison.cells] = fit.n_treated
        n_comparison[fit.comparison.cells] = fit.n_comparison
        if fit.undefined is not None:
            undefined |= {int(i): fit.undefined for i in fit.comparison.cells}
    return n_treated, n_comparison, undefined


class InfluenceWriter:
    """Writes the influence of blocks of units on the cells they take part in."""

    def __init__(self, panel: SortedPanel, plan: CellPlan, fits: tuple[ComparisonFit, ...]) -> None:
        self.panel = panel
        self.cohorts = len(plan.cohorts)
        self.width = plan.size + self.cohorts
        self.roles: list[list[ComparisonFit]] = [[] for _ in range(self.cohorts + 1)]
        for fit in fits:
            for cohort in (fit.comparison.treated, *fit.comparison.controls):
                self.roles[cohort].append(fit)

    def columns(self, cohort: int) -> IntArray:
        """Return the columns that units of a cohort can move: cells, then their share."""
        cells = [fit.comparison.cells for fit in self.roles[cohort]]
        share = [] if cohort == self.cohorts else [self.width - self.cohorts + cohort]
        return np.concatenate([*cells, np.array(share, dtype=np.int64)]).astype(np.int64)

    def covariance(self) -> FloatArray:
        """Return the (c + K, c + K) sum of outer products, by unit or by cluster."""
        if self.panel.clusters is not None:
            rows = self.matrix()
            return rows.T @ rows
        total = np.zeros((self.width, self.width))
        for cohort in range(self.cohorts + 1):
            columns = self.columns(cohort)
            buffer = np.empty((BLOCK, len(columns)))
            inner = np.zeros((len(columns), len(columns)))
            for first, last in self.panel.blocks(cohort):
                block = self.block(cohort, first, last, buffer)
                inner += block.T @ block
            total[np.ix_(columns, columns)] += inner
        return total

    def matrix(self, combinations: FloatArray | None = None) -> FloatArray:
        """Return influence values, (N, c + K) in the caller's order or (G, c + K) by cluster.

        With `combinations`, (J, c + K), those of the combinations: (N, J) or (G, J).
        """
        panel = self.panel
        width = self.width if combinations is None else len(combinations)
        out = np.zeros((panel.n_clusters, width))
        for cohort in range(self.cohorts + 1):
            columns = self.columns(cohort)
            buffer = np.empty((BLOCK, len(columns)))
            for first, last in panel.blocks(cohort):
                block = self.block(cohort, first, last, buffer)
                places: IntArray | slice = columns
                if combinations is not None:
                    block, places = block @ combinations[:, columns].T, slice(None)
                if panel.clusters is None:
                    rows = panel.order[first:last]
                else:
                    codes = panel.clusters[first:last]
                    starts = np.flatnonzero(np.diff(codes, prepend=-1))
                    rows, block = codes[starts], np.add.reduceat(block, starts, axis=0)
                if isinstance(places, slice):
                    out[rows] += block
                else:
                    out[np.ix_(rows, places)] += block
        return out

    def block(self, cohort: int, first: int, last: int, buffer: FloatArray) -> FloatArray:
        """Fill the influence values of a block of one cohort: (n, columns)."""
        out = buffer[: last - first]
        residuals: dict[object, tuple[Rows, FloatArray]] = {}
        column = 0
        for fit in self.roles[cohort]:
            part = fit.comparison
            key = (id(fit.slopes), id(part.periods) if part.pairwise else 0, part.covariate_period)
            if key not in residuals:
                residuals[key] = self._residuals(fit, first, last)
            rows, left = residuals[key]
            change = left @ part.contrast
            values = out[:, column : column + len(part.cells)]
            if cohort == part.treated:
                _treated_influence(fit, rows, change, values)
            else:
                _comparison_influence(fit, rows, change, values)
            column += len(part.cells)
        if cohort < self.cohorts:
            weights = self.panel.weights
            share = 1.0 if weights is None else weights[first:last]
            out[:, column] = share / self.panel.total_weight
        return out

    def _residuals(self, fit: ComparisonFit, first: int, last: int) -> tuple[Rows, FloatArray]:
        rows = self.panel.read(fit.comparison, first, last)
        return rows, rows.y if fit.slopes is None else rows.y - rows.x @ fit.slopes


def _treated_influence(fit: ComparisonFit, rows: Rows, change: FloatArray, out: FloatArray) -> None:
    assert fit.control_means is not None
    np.subtract(change, fit.estimates + fit.control_means, out=out)
    out /= fit.treated_weight
    if fit.tilt is not None and fit.gamma is not None:
        odds = comparison_odds(rows, fit.gamma)
        out -= (rows.x / (1 + odds)[:, None]) @ fit.tilt
    if rows.w is not None:
        out *= rows.w[:, None]


def _comparison_influence(
    fit: ComparisonFit, rows: Rows, change: FloatArray, out: FloatArray
) -> None:
    pull = 0.0 if fit.pull is None else rows.x @ fit.pull
    if fit.tilt is None or fit.gamma is None or fit.control_means is None:
        np.multiply(change, -np.asarray(pull)[:, None], out=out)
    else:
        odds = comparison_odds(rows, fit.gamma)
        share = odds / (1 + odds)
        if fit.trimmed:
            trim(odds)
        odds /= fit.odds_weight
        np.multiply(change, -(odds + pull)[:, None], out=out)
        parts = np.column_stack([odds, rows.x * share[:, None]])
        out += parts @ np.vstack([fit.control_means, fit.tilt])
    if rows.w is not None:
        out *= rows.w[:, None]
