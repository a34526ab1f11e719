"""Polychoric and tetrachoric correlations of ordered answers, all pairs of a scale at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.bivariate_normal import (
    bivariate_normal_cdf,
    bivariate_normal_pdf,
    density_slope,
    limit_slope,
)
from impact_eval.stats.scales.item_matrix import MissingRule, complete_rows, item_matrix

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_FAR = 40.0  # stands for an infinite threshold: every normal integral is exact there
_BOUND = 0.99999
_MAX_CATEGORIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Polychoric:
    """Polychoric correlations of k ordered items.

    Attributes
    ----------
    correlation : (k, k) array
    std_error : (k, k) array
        Of each correlation, thresholds taken as known; NaN on the diagonal.
    thresholds : tuple of (c_j - 1,) arrays
        Cut points of each item on the latent normal scale.
    categories : tuple of (c_j,) arrays
        Sorted answers met.
    n : int
        Rows with at least one answer (all items answered under the listwise rule).
    empty_cells : int
        Pairwise table cells without a person: many of them make the correlations fragile.
    boundary_pairs : int
        Pairs whose correlation ran into -1 or 1.
    smallest_eigenvalue : float
        Negative: the matrix is not positive definite.
    """

    correlation: FloatArray
    std_error: FloatArray
    thresholds: tuple[FloatArray, ...]
    categories: tuple[FloatArray, ...]
    n: int
    empty_cells: int
    boundary_pairs: int
    smallest_eigenvalue: float


def category_codes(matrix: FloatArray) -> tuple[IntArray, tuple[FloatArray, ...]]:
    """Return 0-based answer codes (-1 where missing) and the sorted answers of each item."""
    codes = np.full(matrix.shape, -1, dtype=np.int64)
    categories = []
    for j in range(matrix.shape[1]):
        seen = ~np.isnan(matrix[:, j])
        values, inverse = np.unique(matrix[seen, j], return_inverse=True)
        codes[seen, j] = inverse
        categories.append(values)
    return codes, tuple(categories)


def thresholds_from_counts(counts: FloatArray) -> FloatArray:
    """Return the normal cut points of an item from its category counts."""
    shares = np.cumsum(counts)[:-1] / counts.sum()
    cuts: FloatArray = special.ndtri(shares)
    return cuts


def polychoric_correlation(
    responses: ArrayLike, *, missing: MissingRule = MissingRule.PAIRWISE
) -> Polychoric | NotApplicable:
    r"""Compute the two-step polychoric matrix: thresholds from margins, then each correlation.

    .. math:: \hat\rho_{jl} = \arg\max_\rho \sum_{ab} n_{ab} \log \pi_{ab}(\tau_j, \tau_l, \rho)

    Two categories give the tetrachoric correlation. Empty cells are left empty (no continuity
    correction). All pairs are iterated together by Newton steps on arrays.

    Parameters
    ----------
    responses : (n, k) array
        Ordered answers as numbers, NaN where unanswered.
    missing : MissingRule
        Each pair's complete rows (default), or rows complete on all items.

    Returns
    -------
    Polychoric or NotApplicable
        `too_few_items`, `too_few_persons` (n < 10), `constant_item`, `too_many_categories`.

    Assumptions
    -----------
    Each pair of answers cuts a bivariate normal.

    References
    ----------
    Olsson, U. (1979). doi:10.1007/BF02296207

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> z = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=4000)
    >>> answers = np.digitize(z, [-1, 0, 1])
    >>> bool(abs(polychoric_correlation(answers).correlation[0, 1] - 0.5) < 0.05)
    True
    """
    matrix = item_matrix(responses)
    if missing is MissingRule.LISTWISE:
        matrix = complete_rows(matrix)
    refusal = _refuse_table(matrix)
    if refusal is not None:
        return refusal
    codes, categories = category_codes(matrix)
    sizes = np.array([len(c) for c in categories])
    if sizes.min() < 2:
        return NotApplicable.because("constant_item", n=int((sizes < 2).sum()))
    if sizes.max() > _MAX_CATEGORIES:
        return NotApplicable.because(
            "too_many_categories", n=int(sizes.max()), allowed=_MAX_CATEGORIES
        )
    tables, left, right = pair_tables(codes, int(sizes.max()))
    cuts = padded_thresholds(codes, sizes)
    # Olsson's two steps: cuts from each item's own shares, then one likelihood by pair with them
    # held; all pairs at once.
    rho, error, boundary = _maximise_pairs(tables, cuts[left], cuts[right])
    k = len(sizes)
    correlation, errors = np.eye(k), np.full((k, k), np.nan)
    correlation[left, right] = correlation[right, left] = rho
    errors[left, right] = errors[right, left] = error
    return Polychoric(
        correlation=correlation, std_error=errors, categories=categories,
        thresholds=tuple(cuts[j, : sizes[j] - 1] for j in range(k)),
        n=int((codes >= 0).any(axis=1).sum()),
        empty_cells=int((sizes[left] * sizes[right] - (tables > 0).sum(axis=(1, 2))).sum()),
        boundary_pairs=int(boundary.sum()),
        smallest_eigenvalue=float(np.linalg.eigvalsh(correlation)[0]),
    )  # fmt: skip


def _refuse_table(matrix: FloatArray) -> NotApplicable | None:
    n, k = matrix.shape
    if k < 2:
        return NotApplicable.because("too_few_items", n=k, advised=2)
    if n < 10:
        return NotApplicable.because("too_few_persons", n=n, advised=10)
    return None


def padded_thresholds(codes: IntArray, sizes: IntArray) -> FloatArray:
    """Return the (k, max c - 1) cut points, padded with a far value for items with fewer."""
    cuts = np.full((len(sizes), int(sizes.max()) - 1), _FAR)
    for j, size in enumerate(sizes):
        column = codes[:, j]
        counts = np.bincount(column[column >= 0], minlength=int(size)).astype(np.float64)
        cuts[j, : size - 1] = thresholds_from_counts(counts)
    return cuts


def pair_tables(codes: IntArray, size: int) -> tuple[FloatArray, IntArray, IntArray]:
    """Return the (pairs, c, c) contingency tables of all pairs j < l, and the pairs' items."""
    n, k = codes.shape
    hot = np.zeros((n, k * size))
    rows, items = np.nonzero(codes >= 0)
    hot[rows, items * size + codes[rows, items]] = 1.0
    gram = (hot.T @ hot).reshape(k, size, k, size)
    left, right = np.triu_indices(k, 1)
    return gram[left, :, right, :], left, right


