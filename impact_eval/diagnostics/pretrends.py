"""Pre-trends: did the groups already move apart before, and could the test have seen it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import JointTest, wald_test
from impact_eval.designs.reference_times import ELAPSED, pooled_leads, told_references
from impact_eval.diagnostics.check import CheckContext, CheckResult, CheckStatus, register_check
from impact_eval.stats.inference.few import FEW_CLUSTERS
from impact_eval.stats.panels.pretest import PretestRule, mean_after_passing, slope_for_power

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPath:
    """An event study cut into what comes before and after the action.

    Attributes
    ----------
    times : (k,) array
        Event times of the rows that have a variance.
    estimates : (k,) array
    covariance : (k, k) array
    pre : (k,) array of bool
        Rows before the action (and before its anticipation).
    reference : float
        Event time that the estimates are measured against.
    steps : bool
        Whether a pre-period row is the change from the period before it (varying base) rather than
        the gap to the reference period.
    n_clusters : int or None
    elapsed : (k,) array
        Time from what a row is measured against to the row; NaN when its parts differ, or when the
        design does not say.
    references : tuple of float
        Event times of the references, when cohorts have several (surveys at unequal intervals).
    pooled : bool
        Whether pre-period rows are measured against all earlier periods, and the rows after against
        all periods before (imputation), so that no single period is the reference.
    """

    times: FloatArray
    estimates: FloatArray
    covariance: FloatArray
    pre: NDArray[np.bool_]
    reference: float
    steps: bool
    n_clusters: int | None
    elapsed: FloatArray
    references: tuple[float, ...] = ()
    pooled: bool = False

    @property
    def unit_drift(self) -> FloatArray:
        """(k,) what a linear trend of slope one would add to every row."""
        if self.pooled:
            first = self.references or (float(self.times[self.pre].min()) - 1,)
            middle = float(np.append(self.times[self.pre], first).mean())
            return self.times - np.where(self.pre, np.mean(first), middle)
        gap = self.times - self.reference
        known = np.isfinite(self.elapsed)
        return np.where(known, self.elapsed, np.where(self.pre & self.steps, 1.0, gap))

    @property
    def chained(self) -> bool:
        """Whether the rows of a varying base add up to levels: each starts where another ends."""
        if not self.steps:
            return True
        ends = np.sort(self.times[self.pre])
        starts = np.sort((self.times - self._lengths)[self.pre])
        return bool(np.allclose(starts[1:], ends[:-1]) and np.isclose(ends[-1], self.reference))

    @property
    def _lengths(self) -> FloatArray:
        return np.where(np.isfinite(self.elapsed), self.elapsed, 1.0)

    def levels(self) -> EventPath:
        """Return the path measured against the reference period, undoing a varying base.

        The gap at event time e is minus the sum of the steps from the next one to the reference; it
        exists only when no step is missing (`chained`).
        """
        if not self.steps:
            return self
        size = len(self.times)
        turn = np.eye(size)
        rows = np.flatnonzero(self.pre)
        for i in rows:
            later = [j for j in rows if self.times[j] > self.times[i]]
            turn[i] = 0.0
            turn[i, later] = -1.0
            turn[i, i] = -1.0
        times = np.where(self.pre, self.times - self._lengths, self.times)
        return replace(
            self,
            times=times,
            estimates=turn @ self.estimates,
            covariance=turn @ self.covariance @ turn.T,
            steps=False,
            elapsed=np.where(self.pre, times - self.reference, self.elapsed),
        )


def event_path(event: Estimate | None) -> EventPath | NotApplicable:
    """Read the event study of an estimate.

    Returns
    -------
    EventPath or NotApplicable
        `no_event_study` or `no_pre_period`.
    """
    if event is None:
        return NotApplicable.because("no_event_study")
    options = event.method.options
    anticipation = float(options.get("anticipation") or 0)
    told = told_references(event)
    reference = max(told, default=-1.0 - anticipation)
    kept = [
        i
        for i, e in enumerate(event.effects)
        if e.term == "event" and isinstance(e.time, (int, float)) and event.covariance[i, i] > 0
    ]
    times = np.array([float(event.effects[i].time or 0.0) for i in kept])
    counts = [event.effects[i].n_clusters for i in kept]
    known = [count for count in counts if count is not None]
    pre = times < -anticipation
    steps = str(options.get("base_period", "")) == "varying"
    if not pre.any():
        return NotApplicable.because("no_pre_period", method=event.method.name)
    return EventPath(
        times=times,
        estimates=event.estimates[kept],
        covariance=event.covariance[np.ix_(kept, kept)],
        pre=pre,
        reference=reference,
        steps=steps,
        n_clusters=min(known) if known else None,
        elapsed=_elapsed(event)[kept],
        references=told,
        pooled=pooled_leads(event) or (bool((times == reference).any()) and not steps),
    )


def _elapsed(event: Estimate) -> FloatArray:
    told = event.details.get(ELAPSED)
    size = len(event.effects)
    if not isinstance(told, (list, tuple)) or len(told) != size:
        return np.full(size, np.nan)
    return np.array([np.nan if value is None else float(value) for value in told])


def pretrends_test(path: EventPath) -> JointTest:
    r"""Test jointly that all pre-period rows are zero.

    With fewer than 50 clusters the Wald statistic is read as Hotelling's:
    :math:`W (G-k)/(k(G-1)) \sim F(k, G-k)`.

    Returns
    -------
    JointTest
    """
    terms = tuple(f"event[{time:g}]" for time in path.times[path.pre])
    test = wald_test(
        path.estimates[path.pre], path.covariance[np.ix_(path.pre, path.pre)], terms=terms
    )
    clusters = path.n_clusters
    if clusters is None or clusters >= FEW_CLUSTERS or clusters <= test.df + 1:
        return test
    below = clusters - test.df
    statistic = test.statistic * below / (test.df * (clusters - 1))
    p_value = float(special.fdtrc(test.df, below, statistic))
    return JointTest(statistic, test.df, p_value, terms, df_denominator=below)


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrendPower:
    """What the pre-trend test could have seen.

    Attributes
    ----------
    slope_50, slope_80 : float
        Drift per period found one time in two, four times in five.
    bias_50, bias_80 : float
        What that drift adds to the mean effect after the action.
    bias_after_passing : float
        The same for `slope_50`, in studies that passed their pre-test.
    """

    slope_50: float
    slope_80: float
    bias_50: float
    bias_80: float
    bias_after_passing: float


def pretrends_power(
    path: EventPath, *, alpha: float = 0.05, rule: PretestRule = PretestRule.JOINT
) -> PretrendPower:
    """Return the linear drifts that the test finds at 50 and 80 %, and the bias they would make.

    Parameters
    ----------
    path : EventPath
    alpha : float
    rule : PretestRule

    References
    ----------
    Roth, J. (2022). doi:10.1257/aeri.20210236
    """
    pre, unit = path.pre, path.unit_drift
    before = path.covariance[np.ix_(pre, pre)]
    slopes = [
        slope_for_power(unit[pre], before, power=power, alpha=alpha, rule=rule)
        for power in (0.5, 0.8)
    ]
    after = ~pre & (path.times >= 0)
    mean = after / max(int(after.sum()), 1)
    passed = mean_after_passing(slopes[0] * unit, path.covariance, pre, alpha=alpha, rule=rule)
    return PretrendPower(
        slope_50=slopes[0],
        slope_80=slopes[1],
        bias_50=float(slopes[0] * unit @ mean),
        bias_80=float(slopes[1] * unit @ mean),
        bias_after_passing=float(passed @ mean),
    )


@register_check
@dataclass(frozen=True, slots=True)
class PreTrends:
    """Joint pre-trend test and its power.

    Failed: the groups moved apart before the action (p below `alpha`). Warning: a gap as large as
    the effect was already there before it, noise or not; or no gap was visible, but a steady drift
    large enough to make up the whole effect (or to hide one of the size of the interval's
    half-width) would have been missed at least one time in two. Passed otherwise.

    Parameters
    ----------
    alpha : float

    References
    ----------
    Roth, J. (2022). doi:10.1257/aeri.20210236
    """

    code: ClassVar[str] = "pretrends"
    alpha: float = 0.05

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        path = event_path(context.event)
        if isinstance(path, NotApplicable):
            return CheckResult.not_applicable(self.code, path.reason, **path.values)
        if np.linalg.matrix_rank(path.covariance[np.ix_(path.pre, path.pre)]) < path.pre.sum():
            return CheckResult.not_applicable(
                self.code, "pretrends_rank", n=int(path.pre.sum()), clusters=path.n_clusters
            )
        test = pretrends_test(path)
        power = pretrends_power(path, alpha=self.alpha)
        after = ~path.pre & (path.times >= 0)
        weights = after / max(int(after.sum()), 1)
        effect = float(path.estimates @ weights)
        margin = 1.96 * float(np.sqrt(weights @ path.covariance @ weights))
        scale = max(abs(effect), margin)
        largest = float(np.abs(path.levels().estimates[path.pre]).max())
        if test.p_value < self.alpha:
            status, reason = CheckStatus.FAILED, "pretrends_differ"
        elif largest >= abs(effect):
            status, reason = CheckStatus.WARNING, "pretrends_as_large"
        elif abs(power.bias_50) >= scale:
            status, reason = CheckStatus.WARNING, "pretrends_low_power"
        else:
            status, reason = CheckStatus.PASSED, None
        return CheckResult(
            code=self.code,
            status=status,
            statistic=test.statistic,
            p_value=test.p_value,
            reason=reason,
            values={
                "n_periods": int(path.pre.sum()),
                "df": test.df,
                "df_denominator": test.df_denominator,
                "largest": largest,
                "effect": effect,
                "slope_50": power.slope_50,
                "slope_80": power.slope_80,
                "bias_50": power.bias_50,
                "bias_80": power.bias_80,
                "bias_after_passing": power.bias_after_passing,
            },
        )
