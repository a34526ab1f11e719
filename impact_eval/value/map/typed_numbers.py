"""A number as people type it in a map: « 1 200,50 € », « 3 k€ », « 18 mois », « ~ 5 % ».

What can be read in two ways is refused with both readings, never guessed: « 1,200 » is twelve
hundred for one reader and one and a fifth for another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from impact_eval.value.map.prices import decimal_of, exact

# The largest has thirteen digits: a SIRET has fourteen, an account number more.
LARGEST = Decimal("9999999999999")
_FINEST = -30
_LONGEST = Decimal(100)  # years
_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007 _"), None)
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "’": "", "'": ""})
_ABOUT = re.compile(r"^(?:~|≈|≃|env(?:iron|\.)?|about|approx\.?|ca\.?)\s*", re.IGNORECASE)
_COUNTED = re.compile(
    r"\s*(?:€|eur|euros?|personnes?|people|persons?|heures?|hours?|h)$", re.IGNORECASE
)
_SCALE = re.compile(
    r"(?<=[\d\s])\s*(k|m|millions?(?: d['’])?|milliers?(?: d['’])?)$", re.IGNORECASE
)
_SCALES: Mapping[str, int] = MappingProxyType({"k": 1000, "m": 1_000_000})
_ERRORS = frozenset(
    {"#ref!", "#div/0!", "#n/a", "#value!", "#name?", "#num!", "#null!", "#valeur!", "#nom?",
     "#nombre!", "#nul!", "#spill!", "#calc!", "#error!", "#getting_data", "#field!", "#blocked!"}
)  # fmt: skip
_TWO_READINGS = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}")
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3}){2,}(?:\.\d+)?|[+-]?[1-9]\d{0,2}(?:,\d{3})+\.\d+")
_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3}){2,}(?:,\d+)?|[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d+")
_PLAIN = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?")
_TIME = re.compile(
    r"(?P<number>.*?)\s*(?P<unit>ans?|années?|years?|yrs?|mois|months?|semaines?|weeks?"
    r"|trimestres?|quarters?|semestres?)(?P<half>\s+et\s+demie?|\s+and\s+a\s+half)?$",
    re.IGNORECASE,
)
_WORDS: Mapping[str, int] = MappingProxyType(
    {"un": 1, "une": 1, "a": 1, "one": 1, "deux": 2, "two": 2, "trois": 3, "three": 3,
     "quatre": 4, "four": 4, "cinq": 5, "five": 5, "six": 6, "dix": 10, "ten": 10}
)  # fmt: skip


class CellFault(Exception):
    """A cell that cannot be read: a code and its values."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class NumberTooLargeError(CellFault):
    """A number too large, or too fine, to be one."""


class SheetText(str):
    """A text typed in a sheet: its point may part thousands, which ours never does."""

    __slots__ = ()


def typed_text(raw: Any) -> str:
    """Return what was typed, cut short."""
    text = " ".join(str(raw).split())
    return text if len(text) <= 60 else text[:57] + "…"


def refuse_formula_error(raw: Any) -> None:
    """Refuse what a spreadsheet writes where its formula fails (`#REF!`).

    Raises
    ------
    CellFault
        `formula_error`.
    """
    if isinstance(raw, str) and raw.strip().casefold() in _ERRORS:
        raise CellFault("formula_error", found=raw.strip())


def read_number(raw: Any) -> Decimal:
    """Read an exact number, as people write it in French or in English.

    Parameters
    ----------
    raw : object
        A number, or its text: spaces or signs between thousands, decimal comma or point, euros,
        thousands (`k€`) and millions (`M€`) of them, « environ ».

    Returns
    -------
    Decimal

    Raises
    ------
    CellFault
        `not_a_number`, `date_for_number`, `formula_error`, `two_readings`, `number_too_large`.

    Examples
    --------
    >>> read_number("1 200,50 €"), read_number("1,2 k€"), read_number("1,200,000")
    (Decimal('1200.50'), Decimal('1200.0'), Decimal('1200000'))
    """
    if isinstance(raw, bool) or raw is None:
        raise CellFault("not_a_number", found=typed_text(raw))
    if isinstance(raw, (date, time, timedelta)):
        raise CellFault("date_for_number", found=typed_text(raw))
    refuse_formula_error(raw)
    if isinstance(raw, Decimal):
        number = raw
    elif isinstance(raw, int):
        number = Decimal(raw) if abs(raw) <= LARGEST else 2 * LARGEST
    elif isinstance(raw, float):
        number = decimal_of(raw)
    else:
        number = _number_of_text(raw)
    if not number.is_finite():
        raise CellFault("not_a_number", found=typed_text(raw))
    if abs(number) > LARGEST or (number and _finer(number)):
        raise NumberTooLargeError("number_too_large", found=typed_text(raw))
    return number


