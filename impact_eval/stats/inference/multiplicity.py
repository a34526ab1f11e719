r"""Several questions asked at once: corrections of p-values.

With :math:`p_{(1)}\le\dots\le p_{(m)}`:

* family-wise: Bonferroni :math:`mp`; Holm :math:`\max_{i\le j}(m-i+1)p_{(i)}`; Hochberg and Hommel,
  sharper when outcomes are independent or move together; Romano-Wolf and
  Westfall-Young step down through draws of the joint law, hence gain when outcomes move together;
* share of false discoveries: Benjamini-Hochberg :math:`\min_{i\ge j}(m/i)p_{(i)}`;
  Benjamini-Yekutieli, the same times :math:`\sum 1/i`, under any dependence;
* sharpened q (Benjamini, Krieger and Yekutieli 2006 in two stages; Anderson 2008): the smallest q
  at which the two-stage rule rejects. Stage 1: Benjamini-Hochberg at q/(1+q) rejects r; stage 2: at
  :math:`\frac{q}{1+q}\frac{m}{m-r}`.

References
----------
Holm, S. (1979). https://www.jstor.org/stable/4615733
Hochberg, Y. (1988). doi:10.1093/biomet/75.4.800
Hommel, G. (1988). doi:10.1093/biomet/75.2.383
Benjamini, Y. and Hochberg, Y. (1995). doi:10.1111/j.2517-6161.1995.tb02031.x
Benjamini, Y. and Yekutieli, D. (2001). doi:10.1214/aos/1013699998
Benjamini, Y., Krieger, A. and Yekutieli, D. (2006). doi:10.1093/biomet/93.3.491
Anderson, M. (2008). doi:10.1198/016214508000000841
Romano, J. and Wolf, M. (2005, 2016). doi:10.1016/j.spl.2016.02.012
Westfall, P. and Young, S. (1993), Resampling-Based Multiple Testing.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core import Finding, FindingCollector

FloatArray = NDArray[np.float64]


class Correction(StrEnum):
    """Corrections that need the p-values alone."""

    BONFERRONI = "bonferroni"
    HOLM = "holm"
    HOCHBERG = "hochberg"
    HOMMEL = "hommel"
    BH = "bh"
    BY = "by"
    SHARPENED_Q = "sharpened_q"


def adjust(p_values: ArrayLike, correction: Correction = Correction.HOLM) -> FloatArray:
    """Return the p-values (or q-values) corrected for their number.

    Parameters
    ----------
    p_values : (m,) array
        In [0, 1]; all must be there.
    correction : Correction

    Returns
    -------
    (m,) array, in the order given.

    Raises
    ------
    ImpactEvalError
        `p_value_out_of_range`.

    Examples
    --------
    >>> adjust([0.01, 0.04, 0.03], Correction.HOLM).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    _refuse_p_values(p)
    match Correction(correction):
        case Correction.BONFERRONI:
            return np.asarray(np.minimum(1, p * len(p)))
        case Correction.HOLM:
            return _holm(p)
        case Correction.HOCHBERG:
            return _hochberg(p)
        case Correction.HOMMEL:
            return _hommel(p)
        case Correction.BH:
            return _step_up(p, 1.0)
        case Correction.BY:
            return _step_up(p, float(np.sum(1 / np.arange(1, len(p) + 1))))
        case Correction.SHARPENED_Q:
            return sharpened_q(p)


def _refuse_p_values(p: FloatArray) -> None:
    faults = FindingCollector()
    bad = ~((p >= 0) & (p <= 1))
    if bad.any():
        faults.add(Finding.error("p_value_out_of_range", n=int(bad.sum())))
    faults.raise_if_errors()


def _holm(p: FloatArray) -> FloatArray:
    order = np.argsort(p, kind="stable")
    out = np.empty_like(p)
    steps = p[order] * np.arange(len(p), 0, -1)
    out[order] = np.minimum(1, np.maximum.accumulate(steps)) if len(p) else steps
    return out


