"""One offline HTML file per language: no script, strict policy, pictures and formulas inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import groupby
from typing import Any

from impact_eval.report.blocks import (
    Absent,
    AnyBlock,
    Cell,
    Column,
    Decision,
    Evidence,
    Figure,
    Form,
    Formula,
    Heading,
    Limitation,
    Masthead,
    Messages,
    Note,
    Number,
    Paragraph,
    Progress,
    Table,
    Withheld,
)
from impact_eval.report.figures.gallery import picture_of
from impact_eval.report.quantities import period_words
from impact_eval.report.texts import PageTexts, Texts

LEVELS = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell in one language: its text, how it is set, and a title for what is withheld."""

    text: str
    css: str = ""
    title: str | None = None


@dataclass
class Writer:
    """Turn blocks into what the templates print, in one language; numbers figures and tables.

    A fragment beside others is not numbered, and the prefix keeps its identifiers apart.
    """

    texts: Texts
    pictures: bool = True
    numbered: bool = True
    prefix: str = ""
    tables: int = 0
    figures: int = 0
    used: dict[str, int] = field(default_factory=dict)

    def anchor(self, wanted: str) -> str:
        """Return an identifier that no other element has."""
        wanted = f"{self.prefix}{wanted}"
        count = self.used.get(wanted, 0) + 1
        self.used[wanted] = count
        return wanted if count == 1 else f"{wanted}-{count}"

    def views(self, blocks: Iterable[AnyBlock]) -> Iterator[dict[str, Any]]:
        """Yield one dictionary per block; neighbouring decisions (or limitations) form one list."""
        for kind, group in groupby(blocks, key=lambda block: block.kind):
            items = list(group)
            if kind == "progress":
                continue
            if kind in ("decision", "limitation"):
                yield {"kind": f"{kind}s", "items": [self.view(item) for item in items]}
                continue
            if kind == "number" and len(items) > 1:
                yield {"kind": "numbers", "items": [self.view(item) for item in items]}
                continue
            for item in items:
                yield self.view(item)

    def view(self, block: AnyBlock) -> dict[str, Any]:  # noqa: PLR0911 - one line per kind
        """Return one block as texts."""
        say = self.texts.words
        match block:
            case Heading():
                name = self.anchor(block.anchor or f"h{block.level}")
                return {
                    "kind": "heading",
                    "level": block.level,
                    "text": say(block.words),
                    "id": name,
                }
            case Paragraph():
                text = " ".join(say(words) for words in block.words)
                return {"kind": "paragraph", "text": text, "level": block.evidence_level}
            case Messages():
                title = None if block.title is None else say(block.title)
                items = [say(item) for item in block.items]
                return {
                    "kind": "messages",
                    "title": title,
                    "items": items,
                    "ordered": block.ordered,
                }
            case Number():
                return self._number(block)
            case Evidence():
                return self._evidence(block)
            case Table():
                return self._table(block)
            case Figure():
                return self._figure(block)
            case Formula():
                return {"kind": "formula", "math": mathml(block.latex), "alt": say(block.alt)}
            case Note():
                return {"kind": "note", "text": say(block.words), "tone": block.tone}
            case Limitation():
                repair = None if block.repair is None else say(block.repair)
                return {
                    "kind": "limitation",
                    "text": say(block.words),
                    "repair": repair,
                    "severity": block.severity,
                }
            case Decision():
                status = self.texts.say(f"report.decision.{block.status}")
                return {"kind": "decision", "text": say(block.words), "status": status}
            case Progress():
                return {"kind": "progress", "text": say(block.step)}

    def _number(self, block: Number) -> dict[str, Any]:
        texts = self.texts
        interval = None
        if block.low is not None and block.high is not None:
            interval = texts.say(
                "report.number.interval",
                low=texts.show(block.low, block.form),
                high=texts.show(block.high, block.form),
                level=block.conf_level if block.conf_level is not None else 0.95,
            )
        people = None
        if isinstance(block.n, Withheld):
            people = texts.say("report.number.n_withheld")
        elif block.n is not None:
            code = "n" if block.counted == "people" else block.counted
            people = texts.say(f"report.number.{code}", n=block.n)
        return {
            "kind": "number",
            "label": texts.words(block.label),
            "value": self.cell(block.value, block.form).text,
            "unit": None if block.unit is None else texts.words(block.unit),
            "interval": interval,
            "people": people,
            "reading": None if block.reading is None else texts.words(block.reading),
            "headline": block.headline,
        }

    def _evidence(self, block: Evidence) -> dict[str, Any]:
        texts = self.texts
        steps = [
            {
                "number": level,
                "short": texts.say(f"report.level.short.{level}"),
                "state": "here" if level == block.level else "past" if level < block.level else "",
            }
            for level in LEVELS
        ]
        return {
            "kind": "evidence",
            "level": block.level,
            "title": texts.say("report.level.title", level=block.level),
            "name": texts.say(f"report.level.basis.{block.level}"),
            "meaning": texts.say(f"report.level.meaning.{block.level}"),
            "steps": steps,
            "reasons": [texts.words(reason) for reason in block.reasons],
            "raise_title": texts.say("report.level.raise_title"),
            "raise_by": [texts.words(way) for way in block.raise_by],
        }

    def _table(self, table: Table, figure: str | None = None) -> dict[str, Any]:
        texts = self.texts
        notes = [texts.words(note) for note in table.notes]
        notes += [note for note in self._cell_notes(table) if note not in notes]
        name = self.anchor(f"{figure}-data" if figure else "table")
        caption = texts.words(table.caption)
        if figure is None and self.numbered:
            self.tables += 1
            caption = texts.say("report.table_caption", n=self.tables, caption=caption)
        return {
            "kind": "table",
            "id": name,
            "caption": caption,
            "head": [self._head(column) for column in table.columns],
            "rows": [
                {
                    "strong": index in table.emphasis,
                    "cells": [
                        {"header": column.header, "cell": self.cell(cell, column.form)}
                        for column, cell in zip(table.columns, row, strict=True)
                    ],
                }
                for index, row in enumerate(table.rows)
            ],
            "notes": notes,
        }

    def _head(self, column: Column) -> dict[str, str | None]:
        unit = None if column.unit is None else self.texts.words(column.unit)
        css = "num" if column.form.numeric else ""
        return {"text": self.texts.words(column.label), "unit": unit, "css": css}

    def _cell_notes(self, table: Table) -> list[str]:
        cells = [cell for row in table.rows for cell in row]
        notes = [
            self.texts.say("report.absent_note", reason=self._absent(cell))
            for cell in cells
            if isinstance(cell, Absent)
        ]
        if any(isinstance(cell, Withheld) for cell in cells):
            notes.append(self.texts.say("report.withheld_note"))
        return list(dict.fromkeys(notes))

    def _absent(self, cell: Absent) -> str:
        values = cell.model_dump()["values"]
        return self.texts.first(f"reason.{cell.reason}", f"finding.{cell.reason}", **values)

    def cell(self, cell: Cell, form: Form) -> ShownCell:
        """Return one cell in words; what is withheld or absent says so."""
        css = "num" if form.numeric else ""
        match cell:
            case Withheld():
                mark = self.texts.say("report.withheld_mark")
                return ShownCell(mark, f"{css} withheld", self.texts.say("report.withheld_title"))
            case Absent():
                mark = self.texts.say("report.absent_mark")
                return ShownCell(mark, f"{css} absent", self._absent(cell))
            case str() if form is Form.LABEL:
                return ShownCell(self.texts.label(cell), css)
            case str() | bool() | int() | float() | None:
                fmt = None if form in (Form.TEXT, Form.LABEL, Form.PLAIN) else form.value
                return ShownCell(self.texts.show(cell, fmt), css)
            case _:
                return ShownCell(self.texts.words(cell), css)

    def _figure(self, block: Figure) -> dict[str, Any]:
        self.figures += 1
        number = self.figures
        alt = " ".join(self.texts.words(words) for words in block.alt)
        title = self.texts.words(block.question)
        if self.numbered:
            title = self.texts.say("report.figure_title", n=number, question=title)
        return {
            "kind": "figure",
            "id": self.anchor("figure"),
            "title": title,
            "alt": alt,
            "caption": None if block.caption is None else self.texts.words(block.caption),
            "picture": self._picture(block) if self.pictures else None,
            "data_title": self.texts.say("report.figure_data"),
            "table": self._table(block.data, figure=f"figure-{number}"),
        }

    def _picture(self, block: Figure) -> dict[str, Any]:
        picture = picture_of(block, self.texts)
        return {
            "data": base64.b64encode(picture.png).decode("ascii"),
            "width": picture.width,
            "height": picture.height,
        }


