r"""Classical reliability: alpha and its intervals, error of measurement, floor and ceiling.

All functions take answers already reversed (see `impact_eval.survey.scoring`); a negative item-rest
correlation is how an item that was not reversed shows itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.alpha_interval import alpha_interval
from impact_eval.stats.scales.item_matrix import (
    MissingRule,
    complete_rows,
    correlation_of,
    covariance_of,
    item_matrix,
)

FloatArray = NDArray[np.float64]
_CHUNK = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Alpha:
    """Cronbach's alpha with the interval to report, Feldt's and the asymptotic one.

    Attributes
    ----------
    value : float
        Raw alpha.
    standardized : float
        Alpha of the standardised items (NaN when an item is constant, or when they cancel out).
    conf_low, conf_high : float
        The interval to report, at `level`: at each end the wider of Feldt's and of
        `alpha_interval`, which holds on floored answers.
    feldt_low, feldt_high : float
        Feldt's interval (normal scores).
    std_error : float
        Asymptotic standard error (normal theory); NaN when items are the same to a factor.
    wald_low, wald_high : float
        ``value -+ z std_error``.
    mean_inter_item, median_inter_item : float
        Mean and median correlation between two items.
    signal_noise : float
        ``k r / (1 - r)`` with r the mean inter-item correlation.
    n, n_items : int
        Persons used and items.
    """

    value: float
    standardized: float
    conf_low: float
    conf_high: float
    feldt_low: float
    feldt_high: float
    std_error: float
    wald_low: float
    wald_high: float
    mean_inter_item: float
    median_inter_item: float
    signal_noise: float
    n: int
    n_items: int
    level: float


def _alpha(covariance: FloatArray) -> float:
    k = len(covariance)
    return float(k / (k - 1) * (1 - np.trace(covariance) / covariance.sum()))


def alpha_std_error(covariance: FloatArray, n: int) -> float:
    r"""Return the asymptotic standard error of alpha under normal items.

    .. math:: Q = \frac{2 k^2}{(k-1)^2 (1'V1)^3}
       \{(1'V1)(tr V^2 + tr^2 V) - 2\, tr V (1'V^2 1)\}, \quad se = \sqrt{Q / n}

    Parameters
    ----------
    covariance : (k, k) array
    n : int
        Persons.

    Returns
    -------
    float
        NaN where the formula leaves no margin: items that are all the same answer, to a factor.

    References
    ----------
    Duhachek, A. and Iacobucci, D. (2004). doi:10.1037/0021-9010.89.5.792
    """
    k = len(covariance)
    total, trace = covariance.sum(), np.trace(covariance)
    squared = covariance @ covariance
    inner = total * (np.trace(squared) + trace**2) - 2 * trace * squared.sum()
    if not inner > 1e-12 * total * trace**2:  # one dimension: what it computes is rounding
        return float("nan")
    return float(np.sqrt(2 * k**2 / ((k - 1) ** 2 * total**3) * inner / n))


def feldt_interval(
    alpha: float, *, n: int, n_items: int, level: float = 0.95
) -> tuple[float, float]:
    r"""Return Feldt's exact interval of alpha: :math:`1 - (1-\hat\alpha) F_p(n-1, (n-1)(k-1))`.

    Parameters
    ----------
    alpha : float
        Estimated alpha.
    n, n_items : int
        Persons (at least 2) and items (at least 2).
    level : float
        Coverage in (0, 1).

    References
    ----------
    Feldt, L. S. (1965). doi:10.1007/BF02289499

    Examples
    --------
    >>> low, high = feldt_interval(0.8, n=50, n_items=10)
    >>> round(low, 3), round(high, 3)
    (0.706, 0.873)
    """
    tail = (1 - level) / 2
    df1, df2 = float(n - 1), float((n - 1) * (n_items - 1))
    low = 1 - (1 - alpha) * float(special.fdtri(df1, df2, 1 - tail))
    high = 1 - (1 - alpha) * float(special.fdtri(df1, df2, tail))
    return low, high


def cronbach_alpha(
    responses: ArrayLike, *, level: float = 0.95, missing: MissingRule = MissingRule.LISTWISE
) -> Alpha | NotApplicable:
    r"""Compute Cronbach's alpha :math:`\frac{k}{k-1}(1 - tr V / 1'V1)` with its intervals.

    Parameters
    ----------
    responses : (n, k) array
        Answers in the keyed direction, NaN where unanswered.
    level : float
        Coverage of the intervals, in (0, 1).
    missing : MissingRule
        Complete rows (default) or pairwise covariances; the interval to report takes the answers'
        own fourth moments from the complete rows.

    Returns
    -------
    Alpha or NotApplicable
        `too_few_items` (k < 2), `too_few_persons` (n < 3), `no_variance` (a constant total).

    Assumptions
    -----------
    Items measure one thing with equal loadings; errors are uncorrelated. Otherwise alpha is a lower
    bound, and omega is the better coefficient. Feldt's interval supposes normal scores and
    compound symmetry; the interval to report does not.

    References
    ----------
    Cronbach, L. J. (1951). doi:10.1007/BF02310555; Feldt, L. S. (1965). doi:10.1007/BF02289499

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1, 2, 1], [2, 2, 3], [3, 4, 3], [4, 4, 5], [5, 4, 5]])
    >>> round(cronbach_alpha(x).value, 4)
    0.9364
    """
    matrix = item_matrix(responses)
    k = matrix.shape[1]
    if k < 2:
        return NotApplicable.because("too_few_items", n=k, advised=2)
    covariance, n = covariance_of(matrix, missing=missing)
    if n < 3:
        return NotApplicable.because("too_few_persons", n=n, advised=3)
    if not covariance.sum() > 1e-12 * np.trace(covariance) or np.isnan(covariance).any():
        return NotApplicable.because("no_variance")
    value = _alpha(covariance)
    feldt = feldt_interval(value, n=n, n_items=k, level=level)
    own = alpha_interval(matrix, level=level)
    ends = feldt if isinstance(own, NotApplicable) else own
    error = alpha_std_error(covariance, n)
    half = float(special.ndtri(0.5 + level / 2)) * error
    between = correlation_of(covariance)[np.tril_indices(k, -1)]
    mean_r = float(between.mean())
    with np.errstate(divide="ignore"):
        signal = float(np.float64(k * mean_r) / (1 - mean_r))
    # items that cancel out leave a standardised total without variance: nothing to divide by
    whole = 1 + (k - 1) * mean_r
    standardized = k * mean_r / whole if whole > 1e-12 else float("nan")
    return Alpha(
        value=value, standardized=standardized, conf_low=min(feldt[0], ends[0]),
        conf_high=max(feldt[1], ends[1]), feldt_low=feldt[0], feldt_high=feldt[1],
        std_error=error, wald_low=value - half, wald_high=value + half, mean_inter_item=mean_r,
        median_inter_item=float(np.median(between)),
        signal_noise=signal, n=n, n_items=k, level=level,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaBootstrap:
    """Bootstrap of alpha over persons.

    Attributes
    ----------
    value : float
    conf_low, conf_high : float
        Bias-corrected and accelerated interval.
    percentile_low, percentile_high : float
    std_error : float
        Standard deviation of the draws.
    draws : int
    """

    value: float
    conf_low: float
    conf_high: float
    percentile_low: float
    percentile_high: float
    std_error: float
    draws: int
    level: float


def _alpha_features(kept: FloatArray) -> FloatArray:
    # Alpha needs only three sums per draw beside the item means: centring makes the last ones tiny.
    centred = kept - kept.mean(axis=0)
    total = centred.sum(axis=1)
    squares = np.einsum("ij,ij->i", centred, centred)
    return np.column_stack([squares, total * total, centred])


def _alpha_from_means(means: FloatArray, k: int) -> FloatArray:
    items = means[:, 2:]
    trace = means[:, 0] - np.einsum("ij,ij->i", items, items)
    total = means[:, 1] - items.sum(axis=1) ** 2
    varies = total > 1e-12 * np.abs(means[:, 0])  # else rounding alone is left of the total
    out: FloatArray = np.full(len(means), np.nan)
    out[varies] = k / (k - 1) * (1 - trace[varies] / total[varies])
    return out


def _resampled_means(features: FloatArray, draws: int, rng: np.random.Generator) -> FloatArray:
    n = len(features)
    means = np.empty((draws, features.shape[1]))
    block = max(1, min(draws, _CHUNK // n))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        picked = rng.integers(0, n, size=(size, n), dtype=np.int32)
        counts = np.empty((size, n))
        for row in range(size):
            counts[row] = np.bincount(picked[row], minlength=n)
        means[start : start + size] = counts @ features / n
    return means


def alpha_bootstrap(
    responses: ArrayLike, *, rng: np.random.Generator, draws: int = 1_000, level: float = 0.95
) -> AlphaBootstrap | NotApplicable:
    """Bootstrap alpha over persons: percentile and BCa intervals.

    Each draw needs only weighted means of k + 2 columns, so a draw costs one matrix product.

    Parameters
    ----------
    responses : (n, k) array
        Complete rows are used.
    rng : numpy.random.Generator
    draws : int
    level : float

    Returns
    -------
    AlphaBootstrap or NotApplicable
        `too_few_items`, `too_few_persons` (n < 5), `no_variance`.

    References
    ----------
    Efron, B. (1987). doi:10.1080/01621459.1987.10478410

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(60, 1)) + rng.normal(size=(60, 4))
    >>> b = alpha_bootstrap(x, rng=rng, draws=200)
    >>> b.conf_low < b.value < b.conf_high
    True
    """
    kept = complete_rows(item_matrix(responses))
    n, k = kept.shape
    if k < 2:
        return NotApplicable.because("too_few_items", n=k, advised=2)
    if n < 5:
        return NotApplicable.because("too_few_persons", n=n, advised=5)
    features = _alpha_features(kept)
    mean = features.mean(axis=0, keepdims=True)
    if not mean[0, 1] > 1e-12 * mean[0, 0]:
        return NotApplicable.because("no_variance")
    value = float(_alpha_from_means(mean, k)[0])
    sample = _alpha_from_means(_resampled_means(features, draws, rng), k)
    sample = np.sort(sample[np.isfinite(sample)])
    if not sample.size:
        return NotApplicable.because("no_variance")
    left_out = _alpha_from_means((mean * n - features) / (n - 1), k)
    # without the one person whose total differs there is no alpha: it says nothing of the skew
    low, high = _bca_bounds(sample, value, left_out[np.isfinite(left_out)], level)
    tail = (1 - level) / 2
    return AlphaBootstrap(
        value=value, conf_low=low, conf_high=high,
        percentile_low=float(np.quantile(sample, tail)),
        percentile_high=float(np.quantile(sample, 1 - tail)),
        std_error=float(sample.std(ddof=1)), draws=draws, level=level,
    )  # fmt: skip


def _bca_bounds(
    sample: FloatArray, value: float, left_out: FloatArray, level: float
) -> tuple[float, float]:
    share = (np.sum(sample < value) + 0.5 * np.sum(sample == value)) / len(sample)
    share = min(max(share, 0.5 / len(sample)), 1 - 0.5 / len(sample))
    bias = special.ndtri(share)
    gaps = left_out.mean() - left_out if left_out.size else np.zeros(1)
    spread = np.sum(gaps**2) ** 1.5
    acceleration = np.sum(gaps**3) / (6 * spread) if spread > 0 else 0.0
    ends = special.ndtri(np.array([(1 - level) / 2, (1 + level) / 2])) + bias
    probability = special.ndtr(bias + ends / (1 - acceleration * ends))
    low, high = np.quantile(sample, probability)
    return float(low), float(high)


def standard_error_of_measurement(std_dev: float, reliability: float) -> float:
    r"""Return the standard error of measurement :math:`SD \sqrt{1 - r}`, in score points.

    Examples
    --------
    >>> round(standard_error_of_measurement(5, 0.85), 4)
    1.9365
    """
    return std_dev * math.sqrt(max(0.0, 1 - reliability))


def minimal_detectable_change(std_error_measurement: float, *, level: float = 0.95) -> float:
    r"""Return the smallest change of one person beyond error: :math:`z \sqrt 2\, SEM`.

    Examples
    --------
    >>> round(minimal_detectable_change(1.9364916731), 4)
    5.3676
    """
    return float(special.ndtri(0.5 + level / 2)) * math.sqrt(2) * std_error_measurement


@dataclass(frozen=True, slots=True)
class FloorCeiling:
    """Shares (in [0, 1]) of scores at the two ends of the possible range, and the count."""

    floor: float
    ceiling: float
    n: int


def floor_ceiling(scores: ArrayLike, *, low: float, high: float) -> FloorCeiling | NotApplicable:
    """Compute the shares at the lowest and the highest possible score.

    Parameters
    ----------
    scores : (n,) array
        NaN ignored.
    low, high : float
        The *possible* range, never the observed one.

    Returns
    -------
    FloorCeiling or NotApplicable
        `too_few_persons` without any score.

    References
    ----------
    Terwee, C. B. et al. (2007). doi:10.1016/j.jclinepi.2006.03.012 (15 % at an end is too many)

    Examples
    --------
    >>> floor_ceiling([10, 10, 25, 40], low=10, high=40)
    FloorCeiling(floor=0.5, ceiling=0.25, n=4)
    """
    values = np.asarray(scores, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return NotApplicable.because("too_few_persons", n=0, advised=1)
    at_floor, at_ceiling = np.mean(values <= low), np.mean(values >= high)
    return FloorCeiling(float(at_floor), float(at_ceiling), len(values))
