"""The door of `results.json`: text in, JSON out, and the faults of a record as codes and places."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.hidden_text import hidden_key
from impact_eval.core.model_faults import own_code, place_of, wanted

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_MOST_WHOLE = 1 << 64


class TwiceInFile(ValueError):
    """A key that stands twice in one table of a file: which of the two counts, nobody can say."""


def parsed(text: str) -> Json:
    """Return the content of a JSON text; what JSON leaves open is refused.

    Raises
    ------
    TwiceInFile
        A key stands twice in one table.
    ValueError
        What is no JSON, and a number that no machine holds: NaN, infinity, 1e400,
        a whole number of four hundred digits.
    """
    found: Json = json.loads(
        text,
        parse_constant=_no_number,
        parse_float=_number,
        parse_int=_whole,
        object_pairs_hook=_table,
    )
    return found


def depth(data: Json) -> int:
    """Return how many levels a content is nested.

    Examples
    --------
    >>> depth({"a": [1, [2]]}), depth(3)
    (3, 0)
    """
    levels, held = 0, [data]
    while True:
        inner: list[Json] = []
        for part in held:
            if isinstance(part, dict):
                inner.extend(part.values())
            elif isinstance(part, list):
                inner.extend(part)
        if not any(isinstance(part, (dict, list)) for part in held):
            return levels
        levels, held = levels + 1, inner


def refuse_hidden(data: Json, place: Place) -> None:
    """Refuse texts that no report could write.

    Raises
    ------
    ImpactEvalError
        `hidden_in_file`, with the key.
    """
    key = hidden_key(data)
    if key is not None:
        file = place.file or ""
        raise ImpactEvalError(Finding.error("hidden_in_file", place, file=file, key=key))


def _no_number(text: str) -> float:
    raise ValueError(text)


def _number(text: str) -> float:
    value = float(text)
    return _no_number(text) if value in (float("inf"), float("-inf")) else value


def _whole(text: str) -> int:
    value = int(text)
    if abs(value) >= _MOST_WHOLE:
        raise ValueError(text[:60])
    return value


def _table(pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    out: dict[str, Json] = {}
    for name, value in pairs:
        if name in out:
            raise TwiceInFile(name)
        out[name] = value
    return out


def fault_places(
    error: ValidationError, data: object, model: type
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return where the faults of a record are, and what was expected there, once each.

    Parameters
    ----------
    error : ValidationError
    data : object
        What was validated.
    model : type
        Its model: a place holds what stands in the data, or is a key of the model.

    Returns
    -------
    places : tuple of str
        Such as `estimates[0].unit`.
    expected : tuple of str
        Labels of `wanted` and `results_fault`.
    """
    faults = error.errors(include_url=False)
    places = dict.fromkeys(_place(fault, data, model) for fault in faults)
    return tuple(places), tuple(dict.fromkeys(_expected(fault) for fault in faults))


def _expected(fault: ErrorDetails) -> str:
    return f"results_fault.{fault['type']}" if own_code(fault) else wanted(fault["type"])


def _place(fault: ErrorDetails, data: object, model: type) -> str:
    path = place_of(fault, data, model, first=0)
    names = fault.get("ctx", {}).get("names", ())
    about = ", ".join(map(str, names))
    return f"{path} ({about})" if path and about else path or about or "results.json"
