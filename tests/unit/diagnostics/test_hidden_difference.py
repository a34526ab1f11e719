"""What would cancel a difference nobody drew: other software, definitions, and what is printed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from small_studies import TWO_GROUPS, study_in

import impact_eval as ie
from impact_eval.diagnostics.confounding import observed_rows
from impact_eval.diagnostics.hidden_difference import Unobserved, regression_pair, unobserved
from impact_eval.report.narrative_dossier import dossier_blocks
from impact_eval.report.texts import Texts
from impact_eval.results.gate import release
from impact_eval.stats.surveys.hidden_bias import (
    EValue,
    e_value_of_difference,
    e_value_of_shares,
    oster_delta,
)


def _frame(n: int = 600, seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, health = rng.normal(size=n), rng.normal(size=n)
    helped = (0.6 * age + rng.normal(size=n) > 0).astype(int)
    score = 0.5 * helped + 0.8 * age + 0.3 * health + rng.normal(size=n)
    return pd.DataFrame(
        {"id": range(n), "helped": helped, "age": age, "health": health, "score": score,
         "works": (score > 0).astype(int), "w": rng.uniform(0.5, 2, n)}
    )  # fmt: skip


def _sample(weights: str | None = None) -> ie.Sample:
    return ie.Sample(
        _frame(), unit="id", treatment="helped", covariates=["age", "health"], weights=weights
    )


@pytest.mark.parametrize("weights", [None, "w"])
def test_the_two_regressions_are_those_of_statsmodels(weights: str | None) -> None:
    found = observed_rows(_sample(weights), "score")
    assert isinstance(found, tuple)
    pair, frame = regression_pair(*found), _frame()
    w = frame["w"] if weights else np.ones(len(frame))
    short = sm.WLS(frame["score"], sm.add_constant(frame[["helped"]]), weights=w).fit()
    long = sm.WLS(
        frame["score"], sm.add_constant(frame[["helped", "age", "health"]]), weights=w
    ).fit()
    left = sm.WLS(frame["helped"], sm.add_constant(frame[["age", "health"]]), weights=w).fit()
    assert pair.short == pytest.approx(short.params["helped"])
    assert pair.long == pytest.approx(long.params["helped"])
    assert pair.r2_short == pytest.approx(short.rsquared)
    assert pair.r2_long == pytest.approx(long.rsquared)
    assert pair.variance_treatment_left == pytest.approx(left.ssr / np.sum(w), rel=1e-3)
    assert pair.variance_outcome == pytest.approx(long.centered_tss / np.sum(w), rel=1e-3)


def test_delta_is_one_when_the_unobserved_matters_as_much() -> None:
    """A population where a twin of the covariate was hidden: delta 1 brings back zero, exactly.

    Treatment = x + u + e, outcome = x + u + noise: no effect. x and u have one variance and one
    weight, so selection on u is as strong as on x; with the true R² Oster's delta is one.
    """
    rng = np.random.default_rng(0)
    n = 400_000
    x, u, e, noise = (rng.normal(size=n) for _ in range(4))
    treatment, y = x + u + e, x + u + noise
    r2 = 1 - noise.var() / y.var()
    cov = np.cov([treatment, y, x])
    short = cov[0, 1] / cov[0, 0]
    long = np.linalg.solve(cov[np.ix_([0, 2], [0, 2])], cov[[0, 2], 1])
    from impact_eval.stats.surveys.hidden_bias import RegressionPair

    pair = RegressionPair(
        short=short,
        long=long[0],
        r2_short=short * cov[0, 1] / cov[1, 1],
        r2_long=float(long @ cov[[0, 2], 1]) / cov[1, 1],
        variance_outcome=cov[1, 1],
        variance_treatment=cov[0, 0],
        variance_treatment_left=cov[0, 0] - cov[0, 2] ** 2 / cov[2, 2],
    )
    assert oster_delta(pair, r2_max=r2) == pytest.approx(1, abs=0.02)


def test_e_values_of_differences_against_r(reference: Callable[[str], Any]) -> None:
    stored = reference("causal/evalues")["results"]
    for name, d, error in (("MD", 0.5, 0.25), ("OLS", 0.293 / 0.4, 0.03 / 0.4)):
        found = e_value_of_difference(d, d - 1.96 * error, d + 1.96 * error)
        case = next(v for k, v in stored.items() if k.startswith(name))
        assert found.point == pytest.approx(case["point"][1], rel=1e-9)
        near = next(row[1] for row in (case["lower"], case["upper"]) if row[1] is not None)
        assert found.interval == pytest.approx(near, rel=1e-2)  # R rounds 0.91 x 1.96 to 1.78


def test_a_difference_of_shares_is_read_as_a_risk_ratio() -> None:
    """From 20% to 40% is a ratio of two: 2 + sqrt(2)."""
    found = e_value_of_shares(0.2, 0.2, 0.1, 0.3)
    assert found.point == pytest.approx(2 + math.sqrt(2))
    assert found.interval == pytest.approx(1.5 + math.sqrt(0.75))
    assert e_value_of_shares(0.2, 0.2, -0.1, 0.5).interval == 1
    other = e_value_of_shares(0.4, -0.2, -0.3, -0.1)
    assert other.point == pytest.approx(found.point)


def test_yes_or_no_and_scores_have_each_their_reading() -> None:
    sample = _sample()
    for outcome in ("works", "score"):
        effect = ie.designs.DifferenceInMeans().fit(sample, outcome).effects[0]
        found = unobserved(sample, outcome, effect)
        assert isinstance(found, Unobserved)
        assert isinstance(found.e_value, EValue)
        assert 0 < found.robustness_alpha < found.robustness < 1
        assert 1 < found.e_value.interval < found.e_value.point


def test_people_followed_in_time_are_not_compared_this_way() -> None:
    frame = pd.concat([_frame().assign(year=2020), _frame().assign(year=2021)])
    frame.loc[frame["year"] == 2020, "helped"] = 0
    sample = ie.Sample(frame, unit="id", time="year", treatment="helped", covariates=["age"])
    effect = ie.designs.DifferenceInMeans().fit(_sample(), "score").effects[0]
    found = unobserved(sample, "score", effect)
    assert isinstance(found, ie.NotApplicable)
    assert found.reason == "not_a_regression_design"


def _rows() -> list[str]:
    frame = _frame(240)
    cells = zip(frame["helped"], frame["age"], frame["works"], frame["score"], strict=True)
    return ["id,aide,age,emploi,revenu"] + [
        f"P{i},{h},{20 + 10 * a:.1f},{w},{900 + 90 * s:.2f}" for i, (h, a, w, s) in enumerate(cells)
    ]


def _printed(folder: Path, body: str) -> tuple[ie.StudyResults, str]:
    results = release(ie.evaluate(study_in(folder, body, _rows()))).results
    texts = Texts("fr")
    told = [
        texts.words(part)
        for block in dossier_blocks(results)
        for words in [getattr(block, "words", ())]
        for part in (words if isinstance(words, tuple) else (words,))
    ]
    return results, " ".join(told)


def test_the_report_says_what_would_cancel_a_comparison_nobody_drew(tmp_path: Path) -> None:
    results, told = _printed(tmp_path / "chosen", TWO_GROUPS)
    hidden = results.dossier["emploi"].hidden
    assert hidden is not None
    assert hidden.robustness is not None
    share = f"{100 * hidden.robustness:.1f}".replace(".", ",")
    assert f"expliquer {share}" in told
    assert "motivation" in told


def test_a_draw_leaves_nothing_hidden_to_fear(tmp_path: Path) -> None:
    body = TWO_GROUPS + "\n[protocol]\nrandomised = true\n"
    results, told = _printed(tmp_path / "drawn", body)
    assert all(entry.hidden is None for entry in results.dossier.values())
    assert "motivation" not in told
