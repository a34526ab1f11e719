r"""Item response models by marginal maximum likelihood over a normal latent trait."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.irt_models import (
    BINARY,
    CUMULATIVE,
    ONE_SLOPE,
    Curves,
    IrtModel,
    ItemParameters,
    category_curves,
    difficulties,
)
from impact_eval.stats.scales.item_matrix import item_matrix
from impact_eval.stats.scales.polychoric import category_codes
from impact_eval.stats.scales.scoring_steps import ScoringPoint, minimise, singular

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LEAST_PERSONS = 50
_ROWS = 8_192
_FAILED = 1e300


@dataclass(frozen=True, slots=True)
class Quadrature:
    """Points and weights that stand for the normal latent trait, (t,) each."""

    points: FloatArray
    weights: FloatArray


class IrtErrors(StrEnum):
    """Standard errors from the observed information, or (faster) from persons' score products."""

    OBSERVED = "observed"
    CROSS_PRODUCT = "cross_product"


def normal_quadrature(*, points: int = 61, reach: float = 6.0) -> Quadrature:
    """Return equally spaced points on [-reach, reach] with normal weights summing to one."""
    nodes = np.linspace(-reach, reach, points)
    weights = np.exp(-nodes * nodes / 2)
    return Quadrature(nodes, weights / weights.sum())


