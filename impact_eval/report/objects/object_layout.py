"""A list of views on a screen: at most 25 lines of at most 100 characters, whatever the names."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impact_eval.report.terminal import printable
from impact_eval.report.texts import Texts

WIDTH, LINES = 100, 25
_CELL = 34  # characters of a table's cell
_SHORT = 3  # lines of a paragraph when the whole would not fit
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")  # the no-break spaces of French stay
_MARKS: Mapping[str, str] = {"error": "! ", "warning": "! ", "info": "- "}

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Detail:
    """How much is told: what does not fit is given up in this order."""

    blanks: bool = True
    repairs: bool = True
    longest: int | None = None


_DETAILS = (
    _Detail(),
    _Detail(blanks=False),
    _Detail(blanks=False, repairs=False),
    _Detail(blanks=False, repairs=False, longest=_SHORT),
)


def screen(views: Sequence[View], texts: Texts) -> str:
    """Lay views out as a text.

    Parameters
    ----------
    views : sequence of mapping
        What `Writer.views` gives: the same words as the page of HTML.
    texts : Texts

    Returns
    -------
    str
        When all does not fit, the blank lines go first, then how to mend what was noticed, then the
        ends of long paragraphs, then the last lines: a line with “…” says so.
    """
    lines: list[str] = []
    for detail in _DETAILS:
        lines = _lines(views, texts, detail)
        if len(lines) <= LINES:
            return "\n".join(lines)
    return "\n".join([*lines[: LINES - 1], "…"])


def _lines(views: Sequence[View], texts: Texts, detail: _Detail) -> list[str]:
    out: list[str] = []
    for view in views:
        made = _view(view, texts, detail)
        apart = view["kind"] in ("table", "limitations", "note") or _after_heading(out, views)
        if out and made and apart and detail.blanks:
            out.append("")
        out += made
    return out


def _after_heading(out: Sequence[str], views: Sequence[View]) -> bool:
    return len(out) == 1 and views[0]["kind"] == "heading"


def _view(view: View, texts: Texts, detail: _Detail) -> list[str]:
    kind = view["kind"]
    if kind in ("heading", "paragraph", "note"):
        return _wrapped(view["text"], detail=detail)
    if kind == "messages":
        head = [] if view["title"] is None else _wrapped(view["title"], detail=detail)
        return head + [
            line for item in view["items"] for line in _wrapped(item, "- ", detail=detail)
        ]
    if kind == "limitations":
        return [line for item in view["items"] for line in _limitation(item, texts, detail)]
    if kind == "table":
        return _table(view, detail)
    raise ValueError(kind)


def _limitation(item: View, texts: Texts, detail: _Detail) -> list[str]:
    out = _wrapped(item["text"], _MARKS[item["severity"]], detail=detail)
    if item["repair"] and detail.repairs:
        repair = f"{texts.say('report.repair_title')} {item['repair']}"
        out += _wrapped(repair, "  ", detail=detail)
    return out


def _wrapped(text: str, mark: str = "", *, detail: _Detail) -> list[str]:
    return textwrap.wrap(
        clean(text),
        WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_on_hyphens=False,
        max_lines=detail.longest,
        placeholder=" …",
    )


def _table(view: View, detail: _Detail) -> list[str]:
    """Return a table: its caption, its heads, its rows; numbers stand flush right."""
    heads = [_cut(f"{h['text']} ({h['unit']})" if h["unit"] else h["text"]) for h in view["head"]]
    right = ["num" in (h["css"] or "") for h in view["head"]]
    rows = [[_cut(item["cell"].text) for item in row["cells"]] for row in view["rows"]]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    out = _wrapped(view["caption"], detail=detail)
    for cells in (heads, *rows):
        told = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(cells, widths, right, strict=True)
        ]
        out.append(f"  {'  '.join(told)}"[:WIDTH].rstrip(" "))
    for note in view["notes"]:
        out += _wrapped(note, "  ", detail=detail)
    return out


def clean(text: str) -> str:
    """Return a text on one line, without what would command a terminal."""
    return printable(_BLANKS.sub(" ", text)).strip(" ")


def _cut(text: str) -> str:
    told = clean(text)
    return told if len(told) <= _CELL else f"{told[: _CELL - 1]}…"