def _hochberg(p: FloatArray) -> FloatArray:
    order = np.argsort(p, kind="stable")
    out = np.empty_like(p)
    steps = p[order] * np.arange(len(p), 0, -1)
    out[order] = np.minimum(1, np.minimum.accumulate(steps[::-1])[::-1])
    return out


def _hommel(p: FloatArray) -> FloatArray:
    """Close Simes tests: p_j is the largest, over sets holding j, of min_i (s/i) p_(i)."""
    m = len(p)
    order = np.argsort(p, kind="stable")
    ranked = p[order]
    adjusted = ranked.copy()
    for s in range(m, 1, -1):
        # of the sets of s hypotheses, the worst keeps the s-1 largest p-values beside its smallest
        tail = np.min(s * ranked[m - s + 1 :] / np.arange(2, s + 1))
        adjusted[: m - s + 1] = np.maximum(
            adjusted[: m - s + 1], np.minimum(s * ranked[: m - s + 1], tail)
        )
        adjusted[m - s + 1 :] = np.maximum(adjusted[m - s + 1 :], tail)
    out = np.empty_like(p)
    out[order] = np.minimum(1, adjusted)
    return out


def _step_up(p: FloatArray, factor: float) -> FloatArray:
    order = np.argsort(p, kind="stable")
    out = np.empty_like(p)
    steps = p[order] * factor * len(p) / np.arange(1, len(p) + 1)
    out[order] = np.minimum(1, np.minimum.accumulate(steps[::-1])[::-1])
    return out


def sharpened_q(p_values: ArrayLike) -> FloatArray:
    r"""Return the exact sharpened q-values (no grid).

    The two-stage rule rejects the i smallest at q when :math:`p_{(i)} \le \frac{i}{m-r(q)}
    \frac{q}{1+q}`, with r(q) the first-stage rejections, non-decreasing in q. For each value of r
    the smallest q that gives at least r first-stage rejections, and then the smallest q of stage
    two, follow in closed form. A q above one is written as one.

    Parameters
    ----------
    p_values : (m,) array

    Returns
    -------
    (m,) array

    Notes
    -----
    Anderson's program searches a grid of 0.001 downwards and prints the grid point last rejected:
    the exact value rounded up to the next 0.001.

    Examples
    --------
    >>> sharpened_q([0.001, 0.008, 0.5]).round(6).tolist()
    [0.003009, 0.008065, 0.2]
    """
    p = np.asarray(p_values, dtype=np.float64)
    m = len(p)
    order = np.argsort(p, kind="stable")
    ratio = p[order] * m / np.arange(1, m + 1)  # first stage rejects i when ratio_i <= q/(1+q)
    first = np.minimum.accumulate(ratio[::-1])[::-1]  # smallest level with at least i rejections
    best = np.full(m, np.inf)
    for r in range(m + 1):
        entry = first[r - 1] if r else 0.0
        # every hypothesis rejected at stage one is rejected at stage two, all when r = m
        need = np.zeros(m) if r == m else first * (m - r) / m
        level = np.maximum(entry, need)
        best = np.minimum(best, level)
    with np.errstate(divide="ignore"):
        q = np.where(best < 1, best / (1 - np.minimum(best, 1 - 1e-16)), np.inf)
    out = np.empty(m)
    out[order] = np.minimum(1, q)
    return out


def romano_wolf(statistics: ArrayLike, draws: ArrayLike) -> FloatArray:
    r"""Return Romano-Wolf step-down p-values.

    At each step, :math:`p = (1 + \#\{\max_{\text{left}} |t^*| \ge |t|\})/(1+B)` over the hypotheses
    not yet stepped through, made monotone.

    Parameters
    ----------
    statistics : (m,) array
        t statistics.
    draws : (B, m) array
        The same statistics under the null: bootstrap t centred at the estimate, or permutations.

    Returns
    -------
    (m,) array

    Raises
    ------
    ImpactEvalError
        `shape_mismatch`, `not_finite`.
    """
    observed, drawn = _checked(statistics, draws)
    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    counts = (largest >= observed[order] * (1 - 1e-12)).sum(axis=0)
    out = np.empty(len(observed))
    out[order] = np.maximum.accumulate((1 + counts) / (1 + len(drawn)))
    return out


