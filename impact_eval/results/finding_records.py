"""What was noticed and what cannot be computed, as records: codes with declared values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from impact_eval.core.findings import Finding, NotApplicable, Place, Severity
from impact_eval.results.record_base import (
    CODE,
    INSIDE,
    VALUES,
    Code,
    Record,
    Rule,
)
from impact_eval.results.record_base import COLUMN as COLUMN_RULE
from impact_eval.results.value_names import NAMES, PAIRS, Declared, Value, ValueKind, declared, fits

_JSON = {
    ValueKind.COUNT: {"type": ["integer", "null"], "minimum": 0},
    ValueKind.NUMBER: {"type": ["number", "null"]},
    ValueKind.TEXT: {"type": ["string", "null"]},
    ValueKind.TEXTS: {"type": ["string", "array", "null"], "items": {"type": "string"}},
    ValueKind.FLAG: {"type": ["boolean", "null"]},
    ValueKind.ANY: {
        "type": ["string", "number", "array", "null"],
        "items": {"type": ["string", "number", "null"]},
    },
}


def _known(values: dict[str, Value]) -> dict[str, Value]:
    """Refuse a value that no table declares."""
    names = {*NAMES, *(name for _, name in PAIRS)}
    unknown = sorted(set(values) - names)
    if unknown:
        raise PydanticCustomError("unknown_value", "unknown_value {names}", {"names": unknown})
    return values


def _schema() -> dict[str, object]:
    """Return the JSON Schema of the values: every name with its kind, nothing else."""
    names: dict[str, list[Declared]] = {}
    for name, item in (*NAMES.items(), *((name, item) for (_, name), item in PAIRS.items())):
        names.setdefault(name, []).append(item)
    properties: dict[str, object] = {}
    for name, items in sorted(names.items()):
        kinds = sorted({item.kind for item in items})
        shapes = [_JSON[kind] for kind in kinds]
        properties[name] = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    return {"type": "object", "additionalProperties": False, "properties": properties}


FindingValues: TypeAlias = Annotated[
    dict[str, Value], AfterValidator(_known), WithJsonSchema(_schema()), VALUES
]


def checked(code: str, values: Mapping[str, Value]) -> None:
    """Refuse values that are not of the kind their code declares."""
    wrong = sorted(n for n, value in values.items() if not fits(value, declared(code, n).kind))
    if wrong:
        raise PydanticCustomError("wrong_value", "wrong_value {names}", {"names": wrong})


def published_values(code: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values of a code that a results file may hold: what nobody declared stays out."""
    return {
        name: _finite(value)
        for name, value in values.items()
        if declared(code, name).rule is not Rule.INSIDE and fits(value, declared(code, name).kind)
    }


def _finite(value: Value) -> Value:
    """Return a value that JSON can hold: what is not finite is empty."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


class PlaceRecord(Record):
    """Where something was found; a row is one person's and never leaves."""

    file: Annotated[str | None, CODE]
    """Name of the file."""
    column: Annotated[str | None, COLUMN_RULE]
    """Column, when the study uses it."""
    row: Annotated[int | None, INSIDE]
    """Row of the table: in memory only."""
    key: Annotated[str | None, CODE]
    """Key of the study file."""

    @classmethod
    def of(cls, place: Place | None) -> PlaceRecord | None:
        """Return the record of a place."""
        if place is None:
            return None
        return cls(file=place.file, column=place.column, row=place.row, key=place.key)


class FindingRecord(Record):
    """One thing noticed: a stable code, its weight, the values its sentence needs, its place."""

    code: Code
    """Stable code; its words are in the catalogues."""
    severity: Severity
    """Whether it refuses, lowers trust, or explains."""
    values: FindingValues
    """What its sentence needs; an empty value is withheld."""
    place: PlaceRecord | None
    """Where."""

    def model_post_init(self, context: object, /) -> None:
        """Hold the values to what their code declares."""
        checked(self.code, self.values)

    @classmethod
    def of(cls, finding: Finding) -> FindingRecord:
        """Return the record of a finding."""
        return cls(
            code=finding.code,
            severity=finding.severity,
            values=published_values(finding.code, finding.values),
            place=PlaceRecord.of(finding.place),
        )

    def to_finding(self) -> Finding:
        """Return the finding."""
        at = self.place
        place = None if at is None else Place(at.file, at.column, at.row, at.key)
        return Finding(self.code, self.severity, self.values, place)


class NoticedRecord(FindingRecord):
    """A finding with the outcomes it was noticed on."""

    outcomes: Annotated[tuple[str, ...], CODE]
    """Identifiers of the outcomes."""


class RefusalRecord(Record):
    """What cannot be computed, and why."""

    not_applicable: Code
    """Code of the reason."""
    values: FindingValues
    """What its sentence needs."""

    @classmethod
    def of(cls, reason: NotApplicable) -> RefusalRecord:
        """Return the record of a reason."""
        values = published_values(reason.reason, reason.values)
        return cls(not_applicable=reason.reason, values=values)


def declared_only(data: object) -> object:
    """Return JSON whose findings and refusals hold declared values alone, deeply.

    For content that was written before it had a record: what nobody declared stays out.
    """
    if isinstance(data, list):
        return [declared_only(item) for item in data]
    if not isinstance(data, dict):
        return data
    out = {name: declared_only(value) for name, value in data.items()}
    code = out.get("code") if "severity" in out else out.get("not_applicable")
    values = out.get("values")
    if isinstance(code, str) and isinstance(values, dict):
        listed = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
        out["values"] = published_values(code, listed)
    return out
