"""Factor analysis against psych 2.2.9, stats::factanal and GPArotation (reference)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.stats.scales.factor import (
    FactorSolution,
    bartlett_score_weights,
    exploratory_factors,
    factor_score_weights,
)
from impact_eval.stats.scales.factor_adequacy import (
    minimum_average_partial,
    parallel_analysis,
    sampling_adequacy,
    sphericity_test,
)
from impact_eval.stats.scales.factor_extraction import ExtractionMethod, extract_factors
from impact_eval.stats.scales.factor_rotation import RotationMethod, rotate
from impact_eval.stats.scales.polychoric import polychoric_correlation

HOLZINGER_AND_BFI = SecondRung()

MINRES, ML, PA = (
    ExtractionMethod.MINRES,
    ExtractionMethod.MAXIMUM_LIKELIHOOD,
    ExtractionMethod.PRINCIPAL_AXIS,
)


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict:
    return json.loads((shared / "reference/survey/efa_polychoric.json").read_text())


@pytest.fixture(scope="module")
def holzinger(shared: Path) -> np.ndarray:
    frame = pd.read_csv(shared / "data/holzinger1939.csv")
    return frame[[f"x{i}" for i in range(1, 10)]].to_numpy(float)


@pytest.fixture(scope="module")
def bfi(shared: Path) -> np.ndarray:
    return pd.read_csv(shared / "data/bfi.csv").iloc[:, 1:26].dropna().to_numpy(float)


def matrix_of(nested: dict) -> np.ndarray:
    return np.array([list(row.values()) for row in nested.values()])


def aligned(
    found: np.ndarray, phi: np.ndarray, expected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Put our columns in the order and signs of the reference."""
    cross = found.T @ expected
    order = np.abs(cross).argmax(axis=0)
    assert sorted(order) == list(range(len(order)))
    signs = np.sign(cross[order, np.arange(len(order))])
    return found[:, order] * signs, phi[np.ix_(order, order)] * np.outer(signs, signs)


def loose_varimax(loadings: np.ndarray, eps: float) -> np.ndarray:
    """Varimax by the textbook SVD iteration, stopped when the criterion gains less than `eps`."""
    scale = np.sqrt(np.sum(loadings**2, axis=1, keepdims=True))
    x, turn, past = loadings / scale, np.eye(loadings.shape[1]), 0.0
    for _ in range(1000):
        z = x @ turn
        left, values, right = np.linalg.svd(x.T @ (z**3 - z * np.mean(z**2, axis=0)))
        turn = left @ right
        if values.sum() < past * (1 + eps):
            break
        past = values.sum()
    return x @ turn * scale


def compare_varimax(unrotated: np.ndarray, found: np.ndarray, expected: np.ndarray) -> None:
    # R's varimax stops when a step gains less than 1e-5 of the criterion, up to 1.4e-3 from the
    # maximum: the same iteration stopped there is the reference, carried on it is ours.
    eye = np.eye(expected.shape[1])
    stopped, _ = aligned(loose_varimax(unrotated, 1e-5), eye, expected)
    np.testing.assert_allclose(stopped, expected, atol=1e-4, rtol=0)
    finished, _ = aligned(loose_varimax(unrotated, 1e-15), eye, expected)
    ours, _ = aligned(found, eye, expected)
    np.testing.assert_allclose(ours, finished, atol=1e-6, rtol=0)


def compare(found: FactorSolution, expected: dict, *, unrotated: np.ndarray | None = None) -> None:
    target = matrix_of(expected["loadings"])
    loadings, phi = aligned(found.loadings, found.phi, target)
    if unrotated is None:
        np.testing.assert_allclose(loadings, target, atol=1e-4, rtol=0)
    else:
        compare_varimax(unrotated, found.loadings, target)
    for key, got in (("uniquenesses", found.uniquenesses), ("communalities", found.communalities)):
        np.testing.assert_allclose(got, list(expected[key].values()), atol=1e-4, rtol=0)
    if "phi" in expected:
        np.testing.assert_allclose(phi, matrix_of(expected["phi"]), atol=1e-4, rtol=0)
    fit = found.fit
    assert fit.df == expected["df"]
    np.testing.assert_allclose(
        [fit.chi_square, fit.objective, fit.rmsr, fit.tli, fit.rmsea, fit.bic],
        [expected[k] for k in ("chi_ml", "objective", "rmsr", "tli", "rmsea", "bic")],
        rtol=1e-4,
        atol=1e-6,
    )


