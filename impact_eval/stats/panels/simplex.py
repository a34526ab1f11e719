r"""Least squares with weights that are not negative and sum to one.

:math:`\min_w \|Aw - b\|^2 + \eta\|w\|^2` over the unit simplex, exactly:

* `simplex_least_squares`: primal active set on the Gram matrix, one problem;
* `simplex_least_squares_many`: the same steps on a stack of small Gram matrices at once;
* `ridge_simplex_many`: many problems that share A, with :math:`\eta > 0`. Its dual has one variable
  per row of A: :math:`w = \Pi(A'r/\eta)` where r is the residual and :math:`\Pi` the projection on
  the simplex, so a few semismooth Newton steps of that (small) size solve all of them together.

References
----------
Lawson, C. and Hanson, R. (1974), Solving Least Squares Problems, chapter 23.
Qi, L. and Sun, J. (1993). doi:10.1007/BF01581275
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# A vanishing ridge, relative to the mean squared length of a column, picks the shortest of several
# equally good solutions and keeps the systems solvable.
_TINY_RIDGE = 1e-10
_OPTIMAL = 1e-9  # of the largest gradient entry


@dataclass(frozen=True, slots=True)
class SimplexFit:
    """Weights on the simplex.

    Attributes
    ----------
    weights : (n,) array
        Not negative, summing to one.
    residuals : (m,) array
        b - A w.
    iterations : int
    """

    weights: FloatArray
    residuals: FloatArray
    iterations: int


def simplex_least_squares(A: FloatArray, b: FloatArray, *, ridge: float = 0.0) -> SimplexFit:
    """Return the weights that bring A w closest to b.

    Parameters
    ----------
    A : (m, n) array
        One column per candidate.
    b : (m,) array
    ridge : float
        Not negative; in squared units of A.

    Returns
    -------
    SimplexFit

    Examples
    --------
    >>> import numpy as np
    >>> fit = simplex_least_squares(np.eye(3), np.array([0.5, 0.5, -1.0]))
    >>> fit.weights.tolist()
    [0.5, 0.5, 0.0]
    """
    middle = A.mean(axis=1)  # weights sum to one: the problem does not change, the numbers improve
    A, b = A - middle[:, None], b - middle
    gram = A.T @ A
    floor = _TINY_RIDGE * float(np.mean(np.diag(gram)))
    gram[np.diag_indices_from(gram)] += max(ridge, floor) or 1.0
    weights, iterations = _active_set(gram, A.T @ b)
    return SimplexFit(weights, b - A @ weights, iterations)


def _active_set(gram: FloatArray, cross: FloatArray) -> tuple[FloatArray, int]:
    """Minimise ½w'Gw - c'w: grow the support, step back when a weight would leave."""
    size = len(cross)
    weights = np.zeros(size)
    first = int(np.argmin(np.diag(gram) / 2 - cross))
    weights[first] = 1.0
    support = [first]
    iterations = 0
    for _ in range(50 * size + 50):
        iterations += 1
        inner, price = _equality(gram, cross, support)
        if (inner > 0).all():
            weights[:] = 0.0
            weights[support] = inner
            # Karush, Kuhn and Tucker: outside the support the slope plus the price of the sum must
            # not be negative; the worst one enters, as in NNLS (Lawson and Hanson, chapter 23).
            slope = gram[:, support] @ inner - cross + price
            slope[support] = 0.0
            worst = int(np.argmin(slope))
            if slope[worst] >= -_OPTIMAL * max(float(np.abs(cross).max()), 1e-300):
                break
            support.append(worst)
            continue
        now = weights[support]
        falling = inner <= 0
        share = now[falling] / np.maximum(now[falling] - inner[falling], 1e-300)
        step = float(share.min())
        moved = now + step * (inner - now)
        leaving = falling & (moved <= 1e-15)
        # Rounding may leave the first to reach zero just above it: it goes all the same, or the
        # same support would be solved for ever.
        if not leaving.any():
            leaving = falling & (np.cumsum(falling) == int(np.argmin(share)) + 1)
        moved[leaving] = 0.0
        weights[support] = moved
        support = [j for j, out in zip(support, leaving, strict=True) if not out]
    return weights / weights.sum(), iterations


def _equality(gram: FloatArray, cross: FloatArray, support: list[int]) -> tuple[FloatArray, float]:
    """Solve on a support with the sum constraint only: weights and its price."""
    inside = gram[np.ix_(support, support)]
    right = np.column_stack([cross[support], np.ones(len(support))])
    free, ones = np.linalg.solve(inside, right).T
    price = (float(free.sum()) - 1.0) / float(ones.sum())
    return free - price * ones, price


def simplex_least_squares_many(gram: FloatArray, cross: FloatArray) -> FloatArray:
    """Return the weights of a stack of small problems given by A'A and A'b.

    Parameters
    ----------
    gram : (p, n, n) array
        A'A, ridge included where wanted.
    cross : (p, n) array
        A'b.

    Returns
    -------
    (p, n) array
        One row of weights per problem.
    """
    problems, size = cross.shape
    diagonal = np.einsum("pii->pi", gram)
    floor = _TINY_RIDGE * diagonal.mean(axis=1)
    gram = gram + np.eye(size) * np.where(floor > 0, floor, 1.0)[:, None, None]
    weights = np.zeros((problems, size))
    weights[np.arange(problems), np.argmin(diagonal / 2 - cross, axis=1)] = 1.0
    support = weights > 0
    scale = _OPTIMAL * np.maximum(np.abs(cross).max(axis=1), 1e-300)
    open_ = np.arange(problems)
    for _ in range(50 * size + 50):
        if not open_.size:
            break
        inner, price = _equality_many(gram[open_], cross[open_], support[open_])
        held = support[open_]
        # The two cases of `_active_set`, each for the problems that are in it.
        feasible = ((inner > 0) | ~held).all(axis=1)
        _step_back(weights, support, open_[~feasible], inner[~feasible])
        ahead = open_[feasible]
        weights[ahead] = inner[feasible]
        slope = np.einsum("pij,pj->pi", gram[ahead], inner[feasible])
        slope += price[feasible, None] - cross[ahead]
        slope[held[feasible]] = 0.0
        worst = slope.argmin(axis=1)
        more = slope[np.arange(len(ahead)), worst] < -scale[ahead]
        support[ahead[more], worst[more]] = True
        open_ = np.sort(np.concatenate([open_[~feasible], ahead[more]]))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def _equality_many(
    gram: FloatArray, cross: FloatArray, support: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Solve each problem on its support with the sum constraint: weights (zero outside), prices."""
    inside = gram * (support[:, :, None] & support[:, None, :])
    index = np.arange(gram.shape[1])
    inside[:, index, index] += ~support
    right = np.stack([np.where(support, cross, 0.0), support.astype(np.float64)], axis=2)
    solved = np.linalg.solve(inside, right)
    free, ones = solved[:, :, 0], solved[:, :, 1]
    price = (free.sum(axis=1) - 1.0) / ones.sum(axis=1)
    return np.where(support, free - price[:, None] * ones, 0.0), price


