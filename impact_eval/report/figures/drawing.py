"""The drawing board: palette, size, type, and a PNG that is the same every time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol

from impact_eval.report.blocks import Figure
from impact_eval.report.texts import Texts

INK = "#1a2433"
MUTED = "#4a5768"
RULE = "#c5cdd8"
BLUE = "#1c4e80"
LIGHT_BLUE = "#a9c1da"
OCHRE = "#9a5b00"
LIGHT_OCHRE = "#e6c48f"
PAPER = "#ffffff"
MIDDLE = "#e8ebef"

WIDTH = 4.7  # inches: 9-point type stays readable on a telephone
DPI = 220

STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "font.family": ["DejaVu Sans"],
        "font.size": 8.8,
        "text.color": INK,
        "text.parse_math": False,
        "text.usetex": False,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "axes.titlesize": 9,
        "axes.labelsize": 8.4,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8.4,
        "ytick.labelsize": 8.4,
        "xtick.major.size": 3,
        "ytick.major.size": 0,
        "legend.frameon": False,
        "legend.fontsize": 8.2,
        "legend.handlelength": 2.2,
        "lines.linewidth": 1.6,
        "hatch.linewidth": 0.7,
        "figure.facecolor": PAPER,
        "axes.facecolor": PAPER,
        "savefig.facecolor": PAPER,
    }
)


class Draw(Protocol):
    """A drawing: it reads a figure's data and marks an empty pair of axes."""

    def __call__(self, figure: Figure, texts: Texts, ax: Any) -> None:
        """Draw."""
        ...


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing and the height it needs, in inches, from the figure's data."""

    draw: Draw
    height: Callable[[Figure], float]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure: a PNG without date or program name, and its size in CSS pixels."""

    png: bytes
    width: int
    height: int


@lru_cache(maxsize=1)
def drawings() -> Mapping[str, Drawing]:
    """Return every drawing by the name that figures carry."""
    from impact_eval.report.figures import effects, money, people, robustness

    return MappingProxyType(
        {**effects.DRAWINGS, **people.DRAWINGS, **money.DRAWINGS, **robustness.DRAWINGS}
    )


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this: the house's type and lines, whatever the user's own settings."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def draw(figure: Figure, texts: Texts) -> Picture:
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

        sheet = Sheet(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(sheet)
        sheet.get_layout_engine().set(w_pad=0.03, h_pad=0.03)
        drawing.draw(figure, texts, sheet.subplots())
        out = io.BytesIO()
        sheet.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return Picture(out.getvalue(), round(WIDTH * 120), round(height * 120))


def shown(value: object) -> float | None:
    """Return a cell as a number, or None when it is withheld, absent or missing."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value)


def name_of(cell: object, texts: Texts) -> str:
    """Return the name in a row's header cell, in the language."""
    return texts.label(cell) if isinstance(cell, str) else texts.words(cell)


def number_axis(axis: Any, texts: Texts, count: int = 5) -> None:
    """Write the numbers of an axis in the language, few and round."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]))

    def write(value: float, _position: int) -> str:
        return texts.show(round(value, 10) + 0.0, "int" if abs(value) >= 1e4 else "plain")

    axis.set_major_formatter(FuncFormatter(write))


def zero_line(ax: Any, *, vertical: bool = True) -> None:
    """Mark zero with a dashed line behind everything."""
    line = ax.axvline if vertical else ax.axhline
    line(0, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)


def clear_left(ax: Any) -> None:
    """Take the left axis away: rows carry their names."""
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])


def row_label(ax: Any, y: float, left: str, right: str = "") -> None:
    """Write a row's name at the left, and its value at the right, above its marks."""
    transform = ax.get_yaxis_transform()
    ax.text(0, y, left, transform=transform, ha="left", va="bottom", color=INK)
    if right:
        ax.text(1, y, right, transform=transform, ha="right", va="bottom", color=INK)
