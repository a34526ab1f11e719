"""Change between two waves, read in the honest order: what could be seen, then what was seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
    Place,
    nearest,
)
from impact_eval.core.vocabulary import Direction
from impact_eval.stats.inference.proportion import share_interval
from impact_eval.stats.scales.effect_size import PairedEffects, detectable_change, paired_effects
from impact_eval.stats.scales.paired_tests import (
    PairedT,
    SignFlip,
    Wilcoxon,
    ZeroRule,
    paired_t,
    sign_flip,
    wilcoxon,
)
from impact_eval.stats.scales.reliability import Alpha
from impact_eval.stats.scales.reliable_change import (
    Equivalence,
    Outcome,
    ReliableChange,
    ResponseShift,
    classify,
    equivalence,
    regression_to_the_mean,
    reliable_change,
    response_shift,
)
from impact_eval.survey.scale import Change
from impact_eval.survey.scores import Scores

FloatArray = NDArray[np.float64]
_SMALL = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WavePairs:
    """One measure of the same people at two waves.

    Attributes
    ----------
    before, after : (n,) array
        Only people seen at both waves, in the order of `people`.
    people : (n,) array
    n_before, n_after : int
        People with a score at each wave.
    findings : tuple of Finding
    """

    before: FloatArray
    after: FloatArray
    people: NDArray[Any]
    n_before: int
    n_after: int
    findings: tuple[Finding, ...]


def pair_waves(
    frame: pd.DataFrame, *, person: str, wave: str, waves: tuple[Any, Any], column: str
) -> WavePairs:
    """Put two waves of a long table side by side.

    A person seen twice at one wave keeps the first row that has a score; the others are reported.

    Parameters
    ----------
    frame : DataFrame
    person, wave, column : str
    waves : (first, second)
        Labels of the two waves, as the table writes them.

    Raises
    ------
    ImpactEvalError
        `missing_column`, `unknown_wave`.
    """
    faults = FindingCollector()
    names = [str(name) for name in frame.columns]
    for role, name in (("person", person), ("wave", wave), ("outcome", column)):
        if name not in names:
            faults.add(Finding.error("missing_column", Place(column=name), role=role, column=name,
                                     nearest=nearest(name, names), known=names[:30]))  # fmt: skip
    faults.raise_if_errors()
    seen_waves = [str(label) for label in pd.unique(frame[wave].dropna())]
    for label in waves:
        if str(label) not in seen_waves:
            faults.add(Finding.error("unknown_wave", Place(column=wave), wave=str(label),
                                     nearest=nearest(str(label), seen_waves),
                                     known=seen_waves[:12]))  # fmt: skip
    faults.raise_if_errors()
    sides = []
    for label in waves:
        rows = frame.loc[frame[wave].astype(str) == str(label), [person, column]]
        rows = rows.dropna(subset=[person])
        scored = rows.sort_values(column, key=lambda s: s.isna(), kind="stable")
        twice = int(scored[person].duplicated().sum())
        if twice:
            faults.add(Finding.warning("duplicated_person_wave", Place(column=person),
                                       wave=str(label), n=twice))  # fmt: skip
        sides.append(scored.drop_duplicates(person).set_index(person)[column].dropna())
    both = sides[0].index.intersection(sides[1].index)
    return WavePairs(
        before=sides[0].loc[both].to_numpy(dtype=np.float64),
        after=sides[1].loc[both].to_numpy(dtype=np.float64),
        people=both.to_numpy(),
        n_before=len(sides[0]),
        n_after=len(sides[1]),
        findings=faults.findings,
    )


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
    higher_is_better : bool
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
    higher_is_better: bool
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
        for name in ("rank_test", "permutation", "drift", "shift", "higher_is_better"):
            out[name] = plain(getattr(self, name))
        out["findings"] = [finding.to_dict() for finding in self.findings]
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """What is known before looking at a change; every field can be left out.

    Attributes
    ----------
    higher_is_better : bool
    reliability : float or None
        Test-retest, or alpha at entry.
    sd_reference : float or None
        SD of a reference population, for the error of the measure.
    worth_having : float or None
        Smallest change that matters, in points.
    cutoff : float or None
        Score that separates people in difficulty from others.
    selection : (float, float) or None
        Mean of the population people were chosen from on a low score, and the correlation of two
        measures without any action.
    zero_rule : ZeroRule
    level : float
    """

    higher_is_better: bool = True
    reliability: float | None = None
    sd_reference: float | None = None
    worth_having: float | None = None
    cutoff: float | None = None
    selection: tuple[float, float] | None = None
    zero_rule: ZeroRule = ZeroRule.DROP
    level: float = 0.95


def plan_from(scores: Scores, *, cutoff: float | None = None) -> ChangePlan:
    """Return the plan that a scored first wave allows: direction, reliability, published change."""
    retest = [v.value for v in scores.change if v.kind is Change.RETEST]
    matters = [v.value for v in scores.change if v.kind is Change.MCID]
    alpha = scores.reliability.value if isinstance(scores.reliability, Alpha) else None
    reliability = retest[0] if retest else alpha
    sd = next((norm.sd for norm in scores.norms if norm.sd is not None), None)
    usable = reliability is not None and 0 < reliability < 1
    return ChangePlan(
        higher_is_better=scores.direction is not Direction.LOWER,
        reliability=reliability if usable else None,
        sd_reference=sd,
        worth_having=min(matters) if matters else None,
        cutoff=cutoff,
    )


def read_change(
    before: ArrayLike,
    after: ArrayLike,
    plan: ChangePlan | None = None,
    *,
    retrospective: ArrayLike | None = None,
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
    """
    plan = plan if plan is not None else ChangePlan()
    x, y = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if x.shape != y.shape:
        raise ImpactEvalError(
            Finding.error("waves_differ_in_length", n_before=len(x), n_after=len(y))
        )
    both = ~(np.isnan(x) | np.isnan(y))
    n = int(both.sum())
    mean, effects = paired_t(x, y, level=plan.level), paired_effects(x, y, level=plan.level)
    reliable = _reliable(x, y, plan)
    findings = _findings(n, mean, reliable, plan)
    return ChangeResult(
        minimal_detectable=reliable if isinstance(reliable, NotApplicable) else reliable.smallest,
        detectable_mean=effects
        if isinstance(effects, NotApplicable)
        else detectable_change(n=n) * effects.sd_change,
        worth_having=plan.worth_having,
        n=n,
        n_before=int((~np.isnan(x)).sum()),
        n_after=int((~np.isnan(y)).sum()),
        mean=mean,
        effects=effects,
        worth=_worth(mean, plan),
        reliable=reliable,
        shares=_shares(x, y, reliable, plan),
        rank_test=wilcoxon(x, y, zero_rule=plan.zero_rule),
        permutation=sign_flip((y - x)[both], rng=rng),
        drift=_drift(x[both], plan),
        shift=NotApplicable.because("no_retrospective")
        if retrospective is None
        else response_shift(x, y, retrospective, level=plan.level),
        higher_is_better=plan.higher_is_better,
        findings=findings,
    )


