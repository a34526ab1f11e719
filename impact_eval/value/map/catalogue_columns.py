"""The columns of the catalogue's entries, and how each of their cells is read: strictly."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from impact_eval.core.findings import ImpactEvalError, nearest
from impact_eval.value.map.choices import Agent, Basis, Costing, LineKind, Mark
from impact_eval.value.map.columns import MapColumn
from impact_eval.value.map.declared_cells import (
    Amount,
    read_amount,
    read_text,
    read_year,
)
from impact_eval.value.map.laws import fit
from impact_eval.value.map.typed_numbers import CellFault, NumberTooLargeError, read_number

LANGUAGES: Final = ("fr", "en")
VALUE: Final = "value"
# of a figure: beyond, a unit was mistaken or a key stayed down
SMALLEST: Final = Decimal("0.000000001")
LARGEST: Final = Decimal("1000000000000")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
# Metropolitan départements (20 became 2A and 2B), then those overseas and the territories like them
_DEPARTEMENTS = frozenset(
    {f"{n:02d}" for n in range(1, 96) if n != 20} | {"2A", "2B"} | {str(n) for n in range(971, 979)}
)
_IDENTIFIER = re.compile(r"[a-z0-9_]+@[a-z0-9.-]+")


@lru_cache(maxsize=1)
def vocabulary() -> Mapping[str, tuple[str, ...]]:
    """Return the units, currencies and places that the catalogue knows, from the package's data."""
    file = resources.files("impact_eval.value").joinpath("catalogue", "units.toml")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return MappingProxyType({name: tuple(found) for name, found in table.items()})


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise CellFault("not_a_text", found=str(raw))
    return read_text(raw)


def _note(raw: Any) -> str:
    """Read a text that may be empty."""
    return "" if raw == "" else _text(raw)


def _among(known: Iterable[str], raw: Any, code: str) -> str:
    names = tuple(known)
    if raw not in names:
        raise CellFault(code, found=str(raw), nearest=nearest(str(raw), names), known=names)
    return str(raw)


def _choice(choices: type[StrEnum]) -> Callable[[Any], Any]:
    def parse(raw: Any) -> Any:
        return choices(_among((member.value for member in choices), raw, "unknown_choice"))

    return parse


def _out_of_reach(raw: Any) -> CellFault:
    return CellFault(
        "figure_out_of_reach", found=str(raw)[:60], low=str(SMALLEST), high=str(LARGEST)
    )


def _figure(raw: Any) -> Amount:
    """Read a figure: a price, a rate or a share, above zero; its sign is that of its kind."""
    try:
        amount = read_amount(raw)
    except NumberTooLargeError:
        raise _out_of_reach(raw) from None
    for part in (amount.value, amount.low):
        if part is not None and part <= 0:
            raise CellFault("figure_not_positive", found=str(part))
    for part in (amount.value, amount.high):
        if part is not None and not SMALLEST <= part <= LARGEST:
            raise _out_of_reach(raw)
    if not amount.certain:
        try:
            fit(amount)
        except ImpactEvalError as error:
            fault = error.findings[0]
            raise CellFault(fault.code, **fault.values) from None
    return amount


def _identifier(raw: Any) -> str:
    name = _text(raw)
    if not _IDENTIFIER.fullmatch(name):
        raise CellFault("entry_bad_id", found=name)
    return name


def _unit(raw: Any) -> str:
    return _among(vocabulary()["units"], raw, "unknown_price_unit")


def _place(raw: Any) -> str:
    if raw in _DEPARTEMENTS:
        return str(raw)
    return _among(vocabulary()["places"], raw, "unknown_place")


def _currency(raw: Any) -> str:
    if not (isinstance(raw, str) and re.fullmatch(r"[A-Z]{3}", raw)):
        raise CellFault("not_a_currency", found=str(raw))
    return _among(vocabulary()["currencies"], raw, "unknown_currency")


def _whole_year(raw: Any) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise CellFault("not_a_year", found=str(raw))
    return int(raw)


