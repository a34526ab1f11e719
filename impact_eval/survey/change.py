"""Change between two waves, read in the honest order: what could be seen, then what was seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.stats.inference.proportion import share_interval
from impact_eval.stats.scales.effect_size import PairedEffects, detectable_change, paired_effects
from impact_eval.stats.scales.measurement_error import ErrorSource, MeasurementError
from impact_eval.stats.scales.paired_tests import (
    PairedT,
    SignFlip,
    Wilcoxon,
    ZeroRule,
    paired_t,
    sign_flip,
    wilcoxon,
)
from impact_eval.stats.scales.reliable_change import (
    Equivalence,
    Outcome,
    ReliableChange,
    ResponseShift,
    beyond_error,
    classify,
    equivalence,
    regression_to_the_mean,
    reliable_change,
    response_shift,
)
from impact_eval.stats.surveys.calibration import effective_size
from impact_eval.stats.surveys.survey_design import survey_design, survey_mean
from impact_eval.stats.surveys.weighted_spread import weighted_deviation
from impact_eval.survey.change_plan import ChangePlan

FloatArray = NDArray[np.float64]
T = TypeVar("T")
_SMALL = 30
_FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """People concerned, out of how many, and the interval of the share."""

    count: int
    n: int
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChangeResult:
    """A change between two waves, in the order it is to be read.

    Attributes
    ----------
    minimal_detectable : float or NotApplicable
        Smallest change of one person beyond the error of the measure, in points.
    detectable_mean : float or NotApplicable
        Smallest mean change this group had four chances in five to show, in points.
    worth_having : float or None
        Smallest change that matters, in points, declared or published.
    n, n_before, n_after : int
    mean : PairedT or NotApplicable
        Mean change with its interval.
    effects : PairedEffects or NotApplicable
    worth : Equivalence or NotApplicable
        The mean change against the smallest that matters.
    reliable : ReliableChange or NotApplicable
    shares : mapping of Outcome to Share
        Always with the share that got worse.
    rank_test : Wilcoxon or NotApplicable
    permutation : SignFlip or NotApplicable
    drift : float or NotApplicable
        What regression to the mean alone would give, when entry was on a low score.
    shift : ResponseShift or NotApplicable
    higher_is_better : bool or None
    error : MeasurementError or NotApplicable
        Error of one person's score, and where it comes from.
    weighted : bool
        Whether the mean change follows the weights of people.
    findings : tuple of Finding
    """

    minimal_detectable: float | NotApplicable
    detectable_mean: float | NotApplicable
    worth_having: float | None
    n: int
    n_before: int
    n_after: int
    mean: PairedT | NotApplicable
    effects: PairedEffects | NotApplicable
    worth: Equivalence | NotApplicable
    reliable: ReliableChange | NotApplicable
    shares: Mapping[Outcome, Share]
    rank_test: Wilcoxon | NotApplicable
    permutation: SignFlip | NotApplicable
    drift: float | NotApplicable
    shift: ResponseShift | NotApplicable
    higher_is_better: bool | None
    error: MeasurementError | NotApplicable
    weighted: bool = False
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON, in reading order; no row of a person."""
        from dataclasses import asdict, is_dataclass

        def plain(value: Any) -> Any:
            if isinstance(value, NotApplicable):
                return value.to_dict()
            if is_dataclass(value) and not isinstance(value, type):
                kept = {k: v for k, v in asdict(value).items() if not isinstance(v, np.ndarray)}
                return {k: str(v) if isinstance(v, ZeroRule) else v for k, v in kept.items()}
            return value

        out = {
            name: plain(getattr(self, name))
            for name in ("minimal_detectable", "detectable_mean", "worth_having", "n", "n_before",
                         "n_after", "mean", "effects", "worth", "reliable")
        }  # fmt: skip
        out["shares"] = {outcome.value: plain(share) for outcome, share in self.shares.items()}
        for name in ("rank_test", "permutation", "drift", "shift", "higher_is_better", "error",
                     "weighted"):  # fmt: skip
            out[name] = plain(getattr(self, name))
        out["findings"] = [finding.to_dict() for finding in self.findings]
        return out


