"""What a cell of a value map may hold, read exactly: amounts, shares, whole numbers, choices.

A cell is a TOML value or an Excel cell. An amount may carry its uncertainty in the cell, as people
write it: `94`, `94 [80 ; 110]`, `94 [80 ; 110] pert`. A share is `0.05` or `5 %`; a number over 1
is refused rather than guessed.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from impact_eval.core.findings import nearest
from impact_eval.value.map.choices import Law
from impact_eval.value.map.typed_numbers import CellFault, read_number, read_per_cent, typed_text

_AMOUNT = re.compile(
    r"^(?P<value>[^\[\]]+?)\s*(?:\[(?P<low>[^;\]]+);(?P<high>[^\]]+)\])?\s*(?P<law>[a-z]+)?$"
)
_LAST_RANK = 100  # years of an action


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A number and what is known of its uncertainty.

    Attributes
    ----------
    value : Decimal
    low, high : Decimal or None
        Bounds (uniform, triangular, PERT) or a 95 % interval (the other laws).
    law : Law or None
        None when the number is taken as certain.
    """

    value: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    law: Law | None = None

    @property
    def certain(self) -> bool:
        """Whether the number carries no uncertainty."""
        return self.law is None

    def __str__(self) -> str:
        if self.law is None:
            return plain_decimal(self.value)
        value, low, high = map(plain_decimal, (self.value, self.low, self.high))
        return f"{value} [{low} ; {high}] {self.law.value}"


def plain_decimal(number: Decimal | None) -> str:
    """Write a decimal without exponent and with no idle zero."""
    if number is None:
        return ""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _read_amount(raw: Any, number: Callable[[Any], Decimal]) -> Amount:
    if isinstance(raw, Amount):
        return raw
    if isinstance(raw, Mapping):
        return _amount_of_table(raw, number)
    if not isinstance(raw, str) or "[" not in raw:
        return Amount(value=number(raw))
    found = _AMOUNT.match(raw.strip())
    if found is None or found["low"] is None:
        raise CellFault("not_an_amount", found=typed_text(raw))
    return _amount_of_table({k: v for k, v in found.groupdict().items() if v is not None}, number)


def _amount_of_table(table: Mapping[str, Any], number: Callable[[Any], Decimal]) -> Amount:
    known = ("value", "low", "high", "law")
    strange = [key for key in table if key not in known]
    ends = {"low", "high"} & set(table)
    if strange or "value" not in table or len(ends) == 1 or ("law" in table and not ends):
        raise CellFault("not_an_amount", found=", ".join(map(str, table)))
    value = number(table["value"])
    if "low" not in table:
        return Amount(value=value)
    low, high = number(table["low"]), number(table["high"])
    law = read_choice(Law, Mapping.get(table, "law", None) or Law.PERT)
    if not low < high or not low <= value <= high:
        raise CellFault(
            "interval_out_of_order",
            low=plain_decimal(low),
            value=plain_decimal(value),
            high=plain_decimal(high),
        )
    if law in (Law.LOGNORMAL, Law.GAMMA) and low <= 0:
        raise CellFault("law_needs_positive", law=law.value, low=plain_decimal(low))
    return Amount(value=value, low=low, high=high, law=law)


def read_amount(raw: Any) -> Amount:
    """Read an amount with or without its interval.

    Examples
    --------
    >>> str(read_amount("1 200,50 [1 000 ; 1 500] pert"))
    '1200.5 [1000 ; 1500] pert'
    """
    return _read_amount(raw, read_number)


def read_positive(raw: Any) -> Amount:
    """Read an amount that cannot be negative."""
    amount = read_amount(raw)
    if amount.value < 0 or (amount.low is not None and amount.low < 0):
        raise CellFault("negative_amount", found=str(amount))
    return amount


def read_share(raw: Any) -> Amount:
    """Read a share between 0 and 1, or per cents written with their sign.

    Examples
    --------
    >>> read_share("5 %").value
    Decimal('0.05')
    """
    amount = _read_amount(raw, read_per_cent)
    for part in (amount.value, amount.low, amount.high):
        if part is not None and not 0 <= part <= 1:
            raise CellFault("share_out_of_range", found=typed_text(raw))
    if amount.certain and amount.value == 1 and not _signed(raw):
        raise CellFault("share_of_one", found=typed_text(raw))
    if amount.law in (Law.NORMAL, Law.LOGNORMAL, Law.GAMMA):  # they leave 0 to 1
        raise CellFault("law_not_for_share", law=amount.law.value)
    return amount


def _signed(raw: Any) -> bool:
    """Whether per cents were written with their sign: a bare 1 may be 1 % or 100 %."""
    told = raw.get("value") if isinstance(raw, Mapping) else raw
    return isinstance(told, Amount) or (isinstance(told, str) and "%" in told)


def read_rate(raw: Any) -> Decimal:
    """Read a rate per year: above -100 % and at most 100 %."""
    rate = read_per_cent(raw)
    if not -1 < rate <= 1:
        raise CellFault("rate_out_of_range", found=typed_text(raw))
    if rate == 1 and not _signed(raw):
        raise CellFault("share_of_one", found=typed_text(raw))
    return rate


