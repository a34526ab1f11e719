"""The evidence level of an estimate: the lower of its design's ceiling and what its checks allow.

The rules are data. A rule names a check, the answers of that check it looks at, and the highest
level left when it applies. Anything a design asks for (`info.checks`) that has no rule of its own
falls under the two last ones: failed or missing, level 2 at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from impact_eval.designs.base import EstimatorInfo
from impact_eval.diagnostics.check import CheckResult, CheckStatus, by_code

QUASI_EXPERIMENTAL, RANDOMISED = 3, 4


class Answer(StrEnum):
    """The answer of a check as a rule sees it: its status, or missing (not run, not applicable)."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRule:
    """One line of the table.

    Attributes
    ----------
    check : str
        Name of the check.
    answers : frozenset of Answer
        Answers under which the rule applies.
    cap : int
        Highest level left.
    ceilings : frozenset of int
        Design ceilings concerned.
    unless : str or None
        Another check that, when passed, lifts the rule.
    moot_with : str or None
        A check whose presence among those the design asks for makes the rule moot: groups compared
        by their trends need not have equal levels.
    always : bool
        Whether the rule also applies to designs that do not ask for this check.
    """

    check: str
    answers: frozenset[Answer]
    cap: int
    ceilings: frozenset[int] = frozenset({QUASI_EXPERIMENTAL, RANDOMISED})
    unless: str | None = None
    always: bool = False
    moot_with: str | None = None


_FAILED = frozenset({Answer.FAILED})
_WEAK = frozenset({Answer.WARNING})
_ABSENT = frozenset({Answer.MISSING})
_NOT_THERE = frozenset({Answer.FAILED, Answer.MISSING})
_DRAWN = frozenset({RANDOMISED})
_OBSERVED = frozenset({QUASI_EXPERIMENTAL})

RULES: tuple[EvidenceRule, ...] = (
    # A draw that nobody made leaves an unadjusted comparison; one without a record is believed.
    EvidenceRule(
        check="random_assignment", answers=_NOT_THERE, cap=2, ceilings=_DRAWN, always=True
    ),
    EvidenceRule(check="attrition", answers=_FAILED, cap=2, always=True),
    EvidenceRule(check="attrition", answers=_WEAK | _ABSENT, cap=3, ceilings=_DRAWN, always=True),
    # A draw balances on average; a joint imbalance below 1 % says that something went wrong.
    EvidenceRule(check="balance", answers=_FAILED, cap=3, ceilings=_DRAWN),
    EvidenceRule(check="balance", answers=_ABSENT, cap=4, ceilings=_DRAWN),
    EvidenceRule(
        check="balance",
        answers=_NOT_THERE,
        cap=2,
        ceilings=_OBSERVED,
        moot_with="pretrends",
    ),
    EvidenceRule(check="overlap", answers=_NOT_THERE, cap=2, ceilings=_OBSERVED),
    EvidenceRule(check="pretrends", answers=_FAILED, cap=2, ceilings=_OBSERVED, always=True),
    EvidenceRule(check="pretrends", answers=_ABSENT, cap=2, ceilings=_OBSERVED),
    # A test that could not have seen the drift is no support, unless the conclusion bears it.
    EvidenceRule(check="pretrends", answers=_WEAK, cap=2, ceilings=_OBSERVED, unless="honest_did"),
    EvidenceRule(check="honest_did", answers=_FAILED, cap=2, ceilings=_OBSERVED, always=True),
    EvidenceRule(check="honest_did", answers=_ABSENT, cap=3, ceilings=_OBSERVED),
    EvidenceRule(check="placebo", answers=_FAILED, cap=2, ceilings=_OBSERVED, always=True),
    EvidenceRule(check="placebo", answers=_ABSENT, cap=3, ceilings=_OBSERVED),
    EvidenceRule(check="anticipation", answers=_FAILED, cap=2, ceilings=_OBSERVED, always=True),
    EvidenceRule(check="anticipation", answers=_ABSENT, cap=3, ceilings=_OBSERVED),
    EvidenceRule(check="composition", answers=_FAILED, cap=2, ceilings=_OBSERVED, always=True),
    EvidenceRule(check="composition", answers=_ABSENT, cap=3, ceilings=_OBSERVED),
    EvidenceRule(check="confounding", answers=_FAILED, cap=2, ceilings=_OBSERVED, always=True),
    EvidenceRule(check="confounding", answers=_ABSENT, cap=3, ceilings=_OBSERVED),
    # One territory that carries the result alone is said, and lowers a quasi-experiment.
    EvidenceRule(check="leave_one_out", answers=_FAILED, cap=2, ceilings=_OBSERVED, always=True),
    EvidenceRule(check="leave_one_out", answers=_FAILED, cap=3, ceilings=_DRAWN, always=True),
    EvidenceRule(check="leave_one_out", answers=_ABSENT, cap=4),
    # Without a valid interval nothing can be told from chance.
    EvidenceRule(check="few_clusters", answers=_FAILED, cap=2, always=True),
    EvidenceRule(check="few_clusters", answers=_ABSENT, cap=4),
)

