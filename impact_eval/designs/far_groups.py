"""Whether the groups of a panel can be compared at all: the rule of every design that adjusts."""

from __future__ import annotations

import numpy as np

from impact_eval.core.findings import Finding
from impact_eval.designs.cohort_panel import Panel
from impact_eval.stats.surveys.far_apart import gap_of_rows, told_far_apart


def panel_far_apart(panel: Panel) -> tuple[Finding, ...]:
    """Warn when those treated at some time stand far from the never treated on a covariate.

    Covariates are read where a unit is first seen. With nobody never treated, the last cohort is
    what the others are compared with.
    """
    values = panel.raw_covariates
    if values is None or not panel.n_units:
        return ()
    if values.ndim == 3:
        first = np.isfinite(values).all(axis=2).argmax(axis=1)
        values = values[np.arange(len(values)), first]
    treated = ~panel.never[panel.codes]
    if treated.all():
        treated = panel.codes < panel.codes.max()
    known = np.isfinite(values).all(axis=1)
    if not (treated & known).any() or not (~treated & known).any():
        return ()
    rows = np.column_stack([np.ones(int(known.sum())), values[known]])
    weights = None if panel.weights is None else panel.weights[known]
    return told_far_apart(gap_of_rows(rows, treated[known], weights))
