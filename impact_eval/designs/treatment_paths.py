"""Units grouped by what they were treated with, period after period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.data.panel import to_wide
from impact_eval.data.sample import Sample
from impact_eval.designs.cohort_panel import Panel

FloatArray = NDArray[np.float64]


def treatment_paths(panel: Panel, sample: Sample) -> tuple[Panel, FloatArray]:
    """Return the panel coded by treatment path, and the treatment of each path.

    A treatment that never switches off has one path per cohort; otherwise units are grouped by
    their whole 0/1 path (a period not observed counts as the period before).

    Returns
    -------
    panel : Panel
        Its `starts` are those of the first treated period of each path.
    treatment : (G, T) array
        0/1.
    """
    if not sample.switches_off:
        return panel, (panel.event_times >= 0).astype(np.float64)
    wide = wide_treatment(panel, sample)
    paths, codes = np.unique(wide, axis=0, return_inverse=True)
    ever = paths.any(axis=1)
    starts = np.where(ever, paths.argmax(axis=1), panel.n_periods)
    cohorts = np.append(panel.times, np.inf)[starts]
    codes = codes.ravel().astype(np.int64)
    return replace(panel, codes=codes, starts=starts, cohorts=cohorts), paths


def wide_treatment(panel: Panel, sample: Sample) -> FloatArray:
    """Return the (N, T) 0/1 treatment of the panel's units.

    A treatment that never switches off is known by its start, rows absent or not; otherwise holes
    carry the last value forward.
    """
    if not sample.switches_off:
        return (panel.event_times >= 0)[panel.codes].astype(np.float64)
    assert sample.treated is not None
    assert sample.unit_codes is not None
    assert sample.time_codes is not None
    wide = to_wide(
        sample.treated.astype(np.float64),
        sample.unit_codes,
        sample.time_codes,
        n_units=sample.n_units,
        n_times=sample.n_periods,
    )[panel.sample_units]
    for t in range(1, wide.shape[1]):
        wide[:, t] = np.where(np.isnan(wide[:, t]), wide[:, t - 1], wide[:, t])
    for t in range(wide.shape[1] - 2, -1, -1):
        wide[:, t] = np.where(np.isnan(wide[:, t]), wide[:, t + 1], wide[:, t])
    return wide
