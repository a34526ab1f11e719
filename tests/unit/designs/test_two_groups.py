"""Difference in means, before/after and two-by-two differences: what they refuse and say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data import synthetic
from impact_eval.data.sample import Sample
from impact_eval.designs.before_after import BeforeAfter
from impact_eval.designs.did import DifferenceInDifferences
from impact_eval.designs.difference_in_means import DifferenceInMeans
from impact_eval.stats.inference.covariance import Clustered, WildBootstrap

PANEL = {"unit": "id", "time": "period"}


def codes(estimate: Estimate) -> set[str]:
    return {finding.code for finding in estimate.findings}


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_before_after_is_never_an_effect() -> None:
    estimate = BeforeAfter().fit(Sample(synthetic.before_after(rng()), **PANEL), "y")
    assert not estimate.counterfactual
    assert estimate.effects[0].estimand == "change"
    assert "no_comparison_group" in codes(estimate)
    levels = estimate.details["levels"][0]
    assert levels["mean_after"] - levels["mean_before"] == pytest.approx(
        estimate.effects[0].estimate
    )


def test_people_seen_once_do_not_count_and_are_told() -> None:
    frame = synthetic.before_after(rng(), people=30)
    lost = frame[~((frame["id"] <= 4) & (frame["period"] == 2.0))]
    estimate = BeforeAfter().fit(Sample(lost, **PANEL), "y")
    wide = lost.pivot(index="id", columns="period", values="y").dropna()
    assert estimate.effects[0].estimate == pytest.approx((wide[2.0] - wide[1.0]).mean())
    assert estimate.effects[0].n_treated == 26
    assert "missing_pairs" in codes(estimate)


def test_other_people_each_time_are_unpaired_and_told() -> None:
    frame = synthetic.before_after(rng(), people=60)
    estimate = BeforeAfter().fit(Sample(frame, time="period"), "y")
    before, after = (frame.loc[frame["period"] == t, "y"] for t in (1.0, 2.0))
    row = estimate.effects[0]
    assert row.estimate == pytest.approx(after.mean() - before.mean())
    assert row.std_error == pytest.approx(np.sqrt(before.var() / 60 + after.var() / 60))
    assert "unpaired" in codes(estimate)


def test_unpaired_by_choice_still_knows_who_is_who() -> None:
    frame = synthetic.before_after(rng(), people=60)
    apart = BeforeAfter(pairing="unpaired").fit(Sample(frame, **PANEL), "y")
    together = BeforeAfter().fit(Sample(frame, **PANEL), "y")
    assert apart.effects[0].estimate == pytest.approx(together.effects[0].estimate)
    assert apart.effects[0].std_error == pytest.approx(together.effects[0].std_error, rel=0.02)


def test_each_later_wave_has_its_row_and_joint_covariance() -> None:
    frame = synthetic.staggered_panel(rng(), periods=4)
    estimate = BeforeAfter().fit(Sample(frame, **PANEL), "y")
    assert [effect.time for effect in estimate.effects] == [2.0, 3.0, 4.0]
    wide = frame.pivot(index="id", columns="period", values="y")
    changes = wide[[2.0, 3.0, 4.0]].sub(wide[1.0], axis=0)
    np.testing.assert_allclose(estimate.covariance, changes.cov() / len(wide), rtol=1e-9)


def test_before_after_of_clusters_uses_their_number() -> None:
    frame = synthetic.before_after(rng())
    row = BeforeAfter().fit(Sample(frame, cluster="cluster", **PANEL), "y").effects[0]
    assert row.n_clusters == 11
    assert row.df < 10.5


def test_nobody_met_twice_is_refused() -> None:
    frame = pd.DataFrame(
        {"id": [1, 2, 3, 4, 5, 5], "t": [1, 1, 2, 2, 2, 3], "y": [1.0, 2, 3, 4, 5, 6]}
    )
    with pytest.raises(ImpactEvalError) as refusal:
        BeforeAfter().fit(Sample(frame, unit="id", time="t"), "y")
    assert refusal.value.codes == ("no_pair",)


def test_several_dates_are_refused_with_the_method_made_for_them() -> None:
    frame = synthetic.staggered_panel(rng())
    with pytest.raises(ImpactEvalError) as refusal:
        DifferenceInDifferences().fit(Sample(frame, cohort="cohort", **PANEL), "y")
    assert refusal.value.codes == ("several_dates",)


def test_everybody_treated_from_the_start_has_no_before() -> None:
    frame = synthetic.staggered_panel(rng(), cohorts=(1.0, np.inf))
    with pytest.raises(ImpactEvalError) as refusal:
        DifferenceInDifferences().fit(Sample(frame, cohort="cohort", **PANEL), "y")
    assert "no_before_period" in refusal.value.codes


def test_periods_are_averaged_before_and_after() -> None:
    frame = synthetic.staggered_panel(rng(), cohorts=(4.0, np.inf))
    row = DifferenceInDifferences().fit(Sample(frame, cohort="cohort", **PANEL), "y")["att"]
    means = frame.assign(
        after=frame["period"] >= 4, treated=np.isfinite(frame["cohort"])
    ).groupby(["treated", "after"])["y"].mean()  # fmt: skip
    change = means.xs(True, level="after") - means.xs(False, level="after")
    assert row.estimate == pytest.approx(change[True] - change[False])


def test_covariates_that_separate_are_refused() -> None:
    frame = synthetic.staggered_panel(rng(), cohorts=(4.0, np.inf))
    frame["z"] = np.isfinite(frame["cohort"]) + 0.001 * (frame["id"] % 7)
    sample = Sample(frame, cohort="cohort", covariates=["z"], **PANEL)
    with pytest.raises(ImpactEvalError) as refusal:
        DifferenceInDifferences().fit(sample, "y")
    assert refusal.value.codes == ("no_overlap",)


def test_two_by_two_by_clusters() -> None:
    frame = synthetic.repeated_cross_section(rng())
    sample = Sample(frame, time="period", cohort="cohort", cluster="cluster", covariates=["x"])
    regression = DifferenceInDifferences(method="ols").fit(sample, "y")["att"]
    influence = DifferenceInDifferences().fit(sample, "y")["att"]
    assert regression.n_clusters == influence.n_clusters == 30
    assert regression.df < 29
    assert influence.std_error == pytest.approx(regression.std_error, rel=0.25)


def test_influence_methods_refuse_covariances_of_a_regression() -> None:
    with pytest.raises(ImpactEvalError) as refusal:
        DifferenceInDifferences(method="dr", covariance=WildBootstrap("bassin"))
    assert refusal.value.codes == ("covariance_not_taken",)
    DifferenceInDifferences(method="ols", covariance=WildBootstrap("bassin"))
    DifferenceInDifferences(method="dr", covariance=Clustered("bassin", correction="CR2"))


def test_blocks_without_both_arms_are_left_out_and_told() -> None:
    frame = synthetic.trial(rng(), blocks=4)
    frame.loc[frame["block"] == 2, "treated"] = 1
    sample = Sample(frame, treatment="treated", strata="block")
    estimate = DifferenceInMeans().fit(sample, "y")
    kept = Sample(frame[frame["block"] != 2], treatment="treated", strata="block")
    assert estimate.effects[0].estimate == pytest.approx(
        DifferenceInMeans().fit(kept, "y").effects[0].estimate
    )
    assert "one_arm_block" in codes(estimate)


def test_thin_blocks_fall_back_on_fixed_effects() -> None:
    frame = synthetic.trial(rng(), blocks=4)
    alone = frame.query("block == 0 and treated == 1").index[1:]
    sample = Sample(frame.drop(alone), treatment="treated", strata="block")
    estimate = DifferenceInMeans().fit(sample, "y")
    fixed = DifferenceInMeans(strata="fixed_effects").fit(sample, "y")
    assert estimate.effects[0] == fixed.effects[0]
    assert "thin_blocks_fixed_effects" in codes(estimate)


def test_draws_of_clusters_use_satterthwaite() -> None:
    frame = synthetic.trial(rng(), clusters=12)
    estimate = DifferenceInMeans().fit(Sample(frame, treatment="treated", cluster="cluster"), "y")
    assert estimate.effects[0].n_clusters == 12
    assert 5 < estimate.effects[0].df < 11
    assert {"few_clusters", "few_treated_clusters"} <= codes(estimate)


def test_treatment_given_by_the_blocks_is_refused() -> None:
    frame = synthetic.trial(rng(), blocks=4)
    frame["block"] = frame["treated"]
    sample = Sample(frame, treatment="treated", strata="block")
    with pytest.raises(ImpactEvalError) as refusal:
        DifferenceInMeans().fit(sample, "y")
    assert refusal.value.codes == ("no_treated",)  # no block has both arms
    fixed = DifferenceInMeans(strata="fixed_effects")
    with pytest.raises(ImpactEvalError) as refusal:
        fixed.fit(sample, "y")
    assert refusal.value.codes == ("treatment_collinear",)
