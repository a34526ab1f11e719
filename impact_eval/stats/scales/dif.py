"""Differential item functioning: does an item favour a group among people with the same trait."""

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
from impact_eval.stats.scales.cumulative_link import CumulativeLink, cumulative_link
from impact_eval.stats.scales.item_matrix import item_matrix

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
LEAST_PER_GROUP = 50
_MODERATE, _LARGE = 0.035, 0.070


class DifSize(StrEnum):
    """How much an item functions differently, whatever its p-value."""

    NEGLIGIBLE = "negligible"
    MODERATE = "moderate"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class NestedTest:
    """A likelihood-ratio test between two nested models."""

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True)
class PseudoR2:
    """Gains in explained variation between two nested models, three definitions."""

    mcfadden: float
    nagelkerke: float
    cox_snell: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdinalDif:
    """Ordinal logistic DIF of one item.

    Attributes
    ----------
    item : int
    total, uniform, non_uniform : NestedTest
        Of group and interaction together, of group, of the interaction given the group.
    gain : PseudoR2
        From matching alone to group and interaction.
    uniform_gain : PseudoR2
        From matching alone to group.
    beta_change : float
        Relative change of the matching coefficient when the group enters (0.1 is Crane's flag).
    group_effect : float
        Log odds ratio of the last group against the first, at equal trait (two groups; else the
        largest).
    size : DifSize
        Jodoin and Gierl's bounds on Nagelkerke's gain: .035 and .070.
    flagged : bool
        Significant in total and not negligible.
    n : int
    """

    item: int
    total: NestedTest
    uniform: NestedTest
    non_uniform: NestedTest
    gain: PseudoR2
    uniform_gain: PseudoR2
    beta_change: float
    group_effect: float
    size: DifSize
    flagged: bool
    n: int


def ordinal_logistic_dif(
    answers: ArrayLike,
    matching: ArrayLike,
    groups: ArrayLike,
    *,
    item: int = 0,
    level: float = 0.01,
) -> OrdinalDif | NotApplicable:
    r"""Test an ordered item by three nested cumulative logits: match; + group; + interaction.

    Parameters
    ----------
    answers : (n,) array
        The item, NaN where unanswered.
    matching : (n,) array
        The trait: total, rest score or latent score.
    groups : (n,) array
        Labels.
    item : int
        Kept with the result.
    level : float
        Significance needed to flag.

    Returns
    -------
    OrdinalDif or NotApplicable
        `dif_small_group` (fewer than 50 in a group), `dif_one_group`, and those of
        `cumulative_link`.

    References
    ----------
    Zumbo, B. D. (1999). A Handbook on the Theory and Methods of DIF; Jodoin, M. G. and Gierl, M. J.
    (2001). doi:10.1207/S15324818AME1404_2; Crane, P. K. et al. (2006).
    doi:10.1097/01.mlr.0000245183.28384.ed

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> trait, group = rng.normal(size=800), np.repeat([0, 1], 400)
    >>> y = np.digitize(trait + group + rng.normal(size=800), [-1, 0, 1])
    >>> ordinal_logistic_dif(y, trait, group).size.value
    'large'
    """
    y, match = np.asarray(answers, dtype=np.float64), np.asarray(matching, dtype=np.float64)
    labels = np.asarray(groups)
    kept = ~(np.isnan(y) | np.isnan(match))
    y, match, labels = y[kept], match[kept], labels[kept]
    kinds, counts = np.unique(labels, return_counts=True)
    if len(kinds) < 2:
        return NotApplicable.because("dif_one_group", n=len(kinds))
    if counts.min() < LEAST_PER_GROUP:
        return NotApplicable.because(
            "dif_small_group", n=int(counts.min()), advised=LEAST_PER_GROUP
        )
    match = (match - match.mean()) / (match.std() or 1.0)
    group = (labels[:, None] == kinds[1:][None, :]).astype(np.float64)
    columns = np.column_stack([match, group, group * match[:, None]])
    extra = len(kinds) - 1
    fits: list[CumulativeLink] = []
    # Zumbo's three models: matching; + group (uniform); + group by matching (not uniform). Each
    # nests the one before, so their likelihoods compare.
    for width in (1, 1 + extra, 1 + 2 * extra):
        fit = cumulative_link(y, columns[:, :width])
        if isinstance(fit, NotApplicable):
            return fit
        fits.append(fit)
    first, second, third = fits
    null = _null_likelihood(y)
    total = _nested(first, third, 2 * extra)
    gain = _gain(first, third, null)
    size = _size_class(gain.nagelkerke)
    before, after = float(first.coefficients[0]), float(second.coefficients[0])
    effects = second.coefficients[1:]
    return OrdinalDif(
        item=item, total=total, uniform=_nested(first, second, extra),
        non_uniform=_nested(second, third, extra), gain=gain,
        uniform_gain=_gain(first, second, null), beta_change=abs((after - before) / before),
        group_effect=float(effects[np.abs(effects).argmax()]), size=size,
        flagged=total.p_value < level and size is not DifSize.NEGLIGIBLE, n=len(y),
    )  # fmt: skip


