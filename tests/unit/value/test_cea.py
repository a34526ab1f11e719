"""Options held against each other from draws: closed forms, brute force, refusals in words."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from impact_eval.core.findings import ImpactEvalError
from impact_eval.value.cea import Acceptability, FrontierRow, acceptability, frontier
from impact_eval.value.uncertainty.information import evpi_normal

DRAWS = 200_000


def test_two_options_whose_difference_is_normal() -> None:
    """CEAC = Phi(mu/sigma) and EVPI = sigma phi(mu/sigma) - |mu| Phi(-|mu|/sigma)."""
    rng = np.random.default_rng(3)
    more, dearer = 2 + rng.standard_normal(DRAWS), 10 + 3 * rng.standard_normal(DRAWS)
    none = np.zeros(DRAWS)
    read = acceptability(
        ["none", "action"],
        np.column_stack([none, dearer]),
        np.column_stack([none, more]),
        [0.0, 4.0, 5.0, 9.0],
    )
    for k, value in enumerate([0.0, 4.0, 5.0, 9.0]):
        mean, sd = 2 * value - 10, math.hypot(value, 3)
        chance = float(special.ndtr(mean / sd))
        assert read.chances[k, 1] == pytest.approx(chance, abs=5 * 0.5 / DRAWS**0.5)
        assert read.evpi[k] == pytest.approx(evpi_normal(mean, sd), abs=5 * sd / DRAWS**0.5)
    assert read.frontier[0] == "none"
    assert read.frontier[3] == "action"
    assert read.frontier_chances[3] == read.chances[3, 1]


def test_the_best_on_average_is_not_always_the_likeliest() -> None:
    """A rare large gain: best by its mean, in one draw of ten."""
    effects = np.zeros((10, 2))
    effects[0, 1] = 100.0
    read = acceptability(["a", "b"], [[1.0, 2.0]] * 10, effects, [1.0])
    assert read.frontier == ("b",)
    assert read.chances.tolist() == [[0.9, 0.1]]
    assert read.frontier_chances.tolist() == [0.1]
    assert read.expected.tolist() == [[-1.0, 8.0]]
    assert read.evpi[0] == pytest.approx((98 - 9) / 10 - 8)


numbers = st.floats(-50, 50)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_acceptability_is_a_count_of_draws(data: st.DataObject) -> None:
    draws, options = data.draw(st.integers(1, 6)), data.draw(st.integers(2, 4))
    table = st.lists(
        st.lists(numbers, min_size=options, max_size=options), min_size=draws, max_size=draws
    )
    costs, effects = data.draw(table), data.draw(table)
    value = data.draw(st.floats(0, 20))
    names = [f"o{k}" for k in range(options)]
    read = acceptability(names, costs, effects, [value])
    wins = [0.0] * options
    best_known = 0.0
    for cost, effect in zip(costs, effects, strict=True):
        net = [value * e - c for c, e in zip(cost, effect, strict=True)]
        top = max(net)
        best_known += top / draws
        first = [k for k in range(options) if net[k] == top]
        for k in first:
            wins[k] += 1 / len(first) / draws
    means = [
        sum(value * e[k] - c[k] for c, e in zip(costs, effects, strict=True)) / draws
        for k in range(options)
    ]
    assert read.chances[0].tolist() == pytest.approx(wins)
    assert read.chances.sum() == pytest.approx(1)
    assert read.expected[0].tolist() == pytest.approx(means, abs=1e-9)
    assert read.evpi[0] == pytest.approx(max(best_known - max(means), 0), abs=1e-9)
    assert read.frontier[0] == names[int(np.argmax(read.expected[0]))]


GOOD: dict[str, Any] = {
    "names": ["a", "b"],
    "costs": [[1.0, 2.0], [1.0, 3.0]],
    "effects": [[0.0, 1.0], [0.0, 2.0]],
    "thresholds": [0.0, 10.0],
}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"names": ["a"], "costs": [[1.0]], "effects": [[0.0]]}, "options_too_few"),
        ({"names": ["a", "a"]}, "option_twice"),
        ({"names": ["a", "b", "c"]}, "option_draws_shape"),
        ({"costs": [[1.0, 2.0]]}, "option_draws_shape"),
        ({"costs": [[1.0, 2.0], [1.0]]}, "option_draws_shape"),
        ({"costs": [1.0, 2.0], "effects": [1.0, 2.0]}, "option_draws_shape"),
        ({"costs": np.zeros((0, 2)), "effects": np.zeros((0, 2))}, "option_draws_absent"),
        ({"costs": [[1.0, 2.0], [1.0, math.inf]]}, "option_draw_not_finite"),
        ({"effects": [[0.0, 1.0], [math.nan, 2.0]]}, "option_draw_not_finite"),
        ({"effects": [[0.0, "x"], [0.0, 2.0]]}, "option_draw_not_finite"),
        ({"costs": [[1.0, 10**400], [1.0, 2.0]]}, "option_draw_not_finite"),
        ({"thresholds": []}, "thresholds_absent"),
        ({"thresholds": 5.0}, "thresholds_absent"),
        ({"thresholds": [1.0, -1.0]}, "threshold_not_valid"),
        ({"thresholds": [math.nan]}, "threshold_not_valid"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        acceptability(**{**GOOD, **changed})
    assert code in refused.value.codes
    assert str(refused.value)


def test_a_missing_draw_is_counted_and_placed() -> None:
    costs = np.ones((50, 2))
    costs[[7, 9], 1] = np.nan
    with pytest.raises(ImpactEvalError) as refused:
        acceptability(["a", "b"], costs, np.ones((50, 2)), [1.0])
    (fault,) = refused.value.findings
    assert fault.values == {"name": "b", "draws": 2, "position": 8}


@pytest.mark.parametrize(
    ("costs", "effects"), [([1.0], [1.0, 2.0]), ([1.0, math.nan], [0.0, 1.0]), ([], [])]
)
def test_a_frontier_refuses_in_words(costs: list[float], effects: list[float]) -> None:
    with pytest.raises(ImpactEvalError):
        frontier(["a", "b"], costs, effects)


def test_the_readings_are_records_that_cannot_be_changed() -> None:
    (row, *_) = frontier(["none", "a"], [0.0, 10.0], [0.0, 2.0])
    found = acceptability(["a", "b"], np.zeros((2, 2)), np.array([[1.0, 2.0], [1.0, 3.0]]), [1.0])
    assert isinstance(row, FrontierRow)
    assert isinstance(found, Acceptability)
    assert found.frontier == ("b",)
    with pytest.raises(FrozenInstanceError):
        row.cost = 0.0  # type: ignore[misc]