@lru_cache(maxsize=1)
def page_environment() -> Any:
    """Return the templates of our pages: every value is escaped, every name must be given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("impact_eval.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=4)
def style_sheet(name: str) -> str:
    """Return a style sheet of our pages."""
    folder = resources.files("impact_eval.report").joinpath("templates")
    return folder.joinpath(name).read_text(encoding="utf-8").strip()


def policy(style: str) -> str:
    """Return the content security policy: this style sheet, inline pictures, nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def mathml(latex: str) -> Any:
    """Return a formula as MathML, or None when it holds anything but mathematics."""
    import latex2mathml.converter
    from defusedxml.ElementTree import fromstring
    from markupsafe import Markup

    try:
        text = str(latex2mathml.converter.convert(latex, display="block"))
        root = fromstring(text)
    except Exception:  # noqa: BLE001 - a formula that cannot be set is read aloud instead
        return None
    known = ("math", "m", "semantics")
    tags = {element.tag.rsplit("}", 1)[-1] for element in root.iter()}
    return Markup(text) if all(tag.startswith(known) for tag in tags) else None


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page: its heading and what follows."""

    heading: dict[str, Any] | None
    views: list[dict[str, Any]]


def grouped(views: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return views in order, an evidence level put beside the headline number it follows."""
    out: list[dict[str, Any]] = []
    for view in views:
        last = out[-1] if out else {}
        if view["kind"] == "evidence" and last.get("headline"):
            out[-1] = {"kind": "answer", "number": last, "evidence": view}
        else:
            out.append(view)
    return out


