"""Inverse probability tilting: balance where weights exist, and the word of it where none do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from impact_eval.stats.surveys.propensity import fit_calibrated_propensity


def reachable(target: np.ndarray, rows: np.ndarray) -> float:
    """Return the least weight that some weighting of `rows` with this total needs; -1 if none."""
    n, k = rows.shape
    # maximise t with w_i >= t and rows'w = target
    bound = np.column_stack([-np.eye(n), np.ones(n)])
    equal = np.column_stack([rows.T, np.zeros(k)])
    cost = np.append(np.zeros(n), -1.0)
    limits = [(0, None)] * n + [(None, 1.0)]
    found = linprog(cost, bound, np.zeros(n), equal, target, bounds=limits)
    return float(-found.fun) if found.status == 0 else -1.0


@pytest.mark.parametrize("seed", range(40))
def test_balance_is_reached_where_linear_programming_finds_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k = 24, 3
    design = np.column_stack([np.ones(n), rng.normal(size=(n, k))])
    treated = np.arange(n) < 12
    design[treated, 1:] += rng.choice([0.0, 1.0, 2.0])
    room = reachable(treated @ design, design[~treated])
    fit = fit_calibrated_propensity(treated, design, np.ones(n))
    assert fit.separated == (room < 0)
    if room > 1e-3:
        odds = np.where(treated, 0.0, fit.share / (1 - fit.share))
        np.testing.assert_allclose(odds @ design, treated @ design, rtol=1e-9, atol=1e-9)


def test_both_cases_were_met() -> None:
    met = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        design = np.column_stack([np.ones(24), rng.normal(size=(24, 3))])
        treated = np.arange(24) < 12
        design[treated, 1:] += rng.choice([0.0, 1.0, 2.0])
        met.add(reachable(treated @ design, design[~treated]) >= 0)
    assert met == {True, False}


def test_balance_does_not_depend_on_the_unit_of_a_column() -> None:
    rng = np.random.default_rng(3)
    income = 30_000 + 20 * rng.normal(size=400)
    design = np.column_stack([np.ones(400), income])
    treated = rng.random(400) < 1 / (1 + np.exp(-(income - 30_000) / 30))
    fit = fit_calibrated_propensity(treated, design, np.ones(400))
    odds = np.where(treated, 0.0, fit.share / (1 - fit.share))
    assert not fit.separated
    centred = design - [0, 30_000]
    np.testing.assert_allclose(odds @ centred, treated @ centred, rtol=1e-8)
