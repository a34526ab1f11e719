"""Agreement: intraclass correlations in all forms, kappas, Kendall's W, Krippendorff's alpha."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import two_sided_p
from impact_eval.stats.scales.item_matrix import complete_rows, item_matrix

FloatArray = NDArray[np.float64]


class IccModel(StrEnum):
    """Raters drawn anew for each person, or the same raters for all."""

    ONE_WAY = "one_way"
    TWO_WAY = "two_way"


class IccType(StrEnum):
    """Do raters' levels count as disagreement (agreement), or their ranking only (consistency)."""

    AGREEMENT = "agreement"
    CONSISTENCY = "consistency"


class IccUnit(StrEnum):
    """One rating, or the mean of all of them."""

    SINGLE = "single"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntraclassCorrelation:
    """An intraclass correlation with its F test (of zero) and interval.

    Attributes
    ----------
    value, conf_low, conf_high : float
    statistic, df, df_denominator, p_value : float
    n, n_raters : int
    """

    value: float
    conf_low: float
    conf_high: float
    statistic: float
    df: float
    df_denominator: float
    p_value: float
    n: int
    n_raters: int


@dataclass(frozen=True, slots=True)
class _MeanSquares:
    rows: float
    columns: float
    error: float
    within: float
    n: int
    k: int


def _mean_squares(x: FloatArray) -> _MeanSquares:
    n, k = x.shape
    grand, rows, columns = x.mean(), x.mean(axis=1), x.mean(axis=0)
    between = k * np.sum((rows - grand) ** 2)
    raters = n * np.sum((columns - grand) ** 2)
    within = np.sum((x - rows[:, None]) ** 2)
    return _MeanSquares(
        rows=float(between / (n - 1)),
        columns=float(raters / (k - 1)),
        error=float((within - raters) / ((n - 1) * (k - 1))),
        within=float(within / (n * (k - 1))),
        n=n,
        k=k,
    )


def intraclass_correlation(
    ratings: ArrayLike,
    *,
    model: IccModel = IccModel.TWO_WAY,
    kind: IccType = IccType.AGREEMENT,
    unit: IccUnit = IccUnit.SINGLE,
    level: float = 0.95,
) -> IntraclassCorrelation | NotApplicable:
    r"""Compute an intraclass correlation of persons by raters (or by occasions).

    ICC(1), ICC(A,1), ICC(C,1) and their averages, in McGraw and Wong's notation. Test-retest
    decisions about one person call for ICC(A,1), the default.

    Parameters
    ----------
    ratings : (n, k) array
        Persons in rows, raters in columns; complete rows are used.
    model : IccModel
    kind : IccType
        Ignored by the one-way model, which knows agreement only.
    unit : IccUnit
    level : float

    Returns
    -------
    IntraclassCorrelation or NotApplicable
        `too_few_items` (k < 2 raters), `too_few_persons` (n < 2), `no_variance`.

    References
    ----------
    Shrout, P. E. and Fleiss, J. L. (1979). doi:10.1037/0033-2909.86.2.420;
    McGraw, K. O. and Wong, S. P. (1996). doi:10.1037/1082-989X.1.1.30

    Examples
    --------
    >>> x = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> round(intraclass_correlation(x).value, 2)  # Shrout and Fleiss's ICC(2,1)
    0.29
    """
    x = complete_rows(item_matrix(ratings))
    if x.shape[1] < 2:
        return NotApplicable.because("too_few_items", n=x.shape[1], advised=2)
    if len(x) < 2:
        return NotApplicable.because("too_few_persons", n=len(x), advised=2)
    squares = _mean_squares(x)
    noise = squares.within if model is IccModel.ONE_WAY else squares.error
    if not squares.rows > 0 or not noise > 0:
        return NotApplicable.because("no_variance")
    if model is IccModel.TWO_WAY and kind is IccType.AGREEMENT:
        return _agreement(squares, unit, level)
    return _consistency(squares, model, unit, level)


def _consistency(
    s: _MeanSquares, model: IccModel, unit: IccUnit, level: float
) -> IntraclassCorrelation:
    one_way = model is IccModel.ONE_WAY
    noise = s.within if one_way else s.error
    df1 = float(s.n - 1)
    df2 = float(s.n * (s.k - 1) if one_way else (s.n - 1) * (s.k - 1))
    f, upper = s.rows / noise, (1 + level) / 2
    low = f / float(special.fdtri(df1, df2, upper))
    high = f * float(special.fdtri(df2, df1, upper))

    def icc(ratio: float) -> float:
        return (ratio - 1) / (ratio + s.k - 1) if unit is IccUnit.SINGLE else 1 - 1 / ratio

    return IntraclassCorrelation(
        value=icc(f), conf_low=icc(low), conf_high=icc(high), statistic=f, df=df1,
        df_denominator=df2, p_value=float(special.fdtrc(df1, df2, f)), n=s.n, n_raters=s.k,
    )  # fmt: skip


