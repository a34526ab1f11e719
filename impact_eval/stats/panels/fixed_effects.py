r"""Remove fixed effects from columns without ever building an indicator.

One set of groups: weighted means. Two sets on a balanced table: :math:`x - \bar x_i - \bar x_t +
\bar x`. Two sets otherwise: the larger is swept out and the smaller solves a system of its own
size, exactly. More sets, or two large ones: conjugate gradient on the normal equations of all
effects, scaled by their diagonal, which touches the rows only by sums and look-ups.

References
----------
Guimarães, P. and Portugal, P. (2010). doi:10.1177/1536867X1101000406
Correia, S. (2017), Linear models with high-dimensional fixed effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

DIRECT_LEVELS = 1_500  # levels of the smaller set up to which its system is solved at once
TOLERANCE = 1e-12  # of the length of the right-hand side
MAX_ITERATIONS = 5_000


@dataclass(frozen=True, slots=True)
class AbsorbedColumns:
    """Columns freed of fixed effects.

    Attributes
    ----------
    columns : (n, k) array
    iterations : int
        Zero when the solution is direct.
    findings : tuple of Finding
        `not_converged` when the iterations ran out.
    """

    columns: FloatArray
    iterations: int = 0
    findings: tuple[Finding, ...] = ()


def absorb(
    columns: FloatArray, groups: Sequence[IntArray], *, weights: FloatArray | None = None
) -> AbsorbedColumns:
    """Return the residuals of columns on sets of fixed effects.

    Parameters
    ----------
    columns : (n, k) array
    groups : sequence of (n,) arrays of int
        Codes 0..L-1 of each set.
    weights : (n,) array, optional
        Not negative.

    Returns
    -------
    AbsorbedColumns

    Examples
    --------
    >>> import numpy as np
    >>> unit, time = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> absorb(np.array([[1.0], [2.0], [5.0], [9.0]]), [unit, time]).columns.ravel().tolist()
    [0.75, -0.75, -0.75, 0.75]
    """
    weight = np.ones(len(columns)) if weights is None else weights
    sets = sorted(groups, key=lambda codes: -int(codes.max(initial=-1)))
    if not sets:
        return AbsorbedColumns(columns)
    if len(sets) == 1:
        return AbsorbedColumns(_less_means(columns, sets[0], weight))
    if len(sets) == 2 and weights is None and _is_full(*sets):
        return AbsorbedColumns(_less_means(_less_means(columns, sets[0], weight), sets[1], weight))
    if len(sets) == 2 and int(sets[1].max()) < DIRECT_LEVELS:
        return AbsorbedColumns(_two_sets(columns, sets[0], sets[1], weight))
    return _conjugate_gradient(columns, sets, weight)


def _sums_by_level(columns: FloatArray, codes: IntArray, size: int) -> FloatArray:
    out = np.empty((size, columns.shape[1]))
    for k, column in enumerate(columns.T):
        out[:, k] = np.bincount(codes, weights=column, minlength=size)
    return out


def _means(columns: FloatArray, codes: IntArray, weight: FloatArray) -> FloatArray:
    """Weighted mean of each row's group; zero where the group weighs nothing."""
    size = int(codes.max()) + 1
    total = np.bincount(codes, weights=weight, minlength=size)
    sums = _sums_by_level(columns * weight[:, None], codes, size)
    means = np.divide(sums, total[:, None], out=np.zeros_like(sums), where=total[:, None] > 0)
    return np.asarray(means[codes])


def _less_means(columns: FloatArray, codes: IntArray, weight: FloatArray) -> FloatArray:
    return columns - _means(columns, codes, weight)


def _is_full(one: IntArray, other: IntArray) -> bool:
    """Whether each pair of levels has exactly one row."""
    rows, cols = int(one.max()) + 1, int(other.max()) + 1
    if len(one) != rows * cols:
        return False
    return bool((np.bincount(one * cols + other, minlength=rows * cols) == 1).all())


def _two_sets(
    columns: FloatArray, large: IntArray, small: IntArray, weight: FloatArray
) -> FloatArray:
    """Sweep the larger set out, solve the smaller one, sweep again."""
    from scipy import linalg, sparse

    shape = (int(large.max()) + 1, int(small.max()) + 1)
    cross = sparse.csr_matrix((weight, (large, small)), shape=shape)
    total = np.asarray(cross.sum(axis=1)).ravel()
    inverse = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    normal = np.diag(np.asarray(cross.sum(axis=0)).ravel())
    normal -= (cross.T @ sparse.diags(inverse) @ cross).toarray()
    swept = _less_means(columns, large, weight)
    right = _sums_by_level(swept * weight[:, None], small, shape[1])
    effects = linalg.lstsq(normal, right, cond=1e-12, lapack_driver="gelsd")[0]
    return _less_means(columns - effects[small], large, weight)


