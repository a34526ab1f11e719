"""Errors and tests of measurement models over many samples with a known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.cfa import confirmatory_factors
from impact_eval.stats.scales.cfa_evaluate import CfaEstimator
from impact_eval.stats.scales.cfa_model import Identification, Matrix, measurement_model
from impact_eval.stats.scales.cfa_ordinal import ordinal_factors
from impact_eval.stats.scales.invariance_chain import InvarianceVerdict, invariance_across_groups
from impact_eval.stats.scales.irt import item_response
from impact_eval.stats.scales.polychoric import polychoric_correlation
from impact_eval.stats.surveys.survey_design import survey_design, survey_mean

pytestmark = pytest.mark.long
FIVE = {"f": list("abcde")}


def inside(hits: int, runs: int, level: float) -> bool:
    """Within the binomial 99.9 % band."""
    return abs(hits / runs - level) < 3.29 * np.sqrt(level * (1 - level) / runs)


def test_graded_slopes_are_covered() -> None:
    rng = np.random.default_rng(1)
    slopes, cuts = np.array([0.9, 1.2, 1.6, 1.1, 1.4]), np.array([-1.0, 0.0, 1.0])
    hits = runs = 0
    for _ in range(150):
        trait = rng.normal(size=(500, 1, 1))
        above = expit(slopes[None, :, None] * (trait - cuts))
        fit = item_response((rng.random((500, 5, 1)) < above).sum(axis=2).astype(float))
        assert not isinstance(fit, NotApplicable)
        error = fit.std_error[:5]
        hits += int(np.sum(np.abs(fit.items.slopes - slopes) < 1.96 * error))
        runs += 5
    assert inside(hits, runs, 0.95) or abs(hits / runs - 0.95) < 0.025  # slopes are skewed


@pytest.mark.parametrize("estimator", [CfaEstimator.ML, CfaEstimator.MLR])
def test_loadings_are_covered_and_the_test_keeps_its_size(estimator: CfaEstimator) -> None:
    rng = np.random.default_rng(2)
    model = measurement_model(FIVE, identification=Identification.UNIT_VARIANCE)
    place = [c.free for c in model.select(Matrix.LOADING)]
    covered = rejected = 0
    for _ in range(400):
        x = 0.7 * rng.normal(size=(400, 1)) + rng.normal(size=(400, 5))
        fit = confirmatory_factors(x, model, estimator=estimator)
        covered += int(np.sum(np.abs(fit.theta[place] - 0.7) < 1.96 * fit.std_error[place]))
        rejected += (fit.scaled or fit.comparative).p_value < 0.05
    assert inside(covered, 2_000, 0.95)
    assert inside(rejected, 400, 0.05)


def test_ordered_models_keep_their_size_and_cover() -> None:
    rng = np.random.default_rng(3)
    model = measurement_model(FIVE, identification=Identification.UNIT_VARIANCE, categories=[4] * 5)
    place = [c.free for c in model.select(Matrix.LOADING)]
    truth = 0.8 / np.sqrt(1.64)
    covered = rejected = pairs = 0
    for _ in range(200):
        y = 0.8 * rng.normal(size=(500, 1)) + rng.normal(size=(500, 5))
        x = np.digitize(y, [-1, 0, 1]).astype(float)
        fit = ordinal_factors(x, model)
        covered += int(np.sum(np.abs(fit.theta[place] - truth) < 1.96 * fit.std_error[place]))
        rejected += fit.scaled.p_value < 0.05
        poly = polychoric_correlation(x)
        off = np.triu_indices(5, 1)
        gap = np.abs(poly.correlation[off] - truth**2)
        pairs += int(np.sum(gap < 1.96 * poly.std_error[off]))
    assert inside(covered, 1_000, 0.95)
    assert inside(rejected, 200, 0.05)
    assert abs(pairs / 2_000 - 0.95) < 0.03  # thresholds taken as known: a little too short


def test_equal_groups_are_seldom_called_fragile() -> None:
    rng = np.random.default_rng(4)
    groups, fragile = np.repeat([0, 1], 300), 0
    for _ in range(60):
        x = rng.normal(size=(600, 1)) + rng.normal(size=(600, 5))
        chain = invariance_across_groups(x, FIVE, groups)
        fragile += chain.verdict is InvarianceVerdict.FRAGILE
    assert fragile <= 6


def test_clustered_means_are_covered() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    clusters = np.repeat(np.arange(30), 12)
    for _ in range(600):
        y = rng.normal(size=30)[clusters] + rng.normal(size=360) + 3
        mean = survey_mean(y, survey_design(n=360, clusters=clusters))
        hits += mean.conf_low[0] < 3 < mean.conf_high[0]
    assert inside(hits, 600, 0.95)
