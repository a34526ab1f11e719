"""A map on one sheet, of ours or of another layout: what its columns do not hold, told.

Social Value UK's map and the French guides have no column for the nature of a value, its unit, its
receiver or the year of its prices. Where a *column* is absent, a stated default stands in, named in
a finding; a cell left empty under a column is a fault, as everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Any

from impact_eval.core.findings import Finding, Place
from impact_eval.core.vocabulary import Unit
from impact_eval.value.map.choices import PEOPLE, Agent, LineKind
from impact_eval.value.map.columns import INPUTS, LINES, SETTINGS, choice
from impact_eval.value.map.declared_cells import Amount, folded, read_amount
from impact_eval.value.map.map_headings import INPUT_AMOUNT, INPUT_TEXT, PROXY_TEXT
from impact_eval.value.map.map_workbook import Origin, WorkbookMap
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.prices import exact
from impact_eval.value.map.typed_numbers import CellFault, typed_text

_COSTS = frozenset({"cout", "couts", "depense", "depenses", "charge", "charges", "ressource",
                    "ressources", "cost", "costs", "input", "inputs", "expense", "subvention",
                    "subventions", "financement", "financements", "budget", "funding", "grant",
                    "grants", "argent"})  # fmt: skip
_OURS = frozenset({"id", "unit"})  # columns that a sheet of ours has, and others seldom do
_GAINS = (LineKind.NON_MARKET, LineKind.RESOURCE_GAIN)
_RATES: Mapping[str, str] = MappingProxyType({"EUR": "0.032", "GBP": "0.035"})


def complete_sheets(book: WorkbookMap) -> None:
    """Fill what the columns of a workbook leave out, and tell each default once."""
    lines, costs = book.tables.setdefault(LINES.key, []), book.tables.get(INPUTS.key)
    if not lines and not costs:
        return
    simple = not book.headings.get(LINES.key, set()) >= _OURS
    if simple:
        _move_costs(book)
    defaults: list[str] = []
    settings = _complete_settings(book, defaults)
    if simple:
        _complete_lines(book, settings, defaults)
    if simple or (costs and "id" not in book.headings.get(INPUTS.key, set())):
        _complete_inputs(book, settings)
    if defaults:
        told = tuple(dict.fromkeys(defaults))
        book.said.add(Finding.warning("map_defaults", Place(file=book.file), pairs=told))


def _complete_settings(book: WorkbookMap, defaults: list[str]) -> dict[str, Any]:
    """State the currency, the year of prices and the rate of a workbook with no settings."""
    if SETTINGS.key in book.tables:
        return dict(book.tables[SETTINGS.key])
    currency = "GBP" if book.pounds else "EUR"
    index = catalogue().indices["fr_cpi"].values
    own = {"currency": currency, "price_year": max(index), "discount_rate": _RATES[currency]}
    book.tables[SETTINGS.key] = own
    defaults += [f"{key}={value}" for key, value in own.items()]
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
        put_in = is_cost_row(row)
        if put_in:
            cost, amount = _cost_of(row)
            who = "payer" if row.get("payer") else "stakeholder"
            own = {"amount": amount, "description": "outcome", "payer": who}
        elif beside[INPUT_AMOUNT] is not None:
            cost = {"stakeholder": row.get("stakeholder"), "payer": row.get("stakeholder"),
                    "amount": beside[INPUT_AMOUNT], "description": beside[INPUT_TEXT]}  # fmt: skip
            own = {"amount": INPUT_AMOUNT, "description": INPUT_TEXT, "payer": "stakeholder"}
        else:
            cost, own = {}, {}
        if cost:
            costs.append(cost)
            origins[(INPUTS.key, len(costs))] = _at_cells(place, own)
        if put_in:
            continue
        if set(row) - {"id", "stakeholder"}:
            kept.append(row)
            places.append(place)
    for key in [key for key in origins if key[0] == LINES.key]:
        del origins[key]
    origins |= {(LINES.key, n): place for n, place in enumerate(places, start=1)}
    book.tables[LINES.key] = kept


def is_cost_row(row: Mapping[str, Any]) -> bool:
    """Whether a line is a cost put in: « coût », or « charges de personnel » and no count."""
    said = folded(row.get("kind", ""))
    if said in _COSTS:
        return True
    counted = row.get("quantity") is not None or row.get("estimate") is not None
    first = said.partition(" ")[0]
    return not counted and first in _COSTS and _kind(said) is LineKind.RESOURCE_COST


def _at_cells(place: Origin, own: Mapping[str, str]) -> Origin:
    """Return where a row stands, each of these columns in the cell that it was taken from."""
    cells = {key: place.columns[source] for key, source in own.items() if source in place.columns}
    return replace(place, columns={**place.columns, **cells})


def _cost_of(row: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the cost that a line is, and the column that holds its amount."""
    amount, column = _cost_amount(row)
    who = row.get("stakeholder")
    cost = {"id": row.get("id"), "stakeholder": who, "payer": row.get("payer") or who,
            "amount": amount, "description": row.get("outcome"),
            "currency": row.get("currency"), "price_year": row.get("price_year")}  # fmt: skip
    return cost, column


