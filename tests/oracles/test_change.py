"""Change over two waves and careless answers, held to R."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.inference.multiple_imputation import PooledImputations, pool_imputations
from impact_eval.stats.scales.reliable_change import (
    Outcome,
    ReliableChange,
    ancova,
    change_contrast,
    classify,
    clinical_cutoffs,
    edwards_nunnally,
    equivalence,
    reliable_change,
    response_shift,
)
from impact_eval.stats.scales.response_quality import (
    Distances,
    longest_string,
    mahalanobis,
    person_total,
    response_spread,
)

PAIRS = SecondRung()
RSES = SecondRung()

Reader = Callable[[str], Any]


@pytest.fixture
def stored(reference: Reader) -> dict[str, Any]:
    return reference("survey/change_tests")


@pytest.fixture
def pairs(real_data: Reader) -> pd.DataFrame:
    return real_data("synthetic_prepost24.csv")


@PAIRS
@pytest.mark.parametrize(
    ("case", "reliability", "sd"), [("jt_rel085_sd_pre", 0.85, None), ("jt_rel090_sd5", 0.9, 5.0)]
)
def check_reliable_change_equals_r(
    case: str, reliability: float, sd: float | None, stored: dict[str, Any], pairs: pd.DataFrame
) -> None:
    expected = stored["rci"][case]
    got = reliable_change(pairs["pre"], pairs["post"], reliability=reliability, sd_before=sd)
    assert isinstance(got, ReliableChange)
    assert got.std_error_measurement == pytest.approx(expected["sem"], abs=1e-10)
    assert got.std_error_difference == pytest.approx(expected["s_diff"], abs=1e-10)
    # R multiplied by 1.96, here by the exact quantile 1.959964.
    assert got.smallest == pytest.approx(expected["smallest_reliable_change_95"], rel=2e-5)
    np.testing.assert_allclose(got.index[:5], expected["rci_first5"], atol=1e-10)
    assert got.n_improved == expected["n_improved"]
    assert got.n_deteriorated == expected["n_deteriorated"]
    assert got.n_unchanged == expected["n_unchanged"]


@PAIRS
def check_clinical_change_equals_r(stored: dict[str, Any], pairs: pd.DataFrame) -> None:
    expected = stored["rci"]["cutoffs_jacobson_truax"]
    cuts = clinical_cutoffs(troubled=(24, 5), usual=(32, 4.2))
    assert cuts.a == pytest.approx(expected["a_higher_better"], abs=1e-12)
    assert cuts.b == pytest.approx(expected["b_higher_better"], abs=1e-12)
    assert cuts.c == pytest.approx(expected["c"], abs=1e-10)
    change = reliable_change(pairs["pre"], pairs["post"], reliability=0.85)
    assert isinstance(change, ReliableChange)
    counts = classify(pairs["pre"], pairs["post"], change, cutoff=cuts.c)
    assert counts == {Outcome(k): n for k, n in stored["rci"]["classification_counts"].items()}
    other = edwards_nunnally(pairs["pre"], pairs["post"], reliability=0.85)
    assert not isinstance(other, NotApplicable)
    en = stored["rci"]["edwards_nunnally_rel085"]
    np.testing.assert_allclose(other.values[:5], en["true_first5"], atol=1e-10)
    assert other.half_width == pytest.approx(en["ci_half_width_1.96sem"], rel=2e-5)
    assert (other.n_improved, other.n_deteriorated) == (en["n_improved"], en["n_deteriorated"])


@PAIRS
def check_swapping_the_direction_swaps_who_improved(pairs: pd.DataFrame) -> None:
    up = reliable_change(pairs["pre"], pairs["post"], reliability=0.9)
    down = reliable_change(pairs["pre"], pairs["post"], reliability=0.9, higher_is_better=False)
    assert isinstance(up, ReliableChange)
    assert isinstance(down, ReliableChange)
    assert (up.n_improved, up.n_deteriorated) == (down.n_deteriorated, down.n_improved)
    mirrored = reliable_change(-pairs["pre"], -pairs["post"], reliability=0.9)
    assert isinstance(mirrored, ReliableChange)
    cut = 28.0
    assert classify(-pairs["pre"], -pairs["post"], mirrored, cutoff=-cut) == classify(
        pairs["pre"], pairs["post"], down, cutoff=cut, higher_is_better=False
    )


@PAIRS
def check_response_shift_equals_r(stored: dict[str, Any], pairs: pd.DataFrame) -> None:
    expected = stored["response_shift"]
    got = response_shift(pairs["pre"], pairs["post"], pairs["retro_pre"])
    assert not isinstance(got, NotApplicable)
    assert got.conventional.mean_change == expected["conventional_change"]
    assert got.then_test.mean_change == pytest.approx(expected["then_test_change"], abs=1e-12)
    assert got.shift.mean_change == pytest.approx(
        expected["response_shift_then_minus_pre"], abs=1e-12
    )
    assert got.shift.statistic == pytest.approx(expected["t_shift"], abs=1e-10)
    assert got.shift.p_value == pytest.approx(expected["p_shift"], rel=1e-8)


def test_on_pairs(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    PAIRS.run(request, subtests)


@RSES
def check_two_groups_equal_r(stored: dict[str, Any], real_data: Reader) -> None:
    expected = stored["rses_synthetic"]
    treated = (real_data("synthetic_rses_t0t1.csv")["arm"] == "beneficiaire").to_numpy()
    x, y = (
        np.array([np.nan if v is None else v for v in expected[f"prorated_{w}"]])
        for w in ("t0", "t1")
    )
    adjusted = ancova(x, y, treated)
    pooled = change_contrast(x, y, treated, equal_variances=True)
    welch = change_contrast(x, y, treated)
    assert not isinstance(adjusted, NotApplicable)
    assert not isinstance(pooled, NotApplicable)
    assert not isinstance(welch, NotApplicable)
    for got, row in ((adjusted, expected["ancova"]), (pooled, expected["did_lm"])):
        assert got.estimate == pytest.approx(row["Estimate"], abs=1e-8)
        assert got.std_error == pytest.approx(row["Std. Error"], abs=1e-8)
        assert got.statistic == pytest.approx(row["t value"], abs=1e-8)
        assert got.p_value == pytest.approx(row["Pr(>|t|)"], abs=1e-8)
    row = expected["welch_change"]  # the other way round
    assert -welch.statistic == pytest.approx(row["t"], abs=1e-8)
    assert welch.df == pytest.approx(row["df"], abs=1e-8)
    assert welch.p_value == pytest.approx(row["p"], abs=1e-8)
    assert (-welch.conf_high, -welch.conf_low) == pytest.approx(row["ci"], abs=1e-8)
    assert welch.n_treated + welch.n_comparison == expected["n_pairs"]


@RSES
@pytest.mark.parametrize("example", ["example1", "example2"])
def check_rubin_equals_mice(example: str, stored: dict[str, Any]) -> None:
    case = stored["rubin"][example]
    got = pool_imputations(case["q"], case["u"], df_complete=case["dfcom"])
    assert isinstance(got, PooledImputations)
    for value, name in (
        (got.estimate, "qbar"), (got.within, "ubar"), (got.between, "b"), (got.total, "t"),
        (got.std_error, "se"), (got.increase, "riv"), (got.share, "lambda"),
        (got.df_large, "df_old"), (got.df, "df_barnard_rubin"), (got.missing_information, "fmi"),
    ):  # fmt: skip
        assert value == pytest.approx(case[name], rel=1e-9), name
    assert (got.conf_low, got.conf_high) == pytest.approx(case["ci95"], abs=1e-8)


@RSES
def check_careless_answers_equal_r(stored: dict[str, Any], real_data: Reader) -> None:
    expected = stored["careless"]
    waves = real_data("synthetic_rses_t0t1.csv")
    raw = waves[[f"t0_r{i}" for i in range(1, 11)]].to_numpy(float)
    whole = raw[np.array(expected["rows_complete"]) - 1]
    assert not np.isnan(whole).any()
    np.testing.assert_array_equal(longest_string(whole), expected["longstring"])
    np.testing.assert_allclose(response_spread(whole), expected["irv"], atol=1e-10)
    far = mahalanobis(whole)
    assert isinstance(far, Distances)
    np.testing.assert_allclose(far.squared, expected["mahad_raw"], atol=1e-8)
    np.testing.assert_allclose(whole.mean(axis=1), expected["acquiescence_raw_mean"], atol=1e-10)
    keyed = whole.copy()
    keyed[:, [2, 4, 7, 8, 9]] = 5 - keyed[:, [2, 4, 7, 8, 9]]
    np.testing.assert_allclose(person_total(keyed), expected["person_total_r"], atol=1e-8)


def test_on_rses(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    RSES.run(request, subtests)


def test_equivalence_is_the_interval_within_the_bounds(rng: np.random.Generator) -> None:
    for mean in rng.normal(0, 2, size=30):
        got = equivalence(float(mean), 0.6, df=25, bound=1.5)
        inside = got.conf_low > -1.5 and got.conf_high < 1.5
        assert (got.p_value < 0.05) == inside
