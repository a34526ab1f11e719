"""Adding up answers: reversal from the declared range, weights, missing rule, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RawScores:
    """Sums of answers by person.

    Attributes
    ----------
    values : (n,) float array
        NaN where too few items were answered.
    answered : (n,) int array
        Items answered by each person.
    prorated : int
        Persons scored with at least one item missing.
    """

    values: FloatArray
    answered: IntArray
    prorated: int


def add_items(
    columns: Sequence[FloatArray],
    *,
    weights: Sequence[float] | None = None,
    least: int | None = None,
    prorate: bool = True,
) -> RawScores:
    r"""Add keyed answers by person: :math:`\sum_j w_j x_{ij}`, prorated when items are missing.

    A prorated sum is :math:`k` times the mean of the answered items, which is also what filling
    holes with the person's mean gives.

    Parameters
    ----------
    columns : sequence of k (n,) arrays
        Keyed answers, NaN where unanswered.
    weights : sequence of k floats, optional
        One by default.
    least : int, optional
        Answers needed for a score; all of them by default.
    prorate : bool
        Whether a sum with holes is raised to k items; otherwise it is the sum of the answers.

    Returns
    -------
    RawScores

    References
    ----------
    Bell, M. L. et al. (2016), the half rule. doi:10.1007/s11136-015-1087-x

    Examples
    --------
    >>> import numpy as np
    >>> items = [np.array([1.0, 2.0]), np.array([3.0, np.nan])]
    >>> add_items(items, least=1).values.tolist()
    [4.0, 4.0]
    """
    k = len(columns)
    n = len(columns[0]) if k else 0
    total = np.zeros(n)
    answered = np.full(n, k, dtype=np.int64)
    weight_seen = np.full(n, float(k))
    gaps = False
    for column, weight in zip(columns, weights or (1.0,) * k, strict=True):
        addend = column if weight == 1.0 else column * weight
        holes = np.isnan(column)
        if holes.any():
            gaps = True
            answered -= holes
            weight_seen -= holes
            addend = np.where(holes, 0.0, addend)
        total += addend
    if not gaps:
        return RawScores(total, answered, 0)
    enough = answered >= (k if least is None else least)
    if prorate:
        with np.errstate(invalid="ignore", divide="ignore"):
            total = np.where(weight_seen == k, total, total * k / weight_seen)
    values = np.where(enough, total, np.nan)
    return RawScores(values, answered, int((enough & (answered < k)).sum()))


def convert(raw: ArrayLike, table: Sequence[tuple[float, float]]) -> FloatArray:
    """Read raw sums in a published table; what the table does not hold is NaN.

    Parameters
    ----------
    raw : (n,) array
    table : sequence of (raw, converted)
    """
    sums = np.asarray(raw, dtype=np.float64)
    keys = np.array([pair[0] for pair in table])
    order = np.argsort(keys)
    keys, converted = keys[order], np.array([pair[1] for pair in table])[order]
    place = np.clip(np.searchsorted(keys, sums), 0, len(keys) - 1)
    return np.where(keys[place] == sums, converted[place], np.nan)


def percent_of_maximum(scores: ArrayLike, *, low: float, high: float) -> FloatArray:
    r"""Return scores as a percentage of what is possible: :math:`100 (x - low)/(high - low)`.

    Examples
    --------
    >>> percent_of_maximum([10, 25, 40], low=10, high=40).tolist()
    [0.0, 50.0, 100.0]
    """
    return 100 * (np.asarray(scores, dtype=np.float64) - low) / (high - low)


def z_scores(scores: ArrayLike, *, mean: float, sd: float) -> FloatArray:
    """Return standard scores against a norm; a T score is 50 + 10 z."""
    return (np.asarray(scores, dtype=np.float64) - mean) / sd


def midrank_percentile(scores: ArrayLike, reference: ArrayLike) -> FloatArray:
    """Return percentiles in a sample: 100 (below + half the ties) / n.

    Examples
    --------
    >>> midrank_percentile([2], [1, 2, 2, 3]).tolist()
    [50.0]
    """
    known = np.sort(np.asarray(reference, dtype=np.float64))
    known = known[~np.isnan(known)]
    x = np.asarray(scores, dtype=np.float64)
    below, up_to = np.searchsorted(known, x, "left"), np.searchsorted(known, x, "right")
    return np.where(np.isnan(x), np.nan, 100 * (below + 0.5 * (up_to - below)) / len(known))


@dataclass(frozen=True, slots=True)
class NormTest:
    """A comparison with a norm: difference in points, t, degrees of freedom, p and interval."""

    difference: float
    statistic: float
    df: float
    p_value: float
    conf_low: float
    conf_high: float


def group_against_norm(
    scores: ArrayLike, *, mean: float, sd: float | None = None, n: int | None = None,
    level: float = 0.95,
) -> NormTest | NotApplicable:  # fmt: skip
    r"""Compare a group's mean with a norm, by Welch from summaries.

    Without `sd` or `n` the norm is treated as known: a one-sample t test.

    Parameters
    ----------
    scores : (m,) array
    mean, sd, n : float, float, int
        The norm and the size of the sample it was measured on.
    level : float

    Returns
    -------
    NormTest or NotApplicable
        `too_few_persons` (fewer than 2), `no_variance`.

    References
    ----------
    Welch, B. L. (1947). doi:10.1093/biomet/34.1-2.28

    Examples
    --------
    >>> round(group_against_norm([20, 22, 24, 26], mean=30).statistic, 4)
    -5.4222
    """
    x = np.asarray(scores, dtype=np.float64)
    x = x[~np.isnan(x)]
    m = len(x)
    if m < 2:
        return NotApplicable.because("too_few_persons", n=m, advised=2)
    own = float(x.var(ddof=1)) / m
    if own == 0:
        return NotApplicable.because("no_variance")
    df = float(m - 1)
    variance = own
    if sd is not None and n is not None:
        other = sd**2 / n
        variance = own + other
        df = variance**2 / (own**2 / (m - 1) + other**2 / (n - 1))
    error = float(np.sqrt(variance))
    gap = float(x.mean()) - mean
    t = gap / error
    half = float(special.stdtrit(df, 0.5 + level / 2)) * error
    return NormTest(gap, t, df, float(2 * special.stdtr(df, -abs(t))), gap - half, gap + half)


def goal_attainment(
    levels: ArrayLike, weights: ArrayLike | None = None, *, rho: float = 0.3
) -> FloatArray:
    r"""Score individual goals rated -2 to +2 on a T metric.

    .. math:: T = 50 + 10 \sum w x \,/\, \sqrt{(1-\rho) \sum w^2 + \rho (\sum w)^2}

    Parameters
    ----------
    levels : (n, k) array
        Attainment of up to k goals per person, NaN where a person has fewer.
    weights : (n, k) or (k,) array, optional
        Importance of the goals; equal by default.
    rho : float
        Supposed correlation between goals.

    Returns
    -------
    (n,) array
        NaN for a person without any goal.

    References
    ----------
    Kiresuk, T. J. and Sherman, R. E. (1968). doi:10.1007/BF01530764

    Examples
    --------
    >>> goal_attainment([[0, 0, 0], [1, 1, 1]]).round(2).tolist()
    [50.0, 63.69]
    """
    x = np.atleast_2d(np.asarray(levels, dtype=np.float64))
    w = np.ones_like(x) if weights is None else np.broadcast_to(np.asarray(weights, float), x.shape)
    w = np.where(np.isnan(x), 0.0, w)
    spread = (1 - rho) * (w**2).sum(axis=1) + rho * w.sum(axis=1) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        out: FloatArray = 50 + 10 * (w * np.nan_to_num(x)).sum(axis=1) / np.sqrt(spread)
    return out