def read_date(raw: Any) -> str:
    """Read a day of the calendar, written `2027-04-01`."""
    try:
        if isinstance(raw, str) and _DATE.fullmatch(raw):
            return datetime.date.fromisoformat(raw).isoformat()
    except ValueError:
        pass
    raise CellFault("entry_not_a_date", found=str(raw))


def _month(raw: Any) -> str:
    if not (isinstance(raw, str) and _MONTH.fullmatch(raw)):
        raise CellFault("entry_not_a_date", found=str(raw))
    return raw


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise CellFault("not_yes_or_no", found=str(raw))
    return raw


def _label(raw: Any) -> Mapping[str, str]:
    if not isinstance(raw, Mapping) or set(raw) != set(LANGUAGES):
        told = ", ".join(map(str, raw.values())) if isinstance(raw, Mapping) else str(raw)
        raise CellFault("label_needs_languages", found=told, known=LANGUAGES)
    return MappingProxyType({language: _text(raw[language]) for language in LANGUAGES})


def _names(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise CellFault("not_a_text", found=str(raw))
    return tuple(_text(item) for item in raw)


def _by_year(parse: Callable[[Any], Any]) -> Callable[[Any], Mapping[int, Any]]:
    def read(raw: Any) -> Mapping[int, Any]:
        if not isinstance(raw, Mapping) or not raw:
            raise CellFault("not_a_year", found=str(raw))
        return MappingProxyType({read_year(year): parse(cell) for year, cell in raw.items()})

    return read


def _level(raw: Any) -> Decimal:
    number = read_number(raw)
    if number <= 0:
        raise CellFault("negative_amount", found=str(raw))
    return number


def _rows(raw: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(raw, list) or not raw or not all(isinstance(row, Mapping) for row in raw):
        raise CellFault("table_not_rows", name="flows")
    return tuple(raw)


_ENDS = (MapColumn("payer", _choice(Agent)), MapColumn("receiver", _choice(Agent)))
PARAMETER = (
    MapColumn("id", _identifier, required=True),
    MapColumn("item", _text, required=True),
    MapColumn("label", _label, required=True),
    MapColumn(VALUE, _figure, required=True),
    MapColumn("unit", _unit, required=True),
    MapColumn("currency", _currency),
    MapColumn("price_year", _whole_year),
    MapColumn("geography", _place),
    MapColumn("kind", _choice(LineKind)),
    *_ENDS,
    MapColumn("basis", _choice(Basis)),
    MapColumn("costing", _choice(Costing)),
    MapColumn("mark", _choice(Mark), required=True),
    MapColumn("source", _text, required=True),
    MapColumn("page", _note),
    MapColumn("expires", read_date, required=True),
    MapColumn("index", _text),
    MapColumn("lifetime", _flag),
    MapColumn("covers", _names),
    MapColumn("family", _note),
    MapColumn("rivals", _names),
    MapColumn("note", _note),
)
INDEX = (
    MapColumn("id", _text, required=True),
    MapColumn("values", _by_year(_level), required=True),
    MapColumn("marks", _by_year(_choice(Mark)), required=True),
    MapColumn("source", _text, required=True),
    MapColumn("currency", _currency),
)
FLOW = (
    MapColumn("name", _text, required=True),
    MapColumn("kind", _choice(LineKind), required=True),
    *_ENDS,
    MapColumn("amount", read_number, required=True),
)
CASE = (
    MapColumn("id", _text, required=True),
    MapColumn("label", _label, required=True),
    MapColumn("price_year", _whole_year, required=True),
    MapColumn("month", _month, required=True),
    MapColumn("computed_on", read_date, required=True),
    MapColumn("origin", _text, required=True),
    MapColumn("population", _text, required=True),
    MapColumn("mark", _choice(Mark), required=True),
    MapColumn("expires", read_date, required=True),
    MapColumn("note", _note),
    MapColumn("flows", _rows, required=True),
)
