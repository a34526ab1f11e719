r"""Design-based estimation: weights, strata, clusters, finite populations, calibrated weights.

Every estimate is a sum of linearised values :math:`w_i u_i`; its variance is that of cluster totals
within strata. Domains keep the whole design: a domain's size is itself random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError
from impact_eval.core.inference import critical_value
from impact_eval.stats.surveys.calibration import Calibration

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyDesign:
    """How the persons were drawn.

    Attributes
    ----------
    weights : (n,) array
    strata : (n,) int array
        Codes 0..H-1.
    clusters : (n,) int array
        Codes 0..m-1 of the first-stage units; each lies in one stratum.
    population : (n,) array or None
        First-stage units of the stratum in the population (finite population correction).
    calibration : Calibration or None
        When the weights were calibrated: variances then use residuals on the margins.
    """

    weights: FloatArray
    strata: IntArray
    clusters: IntArray
    population: FloatArray | None = None
    calibration: Calibration | None = None

    @property
    def n(self) -> int:
        """Persons."""
        return len(self.weights)

    @property
    def df(self) -> int:
        """Degrees of freedom: first-stage units less strata."""
        return int(self.clusters.max() + 1 - (self.strata.max() + 1))


def survey_design(
    *,
    n: int,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    population: ArrayLike | None = None,
    calibration: Calibration | None = None,
) -> SurveyDesign:
    """Check the parts of a design and code them.

    Parameters
    ----------
    n : int
        Persons.
    weights : (n,) array, optional
        Inverse probabilities; those of `calibration` when it is given, else ones.
    strata, clusters : (n,) arrays, optional
        Any labels; one stratum and one cluster per person by default.
    population : (n,) array, optional
        First-stage units of the person's stratum in the population.
    calibration : Calibration, optional

    Returns
    -------
    SurveyDesign

    Raises
    ------
    ImpactEvalError
        `design_weights_not_positive`, `cluster_in_two_strata`, `lonely_cluster` (a stratum with one
        first-stage unit that is not a census of it), `population_too_small`; all at once.

    Examples
    --------
    >>> survey_design(n=6, strata=["a"] * 3 + ["b"] * 3).df
    4
    """
    w = calibration.weights if calibration is not None else np.ones(n)
    w = w if weights is None else np.asarray(weights, dtype=np.float64)
    stratum = _label_codes(np.zeros(n) if strata is None else strata)
    cluster = _label_codes(np.arange(n) if clusters is None else clusters)
    size = None if population is None else np.asarray(population, dtype=np.float64)
    faults = FindingCollector()
    if not np.all(w > 0) and calibration is None:
        faults.add(Finding.error("design_weights_not_positive", n=int(np.sum(~(w > 0)))))
    pairs = np.unique(np.column_stack([cluster, stratum]), axis=0)
    if len(pairs) > cluster.max() + 1:
        faults.add(Finding.error("cluster_in_two_strata", n=int(len(pairs) - (cluster.max() + 1))))
    faults.raise_if_errors()
    _refuse_lonely(pairs, stratum, size)
    return SurveyDesign(
        weights=w, strata=stratum, clusters=cluster, population=size, calibration=calibration
    )


def _label_codes(labels: ArrayLike) -> IntArray:
    _, codes = np.unique(np.asarray(labels), return_inverse=True)
    return codes.astype(np.int64)


def _refuse_lonely(pairs: IntArray, stratum: IntArray, size: FloatArray | None) -> None:
    count = np.bincount(pairs[:, 1])
    population = np.full(len(count), np.inf)
    if size is not None:
        population[stratum] = size
    lonely = (count == 1) & (population > 1)
    faults = FindingCollector()
    if lonely.any():
        faults.add(Finding.error("lonely_cluster", n=int(lonely.sum())))
    if (population < count).any():
        faults.add(Finding.error("population_too_small", n=int((population < count).sum())))
    faults.raise_if_errors()


def linearised_covariance(influence: FloatArray, design: SurveyDesign) -> FloatArray:
    r"""Return the covariance of totals of linearised values.

    .. math:: V = \sum_h (1 - f_h)\frac{n_h}{n_h - 1}\sum_{c\in h} (z_c - \bar z_h)(z_c-\bar z_h)',
       \quad z_c = \sum_{i \in c} w_i u_i

    Parameters
    ----------
    influence : (n, k) array
        Unweighted linearised values u (zero outside a domain).
    design : SurveyDesign

    Returns
    -------
    (k, k) array
    """
    values = influence
    if design.calibration is not None:
        values = _calibrated_residuals(influence, design.calibration)
    weighted = values * design.weights[:, None]
    totals = np.zeros((int(design.clusters.max()) + 1, weighted.shape[1]))
    np.add.at(totals, design.clusters, weighted)
    home = np.zeros(len(totals), dtype=np.int64)
    home[design.clusters] = design.strata
    count = np.bincount(home).astype(np.float64)
    mean = np.zeros((len(count), weighted.shape[1]))
    np.add.at(mean, home, totals)
    centred = totals - (mean / count[:, None])[home]
    rate = np.zeros(len(count))
    if design.population is not None:
        rate[design.strata] = count[design.strata] / design.population
    factor = (1 - rate) * count / np.maximum(count - 1, 1)
    covariance: FloatArray = (centred * factor[home][:, None]).T @ centred
    return covariance


def _calibrated_residuals(influence: FloatArray, calibration: Calibration) -> FloatArray:
    root = np.sqrt(calibration.initial)[:, None]
    solution = np.linalg.lstsq(calibration.margins * root, influence * root, rcond=1e-10)[0]
    residual: FloatArray = influence - calibration.margins @ solution
    return residual


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyEstimate:
    """Estimates of a design with their covariance; intervals are Student's on the design's df.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : (k,) arrays
    covariance : (k, k) array
    df : int
    level : float
    """

    estimate: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    covariance: FloatArray
    df: int
    level: float


def estimate_from(
    value: FloatArray, influence: FloatArray, design: SurveyDesign, *, level: float, used: int = 0
) -> SurveyEstimate:
    """Put estimates and linearised values together; `used` degrees of freedom are taken off."""
    covariance = linearised_covariance(influence, design)
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    df = design.df - used
    half = critical_value(level, df) * error
    return SurveyEstimate(
        estimate=value, std_error=error, conf_low=value - half, conf_high=value + half,
        covariance=covariance, df=df, level=level,
    )  # fmt: skip


def _columns(y: ArrayLike, n: int) -> FloatArray:
    values = np.asarray(y, dtype=np.float64).reshape(n, -1)
    missing = int(np.isnan(values).any(axis=1).sum())
    if missing:
        raise ImpactEvalError(Finding.error("survey_missing_values", n=missing))
    return values


def _inside(domain: ArrayLike | None, n: int) -> FloatArray:
    return np.ones(n) if domain is None else np.asarray(domain, dtype=np.float64)


def survey_total(
    y: ArrayLike, design: SurveyDesign, *, domain: ArrayLike | None = None, level: float = 0.95
) -> SurveyEstimate:
    r"""Estimate totals :math:`\sum w_i y_i`.

    Parameters
    ----------
    y : (n,) or (n, k) array
        No missing value; leave non-respondents out through `domain`.
    design : SurveyDesign
    domain : (n,) bool array, optional
    level : float

    Returns
    -------
    SurveyEstimate

    Examples
    --------
    >>> survey_total([1.0, 2.0, 3.0], survey_design(n=3, weights=[2, 2, 2])).estimate.tolist()
    [12.0]
    """
    values = _columns(y, design.n) * _inside(domain, design.n)[:, None]
    return estimate_from(design.weights @ values, values, design, level=level)


def survey_ratio(
    y: ArrayLike,
    x: ArrayLike,
    design: SurveyDesign,
    *,
    domain: ArrayLike | None = None,
    level: float = 0.95,
) -> SurveyEstimate:
    r"""Estimate ratios of totals :math:`\sum w y / \sum w x`, linearised as :math:`(y - Rx)/X`.

    Parameters
    ----------
    y : (n,) or (n, k) array
    x : (n,) array
    design : SurveyDesign
    domain : (n,) bool array, optional
    level : float

    Returns
    -------
    SurveyEstimate

    Raises
    ------
    ImpactEvalError
        `domain_empty` when the denominator is zero.

    Examples
    --------
    >>> survey_ratio([2.0, 4.0], [1.0, 2.0], survey_design(n=2)).estimate.tolist()
    [2.0]
    """
    inside = _inside(domain, design.n)
    numerator = _columns(y, design.n) * inside[:, None]
    denominator = _columns(x, design.n)[:, 0] * inside
    total = float(design.weights @ denominator)
    if total == 0:
        raise ImpactEvalError(Finding.error("domain_empty"))
    ratio = design.weights @ numerator / total
    influence = (numerator - denominator[:, None] * ratio) / total
    return estimate_from(ratio, influence, design, level=level)


def survey_mean(
    y: ArrayLike, design: SurveyDesign, *, domain: ArrayLike | None = None, level: float = 0.95
) -> SurveyEstimate:
    """Estimate means, or shares of 0/1 columns, in the population or a domain of it.

    Parameters
    ----------
    y : (n,) or (n, k) array
    design : SurveyDesign
    domain : (n,) bool array, optional
    level : float

    Returns
    -------
    SurveyEstimate

    Raises
    ------
    ImpactEvalError
        `domain_empty`, `survey_missing_values`.

    Examples
    --------
    >>> import numpy as np
    >>> m = survey_mean([1.0, 2.0, 3.0, 4.0], survey_design(n=4))
    >>> round(float(m.std_error[0]), 6) == round(float(np.std([1, 2, 3, 4], ddof=1) / 2), 6)
    True
    """
    return survey_ratio(y, np.ones(design.n), design, domain=domain, level=level)


def mean_design_effect(y: ArrayLike, design: SurveyDesign) -> float:
    """Return the variance of a mean over that of a simple random sample of the same size.

    Examples
    --------
    >>> round(mean_design_effect([1.0, 2.0, 3.0, 4.0], survey_design(n=4)), 6)
    1.0
    """
    values = _columns(y, design.n)[:, 0]
    fit = survey_mean(values, design)
    total, n = float(design.weights.sum()), design.n
    spread = float(design.weights @ (values - fit.estimate[0]) ** 2) / total * n / (n - 1)
    finite = 1 - n / total if design.population is not None else 1.0
    return float(fit.covariance[0, 0] / (spread / n * finite))


def survey_quantile(y: ArrayLike, design: SurveyDesign, probabilities: ArrayLike) -> FloatArray:
    """Return weighted quantiles: the least value whose weighted share reaches each probability.

    Examples
    --------
    >>> survey_quantile([3.0, 1.0, 2.0], survey_design(n=3), [0.5]).tolist()
    [2.0]
    """
    values = _columns(y, design.n)[:, 0]
    order = np.argsort(values, kind="stable")
    share = np.cumsum(design.weights[order]) / design.weights.sum()
    wanted = np.asarray(probabilities, dtype=np.float64)
    place = np.searchsorted(share, wanted * (1 - 1e-12), side="left")
    return values[order][np.minimum(place, design.n - 1)]


def survey_regression(
    y: ArrayLike, x: ArrayLike, design: SurveyDesign, *, level: float = 0.95
) -> SurveyEstimate:
    r"""Fit a weighted linear regression with design-based covariance.

    Parameters
    ----------
    y : (n,) array
    x : (n, p) array
        Constant included, full rank.
    design : SurveyDesign
    level : float

    Returns
    -------
    SurveyEstimate
        On ``df - (p - 1)`` degrees of freedom.

    References
    ----------
    Binder, D. A. (1983). doi:10.2307/1402588

    Examples
    --------
    >>> import numpy as np
    >>> x = np.column_stack([np.ones(4), [0, 1, 2, 3]])
    >>> survey_regression([1, 3, 5, 7], x, survey_design(n=4)).estimate.round(6).tolist()
    [1.0, 2.0]
    """
    outcome, matrix = _columns(y, design.n)[:, 0], _columns(x, design.n)
    weighted = matrix * design.weights[:, None]
    bread = np.linalg.inv(weighted.T @ matrix)
    beta = bread @ (weighted.T @ outcome)
    influence = (matrix * (outcome - matrix @ beta)[:, None]) @ bread
    return estimate_from(beta, influence, design, level=level, used=matrix.shape[1] - 1)


def jackknife_by_cluster(
    statistic: Callable[[FloatArray], FloatArray], design: SurveyDesign
) -> FloatArray:
    r"""Return the delete-one-cluster jackknife covariance of any statistic of the weights.

    Parameters
    ----------
    statistic : callable
        Takes (n,) weights, returns (k,) values.
    design : SurveyDesign

    Returns
    -------
    (k, k) array

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 2.0, 4.0])
    >>> v = jackknife_by_cluster(lambda w: np.array([w @ y / w.sum()]), survey_design(n=3))
    >>> round(float(v[0, 0]), 6) == round(float(y.var(ddof=1) / 3), 6)
    True
    """
    home = np.zeros(int(design.clusters.max()) + 1, dtype=np.int64)
    home[design.clusters] = design.strata
    count = np.bincount(home)
    out = 0.0
    for stratum in range(len(count)):
        size = count[stratum]
        members = design.strata == stratum
        rows = []
        for cluster in np.flatnonzero(home == stratum):
            weights = np.where(members, design.weights * size / (size - 1), design.weights)
            rows.append(statistic(np.where(design.clusters == cluster, 0.0, weights)))
        centred = np.array(rows) - np.mean(rows, axis=0)
        finite = 1.0
        if design.population is not None:
            finite = 1 - size / float(design.population[members][0])
        out = out + finite * (size - 1) / size * centred.T @ centred
    return np.asarray(out, dtype=np.float64)
