"""Figures of people: the sample's flow, balance, answers to a scale, scores before and after."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from impact_eval.report.blocks import (
    WITHHELD,
    Column,
    Figure,
    Form,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.figures.drawing import (
    BLUE,
    INK,
    LIGHT_BLUE,
    LIGHT_OCHRE,
    MIDDLE,
    MUTED,
    OCHRE,
    PAPER,
    Drawing,
    cell_name,
    clear_left,
    legend,
    number_axis,
    row_label,
    shown,
    value_title,
)
from impact_eval.report.texts import Texts
from impact_eval.results.stated import favourable, shares, sum_or_none

SMD_LIMIT = 0.1


# ------------------------------------------------------------------ flow


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the flow: its name, the rows kept, the rows left out; None is kept back."""

    name: Said
    n: int | None
    dropped: int | None


def data_for_flow(steps: Sequence[Step]) -> Figure:
    """Make the figure of the rows left at each step."""
    columns = (
        Column(key="step", label=say("flow.step"), form=Form.LABEL, header=True),
        Column(key="n", label=say("flow.kept"), form=Form.INTEGER),
        Column(key="dropped", label=say("flow.dropped"), form=Form.INTEGER),
    )
    rows = tuple(
        (step.name, *(WITHHELD if n is None else n for n in (step.n, step.dropped)))
        for step in steps
    )
    items = [
        say(
            "figure.alt.flow_item",
            step=_said_label(step.name),
            n=say("report.withheld_value") if step.n is None else step.n,
        )
        for step in steps
    ]
    return Figure(
        figure="flow",
        question=say("figure.question.flow"),
        data=Table(caption=say("flow.caption"), columns=columns, rows=rows),
        alt=(say("figure.alt.flow", items=items),),
    )


def _said_label(name: Said) -> Said:
    return say("report.label", name=name) if isinstance(name, str) else name


def draw_flow(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw one bar per step: kept rows plain, rows left out hatched."""
    rows = figure.data.records()
    for index, row in enumerate(rows):
        y, kept, dropped = -float(index), shown(row["n"]), shown(row["dropped"])
        mark = texts.show(kept, "int") if kept is not None else texts.say("report.withheld_mark")
        row_label(ax, y + 0.21, cell_name(row["step"], texts), mark)
        if kept is None:
            continue
        ax.barh(y, kept, height=0.3, color=BLUE)
        if dropped:
            ax.barh(y, dropped, left=kept, height=0.3, color=PAPER, edgecolor=OCHRE, hatch="////")
    clear_left(ax)
    ax.set_ylim(-len(rows) + 0.6, 0.8)
    ax.set_xlim(left=0)
    number_axis(ax.xaxis, texts)
    ax.set_xlabel(texts.say("figure.lines_axis"))
    if any(shown(cell) for cell in figure.data.column("dropped")):
        from matplotlib.patches import Patch

        handles = [
            Patch(color=BLUE, label=texts.say("figure.kept")),
            Patch(
                facecolor=PAPER, edgecolor=OCHRE, hatch="////", label=texts.say("figure.dropped")
            ),
        ]
        legend(ax, handles)


# ------------------------------------------------------------------ balance


@dataclass(frozen=True, slots=True)
class BalancePoint:
    """One characteristic: standardised difference before and, when adjusted, after."""

    name: Said
    before: float | None
    after: float | None = None


def data_for_balance(rows: Sequence[BalancePoint]) -> Figure:
    """Make the love plot: absolute standardised differences, largest first."""
    ordered = sorted(rows, key=lambda row: -abs(row.before or 0))
    adjusted = any(row.after is not None for row in ordered)
    columns = [
        Column(key="name", label=say("label.covariate"), form=Form.LABEL, header=True),
        Column(key="before", label=say("figure.before_adjust"), form=Form.DECIMAL_2),
    ]
    if adjusted:
        columns.append(Column(key="after", label=say("figure.after_adjust"), form=Form.DECIMAL_2))
    cells = tuple(
        (row.name, *(None if v is None else abs(v) for v in (row.before, row.after)))[
            : len(columns)
        ]
        for row in ordered
    )
    last = [abs((row.after if adjusted else row.before) or 0) for row in ordered]
    worst = max(range(len(last)), key=last.__getitem__)
    alt = say(
        "figure.alt.balance",
        n=len(ordered),
        over=len([value for value in last if value > SMD_LIMIT]),
        name=_said_label(ordered[worst].name),
        value=last[worst],
    )
    question = say("figure.question.balance")
    table = Table(caption=question, columns=tuple(columns), rows=cells)
    return Figure(figure="balance", question=question, data=table, alt=(alt,))


def draw_balance(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw hollow dots before adjustment, full ones after, and the usual threshold."""
    rows = figure.data.records()
    adjusted = "after" in figure.data.keys
    for index, row in enumerate(rows):
        before = shown(row["before"])
        after = shown(row["after"]) if adjusted else None
        ax.axhline(-index, color=MIDDLE, linewidth=0.8, zorder=0)
        if before is not None:
            face = PAPER if adjusted else BLUE
            ax.plot(
                [before],
                [-index],
                marker="o",
                color=BLUE,
                markerfacecolor=face,
                markersize=5.5,
                linestyle="",
            )
        if after is not None:
            ax.plot([after], [-index], marker="D", color=BLUE, markersize=5, linestyle="")
    ax.axvline(SMD_LIMIT, color=OCHRE, linestyle=(0, (4, 3)), linewidth=1.1)
    ax.set_yticks(
        [-float(i) for i in range(len(rows))], [cell_name(r["name"], texts) for r in rows]
    )
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-len(rows) + 0.4, 0.6)
    ax.set_xlim(left=-0.005)
    number_axis(ax.xaxis, texts)
    ax.set_xlabel(texts.say("figure.smd_axis"))
    legend(ax, _balance_key(texts, adjusted=adjusted))