def _finer(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent < _FINEST


def _number_of_text(raw: Any) -> Decimal:
    text = _ABOUT.sub("", str(raw).strip())
    bare = _COUNTED.sub("", text)
    scale = 1
    if found := _SCALE.search(bare):
        scale, bare = _SCALES[found[1][0].casefold()], bare[: found.start()]
        if found[1].casefold().startswith("millier"):
            scale = 1000
    plain = bare.translate(_SPACES).translate(_SIGNS)
    parted = len(plain) < len(bare.strip())
    if _GROUPS.fullmatch(plain):
        plain = plain.replace(",", "")
    elif _POINTS.fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    elif not parted and scale == 1 and _has_two_readings(plain, raw):
        small = plain.replace(".", ",")
        raise CellFault("two_readings", found=typed_text(raw), large=re.sub("[.,]", "", plain),
                        small=small.rstrip("0").rstrip(","))  # fmt: skip
    if not _PLAIN.fullmatch(plain):
        raise CellFault("not_a_number", found=typed_text(raw))
    try:
        with exact():
            return Decimal(plain.replace(",", ".")) * scale
    except InvalidOperation:
        raise CellFault("not_a_number", found=typed_text(raw)) from None


def _has_two_readings(plain: str, raw: Any) -> bool:
    """Whether the last three digits may be thousands.

    A number that we wrote has a point and no idle zero; in a sheet, a point is never ours.
    """
    found = _TWO_READINGS.fullmatch(plain)
    if not found:
        return False
    return found[1] == "," or plain.endswith("0") or isinstance(raw, SheetText)


def read_per_cent(raw: Any) -> Decimal:
    """Read a number, or per cents written with their sign or in words."""
    text = str(raw).strip() if isinstance(raw, str) else ""
    sign = re.search(r"\s*(?:%|pour\s?cents?|per\s?cent)$", text, re.IGNORECASE)
    if sign:
        with exact():
            return read_number(text[: sign.start()]) / 100
    return read_number(raw)


def read_years(raw: Any) -> Decimal:
    r"""Read a length of time in years: a number, or a text with its unit; twelve months a year.

    Raises
    ------
    CellFault
        `negative_duration`, `duration_too_long`, and those of a number.

    Examples
    --------
    >>> read_years("18 mois"), read_years("un an et demi"), read_years("0,5")
    (Decimal('1.5'), Decimal('1.5'), Decimal('0.5'))
    """
    years = _years_of(raw)
    if years <= 0:
        raise CellFault("negative_duration", found=typed_text(raw))
    if years > _LONGEST:
        raise CellFault("duration_too_long", found=typed_text(raw), most=int(_LONGEST))
    return years


def _years_of(raw: Any) -> Decimal:
    found = _TIME.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if found is None or not found["number"].strip():
        return read_number(raw)
    said = found["number"].strip()
    number = Decimal(_WORDS[said.casefold()]) if said.casefold() in _WORDS else read_number(said)
    number += Decimal("0.5") if found["half"] else 0
    unit = found["unit"].casefold()
    parts = {"m": 12, "s": 52, "w": 52, "t": 4, "q": 4}.get(unit[0], 1)
    with exact():
        years = number / (2 if unit.startswith("semestre") else parts)
        # ten months have no last digit
        return round(years, -_FINEST) if _finer(years) else years


def is_bare_number(raw: Any) -> bool:
    """Whether a length of time was typed without its unit."""
    return not isinstance(raw, str) or _TIME.fullmatch(raw.strip()) is None
