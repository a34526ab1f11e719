"""Figures of effects: the forest of outcomes, the event study, the portfolio's forest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from impact_eval.report.blocks import Column, Figure, Form, Said, Table, Words, say
from impact_eval.report.figures.drawing import (
    BLUE,
    INK,
    LIGHT_BLUE,
    MUTED,
    PAPER,
    Drawing,
    cell_name,
    clear_left,
    legend,
    number_axis,
    row_label,
    shown,
    value_title,
    zero_line,
)
from impact_eval.report.quantities import ShownUnit, digits_for
from impact_eval.report.texts import Texts


@dataclass(frozen=True, slots=True)
class NamedInterval:
    """A named estimate with its interval, in the unit of the outcome."""

    name: Said
    estimate: float | None
    low: float | None = None
    high: float | None = None


def interval_table(
    rows: Sequence[NamedInterval],
    unit: ShownUnit,
    caption: Said,
    *,
    name: Said,
    level: float = 0.95,
) -> Table:
    """Return intervals as a table, shares turned into people per 100."""
    shown_digits = max((digits_for(unit, r.low, r.high, r.estimate) for r in rows), default=1)
    form, factor = unit.form(shown_digits), unit.factor
    columns = (
        Column(key="name", label=name, header=True),
        Column(key="estimate", label=say("effect.column_estimate"), form=form, unit=unit.label()),
        Column(key="low", label=say("effect.column_low"), form=form),
        Column(key="high", label=say("effect.column_high"), form=form),
    )
    cells = tuple(
        (row.name, *(None if v is None else factor * v for v in (row.estimate, row.low, row.high)))
        for row in rows
    )
    note = say("report.number.interval_note", level=level)
    return Table(caption=caption, columns=columns, rows=cells, notes=(note,))


def interval_words(row: NamedInterval, unit: ShownUnit) -> tuple[Words, Words]:
    """Return an estimate and its interval in words."""
    digits = digits_for(unit, row.low, row.high, row.estimate)
    value = say("report.absent_mark") if row.estimate is None else unit.change(row.estimate, digits)
    if row.low is None or row.high is None:
        return value, say("report.no_interval")
    return value, unit.between(row.low, row.high, digits)


def data_for_effect_forest(
    rows: Sequence[NamedInterval], unit: ShownUnit, *, comparison: bool = True, level: float = 0.95
) -> Figure:
    """Make the figure of several outcomes of one unit, or several groups of one outcome.

    Parameters
    ----------
    rows : sequence of NamedInterval
    unit : ShownUnit
    comparison : bool
        Whether the rows compare groups; otherwise they are changes and never called differences.
    level : float
        Of the intervals.
    """
    question = say("figure.question.forest" if comparison else "figure.question.forest_change")
    items = []
    for row in rows:
        value, between = interval_words(row, unit)
        items.append(say("figure.alt.forest_item", name=row.name, value=value, interval=between))
    return Figure(
        figure="effect_forest",
        question=question,
        data=interval_table(rows, unit, question, name=say("label.outcome"), level=level),
        alt=(say("figure.alt.forest"), *items),
        options={"axis": unit.label("axis" if comparison else "axis_change")},
    )


def draw_effect_forest(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw one row per outcome: its name above, a dot and its interval below."""
    rows = figure.data.records()
    form = figure.data.columns[1].form.value
    for index, row in enumerate(rows):
        y = -float(index)
        estimate = shown(row["estimate"])
        row_label(ax, y + 0.2, cell_name(row["name"], texts), texts.show(estimate, form))
        _interval(ax, y, estimate, shown(row["low"]), shown(row["high"]))
    zero_line(ax)
    clear_left(ax)
    ax.set_ylim(-len(rows) + 0.55, 0.75)
    number_axis(ax.xaxis, texts)
    ax.set_xlabel(texts.words(_option(figure, "axis")))


def _interval(
    ax: Any,
    y: float,
    estimate: float | None,
    low: float | None,
    high: float | None,
    *,
    marker: str = "o",
) -> None:
    if low is not None and high is not None:
        ax.plot([low, high], [y, y], color=BLUE, linewidth=2.2, solid_capstyle="butt")
        ax.plot([low, high], [y, y], color=BLUE, linestyle="", marker="|", markersize=7)
    if estimate is not None:
        ax.plot([estimate], [y], color=BLUE, marker=marker, markersize=6.5, zorder=3)


def _option(figure: Figure, name: str) -> Any:
    return figure.options.get(name)


# ------------------------------------------------------------------ event study


@dataclass(frozen=True, slots=True)
class EventPoint:
    """One event time: its effect, its pointwise interval and its simultaneous band."""

    time: int
    estimate: float | None
    low: float | None = None
    high: float | None = None
    band_low: float | None = None
    band_high: float | None = None


