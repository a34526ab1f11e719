"""Reading: nothing crashes but in words, nothing is guessed, nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.codebook import Codebook
from impact_eval.data.labels import LabelMap, split_choices
from impact_eval.data.reading import read_table
from impact_eval.data.written import parse_number

_quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(folder: Path, text: str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def log(frame: pd.DataFrame) -> set[str]:
    return {entry["code"] for entry in frame.attrs["reading"]["log"]}


def read_or_refused(path: Path) -> pd.DataFrame | None:
    """The table, or None when it was refused in words."""
    try:
        return read_table(path)
    except ImpactEvalError as refusal:
        if not refusal.findings or not str(refusal):
            raise
        return None


@_quick
@given(content=st.binary(max_size=400), ending=st.sampled_from(["csv", "xlsx", "parquet", "txt"]))
def test_any_bytes_are_read_or_refused_in_words(
    tmp_path: Path, content: bytes, ending: str
) -> None:
    path = tmp_path / f"any.{ending}"
    path.write_bytes(content)
    frame = read_or_refused(path)
    if frame is not None:
        json.dumps(frame.attrs["reading"], allow_nan=False)


_cell = st.text(alphabet='abcé01259,.;/-€% \u00a0NSP"\n', max_size=8)


@_quick
@given(rows=st.lists(st.lists(_cell, min_size=3, max_size=3), min_size=1, max_size=8))
def test_any_table_reads_to_unique_columns(tmp_path: Path, rows: list[list[str]]) -> None:
    table = pd.DataFrame(rows, columns=["âge", "dep", "réponse libre"])
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False, sep=";")
    frame = read_or_refused(path)
    if frame is not None:
        assert frame.columns.is_unique
        assert len(frame) <= len(rows)


@_quick
@given(value=st.floats(-1e9, 1e9), digits=st.integers(0, 4))
def test_a_number_written_the_french_way_is_the_same_number(value: float, digits: int) -> None:
    english = f"{value:,.{digits}f}"
    french = english.replace(",", "\u202f").replace(".", ",")
    assert parse_number(french) == (float(english.replace(",", "")), None)
    assert parse_number(f"{french}\u00a0€") == (float(english.replace(",", "")), "€")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_encodings_and_separators(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = ["dep;prénom;revenu", '01;Zoé;"1 234,5"', '2A;Noël;"900,0"', "75;Anaïs;NSP"]
    text = "\n".join(lines).replace(";", separator)
    frame = read_table(written(tmp_path, text, encoding=encoding))
    assert frame["dep"].tolist() == ["01", "2A", "75"]
    assert frame["prénom"].tolist() == ["Zoé", "Noël", "Anaïs"]
    np.testing.assert_array_equal(frame["revenu"], [1234.5, 900.0, np.nan])


def test_territory_codes_stay_text_from_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["dep", "n", "date"], ["01", 1, 45292], [75, 2, 45293], ["2A", 3, None]):
        sheet.append(row)
    path = tmp_path / "t.xlsx"
    book.save(path)
    frame = read_table(path)
    assert frame["dep"].tolist() == ["01", "75", "2A"]
    assert frame["n"].tolist() == [1, 2, 3]
    assert str(frame["date"].iloc[0])[:10] == "2024-01-01"
    assert "excel_days" in log(frame)


def test_total_rows_leave_on_evidence_only(tmp_path: Path) -> None:
    sums = read_table(written(tmp_path, "ville;n;prix\nA;1;10\nB;2;20\nTotal;3;30\n"))
    assert len(sums) == 2
    kept = read_table(written(tmp_path, "ville;n;prix\nTotal;9;11\nB;2;20\nC;1;1\n"))
    assert len(kept) == 3
    assert "total_row_suspected" in log(kept)


def test_shifted_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImpactEvalError) as refusal:
        read_table(written(tmp_path, "a,b,c\n1,2,3\n4,5,6\n1,2,oui, non,3\n7,8,9\n"))
    assert "shifted_rows" in refusal.value.codes


def test_us_dates_are_seen_and_mixed_columns_pointed_out(tmp_path: Path) -> None:
    text = "date;montant\n01/31/2024;10\n02/28/2024;environ 20\n03/15/2024;30\n"
    frame = read_table(written(tmp_path, text))
    assert frame["date"].dt.month.tolist() == [1, 2, 3]
    assert {"dates_month_first", "mixed_column"} <= log(frame)


def test_all_faults_of_a_codebook_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "sexe;avis\nfemme;d'accor\nhomme;d'accord\n")
    codes = {
        "columns": {
            "sexe": {"labels": {1: "Femme", 2: "Homme"}},
            "avis": {"labels": {1: "D'accord", 0: "Pas d'accord"}},
            "age": {"type": "number"},
        }
    }
    with pytest.raises(ImpactEvalError) as refusal:
        read_table(path, codes=codes)
    assert set(refusal.value.codes) == {"unknown_label", "missing_codebook_column"}
    label = next(f for f in refusal.value.findings if f.code == "unknown_label")
    assert label.values["nearest"] == "D'accord"
    with pytest.raises(ImpactEvalError) as faults:
        Codebook.of({"columns": {"a": {"typo": 1}, "b": {"type": "nombre"}}})
    assert set(faults.value.codes) == {"unknown_key", "wrong_choice"}


def test_the_codebook_beside_the_table_is_used_and_said(tmp_path: Path) -> None:
    path = written(tmp_path, "q\nOui\nNon\n", "suivi.csv")
    written(tmp_path, '[columns.q]\nlabels = { 1 = "Oui", 0 = "Non" }\n', "suivi.codes.toml")
    frame = read_table(path)
    assert frame["q"].tolist() == [1, 0]
    assert "codebook_beside" in log(frame)


def test_parquet_stata_and_spss_keep_types_and_labels(tmp_path: Path) -> None:
    frame = pd.DataFrame({"dep": ["01", "75"], "x": [1.5, np.nan]})
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["dep"].tolist() == ["01", "75"]
    pyreadstat = pytest.importorskip("pyreadstat")
    answers = pd.DataFrame({"q": [1.0, 2.0, 99.0]})
    pyreadstat.write_sav(
        answers, str(tmp_path / "t.sav"), variable_value_labels={"q": {1: "Oui", 2: "Non"}},
        missing_ranges={"q": [99]}, column_labels=["Une question"],
    )  # fmt: skip
    read = read_table(tmp_path / "t.sav")
    np.testing.assert_array_equal(read["q"], [1, 2, np.nan])
    entry = read.attrs["reading"]["dictionary"][0]
    assert entry["labels"] == {"1": "Oui", "2": "Non"}
    assert entry["title"] == "Une question"
    assert "declared_missing" in log(read)
    answers.to_stata(tmp_path / "t.dta", write_index=False)
    assert read_table(tmp_path / "t.dta")["q"].tolist() == [1, 2, 99]


LSS = """<?xml version="1.0" encoding="UTF-8"?>
<document><LimeSurveyDocType>Survey</LimeSurveyDocType>
<questions><rows>
<row><qid>1</qid><parent_qid>0</parent_qid><type>F</type><title>RSES</title></row>
<row><qid>3</qid><parent_qid>0</parent_qid><type>M</type><title>AIDES</title></row>
</rows></questions>
<subquestions><rows>
<row><qid>2</qid><parent_qid>1</parent_qid><type>T</type><title>SQ001</title></row>
<row><qid>4</qid><parent_qid>3</parent_qid><type>T</type><title>RSA</title></row>
<row><qid>5</qid><parent_qid>3</parent_qid><type>T</type><title>APL</title></row>
</rows></subquestions>
<answers><rows>
<row><aid>1</aid><qid>1</qid><code>AO01</code></row>
<row><aid>2</aid><qid>1</qid><code>AO02</code></row>
</rows></answers>
<answer_l10ns><rows>
<row><aid>1</aid><answer>Pas d'accord</answer><language>fr</language></row>
<row><aid>2</aid><answer><![CDATA[<b>D'accord</b>]]></answer><language>fr</language></row>
</rows></answer_l10ns>
<question_l10ns><rows>
<row><qid>1</qid><question>Votre avis</question></row>
<row><qid>2</qid><question>Affirmation 1</question></row>
</rows></question_l10ns></document>"""


def test_limesurvey_structure_reads_codes_and_labels_alike(tmp_path: Path) -> None:
    lss = written(tmp_path, LSS, "enquete.lss")
    coded = written(
        tmp_path, '"RSES[SQ001]";"AIDES[RSA]";"AIDES[APL]"\nAO01;Y;\nAO02;;Y\n', "c.csv"
    )
    full = written(tmp_path, "Votre avis [Affirmation 1];AIDES [RSA];AIDES [APL]\n"
                             "Pas d’accord;Oui;Non\nD'accord;Non;Oui\n", "f.csv")  # fmt: skip
    for path in (coded, full):
        frame = read_table(path, codes=lss)
        assert frame["RSES_SQ001"].tolist() == [1, 2]
        assert frame["AIDES_RSA"].tolist() == [1, 0]
        assert frame["AIDES_APL"].tolist() == [0, 1]


def test_xlsform_rebuilds_the_whole_list_of_options(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    survey, choices = book.active, book.create_sheet("choices")
    survey.title = "survey"
    for row in (
        ["type", "name", "label::Français (fr)"],
        ["begin_group", "estime", ""],
        ["select_one accord", "q1", "Avis"],
        ["end_group", "", ""],
        ["select_multiple aides", "aides", "Aides"],
    ):
        survey.append(row)
    for row in (
        ["list_name", "name", "label::Français (fr)"],
        ["accord", "1", "Pas d'accord"],
        ["accord", "2", "D'accord"],
        ["aides", "rsa", "RSA"],
        ["aides", "apl", "APL"],
        ["aides", "aah", "AAH"],
    ):
        choices.append(row)
    form = tmp_path / "form.xlsx"
    book.save(form)
    path = written(tmp_path, "estime/q1;aides\n2;rsa apl\nPas d'accord;rsa\n")
    frame = read_table(path, codes=form)
    assert frame["q1"].tolist() == [2, 1]
    assert frame["aides_apl"].tolist() == [1, 0]
    assert frame["aides_aah"].tolist() == [0, 0]


def test_an_option_with_a_comma_is_never_cut() -> None:
    options = LabelMap.of({"a": "Aide au logement (APL, ALS…)", "b": "APL"})
    assert split_choices("aide au logement (APL, ALS...)", options) == (("a",), "")
    assert split_choices("APL, Aide au logement (APL, ALS…); autre", options) == (
        ("a", "b"),
        "autre",
    )


def test_a_million_rows_take_the_fast_road(tmp_path: Path) -> None:
    frame = pd.DataFrame({"dep": ["01", "75"] * 60_000, "x": np.arange(120_000) / 4})
    path = tmp_path / "big.csv"
    frame.to_csv(path, index=False, sep=";", decimal=",")
    read = read_table(path)
    assert read["dep"].iloc[0] == "01"
    np.testing.assert_array_equal(read["x"], frame["x"])
