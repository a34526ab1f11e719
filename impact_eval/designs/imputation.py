"""`ImputationDiD`: predict what the treated would have had, from untreated rows only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, MethodRecord
from impact_eval.core.findings import Finding, ImpactEvalError
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
from impact_eval.designs.cell_aggregation import Alone, CellAggregator, cells_of_panel
from impact_eval.designs.cohort_panel import Panel, read_panel, refuse_empty
from impact_eval.designs.far_groups import panel_far_apart
from impact_eval.designs.few_independent import lonely_cohorts
from impact_eval.designs.influence_sources import CellSource, InfluenceSource, UnitSource
from impact_eval.designs.options import option
from impact_eval.designs.panel_covariance import bind_panel, covariance_asked, with_cluster
from impact_eval.designs.panel_effects import CommonParts
from impact_eval.designs.panel_ols import few_cluster_findings, panel_ols
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.designs.reference_times import EARLIER, POOLED, REFERENCES, fewer_leads
from impact_eval.designs.safe_margin import (
    DealtSource,
    by_name_when_few,
    linear_effects,
    paths_of,
)
from impact_eval.designs.ties import BoundCovariance
from impact_eval.stats.inference.covariance import CR, Clustered
from impact_eval.stats.inference.covariances import Covariance, Source
from impact_eval.stats.inference.dealing import LinearEffects
from impact_eval.stats.panels.cohort_gram import CellInfluence
from impact_eval.stats.panels.imputed_effects import (
    ImputedCells,
    Variance,
    impute_cells,
    impute_units,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@register
@dataclass(frozen=True)
class ImputationDiD:
    r"""Impute untreated outcomes (Borusyak, Jaravel and Spiess; Gardner's two stages).

    Unit effects, period effects and covariates are estimated on untreated rows; an effect is what
    is observed less what is imputed, averaged over treated rows. Covariates that do not vary are
    crossed with the periods; those that do enter as they are.

    Parameters
    ----------
    variance : {"bjs", "bjs_leave_out", "two_stage"}
        Borusyak, Jaravel and Spiess' conservative variance (cells of one cohort and period share an
        effect); the same with each unit left out of its cell's mean, safer with small cohorts;
        Gardner's GMM variance. Same point estimates.
    leads : int, optional
        Number of event times before treatment tested against those earlier, in a regression on
        untreated rows only, as Borusyak, Jaravel and Spiess advise; all but the earliest by
        default, 0 for none. They are rows `event` of negative time, the nearest that were surveyed,
        and do not share the reference of other event studies. One that nothing tells from the
        others (nobody never treated) joins the reference, and is named.
    anticipation : int
        Periods before treatment that are not used as untreated.
    covariance : Covariance, optional
        One of `info.covariances`, computed from the influence values; by default their sum by unit,
        or by the sample's cluster. Below 50 clusters or 10 treated ones, a margin that holds with
        few (`safe_margin`): dates dealt anew, or CR2.

    References
    ----------
    Borusyak, K., Jaravel, X. and Spiess, J. (2024). doi:10.1093/restud/rdae007
    Gardner, J. (2022). doi:10.48550/arXiv.2207.05943

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.data.synthetic import staggered_panel
    >>> frame = staggered_panel(np.random.default_rng(1))
    >>> sample = Sample(frame, unit="id", time="period", cohort="cohort")
    >>> ImputationDiD().fit(sample, "y").aggregate("simple").effects[0].term
    'att'
    """

    variance: str = option("bjs", one_of=Variance)
    leads: int | None = option(None, low=0)
    anticipation: int = option(0, low=0)
    covariance: Covariance | None = None

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="imputation",
        shapes=frozenset({DataShape.PANEL}),
        estimands=("att",),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=True,
        minimum=Minimum(units=3, clusters=2, periods=2),
        assumptions=("parallel_trends", "no_anticipation", "no_interference"),
        checks=("pretrends",),  # its leads have a reference of their own: not one for honest_did
        references=("10.1093/restud/rdae007", "10.48550/arXiv.2207.05943"),
        oracle="didimputation 0.5.0, did2s 1.2.1",
        evidence_ceiling=3,
        variants=(Variant("imputation", 5, frozenset({DataShape.PANEL})),),
        sources=frozenset({Source.INFLUENCE, Source.REDRAW}),
    )

    def __post_init__(self) -> None:
        check_options(self)

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome: rows `att_gt` (cohort, period), then `event` for the leads.

        Raises
        ------
        ImpactEvalError
            What `refuse_unfit` refuses; `no_identified_effect`.
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        asked = covariance_asked(self.covariance, sample, default=CR.CR0)
        whole, sample = sample, with_cluster(sample, asked)
        refuse_unfit(self.info, sample, outcome)
        panel = read_panel(sample, outcome, anticipation=self.anticipation)
        untreated = panel.untreated(self.anticipation) & ~panel.reacting
        foundation = np.any(panel.observed & untreated[panel.codes], axis=1)
        panel, untreated = _keep(panel, untreated, foundation)
        refuse_empty(panel, self.info.name)
        treated = ~untreated & ~panel.reacting
        found = self._impute(panel, untreated, treated)
        live = found.identified
        if not live.any():
            raise ImpactEvalError(Finding.error("no_identified_effect", method=self.info.name))
        named = by_name_when_few(asked, panel) if paths_of(panel, sample) is None else asked
        table = self._table(panel, found, outcome, bind_panel(panel, whole, named))
        table, leads = self._with_leads(panel, table, untreated, sample)
        if asked is None:
            table = self._safe(panel, table, sample, (untreated, treated), leads)
        return table.estimate()

    def _safe(
        self,
        panel: Panel,
        table: CellAggregator,
        sample: Sample,
        rows: tuple[BoolArray, BoolArray],
        leads: tuple[CellInfluence, FloatArray] | None,
    ) -> CellAggregator:
        """Return the table whose margin holds with few: dealt anew where that can be."""
        paths = paths_of(panel, sample)
        if paths is None:
            return table
        found = impute_cells(panel.moments, *rows, variance=Variance.BJS)
        assert isinstance(found.influence, CellInfluence)
        cells = np.zeros((len(panel.starts), panel.n_periods, len(found.cohort)))
        cells[found.cohort, found.period, np.arange(len(found.cohort))] = 1.0
        effects = linear_effects(panel, found.influence, cells)
        if leads is not None:
            before = linear_effects(panel, *leads)
            effects = LinearEffects(
                weights=np.concatenate([effects.weights, before.weights], axis=2),
                cells=np.concatenate([effects.cells, before.cells], axis=2),
            )
        return replace(table, source=DealtSource(table.source, paths, effects))

    def _impute(self, panel: Panel, untreated: BoolArray, treated: BoolArray) -> ImputedCells:
        variance = Variance(self.variance)
        unequal = panel.weights is not None and variance is Variance.LEAVE_OUT
        if panel.simple and not unequal:
            return impute_cells(panel.moments, untreated, treated, variance=variance)
        columns = panel.columns(np.empty((len(panel.starts), panel.n_periods, 0)))
        return impute_units(
            panel.y,
            columns,
            panel.observed & untreated[panel.codes],
            panel.observed & treated[panel.codes],
            variance=variance,
            weights=panel.weights,
        )

    def _table(
        self,
        panel: Panel,
        found: ImputedCells,
        outcome: str,
        bound: BoundCovariance | None,
    ) -> CellAggregator:
        few = few_cluster_findings(panel, self.covariance)
        findings = [*panel.findings, *few, *panel_far_apart(panel)]
        missing = int((~found.identified).sum())
        if missing:
            findings.append(Finding.warning("cells_not_imputable", n=missing))
        live = ~panel.never
        names = [panel.name(start) for start in panel.cohorts[live]]
        findings += lonely_cohorts(names, panel.counts[live], panel.cohort_clusters[live])
        label = self.variance if bound is None else f"{self.variance}, {bound.covariance.label}"
        source: InfluenceSource
        if isinstance(found.influence, CellInfluence):
            source = CellSource(panel, found.influence, bound=bound)
        else:
            source = UnitSource(panel, found.influence, bound=bound)
        return CellAggregator(
            cells=cells_of_panel(
                panel,
                found.cohort,
                found.period,
                found.effects,
                found.weight,
                blank="cell_not_imputable",
            ),
            report=CommonParts(
                outcome=outcome,
                estimand="att",
                method=MethodRecord(self.info.name, options_of(self), label),
                n_clusters=panel.n_clusters,
                findings=tuple(findings),
                flow=panel.flow,
            ),
            source=source,
            shares=panel.event_times.size if self.variance == "two_stage" else 0,
            alone=Alone.NO_ERROR if self.covariance is None else Alone.AS_ASKED,
            label=panel.label,
        )

    def _with_leads(
        self, panel: Panel, table: CellAggregator, untreated: BoolArray, sample: Sample
    ) -> tuple[CellAggregator, tuple[CellInfluence, FloatArray] | None]:
        """Add the coefficients of the periods before treatment, estimated on untreated rows.

        Returns the table, then what the leads are made of where cohort moments suffice.
        """
        before = untreated & ~panel.never[:, None]
        event = np.where(before, panel.event_times, -np.inf)
        present = np.unique(event[np.isfinite(event)])[::-1]
        wanted = present[: len(present) - 1 if self.leads is None else self.leads]
        wanted = wanted[: max(len(present) - 1, 0)]
        if not wanted.size:
            told = (*table.report.findings, *fewer_leads(self.leads, 0))
            return replace(table, report=replace(table.report, findings=told)), None
        cells = (event[:, :, None] == wanted).astype(np.float64)
        plain = Clustered(correction=CR.CR1)
        result = panel_ols(panel, cells, sample, covariance=plain, used=untreated)
        assert isinstance(result.source, CellSource | UnitSource)
        if not np.isfinite(result.source.factor):
            return table, None  # one cluster, or as many parameters as rows: no test can be made
        kept, dropped = wanted[result.kept], np.sort(wanted[~result.kept])
        told = table.report.findings
        if dropped.size:
            times = dropped.tolist()
            told = (*told, Finding.warning("event_times_dropped", times=times, n=len(times)))
        told = (*told, *fewer_leads(self.leads, wanted.size))
        earlier = np.setdiff1d(present, kept)
        size, none = len(kept), np.full(len(kept), -1)
        leads = {
            "effects": result.coefficients,
            "event_time": kept,
            "period": np.full(size, np.nan),
            "weight": np.ones(size),
            "share": none,
            "cohort": none,
            "n_treated": np.full(size, panel.counts[~panel.never].sum()),
            "n_comparison": np.full(size, panel.counts[panel.never].sum()),
            "untested": np.zeros(size, dtype=bool),
        }
        made = None
        if isinstance(result.source, CellSource):
            made = result.source.influence, cells[:, :, result.kept]
        table = replace(
            table,
            cells=table.cells.beside(leads),
            source=_side_by_side(table.source, result.source),
            report=replace(
                table.report,
                findings=told,
                details={POOLED: EARLIER, REFERENCES: earlier.tolist()},
            ),
        )
        return table, made


def _keep(panel: Panel, untreated: BoolArray, mask: BoolArray) -> tuple[Panel, BoolArray]:
    """Leave out units never seen untreated: nothing can be imputed for them."""
    if mask.all():
        return panel, untreated
    kept = np.flatnonzero(np.bincount(panel.codes[mask], minlength=len(panel.starts)))
    return panel.keep(mask, "unit_never_untreated"), untreated[kept]


def _side_by_side(one: InfluenceSource, other: InfluenceSource) -> InfluenceSource:
    """Return the source of the effects of both, on the same units."""
    if isinstance(one, CellSource) and isinstance(other, CellSource):
        root = np.sqrt(other.factor)
        joined = CellInfluence(
            np.concatenate([one.influence.slope, other.influence.slope * root], axis=1),
            np.concatenate([one.influence.offset, other.influence.offset * root], axis=1),
        )
        return replace(one, influence=joined)
    left, right = _by_unit(one), _by_unit(other)
    return replace(left, values=np.hstack([left.values, right.values * np.sqrt(right.factor)]))


def _by_unit(source: InfluenceSource) -> UnitSource:
    if isinstance(source, UnitSource):
        return source
    assert isinstance(source, CellSource)
    panel = source.panel
    values = source.influence.by_unit(panel.y, panel.codes, panel.weights)
    return UnitSource(panel, values, source.factor, source.df, source.bound)
