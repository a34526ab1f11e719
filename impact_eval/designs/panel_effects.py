"""Rows of an estimate from values, contrasts and an influence source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.effect import key_of
from impact_eval.core.estimate import (
    Aggregator,
    Effect,
    Estimate,
    Label,
    MethodRecord,
    wald_effect,
)
from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.designs.few_independent import NO_COVARIANCE, no_chance_seen
from impact_eval.designs.influence_sources import Combination, margin_label
from impact_eval.designs.own_tests import apply_tests, with_test
from impact_eval.stats.inference.covariances import OwnTest

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """What a row is: its term, its place, how many units it compares, what it may tell.

    A row without `has_error` has neither error nor interval; one without `has_interval` has its
    error and no test. One without a number has its `reason`.
    """

    term: str
    group: Label = None
    time: Label = None
    n_treated: int | None = None
    n_comparison: int | None = None
    has_error: bool = True
    has_interval: bool = True
    reason: NotApplicable | None = None

    @property
    def key(self) -> str:
        """Its short name, that of its effect."""
        return key_of(self.term, self.group, self.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonParts:
    """What the rows of one estimate have in common."""

    outcome: str
    estimand: str
    method: MethodRecord
    n_clusters: int | None
    counterfactual: bool = True
    findings: tuple[Finding, ...] = ()
    flow: tuple[Any, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def make_estimate(
    report: CommonParts,
    rows: Sequence[Row],
    values: FloatArray,
    combined: Combination,
    aggregator: Aggregator | None = None,
) -> Estimate:
    """Return the estimate of these rows; a row without error of its own has an empty inference.

    Parameters
    ----------
    report : CommonParts
    rows : sequence of k Row
    values : (k,) array
    combined : Combination
    aggregator : Aggregator, optional

    Returns
    -------
    Estimate
    """
    covariance = np.array(combined.covariance)
    variance = np.diag(covariance).copy()
    if no_chance_seen(report.findings):
        report, rows, combined = _without_errors(report, rows, combined)
    live = np.array([row.has_error for row in rows], dtype=bool)
    live &= np.isfinite(variance) & (variance > 1e-20 * np.square(values))
    covariance[~live] = np.nan
    covariance[:, ~live] = np.nan
    effects: list[Effect] = []
    clusters = report.n_clusters if combined.clusters is None else combined.clusters
    errors = np.sqrt(np.where(live, variance, 0.0)).tolist()
    numbers = zip(rows, values.tolist(), errors, live.tolist(), combined.df.tolist(), strict=True)
    for row, value, error, known, df in numbers:
        effect = wald_effect(
            outcome=report.outcome,
            estimand=report.estimand,
            term=row.term,
            group=row.group,
            time=row.time,
            estimate=value,
            std_error=error if known else None,
            df=df,
            n_treated=row.n_treated,
            n_comparison=row.n_comparison,
            n_clusters=clusters,
        )
        effects.append(_as_told(effect, row))
    rows_shown, noted = apply_tests(effects, combined.tests, np.eye(len(effects)))
    method, dealt = report.method, combined.dealt
    silent = sum(1 for i, row in enumerate(rows) if row.has_error and not live[i])
    if dealt is not None:
        rows_shown, silent = _dealt(rows_shown, rows, dealt), 0
        method = replace(method, covariance=margin_label(dealt))
    told = {finding.code for finding in report.findings}
    own = [f for f in (*combined.findings, *noted) if f.code not in told]
    untold = (Finding.warning("no_own_error", n=silent),) if silent else ()
    return Estimate(
        outcome=report.outcome,
        estimand=report.estimand,
        method=method,
        effects=rows_shown,
        covariance=covariance,
        counterfactual=report.counterfactual,
        influence=combined.influence,
        draws=combined.draws,
        aggregator=aggregator,
        findings=(*report.findings, *own, *untold),
        flow=report.flow,
        details=report.details,
    )


def _dealt(
    effects: Sequence[Effect], rows: Sequence[Row], dealt: Sequence[OwnTest]
) -> tuple[Effect, ...]:
    """Return the rows with the tests of the deals; one that may tell none keeps none."""
    return tuple(
        with_test(effect, test)
        if row.has_error and row.has_interval and effect.estimate is not None
        else effect
        for effect, row, test in zip(effects, rows, dealt, strict=True)
    )


def _without_errors(
    report: CommonParts, rows: Sequence[Row], combined: Combination
) -> tuple[CommonParts, Sequence[Row], Combination]:
    """Return the parts of rows without errors: what was computed from one is not told."""
    method = replace(report.method, covariance=NO_COVARIANCE)
    silent = [replace(row, has_error=False) for row in rows]
    return (
        replace(report, method=method),
        silent,
        replace(combined, influence=None, tests=None, dealt=None, findings=()),
    )


def _as_told(effect: Effect, row: Row) -> Effect:
    """Return an effect with what its row may tell: perhaps no test and no interval, a reason."""
    if row.reason is not None:
        effect = replace(effect, reason=row.reason)
    if row.has_interval:
        return effect
    return replace(effect, statistic=None, p_value=None, conf_low=None, conf_high=None)
