r"""Pooling of estimates from several studies: random effects, honest intervals, prediction.

Study i reports :math:`y_i` with variance :math:`v_i`; true effects vary with variance
:math:`\tau^2`. The pooled mean weights by :math:`w_i = 1/(v_i + \tau^2)`; its variance is that of
Hartung and Knapp, :math:`\sum w_i (y_i-\hat\mu)^2 / ((k-1)\sum w_i)`, read on a Student law with
k - 1 degrees of freedom.

References
----------
Viechtbauer, W. (2005). doi:10.3102/10769986030003261 (REML)
Hartung, J. and Knapp, G. (2001). doi:10.1002/sim.791
Higgins, J., Thompson, S. and Spiegelhalter, D. (2009). doi:10.1111/j.1467-985X.2008.00552.x
Paule, R. and Mandel, J. (1982). doi:10.6028/jres.087.022
Higgins, J. and Thompson, S. (2002). doi:10.1002/sim.1186 (I2)
Veroniki, A. et al. (2016). doi:10.1002/jrsm.1164 (estimators of tau2 and their errors: Biggerstaff
and Tweedie's variance of Q, 1997; Morris's of the moment equation, 1983)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import Finding, FindingCollector
from impact_eval.core.inference import critical_value, two_sided_p

FloatArray = NDArray[np.float64]


class TauEstimator(StrEnum):
    """How the variance between studies is estimated."""

    COMMON = "common"  # no variance between studies
    DERSIMONIAN_LAIRD = "dl"
    PAULE_MANDEL = "pm"
    ML = "ml"
    REML = "reml"


class PoolTest(StrEnum):
    """How the pooled mean is tested."""

    NORMAL = "z"
    HARTUNG_KNAPP = "hartung_knapp"
    HARTUNG_KNAPP_AT_LEAST = "hartung_knapp_at_least"  # never narrower than the normal one


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A pooled effect.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high, p_value : float
    df : float or None
        None for the normal law.
    tau2, tau2_std_error : float
        Variance between studies, and its standard error: each method's own (zero when the studies
        are taken to share one effect).
    i2, h2 : float
        Share (0-1) of the total variance that is between studies; total over sampling variance.
    q, q_p_value : float
        Cochran's test that all studies share one effect.
    prediction_low, prediction_high : float
        Where the true effect of a next, similar study is expected.
    weights : (k,) array
        Share of each study, summing to one.
    k : int
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    df: float | None
    tau2: float
    tau2_std_error: float
    i2: float
    h2: float
    q: float
    q_p_value: float
    prediction_low: float
    prediction_high: float
    weights: FloatArray
    k: int


def _mean(y: FloatArray, w: FloatArray) -> float:
    return float(w @ y / w.sum())


def _common(y: FloatArray, v: FloatArray) -> float:
    return 0.0


def _dersimonian_laird(y: FloatArray, v: FloatArray) -> float:
    w = 1 / v
    q = float(w @ (y - _mean(y, w)) ** 2)
    return max(0.0, (q - (len(y) - 1)) / _slope_of_q(v))


def _paule_mandel(y: FloatArray, v: FloatArray) -> float:
    """Solve Q(tau2) = k - 1, decreasing in tau2, by bisection then Newton to machine precision."""
    from scipy.optimize import brentq

    def excess(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(w @ (y - _mean(y, w)) ** 2) - (len(y) - 1)

    if excess(0.0) <= 0:
        return 0.0
    high = max(float(np.var(y)), float(v.max()), 1e-12)
    while excess(high) > 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-15, rtol=8.9e-16))


_GRID = 512  # variances looked at; a hill of the likelihood is far wider than one step
_POLISH = 8.9e-16  # relative precision of a root, the finest that doubles allow


def _highest_likelihood(y: FloatArray, v: FloatArray, *, restricted: bool) -> float:
    """Return the variance of the highest likelihood over the whole half-line.

    The likelihood can have several hills (one study far from the others is enough). All the range
    is looked at, each hill is climbed to the root of the score, and the highest is kept; zero is
    one of the candidates.
    """
    from scipy.optimize import brentq

    span = float(y.max() - y.min()) ** 2 + float(v.max())
    grid = np.concatenate([[0.0], np.geomspace(1e-6 * float(v.min()), 10 * len(y) * span, _GRID)])
    height = _normal_log_likelihood(y, v, grid, restricted=restricted)

    def slope(tau2: float) -> float:
        return _twice_slope(y, v, tau2, restricted=restricted)

    inner = height[1:-1]
    hills = 1 + np.flatnonzero((inner >= height[:-2]) & (inner >= height[2:]))
    candidates = [0.0]
    for low, high in ((float(grid[i - 1]), float(grid[i + 1])) for i in hills):
        if slope(low) > 0 > slope(high):
            candidates.append(float(brentq(slope, low, high, xtol=1e-300, rtol=_POLISH)))
    found = np.array(candidates)
    return float(found[np.argmax(_normal_log_likelihood(y, v, found, restricted=restricted))])


def _normal_log_likelihood(
    y: FloatArray, v: FloatArray, tau2: FloatArray, *, restricted: bool
) -> FloatArray:
    """Return the log-likelihood at each variance of a list, up to a constant."""
    w = 1 / (v[None, :] + tau2[:, None])
    total = w.sum(axis=1)
    mean = (w * y).sum(axis=1) / total
    residual = y[None, :] - mean[:, None]
    out = 0.5 * (np.log(w).sum(axis=1) - (w * residual**2).sum(axis=1))
    return np.asarray(out - (0.5 * np.log(total) if restricted else 0.0), dtype=np.float64)


def _twice_slope(y: FloatArray, v: FloatArray, tau2: float, *, restricted: bool) -> float:
    """Return twice the slope of the log-likelihood."""
    w = 1 / (v + tau2)
    residual = y - _mean(y, w)
    score = float((w**2) @ residual**2 - w.sum())
    return score + float((w**2).sum() / w.sum()) if restricted else score


def _ml(y: FloatArray, v: FloatArray) -> float:
    return _highest_likelihood(y, v, restricted=False)


def _reml(y: FloatArray, v: FloatArray) -> float:
    return _highest_likelihood(y, v, restricted=True)


_TAU: Mapping[TauEstimator, Callable[[FloatArray, FloatArray], float]] = MappingProxyType(
    {
        TauEstimator.COMMON: _common,
        TauEstimator.DERSIMONIAN_LAIRD: _dersimonian_laird,
        TauEstimator.PAULE_MANDEL: _paule_mandel,
        TauEstimator.ML: _ml,
        TauEstimator.REML: _reml,
    }
)


def between_variance(
    estimates: FloatArray, variances: FloatArray, *, method: TauEstimator = TauEstimator.REML
) -> float:
    """Estimate the variance between studies; never negative."""
    if len(estimates) < 2:
        return 0.0
    return _TAU[method](estimates, variances)


def _tau2_std_error(v: FloatArray, tau2: float, method: TauEstimator) -> float:
    r"""Return the standard error of the variance between studies, each method's own.

    ML: :math:`2/\sum w^2`; REML: :math:`2/\mathrm{tr}(PP)`; both from the expected information,
    with :math:`P = W - ww'/\sum w` and :math:`w = 1/(v + \tau^2)`. DerSimonian and Laird's is a
    linear function of Q, whose variance is known (Biggerstaff and Tweedie). Paule and Mandel's
    solves :math:`Q(\tau^2) = k - 1`, where Q has variance :math:`2(k-1)` and a slope close to
    :math:`-\sum w (k-1)/k` (Morris): equal to the slope when all variances are.
    """
    k, w = len(v), 1 / (v + tau2)
    if method is TauEstimator.COMMON:
        return 0.0
    if method is TauEstimator.ML:
        return math.sqrt(2 / float((w**2).sum()))
    if method is TauEstimator.DERSIMONIAN_LAIRD:
        return math.sqrt(_variance_of_q(v, tau2)) / _slope_of_q(v)
    if method is TauEstimator.PAULE_MANDEL:
        return math.sqrt(2 * k**2 / (k - 1)) / float(w.sum())
    information = (w**2).sum() - 2 * (w**3).sum() / w.sum() + ((w**2).sum() / w.sum()) ** 2
    return math.sqrt(2 / float(information))


def _slope_of_q(v: FloatArray) -> float:
    """Return what Cochran's Q gains by unit of variance between studies."""
    w = 1 / v
    return float(w.sum() - (w**2).sum() / w.sum())


