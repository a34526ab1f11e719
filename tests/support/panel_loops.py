"""Panel estimators written as loops from the papers' formulas: slow, readable, nothing shared.

A panel is a table with columns `id`, `time`, `entry` (infinite for never), `y`, `w`. Each loop
returns the cells that it can estimate, by cohort and time or by event time: estimate, number of
treated units and number of comparison units. What it cannot estimate is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from math import inf, isinf
from typing import Any, NamedTuple

import numpy as np
import pandas as pd


class Cell(NamedTuple):
    """What a cell tells."""

    estimate: float
    n_treated: int
    n_comparison: int


Cells = dict[tuple[float, float], Cell]
Events = dict[float, Cell]


class Loops:
    """A panel read as dictionaries."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.times = sorted(float(t) for t in frame["time"].unique())
        last = self.times[-1]
        self.y = {
            (u, float(t)): float(y) for u, t, y in frame[["id", "time", "y"]].itertuples(False)
        }
        self.entry: dict[Any, float] = {}
        self.date: dict[Any, float] = {}  # of entry, the panel over or not
        self.weight: dict[Any, float] = {}
        for u, g, w in frame[["id", "entry", "w"]].itertuples(False):
            self.entry[u] = inf if g > last else float(g)  # enters after the panel: never here
            self.date[u] = float(g)
            self.weight[u] = float(w)

    def without(self, units: Iterable[Any]) -> None:
        for unit in list(units):
            del self.entry[unit], self.weight[unit]
        self.y = {key: y for key, y in self.y.items() if key[0] in self.entry}

    @property
    def cohorts(self) -> list[float]:
        return sorted({g for g in self.entry.values() if not isinf(g)})

    def of(self, cohort: float) -> list[Any]:
        return [u for u, g in self.entry.items() if g == cohort]

    def mean(self, values: dict[Any, float]) -> float:
        total = sum(self.weight[u] for u in values)
        return sum(self.weight[u] * value for u, value in values.items()) / total

    def reacts(self, unit: Any, time: float, anticipation: float) -> bool:
        """Whether somebody never treated here may already react to an entry just after."""
        return isinf(self.entry[unit]) and time + anticipation >= self.date[unit]

    def changes(self, units: Iterable[Any], start: float, end: float) -> dict[Any, float]:
        pairs = [(u, (u, start), (u, end)) for u in units]
        return {u: self.y[b] - self.y[a] for u, a, b in pairs if a in self.y and b in self.y}

    def left_out_always_treated(self, anticipation: float = 0) -> None:
        first = self.times[0]
        self.without([u for u, g in self.entry.items() if first >= g - anticipation])


# -- Callaway and Sant'Anna (2021) ----------------------------


def callaway_santanna(
    frame: pd.DataFrame, *, not_yet: bool, universal: bool, anticipation: float
) -> tuple[Cells, Events]:
    """ATT(g, t) by pairs, equations 2.8 and 2.9 without covariates; then means by event time."""
    panel = Loops(frame)
    panel.left_out_always_treated(anticipation)
    if not_yet and panel.entry and not any(isinf(g) for g in panel.entry.values()):
        last = max(
            panel.entry.values()
        )  # nobody is never treated: the last cohort, until it enters
        panel.times = [t for t in panel.times if t < last - anticipation]
        panel.y = {key: y for key, y in panel.y.items() if key[1] in panel.times}
        for unit in panel.of(last):
            panel.entry[unit] = panel.date[unit] = inf
        panel.without({u for u in panel.entry if not any((u, t) in panel.y for t in panel.times)})
    cells: Cells = {}
    for g, t in product(panel.cohorts, panel.times):
        before = [s for s in panel.times if s < g - anticipation]
        earlier = [s for s in panel.times if s < t]
        if not before or (not universal and not earlier):
            continue
        base = before[-1] if universal or t >= g else earlier[-1]
        others = [
            u for u, other in panel.entry.items()
            if (isinf(other) and not panel.reacts(u, max(t, base), anticipation))
            or (not_yet and other != g and inf > other > max(t, base) + anticipation)
        ]  # fmt: skip
        mine = panel.changes(panel.of(g), base, t)
        theirs = panel.changes(others, base, t)
        if base == t and universal:
            cells[g, t] = Cell(0.0, -1, -1)
        elif mine and theirs:
            gap = panel.mean(mine) - panel.mean(theirs)
            cells[g, t] = Cell(gap, len(mine), len(theirs))
    share = {g: sum(panel.weight[u] for u in panel.of(g)) for g in panel.cohorts}
    return cells, by_event(cells, lambda g, t: share[g])


