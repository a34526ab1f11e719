"""The change between two measures of the same people: described, never called an effect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import (
    Effect,
    Estimate,
    FlowStep,
    Influence,
    MethodRecord,
    wald_effect,
)
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.vocabulary import ShareFormula
from impact_eval.data.flow import step_of_rows
from impact_eval.data.sample import DataShape, Sample
from impact_eval.designs.base import (
    EstimatorInfo,
    Minimum,
    check_options,
    options_of,
    refuse_unfit,
    register,
)
from impact_eval.designs.few_independent import OF_FEW
from impact_eval.designs.options import option
from impact_eval.designs.own_tests import with_test
from impact_eval.designs.row_regression import (
    Independent,
    covariance_of_rows,
    independent_rows,
)
from impact_eval.stats.inference.covariance import Clustered, sum_by_cluster
from impact_eval.stats.inference.covariances import (
    Covariance,
    CovarianceResult,
    OwnTest,
    Source,
)
from impact_eval.stats.inference.few import few_in_all
from impact_eval.stats.inference.regression import LinearFit, least_squares

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Pairing(StrEnum):
    """Compare each person with themselves, or everyone met before with everyone met after."""

    PAIRED = "paired"
    UNPAIRED = "unpaired"


@register
@dataclass(frozen=True, kw_only=True)
class BeforeAfter:
    r"""Measure how an outcome moved since the first period, without any comparison group.

    :math:`\bar d = \frac{1}{n}\sum_i (y_{it} - y_{i1})` over the people met at both periods, one
    row per later period. The result never says what the action caused: everything else that moved
    meanwhile is in it.

    Parameters
    ----------
    pairing : {"paired", "unpaired"}
        Repeated cross-sections are always unpaired, and the result says so.
    covariance : Covariance, optional
        One of `info.covariances`. By default HC2 (the paired t), or CR2 with Satterthwaite degrees
        of freedom when the sample has clusters. Unpaired changes of the same people are clustered
        by person.

    References
    ----------
    Campbell, D. and Stanley, J. (1963), Experimental and Quasi-Experimental Designs for Research.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "t": [1, 2] * 3, "y": [1.0, 3, 2, 3, 2, 5]})
    >>> row = BeforeAfter().fit(Sample(frame, unit="id", time="t"), "y").effects[0]
    >>> round(row.estimate, 9), round(row.std_error, 4), row.df
    (2.0, 0.5774, 2.0)
    """

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="before_after",
        shapes=frozenset({DataShape.PANEL, DataShape.REPEATED_CROSS_SECTION}),
        estimands=("change",),
        counterfactual=False,
        weights=True,
        clusters=True,
        covariates=False,
        minimum=Minimum(units=2, clusters=2, periods=2, treated=0, comparison=0),
        assumptions=("nothing_else_moved", "same_people_answer"),
        checks=("attrition",),
        references=("10.1002/sim.3337",),
        oracle="paired t of R datasets::sleep: t = 4.0621, df = 9, p = 0.002833",
        evidence_ceiling=1,
        formula=ShareFormula.TWO_DATES,
        sources=frozenset({Source.FIT}),
        assignment=False,
        reversible=True,
    )

    pairing: str = option(Pairing.PAIRED.value, one_of=Pairing)
    covariance: Covariance | None = None

    def __post_init__(self) -> None:
        check_options(self)

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Measure the change since the first period: one row `change` per later period.

        Parameters
        ----------
        sample : Sample
            A panel or repeated cross-sections; the action's dates are not used.
        outcome : str

        Returns
        -------
        Estimate
            `counterfactual` is False.
        """
        refuse_unfit(self.info, sample, outcome)
        people = sample.shape is DataShape.PANEL
        paired = people and self.pairing == Pairing.PAIRED
        changes = _paired(self, sample, outcome) if paired else _unpaired(self, sample, outcome)
        return _report(self, sample, outcome, changes, paired=paired)


@dataclass(frozen=True, slots=True)
class _PeriodChange:
    """The change at one period, with the influence of each independent unit.

    `influence` sums to the variance where the covariance is such a sum (`regular`); otherwise it
    only says how the changes of two periods go together. `members` are the codes of those met at
    both periods.
    """

    time: Any
    estimate: float
    variance: float
    df: float
    n: int
    n_clusters: int | None
    influence: FloatArray
    regular: bool
    units: NDArray[Any]
    members: NDArray[np.int64]
    test: OwnTest | None
    details: dict[str, float]
    findings: tuple[Finding, ...]
    label: str


