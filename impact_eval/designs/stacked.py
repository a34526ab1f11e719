"""`StackedDiD`: one clean comparison per wave, stacked, with weights that add them up rightly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, MethodRecord
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import DataShape, Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.base import (
    EstimatorInfo,
    Minimum,
    Variant,
    check_options,
    options_of,
    refuse_unfit,
    register,
)
from impact_eval.designs.cohort_panel import Panel, read_panel
from impact_eval.designs.contract import Example
from impact_eval.designs.identified import identified_columns
from impact_eval.designs.influence_sources import CellSource
from impact_eval.designs.options import option
from impact_eval.designs.panel_covariance import covariance_asked, with_cluster
from impact_eval.designs.panel_effects import CommonParts, Row, make_estimate
from impact_eval.designs.panel_ols import OlsResult, panel_ols
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.designs.reference_times import (
    not_identified,
    reference_details,
    reference_findings,
)
from impact_eval.designs.safe_margin import DealtSource, paths_of
from impact_eval.designs.stacked_windows import Stack, stack_panel, stacked_columns
from impact_eval.stats.inference.covariance import CR, Clustered
from impact_eval.stats.inference.covariances import Covariance, Source
from impact_eval.stats.inference.dealing import ClusterPaths, LinearEffects

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@register
@dataclass(frozen=True)
class StackedDiD:
    r"""Compare each cohort, in a window around its start, with units untreated all along it.

    The windows are stacked and one event study is estimated with unit × stack and period × stack
    effects. With the corrected weights of Wing, Freedman and Hollingsworth a comparison unit of
    stack a weighs :math:`(N^D_a/N^D)/(N^C_a/N^C)` and the coefficients are the mean effects on the
    treated; without, least squares weights the stacks by their variance. When surveys are at
    unequal intervals the stacks are not seen at the same event times: a corrected mean is then that
    of the stacks seen at each, :math:`\sum_a N^D_a \delta_{ae} / \sum_a N^D_a`, each estimated on
    its own.

    Parameters
    ----------
    weighting : {"corrected", "none"}
    control_group : {"not_yet_treated", "never_treated"}
        Untreated throughout the window, or at all times.
    before, after : int, optional
        Time in the window before and after the entry (the date of entry is 0), in the units of the
        time column; the last survey before entry, which is the reference, is always in it. By
        default the widest window that every treated cohort fills; a cohort that does not fill it is
        left out, and said.
    covariance : Covariance, optional
        One of `info.covariances`. By default CR1 with t(C - 1); below 50 clusters or 10 treated
        ones, a margin that holds with few (`safe_margin`): dates dealt anew, or CR2 with
        Satterthwaite degrees of freedom. The unit when no cluster is given, for it is in several
        stacks.

    References
    ----------
    Wing, C., Freedman, S. and Hollingsworth, A. (2024). doi:10.3386/w32054
    Cengiz, D. et al. (2019). doi:10.1093/qje/qjz014

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.data.synthetic import staggered_panel
    >>> frame = staggered_panel(np.random.default_rng(1))
    >>> sample = Sample(frame, unit="id", time="period", cohort="cohort")
    >>> [effect.key for effect in StackedDiD().fit(sample, "y").effects]
    ['event[-2]', 'event[0]', 'event[1]', 'event[2]', 'att']
    """

    weighting: str = option("corrected", one_of=("corrected", "none"))
    control_group: str = option("not_yet_treated", one_of=("not_yet_treated", "never_treated"))
    before: int | None = option(None, low=1)
    after: int | None = option(None, low=0)
    covariance: Covariance | None = None

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="stacked",
        shapes=frozenset({DataShape.PANEL}),
        estimands=("att",),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=True,
        minimum=Minimum(units=3, clusters=2, periods=2),
        assumptions=("parallel_trends", "no_anticipation", "no_interference"),
        checks=("pretrends", "honest_did"),
        references=("10.3386/w32054", "10.1093/qje/qjz014"),
        oracle="least squares on the stacked table; diff-diff 3.13.0",
        evidence_ceiling=3,
        variants=(Variant("stacked", 6, frozenset({DataShape.PANEL})),),
        sources=frozenset({Source.FIT, Source.REDRAW}),
    )

    def __post_init__(self) -> None:
        check_options(self)

    @classmethod
    def contract_example(cls, rng: np.random.Generator) -> Example:
        """Give the contract battery a panel whose second wave can serve the first."""
        frame = staggered_panel(rng, periods=8, cohorts=(3.0, 7.0, np.inf))
        roles = {"unit": "id", "time": "period", "cohort": "cohort"}
        return Example(cls(), frame, roles, truth={"att": 1.125})  # event times 0 and 1

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome: rows `event`, then `att`, the mean of those after the start.

        Raises
        ------
        ImpactEvalError
            What `refuse_unfit` refuses; `window_not_filled` when no cohort is seen over the window;
            `no_clean_comparison` when none of those has a comparison group untreated in it.
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        asked = covariance_asked(self.covariance, sample, default=CR.CR1)
        whole, sample = sample, with_cluster(sample, asked)
        refuse_unfit(self.info, sample, outcome)
        panel = read_panel(sample, outcome)
        before, after = self._window(panel)
        stacks, findings = self._stacks(panel, before, after)
        corrected = self.weighting == "corrected"
        stacked = stack_panel(panel, stacks, corrected=corrected)
        columns = stacked_columns(stacks, saturated=corrected)
        result = panel_ols(stacked, columns.cells, whole, covariance=asked)
        paths = paths_of(panel, whole) if asked is None and stacked.simple else None
        if paths is not None:
            result = _dealt(panel, stacked, columns.cells, whole, paths)
        size = _treated_weight(stacked, len(stacks))
        told = result.kept
        if not told[-len(columns.place) :].all():
            told = identified_columns(stacked, columns.cells, None)
        known, means = columns.means(result.kept, told, size)
        if not (columns.events[known] >= 0).any():
            raise ImpactEvalError(Finding.error("no_identified_effect", method=self.info.name))
        references = np.array([stack.reference for stack in stacks])
        names = [panel.name(stack.date) for stack in stacks]
        findings = (
            *findings,
            *not_identified(columns.events[~known]),
            *reference_findings(names, references, 0),
        )
        report = CommonParts(
            outcome=outcome,
            estimand="att",
            method=MethodRecord(self.info.name, options_of(self), result.label),
            n_clusters=stacked.n_clusters,
            findings=(*panel.findings, *result.findings, *findings),
            flow=panel.flow,
            details={
                "window": [before, after],
                "stacks": [stack.date for stack in stacks],
                **reference_details(references),
            },
        )
        events = columns.events[known]
        counts = [_distinct(stacked, stacks, event) for event in (*events.tolist(), None)]
        return _Stacked(report, result, events, means, counts).aggregate(None, "event")

    def _window(self, panel: Panel) -> tuple[float, float]:
        """Return the time before and after entry: the widest that all cohorts seen before fill."""
        treated = panel.cohorts[~panel.never & (panel.starts > 0)]
        if not treated.size:
            raise ImpactEvalError(Finding.error("no_clean_comparison", method=self.info.name))
        first, last = panel.times[0], panel.times[-1]
        return (
            float(treated.min() - first) if self.before is None else self.before,
            float(last - treated.max()) if self.after is None else self.after,
        )

    def _stacks(
        self, panel: Panel, before: float, after: float
    ) -> tuple[list[Stack], tuple[Finding, ...]]:
        """Cohorts that fill the window and have a comparison, each with its comparison cohorts."""
        found, left, filled = [], [], False
        for a in np.flatnonzero(~panel.never):
            date, elapsed = float(panel.cohorts[a]), panel.event_times[a]
            start, inside = panel.starts[a], (elapsed >= -before) & (elapsed <= after)
            fills = elapsed[0] <= -before and elapsed[-1] >= after and (elapsed[inside] >= 0).any()
            filled |= bool(fills)
            inside[max(start - 1, 0)] = True  # the reference, however long before entry it was
            window = np.flatnonzero(inside)
            clean = panel.never.copy()
            if self.control_group == "not_yet_treated":
                clean |= panel.cohorts > panel.times[window[-1]]
                clean[a] = False
            seen = np.any(panel.observed[:, window], axis=1)
            mine = np.flatnonzero(seen & (panel.codes == a))
            others = np.flatnonzero(seen & clean[panel.codes])
            if start > 0 and fills and mine.size and others.size:
                found.append(Stack(date, mine, others, window, elapsed[window]))
            else:
                left.append(panel.label(date))
        if not filled:
            raise ImpactEvalError(
                Finding.error(
                    "window_not_filled", method=self.info.name, before=before, after=after
                )
            )
        if not found:
            raise ImpactEvalError(Finding.error("no_clean_comparison", method=self.info.name))
        findings: tuple[Finding, ...] = ()
        if left:
            findings = (Finding.warning("cohorts_outside_window", n=len(left), cohorts=left),)
        return found, findings


@dataclass(frozen=True)
class _Stacked:
    """A fitted stack: gives the event study, or the overall effect alone."""

    report: CommonParts
    result: OlsResult
    events: FloatArray
    means: FloatArray
    counts: list[tuple[int, int]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The aggregations offered."""
        return ("simple", "event")

    def aggregate(self, estimate: Estimate | None, kind: str) -> Estimate:
        """Return the event study with its overall effect, or the overall effect alone."""
        pick = np.vstack([self.means, self.means[self.events >= 0].mean(axis=0)])
        places = [("event", float(e)) for e in self.events] + [("att", None)]
        rows = [
            Row(term, None, time, *count)
            for (term, time), count in zip(places, self.counts, strict=True)
        ]
        if kind == "simple":
            pick, rows = pick[-1:], rows[-1:]
        combined = self.result.source.combine(pick)
        report = self.report
        if estimate is not None:
            method = estimate.method
            options = {**method.options, "aggregation": kind}
            report = replace(report, method=MethodRecord(method.name, options, method.covariance))
        return make_estimate(report, rows, pick @ self.result.coefficients, combined, self)


