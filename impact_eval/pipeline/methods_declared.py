"""From what a study file declares of its method to a design and its covariance."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, nearest
from impact_eval.designs import Design, designs
from impact_eval.designs.options import COVARIANCE
from impact_eval.pipeline.study_models import CovariancePart, MethodPart
from impact_eval.stats.inference.covariances import Covariance, covariance_from_text, covariances


def make_covariance(asked: str | CovariancePart) -> Covariance:
    """Return the covariance a study declares, by its short name or with its options.

    Raises
    ------
    ImpactEvalError
        `unknown_name`; `unknown_option_name`, `option_missing`, and what the covariance refuses.
    """
    if isinstance(asked, str):
        return covariance_from_text(asked)
    kind = covariances.get(asked.name)
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]  # a dataclass
    faults = FindingCollector()
    for option in asked.options:
        if option not in known:
            faults.add(
                Finding.error(
                    "unknown_option_name",
                    option=option,
                    nearest=nearest(option, known),
                    known=known,
                    method=asked.name,
                )
            )
    faults.add(*_options_missing(kind, asked))
    faults.raise_if_errors()
    return kind(**dict(asked.options))


def _options_missing(
    kind: type[Covariance] | type[Design], asked: CovariancePart | MethodPart
) -> list[Finding]:
    needed = [
        item.name
        for item in fields(kind)  # type: ignore[arg-type]  # a dataclass
        if item.default is MISSING and item.default_factory is MISSING
    ]
    return [
        Finding.error("option_missing", option=name, method=asked.name)
        for name in needed
        if name not in asked.options and name != COVARIANCE
    ]


def without_comparison(method: MethodPart | None) -> bool:
    """Return whether a study declares a method that compares with nobody; False without one."""
    return compares(method) is False


def compares(method: MethodPart | None) -> bool | None:
    """Return whether a method compares with who was not helped; None for one that is not known."""
    if method is None or method.name not in designs:
        return None
    return designs.get(method.name).info.counterfactual


def make_design(method: MethodPart) -> Design:
    """Return the design a study declares, with its options and its covariance.

    Raises
    ------
    ImpactEvalError
        `unknown_name`, `option_missing`, `covariance_not_offered`, what `check_options` refuses.
    """
    kind = designs.get(method.name)
    options: dict[str, Any] = dict(method.options)
    offered = {item.name for item in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    if method.covariance is not None:
        if COVARIANCE not in offered:
            asked = method.covariance
            name = asked if isinstance(asked, str) else asked.name
            raise ImpactEvalError(
                Finding.error("covariance_not_offered", method=method.name, name=name)
            )
        options[COVARIANCE] = make_covariance(method.covariance)
    missing = FindingCollector()
    missing.add(*_options_missing(kind, method))
    missing.raise_if_errors()
    return kind(**options)
