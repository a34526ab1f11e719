"""From group-time kernels to an `Estimate` that can aggregate itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, Label, MethodRecord
from impact_eval.core.findings import Finding
from impact_eval.designs.cell_aggregation import Alone, CellAggregator, Cells
from impact_eval.designs.few_independent import few_independent, lonely_cohorts
from impact_eval.designs.group_time_data import GroupTimeData
from impact_eval.designs.influence_sources import InfluenceSource, JointSource
from impact_eval.designs.panel_effects import CommonParts
from impact_eval.designs.reference_times import reference_findings
from impact_eval.designs.safe_margin import DealtSource
from impact_eval.stats.inference.covariance import CR, Clustered
from impact_eval.stats.inference.covariances import Covariance
from impact_eval.stats.inference.dealing import LinearEffects
from impact_eval.stats.panels.group_time import GroupTimeFit
from impact_eval.stats.panels.group_time_moments import cell_weights
from impact_eval.stats.surveys.far_apart import told_far_apart
from impact_eval.stats.surveys.propensity import NO_OVERLAP, TRIM

FloatArray = NDArray[np.float64]


def group_time_estimate(
    data: GroupTimeData,
    fit: GroupTimeFit,
    *,
    outcome: str,
    name: str,
    options: Mapping[str, Any],
    never_only: bool,
    balance: float | None,
    window: tuple[float | None, float | None] | None,
) -> Estimate:
    """Make the estimate of group-time cells: rows, joint covariance, lazy influence, aggregator.

    A cell without estimate has its reason in the findings; the reference period and a cohort of one
    unit have an estimate and no interval. `never_only`: the never treated alone are compared with.
    """
    covariance = data.covariance
    source, n_independent = _source(data, fit, covariance)
    safe = _safe(data, fit, source)
    sizes = zip(fit.plan.cohorts, data.n_units, strict=True)
    report = CommonParts(
        outcome=outcome,
        estimand="att",
        method=MethodRecord(name, dict(options), covariance_label(data, covariance)),
        n_clusters=n_independent,
        findings=data.findings,
        flow=data.flow,
        details={
            "cohorts": {_tell(data.label(g)): int(n) for g, n in sizes if g <= fit.plan.times[-1]}
        },
    )
    table = CellAggregator(
        cells=_cells(data, fit),
        report=report,
        source=safe,
        shares=len(fit.plan.cohorts),
        alone=Alone.NO_INTERVAL,
        balance=balance,
        window=window,
        span=(float(fit.plan.times[0]), float(fit.plan.times[-1])),
        elapsed=fit.plan.times[fit.plan.time] - fit.plan.times[fit.plan.base],
        label=data.label,
    )
    few = few_independent(
        treated=data.treated_independent,
        comparison=data.never_independent if never_only else data.later_independent,
        total=n_independent,
        shared=data.treated_independent + data.never_independent - n_independent,
        clustered=data.clustered,
        holds_with_one=covariance.holds_with_one,
    )
    references = _references(data, fit, float(options.get("anticipation") or 0))
    found = (*data.findings, *references, *_findings(data, fit, table), *few)
    return replace(table, report=replace(report, findings=found)).estimate()


def _source(
    data: GroupTimeData, fit: GroupTimeFit, covariance: Covariance
) -> tuple[JointSource, int]:
    """Return the covariance of cells and shares, and how many units or clusters it counts.

    It is the kernel's own, or one asked for by name, computed from the influence values.
    """
    size = fit.plan.size
    if data.bound is not None:
        result = data.bound.of_influence(fit.influence())
        counted = min(result.n_clusters, default=fit.n_independent)
        source = JointSource(
            covariance=result.matrix,
            influence=None,
            labels=data.bound.labels,
            size=size,
            result=result,
        )
        return source, counted
    factor = 1.0
    if isinstance(covariance, Clustered) and covariance.correction == CR.CR1:
        factor = fit.n_independent / max(fit.n_independent - 1, 1)
    root = float(np.sqrt(factor))
    source = JointSource(
        covariance=fit.covariance * factor,
        influence=lambda combinations: fit.influence(combinations) * root,
        labels=data.independent,
        size=size,
    )
    return source, fit.n_independent


def _safe(data: GroupTimeData, fit: GroupTimeFit, source: JointSource) -> InfluenceSource:
    """Return the source of a margin that holds with few, where dates can be dealt anew."""
    if data.paths is None:
        return source
    plan, paths = fit.plan, data.paths
    weight = np.zeros(paths.n_labels)
    np.add.at(weight, paths.labels, paths.sizes.mean(axis=1))
    if len(weight) == len(plan.cohorts):  # nobody is never treated
        weight = np.append(weight, 0.0)
    weights = cell_weights(weight, plan)[: paths.n_labels]
    cells = np.zeros(weights.shape, dtype=bool)
    cells[plan.cohort, plan.time, np.arange(plan.size)] = True
    return DealtSource(source, paths, LinearEffects(weights=weights, cells=cells))


def _cells(data: GroupTimeData, fit: GroupTimeFit) -> Cells:
    plan = fit.plan
    return Cells(
        effects=fit.estimates,
        event_time=plan.event_time,
        period=plan.times[plan.time],
        weight=fit.shares[plan.cohort],
        share=plan.cohort,
        cohort=plan.cohort,
        n_treated=fit.n_treated,
        n_comparison=fit.n_comparison,
        cohorts=plan.cohorts,
        sizes=fit.shares,
        n_units=data.n_units,
        n_clusters=data.n_independent,
        untested=plan.reference | ~np.isfinite(fit.estimates),
        why={i: str(code) for i, code in fit.undefined.items()},
    )


def _references(data: GroupTimeData, fit: GroupTimeFit, anticipation: float) -> tuple[Finding, ...]:
    """Name what each treated cohort is compared with, when it is not the period just before."""
    plan, post = fit.plan, fit.plan.post
    times = np.full(len(plan.cohorts), np.nan)
    times[plan.cohort[post]] = (plan.times[plan.base] - plan.cohorts[plan.cohort])[post]
    return reference_findings([_tell(data.label(g)) for g in plan.cohorts], times, anticipation)


def _tell(label: Label) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)


def covariance_label(data: GroupTimeData, covariance: Covariance) -> str:
    """Name the formula: by unit or by cluster, and its small-sample factor."""
    if not isinstance(covariance, Clustered):
        return f"influence {covariance.label}"
    level = "cluster" if data.clustered else "unit"
    named = f" ({', '.join(covariance.columns)})" if covariance.columns else ""
    return f"influence {covariance.correction} by {level}{named}"


def _findings(data: GroupTimeData, fit: GroupTimeFit, table: CellAggregator) -> list[Finding]:
    found: list[Finding] = []
    rows = table.rows() if fit.undefined else []
    for reason in sorted(set(fit.undefined.values())):
        keys = [rows[i].key for i in sorted(fit.undefined) if fit.undefined[i] == reason]
        found.append(Finding.warning(str(reason), n=len(keys), cells=keys[:12]))
    if fit.plan.reference.any():
        found.append(Finding.info("reference_period", n=int(fit.plan.reference.sum())))
    used = np.isin(np.arange(len(data.n_units)), fit.plan.cohort)
    names = [_tell(data.label(g)) for g in fit.plan.cohorts[used]]
    found += lonely_cohorts(names, data.n_units[used], data.n_independent[used])
    found += told_far_apart(fit.gap)
    if fit.trimmed:
        found.append(Finding.warning("trimmed_comparison", n=fit.trimmed, limit=TRIM))
    if fit.largest_propensity >= NO_OVERLAP:
        found.append(
            Finding.warning("weak_overlap", largest=fit.largest_propensity, limit=NO_OVERLAP)
        )
    return found
