"""Alpha, item statistics, omega, factors and polychorics against psych, lavaan and semTools.

Closed forms to 1e-9. psych's minres and ml stop at about 1e-5 on loadings; its polychoric
correlations at 1e-4 each (lavaan's lavCor at 1e-6); R's varimax at 1e-5 of the criterion, loadings
within 1e-2 (README).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from seeded_cases import numbers, result, same, table

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.cfa import CfaFit, confirmatory_factors
from impact_eval.stats.scales.cfa_model import measurement_model
from impact_eval.stats.scales.cfa_read import composite_reliability
from impact_eval.stats.scales.factor import FactorSolution, exploratory_factors
from impact_eval.stats.scales.factor_adequacy import (
    minimum_average_partial,
    parallel_analysis,
    sampling_adequacy,
    sphericity_test,
)
from impact_eval.stats.scales.factor_extraction import ExtractionMethod
from impact_eval.stats.scales.factor_rotation import RotationMethod
from impact_eval.stats.scales.item_matrix import MissingRule
from impact_eval.stats.scales.item_statistics import item_statistics
from impact_eval.stats.scales.omega import (
    hierarchical_omega,
    omega_total,
    one_factor_omega,
    ordinal_alpha,
)
from impact_eval.stats.scales.polychoric import Polychoric, polychoric_correlation
from impact_eval.stats.scales.reliability import Alpha, cronbach_alpha
from impact_eval.stats.scales.split_half import guttman_bounds

CLOSE = 1e-9
SETS = {
    "v1": ("questionnaire_4points", [f"v1_q{i}" for i in range(1, 11)]),
    "v2": ("questionnaire_4points", [f"v2_q{i}" for i in range(1, 11)]),
    "five": ("questionnaire_5points", [f"i{i}" for i in range(1, 9)]),
    "five_f1": ("questionnaire_5points", [f"i{i}" for i in range(1, 5)]),
    "five_f2": ("questionnaire_5points", [f"i{i}" for i in range(5, 9)]),
    "yesno": ("questionnaire_oui_non", [f"d{i}" for i in range(1, 10)]),
}
EACH = pytest.mark.parametrize("name", SETS)


def answers(name: str) -> np.ndarray:
    source, items = SETS[name]
    x = table(source)[items].to_numpy(float)
    return x[~np.isnan(x).all(axis=1)] if name == "v2" else x


def complete(name: str) -> np.ndarray:
    x = answers(name)
    return x[~np.isnan(x).any(axis=1)]


def stored_of(name: str) -> Mapping[str, Any]:
    stored: Mapping[str, Any] = result("reliability")[name]
    return stored


def alpha_of(name: str, rule: MissingRule) -> Alpha:
    found = cronbach_alpha(answers(name), missing=rule)
    assert isinstance(found, Alpha)
    return found


@EACH
def test_alpha_with_answers_missing(name: str) -> None:
    """psych takes pairwise covariances where answers are missing."""
    stored, found = stored_of(name), alpha_of(name, MissingRule.PAIRWISE)
    assert len(answers(name)) == stored["n"]
    got = [found.value, found.standardized, found.mean_inter_item]
    same(got, [stored[k] for k in ("alpha", "alpha_standardised", "average_r")], rtol=CLOSE)


@EACH
def test_alpha_of_complete_rows(name: str) -> None:
    stored, found = stored_of(name)["complete"], alpha_of(name, MissingRule.LISTWISE)
    assert found.n == stored_of(name)["n_complete"]
    same(
        [found.value, found.standardized],
        [stored["alpha"], stored["alpha_standardised"]],
        rtol=CLOSE,
    )
    if stored_of(name)["n"] == found.n:  # else R counts the incomplete among its persons
        feldt = stored_of(name)["feldt"]
        ends = [feldt["lower.ci"], feldt["upper.ci"]]
        same([found.feldt_low, found.feldt_high], ends, rtol=CLOSE)
        assert found.std_error == pytest.approx(stored_of(name)["alpha_se"], rel=CLOSE)


@EACH
def test_item_statistics(name: str) -> None:
    stored, items = stored_of(name)["complete"], item_statistics(complete(name))
    same(items.item_rest, stored["r_drop"], rtol=CLOSE)
    same(items.alpha_if_dropped, stored["alpha_without"], rtol=CLOSE)
    if stored_of(name)["n"] != stored_of(name)["n_complete"]:
        return
    whole = stored_of(name)["item"]
    same(items.item_corrected, whole["r_cor"], rtol=CLOSE)
    same(items.mean, whole["mean"], rtol=CLOSE)
    same(items.std_dev, whole["sd"], rtol=CLOSE)


@EACH
def test_bounds_of_guttman(name: str) -> None:
    """With an odd number of items psych's best split is not Guttman's (README): left out there."""
    stored = stored_of(name)["complete"]
    correlation = np.corrcoef(complete(name).T)
    assert guttman_bounds(correlation).lambda6 == pytest.approx(stored["guttman_6"], rel=CLOSE)
    if len(correlation) % 2 == 0:
        bounds = guttman_bounds(correlation)
        got = [bounds.lambda4, bounds.split_min, bounds.split_mean]
        same(got, [stored[k] for k in ("lambda4_max", "lambda_min", "mean_split")], rtol=CLOSE)


@EACH
def test_adequacy(name: str) -> None:
    stored, correlation = stored_of(name), np.corrcoef(complete(name).T)
    kmo = sampling_adequacy(correlation)
    assert not isinstance(kmo, NotApplicable)
    assert kmo.overall == pytest.approx(stored["kmo"], rel=CLOSE)
    same(kmo.items, stored["kmo_items"], rtol=CLOSE)
    test = sphericity_test(correlation, n=stored["n_complete"])
    assert not isinstance(test, NotApplicable)
    assert test.chi_square == pytest.approx(stored["bartlett"], rel=CLOSE)


EXTRACTIONS = {"fa_minres": ExtractionMethod.MINRES, "fa_ml": ExtractionMethod.MAXIMUM_LIKELIHOOD}


@EACH
@pytest.mark.parametrize("key", EXTRACTIONS)
def test_one_factor_and_its_omega(key: str, name: str) -> None:
    stored = result("omega_factor")[name][key]
    found = exploratory_factors(
        np.corrcoef(complete(name).T), n=len(complete(name)), n_factors=1, method=EXTRACTIONS[key]
    )
    assert isinstance(found, FactorSolution)
    loadings = found.loadings[:, 0] * np.sign(found.loadings[:, 0].sum())
    same(loadings, np.abs(numbers(stored["loadings"])), rtol=0, atol=1e-4)
    same(found.uniquenesses, stored["uniqueness"], rtol=0, atol=1e-4)
    omega = omega_total(found.loadings[:, 0], found.uniquenesses)
    assert omega == pytest.approx(stored["omega_total_standardised"], abs=1e-5)


@EACH
def test_omega_of_the_likeliest_factor(name: str) -> None:
    found = one_factor_omega(np.corrcoef(complete(name).T))
    assert not isinstance(found, NotApplicable)
    stored = result("omega_factor")[name]["fa_ml"]["omega_total_standardised"]
    assert found.value == pytest.approx(stored, abs=1e-5)


@EACH
def test_omega_of_the_confirmatory_model(name: str) -> None:
    stored = result("omega_factor")[name]
    model = measurement_model({"f": SETS[name][1]})
    fit = confirmatory_factors(complete(name), model)
    assert isinstance(fit, CfaFit)
    omega = composite_reliability(fit).omega[0]
    assert omega == pytest.approx(stored["omega_cfa_observed_variance"], abs=1e-5)


def test_hierarchical_omega() -> None:
    stored = result("omega_factor")["five_hierarchical"]
    found = hierarchical_omega(np.corrcoef(complete("five").T), 2)
    assert not isinstance(found, NotApplicable)
    assert found.total == pytest.approx(stored["omega_total"], abs=1e-4)
    assert found.hierarchical == pytest.approx(stored["omega_h"], abs=1e-4)
    same(found.solution.general, stored["g_loadings"], rtol=0, atol=1e-4)


def lined_up(found: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Our columns in the order and signs of the reference, and that order."""
    order = np.abs(found.T @ target).argmax(axis=0)
    signs = np.sign(np.sum(found[:, order] * target, axis=0))
    return found[:, order] * signs, order


