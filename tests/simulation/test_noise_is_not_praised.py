"""How often noise is praised, and how often a real scale is still recognised."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.survey.quality import measurement_quality
from impact_eval.survey.quality_common import CommonGround

pytestmark = pytest.mark.long
PRAISE = {
    "quality_alpha_redundant",
    "quality_general_factor",
    "quality_invariance_holds",
    "quality_read_alpha_fair",
    "quality_read_alpha_good",
    "quality_read_omega",
    "quality_read_one_factor",
    "quality_read_parallel",
}
# Shares of the lowest answer to the highest: four even answers, yes or no, and most at the floor.
SHARES = {"four": [0.25] * 4, "yes_no": [0.5, 0.5], "floored": [0.85, 0.1, 0.03, 0.02]}


@pytest.mark.parametrize("shape", SHARES)
@pytest.mark.parametrize("k", [3, 10, 25])
@pytest.mark.parametrize("n", [15, 30, 60, 300])
def test_noise_is_praised_five_times_in_a_hundred_at_most(n: int, k: int, shape: str) -> None:
    rng = np.random.default_rng([n, k, len(shape)])
    runs = 100 if n < 60 else 20
    share = SHARES[shape]
    praised = 0
    for run in range(runs):
        x, later = rng.choice(len(share), p=share, size=(2, n, k)).astype(float)
        said = {f.code for f in measurement_quality(x, later=later, seed=run).findings}
        praised += bool(said & PRAISE)
    assert praised <= max(1, 0.05 * runs)


@pytest.mark.parametrize("k", [5, 10])
def test_a_real_scale_of_sixty_people_reads_as_one_dimension(k: int) -> None:
    rng = np.random.default_rng(k)
    recognised = 0
    for run in range(40):
        latent = 0.6 * rng.normal(size=(60, 1)) + 0.8 * rng.normal(size=(60, k))
        report = measurement_quality(np.digitize(latent, [-1, 0, 1]).astype(float), seed=run)
        one = report.structure.parallel.n_dimensions == 1
        recognised += one and report.common is CommonGround.SHOWN
    assert recognised >= 30
