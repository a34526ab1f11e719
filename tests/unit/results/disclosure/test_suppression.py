"""What is withheld: an attacker who tries every whole number is left with a wide enough range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from impact_eval.core import ImpactEvalError
from impact_eval.results.disclosure.attack import attacker_bounds, leaves_range
from impact_eval.results.disclosure.suppression import (
    ArmCounts,
    close_counts,
    far_apart,
    protect,
    table_equations,
)

K = 11
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


MOST = 25  # more than any sum of the tiny systems below


def enumerated(
    parts: tuple[int, ...], groups: list[tuple[int, ...]], hidden: Bools
) -> list[tuple[int, int]]:
    """Try every table of whole numbers: least and greatest value of each cell that fits."""
    choices = [np.arange(MOST + 1) if hide else [n] for n, hide in zip(parts, hidden, strict=False)]
    cells = [grid.ravel() for grid in np.meshgrid(*choices)]
    cells += [np.sum([cells[i] for i in group], axis=0) for group in groups]
    truth = [*parts, *(sum(parts[i] for i in group) for group in groups)]
    fits = np.ones(cells[0].size, dtype=bool)
    for cell, true, hide in zip(cells, truth, hidden, strict=True):
        if not hide:
            fits &= cell == true
    return [(int(cell[fits].min()), int(cell[fits].max())) for cell in cells]


def system(parts: tuple[int, ...], groups: list[tuple[int, ...]]) -> tuple[Floats, Floats]:
    """Cells and the sums of any groups of them, overlapping or not."""
    n = len(parts)
    counts = np.array([*parts, *(sum(parts[i] for i in g) for g in groups)], dtype=float)
    equations = np.zeros((len(groups), counts.size))
    for row, group in enumerate(groups):
        equations[row, list(group)] = 1.0
        equations[row, n + row] = -1.0
    return counts, equations


tiny = st.tuples(
    st.lists(st.integers(0, 6), min_size=2, max_size=4).map(tuple),
    st.lists(st.sets(st.integers(0, 3), min_size=2, max_size=4), max_size=4),
).map(
    lambda drawn: (
        drawn[0],
        [g for g in (tuple(sorted(i for i in s if i < len(drawn[0]))) for s in drawn[1]) if g],
    )
)


@settings(max_examples=150, deadline=None)
@given(tiny, st.integers(2, 4))
def test_every_small_cell_stays_wide_against_trial_of_all_numbers(
    drawn: tuple[tuple[int, ...], list[tuple[int, ...]]], threshold: int
) -> None:
    counts, equations = system(*drawn)
    found = protect(counts, equations, threshold=threshold)
    hidden = found.withheld
    small = (counts > 0) & (counts < threshold)
    assert hidden[small].all()
    ranges = enumerated(*drawn, hidden)
    for cell in np.flatnonzero(small):
        low, high = ranges[cell]
        assert low <= counts[cell] <= high
        assert high - low >= threshold


@settings(max_examples=60, deadline=None)
@given(tiny, st.data())
def test_the_whole_number_attack_is_the_trial_of_all_numbers(
    drawn: tuple[tuple[int, ...], list[tuple[int, ...]]], data: st.DataObject
) -> None:
    counts, equations = system(*drawn)
    size = counts.size
    hidden = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    ranges = enumerated(*drawn, hidden)
    for cell in np.flatnonzero(hidden):
        low, high = attacker_bounds(counts, hidden, equations, int(cell), whole=True)
        relaxed = attacker_bounds(counts, hidden, equations, int(cell))
        assert low == ranges[cell][0]
        assert ranges[cell][1] == high or (np.isinf(high) and ranges[cell][1] >= MOST)
        for width in (1, 5, 11):
            enough = leaves_range(counts, hidden, equations, int(cell), width=width)
            assert enough is bool(high - low >= width)
        assert relaxed[0] <= low + 1e-6
        assert relaxed[1] >= high - 1e-6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.data())
def test_hidden_differences_are_protected_and_cheap_counts_go_first(
    lost: list[int], data: st.DataObject
) -> None:
    """People read, then kept after each step: what each step lost is shown nowhere."""
    left = [200 - sum(lost[:i]) for i in range(len(lost) + 1)]
    n = len(left)
    counts = np.array([*left, *lost], dtype=float)
    equations = np.zeros((len(lost), counts.size))
    for i in range(len(lost)):
        equations[i, [i, i + 1, n + i]] = 1.0, -1.0, -1.0
    shown = np.arange(counts.size) < n
    dear = data.draw(st.integers(0, n - 1))
    cost = np.where(np.arange(counts.size) == dear, 9.0, 1.0)
    found = protect(counts, equations, threshold=K, published=shown, cost=cost)
    hidden = found.withheld | ~shown
    assert not found.withheld[~shown].any()
    for cell in np.flatnonzero((counts > 0) & (counts < K)):
        low, high = attacker_bounds(counts, hidden, equations, int(cell))
        assert high - low >= K
    assert not found.withheld[dear]  # the dear one is never needed: its neighbours are enough


def test_nothing_is_withheld_that_protects_nothing() -> None:
    rng = np.random.default_rng(5)
    for _ in range(8):
        inner = rng.poisson(14, (3, 3)).astype(float)
        table = np.vstack([inner, inner.sum(axis=0)])
        table = np.hstack([table, table.sum(axis=1, keepdims=True)]).ravel()
        equations = table_equations(4, 4, total_row=True, total_column=True)
        found = protect(table, equations, threshold=K)
        small = np.flatnonzero((table > 0) & (table < K))
        for cell in np.flatnonzero(found.secondary):
            fewer = found.withheld.copy()
            fewer[cell] = False
            widths = [np.diff(attacker_bounds(table, fewer, equations, int(i)))[0] for i in small]
            assert min(widths) < K


def test_the_classic_two_by_two() -> None:
    # one small cell: its row, its column and the cell across must go too
    counts = np.array([3.0, 20.0, 23.0, 30.0, 40.0, 70.0, 33.0, 60.0, 93.0])
    equations = table_equations(3, 3, total_row=True, total_column=True)
    found = protect(counts, equations, threshold=K)
    assert found.primary.tolist() == [True] + [False] * 8
    assert np.flatnonzero(found.withheld).tolist() == [0, 1, 3, 4]


def test_whole_numbers_are_used_where_cells_overlap() -> None:
    """Three cells told by pairs: fractions leave a range, whole numbers leave less."""
    counts, equations = system((4, 6, 5), [(0, 1), (1, 2), (0, 2)])
    hidden = np.array([True, True, True, False, False, False])
    assert attacker_bounds(counts, hidden, equations, 0) == pytest.approx((4.0, 4.0))
    doubled = np.array([[2.0, 2.0, -1.0]])  # twice the people of two cells make an odd bound
    known = (np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.0, 7.0]))
    cells = np.array([1.0, 2.0, 6.0])
    pair = np.array([True, True, False])
    assert attacker_bounds(cells, pair, doubled, 0, known=known) == pytest.approx((0.0, 3.5))
    assert attacker_bounds(cells, pair, doubled, 0, known=known, whole=True) == (0.0, 3.0)


def test_zeros_are_protected_when_the_profile_says_so() -> None:
    counts, equations = system((0, 30, 40), [(0, 1, 2)])
    usual = protect(counts, equations, threshold=K)
    assert not usual.withheld.any()
    found = protect(counts, equations, threshold=K, sensitive=counts < K)
    assert found.primary.tolist() == [True, False, False, False]
    assert found.secondary.tolist() == [False, True, False, False]


def test_it_ends_when_sums_force_a_count() -> None:
    """A cell told to be nobody by the sums themselves: all that is linked goes, and no more."""
    counts = np.array([0.0, 30.0, 30.0, 50.0])
    equations = np.array([[1.0, 1.0, -1.0, 0.0], [0.0, 1.0, -1.0, 0.0]])
    found = protect(counts, equations, threshold=K, sensitive=counts == 0)
    assert not found.withheld[3]


def test_counts_that_contradict_their_totals_are_refused() -> None:
    with pytest.raises(ImpactEvalError) as refused:
        protect(np.array([3.0, 4.0, 8.0]), np.array([[1.0, 1.0, -1.0]]), threshold=K)
    assert refused.value.codes == ("counts_do_not_add",)


# ------------------------------------------------------------- counts that are close


arms = st.builds(
    ArmCounts,
    treated=st.none() | st.integers(0, 60),
    comparison=st.none() | st.integers(0, 60),
    everyone=st.none(),
)


@given(st.lists(arms, max_size=7), st.lists(arms, max_size=2), st.integers(1, 15))
def test_what_stays_is_equal_or_far_apart(
    candidates: list[ArmCounts], kept: list[ArmCounts], threshold: int
) -> None:
    marks = close_counts(candidates, threshold=threshold, kept=kept)
    staying = [c.completed() for c, out in zip(candidates, marks, strict=True) if not out]
    told = [c.completed() for c in kept]
    for i, one in enumerate(staying):
        for other in [*told, *staying[:i]]:
            for a, b in zip(one, other, strict=True):
                assert a is None or b is None or a == b or abs(a - b) >= threshold
    # and each one withheld is near one of those that were there before it
    for i, out in enumerate(marks):
        if out:
            before = [c for c, gone in zip(candidates[:i], marks[:i], strict=True) if not gone]
            assert close_counts([candidates[i]], threshold=threshold, kept=[*kept, *before])[0]
    if candidates and not kept:
        assert not marks[0]  # the first in the order of priority always stays


def test_the_sum_of_both_arms_counts_too() -> None:
    # 40 + 35 and 52 + 24: each arm is far apart, all together differ by one person
    assert close_counts([ArmCounts(40, 35), ArmCounts(52, 24)], threshold=K) == (False, True)
    assert close_counts([ArmCounts(40, 35), ArmCounts(52, 35)], threshold=K) == (False, False)
    # a total published alone tells the arm that is missing
    both = [ArmCounts(40, 35), ArmCounts(treated=40, everyone=74)]
    assert close_counts(both, threshold=K) == (False, True)


def test_far_apart_by_hand() -> None:
    told = [far_apart(60, other, threshold=K) for other in (60, 59, 50, 49, 71, 70)]
    assert told == [True, False, False, True, True, False]


def test_counts_of_an_edition_already_out() -> None:
    assert close_counts([ArmCounts(57)], threshold=K, kept=[ArmCounts(60)]) == (True,)
