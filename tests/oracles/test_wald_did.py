"""The Wald difference in differences against two-stage least squares, and Fieller by inversion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from linearmodels.iv import IV2SLS

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.inference import critical_value
from impact_eval.data.sample import Sample
from impact_eval.designs.contract import null_rejections
from impact_eval.designs.wald_did import WaldDiD
from impact_eval.stats.inference.covariance import Clustered
from impact_eval.stats.inference.ratio import FiellerShape, fieller_set

CR0 = Clustered(correction="CR0")


def _young_people(rng, people=1200, places=60, effect=0.2):
    """Pilot places and others; eligible and super-témoins; a few of the others enter too."""
    place = rng.integers(0, places, people)
    pilot = (place % 2 == 0).astype(int)
    eligible = rng.integers(0, 2, people)
    chance = 0.02 + 0.05 * eligible + 0.45 * pilot * eligible
    entered = (rng.random(people) < chance).astype(int)
    chance = 0.3 + 0.1 * eligible + 0.05 * pilot + effect * entered
    return pd.DataFrame(
        {
            "id": np.arange(people),
            "place": place,
            "pilot": pilot,
            "eligible": eligible,
            "entered": entered,
            "age": rng.normal(size=people),
            "w": rng.uniform(0.5, 2, people),
            "job": (rng.random(people) + rng.normal(0, 0.05, places)[place] < chance) * 1.0,
        }
    )


def _roles(**more):
    return {"unit": "id", "treatment": "pilot", "cluster": "place", **more}


@pytest.mark.parametrize(
    "more", [{}, {"weights": "w"}, {"covariates": ["age"]}], ids=["plain", "weights", "covariate"]
)
def test_it_is_two_stage_least_squares(rng, more):
    """linearmodels: instrument pilot × eligible, both main effects as controls, clustered."""
    frame = _young_people(rng)
    design = WaldDiD("entered", eligible="eligible", covariance=CR0, interval="delta")
    row = design.fit(Sample(frame, **_roles(**more)), "job")["wald"]
    controls = frame[["pilot", "eligible", *more.get("covariates", [])]].assign(one=1.0)
    instrument = frame["pilot"] * frame["eligible"]
    weights = frame["w"] if "weights" in more else None
    model = IV2SLS(frame["job"], controls, frame[["entered"]], instrument.rename("z"),
                   weights=weights)  # fmt: skip
    fit = model.fit(cov_type="clustered", clusters=frame["place"], debiased=False)
    assert row.estimate == pytest.approx(fit.params["entered"], rel=1e-9)
    assert row.std_error == pytest.approx(fit.std_errors["entered"], rel=1e-8)


def test_rows_of_the_garantie_jeunes_design(rng):
    """The three rows are the differences in differences of cell means, and their ratio."""
    frame = _young_people(rng)
    estimate = WaldDiD("entered", eligible="eligible").fit(Sample(frame, **_roles()), "job")
    mean = frame.groupby(["pilot", "eligible"])[["job", "entered"]].mean()
    gap = (mean.loc[1, 1] - mean.loc[1, 0]) - (mean.loc[0, 1] - mean.loc[0, 0])
    assert estimate["itt"].estimate == pytest.approx(gap["job"], abs=1e-12)
    assert estimate["take_up"].estimate == pytest.approx(gap["entered"], abs=1e-12)
    assert estimate["wald"].estimate == pytest.approx(gap["job"] / gap["entered"], abs=1e-12)
    assert estimate["wald"].p_value == estimate["itt"].p_value
    rates = {(e["offered"], e["eligible"]): e["rate"] for e in estimate.details["entries"]}
    assert rates[False, True] == pytest.approx(mean.loc[(0, 1), "entered"])


def test_before_and_after_in_places(rng):
    """Two dates, other people each time: the ratio of two ordinary differences in differences."""
    frame = pd.concat([_young_people(rng).assign(year=2012), _young_people(rng).assign(year=2014)])
    frame["start"] = np.where(frame["pilot"] == 1, 2014, np.inf)
    sample = Sample(frame, time="year", cohort="start", cluster="place")
    mean = frame.groupby(["pilot", "year"])[["job", "entered"]].mean().unstack("year")
    change = mean.xs(2014, axis=1, level=1) - mean.xs(2012, axis=1, level=1)
    gap = change.loc[1] - change.loc[0]
    plain = WaldDiD("entered").fit(sample, "job")
    assert plain["itt"].estimate == pytest.approx(gap["job"], abs=1e-12)
    assert plain["take_up"].estimate == pytest.approx(gap["entered"], abs=1e-12)
    mean = frame.groupby(["eligible", "pilot", "year"])["job"].mean().unstack("year")
    change = (mean[2014] - mean[2012]).unstack("pilot")
    triple = (change.loc[1, 1] - change.loc[1, 0]) - (change.loc[0, 1] - change.loc[0, 0])
    net = WaldDiD("entered", eligible="eligible").fit(sample, "job")
    assert net["itt"].estimate == pytest.approx(triple, abs=1e-12)


@pytest.mark.parametrize(
    ("numerator", "denominator", "shape"),
    [(1.0, 2.0, "interval"), (-1.0, 0.9, "interval"), (2.0, 0.3, "outside"),
     (0.1, 0.1, "everything"), (0.0, 2.0, "interval")],
)  # fmt: skip
def test_fieller_is_the_inverted_test(numerator, denominator, shape):
    covariance = np.array([[0.2, 0.05], [0.05, 0.12]])
    found = fieller_set(numerator, denominator, covariance, critical=1.96)
    assert found.shape == FiellerShape(shape)
    grid = np.linspace(-60, 60, 24_001)
    gap = numerator - grid * denominator
    variance = covariance[0, 0] - 2 * grid * covariance[0, 1] + grid**2 * covariance[1, 1]
    kept = gap**2 <= 1.96**2 * variance
    inside = (grid >= found.low) & (grid <= found.high)
    want = {"interval": inside, "outside": ~inside, "everything": np.ones_like(inside)}[shape]
    near = np.minimum(abs(grid - found.low), abs(grid - found.high)) < 0.006
    assert (kept == want)[~near].all()


def test_fieller_excludes_zero_when_the_numerator_does(rng):
    frame = _young_people(rng)
    estimate = WaldDiD("entered", eligible="eligible").fit(Sample(frame, **_roles()), "job")
    wald, itt = estimate["wald"], estimate["itt"]
    excluded = wald.conf_low > 0 or wald.conf_high < 0
    assert excluded == (itt.conf_low > 0 or itt.conf_high < 0)
    c = critical_value(0.95, wald.df)
    v = estimate.covariance
    for end in (wald.conf_low, wald.conf_high):
        gap = itt.estimate - end * estimate["take_up"].estimate
        variance = v[0, 0] - 2 * end * v[0, 1] + end**2 * v[1, 1]
        assert gap**2 == pytest.approx(c**2 * variance, rel=1e-9)


def test_when_everybody_offered_enters_and_nobody_else(rng):
    """The ratio is then the effect of the offer, and entries have no error of their own."""
    frame = _young_people(rng).assign(entered=lambda f: f["pilot"] * f["eligible"])
    estimate = WaldDiD("entered", eligible="eligible").fit(Sample(frame, **_roles()), "job")
    itt, entry, wald = estimate.effects
    assert entry.estimate == pytest.approx(1, abs=1e-12)
    assert entry.std_error is None
    assert wald.estimate == pytest.approx(itt.estimate, abs=1e-12)
    assert (wald.conf_low, wald.conf_high) == pytest.approx((itt.conf_low, itt.conf_high))
    assert "no_own_error" in [f.code for f in estimate.findings]


def test_when_hardly_anybody_enters(rng):
    frame = _young_people(rng)
    frame["entered"] = rng.random(len(frame)) < 0.05
    estimate = WaldDiD("entered", eligible="eligible").fit(
        Sample(frame.astype({"entered": int}), **_roles()), "job"
    )
    codes = [f.code for f in estimate.findings]
    assert "weak_take_up" in codes
    assert ("ratio_interval_unbounded" in codes) == (estimate["wald"].conf_low is None)


@pytest.mark.parametrize(
    ("design", "code"),
    [
        (WaldDiD("entered"), "eligible_needed"),
        (WaldDiD("entré", eligible="eligible"), "missing_column"),
        (WaldDiD("entered", eligible="eligibel"), "missing_column"),
        (WaldDiD("never", eligible="eligible"), "constant_outcome"),
    ],
)
def test_bad_input_is_refused(rng, design, code):
    frame = _young_people(rng).assign(never=0)
    with pytest.raises(ImpactEvalError) as caught:
        design.fit(Sample(frame, **_roles()), "job")
    assert code in caught.value.codes


def test_size_under_no_effect():
    """A small run: 60 draws, within the binomial 99.9 % band of 5 %."""
    rejections, draws = null_rejections(WaldDiD, draws=60)
    assert draws == 60
    assert rejections <= 11
