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

    With :math:`\ell = \log(1 - \hat\alpha)`, pseudo-values :math:`p_i = n\ell - (n-1)\ell_{-i}` and
    :math:`w = t_\nu\, sd(p) / \sqrt n`, the ends are

    .. math:: 1 - (1 - \hat\alpha)(1 + w/2)^2 \quad\text{and}\quad
       \min\{1,\ \hat\alpha + (1 - \hat\alpha)\, w\}

    (the lower on the scale of :math:`\sqrt{1-\alpha}`, the upper on that of alpha, where each
    misses the truth as often as it should). The degrees of freedom
    :math:`\nu = 2n / (\kappa_p - 1)`, between 2 and n - 1, say how well the spread itself is known:
    a few persons who answer apart from all others leave few.

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
    half = _half_width(squares, total, k, level)
    return 1 - rest * (1 + half / 2) ** 2, min(1.0, 1 - rest + rest * half)


def _unexplained(squares: FloatArray, total: FloatArray, k: int) -> FloatArray:
    """Return 1 - alpha from the sums of squares of the items and of the total."""
    out: FloatArray = (k * squares / total - 1) / (k - 1)
    return out


def _half_width(squares: FloatArray, total: FloatArray, k: int, level: float) -> float:
    """Return the half width on the scale of log(1 - alpha)."""
    n = len(squares)
    whole = float(np.log(_unexplained(squares.sum(), total.sum(), k)))
    # Without one person a sum of squares about the mean loses n/(n-1) of that person's own.
    lost = n / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.log(
            _unexplained(squares.sum() - lost * squares, total.sum() - lost * total, k)
        )
    # The person without whom nothing is left to measure says nothing of the spread.
    return jackknife_half_width(np.where(np.isfinite(without), without, whole), whole, level)


def jackknife_half_width(without: FloatArray, whole: float, level: float) -> float:
    r"""Return the half width of an interval from a statistic without each person.

    :math:`t_\nu\, sd(p) / \sqrt n` with pseudo-values :math:`p_i = n\ell - (n-1)\ell_{-i}` and
    :math:`\nu = 2n / (\kappa_p - 1)`, between 2 and n - 1: Satterthwaite's count of what is known
    of a spread whose own variance the fourth moment gives.

    Parameters
    ----------
    without : (n,) array
        The statistic, on a scale where it is nearly normal, without each person.
    whole : float
        With all of them.
    level : float

    References
    ----------
    Satterthwaite, F. E. (1946). doi:10.2307/3002019

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 3.0, 4.0])
    >>> round(jackknife_half_width((x.sum() - x) / 3, x.mean(), 0.95), 3)  # of a mean: t_3 se
    2.054
    """
    n = len(without)
    pseudo = n * whole - (n - 1) * without
    gaps = pseudo - pseudo.mean()
    spread = float(np.mean(gaps**2))
    if spread <= 0:
        return 0.0
    kurtosis = float(np.mean(gaps**4)) / spread**2
    known = min(n - 1.0, max(2.0, 2 * n / max(kurtosis - 1, 1e-9)))
    return float(special.stdtrit(known, 0.5 + level / 2)) * float(np.sqrt(spread / (n - 1)))
