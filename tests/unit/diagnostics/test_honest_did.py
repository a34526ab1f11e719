"""The door to sensitivity: reading an event study, refusing in words, the three answers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core import Estimate, ImpactEvalError, MethodRecord, NotApplicable, wald_effect
from impact_eval.data.sample import Sample
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.designs.chaisemartin_dhaultfoeuille import ChaisemartinDHaultfoeuille
from impact_eval.designs.stacked import StackedDiD
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.designs.twfe import TwoWayFixedEffects
from impact_eval.diagnostics.check import CheckContext, event_study
from impact_eval.diagnostics.honest_did import HonestCheck, HonestResult, honest_did

NOTHING: Any = None


def event(
    times: list[float], estimates: list[float], *, reference: float = -1, **options: Any
) -> Estimate:
    rows = tuple(
        wald_effect(
            outcome="y",
            estimand="att",
            term="event",
            time=t,
            estimate=b,
            std_error=None if t == reference else 0.1,
        )
        for t, b in zip(times, estimates, strict=True)
    )
    return Estimate(
        outcome="y",
        estimand="att",
        method=MethodRecord("m", options),
        effects=rows,
        covariance=np.diag([0.0 if t == reference else 0.01 for t in times]),
        counterfactual=True,
    )


STRONG = event([-3, -2, -1, 0, 1], [0.05, -0.05, 0.0, 1.0, 1.2])


def done(estimate: Estimate, **options: Any) -> HonestResult:
    found = honest_did(estimate, **options)
    assert isinstance(found, HonestResult)
    return found


def test_tidy_and_breakdown() -> None:
    found = done(STRONG, m=(0.5, 1, 2))
    table = found.tidy()
    assert table["m"].tolist() == [0.5, 1, 2]
    assert isinstance(table, pd.DataFrame)
    assert found.estimate == pytest.approx(1.1)
    assert found.breakdown is not None
    assert (table["excludes_zero"] == (table["m"] < found.breakdown)).all()
    assert np.isfinite(found.to_dict()["rows"][0]["conf_low"])


def test_default_m_of_smoothness_comes_from_the_pre_periods() -> None:
    found = done(STRONG, restriction="smoothness")
    assert found.method == "flci"
    assert found.rows[0].m == 0
    assert found.rows[1].m == pytest.approx(found.rows[2].m / 2)


def test_one_event_time() -> None:
    assert done(STRONG, effect=0.0).estimate == pytest.approx(1.0)
    found = honest_did(STRONG, effect=7.0)
    assert isinstance(found, NotApplicable)
    assert found.reason == "no_post_period"


def test_unequal_intervals_are_said_and_allow_for_drift_in_proportion() -> None:
    study = event([-6, -3, -2, -1, 0, 1, 4], [0.3, 0.05, -0.05, 0.0, 1.0, 1.2, 9.0])
    found = done(study)
    assert (found.n_pre, found.n_post) == (3, 3)
    assert found.findings[0].code == "honest_gap"
    assert found.findings[0].values == {"n": 6, "longest": 3.0}
    # the largest slope before is 0.1 a year: half of it over three years is 0.15, not 0.05
    late, near = (done(study, effect=time, m=(0.0, 0.5)) for time in (4.0, 1.0))
    wider = [
        (found.rows[1].conf_high or 0) - (found.rows[0].conf_high or 0) for found in (late, near)
    ]
    assert wider[0] > 2 * wider[1]


@pytest.mark.parametrize("restriction", ["relative_magnitudes", "smoothness"])
def test_a_survey_every_two_years_is_a_matter_of_units(restriction: str) -> None:
    """The same numbers with time in pairs of years: a slope per year squared is a quarter."""
    pace = 4.0 if restriction == "smoothness" else 1.0
    yearly = event([-3, -2, -1, 0, 1], [0.05, -0.05, 0.0, 1.0, 1.2])
    every_two = event([-6, -4, -2, 0, 2], [0.05, -0.05, 0.0, 1.0, 1.2], reference=-2)
    one = done(yearly, restriction=restriction, m=(0.1,))
    two = done(every_two, restriction=restriction, m=(0.1 / pace,))
    assert not two.findings
    assert two.rows[0].conf_low == pytest.approx(one.rows[0].conf_low, rel=1e-9)
    assert two.breakdown == pytest.approx((one.breakdown or 0) / pace, rel=1e-3)


@pytest.mark.parametrize("design", [
    CallawaySantAnna(), CallawaySantAnna(base_period="universal"), SunAbraham(),
    TwoWayFixedEffects(specification="event"), StackedDiD(), ChaisemartinDHaultfoeuille(),
], ids=lambda d: d.info.name)  # fmt: skip
def test_every_design_of_a_biennial_panel_has_bounds(design: Any) -> None:
    """Years halved, the numbers are those of a yearly panel: only the unit of time differs."""
    rng = np.random.default_rng(0)
    rows = [
        (u, t, 2014 * (u % 2), rng.normal() * 0.3 + 2.0 * (u % 2 and t >= 2014))
        for u in range(40)
        for t in range(2010, 2020, 2)
    ]
    frame = pd.DataFrame(rows, columns=["town", "year", "entry", "y"])
    half = frame.assign(year=frame["year"] / 2, entry=frame["entry"] / 2)
    roles = {"unit": "town", "time": "year", "cohort": "entry"}
    two, one = (
        done(event_of(design, Sample(table, **roles)), m=(0.5, 1.0)) for table in (frame, half)
    )
    for wide, plain in zip(two.rows, one.rows, strict=True):
        assert wide.conf_low == pytest.approx(plain.conf_low, rel=1e-6)
        assert wide.conf_high == pytest.approx(plain.conf_high, rel=1e-6)
    assert two.n_pre == 1 if design.info.name == "chaisemartin_dhaultfoeuille" else two.n_pre >= 1


def event_of(design: Any, sample: Sample) -> Estimate:
    study = event_study(design.fit(sample, "y"))
    assert study is not None
    return study


def test_cohorts_last_seen_at_different_times_have_no_common_reference() -> None:
    rows = [
        (u, t, [0, 2012, 2013][u % 3], float(u * t % 7))
        for u in range(30)
        for t in (2006, 2008, 2010, 2012, 2013, 2016)
    ]
    frame = pd.DataFrame(rows, columns=["town", "year", "entry", "y"])
    sample = Sample(frame, unit="town", time="year", cohort="entry")
    for design in (SunAbraham(), CallawaySantAnna(), TwoWayFixedEffects(specification="event")):
        found = honest_did(event_of(design, sample))
        assert isinstance(found, NotApplicable)
        assert found.reason == "references_differ"


def test_varying_base_is_turned_into_levels() -> None:
    levels = event([-3, -2, -1, 0, 1], [-0.1, -0.05, 0.0, 1.0, 1.2])
    steps = event([-2, -1.0001, 0, 1], [0.05, 0.05, 1.0, 1.2], base_period="varying")
    steps = Estimate(
        outcome="y",
        estimand="att",
        method=steps.method,
        effects=tuple(
            wald_effect(
                outcome="y", estimand="att", term="event", time=round(e.time), estimate=e.estimate,
                std_error=0.1,
            )
            for e in steps.effects
        ),
        covariance=np.array(
            [[0.02, -0.01, 0, 0], [-0.01, 0.01, 0, 0], [0, 0, 0.01, 0], [0, 0, 0, 0.01]]
        ),
        counterfactual=True,
    )  # fmt: skip
    one, other = done(levels, m=(1.0,)), done(steps, m=(1.0,))
    assert one.rows[0].conf_low == pytest.approx(other.rows[0].conf_low, rel=1e-3)


def test_faults_are_all_named_at_once() -> None:
    with pytest.raises(ImpactEvalError) as caught:
        honest_did(STRONG, restriction="smooth", direction="up", level=2.0)
    assert caught.value.codes == ("unknown_option", "unknown_option", "option_out_of_range")
    with pytest.raises(ImpactEvalError) as caught:
        honest_did(STRONG, m=(-1.0,))
    assert caught.value.codes == ("option_out_of_range",)


def test_no_event_study_says_so() -> None:
    found = honest_did(None)
    assert isinstance(found, NotApplicable)
    assert found.reason == "no_event_study"


@pytest.mark.parametrize(
    ("study", "status", "reason"),
    [
        (STRONG, "passed", None),
        (event([-3, -2, -1, 0], [0.2, 1.5, 0.0, 0.25]), "failed", "honest_fragile"),
        (
            event([-3, -2, -1, 0], [0.2, 0.3, 0.0, 0.05]),
            "not_applicable",
            "nothing_to_overturn",
        ),
        (event([-1, 0], [0.0, 0.5]), "not_applicable", "no_pre_period"),
    ],
)
def test_answers_of_the_check(study: Estimate, status: str, reason: str | None) -> None:
    context = CheckContext(
        sample=NOTHING, outcome="y", design=NOTHING, estimate=NOTHING, event=study
    )
    found = HonestCheck().run(context)
    assert (found.status.value, found.reason) == (status, reason)