def _null_likelihood(y: FloatArray) -> float:
    counts = np.unique(y, return_counts=True)[1]
    return float(np.sum(counts * np.log(counts / counts.sum())))


def _nested(small: CumulativeLink, large: CumulativeLink, df: int) -> NestedTest:
    statistic = max(2 * (large.log_likelihood - small.log_likelihood), 0.0)
    return NestedTest(statistic, df, float(special.chdtrc(df, statistic)))


def _gain(small: CumulativeLink, large: CumulativeLink, null: float) -> PseudoR2:
    n = small.n

    def cox_snell(value: float) -> float:
        return 1 - math.exp(2 * (null - value) / n)

    most = 1 - math.exp(2 * null / n)
    rise = cox_snell(large.log_likelihood) - cox_snell(small.log_likelihood)
    mcfadden = (large.log_likelihood - small.log_likelihood) / -null
    return PseudoR2(mcfadden, rise / most, rise)


def _size_class(nagelkerke: float) -> DifSize:
    if nagelkerke < _MODERATE:
        return DifSize.NEGLIGIBLE
    return DifSize.MODERATE if nagelkerke < _LARGE else DifSize.LARGE


class EtsClass(StrEnum):
    """The Educational Testing Service's classes of Mantel-Haenszel DIF."""

    A = "A"
    B = "B"
    C = "C"


@dataclass(frozen=True, slots=True, kw_only=True)
class MantelHaenszelDif:
    """Mantel-Haenszel DIF of a two-category item.

    Attributes
    ----------
    item : int
    odds_ratio : float
        Reference (first group) against focal group.
    statistic, p_value : float
        Chi-squared with continuity correction, one degree of freedom.
    delta : float
        ``-2.35 ln(odds ratio)``; negative: harder for the focal group.
    delta_std_error : float
    ets : EtsClass
    size : DifSize
    flagged : bool
    n : int
    """

    item: int
    odds_ratio: float
    statistic: float
    p_value: float
    delta: float
    delta_std_error: float
    ets: EtsClass
    size: DifSize
    flagged: bool
    n: int