@HOLZINGER_AND_BFI
@pytest.mark.parametrize("case", ["bfi25_adequacy", "holzinger_adequacy"])
def check_adequacy(reference: dict, holzinger: np.ndarray, bfi: np.ndarray, case: str) -> None:
    x = bfi if case.startswith("bfi") else holzinger
    r = np.corrcoef(x.T)
    expected = reference[case]
    kmo = sampling_adequacy(r)
    assert kmo.overall == pytest.approx(expected["kmo"], abs=1e-10)
    np.testing.assert_allclose(kmo.items, list(expected["kmo_items"].values()), atol=1e-10)
    test = sphericity_test(r, n=len(x))
    assert test.chi_square == pytest.approx(expected["bartlett_chisq"], rel=1e-10)
    assert test.df == expected["bartlett_df"]
    np.testing.assert_allclose(
        np.linalg.eigvalsh(r)[::-1], expected["eigenvalues"], atol=1e-10, rtol=0
    )
    np.testing.assert_allclose(
        minimum_average_partial(r, most=len(expected["map"])), expected["map"], atol=1e-10, rtol=0
    )


@HOLZINGER_AND_BFI
@pytest.mark.parametrize("case", ["bfi25_parallel", "holzinger_parallel"])
def check_parallel_analysis(
    reference: dict, holzinger: np.ndarray, bfi: np.ndarray, case: str
) -> None:
    x = bfi if case.startswith("bfi") else holzinger
    expected = reference[case]
    found = parallel_analysis(np.corrcoef(x.T), n=len(x), rng=np.random.default_rng(123), draws=200)
    np.testing.assert_allclose(found.components, expected["pc_values"], atol=1e-10, rtol=0)
    np.testing.assert_allclose(found.factors, expected["fa_values"], atol=1e-4, rtol=0)
    # simulated: the reference's own note says 0.01 (200 draws each side)
    np.testing.assert_allclose(found.random_components, expected["pc_sim_mean"], atol=0.015)
    np.testing.assert_allclose(found.random_factors, expected["fa_sim_mean"], atol=0.02)
    assert (found.n_factors, found.n_components) == (expected["nfact"], expected["ncomp"])


@HOLZINGER_AND_BFI
@pytest.mark.parametrize(
    ("case", "method", "rotation"),
    [
        ("minres_none", MINRES, RotationMethod.NONE),
        ("minres_varimax", MINRES, RotationMethod.VARIMAX),
        ("minres_oblimin", MINRES, RotationMethod.OBLIMIN),
        ("minres_promax", MINRES, RotationMethod.PROMAX),
        ("ml_varimax", ML, RotationMethod.VARIMAX),
        ("ml_oblimin", ML, RotationMethod.OBLIMIN),
        ("ml_quartimin", ML, RotationMethod.OBLIMIN),
        ("ml_geominQ", ML, RotationMethod.GEOMIN),
        ("pa_varimax", PA, RotationMethod.VARIMAX),
    ],
)
def check_three_factors_of_holzinger(
    reference: dict,
    holzinger: np.ndarray,
    case: str,
    method: ExtractionMethod,
    rotation: RotationMethod,
) -> None:
    r = np.corrcoef(holzinger.T)
    # the reference stops its principal axes when the communalities gain less than .001
    tolerance = 1e-3 if method is PA else 1e-10
    found = exploratory_factors(
        r, n=301, n_factors=3, method=method, rotation=rotation, tolerance=tolerance
    )
    raw = extract_factors(r, 3, method=method, tolerance=tolerance).loadings
    unrotated = raw if rotation is RotationMethod.VARIMAX else None
    compare(found, reference["holzinger_efa3"][case], unrotated=unrotated)


