"""The grid of group-time effects: one row per wave of entry, one column per period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from impact_eval.report.blocks import Column, Figure, Form, Said, Table, Words, say
from impact_eval.report.figures.drawing import (
    INK,
    LIGHT_BLUE,
    LIGHT_OCHRE,
    MIDDLE,
    RULE,
    Drawing,
    shown,
)
from impact_eval.report.quantities import ShownUnit, digits_for
from impact_eval.report.texts import Texts

MOST_WRITTEN = 9  # columns beyond which a cell has no room for its number


@dataclass(frozen=True, slots=True)
class GridCell:
    """The effect on one wave of entry in one period, with its interval."""

    group: float | str
    time: float | str
    estimate: float | None
    low: float | None = None
    high: float | None = None

    @property
    def before(self) -> bool:
        """Whether the period comes before the wave's entry."""
        if isinstance(self.group, str) or isinstance(self.time, str):
            return str(self.time) < str(self.group)
        return self.time < self.group

    @property
    def apart(self) -> bool:
        """Whether its interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def data_for_cells(
    cells: Sequence[GridCell], unit: ShownUnit, outcome: Said, *, level: float = 0.95
) -> Figure:
    """Make the grid of one outcome.

    Parameters
    ----------
    cells : sequence of GridCell
    unit : ShownUnit
    outcome : words
    level : float
        Of the intervals.
    """
    digits = max((digits_for(unit, c.low, c.high, c.estimate) for c in cells), default=1)
    form, factor = unit.form(digits), unit.factor
    question = say("figure.question.cells", outcome=outcome)
    columns = (
        Column(key="group", label=say("effect.column_group"), form=Form.PLAIN, header=True),
        Column(key="time", label=say("effect.column_period"), form=Form.PLAIN),
        Column(key="estimate", label=say("effect.column_estimate"), form=form, unit=unit.label()),
        Column(key="low", label=say("effect.column_low"), form=form),
        Column(key="high", label=say("effect.column_high"), form=form),
    )
    rows = tuple(
        (
            cell.group,
            cell.time,
            *(None if v is None else factor * v for v in (cell.estimate, cell.low, cell.high)),
        )
        for cell in cells
    )
    note = say("report.number.interval_note", level=level)
    return Figure(
        figure="group_time_cells",
        question=question,
        data=Table(caption=question, columns=columns, rows=rows, notes=(note,)),
        alt=_alt(cells, unit, digits),
        caption=say("figure.cells_key", level=level),
    )


def _alt(cells: Sequence[GridCell], unit: ShownUnit, digits: int) -> tuple[Words, ...]:
    groups, times = {cell.group for cell in cells}, {cell.time for cell in cells}
    alt = [say("figure.alt.cells", groups=len(groups), times=len(times))]
    for code, before in (("cells_before", True), ("cells_after", False)):
        found = [c for c in cells if c.before is before and c.estimate is not None]
        values = [c.estimate for c in found if c.estimate is not None]
        if values:
            low, high = (unit.change(v, digits) for v in (min(values), max(values)))
            outside = len([c for c in found if c.apart])
            alt.append(say(f"figure.alt.{code}", outside=outside, n=len(found), low=low, high=high))
    return tuple(alt)


def draw_cells(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw a tile per effect: its number, bold and coloured where the interval leaves zero out."""
    from matplotlib.patches import Rectangle

    rows = figure.data.records()
    form = figure.data.columns[2].form.value
    groups = sorted(dict.fromkeys(row["group"] for row in rows), key=_order)
    times = sorted(dict.fromkeys(row["time"] for row in rows), key=_order)
    for row in rows:
        estimate = shown(row["estimate"])
        if estimate is None:
            continue
        x, y = times.index(row["time"]), -groups.index(row["group"])
        low, high = shown(row["low"]), shown(row["high"])
        apart = low is not None and high is not None and (low > 0 or high < 0)
        face = (LIGHT_BLUE if estimate > 0 else LIGHT_OCHRE) if apart else MIDDLE
        ax.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=face, edgecolor=RULE))
        told = texts.show(estimate, form) if len(times) <= MOST_WRITTEN else _sign(estimate, apart)
        weight = "bold" if apart else "normal"
        ax.text(x, y, told, ha="center", va="center", color=INK, fontsize=7.2, fontweight=weight)
    for rank, group in enumerate(groups):
        if group in times:  # a line stands where the wave enters
            edge = times.index(group) - 0.5
            ax.plot([edge, edge], [-rank - 0.46, -rank + 0.46], color=INK, linewidth=1.8, zorder=4)
    ax.set_xlim(-0.6, len(times) - 0.4)
    ax.set_ylim(-len(groups) + 0.4, 0.6)
    step = 1 if len(times) <= MOST_WRITTEN else 2
    ax.set_xticks(range(0, len(times), step), [texts.show(t, "plain") for t in times[::step]])
    ax.set_yticks([-k for k in range(len(groups))], [texts.show(g, "plain") for g in groups])
    ax.set_xlabel(texts.say("effect.column_period"))
    ax.set_ylabel(texts.say("effect.column_group"))
    for label in ax.get_xticklabels():
        label.set_rotation(45 if len(times) > 5 else 0)


def _sign(estimate: float, apart: bool) -> str:
    return ("+" if estimate > 0 else "−") if apart else ""


def _order(value: Any) -> tuple[int, float, str]:
    """Put numbers in their order, then texts in theirs."""
    if isinstance(value, (int, float)):
        return (0, float(value), "")
    return (1, 0.0, str(value))


DRAWINGS: Mapping[str, Drawing] = MappingProxyType(
    {
        "group_time_cells": Drawing(
            draw_cells,
            lambda figure: 0.95 + 0.36 * len(dict.fromkeys(figure.data.column("group"))),
        )
    }
)
