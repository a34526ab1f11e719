"""`evaluate`: the computation of a study, in named steps, from declaration to results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.data.sample import Sample
from impact_eval.pipeline.draw_proof import draw_proof
from impact_eval.pipeline.editions import earlier_counts
from impact_eval.pipeline.estimation import OutcomeEvaluation, evaluate_outcome
from impact_eval.pipeline.methods_declared import without_comparison
from impact_eval.pipeline.outcome_facts import facts_of
from impact_eval.pipeline.published import published_effect
from impact_eval.pipeline.record import results_of_study
from impact_eval.pipeline.score_outcome import (
    column_of_score,
    of_accompanied,
    with_roles_of_study,
)
from impact_eval.pipeline.shown_kinds import REFUSAL_MIME
from impact_eval.pipeline.soft import ScoredInstrument, score_instruments
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import OutcomePart
from impact_eval.pipeline.study_tables import ReadData, read_tables, sample_of
from impact_eval.pipeline.urgent import tell_operator, urgent_findings
from impact_eval.pipeline.worth import value_section
from impact_eval.results.records import StudyResults

STEPS = ("read", "score", "estimate", "value", "record")
Progress = Callable[[str, int, int], None]


def evaluate(study: Study, progress: Progress | None = None) -> StudyResults:
    """Compute a study: read, score, estimate, check, value, record.

    Parameters
    ----------
    study : Study
    progress : callable, optional
        Called with (step, number, steps in all) when a step starts.

    Returns
    -------
    StudyResults

    Raises
    ------
    ImpactEvalError
        Everything that the data, the designs or the value map refuse, outcome by outcome, together.

    Examples
    --------
    >>> evaluate(Study.read("mon-action/study.toml"))  # doctest: +SKIP
    """
    try:
        return _evaluate(study, progress or (lambda *_: None))
    except ImpactEvalError as error:
        _publish_refusal(error)
        raise


def _evaluate(study: Study, progress: Progress) -> StudyResults:
    def step(name: str) -> None:
        progress(name, STEPS.index(name), len(STEPS))

    step("read")
    tables = read_tables(study)
    data = tables.of(study.declaration.data)
    step("score")
    with tables.refusals_by_name():
        scored = score_instruments(study, lambda part: tables.of(part).frame)
    tell_operator(urgent_findings(scored))
    step("estimate")
    with tables.refusals_by_name():
        found = _estimate_all(study, data, scored)
    step("value")
    published = {e.part.id: published_effect(e) for e in found}
    account = value_section(study, published, facts_of(found), study.declaration.study.seed)
    step("record")
    earlier = earlier_counts(study, data.sha256)
    return results_of_study(study, data, scored, found, account, earlier)


def _estimate_all(
    study: Study, data: ReadData, scored: Mapping[str, ScoredInstrument]
) -> tuple[OutcomeEvaluation, ...]:
    """Estimate every outcome; what is refused for several of them is raised together."""
    faults = FindingCollector()
    found: list[OutcomeEvaluation] = []
    sample: Sample | None = None
    for part in study.declaration.outcomes:
        if part.instrument is not None and study.method_of(part) is None:
            continue  # a score described, not estimated
        try:
            if part.instrument is None:
                sample = sample or sample_of(study, data.frame, study.declaration.data)
                found.append(_estimate_one(study, part, sample, part.column or ""))
            else:
                found.append(_estimate_score(study, part, scored[part.instrument], data.frame))
        except ImpactEvalError as error:
            faults.add(*(_at_outcome(finding, part) for finding in error.findings))
    faults.raise_if_errors()
    return tuple(found)


def _estimate_score(
    study: Study, part: OutcomePart, scored: ScoredInstrument, main: pd.DataFrame
) -> OutcomeEvaluation:
    """Estimate a score: between groups, or, without comparison, of those accompanied alone."""
    column = column_of_score(part, scored.instrument, scored.columns)
    answers = (scored.frame, scored.part, main, study.declaration.data)
    alone = of_accompanied(*answers) if without_comparison(study.method_of(part)) else None
    sample = sample_of(study, *(with_roles_of_study(*answers) if alone is None else alone))
    one = _estimate_one(study, part, sample, column)
    if alone is None:
        return one
    told = Finding.info("change_of_accompanied", outcome=part.id)
    return replace(one, noticed=(*one.noticed, told))


def _at_outcome(finding: Finding, part: OutcomePart) -> Finding:
    place = finding.place or Place(key=f"outcomes.{part.id}")
    return Finding(finding.code, finding.severity, finding.values, place)


def _estimate_one(
    study: Study, part: OutcomePart, sample: Sample, column: str
) -> OutcomeEvaluation:
    method = study.method_of(part)
    if method is None:
        raise ImpactEvalError(Finding.error("no_method", id=part.id))
    declared = study.declaration
    return evaluate_outcome(
        part,
        sample,
        column,
        method,
        protocol=declared.protocol,
        draw=draw_proof(study, sample),
        seed=declared.study.seed,
    )


def _publish_refusal(error: ImpactEvalError) -> None:
    """Leave the findings in the notebook, so that the runner can say them in any language."""
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        return
    if get_ipython() is not None:
        content = {"findings": [finding.to_dict() for finding in error.findings]}
        display({REFUSAL_MIME: content, "text/plain": ", ".join(error.codes)}, raw=True)