def _variance_of_q(v: FloatArray, tau2: float) -> float:
    r"""Return the variance of Cochran's Q: :math:`2(k-1) + 4 s_1 \tau^2 + 2 s_2 \tau^4`.

    Biggerstaff and Tweedie (1997), with :math:`s_1` the slope of Q and
    :math:`s_2 = \sum w^2 - 2\sum w^3/\sum w + (\sum w^2/\sum w)^2`, :math:`w = 1/v`.
    """
    w = 1 / v
    total = w.sum()
    second = float((w**2).sum() - 2 * (w**3).sum() / total + ((w**2).sum() / total) ** 2)
    return 2 * (len(v) - 1) + 4 * _slope_of_q(v) * tau2 + 2 * second * tau2**2


def pool(
    estimates: FloatArray,
    variances: FloatArray,
    *,
    method: TauEstimator = TauEstimator.REML,
    test: PoolTest = PoolTest.HARTUNG_KNAPP_AT_LEAST,
    level: float = 0.95,
) -> Pooled:
    """Pool independent estimates of the same effect.

    Parameters
    ----------
    estimates : (k,) array
        In one unit.
    variances : (k,) array
        Squared standard errors, positive.
    method : TauEstimator
    test : PoolTest
        The default never gives an interval narrower than the normal one: with few studies that
        happen to agree, Hartung and Knapp's can be.
    level : float

    Returns
    -------
    Pooled

    Raises
    ------
    ImpactEvalError
        `too_few_to_pool`, `bad_variance`.

    Examples
    --------
    >>> out = pool(np.array([0.10, 0.20, 0.15]), np.array([0.01, 0.02, 0.01]))
    >>> round(out.estimate, 3), out.k
    (0.14, 3)
    """
    y, v = np.asarray(estimates, float), np.asarray(variances, float)
    _refuse_estimates(y, v)
    k = len(y)
    tau2 = between_variance(y, v, method=method)
    w = 1 / (v + tau2)
    mean = _mean(y, w)
    normal_se = math.sqrt(1 / w.sum())
    df = None if test is PoolTest.NORMAL else float(k - 1)
    # Hartung and Knapp: q = sum w(y - mu)^2 / (k - 1) scales the variance 1 / sum w (module,
    # above).
    std_error = normal_se * _knapp_factor(y, w, mean, test)
    margin = critical_value(level, df) * std_error
    fixed = 1 / v
    q = float(fixed @ (y - _mean(y, fixed)) ** 2)
    # I2 = tau2 / (tau2 + s2), with Higgins and Thompson's typical sampling variance s2 (2002):
    # unlike (Q - k + 1) / Q, it follows the estimator of tau2 chosen.
    typical = (k - 1) * fixed.sum() / (fixed.sum() ** 2 - (fixed**2).sum())
    common = method is TauEstimator.COMMON
    spread = math.sqrt(tau2 + std_error**2)
    # On the law of the mean's own interval, k - 1 degrees of freedom; Higgins, Thompson and
    # Spiegelhalter take k - 2.
    reach = critical_value(level, float(k - 1) if df is not None else None) * spread
    return Pooled(
        estimate=mean,
        std_error=std_error,
        conf_low=mean - margin,
        conf_high=mean + margin,
        p_value=two_sided_p(mean / std_error, df),
        df=df,
        tau2=tau2,
        tau2_std_error=_tau2_std_error(v, tau2, method),
        i2=max(0.0, (q - (k - 1)) / q) if common and q > 0 else tau2 / (tau2 + typical),
        h2=q / (k - 1) if common else tau2 / typical + 1,
        q=q,
        q_p_value=float(special.chdtrc(k - 1, q)),
        prediction_low=mean - reach,
        prediction_high=mean + reach,
        weights=w / w.sum(),
        k=k,
    )


def _knapp_factor(y: FloatArray, w: FloatArray, mean: float, test: PoolTest) -> float:
    if test is PoolTest.NORMAL:
        return 1.0
    factor = math.sqrt(float(w @ (y - mean) ** 2) / (len(y) - 1))
    return max(1.0, factor) if test is PoolTest.HARTUNG_KNAPP_AT_LEAST else factor


def _refuse_estimates(y: FloatArray, v: FloatArray) -> None:
    faults = FindingCollector()
    if len(y) < 2:
        faults.add(Finding.error("too_few_to_pool", n=len(y), needed=2))
    if not np.all(np.isfinite(y)) or not np.all(np.isfinite(v)) or bool((v <= 0).any()):
        faults.add(Finding.error("bad_variance", n=int((~(v > 0)).sum())))
    faults.raise_if_errors()


def leave_one_out(
    estimates: FloatArray, variances: FloatArray, *, level: float = 0.95
) -> tuple[Pooled, ...]:
    """Pool again without each study in turn; at least three studies are needed."""
    keep = ~np.eye(len(estimates), dtype=bool)
    if len(estimates) < 3:
        return ()
    return tuple(pool(estimates[rows], variances[rows], level=level) for rows in keep)
