"""A map on one sheet, of ours or of another layout: what its columns do not hold, told.

Social Value UK's map and the French guides have no column for the nature of a value, its unit, its
receiver or the year of its prices. Where a *column* is absent, a stated default stands in, named in
a finding; a cell left empty under a column is a fault, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from impact_eval.core.findings import Finding, Place
from impact_eval.core.vocabulary import Unit
from impact_eval.value.map.choices import PEOPLE, Agent, LineKind
from impact_eval.value.map.columns import INPUTS, LINES, SETTINGS, choice
from impact_eval.value.map.declared_cells import folded, read_amount
from impact_eval.value.map.map_headings import INPUT_AMOUNT, INPUT_TEXT, PROXY_TEXT, shown_heading
from impact_eval.value.map.map_workbook import WorkbookMap
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.typed_numbers import CellFault

_COSTS = frozenset({"cout", "couts", "depense", "depenses", "charge", "charges", "ressource",
                    "ressources", "cost", "costs", "input", "inputs", "expense", "subvention",
                    "subventions", "financement", "financements", "budget", "funding", "grant",
                    "grants", "argent"})  # fmt: skip
_GAINS = (LineKind.NON_MARKET, LineKind.RESOURCE_GAIN)
_RATES: Mapping[str, str] = MappingProxyType({"EUR": "0.032", "GBP": "0.035"})


def complete_sheets(book: WorkbookMap) -> None:
    """Fill what the columns of a workbook leave out, and tell each default once."""
    lines, costs = book.tables.get(LINES.key), book.tables.get(INPUTS.key)
    if not isinstance(lines, list) or not lines:
        return
    simple = "unit" not in book.headings.get(LINES.key, set())
    if simple:
        _move_costs(book)
    defaults: dict[str, str] = {}
    settings = _complete_settings(book, defaults)
    if simple:
        _complete_lines(book, settings, defaults)
    if simple or (costs and "id" not in book.headings.get(INPUTS.key, set())):
        _complete_inputs(book, settings, defaults)
    language = "en" if book.pounds else "fr"
    if defaults:
        book.said.add(
            Finding.warning(
                "map_defaults",
                Place(file=book.file),
                pairs=[f"{shown_heading(k, language)} = {v}" for k, v in defaults.items()],
            )
        )


def _complete_settings(book: WorkbookMap, defaults: dict[str, str]) -> dict[str, Any]:
    """State the currency, the year of prices and the rate of a workbook with no settings."""
    if SETTINGS.key in book.tables:
        return dict(book.tables[SETTINGS.key])
    currency = "GBP" if book.pounds else "EUR"
    index = catalogue().indices["fr_cpi"].values
    own = {"currency": currency, "price_year": max(index), "discount_rate": _RATES[currency]}
    book.tables[SETTINGS.key] = own
    defaults |= {key: str(value) for key, value in own.items()}
    return dict(own)


def _agent(raw: Any) -> Agent | None:
    try:
        found: Agent = choice(Agent)(raw)
    except CellFault:
        return None
    return found


def _kind(raw: Any) -> LineKind | None:
    try:
        found: LineKind = choice(LineKind)(raw)
    except CellFault:
        return None
    return found


def _move_costs(book: WorkbookMap) -> None:
    """Take the costs out of the lines: those of nature « coût », and the inputs beside a line."""
    rows, costs = book.tables[LINES.key], book.tables.setdefault(INPUTS.key, [])
    origins = book.origins
    kept: list[dict[str, Any]] = []
    places = []
    for number, row in enumerate(rows, start=1):
        place = origins[(LINES.key, number)]
        beside = {key: row.pop(key, None) for key in (INPUT_TEXT, INPUT_AMOUNT)}
        text = row.pop(PROXY_TEXT, None)
        if text is not None:
            row["proxy_source"] = " ; ".join(str(t) for t in (text, row.get("proxy_source")) if t)
        if is_cost_row(row):
            costs.append(_cost_of(row))
            origins[(INPUTS.key, len(costs))] = place
            continue
        if beside[INPUT_AMOUNT] is not None:
            who = row.get("stakeholder")
            costs.append({"stakeholder": who, "payer": who, "amount": beside[INPUT_AMOUNT],
                          "description": beside[INPUT_TEXT]})  # fmt: skip
            origins[(INPUTS.key, len(costs))] = place
        if set(row) - {"id", "stakeholder"}:
            kept.append(row)
            places.append(place)
    for key in [key for key in origins if key[0] == LINES.key]:
        del origins[key]
    origins |= {(LINES.key, n): place for n, place in enumerate(places, start=1)}
    book.tables[LINES.key] = kept


def is_cost_row(row: Mapping[str, Any]) -> bool:
    """Whether a row of the lines is a cost, by its nature."""
    return folded(row.get("kind", "")) in _COSTS


def _cost_of(row: Mapping[str, Any]) -> dict[str, Any]:
    amount = row.get("proxy")
    if row.get("quantity") is not None and amount is not None:
        try:
            many, each = read_amount(row["quantity"]), read_amount(amount)
        except CellFault:
            return {"stakeholder": row.get("stakeholder"), "amount": row["quantity"]}
        if many.certain and each.certain:
            amount = many.value * each.value
    who = row.get("stakeholder")
    return {"id": row.get("id"), "stakeholder": who, "payer": row.get("payer") or who,
            "amount": amount, "description": row.get("outcome"),
            "currency": row.get("currency"), "price_year": row.get("price_year")}  # fmt: skip


def _complete_lines(
    book: WorkbookMap, settings: Mapping[str, Any], defaults: dict[str, str]
) -> None:
    typed = book.headings.get(LINES.key, set())
    own: dict[str, Any] = {"unit": Unit.COUNT.value}
    if "duration" not in typed and "survival" not in typed:
        own["duration"] = 1
    for key in ("currency", "price_year"):
        if key not in typed:
            own[key] = settings.get(key)
    for number, row in enumerate(book.tables[LINES.key], start=1):
        if "id" not in typed:
            row.setdefault("id", f"ligne_{number}")
        for key, value in own.items():
            row.setdefault(key, value)
        if row.get("estimate") is not None:
            row["unit"] = Unit.SHARE.value
        _complete_ends(row, typed)
    defaults |= {key: str(value) for key, value in own.items() if key not in settings}
    if "kind" not in typed:
        defaults["kind"] = f"{LineKind.NON_MARKET.value}, {LineKind.AVOIDED_COST.value}"


def _complete_ends(row: dict[str, Any], typed: set[str]) -> None:
    """Say who gains: a payer would have paid; a body saves; a person gains what has no market."""
    who = _agent(row.get("stakeholder", ""))
    if "kind" not in typed:
        if row.get("payer") is not None and not row.get("receiver"):
            row["kind"] = LineKind.AVOIDED_COST.value
        elif who is not None and who not in PEOPLE:
            row["kind"] = LineKind.AVOIDED_COST.value
            row.setdefault("payer", who.value)
        else:
            row["kind"] = LineKind.NON_MARKET.value
    if "receiver" not in typed and _kind(row.get("kind", "")) in _GAINS:
        row.setdefault("receiver", (who or Agent.BENEFICIARY).value)


def _complete_inputs(
    book: WorkbookMap, settings: Mapping[str, Any], defaults: dict[str, str]
) -> None:
    typed = book.headings.get(INPUTS.key, set())
    for number, row in enumerate(book.tables.get(INPUTS.key, ()), start=1):
        if "id" not in typed and not row.get("id"):
            row["id"] = f"depense_{number}"
        for key in ("currency", "price_year"):
            if key not in typed and row.get(key) is None:
                row[key] = settings.get(key)
        if "payer" not in typed and row.get("payer") is None:
            row["payer"] = row.get("stakeholder")
        if "stakeholder" not in typed and row.get("stakeholder") is None:
            row["stakeholder"] = row.get("payer")
