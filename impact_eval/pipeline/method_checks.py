"""What is wrong with the method that a study file names: held to what designs say of themselves.

The shipped designs are known without being loaded; one is made when it alone can tell a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place, nearest
from impact_eval.designs.shipped import (
    ShippedOptions,
    options_asked,
    shipped_alone,
    shipped_options,
)
from impact_eval.pipeline.study_models import MethodPart


def check_method(key: str, method: Mapping[str, Any], faults: FindingCollector, file: str) -> None:
    """Add what is wrong with a method: its name, its options, those that do not go together.

    Parameters
    ----------
    key : str
        Where the study file names it.
    method : mapping
        As it was read; its `name` is a text.
    faults : FindingCollector
        Receives `unknown_method`, `unknown_option_name`, and what the design refuses.
    file : str
        Name of the study file, told in refusals.
    """
    name = method["name"]
    asked, known = _asked_of(name)
    if asked is None:
        place = Place(file=file, key=f"{key}.name")
        near = nearest(name, known)
        faults.add(Finding.error("unknown_method", place, name=name, nearest=near, known=known))
        return
    options = method.get("options")
    own = FindingCollector()
    for option, value in (options if isinstance(options, Mapping) else {}).items():
        place = Place(file=file, key=f"{key}.options.{option}")
        fault = option_fault(name, option, value, asked, place)
        own.add(*(() if fault is None else (fault,)))
    if not own.has_errors:
        part = "options" if method.get("covariance") is None else "covariance"
        own.add(*_faults_made(method, asked, Place(file=file, key=f"{key}.{part}")))
    faults.add(*own.findings)


def _asked_of(name: str) -> tuple[ShippedOptions | None, tuple[str, ...]]:
    """Return what a method asks of its options, or None with the names of those there are."""
    if shipped_alone():
        return shipped_options().get(name), tuple(shipped_options())
    from impact_eval.designs import designs

    if name not in designs:
        return None, designs.names()
    return options_asked(designs.get(name)), ()


def option_fault(
    method: str, option: str, value: Any, asked: ShippedOptions, place: Place
) -> Finding | None:
    """Return why a method does not take an option, or this value of it; None when it does."""
    if option in asked.rules:
        return asked.rules[option].fault(value, method=method, name=option, place=place)
    known = list(asked.rules)
    near = nearest(option, known)
    return Finding.error(
        "unknown_option_name", place, option=option, nearest=near, known=known, method=method
    )


def _faults_made(
    method: Mapping[str, Any], asked: ShippedOptions, place: Place
) -> tuple[Finding, ...]:
    """Make the design as declared: what its covariance lacks, or cannot be, is told at once.

    So is what a design refuses by itself, such as options that do not go together. One that cannot
    refuse any more is not made: its options passed their rules one by one.
    """
    try:
        declared = MethodPart.model_validate(method)
    except ValidationError:
        return ()  # its form is told by the reading of the file
    served = declared.covariance is None or asked.takes(declared.covariance, declared.options)
    if served and not asked.may_refuse(declared.options):
        return ()
    from impact_eval.pipeline.methods_declared import make_design

    try:
        make_design(declared)
    except ImpactEvalError as error:
        return tuple(replace(finding, place=place) for finding in error.findings)
    return ()
