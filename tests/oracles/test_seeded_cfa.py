"""Confirmatory factors and measurement invariance against lavaan 0.6-14.

lavaan's optimiser stops at a gradient of 1e-6 or so, ours at 1e-9: estimates within 1e-4,
chi-squares 1e-3 (1e-5 and 1e-4 of them, see the notes of the results).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from seeded_cases import result, same, table

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.cfa import CfaFit, CfaMissing, confirmatory_factors
from impact_eval.stats.scales.cfa_evaluate import CfaEstimator
from impact_eval.stats.scales.cfa_model import (
    Cell,
    CfaModel,
    Identification,
    Matrix,
    measurement_model,
)
from impact_eval.stats.scales.cfa_ordinal import OrdinalCfaFit, OrdinalEstimator, ordinal_factors
from impact_eval.stats.scales.cfa_read import (
    FactorScoreMethod,
    factor_scores,
    residual_pairs,
    score_tests,
    standardised,
)
from impact_eval.stats.scales.invariance_chain import (
    CHAIN,
    InvarianceVerdict,
    difference_test,
    group_model,
    invariance_across_groups,
    longitudinal_model,
)

FIVE = [f"i{i}" for i in range(1, 9)]
TWO = {"f1": FIVE[:4], "f2": FIVE[4:]}
ONE = {"f": FIVE}
V1 = {"f": [f"v1_q{i}" for i in range(1, 11)]}
YES_NO = {"f": [f"d{i}" for i in range(1, 10)]}
WAVES = [[f"v{wave}_q{i}" for i in (1, 2, 4, 6)] for wave in (1, 2)]
Fit = CfaFit | OrdinalCfaFit


def answers(source: str, items: Sequence[str]) -> np.ndarray:
    return table(source)[list(items)].to_numpy(float)


def key_of(cell: Cell, model: CfaModel) -> tuple[Any, ...]:
    """Left, operator, right and group of lavaan's table."""
    item, factor = model.items, model.factors
    names = {
        Matrix.LOADING: lambda: (factor[cell.column], "=~", item[cell.row]),
        Matrix.INTERCEPT: lambda: (item[cell.row], "~1", ""),
        Matrix.FACTOR_MEAN: lambda: (factor[cell.row], "~1", ""),
        Matrix.RESIDUAL: lambda: (item[cell.row], "~~", item[cell.column]),
        Matrix.FACTOR_COVARIANCE: lambda: (factor[cell.row], "~~", factor[cell.column]),
        Matrix.THRESHOLD: lambda: (item[cell.row], "|", f"t{cell.column + 1}"),
        Matrix.SCALE: lambda: (item[cell.row], "~*~", item[cell.row]),
    }
    return (*names[cell.matrix](), cell.group + 1)


def held_parameters(fit: Fit, stored: Mapping[str, Any], *, errors: bool = True) -> None:
    names = ("left", "op", "right", "group", "estimate", "std_error")
    rows = {}
    for left, op, right, group, *pair in zip(*(stored[name] for name in names), strict=True):
        rows[left, op, right, group] = rows[right, op, left, group] = pair
    free = [cell for cell in fit.model.cells if cell.free >= 0]
    assert len({cell.free for cell in free}) == fit.model.n_free
    for cell in free:
        estimate, error = rows[key_of(cell, fit.model)]
        assert fit.theta[cell.free] == pytest.approx(estimate, abs=1e-4), cell
        if errors and error is not None:
            assert fit.std_error[cell.free] == pytest.approx(error, abs=1e-4), cell


COMPARATIVE = {
    "chisq": "chi_square", "df": "df", "pvalue": "p_value", "cfi": "cfi", "tli": "tli",
    "rmsea": "rmsea", "rmsea.ci.lower": "rmsea_low", "rmsea.ci.upper": "rmsea_high",
    "rmsea.pvalue": "rmsea_close", "baseline.chisq": "baseline_chi_square",
    "baseline.df": "baseline_df",
}  # fmt: skip
CRITERIA = {"logl": "log_likelihood", "aic": "aic", "bic": "bic"}


def index_of(fit: Fit, key: str) -> float | None:
    plain = key.removesuffix(".scaled")
    if key in COMPARATIVE:
        return float(getattr(fit.comparative, COMPARATIVE[key]))
    if plain in COMPARATIVE:
        return None if fit.scaled is None else float(getattr(fit.scaled, COMPARATIVE[plain]))
    if key == "chisq.scaling.factor":
        return fit.scaling
    if key in CRITERIA:
        return None if fit.criteria is None else float(getattr(fit.criteria, CRITERIA[key]))
    if key == "srmr":
        return float(fit.residual.srmr)
    if key in ("cfi.robust", "tli.robust", "rmsea.robust"):
        return None if fit.robust is None else float(getattr(fit.robust, key.split(".")[0]))
    return None


