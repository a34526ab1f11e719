"""What was noticed, and what cannot be computed: codes with values, never sentences.

The words live in the catalogues of the report floor. A module that notices something emits a
`Finding`; a module that cannot compute something returns `NotApplicable`; a door that must refuse
collects every fault and raises one `ImpactEvalError`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from impact_eval.core.shown import Shown, one_line

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = Scalar | tuple[Scalar, ...]

_NOTHING: Mapping[str, Value] = MappingProxyType({})


class Severity(StrEnum):
    """How much a finding weighs: an error refuses, a warning lowers trust, an info explains."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found: a file, a column, a row as its file shows it, a key path.

    In a workbook, also the sheet and the address of the cell (`F14`), as a spreadsheet shows them.
    """

    file: str | None = None
    column: str | None = None
    row: int | None = None
    key: str | None = None
    sheet: str | None = None
    cell: str | None = None

    def to_dict(self) -> dict[str, Scalar]:
        """Return the known parts, as JSON, from the file to the cell."""
        names = ("file", "sheet", "column", "row", "cell", "key")
        parts = {name: getattr(self, name) for name in names}
        return {name: part for name, part in parts.items() if part is not None}


def _plain(value: Any) -> Value:
    """Turn a numpy scalar, list or array into plain JSON-able Python."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return tuple(_scalar(item) for item in items)
    return _scalar(value)


def _scalar(value: Any) -> Scalar:
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def freeze_values(values: Mapping[str, Any]) -> Mapping[str, Value]:
    """Return a read-only copy of `values` holding plain Python scalars and tuples only."""
    return MappingProxyType({name: _plain(value) for name, value in values.items()})


@dataclass(frozen=True, slots=True, repr=False)
class Finding(Shown):
    """One thing noticed: a stable code, its weight, the values its sentence needs, its place.

    Examples
    --------
    >>> Finding.warning("few_clusters", n=8, advised=40).values["n"]
    8
    """

    code: str
    severity: Severity
    values: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)
    place: Place | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", freeze_values(self.values))

    def _line(self) -> str:
        return one_line("Finding", self.code, self.severity.value, **self.values)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Finding, (self.code, self.severity, dict(self.values), self.place))

    @classmethod
    def error(cls, code: str, place: Place | None = None, **values: Any) -> Finding:
        """Make a finding that refuses."""
        return cls(code, Severity.ERROR, values, place)

    @classmethod
    def warning(cls, code: str, place: Place | None = None, **values: Any) -> Finding:
        """Make a finding that lowers trust."""
        return cls(code, Severity.WARNING, values, place)

    @classmethod
    def info(cls, code: str, place: Place | None = None, **values: Any) -> Finding:
        """Make a finding that explains."""
        return cls(code, Severity.INFO, values, place)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        out: dict[str, Any] = {
            "code": self.code,
            "severity": self.severity.value,
            "values": {k: list(v) if isinstance(v, tuple) else v for k, v in self.values.items()},
        }
        if self.place is not None:
            out["place"] = self.place.to_dict()
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """Read back what `to_dict` wrote."""
        place = Place(**data["place"]) if data.get("place") else None
        return cls(data["code"], Severity(data["severity"]), data.get("values", {}), place)


@dataclass(frozen=True, slots=True, repr=False)
class NotApplicable(Shown):
    """What cannot be computed, and the code of the reason why.

    Never None, 0, NaN or a silent drop in its place.
    """

    reason: str
    values: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", freeze_values(self.values))

    def _line(self) -> str:
        return one_line("NotApplicable", self.reason, **self.values)

    def __reduce__(self) -> tuple[Any, ...]:
        return (NotApplicable, (self.reason, dict(self.values)))

    @classmethod
    def because(cls, reason: str, **values: Any) -> NotApplicable:
        """Make one from a reason code and the values its sentence needs."""
        return cls(reason, values)

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as JSON."""
        values = {k: list(v) if isinstance(v, tuple) else v for k, v in self.values.items()}
        return {"not_applicable": self.reason, "values": values}


class ImpactEvalError(Exception):
    """A refusal: every fault found, raised together, once.

    The sentence is made by `renderer`, set by the door of the package, so that this floor holds no
    words; without it the codes and values are shown.

    Attributes
    ----------
    findings : tuple of Finding
        All faults, in the order found.
    """

    renderer: ClassVar[Callable[[ImpactEvalError], str] | None] = None

    def __init__(self, findings: Iterable[Finding] | Finding) -> None:
        self.findings = (findings,) if isinstance(findings, Finding) else tuple(findings)
        super().__init__(self.findings)

    @property
    def codes(self) -> tuple[str, ...]:
        """The stable codes of the faults."""
        return tuple(finding.code for finding in self.findings)

    def __str__(self) -> str:
        if ImpactEvalError.renderer is not None:
            return ImpactEvalError.renderer(self)
        return "\n".join(_bare(finding) for finding in self.findings)

    def _render_traceback_(self) -> list[str]:
        """Show the words, not the stack, in a notebook."""
        return str(self).splitlines()


def _bare(finding: Finding) -> str:
    values = ", ".join(f"{name}={value!r}" for name, value in finding.values.items())
    place = f" at {finding.place.to_dict()}" if finding.place else ""
    return f"[{finding.code}] {values}{place}"


class FindingCollector:
    """Collect findings along a check, then raise all the errors at once.

    Examples
    --------
    >>> faults = FindingCollector()
    >>> faults.add(Finding.error("missing_column", column="age"))
    >>> faults.has_errors
    True
    """

    def __init__(self) -> None:
        self._findings: list[Finding] = []

    def add(self, *findings: Finding) -> None:
        """Keep what was found."""
        self._findings.extend(findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that was found so far."""
        return tuple(self._findings)

    @property
    def has_errors(self) -> bool:
        """Whether anything found so far refuses."""
        return any(finding.severity is Severity.ERROR for finding in self._findings)

    def raise_if_errors(self) -> None:
        """Raise one `ImpactEvalError` with every error found, if there is any."""
        errors = [f for f in self._findings if f.severity is Severity.ERROR]
        if errors:
            raise ImpactEvalError(errors)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate closest to `name` in spelling, or None when none is close.

    Examples
    --------
    >>> nearest("revnu", ["revenu", "age"])
    'revenu'
    """
    pool = {str(candidate).casefold(): str(candidate) for candidate in candidates}
    found = difflib.get_close_matches(str(name).casefold(), pool, n=1, cutoff=0.6)
    return pool[found[0]] if found else None
