"""Omega, ordinal alpha and categorical omega against psych and semTools (reference)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.stats.scales.item_matrix import MissingRule
from impact_eval.stats.scales.omega import (
    categorical_omega,
    hierarchical_omega,
    latent_omega,
    one_factor_omega,
    ordinal_alpha,
    schmid_leiman,
)
from impact_eval.stats.scales.polychoric import Polychoric, polychoric_correlation

BFI = SecondRung()
THURSTONE = SecondRung()


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict:
    return json.loads((shared / "reference/survey/reliability.json").read_text())


@pytest.fixture(scope="module")
def bfi(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data/bfi.csv")


@pytest.fixture(scope="module")
def polychoric_n(bfi: pd.DataFrame) -> Polychoric:
    items = bfi[["N1", "N2", "N3", "N4", "N5"]].to_numpy(float)
    return polychoric_correlation(items, missing=MissingRule.LISTWISE)


@pytest.fixture(scope="module")
def thurstone(shared: Path) -> np.ndarray:
    return pd.read_csv(shared / "data/thurstone_corr.csv", index_col=0).to_numpy(float)


@BFI
@pytest.mark.parametrize("letter", ["A", "N"])
def check_one_factor(reference: dict, bfi: pd.DataFrame, letter: str) -> None:
    x = bfi[[f"{letter}{i}" for i in range(1, 6)]].dropna().to_numpy(float)
    if letter == "A":
        x[:, 0] = 7 - x[:, 0]
    found = one_factor_omega(np.corrcoef(x.T))
    expected = reference[f"omega_1f_bfi_{letter}"]
    assert found.value == pytest.approx(expected["omega_total_1f_std"], abs=1e-5)
    for key, got in (("loadings", found.loadings), ("uniquenesses", found.uniquenesses)):
        np.testing.assert_allclose(got, list(expected[key].values()), atol=1e-5, rtol=0)


@THURSTONE
def check_thurstone(reference: dict, thurstone: np.ndarray) -> None:
    expected = reference["omega_thurstone_3f"]
    found = hierarchical_omega(thurstone, 3)
    np.testing.assert_allclose(
        [found.hierarchical, found.limit, found.total],
        [expected[k] for k in ("omega_h", "omega_lim", "omega_tot")],
        atol=1e-4,
        rtol=0,
    )
    rows = np.array([list(row.values()) for row in expected["schmid_leiman"].values()])
    order = np.abs(found.solution.group.T @ rows[:, 1:4]).argmax(axis=0)
    ours = np.column_stack(
        [
            found.solution.general,
            found.solution.group[:, order],
            found.solution.communalities,
            found.solution.uniquenesses,
            found.solution.general_share,
        ]
    )
    np.testing.assert_allclose(ours, rows, atol=1e-4, rtol=0)
    groups = [expected["omega_group"][f"F{i}*"] for i in (1, 2, 3)]
    for key, got in (
        ("total", found.group_total),
        ("general", found.group_general),
        ("group", found.group_specific),
    ):
        np.testing.assert_allclose(got[order], [g[key] for g in groups], atol=1e-4, rtol=0)


@THURSTONE
def check_schmid_leiman_of_the_structure_file(shared: Path, thurstone: np.ndarray) -> None:
    text = (shared / "reference/survey/efa_polychoric.json").read_text()
    expected = json.loads(text)["thurstone_schmid"]["sl"]
    rows = np.array([list(row.values()) for row in expected.values()])
    found = schmid_leiman(thurstone, 3)
    np.testing.assert_allclose(found.general, rows[:, 0], atol=1e-4, rtol=0)
    order = np.abs(found.group.T @ rows[:, 1:4]).argmax(axis=0)
    np.testing.assert_allclose(found.group[:, order], rows[:, 1:4], atol=1e-4, rtol=0)


def test_on_thurstone(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    THURSTONE.run(request, subtests)


@BFI
def check_five_group_factors_of_the_bfi(reference: dict, bfi: pd.DataFrame) -> None:
    expected = reference["omega_bfi25_5f"]
    x = bfi.iloc[:, 1:26].dropna().to_numpy(float)
    found = hierarchical_omega(np.corrcoef(x.T), 5)
    assert found.total == pytest.approx(expected["omega_tot"], abs=1e-4)
    assert found.hierarchical == pytest.approx(expected["omega_h"], abs=1e-4)
    signs = np.where(found.reversed_items, -1, 1)
    assert signs.tolist() == list(expected["flipped_items"].values())


@BFI
def check_ordered_answers(reference: dict, polychoric_n: Polychoric, shared: Path) -> None:
    expected = reference["ordinal_alpha_bfi_N"]
    r = polychoric_n.correlation
    assert ordinal_alpha(r) == pytest.approx(expected["ordinal_alpha"], abs=1e-5)
    assert r[np.tril_indices(5, -1)].mean() == pytest.approx(
        expected["mean_polychoric_r"], abs=1e-5
    )
    linear = reference["ordinal_omega_bfi_N_linear"]
    fit = one_factor_omega(r)
    assert fit.value == pytest.approx(linear["omega_total"], abs=1e-4)
    np.testing.assert_allclose(fit.loadings, list(linear["loadings"].values()), atol=1e-4, rtol=0)
    cfa = json.loads((shared / "reference/survey/cfa_invariance.json").read_text())
    loadings = [row["std.all"] for row in cfa["bfi_N_wlsmv"]["parameters"] if row["op"] == "=~"]
    observed = categorical_omega(loadings, polychoric_n.thresholds, r)
    target = cfa["bfi_N_categorical_omega_green_yang"]["n"]
    assert observed == pytest.approx(target, abs=1e-6)
    target = cfa["bfi_N_categorical_omega_ordscale_false"]["n"]
    assert latent_omega(loadings, r) == pytest.approx(target, abs=1e-6)


def test_on_bfi(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    BFI.run(request, subtests)
