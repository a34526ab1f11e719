"""Covariances through the designs, held to fixest, clubSandwich, estimatr and brute force.

Each takes an invented table of `seeded/`; where the package applies a small-sample factor that we
do not, the factor is written out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from seeded_cases import result, table

from impact_eval.data.sample import Sample
from impact_eval.designs import (
    BeforeAfter,
    CallawaySantAnna,
    DifferenceInDifferences,
    DifferenceInMeans,
    SunAbraham,
    TwoWayFixedEffects,
)
from impact_eval.stats.inference.covariance import (
    Clustered,
    Conley,
    Covariance,
    DriscollKraay,
    Homoskedastic,
    Robust,
    WildBootstrap,
)

ROWS, YEARS, COMMUNES = 960, 8, 120
NESTED = 9  # years and the effect: communes are nested in the clusters
ALL = COMMUNES + YEARS  # every effect, the constant once, and the effect wanted


@pytest.fixture(scope="module")
def panel() -> Sample:
    frame = table("panel_communes").merge(table("communes_lieux"))
    return Sample(frame, unit="commune", time="annee", cohort="cohorte")


def error(sample: Sample, covariance: Covariance, outcome: str = "non_recours") -> float:
    found = TwoWayFixedEffects(covariance=covariance).fit(sample, outcome)["att"].std_error
    assert found is not None
    return found


def stored(case: str, name: str) -> float:
    return float(np.ravel(result(case)[name]["std_error"])[0])


@pytest.mark.parametrize(
    ("covariance", "name"),
    [
        (Clustered("commune", "CR1"), "traite"),
        (Clustered("dep", "CR1"), "traite_dep"),
        (Robust("HC1"), "traite_hetero"),
        (Homoskedastic(), "traite_iid"),
    ],
    ids=["commune", "departement", "rows", "iid"],
)
def test_two_way_effects_are_fixest(panel: Sample, covariance: Covariance, name: str) -> None:
    assert error(panel, covariance) == pytest.approx(stored("twfe_panel", name), rel=1e-9)


@pytest.mark.parametrize("place", ["commune", "dep"])
def test_two_kinds_of_clusters_are_fixest(panel: Sample, place: str) -> None:
    """fixest multiplies the whole by G/(G-1) of the fewest and by (n-1)/(n-2); CR0 has no factor.

    Both effects are nested in one of the clusters, so that its K is 2.
    """
    plain = error(panel, Clustered((place, "annee"), "CR0"))
    factor = YEARS / (YEARS - 1) * (ROWS - 1) / (ROWS - 2)
    assert plain * np.sqrt(factor) == pytest.approx(
        stored("twfe_panel", f"traite_{place}_annee"), rel=1e-9
    )


def test_driscoll_kraay_is_fixest(panel: Sample) -> None:
    """Its factor: T/(T-1) and (n-1)/(n-K), all effects counted."""
    factor = YEARS / (YEARS - 1) * (ROWS - 1) / (ROWS - ALL)
    found = error(panel, DriscollKraay(2)) * np.sqrt(factor)
    assert found == pytest.approx(stored("twfe_panel", "traite_driscoll_kraay"), rel=1e-9)


@pytest.mark.parametrize("cutoff", [30, 100])
def test_conley_is_fixest(panel: Sample, cutoff: int) -> None:
    """Factor n/(n-K); at 250 km two eigenvalues are negative and the package's own is not clear."""
    found = error(panel, Conley("latitude", "longitude", cutoff, "uniform"))
    found *= np.sqrt(ROWS / (ROWS - ALL))
    assert found == pytest.approx(stored("conley", f"panel_{cutoff}km_spherical"), rel=1e-9)


@pytest.mark.parametrize("place", ["commune", "dep"])
def test_cr2_of_two_way_effects_is_clubsandwich(panel: Sample, place: str) -> None:
    wanted = result("clubsandwich")[f"panel_two_way_CR2_{place}"]
    row = TwoWayFixedEffects(covariance=Clustered(place)).fit(panel, "non_recours")["att"]
    assert row.std_error == pytest.approx(wanted["std_error"], rel=1e-9)
    assert row.df == pytest.approx(wanted["df"], rel=1e-9)


