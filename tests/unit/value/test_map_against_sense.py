"""Maps that are well written and make no sense: what each says, and that no total stands on it.

The expected answers come from what the cells mean: one euro is worth one euro, nobody is housed
twice, a study that measured nothing confirms no number typed beside it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impact_eval.core.estimate import Estimate, MethodRecord, wald_effect
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.vocabulary import Direction, Unit
from impact_eval.report.texts import Texts
from impact_eval.value import Account, ValueMap
from impact_eval.value.account.guards import GUARDS, guard_statuses
from impact_eval.value.account.study_facts import OutcomeFacts

LANGUAGES = ("fr", "en")
SETTINGS = {"currency": "EUR", "price_year": 2025, "discount_rate": "3.2 %", "follow_up": 1}
GRANT = {
    "id": "subvention", "stakeholder": "Département", "payer": "departement", "amount": 10_000,
    "currency": "EUR", "price_year": 2025,
}  # fmt: skip
LINE = {
    "id": "liens", "stakeholder": "Personnes accompagnées", "outcome": "Liens avec les voisins",
    "unit": "count", "quantity": 10, "kind": "non_market", "receiver": "beneficiary", "proxy": 300,
    "proxy_source": "Insee, enquête 2023, tableau 4", "currency": "EUR", "price_year": 2025,
    "duration": 1, "deadweight": "20 %",
}  # fmt: skip


def account_of(
    *lines: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[Mapping[str, Any]] = (),
    **given: Any,
) -> Account:
    """Return the account of the quiet line with other cells; None takes a cell away."""
    rows = [{k: v for k, v in (LINE | dict(cells)).items() if v is not None} for cells in lines]
    own = SETTINGS | dict(settings or {})
    tables = {"map": own, "inputs": [GRANT], "lines": rows, "overrides": [*overrides]}
    return ValueMap.from_dict(tables).account(**given)


def found(account: Account, code: str) -> list[Finding]:
    return [finding for finding in account.findings if finding.code == code]


def refused(account: Account) -> set[str]:
    """Return the codes that refuse the totals, and check how the refusal is told."""
    if account.refusal is None:
        return set()
    guards = account.refusal.values["guards"]
    assert isinstance(guards, tuple)
    codes = [str(code) for code in guards]
    assert len(codes) == len(set(codes))
    for language in LANGUAGES:
        told = Texts(language).say("reason.ratio_refused", **account.refusal.values)
        assert not any(code in told for code in codes), told
    rows = {row.guard for row in guard_statuses(account) if row.status == "blocked"}
    assert rows == {guard for guard, held in GUARDS.items() if set(codes) & set(held)}
    return set(codes)


# --- the log and the sentence -----------------------------------------------------------------


def _refusing(root: Path) -> Iterator[str]:
    """Yield the codes of the findings that may refuse the totals, as the sources make them."""
    for file in sorted((root / "impact_eval" / "value").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and any(k.arg == "blocks" for k in node.keywords):
                assert isinstance(node.args[0], ast.Constant), file
                yield str(node.args[0].value)


def test_whatever_refuses_the_totals_has_its_row_and_its_words(root: Path) -> None:
    codes = set(_refusing(root))
    assert len(codes) > 15
    rows = [code for held in GUARDS.values() for code in held]
    assert codes <= set(rows)
    assert len(rows) == len(set(rows))  # one row each
    for language in LANGUAGES:
        assert {code for code in codes if f"label.{code}" not in Texts(language)} == set()


def test_the_log_tells_what_refuses() -> None:
    account = account_of({"duration": 24})
    assert "duration_perhaps_months" in refused(account)
    (row,) = [row for row in guard_statuses(account) if row.guard == "G8"]
    assert (row.status, row.lines) == ("blocked", ("liens",))


def test_two_lines_of_one_mistake_are_said_once() -> None:
    rsa = {"outcome": "RSA évité", "kind": "avoided_cost", "payer": "departement", "receiver": None}
    account = account_of(rsa, rsa | {"id": "b", "outcome": "APL évitée", "proxy": 90})
    assert len(found(account, "guard_transfer_as_resource")) == 2
    assert refused(account) == {"guard_transfer_as_resource"}


@pytest.mark.parametrize("name", ["duration_perhaps_months", "direction_against_study"])
def test_what_has_only_to_be_written_out_is_never_set_aside(name: str) -> None:
    tables = {
        "map": SETTINGS, "inputs": [GRANT], "lines": [LINE],
        "overrides": [{"guard": name, "reason": "nous préférons"}],
    }  # fmt: skip
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(tables).account()
    assert caught.value.codes == ("override_not_allowed",)


# --- months read as years ---------------------------------------------------------------------


@pytest.mark.parametrize("months", [6, "6", 12, 18, 24, 36, 48, 60, 11, 15, 20])
def test_a_bare_length_that_people_write_in_months_stops_the_totals(months: int | str) -> None:
    asked = account_of({"duration": months})
    assert refused(asked) == {"duration_perhaps_months"}
    said = account_of({"duration": f"{months} ans"})
    assert refused(said) == set()


@pytest.mark.parametrize("years", [7, 8, 9, 10])
def test_a_bare_length_that_nobody_followed_is_asked_about(years: int) -> None:
    account = account_of({"duration": years})
    (asked,) = found(account, "duration_without_unit")
    assert refused(account) == set()
    for language, word in (("fr", f"{years} ans"), ("en", f"{years} years")):
        assert word in Texts(language).say("finding.duration_without_unit", **asked.values)


@pytest.mark.parametrize(
    ("duration", "followed"),
    [(1, None), (3, 1), (5, 1), ("6 mois", 1), ("8 ans", 1), (6, 3), (9, 2), (12, 6), ("7,5", 1)],
)
def test_a_length_that_leaves_no_doubt_is_left_in_peace(duration: Any, followed: Any) -> None:
    account = account_of({"duration": duration}, settings={"follow_up": followed})
    assert not [f for f in account.findings if f.code.startswith("duration")]


@pytest.mark.parametrize("file", ["carte.toml", "carte.xlsx"])
def test_writing_a_map_neither_asks_nor_answers(file: str, tmp_path: Path) -> None:
    for typed, codes in (("8 ans", []), (8, ["duration_without_unit"]), ("12 ans", [])):
        tables = {"map": SETTINGS, "inputs": [GRANT], "lines": [LINE | {"duration": typed}]}
        first = ValueMap.from_dict(tables)
        for language in LANGUAGES:
            first.write(tmp_path / file, language)
            again = ValueMap.read(tmp_path / file)
            assert [f.code for f in again.noticed] == codes
            assert again == first


# --- prices that do not go with what is counted -----------------------------------------------

MONEY = {"outcome": "Reste à vivre", "unit": "eur", "quantity": 200}
A_MONTH = {"proxy": 1, "per_year": 12}


@pytest.mark.parametrize(
    "price",
    [
        {"proxy": 200},
        {"proxy": 2},
        {"proxy": 9_600},
        {"proxy": 12, "per_year": 12},
        {"proxy": 1, "per_year": 200},
        {"proxy": 30, "currency": "GBP", "exchange_rate": "1.17"},
        {"proxy": "200 [150 ; 250] pert"},
        {
            "proxy": None, "kind": None, "receiver": None,
            "bundle": [{"name": "x", "kind": "resource_gain", "receiver": "beneficiary",
                        "amount": 300}],
        },
    ],
)  # fmt: skip
def test_a_euro_is_worth_a_euro(price: dict[str, Any]) -> None:
    assert refused(account_of(MONEY | price)) == {"guard_price_of_a_euro"}


@pytest.mark.parametrize(
    "price",
    [
        {"proxy": 1},
        A_MONTH,
        {"proxy": 12},
        {"proxy": "0.22", "per_year": 12},  # what is levied on each euro of wage
        {"proxy": 1, "per_year": 4},
        {"proxy": "0.86", "currency": "GBP", "exchange_rate": "1.17"},
    ],
)
def test_a_euro_counted_each_month_passes(price: dict[str, Any]) -> None:
    assert refused(account_of(MONEY | price)) == set()


def test_a_price_of_a_euro_is_set_aside_with_its_reason() -> None:
    rows = [LINE | MONEY | {"proxy": "1.4"}]
    override = {"guard": "guard_price_of_a_euro", "reason": "coût pour l’employeur d’un euro net"}
    tables = {"map": SETTINGS, "inputs": [GRANT], "lines": rows, "overrides": [override]}
    assert refused(ValueMap.from_dict(tables).account()) == set()


@pytest.mark.parametrize(
    "price",
    [{"proxy": 9_600_000}, {"proxy": 90_000, "per_year": 12}, {"proxy": 2_000_000, "quantity": 2}],
)
def test_millions_for_one_person_and_one_year_stop_the_totals(price: dict[str, Any]) -> None:
    assert refused(account_of(price)) == {"guard_price_beyond_reason"}


@pytest.mark.parametrize(
    "price",
    [
        {"proxy": 1_000_000},
        {"proxy": 3_000_000, "proxy_source": "Valeur de la vie statistique, 2013, p. 12"},
        {"proxy": 3_000_000, "outcome": "Décès évités"},
        {"proxy": 1_500_000, "quantity": 1},  # the whole outcome, priced at once
        {"proxy": 3_000_000, "lifetime": "oui", "persistence": "50 %", "duration": None},
        {"proxy": 9_600_000, "currency": "JPY"},
    ],
)
def test_a_life_or_a_whole_outcome_may_be_worth_millions(price: dict[str, Any]) -> None:
    currency = {"currency": price.get("currency", "EUR")}
    rows = [{k: v for k, v in (LINE | price).items() if v is not None}]
    tables = {
        "map": SETTINGS | currency | {"price_index": "none"}, "inputs": [GRANT | currency],
        "lines": rows,
    }  # fmt: skip
    if currency["currency"] == "EUR":
        tables["map"] = SETTINGS
    account = ValueMap.from_dict(tables).account()
    assert not found(account, "guard_price_beyond_reason")


SAVED = {"kind": "avoided_cost", "payer": "state", "receiver": None, "cashable": "50 %"}


@pytest.mark.parametrize(
    "cells",
    [
        {"kind": "resource_gain", "proxy": -9_600},
        SAVED | {"proxy": -50},
        {"proxy": -50, "quantity": -10},
        {"proxy": -50, "direction": "lower_is_better", "quantity": -10},
    ],
)
def test_a_gain_with_a_minus_sign_is_asked_about(cells: dict[str, Any]) -> None:
    assert refused(account_of(cells)) == {"guard_gain_below_zero"}


@pytest.mark.parametrize(
    "cells",
    [
        {"outcome": "Fatigue", "proxy": -300},  # a loss that has no market
        {"outcome": "Fatigue", "quantity": -4},
        {"kind": "resource_cost", "payer": "employer", "receiver": None},
    ],
)
def test_a_loss_may_be_counted(cells: dict[str, Any]) -> None:
    assert refused(account_of(cells)) == set()


# --- more people than the action has ----------------------------------------------------------

HOUSED = {"outcome": "Logement stable"}
HIRED = {"outcome": "Retour à l’emploi", "kind": "resource_gain", "displacement": "20 %"}


@pytest.mark.parametrize(
    ("cells", "blocks"),
    [
        (HOUSED | {"quantity": 5_000}, True),
        (HOUSED | {"quantity": 1_000}, False),  # told, and a person may be housed twice
        (HOUSED | {"unit": "share", "quantity": 201}, True),
        (HIRED | {"quantity": 250}, True),
        ({"outcome": "Être logé à 6 mois", "quantity": 5_000}, True),
        (HOUSED | {"quantity": 2_500, "stakeholder": "Femmes suivies"}, True),
    ],
)
def test_more_people_than_the_action_has(cells: dict[str, Any], blocks: bool) -> None:
    for account in (
        account_of(cells, settings={"people": 200}),
        account_of(cells, people=200.0),
    ):
        (told,) = found(account, "guard_people_beyond_action")
        assert refused(account) == ({told.code} if blocks else set())


@pytest.mark.parametrize(
    "cells",
    [
        HOUSED | {"quantity": 200},
        {"outcome": "Nuits à l’abri", "quantity": 5_000},
        {"outcome": "Entraide", "indicator": "Heures de visite", "quantity": 5_000},
        {"outcome": "Calme", "stakeholder": "Voisins", "receiver": "neighbours", "quantity": 5_000},
        SAVED | {"outcome": "Dossiers en moins", "stakeholder": "État", "quantity": 5_000},
    ],
)
def test_what_people_have_several_of_is_left_in_peace(cells: dict[str, Any]) -> None:
    account = account_of(cells, settings={"people": 200})
    assert not found(account, "guard_people_beyond_action")
    assert not found(account_of(HOUSED | {"quantity": 5_000}), "guard_people_beyond_action")


# --- a number typed for what the study measured -----------------------------------------------

LABELS = ("Être en emploi", "Being in work")
TYPED = {"kind": "resource_gain", "quantity": 60, "displacement": "20 %", "deadweight": "10 %"}


def beside(outcome: str, size: float, overrides: Sequence[Any] = ()) -> Account:
    """Return the account of 60 jobs typed beside a study of 200 people and of this effect."""
    row = wald_effect(
        outcome="y1", estimand="att", term="att", estimate=size, std_error=0.05, n_treated=200
    )
    estimate = Estimate(
        outcome="y1", estimand="att", method=MethodRecord("difference_in_means"), effects=(row,),
        covariance=np.array([[0.05**2]]), counterfactual=True,
    )  # fmt: skip
    known = OutcomeFacts(
        labels=LABELS, unit=Unit.SHARE, direction=Direction.HIGHER, people=200, level=4
    )
    return account_of(
        TYPED | {"outcome": outcome},
        settings={"people": 200},
        overrides=overrides,
        estimates={"y1": estimate},
        facts={"y1": known},
    )


@pytest.mark.parametrize(
    "outcome", ["Être en emploi", "Etre en emploi", "ETRE  EN EMPLOI.", "être à l’emploi", "y1"]
)
def test_a_name_is_known_whatever_its_writing(outcome: str) -> None:
    assert refused(beside(outcome, 0.0)) == {"declared_beyond_study"}
    assert found(beside(outcome, 0.25), "declared_though_measured")


@pytest.mark.parametrize(
    "outcome",
    [
        "Être en emploi à 6 mois", "Sorties en emploi", "Emploi retrouvé",
        "Retour au travail durable",
        "CDI obtenus", "Retrouver un travail", "Back to work after 12 months", "People hired",
    ],
)  # fmt: skip
def test_other_words_for_what_the_study_did_not_find_stop_the_totals(outcome: str) -> None:
    account = beside(outcome, 0.0)
    assert refused(account) == {"declared_beyond_alike"}
    (told,) = found(account, "declared_beyond_alike")
    assert told.values["outcome"] == "y1"
    # as many as the study finds, or a part of them: asked, and no more
    for size in (0.25, 0.6):
        confirmed = beside(outcome, size)
        assert found(confirmed, "declared_perhaps_measured")
        assert refused(confirmed) == set()


@pytest.mark.parametrize("outcome", ["Confiance pour l’emploi", "Formation vers l’emploi"])
def test_words_in_common_are_asked_about(outcome: str) -> None:
    account = beside(outcome, 0.0)
    assert found(account, "declared_perhaps_measured")
    assert refused(account) == set()


@pytest.mark.parametrize(
    "outcome",
    [
        "Moins d’isolement", "Logement stable", "Perte d’emploi évitée", "Insertion sociale",
        "Un emploi du temps plus régulier", "Santé", "Sans emploi", "Moral", "Sorties du RSA",
    ],
)  # fmt: skip
def test_another_outcome_is_left_in_peace(outcome: str) -> None:
    account = beside(outcome, 0.0)
    assert not [f for f in account.findings if f.code.startswith("declared_")]


def test_another_outcome_under_a_near_name_is_set_aside_with_its_reason() -> None:
    override = {
        "guard": "declared_beyond_alike", "line": "liens", "reason": "emplois des conjoints",
    }  # fmt: skip
    account = beside("Sorties en emploi", 0.0, overrides=[override])
    assert refused(account) == set()
    assert found(account, "guard_overridden")


def test_the_words_of_the_new_findings_are_told() -> None:
    for account in (beside("CDI obtenus", 0.0), beside("CDI obtenus", 0.25)):
        for finding in account.findings:
            for language in LANGUAGES:
                told = Texts(language).say(f"finding.{finding.code}", **finding.values)
                assert not re.search(r"[{}]|None", told)
