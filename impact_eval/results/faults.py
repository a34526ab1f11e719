"""The door of `results.json`: text in, JSON out, and the faults of a record as codes and places."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
# What pydantic finds, told by what was expected; a fault of our own is told by its own code.
_EXPECTED = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "enum": "choice",
    "literal_error": "choice",
    "int_type": "whole",
    "int_from_float": "whole",
    "int_parsing_size": "whole",
    "float_type": "number",
    "finite_number": "number",
    "bool_type": "flag",
    "string_type": "text",
    "string_pattern_mismatch": "form",
    "string_too_short": "form",
    "string_too_long": "form",
    "tuple_type": "list",
    "too_short": "length",
    "too_long": "length",
    "dict_type": "table",
    "model_type": "table",
    "model_attributes_type": "table",
    "greater_than": "bound",
    "greater_than_equal": "bound",
    "less_than": "bound",
    "less_than_equal": "bound",
}
_SEVERAL = frozenset({"too_short", "too_long", "missing"})


class TwiceInFile(ValueError):
    """A key that stands twice in one table of a file: which of the two counts, nobody can say."""


def parsed(text: str) -> Json:
    """Return the content of a JSON text; what JSON leaves open is refused.

    Raises
    ------
    TwiceInFile
        A key stands twice in one table.
    ValueError
        What is no JSON, and a number that no machine holds: NaN, infinity, 1e400.
    """
    found: Json = json.loads(
        text, parse_constant=_no_number, parse_float=_number, object_pairs_hook=_table
    )
    return found


def _no_number(text: str) -> float:
    raise ValueError(text)


def _number(text: str) -> float:
    value = float(text)
    return _no_number(text) if value in (float("inf"), float("-inf")) else value


def _table(pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    out: dict[str, Json] = {}
    for name, value in pairs:
        if name in out:
            raise TwiceInFile(name)
        out[name] = value
    return out


def fault_places(error: ValidationError, data: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return where the faults of a record are, and what was expected there, once each.

    Parameters
    ----------
    error : ValidationError
    data : object
        What was validated: only what stands in it is part of a place.

    Returns
    -------
    places : tuple of str
        Such as `estimates[0].unit`.
    expected : tuple of str
        Labels of `results_fault`.
    """
    faults = error.errors(include_url=False)
    places = dict.fromkeys(_place(fault, data) for fault in faults)
    return tuple(places), tuple(dict.fromkeys(_expected(fault) for fault in faults))


def _expected(fault: ErrorDetails) -> str:
    own = fault["type"] == fault["msg"].split(" ")[0]
    kind = fault["type"] if own else _EXPECTED.get(fault["type"], "other")
    return f"results_fault.{kind}"


def _place(fault: ErrorDetails, data: object) -> str:
    """Return the path of a fault as a person follows it, without the names of our own types."""
    path, node = "", data
    last = len(fault["loc"]) - 1
    for i, part in enumerate(fault["loc"]):
        if isinstance(part, int):
            path += f"[{part}]"
            node = node[part] if isinstance(node, list) and part < len(node) else None
        elif (isinstance(node, dict) and part in node) or (i == last and part.islower()):
            path += f".{part}" if path else part
            node = node.get(part) if isinstance(node, dict) else None
    names = fault.get("ctx", {}).get("names", ())
    about = ", ".join(map(str, names))
    return f"{path} ({about})" if path and about else path or about or "results.json"
