"""`ChaisemartinDHaultfoeuille`: units that switch on or off, against those that have not yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, MethodRecord
from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.data.sample import DataShape, Sample
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
from impact_eval.designs.influence_sources import InfluenceSource, UnitSource
from impact_eval.designs.options import option
from impact_eval.designs.panel_covariance import (
    bind_panel,
    covariance_asked,
    influence_label,
    with_cluster,
)
from impact_eval.designs.panel_effects import CommonParts, Row, make_estimate
from impact_eval.designs.panel_ols import few_cluster_findings
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.designs.reference_times import (
    fewer_leads,
    reference_details,
    reference_findings,
)
from impact_eval.designs.safe_margin import DealtSource, by_name_when_few, paths_of
from impact_eval.designs.treatment_paths import treatment_paths, wide_treatment
from impact_eval.stats.inference.covariance import CR
from impact_eval.stats.inference.covariances import Covariance, Source
from impact_eval.stats.inference.dealing import LinearEffects
from impact_eval.stats.panels.switchers import (
    Horizon,
    SwitchInput,
    horizon_effect,
    horizon_weights,
    seen_at,
    switching,
)
from impact_eval.stats.panels.switchers_alone import never_compared

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@register
@dataclass(frozen=True)
class ChaisemartinDHaultfoeuille:
    r"""Compare units whose treatment changes with units of the same baseline that have not changed.

    Rows `event` of time 0, 1… are the effects of having been exposed for one, two… units of time;
    those of time -2, -3… are placebos (the reference is the last survey before the switch, -1 when
    there is one at each date). The row `att`
    is the average total effect per unit of treatment: the sum of effects over the sum of treatment
    received beyond the baseline. A switch off counts with its sign turned.

    Parameters
    ----------
    effects : int, optional
        Number of horizons, from the nearest to the switch; all those with a comparison by default.
    placebos : int, optional
        Number of placebos; all those possible by default, 0 for none.
    controls : {"not_yet_switched", "never_switched"}
    switchers : {"all", "in", "out"}
        Switches on, off, or both.
    normalized : bool
        Divide each effect by the treatment received beyond the baseline up to its horizon, counted
        in units of time (each survey stands for the time since the one before).
    covariance : Covariance, optional
        One of `info.covariances`, computed from the influence values; by default their sum by unit,
        or by the sample's cluster. Below 50 clusters or 10 treated ones, a margin that holds with
        few (`safe_margin`): dates dealt anew, or CR2.

    References
    ----------
    de Chaisemartin, C. and D'Haultfœuille, X. (2024). doi:10.1162/rest_a_01414
    de Chaisemartin, C. and D'Haultfœuille, X. (2020). doi:10.1257/aer.20181169

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.data.synthetic import staggered_panel
    >>> frame = staggered_panel(np.random.default_rng(1))
    >>> sample = Sample(frame, unit="id", time="period", cohort="cohort")
    >>> fitted = ChaisemartinDHaultfoeuille(effects=2, placebos=1).fit(sample, "y")
    >>> [effect.key for effect in fitted.effects]
    ['event[-2]', 'event[0]', 'event[1]', 'att']
    """

    effects: int | None = option(None, low=1)
    placebos: int | None = option(None, low=0)
    controls: str = option("not_yet_switched", one_of=("not_yet_switched", "never_switched"))
    switchers: str = option("all", one_of=("all", "in", "out"))
    normalized: bool = False
    covariance: Covariance | None = None

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="chaisemartin_dhaultfoeuille",
        shapes=frozenset({DataShape.PANEL}),
        estimands=("att",),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=False,
        minimum=Minimum(units=3, clusters=2, periods=2),
        assumptions=("parallel_trends_same_baseline", "no_anticipation", "no_interference"),
        checks=("pretrends", "honest_did"),
        references=("10.1162/rest_a_01414", "10.1257/aer.20181169"),
        oracle="diff-diff 3.13.0 (points), moderndid 0.2.0 (standard errors)",
        evidence_ceiling=3,
        variants=(Variant("dcdh", 7, frozenset({DataShape.PANEL})),),
        sources=frozenset({Source.INFLUENCE, Source.REDRAW}),
        reversible=True,
    )

    def __post_init__(self) -> None:
        check_options(self)

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome.

        Raises
        ------
        ImpactEvalError
            What `refuse_unfit` refuses; `no_switcher_compared` when no unit that switches has a
            unit of the same baseline that has not.
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        asked = covariance_asked(self.covariance, sample, default=CR.CR0)
        whole, sample = sample, with_cluster(sample, asked)
        refuse_unfit(self.info, sample, outcome)
        panel = read_panel(sample, outcome)
        data = self._input(panel, sample)
        by_path = treatment_paths(panel, sample)[0]
        paths = paths_of(by_path, sample) if asked is None else None
        named = asked if paths is not None else by_name_when_few(asked, panel)
        bound = bind_panel(panel, whole, named)
        after = list(_feasible(data, self.effects, placebo=False))
        if not after:
            raise ImpactEvalError(Finding.error("no_switcher_compared", method=self.info.name))
        before = list(_feasible(data, self.placebos, placebo=True))[::-1]
        alone = [
            *_alone(data, self.placebos, placebo=True),
            *_alone(data, self.effects, placebo=False),
        ]
        # where the action stops, who keeps it is compared with: nobody is counted apart
        moving = np.ones(len(panel.starts), dtype=bool) if sample.switches_off else None
        waves = data.waves()
        references = data.times[waves[:, 1].astype(np.int64) - 1] - waves[:, 2]
        names = [panel.name(date) for date in waves[:, 2]]
        few = few_cluster_findings(panel, self.covariance, comparison=moving)
        findings = [*panel.findings, *few, *reference_findings(names, references, 0)]
        findings += _told_alone(data)
        findings += self._told_of_horizons(before, after)
        report = CommonParts(
            outcome=outcome,
            estimand="att",
            method=MethodRecord(self.info.name, options_of(self), influence_label(bound)),
            n_clusters=panel.n_clusters,
            findings=tuple(findings),
            flow=panel.flow,
            details={
                "switchers": {f"{e:g}": h.switchers for e, h in (*before, *after)},
                **reference_details(references),
            },
        )
        influence = np.column_stack([h.influence for _, h in (*before, *after)])
        source: InfluenceSource = UnitSource(panel, influence, bound=bound)
        if paths is not None:
            source = DealtSource(source, paths, _linear(data, by_path.codes, before, after))
        fitted = _Switchers(panel, report, before, after, alone, source, normalized=self.normalized)
        return fitted.aggregate(None, "event")

    def _told_of_horizons(
        self, before: list[tuple[float, Horizon]], after: list[tuple[float, Horizon]]
    ) -> list[Finding]:
        found = list(fewer_leads(self.placebos, len(before)))
        single = sum(horizon.single for _, horizon in (*before, *after))
        if single:
            found.append(Finding.warning("comparison_of_one_unit", n=single))
        if self.effects is not None and len(after) < self.effects:
            found.append(Finding.warning("fewer_horizons", asked=self.effects, found=len(after)))
        return found

    def _input(self, panel: Panel, sample: Sample) -> SwitchInput:
        path = switching(wide_treatment(panel, sample))
        dates = path.dates(panel.times, panel.cohorts[panel.codes])
        every = np.ones(panel.n_units, dtype=bool)
        chosen = {"all": path.sign != 0, "in": path.sign > 0, "out": path.sign < 0}
        return SwitchInput(
            y=panel.y,
            path=path,
            weights=panel.unit_weights,
            clusters=panel.clusters,
            controls=every if self.controls == "not_yet_switched" else path.sign == 0,
            switchers=chosen[self.switchers],
            times=panel.times,
            dates=dates,
        )


def _told_alone(data: SwitchInput) -> list[Finding]:
    """Count the units whose switch, on or off, is compared with nobody."""
    alone = never_compared(data)
    left, joined = (int((alone & (data.path.sign * s > 0)).sum()) for s in (-1, 1))
    found = [Finding.warning("leavers_not_compared", n=left)] if left else []
    return [*found, Finding.warning("joiners_not_compared", n=joined)] if joined else found


def _feasible(
    data: SwitchInput, wanted: int | None, *, placebo: bool
) -> Iterator[tuple[float, Horizon]]:
    """Yield event times and effects, as many as wanted and possible."""
    for event in data.event_times(placebo=placebo)[:wanted]:
        found = horizon_effect(data, float(event), placebo=placebo)
        if found.switchers:
            yield float(event), found


def _alone(data: SwitchInput, wanted: int | None, *, placebo: bool) -> list[tuple[float, int]]:
    """Return the event times at which units that switched are seen and nobody is left to compare.

    With how many they are.
    """
    events = data.event_times(placebo=placebo)[:wanted].tolist()
    seen = [(event, *seen_at(data, event, placebo=placebo)) for event in events]
    return [(event, switched) for event, switched, compared in seen if switched and not compared]


def _linear(
    data: SwitchInput,
    groups: IntArray,
    before: list[tuple[float, Horizon]],
    after: list[tuple[float, Horizon]],
) -> LinearEffects:
    parts = [horizon_weights(data, e, groups, placebo=True) for e, _ in before]
    parts += [horizon_weights(data, e, groups) for e, _ in after]
    weights, cells = zip(*parts, strict=True)
    return LinearEffects(weights=np.stack(weights, axis=2), cells=np.stack(cells, axis=2))


@dataclass(frozen=True)
class _Switchers:
    """Fitted horizons: gives the event study with the total effect, or the latter alone."""

    panel: Panel
    report: CommonParts
    before: list[tuple[float, Horizon]]
    after: list[tuple[float, Horizon]]
    alone: list[tuple[float, int]]
    source: InfluenceSource
    _: KW_ONLY
    normalized: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        """The aggregations offered."""
        return ("simple", "event")

    def aggregate(self, estimate: Estimate | None, kind: str) -> Estimate:
        """Return the rows of this kind."""
        every = (*self.before, *self.after)
        divisor = np.array([h.dose if self.normalized else 1.0 for _, h in every])
        contrasts = np.zeros((len(every) + 1, len(every)))
        np.fill_diagonal(contrasts, 1 / divisor)
        size = np.array([h.weight for _, h in self.after])
        received = float(size @ [h.dose_now for _, h in self.after])
        known = received > 0
        contrasts[-1, len(self.before) :] = size / (received if known else 1.0)
        values = np.array([h.estimate for _, h in every])
        rows = [Row("event", None, e, h.switchers, h.comparisons) for e, h in every]
        first = self.after[0][1]
        rows.append(Row("att", None, None, first.switchers, first.comparisons, has_error=known))
        total = contrasts @ values
        report = self.report
        if not known:  # nobody is observed while away from their baseline
            total[-1] = np.nan
            found = (*report.findings, Finding.warning("total_effect_undefined"))
            report = replace(report, findings=found)
        if kind == "simple":
            contrasts, rows, total = contrasts[-1:], rows[-1:], total[-1:]
        elif self.alone:
            report, rows, total, contrasts = self._with_blanks(report, rows, total, contrasts)
        if estimate is not None:
            method = estimate.method
            options = {**method.options, "aggregation": kind}
            report = replace(report, method=MethodRecord(method.name, options, method.covariance))
        return make_estimate(report, rows, total, self.source.combine(contrasts), self)

    def _with_blanks(
        self, report: CommonParts, rows: list[Row], values: FloatArray, contrasts: FloatArray
    ) -> tuple[CommonParts, list[Row], FloatArray, FloatArray]:
        """Add, in time order, the rows without a number of the horizons with nobody to compare."""
        reason = NotApplicable.because("cell_not_identified")
        blanks = [
            Row("event", None, event, switched, 0, has_error=False, reason=reason)
            for event, switched in self.alone
        ]
        names = [f"{event:g}" for event, _ in self.alone]
        told = Finding.warning("rows_without_effect", kind="event", n=len(names), rows=names)
        times = [event for event, _ in (*self.before, *self.after, *self.alone)]
        order = [*np.argsort(times, kind="stable").tolist(), len(times)]
        every = [*rows[:-1], *blanks, rows[-1]]
        size = len(blanks)
        values = np.concatenate([values[:-1], np.full(size, np.nan), values[-1:]])
        none = np.zeros((size, contrasts.shape[1]))
        contrasts = np.concatenate([contrasts[:-1], none, contrasts[-1:]])
        report = replace(report, findings=(*report.findings, told))
        return report, [every[i] for i in order], values[order], contrasts[order]
