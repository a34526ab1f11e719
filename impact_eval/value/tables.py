"""Tables and figure data of an account: plain frames whose columns and cells are codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.value.account import Account
from impact_eval.value.cea import Acceptability
from impact_eval.value.flows import unit_flows
from impact_eval.value.guards import guard_statuses
from impact_eval.value.prices import ZERO, less, total
from impact_eval.value.sensitivity import Bar, Variant
from impact_eval.value.vocabulary import Agent


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float, Decimal)) else None


def value_map_table(account: Account) -> pd.DataFrame:
    """Return one row by line, with the columns of the standard value map.

    Returns
    -------
    DataFrame
        `line, stakeholder, outcome, indicator, source, quantity, quantity_low, quantity_high, unit,
        unit_value, deadweight, displacement, attribution, drop_off, start, duration, impact,
        present, share, counterfactual, included`. `deadweight` is the one that the effect implies
        where it comes from a comparison (`source` is `estimate`).
    """
    whole = total(abs(v.present) for v in account.lines if v.included)
    rows = []
    for line, value in zip(account.value_map.lines, account.lines, strict=True):
        implied = value.quantity.deadweight
        stated = None if line.deadweight is None else float(line.deadweight.value)
        rows.append(
            {
                "line": line.id,
                "stakeholder": line.stakeholder,
                "outcome": line.outcome,
                "indicator": line.indicator,
                "source": value.quantity.source.value,
                "quantity": float(value.quantity.value),
                "quantity_low": value.quantity.conf_low,
                "quantity_high": value.quantity.conf_high,
                "unit": value.quantity.unit.value,
                "unit_value": float(value.unit_value),
                "deadweight": stated if isinstance(implied, NotApplicable) else implied.value,
                "displacement": _share(line.displacement),
                "attribution": _share(line.attribution),
                "drop_off": _share(line.drop_off),
                "start": line.start,
                "duration": _number(line.duration),
                "impact": float(value.impact),
                "present": float(value.present),
                "share": float(abs(value.present) / whole) if whole and value.included else 0.0,
                "counterfactual": value.quantity.counterfactual,
                "included": value.included,
            }
        )
    return pd.DataFrame(rows)


def _share(amount: Any) -> float | None:
    return None if amount is None else float(amount.value)


def account_matrix(account: Account, *, present: bool = True) -> pd.DataFrame:
    """Return the account of each agent (rows) by year (columns), exact amounts, with its total.

    Returns
    -------
    DataFrame
        Index: agent codes in their usual order, then `social`. Columns: years from 0, then
        `total`. Cells are Decimal; every column adds up to its `social` row.
    """
    cells = account.matrix(present=present)
    agents = [agent for agent in Agent if any(who is agent for who, _ in cells)]
    years = sorted({year for _, year in cells})
    rows = {agent.value: [cells.get((agent, year), ZERO) for year in years] for agent in agents}
    rows["social"] = [total(rows[a.value][k] for a in agents) for k in range(len(years))]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=years, dtype=object)
    frame["total"] = pd.Series({name: total(values) for name, values in rows.items()}, dtype=object)
    frame.index.name = "agent"
    return frame


def flow_table(account: Account) -> pd.DataFrame:
    """Return one row by flow."""
    names = [f.name for f in fields(account.flows[0])] if account.flows else []
    return pd.DataFrame([{n: getattr(flow, n) for n in names} for flow in account.flows])


def avoided_table(account: Account) -> pd.DataFrame:
    """Return avoided costs in three columns (`social`, `cashable`, `released`), with the payer."""
    columns = ["line", "payer", "social", "cashable", "released"]
    rows = [
        [a.line, a.payer.value, float(a.social), float(a.cashable), float(a.released)]
        for a in account.avoided
    ]
    return pd.DataFrame(rows, columns=columns)


def who_pays_who_gains(account: Account) -> pd.DataFrame:
    """Return, by agent, what it puts in, what outcomes bring it, and the net, as present values."""
    rows = []
    for agent in Agent:
        put_in = [f for f in account.counted if f.is_input and f.payer is agent]
        inputs = total(f.present for f in put_in)
        gains = total(f.for_agent(agent) * f.present for f in account.counted if f not in put_in)
        if inputs or gains:
            rows.append([agent.value, float(inputs), float(gains), float(less(gains, inputs))])
    return pd.DataFrame(rows, columns=["agent", "paid", "gained", "net"])


def cumulative_by_year(account: Account, perspective: str | None = None) -> pd.DataFrame:
    """Return value by year, plain and discounted, and the discounted total net of the inputs."""
    read = account.sroi(perspective)
    years = range(0, max(account.horizon, 1) + 1)
    frame = pd.DataFrame(
        {
            "year": list(years),
            "value": [float(read.by_year.get(y, ZERO)) for y in years],
            "present": [float(read.present_by_year.get(y, ZERO)) for y in years],
        }
    )
    frame["cumulative_net"] = frame["present"].cumsum() - float(read.costs)
    return frame


def tornado_data(bars: Sequence[Bar], most: int = 12) -> pd.DataFrame:
    """Return the widest bars of a tornado, widest first."""
    columns = [f.name for f in fields(Bar)]
    rows = [[getattr(bar, c) for c in columns] for bar in bars[:most]]
    frame = pd.DataFrame(rows, columns=columns)
    frame["width"] = (frame["net_high"] - frame["net_low"]).abs()
    return frame


def sensitivity_table(variants: Sequence[Variant]) -> pd.DataFrame:
    """Return one row by variant: what changed, to which value, net value and ratio."""
    return pd.DataFrame(
        [[v.what, v.value, float(v.net), _number(v.ratio)] for v in variants],
        columns=["what", "value", "net", "ratio"],
    )


def acceptability_data(curve: Acceptability) -> pd.DataFrame:
    """Return acceptability curves in long form: `value, option, chance, preferred`."""
    rows = [
        [float(value), name, float(curve.chances[k, d]), bool(curve.preferred[k] == d)]
        for k, value in enumerate(curve.values)
        for d, name in enumerate(curve.names)
    ]
    return pd.DataFrame(rows, columns=["value", "option", "chance", "preferred"])


def guard_table(account: Account) -> pd.DataFrame:
    """Return the log of the guards: `guard, status, lines`."""
    return pd.DataFrame(
        [[s.guard, s.status, list(s.lines)] for s in guard_statuses(account)],
        columns=["guard", "status", "lines"],
    )


def dropped_table(account: Account) -> pd.DataFrame:
    """Return what is not in the total: lines left out with their share, and outcomes not valued."""
    left = [f for f in account.findings if f.code == "outcome_left_out"]
    rows = [_left_out(f) for f in left]
    rows += [[d.outcome, d.reason, None, None] for d in account.value_map.dropped]
    rows += [[n.outcome, n.note, None, None] for n in account.value_map.not_monetised]
    return pd.DataFrame(rows, columns=["outcome", "reason", "present", "share"])


def _left_out(finding: Finding) -> list[Any]:
    values = finding.values
    return [values["line"], values["reason"], values["amount"], values["share"]]


def draws_histogram(values: np.ndarray, bins: int = 60) -> pd.DataFrame:
    """Return a histogram of draws (`low, high, count`), from the 0.5th to the 99.5th percentile."""
    low, high = np.quantile(values, [0.005, 0.995])
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": counts})


def unit_flow_table(account: Account) -> pd.DataFrame:
    """Return the flows that one unit of each line moves."""
    rows = [
        [line.id, f.name, f.kind.value, f.payer and f.payer.value,
         f.receiver and f.receiver.value, float(f.amount.value)]
        for line in account.value_map.lines
        for f in unit_flows(line)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["line", "name", "kind", "payer", "receiver", "amount"])
