"""With nobody never treated: who is compared with whom, and over which periods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.designs.sun_abraham import SunAbraham

ROLES = {"unit": "town", "time": "year", "cohort": "entry"}
NOT_YET = CallawaySantAnna(control_group="not_yet_treated")


def panel(entries: list[float], years: Any, *, drift: float = 0.0, units: int = 20) -> pd.DataFrame:
    """Towns of each entry, with small noise; the last cohort drifts by `drift` a year."""
    rng = np.random.default_rng(1)
    rows = [
        (k * units + u, year, entry, rng.normal() * 0.05 + drift * year * (entry == max(entries)))
        for k, entry in enumerate(entries)
        for u in range(units)
        for year in years
    ]
    return pd.DataFrame(rows, columns=["town", "year", "entry", "y"])


def codes(estimate: Estimate) -> set[str]:
    return {finding.code for finding in estimate.findings}


def told(estimate: Estimate, code: str) -> Any:
    return next(f.values for f in estimate.findings if f.code == code)


@pytest.mark.parametrize("rows", ["panel", "people"])
def test_a_divergence_is_seen_before_the_action(rows: str) -> None:
    """Two cohorts that part by 1 a year: each year of the first one shows it, whatever the rows."""
    frame = panel([2016, 2017], range(2010, 2019), drift=1.0)
    roles = ROLES if rows == "panel" else {k: v for k, v in ROLES.items() if k != "unit"}
    estimate = NOT_YET.fit(Sample(frame, **roles), "y")
    events = estimate.aggregate("event").tidy().query("term == 'event'").set_index("time")
    assert list(events.index) == [-5, -4, -3, -2, -1, 0]
    np.testing.assert_allclose(events["estimate"], -1.0, atol=0.1)
    assert (events["p_value"] < 0.001).all()
    assert told(estimate, "last_cohort_as_comparison")["cohort"] == 2017
    assert {effect.group for effect in estimate.effects} == {2016}


def test_holes_and_complete_units_are_judged_before_the_last_entry() -> None:
    """A town that misses a year which is not used anyway is complete."""
    frame = panel([2013, 2014, 2016], range(2010, 2018))
    frame = frame[~((frame["town"] == 0) & (frame["year"] == 2017))]
    estimate = CallawaySantAnna(control_group="not_yet_treated", unbalanced="drop").fit(
        Sample(frame, **ROLES), "y"
    )
    assert not {"unit_incomplete", "unbalanced_pairs"} & codes(estimate)
    assert estimate["att_gt[2013, 2015]"].n_treated == 20


def test_one_date_of_entry_for_all_is_refused() -> None:
    """Two dates, but those of 2009 were never seen without the action."""
    frame = panel([2009, 2013], range(2010, 2016))
    with pytest.raises(ImpactEvalError) as refusal:
        NOT_YET.fit(Sample(frame, **ROLES), "y")
    assert refusal.value.codes == ("no_identified_effect",)


def test_about_to_enter_is_not_never_treated() -> None:
    """Anticipation of 2: the cohort of 2015 may react in 2013, the last used year being 2013."""
    frame = panel([2012, 2015, 2016], range(2008, 2018))
    frame.loc[(frame["entry"] == 2015) & (frame["year"] >= 2013), "y"] += 5.0
    early = CallawaySantAnna(control_group="not_yet_treated", anticipation=2)
    estimate = early.fit(Sample(frame, **ROLES), "y")
    assert max(effect.time for effect in estimate.effects) == 2013
    assert estimate["att_gt[2012, 2013]"].estimate == pytest.approx(0.0, abs=0.1)


def test_balance_keeps_the_same_cohorts_and_names_the_others() -> None:
    frame = panel([2004, 2006, 2007], range(2003, 2008))
    design = CallawaySantAnna(control_group="not_yet_treated", balance=1)
    events = design.fit(Sample(frame, **ROLES), "y").aggregate("event")
    after = events.tidy().query("term == 'event' and time >= 0")
    assert list(after["time"]) == [0, 1]
    assert list(after["n_treated"]) == [20, 20]
    assert told(events, "cohorts_not_balanced")["cohorts"] == ("2006",)


def test_balance_with_a_year_not_surveyed() -> None:
    """Of 2012 and 2013, seen long enough, only one was surveyed one year after its entry."""
    frame = panel([2012, 2013, 0], [2010, 2012, 2013, 2016])
    events = CallawaySantAnna(balance=1).fit(Sample(frame, **ROLES), "y").aggregate("event")
    after = events.tidy().query("term == 'event' and time >= 0")
    assert list(after["n_treated"]) == [20, 20]
    assert told(events, "cohorts_not_balanced")["cohorts"] == ("2013",)


def test_sun_abraham_takes_the_last_date_as_comparison() -> None:
    """2011 and 2012 are first seen treated in 2012: the comparison is the one that enters last."""
    frame = panel([2008.5, 2011, 2012], [2006, 2008, 2009, 2010, 2012], drift=1.0)
    estimate = SunAbraham().fit(Sample(frame, **ROLES), "y")
    assert told(estimate, "last_cohort_as_comparison")["n"] == 20
    assert {effect.group for effect in estimate.effects} == {2008.5, 2011}
    # 2010 is the last year of 2011 without the action: by 2006 the comparison was 4 lower
    assert estimate["att_gt[2011, 2006]"].estimate == pytest.approx(4.0, abs=0.1)