ROTATIONS = {
    "pearson_none": (RotationMethod.NONE, 1e-4),
    "pearson_varimax": (RotationMethod.VARIMAX, 1e-2),
    "pearson_oblimin": (RotationMethod.OBLIMIN, 1e-4),
    "pearson_promax": (RotationMethod.PROMAX, 1e-2),
}


@pytest.mark.parametrize("case", ROTATIONS)
def test_two_factors(case: str) -> None:
    rotation, tolerance = ROTATIONS[case]
    stored = result("efa_polychoric")[case]
    x = complete("five")
    found = exploratory_factors(np.corrcoef(x.T), n=len(x), n_factors=2, rotation=rotation)
    assert isinstance(found, FactorSolution)
    loadings, order = lined_up(found.loadings, numbers(stored["loadings"]))
    same(loadings, stored["loadings"], rtol=0, atol=tolerance)
    same(found.communalities, stored["communality"], rtol=0, atol=1e-4)
    if stored["phi"] is not None:
        phi = np.abs(found.phi[np.ix_(order, order)])
        same(phi, np.abs(numbers(stored["phi"])), rtol=0, atol=tolerance)
    assert found.fit.df == stored["df"]
    got = [found.fit.chi_square, found.fit.tli, found.fit.rmsr]
    same(got, [stored[k] for k in ("chi2", "tli", "rms")], rtol=1e-4)


