"""Item response models against published fits and an independent program.

Published: the log-likelihoods of survey.md section 2.3 (mirt 1.45.1 for R); Bock and Aitkin's LSAT
examples as fitted by ltm (Rizopoulos 2006, doi:10.18637/jss.v017.i05). Independent: mirt 1.2.0 for
Python, 61 points on [-6, 6], tolerance 1e-9 (its own estimates are good to about 2e-4).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.stats.scales.irt import IrtErrors, item_response
from impact_eval.stats.scales.irt_models import IrtModel
from impact_eval.stats.scales.irt_scores import expected_scores, likelihood_scores

SCIENCE = SecondRung()
LSAT = SecondRung()


@pytest.fixture(scope="module")
def science(shared: Path) -> np.ndarray:
    frame = pd.read_csv(shared / "data/science392x7.csv")
    return frame[["Comfort", "Work", "Future", "Benefit"]].to_numpy(float)


def lsat(shared: Path, section: int) -> np.ndarray:
    return pd.read_csv(shared / f"data/lsat{section}_1000x5.csv").to_numpy(float)


@SCIENCE
def check_graded_science(science: np.ndarray) -> None:
    fit = item_response(science)
    assert fit.log_likelihood == pytest.approx(-1608.8694, abs=1e-4)
    assert fit.n_free == 16
    np.testing.assert_allclose(fit.items.slopes, [1.04067, 1.22583, 2.300504, 1.093818], atol=5e-4)
    expected = [
        [-4.67269, -2.536039, 1.408198],
        [-2.385322, -0.735118, 1.848893],
        [-2.27996, -0.96439, 0.855224],
        [-3.059831, -0.906389, 1.542798],
    ]
    np.testing.assert_allclose(fit.difficulties, expected, atol=5e-4)
    np.testing.assert_allclose(fit.std_error[:4], [0.1882, 0.1817, 0.48812, 0.18318], atol=5e-4)


@SCIENCE
def check_generalized_partial_credit_science(science: np.ndarray) -> None:
    fit = item_response(science, model=IrtModel.GENERALIZED_PARTIAL_CREDIT)
    assert fit.log_likelihood == pytest.approx(-1612.68160, abs=1e-4)
    np.testing.assert_allclose(
        fit.items.slopes, [0.861165, 0.839976, 2.237233, 0.720395], atol=5e-4
    )
    expected = [
        [-3.277409, -2.892409, 1.537764],
        [-2.035682, -1.033095, 2.058924],
        [-2.083154, -0.974813, 0.831448],
        [-2.907891, -1.109246, 1.631466],
    ]
    np.testing.assert_allclose(fit.difficulties, expected, atol=5e-4)
    np.testing.assert_allclose(fit.std_error[:4], [0.17406, 0.14528, 0.67129, 0.14323], atol=1e-3)


@SCIENCE
def check_partial_credit_science(science: np.ndarray) -> None:
    # the independent program fixes the latent standard deviation at 1; ours estimates 1.0013
    fit = item_response(science, model=IrtModel.PARTIAL_CREDIT)
    assert fit.log_likelihood > -1619.2742153
    assert fit.log_likelihood == pytest.approx(-1619.2742153, abs=2e-4)
    expected = [
        [-3.08589, -2.594536, 1.388314],
        [-1.895173, -0.910619, 1.857916],
        [-2.646086, -1.420646, 1.13468],
        [-2.447847, -0.89935, 1.357347],
    ]
    np.testing.assert_allclose(fit.difficulties, expected, atol=3e-3)


@SCIENCE
def check_scores(science: np.ndarray) -> None:
    graded = item_response(science)
    eap = expected_scores(graded, science[:6])
    np.testing.assert_allclose(
        eap.score, [0.400716, 0.051834, -0.891773, -0.891773, 0.767234, 0.668105], atol=5e-4
    )
    np.testing.assert_allclose(
        eap.std_error, [0.597397, 0.554626, 0.54169, 0.54169, 0.637976, 0.575796], atol=5e-4
    )
    credit = item_response(science, model=IrtModel.GENERALIZED_PARTIAL_CREDIT)
    np.testing.assert_allclose(
        expected_scores(credit, science[:6]).score,
        [0.376309, 0.048866, -0.902391, -0.902391, 0.600239, 0.622614],
        atol=5e-4,
    )
    for fit, scores, errors in (
        (
            graded,
            [0.691516, 0.140699, -1.237868, -1.237868, 1.121024, 0.951289],
            [0.668456, 0.732479, 0.651598, 0.651598, 0.677854, 0.664113],
        ),
        (
            credit,
            [0.596148, 0.077842, -1.287452, -1.287452, 0.843932, 0.867627],
            [0.697215, 0.73054, 0.593549, 0.593549, 0.697714, 0.699166],
        ),
    ):
        wle = likelihood_scores(fit, science[:6])
        np.testing.assert_allclose(wle.score, scores, atol=1e-3)
        np.testing.assert_allclose(wle.std_error, errors, atol=1e-3)


def test_on_science(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    SCIENCE.run(request, subtests)


@LSAT
def check_two_parameter_lsat7(shared: Path) -> None:
    fit = item_response(lsat(shared, 7), model=IrtModel.TWO_PARAMETER)
    assert fit.log_likelihood == pytest.approx(-2658.805, abs=5e-4)
    # slopes and intercepts as printed in mirt's manual (R), at its coarse default tolerance
    np.testing.assert_allclose(fit.items.slopes, [0.988, 1.081, 1.706, 0.765, 0.736], atol=2e-3)
    np.testing.assert_allclose(
        fit.items.intercepts[:, 0], [1.856, 0.808, 1.804, 0.486, 1.855], atol=2e-3
    )


@LSAT
def check_lsat6(shared: Path) -> None:
    # ltm: constrained discrimination .7551, difficulties, log-likelihood -2466.938; free: -2466.653
    rasch = item_response(lsat(shared, 6), model=IrtModel.RASCH)
    assert rasch.log_likelihood == pytest.approx(-2466.938, abs=5e-4)
    assert rasch.latent_sd == pytest.approx(0.7551, abs=1e-4)
    places = rasch.difficulties[:, 0] / rasch.latent_sd
    np.testing.assert_allclose(places, [-3.6153, -1.3224, -0.3176, -1.7301, -2.7802], atol=2e-4)
    free = item_response(lsat(shared, 6), model=IrtModel.TWO_PARAMETER)
    assert free.log_likelihood == pytest.approx(-2466.653, abs=5e-4)
    np.testing.assert_allclose(free.items.slopes, [0.8254, 0.7229, 0.8905, 0.6886, 0.6575],
                               atol=1.2e-3)  # fmt: skip


@LSAT
def check_both_kinds_of_errors_agree_when_the_model_holds(shared: Path) -> None:
    x = lsat(shared, 7)
    observed = item_response(x, model=IrtModel.TWO_PARAMETER)
    products = item_response(x, model=IrtModel.TWO_PARAMETER, errors=IrtErrors.CROSS_PRODUCT)
    np.testing.assert_allclose(products.std_error, observed.std_error, rtol=0.12)
    np.testing.assert_array_equal(products.theta, observed.theta)


def test_on_lsat(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    LSAT.run(request, subtests)
