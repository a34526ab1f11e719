"""Dominance and homogeneous groups, held to exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.results.disclosure.dominance import (
    GroupFacts,
    dominated,
    group_facts,
    homogeneous,
    nk_rule,
    p_ratio_rule,
)
from impact_eval.results.disclosure.profiles import profile

euros = st.lists(st.integers(-5000, 5000), min_size=0, max_size=12)


@given(euros, st.integers(1, 3), st.sampled_from([Fraction(1, 2), Fraction(17, 20)]))
def test_nk_by_fractions(values: list[int], k: int, share: Fraction) -> None:
    sizes = sorted((abs(v) for v in values), reverse=True)
    expected = sum(sizes[:k]) > share * sum(sizes)
    if sum(sizes[:k]) != share * sum(sizes):
        assert nk_rule(np.abs(values), k=k, share=float(share)) is bool(expected)


@given(euros, st.sampled_from([Fraction(1, 10), Fraction(1, 4)]))
def test_p_ratio_is_what_the_second_contributor_can_compute(values: list[int], p: Fraction) -> None:
    """It subtracts its own part from the sum: how far is the rest from the largest?"""
    sizes = sorted((abs(v) for v in values), reverse=True)
    if len(sizes) < 2:
        return
    estimate = Fraction(sum(sizes) - sizes[1])
    error = estimate - sizes[0]
    if error != p * sizes[0]:
        assert p_ratio_rule(np.abs(values), p=float(p)) is bool(error < p * sizes[0])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12), st.floats(0.01, 1e4), st.randoms())
def test_neither_scale_sign_nor_order_matters(values: list[float], by: float, rnd: object) -> None:
    array = np.array(values)
    weights = np.linspace(1.0, 2.0, array.size)
    order = np.random.default_rng(0).permutation(array.size)
    facts = dominated(array, weights)
    assert dominated(-array[order], weights[order]) is facts
    assert dominated(array, 4.0 * weights) is facts


def test_one_income_that_makes_the_sum() -> None:
    usual = [900.0, 1100.0, 1050.0, 980.0, 1200.0, 1010.0, 990.0, 870.0, 1130.0, 1000.0, 1020.0]
    assert not dominated(usual)
    assert dominated([*usual, 500_000.0])
    assert dominated([*usual, -500_000.0])  # a debt tells as much


def test_weights_make_a_contribution() -> None:
    values = [1000.0] * 12
    weights = [1.0] * 11 + [400.0]
    assert not dominated(values)
    assert dominated(values, weights)
    assert group_facts(values, [1.0] * 11 + [0.0]).n == 11


def test_the_profile_of_firms() -> None:
    firms = profile("entreprises")
    assert dominated([86.0, 7.0, 7.0], profile=firms)  # one above 85 %
    assert not dominated([80.0, 9.0, 11.0], profile=firms)
    assert dominated([80.0, 9.0, 11.0])  # two above 90 %


def test_the_own_edition_asks_nothing() -> None:
    assert not dominated([100.0, 0.0], profile=profile("interne").for_own_edition())
    assert not dominated([100.0], profile=profile("interne").for_own_edition())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1, 1], True),
        ([0, 0], True),
        ([7.5], True),
        ([0, 1], False),
        ([], False),
        ([np.nan, 2, 2], True),
    ],
)
def test_homogeneous(values: list[float], expected: bool) -> None:
    assert homogeneous(values) is expected


def test_facts_of_shares_and_of_nobody() -> None:
    share = [1] * 17 + [0] * 23
    assert group_facts(share) == GroupFacts(40, dominated=False, homogeneous=False, rarest=17)
    two_yes = group_facts([1, 1] + [0] * 38)
    assert (two_yes.rarest, two_yes.dominated) == (2, True)
    assert group_facts([1] * 30) == GroupFacts(30, dominated=False, homogeneous=True)
    assert group_facts([]) == GroupFacts(0, dominated=False, homogeneous=False)
    assert group_facts([0.0] * 12) == GroupFacts(12, dominated=False, homogeneous=True)
    assert group_facts([np.nan, 1.0, 2.0, 4.0]).n == 3
