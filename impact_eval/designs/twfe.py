"""`TwoWayFixedEffects`: the regression everybody runs, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

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
from impact_eval.designs.options import option
from impact_eval.designs.panel_covariance import covariance_asked, with_cluster
from impact_eval.designs.panel_effects import CommonParts, Row, make_estimate
from impact_eval.designs.panel_ols import OlsResult, panel_ols
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.designs.reference_times import (
    not_identified,
    reference_details,
    told_from_reference,
)
from impact_eval.designs.treatment_paths import treatment_paths
from impact_eval.stats.inference.covariance import CR
from impact_eval.stats.inference.covariances import Covariance, Source
from impact_eval.stats.panels.bacon import bacon_decomposition, effect_weights

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@register
@dataclass(frozen=True)
class TwoWayFixedEffects:
    r"""Regress the outcome on treatment, unit effects and period effects.

    .. math:: y_{it} = \alpha_i + \lambda_t + \beta D_{it} + x_{it}'\gamma + e_{it}

    or, for the event study, one coefficient per period elapsed since the start, but the last one
    before it. Covariates that do not vary are crossed with the periods; those that do enter as they
    are. Weights are the unit's mean weight.

    Parameters
    ----------
    specification : {"static", "event"}
        One coefficient, or an event study. `aggregate("simple")` and `aggregate("event")` give
        both whatever was asked for.
    anticipation : int
        Periods of anticipation, in [0, T): the reference of the event study is the period before.
    window : (int, int), optional
        First and last event times with a coefficient of their own, in units of time; those beyond
        join them.
    covariance : Covariance, optional
        One of `info.covariances`; at the unit or the sample's cluster. By default CR1 with t(C -
        1); below 50 clusters or 10 treated ones, a margin that holds with few (`safe_margin`):
        dates dealt anew, or CR2 with Satterthwaite degrees of freedom.

    Notes
    -----
    `details` hold the Goodman-Bacon decomposition and the weights of de Chaisemartin and
    D'Haultfœuille on the effects of treated cells: with effects that differ, later cohorts are
    compared with earlier ones already treated, and some effects may count negatively.

    References
    ----------
    Goodman-Bacon, A. (2021). doi:10.1016/j.jeconom.2021.03.014
    de Chaisemartin, C. and D'Haultfœuille, X. (2020). doi:10.1257/aer.20181169

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.data.synthetic import staggered_panel
    >>> frame = staggered_panel(np.random.default_rng(1))
    >>> sample = Sample(frame, unit="id", time="period", cohort="cohort")
    >>> estimate = TwoWayFixedEffects().fit(sample, "y")
    >>> estimate.effects[0].term, sorted(estimate.details)
    ('att', ['bacon', 'effect_weights'])
    """

    specification: str = option("static", one_of=("static", "event"))
    anticipation: int = option(0, low=0)
    window: tuple[int, int] | None = None
    covariance: Covariance | None = None

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="twfe",
        shapes=frozenset({DataShape.PANEL}),
        estimands=("att",),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=True,
        minimum=Minimum(units=3, clusters=2, periods=2),
        assumptions=("parallel_trends", "no_anticipation", "no_interference", "constant_effects"),
        checks=("pretrends", "bacon", "negative_weights"),
        references=("10.1016/j.jeconom.2021.03.014", "10.1257/aer.20181169"),
        oracle="fixest 0.14.2, bacondecomp 0.1.1",
        evidence_ceiling=2,
        variants=(Variant("twfe", 10, frozenset({DataShape.PANEL})),),
        shortcut_on=frozenset({DataShape.PANEL}),
        regression_on=frozenset({DataShape.PANEL, DataShape.REPEATED_CROSS_SECTION}),
        sources=frozenset({Source.FIT, Source.REDRAW}),
        reversible=True,
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.window is not None and not (self.window[0] <= 0 <= self.window[1]):
            raise ImpactEvalError(
                Finding.error("window_without_start", window=self.window, method=self.info.name)
            )

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome.

        Raises
        ------
        ImpactEvalError
            What `refuse_unfit` refuses; `treatment_switches_off` for an event study;
            `no_identified_effect`.
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        asked = covariance_asked(self.covariance, sample, default=CR.CR1)
        whole, sample = sample, with_cluster(sample, asked)
        refuse_unfit(self.info, sample, outcome)
        event = self.specification == "event"
        if event and sample.switches_off:
            raise ImpactEvalError(Finding.error("treatment_switches_off", method=self.info.name))
        panel = read_panel(sample, outcome, anticipation=self.anticipation)
        fitted = _Fitted(self, panel, outcome, whole, asked)
        return fitted.event() if event else fitted.static()


@dataclass(frozen=True)
class _Fitted:
    """A prepared panel: it gives both specifications, and is the aggregator of each."""

    design: TwoWayFixedEffects
    panel: Panel
    outcome: str
    sample: Sample
    covariance: Covariance | None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Both specifications, unless the treatment switches off."""
        return ("simple",) if self.sample.switches_off else ("simple", "event")

    def aggregate(self, estimate: Estimate, kind: str) -> Estimate:
        """Return the static or the event specification, estimated on the same panel."""
        return self.event() if kind == "event" else self.static()

    def static(self) -> Estimate:
        panel, treatment = treatment_paths(self.panel, self.sample)
        # where the action stops, who has had it is compared with itself
        moving = np.ones(len(panel.starts), dtype=bool) if self.sample.switches_off else None
        result = self._regress(panel, treatment[:, :, None], moving)
        _refuse_nothing(result, self.design.info.name)
        value = result.coefficients
        details = self._diagnosis(panel, treatment, float(value[0]))
        rows = [Row("att", None, None, *_numbers(self.panel))]
        combined = result.source.combine(np.eye(1))
        return make_estimate(self._report(result, details), rows, value, combined, aggregator=self)

    def event(self) -> Estimate:
        panel, design = self.panel, self.design
        times, cells = event_columns(
            panel.event_times, panel.reference(design.anticipation), window=design.window
        )
        result = self._regress(panel, cells)
        from_reference = told_from_reference(cells, panel.cell_count > 0)
        shown = from_reference[result.kept]
        if not shown.any():
            raise ImpactEvalError(Finding.error("no_identified_effect", method=design.info.name))
        kept = times[result.kept]
        order = np.argsort(kept)
        order = order[shown[order]]
        rows = [self._event_row(float(e)) for e in kept[order]]
        combined = result.source.combine(np.eye(len(kept))[order])
        findings = not_identified(times[~from_reference])
        dropped = np.sort(times[~result.kept & from_reference]).tolist()
        if dropped:
            told = Finding.warning("event_times_dropped", times=dropped, n=len(dropped))
            findings = (*findings, told)
        early = design.anticipation
        details = dict(reference_details(panel.reference_times(early)))
        report = self._report(result, details, (*findings, *panel.references_told(early)))
        return make_estimate(report, rows, result.coefficients[order], combined, aggregator=self)

    def _regress(
        self, panel: Panel, cells: FloatArray, comparison: BoolArray | None = None
    ) -> OlsResult:
        """Regress on the rows in use: those who may react to an entry to come are not."""
        used = None if panel.entries is None else ~panel.reacting
        return panel_ols(
            panel, cells, self.sample, covariance=self.covariance, used=used, comparison=comparison
        )

    def _event_row(self, event: float) -> Row:
        panel = self.panel
        at = (panel.event_times == event) & (panel.cell_count > 0)
        treated = int(panel.cell_count[at].sum())
        comparison = int(panel.counts[panel.never].sum()) or panel.n_units - treated
        several = int(panel.cohort_clusters[at.any(axis=1)].sum()) > 1
        own = several or self.design.covariance is not None
        return Row("event", None, event, treated, comparison, has_error=own)

    def _report(
        self, result: OlsResult, details: dict[str, Any], findings: tuple[Finding, ...] = ()
    ) -> CommonParts:
        panel = self.panel
        return CommonParts(
            outcome=self.outcome,
            estimand="att",
            method=MethodRecord(self.design.info.name, options_of(self.design), result.label),
            n_clusters=panel.n_clusters,
            findings=(*panel.findings, *result.findings, *findings),
            flow=panel.flow,
            details=details,
        )

    def _diagnosis(self, panel: Panel, treatment: FloatArray, coefficient: float) -> dict[str, Any]:
        """Say what the static coefficient is made of, as JSON, or why it cannot be told."""
        return {
            "bacon": _bacon(self.panel, switches_off=self.sample.switches_off),
            "effect_weights": _effect_weights(panel, treatment, coefficient),
        }


