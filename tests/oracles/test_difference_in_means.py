"""Randomised trials against R's estimatr 1.0.6 and published tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.core.estimate import Effect
from impact_eval.data.sample import Sample
from impact_eval.designs.before_after import BeforeAfter
from impact_eval.designs.difference_in_means import DifferenceInMeans
from impact_eval.stats.inference.covariance import Clustered, Robust

STAR_TRIAL = SecondRung()
NSW = SecondRung()
ALO_STAR = SecondRung()

Read = Callable[[str], Any]
CLOSE = 1e-8


def star(real_data: Read) -> pd.DataFrame:
    frame = real_data("causal/star_k.csv")
    frame = frame[frame["stark"].isin(["small", "regular"]) & frame["readk"].notna()]
    free = np.where(frame["lunchk"].isna(), np.nan, (frame["lunchk"] == "free") * 1.0)
    return frame.assign(
        small=(frame["stark"] == "small").astype(int),
        girl=(frame["gender"] == "female").astype(float),
        free=free,
    )


def same_row(row: Effect, expected: dict[str, Any], place: int | None) -> None:
    def wanted(name: str) -> float:
        value = expected[name]
        return float(value if place is None else value[place])

    assert row.estimate == pytest.approx(wanted("estimate"), rel=CLOSE)
    assert row.std_error == pytest.approx(wanted("se"), rel=CLOSE)
    assert row.df == pytest.approx(wanted("df"), rel=CLOSE)
    assert row.p_value == pytest.approx(wanted("p"), rel=1e-6)
    assert row.conf_low == pytest.approx(wanted("lo"), rel=1e-6)


SCHOOL = "schoolidk"
STAR: dict[str, tuple[dict[str, Any], dict[str, Any], int | None]] = {
    "CR0": ({"covariance": Clustered(SCHOOL, correction="CR0")}, {}, 1),
    "stata": ({"covariance": Clustered(SCHOOL, correction="CR1")}, {}, 1),
    "CR2": ({}, {"cluster": SCHOOL}, 1),
    "fe_HC1": ({"strata": "fixed_effects", "covariance": Robust("HC1")}, {"strata": SCHOOL}, None),
    "fe_HC2": ({"strata": "fixed_effects", "covariance": Robust("HC2")}, {"strata": SCHOOL}, None),
    "fe_cluster_CR2": ({"strata": "fixed_effects"}, {"strata": SCHOOL, "cluster": SCHOOL}, None),
    "lin_covariates": ({"covariance": Robust("HC2")}, {"covariates": ["girl", "free"]}, 1),
    "lin_covariates_CR2": ({}, {"covariates": ["girl", "free"], "cluster": SCHOOL}, 1),
    "covariates_CR2": (
        {"adjustment": "ancova"},
        {"covariates": ["girl", "free"], "cluster": SCHOOL},
        1,
    ),
}


@STAR_TRIAL
@pytest.mark.parametrize("case", STAR)
def check_star(case: str, reference: Read, real_data: Read) -> None:
    options, roles, place = STAR[case]
    expected = reference("causal/estimatr_star")["results"][case]
    sample = Sample(star(real_data), treatment="small", **roles)
    same_row(DifferenceInMeans(**options).fit(sample, "readk").effects[0], expected, place)


@STAR_TRIAL
def check_star_blocked(reference: Read, real_data: Read) -> None:
    """Neyman's variance in each school, schools weighted by size, n - 2B degrees of freedom."""
    frame = star(real_data)
    counts = frame.groupby([SCHOOL, "small"]).size().unstack(fill_value=0)
    frame = frame[frame[SCHOOL].isin(counts.index[(counts >= 2).all(axis=1)])]
    sample = Sample(frame, treatment="small", strata=SCHOOL)
    expected = reference("causal/estimatr_star")["results"]["blocked_dim"]
    design = DifferenceInMeans(covariance=Robust("HC2"))
    same_row(design.fit(sample, "readk").effects[0], expected, None)


def test_on_star_trial(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    STAR_TRIAL.run(request, subtests)


@NSW
@pytest.mark.parametrize(("kind", "error"), [("HC1", 670.824), ("HC2", 670.997), ("HC3", 672.682)])
def check_nsw_difference(kind: str, error: float, real_data: Read) -> None:
    """Dehejia and Wahba (1999): 1,794 dollars."""
    sample = Sample(real_data("causal/nsw_mixtape.csv"), treatment="treat")
    row = DifferenceInMeans(covariance=Robust(kind)).fit(sample, "re78").effects[0]
    assert row.estimate == pytest.approx(1794.342, abs=6e-4)
    assert row.std_error == pytest.approx(error, abs=6e-4)


@NSW
@pytest.mark.parametrize(
    ("adjustment", "point", "error"),
    [("ancova", 1676.343, 677.049), ("lin", 1621.583, 694.722)],
)
def check_nsw_adjusted(adjustment: str, point: float, error: float, real_data: Read) -> None:
    names = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]
    sample = Sample(real_data("causal/nsw_mixtape.csv"), treatment="treat", covariates=names)
    row = DifferenceInMeans(adjustment=adjustment).fit(sample, "re78").effects[0]
    assert row.estimate == pytest.approx(point, abs=6e-4)
    assert row.std_error == pytest.approx(error, abs=6e-4)


def test_on_nsw(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    NSW.run(request, subtests)


@ALO_STAR
@pytest.mark.parametrize(
    ("adjustment", "covariates", "point", "error"),
    [
        ("none", [], -0.036132, 0.158698),
        ("ancova", ["gpa0"], -0.083304, 0.148064),
        ("lin", ["gpa0"], -0.081220, 0.147868),
    ],
)
def check_alo_star(
    adjustment: str, covariates: list[str], point: float, error: float, real_data: Read
) -> None:
    frame = real_data("causal/alo_star_men.csv")
    sample = Sample(frame, treatment="sfsp", covariates=covariates)
    row = DifferenceInMeans(adjustment=adjustment).fit(sample, "GPA_year1").effects[0]
    assert row.estimate == pytest.approx(point, abs=6e-7)
    assert row.std_error == pytest.approx(error, abs=6e-7)


def test_on_alo_star(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    ALO_STAR.run(request, subtests)


def test_paired_sleep(real_data: Read) -> None:
    """Student's sleep data: paired t = 4.0621 (R: -4.0621 for the other sign), df 9, p 0.002833."""
    sample = Sample(real_data("sleep_paired.csv"), unit="ID", time="group")
    row = BeforeAfter().fit(sample, "extra").effects[0]
    assert (row.estimate, row.df) == (pytest.approx(1.58), 9)
    assert row.statistic == pytest.approx(4.0621, abs=5e-5)
    assert row.p_value == pytest.approx(0.002833, abs=5e-7)
    assert row.conf_low == pytest.approx(0.7001142, abs=5e-7)
    assert row.conf_high == pytest.approx(2.4598858, abs=5e-7)
