r"""Wild cluster bootstrap of one coefficient, from cluster moments and matrix products.

The bootstrap scores of cluster g are :math:`s_g^* = v_g\,q_g`, with random weights v and

* restricted (WCR): q from residuals that impose the null :math:`c'b = \beta_0`; unrestricted (WCU):
  from the fit's own residuals;
* first digit 1: scores as they are; 3: scores of leave-one-cluster-out residuals
  :math:`(I-H_{gg})^{-1}\tilde u_g`;
* second digit 1: the t statistics use the plain cluster variance (CR0 up to a factor that cancels);
  3: the leave-one-cluster-out variance (CR3).

With :math:`\gamma^* = \sum_g q_gv_g` the deviation of the coefficients in orthonormal coordinates,
the numerator is :math:`c'\gamma^*` and the variance sums :math:`c_g'(v_gq_g - G_g\gamma^*)`
squared: no bootstrap sample is ever formed. Restricted scores are linear in
:math:`\hat\beta-\beta_0`, so that the p-value at any null, hence the inverted interval, reuses
the same three sums per draw.

References
----------
Cameron, A. C., Gelbach, J. and Miller, D. (2008). doi:10.1162/rest.90.3.414
Roodman, D., MacKinnon, J., Nielsen, M. and Webb, M. (2019). doi:10.1177/1536867X19830877
MacKinnon, J., Nielsen, M. and Webb, M. (2023). doi:10.1002/jae.2969
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core import Finding, FindingCollector
from impact_eval.stats.inference.cluster_moments import clustered_rows, grams
from impact_eval.stats.inference.cluster_moments import inverse as safe_inverse
from impact_eval.stats.inference.inversion import inverted_bound
from impact_eval.stats.inference.random_weights import RandomWeights, all_signs, draw_weights
from impact_eval.stats.inference.regression import LinearFit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_TIE = 1e-9  # relative gap below which two statistics are the same number
_BLOCK = 1 << 21  # weights drawn at once


class WildScheme(StrEnum):
    """Restricted (R) or unrestricted (U); then how scores and variances are made (see module)."""

    WCR11 = "WCR11"
    WCR13 = "WCR13"
    WCR31 = "WCR31"
    WCR33 = "WCR33"
    WCU11 = "WCU11"
    WCU13 = "WCU13"
    WCU31 = "WCU31"
    WCU33 = "WCU33"

    @property
    def restricted(self) -> bool:
        """Whether the null is imposed on the bootstrap data."""
        return self.value[2] == "R"

    @property
    def jackknife_scores(self) -> bool:
        """Whether the scores come from leave-one-cluster-out residuals."""
        return self.value[3] == "3"

    @property
    def jackknife_variance(self) -> bool:
        """Whether the variance is the leave-one-cluster-out one."""
        return self.value[4] == "3"


class TailCount(StrEnum):
    """Whether draws equal to the observed statistic count against the null.

    INCLUSIVE counts them, and the observed sample itself: never anti-conservative, never zero.
    STRICT leaves them out, as `boottest` and its descendants print it.
    """

    INCLUSIVE = "inclusive"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class WildOptions:
    """How a wild cluster bootstrap is run.

    Parameters
    ----------
    scheme : WildScheme
    weights : RandomWeights
        Rademacher weights are enumerated when all 2^G sign vectors are no more than `draws`.
    draws : int
    tail : TailCount
        Rule of `p_value` and of the interval.
    """

    scheme: WildScheme = WildScheme.WCR11
    weights: RandomWeights = RandomWeights.RADEMACHER
    draws: int = 9_999
    tail: TailCount = TailCount.INCLUSIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class WildBootstrapResult:
    """Wild cluster bootstrap of one coefficient.

    Attributes
    ----------
    estimate, statistic : float
        The statistic uses the CR1 (second digit 1) or CR3 standard error.
    p_value : float
        Share of ``|t*|`` at least as large as ``|t|``, the observed sample counted: never zero
        (unless the options say STRICT).
    p_value_strict : float
        Share of ``|t*|`` larger than ``|t|``, as `boottest` prints it.
    conf_low, conf_high : float
        Nulls that are not rejected at 1 - level by `p_value`; infinite when every null that far is
        kept (finding `interval_unbounded`).
    conf_level : float
    n_clusters, n_draws : int
    enumerated : bool
        True when every sign vector was used: the result has no Monte Carlo error.
    statistics : (n_draws,) array
        The t* at the null tested.
    findings : tuple of Finding
    """

    estimate: float
    statistic: float
    p_value: float
    p_value_strict: float
    conf_low: float
    conf_high: float
    conf_level: float
    n_clusters: int
    n_draws: int
    enumerated: bool
    statistics: FloatArray
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _ScoreParts:
    """Scores q0 + delta q1 (G, k), and what turns weighted scores into numerator and variance."""

    base: FloatArray
    slope: FloatArray
    direction: FloatArray  # (k,) c in orthonormal coordinates
    own: FloatArray  # (G, k) c_g
    spill: FloatArray  # (G, k) G_g c_g
    gap: FloatArray  # (G,) c_g' s_g of the sample, whose squares make the variance


@dataclass(frozen=True, slots=True)
class _Draws:
    """Per draw: numerator n0 + delta n1, variance v00 + 2 delta v01 + delta^2 v11."""

    n0: FloatArray
    n1: FloatArray
    v00: FloatArray
    v01: FloatArray
    v11: FloatArray

    def statistics(self, delta: float) -> FloatArray:
        variance = self.v00 + delta * (2 * self.v01 + delta * self.v11)
        numerator = self.n0 + delta * self.n1
        floor = 1e-14 * (self.v00 + delta**2 * self.v11)
        flat = variance <= floor
        t = numerator / np.sqrt(np.where(flat, 1.0, variance))
        return np.where(flat, np.where(np.abs(numerator) > 0, np.inf, 0.0), t)


def wild_cluster_bootstrap(
    fit: LinearFit,
    clusters: IntArray,
    contrast: ArrayLike,
    *,
    rng: np.random.Generator,
    options: WildOptions | None = None,
    null: float = 0.0,
    level: float = 0.95,
) -> WildBootstrapResult:
    r"""Test :math:`c'b = \beta_0` and invert the test, by the wild cluster bootstrap.

    Parameters
    ----------
    fit : LinearFit
        Fixed effects that are not nested in the clusters must be columns, not absorbed.
    clusters : (n,) array of int
    contrast : (k,) array
        c; a unit vector for one coefficient.
    rng : numpy.random.Generator
        Not used when the sign vectors are enumerated.
    options : WildOptions, optional
    null : float
    level : float

    Returns
    -------
    WildBootstrapResult

    Raises
    ------
    ImpactEvalError
        `one_cluster`, `no_variation_between_clusters`, `option_out_of_range`, `shape_mismatch`.

    Assumptions
    -----------
    Clusters are independent. With few treated clusters the restricted test rejects too rarely and
    the unrestricted one too often: use randomisation inference there.

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.inference.regression import least_squares
    >>> rng = np.random.default_rng(3)
    >>> g = np.repeat(np.arange(10), 5)
    >>> fit = least_squares(rng.standard_normal(50), np.column_stack([np.ones(50), g > 4]))
    >>> result = wild_cluster_bootstrap(fit, g, [0, 1], rng=rng)
    >>> result.enumerated, result.n_draws, result.conf_low < result.estimate < result.conf_high
    (True, 1024, True)
    """
    how = options or WildOptions()
    _refuse_options(level, how)
    c = np.asarray(contrast, dtype=np.float64)
    parts = _scored_parts(fit, np.asarray(clusters), c, how.scheme)
    size = len(parts.base)
    faults = FindingCollector()
    if size < 2:
        faults.add(Finding.error("one_cluster"))
    elif _is_flat(parts, fit):
        faults.add(Finding.error("no_variation_between_clusters", n=size))
    faults.raise_if_errors()
    enumerated = how.weights == RandomWeights.RADEMACHER and 2**size <= how.draws
    draws = _all_draws(parts, how, rng, enumerated=enumerated)
    estimate = float(c @ fit.coefficients)
    std_error = float(np.sqrt(np.sum(parts.gap**2)))
    least = _least_share(how.scheme, len(draws.n0), enumerated=enumerated)

    # Restricted scores are linear in b - b0 (module): each null reuses the draws. Unrestricted
    # scores do not move: only the observed t does.
    def p_value(nulls: float) -> float:
        delta = estimate - nulls if how.scheme.restricted else 0.0
        t = np.abs(draws.statistics(delta))
        observed = abs(estimate - nulls) / std_error
        if how.tail is TailCount.STRICT:
            return _share_above(t, observed)
        return max(_share(t, observed, enumerated=enumerated), least)

    t_null = draws.statistics(estimate - null if how.scheme.restricted else 0.0)
    observed = (estimate - null) / std_error
    factor = _printed_factor(fit, size, how.scheme)
    low, high = (
        inverted_bound(p_value, estimate, std_error * side, alpha=1 - level) for side in (-1.0, 1.0)
    )
    return WildBootstrapResult(
        estimate=estimate,
        statistic=observed / factor,
        p_value=p_value(null),
        p_value_strict=_share_above(np.abs(t_null), abs(observed)),
        conf_low=low,
        conf_high=high,
        conf_level=level,
        n_clusters=size,
        n_draws=len(t_null),
        enumerated=enumerated,
        statistics=t_null / factor,
        findings=_findings(size, level, how, bool(np.isfinite([low, high]).all())),
    )


def _is_flat(parts: _ScoreParts, fit: LinearFit) -> bool:
    """Whether the clusters' scores are nothing but rounding."""
    size = float(np.linalg.norm(parts.direction) * np.linalg.norm(fit.fitted))
    return float(np.abs(parts.gap).max()) <= 1e-13 * size


