"""Units of an unbalanced panel read as rows, that were never seen before what they are compared on.

R's ``allow_unbalanced_panel`` compares all rows met before with all rows met after: a unit that
joins the survey once in the action enters the mean after and not the mean before, so that its level
passes for an effect. It is kept, as R keeps it, and counted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def told_never_before(
    person: IntArray, time: FloatArray, start: FloatArray, *, last: float, anticipation: float
) -> tuple[Finding, ...]:
    """Count the units treated, then the others, without any row before.

    Parameters
    ----------
    person : (n,) array of int
        Code of the unit of each row.
    time, start : (n,) arrays
        Period of the row; entry of its unit.
    last : float
        Last period.
    anticipation : float

    Returns
    -------
    tuple of Finding
        `late_entrants`: treated, and seen after their entry only. `late_comparison`: others, seen
        after the first entry only.

    Examples
    --------
    >>> found = told_never_before(np.array([0, 0, 1]), np.array([1.0, 2, 2]), np.full(3, 2.0),
    ...                           last=2, anticipation=0)
    >>> [(f.code, f.values["n"]) for f in found]
    [('late_entrants', 1)]
    """
    size = int(person.max(initial=-1)) + 1
    first, entry = np.full(size, np.inf), np.full(size, np.inf)
    np.minimum.at(first, person, time)
    entry[person] = start
    treated = entry <= last
    if not treated.any():
        return ()
    late = treated & (first >= entry - anticipation)
    others = ~treated & (first >= entry.min() - anticipation)
    counts = (("late_entrants", late), ("late_comparison", others))
    return tuple(Finding.warning(code, n=int(who.sum())) for code, who in counts if who.any())
