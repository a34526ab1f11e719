"""Matched pairs: the difference within each, and the variance between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The mean difference of J pairs.

    Attributes
    ----------
    estimate, std_error, df : float
    influence : (J,) array
        Rows whose squares sum to the variance.
    """

    estimate: float
    std_error: float
    df: float
    influence: FloatArray


def paired_difference(
    y: FloatArray, treated: NDArray[np.bool_], pairs: NDArray[np.int64]
) -> PairedDifference | None:
    r"""Compare the two members of each pair: :math:`\bar d`, variance :math:`s_d^2/J`.

    Parameters
    ----------
    y : (n,) array
    treated : (n,) array of bool
    pairs : (n,) array of int
        Codes 0..J-1.

    Returns
    -------
    PairedDifference or None
        None unless every block is one treated and one other, and there are at least two.

    References
    ----------
    Imai, K. (2008). doi:10.1002/sim.3337

    Examples
    --------
    >>> found = paired_difference(np.array([3.0, 1, 5, 1]), np.array([True, False, True, False]),
    ...                           np.array([0, 0, 1, 1]))
    >>> found.estimate, round(found.std_error, 9)
    (3.0, 1.0)
    """
    size = int(pairs.max()) + 1
    counts = [np.bincount(pairs[treated == arm], minlength=size) for arm in (True, False)]
    if size < 2 or any((count != 1).any() for count in counts):
        return None
    difference = np.bincount(pairs, np.where(treated, y, -y), minlength=size)
    mean = float(difference.mean())
    influence = (difference - mean) / np.sqrt(size * (size - 1))
    return PairedDifference(mean, float(np.sqrt(influence @ influence)), size - 1.0, influence)
