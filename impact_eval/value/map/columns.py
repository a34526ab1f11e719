"""The tables of a value map and their columns, declared once: TOML, Excel and checks read them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from impact_eval.core.vocabulary import Direction, Pillar, Unit
from impact_eval.value.map import declared_cells as cells
from impact_eval.value.map.choices import (
    Agent,
    Basis,
    Costing,
    InputKind,
    LineKind,
    Solidity,
    Timing,
)
from impact_eval.value.map.declared import (
    Correlation,
    DeclaredCase,
    DroppedOutcome,
    Input,
    Line,
    NotMonetised,
    Output,
    Override,
    RelativeIncome,
    Settings,
    UnitFlow,
    cell_of,
    line_of,
)
from impact_eval.value.map.discounting import read_schedule
from impact_eval.value.map.typed_numbers import CellFault, read_number, read_years

Parser = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class MapColumn:
    """One column: its key, how a cell is read, and whether it must be there."""

    key: str
    parse: Parser
    required: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table of the map: its key, the noun its rows make, its columns."""

    key: str
    noun: type[Any]
    columns: tuple[MapColumn, ...]

    def make(self, cells: Mapping[str, Any]) -> Any:
        """Make the noun of a row from its cells."""
        return line_of(cells) if self.noun is Line else self.noun(**cells)

    def cell(self, noun: Any, key: str) -> Any:
        """Return what a noun holds in a column."""
        return cell_of(noun, key) if isinstance(noun, Line) else getattr(noun, key)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the columns, in order."""
        return tuple(column.key for column in self.columns)


@lru_cache(maxsize=1)
def headings() -> Mapping[str, Any]:
    """Return the headings and other names, in both languages, from the package's data."""
    file = resources.files("impact_eval.value").joinpath("catalogue", "headings.toml")
    return MappingProxyType(tomllib.loads(file.read_text(encoding="utf-8")))


def choice(choices: type[StrEnum]) -> Parser:
    """Return a reader of one of a closed list, that knows its names in both languages."""

    def parse(raw: Any) -> Any:
        names = headings()["names"].get(choices.__name__, {})
        other = {str(alias).casefold(): key for key, found in names.items() for alias in found}
        return cells.read_choice(choices, raw, other)

    parse.__name__ = f"read_{choices.__name__.lower()}"
    return parse


def _number(raw: Any) -> Decimal:
    return read_number(raw)


def _moment(raw: Any) -> int | Decimal:
    """Read a year, or a moment within one: 1.5 is the middle of the first year."""
    number = read_number(raw)
    if number == number.to_integral_value():
        return cells.read_rank(raw)
    if number < 1:
        raise CellFault("start_before_one", found=str(raw))
    return number


def _start(raw: Any) -> int | Decimal:
    year = _moment(raw)
    if year < 1:
        raise CellFault("start_before_one", found=str(raw))
    return year


def _rho(raw: Any) -> Decimal:
    number = read_number(raw)
    if not -1 <= number <= 1:
        raise CellFault("correlation_out_of_range", found=str(raw))
    return number


def _wage(raw: Any) -> Decimal:
    number = read_number(raw)
    if number < 0:
        raise CellFault("negative_amount", found=str(raw))
    return number


def _mix(raw: Any) -> Mapping[str, Decimal]:
    """Read the cases of a mix and the weight of each: `{ rsa_single_to_full_smic = 3 }`."""
    if not isinstance(raw, Mapping) or not raw:
        raise CellFault("mix_not_readable", found=str(raw)[:60])
    return {str(name): cells.read_count(weight) for name, weight in raw.items()}


def _exchange(raw: Any) -> Decimal:
    number = read_number(raw)
    if number <= 0:
        raise CellFault("exchange_not_positive", found=str(raw))
    return number


def _income(raw: Any) -> Decimal:
    number = read_number(raw)
    if number <= 0:
        raise CellFault("income_not_positive", found=str(raw))
    return number


