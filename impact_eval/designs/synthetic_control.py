"""Synthetic control of one treated territory, or of a few that enter together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Draws, Effect, Estimate, MethodRecord
from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
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
from impact_eval.designs.contract import Example
from impact_eval.designs.options import option
from impact_eval.designs.synthetic_panel import CompletePanel, complete_panel
from impact_eval.stats.panels.donor_weights import (
    DonorVariant,
    SyntheticControlFit,
    match_predictors,
    scale_predictors,
    synthetic_control,
    weights_for_importance,
)
from impact_eval.stats.panels.sdid import placebo_sets
from impact_eval.stats.panels.synthetic_inference import (
    EffectInterval,
    conformal_interval,
    permutation_interval,
    permutation_p_value,
)

FloatArray = NDArray[np.float64]

LEVEL = 0.95
_EXACT = 1e-4  # of the donors' spread: below it a fit before is perfect


class ControlInference(StrEnum):
    """Where p-values and intervals come from."""

    PERMUTATION = "permutation"
    CONFORMAL = "conformal"


@register
@dataclass(frozen=True)
class SyntheticControl:
    r"""Synthetic control: a weighted mean of donors stands for the treated without the action.

    .. math:: \hat\tau_t = Y_{1t} - \sum_i w_i Y_{it},\quad w \ge 0,\ \sum_i w_i = 1

    Without covariates the weights follow every outcome before the action. With covariates they
    match predictors (their means before, and the mean outcome before), whose importance is chosen
    so that the outcome before is followed best.

    Parameters
    ----------
    variant : {"classic", "demeaned", "ridge"}
        As is; up to a difference in level; with the ridge regression that closes what gap is left.
    inference : {"permutation", "conformal"}
        Rank of the treated among donors that play it (ratio of gaps after over before), with the
        interval of constant effects not rejected; or residuals shifted in time under a supposed
        effect, which needs twenty periods at 95 %.
    draws : int
        Most placebo groups, when several territories are treated; all of them when there are fewer.
    seed : int

    Raises
    ------
    ImpactEvalError
        `several_dates`, `no_donor`, `no_treated_complete`, `too_few_donors`, and the
        refusals of `refuse_unfit`.

    Notes
    -----
    Several territories treated at the same date are read as their mean. Placebo donors keep the
    importance of predictors found for the treated. There is no standard error.

    References
    ----------
    Abadie, A., Diamond, A. and Hainmueller, J. (2010). doi:10.1198/jasa.2009.ap08746
    Ben-Michael, E., Feller, A. and Rothstein, J. (2021). doi:10.1080/01621459.2021.1929245
    Chernozhukov, V., Wüthrich, K. and Zhu, Y. (2021). doi:10.1080/01621459.2021.1920957

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.data.synthetic import staggered_panel
    >>> frame = staggered_panel(np.random.default_rng(1), cohorts=(4.0, *([np.inf] * 59)))
    >>> sample = Sample(frame, unit="id", time="period", cohort="cohort")
    >>> estimate = SyntheticControl().fit(sample, "y")
    >>> [effect.key for effect in estimate.effects]
    ['att', 'event[0]', 'event[1]', 'event[2]']
    """

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="synthetic_control",
        shapes=frozenset({DataShape.PANEL}),
        estimands=("att",),
        counterfactual=True,
        weights=False,
        clusters=False,
        covariates=True,
        minimum=Minimum(units=3, periods=3, treated=1, comparison=2),
        retold=ALWAYS_TREATED_RETOLD,
        assumptions=("synthetic_weights", "no_anticipation", "no_interference"),
        checks=("synthetic_fit", "attrition", "placebo", "leave_one_out"),
        references=("10.1198/jasa.2009.ap08746", "10.1080/01621459.2021.1929245"),
        oracle="R quadprog and Synth 1.1.8 on California and the Basque country",
        evidence_ceiling=3,
        seeded=True,
        standard_error=False,
    )

    variant: str = option(DonorVariant.CLASSIC.value, one_of=DonorVariant)
    inference: str = option(ControlInference.PERMUTATION.value, one_of=ControlInference)
    draws: int = option(500, low=2)
    seed: int = option(1, low=0)

    def __post_init__(self) -> None:
        check_options(self)

    @classmethod
    def contract_example(cls, rng: np.random.Generator) -> Example:
        """Return two territories that enter together among twenty, for the contract battery."""
        frame = staggered_panel(rng, units=20, periods=8, cohorts=(5.0, *([np.inf] * 9)))
        roles = {"unit": "id", "time": "period", "cohort": "cohort"}
        return Example(cls(draws=20), frame, roles, draws=40)

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome: rows `att`, then `event` for each period after the start."""
        refuse_unfit(self.info, sample, outcome)
        panel = complete_panel(sample, outcome, method=self.info.name)
        dates = [panel.period(date) for date in panel.cohorts]
        if len(dates) > 1:
            raise ImpactEvalError(
                Finding.error("several_dates", method=self.info.name, n=len(dates), dates=dates)
            )
        n_treated, n_donors = int((~panel.never).sum()), int(panel.never.sum())
        if n_donors <= n_treated + 1:
            raise ImpactEvalError(Finding.error("too_few_donors", n=n_donors, needed=n_treated + 2))
        case = _Case.of(panel, sample.covariate_names, DonorVariant(self.variant))
        rng = np.random.default_rng(self.seed)
        placebos = case.placebos(placebo_sets(n_donors, n_treated, draws=self.draws, rng=rng))
        effects, notes = self._effects(outcome, case, placebos)
        return Estimate(
            outcome=outcome,
            estimand="att",
            method=MethodRecord(self.info.name, options_of(self), self.inference),
            effects=effects,
            covariance=np.full((len(effects), len(effects)), np.nan),
            counterfactual=True,
            draws=Draws("placebo", _with_mean(placebos.gaps[:, case.n_pre :])),
            findings=(*panel.findings, *notes),
            flow=panel.flow,
            details=case.details(panel, placebos),
        )

    def _effects(
        self, outcome: str, case: _Case, placebos: _Placebos
    ) -> tuple[tuple[Effect, ...], tuple[Finding, ...]]:
        """Return the rows, and why some have no interval."""
        gap, n_pre = case.fit.gap, case.n_pre
        after = case.times[n_pre:] - case.date
        rows: list[tuple[str, float | None, NDArray[np.int64]]] = [
            ("att", None, np.arange(n_pre, len(gap)))
        ]
        rows += [("event", float(t), np.array([n_pre + j])) for j, t in enumerate(after)]
        notes = [Finding.info("synthetic_no_std_error", inference=self.inference)]
        effects = []
        for term, time, columns in rows:
            if self.inference == ControlInference.CONFORMAL:
                tested = case.conformal(columns)
            else:
                tested = placebos.interval(gap, columns, n_pre)
            p_value, ends = _read(tested, gap, columns, placebos, n_pre)
            if isinstance(tested, NotApplicable):
                note = Finding.warning(tested.reason, None, **dict(tested.values))
                notes += [] if note in notes else [note]
            elif None in ends:
                note = Finding.warning(
                    "synthetic_interval_unbounded", None, inference=self.inference
                )
                notes += [] if note in notes else [note]
            effects.append(
                Effect(
                    outcome=outcome,
                    estimand="att",
                    term=term,
                    time=time,
                    estimate=float(gap[columns].mean()),
                    p_value=p_value,
                    conf_low=ends[0],
                    conf_high=ends[1],
                    conf_level=LEVEL,
                    n_treated=case.n_treated,
                    n_comparison=len(case.donors),
                )
            )
        return tuple(effects), tuple(notes)


