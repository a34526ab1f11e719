"""What must hold of confirmatory models whatever the data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.stats.scales.cfa import CfaFit, CfaMissing, confirmatory_factors
from impact_eval.stats.scales.cfa_data import group_data
from impact_eval.stats.scales.cfa_evaluate import CfaEstimator
from impact_eval.stats.scales.cfa_fit import normal_objective, start_values
from impact_eval.stats.scales.cfa_model import (
    Identification,
    Matrix,
    freed,
    hold,
    measurement_model,
    tie,
)
from impact_eval.stats.scales.cfa_moments import ModelMoments
from impact_eval.stats.scales.cfa_ordinal import OrdinalCfaFit, ordinal_factors
from impact_eval.stats.scales.cfa_read import score_tests
from impact_eval.stats.scales.factor_extraction import ExtractionMethod, extract_factors
from impact_eval.stats.scales.invariance_chain import (
    InvarianceLevel,
    InvarianceVerdict,
    difference_test,
    group_model,
    invariance_across_groups,
    invariance_over_time,
    longitudinal_model,
)
from impact_eval.stats.scales.invariance_ordinal import (
    ordinal_difference_test,
    ordinal_group_model,
    ordinal_invariance_across_groups,
    ordinal_invariance_over_time,
)

ABC = {"f": ["a", "b", "c"]}
FOUR = {"f": ["a", "b", "c", "d"]}
TWO = {"f": ["a", "b", "c"], "g": ["d", "e", "h"]}


def answers(seed: int, n: int = 300, k: int = 4, loading: float = 0.8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return loading * rng.normal(size=(n, 1)) + rng.normal(size=(n, k)) * 0.7


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 5_000))
def test_a_saturated_model_fits_perfectly(seed: int) -> None:
    x = answers(seed, k=3)
    fit = confirmatory_factors(x, measurement_model(ABC))
    assert isinstance(fit, CfaFit)
    assert fit.comparative.df == 0
    assert fit.comparative.chi_square == pytest.approx(0, abs=1e-8)
    assert fit.comparative.cfi == pytest.approx(1)
    s = np.cov(x.T, bias=True)  # three items: closed form of the loadings
    first = {c.row: fit.theta[c.free] for c in fit.model.select(Matrix.LOADING) if c.free >= 0}
    assert first[1] == pytest.approx(s[1, 2] / s[0, 2], rel=1e-7)
    assert first[2] == pytest.approx(s[1, 2] / s[0, 1], rel=1e-7)


def test_one_factor_is_the_exploratory_one() -> None:
    x = answers(1, k=6)
    items = {"f": [f"i{j}" for j in range(6)]}
    unit = measurement_model(items, identification=Identification.UNIT_VARIANCE)
    fit = confirmatory_factors(x, unit)
    spread = np.sqrt(np.diag(np.cov(x.T, bias=True)))
    loadings = fit.theta[[c.free for c in fit.model.select(Matrix.LOADING)]] / spread
    efa = extract_factors(np.corrcoef(x.T), 1, method=ExtractionMethod.MAXIMUM_LIKELIHOOD)
    np.testing.assert_allclose(loadings, efa.loadings[:, 0], atol=1e-6)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 5_000), scale=st.floats(0.1, 10))
def test_scale_identification_and_order_do_not_change_the_fit(seed: int, scale: float) -> None:
    x = answers(seed)
    base = confirmatory_factors(x, measurement_model(FOUR)).comparative
    other = measurement_model(FOUR, identification=Identification.UNIT_VARIANCE, means=True)
    rng = np.random.default_rng(seed)
    again = confirmatory_factors(scale * x[rng.permutation(300)] + 3, other).comparative
    assert again.chi_square == pytest.approx(base.chi_square, abs=1e-6)
    assert again.df == base.df
    assert again.rmsea == pytest.approx(base.rmsea, abs=1e-6)


def test_jacobians_by_differences() -> None:
    models = [
        measurement_model(TWO, means=True, correlated=[("a", "d")]),
        measurement_model(TWO, categories=[3, 4, 2, 3, 3, 5]),
        measurement_model(TWO, categories=[3] * 6, theta=True),
        ordinal_group_model(TWO, [4] * 6, n_groups=2, level=InvarianceLevel.METRIC),
        group_model(TWO, n_groups=2, level=InvarianceLevel.SCALAR),
    ]
    rng = np.random.default_rng(0)
    for model in models:
        compiled = ModelMoments(model)
        theta = rng.uniform(0.3, 0.8, model.n_free)
        for group in range(model.n_groups):
            exact = compiled.jacobian(theta, group)
            for j in range(model.n_free):
                step = np.zeros(model.n_free)
                step[j] = 1e-6
                ahead = compiled.group(theta + step, group).vector
                behind = compiled.group(theta - step, group).vector
                np.testing.assert_allclose(exact[:, j], (ahead - behind) / 2e-6, atol=1e-8)


def test_full_information_is_the_likelihood_of_what_was_answered() -> None:
    x = answers(3, n=120)
    rng = np.random.default_rng(0)
    x[rng.random(x.shape) < 0.2] = np.nan
    x = x[~np.isnan(x).all(axis=1)]
    model = measurement_model(FOUR, means=True)
    fit = confirmatory_factors(x, model, missing=CfaMissing.FULL_INFORMATION)
    implied = fit.structures[0].moments

    def log_likelihood() -> float:
        total = 0.0
        for row in x:
            seen = ~np.isnan(row)
            gap = row[seen] - implied.mean[seen]
            sigma = implied.covariance[np.ix_(seen, seen)]
            total -= 0.5 * (
                seen.sum() * np.log(2 * np.pi)
                + np.linalg.slogdet(sigma)[1]
                + gap @ np.linalg.solve(sigma, gap)
            )
        return total

    assert fit.criteria.log_likelihood == pytest.approx(log_likelihood(), abs=1e-8)
    data = [group_data(x)]
    compiled = ModelMoments(model)
    objective = normal_objective(compiled, data)
    polished = minimize(lambda t: objective(t).value, fit.theta, method="BFGS", tol=1e-10)
    assert objective(fit.theta).value <= polished.fun + 1e-9
    score = objective(fit.theta).score
    assert np.abs(score).max() < 1e-4
    start = start_values(model, [data[0].mean], [data[0].covariance])
    assert objective(start).value > objective(fit.theta).value


def test_complete_answers_make_full_information_plain() -> None:
    x = answers(4)
    model = measurement_model(FOUR, means=True)
    a = confirmatory_factors(x, model)
    b = confirmatory_factors(x, model, missing=CfaMissing.FULL_INFORMATION)
    np.testing.assert_allclose(a.theta, b.theta, atol=1e-12)
    assert a.comparative == b.comparative


def test_score_test_approaches_the_refit() -> None:
    x = answers(5, n=5_000)
    x[:, 1] += 0.05 * x[:, 2]
    model = measurement_model(FOUR)
    fit = confirmatory_factors(x, model)
    test = score_tests(fit, [(Matrix.RESIDUAL, 0, 2, 1)])[0]
    freed = measurement_model(FOUR, correlated=[("c", "b")])
    refit = confirmatory_factors(x, freed)
    fall = fit.comparative.chi_square - refit.comparative.chi_square
    assert test.statistic == pytest.approx(fall, rel=0.1)


def test_model_editing() -> None:
    model = measurement_model(FOUR)
    equal = tie(model, [[(Matrix.RESIDUAL, 0, i, i) for i in range(4)]])
    assert equal.n_free == model.n_free - 3
    assert freed(equal, [(Matrix.RESIDUAL, 0, 3, 3)]).n_free == model.n_free - 2
    assert hold(model, [(Matrix.RESIDUAL, 0, 0, 0)], 0.5).n_free == model.n_free - 1
    with pytest.raises(ImpactEvalError) as refusal:
        measurement_model({"f": [], "g": ["a"]}, correlated=[("a", "z")])
    assert refusal.value.codes == ("factor_without_items", "item_unknown")
    with pytest.raises(ImpactEvalError):
        longitudinal_model([["a", "b"], ["c"]], level=InvarianceLevel.METRIC)


def test_longitudinal_marginal_of_one_wave() -> None:
    # with one wave there is nothing to tie: all levels are the one-group model
    x = answers(6)
    fits = [
        confirmatory_factors(x, longitudinal_model([list("abcd")], level=level))
        for level in (InvarianceLevel.CONFIGURAL, InvarianceLevel.STRICT)
    ]
    plain = confirmatory_factors(x, measurement_model(FOUR, means=True))
    for fit in fits:
        assert fit.comparative.chi_square == pytest.approx(plain.comparative.chi_square, abs=1e-7)


def test_verdicts() -> None:
    same, groups = answers(7, n=800), np.repeat(["F", "H"], 400)
    assert invariance_across_groups(same, FOUR, groups).verdict is InvarianceVerdict.HOLDS
    drift = same.copy()
    drift[400:, 0] += 0.8  # one item is easier for one group, whatever the trait
    chain = invariance_across_groups(drift, FOUR, groups)
    assert chain.verdict is InvarianceVerdict.FRAGILE
    assert chain.reached is InvarianceLevel.METRIC
    small = invariance_across_groups(same[340:460], FOUR, groups[340:460])
    assert isinstance(small, NotApplicable)
    assert small.reason == "invariance_small_group"
    alone = invariance_across_groups(same, FOUR, np.zeros(800))
    assert alone.reason == "invariance_one_group"
    waves = np.hstack([same[:400] + 0.3, same[:400] + 0.5 * answers(8, n=400)])
    chain = invariance_over_time(waves, [list("abcd"), list("efgh")])
    assert chain.steps[0].difference is None
    assert len(chain.steps) == 4


def test_ordered_difference_from_saturation_is_the_scaled_test() -> None:
    y = np.digitize(answers(9, n=600), [-0.8, 0.3])
    restricted = ordinal_factors(y, measurement_model(FOUR, categories=[3] * 4))
    pairs = [("a", "b"), ("a", "c")]
    saturated = ordinal_factors(y, measurement_model(FOUR, categories=[3] * 4, correlated=pairs))
    assert isinstance(saturated, OrdinalCfaFit)
    assert saturated.comparative.df == 0
    assert saturated.comparative.chi_square == pytest.approx(0, abs=1e-6)
    test = ordinal_difference_test(restricted, saturated)
    assert test.statistic == pytest.approx(restricted.scaled.chi_square, rel=1e-4)
    assert test.df == restricted.comparative.df


def test_ordered_chain_and_refusals() -> None:
    rng = np.random.default_rng(10)
    latent, groups = answers(10, n=1_000), np.repeat([0, 1], 500)
    y = np.digitize(latent, [-1, 0, 1])
    chain = ordinal_invariance_across_groups(y, FOUR, groups)
    assert chain.verdict is InvarianceVerdict.HOLDS
    assert [step.level.value for step in chain.steps] == [
        "configural", "thresholds", "metric", "scalar",
    ]  # fmt: skip
    shifted = latent.copy()
    shifted[500:, 1] += 0.9
    fragile = ordinal_invariance_across_groups(np.digitize(shifted, [-1, 0, 1]), FOUR, groups)
    assert fragile.verdict is InvarianceVerdict.FRAGILE
    assert fragile.reached is InvarianceLevel.METRIC
    missing_answer = np.where((groups[:, None] == 1) & (y == 3), 2, y)
    model = ordinal_group_model(FOUR, [4] * 4, n_groups=2, level=InvarianceLevel.CONFIGURAL)
    assert ordinal_factors(missing_answer, model, groups=groups).reason == "ordinal_empty_category"
    both = measurement_model(FOUR, categories=[4] * 4, correlated=[("a", "b"), ("c", "d")])
    assert ordinal_factors(y, both).reason in ("cfa_not_identified", "no_convergence")
    copies = np.repeat(rng.integers(0, 3, (200, 1)), 4, axis=1)
    plain = measurement_model(FOUR, categories=[3] * 4)
    assert ordinal_factors(copies, plain).reason == "polychoric_at_the_edge"


def test_ordered_items_over_time() -> None:
    rng = np.random.default_rng(13)
    n, waves = 900, [["a0", "b0", "c0", "d0"], ["a1", "b1", "c1", "d1"]]
    before = rng.normal(size=(n, 1))
    after = 0.7 * before + 0.6 * rng.normal(size=(n, 1)) + 0.4
    habit = 0.5 * rng.normal(size=(n, 4))  # what is proper to an item lasts
    noise = rng.normal(size=(2, n, 4)) * 0.7
    latent = np.hstack([before + habit + noise[0], after + habit + noise[1]])
    chain = ordinal_invariance_over_time(np.digitize(latent, [-1, 0, 1]), waves)
    assert chain.verdict is InvarianceVerdict.HOLDS
    scalar = chain.steps[-1].fit
    mean = next(c for c in scalar.model.select(Matrix.FACTOR_MEAN) if c.free >= 0)
    estimate, error = scalar.theta[mean.free], scalar.std_error[mean.free]
    assert abs(estimate - 0.4) < 4 * error
    latent[:, 5] += 0.9  # one item became easier, whatever the person
    drift = ordinal_invariance_over_time(np.digitize(latent, [-1, 0, 1]), waves)
    assert drift.verdict is InvarianceVerdict.FRAGILE
    small = ordinal_invariance_over_time(np.digitize(latent[:60], [0]), waves)
    assert small.reason == "invariance_small_group"
    uneven = np.digitize(latent, [-1, 0, 1])
    uneven[:, 4] = np.minimum(uneven[:, 4], 2)
    assert ordinal_invariance_over_time(uneven, waves).reason == "ordinal_empty_category"


def test_continuous_refusals() -> None:
    x = answers(11)
    for result, reason in [
        (confirmatory_factors(x[:4], measurement_model(FOUR)), "too_few_persons"),
        (
            confirmatory_factors(x[:, :2], measurement_model({"f": ["a", "b"]})),
            "cfa_not_identified",
        ),
        (
            confirmatory_factors(x, measurement_model(FOUR, n_groups=2)),
            "cfa_groups_differ",
        ),
        (
            confirmatory_factors(
                x, measurement_model(FOUR), missing=CfaMissing.FULL_INFORMATION
            ),
            "cfa_needs_means",
        ),
        (
            confirmatory_factors(
                x, measurement_model(FOUR, means=True), estimator=CfaEstimator.MLM,
                missing=CfaMissing.FULL_INFORMATION,
            ),
            "cfa_needs_complete",
        ),
    ]:  # fmt: skip
        assert isinstance(result, NotApplicable)
        assert result.reason == reason
    same = confirmatory_factors(x, measurement_model(FOUR))
    assert difference_test(same, same).reason == "models_not_nested"


def test_robust_statistic_keeps_its_size_with_skewed_answers() -> None:
    rng = np.random.default_rng(12)
    model = measurement_model(FOUR)
    rejected = {CfaEstimator.ML: 0, CfaEstimator.MLR: 0}
    for _ in range(60):
        x = rng.normal(size=(400, 1)) + rng.exponential(size=(400, 4)) ** 1.5
        for estimator in rejected:
            fit = confirmatory_factors(x, model, estimator=estimator)
            if isinstance(fit, NotApplicable):
                continue
            judged = fit.scaled or fit.comparative
            rejected[estimator] += judged.p_value < 0.05
    assert rejected[CfaEstimator.MLR] <= rejected[CfaEstimator.ML] + 4
    assert rejected[CfaEstimator.MLR] / 60 < 0.05 + 3.29 * np.sqrt(0.0475 / 60)
