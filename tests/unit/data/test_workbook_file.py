"""A workbook as it comes: cells astray, damaged in transfer, packed to harm, sheets hidden."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import Workbook

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.reading import read_table


def book_of(n: int = 30) -> tuple[Workbook, Any]:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "x", "dep"])
    for i in range(n):
        sheet.append([f"A{i}", i, "01"])
    return book, sheet


def refused(path: Path) -> str:
    with pytest.raises(ImpactEvalError) as refusal:
        read_table(path)
    assert str(refusal.value)
    return refusal.value.findings[0].code


def read_or_code(path: Path) -> pd.DataFrame | str:
    try:
        return read_table(path)
    except ImpactEvalError as refusal:
        return refusal.findings[0].code


@pytest.mark.parametrize("cells", [["ABC20000"], ["XFD1048576"], ["B900000"], ["ZZ1", "A600000"]])
def test_a_cell_far_away_costs_nothing_and_is_told(tmp_path: Path, cells: list[str]) -> None:
    book, sheet = book_of()
    for cell in cells:
        sheet[cell] = 1
    book.save(tmp_path / "t.xlsx")
    tracemalloc.start()
    frame = read_table(tmp_path / "t.xlsx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert frame["id"].tolist() == [f"A{i}" for i in range(30)]
    assert list(frame.columns) == ["id", "x", "dep"]
    assert frame.attrs["reading"]["lines"] == {"lines": 31, "headings": 1, "read": 30}
    (told,) = [e for e in frame.attrs["reading"]["log"] if e["code"] == "far_cells"]
    assert sorted(told["values"]["cells"]) == sorted(cells)
    assert peak < 100e6


def test_a_sheet_scattered_everywhere_is_refused(tmp_path: Path) -> None:
    book, sheet = book_of()
    for i in range(40):
        sheet.cell(row=20_000 * (i + 1), column=200 * (i % 5) + 100, value=1)
    book.save(tmp_path / "t.xlsx")
    assert refused(tmp_path / "t.xlsx") == "sheet_too_sparse"


def test_a_cell_alone_under_the_table_is_nobody(tmp_path: Path) -> None:
    book, sheet = book_of()
    sheet["B200"] = 7
    book.save(tmp_path / "t.xlsx")
    frame = read_table(tmp_path / "t.xlsx")
    assert len(frame) == 30
    told = next(e for e in frame.attrs["reading"]["log"] if e["code"] == "stray_cells")
    assert told["values"]["cells"] == ["B200"]


def test_a_long_table_with_a_hole_is_whole(tmp_path: Path) -> None:
    """Rows are far apart only where they are few: a thousand blank rows in the middle are blank."""
    book, sheet = book_of(40)
    for i in range(40):
        sheet.cell(row=1_100 + i, column=1, value=f"B{i}")
        sheet.cell(row=1_100 + i, column=2, value=i)
        sheet.cell(row=1_100 + i, column=3, value="02")
    book.save(tmp_path / "t.xlsx")
    frame = read_table(tmp_path / "t.xlsx")
    assert len(frame) == 80


def test_a_damaged_workbook_is_read_the_same_or_refused(tmp_path: Path) -> None:
    book, _ = book_of(60)
    memory = io.BytesIO()
    book.save(memory)
    whole = memory.getvalue()
    (tmp_path / "t.xlsx").write_bytes(whole)
    expected = read_table(tmp_path / "t.xlsx")
    damages = [bytes(b ^ (0x10 if i == place else 0) for i, b in enumerate(whole))
               for place in range(0, len(whole), len(whole) // 45)]  # fmt: skip
    damages += [whole[:size] for size in (3, 30, len(whole) // 2, len(whole) - 10)]
    for damaged in damages:
        (tmp_path / "t.xlsx").write_bytes(damaged)
        found = read_or_code(tmp_path / "t.xlsx")
        if isinstance(found, str):
            assert found == "damaged_file"
        else:
            assert found.equals(expected)


def test_a_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    book, _ = book_of()
    book.save(tmp_path / "t.xlsx")
    with zipfile.ZipFile(tmp_path / "t.xlsx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", bytes(150_000_000))
    assert refused(tmp_path / "t.xlsx") == "file_too_large_unpacked"


def test_hidden_and_other_sheets_are_told(tmp_path: Path) -> None:
    book, sheet = book_of()
    sheet.title = "Suivi"
    hidden = book.create_sheet("Anciens", 0)
    hidden.append(["id", "x"])
    hidden.append(["Z", 1])
    hidden.sheet_state = "hidden"
    book.create_sheet("Listes").append(["oui"])
    book.active = 1
    book.save(tmp_path / "t.xlsx")
    frame = read_table(tmp_path / "t.xlsx")
    log = {e["code"]: e["values"] for e in frame.attrs["reading"]["log"]}
    assert frame["id"].iloc[0] == "A0"
    assert log["hidden_sheets"]["sheets"] == ["Anciens"]
    assert log["other_sheets"]["others"] == ["Listes"]
    assert frame.attrs["reading"]["rows"]["sheet"] == "Suivi"
