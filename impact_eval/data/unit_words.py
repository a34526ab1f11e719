"""Numbers written with the word of what they count: « 34 ans », « 3,5 h », « 1,5 k€ »."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import MappingProxyType

from impact_eval.data.written import parse_number

MONEY = "€"
_THOUSANDS = MappingProxyType({"k€": 1e3, "ke": 1e3, "keuros": 1e3, "m€": 1e6, "meuros": 1e6})
_WORDS: tuple[tuple[str, str], ...] = (
    ("ans", r"ans?|years?( old)?|y\.?o\.?"),
    ("mois", r"mois|months?"),
    ("semaines", r"semaines?|sem\.?|weeks?"),
    ("jours", r"jours?|days?|(?-i:j)\.?"),
    ("h", r"heures?|hours?|hrs?\.?|(?-i:h)\.?"),
    ("min", r"minutes?|mins?\.?|mn\.?"),
    ("pers.", r"personnes?|pers\.?|people"),
    ("km", r"kms?|kilom[eè]tres?"),
    ("m²", r"m²|m2"),
    ("points", r"points?|pts?\.?"),
)
_UNITS = re.compile(
    "|".join(f"(?P<u{i}>{pattern})" for i, (_, pattern) in enumerate(_WORDS)), re.IGNORECASE
)
_PARTS = re.compile(r"(?P<number>[+\-−]?\d[\d\s.,'’]*?)\s*(?P<word>[^\W\d_][\w€².\s]*|€)")
_EACH = re.compile(
    r"\s*(?:/|\bpar\s+|\bper\s+)\s*(?:mois|an|jour|semaine|sem|month|year|day|week|m|j|h)\.?\s*$",
    re.IGNORECASE,
)


def written_quantity(text: str) -> tuple[float, str | None] | None:
    """Read one written number, with the word of what it counts; None when it is not a number.

    The word is a unit that anybody knows: a count of something else stays a text. Thousands and
    millions of euros are euros.

    Examples
    --------
    >>> written_quantity("34 ans"), written_quantity("3,5 h"), written_quantity("12")
    ((34.0, 'ans'), (3.5, 'h'), (12.0, None))
    >>> written_quantity("1,5 k€"), written_quantity("1 250 € / mois")
    ((1500.0, 'k€'), (1250.0, '€ / mois'))
    >>> written_quantity("3 enfants") is None, written_quantity("12 H") is None
    (True, True)
    """
    plain = parse_number(text)
    if plain is not None:
        return plain
    each = _EACH.search(text)
    if each is not None:
        found = written_quantity(text[: each.start()])
        if found is None or found[1] is None:
            return None
        return found[0], f"{found[1]} / {_bare(each[0])}"
    parts = _PARTS.fullmatch(text.strip())
    number = parse_number(parts["number"].strip()) if parts is not None else None
    if parts is None or number is None:
        return None
    word = parts["word"].strip()
    times = _THOUSANDS.get(word.lower().replace(" ", ""))
    if times is not None:
        return round(number[0] * times, 6), "k€" if times == 1e3 else "M€"
    unit = _UNITS.fullmatch(word)
    if unit is None:
        return None
    return number[0], next(name for i, (name, _) in enumerate(_WORDS) if unit[f"u{i}"] is not None)


def _bare(each: str) -> str:
    return re.sub(r"^\s*(?:/|par|per)\s*", "", each, flags=re.IGNORECASE).strip().lower()


def one_unit(units: Iterable[str | None]) -> set[str]:
    """Return the units of a column that differ: thousands of euros are euros.

    Examples
    --------
    >>> sorted(one_unit(["k€", "€", None])), sorted(one_unit(["ans", "mois"]))
    (['€'], ['ans', 'mois'])
    """
    return {MONEY if unit in {"k€", "M€"} else unit for unit in units if unit}


def in_thousands(units: Iterable[str | None]) -> bool:
    """Whether some numbers are told in thousands, and others have no unit: they may be, or not.

    Examples
    --------
    >>> in_thousands(["k€", None]), in_thousands(["k€", "€"])
    (True, False)
    """
    told = set(units)
    return bool(told & {"k€", "M€"}) and None in told
