"""Numbers, amounts, p-values, dates and lists in both languages."""

from __future__ import annotations

import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.report.formats import FORMAT_NAMES, MISSING, OF_CATALOGUE, show

N, W = "\u202f", "\u00a0"


@pytest.mark.parametrize(
    ("value", "name", "fr", "en"),
    [
        (1234567, "int", f"1{N}234{N}567", "1,234,567"),
        (-0.04, "dec1", "0,0", "0.0"),
        (-3.25, "dec1", "−3,2", "−3.2"),
        (0.5, "signed1", "+0,5", "+0.5"),
        (0.0, "signed2", "0,00", "0.00"),
        (-2.0, "signed0", "−2", "−2"),
        (0.125, "pct", f"12{W}%", "12%"),
        (0.125, "pct1", f"12,5{W}%", "12.5%"),
        (-1500.4, "eur", f"−1{N}500{W}€", "−€1,500"),
        (0.0004, "p", "moins de 0,001", "less than 0.001"),
        (0.0213, "p", "0,021", "0.021"),
        (0.43, "p", "0,43", "0.43"),
        (0.9996, "odds", "plus de 99\u00a0%", "more than 99%"),
        (1, "odds", "plus de 99\u00a0%", "more than 99%"),
        (0.9949, "odds", "99\u00a0%", "99%"),
        (0.0, "odds", "moins de 1\u00a0%", "less than 1%"),
        (0.01, "chance", "une fois sur 100", "once in 100"),
        (0.03, "chance", "3 fois sur 100", "3 times in 100"),
        (0.0432, "sig2", "0,043", "0.043"),
        (12.34, "sig3", "12,3", "12.3"),
        (2024, None, "2024", "2024"),
        (0.25, None, "0,25", "0.25"),
        (True, None, "oui", "yes"),
        (None, "dec1", MISSING, MISSING),
        (math.nan, "dec1", MISSING, MISSING),
        (("a", "b", "c"), "list", "a, b et c", "a, b and c"),
        (("01", "2A"), None, "01 et 2A", "01 and 2A"),
        (datetime.date(2026, 1, 1), "date", "1er janvier 2026", "1 January 2026"),
        ("2026-11-23", "date", "23 novembre 2026", "23 November 2026"),
        ("2026", "date", "2026", "2026"),
        ("oui", "quote", f"«{N}oui{N}»", "“oui”"),
    ],
)
def test_values(value: object, name: str | None, fr: str, en: str) -> None:
    assert show(value, name, "fr") == fr
    assert show(value, name, "en") == en


def test_long_lists_are_cut_with_their_count() -> None:
    assert show([str(i) for i in range(40)], "list", "fr").endswith("9 et 30 autres")


@given(
    st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=8)),
    st.sampled_from(sorted(FORMAT_NAMES - OF_CATALOGUE)),
    st.sampled_from(["fr", "en"]),
)
def test_any_value_in_any_format_is_written(value: object, name: str, language: str) -> None:
    text = show(value, name, language)
    assert isinstance(text, str)
    if isinstance(value, float):
        assert "nan" not in text
        assert "inf" not in text
