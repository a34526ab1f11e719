"""One written cell as a number or a moment, the French way or the English way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from impact_eval.data.period_order import MONTH_OF, plain_word

_UNIT = re.compile(r"\s*(€|euros?|eur|%)\s*$", re.IGNORECASE)
_LEADING_UNIT = re.compile(r"^\s*€\s*")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_SPACED = re.compile(r"(?<=\d)[\s'’](?=\d{3}(?!\d))")
DAY_FIRST = re.compile(
    r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})"
    r"(?:[\sTà,]+(\d{1,2})[:hH](\d{2})(?:[:mM](\d{2}))?s?)?"
)
ISO = re.compile(
    r"(\d{4})[/\-](\d{1,2})[/\-](\d{1,2})"
    r"(?:[\sT](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(?:Z|[+\-]\d{2}:?\d{2})?)?"
)
_WORDED = (  # « lundi 5 mars 2024 », « 1er mars 2024 », “March 5, 2024”
    re.compile(r"(?:[^\W\d_]+\.?,? )?(?P<day>\d{1,2})(?:er|st|nd|rd|th)?[ -](?:of )?"
               r"(?P<month>[^\W\d_]{3,9})\.?[ -](?P<year>\d{4})"),
    re.compile(r"(?:[^\W\d_]+,? )?(?P<month>[^\W\d_]{3,9})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? "
               r"(?P<year>\d{4})"),
)  # fmt: skip
SERIAL_LOW, SERIAL_HIGH = 10_000, 80_000  # 1927 to 2119
CENTURY_PIVOT = 69  # as POSIX: 69-99 are 1969-1999


def parse_number(text: str) -> tuple[float, str | None] | None:
    """Read one written number, French or English, with its unit; None when it is not a number.

    Examples
    --------
    >>> parse_number("1\u202f234,5\u00a0€"), parse_number("1.234,50"), parse_number("45 %")
    ((1234.5, '€'), (1234.5, None), (45.0, '%'))
    >>> parse_number("environ 500") is None
    True
    """
    found = _UNIT.search(text)
    unit = None
    if found:
        unit = "%" if found[1] == "%" else "€"
        text = text[: found.start()]
    elif _LEADING_UNIT.match(text):
        unit, text = "€", _LEADING_UNIT.sub("", text)
    body = _SPACED.sub("", text.strip().replace("−", "-"))
    if "," in body and "." in body:
        thousands = "." if body.rfind(",") > body.rfind(".") else ","
        if not re.fullmatch(rf"[+-]?\d{{1,3}}(?:\{thousands}\d{{3}})+[.,]\d*", body):
            return None
        body = body.replace(thousands, "")
    body = body.replace(",", ".", 1)
    if not NUMBER.fullmatch(body):
        return None
    value = float(body)
    return (value, unit) if np.isfinite(value) else None


@dataclass(slots=True)
class DateTally:
    """What reading dates one by one noticed."""

    two_digits: int = 0
    serials: int = 0
    undecided: int = 0
    decided: int = 0


def moment_of(
    cell: Any, text: str, month_first: bool, epoch_1904: bool, tally: DateTally
) -> np.datetime64 | None:
    """Read one cell as a moment, or None; what it took is added to `tally`."""
    if isinstance(cell, (datetime, date, pd.Timestamp)):
        moment = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)
        return np.datetime64(moment.replace(tzinfo=None, microsecond=0), "s")
    if not isinstance(cell, str) or parse_number(text) is not None:
        number = parse_number(text)
        if number is None or not SERIAL_LOW <= number[0] <= SERIAL_HIGH:
            return None
        tally.serials += 1
        return from_excel_day(number[0], epoch_1904=epoch_1904)
    day = DAY_FIRST.fullmatch(text)
    if day:
        first, second, year = int(day[1]), int(day[2]), int(day[3])
        if len(day[3]) == 2:
            tally.two_digits += 1
            year += 1900 if year >= CENTURY_PIVOT else 2000
        if month_first:
            first, second = second, first
        elif first > 12:
            tally.decided += 1
        else:
            tally.undecided += 1
        return _datetime64(year, second, first, day[4], day[5], day[6])
    worded = worded_day(text)
    if worded is not None:
        tally.decided += 1
        return _datetime64(*worded, None, None, None)
    iso = ISO.fullmatch(text)
    if iso:
        tally.decided += 1
        return _datetime64(int(iso[1]), int(iso[2]), int(iso[3]), iso[4], iso[5], iso[6])
    return None


def worded_day(text: str) -> tuple[int, int, int] | None:
    """Return the year, month and day of a date whose month is a word, or None.

    Examples
    --------
    >>> worded_day("5 mars 2024"), worded_day("lundi 1er août 2022"), worded_day("March 5, 2024")
    ((2024, 3, 5), (2022, 8, 1), (2024, 3, 5))
    >>> worded_day("mars 2024") is None, worded_day("5 rue 2024") is None
    (True, True)
    """
    plain = re.sub(r"\s+", " ", plain_word(text))
    for form in _WORDED:
        found = form.fullmatch(plain)
        month = MONTH_OF.get(found["month"]) if found is not None else None
        if found is not None and month is not None:
            return int(found["year"]), month, int(found["day"])
    return None


def _datetime64(
    year: int, month: int, day: int, hour: str | None, minute: str | None, second: str | None
) -> np.datetime64 | None:
    try:
        moment = datetime(year, month, day, int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    return np.datetime64(moment, "s")


def from_excel_day(day: float, *, epoch_1904: bool = False) -> np.datetime64:
    """Return the moment of an Excel day number, in the 1900 or the 1904 system.

    Examples
    --------
    >>> str(from_excel_day(45292))
    '2024-01-01T00:00:00'
    """
    # 1899-12-30, not 1900-01-01: Excel believes that 1900 was a leap year.
    origin = np.datetime64("1904-01-01" if epoch_1904 else "1899-12-30", "s")
    return origin + np.timedelta64(round(day * 86_400), "s")
