r"""The probability of being treated, and the odds that reweight a comparison group.

Two fits of :math:`p(x) = 1/(1+e^{-x'\gamma})`: maximum likelihood, and inverse probability tilting,
whose odds give the comparison group exactly the treated group's means. Odds are capped at a
propensity of 1 - 1e-6; comparison rows at or above `TRIM` get no weight.

References
----------
Graham, B., Pinto, C. and Egel, D. (2012). doi:10.1093/restud/rdr047
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.stats.inference.newton import NewtonPoint, NewtonResult, NewtonStop, damped_newton
from impact_eval.stats.inference.regression import independent_columns, logit_fit

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

TRIM = 0.995  # comparison rows with a larger propensity are given no weight
TRIM_ODDS = TRIM / (1 - TRIM)
CAP = 1 - 1e-6
NO_OVERLAP = 0.999  # a largest propensity above it means that overlap fails
_BLOCK = 8_192  # rows whose temporaries stay in cache
_STEP = 1e-6  # Newton is quadratic: after a step this small the error is about its square
_MAX_STEPS = 40
ALONE = 1e-9  # a treated row this surely treated has nobody to be compared with
_NO_SCORE = 1e-10  # score per treated row below which nothing is left to fit
_FAR = 500.0  # exp() stays finite
_BALANCED = 1e-20  # share of the loss still to win: a square, so balance holds to the tenth digit


@dataclass(frozen=True, slots=True)
class Propensity:
    """A fitted propensity.

    Attributes
    ----------
    share : (n,) array
        Probability of being treated, capped.
    odds : (n,) array
        p/(1-p) on comparison rows; 0 on treated and on trimmed rows.
    design : (n, k) array
        Columns kept.
    influence : (n, k) array
        Rows that sum to the error of the coefficients.
    trimmed : int
        Comparison rows given no weight.
    separated : bool
        Some combination of covariates tells the groups apart: the propensity has no finite fit.
    findings : tuple of Finding
    """

    share: FloatArray
    odds: FloatArray
    design: FloatArray
    influence: FloatArray
    trimmed: int
    separated: bool = False
    findings: tuple[Finding, ...] = ()


def fit_propensity(treated: BoolArray, design: FloatArray, weights: FloatArray) -> Propensity:
    """Fit the propensity by maximum likelihood (logit).

    Parameters
    ----------
    treated : (n,) array of bool
    design : (n, p) array
        Constant included.
    weights : (n,) array

    Returns
    -------
    Propensity
        With findings `weak_overlap` and `trimmed_comparison`.
    """
    fit = logit_fit(treated.astype(np.float64), design, weights=weights)
    separated = _separated(fit.fitted, treated, fit.converged)
    return _propensity(fit.fitted, treated, fit.design, fit.influence, separated)


def _separated(fitted: FloatArray, treated: BoolArray, converged: bool) -> bool:
    """Whether some treated row has nobody to be compared with, whatever the door that asks."""
    # comparison rows that no treated row resembles (p = 0) are harmless: their odds are zero
    return not converged or bool((1 - fitted[treated] < ALONE).any())


def fit_scaled_propensity(
    treated: BoolArray, design: FloatArray, weights: FloatArray
) -> Propensity:
    """Fit the same logit as `fit_propensity`, faster, on columns already at unit scale.

    Parameters
    ----------
    treated : (n,) array of bool
    design : (n, p) array
        Constant first, linearly independent, other columns centred and of spread one.
    weights : (n,) array

    Returns
    -------
    Propensity
    """
    sides = (treated, ~treated)
    fit = fit_segments(
        [
            Segment(design[rows], bool(side), weights[rows])
            for side, rows in zip((1, 0), sides, strict=True)
        ]
    )
    if not fit.converged:
        return fit_propensity(treated, design, weights)
    share = 1 / (1 + np.exp(-np.clip(design @ fit.coefficients, -_FAR, _FAR)))
    influence = (design * (weights * (treated - share))[:, None]) @ fit.bread
    return _propensity(share, treated, design, influence, False)


def fit_calibrated_propensity(
    treated: BoolArray, design: FloatArray, weights: FloatArray
) -> Propensity:
    r"""Fit the propensity by inverse probability tilting.

    Solves :math:`\sum w\,[D - (1-D)e^{x'\gamma}]\,x = 0`: the reweighted comparison group has the
    means and the size of the treated group.

    Returns
    -------
    Propensity
        `influence` is zero: the estimators that use it are insensitive to it at first order.
        `separated` when no weights give the comparison group the treated group's means.
    """
    columns = design[:, independent_columns(design)]
    # the propensity does not depend on the basis, the digits do: income and a constant are nearly
    # the same column
    basis = np.linalg.qr(columns)[0] * np.sqrt(len(columns))
    tilt = _tilt(treated, basis, weights)
    share = 1 / (1 + np.exp(-np.clip(basis @ tilt.x, -700, 700)))
    # no minimum: no weights give the comparison group the treated group's means
    return _propensity(share, treated, columns, np.zeros_like(columns), not tilt.converged)


def _propensity(
    fitted: FloatArray,
    treated: BoolArray,
    design: FloatArray,
    influence: FloatArray,
    separated: bool,
) -> Propensity:
    share = np.minimum(fitted, CAP)
    trimmed = ~treated & (share >= TRIM)
    odds = np.where(treated | trimmed, 0.0, share / (1 - share))
    findings = overlap_findings(float(share.max()), int(trimmed.sum()))
    return Propensity(share, odds, design, influence, int(trimmed.sum()), separated, findings)


def overlap_findings(largest: float, trimmed: int) -> tuple[Finding, ...]:
    """Return what the fitted probabilities say of overlap."""
    found = []
    if largest >= NO_OVERLAP:
        found.append(Finding.warning("weak_overlap", largest=largest, limit=NO_OVERLAP))
    if trimmed:
        found.append(Finding.warning("trimmed_comparison", n=trimmed, limit=TRIM))
    return tuple(found)


def _tilt(treated: BoolArray, design: FloatArray, weights: FloatArray) -> NewtonResult:
    """Minimise the convex loss sum w[(1-D) e^{x'g} - D x'g], whose gradient is the balance."""
    target = (weights * treated) @ design
    rows, w = design[~treated], weights[~treated]

    def at(gamma: FloatArray) -> NewtonPoint:
        with np.errstate(over="ignore"):  # a step too long: an infinite loss, then halved
            odds = w * np.exp(rows @ gamma)
        loss = float(odds.sum() - target @ gamma)
        return NewtonPoint(loss, lambda: (odds @ rows - target, rows.T @ (rows * odds[:, None])))

    start = logit_fit(treated.astype(np.float64), design, weights=weights).coefficients
    return damped_newton(at, start, NewtonStop(decrement=_BALANCED))


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows that share a treatment status, for fits that never put them together.

    Attributes
    ----------
    design : (n, p) array
    treated : bool
    weights : (n,) array or None
    """

    design: FloatArray
    treated: bool
    weights: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class SegmentFit:
    """A logit fitted on segments.

    Attributes
    ----------
    coefficients : (p,) array
    bread : (p, p) array
        Inverse information.
    converged : bool
        False when the groups can be told apart (separation) or the information is singular.
    """

    coefficients: FloatArray
    bread: FloatArray
    converged: bool


def fit_segments(segments: Sequence[Segment]) -> SegmentFit:
    """Fit a logit by Newton steps over segments, block by block.

    Large samples start from a fit on an evenly spaced subsample, so that the whole is read about
    twice. Columns should be brought to unit scale.

    Parameters
    ----------
    segments : sequence of Segment
        With both statuses present.

    Returns
    -------
    SegmentFit
    """
    size = sum(len(segment.design) for segment in segments)
    start = _intercept_start(segments)
    stride = size // (4 * _BLOCK)
    if stride >= 2:
        thin = [
            Segment(
                s.design[::stride], s.treated, None if s.weights is None else s.weights[::stride]
            )
            for s in segments
        ]
        first = _capped_newton(thin, start)
        start = first.coefficients if first.converged else start
    fit = _capped_newton(segments, start)
    return fit if fit.converged else _damped(segments)


def _damped(segments: Sequence[Segment]) -> SegmentFit:
    """Fit the rows put together by steps that cannot cycle: what `fit_propensity` would say."""
    design = np.concatenate([segment.design for segment in segments])
    treated = np.repeat([s.treated for s in segments], [len(s.design) for s in segments])
    weights = np.concatenate(
        [np.ones(len(s.design)) if s.weights is None else s.weights for s in segments]
    )
    names = [str(j) for j in range(design.shape[1])]
    fit = logit_fit(treated.astype(np.float64), design, weights=weights, names=names)
    kept = np.array([int(name) for name in fit.names])
    coefficients, bread = np.zeros(len(names)), np.zeros((len(names), len(names)))
    coefficients[kept], bread[np.ix_(kept, kept)] = fit.coefficients, fit.bread
    return SegmentFit(coefficients, bread, not _separated(fit.fitted, treated, fit.converged))


def _intercept_start(segments: Sequence[Segment]) -> FloatArray:
    totals = [0.0, 0.0]
    for segment in segments:
        totals[segment.treated] += _segment_weight(segment)
    start = np.zeros(segments[0].design.shape[1])
    start[0] = np.log(totals[1] / totals[0]) if min(totals) > 0 else 0.0
    return start


def _capped_newton(segments: Sequence[Segment], start: FloatArray) -> SegmentFit:
    """Newton steps no longer than 4, over rows read in blocks.

    Not `damped_newton`: a log-likelihood to halve on costs a logarithm a row, as much as the score
    and the information together, and on columns of unit scale a cap is enough.
    """
    gamma = start.copy()
    eye = np.eye(gamma.size)
    treated = sum(_segment_weight(segment) for segment in segments if segment.treated)
    for _ in range(_MAX_STEPS):
        score, information, surest = _score_and_information(segments, gamma)
        try:
            bread = np.asarray(np.linalg.solve(information, eye), dtype=np.float64)
        except np.linalg.LinAlgError:
            return SegmentFit(gamma, np.full_like(information, np.nan), False)
        step = bread @ score
        largest = float(np.abs(step).max())
        if not np.isfinite(largest):
            return SegmentFit(gamma, bread, False)
        gamma = gamma + step * min(1.0, 4.0 / max(largest, 1e-300))
        # a level met in the comparison group alone drifts away for ever, with no score left
        if largest < _STEP or np.abs(score).max() < _NO_SCORE * treated:
            return SegmentFit(gamma, bread, surest >= ALONE)
    return SegmentFit(gamma, bread, False)


def _segment_weight(segment: Segment) -> float:
    return float(len(segment.design) if segment.weights is None else segment.weights.sum())


def _score_and_information(
    segments: Sequence[Segment], gamma: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Return the score, the information, and the least P(untreated) of a treated row."""
    surest = 1.0
    score = np.zeros(gamma.size)
    information = np.zeros((gamma.size, gamma.size))
    for segment in segments:
        for first in range(0, len(segment.design), _BLOCK):
            rows = segment.design[first : first + _BLOCK]
            index = rows @ gamma
            if segment.treated:
                np.negative(index, out=index)
            # q = P(the other status), so that the score is +-q x and the information q(1-q) xx'
            np.minimum(index, _FAR, out=index)
            q = np.exp(index, out=index)
            q /= 1 + q
            if segment.treated:
                surest = min(surest, float(q.min()))
            v = q * (1 - q)
            if segment.weights is not None:
                w = segment.weights[first : first + _BLOCK]
                q *= w
                v *= w
            part = q @ rows
            score += part if segment.treated else -part
            information += rows.T @ (rows * v[:, None])
    return score, information, surest
