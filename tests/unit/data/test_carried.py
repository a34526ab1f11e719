"""A covariate asked once is that of its unit at every date; one that changes is never filled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval import ImpactEvalError, Sample
from impact_eval.data.carried import carry
from impact_eval.designs import (
    CallawaySantAnna,
    DifferenceInDifferences,
    ImputationDiD,
    SunAbraham,
    SyntheticControl,
    TwoWayFixedEffects,
)
from impact_eval.report.texts import Texts

ROLES = {"unit": "id", "time": "t", "cohort": "g"}


def panel(seed: int = 0) -> pd.DataFrame:
    """Forty people over six years, whose growth depends on their income at entry."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(40):
        entry, income = (0, 2012, 2013, 0)[i % 4], round(rng.normal(), 3)
        for year in range(2010, 2016):
            growth = 0.3 * income * (year - 2010)
            y = growth + 0.1 * i + 2.0 * (entry > 0 and year >= entry) + rng.normal() * 0.1
            rows.append((i, year, entry, income, y))
    return pd.DataFrame(rows, columns=["id", "t", "g", "income", "y"])


def codes(sample: Sample) -> list[str]:
    return [f.code for f in sample.findings]


@pytest.mark.parametrize(
    "design", [CallawaySantAnna(), ImputationDiD(leads=0), DifferenceInDifferences(),
               SunAbraham(), TwoWayFixedEffects()], ids=lambda d: type(d).__name__
)  # fmt: skip
@pytest.mark.parametrize("asked", ["first", "one year", "a year of each"])
def test_the_estimate_is_that_of_the_covariate_at_every_date(design: Any, asked: str) -> None:
    """Oracle: the same table with the covariate written on every row."""
    frame = panel()
    if isinstance(design, DifferenceInDifferences):  # of one date of entry
        frame = frame[frame["g"] != 2013]
    seen = {
        "first": frame["t"] == 2010,
        "one year": frame["t"] == 2011,
        "a year of each": frame["t"] == 2010 + frame["id"] % 2,
    }[asked]
    once = frame.assign(income=frame["income"].where(seen))
    full, held = (Sample(table, covariates=["income"], **ROLES) for table in (frame, once))
    np.testing.assert_array_equal(held.covariate_matrix, full.covariate_matrix)
    told = [f for f in held.findings if f.code == "covariate_carried"]
    assert [(f.values["column"], f.values["n"]) for f in told] == [
        ("income", frame["id"].nunique())
    ]
    assert "missing_covariate" not in codes(held)
    expected = design.fit(full, "y")
    for one, other in zip(expected.effects, design.fit(held, "y").effects, strict=True):
        assert other.estimate == pytest.approx(one.estimate, nan_ok=True)


def test_a_characteristic_of_one_year_serves_a_synthetic_control() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for region in range(12):
        base = rng.normal(10, 2)
        for year in range(2000, 2012):
            on = region == 0 and year >= 2008
            y = base + 0.2 * (year - 2000) - 2.0 * on + rng.normal() * 0.1
            rows.append((region, year, 2008 if region == 0 else 0, y, base))
    frame = pd.DataFrame(rows, columns=["id", "t", "g", "y", "x"])
    once = frame.assign(x=frame["x"].where(frame["t"] == 2004))
    one, other = (
        SyntheticControl().fit(Sample(table, covariates=["x"], **ROLES), "y")["att"].estimate
        for table in (frame, once)
    )
    assert other == pytest.approx(one)


def test_a_text_is_carried_too() -> None:
    frame = panel()
    sex = np.where(frame["id"] % 3 == 0, "F", "H")
    once = frame.assign(sex=pd.Series(sex).where(frame["t"] == 2010))
    sample = Sample(once, covariates=["sex"], **ROLES)
    np.testing.assert_array_equal(sample.covariate_matrix[:, 0], sex == "H")


def test_what_changes_over_time_is_not_filled_and_is_named() -> None:
    frame = panel()
    frame["income"] += 0.01 * (frame["t"] - 2010)
    frame.loc[frame["t"] == 2013, "income"] = np.nan
    sample = Sample(frame, covariates=["income"], **ROLES)
    lost = [f for f in sample.findings if f.code == "missing_covariate"]
    assert [(f.values["n"], f.values["columns"]) for f in lost] == [(40, ("income",))]
    assert sample.flow[-1].dropped == 40


def test_each_row_is_lost_once_to_the_first_covariate_it_lacks() -> None:
    frame = panel().assign(age=lambda f: f["id"] + f["t"] * 1.0)
    frame["income"] += 0.01 * (frame["t"] - 2010)
    frame.loc[frame["t"] == 2013, "income"] = np.nan
    frame.loc[frame["t"] >= 2013, "age"] = np.nan
    sample = Sample(frame, covariates=["income", "age"], **ROLES)
    lost = {f.values["columns"]: f.values["n"] for f in sample.findings if "missing" in f.code}
    assert lost == {("income",): 40, ("age",): 80}
    assert sample.flow[-1].dropped == 120


@pytest.mark.parametrize(
    "design", [CallawaySantAnna(), DifferenceInDifferences(), SunAbraham()],
    ids=lambda d: type(d).__name__,
)  # fmt: skip
def test_a_covariate_that_leaves_too_little_is_named_as_the_cause(design: Any) -> None:
    """It changes for one person, so that nothing is carried: a single year is left."""
    frame = panel()
    frame["income"] = frame["income"].where(frame["t"] == 2010)
    frame.loc[(frame["id"] == 0) & (frame["t"] == 2011), "income"] = 99.0
    sample = Sample(frame, covariates=["income"], **ROLES)
    with pytest.raises(ImpactEvalError) as caught:
        design.fit(sample, "y")
    first = caught.value.findings[0]
    assert (first.code, first.values["column"]) == ("rows_lost_to_covariate", "income")
    assert "income" in Texts("fr").finding(first).text


def test_a_measure_made_in_the_action_alone_is_told() -> None:
    frame = panel()
    late = frame["income"].where(frame["t"] == 2014)
    early = frame["income"].where(frame["t"] == 2010)
    both = frame.assign(income=late.where(frame["id"] < 8, early))
    sample = Sample(both, covariates=["income"], **ROLES)
    told = [f.values["n"] for f in sample.findings if f.code == "covariate_after_entry"]
    assert told == [4]  # of the eight asked late, the four who had entered


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 5), st.sampled_from([-1, 0, 1])), min_size=1,
        max_size=40,
    )
)  # fmt: skip
def test_carrying_against_a_loop(rows: list[tuple[int, int, int]]) -> None:
    units, times, values = (np.array(part) for part in zip(*rows, strict=True))
    by_unit: dict[int, set[int]] = {}
    for unit, value in zip(units, values, strict=True):
        by_unit.setdefault(int(unit), set()).update({int(value)} - {-1})
    found = carry(values, units, times.astype(float))
    changing = any(len(held) > 1 for held in by_unit.values())
    holes = [v == -1 and bool(by_unit[int(u)]) for u, v in zip(units, values, strict=True)]
    assert (found is None) == (changing or not any(holes))
    if found is None:
        return
    expected = [next(iter(by_unit[int(u)]), -1) for u in units]
    np.testing.assert_array_equal(values[found.source], expected)
    for unit, row in zip(found.units, found.first, strict=True):
        seen = (units == unit) & (values >= 0)
        assert times[row] == times[seen].min()
