"""Change of one person and of one group: beyond error, worth having, or a drift of selection."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.effect_size import complete_pairs
from impact_eval.stats.scales.measurement_error import MeasurementError
from impact_eval.stats.scales.paired_tests import PairedT, paired_t
from impact_eval.stats.scales.reliability import (
    minimal_detectable_change,
    standard_error_of_measurement,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliableChange:
    """Who changed beyond the error of the measure.

    Attributes
    ----------
    index : (n,) array
        Change over the standard error of a difference, NaN without both measures.
    std_error_measurement, std_error_difference : float
        In points.
    smallest : float
        Smallest reliable change in points, which is the minimal detectable change.
    n_improved, n_unchanged, n_deteriorated, n : int
    """

    index: FloatArray
    std_error_measurement: float
    std_error_difference: float
    smallest: float
    n_improved: int
    n_unchanged: int
    n_deteriorated: int
    n: int


def reliable_change(
    before: ArrayLike,
    after: ArrayLike,
    *,
    reliability: float,
    sd_before: float | None = None,
    higher_is_better: bool = True,
    level: float = 0.95,
) -> ReliableChange | NotApplicable:
    r"""Compute the reliable change index: :math:`(x_2 - x_1) / (SD_1 \sqrt{2 (1 - r)})`.

    Parameters
    ----------
    before, after : (n,) array
    reliability : float
        Test-retest, or alpha at entry, in (0, 1); never estimated from these same few pairs.
    sd_before : float, optional
        SD of a reference population; that of `before` by default.
    higher_is_better : bool
        Which way is an improvement.
    level : float

    Returns
    -------
    ReliableChange or NotApplicable
        `too_few_pairs`, `no_variance`, `reliability_out_of_range`.

    References
    ----------
    Jacobson, N. S. and Truax, P. (1991). doi:10.1037/0022-006X.59.1.12

    Examples
    --------
    >>> r = reliable_change([20, 22, 30], [30, 23, 29], reliability=0.85, sd_before=5)
    >>> r.n_improved, r.n_unchanged, r.n_deteriorated, round(r.smallest, 2)
    (1, 2, 0, 5.37)
    """
    x, y = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    seen = ~(np.isnan(x) | np.isnan(y))
    if not 0 < reliability < 1:
        return NotApplicable.because("reliability_out_of_range", reliability=reliability)
    if sd_before is None:
        if seen.sum() < 3:
            return NotApplicable.because("too_few_pairs", n=int(seen.sum()), advised=3)
        sd_before = float(x[seen].std(ddof=1))
    if sd_before <= 0:
        return NotApplicable.because("no_variance")
    sem = standard_error_of_measurement(sd_before, reliability)
    smallest = minimal_detectable_change(sem, level=level)
    return _counted(y - x, sem, smallest, higher_is_better=higher_is_better)


def beyond_error(
    before: ArrayLike, after: ArrayLike, error: MeasurementError, *, higher_is_better: bool = True
) -> ReliableChange:
    """Count who changed by more than the smallest change beyond the error of the measure.

    Parameters
    ----------
    before, after : (n,) array
        NaN where a measure is missing.
    error : MeasurementError
        Of this sample, or of one published study.
    higher_is_better : bool

    Returns
    -------
    ReliableChange

    References
    ----------
    Jacobson, N. S. and Truax, P. (1991). doi:10.1037/0022-006X.59.1.12

    Examples
    --------
    >>> from impact_eval.stats.scales.measurement_error import ErrorSource, known_error
    >>> error = known_error(1.94, source=ErrorSource.PUBLISHED)
    >>> r = beyond_error([20, 22, 30], [30, 23, 24], error)
    >>> r.n_improved, r.n_unchanged, r.n_deteriorated, round(r.smallest, 2)
    (1, 1, 1, 5.38)
    """
    change = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    return _counted(change, error.std_error, error.smallest, higher_is_better=higher_is_better)


def _counted(
    change: FloatArray, sem: float, smallest: float, *, higher_is_better: bool
) -> ReliableChange:
    error = math.sqrt(2) * sem
    towards = change if higher_is_better else -change
    with np.errstate(invalid="ignore"):
        up, down = int((towards > smallest).sum()), int((towards < -smallest).sum())
    n = int((~np.isnan(change)).sum())
    return ReliableChange(
        index=change / error, std_error_measurement=sem, std_error_difference=error,
        smallest=smallest, n_improved=up, n_unchanged=n - up - down, n_deteriorated=down, n=n,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrueScores:
    """Entry scores pulled to the mean (Edwards and Nunnally), half width of interval, counts."""

    values: FloatArray
    half_width: float
    n_improved: int
    n_deteriorated: int


def edwards_nunnally(
    before: ArrayLike, after: ArrayLike, *, reliability: float, level: float = 0.95
) -> TrueScores | NotApplicable:
    r"""Judge change from the estimated true entry score: :math:`r (x_1 - M_1) + M_1 \pm z\,SEM`.

    References
    ----------
    Speer, D. C. (1992). doi:10.1037/0022-006X.60.3.402
    """
    x, y = complete_pairs(before, after)
    if len(x) < 3:
        return NotApplicable.because("too_few_pairs", n=len(x), advised=3)
    true = reliability * (x - x.mean()) + x.mean()
    sem = standard_error_of_measurement(float(x.std(ddof=1)), reliability)
    half = float(special.ndtri(0.5 + level / 2)) * sem
    up, down = int((y > true + half).sum()), int((y < true - half).sum())
    return TrueScores(true, half, up, down)


@dataclass(frozen=True, slots=True)
class CutOffs:
    """Jacobson and Truax's three cut-offs: two SD from the troubled, from the usual, halfway."""

    a: float
    b: float
    c: float


