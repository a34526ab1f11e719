"""Where two JSON values differ: the key paths."""

from __future__ import annotations

import json

from impact_eval.results.faults import Json


def differences(one: Json, other: Json, path: str = "") -> list[str]:
    """Return the key paths at which two JSON values differ.

    Examples
    --------
    >>> differences({"a": [1, 2], "b": 0}, {"a": [1, 3]})
    ['a[1]', 'b']
    """
    if isinstance(one, dict) and isinstance(other, dict):
        found: list[str] = []
        for key in sorted(one.keys() | other.keys()):
            inner = f"{path}.{key}" if path else str(key)
            if key not in one or key not in other:
                found.append(inner)
            else:
                found += differences(one[key], other[key], inner)
        return found
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return [d for i, (a, b) in enumerate(pairs) for d in differences(a, b, f"{path}[{i}]")]
    return [] if json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True) else [path]
