"""Checks that fit the design again: placebos, leave one out, anticipation, composition."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.pseudonyms import pseudonymise
from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import repeated_cross_section, staggered_panel
from impact_eval.designs import (
    CallawaySantAnna,
    ImputationDiD,
    SunAbraham,
    SyntheticDiD,
    TwoWayFixedEffects,
)
from impact_eval.diagnostics import (
    Anticipation,
    CheckContext,
    CheckResult,
    CheckStatus,
    Composition,
    LeaveOneOut,
    Placebo,
    checks_for,
    event_study,
    evidence_level,
    false_date,
    false_group,
    run_checks,
    specification_curve,
)

ROLES = {"unit": "id", "time": "period", "cohort": "cohort"}


def panel(seed: int = 1, **options: Any) -> pd.DataFrame:
    options = {"units": 40, "periods": 8, "cohorts": (5.0, 6.0, np.inf, np.inf), **options}
    return staggered_panel(np.random.default_rng(seed), **options)


def context(design: Any, sample: Sample, outcome: str = "y") -> CheckContext:
    estimate = design.fit(sample, outcome)
    return CheckContext(
        sample=sample,
        outcome=outcome,
        design=design,
        estimate=estimate,
        event=event_study(estimate),
    )


def test_false_date_keeps_untreated_rows_and_moves_the_entry() -> None:
    sample = Sample(panel(), **ROLES)
    moved = false_date(sample, 2)
    assert moved is not None
    assert moved.cohorts is not None
    assert sorted(set(moved.cohorts)) == [3, 4, np.inf]
    kept = moved.frame.assign(true=moved.frame.cohort)
    assert (kept.period < kept.true).all()
    assert moved.times.max() == 5  # nothing is left to compare in the last periods
    assert false_date(sample, 9) is None


def test_placebos_of_a_clean_and_of_a_drifting_panel() -> None:
    clean = Sample(panel(effect=3.0), **ROLES)
    assert Placebo().run(context(CallawaySantAnna(), clean)).status.value == "passed"
    frame = panel(effect=3.0)
    ever = np.isfinite(frame.cohort)
    drifting = Sample(frame.assign(y=frame.y + 1.5 * ever * frame.period), **ROLES)
    found = Placebo().run(context(CallawaySantAnna(), drifting))
    assert (found.status.value, found.reason) == ("failed", "placebo_found")
    assert found.values["n_found"] == 2


def test_placebo_outcomes_and_groups() -> None:
    frame = panel()
    frame["untouched"] = np.random.default_rng(3).normal(size=len(frame))
    frame["half"] = ((frame.id % 8) < 4) * 1
    sample = Sample(frame, **ROLES)
    check = Placebo(shifts=(), outcomes=("untouched",), groups=("half",))
    found = check.run(context(ImputationDiD(), sample))
    assert [row["kind"] for row in found.rows] == ["outcome", "group"]
    assert false_group(sample, "half") is not None


def test_one_territory_that_decides_is_named() -> None:
    frame = panel(units=16, effect=0.0, slope=0.0, noise=0.1, seed=4)
    giant = frame.loc[frame.cohort == 5, "id"].iloc[0]
    treated = (frame.id == giant) & (frame.period >= 5)
    frame.loc[treated, "y"] += 30
    others = np.isfinite(frame.cohort) & (frame.id != giant) & (frame.period >= frame.cohort)
    frame.loc[others, "y"] -= 1.0
    sample = Sample(frame, **ROLES, rows_are=RowsAre.TERRITORIES)
    found = LeaveOneOut().run(context(TwoWayFixedEffects(), sample))
    assert found.values["unit"] == str(giant)
    assert found.reason in ("one_unit_decides", "one_unit_matters")
    assert found.rows[0]["unit"] == str(giant)


def test_leaving_out_changes_little_in_a_large_effect() -> None:
    sample = Sample(panel(effect=3.0), **ROLES, rows_are=RowsAre.TERRITORIES)
    found = LeaveOneOut().run(context(CallawaySantAnna(), sample))
    assert found.status.value == "passed"
    assert found.values["n"] == 40
    assert found.values["lowest"] <= found.values["estimate"] <= found.values["highest"]


def test_people_are_never_left_out() -> None:
    """Not by their own row, nor by a household, nor by an adviser whose name was hidden."""
    frame = panel(effect=3.0).assign(
        house=lambda f: "h" + (f.id // 1).astype(str),
        basin=lambda f: "b" + (f.id % 8).astype(str),
    )
    people = Sample(frame, **ROLES)
    assert (
        LeaveOneOut().run(context(CallawaySantAnna(), people)).reason == "people_are_not_left_out"
    )
    homes = Sample(frame, **ROLES, cluster="house")
    assert LeaveOneOut().run(context(CallawaySantAnna(), homes)).reason == "people_are_not_left_out"
    basins = Sample(frame, **ROLES, cluster="basin")
    found = LeaveOneOut().run(context(CallawaySantAnna(), basins))
    assert {row["unit"] for row in found.rows} == {f"b{i}" for i in range(8)}
    advisers = pseudonymise(frame, ["basin"], b"k" * 32)
    found = LeaveOneOut().run(
        context(CallawaySantAnna(), Sample(advisers, **ROLES, cluster="basin"))
    )
    assert found.reason == "people_are_not_left_out"


def test_a_level_is_not_lowered_because_people_are_not_left_out() -> None:
    info = CallawaySantAnna.info
    sound = [CheckResult(code=code, status=CheckStatus.PASSED) for code in info.checks]
    people = CheckResult.not_applicable("leave_one_out", "people_are_not_left_out")
    alone = evidence_level(info, [c for c in sound if c.code != "leave_one_out"])
    told = evidence_level(info, [*(c for c in sound if c.code != "leave_one_out"), people])
    assert told == alone
    assert told.level == info.evidence_ceiling


@pytest.mark.parametrize("design", [CallawaySantAnna(), CallawaySantAnna(base_period="universal")])
def test_anticipation_is_seen(design: Any) -> None:
    frame = panel(units=80, noise=0.5)
    early = frame.period == frame.cohort - 1
    assert Anticipation().run(context(design, Sample(frame, **ROLES))).status.value == "passed"
    moved = Sample(frame.assign(y=frame.y + 2.0 * early), **ROLES)
    found = Anticipation().run(context(design, moved))
    assert found.reason == "anticipation_seen"
    assert found.values["estimate"] == pytest.approx(2.0, abs=0.5)


@pytest.mark.parametrize("design", [
    CallawaySantAnna(), CallawaySantAnna(base_period="universal"), SunAbraham(), ImputationDiD(),
    TwoWayFixedEffects(specification="event"),
], ids=str)  # fmt: skip
def test_anticipation_is_seen_at_the_last_survey_when_they_are_every_two_years(design: Any) -> None:
    frame = panel(units=80, noise=0.5)
    frame = frame.assign(period=2 * frame.period, cohort=2 * frame.cohort)
    clean = Anticipation().run(context(design, Sample(frame, **ROLES)))
    assert clean.status.value == "passed"
    early = frame.period == frame.cohort - 2
    moved = Sample(frame.assign(y=frame.y + 2.0 * early), **ROLES)
    found = Anticipation().run(context(design, moved))
    assert found.reason == "anticipation_seen"
    assert found.values["time"] == -2
    assert found.values["estimate"] == pytest.approx(2.0, abs=0.5)


def test_anticipation_without_the_option_says_so() -> None:
    found = Anticipation().run(context(SyntheticDiD(draws=5), Sample(panel(), **ROLES)))
    assert found.reason == "no_anticipation_period"


def test_composition_of_repeated_cross_sections() -> None:
    frame = repeated_cross_section(np.random.default_rng(1))
    roles = {"time": "period", "cohort": "cohort", "covariates": ["x"]}
    found = Composition().run(context(CallawaySantAnna(), Sample(frame, **roles)))
    assert found.status.value == "passed"
    moved = frame.assign(x=frame.x + 2.0 * (frame.period >= frame.cohort))
    found = Composition().run(context(CallawaySantAnna(), Sample(moved, **roles)))
    assert found.reason == "composition_moved"
    same = Composition().run(context(CallawaySantAnna(), Sample(panel(), **ROLES)))
    assert same.reason == "same_units"


def test_every_registered_check_answers_on_a_panel() -> None:
    sample = Sample(panel(units=24), **ROLES)
    for design in (CallawaySantAnna(), TwoWayFixedEffects(), SyntheticDiD(draws=20)):
        names = checks_for(design.info, sample)
        found = run_checks(names, context(design, sample))
        assert [result.code for result in found] == list(names)
        assert {"few_clusters", "placebo", "anticipation", "leave_one_out"} <= set(names)


def test_specification_curve_keeps_refusals_and_one_axis() -> None:
    sample = Sample(panel(), **ROLES)
    designs = {
        "cs": CallawaySantAnna(),
        "sa": SunAbraham(),
        "cs anticipating": CallawaySantAnna(anticipation=7),
        "twfe": TwoWayFixedEffects(),
    }
    curve = specification_curve(sample, "y", designs)
    table = curve.tidy()
    assert len(table) == 4
    known = table[table.estimate.notna()]
    assert known.estimate.is_monotonic_increasing
    assert table.refusal.notna().sum() == 1
    assert table.label.iloc[-1] == "cs anticipating"
    assert curve.low is not None
    assert curve.high is not None
    assert curve.low <= known.conf_low.min()
    assert curve.high >= known.conf_high.max()
    cs, sa = (known.set_index("label").estimate[name] for name in ("cs", "sa"))
    assert cs == pytest.approx(sa, rel=1e-8)
    assert curve.same_sign
    assert replace(curve, low=0.0).low == 0.0