def _step_back(
    weights: FloatArray, support: BoolArray, rows: NDArray[np.intp], target: FloatArray
) -> None:
    """Move towards a target that leaves the simplex until the first weight reaches zero."""
    if not rows.size:
        return
    now, held = weights[rows], support[rows]
    falling = held & (target <= 0)
    share = np.where(falling, now / np.maximum(now - target, 1e-300), np.inf)
    step = share.min(axis=1, keepdims=True)
    leaving = falling & (share <= step * (1 + 1e-12) + 1e-300)
    moved = np.where(leaving, 0.0, now + step * (target - now))
    weights[rows] = np.maximum(moved, 0.0)
    support[rows] = held & ~leaving


def ridge_simplex_many(
    A: FloatArray,
    targets: FloatArray,
    *,
    ridge: FloatArray,
    copies: FloatArray | None = None,
    tolerance: float = 1e-11,
) -> FloatArray:
    r"""Return the weights of many ridge problems that share their candidates.

    A candidate present k times has total weight w and costs :math:`\eta w^2/k`, as k equal columns
    would; k = 0 leaves it out.

    Parameters
    ----------
    A : (m, n) array
        m is small (periods); n candidates.
    targets : (p, m) array
    ridge : (p,) array
        Positive, in squared units of A.
    copies : (p, n) array, optional
        How many times each candidate is present; ones by default.
    tolerance : float
        On the optimality condition, relative to the size of A.

    Returns
    -------
    (p, n) array
        Total weight of each candidate.
    """
    problems = len(targets)
    k = np.ones((problems, A.shape[1])) if copies is None else copies
    residual = targets - (k / k.sum(axis=1, keepdims=True)) @ A.T
    scale = tolerance * max(float(np.abs(A).max()), 1e-300)
    weights = np.empty_like(k)
    open_ = np.arange(problems)
    value = np.full(problems, np.inf)
    for _ in range(200):
        weights[open_], value[open_] = _dual(
            A, targets[open_], residual[open_], ridge[open_], k[open_]
        )
        gradient = residual[open_] - targets[open_] + weights[open_] @ A.T
        moving = np.abs(gradient).max(axis=1) > scale
        open_, gradient = open_[moving], gradient[moving]
        if not open_.size:
            break
        step = _semismooth_step(A, gradient, weights[open_], ridge[open_], k[open_])
        residual[open_] = _halve_rising(
            A, targets[open_], residual[open_], step, ridge[open_], k[open_], value[open_], gradient
        )
    return weights


