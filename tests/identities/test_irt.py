"""Item response models: derivatives, brute force, simulated truth, symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.irt import (
    ParameterLayout,
    answer_patterns,
    item_response,
    marginal_likelihood,
    normal_quadrature,
)
from impact_eval.stats.scales.irt_models import IrtModel, category_curves, trait_slopes
from impact_eval.stats.scales.irt_scores import (
    expected_scores,
    item_information,
    likelihood_scores,
    marginal_reliability,
)


def graded_answers(
    seed: int, n: int, slopes: np.ndarray, cuts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n)
    above = expit(slopes[None, :, None] * (trait[:, None, None] - cuts[None]))
    return (rng.random((n, len(slopes), 1)) < above).sum(axis=2).astype(float), trait


SLOPES = np.array([0.8, 1.2, 1.6, 2.0, 1.0, 1.4])
CUTS = np.array([[-1.5, 0.0, 1.0]] * 3 + [[-0.5, 0.5, 1.5]] * 3)


@pytest.mark.parametrize("model", [IrtModel.GRADED, IrtModel.GENERALIZED_PARTIAL_CREDIT,
                                   IrtModel.PARTIAL_CREDIT])  # fmt: skip
def test_score_is_the_derivative_of_the_likelihood(model: IrtModel) -> None:
    y, _ = graded_answers(1, 200, SLOPES, CUTS)
    y[:, 0] = np.minimum(y[:, 0], 2)  # unequal numbers of categories
    y[np.random.default_rng(0).random(y.shape) < 0.1] = np.nan
    patterns = answer_patterns(y)
    layout = ParameterLayout.of(model, patterns.sizes)
    objective = marginal_likelihood(layout, patterns, normal_quadrature())
    rng = np.random.default_rng(2)
    theta = rng.uniform(0.7, 1.5, layout.n_free)
    for j in range(6):  # decreasing intercepts, as graded items need
        place = layout.index[j, 1:][layout.present[j]]
        theta[place] = np.sort(rng.normal(size=len(place)))[::-1]
    exact = objective(theta).score
    for j in range(layout.n_free):
        step = np.zeros(layout.n_free)
        step[j] = 1e-5
        slope = (objective(theta - step).value - objective(theta + step).value) / 2e-5
        assert exact[j] == pytest.approx(slope, abs=1e-4)


def test_marginal_likelihood_by_integration() -> None:
    y, _ = graded_answers(3, 60, SLOPES[:3], CUTS[:3])
    fit = item_response(y)

    def chance(row: np.ndarray, t: float) -> float:
        p = category_curves(fit.model, fit.items, np.array([t])).probability[:, :, 0]
        return (
            float(np.prod(p[np.arange(3), row.astype(int)]))
            * np.exp(-t * t / 2)
            / np.sqrt(2 * np.pi)
        )

    total = sum(np.log(quad(lambda t, r=row: chance(r, t), -8, 8, epsabs=1e-12)[0]) for row in y)
    # 61 points on [-6, 6] stand for the integral
    assert fit.log_likelihood == pytest.approx(total, abs=1e-5)


def test_truth_is_recovered_within_its_errors() -> None:
    y, trait = graded_answers(4, 4_000, SLOPES, CUTS)
    fit = item_response(y)
    error = fit.std_error[:6]
    assert np.all(np.abs(fit.items.slopes - SLOPES) < 4 * error)
    np.testing.assert_allclose(fit.difficulties, CUTS, atol=0.2)
    eap, wle = expected_scores(fit, y), likelihood_scores(fit, y)
    reliability = marginal_reliability(fit)
    assert np.corrcoef(eap.score, trait)[0, 1] ** 2 == pytest.approx(reliability, abs=0.03)
    assert eap.score.var() == pytest.approx(reliability, abs=0.04)
    assert np.mean(np.abs(trait - eap.score) < 1.96 * eap.std_error) == pytest.approx(
        0.95, abs=0.015
    )
    # the weighted likelihood does not shrink: its mean error is near zero at each trait level
    high = trait > 1
    assert np.mean(wle.score[high] - trait[high]) == pytest.approx(0, abs=0.08)
    assert np.mean(eap.score[high] - trait[high]) < -0.15
    wle_root = likelihood_scores(fit, y[:50])
    np.testing.assert_allclose(wle_root.score, wle.score[:50], atol=1e-9)


def test_two_categories_are_one_model_in_three_writings() -> None:
    y, _ = graded_answers(5, 500, SLOPES, CUTS[:, :1])
    fits = [
        item_response(y, model=m)
        for m in (IrtModel.GRADED, IrtModel.TWO_PARAMETER, IrtModel.GENERALIZED_PARTIAL_CREDIT)
    ]
    for fit in fits[1:]:
        assert fit.log_likelihood == pytest.approx(fits[0].log_likelihood, abs=1e-6)
        np.testing.assert_allclose(fit.items.slopes, fits[0].items.slopes, atol=1e-4)
    rasch, credit = (item_response(y, model=m) for m in (IrtModel.RASCH, IrtModel.PARTIAL_CREDIT))
    np.testing.assert_allclose(rasch.theta, credit.theta, atol=1e-9)
    assert rasch.log_likelihood < fits[0].log_likelihood


def test_rasch_scores_depend_on_the_total_alone() -> None:
    y, _ = graded_answers(6, 400, np.full(6, 1.2), CUTS[:, :1])
    fit = item_response(y, model=IrtModel.RASCH)
    total = y.sum(axis=1)
    for scores in (expected_scores(fit, y), likelihood_scores(fit, y)):
        for value in np.unique(total):
            assert np.ptp(scores.score[total == value]) < 1e-6
        means = [scores.score[total == value].mean() for value in np.unique(total)]
        assert np.all(np.diff(means) > 0)


def test_reversing_and_permuting() -> None:
    y, _ = graded_answers(7, 500, SLOPES, CUTS)
    fit = item_response(y)
    turned = item_response(3 - y)
    assert turned.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(turned.difficulties, -fit.difficulties[:, ::-1], atol=1e-4)
    order = np.random.default_rng(0).permutation(6)
    shuffled = item_response(y[:, order])
    np.testing.assert_allclose(shuffled.items.slopes, fit.items.slopes[order], atol=1e-5)


def test_information_is_the_variance_of_the_score() -> None:
    y, _ = graded_answers(8, 300, SLOPES, CUTS)
    for model in (IrtModel.GRADED, IrtModel.GENERALIZED_PARTIAL_CREDIT):
        fit = item_response(y, model=model)
        points = np.linspace(-2, 2, 9)
        curves = category_curves(model, fit.items, points)
        probability, slope = trait_slopes(model, fit.items, points)
        np.testing.assert_allclose(slope, curves.trait, atol=1e-12)
        np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-12)
        np.testing.assert_allclose(np.sum(probability * slope, axis=1), 0, atol=1e-12)
        found = item_information(fit, points)
        np.testing.assert_allclose(found, np.sum(probability * slope**2, axis=1), rtol=1e-12)
        step = 1e-5
        ahead = category_curves(model, fit.items, points + step).probability
        behind = category_curves(model, fit.items, points - step).probability
        np.testing.assert_allclose((ahead - behind) / (2 * step), probability * slope, atol=1e-8)


def test_missing_answers_and_empty_rows() -> None:
    y, _ = graded_answers(9, 600, SLOPES, CUTS)
    holes = y.copy()
    holes[np.random.default_rng(1).random(y.shape) < 0.3] = np.nan
    holes[0] = np.nan
    fit = item_response(holes)
    assert fit.n == int((~np.isnan(holes).all(axis=1)).sum())
    full = item_response(y)
    np.testing.assert_allclose(fit.items.slopes, full.items.slopes, atol=0.6)
    scores = expected_scores(fit, holes)
    assert np.isnan(scores.score[0])
    assert np.isnan(likelihood_scores(fit, holes).score[0])
    answered = (~np.isnan(holes)).sum(axis=1)
    few, many = scores.std_error[answered == 2], scores.std_error[answered == 6]
    assert few.mean() > many.mean()


def test_refusals() -> None:
    y, _ = graded_answers(10, 100, SLOPES, CUTS)
    constant = y.copy()
    constant[:, 2] = 1
    for result, reason in [
        (item_response(y[:20]), "too_few_persons"),
        (item_response(y[:, :2]), "too_few_items"),
        (item_response(constant), "constant_item"),
        (item_response(y, model=IrtModel.RASCH), "irt_needs_binary"),
    ]:
        assert isinstance(result, NotApplicable)
        assert result.reason == reason
