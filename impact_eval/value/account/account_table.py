"""The value map of an account as a plain frame whose columns and cells are codes."""

from __future__ import annotations

import pandas as pd

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.books import Books
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.prices import total


def value_map_table(account: Books) -> pd.DataFrame:
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
        stated = _share(line.adjustments.deadweight)
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
                "displacement": _share(line.adjustments.displacement),
                "attribution": _share(line.adjustments.attribution),
                "drop_off": _share(line.timing.drop_off),
                "start": line.timing.start,
                "duration": None if line.timing.duration is None else float(line.timing.duration),
                "impact": float(value.impact),
                "present": float(value.present),
                "share": float(abs(value.present) / whole) if whole and value.included else 0.0,
                "counterfactual": value.quantity.counterfactual,
                "included": value.included,
            }
        )
    return pd.DataFrame(rows)


def _share(amount: Amount | None) -> float | None:
    return None if amount is None else float(amount.value)