def _dual(
    A: FloatArray, targets: FloatArray, residual: FloatArray, ridge: FloatArray, k: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the weights that answer a residual, and the value of the dual function there."""
    pull = (residual @ A) / ridge[:, None]
    weights = project_on_simplex(pull, k)
    spread = np.where(k > 0, weights**2 / np.where(k > 0, k, 1.0), 0.0).sum(axis=1)
    value = (residual**2).sum(axis=1) / 2 - (residual * targets).sum(axis=1)
    value += ridge * ((weights * pull).sum(axis=1) - spread / 2)
    return weights, value


def project_on_simplex(points: FloatArray, copies: FloatArray) -> FloatArray:
    """Return, row by row, the weights k·max(v + mu, 0) that sum to one.

    Parameters
    ----------
    points : (p, n) array
    copies : (p, n) array
        k; zero leaves a candidate out.

    Examples
    --------
    >>> import numpy as np
    >>> project_on_simplex(np.array([[0.2, 0.4, -3.0]]), np.ones((1, 3))).round(6).tolist()
    [[0.4, 0.6, 0.0]]
    """
    order = np.argsort(np.where(copies > 0, -points, np.inf), axis=1)
    v, k = np.take_along_axis(points, order, 1), np.take_along_axis(copies, order, 1)
    count = np.cumsum(k, axis=1)
    level = (1.0 - np.cumsum(k * v, axis=1)) / np.maximum(count, 1e-300)
    last = ((v + level > 0) & (k > 0)).sum(axis=1) - 1
    mu = level[np.arange(len(points)), np.maximum(last, 0)][:, None]
    return np.asarray(copies * np.maximum(points + mu, 0.0), dtype=np.float64)


def _semismooth_step(
    A: FloatArray, gradient: FloatArray, weights: FloatArray, ridge: FloatArray, k: FloatArray
) -> FloatArray:
    live = np.where(weights > 0, k, 0.0)
    total = live.sum(axis=1)
    mean = (live @ A.T) / total[:, None]
    second = np.matmul(A[None, :, :] * live[:, None, :], A.T)
    second -= total[:, None, None] * mean[:, :, None] * mean[:, None, :]
    system = np.eye(A.shape[0]) + second / ridge[:, None, None]
    return np.asarray(-np.linalg.solve(system, gradient[:, :, None])[:, :, 0], dtype=np.float64)


def _halve_rising(
    A: FloatArray,
    targets: FloatArray,
    residual: FloatArray,
    step: FloatArray,
    ridge: FloatArray,
    k: FloatArray,
    value: FloatArray,
    gradient: FloatArray,
) -> FloatArray:
    """Halve the steps that do not lower the dual function."""
    slope = (gradient * step).sum(axis=1)
    length = np.ones(len(residual))
    for _ in range(40):
        trial = residual + length[:, None] * step
        _, found = _dual(A, targets, trial, ridge, k)
        # Near the solution the decrease drowns in rounding: any step that does not raise is kept.
        bad = found > value + 1e-4 * length * slope + 1e-13 * np.abs(value)
        if not bad.any():
            break
        length[bad] /= 2
    return residual + length[:, None] * step
