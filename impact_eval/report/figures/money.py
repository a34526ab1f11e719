"""Figures of money: what weighs on a result, when it repays, who pays and who gains."""

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
    LIGHT_OCHRE,
    MUTED,
    OCHRE,
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
from impact_eval.report.texts import Texts
from impact_eval.results.stated import balance

LONGEST_TORNADO = 10


@dataclass(frozen=True, slots=True)
class Swing:
    """One assumption: the result when it is low and when it is high."""

    name: Said
    at_low: float
    at_high: float


def data_for_tornado(rows: Sequence[Swing], base: float) -> Figure:
    """Make the tornado: the result as each assumption moves alone, widest first.

    Parameters
    ----------
    rows : sequence of Swing
        In euros.
    base : float
        The result with every assumption at its chosen value.
    """
    ordered = sorted(rows, key=lambda row: -abs(row.at_high - row.at_low))[:LONGEST_TORNADO]
    columns = (
        Column(key="name", label=say("value.parameter"), form=Form.LABEL, header=True),
        Column(key="at_low", label=say("value.low"), form=Form.EURO),
        Column(key="at_high", label=say("value.high"), form=Form.EURO),
    )
    question = say("value.question_tornado")
    widest = ordered[0]
    low, high = sorted((widest.at_low, widest.at_high))
    return Figure(
        figure="tornado",
        question=question,
        data=Table(
            caption=say("value.caption_sensitivity"),
            columns=columns,
            rows=tuple((row.name, row.at_low, row.at_high) for row in ordered),
        ),
        alt=(say("figure.alt.tornado", name=_named(widest.name), low=low, high=high),),
        options={"base": base},
    )


def _named(name: Said) -> Said:
    return say("report.label", name=name) if isinstance(name, str) else name


