"""A long column read at once is the column read cell by cell, or is left to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impact_eval.data import clean_columns
from impact_eval.data.cells import ColumnType, read_column
from impact_eval.data.clean_columns import read_clean_column
from impact_eval.data.labels import MISSING_WORDS


@pytest.fixture
def every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean_columns, "_FEWEST", 0)


plain = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.floats(-1e9, 1e9).map(repr),
    st.floats(-1e3, 1e3).map(lambda x: f"{x:.2f}".replace(".", ",")),
    st.sampled_from(["0", "-0", "1e3", "2.5E-3", "9007199254740993"]),
)
odd = st.sampled_from(
    ["", " ", "NSP", "NR", "-", "1 234,5", "1\u202f234,50 €", "45 %", "3 €", " 7 ", "+4", ".5",
     "5.", "−3", "1.234,50", "007", "00", "1e400", "nan", "inf", "oui", "s", "12/01/2024",
     "2024-01-12"]
)  # fmt: skip


@pytest.mark.usefixtures("every_size")
@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    cells=st.lists(st.one_of(plain, plain, plain, odd), min_size=1, max_size=12),
    dtype=st.sampled_from(["str", "object"]),
    declared=st.sampled_from([None, ColumnType.NUMBER, ColumnType.INTEGER]),
)
def test_both_ways_agree(cells: list[str], dtype: str, declared: ColumnType | None) -> None:
    column = pd.Series(cells, dtype=dtype, name="x")
    fast = read_clean_column(column, declared=declared, missing_words=MISSING_WORDS, file="t.csv")
    slow = read_column(column, declared=declared, file="t.csv")
    if fast is None:
        return
    pd.testing.assert_series_equal(fast.values, slow.values)
    assert fast.type is slow.type
    assert dict(fast.missing) == dict(slow.missing)
    assert (fast.unit, fast.findings) == (slow.unit, slow.findings)


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize(
    ("cells", "fast"),
    [
        (["1", "2.5", "3,5", "NSP", ""], True),
        ([1, 2.5, None], True),
        (["1", "007"], False),
        (["1", "oui"], False),
        (["NSP", ""], False),
        (["1", "12/01/2024"], False),
        ([1, "2"], False),
        (["3 €", "45 %"], False),
        (["3 €", "4"], False),
        (["3 €", "1 234,50 €"], True),
    ],
)
def test_what_is_left_to_the_careful_way(cells: list[object], fast: bool) -> None:
    column = pd.Series(cells, dtype=object, name="x")
    read = read_clean_column(column, declared=None, missing_words=MISSING_WORDS, file=None)
    assert (read is not None) is fast


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize("name", ["dep", "Code INSEE", "Date d'entrée"])
def test_codes_and_dates_are_left_to_the_careful_way(name: str) -> None:
    column = pd.Series(["45292", "45293"], dtype="str", name=name)
    assert read_clean_column(column, declared=None, missing_words=MISSING_WORDS, file=None) is None


def test_numbers_of_a_long_column_are_exact() -> None:
    numbers = np.random.default_rng(3).normal(size=6_000)
    column = pd.Series([repr(float(x)) for x in numbers], dtype="str", name="x")
    read = read_clean_column(column, declared=None, missing_words=MISSING_WORDS, file=None)
    assert read is not None
    np.testing.assert_array_equal(read.values.to_numpy(), numbers)
