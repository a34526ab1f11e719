"""From a declared outcome to its estimates, its checks and its evidence level."""

from __future__ import annotations

from dataclasses import dataclass

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs import Design, designs
from impact_eval.diagnostics.assignment_check import random_assignment
from impact_eval.diagnostics.battery import checks_for
from impact_eval.diagnostics.check import CheckContext, CheckResult, event_study, run_checks
from impact_eval.diagnostics.evidence import EvidenceLevel, evidence_level
from impact_eval.diagnostics.refit import headline_estimate
from impact_eval.pipeline.dossier import Dossier, dossier_of
from impact_eval.pipeline.draw_proof import DrawProof
from impact_eval.pipeline.methods_declared import make_design
from impact_eval.pipeline.outcome_unit import refuse_beyond_share
from impact_eval.pipeline.study_models import (
    MethodPart,
    OutcomePart,
    ProtocolPart,
)

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
    noticed : tuple of Finding
        On what the study declares, beside its data.
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
    noticed: tuple[Finding, ...] = ()


def evaluate_outcome(
    part: OutcomePart,
    sample: Sample,
    column: str,
    method: MethodPart,
    *,
    protocol: ProtocolPart,
    draw: DrawProof,
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
        Whether a draw decided who was treated.
    draw : DrawProof
        What its record says.
    seed : int
        Of the checks that draw.

    Raises
    ------
    ImpactEvalError
        `beyond_share`, and what the design refuses.
    """
    design = make_design(method)
    refuse_beyond_share(part, sample, column)
    fitted = design.fit(sample, column)
    main = headline_estimate(fitted)
    event = event_study(fitted)
    context = CheckContext(
        sample=sample, outcome=column, design=design, estimate=main, event=event, seed=seed
    )
    checks = run_checks(checks_for(design.info, sample), context)
    if design.info.evidence_ceiling == RANDOMISED:
        checks = (random_assignment(protocol.randomised, record=draw.record), *checks)
    dossier = dossier_of(
        sample,
        column,
        design,
        main,
        curve=part.primary,
        randomised=protocol.randomised,
        seed=seed,
    )
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
        noticed=draw.findings if protocol.randomised else (),
    )


def _naive(design: Design, sample: Sample, column: str) -> Estimate | None:
    """Return the usual shortcut on a panel, shown beside the estimate; None when it refuses."""
    shortcut = next((kind for kind in designs if sample.shape in kind.info.shortcut_on), None)
    if shortcut is None or shortcut is type(design) or not design.info.counterfactual:
        return None
    try:
        return headline_estimate(shortcut().fit(sample, column))
    except ImpactEvalError:
        return None