def cell_probabilities(h: FloatArray, k: FloatArray, r: FloatArray) -> FloatArray:
    """Return the (pairs, c, c) cell probabilities of cut points h, k (pairs, c - 1) and r."""
    grid = bivariate_normal_cdf(h[:, :, None], k[:, None, :], r[:, None, None])
    pairs, rows, columns = grid.shape
    whole = np.zeros((pairs, rows + 2, columns + 2))
    whole[:, 1:-1, 1:-1] = grid
    whole[:, 1:-1, -1] = special.ndtr(h)
    whole[:, -1, 1:-1] = special.ndtr(k)
    whole[:, -1, -1] = 1.0
    cells: FloatArray = np.diff(np.diff(whole, axis=1), axis=2)
    return cells


def cell_differences(grid: FloatArray) -> FloatArray:
    """Difference a function of the two limits, zero at infinity, into cells."""
    framed = np.pad(grid, ((0, 0), (1, 1), (1, 1)))
    cells: FloatArray = np.diff(np.diff(framed, axis=1), axis=2)
    return cells


def _maximise_pairs(
    tables: FloatArray, h: FloatArray, k: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    rho = _starting_values(tables)
    live = np.arange(len(rho))
    curvature = np.ones(len(rho))
    for _ in range(60):
        slope, bend = _score_and_curvature(tables[live], h[live], k[live], rho[live])
        curvature[live] = bend
        # Newton in Fisher's z, where the likelihood is close to a parabola.
        jacobian = 1 - rho[live] ** 2
        step = slope / np.maximum(bend * jacobian, 1e-12)
        moved = np.tanh(np.arctanh(rho[live]) + np.clip(step, -0.7, 0.7))
        moved = np.clip(moved, -_BOUND, _BOUND)
        change = np.abs(moved - rho[live])
        rho[live] = moved
        live = live[change > 1e-10]
        if not len(live):
            break
    boundary = np.abs(rho) >= _BOUND
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(boundary, np.nan, 1 / np.sqrt(curvature))
    return rho, error, boundary


def _starting_values(tables: FloatArray) -> FloatArray:
    score = np.arange(tables.shape[1], dtype=np.float64)
    total = tables.sum(axis=(1, 2))
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    mean_a, mean_b = rows @ score / total, columns @ score / total
    spread = (rows @ score**2 / total - mean_a**2) * (columns @ score**2 / total - mean_b**2)
    cross = np.einsum("pab,a,b->p", tables, score, score) / total - mean_a * mean_b
    with np.errstate(invalid="ignore", divide="ignore"):
        start = 1.1 * cross / np.sqrt(spread)
    clipped: FloatArray = np.clip(np.nan_to_num(start), -0.9, 0.9)
    return clipped


def _score_and_curvature(
    tables: FloatArray, h: FloatArray, k: FloatArray, rho: FloatArray
) -> tuple[FloatArray, FloatArray]:
    r = rho[:, None, None]
    a, b = h[:, :, None], k[:, None, :]
    cells = np.maximum(cell_probabilities(h, k, rho), 1e-15)
    density = bivariate_normal_pdf(a, b, r)
    first = cell_differences(density) / cells
    second = cell_differences(density * density_slope(a, b, r)) / cells
    slope = np.sum(tables * first, axis=(1, 2))
    observed = np.sum(tables * (first**2 - second), axis=(1, 2))
    expected = tables.sum(axis=(1, 2)) * np.sum(first**2 * cells, axis=(1, 2))
    return slope, np.where(observed > 0.1 * expected, observed, expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolychoricPair:
    """Joint maximum-likelihood fit of one contingency table.

    Attributes
    ----------
    correlation, std_error : float
    row_thresholds, column_thresholds : arrays
    chi_square, df : float
        Likelihood-ratio test of bivariate normality (NaN when df is 0).
    """

    correlation: float
    std_error: float
    row_thresholds: FloatArray
    column_thresholds: FloatArray
    chi_square: float
    df: int


def polychoric_pair(table: ArrayLike) -> PolychoricPair:
    """Fit correlation and thresholds of one table together by maximum likelihood.

    Parameters
    ----------
    table : (r, c) array
        Counts; no empty row or column.

    Returns
    -------
    PolychoricPair

    References
    ----------
    Olsson, U. (1979). doi:10.1007/BF02296207

    Examples
    --------
    >>> fit = polychoric_pair([[40, 10], [10, 40]])
    >>> round(fit.correlation, 4)  # sin(pi (0.8 - 0.5)) for cuts at the median
    0.809
    """
    counts = np.asarray(table, dtype=np.float64)
    rows, columns = counts.shape
    h = thresholds_from_counts(counts.sum(axis=1))
    k = thresholds_from_counts(counts.sum(axis=0))
    rho, _, _ = _maximise_pairs(counts[None], h[None], k[None])
    theta = np.concatenate([rho, h, k])
    for _ in range(100):
        score, information = _joint_score(theta, counts)
        step = np.linalg.solve(information, score)
        theta = theta + step
        theta[0] = min(max(theta[0], -_BOUND), _BOUND)
        if np.abs(step).max() < 1e-11:
            break
    cells = cell_probabilities(theta[None, 1:rows], theta[None, rows:], theta[:1])[0]
    return PolychoricPair(
        correlation=float(theta[0]),
        std_error=float(np.sqrt(np.linalg.inv(_observed_information(theta, counts))[0, 0])),
        row_thresholds=theta[1:rows], column_thresholds=theta[rows:],
        chi_square=_table_deviance(counts, cells),
        df=(rows - 1) * (columns - 1) - 1,
    )  # fmt: skip


def _table_deviance(counts: FloatArray, cells: FloatArray) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = counts * np.log(counts / counts.sum() / cells)
    return float(2 * np.where(counts > 0, terms, 0.0).sum())


def _joint_score(theta: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    rows, columns = counts.shape
    r, h, k = theta[:1], theta[1:rows], theta[rows:]
    cells = np.maximum(cell_probabilities(h[None], k[None], r)[0], 1e-15)
    slopes = np.empty((len(theta), rows, columns))
    slopes[0] = cell_differences(bivariate_normal_pdf(h[None, :, None], k[None, None, :], r))[0]
    slopes[1:rows] = threshold_slopes(h, k, r)
    slopes[rows:] = threshold_slopes(k, h, r).transpose(0, 2, 1)
    ratio = slopes / cells
    score = np.einsum("pab,ab->p", ratio, counts)
    information = counts.sum() * np.einsum("pab,qab,ab->pq", ratio, ratio, cells)
    return score, information


def threshold_slopes(h: FloatArray, k: FloatArray, r: FloatArray) -> FloatArray:
    """Return the (cuts, rows, columns) derivatives of the cells of one table in its row cuts."""
    # Moving cut a shifts mass from row a + 1 into row a, column by column.
    along = limit_slope(h[:, None], k[None, :], r)
    density = np.exp(-h * h / 2) / np.sqrt(2 * np.pi)
    edges = np.column_stack([np.zeros(len(h)), along, density])
    mass = np.diff(edges, axis=1)
    out = np.zeros((len(h), len(h) + 1, len(k) + 1))
    index = np.arange(len(h))
    out[index, index] = mass
    out[index, index + 1] = -mass
    return out


def _observed_information(theta: FloatArray, counts: FloatArray) -> FloatArray:
    step = 1e-5
    columns = []
    for j in range(len(theta)):
        shift = np.zeros(len(theta))
        shift[j] = step
        ahead, _ = _joint_score(theta + shift, counts)
        behind, _ = _joint_score(theta - shift, counts)
        columns.append(-(ahead - behind) / (2 * step))
    information = np.array(columns)
    symmetric: FloatArray = (information + information.T) / 2
    return symmetric


def smooth_correlation(correlation: FloatArray, *, floor: float = 1e-6) -> FloatArray:
    """Return the closest-looking positive definite correlation: eigenvalues floored, rescaled."""
    values, vectors = np.linalg.eigh(correlation)
    if values[0] >= floor:
        return correlation
    lifted = (vectors * np.maximum(values, floor)) @ vectors.T
    scale = np.sqrt(np.diag(lifted))
    smoothed: FloatArray = lifted / np.outer(scale, scale)
    return smoothed
