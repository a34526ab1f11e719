"""Whatever is typed at the public doors of value meets words, never a raw exception."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import ImpactEvalError
from impact_eval.value import (
    Account,
    account_shapley,
    account_sobol,
    consolidate,
    simulate,
    tell,
    two_way_grid,
    uncertainty_of,
    value_of_information,
)
from impact_eval.value.readouts.equity import equity_weight

typed = st.one_of(
    st.none(), st.booleans(), st.floats(), st.text(max_size=4), st.integers(-3, 3), st.just(1e30)
)
ANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def in_words(door: Callable[[], Any]) -> None:
    """A door answers, or refuses with a code that has a sentence."""
    said = "[answered]"
    try:
        door()
    except ImpactEvalError as refused:
        said = str(refused)
    assert "[" in said


@ANY
@given(draws=typed, seed=typed)
def test_draws_and_seeds(insertion: Account, draws: Any, seed: Any) -> None:
    in_words(lambda: simulate(insertion, draws=draws, seed=7))
    in_words(lambda: simulate(insertion, draws=3, seed=seed))
    in_words(lambda: value_of_information(insertion, draws=draws))
    in_words(lambda: tell(insertion, seed=seed, draws=3))


@ANY
@given(level=typed, perspective=typed)
def test_levels_and_perspectives(insertion: Account, level: Any, perspective: Any) -> None:
    drawn = simulate(insertion, draws=20, seed=1)
    in_words(lambda: uncertainty_of(drawn, level=level))
    in_words(lambda: uncertainty_of(drawn, perspective))
    in_words(lambda: insertion.sroi(perspective or "x"))


@ANY
@given(rows=st.lists(typed, max_size=3), name=st.sampled_from(["shelter.deadweight", "zz", ""]))
def test_grids(insertion: Account, rows: list[Any], name: str) -> None:
    in_words(lambda: two_way_grid(insertion, name, rows, "employment/att", [0.1, 1e30]))
    in_words(lambda: two_way_grid(insertion, "employment/att", [0.1], name, rows))


@ANY
@given(st.floats(), st.floats())
def test_weights(income: float, elasticity: float) -> None:
    in_words(lambda: equity_weight(income, elasticity))


@pytest.mark.parametrize(
    ("door", "code"),
    [
        (lambda a: simulate(a, draws=2.5), "whole_number_needed"),
        (lambda a: simulate(a, draws=True), "whole_number_needed"),
        (lambda a: simulate(a, draws=0), "option_out_of_range"),
        (lambda a: simulate(a, draws=5, seed=-1), "option_out_of_range"),
        (lambda a: simulate(a, draws=5, keep=("zz",)), "unknown_number"),
        (lambda a: value_of_information(a, names=("zz",)), "unknown_number"),
        (lambda a: account_sobol(a, draws=0), "option_out_of_range"),
        (lambda a: account_shapley(a, draws=1), "option_out_of_range"),
        (lambda a: a.sroi("mars"), "perspective_unknown"),
        (lambda a: uncertainty_of(simulate(a, draws=5), "mars"), "perspective_unknown"),
        (lambda a: uncertainty_of(simulate(a, draws=5), level=math.nan), "level_not_between"),
        (
            lambda a: two_way_grid(a, "shelter.deadweight", [math.nan], "employment/att", [1]),
            "numbers_needed",
        ),
        (
            lambda a: two_way_grid(a, "shelter.deadweight", [], "employment/att", [1]),
            "numbers_needed",
        ),
        (
            lambda a: two_way_grid(a, "shelter.deadweight", [[1], [2, 3]], "employment/att", [1]),
            "numbers_needed",
        ),
        (lambda a: equity_weight(math.nan, 1), "income_not_positive"),
        (lambda a: equity_weight(1, math.inf), "elasticity_negative"),
    ],
)
def test_what_is_wrong_has_its_code(
    insertion: Account, door: Callable[[Account], Any], code: str
) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        door(insertion)
    assert code in refused.value.codes
    assert str(refused.value)


def test_whole_numbers_of_numpy_are_whole_numbers(insertion: Account) -> None:
    assert simulate(insertion, draws=np.int64(5), seed=np.int32(1)).size == 5


NAMELESS: list[Any] = [[], ["a"], {1: None}, {"a": "b"}, None, "a"]


def test_accounts_are_added_by_name(insertion: Account) -> None:
    listed: Any = [insertion]
    for accounts in (*NAMELESS, listed):
        with pytest.raises(ImpactEvalError) as refused:
            consolidate(accounts)
        assert refused.value.codes == ("accounts_by_name",)