def by_event(cells: Cells, weight: Callable[[float, float], float]) -> Events:
    """Means over the cohorts seen at each time since their entry."""
    events: Events = {}
    for event in sorted({t - g for g, t in cells}):
        here = [(g, t) for g, t in cells if t - g == event]
        total = sum(weight(*cell) for cell in here)
        mean = sum(weight(*cell) * cells[cell].estimate for cell in here) / total
        events[event] = Cell(mean, sum(cells[cell].n_treated for cell in here), 0)
    return events


# -- regressions on indicators ----------------------------


def indicators(panel: Loops, rows: list[tuple[Any, float]]) -> np.ndarray[Any, Any]:
    units, times = sorted(panel.entry), panel.times
    out = np.zeros((len(rows), len(units) + len(times)))
    for i, (u, t) in enumerate(rows):
        out[i, units.index(u)] = out[i, len(units) + times.index(t)] = 1.0
    return out


def tells(design: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> bool:
    """Whether a combination of coefficients is the same in every least squares solution."""
    found = np.linalg.lstsq(design.T, target, rcond=None)[0]
    return bool(np.abs(design.T @ found - target).max() < 1e-7)


def imputation(frame: pd.DataFrame, *, anticipation: float) -> tuple[Cells, Events]:
    """Borusyak, Jaravel and Spiess (2024): fit untreated rows, then the mean gap of each cell."""
    panel = Loops(frame)
    free = {
        (u, t) for u, t in panel.y
        if t < panel.entry[u] - anticipation and not panel.reacts(u, t, anticipation)
    }  # fmt: skip
    panel.without([u for u in panel.entry if not any(key[0] == u for key in free)])
    rows = sorted(key for key in panel.y if key in free)
    root = np.sqrt([panel.weight[u] for u, _ in rows])
    design = indicators(panel, rows)
    fitted = np.linalg.lstsq(
        design * root[:, None], np.array([panel.y[key] for key in rows]) * root, rcond=None
    )[0]
    cells: Cells = {}
    heavy: dict[tuple[float, float], float] = {}
    for g, t in product(panel.cohorts, panel.times):
        mine = [u for u in panel.of(g) if (u, t) in panel.y and t >= g - anticipation]
        if not mine:
            continue
        gap, target, total = 0.0, np.zeros(design.shape[1]), sum(panel.weight[u] for u in mine)
        for u in mine:
            row = indicators(panel, [(u, t)])[0]
            gap += panel.weight[u] / total * (panel.y[u, t] - row @ fitted)
            target += panel.weight[u] / total * row
        if tells(design, target):
            waiting = [
                v for v, h in panel.entry.items()
                if h > t and h != g and (v, t) in panel.y and not panel.reacts(v, t, anticipation)
            ]  # fmt: skip
            cells[g, t] = Cell(gap, len(mine), len(waiting))
            heavy[g, t] = total
    return cells, by_event(cells, lambda g, t: heavy[g, t])


def sun_abraham(frame: pd.DataFrame, *, anticipation: float) -> Cells:
    """Sun and Abraham (2021): one coefficient per cohort and period but its last one before."""
    panel = Loops(frame)
    panel.left_out_always_treated(anticipation)
    compared = [inf] if any(isinf(g) for g in panel.entry.values()) else [max(panel.entry.values())]
    times = [t for t in panel.times if t < compared[0] - anticipation]
    rows = sorted((u, t) for u, t in panel.y if t in times and not panel.reacts(u, t, anticipation))
    wanted: list[tuple[float, float]] = []
    for g in panel.cohorts:
        reference = [s for s in panel.times if s < g - anticipation][-1]
        wanted += [
            (g, t) for t in times
            if g not in compared and t != reference
            and any((u, t) in panel.y for u in panel.of(g))
        ]  # fmt: skip
    flags = np.array([[(panel.entry[u], t) == cell for cell in wanted] for u, t in rows], float)
    root = np.sqrt([panel.weight[u] for u, _ in rows])
    design = np.column_stack([indicators(panel, rows), flags.reshape(len(rows), len(wanted))])
    fitted = np.linalg.lstsq(
        design * root[:, None], np.array([panel.y[key] for key in rows]) * root, rcond=None
    )[0]
    cells: Cells = {}
    for k, (g, t) in enumerate(wanted):
        place = design.shape[1] - len(wanted) + k
        if tells(design, np.eye(design.shape[1])[place]):
            seen = sum((u, t) in panel.y for u in panel.of(g))
            cells[g, t] = Cell(float(fitted[place]), seen, -1)
    return cells


def two_way(frame: pd.DataFrame, *, anticipation: float) -> tuple[float | None, dict[float, float]]:
    """Two-way fixed effects: the static coefficient, then the event study when all of it is told.

    Without anybody never treated an event study has one solution only up to a straight line: its
    rows are then a matter of which event time is left out, and none is returned.
    """
    panel = Loops(frame)
    rows = sorted((u, t) for u, t in panel.y if not panel.reacts(u, t, anticipation))
    root = np.sqrt([panel.weight[u] for u, _ in rows])
    outcome, effects = np.array([panel.y[key] for key in rows]), indicators(panel, rows)

    def regress(flags: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], bool]:
        design = np.column_stack([effects, flags])
        fit = np.linalg.lstsq(design * root[:, None], outcome * root, rcond=None)[0]
        size = flags.shape[1]
        targets = np.eye(design.shape[1])[-size:]
        return fit[-size:], all(tells(design, target) for target in targets)

    on = np.array([[float(t >= panel.entry[u])] for u, t in rows])
    static, told = regress(on)
    reference = {
        g: max((s for s in panel.times if s < g - anticipation), default=-inf)
        for g in panel.cohorts
    }
    since = [
        t - panel.entry[u] if not isinf(panel.entry[u]) and t != reference[panel.entry[u]] else -inf
        for u, t in rows
    ]
    events = sorted({e for e in since if not isinf(e)})
    dynamic, all_told = regress(np.array([[float(s == e) for e in events] for s in since]))
    return (
        float(static[0]) if told else None,
        dict(zip(events, dynamic.tolist(), strict=True)) if all_told else {},
    )


