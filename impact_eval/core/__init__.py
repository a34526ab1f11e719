"""Floor 0: the frozen nouns that every other floor speaks with.

Each is loaded when first used: refusing a study file needs no numerical library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from impact_eval.core.shown import Shown

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
    "Shown",
    "nearest",
    "wald_effect",
]

_HOME = {
    "estimate": (
        "TIDY_COLUMNS", "Draws", "Effect", "Estimate", "FlowStep", "Influence", "MethodRecord",
        "wald_effect",
    ),
    "findings": (
        "Finding", "FindingCollector", "ImpactEvalError", "NotApplicable", "Place", "Severity",
        "nearest",
    ),
    "inference": ("JointTest",),
    "registry": ("Registry",),
    "shown": ("Shown",),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(importlib.import_module(f"impact_eval.core.{module}"), name)
    raise AttributeError(name)
