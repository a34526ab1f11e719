"""`TripleDifference`: the eligible against others, in territories that started against others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, MethodRecord
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import DataShape, Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.base import (
    ALWAYS_TREATED_RETOLD,
    EstimatorInfo,
    Minimum,
    check_options,
    options_of,
    refuse_unfit,
    register,
)
from impact_eval.designs.cell_aggregation import Alone, CellAggregator, cells_of_panel
from impact_eval.designs.cohort_panel import LeftOut, Panel, read_panel
from impact_eval.designs.contract import Example
from impact_eval.designs.eligibility import unit_flag
from impact_eval.designs.far_groups import panel_far_apart
from impact_eval.designs.influence_sources import UnitSource
from impact_eval.designs.options import option
from impact_eval.designs.panel_covariance import (
    bind_panel,
    covariance_asked,
    influence_label,
    with_cluster,
)
from impact_eval.designs.panel_effects import CommonParts
from impact_eval.designs.panel_ols import few_cluster_findings
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.designs.safe_margin import by_name_when_few
from impact_eval.designs.ties import BoundCovariance
from impact_eval.stats.inference.covariance import CR
from impact_eval.stats.inference.covariances import Covariance, Source
from impact_eval.stats.panels.ddd import TripleEffect, triple_difference
from impact_eval.stats.panels.drdid import DidMethod
from impact_eval.stats.panels.group_time_fit import Undefined

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NOBODY = "cell_not_identified"
NO_OVERLAP = str(Undefined.NO_OVERLAP)


@register
@dataclass(frozen=True)
class TripleDifference:
    r"""Compare the eligible with the others, in territories that start and in those that do not.

    The cohort role is the start of the *territory* of a unit, eligible or not; the column
    `eligible` says who the action is for. What moves all the eligible everywhere, and what moves a
    whole territory, is taken out. Without covariates this is the least squares coefficient of the
    triple interaction; with them, each comparison is adjusted on its own.

    Parameters
    ----------
    eligible : str
        Column of 0/1, constant within a unit.
    method : {"dr", "reg", "ipw"}
        Adjustment for covariates, taken at the reference period.
    control_group : {"never_treated", "not_yet_treated"}
        With several cohorts not yet treated, their comparisons are averaged with the weights of
        least variance.
    anticipation : int
        Periods of anticipation; the reference is the period before.
    covariance : Covariance, optional
        One of `info.covariances`, computed from the influence values; by default their sum by unit,
        or by the sample's cluster, and CR2 below 50 clusters or 10 treated ones.

    References
    ----------
    Ortiz-Villavicencio, M. and Sant'Anna, P. (2025). doi:10.48550/arXiv.2505.09942
    Olden, A. and Møen, J. (2022). doi:10.1093/ectj/utac010
    """

    eligible: str = "eligible"
    method: str = option("dr", one_of=("dr", "reg", "ipw"))
    control_group: str = option("never_treated", one_of=("never_treated", "not_yet_treated"))
    anticipation: int = option(0, low=0)
    covariance: Covariance | None = None

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="triple_difference",
        shapes=frozenset({DataShape.PANEL}),
        estimands=("att",),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=True,
        minimum=Minimum(units=4, clusters=2, periods=2),
        retold=ALWAYS_TREATED_RETOLD,
        assumptions=("parallel_gap_trends", "no_anticipation", "no_spillover_to_ineligible"),
        checks=("pretrends", "honest_did", "overlap"),
        references=("10.48550/arXiv.2505.09942", "10.1093/ectj/utac010"),
        oracle="moderndid 0.2.0; least squares of the triple interaction",
        evidence_ceiling=3,
        sources=frozenset({Source.INFLUENCE, Source.REDRAW}),
    )

    def __post_init__(self) -> None:
        check_options(self)

    @classmethod
    def contract_example(cls, rng: np.random.Generator) -> Example:
        """Give the contract battery a panel where half of each territory is eligible."""
        frame = staggered_panel(rng, units=120, cohorts=(3.0, 5.0, np.inf))
        frame["eligible"] = ((frame["id"] - 1000) // 3 % 2).astype(int)
        frame["y"] = frame["y"] - frame["truth"] * (1 - frame["eligible"])
        frame["truth"] = frame["truth"] * frame["eligible"]
        roles = {"unit": "id", "time": "period", "cohort": "cohort"}
        return Example(cls(), frame, roles, concerned="eligible", draws=40)

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome: rows `att_gt` (cohort, period).

        Raises
        ------
        ImpactEvalError
            What `refuse_unfit` refuses; `missing_column`, `eligible_varies`,
            `treatment_not_binary`, `triple_group_empty` when one of the four groups has nobody.
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        asked = covariance_asked(self.covariance, sample, default=CR.CR0)
        whole, sample = sample, with_cluster(sample, asked)
        refuse_unfit(self.info, sample, outcome)
        panel = read_panel(sample, outcome, anticipation=self.anticipation)
        panel = panel.leave_out(LeftOut.ALWAYS_TREATED, self.anticipation)
        eligible = unit_flag(sample, self.eligible)[panel.sample_units]
        cells = self._cells(panel, eligible)
        if not np.isfinite(cells.effects).any() and NO_OVERLAP not in cells.why.values():
            raise ImpactEvalError(
                Finding.error(
                    "triple_group_empty", method=self.info.name, column=self.eligible,
                    n_eligible=int(eligible.sum()), n=len(eligible),
                )
            )  # fmt: skip
        split = replace(
            panel,
            codes=2 * panel.codes + eligible,
            starts=np.repeat(panel.starts, 2),
            cohorts=np.repeat(panel.cohorts, 2),
            entries=None if panel.entries is None else np.repeat(panel.entries, 2),
        )
        bound = bind_panel(split, whole, by_name_when_few(asked, panel))
        return self._table(panel, split, cells, outcome, bound).estimate()

    def _cells(self, panel: Panel, eligible: BoolArray) -> _CellEffects:
        out, last = _CellEffects(), panel.last_before(self.anticipation)
        for g in np.flatnonzero(~panel.never):
            base = int(last[g])
            for t in range(panel.n_periods):
                if t == base:
                    continue
                out.add(int(g), t, self._cell(panel, eligible, int(g), t, base), panel.n_units)
        return out

    def _cell(
        self, panel: Panel, eligible: BoolArray, g: int, t: int, base: int
    ) -> TripleEffect | None:
        """Estimate one cohort at one period; None when a group has nobody."""
        change = panel.y[:, t] - panel.y[:, base]
        known = np.isfinite(change) & (panel.unit_weights > 0)
        later = panel.never.copy()
        if self.control_group == "not_yet_treated":
            later |= panel.untreated(self.anticipation)[:, max(t, base)]
        later &= ~panel.reacting[:, max(t, base)]
        later[g] = False
        comparisons = [
            rows
            for c in np.flatnonzero(later)
            if _both(rows := (panel.codes == c) & known, eligible)
        ]
        own = (panel.codes == g) & known
        if not comparisons or not _both(own, eligible):
            return None
        return triple_difference(
            change,
            _design(panel, base),
            own=own,
            comparisons=comparisons,
            eligible=eligible,
            weights=panel.unit_weights,
            method=DidMethod(self.method),
        )

    def _table(
        self,
        panel: Panel,
        split: Panel,
        cells: _CellEffects,
        outcome: str,
        bound: BoundCovariance | None,
    ) -> CellAggregator:
        never = panel.never if self.control_group == "never_treated" else None
        few = few_cluster_findings(panel, self.covariance, comparison=never)
        findings = [*panel.findings, *few, *panel_far_apart(panel), *cells.findings]
        for code, told in ((NOBODY, "cells_not_identified"), (NO_OVERLAP, "cells_no_overlap")):
            n = sum(1 for reason in cells.why.values() if reason == code)
            findings += [Finding.warning(told, n=n)] if n else []
        cohort, period = 2 * np.array(cells.cohort) + 1, np.array(cells.period)
        size = np.bincount(split.codes, weights=split.unit_weights, minlength=len(split.starts))
        return CellAggregator(
            cells=replace(
                cells_of_panel(split, cohort, period, np.array(cells.effects), size[cohort]),
                why=cells.why,
            ),
            report=CommonParts(
                outcome=outcome,
                estimand="att",
                method=MethodRecord(self.info.name, options_of(self), influence_label(bound)),
                n_clusters=panel.n_clusters,
                findings=tuple(findings),
                flow=panel.flow,
            ),
            source=UnitSource(split, np.column_stack(cells.influence), bound=bound),
            shares=split.event_times.size,
            alone=Alone.NO_ERROR if self.covariance is None else Alone.AS_ASKED,
            label=panel.label,
        )


@dataclass
class _CellEffects:
    """What was found, cell by cell."""

    cohort: list[int] = field(default_factory=list)
    period: list[int] = field(default_factory=list)
    effects: list[float] = field(default_factory=list)
    influence: list[FloatArray] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    why: dict[int, str] = field(default_factory=dict)

    def add(self, cohort: int, period: int, found: TripleEffect | None, units: int) -> None:
        """Keep a cell; one without effect is blank, with its reason."""
        self.cohort.append(cohort)
        self.period.append(period)
        if found is None or found.separated:
            self.why[len(self.effects)] = NOBODY if found is None else NO_OVERLAP
            self.effects.append(np.nan)
            self.influence.append(np.zeros(units))
            return
        self.effects.append(found.estimate)
        self.influence.append(found.influence)
        self.findings.extend(f for f in found.findings if f not in self.findings)


def _both(rows: BoolArray, eligible: BoolArray) -> bool:
    return bool((rows & eligible).any() and (rows & ~eligible).any())


def _design(panel: Panel, base: int) -> FloatArray:
    moving = np.nan_to_num(panel.varying[:, base])
    return np.column_stack([np.ones(panel.n_units), panel.fixed, moving])
