"""The error of one person's score: identities, brute force, the promise of five in a hundred."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.measurement_error import (
    ErrorSource,
    MeasurementError,
    error_from_answers,
    error_from_retest,
)
from impact_eval.stats.scales.reliability import cronbach_alpha
from impact_eval.stats.scales.reliable_change import beyond_error, reliable_change
from impact_eval.survey import instrument, plan_from, read_change

REVERSED = [2, 4, 7, 8, 9]


def answers(rng: np.random.Generator, n: int, k: int, spread: float) -> np.ndarray:
    level = spread * rng.normal(size=(n, 1))
    return np.digitize(0.6 * level + 0.8 * rng.normal(size=(n, k)), (-1.2, 0.0, 1.2)) + 1.0


@pytest.mark.parametrize("n", [15, 40, 300])
def test_it_is_the_deviation_times_what_alpha_leaves_of_the_same_sample(n: int) -> None:
    """Hoyt (1941): both ways of computing the error of a sum are one number."""
    x = answers(np.random.default_rng(n), n, 8, 1.0)
    alpha = cronbach_alpha(x)
    assert not isinstance(alpha, NotApplicable)
    error = error_from_answers(x)
    assert isinstance(error, MeasurementError)
    expected = x.sum(axis=1).std(ddof=1) * np.sqrt(1 - alpha.value)
    assert error.std_error == pytest.approx(expected, rel=1e-12)


def test_it_is_the_root_mean_square_of_an_analysis_of_variance() -> None:
    """The residual mean square of people by questions, from sums of squares written out."""
    x = answers(np.random.default_rng(3), 25, 6, 0.7)
    n, k = x.shape
    total = ((x - x.mean()) ** 2).sum()
    people = k * ((x.mean(axis=1) - x.mean()) ** 2).sum()
    questions = n * ((x.mean(axis=0) - x.mean()) ** 2).sum()
    mean_square = (total - people - questions) / ((n - 1) * (k - 1))
    error = error_from_answers(x)
    assert isinstance(error, MeasurementError)
    assert error.std_error == pytest.approx(np.sqrt(k * mean_square), rel=1e-12)
    assert error.smallest == pytest.approx(stats.norm.ppf(0.975) * np.sqrt(2) * error.std_error)


def test_a_mean_has_the_error_of_a_sum_over_its_questions() -> None:
    x = answers(np.random.default_rng(4), 30, 5, 1.0)
    total = error_from_answers(x, low=5, high=20)
    mean = error_from_answers(x, low=5, high=20, slope=0.2)
    assert isinstance(total, MeasurementError)
    assert isinstance(mean, MeasurementError)
    assert mean.std_error == pytest.approx(total.std_error / 5)
    assert mean.smallest == pytest.approx(total.smallest / 5)


def test_the_limit_is_passed_by_the_share_promised() -> None:
    """The limit solves its own equation: draws with each person's error pass it 5 times in 100."""
    x = answers(np.random.default_rng(5), 60, 10, 3.0)
    error = error_from_answers(x, low=10, high=40)
    alike = error_from_answers(x)
    assert isinstance(error, MeasurementError)
    assert isinstance(alike, MeasurementError)
    assert error.std_error == pytest.approx(alike.std_error)
    assert error.smallest > alike.smallest  # people at an end vary less, those in the middle more


def test_of_one_study_and_never_of_two() -> None:
    """A published retest with its own deviation is Jacobson and Truax's limit."""
    known = error_from_retest(0.85, 5.0, source=ErrorSource.PUBLISHED)
    assert isinstance(known, MeasurementError)
    before, after = [20.0, 22, 30, 18], [30.0, 23, 24, 18]
    truax = reliable_change(before, after, reliability=0.85, sd_before=5.0)
    found = beyond_error(before, after, known)
    assert not isinstance(truax, NotApplicable)
    assert found.smallest == pytest.approx(truax.smallest)
    counts = (found.n_improved, found.n_unchanged, found.n_deteriorated)
    assert counts == (truax.n_improved, truax.n_unchanged, truax.n_deteriorated)


def test_a_norm_of_another_population_does_not_move_the_limit() -> None:
    """The catalogue gives Rosenberg's scale a deviation: it is of other people."""
    rng = np.random.default_rng(6)
    keyed = answers(rng, 60, 10, 1.8)
    raw = keyed.copy()
    raw[:, REVERSED] = 5 - raw[:, REVERSED]
    scale = instrument("rses-fr")
    plan = plan_from(scale.score(pd.DataFrame(raw, columns=scale.item_ids)))
    own = error_from_answers(keyed, low=10, high=40)
    assert isinstance(plan.error, MeasurementError)
    assert isinstance(own, MeasurementError)
    assert plan.error.source is ErrorSource.SAMPLE
    assert plan.error.smallest == pytest.approx(own.smallest, rel=1e-9)


@pytest.mark.parametrize(("reason", "x"), [
    ("single_item", np.ones((20, 1))),
    ("too_few_people", np.ones((9, 4))),
    ("no_variance", np.tile([[1.0, 2, 3]], (20, 1))),
])  # fmt: skip
def test_what_cannot_be_known_is_refused(reason: str, x: np.ndarray) -> None:
    found = error_from_answers(x)
    assert isinstance(found, NotApplicable)
    assert found.reason == reason


@pytest.mark.parametrize("spread", [0.3, 1.0, 1.8, 3.0])
@pytest.mark.parametrize("n", [15, 30, 60])
def test_five_in_a_hundred_who_do_not_change_pass_it(n: int, spread: float) -> None:
    """Narrow and mixed groups alike; three standard errors of the simulation are about 0.6."""
    rng = np.random.default_rng(1000 + n + int(10 * spread))
    draws = 24_000 // n
    passed = people = 0
    for _ in range(draws):
        level = spread * rng.normal(size=(n, 1))
        first, second = (
            np.digitize(0.6 * level + 0.8 * rng.normal(size=(n, 10)), (-1.2, 0.0, 1.2)) + 1.0
            for _ in range(2)
        )
        error = error_from_answers(first, low=10, high=40)
        assert isinstance(error, MeasurementError)
        found = beyond_error(first.sum(axis=1), second.sum(axis=1), error)
        passed += found.n_improved + found.n_deteriorated
        people += n
    assert 3.5 <= 100 * passed / people <= 6.5


def test_nothing_is_better_where_no_way_is() -> None:
    """A rise of a score without a direction is no improvement."""
    plan = plan_from(instrument("ons4").score(pd.DataFrame(
        {"satisfied": [5, 6] * 10, "worthwhile": 5, "happy": 5, "anxious": [2, 3] * 10}
    )))  # fmt: skip
    assert plan.higher_is_better is None
    reading = read_change([1.0, 2, 3, 4], [2.0, 3, 4, 6], plan)
    assert reading.shares == {}
    assert "change_without_direction" in [finding.code for finding in reading.findings]
