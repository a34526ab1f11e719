"""Accounts to and from JSON: exact amounts as text, arrays as lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.core.vocabulary import Unit
from impact_eval.value.account import books as read
from impact_eval.value.account.books import Books
from impact_eval.value.account.deadweight import Deadweight
from impact_eval.value.account.effect_bounds import PrintedInterval, wald_bounds
from impact_eval.value.account.flow_ledger import Flow
from impact_eval.value.account.line_flows import LineValue
from impact_eval.value.account.quantity import LineQuantity, Quantities
from impact_eval.value.account.quantity_error import Load
from impact_eval.value.map.choices import Agent, FlowKind, QuantitySource
from impact_eval.value.map.declared import MapContent
from impact_eval.value.map.map_files import (
    tables_of_record,
    tables_of_value_map,
    value_map_of_tables,
)

SCHEMA = "impact-eval/account/1"
_IN_MEMORY = ("observed",)
# what travels of a place: a sheet and a cell are told to whoever holds the workbook
_OF_PLACE = ("file", "column", "row", "key")


def jsonable(value: Any) -> Any:
    """Return any record of this floor as JSON: records as tables, amounts as exact text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value.value if isinstance(value, StrEnum) else value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        if np.isinf(value):
            return "infinity" if value > 0 else "-infinity"  # JSON has no infinite number
        return None if np.isnan(value) else value
    if isinstance(value, (NotApplicable, Finding)):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(jsonable(key)): jsonable(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, np.ndarray)):
        return [jsonable(item) for item in value]
    return {f.name: jsonable(getattr(value, f.name)) for f in fields(value)}


def account_to_dict(account: Books, *, whole: bool = False) -> dict[str, Any]:
    """Return an account as JSON; see `Account.to_dict`.

    Parameters
    ----------
    account : Books
    whole : bool
        Every key, null where nothing is stated, as the typed record of `results.json` wants it.
    """
    quantities = account.quantities
    return {
        "schema": SCHEMA,
        "vintage": read.vintage_of(account),
        "value_map": tables_of_value_map(account.value_map, whole=whole),
        "quantities": {
            "lines": [_without(q, _IN_MEMORY) for q in quantities.lines],
            "effects": list(quantities.effects),
            "values": quantities.values.tolist(),
            "covariance": quantities.covariance.tolist(),
            "df": list(quantities.df),
            "bounds": [jsonable(bounds) for bounds in quantities.bounds],
            "findings": findings_to_dicts(quantities.findings, whole=whole),
        },
        "lines": [_without(line, ("quantity",)) for line in account.lines],
        "flows": [jsonable(flow) for flow in account.flows],
        "balance": jsonable(read.balance_of_books(account)),
        "perspectives": jsonable(read.perspectives_of(account)),
        "sroi": jsonable(read.sroi_of(account)),
        "avoided": jsonable(read.avoided_of(account)),
        "projected_share": jsonable(read.projected_share(account)),
        "findings": findings_to_dicts(account.findings, whole=whole),
        "tested": list(account.tested),
    }


def _without(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return a record as JSON but for some of its fields."""
    return {
        f.name: jsonable(getattr(record, f.name)) for f in fields(record) if f.name not in names
    }


def findings_to_dicts(findings: Sequence[Finding], *, whole: bool) -> list[dict[str, Any]]:
    """Return findings as JSON, with an empty place where there is none when `whole`."""
    rows = [finding.to_dict() for finding in findings]
    if not whole:
        return rows
    places = [
        None if f.place is None else {name: getattr(f.place, name) for name in _OF_PLACE}
        for f in findings
    ]
    return [{**row, "place": place} for row, place in zip(rows, places, strict=True)]


def books_from_dict(data: Mapping[str, Any]) -> Books:
    """Read back what `account_to_dict` wrote: the same flows, to the last digit.

    Raises
    ------
    ImpactEvalError
        `account_withheld` when an amount was withheld: an account with a hole adds up to nothing.
    """
    stored = data["quantities"]
    size = len(stored["effects"])
    lines = tuple(_quantity(row) for row in stored["lines"])
    quantities = Quantities(
        lines=lines,
        effects=tuple(stored["effects"]),
        values=np.array([_kept(v) for v in stored["values"]], dtype=np.float64),
        covariance=np.array(
            [[_kept(v) for v in row] for row in stored["covariance"]], dtype=np.float64
        ).reshape(size, size),
        df=tuple(stored["df"]),
        bounds=_bounds(stored),
        findings=tuple(Finding.from_dict(f) for f in stored["findings"]),
    )
    return Books(
        value_map=value_map_of_tables(tables_of_record(data["value_map"]), MapContent),
        quantities=quantities,
        lines=tuple(_line(row, quantities.of(row["line"])) for row in data["lines"]),
        flows=tuple(_flow(row) for row in data["flows"]),
        findings=tuple(Finding.from_dict(f) for f in data["findings"]),
        tested=tuple(data["tested"]),
    )


def _bounds(stored: Mapping[str, Any]) -> tuple[PrintedInterval | None, ...]:
    """Return the printed intervals; an account written before they were kept has the textbook's."""
    rows = stored.get("bounds")
    if rows is None or len(rows) != len(stored["effects"]):
        cells = zip(stored["values"], np.diag(stored["covariance"]), stored["df"], strict=True)
        return tuple(wald_bounds(_kept(v), _kept(c) ** 0.5, df) for v, c, df in cells)
    return tuple(
        None if row is None or row["low"] is None else PrintedInterval(**row) for row in rows
    )


def _kept(value: Any) -> Any:
    """Refuse an empty place where an amount must be."""
    if value is None:
        raise ImpactEvalError(Finding.error("account_withheld"))
    return value


def _exact(value: str | None) -> Decimal:
    return Decimal(_kept(value))


def _quantity(row: Mapping[str, Any]) -> LineQuantity:
    told = row["deadweight"]
    if "not_applicable" in told:
        deadweight: Deadweight | NotApplicable = NotApplicable(
            told["not_applicable"], told["values"]
        )
    else:
        deadweight = Deadweight(**{**told, "value": _kept(told["value"])})
    return LineQuantity(
        line=row["line"],
        source=QuantitySource(row["source"]),
        counterfactual=row["counterfactual"],
        unit=Unit(row["unit"]),
        value=_exact(row["value"]),
        profile=tuple(_exact(v) for v in row["profile"]),
        loads=tuple(
            Load(effect=v["effect"], weight=_exact(v["weight"]), offset=v["offset"])
            for v in row["loads"]
        ),
        divisor=row["divisor"],
        std_error=row["std_error"],
        conf_low=row["conf_low"],
        conf_high=row["conf_high"],
        deadweight=deadweight,
    )


_AMOUNTS = ("unit_value", "keep", "impact", "value", "present", "observed")


def _line(row: Mapping[str, Any], quantity: LineQuantity) -> LineValue:
    amounts = {name: _exact(row[name]) for name in _AMOUNTS}
    return LineValue(line=row["line"], quantity=quantity, included=row["included"], **amounts)


def _flow(row: Mapping[str, Any]) -> Flow:
    return Flow(
        line=row["line"],
        name=row["name"],
        kind=FlowKind(row["kind"]),
        payer=Agent(row["payer"]) if row["payer"] else None,
        receiver=Agent(row["receiver"]) if row["receiver"] else None,
        year=row["year"],
        amount=_exact(row["amount"]),
        present=_exact(row["present"]),
        cashable=None if row["cashable"] is None else Decimal(row["cashable"]),
        avoided=row["avoided"],
        included=row["included"],
        is_input=row["is_input"],
    )
