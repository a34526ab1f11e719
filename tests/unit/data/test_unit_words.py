"""Numbers written with the word of what they count, and dates whose month is a word."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.measures import numbers_or_refused
from impact_eval.data.number_cells import number_column
from impact_eval.data.reading import read_table
from impact_eval.data.unit_words import written_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("34 ans", 34.0), ("34ans", 34.0), ("1 an", 1.0), ("34 years old", 34.0), ("18 mois", 18.0),
        ("3,5 h", 3.5), ("3.5h", 3.5), ("2 heures", 2.0), ("12 pers.", 12.0), ("45 mn", 45.0),
        ("1 234,5 km", 1234.5), ("−2,5 points", -2.5), ("62 m²", 62.0), ("5 j", 5.0),
        ("1,5 k€", 1500.0), ("0,25 M€", 250_000.0), ("1 250 €/mois", 1250.0),
        ("35 h par semaine", 35.0), ("4\u202f200\u00a0€", 4200.0), ("7", 7.0),
    ],
)  # fmt: skip
def test_a_number_and_its_unit_are_a_number(text: str, value: float) -> None:
    read = written_quantity(text)
    assert read is not None
    assert read[0] == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    ["3 enfants", "12 H", "5 J", "12 rue", "environ 34 ans", "34-40 ans", "h", "ans", "1h30",
     "2 fois", "< 5 h", "5 par jour", "A1", "3 bis", "12 M", ""],
)  # fmt: skip
def test_another_text_is_no_number(text: str) -> None:
    assert written_quantity(text) is None


@pytest.mark.parametrize(
    "cells", [["34 ans", "18 mois", "7 mois"], ["2 h", "30 min"], ["1,5 k€", "900", "2 k€"]]
)
def test_two_units_of_one_column_are_never_put_on_one_scale(cells: list[str]) -> None:
    column = pd.Series(cells, name="durée")
    assert number_column(column).several_scales
    with pytest.raises(ImpactEvalError) as refusal:
        numbers_or_refused(column)
    assert [fault.code for fault in refusal.value.findings] == ["several_scales"]


def test_thousands_of_euros_are_euros() -> None:
    found = number_column(pd.Series(["1,5 k€", "900 €", "2 k€"]))
    assert found.is_number
    assert found.values.tolist() == [1500.0, 900.0, 2000.0]


def test_ages_written_three_ways_and_days_written_four_ways_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "id;age;venue\nA;34 ans;5 mars 2024\nB;41;1er août 2024\nC;7ans;lundi 22 févr. 2024\n"
        "D;NSP;03/12/2024\nE;52 ans;2024-05-06\n",
        encoding="utf-8",
    )
    frame = read_table(path)
    assert frame["age"].tolist()[:3] == [34, 41, 7]
    assert frame["age"].isna().tolist() == [False, False, False, True, False]
    days = [(2024, 3, 5), (2024, 8, 1), (2024, 2, 22), (2024, 12, 3), (2024, 5, 6)]
    assert [day.date() for day in frame["venue"]] == [datetime.date(*day) for day in days]


def test_headings_that_count_months_stay_headings(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id;0 mois;6 mois;12 mois\nA;1;2;3\nB;4;5;6\n", encoding="utf-8")
    frame = read_table(path)
    assert list(frame.columns) == ["id", "0 mois", "6 mois", "12 mois"]
    assert len(frame) == 2