def _refuse_nothing(result: OlsResult, method: str) -> None:
    if not result.kept.any():
        raise ImpactEvalError(Finding.error("no_identified_effect", method=method))


def _numbers(panel: Panel) -> tuple[int, int]:
    """Units treated at some time, and units never treated (not always treated when none is)."""
    treated = int(panel.counts[~panel.never].sum())
    never = int(panel.counts[panel.never].sum())
    return treated, never or int(panel.counts[panel.starts > 0].sum())


def _bacon(panel: Panel, *, switches_off: bool) -> dict[str, Any]:
    if switches_off:
        return NotApplicable.because("bacon_needs_absorbing").to_dict()
    if not panel.balanced:
        return NotApplicable.because("bacon_needs_balanced").to_dict()
    if not panel.simple:
        return NotApplicable.because("bacon_without_covariates").to_dict()
    panel = panel.by_start()
    parts = bacon_decomposition(panel.moments.mean, panel.moments.weight, panel.starts)
    label = [float(c) if np.isfinite(c) else None for c in panel.cohorts]
    return {
        "total": parts.total,
        "kinds": {
            kind.value: {"weight": weight, "estimate": estimate}
            for kind, (weight, estimate) in parts.by_kind().items()
        },
        "comparisons": [
            {"treated": label[t], "control": label[c], "kind": kind.value,
             "estimate": float(e), "weight": float(w)}
            for t, c, kind, e, w in zip(
                parts.treated, parts.control, parts.kinds, parts.estimates, parts.weights,
                strict=True,
            )
        ],
    }  # fmt: skip


