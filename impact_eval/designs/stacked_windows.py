"""The windows of a stacked design: their periods, the stacked panel and its columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.designs.cohort_panel import Panel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Stack:
    """One cohort in its window, and those it is compared with.

    Attributes
    ----------
    date : float
        When the cohort enters.
    treated, controls : (n,), (m,) arrays of int
        Units seen at some time in the window.
    window : (W,) array of int
        Positions of its periods.
    events : (W,) array
        Their time since entry.
    """

    date: float
    treated: IntArray
    controls: IntArray
    window: IntArray
    events: FloatArray

    @property
    def reference(self) -> float:
        """Event time of the last period before entry."""
        return float(self.events[self.events < 0].max())


@dataclass(frozen=True)
class StackedColumns:
    """The columns of a stacked regression (S stacks, W event times on the grid).

    Attributes
    ----------
    cells : (2S, W, K) array
        Period by stack, then the effects.
    events : (E,) array
        Event times with an effect.
    stack, place : (k,) arrays of int
        Of the last k columns, the effects: their stack (-1 for all together), their event.
    """

    cells: FloatArray
    events: FloatArray
    stack: IntArray
    place: IntArray

    def means(
        self, kept: BoolArray, told: BoolArray, size: FloatArray
    ) -> tuple[BoolArray, FloatArray]:
        """Return which events are identified, and their means over the coefficients kept.

        Parameters
        ----------
        kept, told : (K,) arrays of bool
            Columns with a coefficient, and those whose coefficient means something.
        size : (S,) array
            Total weight of the treated of each stack.
        """
        first = len(kept) - len(self.place)
        column = np.cumsum(kept) - 1
        known = np.ones(len(self.events), dtype=bool)
        known[self.place[~told[first:]]] = False
        out = np.zeros((len(self.events), int(kept.sum())))
        for k in np.flatnonzero(told[first:]):
            out[self.place[k], column[first + k]] = (
                1.0 if self.stack[k] < 0 else size[self.stack[k]]
            )
        out = out[known]
        return known, out / out.sum(axis=1, keepdims=True)


def stack_panel(panel: Panel, stacks: list[Stack], *, corrected: bool) -> Panel:
    """Stack the windows: codes 2s (treated) and 2s + 1 (comparison) for stack s.

    A unit that serves in several stacks is there several times, always in its own cluster. The
    periods are the event times of any stack; a stack has nothing at those it was not surveyed at.
    """
    grid = _grid(stacks)
    rows, codes, outcomes, columns = [], [], [], []
    for s, stack in enumerate(stacks):
        row = np.concatenate([stack.treated, stack.controls])
        rows.append(row)
        codes.append(np.repeat([2 * s, 2 * s + 1], [stack.treated.size, stack.controls.size]))
        at = np.searchsorted(grid, stack.events)
        y = np.full((row.size, len(grid)), np.nan)
        y[:, at] = panel.y[np.ix_(row, stack.window)]
        column = np.zeros((row.size, len(grid)), dtype=np.int64)
        column[:, at] = stack.window
        outcomes.append(y)
        columns.append(column)
    row, code, y = np.concatenate(rows), np.concatenate(codes), np.concatenate(outcomes)
    weights: FloatArray | None = None if panel.weights is None else panel.weights[row]
    if corrected:
        weights = _corrected(panel.unit_weights[row], code, len(stacks))
    present, clusters = np.unique(panel.clusters[row], return_inverse=True)
    return replace(
        panel,
        y=y,
        times=grid,
        codes=code,
        starts=np.tile([int((grid < 0).sum()), len(grid)], len(stacks)),
        cohorts=np.tile([0.0, np.inf], len(stacks)),
        units=panel.units[row],
        sample_units=panel.sample_units[row],
        columns_of=np.concatenate(columns),
        clusters=clusters,
        cluster_labels=panel.cluster_labels[present],
        weights=weights,
        balanced=not bool(np.isnan(y).any()),
    )


def _grid(stacks: list[Stack]) -> FloatArray:
    return np.unique(np.concatenate([stack.events for stack in stacks]))


def _corrected(weight: FloatArray, code: IntArray, stacks: int) -> FloatArray:
    """Weights that make the comparison groups add up as the treated do (Wing et al.)."""
    size = np.bincount(code, weights=weight, minlength=2 * stacks)
    treated, control = size[0::2], size[1::2]
    factor = np.ones(2 * stacks)
    factor[1::2] = (treated / treated.sum()) / (control / control.sum())
    return np.asarray(weight * factor[code])


def stacked_columns(stacks: list[Stack], *, saturated: bool) -> StackedColumns:
    """Return the columns of period by stack, then of the effects.

    An effect is of an event time, of all stacks together; or of each stack (`saturated`) where
    these are not seen at the same event times: a common coefficient would then carry what makes the
    stacks differ at one event time into the others.
    """
    grid, count = _grid(stacks), len(stacks)
    width = len(grid)
    own = np.zeros((2 * count, width, (count - 1) * width))
    for s in range(1, count):
        at = (s - 1) * width + np.arange(width)
        own[2 * s : 2 * s + 2, np.arange(width), at] = 1.0
    alike = all(np.array_equal(stack.events, grid) for stack in stacks)
    pairs = [(s, e) for s, stack in enumerate(stacks) for e in stack.events if e != stack.reference]
    events = np.unique([e for _, e in pairs])
    stack_of, place = (
        np.array([s for s, _ in pairs]),
        np.searchsorted(events, [e for _, e in pairs]),
    )
    effect = np.zeros((2 * count, width, len(pairs)))
    effect[2 * stack_of, np.searchsorted(grid, events)[place], np.arange(len(pairs))] = 1.0
    if alike or not saturated:
        together = np.zeros((len(pairs), len(events)))
        together[np.arange(len(pairs)), place] = 1.0
        effect = effect @ together
        stack_of, place = np.full(len(events), -1), np.arange(len(events))
    return StackedColumns(np.concatenate([own, effect], axis=2), events, stack_of, place)
