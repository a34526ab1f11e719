"""The labels of a sample: one spelling each, and those that a reader would take for one told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.core.vocabulary import LabelsAlike
from impact_eval.data.labels import as_text
from impact_eval.data.number_cells import number_column
from impact_eval.data.odd_cells import SHOWN, place_seen, rows_seen
from impact_eval.data.spellings import as_seen, read_alike

IntArray = NDArray[np.int64]
ONE_SPELLING = ("unit", "time", "cohort", "treatment", "strata", "cluster", "covariates")
READ_ALIKE = frozenset({"unit", "strata", "cluster", "covariates"})  # others know their words


def spell_labels(
    frame: pd.DataFrame,
    roles: Mapping[str, Sequence[str]],
    alike: LabelsAlike,
    faults: FindingCollector,
) -> pd.DataFrame:
    """Return a table whose labels have one spelling each; what looks alike is told or refused.

    Parameters
    ----------
    frame : DataFrame
        It is not changed.
    roles : mapping of role to columns
    alike : LabelsAlike
        What labels that differ by case, accents or dashes are.
    faults : FindingCollector
        Receives `labels_merged`, `labels_alike`, `labels_alike_kept`, `labels_joined`.
    """
    new: dict[str, pd.Series[Any]] = {}
    times = roles.get("time", ())
    for role in ONE_SPELLING:
        for name in roles.get(role, ()):
            if name in new:
                continue
            column = frame[name]
            spelled = as_seen(column)
            column = spelled.column
            if spelled.merged:
                place = Place(column=name)
                faults.add(Finding.info("labels_merged", place, column=name, n=spelled.merged))
            if role in READ_ALIKE and not _is_measure(role, column):
                when = frame[times[0]] if role == "unit" and times else None
                column = _settled(column, role, when, alike, faults)
            if column is not frame[name]:
                new[name] = column
    return frame.assign(**new) if new else frame


def _is_measure(role: str, column: pd.Series[Any]) -> bool:
    """Whether the labels of a covariate are numbers."""
    return role == "covariates" and number_column(column).mostly_numbers


def _settled(
    column: pd.Series[Any],
    role: str,
    when: pd.Series[Any] | None,
    alike: LabelsAlike,
    faults: FindingCollector,
) -> pd.Series[Any]:
    """Join the labels that a reader takes for one, keep them apart, or refuse them."""
    if alike is LabelsAlike.DIFFERENT or pd.api.types.is_numeric_dtype(column):
        return column
    codes, labels = _factorized(column)
    groups = read_alike(list(labels))
    if not groups:
        return column
    if alike is LabelsAlike.SAME:
        return _joined(column, codes, labels, groups, faults)
    together = [_are_seen_together(codes, members, when, role) for members in groups]
    apart = [members for members, both in zip(groups, together, strict=True) if not both]
    name = str(column.name)
    if any(together):
        n = sum(together)
        faults.add(Finding.warning("labels_alike_kept", Place(column=name), column=name, n=n))
    if apart:
        second = np.isin(codes, [members[1] for members in apart])
        rows = rows_seen(column, second, name)
        faults.add(
            Finding.error(
                "labels_alike",
                place_seen(column, second, name),
                column=name,
                n=len(apart),
                examples=[" / ".join(as_text(labels[i]) for i in m[:SHOWN]) for m in apart[:SHOWN]],
                rows=rows,
            )
        )
    return column


def _factorized(column: pd.Series[Any]) -> tuple[IntArray, Sequence[Any]]:
    try:
        codes, labels = pd.factorize(column.astype(object), use_na_sentinel=True)
    except TypeError:  # lists and the like
        codes, labels = pd.factorize(column.astype(str), use_na_sentinel=True)
    return codes.astype(np.int64), list(labels)


def _are_seen_together(
    codes: IntArray, members: Sequence[int], when: pd.Series[Any] | None, role: str
) -> bool:
    """Whether two such units are there at one date: then nothing says that they are one."""
    if role != "unit":
        return False
    if when is None:
        return True
    times = [set(when[codes == member].dropna()) for member in members]
    return any(one & other for one, other in combinations(times, 2))


def _joined(
    column: pd.Series[Any],
    codes: IntArray,
    labels: Sequence[Any],
    groups: Sequence[Sequence[int]],
    faults: FindingCollector,
) -> pd.Series[Any]:
    counts = np.bincount(codes[codes >= 0], minlength=len(labels))
    table = np.empty(len(labels) + 1, dtype=object)
    table[:-1] = labels
    table[-1] = None
    for members in groups:
        kept = max(members, key=lambda i: int(counts[i]))
        for member in members:
            table[member] = as_text(labels[kept])
    name = str(column.name)
    faults.add(Finding.info("labels_joined", Place(column=name), column=name, n=len(groups)))
    joined: pd.Series[Any] = pd.Series(table[codes], index=column.index, name=column.name)
    if isinstance(column.dtype, (pd.CategoricalDtype, pd.StringDtype)):
        joined = joined.astype("category" if column.dtype.name == "category" else column.dtype)
    joined.attrs = column.attrs
    return joined
