"""Social value held to published worked cases: to the cent where they close."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from impact_eval.value import ValueMap, catalogue
from impact_eval.value.cea import frontier
from impact_eval.value.map.choices import Agent, Timing
from impact_eval.value.map.declared import LineAdjustments
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.fiscal_cases import case_accounts
from impact_eval.value.map.prices import discount_factor
from impact_eval.value.readouts.cost_per_result import cost_per_outcome
from impact_eval.value.readouts.equity import equity_weight
from impact_eval.value.readouts.mvpf import (
    MvpfCase,
    break_even_effect,
    mvpf,
    mvpf_interval,
    willingness_variants,
)
from impact_eval.value.uncertainty.information import evpi_normal
from impact_eval.value.uncertainty.sensitivity import recomputed, switching_value, without_line
from impact_eval.value.uncertainty.variance_shares import product_sobol

D = Decimal
FALLS = ("falls_emergency", "falls_assessment", "falls_care")


def cents(value: Decimal) -> Decimal:
    return value.quantize(D("0.01"), rounding=ROUND_HALF_UP)


def four(value: Decimal) -> Decimal:
    return value.quantize(D("0.0001"), rounding=ROUND_HALF_UP)


@pytest.fixture(scope="module")
def wheels() -> ValueMap:
    return ValueMap.read(Path(__file__).parents[1] / "unit" / "value" / "wheels_to_meals.toml")


# --- Wheels-to-Meals (SROI guide) ----------------------------------------------------------------


def test_wheels_to_meals_closes_to_the_cent(wheels: ValueMap) -> None:
    read = wheels.account().sroi()
    assert cents(read.benefits) == D("81741.93")
    assert read.costs == D("42375")
    assert four(read.ratio) == D("1.9290")
    assert four(read.net_ratio) == D("0.9290")
    assert cents(read.net) == D("39366.93")
    assert round(read.payback_months, 3) == D("6.163")
    assert cents(read.positive) == D("85225.73")
    assert cents(read.negative) == D("-3483.80")


def test_wheels_to_meals_by_year(wheels: ValueMap) -> None:
    read = wheels.account().sroi()
    plain = ["82508.57", "144.16", "67.70", "1121.93", "1009.74"]
    assert [cents(read.by_year[t]) for t in range(1, 6)] == [D(x) for x in plain]
    present = ["79718.43", "134.58", "61.06", "977.70", "850.17"]
    assert [cents(read.present_by_year[t]) for t in range(1, 6)] == [D(x) for x in present]
    assert cents(sum(read.by_year.values())) == D("84852.10")


def test_wheels_to_meals_first_year_impacts(wheels: ValueMap) -> None:
    printed = ["625.10", "33010.60", "48013.00", "1539.00", "451.62", "0.00", "175.50", "-1306.25"]
    assert [cents(line.impact) for line in wheels.account().lines] == [D(x) for x in printed]


@pytest.mark.parametrize(
    ("rate", "ratios"),
    [
        ("0.035", ("1.9290", "1.9625", "1.9965")),
        ("0.032", ("1.9351", "1.9658", "1.9970")),
        ("0.045", ("1.9091", "1.9516", "1.9950")),
        ("0", ("2.0024", "2.0024", "2.0024")),
    ],
)
def test_wheels_to_meals_discounting(wheels: ValueMap, rate: str, ratios: tuple[str, ...]) -> None:
    account = wheels.account()
    for timing, expected in zip((Timing.END, Timing.MID, Timing.START), ratios, strict=True):
        changed = wheels.with_settings(discount_rate=D(rate), timing=timing)
        assert four(recomputed(account, changed).sroi().ratio) == D(expected)


def test_wheels_to_meals_variants(wheels: ValueMap) -> None:
    account = wheels.account()
    gross = LineAdjustments()
    lines = tuple(replace(line, adjustments=gross) for line in wheels.lines)
    assert four(recomputed(account, replace(wheels, lines=lines)).sroi().ratio) == D("2.0772")
    kept = tuple(line for line in wheels.lines if line.id not in FALLS)
    alone = replace(wheels, lines=kept, overrides=())
    assert four(recomputed_ratio(alone)) == D("0.0674")
    assert four(without_line(account, "falls_care").ratio) == D("0.8343")
    paid = tuple(i for i in wheels.inputs if i.id != "volunteers")
    assert four(recomputed(account, replace(wheels, inputs=paid)).sroi().ratio) == D("3.3535")
    falls = sum(line.present for line in account.lines if line.line in FALLS)
    assert cents(falls) == D("78887.63")
    assert round(falls / account.sroi().benefits, 4) == D("0.9651")


def recomputed_ratio(value_map: ValueMap) -> Decimal:
    read = value_map.account().sroi()
    return read.benefits / read.costs


@pytest.mark.parametrize(
    ("share", "ratio"), [("0.25", "1.4636"), ("0.5", "0.9982"), ("0.75", "0.5328")]
)
def test_deadweight_on_falls(wheels: ValueMap, share: str, ratio: str) -> None:
    changed = wheels
    for name in FALLS:
        changed = changed.with_line(name, deadweight=Amount(value=D(share)))
    assert four(recomputed(wheels.account(), changed).sroi().ratio) == D(ratio)


def test_switching_values(wheels: ValueMap) -> None:
    found = switching_value(wheels.account(), FALLS, "deadweight")
    assert round(found.switching, 5) == D("0.49903")
    assert found.reachable
    count = switching_value(wheels.account(), FALLS, "quantity")
    assert round(7 * count.switching, 3) == D("3.507")


# --- discount factors, prices, weights -----------------------------------------------------------


def test_discount_factors() -> None:
    rate = D("0.032")
    years = {1: "0.968992", 2: "0.938946", 5: "0.854283", 10: "0.729799", 30: "0.388695"}
    for year, expected in years.items():
        assert round(discount_factor(rate, year), 6) == D(expected)
    for year, expected in {1: "0.984374", 2: "0.953851", 5: "0.867843"}.items():
        assert round(discount_factor(rate, year, Timing.MID), 6) == D(expected)
    assert round(discount_factor(rate, 22), 4) == D("0.5001")  # the source's own check


def test_green_book_weights() -> None:
    found = [round(equity_weight(r, 1.3), 4) for r in (0.6, 0.5, 0.4)]
    assert found == [1.9427, 2.4623, 3.2910]


@pytest.mark.parametrize(
    ("rate", "total"), [("0", "5200.00"), ("0.015", "5161.58"), ("0.035", "5112.08")]
)
def test_wellby_worked_case(rate: str, total: str) -> None:
    """HM Treasury 2021: +0.2 points for two years is £2,600 a year, £4,000 to £6,400 in all."""
    line = {
        "id": "satisfaction", "stakeholder": "x", "outcome": "y", "quantity": "0.2",
        "unit": "score", "parameter": "wellby_uk@2019", "duration": 2, "deadweight": "0 %",
    }  # fmt: skip
    settings = {"currency": "GBP", "price_year": 2019, "discount_rate": rate, "timing": "start"}
    account = ValueMap.from_dict({"map": settings, "inputs": [], "lines": [line]}).account()
    assert cents(account.sroi().benefits) == D(total)
    assert account.lines[0].impact == 2600
    price = account.value_map.lines[0].price.proxy
    assert price is not None
    assert (2 * D("0.2") * price.low, 2 * D("0.2") * price.high) == (4000, 6400)


# --- RSA to a job, by payer ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "gross", "beneficiary", "departement", "state", "social_security"),
    [
        ("rsa_single_to_full_smic", "1801.80", "821.51", "568.94", "37.26", "374.09"),
        ("rsa_single_to_half_smic", "900.90", "333.26", "568.94", "-188.62", "187.32"),
        ("rsa_lone_parent_to_full_smic", "1801.80", "815.77", "707.88", "-96.32", "374.47"),
    ],
)
def test_rsa_to_job_closes_to_the_cent(
    case: str, gross: str, beneficiary: str, departement: str, state: str, social_security: str
) -> None:
    accounts = case_accounts(catalogue().case(case))
    assert accounts == {
        Agent.BENEFICIARY: D(beneficiary),
        Agent.DEPARTEMENT: D(departement),
        Agent.STATE: D(state),
        Agent.SOCIAL_SECURITY: D(social_security),
    }
    assert sum(accounts.values()) == D(gross)


def test_rsa_to_job_over_a_year() -> None:
    accounts = case_accounts(catalogue().case("rsa_single_to_full_smic"))
    names = (Agent.BENEFICIARY, Agent.DEPARTEMENT, Agent.STATE, Agent.SOCIAL_SECURITY)
    assert [round(12 * accounts[a]) for a in names] == [9858, 6827, 447, 4489]
    assert round(12 * sum(accounts.values())) == 21622
    returned = 12 * sum(v for a, v in accounts.items() if a is not Agent.BENEFICIARY)
    p, cost = D("0.05"), D(1500)
    found = mvpf(
        willingness_to_pay=float(p * 12 * accounts[Agent.BENEFICIARY]),
        programme_cost=float(cost),
        fiscal_externality=float(p * returned),
    )
    assert found.willingness_to_pay == pytest.approx(492.9, abs=0.05)
    assert found.net_cost == pytest.approx(911.8, abs=0.05)
    assert round(found.ratio, 2) == 0.54
    assert round(break_even_effect(cost, returned), 4) == D("0.1275")
    own = break_even_effect(cost, 12 * accounts[Agent.DEPARTEMENT])
    assert round(own, 4) == D("0.2197")


# --- MVPF library --------------------------------------------------------------------------------


def workadvance() -> tuple[float, float, float, float]:
    n = np.array([690, 479, 697, 698])
    cost = float(np.average([5754, 6666, 5203, 5262], weights=n))
    saved = float(np.average([2278, 798, 244, 408], weights=n))
    earned = 1945 / 1.03 + 1865 / 1.03**2
    return 0.997 * earned, cost, 0.003 * earned, saved


def test_mvpf_workadvance() -> None:
    wtp, cost, tax, saved = workadvance()
    assert wtp == pytest.approx(3635.35, abs=0.005)
    assert cost == pytest.approx(5640.66, abs=0.005)
    assert saved == pytest.approx(939.51, abs=0.005)
    found = mvpf(willingness_to_pay=wtp, programme_cost=cost, fiscal_externality=tax + saved)
    assert round(found.ratio, 4) == 0.7751
    assert round(found.net_cost) == 4690
    at_cost = willingness_variants(cost, tax + saved).at_cost
    assert round(at_cost.ratio, 3) == 1.203  # printed 1.203; 1.2028 divides the rounded parts


def test_mvpf_workadvance_interval() -> None:
    """Printed [0.26, 1.34]; p-values known only as a range, drawn, correlation one: ±0.05."""
    rng = np.random.default_rng(1)
    p, z = rng.uniform(0, 0.01, (2, 50_000)), rng.standard_normal(50_000)
    error = 1 / special.ndtri(1 - p / 2)
    earned = 1945 * (1 + error[0] * z) / 1.03 + 1865 * (1 + error[1] * z) / 1.03**2
    wtp, cost, tax, saved = workadvance()
    low, high = mvpf_interval(
        0.997 * earned, cost - saved - 0.003 * earned, point=(wtp, cost - saved - tax)
    )
    assert low == pytest.approx(0.26, abs=0.05)
    assert high == pytest.approx(1.34, abs=0.05)


def test_mvpf_year_up() -> None:
    earned = -5338 + 5181 / 1.03 + 7011 / 1.03**2
    assert earned * (1 - 0.186) == pytest.approx(5128.7, abs=0.05)
    found = mvpf(willingness_to_pay=4962 + 6614, programme_cost=28290, fiscal_externality=1134)
    assert round(found.ratio, 4) == 0.4263
    assert round(willingness_variants(28290, 1134).at_cost.ratio, 4) == 1.0418


def test_mvpf_jtpa_adults() -> None:
    """Women and men pooled by their numbers; earnings over 30 months, the subsidy paid at once."""
    n = np.array([6102, 5102])

    def pooled(women: float, men: float) -> float:
        return float(np.average([women, men], weights=n))

    spread = 12 / 30 * (1 + 1 / 1.03) + 6 / 30 / 1.03**1.5
    subsidy = pooled(154, 244)
    earned = (pooled(1837, 1599) - subsidy) * spread + subsidy
    welfare = -pooled(235, -334) * spread
    cost = pooled(1381, 1175)
    found = mvpf(
        willingness_to_pay=(1 - 0.128) * earned + welfare,
        programme_cost=cost,
        fiscal_externality=0.128 * earned - welfare,
    )
    assert found.willingness_to_pay == pytest.approx(1503.79, abs=0.005)
    assert found.net_cost == pytest.approx(1093.54, abs=0.005)
    assert round(found.ratio, 4) == 1.3752
    at_cost = willingness_variants(cost, 0.128 * earned - welfare).at_cost
    assert round(at_cost.ratio, 3) == 1.177


@pytest.mark.parametrize(
    ("wtp", "net", "ratio", "case"),
    [
        (-361.4, 1582, -0.2284, MvpfCase.HARMFUL),  # JTPA youth
        (2139, 3555, 0.6017, MvpfCase.ORDINARY),  # NSW youth
        (1496.13, 1839.33, 0.8134, MvpfCase.ORDINARY),  # AFDC term limits
    ],
)
def test_mvpf_table(wtp: float, net: float, ratio: float, case: MvpfCase) -> None:
    found = mvpf(willingness_to_pay=wtp, programme_cost=net, fiscal_externality=0)
    assert round(found.ratio, 4) == ratio
    assert found.case is case


def test_mvpf_job_corps_net_cost() -> None:
    found = mvpf(willingness_to_pay=0, programme_cost=16158, fiscal_externality=52 - 0.18 + 220)
    assert found.net_cost == pytest.approx(15886.18)


# --- cost-effectiveness --------------------------------------------------------------------------


def test_hiv_monotherapy_against_combination() -> None:
    """Chancellor 1997, doi:10.2165/00019053-199712010-00006: ICER 6,276."""
    stay = np.array(
        [
            [1251 / 1734, 350 / 1734, 116 / 1734, 17 / 1734],
            [0, 731 / 1258, 512 / 1258, 15 / 1258],
            [0, 0, 1312 / 1749, 437 / 1749],
            [0, 0, 0, 1],
        ]
    )
    slowed = stay * 0.509
    np.fill_diagonal(slowed, 0)
    np.fill_diagonal(slowed, 1 - slowed.sum(axis=1))
    care = np.array([2756.0, 3052.0, 9007.0, 0.0])

    def run(combined: bool) -> tuple[float, float]:
        people, cost, life = np.array([1.0, 0, 0, 0]), 0.0, 0.0
        for t in range(1, 21):
            early = combined and t <= 2
            people = people @ (slowed if early else stay)
            alive = people[:3].sum()
            spent = people @ care + alive * (2278 + (2086.5 if early else 0))
            cost += spent * float(discount_factor(D("0.06"), t))
            life += alive
        return cost, life

    (cost_a, life_a), (cost_b, life_b) = run(False), run(True)
    assert cost_a == pytest.approx(44663.45, abs=0.005)
    assert life_b == pytest.approx(8.93739, abs=5e-6)
    rows = frontier(["mono", "combination"], [cost_a, cost_b], [life_a, life_b])
    assert rows[1].icer == pytest.approx(6275.96, abs=0.005)


def test_hiv_screening_frontier() -> None:
    """Paltiel 2006, doi:10.7326/0003-4819-145-11-200612050-00004."""
    names = ["none", "once", "every_5", "every_3", "every_year"]
    effects = [q / 12 for q in (277.25, 277.57, 277.78, 277.83, 277.76)]
    rows = frontier(names, [26000, 27000, 28020, 28440, 29440], effects)
    assert [round(r.icer, 2) for r in rows[1:4]] == [37500, 58285.71, 100800]
    assert [r.status for r in rows] == ["reference", *["frontier"] * 3, "dominated"]


def test_vaccine_linear_part() -> None:
    """The printed means of BCEA's vaccine model give its ICER and expected net benefits."""
    de, dc = -0.00080537 + 0.00105595, 14.69145 - 9.65546
    rows = frontier(["status_quo", "vaccine"], [9.65546, 14.69145], [-0.00105595, -0.00080537])
    assert rows[1].icer == pytest.approx(20097.59, rel=3e-5)  # means printed to 8 decimals
    for value, expected in {10_000: -2.5302, 25_000: 1.2284, 50_000: 7.4928}.items():
        assert value * de - dc == pytest.approx(expected, abs=5e-4)


def test_cravate_solidaire_price_of_a_return() -> None:
    """Contract: 450,000 € for 900 people, paid on three points more: 27 returns."""
    found = cost_per_outcome(450_000, 900 * 0.03, None, None)
    assert round(found.ratio) == 16_667


# --- closed forms --------------------------------------------------------------------------------


def test_evpi_closed_form() -> None:
    assert round(evpi_normal(0, 1), 6) == 0.398942
    assert round(evpi_normal(1, 1), 6) == 0.083315


def test_sobol_and_shapley_of_a_product() -> None:
    first, _, shapley = product_sobol([0.3, 0.2])
    assert first.round(5).tolist() == [0.67365, 0.29940]
    assert shapley.round(5).tolist() == [0.68713, 0.31287]
    assert 1 - first.sum() == pytest.approx(0.02695, abs=5e-6)
