"""Group-time effects and their aggregates against R's did 2.5.1, and three French roll-outs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.data.sample import Sample
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.stats.inference.covariance import Clustered

MPDTA = SecondRung()
FRENCH_ROLL_OUTS = SecondRung()

POINT = 1e-6
ERROR = 1e-5
Read = Callable[[str], Any]

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "did_mpdta_never_nocov": ({}, {}),
    "did_mpdta_never_lpop_dr": ({"covariates": ["lpop"]}, {}),
    "did_mpdta_notyet_lpop_dr": (
        {"covariates": ["lpop"]},
        {"control_group": "not_yet_treated"},
    ),
    "did_mpdta_never_universal_nocov": ({}, {"base_period": "universal"}),
    "did_mpdta_never_antic1_nocov": ({}, {"anticipation": 1}),
    "did_mpdta_never_weights_pop_nocov": ({"weights": "pop"}, {}),
    "did_mpdta_never_cluster_state_nocov": ({"cluster": "state"}, {}),
    "did_mpdta_rc_lpop_dr": ({"covariates": ["lpop"], "unit": None}, {}),
    "did_mpdta_unbalanced_allow_lpop_dr": ({"covariates": ["lpop"]}, {"unbalanced": "rows"}),
}


def numbers(values: Any) -> np.ndarray:
    """Return JSON numbers as an array, NaN for null."""
    listed = values if isinstance(values, list) else [values]
    return np.array([np.nan if value is None else value for value in listed], dtype=float)


def agree(found: Any, expected: Any, tolerance: float) -> None:
    """Absolute on points, relative on errors: what is stated at the call."""
    np.testing.assert_allclose(np.asarray(found, dtype=float), numbers(expected), atol=tolerance)


def agree_error(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found, dtype=float), numbers(expected), rtol=ERROR)


def mpdta(real_data: Read, case: str) -> pd.DataFrame:
    frame = real_data("causal/mpdta.csv")
    frame = frame.assign(pop=np.exp(frame["lpop"]), state=frame["countyreal"] // 1000)
    if "unbalanced" in case:
        frame = frame[(frame["countyreal"] * 7 + frame["year"]) % 11 != 0]
    return frame.sample(frac=1, random_state=5)


def fit(frame: pd.DataFrame, roles: dict[str, Any], options: dict[str, Any]) -> Any:
    given = {"unit": "countyreal", "time": "year", "cohort": "first.treat"} | roles
    own = {"covariance": Clustered(correction="CR0")}  # R's convention, however few the clusters
    return CallawaySantAnna(**(own | options)).fit(Sample(frame, **given), "lemp")


@MPDTA
@pytest.mark.parametrize("case", CASES)
def check_group_time_effects(case: str, reference: Read, real_data: Read) -> None:
    roles, options = CASES[case]
    expected = reference(f"causal/{case}")["results"]
    table = fit(mpdta(real_data, case), roles, options).tidy()
    agree(table["group"], expected["group"], 0)
    agree(table["time"], expected["time"], 0)
    agree(table["estimate"], expected["att"], POINT)
    agree_error(table["std_error"], expected["se"])


@MPDTA
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("simple", "agg_simple"),
        ("event", "agg_dynamic"),
        ("group", "agg_group"),
        ("calendar", "agg_calendar"),
    ],
)
def check_aggregates(case: str, kind: str, name: str, reference: Read, real_data: Read) -> None:
    roles, options = CASES[case]
    expected = reference(f"causal/{case}")["results"][name]
    estimate = fit(mpdta(real_data, case), roles, options).aggregate(kind)
    overall = estimate["att"]
    assert overall.estimate == pytest.approx(expected["overall_att"], abs=POINT)
    assert overall.std_error == pytest.approx(expected["overall_se"], rel=ERROR)
    if "at" not in expected:
        return
    rows = estimate.tidy().query("term != 'att'")
    agree(rows["group" if kind == "group" else "time"], expected["at"], 0)
    agree(rows["estimate"], expected["att"], POINT)
    agree_error(rows["std_error"], expected["se"])
    if "vcov" in expected:
        own = estimate.covariance[: len(rows), : len(rows)]
        wanted = np.array(expected["vcov"]["values"])
        live = np.isfinite(np.diag(own))
        np.testing.assert_allclose(
            own[np.ix_(live, live)], wanted[np.ix_(live, live)], rtol=1e-4, atol=1e-10
        )


@MPDTA
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("name", "more"),
    [("agg_dynamic_balance_e1", {"balance": 1}), ("agg_dynamic_window", {"window": (-1, 2)})],
)
def check_event_windows(
    case: str, name: str, more: dict[str, Any], reference: Read, real_data: Read
) -> None:
    roles, options = CASES[case]
    expected = reference(f"causal/{case}")["results"][name]
    estimate = fit(mpdta(real_data, case), roles, options | more).aggregate("event")
    rows = estimate.tidy().query("term != 'att'")
    agree(rows["time"], expected["at"], 0)
    agree(rows["estimate"], expected["att"], POINT)
    agree_error(rows["std_error"], expected["se"])
    assert estimate["att"].estimate == pytest.approx(expected["overall_att"], abs=POINT)
    assert estimate["att"].std_error == pytest.approx(expected["overall_se"], rel=ERROR)


@MPDTA
@pytest.mark.parametrize("case", ["did_mpdta_never_nocov", "did_mpdta_never_lpop_dr"])
def check_joint_pretest(case: str, reference: Read, real_data: Read) -> None:
    roles, options = CASES[case]
    expected = reference(f"causal/{case}")["results"]
    estimate = fit(mpdta(real_data, case), roles, options)
    before = [effect.key for effect in estimate.effects if effect.time < effect.group]
    test = estimate.test(before)
    assert test.statistic == pytest.approx(expected["wald_pretest"], rel=1e-6)
    assert test.p_value == pytest.approx(expected["wald_pretest_p"], abs=5e-6)  # printed rounded


@MPDTA
@pytest.mark.parametrize(
    ("method", "point", "error"),
    [("dr", -0.0417518, 0.0115028), ("reg", -0.0419686, 0.0114448), ("ipw", -0.0417771, 0.0114997)],
)
def check_published_methods(method: str, point: float, error: float, real_data: Read) -> None:
    """Simple aggregate of mpdta with log population, as printed with seven decimals."""
    frame = mpdta(real_data, "")
    row = fit(frame, {"covariates": ["lpop"]}, {"method": method}).aggregate("simple")["att"]
    assert row.estimate == pytest.approx(point, abs=6e-8)
    assert row.std_error == pytest.approx(error, abs=6e-8)


@MPDTA
@pytest.mark.parametrize(
    ("kind", "point", "error"),
    [
        ("simple", -0.0397636, 0.0120524),
        ("event", -0.0773993, 0.0195602),
        ("group", -0.0304622, 0.0125751),
        ("calendar", -0.0442671, 0.0155709),
    ],
)
def check_published_not_yet_treated(kind: str, point: float, error: float, real_data: Read) -> None:
    estimate = fit(mpdta(real_data, ""), {}, {"control_group": "not_yet_treated"})
    row = estimate.aggregate(kind)["att"]
    assert row.estimate == pytest.approx(point, abs=6e-8)
    assert row.std_error == pytest.approx(error, abs=6e-8)


@MPDTA
def check_points_of_the_staggered_package(reference: Read, real_data: Read) -> None:
    """The same contrasts as R's staggered; its standard errors are design-based, not these."""
    expected = reference("causal/staggered_mpdta")["results"]
    for name, control in (("cs", "not_yet_treated"), ("sa", "never_treated")):
        estimate = fit(mpdta(real_data, ""), {}, {"control_group": control})
        for kind, other in (("simple", "simple"), ("group", "cohort"), ("calendar", "calendar")):
            point = estimate.aggregate(kind)["att"].estimate
            assert point == pytest.approx(expected[f"{name}_{other}"]["estimate"], abs=1e-9)