@HOLZINGER_AND_BFI
@pytest.mark.parametrize(
    ("case", "method", "rotation"),
    [
        ("minres_oblimin", MINRES, RotationMethod.OBLIMIN),
        ("minres_varimax", MINRES, RotationMethod.VARIMAX),
        ("ml_oblimin", ML, RotationMethod.OBLIMIN),
    ],
)
def check_five_factors_of_the_bfi(
    reference: dict, bfi: np.ndarray, case: str, method: ExtractionMethod, rotation: RotationMethod
) -> None:
    r = np.corrcoef(bfi.T)
    found = exploratory_factors(r, n=len(bfi), n_factors=5, method=method, rotation=rotation)
    raw = extract_factors(r, 5, method=method).loadings
    unrotated = raw if rotation is RotationMethod.VARIMAX else None
    compare(found, reference["bfi25_efa5"][case], unrotated=unrotated)


@HOLZINGER_AND_BFI
def check_factanal(reference: dict, holzinger: np.ndarray) -> None:
    expected = reference["holzinger_factanal3_varimax"]
    r = np.corrcoef(holzinger.T)
    found = exploratory_factors(r, n=301, n_factors=3, method=ML, rotation=RotationMethod.VARIMAX)
    raw = extract_factors(r, 3, method=ML).loadings
    compare_varimax(raw, found.loadings, matrix_of(expected["loadings"]))
    np.testing.assert_allclose(
        found.uniquenesses, list(expected["uniquenesses"].values()), atol=1e-4, rtol=0
    )
    assert found.fit.chi_square == pytest.approx(expected["chisq"], abs=1e-3)
    assert found.fit.p_value == pytest.approx(expected["p"], abs=1e-4)


@HOLZINGER_AND_BFI
def check_one_factor_of_polychoric_correlations(reference: dict, bfi: np.ndarray) -> None:
    # its 537.44 / .2210 says n = 2436: the rows complete on all 25 items, not on these five
    poly = polychoric_correlation(bfi[:, 15:20])
    found = exploratory_factors(poly.correlation, n=poly.n, n_factors=1)
    compare(found, reference["bfi_N_efa1_polychoric_minres"])


@HOLZINGER_AND_BFI
def check_components(reference: dict, holzinger: np.ndarray) -> None:
    expected = reference["holzinger_pca3_varimax"]
    raw = extract_factors(np.corrcoef(holzinger.T), 3, method=ExtractionMethod.COMPONENTS)
    turned = rotate(raw.loadings, method=RotationMethod.VARIMAX)
    compare_varimax(raw.loadings, turned.loadings, matrix_of(expected["loadings"]))


@HOLZINGER_AND_BFI
@pytest.mark.parametrize(
    ("key", "rotation", "atol"),
    [
        ("minres_oblimin_regression", RotationMethod.OBLIMIN, 3e-4),
        # the reference's varimax stops early (see compare_varimax): its loadings are 1e-3 away
        ("minres_varimax_bartlett", RotationMethod.VARIMAX, 3e-3),
    ],
)
def check_scores(
    reference: dict, holzinger: np.ndarray, key: str, rotation: RotationMethod, atol: float
) -> None:
    expected = reference["holzinger_scores_first5"]
    r = np.corrcoef(holzinger.T)
    z = (holzinger - holzinger.mean(axis=0)) / holzinger.std(axis=0, ddof=1)
    found = exploratory_factors(r, n=301, n_factors=3, rotation=rotation)
    regression = rotation is RotationMethod.OBLIMIN
    weights = factor_score_weights(found, r) if regression else bartlett_score_weights(found)
    target = matrix_of(expected["loadings_" + key.split("_")[1]])
    order = np.abs(found.loadings.T @ target).argmax(axis=0)
    signs = np.sign(np.sum(found.loadings[:, order] * target, axis=0))
    scores = (z[:5] @ weights)[:, order] * signs
    np.testing.assert_allclose(scores, matrix_of(expected[key]), atol=atol, rtol=0)


def test_on_holzinger_and_bfi(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    HOLZINGER_AND_BFI.run(request, subtests)
