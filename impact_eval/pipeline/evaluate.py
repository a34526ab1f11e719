"""`evaluate`: the computation of a study, in named steps, from declaration to results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from impact_eval.core.estimate import FlowStep
from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.core.provenance import fingerprint, sha256, versions
from impact_eval.data.reading import read_table
from impact_eval.data.sample import DataShape, Sample
from impact_eval.data.waves import to_long
from impact_eval.pipeline.estimation import (
    OutcomeEvaluation,
    bilingual,
    evaluate_outcome,
    records_of,
)
from impact_eval.pipeline.notebook import REFUSAL_MIME
from impact_eval.pipeline.results import (
    SCHEMA,
    CheckRecord,
    CovarianceRecord,
    DataRecord,
    Provenance,
    StudyResults,
)
from impact_eval.pipeline.soft import ScoredInstrument, score_instruments
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart, OutcomePart
from impact_eval.pipeline.worth import value_account
from impact_eval.stats.joint import joint_covariance

STEPS = ("read", "score", "estimate", "value", "record")
Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ReadData:
    """A table as read, its fingerprint and the log of its reading."""

    frame: pd.DataFrame
    sha256: str
    log: Mapping[str, Any]


def evaluate(study: Study, told: Told | None = None) -> StudyResults:
    """Compute a study: read, score, estimate, check, value, record.

    Parameters
    ----------
    study : Study
    told : callable, optional
        Told (step, number, steps in all) when a step starts.

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
        return _evaluate(study, told or (lambda *_: None))
    except ImpactEvalError as error:
        _publish_refusal(error)
        raise


def _evaluate(study: Study, told: Told) -> StudyResults:
    def step(name: str) -> None:
        told(name, STEPS.index(name), len(STEPS))

    step("read")
    data = read_data(study, study.declaration.data)
    step("score")
    scored = score_instruments(study, lambda part: read_data(study, part).frame)
    step("estimate")
    found = _estimate_all(study, data, scored)
    step("value")
    account = value_account(study, {e.part.id: e.main for e in found})
    step("record")
    return _record(study, data, scored, found, account)


def read_data(study: Study, part: DataPart) -> ReadData:
    """Read a table of the study: what was recoded or dropped is in its log."""
    frame = read_table(study.path(part.file), sheet=part.sheet)
    log = dict(frame.attrs.get("reading", {}))
    if part.waves is not None:
        frame = to_long(
            frame, unit=part.roles.unit, waves=part.waves.names, columns=part.waves.columns
        )
    return ReadData(frame, fingerprint(frame), log)


def sample_of(frame: pd.DataFrame, part: DataPart) -> Sample:
    """Return the checked sample of a table and its declared roles."""
    roles = part.roles
    return Sample(
        frame,
        unit=roles.unit,
        time=roles.time,
        cohort=roles.cohort,
        treatment=roles.treatment,
        covariates=roles.covariates,
        cluster=roles.cluster,
        strata=roles.strata,
        weights=roles.weights,
    )


def _estimate_all(
    study: Study, data: ReadData, scored: Mapping[str, ScoredInstrument]
) -> tuple[OutcomeEvaluation, ...]:
    """Estimate every outcome; what is refused for several of them is raised together."""
    faults = FindingCollector()
    found: list[OutcomeEvaluation] = []
    sample: Sample | None = None
    for part in study.declaration.outcomes:
        if part.instrument is not None and part.method is None:
            continue  # a score described, not estimated
        try:
            if part.instrument is None:
                sample = sample or sample_of(data.frame, study.declaration.data)
                found.append(_estimate_one(study, part, sample, part.column or ""))
            else:
                instrument = scored[part.instrument]
                own = sample_of(instrument.frame, instrument.part.data)
                found.append(_estimate_one(study, part, own, instrument.column))
        except ImpactEvalError as error:
            faults.add(*(_at_outcome(finding, part) for finding in error.findings))
    faults.raise_if_errors()
    return tuple(found)


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
        seed=declared.study.seed,
    )


