"""Effect sizes, tests and intervals of small groups, held to R and to closed forms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval import plan
from impact_eval.core.findings import NotApplicable
from impact_eval.stats.inference.proportion import ShareMethod, share_interval
from impact_eval.stats.scales.effect_size import (
    PairedEffects,
    d_interval,
    detectable_change,
    group_effects,
    hedges_factor,
    noncentral_t_interval,
    paired_effects,
    paired_power,
    pre_post_control,
)
from impact_eval.stats.scales.paired_tests import (
    MeanBootstrap,
    SignFlip,
    ZeroRule,
    bootstrap_mean,
    mcnemar,
    paired_t,
    sign_flip,
    sign_test,
    wilcoxon,
)

SMALL = SecondRung()

Reader = Callable[[str], Any]


@pytest.fixture
def small(reference: Reader) -> dict[str, Any]:
    return reference("survey/small_n")


@pytest.fixture
def change(reference: Reader) -> dict[str, Any]:
    return reference("survey/change_tests")


@pytest.fixture
def pairs(real_data: Reader) -> pd.DataFrame:
    return real_data("synthetic_prepost24.csv")


@SMALL
def check_paired_effects_equal_r(change: dict[str, Any], pairs: pd.DataFrame) -> None:
    expected = change["paired"]
    got = paired_effects(pairs["pre"], pairs["post"])
    assert isinstance(got, PairedEffects)
    assert got.n == expected["n"]
    for name, value in {
        "srm_dz": got.dz.value,
        "hedges_g_z": got.g_z.value,
        "glass_delta_baseline_sd": got.glass.value,
        "d_av": got.d_av.value,
        "d_rm": got.d_rm.value,
        "d_ppc_morris_one_group": got.glass_corrected,
        "mean_pre": got.mean_before,
        "sd_pre": got.sd_before,
        "mean_post": got.mean_after,
        "sd_post": got.sd_after,
        "sd_diff": got.sd_change,
        "r": got.correlation,
        "J_exact_df23": hedges_factor(23),
    }.items():
        assert value == pytest.approx(expected[name], abs=1e-8), name
    # effectsize stops its search at 1e-7; small_n.json holds the converged bounds.
    bounds = expected["effectsize_cohens_d"]
    assert got.dz.conf_low == pytest.approx(bounds["CI_low"], abs=2e-7)
    assert got.dz.conf_high == pytest.approx(bounds["CI_high"], abs=2e-7)


@SMALL
def check_intervals_of_d_equal_r(small: dict[str, Any]) -> None:
    for case in small["dz_ci"]:
        root = math.sqrt(case["n"])
        bounds = noncentral_t_interval(case["dz"] * root, df=case["n"] - 1)
        np.testing.assert_allclose(np.array(bounds) / root, case["ci"], atol=1e-6)
    for case in small["d_ci_two_group"]:
        bounds = d_interval(case["d"], n_first=case["n1"], n_second=case["n2"])
        np.testing.assert_allclose(bounds, case["ci"], atol=1e-6)


@SMALL
def check_what_small_groups_can_see_equals_r(small: dict[str, Any]) -> None:
    for case in small["paired_power"]:
        n = case["n"]
        assert detectable_change(n=n) == pytest.approx(case["mdes_dz_80"], abs=1e-6)
        assert detectable_change(n=n, power=0.9) == pytest.approx(case["mdes_dz_90"], abs=1e-6)
        assert paired_power(0.3, n=n) == pytest.approx(case["power_dz_0.3"], abs=1e-6)
        assert paired_power(0.5, n=n) == pytest.approx(case["power_dz_0.5"], abs=1e-6)
    for case in small["two_group_power"]:
        n = case["n_per_group"]
        assert plan.smallest_effect(
            plan.TwoMeans(n_treated=n, n_comparison=n), tails="two_one_counted"
        ).effect == pytest.approx(case["mdes_d_80"], abs=1e-6)


@SMALL
def check_share_intervals_equal_r(small: dict[str, Any]) -> None:
    for case, method in itertools.product(small["proportions"], ShareMethod):
        got = share_interval(case["x"], case["n"], method=method)
        np.testing.assert_allclose(got, case[method.value], atol=1e-9)


@SMALL
def check_paired_t_equals_r(change: dict[str, Any], pairs: pd.DataFrame, real_data: Reader) -> None:
    expected = change["paired"]
    got = paired_t(pairs["pre"], pairs["post"])
    assert not isinstance(got, NotApplicable)
    assert got.statistic == pytest.approx(expected["t"], abs=1e-10)
    assert got.p_value == pytest.approx(expected["p"], abs=1e-10)
    assert (got.conf_low, got.conf_high) == pytest.approx(expected["ci95"], abs=1e-10)
    sleep = real_data("sleep_paired.csv")
    one, two = (sleep.loc[sleep["group"] == g, "extra"].to_numpy() for g in (1, 2))
    student = paired_t(one, two)
    assert not isinstance(student, NotApplicable)
    assert student.statistic == pytest.approx(change["sleep_paired"]["t"], abs=1e-10)
    assert student.p_value == pytest.approx(change["sleep_paired"]["p"], abs=1e-10)


@SMALL
def check_wilcoxon_equals_r_under_both_zero_rules(
    change: dict[str, Any], pairs: pd.DataFrame
) -> None:
    expected = change["paired"]
    drop = wilcoxon(pairs["pre"], pairs["post"])
    pratt = wilcoxon(pairs["pre"], pairs["post"], zero_rule=ZeroRule.PRATT)
    assert not isinstance(drop, NotApplicable)
    assert not isinstance(pratt, NotApplicable)
    assert drop.statistic == expected["wilcoxon_normal_corrected"]["V"]
    for value, name in (
        (drop.p_corrected, expected["wilcoxon_normal_corrected"]["p"]),
        (drop.p_normal, expected["wilcoxon_normal_uncorrected"]["p"]),
        (drop.p_value, expected["wilcoxon_exact_coin"]["p"]),
        (drop.z, expected["wilcoxon_exact_coin"]["Z"]),
        (pratt.p_value, expected["pratt_exact_coin"]["p"]),
        (pratt.z, expected["pratt_exact_coin"]["Z"]),
        (pratt.p_normal, expected["pratt_asymptotic_p"]),
        (drop.rank_biserial, expected["rank_biserial_matched"]),
    ):
        assert value == pytest.approx(name, abs=1e-10)
    # R stops its root search at 1e-4.
    assert drop.shift == pytest.approx(expected["wilcoxon_normal_corrected"]["hl"], abs=1e-4)
    assert drop.n_zero == expected["n_zero"]
    assert sign_test(pairs["pre"], pairs["post"]) == pytest.approx(
        expected["sign_test_p"], abs=1e-12
    )


def test_exact_wilcoxon_equals_brute_force(rng: np.random.Generator) -> None:
    change = np.round(rng.normal(size=9) * 2) / 2 + 0.25
    got = wilcoxon(np.zeros(9), change)
    assert not isinstance(got, NotApplicable)
    order = np.abs(change)
    ranks = np.array([(order < v).sum() + ((order == v).sum() + 1) / 2 for v in order])
    centre = ranks.sum() / 2
    sums = [np.dot(ranks, signs) for signs in itertools.product((0, 1), repeat=9)]
    far = np.mean(np.abs(np.array(sums) - centre) >= abs(got.statistic - centre) - 1e-9)
    assert got.p_value == pytest.approx(far, abs=1e-12)


@SMALL
def check_sign_flips_and_mcnemar_equal_r(small: dict[str, Any]) -> None:
    case = small["sign_flip_exact_first16"]
    got = sign_flip(case["d"])
    assert isinstance(got, SignFlip)
    assert got.exact
    assert got.p_value == pytest.approx(case["p_two_sided"], abs=1e-12)
    assert got.mean_change == case["mean"]
    table = small["mcnemar"]
    test = mcnemar(gained=9, lost=2)
    assert not isinstance(test, NotApplicable)
    assert test.statistic == pytest.approx(table["chisq_cc"], abs=1e-12)
    assert test.p_corrected == pytest.approx(table["p_cc"], abs=1e-12)
    assert test.p_exact == pytest.approx(table["exact_p"], abs=1e-12)
    assert test.p_mid == pytest.approx(table["mid_p"], abs=1e-12)


def test_drawn_sign_flips_agree_with_enumeration(rng: np.random.Generator) -> None:
    d = rng.normal(0.4, 1, size=30)
    drawn = sign_flip(d, rng=rng, draws=19_999)
    assert isinstance(drawn, SignFlip)
    assert not drawn.exact
    t = paired_t(np.zeros(30), d)
    assert not isinstance(t, NotApplicable)
    assert drawn.p_value == pytest.approx(t.p_value, abs=0.02)  # Monte Carlo and normality


@SMALL
def check_bootstrap_of_a_mean_agrees_with_r(small: dict[str, Any], pairs: pd.DataFrame) -> None:
    changes = pairs["post"] - pairs["pre"]
    got = bootstrap_mean(changes, rng=np.random.default_rng(7), draws=20_000)
    assert isinstance(got, MeanBootstrap)
    expected = small["bootstrap_mean_change"]
    # Means of 24 whole changes move by steps of 1/24: Monte Carlo error plus one step.
    np.testing.assert_allclose(got.percentile, expected["percentile"], atol=0.05)
    np.testing.assert_allclose(got.bca, expected["bca"], atol=0.05)
    np.testing.assert_allclose(got.studentised, expected["studentised"], atol=0.05)


@pytest.fixture
def rses(change: dict[str, Any], real_data: Reader) -> dict[str, np.ndarray]:
    waves = real_data("synthetic_rses_t0t1.csv")
    stored = change["rses_synthetic"]
    scores = {
        wave: np.array([np.nan if v is None else v for v in stored[f"prorated_{wave}"]])
        for wave in ("t0", "t1")
    }
    return {**scores, "treated": (waves["arm"] == "beneficiaire").to_numpy()}


@SMALL
def check_group_effects_equal_r(change: dict[str, Any], rses: dict[str, np.ndarray]) -> None:
    expected = change["rses_synthetic"]
    seen = ~np.isnan(rses["t0"]) & ~np.isnan(rses["t1"])
    treated = rses["treated"] & seen
    other = ~rses["treated"] & seen
    d = group_effects(rses["t0"][treated], rses["t0"][other])
    assert not isinstance(d, NotApplicable)
    assert d.d.value == pytest.approx(expected["pre_independent_d"]["Cohens_d"], abs=1e-8)
    assert d.d.conf_low == pytest.approx(expected["pre_independent_d"]["CI_low"], abs=1e-6)
    assert d.d.conf_high == pytest.approx(expected["pre_independent_d"]["CI_high"], abs=1e-6)
    assert d.g.value == pytest.approx(expected["pre_hedges"]["Hedges_g"], abs=1e-8)
    assert d.glass == pytest.approx(expected["pre_glass_delta"]["Glass_delta"], abs=1e-8)
    contrast = pre_post_control(
        (rses["t0"][rses["treated"]], rses["t1"][rses["treated"]]),
        (rses["t0"][~rses["treated"]], rses["t1"][~rses["treated"]]),
    )
    assert not isinstance(contrast, NotApplicable)
    assert contrast.value == pytest.approx(expected["d_ppc2_morris2008"], abs=1e-8)
    assert contrast.conf_low < contrast.value < contrast.conf_high


def test_on_small(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    SMALL.run(request, subtests)