def sections_of(
    views: Sequence[dict[str, Any]],
) -> tuple[dict[str, Any] | None, list[Section]]:
    """Return the title, and the sections that headings of level 2 open."""
    title: dict[str, Any] | None = None
    sections: list[Section] = []
    for view in views:
        if view["kind"] == "heading" and view["level"] == 1 and title is None:
            title = view
        elif view["kind"] == "heading" and view["level"] <= 2:
            sections.append(Section(view, []))
        else:
            if not sections:
                sections.append(Section(None, []))
            sections[-1].views.append(view)
    return title, sections


def meta_lines(meta: Masthead, texts: Texts) -> list[tuple[str, str]]:
    """Return what the head of a report says of the study, as labels and texts."""
    out = []
    for name in ("territory", "contract", "pillar", "operator", "period", "date"):
        value = meta.get(name)
        if not value:
            continue
        if name == "period" and isinstance(value, (list, tuple)):
            value = period_words(value)
        out.append((texts.say(f"report.meta.{name}"), texts.words(value)))
    return out


def page_mark(meta: Masthead, texts: Texts) -> str | None:
    """Return what every page bears at its head; None for most reports."""
    mark = meta.get("mark")
    return texts.words(mark) if mark else None


def render_html(blocks: Sequence[AnyBlock], meta: Masthead, language: str) -> str:
    """Write a report as one HTML file that needs nothing else.

    The same blocks, `meta` and language give the same bytes.

    Parameters
    ----------
    blocks : sequence of block
        The first heading of level 1 is the title; each heading of level 2 opens a section; the
        section of anchor `summary` is the decision-maker's page.
    meta : mapping
        `title` (used when no heading of level 1 is there), and what the head of the page shows when
        given: `territory`, `contract`, `pillar`, `operator`, `date` — texts or words; `period`, its
        first and last day or month; `footer`, a text or words; `mark`, what every page bears
        (`edition_mark`).
    language : str

    Returns
    -------
    str
        A complete document, encoded in UTF-8 when written.
    """
    texts = PageTexts(language)
    writer = Writer(texts)
    title, sections = sections_of(grouped(writer.views(blocks)))
    mark = page_mark(meta, texts)
    style = style_sheet("report.css") + (style_sheet("mark.css") if mark else "")
    lines = [{"label": label, "text": text} for label, text in meta_lines(meta, texts)]
    shown = title["text"] if title else texts.words(meta.get("title"))
    page = (
        page_environment()
        .get_template("report.html.j2")
        .render(
            language=language,
            title=shown,
            style=_safe(style),
            policy=policy(style),
            lines=lines,
            sections=sections,
            say=texts.say,
            footer=texts.words(meta["footer"]) if meta.get("footer") else None,
            mark=mark,
        )
    )
    return str(page).strip() + "\n"


def preview_html(blocks: Sequence[AnyBlock], language: str) -> str:
    """Write blocks as a fragment for a notebook's cell."""
    texts = PageTexts(language)
    views = list(Writer(texts).views(blocks))
    page = (
        page_environment()
        .get_template("preview.html.j2")
        .render(
            language=language, views=views, style=_safe(style_sheet("preview.css")), say=texts.say
        )
    )
    return str(page).strip() + "\n"


def _safe(style: str) -> Any:
    from markupsafe import Markup

    return Markup(style)
