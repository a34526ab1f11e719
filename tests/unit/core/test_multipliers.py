"""The multiplier bootstrap: moments of its weights, enumeration, blocks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from impact_eval.core.multipliers import MULTIPLIERS, multiplier_sums


@pytest.mark.parametrize("law", MULTIPLIERS)
def test_sums_have_mean_zero_and_the_variance_of_the_estimate(law: str) -> None:
    rng = np.random.default_rng(1)
    psi = rng.normal(size=(5_000, 3))  # more than one block
    sums = multiplier_sums(psi, law=law, draws=4_000, rng=rng)
    spread = np.sqrt((psi**2).sum(axis=0))
    np.testing.assert_allclose(sums.mean(axis=0) / spread, 0, atol=4 / np.sqrt(4_000))
    np.testing.assert_allclose(np.cov(sums.T), psi.T @ psi, atol=0.08 * (spread.max() ** 2))


def test_mammen_keeps_the_third_moment() -> None:
    rng = np.random.default_rng(2)
    sums = multiplier_sums(np.ones((1, 1)), law="mammen", draws=200_000, rng=rng)
    assert np.mean(sums**3) == pytest.approx(1, abs=0.03)


def test_rademacher_is_the_law_of_all_sign_changes() -> None:
    psi = np.array([[1.0], [2.0], [4.0]])
    sums = multiplier_sums(psi, law="rademacher", draws=80_000, rng=np.random.default_rng(3))
    every = np.sort([float(np.dot(signs, psi[:, 0])) for signs in product([-1, 1], repeat=3)])
    values, counts = np.unique(sums, return_counts=True)
    np.testing.assert_allclose(values, every)
    np.testing.assert_allclose(counts / 80_000, 1 / 8, atol=0.006)


def test_same_seed_same_draws() -> None:
    psi = np.arange(12.0).reshape(6, 2)
    one, other = (
        multiplier_sums(psi, law="mammen", draws=50, rng=np.random.default_rng(4)) for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)