def _balance_key(texts: Texts, *, adjusted: bool) -> list[Any]:
    """Return the key of the love plot."""
    from matplotlib.lines import Line2D

    dot: dict[str, Any] = {"color": BLUE, "linestyle": "", "markersize": 5.5}
    handles = [
        Line2D(
            [],
            [],
            color=OCHRE,
            linestyle=(0, (4, 3)),
            linewidth=1.1,
            label=texts.say("figure.smd_limit"),
        )
    ]
    if adjusted:
        handles = [
            Line2D(
                [],
                [],
                marker="o",
                markerfacecolor=PAPER,
                label=texts.say("figure.before_adjust"),
                **dot,
            ),
            Line2D([], [], marker="D", label=texts.say("figure.after_adjust"), **dot),
            *handles,
        ]
    return handles


# ------------------------------------------------------------------ answers to a scale


@dataclass(frozen=True, slots=True)
class ItemAnswers:
    """The answers to one question at one date: a count per category, from worst to best."""

    item: Said
    wave: Said
    counts: tuple[int, ...]


def data_for_likert(
    rows: Sequence[ItemAnswers],
    categories: Sequence[Said],
    *,
    sided: bool = True,
    turned: bool = False,
) -> Figure:
    """Make diverging stacked bars: one bar per question and date.

    Parameters
    ----------
    rows : sequence of ItemAnswers
        The two dates of a question one after the other; counts of the answers ticked, ordered from
        least to most favourable.
    categories : sequence of words
        The names of the answers, in the same order.
    sided : bool
        Whether one end is favourable; else the answers are in their own order.
    turned : bool
        Whether the answers are in the opposite order to those of another figure of the scale.
    """
    keys = tuple(f"share_{k}" for k in range(len(categories)))
    columns = (
        Column(key="item", label=say("label.item"), header=True),
        Column(key="wave", label=say("label.wave")),
        Column(key="n", label=say("label.n"), form=Form.INTEGER),
        *(
            Column(key=key, label=name, form=Form.PERCENT)
            for key, name in zip(keys, categories, strict=True)
        ),
    )
    cells = []
    for row in rows:
        cells.append((row.item, row.wave, sum_or_none(row.counts), *shares(row.counts)))
    counts = [row.counts for row in rows]
    first, last = counts[::2], counts[1::2] or counts[::2]
    shown_as = "figure.alt.likert" if sided else "figure.alt.likert_plain"
    sides = {"before": favourable(first), "after": favourable(last)} if sided else {}
    alt = say(shown_as, n=len(first), **sides)
    question = say("soft.question_items_turned" if turned else "soft.question_items")
    return Figure(
        figure="likert",
        question=question,
        data=Table(
            caption=question,
            columns=columns,
            rows=tuple(cells),
        ),
        alt=(alt,),
    )


def likert_styles(count: int) -> list[dict[str, Any]]:
    """Return fill and hatch by category: told apart without colour, from worst to best."""
    half = count // 2
    low = [
        {"facecolor": OCHRE if k == 0 and half > 1 else LIGHT_OCHRE, "hatch": "////"}
        for k in range(half)
    ]
    middle = [{"facecolor": MIDDLE, "hatch": ""}] if count % 2 else []
    high = [
        {"facecolor": BLUE if k == half - 1 and half > 1 else LIGHT_BLUE, "hatch": ""}
        for k in range(half)
    ]
    return [*low, *middle, *high]


