"""Which unknown makes the result uncertain: Sobol indices and Shapley effects.

Both read one number, c(u) = Var(E[Y|X_u]), estimated by drawing the other inputs twice given X_u.
It holds for dependent inputs too, where Sobol shares no longer add up and Shapley effects still do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.value.uncertainty.normal_scores import lower_root

FloatArray = NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]
MOST_EXACT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolIndices:
    """Shares of variance of each input.

    Attributes
    ----------
    names : tuple of str
    first : (k,) array
        Var(E[Y|X_i]) / Var(Y): what would go if the input were known.
    total : (k,) array
        1 - Var(E[Y|X_-i]) / Var(Y): what would stay if all others were known.
    variance : float
    first_error, total_error : (k,) arrays
        Standard errors from the number of draws.
    """

    names: tuple[str, ...]
    first: FloatArray
    total: FloatArray
    variance: float
    first_error: FloatArray
    total_error: FloatArray


def sobol_indices(
    function: Function, first: FloatArray, second: FloatArray, names: Sequence[str]
) -> SobolIndices | NotApplicable:
    """Estimate first-order and total indices by pick-freeze (Saltelli; Jansen for the totals).

    Parameters
    ----------
    function : callable
        (n, k) array to (n,) array.
    first, second : (n, k) arrays
        Two independent samples of the inputs, which must be independent of one another.
    names : sequence of str

    Returns
    -------
    SobolIndices or NotApplicable
        `nothing_varies`.

    References
    ----------
    Saltelli, A. et al. (2010). doi:10.1016/j.cpc.2009.09.018
    """
    y1, y2 = function(first), function(second)
    both = np.concatenate([y1, y2])
    variance = float(both.var())
    if variance == 0:
        return NotApplicable.because("nothing_varies")
    k = first.shape[1]
    main, whole = np.empty(k), np.empty(k)
    main_error, whole_error = np.empty(k), np.empty(k)
    mean = float(both.mean())
    root = math.sqrt(len(y1))
    for i in range(k):
        mixed = first.copy()
        mixed[:, i] = second[:, i]
        y = function(mixed)
        part = (y2 - mean) * (y - y1)
        main[i], main_error[i] = part.mean() / variance, part.std() / root / variance
        rest = 0.5 * (y1 - y) ** 2
        whole[i], whole_error[i] = rest.mean() / variance, rest.std() / root / variance
    return SobolIndices(
        names=tuple(names),
        first=main,
        total=whole,
        variance=variance,
        first_error=main_error,
        total_error=whole_error,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapleyEffects:
    """Shares of variance that add up to one, interactions and dependence shared fairly.

    Attributes
    ----------
    names : tuple of str
    shares : (k,) array
    variance : float
    """

    names: tuple[str, ...]
    shares: FloatArray
    variance: float


def shapley_of_costs(cost: Mapping[frozenset[int], float], size: int) -> FloatArray:
    r"""Return :math:`\phi_i=\sum_{u\not\ni i}\frac{|u|!(k-|u|-1)!}{k!}(c(u\cup i)-c(u))`.

    Parameters
    ----------
    cost : mapping of frozenset of int to float
        Every subset, the empty one included.
    size : int

    References
    ----------
    Owen, A. B. (2014). doi:10.1137/130936233
    """
    out = np.zeros(size)
    for i in range(size):
        others = [j for j in range(size) if j != i]
        for n in range(size):
            weight = math.factorial(n) * math.factorial(size - n - 1) / math.factorial(size)
            for subset in itertools.combinations(others, n):
                without = frozenset(subset)
                out[i] += weight * (cost[without | {i}] - cost[without])
    return out


def shapley_effects(
    function: Function,
    names: Sequence[str],
    *,
    rng: np.random.Generator,
    correlation: FloatArray | None = None,
    draws: int = 20_000,
    groups: Sequence[Sequence[int]] | None = None,
) -> ShapleyEffects | NotApplicable:
    """Estimate Shapley effects of inputs given as normal scores, correlated or not.

    Parameters
    ----------
    function : callable
        (n, k) normal scores to (n,) results.
    names : sequence of str
        Of the groups (of the inputs when there are none).
    rng : numpy.random.Generator
    correlation : (k, k) array, optional
        Identity by default.
    draws : int
        By subset.
    groups : sequence of sequences of int, optional
        Inputs taken together; at most 10 groups.

    Returns
    -------
    ShapleyEffects or NotApplicable
        `nothing_varies`.

    Raises
    ------
    ImpactEvalError
        `too_many_inputs`.

    References
    ----------
    Song, E., Nelson, B. and Staum, J. (2016). doi:10.1137/15M1048070
    """
    blocks = [list(g) for g in groups] if groups is not None else [[i] for i in range(len(names))]
    if len(blocks) > MOST_EXACT:
        raise ImpactEvalError(Finding.error("too_many_inputs", n=len(blocks), most=MOST_EXACT))
    size = sum(len(block) for block in blocks)
    matrix = np.eye(size) if correlation is None else np.asarray(correlation, dtype=np.float64)
    free = rng.standard_normal((draws, size))
    again = rng.standard_normal((draws, size))
    results = function(free @ lower_root(matrix).T)
    variance = float(results.var())
    if variance == 0:
        return NotApplicable.because("nothing_varies")
    cost: dict[frozenset[int], float] = {frozenset(): 0.0}
    everything = frozenset(range(len(blocks)))
    for n in range(1, len(blocks)):
        for subset in itertools.combinations(range(len(blocks)), n):
            kept = [i for b in subset for i in blocks[b]]
            cost[frozenset(subset)] = _explained(function, matrix, kept, free, again)
    cost[everything] = variance
    shares = shapley_of_costs(cost, len(blocks)) / variance
    return ShapleyEffects(names=tuple(names), shares=shares, variance=variance)


def _explained(
    function: Function,
    matrix: FloatArray,
    kept: Sequence[int],
    free: FloatArray,
    again: FloatArray,
) -> float:
    """Return Var(E[Y|X_kept]) as the covariance of two results that share X_kept only."""
    rest = [i for i in range(len(matrix)) if i not in set(kept)]
    own = matrix[np.ix_(kept, kept)]
    cross = matrix[np.ix_(rest, kept)]
    slope = cross @ np.linalg.pinv(own)
    left = matrix[np.ix_(rest, rest)] - slope @ cross.T
    shared = free[:, kept] @ lower_root(own).T
    pair = []
    for draw in (free, again):
        scores = np.empty_like(free)
        scores[:, kept] = shared
        scores[:, rest] = shared @ slope.T + draw[:, rest] @ lower_root(left).T
        pair.append(function(scores))
    one, two = pair
    mean = 0.5 * (one.mean() + two.mean())
    return float(np.mean((one - mean) * (two - mean)))


def product_sobol(
    coefficients_of_variation: Sequence[float],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""Return first-order, total and Shapley shares of a product of independent numbers, exactly.

    With :math:`v_i` the squared coefficients of variation, :math:`D=\prod(1+v_i)-1`,
    :math:`S_i=v_i/D`, :math:`T_i = v_i\prod_{j\ne i}(1+v_j)/D`. One line of a value map is such a
    product: it checks the draws.

    Examples
    --------
    >>> first, total, shapley = product_sobol([0.3, 0.2])
    >>> first.round(5).tolist(), shapley.round(5).tolist()
    ([0.67365, 0.2994], [0.68713, 0.31287])
    """
    v = np.asarray(coefficients_of_variation, dtype=np.float64) ** 2
    whole = float(np.prod(1 + v))
    spread = whole - 1
    k = len(v)
    cost = {
        frozenset(u): float(np.prod(1 + v[list(u)])) - 1 if u else 0.0
        for n in range(k + 1)
        for u in itertools.combinations(range(k), n)
    }
    return v / spread, v * whole / (1 + v) / spread, shapley_of_costs(cost, k) / spread
