"""Difference in differences with one date: two groups, before and after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, FlowStep, Influence, MethodRecord, wald_effect
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.flow import step_of_rows
from impact_eval.data.sample import DataShape, Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.base import (
    ALWAYS_TREATED_RETOLD,
    EstimatorInfo,
    Minimum,
    Variant,
    check_options,
    options_of,
    refuse_unfit,
    register,
)
from impact_eval.designs.cohort_panel import LeftOut, read_panel
from impact_eval.designs.contract import Example
from impact_eval.designs.few_independent import no_chance_seen, without_error
from impact_eval.designs.influence_sources import margin_label
from impact_eval.designs.options import option
from impact_eval.designs.own_tests import apply_tests, with_test
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.designs.row_regression import (
    Independent,
    covariance_of_rows,
    few_findings,
    fewest_clusters,
    independent_by_arm,
    independent_rows,
    sample_findings,
)
from impact_eval.designs.safe_margin import (
    SEED,
    implied_error,
    paths_of_rows,
    told_of,
)
from impact_eval.stats.inference.covariance import CR, Clustered
from impact_eval.stats.inference.covariances import Covariance, CovarianceResult, Source
from impact_eval.stats.inference.dealing import DealtTests, LinearEffects, dealt_tests
from impact_eval.stats.inference.few import are_few
from impact_eval.stats.inference.regression import least_squares
from impact_eval.stats.panels.drdid import DidMethod, TwoByTwo, panel_did
from impact_eval.stats.panels.drdid_cross_sections import cross_section_did
from impact_eval.stats.surveys.far_apart import gap_of_rows, told_far_apart

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

OLS = "ols"
TREATED = "treated"


class RepeatedComposition(StrEnum):
    """What `details` tell of the people compared: the same ones, or others each time."""

    SAME = "same"
    OTHER = "other"


@register
@dataclass(frozen=True, kw_only=True)
class DifferenceInDifferences:
    r"""Compare the change of the treated with that of the others, around one date.

    .. math::
        \hat\theta = (\bar y_{1,after} - \bar y_{1,before})
                     - (\bar y_{0,after} - \bar y_{0,before})

    conditional on covariates when there are some. In a panel each unit's periods are averaged
    before and after, so that serial correlation cannot shrink the standard error; covariates are
    read at the last period before. Several dates of entry are refused: see `CallawaySantAnna`.

    Parameters
    ----------
    method : {"dr", "dr_improved", "ipw", "ipw_ht", "reg", "ols"}
        Doubly robust (traditional, or locally efficient with a calibrated propensity), inverse
        probability weighting (normalised or not), outcome regression among the untreated, or one
        regression of changes on treatment and covariates. Without covariates all agree.
    covariance : Covariance, optional
        One of `info.covariances`. By default, for "ols", HC2, or CR2 with Satterthwaite degrees of
        freedom when there are clusters; the others use influence values as R's DRDID does (CR0).
        Below 50 clusters or 10 treated ones, a margin that holds with few (`safe_margin`): the date
        dealt anew, or CR2.

    Raises
    ------
    ImpactEvalError
        `several_dates`, `no_before_period`, and the refusals of `refuse_unfit`.

    References
    ----------
    Sant'Anna, P. and Zhao, J. (2020). doi:10.1016/j.jeconom.2020.06.003
    Bertrand, M., Duflo, E. and Mullainathan, S. (2004). doi:10.1162/003355304772839588

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3, 4, 4], "t": [1, 2] * 4,
    ...                       "g": [2, 2, 2, 2, 0, 0, 0, 0], "y": [1.0, 4, 2, 7, 1, 2, 3, 4]})
    >>> design = DifferenceInDifferences(method="ols")
    >>> estimate = design.fit(Sample(frame, unit="id", time="t", cohort="g"), "y")
    >>> round(estimate["att"].estimate, 9)
    3.0
    """

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="did",
        shapes=frozenset({DataShape.PANEL, DataShape.REPEATED_CROSS_SECTION}),
        estimands=("att",),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=True,
        minimum=Minimum(units=4, clusters=2, periods=2, treated=1, comparison=1),
        retold=ALWAYS_TREATED_RETOLD,
        assumptions=(
            "parallel_trends",
            "no_anticipation",
            "overlap",
            "no_interference",
            "stable_composition",
        ),
        checks=("pretrends", "attrition", "balance"),
        references=("10.1016/j.jeconom.2020.06.003", "10.1162/003355304772839588"),
        oracle="R DRDID 1.2.3 on NSW and simulated cross-sections: points 1e-9, errors 1e-7",
        evidence_ceiling=3,
        variants=(Variant("did", 8, frozenset({DataShape.PANEL})),),
        sources=frozenset(Source),
    )

    method: str = option(DidMethod.DR.value, one_of=(*DidMethod, OLS))
    covariance: Covariance | None = None

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def sources(self) -> frozenset[Source]:
        """What it hands over to a covariance: a fit for "ols", influence values otherwise."""
        own = Source.FIT if self.method == OLS else Source.INFLUENCE
        return frozenset({own, Source.REDRAW})

    @classmethod
    def contract_example(cls, rng: np.random.Generator) -> Example:
        """Return a panel whose treated units share one date."""
        frame = staggered_panel(rng, cohorts=(4.0, np.inf))
        return Example(cls(), frame, {"unit": "id", "time": "period", "cohort": "cohort"})

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate the effect on the treated: one row, `att`.

        Parameters
        ----------
        sample : Sample
            A panel or repeated cross-sections whose treated units share one date.
        outcome : str

        Returns
        -------
        Estimate
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        refuse_unfit(self.info, sample, outcome)
        panel = sample.shape is DataShape.PANEL
        data = _read_panel(self, sample, outcome) if panel else _read_rows(self, sample, outcome)
        for code, found in (("no_treated", data.treated), ("no_comparison", ~data.treated)):
            if not found.any():
                raise ImpactEvalError(
                    Finding.error(code, method=self.info.name, n=len(data.treated))
                )
        dealt = _dealt(data) if self.covariance is None else None
        answer = _by_ols(self, data) if self.method == OLS else _by_influence(self, data)
        return _report(self, data, replace(answer, dealt=dealt), outcome)


@dataclass(frozen=True, kw_only=True)
class _Data:
    """What is compared: changes of units, or rows before and after."""

    y: FloatArray
    after: BoolArray | None
    treated: BoolArray
    covariates: FloatArray
    names: tuple[str, ...]
    weights: FloatArray | None
    tied: Independent
    start: Any
    strata: NDArray[np.int64] | None
    flow: tuple[FlowStep, ...]
    findings: tuple[Finding, ...]
    details: dict[str, Any]

    @property
    def few(self) -> bool:
        """Whether the usual margin cannot be trusted."""
        among, others = independent_by_arm(self.treated, self.tied)
        total = fewest_clusters(self.tied)
        return are_few(total=total, treated=among, shared=among + others - total)

    @property
    def treated_independent(self) -> int:
        """How many clusters (or rows) hold somebody treated."""
        return independent_by_arm(self.treated, self.tied)[0]


@dataclass(frozen=True, slots=True)
class _Answer:
    """The effect, its covariance (one row), and the degrees of freedom printed."""

    estimate: float
    result: CovarianceResult
    df: float | None
    findings: tuple[Finding, ...]
    dealt: DealtTests | None = None


def _one_date(sample: Sample, cohorts: FloatArray) -> float:
    """Return the date of entry; several, or none after the first period, are refused."""
    first = sample.times[0]
    dates = np.unique(cohorts[np.isfinite(cohorts) & (cohorts > first)])
    if dates.size > 1:
        named = [sample.period_label(date) for date in dates[:5]]
        raise ImpactEvalError(Finding.error("several_dates", n=int(dates.size), dates=named))
    if not dates.size:
        label = sample.period_label(first)
        raise ImpactEvalError(Finding.error("no_before_period", first=label))
    return float(dates[0])


def _read_panel(design: DifferenceInDifferences, sample: Sample, outcome: str) -> _Data:
    panel = read_panel(sample, outcome, leave_out=())
    start = _one_date(sample, panel.cohorts)
    after = panel.times >= start
    if panel.balanced:  # the step is told even when nothing is missing
        panel = replace(panel, flow=(*panel.flow, sample.complete(outcome)[1]))
    total = panel.n_units
    panel = panel.leave_out(LeftOut.ALWAYS_TREATED)
    seen = panel.observed
    pair = np.any(seen[:, ~after], axis=1) & np.any(seen[:, after], axis=1)
    panel = panel.keep(pair, "missing_pairs", {"total": total})
    rows = _base_rows(sample, int(np.flatnonzero(~after)[-1]), panel.sample_units)
    mask = np.zeros(sample.n, dtype=bool)
    mask[rows] = True
    order = np.argsort(rows)
    seen, treated = panel.observed, ~panel.never[panel.codes]
    change = _mean(panel.y, seen & after) - _mean(panel.y, seen & ~after)
    return _Data(
        y=change[order],
        after=None,
        treated=treated[order],
        covariates=sample.covariate_matrix[rows[order]],
        names=sample.covariate_names,
        weights=None if panel.weights is None else panel.weights[order],
        tied=independent_rows(sample, design.covariance, mask),
        start=start,
        strata=None if sample.strata_codes is None else sample.strata_codes[rows[order]],
        flow=panel.flow,
        findings=panel.findings,
        details=_levels(panel.y, seen, after, treated),
    )


def _base_rows(sample: Sample, base: int, units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a row for each unit: its last one at or before the base period."""
    assert sample.unit_codes is not None
    assert sample.time_codes is not None
    before = np.flatnonzero(sample.time_codes <= base)
    before = before[np.argsort(sample.time_codes[before], kind="stable")]
    row = np.full(sample.n_units, -1, dtype=np.int64)
    row[sample.unit_codes[before]] = before
    return row[units]


