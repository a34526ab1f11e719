"""What was seen of an effect, counted by hand month by month, against what the account says.

A follow-up runs from the start of the action: month 0 is the first, and a follow-up of 1.5 years
sees months 0 to 17. An event study sees as many years as it describes, from when the effect starts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from impact_eval.value import Account, ValueMap

Make = Callable[..., Any]
FIRST = date(2024, 3, 1)  # of the action
STARTS = ["1", "1.25", "1.5", "2", "3", "3.75"]
DURATIONS = ["0.5", "1", "1.5", "2", "4"]
FOLLOW_UPS = ["0.25", "0.5", "1", "1.5", "2", "3.25", "9"]


def month(n: int) -> date:
    """Return the first day of a month, counted from the start of the action."""
    years, months = divmod(FIRST.month - 1 + n, 12)
    return date(FIRST.year + years, months + 1, 1)


def months(years: str) -> int:
    whole = 12 * Fraction(years)
    assert whole.denominator == 1
    return int(whole)


def share_seen(start: str, duration: str, until: date, since: date = FIRST) -> Fraction:
    """Return the share of an effect, not discounted, that falls between two dates."""
    begin = months(start) - 12
    lived = [month(begin + k) for k in range(months(duration))]
    return Fraction(sum(since <= day < until for day in lived), len(lived))


def account(make: Make, **cells: Any) -> Account:
    return ValueMap.from_dict(make(map__discount_rate="0 %", **cells)).account()


def seen(found: Account) -> Fraction:
    (line,) = found.lines
    return Fraction(line.observed) / Fraction(line.present)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("duration", DURATIONS)
def test_a_follow_up_counts_from_the_start_of_the_action(
    make_tables: Make, start: str, duration: str
) -> None:
    for follow_up in FOLLOW_UPS:
        expected = share_seen(start, duration, month(months(follow_up)))
        cells = {"start": start, "duration": duration}
        by_map = account(make_tables, map__follow_up=follow_up, **cells)
        by_line = account(make_tables, map__follow_up="0.25", follow_up=follow_up, **cells)
        assert seen(by_map) == seen(by_line) == expected, follow_up
        if expected in (0, 1):
            assert by_map.projected_share == 1 - expected


def test_what_begins_after_the_follow_up_was_seen_by_nobody(make_tables: Make) -> None:
    for start, follow_up in (("2", "1"), ("1.5", "0.5"), ("3", "2"), ("3.75", "2.75")):
        assert seen(account(make_tables, start=start, map__follow_up=follow_up)) == 0


def test_eighteen_months_followed_for_eighteen_months_are_all_seen(make_tables: Make) -> None:
    found = account(make_tables, duration="18 mois", map__follow_up="18 mois", drop_off="10 %")
    assert "guard_projected" not in {f.code for f in found.findings}
    assert found.projected_share == 0


def test_without_a_follow_up_the_first_year_alone_is_seen(make_tables: Make) -> None:
    for start, duration in itertools.product(("1", "1.5", "2"), ("1", "3")):
        found = account(make_tables, start=start, duration=duration, map__follow_up=None)
        assert seen(found) == share_seen(start, duration, month(12))


def test_years_weigh_what_they_are_worth_today(make_tables: Make) -> None:
    """Three years at 10 %, each less by half than the one before; a follow-up of a year and a half.

    Seen: the first year, and half of the second, each as it is worth today.
    """
    cells = {"duration": 3, "drop_off": "50 %", "map__follow_up": "1.5"}
    raw = make_tables(map__discount_rate="10 %", **cells)
    (line,) = ValueMap.from_dict(raw).account().lines
    # discounted at the end of each year
    worth = [Fraction(1, 2**k) / Fraction(11, 10) ** (k + 1) for k in range(3)]
    expected = (worth[0] + worth[1] / 2) / sum(worth)
    assert float(line.observed / line.present) == pytest.approx(float(expected), rel=1e-9)


def test_a_survival_curve_is_seen_year_by_year(make_tables: Make) -> None:
    cells = {"duration": None, "survival": [1, 0.5, 0.25], "start": 2}
    found = account(make_tables, map__follow_up="2.5", **cells)
    assert seen(found) == Fraction(4 + 1, 4 + 2 + 1)  # year 2 whole, half of year 3


def test_a_whole_life_is_seen_by_nobody(make_tables: Make) -> None:
    cells = {"duration": None, "lifetime": "oui", "persistence": "50 %"}
    assert seen(account(make_tables, map__follow_up=9, **cells)) == 0


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("duration", ["1", "2", "3", "4"])
def test_an_event_study_sees_its_own_years_from_the_start_of_the_effect(
    make_tables: Make, make_estimate: Make, start: str, duration: str
) -> None:
    rows = [("event", 0.0, 0.10, 0.02), ("event", 1.0, 0.10, 0.02)]  # two years, alike
    cells = {"quantity": None, "estimate": "emploi", "people": 100, "unit": "share",
             "term": "event", "deadweight": None, "start": start, "duration": duration}  # fmt: skip
    raw = make_tables(map__discount_rate="0 %", map__follow_up="0.25", **cells)
    found = ValueMap.from_dict(raw).account({"emploi": make_estimate("emploi", rows)})
    assert len(found.lines[0].quantity.profile) == 2
    begin = months(start) - 12
    expected = share_seen(start, duration, month(begin + 24), month(begin))
    assert seen(found) == expected == min(Fraction(1), Fraction(2, int(duration)))