def _agreement(s: _MeanSquares, unit: IccUnit, level: float) -> IntraclassCorrelation:
    single = (s.rows - s.error) / (s.rows + (s.k - 1) * s.error + s.k / s.n * (s.columns - s.error))
    average = (s.rows - s.error) / (s.rows + (s.columns - s.error) / s.n)
    # Satterthwaite df of the interval depend on the single-rating estimate; those of the test
    # are taken at zero, where the ratio has its null value.
    df2 = _satterthwaite(s, single)
    upper = (1 + level) / 2
    f_low = float(special.fdtri(s.n - 1, df2, upper))
    f_high = float(special.fdtri(df2, s.n - 1, upper))
    spread = s.k * s.columns + (s.k * s.n - s.k - s.n) * s.error
    low = s.n * (s.rows - f_low * s.error) / (f_low * spread + s.n * s.rows)
    high = s.n * (f_high * s.rows - s.error) / (spread + s.n * f_high * s.rows)
    value = single
    if unit is IccUnit.AVERAGE:
        value = average
        low, high = (s.k * b / (1 + (s.k - 1) * b) for b in (low, high))
    f = s.rows / s.error
    return IntraclassCorrelation(
        value=value, conf_low=low, conf_high=high, statistic=f, df=float(s.n - 1),
        df_denominator=float((s.n - 1) * (s.k - 1)),
        p_value=float(special.fdtrc(s.n - 1, (s.n - 1) * (s.k - 1), f)), n=s.n, n_raters=s.k,
    )  # fmt: skip


def _satterthwaite(s: _MeanSquares, icc: float) -> float:
    a = s.k * icc / (s.n * (1 - icc))
    b = 1 + s.k * icc * (s.n - 1) / (s.n * (1 - icc))
    top = (a * s.columns + b * s.error) ** 2
    return float(
        top / ((a * s.columns) ** 2 / (s.k - 1) + (b * s.error) ** 2 / ((s.n - 1) * (s.k - 1)))
    )


class KappaWeights(StrEnum):
    """What a disagreement costs: the same whatever it is, its distance, or its square."""

    UNWEIGHTED = "unweighted"
    LINEAR = "linear"
    SQUARED = "squared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """A chance-corrected agreement.

    Attributes
    ----------
    value : float
    agreement, chance : float
        Observed and expected (weighted) agreement, in [0, 1].
    statistic, p_value : float
        Test of zero.
    n : int
    """

    value: float
    agreement: float
    chance: float
    statistic: float
    p_value: float
    n: int


def cohen_kappa(
    first: ArrayLike, second: ArrayLike, *, weights: KappaWeights = KappaWeights.UNWEIGHTED
) -> Kappa | NotApplicable:
    """Compute Cohen's kappa of two raters.

    Parameters
    ----------
    first, second : (n,) arrays
        Categories, sortable; in order for the weighted forms.
    weights : KappaWeights

    Returns
    -------
    Kappa or NotApplicable
        `too_few_persons` (n < 2), `no_variance` (chance agreement is perfect).

    References
    ----------
    Cohen, J. (1968). doi:10.1037/h0026256; Fleiss, Cohen and Everitt (1969). doi:10.1037/h0028106

    Examples
    --------
    >>> round(cohen_kappa([1, 1, 2, 2], [1, 1, 2, 1]).value, 3)
    0.5
    """
    a, b = np.asarray(first), np.asarray(second)
    if len(a) < 2:
        return NotApplicable.because("too_few_persons", n=len(a), advised=2)
    labels, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    c, n = len(labels), len(a)
    table = np.zeros((c, c))
    np.add.at(table, (codes[:n], codes[n:]), 1 / n)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    credit = _credit(c, weights)
    observed, chance = float(np.sum(credit * table)), float(rows @ credit @ columns)
    if chance >= 1:
        return NotApplicable.because("no_variance")
    value = (observed - chance) / (1 - chance)
    pull = (credit @ columns)[:, None] + (rows @ credit)[None, :]
    variance = (np.sum(np.outer(rows, columns) * (credit - pull) ** 2) - chance**2) / (
        n * (1 - chance) ** 2
    )
    z = value / math.sqrt(variance) if variance > 0 else math.nan
    return Kappa(
        value=value, agreement=observed, chance=chance, statistic=z, p_value=two_sided_p(z), n=n
    )


def _credit(c: int, weights: KappaWeights) -> FloatArray:
    if weights is KappaWeights.UNWEIGHTED:
        return np.eye(c)
    distance = np.abs(np.subtract.outer(np.arange(c), np.arange(c))) / max(c - 1, 1)
    power = 1 if weights is KappaWeights.LINEAR else 2
    out: FloatArray = 1 - distance**power
    return out


def fleiss_kappa(ratings: ArrayLike) -> Kappa | NotApplicable:
    """Compute Fleiss's kappa of any number of raters (a different set for each person, maybe).

    Parameters
    ----------
    ratings : (n, k) array
        Categories, numbers or labels, no missing.

    Returns
    -------
    Kappa or NotApplicable
        `too_few_persons`, `too_few_items`, `no_variance`.

    References
    ----------
    Fleiss, J. L. (1971). doi:10.1037/h0031619

    Examples
    --------
    >>> round(fleiss_kappa([["a", "a"], ["b", "b"], ["a", "b"], ["b", "b"]]).value, 4)
    0.4667
    """
    x = np.asarray(ratings)
    n, k = x.shape
    if k < 2:
        return NotApplicable.because("too_few_items", n=k, advised=2)
    if n < 2:
        return NotApplicable.because("too_few_persons", n=n, advised=2)
    labels, codes = np.unique(x.ravel(), return_inverse=True)
    counts = np.zeros((n, len(labels)))
    np.add.at(counts, (np.repeat(np.arange(n), k), codes), 1)
    share = counts.sum(axis=0) / (n * k)
    observed = float(np.sum(counts * (counts - 1)) / (n * k * (k - 1)))
    chance = float(share @ share)
    if chance >= 1:
        return NotApplicable.because("no_variance")
    rest = share * (1 - share)
    total = float(rest.sum())
    variance = 2 / (total**2 * n * k * (k - 1)) * (total**2 - float(rest @ (1 - 2 * share)))
    value = (observed - chance) / (1 - chance)
    z = value / math.sqrt(variance) if variance > 0 else math.nan
    return Kappa(
        value=value, agreement=observed, chance=chance, statistic=z, p_value=two_sided_p(z), n=n
    )


def kendall_w(ratings: ArrayLike) -> float | NotApplicable:
    """Return Kendall's coefficient of concordance between raters, corrected for ties.

    Parameters
    ----------
    ratings : (n, k) array
        Objects in rows, raters in columns; complete rows are used.

    Returns
    -------
    float in [0, 1] or NotApplicable
        `too_few_persons`, `too_few_items`, `no_variance`.

    Examples
    --------
    >>> kendall_w([[1, 1], [2, 2], [3, 3]])
    1.0
    """
    x = complete_rows(item_matrix(ratings))
    n, k = x.shape
    if k < 2:
        return NotApplicable.because("too_few_items", n=k, advised=2)
    if n < 2:
        return NotApplicable.because("too_few_persons", n=n, advised=2)
    sums = mean_ranks(x).sum(axis=1)
    ties = sum(float(np.sum(t**3 - t)) for t in (_tie_sizes(x[:, j]) for j in range(k)))
    most = k**2 * (n**3 - n) - k * ties
    if most <= 0:
        return NotApplicable.because("no_variance")
    return float(12 * np.sum((sums - sums.mean()) ** 2) / most)


def _tie_sizes(column: FloatArray) -> FloatArray:
    return np.unique(column, return_counts=True)[1].astype(np.float64)


def mean_ranks(x: FloatArray) -> FloatArray:
    """Return the ranks of each column, ties sharing their mean."""
    out = np.empty_like(x)
    for j in range(x.shape[1]):
        _, inverse, count = np.unique(x[:, j], return_inverse=True, return_counts=True)
        last = np.cumsum(count)
        out[:, j] = (last - (count - 1) / 2)[inverse]
    return out


class Metric(StrEnum):
    """How far two values are apart, for Krippendorff's alpha."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


