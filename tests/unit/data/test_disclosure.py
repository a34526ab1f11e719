"""The gate: an attacker who knows all that is published cannot compute a withheld count back."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, milp

from impact_eval.data.disclosure import (
    Gate,
    Suppression,
    attacker_bounds,
    protect,
    table_equations,
    without_extremes,
)

K = 11


def integer_attack(
    counts: NDArray[np.float64],
    withheld: NDArray[np.bool_],
    equations: NDArray[np.float64],
    at: int,
) -> tuple[float, float]:
    """Least and greatest whole number a withheld cell can be: an attack by integer programming."""
    low = np.where(withheld, 0.0, counts)
    high = np.where(withheld, np.inf, counts)
    from scipy.optimize import Bounds

    ends = []
    for sign in (1.0, -1.0):
        goal = np.zeros(counts.size)
        goal[at] = sign
        rules = [LinearConstraint(equations, 0, 0)] if len(equations) else []
        found = milp(goal, constraints=rules, bounds=Bounds(low, high), integrality=1)
        ends.append(sign * found.fun if found.success else np.inf)
    return ends[0], ends[1]


def extended(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """A two-way table with its totals."""
    table = counts.astype(float)
    table = np.vstack([table, table.sum(axis=0)])
    return np.hstack([table, table.sum(axis=1, keepdims=True)])


tables = st.integers(1, 4).flatmap(
    lambda r: st.integers(1, 4).flatmap(
        lambda c: st.lists(
            st.lists(st.integers(0, 40), min_size=c, max_size=c), min_size=r, max_size=r
        )
    )
)


@settings(max_examples=60, deadline=None)
@given(tables)
def test_no_withheld_cell_of_a_table_can_be_computed_back(rows: list[list[int]]) -> None:
    table = extended(np.array(rows))
    gate = Gate(K)
    found = gate.table(table, total_row=True, total_column=True)
    equations = table_equations(*table.shape, total_row=True, total_column=True)
    cells = table.ravel()
    published = cells[~found.withheld]
    assert not ((published > 0) & (published < K)).any()
    for at in np.flatnonzero(found.withheld):
        low, high = integer_attack(cells, found.withheld, equations, int(at))
        assert low <= cells[at] <= high
        assert high - low >= K


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_no_withheld_count_of_a_list_with_its_total_can_be_computed_back(counts: list[int]) -> None:
    marks = Gate(K).list_of_counts(counts, total=sum(counts))
    hidden = [n for n, mark in zip(counts, marks, strict=False) if mark]
    published = [n for n, mark in zip([*counts, sum(counts)], marks, strict=True) if not mark]
    assert not any(0 < n < K for n in published)
    if hidden and not marks[-1]:
        assert len(hidden) >= 2
        assert sum(hidden) >= K


def with_totals(rows: list[list[int]]) -> Suppression:
    return Gate(K).table(extended(np.array(rows)), total_row=True, total_column=True)


def test_a_table_with_nothing_small_is_published_whole() -> None:
    found = Gate(K).table(
        extended(np.array([[20, 30], [40, 50]])), total_row=True, total_column=True
    )
    assert not found.withheld.any()


def test_the_classic_two_by_two() -> None:
    # one small cell: its row, its column and the cell across must go too
    found = Gate(K).table(
        extended(np.array([[3, 20], [30, 40]])), total_row=True, total_column=True
    )
    assert found.withheld.reshape(3, 3)[:2, :2].all()


def test_without_totals_only_small_cells_go() -> None:
    found = protect(np.array([3.0, 20.0, 0.0]), np.zeros((0, 3)), threshold=K)
    assert found.withheld.tolist() == [True, False, False]


def test_bounds_agree_with_the_integer_attack() -> None:
    rng = np.random.default_rng(3)
    table = extended(rng.poisson(9, (3, 3)))
    equations = table_equations(4, 4, total_row=True, total_column=True)
    hidden = rng.random(16) < 0.5
    for at in np.flatnonzero(hidden):
        relaxed = attacker_bounds(table.ravel(), hidden, equations, int(at))
        whole = integer_attack(table.ravel(), hidden, equations, int(at))
        # transportation matrices are totally unimodular: both answers are the same
        assert relaxed == pytest.approx(whole, abs=1e-6)


def test_a_threshold_of_one_lets_everything_through() -> None:
    gate = Gate(1)
    assert not gate.small(1)
    assert not any(gate.list_of_counts([1, 2, 3], total=6))


def test_extremes_go_at_every_depth() -> None:
    data = {"a": [{"min": 1, "mean": 2, "deep": {"maximum": 3, "n": 4}}]}
    assert without_extremes(data) == {"a": [{"mean": 2, "deep": {"n": 4}}]}


# ------------------------------------------------------------------ results


def row(n_treated: int, **more: Any) -> dict[str, Any]:
    return {
        "estimate": 1.5,
        "std_error": 0.5,
        "conf_low": 0.5,
        "conf_high": 2.5,
        "p_value": 0.01,
        "statistic": 3.0,
        "df": None,
        "n_treated": n_treated,
        "n_comparison": 50,
        **more,
    }


def results_with(
    *rows: dict[str, Any], scores: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    size = len(rows)
    estimate = {"effects": list(rows), "covariance": [[1.0] * size for _ in rows], "details": {}}
    record = {
        "outcome": "y",
        "role": "cells",
        "estimate": estimate,
        "bands": [{"key": str(i), "conf_low": 0.0, "conf_high": 3.0} for i in range(size)],
    }
    return {"estimates": [record], "scores": scores or [], "data": {}, "checks": []}


def test_an_effect_on_few_people_is_withheld_with_its_interval() -> None:
    content = Gate(K).results(results_with(row(4), row(30), row(40))).results
    record = content["estimates"][0]
    hidden = [r["estimate"] is None for r in record["estimate"]["effects"]]
    assert hidden == [True, True, False]  # a second one, or the aggregate would give it away
    assert record["estimate"]["effects"][0]["n_treated"] is None
    assert record["estimate"]["covariance"][0] == [None] * 3
    assert record["bands"][0]["conf_low"] is None
    assert content["disclosure"]["log"] == [
        {"place": "estimates.y.cells", "primary": 1, "secondary": 1}
    ]


def test_results_are_not_changed_in_place() -> None:
    before = results_with(row(4), row(30))
    kept = copy.deepcopy(before)
    Gate(K).results(before)
    assert before == kept


score_counts = st.lists(st.integers(0, 30), min_size=3, max_size=6)


@settings(max_examples=80, deadline=None)
@given(score_counts, st.data())
def test_no_small_count_leaves_in_scores(before: list[int], data: st.DataObject) -> None:
    size = len(before)
    after = data.draw(st.lists(st.integers(0, 30), min_size=size, max_size=size))
    score = {
        "instrument": "x",
        "people": dict(zip(("improved", "stable", "worsened"), before, strict=False)),
        "categories": [str(i) for i in range(size)],
        "items": [{"label": "q", "before": before, "after": after}],
        "bins": [
            {"low": i, "high": i + 1, "before": b, "after": a}
            for i, (b, a) in enumerate(zip(before, after, strict=True))
        ],
    }
    out = Gate(K).results(results_with(row(30), scores=[score])).results["scores"][0]
    counts = [*out["people"].values()]
    counts += [n for item in out["items"] for wave in ("before", "after") for n in item[wave]]
    counts += [b[wave] for b in out["bins"] for wave in ("before", "after")]
    assert not any(n is not None and 0 < n < K for n in counts)
    if out["items"]:
        assert len(out["items"][0]["before"]) == len(out["categories"])
    if out["bins"]:
        assert sum(b["before"] for b in out["bins"]) == sum(before)
    json.dumps(out)


def test_the_log_adds_up_over_two_passes() -> None:
    gate = Gate(K)
    first = gate.results(results_with(row(4), row(30), row(40))).results
    again = gate.results(first).results
    assert again["disclosure"]["withheld"] == first["disclosure"]["withheld"]
