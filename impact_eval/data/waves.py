"""Waves side by side, or one table per wave, turned into one row per person and wave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, Place, nearest
from impact_eval.data.pseudonyms import label_text
from impact_eval.data.source_rows import SourceRows

WAVE = "wave"


def missing(role: str, name: str, known: Sequence[str]) -> Finding:
    """Return the refusal of a column that the table does not have, with the nearest."""
    return Finding.error(
        "missing_column",
        Place(column=name),
        role=role,
        column=name,
        nearest=nearest(name, known),
        known=list(known[:30]),
    )


def to_long(
    frame: pd.DataFrame,
    *,
    unit: str | None,
    waves: Sequence[str],
    columns: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """Return one row per person and wave.

    Parameters
    ----------
    frame : DataFrame
        One row per person.
    unit : str or None
        Column of the person; row numbers stand in for it.
    waves : sequence of str
        Names of the waves, in order.
    columns : mapping of str to sequence of str
        For each outcome, its column at each wave.

    Returns
    -------
    DataFrame
        The other columns, `wave`, and one column per outcome. A person without any answer at a
        wave keeps a row there, with missing outcomes: losses are counted downstream.

    Raises
    ------
    ImpactEvalError
        `missing_column`, `waves_mismatch`.

    Examples
    --------
    >>> wide = pd.DataFrame({"code": ["a"], "entry": [3], "exit": [5]})
    >>> to_long(wide, unit="code", waves=["T0", "T1"], columns={"life": ["entry", "exit"]})
      code wave  life
    0    a   T0     3
    1    a   T1     5
    """
    faults = FindingCollector()
    known = [str(name) for name in frame.columns]
    for outcome, names in columns.items():
        if len(names) != len(waves):
            faults.add(
                Finding.error("waves_mismatch", outcome=outcome, n=len(names), needed=len(waves))
            )
        for name in names:
            if name not in known:
                faults.add(missing(outcome, name, known))
    faults.raise_if_errors()
    measured = {name for names in columns.values() for name in names}
    kept = frame[[name for name in frame.columns if name not in measured]]
    if unit is None:
        kept = kept.assign(person=range(1, len(frame) + 1))
    parts = []
    for i, wave in enumerate(waves):
        values = {outcome: frame[names[i]] for outcome, names in columns.items()}
        parts.append(kept.assign(**{WAVE: wave}).assign(**values))
    long = pd.concat(parts, ignore_index=True)
    if (rows := SourceRows.of(frame)).known:  # its index is counted anew
        named = [
            {outcome: names[i] for outcome, names in columns.items()} for i in range(len(waves))
        ]
        rows.repeated(named).put_on(long)
    order = list(dict.fromkeys(waves))  # the order declared, whatever the names
    return long.assign(**{WAVE: pd.Categorical(long[WAVE], categories=order, ordered=True)})


def stack_tables(
    frames: Sequence[pd.DataFrame],
    *,
    unit: str,
    waves: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    lasting: Sequence[str] = (),
) -> pd.DataFrame:
    """Return one row per person and wave, of one table per wave.

    Parameters
    ----------
    frames : sequence of DataFrame
        One per wave, in order; one row per person in each.
    unit : str
        Column of the person, in every table.
    waves : sequence of str
        Names of the waves, in order.
    columns : mapping of str to sequence of str
        For an outcome that the tables name otherwise, its column in each; the other outcomes bear
        one name in all.
    lasting : sequence of str
        Columns that say who a person is (helped or not, age at entry): a table without one takes it
        from the others, by person. A measure is never carried so.

    Returns
    -------
    DataFrame
        The columns of all tables, and `wave`.

    Raises
    ------
    ImpactEvalError
        `missing_column`, `waves_mismatch`, `duplicated_column`, `waves_share_nobody`.

    Examples
    --------
    >>> entry = pd.DataFrame({"code": ["a", "b"], "aide": ["oui", "non"], "vie": [3, 4]})
    >>> later = pd.DataFrame({"code": ["b", "a"], "vie": [4, 6]})
    >>> stack_tables([entry, later], unit="code", waves=["T0", "T1"], columns={}, lasting=["aide"])
      code aide  vie wave
    0    a  oui    3   T0
    1    b  non    4   T0
    2    b  non    4   T1
    3    a  oui    6   T1
    """
    _check_stack(frames, unit, waves, columns)
    parts = []
    for i, (frame, wave) in enumerate(zip(frames, waves, strict=True)):
        renamed = {names[i]: outcome for outcome, names in columns.items()}
        parts.append(frame.rename(columns=renamed).assign(**{unit: _labels(frame[unit])}))
        parts[i][WAVE] = wave
    for name in lasting:
        _carry(parts, unit, name)
    long = pd.concat(parts, ignore_index=True)
    if any(SourceRows.of(frame).known for frame in frames):
        SourceRows.stacked(_sources(frames, columns)).put_on(long)
    order = list(dict.fromkeys(waves))
    return long.assign(**{WAVE: pd.Categorical(long[WAVE], categories=order, ordered=True)})


def _sources(
    frames: Sequence[pd.DataFrame], columns: Mapping[str, Sequence[str]]
) -> list[SourceRows]:
    """Return where the rows of each table stand, its columns under the names of the outcomes."""
    return [
        SourceRows.of(frame).called({outcome: names[i] for outcome, names in columns.items()})
        for i, frame in enumerate(frames)
    ]


def _labels(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the labels of people in one spelling: a file writes 7 where the other writes 7.0."""
    return column.map(label_text, na_action="ignore").astype("object")


def _carry(parts: list[pd.DataFrame], unit: str, name: str) -> None:
    """Give a column that some tables lack what the others say of the same people."""
    holders = [part for part in parts if name in part.columns]
    if not holders or len(holders) == len(parts):
        return
    known = pd.concat([part[[unit, name]] for part in holders]).dropna()
    of_person = known.drop_duplicates(unit).set_index(unit)[name]
    for part in parts:
        if name not in part.columns:
            part[name] = part[unit].map(of_person)


def _check_stack(
    frames: Sequence[pd.DataFrame],
    unit: str,
    waves: Sequence[str],
    columns: Mapping[str, Sequence[str]],
) -> None:
    faults = FindingCollector()
    wanted = [(outcome, names) for outcome, names in columns.items()]
    for outcome, names in wanted:
        if len(names) != len(waves):
            faults.add(
                Finding.error("waves_mismatch", outcome=outcome, n=len(names), needed=len(waves))
            )
    for i, frame in enumerate(frames):
        known = [str(name) for name in frame.columns]
        named = [("unit", unit), *((o, names[i]) for o, names in wanted if i < len(names))]
        faults.add(*(missing(role, name, known) for role, name in named if name not in known))
        if WAVE in known:
            faults.add(Finding.error("duplicated_column", Place(column=WAVE), column=WAVE))
    faults.raise_if_errors()
    people = [set(map(label_text, frame[unit].dropna())) for frame in frames]
    for other in people[1:]:
        if not people[0] & other:
            n, of = len(people[0]), len(other)
            faults.add(
                Finding.error("waves_share_nobody", Place(column=unit), column=unit, n=n, of=of)
            )
    faults.raise_if_errors()
