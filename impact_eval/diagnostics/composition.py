"""Composition: whether the same kind of people are compared before and after the action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import DataShape
from impact_eval.diagnostics.check import CheckContext, CheckResult, CheckStatus, register_check
from impact_eval.diagnostics.refit import headline_effect, without_covariates


@register_check
@dataclass(frozen=True, slots=True)
class Composition:
    """Fit the design on each covariate as if it were an outcome (repeated cross-sections).

    The action cannot have changed them; an "effect" says that other people are compared. The
    p-value is the smallest, times the number of covariates (Bonferroni). Failed below 0.01, warning
    below 0.05.
    """

    code: ClassVar[str] = "composition"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        sample = context.sample
        if sample.shape is not DataShape.REPEATED_CROSS_SECTION:
            return CheckResult.not_applicable(self.code, "same_units")
        if not sample.covariate_names:
            return CheckResult.not_applicable(self.code, "no_covariates")
        columns = {
            f"impact_eval_x{j}": sample.covariate_matrix[:, j]
            for j in range(len(sample.covariate_names))
        }
        changed = without_covariates(sample, columns)
        rows: list[dict[str, Any]] = []
        for name, column in zip(sample.covariate_names, columns, strict=True):
            try:
                effect = headline_effect(context.design.fit(changed, column))
            except ImpactEvalError:
                continue
            if effect.p_value is not None:
                rows.append(
                    {"variable": name, "estimate": effect.estimate, "p_value": effect.p_value}
                )
        if not rows:
            return CheckResult.not_applicable(self.code, "not_enough_rows")
        p_values = np.array([float(row["p_value"]) for row in rows])
        worst = int(p_values.argmin())
        p_value = float(min(1.0, p_values[worst] * len(rows)))
        status, reason = CheckStatus.PASSED, None
        if p_value < 0.01:
            status, reason = CheckStatus.FAILED, "composition_moved"
        elif p_value < 0.05:
            status, reason = CheckStatus.WARNING, "composition_unclear"
        return CheckResult(
            code=self.code,
            status=status,
            p_value=p_value,
            values={"n_variables": len(rows), "variable": rows[worst]["variable"]},
            rows=tuple(rows),
            reason=reason,
        )
