r"""The nuisances and point estimates of group-time effects, each comparison factored once.

For a treated cohort g and a comparison group C, with :math:`o = p/(1-p)` the odds of being in g and
:math:`B` the regression of outcomes on covariates in C,

.. math:: ATT = \bar w_g[\Delta y - x'B_\Delta] - \bar w_{C,o}[\Delta y - x'B_\Delta]

Levels are regressed and averaged once; every cell of the comparison is then a difference of two
columns. Means of the treated come from Gram matrices; only the odds need one pass over C.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.cohort_sorted import Rows, SortedPanel
from impact_eval.stats.panels.drdid import DidMethod
from impact_eval.stats.panels.group_time_plan import CellPlan, Comparison
from impact_eval.stats.surveys.far_apart import gap_of_moments
from impact_eval.stats.surveys.propensity import TRIM, TRIM_ODDS, Segment, fit_segments

FloatArray = NDArray[np.float64]

_SINGULAR = 1e-12  # smallest eigenvalue of a correlation matrix below which columns are tied


class Undefined(StrEnum):
    """Why a cell has no estimate."""

    NO_COMPARISON = "cell_no_comparison"
    NO_TREATED = "cell_no_treated"
    TOO_FEW_COMPARISON = "cell_too_few_comparison"
    NO_OVERLAP = "cell_no_overlap"


@dataclass(frozen=True, slots=True)
class Gram:
    """Weighted cross-products of one cohort's rows: X'WX (p, p), X'WY (p, q), rows used."""

    xx: FloatArray
    xy: FloatArray
    n: int

    def __add__(self, other: Gram) -> Gram:
        return Gram(self.xx + other.xx, self.xy + other.xy, self.n + other.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonFit:
    """A comparison with its nuisances: m cells, p covariates, q periods.

    Attributes
    ----------
    comparison : Comparison
    slopes : (p, q) array or None
        Regression of levels on covariates in the comparison group.
    gamma : (p,) array or None
        Propensity coefficients.
    estimates, control_means : (m,) arrays
    treated_weight, odds_weight : float
        Sums of weights.
    tilt : (p, m) array or None
        Effect of the propensity's coefficients on the estimates, times their bread.
    pull : (p,) array or None
        Effect of the regression's coefficients, times their bread.
    trimmed : int
        Comparison units given no weight.
    largest : float
        Largest propensity met.
    gap : float
        Largest standardised gap of a covariate between the two groups.
    n_treated, n_comparison : int
    undefined : Undefined or None
    """

    comparison: Comparison
    estimates: FloatArray
    n_treated: int
    n_comparison: int
    undefined: Undefined | None = None
    slopes: FloatArray | None = None
    gamma: FloatArray | None = None
    control_means: FloatArray | None = None
    treated_weight: float = 0.0
    odds_weight: float = 0.0
    tilt: FloatArray | None = None
    pull: FloatArray | None = None
    trimmed: int = 0
    largest: float = 0.0
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class _Regression:
    """A comparison group's regression: slopes (p, q) and bread (p, p)."""

    slopes: FloatArray
    bread: FloatArray


def fit_comparisons(
    panel: SortedPanel, parts: tuple[Comparison, ...], method: DidMethod
) -> tuple[ComparisonFit, ...]:
    """Estimate the cells of every comparison.

    Parameters
    ----------
    panel : SortedPanel
    parts : tuple of Comparison
    method : DidMethod
        `dr`, `ipw` or `reg`; without covariates all are the same.

    Returns
    -------
    tuple of ComparisonFit
    """
    workshop = _Workshop(panel, DidMethod.REG if panel.design is None else method)
    return tuple(workshop.fit(part) for part in parts)


class _Workshop:
    """Keeps the Gram matrices and regressions that comparisons share."""

    def __init__(self, panel: SortedPanel, method: DidMethod) -> None:
        self.panel = panel
        self.method = method
        self.grams: dict[tuple[object, ...], Gram] = {}
        self.regressions: dict[tuple[object, ...], _Regression | None] = {}

    def gram(self, cohort: int, part: Comparison) -> Gram:
        key = (cohort, *_rows_key(part))
        if key not in self.grams:
            self.grams[key] = _gram(self.panel, cohort, part)
        return self.grams[key]

    def regression(self, part: Comparison) -> _Regression | None:
        key = (part.controls, *_rows_key(part))
        if key not in self.regressions:
            total = self.gram(part.controls[0], part)
            for cohort in part.controls[1:]:
                total = total + self.gram(cohort, part)
            self.regressions[key] = _regress(total)
        return self.regressions[key]

    def fit(self, part: Comparison) -> ComparisonFit:
        treated = self.gram(part.treated, part)
        n_comparison = sum(self.gram(cohort, part).n for cohort in part.controls)
        undefined = None
        if not treated.n:
            undefined = Undefined.NO_TREATED
        elif not n_comparison:
            undefined = Undefined.NO_COMPARISON
        elif self.method is not DidMethod.IPW and self.regression(part) is None:
            undefined = Undefined.TOO_FEW_COMPARISON
        if undefined is not None:
            return _empty(part, treated.n, n_comparison, undefined)
        by = self._by_weighting
        if self.method is DidMethod.REG:
            by = self._by_regression
        others = sum(self.gram(cohort, part).xx for cohort in part.controls)
        found = by(part, treated, n_comparison)
        return replace(found, gap=gap_of_moments(treated.xx, np.asarray(others)))

    def _by_regression(self, part: Comparison, treated: Gram, n_comparison: int) -> ComparisonFit:
        regression = self.regression(part)
        assert regression is not None
        weight = float(treated.xx[0, 0])
        mean_x = treated.xx[0] / weight
        means = (treated.xy[0] / weight - mean_x @ regression.slopes) @ part.contrast
        return ComparisonFit(
            comparison=part,
            estimates=means,
            n_treated=treated.n,
            n_comparison=n_comparison,
            slopes=regression.slopes,
            control_means=np.zeros_like(means),
            treated_weight=weight,
            pull=regression.bread @ mean_x,
        )

    def _by_weighting(self, part: Comparison, treated: Gram, n_comparison: int) -> ComparisonFit:
        # The doubly robust estimand of Callaway and Sant'Anna's theorem 1: odds from the logit,
        # gaps to the regression; without the regression, the weighting one.
        segments = [
            Segment(rows.x, cohort == part.treated, rows.w)
            for cohort in (part.treated, *part.controls)
            for rows in [_whole(self.panel, cohort, part)]
        ]
        logit = fit_segments(segments)
        if not logit.converged:
            return _empty(part, treated.n, n_comparison, Undefined.NO_OVERLAP)
        regression = self.regression(part) if self.method is DidMethod.DR else None
        slopes = None if regression is None else regression.slopes
        moments = _odds_moments(self.panel, part, logit.coefficients, slopes)
        # the surest of all rows, treated or not: the same as the two-by-two looks at
        index = segments[0].design @ logit.coefficients
        if segments[0].weights is not None:
            index = index[segments[0].weights > 0]
        surest = 1 / (1 + np.exp(-np.clip(index, -500, 500)))
        weight = float(treated.xx[0, 0])
        mean_x = treated.xx[0] / weight
        level = treated.xy[0] / weight - (0.0 if slopes is None else mean_x @ slopes)
        if not moments.weight > 0:
            return _empty(part, treated.n, n_comparison, Undefined.NO_OVERLAP)
        level_controls = moments.xe[0] / moments.weight
        # The influence of each nuisance: sum o x(e - mean e)' / sum o for the odds, mean x of the
        # treated less odds-weighted mean x for the regression; each near zero when the other model
        # is right.
        tilt = (moments.xe - np.outer(moments.x, level_controls)) / moments.weight
        pull = None
        if regression is not None:
            pull = regression.bread @ (mean_x - moments.x / moments.weight)
        return ComparisonFit(
            comparison=part,
            estimates=(level - level_controls) @ part.contrast,
            n_treated=treated.n,
            n_comparison=n_comparison,
            slopes=slopes,
            gamma=logit.coefficients,
            control_means=level_controls @ part.contrast,
            treated_weight=weight,
            odds_weight=moments.weight,
            tilt=logit.bread @ tilt @ part.contrast,
            pull=pull,
            trimmed=moments.trimmed,
            largest=max(moments.largest, float(surest.max(initial=0.0))),
        )


def _empty(
    part: Comparison, n_treated: int, n_comparison: int, undefined: Undefined
) -> ComparisonFit:
    return ComparisonFit(
        comparison=part,
        estimates=np.full(len(part.cells), np.nan),
        n_treated=n_treated,
        n_comparison=n_comparison,
        undefined=undefined,
    )


def _rows_key(part: Comparison) -> tuple[object, ...]:
    return (tuple(part.periods.tolist()) if part.pairwise else None, part.covariate_period)


def _whole(panel: SortedPanel, cohort: int, part: Comparison) -> Rows:
    return panel.read(part, int(panel.bounds[cohort]), int(panel.bounds[cohort + 1]))


def _gram(panel: SortedPanel, cohort: int, part: Comparison) -> Gram:
    p, q = panel.n_parameters, len(part.periods)
    xx, xy, n = np.zeros((p, p)), np.zeros((p, q)), 0
    for first, last in panel.blocks(cohort):
        rows = panel.read(part, first, last)
        weighted = rows.weigh(rows.x)
        xx += weighted.T @ rows.x
        xy += weighted.T @ rows.y
        n += last - first if rows.w is None else int(np.count_nonzero(rows.w))
    return Gram(xx, xy, n)


def _regress(gram: Gram) -> _Regression | None:
    """Solve the normal equations, or None when columns are tied among these rows."""
    scale = np.sqrt(np.diag(gram.xx))
    if gram.n < len(scale) or not (scale > 0).all():
        return None
    correlation = gram.xx / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(correlation)
    if values[0] < _SINGULAR * len(scale):
        return None
    bread = (vectors / values) @ vectors.T / np.outer(scale, scale)
    slopes = np.asarray(np.linalg.solve(gram.xx, gram.xy), dtype=np.float64)
    return _Regression(slopes, bread)


@dataclass(frozen=True, slots=True)
class _OddsMoments:
    """Sums over the comparison group, weighted by odds: weight, x (p,), x e' (p, q)."""

    weight: float
    x: FloatArray
    xe: FloatArray
    trimmed: int
    largest: float


def _odds_moments(
    panel: SortedPanel, part: Comparison, gamma: FloatArray, slopes: FloatArray | None
) -> _OddsMoments:
    p, q = panel.n_parameters, len(part.periods)
    sum_x, sum_xe, trimmed, largest = np.zeros(p), np.zeros((p, q)), 0, 0.0
    for cohort in part.controls:
        for first, last in panel.blocks(cohort):
            rows = panel.read(part, first, last)
            odds = comparison_odds(rows, gamma)
            largest = max(largest, float(odds.max(initial=0.0)))
            if largest >= TRIM_ODDS:
                trimmed += trim(odds)
            tilted = rows.x * rows.weigh(odds)[:, None]
            sum_x += tilted.sum(axis=0)
            sum_xe += tilted.T @ (rows.y if slopes is None else rows.y - rows.x @ slopes)
    return _OddsMoments(float(sum_x[0]), sum_x, sum_xe, trimmed, largest / (1 + largest))


def comparison_odds(rows: Rows, gamma: FloatArray) -> FloatArray:
    """Return the odds of being treated of comparison rows: (n,)."""
    index = rows.x @ gamma
    return np.asarray(np.exp(np.minimum(index, 500.0, out=index), out=index))


def trim(odds: FloatArray) -> int:
    """Set odds at or above the trimming propensity to zero, in place; return how many."""
    far = odds / (1 + odds) >= TRIM
    odds[far] = 0.0
    return int(far.sum())


def plan_of(plan: CellPlan, fits: tuple[ComparisonFit, ...]) -> FloatArray:
    """Return the estimates of all cells of a plan: 0 at the reference, NaN where undefined."""
    estimates = np.where(plan.reference, 0.0, np.nan)
    for fit in fits:
        estimates[fit.comparison.cells] = fit.estimates
    return estimates
