"""What must hold of reliability whatever the data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.stats.scales.item_matrix import covariance_of
from impact_eval.stats.scales.item_statistics import item_statistics
from impact_eval.stats.scales.reliability import (
    Alpha,
    AlphaBootstrap,
    alpha_bootstrap,
    cronbach_alpha,
    feldt_interval,
)
from impact_eval.stats.scales.split_half import guttman_bounds, spearman_brown, split_half


def answers(seed: int, n: int = 80, k: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(np.rint(3 + rng.normal(size=(n, 1)) + rng.normal(size=(n, k))), 1, 5)


def alpha_of(x: np.ndarray) -> Alpha:
    result = cronbach_alpha(x)
    assert isinstance(result, Alpha)
    return result


@pytest.mark.parametrize("times", [2, 3, 5])
def test_alpha_of_parallel_items_follows_spearman_brown(times: int) -> None:
    one = answers(1)
    r = np.corrcoef(one[:, 0], one[:, 1])[0, 1]
    two = np.column_stack([(c - c.mean()) / c.std() for c in one[:, :2].T])
    assert alpha_of(two).value == pytest.approx(spearman_brown(r), abs=1e-12)
    lengthened = np.full((2 * times, 2 * times), r) + (1 - r) * np.eye(2 * times)
    chol = np.linalg.cholesky(lengthened)
    z = np.linalg.qr(np.random.default_rng(2).normal(size=(200, 2 * times)))[0]
    z = z - z.mean(axis=0)
    white = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T
    value = alpha_of(white @ chol.T).value
    assert value == pytest.approx(spearman_brown(spearman_brown(r), times=times), abs=1e-10)


def test_alpha_of_duplicated_items() -> None:
    # Each item twice: between-copy covariance is the item's own variance; from V and k alone
    # alpha' = 2k/(2k-1) (1 - 2 tr V / (4 1'V1)).
    x = answers(3)
    v, _ = covariance_of(x)
    k = x.shape[1]
    expected = 2 * k / (2 * k - 1) * (1 - np.trace(v) / (2 * v.sum()))
    assert alpha_of(np.hstack([x, x])).value == pytest.approx(expected, abs=1e-12)
    assert alpha_of(np.hstack([x[:, :1]] * 4)).value == pytest.approx(1.0, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-5, 5), scale=st.floats(0.1, 9))
def test_alpha_ignores_order_and_scale(seed: int, shift: float, scale: float) -> None:
    x = answers(seed)
    rng = np.random.default_rng(seed)
    moved = shift + scale * x[rng.permutation(len(x))][:, rng.permutation(x.shape[1])]
    a, b = alpha_of(x), alpha_of(moved)
    assert b.value == pytest.approx(a.value, abs=1e-9)
    assert b.conf_low == pytest.approx(a.conf_low, abs=1e-9)
    assert a.conf_low < a.value < a.conf_high


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 9))
def test_order_of_the_bounds(seed: int, k: int) -> None:
    b = guttman_bounds(covariance_of(answers(seed, k=k))[0])
    assert b.lambda1 <= b.lambda3 <= b.lambda2 + 1e-12
    assert b.lambda1 <= b.lambda5 <= 1
    assert b.split_min <= b.split_mean <= b.lambda4 <= 1
    if k % 2 == 0:  # the mean over all even splits is alpha (Cronbach 1951)
        assert b.split_mean == pytest.approx(b.lambda3, abs=1e-10)


def test_search_finds_the_best_split_of_twenty_items() -> None:
    x = answers(5, n=200, k=20)
    v = covariance_of(x)[0]
    b = guttman_bounds(v)
    assert not b.every_split
    assert b.lambda3 - 0.02 < b.lambda4 < 1
    # brute force over random splits never beats the search
    rng = np.random.default_rng(0)
    signs = np.array([rng.permutation(np.repeat([1.0, -1.0], 10)) for _ in range(20_000)])
    assert (1 - np.sum(signs @ v * signs, axis=1) / v.sum()).max() <= b.lambda4 + 1e-12


def test_item_rest_by_brute_force() -> None:
    x = answers(8)
    got = item_statistics(x)
    for j in range(x.shape[1]):
        others = np.delete(x, j, axis=1)
        r = np.corrcoef(x[:, j], others.sum(axis=1))[0, 1]
        assert got.item_rest[j] == pytest.approx(r, abs=1e-12)
        assert got.alpha_if_dropped[j] == pytest.approx(alpha_of(others).value, abs=1e-12)


def test_bootstrap_equals_a_plain_loop_and_is_seeded() -> None:
    x = answers(9, n=40)
    fast = alpha_bootstrap(x, rng=np.random.default_rng(5), draws=300)
    again = alpha_bootstrap(x, rng=np.random.default_rng(5), draws=300)
    assert fast == again
    rng = np.random.default_rng(5)
    slow = []
    for _ in range(300):
        picked = rng.integers(0, 40, size=40, dtype=np.int32)
        slow.append(alpha_of(x[picked]).value)
    assert isinstance(fast, AlphaBootstrap)
    assert fast.percentile_low == pytest.approx(np.quantile(slow, 0.025), abs=1e-12)
    assert fast.std_error == pytest.approx(np.std(slow, ddof=1), abs=1e-12)


def test_feldt_interval_holds_its_level_on_parallel_normal_items() -> None:
    rng = np.random.default_rng(11)
    n, k, truth = 15, 5, spearman_brown(0.4, times=5)
    x = np.sqrt(0.4) * rng.normal(size=(4000, n, 1)) + np.sqrt(0.6) * rng.normal(size=(4000, n, k))
    v = x.var(axis=1, ddof=1).sum(axis=1)
    alphas = k / (k - 1) * (1 - v / x.sum(axis=2).var(axis=1, ddof=1))
    bounds = np.array([feldt_interval(a, n=n, n_items=k) for a in alphas])
    inside = np.mean((bounds[:, 0] < truth) & (truth < bounds[:, 1]))
    # 99.9 % binomial band of 0.95 over 4 000 runs
    assert abs(inside - 0.95) < 3.29 * np.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (np.ones((10, 1)), "too_few_items"),
        (np.ones((2, 3)), "too_few_persons"),
        (np.ones((10, 3)), "no_variance"),
        (np.full((10, 3), np.nan), "too_few_persons"),
    ],
)
def test_what_cannot_be_computed_says_why(x: np.ndarray, reason: str) -> None:
    rng = np.random.default_rng(0)
    for call in (cronbach_alpha, split_half, item_statistics,
                 lambda m: alpha_bootstrap(m, rng=rng)):  # fmt: skip
        result = call(x)
        assert isinstance(result, NotApplicable)
        assert result.reason == reason


@pytest.mark.parametrize(
    ("x", "code"),
    [
        ([["oui", "non"]], "items_not_numeric"),
        ([1.0, 2.0], "items_not_a_matrix"),
        ([[1.0, np.inf], [2.0, 1.0]], "items_not_finite"),
    ],
)
def test_what_is_not_a_matrix_is_refused(x: object, code: str) -> None:
    with pytest.raises(ImpactEvalError) as refusal:
        cronbach_alpha(x)
    assert refusal.value.codes == (code,)
