"""The number of clusters of a row is that of the covariance its error comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.data.sample import Sample
from impact_eval.designs import designs
from impact_eval.stats.inference.covariance import Clustered
from impact_eval.stats.inference.covariances.driscoll_kraay import DriscollKraay

PERIODS, TOWNS, UNITS = 6, 12, 60
ROLES: dict[str, Any] = {"unit": "id", "time": "t", "cohort": "start"}
PANELS = ("twfe", "stacked", "sun_abraham", "imputation", "callaway_santanna",
          "chaisemartin_dhaultfoeuille")  # fmt: skip


@pytest.fixture(scope="module")
def sample() -> Sample:
    rng = np.random.default_rng(7)
    unit = np.repeat(np.arange(UNITS), PERIODS)
    time = np.tile(np.arange(PERIODS), UNITS)
    start = np.array([2.0, 4.0, np.inf])[unit % 3]
    y = rng.normal(size=unit.size) + (time >= start) + rng.normal(size=UNITS)[unit]
    frame = pd.DataFrame({"id": unit, "t": time, "start": start, "town": unit % TOWNS,
                          "half": unit // 3 % 4, "y": y})  # fmt: skip
    return Sample(frame, **ROLES)


def _counts(sample: Sample, name: str, covariance: Any) -> set[int | None]:
    made: Any = designs.get(name)
    return {row.n_clusters for row in made(covariance=covariance).fit(sample, "y").effects}


@pytest.mark.parametrize("name", PANELS)
def test_clusters_are_those_of_the_covariance(sample: Sample, name: str) -> None:
    assert _counts(sample, name, None) == {UNITS}
    assert _counts(sample, name, Clustered("town")) == {TOWNS}


@pytest.mark.parametrize("name", PANELS)
def test_of_two_dimensions_the_fewest_count(sample: Sample, name: str) -> None:
    for columns in (("town", "half"), ("half", "town")):
        assert _counts(sample, name, Clustered(columns)) == {4}


def test_errors_tied_by_period_count_periods(sample: Sample) -> None:
    assert _counts(sample, "twfe", Clustered("t")) == {PERIODS}
    assert _counts(sample, "twfe", DriscollKraay()) == {PERIODS}


OF_ROWS = ("did", "before_after", "difference_in_means", "wald_did")


@pytest.mark.parametrize("name", OF_ROWS)
@pytest.mark.parametrize("columns", [("town", "half"), ("half", "town")])
def test_designs_of_rows_count_the_same(name: str, columns: tuple[str, str]) -> None:
    rng = np.random.default_rng(8)
    unit, time = np.repeat(np.arange(UNITS), 2), np.tile([0, 1], UNITS)
    treated = unit % 2 == 0
    frame = pd.DataFrame({"id": unit, "t": time, "start": np.where(treated, 1.0, np.inf),
                          "a": treated.astype(int), "town": unit % TOWNS, "half": unit // 3 % 4,
                          "take_up": ((time == 1) & (rng.random(unit.size) < 0.2 + 0.5 * treated)),
                          "y": rng.normal(size=unit.size)})  # fmt: skip
    frame["take_up"] = frame["take_up"].astype(int)
    if name == "difference_in_means":
        sample = Sample(frame[frame["t"] == 1], treatment="a")
    else:
        sample = Sample(frame, **ROLES)
    assert _counts(sample, name, Clustered(columns)) == {4}
