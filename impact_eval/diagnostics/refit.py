"""Run a design again on a changed sample: fewer rows, other dates of entry, other columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Effect, Estimate
from impact_eval.data.sample import Sample

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_TIME, _COHORT = "impact_eval_period", "impact_eval_start"


HEADLINE, OVERALL = "simple", "att"  # the aggregation, and the row, that sum an estimate up


def headline_effect(estimate: Estimate) -> Effect:
    """Return the one effect an estimate stands for: `simple`, else its `att` row, else the first.

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.core import MethodRecord
    >>> row = Effect(outcome="y", estimand="att", term="att", estimate=1.0)
    >>> estimate = Estimate(outcome="y", estimand="att", method=MethodRecord("m"), effects=(row,),
    ...                     covariance=np.eye(1), counterfactual=True)
    >>> headline_effect(estimate).estimate
    1.0
    """
    return headline_estimate(estimate).effects[0]


def headline_estimate(estimate: Estimate) -> Estimate:
    """Return the one row that answers the question, with its own covariance and influence."""
    if estimate.aggregator is not None and HEADLINE in estimate.aggregator.kinds:
        estimate = estimate.aggregate(HEADLINE)
    places = [i for i, effect in enumerate(estimate.effects) if effect.term == OVERALL]
    return estimate.select(places[:1] or [0])


def with_rows(sample: Sample, mask: BoolArray) -> Sample:
    """Return the sample of some rows, roles unchanged."""
    return sample.restrict(mask, "check", "check")


def with_cohorts(sample: Sample, mask: BoolArray, cohorts: FloatArray) -> Sample:
    """Return the sample of some rows with other dates of entry.

    Parameters
    ----------
    sample : Sample
        With a time role.
    mask : (n,) array of bool
    cohorts : (n,) array
        In the numbers of `sample.times`; infinity for never.
    """
    frame = sample.frame.loc[mask].assign(
        **{_TIME: sample.time_values[mask], _COHORT: cohorts[mask]}
    )
    return sample.derive(frame=frame, time=_TIME, cohort=_COHORT, flow=())


def without_covariates(sample: Sample, extra: dict[str, FloatArray]) -> Sample:
    """Return the sample with columns added and no covariate role."""
    return sample.derive(frame=sample.frame.assign(**extra), covariates=(), flow=())
