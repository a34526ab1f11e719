"""Rotation of loadings by gradient projection: varimax, oblimin, geomin, promax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_Criterion = Callable[[FloatArray], tuple[float, FloatArray]]
_SMALL = 1e-18  # squared gradient at the stop
_FLAT = 1e-10  # squared gradient still taken for a minimum when no step lowers the criterion


class RotationMethod(StrEnum):
    """How the axes are turned; the last three let the factors correlate."""

    NONE = "none"
    VARIMAX = "varimax"
    OBLIMIN = "oblimin"
    GEOMIN = "geomin"
    PROMAX = "promax"


@dataclass(frozen=True, slots=True)
class Rotation:
    """Rotated loadings.

    Attributes
    ----------
    loadings : (p, q) array
        Pattern; columns with a positive sum, by falling sum of squares.
    phi : (q, q) array
        Correlations of the factors (identity when orthogonal).
    converged : bool
    """

    loadings: FloatArray
    phi: FloatArray
    converged: bool


def rotate(loadings: FloatArray, *, method: RotationMethod, kaiser: bool | None = None) -> Rotation:
    r"""Rotate unrotated loadings :math:`L = A (T')^{-1}`.

    Parameters
    ----------
    loadings : (p, q) array
        Unrotated.
    method : RotationMethod
        Varimax :math:`\max \sum_j var(\lambda_{ij}^2)`; oblimin
        :math:`\min \sum_{j\ne l}\sum_i \lambda_{ij}^2\lambda_{il}^2` (direct quartimin); geomin
        :math:`\min \sum_i (\prod_j (\lambda_{ij}^2 + 0.01))^{1/q}`; promax with power 4.
    kaiser : bool, optional
        Weigh the items by their communality; by default for varimax and promax only.

    Returns
    -------
    Rotation

    References
    ----------
    Jennrich, R. I. (2002). doi:10.1007/BF02294706;
    Bernaards, C. A. and Jennrich, R. I. (2005). doi:10.1177/0013164404272507

    Examples
    --------
    >>> import numpy as np
    >>> simple = np.array([[0.8, 0], [0.7, 0], [0, 0.6], [0, 0.9]])
    >>> turned = simple @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    >>> np.abs(rotate(turned, method=RotationMethod.VARIMAX).loadings).round(6).max()
    np.float64(0.9)
    """
    q = loadings.shape[1]
    if q < 2 or method is RotationMethod.NONE:
        return _ordered(loadings, np.eye(q), converged=True)
    normal = kaiser if kaiser is not None else method in _KAISER
    scale = np.sqrt(np.sum(loadings**2, axis=1)) if normal else np.ones(len(loadings))
    scale = np.where(scale > 0, scale, 1.0)
    weighted = loadings / scale[:, None]
    if method is RotationMethod.VARIMAX:
        _, pattern, converged = _best_varimax(weighted)
        phi = np.eye(q)
    elif method is RotationMethod.PROMAX:
        pattern, phi, converged = _promax(weighted)
    else:
        criterion = _CRITERIA[method]
        tries = [_oblique(weighted, criterion, start) for start in _starts(q)]
        _, pattern, phi, converged = min(tries, key=_criterion_value)
    return _ordered(pattern * scale[:, None], phi, converged=converged)


def _ordered(pattern: FloatArray, phi: FloatArray, *, converged: bool) -> Rotation:
    order = np.argsort(-np.sum(pattern**2, axis=0), kind="stable")
    signs = np.where(pattern[:, order].sum(axis=0) < 0, -1.0, 1.0)
    turned = phi[np.ix_(order, order)] * np.outer(signs, signs)
    return Rotation(pattern[:, order] * signs, turned, converged)


def _varimax(pattern: FloatArray) -> tuple[float, FloatArray]:
    squares = pattern**2
    centred = squares - squares.mean(axis=0)
    return -float(np.sum(centred**2)) / 4, -pattern * centred


def _quartimin(pattern: FloatArray) -> tuple[float, FloatArray]:
    squares = pattern**2
    others = squares.sum(axis=1, keepdims=True) - squares
    return float(np.sum(squares * others)) / 4, pattern * others


def _geomin(pattern: FloatArray) -> tuple[float, FloatArray]:
    shifted = pattern**2 + 0.01
    means = np.exp(np.log(shifted).mean(axis=1))
    gradient = 2 / pattern.shape[1] * pattern / shifted * means[:, None]
    return float(means.sum()), gradient


_CRITERIA: dict[RotationMethod, _Criterion] = {
    RotationMethod.OBLIMIN: _quartimin,
    RotationMethod.GEOMIN: _geomin,
}
_KAISER = (RotationMethod.VARIMAX, RotationMethod.PROMAX)


def _starts(q: int) -> tuple[FloatArray, FloatArray]:
    # Two fixed starts: a symmetric pattern can sit exactly on a saddle of the first.
    grid = np.arange(1.0, q + 1)
    turned = np.linalg.qr(np.cos(np.outer(grid, grid) * 1.7) + np.diag(grid))[0]
    return np.eye(q), turned


def _criterion_value(result: tuple[float, FloatArray, FloatArray, bool]) -> float:
    return round(result[0], 9)  # equal minima: the first start wins


def _best_varimax(loadings: FloatArray) -> tuple[float, FloatArray, bool]:
    tries = [_orthogonal(loadings, _varimax, start) for start in _starts(loadings.shape[1])]
    return min(tries, key=lambda result: round(result[0], 9))


def _orthogonal(
    loadings: FloatArray, criterion: _Criterion, turn: FloatArray, *, limit: int = 2_000
) -> tuple[float, FloatArray, bool]:
    step = 1.0
    value, slope = criterion(loadings @ turn)
    for _ in range(limit):
        gradient = loadings.T @ slope
        middle = turn.T @ gradient
        projected = gradient - turn @ (middle + middle.T) / 2
        size = float(np.sum(projected**2))
        if size < _SMALL:
            return value, loadings @ turn, True
        step *= 2
        for _ in range(60):
            left, _, right = np.linalg.svd(turn - step * projected)
            trial = left @ right
            attempt, new_slope = criterion(loadings @ trial)
            if attempt < value - 0.5 * size * step:
                break
            step /= 2
        else:
            return value, loadings @ turn, size < _FLAT
        turn, value, slope = trial, attempt, new_slope
    return value, loadings @ turn, False


def _oblique(
    loadings: FloatArray, criterion: _Criterion, turn: FloatArray, *, limit: int = 5_000
) -> tuple[float, FloatArray, FloatArray, bool]:
    step = 1.0
    pattern: FloatArray = np.linalg.solve(turn, loadings.T).T.astype(np.float64)
    value, slope = criterion(pattern)
    for _ in range(limit):
        gradient = _oblique_gradient(pattern, slope, turn)
        projected = gradient - turn * np.sum(turn * gradient, axis=0)
        size = float(np.sum(projected**2))
        if size < _SMALL:
            return value, pattern, turn.T @ turn, True
        step *= 2
        for _ in range(60):
            trial = turn - step * projected
            trial = trial / np.sqrt(np.sum(trial**2, axis=0))
            moved = np.linalg.solve(trial, loadings.T).T.astype(np.float64)
            attempt, new_slope = criterion(moved)
            if attempt < value - 0.5 * size * step:
                break
            step /= 2
        else:
            return value, pattern, turn.T @ turn, size < _FLAT
        turn, pattern, value, slope = trial, moved, attempt, new_slope
    return value, pattern, turn.T @ turn, False


def _oblique_gradient(pattern: FloatArray, slope: FloatArray, turn: FloatArray) -> FloatArray:
    # dL = -L dT' T'^-1, hence the gradient -(L' Gq T^-1)'.
    out: FloatArray = -(pattern.T @ slope @ np.linalg.inv(turn)).T
    return out


def _promax(loadings: FloatArray, *, power: int = 4) -> tuple[FloatArray, FloatArray, bool]:
    # The orthogonal start is the varimax of items weighted once more, as in the reference.
    _, simple, converged = _best_varimax(loadings)
    target = simple * np.abs(simple) ** (power - 1)
    turn = np.linalg.lstsq(simple, target, rcond=None)[0]
    turn = turn * np.sqrt(np.diag(np.linalg.inv(turn.T @ turn)))
    inverse = np.linalg.inv(turn)
    return simple @ turn, inverse @ inverse.T, converged
