"""Euros of several studies: amounts add up, ratios never, and what has no proof stays apart."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impact_eval.core.findings import NotApplicable
from impact_eval.pipeline.territory_account import consolidate_studies
from impact_eval.portfolio.accounts import AccountsTogether, SumOfAccounts
from impact_eval.portfolio.accounts_record import AccountsRecord
from impact_eval.portfolio.portfolio import Portfolio
from impact_eval.report.html import render_html
from impact_eval.report.narrative_portfolio import portfolio_blocks
from impact_eval.results.account_records import (
    AccountSection,
    ValueRefused,
    record_of_account,
)
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.records import StudyResults
from impact_eval.value import ValueMap, tell

HERE = Path(__file__).parent
STUDY: Callable[..., StudyResults] = runpy.run_path(str(HERE / "test_portfolio.py"))["study"]
VALUE = runpy.run_path(str(HERE.parent / "value" / "conftest.py"))
TABLES, ESTIMATE = VALUE["tables"], VALUE["estimate_of"]
OUTCOME = "emploi_6m"
PRICE = 20_000


def results(
    name: str, effect: float = 0.10, se: float = 0.02, *, level: int = 3, data: str = "",
    declared: bool = False, cost: int = 100_000, **changes: Any,
) -> StudyResults:  # fmt: skip
    """A study of 100 people with an account: effect x 100 x price against its cost."""
    found = STUDY(name, effect, se, level=level, data=data)
    line: dict[str, Any] = {"proxy": PRICE, "input__amount": cost, "map__discount_rate": "0"}
    if not declared:
        line |= {
            "quantity": None, "estimate": OUTCOME, "unit": "share", "people": 100,
            "deadweight": None,
        }  # fmt: skip
    else:
        line |= {"quantity": "10 [8 ; 12] normal"}
    value_map = ValueMap.from_dict(TABLES(**(line | changes)))
    estimates = {OUTCOME: ESTIMATE(OUTCOME, [("att", None, effect, se)])}
    account = value_map.account({} if declared else estimates)
    section = record_of_account(account, tell(account, seed=7, draws=500))
    return found.model_copy(update={"value": section})


def together(tmp_path: Path, *studies: StudyResults) -> AccountsTogether:
    for number, study in enumerate(studies):
        place = tmp_path / f"{number}-{study.study.id}"
        place.mkdir()
        study.write(place)
    found = Portfolio.read(["*/results.json"], folder=tmp_path).value()
    assert found is not None
    return found


def total_of(found: AccountsTogether) -> SumOfAccounts:
    assert isinstance(found.total, SumOfAccounts)
    return found.total


def report(tmp_path: Path, found: AccountsTogether, language: str = "fr") -> str:
    pooled = Portfolio.read(["*/results.json"], folder=tmp_path).pooling(OUTCOME)
    page = render_html(portfolio_blocks(pooled, AccountsRecord.of(found)), {}, language)
    page = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]*>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", page)


def test_amounts_add_up_by_payer_and_by_year(tmp_path: Path) -> None:
    found = together(tmp_path, results("a", 0.10), results("b", 0.05, cost=50_000))
    total = total_of(found)
    assert total.consolidated.benefits == PRICE * 15  # 100 people x (0.10 + 0.05)
    assert total.consolidated.costs == 150_000
    assert total.consolidated.net == sum(total.consolidated.matrix.values())
    assert total.consolidated.ratio == Decimal(2)
    assert sum(total.gains.values()) - sum(total.pays.values()) == total.consolidated.net
    assert total.level == 3
    assert found.excluded == ()


def test_the_interval_is_that_of_independent_studies_with_one_seed(tmp_path: Path) -> None:
    """Closed form: two normal effects of one study file's seed do not move together."""
    found = together(tmp_path, results("a"), results("b"), results("c"))
    spread = np.sqrt(3) * 0.02 * 100 * PRICE
    net = total_of(found).uncertainty.net
    assert net.std == pytest.approx(spread, rel=0.03)
    assert net.conf_high - net.conf_low == pytest.approx(2 * 1.96 * spread, rel=0.05)
    assert total_of(found).uncertainty.ratio_low == pytest.approx(
        2 - 1.96 * spread / 300_000, abs=0.03
    )


