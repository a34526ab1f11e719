"""Identities between the regression-type differences in differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.designs.chaisemartin_dhaultfoeuille import ChaisemartinDHaultfoeuille
from impact_eval.designs.imputation import ImputationDiD
from impact_eval.designs.stacked import StackedDiD
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.designs.twfe import TwoWayFixedEffects
from impact_eval.stats.inference.covariance import Clustered
from impact_eval.stats.panels.cohort_gram import cohort_gram

ROLES = {"unit": "id", "time": "period", "cohort": "cohort"}
CR1 = Clustered(correction="CR1")
CR0 = Clustered(correction="CR0")


def _errors(estimate):
    return np.sqrt(np.diag(estimate.covariance))


def _parts(estimate, kind):
    whole = estimate.aggregate(kind)
    return whole.select(range(len(whole) - 1))


def test_two_periods_is_two_by_two_for_everybody(rng):
    frame = staggered_panel(rng, units=80, periods=2, cohorts=(2.0, np.inf, np.inf))
    sample = Sample(frame, **ROLES)
    wide = frame.pivot(index="id", columns="period", values="y")
    change = wide[2.0] - wide[1.0]
    treated = frame.groupby("id")["cohort"].first() == 2
    want = change[treated].mean() - change[~treated].mean()
    for design in (
        TwoWayFixedEffects(),
        TwoWayFixedEffects(specification="event"),
        SunAbraham(),
        ImputationDiD(),
        ImputationDiD(variance="two_stage"),
        StackedDiD(),
        ChaisemartinDHaultfoeuille(),
    ):
        row = design.fit(sample, "y").aggregate("simple").effects[0]
        assert row.estimate == pytest.approx(want, abs=1e-12), design.info.name


def test_one_cohort_event_study_is_the_dynamic_two_by_two(rng):
    frame = staggered_panel(rng, units=60, periods=6, cohorts=(4.0, np.inf))
    sample = Sample(frame, **ROLES)
    mean = frame.groupby([frame["cohort"] == 4, "period"])["y"].mean().unstack(0)
    gap = mean[True] - mean[False]
    for design in (TwoWayFixedEffects(specification="event"), SunAbraham()):
        estimate = design.fit(sample, "y").aggregate("event")
        for effect in estimate.effects:
            if effect.term == "event":
                want = gap[4 + effect.time] - gap[3]
                assert effect.estimate == pytest.approx(want, abs=1e-12)


def test_sun_abraham_is_callaway_santanna_without_covariates(rng):
    sample = Sample(staggered_panel(rng, units=90, periods=7, cohorts=(3, 5, np.inf)), **ROLES)
    one = SunAbraham().fit(sample, "y")
    other = CallawaySantAnna(base_period="universal").fit(sample, "y")
    cells = {(e.group, e.time): e.estimate for e in other.effects}
    for effect in one.effects:
        assert effect.estimate == pytest.approx(cells[effect.group, effect.time], abs=1e-10)
    for kind in ("simple", "event", "group"):
        want = {e.key: e.estimate for e in other.aggregate(kind).effects}
        for effect in one.aggregate(kind).effects:
            assert effect.estimate == pytest.approx(want[effect.key], abs=1e-10)


def test_imputation_is_the_saturated_regression(rng):
    """Least squares with one indicator per treated cell: same points (Wooldridge's ETWFE)."""
    frame = staggered_panel(rng, units=60, periods=6, cohorts=(3.0, 5.0, np.inf))
    frame = frame.drop(index=frame.sample(frac=0.1, random_state=1).index)
    frame["m"] = np.random.default_rng(2).normal(size=len(frame))
    sample = Sample(frame, **ROLES, covariates=["x", "m"])
    estimate = ImputationDiD(leads=0).fit(sample, "y")
    name = frame["cohort"].astype(str) + "-" + frame["period"].astype(str)
    cell = np.where(frame["period"] >= frame["cohort"], name, "")
    # covariates on untreated rows only, as the imputation learns them; effects average the gaps
    untreated = frame[cell == ""]
    columns = [pd.get_dummies(untreated["id"]).to_numpy(float)]
    times = np.unique(frame["period"])
    period = (untreated["period"].to_numpy()[:, None] == times).astype(float)
    columns += [period, period * untreated[["x"]].to_numpy(), untreated[["m"]].to_numpy()]
    beta = np.linalg.lstsq(np.hstack(columns), untreated["y"].to_numpy(), rcond=None)[0]
    units = np.unique(untreated["id"])
    everybody = (frame["id"].to_numpy()[:, None] == units).astype(float)
    period = (frame["period"].to_numpy()[:, None] == times).astype(float)
    whole = np.hstack([everybody, period, period * frame[["x"]].to_numpy(), frame[["m"]]])
    gap = frame["y"] - whole @ beta
    want = gap[cell != ""].groupby(cell[cell != ""]).mean()
    assert len(want) == len(estimate)
    for effect in estimate.effects:
        assert effect.estimate == pytest.approx(want[f"{effect.group}-{effect.time}"], abs=1e-8)


@pytest.mark.parametrize("weights", [None, "w"])
def test_bacon_weights_sum_to_one_and_give_the_coefficient(rng, weights):
    frame = staggered_panel(rng, units=70, periods=7, cohorts=(1.0, 3.0, 4.0, 6.0, np.inf))
    estimate = TwoWayFixedEffects().fit(Sample(frame, **ROLES, weights=weights), "y")
    parts = estimate.details["bacon"]["comparisons"]
    assert sum(p["weight"] for p in parts) == pytest.approx(1, abs=1e-12)
    total = sum(p["weight"] * p["estimate"] for p in parts)
    assert total == pytest.approx(estimate["att"].estimate, abs=1e-10)


def test_effect_weights_recover_the_coefficient_of_noiseless_effects(rng):
    """With no noise, the coefficient is the weighted mean of the true effects."""
    frame = staggered_panel(rng, units=60, periods=7, cohorts=(3.0, 5.0, np.inf), noise=0.0)
    frame["y"] = frame["truth"]
    estimate = TwoWayFixedEffects().fit(Sample(frame, **ROLES), "y")
    from impact_eval.designs.cohort_panel import read_panel
    from impact_eval.stats.panels.bacon import effect_weights

    panel = read_panel(Sample(frame, **ROLES), "y")
    treated = (panel.event_times >= 0).astype(float)
    found = effect_weights(treated, panel.cell_weight, estimate["att"].estimate)
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    value = float((found.weights * panel.moments.mean).sum())
    assert value == pytest.approx(estimate["att"].estimate, abs=1e-10)


@pytest.mark.parametrize(
    "design",
    [TwoWayFixedEffects(specification="event", covariance=CR1), SunAbraham(covariance=CR1),
     ImputationDiD(covariance=CR0), ImputationDiD(variance="bjs_leave_out", covariance=CR0),
     ImputationDiD(variance="two_stage", covariance=CR0)],
    ids=lambda d: f"{d.info.name}-{getattr(d, 'variance', '')}",
)  # fmt: skip
@pytest.mark.parametrize("roles", [{}, {"weights": "w"}, {"cluster": "cluster"}], ids=str)
def test_moments_and_blocks_agree(rng, design, roles):
    """The path by cohort moments and the path unit by unit are one estimator."""
    frame = staggered_panel(rng, units=120, periods=6, units_per_cluster=2)
    plain = design.fit(Sample(frame, **ROLES, **roles), "y").aggregate("event")
    # one unit seen once: the panel has holes, and nothing else changes
    extra = frame.iloc[[0]].assign(id=9_999, cohort=np.inf, cluster=9_999, y=0.0)
    holes = pd.concat([frame, extra], ignore_index=True)
    other = design.fit(Sample(holes, **ROLES, **roles), "y").aggregate("event")
    np.testing.assert_allclose(other.estimates, plain.estimates, atol=1e-10)
    # a unit seen once moves only the small-sample factor, the same for rows of one regression
    ratio = _errors(other) / _errors(plain)
    before = np.array([e.time is not None and e.time < 0 for e in plain.effects])
    for rows in (before, ~before):
        np.testing.assert_allclose(ratio[rows], ratio[rows][0], rtol=1e-9)
    np.testing.assert_allclose(ratio, 1.0, atol=2e-2)


@pytest.mark.parametrize(
    "design",
    [TwoWayFixedEffects(specification="event"), SunAbraham(), ImputationDiD(), StackedDiD(),
     ImputationDiD(variance="two_stage"), ChaisemartinDHaultfoeuille()],
    ids=lambda d: f"{d.info.name}-{getattr(d, 'variance', '')}",
)  # fmt: skip
def test_influence_gives_the_covariance(rng, design):
    frame = staggered_panel(rng, units=120, periods=6, units_per_cluster=2)
    for roles in ({}, {"cluster": "cluster"}):
        estimate = design.fit(Sample(frame, **ROLES, **roles), "y").aggregate("event")
        psi = estimate.influence.values
        assert len(psi) == len(estimate.influence.units)
        np.testing.assert_allclose(psi.T @ psi, estimate.covariance, rtol=1e-8, atol=1e-14)


def test_moments_merge_exactly(rng):
    y, codes = rng.normal(size=(500, 5)) + 1e3, rng.integers(0, 4, 500)
    for weights in (None, rng.uniform(0.1, 2, 500)):
        pick = lambda rows: None if weights is None else weights[rows]  # noqa: B023, E731
        whole = cohort_gram(y, codes, 4, weights=weights)
        parts = [slice(0, 120), slice(120, 333), slice(333, 500)]
        merged = None
        for rows in parts:
            part = cohort_gram(y[rows], codes[rows], 4, weights=pick(rows))
            merged = part if merged is None else merged.merge(part)
        for name in ("counts", "weight", "weight_sq", "mean", "drift", "gram"):
            np.testing.assert_allclose(
                getattr(merged, name), getattr(whole, name), rtol=1e-10, atol=1e-8, err_msg=name
            )


def test_cr2_is_that_of_the_explicit_regression(rng):
    """Unit effects swept out or written out: one CR2, one number of degrees of freedom."""
    from impact_eval.stats.inference.covariance import covariance_of_fit
    from impact_eval.stats.inference.regression import Absorbed, least_squares

    frame = staggered_panel(rng, units=30, periods=6)
    estimate = TwoWayFixedEffects(covariance=Clustered()).fit(Sample(frame, **ROLES), "y")
    assert estimate.method.covariance == "CR2"
    treated = (frame["period"] >= frame["cohort"]).astype(float)
    columns = np.column_stack([treated, pd.get_dummies(frame["period"]).to_numpy(float)[:, 1:]])
    table = pd.DataFrame(columns).assign(y=frame["y"])
    swept = table - table.groupby(frame["id"]).transform("mean")
    fit = least_squares(swept["y"], swept.drop(columns="y"), absorbed=Absorbed(30))
    want = covariance_of_fit(fit, Clustered(), clusters=frame["id"].to_numpy())
    assert estimate["att"].std_error == pytest.approx(want.std_errors[0], rel=1e-9)
    assert estimate["att"].df == pytest.approx(want.df[0], rel=1e-9)


@pytest.mark.parametrize("design", [SunAbraham(), ImputationDiD(), CallawaySantAnna()])
def test_nobody_is_its_own_comparison(rng, design):
    """Units of a cohort and units it is compared with are never more than all units."""
    frame = staggered_panel(rng, units=60, cohorts=(3.0, 4.0, np.inf))
    for effect in design.fit(Sample(frame, **ROLES), "y").effects:
        if effect.group is not None:
            assert effect.n_treated + effect.n_comparison <= 60, effect.key
