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
BoolArray = NDArray[np.bool_]

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


def period_in_words(label: float | str) -> str:
    """Return a period or a date as it is told in a sentence."""
    return label if isinstance(label, str) else f"{label:.12g}"


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


def fewer_leads(asked: int | None, found: int) -> tuple[Finding, ...]:
    """Say that fewer periods before the entry are there than were asked for."""
    if asked is None or found >= asked:
        return ()
    return (Finding.warning("fewer_leads", asked=asked, found=found),)


def told_from_reference(cells: FloatArray, seen: BoolArray) -> BoolArray:
    """Return the columns of an event study that some chain of cohorts ties to a reference.

    A cohort never seen before its start has no reference: what it received at its own event times
    is the mean of its units, unless another cohort, which has one, shares one of them.

    Parameters
    ----------
    cells : (G, T, K) array
        Indicators of the event times, all zero at references and for those never treated.
    seen : (G, T) array of bool
        Cells with somebody observed.

    Returns
    -------
    (K,) array of bool

    Examples
    --------
    >>> cells = np.zeros((2, 2, 3))
    >>> cells[0, 1, 0] = cells[1, 0, 1] = cells[1, 1, 2] = 1.0  # the second has no reference
    >>> told_from_reference(cells, np.ones((2, 2), dtype=bool)).tolist()
    [True, False, False]
    """
    uses = np.asarray((cells * seen[:, :, None] > 0).any(axis=1))
    tied = np.asarray((seen & ~(cells > 0).any(axis=2)).any(axis=1))
    found = np.zeros(cells.shape[2], dtype=bool)
    for _ in range(len(cells)):
        found = np.asarray(uses[tied].any(axis=0))
        tied = np.asarray(tied | uses[:, found].any(axis=1))
    return found | np.asarray(uses[tied].any(axis=0))
