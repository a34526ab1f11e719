"""How often the interval of alpha holds the truth: bell-shaped answers, floored, and noise."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.stats.scales.reliability import Alpha, cronbach_alpha

pytestmark = pytest.mark.long
CUTS = {"bell": [-1, 0, 1], "floored": [0.8, 1.5, 2.1], "rare_yes": [1.0]}
RUNS = 600
SLACK = 3.29 * np.sqrt(0.05 * 0.95 / RUNS)


def graded(rng: np.random.Generator, n: int, k: int, loading: float, shape: str) -> np.ndarray:
    noise = np.sqrt(1 - loading**2) * rng.normal(size=(n, k))
    return np.digitize(loading * rng.normal(size=(n, 1)) + noise, CUTS[shape]).astype(float)


@pytest.mark.parametrize("shape", CUTS)
@pytest.mark.parametrize(("loading", "k"), [(0.7, 9), (0.5, 5), (0.0, 5)])
@pytest.mark.parametrize("n", [15, 30, 60, 150, 300])
def test_alpha_is_covered(n: int, loading: float, k: int, shape: str) -> None:
    rng = np.random.default_rng([n, k, len(shape)])
    truth = cronbach_alpha(graded(rng, 400_000, k, loading, shape))
    assert isinstance(truth, Alpha)
    held, feldt, seen = 0, 0, 0
    for _ in range(RUNS):
        found = cronbach_alpha(graded(rng, n, k, loading, shape))
        if isinstance(found, Alpha):
            seen += 1
            held += found.conf_low <= truth.value <= found.conf_high
            feldt += found.feldt_low <= truth.value <= found.feldt_high
    assert held / seen > 0.93 - SLACK
    if shape == "floored" and loading > 0.6:
        assert feldt / seen < 0.90  # why Feldt's alone is not reported
