"""The exported workbook computes the same totals by itself, and follows a changed cell."""

from __future__ import annotations

import re
import shutil
import subprocess
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
from impact_eval.core.file_headings import FileHeadings
from impact_eval.core.findings import ImpactEvalError
from impact_eval.value import Account, ValueMap, tell
from impact_eval.value.map.choices import Agent, FlowKind, InputKind, LineKind, QuantitySource
from impact_eval.value.map.declared import UnitFlow
from impact_eval.value.map.declared_cells import read_share
from impact_eval.value.map.discounting import read_schedule
from impact_eval.value.readouts.excel_export import export_account
from impact_eval.value.readouts.standing import ValueStanding

SOFFICE = shutil.which("soffice")
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


def sum_of_chosen(values: list[float], *conditions: Any) -> float:
    """SUMIFS: columns and what is wanted of each, equal to or beside zero."""
    kept = list(values)
    for column, wanted in zip(conditions[::2], conditions[1::2], strict=True):
        for k, value in enumerate(column):
            if wanted == ">0":
                chosen = value > 0
            elif wanted == "<0":
                chosen = value < 0
            else:
                chosen = value == wanted
            kept[k] = kept[k] if chosen else 0.0
    return sum(kept)


FUNCTIONS = {
    "SUM": lambda *a: sum(v or 0 for x in a for v in (x if isinstance(x, list) else [x])),
    "SUMPRODUCT": product,
    "SUMIFS": sum_of_chosen,
    "INDEX": lambda values, place: values[int(place) - 1],
    "IF": lambda test, yes, no: yes if test else no,
    "AND": lambda *tests: all(tests),
    "MIN": min,
    "INT": int,
    "ROUND": round,
}


def totals(path: Path) -> tuple[float, ...]:
    """Benefits, costs, net, ratio and check of the first sheet, recomputed."""
    sheets = Sheets(path)
    name = sheets.book.sheetnames[0]
    return tuple(sheets.cell(name, row, 2) for row in range(7, 12))


def formulas(path: Path) -> list[tuple[str, str]]:
    return [
        (sheet.title, cell.coordinate)
        for sheet in load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]


def shown(path: Path) -> dict[str, dict[str, list[Any]]]:
    """The tables of the first sheet as a reader sees them without computing: caption, rows."""
    (sheet, *_), out, caption = load_workbook(path, data_only=True).worksheets, {}, ""
    for row in sheet.iter_rows(min_row=5, values_only=True):
        cells = [cell for cell in row if cell is not None]
        if len(cells) == 1 and isinstance(cells[0], str):
            caption = cells[0]
            out[caption] = {}
        elif cells:
            out[caption][str(cells[0])] = cells[1:]
    return out


