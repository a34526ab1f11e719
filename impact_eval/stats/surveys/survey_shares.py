"""Shares of a survey: intervals that stay inside [0, 1]; independence of two answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import critical_value
from impact_eval.stats.surveys.survey_design import SurveyDesign, survey_mean

FloatArray = NDArray[np.float64]


class ShareInterval(StrEnum):
    """How the interval of a share is built."""

    LOGIT = "logit"
    LIKELIHOOD = "likelihood"
    ARCSINE = "arcsine"
    BETA = "beta"
    WALD = "wald"


@dataclass(frozen=True, slots=True)
class SurveyShare:
    """A share with its interval, in [0, 1] (the Wald interval may leave it)."""

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float


def survey_share(
    answered: ArrayLike,
    design: SurveyDesign,
    *,
    method: ShareInterval = ShareInterval.LOGIT,
    domain: ArrayLike | None = None,
    level: float = 0.95,
) -> SurveyShare | NotApplicable:
    """Estimate a share with a design-based interval.

    Parameters
    ----------
    answered : (n,) array
        0 or 1.
    design : SurveyDesign
    method : ShareInterval
        Beta is Korn and Graubard's; likelihood is the Rao-Scott profile interval.
    domain : (n,) bool array, optional
    level : float

    Returns
    -------
    SurveyShare or NotApplicable
        `share_at_the_edge` when nobody or everybody answered so (except by `BETA`).

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Survey Methodology 24(2), 193-201

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.surveys.survey_design import survey_design
    >>> share = survey_share(np.arange(40) < 10, survey_design(n=40))
    >>> round(share.estimate, 2), share.conf_low > 0
    (0.25, True)
    """
    fit = survey_mean(answered, design, domain=domain)
    p, error = float(fit.estimate[0]), float(fit.std_error[0])
    if not 0 < p < 1 and method is not ShareInterval.BETA:
        return NotApplicable.because("share_at_the_edge", share=p)
    critical = critical_value(level, fit.df)
    if method is ShareInterval.WALD:
        low, high = p - critical * error, p + critical * error
    elif method is ShareInterval.LOGIT:
        half = critical * error / (p * (1 - p))
        low, high = special.expit(special.logit(p) - half), special.expit(special.logit(p) + half)
    elif method is ShareInterval.ARCSINE:
        half = critical * error / (2 * math.sqrt(p * (1 - p)))
        centre = math.asin(math.sqrt(p))
        low = math.sin(max(centre - half, 0)) ** 2
        high = math.sin(min(centre + half, math.pi / 2)) ** 2
    elif method is ShareInterval.BETA:
        low, high = _beta_bounds(p, error, n=design.n, df=fit.df, level=level)
    else:
        low, high = _likelihood_bounds(p, error, critical, n=design.n)
    return SurveyShare(p, error, float(low), float(high))


def _beta_bounds(p: float, error: float, *, n: int, df: int, level: float) -> tuple[float, float]:
    size = float(n)
    if error > 0:
        size = p * (1 - p) / error**2
        size *= (critical_value(level, n - 1) / critical_value(level, df)) ** 2
    tail = (1 - level) / 2
    low = float(special.betaincinv(size * p, size * (1 - p) + 1, tail)) if p > 0 else 0.0
    high = float(special.betaincinv(size * p + 1, size * (1 - p), 1 - tail)) if p < 1 else 1.0
    return low, high


def _likelihood_bounds(p: float, error: float, critical: float, *, n: int) -> tuple[float, float]:
    # Rao-Scott: the deviance of p(1-p)/se^2 persons, cut at t^2 times the dispersion n/(n-1).
    size = p * (1 - p) / error**2 * (n - 1) / n

    def excess(q: float) -> float:
        deviance = 2 * size * (p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q)))
        return deviance - critical**2

    return _bisected_edge(excess, p, 0.0), _bisected_edge(excess, p, 1.0)


def _bisected_edge(excess: Callable[[float], float], inside: float, outside: float) -> float:
    for _ in range(100):
        middle = (inside + outside) / 2
        if excess(middle) > 0:
            outside = middle
        else:
            inside = middle
    return (inside + outside) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class IndependenceTest:
    """Rao and Scott's second-order test: an F statistic."""

    statistic: float
    df: float
    df_denominator: float
    p_value: float


def survey_independence(
    rows: ArrayLike, columns: ArrayLike, design: SurveyDesign
) -> IndependenceTest | NotApplicable:
    r"""Test that two categorical answers are independent.

    Pearson's statistic over the mean of the design effects of the interactions, with Satterthwaite
    degrees of freedom.

    Parameters
    ----------
    rows, columns : (n,) arrays
        Categories.
    design : SurveyDesign

    Returns
    -------
    IndependenceTest or NotApplicable
        `constant_item` when an answer has one category, `empty_cell`.

    References
    ----------
    Rao, J. N. K. and Scott, A. J. (1984). doi:10.1214/aos/1176346391

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.surveys.survey_design import survey_design
    >>> a = np.tile([0, 0, 1, 1], 20); b = np.tile([0, 1, 0, 1], 20)
    >>> round(survey_independence(a, b, survey_design(n=80)).statistic, 6)
    0.0
    """
    row_labels, i = np.unique(np.asarray(rows), return_inverse=True)
    column_labels, j = np.unique(np.asarray(columns), return_inverse=True)
    r, c = len(row_labels), len(column_labels)
    if min(r, c) < 2:
        return NotApplicable.because("constant_item", n=1)
    hot = np.zeros((design.n, r * c))
    hot[np.arange(design.n), i * c + j] = 1.0
    cells = survey_mean(hot, design)
    share = cells.estimate
    if share.min() <= 0:
        return NotApplicable.because("empty_cell", n=int(np.sum(share <= 0)))
    table = share.reshape(r, c)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    pearson = design.n * float(np.sum((table - expected) ** 2 / expected))
    scaled = _interactions(r, c) / share[:, None]
    within = _interactions(r, c).T @ scaled / design.n
    effects = np.linalg.solve(within, scaled.T @ cells.covariance @ scaled)
    trace = float(np.trace(effects))
    df = trace**2 / float(np.trace(effects @ effects))
    statistic = pearson / trace
    return IndependenceTest(
        statistic=statistic, df=df, df_denominator=df * design.df,
        p_value=float(special.fdtrc(df, df * design.df, statistic)),
    )  # fmt: skip


def _interactions(r: int, c: int) -> FloatArray:
    # Columns spanning the interaction space: contrasts orthogonal to both margins.
    out: FloatArray = np.kron(_contrasts(r), _contrasts(c)).astype(np.float64)
    return out


def _contrasts(k: int) -> FloatArray:
    basis = np.column_stack([np.ones(k), np.eye(k)[:, : k - 1]])
    out: FloatArray = np.linalg.qr(basis)[0][:, 1:]
    return out