@pytest.mark.parametrize(
    ("study", "code"),
    [
        (lambda: results("c", level=2), "account_level_too_low"),
        (lambda: results("c", level=1), "account_level_too_low"),
        (lambda: results("c", se=0.0), "account_effect_without_error"),
        (lambda: results("c", declared=True, deadweight=None), "account_blocked"),
        (lambda: results("c", cost=0), "account_no_cost"),
        (lambda: results("c", data="a"), "account_same_data"),
        (lambda: results("c", map__price_year=2024), "account_other_setting"),
        (lambda: results("c", map__discount_rate="0.045"), "account_other_setting"),
        (
            lambda: results("c", map__discount_rate=None, map__discount_schedule="green_book"),
            "account_other_setting",
        ),
        (
            lambda: results("c").model_copy(
                update={"value": ValueRefused(not_applicable="value_withheld")}
            ),
            "account_refused",
        ),
    ],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_has_no_proof_is_left_apart_in_words(
    tmp_path: Path, study: Callable[[], StudyResults], code: str, language: str
) -> None:
    found = together(tmp_path, results("a"), results("b"), study())
    assert [(e.entry.study, e.reason.reason) for e in found.excluded] == [("c", code)]
    assert [part.entry.study for part in found.included] == ["a", "b"]
    assert total_of(found).consolidated.costs == 200_000
    said = report(tmp_path, found, language)
    assert code not in said
    assert not re.findall(r"\[[a-z_]+(?:\.[a-z_0-9]+)*\]|\{[a-z_:]+\}", said)
    assert ("n’est pas dans la somme" if language == "fr" else "is not in the sum") in said
    assert ("1 étude n’y est pas" if language == "fr" else "1 study is not in it") in said


def test_a_sum_of_hypotheses_has_no_ratio_and_no_chance(tmp_path: Path) -> None:
    found = together(tmp_path, results("a"), results("b", declared=True))
    record: Any = AccountsRecord.of(found).to_dict()
    assert record["total"]["hypothesis"] == ["b"]
    assert record["total"]["ratio"]["not_applicable"] == "sum_is_hypothesis"
    assert record["total"]["chance"] is None
    said = report(tmp_path, found)
    assert "Si les quantités déclarées sont justes" in said
    assert "Pour 1 € engagé" not in said


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("effects", "french"),
    [
        ((0.20, 0.20), "montrent 800 000 € de valeur"),
        ((0.05, 0.06), "ne permettent pas de dire"),
        ((-0.10, -0.05), "une valeur inférieure"),
    ],
)
def test_the_verb_obeys_the_interval(
    tmp_path: Path, effects: tuple[float, float], french: str, language: str
) -> None:
    found = together(tmp_path, *(results(n, e) for n, e in zip("ab", effects, strict=True)))
    said = report(tmp_path, found, language)
    if language == "fr":
        assert french in said.replace("\u00a0", " ").replace("\u202f", " ")
    assert not re.findall(r"\[[a-z_]+(?:\.[a-z_0-9]+)*\]|\{[a-z_:]+\}", said)


def test_the_interval_told_of_the_ratio_is_its_own(tmp_path: Path) -> None:
    found = together(tmp_path, results("a"), results("b"))
    drawn = total_of(found).uncertainty
    assert drawn.ratio_low is not None
    said = report(tmp_path, found, "en").replace("\u00a0", " ").replace("\u202f", " ")
    told = re.findall(r"For each €1 spent, €2.00 of value \(.*?€([0-9.]+).*?€([0-9.]+)\)", said)
    assert told
    assert told[0] == (f"{drawn.ratio_low:.2f}", f"{drawn.ratio_high:.2f}")


def test_one_account_is_no_sum(tmp_path: Path) -> None:
    bare = STUDY("b", 0.1, 0.02).model_copy(update={"value": None})
    found = together(tmp_path, results("a"), bare)
    assert isinstance(found.total, NotApplicable)
    assert found.total.reason == "too_few_accounts"
    assert found.without == ("b",)
    assert "un seul peut y entrer" in report(tmp_path, found)


