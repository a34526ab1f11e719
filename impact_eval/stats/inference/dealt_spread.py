r"""Whether those that an effect is about vary more than the others, and the margin that holds then.

Dealing dates anew treats clusters as alike. Where those that entered vary more between them than
the others, the deals share that variance out among all and their margin is too small. With
:math:`e_i` the path of cluster i less that of its date, and k the weights of `dealing`, each date
has its own variance (Neyman's), and the degrees of freedom are Welch's:

.. math:: V_r=\sum_g \frac{s_{gr}^2}{n_g},\quad s_{gr}^2=\frac{1}{n_g-1}\sum_{i\in g}(k_{gr}'e_i)^2
   ,\quad \nu_r = \frac{V_r^2}{\sum_g (s_{gr}^2/n_g)^2/(n_g-1)}.

They vary more when the part of V of the dates A that the effect is about is beyond what the paths
of the others would give, :math:`\sum_{g\in A} k_{gr}'\hat\Sigma_{\bar A}k_{gr}/n_g` (an F test).

References
----------
Welch, B. L. (1947). doi:10.1093/biomet/34.1-2.28
Chung, E. and Romano, J. (2013). doi:10.1214/13-AOS1090
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import Finding
from impact_eval.core.inference import critical_value, two_sided_p
from impact_eval.stats.inference.covariances.covariance_kind import LEVEL, OwnTest

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

UNEVEN = "margin_uneven"
# Level of the test of even spread: large, since it costs width alone. With twice the standard
# deviation among 5 treated of 105, false positives go from 29 to 8 in 100.
SUSPECTED = 0.10
_LEAST_OTHERS = 2  # degrees of freedom of the others below which nothing can be said of them


@dataclass(frozen=True, kw_only=True)
class OwnSpread:
    """What the spread within dates gives, for K effects.

    Attributes
    ----------
    std_error, df : (K,) arrays
        NaN where a date with weight has a single cluster.
    p_even : (K,) array
        p-value of the test that those concerned vary no more than the others; 1 where untold.
    """

    std_error: FloatArray
    df: FloatArray
    p_even: FloatArray

    def test(self, row: int, estimate: float) -> OwnTest | None:
        """Return the test of an effect where its clusters vary more than the others, else None."""
        error, df = float(self.std_error[row]), float(self.df[row])
        if not (self.p_even[row] < SUSPECTED and error > 0):
            return None
        reach = critical_value(LEVEL, df) * error
        return OwnTest(
            statistic=estimate / error,
            p_value=two_sided_p(estimate / error, df),
            conf_low=estimate - reach,
            conf_high=estimate + reach,
            findings=(Finding.warning(UNEVEN),),
        )


def is_uneven(test: OwnTest) -> bool:
    """Whether a test rests on the spread within each date instead of the deals."""
    return any(finding.code == UNEVEN for finding in test.findings)


def own_spread(
    sums: FloatArray, sizes: FloatArray, labels: IntArray, weights: FloatArray, cells: BoolArray
) -> OwnSpread:
    """Return the error of linear effects from the spread of clusters within their date.

    Parameters
    ----------
    sums : (m, T) array
        Weighted sum of the outcome by cluster and period.
    sizes : (m, 1) or (m, T) array
        Weights.
    labels : (m,) array of int
        Dates, in 0..L-1.
    weights, cells : (L, T, K) arrays
        Of the effects, see `LinearEffects`.

    Returns
    -------
    OwnSpread

    Examples
    --------
    >>> y = np.array([[1.0], [5.0], [2.0], [3.0], [4.0]])
    >>> means = np.array([[[1.0]], [[-1.0]]])
    >>> found = own_spread(y, np.ones((5, 1)), np.array([0, 0, 1, 1, 1]), means, means > 0)
    >>> found.std_error.round(3).tolist(), found.df.round(3).tolist()  # Welch's
    ([2.082], [1.17])
    """
    dates, _, rows = weights.shape
    n = np.bincount(labels, minlength=dates)
    paths = _within(sums, sizes, labels, dates)
    part = np.full((dates, rows), np.nan)
    for date in np.flatnonzero(n > 1):
        moved = paths[labels == date] @ weights[date]
        part[date] = (moved**2).sum(axis=0) / (n[date] - 1) / n[date]
    used = (weights != 0).any(axis=1)
    variance, df = _welch(part, used, n)
    about = cells.any(axis=1)
    p_even = np.ones(rows)
    for pattern in np.unique(about, axis=1).T:
        alike = (about == pattern[:, None]).all(axis=0)
        p_even[alike] = _p_even(paths, labels, n, pattern, part[:, alike], weights[:, :, alike])
    return OwnSpread(std_error=np.sqrt(variance), df=df, p_even=p_even)


def _within(sums: FloatArray, sizes: FloatArray, labels: IntArray, dates: int) -> FloatArray:
    """Return the path of each cluster less that of its date, (m, T), in means of its date."""
    out = np.zeros_like(sums)
    for date in range(dates):
        own = labels == date
        total = sizes[own].sum(axis=0)
        filled = np.where(total > 0, total, np.nan)
        left = sums[own] - sizes[own] * (sums[own].sum(axis=0) / filled)
        out[own] = np.nan_to_num(left / (filled / max(int(own.sum()), 1)))
    return out


def _welch(part: FloatArray, used: BoolArray, n: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the sum of the parts in use and its degrees of freedom; NaN where one is unknown."""
    known = np.where(used, part, 0.0)
    variance = known.sum(axis=0)
    freedom = np.maximum(n - 1, 1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        df = variance**2 / (known**2 / freedom).sum(axis=0)
    return variance, df


def _p_even(
    paths: FloatArray,
    labels: IntArray,
    n: IntArray,
    about: BoolArray,
    part: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """Test that the dates concerned vary no more than the others would with the same weights."""
    untold = np.ones(part.shape[1])
    others = np.flatnonzero(~about & (n > 1))
    freedom = int((n[others] - 1).sum())
    if not about.any() or freedom < _LEAST_OTHERS:
        return untold
    apart = paths[np.isin(labels, others)]
    sigma = apart.T @ apart / freedom
    used = (weights != 0).any(axis=1) & about[:, None]
    seen, df = _welch(part, used, n)
    like = np.einsum("gtk,ts,gsk->gk", weights, sigma, weights, optimize=True)
    expected = (np.where(used, like, 0.0) / np.maximum(n, 1)[:, None]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = seen / expected
        p = special.fdtrc(df, freedom, ratio)
    return np.where(np.isfinite(ratio) & np.isfinite(p), p, untold)
