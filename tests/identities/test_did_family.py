"""Equalities that must hold whatever the data, between designs and with plain arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.data import synthetic
from impact_eval.data.sample import Sample
from impact_eval.designs.before_after import BeforeAfter
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.designs.did import DifferenceInDifferences
from impact_eval.designs.difference_in_means import DifferenceInMeans
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.stats.inference.covariance import Robust
from impact_eval.stats.panels.drdid import DidMethod, panel_did
from impact_eval.stats.panels.drdid_cross_sections import cross_section_did

ROLES = {"unit": "id", "time": "period", "cohort": "cohort"}


def staggered(seed: int, **options: Any) -> pd.DataFrame:
    return synthetic.staggered_panel(np.random.default_rng(seed), **options)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_without_covariates_all_methods_are_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    treated = np.arange(40) < 15
    change, ones, weights = rng.normal(size=40), np.ones((40, 1)), rng.uniform(0.5, 2, 40)
    wanted = np.average(change[treated], weights=weights[treated]) - np.average(
        change[~treated], weights=weights[~treated]
    )
    for method in DidMethod:
        found = panel_did(change, treated, ones, weights=weights, method=method)
        assert found.estimate == pytest.approx(wanted, abs=1e-9)
        assert found.influence.sum() == pytest.approx(0, abs=1e-9)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_four_means_make_a_difference_of_cross_sections(seed: int) -> None:
    rng = np.random.default_rng(seed)
    treated, after = rng.random(120) < 0.4, rng.random(120) < 0.5
    y = rng.normal(size=120)
    mean = {(d, t): y[(treated == d) & (after == t)].mean() for d in (0, 1) for t in (0, 1)}
    wanted = mean[1, 1] - mean[1, 0] - mean[0, 1] + mean[0, 0]
    for method in ("dr", "dr_improved", "ipw", "reg"):
        found = cross_section_did(y, after, treated, np.ones((120, 1)), method=DidMethod(method))
        assert found.estimate == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
def test_two_periods_are_a_two_by_two(method: str) -> None:
    frame = staggered(1, periods=2, cohorts=(2.0, np.inf))
    sample = Sample(frame, covariates=["x"], weights="w", **ROLES)
    cells = CallawaySantAnna(method=method).fit(sample, "y")
    plain = DifferenceInDifferences(method=method).fit(sample, "y")
    assert len(cells) == 1
    assert cells.effects[0].estimate == pytest.approx(plain["att"].estimate, abs=1e-9)
    assert cells.effects[0].std_error == pytest.approx(plain["att"].std_error, rel=1e-7)
    np.testing.assert_allclose(
        np.sort(cells.influence.values[:, 0]), np.sort(plain.influence.values[:, 0]), atol=1e-8
    )


def test_event_study_of_one_wave_is_its_two_by_twos() -> None:
    frame = staggered(2, cohorts=(4.0, np.inf))
    study = CallawaySantAnna().fit(Sample(frame, **ROLES), "y").aggregate("event")
    for effect in study.effects[:-1]:
        base = 3.0 if effect.time >= 0 else effect.time + 3
        pair = frame[frame["period"].isin([base, effect.time + 4])]
        moved = pair.assign(after=(pair["period"] > base).astype(int))
        moved["start"] = np.where(np.isfinite(moved["cohort"]), 1, 0)
        sample = Sample(moved, unit="id", time="after", cohort="start")
        row = DifferenceInDifferences().fit(sample, "y")["att"]
        assert row.estimate == pytest.approx(effect.estimate, abs=1e-10)
        assert row.std_error == pytest.approx(effect.std_error, rel=1e-9)


def test_never_treated_without_covariates_is_sun_abraham() -> None:
    """Points are the same; Sun and Abraham's errors are those of a regression."""
    sample = Sample(staggered(3), **ROLES)
    study = CallawaySantAnna(base_period="universal").fit(sample, "y").aggregate("event")
    other = SunAbraham().fit(sample, "y").aggregate("event")
    theirs = {row.time: row.estimate for row in other.effects if row.term == "event"}
    for row in study.effects:
        if row.term == "event" and row.std_error is not None and row.time in theirs:
            assert row.estimate == pytest.approx(theirs[row.time], abs=1e-9)


def test_cross_sections_of_the_same_people_have_the_points_of_the_panel() -> None:
    frame = staggered(4)
    panel = CallawaySantAnna().fit(Sample(frame, **ROLES), "y")
    rows = CallawaySantAnna().fit(Sample(frame, time="period", cohort="cohort"), "y")
    np.testing.assert_allclose(panel.estimates, rows.estimates, atol=1e-10)


def test_rows_summed_by_person_have_the_errors_of_the_panel() -> None:
    """A complete panel read row by row, its influence summed by person, is the panel."""
    frame = staggered(5)
    panel = CallawaySantAnna().fit(Sample(frame, **ROLES), "y")
    rows = CallawaySantAnna().fit(Sample(frame, time="period", cohort="cohort", cluster="id"), "y")
    np.testing.assert_allclose(panel.covariance, rows.covariance, atol=1e-12)
    for kind in ("simple", "event", "group", "calendar"):
        one, other = panel.aggregate(kind), rows.aggregate(kind)
        np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-12)


