"""Imputation and two stages against didimputation and did2s.

Points agree with the references to 1e-7, standard errors to 1e-7 relative: both packages solve
their fixed effects iteratively; the same numbers by two paths of ours agree to 1e-14.
"""

from __future__ import annotations

import numpy as np
import pytest
from second_rung import SecondRung

from impact_eval.data.sample import Sample
from impact_eval.designs.cohort_panel import read_panel
from impact_eval.designs.imputation import ImputationDiD
from impact_eval.designs.panel_ols import panel_ols
from impact_eval.stats.inference.covariance import Clustered

MPDTA_AND_HET = SecondRung()
FRENCH = SecondRung()

CASES = {
    "mpdta": ("lemp", {"unit": "countyreal", "time": "year", "cohort": "first.treat"}),
    "df_het": ("dep_var", {"unit": "unit", "time": "year", "cohort": "g", "cluster": "state"}),
}


def case_of(name, real_data, reference):
    outcome, roles = CASES[name]
    sample = Sample(real_data(f"causal/{name}.csv"), **roles)
    return (
        sample,
        outcome,
        lambda package: reference(f"causal/{package}_{name}")["results"],
    )


def _parts(estimate, kind):
    """All rows of an aggregate but the overall effect."""
    whole = estimate.aggregate(kind)
    return whole.select(range(len(whole) - 1))


def _errors(estimate):
    return np.sqrt(np.diag(estimate.covariance))


@MPDTA_AND_HET
@pytest.mark.parametrize("name", sorted(CASES))
def check_bjs_is_didimputation(name, real_data, reference):
    sample, outcome, expected = case_of(name, real_data, reference)
    estimate = ImputationDiD(leads=0).fit(sample, outcome)
    want = expected("didimputation")
    overall = estimate.aggregate("simple")["att"]
    assert overall.estimate == pytest.approx(want["static"]["estimate"], abs=1e-6)
    assert overall.std_error == pytest.approx(want["static"]["std.error"], rel=1e-6)
    assert overall.conf_low == pytest.approx(want["static"]["conf.low"], abs=1e-6)
    event = _parts(estimate, "event")
    assert [e.time for e in event.effects] == [float(t) for t in want["horizons"]["term"]]
    np.testing.assert_allclose(event.estimates, want["horizons"]["estimate"], atol=1e-6)
    np.testing.assert_allclose(_errors(event), want["horizons"]["std.error"], rtol=1e-6)


@MPDTA_AND_HET
@pytest.mark.parametrize("name", sorted(CASES))
def check_two_stage_is_did2s(name, real_data, reference):
    sample, outcome, expected = case_of(name, real_data, reference)
    estimate = ImputationDiD(variance="two_stage", leads=0).fit(sample, outcome)
    want = expected("did2s")
    overall = estimate.aggregate("simple")["att"]
    assert overall.estimate == pytest.approx(want["static"]["estimate"], abs=1e-6)
    assert overall.std_error == pytest.approx(want["static"]["se"], rel=1e-6)
    event = _parts(estimate, "event")
    study = want["event_study"]
    after = [i for i, term in enumerate(study["term"]) if int(term.split("::")[1]) >= 0]
    np.testing.assert_allclose(event.estimates, np.array(study["estimate"])[after], atol=1e-6)
    np.testing.assert_allclose(_errors(event), np.array(study["se"])[after], rtol=1e-6)


@MPDTA_AND_HET
@pytest.mark.parametrize("name", sorted(CASES))
def check_placebo_regression_is_didimputation(name, real_data, reference):
    """didimputation's pretrends=-3:-2: two leads on untreated rows, clustered without factor."""
    sample, outcome, expected = case_of(name, real_data, reference)
    panel = read_panel(sample, outcome)
    event = panel.event_times
    cells = np.stack([event == -3, event == -2], axis=2).astype(float)
    result = panel_ols(panel, cells, sample, covariance=Clustered(correction="CR1"), used=event < 0)
    want = expected("didimputation")["horizons_pretrends"]
    np.testing.assert_allclose(result.coefficients, want["estimate"][:2], atol=1e-6)
    error = np.sqrt(np.diag(result.source.combine(np.eye(2)).covariance))
    np.testing.assert_allclose(error, want["std.error"][:2], rtol=1e-6)


def test_on_mpdta_and_het(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    MPDTA_AND_HET.run(request, subtests)


@FRENCH
@pytest.mark.parametrize(
    ("name", "outcome", "time", "value", "std_error"),
    [
        ("cas_garantie_jeunes_chomage_trim_2011_2015", "taux_chomage", "q", 0.02669, 0.0524),
        ("cas_rsa_renove_foyers_rsa_2019_2024", "ly", "annee", -1.81313, 0.9408),
    ],
)
def check_french_cases(real_data, name, outcome, time, value, std_error):
    """pyfixest 0.60.0 did2s (stored with the data): its solver stops early, hence 1e-4."""
    sample = Sample(real_data(f"fr/{name}.csv"), unit="dep", time=time, cohort="g")
    row = ImputationDiD(variance="two_stage").fit(sample, outcome).aggregate("simple")["att"]
    assert row.estimate == pytest.approx(value, abs=1e-4)
    assert row.std_error == pytest.approx(std_error, abs=1e-3)


def test_on_french(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    FRENCH.run(request, subtests)
