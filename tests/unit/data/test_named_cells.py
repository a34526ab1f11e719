"""A message names the cell that its owner sees: opened in the workbook, it holds what is quoted."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError
from impact_eval.data.measures import read_covariate, read_outcome, read_weights
from impact_eval.data.reading import read_table
from impact_eval.data.sample import Sample
from impact_eval.data.source_rows import SourceRows
from impact_eval.data.waves import stack_tables, to_long
from impact_eval.report.texts import Texts, render_finding
from impact_eval.survey import instrument

GROUPS = ("", None, "", "Situation", None, "Suivi", None, None)
NAMES = ("id", None, "an", "aide", "entree", "taux", "age", "poids")
COLUMNS = ("id", "an", "Situation / aide", "Situation / entree", "Suivi / taux", "Suivi / age",
           "Suivi / poids")  # fmt: skip
PEOPLE, BLANK_AFTER = 40, 13
Ask = Callable[[pd.DataFrame], object]


def cells(i: int, year: int) -> list[Any]:
    helped = i % 2 and year == 2021
    return [f"P{i:02d}", None, year, int(bool(helped)), 2021 if i % 2 else 0,
            round(3 + i / 7 + year % 10, 2), 20 + i % 33, 1 + i % 3]  # fmt: skip


def write(path: Path, changes: dict[tuple[int, str], Any]) -> Path:
    """Write a second sheet as people have them: headings from row 3, merged, a column hidden."""
    book = Workbook()
    assert book.active is not None
    book.active.title = "Lisez-moi"
    book.active.append(["Export du 3 mars"])
    sheet = book.create_sheet("Suivi")
    sheet.append(["Association d’exemple"])
    sheet.append([])
    sheet.append(list(GROUPS))
    sheet.append(list(NAMES))
    sheet.merge_cells("D3:E3")
    sheet.merge_cells("F3:H3")
    sheet.column_dimensions["E"].hidden = True
    sheet.row_dimensions[9].hidden = True
    rows = [cells(i, year) for i in range(PEOPLE) for year in (2020, 2021)]
    for (place, name), value in changes.items():
        rows[place][NAMES.index(name)] = value
    for place, row in enumerate(rows):
        if place == BLANK_AFTER:
            sheet.append([])
        sheet.append(row)
    book.save(path)
    return path


def held(path: Path, found: Finding) -> Any:
    """Return what stands in the cell that a finding names, as a spreadsheet opens it."""
    assert found.place is not None
    assert found.place.file == path.name
    assert found.place.sheet is not None
    assert found.place.cell is not None
    sheet = load_workbook(path)[found.place.sheet]
    assert found.place.cell.endswith(str(found.place.row))
    return sheet[found.place.cell].value


def of_sample(**roles: Any) -> Ask:
    return lambda frame: Sample(frame, unit="id", time="an", **roles)


def of_column(name: str, read: Callable[[Any, FindingCollector], object]) -> Ask:
    def ask(frame: pd.DataFrame) -> None:
        faults = FindingCollector()
        read(frame[name], faults)
        faults.raise_if_errors()

    return ask


FAULTS: dict[str, tuple[dict[tuple[int, str], Any], Ask, Any]] = {
    "text_outcome": ({(30, "taux"): "abs"}, of_column("Suivi / taux", read_outcome), "abs"),
    "text_covariate": ({(31, "age"): "vieux"}, of_column("Suivi / age", read_covariate), "vieux"),
    "text_column": ({(5, "poids"): "lourd"}, of_column("Suivi / poids", read_weights), "lourd"),
    "negative_weights": ({(44, "poids"): -2}, of_column("Suivi / poids", read_weights), -2),
    "treatment_not_binary": (
        {(20, "aide"): "peut-être"}, of_sample(treatment="Situation / aide"), "peut-être",
    ),
    "text_cohort": ({(17, "entree"): "bientôt"}, of_sample(cohort="Situation / entree"), "bientôt"),
    "cohort_outside_panel": ({(8, "entree"): 1066, (9, "entree"): 1066},
                             of_sample(cohort="Situation / entree"), 1066),
    "missing_role_values": ({(25, "an"): None}, of_sample(), None),
    "duplicated_rows": ({(41, "an"): 2020}, of_sample(), "P20"),
    "labels_alike": ({(21, "id"): "p10"}, of_sample(), "p10"),
    "cohort_and_treatment_disagree": (
        {(16, "aide"): 1},
        of_sample(cohort="Situation / entree", treatment="Situation / aide"),
        1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", FAULTS)
def test_the_named_cell_holds_what_is_refused(tmp_path: Path, code: str) -> None:
    changes, ask, quoted = FAULTS[code]
    path = write(tmp_path / "suivi.xlsx", changes)
    frame = read_table(path, sheet="Suivi")
    assert tuple(frame.columns) == COLUMNS
    with pytest.raises(ImpactEvalError) as refused:
        ask(frame)
    found = next(f for f in refused.value.findings if f.code == code)
    assert held(path, found) == quoted
    ((place, name),) = list(changes)[:1]
    row = place + 5 + (place >= BLANK_AFTER)
    if quoted != "P20":  # the first of two lines
        assert found.place is not None
        assert found.place.cell == f"{get_column_letter(NAMES.index(name) + 1)}{row}"


def test_a_cell_that_reading_warns_of_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "suivi.xlsx", {(30, "taux"): "abs"})
    log = map(Finding.from_dict, read_table(path, sheet=1).attrs["reading"]["log"])
    assert held(path, next(f for f in log if f.code == "mixed_column")) == "abs"


@pytest.mark.parametrize("code", ["unknown_label", "number_beside_label", "unreadable_cells"])
def test_a_cell_that_a_codebook_refuses_is_named_under_its_own_header(
    tmp_path: Path, code: str
) -> None:
    text = {"unknown_label": "zèbre", "number_beside_label": "0 - oui", "unreadable_cells": "abs"}
    rows = [["Q1. Va bien ?"], *(["oui"], ["non"]) * 8]
    rows[11] = [text[code]]
    book = Workbook()
    assert book.active is not None
    book.active.title = "Feuille 1"
    book.active.append(["Titre", None, None])
    for row in rows:
        book.active.append(["x", None, *row])
    path = tmp_path / "q.xlsx"
    book.save(path)
    column: dict[str, Any] = {"from": "Q1. Va bien ?", "type": "boolean"}
    if code != "unreadable_cells":
        column |= {"type": "choice", "labels": {0: "non", 1: "oui"}}
    with pytest.raises(ImpactEvalError) as refused:
        read_table(path, codes={"bien": column})
    (found,) = refused.value.findings
    assert found.code == code
    assert held(path, found) == text[code]
    assert found.place is not None
    assert found.place.cell == "C13"


def test_an_answer_out_of_the_scale_is_named_by_its_cell(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.title = "Réponses"
    book.active.append(["Enquête"])
    book.active.append(["code", *(f"q{i}" for i in range(1, 11))])
    rng = np.random.default_rng(3)
    for i in range(30):
        book.active.append([i, *rng.integers(1, 5, 10).tolist()])
    book.active["H17"] = 7
    for column in "BCDEFGHIJK":
        book.active[f"{column}21"] = None
    path = tmp_path / "q.xlsx"
    book.save(path)
    frame = read_table(path)
    with pytest.raises(ImpactEvalError) as refused:
        instrument("rses-fr").score(frame, [f"q{i}" for i in range(1, 11)])
    (found,) = refused.value.findings
    assert (found.code, held(path, found)) == ("off_range", 7)
    assert found.values["rows"] == (17,)
    frame.loc[14, "q7"] = 3
    scores = instrument("rses-fr").score(frame, [f"q{i}" for i in range(1, 11)])
    told = next(f for f in scores.findings if f.code == "all_missing_rows")
    assert told.values["rows"] == (21,)
    assert told.place is not None
    assert (told.place.sheet, told.place.row) == ("Réponses", 21)


def test_the_words_name_file_sheet_row_and_cell(tmp_path: Path) -> None:
    path = write(tmp_path / "suivi.xlsx", {(30, "taux"): "abs"})
    column = read_table(path, sheet="Suivi")["Suivi / taux"]
    faults = FindingCollector()
    read_outcome(column, faults)
    (found,) = faults.findings
    said = render_finding(found, Texts("fr")).replace("\u00a0", " ").replace("\u202f", " ")
    column_said = "colonne « Suivi / taux »"
    assert f"fichier suivi.xlsx, feuille « Suivi », {column_said}, ligne 36, cellule F36" in said
    said = render_finding(found, Texts("en"))
    assert "sheet “Suivi”, column “Suivi / taux”, row 36, cell F36" in said


def test_a_line_of_text_has_no_cell(tmp_path: Path) -> None:
    lines = ["Suivi;;", "id;note;ville", *(f"A{i};{i};x" for i in range(9)), "A9;abs;x"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")
    faults = FindingCollector()
    read_outcome(read_table(tmp_path / "t.csv")["note"], faults)
    (found,) = faults.findings
    assert found.place is not None
    assert found.place.to_dict() == {"file": "t.csv", "column": "note", "row": 12}


# -- waves ------------------------------------------------------------------------------------


def write_wave(path: Path, names: list[str], odd: dict[str, Any]) -> Path:
    book = Workbook()
    assert book.active is not None
    book.active.title = path.stem
    book.active.append(names)
    for i in range(20):
        book.active.append([f"P{i:02d}", *(i + j for j in range(1, len(names)))])
    for cell, value in odd.items():
        book.active[cell] = value
    book.save(path)
    return path


def test_waves_side_by_side_name_the_column_of_the_wave(tmp_path: Path) -> None:
    path = write_wave(tmp_path / "w.xlsx", ["id", "debut", "aide", "fin"],
                      {"D9": "abs", "C12": "un peu"})  # fmt: skip
    long = to_long(
        read_table(path), unit="id", waves=["T0", "T1"], columns={"vie": ["debut", "fin"]}
    )
    faults = FindingCollector()
    read_outcome(long["vie"], faults)
    (found,) = faults.findings
    assert held(path, found) == "abs"
    assert found.place is not None
    assert (found.place.column, found.values["column"]) == ("fin", "vie")
    faults = FindingCollector()
    read_outcome(long["aide"], faults)
    (found,) = faults.findings
    assert held(path, found) == "un peu"
    assert (found.values["n"], found.values["rows"]) == (1, (12,))


def test_files_of_several_waves_name_their_own_file(tmp_path: Path) -> None:
    first = write_wave(tmp_path / "entree.xlsx", ["id", "vie"], {})
    last = write_wave(tmp_path / "sortie.xlsx", ["id", "x", "aide", "bien"],
                      {"D7": "abs", "C5": "un peu"})  # fmt: skip
    long = stack_tables(
        [read_table(first), read_table(last).iloc[::-1]],
        unit="id", waves=["T0", "T1"], columns={"vie": ["vie", "bien"]}, lasting=["aide"],
    )  # fmt: skip
    rows = SourceRows.of(long)
    assert [rows.file_row(i) for i in (0, 19, 20, 39)] == [2, 21, 21, 2]
    for name, quoted, header in (("vie", "abs", "bien"), ("aide", "un peu", "aide")):
        faults = FindingCollector()
        read_outcome(long[name], faults)
        (found,) = faults.findings
        assert held(last, found) == quoted
        assert found.values["n"] == 1
        assert found.place is not None
        assert found.place.column == header


# -- another spreadsheet ----------------------------------------------------------------------

SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
SPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)


def write_ods(path: Path, rows: str) -> Path:
    """Write a document as LibreOffice does: cells and rows alike are counted, not repeated."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {SPACES} '
        'office:version="1.2"><office:body><office:spreadsheet><table:table table:name="Suivi">'
        f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{SPREADSHEET}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" '
        'manifest:media-type="text/xml"/></manifest:manifest>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("mimetype", SPREADSHEET, zipfile.ZIP_STORED)
        out.writestr("content.xml", content)
        out.writestr("META-INF/manifest.xml", manifest)
    return path