def difference_in_differences(frame: pd.DataFrame) -> Cell | None:
    """Mean change of each unit, mean after less mean before, treated less untreated."""
    panel = Loops(frame)
    panel.without([u for u, g in panel.entry.items() if g <= panel.times[0]])
    date = panel.cohorts[0]
    change: dict[bool, dict[Any, float]] = {True: {}, False: {}}
    for u, g in panel.entry.items():
        before = [panel.y[u, t] for t in panel.times if t < date and (u, t) in panel.y]
        after = [panel.y[u, t] for t in panel.times if t >= date and (u, t) in panel.y]
        if before and after:
            change[g == date][u] = float(np.mean(after) - np.mean(before))
    if not change[True] or not change[False]:
        return None
    gap = panel.mean(change[True]) - panel.mean(change[False])
    return Cell(gap, len(change[True]), len(change[False]))


# -- stacked windows: Wing, Freedman and Hollingsworth (2024) ----------------------------


class Window(NamedTuple):
    """The rows of one cohort and its comparisons around its entry."""

    entry: float
    mine: list[Any]
    others: list[Any]
    times: list[float]
    reference: float

    @property
    def events(self) -> list[float]:
        return [t - self.entry for t in self.times]


def stacked(frame: pd.DataFrame, *, not_yet: bool) -> Events:
    """Each cohort in its window against those untreated all along, means by number of treated.

    Windows with the same event times: one weighted regression of all of them (their equation 5);
    otherwise the effects of each window, and their means.
    """
    panel = Loops(frame)
    seen_before = [g for g in panel.cohorts if g > panel.times[0]]
    before = min(g - panel.times[0] for g in seen_before)
    after = min(panel.times[-1] - g for g in seen_before)
    windows = []
    for g in seen_before:
        reference = max(t for t in panel.times if t < g)
        times = [t for t in panel.times if -before <= t - g <= after or t == reference]
        clean = [
            u for u, h in panel.entry.items()
            if isinf(h) or (not_yet and h != g and h > times[-1])
        ]  # fmt: skip
        others = [u for u in clean if any((u, t) in panel.y for t in times)]
        mine = [u for u in panel.of(g) if any((u, t) in panel.y for t in times)]
        if mine and others and times[-1] >= g:  # surveyed in the window, before and since
            windows.append(Window(g, mine, others, times, reference))
    if all(window.events == windows[0].events for window in windows):
        fits = _window_effects(panel, windows)
        count = sum(len(window.mine) for window in windows)
        return {e: Cell(gap, count, -1) for e, gap in fits.items() if gap is not None}
    parts: dict[float, list[tuple[float | None, float, int]]] = {}
    for window in windows:
        size = sum(panel.weight[u] for u in window.mine)
        for event, gap in _window_effects(panel, [window]).items():
            parts.setdefault(event, []).append((gap, size, len(window.mine)))
    return {
        event: Cell(
            sum(gap * size for gap, size, _ in part if gap is not None)
            / sum(size for _, size, _ in part),
            sum(n for *_, n in part),
            -1,
        )
        for event, part in parts.items()
        if all(gap is not None for gap, *_ in part)
    }


