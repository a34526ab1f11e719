"""A treatment constant within a column that is not declared as the level of the decision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval import Clustered, Randomisation, Robust, Sample, designs
from impact_eval.designs.undeclared_level import CODE, treatment_constant_within


def people(towns: int = 9, size: int = 20, treated: int = 3) -> pd.DataFrame:
    """People of towns, some of which have the action."""
    rng = np.random.default_rng(2)
    town = np.repeat(np.arange(towns), size)
    frame = pd.DataFrame({"person": np.arange(town.size), "town": town})
    return frame.assign(
        z=(town < treated) * 1,
        name=np.array([f"ville {t}" for t in town]),
        age=rng.integers(18, 60, town.size),
        level=rng.choice(["bas", "haut", "moyen"], town.size),
        y=rng.normal(size=town.size),
    )


def told(frame: pd.DataFrame, covariance: Any = None, **roles: Any) -> list[str]:
    estimate = designs.DifferenceInMeans(covariance=covariance).fit(
        Sample(frame, treatment="z", **roles), "y"
    )
    found = [f for f in estimate.findings if f.code == CODE]
    assert len(found) < 2
    return list(found[0].values["columns"]) if found else []


@pytest.mark.parametrize("treated", [1, 3, 7])
def test_a_level_that_nobody_declared_is_told(treated: int) -> None:
    assert told(people(treated=treated), unit="person") == ["town", "name"]
    assert told(people(treated=treated)) == ["town", "name"]


@pytest.mark.parametrize("roles", [{"cluster": "town"}, {"cluster": "name"}])
def test_a_level_that_is_declared_is_not(roles: dict[str, str]) -> None:
    assert told(people(), **roles) == []


def test_a_covariance_declares_it_too_unless_it_takes_people_one_by_one() -> None:
    assert told(people(), Clustered("town")) == []
    assert told(people(), Randomisation("town", draws=99)) == []
    assert told(people(), Robust("HC3")) == ["town", "name"]
    assert told(people(), unit="person", cluster="person") == ["town", "name"]


def test_what_follows_from_the_treatment_is_no_level() -> None:
    frame = people(towns=60, size=3, treated=30).drop(columns=["town", "name"])
    frame["z"] = np.random.default_rng(3).permutation(frame["z"])
    frame["arm"] = np.where(frame["z"] == 1, "accompagné", "témoin")
    frame["status"] = np.where(frame["z"] == 0, "témoin", frame["level"])
    frame["entry"] = np.where(frame["z"] == 1, "2024-01", None)
    frame["refused"] = np.where(frame["z"] == 1, "suivi", frame["level"])
    frame["same"] = frame["z"] == 1
    assert told(frame) == []


def test_a_draw_of_people_is_no_level() -> None:
    rng = np.random.default_rng(4)
    for _ in range(40):
        frame = people(towns=50, size=4).assign(z=lambda f: rng.permutation(f["z"]))
        frame["pair"] = rng.permutation(np.arange(len(frame)) // 3)
        assert told(frame, unit="person") == []


def test_few_values_by_chance_are_not_enough() -> None:
    """Four rooms of two or three for ten people: chance alone does it six times in a hundred."""
    frame = people(towns=4, size=3, treated=2).iloc[:10]
    assert told(frame) == []


def test_missing_values_are_left_aside_when_they_are_rare() -> None:
    frame = people().drop(columns="name")
    frame["town"] = frame["town"].where(frame.index % 20 != 0)
    assert told(frame) == ["town"]
    frame["town"] = frame["town"].where(frame.index % 3 != 0)
    assert told(frame) == []


def test_regions_of_towns_over_time() -> None:
    rng = np.random.default_rng(5)
    rows = [(town, t, town // 6, 3 * (town // 6 < 5)) for town in range(60) for t in range(1, 6)]
    frame = pd.DataFrame(rows, columns=["town", "t", "region", "entry"])
    frame["y"], frame["round"] = rng.normal(size=len(frame)), frame["t"]
    sample = Sample(frame, unit="town", time="t", cohort="entry")
    for name in ("CallawaySantAnna", "TwoWayFixedEffects", "ImputationDiD", "SyntheticDiD"):
        estimate = getattr(designs, name)().fit(sample, "y")
        assert [f.values["columns"] for f in estimate.findings if f.code == CODE] == [("region",)]
        simple = estimate.aggregate("simple")
        assert CODE in {f.code for f in simple.findings}
    assert sample.findings == ()


def test_cross_sections_of_people_of_towns() -> None:
    rng = np.random.default_rng(6)
    rows = [(town, t, 2 * (town < 4)) for town in range(12) for t in (1, 2) for _ in range(15)]
    frame = pd.DataFrame(rows, columns=["town", "t", "entry"]).assign(y=rng.normal(size=360))
    sample = Sample(frame, time="t", cohort="entry")
    assert treatment_constant_within(sample, "y")[0].values["columns"] == ("town",)