def _share(statistics: FloatArray, observed: float, *, enumerated: bool) -> float:
    """Share at least as large as observed; a Monte Carlo sample counts the observed one too."""
    count = int(np.count_nonzero(statistics >= observed * (1 - _TIE)))
    return count / len(statistics) if enumerated else (count + 1) / (len(statistics) + 1)


def _least_share(scheme: WildScheme, draws: int, *, enumerated: bool) -> float:
    """Share of the sign vectors that give back the sample and its mirror, at every null.

    Their statistics are |t| itself; far from the estimate, rounding would break the tie.
    """
    own = enumerated and scheme.restricted and not scheme.jackknife_scores
    return 2 / draws if own else 0.0


def _share_above(statistics: FloatArray, observed: float) -> float:
    return float(np.mean(statistics > observed * (1 + _TIE)))


def _printed_factor(fit: LinearFit, size: int, scheme: WildScheme) -> float:
    """Root of the CR1 factor, which cancels in the p-value and is printed in the statistic."""
    if scheme.jackknife_variance or fit.df_residual <= 0:
        return 1.0
    return float(np.sqrt(size / (size - 1) * (fit.n - 1) / fit.df_residual))


def _scored_parts(
    fit: LinearFit, clusters: IntArray, c: FloatArray, scheme: WildScheme
) -> _ScoreParts:
    rows = clustered_rows(fit, clusters)
    gram = grams(rows.z, rows.starts)
    scores = np.add.reduceat(rows.z * rows.error[:, None], rows.starts[:-1])
    direction = np.asarray(np.linalg.solve(fit.root.T, c), dtype=np.float64)
    length = float(direction @ direction)
    slope = gram @ direction / length if scheme.restricted else np.zeros_like(scores)
    base = scores
    if scheme.jackknife_scores:
        base, slope = _leave_out(gram, scores, slope, direction, restricted=scheme.restricted)
    own = np.broadcast_to(direction, scores.shape)
    if scheme.jackknife_variance:
        own = _solve_spectral(np.broadcast_to(np.eye(len(c)), gram.shape) - gram, own)
    return _ScoreParts(
        base=base,
        slope=slope,
        direction=direction,
        own=own,
        spill=np.einsum("gab,gb->ga", gram, own),
        gap=np.einsum("ga,ga->g", own, scores),
    )


