"""Figures of robustness: variants of the computation, and departures from the assumption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from impact_eval.report.blocks import Column, Figure, Form, Said, Table, Words, say
from impact_eval.report.figures.drawing import (
    BLUE,
    INK,
    LIGHT_BLUE,
    OCHRE,
    Drawing,
    legend,
    number_axis,
    shown,
    value_title,
    zero_line,
)
from impact_eval.report.figures.effects import NamedInterval, interval_table
from impact_eval.report.quantities import ShownUnit, digits_for
from impact_eval.report.texts import Texts
from impact_eval.results.stated import of_the_same_sign


def data_for_specification(rows: Sequence[NamedInterval], chosen: int, unit: ShownUnit) -> Figure:
    """Make the specification curve: every variant's estimate, lowest first.

    Parameters
    ----------
    rows : sequence of NamedInterval
        One per variant; those without an estimate are left out.
    chosen : int
        Position of the announced variant in `rows`.
    unit : ShownUnit
    """
    announced = rows[chosen]
    ordered = sorted(
        (row for row in rows if row.estimate is not None), key=lambda row: row.estimate or 0.0
    )
    values = [row.estimate or 0.0 for row in ordered]
    reference = announced.estimate or 0.0
    digits = digits_for(unit, values[0], values[-1], announced.estimate)
    question = say("figure.question.specification")
    alt = say(
        "figure.alt.specification",
        n=len(ordered),
        low=unit.change(values[0], digits),
        high=unit.change(values[-1], digits),
        share=of_the_same_sign(values, reference),
    )
    return Figure(
        figure="specification",
        question=question,
        data=interval_table(ordered, unit, question, name=say("label.variant")),
        alt=(alt,),
        options={"axis": unit.label("axis"), "chosen": ordered.index(announced)},
    )


def draw_specification(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw the variants in order; the announced one is a large diamond."""
    from matplotlib.lines import Line2D

    chosen = figure.options.get("chosen")
    for index, row in enumerate(figure.data.records()):
        estimate, low, high = (shown(row[key]) for key in ("estimate", "low", "high"))
        if low is not None and high is not None:
            ax.plot([index, index], [low, high], color=LIGHT_BLUE, linewidth=2.4, zorder=1)
        if index == chosen:
            ax.plot(
                [index],
                [estimate],
                marker="D",
                color=OCHRE,
                markeredgecolor=INK,
                markersize=8,
                zorder=4,
            )
        else:
            ax.plot([index], [estimate], marker="o", color=BLUE, markersize=3.6, zorder=3)
    zero_line(ax, vertical=False)
    ax.set_xticks([])
    number_axis(ax.yaxis, texts)
    ax.set_xlabel(texts.say("figure.specification_axis"))
    value_title(ax, texts.words(figure.options.get("axis")))
    handle = Line2D(
        [],
        [],
        marker="D",
        color=OCHRE,
        markeredgecolor=INK,
        linestyle="",
        markersize=7,
        label=texts.say("figure.chosen"),
    )
    legend(ax, [handle])


@dataclass(frozen=True, slots=True)
class Departure:
    """The interval that holds when the assumption may be wrong by M; None means not at all."""

    m: float | None
    low: float | None
    high: float | None


def data_for_honest(rows: Sequence[Departure], unit: ShownUnit) -> Figure:
    """Make the figure of intervals by departure from the assumption."""
    known = [r for r in rows if r.low is not None and r.high is not None]
    digits = max((digits_for(unit, r.low, r.high, None) for r in known), default=1)
    form, factor = unit.form(digits), unit.factor
    original: Said = say("figure.original")
    columns = (
        Column(key="m", label=say("label.departure"), form=Form.DECIMAL_1, header=True),
        Column(key="low", label=say("effect.column_low"), form=form, unit=unit.label()),
        Column(key="high", label=say("effect.column_high"), form=form),
    )
    cells = tuple(
        (
            original if row.m is None else row.m,
            *(None if v is None else factor * v for v in (row.low, row.high)),
        )
        for row in rows
    )
    question = say("figure.question.honest")
    items = [
        say("figure.alt.honest_original", interval=_between(row, unit, digits))
        if row.m is None
        else say("figure.alt.honest_item", m=row.m, interval=_between(row, unit, digits))
        for row in known
    ]
    return Figure(
        figure="honest",
        question=question,
        data=Table(caption=question, columns=columns, rows=cells),
        alt=(say("figure.alt.honest"), *items),
        options={"axis": unit.label("axis")},
    )


def _between(row: Departure, unit: ShownUnit, digits: int) -> Words:
    return unit.between(row.low or 0.0, row.high or 0.0, digits)


def draw_honest(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw the original interval heavy, then one interval per departure allowed."""
    names = []
    for index, row in enumerate(figure.data.records()):
        m, low, high = row["m"], shown(row["low"]), shown(row["high"])
        original = not isinstance(m, (int, float))
        names.append(texts.words(m) if original else f"M = {texts.show(m, 'dec1')}")
        if low is None or high is None:
            continue
        ax.plot(
            [low, high],
            [-index, -index],
            color=INK if original else BLUE,
            linewidth=3.2 if original else 2,
            marker="|",
            markersize=9,
            linestyle="-" if original else (0, (6, 1.5)),
        )
    zero_line(ax)
    ax.set_yticks([-float(i) for i in range(len(names))], names)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-len(names) + 0.4, 0.6)
    number_axis(ax.xaxis, texts)
    ax.set_xlabel(texts.words(figure.options.get("axis")))


DRAWINGS: Mapping[str, Drawing] = MappingProxyType(
    {
        "specification": Drawing(draw_specification, lambda figure: 2.8),
        "honest": Drawing(draw_honest, lambda figure: 0.75 + 0.3 * len(figure.data.rows)),
    }
)