def _mean(y: FloatArray, use: BoolArray) -> FloatArray:
    count = use.sum(axis=1)
    return np.asarray(np.where(use, y, 0.0).sum(axis=1) / np.where(count > 0, count, 1))


def _levels(y: FloatArray, seen: BoolArray, after: BoolArray, treated: BoolArray) -> dict[str, Any]:
    out: dict[str, Any] = {"composition": RepeatedComposition.SAME.value}
    for name, rows in (("treated", treated), ("comparison", ~treated)):
        for moment, columns in (("before", ~after), ("after", after)):
            values = _mean(y[rows], seen[rows] & columns)
            out[f"mean_{name}_{moment}"] = float(values.mean()) if values.size else None
    return out


def _read_rows(design: DifferenceInDifferences, sample: Sample, outcome: str) -> _Data:
    assert sample.cohorts is not None
    keep, step = sample.complete(outcome)
    flow, findings = [*sample.flow, step], sample_findings(sample, outcome)
    if step.dropped:
        findings.append(Finding.warning("missing_outcome", n=step.dropped, outcome=outcome))
    start = _one_date(sample, sample.cohorts)
    always = keep & (sample.cohorts <= sample.times[0])
    if always.any():
        keep = keep & ~always
        n, code = int(always.sum()), "always_treated_dropped"
        left = step_of_rows(keep, keep | always, sample.unit_codes, step=code, reason=code)
        flow.append(left)
        findings.append(
            Finding.warning("always_treated_dropped", n=n, total=step.n, anticipation=0)
        )
    y, treated = sample.outcome(outcome)[keep], np.isfinite(sample.cohorts[keep])
    after = sample.time_values[keep] >= start
    details: dict[str, Any] = {"composition": RepeatedComposition.OTHER.value}
    faults = []
    for name, arm in (("treated", treated), ("comparison", ~treated)):
        for moment, period in (("before", ~after), ("after", after)):
            values = y[arm & period]
            if not values.size:
                faults.append(Finding.error("empty_group", group=name, moment=moment))
                continue
            details[f"mean_{name}_{moment}"] = float(values.mean())
    if faults:
        raise ImpactEvalError(faults)
    return _Data(
        y=y,
        after=after,
        treated=treated,
        covariates=sample.covariate_matrix[keep],
        names=sample.covariate_names,
        weights=sample.weights_array[keep] if sample.has_weights else None,
        tied=independent_rows(sample, design.covariance, keep),
        start=start,
        strata=None if sample.strata_codes is None else sample.strata_codes[keep],
        flow=tuple(flow),
        findings=tuple(findings),
        details=details,
    )


