"""What is known of a scale before a change is read: its direction, its error, what matters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impact_eval.core.findings import NotApplicable
from impact_eval.core.vocabulary import Direction
from impact_eval.stats.scales.measurement_error import (
    ErrorSource,
    MeasurementError,
    error_from_answers,
    error_from_retest,
    known_error,
)
from impact_eval.stats.scales.paired_tests import ZeroRule
from impact_eval.stats.scales.reliability import Alpha
from impact_eval.survey.scale import Change
from impact_eval.survey.scores import Scores

_EXACT = 1e-6  # a score that is a line of the sum of its points: nothing is rounded there


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """What is known before looking at a change; every field can be left out.

    Attributes
    ----------
    higher_is_better : bool or None
        None when neither way is better: nobody is then said to have improved.
    reliability : float or None
        Test-retest, or alpha at entry: with `sd_reference`, the error of the measure where `error`
        is not given.
    sd_reference : float or None
        SD of the very people whose reliability it is; that of `before` by default.
    error : MeasurementError or NotApplicable or None
        Error of one person's score; it comes before `reliability`.
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

    higher_is_better: bool | None = True
    reliability: float | None = None
    sd_reference: float | None = None
    error: MeasurementError | NotApplicable | None = None
    worth_having: float | None = None
    cutoff: float | None = None
    selection: tuple[float, float] | None = None
    zero_rule: ZeroRule = ZeroRule.DROP
    level: float = 0.95


def plan_from(scores: Scores, *, cutoff: float | None = None) -> ChangePlan:
    """Return the plan that a scored first wave allows: direction, error, published change.

    Parameters
    ----------
    scores : Scores
        Of the people asked first.
    cutoff : float, optional
        Score that separates people in difficulty from others.

    Examples
    --------
    >>> import pandas as pd
    >>> from impact_eval.survey import instrument
    >>> answers = pd.DataFrame({f"q{i}": [1, 2, 3, 4, 3] * 4 for i in range(1, 11)})
    >>> answers.loc[::2, "q3"] = 2
    >>> plan = plan_from(instrument("rses-fr").score(answers, list(answers.columns)))
    >>> plan.higher_is_better, plan.error.source.value, plan.error.n
    (True, 'sample', 20)
    """
    matters = [v.value for v in scores.change if v.kind is Change.MCID]
    alpha = scores.reliability.value if isinstance(scores.reliability, Alpha) else None
    return ChangePlan(
        higher_is_better=_way(scores.direction),
        reliability=alpha if alpha is not None and 0 < alpha < 1 else None,
        error=error_of_scores(scores),
        worth_having=min(matters) if matters else None,
        cutoff=cutoff,
    )


def _way(direction: Direction) -> bool | None:
    """Return whether more is better; None when neither way is."""
    if direction is Direction.NEITHER:
        return None
    return direction is Direction.HIGHER


def error_of_scores(scores: Scores, *, level: float = 0.95) -> MeasurementError | NotApplicable:
    """Return the error of one person's score: of this sample, else of one published study.

    The error of a published study of people asked twice serves where this sample can give none (a
    single question, few people): the spread of one study is never multiplied by the reliability of
    another.

    Parameters
    ----------
    scores : Scores
        Of people asked once.
    level : float
    """
    own = _of_sample(scores, level)
    if isinstance(own, MeasurementError):
        return own
    published = _published(scores, level)
    return own if published is None else published


def _of_sample(scores: Scores, level: float) -> MeasurementError | NotApplicable:
    if isinstance(scores.reliability, NotApplicable) and len(scores.items) < 2:
        return NotApplicable.because("single_item")
    if isinstance(scores.reliability, NotApplicable):
        return scores.reliability
    points = scores.matrix()
    total = points.sum(axis=1)
    seen = ~np.isnan(total) & ~np.isnan(scores.values)
    if seen.sum() < 2 or np.ptp(total[seen]) == 0:
        return error_from_answers(points, level=level)
    slope, start = np.polyfit(total[seen], scores.values[seen], 1)
    fitted = start + slope * total[seen]
    if np.abs(fitted - scores.values[seen]).max() > _EXACT * max(1.0, np.ptp(scores.values[seen])):
        return _converted(scores, level)  # read in a table: the answers are on another scale
    ends = sorted(float((end - start) / slope) for end in (scores.low, scores.high))
    return error_from_answers(points, low=ends[0], high=ends[1], slope=float(slope), level=level)


def _converted(scores: Scores, level: float) -> MeasurementError | NotApplicable:
    """Return SD times the root of 1 - alpha, both of this sample."""
    error = scores.std_error_measurement
    if isinstance(error, NotApplicable):
        return error
    return known_error(float(error), source=ErrorSource.SAMPLE, n=scores.n, level=level)


def _published(scores: Scores, level: float) -> MeasurementError | None:
    """Return the error of one published study: its own error, or its retest with its own spread."""
    for value in scores.change:
        if value.kind is Change.SEM:
            return known_error(value.value, source=ErrorSource.PUBLISHED, level=level)
    for value in scores.change:
        norm = next((n for n in scores.norms if n.source == value.source and n.sd), None)
        if value.kind is Change.RETEST and norm is not None and norm.sd is not None:
            found = error_from_retest(value.value, norm.sd, source=ErrorSource.PUBLISHED, n=norm.n,
                                      level=level)  # fmt: skip
            return None if isinstance(found, NotApplicable) else found
    return None
