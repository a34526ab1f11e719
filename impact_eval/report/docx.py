"""A Word document from the same blocks, with real styles: to be annotated by a service.

Headings, lists, captions and tables use Word's own styles, header rows repeat, every picture has
its alternative text, and the file is the same every time (its archive carries a fixed date).
"""

from __future__ import annotations

import base64
import datetime
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from impact_eval.core.archives import FIXED_DATE, without_moments
from impact_eval.report.blocks import AnyBlock, Masthead
from impact_eval.report.html import Writer, grouped, meta_lines, page_mark
from impact_eval.report.languages.language import formats_of
from impact_eval.report.texts import PageTexts, Texts

PICTURE_WIDTH = 4.6  # inches
PICTURE_HEIGHT = 8.2
View = Mapping[str, Any]


def render_docx(blocks: Sequence[AnyBlock], meta: Masthead, language: str) -> bytes:
    """Write a report as a Word document.

    Parameters
    ----------
    blocks : sequence of block
        After the disclosure gate.
    meta : mapping
        As in `render_html`.
    language : str

    Returns
    -------
    bytes
        The same blocks, `meta` and language give the same bytes.
    """
    from docx import Document

    texts = PageTexts(language)
    document = Document()
    _prepare(document, meta, texts)
    views = grouped(Writer(texts).views(blocks))
    for view in views:
        _WRITERS[view["kind"]](document, view, texts)
        if view["kind"] == "heading" and view["level"] == 1:
            _head(document, meta, texts)
    document.add_paragraph(texts.say("report.footer"), style="Caption")
    return _same_every_time(document)