def draw_tornado(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw each assumption's two ends as bars from the base: the low one hatched."""
    from matplotlib.patches import Patch

    base = float(shown(figure.options.get("base")) or 0.0)
    rows = figure.data.rows
    for index, (name, at_low, at_high) in enumerate(rows):
        y = -float(index)
        row_label(ax, y + 0.2, cell_name(name, texts))
        for cell, look in (
            (at_low, {"facecolor": LIGHT_OCHRE, "hatch": "////"}),
            (at_high, {"facecolor": BLUE}),
        ):
            end = shown(cell)
            if end is not None:
                ax.barh(y, end - base, left=base, height=0.3, edgecolor=INK, linewidth=0.5, **look)
    ax.axvline(base, color=INK, linewidth=0.9)
    zero_line(ax)
    clear_left(ax)
    ax.set_ylim(-len(rows) + 0.6, 0.75)
    number_axis(ax.xaxis, texts, 4)
    ax.set_xlabel(texts.say("figure.amount_axis"))
    handles = [
        Patch(
            facecolor=LIGHT_OCHRE,
            hatch="////",
            edgecolor=INK,
            linewidth=0.5,
            label=texts.say("figure.low_value"),
        ),
        Patch(facecolor=BLUE, edgecolor=INK, linewidth=0.5, label=texts.say("figure.high_value")),
    ]
    legend(ax, handles)


@dataclass(frozen=True, slots=True)
class YearBalance:
    """The cumulative balance at the end of a year, with its interval when known."""

    year: int
    balance: float
    low: float | None = None
    high: float | None = None


def data_for_cumulative(
    years: Sequence[YearBalance], end: tuple[float | None, float | None] = (None, None)
) -> Figure:
    """Make the curve of the cumulative balance, in euros.

    Parameters
    ----------
    years : sequence of YearBalance
    end : (float or None, float or None)
        Interval of the last balance, said where the curve has none of its own.
    """
    columns: tuple[Column, ...] = (
        Column(key="year", label=say("value.years"), form=Form.PLAIN, header=True),
        Column(key="balance", label=say("value.cumulative"), form=Form.EURO),
    )
    bounded = any(y.low is not None or y.high is not None for y in years)
    if bounded:
        columns += (
            Column(key="low", label=say("effect.column_low"), form=Form.EURO),
            Column(key="high", label=say("effect.column_high"), form=Form.EURO),
        )
    told: tuple[Words, ...] = ()
    if not bounded and None not in end:
        told = (say("figure.alt.cumulative_margin", low=end[0], high=end[1]),)
    crossing = next((y.year for y in years if y.balance >= 0), None)
    second = (
        say("figure.alt.cumulative_never")
        if crossing is None
        else say("figure.alt.cumulative_cross", year=crossing)
    )
    question = say("value.question_cumulative")
    return Figure(
        figure="cumulative",
        question=question,
        data=Table(
            caption=question,
            columns=columns,
            rows=tuple(
                (y.year, y.balance, y.low, y.high) if bounded else (y.year, y.balance)
                for y in years
            ),
        ),
        alt=(
            say("figure.alt.cumulative", first=years[0].balance, last=years[-1].balance),
            second,
            *told,
        ),
    )


def draw_cumulative(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw the balance year by year with its interval, and the line of repayment."""
    years, balances, *bounds = zip(*figure.data.rows, strict=True)
    at = [float(shown(year) or 0) for year in years]
    balance = [float(shown(amount) or 0) for amount in balances]
    lows, highs = ([shown(cell) for cell in column] for column in bounds or ((None,), (None,)))
    if all(v is not None for v in (*lows, *highs)):
        ax.fill_between(
            at,
            lows,
            highs,
            facecolor=LIGHT_BLUE,
            alpha=0.55,
            linewidth=0,
            label=texts.say("figure.range_likely"),
        )
        legend(ax)
    ax.plot(at, balance, color=BLUE, marker="o", markersize=5)
    zero_line(ax, vertical=False)
    from matplotlib.ticker import FuncFormatter

    ax.set_xticks(at[:: max(1, len(at) // 8)])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: texts.show(float(v))))
    number_axis(ax.yaxis, texts)
    ax.set_xlabel(texts.say("figure.year_axis"))
    value_title(ax, texts.say("figure.amount_axis"))


@dataclass(frozen=True, slots=True)
class PartyBalance:
    """What a party pays (a positive number), gains, and its balance."""

    name: Said
    pays: float
    gains: float

    @property
    def net(self) -> float:
        """Gains less payments."""
        return balance(self.gains, self.pays)


def data_for_payers(parties: Sequence[PartyBalance]) -> Figure:
    """Make the figure of who pays and who gains, in euros."""
    columns = (
        Column(key="name", label=say("value.payer"), form=Form.LABEL, header=True),
        Column(key="pays", label=say("value.cost"), form=Form.EURO),
        Column(key="gains", label=say("value.benefit"), form=Form.EURO),
        Column(key="net", label=say("value.net"), form=Form.EURO),
    )
    rows = tuple((p.name, p.pays, p.gains, p.net) for p in parties)
    items = [say("figure.alt.payer_item", name=_named(p.name), value=p.net) for p in parties]
    question = say("value.question_payers")
    return Figure(
        figure="payers",
        question=question,
        data=Table(caption=say("value.caption_account"), columns=columns, rows=rows),
        alt=(say("figure.alt.payers"), *items),
    )


def draw_payers(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw payments to the left, hatched; gains to the right; the balance as a diamond."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = figure.data.rows
    for index, (name, *amounts) in enumerate(rows):
        y = -float(index)
        pays, gains, net = (shown(amount) for amount in amounts)
        row_label(ax, y + 0.2, cell_name(name, texts), texts.show(net, "eur"))
        if pays:
            ax.barh(
                y,
                -pays,
                height=0.3,
                facecolor=LIGHT_OCHRE,
                edgecolor=OCHRE,
                hatch="////",
                linewidth=0.5,
            )
        if gains:
            ax.barh(y, gains, height=0.3, facecolor=BLUE, edgecolor=BLUE, linewidth=0.5)
        if net is not None:
            ax.plot([net], [y], marker="D", color=INK, markeredgecolor="white", markersize=6)
    ax.axvline(0, color=INK, linewidth=0.9)
    clear_left(ax)
    ax.set_ylim(-len(rows) + 0.6, 0.75)
    number_axis(ax.xaxis, texts, 4)
    ax.set_xlabel(texts.say("figure.amount_axis"))
    handles = [
        Patch(facecolor=LIGHT_OCHRE, edgecolor=OCHRE, hatch="////", label=texts.say("figure.pays")),
        Patch(facecolor=BLUE, label=texts.say("figure.gains")),
        Line2D([], [], marker="D", color=INK, linestyle="", label=texts.say("value.net")),
    ]
    legend(ax, handles)


def data_for_acceptability(points: Sequence[tuple[float, float]]) -> Figure:
    """Make the acceptability curve: for each value put on a result, the chances of being worth it.

    Parameters
    ----------
    points : sequence of (value in euros, probability from 0 to 1)
        In rising order of value.
    """
    columns = (
        Column(key="value", label=say("value.threshold"), form=Form.EURO, header=True),
        Column(key="probability", label=say("value.probability"), form=Form.ODDS),
    )
    question = say("value.question_acceptability")
    alt: Words = say("figure.alt.acceptability", low=points[0][1], high=points[-1][1])
    table = Table(caption=question, columns=columns, rows=tuple(tuple(p) for p in points))
    return Figure(figure="acceptability", question=question, data=table, alt=(alt,))


def draw_acceptability(figure: Figure, texts: Texts, ax: Any) -> None:
    """Draw the curve, and the line of even chances."""
    values, probabilities = zip(*figure.data.rows, strict=True)
    at = [float(shown(value) or 0) for value in values]
    chances = [100 * float(shown(chance) or 0) for chance in probabilities]
    ax.plot(at, chances, color=BLUE)
    ax.axhline(50, color=MUTED, linestyle=(0, (4, 3)), linewidth=0.9)
    ax.set_ylim(0, 102)
    number_axis(ax.xaxis, texts)
    number_axis(ax.yaxis, texts)
    ax.set_xlabel(texts.say("figure.threshold_axis"))
    value_title(ax, texts.say("figure.probability_axis"))


def _rows(figure: Figure) -> float:
    return 0.95 + 0.42 * len(figure.data.rows)


DRAWINGS: Mapping[str, Drawing] = MappingProxyType(
    {
        "tornado": Drawing(draw_tornado, _rows),
        "cumulative": Drawing(draw_cumulative, lambda figure: 2.8),
        "payers": Drawing(draw_payers, _rows),
        "acceptability": Drawing(draw_acceptability, lambda figure: 2.7),
    }
)
