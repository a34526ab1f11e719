"""`WaldDiD`: the effect of being offered, the difference in entries, and their ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
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
from impact_eval.core.inference import critical_value
from impact_eval.data.flow import step_of_rows
from impact_eval.data.sample import DataShape, Sample
from impact_eval.data.synthetic import trial
from impact_eval.designs.base import (
    EstimatorInfo,
    Minimum,
    check_options,
    options_of,
    refuse_unfit,
    register,
)
from impact_eval.designs.contract import Example
from impact_eval.designs.eligibility import row_flag
from impact_eval.designs.few_independent import (
    NO_COVARIANCE,
    clusters_declared,
    few_independent,
    no_chance_seen,
)
from impact_eval.designs.options import option
from impact_eval.designs.panel_covariance import covariance_asked, with_cluster
from impact_eval.designs.ties import cluster_columns, ties_of_rows
from impact_eval.stats.inference.cluster_moments import ClusterMoments, satterthwaite_df
from impact_eval.stats.inference.covariance import (
    CR,
    Clustered,
    cluster_moments,
    small_sample_factor,
)
from impact_eval.stats.inference.covariances import Covariance, Source, Ties
from impact_eval.stats.inference.ratio import FiellerSet, FiellerShape, fieller_set
from impact_eval.stats.inference.regression import LinearFit, least_squares

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_ROUNDING = 1e-10  # of the size of a number, below which it is an error of rounding
WEAK_F = 10.0  # squared t of the difference in entries below which the ratio is not to be trusted


@register
@dataclass(frozen=True)
class WaldDiD:
    r"""Divide the difference in outcomes by the difference in entries (the Garantie jeunes design).

    Some of those offered do not enter, some of the others do. Three rows: `itt`, the difference in
    differences of the outcome; `take_up`, that of entries; `wald`, their ratio.

    With a cross-section, the two differences are territories that offer or not (the treatment role)
    and eligible people or « super-témoins » (people like them but not eligible). With periods, they
    are before and after in territories that start or not, and with `eligible` the same net of the
    others' (a triple difference).

    Parameters
    ----------
    take_up : str
        Column of entries, 0/1 (or a share).
    eligible : str, optional
        Column of 0/1: eligible, or « super-témoin ». Needed in a cross-section.
    interval : {"fieller", "delta"}
        Interval and p-value of the ratio: Fieller's set (right when few enter), or the delta
        method.
    covariance : Covariance, optional
        One of `info.covariances`. By default CR1 with t(C - 1), and CR2 with Satterthwaite degrees
        of freedom below 50 clusters or 10 treated ones; rows (units in a panel) when no cluster is
        given.

    Notes
    -----
    The ratio is an effect on those who enter because of the offer only if effects do not change
    over time nor differ between groups (de Chaisemartin and D'Haultfœuille 2018).

    References
    ----------
    de Chaisemartin, C. and D'Haultfœuille, X. (2018). doi:10.1093/restud/rdx049
    Fieller, E. C. (1954). doi:10.1111/j.2517-6161.1954.tb00159.x
    """

    take_up: str = "take_up"
    eligible: str | None = None
    interval: str = option("fieller", one_of=("fieller", "delta"))
    covariance: Covariance | None = None

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="wald_did",
        shapes=frozenset(DataShape),
        estimands=("itt", "take_up", "late"),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=True,
        minimum=Minimum(units=4, clusters=2),
        assumptions=("parallel_trends", "stable_effects", "entry_only_channel", "no_interference"),
        checks=("pretrends",),
        references=("10.1093/restud/rdx049", "10.1111/j.2517-6161.1954.tb00159.x"),
        oracle="two-stage least squares by linearmodels; Fieller by inversion",
        evidence_ceiling=3,
        sources=frozenset({Source.FIT}),
        wald_only=True,
        # the row of entries does not depend on the outcome; the others are linear in it
        linear_in_outcome=False,
    )

    def __post_init__(self) -> None:
        check_options(self)

    @classmethod
    def contract_example(cls, rng: np.random.Generator) -> Example:
        """Give the contract battery a trial of places where half of the people are eligible."""
        frame = trial(rng, people=600, clusters=60, effect=0.0)
        eligible = np.arange(len(frame)) % 2
        entered = frame["treated"] * eligible * (rng.random(len(frame)) < 0.6)
        frame = frame.assign(
            eligible=eligible, take_up=entered, truth=1.5 * entered, y=frame["y"] + 1.5 * entered
        )
        roles = {"unit": "id", "treatment": "treated"}
        return Example(
            cls(eligible="eligible"), frame, roles,
            truth={"itt": 0.9, "wald": 1.5}, without={"take_up": 0.6}, concerned="eligible",
            own_intervals=("wald",),
        )  # fmt: skip

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome: rows `itt`, `take_up`, `wald`.

        Raises
        ------
        ImpactEvalError
            What `refuse_unfit` refuses; `eligible_needed` in a cross-section without it;
            `missing_column`, `text_outcome` for entries; `treatment_not_binary`;
            `take_up_constant`; `no_identified_effect` when a group has nobody.
        """
        asked = covariance_asked(self.covariance, sample, default=CR.CR1)
        whole, sample = sample, with_cluster(sample, asked)
        refuse_unfit(self.info, sample, outcome)
        table = self._read(sample, outcome)
        names, design = _design(table)
        fits = [
            least_squares(y, design, names=names, weights=table.weights)
            for y in (table.outcome, table.entry)
        ]
        if "effect" not in fits[0].names:
            raise ImpactEvalError(Finding.error("no_identified_effect", method=self.info.name))
        correction, findings = self._correction(table)
        own = cluster_columns(whole, asked) == sample.cluster_names
        if asked is None or (own and isinstance(asked, Clustered)):
            pair = _pair(fits, table.clusters, correction)
        else:
            pair = _pair_of_rows(fits, asked, ties_of_rows(whole, asked, table.rows).ties)
        return self._estimate(table, pair, outcome, (*table.findings, *findings))

    def _read(self, sample: Sample, outcome: str) -> _CompleteRows:
        if self.eligible is None and sample.shape is DataShape.CROSS_SECTION:
            raise ImpactEvalError(Finding.error("eligible_needed", method=self.info.name))
        y, entry = sample.outcome(outcome), sample.outcome(self.take_up)
        eligible = None if self.eligible is None else row_flag(sample, self.eligible)
        known = ~np.isnan(y) & ~np.isnan(entry) & (sample.weights_array > 0)
        left = int((~known).sum())
        flow = sample.flow
        if left:
            step = step_of_rows(
                known, None, sample.unit_codes,
                step="outcome_and_entry_observed", reason="missing_outcome",
            )  # fmt: skip
            flow = (*flow, step)
        codes = sample.cluster_codes
        if codes is None:
            panel = sample.shape is DataShape.PANEL
            codes = sample.unit_codes if panel else np.arange(sample.n)
        assert codes is not None
        assert sample.treated is not None
        findings = [*sample.findings_on(outcome)]
        findings += [f for f in sample.findings_on(self.take_up) if f not in findings]
        waves = np.unique(_cohorts(sample)[np.isfinite(_cohorts(sample))]).size
        if waves > 1:
            findings.append(Finding.warning("several_waves_pooled", n=waves))
        return _CompleteRows(
            rows=np.flatnonzero(known),
            outcome=y[known],
            entry=entry[known],
            treated=sample.treated[known],
            cohort=_cohorts(sample)[known],
            period=None if sample.time_codes is None else sample.time_codes[known],
            eligible=None if eligible is None else eligible[known],
            covariates=sample.covariate_matrix[known],
            weights=sample.weights_array[known] if sample.has_weights else None,
            clusters=np.unique(codes[known], return_inverse=True)[1],
            labels=_labels(sample, codes)[np.unique(codes[known])],
            clusters_declared=clusters_declared(sample),
            flow=flow,
            findings=tuple(findings),
        )

    def _correction(self, table: _CompleteRows) -> tuple[CR, tuple[Finding, ...]]:
        offered = np.isfinite(table.cohort)
        among, others = (int(np.unique(table.clusters[arm]).size) for arm in (offered, ~offered))
        findings = few_independent(
            treated=among,
            comparison=others,
            total=len(table.labels),
            shared=among + others - len(table.labels),
            clustered=table.clusters_declared,
            holds_with_one=self.covariance is not None and self.covariance.holds_with_one,
        )
        if isinstance(self.covariance, Clustered):
            return CR(self.covariance.correction), findings
        return (CR.CR2 if findings else CR.CR1), findings

    def _estimate(
        self, table: _CompleteRows, pair: _Pair, outcome: str, findings: tuple[Finding, ...]
    ) -> Estimate:
        itt, entry = pair.values
        if abs(entry) <= _ROUNDING * float(np.abs(table.entry).max()):
            raise ImpactEvalError(Finding.error("take_up_constant", column=self.take_up))
        alone = no_chance_seen(findings)
        if alone:
            nothing = np.full((2, 2), np.nan)
            pair = replace(pair, covariance=nothing, influence=None, label=NO_COVARIANCE)
        theta = itt / entry
        turn = np.array([[1.0, 0.0], [0.0, 1.0], [1 / entry, -theta / entry]])
        covariance = turn @ pair.covariance @ turn.T
        values = pair.influence
        rows = _rows(table, pair, outcome, (itt, entry, theta), covariance)
        critical = math.inf if alone else critical_value(0.95, pair.df)
        ratio = fieller_set(itt, entry, covariance[:2, :2], critical=critical)
        found = [*findings, *(f for f in pair.findings if f not in findings)]
        certain = math.sqrt(covariance[1, 1]) <= _ROUNDING * abs(entry)  # everybody complies
        strength = math.inf if certain else float(entry**2 / covariance[1, 1])
        if strength < WEAK_F:
            found.append(Finding.warning("weak_take_up", f=strength, advised=WEAK_F))
        silent = sum(row.std_error is None for row in rows)
        if silent and not alone:
            found.append(Finding.warning("no_own_error", n=silent))
        if self.interval == "fieller":
            rows[2] = _with_fieller(rows[2], rows[0], ratio)
            if ratio.shape is not FiellerShape.INTERVAL and not alone:
                found.append(Finding.warning("ratio_interval_unbounded", f=strength))
        return Estimate(
            outcome=outcome,
            estimand="itt",
            method=MethodRecord(self.info.name, options_of(self), pair.label),
            effects=tuple(rows),
            covariance=covariance,
            counterfactual=True,
            influence=None if values is None else Influence(values @ turn.T, table.labels),
            findings=tuple(found),
            flow=table.flow,
            details={
                "entries": _entries(table),
                "strength": strength if math.isfinite(strength) else None,
                "fieller": {
                    "shape": str(ratio.shape),
                    "ends": [e if math.isfinite(e) else None for e in (ratio.low, ratio.high)],
                },
            },
        )


@dataclass(frozen=True, kw_only=True)
class _CompleteRows:
    """Complete rows as arrays."""

    rows: IntArray
    outcome: FloatArray
    entry: FloatArray
    treated: BoolArray
    cohort: FloatArray
    period: IntArray | None
    eligible: BoolArray | None
    covariates: FloatArray
    weights: FloatArray | None
    clusters: IntArray
    labels: NDArray[Any]
    clusters_declared: bool
    flow: tuple[FlowStep, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """The two differences, their (2, 2) covariance, and their influence by cluster if regular."""

    values: tuple[float, float]
    covariance: FloatArray
    influence: FloatArray | None
    df: float
    label: str
    findings: tuple[Finding, ...] = ()
    clusters: int | None = None  # of the covariance asked for, the fewest of its dimensions


def _cohorts(sample: Sample) -> FloatArray:
    """Start of each row's group; in a cross-section, 0 where offered and infinity elsewhere."""
    if sample.cohorts is not None:
        return sample.cohorts
    assert sample.treated is not None
    return np.where(sample.treated, 0.0, np.inf)


def _labels(sample: Sample, codes: IntArray) -> NDArray[Any]:
    if sample.cluster_names:
        return sample.codes(sample.cluster_names[0]).labels
    return sample.unit_labels if sample.shape is not DataShape.REPEATED_CROSS_SECTION else codes


def _design(table: _CompleteRows) -> tuple[list[str], FloatArray]:
    """Return names and columns: group effects, covariates, then the difference wanted, last."""
    cohort = np.unique(table.cohort, return_inverse=True)[1]
    effect = table.treated.astype(np.float64)
    groups: list[IntArray] = [cohort]
    if table.period is not None and table.eligible is None:
        groups = [cohort, table.period]
    elif table.eligible is not None:
        who = table.eligible.astype(np.int64)
        effect = effect * table.eligible
        groups = [cohort, who]
        if table.period is not None:
            both = cohort * (int(table.period.max()) + 1) + table.period
            groups = [both, 2 * cohort + who, 2 * table.period + who]
    blocks = [np.ones((len(effect), 1))]
    for group in groups:
        codes = np.unique(group, return_inverse=True)[1]
        blocks.append((codes[:, None] == np.arange(1, codes.max() + 1)).astype(np.float64))
    design = np.column_stack([*blocks, table.covariates, effect])
    return [f"x{j}" for j in range(design.shape[1] - 1)] + ["effect"], design


def _pair(fits: list[LinearFit], clusters: IntArray, correction: CR) -> _Pair:
    """Return both coefficients, and their influence by cluster, on the same columns."""
    found: list[ClusterMoments] = [cluster_moments(fit, clusters, correction) for fit in fits]
    position = fits[0].position("effect")
    factor = small_sample_factor(
        correction, clusters=found[0].n_clusters, n=fits[0].n, parameters=len(fits[0].names)
    )
    influence = np.column_stack([m.influence[:, position] for m in found]) * np.sqrt(factor)
    df = float(found[0].n_clusters - 1)
    if correction in (CR.CR2, CR.CR3):
        contrast = np.zeros((1, len(fits[0].names)))
        contrast[0, position] = 1.0
        df = float(satterthwaite_df(found[0], contrast)[0])
    values = (float(fits[0].coefficients[position]), float(fits[1].coefficients[position]))
    return _Pair(
        values=values,
        covariance=influence.T @ influence,
        influence=influence,
        df=df,
        label=str(correction),
    )


def _pair_of_rows(fits: list[LinearFit], covariance: Covariance, ties: Ties) -> _Pair:
    """Return both coefficients with any covariance of a fit, the joint term by polarisation.

    Both fits have the same columns, so that the covariance of the sum of the outcomes is
    :math:`V_1 + V_2 + 2C`.
    """
    alone = not ties.codes
    if covariance.by_cluster and alone:
        ties = replace(ties, codes=(np.arange(len(fits[0].residuals)),))
    place = fits[0].position("effect")
    both = replace(fits[0], residuals=fits[0].residuals + fits[1].residuals)
    pick = np.eye(len(fits[0].names))[[place]]
    found = [covariance.of_fit(fit, ties).combine(pick) for fit in (*fits, both)]
    one, two, total = (float(result.matrix[0, 0]) for result in found)
    cross = (total - one - two) / 2
    return _Pair(
        values=(float(fits[0].coefficients[place]), float(fits[1].coefficients[place])),
        covariance=np.array([[one, cross], [cross, two]]),
        influence=None,
        df=float(found[0].df[0]),
        label=found[0].label,
        findings=found[0].findings,
        clusters=None if alone else min(found[0].n_clusters, default=None),
    )


def _rows(
    table: _CompleteRows,
    pair: _Pair,
    outcome: str,
    values: tuple[float, float, float],
    covariance: FloatArray,
) -> list[Effect]:
    """Return the three rows, with the inference of the delta method."""
    offered = np.isfinite(table.cohort)
    if table.eligible is not None:
        offered = offered & table.eligible
    return [
        wald_effect(
            outcome=outcome,
            estimand=estimand,
            term=term,
            estimate=value,
            std_error=math.sqrt(variance) if variance > (_ROUNDING * value) ** 2 else None,
            df=pair.df,
            n_treated=int(offered.sum()),
            n_comparison=int((~offered).sum()),
            n_clusters=len(table.labels) if pair.clusters is None else pair.clusters,
        )
        for estimand, term, value, variance in zip(
            ("itt", "take_up", "late"),
            ("itt", "take_up", "wald"),
            values,
            np.diag(covariance).tolist(),
            strict=True,
        )
    ]


def _with_fieller(row: Effect, itt: Effect, ratio: FiellerSet) -> Effect:
    """Give the ratio Fieller's interval, and the p-value of its numerator, which goes with it."""
    bounded = ratio.shape is FiellerShape.INTERVAL
    return replace(
        row,
        statistic=itt.statistic,
        p_value=itt.p_value,
        conf_low=ratio.low if bounded else None,
        conf_high=ratio.high if bounded else None,
    )


def _entries(table: _CompleteRows) -> list[dict[str, Any]]:
    """Return the entry rate of each group: how far the comparison groups entered too."""
    weight = np.ones(len(table.entry)) if table.weights is None else table.weights
    offered = np.isfinite(table.cohort)
    who = np.ones(len(offered), dtype=bool) if table.eligible is None else table.eligible
    after = table.treated
    if table.period is not None:  # elsewhere, after means since the first start anywhere
        after = after | (~offered & (table.period >= table.period[table.treated].min()))
    out = []
    for place in (True, False):
        for person in (True, False):
            for since in (True, False):
                rows = (offered == place) & (who == person) & (after == since)
                if rows.any():
                    rate = float(weight[rows] @ table.entry[rows] / weight[rows].sum())
                    out.append(
                        {"offered": place, "eligible": person, "after": since, "rate": rate,
                         "n": int(rows.sum())}
                    )  # fmt: skip
    return out
