"""Rounding to what the sample supports: it costs no reader anything, and blurs single people.

A mean told to ten digits is a sum of values told to the cent: two of them, about groups that
differ by one person, give that person's value. Told to two significant digits of its own standard
error, the difference of two sums is known to several times what one person weighs.

What rounding does not protect: a person whose value is far above the others' (see `dominance`), a
group where all have the same value, and the difference of two groups of equal size when one person
was replaced by another whose value the attacker knows, unless the coarser unit is used there too.

Statistics are rounded to the nearest, but never onto a 5 that the number is not: rounding them
again to one digit less, as a page does, then gives what the exact number would have given.
Everything here is deterministic and changes nothing when it is done twice; errors, counts and
percentages round halves to even.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

ERROR_DIGITS = 2
RATIO_DIGITS = 3
_SERIES = (1, 2, 5)
_EXACT = 1e17  # more units than this: the number has no digit left to round


def round_significant(value: float, digits: int) -> float:
    """Round to a number of significant digits.

    Parameters
    ----------
    value : float
        What is not finite is returned as it is.
    digits : int
        At least 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round_significant(0.0123456, 3), round_significant(98765.0, 2), round_significant(2.5, 1)
    (0.0123, 99000.0, 2.0)
    """
    return float(f"{value:.{digits - 1}e}") if math.isfinite(value) else value


def round_error(std_error: float) -> float:
    """Round a standard error, or a deviation: two significant digits.

    Examples
    --------
    >>> round_error(77.4213), round_error(0.99634)
    (77.0, 1.0)
    """
    return round_significant(std_error, ERROR_DIGITS)


def round_ratio(value: float) -> float:
    """Round a p-value, a test statistic, a ratio, degrees of freedom: three significant digits.

    Examples
    --------
    >>> round_ratio(0.0412345), round_ratio(2.04999)
    (0.0412, 2.04)
    """
    if not math.isfinite(value) or value == 0:
        return value
    exact = Decimal(repr(value))
    return float(_off_the_fence(exact, Decimal(1).scaleb(exact.adjusted() - RATIO_DIGITS + 1)))


def round_to_unit(value: float, unit: float) -> float:
    """Round to the nearest multiple of a unit.

    Parameters
    ----------
    value : float
        What is not finite is returned as it is.
    unit : float
        1, 2 or 5 times a power of ten.

    Returns
    -------
    float

    Examples
    --------
    >>> round_to_unit(1247.3, 10.0), round_to_unit(0.15, 0.1), round_to_unit(25.0, 10.0)
    (1250.0, 0.2, 20.0)
    """
    if not math.isfinite(value) or abs(value) / unit > _EXACT:
        return value
    step = Decimal(repr(unit))
    times = (Decimal(repr(value)) / step).to_integral_value(rounding=ROUND_HALF_EVEN)
    return float(times * step) + 0.0  # no minus zero


def _off_the_fence(exact: Decimal, unit: Decimal) -> Decimal:
    """Return the nearest multiple of a unit; beside it when it would end on a 5 that is not there.

    14.503 told as 14.5 would be read aloud as 14: it is told as 14.6, which is read as 15.
    """
    times = (exact / unit).to_integral_value(rounding=ROUND_HALF_EVEN)
    if times % 10 in (5, -5) and times * unit != exact:
        times += 1 if exact > times * unit else -1
    return times * unit


def statistic_unit(std_error: float, *, close: bool = False) -> float | None:
    r"""Return what a statistic is rounded to: two significant digits of its standard error.

    :math:`10^{\lfloor \log_{10} s \rfloor - 1}`, with s the standard error as it is published
    (rounded), so that the unit can be found again from what leaves, and rounding what was rounded
    changes nothing.

    Parameters
    ----------
    std_error : float
        In the unit of the statistic.
    close : bool
        Whether what it rests on is within a few people of what another published statistic rests
        on (`suppression.close_counts`): one digit less.

    Returns
    -------
    float or None
        None when there is no error to go by: it is zero or unknown, and nothing supports a digit.

    Examples
    --------
    >>> statistic_unit(77.4213), statistic_unit(77.4213, close=True), statistic_unit(9.97)
    (1.0, 10.0, 1.0)
    >>> statistic_unit(0.0) is None
    True
    """
    if not math.isfinite(std_error) or std_error <= 0:
        return None
    told = Decimal(repr(round_error(std_error)))
    return float(Decimal(1).scaleb(told.adjusted() - (0 if close else 1)))


def round_statistic(value: float, std_error: float, *, close: bool = False) -> float | None:
    """Round a statistic, or an end of its interval, to what its standard error supports.

    Parameters
    ----------
    value : float
    std_error : float
    close : bool
        See `statistic_unit`.

    Returns
    -------
    float or None
        None when the standard error says nothing: the statistic is to be withheld.

    Examples
    --------
    >>> round_statistic(1234.5678, 77.4213), round_statistic(1234.5678, 77.4213, close=True)
    (1234.0, 1230.0)
    """
    unit = statistic_unit(std_error, close=close)
    if unit is None or not math.isfinite(value) or abs(value) / unit > _EXACT:
        return None if unit is None else value
    return float(_off_the_fence(Decimal(repr(value)), Decimal(repr(unit)))) + 0.0


def percentage_unit(n: int) -> float | None:
    """Return what percentages of a group are rounded to, so that they hide one person.

    One person of n weighs 100/n points. The unit is the smallest of 1, 2, 5, 10, 20, 50, 100
    that is more than twice that: every percentage shown then stands for at least two counts. At
    100/n itself each count would have its own percentage.

    Parameters
    ----------
    n : int
        People in the group.

    Returns
    -------
    float or None
        In points; None for a group of two or fewer, where no unit hides anybody.

    Examples
    --------
    >>> percentage_unit(24), percentage_unit(120), percentage_unit(5000), percentage_unit(2)
    (10.0, 2.0, 1.0, None)
    """
    for unit in (*_SERIES, *(10 * step for step in _SERIES), 100):
        if unit * n > 200:
            return float(unit)
    return None


def round_percentage(percentage: float, n: int) -> float | None:
    """Round a percentage of a group of n people; None when none may be told.

    Examples
    --------
    >>> round_percentage(100 * 7 / 24, 24), round_percentage(50.0, 2) is None
    (30.0, True)
    """
    unit = percentage_unit(n)
    return None if unit is None else round_to_unit(percentage, unit)


def round_count(n: int, base: int) -> int:
    """Round a count of people to a multiple of a base; 1 changes nothing.

    Examples
    --------
    >>> round_count(23, 5), round_count(15, 10), round_count(25, 10), round_count(23, 1)
    (25, 20, 20, 23)
    """
    times, rest = divmod(n, base)
    up = 2 * rest > base or (2 * rest == base and times % 2 == 1)
    return base * (times + up)
