"""Multiplicity corrections against R, published rows and the definitions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from second_rung import SecondRung

from impact_eval.core import ImpactEvalError
from impact_eval.stats.inference.multiplicity import (
    Correction,
    adjust,
    romano_wolf,
    sharpened_q,
    single_step_max_t,
    westfall_young,
)

STORED = SecondRung()

Read = Callable[[str], Any]
P_LISTS = st.lists(st.floats(0, 1).filter(lambda p: p == 0 or p > 1e-12), min_size=1, max_size=12)


@STORED
def check_p_adjust_of_r(reference: Read) -> None:
    stored = reference("causal/multiple_testing")["results"]
    for name in ("bonferroni", "holm", "hochberg", "hommel", "BH", "BY"):
        ours = adjust(stored["p"], Correction(name.lower()))
        np.testing.assert_allclose(ours, stored[name], rtol=1e-10)
    for name in ("holm", "BH", "BY"):
        ours = adjust(stored["example_p"], Correction(name.lower()))
        np.testing.assert_allclose(ours, stored[f"example_{name}"], rtol=1e-10)


@STORED
def check_anderson_q_is_the_next_point_of_his_grid(reference: Read) -> None:
    stored = reference("causal/multiple_testing")["results"]
    for p, q in (("p", "anderson_sharpened_q"), ("example_p", "example_anderson_q")):
        exact = sharpened_q(stored[p])
        printed = np.array(stored[q])
        # the stored values sit on a grid of 0.001, walked down: never below the exact value
        assert (printed >= exact - 1e-9).all()
        assert (printed <= exact + 0.001 + 1e-9).all()


@STORED
def check_step_down_from_saved_bootstrap(reference: Read, real_data: Read) -> None:
    stored = reference("causal/multiple_testing")["results"]
    draws = real_data("causal/mht_bootstrap_t.csv")[stored["outcomes"]].to_numpy()
    np.testing.assert_allclose(romano_wolf(stored["t"], draws), stored["romano_wolf"], atol=1e-12)
    single = single_step_max_t(stored["t"], draws)
    np.testing.assert_allclose(single, stored["single_step_max_t"], atol=1e-12)


def test_on_stored(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    STORED.run(request, subtests)


def test_benjamini_hochberg_1995_fifteen_p_values() -> None:
    """Their section 4: 4 rejections by BH, 3 by Bonferroni and Holm."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
    ]
    p += [.7590, 1.0]  # fmt: skip
    for correction, rejected in (("bh", 4), ("holm", 3), ("bonferroni", 3)):
        assert (adjust(p, Correction(correction)) <= 0.05).sum() == rejected


def _two_stage(p: np.ndarray, q: float) -> int:
    """Rejections of Benjamini, Krieger and Yekutieli's two-stage rule at q."""
    ordered, m = np.sort(p), len(p)

    def step_up(level: float) -> int:
        passed = np.flatnonzero(ordered <= level * np.arange(1, m + 1) / m)
        return int(passed[-1]) + 1 if len(passed) else 0

    first = step_up(q / (1 + q))
    if first in (0, m):
        return first
    return step_up(q / (1 + q) * m / (m - first))


@given(P_LISTS)
@settings(max_examples=200, deadline=None)
def test_sharpened_q_rejects_exactly_when_the_two_stage_rule_does(p: list[float]) -> None:
    values = np.array(p)
    q = np.sort(sharpened_q(values))
    for level in (*(q[q < 1] * (1 + 1e-9) + 1e-300), *(q[q < 1] * (1 - 1e-9)), 0.05, 0.1, 0.5):
        if np.any(np.abs(q - level) < 1e-12 * level) or not 0 < level < 1:
            continue
        assert _two_stage(values, level) == (q <= level).sum()


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_hommel_is_the_closure_of_simes_tests(p: list[float]) -> None:
    values = np.array(p)
    expected = np.zeros(len(p))
    for size in range(1, len(p) + 1):
        for subset in combinations(range(len(p)), size):
            ranked = np.sort(values[list(subset)])
            simes = np.min(size * ranked / np.arange(1, size + 1))
            for j in subset:
                expected[j] = max(expected[j], simes)
    hommel = adjust(values, Correction.HOMMEL)
    np.testing.assert_allclose(hommel, np.minimum(1, expected), rtol=1e-12)
    hochberg, holm = (adjust(values, Correction(name)) for name in ("hochberg", "holm"))
    assert (hommel <= hochberg + 1e-15).all()
    assert (hochberg <= holm + 1e-15).all()


@given(P_LISTS)
@settings(max_examples=100, deadline=None)
def test_corrections_are_ordered_and_keep_the_order_of_p(p: list[float]) -> None:
    values = np.array(p)
    holm, bonferroni, bh, by = (
        adjust(values, Correction(name)) for name in ("holm", "bonferroni", "bh", "by")
    )
    assert (bh <= holm + 1e-15).all()
    assert (holm <= bonferroni + 1e-15).all()
    assert (bh <= by + 1e-15).all()
    assert (values <= bh + 1e-15).all()
    order = np.argsort(values, kind="stable")
    for corrected in (holm, bonferroni, bh, by, sharpened_q(values)):
        assert (np.diff(corrected[order]) >= -1e-15).all()


def test_step_down_gains_and_definition(rng: np.random.Generator) -> None:
    draws, t = rng.standard_normal((200, 4)), np.array([2.5, 0.4, -1.9, 1.0])
    by_hand = []
    left = [0, 2, 3, 1]
    for step in range(4):
        larger = np.abs(draws[:, left[step:]]).max(axis=1) >= abs(t[left[step]])
        by_hand.append((1 + larger.sum()) / 201)
    stepped = romano_wolf(t, draws)
    np.testing.assert_allclose(stepped[left], np.maximum.accumulate(by_hand))
    assert (stepped <= single_step_max_t(t, draws)).all()
    from scipy.special import ndtr

    p, p_draws = 2 * ndtr(-np.abs(t)), 2 * ndtr(-np.abs(draws))
    np.testing.assert_allclose(westfall_young(p, p_draws), stepped)


def test_identical_outcomes_pay_nothing_and_refusals(rng: np.random.Generator) -> None:
    draws = np.repeat(rng.standard_normal((999, 1)), 5, axis=1)
    t = np.full(5, 2.1)
    alone = (1 + (np.abs(draws[:, 0]) >= 2.1).sum()) / 1000
    np.testing.assert_allclose(romano_wolf(t, draws), alone)
    with pytest.raises(ImpactEvalError) as error:
        adjust([0.2, 1.2, np.nan])
    assert error.value.codes == ("p_value_out_of_range",)
    with pytest.raises(ImpactEvalError) as error:
        romano_wolf([1.0, np.nan], np.ones((3, 3)))
    assert set(error.value.codes) == {"shape_mismatch", "not_finite"}
