"""Cumulative-link models held to R's ordinal package on the wine data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from second_rung import SecondRung

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.cumulative_link import (
    CumulativeLink,
    Link,
    cumulative_link,
    cumulative_link_by_group,
    proportional_odds_test,
)

WINE = SecondRung()

Reader = Callable[[str], Any]
TERMS = ("1|2", "2|3", "3|4", "4|5", "tempwarm", "contactyes")


@pytest.fixture
def wine(real_data: Reader) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frame = real_data("wine_ordinal.csv")
    x = np.column_stack([frame["temp"] == "warm", frame["contact"] == "yes"]).astype(float)
    return frame["rating"].to_numpy(float), x, frame["judge"].to_numpy()


def _held(got: CumulativeLink | NotApplicable, stored: dict[str, Any], *, tolerance: float) -> None:
    assert isinstance(got, CumulativeLink)
    both = np.concatenate([got.thresholds, got.coefficients])
    estimates = [stored["coef"][term]["Estimate"] for term in TERMS]
    errors = [stored["coef"][term]["Std. Error"] for term in TERMS]
    np.testing.assert_allclose(both, estimates, atol=tolerance)
    np.testing.assert_allclose(got.std_errors, errors, rtol=max(tolerance, 1e-5))
    assert got.log_likelihood == pytest.approx(stored["logLik"], abs=tolerance)


@WINE
@pytest.mark.parametrize("link", list(Link))
def check_clm_equals_r(link: Link, wine: Any, reference: Reader) -> None:
    stored = reference("survey/change_tests")["wine"][f"clm_{link.value}"]
    y, x, _ = wine
    got = cumulative_link(y, x, link=link, names=("tempwarm", "contactyes"))
    _held(got, stored, tolerance=1e-6)
    if link is Link.LOGIT:
        assert isinstance(got, CumulativeLink)
        assert got.aic == pytest.approx(stored["AIC"], abs=1e-6)


@WINE
def check_likelihood_ratios_equal_r(wine: Any, reference: Reader) -> None:
    stored = reference("survey/change_tests")["wine"]
    y, x, _ = wine
    full = cumulative_link(y, x)
    assert isinstance(full, CumulativeLink)
    shares = np.bincount(y.astype(int))[1:] / len(y)
    null = float((shares * len(y) * np.log(shares)).sum())
    statistic = 2 * (full.log_likelihood - null)
    assert statistic == pytest.approx(stored["lr_vs_null"]["LR"], abs=1e-6)
    for column, name in enumerate(("temp", "contact")):
        test = proportional_odds_test(y, x, column)
        assert not isinstance(test, NotApplicable)
        row = stored["proportional_odds_nominal_test"][name]
        assert test.df == row["Df"]
        # R leaves its search a little earlier where a threshold runs off.
        assert test.statistic == pytest.approx(row["LRT"], abs=1e-4)
        assert test.p_value == pytest.approx(row["Pr(>Chi)"], abs=1e-4)


@WINE
@pytest.mark.parametrize(("name", "nodes"), [("clmm_agq10", 10), ("clmm_laplace", 1)])
def check_clmm_equals_r(name: str, nodes: int, wine: Any, reference: Reader) -> None:
    stored = reference("survey/change_tests")["wine"][name]
    y, x, judge = wine
    got = cumulative_link_by_group(y, x, judge, nodes=nodes)
    # The reference stops its own search at 1e-4.
    _held(got, stored, tolerance=1e-4)
    assert isinstance(got, CumulativeLink)
    assert got.group_variance == pytest.approx(stored["judge_var"], rel=2e-4)


def test_on_wine(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    WINE.run(request, subtests)


def test_separated_answers_are_refused_in_words() -> None:
    got = cumulative_link([1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 1])
    assert isinstance(got, NotApplicable)
    assert got.reason == "separated_answers"
    assert isinstance(cumulative_link([2, 2, 2], [0, 1, 0]), NotApplicable)
