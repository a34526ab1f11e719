"""Is there anything to factor, and how many factors: KMO, Bartlett, MAP, parallel analysis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.factor_extraction import extract_factors

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SamplingAdequacy:
    """Kaiser-Meyer-Olkin measure: overall and by item, in [0, 1]."""

    overall: float
    items: FloatArray


def sampling_adequacy(correlation: FloatArray) -> SamplingAdequacy | NotApplicable:
    r"""Compute KMO: :math:`\sum r_{ij}^2 / (\sum r_{ij}^2 + \sum u_{ij}^2)`, u anti-image.

    Parameters
    ----------
    correlation : (p, p) array

    Returns
    -------
    SamplingAdequacy or NotApplicable
        `matrix_not_positive`.

    References
    ----------
    Kaiser, H. F. (1974). doi:10.1007/BF02291575

    Examples
    --------
    >>> import numpy as np
    >>> round(sampling_adequacy(0.5 + 0.5 * np.eye(4)).overall, 4)
    0.8
    """
    if np.isnan(correlation).any() or np.linalg.cond(correlation) > 1e12:
        return NotApplicable.because("matrix_not_positive")
    inverse = np.linalg.inv(correlation)
    scale = np.sqrt(np.diag(inverse))
    partial = inverse / np.outer(scale, scale)
    np.fill_diagonal(partial, 0.0)
    off = correlation - np.diag(np.diag(correlation))
    shared, alone = np.sum(off**2, axis=0), np.sum(partial**2, axis=0)
    return SamplingAdequacy(
        float(shared.sum() / (shared.sum() + alone.sum())), shared / (shared + alone)
    )


@dataclass(frozen=True, slots=True)
class SphericityTest:
    """Bartlett's test that all correlations are zero."""

    chi_square: float
    df: int
    p_value: float


def sphericity_test(correlation: FloatArray, *, n: int) -> SphericityTest | NotApplicable:
    r"""Test :math:`-(n - 1 - (2p + 5)/6) \log|R|` against chi-squared with p(p-1)/2 df.

    Examples
    --------
    >>> import numpy as np
    >>> sphericity_test(np.eye(3), n=50).p_value
    1.0
    """
    p = len(correlation)
    sign, log_det = np.linalg.slogdet(correlation)
    if not sign > 0:
        return NotApplicable.because("matrix_not_positive")
    statistic = abs(float(-(n - 1 - (2 * p + 5) / 6) * log_det))
    df = p * (p - 1) // 2
    return SphericityTest(statistic, df, float(special.chdtrc(df, statistic)))


def minimum_average_partial(correlation: FloatArray, *, most: int | None = None) -> FloatArray:
    """Return Velicer's mean squared partial correlation after 1, 2, ... components.

    The number of components is one more than the index of the smallest value.

    Parameters
    ----------
    correlation : (p, p) array
    most : int, optional
        Components tried; p - 1 by default.

    References
    ----------
    Velicer, W. F. (1976). doi:10.1007/BF02293557

    Examples
    --------
    >>> import numpy as np
    >>> int(minimum_average_partial(0.5 + 0.5 * np.eye(6)).argmin()) + 1
    1
    """
    p = len(correlation)
    values, vectors = np.linalg.eigh(correlation)
    order = np.argsort(values)[::-1]
    loadings = vectors[:, order] * np.sqrt(np.maximum(values[order], 0))
    out = []
    for m in range(1, (p - 1 if most is None else min(most, p - 1)) + 1):
        rest = correlation - loadings[:, :m] @ loadings[:, :m].T
        scale = np.sqrt(np.maximum(np.diag(rest), 1e-12))
        partial = rest / np.outer(scale, scale)
        out.append((np.sum(partial**2) - np.sum(np.diag(partial) ** 2)) / (p * (p - 1)))
    return np.array(out)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelAnalysis:
    """Eigenvalues of the data against those of random data of the same size.

    Attributes
    ----------
    components, factors : (p,) arrays
        Eigenvalues of the correlation matrix, and of the one reduced to the communalities of one
        factor.
    random_components, random_factors : (p,) arrays
        Mean over the random data.
    random_components_high, random_factors_high : (p,) arrays
        95th percentile over the random data.
    n_components, n_factors : int
        Leading eigenvalues above the 95th percentile.
    n_components_mean, n_factors_mean : int
        Leading eigenvalues above the mean.
    """

    components: FloatArray
    factors: FloatArray
    random_components: FloatArray
    random_factors: FloatArray
    random_components_high: FloatArray
    random_factors_high: FloatArray
    n_components: int
    n_factors: int
    n_components_mean: int
    n_factors_mean: int

    @property
    def n_dimensions(self) -> int:
        """The smaller of both counts: on floored answers factors alone see one too many."""
        return min(self.n_factors, self.n_components)


