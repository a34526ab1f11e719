"""The attacker is right: what it computes by programming is what can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.results.disclosure.attack import (
    PublishedMean,
    PublishedTotal,
    Subtraction,
    attacker_bounds,
    rounded_interval,
    sum_attack,
    value_bounds,
)
from impact_eval.results.disclosure.rounding import round_count


def test_a_cell_that_nothing_bounds() -> None:
    counts = np.array([3.0, 117.0, 120.0])
    equations = np.array([[1.0, 1.0, -1.0]])
    hidden = np.array([True, False, True])
    assert attacker_bounds(counts, hidden, equations, 0) == (0.0, np.inf)
    assert attacker_bounds(counts, hidden, equations, 2) == (117.0, np.inf)
    assert attacker_bounds(counts, hidden, equations, 0, whole=True) == (0.0, np.inf)
    assert attacker_bounds(counts, hidden, equations, 1) == (117.0, 117.0)


def test_a_cell_in_no_sum() -> None:
    found = attacker_bounds(np.array([3.0]), np.array([True]), np.zeros((0, 1)), 0)
    assert found == (0.0, np.inf)


def test_rounded_counts_leave_a_range() -> None:
    # 3 + 57 = 60, the last two told to the nearest five: 55 and 60
    counts, shown = np.array([3.0, 57.0, 60.0]), np.array([0.0, 55.0, 60.0])
    equations = np.array([[1.0, 1.0, -1.0]])
    hidden = np.array([True, False, False])
    known = rounded_interval(shown, 5)
    assert attacker_bounds(counts, hidden, equations, 0, known=known) == (1.0, 9.0)


def test_large_counts_are_judged_too() -> None:
    counts = np.array([3.0, 4e9, 4e9 + 3.0])
    hidden = np.array([True, False, False])
    found = attacker_bounds(counts, hidden, np.array([[1.0, 1.0, -1.0]]), 0)
    assert found == pytest.approx((3.0, 3.0), abs=0.01)


@given(st.integers(0, 500), st.sampled_from([1, 2, 3, 4, 5, 10]))
def test_the_range_of_a_rounded_count_is_all_that_rounds_to_it(n: int, base: int) -> None:
    shown = round_count(n, base)
    low, high = (float(end[0]) for end in rounded_interval(np.array([float(shown)]), base))
    fits = [k for k in range(n + 2 * base) if round_count(k, base) == shown]
    assert (min(fits), max(fits)) == (low, high)


def test_two_means_to_the_cent_give_one_income() -> None:
    incomes = [910.35, 1240.0, 1502.17, 633.48]
    everybody = PublishedMean(float(np.mean(incomes)), 0.0, frozenset(range(4)))
    without = PublishedMean(float(np.mean(incomes[:3])), 0.0, frozenset(range(3)))
    assert value_bounds([everybody, without], 3) == pytest.approx((633.48, 633.48))


def test_rounding_leaves_the_range_that_sums_leave() -> None:
    # sums within 4 x 50 and 3 x 50 of what is told: 700 ± 350
    four = PublishedMean(1000.0, 100.0, frozenset(range(4)))
    three = PublishedMean(1100.0, 100.0, frozenset(range(3)))
    assert value_bounds([four, three], 3) == pytest.approx((350.0, 1050.0))


def test_nested_groups_in_three_steps() -> None:
    ten = PublishedMean(50.0, 0.0, frozenset(range(10)))
    eight = PublishedMean(50.0, 0.0, frozenset(range(8)))
    assert value_bounds([ten, eight], 9) == pytest.approx((0.0, 100.0))
    assert value_bounds([ten, eight], 9, high=70.0) == pytest.approx((30.0, 70.0))
    nine = PublishedMean(48.0, 0.0, frozenset(range(9)))
    assert value_bounds([ten, eight, nine], 9) == pytest.approx((68.0, 68.0))


def test_an_unknown_count_widens_the_sum() -> None:
    five = PublishedMean(100.0, 0.0, frozenset(range(5)), least_n=4, most_n=5)
    four = PublishedMean(100.0, 0.0, frozenset(range(4)))
    assert five.sum_range() == (400.0, 500.0)
    assert value_bounds([five, four], 4) == pytest.approx((0.0, 100.0))


def test_losses_are_bounded_with_their_sign() -> None:
    found = PublishedMean(-10.0, 2.0, frozenset(range(3))).sum_range()
    assert found == (-33.0, -27.0)
    pair = PublishedMean(-10.0, 0.0, frozenset({0, 1}))
    assert value_bounds([pair], 0, low=-50.0, high=50.0) == pytest.approx((-50.0, 30.0))


def test_what_contradicts_itself_tells_nothing() -> None:
    one, other = (PublishedMean(m, 0.0, frozenset({0})) for m in (1.0, 2.0))
    assert value_bounds([one, other], 0, high=9.0) == (0.0, 9.0)


def test_subtractions() -> None:
    totals = [
        PublishedTotal(60_000.0, 60),
        PublishedTotal(59_000.0, 59, unit=100.0),
        PublishedTotal(30_000.0, 30),
        PublishedTotal(61_000.0, 60),
    ]
    assert sum_attack(totals, threshold=11) == (
        Subtraction(0, 1, 1, 950.0, 1050.0),
        Subtraction(3, 1, 1, 1950.0, 2050.0),
    )
    assert len(sum_attack(totals, threshold=31)) == 5
