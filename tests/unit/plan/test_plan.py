"""The door `ie.plan`: held to statsmodels, to formulas and to hashes made by hand."""

from __future__ import annotations

import hashlib
import itertools
import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.power import NormalIndPower, TTestIndPower, TTestPower

from impact_eval import ImpactEvalError, NotApplicable, plan

PLACES = pd.DataFrame(
    {
        "lieu": [f"T{i:02d}" for i in range(12)],
        "region": ["nord", "sud"] * 6,
        "revenu": [10.0, 12, 9, 14, 11, 13, 10, 15, 8, 12, 11, 14],
    }
)


@pytest.mark.parametrize(("n", "ratio", "effect"), [(64, 1.0, 0.5), (30, 2.0, 0.4), (15, 0.6, 0.8)])
@pytest.mark.parametrize(("tails", "alternative"), [("two", "two-sided"), ("one", "larger")])
def test_two_means_against_statsmodels(
    n: int, ratio: float, effect: float, tails: str, alternative: str
) -> None:
    planned = plan.TwoMeans(n_treated=n, n_comparison=n * ratio)
    peer = TTestIndPower()
    expected = peer.power(effect, n, 0.05, ratio=ratio, alternative=alternative)
    assert plan.power(planned, effect, tails=tails).power == pytest.approx(expected, abs=1e-8)
    seen = plan.smallest_effect(planned, power=0.9, tails=tails).effect
    expected = peer.solve_power(None, n, 0.05, 0.9, ratio=ratio, alternative=alternative)
    assert seen == pytest.approx(expected, rel=1e-5)  # where its search stops


@pytest.mark.parametrize(("effect", "ratio"), [(0.2, 1.0), (0.5, 3.0), (0.35, 0.4)])
def test_numbers_needed_against_statsmodels(effect: float, ratio: float) -> None:
    found = plan.size_needed(plan.TwoMeans(n_treated=100, n_comparison=100 * ratio), effect)
    expected = TTestIndPower().solve_power(effect, None, 0.05, 0.8, ratio=ratio)
    assert isinstance(found.planned, plan.TwoMeans)
    assert found.planned.n_treated == math.ceil(expected)
    assert found.planned.n_comparison == math.ceil(expected * ratio) or ratio != 1.0
    assert 0.8 <= found.power < 0.82


def test_paired_change_against_statsmodels() -> None:
    expected = TTestPower().power(0.4, 30, 0.05)
    assert plan.power(plan.PairedChange(n=30), 0.4).power == pytest.approx(expected, abs=1e-8)


def test_shares_against_statsmodels() -> None:
    planned = plan.TwoShares(n_treated=150, n_comparison=150, share_comparison=0.3)
    h = 2 * (math.asin(math.sqrt(0.45)) - math.asin(math.sqrt(0.3)))
    expected = NormalIndPower().power(h, 150, 0.05)
    assert plan.power(planned, 0.15).power == pytest.approx(expected, abs=1e-10)
    seen = plan.smallest_effect(planned)
    assert plan.power(planned, seen.effect).power == pytest.approx(0.8, abs=1e-9)


def test_people_of_one_group_that_never_differ_are_worth_one() -> None:
    alone = plan.ClusteredMeans(clusters_treated=10, clusters_comparison=10, size=30, icc=1.0)
    means = plan.TwoMeans(n_treated=10, n_comparison=10)
    assert plan.smallest_effect(alone).effect == pytest.approx(plan.smallest_effect(means).effect)
    assert alone.design_effect == pytest.approx(30)


def test_clusters_are_what_is_searched() -> None:
    planned = plan.ClusteredMeans(clusters_treated=4, clusters_comparison=4, size=20, icc=0.1)
    found = plan.size_needed(planned, 0.3)
    assert isinstance(found.planned, plan.ClusteredMeans)
    k = found.planned.clusters_treated
    fewer = plan.ClusteredMeans(clusters_treated=k - 1, clusters_comparison=k - 1, size=20, icc=0.1)
    assert plan.power(fewer, 0.3).power < 0.8 <= found.power


def test_waves_before_help_as_their_correlation_says() -> None:
    """With one wave before and one after, ANCOVA leaves 1 - rho squared of the variance."""
    after = plan.TwoMeans(n_treated=40, n_comparison=40).precision.std_error
    for rho, choice in itertools.product((0.0, 0.3, 0.8), ("ancova", "change", "follow_up")):
        factor = {"ancova": 1 - rho**2, "change": 2 * (1 - rho), "follow_up": 1.0}[choice]
        planned = plan.RepeatedMeans(
            n_treated=40, n_comparison=40, correlation=rho, adjustment=choice
        )
        assert planned.precision.std_error == pytest.approx(after * math.sqrt(factor))


def test_losses_widen_what_can_be_seen() -> None:
    shares = plan.TwoShares(n_treated=200, n_comparison=200, share_comparison=0.4)
    whole = plan.power(shares, 0.1)
    halved = plan.power(shares, 0.1, attrition=0.5)
    smaller = plan.TwoShares(n_treated=100, n_comparison=100, share_comparison=0.4)
    assert halved.power == pytest.approx(plan.power(smaller, 0.1).power)
    assert plan.power(shares, 0.1, take_up=0.5).std_error == pytest.approx(2 * whole.std_error)


