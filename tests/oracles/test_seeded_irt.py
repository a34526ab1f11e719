"""Item response models and differential functioning against mirt, ltm, difR, lordif and stats.

mirt's EM stops below 1e-7 on 61 points: parameters about 1e-4 (its notes), likelihoods 1e-4; ltm
on 61 Gauss-Hermite points. What is closed form is told.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from seeded_cases import numbers, result, same, table

from impact_eval.stats.scales.dif import (
    MantelHaenszelDif,
    OrdinalDif,
    mantel_haenszel_dif,
    ordinal_logistic_dif,
)
from impact_eval.stats.scales.irt import IrtFit, item_response
from impact_eval.stats.scales.irt_models import IrtModel
from impact_eval.stats.scales.irt_scores import expected_scores

YES_NO = [f"d{i}" for i in range(1, 10)]
FIVE = [f"i{i}" for i in range(1, 9)]
MODELS = {
    "yesno_rasch": ("questionnaire_oui_non", YES_NO, IrtModel.RASCH),
    "yesno_2pl": ("questionnaire_oui_non", YES_NO, IrtModel.TWO_PARAMETER),
    "five_graded": ("questionnaire_5points", FIVE[:4], IrtModel.GRADED),
    "five_gpcm": ("questionnaire_5points", FIVE[:4], IrtModel.GENERALIZED_PARTIAL_CREDIT),
    "v1_graded_missing": (
        "questionnaire_4points", [f"v1_q{i}" for i in range(1, 11)], IrtModel.GRADED,
    ),
    "v1_pcm": ("questionnaire_4points", [f"v1_q{i}" for i in range(1, 11)],
    IrtModel.PARTIAL_CREDIT),
}  # fmt: skip
EACH = pytest.mark.parametrize("case", MODELS)


def answers(case: str) -> np.ndarray:
    source, items, _ = MODELS[case]
    x = table(source)[items].to_numpy(float)
    return x[~np.isnan(x).all(axis=1)]


@cache
def fitted(case: str) -> IrtFit:
    fit = item_response(answers(case), model=MODELS[case][2])
    assert isinstance(fit, IrtFit)
    return fit


@EACH
def test_likelihood_is_that_of_mirt(case: str) -> None:
    stored, fit = result("irt_mirt")[case], fitted(case)
    assert fit.log_likelihood == pytest.approx(stored["loglik"], abs=1e-4)
    assert fit.aic == pytest.approx(stored["aic"], abs=1e-3)


@EACH
def test_parameters_are_those_of_mirt(case: str) -> None:
    stored, fit = result("irt_mirt")[case], fitted(case)
    columns = stored["parameters"]["columns"]
    values = numbers(stored["parameters"])
    cuts = values[:, [i for i, name in enumerate(columns) if name.startswith("b")]]
    same(fit.difficulties, cuts, rtol=0, atol=2e-3)
    if case in ("yesno_rasch", "v1_pcm"):
        assert fit.latent_sd**2 == pytest.approx(stored["latent_variance"], abs=2e-3)
    else:
        same(fit.items.slopes, values[:, columns.index("a")], rtol=0, atol=2e-3)


@EACH
def test_scores_are_those_of_mirt(case: str) -> None:
    stored, fit = result("irt_mirt")[case], fitted(case)
    found = expected_scores(fit, table(MODELS[case][0])[MODELS[case][1]].to_numpy(float)[:10])
    scale = fit.latent_sd
    same(scale * np.asarray(found.score), stored["eap_first10"], rtol=0, atol=1e-3)
    same(scale * np.asarray(found.std_error), stored["eap_se_first10"], rtol=0, atol=1e-3)


def test_two_parameters_are_those_of_ltm() -> None:
    stored, fit = result("irt_others")["ltm_2pl"], fitted("yesno_2pl")
    assert fit.log_likelihood == pytest.approx(stored["loglik"], abs=1e-3)
    coefficients = numbers(stored["coef"])
    same(fit.difficulties[:, 0], coefficients[:, 0], rtol=0, atol=5e-3)
    same(fit.items.slopes, coefficients[:, 1], rtol=0, atol=5e-3)


def test_one_slope_is_that_of_ltm() -> None:
    """ltm's one slope on a latent variance of one is Rasch's latent standard deviation."""
    stored, fit = result("irt_others")["rasch"], fitted("yesno_rasch")
    coefficients = numbers(stored["coef"])
    assert fit.log_likelihood == pytest.approx(stored["loglik"], abs=1e-3)
    assert fit.latent_sd == pytest.approx(coefficients[0, 1], abs=1e-3)
    same(fit.difficulties[:, 0] / fit.latent_sd, coefficients[:, 0], rtol=0, atol=2e-3)


def test_graded_model_is_that_of_ltm() -> None:
    stored, fit = result("irt_others")["grm"], fitted("five_graded")
    coefficients = numbers(stored["coef"])
    assert fit.log_likelihood == pytest.approx(stored["loglik"], abs=1e-3)
    same(fit.items.slopes, coefficients[:, -1], rtol=0, atol=5e-3)
    same(fit.difficulties, coefficients[:, :-1], rtol=0, atol=5e-3)


def yes_no() -> tuple[np.ndarray, np.ndarray]:
    frame = table("questionnaire_oui_non")
    return frame[YES_NO].to_numpy(float), frame["groupe"].to_numpy()


@pytest.mark.parametrize("item", range(9))
def test_mantel_haenszel(item: int) -> None:
    """Closed form, scores with an empty margin left out."""
    stored = result("dif_observed")["mantel_haenszel"]
    row = dict(zip(stored["columns"], stored["values"][item], strict=True))
    x, group = yes_no()
    found = mantel_haenszel_dif(x[:, item], x.sum(axis=1), group, item=item)
    assert isinstance(found, MantelHaenszelDif)
    assert found.statistic == pytest.approx(row["chi2_corrected"], rel=1e-9)
    other = result("dif_difr")["mh"]
    assert found.statistic == pytest.approx(other["chi2"][item], rel=1e-9)
    assert found.odds_ratio == pytest.approx(other["alpha"][item], rel=1e-9)
    assert found.delta_std_error == pytest.approx(2.35 * np.sqrt(other["var_log"][item]), rel=1e-9)


@pytest.mark.parametrize("item", range(9))
def test_logistic_functioning(item: int) -> None:
    stored = result("dif_observed")["logistic"]
    row = dict(zip(stored["columns"], stored["values"][item], strict=True))
    x, group = yes_no()
    found = ordinal_logistic_dif(x[:, item], x.sum(axis=1), group, item=item)
    assert isinstance(found, OrdinalDif)
    got = [found.uniform.statistic, found.non_uniform.statistic, found.total.statistic]
    same(got, [row[f"{k}_chi2"] for k in ("uniform", "nonuniform", "total")], rtol=1e-6, atol=1e-8)
    assert found.gain.nagelkerke == pytest.approx(row["r2_2"] - row["r2_0"], abs=1e-8)
    assert found.uniform_gain.nagelkerke == pytest.approx(row["r2_1"] - row["r2_0"], abs=1e-8)
    assert found.group_effect == pytest.approx(row["b_group"], abs=1e-6)
    difr = result("dif_difr")
    assert found.total.statistic == pytest.approx(difr["logistic"]["chi2"][item], abs=1e-6)
    assert found.uniform.statistic == pytest.approx(
        difr["logistic_uniform"]["chi2"][item], abs=1e-6
    )
    non_uniform = difr["logistic_non_uniform"]["chi2"][item]
    assert found.non_uniform.statistic == pytest.approx(non_uniform, abs=1e-6)


@pytest.mark.parametrize("item", range(8))
def test_ordinal_functioning(item: int) -> None:
    """polr stops at 1e-8 of the deviance."""
    stored = result("dif_observed")["ordinal"]
    row = dict(zip(stored["columns"], stored["values"][item], strict=True))
    frame = table("questionnaire_5points")
    x, group = frame[FIVE].to_numpy(float), frame["groupe"].to_numpy()
    found = ordinal_logistic_dif(x[:, item], x.sum(axis=1), group, item=item)
    assert isinstance(found, OrdinalDif)
    got = [found.uniform.statistic, found.non_uniform.statistic, found.total.statistic]
    same(got, [row[f"{k}_chi2"] for k in ("uniform", "nonuniform", "total")], rtol=0, atol=1e-4)
    gains = [found.gain.nagelkerke, found.gain.mcfadden, found.uniform_gain.mcfadden]
    wanted = [row["nagelkerke_2"] - row["nagelkerke_0"], row["mcfadden_2"] - row["mcfadden_0"],
              row["mcfadden_1"] - row["mcfadden_0"]]  # fmt: skip
    same(gains, wanted, rtol=0, atol=1e-6)
    assert found.group_effect == pytest.approx(row["b_group"], abs=1e-3)


@cache
def trait_of_eight() -> np.ndarray:
    x = table("questionnaire_5points")[FIVE].to_numpy(float)
    fit = item_response(x, model=IrtModel.GRADED)
    assert isinstance(fit, IrtFit)
    return np.asarray(expected_scores(fit, x).score)


@pytest.mark.parametrize("item", range(8))
def test_functioning_at_equal_trait_is_lordif(item: int) -> None:
    """The trait of the graded model in place of the total.

    lordif prints four decimals and scores on a grid of its own: p-values within 1e-2 (its notes).
    """
    stored = result("dif_lordif")["five"]["stats"]
    frame = table("questionnaire_5points")
    x, group = frame[FIVE].to_numpy(float), frame["groupe"].to_numpy()
    found = ordinal_logistic_dif(x[:, item], trait_of_eight(), group, item=item)
    assert isinstance(found, OrdinalDif)
    tests = {"chi12": found.uniform, "chi13": found.total, "chi23": found.non_uniform}
    for key, test in tests.items():
        assert test.p_value == pytest.approx(stored[key][item], abs=1e-2), key
    assert found.gain.mcfadden == pytest.approx(stored["pseudo13.McFadden"][item], abs=2e-4)
    assert not found.flagged
