"""Rounding: halves to even, twice is once, one person hidden."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from impact_eval.results.disclosure.attack import PublishedMean, value_bounds
from impact_eval.results.disclosure.rounding import (
    percentage_unit,
    round_count,
    round_error,
    round_percentage,
    round_ratio,
    round_significant,
    round_statistic,
    round_to_unit,
    statistic_unit,
)

numbers = st.floats(-1e12, 1e12, allow_nan=False)
errors = st.floats(1e-9, 1e9)


@given(numbers, errors, st.booleans())
def test_rounding_what_was_rounded_changes_nothing(value: float, error: float, close: bool) -> None:
    told_error = round_error(error)
    told = round_statistic(value, error, close=close)
    assert told is not None
    assert round_error(told_error) == told_error
    assert round_statistic(told, told_error, close=close) == told
    assert statistic_unit(told_error, close=close) == statistic_unit(error, close=close)


@given(numbers, errors)
def test_at_most_half_a_unit_is_lost(value: float, error: float) -> None:
    unit, coarser = statistic_unit(error), statistic_unit(error, close=True)
    assert unit is not None
    assert coarser == pytest.approx(10 * unit)
    told_error = round_error(error)
    assert 10 * unit <= told_error * (1 + 1e-9)  # two digits of the error
    assert told_error < 100 * unit * (1 + 1e-9)
    told = round_to_unit(value, unit)
    assert abs(told - value) <= unit / 2 + 1e-9 * max(abs(value), unit)


@given(numbers, st.integers(1, 6))
def test_significant_digits_twice_is_once(value: float, digits: int) -> None:
    once = round_significant(value, digits)
    assert round_significant(once, digits) == once
    assert abs(once - value) <= abs(value) * 0.5 * 10 ** (1 - digits) * (1 + 1e-9)


@given(numbers, numbers, st.sampled_from([0.01, 0.1, 1.0, 2.0, 5.0, 10.0, 100.0]))
def test_rounding_keeps_the_order(one: float, other: float, unit: float) -> None:
    assume(one <= other)
    assert round_to_unit(one, unit) <= round_to_unit(other, unit)


def test_halves_go_to_even() -> None:
    assert [round_to_unit(v, 1.0) for v in (0.5, 1.5, 2.5, -0.5, -1.5)] == [0, 2, 2, 0, -2]
    assert math.copysign(1.0, round_to_unit(-0.4, 1.0)) == 1.0
    assert [round_to_unit(v, 20.0) for v in (10.0, 30.0, 50.0)] == [0, 40, 40]
    assert [round_count(n, 10) for n in (5, 15, 25)] == [0, 20, 20]


def test_by_hand() -> None:
    assert round_statistic(0.123456, 0.0456) == 0.123
    assert round_statistic(0.123456, 0.0456, close=True) == 0.12
    assert round_statistic(1.0, 0.0) is None
    assert round_statistic(1.0, math.nan) is None
    assert round_error(99.6) == 100.0
    assert statistic_unit(99.6) == 10.0  # the error is told as 100
    assert round_ratio(1.2345e-17) == 1.23e-17
    assert round_ratio(math.inf) == math.inf
    assert math.isnan(round_to_unit(math.nan, 1.0))


@given(st.integers(0, 10_000), st.integers(1, 20))
def test_counts_go_to_the_nearest_multiple(n: int, base: int) -> None:
    told = round_count(n, base)
    assert told % base == 0
    assert 2 * abs(told - n) <= base
    assert round_count(told, base) == told


@pytest.mark.parametrize("n", range(3, 260))
def test_no_percentage_tells_the_count_behind_it(n: int) -> None:
    behind: dict[float, list[int]] = {}
    for yes in range(n + 1):
        told = round_percentage(100 * yes / n, n)
        assert told is not None
        assert round_percentage(told, n) == told
        behind.setdefault(told, []).append(yes)
    assert min(len(counts) for counts in behind.values()) >= 2
    smaller = {2.0: 1.0, 5.0: 2.0, 10.0: 5.0, 20.0: 10.0, 50.0: 20.0, 100.0: 50.0}
    unit = percentage_unit(n)
    assert unit is not None
    if unit > 1:  # and no smaller unit would do everywhere
        assert smaller[unit] * n <= 200


# ------------------------------------------------- what it protects, and what it does not


def published_twice(
    incomes: np.ndarray[tuple[int], np.dtype[np.float64]], *, close: bool | None
) -> list[PublishedMean]:
    """The mean of all, and of all but the last, as they would be published; counts are known."""
    out = []
    for group in (incomes, incomes[:-1]):
        error = float(group.std(ddof=1) / np.sqrt(group.size))
        unit = 0.0 if close is None else statistic_unit(error, close=close)
        assert unit is not None
        mean = float(group.mean())
        told = mean if unit == 0 else round_to_unit(mean, unit)
        out.append(PublishedMean(told, unit, frozenset(range(group.size))))
    return out


def told_within(low: float, high: float, value: float, share: float) -> bool:
    """Whether the attacker's range lies all within a share of the true value."""
    return (1 - share) * value <= low and high <= (1 + share) * value


@pytest.mark.parametrize("n", [12, 30, 60, 150])
def test_a_mean_published_twice_does_not_give_one_income_back(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(12):
        incomes = np.round(rng.gamma(4, 300, n), 2)  # 1 200 euros a month, 600 either way
        person, value = n - 1, float(incomes[-1])
        exact = value_bounds(published_twice(incomes, close=None), person)
        assert exact == pytest.approx((value, value), abs=0.01)  # to the cent: given back
        low, high = value_bounds(published_twice(incomes, close=True), person)
        assert low <= value <= high
        assert not told_within(low, high, value, 0.10)


def test_an_income_far_above_the_others_is_not_hidden_by_rounding() -> None:
    """What rounding does not do: dominance has to."""
    incomes = np.append(np.full(29, 1000.0) + np.arange(29), 2_000_000.0)
    everybody, without = published_twice(incomes, close=False)
    low, _ = value_bounds([everybody, without], 29)
    assert low > 0.5 * 2_000_000


@given(
    value=st.floats(-1e4, 1e4).filter(lambda x: abs(x) > 1e-3),
    error=st.floats(1e-2, 1e3),
)
def test_a_page_says_what_the_exact_number_would(value: float, error: float) -> None:
    """Rounded for the file, then rounded to one digit less for a page: as if only the page was."""
    unit = statistic_unit(error)
    told = round_statistic(value, error)
    assert unit is not None
    assert told is not None
    assert abs(told - value) <= 1.5 * unit
    assert round_statistic(told, error) == told
    exact, step = Decimal(repr(value)), Decimal(repr(unit)) * 10
    if abs((exact / step) % 1) != Decimal("0.5"):  # the exact number is no half itself
        assert (Decimal(repr(told)) / step).to_integral_value() == (
            exact / step
        ).to_integral_value()
