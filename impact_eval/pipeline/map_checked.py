"""The value map of a study, read: what `check` and the run tell of it before anything is estimated.

What values an effect takes long to load: `opening` asks for this module only where a map is there.
"""

from __future__ import annotations

from dataclasses import replace

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.machine_faults import machine_faults_told
from impact_eval.pipeline.methods_declared import compares
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import in_both_languages
from impact_eval.value.account.before_estimates import (
    Awaited,
    AwaitedOutcome,
    check_before_estimates,
)
from impact_eval.value.account.doors import ValueMap
from impact_eval.value.account.study_facts import OutcomeFacts

EUROS = "EUR"


def value_map_of(study: Study) -> ValueMap | None:
    """Return the value map that a study names; None without one.

    Raises
    ------
    ImpactEvalError
        Everything that cannot be read in it.
    """
    part = study.declaration.value
    return None if part is None else ValueMap.read(study.path(part.map))


def money_faults(value_map: ValueMap) -> tuple[Finding, ...]:
    """Return what forbids a report of this map: its sentences and figures are in euros."""
    money = value_map.settings.currency
    if money == EUROS:
        return ()
    return (Finding.error("report_in_euros", Place(key="value.map"), found=money),)


def check_study_map(study: Study) -> tuple[Finding, ...]:
    """Read the map that a study names as the run reads it, and hold it against the study file.

    Parameters
    ----------
    study : Study

    Returns
    -------
    tuple of Finding
        All that needs no estimate; nothing without a map. Nothing is written.
    """
    part = study.declaration.value
    try:
        with machine_faults_told():
            value_map = value_map_of(study)
    except ImpactEvalError as error:
        return error.findings
    if part is None or value_map is None:
        return ()
    found = check_before_estimates(value_map, _awaited(study), part.people)
    placed = (_of_file(finding, part.map) for finding in (*value_map.noticed, *found))
    return (*money_faults(value_map), *placed)


def _awaited(study: Study) -> Awaited:
    """Return what the study file says of each outcome that the run will estimate."""
    out = {}
    for part in study.declaration.outcomes:
        method, label = study.method_of(part), in_both_languages(part.label)
        if part.instrument is not None and method is None:
            continue  # a score described, not estimated
        facts = OutcomeFacts(
            labels=tuple(text for text in (label.fr, label.en) if text),
            unit=part.unit,
            direction=part.direction,
        )
        out[part.id] = AwaitedOutcome(facts=facts, compared=compares(method))
    return out


def _of_file(finding: Finding, name: str) -> Finding:
    """Return a finding that names the file of the map."""
    place = finding.place or Place()
    return finding if place.file else replace(finding, place=replace(place, file=name))
