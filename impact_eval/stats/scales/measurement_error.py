"""The error of one person's score, from the answers of one sample: one limit for a change.

A reliability is of a group: in one where people are alike it is low, in a mixed one it is high, and
multiplied by the spread of another group it gives an error that nobody has. The answers themselves
give the error: how far each answer is from what its person and its question make expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.reliability import standard_error_of_measurement

FloatArray = NDArray[np.float64]
FEWEST = 10  # people answering everything: below, the error itself is too uncertain to judge one


class ErrorSource(StrEnum):
    """Where the error of a measure comes from: one study, never a mixture."""

    SAMPLE = "sample"  # the answers of this sample, at one date
    PUBLISHED = "published"  # a study of people asked twice
    DECLARED = "declared"  # a retest that the study declares


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementError:
    """How far one person's score is from what it would be without chance.

    Attributes
    ----------
    std_error : float
        Of one score, in points: the root of the mean error variance over people.
    smallest : float
        The change that `1 - level` of people who do not change would pass, in points.
    level : float
    source : ErrorSource
    n : int or None
        People whose answers gave it.
    """

    std_error: float
    smallest: float
    level: float
    source: ErrorSource
    n: int | None = None


def error_from_answers(
    items: ArrayLike,
    *,
    low: float | None = None,
    high: float | None = None,
    slope: float = 1.0,
    level: float = 0.95,
) -> MeasurementError | NotApplicable:
    r"""Compute the error of a sum from the answers of people asked once.

    With residuals :math:`r_{ij} = x_{ij} - \bar x_{i.} - \bar x_{.j} + \bar x_{..}`,
    :math:`SEM^2 = \frac{k}{(n-1)(k-1)} \sum r_{ij}^2`, which is
    :math:`SD^2 (1 - \alpha)` of the same sample (Hoyt's identity). Near an end of the scale people
    vary less than in its middle: the variance of the error follows the binomial shape
    :math:`(t - low)(high - t)` as far as the residuals of this sample say. The smallest change
    :math:`c` solves :math:`n^{-1} \sum_i P(|N(0, 2 s_i^2)| > c) = 1 - level`: one limit, which
    keeps its promise in a group where some are at an end and others in the middle.

    Parameters
    ----------
    items : (n, k) array
        Answers in points, NaN where missing; people who answered everything are used.
    low, high : float, optional
        Possible ends of the sum; the error is alike for all without them.
    slope : float
        Points of the score for one point of the sum: 1/k for a mean.
    level : float
        In (0, 1).

    Returns
    -------
    MeasurementError or NotApplicable
        `single_item`, `too_few_people`, `no_variance`.

    Assumptions
    -----------
    Questions are interchangeable up to their means (else the error is a little too large), and
    nothing varies from one day to the next: a study of people asked twice sees that too.

    References
    ----------
    Hoyt, C. (1941). doi:10.1007/BF02289270. Feldt, L. S. and Qualls, A. L. (1996).
    doi:10.1111/j.1745-3984.1996.tb00486.x. Keats, J. A. (1957). doi:10.1007/BF02289207

    Examples
    --------
    >>> x = [[1, 2, 2], [3, 3, 4], [2, 4, 3], [4, 4, 4], [1, 1, 2]] * 2
    >>> error = error_from_answers(x)
    >>> round(error.std_error, 4), round(error.smallest / error.std_error, 3)
    (0.8692, 2.772)
    """
    x = np.asarray(items, dtype=np.float64)
    k = x.shape[1] if x.ndim == 2 else 1
    if k < 2:
        return NotApplicable.because("single_item")
    x = x[~np.isnan(x).any(axis=1)]
    n = len(x)
    if n < FEWEST:
        return NotApplicable.because("too_few_people", n=n, advised=FEWEST)
    # Hoyt's equation: the residual mean square of people by questions, times the questions.
    people = x.mean(axis=1, keepdims=True)
    own = (x - people - x.mean(axis=0) + x.mean()) ** 2
    variance = k * float(own.sum()) / ((n - 1) * (k - 1))
    if variance <= 0:
        return NotApplicable.because("no_variance")
    by_person = own.sum(axis=1) * k / (k - 1) * n / (n - 1)
    shape = np.ones(n)  # Keats: the error of a sum of answers is binomial in its place on the scale
    if low is not None and high is not None:
        total = x.sum(axis=1)
        shape = _shape(np.clip((total - low) * (high - total), 0.0, None), by_person / variance)
    spread = np.sqrt(2 * variance * shape)
    return MeasurementError(
        std_error=abs(slope) * float(np.sqrt(variance)),
        smallest=abs(slope) * _limit(spread, 1 - level),
        level=level,
        source=ErrorSource.SAMPLE,
        n=n,
    )


def error_from_retest(
    reliability: float, sd: float, *, source: ErrorSource, n: int | None = None, level: float = 0.95
) -> MeasurementError | NotApplicable:
    r"""Compute the error of a score from one study of people asked twice.

    :math:`SEM = SD \sqrt{1 - r}`, both of the same people; smallest change
    :math:`z \sqrt 2\,SEM`.

    Parameters
    ----------
    reliability : float
        Test-retest correlation, in (0, 1).
    sd : float
        Standard deviation of the same people, positive, in points.
    source : ErrorSource
    n : int, optional
    level : float

    Returns
    -------
    MeasurementError or NotApplicable
        `reliability_out_of_range`, `no_variance`.

    Examples
    --------
    >>> round(error_from_retest(0.85, 5.0, source=ErrorSource.PUBLISHED).smallest, 2)
    5.37
    """
    if not 0 < reliability < 1:
        return NotApplicable.because("reliability_out_of_range", reliability=reliability)
    if sd <= 0:
        return NotApplicable.because("no_variance")
    return known_error(standard_error_of_measurement(sd, reliability), source=source, n=n,
                       level=level)  # fmt: skip


def known_error(
    std_error: float, *, source: ErrorSource, n: int | None = None, level: float = 0.95
) -> MeasurementError:
    r"""Return the error of a score whose standard error was published: limit :math:`z \sqrt 2 SEM`.

    Examples
    --------
    >>> round(known_error(2.0, source=ErrorSource.PUBLISHED).smallest, 2)
    5.54
    """
    critical = float(special.ndtri(0.5 + level / 2))
    return MeasurementError(std_error=std_error, smallest=critical * float(np.sqrt(2)) * std_error,
                            level=level, source=source, n=n)  # fmt: skip


def _shape(binomial: FloatArray, relative: FloatArray) -> FloatArray:
    """Return relative error variances, of mean one, between constant and binomial.

    The weight of the binomial shape is the slope of the relative residual variances on it, kept
    between 0 and 1: a sample that says nothing keeps one error for all.
    """
    mean = float(binomial.mean())
    if mean <= 0:
        return np.ones(len(binomial))
    apart = binomial / mean - 1
    size = float((apart**2).sum())
    if size <= 0:
        return np.ones(len(binomial))
    weight = float(np.clip((apart * (relative - 1)).sum() / size, 0.0, 1.0))
    return 1 + weight * apart


def _limit(spread: FloatArray, tail: float) -> float:
    """Return the change that a share `tail` of people without any change would pass."""
    moving = np.maximum(spread, 1e-12)

    def beyond(limit: float) -> float:
        return float(np.mean(2 * special.ndtr(-limit / moving))) - tail

    return float(optimize.brentq(beyond, 0.0, 12 * float(moving.max())))
