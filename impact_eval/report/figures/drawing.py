"""The drawing board: palette, size, type, and the marks that several drawings share."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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

WIDTH = 4.2  # inches: 9-point type stays readable on a telephone
DPI = 240
LINE = 60  # characters that one line of the key takes
LONGEST_NAME = 72  # characters of a row's name: a longer one would leave no room for the marks

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


class DrawFigure(Protocol):
    """A drawing: it reads a figure's data and marks an empty pair of axes."""

    def __call__(self, figure: Figure, texts: Texts, ax: Any) -> None:
        """Draw."""
        ...


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing and the height it needs, in inches, from the figure's data."""

    draw: DrawFigure
    height: Callable[[Figure], float]


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this: the house's type and lines, whatever the user's own settings."""
    with _apart():
        import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        # a sign that the type does not hold is drawn as a box; the table beside shows it
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(dict(STYLE))  # type: ignore[arg-type]  # names are checked by mpl
        yield


@contextmanager
def _apart() -> Iterator[None]:
    """Load the drawing library away from the working folder, whose settings it would read.

    A study that was received may bring a file of that name.
    """
    here = Path.cwd()
    if "matplotlib" in sys.modules or not here.joinpath("matplotlibrc").exists():
        yield
        return
    os.chdir(Path(__file__).parent)
    try:
        yield
    finally:
        os.chdir(here)


def shown(value: object) -> float | None:
    """Return a cell as a number, or None when it is withheld, absent or missing."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value)


def cell_name(cell: object, texts: Texts) -> str:
    """Return the name in a row's header cell, in the language."""
    return texts.label(cell) if isinstance(cell, str) else texts.words(cell)


def number_axis(axis: Any, texts: Texts, count: int = 5) -> None:
    """Write the numbers of an axis in the language, few and round."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]))

    def write(value: float, _position: int) -> str:
        return texts.show(round(value, 10) + 0.0, "int" if abs(value) >= 1e3 else "plain")

    axis.set_major_formatter(FuncFormatter(write))


def zero_line(ax: Any, *, vertical: bool = True) -> None:
    """Mark zero with a dashed line behind everything."""
    line = ax.axvline if vertical else ax.axhline
    line(0, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)


def clear_left(ax: Any) -> None:
    """Take the left axis away: rows carry their names."""
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])


def legend(ax: Any, handles: Any = None) -> None:
    """Write the key above the drawing, in as many columns as the width takes."""
    handles = handles if handles is not None else ax.get_legend_handles_labels()[0]
    names = [str(handle.get_label()) for handle in handles]
    for columns in range(min(len(names), 4), 0, -1):
        widths = [max(map(len, names[k::columns])) + 6 for k in range(columns)]
        if sum(widths) <= LINE or columns == 1:
            break
    ordered = [handles[i] for k in range(columns) for i in range(k, len(handles), columns)]
    ax.figure.legend(
        handles=ordered,
        loc="outside upper left",
        ncols=columns,
        columnspacing=1.4,
        handletextpad=0.6,
        borderpad=0.1,
    )


def value_title(ax: Any, text: str) -> None:
    """Write the vertical axis's title flat, above it: it reads without turning the head."""
    ax.set_title(text, loc="left", fontsize=8.4, pad=7, color=INK)


def row_label(ax: Any, y: float, left: str, right: str = "") -> None:
    """Write a row's name at the left, and its value at the right, above its marks.

    A name longer than the figure is cut there: the table beside it holds the whole of it.
    """
    left = left if len(left) <= LONGEST_NAME else f"{left[: LONGEST_NAME - 1].rstrip()}…"
    transform = ax.get_yaxis_transform()
    look = {"transform": transform, "va": "bottom", "color": INK, "zorder": 5}
    back = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.6}
    ax.text(0, y, left, ha="left", bbox=back, **look)
    if right:
        ax.text(1, y, right, ha="right", bbox=back, **look)
