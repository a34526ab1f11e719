"""A study names the file, sheet, row and cell of what is wrong; none of it enters the results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner

from impact_eval import Study, evaluate
from impact_eval.cli import app
from impact_eval.core.findings import Finding
from impact_eval.pipeline.opening import open_study

HEAD: dict[str, Any] = {
    "id": "essai", "title": "Essai", "territory": "01", "pillar": "emploi",
    "action": "Accompagnement", "period": ["2024-01", "2024-12"],
}  # fmt: skip
OUTCOME = {"id": "note", "label": "Note", "column": "note", "unit": "number", "primary": True}
Sheets = Mapping[str, Sequence[Sequence[Any]]]
Write = Callable[..., Path]


def sheet_of(names: Sequence[str], seed: int, aide: bool) -> list[list[Any]]:
    """Sixty people under a title and two blank rows; a column of no heading is left blank."""
    rng = np.random.default_rng(seed)
    rows: list[list[Any]] = [["Suivi 2024"], [], [], [None, "Dossier", None, *names]]
    for i in range(60):
        first = [("oui" if i % 2 else "non")] if aide else []
        notes = [round(float(x), 2) for x in rng.normal(5 + i % 2, 1, len(names) - len(first))]
        rows.append([None, f"A{i:02}", None, *first, *notes])
    return rows


def workbook(path: Path, sheets: Sheets, odd: Mapping[tuple[str, str], Any]) -> Path:
    book = Workbook()
    assert book.active is not None
    book.active.title = "Lisez-moi"
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    for (name, cell), value in odd.items():
        book[name][cell] = value
    book.save(path)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def study(method: str = "did", **data: Any) -> Path:
        content = {
            "schema": "impact-eval/study/1",
            "study": HEAD,
            "data": data,
            "method": {"name": method},
            "outcomes": [OUTCOME],
        }
        (tmp_path / "study.toml").write_text(tomli_w.dumps(content), encoding="utf-8")
        return tmp_path

    return study


def refused(folder: Path) -> dict[str, Finding]:
    study, faults = Study.examine(folder)
    assert study is not None
    return {finding.code: finding for finding in open_study(study, faults).faults}


def held(folder: Path, found: Finding) -> Any:
    """Return what stands in the cell that a finding names, as a spreadsheet opens it."""
    place = found.place
    assert place is not None
    assert place.file is not None
    return load_workbook(folder / place.file)[place.sheet or ""][place.cell or ""].value


ROLES = {"unit": "Dossier", "time": "wave", "treatment": "aide"}


def test_sheets_of_waves_name_their_own_cells(write: Write, tmp_path: Path) -> None:
    sheets = {"Entrée": sheet_of(["aide", "note"], 1, True), "Sortie": sheet_of(["note"], 2, False)}
    workbook(tmp_path / "d.xlsx", sheets, {("Sortie", "D24"): "abs", ("Entrée", "D31"): "un peu"})
    waves = {"names": ["T0", "T1"], "sheets": ["Entrée", "Sortie"]}
    folder = write(file="d.xlsx", roles=ROLES, waves=waves)
    found = refused(folder)["treatment_not_binary"]
    assert (held(folder, found), found.values["n"]) == ("un peu", 1)
    said = " ".join(CliRunner().invoke(app, ["check", str(folder)]).output.split())
    assert "feuille « Entrée », colonne « aide », ligne 31, cellule D31" in said.replace(
        "\xa0", " "
    )
    workbook(tmp_path / "d.xlsx", sheets, {("Sortie", "D24"): "abs"})
    found = refused(folder)["text_outcome"]
    assert (held(folder, found), found.values["rows"]) == ("abs", (24,))
    assert found.place is not None
    assert (found.place.file, found.place.sheet) == ("d.xlsx", "Sortie")


def test_files_of_waves_name_their_own_file(write: Write, tmp_path: Path) -> None:
    workbook(tmp_path / "entree.xlsx", {"S": sheet_of(["aide", "note"], 1, True)}, {})
    last = {"Fin": sheet_of(["autre", "bien"], 2, False)}
    workbook(tmp_path / "sortie.xlsx", last, {("Fin", "E40"): "abs"})
    waves = {
        "names": ["T0", "T1"], "files": ["entree.xlsx", "sortie.xlsx"],
        "columns": {"note": ["note", "bien"]},
    }  # fmt: skip
    folder = write(file="entree.xlsx", roles=ROLES, waves=waves)
    found = refused(folder)["text_outcome"]
    assert held(folder, found) == "abs"
    assert found.place is not None
    assert (found.place.file, found.place.column) == ("sortie.xlsx", "bien")


def test_one_person_twice_is_shown_with_the_row_of_the_first(write: Write, tmp_path: Path) -> None:
    rows = {"Fin": sheet_of(["aide", "note"], 1, True)}
    workbook(tmp_path / "d.xlsx", rows, {("Fin", "B50"): "A07"})
    folder = write(
        "difference_in_means", file="d.xlsx", roles={"unit": "Dossier", "treatment": "aide"}
    )
    found = refused(folder)["duplicated_rows"]
    assert held(folder, found) == "A07"
    assert found.values["rows"] == (12, 50)


def test_no_cell_and_no_sheet_enters_the_results(write: Write, tmp_path: Path) -> None:
    rows = {"Fin": sheet_of(["aide", "note", "age"], 1, True)}
    workbook(tmp_path / "d.xlsx", rows, {("Fin", "F30"): "quarantaine"})
    roles = {"unit": "Dossier", "treatment": "aide", "cluster": "age"}
    folder = write("difference_in_means", file="d.xlsx", roles=roles)
    study, faults = Study.examine(folder)
    assert study is not None
    seen = {finding.code: finding for finding in open_study(study, faults).noticed}
    assert held(folder, seen["mixed_column"]) == "quarantaine"
    results: Any = evaluate(Study.read(folder)).to_dict()
    log = results["data"]["reading"]["log"]
    assert "mixed_column" in {entry["code"] for entry in log}
    told = json.dumps(results, ensure_ascii=False)
    assert "quarantaine" not in told
    assert '"cell"' not in told
    assert '"sheet"' not in json.dumps(log)