def test_many_cohorts(reference: Read, real_data: Read) -> None:
    frame = real_data("causal/base_stagg.csv")
    start = np.where(frame["year_treated"] > 100, 0, frame["year_treated"])
    expected = reference("causal/did_base_stagg_never_nocov")["results"]
    sample = Sample(frame.assign(g=start), unit="id", time="year", cohort="g")
    estimate = CallawaySantAnna().fit(sample, "y")
    agree(estimate.tidy()["estimate"], expected["att"], POINT)
    agree_error(estimate.tidy()["std_error"], expected["se"])
    for kind in ("calendar", "group"):
        row, wanted = estimate.aggregate(kind)["att"], expected[f"agg_{kind}"]
        assert row.estimate == pytest.approx(wanted["overall_att"], abs=POINT)
        assert row.std_error == pytest.approx(wanted["overall_se"], rel=ERROR)


@MPDTA
def check_multiplier_critical_values(reference: Read, real_data: Read) -> None:
    """R divides each draw by its interquartile spread; with that scale our draws give its values.

    Monte Carlo on both sides: 20,000 draws here give the quantile within about 0.02.
    """
    expected = reference("causal/did_mpdta_bootstrap_bands")["results"]
    estimate = fit(mpdta(real_data, ""), {"covariates": ["lpop"]}, {})
    rng = np.random.default_rng(1)
    shown = {"att_gt": estimate, "dynamic": estimate.aggregate("event"),
             "group": estimate.aggregate("group")}  # fmt: skip
    for name, table in shown.items():
        keep = [i for i, effect in enumerate(table.effects) if effect.term != "att"]
        psi = table.influence.values[:, keep]
        draws = np.vstack([
            (rng.integers(0, 2, (1000, len(psi))) * 2.0 - 1) @ psi for _ in range(20)
        ])  # fmt: skip
        low, high = np.quantile(draws, [0.25, 0.75], axis=0)
        scale = (high - low) / 1.3489795003921634
        np.testing.assert_allclose(scale, expected[name]["se_boot"], rtol=0.03)
        value = np.quantile(np.abs(draws / scale).max(axis=1), 0.95)
        assert value == pytest.approx(expected[name]["crit_val"], abs=0.03)