def _effect_weights(panel: Panel, treatment: FloatArray, coefficient: float) -> dict[str, Any]:
    if not panel.balanced:
        return NotApplicable.because("effect_weights_need_balanced").to_dict()
    if not panel.simple:
        return NotApplicable.because("effect_weights_without_covariates").to_dict()
    found = effect_weights(treatment, panel.cell_weight, coefficient)
    spread = found.robust_spread
    return {
        "treated_cells": int(((treatment > 0) & (panel.cell_weight > 0)).sum()),
        "negative": found.negative,
        "negative_sum": found.negative_sum,
        "robust_spread": spread if np.isfinite(spread) else None,
    }


def event_columns(
    event: FloatArray, reference: BoolArray, *, window: tuple[int, int] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the event times with a coefficient, and their (G, T, K) indicators.

    Periods since the start come first, then those before it from the nearest to the farthest, so
    that without a never-treated cohort it is the farthest that collinearity leaves out.

    Parameters
    ----------
    event : (G, T) array
        Minus infinity for a cohort never treated.
    reference : (G, T) array of bool
        Cells of the reference period.
    window : (int, int), optional
        Event times beyond are brought back to its ends.
    """
    shown = np.where(reference, -np.inf, event)
    if window is not None:
        shown = np.where(np.isfinite(shown), np.clip(shown, *window), shown)
    present = np.unique(shown[np.isfinite(shown)])
    times = np.concatenate([present[present >= 0], present[present < 0][::-1]])
    return times, (shown[:, :, None] == times).astype(np.float64)