def followed(outcome: str, group: str) -> Sample:
    """Return the trial as a panel whose first period is zero: its change is the outcome."""
    frame = table("essai")
    before = frame.assign(periode=0, y=0.0)
    after = frame.assign(periode=1, y=frame[outcome])
    long = pd.concat([before, after], ignore_index=True)
    long["debut"] = np.where(long[group] == 1, 1.0, np.inf)
    return Sample(long, unit="personne", time="periode", cohort="debut")


@pytest.mark.parametrize("design", [DifferenceInDifferences, CallawaySantAnna])
def test_hc2_from_influence_is_the_welch_test_of_estimatr(design: Any) -> None:
    """Neyman's variance, and degrees of freedom whose variances are read group by group."""
    wanted = result("estimatr_difference_in_means")["plain"]
    fitted = design(covariance=Robust("HC2")).fit(followed("score_complet", "offre"), "y")
    row = (fitted.aggregate("simple") if fitted.aggregator else fitted).effects[-1]
    assert row.std_error == pytest.approx(wanted["std_error"][0], rel=1e-10)
    assert row.df == pytest.approx(wanted["df"][0], rel=1e-9)
    assert row.conf_low == pytest.approx(wanted["low"][0], rel=1e-9)


def test_cr2_from_influence_is_estimatr() -> None:
    """The error is that of the regression on the two groups; degrees of freedom let them differ."""
    wanted = result("estimatr_clustered")["none_CR2"]
    sample = followed("score_agence", "offre_agence")
    row = DifferenceInDifferences(covariance=Clustered("agence")).fit(sample, "y").effects[0]
    assert row.std_error == pytest.approx(wanted["std_error"][1], rel=1e-10)
    assert row.df == pytest.approx(wanted["df"][1], rel=0.01)  # Welch's working model, not equal


def test_cr2_of_group_time_effects_is_that_of_the_saturated_regression(panel: Sample) -> None:
    """With the never treated alone, cells are the same contrasts of cohort means: CR2 and its df.

    The regression's degrees of freedom suppose equal variances; the influence's let cohorts differ.
    """
    covariance = Clustered("dep")
    ours = CallawaySantAnna(covariance=covariance).fit(panel, "non_recours")
    other = SunAbraham(covariance=covariance).fit(panel, "non_recours")
    compared = [e for e in other.effects if float(e.time or 0) >= float(e.group or 0)]
    assert len(compared) > 8
    for row in compared:
        mine = ours[row.key]
        assert mine.estimate == pytest.approx(row.estimate, rel=1e-9)
        assert mine.std_error == pytest.approx(row.std_error, rel=1e-9)


def test_the_wild_bootstrap_of_a_design_is_the_enumerated_one() -> None:
    wanted = result("wild_bootstrap_exact")["none"]
    frame = table("essai").query("agence <= 12")
    design = DifferenceInMeans(adjustment="none", covariance=WildBootstrap("agence"))
    row = design.fit(Sample(frame, treatment="offre_agence"), "score_agence").effects[0]
    assert row.estimate == pytest.approx(wanted["estimate"], rel=1e-10)
    assert row.p_value == pytest.approx(wanted["p_at_least"], abs=1e-12)


def test_a_change_takes_several_kinds_of_clusters() -> None:
    """Inclusion and exclusion by hand: V(a) + V(b) - V(a and b), for each of two changes."""
    rng = np.random.default_rng(3)
    person = np.arange(90)
    frame = pd.DataFrame(
        [
            {"id": i, "t": t, "a": i % 9, "b": i // 30, "y": rng.normal() + 0.3 * t + i % 9}
            for i in person
            for t in (0, 1, 2)
        ]
    )
    sample = Sample(frame, unit="id", time="t")

    def errors(*names: str) -> np.ndarray:
        design = BeforeAfter(covariance=Clustered(names, "CR0"))
        return np.array([row.std_error for row in design.fit(sample, "y").effects])

    crossed = frame.assign(ab=frame["a"] * 10 + frame["b"])
    both = BeforeAfter(covariance=Clustered("ab", "CR0")).fit(
        Sample(crossed, unit="id", time="t"), "y"
    )
    inside = np.array([row.std_error for row in both.effects])
    want = errors("a") ** 2 + errors("b") ** 2 - inside**2
    np.testing.assert_allclose(errors("a", "b") ** 2, want, rtol=1e-9)
