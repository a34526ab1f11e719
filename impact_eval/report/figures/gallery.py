"""Every drawing by its name, and a PNG that is the same every time."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from impact_eval.report.blocks import Figure
from impact_eval.report.figures import effect_grid, effects, money, people, robustness
from impact_eval.report.figures.drawing import DPI, WIDTH, Drawing, style
from impact_eval.report.texts import Texts


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure: a PNG without date or program name, and its size in CSS pixels."""

    png: bytes
    width: int
    height: int


@lru_cache(maxsize=1)
def drawings() -> Mapping[str, Drawing]:
    """Return every drawing by the name that figures carry."""
    return MappingProxyType(
        {
            **effects.DRAWINGS,
            **effect_grid.DRAWINGS,
            **people.DRAWINGS,
            **money.DRAWINGS,
            **robustness.DRAWINGS,
        }
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A figure asked for, known by all that it holds."""

    held: str
    texts: Texts
    figure: Figure = field(compare=False)


@lru_cache(maxsize=64)
def _drawn(asked: _Asked) -> Picture:
    return draw_figure(asked.figure, asked.texts)


def picture_of(figure: Figure, texts: Texts) -> Picture:
    """Return a figure drawn in one language, drawn once by process.

    A preview, a report, a second run and the edition made again to verify the first show the same
    figures: drawing was a fifth of each.

    Parameters
    ----------
    figure : Figure
    texts : Texts
    """
    held = json.dumps(figure.model_dump(), sort_keys=True)  # a file sorts the names of values
    return _drawn(_Asked(held, texts, figure))


def draw_figure(figure: Figure, texts: Texts) -> Picture:
    """Draw a figure in one language.

    Parameters
    ----------
    figure : Figure
        Its `figure` names the drawing.
    texts : Texts

    Returns
    -------
    Picture
        The same data and language give the same bytes.
    """
    drawing = drawings()[figure.figure]
    height = drawing.height(figure)
    with style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Sheet
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        sheet = Sheet(
            figsize=(WIDTH, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03)
        )
        FigureCanvasAgg(sheet)
        drawing.draw(figure, texts, sheet.subplots())
        out = io.BytesIO()
        sheet.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return Picture(out.getvalue(), round(WIDTH * 120), round(height * 120))
