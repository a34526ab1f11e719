"""Periods named by words: read in time order, or refused; never sorted by their letters."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval import ImpactEvalError, Sample
from impact_eval.data.period_order import period_order
from impact_eval.designs import BeforeAfter

IN_ORDER = [
    ("avant", "après"),
    ("pré", "post"),
    ("Before", "After"),
    ("entrée", "sortie"),
    ("T0", "T1", "T2", "T10"),
    ("vague 2", "vague 10"),
    ("2021-T4", "2022-T1", "2022-T10"),
    ("S1 2023", "S2 2023", "S1 2024"),
    ("T1 2023", "T4 2023", "T1 2024"),
    ("2022/2023", "2023/2024"),
    ("déc. 2023", "janv. 2024", "Février 2024"),
    ("janvier", "mars", "août"),
    ("01/12/2023", "15/03/2024", "02/04/2024"),
    ("12/2023", "01/2024"),
    ("2023-12-31", "2024-1-2"),
]
UNREADABLE = [
    ("nord", "sud"),
    ("accueil-A", "bilan"),
    ("6 mois", "1 an"),
    ("T0", "suivi long"),
    ("avant", "before"),  # two names of the same moment
    ("2024", "vague"),
]


@pytest.mark.parametrize("names", IN_ORDER, ids=" ".join)
def test_names_are_put_in_time_order(names: tuple[str, ...]) -> None:
    for shuffled in itertools.permutations(names):
        order = period_order(shuffled)
        assert order is not None
        assert tuple(shuffled[i] for i in order) == names


@pytest.mark.parametrize("names", UNREADABLE, ids=" ".join)
def test_an_order_that_cannot_be_read_is_not_guessed(names: tuple[str, ...]) -> None:
    assert period_order(names) is None
    frame = pd.DataFrame({"t": list(names) * 3, "id": np.repeat(range(3), len(names)), "y": 1.0})
    with pytest.raises(ImpactEvalError) as refused:
        Sample(frame, unit="id", time="t")
    assert refused.value.codes == ("period_order_unknown",)
    assert set(refused.value.findings[0].values["known"]) == set(names)


@given(
    st.lists(
        st.dates(dt.date(1990, 1, 1), dt.date(2040, 1, 1)), unique=True, min_size=2, max_size=8
    )
)
def test_french_dates_are_read_day_first(dates: list[dt.date]) -> None:
    written = [date.strftime("%d/%m/%Y") for date in dates]
    order = period_order(written)
    assert order is not None
    assert [dates[i] for i in order] == sorted(dates)


def test_before_and_after_keep_the_sign_of_the_change(rng: np.random.Generator) -> None:
    before = rng.normal(size=20)
    frame = pd.DataFrame(
        {
            "id": np.tile(np.arange(20), 2),
            "vague": ["avant"] * 20 + ["après"] * 20,
            "y": np.concatenate([before, before + 2 + rng.normal(size=20) / 10]),
        }
    )
    estimate = BeforeAfter().fit(Sample(frame, unit="id", time="vague"), "y")
    assert estimate.effects[0].estimate == pytest.approx(2, abs=0.1)


def test_an_ordered_category_decides() -> None:
    names = ["sud", "nord"]
    wave = pd.Categorical(names * 3, categories=names, ordered=True)
    frame = pd.DataFrame({"id": np.repeat(range(3), 2), "t": wave})
    assert Sample(frame, unit="id", time="t").time_labels.tolist() == names


@pytest.mark.parametrize(
    "times",
    [
        pd.to_datetime(["2024-01-01", "2024-02-01", "2024-10-01"]),
        pd.PeriodIndex(["2024-01", "2024-02", "2024-10"], freq="M"),
        [dt.date(2024, 1, 1), dt.date(2024, 2, 1), dt.date(2024, 10, 1)],
    ],
    ids=["timestamps", "periods", "dates"],
)
@pytest.mark.parametrize(
    ("entry", "rank"),
    [
        ("2024-02-01", 2),
        ("15/01/2024", 2),
        ("01/02/2024", 2),
        ("02/01/2024", 2),
        ("jamais", np.inf),
    ],
)
def test_a_date_of_entry_is_the_first_period_at_or_after(
    times: object, entry: str, rank: float
) -> None:
    frame = pd.DataFrame({"id": 1, "t": times, "g": entry})
    sample = Sample(frame, unit="id", time="t", cohort="g")
    assert sample.cohorts is not None
    assert set(sample.cohorts) == {rank}


@pytest.mark.parametrize("entry", [2024, 2.0, "03/31/2024", "mars", "2024-13-01"])
def test_what_is_no_date_is_refused_beside_dates(entry: object) -> None:
    times = pd.to_datetime(["2024-01-01", "2024-02-01"])
    frame = pd.DataFrame({"id": 1, "t": times, "g": entry})
    with pytest.raises(ImpactEvalError) as refused:
        Sample(frame, unit="id", time="t", cohort="g")
    assert refused.value.codes == ("cohort_not_a_period",)
