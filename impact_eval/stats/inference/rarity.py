"""How many people at least stand apart from the one answer that all the others gave."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_SLACK = 1e-9


def rarest(values: ArrayLike) -> int | None:
    r"""Return the most people that a total says to be away from the end of the scale.

    Where all but a few have the lowest answer, the total counts those few: with a step d between
    answers and a lowest answer l, at most :math:`\sum (x_i - l)/d` people are above it. The same
    is done from the highest answer, and the smaller count is kept. For an answer in two values it
    is the number of people who gave the rarer one.

    Parameters
    ----------
    values : (n,) array
        One a person; a missing one is nobody's.

    Returns
    -------
    int or None
        0 when all gave one answer; None without any answer.

    Examples
    --------
    >>> rarest([1, 1, 1, 0]), rarest([0] * 27 + [1, 1, 2]), rarest([5, 5, 5]), rarest([])
    (1, 4, 0, None)
    """
    given = np.asarray(values, dtype=np.float64).ravel()
    seen = given[np.isfinite(given)]
    if not seen.size:
        return None
    seen = np.round(seen, _digits(seen))  # what floats add is no answer
    answers = np.unique(seen)
    if answers.size == 1:
        return 0
    step = float(np.diff(answers).min())
    away = min(float((seen - answers[0]).sum()), float((answers[-1] - seen).sum()))
    return math.ceil(away / step - _SLACK * seen.size)


def _digits(seen: NDArray[np.float64]) -> int:
    """Return the decimals that hold nine significant digits of the largest."""
    largest = float(np.abs(seen).max())
    return 9 if largest == 0 else 8 - math.floor(math.log10(largest))
