"""Size and coverage, by simulation, of what claims to hold in small samples."""

import numpy as np
import pytest

from impact_eval.core import NotApplicable
from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs import CallawaySantAnna, SyntheticDiD
from impact_eval.diagnostics.few_clusters import FewClusters, few_clusters_inference
from impact_eval.stats.panels.honest import (
    HonestOptions,
    HonestProblem,
    IntervalMethod,
    acceptance,
    honest_interval,
)
from impact_eval.stats.panels.honest_restrictions import Shape

pytestmark = pytest.mark.long
ROLES = {"unit": "id", "time": "period", "cohort": "cohort"}


@pytest.mark.parametrize("method", [IntervalMethod.CONDITIONAL, IntervalMethod.C_LF])
def test_relative_magnitudes_cover_when_the_drift_is_at_its_limit(method: IntervalMethod) -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(6, 6)) * 0.3
    covariance = root @ root.T / 6 + 0.02 * np.eye(6)
    drift = np.array([1.0, 0.5, 0.5, 0.5, 1.0, 1.5])  # steps after equal the largest before
    drift[:3] = [0.5, 0.0, 0.0]
    truth = 2.0
    weights = np.full(3, 1 / 3)
    effects = np.concatenate([np.zeros(3), np.full(3, truth)])
    hits = draws = 0
    options = HonestOptions(shape=Shape.RELATIVE_MAGNITUDES, method=method)
    for _ in range(1500):
        estimates = rng.multivariate_normal(drift + effects, covariance)
        accepted = acceptance(HonestProblem(estimates, covariance, weights), 1.0, options)
        assert not isinstance(accepted, NotApplicable)
        hits += bool(accepted(np.array([truth]))[0])
        draws += 1
    # At least 95 %, less three standard errors of the simulation.
    assert hits / draws > 0.95 - 3 * np.sqrt(0.95 * 0.05 / draws)


def test_fixed_length_intervals_cover_at_their_largest_bias() -> None:
    rng = np.random.default_rng(2)
    covariance = 0.04 * np.eye(5) + 0.01
    weights = np.array([0.5, 0.5])
    m = 0.3
    kinks = np.array([9.0, 4.0, 1.0, 1.0, 4.0]) * m / 2  # second differences equal to m
    line = np.array([-3.0, -2, -1, 1, 2])
    options = HonestOptions(shape=Shape.SMOOTHNESS, method=IntervalMethod.FLCI)
    hits = 0
    for _ in range(600):
        estimates = rng.multivariate_normal(kinks + 0.7 * line, covariance)
        found = honest_interval(HonestProblem(estimates, covariance, weights), m, options)
        assert not isinstance(found, NotApplicable)
        hits += found.holds(0.0)
    assert hits / 600 > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 600)


@pytest.mark.parametrize("counts", [(1, 2), (3, 3)])
def test_randomisation_keeps_its_size_with_few_territories(counts: tuple[int, int]) -> None:
    cohorts = (*([4.0] * counts[0]), *([6.0] * counts[1]), *([np.inf] * (20 - sum(counts))))
    wrong = usual = draws = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        frame = staggered_panel(
            rng, units=20, periods=8, cohorts=cohorts, effect=0, slope=0, autocorrelation=0.5
        )
        frame = frame.assign(y=frame.y - 0.09 * frame.period * frame.x)  # no trend in x
        sample = Sample(frame, **ROLES)
        design = CallawaySantAnna()
        estimate = design.fit(sample, "y")
        found = few_clusters_inference(sample, "y", design, estimate, seed=seed)
        assert isinstance(found, FewClusters)
        assert found.headline.p_value is not None
        wrong += found.headline.p_value <= 0.05
        own = found.rows[-1].effect.p_value
        usual += own is not None and own <= 0.05
        draws += 1
    assert abs(wrong / draws - 0.05) < 3.3 * np.sqrt(0.05 * 0.95 / draws)  # binomial 99.9 % band
    assert usual > wrong  # what the rule protects from


def test_placebo_errors_of_synthetic_did_keep_their_size() -> None:
    wrong = draws = 0
    for seed in range(300):
        frame = staggered_panel(
            np.random.default_rng(seed),
            units=50,
            periods=10,
            cohorts=(7.0, *([np.inf] * 4)),
            effect=0,
            slope=0,
        )
        sample = Sample(frame, **ROLES)
        effect = SyntheticDiD(draws=200).fit(sample, "y").aggregate("simple")["att"]
        assert effect.p_value is not None
        wrong += effect.p_value < 0.05
        draws += 1
    assert wrong / draws < 0.05 + 3.3 * np.sqrt(0.05 * 0.95 / draws)
