"""Balance: how alike the groups compared were before the action."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import JointTest
from impact_eval.data.sample import DataShape, Sample
from impact_eval.diagnostics.check import (
    CheckContext,
    CheckResult,
    CheckStatus,
    Row,
    register_check,
)
from impact_eval.stats.inference.rarity import rarest
from impact_eval.stats.surveys.covariate_balance import (
    BalanceTable,
    balance_table,
    joint_balance_test,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LARGE, NOTABLE = 0.25, 0.10  # standardised differences; Rubin (2001), Austin (2009)
RANDOMISED_CEILING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The two groups as they were before the action.

    Attributes
    ----------
    names : tuple of str
    x : (n, p) array
    treated : (n,) array of bool
        Treated at some time.
    weights : (n,) array or None
    clusters : (n,) array of int or None
        Codes 0…G-1.
    """

    names: tuple[str, ...]
    x: FloatArray
    treated: NDArray[np.bool_]
    weights: FloatArray | None
    clusters: IntArray | None


def baseline(sample: Sample, outcome: str) -> Baseline | NotApplicable:
    """Return the covariates of each row (cross-section) or of each unit at its first period.

    In a panel the outcome before anybody is treated is added as a line of its own.

    Returns
    -------
    Baseline or NotApplicable
        `no_treatment_role`, `no_covariates`, `one_group_only`.
    """
    treated = ever_treated(sample)
    if treated is None:
        return NotApplicable.because("no_treatment_role")
    found = (
        _panel_baseline(sample, outcome)
        if sample.shape is DataShape.PANEL
        else _rows_baseline(sample, treated)
    )
    if not found.names:
        return NotApplicable.because("no_covariates")
    if found.treated.all() or not found.treated.any():
        return NotApplicable.because("one_group_only")
    return found


def ever_treated(sample: Sample) -> NDArray[np.bool_] | None:
    """Return, per row, whether it belongs to somebody treated at some time; None without a role."""
    if sample.cohorts is not None:
        return np.asarray(np.isfinite(sample.cohorts), dtype=np.bool_)
    return sample.treated


def _rows_baseline(sample: Sample, treated: NDArray[np.bool_]) -> Baseline:
    return Baseline(
        names=sample.covariate_names,
        x=sample.covariate_matrix,
        treated=treated,
        weights=sample.weights_array if sample.has_weights else None,
        clusters=sample.cluster_codes,
    )


def _panel_baseline(sample: Sample, outcome: str) -> Baseline:
    wide = sample.wide(outcome)
    before = wide.times < np.min(wide.cohorts)
    columns = [] if wide.covariates is None else [wide.covariates]
    names = sample.covariate_names
    keep: NDArray[np.bool_] = np.ones(len(wide.cohorts), dtype=np.bool_)
    if before.any():
        seen = ~np.isnan(wide.y[:, before])
        keep = np.asarray(seen.any(axis=1), dtype=np.bool_)
        level = np.nansum(wide.y[:, before], axis=1) / np.maximum(seen.sum(axis=1), 1)
        columns.append(level[:, None])
        names = (*names, outcome)
    x = np.hstack(columns) if columns else np.empty((len(wide.cohorts), 0))
    return Baseline(
        names=names,
        x=x[keep],
        treated=np.isfinite(wide.cohorts)[keep],
        weights=wide.weights[keep] if sample.has_weights else None,
        clusters=_packed(wide.clusters[keep]) if sample.cluster_names else None,
    )


def _packed(codes: IntArray) -> IntArray:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def balance_of(found: Baseline, *, weights: FloatArray | None = None) -> BalanceTable:
    """Return the balance table of a baseline, under its own weights or those given."""
    weight = found.weights if weights is None else weights
    return balance_table(found.x, found.treated, weights=weight, clusters=found.clusters)


def balance_rows(found: Baseline, table: BalanceTable) -> tuple[Row, ...]:
    """Return the table as rows of plain values; what does not exist is None.

    `fewest` is for the disclosure gate: a share of a few people tells how many they are.
    """
    columns = {
        "mean_treated": table.mean_treated,
        "mean_comparison": table.mean_comparison,
        "difference": table.difference,
        "standardised": table.standardised,
        "variance_ratio": table.variance_ratio,
        "p_value": table.p_value,
    }
    return tuple(
        {
            "variable": name,
            **{key: _or_none(float(column[j])) for key, column in columns.items()},
            "n_treated": table.n_treated,
            "n_comparison": table.n_comparison,
            "fewest": _fewest(found, j),
        }
        for j, name in enumerate(found.names)
    )


def _fewest(found: Baseline, column: int) -> int:
    """Return the fewest people of a group who are away from one end of a characteristic."""
    sides = (found.treated, ~found.treated)
    return min(rarest(found.x[side, column]) or 0 for side in sides)


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


@register_check
@dataclass(frozen=True, slots=True)
class CovariateBalance:
    """Balance table and joint test, treated minus comparison, before the action.

    For a design that can be randomised the joint test decides (failed below 0.01, warning below
    0.05: chance alone unbalances some covariate). Elsewhere the largest standardised difference
    decides: failed above 0.25, warning above 0.10, whatever its p-value, since a small sample never
    makes a gap harmless.

    References
    ----------
    Hansen, B. B. and Bowers, J. (2008). doi:10.1214/08-STS254
    Stuart, E. A. (2010). doi:10.1214/09-STS313
    """

    code: ClassVar[str] = "balance"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        found = baseline(context.sample, context.outcome)
        if isinstance(found, NotApplicable):
            return CheckResult.not_applicable(self.code, found.reason, **found.values)
        table = balance_of(found)
        joint = joint_balance_test(
            found.x,
            found.treated,
            names=found.names,
            weights=found.weights,
            clusters=found.clusters,
        )
        sizes = np.abs(table.standardised)
        known = np.isfinite(sizes)
        worst = int(np.nanargmax(sizes)) if known.any() else 0
        largest = float(sizes[worst]) if known.any() else 0.0
        randomised = context.design.info.evidence_ceiling >= RANDOMISED_CEILING
        status, reason = _randomised_status(joint) if randomised else _observed_status(largest)
        return CheckResult(
            code=self.code,
            status=status,
            statistic=joint.statistic,
            p_value=joint.p_value,
            reason=reason,
            values={
                "n_variables": len(found.names),
                "largest": largest,
                "variable": found.names[worst],
                "n_large": int((sizes[known] > LARGE).sum()),
                "n_notable": int((sizes[known] > NOTABLE).sum()),
                "n_treated": table.n_treated,
                "n_comparison": table.n_comparison,
                "df": joint.df,
            },
            rows=balance_rows(found, table),
        )


def _randomised_status(joint: JointTest) -> tuple[CheckStatus, str | None]:
    if joint.p_value < 0.01:
        return CheckStatus.FAILED, "balance_joint"
    if joint.p_value < 0.05:
        return CheckStatus.WARNING, "balance_joint"
    return CheckStatus.PASSED, None


def _observed_status(largest: float) -> tuple[CheckStatus, str | None]:
    if largest > LARGE:
        return CheckStatus.FAILED, "balance_large"
    if largest > NOTABLE:
        return CheckStatus.WARNING, "balance_notable"
    return CheckStatus.PASSED, None