def single_step_max_t(statistics: ArrayLike, draws: ArrayLike) -> FloatArray:
    """Return p-values against the largest of all ``|t*|`` (no step-down).

    Parameters and raises are those of `romano_wolf`.
    """
    observed, drawn = _checked(statistics, draws)
    largest = drawn.max(axis=1, initial=0.0)[:, None]
    counts = (largest >= observed * (1 - 1e-12)).sum(axis=0)
    return np.asarray((1 + counts) / (1 + len(drawn)))


def westfall_young(p_values: ArrayLike, draws: ArrayLike) -> FloatArray:
    r"""Return Westfall-Young step-down p-values, from draws of the p-values under the null.

    The smallest remaining p* takes the place of the largest ``|t*|``: right when statistics have
    different laws.

    Parameters
    ----------
    p_values : (m,) array
    draws : (B, m) array
        p-values of the draws.

    Returns
    -------
    (m,) array
    """
    return romano_wolf(
        1 / np.maximum(np.asarray(p_values, dtype=np.float64), 1e-300),
        1 / np.maximum(np.asarray(draws, dtype=np.float64), 1e-300),
    )


def joint_step_down(
    p_values: ArrayLike, covariance: ArrayLike, *, rng: np.random.Generator, draws: int = 19_999
) -> FloatArray:
    r"""Return step-down p-values under the joint law of estimates that move together.

    Statistics are drawn from :math:`N(0, R)`, R the correlation of the estimates (Westfall and
    Young's algorithm 2.8, with :math:`p^* = 2\Phi(-|z^*|)`): outcomes that repeat each other cost
    less than Holm, and none costs more than under independence.

    Parameters
    ----------
    p_values : (m,) array
        Each by its own law, in [0, 1].
    covariance : (m, m) array
        Of the estimates; one that has no variance is taken as independent of the others.
    rng : numpy.random.Generator
    draws : int

    Returns
    -------
    (m,) array, in the order given; never below the p-values.

    Raises
    ------
    ImpactEvalError
        `p_value_out_of_range`, `shape_mismatch`.

    Examples
    --------
    >>> one = joint_step_down([0.02, 0.02], [[1.0, 1.0], [1.0, 1.0]], rng=np.random.default_rng(1))
    >>> bool((abs(one - 0.02) < 0.005).all())  # twice the same question is one question
    True
    """
    p = np.asarray(p_values, dtype=np.float64)
    _refuse_p_values(p)
    matrix = np.asarray(covariance, dtype=np.float64)
    known = np.isfinite(np.diag(matrix)) & (np.diag(matrix) > 0)
    scale = np.where(known, np.sqrt(np.where(known, np.diag(matrix), 1.0)), 1.0)
    correlation = np.nan_to_num(matrix / np.outer(scale, scale))
    correlation[~known, :] = correlation[:, ~known] = 0.0
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    z = rng.standard_normal((draws, len(p))) @ root.T
    return np.asarray(np.maximum(westfall_young(p, 2 * special.ndtr(-np.abs(z))), p))


def _checked(statistics: ArrayLike, draws: ArrayLike) -> tuple[FloatArray, FloatArray]:
    observed = np.abs(np.asarray(statistics, dtype=np.float64))
    drawn = np.abs(np.atleast_2d(np.asarray(draws, dtype=np.float64)))
    faults = FindingCollector()
    if drawn.shape[1:] != observed.shape:
        faults.add(
            Finding.error(
                "shape_mismatch", what="draws", expected=len(observed), found=drawn.shape[1]
            )
        )
    for what, values in (("statistics", observed), ("draws", drawn)):
        if not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            faults.add(Finding.error("not_finite", what=what, n=count))
    faults.raise_if_errors()
    return observed, drawn
