r"""Units of one group seen at the same periods: their columns are the same, so are made once.

Without covariates a regression sees of a unit its group and the periods it is seen at. Units that
share both enter the normal equations as one unit of their mean outcome and their total weight,

.. math:: \sum_{i\in p} w_i\tilde Z_p'(y_i - Z_p b) = W_p\tilde Z_p'(\bar y_p - Z_p b)

exactly: a panel with holes then costs what its patterns of holes cost, not what its units cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_BITS = 32  # periods put in one number


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """The patterns of a panel (N units, P patterns).

    Attributes
    ----------
    pattern : (N,) array of int
        The pattern of each unit.
    first : (P,) array of int
        A unit of each pattern.
    """

    pattern: IntArray
    first: IntArray

    def total(self, weight: FloatArray) -> FloatArray:
        """Return the (P,) weight of each pattern."""
        total = np.bincount(self.pattern, weights=weight, minlength=len(self.first))
        return np.asarray(total, dtype=np.float64)

    def mean(self, y: FloatArray, weight: FloatArray) -> FloatArray:
        """Return the (P, T) weighted mean of (N, T) outcomes; zero where nothing weighs."""
        size, total = len(self.first), self.total(weight)
        sums = [
            np.bincount(self.pattern, weights=weight * column, minlength=size) for column in y.T
        ]
        scale = np.divide(1.0, total, out=np.zeros(size), where=total > 0)
        return np.asarray(np.column_stack(sums) * scale[:, None], dtype=np.float64)

    def members(self, patterns: slice, most: int) -> Iterator[IntArray]:
        """Yield the units of some patterns, at most so many at a time."""
        chosen = np.flatnonzero((self.pattern >= patterns.start) & (self.pattern < patterns.stop))
        for start in range(0, len(chosen), most):
            yield chosen[start : start + most]


def seen_alike(codes: IntArray, used: BoolArray) -> Alike:
    """Return the units of one group that are in use at the same periods.

    Parameters
    ----------
    codes : (N,) array of int
        Group of each unit.
    used : (N, T) array of bool

    Returns
    -------
    Alike

    Examples
    --------
    >>> used = np.array([[True, True], [True, False], [True, True]])
    >>> seen_alike(np.array([0, 0, 0]), used).pattern.tolist()
    [1, 0, 1]
    """
    pattern = np.asarray(codes, dtype=np.int64)
    first = np.arange(len(codes))
    for start in range(0, used.shape[1], _BITS):
        part = used[:, start : start + _BITS]
        seen = part @ (1 << np.arange(part.shape[1], dtype=np.int64))
        _, first, pattern = np.unique(
            (pattern << _BITS) | seen, return_index=True, return_inverse=True
        )
    return Alike(pattern=pattern, first=first)
