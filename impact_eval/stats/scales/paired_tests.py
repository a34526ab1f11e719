"""Tests of a change in one group: t, Wilcoxon with its zero rule, signs, sign flips, McNemar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import two_sided_p
from impact_eval.stats.scales.effect_size import complete_pairs

FloatArray = NDArray[np.float64]

MOST_EXACT_SIGNS = 22  # 2**22 sign patterns are enumerated in a moment
_MOST_EXACT_RANKS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedT:
    """A paired t test: mean change, t, degrees of freedom, p, interval in points."""

    mean_change: float
    std_error: float
    statistic: float
    df: int
    p_value: float
    conf_low: float
    conf_high: float
    n: int


def paired_t(
    before: ArrayLike, after: ArrayLike, *, level: float = 0.95
) -> PairedT | NotApplicable:
    """Test that the mean change is zero.

    Returns
    -------
    PairedT or NotApplicable
        `too_few_pairs` (fewer than 3), `no_variance`.

    References
    ----------
    Student (1908). doi:10.1093/biomet/6.1.1

    Examples
    --------
    >>> round(paired_t([1, 2, 3, 4], [2, 2, 5, 5]).statistic, 4)
    2.4495
    """
    x, y = complete_pairs(before, after)
    n = len(x)
    if n < 3:
        return NotApplicable.because("too_few_pairs", n=n, advised=3)
    change = y - x
    error = float(change.std(ddof=1)) / math.sqrt(n)
    if error == 0:
        return NotApplicable.because("no_variance")
    mean = float(change.mean())
    half = float(special.stdtrit(n - 1, 0.5 + level / 2)) * error
    return PairedT(
        mean_change=mean, std_error=error, statistic=mean / error, df=n - 1,
        p_value=two_sided_p(mean / error, n - 1), conf_low=mean - half, conf_high=mean + half, n=n,
    )  # fmt: skip


class ZeroRule(StrEnum):
    """What becomes of people who did not change: the choice moves the p-value, so it is stated."""

    DROP = "drop"  # left out before ranking (Wilcoxon)
    PRATT = "pratt"  # ranked, then left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Wilcoxon:
    """A signed-rank test.

    Attributes
    ----------
    statistic : float
        Sum of the ranks of positive changes.
    z : float
        Standardised, ties counted, without continuity correction.
    p_value : float
        Exact when `exact`, else normal.
    p_normal, p_corrected : float
        Normal, without and with continuity correction.
    rank_biserial : float
        ``(R+ - R-) / (R+ + R-)``.
    shift : float
        Hodges-Lehmann estimate: median of the pairwise means of changes.
    n, n_zero : int
    zero_rule : ZeroRule
    exact : bool
    """

    statistic: float
    z: float
    p_value: float
    p_normal: float
    p_corrected: float
    rank_biserial: float
    shift: float
    n: int
    n_zero: int
    zero_rule: ZeroRule
    exact: bool


def average_ranks(values: FloatArray) -> FloatArray:
    """Return ranks from 1, ties sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    out: FloatArray = (last - (counts - 1) / 2)[inverse]
    return out


def _signed_rank_tail(ranks: FloatArray, statistic: float) -> float:
    """Return the exact two-sided p of a sum of ranks, by building its whole distribution."""
    doubled = np.rint(2 * ranks).astype(np.int64)  # midranks are halves
    chance = np.zeros(int(doubled.sum()) + 1)
    chance[0] = 1.0
    reach = 0
    for rank in doubled:
        shifted = np.zeros_like(chance)
        shifted[rank : reach + rank + 1] = chance[: reach + 1]
        chance = (chance + shifted) / 2
        reach += int(rank)
    centre = doubled.sum() / 2
    far = np.abs(np.arange(len(chance)) - centre) >= abs(2 * statistic - centre) - 1e-9
    return min(1.0, float(chance[far].sum()))


