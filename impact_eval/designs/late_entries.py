"""Those who enter just after the last period: declared anticipation lets them react before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def entering_soon(entries: FloatArray, times: FloatArray, anticipation: float) -> FloatArray:
    """Return dates of entry, infinite when too late to be reacted to within the panel."""
    return np.where(entries > times[-1] + anticipation, np.inf, entries)


def told_soon(entries: FloatArray, soon: BoolArray, anticipation: float) -> tuple[Finding, ...]:
    """Tell those who enter after the last period, so soon that they may already react."""
    if not soon.any():
        return ()
    dates = np.unique(entries[soon]).tolist()
    n = int(soon.sum())
    return (
        Finding.warning("anticipation_after_panel", n=n, cohorts=dates, anticipation=anticipation),
    )
