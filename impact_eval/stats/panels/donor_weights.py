r"""Synthetic control: a weighted mean of donors that stands for what was not observed.

Weights on the simplex make the donors' mean equal to the treated path before the action (or to its
predictors). Variants: *demeaned* matches paths up to a level; *ridge* adds to the weights the
ridge regression that closes what gap is left, so that they may leave the simplex a little.

References
----------
Abadie, A., Diamond, A. and Hainmueller, J. (2010). doi:10.1198/jasa.2009.ap08746
Abadie, A., Diamond, A. and Hainmueller, J. (2015). doi:10.1111/ajps.12116
Ben-Michael, E., Feller, A. and Rothstein, J. (2021). doi:10.1080/01621459.2021.1929245
Doudchenko, N. and Imbens, G. (2016). doi:10.3386/w22791
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.simplex import simplex_least_squares

FloatArray = NDArray[np.float64]

_LAMBDAS = 20
_LAMBDA_SPAN = 1e-8  # smallest ridge, relative to the largest singular value squared


class DonorVariant(StrEnum):
    """How the treated path is matched."""

    CLASSIC = "classic"
    DEMEANED = "demeaned"
    RIDGE = "ridge"


@dataclass(frozen=True, slots=True)
class SyntheticControlFit:
    """A synthetic control of one path: n donors, T periods.

    Attributes
    ----------
    weights : (n,) array
    gap : (T,) array
        Treated minus synthetic, every period.
    intercept : float
        Level difference taken away (demeaned variant), else zero.
    rmspe_pre, rmspe_post : float
        Root mean squared gap before and after.
    ridge : float or None
        Penalty of the ridge variant.
    """

    weights: FloatArray
    gap: FloatArray
    intercept: float
    rmspe_pre: float
    rmspe_post: float
    ridge: float | None = None

    @property
    def ratio(self) -> float:
        """Gap after over gap before; infinite when the fit before is exact."""
        return self.rmspe_post / self.rmspe_pre if self.rmspe_pre > 0 else math.inf

    def att(self, n_pre: int) -> float:
        """Mean gap after the action."""
        return float(self.gap[n_pre:].mean())


def synthetic_control(
    treated: FloatArray,
    donors: FloatArray,
    *,
    n_pre: int,
    variant: DonorVariant = DonorVariant.CLASSIC,
    weights: FloatArray | None = None,
    ridge: float | None = None,
) -> SyntheticControlFit:
    """Fit a synthetic control on the outcomes before the action.

    Parameters
    ----------
    treated : (T,) array
    donors : (n, T) array
    n_pre : int
    variant : DonorVariant
    weights : (n,) array, optional
        Simplex weights found elsewhere (predictors) to start from.
    ridge : float, optional
        Penalty of the ridge variant; cross-validated by default.

    Returns
    -------
    SyntheticControlFit

    Examples
    --------
    >>> import numpy as np
    >>> donors = np.array([[0.0, 1, 2, 3], [2, 3, 4, 5]])
    >>> fit = synthetic_control(np.array([1.0, 2, 3, 9]), donors, n_pre=3)
    >>> fit.weights.round(6).tolist(), round(fit.att(3), 6)
    ([0.5, 0.5], 5.0)
    """
    target, X = treated[:n_pre], donors[:, :n_pre]
    if variant is DonorVariant.DEMEANED:
        target, X = target - target.mean(), X - X.mean(axis=1, keepdims=True)
    if weights is None:
        weights = simplex_least_squares(X.T, target).weights
    if variant is DonorVariant.RIDGE:
        ridge = _cross_validated_ridge(X, target) if ridge is None else ridge
        weights = _augment(X, target, weights, ridge)
    gap = treated - weights @ donors
    intercept = float(gap[:n_pre].mean()) if variant is DonorVariant.DEMEANED else 0.0
    gap = gap - intercept
    return SyntheticControlFit(
        weights=weights,
        gap=gap,
        intercept=intercept,
        rmspe_pre=_root_mean_square(gap[:n_pre]),
        rmspe_post=_root_mean_square(gap[n_pre:]),
        ridge=ridge if variant is DonorVariant.RIDGE else None,
    )


def _root_mean_square(values: FloatArray) -> float:
    return math.sqrt(float((values**2).mean())) if values.size else 0.0


def _augment(X: FloatArray, target: FloatArray, weights: FloatArray, ridge: float) -> FloatArray:
    r"""Add :math:`X_c (X_c'X_c + \lambda I)^{-1} (x_1 - X'w)` to the weights.

    Periods are the columns of X, centred over donors.
    """
    centre = X.mean(axis=0)
    move = _ridge_move(X - centre, target - centre, weights, ridge)
    return np.asarray(weights + move, dtype=np.float64)


def _ridge_move(X: FloatArray, target: FloatArray, weights: FloatArray, ridge: float) -> FloatArray:
    system = X.T @ X + ridge * np.eye(X.shape[1])
    move: FloatArray = X @ np.linalg.solve(system, target - X.T @ weights)
    return move


def _cross_validated_ridge(X: FloatArray, target: FloatArray) -> float:
    """Return the largest penalty within one standard error of the least error, by leaving periods.

    Each period before is left out in turn and predicted from the others.
    """
    centre = X.mean(axis=0)
    X, target = X - centre, target - centre
    periods = X.shape[1]
    top = float(np.linalg.norm(X, 2) ** 2)
    if periods < 3 or top <= 0:
        return max(top, 1.0)
    grid = top * np.geomspace(1.0, _LAMBDA_SPAN, _LAMBDAS)
    errors = np.empty((periods, _LAMBDAS))
    for t in range(periods):
        keep = np.arange(periods) != t
        base = simplex_least_squares(X[:, keep].T, target[keep]).weights
        for j, ridge in enumerate(grid):
            move = _ridge_move(X[:, keep], target[keep], base, float(ridge))
            errors[t, j] = (target[t] - (base + move) @ X[:, t]) ** 2
    mean, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1) / math.sqrt(periods)
    best = int(mean.argmin())
    return float(grid[int(np.argmax(mean <= mean[best] + spread[best]))])


@dataclass(frozen=True, slots=True)
class PredictorFit:
    """Weights that match predictors.

    Attributes
    ----------
    weights : (n,) array
        Of the donors.
    importance : (q,) array
        V: weights of the predictors, summing to one.
    loss : float
        Mean squared gap of the outcome before the action.
    """

    weights: FloatArray
    importance: FloatArray
    loss: float


def scale_predictors(treated: FloatArray, donors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Divide each predictor by its standard deviation over treated and donors together.

    Parameters
    ----------
    treated : (q,) array
    donors : (n, q) array
    """
    spread = np.vstack([treated, donors]).std(axis=0, ddof=1)
    spread = np.where(spread > 0, spread, 1.0)
    return treated / spread, donors / spread


