"""Confirmatory factor models as data: which cells of which matrices are free, fixed or equal.

A model is a table of cells. Cells that share a free number are one parameter: an equality
constraint is nothing else. Models are changed by copy (`tie`, `freed`, `hold`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
FIXED = -1


class Matrix(StrEnum):
    """The matrices of a measurement model."""

    LOADING = "loading"
    INTERCEPT = "intercept"
    THRESHOLD = "threshold"
    SCALE = "scale"
    RESIDUAL = "residual"
    FACTOR_COVARIANCE = "factor_covariance"
    FACTOR_MEAN = "factor_mean"


class Identification(StrEnum):
    """What gives a factor its scale: its first item's loading, or a variance of one."""

    MARKER = "marker"
    UNIT_VARIANCE = "unit_variance"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of one matrix of one group.

    Attributes
    ----------
    matrix : Matrix
    group, row, column : int
        Symmetric matrices hold row >= column.
    free : int
        Number of the parameter, or `FIXED`.
    value : float
        The fixed value (start values come from the data).
    """

    matrix: Matrix
    group: int
    row: int
    column: int
    free: int
    value: float = 0.0

    @property
    def key(self) -> tuple[Matrix, int, int, int]:
        """Where the cell is."""
        return self.matrix, self.group, self.row, self.column


@dataclass(frozen=True, slots=True, kw_only=True)
class CfaModel:
    """A measurement model of one or several groups.

    Attributes
    ----------
    items, factors : tuple of str
    n_groups : int
    cells : tuple of Cell
    means : bool
        Whether item means are modelled.
    ordinal : bool
        Whether items are ordered categories with thresholds.
    theta : bool
        Ordinal only: residual variances fixed at one, in place of total variances.
    """

    items: tuple[str, ...]
    factors: tuple[str, ...]
    n_groups: int
    cells: tuple[Cell, ...]
    means: bool = False
    ordinal: bool = False
    theta: bool = False

    @property
    def n_free(self) -> int:
        """Free parameters, equal cells counted once."""
        return max((cell.free for cell in self.cells), default=-1) + 1

    def select(self, matrix: Matrix, group: int | None = None) -> tuple[Cell, ...]:
        """Return the cells of a matrix, of all groups or of one."""
        return tuple(
            c for c in self.cells if c.matrix is matrix and (group is None or c.group == group)
        )


def _renumbered(model: CfaModel, cells: Iterable[Cell]) -> CfaModel:
    seen: dict[int, int] = {}
    out = []
    for cell in cells:
        free = cell.free
        if free != FIXED:
            free = seen.setdefault(free, len(seen))
        out.append(replace(cell, free=free))
    return replace(model, cells=tuple(out))


def tie(model: CfaModel, sets: Iterable[Sequence[tuple[Matrix, int, int, int]]]) -> CfaModel:
    """Return the model with the cells of each set made equal to the first of the set.

    Cells that are fixed stay fixed.
    """
    leaders = {cell.key: cell.free for cell in model.cells}
    moved = {key: leaders[members[0]] for members in sets for key in members}
    return _renumbered(
        model,
        [
            replace(c, free=moved[c.key]) if c.free != FIXED and c.key in moved else c
            for c in model.cells
        ],
    )


def freed(model: CfaModel, keys: Iterable[tuple[Matrix, int, int, int]]) -> CfaModel:
    """Return the model with these cells free, each on its own."""
    wanted = set(keys)
    fresh = model.n_free
    out = []
    for cell in model.cells:
        if cell.key in wanted:
            out.append(replace(cell, free=fresh))
            fresh += 1
        else:
            out.append(cell)
    return _renumbered(model, out)


def hold(model: CfaModel, keys: Iterable[tuple[Matrix, int, int, int]], value: float) -> CfaModel:
    """Return the model with these cells fixed at `value`."""
    wanted = set(keys)
    return _renumbered(
        model,
        [replace(c, free=FIXED, value=value) if c.key in wanted else c for c in model.cells],
    )


def measurement_model(
    items_of: Mapping[str, Sequence[str]],
    *,
    n_groups: int = 1,
    identification: Identification = Identification.MARKER,
    means: bool = False,
    categories: Sequence[int] | None = None,
    theta: bool = False,
    correlated: Iterable[tuple[str, str]] = (),
) -> CfaModel:
    """Build a model where each item loads on the factors that name it.

    Parameters
    ----------
    items_of : mapping of factor to its items
    n_groups : int
    identification : Identification
    means : bool
        Free intercepts, factor means at zero.
    categories : sequence of int, optional
        Number of ordered categories of each item: makes the model ordinal.
    theta : bool
        Ordinal parameterisation with residual variances of one.
    correlated : pairs of items
        Residual covariances to free.

    Returns
    -------
    CfaModel

    Raises
    ------
    ImpactEvalError
        `factor_without_items`, `item_unknown` (in `correlated`).

    Examples
    --------
    >>> model = measurement_model({"f": ["a", "b", "c"]})
    >>> model.n_free  # two loadings, one factor variance, three residual variances
    6
    """
    items = tuple(dict.fromkeys(item for named in items_of.values() for item in named))
    pairs = tuple(correlated)
    faults = FindingCollector()
    for factor, named in items_of.items():
        if not named:
            faults.add(Finding.error("factor_without_items", factor=factor))
    for item in sorted({item for pair in pairs for item in pair} - set(items)):
        faults.add(Finding.error("item_unknown", item=item))
    faults.raise_if_errors()
    place = {item: i for i, item in enumerate(items)}
    cells: list[Cell] = []
    for group in range(n_groups):
        cells += _factor_cells(items_of, place, group, identification)
        cells += _item_cells(len(items), group, categories, means=means)
        cells += [
            Cell(Matrix.RESIDUAL, group, max(place[a], place[b]), min(place[a], place[b]), 0)
            for a, b in pairs
        ]
    # Free parameters are numbered once all cells are listed: ties between groups then only repeat a
    # number, and no cell is counted twice.
    numbered, fresh = [], 0
    for cell in cells:
        numbered.append(cell if cell.free == FIXED else replace(cell, free=fresh))
        fresh += cell.free != FIXED
    return CfaModel(
        items=items, factors=tuple(items_of), n_groups=n_groups, cells=tuple(numbered),
        means=means or categories is not None, ordinal=categories is not None, theta=theta,
    )  # fmt: skip


def _factor_cells(
    items_of: Mapping[str, Sequence[str]],
    place: Mapping[str, int],
    group: int,
    identification: Identification,
) -> list[Cell]:
    marker = identification is Identification.MARKER
    cells = []
    for f, named in enumerate(items_of.values()):
        for order, item in enumerate(named):
            fixed = marker and order == 0
            cells.append(
                Cell(Matrix.LOADING, group, place[item], f, FIXED if fixed else 0, 1.0 * fixed)
            )
    for f in range(len(items_of)):
        for other in range(f):
            cells.append(Cell(Matrix.FACTOR_COVARIANCE, group, f, other, 0))
        variance = Cell(Matrix.FACTOR_COVARIANCE, group, f, f, 0 if marker else FIXED, 1.0)
        cells.append(variance)
        cells.append(Cell(Matrix.FACTOR_MEAN, group, f, 0, FIXED, 0.0))
    return cells


def _item_cells(p: int, group: int, categories: Sequence[int] | None, *, means: bool) -> list[Cell]:
    if categories is None:
        kinds = [Cell(Matrix.RESIDUAL, group, i, i, 0) for i in range(p)]
        return kinds + [
            Cell(Matrix.INTERCEPT, group, i, 0, 0 if means else FIXED) for i in range(p)
        ]
    cells = [
        Cell(Matrix.THRESHOLD, group, i, c, 0)
        for i, count in enumerate(categories)
        for c in range(count - 1)
    ]
    cells += [Cell(Matrix.INTERCEPT, group, i, 0, FIXED, 0.0) for i in range(p)]
    cells += [Cell(Matrix.SCALE, group, i, i, FIXED, 1.0) for i in range(p)]
    return cells
