"""Power and smallest detectable effects against R, pwr and closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from second_rung import SecondRung

from impact_eval.core import ImpactEvalError
from impact_eval.stats.inference.regression import least_squares
from impact_eval.stats.planning.power import (
    Adjustment,
    ClusterDesign,
    PowerTest,
    Precision,
    Tails,
    clustered_means,
    cohen_h,
    detectable_share,
    minimum_detectable_effect,
    paired_change,
    power_of_effect,
    repeated_measures_factor,
    required_size,
    two_means,
    two_proportions,
    with_losses,
)
from impact_eval.stats.planning.rollout_power import (
    RolloutEstimator,
    rollout_precision,
    rollout_weights,
    territory_covariance,
)

STORED = SecondRung()

Read = Callable[[str], Any]
R_DEFAULT = PowerTest(tails=Tails.TWO_ONE_COUNTED)


@STORED
def check_power_t_test_of_r(reference: Read) -> None:
    stored = reference("causal/power")["results"]["t_test"]
    arms = lambda n: two_means(n, n)  # noqa: E731
    n = required_size(arms, 0.2, R_DEFAULT)
    assert n == pytest.approx(stored["n_for_d02_p80"]["n"], rel=1e-5)  # R's uniroot stops at 1e-4
    strict = PowerTest(size=0.01, power=0.9, tails=Tails.TWO_ONE_COUNTED)
    n = required_size(arms, 0.5, strict)
    assert n == pytest.approx(stored["n_for_d05_p90_a01"]["n"], rel=1e-5)
    cases = [
        ("power_n64_d05", 0.5, two_means(64, 64), R_DEFAULT),
        ("one_sided_n50_d03", 0.3, two_means(50, 50), PowerTest(tails=Tails.ONE)),
        ("paired_n30_d04", 0.4, paired_change(30), R_DEFAULT),
        ("strict_n20_d01", 0.1, two_means(20, 20), PowerTest()),
    ]
    for name, effect, precision, test in cases:
        power = power_of_effect(effect, precision, test)
        assert power == pytest.approx(stored[name]["power"], rel=1e-9)
    mde = minimum_detectable_effect(two_means(100, 100), R_DEFAULT)
    assert mde == pytest.approx(stored["mde_n100_p80"]["delta"], rel=1e-4)  # uniroot again
    n = required_size(paired_change, 0.25, R_DEFAULT)
    assert n == pytest.approx(stored["one_sample_power80"]["n"], rel=1e-5)


@STORED
def check_pwr(reference: Read) -> None:
    stored = reference("causal/power")["results"]["pwr"]
    assert power_of_effect(0.4, two_means(60, 120)) == pytest.approx(
        stored["two_unequal"]["power"], rel=1e-9
    )
    mde = minimum_detectable_effect(two_means(60, 120))
    assert mde == pytest.approx(stored["two_unequal_mde"]["d"], rel=1e-4)
    assert cohen_h(0.5, 0.4) == pytest.approx(stored["two_props_h"]["h"], rel=1e-12)
    n = required_size(lambda n: two_proportions(n, n), cohen_h(0.5, 0.4))
    assert n == pytest.approx(stored["two_props_h"]["n"], rel=1e-5)
    h = stored["two_props_unequal"]["h"]
    power = power_of_effect(h, two_proportions(80, 150))
    assert power == pytest.approx(stored["two_props_unequal"]["power"], rel=1e-9)


def test_cohen_published_sizes() -> None:
    """393.41, 63.77 and 25.52 per arm for d = .2, .5 and .8."""
    for d, n in ((0.2, 393.41), (0.5, 63.77), (0.8, 25.52)):
        assert required_size(lambda size: two_means(size, size), d) == pytest.approx(n, abs=0.005)


@STORED
@pytest.mark.parametrize(
    ("case", "clusters", "design", "effect"),
    [
        ("K20_m25_icc05_d03", 20, ClusterDesign(size=25, icc=0.05), 0.3),
        ("K10_m50_icc10_d04", 10, ClusterDesign(size=50, icc=0.1), 0.4),
        ("K6_m100_icc02_d02", 6, ClusterDesign(size=100, icc=0.02), 0.2),
        ("K15_m20_cv06", 15, ClusterDesign(size=20, icc=0.05), 0.3),
        (
            "K20_m25_covariates_R2b50_R2w30",
            20,
            ClusterDesign(size=25, icc=0.05, r2_between=0.5, r2_within=0.3),
            0.3,
        ),
    ],
)
def check_clusters(
    reference: Read, case: str, clusters: int, design: ClusterDesign, effect: float
) -> None:
    stored = reference("causal/power")["results"]["cluster"][case]
    precision = clustered_means(clusters, clusters, design)
    assert precision.std_error == pytest.approx(stored["se"], rel=1e-12)
    assert precision.df == stored["df"]
    assert power_of_effect(effect, precision) == pytest.approx(stored["power_t"], rel=1e-9)
    mde = minimum_detectable_effect(precision)
    assert mde == pytest.approx(stored["mde_exact_80"], rel=1e-9)
    normal = Precision(precision.std_error)
    counted = power_of_effect(effect, normal, R_DEFAULT)
    both = power_of_effect(effect, normal)
    assert min(abs(counted - stored["power_normal"]), abs(both - stored["power_normal"])) < 1e-9
    assert minimum_detectable_effect(normal) == pytest.approx(stored["mde_normal_80"], rel=1e-5)
    cv = 0.6 if "cv06" in case else 0.0
    unequal = ClusterDesign(size=design.size, icc=design.icc, size_cv=cv)
    effects = unequal.design_effect(2 * clusters)
    assert effects == pytest.approx(stored["design_effect_unequal_cv"], rel=1e-12)


@STORED
def check_clusters_needed(reference: Read) -> None:
    stored = reference("causal/power")["results"]["cluster"]
    cases = [
        ("clusters_needed_m25_icc05_d03", 25, 0.05, 0.3, 0.8),
        ("clusters_needed_m10_icc15_d025", 10, 0.15, 0.25, 0.8),
        ("clusters_needed_m40_icc02_d015_p90", 40, 0.02, 0.15, 0.9),
    ]
    for name, size, icc, effect, power in cases:
        design = ClusterDesign(size=size, icc=icc)
        k = required_size(
            lambda k, design=design: clustered_means(k, k, design), effect, PowerTest(power=power)
        )
        assert np.ceil(k) == stored[name]["K_t_exact"]


def test_unequal_sizes_cost_what_the_design_effect_says() -> None:
    design = ClusterDesign(size=20, icc=0.05, size_cv=0.6)
    equal = two_means(300, 300).std_error
    clustered = clustered_means(15, 15, design).std_error
    assert clustered == pytest.approx(equal * np.sqrt(design.design_effect(30)), rel=1e-12)


@STORED
def check_individual_and_repeated_measures(reference: Read) -> None:
    stored = reference("causal/power")["results"]["individual"]
    one = two_means(200, 200, r2=0.3, covariates=1)
    formula = stored["individual_mde_formula_N400_P50_R2_30"]
    assert one.std_error == pytest.approx(formula["se"], rel=1e-12)
    assert one.df == formula["df"]
    # mde_t there is the sum of two quantiles; the exact one differs in the fifth digit
    assert minimum_detectable_effect(one) == pytest.approx(formula["mde_t"], rel=1e-4)
    normal = minimum_detectable_effect(Precision(one.std_error))
    assert normal == pytest.approx(formula["mde_z"], rel=1e-5)
    ancova = repeated_measures_factor(Adjustment.ANCOVA, before=1, after=1, correlation=0.5)
    assert ancova == stored["panel_ancova_pre1_post1_rho05"]["var_ratio_ancova"]
    names = {"ancova": Adjustment.ANCOVA, "did": Adjustment.CHANGE, "post": Adjustment.FOLLOW_UP}
    for name, kind in names.items():
        factor = repeated_measures_factor(kind, before=2, after=3, correlation=0.4)
        assert factor == pytest.approx(stored["mckenzie_m2_r3_rho04"][name], rel=1e-12)
    half = with_losses(Precision(1.0), attrition=0.2)
    assert half.std_error**2 == pytest.approx(stored["attrition_20_inflation"])
    takers = with_losses(Precision(1.0), take_up=0.5)
    assert takers.std_error == pytest.approx(stored["takeup_50_mde_factor"])


def test_on_stored(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    STORED.run(request, subtests)


def test_shares_round_trip_and_refusals() -> None:
    assert detectable_share(0.4, cohen_h(0.55, 0.4)) == pytest.approx(0.55)
    assert detectable_share(0.9, 3.0) == 1
    for bad in (
        lambda: PowerTest(power=1.2),
        lambda: ClusterDesign(size=10, icc=1.5),
        lambda: two_means(10, 10, r2=-0.1),
        lambda: territory_covariance(4, icc=2),
    ):
        with pytest.raises(ImpactEvalError) as error:
            bad()
        assert error.value.codes == ("option_out_of_range",)
    with pytest.raises(ImpactEvalError) as error:
        required_size(lambda _: Precision(1.0), 0.01)
    assert error.value.codes == ("size_not_found",)
    with pytest.raises(ImpactEvalError) as error:
        with_losses(Precision(1.0), take_up=0.0)
    assert error.value.codes == ("nobody_left",)
    with pytest.raises(ImpactEvalError) as error:
        rollout_precision([3.0, 3.0], np.eye(4), estimator=RolloutEstimator.TWFE)
    assert error.value.codes == ("rollout_not_identified",)


WAVES = np.array([3.0, 3, 4, 4, 4, 6, np.inf, np.inf, np.inf])


def _dense(waves: np.ndarray, periods: int) -> tuple[np.ndarray, np.ndarray]:
    n = len(waves)
    unit, time = np.repeat(np.arange(n), periods), np.tile(np.arange(periods), n)
    exposed = (time + 1 >= waves[unit]).astype(float)
    X = np.column_stack([exposed, np.eye(n)[unit], np.eye(periods)[time][:, 1:]])
    return X, exposed


def test_rollout_twfe_and_gls_are_the_dense_regressions(rng: np.random.Generator) -> None:
    sigma = territory_covariance(6, icc=0.2, autocorrelation=0.6, size=5, repeated=0.3)
    X, _ = _dense(WAVES, 6)
    big = np.kron(np.eye(9), sigma)
    bread = np.linalg.inv(X.T @ X)
    sandwich = (bread @ X.T @ big @ X @ bread)[0, 0]
    twfe = rollout_precision(WAVES, sigma, estimator=RolloutEstimator.TWFE)
    assert twfe.std_error**2 == pytest.approx(sandwich, rel=1e-9)
    gls = rollout_precision(WAVES, sigma, estimator=RolloutEstimator.GLS)
    best = np.linalg.inv(X.T @ np.linalg.solve(big, X))[0, 0]
    assert gls.std_error**2 == pytest.approx(best, rel=1e-9)
    y = rng.standard_normal((9, 6))
    weights = rollout_weights(WAVES, 6, RolloutEstimator.TWFE)
    assert np.sum(weights * y) == pytest.approx(least_squares(y.ravel(), X).coefficients[0])


@pytest.mark.parametrize("estimator", [*RolloutEstimator][:3])
def test_rollout_weights_recover_a_constant_effect_and_ignore_levels(
    estimator: RolloutEstimator, rng: np.random.Generator
) -> None:
    weights = rollout_weights(WAVES, 6, estimator)
    exposure = (np.arange(1, 7) >= WAVES[:, None]).astype(float)
    assert np.sum(weights * exposure) == pytest.approx(1)
    levels = rng.standard_normal((9, 1)) + rng.standard_normal(6)
    assert np.sum(weights * levels) == pytest.approx(0, abs=1e-12)
    sigma = territory_covariance(6, icc=0.2, autocorrelation=0.6)
    gls = rollout_precision(WAVES, sigma, estimator=RolloutEstimator.GLS).std_error
    assert gls <= rollout_precision(WAVES, sigma, estimator=estimator).std_error


def test_rollout_two_by_two_is_the_change_formula() -> None:
    sigma = territory_covariance(2, sd=2.0, icc=0.1, autocorrelation=0.4, size=30)
    waves = [2.0] * 6 + [np.inf] * 9
    correlation = sigma[0, 1] / sigma[0, 0]
    factor = repeated_measures_factor(Adjustment.CHANGE, before=1, after=1, correlation=correlation)
    expected = two_means(6, 9, sd=np.sqrt(sigma[0, 0] * factor)).std_error
    for estimator in RolloutEstimator:
        precision = rollout_precision(waves, sigma, estimator=estimator)
        assert precision.std_error == pytest.approx(expected, rel=1e-9)
        assert precision.df == 13