def _window_effects(panel: Loops, windows: list[Window]) -> dict[float, float | None]:
    """Least squares: unit and period effects of each window, one effect by event time."""
    rows, heavy = [], []
    treated = sum(panel.weight[u] for window in windows for u in window.mine)
    compared = sum(panel.weight[u] for window in windows for u in window.others)
    for s, window in enumerate(windows):
        mine = sum(panel.weight[u] for u in window.mine) / treated
        others = sum(panel.weight[u] for u in window.others) / compared
        for u in (*window.mine, *window.others):
            for t in window.times:
                if (u, t) in panel.y:
                    rows.append((s, u, t))
                    heavy.append(panel.weight[u] * (1 if u in window.mine else mine / others))
    units = sorted({(s, u) for s, u, _ in rows})
    dates = sorted({(s, t) for s, _, t in rows})
    events = sorted({  # those of the window, even where nobody of it was seen: then it has no mean
        t - window.entry for window in windows for t in window.times if t != window.reference
    })  # fmt: skip
    design = np.zeros((len(rows), len(units) + len(dates) + len(events)))
    first = len(units) + len(dates)
    for i, (s, u, t) in enumerate(rows):
        design[i, units.index((s, u))] = design[i, len(units) + dates.index((s, t))] = 1.0
        if u in windows[s].mine and t != windows[s].reference:
            design[i, first + events.index(t - windows[s].entry)] = 1.0
    root = np.sqrt(heavy)
    outcome = np.array([panel.y[u, t] for _, u, t in rows])
    fit = np.linalg.lstsq(design * root[:, None], outcome * root, rcond=None)[0]
    targets = np.eye(design.shape[1])[first:]
    return {
        event: float(fit[first + k]) if tells(design, targets[k]) else None
        for k, event in enumerate(events)
    }


# -- de Chaisemartin and D'Haultfoeuille (2024) ----------------------------


def switchers(frame: pd.DataFrame) -> tuple[Events, float | None]:
    """Effects by time since the first change of treatment (`on`), placebos, the total effect."""
    panel = Loops(frame)
    times = panel.times
    on = {(u, float(t)): int(d) for u, t, d in frame[["id", "time", "on"]].itertuples(False)}
    path = {u: _carried([on.get((u, t)) for t in times]) for u in panel.entry}
    first = {
        u: next((k for k, d in enumerate(p) if d != p[0]), len(times)) for u, p in path.items()
    }
    events: Events = {}
    numerator = denominator = 0.0
    spans = {
        times[k] - times[f]
        for f in set(first.values())
        if f < len(times)
        for k in range(len(times))
        if k != f - 1
    }
    for event in sorted(spans):
        gaps: list[tuple[float, float]] = []
        n_mine, all_others = 0, set[Any]()
        for base, f in sorted({(path[u][0], first[u]) for u in path if first[u] < len(times)}):
            places = _switch_places(times, f, event)
            if places is None:
                continue
            shown, target = places
            needed = {shown, target, f - 1}
            usable = [
                u for u in path
                if path[u][0] == base and all((u, times[k]) in panel.y for k in needed)
            ]  # fmt: skip
            mine = [u for u in usable if first[u] == f]
            others = [u for u in usable if first[u] > target]
            if not mine or not others:
                continue
            change = panel.changes(usable, times[f - 1], times[shown])
            gap = panel.mean({u: change[u] for u in mine}) - panel.mean(
                {u: change[u] for u in others}
            )
            size = sum(panel.weight[u] for u in mine)
            gaps.append((size, (1 if base == 0 else -1) * gap))
            n_mine, all_others = n_mine + len(mine), all_others | set(others)
            if event >= 0:
                numerator += size * gaps[-1][1]
                denominator += sum(panel.weight[u] * abs(path[u][shown] - base) for u in mine)
        if gaps:
            mean = sum(size * gap for size, gap in gaps) / sum(size for size, _ in gaps)
            events[event] = Cell(mean, n_mine, len(all_others))
    return events, numerator / denominator if denominator else None


def _carried(values: list[int | None]) -> list[int]:
    """A hole has the value before it; before the first one, the first value."""
    known = [v for v in values if v is not None]
    out, last = [], known[0]
    for value in values:
        last = last if value is None else value
        out.append(last)
    return out


def _switch_places(times: list[float], f: int, event: float) -> tuple[int, int] | None:
    """The survey shown and the last one that comparisons wait for; None without a survey there."""
    here = [k for k, t in enumerate(times) if t - times[f] == event]
    if not here or here[0] == f - 1:
        return None
    if here[0] >= f:
        return here[0], here[0]
    back = times[f - 1] - times[here[0]]
    ahead = [k for k, t in enumerate(times) if t <= times[f - 1] + back]
    return (here[0], max(ahead[-1], f)) if times[f - 1] + back <= times[-1] else None