def clinical_cutoffs(
    *, troubled: tuple[float, float], usual: tuple[float, float], higher_is_better: bool = True
) -> CutOffs:
    r"""Return the scores that separate two populations: :math:`c = (S_0 M_1 + S_1 M_0)/(S_0+S_1)`.

    Parameters
    ----------
    troubled, usual : (mean, sd)
        Of the population in difficulty and of the general population.
    higher_is_better : bool

    References
    ----------
    Jacobson, N. S. and Truax, P. (1991). doi:10.1037/0022-006X.59.1.12

    Examples
    --------
    >>> round(clinical_cutoffs(troubled=(24, 5), usual=(32, 4.2)).c, 4)
    28.3478
    """
    sign = 1 if higher_is_better else -1
    (m_0, s_0), (m_1, s_1) = troubled, usual
    return CutOffs(
        a=m_0 + sign * 2 * s_0,
        b=m_1 - sign * 2 * s_1,
        c=(s_0 * m_1 + s_1 * m_0) / (s_0 + s_1),
    )


class Outcome(StrEnum):
    """What became of a person."""

    RECOVERED = "recovered"  # reliably better, and over the cut-off
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    DETERIORATED = "deteriorated"


def classify(
    before: ArrayLike,
    after: ArrayLike,
    change: ReliableChange,
    *,
    cutoff: float,
    higher_is_better: bool = True,
) -> dict[Outcome, int]:
    """Count who recovered, improved, stayed and got worse.

    Parameters
    ----------
    before, after : (n,) array
    change : ReliableChange
    cutoff : float
        Score that separates the usual population from people in difficulty.
    higher_is_better : bool
    """
    sign = 1.0 if higher_is_better else -1.0
    x, y = np.asarray(before, dtype=np.float64) * sign, np.asarray(after, dtype=np.float64) * sign
    with np.errstate(invalid="ignore"):
        up = y - x > change.smallest
        crossed = up & (x < sign * cutoff) & (y >= sign * cutoff)
    return {
        Outcome.RECOVERED: int(crossed.sum()),
        Outcome.IMPROVED: int((up & ~crossed).sum()),
        Outcome.UNCHANGED: change.n_unchanged,
        Outcome.DETERIORATED: change.n_deteriorated,
    }


