"""Time is the calendar's for dates too: a step that was not observed did happen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval import designs
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.calendar_steps import calendar_of
from impact_eval.data.sample import Sample

QUARTERS = pd.PeriodIndex(["2020Q1", "2020Q2", "2020Q4", "2021Q1", "2021Q3"], freq="Q")
ENTRIES = [None, "2020Q4", "2020Q3", "2021Q1"]  # nobody was asked in the third quarter of 2020
WRITTEN: dict[str, Any] = {
    "dates": lambda q: q.to_timestamp(),
    "periods": lambda q: q,
    "a time zone": lambda q: q.to_timestamp().tz_localize("Europe/Paris"),
    "iso": lambda q: f"{q.to_timestamp():%Y-%m-%d}",
    "iso with midnight": lambda q: f"{q.to_timestamp()}",
    "day first": lambda q: f"{q.to_timestamp():%d/%m/%Y}",
    "quarters": lambda q: f"{q.year} T{q.quarter}",
    "quarters of a year": lambda q: f"{q.quarter}e trimestre {q.year}",
    "months": lambda q: f"{['janvier', 'avril', 'juillet', 'octobre'][q.quarter - 1]} {q.year}",
    "numbers": lambda q: q.year * 100 + q.month - 2,
}


def rollout(write: Any) -> pd.DataFrame:
    """Return a roll-out whose effect grows by 2 a quarter from the quarter of entry on."""
    rng = np.random.default_rng(0)
    rows = []
    for unit in range(80):
        word = ENTRIES[unit % 4]
        entry = None if word is None else pd.Period(word, freq="Q")
        for quarter in QUARTERS:
            gone = -1 if entry is None else (quarter - entry).n
            y = 2.0 * (gone + 1) * (gone >= 0) + rng.normal() * 1e-3
            rows.append((unit, write(quarter), None if entry is None else write(entry), y))
    return pd.DataFrame(rows, columns=["id", "when", "entry", "y"])


def quarterly(written: str) -> Sample:
    return Sample(rollout(WRITTEN[written]), unit="id", time="when", cohort="entry")


@pytest.mark.parametrize("written", WRITTEN)
def test_event_time_counts_the_quarters_gone_however_dates_are_written(written: str) -> None:
    sample = quarterly(written)
    assert sample.times.tolist() == [1, 2, 4, 5, 7]
    told = {f.code: dict(f.values) for f in sample.findings}
    assert told["entry_between_periods"]["n"] == 20
    assert "periods_uneven" in told
    for design in (designs.CallawaySantAnna(), designs.ImputationDiD(leads=0)):
        events = design.fit(sample, "y").aggregate("event").tidy().query("time >= 0")
        assert events.time.tolist() == [0, 1, 2, 3, 4]
        assert events.estimate.to_numpy() == pytest.approx([2, 4, 6, 8, 10], abs=0.01)


@pytest.mark.parametrize(
    ("written", "name"),
    [("dates", "2020-07-01"), ("numbers", 202007.0), ("quarters", "2020-07")],
)
def test_a_cohort_between_two_surveys_keeps_its_name(written: str, name: object) -> None:
    cells = designs.CallawaySantAnna().fit(quarterly(written), "y").tidy()
    assert name in set(cells.group)


def test_a_month_written_as_a_number_is_one_month_after_the_one_before() -> None:
    months = [202010, 202011, 202012, 202101, 202102]
    frame = pd.DataFrame(
        [(u, m, [0, 202012][u % 2], u + 0.1 * m) for u in range(8) for m in months],
        columns=["id", "when", "entry", "y"],
    )
    sample = Sample(frame, unit="id", time="when", cohort="entry")
    assert sample.times.tolist() == [1, 2, 3, 4, 5]
    assert sample.cohorts is not None
    assert sorted(set(sample.cohorts)) == [3, np.inf]
    assert not sample.findings


def dated(days: list[str], entries: list[str | None]) -> Sample:
    rows = [
        (k * 4 + u, pd.Timestamp(day), pd.Timestamp(entry) if entry else pd.NaT, float(k + u + i))
        for k, entry in enumerate(entries)
        for u in range(4)
        for i, day in enumerate(days)
    ]
    frame = pd.DataFrame(rows, columns=["id", "when", "entry", "y"])
    return Sample(frame, unit="id", time="when", cohort="entry")


def test_an_entry_within_a_step_counts_from_the_next_and_is_counted() -> None:
    sample = dated(["2023-01-01", "2023-07-01", "2024-01-01"], [None, "2023-03-14", "2024-01-01"])
    assert sample.cohorts is not None
    assert sorted(set(sample.cohorts)) == [2, 3, np.inf]
    assert {f.code: f.values["n"] for f in sample.findings} == {"entry_put_off": 4}


def test_years_apart_are_counted_in_years_as_numbers_are() -> None:
    days = [f"{year}-12-31" for year in (2010, 2012, 2014)]
    assert dated(days, [None, "2014-12-31"]).times.tolist() == [1, 3, 5]
    ends = pd.DatetimeIndex(["2020-01-31", "2020-02-29", "2020-04-30"])
    found = calendar_of(ends)
    assert found is not None
    assert found.steps(ends).tolist() == [1, 2, 4]
    assert found.date(3) == "2020-03-31"


def test_weeks_and_days_have_their_pace_and_odd_dates_are_counted_and_told() -> None:
    weeks = dated(["2024-01-01", "2024-01-08", "2024-01-22"], [None, "2024-01-22"])
    assert weeks.times.tolist() == [1, 2, 4]
    odd = dated(["2024-01-12", "2024-06-30", "2026-01-15"], [None, "2026-01-15"])
    assert odd.times.tolist() == [1, 2, 3]
    assert [f.code for f in odd.findings] == ["dates_counted"]


def test_an_entry_long_before_or_after_is_no_mistake_of_a_date() -> None:
    sample = dated(["2023-01-01", "2023-02-01"], [None, "1999-05-02", "2023-02-01", "2099-12-31"])
    told = {f.code: dict(f.values) for f in sample.findings}
    assert told["always_treated"] == {"n": 4, "first": "2023-01-01"}
    assert told["cohort_after_panel"] == {"n": 4, "last": "2023-02-01"}


DATED = [
    designs.CallawaySantAnna(),
    designs.ImputationDiD(leads=0),
    designs.SunAbraham(),
    designs.SyntheticDiD(draws=5),
]


@pytest.mark.parametrize("design", DATED, ids=lambda design: type(design).__name__)
def test_rows_name_dates_as_the_table_does_in_every_design(design: Any) -> None:
    frame = rollout(WRITTEN["dates"])
    frame["entry"] = frame["entry"].where(frame["id"] % 3 == 0)  # more without than with
    cells = design.fit(Sample(frame, unit="id", time="when", cohort="entry"), "y").tidy()
    assert set(cells.group) == {"2020-07-01", "2020-10-01", "2021-01-01"}
    assert set(cells.time) <= {f"{day:%Y-%m-%d}" for day in QUARTERS.to_timestamp()}


def test_a_refusal_names_dates_as_the_table_does() -> None:
    for design in (designs.DifferenceInDifferences(), designs.SyntheticControl()):
        with pytest.raises(ImpactEvalError) as refusal:
            design.fit(quarterly("dates"), "y")
        dates = refusal.value.findings[0].values["dates"]
        assert dates == ("2020-07-01", "2020-10-01", "2021-01-01")
