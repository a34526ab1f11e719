"""Check results travel exactly; one check that cannot be made never stops the others."""

import pickle
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from impact_eval.core import Effect, Estimate, Finding, ImpactEvalError, MethodRecord
from impact_eval.diagnostics.check import (
    CheckContext,
    CheckResult,
    CheckStatus,
    _run_one,
    checks,
    event_study,
    run_checks,
)

NOTHING: Any = None


def context() -> CheckContext:
    return CheckContext(sample=NOTHING, outcome="y", design=NOTHING, estimate=NOTHING)


def test_round_trip_and_pickle() -> None:
    found = CheckResult(
        code="x",
        status=CheckStatus.WARNING,
        statistic=1.5,
        p_value=0.2,
        values={"n": np.int64(3), "names": ["a", "b"]},
        rows=({"v": 1.0}, {"v": None}),
        reason="because",
    )
    assert CheckResult.from_dict(found.to_dict()) == found
    assert pickle.loads(pickle.dumps(found)) == found
    assert found.values == {"n": 3, "names": ("a", "b")}


def test_unknown_check_is_refused_by_name() -> None:
    with pytest.raises(ImpactEvalError) as caught:
        run_checks(["pretrend"], context())
    assert caught.value.codes == ("unknown_name",)
    assert caught.value.findings[0].values["nearest"] == "pretrends"


def test_a_refusal_becomes_not_applicable() -> None:
    @dataclass(frozen=True)
    class Refuses:
        code: ClassVar[str] = "refuses"

        def run(self, context: CheckContext) -> CheckResult:
            raise ImpactEvalError(Finding.error("no_treated"))

    found = _run_one(Refuses(), context())
    assert found.status is CheckStatus.NOT_APPLICABLE
    assert found.values["codes"] == ("no_treated",)


def test_registered_checks_carry_their_code() -> None:
    assert {"pretrends", "balance", "attrition"} <= set(checks.names())
    assert all(checks.get(name).code == name for name in checks.names())


def test_event_study_of_an_estimate_without_one() -> None:
    effect = Effect(outcome="y", estimand="att", term="att", estimate=1.0)
    estimate = Estimate(
        outcome="y",
        estimand="att",
        method=MethodRecord("m"),
        effects=(effect,),
        covariance=np.array([[1.0]]),
        counterfactual=True,
    )
    assert event_study(estimate) is None
