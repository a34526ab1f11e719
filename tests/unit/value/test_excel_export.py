"""The exported workbook computes the same totals by itself, and follows a changed cell."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.value import Account, ValueMap
from impact_eval.value.map.declared import UnitFlow
from impact_eval.value.map.declared_cells import read_share
from impact_eval.value.readouts.excel_export import export_account

REFERENCE = re.compile(r"(?:'((?:[^']|'')+)'!)?(\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?)")


class Sheets:
    """The few functions the workbook uses, evaluated as a spreadsheet does."""

    def __init__(self, path: Path) -> None:
        self.book = load_workbook(path)
        self.known: dict[tuple[str, int, int], Any] = {}

    def cell(self, sheet: str, row: int, column: int) -> Any:
        key = (sheet, row, column)
        if key not in self.known:
            raw = self.book[sheet].cell(row, column).value
            is_formula = isinstance(raw, str) and raw.startswith("=")
            self.known[key] = self.formula(sheet, raw[1:]) if is_formula else raw
        return self.known[key]

    def read(self, sheet: str, reference: str) -> Any:
        left, top, right, bottom = range_boundaries(reference.replace("$", ""))
        values = [
            self.cell(sheet, r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)
        ]
        return values if ":" in reference else values[0]

    def formula(self, sheet: str, text: str) -> Any:
        code = REFERENCE.sub(
            lambda m: f"read({(m[1] or sheet).replace(chr(39) * 2, chr(39))!r}, {m[2]!r})", text
        )
        code = code.replace("^", "**")
        code = re.sub(r"(?<![<>=])=(?!=)", "==", code)
        return eval(code, {"read": self.read, **FUNCTIONS})


def product(*columns: Any) -> float:
    total = 0.0
    for values in zip(*columns, strict=True):
        part = 1.0
        for value in values:
            part *= value
        total += part
    return total


class Column(list):  # 1+range, as in 1+A2:A4
    def __radd__(self, other: float) -> list[float]:
        return [other + value for value in self]


FUNCTIONS = {
    "SUM": lambda *a: sum(v or 0 for x in a for v in (x if isinstance(x, list) else [x])),
    "SUMPRODUCT": product,
    "SUMIF": lambda keys, wanted, values: sum(
        v for k, v in zip(keys, values, strict=True) if k == wanted
    ),
    "SUMIFS": lambda values, k1, w1, k2, w2: sum(
        v for v, a, b in zip(values, k1, k2, strict=True) if a == w1 and b == w2
    ),
    "IF": lambda test, yes, no: yes if test else no,
    "AND": lambda *tests: all(tests),
    "MIN": min,
    "ROUND": round,
}


def totals(path: Path) -> tuple[float, float, float, float, float]:
    sheets = Sheets(path)
    read = sheets.read
    sheets.read = lambda s, r: Column(found) if isinstance(found := read(s, r), list) else found
    name = sheets.book.sheetnames[-1]
    return tuple(sheets.cell(name, row, 2) for row in range(1, 6))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_formulas_recompute_the_account(
    insertion: Account, wheels: ValueMap, tmp_path: Path, language: str
) -> None:
    for name, account in (("a", insertion), ("b", wheels.account())):
        path = tmp_path / f"{name}_{language}.xlsx"
        export_account(account, path, language)
        read = account.sroi()
        benefits, costs, net, ratio, check = totals(path)
        assert benefits == pytest.approx(float(read.benefits), rel=1e-12)
        assert costs == pytest.approx(float(read.costs), rel=1e-12)
        assert net == pytest.approx(float(read.net), rel=1e-12)
        assert ratio == pytest.approx(float(read.ratio), rel=1e-12)
        assert check == 0


def test_no_moment_stands_in_a_workbook(insertion: Account, tmp_path: Path) -> None:
    """The same account gives the same bytes on another day."""
    export_account(insertion, tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert {info.date_time for info in archive.infolist()} == {(2000, 1, 1, 0, 0, 0)}
        text = archive.read("docProps/core.xml").decode()
    assert re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z?", text) == 2 * ["2000-01-01T00:00:00Z"]


def test_a_changed_cell_changes_the_totals(
    insertion_map: ValueMap, employment: Estimate, tmp_path: Path
) -> None:
    path = tmp_path / "compte.xlsx"
    export_account(insertion_map.account({"employment": employment}), path, "en")
    book = load_workbook(path)
    sheet = book["Calculation by outcome"]
    heads = {cell.value: cell.column for cell in sheet[1]}
    for row in sheet.iter_rows(min_row=2):
        if row[0].value == "shelter":
            sheet.cell(row[0].row, heads["Deadweight"]).value = 0.9
    book["Parameters"]["B1"] = 0.05
    book.save(path)
    changed = insertion_map.with_line("shelter", deadweight=read_share("90 %"))
    changed = changed.with_settings(discount_rate=Decimal("0.05"))
    read = changed.account({"employment": employment}).sroi()
    assert totals(path)[2] == pytest.approx(float(read.net), rel=1e-12)


def test_a_ratio_refused_is_not_a_formula(
    insertion_map: ValueMap, employment: Any, tmp_path: Path
) -> None:
    bare = insertion_map.with_line("helpers", deadweight=None)
    path = tmp_path / "compte.xlsx"
    export_account(bare.account({"employment": employment}), path, "en")
    assert load_workbook(path)["Totals"]["B4"].value == "refused by a guard"


TRAPS = ('=HYPERLINK("x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "a\x0bb")


@pytest.mark.parametrize("trap", TRAPS)
def test_texts_of_a_map_never_run_as_formulas(
    insertion_map: ValueMap, employment: Any, tmp_path: Path, trap: str
) -> None:
    """Every text an author wrote: the title, stakeholders, ids of inputs, names of flows."""
    line = insertion_map.line("helpers")
    price = line.price
    flow = UnitFlow(
        name=trap,
        kind=price.kind,
        payer=price.payer,
        receiver=price.receiver,
        amount=price.proxy,
    )
    changed = insertion_map.with_settings(title=trap).with_line(
        "helpers", outcome=trap, stakeholder=trap, bundle=(flow,), proxy=None, kind=None
    )
    first = replace(changed.inputs[0], id=trap, stakeholder=trap, description=trap)
    changed = replace(changed, inputs=(first, *changed.inputs[1:]))
    path = tmp_path / "compte.xlsx"
    export_account(changed.account({"employment": employment}), path)
    seen = 0
    for sheet in load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                text = str(cell.value)
                if trap.strip() in text or "a b" in text:
                    seen += 1
                    assert cell.data_type == "s"
                    assert text[0] not in "=+-@\t\r"
    assert seen == 6


def test_a_written_map_never_runs_as_formulas(insertion_map: ValueMap, tmp_path: Path) -> None:
    trap = insertion_map.with_line("helpers", outcome='=HYPERLINK("x")', stakeholder="@SUM(A1)")
    trap.write(tmp_path / "carte.xlsx")
    for sheet in load_workbook(tmp_path / "carte.xlsx"):
        for row in sheet.iter_rows():
            for cell in row:
                assert "HYPERLINK" not in str(cell.value) or cell.data_type == "s"


def test_texts_that_would_run_come_back_from_a_written_map(
    insertion_map: ValueMap, tmp_path: Path
) -> None:
    texts = {"outcome": "-2+3", "stakeholder": "'=A1", "note": "@SUM(A1)"}
    known = {name: text for name, text in texts.items() if hasattr(insertion_map.lines[0], name)}
    assert {"outcome", "stakeholder"} <= set(known)
    trap = insertion_map.with_line("helpers", **known)
    trap.write(tmp_path / "carte.xlsx")
    assert ValueMap.read(tmp_path / "carte.xlsx") == trap
    starts = {
        str(cell.value)[0]
        for sheet in load_workbook(tmp_path / "carte.xlsx")
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "s" and cell.value and not re.fullmatch(r"-?[\d.]+", str(cell.value))
    }
    assert not starts & set("=+-@\t\r")


def test_an_unknown_language_is_refused(
    insertion: Account, insertion_map: ValueMap, tmp_path: Path
) -> None:
    """An account has the languages of the catalogues; a map those that it is read back in."""
    path = tmp_path / "a.xlsx"
    for write in (partial(export_account, insertion), insertion_map.write):
        with pytest.raises(ImpactEvalError) as refused:
            write(path, "frr")
        (fault,) = refused.value.findings
        assert (fault.code, fault.values["nearest"]) == ("unknown_language", "fr")
        assert not path.exists()