def wilcoxon(
    before: ArrayLike, after: ArrayLike, *, zero_rule: ZeroRule = ZeroRule.DROP
) -> Wilcoxon | NotApplicable:
    """Test that changes are symmetric around zero, by signed ranks.

    Parameters
    ----------
    before, after : (n,) array
    zero_rule : ZeroRule

    Returns
    -------
    Wilcoxon or NotApplicable
        `too_few_pairs`, `no_change_at_all`.

    References
    ----------
    Wilcoxon, F. (1945). doi:10.2307/3001968; Pratt, J. W. (1959).
    doi:10.1080/01621459.1959.10501526

    Examples
    --------
    >>> wilcoxon([1, 2, 3, 4, 5], [2, 4, 6, 8, 5]).p_value
    0.125
    """
    x, y = complete_pairs(before, after)
    if len(x) < 3:
        return NotApplicable.because("too_few_pairs", n=len(x), advised=3)
    change = y - x
    moved = change != 0
    if not moved.any():
        return NotApplicable.because("no_change_at_all", n=len(x))
    if zero_rule is ZeroRule.DROP:
        ranks = average_ranks(np.abs(change[moved]))
    else:
        ranks = average_ranks(np.abs(change))[moved]
    positive = change[moved] > 0
    statistic = float(ranks[positive].sum())
    total = float(ranks.sum())
    # Var(W) = sum of squared ranks / 4 under random signs: right with ties, where n(n+1)(2n+1)/24
    # is not.
    spread = math.sqrt(float((ranks**2).sum()) / 4)
    gap = statistic - total / 2
    exact = len(ranks) <= _MOST_EXACT_RANKS
    p_normal = two_sided_p(gap / spread)
    corrected = max(abs(gap) - 0.5, 0.0) / spread
    # Hodges and Lehmann: the median of Walsh averages is the shift that the test would not reject.
    walsh = (change[:, None] + change[None, :])[np.triu_indices(len(change))] / 2
    return Wilcoxon(
        statistic=statistic, z=gap / spread,
        p_value=_signed_rank_tail(ranks, statistic) if exact else p_normal,
        p_normal=p_normal, p_corrected=two_sided_p(corrected),
        rank_biserial=2 * statistic / total - 1, shift=float(np.median(walsh)), n=len(x),
        n_zero=int((~moved).sum()), zero_rule=zero_rule, exact=exact,
    )  # fmt: skip


def sign_test(before: ArrayLike, after: ArrayLike) -> float | NotApplicable:
    """Return the exact two-sided p of the sign test, unchanged people left out.

    Examples
    --------
    >>> sign_test([1, 1, 1, 1], [2, 2, 2, 2])
    0.125
    """
    x, y = complete_pairs(before, after)
    up, down = int((y > x).sum()), int((y < x).sum())
    if up + down == 0:
        return NotApplicable.because("no_change_at_all", n=len(x))
    return min(1.0, 2 * float(special.bdtr(min(up, down), up + down, 0.5)))


@dataclass(frozen=True, slots=True)
class SignFlip:
    """A sign-flip permutation test: mean change, two-sided p, patterns used, whether all were."""

    mean_change: float
    p_value: float
    patterns: int
    exact: bool


def sign_flip(
    changes: ArrayLike, *, rng: np.random.Generator | None = None, draws: int = 99_999
) -> SignFlip | NotApplicable:
    """Test a mean change by flipping the sign of each person's change.

    All 2^n patterns are enumerated up to 22 people who changed; beyond, patterns are drawn.

    Parameters
    ----------
    changes : (n,) array
    rng : numpy.random.Generator, optional
        Needed beyond 22 people.
    draws : int

    Returns
    -------
    SignFlip or NotApplicable
        `too_few_pairs`, `no_change_at_all`.

    Assumptions
    -----------
    Were there no change, each person's change could as well have had the other sign.

    Examples
    --------
    >>> sign_flip([1, 2, 3, 4]).p_value
    0.125
    """
    d = np.asarray(changes, dtype=np.float64)
    d = d[~np.isnan(d)]
    if len(d) < 3:
        return NotApplicable.because("too_few_pairs", n=len(d), advised=3)
    moved = d[d != 0]
    if not len(moved):
        return NotApplicable.because("no_change_at_all", n=len(d))
    observed = abs(float(moved.sum()))
    slack = 1e-9 * max(1.0, float(np.abs(moved).sum()))
    mean = float(d.mean())
    if len(moved) <= MOST_EXACT_SIGNS:
        sums = np.zeros(1)
        # All 2^n sums by doubling: n additions of arrays, no matrix of patterns.
        for step in moved:
            sums = np.concatenate([sums - step, sums + step])
        far = int((np.abs(sums) >= observed - slack).sum())
        return SignFlip(mean, far / len(sums), len(sums), True)
    rng = rng if rng is not None else np.random.default_rng(20240101)
    far = 0
    block = 10_000
    for start in range(0, draws, block):
        size = min(block, draws - start)
        signs = rng.integers(0, 2, size=(size, len(moved)), dtype=np.int8)
        sums = 2.0 * (signs @ moved) - moved.sum()
        far += int((np.abs(sums) >= observed - slack).sum())
    # The observed signs are one of the patterns, and counted: p is never zero.
    return SignFlip(mean, (far + 1) / (draws + 1), draws, False)


