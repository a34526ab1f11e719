"""What a map on one sheet does not say, or says badly, is told where people see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.vocabulary import Direction, Pillar, Unit
from impact_eval.report.texts import Texts, render_finding
from impact_eval.value.account.doors import Account, ValueMap
from impact_eval.value.map.choices import (
    Agent,
    Basis,
    Costing,
    InputKind,
    LineKind,
    Solidity,
    Timing,
)
from impact_eval.value.map.columns import choice

HEADINGS = ("Qui", "Ce qui change", "Nature", "Effet estimé", "Combien", "Prix", "Source", "Durée",
            "Poids mort", "Déplacement", "Réduction", "Qui paie")  # fmt: skip
WORK = ("Personnes accompagnées", "Être en emploi", "gain de ressources", "emploi", None, "9 600 €",
        "Dares 2024, p. 12", "18 mois", None, "20 %", "35 %", None)  # fmt: skip
GRANT = ("Conseil départemental", "Subvention", "coût", None, None, "92 000 €", None, None, None,
         None, None, "Conseil départemental")  # fmt: skip


def written(folder: Path, *rows: Sequence[Any], name: str = "Feuil1") -> Path:
    path = folder / "carte.xlsx"
    opened = Workbook()
    sheet = opened.worksheets[0]
    sheet.title = name
    for row in rows:
        sheet.append(list(row))
    opened.save(path)
    return path


def changed(row: Sequence[Any], **cells: Any) -> list[Any]:
    """Return a row with cells changed, each named by its letter in the sheet."""
    out = list(row)
    for letter, cell in cells.items():
        out["ABCDEFGHIJKL".index(letter)] = cell
    return out


def faults(path: Path, *effects: Any) -> tuple[Finding, ...]:
    with pytest.raises(ImpactEvalError) as caught:
        valued(path, effects)
    return caught.value.findings


def valued(path: Path, effects: Sequence[Any]) -> Account | ValueMap:
    made = ValueMap.read(path)
    named = {effect.outcome: effect for effect in effects}
    return made.account(named, people=100) if effects else made


@pytest.fixture
def work(make_estimate: Callable[..., Any]) -> Any:
    return make_estimate("emploi", [("att", None, 0.1, 0.04)], details={"unit": "share"})


def told(finding: Finding, language: str = "fr") -> str:
    return render_finding(finding, Texts(language)).replace("\u00a0", " ").replace("\u202f", " ")


# --- where ------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["voir CA", -92000])
def test_a_cost_of_a_one_sheet_map_is_placed_in_the_cell_of_its_price(
    tmp_path: Path, typed: Any
) -> None:
    (fault,) = faults(written(tmp_path, HEADINGS, WORK, changed(GRANT, F=typed)))
    assert fault.place is not None
    assert (fault.place.sheet, fault.place.cell, fault.place.column) == ("Feuil1", "F3", "Prix")
    assert fault.values["column"] == "Prix"


def test_a_cost_counted_badly_is_placed_where_it_is_counted(tmp_path: Path) -> None:
    (fault,) = faults(written(tmp_path, HEADINGS, WORK, changed(GRANT, E="beaucoup")))
    assert fault.place is not None
    assert (fault.place.cell, fault.values["found"]) == ("E3", "beaucoup")


def test_a_cost_of_several_at_an_uncertain_price_counts_them_all(tmp_path: Path) -> None:
    cost = changed(GRANT, E=3, F="100 [80 ; 120] pert")
    made = ValueMap.read(written(tmp_path, HEADINGS, WORK, cost))
    assert str(made.inputs[0].amount) == "300 [240 ; 360] pert"


@pytest.mark.parametrize(
    ("cells", "code", "cell"),
    [
        ({"D": "employ"}, "unknown_estimate", "D2"),
        ({"I": "30 %"}, "deadweight_on_net_effect", "I2"),
    ],
)
def test_what_the_study_refuses_is_placed_in_its_cell(
    tmp_path: Path, work: Any, cells: dict[str, Any], code: str, cell: str
) -> None:
    (fault,) = faults(written(tmp_path, HEADINGS, changed(WORK, **cells), GRANT), work)
    assert fault.place is not None
    assert (fault.code, fault.place.sheet, fault.place.cell) == (code, "Feuil1", cell)


def test_a_share_refused_is_told_as_a_share(tmp_path: Path, work: Any) -> None:
    path = written(tmp_path, HEADINGS, changed(WORK, I="2,5 %"), GRANT)
    (fault,) = faults(path, work)
    assert "(2,5 %)" in told(fault)
    assert "(2.5%)" in told(fault, "en")


def test_an_empty_map_is_told_as_empty(tmp_path: Path) -> None:
    (fault,) = faults(written(tmp_path, HEADINGS))
    assert (fault.code, fault.place and fault.place.sheet) == ("map_empty", "Feuil1")
    (fault,) = faults(written(tmp_path))
    assert fault.code == "map_empty"


def test_a_map_of_costs_alone_lacks_effects_and_nothing_else(tmp_path: Path) -> None:
    (fault,) = faults(written(tmp_path, HEADINGS, GRANT))
    assert fault.place is not None
    assert (fault.code, fault.place.sheet, fault.place.key) == ("no_line", "Feuil1", None)
    costs = written(tmp_path, ("Poste", "Montant", "Financeur"), ("Salaires", 60000, "Région"),
                    name="Budget")  # fmt: skip
    assert [f.code for f in faults(costs)] == ["no_line"]


def test_a_workbook_of_unknown_sheets_says_which_are_not_read(tmp_path: Path) -> None:
    (fault,) = faults(written(tmp_path, ("a", "b"), (1, 2), name="Calculs"))
    assert (fault.code, fault.values["name"]) == ("sheet_not_read", "Calculs")


# --- what is taken in the place of what is not said ---------------------------------------------


def defaults_of(path: Path) -> Finding:
    return next(f for f in ValueMap.read(path).noticed if f.code == "map_defaults")


def test_only_the_defaults_used_are_told_in_the_words_of_the_language(tmp_path: Path) -> None:
    found = defaults_of(written(tmp_path, HEADINGS, WORK, GRANT))
    assert (
        "monnaie « euro », année des prix 2025, taux d’actualisation 3,2 % et "
        "unité « part » pour les effets estimés par l’étude." in told(found)
    )
    assert (
        "currency “euro”, price year 2025, discount rate 3.2% and "
        "unit “share” for the effects that the study estimates." in told(found, "en")
    )


def test_every_default_of_a_bare_sheet_is_told_once(tmp_path: Path) -> None:
    rows = [("Jeunes du quartier", "moins isolés", 20, 500), ("CAF", "moins d’aides", 3, 900),
            ("Voisins", "moins de bruit", 4, 10)]  # fmt: skip
    path = written(tmp_path, ("Qui", "Ce qui change", "Combien", "Prix"), *rows)
    said = told(defaults_of(path))
    for words in ("unité « nombre » pour les quantités", "durée d’un an pour chaque effet",
                  "nature « bénéfice non marchand »", "nature « coût évité »",
                  "receveur « Personnes accompagnées »"):  # fmt: skip
        assert said.count(words) == 1, words
    assert "« part »" not in said
    assert not re.search(r"\bcount\b|non_market|beneficiary| = ", told(defaults_of(path), "en"))


# --- the words of a closed list -----------------------------------------------------------------


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    "choices",
    [Agent, LineKind, InputKind, Timing, Costing, Basis, Solidity, Unit, Pillar, Direction],
)
def test_the_words_told_for_a_choice_are_read_back(choices: type[StrEnum], language: str) -> None:
    texts = Texts(language)
    for member in choices:
        assert choice(choices)(texts.choice(member.value)) is member
    assert not [m for m in choices if "_" in texts.choice(m.value)]


def test_a_choice_that_is_none_is_answered_in_words_the_closest_first(tmp_path: Path) -> None:
    path = written(tmp_path, HEADINGS, WORK, changed(GRANT, L="Fonds social européen + CD59"))
    (fault,) = faults(path)
    assert "Réponses possibles, les plus proches d’abord : Union européenne, Département," in told(
        fault
    )
    assert "the closest first: European Union, Département," in told(fault, "en")


def test_a_nature_not_read_is_told_once_with_the_natures_in_words(tmp_path: Path) -> None:
    path = written(tmp_path, HEADINGS, changed(WORK, C="gains ressource"), GRANT)
    (fault,) = faults(path)
    assert "d’abord : gain de ressources, " in told(fault)
    assert "_" not in told(fault).split("Attendu")[1]


@pytest.mark.parametrize("nature", ["charges de personnel", "Coûts de l’action", "dépenses"])
def test_a_cost_said_in_more_words_is_a_cost(tmp_path: Path, nature: str) -> None:
    made = ValueMap.read(written(tmp_path, HEADINGS, WORK, changed(GRANT, C=nature)))
    assert [str(item.amount) for item in made.inputs] == ["92000"]


def test_a_unit_that_is_not_that_of_the_study_is_told_in_words(
    tmp_path: Path, make_estimate: Callable[..., Any]
) -> None:
    effect = make_estimate("emploi", [("att", None, 90.0, 30.0)], details={"unit": "eur"})
    (fault,) = faults(written(tmp_path, HEADINGS, WORK, GRANT), effect)
    assert "compte en « part », l’effet est estimé en « euros »" in told(fault)
    assert "counts in “share”, the effect is estimated in “euros”" in told(fault, "en")
    assert (fault.place and fault.place.cell) == "D2"


# --- rows that are no line ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    ["TOTAL DES COÛTS", "Total effets", "Sous-total 2024", "Coût par personne", "Ratio SROI",
     "SROI", "Valeur nette", "Coût total", "VAN", "Retour social sur investissement",
     "Total value", "Cost per participant", "Net benefit", "Social return on investment",
     "Coût moyen par bénéficiaire", "Total général"],
)  # fmt: skip
def test_a_row_that_adds_up_or_divides_is_left_aside_and_named(tmp_path: Path, words: str) -> None:
    row = (words, None, None, None, None, 4.2)
    made = ValueMap.read(written(tmp_path, HEADINGS, WORK, row, GRANT))
    assert (len(made.lines), len(made.inputs)) == (1, 1)
    (found,) = (f for f in made.noticed if f.code == "map_rows_not_lines")
    assert (found.values["n"], found.values["names"]) == (1, (words,))
    assert words in told(found)
    assert words in told(found, "en")


def test_what_details_a_cost_is_not_counted_again(tmp_path: Path) -> None:
    path = written(tmp_path, HEADINGS, WORK)
    opened = load_workbook(path)
    sheet = opened.create_sheet("Budget")
    for row in (("Poste", "Montant", "Financeur"), ("Salaires", 60000, "Département"),
                ("Véhicules", 32000, "Région"), ("Total budget", 92000, None),
                ("dont Département", 60000, "Département")):  # fmt: skip
        sheet.append(row)
    opened.save(path)
    made = ValueMap.read(path)
    assert [str(item.amount) for item in made.inputs] == ["60000", "32000"]
    (found,) = (f for f in made.noticed if f.code == "map_rows_not_lines")
    assert found.values["names"] == ("Total budget", "dont Département")


@pytest.mark.parametrize(
    "row",
    [
        changed(WORK, A="Ensemble des personnes", B="Retour à l’emploi"),
        changed(WORK, B="Coût par nuit d’hôtel évité"),
        changed(GRANT, A="Total Énergies", L="Fondation"),
    ],
)
def test_a_line_whose_words_look_like_a_total_is_kept(tmp_path: Path, row: list[Any]) -> None:
    made = ValueMap.read(written(tmp_path, HEADINGS, WORK, GRANT, row))
    assert len(made.lines) + len(made.inputs) == 3
    assert "map_rows_not_lines" not in {f.code for f in made.noticed}


def test_a_line_not_finished_is_asked_for_and_not_left_aside(tmp_path: Path) -> None:
    row = ("Retour à l’emploi", None, None, None, None, 1200)
    assert "missing_cell" in {f.code for f in faults(written(tmp_path, HEADINGS, WORK, row))}


def test_a_cost_that_is_alone_is_no_total(tmp_path: Path) -> None:
    path = written(tmp_path, HEADINGS, WORK)
    opened = load_workbook(path)
    sheet = opened.create_sheet("Budget")
    sheet.append(("Poste", "Montant", "Financeur"))
    sheet.append(("Coût total", 92000, None))
    opened.save(path)
    assert {f.code for f in faults(path)} == {"missing_cell"}


def test_a_one_sheet_map_that_says_its_unit_keeps_its_other_defaults(
    tmp_path: Path, make_estimate: Callable[..., Any]
) -> None:
    effect = make_estimate("emploi", [("att", None, 90.0, 30.0)], details={"unit": "eur"})
    rows = [(*HEADINGS, "Unité"), (*WORK, "euros"), (*GRANT, None)]
    path = written(tmp_path, *rows)
    assert isinstance(valued(path, [effect]), Account)
    assert "unité" not in told(defaults_of(path))
    (fault,) = faults(written(tmp_path, *rows[:1], (*WORK, None), GRANT))
    assert (fault.code, fault.place and fault.place.cell) == ("missing_cell", "M2")


# --- the words of a line ------------------------------------------------------------------------


def test_rows_without_identifier_are_named_by_their_own_words(tmp_path: Path) -> None:
    lines = [WORK, changed(WORK, A="Ménages"), changed(WORK, A="Ménages"), changed(WORK, B="Logés")]
    made = ValueMap.read(written(tmp_path, HEADINGS, *lines, GRANT, changed(GRANT, B="Logés")))
    assert [line.id for line in made.lines] == [
        "Être en emploi (Personnes accompagnées)",
        "Être en emploi (Ménages)",
        "Être en emploi (Ménages) (2)",
        "Logés",
    ]
    assert [item.id for item in made.inputs] == ["Subvention", "Logés (Conseil départemental)"]


def test_a_line_left_out_of_nothing_has_no_share(tmp_path: Path, work: Any) -> None:
    headings = (*HEADINGS, "Compté dans le total", "Motif")
    rows = (headings, (*WORK, "non", "prix douteux"), (*GRANT, None, None))
    account = valued(written(tmp_path, *rows), [work])
    assert isinstance(account, Account)
    (found,) = (f for f in account.findings if f.code == "outcome_left_out_alone")
    assert told(found).startswith(
        "[outcome_left_out_alone] La ligne « Être en emploi » est écartée du total (prix douteux)"
    )
    assert "share" not in found.values


def test_a_total_with_its_nature_is_a_total_beside_other_costs_and_a_cost_alone(
    tmp_path: Path,
) -> None:
    whole = changed(GRANT, A="Coût total du projet", B=None)
    made = ValueMap.read(written(tmp_path, HEADINGS, WORK, GRANT, whole))
    assert [item.id for item in made.inputs] == ["Subvention"]
    made = ValueMap.read(written(tmp_path, HEADINGS, WORK, whole))
    assert [str(item.amount) for item in made.inputs] == ["92000"]
    assert "map_rows_not_lines" not in {f.code for f in made.noticed}
