r"""Least squares with unit and period effects on a wide panel with holes and covariates, by blocks.

Unit effects are swept out of every column; period effects and covariates are columns like others,
so that one small system is solved whatever the number of units. Nothing of the size of the data is
made but the influence values: columns are built, used and dropped one block of units at a time.

.. math:: b = Q^{-}\sum_i w_i\tilde Z_i'y_i,\qquad \psi_i = w_i L'Q^{-}\tilde Z_i'\hat e_i
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.seen_alike import Alike, seen_alike

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

BLOCK_NUMBERS = 2_000_000  # numbers of one block of columns (16 MB)
RANK_TOLERANCE = 1e-10  # of a column's squared length, left after the columns before it


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelColumns:
    """The columns of a panel regression, built by blocks of units.

    Their order: one indicator per period; each fixed covariate times each period; covariates that
    vary; the columns that depend on the unit's group and the period.

    Attributes
    ----------
    periods : int
    codes : (N,) array of int
        Group (cohort or treatment path) of each unit.
    cells : (G, T, K) array
        Columns that depend on group and period.
    fixed : (N, p) array
        Covariates of the unit.
    varying : (N, T, q) array
        Covariates of the unit and period; whatever where the unit is not observed.
    """

    periods: int
    codes: IntArray
    cells: FloatArray
    fixed: FloatArray
    varying: FloatArray

    @property
    def nuisance(self) -> int:
        """Number of columns before those of the cells."""
        return int(self.periods * (1 + self.fixed.shape[1]) + self.varying.shape[2])

    @property
    def total(self) -> int:
        """Number of columns."""
        return int(self.nuisance + self.cells.shape[2])

    @property
    def without_covariates(self) -> bool:
        """Whether the columns of a unit are those of its group."""
        return not (self.fixed.shape[1] or self.varying.shape[2])

    def of_units(self, units: IntArray) -> PanelColumns:
        """Return the columns of some units."""
        return replace(
            self, codes=self.codes[units], fixed=self.fixed[units], varying=self.varying[units]
        )

    def block(self, rows: slice) -> FloatArray:
        """Return the columns of some units, (B, T, total)."""
        codes = self.codes[rows]
        out = np.zeros((len(codes), self.periods, self.total))
        step = np.arange(self.periods)
        out[:, step, step] = 1.0
        at = self.periods
        for j in range(self.fixed.shape[1]):
            out[:, step, at + step] = self.fixed[rows, j, None]
            at += self.periods
        out[:, :, at : self.nuisance] = np.nan_to_num(self.varying[rows])
        out[:, :, self.nuisance :] = self.cells[codes]
        return out

    def swept(self, used: BoolArray) -> Iterator[SweptBlock]:
        """Yield blocks of columns freed of the unit means over the rows in use."""
        for rows in self.slices(len(used)):
            yield SweptBlock(rows, sweep_units(self.block(rows), used[rows]))

    def slices(self, units: int) -> Iterator[slice]:
        """Yield slices of units small enough for their columns to fit in a block."""
        size = max(1, BLOCK_NUMBERS // max(1, self.periods * self.total))
        for start in range(0, units, size):
            yield slice(start, min(start + size, units))


@dataclass(frozen=True, slots=True)
class SweptBlock:
    """Columns of some units freed of unit means, zero on rows out of use: (B, T, total)."""

    rows: slice
    columns: FloatArray


def sweep_units(columns: FloatArray, used: BoolArray) -> FloatArray:
    """Subtract from (B, T, K) columns each unit's mean over its rows in use; zero elsewhere."""
    cells = used.astype(np.float64)[:, :, None]
    count = np.maximum(cells.sum(axis=1, keepdims=True), 1.0)
    masked = columns * cells
    masked -= masked.sum(axis=1, keepdims=True) / count
    masked *= cells
    return masked


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelFit:
    """A blocked regression: q columns, of which some are kept.

    Attributes
    ----------
    kept : (q,) array of bool
    coefficients : (q,) array
        Zero for the columns left out.
    bread : (q, q) array
        Generalised inverse of the normal matrix, zero for the columns left out.
    normal : (q, q) array
    n : int
        Rows in use of units with a positive weight.
    parameters : int
        Columns kept plus one: the count that goes with unit effects nested in the clusters.
    """

    kept: BoolArray
    coefficients: FloatArray
    bread: FloatArray
    normal: FloatArray
    n: int
    parameters: int