def test_a_rollout_with_one_wave_is_a_difference_in_differences() -> None:
    """Two periods, independent noise: variance 2 sigma squared (1/n1 + 1/n0), every estimator."""
    waves = plan.Rollout(joining={2: 6}, never=9, periods=2, sd=3.0)
    found = plan.rollout_power(waves).rows
    for name, row in found.items():
        assert isinstance(row, plan.Detection), name
        assert row.std_error == pytest.approx(math.sqrt(2 * 9 * (1 / 6 + 1 / 9)))
        assert row.df == 13


def test_a_rollout_without_never_treated_gives_its_reason() -> None:
    waves = plan.Rollout(joining={2: 3, 4: 3}, periods=5, icc=0.3, autocorrelation=0.7)
    found = plan.rollout_power(waves, effect=1.0)
    missing = found.rows["never_treated"]
    assert isinstance(missing, NotApplicable)
    assert missing.reason == "rollout_not_identified"
    table = found.tidy().set_index("estimator")
    assert table.loc["gls", "power"] > table.loc["twfe", "power"]
    assert table.loc["never_treated", "reason"] == "rollout_not_identified"


def test_a_draw_is_the_order_of_public_hashes() -> None:
    done = plan.draw(PLACES, unit="lieu", joining={"2027": 4, "2028": 4}, seed="7 mars")
    order = sorted(
        PLACES["lieu"], key=lambda name: hashlib.sha256(f"7 mars|0|{name}".encode()).hexdigest()
    )
    assert list(done.table()["unit"]) == order
    assert list(done.table()["wave"])[:8] == ["2027"] * 4 + ["2028"] * 4
    assert done.table()["wave"].isna().sum() == 4
    shuffled = PLACES.sample(frac=1, random_state=3)
    assert plan.draw(shuffled, unit="lieu", joining={"2027": 4, "2028": 4}, seed="7 mars") == done
    assert PLACES["lieu"].iloc[0] not in repr(done)
    assert pickle.loads(pickle.dumps(done)) == done


def test_blocks_have_each_their_places() -> None:
    done = plan.draw(PLACES, unit="lieu", joining={"2027": 2}, seed="x", block="region")
    table = done.table()
    assert table[table["wave"] == "2027"].groupby("block").size().to_dict() == {"nord": 2, "sud": 2}
    own = [plan.Quota("2027", 3, "nord"), plan.Quota("2027", 1, "sud")]
    table = plan.draw(PLACES, unit="lieu", joining=own, seed="x", block="region").table()
    assert table[table["wave"] == "2027"].groupby("block").size().to_dict() == {"nord": 3, "sud": 1}


def test_balance_is_kept_and_belongs_to_the_record() -> None:
    done = plan.draw(
        PLACES, unit="lieu", joining={"2027": 6}, seed="x", balance=["revenu"], limit=0.1
    )
    drawn = PLACES["lieu"].map(done.waves) == "2027"
    gap = PLACES["revenu"][drawn].mean() - PLACES["revenu"][~drawn].mean()
    assert abs(gap) <= 0.1 * PLACES["revenu"].std()
    assert plan.verify_draw(done) == ()
    assert plan.verify_draw(plan.Draw.from_dict(done.to_dict())) == ()


def test_a_signed_draw() -> None:
    done = plan.draw(PLACES, unit="lieu", joining={"2027": 6}, seed="x", key=b"secret")
    assert plan.verify_draw(done, key=b"secret") == ()
    wrong = plan.verify_draw(done, key=b"other")
    assert [finding.code for finding in wrong] == ["lottery_signature_differs"]


def test_the_draw_test_counts_all_draws_by_brute_force() -> None:
    places = PLACES.head(7)
    done = plan.draw(places, unit="lieu", joining={"2027": 3, "2028": 2}, seed="x")
    rng = np.random.default_rng(0)
    outcome = {
        name: float(value) for name, value in zip(places["lieu"], rng.normal(size=7), strict=True)
    }
    found = plan.draw_test(done, outcome, wave="2027")
    names = list(places["lieu"])

    def gap(drawn: tuple[str, ...]) -> float:
        into = [outcome[name] for name in drawn]
        out = [outcome[name] for name in names if name not in drawn]
        return float(np.mean(into) - np.mean(out))

    own = gap(tuple(name for name in names if done.waves[name] == "2027"))
    others = [gap(drawn) for drawn in itertools.combinations(names, 3)]
    expected = np.mean([abs(value) >= abs(own) - 1e-12 for value in others])
    assert found.statistic == pytest.approx(own)
    assert found.p_value == pytest.approx(expected)
    assert found.exact


