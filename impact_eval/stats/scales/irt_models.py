r"""Response functions of item response models: category probabilities and their derivatives.

Graded: :math:`P(Y \ge k) = logistic(a\theta + d_k)`. Partial credit:
:math:`P(Y = k) \propto \exp(a k \theta + d_k)`, :math:`d_0 = 0`. With two categories both are the
two-parameter logistic model.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_TINY = 1e-300


class IrtModel(StrEnum):
    """Item response models.

    `RASCH` and `TWO_PARAMETER` take two-category items; `PARTIAL_CREDIT` and `RASCH` have one
    discrimination for all items, `GENERALIZED_PARTIAL_CREDIT` and `GRADED` one by item.
    """

    RASCH = "rasch"
    TWO_PARAMETER = "two_parameter"
    GRADED = "graded"
    PARTIAL_CREDIT = "partial_credit"
    GENERALIZED_PARTIAL_CREDIT = "generalized_partial_credit"


CUMULATIVE = (IrtModel.GRADED, IrtModel.TWO_PARAMETER)
ONE_SLOPE = (IrtModel.RASCH, IrtModel.PARTIAL_CREDIT)
BINARY = (IrtModel.RASCH, IrtModel.TWO_PARAMETER)


@dataclass(frozen=True, slots=True)
class ItemParameters:
    """Slopes and intercepts of all items.

    Attributes
    ----------
    slopes : (k,) array
    intercepts : (k, c - 1) array
        Padded with NaN for items with fewer categories.
    sizes : (k,) int array
        Categories of each item.
    """

    slopes: FloatArray
    intercepts: FloatArray
    sizes: IntArray


@dataclass(frozen=True, slots=True)
class Curves:
    """Category probabilities at points of the latent scale.

    Attributes
    ----------
    probability : (k, c, t) array
        Zero for categories an item does not have.
    gradient : (k, c, c, t) array
        Derivatives of the log-probabilities in the slope, then in each intercept.
    trait : (k, c, t) array
        Derivatives of the log-probabilities in the latent trait.
    """

    probability: FloatArray
    gradient: FloatArray
    trait: FloatArray


def category_curves(model: IrtModel, items: ItemParameters, points: FloatArray) -> Curves:
    """Return category probabilities and derivatives at latent `points` (t,)."""
    if model in CUMULATIVE:
        return _graded(items, points)
    return _partial_credit(items, points)


def category_probabilities(
    model: IrtModel, items: ItemParameters, points: FloatArray
) -> FloatArray:
    """Return the (k, c, t) category probabilities alone."""
    if model in CUMULATIVE:
        above = _above(items, points)
        return np.maximum(-np.diff(above, axis=1), 0.0)
    return _shares(items, points)


def trait_slopes(
    model: IrtModel, items: ItemParameters, points: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return probabilities and derivatives of their logarithms in the trait, (k, c, t) each."""
    slopes = items.slopes[:, None, None]
    if model in CUMULATIVE:
        above = _above(items, points)
        probability = np.maximum(-np.diff(above, axis=1), 0.0)
        moved = -np.diff(above * (1 - above), axis=1)
        positive = probability > 0
        return probability, slopes * np.divide(moved, probability, where=positive, out=0 * moved)
    probability = _shares(items, points)
    rank = np.arange(probability.shape[1])
    centred = rank[None, :, None] - np.einsum("kct,c->kt", probability, rank)[:, None]
    present = rank[None, :] < items.sizes[:, None]
    return probability, slopes * centred * present[:, :, None]


def _above(items: ItemParameters, points: FloatArray) -> FloatArray:
    """Return P(Y >= k) for k = 0..c, (k, c + 1, t)."""
    k, cuts = items.intercepts.shape
    index = items.slopes[:, None, None] * points + items.intercepts[:, :, None]
    out = np.zeros((k, cuts + 2, len(points)))
    out[:, 0] = 1.0
    out[:, 1:-1] = special.expit(np.where(np.isnan(index), -np.inf, index))
    return out


def _graded(items: ItemParameters, points: FloatArray) -> Curves:
    k, cuts = items.intercepts.shape
    above = _above(items, points)
    probability = np.maximum(-np.diff(above, axis=1), 0.0)
    inverse = 1 / np.maximum(probability, _TINY)
    inverse[probability <= 0] = 0.0
    weight = above * (1 - above)
    trait = -np.diff(weight, axis=1) * inverse
    gradient = np.zeros((k, cuts + 1, cuts + 1, len(points)))
    gradient[:, :, 0] = trait * points
    for cut in range(1, cuts + 1):
        gradient[:, cut, cut] = weight[:, cut] * inverse[:, cut]
        gradient[:, cut - 1, cut] = -weight[:, cut] * inverse[:, cut - 1]
    return Curves(probability, gradient, trait * items.slopes[:, None, None])


def _shares(items: ItemParameters, points: FloatArray) -> FloatArray:
    k, cuts = items.intercepts.shape
    rank = np.arange(cuts + 1)
    offset = np.zeros((k, cuts + 1))
    offset[:, 1:] = items.intercepts
    index = items.slopes[:, None, None] * rank[None, :, None] * points + offset[:, :, None]
    index = np.where(np.isnan(index), -np.inf, index)
    index -= index.max(axis=1, keepdims=True)
    shares = np.exp(index)
    out: FloatArray = shares / shares.sum(axis=1, keepdims=True)
    return out


def _partial_credit(items: ItemParameters, points: FloatArray) -> Curves:
    probability = _shares(items, points)
    k, categories, _ = probability.shape
    rank = np.arange(categories)
    centred = rank[None, :, None] - np.einsum("kct,c->kt", probability, rank)[:, None]
    present = rank[None, :] < items.sizes[:, None]
    trait = centred * present[:, :, None]
    gradient = np.zeros((k, categories, categories, len(points)))
    gradient[:, :, 0] = trait * points
    for step in range(1, categories):
        gradient[:, :, step] = -probability[:, None, step] * present[:, :, None]
        gradient[:, step, step] += present[:, step, None]
    return Curves(probability, gradient, trait * items.slopes[:, None, None])


def difficulties(model: IrtModel, items: ItemParameters) -> FloatArray:
    """Return (k, c - 1) places on the latent scale: of each cut, or of each step (NaN padded)."""
    if model in CUMULATIVE:
        out: FloatArray = -items.intercepts / items.slopes[:, None]
        return out
    steps = np.diff(np.column_stack([np.zeros(len(items.slopes)), items.intercepts]), axis=1)
    out = -steps / items.slopes[:, None]
    return out