def test_two_factors_of_polychoric_correlations() -> None:
    stored = result("efa_polychoric")["polychoric_oblimin"]
    poly = polychoric("five")
    found = exploratory_factors(
        poly.correlation, n=poly.n, n_factors=2, rotation=RotationMethod.OBLIMIN
    )
    assert isinstance(found, FactorSolution)
    loadings, _ = lined_up(found.loadings, numbers(stored["loadings"]))
    same(loadings, stored["loadings"], rtol=0, atol=1e-3)


def test_number_of_factors() -> None:
    """Parallel analysis draws on both sides; the verdict does not hang on it. MAP is closed
    form.
    """
    stored, x = result("efa_polychoric"), complete("five")
    correlation = np.corrcoef(x.T)
    same(minimum_average_partial(correlation, most=4), stored["map"], rtol=CLOSE)
    same(np.linalg.eigvalsh(correlation)[::-1], stored["eigen"]["pearson"], rtol=CLOSE)
    found = parallel_analysis(correlation, n=len(x), rng=np.random.default_rng(1), draws=200)
    assert not isinstance(found, NotApplicable)
    assert found.n_factors == stored["parallel_factors"]
    assert found.n_components == stored["parallel_components"]


@cache
def polychoric(name: str) -> Polychoric:
    found = polychoric_correlation(answers(name), missing=MissingRule.PAIRWISE)
    assert isinstance(found, Polychoric)
    return found


@pytest.mark.parametrize(
    ("key", "name"),
    [("polychoric_five", "five"), ("polychoric_v1", "v1"), ("tetrachoric_yesno", "yesno")],
)
def test_polychoric_correlations_of_psych(key: str, name: str) -> None:
    """Each of its searches stops at 1e-4, and it adds a half to empty cells of two by two
    tables.
    """
    same(polychoric(name).correlation, result("efa_polychoric")[key], rtol=0, atol=1e-3)


def test_thresholds() -> None:
    stored = result("efa_polychoric")
    same(polychoric("five").thresholds, stored["thresholds_five"], rtol=CLOSE)
    yesno = np.ravel(polychoric("yesno").thresholds)
    same(yesno, stored["tetrachoric_tau"], rtol=CLOSE)


def test_polychoric_correlations_of_lavaan() -> None:
    stored = result("cfa_ordinal")
    same(polychoric("five").correlation, stored["lavcor_five"], rtol=0, atol=1e-6)
    same(np.ravel(polychoric("five").thresholds), stored["lavcor_thresholds"], rtol=0, atol=1e-8)


@pytest.mark.parametrize(("factor", "name"), [("f1", "five_f1"), ("f2", "five_f2")])
def test_reliability_of_the_two_factor_model(factor: str, name: str) -> None:
    stored = result("reliability_models")
    column = stored["continuous"]["columns"].index(factor)
    rows = dict(
        zip(stored["continuous"]["rows"], numbers(stored["continuous"])[:, column], strict=True)
    )
    assert alpha_of(name, MissingRule.LISTWISE).value == pytest.approx(rows["alpha"], rel=CLOSE)
    items = {"f1": SETS["five_f1"][1], "f2": SETS["five_f2"][1]}
    fit = confirmatory_factors(complete("five"), measurement_model(items))
    assert isinstance(fit, CfaFit)
    found = composite_reliability(fit)
    place = list(items).index(factor)
    assert found.variance_extracted[place] == pytest.approx(rows["avevar"], abs=1e-5)
    assert found.omega[place] == pytest.approx(stored["comp_rel_continuous"][factor], abs=1e-5)
    same(found.heterotrait[0, 1], numbers(stored["htmt"])[1, 0], rtol=1e-8)
    part = polychoric(name).correlation
    ordinal = dict(
        zip(stored["ordinal"]["rows"], numbers(stored["ordinal"])[:, column], strict=True)
    )
    assert ordinal_alpha(part) == pytest.approx(ordinal["alpha.ord"], abs=1e-5)
