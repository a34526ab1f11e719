"""What the reader changed in the file is told beside who was observed, the weightiest first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_studies import arms, head, work

from impact_eval import Study, evaluate
from impact_eval.core.findings import Finding, Place
from impact_eval.report.blocks import Table
from impact_eval.report.html import render_html
from impact_eval.report.narrative import flow_blocks
from impact_eval.report.narrative_reading import reading_blocks
from impact_eval.report.texts import Texts
from impact_eval.results.finding_records import FindingRecord
from impact_eval.results.gate import release
from impact_eval.results.record_base import Rule
from impact_eval.results.study_records import DataRecord
from impact_eval.results.value_names import declared

STUDY = head() + arms() + work()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "fr",
            (
                "Ce que la lecture de",
                "Une ligne de total a été laissée de côté.",
                "1 ligne de titre au-dessus du tableau a été laissée de côté.",
                "Totaux et moyennes",
                "Lignes lues",
            ),
        ),
        (
            "en",
            (
                "What reading",
                "A row of totals was left out.",
                "1 title row above the table was left out.",
                "Totals and means",
                "Rows read",
            ),
        ),
    ],
)
def test_a_total_line_left_out_is_told(tmp_path: Path, language: str, words: tuple[str]) -> None:
    rows = ["Suivi de l’action;;", "id;aide;emploi"]
    rows += [f"P{i};{i % 2};{i % 3 % 2}" for i in range(90)]
    (tmp_path / "donnees.csv").write_text("\n".join([*rows, "TOTAL;;30"]) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    results = release(evaluate(Study.read(tmp_path))).results
    page = render_html(flow_blocks(results), {}, language)
    for part in words:
        assert part in page


def test_the_lines_of_the_file_add_up_in_the_report(tmp_path: Path) -> None:
    """Every line of the file is in the table, once."""
    rows = ["Suivi de l’action;;", "", "id;aide;emploi"]
    rows += [f"P{i};{i % 2};{i % 3 % 2}" for i in range(90)]
    rows += ["TOTAL;;30", "", "* NC : non communiqué;;"]
    (tmp_path / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    results = release(evaluate(Study.read(tmp_path))).results
    assert results.data.reading is not None
    lines = results.data.reading.lines
    assert lines is not None
    assert (lines.titles, lines.headings, lines.blank, lines.totals, lines.notes) == (1, 1, 2, 1, 1)
    table = next(
        block for block in reading_blocks(results.data)
        if isinstance(block, Table) and block.columns[0].key == "kind"
    )  # fmt: skip
    assert sum(row[1] for row in table.rows if isinstance(row[1], int)) == len(rows)


def test_the_lines_of_a_small_file_are_not_told(tmp_path: Path) -> None:
    """The lines that are nobody's, taken off those of the file, would give the people."""
    rows = ["Suivi de l’action;;", "id;aide;emploi"]
    rows += [f"P{i};{i % 2};{i % 3 % 2}" for i in range(8)]
    (tmp_path / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    reading = release(evaluate(Study.read(tmp_path))).results.data.reading
    assert reading is not None
    assert (reading.rows_out, reading.lines) == (None, None)


def test_nothing_is_said_of_a_clean_file(tmp_path: Path) -> None:
    rows = ["id,aide,emploi", *(f"P{i},{i % 2},{i % 3 % 2}" for i in range(90))]
    (tmp_path / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    results = release(evaluate(Study.read(tmp_path))).results
    assert results.data.reading is not None
    assert results.data.reading.log == ()
    assert "Ce que la lecture" not in render_html(flow_blocks(results), {}, "fr")


DATA = Path(__file__).parents[3] / "impact_eval" / "data"
# What those codes carry, whatever the code.
VALUES: dict[str, object] = {
    "n": 30, "of": 60, "rows": [4, 9], "examples": ["néant"], "example": "01234", "width": 8,
    "texts": ["Suivi"], "levels": 2, "row": 41, "label": "Total", "position": 4,
    "column": "emploi", "renamed": "emploi_2", "sheet": "Suivi", "others": ["Bilan"],
    "sheets": ["Bilan"], "words": ["nsp"], "codes": [-99], "options": ["vélo"],
    "encoding": "cp1252", "found": "ouii", "known": ["oui"], "wanted": "number",
    "file": "codes.toml", "kinds": ["person_email"], "columns": ["emploi"],
}  # fmt: skip


def _noticed_by_the_readers() -> list[str]:
    found: set[str] = set()
    for path in (*DATA.glob("readers/*.py"), DATA / "layout.py", DATA / "cells.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"Finding\.(?:info|warning)\(\s*\"([a-z_]+)\"", text))
    return sorted(found)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataRecord:
    folder = tmp_path_factory.mktemp("etude")
    rows = ["id,aide,emploi", *(f"P{i},{i % 2},{i % 3 % 2}" for i in range(90))]
    (folder / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return release(evaluate(Study.read(folder))).results.data


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("code", _noticed_by_the_readers())
def test_a_note_of_reading_has_no_hole(
    data: DataRecord, code: str, told: bool, language: str
) -> None:
    """A terminal quotes cells and row numbers; a report says the same thing without them."""
    record = FindingRecord.of(Finding.info(code, Place(column="emploi"), **VALUES))
    if not told:
        hidden = {
            name: None if declared(code, name).rule is Rule.PEOPLE else value
            for name, value in record.values.items()
        }
        record = record.model_copy(update={"values": hidden})
    assert data.reading is not None
    reading = data.reading.model_copy(update={"log": (record, record)})
    page = render_html(reading_blocks(data.model_copy(update={"reading": reading})), {}, language)
    assert not re.search(r"non publié|unpublished|not published|withheld", page), page
    assert page.count("<li") == 1  # the same note twice is told once
    if told and "{n}" in Texts(language).source(f"finding.{code}").many:
        assert "30" in page
