"""All designs on the same question, in one table with the same columns and axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impact_eval.core.estimate import Effect
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.base import Design, options_of
from impact_eval.diagnostics.refit import headline_effect

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """One way of answering the question.

    Attributes
    ----------
    label : str
        Name given by the caller.
    design : str
        Registry name.
    options : mapping
    effect : Effect or None
        None when the design refused these data.
    refusal : tuple of str
        Codes of the refusal.
    ceiling : int
        Evidence ceiling of the design.
    """

    label: str
    design: str
    options: Mapping[str, Any]
    effect: Effect | None
    refusal: tuple[str, ...]
    ceiling: int


@dataclass(frozen=True, slots=True)
class SpecificationCurve:
    """Specifications ordered by estimate, refusals last.

    Attributes
    ----------
    outcome : str
    specifications : tuple of Specification
    low, high : float or None
        Ends of the common axis: all intervals (or estimates without one), and zero.
    """

    outcome: str
    specifications: tuple[Specification, ...]
    low: float | None
    high: float | None

    def tidy(self) -> pd.DataFrame:
        """Return one row per specification, with the columns that figures and tables read."""
        import pandas as pd

        rows = []
        for rank, item in enumerate(self.specifications, start=1):
            effect = item.effect
            rows.append(
                {
                    "rank": rank,
                    "label": item.label,
                    "design": item.design,
                    "estimate": None if effect is None else effect.estimate,
                    "std_error": None if effect is None else effect.std_error,
                    "conf_low": None if effect is None else effect.conf_low,
                    "conf_high": None if effect is None else effect.conf_high,
                    "p_value": None if effect is None else effect.p_value,
                    "n_treated": None if effect is None else effect.n_treated,
                    "n_comparison": None if effect is None else effect.n_comparison,
                    "ceiling": item.ceiling,
                    "refusal": ", ".join(item.refusal) or None,
                }
            )
        return pd.DataFrame(rows)

    @property
    def same_sign(self) -> bool:
        """Whether all estimates have the same sign."""
        signs = {
            item.effect.estimate > 0
            for item in self.specifications
            if item.effect is not None and item.effect.estimate is not None
        }
        return len(signs) <= 1


def specification_curve(
    sample: Sample, outcome: str, specifications: Mapping[str, Design] | Sequence[Design]
) -> SpecificationCurve:
    """Answer the same question with several designs.

    Parameters
    ----------
    sample : Sample
    outcome : str
    specifications : mapping of label to design, or sequence of designs
        A sequence takes registry names as labels (numbered when repeated).

    Returns
    -------
    SpecificationCurve
        A design that refuses the sample keeps its place, with the codes of its refusal.

    References
    ----------
    Simonsohn, U., Simmons, J. and Nelson, L. (2020). doi:10.1038/s41562-020-0912-z
    """
    named = dict(specifications) if isinstance(specifications, Mapping) else _named(specifications)
    found = [_one(label, design, sample, outcome) for label, design in named.items()]
    found.sort(key=_order)
    ends: list[float] = [0.0]
    for item in found:
        effect = item.effect
        if effect is not None:
            parts = (effect.estimate, effect.conf_low, effect.conf_high)
            ends += [part for part in parts if part is not None]
    known = len(ends) > 1
    return SpecificationCurve(
        outcome, tuple(found), min(ends) if known else None, max(ends) if known else None
    )


def _named(designs: Sequence[Design]) -> dict[str, Design]:
    out: dict[str, Design] = {}
    for design in designs:
        name, k = design.info.name, 2
        while name in out:
            name, k = f"{design.info.name}_{k}", k + 1
        out[name] = design
    return out


def _one(label: str, design: Design, sample: Sample, outcome: str) -> Specification:
    effect: Effect | None = None
    refusal: tuple[str, ...] = ()
    try:
        effect = headline_effect(design.fit(sample, outcome))
    except ImpactEvalError as error:
        refusal = error.codes
    return Specification(
        label=label,
        design=design.info.name,
        options=options_of(design),
        effect=effect,
        refusal=refusal,
        ceiling=design.info.evidence_ceiling,
    )


def _order(item: Specification) -> tuple[bool, float]:
    value = None if item.effect is None else item.effect.estimate
    return (value is None, 0.0 if value is None else value)