def _read(
    tested: EffectInterval | NotApplicable,
    gap: FloatArray,
    columns: NDArray[np.int64],
    placebos: _Placebos,
    n_pre: int,
) -> tuple[float | None, tuple[float | None, float | None]]:
    """Return the p-value and the two ends; a p-value of ranks exists even without an interval."""
    if isinstance(tested, NotApplicable):
        if tested.reason == "too_few_periods_conformal":
            return None, (None, None)
        return placebos.p_value(gap, columns, n_pre), (None, None)
    ends = [end if math.isfinite(end) else None for end in (tested.conf_low, tested.conf_high)]
    return tested.p_value, (ends[0], ends[1])


def _with_mean(gaps: FloatArray) -> FloatArray:
    return np.column_stack([gaps.mean(axis=1), gaps])


@dataclass(frozen=True, slots=True)
class _Placebos:
    """Gaps of groups of donors that play the treated: (b, T); `members` (b, n_treated).

    A gap before below `exact` is a perfect fit: it is read as `exact`, so that ranks do not hang on
    rounding.
    """

    gaps: FloatArray
    members: NDArray[np.int64]
    exact: float

    def ratio(self, gaps: FloatArray, columns: NDArray[np.int64], n_pre: int) -> FloatArray:
        """Return root mean squared gap in some periods over that before: (b,)."""
        before = np.sqrt((gaps[:, :n_pre] ** 2).mean(axis=1))
        after = np.sqrt((gaps[:, columns] ** 2).mean(axis=1))
        return np.asarray(after / np.maximum(before, self.exact), dtype=np.float64)

    def p_value(self, gap: FloatArray, columns: NDArray[np.int64], n_pre: int) -> float:
        """Return the rank of the treated among the placebos."""
        own = float(self.ratio(gap[None], columns, n_pre)[0])
        return permutation_p_value(own, self.ratio(self.gaps, columns, n_pre))

    def interval(
        self, gap: FloatArray, columns: NDArray[np.int64], n_pre: int
    ) -> EffectInterval | NotApplicable:
        """Return the p-value and the interval of a constant effect in some periods."""
        path = np.concatenate([gap[:n_pre], gap[columns]])
        if float((path[:n_pre] ** 2).mean()) < self.exact**2:
            path[:n_pre] = self.exact
        ratios = self.ratio(self.gaps, columns, n_pre)
        return permutation_interval(path, ratios, n_pre=n_pre, level=LEVEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """The treated path, the donors, and the fit."""

    treated: FloatArray
    donors: FloatArray
    names: tuple[str, ...]
    times: FloatArray
    date: float
    n_pre: int
    n_treated: int
    variant: DonorVariant
    fit: SyntheticControlFit
    predictors: FloatArray | None = None  # (1 + n, q), treated first, unscaled
    predictor_names: tuple[str, ...] = ()
    importance: FloatArray | None = None

    @classmethod
    def of(cls, panel: CompletePanel, covariates: tuple[str, ...], variant: DonorVariant) -> _Case:
        never, date = panel.never, panel.cohorts[0]
        n_pre = int(np.searchsorted(panel.times, date))
        treated, donors = panel.y[~never].mean(axis=0), panel.y[never]
        predictors = importance = weights = None
        names: tuple[str, ...] = ()
        if panel.covariates is not None:
            before = panel.covariates[:, :n_pre].mean(axis=1)
            before = np.column_stack([before, panel.y[:, :n_pre].mean(axis=1)])
            predictors = np.vstack([before[~never].mean(axis=0), before[never]])
            names = (*covariates, "outcome")
            matched = match_predictors(
                predictors[0], predictors[1:], treated[:n_pre], donors[:, :n_pre]
            )
            importance, weights = matched.importance, matched.weights
        return cls(
            treated=treated,
            donors=donors,
            names=tuple(str(u) for u in panel.units[never]),
            times=panel.times,
            date=date,
            n_pre=n_pre,
            n_treated=int((~never).sum()),
            variant=variant,
            fit=synthetic_control(treated, donors, n_pre=n_pre, variant=variant, weights=weights),
            predictors=predictors,
            predictor_names=names,
            importance=importance,
        )

    def _fit(
        self, treated: FloatArray, kept: NDArray[np.bool_], own: FloatArray | None
    ) -> SyntheticControlFit:
        """Fit another treated path on some donors, with the importance already found."""
        weights = None
        if self.predictors is not None and self.importance is not None and own is not None:
            aim, X = scale_predictors(own, self.predictors[1:][kept])
            weights = weights_for_importance(aim, X, self.importance)
        return synthetic_control(
            treated, self.donors[kept], n_pre=self.n_pre, variant=self.variant, weights=weights
        )

    def placebos(self, members: NDArray[np.int64]) -> _Placebos:
        """Let groups of donors play the treated, the treated left out."""
        gaps = np.empty((len(members), len(self.times)))
        for i, group in enumerate(members):
            kept = np.ones(len(self.donors), dtype=np.bool_)
            kept[group] = False
            own = None if self.predictors is None else self.predictors[1:][group].mean(axis=0)
            gaps[i] = self._fit(self.donors[group].mean(axis=0), kept, own).gap
        return _Placebos(gaps, members, _EXACT * float(self.donors.std()))

    def without(self, donor: int) -> float:
        """Return the mean effect when a donor is left out."""
        kept = np.arange(len(self.donors)) != donor
        own = None if self.predictors is None else self.predictors[0]
        return self._fit(self.treated, kept, own).att(self.n_pre)

    def conformal(self, columns: NDArray[np.int64]) -> EffectInterval | NotApplicable:
        """Test and invert a constant effect in some periods, the others after left out."""
        periods = np.concatenate([np.arange(self.n_pre), columns])
        donors = self.donors[:, periods]
        noise = max(self.fit.rmspe_pre, 1e-3 * float(donors.std()))
        return conformal_interval(
            self._residuals(self.treated[periods], donors, len(columns)),
            n_post=len(columns),
            centre=float(self.fit.gap[columns].mean()),
            scale=noise,
            level=LEVEL,
        )

    def _residuals(
        self, path: FloatArray, donors: FloatArray, n_post: int
    ) -> Callable[[float], FloatArray]:
        def residuals(effect: float) -> FloatArray:
            supposed = path.copy()
            supposed[-n_post:] -= effect
            return synthetic_control(
                supposed, donors, n_pre=len(path), variant=self.variant, ridge=self.fit.ridge
            ).gap

        return residuals

    def details(self, panel: CompletePanel, placebos: _Placebos) -> dict[str, Any]:
        """Return weights, paths, placebo ratios and leave-one-out effects, as JSON."""
        weights = self.fit.weights
        order = [int(i) for i in np.argsort(-np.abs(weights)) if abs(weights[i]) > 1e-9]
        after = np.arange(self.n_pre, len(self.times))
        ratios = placebos.ratio(placebos.gaps, after, self.n_pre)
        before = panel.y[panel.never][:, : self.n_pre]
        entry: dict[str, Any] = {
            "group": self.date,
            "unit_weights": [[self.names[i], float(weights[i])] for i in order],
            "times": self.times.tolist(),
            "treated": self.treated.tolist(),
            "synthetic": (self.treated - self.fit.gap).tolist(),
            "n_pre": self.n_pre,
            "rmspe_pre": self.fit.rmspe_pre,
            "rmspe_post": self.fit.rmspe_post,
            "spread_pre": float(before.std(axis=0).mean()),
            "leave_one_out": [[self.names[i], self.without(i)] for i in order if weights[i] > 1e-3],
        }
        entry["ratio"] = float(placebos.ratio(self.fit.gap[None], after, self.n_pre)[0])
        if self.n_treated == 1:
            entry["placebo_ratios"] = [
                [self.names[int(group[0])], float(ratio)]
                for group, ratio in zip(placebos.members, ratios, strict=True)
            ]
        if self.importance is not None:
            entry["predictors"] = [
                [name, float(share)]
                for name, share in zip(self.predictor_names, self.importance, strict=True)
            ]
        return {"synthetic": [entry]}