def ods_cell(value: Any, times: int = 1) -> str:
    again = f' table:number-columns-repeated="{times}"' if times > 1 else ""
    if value is None:
        return f"<table:table-cell{again}/>"
    if isinstance(value, str):
        return (f'<table:table-cell{again} office:value-type="string"><text:p>{value}</text:p>'
                "</table:table-cell>")  # fmt: skip
    return (f'<table:table-cell{again} office:value-type="float" office:value="{value}">'
            f"<text:p>{value}</text:p></table:table-cell>")  # fmt: skip


def ods_row(*cells: str, times: int = 1) -> str:
    again = f' table:number-rows-repeated="{times}"' if times > 1 else ""
    return f"<table:table-row{again}>{''.join(cells)}</table:table-row>"


def test_cells_of_an_open_document_are_counted_where_they_are_repeated(tmp_path: Path) -> None:
    rows = [ods_row(ods_cell("Suivi 2024")), ods_row(ods_cell(None, 4), times=2)]
    rows.append(ods_row(ods_cell(None, 2), ods_cell("id"), ods_cell(None), ods_cell("note")))
    for i in range(12):
        if i == 6:
            rows.append(ods_row(ods_cell(None, 5), times=3))
        note: Any = "abs" if i == 9 else i
        rows.append(
            ods_row(ods_cell(None, 2), ods_cell(f"P{i:02d}"), ods_cell(None), ods_cell(note))
        )
    path = write_ods(tmp_path / "t.ods", "".join(rows))
    faults = FindingCollector()
    read_outcome(read_table(path)["note"], faults)
    (found,) = faults.findings
    assert found.place is not None
    assert found.place.to_dict() == {
        "file": "t.ods", "sheet": "Suivi", "column": "note", "row": 17, "cell": "E17",
    }  # fmt: skip


def test_rows_left_out_are_named_on_their_sheet(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.title = "Lisez-moi"
    sheet = book.create_sheet("Communes")
    sheet.append([None, "commune", "habitants", "taux"])
    for i in range(12):
        sheet.append([None, f"Bourg {i:02d}", 100 + i, None if i == 4 else 7 + i])
    sheet.append([None, "TOTAL", sum(100 + i for i in range(12)), None])
    sheet.append([None, "Source : préfecture, 2024"])
    path = tmp_path / "t.xlsx"
    book.save(path)
    frame = read_table(path, sheet="Communes")
    log = {f.code: f for f in map(Finding.from_dict, frame.attrs["reading"]["log"])}
    opened = load_workbook(path)
    for code, text in (("total_row_dropped", "TOTAL"), ("note_rows_dropped", "Source")):
        place = log[code].place
        assert place is not None
        assert (place.file, place.sheet) == ("t.xlsx", "Communes")
        assert str(opened["Communes"][f"B{place.row}"].value).startswith(text)
    assert SourceRows.of(frame).cell(11, "taux") == "D13"