def draw_likert(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw each bar around the middle of the neutral answer; unfavourable answers are hatched."""
    from matplotlib.patches import Patch

    rows = figure.data.records()
    keys = [key for key in figure.data.keys if key.startswith("share_")]
    styles = likert_styles(len(keys))
    y = 0.0
    previous: Any = None
    for row in rows:
        if row["item"] != previous:
            y -= 0.62 if previous is not None else 0.0
            row_label(ax, y + 0.26, cell_name(row["item"], texts))
            previous = row["item"]
        parts = [shown(row[key]) for key in keys]
        ax.text(
            -1.04,
            y,
            cell_name(row["wave"], texts),
            ha="right",
            va="center",
            color=MUTED,
            fontsize=8,
        )
        if all(part is not None for part in parts):
            _stack(ax, y, [part or 0.0 for part in parts], styles)
        y -= 0.44
    ax.axvline(0, color=INK, linewidth=0.8)
    clear_left(ax)
    ax.set_xlim(-1.02, 1.02)
    ax.set_ylim(y + 0.1, 0.62)
    from matplotlib.ticker import FuncFormatter

    ax.set_xticks([-1, -0.5, 0, 0.5, 1])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: texts.show(abs(100 * v), "int")))
    ax.set_xlabel(texts.say("figure.share_axis"))
    names = [texts.words(column.label) for column in figure.data.columns if column.key in keys]
    handles = [
        Patch(edgecolor=INK, linewidth=0.5, label=name, **style)
        for name, style in zip(names, styles, strict=True)
    ]
    legend(ax, handles)


def _stack(ax: Any, y: float, parts: list[float], styles: list[dict[str, Any]]) -> None:
    half = len(parts) // 2
    neutral = parts[half] / 2 if len(parts) % 2 else 0.0
    left = -sum(parts[:half]) - neutral
    for part, look in zip(parts, styles, strict=True):
        ax.barh(y, part, left=left, height=0.36, edgecolor=INK, linewidth=0.5, **look)
        left += part


# ------------------------------------------------------------------ scores before and after


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Counts of people whose score falls in a class, at the start and at the end."""

    low: float
    high: float
    before: int | None
    after: int | None


def data_for_distribution(
    bins: Sequence[ScoreBin], *, scale: Said, mean_before: float | None, mean_after: float | None
) -> Figure:
    """Make the figure of scores at two dates, in classes (never person by person)."""
    columns = (
        Column(key="low", label=say("effect.column_low"), form=Form.PLAIN),
        Column(key="high", label=say("effect.column_high"), form=Form.PLAIN),
        Column(key="before", label=say("soft.before"), form=Form.INTEGER),
        Column(key="after", label=say("soft.after"), form=Form.INTEGER),
    )
    table = Table(
        caption=say("soft.question_change", scale=scale),
        columns=columns,
        rows=tuple(
            (b.low, b.high, *(WITHHELD if n is None else n for n in (b.before, b.after)))
            for b in bins
        ),
    )
    return Figure(
        figure="distribution",
        question=say("soft.question_change", scale=scale),
        data=table,
        alt=(say("figure.alt.distribution", before=_known(mean_before), after=_known(mean_after)),),
        options={"mean_before": mean_before, "mean_after": mean_after},
    )


def _known(mean: float | None) -> float | Words:
    return say("report.withheld_value") if mean is None else mean


def draw_distribution(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw the start as a dashed outline, the end as a filled one, in shares of people."""
    rows = figure.data.records()
    edges = [float(shown(r["low"]) or 0) for r in rows] + [float(shown(rows[-1]["high"]) or 0)]
    for key, look, name in (
        ("after", {"color": BLUE, "fill": True, "alpha": 0.9, "linewidth": 0}, "figure.wave_after"),
        (
            "before",
            {"color": INK, "fill": False, "linestyle": (0, (4, 2)), "linewidth": 1.7},
            "figure.wave_before",
        ),
    ):
        counts = [shown(row[key]) for row in rows]
        if None in counts:  # shares of a total that is not known would be a guess
            continue
        widths = [high - low for low, high in itertools.pairwise(edges)]
        parts = shares([int(count or 0) for count in counts])
        heights = [
            100 * (part or 0) / width if width else 0
            for part, width in zip(parts, widths, strict=True)
        ]
        if look.pop("fill"):
            look = {"facecolor": LIGHT_BLUE, "edgecolor": BLUE, "linewidth": 1}
            ax.stairs(heights, edges, fill=True, label=texts.say(name), **look)
        else:
            ax.stairs(heights, edges, label=texts.say(name), **look)
    for key, line in (("mean_before", (0, (4, 2))), ("mean_after", "-")):
        value = figure.options.get(key)
        if isinstance(value, (int, float)):
            ax.axvline(value, color=INK, linewidth=1, linestyle=line, ymax=0.97)
    ax.set_xlabel(texts.say("figure.score_axis"))
    value_title(ax, texts.say("figure.people_axis"))
    number_axis(ax.xaxis, texts, 8)
    number_axis(ax.yaxis, texts)
    if ax.get_legend_handles_labels()[0]:
        legend(ax)


def _rows(step: float, base: float) -> Any:
    return lambda figure: base + step * len(figure.data.rows)


DRAWINGS: Mapping[str, Drawing] = MappingProxyType(
    {
        "flow": Drawing(draw_flow, _rows(0.42, 0.95)),
        "balance": Drawing(draw_balance, _rows(0.24, 0.85)),
        "likert": Drawing(draw_likert, _rows(0.37, 0.95)),
        "distribution": Drawing(draw_distribution, lambda figure: 2.7),
    }
)
