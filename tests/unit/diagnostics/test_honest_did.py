"""The door to sensitivity: reading an event study, refusing in words, the three answers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core import Estimate, ImpactEvalError, MethodRecord, NotApplicable, wald_effect
from impact_eval.diagnostics.check import CheckContext
from impact_eval.diagnostics.honest_did import HonestCheck, HonestResult, honest_did

NOTHING: Any = None


def event(times: list[float], estimates: list[float], **options: Any) -> Estimate:
    rows = tuple(
        wald_effect(
            outcome="y",
            estimand="att",
            term="event",
            time=t,
            estimate=b,
            std_error=None if t == -1 else 0.1,
        )
        for t, b in zip(times, estimates, strict=True)
    )
    return Estimate(
        outcome="y",
        estimand="att",
        method=MethodRecord("m", options),
        effects=rows,
        covariance=np.diag([0.0 if t == -1 else 0.01 for t in times]),
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


def test_rows_beyond_a_missing_time_are_left_out_and_said() -> None:
    study = event([-6, -3, -2, -1, 0, 1, 4], [0.3, 0.05, -0.05, 0.0, 1.0, 1.2, 9.0])
    found = done(study)
    assert (found.n_pre, found.n_post) == (2, 2)
    assert found.estimate == pytest.approx(1.1)
    assert found.findings[0].code == "honest_gap"


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
