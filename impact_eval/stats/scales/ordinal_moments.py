"""Sample moments of ordered items: thresholds, polychoric correlations, and their covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.bivariate_normal import bivariate_normal_pdf
from impact_eval.stats.scales.item_matrix import MissingRule
from impact_eval.stats.scales.polychoric import (
    category_codes,
    cell_differences,
    cell_probabilities,
    polychoric_correlation,
    threshold_slopes,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OrdinalMoments:
    """Moments of one group of ordered items.

    Attributes
    ----------
    vector : (q,) array
        Thresholds by item, then correlations below the diagonal.
    gamma : (q, q) array
        Asymptotic covariance of the vector, times n.
    thresholds : tuple of arrays
    correlation : (p, p) array
    n : int
    """

    vector: FloatArray
    gamma: FloatArray
    thresholds: tuple[FloatArray, ...]
    correlation: FloatArray
    n: int

    @property
    def n_thresholds(self) -> int:
        """Thresholds at the head of the vector."""
        return sum(len(cuts) for cuts in self.thresholds)


def ordinal_moments(rows: FloatArray) -> OrdinalMoments | NotApplicable:
    r"""Compute two-step moments and Muthén's asymptotic covariance of complete rows.

    With scores :math:`s_i` of the thresholds (each item alone) and of the correlations (each pair),
    :math:`\Gamma = n B^{-1} (\sum s_i s_i') B^{-T}`, B the outer-product derivative of the scores.

    Parameters
    ----------
    rows : (n, p) array
        No missing value.

    Returns
    -------
    OrdinalMoments or NotApplicable
        Those of `polychoric_correlation`, and `polychoric_at_the_edge` when a correlation ran into
        one.

    References
    ----------
    Muthén, B. (1984). doi:10.1007/BF02294210
    """
    poly = polychoric_correlation(rows, missing=MissingRule.LISTWISE)
    if isinstance(poly, NotApplicable):
        return poly
    if poly.boundary_pairs:
        return NotApplicable.because("polychoric_at_the_edge", n=poly.boundary_pairs)
    codes, _ = category_codes(rows)
    p, n = codes.shape[1], len(codes)
    pairs = np.tril_indices(p, -1)
    starts = np.concatenate([[0], np.cumsum([len(cuts) for cuts in poly.thresholds])])
    q = int(starts[-1]) + len(pairs[0])
    # Muthén's two steps: thresholds maximise each item's likelihood, correlations each pair's with
    # the thresholds held. B is block triangular: a pair's score moves with its items' thresholds,
    # never the reverse; its blocks are outer products (the information equality).
    scores, bread = np.zeros((n, q)), np.zeros((q, q))
    for j, cuts in enumerate(poly.thresholds):
        place = slice(starts[j], starts[j + 1])
        scores[:, place] = _threshold_scores(codes[:, j], cuts)
        bread[place, place] = scores[:, place].T @ scores[:, place]
    for number, (a, b) in enumerate(zip(*pairs, strict=True)):
        at = int(starts[-1]) + number
        table = np.zeros((len(poly.categories[a]), len(poly.categories[b])))
        np.add.at(table, (codes[:, a], codes[:, b]), 1.0)
        own, by_first, by_second = _pair_scores(
            poly.thresholds[a], poly.thresholds[b], poly.correlation[a, b]
        )
        scores[:, at] = own[codes[:, a], codes[:, b]]
        bread[at, at] = np.sum(table * own**2)
        bread[at, starts[a] : starts[a + 1]] = np.einsum("xy,kxy->k", table * own, by_first)
        bread[at, starts[b] : starts[b + 1]] = np.einsum("xy,kxy->k", table * own, by_second)
    inverse = np.linalg.inv(bread)
    gamma = n * inverse @ (scores.T @ scores) @ inverse.T
    vector = np.concatenate([*poly.thresholds, poly.correlation[pairs]])
    return OrdinalMoments(vector, gamma.astype(np.float64), poly.thresholds, poly.correlation, n)


def _threshold_scores(codes: IntArray, cuts: FloatArray) -> FloatArray:
    density = np.exp(-cuts * cuts / 2) / np.sqrt(2 * np.pi)
    share = np.bincount(codes, minlength=len(cuts) + 1) / len(codes)
    table = np.zeros((len(cuts) + 1, len(cuts)))
    index = np.arange(len(cuts))
    table[index, index] = density / share[:-1]
    table[index + 1, index] = -density / share[1:]
    scores: FloatArray = table[codes]
    return scores


def _pair_scores(
    h: FloatArray, k: FloatArray, rho: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each cell's logarithmic derivative in the correlation and in both items' cuts."""
    r = np.array([rho])
    cells = np.maximum(cell_probabilities(h[None], k[None], r)[0], 1e-15)
    density = bivariate_normal_pdf(h[None, :, None], k[None, None, :], r)
    own = cell_differences(density)[0] / cells
    first = threshold_slopes(h, k, r) / cells
    second = threshold_slopes(k, h, r).transpose(0, 2, 1) / cells
    return own, first, second
