r"""Pairs cluster bootstrap of a regression, and multiplier bootstrap of influence values.

* Pairs cluster: clusters are drawn with replacement; with :math:`m_g` how many times cluster g
  comes, :math:`\hat b^* = (\sum_g m_gG_g)^{-1}\sum_g m_gZ_g'y_g` from k-by-k moments.
* Multiplier: :math:`\hat\theta^*-\hat\theta = \sum_i v_i\psi_i` with random weights v. With
  Gaussian weights this is exactly :math:`N(0, \sum\psi\psi')`, drawn from the covariance in
  milliseconds at any number of units; other laws weigh the influence rows, in blocks.

The simultaneous critical value is the `level` quantile of :math:`\max_j |t^*_j|`.

References
----------
Field, C. and Welsh, A. (2007). doi:10.1111/j.1467-9868.2007.00593.x
Callaway, B. and Sant'Anna, P. (2021). doi:10.1016/j.jeconom.2020.12.001
Montiel Olea, J. L. and Plagborg-Møller, M. (2019). doi:10.1002/jae.2656
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core import Finding, FindingCollector
from impact_eval.core.inference import critical_value
from impact_eval.stats.inference.cluster_moments import clustered_rows, grams
from impact_eval.stats.inference.covariances.covariance_kind import sum_by_cluster
from impact_eval.stats.inference.random_weights import RandomWeights, draw_weights
from impact_eval.stats.inference.regression import LinearFit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BLOCK = 1 << 21  # random weights held at once
_SINGULAR = 1e-10


@dataclass(frozen=True, slots=True)
class PairsBootstrap:
    """Coefficients of the samples drawn.

    Attributes
    ----------
    coefficients : (b, k) array
        One row per draw in which every coefficient could be computed.
    n_draws : int
        Draws asked for; more than b when some samples were singular.
    findings : tuple of Finding
        `bootstrap_singular_draws` when draws were left out.
    """

    coefficients: FloatArray
    n_draws: int
    findings: tuple[Finding, ...] = ()

    @property
    def covariance(self) -> FloatArray:
        """(k, k) covariance of the draws."""
        return np.atleast_2d(np.cov(self.coefficients, rowvar=False))

    def percentile_interval(self, level: float = 0.95) -> FloatArray:
        """Return the (2, k) equal-tailed percentile interval."""
        tail = (1 - level) / 2
        return np.asarray(np.quantile(self.coefficients, [tail, 1 - tail], axis=0))


def cluster_counts(
    rng: np.random.Generator, draws: int, strata: IntArray | int
) -> NDArray[np.float64]:
    """Draw clusters with replacement: how many times each is in each sample.

    Parameters
    ----------
    rng : numpy.random.Generator
    draws : int
    strata : int or (G,) array of int
        Number of clusters, or the stratum of each: draws are made within strata (treated and
        comparison clusters apart, so that neither side is ever empty).

    Returns
    -------
    (draws, G) array

    Examples
    --------
    >>> import numpy as np
    >>> cluster_counts(np.random.default_rng(1), 3, 5).sum(axis=1).tolist()
    [5.0, 5.0, 5.0]
    """
    codes = np.zeros(strata, dtype=np.int64) if isinstance(strata, int) else np.asarray(strata)
    counts = np.zeros((draws, len(codes)))
    for stratum in np.unique(codes):
        members = np.flatnonzero(codes == stratum)
        equal = np.full(len(members), 1 / len(members))
        counts[:, members] = rng.multinomial(len(members), equal, size=draws)
    return counts


def pairs_cluster_bootstrap(
    fit: LinearFit,
    clusters: IntArray,
    *,
    rng: np.random.Generator,
    draws: int = 999,
    strata: IntArray | None = None,
) -> PairsBootstrap:
    """Redo a least-squares fit on clusters drawn with replacement.

    Parameters
    ----------
    fit : LinearFit
    clusters : (n,) array of int
    rng : numpy.random.Generator
    draws : int
    strata : (G,) array of int, optional
        Stratum of each cluster, in the order of the sorted codes.

    Returns
    -------
    PairsBootstrap
    """
    rows = clustered_rows(fit, np.asarray(clusters))
    gram = grams(rows.z, rows.starts)
    scores = np.add.reduceat(rows.z * rows.error[:, None], rows.starts[:-1])
    size, k = scores.shape
    counts = cluster_counts(rng, draws, size if strata is None else strata)
    total = (counts @ gram.reshape(size, k * k)).reshape(draws, k, k)
    values, vectors = np.linalg.eigh(total)
    regular = values[:, 0] > _SINGULAR
    values, vectors = values[regular], vectors[regular]
    right = np.einsum("bac,ba->bc", vectors, (counts @ scores)[regular])
    step = np.einsum("bac,bc->ba", vectors, right / values)
    lost = int((~regular).sum())
    found = (Finding.warning("bootstrap_singular_draws", n=lost, total=draws),) if lost else ()
    inverse = np.linalg.solve(fit.root, np.eye(k))
    return PairsBootstrap(fit.coefficients + step @ inverse.T, draws, found)


@dataclass(frozen=True, slots=True)
class MaxT:
    """Law of the largest absolute t statistic of a family.

    Attributes
    ----------
    critical_value : float
        Simultaneous; never below the pointwise one.
    level : float
    maxima : (b,) array
        Draws of the largest ``|t|``.
    """

    critical_value: float
    level: float
    maxima: FloatArray

    def adjusted_p(self, statistics: FloatArray) -> FloatArray:
        """Return single-step p-values: ``(1 + #{max |t*| >= |t_j|}) / (1 + b)``."""
        ordered = np.sort(self.maxima)
        above = len(ordered) - np.searchsorted(ordered, np.abs(statistics) * (1 - 1e-12))
        return np.asarray((1 + above) / (1 + len(ordered)))


def max_t_from_covariance(
    covariance: FloatArray, *, rng: np.random.Generator, level: float = 0.95, draws: int = 9_999
) -> MaxT:
    """Draw the largest ``|t|`` of a Gaussian-multiplier bootstrap from the joint covariance.

    Parameters
    ----------
    covariance : (k, k) array
        Rows without variance (zero or NaN) are left out.
    rng : numpy.random.Generator
    level : float
    draws : int

    Examples
    --------
    >>> import numpy as np
    >>> law = max_t_from_covariance(np.eye(3), rng=np.random.default_rng(1), draws=99_999)
    >>> round(law.critical_value, 1)  # the normal quantile at 0.95 ** (1/3) is 2.388
    2.4
    """
    _refuse_level(level)
    t = gaussian_t(covariance, rng=rng, draws=draws)
    return _law(np.abs(t).max(axis=1, initial=0.0), level)


def gaussian_t(covariance: FloatArray, *, rng: np.random.Generator, draws: int) -> FloatArray:
    """Draw (draws, live rows) normal t statistics with the correlation of a covariance."""
    live = np.diag(covariance) > 0
    scale = np.sqrt(np.diag(covariance)[live])
    correlation = covariance[np.ix_(live, live)] / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    return np.asarray(rng.standard_normal((draws, int(live.sum()))) @ root.T)


def max_t_from_influence(
    influence: FloatArray,
    *,
    rng: np.random.Generator,
    law: RandomWeights = RandomWeights.MAMMEN,
    clusters: IntArray | None = None,
    level: float = 0.95,
    draws: int = 9_999,
) -> MaxT:
    """Draw the largest ``|t|`` by weighting influence rows (or their sums by cluster).

    Parameters
    ----------
    influence : (m, k) array
    rng : numpy.random.Generator
    law : RandomWeights
        Gaussian goes through the covariance, whatever m.
    clusters : (m,) array of int, optional
    level : float
    draws : int
    """
    _refuse_level(level)
    rows = influence if clusters is None else sum_by_cluster(influence, clusters)
    if law is RandomWeights.GAUSSIAN:
        return max_t_from_covariance(rows.T @ rows, rng=rng, level=level, draws=draws)
    t = multiplier_t(rows, rng=rng, law=law, draws=draws)
    return _law(np.abs(t).max(axis=1, initial=0.0), level)


def multiplier_t(
    influence: FloatArray, *, rng: np.random.Generator, law: RandomWeights, draws: int
) -> FloatArray:
    """Draw (draws, live columns) t statistics by weighting influence rows, in blocks."""
    scale = np.sqrt(np.square(influence).sum(axis=0))
    psi = influence[:, scale > 0] / scale[scale > 0]
    out = np.empty((draws, psi.shape[1]))
    step = max(1, _BLOCK // max(1, len(psi)))
    for start in range(0, draws, step):
        stop = min(start + step, draws)
        out[start:stop] = draw_weights(law, rng, (stop - start, len(psi))) @ psi
    return out


def _law(maxima: FloatArray, level: float) -> MaxT:
    value = max(critical_value(level), float(np.quantile(maxima, level)))
    return MaxT(value, level, maxima)


def _refuse_level(level: float) -> None:
    faults = FindingCollector()
    if not 0 < level < 1:
        faults.add(Finding.error("option_out_of_range", option="level", value=level, low=0, high=1))
    faults.raise_if_errors()
