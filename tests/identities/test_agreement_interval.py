"""The interval of test-retest agreement: by brute force, and how often it holds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.agreement import intraclass_correlation
from impact_eval.stats.scales.agreement_interval import agreement_interval


def twice(rng: np.random.Generator, n: int, cuts: list[float]) -> np.ndarray:
    """Return the totals of nine floored questions, asked twice."""
    trait = rng.normal(size=(n, 1, 1))
    again = 0.7 * trait + np.sqrt(0.51) * rng.normal(size=(n, 1, 2))
    latent = 0.7 * again + np.sqrt(0.51) * rng.normal(size=(n, 9, 2))
    return np.digitize(latent, cuts).sum(axis=1).astype(float)


def test_by_leaving_each_person_out() -> None:
    x = twice(np.random.default_rng(1), 40, [0.8, 1.5, 2.1])
    n, plain = len(x), intraclass_correlation(x)
    without = [np.arctanh(intraclass_correlation(np.delete(x, i, 0)).value) for i in range(n)]
    pseudo = n * np.arctanh(plain.value) - (n - 1) * np.array(without)
    df = min(n - 1, max(2, 2 * n / (stats.kurtosis(pseudo, fisher=False) - 1)))
    half = stats.t.ppf(0.975, df) * pseudo.std(ddof=1) / np.sqrt(n)
    low, high = agreement_interval(x)
    middle = np.arctanh(plain.value)
    assert low == pytest.approx(min(plain.conf_low, np.tanh(middle - half)), abs=1e-10)
    assert high == pytest.approx(max(plain.conf_high, np.tanh(middle + half)), abs=1e-10)


def test_too_few_people_are_refused() -> None:
    refused = agreement_interval([[1, 2], [3, 3], [5, 4]])
    assert isinstance(refused, NotApplicable)
    assert refused.reason == "too_few_persons"
    assert agreement_interval(np.ones((9, 2))).reason == "no_variance"


@pytest.mark.long
@pytest.mark.parametrize("n", [30, 100, 300])
@pytest.mark.parametrize("cuts", [[-1, 0, 1], [0.8, 1.5, 2.1]])
def test_it_holds_on_floored_scores(n: int, cuts: list[float]) -> None:
    rng = np.random.default_rng([n, len(cuts)])
    big = twice(rng, 400_000, cuts)
    truth = float(np.cov(big.T)[0, 1] / np.diag(np.cov(big.T)).mean())
    held = sum(low <= truth <= high for low, high in
               (agreement_interval(twice(rng, n, cuts)) for _ in range(600)))  # fmt: skip
    assert held / 600 > 0.92 - 3.29 * np.sqrt(0.05 * 0.95 / 600)
