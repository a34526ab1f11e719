"""Sun–Abraham against fixest's sunab."""

from __future__ import annotations

import numpy as np
import pytest
from second_rung import SecondRung

from impact_eval.data.sample import Sample
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.stats.inference.covariance import Clustered

MPDTA_AND_BASE = SecondRung()

CASES = {
    "mpdta": ("lemp", {"unit": "countyreal", "time": "year", "cohort": "first.treat"}),
    "base_stagg": ("y", {"unit": "id", "time": "year", "cohort": "year_treated"}),
}


def case_of(name, real_data, reference):
    outcome, roles = CASES[name]
    frame = real_data(f"causal/{name}.csv")
    if "year_treated" in frame:
        frame["year_treated"] = frame["year_treated"].replace(10000, 0)
    estimate = SunAbraham(covariance=Clustered(correction="CR1")).fit(
        Sample(frame, **roles), outcome
    )
    return estimate, reference(f"causal/fixest_sunab_{name}")["results"]


def _parts(estimate, kind):
    """All rows of an aggregate but the overall effect."""
    whole = estimate.aggregate(kind)
    return whole.select(range(len(whole) - 1))


def _errors(estimate):
    return np.sqrt(np.diag(estimate.covariance))


@MPDTA_AND_BASE
@pytest.mark.parametrize("name", sorted(CASES))
def check_cells(name, real_data, reference):
    estimate, expected = case_of(name, real_data, reference)
    table = expected["disaggregated"]
    want = {}
    for term, value, error in zip(table["term"], table["estimate"], table["se"], strict=True):
        _, event, _, cohort = term.replace("::", ":").split(":")[0:4]
        want[float(cohort), float(cohort) + float(event)] = (value, error)
    found = {(e.group, e.time): (e.estimate, e.std_error) for e in estimate.effects}
    assert found.keys() == want.keys()
    for key, (value, error) in want.items():
        assert found[key][0] == pytest.approx(value, abs=1e-8)
        assert found[key][1] == pytest.approx(error, rel=1e-8)


@MPDTA_AND_BASE
@pytest.mark.parametrize("name", sorted(CASES))
def check_event_study(name, real_data, reference):
    estimate, expected = case_of(name, real_data, reference)
    event = _parts(estimate, "event")
    assert [e.time for e in event.effects] == [
        float(term.split("::")[1]) for term in expected["event"]["term"]
    ]
    np.testing.assert_allclose(event.estimates, expected["event"]["estimate"], atol=1e-8)
    np.testing.assert_allclose(_errors(event), expected["event"]["se"], rtol=1e-8)
    p_values = [e.p_value for e in event.effects]
    np.testing.assert_allclose(p_values, expected["event"]["p"], rtol=1e-6)


@MPDTA_AND_BASE
@pytest.mark.parametrize("name", sorted(CASES))
def check_overall_and_cohorts(name, real_data, reference):
    estimate, expected = case_of(name, real_data, reference)
    overall = estimate.aggregate("simple")["att"]
    assert overall.estimate == pytest.approx(expected["att"]["estimate"], abs=1e-8)
    assert overall.std_error == pytest.approx(expected["att"]["se"], rel=1e-8)
    group = _parts(estimate, "group")
    np.testing.assert_allclose(group.estimates, expected["cohort"]["estimate"], atol=1e-8)
    np.testing.assert_allclose(_errors(group), expected["cohort"]["se"], rtol=1e-8)


def test_on_mpdta_and_base(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    MPDTA_AND_BASE.run(request, subtests)
