"""The dictionary and the exports of REDCap: lists, boxes to tick, yes and no, what is refused."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.cells import ColumnType
from impact_eval.data.codebook import Codebook
from impact_eval.data.period_order import period_order
from impact_eval.data.reading import read_table
from tests.support.eight_exports import DICTIONARY, write_rows


def dictionary(folder: Path, fields: Sequence[tuple[str, str, str, str, str]]) -> Path:
    """Write fields as name, kind, label, choices, check."""
    path = folder / "dictionnaire.csv"
    rows = [
        [n, "f", "", k, label, said, "", check, *[""] * 10] for n, k, label, said, check in fields
    ]
    write_rows(path, DICTIONARY, rows, comma=",", encoding="utf-8", quoted=False)
    return path


AIDS = ("aides", "checkbox", "Quelles aides ?", "rsa, RSA | apl, Aide au logement (APL, ALS)", "")


def test_fields_are_read_with_their_types_and_labels(tmp_path: Path) -> None:
    path = dictionary(tmp_path, [
        ("record_id", "text", "Code", "", ""),
        ("accord", "radio", "<b>D'accord ?</b>", "1, Oui, tout à fait | 2, Non | -1, NSP", ""),
        ("emploi", "yesno", "En emploi", "", ""),
        ("jour", "text", "Jour", "", "date_dmy"),
        ("age", "text", "Âge", "", "integer"),
        ("titre", "descriptive", "Bienvenue", "", ""),
        AIDS,
    ])  # fmt: skip
    read = {column.name: column for column in Codebook.read(path).columns}
    assert set(read) == {"record_id", "accord", "emploi", "jour", "age", "aides"}
    labels = read["accord"].labels
    assert labels is not None
    assert {str(c): names[0] for c, names in labels.labels.items()} == {
        "1": "Oui, tout à fait", "2": "Non", "-1": "NSP",
    }  # fmt: skip
    assert read["accord"].title == "D'accord ?"
    assert read["jour"].type is ColumnType.DATE
    assert read["age"].type is ColumnType.NUMBER
    assert read["aides"].type is ColumnType.MULTIPLE
    assert read["aides"].labels is not None
    assert list(read["aides"].labels.labels.values())[1][0] == "Aide au logement (APL, ALS)"


@pytest.mark.parametrize(
    ("heads", "yes", "no"),
    [
        (("aides___rsa", "aides___apl"), "1", "0"),
        (("Quelles aides ? (choice=RSA)", "Quelles aides ? (choice=Aide au logement (APL, ALS))"),
         "Checked", "Unchecked"),
    ],
    ids=["raw", "labels"],
)  # fmt: skip
def test_boxes_to_tick_are_one_column_each(
    heads: tuple[str, str], yes: str, no: str, tmp_path: Path
) -> None:
    path = dictionary(tmp_path, [("record_id", "text", "Code", "", ""), AIDS])
    write_rows(
        tmp_path / "t.csv", ("record_id", *heads), [["a", yes, no], ["b", no, no], ["c", yes, yes]],
        comma=",", encoding="utf-8", quoted=False,
    )  # fmt: skip
    read = read_table(tmp_path / "t.csv", codes=path)
    assert read["aides_rsa"].tolist() == [1, 0, 1]
    assert read["aides_apl"].tolist() == [0, 0, 1]


@pytest.mark.parametrize("choices", ["", "Oui | Non", "1, Oui | 1, Non", ", Oui"])
def test_choices_that_are_not_the_tool_s_are_refused(choices: str, tmp_path: Path) -> None:
    path = dictionary(tmp_path, [("accord", "radio", "D'accord ?", choices, "")])
    with pytest.raises(ImpactEvalError) as refusal:
        Codebook.read(path)
    (finding,) = refusal.value.findings
    assert (finding.code, finding.values["column"]) == ("unreadable_choices", "accord")


def test_a_table_is_no_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "age"], ["a", "30"]])
    with pytest.raises(ImpactEvalError) as refusal:
        Codebook.read(path)
    assert refusal.value.findings[0].code == "not_a_dictionary"


def test_events_of_one_arm_are_ordered_by_their_names() -> None:
    order = period_order(["sortie_arm_1", "entree_arm_1"])
    assert order is not None
    np.testing.assert_array_equal(order, [1, 0])
    order = period_order(["T10_arm_2", "T2_arm_2", "T1_arm_2"])
    assert order is not None
    np.testing.assert_array_equal(order, [2, 1, 0])
    assert period_order(["sortie_arm_1", "entree_arm_2"]) is None
