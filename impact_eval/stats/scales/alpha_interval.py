r"""An interval of alpha that holds on floored, skewed answers as well as on bell-shaped ones.

Feldt's interval supposes normal scores: when most people give the lowest answer to most questions
it covers the true alpha three times in four only. The interval here rests on the answers' own
fourth moments, by leaving out one person at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.item_matrix import complete_rows, item_matrix

FloatArray = NDArray[np.float64]
_NOTHING_LEFT = 1e-12


def alpha_interval(
    responses: ArrayLike, *, level: float = 0.95
) -> tuple[float, float] | NotApplicable:
    r"""Compute an interval of alpha that needs no normal answers.

    With :math:`\ell = \log(1 - \hat\alpha)`, its jackknife error s and degrees of freedom
    :math:`\nu`, :math:`w = t_\nu s` and :math:`q = (\nu / (n - 1))^2`, the ends are

    .. math:: 1 - (1 - \hat\alpha)(1 + \tfrac w2)^2, \quad
       \min\{1,\ 1 - (1 - \hat\alpha)[q (1 - \tfrac w2)^2 + (1 - q)(1 - w)]\}

    on the scale of :math:`\sqrt{1 - \alpha}`, the upper one nearer to the scale of alpha the
    heavier the tails are: there each misses the truth about as often as it should.

    Parameters
    ----------
    responses : (n, k) array
        Answers in the keyed direction; complete rows are used.
    level : float
        Coverage in (0, 1).

    Returns
    -------
    (float, float) or NotApplicable
        `too_few_items` (k < 2), `too_few_persons` (n < 4), `no_variance` (a constant total, or
        items that are all the same answer, to a factor).

    References
    ----------
    Maydeu-Olivares, A., Coffman, D. L. and Hartmann, W. M. (2007).
    doi:10.1037/1082-989X.12.2.157 (fourth moments in place of normal theory)

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> floored = np.digitize(rng.normal(size=(80, 1)) + rng.normal(size=(80, 6)), [1.2, 2, 3])
    >>> low, high = alpha_interval(floored)
    >>> 0 < low < high <= 1
    True
    """
    kept = complete_rows(item_matrix(responses))
    n, k = kept.shape
    if k < 2:
        return NotApplicable.because("too_few_items", n=k, advised=2)
    if n < 4:
        return NotApplicable.because("too_few_persons", n=n, advised=4)
    centred = kept - kept.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    total = centred.sum(axis=1) ** 2
    if not total.sum() > _NOTHING_LEFT * squares.sum():
        return NotApplicable.because("no_variance")
    rest = float(_unexplained(squares.sum(), total.sum(), k))
    if not rest > _NOTHING_LEFT:
        return NotApplicable.because("no_variance")
    error, df = jackknife_error(*_left_out(squares, total, k))
    half, known = float(special.stdtrit(df, 0.5 + level / 2)) * error, (df / (len(kept) - 1)) ** 2
    # With tails as a normal's the root's scale serves both ends; with heavy ones, alpha's own the
    # upper: small samples then seldom hold those who would have raised it.
    rooted, plain = 1 - rest * max(0.0, 1 - half / 2) ** 2, 1 - rest + rest * half
    return 1 - rest * (1 + half / 2) ** 2, min(1.0, known * rooted + (1 - known) * plain)


def _unexplained(squares: FloatArray, total: FloatArray, k: int) -> FloatArray:
    """Return 1 - alpha from the sums of squares of the items and of the total."""
    out: FloatArray = (k * squares / total - 1) / (k - 1)
    return out


def _left_out(squares: FloatArray, total: FloatArray, k: int) -> tuple[FloatArray, float]:
    """Return log(1 - alpha) without each person, and with all of them."""
    n = len(squares)
    whole = float(np.log(_unexplained(squares.sum(), total.sum(), k)))
    # Without one person a sum of squares about the mean loses n/(n-1) of that person's own.
    lost = n / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.log(
            _unexplained(squares.sum() - lost * squares, total.sum() - lost * total, k)
        )
    # The person without whom nothing is left to measure says nothing of the spread.
    return np.where(np.isfinite(without), without, whole), whole


def jackknife_error(without: FloatArray, whole: float) -> tuple[float, float]:
    r"""Return a standard error from a statistic without each person, and how well it is known.

    :math:`sd(p) / \sqrt n` with pseudo-values :math:`p_i = n\ell - (n-1)\ell_{-i}`, and the degrees
    of freedom :math:`\nu = 2n / (\kappa_p - 1)`, between 2 and n - 1: Satterthwaite's count for a
    spread whose own variance the fourth moment gives.

    Parameters
    ----------
    without : (n,) array
        The statistic, on a scale where it is nearly normal, without each person.
    whole : float
        With all of them.

    References
    ----------
    Satterthwaite, F. E. (1946). doi:10.2307/3002019 (to_check)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 3.0, 4.0])
    >>> error, df = jackknife_error((x.sum() - x) / 3, x.mean())  # of a mean: the usual one
    >>> round(error, 4), df
    (0.6455, 3.0)
    """
    n = len(without)
    pseudo = n * whole - (n - 1) * without
    gaps = pseudo - pseudo.mean()
    spread = float(np.mean(gaps**2))
    if spread <= 0:
        return 0.0, n - 1.0
    kurtosis = float(np.mean(gaps**4)) / spread**2
    known = min(n - 1.0, max(2.0, 2 * n / max(kurtosis - 1, 1e-9)))
    return float(np.sqrt(spread / (n - 1))), known
