"""From a declared outcome to its estimates, its checks and its evidence level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.inference import smallest_detectable_effect
from impact_eval.data.sample import DataShape, Sample
from impact_eval.designs import Design, designs
from impact_eval.diagnostics.assignment import random_assignment
from impact_eval.diagnostics.base import CheckContext, CheckResult, event_study, run_checks
from impact_eval.diagnostics.battery import checks_for
from impact_eval.diagnostics.evidence import EvidenceLevel, evidence_level
from impact_eval.pipeline.dossier import Dossier, dossier_of
from impact_eval.pipeline.results import EstimateRecord
from impact_eval.pipeline.study_models import (
    Bilingual,
    MethodPart,
    OutcomePart,
    ProtocolPart,
    Text,
)
from impact_eval.stats.covariance import Clustered, Robust

NAIVE = "twfe"
HEADLINE = "simple"
RANDOMISED = 4


@dataclass(frozen=True, kw_only=True)
class OutcomeEvaluation:
    """Everything found on one outcome, in memory.

    Attributes
    ----------
    part : OutcomePart
    sample : Sample
    design : Design
    fitted : Estimate
        As the design gave it (group-time cells when it makes them).
    main : Estimate
        The headline, one row.
    event, naive : Estimate or None
    checks : tuple of CheckResult
    evidence : EvidenceLevel
    dossier : Dossier
    """

    part: OutcomePart
    sample: Sample
    design: Design
    fitted: Estimate
    main: Estimate
    dossier: Dossier
    event: Estimate | None
    naive: Estimate | None
    checks: tuple[CheckResult, ...]
    evidence: EvidenceLevel


def make_design(method: MethodPart) -> Design:
    """Return the design a study declares, with its options and its covariance.

    Raises
    ------
    ImpactEvalError
        `unknown_name`, `unknown_option`, `covariance_not_offered`.
    """
    kind = designs.get(method.name)
    options: dict[str, Any] = dict(method.options)
    offered = {item.name for item in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    if method.covariance is not None:
        if "covariance" not in offered:
            raise ImpactEvalError(
                Finding.error("covariance_not_offered", method=method.name, name=method.covariance)
            )
        options["covariance"] = (
            Robust(method.covariance)
            if method.covariance.startswith("HC")
            else Clustered(correction=method.covariance)
        )
    return kind(**options)


def evaluate_outcome(
    part: OutcomePart,
    sample: Sample,
    column: str,
    method: MethodPart,
    *,
    protocol: ProtocolPart,
    seed: int,
) -> OutcomeEvaluation:
    """Estimate one outcome, check it, and grade the evidence.

    Parameters
    ----------
    part : OutcomePart
    sample : Sample
    column : str
        The outcome's column in the sample.
    method : MethodPart
    protocol : ProtocolPart
        Whether a draw decided who was treated, and whether its record is there.
    seed : int
        Of the checks that draw.
    """
    design = make_design(method)
    fitted = design.fit(sample, column)
    main = headline(fitted)
    event = event_study(fitted)
    context = CheckContext(
        sample=sample, outcome=column, design=design, estimate=main, event=event, seed=seed
    )
    checks = run_checks(checks_for(design.info, sample), context)
    if design.info.evidence_ceiling == RANDOMISED:
        recorded = protocol.draw_record is not None
        checks = (random_assignment(protocol.randomised, recorded=recorded), *checks)
    dossier = dossier_of(sample, column, design, main, curve=part.primary, seed=seed)
    return OutcomeEvaluation(
        part=part,
        sample=sample,
        design=design,
        fitted=fitted,
        main=dossier.main,
        dossier=dossier,
        event=event,
        naive=_naive(design, sample, column),
        checks=checks,
        evidence=evidence_level(design.info, checks),
    )


def headline(estimate: Estimate) -> Estimate:
    """Return the one row that answers the question: the overall effect."""
    if estimate.aggregator is not None and HEADLINE in estimate.aggregator.kinds:
        estimate = estimate.aggregate(HEADLINE)
    return estimate.select([0])


def _naive(design: Design, sample: Sample, column: str) -> Estimate | None:
    """Return the usual shortcut on a panel, shown beside the estimate; None when it refuses."""
    if design.info.name == NAIVE or not design.info.counterfactual:
        return None
    if sample.shape is not DataShape.PANEL:
        return None
    try:
        return headline(designs.get(NAIVE)().fit(sample, column))
    except ImpactEvalError:
        return None


def bilingual(text: Text) -> dict[str, str | None]:
    """Return a text of the study file as both languages."""
    if isinstance(text, Bilingual):
        return {"fr": text.fr, "en": text.en}
    return {"fr": text, "en": text}


def records_of(found: OutcomeEvaluation) -> Iterator[EstimateRecord]:
    """Yield the records of one outcome for `results.json`, the headline first."""
    yield _record(found, found.main, "main")
    if found.dossier.analytic is not None:
        yield _record(found, found.dossier.analytic, "analytic")
    if found.event is not None:
        yield _record(found, found.event, "event")
    if len(found.fitted) > 1 and found.fitted.aggregator is not None:
        yield _record(found, found.fitted, "cells")
    if found.naive is not None:
        yield _record(found, found.naive, "naive")


def _record(found: OutcomeEvaluation, estimate: Estimate, role: Any) -> EstimateRecord:
    effect = estimate.effects[0]
    is_main = role == "main"
    return EstimateRecord(
        outcome=found.part.id,
        label=bilingual(found.part.label),
        unit=found.part.unit.value,
        direction=found.part.direction.value,
        primary=found.part.primary,
        role=role,
        question={"outcome": found.part.id, "estimand": estimate.estimand},
        estimate=estimate.to_dict(),
        bands=_bands(estimate) if role == "event" else (),
        evidence=found.evidence.to_dict() if is_main else None,
        smallest_detectable=smallest_detectable_effect(effect.std_error, df=effect.df)
        if is_main and effect.std_error
        else None,
        declared_smallest_effect=found.part.smallest_effect,
        mean_comparison=_mean_comparison(found) if is_main else None,
    )


def _bands(estimate: Estimate) -> tuple[dict[str, Any], ...]:
    table = estimate.bands()
    return tuple(
        {"key": effect.key, "conf_low": _finite(low), "conf_high": _finite(high)}
        for effect, low, high in zip(
            estimate.effects, table["conf_low"], table["conf_high"], strict=True
        )
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _mean_comparison(found: OutcomeEvaluation) -> float | None:
    """Return the mean of the rows not treated: what the effect is read against."""
    values = found.sample.outcome(found.fitted.outcome)
    rows = np.isfinite(values)
    if found.sample.treated is not None:
        rows &= ~found.sample.treated
    return float(values[rows].mean()) if rows.any() else None
