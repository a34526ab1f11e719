"""One reading of a panel: calendar time, the sample's own arrays, everyone left out is counted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from impact_eval import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs import ImputationDiD, SunAbraham, SyntheticDiD, TwoWayFixedEffects
from impact_eval.designs.cohort_panel import LeftOut, read_panel


def _sample(frame: pd.DataFrame, weights: str | None = None) -> Sample:
    return Sample(frame, unit="id", time="period", cohort="cohort", weights=weights)


def _surveys() -> Sample:
    """Towns surveyed in 2010, 2012, 2013 and 2016; the effect is 2 (year - entry + 1)."""
    rows = [
        (town, year, entry, town + 2.0 * (year - entry + 1) * bool(entry and year >= entry))
        for town in range(40)
        for entry in [(0, 2011, 2012, 2013)[town % 4]]
        for year in (2010, 2012, 2013, 2016)
    ]
    frame = pd.DataFrame(rows, columns=["id", "period", "cohort", "y"])
    frame["y"] += np.random.default_rng(0).normal(size=len(frame)) * 1e-4
    return _sample(frame)


@pytest.mark.parametrize("design", [ImputationDiD(leads=0), SunAbraham()])
def test_time_since_the_start_is_the_calendars(design: ImputationDiD | SunAbraham) -> None:
    events = design.fit(_surveys(), "y").aggregate("event")
    after = {
        e.time: e.estimate for e in events.effects if isinstance(e.time, float) and e.time > -1
    }
    assert sorted(after) == [0, 1, 2, 3, 4, 5]
    assert all(value == pytest.approx(2 * (time + 1), abs=1e-3) for time, value in after.items())


def test_those_who_enter_between_two_periods_keep_their_date() -> None:
    panel = read_panel(_surveys(), "y")
    assert panel.cohorts.tolist() == [2011, 2012, 2013, np.inf]
    assert panel.starts.tolist() == [1, 1, 2, 4]
    assert panel.last_before().tolist() == [0, 0, 1, 3]
    assert panel.last_before(anticipation=1).tolist() == [-1, 0, 0, 3]
    assert panel.by_start().cohorts.tolist() == [2012, 2013, np.inf]
    static = TwoWayFixedEffects().fit(_surveys(), "y")
    assert static.details["bacon"]["total"] == pytest.approx(static["att"].estimate)


def test_a_balanced_panel_is_not_copied(rng: np.random.Generator) -> None:
    sample = _sample(staggered_panel(rng).sort_values(["id", "period"]))
    panel = read_panel(sample, "y")
    assert np.shares_memory(panel.y, sample.outcome("y"))
    assert np.shares_memory(panel.leave_out(LeftOut.INCOMPLETE).y, panel.y)


def test_everyone_left_out_is_counted_once_under_one_code(rng: np.random.Generator) -> None:
    frame = staggered_panel(rng, units=40, periods=6, cohorts=(1.0, 4.0, np.inf))
    units = frame["id"].unique()
    weight = dict.fromkeys(units, 1.0) | {units[1]: 0.0, units[4]: 0.0}
    frame["w"] = frame["id"].map(weight)
    frame.loc[(frame["id"] == units[2]) & (frame["period"] == 2), "y"] = np.nan
    frame.loc[frame["id"] == units[5], "y"] = np.nan
    sample = _sample(frame, "w")
    early = int((frame.groupby("id")["cohort"].first() == 1).sum())
    panel = read_panel(sample, "y", leave_out=tuple(LeftOut))
    rows = {step.reason: step.dropped for step in panel.flow if step.dropped}
    left = {step.reason: step.units_dropped for step in panel.flow if step.units_dropped}
    told = {f.code: f.values["n"] for f in panel.findings}
    gone = set(units) - set(panel.units.tolist())
    assert rows["missing_outcome"] == 7
    left["unit_never_observed"] = left.pop("missing_outcome")  # with their last row
    assert left == told
    for before, after in pairwise(panel.flow):
        assert after.n + after.dropped == before.n
        assert (after.units or 0) + (after.units_dropped or 0) == before.units
    assert left["always_treated_dropped"] == early
    assert sum(n or 0 for n in left.values()) == len(gone)
    assert panel.balanced


def test_a_synthetic_design_counts_units_as_the_others_do(rng: np.random.Generator) -> None:
    frame = staggered_panel(rng, units=40, periods=6, cohorts=(4.0, np.inf, np.inf, np.inf))
    mine = frame.index[frame["id"] == frame["id"].iloc[0]]
    frame.loc[mine[:2], "y"] = np.nan
    estimate = SyntheticDiD(draws=10).fit(_sample(frame), "y")
    step = next(s for s in estimate.flow if s.reason == "incomplete_unit_dropped")
    assert (step.units_dropped, step.units) == (1, 39)
    assert (step.dropped, step.n) == (4, 39 * 6)