def krippendorff_alpha(
    ratings: ArrayLike, *, metric: Metric = Metric.ORDINAL
) -> float | NotApplicable:
    """Return Krippendorff's alpha: any number of raters, missing ratings allowed.

    Parameters
    ----------
    ratings : (n, k) array
        Units in rows, raters in columns, NaN where not rated.
    metric : Metric

    Returns
    -------
    float or NotApplicable
        `too_few_persons` (no unit rated twice), `no_variance`.

    References
    ----------
    Krippendorff, K. (2004). Content Analysis, 2nd ed.

    Examples
    --------
    >>> krippendorff_alpha([[1, 1], [2, 2], [3, 3]])
    1.0
    """
    x = item_matrix(ratings)
    pairable = (~np.isnan(x)).sum(axis=1) >= 2
    if not pairable.any():
        return NotApplicable.because("too_few_persons", n=0, advised=1)
    x = x[pairable]
    seen = ~np.isnan(x)
    values, codes = np.unique(x[seen], return_inverse=True)
    counts = np.zeros((len(x), len(values)))
    np.add.at(counts, (np.nonzero(seen)[0], codes), 1)
    per_unit = counts.sum(axis=1)
    weighted = counts / (per_unit - 1)[:, None]
    coincidence = counts.T @ weighted - np.diag(weighted.sum(axis=0))
    margin = coincidence.sum(axis=0)
    distance = _distance(values, margin, metric)
    expected = float(margin @ distance @ margin)
    if expected == 0:
        return NotApplicable.because("no_variance")
    return 1 - float((margin.sum() - 1) * np.sum(coincidence * distance) / expected)


def _distance(values: FloatArray, margin: FloatArray, metric: Metric) -> FloatArray:
    if metric is Metric.NOMINAL:
        return 1 - np.eye(len(values))
    # ordinal: as far apart as the ratings that lie between, half of each end included
    place = values if metric is Metric.INTERVAL else np.cumsum(margin) - margin / 2
    out: FloatArray = np.subtract.outer(place, place) ** 2
    return out