def _leave_out(
    gram: FloatArray,
    scores: FloatArray,
    slope: FloatArray,
    direction: FloatArray,
    *,
    restricted: bool,
) -> tuple[FloatArray, FloatArray]:
    """Scores of (I - H_gg)^-1 u_g, with the leverage of the model the residuals come from."""
    k = len(direction)
    if not restricted:
        room = np.broadcast_to(np.eye(k), gram.shape) - gram
        return _solve_spectral(room, scores), slope
    axes = np.linalg.svd(direction[None, :])[2][1:].T  # (k, k-1) what the null leaves free
    inner = np.broadcast_to(np.eye(k - 1), (len(gram), k - 1, k - 1)) - axes.T @ gram @ axes
    spread = gram @ axes
    return (
        scores + np.einsum("gab,gb->ga", spread, _solve_spectral(inner, scores @ axes)),
        slope + np.einsum("gab,gb->ga", spread, _solve_spectral(inner, slope @ axes)),
    )


def _solve_spectral(matrices: FloatArray, right: FloatArray) -> FloatArray:
    """Moore-Penrose solutions of symmetric systems, one per cluster."""
    values, vectors = np.linalg.eigh(matrices)
    turned = np.einsum("gab,ga->gb", vectors, right)
    return np.asarray(np.einsum("gab,gb->ga", vectors, safe_inverse(values) * turned))