def panel_regression(
    y: FloatArray, columns: PanelColumns, used: BoolArray, *, weights: FloatArray | None = None
) -> PanelFit:
    """Regress y on the columns and unit effects over the rows in use.

    Parameters
    ----------
    y : (N, T) array
        Finite where in use.
    columns : PanelColumns
    used : (N, T) array of bool
    weights : (N,) array, optional

    Returns
    -------
    PanelFit
    """
    weight = np.ones(len(y)) if weights is None else weights
    used = used & (weight > 0)[:, None]
    n = int(used.sum())
    filled = np.where(used, y, 0.0)
    if columns.without_covariates:
        alike = seen_alike(columns.codes, used)
        filled, weight = alike.mean(filled, weight), alike.total(weight)
        columns, used = columns.of_units(alike.first), used[alike.first]
    total = columns.total
    normal = np.zeros((total, total))
    for block in columns.swept(used):
        flat = block.columns.reshape(-1, total)
        heavy = np.repeat(weight[block.rows], columns.periods)[:, None]
        normal += flat.T @ (flat * heavy)
    kept, bread = swept_inverse(normal)
    beta = np.zeros(total)
    for _ in range(3):  # the first step solves, the next ones only remove its rounding error
        right = np.zeros(total)
        for block in columns.swept(used):
            error = filled[block.rows] - block.columns @ beta
            right += np.einsum("b,btk,bt->k", weight[block.rows], block.columns, error)
        step = bread @ right
        beta += step
        if np.abs(step).max(initial=0.0) <= 1e-12 * np.abs(beta).max(initial=0.0):
            break
    return PanelFit(
        kept=kept,
        coefficients=beta,
        bread=bread,
        normal=normal,
        n=n,
        parameters=int(kept.sum()) + 1,
    )


def swept_inverse(normal: FloatArray) -> tuple[BoolArray, FloatArray]:
    """Invert a Gram matrix on its columns that do not depend on those before them.

    Returns
    -------
    kept : (q,) array of bool
    inverse : (q, q) array
        Zero for the columns left out.
    """
    size = len(normal)
    scale = np.sqrt(np.diag(normal))
    unit = normal / np.outer(np.where(scale > 0, scale, 1), np.where(scale > 0, scale, 1))
    kept = np.zeros(size, dtype=bool)
    factor = np.zeros((size, size))  # rows of the Cholesky factor of the columns kept
    rank = 0
    for j in range(size):
        if scale[j] == 0:
            continue
        row = (unit[j] - factor[:rank, j] @ factor[:rank]) if rank else unit[j].copy()
        if row[j] > RANK_TOLERANCE:
            factor[rank] = row / np.sqrt(row[j])
            kept[j] = True
            rank += 1
    index = np.flatnonzero(kept)
    inverse = np.zeros((size, size))
    if index.size:
        values = np.linalg.inv(unit[np.ix_(index, index)])
        size_of = np.outer(scale[index], scale[index])
        inverse[np.ix_(index, index)] = (values + values.T) / 2 / size_of
    return kept, inverse


def panel_influence(
    y: FloatArray,
    columns: PanelColumns,
    used: BoolArray,
    fit: PanelFit,
    contrasts: FloatArray,
    *,
    weights: FloatArray | None = None,
) -> FloatArray:
    """Return each unit's influence on linear combinations of the coefficients.

    Parameters
    ----------
    contrasts : (K, q) array

    Returns
    -------
    (N, K) array
        Rows that sum to the error of the combinations; without small-sample factor.
    """
    weight = np.ones(len(y)) if weights is None else weights
    used = used & (weight > 0)[:, None]
    filled = np.where(used, y, 0.0)
    direction = fit.bread @ contrasts.T
    out = np.empty((len(y), contrasts.shape[0]))
    if columns.without_covariates:
        alike = seen_alike(columns.codes, used)
        _write_alike(out, filled, columns, used, alike, fit.coefficients, direction)
        return out * weight[:, None]
    for block in columns.swept(used):
        error = _swept_rows(filled[block.rows] - block.columns @ fit.coefficients, used[block.rows])
        out[block.rows] = np.einsum("btk,bt->bk", block.columns, error) @ direction
    return out * weight[:, None]


def _write_alike(
    out: FloatArray,
    filled: FloatArray,
    columns: PanelColumns,
    used: BoolArray,
    alike: Alike,
    coefficients: FloatArray,
    direction: FloatArray,
) -> None:
    """Write the influence of units whose columns are made once for all of a pattern."""
    most = max(1, BLOCK_NUMBERS // max(1, columns.periods * direction.shape[1]))
    for block in columns.of_units(alike.first).swept(used[alike.first]):
        fitted, pull = block.columns @ coefficients, block.columns @ direction
        for units in alike.members(block.rows, most):
            here = alike.pattern[units] - block.rows.start
            error = _swept_rows(filled[units] - fitted[here], used[units])
            out[units] = np.einsum("bt,btk->bk", error, pull[here])


def _swept_rows(values: FloatArray, used: BoolArray) -> FloatArray:
    """Subtract from (B, T) values each unit's mean over its rows in use; zero elsewhere."""
    return sweep_units(values[:, :, None], used)[:, :, 0]
