"""Few independent units: the same code for the same table, whatever the design."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.data.sample import Sample
from impact_eval.designs import (
    BeforeAfter,
    CallawaySantAnna,
    ChaisemartinDHaultfoeuille,
    DifferenceInDifferences,
    DifferenceInMeans,
    ImputationDiD,
    StackedDiD,
    SunAbraham,
    SyntheticDiD,
    TwoWayFixedEffects,
    WaldDiD,
)
from impact_eval.designs.few_independent import clusters_declared, few_independent
from impact_eval.results.record_base import Rule
from impact_eval.results.value_names import declared
from impact_eval.stats.inference.covariance import Clustered, Robust

STAGGERED = (
    CallawaySantAnna,
    ChaisemartinDHaultfoeuille,
    ImputationDiD,
    StackedDiD,
    SunAbraham,
    TwoWayFixedEffects,
)
ROLES: dict[str, Any] = {"unit": "unit", "time": "t", "cohort": "entry"}


def panel(treated: int = 4, places: int = 8, people: int = 6, periods: int = 6) -> pd.DataFrame:
    """People in places; places below `treated` start at the fourth period."""
    rng = np.random.default_rng(1)
    rows = [
        (place * people + i, t, 4 if place < treated else 0, place)
        for place in range(places)
        for i in range(people)
        for t in range(1, periods + 1)
    ]
    frame = pd.DataFrame(rows, columns=["unit", "t", "entry", "place"])
    after = (frame["entry"] > 0) & (frame["t"] >= frame["entry"])
    enters = np.where(after, frame["unit"] % 3 > 0, frame["unit"] % 7 == 0)
    return frame.assign(y=rng.normal(size=len(frame)) + after, entered=enters.astype(int))


def few(estimate: Estimate) -> dict[str, Any]:
    """Return the codes that tell few independent units, with their counts."""
    return {f.code: f.values["n"] for f in estimate.findings if f.code.startswith("few_")}


@pytest.mark.parametrize("design", STAGGERED, ids=lambda design: design.__name__)
@pytest.mark.parametrize("treated", [1, 4])
def test_clusters_declared_are_told_as_clusters(design: Any, treated: int) -> None:
    sample = Sample(panel(treated), cluster="place", **ROLES)
    told = few(design().fit(sample, "y"))
    assert told == {"few_clusters": 8, "few_treated_clusters": treated}


@pytest.mark.parametrize("design", STAGGERED, ids=lambda design: design.__name__)
def test_units_are_told_as_units_without_clusters(design: Any) -> None:
    sample = Sample(panel(people=1), **ROLES)
    assert few(design().fit(sample, "y")) == {"few_clusters": 8, "few_treated_units": 4}


@pytest.mark.parametrize("design", STAGGERED, ids=lambda design: design.__name__)
def test_the_column_of_units_is_no_cluster(design: Any) -> None:
    sample = Sample(panel(people=1), cluster="unit", **ROLES)
    assert few(design().fit(sample, "y")) == {"few_clusters": 8, "few_treated_units": 4}


@pytest.mark.parametrize("design", STAGGERED, ids=lambda design: design.__name__)
def test_clusters_of_one_unit_are_clusters_when_declared(design: Any) -> None:
    sample = Sample(panel(people=1), cluster="place", **ROLES)
    assert few(design().fit(sample, "y")) == {"few_clusters": 8, "few_treated_clusters": 4}


def test_a_cluster_with_two_cohorts_is_counted_once() -> None:
    frame = panel(treated=3)
    frame.loc[(frame["entry"] > 0) & (frame["unit"] % 2 == 0), "entry"] = 5
    sample = Sample(frame, cluster="place", **ROLES)
    for design in (CallawaySantAnna, ImputationDiD):
        assert few(design().fit(sample, "y"))["few_treated_clusters"] == 3


def test_two_periods_and_cross_sections_follow_the_same_rule() -> None:
    frame = panel()
    two = frame[frame["t"].isin((3, 4))]
    trial = frame[frame["t"] == 4].assign(helped=lambda f: (f["entry"] > 0).astype(int))
    clustered = {"few_clusters": 8, "few_treated_clusters": 4}
    did = DifferenceInDifferences()
    assert few(did.fit(Sample(two, cluster="place", **ROLES), "y")) == clustered
    wald = WaldDiD(take_up="entered")
    assert few(wald.fit(Sample(two, cluster="place", **ROLES), "y")) == clustered
    means = DifferenceInMeans()
    assert few(means.fit(Sample(trial, treatment="helped", cluster="place"), "y")) == clustered
    towns = trial[trial["unit"] % 6 == 0]
    assert few(means.fit(Sample(towns, treatment="helped"), "y")) == {
        "few_clusters": 8,
        "few_treated_units": 4,
    }
    assert few(means.fit(Sample(towns, treatment="helped", cluster="place"), "y")) == clustered


PANEL_DESIGNS = (*STAGGERED, DifferenceInDifferences, BeforeAfter, SyntheticDiD)


@pytest.mark.parametrize("design", PANEL_DESIGNS, ids=lambda design: design.__name__)
@pytest.mark.parametrize(("treated", "towns"), [(3, 20), (10, 20), (10, 40), (20, 60), (1, 12)])
def test_one_table_is_told_the_same_by_every_design(design: Any, treated: int, towns: int) -> None:
    frame = panel(treated, towns, people=1, periods=4)
    least = 40 if design is BeforeAfter else 50  # there, each is compared with itself
    expected = {"few_clusters": towns} if towns < least else {}
    if treated < 10 and design is not BeforeAfter:  # it does not look at who is treated
        expected["few_treated_units"] = treated
    options = {"draws": 20} if design is SyntheticDiD else {}
    estimate = design(**options).fit(Sample(frame, **ROLES), "y")
    assert few(estimate) == expected
    codes = [finding.code for finding in estimate.findings]
    assert len(codes) == len(set(codes))
    alone = "one_treated_unit" in codes
    assert alone is (treated == 1 and design not in (BeforeAfter, SyntheticDiD))


def test_few_clusters_are_told_once_before_and_after() -> None:
    frame = panel(places=8, periods=3)
    sample = Sample(frame, unit="unit", time="t", cluster="place")
    for covariance in (None, Clustered(correction="CR1"), Clustered("place", correction="CR0")):
        estimate = BeforeAfter(covariance=covariance).fit(sample, "y")
        assert [f.code for f in estimate.findings].count("few_clusters") == 1
        assert few(estimate) == {"few_clusters": 8}


def test_the_covariance_says_what_is_independent() -> None:
    sample = Sample(panel(), cluster="place", **ROLES)
    bare = Sample(panel(), **ROLES)
    assert clusters_declared(sample)
    assert not clusters_declared(sample, Robust("HC2"))
    assert not clusters_declared(bare)
    assert clusters_declared(bare, Clustered("place"))
    assert not clusters_declared(bare, Clustered("unit"))


def test_limits_are_ten_treated_and_fifty_in_all() -> None:
    assert few_independent(treated=10, total=50, clustered=True) == ()
    told = few_independent(treated=9, total=49, clustered=False)
    assert [(f.code, dict(f.values)) for f in told] == [
        ("few_clusters", {"n": 49, "advised": 50}),
        ("few_treated_units", {"n": 9, "advised": 10}),
    ]


def test_units_are_people_and_clusters_are_not_for_the_gate() -> None:
    assert declared("few_treated_units", "n").rule is Rule.PEOPLE
    assert declared("few_treated_clusters", "n").rule is Rule.CLUSTERS
