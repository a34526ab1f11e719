r"""Effects of switching treatment on or off, compared with units that have not switched yet.

For a unit that first leaves its baseline treatment at period F, and a horizon l = 1, 2…

.. math:: DID_{g,l} = Y_{g,F-1+l}-Y_{g,F-1} - \overline{(Y_{F-1+l}-Y_{F-1})}

with the mean over units of the same baseline that have not switched by period F-1+l,
and :math:`\delta_l` is the mean of :math:`S_g DID_{g,l}`, with S the sign of the switch. Placebos
replace :math:`Y_{F-1+l}` by :math:`Y_{F-1-l}` for the same switchers and comparisons.

Surveys need not be consecutive. F - 1 is then the last survey before the switch, an effect is known
by its event time, the date of the survey less that of the switch, and only the switchers surveyed
at that time since their switch are in its mean. A placebo goes back from F - 1 by some time d; its
comparisons are those that have not switched by the last survey at most d after F - 1. Influence
values are deviations from the mean of the switchers of one cohort, and of the comparisons of one
date, times :math:`\sqrt{n/(n-1)}`; a mean of one unit is replaced by that of both groups together.

References
----------
de Chaisemartin, C. and D'Haultfœuille, X. (2024). doi:10.1162/rest_a_01414
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    """When and how each unit first leaves its baseline treatment (N units, T periods).

    Attributes
    ----------
    baseline : (N,) array
    first : (N,) array of int
        Position of the first period off the baseline; T for a unit that never switches.
    sign : (N,) array
        1 for an increase, -1 for a decrease, 0 for none.
    treatment : (N, T) array
    """

    baseline: FloatArray
    first: IntArray
    sign: FloatArray
    treatment: FloatArray

    def dates(self, times: FloatArray, entry: FloatArray) -> FloatArray:
        """Return when each unit switches: its entry if it enters, else the first period it does.

        Parameters
        ----------
        times : (T,) array
        entry : (N,) array
            Known dates of entry, perhaps between two periods; infinite for never.
        """
        seen = np.append(times, np.inf)[self.first]
        enters = (self.baseline == 0) & (self.sign > 0) & (entry <= seen)
        return np.where(enters, entry, seen)


def switching(treatment: FloatArray) -> Switching:
    """Read the first switch of each unit.

    Parameters
    ----------
    treatment : (N, T) array
        Without holes.

    Returns
    -------
    Switching

    Examples
    --------
    >>> import numpy as np
    >>> found = switching(np.array([[0.0, 1, 1], [1, 1, 0], [0, 0, 0]]))
    >>> found.first.tolist(), found.sign.tolist()
    ([1, 2, 3], [1.0, -1.0, 0.0])
    """
    periods = treatment.shape[1]
    moved = treatment != treatment[:, :1]
    ever = moved.any(axis=1)
    first = np.where(ever, moved.argmax(axis=1), periods).astype(np.int64)
    at = treatment[np.arange(len(treatment)), np.minimum(first, periods - 1)]
    sign = np.where(ever, np.sign(at - treatment[:, 0]), 0.0)
    return Switching(
        baseline=treatment[:, 0].astype(np.float64), first=first, sign=sign, treatment=treatment
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """The effect at one horizon.

    Attributes
    ----------
    estimate : float
        NaN when nobody can be compared.
    influence : (N,) array
    weight : float
        Total weight of the switchers compared.
    switchers, comparisons : int
        Numbers of units.
    dose : float
        Mean treatment received since the switch beyond the baseline, in absolute value and
        accumulated up to the horizon: what normalises the effect.
    dose_now : float
        The same, at the horizon alone.
    single : int
        Means of one unit that had nothing to be replaced by.
    """

    estimate: float
    influence: FloatArray
    weight: float
    switchers: int
    comparisons: int
    dose: float
    dose_now: float
    single: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchInput:
    """What a horizon needs.

    Attributes
    ----------
    y : (N, T) array
        NaN where not observed.
    path : Switching
    weights : (N,) array
    clusters : (N,) array of int
    controls : (N,) array of bool
        Units allowed as comparisons until they switch.
    switchers : (N,) array of bool
        Units whose switch counts.
    times : (T,) array
    dates : (N,) array
        When each unit switches; infinite for never.
    """

    y: FloatArray
    path: Switching
    weights: FloatArray
    clusters: IntArray
    controls: BoolArray
    switchers: BoolArray
    times: FloatArray
    dates: FloatArray

    def event_times(self, *, placebo: bool) -> FloatArray:
        """Return the times since the switch at which an effect (or a placebo) may be known."""
        found: set[float] = set()
        for _, first, date in self.waves():
            reference = int(first) - 1
            shown = np.arange(reference) if placebo else np.arange(reference + 1, len(self.times))
            found |= set((self.times[shown] - date).tolist())
        times = np.array(sorted(found))
        return times[::-1] if placebo else times

    def waves(self) -> FloatArray:
        """Return the distinct baselines, first periods off them and dates, (K, 3)."""
        treated = self.switchers & (self.path.sign != 0) & (self.weights > 0)
        table = np.column_stack([self.path.baseline, self.path.first, self.dates])
        return np.unique(table[treated], axis=0)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Switchers of one cohort and their comparisons, with their outcome changes."""

    shown: int
    mine: IntArray
    others: IntArray
    change: FloatArray
    change_others: FloatArray