def held_indices(fit: Fit, stored: Mapping[str, float | None], *, skip: Sequence[str] = ()) -> None:
    seen = 0
    for key, value in stored.items():
        found = index_of(fit, key)
        if value is None or found is None or key in skip:
            continue
        loose = 1e-3 if "chisq" in key and "factor" not in key else 1e-4
        assert found == pytest.approx(value, abs=loose, rel=1e-7), key
        seen += 1
    assert seen >= 8


ML, MLR, MLM = CfaEstimator.ML, CfaEstimator.MLR, CfaEstimator.MLM
CONTINUOUS: dict[str, tuple[str, CfaModel, CfaEstimator, CfaMissing]] = {
    "two_ml": ("five", measurement_model(TWO), ML, CfaMissing.LISTWISE),
    "two_ml_std_lv": (
        "five", measurement_model(TWO, identification=Identification.UNIT_VARIANCE), ML,
        CfaMissing.LISTWISE,
    ),
    "one_ml": ("five", measurement_model(ONE), ML, CfaMissing.LISTWISE),
    "two_mlr": ("five", measurement_model(TWO), MLR, CfaMissing.LISTWISE),
    "two_mlm": ("five", measurement_model(TWO), MLM, CfaMissing.LISTWISE),
    "missing_fiml": ("v1", measurement_model(V1, means=True), ML, CfaMissing.FULL_INFORMATION),
    "missing_fiml_mlr": ("v1", measurement_model(V1, means=True), MLR, CfaMissing.FULL_INFORMATION),
    "listwise": ("v1", measurement_model(V1), ML, CfaMissing.LISTWISE),
}  # fmt: skip
SOURCES = {"five": ("questionnaire_5points", FIVE), "v1": ("questionnaire_4points", V1["f"]),
           "yesno": ("questionnaire_oui_non", YES_NO["f"])}  # fmt: skip


@cache
def continuous(case: str) -> CfaFit:
    source, model, estimator, missing = CONTINUOUS[case]
    fit = confirmatory_factors(
        answers(*SOURCES[source]), model, estimator=estimator, missing=missing
    )
    assert isinstance(fit, CfaFit)
    return fit


@pytest.mark.parametrize("case", CONTINUOUS)
def test_parameters(case: str) -> None:
    held_parameters(continuous(case), result("cfa_continuous")[case])


@pytest.mark.parametrize("case", CONTINUOUS)
def test_fit_indices(case: str) -> None:
    held_indices(continuous(case), result("cfa_continuous")[case]["fit"])


@pytest.mark.parametrize("case", [name for name in CONTINUOUS if name.startswith("two")])
def test_standardised_loadings(case: str) -> None:
    stored = result("cfa_continuous")[case]
    wanted = [s for op, s in zip(stored["op"], stored["standardised"], strict=True) if op == "=~"]
    found = standardised(continuous(case)).loadings
    same(found[found != 0], wanted, rtol=0, atol=1e-5)


def test_one_factor_against_two() -> None:
    stored = result("cfa_continuous")["one_against_two"]
    found = difference_test(continuous("one_ml"), continuous("two_ml"))
    assert not isinstance(found, NotApplicable)
    assert found.statistic == pytest.approx(stored["chisq_diff"], abs=1e-3)
    assert found.df == stored["df_diff"]
    assert found.p_value == pytest.approx(stored["p"], rel=1e-3)


@pytest.mark.parametrize("method", list(FactorScoreMethod))
def test_factor_scores(method: FactorScoreMethod) -> None:
    stored = result("cfa_continuous")[f"factor_scores_{method.value}_first10"]
    found = factor_scores(continuous("two_ml"), answers(*SOURCES["five"])[:10], method=method)
    same(found, stored, rtol=0, atol=1e-4)


def test_modification_indices() -> None:
    stored, fit = result("cfa_continuous")["modification"], continuous("one_ml")
    found = score_tests(fit, residual_pairs(fit.model))
    best = sorted(found, key=lambda test: -test.statistic)[: len(stored["mi"])]
    same([test.statistic for test in best], stored["mi"], rtol=0, atol=1e-3)
    same([test.change for test in best], stored["epc"], rtol=0, atol=1e-4)


def ordered(items_of: Mapping[str, Sequence[str]], categories: int, **more: Any) -> CfaModel:
    count = sum(len(items) for items in items_of.values())
    return measurement_model(items_of, categories=[categories] * count, **more)


