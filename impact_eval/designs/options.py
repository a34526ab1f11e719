"""Options declared once: a field, its type, and what it may be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

from impact_eval.core.findings import Finding, Place

_RULE = "option"
COVARIANCE = "covariance"  # the option that every design whose errors can be chosen has


@dataclass(frozen=True, slots=True)
class OptionRule:
    """What an option may be: one of some values, or a number not below another.

    Attributes
    ----------
    one_of : tuple
        Empty when the option is not a choice.
    low : float or None
    """

    one_of: tuple[Any, ...] = ()
    low: float | None = None

    @property
    def free(self) -> bool:
        """Whether it may be anything of its type."""
        return not self.one_of and self.low is None

    def fault(self, value: Any, *, method: str, name: str, place: Place | None) -> Finding | None:
        """Return why a value cannot be: `unknown_option`, `option_not_number`, `option_too_low`."""
        if self.one_of and value not in self.one_of:
            return Finding.error(
                "unknown_option",
                place,
                option=name,
                name=str(value)[:60],
                known=[str(choice) for choice in self.one_of],
                method=method,
            )
        if self.low is None:
            return None
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            return Finding.error(
                "option_not_number", place, option=name, name=str(value)[:60], method=method
            )
        if value < self.low:
            return Finding.error(
                "option_too_low", place, option=name, value=value, low=self.low, method=method
            )
        return None


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


def rules_of(design: Any) -> dict[str, OptionRule]:
    """Return what a design (or its class) asks of each of its options but the covariance.

    The choices that a design still writes in `info.options` hold for a field that declares none.
    A class that is no dataclass has no field, hence no option.
    """
    kind: type = design if isinstance(design, type) else type(design)
    if not is_dataclass(kind):
        return {}
    written: Mapping[str, tuple[Any, ...]] = design.info.options
    return _rules(kind, written)


@lru_cache(maxsize=256)
def _rules_of_fields(kind: type) -> dict[str, OptionRule]:
    every = fields(kind)
    return {f.name: f.metadata.get(_RULE, OptionRule()) for f in every if f.name != COVARIANCE}


def _rules(kind: type, written: Mapping[str, tuple[Any, ...]]) -> dict[str, OptionRule]:
    return {
        name: replace(rule, one_of=tuple(written[name]))
        if written.get(name) and not rule.one_of
        else rule
        for name, rule in _rules_of_fields(kind).items()
    }


def faults_of(design: Any) -> list[Finding]:
    """Return what is wrong with the options of a design; None stands for what it finds itself."""
    faults = []
    for name, rule in rules_of(design).items():
        value = getattr(design, name)
        if value is None and getattr(type(design), name, None) is None:
            continue
        found = rule.fault(value, method=design.info.name, name=name, place=None)
        faults += [] if found is None else [found]
    return faults
