"""Laws, draws, sensitivity, variance shares, information, read-outs on draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.value import Account, ValueMap
from impact_eval.value.account.effect_bounds import bounds_of, wald_bounds
from impact_eval.value.account.quantity import Quantities
from impact_eval.value.cea import frontier
from impact_eval.value.map import laws
from impact_eval.value.map.choices import Agent, Solidity
from impact_eval.value.map.declared import RelativeIncome
from impact_eval.value.map.declared_cells import Amount, read_amount
from impact_eval.value.map.prices import risky_rate
from impact_eval.value.readouts.cost_per_result import cost_per_outcome, curve_of_a_result
from impact_eval.value.readouts.equity import (
    equity_values,
    equity_weight,
    switching_elasticity,
    weighted_value,
)
from impact_eval.value.readouts.mvpf import MvpfCase, mean_mvpf, mvpf, mvpf_interval
from impact_eval.value.readouts.ratio_sentence import headline
from impact_eval.value.readouts.sum_of_accounts import consolidate
from impact_eval.value.uncertainty import normal_scores as scores
from impact_eval.value.uncertainty.assumed_laws import assumed_law, shares_made_uncertain
from impact_eval.value.uncertainty.block_draws import stream
from impact_eval.value.uncertainty.certain_numbers import certain_numbers
from impact_eval.value.uncertainty.compiled import compile_model
from impact_eval.value.uncertainty.effect_laws import laws_of_effects
from impact_eval.value.uncertainty.information import evpi, evpi_normal, evppi, population_value
from impact_eval.value.uncertainty.sensitivity import (
    discount_variants,
    number_names,
    recomputed,
    scaled_quantities,
    scenario_variants,
    switching_value,
    tornado,
    two_way_grid,
)
from impact_eval.value.uncertainty.simulate import fieller, simulate, uncertainty_of
from impact_eval.value.uncertainty.unknowns import (
    account_shapley,
    account_sobol,
    value_of_information,
)
from impact_eval.value.uncertainty.variance_shares import (
    product_sobol,
    shapley_effects,
    shapley_of_costs,
    sobol_indices,
)

D = Decimal
Make = Callable[..., Any]

SOME_LAWS = [
    laws.uniform(2, 5),
    laws.triangular(1, 2, 6),
    laws.pert(1, 2, 6),
    laws.normal(3, 2),
    laws.beta_from_moments(0.3, 0.1),
    laws.beta_from_counts(7, 20),
    laws.gamma_from_moments(50, 20),
    laws.lognormal_from_moments(50, 20),
    laws.lognormal_from_interval(10, 40),
]


# --- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", SOME_LAWS, ids=lambda law: law.law.value)
def test_moments_are_those_of_the_quantile_function(law: laws.Distribution) -> None:
    u = (np.arange(400_000) + 0.5) / 400_000
    x = laws.quantile(law, u)
    mean, variance = laws.moments(law)
    # midpoint rule of the quantile function: its tails cost 1e-3 of the variance
    assert x.mean() == pytest.approx(mean, rel=1e-5)
    assert x.var() == pytest.approx(variance, rel=2e-3)
    assert (np.diff(x) >= 0).all()


@pytest.mark.parametrize("law", SOME_LAWS, ids=lambda law: law.law.value)
def test_table_agrees_with_the_exact_quantile(law: laws.Distribution) -> None:
    z = np.random.default_rng(0).standard_normal(20_000)
    sd = math.sqrt(laws.moments(law)[1])
    gap = np.abs(scores.from_normal(law, z) - laws.quantile(law, special.ndtr(z)))
    assert gap.max() < 2e-5 * sd


@pytest.mark.parametrize("law", SOME_LAWS, ids=lambda law: law.law.value)
def test_the_atoms_of_a_law_stand_for_it(law: laws.Distribution) -> None:
    """Moments, and probabilities to 1e-4: less than half the error of a million draws at 2.5 %."""
    atoms = scores.atoms_of(law)
    if atoms is None:  # a tail holds too much of the variance: drawn exactly
        assert law == laws.lognormal_from_moments(50, 20)
        return
    mean, variance = laws.moments(law)
    assert atoms.mean() == pytest.approx(mean, rel=1e-6)
    assert atoms.var() == pytest.approx(variance, rel=1e-5)
    assert (np.diff(atoms) >= 0).all()
    for u in (0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 0.999):
        exact = float(laws.quantile(law, np.array([u]))[0])
        assert np.mean(atoms <= exact) == pytest.approx(u, abs=2e-4)


def test_a_law_with_a_long_tail_is_drawn_exactly(make_tables: Make) -> None:
    assert scores.atoms_of(laws.lognormal_from_interval(1, 1000)) is None
    account = ValueMap.from_dict(make_tables(proxy="40 [1 ; 1000] lognormal")).account()
    drawn = simulate(account, draws=200_000, keep=("a.proxy",)).inputs["a.proxy"]
    assert np.quantile(np.log(drawn), [0.025, 0.975]) == pytest.approx(np.log([1, 1000]), abs=0.06)


def test_printed_moments() -> None:
    assert laws.moments(laws.triangular(1, 2, 6)) == (3, (1 + 4 + 36 - 2 - 6 - 12) / 18)
    assert laws.moments(laws.pert(1, 2, 6))[0] == pytest.approx((1 + 8 + 6) / 6)
    assert laws.moments(laws.beta_from_moments(0.3, 0.1)) == pytest.approx((0.3, 0.01))
    assert laws.moments(laws.gamma_from_moments(50, 20)) == pytest.approx((50, 400))
    assert laws.moments(laws.lognormal_from_moments(50, 20)) == pytest.approx((50, 400))
    wide = laws.lognormal_from_interval(10, 40)
    assert laws.quantile(wide, np.array([0.025, 0.975])) == pytest.approx([10, 40])
    with pytest.raises(ImpactEvalError) as caught:
        laws.beta_from_moments(0.5, 0.6)
    assert caught.value.codes == ("law_out_of_support",)


LAWS_OF_95 = ("normal", "lognormal", "gamma", "beta")
OF_ENDS = {
    "normal": laws.normal_from_interval,
    "lognormal": laws.lognormal_from_interval,
    "gamma": laws.gamma_from_interval,
    "beta": laws.beta_from_interval,
}
ORACLES = {
    "normal": lambda law: stats.norm(law.first, law.second),
    "lognormal": lambda law: stats.lognorm(law.second, scale=math.exp(law.first)),
    "gamma": lambda law: stats.gamma(law.first, scale=law.second),
    "beta": lambda law: stats.beta(law.first, law.second),
}


@settings(max_examples=120, deadline=None)
@given(st.floats(0.01, 0.98), st.floats(0.01, 0.98), st.floats(0, 1), st.sampled_from(LAWS_OF_95))
def test_an_interval_at_95_is_honoured_at_both_ends_or_refused(
    one: float, other: float, where: float, law: str
) -> None:
    """By the distributions of SciPy: 2.5 % below the low end, 2.5 % above the high end."""
    low, high = sorted((round(one, 9), round(other, 9)))
    assume(high - low > 1e-3)
    value = round(low + where * (high - low), 9)
    cell = read_amount(f"{value:.9f} [{low:.9f} ; {high:.9f}] {law}")
    least, most = laws.centres(OF_ENDS[law](low, high))
    assume(min(abs(value - least), abs(value - most)) > 1e-8)
    if not least <= value <= most:
        with pytest.raises(ImpactEvalError) as caught:
            laws.fit(cell)
        assert caught.value.codes == ("interval_not_of_law",)
        return
    fitted = laws.fit(cell)
    oracle = ORACLES[law](fitted)
    assert oracle.cdf(low) == pytest.approx(0.025, abs=1e-6)
    assert oracle.sf(high) == pytest.approx(0.025, abs=1e-6)
    assert 0.25 - 1e-9 <= oracle.cdf(value) <= max(0.75 + 1e-9, oracle.cdf(oracle.mean()))
    assert laws.moments(fitted) == pytest.approx((oracle.mean(), oracle.var()), rel=1e-6)


@pytest.mark.parametrize("cell", [
    "1000 [900 ; 1500] normal", "1300 [900 ; 1500] normal", "850 [800 ; 1500] gamma",
    "450 [50 ; 500] lognormal", "60 [50 ; 500] lognormal",
])  # fmt: skip
def test_a_value_that_is_no_centre_of_its_law_is_refused(cell: str) -> None:
    with pytest.raises(ImpactEvalError) as caught:
        laws.fit(read_amount(cell))
    assert caught.value.codes == ("interval_not_of_law",)


@pytest.mark.parametrize(("column", "cell", "ends"), [
    ("proxy", "1195 [900 ; 1500] normal", (900, 1500)),
    ("proxy", "1050 [800 ; 1500] gamma", (800, 1500)),
    ("proxy", "1050 [800 ; 1500] lognormal", (800, 1500)),
    ("deadweight", "20 % [10 % ; 40 %] beta", (0.1, 0.4)),
])  # fmt: skip
def test_draws_keep_the_declared_ends(
    make_tables: Make, column: str, cell: str, ends: tuple[float, float]
) -> None:
    name = f"a.{column}"
    account = ValueMap.from_dict(make_tables(**{column: cell})).account()
    drawn = simulate(account, draws=200_000, keep=(name,)).inputs[name]
    # 200,000 draws: the error of a 2.5 % quantile is 0.003 to 0.005 of the width here
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx(ends, abs=0.01 * np.ptp(ends))


def test_ends_that_no_share_has_are_refused() -> None:
    for cell in ("10 % [0 % ; 30 %] beta", "90 % [70 % ; 100 %] beta"):
        with pytest.raises(ImpactEvalError) as caught:
            laws.fit(read_amount(cell.replace(" %", "e-2")))
        assert caught.value.codes == ("law_out_of_support",)


@pytest.mark.parametrize("law", SOME_LAWS, ids=lambda law: law.law.value)
def test_a_price_in_later_money_keeps_its_law(law: laws.Distribution) -> None:
    u = np.linspace(0.001, 0.999, 101)
    later = laws.quantile(laws.in_money_of(law, 1.27), u)
    assert later == pytest.approx(1.27 * laws.quantile(law, u), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 10), st.floats(0.1, 5), st.floats(0.1, 5),
       st.sampled_from(["uniform", "triangular", "pert"]))  # fmt: skip
def test_any_bounds_give_a_law(mode: float, below: float, above: float, law: str) -> None:
    low, high = max(mode - below, 0.01), mode + above
    fitted = laws.fit(read_amount(f"{mode} [{low} ; {high}] {law}"))
    assert laws.moments(fitted)[1] > 0
    x = scores.from_normal(fitted, np.linspace(-6, 6, 50))
    assert np.isfinite(x).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000))
def test_lower_root_is_a_root(size: int, rank: int, seed: int) -> None:
    loads = np.random.default_rng(seed).standard_normal((size, min(rank, size)))
    matrix = loads @ loads.T  # singular when the rank is short
    root = scores.lower_root(matrix)
    assert root @ root.T == pytest.approx(matrix, abs=1e-5 * max(1, np.abs(matrix).max()))
    assert (np.triu(root, 1) == 0).all()


# --- draws ---------------------------------------------------------------------------------------


def test_certain_numbers_give_the_exact_account(wheels: ValueMap) -> None:
    for line in wheels.lines:
        wheels = wheels.with_line(line.id, solidity=Solidity.MEASURED)
    account = wheels.account()
    drawn = simulate(account, draws=3)
    assert drawn.benefits("society") == pytest.approx(float(account.sroi().benefits), rel=1e-14)
    assert drawn.costs("society") == pytest.approx(42375)


def test_compiled_totals_are_those_of_the_ledger(insertion: Account) -> None:
    model = compile_model(insertion, by_line=True)
    totals = dict(zip(model.columns, model.totals({}, 1)[0], strict=True))
    read = insertion.sroi()
    assert totals["benefits"] == pytest.approx(float(read.benefits), rel=1e-12)
    assert totals["costs"] == pytest.approx(float(read.costs), rel=1e-12)
    for line in insertion.lines:
        if line.present:
            assert totals[f"line:{line.line}"] == pytest.approx(float(line.present), rel=1e-12)
    for agent in Agent:
        own = totals.get(f"agent:{agent.value}", 0) - totals.get(f"input:{agent.value}", 0)
        assert own == pytest.approx(float(insertion.total_of([agent])), abs=1e-6)


def test_monte_carlo_mean_tends_to_the_analytic_mean(insertion: Account) -> None:
    """Independent numbers: the mean of a product is the product of means, year by year."""
    model = compile_model(insertion)
    central = {item.name: np.array([item.mean]) for item in model.uncertain}
    third = next(i for i in model.uncertain if i.name == "job.drop_off")
    variance = laws.moments(third.law)[1]
    linear = model.totals(central, 1)[0, 0]
    step = 1e-3
    bent = [
        model.totals({**central, "job.drop_off": central["job.drop_off"] + h}, 1)[0, 0]
        for h in (-step, 0, step)
    ]
    curve = (bent[0] - 2 * bent[1] + bent[2]) / step**2  # quadratic in the drop-off: exact
    expected = linear + curve * variance / 2
    drawn = simulate(insertion, draws=200_000, seed=11)
    benefits = drawn.benefits("society")
    error = benefits.std() / math.sqrt(benefits.size)
    assert abs(benefits.mean() - expected) < 4 * error
    assert error / expected < 0.01


def test_a_plain_loop_gives_the_same_totals(insertion: Account) -> None:
    """Brute force: each draw put back in the map, and the exact account computed again."""
    names = ("shelter.deadweight", "wellbeing.proxy", "job.drop_off", "employment/att")
    drawn = simulate(insertion, draws=5, seed=2, keep=(*names, "tutor.proxy", "state.amount"))
    base = compile_model(insertion)
    for k in range(5):
        value_map = insertion.value_map
        for name in (*names[:3], "tutor.proxy"):
            line, _, field = name.partition(".")
            value = D(repr(float(drawn.inputs[name][k])))
            if name == "wellbeing.proxy":  # drawn in money of the base year
                value = value / (D(121) / D("112.01"))
            value_map = value_map.with_line(line, **{field: read_amount(str(value))})
        inputs = tuple(
            replace(i, amount=read_amount(str(D(repr(float(drawn.inputs["state.amount"][k]))))))
            if i.id == "state"
            else i
            for i in value_map.inputs
        )
        effect = D(repr(float(drawn.inputs["employment/att"][k])))
        account = recomputed(insertion, replace(value_map, inputs=inputs))
        account = scaled_quantities(account, ["job"], effect / D("0.08"))
        read = account.sroi()
        assert drawn.totals[k, base.column("benefits")] == pytest.approx(float(read.benefits))
        assert drawn.totals[k, base.column("costs")] == pytest.approx(float(read.costs))


def test_one_stream_by_number(insertion: Account, insertion_map: ValueMap, employment: Any) -> None:
    keep = ("shelter.deadweight",)
    one = simulate(insertion, draws=40_000, seed=5, keep=keep)
    again = simulate(insertion, draws=40_000, seed=5, keep=keep)
    assert (one.totals == again.totals).all()
    other = simulate(insertion, draws=40_000, seed=6)
    assert not np.allclose(one.totals[:, 0], other.totals[:, 0])
    fewer = replace(insertion_map, lines=insertion_map.lines[:2])
    small = simulate(fewer.account({"employment": employment}), draws=40_000, seed=5, keep=keep)
    assert (small.inputs[keep[0]] == one.inputs[keep[0]]).all()
    assert stream(1, "a").random() != stream(1, "b").random()


def test_the_number_of_threads_changes_nothing(
    insertion: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = simulate(insertion, draws=50_000)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert (simulate(insertion, draws=50_000).totals == wide.totals).all()


def test_declared_correlations(make_tables: Make) -> None:
    raw = make_tables(
        proxy="100 [50 ; 150] normal", quantity="10 [5 ; 15] normal",
        correlations=[{"first": "a.proxy", "second": "a.quantity", "rho": "0.8"}],
    )  # fmt: skip
    keep = ("a.proxy", "a.quantity")
    drawn = simulate(ValueMap.from_dict(raw).account(), draws=60_000, keep=keep)
    found = np.corrcoef(drawn.inputs["a.proxy"], drawn.inputs["a.quantity"])[0, 1]
    assert found == pytest.approx(0.8, abs=0.01)
    free = simulate(
        replace(ValueMap.from_dict(raw), correlations=()).account(), draws=60_000, keep=keep
    )
    assert np.allclose(np.sort(free.inputs["a.proxy"])[30_000], 100, atol=1)


def test_impossible_correlations_are_refused(make_tables: Make) -> None:
    raw = make_tables(proxy="100 [50 ; 150]", quantity="10 [5 ; 15]", drop_off="5 % [1 % ; 9 %]")
    pairs = itertools.combinations(["a.proxy", "a.quantity", "a.drop_off"], 2)
    signs = ["0.9", "0.9", "-0.9"]
    raw["correlations"] = [
        {"first": a, "second": b, "rho": r} for (a, b), r in zip(pairs, signs, strict=True)
    ]
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(raw)
    assert caught.value.codes == ("correlation_not_positive",)


def test_effects_are_drawn_jointly_and_with_their_law(
    make_tables: Make, make_estimate: Make
) -> None:
    rows = [("group", 1, 0.1, 0.02), ("group", 2, 0.2, 0.04)]
    estimate = make_estimate("employment", rows, df=6)
    covariance = np.array([[4e-4, -5e-4], [-5e-4, 16e-4]])
    estimate = replace(estimate, covariance=covariance)
    value_map = ValueMap.from_dict(
        make_tables(
            quantity=None,
            estimate="employment",
            unit="share",
            deadweight=None,
            people={"group[1]": 10, "group[2]": 10},
        )
    )
    account = value_map.account({"employment": estimate})
    keep = account.quantities.effects
    drawn = simulate(account, draws=150_000, keep=keep)
    both = np.stack([drawn.inputs[name] for name in keep])
    # Student with 6 degrees of freedom: variance 6/4 of the squared standard error
    assert np.cov(both) == pytest.approx(1.5 * covariance, rel=0.05)
    tail = np.mean(np.abs(both[0] - 0.1) / 0.02 > special.stdtrit(6, 0.975))
    assert tail == pytest.approx(0.05, abs=0.003)


def test_summary_of_draws(insertion: Account) -> None:
    drawn = simulate(insertion, draws=20_000)
    read = uncertainty_of(drawn)
    assert read.ratio == pytest.approx(read.benefits.mean / read.costs.mean)
    assert read.ratio_low < read.ratio < read.ratio_high
    assert read.fieller.kind == "interval"
    assert read.chance_positive == pytest.approx(
        np.mean(drawn.benefits("society") > drawn.costs("society"))
    )
    with pytest.raises(ImpactEvalError):
        simulate(insertion, draws=0)


def test_fieller_sets() -> None:
    plain = fieller(10, 5, (1, 0, 0))
    assert (plain.low, plain.high) == pytest.approx((2 - 0.3919928, 2 + 0.3919928))
    assert fieller(10, 0.1, (1, 0, 1)).kind == "outside"
    assert fieller(0.1, 0.1, (1, 0, 1)).kind == "whole_line"
    for theta in (fieller(10, 5, (1, 0.3, 0.5)).low, fieller(10, 5, (1, 0.3, 0.5)).high):
        gap = (10 - theta * 5) ** 2 - 1.959963984540054**2 * (1 - 2 * theta * 0.3 + theta**2 * 0.5)
        assert gap == pytest.approx(0, abs=1e-9)


def test_what_a_guard_blocks_is_refused_in_all_its_forms(make_tables: Make) -> None:
    raw = make_tables(deadweight=None, proxy="100 [80 ; 130]")
    account = ValueMap.from_dict(raw).account()
    assert account.refusal is not None
    drawn = simulate(account, draws=200)
    for read in (uncertainty_of(drawn), uncertainty_of(drawn, "public")):
        for told in (read.net, read.benefits, read.ratio, read.chance_positive, read.fieller):
            assert told == account.refusal
        assert (read.ratio_low, read.ratio_high) == (None, None)
    reads = (tornado, account_sobol, account_shapley, value_of_information)
    assert [read(account) for read in reads] == [account.refusal] * 4
    for variant in (*discount_variants(account), *scenario_variants(account)):
        assert (variant.net, variant.benefits) == (account.refusal, account.refusal)


@pytest.mark.parametrize(
    ("low", "high"), [(None, None), (0.02, None), (None, 0.2), (0.02, math.inf), (-math.inf, 0.2)]
)
def test_an_interval_with_an_open_end_is_not_known(
    make_estimate: Make, low: float | None, high: float | None
) -> None:
    (row,) = make_estimate("employment", [("att", None, 0.08, 0.03)]).effects
    assert bounds_of(row) is not None
    assert bounds_of(replace(row, conf_low=low, conf_high=high)) is None


def test_an_unknown_error_is_never_zero(make_tables: Make, make_estimate: Make) -> None:
    """An effect without error: no interval, no chance; it does not matter to a line left out."""
    effect = make_estimate("employment", [("att", None, 0.08, 0.03)])
    row = replace(effect.effects[0], std_error=None, conf_low=None, conf_high=None)
    effect = replace(effect, effects=(row,), covariance=np.array([[np.nan]]))
    raw = make_tables(
        quantity=None, estimate="employment", unit="share", people=100, deadweight=None,
        proxy="100 [80 ; 130]",
    )  # fmt: skip
    account = ValueMap.from_dict(raw).account({"employment": effect})
    read = uncertainty_of(simulate(account, draws=200))
    for told in (read.net, read.benefits, read.ratio, read.chance_positive, read.fieller):
        assert isinstance(told, NotApplicable)
        assert told.reason == "effect_without_error"
        assert told.values["outcomes"] == ("employment",)
    assert (read.ratio_low, read.ratio_high, read.costs.mean) == (None, None, 1000)
    for refused in (tornado, account_sobol, account_shapley, value_of_information):
        assert refused(account).reason == "effect_without_error"
    prudent, central, hopeful = scenario_variants(account)
    assert isinstance(prudent.net, NotApplicable)
    assert isinstance(hopeful.net, NotApplicable)
    assert central.net == account.sroi().net
    assert headline(account, read).reason == "effect_without_error"
    raw["lines"] = [
        {**raw["lines"][0], "included": False, "reason": "x"},
        {**raw["lines"][0], "id": "b", "estimate": None, "quantity": 10, "people": None,
         "deadweight": "50 %", "unit": "count"},
    ]  # fmt: skip
    account = ValueMap.from_dict(raw).account({"employment": effect})
    assert uncertainty_of(simulate(account, draws=200)).net.std > 0


@pytest.mark.parametrize(("ends", "df", "level"), [
    ((-0.05, 0.22), None, 0.95), ((0.02, 0.11), 6.0, 0.95), ((0.0, 0.5), 3.0, 0.9),
])  # fmt: skip
def test_an_effect_ends_where_its_printed_interval_ends(
    make_tables: Make, make_estimate: Make, ends: tuple[float, float], df: float | None,
    level: float,
) -> None:  # fmt: skip
    """By draws: at its level the quantiles are the ends, and the median is the estimate."""
    effect = make_estimate("employment", [("att", None, 0.08, 0.03)], df=df)
    row = replace(effect.effects[0], conf_low=ends[0], conf_high=ends[1], conf_level=level)
    effect = replace(effect, effects=(row,))
    raw = make_tables(
        quantity=None, estimate="employment", unit="share", people=100, deadweight=None,
        map__discount_rate=0,
    )  # fmt: skip
    account = ValueMap.from_dict(raw).account({"employment": effect})
    drawn = simulate(account, draws=200_000, keep=("employment/att",))
    tails = [(1 - level) / 2, 0.5, (1 + level) / 2]
    found = np.quantile(drawn.inputs["employment/att"], tails)
    assert found == pytest.approx((ends[0], 0.08, ends[1]), abs=0.01 * np.ptp(ends))
    # 100 people at 100 euros, 1,000 euros spent
    net = uncertainty_of(drawn, level=level).net
    expected = (1e4 * ends[0] - 1000, 1e4 * ends[1] - 1000)
    assert (net.conf_low, net.conf_high) == pytest.approx(expected, abs=100 * np.ptp(ends))
    bar = tornado(account, tail=(1 - level) / 2)[0]
    assert (bar.low, bar.high) == pytest.approx(ends)
    laws_of = compile_model(account).effect_laws
    u = np.array([0.01, 0.3, 0.8])
    assert laws_of.at_normal(0, special.ndtri(u)) == pytest.approx(laws_of.quantiles(0, u))


def test_a_textbook_interval_gives_the_law_of_the_standard_error(make_estimate: Make) -> None:
    rows = [("group", 1, 0.1, 0.02), ("group", 2, 0.2, 0.04)]
    covariance = np.array([[4e-4, -5e-4], [-5e-4, 16e-4]])
    estimate = replace(make_estimate("employment", rows, df=6), covariance=covariance)
    quantities = Quantities(
        lines=(), effects=("a", "b"), values=np.array([0.1, 0.2]), covariance=covariance,
        df=(6, 6), bounds=tuple(bounds_of(effect) for effect in estimate.effects),
    )  # fmt: skip
    read = laws_of_effects(quantities)
    assert read.below == pytest.approx([0.02, 0.04])
    assert read.above == pytest.approx([0.02, 0.04])
    assert read.correlation[0, 1] == pytest.approx(-5e-4 / 8e-4)


def test_an_effect_outside_its_interval_has_no_law(make_tables: Make, make_estimate: Make) -> None:
    effect = make_estimate("employment", [("att", None, 0.08, 0.03)])
    effect = replace(effect, effects=(replace(effect.effects[0], conf_low=0.1, conf_high=0.2),))
    raw = make_tables(
        quantity=None, estimate="employment", unit="share", people=100, deadweight=None
    )
    account = ValueMap.from_dict(raw).account({"employment": effect})
    read = uncertainty_of(simulate(account, draws=50))
    assert read.net.reason == "effect_outside_interval"


def test_draws_of_an_estimator_serve_where_they_say_what_is_printed() -> None:
    own = np.random.default_rng(1).normal(0.1, 0.02, (5_000, 1))
    printed = wald_bounds(0.1, 0.02, None)
    base = Quantities(
        lines=(), effects=("a",), values=np.array([0.1]), covariance=np.array([[4e-4]]),
        df=(None,), bounds=(printed,), draws=own,
    )  # fmt: skip
    assert laws_of_effects(base).draws is own
    wide = replace(base, bounds=(wald_bounds(0.1, 0.05, None),))
    assert laws_of_effects(wide).draws is None
    assert laws_of_effects(wide).above == pytest.approx([0.05])


def test_where_nothing_varies_there_is_no_interval(make_tables: Make) -> None:
    certain = ValueMap.from_dict(make_tables()).account()
    read = uncertainty_of(simulate(certain, draws=50))
    assert read.net.reason == read.chance_positive.reason == "nothing_varies"
    assert headline(certain, read).reason == "headline_needs_interval"


# --- shares written without an interval ---


def test_a_share_written_without_an_interval_is_drawn_around_what_was_typed(
    make_tables: Make,
) -> None:
    """PERT, 10 points either way where published and 20 where judged; the centre stays."""
    raw = make_tables(
        deadweight="15 %", displacement="30 % [20 % ; 50 %]", attribution=0, drop_off="40 %",
        duration=3, solidity=None, map__follow_up=3,
    )  # fmt: skip
    raw["lines"] += [
        {**raw["lines"][0], "id": "b", "outcome": "b", "solidity": "publiée"},
        {**raw["lines"][0], "id": "c", "outcome": "c", "solidity": "mesure"},
        {**raw["lines"][0], "id": "d", "outcome": "d", "duration": 1},  # nothing fades in a year
    ]
    account = ValueMap.from_dict(raw).account()
    found = {item.name: item for item in compile_model(account).uncertain}
    assert set(found) == {
        *(f"{line}.displacement" for line in "abcd"), "a.deadweight", "a.drop_off",
        "b.deadweight", "b.drop_off", "d.deadweight",
    }  # fmt: skip
    judged, published = found["a.deadweight"].law, found["b.deadweight"].law
    assert (judged.low, judged.high) == pytest.approx((0, 0.35))
    assert (published.low, published.high) == pytest.approx((0.05, 0.25))
    # the mean of a PERT law: (a + 4m + b) / 6
    assert laws.moments(published)[0] == pytest.approx((0.05 + 4 * 0.15 + 0.25) / 6)
    sure = [{**line, "solidity": "measured"} for line in raw["lines"]]
    certain = ValueMap.from_dict({**raw, "lines": sure}).account()
    assert certain.sroi() == account.sroi()
    wide, narrow = (uncertainty_of(simulate(a, draws=4_000)).net for a in (account, certain))
    assert wide.std > narrow.std
    told = {
        (f.values["column"], f.values["solidity"]): (f.values["margin"], f.values["lines"])
        for f in shares_made_uncertain(account)
    }
    assert told == {
        ("deadweight", "judgement"): (20, ("a", "d")), ("drop_off", "judgement"): (20, ("a",)),
        ("deadweight", "published"): (10, ("b",)), ("drop_off", "published"): (10, ("b",)),
    }  # fmt: skip
    assert shares_made_uncertain(certain) == ()


def test_what_is_taken_for_certain_is_listed_with_what_it_would_change(
    insertion: Account, employment: Any
) -> None:
    """Brute force: the number is put in the map, and the whole account computed again."""
    found = {number.name: number for number in certain_numbers(insertion)}
    model = compile_model(insertion)
    assert not {item.name for item in model.uncertain} & set(found)
    widths = [number.width for number in certain_numbers(insertion)]
    assert widths == sorted(widths, reverse=True)
    assert {"map.discount_rate", "helpers.proxy", "helpers.quantity", "helpers.duration",
            "tutor.deadweight"} <= set(found)  # fmt: skip
    for name, number in found.items():
        owner, _, column = name.rpartition(".")
        if column == "people" or owner in {i.id for i in insertion.value_map.inputs}:
            continue
        for x, net in ((number.low, number.net_low), (number.high, number.net_high)):
            changed = insertion.value_map
            if owner == "map":
                changed = changed.with_settings(discount_rate=x)
            elif changed.line(owner).price.bundle and column not in ("duration", "displacement"):
                continue
            else:
                cell = x if column == "duration" else Amount(value=x)
                changed = changed.with_line(owner, **{column: cell})
            again = recomputed(insertion, changed).sroi("society").net
            assert float(net) == pytest.approx(float(again)), name


def test_what_is_refused_lists_nothing_for_certain(make_tables: Make) -> None:
    account = ValueMap.from_dict(make_tables(deadweight=None)).account()
    assert certain_numbers(account) == account.refusal


def test_nothing_or_everything_taken_off_is_no_estimate() -> None:
    for typed in ("0", "1", "0.3 [0.2 ; 0.4]"):
        assert assumed_law(read_amount(typed), Solidity.JUDGEMENT) is None
    assert assumed_law(None, Solidity.JUDGEMENT) is None
    assert assumed_law(read_amount("0.95"), Solidity.JUDGEMENT).high == 1


# --- sensitivity ---------------------------------------------------------------------------------


def test_tornado_moves_one_number_at_a_time(insertion: Account) -> None:
    bars = tornado(insertion)
    assert bars[0].name == "employment/att"
    assert [b.width for b in bars] == sorted((b.width for b in bars), reverse=True)
    bar = next(b for b in bars if b.name == "shelter.deadweight")
    exact = scaled_quantities(insertion, ["shelter"], D(repr((1 - bar.low) / 0.6)))
    assert bar.net_low == pytest.approx(float(exact.sroi().net))
    assert tornado(ValueMap.from_dict(_certain(insertion)).account()) == ()


def _certain(account: Account) -> dict[str, Any]:
    data = account.value_map.to_dict()
    lines = [line for line in data["lines"] if line["id"] == "helpers"]
    return {**data, "lines": lines, "inputs": data["inputs"][:1]}


def test_switching_value_is_where_the_sign_changes(insertion: Account) -> None:
    found = switching_value(insertion, ["job"], "quantity")
    at = scaled_quantities(insertion, ["job"], found.switching).sroi()
    assert abs(at.net) < D("1e-12")
    assert found.quantity == pytest.approx(found.switching * 16)
    assert found.people == pytest.approx(found.quantity / 2)  # by 100 of 200 people
    share = switching_value(insertion, ["shelter"], "deadweight")
    assert not share.reachable
    with pytest.raises(ImpactEvalError):
        switching_value(insertion, ["jobb"], "quantity")
    with pytest.raises(ImpactEvalError):
        switching_value(insertion, ["job"], "colour")


def test_two_way_grid(insertion: Account) -> None:
    grid = two_way_grid(insertion, "employment/att", [0.0, 0.08], "job.displacement", [0, 0.25, 1])
    assert grid.net.shape == (2, 3)
    assert grid.net[1, 1] == pytest.approx(float(insertion.sroi().net))
    assert grid.net[0] == pytest.approx(grid.net[1, 2])  # no effect, or all displaced
    assert "employment/att" in number_names(insertion, compile_model(insertion))
    with pytest.raises(ImpactEvalError):
        two_way_grid(insertion, "job.colour", [0], "job.displacement", [0])


def test_sobol_of_a_product() -> None:
    rng = np.random.default_rng(1)
    a = 1 + rng.standard_normal((200_000, 2)) * [0.3, 0.2]
    b = 1 + rng.standard_normal((200_000, 2)) * [0.3, 0.2]
    found = sobol_indices(lambda x: x[:, 0] * x[:, 1], a, b, ["x", "y"])
    first, total, _ = product_sobol([0.3, 0.2])
    assert np.abs(found.first - first).max() < 4 * found.first_error.max()
    assert np.abs(found.total - total).max() < 4 * found.total_error.max()
    still = sobol_indices(lambda x: np.zeros(len(x)), a, b, ["x", "y"])
    assert isinstance(still, NotApplicable)


def test_shapley_of_a_product_and_of_a_line() -> None:
    rng = np.random.default_rng(2)
    found = shapley_effects(
        lambda z: (1 + 0.3 * z[:, 0]) * (1 + 0.2 * z[:, 1]), ["x", "y"], rng=rng, draws=300_000
    )
    # Monte Carlo of 300,000 pairs: standard error near 0.003
    assert found.shares == pytest.approx(product_sobol([0.3, 0.2])[2], abs=0.01)
    assert found.shares.sum() == pytest.approx(1)


def test_shapley_of_correlated_inputs() -> None:
    """Owen and Prieur 2017: y = x1 + x2 of correlation rho gives each one half."""
    matrix = np.array([[1, 0.6], [0.6, 1]])
    found = shapley_effects(
        lambda z: z[:, 0] + 2 * z[:, 1], ["x", "y"], rng=np.random.default_rng(3),
        correlation=matrix, draws=300_000,
    )  # fmt: skip
    # linear Gaussian: c(u) in closed form
    rho, b = 0.6, np.array([1.0, 2.0])
    variance = 1 + 4 + 2 * rho * 2
    cost = {
        frozenset(): 0.0,
        frozenset({0}): (b[0] + rho * b[1]) ** 2,
        frozenset({1}): (b[1] + rho * b[0]) ** 2,
        frozenset({0, 1}): variance,
    }
    assert found.shares == pytest.approx(shapley_of_costs(cost, 2) / variance, abs=0.01)
    grouped = shapley_effects(
        lambda z: z.sum(axis=1), ["all", "none"], rng=np.random.default_rng(3),
        draws=1000, groups=[[0, 1], [2]],
    )  # fmt: skip
    assert grouped.shares.sum() == pytest.approx(1)
    with pytest.raises(ImpactEvalError):
        shapley_effects(lambda z: z[:, 0], ["x"] * 11, rng=np.random.default_rng(3))


# --- information ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (1.0, 1.0), (-2.0, 3.0)])
def test_evpi_of_draws_tends_to_the_closed_form(mean: float, sd: float) -> None:
    x = mean + sd * np.random.default_rng(4).standard_normal(400_000)
    found = evpi(np.column_stack([np.zeros_like(x), x]))
    assert found == pytest.approx(evpi_normal(mean, sd), abs=4 * sd / math.sqrt(400_000))


def test_evppi_of_one_input_of_two() -> None:
    """INB = X + Y normal: knowing X alone is worth the EVPI of its conditional mean."""
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 200_000))
    gain = 0.3 + 2 * x + 1.5 * y
    net = np.column_stack([np.zeros_like(gain), gain])
    assert evppi(net, x) == pytest.approx(evpi_normal(0.3, 2), abs=0.015)
    assert evppi(net, np.column_stack([x, y])) == pytest.approx(evpi(net), abs=0.01)
    assert evppi(net, rng.standard_normal(200_000)) < 0.01
    assert evppi(net, np.ones(200_000)) == pytest.approx(0, abs=1e-9)
    assert population_value(10, 100, 2, 0.0) == 2000


def test_evppi_of_an_account(insertion: Account) -> None:
    drawn = simulate(insertion, draws=20_000, keep=("employment/att", "tutor.proxy"))
    gain = drawn.benefits("society") - drawn.costs("society") - 450_000
    net = np.column_stack([np.zeros_like(gain), gain])
    effect = evppi(net, drawn.inputs["employment/att"])
    assert evppi(net, drawn.inputs["tutor.proxy"]) < effect <= evpi(net) * 1.001


# --- read-outs -----------------------------------------------------------------------------------


def test_mvpf_quadrants_and_interval() -> None:
    cases = {(1, 1): MvpfCase.ORDINARY, (1, -1): MvpfCase.PAYS_FOR_ITSELF,
             (-1, 1): MvpfCase.HARMFUL, (-1, -1): MvpfCase.REPEAL}  # fmt: skip
    for (w, c), case in cases.items():
        read = mvpf(willingness_to_pay=w, programme_cost=c, fiscal_externality=0)
        assert read.case is case
    assert mvpf(willingness_to_pay=1, programme_cost=1, fiscal_externality=2).ratio == math.inf
    rng = np.random.default_rng(6)
    wtp, cost = rng.normal(1, 0.1, 20_000), np.ones(20_000)
    low, high = mvpf_interval(wtp, cost, point=(1, 1))
    assert (low, high) == pytest.approx((0.804, 1.196), abs=0.01)
    wild = mvpf_interval(rng.normal(1, 9, 20_000), rng.normal(1, 9, 20_000), point=(1, 1))
    assert wild == (-math.inf, math.inf)


def test_mvpf_is_averaged_by_programme_euro() -> None:
    one = mvpf(willingness_to_pay=10, programme_cost=10, fiscal_externality=5)
    two = mvpf(willingness_to_pay=100, programme_cost=100, fiscal_externality=0)
    mean = mean_mvpf([one, two])
    assert mean.ratio == pytest.approx(1 / 0.75)
    assert mean.ratio != pytest.approx((one.ratio + two.ratio) / 2)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=7, unique=True)
)
def test_the_frontier_maximises_net_benefit(points: list[tuple[float, float]]) -> None:
    costs, effects = [c for c, _ in points], [e for _, e in points]
    rows = frontier([str(i) for i in range(len(points))], costs, effects)
    on = [r for r in rows if r.status in ("reference", "frontier")]
    icers = [r.icer for r in on[1:]]
    assert icers == sorted(icers)
    for value in (0.0, 0.5, 1.0, 7.0, 1e4):
        best = max(value * r.effect - r.cost for r in rows)
        assert max(value * r.effect - r.cost for r in on) == pytest.approx(best, abs=1e-6)


def test_acceptability_by_brute_force() -> None:
    """The curve is the share of draws of the quantity in which its value exceeds the cost."""
    rng = np.random.default_rng(7)
    error, cost, units = 6.0, 30_000.0, 20.0
    drawn = units + error * rng.standard_normal(400_000)
    margin = 1.959963984540054 * error
    curve = curve_of_a_result(cost, units, units - margin, units + margin)
    assert [p.value for p in curve] == pytest.approx([375.0 * k for k in range(1, 13)])
    for point in curve:
        wins = float(np.mean(point.value * drawn > cost))
        assert point.chance == pytest.approx(wins, abs=5 * 0.5 / 400_000**0.5)
    assert curve[3].chance == pytest.approx(0.5)  # at the cost of one result
    assert curve_of_a_result(0, units, 1, 2) == ()
    assert curve_of_a_result(cost, units, units, units) == ()


def test_cost_by_outcome_has_no_false_upper_bound() -> None:
    assert cost_per_outcome(100, 4, -1, 9).conf_high is None
    assert cost_per_outcome(100, 4, 2, 5).conf_high == 50
    assert cost_per_outcome(100, -4, -9, 1).ratio.reason == "effect_not_positive"


def test_equity(insertion: Account) -> None:
    half = RelativeIncome(agent=Agent.BENEFICIARY, relative_income=Decimal("0.5"), source="Insee")
    assert equity_values(insertion) == ()
    assert switching_elasticity(insertion).reason == "no_income"
    insertion = replace(insertion, value_map=replace(insertion.value_map, incomes=(half,)))
    flat = weighted_value(insertion, 0.0)
    assert flat.weighted == pytest.approx(flat.unweighted)
    assert flat.unweighted == pytest.approx(float(insertion.sroi().net))
    dear = weighted_value(insertion, 1.3)
    own = float(insertion.total_of([Agent.BENEFICIARY]))
    assert dear.weighted - dear.unweighted == pytest.approx(own * (0.5**-1.3 - 1))
    assert switching_elasticity(insertion).reason == "no_switching_elasticity"
    with pytest.raises(ImpactEvalError):
        equity_weight(0, -1)


# --- unknowns of an account ----------------------------------------------------------------------


def test_shares_of_variance_of_an_account(make_tables: Make) -> None:
    """One line, quantity x price: the closed form of a product."""
    raw = make_tables(
        quantity="10 [4.12 ; 15.88] normal", proxy="100 [60.8 ; 139.2] normal", deadweight="50 %"
    )
    account = ValueMap.from_dict(raw).account()
    first, total, shapley = product_sobol([0.3, 0.2])
    found = account_sobol(account, draws=100_000)
    order = [found.names.index("a.quantity"), found.names.index("a.proxy")]
    # intervals written with two decimals, 100,000 draws: 0.015
    assert found.first[order] == pytest.approx(first, abs=0.015)
    assert found.total[order] == pytest.approx(total, abs=0.015)
    shares = account_shapley(account, draws=100_000)
    assert dict(zip(shares.names, shares.shares, strict=True)) == pytest.approx(
        {"a.quantity": shapley[0], "a.proxy": shapley[1]}, abs=0.015
    )
    raw["correlations"] = [{"first": "a.quantity", "second": "a.proxy", "rho": "0.5"}]
    tied = ValueMap.from_dict(raw).account()
    assert account_sobol(tied).reason == "inputs_correlated"
    assert account_shapley(tied).shares.sum() == pytest.approx(1)
    certain = ValueMap.from_dict(make_tables()).account()
    for read in (account_sobol, account_shapley, value_of_information):
        assert read(certain).reason == "nothing_varies"


def test_many_unknowns_are_grouped(insertion: Account) -> None:
    data = insertion.value_map.to_dict()
    lines = data["lines"] + [
        {**data["lines"][3], "id": f"x{k}", "outcome": f"Joie {k}", "proxy": "200 [100 ; 300]"}
        for k in range(6)
    ]
    account = ValueMap.from_dict({**data, "lines": lines[1:]}).account()
    shares = account_shapley(account, draws=2000)
    assert shares.names[-1] == "others"
    assert len(shares.names) == 8
    assert shares.shares.sum() == pytest.approx(1)


def test_value_of_information_of_an_account(make_tables: Make, make_estimate: Make) -> None:
    """A normal net value: the closed form, the effect being the only unknown that matters."""
    effect = make_estimate("employment", [("att", None, 0.08, 0.03)])
    raw = make_tables(
        quantity=None, estimate="employment", unit="share", people=100, deadweight=None,
        map__discount_rate=0, input__amount="800 [799 ; 801] normal",
    )  # fmt: skip
    account = ValueMap.from_dict(raw).account({"employment": effect})
    found = value_of_information(account, draws=100_000)
    assert found.perfect == pytest.approx(evpi_normal(0, 300), rel=0.02)
    assert found.by_number[0][0] == "employment/att"
    assert found.by_number[0][1] == pytest.approx(found.perfect, rel=0.02)
    assert found.by_number[1][1] < 1
    assert found.chance_wrong == pytest.approx(0.5, abs=0.01)


def test_accounts_add_up_and_ratios_are_not_averaged(make_tables: Make, insertion: Account) -> None:
    small = ValueMap.from_dict(make_tables(outcome="x")).account()
    large = ValueMap.from_dict(
        make_tables(outcome="y", quantity=1000, input__amount=20_000)
    ).account()
    both = consolidate({"small": small, "large": large})
    assert both.net == small.sroi().net + large.sroi().net
    assert both.ratio == pytest.approx((small.sroi().benefits + large.sroi().benefits) / 21_000)
    assert sum(both.matrix.values()) == both.net
    assert consolidate({"small": small, "twin": small}).findings == ()  # other people
    known = ValueMap.from_dict(make_tables(outcome="x", map__population="Bassin de Lens")).account()
    again = consolidate({"small": known, "twin": known})
    assert [f.code for f in again.findings] == ["guard_attribution_over_one"]
    for accounts in ({}, {"a": small, "b": insertion}):
        with pytest.raises(ImpactEvalError):
            consolidate(accounts)
    bare = ValueMap.from_dict(make_tables(deadweight=None)).account()
    assert consolidate({"a": small, "b": bare}).ratio.reason == "ratio_refused_in"


def test_the_risky_rate_of_a_project_is_the_free_rate_and_beta_premiums() -> None:
    """France Stratégie 2021: 1.2 % without risk and a premium of 2 %; a beta of one, 3.2 %."""
    rates = [risky_rate(D(beta), free=D("0.012"), premium=D("0.02")) for beta in ("0", "1", "1.5")]
    assert rates == [D("0.012"), D("0.032"), D("0.042")]
