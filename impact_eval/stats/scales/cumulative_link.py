"""Ordered answers: cumulative-link models by maximum likelihood, with or without a group effect.

``P(Y <= j) = F(theta_j - x'beta - u_g)`` with F logistic or normal and u normal by group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.inference.newton import (
    NewtonPoint,
    NewtonResult,
    NewtonStop,
    damped_newton,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_TINY = 1e-300
# a step of 5 on the latent scale would leave the data: the first ones are cut there
_STOP = NewtonStop(decrement=5e-19, iterations=200, longest=5.0)


class Link(StrEnum):
    """The distribution of the latent answer."""

    LOGIT = "logit"
    PROBIT = "probit"


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeLink:
    """A fitted cumulative-link model.

    Attributes
    ----------
    thresholds : (c - 1,) array
    coefficients : (p,) array
        Positive: higher answers. With the logit, ``exp`` is an odds ratio.
    std_errors : (c - 1 + p,) array
        Of thresholds, then of coefficients.
    covariance : (c - 1 + p, c - 1 + p) array
    log_likelihood : float
    levels : (c,) array
        The ordered answers seen.
    names : tuple of str
        Of the coefficients.
    group_variance : float or None
        Variance of the group effect, when there is one.
    n : int
    """

    thresholds: FloatArray
    coefficients: FloatArray
    std_errors: FloatArray
    covariance: FloatArray
    log_likelihood: float
    levels: FloatArray
    names: tuple[str, ...]
    group_variance: float | None
    n: int

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        free = len(self.std_errors) + (self.group_variance is not None)
        return 2 * free - 2 * self.log_likelihood


def _cdf(z: FloatArray, link: Link) -> FloatArray:
    out: FloatArray = special.expit(z) if link is Link.LOGIT else special.ndtr(z)
    return out


def _pdf(z: FloatArray, link: Link) -> FloatArray:
    if link is Link.LOGIT:
        f = special.expit(z)
        out: FloatArray = f * (1 - f)
        return out
    density: FloatArray = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return density


def _pdf_slope(z: FloatArray, link: Link) -> FloatArray:
    if link is Link.LOGIT:
        f = special.expit(z)
        out: FloatArray = f * (1 - f) * (1 - 2 * f)
        return out
    return -z * _pdf(z, link)


@dataclass(frozen=True, slots=True)
class _LatentBounds:
    """Rows as the two latent bounds of their answer: ``upper = a_u'b``, infinite at the ends."""

    upper: FloatArray
    lower: FloatArray
    last: NDArray[np.bool_]
    first: NDArray[np.bool_]

    def bounds(self, beta: FloatArray, shift: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        up = np.where(self.last, np.inf, self.upper @ beta - shift)
        down = np.where(self.first, -np.inf, self.lower @ beta - shift)
        return up, down


def _cells(codes: IntArray, c: int, x: FloatArray, nominal: Sequence[int] = ()) -> _LatentBounds:
    """Make the design of each bound; `nominal` columns act on each threshold separately."""
    common = [j for j in range(x.shape[1]) if j not in set(nominal)]
    n, steps = len(codes), c - 1
    width = steps * (1 + len(nominal)) + len(common)

    def design(index: IntArray, live: NDArray[np.bool_]) -> FloatArray:
        out = np.zeros((n, width))
        rows = np.flatnonzero(live)
        out[rows, index[rows]] = 1.0
        for place, j in enumerate(nominal):
            out[rows, steps * (1 + place) + index[rows]] = -x[rows, j]
        out[:, steps * (1 + len(nominal)) :] = -x[:, common]
        return out

    last, first = codes == c - 1, codes == 0
    return _LatentBounds(
        design(np.minimum(codes, steps - 1), ~last),
        design(np.maximum(codes - 1, 0), ~first),
        last, first,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Slopes:
    """Log-likelihood of rows and its derivatives in the two bounds."""

    log: FloatArray
    up: FloatArray
    down: FloatArray
    up2: FloatArray
    down2: FloatArray
    cross: FloatArray


def _slopes(
    cells: _LatentBounds, beta: FloatArray, shift: FloatArray | float, link: Link
) -> _Slopes:
    up, down = cells.bounds(beta, shift)
    # The upper tail is computed by symmetry, so that a rare answer keeps its digits.
    flip = down > 0
    p = np.where(flip, _cdf(-down, link) - _cdf(-up, link), _cdf(up, link) - _cdf(down, link))
    p = np.maximum(p, _TINY)
    safe_up, safe_down = np.where(cells.last, 0, up), np.where(cells.first, 0, down)
    f_up = np.where(cells.last, 0.0, _pdf(safe_up, link))
    f_down = np.where(cells.first, 0.0, _pdf(safe_down, link))
    s_up = np.where(cells.last, 0.0, _pdf_slope(safe_up, link))
    s_down = np.where(cells.first, 0.0, _pdf_slope(safe_down, link))
    a, b = f_up / p, -f_down / p
    return _Slopes(np.log(p), a, b, s_up / p - a * a, -s_down / p - b * b, -a * b)


def _maximised(cells: _LatentBounds, start: FloatArray, link: Link) -> NewtonResult:
    """Maximise the likelihood, from thresholds without covariates."""

    def at(beta: FloatArray) -> NewtonPoint:
        s = _slopes(cells, beta, 0.0, link)

        def derivatives() -> tuple[FloatArray, FloatArray]:
            # A threshold that runs off flattens the likelihood: the ridge keeps the step finite.
            ridge = 1e-9 * np.eye(len(beta))
            return -(cells.upper.T @ s.up + cells.lower.T @ s.down), _information(cells, s) + ridge

        return NewtonPoint(-float(s.log.sum()), derivatives)

    return damped_newton(at, start, _STOP)


def _information(cells: _LatentBounds, s: _Slopes) -> FloatArray:
    """Return minus the second derivative of the log-likelihood."""
    mixed = cells.upper.T @ (cells.lower * s.cross[:, None])
    return -np.asarray(
        cells.upper.T @ (cells.upper * s.up2[:, None])
        + cells.lower.T @ (cells.lower * s.down2[:, None])
        + mixed + mixed.T
    )  # fmt: skip


def _marginal_thresholds(codes: IntArray, c: int, width: int, link: Link) -> FloatArray:
    shares = np.cumsum(np.bincount(codes, minlength=c))[:-1] / len(codes)
    out = np.zeros(width)
    out[: c - 1] = special.logit(shares) if link is Link.LOGIT else special.ndtri(shares)
    return out


def _prepared(
    answers: ArrayLike, covariates: ArrayLike
) -> tuple[IntArray, FloatArray, FloatArray] | NotApplicable:
    y = np.asarray(answers, dtype=np.float64)
    x = np.asarray(covariates, dtype=np.float64).reshape(len(y), -1)
    seen = ~np.isnan(y) & ~np.isnan(x).any(axis=1)
    y, x = y[seen], x[seen]
    levels, codes = np.unique(y, return_inverse=True)
    if len(levels) < 2:
        return NotApplicable.because("one_answer_only", n=len(y))
    advised = 10 * (len(levels) - 1 + x.shape[1]) // 2
    if len(y) <= len(levels) - 1 + x.shape[1]:
        return NotApplicable.because("too_few_persons", n=len(y), advised=advised)
    if np.linalg.matrix_rank(np.column_stack([np.ones(len(y)), x])) < 1 + x.shape[1]:
        return NotApplicable.because("constant_or_collinear_items", n=x.shape[1])
    return codes.astype(np.int64), x, levels


def cumulative_link(
    answers: ArrayLike,
    covariates: ArrayLike,
    *,
    names: Sequence[str] = (),
    link: Link = Link.LOGIT,
    nominal: Sequence[int] = (),
) -> CumulativeLink | NotApplicable:
    """Fit a cumulative-link model of an ordered answer by maximum likelihood.

    Parameters
    ----------
    answers : (n,) array
        Ordered codes; any numbers.
    covariates : (n, p) array
    names : sequence of p str
    link : Link
    nominal : sequence of int
        Columns whose effect may differ at each threshold (their coefficients come after the
        thresholds, then the others).

    Returns
    -------
    CumulativeLink or NotApplicable
        `one_answer_only`, `too_few_persons`, `constant_or_collinear_items`,
        `separated_answers` (a covariate decides the answer alone: no finite maximum).

    Assumptions
    -----------
    One effect for all thresholds (proportional odds), unless `nominal`.

    References
    ----------
    McCullagh, P. (1980). doi:10.1111/j.2517-6161.1980.tb01109.x

    Examples
    --------
    >>> import numpy as np
    >>> fit = cumulative_link([1, 1, 2, 2, 3, 3, 2, 1, 3, 3], [0, 0, 0, 1, 1, 1, 0, 1, 1, 0])
    >>> round(float(fit.coefficients[0]), 3)
    1.444
    """
    ready = _prepared(answers, covariates)
    if isinstance(ready, NotApplicable):
        return ready
    codes, x, levels = ready
    c = len(levels)
    cells = _cells(codes, c, x, nominal)
    start = _marginal_thresholds(codes, c, cells.upper.shape[1], link)
    found = _maximised(cells, start, link)
    beta, information = found.x, _information(cells, _slopes(cells, found.x, 0.0, link))
    try:
        covariance: FloatArray = np.linalg.inv(information).astype(np.float64)
    except np.linalg.LinAlgError:
        return NotApplicable.because("separated_answers")
    errors = np.sqrt(np.diag(covariance))
    if not np.isfinite(errors).all() or np.abs(beta[c - 1 :]).max(initial=0) > 25:
        return NotApplicable.because("separated_answers")
    common = [j for j in range(x.shape[1]) if j not in set(nominal)]
    listed = tuple(names) or tuple(f"x{j + 1}" for j in range(x.shape[1]))
    return CumulativeLink(
        thresholds=beta[: c - 1], coefficients=beta[c - 1 :], std_errors=errors,
        covariance=covariance, log_likelihood=-found.merit, levels=levels,
        names=listed if not nominal else tuple(listed[j] for j in common),
        group_variance=None, n=len(codes),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """A likelihood-ratio test: statistic, degrees of freedom, p."""

    statistic: float
    df: int
    p_value: float


def proportional_odds_test(
    answers: ArrayLike, covariates: ArrayLike, column: int, *, link: Link = Link.LOGIT
) -> LikelihoodRatio | NotApplicable:
    """Test that one covariate has the same effect at every threshold.

    Parameters
    ----------
    answers, covariates : arrays
    column : int
        The covariate tested.
    """
    plain = cumulative_link(answers, covariates, link=link)
    ready = _prepared(answers, covariates)
    if isinstance(plain, NotApplicable):
        return plain
    assert not isinstance(ready, NotApplicable)
    codes, x, levels = ready
    cells = _cells(codes, len(levels), x, (column,))
    start = _marginal_thresholds(codes, len(levels), cells.upper.shape[1], link)
    # A threshold of its own may run off to infinity; the likelihood still has its supremum.
    statistic = 2 * (-_maximised(cells, start, link).merit - plain.log_likelihood)
    df = len(start) - len(plain.std_errors)
    return LikelihoodRatio(statistic, df, float(special.chdtrc(df, max(statistic, 0.0))))


def cumulative_link_by_group(
    answers: ArrayLike,
    covariates: ArrayLike,
    groups: ArrayLike,
    *,
    names: Sequence[str] = (),
    link: Link = Link.LOGIT,
    nodes: int = 10,
) -> CumulativeLink | NotApplicable:
    """Fit a cumulative-link model with a normal effect of each person, judge or site.

    The integral over the effect is adaptive Gauss-Hermite; one node is Laplace's approximation.

    Parameters
    ----------
    answers : (n,) array
    covariates : (n, p) array
    groups : (n,) array
        Labels: a person measured twice, a judge, a site.
    names : sequence of p str
    link : Link
    nodes : int
        1 for Laplace.

    Returns
    -------
    CumulativeLink or NotApplicable
        `one_answer_only`, `too_few_groups` (fewer than 3), and those of `cumulative_link`.

    References
    ----------
    Tutz, G. and Hennevogl, W. (1996). doi:10.1016/0167-9473(96)00004-7
    """
    from scipy.optimize import minimize

    y = np.asarray(answers, dtype=np.float64)
    x = np.asarray(covariates, dtype=np.float64).reshape(len(y), -1)
    seen = ~np.isnan(y) & ~np.isnan(x).any(axis=1)
    plain = cumulative_link(y[seen], x[seen], names=names, link=link)
    if isinstance(plain, NotApplicable):
        return plain
    labels, group = np.unique(np.asarray(groups)[seen], return_inverse=True)
    if len(labels) < 3:
        return NotApplicable.because("too_few_groups", n=len(labels), advised=3)
    codes = np.searchsorted(plain.levels, y[seen]).astype(np.int64)
    cells = _cells(codes, len(plain.levels), x[seen])
    # The rule integrates against exp(-u^2/2); its masses are freed of that kernel, since the nodes
    # move to each group's mode, where the weight is another.
    points, masses = np.polynomial.hermite_e.hermegauss(nodes)
    rule = points, np.log(masses) - 0.5 * np.log(2 * np.pi) + points**2 / 2

    def loss(parameters: FloatArray) -> float:
        return -_marginal(cells, parameters, group, len(labels), link, rule)

    first = np.concatenate([plain.thresholds, plain.coefficients, [0.0]])
    # Numeric slopes stop short of the maximum, and errors are read from second differences there: a
    # search without slopes finishes.
    found = minimize(loss, first, method="BFGS", options={"gtol": 1e-7})
    found = minimize(loss, found.x, method="Nelder-Mead",
                     options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000})  # fmt: skip
    best: FloatArray = np.asarray(found.x).astype(np.float64)
    inverse: FloatArray = np.linalg.inv(_hessian(loss, best)).astype(np.float64)
    covariance = inverse[:-1, :-1]
    steps = len(plain.thresholds)
    return CumulativeLink(
        thresholds=best[:steps], coefficients=best[steps:-1],
        std_errors=np.sqrt(np.diag(covariance)), covariance=covariance,
        log_likelihood=-float(found.fun), levels=plain.levels, names=plain.names,
        group_variance=float(np.exp(2 * best[-1])), n=plain.n,
    )  # fmt: skip


def _marginal(
    cells: _LatentBounds,
    parameters: FloatArray,
    group: IntArray,
    n_groups: int,
    link: Link,
    rule: tuple[FloatArray, FloatArray],
) -> float:
    """Return the log-likelihood with group effects integrated around their modes."""
    beta, sd = parameters[:-1], float(np.exp(np.clip(parameters[-1], -12, 6)))
    mode: FloatArray = np.zeros(n_groups)
    curve: FloatArray = np.ones(n_groups)
    for _ in range(60):
        s = _slopes(cells, beta, sd * mode[group], link)
        slope = -sd * np.bincount(group, s.up + s.down, n_groups) - mode
        second = s.up2 + s.down2 + 2 * s.cross
        curve = np.asarray(1 - sd**2 * np.bincount(group, second, n_groups), dtype=np.float64)
        move = slope / curve
        mode = mode + np.clip(move, -2, 2)
        if np.abs(move).max() < 1e-10:
            break
    spread = 1 / np.sqrt(curve)
    points, log_mass = rule
    terms = np.empty((len(points), n_groups))
    for k, (point, mass) in enumerate(zip(points, log_mass, strict=True)):
        u = mode + spread * point
        s = _slopes(cells, beta, sd * u[group], link)
        terms[k] = np.bincount(group, s.log, n_groups) - u**2 / 2 + mass
    return float((special.logsumexp(terms, axis=0) + np.log(spread)).sum())


def _hessian(function: object, at: FloatArray) -> FloatArray:
    """Return the matrix of second derivatives, by Richardson-extrapolated central differences."""
    assert callable(function)
    k = len(at)

    def second(step: FloatArray) -> FloatArray:
        out = np.empty((k, k))
        basis = np.diag(step)
        for i in range(k):
            for j in range(i + 1):
                value = (
                    function(at + basis[i] + basis[j]) - function(at + basis[i] - basis[j])
                    - function(at - basis[i] + basis[j]) + function(at - basis[i] - basis[j])
                ) / (4 * step[i] * step[j])  # fmt: skip
                out[i, j] = out[j, i] = value
        return out

    step: FloatArray = np.asarray(1e-3 * np.maximum(1.0, np.abs(at)), dtype=np.float64)
    out: FloatArray = (4 * second(step / 2) - second(step)) / 3
    return out
