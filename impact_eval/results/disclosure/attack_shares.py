"""What a difference of two shares, its error and its test give back of the people behind it.

For answers in two values, the difference tells how many more said yes, and the error how many said
yes at all: for each possible pair of counts the attacker computes what would have been printed, and
keeps the pairs that give what was. Hiding the two shares is not enough when few pairs are left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.results.disclosure.rounding import (
    round_error,
    round_ratio,
    round_statistic,
    statistic_unit,
)

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """A difference of shares as it is printed.

    Attributes
    ----------
    estimate, std_error : float
        Rounded as they are published.
    statistic : float or None
        Their ratio, rounded.
    scale : float
        What one yes weighs: 1 for a share, 100 for a percentage.
    close : bool
        Whether the estimate is told with one digit less (`rounding.statistic_unit`).
    """

    estimate: float
    std_error: float
    statistic: float | None = None
    scale: float = 1.0
    close: bool = False

    @property
    def unit(self) -> float:
        """What the estimate is rounded to."""
        return statistic_unit(self.std_error, close=self.close) or 0.0

    def agrees(self, estimate: FloatArray, error: FloatArray) -> NDArray[np.bool_]:
        """Return which exact estimates and errors would be printed so."""
        near = np.abs(estimate - self.estimate) <= self.unit + _SLACK
        near &= np.abs(error - self.std_error) <= 0.1 * self.std_error  # then by the rule itself
        for i in np.flatnonzero(near):
            near[i] = self._printed(float(estimate[i]), float(error[i]))
        return near

    def _printed(self, estimate: float, error: float) -> bool:
        """Whether exact numbers are printed so; the last bit of a float decides nothing."""
        about = [
            shown_difference(one, other, scale=self.scale, close=self.close)
            for one in _about(estimate)
            for other in _about(error)
        ]
        shown = [one for one in about if one is not None]
        return (
            any(_same(one.estimate, self.estimate) for one in shown)
            and any(_same(one.std_error, self.std_error) for one in shown)
            and (
                self.statistic is None
                or any(_same(one.statistic or 0.0, self.statistic) for one in shown)
            )
        )


@dataclass(frozen=True, slots=True)
class CountRange:
    """The least and the greatest that a count can be, given what is printed, and how many values.

    A difference does not tell yes from no: 3 of one group or 20, and nothing in between, are two
    values. Whoever knows the action knows which of the two it is.
    """

    low: int
    high: int
    values: int

    def tells(self, threshold: int) -> bool:
        """Whether a count of few people is known too well, or that there is none of them.

        Examples
        --------
        >>> ranges = CountRange(3, 4, 2), CountRange(0, 15, 16), CountRange(30, 31, 2)
        >>> tuple(each.tells(11) for each in ranges)
        (True, False, False)
        """
        return self.values < threshold and self.low < threshold


def shown_difference(
    estimate: float, std_error: float, *, scale: float = 1.0, close: bool = False
) -> ShownDifference | None:
    """Return a difference of shares as the gate would print it; None when it cannot be.

    Parameters
    ----------
    estimate, std_error : float
        Exact.
    scale : float
    close : bool
    """
    told = round_statistic(estimate, std_error, close=close)
    if told is None:
        return None
    ratio = round_ratio(estimate / std_error)
    return ShownDifference(told, round_error(std_error), ratio, scale, close)


def two_group_counts(
    shown: ShownDifference, n_treated: int, n_comparison: int
) -> tuple[CountRange, ...]:
    r"""Return what is known of who said yes, and no, in each of two groups.

    The error is :math:`\sqrt{p_1 q_1/(n_1 - 1) + p_0 q_0/(n_0 - 1)}`, Neyman's.

    Parameters
    ----------
    shown : ShownDifference
    n_treated, n_comparison : int

    Returns
    -------
    tuple of CountRange
        Yes and no of the treated, yes and no of the others; empty when no pair of counts gives
        what is printed: the error is another one, and this attack learns nothing.

    Examples
    --------
    Three of 40, and 20 of 40: the difference and its error are enough.

    >>> shown = shown_difference(3 / 40 - 20 / 40, 0.0904937)
    >>> two_group_counts(shown, 40, 40)[0]
    CountRange(low=3, high=20, values=2)
    """
    if min(n_treated, n_comparison) < 2:
        return ()
    yes, other = _near_pairs(shown, n_treated, n_comparison)
    one, two = yes / n_treated, other / n_comparison
    estimate = shown.scale * (one - two)
    variance = one * (1 - one) / (n_treated - 1) + two * (1 - two) / (n_comparison - 1)
    kept = shown.agrees(estimate, shown.scale * np.sqrt(variance))
    return _ranges(yes[kept], n_treated, other[kept], n_comparison)


def paired_counts(shown: ShownDifference, n: int) -> tuple[CountRange, ...]:
    r"""Return what is known of who said yes, and no, at each of two dates.

    With b people who came to yes and c who left it, the mean change is (b - c)/n and its variance
    :math:`((b + c) - (b - c)^2/n) / (n(n - 1))`: both are known, and who said yes at the first date
    is between c and n - b.

    Parameters
    ----------
    shown : ShownDifference
    n : int
        People seen at both dates.

    Returns
    -------
    tuple of CountRange
        Yes and no at the first date, yes and no at the second; empty as for `two_group_counts`.

    Examples
    --------
    >>> shown = shown_difference(22 / 40, 0.0873396)  # 23 came to yes, and one left it
    >>> paired_counts(shown, 40)[0]
    CountRange(low=1, high=17, values=17)
    """
    if n < 2:
        return ()
    came, left = _near_pairs(shown, n, n)
    change = (came - left) / n
    variance = ((came + left) / n - change**2) / (n - 1)
    kept = shown.agrees(shown.scale * change, shown.scale * np.sqrt(np.maximum(variance, 0.0)))
    kept &= came + left <= n
    came, left = came[kept], left[kept]
    if not came.size:
        return ()
    first = _within(left, n - came, n)
    second = _within(came, n - left, n)
    return (first, _rest(first, n), second, _rest(second, n))


def _within(least: IntArray, most: IntArray, n: int) -> CountRange:
    """Return what is known of a count that is in one of several ranges."""
    possible = np.zeros(n + 1, dtype=bool)
    for low, high in zip(least, most, strict=True):
        possible[low : high + 1] = True
    return CountRange(int(least.min()), int(most.max()), int(possible.sum()))


def _near_pairs(shown: ShownDifference, n: int, m: int) -> tuple[IntArray, IntArray]:
    """Return the pairs of counts whose difference of shares is about what is printed."""
    one = np.arange(n + 1)
    centre = (one / n - shown.estimate / shown.scale) * m
    room = int(np.ceil(shown.unit / shown.scale * m)) + 1
    steps = np.arange(-room, room + 1)
    other = np.round(centre).astype(np.int64)[:, None] + steps[None, :]
    inside = (other >= 0) & (other <= m)
    return np.repeat(one[:, None], steps.size, axis=1)[inside], other[inside]


def _ranges(yes: IntArray, n: int, other: IntArray, m: int) -> tuple[CountRange, ...]:
    if not yes.size:
        return ()
    treated = CountRange(int(yes.min()), int(yes.max()), len(np.unique(yes)))
    compared = CountRange(int(other.min()), int(other.max()), len(np.unique(other)))
    return (treated, _rest(treated, n), compared, _rest(compared, m))


def _rest(told: CountRange, n: int) -> CountRange:
    return CountRange(n - told.high, n - told.low, told.values)


def _about(value: float) -> tuple[float, ...]:
    """Return a number and those that a float may hold in its place."""
    return (value, float(f"{value:.12g}"), value * (1 - 1e-12), value * (1 + 1e-12))


def _same(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=1e-9, atol=1e-12))
