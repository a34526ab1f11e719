r"""What a two-way fixed-effects coefficient is made of: 2×2 comparisons, and weights on effects.

On a balanced panel the static coefficient is a weighted mean of all comparisons of one cohort with
another (Goodman-Bacon), and of the effects of all treated cells with weights that may be negative
(de Chaisemartin and D'Haultfœuille). Both are arithmetic on cohort means and sizes.

References
----------
Goodman-Bacon, A. (2021). doi:10.1016/j.jeconom.2021.03.014
de Chaisemartin, C. and D'Haultfœuille, X. (2020). doi:10.1257/aer.20181169
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.cell_regression import free_of_effects

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class BaconPair(StrEnum):
    """Who is compared with whom in a 2×2 of the decomposition."""

    NEVER = "treated_vs_never"
    ALWAYS = "later_vs_always"
    EARLIER = "earlier_vs_later"
    LATER = "later_vs_earlier"


@dataclass(frozen=True, slots=True)
class BaconDecomposition:
    """The 2×2 comparisons of a static two-way coefficient, m of them.

    Attributes
    ----------
    treated, control : (m,) array of int
        Cohorts compared, as positions.
    kinds : tuple of BaconPair
    estimates, weights : (m,) array
        Weights sum to one; their product with the estimates sums to the coefficient.
    """

    treated: IntArray
    control: IntArray
    kinds: tuple[BaconPair, ...]
    estimates: FloatArray
    weights: FloatArray

    @property
    def total(self) -> float:
        """The static coefficient."""
        return float(self.weights @ self.estimates)

    def by_kind(self) -> dict[BaconPair, tuple[float, float]]:
        """Return weight and mean estimate of each kind of comparison present."""
        out: dict[BaconPair, tuple[float, float]] = {}
        for kind in BaconPair:
            rows = np.array([k is kind for k in self.kinds], dtype=bool)
            weight = float(self.weights[rows].sum())
            if weight > 0:
                mean = float(self.weights[rows] @ self.estimates[rows]) / weight
                out[kind] = (weight, mean)
        return out


def bacon_decomposition(
    mean: FloatArray, weight: FloatArray, starts: IntArray
) -> BaconDecomposition:
    r"""Decompose the static two-way coefficient of a balanced panel.

    For an earlier cohort k and a later (or never treated) one l, with shares n of the units and D
    of the periods treated, before normalisation:

    .. math:: s_{kl} = n_k n_l (D_k - D_l)(1 - D_k),\qquad s_{lk} = n_k n_l (D_k - D_l) D_l

    (k against l not yet treated, l against k already treated).

    Parameters
    ----------
    mean : (G, T) array
        Mean outcome of each cohort and period.
    weight : (G,) array
        Size (or total weight) of each cohort.
    starts : (G,) array of int
        Position of the first treated period; T or more for never treated, 0 for always treated.

    Returns
    -------
    BaconDecomposition

    Examples
    --------
    >>> import numpy as np
    >>> parts = bacon_decomposition(np.array([[0.0, 1], [0, 3]]), np.ones(2), np.array([2, 1]))
    >>> parts.total, parts.kinds[0].value
    (2.0, 'treated_vs_never')
    """
    periods = mean.shape[1]
    begin = np.minimum(starts, periods)
    share = weight / weight.sum()
    treated_share = (periods - begin) / periods
    found: list[tuple[int, int, BaconPair, float, float]] = []
    for a, b in combinations(np.argsort(begin, kind="stable").tolist(), 2):
        n = share[a] * share[b]
        early, late = treated_share[a], treated_share[b]  # a is treated earlier
        if begin[a] < periods and begin[a] > 0:
            kind = BaconPair.NEVER if begin[b] == periods else BaconPair.EARLIER
            window = slice(0, begin[b])
            estimate = _two_by_two(mean[a] - mean[b], window, begin[a])
            found.append((a, b, kind, estimate, n * (early - late) * (1 - early)))
        if begin[b] < periods and begin[b] > begin[a]:
            kind = BaconPair.ALWAYS if begin[a] == 0 else BaconPair.LATER
            window = slice(begin[a], periods)
            estimate = _two_by_two(mean[b] - mean[a], window, begin[b])
            found.append((b, a, kind, estimate, n * (early - late) * late))
    weights = np.array([row[4] for row in found])
    return BaconDecomposition(
        treated=np.array([row[0] for row in found], dtype=np.int64),
        control=np.array([row[1] for row in found], dtype=np.int64),
        kinds=tuple(row[2] for row in found),
        estimates=np.array([row[3] for row in found]),
        weights=weights / weights.sum(),
    )


def _two_by_two(gap: FloatArray, window: slice, start: int) -> float:
    """Change of the gap between two cohorts, after `start` against before, within a window."""
    return float(gap[start : window.stop].mean() - gap[window.start : start].mean())


@dataclass(frozen=True, slots=True)
class EffectWeights:
    r"""Weights of the effects of treated cells in a two-way coefficient.

    Attributes
    ----------
    weights : (G, T) array
        They sum to one over treated cells; zero elsewhere.
    negative : int
        Treated cells whose weight is negative.
    negative_sum : float
        Sum of the negative weights.
    robust_spread : float
        Least standard deviation of effects across cells compatible with a mean effect of zero: the
        coefficient over the standard deviation of the weights (infinite when they are all equal).
    """

    weights: FloatArray
    negative: int
    negative_sum: float
    robust_spread: float


def effect_weights(treatment: FloatArray, weight: FloatArray, coefficient: float) -> EffectWeights:
    r"""Return the weights that a static two-way coefficient gives to the effects of treated cells.

    :math:`w_{gt} = N_{gt}\,\tilde D_{gt} / \sum_{D=1} N_{gt}\,\tilde D_{gt}`.

    Parameters
    ----------
    treatment : (G, T) array
        0/1, by group (cohort or treatment path) and period.
    weight : (G, T) array
        Size of each cell; constant over periods on a balanced panel.
    coefficient : float
        The two-way coefficient.

    Returns
    -------
    EffectWeights
    """
    used = weight > 0
    size = weight.max(axis=1)
    residual = free_of_effects(treatment[:, :, None], size, used)[:, :, 0]
    treated = (treatment > 0) & used
    raw = np.where(treated, weight * residual, 0.0)
    weights = raw / raw.sum()
    share = weight[treated] / weight[treated].sum()
    ratio = weights[treated] / share
    spread = float(np.sqrt(share @ (ratio - 1) ** 2))
    negative = weights < 0
    return EffectWeights(
        weights=weights,
        negative=int(negative.sum()),
        negative_sum=float(weights[negative].sum()),
        robust_spread=abs(coefficient) / spread if spread > 1e-12 else np.inf,
    )
