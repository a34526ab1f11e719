"""How a value is written in each language: numbers, euros, shares, p-values, dates, lists."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from impact_eval.report.languages.language import MINUS, formats_of

MISSING = "—"
LONGEST_LIST = 12
LARGEST = 1e15  # beyond it, doubles are no longer whole numbers: written with a power of ten


@lru_cache(maxsize=256)
def _pattern(digits: int, grouped: bool) -> str:
    whole = "#,##0" if grouped else "0"
    return whole + ("." + "0" * digits if digits else "")


def decimal(value: float, digits: int, language: str) -> str:
    """Write a number with a fixed count of decimals, grouped by thousands.

    Parameters
    ----------
    value : float
    digits : int
    language : str

    Examples
    --------
    >>> decimal(-1234.5, 1, "en")
    '−1,234.5'
    """
    from babel.numbers import format_decimal

    if not abs(value) < LARGEST:
        return plain(value, language)
    rounded = round(value, digits)
    rounded = 0.0 if rounded == 0 else rounded  # no "−0,0"
    text = str(
        format_decimal(rounded, format=_pattern(digits, True), locale=formats_of(language).locale)
    )
    return text.replace("-", MINUS)


def signed(value: float, digits: int, language: str) -> str:
    """Write a number with its sign: a change, an effect."""
    text = decimal(value, digits, language)
    return f"+{text}" if round(value, digits) > 0 else text


def plain(value: float, language: str) -> str:
    """Write a number as it is: years stay years, at most six significant digits."""
    if not math.isfinite(value):
        return MISSING
    if float(value).is_integer() and abs(value) < LARGEST:
        return str(int(value)).replace("-", MINUS)
    text = f"{value:.6g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}×10^{int(exponent)}"
    return text.replace(".", formats_of(language).decimal_mark).replace("-", MINUS)


def significant(value: float, digits: int, language: str) -> str:
    """Write a number with a count of significant digits, without scientific notation."""
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return decimal(value, min(max(places, 0), 6), language)


def percent(share: float, digits: int, language: str) -> str:
    """Write a share (0 to 1) in per cent."""
    return formats_of(language).percent(decimal(100 * share, digits, language))


def euros(value: float, digits: int, language: str) -> str:
    """Write an amount in euros."""
    text = decimal(abs(value), digits, language)
    return formats_of(language).euros(text, negative=round(value, digits) < 0)


def p_value(value: float, language: str) -> str:
    """Write a p-value: three decimals under 0.1, never zero."""
    if value < 0.001:
        return f"{formats_of(language).less} {decimal(0.001, 3, language)}"
    return decimal(value, 3 if value < 0.1 else 2, language)


def chance(value: float, language: str) -> str:
    """Write a p-value as a count of chances: “3 times in 100”."""
    among = 1_000 if value < 0.01 else 100
    n = 0 if value < 0.001 else round(among * value)
    return formats_of(language).times(n, among)


def odds(value: float, language: str) -> str:
    """Write the chance of something as a percentage: draws never prove that it is sure."""
    if value >= 0.995:
        return f"{formats_of(language).more} {percent(0.99, 0, language)}"
    if value < 0.005:
        return f"{formats_of(language).less} {percent(0.01, 0, language)}"
    return percent(value, 0, language)


def date(value: object, language: str) -> str:
    """Write a date (a `date`, or its ISO text) in full."""
    from babel.dates import format_date

    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}", value):
        month = datetime.date(int(value[:4]), min(max(int(value[5:]), 1), 12), 1)
        return str(format_date(month, format="MMMM y", locale=formats_of(language).locale))
    if isinstance(value, str):
        try:
            value = datetime.date.fromisoformat(value[:10])
        except ValueError:
            return str(value)
    if not isinstance(value, datetime.date):
        return str(value)
    text = str(format_date(value, format="long", locale=formats_of(language).locale))
    return formats_of(language).day(text)


def listed(values: Sequence[str], language: str) -> str:
    """Write a list: “a, b and c”; a long one is cut, with the count of what is left."""
    items = [str(item) for item in values]
    if len(items) > LONGEST_LIST:
        kept = LONGEST_LIST - 2
        rest = formats_of(language).others.format(n=len(items) - kept)
        items = [*items[:kept], rest]
    if len(items) < 2:
        return items[0] if items else MISSING
    return f"{', '.join(items[:-1])} {formats_of(language).and_word} {items[-1]}"


def quoted(value: object, language: str) -> str:
    """Put a text between the quotation marks of the language."""
    left, right = formats_of(language).quotes
    return f"{left}{value}{right}"


def _per_100(share: float, language: str) -> str:
    value = 100 * share
    return decimal(value, 0 if abs(value) >= 9.5 else 1, language)


Format = Callable[[object, str], str]


def _fixed(write: Callable[[float, int, str], str], digits: int) -> Callable[[float, str], str]:
    return lambda value, language: write(value, digits, language)


_NUMBERS: Mapping[str, Callable[[float, str], str]] = MappingProxyType(
    {
        "int": lambda v, la: decimal(v, 0, la),
        **{f"dec{k}": _fixed(decimal, k) for k in range(5)},
        **{f"signed{k}": _fixed(signed, k) for k in range(5)},
        "pct": lambda v, la: percent(v, 0, la),
        "pct1": lambda v, la: percent(v, 1, la),
        "pct2": lambda v, la: percent(v, 2, la),
        "points": lambda v, la: signed(100 * v, 1, la),
        "per100": _per_100,
        "eur": lambda v, la: euros(v, 0, la),
        "eur2": lambda v, la: euros(v, 2, la),
        "p": p_value,
        "chance": chance,
        "odds": odds,
        "sig2": lambda v, la: significant(v, 2, la),
        "sig3": lambda v, la: significant(v, 3, la),
        "plain": plain,
    }
)
_WORDS: Mapping[str, Format] = MappingProxyType({"date": date, "quote": quoted})
OF_CATALOGUE = frozenset({"label", "choice", "taken"})  # written by `Texts.show`
FORMAT_NAMES = frozenset({*_NUMBERS, *_WORDS, *OF_CATALOGUE, "list"})


def show(value: object, name: str | None, language: str) -> str:
    """Write any value in a language.

    Parameters
    ----------
    value : scalar, sequence or None
        None and numbers that are not finite are written “—”.
    name : str or None
        One of `FORMAT_NAMES`, `OF_CATALOGUE` left to the catalogue; None writes the value as it is.
    language : str

    Examples
    --------
    >>> show(0.123, "pct1", "fr") == "12,3\u00a0%"
    True
    >>> show(["a", "b", "c"], "list", "en")
    'a, b and c'
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, bool):
        return formats_of(language).yes if value else formats_of(language).no
    if isinstance(value, (list, tuple)):
        inner = None if name == "list" else name
        return listed([show(item, inner, language) for item in value], language)
    if name is not None and name in _WORDS and not isinstance(value, (int, float)):
        return _WORDS[name](value, language)
    if isinstance(value, (int, float)):
        writer = _NUMBERS.get(name or "")
        return writer(value, language) if writer else plain(value, language)
    return str(value)
