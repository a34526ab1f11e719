"""What must hold of calibrated weights and of design-based estimates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.stats.surveys.calibration import (
    Calibration,
    CalibrationMethod,
    CategoryMargin,
    NumberMargin,
    calibrate,
    calibrate_on_margins,
    effective_size,
    trim_weights,
)
from impact_eval.stats.surveys.response import response_model
from impact_eval.stats.surveys.survey_design import (
    jackknife_by_cluster,
    mean_design_effect,
    survey_design,
    survey_mean,
    survey_quantile,
    survey_ratio,
    survey_total,
)
from impact_eval.stats.surveys.survey_shares import ShareInterval, survey_share


def sample(seed: int, n: int = 120) -> tuple[np.ndarray, list[CategoryMargin], list[NumberMargin]]:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["F", "H"], n, p=[0.6, 0.4]).astype(object)
    age = rng.choice(["16-25", "26-49", "50+"], n).astype(object)
    income = rng.gamma(4, 250, n)
    d = rng.uniform(8, 12, n)
    margins = [
        CategoryMargin("sex", sex, {"F": 600.0, "H": 600.0}),
        CategoryMargin("age", age, {"16-25": 350.0, "26-49": 450.0, "50+": 400.0}),
    ]
    return d, margins, [NumberMargin("income", income, 1200 * income.mean() * 1.03)]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 5_000), method=st.sampled_from(list(CalibrationMethod)))
def test_margins_are_exact(seed: int, method: CalibrationMethod) -> None:
    d, margins, numbers = sample(seed)
    fit = calibrate_on_margins(d, margins, numbers, method=method, bounds=(0.3, 3))
    assert isinstance(fit, Calibration)
    for margin in margins:
        for label, total in margin.totals.items():
            assert fit.weights[margin.labels == label].sum() == pytest.approx(total, rel=1e-9)
    assert fit.weights @ numbers[0].values == pytest.approx(numbers[0].total, rel=1e-9)
    assert not np.allclose(fit.ratios, 1), "weights that did not move were not calibrated"
    if method in (CalibrationMethod.LOGIT, CalibrationMethod.TRUNCATED):
        assert fit.ratios.min() >= 0.3 - 1e-12
        assert fit.ratios.max() <= 3 + 1e-12
    # any weights times a constant, and any order of the persons, give the same weights
    again = calibrate_on_margins(7 * d, margins, numbers, method=CalibrationMethod.RAKING)
    raked = calibrate_on_margins(d, margins, numbers, method=CalibrationMethod.RAKING)
    np.testing.assert_allclose(again.weights, raked.weights, rtol=1e-8)


def test_raking_is_iterative_proportional_fitting() -> None:
    d, margins, _ = sample(3)
    fit = calibrate_on_margins(d, margins)
    w = d.copy()
    for _ in range(200):
        for margin in margins:
            for label, total in margin.totals.items():
                inside = margin.labels == label
                w[inside] *= total / w[inside].sum()
    np.testing.assert_allclose(fit.weights, w, rtol=1e-9)


def test_linear_calibration_is_the_regression_estimator() -> None:
    d, margins, numbers = sample(4)
    y = numbers[0].values ** 1.1
    fit = calibrate_on_margins(d, margins, numbers, method=CalibrationMethod.LINEAR)
    x, t = fit.margins, fit.totals
    gram = (x * d[:, None]).T @ x
    beta = np.linalg.pinv(gram) @ ((x * d[:, None]).T @ y)
    assert fit.weights @ y == pytest.approx(d @ y + (t - d @ x) @ beta, rel=1e-9)


def test_what_calibration_refuses() -> None:
    d, margins, numbers = sample(5)
    few = CategoryMargin(
        "rare", np.array(["a"] * 3 + ["b"] * 117, dtype=object), {"a": 30.0, "b": 1170.0}
    )
    assert calibrate_on_margins(d, [*margins, few]).reason == "calibration_cell_too_small"
    far = CategoryMargin("sex", margins[0].labels, {"F": 20.0, "H": 1180.0})
    assert calibrate_on_margins(d, [far]).reason == "calibration_too_costly"
    out = calibrate_on_margins(d, [far], method=CalibrationMethod.LOGIT, bounds=(0.9, 1.1))
    assert out.reason == "margins_not_reached"
    both = np.column_stack([np.ones(120), np.ones(120)])
    assert calibrate(d, both, [1200.0, 1300.0]).reason == "margins_inconsistent"
    assert isinstance(calibrate(d, both, [1200.0, 1200.0]), Calibration)
    wrong = [
        CategoryMargin("sex", margins[0].labels, {"F": 600.0}),
        CategoryMargin("age", margins[1].labels, {**margins[1].totals, "80+": 20.0}),
    ]
    with pytest.raises(ImpactEvalError) as refusal:
        calibrate_on_margins(d, wrong, numbers)
    assert refusal.value.codes == (
        "margin_unknown_category", "margin_empty_category", "margin_totals_differ",
    )  # fmt: skip
    with pytest.raises(ImpactEvalError) as refusal:
        calibrate([1.0, -1.0], [[1.0], [np.nan]], [2.0], bounds=(1.2, 3))
    assert set(refusal.value.codes) == {
        "design_weights_not_positive", "bounds_invalid", "margins_missing_values",
    }  # fmt: skip


def test_trimming_keeps_the_total_and_the_bounds() -> None:
    rng = np.random.default_rng(6)
    w = rng.lognormal(0, 1, 300)
    cut = trim_weights(w, low=0.4, high=3.0)
    assert cut.sum() == pytest.approx(w.sum(), rel=1e-12)
    assert cut.min() >= 0.4
    assert cut.max() <= 3.0 + 1e-9
    assert effective_size(cut) > effective_size(w)


def test_simple_random_sample_formulas() -> None:
    y = np.random.default_rng(1).normal(5, 2, 50)
    plain = survey_mean(y, survey_design(n=50))
    assert plain.std_error[0] == pytest.approx(y.std(ddof=1) / np.sqrt(50), rel=1e-12)
    finite = survey_design(n=50, weights=np.full(50, 4.0), population=np.full(50, 200.0))
    assert survey_mean(y, finite).std_error[0] == pytest.approx(
        y.std(ddof=1) / np.sqrt(50) * np.sqrt(1 - 50 / 200), rel=1e-12
    )
    census = survey_design(n=50, population=np.full(50, 50.0))
    assert survey_total(y, census).std_error[0] == pytest.approx(0, abs=1e-12)
    assert mean_design_effect(y, finite) == pytest.approx(1, rel=1e-12)
    assert survey_quantile(y, finite, [0.5])[0] == np.sort(y)[24]
    jack = jackknife_by_cluster(lambda w: np.array([w @ y / w.sum()]), finite)
    assert jack[0, 0] == pytest.approx(survey_mean(y, finite).covariance[0, 0], rel=1e-10)


def test_stratified_and_clustered_formulas() -> None:
    rng = np.random.default_rng(2)
    strata, y = np.repeat([0, 1], [20, 30]), rng.normal(size=50)
    w = np.where(strata == 0, 10.0, 5.0)
    total = survey_total(y, survey_design(n=50, weights=w, strata=strata))
    by_hand = sum(
        (w[strata == h][0] * np.sum(strata == h)) ** 2
        * y[strata == h].var(ddof=1) / np.sum(strata == h)
        for h in (0, 1)
    )  # fmt: skip
    assert total.covariance[0, 0] == pytest.approx(by_hand, rel=1e-12)
    # a person copied in its cluster adds no information
    once = survey_mean(y, survey_design(n=50))
    twice = survey_mean(
        np.tile(y, 2),
        survey_design(n=100, weights=np.full(100, 0.5), clusters=np.tile(np.arange(50), 2)),
    )
    assert twice.std_error[0] == pytest.approx(once.std_error[0], rel=1e-12)
    assert twice.df == once.df == 49


def test_calibrated_totals_have_no_error_and_domains_keep_the_design() -> None:
    d, margins, numbers = sample(7)
    fit = calibrate_on_margins(d, margins, numbers, method=CalibrationMethod.LINEAR)
    design = survey_design(n=120, calibration=fit)
    known = survey_total(numbers[0].values, design)
    assert known.estimate[0] == pytest.approx(numbers[0].total, rel=1e-9)
    assert known.std_error[0] == pytest.approx(0, abs=1e-6 * known.estimate[0])
    plain, inside = survey_design(n=120, weights=d), margins[0].labels == "F"
    domain = survey_mean(numbers[0].values, plain, domain=inside)
    alone = survey_ratio(numbers[0].values * inside, inside, plain)
    assert domain.std_error[0] == pytest.approx(alone.std_error[0], rel=1e-12)


@pytest.mark.parametrize("method", list(ShareInterval))
def test_share_intervals_cover(method: ShareInterval) -> None:
    rng = np.random.default_rng(3)
    truth, hits, runs = 0.3, 0, 400
    for _ in range(runs):
        share = survey_share(rng.random(60) < truth, survey_design(n=60), method=method)
        hits += share.conf_low <= truth <= share.conf_high
    # 99.9 % band around 95 %, one-sided above for the conservative beta interval
    assert hits / runs > 0.95 - 3.29 * np.sqrt(0.0475 / runs)


def test_share_at_the_edge() -> None:
    nobody = np.zeros(30)
    assert survey_share(nobody, survey_design(n=30)).reason == "share_at_the_edge"
    beta = survey_share(nobody, survey_design(n=30), method=ShareInterval.BETA)
    assert (beta.conf_low, beta.conf_high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 30), rel=1e-9))


def test_designs_that_cannot_be() -> None:
    with pytest.raises(ImpactEvalError) as refusal:
        survey_design(n=4, weights=[1, 1, 0, 1], strata=[0, 0, 1, 1], clusters=[0, 1, 1, 2])
    assert refusal.value.codes == ("design_weights_not_positive", "cluster_in_two_strata")
    with pytest.raises(ImpactEvalError) as refusal:
        survey_design(n=4, strata=[0, 0, 0, 1])
    assert refusal.value.codes == ("lonely_cluster",)
    with pytest.raises(ImpactEvalError) as refusal:
        survey_design(n=4, population=np.full(4, 3.0))
    assert refusal.value.codes == ("population_too_small",)
    with pytest.raises(ImpactEvalError) as refusal:
        survey_mean([1.0, np.nan], survey_design(n=2))
    assert refusal.value.codes == ("survey_missing_values",)
    with pytest.raises(ImpactEvalError) as refusal:
        survey_mean([1.0, 2.0], survey_design(n=2), domain=[False, False])
    assert refusal.value.codes == ("domain_empty",)


def test_response_weights_restore_the_margins_of_a_saturated_model() -> None:
    rng = np.random.default_rng(8)
    group = rng.integers(0, 2, 200)
    answered = rng.random(200) < np.where(group == 1, 0.8, 0.4)
    model = response_model(answered, group)
    for g in (0, 1):
        assert model.weights[group == g].sum() == pytest.approx(np.sum(group == g), rel=1e-8)
    assert model.stabilised.sum() == pytest.approx(model.n_answered, rel=1e-8)
    assert isinstance(response_model(np.ones(5), np.zeros(5)), NotApplicable)
    assert response_model(np.zeros(5), np.zeros(5)).reason == "none_answered"


def two_margins(sex: dict, age: dict, n: int = 200) -> list[CategoryMargin]:
    labels = np.array(["F", "H"] * (n // 2), dtype=object)
    ages = np.array(["-", "+", "+", "-"] * (n // 4), dtype=object)
    return [CategoryMargin("sexe", labels, sex), CategoryMargin("age", ages, age)]


@pytest.mark.parametrize("whole", [1, 100])
def test_margins_typed_as_shares_give_the_weights_of_counts(whole: float) -> None:
    d = np.random.default_rng(0).uniform(1, 3, 200)
    sex, age = {"F": 0.6, "H": 0.4}, {"-": 0.45, "+": 0.55}
    typed = two_margins(*({c: whole * s for c, s in m.items()} for m in (sex, age)))
    counted = two_margins(*({c: d.sum() * s for c, s in m.items()} for m in (sex, age)))
    found = calibrate_on_margins(d, typed)
    np.testing.assert_allclose(found.weights, calibrate_on_margins(d, counted).weights, rtol=1e-9)
    assert [f.code for f in found.findings] == ["margins_read_as_shares"]
    assert calibrate_on_margins(d, counted).findings == ()


def test_shares_rounded_to_two_digits_are_still_shares() -> None:
    rounded = two_margins({"F": 0.33, "H": 0.66}, {"-": 0.5, "+": 0.5})
    found = calibrate_on_margins(np.ones(200), rounded)
    assert found.weights.sum() == pytest.approx(200, rel=1e-9)
    assert found.weights[::2].sum() == pytest.approx(200 / 3, rel=1e-9)


def test_margins_that_may_be_shares_or_counts_are_questioned() -> None:
    few = two_margins({"F": 60, "H": 40}, {"-": 50, "+": 50}, n=40)
    found = calibrate_on_margins(np.ones(40), few)
    assert found.weights.sum() == pytest.approx(100)
    assert [f.code for f in found.findings] == ["margins_perhaps_percentages"]
    small = calibrate_on_margins(np.ones(200), two_margins({"F": 30, "H": 20}, {"-": 25, "+": 25}))
    assert [f.code for f in small.findings] == ["margins_below_sample"]
    with pytest.raises(ImpactEvalError) as refusal:
        calibrate_on_margins(
            np.ones(200), two_margins({"F": 0.6, "H": 0.4}, {"-": 0.5, "+": 0.5}),
            [NumberMargin("revenu", np.arange(200.0), 90_000)],
        )  # fmt: skip
    assert refusal.value.codes == ("margin_shares_beside_total",)
    with pytest.raises(ImpactEvalError) as refusal:
        calibrate_on_margins(np.ones(200), two_margins({"F": 0.6, "H": 0.4}, {"-": 90, "+": 110}))
    assert refusal.value.codes == ("margin_totals_differ",)
