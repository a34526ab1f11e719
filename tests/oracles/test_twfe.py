"""Two-way fixed effects against fixest, bacondecomp and published tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.data.sample import Sample
from impact_eval.designs.twfe import TwoWayFixedEffects
from impact_eval.stats.inference.covariance import Clustered

MPDTA_AND_BASE = SecondRung()
FRENCH = SecondRung()
ORGANS = SecondRung()

PANELS = {
    "mpdta": {"unit": "countyreal", "time": "year", "cohort": "first.treat"},
    "base_stagg": {"unit": "id", "time": "year", "cohort": "year_treated"},
}
OUTCOME = {"mpdta": "lemp", "base_stagg": "y"}
CR1 = Clustered(correction="CR1")


def case_of(name, real_data, reference):
    frame = real_data(f"causal/{name}.csv")
    if name == "base_stagg":
        frame["year_treated"] = frame["year_treated"].replace(10000, 0)
    return (
        Sample(frame, **PANELS[name]),
        OUTCOME[name],
        reference(f"causal/fixest_twfe_{name}")["results"],
    )


@MPDTA_AND_BASE
@pytest.mark.parametrize("name", sorted(PANELS))
def check_static_is_fixest(name, real_data, reference):
    sample, outcome, expected = case_of(name, real_data, reference)
    row = TwoWayFixedEffects(covariance=CR1).fit(sample, outcome)["att"]
    assert row.estimate == pytest.approx(expected["static"]["estimate"], abs=1e-9)
    assert row.std_error == pytest.approx(expected["static"]["se"], rel=1e-9)
    assert row.p_value == pytest.approx(expected["static"]["p"], rel=1e-7)
    assert row.df == expected["static"]["df_t"]


@MPDTA_AND_BASE
@pytest.mark.parametrize("name", sorted(PANELS))
def check_event_study_is_fixest_with_its_covariance(name, real_data, reference):
    sample, outcome, expected = case_of(name, real_data, reference)
    estimate = TwoWayFixedEffects(specification="event", covariance=CR1).fit(sample, outcome)
    study = expected["event_study"]
    assert [e.time for e in estimate.effects] == [float(t.split("::")[1]) for t in study["term"]]
    np.testing.assert_allclose(estimate.estimates, study["estimate"], atol=1e-9)
    np.testing.assert_allclose(
        estimate.covariance, expected["event_study_vcov"]["values"], rtol=1e-7, atol=1e-12
    )


def test_holes_change_the_path_but_not_the_numbers(real_data, reference):
    """The same regression by blocks, on a panel with holes, against least squares with dummies."""
    frame = real_data("causal/mpdta.csv").sample(frac=0.85, random_state=3)
    sample = Sample(frame, unit="countyreal", time="year", cohort="first.treat")
    row = TwoWayFixedEffects(covariance=CR1).fit(sample, "lemp")["att"]
    treated = (frame["first.treat"] > 0) & (frame["year"] >= frame["first.treat"])
    dummies = pd.get_dummies(frame["countyreal"]).join(
        pd.get_dummies(frame["year"]).iloc[:, 1:].add_prefix("t")
    )
    X = np.column_stack([treated, dummies.to_numpy(float)])
    y = frame["lemp"].to_numpy()
    beta, _, rank, _ = np.linalg.lstsq(X, y, rcond=None)
    residual = y - X @ beta
    rest = X[:, 0] - X[:, 1:] @ np.linalg.lstsq(X[:, 1:], X[:, 0], rcond=None)[0]
    score = pd.Series(rest * residual).groupby(frame["countyreal"].to_numpy()).sum()
    n, units = len(y), frame["countyreal"].nunique()
    parameters = rank - units + 1  # units are nested in the clusters
    factor = units / (units - 1) * (n - 1) / (n - parameters)
    std_error = np.sqrt(factor * (score**2).sum()) / (rest @ rest)
    assert row.estimate == pytest.approx(beta[0], abs=1e-10)
    assert row.std_error == pytest.approx(std_error, rel=1e-9)


@MPDTA_AND_BASE
@pytest.mark.parametrize(
    ("name", "roles", "outcome"),
    [
        ("mpdta", PANELS["mpdta"], "lemp"),
        (
            "math_reform",
            {"unit": "state", "time": "class", "treatment": "reform_math"},
            "incearn_ln",
        ),
    ],
)
def check_bacon_is_bacondecomp(real_data, reference, name, roles, outcome):
    estimate = TwoWayFixedEffects().fit(Sample(real_data(f"causal/{name}.csv"), **roles), outcome)
    expected = reference(f"causal/bacon_{name}")["results"]
    table = expected["comparisons"]
    parts = zip(
        table["treated"], table["untreated"], table["estimate"], table["weight"], strict=True
    )
    want = {(t, 99999 if c == 99999 else c): (e, w) for t, c, e, w in parts}
    found = {
        (c["treated"], c["control"] or 99999): (c["estimate"], c["weight"])
        for c in estimate.details["bacon"]["comparisons"]
    }
    assert found.keys() == want.keys()
    for key, pair in want.items():
        np.testing.assert_allclose(found[key], pair, atol=1e-9)
    assert estimate.details["bacon"]["total"] == pytest.approx(expected["twfe"], abs=1e-9)


def test_on_mpdta_and_base(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    MPDTA_AND_BASE.run(request, subtests)


def test_castle_doctrine_as_published(real_data):
    """Stata 17 didregress manual: .0693984 (.0558596) and its Goodman-Bacon table."""
    frame = real_data("causal/castle.csv").assign(law=lambda t: (t["cdl"] >= 1).astype(int))
    sample = Sample(frame, unit="sid", time="year", treatment="law")
    estimate = TwoWayFixedEffects(covariance=CR1).fit(sample, "l_homicide")
    assert estimate["att"].estimate == pytest.approx(0.0693984, abs=5e-8)
    assert estimate["att"].std_error == pytest.approx(0.0558596, abs=5e-8)
    kinds = estimate.details["bacon"]["kinds"]
    published = {
        "treated_vs_never": (0.898809, 0.07843799),
        "earlier_vs_later": (0.077079, -0.02857716),
        "later_vs_earlier": (0.024112, 0.04563468),
    }
    for kind, (weight, value) in published.items():
        assert kinds[kind]["weight"] == pytest.approx(weight, abs=5e-7)
        assert kinds[kind]["estimate"] == pytest.approx(value, abs=5e-9)


def test_divorce_as_published(real_data):
    """Goodman-Bacon (2021): -3.08 per million women in print, -3.05 on the distributed data."""
    frame = real_data("causal/divorce.csv").query("sex == 2")
    sample = Sample(frame, unit="st", time="year", treatment="changed")
    estimate = TwoWayFixedEffects().fit(sample, "suiciderate_jag")
    assert 1e6 * estimate["att"].estimate == pytest.approx(-3.05, abs=0.005)
    kinds = estimate.details["bacon"]["kinds"]
    unchanging = kinds["treated_vs_never"]["weight"] + kinds["later_vs_always"]["weight"]
    assert unchanging == pytest.approx(0.640, abs=5e-4)
    assert kinds["earlier_vs_later"]["weight"] == pytest.approx(0.106, abs=5e-4)
    assert kinds["later_vs_earlier"]["weight"] == pytest.approx(0.254, abs=5e-4)


@ORGANS
def check_organ_donations_as_published(real_data):
    """The Effect, chapter 18: -.022459. Its error rests on one treated state: none is given."""
    frame = real_data("fr/intl/dons_organes_californie_did.csv")
    frame["d"] = ((frame["State"] == "California") & (frame["Quarter_Num"] > 3)).astype(int)
    sample = Sample(frame, unit="State", time="Quarter_Num", treatment="d")
    row = TwoWayFixedEffects(covariance=CR1).fit(sample, "Rate")["att"]
    assert row.estimate == pytest.approx(-0.022459, abs=5e-7)
    assert row.std_error is None


@ORGANS
def check_one_treated_territory_has_no_interval_of_its_own(real_data):
    frame = real_data("fr/intl/dons_organes_californie_did.csv")
    frame["d"] = ((frame["State"] == "California") & (frame["Quarter_Num"] > 3)).astype(int)
    sample = Sample(frame, unit="State", time="Quarter_Num", treatment="d")
    estimate = TwoWayFixedEffects().fit(sample, "Rate")
    assert estimate["att"].std_error is None
    assert "one_treated_unit" in [f.code for f in estimate.findings]  # no cluster is declared


def test_on_organs(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    ORGANS.run(request, subtests)


@FRENCH
@pytest.mark.parametrize(
    ("name", "outcome", "time", "value", "std_error"),
    [
        ("cas_garantie_jeunes_chomage_trim_2011_2015", "taux_chomage", "q", 0.01657, 0.049),
        ("cas_rsa_renove_foyers_rsa_2019_2024", "ly", "annee", -1.78894, 0.9035),
        ("cas_rsa_experimental_rmi_2002_2008", "ly", "annee", -2.82784, 1.7618),
    ],
)
def check_french_cases(real_data, name, outcome, time, value, std_error):
    """pyfixest 0.60.0, CRV1 by département (stored with the data, 5 digits).

    Its factor counts two parameters where fixest's `nonnested` rule counts the periods as well.
    """
    sample = Sample(real_data(f"fr/{name}.csv"), unit="dep", time=time, cohort="g")
    row = TwoWayFixedEffects(covariance=CR1).fit(sample, outcome)["att"]
    assert row.estimate == pytest.approx(value, abs=6e-6)
    two_counted = np.sqrt((sample.n - sample.n_periods - 1) / (sample.n - 2))
    assert row.std_error * two_counted == pytest.approx(std_error, abs=6e-5)


def test_on_french(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    FRENCH.run(request, subtests)
