"""A questionnaire written from a scale: what it holds, what is refused, and how it comes back.

The XLSForms of the whole catalogue were converted by pyxform 4.5.0 (`xls2xform.convert`), without
an error or a warning.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from defusedxml.ElementTree import parse
from docx import Document

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.reading import read_table
from impact_eval.pipeline.listings import named_scale
from impact_eval.pipeline.questionnaires import ScaleForm, scale_form, write_questionnaire
from impact_eval.report.texts import Texts
from impact_eval.survey import Instrument, instrument, instruments

FR, EN = Texts("fr"), Texts("en")
ASKED = [scale.id for scale in instruments() if scale.items]
LOCAL = """schema = "impact-eval/instrument/1"
id = "entraide"
direction = "higher_is_better"
low = 1
high = 3
name = { fr = "Entraide & voisins" }
items = [
  { id = "preter", text = { fr = "Je peux emprunter <un outil>" } },
  { id = "seul", reversed = true, text = { fr = "Je me sens {seul}" } },
]
responses = [
  { code = 1, fr = ["Non"] },
  { code = 2, fr = ["Un peu"] },
  { code = 3, fr = ["Oui"] },
]

[scoring]
rule = "sum"
low = 2
high = 6
"""


def written(scale: Instrument, path: Path, texts: Texts = FR) -> Path:
    return write_questionnaire(scale, path, texts, licence_declared=True).path


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def refused(scale: Instrument, path: Path) -> set[str]:
    with pytest.raises(ImpactEvalError) as refusal:
        write_questionnaire(scale, path, FR)
    assert not path.exists()
    return {finding.code for finding in refusal.value.findings}


# -- what comes back is scored as it is ----------------------------------------------------------


def truth(form: ScaleForm, people: int = 40) -> tuple[pd.DataFrame, Mapping[str, dict[int, str]]]:
    """Draw answers to every question, some of them left; with the labels that were shown."""
    rng = np.random.default_rng(zlib.crc32(form.id.encode()))
    shown = {
        q.item: {a.code: a.label["fr"] for a in block.answers}
        for block in form.blocks
        for q in block.questions
    }
    drawn = pd.DataFrame({item: rng.choice(list(said), people) for item, said in shown.items()})
    return drawn.astype(float).mask(rng.random(drawn.shape) < 0.03), shown


@pytest.mark.parametrize("full", [False, True], ids=["codes", "labels"])
@pytest.mark.parametrize("ending", [".lss", ".xlsx"])
@pytest.mark.parametrize("name", ASKED)
def test_what_comes_back_gives_the_scores_of_the_answers(
    name: str, ending: str, full: bool, tmp_path: Path
) -> None:
    scale = instrument(name)
    form = scale_form(scale, licence_declared=True)
    answers, shown = truth(form)
    expected = scale.score(answers, licence_declared=True)
    made = write_questionnaire(scale, tmp_path / f"q{ending}", FR, licence_declared=True)
    sent = pd.DataFrame(
        {
            item: [
                "" if np.isnan(x) else shown[item][int(x)] if full else str(int(x)) for x in column
            ]
            for item, column in answers.items()
        }
    )
    group = "" if ending == ".lss" else f"{name.replace('-', '_')}/"
    sent.columns = pd.Index([group + made.columns[item] for item in answers])
    sent.insert(0, "id", range(len(sent)))
    sent.to_csv(tmp_path / "t.csv", sep=";", index=False)
    read = read_table(tmp_path / "t.csv", codes=made.path)
    columns = {
        item: heading.replace("[", "_").replace("]", "") for item, heading in made.columns.items()
    }
    scores = scale.score(read, columns, licence_declared=True)
    np.testing.assert_array_equal(scores.values, expected.values)
    for part, whole in expected.subscales.items():
        np.testing.assert_array_equal(scores.subscales[part].values, whole.values)


# -- LimeSurvey ---------------------------------------------------------------------------------


def rows(path: Path, table: str) -> list[dict[str, str]]:
    found = parse(path).getroot().findall(f"{table}/rows/row")
    return [{cell.tag: cell.text or "" for cell in row} for row in found]


def test_a_survey_structure_has_the_tables_and_fields_of_the_tool(tmp_path: Path) -> None:
    """Names of `limesurvey_survey_29846.lss`, which the tool's own repository keeps as an example,
    and those that its importer asks of each row (`import_helper.php`)."""
    path = written(instrument("rses-fr"), tmp_path / "q.lss")
    root = parse(path).getroot()
    assert root.tag == "document"
    assert root.findtext("LimeSurveyDocType") == "Survey"
    assert [e.text for e in root.findall("languages/language")] == ["fr"]
    wanted = {
        "answers": {"qid", "code", "answer", "assessment_value", "sortorder", "language",
                    "scale_id"},
        "groups": {"gid", "sid", "group_name", "group_order", "description", "language"},
        "questions": {"qid", "parent_qid", "sid", "gid", "type", "title", "question", "help",
                      "other", "mandatory", "question_order", "language", "scale_id"},
        "subquestions": {"qid", "parent_qid", "sid", "gid", "type", "title", "question",
                         "question_order", "language"},
        "surveys": {"sid", "language", "format", "anonymized", "datestamp"},
        "surveys_languagesettings": {"surveyls_survey_id", "surveyls_language", "surveyls_title",
                                     "surveyls_endtext"},
    }  # fmt: skip
    for table, fields in wanted.items():
        declared = [e.text for e in root.findall(f"{table}/fields/fieldname")]
        assert fields <= set(declared)
        assert all(list(row) == declared for row in rows(path, table))
    array = next(row for row in rows(path, "questions") if row["type"] == "F")
    assert array["title"] == "RSESFR"
    parts = rows(path, "subquestions")
    assert [row["title"] for row in parts] == [f"SQ{n:03}" for n in range(1, 11)]
    assert {row["parent_qid"] for row in parts} == {array["qid"]}
    ids = [row["qid"] for table in ("questions", "subquestions") for row in rows(path, table)]
    assert len(ids) == len(set(ids))
    told = [(r["code"], r["assessment_value"], r["answer"]) for r in rows(path, "answers")]
    assert told[0] == ("1", "1", "Tout à fait en désaccord")
    assert [code for code, value, _ in told if code == value] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("name", ASKED)
def test_codes_keep_to_what_the_tool_allows(name: str, tmp_path: Path) -> None:
    """Letters and digits, a letter first, 20 signs for a question and 5 for an answer."""
    path = written(instrument(name), tmp_path / "q.lss")
    titles = [row["title"] for row in rows(path, "questions")]
    assert len(titles) == len(set(titles))
    for title in titles:
        assert title.isascii()
        assert title.isalnum()
        assert title[0].isalpha()
        assert len(title) <= 20
    codes = [row["code"] for row in rows(path, "answers")]
    assert all(code.isalnum() and len(code) <= 5 for code in codes)


def test_a_question_asked_after_another_waits_for_its_answer(tmp_path: Path) -> None:
    scale = instrument("hfssm-6")
    asked = {
        r["title"]: r["relevance"] for r in rows(written(scale, tmp_path / "q.lss"), "questions")
    }
    assert write_questionnaire(scale, tmp_path / "again.lss", FR).columns == {
        "hh3": "HFSSM6Q1[SQ001]", "hh4": "HFSSM6Q1[SQ002]", "ad1": "HFSSM6Q2", "ad1a": "HFSSM6Q3",
        "ad2": "HFSSM6Q4[SQ001]", "ad3": "HFSSM6Q4[SQ002]",
    }  # fmt: skip
    ends = 'HFSSM6Q1_SQ001.NAOK == "3" and HFSSM6Q1_SQ002.NAOK == "3" and HFSSM6Q2.NAOK == "0"'
    assert asked == {
        "CODE": "1", "HFSSM6Q1": "1", "HFSSM6Q2": "1", "HFSSM6Q3": 'HFSSM6Q2.NAOK == "1"',
        "HFSSM6Q4": f"!({ends})",
    }  # fmt: skip
    sheet = openpyxl.load_workbook(written(scale, tmp_path / "q.xlsx"))["survey"]
    head = [cell.value for cell in sheet[1]]
    told = {row[1]: row[head.index("relevant")] for row in sheet.iter_rows(values_only=True)}
    assert told["ad1a"] == "${ad1} = '1'"
    assert told["ad3"] == "not(${hh3} = '3' and ${hh4} = '3' and ${ad1} = '0')"
    document = Document(str(written(scale, tmp_path / "q.docx")))
    cells = [row.cells[0].text for table in document.tables for row in table.rows]
    (after,) = [text for text in cells if text.startswith("4. ")]
    assert plain(after).endswith("Seulement si vous avez répondu « Oui » à la question 3.")
    (last,) = [text for text in cells if text.startswith("6. ")]
    assert "« Jamais vrai » à la question 1" in plain(last)


def test_words_of_a_local_scale_are_written_as_words(tmp_path: Path) -> None:
    (tmp_path / "entraide.toml").write_text(LOCAL, encoding="utf-8")
    scale = named_scale(str(tmp_path / "entraide.toml"))
    made = write_questionnaire(scale, tmp_path / "q.lss", FR)
    assert made.to_fill == 0
    asked = [row["question"] for row in rows(made.path, "subquestions")]
    assert asked == ["Je peux emprunter &lt;un outil&gt;", "Je me sens { seul}"]
    (settings,) = rows(made.path, "surveys_languagesettings")
    assert settings["surveyls_title"] == "Entraide &amp; voisins"


# -- XLSForm ------------------------------------------------------------------------------------


def test_an_xlsform_has_both_languages_and_the_codes_of_the_scale(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(written(instrument("gad-7"), tmp_path / "q.xlsx"))
    assert book.sheetnames == ["survey", "choices", "settings"]
    head = [cell.value for cell in book["survey"][1]]
    assert head[:4] == ["type", "name", "label::Français (fr)", "label::English (en)"]
    choices = list(book["choices"].iter_rows(values_only=True))
    assert choices[0] == ("list_name", "name", "label::Français (fr)", "label::English (en)")
    assert [(row[1], row[3]) for row in choices[1:]] == [
        ("0", "Not at all"), ("1", "Several days"), ("2", "More than half the days"),
        ("3", "Nearly every day"),
    ]  # fmt: skip
    settings = list(book["settings"].iter_rows(values_only=True))
    assert dict(zip(*settings, strict=True))["default_language"] == "Français (fr)"
    names = [row[1] for row in book["survey"].iter_rows(min_row=2, values_only=True) if row[1]]
    assert len(names) == len(set(names))


# -- paper --------------------------------------------------------------------------------------


def test_a_paper_form_has_a_box_for_each_answer_and_its_code_in_small_print(tmp_path: Path) -> None:
    document = Document(str(written(instrument("phq-9"), tmp_path / "q.docx")))
    person, grid = document.tables
    assert "code" in person.rows[0].cells[0].text
    assert "Date" in person.rows[0].cells[1].text
    assert len(grid.rows) == 10
    assert len(grid.columns) == 5
    assert grid.rows[0].cells[1].text == "Jamais\n0"
    assert {cell.text for row in grid.rows[1:] for cell in row.cells[1:]} == {"☐"}
    told = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert "3114" in told
    assert "Kroenke" in told


def test_only_a_scale_with_a_safeguard_says_where_help_is(tmp_path: Path) -> None:
    document = Document(str(written(instrument("rses-fr"), tmp_path / "q.docx")))
    assert "3114" not in "\n".join(paragraph.text for paragraph in document.paragraphs)
    (settings,) = rows(written(instrument("phq-9"), tmp_path / "q.lss"), "surveys_languagesettings")
    assert "3114" in settings["surveyls_endtext"]


# -- rights, and files that exist ----------------------------------------------------------------


def test_a_wording_that_is_not_ours_is_a_line_to_fill(tmp_path: Path) -> None:
    made = write_questionnaire(instrument("rses-fr"), tmp_path / "q.lss", FR)
    assert made.to_fill == 10
    assert rows(made.path, "subquestions")[2]["question"] == (
        "Question 3 — recopiez ici le libellé publié (doi:10.1080/00207599008247865)"
    )
    said = [row["question"] for row in rows(written(instrument("gad-7"), tmp_path / "e.lss", EN),
                                            "subquestions")]  # fmt: skip
    assert said[0] == instrument("gad-7").wording("gad1", "en")


def test_what_is_refused_is_not_written(tmp_path: Path) -> None:
    assert refused(instrument("wemwbs"), tmp_path / "q.lss") == {"form_licence_needed"}
    assert refused(instrument("alkire-foster"), tmp_path / "q.lss") == {"nothing_to_ask"}
    assert refused(instrument("rses-fr"), tmp_path / "q.pdf") == {"unknown_form_format"}
    (tmp_path / "etoile.toml").write_text(
        LOCAL + '\n[rights]\nwording = "X"\nterms = "All rights reserved"\n', encoding="utf-8"
    )
    own = named_scale(str(tmp_path / "etoile.toml"))
    assert refused(own, tmp_path / "q.lss") == {"layout_refused"}


@pytest.mark.parametrize("ending", [".lss", ".xlsx", ".docx"])
def test_a_file_that_exists_is_kept(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"q{ending}"
    path.write_text("à moi", encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refusal:
        write_questionnaire(instrument("rses-fr"), path, FR)
    assert {finding.code for finding in refusal.value.findings} == {"already_there"}
    assert path.read_text(encoding="utf-8") == "à moi"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".lss", ".xlsx", ".docx"])
def test_the_same_questionnaire_is_the_same_bytes(ending: str, tmp_path: Path) -> None:
    one, other = (
        written(instrument("phq-9"), tmp_path / f"{n}{ending}").read_bytes() for n in "ab"
    )
    assert one == other