def _reliable(x: FloatArray, y: FloatArray, plan: ChangePlan) -> ReliableChange | NotApplicable:
    if plan.reliability is None:
        return NotApplicable.because("no_reliability")
    return reliable_change(
        x, y, reliability=plan.reliability, sd_before=plan.sd_reference,
        higher_is_better=plan.higher_is_better, level=plan.level,
    )  # fmt: skip


def _worth(mean: PairedT | NotApplicable, plan: ChangePlan) -> Equivalence | NotApplicable:
    if plan.worth_having is None:
        return NotApplicable.because("no_smallest_change")
    if isinstance(mean, NotApplicable):
        return mean
    towards = mean.mean_change if plan.higher_is_better else -mean.mean_change
    return equivalence(
        towards, mean.std_error, df=mean.df, bound=plan.worth_having, alpha=1 - plan.level
    )


def _shares(
    x: FloatArray, y: FloatArray, reliable: ReliableChange | NotApplicable, plan: ChangePlan
) -> dict[Outcome, Share]:
    """Count who changed beyond error; without a reliability, who moved at all."""
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
                          higher_is_better=plan.higher_is_better, level=plan.level)  # fmt: skip
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
    n: int, mean: PairedT | NotApplicable, reliable: ReliableChange | NotApplicable,
    plan: ChangePlan,
) -> tuple[Finding, ...]:  # fmt: skip
    found = []
    if 3 <= n < _SMALL:
        found.append(
            Finding.warning("small_group_change", n=n, dz=round(detectable_change(n=n), 2))
        )
    if not isinstance(mean, NotApplicable) and not isinstance(reliable, NotApplicable):
        if abs(mean.mean_change) < reliable.smallest:
            found.append(Finding.info("change_within_error", change=mean.mean_change,
                                      smallest=reliable.smallest))  # fmt: skip
        if reliable.n_deteriorated:
            found.append(Finding.info("some_got_worse", n=reliable.n_deteriorated, of=reliable.n))
    if plan.selection is not None:
        found.append(Finding.info("regression_to_the_mean"))
    return tuple(found)
