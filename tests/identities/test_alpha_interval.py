"""The interval of alpha on floored answers: by brute force, and by its invariances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.alpha_interval import alpha_interval
from impact_eval.stats.scales.reliability import Alpha, cronbach_alpha


def floored(seed: int, n: int, k: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    latent = 0.7 * rng.normal(size=(n, 1)) + np.sqrt(0.51) * rng.normal(size=(n, k))
    return np.digitize(latent, [0.8, 1.5, 2.1]).astype(float)


def alpha_by_hand(x: np.ndarray) -> float:
    k = x.shape[1]
    whole = x.sum(axis=1).var(ddof=1)
    return float(k / (k - 1) * (1 - x.var(axis=0, ddof=1).sum() / whole))


@pytest.mark.parametrize("seed", range(5))
def test_the_ends_are_those_of_alphas_recomputed_without_each_person(seed: int) -> None:
    x = floored(seed, 40, 6)
    n, alpha = len(x), alpha_by_hand(x)
    whole = np.log(1 - alpha)
    without = np.array([np.log(1 - alpha_by_hand(np.delete(x, i, axis=0))) for i in range(n)])
    pseudo = n * whole - (n - 1) * without
    kurtosis = stats.kurtosis(pseudo, fisher=False)
    df = min(n - 1, max(2, 2 * n / (kurtosis - 1)))
    half = stats.t.ppf(0.975, df) * pseudo.std(ddof=1) / np.sqrt(n)
    low, high = alpha_interval(x)
    assert low == pytest.approx(1 - (1 - alpha) * (1 + half / 2) ** 2, abs=1e-12)
    q = (df / (n - 1)) ** 2
    rest = q * (1 - half / 2) ** 2 + (1 - q) * (1 - half)
    assert high == pytest.approx(min(1, 1 - (1 - alpha) * rest), abs=1e-12)


def test_order_unit_and_origin_change_nothing() -> None:
    x = floored(9, 50, 5)
    rng = np.random.default_rng(0)
    moved = 3 + 2.5 * x[rng.permutation(50)][:, rng.permutation(5)]
    assert alpha_interval(moved) == pytest.approx(alpha_interval(x), abs=1e-10)


def test_the_interval_reported_holds_both_feldts_and_the_other() -> None:
    x = floored(3, 60, 8)
    found, own = cronbach_alpha(x), alpha_interval(x)
    assert isinstance(found, Alpha)
    assert found.conf_low == min(found.feldt_low, own[0])
    assert found.conf_high == max(found.feldt_high, own[1])


def test_what_has_no_interval_is_refused_in_codes() -> None:
    twins = np.repeat(np.arange(10.0)[:, None], 3, axis=1)
    for x, reason in [
        (np.ones((10, 1)), "too_few_items"),
        (np.ones((3, 4)), "too_few_persons"),
        (np.ones((10, 4)), "no_variance"),
        (twins, "no_variance"),
    ]:
        refused = alpha_interval(x)
        assert isinstance(refused, NotApplicable)
        assert refused.reason == reason
    same = cronbach_alpha(twins)
    assert isinstance(same, Alpha)
    assert (same.conf_low, same.conf_high) == pytest.approx((1, 1))
