"""What the rows of an event study are measured against, told with the study.

A cohort is compared with its last period without the action (and its anticipation). When surveys
are a year apart that is event time -1 for all; otherwise each cohort has its own, which changes
what its leads mean, so it is named. What was not known at any of them stays out of the mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding

FloatArray = NDArray[np.float64]

REFERENCES = "references"  # event times of the references, in the details of an event study
ELAPSED = "elapsed"  # by row: time from what it is measured against
POOLED = "pretrend_reference"
EARLIER = "earlier_periods"


def told_references(event: Estimate) -> tuple[float, ...]:
    """Return the event times of the references of an event study.

    Those that the design told or, when it told none, that of the row which is zero by construction.
    """
    told = event.details.get(REFERENCES)
    if isinstance(told, (list, tuple)):
        return tuple(float(time) for time in told)
    return tuple(
        float(e.time)
        for i, e in enumerate(event.effects)
        if e.term == "event"
        and isinstance(e.time, (int, float))
        and e.time < 0
        and e.estimate == 0
        and e.std_error is None
        and not event.covariance[i, i] > 0
    )


def pooled_leads(event: Estimate) -> bool:
    """Whether leads are measured against all earlier periods together (imputation)."""
    return event.details.get(POOLED) == EARLIER


def reference_details(times: FloatArray) -> Mapping[str, list[float]]:
    """Return what an event study tells of its references; `times` are those of the cohorts."""
    return {REFERENCES: np.unique(times[np.isfinite(times)]).tolist()}


def reference_findings(
    names: Sequence[str], times: FloatArray, anticipation: float
) -> tuple[Finding, ...]:
    """Name the reference of each cohort, unless it is the period just before for all.

    Parameters
    ----------
    names : sequence of G str
        Dates of entry of the treated cohorts.
    times : (G,) array
        Event time of the reference of each; NaN for a cohort without any.
    anticipation : float
    """
    known = np.flatnonzero(np.isfinite(times)).tolist()
    if (times[known] == -1.0 - anticipation).all():
        return ()
    told = [f"{names[g]} ({times[g]:g})" for g in known]
    return (Finding.info("reference_of_cohorts", n=len(told), cohorts=told),)


def not_identified(times: FloatArray) -> tuple[Finding, ...]:
    """Name the event times that have no row because nothing tells their effect from the rest."""
    if not len(times):
        return ()
    return (Finding.warning("event_times_unknown", n=len(times), times=np.sort(times).tolist()),)
