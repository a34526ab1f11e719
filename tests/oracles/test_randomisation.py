"""Randomisation inference against published exact p-values, ri2 and brute force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from impact_eval.core import ImpactEvalError
from impact_eval.stats.inference.randomisation import (
    DeclaredDraw,
    assignments,
    count_assignments,
    declare_draw,
    difference_scores,
    linear_randomisation_test,
    randomisation_test,
)

Read = Callable[[str], Any]
RNG = np.random.default_rng


def _gap(y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda z: (z @ y) / z.sum(axis=1) - ((1 - z) @ y) / (1 - z).sum(axis=1)


def test_gerber_green_seven_villages() -> None:
    y = np.array([15.0, 15, 20, 20, 10, 15, 30])
    draw = declare_draw([1, 0, 0, 0, 0, 0, 1])
    for test in (
        randomisation_test(draw, _gap(y), rng=RNG(1)),
        linear_randomisation_test(draw, difference_scores(y, draw), rng=RNG(1)),
    ):
        assert test.statistic == pytest.approx(6.5)
        assert test.n_draws == 21
        assert test.p_value == pytest.approx(8 / 21, rel=1e-12)


def test_ri2_blocked_and_clustered() -> None:
    """Eighteen units in nine clusters and three blocks: 7 of 36 draws."""
    y = np.array([8, 6, 2, 0, 3, 1, 1, 1, 2, 2, 0, 1, 0, 2, 2, 4, 1, 1.0])
    z = [1, 0, 1, 0, 1, 1, 0, 1, 0]
    blocks = np.array([1, 1, 2, 2, 2, 3, 3, 3, 3])
    draw = declare_draw(z, blocks=blocks)
    assert count_assignments(draw) == 36
    share = np.array([np.mean(np.array(z)[blocks == b]) for b in blocks])
    totals = y.reshape(9, 2).sum(axis=1)
    scores = np.column_stack([-totals / (1 - share), totals / share]) / 18
    test = linear_randomisation_test(draw, scores, rng=RNG(1))
    assert test.statistic == pytest.approx(2)
    assert test.p_value == pytest.approx(7 / 36, rel=1e-12)


def test_lady_tasting_tea() -> None:
    draw = declare_draw([1, 1, 1, 1, 0, 0, 0, 0])
    cups = np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
    test = linear_randomisation_test(draw, np.column_stack([0 * cups, cups]), rng=RNG(1))
    assert test.p_upper == pytest.approx(1 / 70, rel=1e-12)


def test_stored_paired_and_complete(reference: Read) -> None:
    stored = reference("causal/randomisation_inference")["results"]
    paired = stored["paired"]
    gaps = np.array(paired["differences"])
    labels = np.tile([1, 0], len(gaps))
    draw = declare_draw(labels, blocks=np.repeat(np.arange(len(gaps)), 2))
    outcome = np.column_stack([gaps, 0 * gaps]).ravel() * 1.0
    test = linear_randomisation_test(
        draw, difference_scores(outcome, draw), rng=RNG(1), draws=40_000
    )
    assert (test.n_draws, test.exact) == (paired["n_enumerated"], True)
    assert test.statistic == pytest.approx(paired["statistic"], rel=1e-10)
    assert test.p_value == paired["p_two_sided"]
    assert test.p_upper == paired["p_upper"]
    whole = stored["complete14"]
    draw = declare_draw(whole["z"])
    test = linear_randomisation_test(draw, difference_scores(whole["y"], draw), rng=RNG(1))
    assert test.n_draws == whole["n_enumerated"]
    assert test.p_value == pytest.approx(whole["p_two_sided"], rel=1e-12)
    assert test.p_upper == pytest.approx(whole["p_upper"], rel=1e-12)


def _staggered(rng: np.random.Generator) -> tuple[DeclaredDraw, np.ndarray, np.ndarray]:
    """Eight territories, waves in periods 3 and 5 of 6; scores of the mean cohort effect."""
    cohorts = np.array([3, 3, 5, 5, 99, 99, 99, 99])
    y = rng.standard_normal((8, 6)).cumsum(axis=1)
    draw = declare_draw(cohorts)

    def scores(outcome: np.ndarray) -> np.ndarray:
        out = np.zeros((8, 3))
        for code, g in enumerate((3, 5)):
            change = outcome[:, g - 1 :].mean(axis=1) - outcome[:, : g - 1].mean(axis=1)
            out[:, code] += change / 2 / 2
            out[:, 2] -= change / 4 / 2
        return out

    return draw, y, scores


def test_staggered_roll_out_enumerated_and_inverted(rng: np.random.Generator) -> None:
    draw, y, scores = _staggered(rng)
    assert count_assignments(draw) == 420
    exposure = (np.arange(1, 7) >= np.array(draw.values)[draw.labels][:, None]).astype(float)
    test = linear_randomisation_test(draw, scores(y), exposure=scores(exposure), rng=rng)
    assert test.exact
    # brute force: subtract the effect, test again
    for bound, outward in ((test.conf_low, -1), (test.conf_high, 1)):
        assert bound is not None
        inner, outer = (
            linear_randomisation_test(
                draw, scores(y - (bound + step * outward) * exposure), rng=rng
            ).p_value
            for step in (-1e-7, 1e-7)
        )
        assert inner > 0.05 >= outer
    shifted = linear_randomisation_test(
        draw, scores(y + 2 * exposure), exposure=scores(exposure), rng=rng
    )
    assert shifted.conf_low == pytest.approx(test.conf_low + 2, rel=1e-9)


def test_enumeration_is_the_set_of_distinct_arrangements(rng: np.random.Generator) -> None:
    draw = declare_draw(["a", "b", "b", "c", "a"], blocks=[1, 1, 1, 2, 2])
    found = assignments(draw, rng=rng)
    assert found.exact
    assert len(found.labels) == count_assignments(draw) == 6
    assert len(np.unique(found.labels, axis=0)) == 6
    assert (found.labels == draw.labels).all(axis=1).sum() == 1
    for row in found.labels:
        assert sorted(row[:3]) == sorted(draw.labels[:3])


def test_sample_of_assignments_comes_close_and_counts_the_observed(
    rng: np.random.Generator,
) -> None:
    y = rng.standard_normal(14) + np.repeat([0.6, 0], 7)
    draw = declare_draw(np.repeat([1, 0], 7))
    exact = linear_randomisation_test(draw, difference_scores(y, draw), rng=rng)
    sampled = linear_randomisation_test(draw, difference_scores(y, draw), rng=rng, draws=3000)
    assert (exact.n_draws, exact.exact, sampled.exact) == (3432, True, False)
    # four Monte Carlo errors of 3,000 draws
    margin = 4 * np.sqrt(exact.p_value * (1 - exact.p_value) / 3000)
    assert sampled.p_value == pytest.approx(exact.p_value, abs=margin)
    far = linear_randomisation_test(
        declare_draw(np.repeat([1, 0], 20)),
        difference_scores(np.repeat([9.0, 0], 20), declare_draw(np.repeat([1, 0], 20))),
        rng=rng,
        draws=99,
    )
    assert far.p_value == 1 / 100


def test_restricted_draw(rng: np.random.Generator) -> None:
    x = np.arange(8.0)

    def balanced(labels: np.ndarray) -> np.ndarray:
        return np.abs(labels @ x - (1 - labels) @ x) <= 4

    draw = declare_draw([1, 0, 0, 1, 0, 1, 1, 0], accept=balanced)
    found = assignments(draw, rng=rng)
    assert 2 < len(found.labels) < 70
    assert balanced(found.labels).all()
    sampled = assignments(draw, rng=rng, draws=60)
    assert not sampled.exact
    assert len(sampled.labels) == 60
    assert balanced(sampled.labels).all()
    with pytest.raises(ImpactEvalError) as error:
        declare_draw([1, 1, 1, 1, 0, 0, 0, 0], accept=balanced)
    assert error.value.codes == ("assignment_not_allowed",)


def test_refusals_and_warnings(rng: np.random.Generator) -> None:
    with pytest.raises(ImpactEvalError) as error:
        declare_draw([1, 1, 0], blocks=[0, 0, 1])
    assert error.value.codes == ("no_variation_in_draw",)
    draw = declare_draw([1, 0, 0, 0])
    scores = difference_scores([5.0, 1, 2, 0], draw)
    exposure = difference_scores([1.0, 0, 0, 0], draw)
    test = linear_randomisation_test(draw, scores, exposure=exposure, rng=rng)
    assert {f.code for f in test.findings} == {"randomisation_cannot_reject", "interval_unbounded"}
    assert (test.p_value, test.conf_low) == (0.25, -np.inf)
    with pytest.raises(ImpactEvalError) as error:
        linear_randomisation_test(draw, np.ones((4, 3)), rng=rng)
    assert error.value.codes == ("shape_mismatch",)
