"""Two kinds of clusters at once: none can be dealt whole, so the margin printed is CR2's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval import designs
from impact_eval.data.sample import Sample
from impact_eval.stats.inference.covariance import Clustered

ROLES: dict[str, Any] = {"unit": "id", "time": "year", "cohort": "entry"}
DESIGNS: list[Any] = [
    designs.DifferenceInDifferences(),
    designs.DifferenceInDifferences(method="ols"),
    designs.CallawaySantAnna(),
    designs.ImputationDiD(leads=0),
    designs.SunAbraham(),
    designs.StackedDiD(),
    designs.ChaisemartinDHaultfoeuille(),
    designs.TwoWayFixedEffects(),
    designs.TripleDifference(),
]


def places_and_advisers(places: int, treated: int) -> pd.DataFrame:
    """People of places, seven to a place, each with one of seven advisers who serve all of them."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"id": np.repeat(np.arange(places * 7), 4)})
    frame["year"] = np.tile(np.arange(2010, 2014), places * 7)
    frame["place"], frame["adviser"] = frame["id"] % places, frame["id"] // places
    frame["entry"] = np.where(frame["place"] < treated, 2012, 0)
    frame["eligible"] = frame["adviser"] % 2
    return frame.assign(y=rng.normal(size=len(frame)))


def fitted(design: Any, frame: pd.DataFrame, *clusters: str) -> Any:
    return design.fit(Sample(frame, cluster=clusters, **ROLES), "y")


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: type(design).__name__)
def test_with_few_the_default_is_cr2_whatever_the_design(design: Any) -> None:
    """The sentence says that the margin printed is made for few: it is, in every design."""
    frame = places_and_advisers(20, 4)
    default = fitted(design, frame, "place", "adviser")
    assert "CR2" in default.method.covariance
    named = replace(design, covariance=Clustered(("place", "adviser"), correction="CR2"))
    asked = fitted(named, frame, "place", "adviser")
    for one, other in zip(default.effects, asked.effects, strict=True):
        if one.std_error is not None:  # a row of a single cluster has none by default
            assert one.std_error == pytest.approx(other.std_error)
            assert one.p_value == pytest.approx(other.p_value)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: type(design).__name__)
@pytest.mark.parametrize("clusters", [("place", "adviser"), ("adviser", "place")])
def test_one_treated_place_tells_no_chance_whichever_kind_comes_first(
    design: Any, clusters: tuple[str, str]
) -> None:
    """Every adviser has people of the place: counted by adviser, seven are treated."""
    estimate = fitted(design, places_and_advisers(20, 1), *clusters)
    assert all(effect.conf_low is None for effect in estimate.effects)
    assert "one_treated_cluster" in {finding.code for finding in estimate.findings}


def test_with_many_of_each_kind_the_usual_margin_stays() -> None:
    frame = places_and_advisers(60, 30)
    frame["adviser"] = frame["id"] % 53
    estimate = fitted(designs.TwoWayFixedEffects(), frame, "place", "adviser")
    assert estimate.method.covariance.startswith("CR1")
    assert not {f.code for f in estimate.findings} & {"few_clusters", "few_treated_clusters"}
