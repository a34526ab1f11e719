"""What the design refuses, leaves out, counts and says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data import synthetic
from impact_eval.data.sample import Sample
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.stats.inference.covariance import Clustered, WildBootstrap

ROLES = {"unit": "id", "time": "period", "cohort": "cohort"}


def frame_of(seed: int = 1, **options: Any) -> pd.DataFrame:
    return synthetic.staggered_panel(np.random.default_rng(seed), **options)


def codes(estimate: Estimate) -> set[str]:
    return {finding.code for finding in estimate.findings}


def value(estimate: Estimate, code: str, name: str) -> Any:
    return next(f.values[name] for f in estimate.findings if f.code == code)


def test_nobody_never_treated_is_refused_with_the_other_option() -> None:
    frame = frame_of(cohorts=(3.0, 5.0))
    with pytest.raises(ImpactEvalError) as refusal:
        CallawaySantAnna().fit(Sample(frame, **ROLES), "y")
    assert refusal.value.codes == ("no_never_treated",)
    later = CallawaySantAnna(control_group="not_yet_treated").fit(Sample(frame, **ROLES), "y")
    assert later["att_gt[3, 3]"].estimate is not None
    # once the last cohort enters nobody is left to compare with; before, it is not compared itself
    assert {(e.group, e.time) for e in later.effects} == {(3, 2), (3, 3), (3, 4)}
    assert value(later, "last_cohort_as_comparison", "cohort") == 5
    assert later.aggregate("simple")["att"].estimate == pytest.approx(
        np.mean([later[f"att_gt[3, {t}]"].estimate for t in (3, 4)])
    )


def test_units_always_treated_are_left_out_and_counted() -> None:
    frame = frame_of(cohorts=(1.0, 3.0, np.inf))
    estimate = CallawaySantAnna().fit(Sample(frame, **ROLES), "y")
    assert value(estimate, "always_treated_dropped", "n") == 20
    assert {effect.group for effect in estimate.effects} == {3.0}
    without = CallawaySantAnna().fit(Sample(frame[frame["cohort"] != 1.0], **ROLES), "y")
    np.testing.assert_allclose(estimate.estimates, without.estimates, atol=1e-12)
    np.testing.assert_allclose(estimate.covariance, without.covariance, atol=1e-14)
    assert any(step.reason == "always_treated_dropped" for step in estimate.flow)


def test_a_wave_without_a_period_before_its_anticipation_is_left_out() -> None:
    estimate = CallawaySantAnna(anticipation=2).fit(Sample(frame_of(), **ROLES), "y")
    assert {effect.group for effect in estimate.effects} == {4.0}
    with pytest.raises(ImpactEvalError) as refusal:
        CallawaySantAnna(anticipation=5).fit(Sample(frame_of(), **ROLES), "y")
    assert refusal.value.codes == ("no_group_time_cell",)


def test_a_wave_of_one_unit_has_an_estimate_and_no_interval() -> None:
    frame = frame_of(units=61, cohorts=(3.0, np.inf))
    frame.loc[frame["id"] == 1000, "cohort"] = 5.0
    estimate = CallawaySantAnna().fit(Sample(frame, **ROLES), "y")
    alone = [effect for effect in estimate.effects if effect.group == 5.0]
    assert all(effect.estimate is not None for effect in alone)
    assert all(effect.std_error is None for effect in alone)
    assert value(estimate, "one_unit_cohort", "cohorts") == ("5",)
    by_wave = estimate.aggregate("group")
    assert by_wave["group[5]"].std_error is None
    assert by_wave["group[3]"].std_error is not None
    assert "row_of_one_unit" in codes(by_wave)


def test_a_wave_of_one_cluster_has_an_error_and_no_interval() -> None:
    frame = frame_of(units_per_cluster=10, units=60)
    frame.loc[frame["cohort"] == 4.0, "cluster"] = 99
    estimate = CallawaySantAnna().fit(Sample(frame, cluster="cluster", **ROLES), "y")
    row = estimate["att_gt[4, 5]"]
    assert row.std_error is not None
    assert row.conf_low is None
    assert row.p_value is None
    assert "one_cluster_cohort" in codes(estimate)


def test_few_treated_units_are_told() -> None:
    frame = frame_of(units=24, cohorts=(3.0, np.inf, np.inf, np.inf))
    estimate = CallawaySantAnna().fit(Sample(frame, **ROLES), "y")
    assert value(estimate, "few_treated_units", "n") == 6
    assert value(estimate, "few_clusters", "n") == 24


def test_covariates_that_separate_a_wave_leave_its_cells_undefined() -> None:
    frame = frame_of(units=90)
    frame["z"] = np.where(frame["cohort"] == 3.0, 1.0, 0.0) + 1e-3 * frame["id"] % 0.1
    estimate = CallawaySantAnna().fit(Sample(frame, covariates=["z"], **ROLES), "y")
    assert estimate["att_gt[3, 4]"].estimate is None
    assert "cell_no_overlap" in codes(estimate)
    shown = estimate.aggregate("group")
    assert [e.group for e in shown.effects if e.estimate is None] == [3.0]


def test_a_level_met_among_comparisons_alone_is_harmless() -> None:
    frame = frame_of(units=200)
    never = ~np.isfinite(frame["cohort"])
    frame["level"] = (never & (frame["id"] % 7 == 0)).astype(float)
    weighting = CallawaySantAnna(method="ipw")
    both = weighting.fit(Sample(frame, covariates=["x", "level"], **ROLES), "y")
    kept = frame[frame["level"] == 0]  # those units have no odds of being treated
    alone = weighting.fit(Sample(kept, covariates=["x"], **ROLES), "y")
    np.testing.assert_allclose(both.estimates, alone.estimates, atol=1e-6)
    errors = [np.sqrt(np.diag(estimate.covariance)) for estimate in (both, alone)]
    np.testing.assert_allclose(*errors, rtol=1e-4)


def test_one_method_without_covariates() -> None:
    sample = Sample(frame_of(), **ROLES)
    tables = [CallawaySantAnna(method=m).fit(sample, "y").tidy() for m in ("dr", "ipw", "reg")]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])


def test_varying_covariates_are_read_at_the_base_period() -> None:
    frame = frame_of(units=200)
    rng = np.random.default_rng(3)
    frame["v"] = frame["x"] + rng.normal(size=len(frame))
    sample = Sample(frame, covariates=["v"], **ROLES)
    found = CallawaySantAnna(method="reg").fit(sample, "y")["att_gt[4, 6]"]
    at_base = frame[frame["period"] == 3].set_index("id")["v"]
    fixed = frame.assign(v=frame["id"].map(at_base))
    wanted = CallawaySantAnna(method="reg").fit(Sample(fixed, covariates=["v"], **ROLES), "y")[
        "att_gt[4, 6]"
    ]
    assert found.estimate == pytest.approx(wanted.estimate, abs=1e-10)
    assert found.std_error == pytest.approx(wanted.std_error, rel=1e-9)


def test_holes_three_rules() -> None:
    frame = frame_of(units=90)
    holes = frame.sample(frac=0.9, random_state=1)
    made = {
        rule: CallawaySantAnna(unbalanced=rule).fit(Sample(holes, **ROLES), "y")
        for rule in ("pairs", "drop", "rows")
    }
    complete = holes.groupby("id")["period"].transform("size") == 6
    whole = CallawaySantAnna().fit(Sample(holes[complete], **ROLES), "y")
    np.testing.assert_allclose(made["drop"].estimates, whole.estimates, atol=1e-12)
    assert value(made["drop"], "unit_incomplete", "n") == 90 - complete.sum() / 6
    assert "unbalanced_pairs" in codes(made["pairs"])
    assert "unbalanced_rows" in codes(made["rows"])
    effect = made["pairs"]["att_gt[3, 3]"]
    pair = holes[holes["period"].isin([2, 3])].pivot(index="id", columns="period", values="y")
    change = (pair[3.0] - pair[2.0]).dropna()
    start = holes.groupby("id")["cohort"].first().reindex(change.index)
    wanted = change[start == 3.0].mean() - change[~np.isfinite(start)].mean()
    assert effect.estimate == pytest.approx(wanted, abs=1e-12)
    assert effect.n_treated == (start == 3.0).sum()


def test_dates_keep_their_names() -> None:
    frame = frame_of()
    calendar = pd.date_range("2020-01-01", periods=8, freq="YS")
    dated = frame.assign(
        period=calendar[frame["period"].astype(int) - 1],
        cohort=[calendar[int(g) - 1] if np.isfinite(g) else pd.NaT for g in frame["cohort"]],
    )
    named = CallawaySantAnna().fit(Sample(dated, **ROLES), "y")
    plain = CallawaySantAnna().fit(Sample(frame, **ROLES), "y")
    assert named["att_gt[2022-01-01, 2023-01-01]"].estimate == pytest.approx(
        plain["att_gt[3, 4]"].estimate
    )
    assert named.aggregate("event")["event[1]"].estimate == pytest.approx(
        plain.aggregate("event")["event[1]"].estimate
    )


def test_small_sample_factor_by_name() -> None:
    sample = Sample(frame_of(units_per_cluster=3), cluster="cluster", **ROLES)
    plain = CallawaySantAnna(covariance=Clustered(correction="CR0")).fit(sample, "y")
    larger = CallawaySantAnna(covariance=Clustered(correction="CR1")).fit(sample, "y")
    clusters = plain.effects[0].n_clusters
    ratio = larger.effects[0].std_error / plain.effects[0].std_error
    assert ratio == pytest.approx(np.sqrt(clusters / (clusters - 1)))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"control_group": "nobody"}, "unknown_option"),
        ({"anticipation": -1}, "option_too_low"),
        ({"covariance": WildBootstrap("bassin")}, "covariance_not_taken"),
        ({"covariance": "CR1"}, "covariance_not_taken"),
        ({"window": (2, -1)}, "option_out_of_range"),
        ({"balance": -2}, "option_too_low"),
    ],
)
def test_options_off_their_list_are_refused(options: dict[str, Any], code: str) -> None:
    with pytest.raises(ImpactEvalError) as refusal:
        CallawaySantAnna(**options)
    assert code in refusal.value.codes


def test_universal_base_has_a_reference_row_without_error() -> None:
    estimate = CallawaySantAnna(base_period="universal").fit(Sample(frame_of(), **ROLES), "y")
    row = estimate.aggregate("event")["event[-1]"]
    assert row.estimate == 0.0
    assert row.std_error is None
    assert "reference_period" in codes(estimate)