def read_change(
    before: ArrayLike,
    after: ArrayLike,
    plan: ChangePlan | None = None,
    *,
    retrospective: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    rng: np.random.Generator | None = None,
) -> ChangeResult:
    """Read the change of one group between two waves.

    This is an evolution, never an effect: nothing says what would have happened without the action.

    Parameters
    ----------
    before, after : (n,) array
        The same people in the same order, NaN where a wave is missing.
    plan : ChangePlan, optional
        What was known before.
    retrospective : (n,) array, optional
        What people say, after, that they were before: set beside the change, never in its place.
    weights : (n,) array, optional
        Positive, one per person: the mean change is then that of the people they stand for, with a
        design-based error; tests by ranks and standardised sizes are left out. Counts of people
        stay counts.
    rng : numpy.random.Generator, optional
        For the permutation test beyond 22 people who changed.

    Returns
    -------
    ChangeResult

    Examples
    --------
    >>> plan = ChangePlan(reliability=0.85)
    >>> result = read_change([20, 22, 25, 28, 30], [24, 22, 29, 27, 35], plan)
    >>> round(result.minimal_detectable, 2), result.shares[Outcome.DETERIORATED].count
    (4.43, 0)
    >>> read_change([20, 22, 25], [24, 22, 29], weights=[1, 2, 1]).mean.mean_change
    2.0
    """
    plan = plan if plan is not None else ChangePlan()
    x, y = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if x.shape != y.shape:
        raise ImpactEvalError(
            Finding.error("waves_differ_in_length", n_before=len(x), n_after=len(y))
        )
    both = ~(np.isnan(x) | np.isnan(y))
    n = int(both.sum())
    group = _Group(x, y, None if weights is None else np.asarray(weights, dtype=np.float64), plan)
    mean, reliable, detectable = group.mean(), _reliable(x, y, plan), group.detectable()
    return ChangeResult(
        minimal_detectable=reliable if isinstance(reliable, NotApplicable) else reliable.smallest,
        detectable_mean=detectable,
        worth_having=plan.worth_having,
        n=n,
        n_before=int((~np.isnan(x)).sum()),
        n_after=int((~np.isnan(y)).sum()),
        mean=mean,
        effects=group.unweighted(lambda: paired_effects(x, y, level=plan.level)),
        worth=_worth(mean, plan),
        reliable=reliable,
        shares=_shares(x, y, reliable, plan),
        rank_test=group.unweighted(lambda: wilcoxon(x, y, zero_rule=plan.zero_rule)),
        permutation=group.unweighted(lambda: sign_flip((y - x)[both], rng=rng)),
        drift=_drift(x[both], plan),
        shift=NotApplicable.because("no_retrospective")
        if retrospective is None
        else response_shift(x, y, retrospective, level=plan.level),
        higher_is_better=plan.higher_is_better,
        error=_error(reliable, plan),
        weighted=weights is not None,
        findings=_findings(n, detectable, reliable, plan),
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """The scores of one group at two dates, and the weights of its people when they have some."""

    before: FloatArray
    after: FloatArray
    weights: FloatArray | None
    plan: ChangePlan

    def mean(self) -> PairedT | NotApplicable:
        """Return the mean change; with weights, of the people they stand for."""
        if self.weights is None:
            return paired_t(self.before, self.after, level=self.plan.level)
        change, weights = self._weighted()
        n = len(change)
        if n < _FEWEST:
            return NotApplicable.because("too_few_pairs", n=n, advised=_FEWEST)
        if np.ptp(change) == 0:
            return NotApplicable.because("no_variance")
        fit = survey_mean(change, survey_design(n=n, weights=weights), level=self.plan.level)
        estimate, error = float(fit.estimate[0]), float(fit.std_error[0])
        p_value = 2 * float(special.stdtr(n - 1, -abs(estimate / error)))
        return PairedT(
            mean_change=estimate, std_error=error, statistic=estimate / error, df=n - 1,
            p_value=p_value, conf_low=float(fit.conf_low[0]),
            conf_high=float(fit.conf_high[0]), n=n,
        )  # fmt: skip

    def detectable(self) -> float | NotApplicable:
        """Return the smallest mean change this group had four chances in five to show."""
        if self.weights is None:
            effects = paired_effects(self.before, self.after, level=self.plan.level)
            if isinstance(effects, NotApplicable):
                return effects
            return detectable_change(n=effects.n) * effects.sd_change
        change, weights = self._weighted()
        if len(change) < _FEWEST:
            return NotApplicable.because("too_few_pairs", n=len(change), advised=_FEWEST)
        people = int(effective_size(weights))
        if people < _FEWEST:
            return NotApplicable.because("too_few_pairs", n=people, advised=_FEWEST)
        return detectable_change(n=people) * weighted_deviation(change, weights)

    def unweighted(self, ask: Callable[[], T]) -> T | NotApplicable:
        """Return a statistic that knows no weights, or why it is left out."""
        return ask() if self.weights is None else NotApplicable.because("weights_declared")

    def _weighted(self) -> tuple[FloatArray, FloatArray]:
        change = self.after - self.before
        assert self.weights is not None
        kept = ~np.isnan(change) & (self.weights > 0)
        return change[kept], self.weights[kept]


def _reliable(x: FloatArray, y: FloatArray, plan: ChangePlan) -> ReliableChange | NotApplicable:
    way = plan.higher_is_better is not False
    if isinstance(plan.error, MeasurementError):
        return beyond_error(x, y, plan.error, higher_is_better=way)
    if plan.error is not None:
        return plan.error
    if plan.reliability is None:
        return NotApplicable.because("no_reliability")
    return reliable_change(x, y, reliability=plan.reliability, sd_before=plan.sd_reference,
                           higher_is_better=way, level=plan.level)  # fmt: skip


def _error(
    reliable: ReliableChange | NotApplicable, plan: ChangePlan
) -> MeasurementError | NotApplicable:
    """Return the error that people were judged by."""
    if isinstance(reliable, NotApplicable):
        return reliable
    if isinstance(plan.error, MeasurementError):
        return plan.error
    return MeasurementError(
        std_error=reliable.std_error_measurement,
        smallest=reliable.smallest,
        level=plan.level,
        source=ErrorSource.DECLARED if plan.sd_reference is not None else ErrorSource.SAMPLE,
        n=None if plan.sd_reference is not None else reliable.n,
    )


def _worth(mean: PairedT | NotApplicable, plan: ChangePlan) -> Equivalence | NotApplicable:
    if plan.worth_having is None:
        return NotApplicable.because("no_smallest_change")
    if isinstance(mean, NotApplicable):
        return mean
    if plan.higher_is_better is None:
        return NotApplicable.because("no_direction")
    towards = mean.mean_change if plan.higher_is_better else -mean.mean_change
    return equivalence(
        towards, mean.std_error, df=mean.df, bound=plan.worth_having, alpha=1 - plan.level
    )


def _shares(
    x: FloatArray, y: FloatArray, reliable: ReliableChange | NotApplicable, plan: ChangePlan
) -> dict[Outcome, Share]:
    """Count who changed beyond error; without one, who moved; without a direction, nobody."""
    if plan.higher_is_better is None:
        return {}
    if isinstance(reliable, NotApplicable):
        towards = (y - x) if plan.higher_is_better else (x - y)
        n = int((~np.isnan(towards)).sum())
        up, down = int((towards > 0).sum()), int((towards < 0).sum())
        counts = {Outcome.IMPROVED: up, Outcome.UNCHANGED: n - up - down,
                  Outcome.DETERIORATED: down}  # fmt: skip
    elif plan.cutoff is None:
        n = reliable.n
        counts = {Outcome.IMPROVED: reliable.n_improved, Outcome.UNCHANGED: reliable.n_unchanged,
                  Outcome.DETERIORATED: reliable.n_deteriorated}  # fmt: skip
    else:
        n = reliable.n
        counts = classify(x, y, reliable, cutoff=plan.cutoff,
                          higher_is_better=plan.higher_is_better)  # fmt: skip
    out = {}
    for outcome, count in counts.items():
        bounds = share_interval(count, n, level=plan.level)
        low, high = (math.nan, math.nan) if isinstance(bounds, NotApplicable) else bounds
        if n:
            out[outcome] = Share(count=count, n=n, conf_low=low, conf_high=high)
    return out


def _drift(x: FloatArray, plan: ChangePlan) -> float | NotApplicable:
    if plan.selection is None:
        return NotApplicable.because("no_selection_declared")
    if not len(x):
        return NotApplicable.because("too_few_pairs", n=0, advised=3)
    mean, r = plan.selection
    return regression_to_the_mean(float(x.mean()), population_mean=mean, reliability=r)


def _findings(
    n: int,
    detectable: float | NotApplicable,
    reliable: ReliableChange | NotApplicable,
    plan: ChangePlan,
) -> tuple[Finding, ...]:
    found = []
    if _FEWEST <= n < _SMALL and not isinstance(detectable, NotApplicable):
        found.append(Finding.warning("small_group_change", n=n, smallest=detectable))
    if plan.higher_is_better is None:
        found.append(Finding.info("change_without_direction"))
    elif not isinstance(reliable, NotApplicable) and reliable.n_deteriorated:
        found.append(Finding.info("some_got_worse", n=reliable.n_deteriorated, of=reliable.n))
    if plan.selection is not None:
        found.append(Finding.info("regression_to_the_mean"))
    return tuple(found)