def _conjugate_gradient(
    columns: FloatArray, sets: Sequence[IntArray], weight: FloatArray
) -> AbsorbedColumns:
    """Solve the normal equations of all effects, every column at once."""
    sizes = [int(codes.max()) + 1 for codes in sets]
    bounds = np.cumsum([0, *sizes])
    heavy = weight[:, None]

    def gather(effects: FloatArray) -> FloatArray:
        out = np.zeros_like(columns)
        for codes, start in zip(sets, bounds[:-1], strict=True):
            out += effects[start + codes]
        return out

    def scatter(rows: FloatArray) -> FloatArray:
        weighted = rows * heavy
        return np.concatenate(
            [_sums_by_level(weighted, codes, size) for codes, size in zip(sets, sizes, strict=True)]
        )

    # Jacobi scaling by the levels' total weights: preconditioned conjugate gradient (Golub and Van
    # Loan 2013, chapter 11), one step length by column since they share the matrix only.
    diagonal = np.concatenate(
        [np.bincount(c, weights=weight, minlength=s) for c, s in zip(sets, sizes, strict=True)]
    )
    scale = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)[:, None]
    effects = np.zeros((int(bounds[-1]), columns.shape[1]))
    residual = scatter(columns)
    direction = scale * residual
    energy = (residual * direction).sum(axis=0)
    target = TOLERANCE**2 * np.where(energy > 0, energy, 1.0)
    for iteration in range(1, MAX_ITERATIONS + 1):
        image = scatter(gather(direction))
        curvature = (direction * image).sum(axis=0)
        # A redundant direction has no curvature: the system is singular (a constant passes from one
        # set to another) yet consistent, and needs no step there.
        step = np.divide(energy, curvature, out=np.zeros_like(energy), where=curvature > 0)
        effects += step * direction
        residual -= step * image
        scaled = scale * residual
        fresh = (residual * scaled).sum(axis=0)
        if (fresh <= target).all():
            return AbsorbedColumns(columns - gather(effects), iteration)
        ratio = np.divide(fresh, energy, out=np.zeros_like(energy), where=energy > 0)
        direction = scaled + ratio * direction
        energy = fresh
    finding = Finding.warning("not_converged", method="fixed_effects", iterations=MAX_ITERATIONS)
    return AbsorbedColumns(columns - gather(effects), MAX_ITERATIONS, (finding,))


@dataclass(frozen=True, slots=True)
class EffectCount:
    r"""How many free parameters sets of fixed effects have.

    Attributes
    ----------
    total : int
        All of them, redundant ones left out: levels less connected components for two sets, levels
        less one per further set beyond.
    nonnested : int
        The count that goes with clusters (fixest's `nonnested`): a set whose groups each lie in one
        cluster counts for one. linearmodels counts `total`: its clustered errors are larger by
        :math:`\sqrt{(n-k-nonnested)/(n-k-total)}`.
    nested : tuple of bool
        Which sets are nested in the clusters.
    """

    total: int
    nonnested: int
    nested: tuple[bool, ...]


def count_effects(groups: Sequence[IntArray], *, clusters: IntArray | None = None) -> EffectCount:
    """Count the parameters of sets of fixed effects.

    Parameters
    ----------
    groups : sequence of (n,) arrays of int
    clusters : (n,) array of int, optional

    Returns
    -------
    EffectCount

    Examples
    --------
    >>> import numpy as np
    >>> unit, time = np.repeat(np.arange(5), 3), np.tile(np.arange(3), 5)
    >>> count_effects([unit, time], clusters=unit)
    EffectCount(total=7, nonnested=3, nested=(True, False))
    """
    levels = [int(np.unique(codes).size) for codes in groups]
    redundant = max(len(groups) - 1, 0)
    if len(groups) >= 2:
        redundant += _connected_parts(groups[0], groups[1]) - 1
    total = sum(levels) - redundant
    nested = tuple(clusters is not None and _lies_within(codes, clusters) for codes in groups)
    inside = sum(size - 1 for size, flag in zip(levels, nested, strict=True) if flag)
    return EffectCount(total, max(total - inside, 0), nested)


def _connected_parts(one: IntArray, other: IntArray) -> int:
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    rows, left = np.unique(one, return_inverse=True)
    cols, right = np.unique(other, return_inverse=True)
    size = len(rows) + len(cols)
    edges = sparse.coo_matrix((np.ones(len(left)), (left, len(rows) + right)), shape=(size, size))
    return int(connected_components(edges, directed=False)[0])


def _lies_within(codes: IntArray, clusters: IntArray) -> bool:
    first = np.zeros(int(codes.max()) + 1, dtype=np.int64)
    first[codes] = clusters
    return bool((first[codes] == clusters).all())
