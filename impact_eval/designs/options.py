"""Options declared once: a field, its type, and what it may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Any

from impact_eval.core.findings import Finding, Place
from impact_eval.designs.option_kinds import Kind, kinds_of

_RULE = "option"
COVARIANCE = "covariance"  # the option that every design whose errors can be chosen has


@dataclass(frozen=True, slots=True)
class OptionRule:
    """What an option may be: of a kind, one of some values, or a number not below another.

    Attributes
    ----------
    one_of : tuple
        Empty when the option is not a choice.
    low : float or None
    kind : Kind or None
        What the type of its field asks for; None when that says nothing.
    optional : bool
        Whether None is its default: the design finds the value by itself.
    """

    one_of: tuple[Any, ...] = ()
    low: float | None = None
    kind: Kind | None = None
    optional: bool = False

    def fault(self, value: Any, *, method: str, name: str, place: Place | None) -> Finding | None:
        """Return why a value cannot be, or None.

        The codes are `unknown_option`, `option_too_low`, and those of `Kind.fault`.
        """
        if value is None and self.optional:
            return None
        if self.one_of:
            return (
                None if _among(value, self.one_of) else self._no_choice(value, method, name, place)
            )
        kind = self.kind or (None if self.low is None else Kind(float))
        found = None if kind is None else kind.fault(value, method=method, name=name, place=place)
        if found is not None or self.low is None or value is None or value >= self.low:
            return found
        return Finding.error(
            "option_too_low", place, option=name, value=value, low=self.low, method=method
        )

    def _no_choice(self, value: Any, method: str, name: str, place: Place | None) -> Finding:
        return Finding.error(
            "unknown_option",
            place,
            option=name,
            name=str(value)[:60],
            known=[str(choice) for choice in self.one_of],
            method=method,
        )


def _among(value: Any, choices: tuple[Any, ...]) -> bool:
    """Whether a value is one of some: only what is plain is compared, an array has no answer."""
    plain = isinstance(value, (str, int, float, tuple, Enum))
    return any(value is choice or (plain and value == choice) for choice in choices)


def option(default: Any, *, one_of: Iterable[str] = (), low: float | None = None) -> Any:
    """Declare an option of a design: its default, and the values that it may take.

    Parameters
    ----------
    default
        None where the design finds the value by itself.
    one_of : iterable of str
        The choices, were they the members of a `StrEnum`.
    low : float, optional
        The least that a number may be.

    Returns
    -------
    The field of a dataclass, whose type is that of the default.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Design:
    ...     variance: str = option("plain", one_of=("plain", "robust"))
    >>> Design().variance, Design(variance="robust").variance
    ('plain', 'robust')
    """
    rule = OptionRule(tuple(str(value) for value in one_of), low)
    return field(default=default, metadata={_RULE: rule})


def choices_of(kind: type[Any]) -> dict[str, tuple[Any, ...]]:
    """Return the choices of each option of a design but the covariance, empty where it has none.

    Types are not read: when a design is registered, those below it in its module do not exist yet.
    """
    return {name: rule.one_of for name, rule in _declared(kind).items()}


def rules_of(design: Any) -> dict[str, OptionRule]:
    """Return what a design (or its class) asks of each of its options but the covariance.

    The choices that a design still writes in `info.options` hold for a field that declares none;
    the type of a field holds for every option. A class that is no dataclass has no field, hence
    no option.
    """
    kind: type = design if isinstance(design, type) else type(design)
    kinds = kinds_of(kind)
    return {name: replace(rule, kind=kinds.get(name)) for name, rule in _declared(kind).items()}


def _declared(kind: Any) -> dict[str, OptionRule]:
    made: bool = is_dataclass(kind)
    written: Mapping[str, tuple[Any, ...]] = kind.info.options if made else {}
    return {
        name: replace(rule, one_of=tuple(written[name]))
        if written.get(name) and not rule.one_of
        else rule
        for name, rule in (_rules_of_fields(kind) if made else {}).items()
    }


@lru_cache(maxsize=256)
def _rules_of_fields(kind: Any) -> dict[str, OptionRule]:
    return {
        f.name: replace(f.metadata.get(_RULE, OptionRule()), optional=f.default is None)
        for f in fields(kind)
        if f.name != COVARIANCE
    }


def faults_of(design: Any) -> list[Finding]:
    """Return what is wrong with the options of a design; None stands for what it finds itself."""
    method = design.info.name
    faults = [
        rule.fault(getattr(design, name), method=method, name=name, place=None)
        for name, rule in rules_of(design).items()
    ]
    return [found for found in faults if found is not None]
