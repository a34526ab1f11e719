"""With nobody left without the action, the last to enter are the comparison, until they enter.

A cohort that enters later stands for what would have happened; nobody does once the last one has
entered, and the last one itself has nobody to be compared with that is not compared with it. So its
own effects are not estimated and the periods from its entry on are not used: averaging a cohort
compared with the last one, and the last one compared with that cohort, would cancel any divergence.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from impact_eval.core.findings import Finding
from impact_eval.designs.cohort_panel import Panel

LAST_COHORT = "last_cohort_as_comparison"


def told_last_cohort(cohort: float, n: int) -> Finding:
    """Say which cohort serves as comparison, and how many units it has."""
    return Finding.warning(LAST_COHORT, cohort=cohort, n=n)


def before_last_cohort(panel: Panel, anticipation: float) -> Panel:
    """Return the panel before its last cohort enters, that cohort as the one never treated.

    A panel with somebody never treated is returned as it is. The periods kept are those at which
    the last cohort is not about to enter (R's did, `control_group = "notyettreated"`).

    Parameters
    ----------
    panel : Panel
    anticipation : float
    """
    if not panel.n_units or panel.never.any():
        return panel
    last = float(panel.cohorts.max())
    kept = int((panel.times + anticipation < last).sum())
    y = panel.y[:, :kept]
    told = told_last_cohort(last, int(panel.counts[panel.cohorts == last].sum()))
    return replace(
        panel,
        y=y,
        times=panel.times[:kept],
        starts=np.minimum(panel.starts, kept),
        cohorts=np.where(panel.cohorts == last, np.inf, panel.cohorts),
        balanced=panel.balanced or not bool(np.isnan(y).any()),
        findings=(*panel.findings, told),
    )
