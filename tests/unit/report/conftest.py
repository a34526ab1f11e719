"""A made-up `results.json`, rich enough to fill every section of a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LABELS = {
    "emploi_6m": {"fr": "Emploi à six mois", "en": "In work at six months"},
    "permis": {"fr": "Permis de conduire obtenu", "en": "Driving licence obtained"},
}


def effect(estimate: float, se: float, **more: Any) -> dict[str, Any]:
    row = {
        "outcome": "emploi_6m",
        "estimand": "att",
        "term": "att",
        "group": None,
        "time": None,
        "estimate": estimate,
        "std_error": se or None,
        "df": None,
        "statistic": estimate / se if se else None,
        "p_value": 0.02 if se else None,
        "conf_low": estimate - 1.96 * se if se else None,
        "conf_high": estimate + 1.96 * se if se else None,
        "conf_level": 0.95,
        "n_treated": 312,
        "n_comparison": 390,
        "n_clusters": 12,
    }
    return {**row, **more}


def estimate(*effects: dict[str, Any], method: str, counterfactual: bool) -> dict[str, Any]:
    return {
        "outcome": effects[0]["outcome"],
        "estimand": "att",
        "method": {"name": method, "options": {}, "covariance": "CR2"},
        "counterfactual": counterfactual,
        "effects": list(effects),
        "covariance": [[None] * len(effects) for _ in effects],
        "findings": [],
        "flow": [],
        "details": {},
    }


def record(outcome: str, role: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "label": LABELS[outcome],
        "unit": "share",
        "direction": "higher_is_better",
        "primary": outcome == "emploi_6m",
        "role": role,
        "question": {"outcome": outcome, "estimand": "att"},
        "estimate": content,
        "bands": [],
        "evidence": None,
        "smallest_detectable": None,
        "declared_smallest_effect": None,
        "mean_comparison": None,
        **more,
    }


def level(n: int, reasons: tuple[str, ...] = ("design_ceiling",)) -> dict[str, Any]:
    raises = ("measure_before_and_after", "add_comparison_group", "build_own_comparison")
    would = (*raises, "draw_lots")[n : n + 1]
    return {
        "level": n,
        "ceiling": n,
        "reasons": list(reasons),
        "would_raise": list(would),
        "caps": {},
    }


def event_record() -> dict[str, Any]:
    points = [
        (-3, 0.004, 0.013),
        (-2, -0.006, 0.012),
        (-1, 0.0, 0.0),
        (0, 0.010, 0.013),
        (1, 0.045, 0.016),
        (2, 0.081, 0.019),
    ]
    rows = [effect(b, se, term="event", time=float(t)) for t, b, se in points]
    bands = [
        {"key": f"event[{t}]", "conf_low": b - 2.7 * se, "conf_high": b + 2.7 * se}
        for t, b, se in points
    ]
    content = estimate(*rows, method="callaway_santanna", counterfactual=True)
    return record("emploi_6m", "event", content, bands=bands)


def checks() -> list[dict[str, Any]]:
    def check(code: str, status: str, **more: Any) -> dict[str, Any]:
        base = {
            "code": code,
            "status": status,
            "statistic": None,
            "p_value": None,
            "values": {},
            "rows": [],
            "reason": None,
        }
        return {"outcome": "emploi_6m", "check": {**base, **more}}

    balance = [
        {
            "variable": name,
            "standardised": value,
            "variance_ratio": 1.1,
            "n_treated": 312,
            "n_comparison": 390,
        }
        for name, value in (("Âge", 0.04), ("Femme", 0.08), ("Ancienneté au chômage", 0.17))
    ]
    honest = [
        {"m": m, "conf_low": 0.062 - 0.05 - 0.04 * m, "conf_high": 0.062 + 0.05 + 0.05 * m}
        for m in (0.5, 1.0, 2.0)
    ]
    return [
        check("pretrends", "passed", statistic=0.31, p_value=0.86, values={"n_periods": 2}),
        check(
            "balance",
            "warning",
            reason="balance_notable",
            statistic=4.1,
            p_value=0.25,
            rows=balance,
            values={
                "largest": 0.17,
                "n_variables": 3,
                "n_large": 0,
                "n_notable": 1,
                "variable": "Ancienneté au chômage",
            },
        ),
        check(
            "honest_did",
            "passed",
            rows=honest,
            values={"conf_low": 0.011, "conf_high": 0.113, "breakdown": 0.6, "n_pre": 2},
        ),
        check("attrition", "not_applicable", reason="no_testable_row"),
    ]


def scores() -> list[dict[str, Any]]:
    return [
        {
            "instrument": "rses-fr",
            "name": {"fr": "Estime de soi (Rosenberg)", "en": "Self-esteem (Rosenberg)"},
            "unit": "score",
            "n": 96,
            "before": {"mean": 26.1, "sd": 5.2},
            "after": {"mean": 28.0, "sd": 5.0},
            "change": {
                "estimate": 1.9,
                "std_error": 0.45,
                "conf_low": 1.0,
                "conf_high": 2.8,
                "p_value": 0.0001,
                "n": 94,
            },
            "reliability": {"alpha": 0.86, "conf_low": 0.81, "conf_high": 0.90, "n": 96},
            "detectable_change": 5.4,
            "people": {"improved": 31, "stable": 50, "worsened": 13},
            "categories": [
                {"fr": "Pas du tout d’accord", "en": "Strongly disagree"},
                {"fr": "Plutôt pas", "en": "Disagree"},
                {"fr": "Plutôt", "en": "Agree"},
                {"fr": "Tout à fait d’accord", "en": "Strongly agree"},
            ],
            "items": [
                {
                    "label": {
                        "fr": "Je pense que je suis une personne de valeur",
                        "en": "I feel that I am a person of worth",
                    },
                    "before": [12, 26, 40, 16],
                    "after": [11, 20, 41, 22],
                },
                {
                    "label": {
                        "fr": "Je pense que je possède un certain nombre de belles qualités",
                        "en": "I feel that I have a number of good qualities",
                    },
                    "before": [14, 30, 35, 15],
                    "after": [11, 16, 43, 24],
                },
            ],
            "bins": [
                {"low": 10, "high": 20, "before": 18, "after": 12},
                {"low": 20, "high": 25, "before": 30, "after": 22},
                {"low": 25, "high": 30, "before": 26, "after": 30},
                {"low": 30, "high": 40, "before": 20, "after": 30},
            ],
            "findings": [],
        }
    ]


def value(evidence: int = 3) -> dict[str, Any]:
    return {
        "level": evidence,
        "people": 312,
        "net": {"estimate": 52_000.0, "low": -18_000.0, "high": 121_000.0},
        "ratio": {"estimate": 1.58, "low": 0.80, "high": 2.34},
        "per_outcome": {"estimate": 4_650.0, "low": 2_600.0, "high": 24_000.0},
        "per_person": 289.0,
        "parties": [
            {
                "name": {"fr": "Personnes accompagnées", "en": "People supported"},
                "pays": 3_000.0,
                "gains": 61_000.0,
            },
            {"name": "Département", "pays": 60_000.0, "gains": 33_000.0},
            {
                "name": {"fr": "État et Sécurité sociale", "en": "State and social security"},
                "pays": 27_000.0,
                "gains": 48_000.0,
            },
        ],
        "lines": [
            {
                "name": {"fr": "Revenu du travail", "en": "Earnings"},
                "quantity": 19.4,
                "unit_value": 4_200.0,
                "amount": 81_480.0,
                "source": "Insee, 2024",
            },
        ],
        "sensitivity": [
            {
                "name": {"fr": "Résultat sur l’emploi", "en": "Result on work"},
                "low": -40_000.0,
                "high": 150_000.0,
            },
            {
                "name": {"fr": "Durée du résultat", "en": "How long it lasts"},
                "low": 10_000.0,
                "high": 90_000.0,
            },
            {
                "name": {"fr": "Coût par personne", "en": "Cost per person"},
                "low": 80_000.0,
                "high": 30_000.0,
            },
        ],
        "switching": [
            {
                "name": {"fr": "Durée du résultat", "en": "How long it lasts"},
                "value": {"fr": "7 mois", "en": "7 months"},
            }
        ],
        "cumulative": [
            {"year": 2024, "balance": -90_000.0, "low": -95_000.0, "high": -80_000.0},
            {"year": 2025, "balance": -30_000.0, "low": -60_000.0, "high": -5_000.0},
            {"year": 2026, "balance": 52_000.0, "low": -18_000.0, "high": 121_000.0},
        ],
        "acceptability": [[0.0, 0.02], [2_000.0, 0.2], [4_000.0, 0.46], [8_000.0, 0.9]],
        "findings": [],
    }


def results(evidence: int = 3, estimate_: float = 0.062, se: float = 0.024) -> dict[str, Any]:
    counterfactual = evidence >= 2
    method = {0: "before_after", 1: "before_after", 4: "difference_in_means"}.get(
        evidence, "callaway_santanna"
    )
    main = estimate(effect(estimate_, se), method=method, counterfactual=counterfactual)
    other = estimate(
        effect(0.115, 0.038, outcome="permis"), method=method, counterfactual=counterfactual
    )
    naive = estimate(effect(0.041, 0.022), method="twfe", counterfactual=True)
    estimates = [
        record(
            "emploi_6m",
            "main",
            main,
            evidence=level(evidence),
            smallest_detectable=2.8 * se,
            mean_comparison=0.31,
        ),
        record("permis", "main", other, evidence=level(evidence), smallest_detectable=0.107),
    ]
    if counterfactual:
        estimates += [event_record(), record("emploi_6m", "naive", naive)]
    return {
        "schema": "impact-eval/results/1",
        "study": {
            "id": "mobilite",
            "title": {
                "fr": "Lever les freins à la mobilité vers l’emploi",
                "en": "Removing mobility barriers to work",
            },
            "territory": "01",
            "territory_name": {"fr": "Ain", "en": "Ain"},
            "contract": "Contrat local des solidarités 2024-2027",
            "pillar": "emploi",
            "action": {"fr": "Plateforme de mobilité", "en": "Mobility platform"},
            "period": ["2024-01-01", "2025-12-31"],
            "operator": "Association Roue Libre",
            "privacy": {"threshold": 11, "profile": "menages"},
        },
        "data": {
            "file": "donnees.xlsx",
            "n_units": 702,
            "flow": [
                {"step": "read", "n": 812, "dropped": 0, "reason": None},
                {"step": "outcome_observed", "n": 702, "dropped": 110, "reason": None},
            ],
        },
        "estimates": estimates,
        "checks": checks(),
        "scores": scores(),
        "value": value(evidence),
        "findings": [],
        "disclosure": {},
        "provenance": {
            "versions": {"python": "3.11.9", "impact_eval": "0.1.0", "numpy": "2.4.6"},
            "seed": 20240101,
            "data_sha256": "9f" * 32,
            "study_sha256": "1c" * 32,
            "template_sha256": None,
            "run_at": "2026-11-23T08:00:00+00:00",
        },
    }


@pytest.fixture(scope="session")
def make_results() -> Callable[..., dict[str, Any]]:
    """Make a rich `results.json` at an evidence level."""
    return results
