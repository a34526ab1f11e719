"""The cohorts that are the same at every event time of a balanced event study."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def balanced_cohorts(
    cohort: IntArray, event: FloatArray, known: BoolArray, *, room: FloatArray, balance: float
) -> BoolArray:
    r"""Return the cohorts that have an effect at every event time from 0 to `balance`.

    The event times are those of some cohort observed for that long, :math:`last - g \ge e`
    (Callaway and Sant'Anna 2021, section 4.2), at which an effect is estimated. A cohort with no
    effect at one of them (no comparison, no survey that year) is not in the mean at any.

    Parameters
    ----------
    cohort, event, known : (K,) arrays
        Code, event time and whether there is an estimate, of each cell.
    room : (G,) array
        Time from the entry of each cohort to the last period.
    balance : float

    Returns
    -------
    (G,) array of bool

    Examples
    --------
    >>> cohort, event = np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 0.0, 1.0])
    >>> known = np.array([True, True, True, False])
    >>> balanced_cohorts(cohort, event, known, room=np.array([2.0, 1.0]), balance=1).tolist()
    [True, False]
    """
    long = room >= balance
    inside = known & (event >= 0) & (event <= balance) & long[cohort]
    times = np.unique(event[inside])
    met = np.zeros((len(room), len(times)), dtype=bool)
    met[cohort[inside], np.searchsorted(times, event[inside])] = True
    return np.asarray(long & met.all(axis=1) & met.any(axis=1))
