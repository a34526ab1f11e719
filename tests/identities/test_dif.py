"""Differential item functioning: simulated truth, symmetry, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.dif import (
    DifSize,
    EtsClass,
    dif_screen,
    mantel_haenszel_dif,
    ordinal_logistic_dif,
)


def latent(seed: int, n: int = 800, k: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + rng.normal(size=(n, k)), np.repeat(["F", "H"], n // 2)


def test_a_drifting_item_is_found_and_only_it() -> None:
    y, group = latent(1)
    y[group == "H", 3] += 1.2
    found = dif_screen(np.digitize(y, [-1, 0, 1]), group)
    assert found.flagged == (3,)
    assert found.stable
    assert found.rounds >= 2
    assert found.items[3].group_effect > 0
    assert found.items[3].size is not DifSize.NEGLIGIBLE
    binary = dif_screen((y > 0).astype(float), group)
    assert binary.flagged == (3,)
    assert binary.items[3].ets is EtsClass.C
    assert binary.items[3].delta > 0, "easier for the focal group"


def test_a_real_difference_between_groups_is_not_a_fault_of_items() -> None:
    y, group = latent(2)
    y[group == "H"] += 0.6
    assert dif_screen(np.digitize(y, [-1, 0, 1]), group).flagged == ()
    assert dif_screen((y > 0).astype(float), group).flagged == ()


def test_swapping_the_groups_flips_the_sign() -> None:
    y, group = latent(3)
    answers, total = (y[:, 0] > 0).astype(float), (y > 0).sum(axis=1)
    swapped = np.where(group == "F", "H", "F")
    one, two = (mantel_haenszel_dif(answers, total, g) for g in (group, swapped))
    assert two.delta == pytest.approx(-one.delta, abs=1e-12)
    assert two.p_value == pytest.approx(one.p_value, rel=1e-12)
    ordered = np.digitize(y[:, 0], [-1, 0, 1])
    a, b = (ordinal_logistic_dif(ordered, total, g) for g in (group, swapped))
    assert b.group_effect == pytest.approx(-a.group_effect, abs=1e-6)
    assert b.total.statistic == pytest.approx(a.total.statistic, abs=1e-6)


def test_size_of_the_tests_without_drift() -> None:
    hits = runs = 0
    for seed in range(25):
        y, group = latent(100 + seed, n=400)
        trait = y[:, 1:].mean(axis=1)
        found = ordinal_logistic_dif(np.digitize(y[:, 0], [-1, 0, 1]), trait, group)
        hits += found.total.p_value < 0.05
        runs += 1
    assert hits / runs <= 0.05 + 3.29 * np.sqrt(0.0475 / runs)


def test_three_groups_and_missing_answers() -> None:
    y, _ = latent(4, n=900)
    group = np.repeat([1, 2, 3], 300)
    answers = np.digitize(y[:, 0], [-1, 0, 1]).astype(float)
    answers[:5] = np.nan
    found = ordinal_logistic_dif(answers, y[:, 1:].sum(axis=1), group)
    assert (found.total.df, found.uniform.df, found.n) == (4, 2, 895)


def test_refusals() -> None:
    y, group = latent(5)
    x = np.digitize(y, [-1, 0, 1]).astype(float)
    total, binary = x.sum(axis=1), (y[:, 0] > 0).astype(float)
    three = np.repeat([1, 2, 3, 4], 200)
    for result, reason in [
        (ordinal_logistic_dif(x[380:420, 0], total[380:420], group[380:420]), "dif_small_group"),
        (ordinal_logistic_dif(x[:, 0], total, np.zeros(800)), "dif_one_group"),
        (mantel_haenszel_dif(x[:, 0], total, group), "irt_needs_binary"),
        (mantel_haenszel_dif(binary, total, three), "dif_two_groups_only"),
        (mantel_haenszel_dif(binary, total, np.zeros(800)), "dif_one_group"),
        (mantel_haenszel_dif(binary, np.arange(800.0), group), "dif_no_overlap"),
        (dif_screen(x[:, :3], group), "too_few_items"),
        (dif_screen(x[380:420], group[380:420]), "dif_small_group"),
    ]:
        assert isinstance(result, NotApplicable)
        assert result.reason == reason
