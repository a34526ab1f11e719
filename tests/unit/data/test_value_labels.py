"""What the labels of a file say is missing is missing when it is read, by its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.codebook import Codebook
from impact_eval.data.reading import read_table
from impact_eval.data.value_labels import carried_labels, missing_label, suspected_codes


def codes_of(frame: pd.DataFrame) -> list[str]:
    return [entry["code"] for entry in frame.attrs["reading"]["log"]]


def missing_of(frame: pd.DataFrame, name: str) -> dict[str, int]:
    entries = {entry["name"]: entry for entry in frame.attrs["reading"]["dictionary"]}
    found: dict[str, int] = entries[name]["missing"]
    return found


@pytest.mark.parametrize(
    ("code", "label", "kind"),
    [
        ("-1", "N/A", "not_shown"),
        ("9", "NSP", "does_not_know"),
        ("9", "NSP/refus", "does_not_know"),
        ("9", "9 - Ne sait pas", "does_not_know"),
        ("8", "Ne sait pas (NSP)", "does_not_know"),
        ("5", "Je ne sais pas", "does_not_know"),
        ("98", "Refus de répondre", "refused"),
        ("99", "Refus", "refused"),
        ("99", "Sans réponse", "not_recorded"),
        ("3", "Non-réponse", "not_recorded"),
        ("-9", "Valeur manquante", "not_recorded"),
        ("7", "Don't know", "does_not_know"),
        ("99", "Sans objet", "not_shown"),
        ("2", "Refusé", None),
        ("3", "Sans objet", None),
        ("0", "None", None),
        ("0", "Aucune", None),
        ("4", "Ne sait pas encore", None),
        ("1", "Refuse l'accompagnement", None),
        ("99", "-", None),
    ],
)
def test_a_label_of_no_answer_is_told_from_an_answer(
    code: str, label: str, kind: str | None
) -> None:
    assert missing_label(code, label) == kind


def write_sav(path: Path, values: list[Any], labels: dict[Any, str], **options: Any) -> Path:
    pyreadstat = pytest.importorskip("pyreadstat")
    frame = pd.DataFrame({"q": values})
    pyreadstat.write_sav(frame, str(path), variable_value_labels={"q": labels}, **options)
    return path


def test_a_labelled_code_of_no_answer_is_missing_by_its_reason(tmp_path: Path) -> None:
    labels = {1: "Oui", 2: "Non", 8: "Refus", 9: "NSP"}
    frame = read_table(write_sav(tmp_path / "t.sav", [1.0, 2, 9, 8, np.nan, 9], labels))
    assert frame["q"].isna().tolist() == [False, False, True, True, True, True]
    assert missing_of(frame, "q") == {"unanswered": 1, "refused": 1, "does_not_know": 2}
    assert "labelled_missing" in codes_of(frame)


def test_user_missing_values_of_spss_have_their_reason(tmp_path: Path) -> None:
    path = write_sav(
        tmp_path / "t.sav",
        [1.0, -99, -98],
        {-98: "Refus", 1: "Oui"},
        missing_ranges={"q": [-99, -98]},
    )
    frame = read_table(path)
    assert missing_of(frame, "q") == {"refused": 1, "not_recorded": 1}
    assert "labelled_missing" not in codes_of(frame)


def test_lettered_missing_values_of_stata_are_missing(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    path = tmp_path / "t.dta"
    pyreadstat.write_dta(
        pd.DataFrame({"q": [1, 2, "a", "b"]}), str(path),
        variable_value_labels={"q": {1: "Oui", 2: "Non", "a": "Ne sait pas", "b": "Refus"}},
        missing_user_values={"q": ["a", "b"]},
    )  # fmt: skip
    frame = read_table(path)
    assert frame["q"].tolist()[:2] == [1, 2]
    assert missing_of(frame, "q") == {"does_not_know": 1, "refused": 1}


def test_a_code_declared_missing_is_missing_in_every_kind_of_file(tmp_path: Path) -> None:
    book = Codebook.of({"columns": {"q": {"missing": ["-99"]}}})
    (tmp_path / "t.csv").write_text("id,q\na,1\nb,-99\nc,3\n", encoding="utf-8")
    typed = write_sav(tmp_path / "t.sav", [1.0, -99, 3], {})
    for path in (tmp_path / "t.csv", typed):
        frame = read_table(path, codes=book)
        assert frame["q"].isna().tolist() == [False, True, False]
        assert "missing_code_suspected" not in codes_of(frame)


def test_a_codebook_that_labels_no_answer_makes_it_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("emploi\n1\n0\n9\n", encoding="utf-8")
    frame = read_table(tmp_path / "t.csv", codes={"emploi": {1: "Oui", 0: "Non", 9: "NSP"}})
    assert frame["emploi"].tolist()[:2] == [1, 0]
    assert missing_of(frame, "emploi") == {"does_not_know": 1}


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([1, 2, 3, 4, 99], (99,)),
        ([0, 1, 1, 0, -99], (-99,)),
        ([0, 10, 5, 999, 998], (998, 999)),
        ([1, 2, 3, 4, -1], (-1,)),
        ([0, 1, -1, 0, 1], ()),  # a change of one step
        ([1, 2, 3, 9], ()),  # a number of children
        ([1200, 800, 99, 999], ()),  # amounts
        ([18, 45, 66, 77, 88], ()),  # ages
        ([-1, -2, 3, 4, 5], ()),
        ([0.5, 99.0], ()),
        ([850.5, 1200, 640, 9999, 9999], (9999,)),
        ([850.5, 1200, 640, -99], (-99,)),
        ([850, 1200, 4000, 9999], ()),  # a high income
        ([850, -200, 640, -99], ()),  # a balance
        ([34, 51, 29, 999], (999,)),
    ],
)
def test_a_code_far_from_small_answers_is_asked_about(
    values: list[float], codes: tuple[int, ...]
) -> None:
    assert suspected_codes(pd.Series(values))[0] == codes


def test_an_undeclared_code_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("q\n1\n2\n3\n99\n99\n", encoding="utf-8")
    frame = read_table(tmp_path / "t.csv")
    (told,) = [e for e in frame.attrs["reading"]["log"] if e["code"] == "missing_code_suspected"]
    assert told["values"] == {"column": "q", "n": 2, "codes": [99]}
    assert frame["q"].tolist() == [1, 2, 3, 99, 99]


def test_a_codebook_that_contradicts_the_labels_of_its_file_is_refused(tmp_path: Path) -> None:
    path = write_sav(tmp_path / "t.sav", [1.0, 2], {1: "Tout à fait d'accord", 2: "Pas d'accord"})
    with pytest.raises(ImpactEvalError) as refusal:
        read_table(path, codes={"q": {1: "En désaccord", 2: "Tout à fait en accord"}})
    (fault,) = refusal.value.findings
    assert fault.code == "codebook_contradicts_file"
    assert {fault.values["here"], fault.values["there"]} == {"1", "2"}
    other = read_table(path, codes={"q": {1: "Strongly agree", 2: "Disagree"}})
    assert other["q"].tolist() == [1, 2]


SURVEY = """<document><questions><rows>
<row><qid>1</qid><parent_qid>0</parent_qid><type>L</type><title>AVIS</title><other>Y</other></row>
<row><qid>2</qid><parent_qid>0</parent_qid><type>L</type><title>LOGE</title><other>Y</other></row>
</rows></questions><answers><rows>
<row><qid>1</qid><code>A1</code><aid>1</aid></row><row><qid>1</qid><code>A2</code><aid>2</aid></row>
<row><qid>2</qid><code>LOC</code><aid>3</aid></row><row><qid>2</qid><code>PRO</code><aid>4</aid></row>
</rows></answers><answer_l10ns><rows>
<row><aid>1</aid><answer>Tout à fait d'accord</answer></row>
<row><aid>2</aid><answer>Pas d'accord</answer></row>
<row><aid>1</aid><answer>Strongly agree</answer></row>
<row><aid>3</aid><answer>Locataire</answer></row><row><aid>4</aid><answer>Propriétaire</answer></row>
</rows></answer_l10ns></document>"""


def test_other_of_limesurvey_is_no_step_of_a_scale(tmp_path: Path) -> None:
    (tmp_path / "q.lss").write_text(SURVEY, encoding="utf-8")
    (tmp_path / "t.csv").write_text("AVIS;LOGE\nA1;LOC\n-oth-;-oth-\nA2;PRO\n", encoding="utf-8")
    frame = read_table(tmp_path / "t.csv", codes=tmp_path / "q.lss")
    assert frame["AVIS"].isna().tolist() == [False, True, False]
    assert frame["LOGE"].tolist() == ["LOC", "-oth-", "PRO"]
    assert carried_labels(frame)["AVIS"]["1"][:2] == ("Tout à fait d'accord", "Strongly agree")
