"""Each guard through a whole study: a workbook as users fill it, in a folder, up to the report.

What must be said follows from the mistake that the workbook holds, not from what the code computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import Workbook
from study_texts import SECOND, study_text
from verdicts_on_money import RATIO, VERDICTS, amounts_shown, money, said

import impact_eval as ie
from impact_eval.core.findings import ImpactEvalError
from impact_eval.report import narrative
from impact_eval.report.texts import Texts
from impact_eval.report.wording import written
from impact_eval.results.records import StudyResults
from impact_eval.value.account.guards import GUARDS

Row = Mapping[str, Any]
GRANT = {
    "Identifiant": "subvention", "Partie prenante": "Département", "Payeur": "Département",
    "Montant": 10_000, "Monnaie": "€", "Année des prix": 2025,
}  # fmt: skip
HOURS = {
    "Identifiant": "benevoles", "Partie prenante": "Bénévoles", "Payeur": "bénévoles",
    "Nature": "temps bénévole", "Heures": 500, "Taux horaire": 14, "Monnaie": "€",
    "Année des prix": 2025,
}  # fmt: skip
# a line on what the study measures, right in every cell
LINKED = {
    "Identifiant": "retour", "Partie prenante": "Personnes accompagnées",
    "Effet": "Retour à l’emploi", "Effet estimé": "emploi", "Unité": "part",
    "Personnes concernées": 200, "Nature": "gain de ressources",
    "Receveur": "personnes accompagnées", "Approximation financière": 9_000,
    "Source de l’approximation": "Salaire net médian, Insee 2023, p. 4", "Monnaie": "€",
    "Année des prix": 2025, "Durée (années)": 1, "Déplacement": "20 %",
}  # fmt: skip
# a line on what it does not measure, typed by hand
TYPED = {
    "Identifiant": "liens", "Partie prenante": "Personnes accompagnées",
    "Effet": "Liens avec les voisins", "Quantité": 10, "Unité": "nombre",
    "Nature": "non marchand", "Receveur": "personnes accompagnées",
    "Approximation financière": 300, "Source de l’approximation": "Insee, enquête 2023, tableau 4",
    "Monnaie": "€", "Année des prix": 2025, "Durée (années)": 1, "Poids mort": "20 %",
}  # fmt: skip
SAVING = {
    "Effet": "Nuits d’hôtel en moins", "Nature": "coût évité", "Payeur": "État", "Receveur": None,
    "Coût moyen ou marginal": "marginal", "Part réellement économisée": "50 %",
    "Source de l’approximation": "Coût marginal, rapport 2023",
}  # fmt: skip
CATALOGUE = {
    "Approximation financière": None, "Source de l’approximation": None, "Monnaie": None,
    "Année des prix": None,
}  # fmt: skip
FOR_LIFE = {
    **CATALOGUE, "Identifiant": "décrochage", "Effet": "Décrochages évités", "Nature": None,
    "Receveur": None, "Valeur du catalogue": "dropout_lifetime@2025", "Durée (années)": None,
    "Probabilité de persistance": "70 %",
}  # fmt: skip
RSA = {
    **CATALOGUE, "Identifiant": "rsa", "Effet": "RSA en moins", "Nature": None, "Receveur": None,
    "Valeur du catalogue": "rsa_single@2025-04", "Fois par an": 12,
}  # fmt: skip
SETTINGS = {
    "Monnaie": "€", "Année des prix": 2025, "Taux d’actualisation": "3,2 %",
    "Suivi (années observées)": 1,
}  # fmt: skip
OF_AMOUNTS = ("acceptability", "cumulative", "variants", "avoided", "tornado", "switching")
DROPPED = {"Effet": "sante", "Motif": "Aucun prix connu"}


def row(*parts: Row, **cells: Any) -> dict[str, Any]:
    """Return a row of a sheet, its last cells told; None empties one."""
    whole: dict[str, Any] = {}
    for part in (*parts, cells):
        whole |= part
    return {name: cell for name, cell in whole.items() if cell is not None}


@dataclass(frozen=True)
class Folder:
    """A study folder: the lines of its map, what differs from a right one, what must be said."""

    guard: str
    form: str
    lines: Sequence[Row]
    code: str
    inputs: Sequence[Row] = (GRANT,)
    settings: Row = field(default_factory=dict)
    dropped: Sequence[Row] = (DROPPED,)
    names: Mapping[str, str] = field(default_factory=dict)  # sheets under another name
    map: str = "carte.xlsx"

    def evaluated(self, folder: Path, table: str) -> StudyResults:
        """Evaluate the study from its folder, as its report tells it."""
        folder.mkdir(exist_ok=True)
        study = study_text(randomised=True, outcomes=SECOND, carte=self.map)
        (folder / "study.toml").write_text(study, encoding="utf-8")
        (folder / "donnees.csv").write_text(table, encoding="utf-8")
        if self.map.endswith(".csv"):
            self._one_sheet(folder / self.map)
        else:
            self._workbook(folder / self.map)
        return ie.Report(ie.evaluate(ie.Study.read(folder)))._results

    def _workbook(self, path: Path) -> None:
        book = Workbook()
        book.remove(book.worksheets[0])
        pairs = book.create_sheet("Carte")
        for label, value in {**SETTINGS, **self.settings}.items():
            pairs.append([label, value])
        sheets = {
            "Ressources": self.inputs,
            "Carte des effets": self.lines,
            "Effets non valorisés": self.dropped,
        }
        for name, rows in sheets.items():
            if rows:
                sheet = book.create_sheet(self.names.get(name, name))
                headings = list(dict.fromkeys(heading for r in rows for heading in r))
                sheet.append(headings)
                for one in rows:
                    sheet.append([one.get(heading) for heading in headings])
        book.save(path)

    def _one_sheet(self, path: Path) -> None:
        headings = list(dict.fromkeys(heading for r in self.lines for heading in r))
        rows = [";".join(str(r.get(h, "")) for h in headings) for r in self.lines]
        path.write_text("\n".join([";".join(headings), *rows]) + "\n", encoding="utf-8-sig")


WAGE = row(LINKED, Identifiant="salaire", Effet="Salaire retrouvé")
WELLBEING = row(
    LINKED, Identifiant="moral", Effet="Satisfaction de vie", Nature="non marchand",
    **{"Source de l’approximation": "Valeur d’un WELLBY, 2021", "Approximation financière": 13_000},
)  # fmt: skip
BENEFIT = row(
    LINKED, SAVING, Identifiant="rsa", Effet="RSA économisé", Payeur="Département",
    **{"Approximation financière": 6_800, "Source de l’approximation": "Montant du RSA, 2025"},
)  # fmt: skip
LEVIES = row(
    LINKED, Identifiant="cotisations", Effet="Cotisations encaissées", Receveur="Urssaf",
    **{"Approximation financière": 2_500, "Source de l’approximation": "Cotisations, Urssaf 2024"},
)  # fmt: skip
FREE_HOURS = row(
    TYPED, Identifiant="heures", Effet="Temps offert", Receveur="association", Quantité=500,
    Nature="gain de ressources",
    **{"Approximation financière": 14, "Partie prenante": "Association"},
)  # fmt: skip

BLOCKED = [
    Folder("G2", "rien n’est dit du poids mort", [row(TYPED, **{"Poids mort": None})],
           "guard_gross_without_deadweight"),
    Folder("G2", "une seule feuille, en CSV, sans poids mort", [
        {"Partie prenante": "Habitants", "Effet": "Lien social", "Nature": "bien-être",
         "Quantité": 40, "Approximation financière": "1 200", "Durée (années)": "2 ans",
         "Source de l’approximation": "Insee 2023"},
        {"Partie prenante": "Commune", "Effet": "Subvention", "Nature": "coût",
         "Approximation financière": 20_000, "Quantité": 1},
    ], "guard_gross_without_deadweight", map="carte.csv"),
    Folder("G3", "le salaire et le bien-être des mêmes personnes", [WAGE, WELLBEING],
           "guard_same_welfare_twice"),
    Folder("G3", "la même ligne deux fois", [TYPED, row(TYPED, Identifiant="b")],
           "guard_line_twice"),
    Folder("G3", "le salaire, puis le revenu", [
        WAGE, row(LINKED, Identifiant="b", Effet="Hausse de revenu",
                  **{"Approximation financière": 7_000}),
    ], "guard_gain_twice"),
    Folder("G4", "le RSA en coût évité, le salaire et les cotisations", [WAGE, BENEFIT, LEVIES],
           "guard_transfer_as_resource"),
    Folder("G4", "un transfert du catalogue changé en économie", [
        row(LINKED, RSA, Nature="coût évité", Payeur="Département", Déplacement=None),
    ], "guard_transfer_turned_resource"),
    Folder("G6", "340 000 € par décrochage, cinq ans de suite", [
        row(TYPED, Effet="Décrochages évités",
            **{"Approximation financière": 340_000, "Durée (années)": 5}),
    ], "guard_lifetime_every_year"),
    Folder("G7", "une vie entière et le RSA", [row(TYPED, FOR_LIFE), row(TYPED, RSA)],
           "guard_lifetime_overlap"),
    Folder("G8", "24 mois tapés comme des années", [
        row(LINKED, **{"Durée (années)": 24, "Réduction annuelle": "10 %"}),
    ], "duration_perhaps_months"),
    Folder("G10", "deux financeurs, 60 % et 70 % du même effet", [
        row(TYPED, **{"Attribution à d’autres": "40 %"}),
        row(TYPED, Identifiant="b", **{"Attribution à d’autres": "30 %"}),
    ], "guard_attribution_over_one"),
    Folder("G13", "48 000 personnes pour 200 suivies", [
        row(LINKED, **{"Personnes concernées": 48_000}),
    ], "guard_people_beyond_study"),
    Folder("G13", "plus de personnes que d’éligibles", [row(LINKED)],
           "guard_more_people_than_eligible", settings={"Personnes éligibles": 150}),
    Folder("G15", "les heures des bénévoles, et ce qu’elles valent", [LINKED, FREE_HOURS],
           "guard_volunteers_as_gain", inputs=(GRANT, HOURS)),
    Folder("G9", "190 emplois tapés, et l’étude en trouve moins", [
        row(TYPED, Effet="Emploi", Quantité=190),
    ], "declared_beyond_study"),
    Folder("G9", "un sens contraire à celui de l’étude", [
        row(LINKED, **{"Sens favorable": "baisse"}),
    ], "direction_against_study"),
    Folder("G9", "les coûts sur une feuille que rien ne fait reconnaître", [LINKED],
           "sheet_not_read", inputs=({"Qui": "Département", "Combien": 10_000},),
           names={"Ressources": "Divers"}),
]  # fmt: skip
TOLD = [
    Folder("G1", "un écart avec un groupe témoin, moins un poids mort", [
        row(TYPED, **{"Source de l’indicateur": "Écart avec un groupe témoin"}),
    ], "guard_deadweight_on_net_words"),
    Folder("G2", "100 % pour 1 %", [row(TYPED, **{"Poids mort": "100 %"})],
           "guard_share_takes_all"),
    Folder("G5", "un coût évité, sans dire s’il est moyen", [
        row(LINKED, SAVING, Déplacement=None, **{"Coût moyen ou marginal": None}),
    ], "guard_average_cost"),
    Folder("G5", "rien de ce que le budget récupère", [
        row(LINKED, SAVING, Déplacement=None, **{"Part réellement économisée": None}),
    ], "cashable_unknown"),
    Folder("G6", "250 000 € par an, dix ans", [
        row(LINKED, **{"Approximation financière": 250_000, "Durée (années)": "10 ans",
                       "Source de l’approximation": "Rapport 2023"}),
    ], "guard_price_of_a_life"),
    Folder("G8", "trois ans comptés, un an suivi", [
        row(LINKED, **{"Durée (années)": 3, "Réduction annuelle": "20 %"}),
    ], "guard_projected"),
    Folder("G8", "24 ans, dits", [
        row(LINKED, **{"Durée (années)": "24 ans", "Réduction annuelle": "10 %"}),
    ], "guard_projected_far"),
    Folder("G8", "un suivi de 18 mois tapé 18", [LINKED], "guard_follow_up_long",
           settings={"Suivi (années observées)": 18}),
    Folder("G9", "la santé mesurée et passée sous silence", [LINKED],
           "guard_outcome_not_valued", dropped=()),
    Folder("G9", "écartée car non significative", [LINKED], "guard_left_out_for_its_result",
           dropped=({"Effet": "sante", "Motif": "Résultat non significatif"},)),
    Folder("G11", "aucun emploi pris à un autre", [row(LINKED, Déplacement=None)],
           "guard_no_displacement"),
    Folder("G12", "une ligne fait presque tout", [LINKED, TYPED], "guard_one_line_dominates"),
    Folder("G13", "400 personnes pour 200 suivies", [
        row(LINKED, **{"Personnes concernées": 400}),
    ], "guard_people_beyond_study"),
    Folder("G14", "un prix à soi, sans source", [
        row(LINKED, **{"Source de l’approximation": None}),
    ], "guard_price_without_source"),
    Folder("G14", "un prix « à compléter »", [
        row(LINKED, **{"Source de l’approximation": "À compléter"}),
    ], "guard_price_without_source"),
    Folder("G15", "les mêmes heures, en don et en temps", [LINKED], "guard_volunteers_twice",
           inputs=(GRANT, HOURS, row(GRANT, Identifiant="don", Nature="don en nature",
                                     Description="Valorisation du bénévolat"))),
    Folder("G15", "le temps donné, rien de ce qu’ils en retirent", [LINKED],
           "guard_volunteers_one_sided", inputs=(GRANT, HOURS)),
]  # fmt: skip
REFUSED = [
    Folder("G1", "un poids mort sur un effet estimé", [row(LINKED, **{"Poids mort": "20 %"})],
           "deadweight_on_net_effect"),
    Folder("G2", "1 tapé pour 1 %", [row(TYPED, **{"Poids mort": 1})], "share_of_one"),
    Folder("G4", "un transfert sans personne en face", [row(TYPED, Nature="transfert")],
           "transfer_without_counterpart"),
    Folder("G6", "une vie entière, cinq ans", [row(TYPED, FOR_LIFE, **{"Durée (années)": 5})],
           "lifetime_with_duration"),
    Folder("", "2024 dans « Année de l’action »", [LINKED], "calendar_year_for_rank",
           inputs=(row(GRANT, **{"Année de l’action": 2024}),)),
]  # fmt: skip
CELLS = {  # the sheet, and the heading of the cell where it has one
    "deadweight_on_net_effect": ("Carte des effets", "Poids mort"),
    "share_of_one": ("Carte des effets", "Poids mort"),
    "transfer_without_counterpart": ("Carte des effets", None),  # its column is missing
    "lifetime_with_duration": ("Carte des effets", "Durée (années)"),
    "calendar_year_for_rank": ("Ressources", "Année de l’action"),
}


def ids(folders: Sequence[Folder]) -> list[Any]:
    return [pytest.param(f, id=f"{f.guard}: {f.form}") for f in folders]


@pytest.fixture(scope="module")
def table() -> str:
    """Four hundred people drawn into two groups: more of those accompanied find work, or are well.

    The file is the same in every folder.
    """
    rng = np.random.default_rng(8)
    rows = ["id,aide,emploi,sante"]
    for i in range(400):
        helped = i % 2 == 0
        work, health = rng.random(2) < (0.6 if helped else 0.35, 0.7 if helped else 0.5)
        rows.append(f"P{i:03d},{int(helped)},{int(work)},{int(health)}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, table: str) -> Callable[[Folder], StudyResults]:
    found: dict[str, StudyResults] = {}

    def results(folder: Folder) -> StudyResults:
        if folder.form not in found:
            found[folder.form] = folder.evaluated(tmp_path_factory.mktemp("etude"), table)
        return found[folder.form]

    return results


def is_said(code: str, text: str, language: str) -> bool:
    """Whether a sentence of a finding stands in a text: its longest run of words without value."""
    texts = Texts(language)
    usual = texts.source(f"finding.{code}")
    sources = [usual.many, usual.one]
    if written(f"finding.{code}.untold"):
        sources.append(texts.source(f"finding.{code}.untold").many)
    runs = [max(re.split(r"\{[^}]*\}", source), key=len) for source in sources if source]
    return any(" ".join(run.split()) in text for run in runs)


def statuses(results: StudyResults) -> dict[str, str]:
    """Return what each guard says in `results.json`."""
    told: Any = results.to_dict()["value"]
    return {guard["guard"]: guard["status"] for guard in told["told"]["guards"]}


def test_every_guard_goes_through_a_study() -> None:
    assert {f.guard for f in (*BLOCKED, *TOLD, *REFUSED)} - {""} == set(GUARDS)


def test_a_right_map_is_left_in_peace(study: Callable[[Folder], StudyResults]) -> None:
    results = study(Folder("", "une carte juste", [LINKED], ""))
    assert set(statuses(results).values()) == {"passed"}
    for language in ("fr", "en"):
        assert re.search(VERDICTS[language], money(results, language))
        assert re.search(RATIO[language], money(results, language))
    assert {"Number", "Figure", "gains"} <= amounts_shown(results)


@pytest.mark.parametrize("sheet", ["Ressources", "Carte des effets"])
def test_a_sheet_of_another_name_is_read(
    study: Callable[[Folder], StudyResults], sheet: str
) -> None:
    usual = study(Folder("", "une carte juste", [LINKED], "")).to_dict()["value"]
    named = study(Folder("", f"{sheet}, renommée", [LINKED], "", names={sheet: "Feuil3"}))
    assert named.to_dict()["value"] == usual


@pytest.mark.parametrize("folder", ids(BLOCKED))
def test_no_verdict_stands_beside_a_mistake_that_blocks(
    study: Callable[[Folder], StudyResults], folder: Folder
) -> None:
    results = study(folder)
    value: Any = results.to_dict()["value"]
    told = value["told"]
    assert folder.code in told["standing"]["values"]["guards"]
    assert statuses(results).get(folder.guard, "blocked") == "blocked"
    assert told["net"]["estimate"] is told["net"]["low"] is told["probability"] is None
    assert told["ratio"]["not_applicable"] == told["headline"]["not_applicable"] == "ratio_refused"
    assert not any(told[name] for name in OF_AMOUNTS)
    assert not told["matrix"]["rows"]
    assert {line["amount"] for line in told["lines"]} == {None}
    assert amounts_shown(results) <= {"pays", "unit_value"}
    for language in ("fr", "en"):
        first = said(narrative.summary_blocks(results), language)
        assert Texts(language).source(f"label.{folder.code}").many in first
        assert folder.code not in first
        whole = said(narrative.report_blocks(results), language)
        assert not re.search(VERDICTS[language], whole, flags=re.I)
        assert not re.search(RATIO[language], money(results, language))
        assert is_said(folder.code, money(results, language), language)


@pytest.mark.parametrize("folder", ids(TOLD))
def test_a_mistake_that_does_not_block_is_told(
    study: Callable[[Folder], StudyResults], folder: Folder
) -> None:
    results = study(folder)
    assert statuses(results)[folder.guard] == "warned"
    for language in ("fr", "en"):
        assert is_said(folder.code, money(results, language), language)


@pytest.mark.parametrize("folder", ids(REFUSED))
def test_a_mistake_beyond_doubt_stops_the_study_at_its_cell(
    folder: Folder, table: str, tmp_path: Path
) -> None:
    with pytest.raises(ImpactEvalError) as caught:
        folder.evaluated(tmp_path, table)
    (finding,) = caught.value.findings
    assert finding.code == folder.code
    assert finding.place is not None
    assert (finding.place.sheet, finding.place.column) == CELLS[folder.code]
    assert (finding.place.file, finding.place.row) == ("carte.xlsx", 2)
    for language in ("fr", "en"):
        told = Texts(language).say(f"finding.{finding.code}", **finding.values)
        assert not re.search(r"[{}]|None", told)
