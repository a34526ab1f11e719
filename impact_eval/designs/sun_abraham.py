"""`SunAbraham`: an event study per cohort, then their averages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, MethodRecord
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import DataShape, Sample
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
from impact_eval.designs.cell_aggregation import Alone, CellAggregator, cells_of_panel
from impact_eval.designs.cohort_panel import LeftOut, Panel, read_panel, refuse_empty
from impact_eval.designs.identified import identified_columns
from impact_eval.designs.influence_sources import MappedSource
from impact_eval.designs.nobody_never import told_last_cohort
from impact_eval.designs.options import option
from impact_eval.designs.panel_covariance import covariance_asked, with_cluster
from impact_eval.designs.panel_effects import CommonParts
from impact_eval.designs.panel_ols import OlsResult, panel_ols
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.designs.reference_times import not_identified
from impact_eval.stats.inference.covariance import CR
from impact_eval.stats.inference.covariances import Covariance, Source

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@register
@dataclass(frozen=True)
class SunAbraham:
    r"""Regress on cohort × event-time indicators, then average with cohort shares.

    .. math:: y_{it} = \alpha_i + \lambda_t
              + \sum_{g,\,e\ne -1} \delta_{ge} 1\{G_i=g, t-g=e\} + e_{it}

    The comparison is the never treated or, without any, the last cohort to be treated, in the
    periods before its start. Shares are taken as given in the standard errors, as in fixest.

    Parameters
    ----------
    anticipation : int
        Periods of anticipation; the reference is the period before.
    covariance : Covariance, optional
        One of `info.covariances`. By default CR1 with t(C - 1); below 50 clusters or 10 treated
        ones, a margin that holds with few (`safe_margin`): dates dealt anew, or CR2 with
        Satterthwaite degrees of freedom.

    References
    ----------
    Sun, L. and Abraham, S. (2021). doi:10.1016/j.jeconom.2020.09.006

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.data.synthetic import staggered_panel
    >>> frame = staggered_panel(np.random.default_rng(1))
    >>> sample = Sample(frame, unit="id", time="period", cohort="cohort")
    >>> [e.time for e in SunAbraham().fit(sample, "y").aggregate("event").effects][:3]
    [-3.0, -2.0, 0.0]
    """

    anticipation: int = option(0, low=0)
    covariance: Covariance | None = None

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="sun_abraham",
        shapes=frozenset({DataShape.PANEL}),
        estimands=("att",),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=True,
        minimum=Minimum(units=3, clusters=2, periods=2),
        retold=ALWAYS_TREATED_RETOLD,
        assumptions=("parallel_trends", "no_anticipation", "no_interference"),
        checks=("pretrends", "honest_did"),
        references=("10.1016/j.jeconom.2020.09.006",),
        oracle="fixest 0.14.2",
        evidence_ceiling=3,
        variants=(Variant("sun_abraham", 4, frozenset({DataShape.PANEL})),),
        short_base=True,
        sources=frozenset({Source.FIT, Source.REDRAW}),
    )

    def __post_init__(self) -> None:
        check_options(self)

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome: rows `att_gt` (cohort, period).

        Raises
        ------
        ImpactEvalError
            What `refuse_unfit` refuses; `no_identified_effect`.
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        asked = covariance_asked(self.covariance, sample, default=CR.CR1)
        whole, sample = sample, with_cluster(sample, asked)
        refuse_unfit(self.info, sample, outcome)
        panel = read_panel(sample, outcome, anticipation=self.anticipation)
        panel = panel.leave_out(LeftOut.ALWAYS_TREATED, self.anticipation)
        refuse_empty(panel, self.info.name)
        used, findings = comparison_cells(panel, self.anticipation)
        wanted = used & np.isfinite(panel.event_times) & ~panel.reference(self.anticipation)
        wanted &= (panel.cell_count > 0) & ~_comparison_cohort(panel)[:, None]
        cohort, period = np.nonzero(wanted)
        if not cohort.size:
            raise ImpactEvalError(Finding.error("no_identified_effect", method=self.info.name))
        order = _post_first(panel.event_times[cohort, period])
        cohort, period = cohort[order], period[order]
        cells = np.zeros((len(panel.starts), panel.n_periods, len(cohort)))
        cells[cohort, period, np.arange(len(cohort))] = 1.0
        result = panel_ols(
            panel,
            cells,
            whole,
            covariance=asked,
            used=used,
            comparison=_comparison_cohort(panel),
        )
        told, untold = _told(panel, cells, used, result, (cohort, period))
        order = np.lexsort((period, cohort))
        pick = np.zeros((len(told), len(result.coefficients)))
        pick[told] = np.eye(len(result.coefficients))[(np.cumsum(result.kept) - 1)[told]]
        effects = np.where(told, pick @ result.coefficients, np.nan)[order]
        cohort, period, pick = cohort[order], period[order], pick[order]
        elapsed = panel.event_times - panel.reference_times(self.anticipation)[:, None]
        findings = (*findings, *untold, *panel.references_told(self.anticipation))
        table = CellAggregator(
            elapsed=elapsed[cohort, period],
            cells=cells_of_panel(panel, cohort, period, effects, panel.cell_weight[cohort, period]),
            report=CommonParts(
                outcome=outcome,
                estimand="att",
                method=MethodRecord(self.info.name, options_of(self), result.label),
                n_clusters=panel.n_clusters,
                findings=(*panel.findings, *result.findings, *findings),
                flow=panel.flow,
            ),
            source=MappedSource(result.source, pick),
            alone=Alone.NO_ERROR if self.covariance is None else Alone.AS_ASKED,
            label=panel.label,
        )
        return table.estimate()


def _post_first(event: FloatArray) -> NDArray[np.int64]:
    """Order columns so that collinearity leaves out the farthest periods before the start."""
    return np.lexsort((np.where(event >= 0, event, -event), event < 0))


def _told(
    panel: Panel,
    cells: FloatArray,
    used: BoolArray,
    result: OlsResult,
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[BoolArray, tuple[Finding, ...]]:
    """Return which cells the rows tell, and what is said of the others."""
    if result.kept.all():
        return result.kept, ()
    told = identified_columns(panel, cells, used)
    if not told.any():
        raise ImpactEvalError(Finding.error("no_identified_effect", method=SunAbraham.info.name))
    cohort, period = places
    return told, _untold(panel, cohort[~told], period[~told])


def _untold(
    panel: Panel, cohort: NDArray[np.int64], period: NDArray[np.int64]
) -> tuple[Finding, ...]:
    """Count the cells that nothing tells, and name the event times before entry that lose one."""
    event = panel.event_times[cohort, period]
    leads = np.unique(event[event < 0])
    return (Finding.warning("cells_not_identified", n=len(cohort)), *not_identified(leads))


def _comparison_cohort(panel: Panel) -> BoolArray:
    """(G,) who serves as comparison: the never treated or, without any, the last cohort."""
    return panel.never if panel.never.any() else panel.cohorts == panel.cohorts.max()


def comparison_cells(panel: Panel, anticipation: int) -> tuple[BoolArray, tuple[Finding, ...]]:
    """Return the (G, T) cells in use: all, or those before the last cohort starts."""
    used = ~panel.reacting
    if panel.never.any():
        return used, ()
    last = _comparison_cohort(panel)
    used &= panel.untreated(anticipation)[last].all(axis=0)
    told = told_last_cohort(float(panel.cohorts[last].max()), int(panel.counts[last].sum()))
    return used, (told,)
