"""What a study knows of its outcomes, for the value map that is held against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.sample import DataShape, Sample
from impact_eval.pipeline.estimation import OutcomeEvaluation
from impact_eval.pipeline.study_models import in_both_languages
from impact_eval.results.disclosure.rounding import round_error, round_statistic
from impact_eval.value.account.deadweight import TreatedMean
from impact_eval.value.account.study_facts import OutcomeFacts


def facts_of(found: Sequence[OutcomeEvaluation]) -> Mapping[str, OutcomeFacts]:
    """Return what the study knows of each outcome that it estimated.

    Examples
    --------
    >>> facts_of(found)["emploi"].people  # doctest: +SKIP
    120
    """
    return {one.part.id: _facts(one) for one in found}


def _facts(one: OutcomeEvaluation) -> OutcomeFacts:
    mean = _published(one, treated_mean(one.sample, one.fitted.outcome))
    people = one.main.effects[0].n_treated if one.sample.rows_are is RowsAre.PEOPLE else None
    label = in_both_languages(one.part.label)
    return OutcomeFacts(
        labels=tuple(text for text in (label.fr, label.en) if text),
        unit=one.part.unit,
        direction=one.part.direction,
        people=people,
        mean=None if mean is None else mean.value,
        mean_error=None if mean is None else mean.error,
        level=int(one.evidence.level),
    )


def treated_mean(sample: Sample, outcome: str) -> TreatedMean | None:
    r"""Return the mean of those accompanied once they are: :math:`\bar Y_1`, and its error.

    :math:`\sqrt{\sum_c (\sum_{i \in c} w_i(y_i-\bar Y_1))^2} / \sum w`, over the clusters of the
    sample, or its units. Those accompanied from the first period have no comparison and are out.

    Returns
    -------
    TreatedMean or None
        None when the sample says of nobody when he was accompanied, or nobody is seen after.
    """
    after = _after(sample)
    if after is None:
        return None
    y = sample.outcome(outcome)
    rows = np.flatnonzero(after & np.isfinite(y))
    if not rows.size:
        return None
    weight = sample.weights_array[rows]
    value = float(np.average(y[rows], weights=weight))
    groups = sample.cluster_codes if sample.cluster_codes is not None else sample.unit_codes
    own = np.arange(rows.size) if groups is None else groups[rows]
    _, code = np.unique(own, return_inverse=True)
    sums = np.bincount(code, weights=weight * (y[rows] - value))
    error = float(np.sqrt(sums @ sums) / weight.sum()) if len(sums) > 1 else None
    return TreatedMean(value=value, error=error)


def _after(sample: Sample) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    if sample.shape is DataShape.CROSS_SECTION:
        return None if sample.treated is None else np.asarray(sample.treated, dtype=bool)
    if sample.cohorts is None:
        return None
    first = float(sample.times[0])
    own = np.isfinite(sample.cohorts) & (sample.cohorts > first)
    return np.asarray(own & (sample.time_values >= sample.cohorts), dtype=bool)


def _published(one: OutcomeEvaluation, mean: TreatedMean | None) -> TreatedMean | None:
    """Return a mean as it may be printed: of people, rounded as the effect is."""
    error = one.main.effects[0].std_error
    if mean is None or one.sample.rows_are is not RowsAre.PEOPLE or not error:
        return mean
    own = None if mean.error is None else round_error(mean.error)
    value = round_statistic(mean.value, round_error(error), close=True)
    return None if value is None else TreatedMean(value=value, error=own)