def data_for_event_study(
    points: Sequence[EventPoint], unit: ShownUnit, outcome: Said, *, level: float = 0.95
) -> Figure:
    """Make the event-study figure of one outcome.

    Parameters
    ----------
    points : sequence of EventPoint
        The point that is zero by construction, without interval, is the reference period.
    unit : ShownUnit
    outcome : words
    level : float
    """
    points = sorted(points, key=lambda point: point.time)
    digits = max(
        (digits_for(unit, p.low, p.high, p.estimate) for p in points if p.low is not None),
        default=1,
    )
    table = _event_table(points, unit, outcome, digits)
    question = say("figure.question.event_study", outcome=outcome)
    return Figure(
        figure="event_study",
        question=question,
        data=table,
        alt=_event_alt(points, unit, digits),
        options={"axis": unit.label("axis"), "level": level},
    )


def _event_table(
    points: Sequence[EventPoint], unit: ShownUnit, outcome: Said, digits: int
) -> Table:
    form, factor = unit.form(digits), unit.factor
    names = ("estimate", "low", "high", "band_low", "band_high")
    columns = (
        Column(key="time", label=say("effect.column_event_time"), form=Form.PLAIN, header=True),
        Column(key="phase", label=say("effect.column_phase"), form=Form.LABEL),
        *(
            Column(
                key=name,
                label=say(f"effect.column_{name}"),
                form=form,
                unit=unit.label() if name == "estimate" else None,
            )
            for name in names
        ),
    )
    rows = tuple(
        (
            point.time,
            _phase(point).value,
            *(
                None if v is None else factor * v
                for v in (point.estimate, point.low, point.high, point.band_low, point.band_high)
            ),
        )
        for point in points
    )
    return Table(caption=say("effect.caption_event", outcome=outcome), columns=columns, rows=rows)


class Phase(StrEnum):
    """Where an event time stands; the values are labels of the catalogue."""

    BEFORE = "event_before"
    AFTER = "event_after"
    REFERENCE = "event_reference"


def _phase(point: EventPoint) -> Phase:
    """Return where a point stands; one whose error is not known is no reference for that."""
    if point.low is None and point.high is None and point.estimate == 0:
        return Phase.REFERENCE
    return Phase.BEFORE if point.time < 0 else Phase.AFTER


def _event_alt(points: Sequence[EventPoint], unit: ShownUnit, digits: int) -> tuple[Words, ...]:
    alt = [say("figure.alt.event_study", first=points[0].time, last=points[-1].time)]
    before = [p for p in points if _phase(p) is Phase.BEFORE]
    after = [p.estimate for p in points if _phase(p) is Phase.AFTER and p.estimate is not None]
    if before:
        outside = len([p for p in before if _apart(p)])
        alt.append(_before_alt(outside, len(before)))
    if after:
        low, high = (unit.change(v, digits) for v in (min(after), max(after)))
        alt.append(say("figure.alt.event_after", low=low, high=high))
    return tuple(alt)


def _before_alt(outside: int, n: int) -> Words:
    if outside == 0:
        return say("figure.alt.event_before_none", n=n)
    code = "figure.alt.event_before_many" if outside > 1 else "figure.alt.event_before"
    return say(code, outside=outside, n=n)


def _apart(point: EventPoint) -> bool:
    low = point.band_low if point.band_low is not None else point.low
    high = point.band_high if point.band_high is not None else point.high
    return low is not None and high is not None and (low > 0 or high < 0)


