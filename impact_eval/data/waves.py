"""Turn a table kept with its waves side by side into one row per person and wave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, Place, nearest
from impact_eval.data.source_rows import SourceRows

WAVE = "wave"


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
                faults.add(
                    Finding.error(
                        "missing_column",
                        Place(column=name),
                        role=outcome,
                        column=name,
                        nearest=nearest(name, known),
                        known=known[:30],
                    )
                )
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
        rows.repeated(len(waves)).put_on(long)
    order = list(dict.fromkeys(waves))  # the order declared, whatever the names
    return long.assign(**{WAVE: pd.Categorical(long[WAVE], categories=order, ordered=True)})