def _currency(raw: Any) -> str:
    text = cells.read_text(raw).upper()
    text = {"€": "EUR", "£": "GBP", "$": "USD", "EUROS": "EUR", "EURO": "EUR"}.get(text, text)
    if len(text) != 3 or not text.isalpha():
        raise CellFault("not_a_currency", found=text)
    return text


def _perspective(raw: Any) -> str:
    text = str(raw).strip().casefold()
    if text in ("society", "public", "société", "societe"):
        return "public" if text == "public" else "society"
    agent: Agent = choice(Agent)(raw)
    return agent.value


def _bundle(raw: Any) -> tuple[UnitFlow, ...]:
    """Read the flows that one unit moves: a list of tables, or its JSON text in a sheet."""
    try:
        items = json.loads(raw, parse_float=Decimal) if isinstance(raw, str) else raw
        return tuple(
            UnitFlow(
                name=cells.read_text(item["name"]),
                kind=choice(LineKind)(item["kind"]),
                payer=choice(Agent)(item["payer"]) if item.get("payer") else None,
                receiver=choice(Agent)(item["receiver"]) if item.get("receiver") else None,
                amount=cells.read_amount(item["amount"]),
            )
            for item in items
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        raise CellFault("flows_not_readable", found=str(raw)[:60]) from None


SETTINGS = TableSpec(
    "map",
    Settings,
    (
        MapColumn("title", cells.read_text),
        MapColumn("currency", _currency, True),
        MapColumn("price_year", cells.read_year, True),
        MapColumn("discount_rate", cells.read_rate, True),
        MapColumn("discount_schedule", read_schedule),
        MapColumn("timing", choice(Timing)),
        MapColumn("perspective", _perspective),
        MapColumn("follow_up", read_years),
        MapColumn("people", cells.read_count),
        MapColumn("eligible", cells.read_whole),
        MapColumn("population", cells.read_text),
        MapColumn("price_index", cells.read_text),
        MapColumn("pillar", choice(Pillar)),
    ),
)
INPUTS = TableSpec(
    "inputs",
    Input,
    (
        MapColumn("id", cells.read_text, True),
        MapColumn("stakeholder", cells.read_text, True),
        MapColumn("description", cells.read_text),
        MapColumn("kind", choice(InputKind)),
        MapColumn("payer", choice(Agent), True),
        MapColumn("receiver", choice(Agent)),
        MapColumn("amount", cells.read_positive),
        MapColumn("hours", cells.read_positive),
        MapColumn("hourly_rate", cells.read_positive),
        MapColumn("currency", _currency, True),
        MapColumn("price_year", cells.read_year, True),
        MapColumn("year", _moment),
        MapColumn("index", cells.read_text),
    ),
)
OUTPUTS = TableSpec(
    "outputs",
    Output,
    (
        MapColumn("id", cells.read_text, True),
        MapColumn("description", cells.read_text, True),
        MapColumn("quantity", _number),
        MapColumn("unit", cells.read_text),
    ),
)
LINES = TableSpec(
    "lines",
    Line,
    (
        MapColumn("id", cells.read_text, True),
        MapColumn("stakeholder", cells.read_text, True),
        MapColumn("outcome", cells.read_text, True),
        MapColumn("change", cells.read_text),
        MapColumn("indicator", cells.read_text),
        MapColumn("indicator_source", cells.read_text),
        MapColumn("sample_size", cells.read_whole),
        MapColumn("estimate", cells.read_text),
        MapColumn("term", cells.read_text),
        MapColumn("direction", choice(Direction)),
        MapColumn("people", cells.read_people),
        MapColumn("quantity", cells.read_amount),
        MapColumn("unit", choice(Unit), True),
        MapColumn("kind", choice(LineKind)),
        MapColumn("payer", choice(Agent)),
        MapColumn("receiver", choice(Agent)),
        MapColumn("proxy", cells.read_amount),
        MapColumn("proxy_unit", cells.read_text),
        MapColumn("proxy_source", cells.read_text),
        MapColumn("parameter", cells.read_text),
        MapColumn("case", cells.read_text),
        MapColumn("bundle", _bundle),
        MapColumn("currency", _currency),
        MapColumn("price_year", cells.read_year),
        MapColumn("exchange_rate", _exchange),
        MapColumn("index", cells.read_text),
        MapColumn("per_year", cells.read_count),
        MapColumn("start", _start),
        MapColumn("duration", read_years),
        MapColumn("survival", cells.read_shares),
        MapColumn("deadweight", cells.read_share),
        MapColumn("displacement", cells.read_share),
        MapColumn("attribution", cells.read_share),
        MapColumn("drop_off", cells.read_share),
        MapColumn("solidity", choice(Solidity)),
        MapColumn("growth", cells.read_rate),
        MapColumn("follow_up", read_years),
        MapColumn("cashable", cells.read_share),
        MapColumn("costing", choice(Costing)),
        MapColumn("basis", choice(Basis)),
        MapColumn("family", cells.read_text),
        MapColumn("covers", cells.read_names),
        MapColumn("lifetime", cells.read_flag),
        MapColumn("persistence", cells.read_share),
        MapColumn("expires", cells.read_text),
        MapColumn("mark", cells.read_text),
        MapColumn("included", cells.read_flag),
        MapColumn("reason", cells.read_text),
        MapColumn("take_up", cells.read_text),
        MapColumn("take_up_share", cells.read_share),
        MapColumn("treated_mean", _number),
        MapColumn("treated_mean_se", _number),
        MapColumn("pillar", choice(Pillar)),
    ),
)
NOT_MONETISED = TableSpec(
    "not_monetised",
    NotMonetised,
    (
        MapColumn("id", cells.read_text, True),
        MapColumn("stakeholder", cells.read_text, True),
        MapColumn("outcome", cells.read_text, True),
        MapColumn("indicator", cells.read_text),
        MapColumn("quantity", _number),
        MapColumn("unit", cells.read_text),
        MapColumn("importance", _number),
        MapColumn("note", cells.read_text),
    ),
)
CORRELATIONS = TableSpec(
    "correlations",
    Correlation,
    (
        MapColumn("first", cells.read_text, True),
        MapColumn("second", cells.read_text, True),
        MapColumn("rho", _rho, True),
    ),
)
OVERRIDES = TableSpec(
    "overrides",
    Override,
    (
        MapColumn("guard", cells.read_text, True),
        MapColumn("line", cells.read_text),
        MapColumn("reason", cells.read_text, True),
        MapColumn("author", cells.read_text),
        MapColumn("date", cells.read_text),
    ),
)
DROPPED = TableSpec(
    "dropped",
    DroppedOutcome,
    (
        MapColumn("outcome", cells.read_text, True),
        MapColumn("reason", cells.read_text, True),
        MapColumn("stakeholder", cells.read_text),
    ),
)
INCOMES = TableSpec(
    "incomes",
    RelativeIncome,
    (
        MapColumn("agent", choice(Agent), True),
        MapColumn("relative_income", _income, True),
        MapColumn("source", cells.read_text, True),
    ),
)
CASES = TableSpec(
    "cases",
    DeclaredCase,
    (
        MapColumn("id", cells.read_text, True),
        MapColumn("month", cells.read_text),
        MapColumn("wage_before", _wage),
        MapColumn("wage_after", _wage),
        MapColumn("children", cells.read_whole),
        MapColumn("rent", _wage),
        MapColumn("commune", cells.read_text),
        MapColumn("mix", _mix),
        MapColumn("rsa_payer", choice(Agent)),
    ),
)
TABLES: tuple[TableSpec, ...] = (
    INPUTS,
    OUTPUTS,
    LINES,
    NOT_MONETISED,
    CORRELATIONS,
    OVERRIDES,
    DROPPED,
    INCOMES,
    CASES,
)