def draw_event_study(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw hollow dots before entry and full ones after, thick pointwise bars, thin bands."""
    rows = figure.data.records()
    styles = {
        Phase.BEFORE: ("o", PAPER),
        Phase.AFTER: ("o", BLUE),
        Phase.REFERENCE: ("s", PAPER),
    }
    for row in rows:
        time, estimate = shown(row["time"]), shown(row["estimate"])
        if time is None or estimate is None:
            continue
        low, high = shown(row["low"]), shown(row["high"])
        band_low, band_high = shown(row["band_low"]), shown(row["band_high"])
        if band_low is not None and band_high is not None:
            ax.plot([time, time], [band_low, band_high], color=BLUE, linewidth=0.9, marker="_")
        if low is not None and high is not None:
            ax.plot(
                [time, time],
                [low, high],
                color=LIGHT_BLUE,
                linewidth=4.2,
                zorder=1.5,
                solid_capstyle="butt",
            )
        marker, face = styles[Phase(str(row["phase"]))]
        ax.plot(
            [time],
            [estimate],
            marker=marker,
            color=BLUE,
            markerfacecolor=face,
            markersize=5.4,
            markeredgewidth=1.4,
            zorder=3,
        )
    zero_line(ax, vertical=False)
    ax.axvline(-0.5, color=MUTED, linewidth=0.7, linestyle=":")
    _event_axes(figure, texts, ax)


def _event_axes(figure: Figure, texts: Texts, ax: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_xlabel(texts.say("figure.event_axis"))
    value_title(ax, texts.words(_option(figure, "axis")))
    number_axis(ax.yaxis, texts)
    ax.xaxis.set_major_locator(MaxNLocator(9, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: texts.show(float(v), "signed0")))
    level = _option(figure, "level")
    dot: dict[str, Any] = {"marker": "o", "color": BLUE, "markersize": 5.4, "linestyle": ""}
    handles = [
        Line2D([], [], markerfacecolor=PAPER, label=texts.say("figure.before"), **dot),
        Line2D([], [], label=texts.say("figure.after"), **dot),
        Line2D(
            [],
            [],
            color=LIGHT_BLUE,
            linewidth=4.2,
            label=texts.say("figure.pointwise", level=level),
        ),
    ]
    if any(shown(cell) is not None for cell in figure.data.column("band_low")):
        handles.append(
            Line2D([], [], color=BLUE, linewidth=0.9, label=texts.say("figure.simultaneous"))
        )
    legend(ax, handles)


# ------------------------------------------------------------------ portfolio


def data_for_portfolio_forest(
    rows: Sequence[NamedInterval],
    pooled: NamedInterval,
    prediction: tuple[float, float] | None,
    unit: ShownUnit,
    *,
    level: float = 0.95,
) -> Figure:
    """Make the forest of a portfolio: one row per study, the pooled row, the prediction interval.

    Parameters
    ----------
    rows : sequence of NamedInterval
        One per study.
    pooled : NamedInterval
    prediction : (low, high) or None
        Where the effect of a further study would lie.
    unit : ShownUnit
    level : float
    """
    question = say("figure.question.portfolio")
    extra = (
        () if prediction is None else (NamedInterval(say("figure.prediction"), None, *prediction),)
    )
    everything = (*rows, pooled, *extra)
    table = interval_table(
        everything, unit, question, name=say("label.study"), level=level
    ).model_copy(update={"emphasis": (len(rows),)})
    value, between = interval_words(pooled, unit)
    items = []
    for row in rows:
        told, told_between = interval_words(row, unit)
        items.append(
            say("figure.alt.forest_item", name=row.name, value=told, interval=told_between)
        )
    return Figure(
        figure="portfolio_forest",
        question=question,
        data=table,
        alt=(say("figure.alt.portfolio", n=len(rows), value=value, interval=between), *items),
        options={"axis": unit.label("axis"), "studies": len(rows)},
    )


def draw_portfolio_forest(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw the studies as dots, the pooled row as a diamond, the prediction interval dashed."""
    rows = figure.data.records()
    form = figure.data.columns[1].form.value
    studies = int(_option(figure, "studies"))
    for index, row in enumerate(rows):
        y = -float(index) - (0.25 if index >= studies else 0)
        estimate, low, high = (shown(row[key]) for key in ("estimate", "low", "high"))
        told = texts.show(estimate, form) if estimate is not None else ""
        row_label(ax, y + 0.2, cell_name(row["name"], texts), told)
        if index < studies:
            _interval(ax, y, estimate, low, high)
        elif estimate is None and low is not None and high is not None:
            ax.plot([low, high], [y, y], color=INK, linewidth=1.4, linestyle=(0, (5, 2)))
            ax.plot([low, high], [y, y], color=INK, linestyle="", marker="|", markersize=7)
        elif estimate is not None and low is not None and high is not None:
            ax.fill([low, estimate, high, estimate], [y, y + 0.17, y, y - 0.17], color=INK)
    zero_line(ax)
    ax.axhline(-studies + 0.6, color=MUTED, linewidth=0.6)
    clear_left(ax)
    ax.set_ylim(-len(rows) + 0.25, 0.75)
    number_axis(ax.xaxis, texts)
    ax.set_xlabel(texts.words(_option(figure, "axis")))


def _row_height(figure: Figure) -> float:
    return 0.62 + 0.43 * len(figure.data.rows)


DRAWINGS: Mapping[str, Drawing] = MappingProxyType(
    {
        "effect_forest": Drawing(draw_effect_forest, _row_height),
        "event_study": Drawing(draw_event_study, lambda figure: 3.1),
        "portfolio_forest": Drawing(draw_portfolio_forest, lambda f: _row_height(f) + 0.15),
    }
)