def _by_ols(design: DifferenceInDifferences, data: _Data) -> _Answer:
    treated = data.treated.astype(np.float64)
    columns, names = [np.ones_like(treated)], ["constant"]
    effect = treated
    if data.after is not None:
        after = data.after.astype(np.float64)
        columns, names = [*columns, treated, after], [*names, "group", "after"]
        effect = treated * after
    # the effect comes last, so that it is the column found to depend on the others
    columns += [*data.covariates.T, effect]
    names += [*(f"x:{name}" for name in data.names), TREATED]
    fit = least_squares(data.y, np.column_stack(columns), names=names, weights=data.weights)
    if TREATED not in fit.names:
        raise ImpactEvalError(Finding.error("treatment_collinear", method=design.info.name))
    place = fit.position(TREATED)
    pick = np.eye(len(fit.names))[[place]]
    result = covariance_of_rows(fit, design.covariance, data.tied).combine(pick)
    own = np.column_stack([np.ones(len(data.y)), data.covariates])
    far = told_far_apart(gap_of_rows(own, data.treated, data.weights))
    findings = (*far, *fit.findings, *result.findings)
    return _Answer(float(fit.coefficients[place]), result, float(result.df[0]), findings)


def _by_influence(design: DifferenceInDifferences, data: _Data) -> _Answer:
    columns = np.column_stack([np.ones(len(data.y)), data.covariates])
    method = DidMethod(design.method)
    if data.after is None:
        found = panel_did(data.y, data.treated, columns, weights=data.weights, method=method)
    else:
        found = cross_section_did(
            data.y, data.after, data.treated, columns, weights=data.weights, method=method
        )
    _refuse_separation(found)
    default = CR.CR2 if data.few else CR.CR0
    covariance = design.covariance or Clustered(correction=default)
    groups = data.treated.astype(np.int64)
    if data.after is not None:
        groups = 2 * groups + data.after
    ties = replace(data.tied.ties, groups=groups, weights=data.weights)
    if covariance.by_cluster and not ties.codes:
        ties = replace(ties, codes=(np.arange(len(data.y)),))
    result = covariance.of_influence(found.influence[:, None], ties)
    plain = isinstance(covariance, Clustered) and covariance.correction in (CR.CR0, CR.CR1)
    return _Answer(
        found.estimate,
        replace(
            result,
            label=f"influence {covariance.label}",
            n_clusters=result.n_clusters if data.tied.clustered else (),
            findings=(),
        ),
        None if plain and len(ties.codes) == 1 else float(result.df[0]),
        (
            *told_far_apart(gap_of_rows(columns, data.treated, data.weights)),
            *found.findings,
            *(f for f in result.findings if f.code != "few_clusters"),
        ),
    )


