"""Designs agree on whether the groups of a table can be compared at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval import designs
from impact_eval.data.sample import Sample

DESIGNS: list[Any] = [
    designs.DifferenceInDifferences(method="reg"),
    designs.DifferenceInDifferences(method="ols"),
    designs.CallawaySantAnna(method="reg"),
    designs.ImputationDiD(),
    designs.SunAbraham(),
    designs.StackedDiD(),
    designs.TwoWayFixedEffects(),
    designs.TwoWayFixedEffects(specification="event"),
    designs.TripleDifference(method="reg"),
]


def rich_and_poor(apart: float, people: int = 120, years: int = 3) -> pd.DataFrame:
    """The incomes of the two groups are so many standard deviations apart."""
    rng = np.random.default_rng(0)
    helped = np.arange(people) % 3 == 0
    income = np.where(helped, 0.0, apart) + rng.normal(size=people)
    frame = pd.DataFrame({"id": np.repeat(np.arange(people), years)})
    frame["year"] = np.tile(2010 + np.arange(years), people)
    frame["entry"], frame["income"] = np.where(helped, 2012, 0)[frame["id"]], income[frame["id"]]
    frame["eligible"] = frame["id"] % 2
    frame["y"] = rng.normal(size=len(frame)) + frame["income"] * (frame["year"] - 2010)
    return frame


def told(design: Any, frame: pd.DataFrame, **roles: Any) -> list[str]:
    sample = Sample(frame, unit="id", covariates=["income"], **roles)
    return [finding.code for finding in design.fit(sample, "y").findings]


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_groups_far_apart_are_told_once_in_every_design(design: Any) -> None:
    panel = {"time": "year", "cohort": "entry"}
    assert told(design, rich_and_poor(4.0), **panel).count("groups_far_apart") == 1
    assert "groups_far_apart" not in told(design, rich_and_poor(0.2), **panel)


def test_a_covariate_that_moves_is_read_where_a_unit_is_first_seen() -> None:
    """Incomes are alike at first and four deviations apart in the end, as the effect may be."""
    frame = rich_and_poor(0.0)
    frame["income"] += np.random.default_rng(1).normal(size=len(frame)) / 10
    frame["income"] += 4.0 * ((frame["entry"] > 0) & (frame["year"] == 2012))
    codes = told(designs.TwoWayFixedEffects(), frame, time="year", cohort="entry")
    assert "groups_far_apart" not in codes


def test_without_anybody_never_treated_the_last_cohort_is_the_other_group() -> None:
    frame = rich_and_poor(4.0, years=5)
    frame["entry"] = np.where(frame["entry"] == 0, 2014, 2012)
    codes = told(designs.SunAbraham(), frame, time="year", cohort="entry")
    assert "groups_far_apart" in codes


def test_a_difference_of_people_tells_it_unless_chance_may_leave_as_much() -> None:
    once = rich_and_poor(4.0, years=1).assign(helped=lambda f: (f["entry"] > 0).astype(int))
    assert "groups_far_apart" in told(designs.DifferenceInMeans(), once, treatment="helped")
    few = rich_and_poor(1.6, people=9, years=1).assign(helped=lambda f: (f["entry"] > 0) * 1)
    assert "groups_far_apart" not in told(designs.DifferenceInMeans(), few, treatment="helped")
