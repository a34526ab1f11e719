"""What a declaration gets wrong: the faults of a frozen model as findings with key paths.

Every file that people write (a study, an instrument, results) is read into models that accept
nothing else. Their faults are told here, in one way: where, what was found, what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from impact_eval.core.findings import Finding, Place, nearest

Location: TypeAlias = "Sequence[int | str]"
# What a model asks for, by the kind of fault found: labels of `wanted`.
_WANTED: Final = {
    "missing": "missing",
    "missing_keyword_only_argument": "missing",
    "extra_forbidden": "unknown",
    "unexpected_keyword_argument": "unknown",
    "enum": "choice",
    "literal_error": "choice",
    "int_type": "whole",
    "int_from_float": "whole",
    "int_parsing": "whole",
    "int_parsing_size": "whole",
    "float_type": "number",
    "float_parsing": "number",
    "finite_number": "number",
    "bool_type": "flag",
    "bool_parsing": "flag",
    "string_type": "text",
    "string_pattern_mismatch": "form",
    "string_too_short": "form",
    "string_too_long": "form",
    "tuple_type": "list",
    "list_type": "list",
    "too_short": "length",
    "too_long": "length",
    "dict_type": "table",
    "mapping_type": "table",
    "dataclass_type": "table",
    "model_type": "table",
    "model_attributes_type": "table",
    "greater_than": "bound",
    "greater_than_equal": "bound",
    "less_than": "bound",
    "less_than_equal": "bound",
}
# Faults whose place ends with a key that is not there, or should not be.
_ABSENT: Final = frozenset(kind for kind, what in _WANTED.items() if what in ("missing", "unknown"))
_BOUNDS = ("gt", "ge", "lt", "le", "min_length", "max_length")
_NOT_BLANK = r"\S"
_LONGEST = 60


def wanted(kind: str) -> str:
    """Return the label of what a model asks for, from the kind of fault that it found.

    Examples
    --------
    >>> wanted("int_type"), wanted("a kind of another release")
    ('wanted.whole', 'wanted.other')
    """
    return f"wanted.{_WANTED.get(kind, 'other')}"


def own_code(detail: ErrorDetails) -> bool:
    """Whether a fault is one that a model raises itself: its message is its code."""
    return detail["type"] == detail["msg"].split(" ")[0]


def key_path(location: Location, data: object, *, first: int = 1, absent: bool = False) -> str:
    """Return the path of a key as a person follows it: `outcomes[2].unit`.

    The names of our own types, which a model adds where a text may be of two kinds, are in no
    file: only what stands in `data` is part of a path.

    Parameters
    ----------
    location : sequence of int or str
        Where the model stopped.
    data : object
        What was read.
    first : int
        Number of the first item of a list.
    absent : bool
        Whether the last part is a key that is not there, or should not be.

    Examples
    --------
    >>> key_path(("a", 0, "str", "b"), {"a": [{"b": 1}]})
    'a[1].b'
    """
    path, node = "", data
    for i, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part + first}]"
            node = node[part] if isinstance(node, (list, tuple)) and part < len(node) else None
        elif (isinstance(node, Mapping) and part in node) or (absent and i == len(location) - 1):
            path += f".{part}" if path else part
            node = node.get(part) if isinstance(node, Mapping) else None
    return path


def place_of(detail: ErrorDetails, data: object, model: type, *, first: int = 1) -> str:
    """Return the path of a fault: it may end with a key of the model that the file leaves out."""
    location = detail["loc"]
    absent = detail["type"] in _ABSENT
    if not absent and location:
        absent = location[-1] in known_keys(model, location)
    return key_path(location, data, first=first, absent=absent)


def model_faults(
    error: ValidationError,
    data: object,
    model: type,
    *,
    file: str | None,
) -> list[Finding]:
    """Return what a model refused, once each, with its file and its key path.

    Parameters
    ----------
    error : ValidationError
    data : object
        What was validated.
    model : type
        Its model: a `BaseModel`, or a dataclass of pydantic.
    file : str or None

    Returns
    -------
    list of Finding
        `unknown_key`, `missing_key`, `wrong_choice`, `blank_text`, `bad_identifier`,
        `too_many_values`, `out_of_bounds`, `wrong_type`, and the codes that the model raises
        itself.
    """
    told: dict[str, Finding] = {}
    details = error.errors(include_url=False)
    tables = [detail for detail in details if _of_a_table(detail)]
    for detail in [d for d in details if not _of_a_table(d)] + tables:
        fault = _Fault(detail, data, model)
        inside = (f"{fault.path}.", f"{fault.path}[")
        echo = _of_a_table(detail) and any(path.startswith(inside) for path in told)
        if not echo and fault.path not in told:
            told[fault.path] = fault.finding(file)
    return list(told.values())


def _of_a_table(detail: ErrorDetails) -> bool:
    """Whether a fault is of a whole table or list: it may only repeat that of what is in it.

    A list is “too short” when one of its items is wrong; a table of two languages is “no text”.
    """
    given = detail.get("input")
    if detail["type"] == "too_short" and isinstance(given, (list, tuple)):
        return len(given) >= int(detail.get("ctx", {}).get("min_length", 0))
    return isinstance(given, Mapping) and detail["type"] == "string_type"


@dataclass(frozen=True, slots=True)
class _Fault:
    """One fault of a model, and what it is a fault of."""

    detail: ErrorDetails
    data: object
    model: type

    @property
    def path(self) -> str:
        return place_of(self.detail, self.data, self.model)

    def finding(self, file: str | None) -> Finding:
        kind, context, path = self.detail["type"], self.detail.get("ctx", {}), self.path
        given = context.get("found", self.detail.get("input"))
        place, found, asked = Place(file=file, key=path), _shown(given), wanted(kind)
        match asked.removeprefix("wanted."):
            case _ if own_code(self.detail):
                return Finding.error(kind, place, key=path, found=found)
            case "unknown":
                name, known = (
                    str(self.detail["loc"][-1]),
                    known_keys(self.model, self.detail["loc"]),
                )
                close = nearest(name, known)
                return Finding.error(
                    "unknown_key", place, key=path, name=name, nearest=close, known=known
                )
            case "missing":
                return Finding.error("missing_key", place, key=path)
            case "choice":
                known = tuple(re.findall(r"'([^']*)'", str(context.get("expected", ""))))
                close = nearest(found, known)
                return Finding.error(
                    "wrong_choice", place, key=path, found=found, nearest=close, known=known
                )
            case "form" if "pattern" in context:
                code = "blank_text" if context["pattern"] == _NOT_BLANK else "bad_identifier"
                return Finding.error(code, place, key=path, found=found)
            case "length" if kind == "too_long":
                n, most = context["actual_length"], context["max_length"]
                return Finding.error("too_many_values", place, key=path, n=n, most=most)
            case "form" | "length" | "bound":
                bound = next((context[name] for name in _BOUNDS if name in context), 0)
                return Finding.error(
                    "out_of_bounds", place, key=path, found=found, bound=bound, rule=kind
                )
        return Finding.error("wrong_type", place, key=path, found=found, expected=asked)


def known_keys(model: type, location: Location) -> tuple[str, ...]:
    """Return the keys allowed beside the last part of a place, by walking the models."""
    owners: list[Any] = [model]
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        named = [owner for owner in owners if owner.__name__ == part]
        below = [
            record
            for owner in owners
            for name, info in _fields(owner).items()
            if part in (name, info.alias)
            for record in _records(info.annotation)
        ]
        owners = below or named or owners
    keys = [info.alias or name for owner in owners for name, info in _fields(owner).items()]
    return tuple(dict.fromkeys(keys))


def _fields(kind: Any) -> Mapping[str, Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_fields
    found: Mapping[str, Any] = getattr(kind, "__pydantic_fields__", {})
    return found


def _records(annotation: Any) -> Iterator[Any]:
    """Yield the models inside a type: of a list, a table, one of several."""
    if _fields(annotation):
        yield annotation
        return
    for argument in get_args(annotation):
        yield from _records(argument)


def _shown(value: Any) -> str:
    text = "" if value and isinstance(value, (Mapping, list, tuple)) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "…"
