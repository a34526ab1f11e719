"""Exports of Sphinx iQ: questions as headings, several answers in a cell or a column per choice."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.reading import read_table

IN_ONE_CELL = """Clé;Vous êtes...;Quel est votre âge ?;Quelles aides percevez-vous ?;Note (0 à 10)
1;Une femme;34;"RSA ; APL";8
2;Un homme;41;APL;Non-réponse
3;Une femme;Non-réponse;Non-réponse;6
4;Un homme;28;"RSA ; Aide au logement (APL, ALS…)";5
"""
AIDS = {
    "columns": {
        "aide": {
            "type": "multiple",
            "from": ["Quelles aides percevez-vous ?"],
            "labels": {"rsa": "RSA", "apl": ["APL", "Aide au logement (APL, ALS…)"]},
        }
    }
}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_a_question_left_is_missing_and_never_a_no(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_text(IN_ONE_CELL, encoding=encoding)
    frame = read_table(tmp_path / "t.csv", codes=AIDS)
    assert frame["Quel est votre âge ?"].dropna().tolist() == [34, 41, 28]
    assert frame["Note (0 à 10)"].dropna().tolist() == [8, 6, 5]
    assert frame["aide_rsa"].dropna().tolist() == [1, 0, 1]
    assert frame["aide_apl"].dropna().tolist() == [1, 1, 1]
    assert frame["aide_rsa"].isna().tolist() == [False, False, True, False]


def _choices(path: Path, ticks: bool) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["1. Vous êtes", "2. Aides", "2. Aides", "2. Aides", "3. Note"])
    sheet.append([None, "RSA", "APL", "Autre", None])
    for i in range(8):
        chosen = (i % 2, 1 - i % 2, int(i % 3 == 0))
        row = [
            name if on else None for name, on in zip(("RSA", "APL", "Autre"), chosen, strict=True)
        ]
        sheet.append([("Femme", "Homme")[i % 2], *(row if ticks else chosen), i])
    book.save(path)


@pytest.mark.parametrize("ticks", [False, True])
def test_the_choices_named_below_a_repeated_question_are_the_names_of_columns(
    tmp_path: Path, ticks: bool
) -> None:
    _choices(tmp_path / "t.xlsx", ticks)
    frame = read_table(tmp_path / "t.xlsx")
    names = ["1. Vous êtes", "2. Aides / RSA", "2. Aides / APL", "2. Aides / Autre", "3. Note"]
    assert list(frame.columns) == names
    assert frame["3. Note"].tolist() == list(range(8))
    chosen = frame["2. Aides / RSA"].notna() if ticks else frame["2. Aides / RSA"]
    assert chosen.astype(int).tolist() == [i % 2 for i in range(8)]


def test_a_first_person_under_repeated_names_stays_a_person(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "foyer;enfant;enfant;ville\n;Léo;Zoé;Bourg\nF2;Max;Lou;Bourg\nF3;Ana;Tom;Nantua\n", "utf-8"
    )
    assert read_table(tmp_path / "t.csv").iloc[:, 1].tolist() == ["Léo", "Max", "Ana"]


def test_columns_set_by_spaces_are_refused_and_nobody_becomes_a_heading(tmp_path: Path) -> None:
    lines = ["id   ville   note", *(f"P{i}   Bourg   {i},5" for i in range(8))]
    (tmp_path / "t.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refusal:
        read_table(tmp_path / "t.txt")
    assert refusal.value.codes == ("no_heading_row",)
