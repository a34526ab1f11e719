"""A declared anticipation holds for the comparison too: who enters just after may already react."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.data.sample import Sample
from impact_eval.designs import (
    CallawaySantAnna,
    ImputationDiD,
    SunAbraham,
    TripleDifference,
    TwoWayFixedEffects,
)
from impact_eval.designs.base import Design

PANEL: dict[str, Any] = {"unit": "town", "time": "year", "cohort": "entry"}
# An effect of 2; towns entering in 2016 react by 5 in 2015, the last year, one year ahead.
AHEAD = [
    CallawaySantAnna(anticipation=1),
    CallawaySantAnna(anticipation=1, control_group="not_yet_treated"),
    CallawaySantAnna(anticipation=1, method="reg"),
    SunAbraham(anticipation=1),
    ImputationDiD(anticipation=1),
    TwoWayFixedEffects(anticipation=1, specification="event"),
    TripleDifference(anticipation=1),
    TripleDifference(anticipation=1, control_group="not_yet_treated"),
]


def frame_of(last_entry: float = 2016) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    town, year = np.repeat(np.arange(72), 6), np.tile(np.arange(2010, 2016), 72)
    entry = np.array([0, 2013, last_entry])[town % 3]
    eligible = town // 3 % 2
    effect = 2.0 * ((entry == 2013) & (year >= 2013)) + 5.0 * ((entry == 2016) & (year == 2015))
    y = rng.normal(size=len(town)) * 0.05 + effect * eligible
    frame = pd.DataFrame({"town": town, "year": year, "entry": entry, "y": y})
    frame["eligible"] = eligible
    return frame


def after_two_years(design: Design, estimate: Estimate) -> float:
    if isinstance(design, TwoWayFixedEffects):
        return float(estimate["event[2]"].estimate or 0)
    return float(estimate["att_gt[2013, 2015]"].estimate or 0)


@pytest.mark.parametrize("design", AHEAD, ids=lambda d: d.info.name)
def test_who_enters_just_after_the_panel_is_not_compared_with_once_it_may_react(
    design: Design,
) -> None:
    frame = frame_of()
    kept = frame if isinstance(design, TripleDifference) else frame[frame["eligible"] == 1]
    estimate = design.fit(Sample(kept, **PANEL), "y")
    assert after_two_years(design, estimate) == pytest.approx(2, abs=0.1)
    told = next(f for f in estimate.findings if f.code == "anticipation_after_panel")
    assert told.values["n"] == kept.loc[kept["entry"] == 2016, "town"].nunique()
    assert told.values["cohorts"] == (2016.0,)


def test_before_it_may_react_it_is_compared_with() -> None:
    sample = Sample(frame_of(), **PANEL)
    estimate = CallawaySantAnna(anticipation=1).fit(sample, "y")
    assert estimate["att_gt[2013, 2014]"].n_comparison == 48
    assert estimate["att_gt[2013, 2015]"].n_comparison == 24


@pytest.mark.parametrize("late", [2017, 0])
def test_beyond_the_anticipation_nothing_changes(late: float) -> None:
    """Who enters too late to react is one of the never treated, as a table without dates says."""
    frame, design = frame_of(late), CallawaySantAnna(anticipation=1)
    estimate = design.fit(Sample(frame, **PANEL), "y")
    never = design.fit(Sample(frame.replace({"entry": {late: 0}}), **PANEL), "y")
    pd.testing.assert_frame_equal(estimate.tidy(), never.tidy())
    assert "anticipation_after_panel" not in {f.code for f in estimate.findings}


@pytest.mark.parametrize("unbalanced", ["rows", "pairs"])
def test_rows_follow_the_same_rule(unbalanced: str) -> None:
    frame = frame_of()
    frame = frame[frame["eligible"] == 1].iloc[1:]
    design = CallawaySantAnna(anticipation=1, unbalanced=unbalanced)
    surveys: dict[str, Any] = {"time": "year", "cohort": "entry"}
    for roles in (PANEL, surveys):
        estimate = design.fit(Sample(frame, **roles), "y")
        assert estimate["att_gt[2013, 2015]"].estimate == pytest.approx(2, abs=0.1)
        assert "anticipation_after_panel" in {f.code for f in estimate.findings}