def horizon_effect(data: SwitchInput, event: float, *, placebo: bool = False) -> Horizon:
    """Estimate the effect at a time since the switch (0 = at the date of the switch).

    Parameters
    ----------
    data : SwitchInput
    event : float
        One of `event_times`.
    placebo : bool
        The change between that time, before the reference, and the reference instead.

    Returns
    -------
    Horizon
    """
    parts = list(_comparisons(data, event, placebo))
    influence = np.zeros(len(data.y))
    w = data.weights
    total = sum(float(w[p.mine].sum()) for p in parts)
    if total == 0:
        return Horizon(estimate=np.nan, influence=influence, weight=0.0, switchers=0,
                       comparisons=0, dose=np.nan, dose_now=np.nan, single=0)  # fmt: skip
    estimate, dose, dose_now = 0.0, 0.0, 0.0
    single = 0
    path, seen = data.path, np.zeros(len(data.y), dtype=bool)
    for p in parts:
        sign, start = path.sign[p.mine[0]], path.first[p.mine[0]]
        size = w[p.mine].sum()
        # Change of the switchers less that of those with the same treatment before, not yet
        # switched; signed by the direction of the switch (de Chaisemartin and D'Haultfoeuille).
        gap = (w[p.mine] @ p.change) / size - (w[p.others] @ p.change_others) / w[p.others].sum()
        estimate += float(sign * size * gap / total)
        one, other, alone = _deviations(data, p)
        single += alone
        influence[p.mine] += sign * w[p.mine] * one / total
        share = size / w[p.others].sum()
        # Those compared stand for `size` switchers: their gaps weigh as much.
        influence[p.others] -= sign * share * w[p.others] * other / total
        received = np.abs(path.treatment[p.mine] - path.baseline[p.mine, None])
        # each survey stands for the time since the one before; the first, since the switch
        length = np.diff(data.times[start - 1 : p.shown + 1])
        length[0] = data.times[start] - data.dates[p.mine[0]] + 1
        dose += float(w[p.mine] @ (received[:, start : p.shown + 1] @ length)) / total
        dose_now += float(w[p.mine] @ received[:, p.shown]) / total
        seen[p.others] = True
    return Horizon(
        estimate=estimate,
        influence=influence,
        weight=total,
        switchers=sum(p.mine.size for p in parts),
        comparisons=int(seen.sum()),
        dose=dose,
        dose_now=dose_now,
        single=single,
    )


