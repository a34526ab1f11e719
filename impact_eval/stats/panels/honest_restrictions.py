r"""What is believed about the drift between groups, as polyhedra.

:math:`\{\delta : A\delta \le d\}`, where :math:`\delta` holds the difference in trends at each
event time, the reference period left out (it is zero). With
:math:`\Delta_t = \delta_t - \delta_{t-1}`:

* smoothness: :math:`|\Delta_{t+1} - \Delta_t| \le M` at every t;
* relative magnitudes: :math:`|\Delta_t| \le \bar M \max_{s \le 0} |\Delta_s|` after the action;
* relative smoothness: the same with second differences.

The two relative ones are unions of polyhedra, one for each pre-period and sign that could be the
largest. A sign after the action, or a direction of the whole path, can be added to each.

Surveys need not be a year apart. With intervals of lengths :math:`h_t` a move is read as a slope,
:math:`\Delta_t / h_t`, and a change of slope as

.. math:: \frac{\Delta_{t+1}/h_{t+1} - \Delta_t/h_t}{(h_t + h_{t+1})/2}

so that M speaks of the unit of time whatever the calendar of surveys: a path whose second
derivative never exceeds M obeys the restriction at any dates, and so does one whose slope after is
at most :math:`\bar M` times the largest mean slope before. Intervals of one are the paper's.

References
----------
Rambachan, A. and Roth, J. (2023). doi:10.1093/restud/rdad018
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Shape(StrEnum):
    """What limits the drift."""

    SMOOTHNESS = "smoothness"
    RELATIVE_MAGNITUDES = "relative_magnitudes"
    RELATIVE_SMOOTHNESS = "relative_smoothness"


class DriftShape(StrEnum):
    """What else is believed about the drift."""

    NONE = "none"
    POSITIVE = "positive"  # after the action the drift is not negative
    NEGATIVE = "negative"
    INCREASING = "increasing"  # over the whole path
    DECREASING = "decreasing"


@dataclass(frozen=True, slots=True)
class Polyhedron:
    """The set A x <= d; `A` is (rows, n_pre + n_post), `d` is (rows,)."""

    A: FloatArray
    d: FloatArray

    def touching(self, n_pre: int) -> Polyhedron:
        """Keep the rows that involve some period after the action."""
        rows = (self.A[:, n_pre:] != 0).any(axis=1)
        return Polyhedron(self.A[rows], self.d[rows])


def least_pre_periods(shape: Shape) -> int:
    """Return how many pre-periods a shape needs to say anything."""
    return 2 if shape is Shape.RELATIVE_SMOOTHNESS else 1


def polyhedra(
    shape: Shape,
    m: float,
    *,
    n_pre: int,
    n_post: int,
    direction: DriftShape = DriftShape.NONE,
    gaps: FloatArray | None = None,
) -> tuple[Polyhedron, ...]:
    """Return the polyhedra whose union is the restriction.

    Parameters
    ----------
    shape : Shape
    m : float
        Smoothness: in the unit of the outcome per unit of time squared. Relative: a multiple.
    n_pre, n_post : int
        Periods before the reference and after it.
    direction : DriftShape
    gaps : (n_pre + n_post,) array, optional
        Length of each interval; ones by default. Their mean should be near one, for the rows to be
        of one size.

    Returns
    -------
    tuple of Polyhedron
    """
    if shape is Shape.SMOOTHNESS:
        rows = second_differences(n_pre, n_post, gaps)
        parts = [Polyhedron(np.vstack([rows, -rows]), np.full(2 * len(rows), float(m)))]
    else:
        parts = _relative(shape, m, n_pre, n_post, gaps)
    extra = _direction_rows(direction, n_pre, n_post)
    if extra is None:
        return tuple(parts)
    zeros = np.zeros(len(extra))
    return tuple(
        Polyhedron(np.vstack([part.A, extra]), np.concatenate([part.d, zeros])) for part in parts
    )


def first_differences(n_pre: int, n_post: int, gaps: FloatArray | None = None) -> FloatArray:
    """Return the (n_pre + n_post, n_pre + n_post) matrix of slopes from each period to the next."""
    full = np.diff(np.eye(n_pre + n_post + 1), axis=0) / _lengths(n_pre + n_post, gaps)[:, None]
    return np.asarray(np.delete(full, n_pre, axis=1), dtype=np.float64)


def second_differences(n_pre: int, n_post: int, gaps: FloatArray | None = None) -> FloatArray:
    """Return the (n_pre + n_post - 1, n_pre + n_post) matrix of changes of slope."""
    lengths = _lengths(n_pre + n_post, gaps)
    slopes = np.diff(np.eye(n_pre + n_post + 1), axis=0) / lengths[:, None]
    full = np.diff(slopes, axis=0) / ((lengths[1:] + lengths[:-1]) / 2)[:, None]
    return np.asarray(np.delete(full, n_pre, axis=1), dtype=np.float64)


def _lengths(size: int, gaps: FloatArray | None) -> FloatArray:
    return np.ones(size) if gaps is None else gaps


def _relative(
    shape: Shape, m: float, n_pre: int, n_post: int, gaps: FloatArray | None
) -> list[Polyhedron]:
    if shape is Shape.RELATIVE_MAGNITUDES:
        rows, before = first_differences(n_pre, n_post, gaps), n_pre
    else:
        rows, before = second_differences(n_pre, n_post, gaps), n_pre - 1
    factor = np.where(np.arange(len(rows)) < before, 1.0, m)[:, None]
    parts = []
    for largest in range(before):
        for sign in (1.0, -1.0):
            bound = factor * (sign * rows[largest])[None, :]
            A = np.vstack([rows - bound, -rows - bound])
            A = A[(A**2).sum(axis=1) > 1e-10]
            parts.append(Polyhedron(A, np.zeros(len(A))))
    return parts


def _direction_rows(direction: DriftShape, n_pre: int, n_post: int) -> FloatArray | None:
    if direction is DriftShape.NONE:
        return None
    if direction in (DriftShape.POSITIVE, DriftShape.NEGATIVE):
        after = np.eye(n_pre + n_post)[n_pre:]
        return -after if direction is DriftShape.POSITIVE else after
    steps = first_differences(n_pre, n_post)
    return -steps if direction is DriftShape.INCREASING else steps
