"""Floor 0: the frozen nouns that every other floor speaks with."""

from impact_eval.core.estimate import (
    TIDY_COLUMNS,
    Draws,
    Effect,
    Estimate,
    FlowStep,
    Influence,
    MethodRecord,
    wald_effect,
)
from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
    Place,
    Severity,
    nearest,
)
from impact_eval.core.inference import JointTest
from impact_eval.core.registry import Registry

__all__ = [
    "TIDY_COLUMNS",
    "Draws",
    "Effect",
    "Estimate",
    "Finding",
    "FindingCollector",
    "FlowStep",
    "ImpactEvalError",
    "Influence",
    "JointTest",
    "MethodRecord",
    "NotApplicable",
    "Place",
    "Registry",
    "Severity",
    "nearest",
    "wald_effect",
]
