r"""Least squares with unit and period effects when the columns depend on cohort and period only.

The regression on N units has the same coefficients as one on the G×T cells weighted by the weight
of each cohort; the influence of a unit is linear in its own outcomes:

.. math:: b = Q^{-1}\sum_g W_g \tilde X_g'\bar y_g,\quad Q=\sum_g W_g\tilde X_g'\tilde X_g,\quad
          \psi_i = w_i Q^{-1}\tilde X_g'(y_i - \lambda - X_g b)

with :math:`\tilde X` the columns freed of cohort and period effects over the cells in use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.inference.regression import independent_columns
from impact_eval.stats.panels.cohort_gram import CellInfluence

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_KEPT = 1e-9  # a column left with less than this share of its length is one of the effects


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFit:
    """A regression on cells: k columns kept out of those given.

    Attributes
    ----------
    kept : (K,) array of bool
        Columns that the effects and the columns before them do not determine.
    coefficients : (k,) array
    influence : CellInfluence
        Of each unit on the k coefficients, without small-sample factor.
    bread : (k, k) array
        Inverse of Q.
    residual_columns : (G, T, k) array
        The kept columns freed of cohort and period effects; zero off the cells in use.
    period_effects : (T,) array
        Up to a constant; NaN for a period with no cell in use.
    parameters : int
        Columns and period effects: k + number of periods, the count that goes with unit effects
        nested in the clusters (fixest's `nonnested`: all periods counted, no unit).
    """

    kept: BoolArray
    coefficients: FloatArray
    influence: CellInfluence
    bread: FloatArray
    residual_columns: FloatArray
    period_effects: FloatArray
    parameters: int


def cell_regression(
    columns: FloatArray, mean: FloatArray, weight: FloatArray, *, mask: BoolArray | None = None
) -> CellFit:
    """Regress the outcome on columns, unit effects and period effects, from cohort means.

    Parameters
    ----------
    columns : (G, T, K) array
        Value of each column in each cohort and period.
    mean : (G, T) array
        Weighted mean outcome of each cohort and period.
    weight : (G,) array
        Total weight of each cohort.
    mask : (G, T) array of bool, optional
        Cells in use (all of them by default).

    Returns
    -------
    CellFit

    Examples
    --------
    >>> import numpy as np
    >>> treated = np.array([[0.0, 0.0], [0.0, 1.0]])[:, :, None]
    >>> fit = cell_regression(treated, np.array([[1.0, 2.0], [3.0, 9.0]]), np.array([5.0, 4.0]))
    >>> round(float(fit.coefficients[0]), 10)
    5.0
    """
    cohorts, periods, _ = columns.shape
    used = np.ones((cohorts, periods), dtype=bool) if mask is None else mask.copy()
    used &= (weight > 0)[:, None]
    # Frisch, Waugh and Lovell: effects are swept from columns and outcome, then X~'WX~ b = X~'W y.
    free = free_of_effects(columns, weight, used)
    root = np.sqrt(np.broadcast_to(weight[:, None], used.shape)[used])[:, None]
    length = np.sqrt((columns[used] ** 2 * root**2).sum(axis=0))
    flat = free[used] * root
    # A column that cohort and period determine is left with rounding only; without this it would
    # look independent of the others.
    alive = np.sqrt((flat**2).sum(axis=0)) > _KEPT * np.where(length > 0, length, 1.0)
    kept = np.zeros(columns.shape[2], dtype=bool)
    kept[np.flatnonzero(alive)[independent_columns(flat[:, alive])]] = True
    flat, free = flat[:, kept], free[:, :, kept]
    triangle = np.linalg.qr(flat, mode="r")
    inverse = np.linalg.solve(triangle, np.eye(flat.shape[1]))
    bread = inverse @ inverse.T
    outcome = free_of_effects(np.where(used, mean, 0.0)[:, :, None], weight, used)[used] * root
    coefficients = bread @ (flat.T @ outcome)[:, 0]
    fitted = columns[:, :, kept] @ coefficients
    effects = period_effects(np.where(used, mean - fitted, 0.0), weight, used)
    # psi_i = w_i Q^-1 X~_g'(y_i - lambda - X_g b): linear in y_i, so a slope and an offset by
    # cohort.
    slope = np.ascontiguousarray((free @ bread).transpose(0, 2, 1))  # bread is symmetric
    level = fitted + np.nan_to_num(effects)[None, :]
    return CellFit(
        kept=kept,
        coefficients=coefficients,
        influence=CellInfluence(slope, (slope @ np.where(used, level, 0.0)[:, :, None])[:, :, 0]),
        bread=bread,
        residual_columns=free,
        period_effects=effects,
        parameters=int(kept.sum()) + int(used.any(axis=0).sum()),
    )


def free_of_effects(columns: FloatArray, weight: FloatArray, used: BoolArray) -> FloatArray:
    """Return (G, T, K) columns freed of cohort and period effects over the cells in use.

    All cells in use: twice the weighted means, in closed form. Otherwise the period effects solve
    the T×T system left once cohort effects are swept out.
    """
    share = weight / weight.sum()
    if used[weight > 0].all():
        by_cohort = columns.mean(axis=1, keepdims=True)
        by_period = np.einsum("g,gtk->tk", share, columns)[None]
        grand = by_period.mean(axis=1, keepdims=True)
        return np.asarray((columns - by_cohort - by_period + grand) * used[:, :, None])
    left = columns * used[:, :, None]
    count = np.maximum(used.sum(axis=1), 1)[:, None]
    swept = (left - left.sum(axis=1, keepdims=True) / count[:, :, None]) * used[:, :, None]
    right = np.einsum("g,gtk->tk", weight, swept)
    effects = period_system(weight, used)[1] @ right
    rest = (left - effects[None]) * used[:, :, None]
    return np.asarray(
        (rest - rest.sum(axis=1, keepdims=True) / count[:, :, None]) * used[:, :, None]
    )


def period_effects(mean: FloatArray, weight: FloatArray, used: BoolArray) -> FloatArray:
    """Return the (T,) period effects of cell means, NaN where no cell is in use."""
    count = np.maximum(used.sum(axis=1), 1)[:, None]
    values = mean * used
    swept = (values - values.sum(axis=1, keepdims=True) / count) * used
    effects = period_system(weight, used)[1] @ (weight @ swept)
    return np.where(used.any(axis=0), effects, np.nan)


def period_system(weight: FloatArray, used: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the (T, T) normal matrix of period effects, cohort effects swept out, and its inverse.

    The inverse is the Moore-Penrose one: a constant is free.
    """
    count = np.maximum(used.sum(axis=1), 1)
    cells = used.astype(np.float64)
    normal = np.diag(weight @ cells) - cells.T @ (cells * (weight / count)[:, None])
    return normal, np.asarray(np.linalg.pinv(normal, rcond=1e-12, hermitian=True))
