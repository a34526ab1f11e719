"""`StackedDiD`: one clean comparison per wave, stacked, with weights that add them up rightly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

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
from impact_eval.designs.options import option
from impact_eval.designs.panel_covariance import covariance_asked, with_cluster
from impact_eval.designs.panel_effects import CommonParts, Row, make_estimate
from impact_eval.designs.panel_ols import OlsResult, panel_ols
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.stats.inference.covariance import CR
from impact_eval.stats.inference.covariances import Covariance, Source

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@register
@dataclass(frozen=True)
class StackedDiD:
    r"""Compare each cohort, in a window around its start, with units untreated all along it.

    The windows are stacked and one event study is estimated with unit × stack and period × stack
    effects. With the corrected weights of Wing, Freedman and Hollingsworth a comparison unit of
    stack a weighs :math:`(N^D_a/N^D)/(N^C_a/N^C)` and the coefficients are the mean effects on the
    treated; without, least squares weights the stacks by their variance.

    Parameters
    ----------
    weighting : {"corrected", "none"}
    control_group : {"not_yet_treated", "never_treated"}
        Untreated throughout the window, or at all times.
    before, after : int, optional
        Periods of the window before and after the start (the start itself is period 0). By default
        the widest window that every treated cohort fills; a cohort that does not fill it is left
        out, and said.
    covariance : Covariance, optional
        One of `info.covariances`. By default CR1 with t(C - 1), and CR2 with Satterthwaite degrees
        of freedom below 40 clusters or 10 treated ones; the unit when no cluster is given, for it
        is in several stacks.

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
            What `refuse_unfit` refuses; `no_clean_comparison` when no cohort has a comparison
            group untreated in its window.
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        asked = covariance_asked(self.covariance, sample, default=CR.CR1)
        whole, sample = sample, with_cluster(sample, asked)
        refuse_unfit(self.info, sample, outcome)
        panel = read_panel(sample, outcome).by_start()  # its window is counted in waves
        before, after = self._window(panel)
        stacks, findings = self._stacks(panel, before, after)
        stacked = stack_panel(
            panel, stacks, before=before, after=after, corrected=self.weighting == "corrected"
        )
        cells, events = stacked_columns(len(stacks), before, after)
        result = panel_ols(stacked, cells, whole, covariance=asked)
        shown = np.flatnonzero(result.kept)[-len(events) :]
        if not result.kept[-len(events) :].all():
            raise ImpactEvalError(Finding.error("no_identified_effect", method=self.info.name))
        last = np.arange(result.kept.sum())[-len(shown) :]
        report = CommonParts(
            outcome=outcome,
            estimand="att",
            method=MethodRecord(self.info.name, options_of(self), result.label),
            n_clusters=stacked.n_clusters,
            findings=(*panel.findings, *result.findings, *findings),
            flow=panel.flow,
            details={
                "window": [before, after],
                "stacks": [float(panel.cohorts[a]) for a, _ in stacks],
            },
        )
        counts = (_distinct(stacked, treated=True), _distinct(stacked, treated=False))
        return _Stacked(report, result, events, last, counts).aggregate(None, "event")

    def _window(self, panel: Panel) -> tuple[int, int]:
        treated = panel.starts[~panel.never & (panel.starts > 0)]
        if not treated.size:
            raise ImpactEvalError(Finding.error("no_clean_comparison", method=self.info.name))
        widest = int(treated.min()), int(panel.n_periods - 1 - treated.max())
        return (
            widest[0] if self.before is None else self.before,
            widest[1] if self.after is None else self.after,
        )

    def _stacks(
        self, panel: Panel, before: int, after: int
    ) -> tuple[list[tuple[int, IntArray]], tuple[Finding, ...]]:
        """Cohorts that fill the window and have a comparison, each with its comparison cohorts."""
        found, left = [], []
        for a in np.flatnonzero(~panel.never):
            start = panel.starts[a]
            clean = panel.never.copy()
            if self.control_group == "not_yet_treated":
                clean |= panel.starts > start + after
            controls = np.flatnonzero(clean)
            fills = start >= before and start + after < panel.n_periods
            if fills and controls.size:
                found.append((int(a), controls))
            else:
                left.append(float(panel.cohorts[a]))
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
    columns: IntArray
    counts: tuple[int, int]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The aggregations offered."""
        return ("simple", "event")

    def aggregate(self, estimate: Estimate | None, kind: str) -> Estimate:
        """Return the event study with its overall effect, or the overall effect alone."""
        pick = np.zeros((len(self.events) + 1, len(self.result.coefficients)))
        pick[np.arange(len(self.events)), self.columns] = 1.0
        after = self.events >= 0
        pick[-1, self.columns[after]] = 1 / after.sum()
        rows = [self._row("event", float(e)) for e in self.events] + [self._row("att", None)]
        if kind == "simple":
            pick, rows = pick[-1:], rows[-1:]
        combined = self.result.source.combine(pick)
        report = self.report
        if estimate is not None:
            method = estimate.method
            options = {**method.options, "aggregation": kind}
            report = replace(report, method=MethodRecord(method.name, options, method.covariance))
        return make_estimate(report, rows, pick @ self.result.coefficients, combined, self)

    def _row(self, term: str, time: float | None) -> Row:
        return Row(term, None, time, *self.counts)


def stack_panel(
    panel: Panel,
    stacks: list[tuple[int, IntArray]],
    *,
    before: int,
    after: int,
    corrected: bool,
) -> Panel:
    """Stack the windows: codes 2s (treated) and 2s + 1 (comparison) for stack s.

    A unit that serves in several stacks is there several times, always in its own cluster.
    """
    rows, codes, windows = [], [], []
    for s, (cohort, controls) in enumerate(stacks):
        start = panel.starts[cohort]
        mine = np.flatnonzero(panel.codes == cohort)
        others = np.flatnonzero(np.isin(panel.codes, controls))
        rows.append(np.concatenate([mine, others]))
        codes.append(np.repeat([2 * s, 2 * s + 1], [mine.size, others.size]))
        windows.append(slice(start - before, start + after + 1))
    row, code = np.concatenate(rows), np.concatenate(codes)
    y = np.concatenate([panel.y[r, w] for r, w in zip(rows, windows, strict=True)])
    weights: FloatArray | None = None if panel.weights is None else panel.weights[row]
    if corrected:
        weights = _corrected(panel.unit_weights[row], code, len(stacks))
    elapsed = np.arange(-before, after + 1, dtype=np.float64)
    stacked = replace(
        panel,
        y=y,
        times=elapsed,
        codes=code,
        starts=np.tile([before, len(elapsed)], len(stacks)),
        cohorts=np.tile([0.0, np.inf], len(stacks)),
        units=panel.units[row],
        sample_units=panel.sample_units[row],
        first_period=panel.first_period[row]
        + np.concatenate([np.full(len(r), w.start) for r, w in zip(rows, windows, strict=True)]),
        clusters=panel.clusters[row],
        weights=weights,
        balanced=panel.balanced or not bool(np.isnan(y).any()),
    )
    seen = np.any(stacked.observed, axis=1)
    present = np.unique(stacked.clusters)
    stacked = replace(
        stacked,
        clusters=np.searchsorted(present, stacked.clusters),
        cluster_labels=panel.cluster_labels[present],
    )
    return stacked if seen.all() else stacked.keep(seen, "unit_never_observed")


def _corrected(weight: FloatArray, code: IntArray, stacks: int) -> FloatArray:
    """Weights that make the comparison groups add up as the treated do (Wing et al.)."""
    size = np.bincount(code, weights=weight, minlength=2 * stacks)
    treated, control = size[0::2], size[1::2]
    factor = np.ones(2 * stacks)
    factor[1::2] = (treated / treated.sum()) / (control / control.sum())
    return np.asarray(weight * factor[code])


def stacked_columns(stacks: int, before: int, after: int) -> tuple[FloatArray, FloatArray]:
    """Return the (2S, W, K) columns, period × stack then treated × event time, and the latter's."""
    width = before + after + 1
    elapsed = np.arange(-before, after + 1, dtype=np.float64)
    events = elapsed[elapsed != -1]
    own = np.zeros((2 * stacks, width, (stacks - 1) * width))
    for s in range(1, stacks):
        at = (s - 1) * width + np.arange(width)
        own[2 * s : 2 * s + 2, np.arange(width), at] = 1.0
    effect = np.zeros((2 * stacks, width, len(events)))
    effect[0::2] = elapsed[:, None] == events
    return np.concatenate([own, effect], axis=2), events


def _distinct(stacked: Panel, *, treated: bool) -> int:
    chosen: Any = stacked.units[(stacked.codes % 2 == 0) == treated]
    return len(set(chosen.tolist()))
