"""Leave one out: whether the result rests on a single territory; a person is never left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.pseudonyms import is_pseudonym
from impact_eval.data.sample import Sample
from impact_eval.diagnostics.check import CheckContext, CheckResult, CheckStatus, register_check
from impact_eval.diagnostics.refit import headline_effect, with_rows

MOST = 120  # territories; beyond, only the treated ones are left out in turn
FEWEST = 4
FEWEST_IN_CLUSTER = 2  # people, on average; below, a cluster is a person


@register_check
@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Fit the design again without each territory (cluster, or unit of a panel) in turn.

    Not for people: a result without one person tells of that person.

    Failed when an effect told from zero at 5 % changes sign without one of them. Warning when it
    moves by more than its standard error, with that one or without (or by half, without any): one
    that is far from all the others widens the error that it is judged by.
    """

    code: ClassVar[str] = "leave_one_out"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        effect = headline_effect(context.estimate)
        if _are_people(context.sample):
            return CheckResult.not_applicable(self.code, "people_are_not_left_out")
        territories = _territories(context.sample)
        if territories is None or effect.estimate is None:
            return CheckResult.not_applicable(self.code, "too_few_units_to_leave")
        codes, labels, chosen = territories
        rows: list[dict[str, Any]] = []
        errors: list[float] = []
        for code in chosen:
            try:
                kept = with_rows(context.sample, np.asarray(codes != code, dtype=np.bool_))
                without = headline_effect(context.design.fit(kept, context.outcome))
            except ImpactEvalError:
                continue  # the only treated or the last control: nothing is left to compare
            if without.estimate is not None:
                rows.append({"unit": str(labels[code]), "estimate": without.estimate})
                errors.append(without.std_error or np.inf)
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
        elif abs(values[worst] - effect.estimate) > min(scale, errors[worst]):
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


def _are_people(sample: Sample) -> bool:
    """Whether what would be left out in turn is people: then its row would tell of one of them.

    Rows of people without a cluster above them; clusters so small that each is a person or a
    household; clusters whose labels were hidden because they name somebody (an adviser).
    """
    if not sample.cluster_names:
        return sample.rows_are is RowsAre.PEOPLE
    labels = sample.codes(sample.cluster_names[0]).labels
    if any(is_pseudonym(label) for label in labels):
        return True
    small = labels.size * FEWEST_IN_CLUSTER > sample.n_units
    return sample.rows_are is RowsAre.PEOPLE and small


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
