r"""Whether those that an estimate is about vary more than the others, and the margin then.

Dealing dates anew treats clusters as alike. Where those that entered vary more between them than
the others, the deals share that variance out among all and their margin is too small. With
:math:`e_i` the path of cluster i less that of its date, and k the weights of `dealing`, each date
has its own variance (Neyman's), and the degrees of freedom are Welch's:

.. math:: V_r=\sum_g \frac{s_{gr}^2}{n_g},\quad s_{gr}^2=\frac{1}{n_g-1}\sum_{i\in g}(k_{gr}'e_i)^2
   ,\quad \nu_r = \frac{V_r^2}{\sum_g (s_{gr}^2/n_g)^2/(n_g-1)}.

They vary more when the mean square of their paths (about their own level: what a level adds, a
comparison over time takes out) is beyond that of the others: an F test whose degrees of freedom
are those of the clusters times
:math:`(\mathrm{tr}\,\hat\Sigma)^2/\mathrm{tr}\,\hat\Sigma^2`, the number of periods that
tell something of their own (Satterthwaite). With two periods it is Fisher's.

References
----------
Welch, B. L. (1947). doi:10.1093/biomet/34.1-2.28
Satterthwaite, F. E. (1946). doi:10.2307/3002019
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
    """

    std_error: FloatArray
    df: FloatArray

    def test(self, row: int, estimate: float) -> OwnTest | None:
        """Return the test of an effect; None where its error is not known."""
        error, df = float(self.std_error[row]), float(self.df[row])
        if not error > 0:
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


def p_even(sums: FloatArray, sizes: FloatArray, labels: IntArray, about: BoolArray) -> float:
    """Test that the clusters of some dates vary no more than the others.

    Parameters
    ----------
    sums : (m, T) array
        Weighted sum of the outcome by cluster and period.
    sizes : (m, 1) or (m, T) array
        Weights.
    labels : (m,) array of int
        Dates, in 0..L-1.
    about : (L,) array of bool
        The dates in question.

    Returns
    -------
    float
        1 where nothing can be said: one cluster a date, or too few others.

    Examples
    --------
    >>> y = np.array([[1.0], [9.0], [2.0], [3.0], [4.0]])
    >>> round(p_even(y, np.ones((5, 1)), np.array([0, 0, 1, 1, 1]), np.array([True, False])), 4)
    0.0299
    """
    n = np.bincount(labels, minlength=len(about))
    free = np.maximum(n - 1, 0)
    own, others = int(free[about].sum()), int(free[~about].sum())
    if not own or others < _LEAST_OTHERS:
        return 1.0
    paths = _within(sums, sizes, labels, len(about))
    if paths.shape[1] > 1:
        paths = paths - paths.mean(axis=1, keepdims=True)
    square = (paths**2).sum(axis=1)
    concerned = about[labels]
    seen, like = square[concerned].sum() / own, square[~concerned].sum() / others
    if not like > 0:
        return 0.0 if seen > 0 else 1.0
    sigma = paths.T @ paths
    periods = np.trace(sigma) ** 2 / (sigma**2).sum()
    return float(special.fdtrc(own * periods, others * periods, seen / like))


def own_spread(
    sums: FloatArray, sizes: FloatArray, labels: IntArray, weights: FloatArray
) -> OwnSpread:
    """Return the error of linear effects from the spread of clusters within their date.

    Parameters
    ----------
    sums, sizes, labels
        See `p_even`.
    weights : (L, T, K) array
        Of the effects, see `LinearEffects`.

    Returns
    -------
    OwnSpread

    Examples
    --------
    >>> y = np.array([[1.0], [5.0], [2.0], [3.0], [4.0]])
    >>> means = np.array([[[1.0]], [[-1.0]]])
    >>> found = own_spread(y, np.ones((5, 1)), np.array([0, 0, 1, 1, 1]), means)
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
    part = np.where((weights != 0).any(axis=1), part, 0.0)
    variance = part.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = variance**2 / (part**2 / np.maximum(n - 1, 1)[:, None]).sum(axis=0)
    return OwnSpread(std_error=np.sqrt(variance), df=df)


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