class Verdict(StrEnum):
    """What an interval says of a smallest change worth having."""

    WORTH = "worth_having"  # all the interval is beyond it
    TOO_SMALL = "too_small"  # equivalence: the interval is within both bounds
    HARM = "harm"  # all the interval is beyond it, the wrong way
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Two one-sided tests that a mean change is smaller than what matters.

    Attributes
    ----------
    p_value : float
        The larger of the two one-sided p.
    conf_low, conf_high : float
        Interval at ``1 - 2 alpha``: within the bounds when the test rejects.
    bound : float
    verdict : Verdict
    """

    p_value: float
    conf_low: float
    conf_high: float
    bound: float
    verdict: Verdict


def equivalence(
    mean: float, std_error: float, *, df: float, bound: float, alpha: float = 0.05
) -> Equivalence:
    """Test that a change is smaller than the smallest worth having (TOST).

    Parameters
    ----------
    mean, std_error, df : float
        A mean change, in the direction where higher is better.
    bound : float
        Smallest change worth having, in points, positive.
    alpha : float

    References
    ----------
    Schuirmann, D. J. (1987). doi:10.1007/BF01068419; Lakens, D. (2017).
    doi:10.1177/1948550617697177

    Examples
    --------
    >>> equivalence(0.1, 0.4, df=30, bound=2).verdict.value
    'too_small'
    """
    above = float(special.stdtr(df, -(mean + bound) / std_error))
    below = float(special.stdtr(df, (mean - bound) / std_error))
    p = max(above, below)
    half = float(special.stdtrit(df, 1 - alpha)) * std_error
    low, high = mean - half, mean + half
    if low >= bound:
        verdict = Verdict.WORTH
    elif high <= -bound:
        verdict = Verdict.HARM
    elif p < alpha:
        verdict = Verdict.TOO_SMALL
    else:
        verdict = Verdict.UNSURE
    return Equivalence(p_value=p, conf_low=low, conf_high=high, bound=bound, verdict=verdict)


def regression_to_the_mean(
    mean_entry: float, *, population_mean: float, reliability: float
) -> float:
    r"""Return the drift to expect when entry was on an extreme score: :math:`(1 - r)(\mu - x)`.

    Parameters
    ----------
    mean_entry : float
        Mean score of those who entered.
    population_mean : float
        Mean of the population they were chosen from.
    reliability : float
        Correlation between two measures without any action.

    References
    ----------
    Barnett, A. G., van der Pols, J. C. and Dobson, A. J. (2005). doi:10.1093/ije/dyh299

    Examples
    --------
    >>> round(regression_to_the_mean(20, population_mean=30, reliability=0.8), 6)
    2.0
    """
    return (1 - reliability) * (population_mean - mean_entry)


@dataclass(frozen=True, slots=True)
class ResponseShift:
    """A retrospective pretest beside the two waves.

    Attributes
    ----------
    conventional : PairedT
        After minus before: the primary result.
    then_test : PairedT
        After minus what people now say they were: secondary.
    shift : PairedT
        What people now say minus what they said: recalibration.
    """

    conventional: PairedT
    then_test: PairedT
    shift: PairedT


def response_shift(
    before: ArrayLike, after: ArrayLike, retrospective: ArrayLike, *, level: float = 0.95
) -> ResponseShift | NotApplicable:
    """Set a retrospective pretest beside the two waves, on the people who have all three.

    References
    ----------
    Howard, G. S. (1980). doi:10.1177/0193841X8000400105
    """
    x, y, then = (np.asarray(v, dtype=np.float64) for v in (before, after, retrospective))
    seen = ~(np.isnan(x) | np.isnan(y) | np.isnan(then))
    tests = [
        paired_t(first[seen], second[seen], level=level)
        for first, second in ((x, y), (then, y), (x, then))
    ]
    for test in tests:
        if isinstance(test, NotApplicable):
            return test
    conventional, then_test, shift = (t for t in tests if isinstance(t, PairedT))
    return ResponseShift(conventional, then_test, shift)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWave:
    """A difference of two groups, adjusted or not: estimate in points, t, df, p, interval."""

    estimate: float
    std_error: float
    statistic: float
    df: float
    p_value: float
    conf_low: float
    conf_high: float
    n_treated: int
    n_comparison: int


def _two_wave(
    estimate: float, error: float, df: float, level: float, n: tuple[int, int]
) -> TwoWave:
    t = estimate / error
    half = float(special.stdtrit(df, 0.5 + level / 2)) * error
    return TwoWave(
        estimate=estimate, std_error=error, statistic=t, df=df,
        p_value=float(2 * special.stdtr(df, -abs(t))), conf_low=estimate - half,
        conf_high=estimate + half, n_treated=n[0], n_comparison=n[1],
    )  # fmt: skip


def _groups(
    before: ArrayLike, after: ArrayLike, treated: ArrayLike
) -> tuple[FloatArray, FloatArray, BoolArray]:
    x, y = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    seen = ~(np.isnan(x) | np.isnan(y))
    return x[seen], y[seen], np.asarray(treated, dtype=bool)[seen]


def ancova(
    before: ArrayLike, after: ArrayLike, treated: ArrayLike, *, level: float = 0.95
) -> TwoWave | NotApplicable:
    """Compare two groups after, at equal scores before: the choice when the draw was random.

    Without a draw the groups may differ for reasons the entry score does not hold (Lord's paradox):
    then compare changes.

    Returns
    -------
    TwoWave or NotApplicable
        `too_few_pairs` (fewer than 3 in a group), `no_variance`.

    References
    ----------
    Van Breukelen, G. J. P. (2006). doi:10.1016/j.jclinepi.2006.02.007
    """
    x, y, g = _groups(before, after, treated)
    n = int(g.sum()), int((~g).sum())
    if min(n) < 3:
        return NotApplicable.because("too_few_pairs", n=min(n), advised=3)
    design = np.column_stack([np.ones(len(x)), g.astype(np.float64), x - x.mean()])
    gram = design.T @ design
    if np.linalg.matrix_rank(gram) < 3:
        return NotApplicable.because("no_variance")
    inverse = np.linalg.inv(gram)
    beta = inverse @ (design.T @ y)
    df = len(x) - 3
    residual = y - design @ beta
    error = math.sqrt(float(residual @ residual) / df * float(inverse[1, 1]))
    if error == 0:
        return NotApplicable.because("no_variance")
    return _two_wave(float(beta[1]), error, df, level, n)


def change_contrast(
    before: ArrayLike,
    after: ArrayLike,
    treated: ArrayLike,
    *,
    equal_variances: bool = False,
    level: float = 0.95,
) -> TwoWave | NotApplicable:
    """Compare the changes of two groups, by Welch or with one pooled variance.

    Returns
    -------
    TwoWave or NotApplicable
        `too_few_pairs` (fewer than 3 in a group), `no_variance`.

    References
    ----------
    Welch, B. L. (1947). doi:10.1093/biomet/34.1-2.28
    """
    x, y, g = _groups(before, after, treated)
    d_t, d_c = (y - x)[g], (y - x)[~g]
    n = len(d_t), len(d_c)
    if min(n) < 3:
        return NotApplicable.because("too_few_pairs", n=min(n), advised=3)
    v_t, v_c = float(d_t.var(ddof=1)), float(d_c.var(ddof=1))
    if equal_variances:
        df = float(n[0] + n[1] - 2)
        pooled = ((n[0] - 1) * v_t + (n[1] - 1) * v_c) / df
        variance = pooled * (1 / n[0] + 1 / n[1])
    else:
        a, b = v_t / n[0], v_c / n[1]
        variance = a + b
        spread = a**2 / (n[0] - 1) + b**2 / (n[1] - 1)
        df = variance**2 / spread if spread else float("nan")
    if variance == 0:
        return NotApplicable.because("no_variance")
    return _two_wave(float(d_t.mean() - d_c.mean()), math.sqrt(variance), df, level, n)