def _record(
    study: Study,
    data: ReadData,
    scored: Mapping[str, ScoredInstrument],
    found: tuple[OutcomeEvaluation, ...],
    account: dict[str, Any] | None,
) -> StudyResults:
    declared = study.declaration
    return StudyResults(
        schema=SCHEMA,
        study=study_record(study),
        data=_data_record(study, data, found),
        estimates=tuple(record for e in found for record in records_of(e)),
        covariance=_joint(found),
        checks=tuple(
            CheckRecord(outcome=e.part.id, check=check.to_dict())
            for e in found
            for check in e.checks
        ),
        scores=tuple(_score(declared.outcomes, instrument) for instrument in scored.values()),
        value=account,
        dossier={e.part.id: told for e in found if (told := e.dossier.to_dict())},
        findings=_findings(found),
        provenance=Provenance(
            versions=versions(),
            seed=declared.study.seed,
            data_sha256=data.sha256,
            study_sha256=study.digest,
            run_at=dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        ),
    )


def _data_record(study: Study, data: ReadData, found: tuple[OutcomeEvaluation, ...]) -> DataRecord:
    """Return what the numbers were computed on; without any estimate, the rows as read."""
    file, reading = study.declaration.data.file, dict(data.log)
    first = next((e for e in found if e.part.instrument is None), found[0] if found else None)
    if first is None:
        rows = len(data.frame)
        return DataRecord(
            file=file,
            sha256=data.sha256,
            reading=reading,
            flow=(asdict(FlowStep("read", rows)),),
            n_rows=rows,
            n_units=rows,
            n_periods=1,
            shape=DataShape.CROSS_SECTION.value,
        )
    sample = first.sample
    return DataRecord(
        file=file,
        sha256=data.sha256,
        reading=reading,
        flow=tuple(asdict(step) for step in first.fitted.flow or sample.flow),
        n_rows=sample.n,
        n_units=sample.n_units,
        n_periods=sample.n_periods,
        shape=sample.shape.value,
        times=tuple(str(label) for label in sample.time_labels),
    )


def _score(outcomes: tuple[OutcomePart, ...], scored: ScoredInstrument) -> dict[str, Any]:
    """Return a scored questionnaire under the name its outcome has in the study."""
    label = next((o.label for o in outcomes if o.instrument == scored.part.id), None)
    named = {} if label is None else {"name": bilingual(label)}
    return {**scored.to_dict(), **named}


def study_record(study: Study) -> dict[str, Any]:
    """Return what results say of the study: the declaration without its data roles."""
    part = study.declaration.study
    protocol = study.declaration.protocol
    return {
        "id": part.id,
        "title": bilingual(part.title),
        "territory": part.territory,
        "territory_name": bilingual(part.territory_name) if part.territory_name else None,
        "contract": part.contract,
        "pillar": part.pillar.value,
        "action": bilingual(part.action),
        "public": bilingual(part.public) if part.public else None,
        "period": list(part.period),
        "operator": part.operator,
        "emblematic": part.emblematic,
        "question": bilingual(protocol.question) if protocol.question else None,
        "comparison": bilingual(protocol.comparison) if protocol.comparison else None,
        "randomised": protocol.randomised,
        "logic": {
            step: [bilingual(text) for text in texts] for step, texts in study.declaration.logic
        },
        "privacy": study.declaration.privacy.model_dump(mode="json"),
    }


def _joint(found: tuple[OutcomeEvaluation, ...]) -> CovarianceRecord:
    matrix = joint_covariance([e.main for e in found])
    keys = tuple(f"{e.part.id}/{effect.key}" for e in found for effect in e.main.effects)
    rows = tuple(tuple(v if np.isfinite(v) else None for v in row) for row in matrix.tolist())
    return CovarianceRecord(keys=keys, matrix=rows)


def _findings(found: tuple[OutcomeEvaluation, ...]) -> tuple[dict[str, Any], ...]:
    """Return what was noticed, once each, with the outcomes it was noticed on."""
    told: dict[str, dict[str, Any]] = {}
    for e in found:
        for finding in (*e.sample.findings, *e.fitted.findings, *e.main.findings):
            data = finding.to_dict()
            key = sha256(str(sorted(data.items(), key=str)))
            entry = told.setdefault(key, {**data, "outcomes": []})
            if e.part.id not in entry["outcomes"]:
                entry["outcomes"].append(e.part.id)
    return tuple(told.values())


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
