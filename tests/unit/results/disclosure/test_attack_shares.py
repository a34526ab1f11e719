"""The attack on differences of shares is the trial of all pairs of counts."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.results.disclosure.attack_shares import (
    CountRange,
    paired_counts,
    shown_difference,
    two_group_counts,
)


def two_groups(a: int, n: int, b: int, m: int) -> tuple[float, float]:
    """Difference of shares and Neyman's error, from the answers themselves."""
    one, two = np.repeat([1.0, 0.0], [a, n - a]), np.repeat([1.0, 0.0], [b, m - b])
    error = np.sqrt(one.var(ddof=1) / n + two.var(ddof=1) / m)
    return float(one.mean() - two.mean()), float(error)


@pytest.mark.parametrize(("a", "n", "b", "m"), [(3, 40, 20, 40), (0, 25, 9, 30), (11, 12, 2, 15)])
def test_the_true_counts_are_found_by_trial(a: int, n: int, b: int, m: int) -> None:
    shown = shown_difference(*two_groups(a, n, b, m))
    assert shown is not None
    trial = set()
    for i in range(n + 1):
        for j in range(m + 1):
            other = shown_difference(*two_groups(i, n, j, m)) if 0 < i < n or 0 < j < m else None
            if other == shown:
                trial.add((i, j))
    assert (a, b) in trial
    told = two_group_counts(shown, n, m)
    ones, twos = {i for i, _ in trial}, {j for _, j in trial}
    assert told[0].low <= min(ones) <= a <= max(ones) <= told[0].high
    assert told[2].low <= min(twos) <= b <= max(twos) <= told[2].high
    assert told[0].values >= len(ones)
    assert told[1] == CountRange(n - told[0].high, n - told[0].low, told[0].values)


def test_a_percentage_is_a_share_times_a_hundred() -> None:
    estimate, error = two_groups(3, 40, 20, 40)
    shown = shown_difference(100 * estimate, 100 * error, scale=100.0)
    assert shown is not None
    assert two_group_counts(shown, 40, 40)[0] == CountRange(3, 20, 2)


def test_another_error_teaches_nothing() -> None:
    estimate, error = two_groups(3, 40, 20, 40)
    shown = shown_difference(estimate, 3 * error)
    assert shown is not None
    assert two_group_counts(shown, 40, 40) == ()


def test_paired_answers_by_hand() -> None:
    """Forty people: 23 came to yes, one left it; between 1 and 17 said yes at the first date."""
    change = np.repeat([1.0, -1.0, 0.0], [23, 1, 16])
    shown = shown_difference(float(change.mean()), float(change.std(ddof=1) / np.sqrt(40)))
    assert shown is not None
    first, _, second, _ = paired_counts(shown, 40)
    assert first == CountRange(1, 17, 17)
    assert second == CountRange(23, 39, 17)
    assert not first.tells(11)
    assert first.tells(18)
