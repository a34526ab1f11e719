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

Parser = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key, how a cell is read, and whether it must be there."""

    key: str
    parse: Parser
    required: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table of the map: its key, the noun its rows make, its columns."""

    key: str
    noun: type[Any]
    columns: tuple[Column, ...]

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
    return cells.read_number(raw)


def _years(raw: Any) -> Decimal:
    number = cells.read_number(raw)
    if number <= 0:
        raise cells.CellFault("negative_duration", found=str(raw))
    return number


def _index(raw: Any) -> int:
    year = cells.read_whole(raw)
    if year < 1:
        raise cells.CellFault("start_before_one", found=str(raw))
    return year


def _rho(raw: Any) -> Decimal:
    number = cells.read_number(raw)
    if not -1 <= number <= 1:
        raise cells.CellFault("correlation_out_of_range", found=str(raw))
    return number


def _wage(raw: Any) -> Decimal:
    number = cells.read_number(raw)
    if number < 0:
        raise cells.CellFault("negative_amount", found=str(raw))
    return number


def _mix(raw: Any) -> Mapping[str, Decimal]:
    """Read the cases of a mix and the weight of each: `{ rsa_single_to_full_smic = 3 }`."""
    if not isinstance(raw, Mapping) or not raw:
        raise cells.CellFault("mix_not_readable", found=str(raw)[:60])
    return {str(name): cells.read_count(weight) for name, weight in raw.items()}


def _exchange(raw: Any) -> Decimal:
    number = cells.read_number(raw)
    if number <= 0:
        raise cells.CellFault("exchange_not_positive", found=str(raw))
    return number


def _income(raw: Any) -> Decimal:
    number = cells.read_number(raw)
    if number <= 0:
        raise cells.CellFault("income_not_positive", found=str(raw))
    return number


def _currency(raw: Any) -> str:
    text = cells.read_text(raw).upper()
    text = {"€": "EUR", "£": "GBP", "$": "USD", "EUROS": "EUR", "EURO": "EUR"}.get(text, text)
    if len(text) != 3 or not text.isalpha():
        raise cells.CellFault("not_a_currency", found=text)
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
        raise cells.CellFault("flows_not_readable", found=str(raw)[:60]) from None


SETTINGS = TableSpec(
    "map",
    Settings,
    (
        Column("title", cells.read_text),
        Column("currency", _currency, True),
        Column("price_year", cells.read_year, True),
        Column("discount_rate", cells.read_rate, True),
        Column("timing", choice(Timing)),
        Column("perspective", _perspective),
        Column("follow_up", _years),
        Column("people", cells.read_count),
        Column("eligible", cells.read_whole),
        Column("price_index", cells.read_text),
        Column("pillar", choice(Pillar)),
    ),
)
INPUTS = TableSpec(
    "inputs",
    Input,
    (
        Column("id", cells.read_text, True),
        Column("stakeholder", cells.read_text, True),
        Column("description", cells.read_text),
        Column("kind", choice(InputKind)),
        Column("payer", choice(Agent), True),
        Column("receiver", choice(Agent)),
        Column("amount", cells.read_positive),
        Column("hours", cells.read_positive),
        Column("hourly_rate", cells.read_positive),
        Column("currency", _currency, True),
        Column("price_year", cells.read_year, True),
        Column("year", cells.read_whole),
        Column("index", cells.read_text),
    ),
)
OUTPUTS = TableSpec(
    "outputs",
    Output,
    (
        Column("id", cells.read_text, True),
        Column("description", cells.read_text, True),
        Column("quantity", _number),
        Column("unit", cells.read_text),
    ),
)
LINES = TableSpec(
    "lines",
    Line,
    (
        Column("id", cells.read_text, True),
        Column("stakeholder", cells.read_text, True),
        Column("outcome", cells.read_text, True),
        Column("change", cells.read_text),
        Column("indicator", cells.read_text),
        Column("indicator_source", cells.read_text),
        Column("sample_size", cells.read_whole),
        Column("estimate", cells.read_text),
        Column("term", cells.read_text),
        Column("direction", choice(Direction)),
        Column("people", cells.read_people),
        Column("quantity", cells.read_amount),
        Column("unit", choice(Unit), True),
        Column("kind", choice(LineKind)),
        Column("payer", choice(Agent)),
        Column("receiver", choice(Agent)),
        Column("proxy", cells.read_amount),
        Column("proxy_unit", cells.read_text),
        Column("proxy_source", cells.read_text),
        Column("parameter", cells.read_text),
        Column("case", cells.read_text),
        Column("bundle", _bundle),
        Column("currency", _currency),
        Column("price_year", cells.read_year),
        Column("exchange_rate", _exchange),
        Column("index", cells.read_text),
        Column("per_year", cells.read_count),
        Column("start", _index),
        Column("duration", _years),
        Column("survival", cells.read_shares),
        Column("deadweight", cells.read_share),
        Column("displacement", cells.read_share),
        Column("attribution", cells.read_share),
        Column("drop_off", cells.read_share),
        Column("growth", cells.read_rate),
        Column("follow_up", _years),
        Column("cashable", cells.read_share),
        Column("costing", choice(Costing)),
        Column("basis", choice(Basis)),
        Column("family", cells.read_text),
        Column("covers", cells.read_names),
        Column("lifetime", cells.read_flag),
        Column("persistence", cells.read_share),
        Column("expires", cells.read_text),
        Column("mark", cells.read_text),
        Column("included", cells.read_flag),
        Column("reason", cells.read_text),
        Column("take_up", cells.read_text),
        Column("take_up_share", cells.read_share),
        Column("treated_mean", _number),
        Column("treated_mean_se", _number),
        Column("pillar", choice(Pillar)),
    ),
)
NOT_MONETISED = TableSpec(
    "not_monetised",
    NotMonetised,
    (
        Column("id", cells.read_text, True),
        Column("stakeholder", cells.read_text, True),
        Column("outcome", cells.read_text, True),
        Column("indicator", cells.read_text),
        Column("quantity", _number),
        Column("unit", cells.read_text),
        Column("importance", _number),
        Column("note", cells.read_text),
    ),
)
CORRELATIONS = TableSpec(
    "correlations",
    Correlation,
    (
        Column("first", cells.read_text, True),
        Column("second", cells.read_text, True),
        Column("rho", _rho, True),
    ),
)
OVERRIDES = TableSpec(
    "overrides",
    Override,
    (
        Column("guard", cells.read_text, True),
        Column("line", cells.read_text),
        Column("reason", cells.read_text, True),
        Column("author", cells.read_text),
        Column("date", cells.read_text),
    ),
)
DROPPED = TableSpec(
    "dropped",
    DroppedOutcome,
    (
        Column("outcome", cells.read_text, True),
        Column("reason", cells.read_text, True),
        Column("stakeholder", cells.read_text),
    ),
)
INCOMES = TableSpec(
    "incomes",
    RelativeIncome,
    (
        Column("agent", choice(Agent), True),
        Column("relative_income", _income, True),
        Column("source", cells.read_text, True),
    ),
)
CASES = TableSpec(
    "cases",
    DeclaredCase,
    (
        Column("id", cells.read_text, True),
        Column("month", cells.read_text),
        Column("wage_before", _wage),
        Column("wage_after", _wage),
        Column("children", cells.read_whole),
        Column("rent", _wage),
        Column("commune", cells.read_text),
        Column("mix", _mix),
        Column("rsa_payer", choice(Agent)),
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
