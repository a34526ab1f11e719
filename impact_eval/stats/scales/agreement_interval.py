r"""An interval of test-retest agreement that holds on floored scores.

The F interval of an intraclass correlation supposes normal scores: where most people stand at the
floor it covers the true agreement seven to nine times in ten.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.agreement import intraclass_correlation
from impact_eval.stats.scales.alpha_interval import jackknife_error
from impact_eval.stats.scales.item_matrix import complete_rows, item_matrix

FloatArray = NDArray[np.float64]


def agreement_interval(
    ratings: ArrayLike, *, level: float = 0.95
) -> tuple[float, float] | NotApplicable:
    r"""Compute an interval of ICC(A,1) that needs no normal scores.

    Fisher's :math:`z = \frac12 \log\frac{1 + (k-1)\rho}{1 - \rho} \mp t_\nu s`, with the jackknife
    error s and its degrees of freedom (see `alpha_interval`); at each end the wider of that
    interval and of the F interval.

    Parameters
    ----------
    ratings : (n, k) array
        Persons in rows, occasions in columns; complete rows are used.
    level : float

    Returns
    -------
    (float, float) or NotApplicable
        `too_few_persons` (n < 4), and the refusals of `intraclass_correlation`.

    References
    ----------
    McGraw, K. O. and Wong, S. P. (1996). doi:10.1037/1082-989X.1.1.30 (ICC(A,1))

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> twice = rng.normal(size=(50, 1)) + 0.5 * rng.normal(size=(50, 2))
    >>> low, high = agreement_interval(twice)
    >>> 0 < low < 0.8 < high < 1
    True
    """
    x = complete_rows(item_matrix(ratings))
    plain = intraclass_correlation(x, level=level)
    if isinstance(plain, NotApplicable):
        return plain
    n, k = x.shape
    if n < 4:
        return NotApplicable.because("too_few_persons", n=n, advised=4)
    whole = float(_fisher(np.array([plain.value]), k)[0])
    without = _fisher(_without_each(x - x.mean()), k)
    # The person without whom nothing is left to compare says nothing of the spread.
    error, df = jackknife_error(np.where(np.isfinite(without), without, whole), whole)
    half = float(special.stdtrit(df, 0.5 + level / 2)) * error
    grown = np.exp(2 * np.array([whole - half, whole + half]))
    low, high = (grown - 1) / (grown + k - 1)
    return min(plain.conf_low, float(low)), max(plain.conf_high, float(high))


def _fisher(value: FloatArray, k: int) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        out: FloatArray = 0.5 * np.log((1 + (k - 1) * value) / (1 - value))
    return out


def _without_each(x: FloatArray) -> FloatArray:
    """Return ICC(A,1) without each person, from sums; `x` is centred on its grand mean."""
    n, k = x.shape
    left = n - 1
    columns = (x.sum(axis=0) - x) / left
    middle = left * k * columns.mean(axis=1) ** 2
    mean_square = x.mean(axis=1) ** 2
    between = k * (mean_square.sum() - mean_square) - middle
    square = np.einsum("ij,ij->i", x, x)
    raters = left * np.einsum("ij,ij->i", columns, columns) - middle
    within = square.sum() - square - middle - between
    rows, column = between / (left - 1), raters / (k - 1)
    error = (within - raters) / ((left - 1) * (k - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        out: FloatArray = (rows - error) / (rows + (k - 1) * error + k / left * (column - error))
    return out