@MPDTA
def check_bands_hold_several_rows_together(real_data: Read) -> None:
    estimate = fit(mpdta(real_data, ""), {"covariates": ["lpop"]}, {}).aggregate("event")
    pointwise, bands = estimate.tidy(), estimate.bands()
    event = bands["term"] == "event"
    assert (bands["conf_low"] < pointwise["conf_low"])[event].all()
    assert bands["conf_low"][~event].to_numpy() == pytest.approx(
        pointwise["conf_low"][~event].to_numpy()
    )


FRENCH = {
    "cas_garantie_jeunes_chomage_trim_2011_2015": ("q", "taux_chomage"),
    "cas_rsa_renove_foyers_rsa_2019_2024": ("annee", "ly"),
    "cas_rsa_experimental_rmi_2002_2008": ("annee", "ly"),
}


@FRENCH_ROLL_OUTS
@pytest.mark.parametrize("case", FRENCH)
def check_french_roll_outs(case: str, real_data: Read) -> None:
    """Three real deployments, as three other packages and a hand computation found them.

    Points were printed with five decimals. Only not-yet-treated standard errors are analytic; the
    never-treated ones are bootstrap draws and move by several per cent.
    """
    expected = real_data("fr/references_did_reelles.csv").query("jeu == @case")
    time, outcome = FRENCH[case]
    sample = Sample(real_data(f"fr/{case}.csv"), unit="dep", time=time, cohort="g")
    compared = 0
    for row in expected.itertuples():
        if not row.estimateur.startswith("CS2021"):
            continue
        control = "not_yet_treated" if "pas encore" in row.estimateur else "never_treated"
        found = CallawaySantAnna(control_group=control).fit(sample, outcome)
        effect = found.aggregate("simple")["att"]
        assert effect.estimate == pytest.approx(row.estimation, abs=1e-5)
        analytic = "analytique" in row.note
        assert effect.std_error == pytest.approx(row.erreur_type, rel=0.002 if analytic else 0.06)
        compared += 1
    assert compared >= 1


def test_on_french_roll_outs(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    FRENCH_ROLL_OUTS.run(request, subtests)


@MPDTA
def check_clusters_named_by_the_covariance(reference: Read, real_data: Read) -> None:
    case = "did_mpdta_never_cluster_state_nocov"
    expected = reference(f"causal/{case}")["results"]
    design = {"covariance": Clustered("state", correction="CR0")}
    estimate = fit(mpdta(real_data, case), {}, design)
    agree_error(estimate.tidy()["std_error"], expected["se"])
    assert estimate.effects[0].p_value is None  # the 2004 wave is a single state
    assert "one_cluster_cohort" in {finding.code for finding in estimate.findings}


def test_on_mpdta(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    MPDTA.run(request, subtests)
