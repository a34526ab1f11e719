"""Pooling of fourteen invented studies against metafor 3.8-1, method by method and figure by
figure.
"""

from __future__ import annotations

from functools import cache

import pytest
from seeded_cases import result, same, table

from impact_eval.stats.inference.pooling import (
    Pooled,
    PoolTest,
    TauEstimator,
    leave_one_out,
    pool,
)

METHODS = {"FE": TauEstimator.COMMON, "DL": TauEstimator.DERSIMONIAN_LAIRD,
           "PM": TauEstimator.PAULE_MANDEL, "EB": TauEstimator.PAULE_MANDEL,
           "ML": TauEstimator.ML, "REML": TauEstimator.REML}  # fmt: skip
TESTS = {"": PoolTest.NORMAL, "_HKSJ": PoolTest.HARTUNG_KNAPP,
         "_adhoc": PoolTest.HARTUNG_KNAPP_AT_LEAST}  # fmt: skip
CASES = [f"{m}{t}" for m in METHODS for t in TESTS if f"{m}{t}" in result("metafor_pooling")]
ROOT = 1e-8  # tau2 iterated to 1e-12 in the reference (its notes)


@cache
def pooled(case: str) -> Pooled:
    method, _, test = case.partition("_")
    frame = table("etudes")
    y, v = frame["effet"].to_numpy(), frame["erreur_type"].to_numpy() ** 2
    return pool(y, v, method=METHODS[method], test=TESTS[f"_{test}" if test else ""])


@pytest.mark.parametrize("case", CASES)
def test_mean_and_its_interval(case: str) -> None:
    stored, found = result("metafor_pooling")[case], pooled(case)
    got = [found.estimate, found.std_error, found.conf_low, found.conf_high, found.p_value]
    names = ("estimate", "std_error", "low", "high", "p_value")
    same(got, [stored[name][0] for name in names], rtol=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_spread_between_studies(case: str) -> None:
    stored, found = result("metafor_pooling")[case], pooled(case)
    assert found.q == pytest.approx(stored["Q"], rel=1e-12)
    assert found.tau2 == pytest.approx(stored["tau2"], rel=1e-7, abs=1e-12)
    if not case.startswith("FE"):  # with equal effects metafor reads I2 off Q
        assert 100 * found.i2 == pytest.approx(stored["I2"], rel=1e-7)
        assert found.h2 == pytest.approx(stored["H2"], rel=1e-7)
        assert found.tau2_std_error == pytest.approx(stored["se_tau2"], rel=1e-7)


def test_leaving_out_each_study() -> None:
    stored, frame = result("metafor_bias_influence")["leave_one_out"], table("etudes")
    y, v = frame["effet"].to_numpy(), frame["erreur_type"].to_numpy() ** 2
    parts = leave_one_out(y, v)
    same([p.estimate for p in parts], stored["estimate"], rtol=1e-6)
    same([p.tau2 for p in parts], stored["tau2"], rtol=1e-5, atol=1e-9)
    same([p.q for p in parts], stored["Q"], rtol=1e-9)


@pytest.mark.parametrize("region", ["nord", "ouest", "sud"])
def test_subgroups(region: str) -> None:
    stored = result("metafor_regression")["subgroups"][region]
    part = table("etudes").query("region == @region")
    found = pool(
        part["effet"].to_numpy(), part["erreur_type"].to_numpy() ** 2, test=PoolTest.NORMAL
    )
    got = [found.estimate, found.std_error, found.conf_low, found.conf_high]
    same(got, [stored[name][0] for name in ("estimate", "std_error", "low", "high")], rtol=1e-6)
    assert found.tau2 == pytest.approx(stored["tau2"], rel=1e-5, abs=1e-9)