_DEFAULT_CAP = 2

RAISES: Mapping[int, tuple[str, ...]] = {
    0: ("measure_before_and_after",),
    1: ("add_comparison_group",),
    2: ("build_own_comparison",),
    3: ("draw_lots",),
    4: (),
}


@dataclass(frozen=True, slots=True)
class EvidenceLevel:
    """What the report may say.

    Attributes
    ----------
    level : int
        0 to 4; texts `evidence.level_N`.
    ceiling : int
        Of the design.
    reasons : tuple of str
        Codes of what lowered the level (`pretrends_failed`…), or of what holds it at the ceiling
        (`design_ceiling`); texts `evidence_reason.X`.
    would_raise : tuple of str
        Codes of what would raise it; texts `evidence_raise.X`.
    caps : mapping
        The highest level each reason leaves.
    """

    level: int
    ceiling: int
    reasons: tuple[str, ...]
    would_raise: tuple[str, ...]
    caps: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the level as JSON."""
        return {
            "level": self.level,
            "ceiling": self.ceiling,
            "reasons": list(self.reasons),
            "would_raise": list(self.would_raise),
            "caps": dict(self.caps),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EvidenceLevel:
        """Read back what `to_dict` wrote."""
        return cls(
            level=data["level"],
            ceiling=data["ceiling"],
            reasons=tuple(data["reasons"]),
            would_raise=tuple(data["would_raise"]),
            caps=dict(data["caps"]),
        )


def evidence_level(info: EstimatorInfo, checks: Iterable[CheckResult]) -> EvidenceLevel:
    """Return the evidence level that a design and its checks allow.

    Parameters
    ----------
    info : EstimatorInfo
        Its `evidence_ceiling` and the `checks` it asks for.
    checks : iterable of CheckResult
        What was run, in any order.

    Returns
    -------
    EvidenceLevel
    """
    ceiling = info.evidence_ceiling if info.counterfactual else min(info.evidence_ceiling, 1)
    caps: dict[str, int] = {}
    if ceiling >= QUASI_EXPERIMENTAL:
        answers = {code: _answer(result) for code, result in by_code(checks).items()}
        caps = _caps(info, ceiling, answers)
    level = min([ceiling, *caps.values()])
    binding = tuple(code for code, cap in caps.items() if cap < ceiling)
    if not binding:
        return EvidenceLevel(level, ceiling, ("design_ceiling",), RAISES[ceiling], caps)
    lowest = tuple(code for code in binding if caps[code] == level)
    return EvidenceLevel(level, ceiling, binding, lowest, caps)


def _answer(result: CheckResult) -> Answer:
    if result.status is CheckStatus.NOT_APPLICABLE:
        return Answer.MISSING
    return Answer(result.status.value)


def _caps(info: EstimatorInfo, ceiling: int, answers: Mapping[str, Answer]) -> dict[str, int]:
    """Return the cap of each reason that applies, as `check_answer`, the lowest one first kept."""
    found: dict[str, int] = {}
    for rule in RULES:
        answer = answers.get(rule.check, Answer.MISSING)
        asked = rule.always or rule.check in info.checks
        lifted = rule.unless is not None and answers.get(rule.unless) is Answer.PASSED
        lifted = lifted or rule.moot_with in info.checks
        if asked and not lifted and ceiling in rule.ceilings and answer in rule.answers:
            code = f"{rule.check}_{answer.value}"
            found[code] = min(rule.cap, found.get(code, rule.cap))
    ruled = {(rule.check, answer) for rule in RULES for answer in rule.answers}
    for check in dict.fromkeys((*info.checks, *answers)):
        answer = answers.get(check, Answer.MISSING)
        asked = check in info.checks or answer is Answer.FAILED
        if asked and answer in _NOT_THERE and (check, answer) not in ruled:
            found[f"{check}_{answer.value}"] = _DEFAULT_CAP
    return {code: cap for code, cap in found.items() if cap < ceiling}
