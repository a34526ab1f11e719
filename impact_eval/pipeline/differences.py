"""Where two JSON values differ: the key paths, and what stands there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from impact_eval.results.faults import Json


class Nothing:
    """What stands where a key is absent."""


NOTHING = Nothing()


@dataclass(frozen=True, slots=True)
class Differing:
    """One key path at which two values differ.

    Attributes
    ----------
    path : str
        Such as `estimates[0].unit`; empty for the whole.
    one, other : JSON or NOTHING
        What stands there.
    """

    path: str
    one: Json | Nothing
    other: Json | Nothing


def json_changes(one: Json, other: Json, path: str = "") -> Iterator[Differing]:
    """Yield where two JSON values differ, as deep as both have the same form.

    Examples
    --------
    >>> [d.path for d in json_changes({"a": [1, 2], "b": 0}, {"a": [1, 3]})]
    ['a[1]', 'b']
    """
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            inner = f"{path}.{key}" if path else str(key)
            if key in one and key in other:
                yield from json_changes(one[key], other[key], inner)
            else:
                yield Differing(inner, one.get(key, NOTHING), other.get(key, NOTHING))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from json_changes(a, b, f"{path}[{i}]")
    elif json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True):
        yield Differing(path, one, other)


def differences(one: Json, other: Json, path: str = "") -> list[str]:
    """Return the key paths at which two JSON values differ.

    Examples
    --------
    >>> differences({"a": [1, 2], "b": 0}, {"a": [1, 3]})
    ['a[1]', 'b']
    """
    return [found.path for found in json_changes(one, other, path)]