@pytest.mark.parametrize("kind", ["simple", "event", "group", "calendar"])
@pytest.mark.parametrize("cluster", [None, "cluster"])
def test_influence_of_aggregates_makes_their_covariance(kind: str, cluster: str | None) -> None:
    frame = staggered(6, units_per_cluster=3)
    sample = Sample(frame, covariates=["x"], weights="w", cluster=cluster, **ROLES)
    estimate = CallawaySantAnna(control_group="not_yet_treated").fit(sample, "y").aggregate(kind)
    psi = estimate.influence.values
    assert len(psi) == len(estimate.influence.units)
    np.testing.assert_allclose(psi.T @ psi, estimate.covariance, atol=1e-12)


def test_aggregate_error_includes_that_of_the_shares() -> None:
    """The delta method by hand: the simple mean as a function of cell means and shares."""
    sample = Sample(staggered(7, slope=2.0), **ROLES)
    estimate = CallawaySantAnna().fit(sample, "y")
    cells = estimate.tidy().query("time >= group")
    shares = cells["group"].map({3.0: 1 / 3, 4.0: 1 / 3})
    row = estimate.aggregate("simple")["att"]
    assert row.estimate == pytest.approx(np.average(cells["estimate"], weights=shares))
    psi = estimate.influence.values[:, cells.index]
    labels = estimate.influence.units
    start = sample.unit_cohorts[np.searchsorted(sample.unit_labels, labels)]
    fixed = psi @ (shares / shares.sum()).to_numpy()
    values, total = cells["estimate"].to_numpy() - row.estimate, shares.sum()
    part = np.array([values[cells["group"] == g].sum() for g in (3.0, 4.0)]) / total
    moving = ((start[:, None] == [3.0, 4.0]) - 1 / 3) @ part / len(labels)
    assert row.std_error == pytest.approx(np.sqrt(np.sum((fixed + moving) ** 2)), rel=1e-9)


def test_blocks_are_weighted_mean_differences() -> None:
    frame = synthetic.trial(np.random.default_rng(8), blocks=4)
    row = (
        DifferenceInMeans(covariance=Robust("HC2"))
        .fit(Sample(frame, treatment="treated", strata="block"), "y")
        .effects[0]
    )
    point = variance = 0.0
    for _, block in frame.groupby("block"):
        one, zero = (block.loc[block["treated"] == arm, "y"] for arm in (1, 0))
        share = len(block) / len(frame)
        point += share * (one.mean() - zero.mean())
        variance += share**2 * (one.var() / len(one) + zero.var() / len(zero))
    assert row.estimate == pytest.approx(point)
    assert row.std_error == pytest.approx(np.sqrt(variance))
    assert row.df == len(frame) - 8


def test_lin_on_a_category_is_post_stratification() -> None:
    frame = synthetic.trial(np.random.default_rng(9), blocks=4)
    dummies = pd.get_dummies(frame["block"], prefix="b", drop_first=True).astype(float)
    frame = pd.concat([frame, dummies], axis=1)
    blocked = DifferenceInMeans().fit(Sample(frame, treatment="treated", strata="block"), "y")
    names = list(dummies.columns)
    lin = DifferenceInMeans().fit(Sample(frame, treatment="treated", covariates=names), "y")
    assert lin.effects[0].estimate == pytest.approx(blocked.effects[0].estimate)
    assert lin.effects[0].std_error == pytest.approx(blocked.effects[0].std_error)


def test_pairs_are_their_mean_difference() -> None:
    rng = np.random.default_rng(10)
    pair, arm = np.repeat(np.arange(12), 2), np.tile([0, 1], 12)
    frame = pd.DataFrame({"pair": pair, "z": arm, "y": rng.normal(size=24) + arm})
    row = DifferenceInMeans().fit(Sample(frame, treatment="z", strata="pair"), "y").effects[0]
    gaps = frame.query("z == 1")["y"].to_numpy() - frame.query("z == 0")["y"].to_numpy()
    assert row.estimate == pytest.approx(gaps.mean())
    assert row.std_error == pytest.approx(gaps.std(ddof=1) / np.sqrt(12))
    assert row.df == 11


def test_did_on_changes_is_the_difference_of_paired_changes() -> None:
    """Two paired changes, one per group, are the two-by-two with HC2 errors."""
    frame = staggered(11, periods=2, cohorts=(2.0, np.inf))
    sample = Sample(frame, **ROLES)
    both = DifferenceInDifferences(method="ols").fit(sample, "y")["att"]
    parts = []
    for treated in (True, False):
        group = frame[np.isfinite(frame["cohort"]) == treated]
        parts.append(BeforeAfter().fit(Sample(group, unit="id", time="period"), "y").effects[0])
    assert both.estimate == pytest.approx(parts[0].estimate - parts[1].estimate)
    assert both.std_error == pytest.approx(np.hypot(parts[0].std_error, parts[1].std_error))


def test_clusters_of_one_are_no_clusters() -> None:
    frame = synthetic.trial(np.random.default_rng(12))
    plain = DifferenceInMeans().fit(Sample(frame, unit="id", treatment="treated"), "y").effects[0]
    tied = (
        DifferenceInMeans()
        .fit(Sample(frame, unit="id", treatment="treated", cluster="cluster"), "y")
        .effects[0]
    )
    assert tied.std_error == pytest.approx(plain.std_error)
