"""One schematic per method: what is compared to what, in black and white, in both languages."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from drawing import DASHED, DOTTED, Drawing, grid

_FILE = tomllib.loads(Path(__file__).with_name("figure_words.toml").read_text("utf-8"))
LANGUAGES = ("en", "fr")


@dataclass(frozen=True)
class Figure:
    """A picture and, by language, the text that stands for it."""

    draw: Callable[[Callable[[str], str]], Drawing]
    alt: Mapping[str, str]

    def svg(self, language: str) -> str:
        """Return the picture of one language."""
        words = _FILE["word"]
        return self.draw(lambda code: str(words[code][language])).svg(self.alt[language])


Say = Callable[[str], str]


def _two_lines(say: Say) -> Drawing:
    pen = Drawing()
    pen.axes(60, 40, 470, 250, say("time"))
    pen.mark_date(260, 40, 250, say("start"))
    pen.line([(60, 215), (260, 185), (470, 153)], DASHED)
    pen.line([(60, 175), (260, 145), (470, 70)], width=3)
    pen.line([(260, 145), (470, 113)], DOTTED)
    pen.arrow((455, 78), (455, 112), both=True)
    pen.text((480, 62), say("treated"), bold=True)
    pen.text((480, 96), say("effect"), bold=True)
    pen.text((480, 118), say("without"), size=13)
    pen.text((480, 166), say("comparison"))
    return pen


def _before_after(say: Say) -> Drawing:
    pen = Drawing()
    pen.axes(60, 40, 470, 250, say("time"))
    pen.mark_date(260, 40, 250, say("start"))
    pen.line([(120, 200), (410, 110)], width=3)
    pen.dot((120, 200), 7)
    pen.dot((410, 110), 7)
    pen.line([(120, 200), (430, 200)], DOTTED)
    pen.arrow((410, 122), (410, 198), both=True)
    pen.text((120, 226), say("before"), anchor="middle")
    pen.text((410, 94), say("after"), anchor="middle")
    pen.text((424, 160), f"{say('change')}  ≠  {say('effect')}", bold=True)
    return pen


def _means(say: Say, names: tuple[str, str] = ("drawn", "not_drawn")) -> Drawing:
    pen = Drawing()
    pen.line([(110, 40), (110, 240), (470, 240)], width=1.2)
    for x, y, name, full in ((200, 100, names[0], True), (380, 170, names[1], False)):
        pen.line([(x, y - 32), (x, y + 32)], width=1.6)
        pen.dot((x, y), 8, full=full)
        pen.text((x, 262), say(name), anchor="middle")
    pen.line([(208, 100), (460, 100)], DOTTED)
    pen.arrow((440, 104), (440, 168), both=True)
    pen.line([(388, 170), (460, 170)], DOTTED)
    pen.text((452, 142), say("effect"), bold=True)
    return pen


_WAVES = ("  ####", "    ##", "      ")


def _staggered(
    cells: tuple[str, ...], rows: Callable[[Say], list[str]]
) -> Callable[[Say], Drawing]:
    def draw(say: Say) -> Drawing:
        pen = Drawing(height=210)
        grid(pen, (150, 60), cells, rows=rows(say), columns=[str(i) for i in range(1, 7)])
        pen.text((150 + 264, 60 + 30 * len(cells) + 22), say("time"), anchor="end", size=13)
        return pen

    return draw


def _waves(say: Say) -> list[str]:
    return [f"{say('wave')} 3", f"{say('wave')} 5", say("never")]


def _callaway(say: Say) -> Drawing:
    pen = _staggered(_WAVES, _waves)(say)
    for row, width in ((0, 3.2), (2, 3.2)):
        for column in (1, 4):
            pen.box((150 + 44 * column, 60 + 30 * row), (44, 30), width=width)
    pen.arrow((216, 45 - 12), (348, 45 - 12))
    pen.text((282, 24), f"{say('change')} ({say('treated')})", anchor="middle", size=13)
    pen.arrow((216, 160), (348, 160))
    pen.text((282, 196), f"− {say('change')} ({say('comparison')})", anchor="middle", size=13)
    pen.text((440, 100), f"= {say('effect')} (3, 5)", bold=True)
    return pen


def _twfe(say: Say) -> Drawing:
    pen = _staggered(_WAVES, _waves)(say)
    pen.box((150 + 88, 60), (176, 30), width=3.2)
    pen.box((150 + 176, 90), (88, 30), width=3.2)
    pen.arrow((400, 112), (300, 80), dash=DASHED)
    pen.text((430, 104), say("already"), size=13)
    pen.text((430, 146), say("shared"), size=13)
    return pen


def _sun(say: Say) -> Drawing:
    pen = Drawing()
    grid(pen, (170, 60), ("  ####", "    ##"), rows=_waves(say)[:2])
    for column in range(6):
        for row, entry in ((0, 2), (1, 4)):
            at = (170 + 44 * column + 22, 60 + 30 * row + 20)
            elapsed = column - entry
            if elapsed != -1:
                pen.text(
                    at, f"{elapsed:+d}" if elapsed else "0", anchor="middle", size=13, bold=True
                )
    pen.text((302, 148), say("elapsed"), anchor="middle", size=13)
    pen.arrow((300, 160), (300, 205))
    pen.line([(170, 240), (434, 240)], width=1.2)
    for i, y in enumerate((238, 243, 236, 215, 202, 196)):
        pen.dot((192 + 44 * i, y), 5, full=i > 2)
    pen.text((448, 206), say("effect"), bold=True)
    return pen


def _imputation(say: Say) -> Drawing:
    pen = Drawing(height=245)
    cells = ("oo????", "oooo??", "oooooo")
    grid(pen, (150, 60), cells, rows=_waves(say), columns=[str(i) for i in range(1, 7)])
    pen.dot((160, 190), 5, full=False)
    pen.text((176, 195), say("seen"), size=13)
    pen.box((148, 208), (24, 18), "hatch")
    pen.dot((160, 217), 8, full=False)
    pen.text((160, 222), "?", anchor="middle", size=12, bold=True)
    pen.text((182, 222), f"{say('rebuilt')} → {say('effect')}", size=13)
    return pen


def _stacked(say: Say) -> Drawing:
    pen = Drawing(height=255)
    for left, entry in ((90, 3), (370, 5)):
        grid(pen, (left, 80), ("  ##", "    "), rows=("", ""), columns=("−2", "−1", "0", "+1"))
        pen.text((left + 88, 44), f"{say('window')} {entry}", anchor="middle", bold=True)
        pen.text(
            (left + 88, 160), f"{say('wave')} {entry} / {say('never')}", anchor="middle", size=13
        )
    pen.text((320, 112), "+", anchor="middle", size=22, bold=True)
    pen.arrow((310, 180), (310, 215))
    pen.text((310, 240), say("effect"), anchor="middle", bold=True)
    return pen


def _switchers(say: Say) -> Drawing:
    pen = Drawing(height=170)
    rows = [f"{say('unit')} {name}" for name in "ABC"]
    grid(
        pen,
        (150, 60),
        ("  ### ", "######", "      "),
        rows=rows,
        columns=[str(i) for i in range(1, 7)],
    )
    pen.arrow((226, 40), (252, 40))
    pen.text((239, 30), "+", anchor="middle", bold=True)
    pen.arrow((358, 40), (384, 40))
    pen.text((371, 30), "−", anchor="middle", bold=True)
    pen.text((430, 80), say("change"), bold=True)
    pen.text((430, 125), say("comparison"), size=13)
    return pen


def _triple(say: Say) -> Drawing:
    pen = Drawing()
    for left, gap, name in ((50, 45, "target"), (360, 8, "other")):
        pen.axes(left, 60, left + 220, 220, say("time"))
        pen.line([(left + 110, 60), (left + 110, 220)], DOTTED, 1.2)
        pen.line([(left, 195), (left + 110, 180), (left + 215, 165)], DASHED)
        pen.line([(left, 160), (left + 110, 145), (left + 215, 130 - gap)], width=3)
        pen.line([(left + 110, 145), (left + 215, 130)], DOTTED)
        pen.arrow((left + 206, 130 - gap + 4), (left + 206, 132), both=gap > 20)
        pen.text((left + 110, 44), say(name), anchor="middle", bold=True)
    pen.text((315, 140), "−", anchor="middle", size=26, bold=True)
    pen.text((320, 275), f"= {say('effect')}", anchor="middle", bold=True)
    return pen


def _wald(say: Say) -> Drawing:
    pen = Drawing()
    for top, gap, name in ((40, 30, "outcome"), (175, 45, "take_up")):
        pen.axes(60, top, 350, top + 95, "")
        pen.line([(205, top), (205, top + 95)], DOTTED, 1.2)
        pen.line([(60, top + 80), (205, top + 72), (350, top + 64)], DASHED)
        pen.line([(60, top + 60), (205, top + 52), (350, top + 44 - gap)], width=3)
        pen.line([(205, top + 52), (350, top + 44)], DOTTED)
        pen.arrow((340, top + 46 - gap), (340, top + 45), both=True)
        pen.text((365, top + 34), say(name))
    pen.line([(365, 150), (470, 150)], width=2)
    pen.text((484, 155), f"= {say('effect')}", bold=True)
    return pen


def _synthetic(say: Say, *, weighted_periods: bool) -> Drawing:
    pen = Drawing()
    pen.axes(60, 40, 450, 250, say("time"))
    pen.mark_date(290, 40, 250, say("start"))
    for shift in (0, 34, 62):
        pen.line(
            [(60, 210 - shift), (175, 198 - shift / 2), (290, 190 - shift), (450, 178 - shift / 2)],
            DASHED,
            1,
            "#777",
        )
    shift = 22 if weighted_periods else 0
    pen.line(
        [(60, 178 + shift), (175, 170 + shift), (290, 152 + shift), (450, 140 + shift)], DASHED, 2.4
    )
    pen.line([(60, 176), (175, 172), (290, 151), (450, 84)], width=3.2)
    if weighted_periods:
        pen.line([(290, 151), (450, 140)], DOTTED)
        for x, radius in ((90, 2), (140, 3), (190, 5), (240, 8)):
            pen.dot((x, 238), radius)
    pen.arrow((438, 92), (438, 138), both=True)
    pen.text((460, 80), say("treated"), bold=True)
    pen.text((460, 118), say("effect"), bold=True)
    pen.text((460, 144 + shift), say("mix"), size=13)
    pen.text((460, 190), say("donors"), size=13)
    return pen


def _matching(say: Say) -> Drawing:
    pen = Drawing()
    pen.axes(60, 40, 500, 250, say("profile"))
    pairs = [
        ((120, 90), (132, 150)),
        ((210, 80), (200, 165)),
        ((300, 110), (312, 178)),
        ((400, 70), (388, 140)),
    ]
    for one, other in pairs:
        pen.arrow(one, (other[0], other[1] - 8), both=False, dash=DASHED)
        pen.dot(one, 6)
        pen.dot(other, 6, full=False)
    for at in ((160, 220), (250, 215), (460, 200)):
        pen.dot(at, 3, full=False)
    pen.text((512, 80), say("treated"), bold=True)
    pen.text((512, 160), say("comparison"))
    return pen


def _weighting(say: Say) -> Drawing:
    pen = Drawing()
    pen.axes(60, 40, 500, 250, say("profile"))
    for x, y in ((330, 90), (380, 80), (420, 105), (290, 110)):
        pen.dot((x, y), 6)
    for x, y, radius in (
        (100, 180, 2),
        (160, 190, 3),
        (220, 175, 5),
        (290, 185, 9),
        (350, 178, 12),
        (410, 190, 13),
    ):
        pen.dot((x, y), radius, full=False)
    pen.text((512, 95), say("treated"), bold=True)
    pen.text((512, 185), say("weighted").replace(" ", "|", 1))
    return pen


def _doubly(say: Say) -> Drawing:
    pen = _weighting(say)
    pen.line([(80, 215), (480, 150)], DOTTED, 2)
    pen.text((300, 236), say("model"), anchor="middle", size=13)
    return pen


def _instrument(say: Say) -> Drawing:
    pen = Drawing()
    for x, name in ((40, "draw"), (250, "action"), (460, "outcome")):
        pen.box((x, 160), (140, 60), "#fff", width=1.8)
        words = say(name)
        pen.text((x + 70, 186 if "|" in words else 195), words, anchor="middle")
    pen.arrow((180, 190), (248, 190))
    pen.arrow((390, 190), (458, 190))
    pen.text((424, 178), say("effect"), anchor="middle", size=13, bold=True)
    pen.box((340, 40), (180, 44), "#fff", dash=DASHED)
    pen.text((430, 67), say("unseen"), anchor="middle", size=13)
    pen.arrow((390, 86), (330, 158), dash=DASHED)
    pen.arrow((480, 86), (530, 158), dash=DASHED)
    return pen


def _discontinuity(say: Say) -> Drawing:
    pen = Drawing()
    pen.axes(60, 40, 500, 250, say("score"))
    pen.mark_date(280, 40, 250, say("threshold"))
    for i in range(9):
        pen.dot((80 + 24 * i, 210 - 5 * i + (7 if i % 2 else -6)), 4, full=False)
        pen.dot((292 + 24 * i, 120 - 5 * i + (7 if i % 2 else -6)), 4)
    pen.line([(60, 214), (280, 168)], width=2.6)
    pen.line([(280, 122), (500, 76)], width=2.6)
    pen.arrow((280, 126), (280, 166), both=True)
    pen.text((292, 152), say("effect"), bold=True)
    return pen


def _interrupted(say: Say) -> Drawing:
    pen = Drawing()
    pen.axes(60, 40, 470, 250, say("time"))
    pen.mark_date(260, 40, 250, say("start"))
    for i in range(8):
        pen.dot((75 + 24 * i, 205 - 5 * i + (5 if i % 2 else -5)), 4)
        pen.dot((272 + 24 * i, 135 - 7 * i + (5 if i % 2 else -5)), 4)
    pen.line([(60, 208), (260, 166)], width=2.4)
    pen.line([(260, 166), (470, 122)], DOTTED, 2.4)
    pen.line([(260, 139), (470, 78)], width=2.4)
    pen.arrow((458, 84), (458, 122), both=True)
    pen.text((480, 84), say("effect"), bold=True)
    pen.text((480, 128), say("trend"), size=13)
    return pen


_DRAWN: dict[str, Callable[[Say], Drawing]] = {
    "before_after": _before_after,
    "difference_in_means": _means,
    "did": _two_lines,
    "twfe": _twfe,
    "callaway_santanna": _callaway,
    "sun_abraham": _sun,
    "imputation": _imputation,
    "stacked": _stacked,
    "chaisemartin_dhaultfoeuille": _switchers,
    "triple_difference": _triple,
    "wald_did": _wald,
    "synthetic_control": partial(_synthetic, weighted_periods=False),
    "synthetic_did": partial(_synthetic, weighted_periods=True),
    "matching": _matching,
    "weighting": _weighting,
    "doubly_robust": _doubly,
    "instrumental_variable": _instrument,
    "regression_discontinuity": _discontinuity,
    "interrupted_time_series": _interrupted,
    "two_groups": partial(_means, names=("treated", "comparison")),
}
FIGURES = {name: Figure(draw, _FILE["alt"][name]) for name, draw in _DRAWN.items()}


def figure_of(name: str, *, over_time: bool) -> Figure:
    """Return the schematic of a method; one we do not know gets the general one of its data."""
    return FIGURES.get(name) or FIGURES["did" if over_time else "two_groups"]
