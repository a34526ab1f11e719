"""Overlap: whether the treated have others alike in the comparison group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.diagnostics.balance import baseline
from impact_eval.diagnostics.check import CheckContext, CheckResult, CheckStatus, register_check
from impact_eval.stats.inference.regression import logit_fit

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

THIN, POOR = 0.05, 0.10


def share_outside(score: FloatArray, treated: BoolArray) -> float:
    """Return the share of treated whose score lies outside the range of the comparison group's.

    Parameters
    ----------
    score : (n,) array
        Probability of being treated.
    treated : (n,) array of bool

    Examples
    --------
    >>> import numpy as np
    >>> score = np.array([0.2, 0.9, 0.1, 0.6])
    >>> share_outside(score, np.array([True, True, False, False]))
    0.5
    """
    others, own = score[~treated], score[treated]
    outside = (own > others.max()) | (own < others.min())
    return float(outside.mean())


@register_check
@dataclass(frozen=True, slots=True)
class Overlap:
    """Share of treated whose probability of being treated no comparison unit reaches.

    The probability is a logistic regression on the covariates at the start. Failed above 10 %,
    warning above 5 %; when the covariates tell the two groups apart exactly, everybody is outside.

    References
    ----------
    Crump, R. et al. (2009). doi:10.1093/biomet/asn055
    """

    code: ClassVar[str] = "overlap"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        if not context.sample.covariate_names:
            return CheckResult.not_applicable(self.code, "no_covariates")
        found = baseline(context.sample, context.outcome)
        if isinstance(found, NotApplicable):
            return CheckResult.not_applicable(self.code, found.reason, **found.values)
        size = len(context.sample.covariate_names)
        columns = np.column_stack([np.ones(len(found.x)), found.x[:, :size]])
        fit = logit_fit(found.treated.astype(np.float64), columns, weights=found.weights)
        apart = any(finding.code == "separation" for finding in fit.findings)
        share = share_outside(fit.fitted, found.treated)
        status, reason = CheckStatus.PASSED, None
        if share > POOR:
            status, reason = CheckStatus.FAILED, "overlap_poor"
        elif share > THIN or apart:
            status, reason = CheckStatus.WARNING, "overlap_thin"
        return CheckResult(
            code=self.code,
            status=status,
            statistic=share,
            values={"share_outside": share, "n": int(found.treated.sum()), "separation": apart},
            reason=reason,
        )