def _dealt(data: _Data) -> DealtTests | None:
    """Deal anew who is treated, when few are independent and nothing is adjusted."""
    several = len(data.tied.codes) > 1  # kinds of clusters: none of them is dealt whole
    if not data.few or data.treated_independent < 2 or data.names or several:
        return None
    rows = len(data.y)
    after = data.after is not None
    paths = paths_of_rows(
        data.y,
        np.zeros(rows, dtype=np.int64) if data.after is None else data.after.astype(np.int64),
        data.tied.codes[0] if data.tied.clustered else np.arange(rows),
        np.where(data.treated, 0, 1),
        weights=np.ones(rows) if data.weights is None else data.weights,
        blocks=data.strata,
        shape=(2, 1 + after),
    )
    if paths is None:
        return None
    change = np.array([-1.0, 1.0]) if after else np.ones(1)
    weights = np.stack([change, -change])[:, :, None]
    about = np.zeros(weights.shape, dtype=bool)
    about[0, -1] = True
    return dealt_tests(paths, LinearEffects(weights=weights, cells=about), seed=SEED)


def _refuse_separation(found: TwoByTwo) -> None:
    if found.propensity is not None and found.propensity.separated:
        raise ImpactEvalError(
            Finding.error("no_overlap", largest=float(found.propensity.share.max()))
        )


def _report(
    design: DifferenceInDifferences, data: _Data, answer: _Answer, outcome: str
) -> Estimate:
    few = few_findings(data.treated, data.tied, design.covariance)
    # the influence of a single one treated is its own residual: its error would be next to nothing
    result = without_error(answer.result) if no_chance_seen(few) else answer.result
    variance = float(result.matrix[0, 0])
    defined = variance > 0
    effect = wald_effect(
        outcome=outcome,
        estimand="att",
        term="att",
        estimate=answer.estimate,
        std_error=float(np.sqrt(variance)) if defined else None,
        df=answer.df,
        n_treated=int(data.treated.sum()),
        n_comparison=int((~data.treated).sum()),
        n_clusters=min(result.n_clusters, default=None),
    )
    effects, noted = apply_tests([effect], result.tests, np.eye(1))
    label, scale = result.label, 1.0
    if answer.dealt is not None and defined:
        test = answer.dealt.tests[0]
        implied = implied_error(test)
        row = replace(effect, std_error=implied if np.isfinite(implied) else None, df=None)
        effects, noted = (with_test(row, test),), told_of(answer.dealt)
        scale, label = implied / float(np.sqrt(variance)), margin_label(answer.dealt.tests)
    findings = [*data.findings, *answer.findings, *noted, *few]
    if variance <= 0:
        findings.append(Finding.warning("no_variance", outcome=outcome))
    values = result.influence if defined and np.isfinite(scale) else None
    influence = None if values is None else Influence(values * scale, data.tied.labels)
    return Estimate(
        outcome=outcome,
        estimand="att",
        method=MethodRecord(design.info.name, options_of(design), label),
        effects=effects,
        covariance=np.array([[variance * scale**2 if defined else np.nan]]),
        counterfactual=True,
        influence=influence,
        findings=tuple(findings),
        flow=data.flow,
        details=data.details,
    )
