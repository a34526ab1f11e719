"""What the details of an estimate say about itself: its comparisons, its weights, its fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from impact_eval.diagnostics.check import (
    CheckContext,
    CheckResult,
    CheckStatus,
    Row,
    register_check,
)
from impact_eval.stats.panels.bacon import BaconPair

# A cohort compared with one already treated, whose course holds the effect.
FORBIDDEN_KINDS = frozenset({BaconPair.LATER.value, BaconPair.ALWAYS.value})
FORBIDDEN_MUCH = 0.10
LOOSE, POOR = 0.25, 0.50


def _detail(context: CheckContext, name: str) -> Mapping[str, Any] | None:
    found = context.estimate.details.get(name)
    if not isinstance(found, Mapping) or "not_applicable" in found:
        return None
    return found


@register_check
@dataclass(frozen=True, slots=True)
class BaconCheck:
    """Share of a two-way regression made of comparisons with territories already treated.

    References
    ----------
    Goodman-Bacon, A. (2021). doi:10.1016/j.jeconom.2021.03.014
    """

    code: ClassVar[str] = "bacon"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        found = _detail(context, "bacon")
        if found is None:
            return CheckResult.not_applicable(self.code, "no_decomposition")
        kinds: Mapping[str, Mapping[str, float]] = found["kinds"]
        forbidden = sum(
            float(part["weight"]) for kind, part in kinds.items() if kind in FORBIDDEN_KINDS
        )
        status = CheckStatus.WARNING if forbidden > FORBIDDEN_MUCH else CheckStatus.PASSED
        rows: tuple[Row, ...] = tuple(
            {"kind": kind, "weight": float(part["weight"]), "estimate": float(part["estimate"])}
            for kind, part in kinds.items()
        )
        return CheckResult(
            code=self.code,
            status=status,
            statistic=forbidden,
            values={"forbidden": forbidden},
            rows=rows,
            reason="bacon_forbidden" if status is CheckStatus.WARNING else None,
        )


@register_check
@dataclass(frozen=True, slots=True)
class NegativeWeights:
    """Share of treated cells that a two-way regression counts backwards.

    References
    ----------
    de Chaisemartin, C. and D'Haultfœuille, X. (2020). doi:10.1257/aer.20181169
    """

    code: ClassVar[str] = "negative_weights"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        found = _detail(context, "effect_weights")
        if found is None or not found.get("treated_cells"):
            return CheckResult.not_applicable(self.code, "no_decomposition")
        share = float(found["negative"]) / float(found["treated_cells"])
        total = float(found["negative_sum"])
        status = CheckStatus.WARNING if share > 0 else CheckStatus.PASSED
        return CheckResult(
            code=self.code,
            status=status,
            statistic=total,
            values={"share": share, "total": total, "n": int(found["negative"])},
            reason="negative_weights_some" if share > 0 else None,
        )


@register_check
@dataclass(frozen=True, slots=True)
class SyntheticFit:
    """How closely a synthetic comparison followed the treated before, on the spread of the donors.

    Failed above half of the usual gap between territories, warning above a quarter. With several
    dates of entry the worst one decides.
    """

    code: ClassVar[str] = "synthetic_fit"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        entries = context.estimate.details.get("synthetic")
        if not entries:
            return CheckResult.not_applicable(self.code, "no_decomposition")
        rows = tuple(
            {
                "group": entry["group"],
                "rmspe": float(entry["rmspe_pre"]),
                "relative": float(entry["rmspe_pre"]) / max(float(entry["spread_pre"]), 1e-300),
            }
            for entry in entries
        )
        worst = max(rows, key=lambda row: row["relative"])
        status, reason = CheckStatus.PASSED, None
        if worst["relative"] > POOR:
            status, reason = CheckStatus.FAILED, "fit_poor"
        elif worst["relative"] > LOOSE:
            status, reason = CheckStatus.WARNING, "fit_loose"
        return CheckResult(
            code=self.code,
            status=status,
            statistic=worst["relative"],
            values={"rmspe": worst["rmspe"], "relative": worst["relative"]},
            rows=rows,
            reason=reason,
        )
