"""The pre-trend check: its test, its power, its three answers."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from impact_eval.core import Estimate, MethodRecord, NotApplicable, wald_effect
from impact_eval.diagnostics.check import CheckContext, CheckStatus
from impact_eval.diagnostics.pretrends import (
    EventPath,
    PreTrends,
    event_path,
    pretrends_power,
    pretrends_test,
)

NOTHING: Any = None


def event(
    estimates: list[float],
    times: list[float],
    std_error: float = 0.1,
    clusters: int | None = None,
    **options: Any,
) -> Estimate:
    effects = tuple(
        wald_effect(
            outcome="y", estimand="att", term="event", time=t, estimate=b, std_error=std_error,
            n_clusters=clusters,
        )
        for b, t in zip(estimates, times, strict=True)
    )  # fmt: skip
    return Estimate(
        outcome="y",
        estimand="att",
        method=MethodRecord("m", options),
        effects=effects,
        covariance=np.eye(len(times)) * std_error**2,
        counterfactual=True,
    )


def check(study: Estimate | None) -> Any:
    context = CheckContext(
        sample=NOTHING, outcome="y", design=NOTHING, estimate=NOTHING, event=study
    )
    return PreTrends().run(context)


def path_of(study: Estimate) -> EventPath:
    path = event_path(study)
    assert isinstance(path, EventPath)
    return path


def test_joint_statistic_is_the_wald_one() -> None:
    study = event([0.1, -0.2, 0.5], [-3, -2, 0])
    found = pretrends_test(path_of(study))
    assert found.statistic == pytest.approx(5.0)
    assert found.p_value == pytest.approx(stats.chi2.sf(5.0, 2))


def test_few_clusters_read_as_hotelling() -> None:
    study = event([0.1, -0.2, 0.5], [-3, -2, 0], clusters=12)
    found = pretrends_test(path_of(study))
    scaled = 5.0 * 10 / (2 * 11)
    assert found.df_denominator == 10
    assert found.p_value == pytest.approx(stats.f.sf(scaled, 2, 10))


def test_a_drift_seen_before_fails() -> None:
    assert check(event([-0.6, -0.3, 0.3, 0.6], [-3, -2, 0, 1])).status is CheckStatus.FAILED


def test_a_large_effect_after_a_flat_path_passes() -> None:
    found = check(event([0.02, -0.01, 2.0, 2.2], [-3, -2, 0, 1]))
    assert found.status is CheckStatus.PASSED
    assert found.values["effect"] == pytest.approx(2.1)


def test_a_small_effect_after_a_blind_test_is_a_warning() -> None:
    found = check(event([0.02, 0.25, 0.3, 0.4], [-2, 0, 1, 2]))
    assert found.status is CheckStatus.WARNING
    assert found.reason == "pretrends_low_power"


def test_no_event_study_and_no_pre_period_say_so() -> None:
    assert check(None).reason == "no_event_study"
    found = event_path(event([0.5, 0.6], [0, 1]))
    assert isinstance(found, NotApplicable)
    assert found.reason == "no_pre_period"


def test_reference_row_without_variance_is_left_out_and_anticipation_moves_it() -> None:
    study = event([0.1, 0.2, 0.3, 0.5], [-3, -2, -1, 0], anticipation=1)
    path = path_of(study)
    assert path.reference == -2
    assert path.pre.tolist() == [True, True, False, False]


def test_varying_base_adds_up_to_the_universal_one() -> None:
    steps = [0.1, -0.2, 0.4, 1.0]
    study = event(steps, [-3, -2, -1, 0], base_period="varying")
    levels = path_of(study).levels()
    assert levels.times.tolist() == [-4, -3, -2, 0]
    np.testing.assert_allclose(levels.estimates, [-0.3, -0.2, -0.4, 1.0], atol=1e-12)
    # The joint test does not depend on how the same path is written.
    assert pretrends_test(levels).statistic == pytest.approx(
        pretrends_test(path_of(study)).statistic
    )


def test_power_of_one_pre_period_is_the_textbook_one() -> None:
    path = path_of(event([0.0, 0.0], [-2, 0]))
    power = pretrends_power(path)
    # One normal estimate: found half the time when its mean is 1.96 (and a hair) standard errors.
    reach = (
        1
        - stats.norm.cdf(1.959963984540054 - power.slope_50 / 0.1)
        + stats.norm.cdf(-1.959963984540054 - power.slope_50 / 0.1)
    )
    assert reach == pytest.approx(0.5, abs=1e-9)
    assert power.bias_50 == pytest.approx(power.slope_50)
    assert power.bias_after_passing == pytest.approx(power.bias_50)  # independent estimates
