"""What surrounds a headline: the safe interval when territories are few, and the other designs."""

from __future__ import annotations

from dataclasses import dataclass

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.data.sample import Sample
from impact_eval.designs import Design, designs
from impact_eval.diagnostics.few_clusters import FewClusters, few_clusters_inference
from impact_eval.diagnostics.hidden_difference import Unobserved, unobserved
from impact_eval.diagnostics.specification_curve import SpecificationCurve, specification_curve


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """What surrounds the headline of one outcome.

    Attributes
    ----------
    main : Estimate
        The headline.
    analytic : Estimate or None
        The headline with the usual margin, when it is not reliable here.
    inference : FewClusters or None
    curve : SpecificationCurve or None
    hidden : Unobserved or None
        What would cancel the headline, where nobody drew the groups.
    """

    main: Estimate
    analytic: Estimate | None
    inference: FewClusters | None
    curve: SpecificationCurve | None
    hidden: Unobserved | None


def dossier_of(
    sample: Sample,
    column: str,
    design: Design,
    main: Estimate,
    *,
    curve: bool,
    randomised: bool,
    seed: int,
) -> Dossier:
    """Return the safe headline and what stands beside it.

    Parameters
    ----------
    sample : Sample
    column : str
    design : Design
    main : Estimate
        One row.
    curve : bool
        Whether to answer with the other designs too (the primary outcome).
    randomised : bool
        Whether a draw made the groups: nothing hidden then tells them apart.
    seed : int
    """
    if not design.info.counterfactual:
        return Dossier(main=main, analytic=None, inference=None, curve=None, hidden=None)
    answer = few_clusters_inference(sample, column, design, main, seed=seed)
    inference = None if isinstance(answer, NotApplicable) else answer
    hidden = None
    if design.info.assignment and design.info.covariates and not randomised:
        found = unobserved(sample, column, main.effects[0])
        hidden = None if isinstance(found, NotApplicable) else found
    return Dossier(
        main=main,
        analytic=None if inference is None else inference.textbook,
        inference=inference,
        curve=_curve(sample, column) if curve else None,
        hidden=hidden,
    )


def _curve(sample: Sample, column: str) -> SpecificationCurve | None:
    """Answer with every design of the shape; one that cannot even be made is left out."""
    lines = [(line, kind) for kind in designs for line in kind.info.variants]
    chosen: dict[str, Design] = {}
    for line, kind in sorted(lines, key=lambda pair: (pair[0].rank, pair[0].label)):
        heavy = line.largest is not None and sample.n_units > line.largest
        if sample.shape not in line.shapes or heavy:
            continue
        try:
            chosen[line.label] = kind(**line.options)
        except ImpactEvalError:
            continue
    return specification_curve(sample, column, chosen) if chosen else None