def weights_for_importance(
    treated: FloatArray, donors: FloatArray, importance: FloatArray
) -> FloatArray:
    r"""Return the donors' weights that minimise :math:`(x_1 - X'w)' V (x_1 - X'w)`.

    Parameters
    ----------
    treated : (q,) array
        Scaled predictors.
    donors : (n, q) array
    importance : (q,) array
        Diagonal of V.
    """
    root = np.sqrt(importance)
    return simplex_least_squares((donors * root).T, treated * root).weights


def match_predictors(
    treated: FloatArray,
    donors: FloatArray,
    outcome_treated: FloatArray,
    outcome_donors: FloatArray,
) -> PredictorFit:
    """Choose the importance of predictors so that the outcome before the action is followed best.

    The outer problem has several valleys: it is searched by simplex descent on logarithms, from
    equal importance, from the regression of the outcome on the predictors, and from each predictor
    alone, and the best end is kept.

    Parameters
    ----------
    treated : (q,) array
    donors : (n, q) array
    outcome_treated : (T0,) array
    outcome_donors : (n, T0) array

    Returns
    -------
    PredictorFit
    """
    from scipy.optimize import minimize

    aim, X = scale_predictors(treated, donors)
    size = len(aim)

    def loss(log_importance: FloatArray) -> float:
        found = weights_for_importance(aim, X, _normalised(log_importance))
        return float(((outcome_treated - found @ outcome_donors) ** 2).mean())

    starts = [np.zeros(size), _regression_start(aim, X, outcome_treated, outcome_donors)]
    starts += [np.where(np.arange(size) == j, 0.0, -6.0) for j in range(size)]
    ranked = sorted(starts, key=loss)[:4]
    best, value = ranked[0], loss(ranked[0])
    for start in ranked:
        point = start
        for _ in range(2):  # restarting the descent at its end leaves false valleys
            found = minimize(
                loss,
                point,
                method="Nelder-Mead",
                options={"maxfev": 120 * size, "xatol": 1e-3, "fatol": 1e-9, "adaptive": True},
            )
            point = found.x
        if found.fun < value:
            best, value = found.x, float(found.fun)
    importance = _normalised(best)
    return PredictorFit(weights_for_importance(aim, X, importance), importance, value)


def _normalised(log_importance: FloatArray) -> FloatArray:
    raw = np.exp(np.clip(log_importance - log_importance.max(), -30, 0))
    return np.asarray(raw / raw.sum(), dtype=np.float64)


def _regression_start(
    aim: FloatArray, X: FloatArray, outcome_treated: FloatArray, outcome_donors: FloatArray
) -> FloatArray:
    """Return log importances from squared coefficients of the outcome on the predictors."""
    design = np.column_stack([np.ones(len(X) + 1), np.vstack([aim, X])])
    outcome = np.vstack([outcome_treated, outcome_donors])
    beta = np.linalg.lstsq(design, outcome, rcond=None)[0][1:]
    return np.asarray(np.log(np.maximum((beta**2).sum(axis=1), 1e-12)), dtype=np.float64)
