"""Conditional Rasch, Andersen's test and item fit against eRm, and against enumeration.

eRm stops its steps near 1e-5: places within 1e-4, mean squares within 2e-5. The standardised mean
squares, the split at the median and the partial credit fit are what eRm 1.0-2 (R 4.2.2) prints for
`itemfit(person.parameter(RM(x)))`, `LRtest(RM(x), splitcr = "median")` and the same with `PCM`, on
the same invented files.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from seeded_cases import numbers, result, same, table

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.conditional_rasch import (
    ConditionalRasch,
    andersen_test,
    conditional_rasch,
    conditional_shares,
    symmetric_functions,
    symmetric_without,
)
from impact_eval.stats.scales.item_fit import (
    ExpectedGiven,
    PlaceRule,
    item_fit,
    person_places,
)

YES_NO = [f"d{i}" for i in range(1, 10)]
INFIT_Z = [
    0.113378362362, -1.44253599097, 1.8942175463, -1.35802030189, -0.674504747207,
    -3.73312230052, 0.0010686900326, -1.34026350922, -1.46279320854,
]  # fmt: skip
OUTFIT_Z = [
    0.538732279211, -1.4623740738, 2.13857402035, -1.30193266534, -0.578528203425,
    -3.57433692525, -0.120883867664, -1.13537734512, -2.01164621208,
]  # fmt: skip
PCM_INFIT = [0.720333842145, 0.694187841839, 0.790537055679, 0.941613750174]
PCM_OUTFIT = [0.712346847632, 0.714137451304, 0.796367689767, 0.960015918923]
PCM_OUTFIT_Z = [-4.73186410966, -4.68200673987, -3.17429742123, -0.571992956098]


def yes_no() -> ConditionalRasch:
    fit = conditional_rasch(table("questionnaire_oui_non")[YES_NO].to_numpy(float))
    assert isinstance(fit, ConditionalRasch)
    return fit


def five() -> ConditionalRasch:
    items = [f"i{i}" for i in range(1, 5)]
    fit = conditional_rasch(table("questionnaire_5points")[items].to_numpy(float))
    assert isinstance(fit, ConditionalRasch)
    return fit


def test_rasch_is_that_of_erm() -> None:
    stored, fit = result("irt_others")["erm_rm"], yes_no()
    same(-fit.steps[:, 0], stored["easiness"], rtol=0, atol=1e-4)
    same(fit.std_error[:, 0], stored["se"], rtol=0, atol=1e-4)
    assert fit.log_likelihood == pytest.approx(stored["conditional_loglik"], abs=1e-5)


def test_partial_credit_is_that_of_erm() -> None:
    stored, fit = result("irt_others")["erm_pcm"], five()
    steps = numbers(stored["thresholds"])[:, 1:]
    same(fit.steps, steps - steps.mean(), rtol=0, atol=2e-4)
    assert fit.log_likelihood == pytest.approx(stored["conditional_loglik"], abs=1e-5)


def test_andersens_ratio_is_that_of_erm() -> None:
    stored, fit = result("irt_others")["lr_test"], yes_no()
    found = andersen_test(fit, table("questionnaire_oui_non")["groupe"].to_numpy())
    assert (found.statistic, found.df) == (pytest.approx(stored["chisq"], abs=1e-5), stored["df"])
    assert found.p_value == pytest.approx(stored["p"], abs=1e-7)
    assert andersen_test(fit).statistic == pytest.approx(22.6144187961, abs=1e-5)


def test_places_and_mean_squares_are_those_of_erm() -> None:
    stored, fit = result("irt_others"), yes_no()
    place = person_places(fit, rule=PlaceRule.LIKELIHOOD).place
    same(place[1:-1], stored["person_by_score"]["theta"][1:-1], rtol=0, atol=1e-4)
    found = item_fit(fit, given=ExpectedGiven.PLACE)
    same(found.infit, stored["itemfit"]["infit"], rtol=0, atol=2e-5)
    same(found.outfit, stored["itemfit"]["outfit"], rtol=0, atol=2e-5)
    same(found.infit_z, INFIT_Z, rtol=0, atol=2e-4)
    same(found.outfit_z, OUTFIT_Z, rtol=0, atol=2e-4)


def test_mean_squares_of_partial_credit_are_those_of_erm() -> None:
    found = item_fit(five(), given=ExpectedGiven.PLACE)
    same(found.infit, PCM_INFIT, rtol=0, atol=2e-5)
    same(found.outfit, PCM_OUTFIT, rtol=0, atol=2e-5)
    same(found.outfit_z, PCM_OUTFIT_Z, rtol=0, atol=2e-4)


def test_symmetric_functions_by_enumeration() -> None:
    rng = np.random.default_rng(0)
    terms = [np.concatenate([[1.0], np.exp(rng.normal(size=c))]) for c in (1, 2, 3, 1)]
    by_total = np.zeros(8)
    for answer in product(*(range(len(term)) for term in terms)):
        by_total[sum(answer)] += np.prod([t[a] for t, a in zip(terms, answer, strict=True)])
    np.testing.assert_allclose(symmetric_functions(terms), by_total, rtol=1e-13)
    for j, rest in enumerate(symmetric_without(terms)):
        others = symmetric_functions([t for i, t in enumerate(terms) if i != j])
        np.testing.assert_allclose(rest, others, rtol=1e-13)


def test_likelihood_and_shares_by_enumeration() -> None:
    rng = np.random.default_rng(4)
    x = np.digitize(rng.normal(size=(80, 1)) + rng.normal(size=(80, 3)), [-0.7, 0.7])
    fit = conditional_rasch(x)
    beta = np.column_stack([np.zeros(3), -np.cumsum(fit.steps, axis=1)])
    weight = {
        a: np.exp(sum(beta[j, c] for j, c in enumerate(a))) for a in product(range(3), repeat=3)
    }
    shares, likelihood = np.zeros((7, 3, 3)), 0.0
    for total in range(7):
        alike = {a: w for a, w in weight.items() if sum(a) == total}
        for a, w in alike.items():
            shares[total, range(3), a] += w / sum(alike.values())
    for row in x:
        alike = sum(w for a, w in weight.items() if sum(a) == row.sum())
        likelihood += np.log(weight[tuple(row.tolist())] / alike)
    np.testing.assert_allclose(conditional_shares(fit), shares, atol=1e-12)
    assert fit.log_likelihood == pytest.approx(likelihood, abs=1e-9)


def test_thirty_items_lose_no_digit() -> None:
    """Summing to thirty items: given the total, expected answers add up to it."""
    rng = np.random.default_rng(5)
    y = rng.random((500, 30)) < 1 / (1 + np.exp(np.linspace(-3, 3, 30) - rng.normal(size=(500, 1))))
    fit = conditional_rasch(y.astype(float))
    np.testing.assert_allclose(
        conditional_shares(fit)[:, :, 1].sum(axis=1), np.arange(31), atol=1e-9
    )


def test_what_cannot_be_placed_is_refused() -> None:
    rng = np.random.default_rng(6)
    y = (rng.random((40, 4)) < 0.5).astype(float)
    for x, reason in [
        (y[:, :2], "too_few_items"),
        (y[:8], "too_few_persons"),
        (np.column_stack([y, np.ones(40)]), "constant_item"),
        # The first two questions are never missed by one who gets any of the two last.
        (np.repeat([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 0], [1, 1, 0, 1]], 8, axis=0),
         "irt_not_identified"),
    ]:  # fmt: skip
        refused = conditional_rasch(x.astype(float))
        assert isinstance(refused, NotApplicable)
        assert refused.reason == reason


def test_mean_squares_given_the_total_average_one_with_few_items() -> None:
    rng = np.random.default_rng(7)
    met = []
    for _ in range(150):
        y = rng.random((40, 5)) < 1 / (1 + np.exp(np.linspace(-1, 1, 5) - rng.normal(size=(40, 1))))
        fit = conditional_rasch(y.astype(float))
        if isinstance(fit, ConditionalRasch):
            met.append(item_fit(fit).infit)
    assert np.mean(met) == pytest.approx(1, abs=0.02)


def test_an_item_that_fits_is_seldom_called_a_misfit() -> None:
    """The normal deviates, all items of a scale together: two or three samples in a hundred."""
    rng = np.random.default_rng(8)
    beyond = stats.norm.ppf(1 - 0.025 / 6)
    called = 0
    for _ in range(100):
        y = rng.random((60, 6)) < 1 / (1 + np.exp(np.linspace(-1, 1, 6) - rng.normal(size=(60, 1))))
        found = item_fit(conditional_rasch(y.astype(float)))
        called += bool((np.maximum(found.infit_z, found.outfit_z) > beyond).any())
    assert called <= 8
