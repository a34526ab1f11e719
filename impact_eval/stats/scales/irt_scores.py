"""Scores and precision of a fitted item response model: EAP, WLE, information, reliability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.stats.scales.irt import IrtFit, one_hot
from impact_eval.stats.scales.irt_models import category_probabilities, trait_slopes
from impact_eval.stats.scales.item_matrix import item_matrix

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_REACH = 10.0
_STEPS = 12


@dataclass(frozen=True, slots=True)
class TraitScores:
    """Latent trait of each person.

    Attributes
    ----------
    score, std_error : (n,) arrays
        On the latent scale of mean 0 and variance 1; NaN without any answer.
    """

    score: FloatArray
    std_error: FloatArray


def answer_codes(fit: IrtFit, responses: ArrayLike) -> IntArray:
    """Return the category codes of answers, -1 where missing or never met when fitting."""
    matrix = item_matrix(responses)
    codes = np.full(matrix.shape, -1, dtype=np.int64)
    for j, known in enumerate(fit.patterns.categories):
        place = np.clip(np.searchsorted(known, matrix[:, j]), 0, len(known) - 1)
        codes[:, j] = np.where(known[place] == matrix[:, j], place, -1)
    return codes


def expected_scores(fit: IrtFit, responses: ArrayLike) -> TraitScores:
    r"""Return posterior means (EAP) and posterior standard deviations.

    They shrink towards the mean: fit for groups and regressions, not for judging one person.

    Parameters
    ----------
    fit : IrtFit
    responses : (n, k) array

    References
    ----------
    Bock, R. D. and Mislevy, R. J. (1982). doi:10.1177/014662168200600405
    """
    codes = answer_codes(fit, responses)
    points, weights = fit.quadrature.points, fit.quadrature.weights
    categories = int(fit.items.sizes.max())
    curves = category_probabilities(fit.model, fit.items, points)
    logs = np.log(np.maximum(curves.reshape(-1, len(points)), 1e-300))
    joint = one_hot(codes, categories) @ logs + np.log(weights)
    posterior = np.exp(joint - joint.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    mean = posterior @ points
    spread = np.sqrt(np.maximum(posterior @ points**2 - mean**2, 0.0))
    empty = (codes < 0).all(axis=1)
    return TraitScores(np.where(empty, np.nan, mean), np.where(empty, np.nan, spread))


def item_information(fit: IrtFit, points: ArrayLike) -> FloatArray:
    r"""Return the (k, t) information :math:`\sum_c P_c'^2 / P_c` of each item at latent points.

    Parameters
    ----------
    fit : IrtFit
    points : (t,) array
    """
    return _informed(fit, np.asarray(points, dtype=np.float64))[0]


def _informed(fit: IrtFit, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return information and bias term of each item, and each category's trait derivative."""
    probability, slope = trait_slopes(fit.model, fit.items, points)
    information = np.sum(probability * slope**2, axis=1)
    # P''/P = (log P)'' + (log P)'^2 ; the bias term is the sum of P' P'' / P.
    step = 1e-4
    ahead = trait_slopes(fit.model, fit.items, points + step)[1]
    behind = trait_slopes(fit.model, fit.items, points - step)[1]
    second = (ahead - behind) / (2 * step) + slope**2
    bias = np.sum(probability * slope * second, axis=1)
    return information, bias, slope


def likelihood_scores(fit: IrtFit, responses: ArrayLike) -> TraitScores:
    r"""Return Warm's weighted likelihood scores: nearly unbiased, finite for extreme answers.

    Solves :math:`\ell'(\theta) + J(\theta) / (2 I(\theta)) = 0`.

    Parameters
    ----------
    fit : IrtFit
    responses : (n, k) array

    References
    ----------
    Warm, T. A. (1989). doi:10.1007/BF02294627
    """
    codes = answer_codes(fit, responses)
    kinds, member = np.unique(codes, axis=0, return_inverse=True)
    low, high = _brackets(fit, kinds)
    at_low, at_high = (_weighted_score(fit, kinds, end)[0] for end in (low, high))
    for _ in range(_STEPS):  # regula falsi, the stale end halved (Illinois)
        with np.errstate(invalid="ignore", divide="ignore"):
            middle = (low * at_high - high * at_low) / (at_high - at_low)
        middle = np.where(np.isfinite(middle), middle, (low + high) / 2)
        here = _weighted_score(fit, kinds, middle)[0]
        rising = here > 0
        at_high = np.where(rising, at_high / 2, here)
        at_low = np.where(rising, here, at_low / 2)
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    score = middle
    information = _weighted_score(fit, kinds, score)[1]
    with np.errstate(divide="ignore"):
        error = 1 / np.sqrt(information)
    empty = (kinds < 0).all(axis=1)
    score, error = np.where(empty, np.nan, score), np.where(empty, np.nan, error)
    return TraitScores(score[member.ravel()], error[member.ravel()])


def _brackets(fit: IrtFit, codes: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return, on a grid, the two points between which each weighted score changes sign."""
    grid = np.linspace(-_REACH, _REACH, 161)
    information, bias, slope = _informed(fit, grid)
    categories = int(fit.items.sizes.max())
    total = one_hot(codes, categories) @ slope.reshape(-1, len(grid))
    answered = (codes >= 0).astype(np.float64)
    informed = np.maximum(answered @ information, 1e-12)
    total += (answered @ bias) / (2 * informed)
    last = (total[:, :-1] > 0).sum(axis=1)
    last = np.clip(last, 1, len(grid) - 1)
    return grid[last - 1], grid[last]


def _weighted_score(
    fit: IrtFit, codes: IntArray, points: FloatArray
) -> tuple[FloatArray, FloatArray]:
    information, bias, slope = _informed(fit, points)
    answered = codes >= 0
    people = np.arange(len(codes))
    total = np.zeros(len(codes))
    for j in range(codes.shape[1]):
        total += np.where(answered[:, j], slope[j, codes[:, j], people], 0.0)
    informed = np.sum(information.T * answered, axis=1)
    biased = np.sum(bias.T * answered, axis=1)
    return total + biased / (2 * np.maximum(informed, 1e-12)), informed


def marginal_reliability(fit: IrtFit) -> float:
    """Return the reliability of EAP scores over the normal trait: 1 less the mean error variance.

    References
    ----------
    Green, B. F. et al. (1984). doi:10.1111/j.1745-3984.1984.tb01039.x
    """
    points, weights = fit.quadrature.points, fit.quadrature.weights
    information = item_information(fit, points).sum(axis=0)
    return float(weights @ (information / (information + 1)))