@pytest.mark.parametrize(
    ("call", "codes"),
    [
        (lambda: plan.TwoMeans(n_treated=0, n_comparison=9), {"number_too_low"}),
        (lambda: plan.TwoMeans(n_treated="9", n_comparison=9), {"not_a_planned_number"}),
        (lambda: plan.TwoMeans(n_treated=9, n_comparison=9, sd=math.nan),
         {"not_a_planned_number"}),
        (lambda: plan.power(plan.TwoMeans(n_treated=9, n_comparison=9, r2=1), 1),
         {"nothing_left_to_chance"}),
        (lambda: plan.power(plan.PairedChange(n=9), math.nan), {"not_a_planned_number"}),
        (lambda: plan.power(plan.PairedChange(n=9), "big"), {"not_a_planned_number"}),
        (lambda: plan.power(plan.PairedChange(n=9), 1, alpha="5 %"), {"not_a_planned_number"}),
        (lambda: plan.power(None, 1), {"not_a_comparison"}),
        (lambda: plan.power(plan.PairedChange, 1), {"not_a_comparison"}),
        (lambda: plan.rollout_power(None), {"not_a_comparison"}),
        (lambda: plan.Rollout(joining=[3, 4], periods=6), {"joining_not_counts"}),
        (lambda: plan.Rollout(joining={3: 2.5}, periods=6), {"not_a_whole_number"}),
        (lambda: plan.Rollout(joining={3: 2}, periods=100_000), {"option_out_of_range"}),
        (lambda: plan.draw(None, unit="lieu", joining={"a": 1}, seed="x"), {"not_a_table"}),
        (lambda: plan.draw(PLACES, unit="lieu", joining={"a": 2.5}, seed="x"),
         {"not_a_whole_number"}),
        (lambda: plan.draw(PLACES, unit="lieu", joining={"a": "two"}, seed="x"),
         {"not_a_planned_number"}),
        (lambda: plan.draw(PLACES, unit="lieu", joining=["a"], seed="x"),
         {"joining_not_counts"}),
        (lambda: plan.verify_draw("x"), {"lottery_unreadable"}),
        (lambda: plan.draw(PLACES, unit="lieu", joining={"a": 2}, seed="x", key="text"),
         {"key_not_bytes"}),
        (lambda: plan.verify_draw({}, key="text"), {"key_not_bytes"}),
        (lambda: plan.verify_draw({}, key=42), {"key_not_bytes"}),
        (lambda: plan.Draw("hello").digest, {"lottery_unreadable"}),
        (lambda: plan.draw_test(plan.draw(PLACES, unit="lieu", joining={"a": 3}, seed="x"),
                                {}, wave="a", draws=0, level=95), {"option_out_of_range"}),
        (lambda: plan.TwoMeans(n_treated=9, n_comparison=9, sd=0), {"number_not_positive"}),
        (lambda: plan.PairedChange(n=math.nan), {"not_a_planned_number"}),
        (lambda: plan.Rollout(joining={2: 0}, periods=1), {"number_too_low"}),
        (lambda: plan.Rollout(joining={9: 3}, never=3, periods=4).precision,
         {"rollout_not_identified"}),
        (lambda: plan.Rollout(joining={2: 3}, never=3, periods=4, icc=2), {"option_out_of_range"}),
        (lambda: plan.Rollout(joining={2: 3}, periods=4, estimator="x"), {"unknown_option"}),
        (lambda: plan.power(plan.PairedChange(n=9), 1, alpha=2), {"option_out_of_range"}),
        (lambda: plan.power(plan.PairedChange(n=9), 1, tails="both"), {"unknown_option"}),
        (lambda: plan.power(plan.PairedChange(n=9), 1, take_up=0), {"nobody_left"}),
        (lambda: plan.size_needed(plan.PairedChange(n=9), 0), {"size_not_found"}),
        (lambda: plan.size_needed(plan.Rollout(joining={2: 3}, never=2, periods=4), 1),
         {"not_resizable"}),
        (lambda: plan.smallest_effect(
            plan.TwoShares(n_treated=4, n_comparison=4, share_comparison=0.9)),
         {"share_out_of_reach"}),
        (lambda: plan.draw(PLACES, unit="lieux", joining={"a": 1}, seed="x"), {"missing_column"}),
        (lambda: plan.draw(PLACES, unit="lieu", joining={"a": 99}, seed=""),
         {"quota_too_large", "seed_empty"}),
        (lambda: plan.draw(PLACES, unit="region", joining={"a": 1}, seed="x"),
         {"units_duplicated"}),
        (lambda: plan.draw(PLACES.assign(lieu=None), unit="lieu", joining={"a": 1}, seed="x"),
         {"draw_unit_missing"}),
        (lambda: plan.draw(PLACES, unit="lieu", joining={"a": 1}, seed="x", balance=["region"]),
         {"covariate_missing"}),
        (lambda: plan.draw_test({}, {}, wave="a"), {"lottery_unreadable"}),
        (lambda: plan.draw_test(plan.draw(PLACES, unit="lieu", joining={"a": 3}, seed="x"),
                                {}, wave="b"), {"draw_outcome_missing", "unknown_option"}),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_in_words(call: object, codes: set[str]) -> None:
    assert callable(call)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImpactEvalError) as error:
            call()
    assert codes <= set(error.value.codes)
    assert "{" not in str(error.value)
