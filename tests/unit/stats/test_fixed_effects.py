"""Fixed effects removed without indicators, against least squares on indicators."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.stats.panels import fixed_effects
from impact_eval.stats.panels.fixed_effects import absorb, count_effects


def _residuals(columns, groups, weights=None):
    dummies = np.hstack([(g[:, None] == np.unique(g)).astype(float) for g in groups])
    root = np.ones(len(columns)) if weights is None else np.sqrt(weights)
    fit = np.linalg.lstsq(dummies * root[:, None], columns * root[:, None], rcond=None)[0]
    return columns - dummies @ fit


def _table(rng, n=400, sizes=(40, 9, 5), holes=True):
    groups = [rng.integers(0, size, n) for size in sizes]
    for codes, size in zip(groups, sizes, strict=True):
        codes[:size] = np.arange(size)
    return rng.normal(size=(n, 3)), groups, rng.uniform(0.2, 3, n)


@pytest.mark.parametrize("sets", [1, 2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_residuals_are_those_of_indicators(rng, sets, weighted):
    columns, groups, weights = _table(rng)
    weights = weights if weighted else None
    found = absorb(columns, groups[:sets], weights=weights)
    want = _residuals(columns, groups[:sets], weights)
    np.testing.assert_allclose(found.columns, want, atol=1e-10)
    assert found.findings == ()


def test_balanced_closed_form(rng):
    unit, time = np.repeat(np.arange(30), 7), np.tile(np.arange(7), 30)
    columns = rng.normal(size=(210, 2))
    order = rng.permutation(210)
    found = absorb(columns[order], [time[order], unit[order]])
    assert found.iterations == 0
    np.testing.assert_allclose(found.columns, _residuals(columns, [unit, time])[order], atol=1e-12)


def test_iterations_agree_with_the_direct_solution(rng, monkeypatch):
    columns, groups, weights = _table(rng)
    direct = absorb(columns, groups[:2], weights=weights)
    monkeypatch.setattr(fixed_effects, "DIRECT_LEVELS", 1)
    iterated = absorb(columns, groups[:2], weights=weights)
    assert iterated.iterations > 0
    np.testing.assert_allclose(iterated.columns, direct.columns, atol=1e-10)


def test_running_out_of_iterations_is_said(rng, monkeypatch):
    columns, groups, _ = _table(rng)
    monkeypatch.setattr(fixed_effects, "MAX_ITERATIONS", 2)
    assert [f.code for f in absorb(columns, groups).findings] == ["not_converged"]


def test_rows_of_weight_zero_do_not_count(rng):
    columns, groups, weights = _table(rng)
    weights[:50] = 0
    kept = absorb(columns[50:], [g[50:] for g in groups], weights=weights[50:]).columns
    found = absorb(columns, groups, weights=weights).columns[50:]
    np.testing.assert_allclose(found, kept, atol=1e-9)


def test_counts_are_ranks(rng):
    _, groups, _ = _table(rng)
    dummies = np.hstack([(g[:, None] == np.unique(g)).astype(float) for g in groups[:2]])
    assert count_effects(groups[:2]).total == np.linalg.matrix_rank(dummies)
    # two islands that never meet: one more redundant level
    one = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    other = np.array([0, 1, 0, 1, 2, 3, 2, 3])
    assert count_effects([one, other]).total == 6


def test_nesting_convention():
    """What the clustered errors of fixest (K = k + T) and linearmodels (N + T - 1) count."""
    unit, time = np.repeat(np.arange(6), 4), np.tile(np.arange(4), 6)
    count = count_effects([unit, time], clusters=unit // 2)
    assert (count.total, count.nonnested, count.nested) == (9, 4, (True, False))
    assert count_effects([unit, time]).nonnested == 9
