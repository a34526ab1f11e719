"""Two waves of one measure side by side: who was seen at both, and who at one of them only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place, nearest

FloatArray = NDArray[np.float64]
_FEW_MATCHED = 0.5  # of the smaller wave: below, codes are more likely to differ than people


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WavePairs:
    """One measure of the same people at two waves.

    Attributes
    ----------
    before, after : (n,) array
        Only people seen at both waves, in the order of `people`.
    people : (n,) array
    rows : two (n,) int arrays
        Where each person stands in the table, from 0, at each wave.
    n_before, n_after : int
        People with a score at each wave.
    entry : Series
        Score at the first wave of everybody who has one, by person.
    entry_rows : (n_before,) int array
        Where each of them stands in the table, from 0.
    findings : tuple of Finding
        People seen twice at one wave, and waves that hardly meet.
    """

    before: FloatArray
    after: FloatArray
    people: NDArray[Any]
    rows: tuple[NDArray[np.int64], NDArray[np.int64]]
    n_before: int
    n_after: int
    entry: pd.Series[Any]
    entry_rows: NDArray[np.int64]
    findings: tuple[Finding, ...]

    @property
    def n_lost(self) -> int:
        """People of the first wave who have no score at the second."""
        return self.n_before - len(self.people)

    @property
    def n_new(self) -> int:
        """People of the second wave who have no score at the first."""
        return self.n_after - len(self.people)

    def stayed(self) -> NDArray[np.bool_]:
        """Return who of the first wave has a score at the second, in the order of `entry`."""
        return np.asarray(self.entry.index.isin(self.people), dtype=bool)


def pair_waves(
    frame: pd.DataFrame, *, person: str, wave: str, waves: tuple[Any, Any], column: str
) -> WavePairs:
    """Put two waves of a long table side by side.

    A person seen twice at one wave keeps the first row that has a score; the others are reported.

    Parameters
    ----------
    frame : DataFrame
    person, wave, column : str
    waves : (first, second)
        Labels of the two waves, as the table writes them.

    Raises
    ------
    ImpactEvalError
        `missing_column`, `unknown_wave`.
    """
    faults = FindingCollector()
    names = [str(name) for name in frame.columns]
    for role, name in (("person", person), ("wave", wave), ("outcome", column)):
        if name not in names:
            faults.add(Finding.error("missing_column", Place(column=name), role=role, column=name,
                                     nearest=nearest(name, names), known=names[:30]))  # fmt: skip
    faults.raise_if_errors()
    seen_waves = [str(label) for label in pd.unique(frame[wave].dropna())]
    for label in waves:
        if str(label) not in seen_waves:
            faults.add(Finding.error("unknown_wave", Place(column=wave), wave=str(label),
                                     nearest=nearest(str(label), seen_waves),
                                     known=seen_waves[:12]))  # fmt: skip
    faults.raise_if_errors()
    sides = []
    for label in waves:
        scored = _of_wave(frame, frame[wave].astype(str) == str(label), person, column)
        twice = int(scored.index.duplicated().sum())
        if twice:
            faults.add(Finding.warning("duplicated_person_wave", Place(column=person),
                                       wave=str(label), n=twice))  # fmt: skip
        sides.append(scored[~scored.index.duplicated()].dropna(subset=["score"]))
    both = sides[0].index.intersection(sides[1].index)
    faults.add(*_hardly_meet(len(both), len(sides[0]), len(sides[1]), Place(column=person)))
    return WavePairs(
        before=sides[0].loc[both, "score"].to_numpy(dtype=np.float64),
        after=sides[1].loc[both, "score"].to_numpy(dtype=np.float64),
        people=both.to_numpy(),
        rows=(sides[0].loc[both, "row"].to_numpy(), sides[1].loc[both, "row"].to_numpy()),
        n_before=len(sides[0]),
        n_after=len(sides[1]),
        entry=sides[0]["score"],
        entry_rows=sides[0]["row"].to_numpy(),
        findings=faults.findings,
    )


def _of_wave(frame: pd.DataFrame, mask: pd.Series[bool], person: str, column: str) -> pd.DataFrame:
    """Return score and place of each row of a wave, by person, those with a score first."""
    places = np.flatnonzero(mask.to_numpy() & frame[person].notna().to_numpy())
    out = pd.DataFrame(
        {"score": frame[column].to_numpy(dtype=np.float64)[places], "row": places},
        index=pd.Index(frame[person].to_numpy()[places]),
    )
    return out.iloc[np.argsort(out["score"].isna().to_numpy(), kind="stable")]


def _hardly_meet(n: int, before: int, after: int, place: Place) -> tuple[Finding, ...]:
    """Return what to say when few people of one wave are found at the other."""
    smaller = min(before, after)
    if not smaller or n >= _FEW_MATCHED * smaller:
        return ()
    code = "few_matched" if n else "nobody_matched"
    return (Finding.warning(code, place, n=n, n_before=before, n_after=after),)
