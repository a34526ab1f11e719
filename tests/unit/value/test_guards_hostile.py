"""Mistakes on which the guards were silent: one gain, one cost, one map counted twice, and so on.

Maps are written as people write them; the expected codes come from what each sum is, by hand.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.report.texts import Texts
from impact_eval.results.value_names import declared, fits
from impact_eval.value import ValueMap
from impact_eval.value.account.guards import GUARDS
from tests.unit.value.test_guards_as_users_err import GRANT, JOB, LINKED, Map, effect, line

PAID = {**JOB, **LINKED, "estimate": "emploi"}
TWICE = {"guard_gain_twice", "guard_gains_of_one_effect"}


def codes(case: Map) -> dict[str, bool]:
    """Return what is said of a map: each code, and whether it hides the totals."""
    return {f.code: bool(f.values.get("blocks")) for f in case.findings()}


def job(*parts: dict[str, Any], **cells: Any) -> dict[str, Any]:
    return line(PAID, *parts, **cells)


def of_jobs(form: str, *lines: dict[str, Any], **settings: Any) -> Map:
    return Map(form, list(lines), effects=effect(), settings=settings)


# --- one effect, several gains ------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        of_jobs(
            "un emploi sous deux noms, à deux prix",
            job(outcome="Être en emploi", proxy=9_600),
            job(id="b", stakeholder="Bénéficiaires", outcome="Retrouver un travail", proxy=9_500),
        ),
        of_jobs(
            "le salaire, et ce que le foyer en a",
            job(outcome="Être en emploi", proxy=9_600, duration="1.5"),
            job(id="b", receiver="household", stakeholder="Familles", outcome="Reprise d’activité"),
        ),
        of_jobs(
            "two names for one income",
            job(outcome="Being in work", proxy=9_600),
            job(id="b", outcome="Living standards", proxy=5_000),
        ),
        of_jobs(
            "les personnes de la carte, deux fois",
            job(people=None),
            job(id="b", people=None, stakeholder="Jeunes suivis", outcome="Travail", proxy=9_500),
            people=100,
        ),
        of_jobs(
            "un cas socio-fiscal, et un revenu à côté",
            job(proxy=None, price_year=None, currency=None, proxy_source=None, kind=None,
                receiver=None, per_year=12, case="rsa_single_to_half_smic"),
            job(id="b", outcome="Reprise d’activité", proxy=17_000),
        ),
        of_jobs(
            "deux WELLBY du même effet",
            job(kind="non_market", basis="wellby", outcome="Satisfaction"),
            job(id="b", kind="non_market", basis="wellby", outcome="Moins d’angoisse", proxy=900),
        ),
        Map(
            "un effet tapé, à deux prix",
            [line(JOB, proxy=9_600), line(JOB, id="b", stakeholder="Bénéficiaires", proxy=9_500)],
        ),
    ],
    ids=lambda case: case.form,
)  # fmt: skip
def test_one_income_counted_twice_hides_the_total(case: Map) -> None:
    assert codes(case).get("guard_gain_twice") is True


@pytest.mark.parametrize(
    "case",
    [
        of_jobs("un salaire et un mieux-être sans fondement",
                job(), job(id="b", kind="non_market", outcome="Confiance en soi", proxy=400)),
        of_jobs("deux gains de l’employeur",
                job(stakeholder="Employeurs", receiver="employer", outcome="Productivité"),
                job(id="b", stakeholder="Employeurs", receiver="employer", outcome="Postes pourvus",
                    proxy=100)),
        of_jobs("deux familles déclarées",
                job(family="emploi"), job(id="b", family="logement", outcome="Loyer en moins",
                    proxy=90)),
        of_jobs("deux groupes qui dépassent les personnes suivies",
                job(people=90), job(id="b", stakeholder="Jeunes", outcome="Travail", people=80),
                people=100),
        Map("autant d’heures que d’emplois",
            [line(JOB, outcome="Être en poste"), line(JOB, id="b", outcome="Activité", proxy=90)]),
    ],
    ids=lambda case: case.form,
)  # fmt: skip
def test_gains_that_may_differ_are_asked_about(case: Map) -> None:
    said = codes(case)
    assert said.get("guard_gains_of_one_effect") is False
    assert "guard_gain_twice" not in said


@pytest.mark.parametrize(
    "case",
    [
        of_jobs("deux groupes qui font le tout",
                job(stakeholder="Femmes", people=60), job(id="b", stakeholder="Hommes", people=40),
                people=100),
        of_jobs("deux groupes de même taille",
                job(stakeholder="Femmes", people=50), job(id="b", stakeholder="Hommes", people=50)),
        of_jobs("deux années qui se suivent", job(), job(id="b", start=2, proxy=250)),
        of_jobs("un salaire, et le temps qu’il prend",
                job(), job(id="b", kind="non_market", outcome="Temps libre perdu", proxy=-200)),
        of_jobs("la personne et son employeur",
                job(), job(id="b", stakeholder="Employeurs", receiver="employer", proxy=90)),
        of_jobs("une ligne écartée", job(),
                job(id="b", outcome="Revenu", included=False, reason="déjà dans le salaire")),
        Map("autant d’emplois que de liens", [line(JOB), line(id="b", proxy=90)]),
    ],
    ids=lambda case: case.form,
)  # fmt: skip
def test_gains_of_others_or_of_other_years_are_left_in_peace(case: Map) -> None:
    assert TWICE.isdisjoint(codes(case))


def test_two_effects_bring_two_gains() -> None:
    lines = [job(), job(id="b", estimate="santé", outcome="Santé", proxy=250)]
    case = Map("", lines, effects=effect() | effect("santé"))
    assert TWICE.isdisjoint(codes(case))


def test_two_gains_of_one_effect_pass_with_a_reason() -> None:
    reason = {"guard": "guard_gain_twice", "line": "b", "reason": "heures en plus, à part"}
    case = replace(of_jobs("", job(), job(id="b", outcome="Heures en plus", proxy=90)),
                   tables={"overrides": [reason]})  # fmt: skip
    assert codes(case).get("guard_gain_twice") is None
    assert "guard_overridden" in codes(case)


# --- words and gate -----------------------------------------------------------------------------


def said_well(findings: tuple[Finding, ...]) -> None:
    """Check that what is said has words in both languages, and values that may be published."""
    for finding in findings:
        for language in ("fr", "en"):
            told = Texts(language).say(f"finding.{finding.code}", **finding.values)
            assert "{" not in told
            assert "None" not in told
        for name, value in finding.values.items():
            assert fits(value, declared(finding.code, name).kind), name


def test_what_is_said_of_gains_has_words() -> None:
    twice = of_jobs("", job(), job(id="b", outcome="Travail", proxy=90)).findings()
    asked = of_jobs("", job(), job(id="b", kind="non_market", outcome="Moral", proxy=90)).findings()
    own = tuple(f for f in (*twice, *asked) if f.code in TWICE)
    assert {f.code for f in own} == TWICE
    assert set(GUARDS["G3"]) >= TWICE
    said_well(own)


# --- money that changes hands -------------------------------------------------------------------

TO_STATE = {"kind": "resource_gain", "receiver": "state", "stakeholder": "État"}
SAVED = {"kind": "avoided_cost", "receiver": None, "payer": "departement",
         "stakeholder": "Département", "proxy_source": "Drees 2024"}  # fmt: skip
HANDS = "guard_transfer_as_resource"
ASKED = "guard_public_gain_beside_income"


@pytest.mark.parametrize(
    "cells",
    [
        {**TO_STATE, "outcome": "Retour attendu"},
        {**TO_STATE, "outcome": "Gain pour les finances", "receiver": "taxpayers"},
        {**TO_STATE, "outcome": "Mieux pour la caisse", "receiver": "caf"},
    ],
    ids=["l’État", "les contribuables", "la Caf"],
)
def test_a_body_gains_nothing_beside_the_income_of_people(cells: dict[str, Any]) -> None:
    beside = of_jobs("", job(proxy=9_600), job(cells, id="b", proxy=4_000))
    alone = of_jobs("", job(cells, id="b", proxy=4_000))
    assert codes(beside).get(HANDS) is True
    assert HANDS not in codes(alone)


def test_a_body_gains_nothing_beside_a_computed_case_or_a_transfer() -> None:
    body = job(TO_STATE, id="b", outcome="Retour attendu", proxy=4_000)
    case = job(proxy=None, price_year=None, currency=None, proxy_source=None, kind=None,
               receiver=None, per_year=12, case="rsa_single_to_half_smic")  # fmt: skip
    moved = job(SAVED, id="c", kind="avoided_transfer", receiver="beneficiary", outcome="RSA")
    for other in (case, moved):
        assert codes(of_jobs("", other, body)).get(HANDS) is True


@pytest.mark.parametrize(
    "cells",
    [
        {**TO_STATE, "outcome": "Recettes supplémentaires"},
        {**TO_STATE, "outcome": "Prélèvements"},
        {**TO_STATE, "outcome": "Tax"},
        {**TO_STATE, "outcome": "Contributions", "receiver": "social_security"},
        {**TO_STATE, "outcome": "Prestations non versées", "receiver": "caf"},
        {**SAVED, "outcome": "Dépenses d’aide sociale en moins"},
        {**SAVED, "outcome": "Prestations évitées", "payer": "caf"},
        {**SAVED, "outcome": "Fewer benefits paid", "payer": "state"},
    ],
    ids=lambda cells: str(cells["outcome"]),
)
def test_the_words_of_a_purse_are_known_without_an_income_beside(cells: dict[str, Any]) -> None:
    assert codes(Map("", [line(cells)])).get(HANDS) is True


@pytest.mark.parametrize(
    "cells",
    [
        {**SAVED, "outcome": "Places de l’aide sociale à l’enfance en moins"},
        {**SAVED, "outcome": "Prestations d’hébergement en moins"},
        {**SAVED, "outcome": "Nuits en moins", "proxy_source": "Prix de la prestation, marché"},
        {**SAVED, "outcome": "Prélèvements sanguins en moins", "payer": "cpam"},
        {**SAVED, "outcome": "Nuits en moins", "costing": "average",
         "proxy_source": "Coût des prestations d’accueil, Drees"},
        {"outcome": "Prestation musicale", "kind": "non_market"},
        {"outcome": "Recettes du café associatif", "kind": "resource_gain",
         "receiver": "association", "stakeholder": "Association"},
    ],
    ids=lambda cells: str(cells["outcome"]),
)  # fmt: skip
def test_what_a_service_costs_is_no_money_moved(cells: dict[str, Any]) -> None:
    assert {HANDS, ASKED}.isdisjoint(codes(Map("", [line(cells)])))


@pytest.mark.parametrize(
    ("cells", "asked"),
    [
        ({**SAVED, "outcome": "Sorties du dispositif"}, True),
        ({**SAVED, "outcome": "Sorties du dispositif", "costing": "marginal"}, False),
        ({**SAVED, "outcome": "Sorties du dispositif", "costing": "average"}, False),
        ({**TO_STATE, "outcome": "Temps d’agents", "proxy_source": "Temps d’agent, Dgefp"}, True),
        ({**TO_STATE, "outcome": "Retombées", "receiver": "everyone"}, True),
        ({**SAVED, "outcome": "Nuits en moins", "estimate": "logement"}, False),
    ],
    ids=["sans dire le coût", "marginal", "moyen", "du travail", "la collectivité", "autre effet"],
)
def test_a_saving_beside_an_income_is_asked_about(cells: dict[str, Any], asked: bool) -> None:
    case = Map("", [job(proxy=9_600), job(cells, id="b", proxy=4_000)],
               effects=effect() | effect("logement"))  # fmt: skip
    said = codes(case)
    assert said.get(ASKED) is (False if asked else None)
    assert HANDS not in said


def test_as_many_typed_units_are_asked_about() -> None:
    body = line(TO_STATE, id="b", outcome="Retour attendu", proxy=400)
    assert codes(Map("", [line(JOB), body])).get(ASKED) is False
    assert codes(Map("", [line(JOB, quantity=12), body])).get(ASKED) is None


def test_what_is_said_of_a_purse_has_words() -> None:
    case = of_jobs("", job(proxy=9_600), job(SAVED, id="b", outcome="Sorties", proxy=4_000))
    own = tuple(f for f in case.findings() if f.code == ASKED)
    assert own
    said_well(own)


# --- volunteers ---------------------------------------------------------------------------------

DRIVING = {**GRANT, "id": "conduite", "stakeholder": "Bénévoles", "payer": "volunteers",
           "description": "Conduite accompagnée", "amount": 12_600}  # fmt: skip
OWN = {"stakeholder": "Bénévoles", "receiver": "volunteers", "kind": "resource_gain"}
OFFERS = {"stakeholder": "Association", "receiver": "association", "kind": "resource_gain"}


@pytest.mark.parametrize(
    "cells",
    [
        {**OWN, "outcome": "Temps donné par les bénévoles", "quantity": 850, "proxy": 13},
        {**OWN, "outcome": "Volunteering valued", "proxy_unit": "per hour"},
        {**OWN, "outcome": "Engagement", "quantity": 900, "proxy": 14, "kind": "non_market"},
        {**OFFERS, "outcome": "Conduite par nos adhérents", "quantity": 900, "proxy": 14},
        {**OFFERS, "outcome": "Heures de conduite offertes", "quantity": 700, "proxy": 12},
        {**OFFERS, "outcome": "Trajets", "proxy_source": "Unpaid hours, SMIC 2024"},
        {"outcome": "Trajets", "quantity": 899, "proxy": 14},
    ],
    ids=lambda cells: str(cells["outcome"]),
)
def test_the_hours_of_volunteers_are_no_gain(cells: dict[str, Any]) -> None:
    said = codes(Map("", [line(cells)], inputs=[GRANT, DRIVING]))
    assert said.get("guard_volunteers_as_gain") is True
    assert "guard_volunteers_as_gain" not in codes(Map("", [line(cells)]))


@pytest.mark.parametrize(
    "cells",
    [
        {**OWN, "outcome": "Plaisir d’aider", "kind": "non_market"},
        {**OWN, "outcome": "Bon temps passé ensemble", "kind": "non_market"},
        {**OWN, "outcome": "Repas partagés"},
        {"outcome": "Temps libre", "kind": "resource_gain"},
        {"outcome": "Trajets gratuits", "quantity": 700, "proxy": 12},
    ],
    ids=lambda cells: str(cells["outcome"]),
)
def test_what_volunteers_and_people_get_is_a_gain(cells: dict[str, Any]) -> None:
    case = Map("", [line(cells)], inputs=[GRANT, DRIVING])
    assert "guard_volunteers_as_gain" not in codes(case)


# --- costs --------------------------------------------------------------------------------------

COSTS = {"guard_cost_is_sum", "guard_cost_perhaps_sum", "guard_cost_twice"}


def cost(name: str, amount: float, payer: str = "departement", **cells: Any) -> dict[str, Any]:
    own = {"id": name, "amount": amount, "payer": payer, "description": name}
    return {**GRANT, **own, **cells}


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ([cost("Subvention", 92_000), DRIVING,
          cost("t", 104_600, stakeholder="Coût total du projet", description="")],
         "guard_cost_is_sum"),
        ([cost("Salaires", 60_000), cost("Véhicules", 32_000), DRIVING,
          cost("Total des dépenses", 92_000)], "guard_cost_is_sum"),
        ([cost("Total", 92_000), cost("Subvention", 92_000)], "guard_cost_is_sum"),
        ([cost("Staff", 60_000), cost("Cars", 32_000), cost("Overall cost", 92_000)],
         "guard_cost_is_sum"),
        ([cost("Salaires", 60_000), cost("Coût global", 92_000)], "guard_cost_perhaps_sum"),
        ([cost("Salaires", 60_000), cost("Véhicules", 32_000), cost("Action 2024", 92_000)],
         "guard_cost_perhaps_sum"),
        ([GRANT, {**GRANT, "id": "b"}], "guard_cost_twice"),
        ([cost("Subvention", 9_000), cost("b", 9_000, description="SUBVENTIONS")],
         "guard_cost_twice"),
    ],
)  # fmt: skip
def test_a_cost_counted_twice_is_told(inputs: list[dict[str, Any]], code: str) -> None:
    found = [f for f in Map("", [line()], inputs=inputs).findings() if f.code in COSTS]
    assert [f.code for f in found] == [code]
    assert [bool(f.values.get("blocks")) for f in found] == [code == "guard_cost_is_sum"]
    said_well(tuple(found))


@pytest.mark.parametrize(
    "inputs",
    [
        [cost("Coût total du projet", 92_000), DRIVING],
        [cost("Subvention", 50_000), cost("Région", 25_000, "region"),
         cost("Commune", 25_000, "commune")],
        [cost("Département", 92_000), cost("État", 92_000, "state")],
        [cost("Subvention 2024", 9_000), cost("Subvention 2025", 9_000)],
        [cost("a", 9_000, description="Subvention"),
         cost("b", 9_000, description="Subvention", year=1)],
        [cost("Salaires", 60_000), cost("Assurance totale", 900)],
    ],
)  # fmt: skip
def test_costs_that_add_up_by_right_are_left_in_peace(inputs: list[dict[str, Any]]) -> None:
    assert COSTS.isdisjoint(codes(Map("", [line()], inputs=inputs)))


def test_a_total_of_costs_is_kept_with_a_reason() -> None:
    reason = {"guard": "guard_cost_is_sum", "line": "Total", "reason": "deux budgets égaux"}
    case = Map("", [line()], inputs=[cost("Subvention", 9_000), cost("Total", 9_000)],
               tables={"overrides": [reason]})  # fmt: skip
    assert "guard_overridden" in codes(case)
    assert COSTS.isdisjoint(codes(case))


# --- several sheets of one table ----------------------------------------------------------------

HEAD = ["Qui", "Ce qui change", "Nature", "Effet estimé", "Combien", "Prix", "Source", "Durée",
        "Poids mort", "Qui paie", "Début (année)"]  # fmt: skip


def row(who: str, what: str, **cells: Any) -> list[Any]:
    own = {"Nature": "gain de ressources", "Combien": 50, "Prix": "9 600 €", "Durée": "1 an",
           "Source": "Dares 2024", "Poids mort": "30 %"} | cells  # fmt: skip
    return [who, what, *(own.get(name) for name in HEAD[2:])]


SUBSIDY = row("Conseil départemental", "Subvention", Nature="coût", Combien=None, Durée=None,
              **{"Poids mort": None, "Qui paie": "Conseil départemental"})  # fmt: skip
BY_EFFECT = {"Effet estimé": "emploi", "Combien": None, "Poids mort": None}


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    out = openpyxl.Workbook()
    out.remove(out.active)
    for name, rows in sheets.items():
        sheet = out.create_sheet(name.replace("_", " "))
        for cells in rows:
            sheet.append(cells)
    out.save(path)
    return path


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (row("Personnes accompagnées", "Être en emploi", **BY_EFFECT),
         row("Bénéficiaires", "Emploi (version corrigée)", **BY_EFFECT, Prix="8 000 €")),
        (row("Jeunes du quartier", "Être en emploi"),
         row("jeunes du quartier", "ÊTRE EN EMPLOI", Combien=40)),
    ],
    ids=["le même effet", "les mêmes mots"],
)  # fmt: skip
def test_two_versions_of_a_map_are_refused(
    first: list[Any], second: list[Any], tmp_path: Path
) -> None:
    path = book(tmp_path / "carte.xlsx", Carte_v1=[HEAD, first, SUBSIDY],
                Carte_v2=[HEAD, second, SUBSIDY])  # fmt: skip
    with pytest.raises(ImpactEvalError) as refused:
        ValueMap.read(path)
    (finding,) = [f for f in refused.value.findings if f.code == "map_sheets_overlap"]
    assert finding.values["names"] == ("Carte v1", "Carte v2")
    assert finding.place is not None
    assert (finding.place.sheet, finding.place.row) == ("Carte v2", 2)
    said_well((replace(finding, values={k: finding.values[k] for k in ("names", "outcomes")}),))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (row("Femmes", "Être en emploi"), row("Hommes", "Être en emploi")),
        (row("Jeunes", "Être en emploi"), row("Jeunes", "Moins d’isolement", Prix="300 €")),
        (row("Jeunes", "Emploi"), row("Jeunes", "Emploi", **{"Début (année)": 2})),
    ],
    ids=["deux publics", "deux effets", "deux années"],
)
def test_two_parts_of_a_map_are_added_and_said(
    first: list[Any], second: list[Any], tmp_path: Path
) -> None:
    path = book(tmp_path / "carte.xlsx", Un=[HEAD, first, SUBSIDY], Deux=[HEAD, second])
    value_map = ValueMap.read(path)
    assert len(value_map.lines) == 2
    (finding,) = [f for f in value_map.noticed if f.code == "map_sheets_added"]
    assert finding.values["names"] == ("Un", "Deux")
    said_well((finding,))


def test_one_sheet_by_table_is_not_said(tmp_path: Path) -> None:
    value_map = ValueMap.from_dict(Map("", [line()]).tables_of())
    value_map.write(tmp_path / "carte.xlsx")
    again = ValueMap.read(tmp_path / "carte.xlsx")
    assert "map_sheets_added" not in {f.code for f in again.noticed}


def test_two_sheets_of_expenses_are_added_and_said(tmp_path: Path) -> None:
    costs = ["Qui", "Montant", "Qui paie"]
    path = book(tmp_path / "carte.xlsx", Effets=[HEAD, row("Jeunes", "Emploi")],
                Coûts_2024=[costs, ["Région", 9_000, "Région"]],
                Coûts_2025=[costs, ["État", 9_000, "État"]])  # fmt: skip
    value_map = ValueMap.read(path)
    assert len(value_map.inputs) == 2
    assert [f.values["names"] for f in value_map.noticed if f.code == "map_sheets_added"] == [
        ("Coûts 2024", "Coûts 2025")
    ]


def test_two_sheets_of_settings_must_agree(tmp_path: Path) -> None:
    def settings(rate: str) -> list[list[Any]]:
        return [["Titre", "Carte"], ["Monnaie", "EUR"], ["Année des prix", 2025],
                ["Taux d’actualisation", rate]]  # fmt: skip

    lines = [HEAD, row("Jeunes", "Emploi"), SUBSIDY]
    same = book(tmp_path / "a.xlsx", Réglages=settings("3,2 %"), Paramètres=settings("3,2 %"),
                Effets=lines)  # fmt: skip
    other = book(tmp_path / "b.xlsx", Réglages=settings("3,2 %"), Paramètres=settings("1 %"),
                 Effets=lines)  # fmt: skip
    ValueMap.read(same)
    with pytest.raises(ImpactEvalError) as refused:
        ValueMap.read(other)
    (finding,) = [f for f in refused.value.findings if f.code == "map_settings_differ"]
    assert finding.values["names"] == ("Réglages", "Paramètres")