@pytest.fixture(params=["insertion", "wheels", "paid_by_one", "refused", "mid_year", "schedule"])
def asked(
    request: pytest.FixtureRequest, insertion_map: ValueMap, employment: Estimate, wheels: ValueMap
) -> Account:
    estimates = {"employment": employment}
    maps = {
        "insertion": insertion_map,
        "wheels": wheels,
        "paid_by_one": insertion_map.with_settings(perspective="departement"),
        "mid_year": replace(
            insertion_map.with_line("job", start=Decimal("1.5")),
            inputs=tuple(replace(i, year=Decimal("1.5")) for i in insertion_map.inputs),
        ),
        "schedule": insertion_map.with_settings(
            discount_schedule=read_schedule([{"rate": "0.035", "until": 1}, {"rate": "0.02"}])
        ),
        "refused": insertion_map.with_line("helpers", deadweight=None),
    }
    chosen = maps[request.param]
    return chosen.account({} if request.param == "wheels" else estimates)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_formula_has_its_value_beside_it(
    asked: Account, tmp_path: Path, language: str
) -> None:
    path = tmp_path / "a.xlsx"
    export_account(asked, path, language)
    beside, again = load_workbook(path, data_only=True), Sheets(path)
    cells = formulas(path)
    assert len(cells) > 50
    for sheet, place in cells:
        cell = beside[sheet][place]
        assert cell.value == pytest.approx(
            again.cell(sheet, cell.row, cell.column), rel=1e-11, abs=1e-6
        )


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_computes_the_values_that_are_shown(asked: Account, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    export_account(asked, path)
    load_workbook(path).save(tmp_path / "bare.xlsx")  # formulas alone, their values gone
    computed = recomputed_by_libreoffice(tmp_path / "bare.xlsx")
    beside = load_workbook(path, data_only=True)
    for sheet, place in formulas(path):
        assert beside[sheet][place].value == pytest.approx(
            computed[sheet][place].value, rel=1e-11, abs=1e-6
        )


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_follows_a_changed_cell(
    insertion_map: ValueMap, employment: Estimate, tmp_path: Path
) -> None:
    path = tmp_path / "compte.xlsx"
    export_account(insertion_map.account({"employment": employment}), path, "en")
    changed = change_deadweight_and_rate(path, insertion_map)
    sheet = recomputed_by_libreoffice(path)["Account"]
    read = changed.account({"employment": employment}).sroi()
    found = [sheet.cell(row, 2).value for row in range(7, 12)]
    wanted = [read.benefits, read.costs, read.net, read.ratio, 0]
    assert found == pytest.approx([float(value) for value in wanted], rel=1e-11)


def recomputed_by_libreoffice(path: Path) -> Any:
    """Open a workbook in LibreOffice, without a screen, and read what it computes."""
    assert SOFFICE is not None
    out, own = path.parent / "out", (path.parent / "profile").as_uri()
    done = subprocess.run(
        [SOFFICE, "--headless", f"-env:UserInstallation={own}", "--convert-to", "xlsx",
         "--outdir", str(out), str(path)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    if not (out / path.name).exists():  # its writer alone is installed
        pytest.skip(f"LibreOffice Calc is not installed: {done.stderr.strip()}")
    return load_workbook(out / path.name, data_only=True)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_tables_are_those_of_the_report(
    insertion: Account, tmp_path: Path, language: str
) -> None:
    path = tmp_path / "a.xlsx"
    export_account(insertion, path, language)
    words, agents = (FileHeadings.source(kind, language) for kind in ("workbook", "agent"))
    tables, told = shown(path), tell(insertion, seed=1, draws=50)
    parties = tables[words["caption_parties"]]
    for party in told.parties:
        own = parties[agents[party.agent.value]]
        assert own == pytest.approx([party.pays, party.gains, party.gains - party.pays])
    assert list(parties)[1:-1] == [agents[p.agent.value] for p in told.parties]
    years = tables[words["caption_years"]]
    *rows, society = told.matrix.rows
    for row in rows:
        assert years[agents[row.name]] == pytest.approx(row.amounts)
    assert years[words["society"]] == pytest.approx(society.amounts)
    lines = tables[words["caption_lines"]]
    for line in told.lines:
        outcome = insertion.value_map.line(line.line).outcome
        assert lines[outcome] == pytest.approx([line.quantity, line.unit_value, line.amount])
    totals_ = tables[words["totals"]]
    assert totals_[words["net"]] == [pytest.approx(told.net.estimate)]
    assert totals_[words["ratio"]] == [pytest.approx(told.ratio.estimate)]


def test_a_workbook_speaks_in_words(insertion: Account, tmp_path: Path) -> None:
    """No code of ours stands in a cell: parties, kinds and parts of a price have their names."""
    path = tmp_path / "a.xlsx"
    export_account(insertion, path)
    codes = {
        str(member)
        for vocabulary in (Agent, FlowKind, LineKind, InputKind, QuantitySource)
        for member in vocabulary
    } | {"gross_wage", "contributions", "in_work_benefit", "housing_aid"}
    ids = {item.id for item in (*insertion.value_map.inputs, *insertion.value_map.lines)}
    texts = {
        cell.value
        for sheet in load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "s"
    }
    assert not texts & (codes - ids)
    assert {"Département", "Personnes accompagnées", "Salaire brut", "Transfert"} <= texts


def test_amounts_have_their_money_and_heads_stay_in_sight(
    insertion: Account, tmp_path: Path
) -> None:
    path = tmp_path / "a.xlsx"
    export_account(insertion, path)
    book = load_workbook(path)
    assert book.sheetnames == [
        "Compte", "Mouvements", "Calcul par effet", "Ressources", "Paramètres",
    ]  # fmt: skip
    assert "€" in book["Compte"]["B9"].number_format
    assert "%" in book["Paramètres"]["B1"].number_format
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        if sheet.title != "Paramètres":
            assert sheet.freeze_panes is not None
            assert sheet.print_title_rows is not None


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
    changed = change_deadweight_and_rate(path, insertion_map)
    read = changed.account({"employment": employment}).sroi()
    assert totals(path)[2] == pytest.approx(float(read.net), rel=1e-12)


def change_deadweight_and_rate(path: Path, declared: ValueMap) -> ValueMap:
    """Change two cells of a workbook; return the map that says the same."""
    book = load_workbook(path)
    sheet = book["Calculation by outcome"]
    heads = {cell.value: cell.column for cell in sheet[1]}
    for row in sheet.iter_rows(min_row=2):
        if row[0].value == "shelter":
            sheet.cell(row[0].row, heads["Deadweight"]).value = 0.9
    book["Parameters"]["B1"] = 0.05
    book.save(path)
    changed = declared.with_line("shelter", deadweight=read_share("90 %"))
    return changed.with_settings(discount_rate=Decimal("0.05"))


def test_where_a_guard_refuses_there_is_no_total(
    insertion_map: ValueMap, employment: Any, tmp_path: Path
) -> None:
    bare = insertion_map.with_line("helpers", deadweight=None)
    account, path = bare.account({"employment": employment}), tmp_path / "compte.xlsx"
    for language, why in (("fr", "Poids mort absent"), ("en", "missing deadweight")):
        export_account(account, path, language)
        words = FileHeadings.source("workbook", language)
        (first, *_) = load_workbook(path, data_only=True).worksheets
        cells = [cell.value for row in first.iter_rows() for cell in row if cell.value is not None]
        assert words["refused"] in cells
        assert any(why.casefold() in str(cell).casefold() for cell in cells)
        assert not {words["net"], words["ratio"], words["society"]} & set(map(str, cells))
        hidden = (account.sroi().net, account.sroi().benefits, account.sroi().costs)
        numbers = [cell for cell in cells if isinstance(cell, (int, float))]
        assert not any(n == pytest.approx(float(amount)) for n in numbers for amount in hidden)


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
    export_account(insertion_map.account({"employment": employment}), tmp_path / "harmless.xlsx")
    assert formulas(path) == formulas(tmp_path / "harmless.xlsx")
    seen = 0
    for sheet in load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                text = str(cell.value)
                if cell.data_type != "f" and (trap.strip() in text or "a b" in text):
                    seen += 1
                    assert cell.data_type == "s"
                    assert text[0] not in "=+-@\t\r"
    assert seen >= 12  # in the sheets where it stands, each time


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


@pytest.mark.parametrize(("language", "word"), [("fr", "Supposition"), ("en", "Supposition")])
def test_the_first_sheet_says_that_its_amounts_are_supposed(
    wheels: ValueMap, tmp_path: Path, language: str, word: str
) -> None:
    path = tmp_path / "a.xlsx"
    export_account(wheels.account(), path, language, standing=ValueStanding.SUPPOSED)
    assert str(load_workbook(path).worksheets[0]["A4"].value).startswith(word)
    export_account(wheels.account(), path, language)
    assert load_workbook(path).worksheets[0]["A4"].value is None
