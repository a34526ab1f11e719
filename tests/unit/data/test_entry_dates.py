"""What a table does not say of the dates of entry is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from impact_eval.data.sample import Sample


def people(years: list[int], entries: list[int], per: int = 4) -> pd.DataFrame:
    rows = [
        (k * per + u, year, entry, int(0 < entry <= year), float(k + u + year))
        for k, entry in enumerate(entries)
        for u in range(per)
        for year in years
    ]
    return pd.DataFrame(rows, columns=["id", "year", "entry", "on", "y"])


def told(sample: Sample) -> dict[str, Any]:
    return {f.code: dict(f.values) for f in sample.findings}


def by_treatment(frame: pd.DataFrame) -> Sample:
    return Sample(frame, unit="id", time="year", treatment="on")


def by_entry(frame: pd.DataFrame) -> Sample:
    return Sample(frame, unit="id", time="year", cohort="entry")


def test_an_entry_whose_row_is_absent_is_counted_and_not_moved() -> None:
    frame = people([2010, 2011, 2012, 2013], [0, 2012])
    absent = frame[~((frame["year"] == 2012) & frame["id"].isin([4, 6]))]
    sample = by_treatment(absent)
    assert told(sample)["entry_date_uncertain"] == {"n": 2}
    assert sample.cohorts is not None
    assert sorted(set(sample.cohorts)) == [2012, 2013, np.inf]
    assert "entry_date_uncertain" not in told(by_treatment(frame))
    assert "entry_date_uncertain" not in told(by_entry(absent))  # the column says the date


def test_a_unit_first_seen_in_the_action_is_counted_unless_it_is_so_from_the_first_date() -> None:
    frame = people([2010, 2011, 2012, 2013], [0, 2012, 2010])
    joins = frame[~((frame["id"] == 4) & (frame["year"] < 2013))]
    assert told(by_treatment(joins))["entry_date_uncertain"] == {"n": 1}


def test_a_longer_wait_between_surveys_leaves_the_entry_unknown() -> None:
    """Seen without in 2013 and with in 2016: any of 2014, 2015, 2016; every two years is no gap."""
    frame = people([2010, 2012, 2013, 2016], [0, 2013, 2016])
    assert told(by_treatment(frame))["entry_date_uncertain"] == {"n": 4}
    assert "entry_date_uncertain" not in told(by_treatment(people([2010, 2012, 2014], [0, 2012])))


def test_entries_between_surveys_and_uneven_surveys_are_named() -> None:
    found = told(by_entry(people([2010, 2012, 2013, 2016], [0, 2011, 2012, 2015])))
    assert found["entry_between_periods"] == {"n": 8, "cohorts": ("2011", "2015")}
    assert found["periods_uneven"] == {"n": 4, "times": ("2010", "2012", "2013", "2016")}
    even = told(by_entry(people([2010, 2012, 2014], [0, 2012, 2014, 2019, 2009])))
    assert not {"entry_between_periods", "periods_uneven"} & set(even)


def test_months_counted_in_days_are_one_pace() -> None:
    days = [0, 31, 59, 90, 120]
    found = told(by_treatment(people(days, [0, 59, 90])))
    assert not {"periods_uneven", "entry_date_uncertain"} & set(found)
