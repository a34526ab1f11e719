"""Callaway and Sant'Anna's group-time effects for a staggered roll-out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding, ImpactEvalError
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
from impact_eval.designs.contract import Example
from impact_eval.designs.group_time_data import GroupTimeData, read_rows, read_units
from impact_eval.designs.group_time_estimate import group_time_estimate
from impact_eval.designs.nobody_never import LAST_COHORT
from impact_eval.designs.options import option
from impact_eval.designs.panel_covariance import covariance_asked
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.stats.inference.covariance import CR
from impact_eval.stats.inference.covariances import Covariance, Source
from impact_eval.stats.panels.drdid import DidMethod
from impact_eval.stats.panels.group_time import GroupTimeFit, group_time
from impact_eval.stats.panels.group_time_plan import BasePeriod, ControlGroup, plan_cells
from impact_eval.stats.panels.group_time_rows import group_time_rows

_PANEL = frozenset({DataShape.PANEL})


class Unbalanced(StrEnum):
    """What to do with units that are not seen at every period.

    `pairs`: each cell compares the units seen in both of its periods. `drop`: only units seen at
    every period. `rows`: every row counts, before and after are compared as repeated cross-sections
    of the same people (R's ``allow_unbalanced_panel``).
    """

    PAIRS = "pairs"
    DROP = "drop"
    ROWS = "rows"


@register
@dataclass(frozen=True, kw_only=True)
class CallawaySantAnna:
    r"""Estimate the effect on each cohort at each period, then aggregate.

    :math:`ATT(g,t) = E[Y_t - Y_{b} | G=g] - E[Y_t - Y_{b} | C]`, conditional on covariates at the
    base period b when there are any, where C are never treated or not yet treated units.

    Parameters
    ----------
    control_group : {"never_treated", "not_yet_treated"}
        With those not yet treated, and nobody never treated, the last cohort is the comparison: its
        own effects are not estimated, and the periods from its entry on are not used.
    method : {"dr", "ipw", "reg"}
        Doubly robust, inverse probability weighting, outcome regression. Without covariates all
        three are the same.
    anticipation : int
        Periods before treatment at which behaviour may already change.
    base_period : {"varying", "universal"}
        Before treatment, compare with the period just before, or with the last untreated one.
    covariance : Covariance, optional
        One of `info.covariances`, computed from the influence values. By default their sum by unit,
        or by the sample's clusters, without factor (CR0, R's convention); below 50 clusters or 10
        treated ones, what `safe_margin` says.
    unbalanced : {"pairs", "drop", "rows"}
        See `Unbalanced`.
    balance : int, optional
        Event studies keep the cohorts with an effect at every event time from 0 to this one.
    window : tuple of two int or None, optional
        First and last event times of event studies.

    Raises
    ------
    ImpactEvalError
        `no_never_treated`, `no_group_time_cell`, and the refusals of `refuse_unfit`.

    Notes
    -----
    Assumes parallel trends given covariates, no anticipation beyond what is declared, overlap, and
    no interference. Units treated from the first period on (or before, with anticipation) are left
    out and counted. Covariates that vary over time are read at the base period of each cell.

    References
    ----------
    Callaway, B. and Sant'Anna, P. (2021). doi:10.1016/j.jeconom.2020.12.001

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> unit, year = np.repeat(np.arange(60), 3), np.tile([1, 2, 3], 60)
    >>> start = np.where(unit < 20, 2, np.where(unit < 40, 3, 0))
    >>> y = 1.0 * ((start > 0) & (year >= start)) + rng.normal(size=180) / 100
    >>> from impact_eval.data.sample import Sample
    >>> frame = pd.DataFrame({"id": unit, "an": year, "g": start, "y": y})
    >>> estimate = CallawaySantAnna().fit(Sample(frame, unit="id", time="an", cohort="g"), "y")
    >>> round(estimate.aggregate("simple")["att"].estimate, 1)
    1.0
    """

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="callaway_santanna",
        shapes=frozenset({DataShape.PANEL, DataShape.REPEATED_CROSS_SECTION}),
        estimands=("att",),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=True,
        minimum=Minimum(units=3, clusters=2, periods=2, treated=1, comparison=1),
        retold=ALWAYS_TREATED_RETOLD,
        assumptions=(
            "parallel_trends",
            "no_anticipation",
            "overlap",
            "no_interference",
            "stable_composition",
        ),
        checks=("pretrends", "attrition", "balance", "honest_did"),
        references=("10.1016/j.jeconom.2020.12.001", "10.1016/j.jeconom.2020.06.003"),
        oracle="R did 2.5.1 and DRDID 1.2.3 on mpdta: points 1e-9, standard errors 1e-7",
        evidence_ceiling=3,
        variants=(
            Variant(
                "cs_never", 1, frozenset({DataShape.PANEL}), {"control_group": "never_treated"}
            ),
            Variant(
                "cs_notyet", 2, frozenset({DataShape.PANEL}), {"control_group": "not_yet_treated"}
            ),
            Variant("cs_reg", 3, frozenset({DataShape.PANEL}), {"method": "reg"}),
        ),
        short_base=True,
        sources=frozenset({Source.INFLUENCE, Source.REDRAW}),
    )

    control_group: str = option(ControlGroup.NEVER_TREATED.value, one_of=ControlGroup)
    method: str = option(DidMethod.DR.value, one_of=("dr", "ipw", "reg"))
    anticipation: float = option(0, low=0)
    base_period: str = option(BasePeriod.VARYING.value, one_of=BasePeriod)
    covariance: Covariance | None = None
    unbalanced: str = option(Unbalanced.PAIRS.value, one_of=Unbalanced)
    balance: float | None = option(None, low=0)
    window: tuple[float | None, float | None] | None = None

    def __post_init__(self) -> None:
        check_options(self)

    @classmethod
    def contract_example(cls, rng: np.random.Generator) -> Example:
        """Return a roll-out with a few holes, so that every option has something to do."""
        frame = staggered_panel(rng)
        rare = np.asarray(rng.permutation(len(frame)) >= 6)
        return Example(cls(), frame.loc[rare], {"unit": "id", "time": "period", "cohort": "cohort"})

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate every group-time effect; `aggregate` gives event studies and overall effects.

        Parameters
        ----------
        sample : Sample
            A panel or repeated cross-sections with a cohort (or a 0/1 treatment).
        outcome : str

        Returns
        -------
        Estimate
            One row `att_gt` per cohort (`group`) and period (`time`).
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        refuse_unfit(self.info, sample, outcome)
        asked = covariance_asked(self.covariance, sample, default=CR.CR0)
        by_rows = sample.shape is not DataShape.PANEL
        if not by_rows and self.unbalanced == Unbalanced.ROWS:
            by_rows = not bool(np.isfinite(sample.wide(outcome).y).all())
        not_yet = self.control_group == ControlGroup.NOT_YET_TREATED
        if by_rows:
            data: GroupTimeData = read_rows(
                sample,
                outcome,
                covariance=asked,
                anticipation=self.anticipation,
                not_yet=not_yet,
            )
        else:
            data = read_units(
                sample,
                outcome,
                covariance=asked,
                anticipation=self.anticipation,
                complete_only=self.unbalanced == Unbalanced.DROP,
                not_yet=not_yet,
            )
        self._refuse(data)
        return group_time_estimate(
            data,
            self._fit(data),
            outcome=outcome,
            name=self.info.name,
            options=options_of(self),
            never_only=self.control_group == ControlGroup.NEVER_TREATED,
            balance=self.balance,
            window=self.window,
        )

    def _refuse(self, data: GroupTimeData) -> None:
        never = ControlGroup.NEVER_TREATED
        alone = any(f.code == LAST_COHORT for f in data.findings)
        if alone and (not data.cohorts.size or len(data.times) < 2):
            raise ImpactEvalError(Finding.error("no_identified_effect", method=self.info.name))
        if not (data.cohorts <= data.times[-1]).any():
            raise ImpactEvalError(
                Finding.error("no_group_time_cell", anticipation=self.anticipation)
            )
        if self.control_group == never and not data.has_never:
            raise ImpactEvalError(Finding.error("no_never_treated", method=self.info.name))

    def _fit(self, data: GroupTimeData) -> GroupTimeFit:
        plan = plan_cells(
            data.times,
            data.cohorts,
            control_group=ControlGroup(self.control_group),
            base_period=BasePeriod(self.base_period),
            anticipation=self.anticipation,
            late=not any(f.code == LAST_COHORT for f in data.findings),
        )
        method = DidMethod(self.method)
        if data.rows is not None:
            return group_time_rows(data.rows, plan, method=method)
        assert data.panel is not None
        return group_time(data.panel, plan, method=method, pairwise=data.pairwise)
