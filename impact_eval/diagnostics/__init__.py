"""Floor 3: what supports an estimate, what weakens it, and what the report may say."""

from impact_eval.diagnostics.anticipation import Anticipation
from impact_eval.diagnostics.assignment_check import random_assignment
from impact_eval.diagnostics.attrition import AttritionCheck, attrition_of
from impact_eval.diagnostics.balance import CovariateBalance, balance_of, baseline
from impact_eval.diagnostics.battery import checks_for
from impact_eval.diagnostics.check import (
    Check,
    CheckContext,
    CheckResult,
    CheckStatus,
    checks,
    event_study,
    register_check,
    run_checks,
)
from impact_eval.diagnostics.composition import Composition
from impact_eval.diagnostics.confounding import Confounding, Sensitivity, sensitivity
from impact_eval.diagnostics.decomposition import BaconCheck, NegativeWeights, SyntheticFit
from impact_eval.diagnostics.evidence import EvidenceLevel, evidence_level
from impact_eval.diagnostics.few_clusters import (
    FewClusters,
    FewClustersCheck,
    few_clusters_inference,
)
from impact_eval.diagnostics.hidden_difference import Unobserved, unobserved
from impact_eval.diagnostics.honest_did import HonestCheck, HonestResult, HonestRow, honest_did
from impact_eval.diagnostics.leave_one_out import LeaveOneOut
from impact_eval.diagnostics.overlap import Overlap, share_outside
from impact_eval.diagnostics.placebo import Placebo, false_date, false_group
from impact_eval.diagnostics.pretrends import PreTrends, pretrends_power, pretrends_test
from impact_eval.diagnostics.specification_curve import SpecificationCurve, specification_curve

__all__ = [
    "Anticipation",
    "AttritionCheck",
    "BaconCheck",
    "Check",
    "CheckContext",
    "CheckResult",
    "CheckStatus",
    "Composition",
    "Confounding",
    "CovariateBalance",
    "EvidenceLevel",
    "FewClusters",
    "FewClustersCheck",
    "HonestCheck",
    "HonestResult",
    "HonestRow",
    "LeaveOneOut",
    "NegativeWeights",
    "Overlap",
    "Placebo",
    "PreTrends",
    "Sensitivity",
    "SpecificationCurve",
    "SyntheticFit",
    "Unobserved",
    "attrition_of",
    "balance_of",
    "baseline",
    "checks",
    "checks_for",
    "event_study",
    "evidence_level",
    "false_date",
    "false_group",
    "few_clusters_inference",
    "honest_did",
    "pretrends_power",
    "pretrends_test",
    "random_assignment",
    "register_check",
    "run_checks",
    "sensitivity",
    "share_outside",
    "specification_curve",
    "unobserved",
]