def _cost_amount(row: Mapping[str, Any]) -> tuple[Any, str]:
    """Return a price, times how many of them there are; a cell that is no number, as it is."""
    many, each = row.get("quantity"), row.get("proxy")
    if many is None or each is None:
        return each, "proxy"
    read = []
    for key in ("quantity", "proxy"):
        try:
            read.append(read_amount(row[key]))
        except CellFault:  # its column says what is wrong with it
            return row[key], key
    return _times(*read), "proxy"


def _times(one: Amount, other: Amount) -> Amount:
    """Return the product of two amounts; of two intervals, from end to end."""
    ends = [(a.value if a.low is None else a.low, a.value if a.high is None else a.high)
            for a in (one, other)]  # fmt: skip
    with exact():
        value = one.value * other.value
        corners = [a * b for a in ends[0] for b in ends[1]]
    law = one.law or other.law
    if law is None:
        return Amount(value=value)
    return Amount(value=value, low=min(corners), high=max(corners), law=law)


def _complete_lines(book: WorkbookMap, settings: Mapping[str, Any], defaults: list[str]) -> None:
    typed = book.headings.get(LINES.key, set())
    if "id" not in typed:
        _name_rows(book.tables[LINES.key], ("outcome", "stakeholder"), "ligne", set())
    own = {key: settings.get(key) for key in ("currency", "price_year") if key not in typed}
    timed = "duration" in typed or "survival" in typed
    for number, row in enumerate(book.tables[LINES.key], start=1):
        for key, value in own.items():
            row.setdefault(key, value)
        unit = Unit.COUNT if row.get("estimate") is None else Unit.SHARE
        if "unit" not in typed:
            row["unit"] = unit.value
            defaults.append(f"unit_{unit.value}={unit.value}")
        if not timed:
            row["duration"] = 1
            defaults.append("duration=1")
        if "unit" not in typed and unit is Unit.SHARE:
            at = book.origins[(LINES.key, number)]
            book.origins[(LINES.key, number)] = _at_cells(at, {"unit": "estimate"})
        _complete_ends(row, typed, defaults)


def _name_rows(
    rows: Sequence[dict[str, Any]], keys: Sequence[str], noun: str, taken: set[str]
) -> None:
    """Name each row that has no identifier by its own words: it is told under that name.

    Rows of the same words are told apart by whom they are about, then by their rank.
    """
    said = [tuple(typed_text(row[key]) for key in keys if row.get(key)) for row in rows]
    alike = Counter(words[0] for words in said if words)
    taken |= {str(row["id"]) for row in rows if row.get("id")}
    for number, (row, words) in enumerate(zip(rows, said, strict=True), start=1):
        if row.get("id"):
            continue
        name = words[0] if words else f"{noun}_{number}"
        if len(words) > 1 and (alike[name] > 1 or name in taken):
            name = f"{name} ({words[1]})"
        ranked = (f"{name} ({rank})" for rank in count(2))
        row["id"] = name if name not in taken else next(n for n in ranked if n not in taken)
        taken.add(row["id"])


def _complete_ends(row: dict[str, Any], typed: set[str], defaults: list[str]) -> None:
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
        defaults.append(f"kind={row['kind']}")
    if "receiver" not in typed and _kind(row.get("kind", "")) in _GAINS:
        row["receiver"] = (who or Agent.BENEFICIARY).value
        if who is None:  # « les jeunes du quartier » are nobody's name: the people accompanied
            defaults.append(f"receiver={row['receiver']}")


def _complete_inputs(book: WorkbookMap, settings: Mapping[str, Any]) -> None:
    typed, rows = book.headings.get(INPUTS.key, set()), book.tables.get(INPUTS.key, ())
    if "id" not in typed:
        taken = {str(row["id"]) for row in book.tables[LINES.key] if row.get("id")}
        _name_rows(rows, ("description", "stakeholder", "payer"), "depense", taken)
    for row in rows:
        for key in ("currency", "price_year"):
            if key not in typed and row.get(key) is None:
                row[key] = settings.get(key)
        if "payer" not in typed and row.get("payer") is None:
            row["payer"] = row.get("stakeholder")
        if "stakeholder" not in typed and row.get("stakeholder") is None:
            row["stakeholder"] = row.get("payer")
