"""Floor 3: what supports an estimate, what weakens it, and what the report may say."""

from impact_eval.diagnostics.assignment import random_assignment
from impact_eval.diagnostics.attrition import AttritionCheck, attrition_of
from impact_eval.diagnostics.balance import Balance, balance_of, baseline
from impact_eval.diagnostics.base import (
    Check,
    CheckContext,
    CheckResult,
    CheckStatus,
    checks,
    event_study,
    register_check,
    run_checks,
)
from impact_eval.diagnostics.evidence import EvidenceLevel, evidence_level
from impact_eval.diagnostics.honest_did import HonestCheck, HonestResult, HonestRow, honest_did
from impact_eval.diagnostics.pretrends import PreTrends, pretrends_power, pretrends_test

__all__ = [
    "AttritionCheck",
    "Balance",
    "Check",
    "CheckContext",
    "CheckResult",
    "CheckStatus",
    "EvidenceLevel",
    "HonestCheck",
    "HonestResult",
    "HonestRow",
    "PreTrends",
    "attrition_of",
    "balance_of",
    "baseline",
    "checks",
    "event_study",
    "evidence_level",
    "honest_did",
    "pretrends_power",
    "pretrends_test",
    "random_assignment",
    "register_check",
    "run_checks",
]