def mantel_haenszel_dif(
    answers: ArrayLike,
    matching: ArrayLike,
    groups: ArrayLike,
    *,
    item: int = 0,
    level: float = 0.05,
) -> MantelHaenszelDif | NotApplicable:
    r"""Compare the odds of a two-category item at each level of the matching score.

    .. math:: \hat\alpha = \frac{\sum_k A_k D_k / N_k}{\sum_k B_k C_k / N_k}

    Parameters
    ----------
    answers : (n,) array
        0 or 1 (any two numbers), NaN where unanswered.
    matching : (n,) array
        Discrete score; each value is a stratum.
    groups : (n,) array
        Two labels; the first in sorted order is the reference.
    item : int
    level : float

    Returns
    -------
    MantelHaenszelDif or NotApplicable
        `dif_small_group`, `dif_one_group`, `dif_two_groups_only`, `irt_needs_binary`,
        `dif_no_overlap` (no stratum holds both groups and both answers).

    References
    ----------
    Holland, P. W. and Thayer, D. T. (1988), in Test Validity, 129-145; Robins, Breslow and
    Greenland (1986). doi:10.2307/2531052

    Examples
    --------
    >>> import numpy as np
    >>> score, group = np.repeat([0, 1], 200), np.tile([0, 1], 200)
    >>> y = np.tile([1, 1, 0, 0], 100)
    >>> round(mantel_haenszel_dif(y, score, group).odds_ratio, 6)
    1.0
    """
    y, match = np.asarray(answers, dtype=np.float64), np.asarray(matching, dtype=np.float64)
    labels = np.asarray(groups)
    kept = ~(np.isnan(y) | np.isnan(match))
    y, match, labels = y[kept], match[kept], labels[kept]
    refusal = _refuse_tables(y, labels)
    if refusal is not None:
        return refusal
    focal, right = labels == np.unique(labels)[1], y == y.max()
    _, stratum = np.unique(match, return_inverse=True)
    # Mantel and Haenszel: rows reference and focal, columns right and wrong, one table by score.
    table = np.zeros((stratum.max() + 1, 2, 2))
    np.add.at(table, (stratum, focal.astype(int), (~right).astype(int)), 1.0)
    total = table.sum(axis=(1, 2))
    table, total = table[total > 1], total[total > 1]
    a, b, c, d = table[:, 0, 0], table[:, 0, 1], table[:, 1, 0], table[:, 1, 1]
    up, down = a * d / total, b * c / total
    spread = (a + b) * (c + d) * (a + c) * (b + d) / (total**2 * (total - 1))
    if up.sum() == 0 or down.sum() == 0 or spread.sum() == 0:
        return NotApplicable.because("dif_no_overlap")
    odds = float(up.sum() / down.sum())
    # A and Var(A) are hypergeometric given the margins; 1/2 is the correction for continuity.
    gap = abs(float((a - (a + b) * (a + c) / total).sum()))
    statistic = max(gap - 0.5, 0.0) ** 2 / float(spread.sum())
    p_value = float(special.chdtrc(1, statistic))
    # -2.35 log(odds): the scale of ETS's delta. Variance of Robins, Breslow and Greenland, which
    # holds with few large strata and with many small ones.
    error = 2.35 * math.sqrt(_log_odds_variance((a, b, c, d), total))
    delta = -2.35 * math.log(odds)
    ets = _ets_class(delta, error, p_value < level)
    size = {EtsClass.A: DifSize.NEGLIGIBLE, EtsClass.B: DifSize.MODERATE}.get(ets, DifSize.LARGE)
    return MantelHaenszelDif(
        item=item, odds_ratio=odds, statistic=statistic, p_value=p_value, delta=delta,
        delta_std_error=error, ets=ets, size=size, flagged=ets is not EtsClass.A, n=len(y),
    )  # fmt: skip


def _refuse_tables(y: FloatArray, labels: NDArray[np.generic]) -> NotApplicable | None:
    kinds, counts = np.unique(labels, return_counts=True)
    if len(kinds) < 2:
        return NotApplicable.because("dif_one_group", n=len(kinds))
    if len(kinds) > 2:
        return NotApplicable.because("dif_two_groups_only", n=len(kinds))
    if counts.min() < LEAST_PER_GROUP:
        return NotApplicable.because(
            "dif_small_group", n=int(counts.min()), advised=LEAST_PER_GROUP
        )
    values = len(np.unique(y))
    return None if values == 2 else NotApplicable.because("irt_needs_binary", n=values)


def _log_odds_variance(cells: tuple[FloatArray, ...], total: FloatArray) -> float:
    a, b, c, d = cells
    up, down = a * d / total, b * c / total
    same, crossed = (a + d) / total, (b + c) / total
    r, s = up.sum(), down.sum()
    return float(
        np.sum(same * up) / (2 * r**2)
        + np.sum(same * down + crossed * up) / (2 * r * s)
        + np.sum(crossed * down) / (2 * s**2)
    )