@dataclass(frozen=True, slots=True)
class McNemar:
    """A test of paired yes/no answers: chi-squared with correction, its p, exact p, mid-p."""

    statistic: float
    p_corrected: float
    p_exact: float
    p_mid: float
    gained: int
    lost: int


def mcnemar(*, gained: int, lost: int) -> McNemar | NotApplicable:
    """Test that as many people gained as lost; mid-p is the one to report.

    Parameters
    ----------
    gained, lost : int
        People who went from no to yes, and from yes to no.

    References
    ----------
    Fagerland, M. W., Lydersen, S. and Laake, P. (2013). doi:10.1186/1471-2288-13-91

    Examples
    --------
    >>> round(mcnemar(gained=9, lost=2).p_mid, 8)
    0.03857422
    """
    n = gained + lost
    if n == 0:
        return NotApplicable.because("no_change_at_all", n=0)
    statistic = max(abs(gained - lost) - 1, 0) ** 2 / n
    least = min(gained, lost)
    exact = min(1.0, 2 * float(special.bdtr(least, n, 0.5)))
    at = math.comb(n, least) * 0.5**n
    mid = min(1.0, exact - at) if gained != lost else 1 - at
    return McNemar(statistic, float(special.chdtrc(1, statistic)), exact, mid, gained, lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanBootstrap:
    """Bootstrap intervals of a mean change."""

    percentile: tuple[float, float]
    bca: tuple[float, float]
    studentised: tuple[float, float]
    draws: int


def bootstrap_mean(
    changes: ArrayLike, *, rng: np.random.Generator, draws: int = 9_999, level: float = 0.95
) -> MeanBootstrap | NotApplicable:
    """Bootstrap a mean change over people: percentile, BCa and studentised intervals.

    Below 60 people these check the t interval; they do not replace it.

    References
    ----------
    Efron, B. (1987). doi:10.1080/01621459.1987.10478410
    """
    d = np.asarray(changes, dtype=np.float64)
    d = d[~np.isnan(d)]
    n = len(d)
    if n < 5:
        return NotApplicable.because("too_few_pairs", n=n, advised=5)
    if d.std() == 0:
        return NotApplicable.because("no_variance")
    picked = d[rng.integers(0, n, size=(draws, n))]
    means = picked.mean(axis=1)
    errors = picked.std(axis=1, ddof=1) / math.sqrt(n)
    mean, error = float(d.mean()), float(d.std(ddof=1)) / math.sqrt(n)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (means - mean) / errors
    low_t, high_t = np.quantile(t[np.isfinite(t)], tails)
    # Efron's BCa: z0 from the share of draws below the estimate, ties for one half; a from the
    # skewness, which is the jackknife's value for a mean.
    share = np.mean(means < mean) + 0.5 * np.mean(means == mean)
    bias = special.ndtri(min(max(float(share), 0.5 / draws), 1 - 0.5 / draws))
    centred = d - mean
    acceleration = float((centred**3).sum()) / (6 * float((centred**2).sum()) ** 1.5)
    ends = bias + special.ndtri(tails)
    adjusted = special.ndtr(bias + ends / (1 - acceleration * ends))
    percentile, bca = np.quantile(means, tails), np.quantile(means, adjusted)
    return MeanBootstrap(
        percentile=(float(percentile[0]), float(percentile[1])),
        bca=(float(bca[0]), float(bca[1])),
        studentised=(mean - float(high_t) * error, mean - float(low_t) * error), draws=draws,
    )  # fmt: skip
