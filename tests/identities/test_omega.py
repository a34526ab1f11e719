"""Omega: closed forms and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.omega import (
    categorical_omega,
    hierarchical_omega,
    one_factor_omega,
    ordinal_alpha,
    schmid_leiman,
)


def test_parallel_items_make_omega_alpha() -> None:
    r = np.full((6, 6), 0.36)
    np.fill_diagonal(r, 1)
    expected = 6 * 0.36 / (1 + 5 * 0.36)
    assert one_factor_omega(r).value == pytest.approx(expected, abs=1e-9)
    assert ordinal_alpha(r) == pytest.approx(expected, abs=1e-12)


def test_schmid_leiman_recovers_a_second_order_population() -> None:
    first = np.array([0.8, 0.7, 0.6, 0.75, 0.65, 0.8, 0.7, 0.9, 0.6])
    load = np.zeros((9, 3))
    load[np.arange(9), np.arange(9) // 3] = first
    second = np.array([0.9, 0.7, 0.5])
    phi = np.outer(second, second)
    np.fill_diagonal(phi, 1)
    r = load @ phi @ load.T
    np.fill_diagonal(r, 1)
    found = hierarchical_omega(r, 3)
    general = first * np.repeat(second, 3)
    np.testing.assert_allclose(found.solution.general, general, atol=1e-6)
    assert found.hierarchical == pytest.approx(general.sum() ** 2 / r.sum(), abs=1e-6)
    assert found.total == pytest.approx(1 - np.sum(1 - first**2) / r.sum(), abs=1e-6)
    assert not found.reversed_items.any()
    signs = np.array([1, -1, 1, 1, 1, -1, 1, 1, 1])
    turned = hierarchical_omega(r * np.outer(signs, signs), 3)
    assert turned.hierarchical == pytest.approx(found.hierarchical, abs=1e-9)
    assert turned.reversed_items.sum() in (2, 7)


def test_categorical_omega_is_the_reliability_of_the_sum_of_answers() -> None:
    # Truth by simulation: correlation of two administrations to the same latent persons.
    rng = np.random.default_rng(2)
    load = np.array([0.8, 0.6, 0.7, 0.5])
    cuts = [np.array([-1.0, 0.2]), np.array([0.0]), np.array([-0.5, 0.5, 1.2]), np.array([1.0])]
    person = rng.normal(size=(400_000, 1))

    def total() -> np.ndarray:
        y = person * load + rng.normal(size=(400_000, 4)) * np.sqrt(1 - load**2)
        return sum(np.digitize(y[:, j], cuts[j]) for j in range(4))

    r = np.outer(load, load)
    np.fill_diagonal(r, 1)
    truth = np.corrcoef(total(), total())[0, 1]
    assert categorical_omega(load, cuts, r) == pytest.approx(truth, abs=0.004)


def test_refusals() -> None:
    for result, reason in [
        (one_factor_omega(np.eye(2)), "too_few_items"),
        (one_factor_omega(np.ones((4, 4))), "matrix_not_positive"),
        (schmid_leiman(np.eye(9), 1), "too_few_factors"),
        (hierarchical_omega(np.eye(4), 3), "too_many_factors"),
    ]:
        assert isinstance(result, NotApplicable)
        assert result.reason == reason
