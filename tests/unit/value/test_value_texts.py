"""Every code of the value floor is told in both languages, with the values it really carries."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.report.texts import Texts
from impact_eval.value import Account, ValueMap
from impact_eval.value.account.guards import guard_statuses
from impact_eval.value.map.choices import Agent, Basis, FlowKind, InputKind, LineKind
from impact_eval.value.readouts.cba import cost_benefit
from impact_eval.value.readouts.mvpf import account_mvpf
from impact_eval.value.readouts.published_value import tell as told_of
from impact_eval.value.readouts.ratio_sentence import Headline

LANGUAGES = ("fr", "en")
MAKERS = (
    r'(?:Finding\.(?:error|warning|info)|CellFault|_warn|(?<![\w.])add)\(\s*"([a-z0-9_]+)"',
    r'because\(\s*"([a-z0-9_]+)"',
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_words(root: Path, language: str) -> None:
    texts = Texts(language)
    source = "\n".join(p.read_text("utf-8") for p in (root / "impact_eval/value").rglob("*.py"))
    findings = set(re.findall(MAKERS[0], source))
    reasons = set(re.findall(MAKERS[1], source)) | {"option_dominated", "option_extended_dominated"}
    assert len(findings) > 90
    assert {c for c in findings if f"finding.{c}" not in texts} == set()
    assert {c for c in reasons if f"reason.{c}" not in texts} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_choice_has_a_label(language: str) -> None:
    texts = Texts(language)
    for choices in (Agent, FlowKind, LineKind, InputKind, Basis):
        for member in choices:
            assert f"label.{member.value}" in texts, member
    for agent in Agent:
        assert f"agent.{agent.value}" in texts
    for code in ("society", "public"):
        assert f"label.{code}" in texts


def tell(items: tuple[Finding | NotApplicable, ...]) -> None:
    for language in LANGUAGES:
        texts = Texts(language)
        for item in items:
            code = item.code if isinstance(item, Finding) else item.reason
            path = f"{'finding' if isinstance(item, Finding) else 'reason'}.{code}"
            said = texts.say(path, **item.values)  # a missing value raises
            assert not re.search(r"[{}]|None", said), said
            if f"{path}.repair" in texts:
                assert texts.say(f"{path}.repair", **item.values)


def test_refusals_carry_what_their_sentence_needs(make_tables: Callable[..., Any]) -> None:
    raw = make_tables(
        deadweight="120 %", unit="personnne", price_year=None, currency="GBP", receiver=None,
        duration=-1, people=0, deadwight=1, proxy="5 [9 ; 3]", attribution="5 % [1 % ; 9 %] normal",
        displacement="5 % [1 % ; 99 %] beta", survival=[0.5, 1], included=False, growth=3,
        start=0, sample_size=1.5, lifetime="peut-être", bundle="abc", quantity=None,
        map__currency="euros", map__price_year=25, map__discount_rate=3.2, input__amount=-4,
        input__payer="la CAFF", overrides=[{"guard": "G5", "line": "zz"}],
        correlations=[{"first": "a.proxy", "second": "zz.x", "rho": 2}],
    )  # fmt: skip
    raw["rien"] = []
    raw["schema"] = "autre"
    raw["outputs"] = "beaucoup"
    raw["lines"] += [raw["lines"][0], {**raw["lines"][0], "parameter": "chrs_place", "proxy": None}]
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(raw)
    assert len(set(caught.value.codes)) > 20
    tell(caught.value.findings)


def test_quantity_refusals_are_told(make_tables: Callable[..., Any], employment: Any) -> None:
    raw = make_tables(quantity=None, estimate="employment", unit="eur", deadweight="10 %")
    line = {**raw["lines"][0], "unit": "share"}
    raw["lines"] += [
        {**line, "id": "b", "estimate": "x"},
        {**line, "id": "c", "unit": "log100"},
        {**line, "id": "d", "people": 3, "term": "event", "deadweight": "0 %"},
        {**line, "id": "e", "people": 3, "take_up": "none", "deadweight": "0 %"},
    ]
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(raw).account({"employment": employment})
    tell(caught.value.findings)
    assert {"no_people", "no_event_study", "unknown_estimate"} <= set(caught.value.codes)


def test_guards_and_read_outs_are_told(insertion: Account, make_tables: Callable[..., Any]) -> None:
    summary = told_of(insertion, seed=1, draws=200)
    tell(insertion.findings)
    raw = make_tables(
        pillar="emploi", people=80, map__eligible=50, kind="avoided_cost", payer="state",
        price_year=2012, expires="2020-01-01", mark="M", duration=3, deadweight=None,
        input__kind="volunteer_time", basis="income", map__follow_up=None, covers=["rsa"],
        dropped=[{"outcome": "z", "reason": "r"}],
        overrides=[{"guard": "G5", "line": "a", "reason": "prix négocié"}],
    )  # fmt: skip
    line = raw["lines"][0]
    raw["lines"] += [
        {**line, "id": "b", "basis": "qaly", "family": "rsa", "attribution": "1 %"},
        {**line, "id": "c", "attribution": "1 %", "deadweight": "1 %"},
        {**line, "id": "d", "included": False, "reason": "doute"},
        {**{k: v for k, v in line.items() if k not in ("proxy", "price_year", "payer", "kind")},
         "id": "e", "parameter": "chrs_place@senate"},
    ]  # fmt: skip
    account = ValueMap.from_dict(raw).account()
    told = told_of(account, seed=1, draws=200)
    findings = (*account.findings, *summary.findings, *told.findings)
    assert len({f.code for f in findings}) >= 14
    tell(findings)
    reasons = [told.headline, told.ratio, account_mvpf(account), account.sroi().ratio,
               cost_benefit(account).net_per_public_euro]  # fmt: skip
    tell(tuple(r for r in reasons if isinstance(r, NotApplicable)))
    assert isinstance(summary.headline, Headline)
    for language in LANGUAGES:
        texts = Texts(language)
        values = asdict(summary.headline)
        said = texts.say(values.pop("code"), **values)
        assert "95" in said
        assert "3 ans" in said or "3 years" in said
        for found in guard_statuses(account):
            assert f"value.guard.{found.guard}" in texts
            assert f"value.status.{found.status}" in texts