UNIT = {"identification": Identification.UNIT_VARIANCE}
ORDINAL: dict[str, tuple[str, CfaModel, OrdinalEstimator]] = {
    "two_wlsmv": ("five", ordered(TWO, 5), OrdinalEstimator.DWLS),
    "two_wlsmv_std_lv": ("five", ordered(TWO, 5, **UNIT), OrdinalEstimator.DWLS),
    "one_wlsmv": ("five", ordered(ONE, 5), OrdinalEstimator.DWLS),
    "two_dwls": ("five", ordered(TWO, 5), OrdinalEstimator.DWLS),
    "two_uls": ("five", ordered(TWO, 5), OrdinalEstimator.ULS),
    "yesno_wlsmv": ("yesno", ordered(YES_NO, 2, **UNIT), OrdinalEstimator.DWLS),
}


@cache
def ordinal(case: str) -> OrdinalCfaFit:
    source, model, estimator = ORDINAL[case]
    fit = ordinal_factors(answers(*SOURCES[source]), model, estimator=estimator)
    assert isinstance(fit, OrdinalCfaFit)
    return fit


@pytest.mark.parametrize("case", ORDINAL)
def test_parameters_of_ordered_items(case: str) -> None:
    """lavaan's plain DWLS inverts J'WJ; our errors are robust always."""
    held_parameters(ordinal(case), result("cfa_ordinal")[case], errors=case != "two_dwls")


@pytest.mark.parametrize("case", ORDINAL)
def test_fit_indices_of_ordered_items(case: str) -> None:
    held_indices(ordinal(case), result("cfa_ordinal")[case]["fit"])


@cache
def grouped(level: str, estimator: CfaEstimator) -> CfaFit:
    model = group_model(TWO, n_groups=2, level=level)
    groups = table("questionnaire_5points")["groupe"]
    fit = confirmatory_factors(answers(*SOURCES["five"]), model, groups=groups, estimator=estimator)
    assert isinstance(fit, CfaFit)
    return fit


LEVELS = [level.value for level in CHAIN]


@pytest.mark.parametrize("level", LEVELS)
def test_invariance_across_groups(level: str) -> None:
    stored = result("invariance_groups")["ml"][level]
    held_parameters(grouped(CHAIN[LEVELS.index(level)], ML), stored)
    held_indices(grouped(CHAIN[LEVELS.index(level)], ML), stored["fit"])


@pytest.mark.parametrize("level", LEVELS)
def test_robust_invariance_across_groups(level: str) -> None:
    held_indices(
        grouped(CHAIN[LEVELS.index(level)], MLR), result("invariance_groups")["mlr"][level]
    )


def held_difference(
    restricted: CfaFit, free: CfaFit, stored: Mapping[str, Any], place: int
) -> None:
    found = difference_test(restricted, free)
    assert not isinstance(found, NotApplicable)
    assert found.statistic == pytest.approx(stored["chisq_diff"][place], abs=2e-3)
    assert found.df == stored["df_diff"][place]
    assert found.p_value == pytest.approx(stored["p"][place], abs=2e-4)


@pytest.mark.parametrize("place", [1, 2, 3])
@pytest.mark.parametrize("estimator", [ML, MLR])
def test_difference_between_levels(estimator: CfaEstimator, place: int) -> None:
    stored = result("invariance_groups")[f"{estimator.value}_tests"]
    levels = [CHAIN[place], CHAIN[place - 1]]
    held_difference(*(grouped(level, estimator) for level in levels), stored, place)


def test_verdict_across_groups() -> None:
    """No level of the chain is refused on this file: the differences above are not significant."""
    groups = table("questionnaire_5points")["groupe"]
    chain = invariance_across_groups(answers(*SOURCES["five"]), TWO, groups)
    assert not isinstance(chain, NotApplicable)
    tests = result("invariance_groups")["mlr_tests"]["p"][1:]
    assert (min(tests) > 0.05) == (chain.verdict is InvarianceVerdict.HOLDS)


@cache
def over_time(level: str) -> CfaFit:
    x = answers("questionnaire_4points", WAVES[0] + WAVES[1])
    fit = confirmatory_factors(x[~np.isnan(x).any(axis=1)], longitudinal_model(WAVES, level=level))
    assert isinstance(fit, CfaFit)
    return fit


@pytest.mark.parametrize("place", range(4))
def test_invariance_over_time(place: int) -> None:
    stored = result("invariance_waves")
    level = CHAIN[place]
    assert over_time(level).n[0] == stored["n"]
    model = stored["models"][level.value]
    # lavaan fixes the first loading, ours the first wave's variance: the same standardised solution
    wanted = [s for op, s in zip(model["op"], model["standardised"], strict=True) if op == "=~"]
    found = standardised(over_time(level)).loadings
    same(found[found != 0], wanted, rtol=0, atol=1e-5)
    held_indices(over_time(level), model["fit"])
    if place:
        held_difference(over_time(level), over_time(CHAIN[place - 1]), stored, place)