@dataclass(frozen=True, slots=True)
class _Measured:
    """The fit of one change, which coefficient it is, and the covariance of that one."""

    fit: LinearFit
    place: int
    result: CovarianceResult
    tied: Independent

    def influence(self) -> FloatArray:
        """Influence by independent unit; that of the plain sandwich when there is no other."""
        if self.result.influence is not None:
            return self.result.influence[:, 0]
        rows = self.fit.scores @ self.fit.bread[:, [self.place]]
        if self.tied.clustered:
            rows = sum_by_cluster(rows, self.tied.codes[0])
        return rows[:, 0]


def _measured(
    fit: LinearFit, place: int, covariance: Covariance | None, tied: Independent
) -> _Measured:
    pick = np.eye(len(fit.names))[[place]]
    return _Measured(fit, place, covariance_of_rows(fit, covariance, tied).combine(pick), tied)


def _change(
    time: Any,
    measured: _Measured,
    n: int,
    levels: dict[str, float],
    members: NDArray[np.int64] | None = None,
) -> _PeriodChange:
    place, result = measured.place, measured.result
    estimate = float(measured.fit.coefficients[place])
    tests: tuple[OwnTest, ...] = ()
    if result.tests is not None and result.matrix[0, 0] > 0:
        tests = result.tests(np.eye(1), np.array([estimate]))
    return _PeriodChange(
        time=time,
        estimate=estimate,
        variance=float(result.matrix[0, 0]),
        df=float(result.df[0]),
        n=n,
        n_clusters=min(result.n_clusters, default=None),
        influence=measured.influence(),
        regular=result.influence is not None,
        units=measured.tied.labels,
        members=np.empty(0, np.int64) if members is None else members,
        test=tests[0] if tests else None,
        details=levels,
        findings=(*result.findings, *(f for test in tests for f in test.findings)),
        label=result.label,
    )


def _period(sample: Sample, j: int) -> Any:
    label = sample.time_labels[j]
    if sample.time_labels.dtype.kind in "iuf":
        return float(label)
    return str(label)[:10] if sample.time_labels.dtype.kind == "M" else str(label)


def _paired(design: BeforeAfter, sample: Sample, outcome: str) -> list[_PeriodChange]:
    wide = sample.wide(outcome)
    assert sample.unit_codes is not None
    first_row = np.zeros(sample.n_units, dtype=np.int64)
    first_row[sample.unit_codes[::-1]] = np.arange(sample.n)[::-1]
    changes = []
    for j in range(1, len(wide.times)):
        both = ~np.isnan(wide.y[:, 0]) & ~np.isnan(wide.y[:, j])
        if both.sum() < 2:
            continue
        keep = np.zeros(sample.n, dtype=bool)
        rows = first_row[both]
        keep[rows] = True
        order = np.argsort(rows)  # rows of the sample are read in their own order
        before, after = wide.y[both, 0][order], wide.y[both, j][order]
        weights = wide.weights[both][order] if sample.has_weights else None
        fit = least_squares(
            after - before, np.ones((len(order), 1)), names=["change"], weights=weights
        )
        tied = independent_rows(sample, design.covariance, keep)
        measured = _measured(fit, 0, design.covariance, tied)
        levels = _levels(before, after, weights)
        people = np.flatnonzero(both)
        changes.append(_change(_period(sample, j), measured, len(order), levels, people))
    return changes


def _unpaired(design: BeforeAfter, sample: Sample, outcome: str) -> list[_PeriodChange]:
    assert sample.time_codes is not None
    y, seen = sample.outcome(outcome), sample.complete(outcome)[0]
    covariance = design.covariance
    if covariance is None and sample.unit is not None and not sample.cluster_names:
        covariance = Clustered(sample.unit)
    changes = []
    for j in range(1, sample.n_periods):
        keep = seen & ((sample.time_codes == 0) | (sample.time_codes == j))
        after = sample.time_codes[keep] == j
        if after.sum() < 2 or (~after).sum() < 2:
            continue
        weights = sample.weights_array[keep] if sample.has_weights else None
        columns = np.column_stack([np.ones(len(after)), after])
        fit = least_squares(y[keep], columns, names=["level", "change"], weights=weights)
        tied = independent_rows(sample, covariance, keep)
        measured = _measured(fit, 1, covariance, tied)
        levels = _levels(y[keep][~after], y[keep][after], None)
        changes.append(_change(_period(sample, j), measured, int(after.sum()), levels))
    return changes


