r"""Effects by imputation: untreated outcomes are predicted, then taken from those observed.

Unit effects, period effects and covariates are estimated on untreated observations only,
:math:`\hat\tau_{it} = y_{it} - \hat\alpha_i - \hat\lambda_t - x_{it}'\hat\gamma` is taken for the
treated ones, and a cell is their weighted mean. The influence of a unit on a cell is

.. math:: \psi_i = \sum_{t\,treated}\omega_{it}(\hat\tau_{it}-\bar\tau_{gt})
          - \Gamma'Q^{-}\sum_{t\,untreated} w_i\tilde z_{it}\hat e_{it},\qquad
          \Gamma = \sum\omega_{it}(z_{it}-\bar z_{i})

with :math:`\bar z_i` the mean of the unit's untreated rows. The centre of the treated term is what
separates the variances: the mean of the cell weighted by squared weights (Borusyak, Jaravel and
Spiess), the same without the unit (their leave-out), or the cell's own mean (Gardner's GMM, to
which the influence of random shares is added when cells are averaged).

References
----------
Borusyak, K., Jaravel, X. and Spiess, J. (2024). doi:10.1093/restud/rdae007
Gardner, J. (2022). doi:10.48550/arXiv.2207.05943
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.cell_regression import period_effects, period_system
from impact_eval.stats.panels.cohort_gram import CellInfluence, CohortGram
from impact_eval.stats.panels.panel_regression import (
    PanelColumns,
    panel_influence,
    panel_regression,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_ESTIMABLE = 1e-7  # part of a target that the untreated rows cannot tell, relative to its size


class Variance(StrEnum):
    """The centre of treated residuals: what the standard error assumes of effects in a cell."""

    BJS = "bjs"
    LEAVE_OUT = "bjs_leave_out"
    TWO_STAGE = "two_stage"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImputedCells:
    """Effects of K treated cells (cohort by period).

    Attributes
    ----------
    cohort, period : (K,) arrays of int
    effects : (K,) array
        NaN where the untreated rows cannot tell what would have been.
    identified : (K,) array of bool
    weight : (K,) array
        Total weight of the treated rows of the cell.
    influence : CellInfluence or (N, K) array
        By cohort when cohort moments suffice, by unit otherwise; zero where not identified.
    """

    cohort: IntArray
    period: IntArray
    effects: FloatArray
    identified: BoolArray
    weight: FloatArray
    influence: CellInfluence | FloatArray


def impute_cells(
    moments: CohortGram, untreated: BoolArray, treated: BoolArray, *, variance: Variance
) -> ImputedCells:
    """Impute from cohort moments: a balanced panel without covariates.

    Parameters
    ----------
    moments : CohortGram
    untreated, treated : (G, T) arrays of bool
        Cells that predict, and cells whose effect is wanted.
    variance : Variance
        The leave-out centre supposes equal weights.

    Returns
    -------
    ImputedCells

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.panels.cohort_gram import cohort_gram
    >>> moments = cohort_gram(np.array([[1.0, 2.0], [3.0, 9.0]]), np.array([0, 1]), 2)
    >>> d = np.array([[False, False], [False, True]])
    >>> impute_cells(moments, ~d, d, variance=Variance.BJS).effects.tolist()
    [5.0]
    """
    cohort, period = np.nonzero(treated)
    cells, periods = np.arange(len(cohort)), untreated.shape[1]
    count = np.maximum(untreated.sum(axis=1), 1)[:, None]
    share = untreated / count
    normal, system = period_system(moments.weight, untreated)
    effects_of_period = np.nan_to_num(period_effects(moments.mean, moments.weight, untreated))
    # y_gt - alpha_g - lambda_t with alpha_g the mean of the untreated rows less their lambda: the
    # effect is `target` applied to the cohort's outcomes less period effects (Borusyak, Jaravel and
    # Spiess, theorem 2).
    target = np.eye(periods)[period] - share[cohort]
    identified = (
        estimable(target, normal, system) & np.any(untreated, axis=1, keepdims=True)[cohort, 0]
    )
    effects = np.einsum("kt,kt->k", target, moments.mean[cohort] - effects_of_period)
    # -Gamma'Q^- z~ of the module: what the untreated rows of every cohort add through lambda.
    direction = target @ system
    slope = untreated[:, None, :] * -direction[None]
    slope -= slope.sum(axis=2, keepdims=True) * share[:, None, :]
    offset = slope @ effects_of_period
    centre = moments.mean
    own = 1 / moments.weight[cohort]
    if variance is not Variance.TWO_STAGE:
        # Equal weights in a cell but for w: the mean weighted by squares, their equation (8).
        centre = moments.mean + moments.drift / moments.weight_sq[:, None]
    if variance is Variance.LEAVE_OUT:
        n = moments.counts[cohort]
        # Leaving oneself out of a mean of n multiplies the gap by n / (n - 1).
        own = own * np.where(n > 1, n / np.maximum(n - 1, 1), 0.0)
    slope[cohort, cells] += target * own[:, None]
    offset[cohort, cells] += np.einsum("kt,kt->k", target, centre[cohort]) * own
    slope[:, ~identified], offset[:, ~identified] = 0.0, 0.0
    return ImputedCells(
        cohort=cohort,
        period=period,
        effects=np.where(identified, effects, np.nan),
        identified=identified,
        weight=moments.weight[cohort],
        influence=CellInfluence(slope, offset),
    )


def estimable(target: FloatArray, normal: FloatArray, system: FloatArray) -> BoolArray:
    """Whether each row of `target` lies in the row space of the normal matrix."""
    scale = np.sqrt(np.where(np.diag(normal) > 0, np.diag(normal), 1.0))
    rest = (target - target @ system @ normal) / scale
    size = np.abs(target / scale).max(axis=1, initial=0.0)
    return np.asarray(np.abs(rest).max(axis=1, initial=0.0) <= _ESTIMABLE * (size + 1e-300))


def impute_units(
    y: FloatArray,
    columns: PanelColumns,
    untreated: BoolArray,
    treated: BoolArray,
    *,
    variance: Variance,
    weights: FloatArray | None = None,
) -> ImputedCells:
    """Impute unit by unit: holes, covariates, unequal weights.

    Parameters
    ----------
    y : (N, T) array
    columns : PanelColumns
        Without cell columns.
    untreated, treated : (N, T) arrays of bool
        Rows that predict and rows whose effect is wanted; a unit with no untreated row is left out.
    variance : Variance
    weights : (N,) array, optional

    Returns
    -------
    ImputedCells
    """
    weight = np.ones(len(y)) if weights is None else weights
    treated = treated & np.any(untreated, axis=1, keepdims=True) & (weight > 0)[:, None]
    n_cohorts = int(columns.codes.max()) + 1
    fit = panel_regression(y, columns, untreated, weights=weights)
    gaps, total, gradient = _gaps(y, columns, fit.coefficients, untreated, treated, weight)
    cohort, period = np.nonzero(total.reshape(n_cohorts, -1) > 0)
    cell = cohort * columns.periods + period
    position = np.full(total.size, -1)
    position[cell] = np.arange(len(cell))
    # Gamma of the module. It must lie in the row space of the untreated normal matrix: otherwise
    # some effect of period, or slope, is not told by them and the cell has no counterfactual.
    gamma = gradient[cell] / total[cell, None]
    identified = estimable(gamma, fit.normal, fit.bread)
    rows, when = np.nonzero(treated)
    where = position[columns.codes[rows] * columns.periods + when]
    effect, heavy = gaps[rows, when], weight[rows]
    size = len(cell)
    mean = np.bincount(where, heavy * effect, size) / total[cell]
    values = -panel_influence(y, columns, untreated, fit, gamma, weights=weights)
    residual = _centred(effect, heavy, where, size, mean, variance) * heavy / total[cell][where]
    values[rows, where] += residual
    values[:, ~identified] = 0.0
    return ImputedCells(
        cohort=cohort,
        period=period,
        effects=np.where(identified, mean, np.nan),
        identified=identified,
        weight=total[cell],
        influence=values,
    )


def _gaps(
    y: FloatArray,
    columns: PanelColumns,
    beta: FloatArray,
    untreated: BoolArray,
    treated: BoolArray,
    weight: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gap to the imputed outcome (N, T); total weight and sum of z - mean z of each cell."""
    n_cells = (int(columns.codes.max()) + 1) * columns.periods
    gaps = np.full(y.shape, np.nan)
    total, gradient = np.zeros(n_cells), np.zeros((n_cells, columns.total))
    count = np.maximum(untreated.sum(axis=1), 1)[:, None]
    level = np.where(untreated, y, 0.0).sum(axis=1, keepdims=True) / count
    for rows in columns.slices(len(y)):
        z = columns.block(rows)
        shares = untreated[rows] / count[rows]
        z -= np.einsum("bt,btk->bk", shares, z)[:, None, :]
        gaps[rows] = y[rows] - level[rows] - z @ beta
        unit, when = np.nonzero(treated[rows])
        heavy = weight[rows][unit]
        cell = columns.codes[rows][unit] * columns.periods + when
        total += np.bincount(cell, heavy, n_cells)
        order = np.argsort(cell, kind="stable")
        present, first = np.unique(cell[order], return_index=True)
        if present.size:
            parts = (z[unit, when] * heavy[:, None])[order]
            gradient[present] += np.add.reduceat(parts, first)
    return gaps, total, gradient


def _centred(
    effect: FloatArray,
    heavy: FloatArray,
    where: IntArray,
    size: int,
    mean: FloatArray,
    variance: Variance,
) -> FloatArray:
    """Gaps less the centre of their cell."""
    if variance is Variance.TWO_STAGE:
        return np.asarray(effect - mean[where])
    square = heavy**2
    sums = np.bincount(where, square, size)
    centre = np.bincount(where, square * effect, size) / sums
    rest = effect - centre[where]
    if variance is Variance.BJS:
        return np.asarray(rest)
    others = sums[where] - square
    return np.where(others > 0, rest * sums[where] / np.where(others > 0, others, 1.0), 0.0)
