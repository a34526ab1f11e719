"""Accounts to and from JSON: exact amounts as text, arrays as lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.core.vocabulary import Unit
from impact_eval.value.account import Account
from impact_eval.value.flows import LineValue
from impact_eval.value.joint_effects import Deadweight
from impact_eval.value.ledger import Flow
from impact_eval.value.quantity import LineQuantity, Load, Quantities
from impact_eval.value.value_map import ValueMap
from impact_eval.value.vocabulary import Agent, FlowKind, QuantitySource

SCHEMA = "impact-eval/account/1"


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


def account_to_dict(account: Account) -> dict[str, Any]:
    """Return an account as JSON; see `Account.to_dict`."""
    quantities = account.quantities
    return {
        "schema": SCHEMA,
        "vintage": account.vintage,
        "value_map": account.value_map.to_dict(),
        "quantities": {
            "lines": [jsonable(q) for q in quantities.lines],
            "effects": list(quantities.effects),
            "values": quantities.values.tolist(),
            "covariance": quantities.covariance.tolist(),
            "df": list(quantities.df),
            "findings": [f.to_dict() for f in quantities.findings],
        },
        "lines": [
            {f.name: jsonable(getattr(line, f.name)) for f in fields(line) if f.name != "quantity"}
            for line in account.lines
        ],
        "flows": [jsonable(flow) for flow in account.flows],
        "balance": jsonable(account.balance),
        "perspectives": jsonable(account.perspectives),
        "sroi": jsonable(account.sroi()),
        "avoided": jsonable(account.avoided),
        "projected_share": jsonable(account.projected_share),
        "findings": [f.to_dict() for f in account.findings],
        "tested": list(account.tested),
    }


def account_from_dict(data: Mapping[str, Any]) -> Account:
    """Read back what `account_to_dict` wrote: the same flows, to the last digit."""
    stored = data["quantities"]
    size = len(stored["effects"])
    lines = tuple(_quantity(row) for row in stored["lines"])
    quantities = Quantities(
        lines=lines,
        effects=tuple(stored["effects"]),
        values=np.array(stored["values"], dtype=np.float64),
        covariance=np.array(stored["covariance"], dtype=np.float64).reshape(size, size),
        df=tuple(stored["df"]),
        findings=tuple(Finding.from_dict(f) for f in stored["findings"]),
    )
    return Account(
        value_map=ValueMap.from_dict(data["value_map"]),
        quantities=quantities,
        lines=tuple(_line(row, quantities.of(row["line"])) for row in data["lines"]),
        flows=tuple(_flow(row) for row in data["flows"]),
        findings=tuple(Finding.from_dict(f) for f in data["findings"]),
        tested=tuple(data["tested"]),
    )


def _quantity(row: Mapping[str, Any]) -> LineQuantity:
    told = row["deadweight"]
    if "not_applicable" in told:
        deadweight: Deadweight | NotApplicable = NotApplicable(
            told["not_applicable"], told["values"]
        )
    else:
        deadweight = Deadweight(**told)
    return LineQuantity(
        line=row["line"],
        source=QuantitySource(row["source"]),
        counterfactual=row["counterfactual"],
        unit=Unit(row["unit"]),
        value=Decimal(row["value"]),
        profile=tuple(Decimal(v) for v in row["profile"]),
        loads=tuple(
            Load(effect=v["effect"], weight=Decimal(v["weight"]), offset=v["offset"])
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
    amounts = {name: Decimal(row[name]) for name in _AMOUNTS}
    return LineValue(line=row["line"], quantity=quantity, included=row["included"], **amounts)


def _flow(row: Mapping[str, Any]) -> Flow:
    return Flow(
        line=row["line"],
        name=row["name"],
        kind=FlowKind(row["kind"]),
        payer=Agent(row["payer"]) if row["payer"] else None,
        receiver=Agent(row["receiver"]) if row["receiver"] else None,
        year=row["year"],
        amount=Decimal(row["amount"]),
        present=Decimal(row["present"]),
        cashable=None if row["cashable"] is None else Decimal(row["cashable"]),
        avoided=row["avoided"],
        included=row["included"],
        is_input=row["is_input"],
    )