def read_year(raw: Any) -> int:
    """Read a calendar year."""
    year = read_whole(raw)
    if not 1900 <= year <= 2200:
        raise CellFault("not_a_year", found=typed_text(raw))
    return year


def read_rank(raw: Any) -> int:
    """Read the rank of a year of the action: 0 is today, 1 the first year; never a date.

    Raises
    ------
    CellFault
        `calendar_year_for_rank`, `rank_too_far`, and those of a whole number.
    """
    rank = read_whole(raw)
    if 1900 <= rank <= 2200:
        raise CellFault("calendar_year_for_rank", found=typed_text(raw))
    if rank > _LAST_RANK:
        raise CellFault("rank_too_far", found=typed_text(raw), most=_LAST_RANK)
    return rank


def read_whole(raw: Any) -> int:
    """Read a whole number that is not negative."""
    number = read_number(raw)
    if number != number.to_integral_value():
        raise CellFault("not_whole", found=typed_text(raw))
    if number < 0:
        raise CellFault("negative_amount", found=typed_text(raw))
    return int(number)


def read_text(raw: Any) -> str:
    """Read a text; a number is taken as it is written."""
    text = str(raw).strip()
    if not text or isinstance(raw, (Mapping, list, tuple)):
        raise CellFault("not_a_text", found=typed_text(raw))
    return text


_TRUE = frozenset({"true", "yes", "oui", "vrai", "1", "x"})
_FALSE = frozenset({"false", "no", "non", "faux", "0"})


def read_flag(raw: Any) -> bool:
    """Read yes or no, in either language."""
    text = str(raw).strip().casefold()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise CellFault("not_yes_or_no", found=typed_text(raw))


_ARTICLE = re.compile(r"^(?:le|la|les|l|the)\s+")
# « conseil départemental du 62 », « métropole de Lille »: the place says which one, not what it is
_PLACE_NAMED = re.compile(r"\s+(?:\d[\dab]{1,2}|(?:du|des|de la|de l|de|d|of)\s+.+)$")


def folded(text: object) -> str:
    """Return a text without case, accents or signs, to be compared.

    Examples
    --------
    >>> folded("L’État"), folded("Poids  mort")
    ('l etat', 'poids mort')
    """
    plain = unicodedata.normalize("NFKD", str(text).casefold().replace("œ", "oe"))
    letters = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    return " ".join(re.sub(r"[^a-z0-9%€£+]+", " ", letters).split())


def read_choice(choices: type[StrEnum], raw: Any, aliases: Mapping[str, str] | None = None) -> Any:
    """Read one of a closed list, or one of its other names; the nearest is told otherwise."""
    text = folded(raw)
    known = {member.value: member for member in choices}
    spoken = {folded(member.value): member for member in choices}
    if text in spoken:
        return spoken[text]
    names = {folded(name): value for name, value in (aliases or {}).items()}
    for told in (text, _ARTICLE.sub("", text), _PLACE_NAMED.sub("", _ARTICLE.sub("", text))):
        if names.get(told) in known:
            return known[names[told]]
        if told in spoken:
            return spoken[told]
    close = nearest(text, [*known, *names])
    raise CellFault(
        "unknown_choice",
        found=typed_text(raw),
        nearest=names.get(close or "", close),
        answers=_closest_first(text, known, names),
    )


def _closest_first(text: str, known: Iterable[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the codes of a closed list, first those that a text names or nearly does."""
    spoken = {folded(code): code for code in known} | dict(names)
    words = {re.sub(r"\d+$", "", word) for word in text.split()}  # « cd59 » is a « cd »
    best = dict.fromkeys(spoken.values(), 0.0)
    for name, code in spoken.items():
        held = set(name.split()) <= words
        near = 1 + len(name) if held else SequenceMatcher(None, text, name).ratio()
        best[code] = max(best[code], near)
    return tuple(sorted(best, key=lambda code: -best[code]))


def read_shares(raw: Any) -> tuple[Decimal, ...]:
    """Read a survival curve: shares still there each year, never rising."""
    items = raw if isinstance(raw, (list, tuple)) else re.split(r"[;|]", str(raw))
    shares = tuple(read_per_cent(item) for item in items)
    if any(not 0 <= share <= 1 for share in shares):
        raise CellFault("share_out_of_range", found=typed_text(raw))
    if not shares or any(b > a for a, b in itertools.pairwise(shares)):
        raise CellFault("survival_rises", found=typed_text(raw))
    return shares


def read_names(raw: Any) -> tuple[str, ...]:
    """Read a list of names."""
    items = raw if isinstance(raw, (list, tuple)) else re.split(r"[;|,]", str(raw))
    return tuple(read_text(item) for item in items)


def read_people(raw: Any) -> Mapping[str, Decimal]:
    """Read a number of people, or one number by row of the estimate (`{"group[2018]" = 120}`)."""
    if not isinstance(raw, Mapping):
        return {"": read_count(raw)}
    if not raw:
        raise CellFault("not_a_number", found="{}")
    return {str(key): read_count(value) for key, value in raw.items()}


def read_count(raw: Any) -> Decimal:
    """Read a number of people: greater than zero."""
    number = read_number(raw)
    if number <= 0:
        raise CellFault("people_not_positive", found=typed_text(raw))
    return number
