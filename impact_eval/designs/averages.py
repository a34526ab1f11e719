"""Averages of cells, those that have no number included: a row that was asked for says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.effect import Label, key_of
from impact_eval.core.findings import Finding, NotApplicable

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

OVERALL = "att"


@dataclass(frozen=True, slots=True)
class Average:
    """One aggregate: its place, the weights (K,) of its cells, its slope (S,) in the shares.

    One without a number has its `reason`, and no weights; `asked` says which cells it would have.
    `fewer` says that some of the cells asked for have no effect and are not in it.
    """

    term: str
    group: Label
    time: Label
    weights: FloatArray
    slope: FloatArray
    reason: NotApplicable | None = None
    asked: BoolArray | None = None
    fewer: bool = False

    @property
    def key(self) -> str:
        """Short name of its row."""
        return key_of(self.term, self.group, self.time)


def completed(
    found: list[Average], wanted: list[Average], why: Mapping[int, str], *, cells: int, shares: int
) -> list[Average]:
    """Return the averages that were asked for, those without any effect to average included.

    Parameters
    ----------
    found : list of Average
        Of the cells that have an effect.
    wanted : list of Average
        As if all had one.
    why : mapping of int to str
        Codes of why a cell has no effect.
    cells, shares : int
        K and S.

    Returns
    -------
    list of Average
        Those of `wanted`; the last is the overall effect.
    """
    known = {average.key: average for average in found}
    out = [_one(known.pop(row.key, None), row, why) for row in wanted]
    rest = list(known.values())
    overall = [average for average in (*out, *rest) if average.term == OVERALL][:1]
    if not overall:
        nothing = NotApplicable.because("no_effect_asked")
        overall = [_blank(Average(OVERALL, None, None, np.zeros(cells), np.zeros(shares)), nothing)]
    return [*(a for a in (*out, *rest) if a.term != OVERALL), *overall]


def _one(found: Average | None, wanted: Average, why: Mapping[int, str]) -> Average:
    asked = np.flatnonzero(wanted.weights)
    if found is not None:
        return replace(found, fewer=bool(np.count_nonzero(found.weights) < asked.size))
    codes = Counter(why.get(int(k), "cell_not_identified") for k in asked)
    return _blank(wanted, NotApplicable(codes.most_common(1)[0][0]))


def _blank(wanted: Average, reason: NotApplicable) -> Average:
    none = np.zeros_like(wanted.weights), np.zeros_like(wanted.slope)
    place = wanted.term, wanted.group, wanted.time
    return Average(*place, *none, reason=reason, asked=wanted.weights != 0)


def told_of_blanks(averages: list[Average], names: list[str], kind: str) -> tuple[Finding, ...]:
    """Tell the rows without a number, and those that average fewer effects than were asked for.

    Parameters
    ----------
    averages : list of Average
    names : list of str
        As a reader knows them.
    kind : str
        What was asked for.

    Returns
    -------
    tuple of Finding
    """
    pairs = list(zip(averages, names, strict=True))
    blank = [name for a, name in pairs if a.reason is not None and a.term != OVERALL]
    fewer = [name for a, name in pairs if a.fewer]
    found = []
    if averages[-1].reason is not None:
        found.append(Finding.warning("nothing_to_aggregate", kind=kind))
    if blank:
        found.append(Finding.warning("rows_without_effect", kind=kind, n=len(blank), rows=blank))
    if fewer:
        found.append(Finding.warning("average_of_fewer", kind=kind, n=len(fewer), rows=fewer))
    return tuple(found)
