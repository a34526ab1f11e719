"""The row of the file that a message must name, whatever was done to the table since."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.reading import read_table
from impact_eval.data.sample import Sample
from impact_eval.data.source_rows import SourceRows, column_letters
from impact_eval.data.waves import to_long

TITLES: tuple[list[str], ...] = (["Association d’exemple"], ["Suivi 2024"], [])


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """Three rows above the heading, a blank column, a blank row after the tenth person."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Suivi"
    for line in (*TITLES, ["id", None, "note", "fin"]):
        sheet.append(line)
    for i in range(20):
        if i == 10:
            sheet.append([])
        sheet.append([f"P{i:02d}", None, i, i + 5])
    book.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


def spreadsheet_row(i: int) -> int:
    return 5 + i + (i >= 10)


def test_each_row_knows_its_row_of_the_sheet(workbook: Path) -> None:
    frame = read_table(workbook)
    rows = SourceRows.of(frame)
    assert [rows.file_row(i) for i in range(20)] == [spreadsheet_row(i) for i in range(20)]
    assert rows.sheet == "Suivi"
    assert rows.cell(3, "note") == "C8"
    kept = json.loads(json.dumps(frame.attrs))["reading"]["rows"]
    assert kept["runs"] == [[0, 5, 10], [10, 16, 10]]


def test_rows_hold_through_selections(workbook: Path) -> None:
    frame = read_table(workbook)
    late = frame.loc[frame["note"] >= 8, ["note"]].copy()
    assert SourceRows.of(late).file_rows(np.arange(len(late)) < 3) == [13, 14, 16]
    assert SourceRows.of(late["note"].sort_values(ascending=False)).file_row(0) == 25
    assert SourceRows.of(frame["note"]).file_rows([11]) == [17]


def test_rows_hold_when_waves_are_put_one_under_the_other(workbook: Path) -> None:
    frame = read_table(workbook).iloc[5:]
    long = to_long(frame, unit="id", waves=["T0", "T1"], columns={"y": ["note", "fin"]})
    rows = SourceRows.of(long)
    expected = [spreadsheet_row(i) for i in range(5, 20)] * 2
    assert [rows.file_row(i) for i in range(30)] == expected


def test_a_table_of_ones_own_counts_its_rows(workbook: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=["x", "y", "z"])
    assert SourceRows.of(frame).file_rows([False, True, True]) == [2, 3]
    assert not SourceRows.of(frame).known


@pytest.mark.parametrize("line", [9, 15])
def test_a_person_there_twice_is_told_by_rows_of_the_file(workbook: Path, line: int) -> None:
    frame = read_table(workbook)
    frame.loc[frame.index[line], "id"] = "P02"
    with pytest.raises(ImpactEvalError) as refused:
        Sample(frame, unit="id")
    found = refused.value.findings[0]
    assert found.values["rows"] == (7, spreadsheet_row(line))
    assert found.place is not None
    assert found.place.row == 7


def test_lines_of_a_text_file_are_counted_with_their_titles(tmp_path: Path) -> None:
    lines = ["Suivi des ateliers;;", "", "id;note;ville", "A;1;x", ";;", "B;2;y", "C;3;z"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")
    frame = read_table(tmp_path / "t.csv")
    assert SourceRows.of(frame).file_rows([0, 1, 2]) == [4, 6, 7]
    assert SourceRows.of(frame).cell(0, "note") is None


def test_letters_of_columns_count_as_a_spreadsheet_does() -> None:
    assert [column_letters(i) for i in (0, 25, 26, 51, 701, 702)] == ["A", "Z", "AA", "AZ", "ZZ",
                                                                      "AAA"]  # fmt: skip
