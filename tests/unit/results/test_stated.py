"""What is told of leaves beside themselves."""

from __future__ import annotations

import pytest

from impact_eval.results.stated import (
    balance,
    favourable,
    lost,
    observed,
    of_the_same_sign,
    share,
    shares,
    sum_or_none,
)


def test_a_sum_of_which_a_part_is_kept_back_is_kept_back() -> None:
    assert sum_or_none([12, 76, 0]) == 88
    assert sum_or_none([12, None, 0]) is None
    assert sum_or_none([1.5, -0.25]) == 1.25
    assert sum_or_none([]) == 0


def test_shares_are_of_their_own_total() -> None:
    assert shares([1, 3]) == (0.25, 0.75)
    assert shares([0, 0]) == (None, None)
    assert share(19, 20) == 0.95
    assert share(3, 0) == 0.0


def test_the_middle_answer_is_not_favourable() -> None:
    assert favourable([(5, 3, 2)]) == 0.2
    assert favourable([(1, 1, 1, 1), (0, 0, 0, 4)]) == 0.75
    assert favourable([]) == 0.0


@pytest.mark.parametrize(("reference", "told"), [(2.0, 0.75), (-1.0, 0.25)])
def test_how_many_lie_on_the_same_side(reference: float, told: float) -> None:
    assert of_the_same_sign([1.0, 2.0, 0.5, -3.0], reference) == told


def test_people_who_served_in_both_groups_are_counted_once() -> None:
    assert observed(60, 60, 120) == 120
    assert observed(60, 90, 120) == 120
    assert observed(60, None, 120) == 60
    assert observed(None, None, 120) is None


def test_differences() -> None:
    assert lost(1200, 1162) == 38
    assert balance(10.0, 12.5) == -2.5
