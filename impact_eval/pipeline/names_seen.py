"""Names of a study file that hold what nobody sees: refused, since two names would look like one.

A free text may hold such characters: the pages write them out or drop them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.core.hidden import hidden_in

_NAMES = frozenset({"id", "file", "sheet", "codes", "column", "instrument", "scale", "wave",
                    "definition", "map", "name", "covariance", "draw_record", "territory",
                    "text_columns", "unit", "family"})  # fmt: skip
_ALL_NAMES = frozenset({"roles", "items", "options"})  # every text below is a name


def check_names_seen(raw: Mapping[str, Any], file: str, faults: FindingCollector) -> None:
    """Add each name (identifier, column, file) that holds characters nobody sees.

    Parameters
    ----------
    raw : mapping
        The declaration as it was read.
    file : str
        Name of the study file, told in refusals.
    faults : FindingCollector
        Receives `invisible_characters`.
    """
    for key, name in _names_in(raw, "", named=False):
        signs = hidden_in(name)
        if signs:
            faults.add(
                Finding.error("invisible_characters", Place(file=file, key=key),
                              name=name, signs=tuple(dict.fromkeys(signs)))
            )  # fmt: skip


def _names_in(value: Any, key: str, *, named: bool) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if named:
            yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            below = f"{key}.{name}" if key else str(name)
            yield from _names_in(inner, below, named=named or name in _NAMES | _ALL_NAMES)
    elif isinstance(value, (list, tuple)):
        for at, inner in enumerate(value, 1):
            yield from _names_in(inner, f"{key}[{at}]", named=named)
