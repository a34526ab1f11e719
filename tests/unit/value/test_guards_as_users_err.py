"""Each guard on the mistakes that users make, as they write them, and on maps that are right.

Expected codes come from the rules themselves (a benefit no longer paid is lost by the person, a
value of a whole life has no years, …), read on maps written by hand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impact_eval.core.estimate import Estimate, MethodRecord, wald_effect
from impact_eval.core.findings import Finding, ImpactEvalError, Severity
from impact_eval.report.texts import Texts, placeholders
from impact_eval.results.record_base import Rule
from impact_eval.results.value_names import declared, fits
from impact_eval.value import ValueMap
from impact_eval.value.account.guards import GUARDS, guard_statuses

GRANT = {
    "id": "subvention", "stakeholder": "Département", "payer": "departement", "amount": 10_000,
    "currency": "EUR", "price_year": 2025,
}  # fmt: skip
HOURS = {
    "id": "benevoles", "stakeholder": "Bénévoles", "payer": "volunteers", "kind": "volunteer_time",
    "hours": 500, "hourly_rate": 14, "currency": "EUR", "price_year": 2025,
}  # fmt: skip
# a line that no guard has anything to say of
QUIET = {
    "id": "liens", "stakeholder": "Personnes accompagnées", "outcome": "Liens avec les voisins",
    "unit": "count", "quantity": 10, "kind": "non_market", "receiver": "beneficiary", "proxy": 300,
    "proxy_source": "Insee, enquête 2023, tableau 4", "currency": "EUR", "price_year": 2025,
    "duration": 1, "deadweight": "20 %",
}  # fmt: skip
SAVING = {
    "outcome": "Nuits d’hôtel en moins", "kind": "avoided_cost", "payer": "state", "receiver": None,
    "costing": "marginal", "cashable": "50 %", "proxy_source": "Coût marginal, rapport 2023",
}  # fmt: skip
JOB = {"outcome": "Retour à l’emploi", "kind": "resource_gain", "displacement": "20 %"}
LINKED = {"quantity": None, "deadweight": None, "unit": "share", "people": 100}
FIGURE = {"proxy": None, "price_year": None, "currency": None, "proxy_source": None}
OWN_KIND = {**FIGURE, "kind": None, "receiver": None}  # the nature, too, is the catalogue's
FLOWS = {"proxy": None, "kind": None, "receiver": None}


def line(*parts: Mapping[str, Any], **cells: Any) -> dict[str, Any]:
    """Return the quiet line with other cells, the last said; None takes a cell away."""
    whole = dict(QUIET)
    for part in (*parts, cells):
        whole |= part
    return {key: cell for key, cell in whole.items() if cell is not None}


@dataclass(frozen=True)
class Map:
    """A map as somebody writes it: its lines, and what differs from a small map that is right."""

    form: str
    lines: list[dict[str, Any]]
    code: str = ""  # what must be said; nothing, for a map that is right
    blocks: bool = False
    inputs: list[dict[str, Any]] = field(default_factory=lambda: [GRANT])
    settings: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    effects: Mapping[str, Estimate] = field(default_factory=dict)

    def tables_of(self) -> dict[str, Any]:
        settings = {
            "currency": "EUR", "price_year": 2025, "discount_rate": "3.2 %", "follow_up": 1,
        }  # fmt: skip
        declared = {**settings, **self.settings}
        return {"map": declared, "inputs": self.inputs, "lines": self.lines, **self.tables}

    def findings(self) -> tuple[Finding, ...]:
        try:
            return ValueMap.from_dict(self.tables_of()).account(self.effects).findings
        except ImpactEvalError as error:
            return error.findings


def effect(
    name: str = "emploi", *, n: int | None = 100, counterfactual: bool = True
) -> dict[str, Estimate]:
    """Return an effect of 10 people out of 100, measured on `n` people accompanied."""
    row = wald_effect(
        outcome=name, estimand="att", term="att", estimate=0.10, std_error=0.03, n_treated=n
    )
    made = Estimate(
        outcome=name,
        estimand="att",
        method=MethodRecord("did" if counterfactual else "before_after"),
        effects=(row,),
        covariance=np.array([[0.03**2]]),
        counterfactual=counterfactual,
    )
    return {name: made}


RSA = {**OWN_KIND, "parameter": "rsa_single@2025-04", "per_year": 12}

WRONG: dict[str, list[Map]] = {
    "G1": [
        Map(
            "un poids mort sur un effet estimé",
            [line({**LINKED, "deadweight": "20 %"}, estimate="emploi")],
            "deadweight_on_net_effect",
            effects=effect(),
        ),
        Map(
            "une attribution sur un effet estimé",
            [line(LINKED, estimate="emploi", attribution="30 %")],
            "deadweight_on_net_effect",
            effects=effect(),
        ),
        Map(
            "un poids mort incertain sur un effet estimé",
            [line({**LINKED, "deadweight": "0 % [0 % ; 20 %] triangular"}, estimate="emploi")],
            "deadweight_on_net_effect",
            effects=effect(),
        ),
        Map(
            "une quantité dite nette",
            [line(indicator_source="Écart avec un groupe témoin")],
            "guard_deadweight_on_net_words",
        ),
        Map(
            "« effet net » dans l’effet",
            [line(outcome="Effet net sur les liens")],
            "guard_deadweight_on_net_words",
        ),
    ],
    "G2": [
        Map(
            "rien n’est dit du poids mort",
            [line(deadweight=None)],
            "guard_gross_without_deadweight",
            blocks=True,
        ),
        Map(
            "0 % écrit pour passer",
            [line(deadweight="0 %")],
            "guard_gross_without_deadweight",
            blocks=True,
        ),
        Map(
            "une évolution sans comparaison prise pour un effet",
            [line(LINKED, estimate="emploi")],
            "guard_gross_without_deadweight",
            blocks=True,
            effects=effect(counterfactual=False),
        ),
        Map("100 % pour 1 %", [line(deadweight="100 %")], "guard_share_takes_all"),
        Map(
            "toute la valeur attribuée à d’autres",
            [line(attribution="100 %")],
            "guard_share_takes_all",
        ),
    ],
    "G3": [
        Map(
            "revenu et bien-être, sous deux mots",
            [
                line(outcome="Revenu", basis="income"),
                line(id="b", outcome="Bien-être", basis="wellby", proxy=13_000),
            ],
            "guard_same_welfare_twice",
            blocks=True,
        ),
        Map(
            "sans fondement déclaré, par les mots seuls",
            [
                line(outcome="Gain de salaire"),
                line(id="b", outcome="Satisfaction de vie", proxy=900),
            ],
            "guard_same_welfare_twice",
            blocks=True,
        ),
        Map(
            "deux noms pour les mêmes personnes",
            [
                line(
                    stakeholder="Bénéficiaires",
                    outcome="Emploi",
                    basis="income",
                    displacement="10 %",
                ),
                line(id="b", outcome="Mieux-être", proxy_source="Valeur d’un WELLBY", proxy=13_000),
            ],
            "guard_same_welfare_twice",
            blocks=True,
        ),
        Map(
            "QALY et consentement à payer pour la même santé",
            [
                line(outcome="Santé", basis="qaly"),
                line(id="b", outcome="Santé", basis="willingness_to_pay", proxy=70),
            ],
            "guard_same_welfare_twice",
            blocks=True,
        ),
        Map(
            "revenu de dix personnes, bien-être de cent",
            [
                line(outcome="Revenu", basis="income"),
                line(id="b", outcome="Bien-être", quantity=100, proxy=900),
            ],
            "guard_same_people_twice",
        ),
        Map(
            "le salaire, puis le revenu",
            [
                line(outcome="Salaire", kind="resource_gain", proxy=9_000),
                line(id="b", outcome="Hausse de revenu", kind="resource_gain", proxy=7_000),
            ],
            "guard_income_twice",
        ),
        Map(
            "la même ligne sous deux identifiants",
            [line(), line(id="b")],
            "guard_line_twice",
            blocks=True,
        ),
        Map(
            "la même ligne, les capitales en plus",
            [line(), line(id="b", outcome="LIENS AVEC LES VOISINS")],
            "guard_line_twice",
            blocks=True,
        ),
        Map(
            "même prix, même quantité, un autre nom",
            [line(), line(id="b", outcome="Entraide")],
            "guard_lines_alike",
        ),
        Map(
            "le RSA à côté du cas qui le contient",
            [
                line(
                    {**LINKED, **JOB, **FIGURE, "kind": None, "receiver": None},
                    estimate="emploi",
                    per_year=12,
                    case="rsa_single_to_half_smic",
                ),
                line(
                    {**LINKED, **RSA, "kind": None, "receiver": None},
                    id="rsa",
                    outcome="RSA en moins",
                    estimate="emploi",
                ),
            ],
            "guard_in_the_case",
            blocks=True,
            effects=effect(),
        ),
    ],
    "G4": [
        Map(
            "le RSA comme un coût évité",
            [line(SAVING, outcome="RSA évité", payer="departement")],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "« Sorties du rsa », au pluriel et en minuscules",
            [line(SAVING | {"outcome": "Sorties du rsa", "payer": "departement"})],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "des cotisations comme un gain de la Sécurité sociale",
            [line(outcome="Cotisations", kind="resource_gain", receiver="social_security")],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "l’ARE dans la source du prix",
            [
                line(
                    SAVING
                    | {
                        "outcome": "Mois en moins",
                        "payer": "unedic",
                        "proxy_source": "ARE moyenne, Unédic",
                    }
                )
            ],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "le chômage évité",
            [line(SAVING | {"outcome": "Chômage évité"})],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "la prime d’activité reçue, comptée comme une richesse",
            [line(outcome="Prime d’activité obtenue", kind="resource_gain")],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "la famille dit « aah »",
            [line(SAVING, family="aah")],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "APL et recettes fiscales de l’État",
            [
                line(SAVING | {"outcome": "A.P.L. non versées"}),
                line(
                    id="b",
                    outcome="Impôts en plus",
                    kind="resource_gain",
                    receiver="state",
                    proxy=90,
                ),
            ],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "un flux du lot",
            [
                line(
                    FLOWS,
                    bundle=[
                        {
                            "name": "rsa",
                            "kind": "avoided_cost",
                            "payer": "departement",
                            "amount": 500,
                        }
                    ],
                )
            ],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "in English: housing benefit saved",
            [line(SAVING | {"outcome": "Housing benefits no longer paid"})],
            "guard_transfer_as_resource",
            blocks=True,
        ),
        Map(
            "le transfert du catalogue, changé en économie",
            [line(RSA, SAVING, FIGURE, id="rsa")],
            "guard_transfer_turned_resource",
            blocks=True,
        ),
        Map(
            "un transfert sans personne en face",
            [line(kind="transfer", receiver="beneficiary")],
            "transfer_without_counterpart",
        ),
        Map(
            "un coût avec un signe moins",
            [line(kind="resource_cost", payer="employer", receiver=None, proxy=-300)],
            "guard_cost_below_zero",
            blocks=True,
        ),
    ],
    "G5": [
        Map("rien n’est dit du coût", [line(SAVING | {"costing": None})], "guard_average_cost"),
        Map("un coût moyen", [line(SAVING | {"costing": "average"})], "guard_average_cost"),
        Map(
            "le prix de journée dit marginal",
            [line(SAVING | {"proxy_source": "Prix de journée de l’hôtel"})],
            "guard_average_said_marginal",
        ),
        Map(
            "le coût moyen du catalogue dit marginal",
            [line(SAVING | {"parameter": "chrs_place@senate", **FIGURE})],
            "guard_average_said_marginal",
        ),
        Map(
            "tout le coût moyen est récupéré",
            [line(SAVING | {"costing": "average", "cashable": "100 %"})],
            "guard_average_recovered",
        ),
        Map(
            "rien n’est dit de ce que le budget récupère",
            [line(SAVING | {"cashable": None})],
            "cashable_unknown",
        ),
        Map(
            "une économie cachée dans un lot",
            [
                line(
                    FLOWS,
                    bundle=[
                        {"name": "nuit", "kind": "avoided_cost", "payer": "state", "amount": 20}
                    ],
                )
            ],
            "guard_average_cost",
        ),
    ],
    "G6": [
        Map(
            "le décrochage du catalogue sur cinq ans",
            [line(OWN_KIND, parameter="dropout_lifetime@2025", duration=5, persistence="70 %")],
            "lifetime_with_duration",
        ),
        Map(
            "340 000 € tapés, et cinq ans",
            [line(outcome="Décrochages évités", proxy=340_000, duration=5)],
            "guard_lifetime_every_year",
            blocks=True,
        ),
        Map(
            "une durée, et « sur toute la vie » dans la source",
            [line(proxy_source="Coût sur toute la vie, rapport 2019", proxy=90_000, duration=3)],
            "guard_lifetime_every_year",
            blocks=True,
        ),
        Map(
            "le catalogue contredit",
            [line(OWN_KIND, parameter="dropout_lifetime@2025", lifetime="non", duration=2)],
            "guard_lifetime_every_year",
            blocks=True,
        ),
        Map(
            "la vie entière comme un an observé",
            [line(proxy_source="Lifetime cost, 2019", proxy=9_000)],
            "guard_lifetime_unsaid",
        ),
        Map(
            "un prix énorme sur dix ans",
            [line(outcome="Parcours sauvé", proxy=250_000, duration=10)],
            "guard_price_of_a_life",
        ),
    ],
    "G7": [
        Map(
            "le décrochage et le RSA",
            [
                line(
                    FIGURE | {"kind": None, "receiver": None, "duration": None},
                    persistence="70 %",
                    parameter="dropout_lifetime@2025",
                ),
                line(RSA, id="rsa", outcome="RSA en moins"),
            ],
            "guard_lifetime_overlap",
            blocks=True,
        ),
        Map(
            "le décrochage et les hospitalisations, par les mots",
            [
                line(outcome="Décrochages évités", proxy=340_000),
                line(SAVING | {"outcome": "Hospitalisations en moins"}, id="b"),
            ],
            "guard_lifetime_overlap",
            blocks=True,
        ),
        Map(
            "une vie entière et le salaire",
            [
                line(
                    lifetime="oui",
                    persistence="50 %",
                    duration=None,
                    proxy=90_000,
                    outcome="Parcours de vie",
                ),
                line(JOB, id="b", proxy=9_000, proxy_source="Salaire net médian, Insee 2023"),
            ],
            "guard_lifetime_overlap",
            blocks=True,
        ),
        Map(
            "le coût du chômage, et les allocations",
            [
                line(
                    FIGURE | {"kind": "avoided_cost", "receiver": None, "payer": "unedic"},
                    costing="average",
                    parameter="unemployment_cost@2015",
                    outcome="Mois en moins",
                ),
                line(
                    id="b",
                    family="unemployment",
                    kind="avoided_transfer",
                    payer="unedic",
                    outcome="ARE",
                ),
            ],
            "guard_lifetime_overlap",
            blocks=True,
        ),
    ],
    "G8": [
        Map(
            "trois ans comptés, un an suivi", [line(duration=3, drop_off="20 %")], "guard_projected"
        ),
        Map(
            "24 mois tapés comme des années",
            [line(duration=24, drop_off="10 %")],
            "guard_projected_far",
        ),
        Map("un effet qui ne s’use jamais", [line(duration=4)], "guard_never_fades"),
        Map(
            "un suivi de 18 mois tapé 18",
            [line()],
            "guard_follow_up_long",
            settings={"follow_up": 18},
        ),
        Map(
            "une courbe de survie plus longue que le suivi",
            [line(duration=None, survival=[1, 0.8, 0.5])],
            "guard_projected",
        ),
    ],
    "G9": [
        Map(
            "un effet mesuré, et passé sous silence",
            [line(LINKED, estimate="emploi")],
            "guard_outcome_not_valued",
            effects=effect() | effect("santé"),
        ),
        Map(
            "écarté car non significatif",
            [line()],
            "guard_left_out_for_its_result",
            tables={"dropped": [{"outcome": "Santé", "reason": "Résultat non significatif"}]},
        ),
        Map(
            "une ligne écartée pour son effet nul",
            [
                line(),
                line(
                    id="b", outcome="Santé", quantity=9, included=False, reason="pas d’effet mesuré"
                ),
            ],
            "guard_left_out_for_its_result",
        ),
        Map(
            "la seule perte est écartée",
            [
                line(),
                line(id="b", outcome="Fatigue", quantity=-4, included=False, reason="hors sujet"),
            ],
            "guard_loss_left_out",
        ),
        Map(
            "not significant, in a note",
            [line()],
            "guard_left_out_for_its_result",
            tables={
                "not_monetised": [
                    {"id": "n", "stakeholder": "x", "outcome": "Health", "note": "Not significant"}
                ]
            },
        ),
    ],
    "G10": [
        Map(
            "deux financeurs, 60 % et 70 % du même effet",
            [line(attribution="40 %"), line(id="b", attribution="30 %")],
            "guard_attribution_over_one",
            blocks=True,
        ),
        Map(
            "les mêmes parts, une majuscule en plus",
            [
                line(attribution="40 %"),
                line(id="b", attribution="30 %", outcome="liens avec les Voisins"),
            ],
            "guard_attribution_over_one",
            blocks=True,
        ),
        Map(
            "trois financeurs à moitié chacun",
            [
                line(attribution="50 %"),
                line(id="b", attribution="50 %"),
                line(id="c", attribution="50 %"),
            ],
            "guard_attribution_over_one",
            blocks=True,
        ),
    ],
    "G11": [
        Map(
            "« Retour à l’emploi », sans pilier",
            [line(JOB | {"displacement": None})],
            "guard_no_displacement",
        ),
        Map(
            "« CDI signés », 0 % écrit",
            [line(outcome="CDI signés", displacement="0 %")],
            "guard_no_displacement",
        ),
        Map(
            "« Embauches en insertion »",
            [line(outcome="Embauches en chantier d’insertion")],
            "guard_no_displacement",
        ),
        Map("le pilier", [line(pillar="emploi")], "guard_no_displacement"),
        Map(
            "le cas socio-fiscal",
            [
                line(
                    OWN_KIND,
                    outcome="Situation meilleure",
                    per_year=12,
                    case="rsa_single_to_half_smic",
                )
            ],
            "guard_no_displacement",
        ),
        Map("hired, in English", [line(outcome="People hired")], "guard_no_displacement"),
    ],
    "G12": [
        Map(
            "une ligne sur deux fait presque tout",
            [line(), line(id="b", outcome="Calme", proxy=9_000)],
            "guard_one_line_dominates",
        ),
        Map(
            "une perte fait presque tout",
            [line(), line(id="b", outcome="Fatigue", proxy=-9_000)],
            "guard_one_line_dominates",
        ),
        Map(
            "un seul effet, coupé en deux lignes",
            [
                line(),
                line(id="b", proxy=250, kind="resource_gain"),
                line(id="c", outcome="Calme", proxy=400),
            ],
            "guard_one_outcome_dominates",
        ),
    ],
    "G13": [
        Map(
            "48 000 personnes pour 100 suivies",
            [line(LINKED | {"people": 48_000}, estimate="emploi")],
            "guard_people_beyond_study",
            blocks=True,
            effects=effect(),
        ),
        Map(
            "300 personnes pour 100 suivies",
            [line(LINKED | {"people": 300}, estimate="emploi")],
            "guard_people_beyond_study",
            effects=effect(),
        ),
        Map(
            "le nombre de personnes de la carte",
            [line(LINKED | {"people": None}, estimate="emploi")],
            "guard_people_beyond_study",
            blocks=True,
            settings={"people": 5_000},
            effects=effect(),
        ),
        Map(
            "plus de personnes que d’éligibles",
            [line(people=900)],
            "guard_more_people_than_eligible",
            blocks=True,
            settings={"eligible": 500},
        ),
        Map(
            "900 emplois pour 500 éligibles",
            [line(JOB | {"quantity": 900})],
            "guard_more_people_than_eligible",
            blocks=True,
            settings={"eligible": 500},
        ),
    ],
    "G14": [
        Map("aucune source", [line(proxy_source=None)], "guard_price_without_source"),
        Map(
            "« à compléter » pour source",
            [line(proxy_source="À compléter")],
            "guard_price_without_source",
        ),
        Map("« ? » pour source", [line(proxy_source="?")], "guard_price_without_source"),
        Map(
            "« estimation interne » pour source",
            [line(proxy_source="Estimation interne")],
            "guard_price_without_source",
        ),
        Map("une marque « non vérifié »", [line(mark="non vérifié")], "guard_price_unverified"),
        Map("une date française, passée", [line(expires="31/12/2021")], "guard_price_expired"),
        Map("un prix de 2012", [line(price_year=2012)], "guard_price_old"),
        Map(
            "un prix du catalogue rajeuni",
            [
                line(
                    {**RSA, "parameter": "rsa_single@2019-04", "kind": None, "receiver": None}
                    | {"price_year": 2025}
                )
            ],
            "guard_price_year_changed",
        ),
        Map(
            "un prix du catalogue retouché",
            [
                line(
                    RSA
                    | {
                        "proxy": 900,
                        "currency": "EUR",
                        "price_year": 2025,
                        "kind": "avoided_transfer",
                        "payer": "departement",
                        "receiver": "beneficiary",
                    }
                )
            ],
            "parameter_changed",
        ),
    ],
    "G15": [
        Map(
            "le temps donné, rien de ce qu’ils en retirent",
            [line()],
            "guard_volunteers_one_sided",
            inputs=[GRANT, HOURS],
        ),
        Map(
            "ce qu’ils en retirent, sans le temps donné",
            [line(stakeholder="Bénévoles", receiver="volunteers")],
            "guard_volunteers_one_sided",
        ),
        Map(
            "les mêmes heures, en don et en temps",
            [line()],
            "guard_volunteers_twice",
            inputs=[
                GRANT,
                HOURS,
                {
                    **GRANT,
                    "id": "don",
                    "stakeholder": "Association",
                    "kind": "in_kind",
                    "description": "Valorisation du bénévolat",
                },
            ],
        ),
        Map(
            "les heures données comptées comme un résultat",
            [
                line(
                    stakeholder="Association",
                    receiver="association",
                    outcome="Temps offert",
                    quantity=500,
                    proxy=14,
                    kind="resource_gain",
                    deadweight="1 %",
                )
            ],
            "guard_volunteers_as_gain",
            blocks=True,
            inputs=[GRANT, HOURS],
        ),
        Map(
            "« heures de bénévolat » comptées comme un gain",
            [
                line(
                    stakeholder="Association",
                    receiver="association",
                    outcome="Heures de bénévolat",
                    kind="resource_gain",
                )
            ],
            "guard_volunteers_as_gain",
            blocks=True,
            inputs=[GRANT, HOURS],
        ),
    ],
}

RIGHT: dict[str, list[Map]] = {
    "G1": [
        Map(
            "un effet estimé, sans poids mort", [line(LINKED, estimate="emploi")], effects=effect()
        ),
        Map(
            "une évolution sans comparaison, avec poids mort",
            [line(LINKED | {"deadweight": "30 %"}, estimate="emploi")],
            effects=effect(counterfactual=False),
        ),
        Map(
            "une quantité brute et son poids mort",
            [line(indicator_source="Registre de l’association")],
        ),
    ],
    "G2": [
        Map("un poids mort déclaré", [line()]),
        Map("un effet comparé", [line(LINKED, estimate="emploi")], effects=effect()),
        Map(
            "un coût pour l’employeur",
            [line(kind="resource_cost", payer="employer", receiver=None, deadweight=None)],
        ),
    ],
    "G3": [
        Map(
            "revenu des uns, bien-être des autres",
            [
                line(stakeholder="Femmes", outcome="Revenu", basis="income"),
                line(
                    id="b",
                    stakeholder="Voisins",
                    receiver="neighbours",
                    outcome="Bien-être",
                    basis="wellby",
                    proxy=900,
                ),
            ],
        ),
        Map(
            "revenu de dix personnes, santé de trois autres",
            [
                line(outcome="Revenu", basis="income"),
                line(id="b", outcome="Santé", basis="qaly", quantity=3),
            ],
        ),
        Map("un même prix, deux années qui se suivent", [line(), line(id="b", start=2)]),
        Map(
            "une chute évitée, deux prix qui s’ajoutent",
            [line(SAVING), line(SAVING | {"proxy": 4_900}, id="b")],
        ),
        Map(
            "un même prix pour les femmes et pour les hommes",
            [line(stakeholder="Femmes"), line(id="b", stakeholder="Hommes")],
        ),
        Map(
            "le cas socio-fiscal seul",
            [
                line(
                    OWN_KIND,
                    outcome="Emploi",
                    displacement="10 %",
                    per_year=12,
                    case="rsa_single_to_half_smic",
                )
            ],
        ),
        Map(
            "salaire gagné, RSA perdu en transfert",
            [
                line(JOB, proxy=9_000, proxy_source="Salaire médian, Insee 2023"),
                line(RSA, id="rsa", outcome="RSA en moins"),
            ],
        ),
    ],
    "G4": [
        Map("le RSA en transfert évité", [line(RSA, outcome="RSA en moins")]),
        Map(
            "le travail du référent RSA, un vrai coût",
            [
                line(
                    SAVING
                    | {
                        "outcome": "Accompagnement RSA en moins",
                        "proxy_source": "Coût d’un référent RSA",
                    }
                )
            ],
        ),
        Map(
            "un salaire pour des allocataires du RSA",
            [
                line(
                    JOB,
                    stakeholder="Allocataires du RSA",
                    change="Sortie du RSA",
                    proxy_source="Salaire net, Insee",
                )
            ],
        ),
        Map(
            "le bien-être de bénéficiaires du RSA", [line(outcome="Moral des bénéficiaires du RSA")]
        ),
        Map("people who ARE housed", [line(SAVING | {"outcome": "People who are housed"})]),
        Map("des nuits d’hôtel évitées", [line(SAVING)]),
        Map(
            "une perte estimée sur un coût",
            [line(kind="resource_cost", payer="employer", receiver=None)],
        ),
        Map(
            "une prestation versée parmi les ressources",
            [line()],
            inputs=[
                GRANT,
                {
                    **GRANT,
                    "id": "aide",
                    "kind": "transfer",
                    "receiver": "beneficiary",
                    "description": "Allocation versée",
                },
            ],
        ),
    ],
    "G5": [
        Map("un coût marginal, à moitié récupéré", [line(SAVING)]),
        Map("aucun coût évité", [line()]),
        Map("un transfert évité n’a pas de coût moyen", [line(RSA)]),
    ],
    "G6": [
        Map(
            "le décrochage avec sa persistance",
            [
                line(
                    FIGURE | {"kind": None, "receiver": None, "duration": None},
                    persistence="70 %",
                    parameter="dropout_lifetime@2025",
                )
            ],
        ),
        Map(
            "« formation tout au long de la vie »",
            [line(outcome="Formation tout au long de la vie", duration=3, drop_off="10 %")],
        ),
        Map(
            "une place d’hébergement, deux ans", [line(SAVING, proxy_unit="par place", duration=2)]
        ),
        Map(
            "une valeur sur la vie, dite",
            [
                line(
                    lifetime="oui",
                    persistence="50 %",
                    duration=None,
                    proxy_source="Sur toute la vie, rapport 2019",
                )
            ],
        ),
    ],
    "G7": [
        Map(
            "une vie entière, et le voisinage",
            [
                line(
                    lifetime="oui",
                    persistence="50 %",
                    duration=None,
                    proxy=90_000,
                    outcome="Parcours de vie",
                ),
                line(
                    id="b",
                    outcome="Calme du quartier",
                    receiver="neighbours",
                    stakeholder="Voisins",
                ),
            ],
        ),
        Map(
            "le RSA et le salaire, sans vie entière",
            [line(JOB), line(RSA, id="rsa", outcome="RSA en moins")],
        ),
        Map(
            "une année de vie en bonne santé, et moins d’urgences",
            [
                line(
                    parameter="qaly_wtp@2020", **FIGURE | {"kind": None, "receiver": "beneficiary"}
                ),
                line(SAVING | {"outcome": "Passages aux urgences"}, id="b"),
            ],
        ),
    ],
    "G8": [
        Map("un an compté, un an suivi", [line()]),
        Map(
            "trois ans comptés, trois ans suivis",
            [line(duration=3, drop_off="10 %")],
            settings={"follow_up": 3},
        ),
        Map("le suivi de la ligne", [line(duration=2, drop_off="10 %", follow_up=2)]),
    ],
    "G9": [
        Map(
            "tout ce qui est mesuré a une valeur",
            [line(LINKED, estimate="emploi")],
            effects=effect(),
        ),
        Map(
            "un effet sans prix, dit",
            [line(LINKED, estimate="emploi")],
            effects=effect() | effect("santé"),
            tables={"dropped": [{"outcome": "santé", "reason": "Aucun prix connu"}]},
        ),
        Map("une perte, comptée", [line(), line(id="b", outcome="Fatigue", quantity=-4)]),
    ],
    "G10": [
        Map(
            "60 % et 40 % du même effet",
            [line(attribution="40 %"), line(id="b", attribution="60 %")],
        ),
        Map(
            "une même part sur deux prix d’une même chute",
            [
                line(SAVING, attribution="5 %"),
                line(SAVING | {"proxy": 4_900}, id="b", attribution="5 %"),
            ],
        ),
        Map(
            "deux effets de deux publics",
            [
                line(attribution="5 %"),
                line(id="b", attribution="5 %", stakeholder="Voisins", receiver="neighbours"),
            ],
        ),
    ],
    "G11": [
        Map("un emploi, 20 % de déplacement", [line(JOB)]),
        Map("« insertion sociale »", [line(outcome="Insertion sociale des demandeurs d’emploi")]),
        Map("« emploi du temps »", [line(outcome="Un emploi du temps plus régulier")]),
        Map(
            "le tuteur chez l’employeur",
            [
                line(
                    outcome="Temps de tutorat en emploi",
                    kind="resource_cost",
                    payer="employer",
                    receiver=None,
                )
            ],
        ),
    ],
    "G12": [
        Map("deux lignes égales", [line(), line(id="b", outcome="Calme", receiver="neighbours")]),
        Map("une seule ligne", [line()]),
        Map(
            "trois effets qui se valent",
            [
                line(),
                line(id="b", outcome="Calme", proxy=310),
                line(id="c", outcome="Sommeil", proxy=290),
            ],
        ),
    ],
    "G13": [
        Map("les personnes suivies", [line(LINKED, estimate="emploi")], effects=effect()),
        Map(
            "quelques personnes de plus, sans réponse",
            [line(LINKED | {"people": 120}, estimate="emploi")],
            effects=effect(),
        ),
        Map(
            "l’étude ne dit pas combien",
            [line(LINKED | {"people": 900}, estimate="emploi")],
            effects=effect(n=None),
        ),
        Map(
            "12 000 heures d’insertion pour 500 personnes",
            [line(JOB | {"outcome": "Heures d’insertion", "quantity": 12_000})],
            settings={"eligible": 500},
        ),
    ],
    "G14": [
        Map("une source, une année", [line()]),
        Map("un prix du catalogue", [line(RSA, outcome="RSA en moins")]),
        Map("une marque « vérifié »", [line(mark="Vérifié", expires="31/12/2099")]),
        Map("une estimation publiée", [line(proxy_source="Estimation Insee, enquête Emploi 2023")]),
    ],
    "G15": [
        Map(
            "le temps donné, et ce qu’ils en retirent",
            [
                line(
                    id="b",
                    stakeholder="Bénévoles",
                    receiver="volunteers",
                    outcome="Plaisir d’aider",
                )
            ],
            inputs=[GRANT, HOURS],
        ),
        Map(
            "ce qu’ils en retirent, dit sans prix",
            [line()],
            inputs=[GRANT, HOURS],
            tables={
                "dropped": [
                    {
                        "outcome": "Plaisir d’aider",
                        "reason": "sans prix",
                        "stakeholder": "Bénévoles",
                    }
                ]
            },
        ),
        Map("aucun bénévole", [line()]),
        Map(
            "ils sont dans la partie prenante, pas dans le receveur",
            [line(stakeholder="Bénévoles", outcome="Plaisir d’aider")],
            inputs=[GRANT, HOURS],
        ),
    ],
}


def _rows(table: dict[str, list[Map]]) -> list[Any]:
    return [
        pytest.param(guard, case, id=f"{guard}: {case.form}")
        for guard, cases in table.items()
        for case in cases
    ]


def test_every_guard_has_three_forms_of_its_mistake_and_three_right_maps() -> None:
    for table in (WRONG, RIGHT):
        assert list(table) == list(GUARDS)
        assert min(len(cases) for cases in table.values()) >= 3


@pytest.mark.parametrize(("guard", "case"), _rows(WRONG))
def test_the_mistake_is_told(guard: str, case: Map) -> None:
    findings = [f for f in case.findings() if f.code == case.code]
    assert case.code in GUARDS[guard]
    assert findings, Counter(f.code for f in case.findings())
    assert any(f.values.get("blocks") for f in findings) == case.blocks


@pytest.mark.parametrize(("guard", "case"), _rows(WRONG))
def test_what_is_told_has_words_and_passes_the_gate(guard: str, case: Map) -> None:
    findings = [f for f in case.findings() if f.code in GUARDS[guard]]
    for finding in findings:
        for language in ("fr", "en"):
            texts = Texts(language)
            told = texts.say(f"finding.{finding.code}", **finding.values)
            assert not re.search(r"[{}]|None", told), told
        if finding.severity is Severity.ERROR:
            continue  # it stops the run: nothing of it is published
        wanted = {name for name, _ in placeholders(Texts("fr").source(f"finding.{finding.code}"))}
        for name in wanted:
            rule = declared(finding.code, name)
            assert rule.rule is not Rule.INSIDE, name
            assert fits(finding.values[name], rule.kind), (name, finding.values[name])


@pytest.mark.parametrize("guard", ["G2", "G3", "G4", "G5", "G6", "G8", "G11", "G14", "G15"])
@pytest.mark.parametrize("table", [WRONG, RIGHT], ids=["wrong", "right"])
def test_a_workbook_says_the_same(guard: str, table: dict[str, list[Map]], tmp_path: Path) -> None:
    for case in table[guard]:
        if case.effects:
            continue
        try:
            value_map = ValueMap.from_dict(case.tables_of())
        except ImpactEvalError:
            continue
        value_map.write(tmp_path / "carte.xlsx")
        again = ValueMap.read(tmp_path / "carte.xlsx").account()
        assert [f.code for f in again.findings] == [f.code for f in case.findings()]


def test_a_guard_is_set_aside_with_its_reason_and_who_says_so() -> None:
    service = line(
        SAVING, outcome="Droits ouverts", proxy_source="Allocation logement : temps passé"
    )
    override = {
        "guard": "G4",
        "line": "liens",
        "reason": "temps d’agents",
        "author": "CCAS de Lens",
    }
    case = Map("", [service], tables={"overrides": [override]})
    (aside,) = [f for f in case.findings() if f.code == "guard_overridden"]
    assert aside.values["found"] == "guard_transfer_as_resource"
    assert (aside.values["author"], aside.values["reason"]) == ("CCAS de Lens", "temps d’agents")
    assert not any(f.values.get("blocks") for f in case.findings())


def test_what_the_catalogue_says_is_never_set_aside() -> None:
    override = {"guard": "G4", "reason": "nous préférons"}
    forced = Map("", [line(RSA, SAVING, FIGURE)], tables={"overrides": [override]})
    assert any(f.values.get("blocks") for f in forced.findings())
    named = {"guard": "guard_transfer_turned_resource", "reason": "nous préférons"}
    refused = Map("", [line(RSA, SAVING, FIGURE)], tables={"overrides": [named]})
    assert [f.code for f in refused.findings()] == ["override_not_allowed"]


@pytest.mark.parametrize(("guard", "case"), _rows(RIGHT))
def test_a_map_that_is_right_is_left_in_peace(guard: str, case: Map) -> None:
    said = {f.code for f in case.findings()}
    assert said.isdisjoint(GUARDS[guard]), said
    account = ValueMap.from_dict(case.tables_of()).account(case.effects)
    assert {s.guard: s.status for s in guard_statuses(account)}[guard] == "passed"


def test_the_quiet_line_is_quiet() -> None:
    assert Map("", [line()]).findings() == ()
