"""A design of somebody else's package: one file, its words beside it, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core import Estimate, MethodRecord, wald_effect
from impact_eval.data.sample import DataShape, Sample
from impact_eval.designs import EstimatorInfo, Minimum, refuse_unfit, register

TEXTS = Path(__file__).with_name("locale")
FloatArray = NDArray[np.float64]


def median_error(values: FloatArray) -> float:
    r"""Return the standard error of a median, from two order statistics around it.

    :math:`(y_{(n-c+1)} - y_{(c)}) / 2z`, with c close to (n + 1)/2 - √n and z the normal quantile
    of the probability, for the true median, to lie between the two.

    Parameters
    ----------
    values : (n,) array

    References
    ----------
    Bonett, D. and Price, R. (2002). doi:10.1037/1082-989X.7.3.370
    """
    n = values.size
    place = max(1, round((n + 1) / 2 - n**0.5))
    outside = float(special.bdtr(place - 1, n, 0.5))
    ordered = np.sort(values)
    return float((ordered[n - place] - ordered[place - 1]) / (2 * special.ndtri(1 - outside)))


@register
@dataclass(frozen=True, kw_only=True)
class MedianGap:
    """Compare the medians of two groups drawn by lot."""

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="median_gap",
        shapes=frozenset({DataShape.CROSS_SECTION}),
        estimands=("median_gap",),
        counterfactual=True,
        weights=False,
        clusters=False,
        covariates=False,
        minimum=Minimum(units=10, treated=5, comparison=5),
        assumptions=("random_assignment", "no_interference"),
        checks=("attrition",),
        references=("10.1037/1082-989X.7.3.370",),
        oracle="the definition of a median; coverage on skewed draws in its own test",
        evidence_ceiling=4,
        flips_sign=True,
    )

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate the gap between the two medians."""
        refuse_unfit(self.info, sample, outcome)
        assert sample.treated is not None
        observed, step = sample.complete(outcome)
        values, treated = sample.outcome(outcome)[observed], sample.treated[observed]
        ours, others = values[treated], values[~treated]
        error = float(np.hypot(median_error(ours), median_error(others)))
        row = wald_effect(
            outcome=outcome,
            estimand="median_gap",
            term="median_gap",
            estimate=float(np.median(ours) - np.median(others)),
            std_error=error,
            n_treated=int(treated.sum()),
            n_comparison=int((~treated).sum()),
        )
        return Estimate(
            outcome=outcome,
            estimand="median_gap",
            method=MethodRecord(self.info.name),
            effects=(row,),
            covariance=np.array([[error**2]]),
            counterfactual=True,
            flow=(*sample.flow, step),
            findings=sample.findings,
        )
