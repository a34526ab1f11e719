"""Sun–Abraham against fixest's sunab."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.data.sample import Sample
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.stats.inference.covariance import Clustered

CASES = {
    "mpdta": ("lemp", {"unit": "countyreal", "time": "year", "cohort": "first.treat"}),
    "base_stagg": ("y", {"unit": "id", "time": "year", "cohort": "year_treated"}),
}


@pytest.fixture(params=sorted(CASES))
def case(request, real_data, reference):
    outcome, roles = CASES[request.param]
    frame = real_data(f"causal/{request.param}.csv")
    if "year_treated" in frame:
        frame["year_treated"] = frame["year_treated"].replace(10000, 0)
    estimate = SunAbraham(covariance=Clustered(correction="CR1")).fit(
        Sample(frame, **roles), outcome
    )
    return estimate, reference(f"causal/fixest_sunab_{request.param}")["results"]


def _parts(estimate, kind):
    """All rows of an aggregate but the overall effect."""
    whole = estimate.aggregate(kind)
    return whole.select(range(len(whole) - 1))


def _errors(estimate):
    return np.sqrt(np.diag(estimate.covariance))


def test_cells(case):
    estimate, expected = case
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


def test_event_study(case):
    estimate, expected = case
    event = _parts(estimate, "event")
    assert [e.time for e in event.effects] == [
        float(term.split("::")[1]) for term in expected["event"]["term"]
    ]
    np.testing.assert_allclose(event.estimates, expected["event"]["estimate"], atol=1e-8)
    np.testing.assert_allclose(_errors(event), expected["event"]["se"], rtol=1e-8)
    p_values = [e.p_value for e in event.effects]
    np.testing.assert_allclose(p_values, expected["event"]["p"], rtol=1e-6)


def test_overall_and_cohorts(case):
    estimate, expected = case
    overall = estimate.aggregate("simple")["att"]
    assert overall.estimate == pytest.approx(expected["att"]["estimate"], abs=1e-8)
    assert overall.std_error == pytest.approx(expected["att"]["se"], rel=1e-8)
    group = _parts(estimate, "group")
    np.testing.assert_allclose(group.estimates, expected["cohort"]["estimate"], atol=1e-8)
    np.testing.assert_allclose(_errors(group), expected["cohort"]["se"], rtol=1e-8)