def _prepare(document: Any, meta: Masthead, texts: Texts) -> None:
    """Set the page, the language, the styles and the properties."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt, RGBColor

    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    section.top_margin = section.bottom_margin = Cm(2)
    deep = RGBColor(0x12, 0x35, 0x5B)
    for name, font, size in (
        ("Normal", "Calibri", 10.5),
        ("Title", "Cambria", 22),
        ("Heading 1", "Cambria", 16),
        ("Heading 2", "Cambria", 12.5),
        ("Caption", "Calibri", 9),
    ):
        style = document.styles[name]
        style.font.name, style.font.size = font, Pt(size)
        if name not in ("Normal", "Caption"):
            style.font.color.rgb = deep
    mark = page_mark(meta, texts)
    if mark is not None:
        paragraph = section.header.paragraphs[0]
        paragraph.add_run(mark).bold = True
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _set_language(document, _tag(texts.language))
    core = document.core_properties
    core.title = texts.words(meta["title"]) if meta.get("title") else ""
    core.author = texts.words(meta["operator"]) if meta.get("operator") else ""
    core.language = _tag(texts.language)
    core.comments = ""


def _set_language(document: Any, code: str) -> None:
    from docx.oxml.ns import qn

    for element in document.styles.element.iter(qn("w:lang")):
        element.set(qn("w:val"), code)


def _tag(language: str) -> str:
    """Return a language as documents declare it: `en-GB`."""
    return f"{language}-{formats_of(language).region}"


def _head(document: Any, meta: Masthead, texts: Texts) -> None:
    for label, text in meta_lines(meta, texts):
        paragraph = document.add_paragraph()
        paragraph.add_run(f"{label}{formats_of(texts.language).colon}")
        paragraph.add_run(text).bold = True
        paragraph.paragraph_format.space_after = 0


def _heading(document: Any, view: View, texts: Texts) -> None:
    document.add_heading(view["text"], level=view["level"] - 1)


def _paragraph(document: Any, view: View, texts: Texts) -> None:
    run = document.add_paragraph().add_run(view["text"])
    run.bold = view["level"] is not None


def _messages(document: Any, view: View, texts: Texts) -> None:
    if view["title"]:
        document.add_heading(view["title"], level=2)
    style = "List Number" if view["ordered"] else "List Bullet"
    for item in view["items"]:
        document.add_paragraph(item, style=style)


def _number(document: Any, view: View, texts: Texts) -> None:
    from docx.shared import Pt

    document.add_paragraph(view["label"], style="Caption")
    paragraph = document.add_paragraph()
    run = paragraph.add_run(view["value"])
    run.bold = True
    run.font.size = Pt(30 if view["headline"] else 15)
    if view["unit"]:
        paragraph.add_run(f" {view['unit']}")
    for key in ("interval", "reading", "people"):
        if view[key]:
            document.add_paragraph(view[key])


def _numbers(document: Any, view: View, texts: Texts) -> None:
    for item in view["items"]:
        _number(document, item, texts)


def _evidence(document: Any, view: View, texts: Texts) -> None:
    paragraph = document.add_paragraph()
    paragraph.add_run(f"{view['title']}. {view['name']}. ").bold = True
    paragraph.add_run(view["meaning"])
    for reason in view["reasons"]:
        document.add_paragraph(reason, style="List Bullet")
    if view["raise_by"]:
        document.add_paragraph().add_run(view["raise_title"]).bold = True
        for way in view["raise_by"]:
            document.add_paragraph(way, style="List Bullet")


def _answer(document: Any, view: View, texts: Texts) -> None:
    _number(document, view["number"], texts)
    _evidence(document, view["evidence"], texts)


def _table(document: Any, view: View, texts: Texts) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    document.add_paragraph(view["caption"], style="Caption").paragraph_format.keep_with_next = True
    table = document.add_table(rows=1, cols=len(view["head"]), style="Light List Accent 1")
    for cell, head in zip(table.rows[0].cells, view["head"], strict=True):
        cell.text = f"{head['text']} ({head['unit']})" if head["unit"] else head["text"]
    _repeat_header(table.rows[0])
    for row in view["rows"]:
        cells = table.add_row().cells
        for cell, item in zip(cells, row["cells"], strict=True):
            paragraph = cell.paragraphs[0]
            run = paragraph.add_run(item["cell"].text)
            run.bold = bool(row["strong"])
            if item["cell"].css.startswith("num"):
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for note in view["notes"]:
        document.add_paragraph(note, style="Caption")


def _repeat_header(row: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _figure(document: Any, view: View, texts: Texts) -> None:
    from docx.shared import Inches

    title = document.add_paragraph(view["title"], style="Caption")
    title.paragraph_format.keep_with_next = True
    if view["picture"]:
        ratio = view["picture"]["width"] / view["picture"]["height"]
        width = min(PICTURE_WIDTH, PICTURE_HEIGHT * ratio)
        content = io.BytesIO(base64.b64decode(view["picture"]["data"]))
        shape = document.add_picture(content, width=Inches(width))
        properties = shape._inline.docPr
        properties.set("descr", view["alt"])
        properties.set("title", view["title"])
    if view["caption"]:
        document.add_paragraph(view["caption"], style="Caption")
    document.add_paragraph(view["alt"], style="Caption")
    _table(document, view["table"], texts)


def _formula(document: Any, view: View, texts: Texts) -> None:
    document.add_paragraph(view["alt"])


def _note(document: Any, view: View, texts: Texts) -> None:
    document.add_paragraph(view["text"], style="Intense Quote")


def _limitations(document: Any, view: View, texts: Texts) -> None:
    for item in view["items"]:
        paragraph = document.add_paragraph(item["text"], style="List Bullet")
        if item["repair"]:
            paragraph.add_run(f" {texts.say('report.repair_title')} {item['repair']}").italic = True


def _decisions(document: Any, view: View, texts: Texts) -> None:
    document.add_heading(texts.say("report.decision.title"), level=2)
    for item in view["items"]:
        paragraph = document.add_paragraph(style="List Bullet")
        paragraph.add_run(f"{item['status']}. ").bold = True
        paragraph.add_run(item["text"])


_WRITERS: Mapping[str, Callable[[Any, View, Texts], None]] = {
    "heading": _heading,
    "paragraph": _paragraph,
    "messages": _messages,
    "number": _number,
    "numbers": _numbers,
    "evidence": _evidence,
    "answer": _answer,
    "table": _table,
    "figure": _figure,
    "formula": _formula,
    "note": _note,
    "limitations": _limitations,
    "decisions": _decisions,
}


def _same_every_time(document: Any) -> bytes:
    """Return the document as bytes, its archive in a fixed order with a fixed date."""
    moment = datetime.datetime(*FIXED_DATE, tzinfo=datetime.UTC).replace(tzinfo=None)
    document.core_properties.created = document.core_properties.modified = moment
    raw = io.BytesIO()
    document.save(raw)
    return without_moments(raw.getvalue())