def _levels(before: FloatArray, after: FloatArray, weights: FloatArray | None) -> dict[str, float]:
    out = {
        "mean_before": float(np.average(before, weights=weights)),
        "mean_after": float(np.average(after, weights=weights)),
        "sd_before": float(before.std(ddof=1)),
        "sd_after": float(after.std(ddof=1)),
        "n_before": len(before),
        "n_after": len(after),
    }
    if len(before) == len(after):
        out["sd_change"] = float((after - before).std(ddof=1))
    return out


def _report(
    design: BeforeAfter, sample: Sample, outcome: str, changes: list[_PeriodChange], *, paired: bool
) -> Estimate:
    if not changes:
        raise ImpactEvalError(Finding.error("no_pair", n=sample.n_units, outcome=outcome))
    units = np.unique(np.concatenate([change.units for change in changes]))
    psi = np.zeros((len(units), len(changes)))
    for j, change in enumerate(changes):
        psi[np.searchsorted(units, change.units), j] = change.influence
    covariance = psi.T @ psi
    regular = all(change.regular for change in changes)
    if not regular:  # the variances are those computed; periods go together as their influence does
        spread = np.sqrt([max(change.variance, 0.0) for change in changes])
        alone = np.sqrt(np.diag(covariance))
        covariance *= np.outer(spread, spread) / np.outer(alone, alone).clip(min=1e-300)
    dead = np.diag(covariance) <= 0
    covariance[dead, :] = np.nan
    covariance[:, dead] = np.nan
    findings = _findings(sample, outcome, changes, paired=paired, dead=bool(dead.any()))
    return Estimate(
        outcome=outcome,
        estimand="change",
        method=MethodRecord(design.info.name, options_of(design), changes[-1].label),
        effects=tuple(
            _effect(outcome, change, covariance[j, j]) for j, change in enumerate(changes)
        ),
        covariance=covariance,
        counterfactual=False,
        influence=Influence(psi, units) if regular else None,
        findings=findings,
        flow=_flow(sample, outcome, changes[-1], paired=paired),
        details={
            "levels": [{"time": change.time, **change.details} for change in changes],
            "paired": paired,
        },
    )


def _effect(outcome: str, change: _PeriodChange, variance: float) -> Effect:
    effect = wald_effect(
        outcome=outcome,
        estimand="change",
        term="change",
        time=change.time,
        estimate=change.estimate,
        std_error=float(np.sqrt(variance)),
        df=change.df,
        n_treated=change.n,
        n_clusters=change.n_clusters,
    )
    return effect if change.test is None else with_test(effect, change.test)


def _findings(
    sample: Sample, outcome: str, changes: list[_PeriodChange], *, paired: bool, dead: bool
) -> tuple[Finding, ...]:
    found = [*sample.findings_on(outcome), Finding.warning("no_comparison_group", outcome=outcome)]
    if not paired:
        people = sample.shape is DataShape.PANEL
        found.append(Finding.warning("unpaired_by_choice" if people else "unpaired"))
    last = changes[-1]
    if paired and last.n < sample.n_units:
        found.append(
            Finding.warning("missing_pairs", n=sample.n_units - last.n, total=sample.n_units)
        )
    few = few_in_all(len(last.units), shared=len(last.units))  # compared with themselves
    codes = {*OF_FEW, *(finding.code for finding in found)}
    for finding in (f for change in changes for f in change.findings if f.code not in codes):
        if finding not in found:
            found.append(finding)
    found += few
    if dead:
        found.append(Finding.warning("no_variance", outcome=outcome))
    return tuple(found)


def _flow(
    sample: Sample, outcome: str, last: _PeriodChange, *, paired: bool
) -> tuple[FlowStep, ...]:
    observed, step = sample.complete(outcome)
    if not paired:
        return (*sample.flow, step)
    assert sample.unit_codes is not None
    paired_rows = observed & np.isin(sample.unit_codes, last.members)
    pairs = step_of_rows(
        paired_rows, observed, sample.unit_codes, step="people_paired", reason="missing_pairs"
    )
    return (*sample.flow, step, pairs)
