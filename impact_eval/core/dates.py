"""Dates: a year, a month or a day, as people write them, told in ISO form.

`2024`, `2024-06`, `2024-06-30`, `06/2024`, `30/06/2024`, or a date of TOML: nothing else is a date.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re

FIRST_YEAR, LAST_YEAR = 1900, 2200  # beyond, a number is a mistake and not a year
_FORMS = (
    re.compile(r"(?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"),
    re.compile(r"(?P<month>\d{1,2})/(?P<year>\d{4})"),
    re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})"),
)


def iso_date(value: object) -> str | None:
    """Return a year, a month or a day in ISO form; None when the value is no date.

    Parameters
    ----------
    value : object
        A text, a year as a number, or a date.

    Examples
    --------
    >>> iso_date("01/2024"), iso_date("3/11/2024"), iso_date(2024), iso_date("bientôt")
    ('2024-01', '2024-11-03', '2024', None)
    """
    if isinstance(value, dt.date):
        value = value.isoformat()[:10]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    for form in _FORMS:
        found = form.fullmatch(value.strip())
        if found is not None:
            return _iso(found.groupdict())
    return None


def _iso(parts: dict[str, str]) -> str | None:
    year, month, day = (int(parts.get(name, 0)) for name in ("year", "month", "day"))
    known = FIRST_YEAR <= year <= LAST_YEAR and ("month" not in parts or 1 <= month <= 12)
    if not known or ("day" in parts and not 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    widths = ((year, 4), (month, 2), (day, 2))
    return "-".join(f"{part:0{width}d}" for part, width in widths if part)


def first_day(iso: str) -> dt.date:
    """Return the first day of a year, a month or a day in ISO form.

    Examples
    --------
    >>> first_day("2024-02").isoformat()
    '2024-02-01'
    """
    year, month, day = (*map(int, iso.split("-")), 1, 1)[:3]
    return dt.date(year, month, day)


def last_day(iso: str) -> dt.date:
    """Return the last day of a year, a month or a day in ISO form.

    Examples
    --------
    >>> last_day("2024-02").isoformat(), last_day("2024").isoformat()
    ('2024-02-29', '2024-12-31')
    """
    year, *rest = map(int, iso.split("-"))
    month = rest[0] if rest else 12
    day = rest[1] if len(rest) > 1 else calendar.monthrange(year, month)[1]
    return dt.date(year, month, day)