def _all_draws(
    parts: _ScoreParts, how: WildOptions, rng: np.random.Generator, *, enumerated: bool
) -> _Draws:
    size = len(parts.base)
    if enumerated:
        return _drawn_sums(parts, all_signs(size))
    step = max(1, _BLOCK // size)
    blocks = [
        _drawn_sums(parts, draw_weights(how.weights, rng, (min(step, how.draws - start), size)))
        for start in range(0, how.draws, step)
    ]
    if len(blocks) == 1:
        return blocks[0]
    names = ("n0", "n1", "v00", "v01", "v11")
    return _Draws(*(np.concatenate([getattr(block, name) for block in blocks]) for name in names))


def _drawn_sums(parts: _ScoreParts, weights: FloatArray) -> _Draws:
    zero, one = (_cluster_terms(parts, scores, weights) for scores in (parts.base, parts.slope))
    return _Draws(
        n0=weights @ (parts.base @ parts.direction),
        n1=weights @ (parts.slope @ parts.direction),
        v00=np.einsum("bg,bg->b", zero, zero),
        v01=np.einsum("bg,bg->b", zero, one),
        v11=np.einsum("bg,bg->b", one, one),
    )


def _cluster_terms(parts: _ScoreParts, scores: FloatArray, weights: FloatArray) -> FloatArray:
    """(b, G) array of c_g'(v_g q_g - G_g gamma*): one product, through the smaller dimension."""
    own = np.einsum("ga,ga->g", parts.own, scores)
    if len(scores) <= scores.shape[1]:
        return np.asarray(weights @ (np.diag(own) - parts.spill @ scores.T).T)
    return np.asarray(weights * own - (weights @ scores) @ parts.spill.T)


def _findings(size: int, level: float, how: WildOptions, bounded: bool) -> tuple[Finding, ...]:
    out = []
    if how.weights == RandomWeights.RADEMACHER and 2.0 ** (1 - size) > 1 - level:
        out.append(Finding.warning("wild_cannot_reject", n=size, smallest_p=2.0 ** (1 - size)))
    if not bounded:
        out.append(Finding.warning("interval_unbounded", level=level))
    return tuple(out)


def _refuse_options(level: float, how: WildOptions) -> None:
    faults = FindingCollector()
    if not 0 < level < 1:
        faults.add(Finding.error("option_out_of_range", option="level", value=level, low=0, high=1))
    if how.draws < 99:
        faults.add(
            Finding.error(
                "option_out_of_range", option="draws", value=how.draws, low=99, high=10**7
            )
        )
    faults.raise_if_errors()
