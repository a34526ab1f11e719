"""People followed by a code that they make up: one label a person, whatever the slips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place, nearest
from impact_eval.data.linkage import Linkage, link


@dataclass(frozen=True, slots=True, eq=False)
class LinkedPeople:
    """A table whose codes are one label a person, and what was found on the way.

    Attributes
    ----------
    frame : DataFrame
    findings : tuple of Finding
        Counts alone: how many were matched, in doubt, without a code, and how many by chance.
    """

    frame: pd.DataFrame
    findings: tuple[Finding, ...]


def link_people(
    frame: pd.DataFrame, *, unit: str, wave: str, support: Sequence[str] = ()
) -> LinkedPeople:
    """Give one label to each person of a long table, wave after wave.

    Each wave is matched with the people known so far: exact spelling, then one slip, then two
    where every supporting column agrees. A row in doubt is a person of its own, compared with
    nobody; a row without a code keeps none.

    Parameters
    ----------
    frame : DataFrame
        One row per person and wave.
    unit : str
        Column of the code.
    wave : str
        Column of the wave; waves are taken in the order of the table.
    support : sequence of str
        Columns that do not change (sex, year of birth).

    Returns
    -------
    LinkedPeople

    Raises
    ------
    ImpactEvalError
        `missing_column`, `link_needs_waves` with fewer than two waves.

    References
    ----------
    Yurek, L. A., Vasey, J. and Havens, D. S. (2008). doi:10.1177/0193841X08316676

    Examples
    --------
    >>> table = pd.DataFrame({"code": ["EL01NI", "OU24GR", "ou24gr", "EL01N1"],
    ...                       "wave": ["T0", "T0", "T1", "T1"]})
    >>> link_people(table, unit="code", wave="wave").frame["code"].tolist()
    ['EL01NI', 'OU24GR', 'OU24GR', 'EL01NI']
    """
    waves = list(dict.fromkeys(frame[wave].dropna().astype(str))) if wave in frame.columns else []
    if len(waves) < 2:
        raise ImpactEvalError(
            Finding.error("link_needs_waves", Place(column=wave), column=wave, n=len(waves))
        )
    names = [unit, *support]
    known_columns = [str(name) for name in frame.columns]
    absent = [name for name in names if name not in known_columns]
    if absent:
        raise ImpactEvalError(
            Finding.error("missing_column", Place(column=name), role="support", column=name,
                          nearest=nearest(name, known_columns), known=known_columns[:30])
            for name in absent
        )  # fmt: skip
    written = frame[unit].astype("string")
    labels: list[str | None] = [None if blank else str(x) for x, blank in
                                zip(written, written.isna(), strict=True)]  # fmt: skip
    of = frame[wave].astype(str).to_numpy()
    known = [i for i in range(len(frame)) if of[i] == waves[0]]
    found: list[Finding] = []
    taken = {str(labels[i]) for i in range(len(frame)) if labels[i] is not None}
    for name in waves[1:]:
        rows = [i for i in range(len(frame)) if of[i] == name]
        first = frame.iloc[known][names].assign(
            **{unit: np.array([labels[i] for i in known], dtype=object)}
        )
        linked = link(first, frame.iloc[rows][names], code=unit, support=support)
        found += linked.findings
        _relabel(linked, labels, known, rows, taken)
        matched = {m.second for m in linked.matches}
        known += [row for place, row in enumerate(rows) if place not in matched]
    out = frame.copy()
    out[unit] = pd.Series(labels, index=out.index, dtype=object)
    out.attrs = frame.attrs
    return LinkedPeople(out, tuple(found))


def _relabel(
    linked: Linkage, labels: list[str | None], known: list[int], rows: list[int], taken: set[str]
) -> None:
    """Give the rows of a wave the label of the person they are, or one of their own."""
    person = {m.second: known[m.first] for m in linked.matches}
    doubtful = {doubt.second for doubt in linked.ambiguous}
    used: set[str] = {str(labels[i]) for i in known if labels[i] is not None}
    for place, row in enumerate(rows):
        if place in person:
            labels[row] = labels[person[place]]
        elif labels[row] is not None and (place in doubtful or str(labels[row]) in used):
            labels[row] = _another(str(labels[row]), taken)


def _another(label: str, taken: set[str]) -> str:
    """Return a label that nobody bears, for a row that may be somebody else."""
    number = 2
    while f"{label}#{number}" in taken:
        number += 1
    taken.add(f"{label}#{number}")
    return f"{label}#{number}"
