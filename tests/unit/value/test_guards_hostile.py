"""Mistakes on which the guards were silent: one gain, one cost, one map counted twice, and so on.

Maps are written as people write them; the expected codes come from what each sum is, by hand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from impact_eval.core.findings import Finding
from impact_eval.report.texts import Texts
from impact_eval.results.value_names import declared, fits
from impact_eval.value.account.guards import GUARDS
from tests.unit.value.test_guards_as_users_err import JOB, LINKED, Map, effect, line

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
