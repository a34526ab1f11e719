"""`plot`: the report's own figures for whoever works in a notebook, with their words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impact_eval.core.effect import Effect
from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.shown import one_line
from impact_eval.report.blocks import Figure
from impact_eval.report.figures.drawing import style
from impact_eval.report.figures.effect_grid import GridCell, data_for_cells
from impact_eval.report.figures.effects import (
    EventPoint,
    NamedInterval,
    data_for_effect_forest,
    data_for_event_study,
)
from impact_eval.report.figures.gallery import draw_figure, drawings
from impact_eval.report.objects.remarks import named
from impact_eval.report.objects.rendering import card
from impact_eval.report.quantities import unit_of
from impact_eval.report.texts import PageTexts, user_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EVENT, CELL = "event", "att_gt"
LONGEST_FOREST = 20
UNIT = unit_of("number")  # an estimate in memory does not say the unit of its outcome


@dataclass(frozen=True, repr=False)
class Plot:
    """A figure of the report in one language: its drawing, its data, its alternative text.

    A notebook shows it with its alternative text and its table; `save` writes it as PNG.

    Attributes
    ----------
    figure : Figure
        The data and the words, before they have a language.
    language : str
    axes : matplotlib axes or None
        Those it was drawn on, when some were given.
    """

    figure: Figure
    language: str
    axes: Axes | None = None

    def __repr__(self) -> str:
        return one_line("Plot", self.figure.figure, rows=len(self.figure.data.rows))

    @property
    def title(self) -> str:
        """The one question that the figure answers."""
        return self._texts.words(self.figure.question)

    @property
    def alt(self) -> str:
        """The alternative text: what the drawing shows, in sentences."""
        return " ".join(self._texts.words(words) for words in self.figure.alt)

    @property
    def png(self) -> bytes:
        """The drawing; the same data and language give the same bytes."""
        return draw_figure(self.figure, self._texts).png

    def save(self, path: str | Path) -> Path:
        """Write the drawing as PNG."""
        target = Path(path)
        target.write_bytes(self.png)
        return target

    @property
    def _texts(self) -> PageTexts:
        return PageTexts(self.language)

    def _repr_html_(self) -> str | None:
        """Return the drawing, its alternative text and its table; nothing when axes show it."""
        return None if self.axes is not None else card([self.figure], self._texts)


def plot(
    estimate: Estimate | Effect, *, ax: Axes | None = None, language: str | None = None
) -> Plot:
    """Draw an estimate as the report does.

    An event study is drawn by time since entry, with pointwise intervals and simultaneous bands;
    group-time effects as a grid; anything else as dots with their intervals.

    Parameters
    ----------
    estimate : Estimate or Effect
    ax : matplotlib axes, optional
        Draw on them; without, the figure is drawn when it is shown or saved.
    language : str, optional
        The user's by default.

    Returns
    -------
    Plot
        With `alt`, the alternative text, and `save`.

    Raises
    ------
    ImpactEvalError
        `nothing_to_plot` for another object, or when no row has a value; `unknown_language`;
        `not_axes`.

    Examples
    --------
    >>> from impact_eval.core import wald_effect
    >>> row = wald_effect(outcome="y", estimand="att", term="att", estimate=1.0, std_error=0.5)
    >>> plot(row, language="en").alt
    'Dot chart. y: +1.00, between +0.02 and +1.98.'
    """
    texts = PageTexts(user_language() if language is None else language)
    figure = figure_of(estimate)
    if ax is not None:
        if not hasattr(ax, "get_yaxis_transform"):
            raise ImpactEvalError(Finding.error("not_axes", kind=type(ax).__name__))
        with style():
            drawings()[figure.figure].draw(figure, texts, ax)
    return Plot(figure, texts.language, ax)


def figure_of(estimate: Estimate | Effect) -> Figure:
    """Return the figure of an estimate, before it has a language."""
    if isinstance(estimate, Effect) and _plotted(estimate):
        return _forest([estimate], comparison=True)
    if not isinstance(estimate, Estimate):
        raise ImpactEvalError(Finding.error("nothing_to_plot", kind=type(estimate).__name__))
    if not any(map(_plotted, estimate.effects)):
        raise ImpactEvalError(Finding.error("nothing_to_plot", kind=estimate.outcome))
    cells = [e for e in estimate.effects if e.term == CELL]
    if len(cells) > 1:
        return _cells(cells, estimate.outcome)
    points = _points(estimate)
    if len(points) > 1:
        level = estimate.effects[0].conf_level
        return data_for_event_study(points, UNIT, named(estimate.outcome), level=level)
    return _forest(estimate.effects, comparison=estimate.counterfactual)


def _plotted(effect: Effect) -> bool:
    return effect.estimate is not None and math.isfinite(effect.estimate)


def _cells(cells: Sequence[Effect], outcome: str) -> Figure:
    found = [
        GridCell(e.group, e.time, e.estimate, e.conf_low, e.conf_high)
        for e in cells
        if e.group is not None and e.time is not None
    ]
    return data_for_cells(found, UNIT, named(outcome), level=cells[0].conf_level)


def _points(estimate: Estimate) -> list[EventPoint]:
    """Return the rows of an event study, each with its simultaneous band."""
    if not any(effect.term == EVENT for effect in estimate.effects):
        return []
    bands = estimate.bands(level=estimate.effects[0].conf_level)
    lows, highs = bands["conf_low"].tolist(), bands["conf_high"].tolist()
    return [
        EventPoint(int(e.time), e.estimate, e.conf_low, e.conf_high, _known(low), _known(high))
        for e, low, high in zip(estimate.effects, lows, highs, strict=True)
        if e.term == EVENT and isinstance(e.time, (int, float)) and e.estimate is not None
    ]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _forest(effects: Sequence[Effect], *, comparison: bool) -> Figure:
    rows = [
        NamedInterval(
            named(e.outcome if e.key == e.term else f"{e.outcome}, {e.key}"),
            e.estimate,
            e.conf_low,
            e.conf_high,
        )
        for e in effects[:LONGEST_FOREST]
    ]
    level = effects[0].conf_level
    return data_for_effect_forest(rows, UNIT, comparison=comparison, level=level)
