"""A small pen for black and white SVG: the same call always writes the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

Point = tuple[float, float]
SOLID, DASHED, DOTTED = "", "9 5", "2 4"
_HATCH = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="7" height="7" fill="#fff"/>'
    '<line x1="0" y1="0" x2="0" y2="7" stroke="#000" stroke-width="2.4"/></pattern>'
    '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z"/></marker></defs>'
)


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


@dataclass
class Drawing:
    """A sheet to draw on.

    Parameters
    ----------
    width, height : int
        In user units; the picture scales with the page.
    """

    width: int = 640
    height: int = 300
    _marks: list[str] = field(default_factory=list)

    def line(
        self, points: Iterable[Point], dash: str = SOLID, width: float = 2, shade: str = "#000"
    ) -> None:
        """Draw a broken line."""
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._marks.append(
            f'<polyline points="{path}" fill="none" stroke="{shade}" '
            f'stroke-width="{_n(width)}"{dashes}/>'
        )

    def arrow(self, start: Point, end: Point, *, both: bool = False, dash: str = SOLID) -> None:
        """Draw an arrow, with a head at both ends for a distance."""
        heads = ' marker-start="url(#head)"' if both else ""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._marks.append(
            f'<line x1="{_n(start[0])}" y1="{_n(start[1])}" x2="{_n(end[0])}" y2="{_n(end[1])}" '
            f'stroke="#000" stroke-width="1.6" marker-end="url(#head)"{heads}{dashes}/>'
        )

    def dot(self, at: Point, radius: float = 5, *, full: bool = True) -> None:
        """Draw a point, full or hollow."""
        self._marks.append(
            f'<circle cx="{_n(at[0])}" cy="{_n(at[1])}" r="{_n(radius)}" '
            f'fill="{"#000" if full else "#fff"}" stroke="#000" stroke-width="1.6"/>'
        )

    def box(
        self, corner: Point, size: Point, fill: str = "none", *, width: float = 1.2, dash: str = ""
    ) -> None:
        """Draw a rectangle; `fill` may be `hatch`."""
        paint = "url(#hatch)" if fill == "hatch" else fill
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._marks.append(
            f'<rect x="{_n(corner[0])}" y="{_n(corner[1])}" width="{_n(size[0])}" '
            f'height="{_n(size[1])}" fill="{paint}" stroke="#000" '
            f'stroke-width="{_n(width)}"{dashes}/>'
        )

    def text(
        self, at: Point, words: str, *, anchor: str = "start", size: int = 14, bold: bool = False
    ) -> None:
        """Write a few words; the ends of lines are `|`."""
        weight = ' font-weight="600"' if bold else ""
        for i, row in enumerate(words.split("|")):
            self._marks.append(
                f'<text x="{_n(at[0])}" y="{_n(at[1] + i * size * 1.2)}" text-anchor="{anchor}" '
                f'font-size="{size}"{weight} paint-order="stroke" stroke="#fff" stroke-width="4" '
                f'stroke-linejoin="round">{escape(row)}</text>'
            )

    def axes(self, left: float, top: float, right: float, bottom: float, across: str) -> None:
        """Draw two axes and name the horizontal one."""
        self.line([(left, top), (left, bottom), (right, bottom)], width=1.2)
        self.text((right, bottom + 18), across, anchor="end", size=13)

    def mark_date(self, x: float, top: float, bottom: float, words: str) -> None:
        """Draw the date at which the action starts."""
        self.line([(x, top), (x, bottom)], DOTTED, 1.2)
        self.text((x, top - 6), words, anchor="middle", size=13)

    def svg(self, title: str) -> str:
        """Return the picture with its alternative text."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img" font-family="sans-serif">'
            f"<title>{escape(title)}</title>{_HATCH}"
            f'<rect width="{self.width}" height="{self.height}" fill="#fff"/>'
            f"{''.join(self._marks)}</svg>\n"
        )


def grid(
    pen: Drawing,
    corner: Point,
    cells: Sequence[Sequence[str]],
    *,
    cell: Point = (44, 30),
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> None:
    """Draw units by periods: blank untreated, `#` treated, `o` comparison, `?` rebuilt."""
    left, top = corner
    for i, row in enumerate(cells):
        if i < len(rows):
            pen.text((left - 10, top + i * cell[1] + 20), rows[i], anchor="end", size=13)
        for j, state in enumerate(row):
            at = (left + j * cell[0], top + i * cell[1])
            pen.box(at, cell, "hatch" if state in "#?" else "none")
            middle = (at[0] + cell[0] / 2, at[1] + cell[1] / 2)
            if state == "o":
                pen.dot(middle, 5, full=False)
            if state == "?":
                pen.dot(middle, 9, full=False)
                pen.text((middle[0], middle[1] + 5), "?", anchor="middle", size=13, bold=True)
    for j, name in enumerate(columns):
        at = (left + (j + 0.5) * cell[0], top - 8)
        pen.text(at, name, anchor="middle", size=13)
