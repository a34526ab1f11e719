"""Alpha, Guttman's bounds, split halves and item statistics against psych 2.2.9 (reference)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.stats.scales.item_matrix import MissingRule, covariance_of
from impact_eval.stats.scales.item_statistics import item_statistics
from impact_eval.stats.scales.reliability import (
    alpha_bootstrap,
    cronbach_alpha,
    floor_ceiling,
    standard_error_of_measurement,
)
from impact_eval.stats.scales.split_half import guttman_bounds, split_half

SCALES = SecondRung()

CASES = (
    "bfi_agreeableness",
    "bfi_conscientiousness",
    "bfi_extraversion",
    "bfi_neuroticism",
    "science7",
    "lsat6_kr20",
    "holzinger_visual",
    "synthetic_rses_t0",
    "synthetic_rses_t0_first15_complete",
)
REVERSED = {"A": ["A1"], "C": ["C4", "C5"], "E": ["E1", "E2"], "N": []}


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict:
    return json.loads((shared / "reference/survey/reliability.json").read_text())


def responses(shared: Path, case: str, *, reverse: bool = True) -> np.ndarray:
    data = shared / "data"
    if case.startswith("bfi_"):
        letter = case[4].upper()
        frame = pd.read_csv(data / "bfi.csv")[[f"{letter}{i}" for i in range(1, 6)]]
        if reverse:
            for name in REVERSED[letter]:
                frame[name] = 7 - frame[name]
        return frame.to_numpy(float)
    if case == "science7":
        return pd.read_csv(data / "science392x7.csv").to_numpy(float)
    if case == "lsat6_kr20":
        return pd.read_csv(data / "lsat6_1000x5.csv").to_numpy(float)
    if case == "holzinger_visual":
        return pd.read_csv(data / "holzinger1939.csv")[["x1", "x2", "x3"]].to_numpy(float)
    frame = pd.read_csv(data / "synthetic_rses_t0t1.csv")
    items = frame[[f"t0_r{i}" for i in range(1, 11)]].copy()
    for i in (3, 5, 8, 9, 10):
        items[f"t0_r{i}"] = 5 - items[f"t0_r{i}"]
    matrix = items.to_numpy(float)
    if "first15" in case:
        matrix = matrix[~np.isnan(matrix).any(axis=1)][:15]
    return matrix


RANGES = {
    "bfi": (1, 6),
    "science7": (1, 4),
    "lsat6_kr20": (0, 1),
    "synthetic": (1, 4),
    "holzinger_visual": None,
}


@SCALES
@pytest.mark.parametrize("case", CASES)
def check_alpha_and_intervals(reference: dict, shared: Path, case: str) -> None:
    expected = reference[case]
    a = cronbach_alpha(responses(shared, case))
    got = [a.value, a.standardized, a.mean_inter_item, a.median_inter_item, a.signal_noise]
    keys = ["raw_alpha", "std_alpha", "mean_inter_item_r", "median_inter_item_r", "signal_noise"]
    np.testing.assert_allclose(got, [expected[key] for key in keys], rtol=0, atol=1e-9)
    feldt, wald = expected["feldt95"], expected["duhachek"]
    np.testing.assert_allclose(
        [a.feldt_low, a.feldt_high, a.std_error, a.wald_low, a.wald_high],
        [feldt["lower"], feldt["upper"], wald["ase"], wald["lower"], wald["upper"]],
        rtol=0,
        atol=1e-9,
    )
    assert (a.n, a.n_items) == (expected["n_complete"], expected["n_items"])


@SCALES
@pytest.mark.parametrize("case", CASES)
def check_guttman_bounds(reference: dict, shared: Path, case: str) -> None:
    covariance, _ = covariance_of(responses(shared, case))
    b = guttman_bounds(covariance)
    expected = reference[case]["lambdas"]
    got = [b.lambda1, b.lambda2, b.lambda3, b.lambda4, b.split_min, b.split_mean, b.n_splits,
           b.lambda5, b.lambda6]  # fmt: skip
    np.testing.assert_allclose(got, list(expected.values()), rtol=0, atol=1e-9)


@SCALES
@pytest.mark.parametrize("case", CASES)
def check_split_items_and_error(reference: dict, shared: Path, case: str) -> None:
    matrix = responses(shared, case)
    expected = reference[case]
    half = split_half(matrix)
    np.testing.assert_allclose(
        [half.correlation, half.spearman_brown, half.horst, half.flanagan_rulon],
        list(expected["odd_even"].values()),
        rtol=0,
        atol=1e-9,
    )
    items = item_statistics(matrix)
    columns = {
        "mean": items.mean, "sd": items.std_dev, "corrected_item_total": items.item_rest,
        "alpha_if_dropped": items.alpha_if_dropped, "psych_r_drop": items.item_rest,
        "psych_r_cor": items.item_corrected,
    }  # fmt: skip
    for key, got in columns.items():
        np.testing.assert_allclose(
            got, [row[key] for row in expected["items"]], rtol=0, atol=1e-9, err_msg=key
        )
    total = matrix[~np.isnan(matrix).any(axis=1)].sum(axis=1)
    spread = total.std(ddof=1)
    error = standard_error_of_measurement(spread, expected["raw_alpha"])
    np.testing.assert_allclose(
        [total.mean(), spread, error],
        [expected["total_mean"], expected["total_sd"], expected["sem_alpha"]],
        rtol=0,
        atol=1e-9,
    )


@SCALES
@pytest.mark.parametrize("case", [c for c in CASES if c != "holzinger_visual"])
def check_floor_and_ceiling(reference: dict, shared: Path, case: str) -> None:
    matrix = responses(shared, case)
    complete = matrix[~np.isnan(matrix).any(axis=1)]
    low, high = RANGES[case if case in RANGES else case.split("_")[0]]
    k = matrix.shape[1]
    ends = floor_ceiling(complete.sum(axis=1), low=k * low, high=k * high)
    np.testing.assert_allclose(
        [100 * ends.floor, 100 * ends.ceiling],
        [reference[case]["floor_pct"], reference[case]["ceiling_pct"]],
        rtol=0,
        atol=1e-9,
    )


@SCALES
def check_pairwise_and_unreversed(reference: dict, shared: Path) -> None:
    pairwise = cronbach_alpha(responses(shared, "bfi_agreeableness"), missing=MissingRule.PAIRWISE)
    expected = reference["bfi_agreeableness"]["alpha_pairwise"]
    assert pairwise.value == pytest.approx(expected, abs=1e-9)
    raw = responses(shared, "bfi_agreeableness", reverse=False)
    expected = reference["bfi_agreeableness_not_reversed"]["raw_alpha"]
    assert cronbach_alpha(raw).value == pytest.approx(expected, abs=1e-9)
    assert item_statistics(raw).item_rest[0] < 0, "the unreversed item is named"


@SCALES
def check_bootstrap_of_fifteen_persons(reference: dict, shared: Path) -> None:
    expected = reference["bootstrap_alpha_first15"]
    draws = alpha_bootstrap(
        responses(shared, "synthetic_rses_t0_first15_complete"),
        rng=np.random.default_rng(7),
        draws=20_000,
    )
    # Monte Carlo reference (5 000 draws): its own note says about 0.02.
    np.testing.assert_allclose(
        [draws.percentile_low, draws.percentile_high, draws.std_error],
        [expected["lower"], expected["upper"], expected["se"]],
        rtol=0,
        atol=0.02,
    )


def test_on_scales(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    SCALES.run(request, subtests)
