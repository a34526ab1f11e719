"""Codes that the labels of a file say are yes and no, whatever the numbers: 1 and 2, 0 and 1.

A survey's file where 1 is « Oui » and 2 is « Non », or 0 is « Oui », is read by its labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data.value_labels import Wordings, carried_labels, missing_label
from impact_eval.data.yes_no import is_tick, yes_or_no

_ANSWERS = ("treatment", "covariates")
_PLAIN = {"1": "oui", "0": "non"}


def yes_no_by_label(
    frame: pd.DataFrame,
    faults: FindingCollector,
    *,
    roles: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> pd.DataFrame:
    """Return a table whose columns of labelled yes and no hold 1 and 0.

    Parameters
    ----------
    frame : DataFrame
        With the labels of its file, if it has any; it is not changed.
    faults : FindingCollector
        Receives `yes_no_by_label` when codes were changed.
    roles : mapping of role to columns
        Those of people, dates and weights are not answers, whatever their labels say.

    Examples
    --------
    >>> entry = {"name": "aide", "labels": {"1": "Oui", "2": "Non"}}
    >>> frame = pd.DataFrame({"aide": [1, 2, 2]})
    >>> frame.attrs["reading"] = {"dictionary": [entry]}
    >>> yes_no_by_label(frame, FindingCollector())["aide"].tolist()
    [1.0, 0.0, 0.0]
    """
    left = {c for role, columns in roles.items() if role not in _ANSWERS for c in columns}
    new: dict[str, pd.Series[Any]] = {}
    for name, labels in carried_labels(frame).items():
        if name in left or list(frame.columns).count(name) != 1:
            continue
        column = frame[name]
        meant = _meant(labels)
        changed = any(float(code) != value for code, value in meant.items())
        if not changed or not pd.api.types.is_numeric_dtype(column):
            continue
        if not set(column.dropna().unique()) <= set(map(float, meant)):
            continue  # a code without its label: the column is judged as it stands
        values = column.astype("float64").map({float(c): v for c, v in meant.items()})
        values.attrs = column.attrs
        new[name] = values
    if not new:
        return frame
    first = next(iter(new))
    faults.add(
        Finding.info("yes_no_by_label", Place(column=first), n=len(new), columns=sorted(new))
    )
    out = frame.assign(**new)
    reading = frame.attrs["reading"]
    told = [{**e, "labels": _PLAIN, "also": {}} if e["name"] in new else e
            for e in reading["dictionary"]]  # fmt: skip
    out.attrs = {**frame.attrs, "reading": {**reading, "dictionary": told}}
    return out


def _meant(labels: Wordings) -> Mapping[str, float]:
    """Return 1 or 0 for each code of labels that are one yes and one no, else nothing."""
    found: dict[str, float] = {}
    for code, names in labels.items():
        if any(missing_label(code, name) is not None for name in names):
            continue
        said = {yes_or_no(name) for name in names if not is_tick(name) and not name.isdigit()}
        meant = said.pop() if len(said) == 1 else None
        if meant is None or not _is_code(code):
            return {}
        found[code] = meant
    return found if sorted(found.values()) == [0.0, 1.0] else {}


def _is_code(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