def horizon_weights(
    data: SwitchInput, event: float, groups: IntArray, *, placebo: bool = False
) -> tuple[FloatArray, BoolArray]:
    """Return what the mean of each group at each period weighs in a horizon, and who switched.

    Parameters
    ----------
    data : SwitchInput
        Without holes.
    event : float
    groups : (N,) array of int
        Units of one treatment path.
    placebo : bool

    Returns
    -------
    (L, T) array, (L, T) array of bool
        The estimate is the sum of weights times weighted means; the cells of the switchers.
    """
    size, periods = int(groups.max()) + 1, data.y.shape[1]
    weights, cells = np.zeros((size, periods)), np.zeros((size, periods), dtype=bool)
    parts = list(_comparisons(data, event, placebo))
    w = data.weights
    total = sum(float(w[p.mine].sum()) for p in parts)
    for p in parts:
        one = p.mine[0]
        sign, reference = data.path.sign[one], int(data.path.first[one]) - 1
        shown = int(np.flatnonzero(data.times - data.dates[one] == event)[0])
        share = float(w[p.mine].sum() / w[p.others].sum())
        for rows, factor in ((p.mine, 1.0), (p.others, -share)):
            part = sign * factor * np.bincount(groups[rows], w[rows], minlength=size) / total
            weights[:, shown] += part
            weights[:, reference] -= part
        cells[np.unique(groups[p.mine]), shown] = True
    return weights, cells


def seen_at(data: SwitchInput, event: float, *, placebo: bool = False) -> tuple[int, int]:
    """Count the switchers seen at a time since their switch, and those of them compared.

    Parameters
    ----------
    data : SwitchInput
    event : float
    placebo : bool
    """
    switched = compared = 0
    for _, _, mine, others in _changes(data, event, placebo):
        switched += mine.size
        compared += mine.size if others.size else 0
    return switched, compared


def _comparisons(data: SwitchInput, event: float, placebo: bool) -> Iterator[_Comparison]:
    for target, change, mine, others in _changes(data, event, placebo):
        if others.size:
            yield _Comparison(target, mine, others, change[mine], change[others])


def _changes(
    data: SwitchInput, event: float, placebo: bool
) -> Iterator[tuple[int, FloatArray, IntArray, IntArray]]:
    """Yield, for each wave that switches one way, what is seen of it and who may be compared."""
    path, times = data.path, data.times
    treated = data.switchers & (path.sign != 0) & (data.weights > 0)
    for baseline, first, date in data.waves():
        start = int(first)
        places = _places(times, start, times - date == event, placebo=placebo)
        if places is None:
            continue
        shown, target = places
        same = (path.baseline == baseline) & (data.weights > 0)
        change = data.y[:, shown] - data.y[:, start - 1]
        # the placebo keeps the switchers and comparisons of the effect it mirrors
        known = np.isfinite(change) & np.isfinite(data.y[:, target] - data.y[:, start - 1])
        others = np.flatnonzero(same & data.controls & (path.first > target) & known)
        wave = same & treated & (path.first == start) & (data.dates == date) & known
        for sign in (1.0, -1.0):  # a baseline above zero may be left upwards or downwards
            mine = np.flatnonzero(wave & (path.sign == sign))
            if mine.size:
                yield target, change, mine, others


def _places(
    times: FloatArray, start: int, here: BoolArray, *, placebo: bool
) -> tuple[int, int] | None:
    """Return the positions of the period shown and of the last one that comparisons wait for.

    None when nothing was surveyed at that time, or when a placebo has no effect to mirror.
    """
    if not here.any():
        return None
    shown = int(here.argmax())
    reference = start - 1
    if not placebo:
        return (shown, shown) if shown > reference else None
    if shown >= reference:
        return None
    mirrored = times[reference] + (times[reference] - times[shown])
    if mirrored > times[-1]:
        return None
    return shown, max(int(np.searchsorted(times, mirrored, side="right")) - 1, start)


def _deviations(data: SwitchInput, p: _Comparison) -> tuple[FloatArray, FloatArray, int]:
    """Deviations from the means of the two groups, or of both together where a group is one."""
    both = np.concatenate([p.change, p.change_others])
    rows = np.concatenate([p.mine, p.others])
    out: list[FloatArray] = []
    single = 0
    for index, change in ((p.mine, p.change), (p.others, p.change_others)):
        n = np.unique(data.clusters[index]).size
        members, values = index, change
        if n == 1:
            members, values = rows, both
            n = np.unique(data.clusters[rows]).size
            single += n == 1
        mean = data.weights[members] @ values / data.weights[members].sum()
        out.append((change - mean) * (np.sqrt(n / (n - 1)) if n > 1 else 0.0))
    return out[0], out[1], single
