"""Where dates stand in the calendar: counted in steps of its own, not in rows of the table.

Surveys of January, April and October are at steps 1, 2 and 4: July was not observed, it did happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.data.period_order import Day, reader_of

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

YEAR = 12  # months
CENTURIES = (1900, 2099)
# Numbers that hold a date: how many digits, and what the last ones count within a year.
_MONTH_DIGITS, _DAY_DIGITS = 6, 8


@dataclass(frozen=True, slots=True)
class Calendar:
    """A pace at which dates follow each other: so many months, or so much time.

    Attributes
    ----------
    first : Timestamp
        At step 1.
    months : int
        In a step; 0 when a step is a lapse of time. A whole number of years counts in years.
    lapse : int
        Nanoseconds in a step, where it is no number of months.
    ends : bool
        Dates are the last days of their months.
    written : str
        How a date that the table does not hold is written (`strftime`).
    """

    first: pd.Timestamp
    months: int
    lapse: int = 0
    ends: bool = False
    written: str = "%Y-%m-%d"

    def steps(self, dates: pd.DatetimeIndex) -> FloatArray:
        """Return the step of each date, or of the first one at or after it; NaN where missing."""
        return 1.0 + np.ceil(self._elapsed(dates))

    def between(self, dates: pd.DatetimeIndex) -> BoolArray:
        """Return which dates fall between two steps."""
        elapsed = self._elapsed(dates)
        return np.asarray(np.isfinite(elapsed) & (elapsed != np.round(elapsed)))

    def _elapsed(self, dates: pd.DatetimeIndex) -> FloatArray:
        """Return the steps gone since the first: a part of a month counts for half of one."""
        since = (dates - self.first).total_seconds().to_numpy(dtype=np.float64) * 1e9
        if not self.months:
            return np.asarray(np.round(since / self.lapse, 9))
        months = _months(dates) - _months(pd.DatetimeIndex([self.first]))
        day, own = _within(dates), _within(pd.DatetimeIndex([self.first]))[0]
        partly = np.where(day == own, 0.0, np.where(day > own, 0.5, -0.5))
        if self.ends:
            partly = np.where(dates.is_month_end, 0.0, -0.5)
        return np.asarray((months + partly) / self.months)

    def date(self, step: float) -> str:
        """Return the date of a step, as it is written."""
        moved = (
            self.first + pd.DateOffset(months=round((step - 1) * self.months))
            if self.months
            else self.first + pd.Timedelta(round((step - 1) * self.lapse), "ns")
        )
        if self.ends:
            moved = moved + pd.offsets.MonthEnd(0)
        return str(moved.strftime(self.written))


def calendar_of(dates: pd.DatetimeIndex, *, written: str = "%Y-%m-%d") -> Calendar | None:
    """Return the pace of sorted distinct dates; None when they have none.

    Dates have a pace when all are the same day of a month (or the last), or when every gap is a
    multiple of the shortest.

    Examples
    --------
    >>> dates = pd.DatetimeIndex(["2020-01-01", "2020-04-01", "2020-10-01"])
    >>> found = calendar_of(dates)
    >>> found.months, found.steps(dates).tolist(), found.date(3)
    (3, [1.0, 2.0, 4.0], '2020-07-01')
    """
    if len(dates) < 2:
        return None
    dates = dates.tz_localize(None)
    ends = bool(dates.is_month_end.all())
    months = np.diff(_months(dates)).astype(np.int64)
    first = pd.Timestamp(dates[0])
    if months.min() > 0 and (ends or len(set(_within(dates))) == 1):
        step = int(np.gcd.reduce(months))
        return Calendar(first, YEAR if step % YEAR == 0 else step, ends=ends, written=written)
    gaps = np.diff(dates.to_numpy(dtype="datetime64[ns]").astype(np.int64))
    if gaps.min() <= 0 or (gaps % gaps.min()).any():
        return None
    return Calendar(first, 0, lapse=int(gaps.min()), written=written)


def dates_of(
    labels: NDArray[Any], words: Iterable[Any]
) -> tuple[pd.DatetimeIndex | None, str | None]:
    """Return words as dates, read as all the labels of a column are; NaT where that cannot be.

    Parameters
    ----------
    labels : (T,) array
        Distinct.
    words : iterable
        The labels themselves, or others that should be written as they are.

    Returns
    -------
    tuple
        The dates and how one is written; None for both when the labels are no dates.

    Examples
    --------
    >>> dates_of(np.array(["2020 T1", "2020 T2"]), ["2020 T3"])[0][0].month
    7
    """
    if labels.dtype.kind == "M":
        return pd.DatetimeIndex(pd.to_datetime(pd.Series(words))).tz_localize(None), "%Y-%m-%d"
    codes, distinct = pd.factorize(pd.Series(list(words), dtype=object), use_na_sentinel=False)
    dates, written = _dates_of_distinct(labels, list(distinct))  # a panel repeats its dates
    return None if dates is None else dates[codes], written


def _dates_of_distinct(
    labels: NDArray[Any], words: Iterable[Any]
) -> tuple[pd.DatetimeIndex | None, str | None]:
    if labels.dtype.kind in "iuf":
        return _dates_of_numbers(labels, words)
    known = [str(label) for label in labels]
    found = reader_of(known)
    if found is None:
        return None, None
    read, day = found
    days = [read(str(word)) for word in words]
    return _stamps(days), "%Y-%m-%d" if day else "%Y-%m"


def _dates_of_numbers(
    labels: NDArray[Any], words: Iterable[Any]
) -> tuple[pd.DatetimeIndex | None, str | None]:
    """Read 202012 as December 2020 and 20201231 as its last day, when every label is such a one."""
    for digits in (_MONTH_DIGITS, _DAY_DIGITS):
        known = [_day_of(float(label), digits) for label in labels]
        years = {day[0] for day in known if day is not None}
        if None not in known and len(years) > 1:
            days = [_day_of(float(word), digits) for word in words]
            return _stamps(days), "%Y%m" if digits == _MONTH_DIGITS else "%Y%m%d"
    return None, None


def _day_of(number: float, digits: int) -> Day | None:
    if not (np.isfinite(number) and number == int(number) and len(str(int(number))) == digits):
        return None
    text = str(int(number))
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:] or 1)
    if not CENTURIES[0] <= year <= CENTURIES[1]:
        return None
    return (year, month, day) if 1 <= month <= YEAR and 1 <= day <= 31 else None


def _stamps(days: Sequence[Day | None]) -> pd.DatetimeIndex:
    words = [None if day is None else "{:04d}-{:02d}-{:02d}".format(*day) for day in days]
    return pd.DatetimeIndex(pd.to_datetime(pd.Series(words, dtype=object), errors="coerce"))


def _months(dates: pd.DatetimeIndex) -> FloatArray:
    return np.asarray(dates.year * YEAR + dates.month, dtype=np.float64)


def _within(dates: pd.DatetimeIndex) -> pd.TimedeltaIndex:
    """Return how long after the start of its month each date is."""
    starts = pd.DatetimeIndex(dates.to_numpy().astype("datetime64[M]").astype("datetime64[ns]"))
    return pd.TimedeltaIndex(dates - starts)
