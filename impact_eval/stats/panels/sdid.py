r"""Synthetic difference-in-differences: a comparison weighted over units and over periods.

.. math:: \hat\tau = \Big(\bar Y^{tr}_{post} - \sum_t \lambda_t \bar Y^{tr}_t\Big)
                   - \sum_i \omega_i\Big(\bar Y_{i,post} - \sum_t \lambda_t Y_{it}\Big)

The unit weights make the weighted controls run parallel to the treated before the action, with a
ridge :math:`T_{pre}\zeta_\omega^2`, :math:`\zeta_\omega = (N_{tr}T_{post})^{1/4}\sigma`; the period
weights make the weighted past of the controls parallel to their future. Both problems are solved
exactly; :math:`\sigma` is the standard deviation of the controls' first differences before.

Every draw of a placebo or bootstrap is a set of multiplicities on the same units, so all draws are
solved as one stack.

References
----------
Arkhangelsky, D. et al. (2021). doi:10.1257/aer.20190159
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.simplex import ridge_simplex_many, simplex_least_squares_many

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ETA_LAMBDA = 1e-6
_BLOCK = 256  # draws solved together: bounds memory


@dataclass(frozen=True, slots=True)
class Penalty:
    """The two ridges, in the unit of the outcome.

    Attributes
    ----------
    omega, lambda_ : float
        zeta of the unit weights and of the period weights.
    """

    omega: float
    lambda_: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticDid:
    """The estimates of p weightings of the same n units: T0 periods before, T1 after.

    Attributes
    ----------
    effects : (p, T1) array
        Effect in each period after the action; their mean is the estimate.
    omega : (p, n) array
        Unit weights.
    lambda_ : (p, T0) array
        Period weights.
    """

    effects: FloatArray
    omega: FloatArray
    lambda_: FloatArray

    @property
    def att(self) -> FloatArray:
        """(p,) mean effects."""
        return np.asarray(self.effects.mean(axis=1), dtype=np.float64)


def sdid_penalty(controls: FloatArray, *, n_pre: int, n_treated: int) -> Penalty:
    """Return the penalties that the noise of the controls before the action calls for.

    Parameters
    ----------
    controls : (n, T) array
    n_pre, n_treated : int
    """
    steps = np.diff(controls[:, :n_pre], axis=1)
    noise = float(steps.std(ddof=1)) if steps.size > 1 else 0.0
    after = controls.shape[1] - n_pre
    return Penalty((n_treated * after) ** 0.25 * noise, ETA_LAMBDA * noise)


def synthetic_did(
    y: FloatArray,
    treated: FloatArray,
    controls: FloatArray,
    *,
    n_pre: int,
    penalty: Penalty,
) -> SyntheticDid:
    """Estimate synthetic difference-in-differences for p weightings of the same units.

    Parameters
    ----------
    y : (n, T) array
        Complete.
    treated, controls : (p, n) arrays
        How many times each unit counts as treated and as control in each weighting.
    n_pre : int
        Periods before the action, at least one.
    penalty : Penalty

    Returns
    -------
    SyntheticDid
    """
    blocks = range(0, len(treated), _BLOCK)
    parts = [
        _solve(y, treated[i : i + _BLOCK], controls[i : i + _BLOCK], n_pre, penalty) for i in blocks
    ]
    return SyntheticDid(
        effects=np.vstack([part.effects for part in parts]),
        omega=np.vstack([part.omega for part in parts]),
        lambda_=np.vstack([part.lambda_ for part in parts]),
    )


def _solve(
    y: FloatArray, treated: FloatArray, controls: FloatArray, n_pre: int, penalty: Penalty
) -> SyntheticDid:
    target = (treated / treated.sum(axis=1, keepdims=True)) @ y
    omega = unit_weights(y[:, :n_pre], target[:, :n_pre], controls, zeta=penalty.omega)
    lambda_ = period_weights(y, controls, n_pre=n_pre, zeta=penalty.lambda_)
    gap = target - omega @ y
    effects = gap[:, n_pre:] - (gap[:, :n_pre] * lambda_).sum(axis=1, keepdims=True)
    return SyntheticDid(effects=effects, omega=omega, lambda_=lambda_)


def unit_weights(
    before: FloatArray,
    target: FloatArray,
    controls: FloatArray,
    *,
    zeta: float,
    intercept: bool = True,
) -> FloatArray:
    """Return the weights of the controls whose path before runs parallel to the target's.

    Parameters
    ----------
    before : (n, T0) array
    target : (p, T0) array
    controls : (p, n) array
    zeta : float
    intercept : bool
        Parallel (each path centred) rather than equal.

    Returns
    -------
    (p, n) array
    """
    if intercept:
        before = before - before.mean(axis=1, keepdims=True)
        target = target - target.mean(axis=1, keepdims=True)
    size = before.shape[1]
    ridge = size * zeta**2
    scale = float((before**2).sum(axis=1).mean())
    if scale <= 0:
        return np.asarray(controls / controls.sum(axis=1, keepdims=True), dtype=np.float64)
    if ridge > 1e-4 * scale:
        return ridge_simplex_many(
            before.T, target, ridge=np.full(len(target), ridge), copies=controls
        )
    gram = before @ before.T + 0.0
    found = np.zeros_like(controls)
    for i, row in enumerate(controls):
        live = row > 0
        inside = gram[np.ix_(live, live)] + np.diag(ridge / row[live])
        cross = before[live] @ target[i]
        found[i, live] = simplex_least_squares_many(inside[None], cross[None])[0]
    return found


def period_weights(y: FloatArray, controls: FloatArray, *, n_pre: int, zeta: float) -> FloatArray:
    """Return the weights of past periods whose mean runs parallel to the mean of the periods after.

    Parameters
    ----------
    y : (n, T) array
    controls : (p, n) array
    n_pre : int
    zeta : float

    Returns
    -------
    (p, n_pre) array
    """
    table = np.column_stack([y[:, :n_pre], y[:, n_pre:].mean(axis=1)])
    table = table - table.mean(axis=0)
    width = n_pre + 1
    total = controls.sum(axis=1)
    squares = (table[:, :, None] * table[:, None, :]).reshape(len(y), width * width)
    second = (controls @ squares).reshape(-1, width, width)
    mean = (controls @ table) / total[:, None]
    second -= total[:, None, None] * mean[:, :, None] * mean[:, None, :]
    gram = second[:, :n_pre, :n_pre] + np.eye(n_pre) * (total * zeta**2)[:, None, None]
    return simplex_least_squares_many(gram, second[:, :n_pre, n_pre])


def sdid_jackknife(
    y: FloatArray, fit: SyntheticDid, treated: FloatArray, controls: FloatArray, *, n_pre: int
) -> FloatArray:
    """Return the effects without each unit in turn, weights kept (renormalised).

    Parameters
    ----------
    y : (n, T) array
    fit : SyntheticDid
        One weighting.
    treated, controls : (n,) arrays
        0 or 1.
    n_pre : int

    Returns
    -------
    (n, T1) array
        A unit that is in neither group changes nothing; NaN where a group would be empty.
    """
    kept = 1.0 - np.eye(len(y))
    shares = kept * treated
    omega = kept * fit.omega[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = shares / shares.sum(axis=1, keepdims=True)
        omega = omega / omega.sum(axis=1, keepdims=True)
    gap = (shares - omega) @ y
    base = gap[:, :n_pre] @ fit.lambda_[0]
    return np.asarray(gap[:, n_pre:] - base[:, None], dtype=np.float64)


def jackknife_covariance(draws: FloatArray) -> FloatArray:
    """Return the (k, k) jackknife covariance of n leave-one-out estimates, (n, k)."""
    size = len(draws)
    centred = draws - draws.mean(axis=0)
    return np.asarray((size - 1) / size * centred.T @ centred, dtype=np.float64)


def draw_covariance(draws: FloatArray) -> FloatArray:
    """Return the (k, k) covariance of draws, (b, k), with divisor b."""
    centred = draws - draws.mean(axis=0)
    return np.asarray(centred.T @ centred / len(draws), dtype=np.float64)


def placebo_sets(
    n_controls: int, n_treated: int, *, draws: int, rng: np.random.Generator
) -> IntArray:
    """Return which controls play the treated in each placebo.

    All sets are listed when there are no more of them than `draws`.

    Parameters
    ----------
    n_controls, n_treated : int
        More controls than treated.
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    (b, n_treated) array of int
    """
    if math.comb(n_controls, n_treated) <= draws:
        from itertools import combinations

        return np.array(list(combinations(range(n_controls), n_treated)), dtype=np.int64)
    order = rng.random((draws, n_controls)).argsort(axis=1)
    return np.asarray(order[:, :n_treated], dtype=np.int64)