def test_the_command_stores_the_sum_and_nothing_changes_without_value(tmp_path: Path) -> None:
    place = tmp_path / "etudes"
    place.mkdir()
    found = together(place, results("a"), results("b"))
    files = consolidate_studies([place / "*/results.json"], outcome=OUTCOME, output=tmp_path / "s")
    names = {path.name for path in files}
    assert names >= {"accounts.json", "portfolio.json", "rapport-fr.html"}
    stored = json.loads((tmp_path / "s" / "accounts.json").read_text(encoding="utf-8"))
    assert stored == AccountsRecord.of(found).to_dict()
    assert stored["total"]["net"]["estimate"] == 200_000
    assert AccountsRecord.model_validate_json(json.dumps(stored)).to_dict() == stored
    bare = tmp_path / "sans"
    bare.mkdir()
    for name in "ab":
        (bare / name).mkdir()
        STUDY(name, 0.1, 0.02).model_copy(update={"value": None}).write(bare / name)
    files = consolidate_studies([bare / "*/results.json"], outcome=OUTCOME, output=tmp_path / "t")
    assert "accounts.json" not in {path.name for path in files}
    assert Portfolio.read([bare / "*/results.json"]).value() is None


@pytest.mark.parametrize(
    ("proxies", "shared"),
    [
        (("20000 [15000 ; 25000] normal",) * 2, True),
        (("20000 [15000 ; 25000] normal", "20000 [18000 ; 22000] normal"), False),
        (("20000", "20000"), False),
    ],
)
def test_an_uncertain_price_of_several_accounts_is_told(
    tmp_path: Path, proxies: tuple[str, str], shared: bool
) -> None:
    found = together(tmp_path, *(results(n, proxy=p) for n, p in zip("ab", proxies, strict=True)))
    codes = [f.code for f in found.findings if f.code == "prices_shared"]
    assert bool(codes) == shared


def test_another_money_than_the_euro_is_told_in_it(tmp_path: Path) -> None:
    pounds: dict[str, Any] = {"map__currency": "GBP", "currency": "GBP", "input__currency": "GBP"}
    found = together(tmp_path, results("a", **pounds), results("b", 0.12, **pounds))
    said = report(tmp_path, found).replace("\u00a0", " ").replace("\u202f", " ")
    assert "440 000 GBP de valeur pour 200 000 GBP engagés" in said
    assert "1 € dépensé" not in said


def test_a_null_study_enters_the_sum_and_its_own_amount_is_not_told(tmp_path: Path) -> None:
    """To add only what succeeded would inflate the sum."""
    found = together(tmp_path, results("a"), results("b"), results("nul", 0.01))
    assert [part.entry.study for part in found.included] == ["a", "b", "nul"]
    assert total_of(found).consolidated.costs == 300_000
    record: Any = AccountsRecord.of(found).to_dict()
    assert [(s["study"], s["net"]) for s in record["studies"]] == [
        ("a", 100_000), ("b", 100_000), ("nul", None)
    ]  # fmt: skip
    assert "n’additionner que les réussites" in report(tmp_path, found)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_null_studies_together_tell_no_value(tmp_path: Path, language: str) -> None:
    found = together(tmp_path, results("a", 0.01), results("b", -0.02))
    assert isinstance(found.total, NotApplicable)
    assert found.total.reason == "sum_of_null_effects"
    record: Any = AccountsRecord.of(found).to_dict()
    assert {s["benefits"] for s in record["studies"]} == {None}
    said = report(tmp_path, found, language).replace("\u00a0", " ").replace("\u202f", " ")
    assert "20 000 €" not in said
    assert "€20,000" not in said
    assert ("seuls les coûts" if language == "fr" else "only the costs") in said


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("code", ["value_without_comparison", "effect_without_error"])
def test_a_study_that_tells_no_amount_of_its_own_is_apart(
    tmp_path: Path, code: str, language: str
) -> None:
    study = results("c", 0.09)
    standing = RefusalRecord.of(NotApplicable.because(code, outcomes=(OUTCOME,)))
    assert isinstance(study.value, AccountSection)
    told = study.value.told.model_copy(update={"standing": standing})
    study = study.model_copy(update={"value": study.value.model_copy(update={"told": told})})
    found = together(tmp_path, results("a"), results("b", 0.12), study)
    assert [e.entry.study for e in found.excluded] == ["c"]
    said = report(tmp_path, found, language)
    assert code not in said
    assert ".." not in said


def test_a_schedule_that_all_share_is_told(tmp_path: Path) -> None:
    by_period: dict[str, Any] = {
        "map__discount_rate": None, "map__discount_schedule": "green_book",
    }  # fmt: skip
    found = together(tmp_path, results("a", **by_period), results("b", 0.12, **by_period))
    assert "taux d’actualisation par période" in report(tmp_path, found)
