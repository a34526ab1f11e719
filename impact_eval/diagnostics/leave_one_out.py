"""Leave one out: whether the result rests on a single territory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.diagnostics.base import CheckContext, CheckResult, CheckStatus, register_check
from impact_eval.diagnostics.refit import headline, with_rows

MOST = 120  # territories; beyond, only the treated ones are left out in turn
FEWEST = 4


@register_check
@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Fit the design again without each territory (cluster, or unit of a panel) in turn.

    Failed when an effect told from zero at 5 % changes sign without one of them. Warning when it
    moves by more than its own standard error (or by half, without one).
    """

    code: ClassVar[str] = "leave_one_out"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        effect = headline(context.estimate)
        territories = _territories(context.sample)
        if territories is None or effect.estimate is None:
            return CheckResult.not_applicable(self.code, "too_few_units_to_leave")
        codes, labels, chosen = territories
        rows: list[dict[str, Any]] = []
        for code in chosen:
            try:
                kept = with_rows(context.sample, np.asarray(codes != code, dtype=np.bool_))
                without = headline(context.design.fit(kept, context.outcome)).estimate
            except ImpactEvalError:
                continue  # the only treated or the last control: nothing is left to compare
            if without is not None:
                rows.append({"unit": str(labels[code]), "estimate": without})
        if len(rows) < 2:
            return CheckResult.not_applicable(self.code, "too_few_units_to_leave")
        values = np.array([float(row["estimate"]) for row in rows])
        worst = int(np.argmax(np.abs(values - effect.estimate)))
        told = effect.p_value is not None and effect.p_value < 0.05
        flips = np.flatnonzero(np.sign(values) != np.sign(effect.estimate))
        scale = effect.std_error or abs(effect.estimate) / 2
        status, reason = CheckStatus.PASSED, None
        if told and flips.size:
            status, reason = CheckStatus.FAILED, "one_unit_decides"
            worst = int(flips[np.argmax(np.abs(values[flips] - effect.estimate))])
        elif abs(values[worst] - effect.estimate) > scale:
            status, reason = CheckStatus.WARNING, "one_unit_matters"
        order = np.argsort(-np.abs(values - effect.estimate))[:10]
        return CheckResult(
            code=self.code,
            status=status,
            statistic=float(values[worst] - effect.estimate),
            values={
                "n": len(rows),
                "unit": rows[worst]["unit"],
                "without": float(values[worst]),
                "estimate": effect.estimate,
                "lowest": float(values.min()),
                "highest": float(values.max()),
            },
            rows=tuple(rows[int(i)] for i in order),
            reason=reason,
        )


def _territories(
    sample: Sample,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Return the code of each row's territory, the labels, and which ones to leave out."""
    if sample.cluster_names:
        coded = sample.codes(sample.cluster_names[0])
        codes, labels = coded.codes, coded.labels
    elif sample.unit_codes is not None and sample.time_codes is not None:
        codes, labels = sample.unit_codes, sample.unit_labels
    else:
        return None
    chosen = np.arange(len(labels))
    if len(labels) > MOST and sample.treated is not None:
        chosen = np.unique(codes[sample.treated])
    if len(labels) < FEWEST or len(chosen) > MOST:
        return None
    return codes, labels, chosen
