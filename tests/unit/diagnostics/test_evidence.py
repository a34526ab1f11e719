"""Every rule of the evidence level, one by one."""

from dataclasses import replace

import pytest

from impact_eval.data.sample import DataShape
from impact_eval.designs.base import EstimatorInfo, Minimum
from impact_eval.diagnostics.assignment_check import DrawRecord, random_assignment
from impact_eval.diagnostics.check import CheckResult, CheckStatus
from impact_eval.diagnostics.evidence import (
    RULES,
    Answer,
    EvidenceLevel,
    EvidenceRule,
    evidence_level,
)

INFO = EstimatorInfo(
    name="invented",
    shapes=frozenset({DataShape.PANEL}),
    estimands=("att",),
    counterfactual=True,
    weights=True,
    clusters=True,
    covariates=True,
    minimum=Minimum(),
    assumptions=(),
    checks=(),
    references=(),
    oracle="",
    evidence_ceiling=3,
)
DRAWN = (
    random_assignment(True, record=DrawRecord.AGREES),
    CheckResult(code="attrition", status=CheckStatus.PASSED),
)


def result(code: str, answer: Answer) -> CheckResult:
    status = "not_applicable" if answer is Answer.MISSING else answer.value
    return CheckResult(code=code, status=CheckStatus(status))


@pytest.mark.parametrize("ceiling", [0, 1, 2, 3])
def test_without_any_check_asked_the_design_sets_the_level(ceiling: int) -> None:
    found = evidence_level(replace(INFO, evidence_ceiling=ceiling), [])
    assert found.level == ceiling
    assert found.reasons == ("design_ceiling",)
    assert found.would_raise


def test_no_counterfactual_is_level_one_at_most() -> None:
    assert evidence_level(replace(INFO, counterfactual=False), []).level == 1


def test_only_a_draw_with_little_attrition_reaches_level_four() -> None:
    info = replace(INFO, evidence_ceiling=4)
    assert evidence_level(info, DRAWN).level == 4
    assert evidence_level(info, DRAWN).would_raise == ()
    assert evidence_level(info, DRAWN[:1]).level == 3
    assert evidence_level(info, []).level == 2
    assert evidence_level(info, [random_assignment(False), DRAWN[1]]).level == 2
    assert evidence_level(info, [random_assignment(True), DRAWN[1]]).level == 4


@pytest.mark.parametrize(
    ("rule", "ceiling"),
    [(rule, ceiling) for rule in RULES for ceiling in sorted(rule.ceilings)],
    ids=lambda v: (
        f"{v.check}-{'-'.join(sorted(v.answers))}" if isinstance(v, EvidenceRule) else str(v)
    ),
)
def test_each_rule_caps_as_written(rule: EvidenceRule, ceiling: int) -> None:
    checks = () if rule.always else (rule.check,)
    info = replace(INFO, evidence_ceiling=ceiling, checks=checks)
    base = [check for check in DRAWN if check.code != rule.check] if ceiling == 4 else []
    for answer in rule.answers:
        found = evidence_level(info, [*base, result(rule.check, answer)])
        assert found.level == min(rule.cap, ceiling)
        if rule.cap < ceiling:
            code = f"{rule.check}_{answer.value}"
            assert found.reasons == found.would_raise == (code,)
            assert found.caps[code] == rule.cap


@pytest.mark.parametrize("rule", [r for r in RULES if r.unless], ids=lambda r: r.check)
def test_another_check_lifts_a_rule(rule: EvidenceRule) -> None:
    info = replace(INFO, checks=(rule.check,))
    assert rule.unless is not None
    for answer in rule.answers:
        lifted = [result(rule.check, answer), result(rule.unless, Answer.PASSED)]
        assert evidence_level(info, lifted).level == 3
        kept = [result(rule.check, answer), result(rule.unless, Answer.WARNING)]
        assert evidence_level(info, kept).level == rule.cap


@pytest.mark.parametrize("answer", [Answer.FAILED, Answer.MISSING])
def test_unequal_levels_do_not_lower_a_comparison_of_trends(answer: Answer) -> None:
    info = replace(INFO, checks=("pretrends", "balance"))
    checks = [result("pretrends", Answer.PASSED), result("balance", answer)]
    assert evidence_level(info, checks).level == 3


@pytest.mark.parametrize("answer", [Answer.FAILED, Answer.MISSING])
def test_an_unknown_check_asked_for_must_pass(answer: Answer) -> None:
    info = replace(INFO, checks=("somebody_elses",))
    found = evidence_level(info, [result("somebody_elses", answer)])
    assert (found.level, found.reasons) == (2, (f"somebody_elses_{answer.value}",))
    assert evidence_level(info, [result("somebody_elses", Answer.WARNING)]).level == 3


def test_a_check_nobody_asked_for_counts_only_when_it_fails() -> None:
    assert evidence_level(INFO, [result("extra", Answer.MISSING)]).level == 3
    assert evidence_level(INFO, [result("extra", Answer.FAILED)]).level == 2


def test_what_would_raise_names_only_what_binds() -> None:
    info = replace(INFO, evidence_ceiling=4)
    checks = [
        *DRAWN[:1],
        result("attrition", Answer.WARNING),
        result("few_clusters", Answer.FAILED),
    ]
    found = evidence_level(info, checks)
    assert found.level == 2
    assert set(found.reasons) == {"attrition_warning", "few_clusters_failed"}
    assert found.would_raise == ("few_clusters_failed",)


def test_round_trip() -> None:
    found = evidence_level(replace(INFO, checks=("pretrends",)), [])
    assert EvidenceLevel.from_dict(found.to_dict()) == found
