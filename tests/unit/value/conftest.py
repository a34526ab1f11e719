"""Estimates and maps that the tests of the value floor share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impact_eval.core.estimate import Estimate, Influence, MethodRecord, wald_effect
from impact_eval.value import Account, ValueMap

HERE = Path(__file__).parent


def estimate_of(
    outcome: str,
    rows: list[tuple[str, float | None, float, float]],
    *,
    counterfactual: bool = True,
    details: dict[str, Any] | None = None,
    influence: np.ndarray | None = None,
    df: float | None = None,
) -> Estimate:
    """Rows are (term, time, estimate, std_error)."""
    effects = tuple(
        wald_effect(
            outcome=outcome, estimand="att", term=term, time=time, estimate=b, std_error=se, df=df
        )
        for term, time, b, se in rows
    )
    return Estimate(
        outcome=outcome,
        estimand="att",
        method=MethodRecord("did" if counterfactual else "before_after"),
        effects=effects,
        covariance=np.diag([se**2 for *_, se in rows]),
        counterfactual=counterfactual,
        details=details or {},
        influence=None
        if influence is None
        else Influence(influence, np.arange(len(influence)).astype(str)),
    )


@pytest.fixture
def make_estimate() -> Callable[..., Estimate]:
    return estimate_of


@pytest.fixture
def employment() -> Estimate:
    return estimate_of(
        "employment", [("att", None, 0.08, 0.03)], details={"treated_mean": 0.4, "unit": "share"}
    )


@pytest.fixture
def insertion_map() -> ValueMap:
    return ValueMap.read(HERE / "insertion.toml")


@pytest.fixture
def wheels() -> ValueMap:
    return ValueMap.read(HERE / "wheels_to_meals.toml")


@pytest.fixture
def insertion(insertion_map: ValueMap, employment: Estimate) -> Account:
    return insertion_map.account({"employment": employment})


def tables(**changes: Any) -> dict[str, Any]:
    """Return the tables of a small valid map, some cells of its line or settings changed.

    A value of None removes the cell; `map__x` and `input__x` reach the other tables.
    """
    settings: dict[str, Any] = {
        "currency": "EUR", "price_year": 2025, "discount_rate": "3.2 %", "follow_up": 1,
    }  # fmt: skip
    inputs: dict[str, Any] = {
        "id": "grant", "stakeholder": "Département", "payer": "departement", "amount": 1000,
        "currency": "EUR", "price_year": 2025,
    }  # fmt: skip
    line: dict[str, Any] = {
        "id": "a", "stakeholder": "Personnes", "outcome": "Effet", "quantity": 10, "unit": "count",
        "kind": "resource_gain", "receiver": "beneficiary", "proxy": 100, "currency": "EUR",
        "price_year": 2025, "duration": 1, "deadweight": "50 %",
        "solidity": "measured",
    }  # fmt: skip
    extra: dict[str, Any] = {}
    for name, value in changes.items():
        table, key = line, name
        if name.startswith("map__"):
            table, key = settings, name[5:]
        elif name.startswith("input__"):
            table, key = inputs, name[7:]
        elif name in ("overrides", "correlations", "dropped", "not_monetised", "lines", "inputs"):
            table = extra
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    return {"map": settings, "inputs": [inputs], "lines": [line], **extra}


@pytest.fixture
def make_tables() -> Callable[..., dict[str, Any]]:
    return tables
