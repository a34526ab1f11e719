"""The nouns of measurement quality: what was computed, what was refused, and the whole as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.stats.scales.agreement import IntraclassCorrelation
from impact_eval.stats.scales.cfa import CfaFit
from impact_eval.stats.scales.cfa_ordinal import OrdinalCfaFit
from impact_eval.stats.scales.conditional_rasch import AndersenTest, ConditionalRasch
from impact_eval.stats.scales.dif import DifScreen, OrdinalDif
from impact_eval.stats.scales.factor import FactorSolution
from impact_eval.stats.scales.factor_adequacy import (
    ParallelAnalysis,
    SamplingAdequacy,
    SphericityTest,
)
from impact_eval.stats.scales.invariance_chain import InvarianceVerdict
from impact_eval.stats.scales.irt import IrtFit
from impact_eval.stats.scales.item_fit import ItemFit
from impact_eval.stats.scales.item_statistics import ItemStatistics
from impact_eval.stats.scales.limited_fit import LimitedFit
from impact_eval.stats.scales.omega import Omega, OneFactorOmega
from impact_eval.stats.scales.reliability import Alpha, AlphaBootstrap, FloorCeiling
from impact_eval.stats.scales.split_half import GuttmanBounds, SplitHalf
from impact_eval.survey.invariance import InvarianceReading
from impact_eval.survey.quality_common import CommonGround, common_ground


class QualityMethod(StrEnum):
    """Methods that a small sample is refused, and what to look at in their place."""

    OMEGA = "omega"
    POLYCHORIC = "polychoric"
    FACTOR_ANALYSIS = "factor_analysis"
    CONFIRMATORY = "confirmatory"
    ITEM_RESPONSE = "item_response"
    RETEST = "retest"
    ITEM_REST = "item_rest"
    ALPHA_BOOTSTRAP = "alpha_bootstrap"
    PARTIAL_CREDIT = "partial_credit"
    DIMENSION_COUNT = "dimension_count"
    ITEM_FIT = "item_fit"


LEAST = {
    QualityMethod.OMEGA: 50,
    QualityMethod.POLYCHORIC: 100,
    QualityMethod.FACTOR_ANALYSIS: 100,
    QualityMethod.CONFIRMATORY: 200,
    QualityMethod.ITEM_RESPONSE: 250,
    QualityMethod.PARTIAL_CREDIT: 100,
    QualityMethod.RETEST: 15,
    QualityMethod.DIMENSION_COUNT: 50,
    QualityMethod.ITEM_FIT: 30,
}
_INSTEAD = {
    QualityMethod.OMEGA: QualityMethod.ALPHA_BOOTSTRAP,
    QualityMethod.POLYCHORIC: QualityMethod.ALPHA_BOOTSTRAP,
    QualityMethod.FACTOR_ANALYSIS: QualityMethod.ITEM_REST,
    QualityMethod.CONFIRMATORY: QualityMethod.ITEM_REST,
    QualityMethod.ITEM_RESPONSE: QualityMethod.ITEM_REST,
    QualityMethod.PARTIAL_CREDIT: QualityMethod.ITEM_REST,
    QualityMethod.RETEST: QualityMethod.ALPHA_BOOTSTRAP,
    QualityMethod.DIMENSION_COUNT: QualityMethod.ITEM_REST,
    QualityMethod.ITEM_FIT: QualityMethod.ITEM_REST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How far the answers go together, and the error that remains in a score.

    Attributes
    ----------
    items : ItemStatistics or NotApplicable
    unreversed : tuple of str
        Items that go against the others, beyond what chance would do to one of them.
    alpha : Alpha or NotApplicable
    bootstrap : AlphaBootstrap or NotApplicable
    bounds : GuttmanBounds or NotApplicable
    halves : SplitHalf or NotApplicable
    omega : OneFactorOmega or NotApplicable
    hierarchical : Omega or NotApplicable
        When more than one dimension shows.
    ordinal_alpha, categorical_omega : float or NotApplicable
    std_error_measurement, minimal_detectable_change : float or NotApplicable
        In points of the sum of answers (of the score, when `Scores` were given).
    ends : FloorCeiling or NotApplicable
    retest : IntraclassCorrelation or NotApplicable or None
        Between two close measurements; None when only one was given.
    """

    items: ItemStatistics | NotApplicable
    unreversed: tuple[str, ...]
    alpha: Alpha | NotApplicable
    bootstrap: AlphaBootstrap | NotApplicable
    bounds: GuttmanBounds | NotApplicable
    halves: SplitHalf | NotApplicable
    omega: OneFactorOmega | NotApplicable
    hierarchical: Omega | NotApplicable
    ordinal_alpha: float | NotApplicable
    categorical_omega: float | NotApplicable
    std_error_measurement: float | NotApplicable
    minimal_detectable_change: float | NotApplicable
    ends: FloorCeiling | NotApplicable
    retest: IntraclassCorrelation | NotApplicable | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """How many things the scale measures, and how each item takes part.

    Attributes
    ----------
    adequacy : SamplingAdequacy or NotApplicable
    sphericity : SphericityTest or NotApplicable
    parallel : ParallelAnalysis or NotApplicable
    components_by_map : int or NotApplicable
        Velicer's number of components.
    factors : FactorSolution or NotApplicable
        With the number of factors that parallel analysis keeps; none when it keeps none.
    confirmatory : CfaFit or OrdinalCfaFit or NotApplicable
        One factor.
    item_response : IrtFit or NotApplicable
    trait_reliability : float or NotApplicable
        Of latent scores.
    conditional : ConditionalRasch or NotApplicable
        Places of the items given the totals: from 30 persons with two answers, 100 with more.
    item_fit : ItemFit or NotApplicable
        Of the conditional model, given the totals.
    same_places : AndersenTest or NotApplicable
        Whether the items keep their places from low totals to high ones.
    limited : LimitedFit or NotApplicable
        M2 or C2 of `item_response`.
    """

    adequacy: SamplingAdequacy | NotApplicable
    sphericity: SphericityTest | NotApplicable
    parallel: ParallelAnalysis | NotApplicable
    components_by_map: int | NotApplicable
    factors: FactorSolution | NotApplicable
    confirmatory: CfaFit | OrdinalCfaFit | NotApplicable
    item_response: IrtFit | NotApplicable
    trait_reliability: float | NotApplicable
    conditional: ConditionalRasch | NotApplicable
    item_fit: ItemFit | NotApplicable
    same_places: AndersenTest | NotApplicable
    limited: LimitedFit | NotApplicable


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """The measurement quality of a scale in one table.

    Attributes
    ----------
    names : tuple of str
        Items.
    n, n_complete : int
        Persons with at least one answer, and with all of them.
    consistency : Consistency
    structure : Structure
    dif : DifScreen or NotApplicable or None
        None when no groups were given.
    invariance : tuple of InvarianceReading
        Between groups, then between waves, as asked.
    findings : tuple of Finding
        What to mend or to say beside the score; then one plain reading by statistic.
    """

    names: tuple[str, ...]
    n: int
    n_complete: int
    consistency: Consistency
    structure: Structure
    dif: DifScreen | NotApplicable | None
    invariance: tuple[InvarianceReading, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def common(self) -> CommonGround:
        """Whether the questions measure something in common: no praise where they do not."""
        return common_ground(self.consistency.alpha, self.structure.parallel)

    @property
    def verdict(self) -> InvarianceVerdict:
        """The worst invariance verdict; not testable when nothing was compared."""
        worst = (InvarianceVerdict.FRAGILE, InvarianceVerdict.NOT_TESTABLE, InvarianceVerdict.HOLDS)
        found = {reading.verdict for reading in self.invariance}
        return next((v for v in worst if v in found), InvarianceVerdict.NOT_TESTABLE)

    def refusals(self) -> dict[str, NotApplicable]:
        """Return what could not be computed, by the name of its field."""
        out: dict[str, NotApplicable] = {}
        for part in (self.consistency, self.structure):
            for field in fields(part):
                value = getattr(part, field.name)
                if isinstance(value, NotApplicable):
                    out[field.name] = value
        if isinstance(self.dif, NotApplicable):
            out["dif"] = self.dif
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return every number and every reason, as JSON; no row of a person."""
        return {
            "names": list(self.names),
            "n": self.n,
            "n_complete": self.n_complete,
            "verdict": self.verdict.value,
            "common": self.common.value,
            "consistency": as_json(self.consistency),
            "structure": _structure_json(self.structure),
            "dif": _dif_json(self.dif),
            "invariance": [reading.to_dict() for reading in self.invariance],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def needs_more(method: QualityMethod, n: int) -> NotApplicable | None:
    """Return the refusal of a method when there are too few persons for it."""
    least = LEAST[method]
    if n >= least:
        return None
    return NotApplicable.because(
        "quality_needs_more_persons", method=method.value, n=n, advised=least,
        alternative=_INSTEAD[method].value,
    )  # fmt: skip


def as_json(value: Any) -> Any:
    """Write nested records, arrays and refusals as plain JSON values; NaN becomes null."""
    if isinstance(value, NotApplicable):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(inner) for inner in value]
    if isinstance(value, np.generic):
        return as_json(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _structure_json(structure: Structure) -> dict[str, Any]:
    # Fits hold rows of persons: only their indices and parameters go out.
    out = {
        field.name: as_json(getattr(structure, field.name))
        for field in fields(structure)
        if field.name not in ("confirmatory", "item_response", "conditional")
    }
    placed = structure.conditional
    if isinstance(placed, NotApplicable):
        out["conditional"] = placed.to_dict()
    else:
        out["conditional"] = {
            "n": placed.n,
            "n_used": placed.n_used,
            "log_likelihood": placed.log_likelihood,
            "steps": as_json(placed.steps),
            "std_error": as_json(placed.std_error),
        }
    fit, trait = structure.confirmatory, structure.item_response
    if isinstance(fit, NotApplicable):
        out["confirmatory"] = fit.to_dict()
    else:
        out["confirmatory"] = {
            "estimator": fit.estimator.value,
            "n": sum(fit.n),
            "comparative": as_json(fit.comparative),
            "scaled": as_json(fit.scaled),
            "robust": as_json(fit.robust),
            "residual": as_json(fit.residual),
            "improper": fit.improper,
        }
    if isinstance(trait, NotApplicable):
        out["item_response"] = trait.to_dict()
    else:
        out["item_response"] = {
            "model": trait.model.value,
            "n": trait.n,
            "log_likelihood": trait.log_likelihood,
            "slopes": as_json(trait.items.slopes),
            "difficulties": as_json(trait.difficulties),
            "latent_sd": trait.latent_sd,
        }
    return out


def _dif_json(dif: DifScreen | NotApplicable | None) -> Any:
    if dif is None or isinstance(dif, NotApplicable):
        return as_json(dif)
    items = [
        result.to_dict()
        if isinstance(result, NotApplicable)
        else {
            "item": result.item,
            "size": result.size.value,
            "flagged": result.flagged,
            "p_value": result.total.p_value if isinstance(result, OrdinalDif) else result.p_value,
        }
        for result in dif.items
    ]
    return {"flagged": list(dif.flagged), "stable": dif.stable, "items": items}
