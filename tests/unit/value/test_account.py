"""Accounts: quantities from effects, refusals, guards, balances, read-outs, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.core.vocabulary import Unit
from impact_eval.value import Account, ValueMap
from impact_eval.value.account.guards import check_attribution, guard_statuses
from impact_eval.value.account.line_formula import compile_line
from impact_eval.value.map.choices import Agent
from impact_eval.value.map.fiscal_cases import (
    case_accounts,
    compute_case,
    engine_available,
    mixed_case,
)
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.prices import exact
from impact_eval.value.readouts.cba import cost_benefit, public_cash
from impact_eval.value.readouts.mvpf import account_mvpf
from impact_eval.value.readouts.published_value import tell
from impact_eval.value.readouts.ratio_sentence import headline
from impact_eval.value.uncertainty.sensitivity import scenario_variants
from impact_eval.value.uncertainty.simulate import simulate, uncertainty_of

D = Decimal
Make = Callable[..., Any]


def refused(value_map: ValueMap, estimates: dict[str, Estimate], **options: Any) -> tuple[str, ...]:
    with pytest.raises(ImpactEvalError) as caught:
        value_map.account(estimates, **options)
    return caught.value.codes


def estimated(make_tables: Make, **changes: Any) -> ValueMap:
    cells = {
        "quantity": None, "estimate": "employment", "unit": "share", "deadweight": None,
        "people": 200, **changes,
    }  # fmt: skip
    return ValueMap.from_dict(make_tables(**cells))


def test_quantity_is_people_times_effect(make_tables: Make, employment: Estimate) -> None:
    account = estimated(make_tables).account({"employment": employment})
    quantity = account.lines[0].quantity
    assert quantity.value == D("16.00")
    assert quantity.std_error == pytest.approx(6)
    assert quantity.conf_low == pytest.approx(16 - 1.959963984540054 * 6)
    assert account.lines[0].present == pytest.approx(D("1600") / D("1.032"))
    # deadweight is an output: 1 - 0.08/0.40, with its interval
    assert quantity.deadweight.value == pytest.approx(0.8)
    assert quantity.deadweight.conf_low == pytest.approx(0.8 - 1.959963984540054 * 0.03 / 0.4)


def test_people_come_from_line_map_or_call(make_tables: Make, employment: Estimate) -> None:
    own = estimated(make_tables, people=None, map__people=50)
    assert own.account({"employment": employment}).lines[0].quantity.value == 4
    bare = estimated(make_tables, people=None)
    assert bare.account({"employment": employment}, people=25).lines[0].quantity.value == 2
    assert refused(bare, {"employment": employment}) == ("no_people",)


@pytest.mark.parametrize("column", ["deadweight", "attribution"])
def test_a_net_effect_is_never_deducted_again(
    make_tables: Make, employment: Estimate, column: str
) -> None:
    value_map = estimated(make_tables, **{column: "10 %"})
    assert refused(value_map, {"employment": employment}) == ("deadweight_on_net_effect",)
    at_zero = estimated(make_tables, **{column: "0 %"})
    assert at_zero.account({"employment": employment}).refusal is None


def test_a_before_after_needs_deadweight_for_a_ratio(
    make_tables: Make, make_estimate: Make
) -> None:
    change = make_estimate("employment", [("change", None, 0.3, 0.05)], counterfactual=False)
    bare = estimated(make_tables).account({"employment": change})
    assert isinstance(bare.sroi().ratio, NotApplicable)
    assert bare.sroi().ratio.reason == "ratio_refused"
    assert bare.sroi().benefits > 0  # the total is still known
    assert bare.lines[0].quantity.deadweight.reason == "deadweight_without_comparison"
    stated = estimated(make_tables, deadweight="60 %").account({"employment": change})
    assert isinstance(stated.sroi().ratio, Decimal)
    assert isinstance(account_mvpf(bare), NotApplicable)


def test_all_lines_are_refused_together(make_tables: Make, employment: Estimate) -> None:
    raw = make_tables(quantity=None, estimate="employmnt", unit="share", deadweight=None, people=10)
    second = {**raw["lines"][0], "id": "b", "estimate": "employment", "unit": "eur"}
    third = {**raw["lines"][0], "id": "c", "estimate": "employment", "term": "event[9]"}
    fourth = {**raw["lines"][0], "id": "d", "estimate": "employment", "unit": "log100"}
    raw["lines"] += [second, third, fourth]
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(raw).account({"employment": employment})
    assert set(caught.value.codes) == {
        "unknown_estimate", "unit_mismatch", "unknown_term", "unit_not_countable",
    }  # fmt: skip
    assert {f.values["line"] for f in caught.value.findings} == {"a", "b", "c", "d"}


def test_units_given_by_the_study_are_checked(make_tables: Make, make_estimate: Make) -> None:
    estimate = make_estimate("employment", [("att", None, 8.0, 3.0)])
    value_map = estimated(make_tables, unit="percent")
    account = value_map.account({"employment": estimate}, units={"employment": Unit.PERCENT})
    assert account.lines[0].quantity.value == 16  # 8 points of per cent of 200 people
    assert "unit_mismatch" in refused(
        value_map, {"employment": estimate}, units={"employment": Unit.SHARE}
    )


def test_a_fall_is_counted_as_people_spared(make_tables: Make, make_estimate: Make) -> None:
    homeless = make_estimate("employment", [("att", None, -0.05, 0.02)])
    value_map = estimated(make_tables, direction="lower_is_better", kind="avoided_cost",
                          payer="state", receiver=None, cashable="20 %")  # fmt: skip
    account = value_map.account({"employment": homeless})
    assert account.lines[0].quantity.value == 10
    saved = account.avoided[0]
    assert saved.payer is Agent.STATE
    assert saved.social == saved.cashable + saved.released
    assert saved.cashable == pytest.approx(saved.social / 5)


def test_effects_by_group_keep_their_covariance(make_tables: Make, make_estimate: Make) -> None:
    rows = [("group", 2018, 0.1, 0.02), ("group", 2019, 0.05, 0.04)]
    estimate = make_estimate("employment", rows)
    estimate = replace(estimate, covariance=np.array([[4e-4, 2e-4], [2e-4, 16e-4]]))
    value_map = estimated(make_tables, people={"group[2018]": 100, "group[2019]": 50})
    quantity = value_map.account({"employment": estimate}).lines[0].quantity
    assert quantity.value == D("12.50")
    n = np.array([100, 50])
    assert quantity.std_error == pytest.approx(float(np.sqrt(n @ estimate.covariance @ n)))


def test_persistence_comes_from_the_event_study(make_tables: Make, make_estimate: Make) -> None:
    rows = [("event", -1, 0.0, 0.01), ("event", 0, 0.1, 0.02), ("event", 1, 0.06, 0.03)]
    estimate = make_estimate("employment", rows)
    value_map = estimated(
        make_tables, term="event", duration=4, drop_off="50 %", map__discount_rate=0
    )
    account = value_map.account({"employment": estimate})
    assert account.lines[0].quantity.profile == (D("20.0"), D("12.00"))
    values = [f.amount for f in account.flows if not f.is_input]
    # observed years as estimated; afterwards the last one, halved every year
    assert values == [2000, 1200, 600, 300]
    assert account.projected_share == pytest.approx(D(900) / D(4100))


def test_take_up_turns_an_effect_on_all_into_one_on_participants(
    make_tables: Make, make_estimate: Make
) -> None:
    n = 400
    rng = np.random.default_rng(3)
    psi = rng.standard_normal((n, 1))
    itt = make_estimate("employment", [("itt", None, 0.04, 0.02)], influence=psi)
    took = make_estimate("takeup", [("att", None, 0.5, 0.03)], influence=0.6 * psi)
    value_map = estimated(make_tables, take_up="takeup")
    account = value_map.account({"employment": itt}, take_up={"takeup": took})
    quantity = account.lines[0].quantity
    assert quantity.value == D("16.0")
    # perfectly correlated errors: the delta method of a ratio
    expected = 200 / 0.5 * abs(0.02 - 0.04 / 0.5 * 0.03)
    assert quantity.std_error == pytest.approx(expected)
    shared = estimated(make_tables, take_up_share="50 %").account({"employment": itt})
    assert shared.lines[0].quantity.std_error == pytest.approx(200 / 0.5 * 0.02)


def test_covariance_across_outcomes_of_the_same_people(
    make_tables: Make, make_estimate: Make
) -> None:
    rng = np.random.default_rng(5)
    psi = rng.standard_normal((500, 2)) @ np.array([[1, 0.8], [0, 0.6]])
    one = make_estimate("employment", [("att", None, 0.08, 0.03)], influence=psi[:, :1])
    two = make_estimate("income", [("att", None, 50.0, 20.0)], influence=psi[::-1, 1:])
    raw = make_tables(
        quantity=None, estimate="employment", unit="share", deadweight=None, people=10
    )
    raw["lines"].append({**raw["lines"][0], "id": "b", "estimate": "income", "unit": "eur"})
    # people of the second estimate are in another order: labels join them
    two = replace(two, influence=type(two.influence)(psi[::-1, 1:], two.influence.units[::-1]))
    account = ValueMap.from_dict(raw).account({"employment": one, "income": two})
    rho = psi[:, 0] @ psi[:, 1] / np.sqrt((psi[:, 0] ** 2).sum() * (psi[:, 1] ** 2).sum())
    assert account.quantities.covariance[0, 1] == pytest.approx(rho * 0.03 * 20)
    assert account.quantities.covariance[1, 1] == pytest.approx(400)
    alone = make_estimate("income", [("att", None, 50.0, 20.0)])
    told = ValueMap.from_dict(raw).account({"employment": one, "income": alone})
    assert "covariance_unknown" in [f.code for f in told.findings]


# --- balance and perspectives --------------------------------------------------------------------


def test_the_account_balances_exactly(insertion: Account) -> None:
    balance = insertion.balance
    assert balance.closes
    assert balance.transfers == 0
    assert balance.accounts == balance.social == insertion.sroi().net
    by_year: dict[int, Decimal] = {}
    for flow in insertion.counted:
        by_year[flow.year] = by_year.get(flow.year, D(0)) + flow.social * flow.amount
    cells = insertion.matrix(present=False)
    for year, total in by_year.items():
        assert sum(v for (_, when), v in cells.items() if when == year) == total


@settings(max_examples=40, deadline=None)
@given(
    st.decimals("0.01", "1e9", places=2), st.decimals("0.000001", "1e6", places=6),
    st.decimals("0", "1", places=7), st.decimals("0", "0.2", places=5), st.integers(1, 12),
)  # fmt: skip
def test_any_account_balances(
    price: Decimal, quantity: Decimal, share: Decimal, rate: Decimal, years: int
) -> None:
    line = {
        "id": "a", "stakeholder": "s", "outcome": "o", "quantity": quantity, "unit": "count",
        "proxy": price, "currency": "EUR", "price_year": 2013, "duration": years,
        "deadweight": f"{100 * share:f} %", "drop_off": f"{100 * share:f} %",
    }  # fmt: skip
    kinds = [
        {"kind": "resource_gain", "receiver": "beneficiary"},
        {"kind": "transfer", "payer": "state", "receiver": "household"},
        {"kind": "avoided_transfer", "payer": "caf", "receiver": "household"},
        {"kind": "resource_cost", "payer": "employer"},
        {"kind": "avoided_cost", "payer": "cpam", "cashable": f"{100 * share:f} %"},
    ]
    lines = [{**line, **ends, "id": f"l{k}"} for k, ends in enumerate(kinds)]
    common = {"currency": "EUR", "price_year": 2025, "discount_rate": rate, "timing": "mid"}
    account = ValueMap.from_dict({"map": common, "lines": lines}).account()
    assert account.balance.closes
    for saved in account.avoided:
        with exact():
            gross = saved.cashable + saved.released
        if saved.payer is Agent.CPAM:
            assert gross == saved.social


def test_perspectives_add_up(insertion: Account) -> None:
    views = insertion.perspectives
    agents = {a.value for a in Agent}
    assert sum(v for k, v in views.items() if k in agents) == views["society"]
    public = ("departement", "state", "social_security")
    assert sum(views[name] for name in public) == views["public"]
    parties = tell(insertion, seed=1, draws=50).parties
    assert {p.agent.value: p.gains - p.pays for p in parties} == pytest.approx(
        {name: float(view) for name, view in views.items() if name in agents}
    )
    assert min(min(p.pays, p.gains) for p in parties) >= 0


def test_a_job_is_split_by_payer_as_its_case(make_tables: Make, make_estimate: Make) -> None:
    one = make_estimate("employment", [("att", None, 1.0, 0.1)])
    value_map = estimated(
        make_tables, people=1, case="rsa_single_to_half_smic", proxy=None, kind=None, receiver=None,
        currency=None, price_year=None, map__discount_rate=0,
    )  # fmt: skip
    account = value_map.account({"employment": one})
    expected = dict(case_accounts(catalogue().case("rsa_single_to_half_smic")))
    expected[Agent.DEPARTEMENT] -= 1000  # the grant
    assert {a: v for (a, y), v in _sum(account).items() if y == "all"} == expected
    assert account.sroi().benefits == D("900.90")
    assert public_cash(account) == D("567.64")  # 568.94 - 188.62 + 187.32


def _sum(account: Account) -> dict[tuple[Agent, str], Decimal]:
    out: dict[tuple[Agent, str], Decimal] = {}
    for (agent, _), value in account.matrix().items():
        out[agent, "all"] = out.get((agent, "all"), D(0)) + value
    return out


def test_transfers_are_no_social_gain(make_tables: Make) -> None:
    raw = make_tables(kind="avoided_transfer", payer="departement", receiver="beneficiary")
    account = ValueMap.from_dict(raw).account()
    assert account.sroi().benefits == 0
    saved = account.avoided[0]
    assert (saved.social, saved.released) == (0, 0)
    assert saved.cashable == account.perspectives["departement"] + 1000
    read = account.sroi("departement")
    assert read.ratio == pytest.approx(D(500) / D("1.032") / D(1000))


def test_capacity_released_is_not_cash(make_tables: Make) -> None:
    raw = make_tables(kind="avoided_cost", payer="state", receiver=None)
    account = ValueMap.from_dict(raw).account()
    assert "cashable_unknown" in [f.code for f in account.findings]
    assert [a.cashable for a in account.avoided] == [0]
    assert public_cash(account) == 0
    assert cost_benefit(account).public_outlay == 1000


def test_cost_of_public_funds_is_its_own_line(insertion: Account, make_tables: Make) -> None:
    account = ValueMap.from_dict(make_tables()).account()
    plain, dear = cost_benefit(account), cost_benefit(account, shadow_price=D("1.2"))
    assert plain.cost_of_funds == 0
    assert dear.cost_of_funds == 200
    assert dear.net == plain.net - 200
    assert cost_benefit(insertion).net_per_public_euro.reason == "no_net_public_outlay"


def test_shapes_of_time(make_tables: Make) -> None:
    def shape(followed: int = 0, **timing: Any) -> tuple[Decimal, ...]:
        value_map = ValueMap.from_dict(make_tables(**timing))
        return compile_line(value_map.lines[0], value_map, followed).shape

    assert shape(duration=1, drop_off="50 %") == (1,)
    assert shape(duration="0.5") == (D("0.5"),)
    assert shape(duration="2.5", drop_off="10 %") == (1, D("0.9"), D("0.405"))
    assert shape(duration=None, survival="1;0.5") == shape(duration=2, drop_off="50 %")
    assert shape(2, duration=3, drop_off="50 %") == (1, 1, D("0.5"))  # none while observed
    assert shape(duration=None, lifetime=True, persistence="80 %") == (D("0.8"),)


def test_an_effect_that_comes_late_is_counted(make_tables: Make, make_estimate: Make) -> None:
    """Nothing the first year, 10 more in work of 100 the second and the third: 2 000 euros."""
    late = make_estimate(
        "employment", [("event", 0, 0.0, 0.01), ("event", 1, 0.1, 0.02)], details={"unit": "share"}
    )
    line = {"quantity": None, "estimate": "employment", "term": "event", "unit": "share"}
    value_map = ValueMap.from_dict(
        make_tables(**line, people=100, duration=3, deadweight=None, map__discount_rate=0)
    )
    account = value_map.account({"employment": late})
    assert account.sroi().benefits == 2000
    drawn = simulate(account, draws=20_000)
    assert drawn.benefits("society").mean() == pytest.approx(2000, rel=0.02)


def test_prices_are_rebased(make_tables: Make) -> None:
    account = ValueMap.from_dict(make_tables(price_year=2015, map__discount_rate=0)).account()
    assert account.lines[0].unit_value == D(100) * D(121) / D(100)
    raw = make_tables(price_year=1995)
    assert refused(ValueMap.from_dict(raw), {}) == ("price_year_unknown",)
    assert refused(ValueMap.from_dict(make_tables(price_year=2015, index="igloo")), {}) == (
        "unknown_index",
    )


# --- guards --------------------------------------------------------------------------------------


def found(account: Account, code: str) -> list[Any]:
    return [f for f in account.findings if f.code == code]


def test_g2_gross_quantity_without_deadweight(make_tables: Make) -> None:
    for share in (None, "0 %"):
        raw = make_tables(deadweight=share)
        account = ValueMap.from_dict(raw).account()
        assert found(account, "guard_gross_without_deadweight")
        assert isinstance(account.sroi().ratio, NotApplicable)
        raw["overrides"] = [{"guard": "G2", "line": "a", "reason": "mesuré ailleurs"}]
        aside = ValueMap.from_dict(raw).account()
        assert isinstance(aside.sroi().ratio, Decimal)
        assert found(aside, "guard_overridden")[0].values["reason"] == "mesuré ailleurs"
        assert {s.guard: s.status for s in guard_statuses(aside)}["G2"] == "set_aside"


def test_guards_that_cannot_be_set_aside(make_tables: Make) -> None:
    raw = make_tables(overrides=[{"guard": "G1", "reason": "x"}, {"guard": "G99", "reason": "x"}])
    assert refused(ValueMap.from_dict(raw), {}) == ("override_not_allowed", "override_unknown")


def test_g3_same_welfare_twice(make_tables: Make) -> None:
    raw = make_tables(basis="income", family="job")
    raw["lines"].append({**raw["lines"][0], "id": "b", "basis": "wellby"})
    account = ValueMap.from_dict(raw).account()
    assert found(account, "guard_same_welfare_twice")
    assert isinstance(account.sroi().ratio, NotApplicable)


def test_g7_lifetime_value_and_its_parts(make_tables: Make) -> None:
    raw = make_tables(family="rsa")
    raw["lines"].append(
        {
            **{k: v for k, v in raw["lines"][0].items()
               if k not in ("proxy", "duration", "family", "price_year", "kind", "receiver")},
            "id": "school", "parameter": "dropout_lifetime@2025", "persistence": "70 %",
        }
    )  # fmt: skip
    account = ValueMap.from_dict(raw).account()
    assert found(account, "guard_lifetime_overlap")[0].values["lines"] == ("a",)
    assert account.lines[1].present == pytest.approx(D("0.7") * 340_000 * 5 / D("1.032"))
    assert account.lines[1].observed == 0  # a whole life was not observed
    assert found(account, "sources_conflict")


def test_other_guards(make_tables: Make) -> None:
    raw = make_tables(
        pillar="emploi", people=80, map__eligible=50, kind="avoided_cost", payer="state",
        costing="average", price_year=2012, expires="2020-01-01", mark="M", duration=3,
        input__kind="volunteer_time", input__payer="volunteers",
    )  # fmt: skip
    raw["lines"].append(
        {**raw["lines"][0], "id": "b", "attribution": "30 %", "included": False, "reason": "doute"}
    )
    account = ValueMap.from_dict(raw).account()
    codes = {f.code for f in account.findings}
    assert codes >= {
        "guard_no_displacement", "guard_more_people_than_eligible", "guard_average_cost",
        "guard_price_old", "guard_price_expired", "guard_price_unverified", "guard_projected",
        "guard_volunteers_one_sided", "outcome_left_out", "price_index_derived",
    }  # fmt: skip
    left = found(account, "outcome_left_out")[0]
    assert left.values["share"] == pytest.approx(0.7)
    assert [s.guard for s in guard_statuses(account)] == [f"G{k}" for k in range(1, 16)]


def test_g9_outcomes_tested_and_forgotten(
    make_tables: Make, employment: Estimate, make_estimate: Make
) -> None:
    other = make_estimate("health", [("att", None, 0.0, 0.1)])
    value_map = estimated(make_tables)
    account = value_map.account({"employment": employment, "health": other})
    assert found(account, "guard_outcome_not_valued")[0].values["names"] == ("health",)
    told = estimated(make_tables, dropped=[{"outcome": "health", "reason": "pas de prix"}])
    account = told.account({"employment": employment, "health": other})
    assert not found(account, "guard_outcome_not_valued")


def test_g10_attribution_over_several_studies(make_tables: Make) -> None:
    one = ValueMap.from_dict(make_tables(attribution="40 %")).account()
    two = ValueMap.from_dict(make_tables(attribution="30 %")).account()
    assert check_attribution({"one": one, "two": two}) == ()  # nobody said that people are the same
    people = {"one": "Jeunes suivis", "two": "jeunes suivis"}
    told = check_attribution({"one": one, "two": two}, people)
    assert [f.code for f in told] == ["guard_attribution_over_one"]
    assert told[0].values["share"] == pytest.approx(1.3)
    half = ValueMap.from_dict(make_tables(attribution="60 %")).account()
    assert check_attribution({"one": half, "two": half}, people) == ()


# --- words, files --------------------------------------------------------------------------------


def test_no_headline_without_its_interval(insertion: Account, make_tables: Make) -> None:
    certain = ValueMap.from_dict(make_tables()).account()
    sure = uncertainty_of(simulate(certain, draws=10))
    assert headline(certain, sure).reason == "headline_needs_interval"
    told = headline(insertion, uncertainty_of(simulate(insertion, draws=4000)))
    assert told.code == "value.headline.clear"
    assert (told.perspective, told.horizon, told.level) == ("society", 3, 0.95)
    assert told.ratio == float(insertion.sroi().ratio)
    assert told.low < told.ratio < told.high


def test_json_round_trip_is_exact(insertion: Account) -> None:
    data = insertion.to_dict()
    text = json.dumps(data, allow_nan=False)
    back = Account.from_dict(json.loads(text))
    assert json.dumps(back.to_dict(), allow_nan=False) == text
    assert back.flows == insertion.flows
    assert back.sroi().ratio == insertion.sroi().ratio
    assert simulate(back, draws=50).totals.tolist() == simulate(insertion, draws=50).totals.tolist()


def test_scenarios_surround_the_central_one(insertion: Account) -> None:
    prudent, central, hopeful = scenario_variants(insertion)
    assert prudent.net < central.net == insertion.sroi().net < hopeful.net


def test_one_changed_deadweight_flows_everywhere(
    insertion_map: ValueMap, employment: Estimate
) -> None:
    from impact_eval.value.map.declared_cells import read_share

    accounts = [insertion_map.account({"employment": employment})]
    changed = insertion_map.with_line("shelter", deadweight=read_share("90 %"))
    accounts.append(changed.account({"employment": employment}))
    assert accounts[1].vintage != accounts[0].vintage
    assert cost_benefit(accounts[1]).net < cost_benefit(accounts[0]).net
    before, after = (tell(account, seed=1, draws=300) for account in accounts)
    assert after.net.estimate < before.net.estimate
    assert after.net.low < before.net.low
    assert all(a.net < b.net for a, b in zip(after.variants, before.variants, strict=True))
    assert after.matrix.rows[-1].amounts[-1] == pytest.approx(float(accounts[1].sroi().net))


def test_mixed_case_is_the_weighted_mean() -> None:
    book = catalogue()
    pair = [book.case("rsa_single_to_full_smic"), book.case("rsa_single_to_half_smic")]
    mixed = case_accounts(mixed_case(pair, [D(3), D(1)]))
    assert sum(mixed.values()) == (3 * D("1801.80") + D("900.90")) / 4
    with pytest.raises(ImpactEvalError):
        mixed_case(pair, [D(1)])


@pytest.mark.skipif(engine_available(), reason="the optional fiscal engine is installed")
def test_the_fiscal_engine_is_asked_for_in_words() -> None:
    from impact_eval.value.map.fiscal_cases import CaseHousehold

    with pytest.raises(ImpactEvalError) as caught:
        compute_case(
            CaseHousehold(gross_wage=D(0)), CaseHousehold(gross_wage=D(1)), month="2025-06"
        )
    assert caught.value.codes == ("engine_missing",)
    assert caught.value.findings[0].values["known"] == tuple(catalogue().cases)


@pytest.mark.skipif(not engine_available(), reason="the optional fiscal engine is not installed")
@pytest.mark.parametrize(
    ("wage", "children", "case"),
    [
        ("1801.80", 0, "rsa_single_to_full_smic"),
        ("900.90", 0, "rsa_single_to_half_smic"),
        ("1801.80", 1, "rsa_lone_parent_to_full_smic"),
    ],
)
def test_shipped_cases_are_those_of_the_engine(wage: str, children: int, case: str) -> None:
    from impact_eval.value.map.fiscal_cases import CaseHousehold

    made = compute_case(
        CaseHousehold(gross_wage=D(0), children=children),
        CaseHousehold(gross_wage=D(wage), children=children),
        month="2025-06",
    )
    assert case_accounts(made) == case_accounts(catalogue().case(case))
