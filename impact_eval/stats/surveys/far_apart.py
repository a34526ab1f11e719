r"""How far apart two groups stand on what they are compared on, in standard deviations.

.. math:: \max_j |\bar x_{1j} - \bar x_{0j}| / \sqrt{(s_{1j}^2 + s_{0j}^2)/2}

Beyond one, a regression or a propensity extrapolates: what it gives follows from its form, not from
people alike. The same rule holds for every design that adjusts for covariates.

References
----------
Imbens, G. and Rubin, D. (2015). doi:10.1017/CBO9781139025751, section 14.2
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

FAR = 1.0  # standard deviations


def gap_of_moments(one: FloatArray, other: FloatArray) -> float:
    """Return the largest standardised gap from (p, p) weighted cross-products, constant first.

    Examples
    --------
    >>> one, other = np.array([[2.0, 6], [6, 20]]), np.array([[2.0, 2], [2, 4]])
    >>> gap_of_moments(one, other)
    2.0
    """
    parts = []
    for square in (one, other):
        mean = square[0] / square[0, 0]
        parts.append((mean, np.diag(square) / square[0, 0] - mean**2))
    (mean, variance), (other_mean, other_variance) = parts
    spread = np.sqrt(np.maximum((variance + other_variance) / 2, 0.0))
    scale = np.sqrt(np.maximum(np.diag(one) / one[0, 0], np.diag(other) / other[0, 0]))
    moving = spread > 1e-9 * scale
    gaps = np.abs(mean - other_mean)[moving] / spread[moving]
    return float(gaps.max(initial=0.0))


def gap_of_rows(design: FloatArray, treated: BoolArray, weights: FloatArray | None = None) -> float:
    """Return the largest standardised gap of (n, p) rows, constant first."""
    weight = np.ones(len(design)) if weights is None else weights
    if design.shape[1] < 2:
        return 0.0
    centred = design.copy()
    centred[:, 1:] -= design[:, 1:].mean(axis=0)
    squares = [centred[s].T @ (centred[s] * weight[s][:, None]) for s in (treated, ~treated)]
    return gap_of_moments(*squares)


def told_far_apart(gap: float) -> tuple[Finding, ...]:
    """Warn when two groups compared stand more than one standard deviation apart."""
    if gap <= FAR:
        return ()
    return (Finding.warning("groups_far_apart", gap=gap, limit=FAR),)
