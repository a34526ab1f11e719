"""Surveys of 2010, 2012, 2013 and 2016, entries between them: time is the calendar's everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.designs.chaisemartin_dhaultfoeuille import ChaisemartinDHaultfoeuille
from impact_eval.designs.imputation import ImputationDiD
from impact_eval.designs.stacked import StackedDiD
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.designs.synthetic_control import SyntheticControl
from impact_eval.designs.synthetic_did import SyntheticDiD
from impact_eval.designs.twfe import TwoWayFixedEffects

SURVEYS = (2010, 2012, 2013, 2016)
ROLES = {"unit": "town", "time": "year", "cohort": "entry"}
DESIGNS = [
    CallawaySantAnna(),
    CallawaySantAnna(control_group="not_yet_treated", base_period="universal"),
    ImputationDiD(leads=0),
    SunAbraham(),
    TwoWayFixedEffects(specification="event"),
    StackedDiD(),
    StackedDiD(weighting="none"),
    ChaisemartinDHaultfoeuille(),
]


def growing(
    entries: tuple[int, ...] = (0, 2011, 2012, 2013), years: tuple[int, ...] = SURVEYS
) -> pd.DataFrame:
    """Effects of 2 a year since the entry, the year of the entry included; no trend otherwise."""
    noise = np.random.default_rng(0)
    rows = [
        (
            k * 15 + u,
            year,
            entry,
            2.0 * (year - entry + 1) * (0 < entry <= year) + noise.normal() / 100,
        )
        for k, entry in enumerate(entries)
        for u in range(15)
        for year in years
    ]
    return pd.DataFrame(rows, columns=["town", "year", "entry", "y"])


def events_of(design: Any, frame: pd.DataFrame) -> Estimate:
    estimate: Estimate = design.fit(Sample(frame, **ROLES), "y")
    return estimate.aggregate("event")


def told(estimate: Estimate) -> dict[str, Any]:
    return {f.code: dict(f.values) for f in estimate.findings}


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_event_time_is_the_year_less_the_entry(design: Any) -> None:
    events = events_of(design, growing())
    rows = {e.time: e.estimate for e in events.effects if e.term == "event"}
    after = {time: value for time, value in rows.items() if time >= 0}
    wanted = {0, 1, 2, 3, 4, 5}
    if isinstance(design, StackedDiD):
        wanted = {0, 1, 2, 3}  # all cohorts were surveyed three years after their entry
    assert set(after) == wanted
    for time, value in rows.items():
        assert value == pytest.approx(2 * (time + 1) if time >= 0 else 0, abs=0.1), time


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_the_gaps_the_entries_between_and_the_references_are_told(design: Any) -> None:
    found = told(events_of(design, growing()))
    assert found["entry_between_periods"] == {"n": 15, "cohorts": ("2011",)}
    assert found["periods_uneven"]["times"] == ("2010", "2012", "2013", "2016")
    if not isinstance(design, ImputationDiD):  # it has no period of reference
        named = ("2011 (-1)", "2012 (-2)", "2013 (-1)")
        assert found["reference_of_cohorts"] == {"n": 3, "cohorts": named}


def test_surveys_every_year_tell_nothing_of_references() -> None:
    frame = growing((0, 2012, 2013), (2010, 2011, 2012, 2013, 2014))
    for design in DESIGNS:
        found = told(events_of(design, frame))
        assert not {"reference_of_cohorts", "periods_uneven", "entry_between_periods"} & set(found)


def test_every_two_years_a_stack_and_a_switcher_are_two_years_apart() -> None:
    frame = growing((0, 2014, 2016), (2010, 2012, 2014, 2016, 2018))
    for design in (StackedDiD(), ChaisemartinDHaultfoeuille()):
        rows = events_of(design, frame)
        times = [e.time for e in rows.effects if e.term == "event"]
        assert times[-2:] == ([0, 2] if isinstance(design, StackedDiD) else [2, 4])
        assert rows["event[2]"].estimate == pytest.approx(6.0, abs=0.05)


def test_what_is_received_is_counted_in_years() -> None:
    """From 2012 on: one year by 2012, two by 2013, five by 2016; 2 a year a year, then."""
    frame = growing((0, 2012))
    rows = events_of(ChaisemartinDHaultfoeuille(normalized=True), frame)
    for time, years in ((0, 1), (1, 2), (4, 5)):
        assert rows[f"event[{time}]"].estimate == pytest.approx(2 * (time + 1) / years, abs=0.05)


def test_a_lead_that_nothing_tells_is_named() -> None:
    """Nobody never treated: leads are known up to a straight line, one of them joins the rest."""
    frame = growing((2014, 2016), tuple(range(2011, 2018)))
    for design in (ImputationDiD(leads=4), TwoWayFixedEffects(specification="event")):
        events = events_of(design, frame)
        leads = {e.time for e in events.effects if e.term == "event" and e.time < 0}
        dropped = set(told(events)["event_times_dropped"]["times"])
        assert dropped
        assert not dropped & leads
        if isinstance(design, ImputationDiD):
            assert dropped | leads == {-4, -3, -2, -1}


def test_a_period_without_comparison_has_no_number_in_sun_abraham() -> None:
    """In 2013 only the treated answered: no effect of 2013 can be told from the year itself."""
    frame = growing((0, 2012, 2013), (2010, 2011, 2012, 2013, 2014))
    frame = frame[~((frame["entry"] == 0) & (frame["year"] == 2013))]
    estimate = SunAbraham().fit(Sample(frame, **ROLES), "y")
    assert 2013 not in {e.time for e in estimate.effects if e.estimate is not None}
    assert told(estimate)["cells_not_identified"] == {"n": 2}
    assert estimate["att_gt[2012, 2014]"].estimate == pytest.approx(6.0, abs=0.05)


def test_stacked_effects_are_each_window_s_own_when_surveys_are_uneven() -> None:
    """Effects that differ by cohort do not leak from one event time to another."""
    frame = growing((0, 2012, 2013))
    frame.loc[(frame["entry"] == 2013) & (frame["year"] >= 2013), "y"] += 100.0
    rows = events_of(StackedDiD(), frame)
    assert rows["event[0]"].estimate == pytest.approx(2.0 + 50, abs=0.05)
    assert rows["event[1]"].estimate == pytest.approx(4.0, abs=0.05)  # of 2012 only
    assert rows["event[3]"].estimate == pytest.approx(8.0 + 100, abs=0.05)  # of 2013 only
    assert rows["event[1]"].n_treated == 15
    assert rows["event[0]"].n_treated == 30


def test_synthetic_designs_count_the_years_since_the_entry() -> None:
    """Entries of 2013 and 2014 under surveys every two years are two cohorts, a year apart."""
    biennial = tuple(range(2008, 2020, 2))
    frame = growing((0, 0, 0, 2013, 2014), biennial)
    estimate = SyntheticDiD(draws=20).fit(Sample(frame, **ROLES), "y")
    assert {row.group for row in estimate.effects} == {2013.0, 2014.0}
    rows = estimate.aggregate("event")
    for time in range(6):
        assert rows[f"event[{time}]"].estimate == pytest.approx(2 * (time + 1), abs=0.05)
    alone = SyntheticControl(draws=20).fit(Sample(growing((0, 0, 2013), biennial), **ROLES), "y")
    assert [e.time for e in alone.effects if e.term == "event"] == [1, 3, 5]
    assert alone["event[3]"].estimate == pytest.approx(8.0, abs=0.05)
    with pytest.raises(ImpactEvalError) as refusal:
        SyntheticControl().fit(Sample(frame, **ROLES), "y")
    assert refusal.value.codes == ("several_dates",)


def test_those_always_treated_give_no_effect_at_event_times_of_their_own() -> None:
    """Entered in 2005, seen from 2010: their level at +5 is their own mean, no effect."""
    frame = growing((0, 2005, 2012), (2010, 2011, 2012, 2013))
    estimate = TwoWayFixedEffects(specification="event").fit(Sample(frame, **ROLES), "y")
    rows = {e.time: e.estimate for e in estimate.effects}
    assert set(rows) == {-2, 0, 1}
    assert rows[1] == pytest.approx(4.0, abs=0.05)
    assert told(estimate)["event_times_unknown"]["times"] == (5, 6, 7, 8)
    assert "event_times_dropped" not in told(estimate)
    # where another cohort shares an event time, their later ones are told from it
    frame = growing((0, 2009, 2011), (2010, 2011, 2012, 2013))
    estimate = TwoWayFixedEffects(specification="event").fit(Sample(frame, **ROLES), "y")
    assert estimate["event[4]"].estimate == pytest.approx(10.0, abs=0.05)
    assert "event_times_unknown" not in told(estimate)
    always = Sample(growing((2009, 2010), (2010, 2011, 2012)), **ROLES)
    for specification in ("static", "event"):
        with pytest.raises(ImpactEvalError) as refusal:
            TwoWayFixedEffects(specification=specification).fit(always, "y")
        assert refusal.value.codes == ("no_identified_effect",)


def test_more_leads_than_there_are_is_told_and_a_window_too_wide_has_its_own_cause() -> None:
    frame = growing((0, 2012, 2014), tuple(range(2010, 2016)))
    for design in (ImputationDiD(leads=9), ChaisemartinDHaultfoeuille(placebos=9)):
        events = events_of(design, frame)
        leads = [e.time for e in events.effects if e.term == "event" and e.time < 0]
        assert told(events)["fewer_leads"] == {"asked": 9, "found": len(leads)}
    for design in (ImputationDiD(leads=3), ImputationDiD(), ChaisemartinDHaultfoeuille()):
        assert "fewer_leads" not in told(events_of(design, frame))
    for options in ({"before": 9}, {"after": 9}):
        with pytest.raises(ImpactEvalError) as refusal:
            events_of(StackedDiD(**options), frame)
        assert refusal.value.codes == ("window_not_filled",)