def _ets_class(delta: float, error: float, significant: bool) -> EtsClass:
    if not significant or abs(delta) < 1:
        return EtsClass.A
    beyond_one = (abs(delta) - 1) / error > critical_value(0.90)  # one-sided at 5 %
    return EtsClass.C if abs(delta) >= 1.5 and beyond_one else EtsClass.B


@dataclass(frozen=True, slots=True)
class DifScreen:
    """All the items of a scale, matched on what is left of it once the flagged ones are set apart.

    Attributes
    ----------
    items : tuple
        One result, or refusal, by item.
    flagged : tuple of int
    rounds : int
        Purification rounds.
    stable : bool
        The flagged set stopped changing.
    """

    items: tuple[OrdinalDif | MantelHaenszelDif | NotApplicable, ...]
    flagged: tuple[int, ...]
    rounds: int
    stable: bool


def dif_screen(
    responses: ArrayLike, groups: ArrayLike, *, level: float = 0.01, rounds: int = 5
) -> DifScreen | NotApplicable:
    """Screen every item, purifying the matching score until the flagged items stay the same.

    Two-category items are tested by Mantel-Haenszel when there are two groups, the others by
    ordinal logistic regression. The matching score is the mean of the unflagged items and of the
    item itself, over complete rows.

    Parameters
    ----------
    responses : (n, k) array
        Items already reversed.
    groups : (n,) array
    level : float
    rounds : int

    Returns
    -------
    DifScreen or NotApplicable
        `too_few_items` (k < 4), `dif_small_group`, `dif_one_group`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> trait, group = rng.normal(size=(900, 1)), np.repeat([0, 1], 450)
    >>> latent = trait + rng.normal(size=(900, 6))
    >>> latent[group == 1, 2] += 1.5
    >>> dif_screen(np.digitize(latent, [-1, 0, 1]), group).flagged
    (2,)
    """
    matrix, labels = item_matrix(responses), np.asarray(groups)
    complete = ~np.isnan(matrix).any(axis=1)
    matrix, labels = matrix[complete], labels[complete]
    k = matrix.shape[1]
    if k < 4:
        return NotApplicable.because("too_few_items", n=k, advised=4)
    kinds, counts = np.unique(labels, return_counts=True)
    if len(kinds) < 2:
        return NotApplicable.because("dif_one_group", n=len(kinds))
    if counts.min() < LEAST_PER_GROUP:
        return NotApplicable.because(
            "dif_small_group", n=int(counts.min()), advised=LEAST_PER_GROUP
        )
    binary = len(kinds) == 2 and max(len(np.unique(column)) for column in matrix.T) == 2
    test: Callable[..., OrdinalDif | MantelHaenszelDif | NotApplicable] = (
        mantel_haenszel_dif if binary else ordinal_logistic_dif
    )
    flagged: tuple[int, ...] = ()
    # A matching score that holds the biased items spreads their bias over the fair ones. The item
    # tested stays in: without it, even a fair item looks different where groups differ in level.
    for turn in range(1, rounds + 1):
        results = tuple(
            test(matrix[:, j], _matching(matrix, j, flagged), labels, item=j, level=level)
            for j in range(k)
        )
        found = tuple(
            j for j, r in enumerate(results) if not isinstance(r, NotApplicable) and r.flagged
        )
        # With fewer than two fair items left there is nothing to match on.
        if found == flagged or len(found) > k - 2:
            return DifScreen(results, found, turn, stable=found == flagged)
        flagged = found
    return DifScreen(results, flagged, rounds, stable=False)


def _matching(matrix: FloatArray, item: int, flagged: tuple[int, ...]) -> FloatArray:
    kept = [j for j in range(matrix.shape[1]) if j == item or j not in flagged]
    total: FloatArray = matrix[:, kept].sum(axis=1)
    return total