def parallel_analysis(
    correlation: FloatArray,
    *,
    n: int,
    rng: np.random.Generator,
    draws: int = 100,
    percentile: float = 95.0,
) -> ParallelAnalysis | NotApplicable:
    """Run Horn's parallel analysis on components and on factors.

    Parameters
    ----------
    correlation : (p, p) array
    n : int
        Persons.
    rng : numpy.random.Generator
    draws : int
        Random normal data sets (drawn as Wishart matrices).
    percentile : float

    Returns
    -------
    ParallelAnalysis or NotApplicable
        `too_few_persons` (n <= p + 1), `matrix_not_positive`.

    References
    ----------
    Horn, J. L. (1965). doi:10.1007/BF02289447

    Examples
    --------
    >>> import numpy as np
    >>> r = 0.5 + 0.5 * np.eye(6)
    >>> parallel_analysis(r, n=200, rng=np.random.default_rng(0), draws=20).n_factors
    1
    """
    p = len(correlation)
    if n <= p + 1:
        return NotApplicable.because("too_few_persons", n=n, advised=p + 2)
    if np.isnan(correlation).any():
        return NotApplicable.because("matrix_not_positive")
    components, factors = _both_eigenvalues(correlation)
    random = np.array([_both_eigenvalues(_random_correlation(p, n, rng)) for _ in range(draws)])
    mean, high = random.mean(axis=0), np.percentile(random, percentile, axis=0)
    return ParallelAnalysis(
        components=components, factors=factors, random_components=mean[0],
        random_factors=mean[1], random_components_high=high[0], random_factors_high=high[1],
        n_components=_leading(components > high[0]), n_factors=_leading(factors > high[1]),
        n_components_mean=_leading(components > mean[0]),
        n_factors_mean=_leading(factors > mean[1]),
    )  # fmt: skip


def _leading(above: NDArray[np.bool_]) -> int:
    return int(np.argmin(above)) if not above.all() else len(above)


def _both_eigenvalues(correlation: FloatArray) -> tuple[FloatArray, FloatArray]:
    components = np.linalg.eigvalsh(correlation)[::-1].astype(np.float64)
    reduced = correlation.copy()
    fit = extract_factors(correlation, 1, tolerance=1e-6)
    if isinstance(fit, NotApplicable):
        return components, np.full(len(components), np.nan)
    np.fill_diagonal(reduced, 1 - fit.uniquenesses)
    factors = np.linalg.eigvalsh(reduced)[::-1].astype(np.float64)
    return components, factors


def _random_correlation(p: int, n: int, rng: np.random.Generator) -> FloatArray:
    # Bartlett's decomposition of a Wishart matrix: p^2 numbers drawn in place of n p.
    lower = np.tril(rng.standard_normal((p, p)), -1)
    lower[np.diag_indices(p)] = np.sqrt(rng.chisquare(n - 1 - np.arange(p)))
    scale = np.sqrt(np.sum(lower**2, axis=1))
    lower = lower / scale[:, None]
    out: FloatArray = lower @ lower.T
    np.fill_diagonal(out, 1.0)
    return out
