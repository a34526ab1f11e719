"""How far a sheet goes is told before it is loaded: a small file never takes gigabytes."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from old_workbooks import Cells, biff, ods_row, ole, record, write_ods, write_xls, zipped

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.readers import excel
from impact_eval.data.reading import read_table
from impact_eval.data.sheet_extents import SheetExtent, document_extents, old_workbook_extents

Write = Callable[[Path, Mapping[str, Cells]], Path]
TABLE: Cells = {(0, 0): "id", (0, 1): "note"} | {
    (i, j): float(10 * i + j) for i in range(1, 31) for j in range(2)
}


WRITERS: dict[str, Write] = {".ods": write_ods, ".xls": write_xls}
LAST = {".ods": (399_999, 60, "BI400000"), ".xls": (65_535, 255, "IV65536")}


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("people", [TABLE, dict(list(TABLE.items())[:20])], ids=["long", "short"])
def test_a_table_is_read(tmp_path: Path, ending: str, people: Cells) -> None:
    path = WRITERS[ending](tmp_path / f"t{ending}", {"Suivi": people})
    frame = read_table(path)
    assert list(frame.columns) == ["id", "note"]
    assert frame["note"].tolist() == [10 * i + 1 for i in range(1, len(people) // 2)]
    (extent,) = (document_extents if ending == ".ods" else old_workbook_extents)(
        zipfile.ZipFile(path).read("content.xml") if ending == ".ods" else path.read_bytes()
    )
    assert (extent.name, extent.rows, extent.columns) == ("Suivi", len(people) // 2, 2)


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("sheet", ["Suivi", "Notes"])
def test_a_far_cell_is_refused_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, sheet: str
) -> None:
    def loaded(content: bytes) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(excel, "_open", loaded)
    row, column, last = LAST[ending]
    far: Cells = {(row, column): "x"}
    sheets: dict[str, Cells] = {"Suivi": TABLE, "Notes": {(0, 0): "vu", (1, 0): "le 3 mars"}}
    sheets[sheet] = {**sheets[sheet], **far}
    path = WRITERS[ending](tmp_path / f"t{ending}", sheets)
    assert path.stat().st_size < 6_000
    with pytest.raises(ImpactEvalError) as refused:
        read_table(path)
    (found,) = refused.value.findings
    assert (found.code, found.values["sheet"], found.values["last"]) == (
        "sheet_too_sparse", sheet, last,
    )  # fmt: skip


def test_many_sheets_are_as_large_as_one(tmp_path: Path) -> None:
    far: Cells = {(9_999, 199): "x", **TABLE}  # two million cells: one such sheet is read
    assert len(read_table(write_ods(tmp_path / "one.ods", {"A": far}))) >= 30
    with pytest.raises(ImpactEvalError) as refused:
        read_table(write_ods(tmp_path / "two.ods", {"A": far, "B": far}))
    assert refused.value.codes == ("sheet_too_sparse",)


def test_a_value_repeated_to_the_edge_is_not_a_full_sheet(tmp_path: Path) -> None:
    row = ods_row({0: "x"}).replace(
        "<table:table-cell", '<table:table-cell table:number-columns-repeated="16384"', 1
    )
    sheet = row.replace("<table:table-row", '<table:table-row table:number-rows-repeated="9000"', 1)
    path = zipped(tmp_path / "t.ods", f'<table:table table:name="A">{sheet}</table:table>')
    with pytest.raises(ImpactEvalError) as refused:
        read_table(path)
    assert refused.value.findings[0].values["last"] == "XFD9000"


def spread(cells: Iterable[tuple[int, int]]) -> tuple[int, int]:
    rows, columns = zip(*cells, strict=True)
    return max(rows) + 1, max(columns) + 1


@pytest.mark.parametrize("seed", range(6))
def test_extents_are_those_of_the_cells_that_hold_something(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sheets: dict[str, Cells] = {
        name: {
            (int(row), int(column)): "é" if ending == ".ods" else 1.5
            for row, column in rng.integers(0, (300, 40), (20, 2))
        }
        for name in ("Un", "Deux")
        for ending in (".ods" if seed % 2 else ".xls",)
    }
    wanted = [SheetExtent(name, *spread(cells), len(cells)) for name, cells in sheets.items()]
    if seed % 2:
        path = write_ods(tmp_path / "t.ods", sheets)
        assert document_extents(zipfile.ZipFile(path).read("content.xml")) == wanted
    else:
        assert old_workbook_extents(write_xls(tmp_path / "t.xls", sheets).read_bytes()) == wanted


def test_a_workbook_under_a_password_is_left_to_its_own_refusal() -> None:
    hidden = record(0x0809, bytes(16)) + record(0x002F, bytes(6)) + biff({"A": TABLE})
    assert old_workbook_extents(ole(hidden)) == []
    assert old_workbook_extents(b"<html><table>") == []
