"""The deadweight that an effect implies: what those accompanied would have had anyway."""

from __future__ import annotations

import math
from dataclasses import dataclass

from impact_eval.core.effect import Effect
from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import critical_value
from impact_eval.core.vocabulary import Direction, Unit
from impact_eval.value.account.effect_bounds import PrintedInterval, bounds_of

_WITHOUT_ZERO = frozenset({Unit.SCORE, Unit.NUMBER, Unit.LOG100})
_SHARES = {Unit.SHARE: 1.0, Unit.PERCENT: 100.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadweight:
    """The deadweight that an effect implies, 1 - effect / mean of participants, with its interval.

    An output of the comparison, never an input. It is a share: its ends stay between 0 and 1.
    """

    value: float
    conf_low: float | None
    conf_high: float | None
    conf_level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatedMean:
    """The mean of those accompanied once they are, and its standard error when it is known."""

    value: float
    error: float | None = None


def implied_deadweight(
    effect: float,
    bounds: PrintedInterval | None,
    mean: TreatedMean,
    *,
    level: float = 0.95,
) -> Deadweight:
    r"""Return :math:`DW = 1 - \hat\tau / \bar Y_1`, with its interval.

    The interval follows that of the effect, end by end, and the error of the mean is added to each
    side in quadrature: :math:`\sqrt{(\hat\tau-l)^2 + (\hat\tau/\bar Y_1)^2 z^2 s^2} / \bar Y_1`. It
    is cut at 0 and 1: nobody would have had less than nothing anyway, nor more than everything.

    Parameters
    ----------
    effect : float
        In the unit of the outcome.
    bounds : PrintedInterval or None
        The printed interval of the effect; None when its error is not known.
    mean : TreatedMean
        Of participants after the action; above zero.
    level : float
        Of the interval, when there is none to follow.

    Returns
    -------
    Deadweight

    Assumptions
    -----------
    The errors of the effect and of the mean are taken as independent: the interval is then wide,
    for their true correlation is positive.

    Examples
    --------
    >>> round(implied_deadweight(0.10, None, TreatedMean(value=0.40)).value, 6)
    0.75
    """
    value = 1 - effect / mean.value
    if bounds is None:
        return Deadweight(value=_share(value), conf_low=None, conf_high=None, conf_level=level)
    own = effect / mean.value * (mean.error or 0.0) * critical_value(bounds.level)
    above, below = math.hypot(bounds.high - effect, own), math.hypot(effect - bounds.low, own)
    return Deadweight(
        value=_share(value),
        conf_low=_share(value - above / mean.value),
        conf_high=_share(value + below / mean.value),
        conf_level=bounds.level,
    )


def deadweight_of(
    effect: Effect, unit: Unit, direction: Direction, mean: TreatedMean | None, line: str
) -> Deadweight | NotApplicable:
    """Return the deadweight of one effect, or why there is none.

    Of an outcome that should fall, a share is read on those who are spared it: 1 - mean.

    Parameters
    ----------
    effect : Effect
        Against a comparison.
    unit : Unit
    direction : Direction
    mean : TreatedMean or None
    line : str
        Named in the reason.

    Returns
    -------
    Deadweight or NotApplicable
        `deadweight_of_a_score` (a score has no zero from which to count), `deadweight_needs_mean`,
        `deadweight_of_a_fall` (a number that should fall is not a result one has),
        `deadweight_without_gain` (the action adds nothing: there is nothing to share out).
    """
    assert effect.estimate is not None
    gain, bounds = effect.estimate, bounds_of(effect)
    if unit in _WITHOUT_ZERO:
        return NotApplicable.because("deadweight_of_a_score", line=line)
    if mean is None:
        return NotApplicable.because("deadweight_needs_mean", line=line)
    if direction is Direction.LOWER:
        if unit not in _SHARES:
            return NotApplicable.because("deadweight_of_a_fall", line=line)
        gain = -gain
        mean = TreatedMean(value=_SHARES[unit] - mean.value, error=mean.error)
        if bounds is not None:
            bounds = PrintedInterval(low=-bounds.high, high=-bounds.low, level=bounds.level)
    if gain <= 0 or mean.value <= 0:
        return NotApplicable.because("deadweight_without_gain", line=line)
    return implied_deadweight(gain, bounds, mean, level=effect.conf_level)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
