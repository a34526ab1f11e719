"""From group-time kernels to an `Estimate` that can aggregate itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import (
    Effect,
    Estimate,
    Influence,
    Label,
    MethodRecord,
    wald_effect,
)
from impact_eval.core.findings import Finding
from impact_eval.designs.few_independent import few_independent
from impact_eval.designs.group_time_aggregation import (
    GroupTimeAggregator,
    GroupTimeCells,
    without_interval,
)
from impact_eval.designs.group_time_data import GroupTimeData
from impact_eval.designs.own_tests import apply_tests
from impact_eval.stats.inference.covariance import CR, Clustered
from impact_eval.stats.inference.covariances import Covariance, CovarianceResult
from impact_eval.stats.panels.group_time import GroupTimeFit
from impact_eval.stats.surveys.propensity import NO_OVERLAP, TRIM

FloatArray = NDArray[np.float64]


def group_time_estimate(
    data: GroupTimeData,
    fit: GroupTimeFit,
    *,
    outcome: str,
    name: str,
    options: Mapping[str, Any],
    covariance: Covariance,
    balance: float | None,
    window: tuple[float | None, float | None] | None,
) -> Estimate:
    """Make the estimate of group-time cells: rows, joint covariance, lazy influence, aggregator.

    A cell without estimate has its reason in the findings; the reference period and a cohort of one
    unit have an estimate and no interval.
    """
    size = fit.plan.size
    spread = _spread(data, fit, covariance)
    joint, n_independent = spread.joint, spread.n_independent
    matrix = _own_covariance(data, fit, joint)
    effects, noted = _rows(data, fit, outcome, matrix, spread)
    aggregator = GroupTimeAggregator(
        cells=_cells(data, fit),
        estimates=fit.estimates,
        covariance=joint,
        influence=spread.influence,
        result=spread.result,
        units=spread.labels,
        n_clusters=n_independent,
        balance=balance,
        window=window,
        label=data.label,
    )
    sizes = zip(fit.plan.cohorts, data.n_units, strict=True)
    return Estimate(
        outcome=outcome,
        estimand="att",
        method=MethodRecord(name, dict(options), covariance_label(data, covariance)),
        effects=effects,
        covariance=matrix,
        counterfactual=True,
        influence=spread.of_cells(size),
        aggregator=aggregator,
        findings=(*data.findings, *_findings(data, fit, effects, spread), *noted),
        flow=data.flow,
        details={"cohorts": {_tell(data.label(start)): int(n) for start, n in sizes}},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spread:
    """The covariance of cells and shares: the kernel's own, or one asked for by name.

    `influence` makes the (m, J) influence values of (J, c + K) combinations; None when the
    covariance is no sum of them.
    """

    joint: FloatArray
    n_independent: int
    labels: NDArray[Any]
    influence: Callable[[FloatArray], FloatArray] | None
    result: CovarianceResult | None = None

    def of_cells(self, size: int) -> Influence | None:
        """Influence of the first cells, made when asked for."""
        make = self.influence
        if make is None:
            return None
        return Influence(lambda: make(np.eye(len(self.joint))[:size]), self.labels)


def _spread(data: GroupTimeData, fit: GroupTimeFit, covariance: Covariance) -> _Spread:
    if data.bound is None:
        factor = 1.0
        if isinstance(covariance, Clustered) and covariance.correction == CR.CR1:
            factor = fit.n_independent / max(fit.n_independent - 1, 1)
        root = float(np.sqrt(factor))
        return _Spread(
            joint=fit.covariance * factor,
            n_independent=fit.n_independent,
            labels=data.independent,
            influence=lambda combinations: fit.influence(combinations) * root,
        )
    result = data.bound.of_influence(fit.influence())
    values = result.influence
    return _Spread(
        joint=result.matrix,
        n_independent=result.n_clusters[0] if result.n_clusters else fit.n_independent,
        labels=data.bound.labels,
        influence=None if values is None else lambda combinations: values @ combinations.T,
        result=result,
    )


def _own_covariance(data: GroupTimeData, fit: GroupTimeFit, joint: FloatArray) -> FloatArray:
    """Return the covariance of the cells, NaN where a cell has no variance of its own."""
    size = fit.plan.size
    blank = (data.n_units[fit.plan.cohort] <= 1) | fit.plan.reference
    blank |= ~np.isfinite(fit.estimates) | (np.diag(joint)[:size] <= 0)
    matrix = joint[:size, :size].copy()
    matrix[blank, :] = np.nan
    matrix[:, blank] = np.nan
    return matrix


def _rows(
    data: GroupTimeData, fit: GroupTimeFit, outcome: str, matrix: FloatArray, spread: _Spread
) -> tuple[tuple[Effect, ...], tuple[Finding, ...]]:
    plan, result = fit.plan, spread.result
    std_errors = np.sqrt(np.diag(matrix))
    rows = [
        wald_effect(
            outcome=outcome,
            estimand="att",
            term="att_gt",
            group=data.label(plan.cohorts[plan.cohort[i]]),
            time=data.label(plan.times[plan.time[i]]),
            estimate=float(fit.estimates[i]),
            std_error=float(std_errors[i]),
            n_treated=int(fit.n_treated[i]),
            n_comparison=int(fit.n_comparison[i]),
            n_clusters=spread.n_independent,
            df=None if result is None else float(result.df[i]),
        )
        for i in range(plan.size)
    ]
    one_cluster = data.n_independent[plan.cohort] <= 1
    shown = [
        without_interval(row) if alone else row
        for row, alone in zip(rows, one_cluster, strict=True)
    ]
    if result is None:
        return tuple(shown), ()
    return apply_tests(shown, result.tests, np.eye(len(result.matrix))[: plan.size])


def _cells(data: GroupTimeData, fit: GroupTimeFit) -> GroupTimeCells:
    plan = fit.plan
    return GroupTimeCells(
        cohort=plan.cohort,
        event_time=plan.event_time,
        period=plan.times[plan.time],
        cohorts=plan.cohorts,
        shares=fit.shares,
        times=plan.times,
        n_treated=fit.n_treated,
        n_comparison=fit.n_comparison,
        n_units=data.n_units,
        n_independent=data.n_independent,
    )


def _tell(label: Label) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)


def covariance_label(data: GroupTimeData, covariance: Covariance) -> str:
    """Name the formula: by unit or by cluster, and its small-sample factor."""
    if not isinstance(covariance, Clustered):
        return f"influence {covariance.label}"
    level = "cluster" if data.clustered else "unit"
    named = f" ({', '.join(covariance.columns)})" if covariance.columns else ""
    return f"influence {covariance.correction} by {level}{named}"


def _findings(
    data: GroupTimeData, fit: GroupTimeFit, effects: tuple[Effect, ...], spread: _Spread
) -> list[Finding]:
    found: list[Finding] = []
    for reason in sorted(set(fit.undefined.values())):
        keys = [effects[i].key for i in sorted(fit.undefined) if fit.undefined[i] == reason]
        found.append(Finding.warning(str(reason), n=len(keys), cells=keys[:12]))
    if fit.plan.reference.any():
        found.append(Finding.info("reference_period", n=int(fit.plan.reference.sum())))
    used = np.isin(np.arange(len(data.n_units)), fit.plan.cohort)
    one_unit = used & (data.n_units <= 1)
    one_cluster = used & ~one_unit & (data.n_independent <= 1)
    for code, which in (("one_unit_cohort", one_unit), ("one_cluster_cohort", one_cluster)):
        if which.any():
            names = [_tell(data.label(g)) for g in fit.plan.cohorts[which]]
            found.append(Finding.warning(code, n=len(names), cohorts=names))
    found += few_independent(
        treated=data.treated_independent, total=spread.n_independent, clustered=data.clustered
    )
    if spread.result is not None:
        told = {finding.code for finding in found}
        found += [finding for finding in spread.result.findings if finding.code not in told]
    if fit.trimmed:
        found.append(Finding.warning("trimmed_comparison", n=fit.trimmed, limit=TRIM))
    if fit.largest_propensity >= NO_OVERLAP:
        found.append(
            Finding.warning("weak_overlap", largest=fit.largest_propensity, limit=NO_OVERLAP)
        )
    return found
