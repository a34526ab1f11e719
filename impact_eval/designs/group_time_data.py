"""The input of group-time estimators, read from a sample: who is left out is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import FlowStep, Label
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.flow import step_of_rows
from impact_eval.data.sample import Sample
from impact_eval.designs.cohort_panel import LeftOut, Panel, read_panel
from impact_eval.designs.late_entries import entering_soon, told_soon
from impact_eval.designs.never_seen_before import told_never_before
from impact_eval.designs.nobody_never import before_last_cohort, told_last_cohort
from impact_eval.designs.panel_covariance import bind_panel, with_cluster
from impact_eval.designs.row_regression import sample_findings
from impact_eval.designs.safe_margin import by_name_when_few, paths_of, paths_of_rows
from impact_eval.designs.ties import BoundCovariance, bind_units, cluster_columns
from impact_eval.stats.inference.covariance import CR, Clustered
from impact_eval.stats.inference.covariances import Covariance
from impact_eval.stats.inference.dealing import ClusterPaths
from impact_eval.stats.inference.few import are_few
from impact_eval.stats.panels.cohort_sorted import SortedPanel, sort_panel
from impact_eval.stats.panels.group_time_rows import RowData

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class GroupTimeData:
    """Arrays ready for group-time kernels, and what was left out on the way.

    Attributes
    ----------
    panel : SortedPanel or None
    rows : RowData or None
        One of the two is given.
    times : (T,) array
    cohorts : (K,) array
        Treated cohorts kept, ascending; then those that enter after the last period, so soon that
        they may already react.
    has_never : bool
    pairwise : bool
        The panel has holes.
    independent : (m,) array
        Labels of the units (or clusters) that are independent.
    n_units, n_independent : (K,) arrays of int
        Units (or people) of each cohort, and how many of the independent ones.
    treated_independent, never_independent, later_independent : int
        Independent ones that hold a unit treated at some time, one never treated, one that enters
        after the first cohort or never: each counted once whatever its cohorts.
    clustered : bool
        Clusters stand above units.
    bound : BoundCovariance or None
        A covariance that the kernel does not compute itself, bound to the units.
    covariance : Covariance
        The one to compute: that asked for, else the one that suits the numbers.
    paths : ClusterPaths or None
        What is dealt anew for a margin that holds with few; None when it is not.
    label : function
        How a period or cohort is written in a row.
    flow : tuple of FlowStep
    findings : tuple of Finding
    """

    panel: SortedPanel | None = None
    rows: RowData | None = None
    times: FloatArray
    cohorts: FloatArray
    has_never: bool
    pairwise: bool = False
    independent: NDArray[Any]
    n_units: IntArray
    n_independent: IntArray
    treated_independent: int
    never_independent: int
    later_independent: int
    clustered: bool
    bound: BoundCovariance | None = None
    covariance: Covariance
    paths: ClusterPaths | None = None
    label: Callable[[float], Label]
    flow: tuple[FlowStep, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Story:
    """The flow and findings, as they grow."""

    flow: list[FlowStep]
    findings: list[Finding]

    def leave_out(self, step: FlowStep, **values: Any) -> None:
        if step.dropped:
            self.flow.append(step)
            self.findings.append(Finding.warning(step.step, n=step.dropped, **values))


def by_kernel(sample: Sample, covariance: Covariance) -> bool:
    """Whether the kernel computes it: a sum by unit or by one kind of cluster, without leverage."""
    plain = isinstance(covariance, Clustered) and covariance.correction in (CR.CR0, CR.CR1)
    return plain and len(cluster_columns(sample, covariance)) < 2


def cluster_labels(sample: Sample, covariance: Covariance) -> tuple[IntArray, NDArray[Any]] | None:
    """Return the row-level cluster codes and their labels, or None when units are independent.

    With several kinds of clusters, those of the kind that is counted (`with_cluster`).
    """
    names = cluster_columns(sample, covariance)
    if len(names) > 1:
        names = with_cluster(sample, covariance).cluster_names
    if not names or names[0] == sample.unit:
        return None
    coded = sample.codes(names[0])
    return coded.codes, coded.labels


def read_units(
    sample: Sample,
    outcome: str,
    *,
    covariance: Covariance | None,
    anticipation: float,
    complete_only: bool,
    not_yet: bool,
) -> GroupTimeData:
    """Read a panel for the wide kernels.

    Units treated from the first period on (give or take the anticipation), units of weight zero and
    units never observed are left out; with `complete_only` also those not seen at every period.
    With `not_yet` and nobody never treated, the last cohort is the comparison until it enters.

    Parameters
    ----------
    sample : Sample
        A panel.
    outcome : str
    covariance : Covariance or None
        None: one that suits the numbers of clusters.
    anticipation : float
    complete_only : bool
    not_yet : bool
        Those not yet treated are the comparison.

    Returns
    -------
    GroupTimeData
    """
    rules = (LeftOut.ALWAYS_TREATED, LeftOut.WEIGHT_ZERO)
    panel = read_panel(sample, outcome, leave_out=rules, anticipation=anticipation)
    for _ in range(2):  # leaving units out may leave nobody never treated
        panel = before_last_cohort(panel, anticipation) if not_yet else panel
        panel = panel.leave_out(LeftOut.INCOMPLETE if complete_only else LeftOut.NEVER_OBSERVED)
    paths = paths_of(panel, sample) if covariance is None else None
    plain = Clustered(correction=CR.CR0)
    if covariance is None:
        covariance = plain if paths is not None else by_name_when_few(None, panel) or plain
    above = cluster_labels(sample, covariance)
    clusters = None if above is None else _unit_codes(sample, above[0])[panel.sample_units]
    dates = panel.cohorts if panel.entries is None else panel.entries
    cohorts = dates[np.isfinite(dates)]
    treated = int((~panel.never).sum())
    own = by_kernel(sample, covariance)
    grouped = sort_panel(
        panel.y,
        panel.codes,
        len(cohorts),
        covariates=panel.raw_covariates,
        weights=panel.weights,
        clusters=clusters if own else None,
    )
    labels = panel.units
    if own and above is not None and clusters is not None:
        labels = above[1][np.unique(clusters)]
    return GroupTimeData(
        panel=grouped,
        times=panel.times,
        cohorts=cohorts,
        has_never=bool(panel.never.any()),
        pairwise=not panel.balanced,
        independent=labels,
        n_units=np.bincount(panel.codes, minlength=len(cohorts) + 1)[: len(cohorts)],
        n_independent=_independent_by_cohort(panel.codes, clusters, len(cohorts)),
        treated_independent=_independent_of(panel.codes < treated, clusters),
        never_independent=_independent_of(panel.codes == len(cohorts), clusters),
        later_independent=_independent_of(panel.codes > 0, clusters),
        clustered=above is not None,
        bound=None if own else bind_panel(panel, sample, covariance),
        covariance=covariance,
        paths=paths,
        label=sample.period_label,
        flow=panel.flow,
        findings=(*panel.findings, *_holes(panel)),
    )


def _holes(panel: Panel) -> tuple[Finding, ...]:
    if panel.balanced:
        return ()
    holes = int(np.isnan(panel.y).any(axis=1).sum())
    return (Finding.warning("unbalanced_pairs", n=holes, total=panel.n_units),)


def _unit_codes(sample: Sample, codes: IntArray) -> IntArray:
    """Return the cluster of each unit; one that changes within a unit is refused."""
    assert sample.unit_codes is not None
    out = np.zeros(sample.n_units, dtype=np.int64)
    out[sample.unit_codes] = codes
    changing = np.unique(sample.unit_codes[out[sample.unit_codes] != codes])
    if changing.size:
        raise ImpactEvalError(
            Finding.error(
                "cluster_varies_within_unit",
                column=", ".join(sample.cluster_names),
                n=int(changing.size),
                examples=[str(unit) for unit in sample.unit_labels[changing[:3]]],
            )
        )
    return out


def _independent_by_cohort(codes: IntArray, clusters: IntArray | None, size: int) -> IntArray:
    if clusters is None:
        return np.bincount(codes, minlength=size + 1)[:size]
    width = int(clusters.max(initial=0)) + 1
    met = np.zeros((size + 1) * width, dtype=bool)
    met[codes * width + clusters] = True
    return np.asarray(met.reshape(size + 1, width).sum(axis=1)[:size])


def _independent_of(rows: BoolArray, clusters: IntArray | None) -> int:
    return int(rows.sum()) if clusters is None else int(np.unique(clusters[rows]).size)


def read_rows(
    sample: Sample,
    outcome: str,
    *,
    covariance: Covariance | None,
    anticipation: float,
    not_yet: bool,
) -> GroupTimeData:
    """Read repeated cross-sections, or a panel with holes as if it were one.

    Parameters
    ----------
    sample : Sample
    outcome : str
    covariance : Covariance or None
        None: one that suits the numbers of clusters.
    anticipation : float
    not_yet : bool
        See `read_units`.

    Returns
    -------
    GroupTimeData
    """
    assert sample.cohorts is not None
    assert sample.time_codes is not None
    keep, story = _keep_rows(sample, outcome, sample.cohorts, anticipation)
    people, person = _people(sample, keep)
    start, told = _row_dates(sample, keep, person, anticipation)
    times = sample.times
    if not_yet:
        keep, start, times = _before_last(sample, keep, start, anticipation, story)
        people, person = _people(sample, keep)
    cohorts = np.unique(start[np.isfinite(start)])
    treated = int((cohorts <= sample.times[-1]).sum())
    codes = np.searchsorted(cohorts, start)
    plain = covariance or Clustered(correction=CR.CR0)
    above = cluster_labels(sample, plain)
    present, counted = _counted(above, keep, person)
    paths, plain = (
        (None, plain)
        if covariance is not None
        else _safe_rows(sample, outcome, keep, counted, codes)
    )
    own = by_kernel(sample, plain)
    independent, labels = (counted, present) if own and above is not None else (person, people)
    first = np.zeros(len(people), dtype=np.int64)
    first[person[::-1]] = np.arange(len(person))[::-1]
    rows = _row_data(sample, outcome, keep, codes, (person, first, independent, len(labels)))
    return GroupTimeData(
        rows=rows,
        times=times,
        cohorts=cohorts,
        has_never=bool((codes >= treated).any()),
        independent=labels,
        n_units=np.bincount(codes[first], minlength=len(cohorts) + 1)[:-1],
        n_independent=_independent_by_cohort(codes, counted, len(cohorts)),
        treated_independent=_independent_of(codes < treated, counted),
        never_independent=_independent_of(codes == len(cohorts), counted),
        later_independent=_independent_of(codes > 0, counted),
        clustered=above is not None,
        bound=None
        if own
        else bind_units(sample, plain, np.flatnonzero(keep)[first], groups=codes[first]),
        covariance=plain,
        paths=paths,
        label=sample.period_label,
        flow=tuple(story.flow),
        findings=(*story.findings, *told),
    )


def _row_data(
    sample: Sample,
    outcome: str,
    keep: BoolArray,
    codes: IntArray,
    people: tuple[IntArray, IntArray, IntArray, int],
) -> RowData:
    """Return the rows kept: their person, a row of each, what is independent and how many."""
    person, first, independent, size = people
    assert sample.time_codes is not None
    weights = sample.weights_array[keep]
    return RowData(
        y=sample.outcome(outcome)[keep],
        time=sample.time_codes[keep],
        cohort=codes,
        design=np.column_stack([np.ones(int(keep.sum())), sample.covariate_matrix[keep]]),
        weights=weights / weights.mean(),
        independent=independent,
        person_cohort=codes[first],
        person_independent=independent[first],
        person_weight=np.bincount(person, weights) / np.bincount(person),
        n_independent=size,
    )


def _counted(
    above: tuple[IntArray, NDArray[Any]] | None, keep: BoolArray, person: IntArray
) -> tuple[NDArray[Any], IntArray]:
    """Return the labels and the code of each row of what is counted: clusters, else people."""
    if above is None:
        return np.unique(person), person
    present, counted = np.unique(above[0][keep], return_inverse=True)
    return above[1][present], counted


def _safe_rows(
    sample: Sample, outcome: str, keep: BoolArray, counted: IntArray, codes: IntArray
) -> tuple[ClusterPaths | None, Covariance]:
    """Return what is dealt anew when few are independent, and the covariance to compute."""
    assert sample.cohorts is not None
    assert sample.time_codes is not None
    plain = Clustered(correction=CR.CR0)
    last = int(codes.max())
    treated = np.unique(counted[codes < last]).size
    total = int(counted.max()) + 1
    shared = treated + np.unique(counted[codes == last]).size - total
    if not are_few(total=total, treated=treated, shared=shared):
        return None, plain
    paths = None
    if treated > 1 and not sample.covariate_names:
        strata = sample.strata_codes
        paths = paths_of_rows(
            sample.outcome(outcome)[keep],
            sample.time_codes[keep],
            counted,
            codes,
            weights=sample.weights_array[keep],
            blocks=None if strata is None else strata[keep],
            shape=(last + 1, sample.n_periods),
        )
    return paths, plain if paths is not None else Clustered(correction=CR.CR2)


def _row_dates(
    sample: Sample, keep: BoolArray, person: IntArray, anticipation: float
) -> tuple[FloatArray, tuple[Finding, ...]]:
    """Return when each row kept enters; tell who does just after the last, or is new after it."""
    assert sample.entries is not None
    start = entering_soon(sample.entries[keep], sample.times, anticipation)
    late = np.isfinite(start) & (start > sample.times[-1])
    told = told_soon(start, late, anticipation)
    if sample.unit_codes is None:
        return start, told
    time, last = sample.time_values[keep], float(sample.times[-1])
    return start, (
        *told_never_before(person, time, start, last=last, anticipation=anticipation),
        *told,
    )


def _keep_rows(
    sample: Sample, outcome: str, cohorts: FloatArray, anticipation: float
) -> tuple[BoolArray, _Story]:
    observed, step = sample.complete(outcome)
    story = _Story([*sample.flow, step], sample_findings(sample, outcome))
    always = observed & (cohorts <= sample.times[0] + anticipation)
    keep, code = observed & ~always, "always_treated_dropped"
    left = step_of_rows(keep, observed, sample.unit_codes, step=code, reason=code)
    story.leave_out(left, anticipation=anticipation)
    if sample.unit_codes is not None:
        story.findings.append(Finding.info("unbalanced_rows", n=int(keep.sum())))
    return keep, story


def _before_last(
    sample: Sample, keep: BoolArray, start: FloatArray, anticipation: float, story: _Story
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Return the rows kept, their dates of entry and the periods (see `before_last_cohort`)."""
    assert sample.cohorts is not None
    times = sample.times
    if not start.size or not (start <= times[-1]).all():
        return keep, start, times
    last, code = float(start.max()), "after_last_entry"
    early = np.asarray(keep & (sample.time_values < last - anticipation))
    story.flow.append(FlowStep(code, int(early.sum()), int((keep & ~early).sum()), code))
    story.findings.append(told_last_cohort(last, _count_people(sample, early, last)))
    start = sample.cohorts[early]
    return early, np.where(start == last, np.inf, start), times[times < last - anticipation]


def _count_people(sample: Sample, keep: BoolArray, cohort: float) -> int:
    assert sample.cohorts is not None
    mine = keep & (sample.cohorts == cohort)
    return len(_people(sample, np.asarray(mine))[0])


def _people(sample: Sample, keep: BoolArray) -> tuple[NDArray[Any], IntArray]:
    """Return the labels of the people met and the code of each row's person."""
    if sample.unit_codes is None:
        return np.flatnonzero(keep), np.arange(int(keep.sum()))
    present, person = np.unique(sample.unit_codes[keep], return_inverse=True)
    return sample.unit_labels[present], person