@dataclass(frozen=True, slots=True)
class Patterns:
    """Distinct rows of answers.

    Attributes
    ----------
    codes : (u, k) int array
        Categories from 0; -1 where unanswered.
    counts : (u,) array
    member : (n,) int array
        Pattern of each person.
    categories : tuple of (c_j,) arrays
        Answers behind the codes.
    """

    codes: IntArray
    counts: FloatArray
    member: IntArray
    categories: tuple[FloatArray, ...]

    @property
    def sizes(self) -> IntArray:
        """Categories of each item."""
        return np.array([len(c) for c in self.categories], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class IrtFit:
    """A fitted item response model.

    Attributes
    ----------
    model : IrtModel
    items : ItemParameters
        On a latent scale of mean 0 and variance 1.
    difficulties : (k, c - 1) array
        Places of the cuts (graded) or steps (partial credit), NaN padded. For the one-slope models
        they are on the scale where the slope is 1 and the latent standard deviation is
        `latent_sd`.
    latent_sd : float
        1, but for the one-slope models.
    std_error : (q,) array
        Of `theta`.
    theta : (q,) array
        Slopes (one, or one by item), then intercepts by item.
    covariance : (q, q) array
    log_likelihood, aic, bic : float
    n, n_free : int
    patterns : Patterns
    quadrature : Quadrature
    iterations : int
    """

    model: IrtModel
    items: ItemParameters
    difficulties: FloatArray
    latent_sd: float
    std_error: FloatArray
    theta: FloatArray
    covariance: FloatArray
    log_likelihood: float
    aic: float
    bic: float
    n: int
    n_free: int
    patterns: Patterns
    quadrature: Quadrature
    iterations: int


def item_response(
    responses: ArrayLike,
    *,
    model: IrtModel = IrtModel.GRADED,
    errors: IrtErrors = IrtErrors.OBSERVED,
    quadrature: Quadrature | None = None,
) -> IrtFit | NotApplicable:
    r"""Fit an item response model by marginal maximum likelihood.

    .. math:: \ell = \sum_i \log \int \prod_j P_j(y_{ij} | \theta) \phi(\theta) d\theta

    by EM scores and complete-data information, mixed (see `scoring_steps`).

    Parameters
    ----------
    responses : (n, k) array
        Ordered answers as numbers, NaN where unanswered (missing at random).
    model : IrtModel
    errors : IrtErrors
    quadrature : Quadrature, optional
        61 points on [-6, 6] by default.

    Returns
    -------
    IrtFit or NotApplicable
        `too_few_persons` (n < 50), `too_few_items` (k < 3), `constant_item`, `irt_needs_binary`,
        `no_convergence`, `irt_not_identified`.

    Assumptions
    -----------
    One trait, normally distributed; answers are independent given the trait.

    References
    ----------
    Bock, R. D. and Aitkin, M. (1981). doi:10.1007/BF02293801; Samejima, F. (1969).
    doi:10.1007/BF03372160; Muraki, E. (1992). doi:10.1177/014662169201600206

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> trait = rng.normal(size=(1000, 1))
    >>> y = rng.random((1000, 5)) < 1 / (1 + np.exp(-1.5 * (trait - [-1, -0.5, 0, 0.5, 1])))
    >>> fit = item_response(y.astype(float), model=IrtModel.TWO_PARAMETER)
    >>> fit.n_free, bool(np.all(np.abs(fit.items.slopes - 1.5) < 0.5))
    (10, True)
    """
    matrix = item_matrix(responses)
    matrix = matrix[~np.isnan(matrix).all(axis=1)]
    refusal = _refuse_small(matrix)
    if refusal is not None:
        return refusal
    patterns = answer_patterns(matrix)
    sizes = patterns.sizes
    if sizes.min() < 2:
        return NotApplicable.because("constant_item", n=int((sizes < 2).sum()))
    if model in BINARY and sizes.max() > 2:
        return NotApplicable.because("irt_needs_binary", n=int(sizes.max()))
    rule = quadrature or normal_quadrature()
    layout = ParameterLayout.of(model, sizes)
    likelihood = marginal_likelihood(layout, patterns, rule)
    best = minimise(likelihood, _start_items(layout, patterns), tolerance=1e-8)
    if not best.converged:
        return NotApplicable.because("no_convergence")
    if errors is IrtErrors.OBSERVED:
        information = _observed(likelihood, best.theta)
    else:
        information = cross_product_information(layout, patterns, rule, best.theta)
    if singular(information):
        return NotApplicable.because("irt_not_identified")
    # The latent scale has no direction of its own: most items are made to rise with it.
    sign = np.ones(layout.n_free)
    if layout.items(best.theta).slopes.sum() < 0:
        sign[: layout.n_slopes] = -1
    covariance = np.linalg.inv(information).astype(np.float64) * np.outer(sign, sign)
    found = (covariance, best.value, best.iterations)
    return _irt_result(layout, patterns, rule, best.theta * sign, found)


def _refuse_small(matrix: FloatArray) -> NotApplicable | None:
    n, k = matrix.shape
    if k < 3:
        return NotApplicable.because("too_few_items", n=k, advised=3)
    if n < LEAST_PERSONS:
        return NotApplicable.because("too_few_persons", n=n, advised=LEAST_PERSONS)
    return None


def answer_patterns(matrix: FloatArray) -> Patterns:
    """Return the distinct rows of answers and how often each was met."""
    codes, categories = category_codes(matrix)
    kinds, member, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    return Patterns(kinds, counts.astype(np.float64), member.ravel(), categories)


@dataclass(frozen=True, slots=True, eq=False)
class ParameterLayout:
    """Where each item's parameters stand in the parameter vector.

    Attributes
    ----------
    model : IrtModel
    sizes : (k,) int array
        Categories of each item.
    present : (k, c - 1) bool array
        Intercepts that exist.
    index : (k, c) int array
        Place of the slope, then of each intercept; -1 where there is none.
    n_slopes, n_free : int
    """

    model: IrtModel
    sizes: IntArray
    present: NDArray[np.bool_]
    index: IntArray
    n_slopes: int
    n_free: int

    @classmethod
    def of(cls, model: IrtModel, sizes: IntArray) -> ParameterLayout:
        """Lay out slopes (one, or one by item), then intercepts by item."""
        k, cuts = len(sizes), int(sizes.max()) - 1
        n_slopes = 1 if model in ONE_SLOPE else k
        present = np.arange(cuts)[None, :] < (sizes - 1)[:, None]
        index = np.full((k, cuts + 1), -1, dtype=np.int64)
        index[:, 0] = 0 if model in ONE_SLOPE else np.arange(k)
        n_free = n_slopes + int(present.sum())
        index[:, 1:][present] = np.arange(n_slopes, n_free)
        return cls(model, sizes, present, index, n_slopes, n_free)

    def items(self, theta: FloatArray) -> ItemParameters:
        """Unfold a parameter vector."""
        intercepts = np.full(self.present.shape, np.nan)
        intercepts[self.present] = theta[self.n_slopes :]
        slopes = np.broadcast_to(theta[self.index[:, 0]], (len(self.sizes),))
        return ItemParameters(slopes.astype(np.float64), intercepts, self.sizes)


def _start_items(layout: ParameterLayout, patterns: Patterns) -> FloatArray:
    theta = np.ones(layout.n_free)
    for j, size in enumerate(layout.sizes):
        counts = np.bincount(
            patterns.codes[:, j] + 1, weights=patterns.counts, minlength=int(size) + 1
        )[1:]
        share = (counts + 0.5) / (counts + 0.5).sum()
        if layout.model in CUMULATIVE:
            above = np.cumsum(share[::-1])[::-1][1:]
            values = 1.2 * special.logit(above)
        else:
            values = np.log(share[1:] / share[0])
        theta[layout.index[j, 1 : int(size)]] = values
    return theta


def one_hot(codes: IntArray, categories: int) -> FloatArray:
    """Return the (u, k * c) indicators of the answers, zero where unanswered."""
    out = np.zeros((len(codes), codes.shape[1] * categories))
    rows, items = np.nonzero(codes >= 0)
    out[rows, items * categories + codes[rows, items]] = 1.0
    return out


def marginal_likelihood(
    layout: ParameterLayout, patterns: Patterns, rule: Quadrature
) -> Callable[[FloatArray], ScoringPoint]:
    """Return minus the marginal log-likelihood as an objective of the parameter vector."""
    categories = int(layout.sizes.max())
    blocks = [slice(s, s + _ROWS) for s in range(0, len(patterns.codes), _ROWS)]
    hot = [one_hot(patterns.codes[block], categories) for block in blocks]
    counts = [patterns.counts[block] for block in blocks]
    log_weights = np.log(rule.weights)

    def objective(theta: FloatArray) -> ScoringPoint:
        curves = category_curves(layout.model, layout.items(theta), rule.points)
        flat = curves.probability.reshape(-1, len(rule.points))
        logs = np.log(np.maximum(flat, 1e-300))
        value, expected = 0.0, np.zeros_like(flat)
        for indicator, count in zip(hot, counts, strict=True):
            joint = indicator @ logs
            joint += log_weights
            # Bock and Aitkin's E step: posterior of the trait at each point, from logarithms, for a
            # long pattern underflows; expected counts r_jk are all that the M step's derivatives
            # need.
            peak = joint.max(axis=1, keepdims=True)
            np.exp(joint - peak, out=joint)
            mass = joint.sum(axis=1, keepdims=True)
            value -= float(count @ (np.log(mass) + peak)[:, 0])
            joint *= count[:, None] / mass
            expected += indicator.T @ joint
        # A step into parameters without likelihood is a height no line search accepts.
        if not math.isfinite(value) or value > _FAILED:
            return ScoringPoint(_FAILED, np.zeros(layout.n_free), np.eye(layout.n_free))
        score, information = _complete_data(layout, curves, expected)
        return ScoringPoint(value, score, information)

    return objective


def _complete_data(
    layout: ParameterLayout, curves: Curves, expected: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the score (Fisher's identity) and the complete-data information."""
    met = expected.reshape(curves.probability.shape)
    by_item = np.einsum("kcpt,kct->kp", curves.gradient, met)
    weight = curves.probability * met.sum(axis=1)[:, None]
    k, c, p, t = curves.gradient.shape
    stacked = curves.gradient.transpose(0, 2, 1, 3).reshape(k, p, c * t)
    blocks = (stacked * weight.reshape(k, 1, c * t)) @ stacked.transpose(0, 2, 1)
    score, information = np.zeros(layout.n_free), np.zeros((layout.n_free, layout.n_free))
    used = layout.index >= 0
    np.add.at(score, layout.index[used], by_item[used])
    for j in range(k):
        place = layout.index[j][used[j]]
        information[np.ix_(place, place)] += blocks[j][np.ix_(used[j], used[j])]
    return score, information


def _observed(likelihood: Callable[[FloatArray], ScoringPoint], theta: FloatArray) -> FloatArray:
    out = np.empty((len(theta), len(theta)))
    for j in range(len(theta)):
        step = np.zeros(len(theta))
        step[j] = 1e-4
        out[j] = (likelihood(theta - step).score - likelihood(theta + step).score) / 2e-4
    return (out + out.T) / 2


def cross_product_information(
    layout: ParameterLayout, patterns: Patterns, rule: Quadrature, theta: FloatArray
) -> FloatArray:
    """Return the sum over persons of the outer products of their scores."""
    curves = category_curves(layout.model, layout.items(theta), rule.points)
    categories = int(layout.sizes.max())
    logs = np.log(np.maximum(curves.probability.reshape(-1, len(rule.points)), 1e-300))
    out = np.zeros((layout.n_free, layout.n_free))
    for start in range(0, len(patterns.codes), _ROWS):
        codes = patterns.codes[start : start + _ROWS]
        joint = one_hot(codes, categories) @ logs + np.log(rule.weights)
        posterior = np.exp(joint - joint.max(axis=1, keepdims=True))
        posterior /= posterior.sum(axis=1, keepdims=True)
        scores = np.zeros((len(codes), layout.n_free))
        for j, size in enumerate(layout.sizes):
            used = layout.index[j] >= 0
            place = layout.index[j][used]
            for category in range(int(size)):
                rows = np.flatnonzero(codes[:, j] == category)
                part = posterior[rows] @ curves.gradient[j, category, used].T
                scores[np.ix_(rows, place)] += part
        weighted = scores * patterns.counts[start : start + _ROWS, None]
        out += weighted.T @ scores
    return out


def _irt_result(
    layout: ParameterLayout,
    patterns: Patterns,
    rule: Quadrature,
    theta: FloatArray,
    found: tuple[FloatArray, float, int],
) -> IrtFit:
    covariance, value, iterations = found
    items = layout.items(theta)
    places = difficulties(layout.model, items)
    latent_sd = 1.0
    if layout.model in ONE_SLOPE:
        latent_sd = float(theta[0])
        places = places * latent_sd
    n = int(patterns.counts.sum())
    return IrtFit(
        model=layout.model, items=items, difficulties=places, latent_sd=latent_sd,
        std_error=np.sqrt(np.maximum(np.diag(covariance), 0.0)), theta=theta,
        covariance=covariance, log_likelihood=-value, aic=2 * value + 2 * layout.n_free,
        bic=2 * value + math.log(n) * layout.n_free, n=n, n_free=layout.n_free,
        patterns=patterns, quadrature=rule, iterations=iterations,
    )  # fmt: skip