def _treated_weight(stacked: Panel, stacks: int) -> FloatArray:
    """Return the total weight of the treated of each stack, (S,)."""
    size = np.bincount(stacked.codes, stacked.unit_weights, 2 * stacks)
    return np.asarray(size[0::2], dtype=np.float64)


def _dealt(
    panel: Panel, stacked: Panel, cells: FloatArray, sample: Sample, paths: ClusterPaths
) -> OlsResult:
    """Return the regression of the stack with a margin dealt anew: a unit is dealt once."""
    result = panel_ols(stacked, cells, sample, covariance=Clustered(correction=CR.CR1))
    assert isinstance(result.source, CellSource)  # what is dealt anew has no hole, no covariate
    assert stacked.columns_of is not None
    slope = result.source.influence.slope
    origin = panel.codes[np.searchsorted(panel.sample_units, stacked.sample_units)]
    size = (len(panel.starts), panel.n_periods, slope.shape[1])
    weights, about = np.zeros(size), np.zeros(size, dtype=bool)
    for code in range(len(stacked.starts)):
        rows = np.flatnonzero(stacked.codes == code)
        window = stacked.columns_of[rows[0]]
        for cohort in np.unique(origin[rows]):
            share = stacked.unit_weights[rows[origin[rows] == cohort]].sum()
            weights[cohort, window] += slope[code].T * share
            about[cohort, window] |= cells[code][:, result.kept] != 0
    about &= ~panel.never[:, None, None]
    effects = LinearEffects(weights=weights, cells=about)
    return replace(result, source=DealtSource(result.source, paths, effects))


def _distinct(stacked: Panel, stacks: list[Stack], event: float | None) -> tuple[int, int]:
    """Count the units, treated and compared, of the stacks seen at an event time (None: all)."""
    serves = np.array([event is None or event in stack.events for stack in stacks])
    mine = serves[stacked.codes // 2]
    treated = stacked.codes % 2 == 0
    return tuple(len(set(stacked.units[mine & side].tolist())) for side in (treated, ~treated))  # type: ignore[return-value]
